"""The names that begin at a place in a header, and what each costs.

A word is divided wherever another part of a header may begin in it: at a text that introduces something, after a known
name that begins it, before one that ends it, at signs. Each of its beginnings is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import NamedTuple
from unicodedata import category, normalize

from ..format.meaning import FieldCosts
from ..format.tables import Format
from .header_automaton import MIN_REPLACED_CHARS, SIGN, SIGN_AT_END, automaton_of, without_signs
from .header_text import ARGUMENTS, is_sentence
from .known_names import KnownNames
from .named_tools import (
    APART,
    BRACKETS,
    FIRST_OF_LIST,
    JOINTS_OF_NAMES,
    MIN_TYPO_CHARS,
    PUNCTUATION,
    UP_TO_SIGNS,
    NamedTools,
    is_alike,
    is_typo,
)

MAX_CACHED_CHARS, EXTRA_CHARS = 256_000, 128
"""The readings of words of a conversation with so many characters are kept, and so many more are counted for each word:
about 2 MB. The words that begin at each `to=` inside of one of 1,000 characters need that."""

NO_COSTS = FieldCosts({}, {})

LETTER, OTHER_LETTER = re.compile(r"[^\W\d_]"), re.compile(r"[^\W\x00-\x7f]")
"""A letter, and one that the names of offered tools cannot have: `to=finalé` is another name than `final`."""

SINGLE_WORD = re.compile(r"[^\W\d](?:[\w./-]*\w)?")

MARKS = ":,;"
"""What a name may have after it, before the content: `final:Hello`. A full stop may belong to the text:
`analysis...Thinking`."""

MARKED_NAME = re.compile(rf"(?:{SIGN}|[(\[<])([\w.-]*\w)[)\]>]?")
"""The name of an author after another sign than that of the grammar, as in `user(alice)`."""

LIST_PARTS = re.compile(r"\w+(?:[.-]\w+)*")
"""The parts of a list in one word. A full stop or a hyphen is inside of another word: `semi-final`."""

PART, BEFORE_NAME, BEFORE_TOOL, BEFORE_LEAD = range(4)
"""The beginning of a word: a part of another word, a known name before a listed one or a tool that ends the word, or a
tool before what introduces a field."""

UP_TO_LETTER = re.compile(r".*\w", re.DOTALL)
"""A word without the signs after it."""

SIGNS = re.compile(r"[\W_]*")

OPENING = re.compile("[(\\[{\"'`]")
"""What has another end after it, so that it is a part of the content: `json"{"a": 1}"`."""

JOINTS_OF_TOOLS = f"{JOINTS_OF_NAMES}./"
JOINTS = f"{JOINTS_OF_NAMES}?&/"
"""What names of settings, and addresses, have inside."""

INNER_SIGN = re.compile(r"[^\W_][.(]")
"""The end of a word before a part of it: `f(to=1)`. Between two words, the signs may be around a name."""

OF_SIGNS = frozenset(("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Sk", "Sm", "Cf"))
"""The categories of Unicode whose characters may stand around a name by mistake. Pictures are not among them."""


class Name(NamedTuple):
    """What a word, or its beginning, may be for a field.

    Attributes:
        how: "" (as it is written), "glued" (the word goes on), "near", "unknown", "role" (in place of a tool), "led"
            (the name of an author after another sign), "known" (the name of an author that is also another name).
    """

    field: str
    value: str
    length: int
    cost: int
    how: str = ""

    @property
    def kind(self) -> str:
        """The edit for it in its place."""
        return self.how if self.how in ("near", "glued") else ""


class HeaderNames:
    """The names of one conversation, by field, and the readings of words by them."""

    def __init__(self, format: Format, known: KnownNames) -> None:
        self.format, self.automaton = format, automaton_of(format)
        self.recovery = recovery = known.recovery
        self.tools, self.channels = NamedTools(recovery, known.tools), frozenset(known.channels)
        self.slots, self.costs = recovery.slots, recovery.costs
        slots = self.slots
        lists = {slots.role: recovery.roles, slots.channel: known.channels, slots.content_type: recovery.content_types}
        lists |= {
            field: tuple(str(value) for value in values if value)
            for field, values in format.listed_values.items()
            if field not in lists
        }
        self.lists = {
            field: tuple(name for name in names if pattern.fullmatch(name))
            for field, names in lists.items()
            if (names or field == slots.channel) and (pattern := self.automaton.patterns.get(field))
        }
        purposes = (slots.role, slots.channel, slots.content_type)
        self.all = frozenset(name for field in purposes for name in self.lists.get(field, ()))
        self.authored = frozenset(role + name for role in ("", *recovery.roles) for name in self.channels - {""})
        listed = {name for names in self.lists.values() for name in names}
        begun, ended = (
            "|".join(map(re.escape, sorted(names - {""}, key=len, reverse=True))) or "(?!)"
            for names in (listed.union(recovery.recipients), self.all)
        )
        self._begun = re.compile(rf"[\W_]*(?:{begun})", re.IGNORECASE)
        self._ended = re.compile(rf"(?:{ended})[{PUNCTUATION}]*\Z")
        spelled = recovery.tool in recovery.roles or not recovery.tool
        inside = re.escape(JOINTS_OF_TOOLS)  # `tool-runner` is the name of a tool
        signs = rf"(?![{inside}]\w)[^\w\ud800-\udfff]+(?=\w)(?!(?:{ended})\b)"  # `tool json` is one with a type
        self.role_of_tools = re.compile("(?!)" if spelled else re.escape(recovery.tool) + signs)
        self._several = {field: _several(names) for field, names in self.lists.items() if names}
        self._readings: dict[str, tuple[Name, ...]] = {}
        self._cached_chars = 0

    def row(self, field: str) -> FieldCosts:
        """The costs and diagnostics of a field."""
        return self.recovery.fields.get(field, NO_COSTS)

    def cost(self, field: str, edit: str) -> int:
        """What an edit of a field costs, or that of its order if it has no such row."""
        return self.row(field).costs.get(edit, self.costs["order"])

    def is_known(self, word: str) -> bool:
        return word in self.all or self.tools.is_tool(word)

    def is_prose(self, text: str) -> bool:
        """Whether a text has two words that are not names of the format, or one that is a sentence.

        Another single word may be the remainder of a damaged name.
        """
        automaton, named = self.automaton, self.is_named
        text = automaton.misspelt_tokens.sub(" ", automaton.misspelt_start.sub("", text))
        pairs = ((before, word) for before, word in pairwise(("", *text.split())) if LETTER.search(word))
        plain = (word for before, word in pairs if not automaton.introduces_next(before))
        plain = (word for word in plain if not (automaton.at_lead(word, 0) or automaton.is_near_lead(word)))
        words = [word for word in plain if not named(word.rstrip(MARKS))]
        return len(words) > 1 or any(map(is_sentence, words))

    def is_other_word(self, text: str) -> bool:
        """Whether a text is one word of letters, perhaps with white space after it, that is not a name."""
        word = text.rstrip()
        return word.isalpha() and not (self.is_named(word, "near") or self.introduces(word) or self.tools.is_tool(word))

    def introduces(self, text: str) -> bool:
        """Whether a word of a text is a near miss of what introduces a name, such as ` to=`."""
        return any(without_signs(word).lower() in self.automaton.near_words for word in text.split())

    def is_named(self, word: str, max_edit: str = "joined") -> bool:
        """Whether a word is, or nearly is, a name of a list: a role, a channel, both in one, or a content type.

        If a name goes on in several letters, which are not a name, the word is another one here: `Finally`.

        Args:
            max_edit: the most that it may cost.
        """
        names = (each for each in self.readings(word) if each.field in self.lists and each.length == len(word))
        names = (each for each in names if each.how in ("", "near") and each.cost <= self.costs[max_edit])
        near = any(
            each.cost <= self.costs["joined"] or len(word) <= len(each.value) + 1 or each.value not in word.lower()
            for each in names
        )
        return near or word in self.recovery.roles

    # The places where a word is divided.

    def _ends(self, word: str) -> tuple[dict[int, bool], int]:
        """Where a name may end in a word, but for its own end, and whether another word may go on there (`auto=1`); and
        where the first text is that introduces something, or nearly."""
        found: dict[int, bool] = {}
        if begun := self._begun.match(word):
            signs = SIGNS.match(word, begun.end())
            found |= {begun.end(): False, signs.end() if signs else 0: False}
        if ended := self._ended.search(word, 1):
            found[ended.start()] = False
        if tool := self.tools.word.match(word):
            found[tool.end()] = False
        fields = (match.start() for match in islice(self.automaton.field_leads.finditer(word, 1), 1))
        found |= {at: False for at in fields if self.tools.ends(word[:at])}
        near = (match.start() for near in self.automaton.near_recipient for match in near.finditer(word, 1))
        near = (at for at in near if not word[at - 1].isalnum())
        leads = [*islice(near, 1), *(match.start() for match in islice(self.automaton.leads.finditer(word), 1))]
        found |= {at: self.is_inside(word, 0, at) for at in leads}
        return {end: inside for end, inside in found.items() if 0 < end < len(word)}, min(leads, default=-1)

    def readings(self, word: str) -> tuple[Name, ...]:
        """What a word, or its beginning, may be, for all fields."""
        if (found := self._readings.get(word)) is None:
            patterns = self.automaton.patterns
            names = self._divided(word)
            found = tuple(n for n in names if patterns[n.field].fullmatch(n.value) or self._is_offered(n))
            if self._cached_chars > MAX_CACHED_CHARS:
                self._readings.clear()
                self._cached_chars = 0
            self._cached_chars += len(word) + EXTRA_CHARS
            self._readings[word] = found
        return found

    def _is_offered(self, name: Name) -> bool:
        """Whether a recipient is an offered tool, perhaps one that no header can hold: `functions.Web Search`."""
        return name.field == self.slots.recipient and name.value in (self.tools.offered or ())

    def _divided(self, word: str) -> Iterator[Name]:
        if self.tools.is_list(word):
            yield from self._whole(word)
            return
        ends, lead = self._ends(word)
        joints = {end: self._joint(word[:end], word[end:]) for end in ends}
        kinds = {kind for _, kind in joints.values()}
        for name in self._whole(word):
            is_other = name.field == self.slots.recipient and not kinds.isdisjoint((BEFORE_NAME, BEFORE_LEAD))
            if name.field in self.lists:
                is_other = BEFORE_TOOL in kinds or lead >= 0
            if not is_other or (name.value == word and (word in self.all or self.tools.full(word))):
                yield name
        for end, (before, kind) in joints.items():
            for name in self._whole(before):
                is_sure = name.how in ("", "role") or (name.how == "near" and word[end - 1] == name.value[-1])
                is_before_lead = lead < 0 or end <= lead or name.field not in self.lists
                if (is_sure or not ends[end]) and is_before_lead and self._ends_at(name, word[end - 1], word[end:]):
                    yield name._replace(length=end, cost=name.cost + self.costs["glued"], how=name.how or "glued")
                    if name.field == self.slots.recipient and kind == BEFORE_NAME and name.how != "role":
                        # The other name may have its place already.
                        cost = self.costs["drop_name" if word[end:] in self.channels else "joined"]
                        yield name._replace(length=len(word), cost=name.cost + cost, how="near")

    def _ends_at(self, name: Name, sign: str, rest: str) -> bool:
        """Whether a name may end before the rest of a word: `please:json`, `f.json` and `f-json` are other words."""
        if name.how == "near" and name.field == self.slots.recipient:
            return sign not in f"{self.recovery.separator}{JOINTS_OF_NAMES}"
        goes_on = name.how == "role" and rest[:1].isalpha() and without_signs(rest) not in self.all  # `users`
        if name.how in ("", "near") and name.field == self.slots.role:  # `users of it`
            goes_on = rest[:1].islower() and not (self._begun.match(rest) or self.automaton.leads.match(rest))
        return not (goes_on or (name.how == "unknown" and rest in self.all))

    def _joint(self, part: str, rest: str) -> tuple[str, int]:
        """The first part of a word without the signs between it and another name that ends the word, and what it is.

        Signs that the name of a tool may have can belong to it, and a tool without its namespace may be the end of
        another word.
        """
        found, other, tools = UP_TO_SIGNS.match(part), rest.rstrip(PUNCTUATION), self.tools
        bare = found[0] if found else part
        is_apart = part[-1] not in JOINTS and not part[-1].isalnum()
        if bare in self.all and tools.bare(rest) and (is_apart or self.recovery.separator in rest):
            return bare, BEFORE_TOOL
        if tools.ends(part) and self.automaton.field_leads.match(rest):
            return bare, BEFORE_LEAD
        if other not in self.all:
            return part, PART
        is_channel = other in self.channels
        before = part.rstrip(PUNCTUATION) if is_channel and tools.offered else part
        before = bare if APART.search(part, len(bare)) else before
        is_tool = tools.full(before) or (before != part and is_channel and tools.is_tool(before))
        return before, BEFORE_NAME if is_tool or (is_channel and before in self.all) else PART

    def _whole(self, word: str) -> Iterator[Name]:
        for field in self.automaton.patterns:
            yield from self._read(field, word)

    def last_readings(self, word: str, has_arguments: bool) -> Iterator[Name]:
        """The same for the last word of a header without the token after it: if it goes on after a name, that is the
        content.

        Args:
            has_arguments: arguments come after the word, as in `json;{"a":1}`.
        """
        rests = [word[end:] for end in self._ends(word)[0]]
        is_content = any(self._is_content(rest) or (has_arguments and OPENING.search(rest)) for rest in rests)
        for name in self.readings(word):
            if not (is_content and name.how == "near"):
                is_whole = name.how == "near" or (name.how == "glued" and not OPENING.search(word, name.length))
                touches = has_arguments and is_whole and without_signs(word) == name.value
                yield name._replace(length=len(word), cost=0, how="glued") if touches else name

    def apart(self, text: str, at: int) -> Iterator[Name]:
        """Lists of known names with white space inside, as in `analysis, commentary`."""
        for field, pattern in self._several.items():
            if (match := pattern.match(text, at)) and len(match[0].split()) > 1:
                yield from self._listed(field, match[0])

    def _is_content(self, rest: str) -> bool:
        """Whether the rest of a word is more than signs around its name, and not another name."""
        return without_signs(rest) not in self.all and any(category(char) not in OF_SIGNS for char in rest)

    def _read(self, field: str, word: str) -> Iterator[Name]:
        if field in self.lists:
            yield from self._listed(field, word)
        elif field == self.slots.recipient:
            yield from self._tool(word)
        elif field == self.slots.name:
            yield from self._author(word)
        elif self.automaton.patterns[field].fullmatch(word):
            yield Name(field, word, len(word), 0)

    def is_inside(self, word: str, start: int, at: int) -> bool:
        """Whether `to=` at a place is a part of a word or an address, as in `auto=1` and `?to=you`.

        In `commentaryto=functions.f` and `commentary_to=functions.f`, it follows a known name.
        """
        follows_word = at - 2 >= start and INNER_SIGN.match(word, at - 2, at) is not None
        if at == start or not (word[at - 1].isalnum() or word[at - 1] in JOINTS or follows_word):
            return False
        end = at - (word[at - 1] in JOINTS_OF_NAMES or follows_word)
        names = (end - len(name) for name in self.all if word.endswith(name, start, end))
        return all(begin > start and word[begin - 1].isalnum() for begin in names)

    def is_introduced(self, field: str, lead: str, name: str, answers: bool | None) -> bool:
        """Whether a name of a field follows a near miss of what introduces it; a sign alone introduces a tool only.

        Args:
            answers: whether a tool is the author; None among words that belong to nothing.
        """
        tools, is_word = self.tools, any(map(str.isalpha, lead))
        if field != self.slots.recipient:
            names = (each for each in self.readings(name) if each.field == field and each.how in ("", "near"))
            return is_word and any(names)
        if answers:
            return without_signs(name).lower() in self.recovery.roles
        if not is_word:
            return bool(tools.bare(name))
        known = tools.is_function(name) or tools.any_full(name) or (tools.offered and tools.spelled_apart(name))
        known = known or (name if name in self.recovery.recipients else None)
        signed = tools.offered is None and SIGN_AT_END.search(lead) is not None and answers is not None
        if known or (signed and self.is_plain(name)):
            return SIGN_AT_END.search(lead) is not None or self.recovery.separator in name
        return bool(tools.bare(name))

    def is_plain(self, name: str) -> bool:
        """Whether a word may be the name of a tool, and is not a role, a channel or a content type."""
        return name not in self.all and self.tools.word.fullmatch(name) is not None

    def _listed(self, field: str, word: str) -> Iterator[Name]:
        known, row = self.lists[field], self.row(field).costs
        if word in known:
            yield Name(field, word, len(word), 0)
            return
        near, cost = self._near(field, word)
        if near:
            costs = (cost + self.costs["margin"] * (name != near[-1]) for name in near)
            yield from (Name(field, name, len(word), each, "near") for name, each in zip(near, costs, strict=True))
        elif "unknown" in row and not self.is_known(word.rstrip(PUNCTUATION)):
            tool = self.tools.word.match(word)  # a word that begins like a tool and goes on is divided
            is_name = tool is None or tool.end() == len(word) or SINGLE_WORD.fullmatch(word)
            yield from [Name(field, word, len(word), row["unknown"], "unknown")] * bool(is_name)

    def _near(self, field: str, word: str) -> tuple[list[str], int]:
        """The only known name that a word is near to, and the cost.

        Of a list of known names, as in `analysis,commentary`, all; as of names after tokens, the last one is read.
        """
        known, row = self.lists[field], self.row(field).costs
        bare = normalize("NFKC", without_signs(word)).lower()
        if not bare or ARGUMENTS.search(bare):
            return [], 0
        found, cost = [n for n in known if bare == n * (len(bare) // len(n))], self.costs["decorated"]
        if not found and (listed := self._listed_in(field, bare)):
            return list(dict.fromkeys(reversed(listed)))[::-1], cost
        if not found:
            cost = self.costs["joined"]
            before = {*known, *self.recovery.roles}
            found = [n for n in known if bare.endswith(n) and bare[: -len(n)] in before]
        if not found and row.get("beginning") and (self.recovery.of_functions or "\0") not in bare:
            cost = self.costs["near"]
            found = [n for n in known if bare.startswith(n) or (len(bare) >= MIN_TYPO_CHARS and n.startswith(bare))]
            if found and any(bare.endswith(n) for n in known if n not in found):
                return [], 0
        if not found and (ratio := row.get("ratio", self.costs["ratio"])):
            cost = self.costs["near"]
            least = MIN_REPLACED_CHARS if field == self.slots.role else MIN_TYPO_CHARS
            found = [n for n in known if is_alike(n, bare, ratio) or (len(n) >= least and is_typo(n, bare))]
        return (found, cost) if len(found) == 1 else ([], 0)

    def _listed_in(self, field: str, bare: str) -> list[str]:
        """The known names of a field among the parts of a word, if all others are names, too: `final|channel`.

        A content type may also have its class or its parameters with it: `application/json`.
        """
        known, ends = self.lists[field], self.format.special_ends[1]
        words = (word.rpartition(ends)[2] if ends else word for word in bare.split())
        parts = [part for word in words for part in LIST_PARTS.findall(word)]
        if not (found := [part for part in parts if part in known]) or field == self.slots.role:
            return []
        others = {*parts} - {*known, *self.all, *self.automaton.near_words}
        is_type = field == self.slots.content_type and not any(map(self.tools.is_tool, others))
        return found if is_type or not others else []

    def _tool(self, word: str) -> Iterator[Name]:
        """A recipient: any name, and of the offered tools also what is near."""
        field, row, recovery = self.slots.recipient, self.row(self.slots.recipient).costs, self.recovery
        first = word if self.tools.full(word) or not (listed := FIRST_OF_LIST.match(word)) else listed[0]
        if first in recovery.recipients:
            cost = self.costs["decorated"] * (first != word)
            yield Name(field, first, len(word), cost, "near" * (first != word))
        elif word in recovery.roles:
            yield Name(field, word, len(word), 0, "role")
        elif (role := without_signs(first).lower()) in recovery.roles:
            yield Name(field, role, len(word), self.costs["decorated"], "role")
        elif tool := self.tools.full(word) or self.after_role_of_tools(word):
            differs = tool != word or not self.automaton.patterns[field].fullmatch(word)
            yield Name(field, tool, len(word), self.costs["partial"] * differs, "near" * differs)
        elif word in self.all:
            return
        elif self.tools.is_list(word):
            if self.automaton.patterns[field].fullmatch(word):
                yield Name(field, word, len(word), row["unknown"])
            else:
                yield from self.several_tools(word)
        elif (plain := normalize("NFKC", word)) != word and (tool := self.tools.bare(plain)):
            yield Name(field, self.tools.full(tool) or tool, len(word), self.costs["decorated"], "near")
        else:
            if is_typo(recovery.author[self.slots.role], word):
                yield Name(field, recovery.author[self.slots.role], len(word), self.costs["near"], "role")
            unknown = row["unknown"] * (self.tools.offered is not None)
            for known in (each for each in recovery.recipients if word.startswith(each)):  # `to=userHello`
                goes_on = word[len(known)].islower() or word[len(known)] in f"{recovery.separator}_-"
                unknown += self.costs["joined"] * (not goes_on)
            match = self.tools.word.search(OTHER_LETTER.sub("a", word))
            named = UP_TO_LETTER.match(word, *match.span()) if match else None
            bare = word if match is None else named[0] if named else ""
            if bare in self.all and not self.tools.full(bare):
                return
            around = word.replace(bare, "", 1)
            tool = self.tools.nearest(word, row["ratio"]) or self.tools.respelled(bare)
            ends = self.tools.offered is None and self.tools.word.fullmatch(bare) and word.rstrip(PUNCTUATION) == bare
            if not tool and around and not re.search(r"\w", around) and (ends or self.tools.is_tool(bare)):
                tool = self.tools.full(bare) or bare
            if tool:
                is_other = bool(self.tools.offered) and not self.tools.is_sure(tool, bare)
                cost = self.costs["near" if is_other or not around else "decorated"]
                yield Name(field, tool, len(word), cost, "near")
                if is_other and bare:
                    yield Name(field, bare, len(word), cost + self.costs["margin"], "near" * bool(around))
            elif not self._is_called(word):
                odd = row["odd"] * (self.tools.word.fullmatch(word) is None)
                yield Name(field, word, len(word), unknown + odd)

    def after_role_of_tools(self, text: str) -> str | None:
        """The tool after the role of tools, as in `to=tool: search` (gpt-oss, from an agent's report)."""
        role = self.role_of_tools.match(text)
        name = text[role.end() :] if role and self.recovery.separator not in role[0] else ""  # `tool.f` is another tool
        return self.tools.full(name) or (name if self.tools.is_tool(name) else None)

    def _is_called(self, word: str) -> bool:
        """Whether a word is a tool with brackets after it, as in `functions.f(x=1)`."""
        match = self.tools.word.match(word)
        return match is not None and word[match.end() :][:1] in BRACKETS and self.tools.is_tool(match[0])

    def several_tools(self, text: str) -> Iterator[Name]:
        """A list of tools with white space in it: any of them may be meant."""
        for number, tool in enumerate(self.tools.listed(text)):
            cost = self.costs["decorated"] + self.costs["margin"] * (number > 0)
            yield Name(self.slots.recipient, tool, len(text), cost, "near")

    def _author(self, word: str) -> Iterator[Name]:
        """A tool that answers."""
        field, row = self.slots.name, self.row(self.slots.name).costs
        if word in self.all:
            yield Name(field, word, len(word), row["unknown"], "known")
            return
        marked = MARKED_NAME.fullmatch(word)
        if marked and not self.is_known(marked[1]):
            yield Name(field, marked[1], len(word), self.costs["decorated"], "led")
        if (bare := without_signs(word)) != word and self.tools.is_tool(bare):
            yield Name(field, bare, len(word), self.costs["decorated"], "near")
            return
        if self.role_of_tools.match(word):
            return
        tool = self.tools.full(word)
        kind = "partial" if tool else "namespaced" if self.tools.is_function(word) else "unknown"
        cost = 0 if tool == word else row[kind]
        is_plain = self.tools.is_tool(word) or SINGLE_WORD.fullmatch(word)
        if not self._is_called(word):
            yield Name(field, word, len(word), cost + row["odd"] * (not is_plain))


def _several(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern of several names, with signs and perhaps white space between them."""
    name = "|".join(map(re.escape, names))
    return re.compile(rf"(?:{name})(?:\s*[^\w\s\ud800-\udfff]{{1,2}}\s*(?:{name}))+(?![^\s\ud800-\udfff])")
