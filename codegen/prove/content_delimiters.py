"""Where a part of a content ends and the next one begins: a part must not read what comes after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..model.content_rules import ContentGrammar
from ..model.rule_nodes import (
    GrammarNode,
    RuleCall,
    RuleList,
    RuleMark,
    RuleOption,
    RuleSequence,
    RuleValue,
    parts,
    walk,
)
from ..model.terminals import FixedText, Special, Terminal
from ..read import regular_expressions as pattern
from ..read.problems import Problem
from .finite_automata import first_letters, machine, overlap, sample


def unclear_delimiters(contents: ContentGrammar) -> Iterator[Problem]:
    """A terminal reads as far as it can. The text that follows must not continue it.

    If users write the values of a rule, they can write each of `Lead.samples`. The types of tools have forms that no
    schema is written in, such as a default before a comma and another one after it.
    """
    after: dict[str, set[Lead]] = {}
    by_hand = {
        node.terminal
        for rule in contents.by_hand
        for node in walk(contents.rules[rule].node)
        if isinstance(node, RuleValue)
    }
    for rule in contents.rules.values():
        for way in rule.ways:
            _collect(contents, way.items, (CONTENT_END,) if rule.name in contents.roles else (), after)
    for name, leads in after.items():
        terminal = contents.terminals[name]
        for lead in sorted(leads):
            if text := _goes_on(contents, terminal, lead, any if name in by_hand else all):
                reason = f"ambiguous delimiter: `{name}` can continue with {text!r}, which also comes after it"
                remedy = (
                    "Leave it out of the terminal, by its characters or by a lookahead, or write another delimiter."
                )
                yield Problem(terminal.place, reason, remedy)
                break


CONTENT_END = Special("the end", "")
"""The token that follows a content."""


class Sample(NamedTuple):
    """A text that may follow a terminal, as far as it is known, and whether it goes to the end of the content."""

    text: str
    is_whole: bool


class Lead(NamedTuple):
    """What may come after a terminal: a text, and another terminal after that.

    Attributes:
        then: the name of that terminal; that of `CONTENT_END`, or "" if it is not known what comes.
        samples: the text with what may follow it: with all that is optional, and with nothing that is.
    """

    text: str
    then: str
    samples: tuple[Sample, ...] = ()


def _goes_on(
    contents: ContentGrammar, terminal: Terminal, lead: Lead, quantifier: Callable[[Iterable[bool]], bool]
) -> str:
    """The beginning of what follows a terminal if it may read any, or all, of the samples and no lookahead prevents it;
    else ""."""
    aheads = _aheads(terminal.pattern)
    aheads = [ahead for ahead in aheads if ahead not in (inner for other in aheads for inner in _aheads(other))]
    text, then, samples = lead
    is_needed = then in contents.terminals and (aheads or not text)
    letters = first_letters(contents.terminals[then].pattern) if is_needed else ()
    if not (text or letters):
        return ""
    if not aheads:
        first = ((ord(text[0]), ord(text[0])),) if text else letters
        made = machine(terminal.pattern)
        both = (overlap(continuing, first) for state in made.final for continuing, _ in made.steps[state])
        return next((text or chr(sample(found)) for found in both if found), "")
    after = text + (chr(sample(letters)) if letters else "")
    expression = re.compile(pattern.expression(terminal.pattern))

    def reads_on(sample: Sample) -> bool:
        if not any((match := expression.match(before + sample.text)) and match.end() > 1 for before in "a1"):
            return False
        has_more = then != CONTENT_END.terminal
        return sample.is_whole or not any(_may_stop(ahead, sample.text, has_more) for ahead in aheads)

    return after if quantifier(map(reads_on, samples or [Sample(after, False)])) else ""


def _aheads(node: pattern.RegexNode) -> list[pattern.RegexNode]:
    return [found.item for found in pattern.walk(node) if isinstance(found, pattern.Ahead)]


def _may_stop(ahead: pattern.RegexNode, text: str, has_more: bool) -> bool:
    """Whether a lookahead finds its pattern in a text; if the text has more than is known, whether it can."""
    if re.match(pattern.expression(ahead), text):
        return True
    made, state = machine(ahead), 0
    for char in text if has_more else "":
        ((_, state),) = made.moves(state, ((ord(char), ord(char)),))
    return has_more and state >= 0


def _collect(
    contents: ContentGrammar,
    items: tuple[GrammarNode, ...],
    then: tuple[GrammarNode, ...],
    after: dict[str, set[Lead]],
    inside: frozenset[str] = frozenset(),
) -> None:
    """Add to `after`, for each terminal in these parts, the beginnings of the texts that may follow it."""
    for index, node in enumerate(items):
        rest = (*items[index + 1 :], *then)
        match node:
            case RuleValue(field, terminal):
                leads = _leads(contents, rest, frozenset())
                after.setdefault(terminal, set()).update(lead for lead in leads if field or lead.text)
            case RuleOption(item):
                _collect(contents, parts(item), rest, after, inside)
            case RuleList(_, item, _, separator):
                again = RuleOption(RuleSequence((FixedText(separator), *parts(item))))
                _collect(contents, parts(item), (again, *rest), after, inside)
            case RuleCall(rule) if rule not in inside and (
                rule in contents.by_hand or not contents.is_field(rule) or contents.rules[rule].kind in ("text", "list")
            ):
                for way in contents.rules[rule].ways:
                    _collect(contents, way.items, rest, after, inside | {rule})


def _leads(contents: ContentGrammar, items: tuple[GrammarNode, ...], seen: frozenset[str]) -> set[Lead]:
    """What parts can begin with, up to the first text that is not only white space."""
    if not items:
        return {Lead("", "")}
    node, rest = items[0], items[1:]
    match node:
        case Special():
            return {Lead("", CONTENT_END.terminal)}
        case FixedText(text) if text.isspace() or not text:
            leads = _leads(contents, rest, seen)
            return {
                Lead(text + found, then, tuple(sample._replace(text=text + sample.text) for sample in samples))
                for found, then, samples in leads
            }
        case FixedText(text):
            samples = (_sample(contents, items, whole, frozenset()) for whole in (True, False))
            return {Lead(text, "", tuple(sample for sample in samples if sample))}
        case RuleMark(_, item):
            return _leads(contents, (item, *rest), seen)
        case RuleOption(item) | RuleList(_, item, 0):
            return _leads(contents, (*parts(item), *rest), seen) | _leads(contents, rest, seen)
        case RuleList(_, item):
            return _leads(contents, (*parts(item), *rest), seen)
        case RuleValue(""):
            return _leads(contents, rest, seen)
        case RuleValue(_, terminal):
            return {Lead("", terminal)}
        case RuleCall(rule) if rule not in seen:
            ways = contents.rules[rule].ways
            return {lead for way in ways for lead in _leads(contents, (*way.items, *rest), seen | {rule})}
    return {Lead("", "")}


SAMPLES = ("a", "1", '"a"', "{}", "true")
"""Texts of which most terminals read one."""


def _sample(
    contents: ContentGrammar, items: tuple[GrammarNode, ...], with_options: bool, seen: frozenset[str]
) -> Sample | None:
    """What may be written for parts, with the first alternatives that can be; None if that is not known."""
    text = ""
    for node in items:
        found: Sample | None = Sample("", False)
        match node:
            case Special():
                return Sample(text, True)
            case FixedText():
                found = Sample(node.text, False)
            case RuleMark(_, item):
                found = _sample(contents, (item,), with_options, seen)
            case RuleOption(item) | RuleList(_, item, 0):
                found = (with_options and _sample(contents, parts(item), with_options, seen)) or found
            case RuleList(_, item):
                found = _sample(contents, parts(item), with_options, seen)
            case RuleValue(_, name):
                terminal = contents.terminals[name]
                fitting = filter(terminal.fits, (*(terminal.values or ()), *SAMPLES))
                found = next((Sample(value, False) for value in fitting), None)
            case RuleCall(rule):
                known = contents.samples.get((rule, with_options))
                ways = () if known is not None or rule in seen else contents.rules[rule].ways
                samples = (_sample(contents, way.items, with_options, seen | {rule}) for way in ways)
                found = next((sample for sample in samples if sample), None) if known is None else Sample(known, False)
                if found is not None:
                    contents.samples[rule, with_options] = found.text
        if found is None:
            return None
        text += found.text
    return Sample(text, False)
