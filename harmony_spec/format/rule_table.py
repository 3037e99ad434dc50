"""The rules of contents as a table. For each kind of node and rule, reading and writing stand side by side.

A rule becomes a pair of functions when it is first used: one that reads it from a text, and one that writes it. A text
in the table is fixed text. Reading takes the first alternative that matches, writing the first whose fields are set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Protocol

from .content_reading import MAX_CHOICE_DEPTH, MAX_TYPE_NESTING, NOTHING, Reader
from .content_writing import Inexpressible, Layout, compact, lines_of, shortened

Fields = dict[str, Any]
ReadPart = Callable[[Reader, Fields], bool]
"""Sets the fields of a part. If the text does not match, it returns False, and the caller resets the position."""

Read = Callable[[Reader], Any]
"""Returns the value of a rule, or `NOTHING`."""

Write = Callable[[Layout, Any], str]
Get = Callable[[Any], Any]


class Node(Protocol):
    """A part of a rule."""

    def reader(self, rules: Rules) -> ReadPart: ...

    def writer(self, rules: Rules, scope: Scope) -> Write: ...


Part = str | Node
Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Scope:
    """Where a part is written.

    Attributes:
        name: the rule, or the field if the value is an item of a list: for errors.
        is_value: the value that is written is the field itself, not a record that has it.
        by_user: users write the value, so its type is checked.
    """

    name: str
    is_value: bool
    by_user: bool

    def get(self, field: str) -> Get:
        return _itself if self.is_value else attrgetter(field)


def _itself(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Token:
    """Text that matches a terminal.

    Attributes:
        field: the field; empty for layout, which may be absent and is written as the indent.
        values: the texts to choose from, if the terminal lists them.
        checked: whether a text may be one that does not match.
    """

    field: str
    terminal: str
    optional: bool = False
    values: tuple[str, ...] = ()
    checked: bool = True

    def reader(self, rules: Rules) -> ReadPart:
        match, name, optional = rules.patterns[self.terminal].match, self.field, self.optional or not self.field

        def read(r: Reader, f: Fields) -> bool:
            found = match(r.text, r.at)
            if found is None:
                return optional or r.fail(name)
            r.at = found.end()
            if name:
                f[name] = found[0]
            return True

        return read

    def writer(self, rules: Rules, scope: Scope) -> Write:
        get, values, optional = scope.get(self.field), self.values, self.optional
        if not self.field:
            return lambda w, m: w.indent
        if not self.checked:
            return lambda w, m: get(m)
        pattern, name = rules.patterns[self.terminal], scope.name if scope.is_value else self.field
        fullmatch = pattern.fullmatch

        def write(w: Layout, m: Any) -> str:
            value = get(m)
            if optional and not value:
                return ""
            if not isinstance(value, str):
                raise Inexpressible(name, f"expected a str, got {shortened(repr(value))}")
            if fullmatch(value) is None:
                raise Inexpressible(name, f"{shortened(value)!r} does not match {shortened(pattern.pattern)!r}")
            return value if type(value) is str else str(value)

        def write_listed(w: Layout, m: Any) -> str:
            value = get(m)
            if value not in values:
                raise Inexpressible(name, f"unknown value {shortened(repr(value))}; allowed: {', '.join(values)}")
            return str(value)

        return write_listed if values else write


@dataclass(frozen=True)
class Json:
    """The text of a JSON value on one line. The field is the value."""

    field: str
    terminal: str

    def reader(self, rules: Rules) -> ReadPart:
        match, name = rules.patterns[self.terminal].match, self.field

        def read(r: Reader, f: Fields) -> bool:
            found = match(r.text, r.at)
            if found is None:
                return r.fail(name)
            try:
                f[name] = json.loads(found[0], parse_constant=_refuse_constant)
            except (ValueError, RecursionError):
                return r.fail("JSON")
            r.at = found.end()
            return True

        return read

    def writer(self, rules: Rules, scope: Scope) -> Write:
        get = scope.get(self.field)

        def write(w: Layout, m: Any) -> str:
            value = get(m)
            text = compact(value)
            if isinstance(value, (dict, list)) and json.loads(text) != value:
                raise Inexpressible("JSON", "a key of an object is not a str")
            return text

        return write


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True)
class Flag:
    """Text that may be absent. The field is whether it is present; None if the conversation decides it."""

    field: str
    text: str
    decided: bool = False

    def reader(self, rules: Rules) -> ReadPart:
        name, text = self.field, self.text

        def read(r: Reader, f: Fields) -> bool:
            f[name] = r.text.startswith(text, r.at)
            r.at += len(text) * f[name]
            return True

        return read

    def writer(self, rules: Rules, scope: Scope) -> Write:
        get, name, text, decided = scope.get(self.field), self.field, self.text, self.decided

        def write(w: Layout, m: Any) -> str:
            value = get(m)
            if value is None and decided:
                value = w.decided.get(name, False)
            if value is not True and value is not False:
                raise Inexpressible(name, f"expected a bool, got {shortened(repr(value))}")
            return text if value else ""

        return write


@dataclass(frozen=True)
class Value:
    """The value of another rule. A field that occurs twice must have the same value both times."""

    field: str

    def reader(self, rules: Rules) -> ReadPart:
        read_rule, name = rules.reader(self.field), self.field

        def read(r: Reader, f: Fields) -> bool:
            start = r.at
            value = read_rule(r)
            if value is NOTHING:
                return False
            if name in f and f[name] != value:
                r.at = start
                return r.fail(f"{name} {f[name]!r}")
            f[name] = value
            return True

        return read

    def writer(self, rules: Rules, scope: Scope) -> Write:
        get, write_rule, rule = scope.get(self.field), rules.writer(self.field), rules.table[self.field]
        if isinstance(rule, RecordRule) and rule.is_schema:
            convert = rules.schemas.type
            return lambda w, m: write_rule(w, convert(get(m), w))
        return lambda w, m: write_rule(w, get(m))


@dataclass(frozen=True)
class Use:
    """The parts of another rule."""

    rule: str

    def reader(self, rules: Rules) -> ReadPart:
        return rules.table[self.rule].part_reader(rules)

    def writer(self, rules: Rules, scope: Scope) -> Write:
        return rules.writer(self.rule)


@dataclass(frozen=True)
class Option:
    """Parts that may be absent. They are written if one of their fields is set."""

    parts: Parts

    def reader(self, rules: Rules) -> ReadPart:
        read_parts = _sequence_reader(self.parts, rules)

        def read(r: Reader, f: Fields) -> bool:
            start, found, variants = r.at, dict(f), len(r.variants)
            if read_parts(r, found):
                f.update(found)
            else:
                r.at = start
                del r.variants[variants:]
            return True

        return read

    def writer(self, rules: Rules, scope: Scope) -> Write:
        write_parts = _sequence_writer(self.parts, rules, scope)
        fields = [*_fields(self.parts, rules)]
        conditions = [rules.is_set(name, fields) for name in dict(fields)]
        if len(conditions) == 1:
            is_set = conditions[0]
            return lambda w, m: write_parts(w, m) if is_set(m) else ""

        def write(w: Layout, m: Any) -> str:
            for is_set in conditions:
                if is_set(m):
                    return write_parts(w, m)
            return ""

        return write


@dataclass(frozen=True)
class Many:
    """A list. Each item is one value among texts; `separator` is between two of them."""

    field: str
    parts: Parts
    least: int = 1
    separator: str = ""

    def reader(self, rules: Rules) -> ReadPart:
        name, least, separator = self.field, self.least, self.separator
        read_item = _sequence_reader(self.parts, rules)

        def read(r: Reader, f: Fields) -> bool:
            values: list[Any] = []
            start = end = r.at
            while True:
                found: Fields = {}
                variants = len(r.variants)
                if not read_item(r, found) or r.at == start:
                    del r.variants[variants:]
                    break
                values += found.values()
                end = r.at
                if separator:
                    if not r.text.startswith(separator, end):
                        r.fail(repr(separator))
                        break
                    r.at += len(separator)
                start = r.at
            r.at = end
            if values:
                f[name] = values
            return len(values) >= least

        return read

    def writer(self, rules: Rules, scope: Scope) -> Write:
        get, name, least, separator = scope.get(self.field), self.field, self.least, self.separator
        write_item = _sequence_writer(self.parts, rules, Scope(self.item(), True, scope.by_user))
        if not scope.by_user:
            return lambda w, m: separator.join([write_item(w, item) for item in get(m) or ()])
        name = scope.name if scope.is_value else self.field
        rule = rules.table.get(self.item())
        made = rule.made if isinstance(rule, RecordRule) else object

        def write(w: Layout, m: Any) -> str:
            values = get(m)
            if not isinstance(values, (list, tuple)) or len(values) < least:
                problem = f"expected a {'non-empty ' * bool(least)}list, got {shortened(repr(values))}"
                raise Inexpressible(name, problem)
            for item in values:
                if not isinstance(item, made):
                    raise Inexpressible(name, f"expected a {made.__name__}, got {shortened(repr(item))}")
            return separator.join([write_item(w, item) for item in values])

        return write

    def item(self) -> str:
        """The field of an item."""
        return next(part.field for part in self.parts if isinstance(part, (Token, Json, Value)) and part.field)


def _sequence_reader(parts: Parts, rules: Rules) -> ReadPart:
    steps = [_text_reader(part) if isinstance(part, str) else part.reader(rules) for part in parts if part]
    if len(steps) == 1:
        return steps[0]

    def read(r: Reader, f: Fields) -> bool:
        for step in steps:  # noqa: SIM110 - a generator takes twice the time
            if not step(r, f):
                return False
        return True

    return read


def _text_reader(text: str) -> ReadPart:
    size, expected = len(text), repr(text)

    def read(r: Reader, f: Fields) -> bool:
        if r.text.startswith(text, r.at):
            r.at += size
            return True
        return r.fail(expected)

    return read


def _sequence_writer(parts: Parts, rules: Rules, scope: Scope) -> Write:
    texts = [""]
    writes: list[Write] = []
    for part in parts:
        if isinstance(part, str):
            texts[-1] += part
        else:
            writes.append(part.writer(rules, scope))
            texts.append("")
    if not writes:
        (only,) = texts
        return lambda w, m: only
    if len(writes) == 1:
        before, after = texts
        (write,) = writes
        return (lambda w, m: before + write(w, m) + after) if before or after else write
    template = "%s".join(text.replace("%", "%%") for text in texts)
    return lambda w, m: template % tuple([write(w, m) for write in writes])


def _fields(parts: Parts, rules: Rules) -> Iterator[tuple[str, Node]]:
    """The fields that parts may set, with the nodes that set them."""
    for part in parts:
        match part:
            case Option(inner):
                yield from _fields(inner, rules)
            case Use(rule):
                for way in rules.table[rule].ways:
                    yield from _fields(way, rules)
            case Token() | Json() | Flag() | Value() | Many() if part.field:
                yield part.field, part


def _required(parts: Parts, rules: Rules) -> set[str]:
    """The fields that parts always set."""
    found: set[str] = set()
    for part in parts:
        match part:
            case Use(rule):
                found |= set.intersection(*(_required(way, rules) for way in rules.table[rule].ways))
            case Many(least=0) | Token(optional=True):
                pass
            case Token() | Json() | Value() | Many() if part.field:
                found.add(part.field)
    return found


@dataclass(frozen=True)
class Rule:
    """A rule, as a function that reads its value, and one that writes it.

    Attributes:
        ways: the alternatives.
        names: the names of the alternatives, if no field shows which of them was read.
        indent: how far its lines are indented.
    """

    ways: tuple[Parts, ...]
    names: tuple[str, ...] = field(default=(), kw_only=True)
    indent: str = field(default="", kw_only=True)

    def reader(self, rules: Rules, name: str) -> Read:
        raise NotImplementedError

    def writer(self, rules: Rules, name: str) -> Write:
        return self._writer(rules, Scope(name, False, name in rules.by_users))

    def part_reader(self, rules: Rules) -> ReadPart:
        """Return a function that reads the first alternative that matches."""
        ways = [(_sequence_reader(way, rules), name) for way, name in self._named_ways()]
        if len(ways) == 1:
            return ways[0][0]

        def read(r: Reader, f: Fields) -> bool:
            start, variants = r.at, len(r.variants)
            for read_way, name in ways:
                found = dict(f)
                if read_way(r, found):
                    f.update(found)
                    if name:
                        r.variants.append(name)
                    return True
                r.at = start
                del r.variants[variants:]
            return False

        return read

    def _writer(self, rules: Rules, scope: Scope) -> Write:
        write, indent = self._way_writer(rules, scope), self.indent
        if not indent:
            return write

        def indented(w: Layout, m: Any) -> str:
            outer = w.indent
            w.indent += indent
            text = write(w, m)
            w.indent = outer
            return text

        return indented

    def _way_writer(self, rules: Rules, scope: Scope) -> Write:
        """Return a function that writes the alternative that was read, or the first one that has all set fields."""
        if len(self.ways) == 1:
            return _sequence_writer(self.ways[0], rules, scope)
        named_ways = self._named_ways()
        ways = [(self._conditions(way, rules), _sequence_writer(way, rules, scope), each) for way, each in named_ways]
        named = [way for way in ways if way[2]]
        name, may_be_empty = scope.name, scope.name in rules.roles

        def write(w: Layout, m: Any) -> str:
            if w.variants:
                for conditions, write_way, variant in named:
                    if variant in w.variants and all(holds(m) for holds in conditions):
                        return write_way(w, m)
            for conditions, write_way, _ in ways:
                for holds in conditions:
                    if not holds(m):
                        break
                else:
                    return write_way(w, m)
            if may_be_empty:
                return ""
            raise Inexpressible(name)

        return write

    def _named_ways(self) -> list[tuple[Parts, str]]:
        return [*zip(self.ways, self.names or [""] * len(self.ways), strict=True)]

    def _conditions(self, way: Parts, rules: Rules) -> list[Get]:
        """The conditions under which an alternative writes a record: nothing that it needs is missing or left out."""
        every = [pair for each in self.ways for pair in _fields(each, rules)]
        held, required = dict(_fields(way, rules)), _required(way, rules)
        conditions = []
        for name in dict(every):
            if name in required and not rules.is_schema(name):
                conditions.append(rules.is_set(name, every))
            elif name not in held:
                conditions.append(rules.is_unset(name, every))
        for part in way:
            if isinstance(part, Use) and rules.never_empty(part.rule):
                inner = dict(_fields((part,), rules))
                conditions += [_any([rules.is_set(name, every) for name in inner])]
        return conditions


def _any(conditions: list[Get]) -> Get:
    return lambda m: any(holds(m) for holds in conditions)


@dataclass(frozen=True)
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

    def reader(self, rules: Rules, name: str) -> Read:
        read_parts, made, core, absent = self.part_reader(rules), self.made, self.core, self.absent
        remembers = hasattr(made, "_variants")

        def read(r: Reader) -> Any:
            outer = r.variants
            if remembers:
                r.variants = []
            f: Fields = {}
            done = read_parts(r, f)
            variants, r.variants = r.variants, outer
            if not done:
                return NOTHING
            if core and len(f) == 1:
                value = f[core]
                if not isinstance(value, list):
                    return value
                if len(value) == 1:
                    return value[0]
            record = made(**{**absent, **f})
            if variants and remembers:
                record._variants = tuple(dict.fromkeys(variants))
            return record

        if self.is_schema:
            convert = rules.schemas.schema
            return lambda r: NOTHING if (found := read(r)) is NOTHING else convert(found)
        return read

    def writer(self, rules: Rules, name: str) -> Write:
        write, made, core = super().writer(rules, name), self.made, self.core

        def write_wrapped(w: Layout, m: Any) -> str:
            return write(w, m if type(m) is made else made(**{core: m}))

        def write_remembered(w: Layout, m: Any) -> str:
            outer, w.variants = w.variants, m.variants if w.as_parsed else ()
            text = write(w, m)
            w.variants = outer
            return text

        if self.is_wrapped:
            return write_wrapped
        return write_remembered if hasattr(made, "_variants") else write

    @property
    def is_wrapped(self) -> bool:
        """Whether a value that is not of the class is written as one that has only the field `core`."""
        return bool(self.core) and any(isinstance(part, str) for part in self.ways[0])


@dataclass(frozen=True)
class Single(Rule):
    """A rule whose value is that of its one field, or `empty`."""

    empty: Any = NOTHING

    def reader(self, rules: Rules, name: str) -> Read:
        read_parts, empty = self.part_reader(rules), self.empty

        def read(r: Reader) -> Any:
            f: Fields = {}
            if not read_parts(r, f):
                return NOTHING
            for value in f.values():
                return value
            return [] if empty == [] else empty

        return read

    def writer(self, rules: Rules, name: str) -> Write:
        return self._writer(rules, Scope(name, True, name in rules.by_users))


@dataclass(frozen=True)
class Lines(Rule):
    """A rule whose value is lines of text, without the texts around each."""

    def reader(self, rules: Rules, name: str) -> Read:
        whole = re.compile("".join(_expression(part, rules) for part in self.ways[0])).match
        each = re.compile("".join(_expression(part, rules, "(") for part in self._many().parts)).findall

        def read(r: Reader) -> Any:
            found = whole(r.text, r.at)
            if found is None:
                r.fail("lines of text")
                return NOTHING
            lines = each(r.text, r.at, found.end())
            r.at = found.end()
            return "\n".join(lines) + "\n" * (not lines[-1])

        return read

    def writer(self, rules: Rules, name: str) -> Write:
        scope = Scope(name, True, name in rules.by_users)
        many, parts = self._many(), self.ways[0]
        at = next(at for at, part in enumerate(many.parts) if isinstance(part, Token) and part.field)
        token = many.parts[at]
        assert isinstance(token, Token)
        before, after = (_sequence_writer(parts, rules, scope) for parts in (many.parts[:at], many.parts[at + 1 :]))
        write_line = token.writer(rules, scope) if token.checked else None
        write_rest = _sequence_writer(parts[parts.index(many) + 1 :], rules, scope)

        def write(w: Layout, m: Any) -> str:
            if not isinstance(m, str):
                raise Inexpressible(name, f"expected a str, got {shortened(repr(m))}")
            lines = lines_of(m) if write_line is None else [write_line(w, line) for line in lines_of(m)]
            start, end = before(w, m), after(w, m)
            return start + f"{end}{start}".join(lines) + end + write_rest(w, m)

        return write

    def _many(self) -> Many:
        return next(part for part in self.ways[0] if isinstance(part, Many))


def _expression(part: Part, rules: Rules, bracket: str = "(?:") -> str:
    """The regular expression of a part of lines; with "(", the text of a field is a group."""
    match part:
        case str():
            return re.escape(part)
        case Token(name, terminal, optional):
            inner = f"(?:{rules.patterns.sources[terminal]}){'?' * (optional or not name)}"
            return f"{bracket if name else '(?:'}{inner})"
        case Many(_, parts):
            return f"(?:{''.join(_expression(each, rules) for each in parts)})+"
    raise AssertionError(f"{part} is not in lines")


@dataclass(frozen=True)
class Choice(Rule):
    """A rule whose value is that of one of several rules. Its class shows which one."""

    def reader(self, rules: Rules, name: str) -> Read:
        reads = [rules.reader(part.field) for way in self.ways for part in way if isinstance(part, Value)]

        def read(r: Reader) -> Any:
            start, variants = r.at, len(r.variants)
            if r.depth > MAX_CHOICE_DEPTH:
                r.fail(f"at most {MAX_TYPE_NESTING} nested types")
                return NOTHING
            r.depth += 1
            for read_rule in reads:
                value = read_rule(r)
                if value is not NOTHING:
                    r.depth -= 1
                    return value
                r.at = start
                del r.variants[variants:]
            r.depth -= 1
            return NOTHING

        return read


@dataclass(frozen=True)
class Enumerated(Rule):
    """A rule whose value is the name of the alternative: `texts` are those of all, by name."""

    ways: tuple[Parts, ...] = field(default=(), init=False)
    texts: Mapping[str, str]

    def reader(self, rules: Rules, name: str) -> Read:
        texts = [(text, value) for value, text in self.texts.items()]
        expected = " or ".join(repr(text) for text, _ in texts)

        def read(r: Reader) -> Any:
            for text, value in texts:
                if r.text.startswith(text, r.at):
                    r.at += len(text)
                    return value
            r.fail(expected)
            return NOTHING

        return read

    def writer(self, rules: Rules, name: str) -> Write:
        texts = self.texts

        def write(w: Layout, m: Any) -> str:
            text = texts.get(m)
            if text is None:
                raise Inexpressible(name, f"unknown value {shortened(repr(m))}; allowed: {', '.join(texts)}")
            return text

        return write


class Converter(Protocol):
    """Converts JSON Schemas to the values of rules, and back."""

    def type(self, schema: Any, layout: Layout) -> Any: ...

    def schema(self, parameters: Any) -> Any: ...


class Patterns(dict[str, re.Pattern[str]]):
    """The regular expressions of terminals, each compiled when it is first used."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        super().__init__()
        self.sources = sources

    def __missing__(self, terminal: str) -> re.Pattern[str]:
        found = self[terminal] = re.compile(self.sources[terminal])
        return found


