"""The parts of rules of contents, and the kinds of rules. Each class has reading and writing side by side.

Both return Python code: expressions over a `Reader` r and the fields f, and over a `Layout` w and the value m. A text
among the parts is fixed text. Reading takes the first alternative that matches, writing the first whose fields are set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from .content_reading import NO_MATCH, Reader
from .content_writing import Layout, without_date


class TableNode(Protocol):
    """A part of a rule."""

    def read(self, rules: RuleCompiler) -> str:
        """Code that reads the part, sets its fields, and is true if the text matches."""

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        """Code that is the text of the part."""


TablePart = str | TableNode
TableParts = tuple[TablePart, ...]


class Scope(NamedTuple):
    """Where a part is written.

    Attributes:
        name: the rule, for errors.
        variable: the record that has the field, or the value itself.
        is_value: whether it is the value itself.
        by_user: whether users write the value, so that its type is checked.
    """

    name: str
    variable: str
    is_value: bool
    by_user: bool

    def value(self, field: str) -> str:
        return self.variable if self.is_value else f"{self.variable}.{field}"


class Token(NamedTuple):
    """Text that matches a terminal.

    Attributes:
        field: the field; empty for layout, which may be absent and is written as the indent.
        values: the texts to choose from, if the terminal lists them.
        checked: whether a text may be one that does not match.
        is_date: whether the value may be a date.
    """

    field: str
    terminal: str
    optional: bool = False
    values: tuple[str, ...] = ()
    checked: bool = True
    is_date: bool = False

    def read(self, rules: RuleCompiler) -> str:
        pattern = rules.bind(rules.pattern(self.terminal))
        if not self.field:
            return f"r.layout({pattern})"
        expected = f", {' or '.join(map(repr, self.values))!r}" if self.values else ""
        code = f"r.token({pattern}, f, {self.field!r}{expected})"
        return f"({code} or True)" if self.optional else code

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        value, name = scope.value(self.field), scope.name if scope.is_value and scope.variable == "m" else self.field
        if not self.field:
            return "w.indent"
        if not self.checked:
            return value
        value = f"{rules.bind(without_date)}({value})" if self.is_date else value
        code = f"w.fit({rules.bind(rules.pattern(self.terminal))}, {value}, {name!r})"
        if self.values:
            code = f"w.spelled({name!r}, {rules.bind(dict(zip(self.values, self.values, strict=True)))}, {value})"
        if not self.optional:
            return code
        return f"({code} if {value} else {f'w.absent({value}, str, {name!r})' if scope.by_user else repr('')})"


def fitting(rules: RuleCompiler, way: TableParts, scope: Scope) -> Iterator[str]:
    """Code for whether the texts of an alternative match their terminals."""
    for part in way:
        if isinstance(part, Token) and part.field and not part.optional:
            pattern, value = rules.bind(rules.pattern(part.terminal)), scope.value(part.field)
            yield f"w.fits({pattern}, {f'{rules.bind(without_date)}({value})' if part.is_date else value})"


class Json(NamedTuple):
    """The text of a JSON value on one line. The field is the value."""

    field: str
    terminal: str

    def read(self, rules: RuleCompiler) -> str:
        return f"r.value({rules.bind(rules.pattern(self.terminal))}, f, {self.field!r})"

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        code = f"w.value({scope.value(self.field)})"
        name = scope.name if scope.is_value else self.field
        return f"w.fit({rules.bind(rules.pattern(self.terminal))}, {code}, {name!r})" if scope.by_user else code


class Flag(NamedTuple):
    """Text that may be absent. The field is whether it is present; None if the conversation decides it."""

    field: str
    text: str
    decided: bool = False

    def read(self, rules: RuleCompiler) -> str:
        return f"r.flag({self.text!r}, f, {self.field!r})"

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        value = scope.value(self.field)
        if scope.by_user:
            value = f"w.{'decide' if self.decided else 'flag'}({value}, {self.field!r})"
        return f"({self.text!r} if {value} else '')"


class Value(NamedTuple):
    """The value of another rule. A field that occurs twice must have the same value both times."""

    field: str

    def read(self, rules: RuleCompiler) -> str:
        return f"r.part({rules.reads(self.field)}, f, {self.field!r})"

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        return rules.writes(self.field, rules.part(self, scope))


class Use(NamedTuple):
    """The parts of another rule."""

    rule: str

    def read(self, rules: RuleCompiler) -> str:
        return rules.table[self.rule].read(rules)

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        return rules.writes(self.rule, scope.variable)


class Option(NamedTuple):
    """Parts that may be absent. They are written if one of their fields is set; a text by itself is only read."""

    parts: TableParts

    def read(self, rules: RuleCompiler) -> str:
        match self.parts:
            case (str(text),):
                return f"r.layout({rules.bind(re.compile(re.escape(text)))})"
        way = rules.names[rules.function(rules.read_all(self.parts))]
        return f"(r.either({rules.bind((way,))}, f) or True)"

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        if not (fields := [*rules.fields(self.parts)]):
            return "''"
        is_set = " or ".join(rules.is_set(name, fields, scope) for name in dict(fields))
        return f"({rules.write_all(self.parts, scope)} if {is_set} else '')"


class Many(NamedTuple):
    """A list. Each item is one value among texts; `separator` is between two of them."""

    field: str
    parts: TableParts
    least: int = 1
    separator: str = ""

    def read(self, rules: RuleCompiler) -> str:
        match self.parts:
            case (Value(name),):
                read = rules.reads(name)
            case _:
                read = rules.function(rules.read_whole(Rule((self.parts,)), f"f[{self.item!r}]"), "r")
        return f"r.many({read}, f, {self.field!r}, {self.least}, {self.separator!r})"

    def write(self, rules: RuleCompiler, scope: Scope) -> str:
        values = scope.value(self.field)
        if scope.by_user:
            made = rules.bind(rules.classes.get(self.item, object))
            values = f"w.items({values}, {scope.name if scope.is_value else self.field!r}, {self.least}, {made})"
        item = rules.write_all(self.parts, Scope(scope.name, "item", True, scope.by_user))
        return f"{self.separator!r}.join([{item} for item in {values}])"

    @property
    def value(self) -> Token | Json | Value:
        """The part that is the value of an item."""
        return next(part for part in self.parts if isinstance(part, (Token, Json, Value)) and part.field)

    @property
    def item(self) -> str:
        """The field of an item."""
        return self.value.field


@dataclass(eq=False, repr=False)
class Rule:
    """A rule whose parts are those of the rules that use it; each subclass has a value.

    Attributes:
        ways: the alternatives.
        names: the names of the alternatives, if no field shows which of them was read.
        indent: how far its lines are indented.
    """

    ways: tuple[TableParts, ...]
    names: tuple[str, ...] = field(default=(), kw_only=True)
    indent: str = field(default="", kw_only=True)

    is_value = False

    def read(self, rules: RuleCompiler) -> str:
        """Code that is the value of the rule; without a value, code that reads the first alternative that matches."""
        if len(self.ways) == 1:
            return rules.read_all(self.ways[0])
        tokens = [part for way in self.ways for part in way if isinstance(part, Token) and part.field]
        if [(token,) for token in tokens] == [*self.ways] and not any(self.names):
            return f"({' or '.join(token.read(rules) for token in tokens)})"  # one that does not match changes nothing
        ways = rules.bind(tuple(rules.names[rules.function(rules.read_all(way))] for way in self.ways))
        return f"r.either({ways}, f, {self.names!r})"

    def write(self, rules: RuleCompiler, name: str) -> str:
        """Code that is the text of a value: of the alternative that is chosen, if it can write the value, or the first
        one with all set fields."""
        scope = Scope(name, "m", self.is_value, name in rules.by_users)
        code = rules.write_all(self.ways[0], scope)
        if len(self.ways) > 1:
            ways = [(rules.condition(self, way, scope), rules.write_all(way, scope)) for way in self.ways]
            named = [
                (" and ".join([f"{variant!r} in w.chosen", condition, *fitting(rules, way, scope)]), code)
                for way, (condition, code), variant in zip(self.ways, ways, self.names, strict=False)
                if variant
            ]
            code = "".join(f"{code} if {condition} else " for condition, code in (*named, *ways))
            refused = f"w.refuse({name!r})"
            code += f"{refused} if {rules.any_set(self, scope)} else ''" if name in rules.roles else refused
        return f"w.leave(w.indented({self.indent!r}), {code})" if self.indent else f"({code})"


@dataclass(eq=False, repr=False)
class RecordRule(Rule):
    """A rule whose value is of a class.

    Attributes:
        made: the class.
        core: the field that is the value by itself if no other is set; empty if the value is always a record.
        absent: the values of fields that the text does not set.
        is_schema: its value is converted to a JSON Schema.
    """

    made: type[Any]
    core: str = field(default="", kw_only=True)
    absent: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    is_schema: bool = field(default=False, kw_only=True)

    def read(self, rules: RuleCompiler) -> str:
        made = rules.bind(self.made)
        value = f"{made}(**({rules.bind(self.absent)} | f))" if self.absent else f"{made}(**f)"
        if self.core:
            value = f"r.collapsed(f, {made}, {self.core!r})"
        code = rules.read_whole(self, value)
        if self.is_schema:
            return f"r.converted({rules.function(code, 'r')}, {rules.bind(rules.schemas.schema)})"
        if not self.remembers:
            return code
        always = any(rules.is_schema(name) for way in self.ways for name, _ in rules.fields(way))
        return f"r.remembered({rules.function(code, 'r')}, {always})" if always or rules.has_variants else code

    def write(self, rules: RuleCompiler, name: str) -> str:
        code, made = super().write(rules, name), rules.bind(self.made)
        if wrapped := rules.wrapped(name):
            return f"(lambda m: {code})(m if type(m) is {made} else {made}({self.core}={wrapped}))"
        return f"(w.kept(m) or {code})" if self.remembers else code

    @property
    def remembers(self) -> bool:
        """Whether its values keep the texts from which they were read."""
        return hasattr(self.made, "_kept")


@dataclass(eq=False, repr=False)
class Single(Rule):
    """A rule whose value is that of its one field, or `empty`."""

    empty: Any = NO_MATCH
    is_value = True

    def read(self, rules: RuleCompiler) -> str:
        (name,) = {name for way in self.ways for name, _ in rules.fields(way)}
        value = f"f.get({name!r}, {'[]' if self.empty == [] else rules.bind(self.empty)})"
        return rules.read_whole(self, value)

    def write(self, rules: RuleCompiler, name: str) -> str:
        if len(self.ways) == 1:
            return super().write(rules, name)
        terminals = (rules.terminals[part.terminal] for (part,) in self.ways if isinstance(part, Token))
        return f"w.fit({rules.bind(re.compile('|'.join(terminals)))}, m, {name!r})"


class Lines(Rule):
    """A rule whose value is lines of text, without the texts around each.

    A second alternative has the whole text in place of the lines. It is read like the first one.
    """

    is_value = True

    def read(self, rules: RuleCompiler) -> str:
        whole, each = (rules.bind(re.compile(each)) for each in self.expressions(rules))
        return f"r.lines({whole}, {each}, {self.whole_name!r})"

    @property
    def whole_name(self) -> str:
        """The name of the alternative that has the whole text in place of the lines; "" if there is none."""
        return next(iter(self.names[1:]), "")

    def expressions(self, rules: RuleCompiler, first: str = "(", others: str = "(") -> tuple[str, str]:
        """The regular expressions of all lines and of one.

        The groups of all lines, which begin as passed, are the text of the first line, and the other lines whole. The
        group of one is its text.
        """
        whole, one = "", _expressions(self.many.parts, rules)
        for part in self.ways[0]:
            if part is self.many:
                whole += f"{_expressions(self.many.parts, rules, first)}{others}(?:{one})*)"
            else:
                whole += _expressions((part,), rules)
        return whole, _expressions(self.many.parts, rules, "(")

    def write(self, rules: RuleCompiler, name: str) -> str:
        parts, way = self.many.parts, self.ways[0]
        scope = Scope(name, "m", True, name in rules.by_users)
        at, token = next((at, part) for at, part in enumerate(parts) if isinstance(part, Token) and part.field)
        line = token.write(rules, Scope(name, "line", True, scope.by_user))
        lines = f"[{line} for line in w.split(m)]" if token.checked else "w.split(m)"
        before, after = rules.write_all(parts[:at], scope), rules.write_all(parts[at + 1 :], scope)
        rest = rules.write_all(way[way.index(self.many) + 1 :], scope)
        code = f"w.lines({lines}, {before}, {after}) + {rest}"
        for variant, whole in zip(self.names[1:], self.ways[1:], strict=True):
            fits = rules.bind(rules.pattern(token.terminal))
            is_read = f"{fits}.fullmatch(m + {whole[-1]!r})"  # as part of a text: what follows may matter
            text = rules.write_all(
                tuple(part._replace(checked=False) if isinstance(part, Token) else part for part in whole), scope
            )
            code = f"{text} if {variant!r} in w.chosen and {is_read} else {code}"
        return f"({code})"

    @property
    def many(self) -> Many:
        return next(part for part in self.ways[0] if isinstance(part, Many))


def _expressions(parts: TableParts, rules: RuleCompiler, bracket: str = "(?:") -> str:
    """The regular expression of parts of lines; with "(", the text of a field is a group."""
    found = ""
    for part in parts:
        match part:
            case str():
                found += re.escape(part)
            case Token(name, terminal, optional):
                found += f"{bracket if name else '(?:'}(?:{rules.terminals[terminal]}){'?' * (optional or not name)})"
            case _:
                raise AssertionError(f"{part} is not in lines")
    return found


class Choice(Rule):
    """A rule whose value is that of one of several rules. Its class shows which one."""

    is_value = True

    def read(self, rules: RuleCompiler) -> str:
        reads = [rules.reads(part.field) for way in self.ways for part in way if isinstance(part, Value)]
        return f"r.choice(({', '.join(reads)},))"


@dataclass(eq=False, repr=False)
class Enumerated(Rule):
    """A rule whose value is the name of the alternative: `texts` are those of all, by name."""

    ways: tuple[TableParts, ...] = field(default=(), init=False)
    texts: Mapping[str, str]

    def read(self, rules: RuleCompiler) -> str:
        return f"r.spelled({rules.bind({text: name for name, text in self.texts.items()})})"

    def write(self, rules: RuleCompiler, name: str) -> str:
        return f"w.spelled({name!r}, {rules.bind(self.texts)}, m)"


class Converter(Protocol):
    """Converts JSON Schemas to the values of rules, and back."""

    def type(self, schema: Any, layout: Layout) -> Any: ...

    def schema(self, parameters: Any, reader: Reader, start: int) -> Any: ...


class RuleCompiler(Protocol):
    """What parts and rules need to know of all rules to become code; see `harmony_spec.format.rule_table.Rules`."""

    roles: tuple[str, ...]
    terminals: Mapping[str, str]
    table: Mapping[str, Rule]
    classes: dict[str, type[Any]]
    has_variants: bool
    names: dict[str, Any]

    @property
    def schemas(self) -> Converter: ...
    @property
    def by_users(self) -> frozenset[str]: ...

    def pattern(self, terminal: str) -> re.Pattern[str]: ...
    def bind(self, value: Any) -> str: ...
    def function(self, code: str, parameters: str = "r, f") -> str: ...
    def reads(self, name: str) -> str: ...
    def read_whole(self, rule: Rule, value: str) -> str: ...
    def read_all(self, parts: TableParts) -> str: ...
    def writes(self, name: str, value: str) -> str: ...
    def write_all(self, parts: TableParts, scope: Scope) -> str: ...
    def fields(self, parts: TableParts) -> Iterator[tuple[str, TableNode]]: ...
    def condition(self, rule: Rule, way: TableParts, scope: Scope) -> str: ...
    def any_set(self, rule: Rule, scope: Scope) -> str: ...
    def is_set(self, name: str, nodes: Iterable[tuple[str, TableNode]], scope: Scope) -> str: ...
    def part(self, node: TableNode, scope: Scope) -> str: ...
    def is_of_role(self, rule: Rule) -> bool: ...
    def is_schema(self, name: str) -> bool: ...
    def wrapped(self, name: str) -> str: ...
