"""The framing of a format as an algebra: what may be written, without how it is read.

Codecs hold the rules of their grammar in it. `FieldNode`, `FlagNode` and `ChoiceNode` name the fields that a part sets;
`harmony_spec.constraints` removes them as it fixes the values of fields, and prints the rest for engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]
"""Code points, as sorted ranges with both ends."""

LAST_CODE_POINT = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)


@dataclass(frozen=True, slots=True)
class TokenNode:
    """A special token."""

    spelling: str


@dataclass(frozen=True, slots=True)
class LiteralNode:
    """A fixed text."""

    text: str


@dataclass(frozen=True, slots=True)
class CharacterNode:
    """One character."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class TextNode:
    """Any text without special tokens that is not empty."""


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A JSON value. The schema is JSON text."""

    schema: str


@dataclass(frozen=True, slots=True)
class SequenceNode:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AlternativesNode:
    """One of these. None of them: nothing can be written."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class OptionalNode:
    item: Node


@dataclass(frozen=True, slots=True)
class RepeatNode:
    """The same part several times; `most` is None without a limit."""

    item: Node
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RuleNode:
    """A part with a name, which exports keep. Compared by identity, which is fast however large it is."""

    name: str
    item: Node


@dataclass(frozen=True, slots=True)
class ReferenceNode:
    """A part that is defined elsewhere, such as one that holds itself; what prints it knows its definitions."""

    name: str


@dataclass(frozen=True, slots=True)
class FieldNode:
    """The text of a field."""

    name: str
    item: Node


@dataclass(frozen=True, slots=True)
class FlagNode:
    """A part whose presence is a field."""

    name: str
    item: Node


@dataclass(frozen=True, slots=True)
class Way:
    """One alternative of a rule: the name of the variant or None, the fields whose value is its name, and its parts."""

    name: str | None
    sets: tuple[tuple[str, str], ...]
    item: Node


@dataclass(frozen=True, slots=True)
class ChoiceNode:
    """The alternatives of a rule, the canonical one first."""

    ways: tuple[Way, ...]


Node = (
    TokenNode
    | LiteralNode
    | CharacterNode
    | TextNode
    | JsonNode
    | SequenceNode
    | AlternativesNode
    | OptionalNode
    | RepeatNode
    | RuleNode
    | ReferenceNode
    | FieldNode
    | FlagNode
    | ChoiceNode
)

EMPTY = SequenceNode(())
NOTHING = AlternativesNode(())


def gaps(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The code points that are in none of some ranges, without surrogates."""
    found, at = [], 0
    for low, high in sorted([*ranges, SURROGATES, (LAST_CODE_POINT + 1, LAST_CODE_POINT + 1)]):
        if low > at:
            found.append((at, low - 1))
        at = max(at, high + 1)
    return tuple(found)


def all_but(codes: Iterable[int]) -> Node:
    """Any character but some."""
    return CharacterNode(gaps((code, code) for code in codes))


def in_order(items: Iterable[Node]) -> Node:
    """A sequence: flat, with adjacent texts joined."""
    found: list[Node] = []
    for part in _flat(items):
        if isinstance(part, LiteralNode):  # classes first: to compare nodes takes ten times as long
            if found and isinstance(last := found[-1], LiteralNode):
                found[-1] = LiteralNode(last.text + part.text)
            elif part.text:
                found.append(part)
        elif isinstance(part, AlternativesNode) and not part.items:
            return NOTHING
        else:
            found.append(part)
    return found[0] if len(found) == 1 else SequenceNode(tuple(found))


def _flat(items: Iterable[Node]) -> Iterator[Node]:
    for item in items:
        if isinstance(item, SequenceNode):
            yield from _flat(item.items)
        else:
            yield item


def one_of(items: Iterable[Node]) -> Node:
    """Alternatives: flat and without repetition. `x y | y` becomes `x? y`."""
    found: dict[Node, None] = {}
    for item in items:
        found |= dict.fromkeys(item.items if isinstance(item, AlternativesNode) else (item,))
    is_optional = EMPTY in found
    found.pop(EMPTY, None)
    options = list(found)
    if len(options) == 2:
        rows = [option.items if isinstance(option, SequenceNode) else (option,) for option in options]
        long, short = sorted(rows, key=len, reverse=True)
        if len(short) < len(long) and long[-len(short) :] == short:
            options = [in_order((maybe(in_order(long[: -len(short)])), *short))]
    made = options[0] if len(options) == 1 else AlternativesNode(tuple(options))
    return maybe(made) if is_optional else made


def maybe(item: Node) -> Node:
    if item in (EMPTY, NOTHING):
        return EMPTY
    is_nullable = isinstance(item, OptionalNode) or (isinstance(item, RepeatNode) and item.least == 0)
    return item if is_nullable else OptionalNode(item)


def repeat(item: Node, least: int = 0, most: int | None = None) -> Node:
    if item == EMPTY or most == 0:
        return EMPTY
    if item == NOTHING:
        return NOTHING if least else EMPTY
    return item if (least, most) == (1, 1) else RepeatNode(item, least, most)
