"""The rules of a grammar as trees, for framing and contents alike: what is read, and which part of it is a field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..read.problems import Place
from .terminals import FixedText, Special


@dataclass(frozen=True)
class Value:
    """Text that becomes a field. In contents, the field of layout is empty."""

    field: str
    terminal: str


@dataclass(frozen=True)
class Mark:
    """A part without values whose presence is a boolean field."""

    field: str
    item: Node


@dataclass(frozen=True)
class Option:
    item: Node


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Many:
    """A list: parts of which one is the item, `least` times or more, with a text between them."""

    field: str
    item: Node
    least: int
    separator: str = ""


@dataclass(frozen=True)
class Call:
    rule: str


@dataclass(frozen=True)
class Branch:
    """One alternative. `sets` are the fields whose value is its name. If there are none, the name is a variant."""

    name: str | None
    node: Node
    sets: tuple[tuple[str, str], ...]
    place: Place

    @property
    def items(self) -> tuple[Node, ...]:
        return parts(self.node)


@dataclass(frozen=True)
class Choice:
    rule: str
    branches: tuple[Branch, ...]


Node = Special | FixedText | Value | Mark | Option | Sequence | Many | Call | Choice


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        kind: of a rule of contents "constant", "enumerated", "text", "lines", "list", "alias", "choice", "record" or
            "inlined".
        collapses: whether its value is that of one part if the others are absent.
    """

    name: str
    node: Node
    place: Place
    doc: tuple[str, ...]
    source: str
    kind: str = ""
    collapses: bool = False

    @property
    def ways(self) -> tuple[Branch, ...]:
        """The alternatives, also of a rule that has only one."""
        return self.node.branches if isinstance(self.node, Choice) else (Branch(None, self.node, (), self.place),)

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the alternatives."""
        return tuple(way.name or "" for way in self.ways)


class Grammar(ABC):
    """Rules. A call of one is a field, or has the fields of its parts."""

    rules: Mapping[str, Rule]

    @abstractmethod
    def is_field(self, rule: str) -> bool: ...

    def settings(self, node: Node) -> Iterator[tuple[str, Node]]:
        """The fields that a node can set, each with the node that sets it, in order of appearance."""
        match node:
            case Value(field) | Many(field) if field:
                yield field, node
            case Mark(field, item):
                yield field, node
                yield from self.settings(item)
            case Option(item):
                yield from self.settings(item)
            case Sequence(items):
                for item in items:
                    yield from self.settings(item)
            case Choice(_, branches):
                for branch in branches:
                    yield from ((field, node) for field, _ in branch.sets)
                    yield from self.settings(branch.node)
            case Call(rule) if self.is_field(rule):
                yield rule, node
            case Call(rule):
                yield from self.settings(self.rules[rule].node)

    def fields_of(self, node: Node) -> dict[str, None]:
        """The fields that a node can set, in order of appearance."""
        return dict.fromkeys(field for field, _ in self.settings(node))

    def always_set(self, node: Node) -> set[str]:
        """The fields that every reading of a node sets to a value."""
        match node:
            case Value(field) | Mark(field) if field:
                return {field}
            case Many(field, _, least) if least:
                return {field}
            case Sequence(items):
                return set().union(*map(self.always_set, items))
            case Choice(_, branches):
                each = [self.always_set(b.node) | {field for field, _ in b.sets} for b in branches]
                return set.intersection(*each)
            case Call(rule):
                return {rule} if self.is_field(rule) else self.always_set(self.rules[rule].node)
        return set()


def parts(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def walk(node: Node) -> Iterator[Node]:
    """A node and all nodes in it. Rules that it calls are not entered."""
    yield node
    match node:
        case Mark(_, item) | Option(item) | Many(_, item):
            yield from walk(item)
        case Sequence(items):
            for item in items:
                yield from walk(item)
        case Choice(_, branches):
            for branch in branches:
                yield from walk(branch.node)
