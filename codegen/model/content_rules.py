"""The rules of the grammar of contents as types, and what each part of a rule is in its type.

- A rule of several parts is a record with a field for each rule and terminal in it.
- A repeated part is a list; its field is in the plural.
- A rule of one value is that value. If it is one of several rules to choose from, it is a record, so that its class
  shows which one it is.
- The parts of a rule that begins with `_` are parts of the rules that use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..read.lark_files import Alternative, Definition, Group, Item, Name, Regex, String
from ..read.problems import Place, Problem
from .terminals import Terminal, Terminals, is_terminal

METASCHEMA = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Fixed:
    text: str


@dataclass(frozen=True)
class Flag:
    """Fixed text that may be absent: a field that is true or false."""

    field: str
    text: str


@dataclass(frozen=True)
class Token:
    """Text that fits a terminal. If the name of the terminal begins with `_`, it is layout and `field` is empty."""

    field: str
    terminal: str
    optional: bool = False


@dataclass(frozen=True)
class Part:
    """The value of another rule."""

    field: str
    rule: str


@dataclass(frozen=True)
class Use:
    """The parts of a rule whose name begins with `_`."""

    rule: str


@dataclass(frozen=True)
class Maybe:
    items: tuple[ContentNode, ...]


@dataclass(frozen=True)
class Many:
    """A list: groups of parts, of which one is the item; `least` is 0 or 1."""

    field: str
    items: tuple[ContentNode, ...]
    least: int


@dataclass(frozen=True)
class Joined:
    """A list of one item or more with a text between them."""

    field: str
    item: Token | Part
    separator: str


ContentNode = Fixed | Flag | Token | Part | Use | Maybe | Many | Joined


@dataclass(frozen=True)
class Way:
    """One alternative of a rule."""

    name: str | None
    items: tuple[ContentNode, ...]
    place: Place


@dataclass(frozen=True)
class ContentRule:
    """A rule of the grammar of contents.

    Attributes:
        kind: "constant", "enumerated", "text", "lines", "list", "alias", "choice", "record" or "inlined".
        collapses: whether its value is that of one part if the others are absent.
    """

    name: str
    kind: str
    ways: tuple[Way, ...]
    collapses: bool
    place: Place
    doc: tuple[str, ...]
    source: str

    @property
    def nodes(self) -> tuple[ContentNode, ...]:
        """The parts of a rule that has one alternative."""
        return self.ways[0].items

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the alternatives."""
        return tuple(way.name or "" for way in self.ways)


@dataclass(frozen=True)
class Contents:
    """The grammar of contents.

    Attributes:
        roles: the rules of the contents of messages, named like the role.
        schemas: the rules whose values are JSON Schemas.
        defaults: the values of absent fields, by rule.
        implied: rules and their flags that the conversation decides.
        indents: by how many spaces the lines in a rule are indented.
    """

    rules: Mapping[str, ContentRule] = field(default_factory=dict)
    terminals: Mapping[str, Terminal] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    schemas: frozenset[str] = frozenset()
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    implied: frozenset[tuple[str, str]] = frozenset()
    indents: Mapping[str, int] = field(default_factory=dict)

    def is_json(self, terminal: str) -> bool:
        """Whether a text that fits a terminal becomes the JSON value that it spells."""
        return terminal.startswith("JSON")

    def fields(self, rule: str) -> dict[str, list[ContentNode]]:
        """The fields of a rule, with the nodes that set them, in order of appearance."""
        found: dict[str, list[ContentNode]] = {}
        for way in self.rules[rule].ways:
            for node in self.leaves(way.items):
                found.setdefault(name_of(node), []).append(node)
        return found

    def leaves(self, items: tuple[ContentNode, ...]) -> Iterator[ContentNode]:
        """The nodes that set fields, including those of inlined rules."""
        for node in items:
            match node:
                case Maybe(inner):
                    yield from self.leaves(inner)
                case Use(rule):
                    for way in self.rules[rule].ways:
                        yield from self.leaves(way.items)
                case Fixed() | Token(""):
                    pass
                case _:
                    yield node

    def required(self, items: tuple[ContentNode, ...]) -> set[str]:
        """The fields that parts always set."""
        found: set[str] = set()
        for node in items:
            match node:
                case Use(rule):
                    found |= set.intersection(*(self.required(way.items) for way in self.rules[rule].ways))
                case Many(name, _, least) if least:
                    found.add(name)
                case Token(name, _, optional) if name and not optional:
                    found.add(name)
                case Part(name) | Joined(name):
                    found.add(name)
        return found

    def spellings(self, rule: str) -> tuple[str, ...]:
        """The names of the alternatives that records remember; "" for those that a field shows."""
        if self.rules[rule].kind not in ("record", "inlined"):
            return ()
        values = enumerate(self.rules[rule].values)
        return tuple(name if self.is_spelling(rule, index) else "" for index, name in values)

    def is_spelling(self, rule: str, index: int) -> bool:
        """Whether no field shows that an alternative was read, and not an earlier one."""
        *others, own = (way.items for way in self.rules[rule].ways[: index + 1])
        return any(self._may_write(own, other) and self._may_write(other, own) for other in others)

    def _may_write(self, items: tuple[ContentNode, ...], others: tuple[ContentNode, ...]) -> bool:
        """Whether some values of the parts `others` can be written by `items`: they have all that these need."""
        needs = [{name} for name in self.required(items)]
        chosen = (node for node in items if isinstance(node, Use) and len(self.rules[node.rule].ways) > 1)
        needs += [set(map(name_of, self.leaves((node,)))) for node in chosen]
        held = set(map(name_of, self.leaves(others)))
        return all(not held.isdisjoint(need) for need in needs if need)

    def text_of(self, rule: str) -> str:
        """The text of a constant rule."""
        return "".join(node.text for node in self.rules[rule].nodes if isinstance(node, Fixed))


