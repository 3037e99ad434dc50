"""Parts of rules as regular expressions.

A rule reads like a parsing expression grammar: the first alternative that matches, and each repetition as often as
possible, are never tried again. Atomic groups do the same in a regular expression. So a pattern matches what its parts
match, and its groups are their values.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from .content_reading import NO_MATCH
from .fused_reading import FusedReader, Unfused
from .rule_table import Rules
from .table_nodes import (
    Choice,
    Enumerated,
    Flag,
    Json,
    Lines,
    Many,
    Option,
    RecordRule,
    Single,
    TablePart,
    TableParts,
    Token,
    Use,
    Value,
)

ALWAYS = "True"
"""The condition of a field that every match sets."""

GROUP = re.compile(r"\(\?P<(\w+)>")


@dataclass(frozen=True)
class Slot:
    """A field of a pattern.

    Attributes:
        is_set: code that is true if the match sets it.
        value: code for its value. A name in `<>` stands for the text of a group, in `[[]]` for its number.
        group: a group that the pattern always has if it sets the field; empty if there is none.
        once: whether it must equal a value that the field already has.
    """

    is_set: str
    value: str
    group: str = ""
    once: bool = False


@dataclass(frozen=True)
class Flat:
    """Parts as one pattern.

    Attributes:
        pattern: the regular expression.
        slots: the fields.
        is_partial: whether the parts match texts that the pattern does not match.
        variants: conditions, and the names of alternatives that are read under them.
        choices: how many choices it has.
    """

    pattern: str
    slots: dict[str, Slot] = field(default_factory=dict)
    is_partial: bool = False
    variants: list[tuple[str, str]] = field(default_factory=list)
    choices: int = 0

    def then(self, flat: Flat) -> Flat | None:
        """Both in a row; None if they have a field in common."""
        if self.slots.keys() & flat.slots.keys():
            return None
        return Flat(
            self.pattern + flat.pattern,
            self.slots | flat.slots,
            self.is_partial or flat.is_partial,
            self.variants + flat.variants,
            self.choices + flat.choices,
        )


def without_surrogates(expression: str) -> str:
    """The expression of a terminal for texts without surrogates: negated sets, which exclude them, become faster."""
    return re.sub(r"(?<!\[)\\ud800-\\udfff\]", "]", expression.replace(r"[^\ud800-\udfff]", "(?s:.)"))


class PatternRules(Rules):
    """The rules of a format, for texts without surrogates, and the code of patterns."""

    def __init__(self, rules: Rules) -> None:
        terminals = {name: without_surrogates(each) for name, each in rules.terminals.items()}
        super().__init__(rules.roles, terminals, rules.table, rules.converter)
        self.groups = 0

    def nests(self, name: str) -> bool:
        """Whether a value of a rule can contain another one of the rule."""
        return name in self.reached((each for way in self.table[name].ways for each in self.used(way)), schemas=True)

    def matcher(self, flat: Flat) -> str:
        """Return the name of a function that matches a pattern. It is compiled when it is first used."""
        name = self.bind(None)

        def match(text: str, at: int) -> re.Match[str] | None:
            self.names[name] = compiled = re.compile(flat.pattern).match
            return compiled(text, at)

        self.names[name] = match
        return name

    def filling(self, flat: Flat) -> list[str]:
        """Statements that store the fields of a match."""
        lines = []
        for name, slot in flat.slots.items():
            store = f"r.once(f, {name!r}, {slot.value})" if slot.once else f"f[{name!r}] = {slot.value}"
            lines.append(store if slot.is_set == ALWAYS else f"if {slot.is_set}: {store}")
        return self.statements(flat, *lines)

    def statements(self, flat: Flat, *lines: str) -> list[str]:
        """Statements that use a match `m`."""
        numbers = {name: number for number, name in enumerate(GROUP.findall(flat.pattern), 1)}
        variants = [f"if {is_read}: r.variants.append({name!r})" for is_read, name in flat.variants]
        body = "\n".join([*variants, *lines])
        body = re.sub(r"<(\w+)>", lambda found: f"g[{numbers[found[1]] - 1}]", body)
        body = re.sub(r"\[\[(\w+)\]\]", lambda found: str(numbers[found[1]]), body)
        return [*["g = m.groups()"] * ("g[" in body), *filter(None, body.split("\n"))]

    def items(self, item: Flat, many: Many) -> str:
        """Return the name of a function that returns the list of items in a part of a text."""
        matcher, separator = self.matcher(item), len(many.separator)
        make = self.names[self.defined("r, m", self.statements(item, f"return {item.slots[many.item].value}"))]

        def listed(r: FusedReader, at: int, end: int) -> list[Any]:
            found = list[Any]()
            while not found or at < end:
                each = self.names[matcher](r.text, at)
                if each.end() == at:
                    raise Unfused  # an empty item is none
                found.append(make(r, each))
                at = each.end() + separator
            return found

        return self.bind(listed)


class Flattening:
    """Makes one pattern of parts.

    Args:
        nested: whether to leave out what nests. Otherwise, what can nest is not flat.
    """

    def __init__(self, rules: PatternRules, nested: bool) -> None:
        self.rules, self.nested = rules, nested
        self.inside: tuple[str, ...] = ()

    def group(self, pattern: str = "") -> tuple[str, str]:
        """A group with a new name, and the name."""
        self.rules.groups += 1
        name = f"g{self.rules.groups}"
        return f"(?P<{name}>{pattern})", name

    def parts(self, parts: TableParts) -> Flat | None:
        """The pattern of parts in a row; None if there is none."""
        found: Flat | None = Flat("")
        for part in parts:
            flat = self.part(part)
            found = flat and found and found.then(flat)
            if found is None:
                return None
        return found

    def part(self, part: TablePart) -> Flat | None:
        match part:
            case str():
                return Flat(re.escape(part))
            case Token("", terminal):
                return Flat(f"(?>(?:{self.rules.terminals[terminal]})?)")
            case Token(name, terminal, optional):
                pattern, group = self.group(f"(?>{self.rules.terminals[terminal]})")
                slot = Slot(f"<{group}> is not None" if optional else ALWAYS, f"<{group}>", group)
                return Flat(f"(?>{pattern}?)" if optional else pattern, {name: slot})
            case Json(name, terminal):
                pattern, group = self.group(f"(?>{self.rules.terminals[terminal]})")
                return Flat(pattern, {name: Slot(ALWAYS, f"r.loads(<{group}>)", group)})
            case Flag(name, text):
                pattern, group = self.group(re.escape(text))
                return Flat(f"(?>{pattern}?)", {name: Slot(ALWAYS, f"(<{group}> is not None)")})
            case Value(name):
                if (found := self.value(name)) is None:
                    return None
                return replace(found[0], slots={name: replace(found[1], once=True)})
            case Use(name):
                return self.ways(self.rules.table[name].ways, self.rules.table[name].names)
            case Option(parts):
                flat = self.parts(parts)
                if flat is None:
                    return self.absent(parts)
                flat = self.under_condition(flat)
                return replace(flat, pattern=f"(?>{flat.pattern}|{self.unless(parts) * flat.is_partial})")
            case Many():
                return self.many(part)
        raise AssertionError(part)

    def under_condition(self, flat: Flat) -> Flat:
        """The same, as a part that may be absent."""
        group = next((slot.group for slot in flat.slots.values() if slot.group and slot.is_set == ALWAYS), "")
        if not group:
            marker, group = self.group()
            flat = replace(flat, pattern=flat.pattern + marker)
        present = f"<{group}> is not None"
        slots = {
            name: replace(slot, is_set=present) if slot.is_set == ALWAYS else slot for name, slot in flat.slots.items()
        }
        variants = [(present if is_read == ALWAYS else is_read, name) for is_read, name in flat.variants]
        return replace(flat, slots=slots, variants=variants)

    def absent(self, parts: TableParts) -> Flat | None:
        """The pattern of parts that may be absent, and are."""
        return Flat(self.unless(parts), is_partial=True) if self.nested else None

    def unless(self, parts: TableParts) -> str:
        """A pattern for places where parts cannot begin."""
        return f"(?!{self.first((parts,))})"

    def first(self, ways: tuple[TableParts, ...]) -> str:
        """A pattern for what alternatives can begin with."""
        return "|".join(dict.fromkeys(each for way in ways for each in self.firsts(way, ())[0]))

    def many(self, part: Many) -> Flat | None:
        item = self.parts(part.parts)
        if item is None:
            return None if part.least else self.absent(part.parts)
        if item.variants:
            return None
        separator, each = re.escape(part.separator), GROUP.sub("(?:", item.pattern)
        pattern, group = self.group(f"{each}(?:{separator}{each})*")
        if item.is_partial:
            pattern += f"(?!{separator})" if separator else self.unless(part.parts)
        if not part.least:
            pattern += "|" + self.unless(part.parts) * item.is_partial
        value = f"{self.rules.items(item, part)}(r, m.start([[{group}]]), m.end([[{group}]]))"
        slot = Slot(ALWAYS if part.least else f"<{group}> is not None", value, group)
        return Flat(f"(?>{pattern})", {part.field: slot}, item.is_partial, choices=item.choices)

    def ways(self, ways: tuple[TableParts, ...], names: tuple[str, ...] = ()) -> Flat | None:
        """The pattern of alternatives."""
        found, patterns = list[Flat](), list[tuple[str, str]]()
        for at, way in enumerate(ways):
            flat = self.parts(way)
            if flat is not None:
                if names and names[at]:
                    flat = replace(flat, variants=[*flat.variants, (ALWAYS, names[at])])
                if len(ways) > 1:
                    flat = self.under_condition(flat)
                found.append(flat)
                patterns.append((flat.pattern, "|"))
            elif not self.nested:
                return None
            if flat is None or flat.is_partial:
                patterns.append((self.unless(way), ""))
        if not found or len(ways) == 1:
            return found[0] if found else None
        slots: dict[str, Slot] = {}
        for flat in found:
            for name, slot in flat.slots.items():
                if (other := slots.get(name)) is not None:
                    value = f"({other.value} if {other.is_set} else {slot.value})"
                    slot = Slot(f"({other.is_set} or {slot.is_set})", value, once=slot.once)
                slots[name] = slot
        pattern = ""
        for each, separator in reversed(patterns):
            if not separator:  # where an alternative begins that is left out, those after it are not tried
                pattern = f"{each}(?>{pattern})" if pattern else ""
            else:
                pattern = f"{each}|{pattern}" if pattern else each
        return Flat(
            f"(?>{pattern})",
            slots,
            len(patterns) > len(found),
            [each for flat in found for each in flat.variants],
            sum(flat.choices for flat in found),
        )

    def value(self, name: str) -> tuple[Flat, Slot] | None:
        """The pattern of a rule, without fields, and its value; None if there is none."""
        rule, inside = self.rules.table[name], self.inside
        if name in inside:
            return None
        match rule:
            case Enumerated():
                pattern, group = self.group("|".join(map(re.escape, rule.texts.values())))
                names = self.rules.bind({text: each for each, text in rule.texts.items()})
                return Flat(f"(?>{pattern})"), Slot(ALWAYS, f"{names}[<{group}>]", group)
            case Lines():
                _, start = self.group()
                _, first = self.group()
                _, others = self.group()
                whole, each = rule.expressions(self.rules, f"(?P<{first}>", f"(?P<{others}>")
                span = f"m.start([[{start}]]), m.start([[{others}]]), m.end([[{others}]])"
                value = f"r.joined(<{first}>, {self.rules.bind(re.compile(each))}, {span}, {rule.whole_name!r})"
                several = f"<{others}> or '\\n' in (<{first}> or '')"
                value = f"({value} if {several} else <{first}> or '\\n')"  # usually, it is one line
                return Flat(f"(?P<{start}>(?>{whole}))"), Slot(ALWAYS, value, start)
        self.inside = (*inside, name)
        try:
            match rule:
                case Single():
                    return self.single(rule)
                case Choice():
                    return self.choice(rule)
                case RecordRule() if rule.core:
                    return self.collapsed(rule)
                # One that nests has a pattern by itself: without, reading 200 tools takes 15 % longer.
                case RecordRule() if not (rule.remembers or rule.is_schema or (inside and self.rules.nests(name))):
                    return self.record(rule)
            return None
        finally:
            self.inside = inside

    def single(self, rule: Single) -> tuple[Flat, Slot] | None:
        flat = self.ways(rule.ways, rule.names)
        if flat is None or len(flat.slots) != 1:
            return None
        (slot,) = flat.slots.values()
        value, group = slot.value, slot.group if slot.is_set == ALWAYS else ""
        if slot.is_set != ALWAYS and not all(map(self.rules.required, rule.ways)):
            if rule.empty is NO_MATCH:
                return None
            value = f"({value} if {slot.is_set} else {'[]' if rule.empty == [] else self.rules.bind(rule.empty)})"
        return replace(flat, slots={}), Slot(ALWAYS, value, group)

    def choice(self, rule: Choice) -> tuple[Flat, Slot] | None:
        flat = self.ways(rule.ways) if self.nested else None
        if flat is None:
            return None
        *others, last = flat.slots.values()
        value = "".join(f"{slot.value} if {slot.is_set} else " for slot in others) + last.value
        return replace(flat, slots={}, choices=flat.choices + 1), Slot(ALWAYS, f"({value})")

    def record(self, rule: RecordRule) -> tuple[Flat, Slot] | None:
        """A record; of one that nests, the first alternative."""
        flat = self.parts(rule.ways[0]) if self.nested else self.ways(rule.ways, rule.names)
        if flat is None or (self.nested and any(rule.names)):
            return None
        arguments = []
        for part in fields(rule.made):
            slot = flat.slots.get(part.name)
            absent = [] if part.default_factory is not MISSING else rule.absent.get(part.name, part.default)
            default = self.rules.bind(absent)  # one list for all: a type is converted at once, and not changed
            value = default if slot is None else slot.value
            if slot is not None and slot.is_set != ALWAYS:
                value = f"({value} if {slot.is_set} else {default})"
            arguments.append(value)
        group = next((slot.group for slot in flat.slots.values() if slot.group and slot.is_set == ALWAYS), "")
        return replace(flat, slots={}), Slot(ALWAYS, f"{self.rules.bind(rule.made)}({', '.join(arguments)})", group)

    def collapsed(self, rule: RecordRule) -> tuple[Flat, Slot] | None:
        """A record that is usually one part of it: without the parts that may be absent before that part."""
        if not self.nested or len(rule.ways) > 1:
            return None
        flat: Flat | None
        made, found, value = self.rules.bind(rule.made), Flat(""), ""
        for part in rule.ways[0]:
            if isinstance(part, (Value, Many)) and part.field == rule.core:
                flat = self.parts(part.parts if isinstance(part, Many) else (part,))
                if flat is None or flat.variants or (isinstance(part, Many) and not part.separator):
                    return None
                value = flat.slots[part.item if isinstance(part, Many) else part.field].value
                if isinstance(part, Many):
                    separator, each = re.escape(part.separator), GROUP.sub("(?:", flat.pattern)
                    others, group = self.group(f"(?:{separator}{each})*")
                    start = f"m.start([[{group}]]) + {len(part.separator)}"
                    more = f"{self.rules.items(flat, part)}(r, {start}, m.end([[{group}]]))"
                    value = f"({made}([value, *{more}]) if [value := {value}] and <{group}> else value)"
                    flat = replace(flat, pattern=f"(?>{flat.pattern}{others}(?!{separator}))")
                flat = replace(flat, slots={}, is_partial=True)
            # With what may come before the core, patterns would take three times as long to compile.
            elif not value and isinstance(part, (Option, Use, Many)) and not self.rules.required((part,)):
                flat = Flat(self.unless((part,)), is_partial=True)
            else:
                flat = self.part(part)
            if flat is None or (both := found.then(flat)) is None:
                return None
            found = both
        if found.slots:
            others = " or ".join(slot.is_set for slot in found.slots.values())
            named = "".join(
                f", **({{{name!r}: {slot.value}}} if {slot.is_set} else {{}})" for name, slot in found.slots.items()
            )
            value = f"({made}({rule.core}=value{named}) if [value := {value}] and ({others}) else value)"
        return replace(found, slots={}), Slot(ALWAYS, value)

    def firsts(self, parts: TableParts, inside: tuple[str, ...]) -> tuple[list[str], bool]:
        """Patterns for what parts can begin with, if it is not empty, and whether it can be empty."""
        found: list[str] = []
        for at, part in enumerate(parts):
            match part:
                case Token("", terminal):  # as all layout, it may be absent
                    each, empty = self.firsts(parts[at + 1 :], inside)
                    layout = self.rules.terminals[terminal]
                    return [*found, f"(?:{layout})?(?:{'|'.join(dict.fromkeys(each))})", *[layout] * empty], empty
                case str():
                    each, empty = [re.escape(part)], not part
                case Token(_, terminal, optional):
                    each, empty = [self.rules.terminals[terminal]], optional
                case Json(_, terminal):
                    each, empty = [self.rules.terminals[terminal]], False
                case Flag(_, text):
                    each, empty = [re.escape(text)], True
                case Option(inner):
                    each, empty = self.firsts(inner, inside)[0], True
                case Many(_, inner, least):
                    each, empty = self.firsts(inner, inside)[0], not least  # no item is empty: `endless_definitions`
                case Value(name) | Use(name):
                    rule = self.rules.table[name]
                    if isinstance(rule, Enumerated):
                        each, empty = [*map(re.escape, rule.texts.values())], False
                    elif name in inside:
                        each, empty = [""], False
                    else:
                        ways = [self.firsts(way, (*inside, name)) for way in rule.ways]
                        each, empty = [first for way in ways for first in way[0]], any(way[1] for way in ways)
            found += each
            if not empty:
                return found, False
        return found, True
