"""The rules of contents as functions that read and write. A rule is compiled when it is first used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import zip_longest
from threading import RLock
from typing import Any

from .content_reading import Read, Reader
from .content_writing import Layout, no_writer
from .table_nodes import (
    Choice,
    Converter,
    Flag,
    Json,
    Lines,
    Many,
    Option,
    RecordRule,
    Rule,
    Scope,
    Single,
    TableNode,
    TablePart,
    TableParts,
    Token,
    Use,
    Value,
)

Write = Callable[[Layout, Any], str]


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
        self.roles, self.terminals, self.table, self.converter = roles, terminals, table, converter
        self.classes = {name: rule.made for name, rule in table.items() if isinstance(rule, RecordRule)}
        self.has_variants = any(any(rule.names) for rule in table.values())
        self.names: dict[str, Any] = {}
        """What the code uses: functions, patterns, classes. Functions may be missing while others are compiled."""
        self.compiling = RLock()

    def reader(self, name: str) -> Read:
        """Return the function that reads a rule."""
        read: Read = self.names[self.reads(name)]
        return read

    def writer(self, name: str) -> Write:
        """Return the function that writes a record by its own rule."""
        with self.compiling:
            write: Write = self.names[self._own_writer(name)]
        return write

    def pattern(self, terminal: str) -> re.Pattern[str]:
        return re.compile(self.terminals[terminal])

    @cached_property
    def schemas(self) -> Converter:
        assert self.converter is not None
        return self.converter(self)

    @cached_property
    def by_users(self) -> frozenset[str]:
        """The rules whose values users write: those of roles and of their parts, but not those of types."""
        return frozenset(self.reached(self.roles))

    # Code.

    def bind(self, value: Any) -> str:
        """Return a name for a value."""
        name = f"value_{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, code: str, parameters: str = "r, f") -> str:
        """Return the name of a function; if the code only calls one, the name of that."""
        call = re.fullmatch(rf"(\w+)\({parameters}\)", code)
        return call[1] if call else self.bind(eval(f"lambda {parameters}: {code}", self.names))

    def defined(self, parameters: str, body: Iterable[str]) -> str:
        """Return the name of a function with these statements."""
        name = self.bind(None)
        exec("\n ".join([f"def made({parameters}):", *body, "pass"]), self.names)
        self.names[name] = self.names.pop("made")
        return name

    def reads(self, name: str) -> str:
        """Return the name of the function that reads a rule."""
        return self.compiled_late(f"read_{name}", lambda: self.table[name].read(self))

    def compiled_late(self, key: str, code: Callable[[], str]) -> str:
        """Return the name of a function that reads a rule. It is compiled when it is first called."""
        if key not in self.names:

            def first(r: Reader) -> Any:
                with self.compiling:
                    if self.names[key] is first:
                        self.names[key] = self.names[self.function(code(), "r")]
                return self.names[key](r)

            self.names[key] = first
        return key

    def read_whole(self, rule: Rule, value: str) -> str:
        """Code that reads the parts of a rule into new fields f, and is a value if the text matches."""
        lines, end = ["at, kept = r.at, len(r.variants)"], " and r.ends()" * self.is_of_role(rule)
        for way, name in zip_longest(rule.ways, rule.names):
            lines += ["f = {}", f"if {self.read_all(way)}{end}:", f" r.variants += {[name] if name else []}"]
            lines += [f" return {value}", "r.at = at", "del r.variants[kept:]"]
        return f"{self.defined('r', [*lines, 'return r.nothing'])}(r)"

    def read_all(self, parts: TableParts) -> str:
        codes = [f"r.fixed({part!r}, {repr(part)!r})" if isinstance(part, str) else part.read(self) for part in parts]
        return " and ".join(codes) or "True"

    def _own_writer(self, name: str) -> str:
        key = f"write_{name}"
        if key not in self.names:
            self.names[key] = lambda w, m: self.names[key](w, m)  # a table of writers may hold this rule itself
            self.names[key] = self.names[self.function(self.table[name].write(self, name), "w, m")]
        return key

    def writes(self, name: str, value: str) -> str:
        """Return code that writes a value for a rule; of a rule that chooses, by the class of the value."""
        if self.is_schema(name):
            value = f"{self.bind(self.schemas.type)}({value}, w)"
        if not self.chooses(name):
            return f"{self._own_writer(name)}(w, {value})"
        key = f"writers_of_{name}"
        if key not in self.names:
            self.names[key] = writers = dict[type, Write]()
            for made in self.yields(name):
                writers[self.classes[made]] = self.names[self._own_writer(self._writing(name, made))]
        return f"{key}.get(type({value}), {self.bind(no_writer)})(w, {value})"

    def write_all(self, parts: TableParts, scope: Scope) -> str:
        codes = [repr(part) if isinstance(part, str) else part.write(self, scope) for part in parts]
        return " + ".join(codes) or "''"

    # What rules hold.

    def before_values(self, name: str) -> set[str]:
        """The texts in a rule, and in those that it uses, that one of some listed values follows."""
        ways = (way for each in self.reached([name], schemas=True) for way in self.table[each].ways)
        pairs = (pair for way in ways for pair in self.nested(way))
        return {
            before for before, part in pairs if isinstance(part, Token) and part.values and isinstance(before, str)
        } - {""}

    def reached(self, names: Iterable[str], schemas: bool = False) -> set[str]:
        """Rules, and those that they use, also of JSON Schemas if `schemas`."""
        found, todo = set[str](), [*names]
        while todo:
            if (name := todo.pop()) not in found and (schemas or not self.is_schema(name)):
                found.add(name)
                todo += (each for way in self.table[name].ways for each in self.used(way))
        return found

    def used(self, parts: TableParts) -> Iterator[str]:
        """The rules that parts use."""
        for _, part in self.nested(parts):
            match part:
                case Value(name) | Use(name):
                    yield name

    def nested(self, parts: TableParts) -> Iterator[tuple[TablePart, TablePart]]:
        """The parts, and those in them, each after the part before it, or an empty text."""
        for before, part in zip(("", *parts), parts, strict=False):
            yield before, part
            if isinstance(part, (Option, Many)):
                yield from self.nested(part.parts)

    # What rules need.

    def fields(self, parts: TableParts) -> Iterator[tuple[str, TableNode]]:
        """The fields that parts may set, with the nodes that set them."""
        for part in parts:
            match part:
                case Option(inner):
                    yield from self.fields(inner)
                case Use(rule):
                    for way in self.table[rule].ways:
                        yield from self.fields(way)
                case Token() | Json() | Flag() | Value() | Many() if part.field:
                    yield part.field, part

    def required(self, parts: TableParts) -> set[str]:
        """The fields that parts always set."""
        found: set[str] = set()
        for part in parts:
            match part:
                case Use(rule):
                    found |= set.intersection(*map(self.required, self.table[rule].ways))
                case Many(least=0) | Token(optional=True):
                    pass
                case Token() | Json() | Value() | Many() if part.field:
                    found.add(part.field)
        return found

    def condition(self, rule: Rule, way: TableParts, scope: Scope) -> str:
        """Code for whether an alternative writes a record: nothing that it needs is missing or left out."""
        every = [pair for each in rule.ways for pair in self.fields(each)]
        held, required = dict(self.fields(way)), self.required(way)
        terms = []
        for name in dict(every):
            if name in required and not self.is_schema(name):
                terms.append(self.is_set(name, every, scope))
            elif name not in held:
                terms.append(f"not {self.is_set(name, every, scope)}")
        used = [part for part in way if isinstance(part, Use)]
        for part in used:
            names = dict(self.fields((part,)))  # none of a text in several spellings
            if names and (len(self.table[part.rule].ways) > 1 or self.required((part,))):
                terms += [f"({' or '.join(self.is_set(name, every, scope) for name in names)})"]
        return " and ".join(terms) or "True"

    def any_set(self, rule: Rule, scope: Scope) -> str:
        """Code for whether a record has a value in any field."""
        every = [pair for each in rule.ways for pair in self.fields(each)]
        return " or ".join(self.is_set(name, every, scope) for name in dict(every)) or "False"

    def is_set(self, name: str, nodes: Iterable[tuple[str, TableNode]], scope: Scope) -> str:
        """Code for whether a field has a value that can be written."""
        value, own = scope.value(name), [node for field, node in nodes if field == name]
        if any(isinstance(node, Flag) for node in own):
            return value
        if kinds := [kind for node in own if (kind := self._empty_kind(node))]:
            return self._truth(value, kinds[0], name, scope)
        lists = {
            " and " + self._truth(f"{self.part(node, scope)}.{inner}", "list", inner, scope): None
            for node in own
            for inner in self._lists_in(node)
        }
        return f"({value} is not None{''.join(lists)})" if lists else f"{value} is not None"

    def _truth(self, value: str, kind: str, name: str, scope: Scope) -> str:
        """Code for whether a text or a list is not empty. A falsy value of another type is not just absent."""
        is_odd = f"{value} is not None and {value}.__class__ is not {kind}"  # a call takes longer than all else here
        return f"({value} or ({is_odd} and w.absent({value}, {kind}, {name!r})))" if scope.by_user else value

    def part(self, node: TableNode, scope: Scope) -> str:
        """Code that is the value of another rule, after checking its class if a user wrote it."""
        assert isinstance(node, Value)
        value, rule = scope.value(node.field), self.table[node.field]
        if not scope.by_user or not isinstance(rule, RecordRule) or rule.core or rule.is_schema:
            return value
        return f"w.part({value}, {node.field!r}, {self.bind(rule.made)})"

    def _empty_kind(self, node: TableNode) -> str:
        """The type of a field whose empty value is not written; empty if the field has no such value."""
        rule = self.table[node.field] if isinstance(node, Value) else None
        if isinstance(node, Many) or (isinstance(rule, Single) and rule.empty == []):
            return "list"
        return "str" if isinstance(rule, Lines) else ""

    def _lists_in(self, node: TableNode) -> Iterator[str]:
        """The lists that a record needs."""
        rule = self.table[node.field] if isinstance(node, Value) else None
        if isinstance(rule, RecordRule) and not rule.core and not rule.is_schema:
            fields = dict(self.fields(rule.ways[0]))
            yield from (name for name in self.required(rule.ways[0]) if self._empty_kind(fields[name]))

    def is_of_role(self, rule: Rule) -> bool:
        """Whether an alternative of a rule must be the whole content of a message."""
        return rule in map(self.table.get, self.roles)

    def is_schema(self, name: str) -> bool:
        rule = self.table.get(name)
        return isinstance(rule, RecordRule) and rule.is_schema

    def chooses(self, name: str) -> bool:
        """Whether a value of a rule may be of the class of another rule, which then writes it."""
        rule = self.table[name]
        return isinstance(rule, Choice) or (isinstance(rule, RecordRule) and bool(rule.core) and not self.wrapped(name))

    def wrapped(self, name: str) -> str:
        """Code for the core of a value m that is not of the class of a rule; empty if the rule of that class writes it.

        It cannot if there are texts around the core, or if a value may have no class.
        """
        rule = self.table[name]
        has_texts = any(isinstance(part, str) for part in rule.ways[0])
        if not isinstance(rule, RecordRule) or not rule.core or not (has_texts or "" in self._passed(name, {})):
            return ""
        return "[m]" if isinstance(dict(self.fields(rule.ways[0]))[rule.core], Many) else "m"

    def passes_on(self, name: str) -> list[str]:
        """The rules whose values may be that of a rule; "" for a value that has no class."""
        rule = self.table.get(name)
        if rule is None or (isinstance(rule, RecordRule) and not rule.core):
            return []
        core = rule.core if isinstance(rule, RecordRule) else ""
        parts = [node for way in rule.ways for field, node in self.fields(way) if field == core or not core]
        items = [node.value if isinstance(node, Many) else node for node in parts]
        return [item.field if isinstance(item, Value) else "" for item in items] or [""]

    def _passed(self, name: str, found: dict[str, None]) -> dict[str, None]:
        """Add a rule to those found, and all whose values may be its value."""
        if name not in found:
            found[name] = None
            for part in self.passes_on(name):
                self._passed(part, found)
        return found

    def yields(self, name: str) -> list[str]:
        """The rules whose classes the value of a rule may have."""
        return [each for each in self._passed(name, {}) if each in self.classes]

    def _writing(self, name: str, made: str) -> str:
        """The rule that writes a value of a class, without the rules between that only pass it on."""
        if name == made or not self.chooses(name):
            return name
        return self._writing(next(part for part in self.passes_on(name) if made in self.yields(part)), made)
