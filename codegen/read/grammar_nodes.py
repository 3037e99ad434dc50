"""What a grammar reads, as trees: patterns of text and rules in one algebra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .problems import Place


@dataclass(frozen=True)
class Text:
    """Text that is always the same."""

    text: str


@dataclass(frozen=True)
class Chars:
    """One character of a class; `body` is the text between the brackets of a regular expression."""

    body: str
    negated: bool = False


@dataclass(frozen=True)
class Concat:
    items: tuple[GrammarNode, ...]


@dataclass(frozen=True)
class AnyOf:
    """Alternatives of a pattern."""

    options: tuple[GrammarNode, ...]


@dataclass(frozen=True)
class Repeat:
    """A part several times; in a rule, an optional part."""

    item: GrammarNode
    low: int
    high: int | None


@dataclass(frozen=True)
class Ahead:
    """A negative lookahead: the text from here does not begin with the pattern."""

    item: GrammarNode


@dataclass(frozen=True)
class Special:
    terminal: str
    spelling: str


@dataclass(frozen=True)
class RuleValue:
    """Text that becomes a field. In contents, the field of layout is empty."""

    field: str
    terminal: str


@dataclass(frozen=True)
class RuleMark:
    """A part without values whose presence is a boolean field."""

    field: str
    item: GrammarNode


@dataclass(frozen=True)
class RuleList:
    """A list: an item among other parts, `least` times or more, with a text between them."""

    field: str
    item: GrammarNode
    least: int
    separator: str = ""


@dataclass(frozen=True)
class RuleCall:
    rule: str


@dataclass(frozen=True)
class Branch:
    """One alternative. `sets` are the fields whose value is its name. If there are none, the name is a variant."""

    name: str | None
    node: GrammarNode
    sets: tuple[tuple[str, str], ...]
    place: Place

    @property
    def items(self) -> tuple[GrammarNode, ...]:
        return parts(self.node)


@dataclass(frozen=True)
class RuleChoice:
    rule: str
    branches: tuple[Branch, ...]


PatternNode = Text | Chars | Concat | AnyOf | Repeat | Ahead
GrammarNode = PatternNode | Special | RuleValue | RuleMark | RuleList | RuleCall | RuleChoice


def parts(node: GrammarNode) -> tuple[GrammarNode, ...]:
    return node.items if isinstance(node, Concat) else (node,)


def concatenated(items: Iterable[GrammarNode]) -> GrammarNode:
    """Parts as one node. Texts that follow each other are one text."""
    found: list[GrammarNode] = []
    for item in items:
        if isinstance(item, Text) and found and isinstance(previous := found[-1], Text):
            found[-1] = Text(previous.text + item.text)
        else:
            found.append(item)
    return found[0] if len(found) == 1 else Concat(tuple(found))


def walk(node: GrammarNode) -> Iterator[GrammarNode]:
    """A node and all nodes in it, but those in lookaheads. Rules that it calls are not entered."""
    yield node
    inner: tuple[GrammarNode, ...] = ()
    match node:
        case Concat(items) | AnyOf(items):
            inner = items
        case RuleChoice(_, branches):
            inner = tuple(branch.node for branch in branches)
        case Repeat(item) | RuleMark(_, item) | RuleList(_, item):
            inner = (item,)
    for child in inner:
        yield from walk(child)


def called(node: GrammarNode) -> list[str]:
    """The rules that a node calls, in order of appearance."""
    return [part.rule for part in walk(node) if isinstance(part, RuleCall)]