def name_of(node: ContentNode) -> str:
    """The field that a node sets."""
    assert isinstance(node, (Flag, Token, Part, Many, Joined))
    return node.field


def build_contents(
    found: tuple[Definition, ...],
    roles: tuple[str, ...],
    namespace: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    problems: list[Problem],
) -> Contents:
    """The grammar of contents; every definition that has no meaning here is added to `problems`.

    Args:
        found: the definitions.
        roles: the roles of messages.
        namespace: the JSON Schema of a tool namespace.
        data: the entries of the data files that are about contents.
        problems: the list to add to.
    """
    definitions = {definition.name: definition for definition in found}
    terminals = Terminals(definitions, {}, problems, lookaheads=True)
    builder = _Builder(definitions, terminals, problems)
    rules = {name: builder.rule(definition) for name, definition in definitions.items() if not is_terminal(name)}
    choices = {
        node.rule
        for rule in rules.values()
        if rule.kind == "choice"
        for way in rule.ways
        for node in way.items
        if isinstance(node, Part)
    }
    named = tuple(role for role in roles if role in rules)
    boxed = {name for name in {*choices, *named} if _needs_class(rules, rules[name])}
    rules = {name: replace(rule, kind="record") if name in boxed else rule for name, rule in rules.items()}
    schemas = frozenset(_schemas(rules, namespace))
    implied = frozenset(item.flag for item in data["implied"])
    return Contents(rules, terminals.patterns, named, schemas, data["defaults"], implied, data["indents"])


def _needs_class(rules: Mapping[str, ContentRule], rule: ContentRule) -> bool:
    """Whether a rule that is chosen among others needs a class, since its values do not show which rule they are of."""
    if rule.kind == "alias":
        return all(rules[n.rule].kind == "enumerated" for n in rule.nodes if isinstance(n, Part) and n.rule in rules)
    return rule.kind not in ("choice", "record")


def _schemas(rules: Mapping[str, ContentRule], namespace: Mapping[str, Any] | None) -> Iterator[str]:
    """The rules whose values are JSON Schemas: those for which the schema of a namespace refers to the metaschema."""
    for entry in (namespace or {}).get("$defs", {}).values():
        for name, value in entry.get("properties", {}).items():
            if name in rules and rules[name].kind == "record" and METASCHEMA in str(value):
                yield name


