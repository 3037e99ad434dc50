"""The automaton of headers that the generator writes, made deterministic as it is used.

A label is the marker of a special token, a literal without white space around it, or `FIELD` and the name of a field.
White space is free: a literal of white space alone has no label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from functools import cache, cached_property
from typing import Any, NamedTuple

from ..format.frames import HOLE, Frame
from ..format.tables import Format

_WITHOUT_SIGNS = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)

FIELD = HOLE
"""The beginning of the label of a field: no text has it."""

PLAIN_SIGN = "[=:\uff1d\uff1a]"
SIGN = f"(?:{PLAIN_SIGN}>?|->|\u2192)"
"""Between what introduces a recipient and its name. Some are those of Chinese and Japanese keyboards, others arrows,
which prose has, too: `go to→search`."""

_PLAIN_SIGN, SIGN_AT_END = re.compile(PLAIN_SIGN), re.compile(rf"{SIGN}\s*\Z")

MIN_REPLACED_CHARS = 6
"""A shorter word with another letter is another word: `users` is not one of the roles, and `smart` not `start`."""

State = frozenset[int]
"""The rows of the table that a path may have come to; empty if it leads nowhere."""

Sets = tuple[tuple[str, str | bool | None], ...]
"""Fields that a step sets, with their values."""


class HeaderEdge(NamedTuple):
    """What may come next in a header.

    Attributes:
        kind: "token" (a special token), "text" (a literal) or "field" (a value).
        spelling: the spelling of the token, the literal, or the name of the field.
        label: what `HeaderAutomaton.step` calls it.
        target: the state after it.
        sets: fields that it sets besides: flags, and fields whose value is the name of an alternative.
    """

    kind: str
    spelling: str
    label: str
    target: int
    sets: tuple[tuple[str, str | bool], ...] = ()


class NearLead(NamedTuple):
    """The near misses of the texts that introduce a field, and of its name, which introduces it as in JSON.

    Attributes:
        field: the field.
        state: the state in which its name is awaited.
        words: the words of the texts, and the name of the field.
        among_words: matches one of them with a sign other than an arrow, directly before the name; accepted even among
            other words. If no text introduces the field in the grammar, it matches nothing.
        alone: also matches a typo of one of them, one of them or a sign with white space around it, one directly before
            the namespace of functions, or a misspelt special token (`<|channel>`). Accepted only if nothing but header
            words surrounds it. Quotes, brackets and bullets introduce nothing: prose puts them around names.
    """

    field: str
    state: State
    words: tuple[str, ...]
    among_words: re.Pattern[str]
    alone: re.Pattern[str]

    @classmethod
    def of(cls, leads: list[str], field: str, state: State, namespace: str, tokens: Iterable[str]) -> NearLead:
        """The near misses of the texts that introduce a field.

        Args:
            tokens: the special tokens that do.
        """
        words = tuple(dict.fromkeys((*filter(None, (without_signs(lead).lower() for lead in leads)), field.lower())))
        exact, near = "|".join(sorted(map(re.escape, words))), "|".join(map(_typos, words))
        exact = exact.replace("_", "[_ -]?")  # `Content-Type: json`
        spaced = rf"(?:{exact})\s*{SIGN}\s*|(?:{near}){SIGN}|(?:{exact})(?:\s+|(?={re.escape(namespace or chr(0))}))"
        among_words = f"(?:{exact}){PLAIN_SIGN}" if leads else "(?!)"
        alone = "|".join((spaced, rf"{SIGN}\s*", *map(_misspelt_token, tokens)))
        patterns = (re.compile(pattern, re.IGNORECASE) for pattern in (among_words, alone))
        return cls(field, state, words, *patterns)


def header_edges(frame: Frame, format: Format) -> list[list[HeaderEdge]]:
    """For each state of a message's frame, what may come next, up to the token that opens the content."""
    rows: list[list[HeaderEdge]] = [[] for _ in frame.steps]
    for state in (todo := [0]):
        for atom, target in frame.steps[state]:
            field = atom.label.split(" ")[0]
            if atom.special:
                names = "token", atom.special, format.markers[atom.special]
            else:
                names = ("text", atom.text, atom.text.strip()) if atom.text else ("field", field, FIELD + field)
            rows[state].append(HeaderEdge(*names, target, format.meaning.sets.get(target, ())))
            if target not in todo and atom.special not in frame.opens:
                todo.append(target)
    return rows