class Rules:
    """The rules of a format.

    Args:
        roles: the rules of the contents of messages, named like the role.
        terminals: the regular expression of each terminal.
        table: the rules.
        converter: makes the converter of JSON Schemas, if a rule needs one.
    """

    def __init__(
        self,
        roles: tuple[str, ...],
        terminals: Mapping[str, str],
        table: Mapping[str, Rule],
        converter: Callable[[Rules], Converter] | None = None,
    ) -> None:
        self.roles, self.patterns, self.table = roles, Patterns(terminals), table
        self.classes = {name: rule.made for name, rule in table.items() if isinstance(rule, RecordRule)}
        self.readers: dict[str, Read] = {}
        self.writers: dict[str, Write] = {}
        self.choosers: dict[str, Write] = {}
        self.converter = converter

    @cached_property
    def schemas(self) -> Converter:
        assert self.converter is not None
        return self.converter(self)

    @cached_property
    def by_users(self) -> frozenset[str]:
        """The rules whose values users write: those of roles and of their parts, but not those of types."""
        found: set[str] = set()
        todo = [*self.roles]
        while todo:
            name = todo.pop()
            if name in found or name not in self.table or self.is_schema(name):
                continue
            found.add(name)
            for way in self.table[name].ways:
                todo += [part.rule for part in way if isinstance(part, Use)]
                todo += [node.item() if isinstance(node, Many) else name for name, node in _fields(way, self)]
        return frozenset(found)

    def reader(self, name: str) -> Read:
        """Return the function that reads a rule."""
        if name not in self.readers:
            self.readers[name] = lambda r: self.readers[name](r)  # while the rule itself is made, which may use itself
            self.readers[name] = self.table[name].reader(self, name)
        return self.readers[name]

    def writer(self, name: str) -> Write:
        """Return the function that writes a value for a rule; of a rule that chooses, by the class of the value."""
        if not self.chooses(name):
            return self._own_writer(name)
        if name not in self.choosers:
            self.choosers[name] = lambda w, m: self.choosers[name](w, m)
            by_class = {self.classes[made]: self._own_writer(self._writing(name, made)) for made in self.yields(name)}
            find = by_class.get
            self.choosers[name] = lambda w, m: find(type(m), no_writer)(w, m)
        return self.choosers[name]

    def _own_writer(self, name: str) -> Write:
        if name not in self.writers:
            self.writers[name] = lambda w, m: self.writers[name](w, m)
            self.writers[name] = self.table[name].writer(self, name)
        return self.writers[name]

    def chooses(self, name: str) -> bool:
        """Whether a value of a rule may be of the class of another rule, which then writes it."""
        rule = self.table[name]
        return isinstance(rule, Choice) or (isinstance(rule, RecordRule) and bool(rule.core) and not rule.is_wrapped)

    def passes_on(self, name: str) -> list[str]:
        """The rules whose values may be that of a rule."""
        rule = self.table[name]
        core = rule.core if isinstance(rule, RecordRule) else ""
        if isinstance(rule, RecordRule) and not core:
            return []
        nodes = [(name, node) for way in rule.ways for name, node in _fields(way, self) if name == core or not core]
        return [node.item() if isinstance(node, Many) else name for name, node in nodes]

    def yields(self, name: str, seen: frozenset[str] = frozenset()) -> list[str]:
        """The rules whose classes the value of a rule may have."""
        if name in seen or name not in self.table:
            return []
        found = [name] if name in self.classes else []
        inner = [made for part in self.passes_on(name) for made in self.yields(part, seen | {name})]
        return list(dict.fromkeys(found + inner))

    def _writing(self, name: str, made: str) -> str:
        """The rule that writes a value of a class, without the rules between that only pass it on."""
        if name == made or not self.chooses(name):
            return name
        return self._writing(next(part for part in self.passes_on(name) if made in self.yields(part)), made)

    def is_schema(self, name: str) -> bool:
        rule = self.table.get(name)
        return isinstance(rule, RecordRule) and rule.is_schema

    def never_empty(self, name: str) -> bool:
        ways = self.table[name].ways
        return len(ways) > 1 or bool(_required(ways[0], self))

    def is_set(self, name: str, nodes: Iterable[tuple[str, Node]]) -> Get:
        """The condition that a field has a value that can be written."""
        get = attrgetter(name)
        own = [node for field, node in nodes if field == name]
        if any(isinstance(node, (Flag, Many)) or self._is_list(node) for node in own):
            return get
        lists = [attrgetter(f"{name}.{inner}") for node in own for inner in self._lists_in(node)]
        if not lists:
            return lambda m: get(m) is not None
        return lambda m: get(m) is not None and all(values(m) for values in lists)

    def is_unset(self, name: str, nodes: Iterable[tuple[str, Node]]) -> Get:
        is_set, get = self.is_set(name, nodes), attrgetter(name)
        return (lambda m: not get(m)) if isinstance(is_set, attrgetter) else (lambda m: get(m) is None)

    def _is_list(self, node: Node) -> bool:
        rule = self.table[node.field] if isinstance(node, Value) else None
        return isinstance(rule, Lines) or (isinstance(rule, Single) and rule.empty == [])

    def _lists_in(self, node: Node) -> Iterator[str]:
        """The lists that a record needs."""
        rule = self.table[node.field] if isinstance(node, Value) else None
        if isinstance(rule, RecordRule) and not rule.core and not rule.is_schema:
            way = rule.ways[0]
            for name, inner in _fields(way, self):
                if name in _required(way, self) and (isinstance(inner, Many) or self._is_list(inner)):
                    yield name


def no_writer(layout: Layout, value: Any) -> str:
    """The writer for values whose class is in no alternative of a rule: it raises `Inexpressible`."""
    raise Inexpressible(type(value).__name__)
