"""Rules with the values of fields fixed. What remains has no fields, and only alternatives with these values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import is_
from typing import NamedTuple

from ..format.algebra import (
    NOTHING,
    AlternativesNode,
    ChoiceNode,
    FieldNode,
    FlagNode,
    LiteralNode,
    Node,
    OptionalNode,
    ReferenceNode,
    SequenceNode,
    TokenNode,
    in_order,
    maybe,
    one_of,
)


class Wanted(NamedTuple):
    """What a field may be.

    Attributes:
        node: its text; None for what the grammar has; `NOTHING` for a field that must be absent.
        is_required: whether it must be present.
    """

    node: Node | None = None
    is_required: bool = True

    def allows(self, value: str) -> bool:
        match self.node:
            case LiteralNode(text):
                return text == value
            case AlternativesNode(items):
                return any(Wanted(item).allows(value) for item in items)
        return self.node is None


ABSENT = Wanted(NOTHING, False)


@dataclass(frozen=True)
class Specialiser:
    """Fixes values in rules.

    Attributes:
        fields: what fields may be; the others are as in the grammar.
        tokens: what replaces special tokens.
        chosen: the named alternatives to write instead of the first ones; None allows every alternative.
    """

    fields: Mapping[str, Wanted]
    tokens: Mapping[str, Node]
    chosen: frozenset[str] | None = None

    def __call__(self, node: Node) -> Node:
        match node:
            case TokenNode(spelling):
                return self.tokens.get(spelling, node)
            case FieldNode(name, item):
                found = self.fields.get(name, Wanted()).node
                return item if found is None else found
            case FlagNode(name, item):
                return NOTHING if self.fields.get(name, Wanted()) == ABSENT else self(item)
            case OptionalNode(item):
                inner = self(item)
                return inner if self._requires(item) else maybe(inner)
            case SequenceNode(items):
                return in_order(map(self, items))
            case ChoiceNode():
                return self._choice(node)
        return node

    def _choice(self, node: ChoiceNode) -> Node:
        required = set(self._requires(node))
        found: dict[str | None, Node] = {}
        for way in node.ways:
            can_set = dict(way.sets) | dict(fields_in(way.item))
            has_values = all(self.fields.get(name, Wanted()).allows(value) for name, value in way.sets)
            if has_values and required <= can_set.keys() and (made := self(way.item)) != NOTHING:
                found[way.name] = made
        if self.chosen is not None and found and not any(way.sets for way in node.ways):
            chosen = (item for name, item in found.items() if name in self.chosen)
            return next(chosen, next(iter(found.values())))
        return one_of(found.values())

    def _requires(self, node: Node) -> list[str]:
        """The fields in a node that must be present."""
        return [name for name, _ in fields_in(node) if name in self.fields and self.fields[name].is_required]


def filled(node: Node, parts: Mapping[str, Node]) -> Node:
    """A specialised node with parts in place of the references of these names.

    What has no such references stays the same object: printers remember objects.
    """
    if isinstance(node, (SequenceNode, AlternativesNode)):
        new = [filled(item, parts) for item in node.items]
        if all(map(is_, new, node.items)):
            return node
        return in_order(new) if isinstance(node, SequenceNode) else AlternativesNode(tuple(new))
    if isinstance(node, OptionalNode):
        inner = filled(node.item, parts)
        return node if inner is node.item else maybe(inner)
    return parts.get(node.name, node) if isinstance(node, ReferenceNode) else node


def fields_in(node: Node) -> Iterator[tuple[str, Node | None]]:
    """The fields that a node of a rule can set, each with its text if the node has it."""
    match node:
        case FieldNode(name, item):
            yield name, item
        case FlagNode(name, item):
            yield name, None
            yield from fields_in(item)
        case OptionalNode(item):
            yield from fields_in(item)
        case SequenceNode(items):
            for item in items:
                yield from fields_in(item)
        case ChoiceNode(ways):
            for way in ways:
                yield from ((name, None) for name, _ in way.sets)
                yield from fields_in(way.item)