def automaton_of(format: Format) -> HeaderAutomaton:
    found: HeaderAutomaton | None = format.caches.get("header automaton")
    if found is None:
        found = format.caches["header automaton"] = HeaderAutomaton(format)
    return found


class HeaderAutomaton:
    """States are sets of rows of the table.

    Attributes:
        start: the state before a header.
        step: where a label leads from a state, and what it sets.
        skipped: the tokens that open no content and no free text.
        awaited: the fields of which a name must come next in a state, perhaps after one of those tokens, or a text;
            empty if something else may.
        fields: the fields of headers, in order.
        patterns: for each field with a value, what its names look like.
        literal: matches a text that introduces a field, without the white space before it.
        introduces: for each label of a token or literal, the field that it introduces; a flag rather than the field.
        marks: for each field, the flags whose tokens directly precede it.
        spaced: the texts that introduce a field after white space, without it, and "".
        before_space: those that end with white space, without it.
        opener_sets: for each token that opens the content, the fields that it sets.
        reads: the fields that a path can set.
        free: the fields of free text.
        author: the fields of an author, between which a text may be.
        divided: whether white space or a special token comes after each name, or a name directly after it.
        recipient_leads: the literals that introduce a recipient.
        lead: the first of them; "" if there is none.
        token_leads: the tokens before a text that introduces a recipient or the name of an author.
        leads: matches one of `recipient_leads`.
        near_leads: the near misses of those, of the literals with a word in them before a field without a slot, and the
            names of all fields.
        near_words: the words of those.
        near_recipient: match one of those before a recipient, with a sign.
        to_recipient: match what introduces a recipient, or nearly.
        field_leads: matches what introduces a field, but a recipient: a text of two characters or more, or a word of
            `near_words` and a sign.
        misspelt_tokens: matches a misspelling of a special token before the name of a field, where a word begins.
        misspelt_openers: matches one of a token that opens the content, and sets nothing.
        misspelt_values: match one of a token or text that sets fields, as the token of a role does, with what it is.
        divides: matches one of all these, with all signs of one side, which ends a word.
        misspelt_start: matches one of the token that begins a message, or a token of another format, before a role or a
            function with a recipient, or one with all signs of one side before any author.
        json_fields: matches an object of JSON, or of Python, with some of those as its names.
        model_calls: matches the role of the model and what introduces a recipient, at the beginning or after
            punctuation; quotes around them are those of prose.
        first_texts: the literals that may come directly after the token that begins a message.
        frames: those of messages whose end a token shows.
        begins_header: the special tokens that begin another header inside of a content: those before an author or a
            channel.
        usual: what the first of the tokens that open contents sets.
        after_opener: for each special token, the fields that only it or one that opens contents sets.
        opened: matches the end of a header that was opened, from there on, unless another header begins in it.
        continues: the special tokens of parts between the token that opens the content and the content.
        completes: those, and the tokens of a content type. Directly after that token, no content follows either.
        content_and_stop: for each token that opens a content, the markers of it and of a token that ends the message.
        blanked: matches free texts, the special tokens around them, and those that open a content too early.
    """

    def __init__(self, format: Format) -> None:
        recovery = format.meaning
        self.fields, self.markers = format.header_fields, frozenset(format.by_marker)
        self.role, self.begins = recovery.slots.role, format.markers[recovery.begins]
        self.named = {recovery.slots.name, recovery.slots.recipient}
        self.opens = [format.markers[spelling] for spelling in recovery.opens]
        frame = format.starts["transcript"][0].steps[0][0]
        self.edges = header_edges(frame, format)
        self._blank = [frozenset(edge.target for edge in row if not edge.label) for row in self.edges]
        self.start, self._anywhere = frozenset({0}), frozenset(range(len(self.edges)))
        self.skipped = self.markers - {*self.opens, *(format.markers[token] for token in recovery.free_texts)}
        self.step, self.awaited = cache(self._step), cache(self._awaited)
        self.introduces: dict[str, str] = {}
        marks: dict[str, dict[str, None]] = {}
        edges = [edge for row in self.edges for edge in row]
        for edge in (edge for edge in edges if edge.label and edge.kind != "field"):
            for field in (after.spelling for after in self.edges[edge.target] if after.kind == "field"):
                self.introduces.setdefault(edge.label, field)
                marks.setdefault(field, {}).update(dict.fromkeys(name for name, _ in edge.sets))
            if edge.sets:
                self.introduces[edge.label] = edge.sets[0][0]
        self.marks = {field: tuple(names) for field, names in marks.items()}
        texts = [edge.spelling for edge in edges if edge.kind == "text"]
        leads = [text for text in dict.fromkeys(text.strip() for text in texts) if text]
        self.spaced = {"", *(text.strip() for text in texts if text[0].isspace())}
        self.before_space = tuple(text.strip() for text in texts if text[-1].isspace() and not text.isspace())
        # `assistant` does not begin with the word of ` as `, but `toolsearch` with that of `tool `.
        roles = {lead: [x[len(lead) :] for x in recovery.roles if x.startswith(lead)] for lead in self.before_space}
        literals = (
            re.escape(lead) + "".join(rf"(?!{re.escape(rest)}\b)" for rest in roles.get(lead, ()) if rest)
            for lead in sorted(leads, key=len, reverse=True)
        )
        self.literal = re.compile("|".join(literals) or "(?!)")
        self.recipient_leads = [x for x in leads if self.introduces.get(x) == recovery.slots.recipient]
        self.lead = next(iter(self.recipient_leads), "")
        self.token_leads = [edge.label for edge in edges if edge.kind == "token" and self._leads_over_text(edge)]
        self.leads = re.compile("|".join(map(re.escape, self.recipient_leads)) or "(?!)")
        others = {*recovery.slots, *recovery.free_texts.values(), None} - {recovery.slots.name}
        own = [lead for lead in leads if self.introduces.get(lead) not in others and any(map(str.isalpha, lead))]
        self.opener_sets = {edge.spelling: edge.sets for edge in edges if edge.spelling in recovery.opens}
        named = {edge.spelling for edge in edges if edge.kind == "field"}
        self.reads = named | {name for edge in edges if edge.label not in self.opens for name, _ in edge.sets}
        atoms = (atom for row in frame.steps for atom, _ in row)
        self.patterns = {
            field: atom.matcher for atom in atoms if (field := atom.label.split(" ")[0]) in named and atom.pattern
        }
        following = {edge.spelling: self.edges[edge.target] for edge in edges if edge.kind == "token"}
        tokens = {spelling: after[0].spelling for spelling, after in following.items() if after}
        near: dict[str, list[str]] = {}
        for lead in (*self.recipient_leads, *own):
            near.setdefault(self.introduces[lead], []).append(lead)
        self.near_leads = [
            NearLead.of(near.get(field, []), field, self.before(field), namespace, introducing)
            for field in self.patterns
            for namespace in (recovery.of_functions * (field == recovery.slots.recipient and bool(self.lead)),)
            for introducing in ([token for token, name in tokens.items() if name == field != recovery.slots.recipient],)
        ]
        labels = (label for label, field in self.introduces.items() if field == recovery.slots.recipient)
        self.near_recipient = [near.among_words for near in self.near_leads if near.field == recovery.slots.recipient]
        self.to_recipient = [*(re.compile(re.escape(label)) for label in labels), *self.near_recipient]
        self.near_words = frozenset(word for near in self.near_leads for word in near.words)
        names = "|".join(sorted(map(re.escape, self.near_words)))
        words = {word for near in self.near_leads for word in near.words if near.field != recovery.slots.recipient}
        exact = [
            lead for lead in leads if len(lead) > 1 and lead in self.introduces and lead not in self.recipient_leads
        ]
        spelled = [f"{re.escape(word)}{PLAIN_SIGN}".replace("_", "[_ -]?") for word in sorted(words)]
        self.field_leads = re.compile("|".join((*map(re.escape, exact), *spelled)) or "(?!)", re.IGNORECASE)
        misspelt = "|".join(map(_misspelt_token, tokens)) or "(?!)"
        self.misspelt_tokens = re.compile(rf"(?<!\S)(?:{misspelt})", re.IGNORECASE)
        plain = [spelling for spelling, sets in self.opener_sets.items() if not sets]
        valued = {e.spelling: e for e in edges if e.kind != "field" and e.sets and not self.may_name({e.target})}
        setting = {spelling: edge for spelling, edge in valued.items() if edge.kind == "token"}
        self.misspelt_values = [(re.compile(self._near_value(edge), re.IGNORECASE), edge) for edge in valued.values()]
        openers = [*map(_half_spelled, plain)]
        ends = (spelling.partition(without_signs(spelling) or spelling)[2] for spelling in plain)
        cut = (rf"(?<=\w){re.escape(end)}\s*" for end in ends if len(end) > 1)  # `analysis|>We look`
        self.misspelt_openers = re.compile("|".join((*openers, *cut)) or "(?!)", re.IGNORECASE)
        halves = (*map(_half_spelled, {**tokens, **setting}), *openers)
        self.divides = re.compile("|".join(halves) or "(?!)", re.IGNORECASE)
        functions = re.escape(recovery.of_functions)
        answers = [rf"{functions}[^\s\ud800-\udfff]*\s+(?:{self.leads.pattern})"] if functions else []
        authors = "|".join((*map(re.escape, recovery.roles), *answers)) or "(?!)"
        start, whole_start = _misspelt_token(recovery.begins), _half_spelled(recovery.begins)
        left, right = map(re.escape, format.special_ends)
        foreign = rf"{left}[^\s\ud800-\udfff]*?{right}\s*" if left and right else "(?!)"  # `<|im_start|>user`
        self.misspelt_start = re.compile(
            rf"\A\s*(?:(?:{start}|{foreign})(?={authors})|{whole_start}(?=\w))", re.IGNORECASE
        )
        self.json_fields = re.compile(
            rf"""\{{(?:\s*["'](?:{names})["']\s*:\s*["'][^\s"'\ud800-\udfff]+["']\s*+,?)+\s*\}}""", re.IGNORECASE
        )
        model = recovery.author[recovery.slots.role]
        self.model_calls = re.compile(rf"(?:\A|[,;:.])\s*{re.escape(model)}\s*(?:{self.leads.pattern})")
        begun = (edge for row in self.step(self.start, self.begins)[0] for edge in self.edges[row])
        self.first_texts = [edge.spelling for edge in begun if edge.kind == "text" and edge.label]
        self.free = frozenset(recovery.free_texts.values())
        self.author = (self.role, recovery.slots.name)
        self.divided = not any(self._is_closed(edge) for edge in edges)
        self.frames = [frame for frame in format.frames.values() if frame.has_content and frame.closed]
        begins, special = {*self.author, recovery.slots.channel}, (edge for edge in edges if edge.kind == "token")
        self.begins_header = frozenset(edge.spelling for edge in special if self._leads_to(edge, begins))
        self.usual = next(iter(self.opener_sets.values()))
        pairs = ((atom.special, recovery.sets.get(to, ())) for row in frame.steps for atom, to in row if atom.special)
        self.after_opener = {
            format.markers[token]: tuple((name, value) for name, value in sets if name not in self.reads)
            for token, sets in pairs
        }
        begin = "".join(format.markers[token] for token in (recovery.begins, *self.begins_header))
        self.opened = re.compile(rf"[{''.join(self.opens)}][^{begin}]*\Z")
        self.continues = frozenset(token for frame in self.frames for token in frame.continues)
        types = (recovery.leads.get(field, ()) for field in (recovery.slots.content_type, recovery.slots.constrain))
        self.completes = self.continues.union(*types)
        closes = next(spelling for spelling, name in recovery.closes.items() if name is None)
        self.content_and_stop = {s: format.markers[s] + format.markers[closes] for s in recovery.opens}
        self.blanked = re.compile(self._blanked(format))

    def _blanked(self, format: Format) -> str:
        recovery, opens = format.meaning, "".join(self.opens)
        leads = {lead for leads in recovery.leads.values() for lead in leads} - {*recovery.free_texts}
        ends = "".join(format.markers[s] for s in (*recovery.inside, *recovery.opens) if s not in leads)
        if free := "".join(format.markers[s] for s in recovery.free_texts):
            return f"[{free}]+[^\ud800-\udfff]*[{ends}]?|[{opens}]"
        return f"[{opens}]" if any(frame.continues for frame in self.frames) else "(?!)"

    def _near_value(self, edge: HeaderEdge) -> str:
        """A pattern of the near misses of a token or text that sets fields."""
        if edge.kind == "token":
            return _half_spelled(edge.spelling) if edge.spelling in self.opener_sets else _misspelt_token(edge.spelling)
        if not (word := without_signs(edge.label)):
            return "(?!)"
        left, _, right = map(re.escape, edge.label.partition(word))
        typos = f"|{_typos(word)}" if len(word) >= MIN_REPLACED_CHARS else ""
        exact = re.escape(edge.label)
        return rf"(?!(?-i:{exact})){left}(?:{re.escape(word)}{typos}){right}(?![^\s\ud800-\udfff])"

    @cached_property
    def after_author(self) -> State:
        """The state of a header that continues an open one."""
        if state := self.jump(FIELD + self.role)[0]:
            return state
        edges = [edge for row in self.edges for edge in row if self.role in dict(edge.sets)]
        opens = [edge for edge in edges if edge.spelling in self.opener_sets]
        if opens:  # the author comes with the content
            return self.step(self.start, self.begins)[0]
        return frozenset(edge.target for edge in edges)  # tokens or texts spell the roles

    def _leads_over_text(self, token: HeaderEdge) -> bool:
        """Whether a token, but for the one that begins a message, comes before the text that introduces a name."""
        texts = (edge for edge in self.edges[token.target] if edge.kind == "text" and token.label != self.begins)
        return any(after.spelling in self.named for text in texts for after in self.edges[text.target])

    def _leads_to(self, edge: HeaderEdge, fields: Set[str]) -> bool:
        """Whether a part sets one of some fields, or nothing but texts are between it and a name of one."""
        sets = {name for name, _ in edge.sets} | ({edge.spelling} if edge.kind == "field" else set())
        after = () if edge.kind == "field" else self.edges[edge.target]
        return not fields.isdisjoint(sets) or any(self._leads_to(x, fields) for x in after if x.kind != "token")

    def before(self, field: str) -> State:
        """The state in which a name of a field is awaited, if possible of no other one."""
        rows = [row for row, edges in enumerate(self.edges) if any(edge.label == FIELD + field for edge in edges)]
        fewest = min(len(self.edges[row]) for row in rows)
        return frozenset(row for row in rows if len(self.edges[row]) == fewest)

    def is_near_lead(self, word: str) -> bool:
        """Whether a word is one of `near_words` with a sign, or a misspelt special token, perhaps before a name.

        Arrows do not count as signs here: prose has them.
        """
        head, *rest = _PLAIN_SIGN.split(word, 1)
        is_word = bool(rest) and without_signs(head).lower() in self.near_words
        return is_word or self.misspelt_tokens.match(word) is not None

    def introduces_next(self, word: str) -> bool:
        """Whether a word is one of `near_words` and a sign, so that a name comes after white space."""
        return without_signs(word).lower() in self.near_words and SIGN_AT_END.search(word) is not None

    def jump(self, label: str) -> tuple[State, Sets]:
        """Where a label leads, wherever it comes."""
        return self.step(self._anywhere, label)

    def _step(self, state: State, label: str) -> tuple[State, Sets]:
        every = state.union(*(self._blank[row] for row in state))
        edges = [edge for row in sorted(every) for edge in self.edges[row] if edge.label == label]
        return frozenset(edge.target for edge in edges), edges[0].sets if edges else ()

    def _awaited(self, state: State) -> tuple[str, ...]:
        edges = [edge for row in state for edge in self.edges[row] if edge.label not in self.skipped]
        edges = [edge for edge in edges if edge.kind != "text"]  # an optional part, as ` m=1` before an author
        if not all(edge.kind == "field" for edge in edges):
            return ()
        return tuple(sorted({edge.spelling for edge in edges}, key=self.fields.index))

    def _is_closed(self, edge: HeaderEdge) -> bool:
        """Whether a text may end a field, as a bracket does. The one between an author and its name introduces that."""
        follow = self.edges[edge.target]
        texts = [after for after in follow if after.kind == "text" and not after.spelling[0].isspace()]
        names = (edge.spelling, *(after.spelling for text in texts for after in self.edges[text.target]))
        return edge.kind == "field" and bool(texts) and names != self.author

    def is_of_words(self, values: Mapping[str, Any]) -> bool:
        """Whether the names in a header that a rule describes are its words, so that one can be a mistake."""
        names = (values.get(field) for field in self.fields if field not in self.free)
        return self.divided and all(len(name.split()) == 1 for name in names if isinstance(name, str))

    def misspelt_value(self, text: str, at: int) -> tuple[int, HeaderEdge] | None:
        """The end and the meaning of a misspelt token or text that sets fields, if it is near to only one of them."""
        found = [(match.end(), edge) for near, edge in self.misspelt_values if (match := near.match(text, at))]
        return found[0] if len(found) == 1 else None

    def may_name(self, state: Iterable[int]) -> bool:
        """Whether the name of a field may come next."""
        return any(edge.kind == "field" for row in state for edge in self.edges[row])

    def is_complete(self, state: State) -> bool:
        """Whether the token that opens the content may come next."""
        return any(self.step(state, mark)[0] for mark in self.opens)

    def at_lead(self, text: str, at: int) -> bool:
        """Whether text of two characters or more that introduces a field is at a place."""
        match = self.literal.match(text, at)
        return match is not None and len(match[0]) > 1


