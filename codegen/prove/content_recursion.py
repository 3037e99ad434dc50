"""Rules of contents that would be read forever, and what of them may be empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.content_rules import ContentRule, Fixed, Flag, Joined, Many, Node, Optional, Part, Token, Use
from ..read.problems import Problem


def endless(rules: Mapping[str, ContentRule]) -> Iterator[Problem]:
    """Rules that would be read forever: that come back to themselves without reading, or repeat what may be empty."""
    for rule in rules.values():
        if rule.name in _begins(rules, rule.name):
            reason = f"`{rule.name}` can begin with itself"
            yield Problem(rule.place, reason, "Write the repetition with `*` or `+`, or put a text before it.")
        for way in rule.ways:
            for node in way.items:
                if isinstance(node, Many) and all(nullable(rules, item, frozenset()) for item in node.items):
                    yield Problem(rule.place, f"`{rule.name}` repeats what may be empty", "Put a text into it.")


def _begins(rules: Mapping[str, ContentRule], start: str) -> set[str]:
    """The rules that what a rule reads can begin with."""
    found: set[str] = set()
    todo = [start]
    while todo:
        for way in rules[todo.pop()].ways:
            for name in _leading(rules, way.items):
                if name in rules and name not in found:
                    found.add(name)
                    todo.append(name)
    return found


def _leading(rules: Mapping[str, ContentRule], items: tuple[Node, ...]) -> Iterator[str]:
    for node in items:
        match node:
            case Part(_, rule) | Use(rule) | Joined(_, Part(_, rule)):
                yield rule
            case Optional(inner) | Many(_, inner):
                yield from _leading(rules, inner)
        if not nullable(rules, node, frozenset()):
            return


def nullable(rules: Mapping[str, ContentRule], node: Node, seen: frozenset[str]) -> bool:
    """Whether a part may be empty."""
    match node:
        case Fixed(text):
            return not text
        case Flag() | Optional():
            return True
        case Token(name, _, optional):
            return optional or not name
        case Many(_, items, least):
            return not least or all(nullable(rules, item, seen) for item in items)
        case Joined(_, item):
            return nullable(rules, item, seen)
        case Part(_, rule) | Use(rule):
            if rule in seen or rule not in rules:
                return False
            return any(all(nullable(rules, n, seen | {rule}) for n in way.items) for way in rules[rule].ways)
    return False
