"""What a name costs in its place in a header, which diagnostic it has, and what may come after it.

Hard rules come before costs. Between two special tokens, a name that nothing introduces is read only as far as the
words there allow, see `CLEAN` and the other modes: two plain words are text; a tool must be the whole of its place.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .header_automaton import HeaderEdge, Sets, State, without_signs
from .header_names import JOINTS_OF_TOOLS, LETTER, SINGLE_WORD, Name
from .header_reading import Edit
from .header_text import ARGUMENTS
from .named_tools import PUNCTUATION
from .searched_header import SearchedHeader

CLEAN, NAMED, TYPED, WORD, WORDS, BARE, PLAIN = range(7)
"""What has come between the last special token and a place, apart from what is introduced: nothing; a channel; a
content type; a plain word; several; a tool with a namespace, or after a near miss of ` to=`; one without."""

Values = tuple[str | bool | None, ...]


class SearchNode(NamedTuple):
    """A place in the header, the state of the automaton there, and what is known of the path.

    Attributes:
        mode: what has come in the segment, see `CLEAN`.
        marks: what the token before it sets with the next name.
        values: the fields that were read; "" for one that was introduced without a name.
    """

    at: int
    state: State
    mode: int
    marks: Sets
    values: Values


Taken = tuple[int, str, int | None, Sets]


class PlacedNames(SearchedHeader):
    """The names of one header."""

    def value(self, node: SearchNode, field: str) -> str | bool | None:
        return node.values[self.places[field]] if field else None

    def marked(self, node: SearchNode) -> tuple[str, ...]:
        """The fields that the flags of a token before belong to."""
        if not node.marks:
            return ()
        return tuple(
            field for field, flags in self.automaton.marks.items() if any(flag in flags for flag, _ in node.marks)
        )

    def ends_call(self, node: SearchNode, name: Name) -> bool:
        """Whether a channel begins an answer inside of the header of a call, whose arguments never came, or after a
        tool that nothing introduces."""
        is_answer = name.field == self.slots.channel and name.value == self.recovery.answers
        if not (is_answer and self.value(node, self.slots.recipient)):
            return False
        return self.value(node, name.field) not in (None, name.value) or node.at <= self.first_lead

    def taken(self, node: SearchNode, at: int, awaited: tuple[str, ...], name: Name, placed: bool) -> Taken | None:
        """What a name costs where it is, its diagnostic, the mode after it, and what it sets; None for no name."""
        slots, row, mode = self.slots, self.names.row(name.field).costs, node.mode
        sets: Sets = ((name.field, name.value),)
        if mode == PLAIN or (mode == WORDS and not placed and name.field != slots.content_type):
            return None
        if name.how == "known" and not (placed and self.described and self.value(node, slots.role)):
            return None  # only `user:final`
        if name.field == slots.role and self.opened:
            rest = self.word(at)[name.length :].lstrip(JOINTS_OF_TOOLS).lower()
            if rest[:1].isalnum() and not rest.startswith((*self.automaton.recipient_leads, *self.names.all)):
                return None  # `users` and `user_lookup` are names of tools
        if name.field == slots.recipient:
            return self._recipient(node, at, awaited, name, placed)
        if name.field == slots.content_type:
            called = node.marks or self.value(node, slots.recipient)
            is_certain = (called or (placed and self.described)) and name.length == len(self.word(at))
            is_any = name.how or name.field not in self.names.lists
            if (is_any and not placed) or (mode in (WORD, WORDS) and not is_certain):
                return None
            if name.how == "near" and not called and self.may_be_content(at):
                return None
            if mode == BARE and self.goes_on(at, name) and "/" not in self.word(at):
                return None  # `functions.f json:please`; but `functions.f application/json`
            price = self.costs["again"] * (self.value(node, name.field) is not None) + row["lead"] * (not placed)
            kind = "order" if slots.channel in awaited else name.kind
            weak = not called or (name.how == "near" and not self.value(node, slots.recipient))
            return price, kind, mode or (TYPED if weak else CLEAN), sets
        if name.how == "led":
            touches, role = at == node.at and mode == CLEAN, self.value(node, slots.role)
            is_other = role in self.recovery.roles and role not in self.recovery.author.values()
            may_follow = self.targets(node) & self.automaton.before(name.field)
            return (0, "led", None, sets) if touches and is_other and may_follow and self.opened else None
        if name.field == slots.name and placed:
            after_role = self.value(node, slots.role) is not None
            if after_role and self.may_be_content(at):
                return None  # `assistant: Hello`
            answers = self.is_answer(at, name)
            if not (self.described or re.search(r"[^\W_]", name.value)):
                return None  # a sign
            if not (after_role or answers or self.begun):
                return None  # without its token, `functions.f` begins a call
            is_next = answers and self.last_addressed < self.next_special(at)
            is_plain = LETTER.search(name.value) is not None or self.described
            free = name.how != "near" and (after_role or is_next) and is_plain
            is_certain = answers or (self.opened and self.names.tools.is_full(name.value))
            return -name.cost * free, name.kind, None if is_certain else WORD, sets
        if placed:
            may_be_content = self.may_be_content(at)
            if name.how == "unknown" and may_be_content and not self._is_single(self.word(at)):
                return None  # a number in place of a channel, before a stop token
            is_other = name.how == "unknown" or self.goes_on(at, name)
            is_bare = name.field == slots.role and not self.begun  # no plain tool is the whole of its place then
            return 0, name.kind, WORD if is_other else NAMED if is_bare else None, sets
        if name.field == slots.channel:
            return self._bare_channel(node, at, awaited, name)
        is_first = not self.text[1:at].strip()
        if name.field == slots.name and is_first and self.is_answer(at, name):
            return row["lead"], "order", None, (*sets, (slots.role, self.recovery.tool))
        joined = without_signs(self.word(at)[name.length :]) in self.names.channels  # `assistantfinal`
        if name.field != slots.role or (name.how and not joined) or slots.recipient in awaited:
            return None
        price = self.names.cost(slots.role, "lead")
        if mode == WORD and self.value(node, slots.role) is None and self.next_special(at) == at + name.length:
            return 0, "order", NAMED, sets  # `the user`
        if at != self.first:
            return price, "dropped", mode or NAMED, ()
        return (
            0 if joined else price // 2,
            "order",
            NAMED,
            (*sets, *((field, None) for field in (slots.name,) if field)),
        )

    def _is_single(self, word: str) -> bool:
        """Whether an unknown word may be a name. Prose may lack white space, and numbers and values are not names."""
        return SINGLE_WORD.fullmatch(word) is not None and not self.names.is_prose(word)

    def _bare_channel(self, node: SearchNode, at: int, awaited: tuple[str, ...], name: Name) -> Taken | None:
        """A channel without its token."""
        slots, row = self.slots, self.names.row(name.field).costs
        seen = self.value(node, name.field) is not None
        alone = self.has_author_only(node)
        touches = at == node.at > 0 and alone
        sure = name.cost <= self.costs["decorated"]  # `assistant/final`
        word = self.word(at)
        whole = name.how == "near" and word.rstrip(PUNCTUATION) == name.value  # `assistant, final,`
        whole |= word[name.length :] in self.names.all  # `to=functions.f commentaryjson`
        answers = node.mode == BARE and name.value == self.recovery.answers  # `functions.f commentary` may call
        if answers or (name.how and not (whole or (touches and sure))):
            return None
        first = self.begun and alone and node.mode == CLEAN
        kind = "spliced" if seen else "as_type" if node.marks else "bare"
        kind = "as_role" if slots.role in awaited or touches or (self.lacks_start and at == self.first) else kind
        price = row["lead_again" if seen else "lead_at_author" if first else "lead"]
        mode = WORD if self.goes_on(at, name) else CLEAN if first else node.mode or NAMED
        return price, kind, mode, self._with_author(name, awaited)

    def has_author_only(self, node: SearchNode) -> bool:
        return not any(
            v is not None for field, v in zip(self.places, node.values, strict=True) if field != self.slots.role
        )

    def _recipient(self, node: SearchNode, at: int, awaited: tuple[str, ...], name: Name, placed: bool) -> Taken | None:
        slots, row, mode = self.slots, self.names.row(name.field).costs, node.mode
        sets: Sets = ((name.field, name.value),)
        price = row["answers"] * (self.value(node, slots.channel) == self.recovery.answers)
        role, seen = self.value(node, slots.role), self.value(node, name.field) is not None
        answers = role == self.recovery.tool
        if placed:
            if not (self.opened or (re.search(r"\w", name.value) and not ARGUMENTS.match(self.text, at))):
                return None
            if name.how == "role" and not self.described and not answers:
                return row["role"], "is_role", mode if mode == BARE else TYPED, ()
            kind = "near" if name.how == "role" and name.cost else name.kind
            price += row["of_tool"] * (name.how != "role" and answers and not seen)
            return price, "" if mode == BARE else kind, mode if mode == BARE else CLEAN, sets
        if name.how == "role" and answers:
            author = str(self.value(node, slots.name) or "")
            is_tool = self.names.tools.is_tool(author) or self.recovery.separator in author
            return (row["lead"], "bare", CLEAN, sets) if is_tool else None  # `the assistant`
        bare = "" if self.word(at) in self.names.all else self.names.tools.bare(self.word(at))
        plain = self.recovery.separator not in bare
        if not bare or mode not in ((CLEAN,) if plain else (CLEAN, NAMED)) or self.may_be_content(at):
            return None
        if role not in (None, self.recovery.author[slots.role]) or self.is_answer(at, name):
            return None  # only the model calls, and no tool that addresses a role
        if awaited and {*awaited}.isdisjoint(slots):
            return None  # the text before it introduces a field that only the grammar knows
        is_author = self.described and not name.how  # in full, it is the author that the grammar reads
        if is_author if slots.role in awaited else role is None and LETTER.search(self.text, 0, self.next_special(1)):
            return None  # another author, whose name was left out
        kind = "as_role" if slots.role in awaited else "as_channel" if slots.channel in awaited else "bare"
        first = mode == CLEAN and not (name.how or awaited) and self.has_author_only(node)
        price += row["lead_at_author" if first else "lead"] + self.costs["again"] * seen
        return price, kind, PLAIN if plain else BARE, self._with_author(name, awaited)

    def _with_author(self, name: Name, awaited: tuple[str, ...]) -> Sets:
        """What a name sets in the place of the author, who is the model then."""
        author = ((self.slots.role, self.recovery.author[self.slots.role]),) if self.slots.role in awaited else ()
        return (*author, (name.field, name.value))

    def targets(self, node: SearchNode) -> set[int]:
        return {edge.target for row in node.state for edge in self.automaton.edges[row]}

    def left_out(self, node: SearchNode, word: str, at: int) -> Edit:
        """The edit for a word that no field takes, with the field that it may be about."""
        slots, lists = self.slots, self.names.lists
        if word in self.names.all:
            field = next(f for f in (slots.role, slots.channel, slots.content_type) if word in lists.get(f, ()))
            kind = "dropped" if node.marks or field == slots.role else "extra"
        elif self.names.tools.is_tool(word) and (self.value(node, slots.recipient) or not node.marks):
            kind, field = "repeated" if self.value(node, slots.recipient) else "dropped", slots.recipient
        else:
            kind, field = "unread", slots.content_type if node.marks else ""
        return Edit(kind, field, at, at + len(word), fields=self.marked(node))

    def misspelt(self, at: int, end: int, token: HeaderEdge) -> Edit:
        """The edit for a misspelt token that sets fields."""
        return Edit("led", token.sets[0][0], at, end, token.sets, (token.sets[0][0],))