def _typos(word: str) -> str:
    """A pattern of a word with a letter missing, doubled or swapped with the next, or the whole word doubled. A longer
    word may also have another letter, but not as its first one: `recepient`."""
    places = range(len(word))
    found = {word[:at] + word[at + 1 :] for at in places} | {word[:at] + word[at] + word[at:] for at in places}
    found |= {word[:at] + word[at : at + 2][::-1] + word[at + 2 :] for at in places} | {word * 2}
    replaced = (rf"{re.escape(word[:at])}[^\W\d_]{re.escape(word[at + 1 :])}" for at in places[1:])
    return "|".join((*sorted(map(re.escape, found - {""})), *(replaced if len(word) >= MIN_REPLACED_CHARS else ())))


def _misspelt_token(spelling: str) -> str:
    """A pattern of a special token in other letter case, without some of its signs, or with a typo between all of them;
    no text spells it in full."""
    return rf"{_misspelt(spelling)}\s*"


def _half_spelled(spelling: str) -> str:
    """The same, with all signs of one side, unlike a tag in a text (`<message>`)."""
    left, _, right = map(re.escape, spelling.partition(without_signs(spelling) or spelling))
    return rf"(?:(?={left}){_misspelt(spelling)}|{_misspelt(spelling)}(?<={right}))\s*" if left and right else "(?!)"


def _misspelt(spelling: str) -> str:
    plain, full = without_signs(spelling), re.escape(spelling)
    around = spelling.replace(plain, "", 1)
    if not (plain and around):
        return "(?!)"
    before, _, after = spelling.partition(plain)
    word, left, right = map(re.escape, (plain, before, after))
    sign, last = (f"[{re.escape(''.join(sorted({*each})))}]" for each in (around, after or around))
    signs, ends = (rf"{each}(?:\s?{each}){{0,{len(around)}}}" for each in (sign, last))  # a text may consist of signs
    typo = rf"{left}(?:{_typos(plain)}|{word}\w){right}"
    return rf"(?!(?-i:{full}))(?:{signs}\s?{word}(?:\s?{ends}|(?!\w?{right}))|{word}\s?{ends}|{typo})"


def without_signs(word: str) -> str:
    found = _WITHOUT_SIGNS.search(word)
    return found[0] if found else ""