class _Builder:
    def __init__(self, definitions: Mapping[str, Definition], terminals: Terminals, problems: list[Problem]) -> None:
        self.definitions, self.terminals, self.problems = definitions, terminals, problems

    def refuse(self, place: Place, reason: str, remedy: str) -> None:
        self.problems.append(Problem(place, reason, remedy))

    def rule(self, definition: Definition) -> ContentRule:
        ways = tuple(Way(a.name, self.items(a.items), a.place) for a in definition.alternatives)
        kind = "record" if definition.collapses else self.kind(definition.name, ways)
        source, doc = definition.source, definition.doc
        return ContentRule(definition.name, kind, ways, definition.collapses, definition.place, doc, source)

    def kind(self, name: str, ways: tuple[Way, ...]) -> str:
        constant = all(isinstance(node, Fixed) for way in ways for node in way.items)
        if constant and all(way.name for way in ways):
            return "enumerated"
        if name.startswith("_"):
            return "inlined"
        if constant:
            return "constant"
        values = [[n for n in way.items if not isinstance(n, Fixed) and not _layout(n)] for way in ways]
        if len(ways) > 1:
            return "choice" if all(len(w.items) == 1 and isinstance(w.items[0], Part) for w in ways) else "record"
        if len(values[0]) != 1:
            return "record"
        return (
            {Token: "text", Part: "alias", Many: "list", Joined: "list"}.get(type(values[0][0]), "record")
            if (not _is_lines(values[0][0]))
            else "lines"
        )

    def items(self, items: tuple[Item, ...]) -> tuple[ContentNode, ...]:
        """The parts of an alternative; `x (sep x)*` becomes one list."""
        nodes: list[ContentNode] = []
        for item in items:
            node = self.item(item)
            before = nodes[-1] if nodes else None
            if isinstance(node, Many) and isinstance(before, (Token, Part)) and node.items[1:] == (before,):
                separator = node.items[0]
                if isinstance(separator, Fixed) and not node.least:
                    nodes[-1] = Joined(node.field, before, separator.text)
                    continue
            nodes.append(node)
        return tuple(nodes)

    def item(self, item: Item) -> ContentNode:
        match item:
            case String(text):
                return Fixed(text)
            case Regex(place=place):
                self.refuse(place, "a pattern inside a rule has no name", "Make it a terminal with a name.")
            case Name(name, place):
                return self.name(name, place)
            case Group(alternatives, operator, place):
                return self.group(alternatives, operator, place)
        return Fixed("")

    def name(self, name: str, place: Place) -> ContentNode:
        if name not in self.definitions:
            self.refuse(place, f"`{name}` is not defined", "Define it, or correct the spelling.")
            return Fixed("")
        if not is_terminal(name):
            return Use(name) if name.startswith("_") else Part(name, name)
        if name in self.terminals.constants:
            return Fixed(self.terminals.constants[name].text)
        return Token("" if name.startswith("_") else name.lower(), name)

    def group(self, alternatives: tuple[Alternative, ...], operator: str, place: Place) -> ContentNode:
        if len(alternatives) > 1 or operator not in ("?", "*", "+"):
            self.refuse(place, "only rules have alternatives here", "Give this part a rule of its own.")
            return Fixed("")
        nodes = self.items(alternatives[0].items)
        if operator == "?":
            only = nodes[0] if len(nodes) == 1 else None
            if isinstance(only, Token):
                return replace(only, optional=True)
            if isinstance(only, Part) and self.is_constant(only.rule):
                parts = self.definitions[only.rule].alternatives[0].items
                return Flag(only.field, "".join(part.text for part in parts if isinstance(part, String)))
            return Maybe(nodes)
        values = [node for node in nodes if isinstance(node, (Token, Part)) and node.field]
        if len(values) != 1 or any(isinstance(node, (Maybe, Many, Use, Flag)) for node in nodes):
            self.refuse(place, "what is repeated holds more or less than one value", "Give it a rule of its own.")
            return Fixed("")
        return Many(f"{values[0].field}s", nodes, int(operator == "+"))

    def is_constant(self, rule: str) -> bool:
        alternatives = self.definitions[rule].alternatives
        return (
            len(alternatives) == 1
            and not alternatives[0].name
            and all(isinstance(item, String) for item in alternatives[0].items)
        )


def _layout(node: ContentNode) -> bool:
    return isinstance(node, Token) and not node.field


def _is_lines(node: ContentNode) -> bool:
    """Whether a list is lines of text: one terminal, then a line break."""
    if not isinstance(node, Many) or not node.least:
        return False
    last = node.items[-1]
    token = next(item for item in node.items if isinstance(item, (Token, Part)) and item.field)
    return isinstance(token, Token) and isinstance(last, Fixed) and last.text == "\n"
