"""Checks that run before there is a format: each name is defined once, and no framing rule contains itself."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping, Set

from ..model.format_model import STARTS
from ..model.terminals import is_terminal
from ..read.lark_files import LarkAlternative, LarkDefinition, LarkGroup, LarkItem, LarkName, LarkString, names_in
from ..read.problems import Place, Problem, suggestion
from ..read.reachable import reachable


def misnamed_definitions(definitions: tuple[LarkDefinition, ...]) -> Iterator[Problem]:
    """Each name is defined once, as something, and is not a Python keyword."""
    seen: dict[str, LarkDefinition] = {}
    for definition in definitions:
        if keyword.iskeyword(definition.name):
            reason = f"the rule name `{definition.name}` is a Python keyword"
            yield Problem(definition.place, reason, "Choose another name.")
        if not any(alternative.items for alternative in definition.alternatives):
            yield Problem(definition.place, f"`{definition.name}` is empty", "Write what it reads, or remove it.")
        if first := seen.get(definition.name):
            reason = f"`{definition.name}` is defined twice; first at {first.place}"
            yield Problem(definition.place, reason, "Remove one, or make it an alternative of the other.")
        seen[definition.name] = definition


def unused_definitions(definitions: tuple[LarkDefinition, ...], starts: Iterable[str], kind: str) -> Iterator[Problem]:
    """Each definition is reached from a start. Of those that are not, only the ones that nothing uses are reported."""
    used = {definition.name: [*names_in(definition.alternatives)] for definition in definitions}
    starts = [*starts]
    found = used.keys() - reachable(starts, lambda name: used.get(name, ()))
    inner = {other for name in found for other in used[name] if other != name}
    for definition in definitions:
        if definition.name in (found - inner or found):
            remedy = suggestion(definition.name, starts, f"Use it in a rule, or remove it. {kind.capitalize()}s")
            reason = f"`{definition.name}` is not a {kind}, and nothing uses it"
            if is_terminal(definition.name):
                reason = f"nothing uses `{definition.name}`"
            yield Problem(definition.place, reason, remedy)


def misplaced_starts(definitions: tuple[LarkDefinition, ...], lark: str) -> Iterator[Problem]:
    """There are all start rules, and no rule contains one."""
    for missing in sorted({*STARTS} - {definition.name for definition in definitions}):
        yield Problem(Place(lark), f"the start rule `{missing}` is missing", f"Start rules: {', '.join(STARTS)}.")
    for definition in definitions:
        for name in sorted({*names_in(definition.alternatives)} & {*STARTS}):
            reason = f"`{definition.name}` contains the start rule `{name}`"
            yield Problem(definition.place, reason, "Write the rules for messages that it is made of.")


def recursive_definitions(definitions: tuple[LarkDefinition, ...]) -> Iterator[Problem]:
    """No rule contains itself: framing is a regular language, since codecs read it with regular expressions."""
    rules = {d.name: d.alternatives for d in definitions}

    def used(name: str) -> list[str]:
        return list(names_in(rules.get(name, ())))

    cyclic: set[str] = set()
    for definition in definitions:
        name = definition.name
        if name in cyclic or name not in (inner := reachable(used(name), used)):
            continue
        cyclic |= {other for other in inner if name in reachable(used(other), used)}
        kind = "left-recursive" if _begins_with_itself(name, rules) else "recursive"
        yield Problem(definition.place, f"`{name}` is {kind}", "Repeat with `*` in the start rule instead.")


def endless_definitions(definitions: tuple[LarkDefinition, ...]) -> Iterator[Problem]:
    """Rules that would be read forever: they always contain themselves, return to themselves without reading, or repeat
    an empty text."""
    rules = {d.name: d.alternatives for d in definitions}
    begin_again = [definition for definition in definitions if _begins_with_itself(definition.name, rules)]
    for definition in begin_again:
        reason = f"`{definition.name}` can begin with itself"
        yield Problem(definition.place, reason, "Write the repetition with `*` or `+`, or put a text before it.")
    finite: set[str] = set()
    while more := {name for name, found in rules.items() if name not in finite and _may_end(found, rules, finite)}:
        finite |= more
    for definition in definitions:
        if definition.name not in finite and not begin_again:
            yield Problem(definition.place, f"`{definition.name}` never ends", "Add an alternative without itself.")
        if any(_may_be_empty(group.alternatives, rules) for group in _repeated(definition.alternatives)):
            reason = f"`{definition.name}` repeats what may be empty"
            yield Problem(definition.place, reason, "Put a text into it.")


RuleAlternatives = Mapping[str, tuple[LarkAlternative, ...]]


def _may_end(alternatives: tuple[LarkAlternative, ...], rules: RuleAlternatives, finite: Set[str]) -> bool:
    """Whether alternatives can be read without rules that are not known to end."""

    def may_end(item: LarkItem) -> bool:
        if isinstance(item, LarkGroup):
            return item.operator in ("?", "*") or _may_end(item.alternatives, rules, finite)
        return not isinstance(item, LarkName) or item.name in finite or item.name not in rules

    return any(all(map(may_end, alternative.items)) for alternative in alternatives)


def _begins_with_itself(name: str, rules: RuleAlternatives) -> bool:
    def first(name: str) -> list[str]:
        return list(_first_names(rules.get(name, ()), rules))

    return name in reachable(first(name), first)


def _first_names(alternatives: tuple[LarkAlternative, ...], rules: RuleAlternatives) -> Iterator[str]:
    """The names that alternatives can begin with."""
    for alternative in alternatives:
        for item in alternative.items:
            if isinstance(item, LarkName):
                yield item.name
            elif isinstance(item, LarkGroup):
                yield from _first_names(item.alternatives, rules)
            if not _may_be_empty((LarkAlternative((item,), None, item.place),), rules):
                break


def _may_be_empty(
    alternatives: tuple[LarkAlternative, ...], rules: RuleAlternatives, seen: frozenset[str] = frozenset()
) -> bool:
    """Whether alternatives can read an empty text. Layout may be absent: a terminal whose name begins with `_`."""

    def may_be(item: LarkItem) -> bool:
        match item:
            case LarkString(text):
                return not text
            case LarkGroup(inner, operator):
                return operator in ("?", "*") or _may_be_empty(inner, rules, seen)
            case LarkName(name) if is_terminal(name):
                return name.startswith("_")
            case LarkName(name):
                return name not in seen and _may_be_empty(rules.get(name, ()), rules, seen | {name})
        return False

    return any(all(map(may_be, alternative.items)) for alternative in alternatives)


def _repeated(alternatives: tuple[LarkAlternative, ...]) -> Iterator[LarkGroup]:
    for item in (item for alternative in alternatives for item in alternative.items if isinstance(item, LarkGroup)):
        if item.operator in ("*", "+"):
            yield item
        yield from _repeated(item.alternatives)
