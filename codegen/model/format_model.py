"""A format: everything that the files of a grammar mean. `prove` checks it, `write` turns it into source text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..read.data_files import Choose, DefinedBy, Drop, Implied, Kind, VocabularyFile
from ..read.grammar_nodes import GrammarNode, Repeat, RuleCall, RuleMark, RuleValue, Special
from .content_grammar import ContentGrammar
from .grammar_rules import GrammarRule, GrammarRules, camel_case, named_values
from .terminals import Terminal

CONTENT_FIELD = "content"
STARTS = ("transcript", "prompt", "completion")

AS_PARSED = "as_parsed"

SOURCE = "Source"
"""The label of the part of a comment of a grammar that names the sources of its rule."""

MESSAGE = "message"
"""The rule of messages in the paths of [json], whatever its name is in the grammar."""

JSON_KEYS = ("variants", "tokens", "original")
"""The properties of messages in the JSON form that are not fields."""


@dataclass(frozen=True)
class Field:
    """A field of the message type. `values` and `type_name` are those of an enumerated field; a flag is a boolean."""

    name: str
    type_name: str
    values: tuple[str, ...] | None
    flag: bool
    required: bool
    doc: str


@dataclass(frozen=True)
class Step:
    """A frame in a start rule, and how often: once, or `?` or `*`."""

    frame: str
    times: str


@dataclass(frozen=True)
class StartRule:
    """A start rule: alternatives of steps, each with its name."""

    name: str
    paths: tuple[tuple[str | None, tuple[Step, ...]], ...]
    rule: GrammarRule


@dataclass(frozen=True)
class CatalogueEntry:
    """An entry of the catalogue; see `harmony_spec.errors.Code`."""

    code: str
    why: str
    severity: str
    fix: str | None


@dataclass(frozen=True)
class Recovery:
    """What the recovering parser knows of a format; see `harmony_spec.format.meaning.Recovery`.

    Attributes:
        slots: for each slot the field that fills it.
        separator: the text between the names of a namespace and of a tool.
        content_types, json: those that are known, and the one that is JSON.
        declared: where contents declare tools and channels, by role.
        costs: what each edit of a header costs.
        fields: for each field with a row of its own, its costs and the names of its diagnostics.
        edits: for each edit of a header, the name of its diagnostic, and the evidence.
        before: the pairs of edits whose order is policy; those of the grammar first, then those of the library.
        codes: the diagnostics of the library and of diagnostics.toml, by their names.
    """

    slots: Mapping[str, str]
    separator: str
    content_types: tuple[str, ...]
    json: str
    declared: Mapping[str, tuple[str, ...]]
    costs: Mapping[str, int]
    fields: Mapping[str, tuple[Mapping[str, int], Mapping[str, str]]]
    edits: Mapping[str, tuple[str, str]]
    before: Sequence[Mapping[str, Any]]
    codes: Mapping[str, CatalogueEntry]


@dataclass(frozen=True)
class Format(GrammarRules):
    lark: str
    files: tuple[str, ...]
    vocabulary: VocabularyFile
    terminals: Mapping[str, Terminal]
    specials: tuple[Special, ...]
    rules: Mapping[str, GrammarRule]
    starts: tuple[StartRule, ...]
    fields: Mapping[str, Field]
    styles: Mapping[str, tuple[Choose, ...]]
    default_style: str
    always: tuple[Choose, ...]
    training: tuple[Choose, ...]
    opening: Mapping[str, str | bool]
    turn: tuple[Kind, ...]
    drops: tuple[Drop, ...]
    stops: Mapping[str, tuple[str, ...]]
    example: str
    json: Mapping[str, Any]
    namespace: Mapping[str, Any] | None
    role: str
    contents: ContentGrammar
    implied: tuple[Implied, ...]
    functions: str
    definitions: Mapping[str, DefinedBy]
    tools: Mapping[str, Mapping[str, Any]]
    recovery: Recovery | None

    def is_field(self, rule: str) -> bool:
        return rule == CONTENT_FIELD

    @cached_property
    def frames(self) -> tuple[str, ...]:
        """The rules that stand in start rules, each a message or the open header of one, in order of appearance."""
        steps = (step.frame for start in self.starts for _, path in start.paths for step in path)
        return tuple(dict.fromkeys(steps))

    @cached_property
    def message(self) -> str:
        """The frame of a complete message: what a transcript is made of."""
        transcript = next(start for start in self.starts if start.name == STARTS[0])
        return transcript.paths[0][1][0].frame

    @cached_property
    def open_frame(self) -> str | None:
        """The frame that ends before the content: the open header."""
        return next((frame for frame in self.frames if not self.has_content(RuleCall(frame))), None)

    def resolve(self, node: GrammarNode) -> GrammarNode:
        return self.rules[node.rule].node if isinstance(node, RuleCall) else node

    def mark_of(self, field: str) -> GrammarNode | None:
        """What a flag stands for; None for a field that has text."""
        marks = (n for n in self.nodes() if isinstance(n, RuleMark) and n.field == field)
        return next((self.resolve(mark.item) for mark in marks), None)

    @cached_property
    def content_value(self) -> RuleValue:
        """The node for the text of the content."""
        return next(n for n in self.nodes() if isinstance(n, RuleValue) and n.field == CONTENT_FIELD)

    @property
    def content_terminal(self) -> Terminal:
        return self.terminals[self.content_value.terminal]

    @property
    def content_may_be_empty(self) -> bool:
        return isinstance(self.rules[CONTENT_FIELD].node, Repeat)

    def has_content(self, node: GrammarNode) -> bool:
        return CONTENT_FIELD in self.fields_of(node)

    def variants(self) -> dict[str, str]:
        """The named alternatives that a style may choose, each with its rule."""
        found = {}
        for rule in self.rules.values():
            found.update({way.name: rule.name for way in rule.ways if way.name and not way.sets})
        return found

    def content_variants(self) -> dict[str, str]:
        """The named alternatives of contents that a style may choose, each with its rule."""
        return {name: rule for rule in self.contents.rules for name in self.contents.spellings(rule) if name}

    def terminals_of(self, field: str) -> list[str]:
        """The terminals whose text becomes a field."""
        values = (n for n in self.nodes() if isinstance(n, RuleValue) and n.field == field)
        return list(dict.fromkeys(value.terminal for value in values))


def comment_parts(doc: Iterable[str], fields: Iterable[str] = ()) -> dict[str, str]:
    """The parts of a comment of a grammar: the text about its rule (""), its sources, and the text about each field.

    Each part is one line; in the comment, it goes on until the next part begins with `Source:` or `field:`.
    """
    names = {SOURCE, *fields}
    parts: dict[str, list[str]] = {"": []}
    part = parts[""]
    for line in doc:
        name, colon, text = line.partition(":")
        if colon and name in names:
            part, line = parts.setdefault(name, []), text.strip()
        part.append(line)
    return {name: " ".join(lines) for name, lines in parts.items()}


def build_fields(partial: Format, docs: Mapping[str, tuple[str, ...]]) -> Iterator[Field]:
    message = RuleCall(partial.message)
    required = partial.always_set(message)
    order = sorted(partial.fields_of(message), key=lambda f: (f not in required, f == CONTENT_FIELD))
    for name in order:
        flag = partial.mark_of(name) is not None
        doc = comment_parts(docs.get(name, ()))[""] or "See the grammar."
        yield Field(name, camel_case(name), _values(partial, name), flag, name in required, doc)


def _values(partial: Format, field: str) -> tuple[str, ...] | None:
    """The values of an enumerated field in order of appearance."""
    listed = [partial.terminals[name].values for name in partial.terminals_of(field)]
    if None in listed:
        return None
    named = (value for name, value in named_values(partial.rules) if name == field)
    return tuple(dict.fromkeys([value for values in listed for value in values or ()] + [*named])) or None
