"""What may follow a text: the derivative of a constraint by the characters and special tokens that are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from ..format.algebra import (
    EMPTY,
    NOTHING,
    AlternativesNode,
    CharacterNode,
    JsonNode,
    LiteralNode,
    Node,
    OptionalNode,
    RepeatNode,
    RuleNode,
    SequenceNode,
    TextNode,
    TokenNode,
    in_order,
    maybe,
    one_of,
    repeat,
)
from ..validation.budget import Budget, UnfinishedCheck


class JsonBegun(Exception):
    """A text ends inside of a JSON value; JSON values have no derivatives."""


def derivative(node: Node, units: Iterable[str | TokenNode]) -> Node:
    """What may follow characters and special tokens; `NOTHING` if the node does not begin with them.

    Raises:
        JsonBegun: they end inside of a JSON value.
    """
    for unit in units:
        node = _after(node, unit)
    return node


class WholeJson(NamedTuple):
    """A text that is one JSON value."""

    text: str

    def matches(self, schema: str) -> bool:
        """Whether it matches a schema. An invalid one, or one that takes too long, is matched by every value."""
        from ..validation.breaches import InvalidSchema
        from ..validation.schemas import find_breaches

        if self.text != self.text.strip():
            return False
        budget = Budget()
        budget.grant(len(self.text) + len(schema))
        try:
            return not find_breaches(json.loads(schema), json.loads(self.text), budget)
        except (InvalidSchema, UnfinishedCheck):
            return True
        except (ValueError, RecursionError):
            return False


def admits(node: Node, units: Sequence[str | TokenNode]) -> bool:
    """Whether a constraint admits characters and special tokens, up to its end.

    A JSON value is everything up to the next special token.
    """
    states: list[Node] = [node]
    for is_text, run in groupby(units, lambda unit: isinstance(unit, str)):
        if not is_text:
            tokens = [*run]
            states = [derivative(state, tokens) for state in states]
            continue
        text, found = "".join(map(str, run)), list[Node]()
        for at, char in enumerate(text):
            value = WholeJson(text[at:])
            found += [_after(state, value) for state in states]
            states = [_after(state, char, False) for state in states]
        states = [one_of([*found, *states])]
    return any(map(is_nullable, states))


def _after(node: Node, unit: str | TokenNode | WholeJson, refuses_json: bool = True) -> Node:
    match node:
        case TokenNode():
            return EMPTY if node == unit else NOTHING
        case LiteralNode(text):
            return in_order([LiteralNode(text[1:])] if text[1:] else []) if text[0] == unit else NOTHING
        case CharacterNode(ranges):
            fits = isinstance(unit, str) and any(low <= ord(unit) <= high for low, high in ranges)
            return EMPTY if fits else NOTHING
        case TextNode():
            return maybe(node) if isinstance(unit, str) else NOTHING
        case JsonNode(schema):
            if isinstance(unit, str) and refuses_json:
                raise JsonBegun
            return EMPTY if isinstance(unit, WholeJson) and unit.matches(schema) else NOTHING
        case SequenceNode(items):
            options = []
            for at, item in enumerate(items):
                options.append(in_order([_after(item, unit, refuses_json), *items[at + 1 :]]))
                if not is_nullable(item):
                    break
            return one_of(options)
        case AlternativesNode(items):
            return one_of([_after(item, unit, refuses_json) for item in items])
        case OptionalNode(item) | RuleNode(_, item):
            return _after(item, unit, refuses_json)
        case RepeatNode(item, least, most):
            rest = repeat(item, max(least - 1, 0), None if most is None else most - 1)
            return in_order([_after(item, unit, refuses_json), rest])
    raise AssertionError(f"{node} has fields")


def is_nullable(node: Node) -> bool:
    """Whether nothing needs to be written."""
    match node:
        case SequenceNode(items):
            return all(map(is_nullable, items))
        case AlternativesNode(items):
            return any(map(is_nullable, items))
        case RepeatNode(item, least):
            return least == 0 or is_nullable(item)
        case RuleNode(_, item):
            return is_nullable(item)
    return isinstance(node, OptionalNode)
