"""Where a part of a content ends and the next one begins: a part must not read what comes after it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import combinations, zip_longest
from typing import NamedTuple

from ..model.content_grammar import ContentGrammar, fixed_text, is_json
from ..model.grammar_rules import GrammarRule
from ..model.terminals import Terminal
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import (
    AnyOf,
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleList,
    RuleMark,
    RuleValue,
    Special,
    Text,
    called,
    parts,
    walk,
)
from ..read.problems import Problem
from ..read.reachable import reachable
from ..read.regular_expressions import Ranges
from .ambiguity import MAX_SAMPLED_STATES
from .finite_automata import machine, overlap, sample, samples

SAMPLES = ("a", "1", '"a"', "{}", "true")
"""Texts tried first for every terminal: most terminals read one of them."""

SAMPLES_PER_PATTERN = 6
"""How many texts of its own pattern are tried for a terminal that reads none of these; each may be a special case."""

MAX_SAMPLES = 60
"""How many texts of one part are tried. Each alternative is among them, unless a rule has more."""

AFTER_TYPES = Text(";")
"""A text that may follow a rule for types of tools. No name and no value of a type has it."""

MAX_SAMPLE_CHARS = 40
"""How much of such a text an error shows."""


def unclear_delimiters(contents: ContentGrammar) -> Iterator[Problem]:
    """All parts that read what comes after them, or instead of them."""
    places = list(_places(contents))
    found = list(_follows(contents, places))
    yield from found or _overtaken(contents, places)


class ContentPlace(NamedTuple):
    """A node of a rule, and what comes after it."""

    rule: str
    node: GrammarNode
    rest: tuple[GrammarNode, ...]


def _places(contents: ContentGrammar) -> Iterator[ContentPlace]:
    """Those of whole contents; of the rules for types of tools, each by itself: it is not known what comes after it."""
    for rule in contents.rules.values():
        if rule.name in contents.roles or rule.name not in contents.by_hand:
            then = (CONTENT_END,) if rule.name in contents.roles else ()
            yield ContentPlace(rule.name, RuleCall(rule.name), then)
            yield from _in_rule(contents, rule.name, then, frozenset())


def _in_rule(
    contents: ContentGrammar, rule: str, then: tuple[GrammarNode, ...], inside: frozenset[str]
) -> Iterator[ContentPlace]:
    for way in contents.rules[rule].ways:
        yield from _in_order(contents, rule, way.items, then, inside | {rule})


def _in_order(
    contents: ContentGrammar,
    owner: str,
    items: tuple[GrammarNode, ...],
    then: tuple[GrammarNode, ...],
    inside: frozenset[str],
) -> Iterator[ContentPlace]:
    """Each node in these parts, and in the rules that it calls."""
    for index, node in enumerate(items):
        rest = (*items[index + 1 :], *then)
        yield ContentPlace(owner, node, rest)
        match node:
            case Repeat(item, 0, 1):
                yield from _in_order(contents, owner, parts(item), rest, inside)
            case RuleList(_, item, _, separator):
                again = Repeat(Concat((Text(separator), *parts(item))), 0, 1)
                yield from _in_order(contents, owner, parts(item), (again, *rest), inside)
            case RuleCall(rule) if rule not in inside and (
                rule in contents.by_hand or not contents.is_field(rule) or contents.rules[rule].kind in ("text", "list")
            ):
                yield from _in_rule(contents, rule, rest, inside)


def _follows(contents: ContentGrammar, places: Iterable[ContentPlace]) -> Iterator[Problem]:
    """A terminal reads as far as it can. The text that follows must not continue it.

    If users write the values of a rule, they can write each of `Lead.samples`. The types of tools have forms that no
    schema is written in, such as a default before a comma and another one after it.
    """
    after: dict[str, set[Lead]] = {}
    listed = {rule.name: _choice_of_texts(rule) for rule in contents.rules.values() if rule.kind == "enumerated"}
    for _, node, rest in places:
        if isinstance(node, RuleValue):
            found = _leads(contents, rest)
            after.setdefault(node.terminal, set()).update(lead for lead in found if node.field or lead.text)
        elif isinstance(node, RuleCall) and node.rule in listed:
            after.setdefault(node.rule, set()).update(_leads(contents, rest))
    by_hand = {*contents.by_hand} | {
        node.terminal
        for rule in contents.by_hand
        for node in walk(contents.rules[rule].node)
        if isinstance(node, RuleValue)
    }
    for name, leads in after.items():
        terminal = listed.get(name) or contents.terminals[name]
        aheads = pattern.aheads(terminal.pattern)
        for lead in sorted(leads):
            if text := _goes_on(contents, terminal, aheads, lead, any if name in by_hand else all):
                reason = f"ambiguous delimiter: `{name}` can continue with {text!r}, which also comes after it"
                remedy = (
                    "Leave it out of the terminal, by its characters or by a lookahead, or write another delimiter."
                )
                yield Problem(terminal.place, reason, remedy)
                break


def _choice_of_texts(rule: GrammarRule) -> Terminal:
    """A rule whose alternatives are texts, as a terminal that lists them."""
    texts = tuple(fixed_text(way.node) for way in rule.ways)
    return Terminal(rule.name, AnyOf(tuple(map(Text, texts))), texts, rule.place, rule.source)


def _overtaken(contents: ContentGrammar, places: Iterable[ContentPlace]) -> Iterator[Problem]:
    """The reader takes what is there: an optional part, one more item of a list, and the first alternative that fits.
    None of them may read what may come in its place."""

    def within(rule: str) -> list[str]:
        """The rules in one that may be empty."""
        return [each for each in called(contents.rules[rule].node) if _end(contents, RuleCall(each), "", 0) == 0]

    found, empty = dict[str, Problem](), dict[str, Problem]()
    for place in places:
        for tried in _tried(contents, place):
            if tried.rule not in found and (text := _overtakes(contents, tried)):
                does = f"can read {text!r}"
                remedy = "Begin one of the two with another text, or exclude it by a lookahead."
                if is_empty := not tried.may_be_absent and _end(contents, tried.node, "", 0) == 0:
                    does = f"may be empty, so nothing is read of {text!r}"
                    remedy = "Require a part in it, or write it last."
                reason = f"ambiguous: {tried.shown} of `{tried.rule}` {does}, which may come in its place"
                problem = Problem(contents.rules[tried.rule].place, reason, remedy)
                (empty if is_empty else found)[tried.rule] = problem
    causes = [empty[rule] for rule in empty if empty.keys().isdisjoint(reachable(within(rule), within))]
    yield from causes or found.values()


class TriedPart(NamedTuple):
    """A part that the reader takes if it is there, and what may be written in its place; its rule and a name for it."""

    rule: str
    shown: str
    node: GrammarNode
    written: tuple[GrammarNode, ...]
    may_be_absent: bool = True


def _tried(contents: ContentGrammar, place: ContentPlace) -> Iterator[TriedPart]:
    """The parts that a node may be read as. An alternative of a rule is read even if it is empty."""
    match place.node:
        case Repeat(item, 0, 1):
            name = next((f"`{field}`" for field in contents.fields_of(item)), "part")
            yield TriedPart(place.rule, f"the optional {name}", item, place.rest)
        case RuleList(field, item, least, separator):
            for one_more in (Concat((Text(separator), *parts(item))), *[item] * (not least)):
                yield TriedPart(place.rule, f"the list `{field}`", one_more, place.rest)
        case RuleCall(rule) if contents.rules[rule].kind in ("choice", "record", "inlined"):
            end = (CONTENT_END,) if rule in contents.roles else ()
            ways = list(enumerate(contents.rules[rule].ways))
            for (index, first), (later, way) in combinations(ways, 2):
                if not (contents.is_spelling(rule, index) or contents.is_spelling(rule, later)):
                    written = (*way.items, *(place.rest or (AFTER_TYPES,)))
                    node = Concat((*first.items, *end))
                    yield TriedPart(rule, f"alternative {index + 1}", node, written, may_be_absent=False)


def _overtakes(contents: ContentGrammar, tried: TriedPart) -> str:
    """What may be written instead of a part if the part reads it; else "".

    It begins with one of several listed texts, or with a terminal, whatever its text is.
    """
    for text, then in _beginnings(contents, tried.written, frozenset()):
        ways = [(Text(text), *then)]
        if then and not text and isinstance(first := then[0], RuleValue):
            ways = [(Text(value), *then[1:]) for value in _sample_values(contents.terminals[first.terminal])]
        read = [_read_sample(contents, tried, way) for way in ways]
        if read and all(read):
            return read[0][:MAX_SAMPLE_CHARS]
    return ""


def _beginnings(
    contents: ContentGrammar, items: tuple[GrammarNode, ...], seen: frozenset[str], of_types: bool = False
) -> Iterator[tuple[str, tuple[GrammarNode, ...]]]:
    """Parts as each of the sequences that they may be, as far as to tell the text that each begins with, up to one that
    is not only white space, and what follows it. The alternatives in types of tools are told only for `of_types`."""
    if not items:
        yield "", ()
        return
    node, rest = items[0], items[1:]
    match node:
        case Text(text) if text.strip():
            yield text, rest
        case Text(text):
            yield from ((text + more, then) for more, then in _beginnings(contents, rest, seen, of_types))
        case RuleValue(""):
            yield from _beginnings(contents, rest, seen, of_types)
        case RuleValue(_, terminal) if values := contents.terminals[terminal].values:
            yield from ((value, rest) for value in values)
        case RuleCall(rule):
            made = contents.rules[rule]
            if not of_types and rule not in contents.by_hand and len(made.ways) > 1 and made.kind != "enumerated":
                yield "", items
            elif rule in seen:
                yield "", ()
            else:
                for way in made.ways:
                    yield from _beginnings(contents, (*way.items, *rest), seen | {rule}, of_types)
        case RuleMark(_, item):
            yield from _beginnings(contents, (*parts(item), *rest), seen, of_types)
        case Repeat(item, 0, 1):
            yield from _beginnings(contents, (*parts(item), *rest), seen, of_types)
            yield from _beginnings(contents, rest, seen, of_types)
        case RuleList(_, item, least, separator):
            again = Repeat(Concat((Text(separator), *parts(item))), 0, 1)
            yield from _beginnings(contents, (*parts(item), again, *rest), seen, of_types)
            yield from () if least else _beginnings(contents, rest, seen, of_types)
        case _:
            yield "", items


def _read_sample(contents: ContentGrammar, tried: TriedPart, written: tuple[GrammarNode, ...]) -> str:
    samples = _samples(contents, written, every=not isinstance(tried.node, RuleValue))
    found = (each.text for each in samples if _is_read(contents, tried, each))
    return next(found, "")


def _is_read(contents: ContentGrammar, tried: TriedPart, sample: Sample) -> bool:
    """Whether a part reads the beginning of a sample. If it reads all of it, what comes after it might prevent that."""
    end = _end(contents, tried.node, sample.text, 0)
    if end is None or (not end and tried.may_be_absent):
        return False
    return end < len(sample.text) or sample.is_whole


def _end(contents: ContentGrammar, node: GrammarNode, text: str, at: int) -> int | None:
    """Where a node that is read from a place ends, as the reader of contents reads it; None if it is not there."""
    end: int | None
    match node:
        case Special():
            return at if at == len(text) else None
        case Text(fixed):
            return at + len(fixed) if text.startswith(fixed, at) else None
        case RuleValue(field, name):
            found = contents.terminals[name].matcher.match(text, at)
            if found and is_json(name) and not _is_json_text(found[0]):
                return None
            return found.end() if found else None if field else at
        case RuleMark(_, item):
            return _end(contents, item, text, at)
        case Repeat(item, 0, 1):
            return at if (end := _end(contents, item, text, at)) is None else end
        case Concat(items):
            end = at
            for item in items:
                if (end := _end(contents, item, text, end)) is None:
                    return None
            return end
        case RuleList(_, item, least, separator):
            if (end := _end(contents, item, text, at)) is None:
                return None if least else at
            again = Concat((Text(separator), *parts(item)))
            while (more := _end(contents, again, text, end)) is not None and more > end:
                end = more
            return end
        case RuleCall(rule):
            ends = (_end(contents, Concat(way.items), text, at) for way in contents.rules[rule].ways)
            return next((end for end in ends if end is not None), None)
    return None


def _is_json_text(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


CONTENT_END = Special("the end", "")
"""The token that follows a content."""


class Sample(NamedTuple):
    """A text that may follow a terminal, as far as it is known, and whether it goes to the end of the content."""

    text: str
    is_whole: bool = False


class Lead(NamedTuple):
    """What may come after a terminal: a text, and another terminal after that.

    Attributes:
        then: the name of that terminal; that of `CONTENT_END`, or "" if it is not known what comes.
        samples: the text with what may follow it.
    """

    text: str
    then: str
    samples: tuple[Sample, ...] = ()


def _goes_on(
    contents: ContentGrammar,
    terminal: Terminal,
    aheads: list[GrammarNode],
    lead: Lead,
    quantifier: Callable[[Iterable[bool]], bool],
) -> str:
    """The beginning of what follows a terminal if it may read any, or all, of the samples and none of its lookaheads
    prevents it; else ""."""
    text, then, known = lead
    is_needed = then in contents.terminals and (aheads or not text)
    begins = machine(contents.terminals[then].pattern).steps[0] if is_needed else ()
    letters = tuple(sorted(bounds for found, _ in begins for bounds in found))
    if not (text or letters):
        return ""
    if not aheads:
        first = ((ord(text[0]), ord(text[0])),) if text else letters
        made = machine(terminal.pattern)
        both = (overlap(continuing, first) for state in made.final for continuing, _ in made.steps[state])
        return next((text or chr(sample(found)) for found in both if found), "")
    after = text + (chr(sample(letters)) if letters else "")

    def reads_on(sample: Sample) -> bool:
        befores = _sample_values(terminal)
        matches = ((before, terminal.matcher.match(before + sample.text)) for before in befores)
        ends = [end for before, match in matches if match and (end := match.end() - len(before)) > 0]
        has_more = then != CONTENT_END.terminal
        is_known = sample.is_whole or any(end < len(sample.text) for end in ends)
        return bool(ends) and (is_known or not any(_may_stop(ahead, sample.text, has_more) for ahead in aheads))

    return after if quantifier(map(reads_on, known or [Sample(after, False)])) else ""


def _may_stop(ahead: GrammarNode, text: str, has_more: bool) -> bool:
    """Whether a lookahead finds its pattern in a text; if the text has more than is known, whether it can."""
    if re.match(pattern.expression(ahead), text):
        return True
    made, state = machine(ahead), 0
    for char in text if has_more else "":
        ((_, state),) = made.moves(state, ((ord(char), ord(char)),))
    return has_more and state >= 0


def _leads(contents: ContentGrammar, items: tuple[GrammarNode, ...]) -> Iterator[Lead]:
    """What parts can begin with, up to the first text that is not only white space."""
    for text, then in _beginnings(contents, items, frozenset(), of_types=True):
        first = then[0] if then and not text.strip() else None
        name = first.terminal if isinstance(first, (Special, RuleValue)) else ""
        yield Lead(text, name, _samples(contents, (Text(text), *then)))


def _samples(contents: ContentGrammar, items: tuple[GrammarNode, ...], every: bool = False) -> tuple[Sample, ...]:
    """What may be written for parts, as far as that is known: with all that is optional, with nothing that is, with one
    part that is, and with another alternative of one part: of a choice, or if `every`, of any rule.

    Without `every`, a terminal may read a later alternative of what comes after it, which is a part of its text then.
    """
    known = _known(contents, items, every, frozenset())
    if known is None:
        return ()
    full = [each[0] for each in known]
    options = [at for at, node in enumerate(items[: len(known)]) if isinstance(node, Repeat)]
    single = ([text for at, text in enumerate(full) if at == kept or at not in options] for kept in options)
    first, second, *others = _in_a_row(known)
    texts = [first, second, *map("".join, single), *others]
    return tuple(dict.fromkeys(Sample(text, CONTENT_END in items) for text in texts))[:MAX_SAMPLES]


Texts = tuple[str, ...]
"""Texts of a part: with all that is optional, with nothing that is, and others; empty if no text is known."""


def _known(
    contents: ContentGrammar, items: tuple[GrammarNode, ...], every: bool, seen: frozenset[str]
) -> list[Texts] | None:
    """The texts of parts up to the end of the content; None if those of one part are not known."""
    until = items.index(CONTENT_END) + 1 if CONTENT_END in items else len(items)
    known = [_texts(contents, node, every, seen) for node in items[:until]]
    return known if all(known) else None


def _in_a_row(known: list[Texts]) -> Texts:
    """The texts of parts in a row, the others with another text of one part."""
    full, bare = [texts[0] for texts in known], [texts[1] for texts in known]
    rows = [full, bare]
    for others in zip_longest(*(texts[2:] for texts in known)):
        for at, other in enumerate(others):
            rows += [[*row[:at], other, *row[at + 1 :]] for row in (bare, full) if other is not None]
    first, second, *more = map("".join, rows)
    return (first, second, *dict.fromkeys(more))[:MAX_SAMPLES]


def _texts(contents: ContentGrammar, node: GrammarNode, every: bool, seen: frozenset[str]) -> Texts:
    """The texts of a part: each one of a choice between rules that users write, or if `every`, of any rule they do;
    of other rules the first alternative that has a text."""
    match node:
        case Text(text):
            return text, text
        case RuleValue(field, name) if field:  # others are read, not written
            terminal = contents.terminals[name]
            first, *others = _sample_values(terminal) or ("",)
            return (first, first, *others * bool(terminal.values)) if first else ()
        case RuleMark(_, item) | Repeat(item, 0, 1) | RuleList(_, item):
            known = _known(contents, parts(item), every, seen)
            is_needed = isinstance(node, RuleMark) or (isinstance(node, RuleList) and node.least)
            if known is None:
                return () if is_needed else ("", "")
            full, bare, *others = _in_a_row(known)
            return full, bare if is_needed else "", *others
        case RuleCall(rule):
            if rule not in seen and (rule, every) not in contents.samples:
                made = contents.rules[rule]
                ways = [_known(contents, way.items, every, seen | {rule}) for way in made.ways]
                texts = [_in_a_row(way) for way in ways if way is not None]
                if not texts:
                    return ()
                if (every or made.kind in ("choice", "enumerated", "text")) and rule in contents.by_hand:
                    turns = (text for row in zip_longest(*texts[1:]) for text in row if text is not None)
                    texts[0] = (*texts[0], *turns)[:MAX_SAMPLES]
                contents.samples[rule, every] = texts[0]
            return contents.samples.get((rule, every), ())
    return "", ""


@cache
def _sample_values(terminal: Terminal) -> tuple[str, ...]:
    """Texts of a terminal: the listed ones, some that are usual, or short ones of its pattern."""

    def fitting(texts: Iterable[str]) -> tuple[str, ...]:
        is_value = _is_json_text if is_json(terminal.name) else bool
        return tuple(text for text in texts if terminal.fits(text) and is_value(text))

    if found := fitting((*(terminal.values or ()), *SAMPLES)):
        return found
    made = machine(terminal.pattern)  # without the lookaheads, so not all of its texts fit
    if len(made.steps) > MAX_SAMPLED_STATES:
        return ()
    letters: tuple[Callable[[Ranges], int], ...] = (sample, lambda found: found[0][0], lambda found: found[-1][1])
    texts = dict.fromkeys(text for letter_of in letters for text in fitting(samples(made, letter_of)))
    return tuple(sorted(texts, key=len)[:SAMPLES_PER_PATTERN])
