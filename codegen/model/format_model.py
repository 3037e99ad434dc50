"""A format: everything that the files of a grammar mean. `prove` checks it, `write` turns it into source text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..read.data_files import Choose, DefinedBy, Drop, Implied, Style, Vocabulary
from ..read.problems import Place
from .content_rules import Contents
from .json_tables import JsonTables
from .terminals import FixedText, Special, Terminal

CONTENT = "content"
STARTS = ("transcript", "prompt", "completion")

AS_PARSED = "as_parsed"


@dataclass(frozen=True)
class Value:
    """Text that becomes a field of the message."""

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
class Call:
    rule: str


@dataclass(frozen=True)
class Branch:
    """One alternative. `sets` are the fields whose value is its name. If there are none, the name is a variant."""

    name: str | None
    node: Node
    sets: tuple[tuple[str, str], ...]
    place: Place


@dataclass(frozen=True)
class Choice:
    rule: str
    branches: tuple[Branch, ...]


Node = Special | FixedText | Value | Mark | Option | Sequence | Call | Choice


@dataclass(frozen=True)
class Rule:
    name: str
    node: Node
    place: Place
    doc: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Field:
    """A field of the message type. `values` are those of an enumerated field; a flag is a boolean."""

    name: str
    values: tuple[str, ...] | None
    flag: bool
    required: bool
    doc: tuple[str, ...]

    @property
    def type_name(self) -> str:
        """The name of the type of an enumerated field."""
        return "".join(part.title() for part in self.name.split("_"))


@dataclass(frozen=True)
class Step:
    """A frame in a start rule, and how often: once, or `?` or `*`."""

    frame: str
    times: str


@dataclass(frozen=True)
class Start:
    """A start rule: alternatives of steps, each with its name."""

    name: str
    paths: tuple[tuple[str | None, tuple[Step, ...]], ...]
    rule: Rule


@dataclass(frozen=True)
class Diagnostic:
    """An entry of the catalogue; see `harmony_spec.errors.Code`."""

    code: str
    why: str
    severity: str
    fix: str | None


@dataclass(frozen=True)
class Recovery:
    """What the recovering parser knows of a format; see `harmony_spec.tables.Recovery`.

    Attributes:
        slots: for each slot the field that fills it.
        tool: the role of the author who is written as the name of a tool.
        asks, instructs: the role that begins a turn, and those before all turns.
        separator: the text between the names of a namespace and of a tool.
        channels, stops: by their purpose.
        content_types, json: those that are known, and the one that is JSON.
        declared: where contents declare tools and channels, by role.
        costs: what each edit of a header costs.
        fields: for each field with a row of its own, its costs and the names of its diagnostics.
        edits: for each edit of a header, the name of its diagnostic, and the evidence.
        codes: the diagnostics of the library and of diagnostics.toml, by their names.
    """

    slots: Mapping[str, str]
    tool: str
    asks: str
    instructs: tuple[str, ...]
    separator: str
    channels: Mapping[str, str]
    stops: Mapping[str, str]
    content_types: tuple[str, ...]
    json: str
    declared: Mapping[str, tuple[str, ...]]
    costs: Mapping[str, int]
    fields: Mapping[str, tuple[Mapping[str, int], Mapping[str, str]]]
    edits: Mapping[str, tuple[str, str]]
    codes: Mapping[str, Diagnostic]


@dataclass(frozen=True)
class Format:
    lark: str
    files: tuple[str, ...]
    vocabulary: Vocabulary
    terminals: Mapping[str, Terminal]
    specials: tuple[Special, ...]
    rules: Mapping[str, Rule]
    starts: tuple[Start, ...]
    fields: tuple[Field, ...]
    styles: tuple[Style, ...]
    default_style: str
    always: tuple[Choose, ...]
    training: tuple[Choose, ...]
    opening: Mapping[str, str | bool]
    drops: tuple[Drop, ...]
    stops: Mapping[str, tuple[str, ...]]
    example: str
    json: JsonTables
    namespace: Mapping[str, Any] | None
    contents: Contents
    implied: tuple[Implied, ...]
    functions: str
    definitions: Mapping[str, DefinedBy]
    tools: Mapping[str, Mapping[str, Any]]
    recovery: Recovery | None

    @property
    def frames(self) -> tuple[str, ...]:
        """The rules that stand in start rules, each a message or the open header of one, in order of appearance."""
        steps = (step.frame for start in self.starts for _, path in start.paths for step in path)
        return tuple(dict.fromkeys(steps))

    @property
    def message(self) -> str:
        """The frame of a complete message: what a transcript is made of."""
        transcript = next(start for start in self.starts if start.name == STARTS[0])
        return transcript.paths[0][1][0].frame

    @property
    def open_frame(self) -> str | None:
        """The frame that ends before the content: the open header."""
        return next((frame for frame in self.frames if not self.has_content(Call(frame))), None)

    def resolve(self, node: Node) -> Node:
        return self.rules[node.rule].node if isinstance(node, Call) else node

    def has_content(self, node: Node) -> bool:
        return CONTENT in self.fields_of(node)

    def fields_of(self, node: Node) -> dict[str, None]:
        """The fields that a node can set, in order of appearance."""
        return dict.fromkeys(self._fields(node))

    def _fields(self, node: Node) -> Iterator[str]:
        match node:
            case Value(field):
                yield field
            case Mark(field, item):
                yield field
                yield from self._fields(item)
            case Option(item):
                yield from self._fields(item)
            case Sequence(items):
                for item in items:
                    yield from self._fields(item)
            case Choice(_, branches):
                for branch in branches:
                    yield from (field for field, _ in branch.sets)
                    yield from self._fields(branch.node)
            case Call():
                yield from self._fields(self.resolve(node))

    def always_set(self, node: Node) -> set[str]:
        """The fields that every reading of a node sets to a value."""
        match node:
            case Value(field) | Mark(field):
                return {field}
            case Sequence(items):
                return set().union(*map(self.always_set, items))
            case Choice(_, branches):
                each = [self.always_set(b.node) | {field for field, _ in b.sets} for b in branches]
                return set.intersection(*each)
            case Call(rule):
                return {CONTENT} if rule == CONTENT else self.always_set(self.resolve(node))
        return set()

    def variants(self) -> dict[str, str]:
        """The named alternatives that a style may choose, each with its rule."""
        found = {}
        for rule in self.rules.values():
            if isinstance(rule.node, Choice):
                found.update({b.name: rule.name for b in rule.node.branches if b.name and not b.sets})
        return found

    def terminals_of(self, field: str) -> list[str]:
        """The terminals whose text becomes a field."""
        nodes = (node for rule in self.rules.values() for node in walk(rule.node))
        return list(dict.fromkeys(n.terminal for n in nodes if isinstance(n, Value) and n.field == field))


def without_sources(doc: tuple[str, ...]) -> str:
    """The lines of a comment of a grammar but those that name sources, as one line."""
    return " ".join(line for line in doc if not line.startswith("Source:"))


def walk(node: Node) -> Iterator[Node]:
    """A node and all nodes in it. Rules that it calls are not entered."""
    yield node
    match node:
        case Mark(_, item) | Option(item):
            yield from walk(item)
        case Sequence(items):
            for item in items:
                yield from walk(item)
        case Choice(_, branches):
            for branch in branches:
                yield from walk(branch.node)
