"""The rules of the grammar of contents as types, and what each part of a rule is in its type.

- A rule of several parts is a record with a field for each rule and terminal in it.
- A repeated part is a list; its field is in the plural.
- A rule of one value is that value. If it is one of several rules to choose from, it is a record, so that its class
  shows which one it is.
- The parts of a rule that begins with `_` are parts of the rules that use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..read.grammar_nodes import (
    Branch,
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleList,
    RuleMark,
    RuleValue,
    Text,
    called,
    parts,
    walk,
)
from ..read.lark_files import LarkDefinition, LarkGroup, LarkItem, LarkName, LarkString
from ..read.problems import Place, Problem
from ..read.reachable import reachable
from .content_grammar import ContentGrammar, is_date, is_json
from .grammar_rules import GrammarRule, RuleBuilder
from .terminals import Terminal, Terminals, is_terminal

METASCHEMA = "https://json-schema.org/draft/2020-12/schema"


def build_contents(
    found: tuple[LarkDefinition, ...],
    roles: tuple[str, ...],
    namespace: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    problems: list[Problem],
) -> ContentGrammar:
    """The grammar of contents; every definition that has no meaning here is added to `problems`.

    Args:
        found: the definitions.
        roles: the roles of messages.
        namespace: the JSON Schema of a tool namespace.
        data: the entries of the data files that are about contents.
        problems: the list to add to.
    """
    definitions = {definition.name: definition for definition in found}
    terminals = Terminals(definitions, {}, problems)
    builder = _Builder(terminals)
    rules = {name: builder.rule(definition) for name, definition in definitions.items() if not is_terminal(name)}
    choices = {name for rule in rules.values() if rule.kind == "choice" for name in called(rule.node)}
    named = tuple(role for role in roles if role in rules)
    problems += _unlike_spellings(rules, terminals.patterns, choices)
    problems += _empty_values(rules, terminals.patterns)
    boxed = {name for name in choices if _needs_class(rules, rules[name])}
    rules = {name: replace(rule, kind="record") if name in boxed else rule for name, rule in rules.items()}
    problems += _lists_without_values(rules)
    problems += _lists_of_themselves(rules)
    rules |= {role: replace(rules[role], kind="record", collapses=False) for role in named}  # what a message holds
    schemas = frozenset(_schemas(rules, namespace))
    implied = frozenset(item.flag for item in data["implied"])
    return ContentGrammar(rules, terminals.patterns, named, schemas, data["defaults"], implied, data["indents"])


def _unlike_spellings(
    rules: Mapping[str, GrammarRule], terminals: Mapping[str, Terminal], choices: Set[str]
) -> Iterator[Problem]:
    """The spellings of one text are texts, and such a rule is not an alternative of another one."""
    for rule in rules.values():
        if rule.kind != "text" or len(rule.ways) < 2:
            continue
        named = [part.terminal for way in rule.ways for part in way.items if isinstance(part, RuleValue)]
        if other := next((name for name in named if is_json(name) or is_date(name) or terminals[name].values), None):
            reason = f"`{rule.name}` is a text in several spellings, and `{other}` is another value"
            yield Problem(rule.place, reason, "Give each terminal a rule of its own, and choose between the rules.")
        elif rule.name in choices:
            reason = f"`{rule.name}` has several spellings, and is one of several rules to choose from"
            yield Problem(rule.place, reason, "Write one terminal for all of them.")


def _empty_values(rules: Mapping[str, GrammarRule], terminals: Mapping[str, Terminal]) -> Iterator[Problem]:
    """Only a text may be empty: no JSON value is, and no listed one."""
    for rule in rules.values():
        for way in rule.ways if rule.kind == "enumerated" else ():
            if not way.items:
                reason = f"the alternative `{way.name}` of `{rule.name}` is an empty text"
                yield Problem(
                    way.place, reason, f"Write a text, or remove it, and write `{rule.name}?` where it is used."
                )
        values = [part.item for part in parts(rule.node) if isinstance(part, Repeat)] if rule.kind == "text" else []
        for value in (value for value in values if isinstance(value, RuleValue) and value.field):
            if is_json(value.terminal) or (value.terminal in terminals and terminals[value.terminal].values):
                reason = f"`{rule.name}` may be empty, and `{value.terminal}` is not any text"
                yield Problem(rule.place, reason, f"Remove the `?`, and write `{rule.name}?` where it is used.")


def _lists_without_values(rules: Mapping[str, GrammarRule]) -> Iterator[Problem]:
    """Each item of a list has a value; only a line of a text may be empty."""
    for rule in rules.values():
        for part in walk(rule.node) if rule.kind != "lines" else ():
            if isinstance(part, RuleList) and _may_lack_value(part):
                reason = f"`{rule.name}` repeats what may have no value"
                yield Problem(rule.place, reason, "Require the value, or give what is repeated a rule of its own.")


def _lists_of_themselves(rules: Mapping[str, GrammarRule]) -> Iterator[Problem]:
    """No value is only a list of values of its own rule, since it would have no type. One of a cycle is reported; if no
    list in it may be empty, it never ends."""

    def items(name: str) -> list[str]:
        return called(rules[name].node) if name in rules and rules[name].kind in ("list", "alias") else []

    own = [rule for rule in rules.values() if rule.name in reachable(items(rule.name), items)]
    may_be_empty = (r for r in own if any(isinstance(part, RuleList) and not part.least for part in walk(r.node)))
    if rule := next(may_be_empty, None):
        remedy = "Give it another part, or make it one of several rules to choose from, so that it is a class."
        yield Problem(rule.place, f"`{rule.name}` is only a list of itself", remedy)


def _may_lack_value(repeated: RuleList) -> bool:
    """Whether the value of an item is optional, and a text shows the item; without a text, it would be empty."""
    inner = parts(repeated.item)
    around = repeated.separator or any(isinstance(part, Text) for part in inner)
    return bool(around) and any(isinstance(part, Repeat) and not _is_layout(part) for part in inner)


def _needs_class(rules: Mapping[str, GrammarRule], rule: GrammarRule) -> bool:
    """Whether a rule that is chosen among others needs a class, since its values do not show which rule they are of."""
    if rule.kind == "alias":
        return all(rules[name].kind == "enumerated" for name in called(rule.node) if name in rules)
    return rule.kind not in ("choice", "record")


def _schemas(rules: Mapping[str, GrammarRule], namespace: Mapping[str, Any] | None) -> Iterator[str]:
    """The rules whose values are JSON Schemas: those for which the schema of a namespace refers to the metaschema."""
    for entry in (namespace or {}).get("$defs", {}).values():
        for name, value in entry.get("properties", {}).items():
            if name in rules and rules[name].kind == "record" and METASCHEMA in str(value):
                yield name


class _Builder(RuleBuilder):
    def rule(self, definition: LarkDefinition) -> GrammarRule:
        ways = tuple(Branch(a.name, self.sequence(a.items), (), a.place) for a in definition.alternatives)
        if len(ways) > 1 and all(isinstance(_item(way.node), (RuleValue, RuleCall)) for way in ways):
            ways = tuple(replace(way, node=self.required(definition.name, way)) for way in ways)
        if text := self.constants.get(definition.name):
            ways = (replace(ways[0], node=Text(text)),)
        single = len(ways) == 1 and not ways[0].name
        kind = "record" if definition.collapses else self.kind(definition.name, ways)
        if kind == "text" and not single:  # spellings of one field
            values = [way.node for way in ways if isinstance(way.node, RuleValue)]
            ways = tuple(
                replace(way, node=RuleValue(definition.name, value.terminal))
                for way, value in zip(ways, values, strict=True)
            )
        return GrammarRule(
            name=definition.name,
            node=ways[0].node if single else RuleChoice(definition.name, ways),
            place=definition.place,
            doc=definition.doc,
            source=definition.source,
            kind=kind,
            collapses=definition.collapses,
        )

    def kind(self, name: str, ways: tuple[Branch, ...]) -> str:
        constant = all(isinstance(part, Text) for way in ways for part in way.items)
        if constant and all(way.name for way in ways):
            return "enumerated"
        if name.startswith("_") or name in self.spelled_texts:
            return "inlined"
        if constant:
            return "constant"
        if len(ways) > 1:
            if _are_spellings(ways):
                if all(isinstance(way.node, RuleValue) for way in ways):
                    return "text"
                if isinstance(ways[0].node, RuleList) and _is_lines(ways[0].node):
                    return "lines"
            return "choice" if all(self.is_field(way.node) for way in ways) else "record"
        values = [part for part in ways[0].items if not isinstance(part, Text) and not _is_layout(part)]
        if len(values) != 1:
            return "record"
        if isinstance(values[0], RuleList):
            return "lines" if _is_lines(values[0]) else "list"
        return "text" if _text(values[0]) else "alias" if self.is_field(values[0]) else "record"

    def required(self, name: str, way: Branch) -> GrammarNode:
        """The part that an alternative is, which must be there."""
        if isinstance(way.node, Repeat):
            reason = f"`{name}` may be empty, and has several alternatives"
            self.refuse(way.place, reason, f"Remove the `?`, and write `{name}?` where it is used.")
        return _item(way.node)

    def nodes(self, items: tuple[LarkItem, ...]) -> tuple[GrammarNode, ...]:
        """The parts of an alternative; `x (sep x)*` becomes one list."""
        nodes: list[GrammarNode] = []
        for node in super().nodes(items):
            match node:
                case RuleList(field, Concat((Text(separator), again)), 0) if nodes and again == nodes[-1]:
                    nodes[-1] = RuleList(field, again, 1, separator)
                case _:
                    nodes.append(node)
        return tuple(nodes)

    def value(self, terminal: str, place: Place) -> GrammarNode:
        return RuleValue("" if terminal.startswith("_") else terminal.lower(), terminal)

    def group(self, item: LarkGroup) -> GrammarNode:
        if item.operator.startswith("~"):
            return self.refuse(
                item.place, f"`{item.operator}` is not supported", "Write the part out, or use `*` or `+`."
            )
        if len(item.alternatives) > 1 or item.operator not in ("?", "*", "+"):
            return self.refuse(item.place, "only rules have alternatives here", "Give this part a rule of its own.")
        refused = len(self.problems)
        inner = self.sequence(item.alternatives[0].items)
        if item.operator == "?":
            constant = isinstance(inner, RuleCall) and inner.rule in self.constants
            texts = (part != Text("") and (self.is_text(part) or self.is_spelled_text(part)) for part in parts(inner))
            if not constant and all(texts):
                remedy = "Give it a rule of one text, which becomes a flag, or name all alternatives of its rule."
                return self.refuse(item.place, "no field records whether this part is present", remedy)
            if isinstance(inner, RuleCall) and inner.rule in self.constants:
                return Repeat(RuleMark(inner.rule, Text(self.constants[inner.rule])), 0, 1)
            return Repeat(inner, 0, 1)
        values = [node for node in parts(inner) if not self.is_text(node) and not _is_layout(node)]
        field = self.item_field(values[0]) if len(values) == 1 else ""
        if not field and len(self.problems) > refused:
            return Text("")  # a part of it is a problem already
        if not field:
            reason = "what is repeated holds more or less than one value"
            return self.refuse(item.place, reason, "Give it a rule of its own.")
        return RuleList(plural(field), inner, int(item.operator == "+"))

    def is_text(self, node: GrammarNode) -> bool:
        return isinstance(node, Text) or (isinstance(node, RuleCall) and node.rule in self.constants)

    @cached_property
    def constants(self) -> dict[str, str]:
        """The rules that are only text, with the text."""
        found: dict[str, str] = {}
        while more := {
            name: "".join(texts)
            for name, definition in self.definitions.items()
            if name not in found and (texts := self._texts(definition, found)) is not None
        }:
            found |= more
        return found

    @cached_property
    def spelled_texts(self) -> frozenset[str]:
        """The rules that are one text in several spellings, which no field shows."""
        return frozenset(
            name
            for name, definition in self.definitions.items()
            if not (is_terminal(name) or all(way.name for way in definition.alternatives))
            and len(definition.alternatives) > 1
            and all(isinstance(item, LarkString) for way in definition.alternatives for item in way.items)
        )

    def is_spelled_text(self, node: GrammarNode) -> bool:
        return isinstance(node, RuleCall) and node.rule in self.spelled_texts

    def is_field(self, node: GrammarNode) -> bool:
        return isinstance(node, RuleCall) and not (node.rule.startswith("_") or self.is_spelled_text(node))

    def item_field(self, node: GrammarNode) -> str:
        """The field that a part has as the item of a list; "" if it cannot be one."""
        if isinstance(node, RuleCall) and self.is_field(node):
            return node.rule
        return text.field if (text := _text(node)) else ""

    def _texts(self, definition: LarkDefinition, known: Mapping[str, str]) -> list[str] | None:
        """The texts that a rule is made of; None if it has other parts, or is a part of others."""
        first, *others = definition.alternatives
        if others or first.name or definition.name.startswith("_") or is_terminal(definition.name):
            return None
        texts = [
            item.text if isinstance(item, LarkString) else known.get(item.name) if isinstance(item, LarkName) else None
            for item in first.items
        ]
        return None if None in texts else [text for text in texts if text is not None]


def _are_spellings(ways: tuple[Branch, ...]) -> bool:
    """Whether the alternatives after the first one have names, as spellings do, perhaps of one value."""
    return len(ways) > 1 and not ways[0].name and all(way.name for way in ways[1:])


def _text(node: GrammarNode) -> RuleValue | None:
    """The text that a part is, or may be."""
    item = _item(node)
    return item if isinstance(item, RuleValue) else None


def _item(node: GrammarNode) -> GrammarNode:
    """A part, whether it is optional or not."""
    return node.item if isinstance(node, Repeat) else node


def _is_layout(node: GrammarNode) -> bool:
    return (text := _text(node)) is not None and not text.field


def _is_lines(node: RuleList) -> bool:
    """Whether a list is lines of text: one terminal, then a line break. JSON values stay values."""
    *before, last = parts(node.item)
    texts = [text for part in before if (text := _text(part))]
    return bool(node.least and texts) and last == Text("\n") and not any(is_json(text.terminal) for text in texts)


def plural(name: str) -> str:
    """The name of a list of what has this name."""
    if re.search("[^aeiou_]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"
