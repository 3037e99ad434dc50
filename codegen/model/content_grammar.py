"""The grammar of contents: its rules, the classes and types that they become, and which of them users build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..read.grammar_folder import TOOLS_SUFFIX
from ..read.grammar_nodes import (
    Concat,
    GrammarNode,
    RuleCall,
    RuleList,
    RuleMark,
    RuleValue,
    Special,
    Text,
    called,
    parts,
)
from ..read.reachable import reachable
from .grammar_rules import GrammarRule, GrammarRules, camel_case
from .terminals import Terminal

DATE_TYPE = "runtime.date | str"
"""The type of a text that may be a date."""


@dataclass(frozen=True)
class ContentGrammar(GrammarRules):
    """The grammar of contents.

    Attributes:
        roles: the rules of the contents of messages, named like the role.
        schemas: the rules whose values are JSON Schemas.
        defaults: the values of absent fields, by rule.
        implied: rules and their flags that the conversation decides.
        indents: by how many spaces the lines in a rule are indented.
    """

    rules: Mapping[str, GrammarRule]
    terminals: Mapping[str, Terminal]
    roles: tuple[str, ...]
    schemas: frozenset[str]
    defaults: Mapping[str, Mapping[str, Any]]
    implied: frozenset[tuple[str, str]]
    indents: Mapping[str, int]

    @cached_property
    def samples(self) -> dict[tuple[str, bool], tuple[str, ...]]:
        """Texts of rules, which `prove` keeps: to find each anew takes long."""
        return {}

    @cached_property
    def by_hand(self) -> tuple[str, ...]:
        """The rules whose values users write. Types of tools are not among them, since users pass schemas."""

        def used(rule: str) -> list[str]:
            found = [rule_of(node) for _, node in self.settings(self.rules[rule].node)]
            return [name for name in found if name and name not in self.schemas]

        return tuple(reachable(self.roles, used))

    @cached_property
    def unused(self) -> frozenset[str]:
        """The rules that no role leads to."""
        return frozenset(self.rules.keys() - reachable(self.roles, lambda rule: called(self.rules[rule].node)))

    def is_field(self, rule: str) -> bool:
        return not rule.startswith("_") and self.rules[rule].kind not in ("constant", "inlined")

    def fields(self, rule: str) -> dict[str, list[GrammarNode]]:
        """The fields of a rule, with the nodes that set them, in order of appearance."""
        found: dict[str, list[GrammarNode]] = {}
        for name, node in self.settings(self.rules[rule].node):
            found.setdefault(name, []).append(node)
        return found

    def spellings(self, rule: str) -> tuple[str, ...]:
        """The names of the alternatives that records remember; "" for those that a field shows."""
        ways, kind = self.rules[rule].ways, self.rules[rule].kind
        if kind == "lines":
            return tuple(way.name or "" for way in ways)
        if kind not in ("record", "inlined", "text"):
            return ()
        return tuple(way.name or "" if self.is_spelling(rule, index) else "" for index, way in enumerate(ways))

    def needs(self, node: GrammarNode) -> list[Set[str]]:
        """Those of any node, and the fields of a rule with alternatives, each of which sets one."""
        used = (part.rule for part in parts(node) if isinstance(part, RuleCall) and not self.is_field(part.rule))
        fields = (self.fields(rule).keys() for rule in used if len(self.rules[rule].ways) > 1)
        return super().needs(node) + [each for each in fields if each]

    def class_name(self, rule: str) -> str:
        return f"{camel_case(rule)}Content" if rule in self.roles else camel_case(rule)

    def user_rules(self) -> list[str]:
        """The rules whose classes users build: those of roles and of their parts, without the types of tools."""
        return [rule for rule in self.by_hand if self.rules[rule].kind == "record"]

    def core_of(self, node: GrammarNode) -> GrammarNode:
        """The node whose value a node has: that of a rule of one value is in the rule."""
        while isinstance(node, RuleCall) and self.rules[node.rule].kind in ("text", "list", "alias"):
            node = self.settings(self.rules[node.rule].node)[0][1]
        return node

    def record_in(self, node: GrammarNode) -> str | None:
        """The rule of the class that the value of a node has, or each item of it if it is a list."""
        core = self.core_of(node)
        if item := self.item_of(core):
            return self.record_in(item)
        return core.rule if isinstance(core, RuleCall) and self.rules[core.rule].kind == "record" else None

    def item_of(self, node: GrammarNode) -> GrammarNode | None:
        """The value of an item of a list, as a node; None if the node is not a list."""
        core = self.core_of(node)
        return self.settings(core.item)[0][1] if isinstance(core, RuleList) else None

    def is_list(self, node: GrammarNode) -> bool:
        return self.item_of(node) is not None

    def terminals_of(self, node: GrammarNode) -> list[Terminal]:
        """The terminals for the text of a field, the canonical one first."""
        if isinstance(node, RuleCall) and self.rules[node.rule].kind == "text":
            nodes = [inner for _, inner in self.settings(self.rules[node.rule].node)]
        else:
            nodes = [node]
        return [self.terminals[each.terminal] for each in nodes if isinstance(each, RuleValue)]

    def terminal_of(self, node: GrammarNode) -> Terminal | None:
        """The terminal for the text of a field, in its canonical spelling."""
        return next(iter(self.terminals_of(node)), None)

    def listed_values(self, node: GrammarNode) -> tuple[str, ...]:
        """The values of an enumerated field, also if its rule may have a value with more parts."""
        match self.core_of(node):
            case RuleValue(_, terminal):
                return self.terminals[terminal].values or ()
            case RuleCall(rule) if self.rules[rule].kind == "enumerated":
                return self.rules[rule].values
            case RuleCall(rule) if self.rules[rule].collapses:
                return next(filter(None, (self.listed_values(nodes[0]) for nodes in self.fields(rule).values())), ())
        return ()

    def ordered_fields(self, rule: str) -> Iterator[tuple[str, str]]:
        """The fields of a class and their types; those without a default come first, as dataclasses require."""
        kinds = {name: self.kind_of(nodes[0]) for name, nodes in self.fields(rule).items()}
        lists = {name for name, nodes in self.fields(rule).items() if self.is_list(nodes[0])}
        required = self.required_fields(rule) - lists - self.defaults.get(rule, {}).keys()
        yield from sorted(kinds.items(), key=lambda field: field[0] not in required)

    def required_fields(self, rule: str) -> set[str]:
        """The fields that every alternative needs. A schema is not one: `None` stands for its absence."""
        always = self.always_set(self.rules[rule].node)
        return {name for name in always if not self.is_schema(self.fields(rule)[name][0])}

    def core_fields(self, rule: str) -> list[str]:
        """The fields that a rule always sets, and whose value may be its own if it collapses."""
        node = self.rules[rule].node
        always = self.always_set(node)
        return [name for name, part in self.settings(node) if name in always and self._may_be_core(part)]

    def core_part(self, rule: str) -> GrammarNode | None:
        """The part whose value a rule has if the others are absent, of a list its item; None if there is none."""
        if not self.rules[rule].collapses or not (cores := self.core_fields(rule)):
            return None
        core = self.fields(rule)[cores[-1]][0]
        return self.settings(core.item)[0][1] if isinstance(core, RuleList) else core

    def _may_be_core(self, node: GrammarNode) -> bool:
        """Whether a value may be that of its rule: of another rule, or a list with a separator, but not of texts."""
        if not isinstance(node, RuleList):
            return isinstance(node, RuleCall)
        rule = rule_of(node)
        return node.separator != "" and rule is not None and self.rules[rule].kind != "text"

    def is_schema(self, node: GrammarNode) -> bool:
        return isinstance(node, RuleCall) and node.rule in self.schemas

    def kind_of(self, node: GrammarNode, seen: frozenset[str] = frozenset()) -> str:
        """The Python type of a field; `seen` are the rules with several types that it is a type of."""
        match self.core_of(node):
            case RuleMark():
                return "bool"
            case RuleValue(_, terminal):
                if is_json(terminal):
                    return "Any"
                if is_date(terminal):
                    return DATE_TYPE
                return camel_case(terminal) if self.terminals[terminal].values else "str"
            case RuleList(_, item):
                return f"list[{self.kind_of(self.settings(item)[0][1], seen)}]"
            case RuleCall(rule):
                return self._type_of_rule(rule, seen)
        return "Any"

    def _type_of_rule(self, rule: str, seen: frozenset[str]) -> str:
        made = self.rules[rule]
        if rule in self.schemas:
            return "runtime.JsonSchema"
        if (made.collapses or made.kind == "choice") and rule in self.by_hand:
            found = dict.fromkeys(self._types_of_choice(made, seen | {rule})) if rule not in seen else {}
            return "Any" if "Any" in found else " | ".join(found)
        if made.kind in ("record", "enumerated") and not made.collapses:
            return self.class_name(rule)
        return "str" if made.kind == "lines" else "Any"

    def _types_of_choice(self, rule: GrammarRule, seen: frozenset[str]) -> Iterator[str]:
        """The types of the values that a rule may have: of its alternatives, or its class and that of its core."""
        if rule.kind == "choice":
            for name in called(rule.node):
                yield from filter(None, self.kind_of(RuleCall(name), seen).split(" | "))
            return
        yield self.class_name(rule.name)
        if core := self.core_part(rule.name):
            yield self.kind_of(core, seen)


def fixed_text(node: GrammarNode) -> str:
    """The text that a node always has, special tokens spelled out."""
    match node:
        case Special(_, text) | Text(text):
            return text
        case Concat(items):
            return "".join(map(fixed_text, items))
    return ""


def rule_of(node: GrammarNode) -> str | None:
    """The rule whose value a node is, or each item of it if it is a list."""
    inner = parts(node.item) if isinstance(node, RuleList) else (node,)
    return next((part.rule for part in inner if isinstance(part, RuleCall)), None)


def is_date(terminal: str) -> bool:
    """Whether a text that fits a terminal of contents becomes the date that it spells, if it is one."""
    return terminal.startswith("DATE")


def is_json(terminal: str) -> bool:
    """Whether a text that fits a terminal of contents becomes the JSON value that it spells."""
    return terminal.startswith("JSON")


def tools_name(file: str) -> str:
    """The name of the function for a file of built-in tools."""
    return f"{file.removesuffix(TOOLS_SUFFIX)}_tools"
