"""Checks that run before there is a format: each name is defined once, and no framing rule contains itself."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping

from ..read.lark_files import Alternative, Definition, Group, Name, names_in
from ..read.problems import Problem
from ..read.reachable import reachable


def misnamed_definitions(definitions: tuple[Definition, ...]) -> Iterator[Problem]:
    """Each name is defined once and is not a Python keyword."""
    seen: dict[str, Definition] = {}
    for definition in definitions:
        if keyword.iskeyword(definition.name):
            reason = f"the rule name `{definition.name}` is a Python keyword"
            yield Problem(definition.place, reason, "Choose another name.")
        if first := seen.get(definition.name):
            reason = f"`{definition.name}` is defined twice; first at {first.place}"
            yield Problem(definition.place, reason, "Remove one, or make it an alternative of the other.")
        seen[definition.name] = definition


def recursive_definitions(definitions: tuple[Definition, ...]) -> Iterator[Problem]:
    """No rule contains itself: framing is a regular language, since codecs read it with regular expressions."""
    uses = {d.name: list(names_in(d.alternatives)) for d in definitions}
    firsts = {d.name: list(_first_names(d.alternatives)) for d in definitions}
    cyclic: set[str] = set()
    for definition in definitions:
        if definition.name in cyclic or definition.name not in _names_reached(definition.name, uses):
            continue
        cyclic |= {n for n in _names_reached(definition.name, uses) if definition.name in _names_reached(n, uses)}
        left = definition.name in _names_reached(definition.name, firsts)
        kind = "left-recursive" if left else "recursive"
        yield Problem(definition.place, f"`{definition.name}` is {kind}", "Repeat with `*` in the start rule instead.")


def _first_names(alternatives: tuple[Alternative, ...]) -> Iterator[str]:
    """The names that alternatives can begin with."""
    for alternative in alternatives:
        for item in alternative.items:
            if isinstance(item, Name):
                yield item.name
            elif isinstance(item, Group):
                yield from _first_names(item.alternatives)
                if item.operator in ("?", "*"):
                    continue
            break


def _names_reached(name: str, uses: Mapping[str, list[str]]) -> dict[str, None]:
    return reachable(uses.get(name, ()), lambda used: uses.get(used, ()))
