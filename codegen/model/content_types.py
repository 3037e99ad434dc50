"""The Python types of contents: of each rule and each field, and which of them users build."""

from __future__ import annotations

from collections.abc import Iterator

from ..read.grammar_folder import TOOLS_SUFFIX
from ..read.grammar_nodes import GrammarNode, RuleCall, RuleList, RuleMark, RuleValue, called
from .content_rules import ContentGrammar, is_date, is_json, rule_of
from .grammar_rules import GrammarRule, camel_case
from .terminals import Terminal

DATE_TYPE = "runtime.date | str"
"""The type of a text that may be a date."""


def class_name(contents: ContentGrammar, rule: str) -> str:
    return f"{camel_case(rule)}Content" if rule in contents.roles else camel_case(rule)


def user_rules(contents: ContentGrammar) -> list[str]:
    """The rules whose classes users build: those of roles and of their parts, without the types of tools."""
    return [rule for rule in contents.by_hand if contents.rules[rule].kind == "record"]


def record_in(contents: ContentGrammar, node: GrammarNode) -> str | None:
    """The rule of the class that the value of a node has, or each item of it if it is a list."""
    if (rule := rule_of(node)) is None or contents.rules[rule].kind == "record":
        return rule
    if contents.rules[rule].kind not in ("alias", "list"):
        return None
    return record_in(contents, _first(contents, rule))


def is_list(contents: ContentGrammar, node: GrammarNode) -> bool:
    return kind_of(contents, node).startswith("list[")


def item_of(contents: ContentGrammar, node: GrammarNode) -> GrammarNode | None:
    """The value of an item of a list, as a node; None if the node is not a list."""
    if isinstance(node, RuleList):
        return next(inner for _, inner in contents.settings(node.item))
    if isinstance(node, RuleCall) and contents.rules[node.rule].kind in ("list", "alias"):
        return item_of(contents, _first(contents, node.rule))
    return None


def terminals_of(contents: ContentGrammar, node: GrammarNode) -> list[Terminal]:
    """The terminals for the text of a field, the canonical one first."""
    if isinstance(node, RuleValue):
        return [contents.terminals[node.terminal]]
    if isinstance(node, RuleCall) and contents.rules[node.rule].kind == "text":
        nodes = (inner for _, inner in contents.settings(contents.rules[node.rule].node))
        return [terminal for inner in nodes for terminal in terminals_of(contents, inner)]
    return []


def terminal_of(contents: ContentGrammar, node: GrammarNode) -> Terminal | None:
    """The terminal for the text of a field, in its canonical spelling."""
    return next(iter(terminals_of(contents, node)), None)


def listed_values(contents: ContentGrammar, node: GrammarNode) -> tuple[str, ...]:
    """The values of an enumerated field."""
    if isinstance(node, RuleValue):
        return contents.terminals[node.terminal].values or ()
    if not isinstance(node, RuleCall):
        return ()
    if contents.rules[node.rule].kind == "enumerated":
        return contents.rules[node.rule].values
    fields = contents.fields(node.rule).values()
    return next((found for nodes in fields if (found := listed_values(contents, nodes[0]))), ())


def _first(contents: ContentGrammar, rule: str) -> GrammarNode:
    """The node of the first field of a rule."""
    return next(node for _, node in contents.settings(contents.rules[rule].node))


def ordered_fields(contents: ContentGrammar, rule: str) -> Iterator[tuple[str, str]]:
    """The fields of a class and their types; those without a default come first, as dataclasses require."""
    kinds = {name: kind_of(contents, nodes[0]) for name, nodes in contents.fields(rule).items()}
    lists = {name for name, kind in kinds.items() if kind.startswith("list[")}
    required = required_fields(contents, rule) - lists - contents.defaults.get(rule, {}).keys()
    yield from sorted(kinds.items(), key=lambda field: field[0] not in required)


def required_fields(contents: ContentGrammar, rule: str) -> set[str]:
    """The fields that every alternative needs. A schema is not one: `None` stands for its absence."""
    always = contents.always_set(contents.rules[rule].node)
    return {name for name in always if not is_schema(contents, contents.fields(rule)[name][0])}


def core_fields(contents: ContentGrammar, rule: str) -> list[str]:
    """The fields that a rule always sets, and whose value may be its own if it collapses."""
    node = contents.rules[rule].node
    always = contents.always_set(node)
    return [name for name, part in contents.settings(node) if name in always and _may_be_core(contents, part)]


def _may_be_core(contents: ContentGrammar, node: GrammarNode) -> bool:
    """Whether a value may be that of its rule: of another rule, or a list with a separator, but not of texts."""
    if not isinstance(node, RuleList):
        return isinstance(node, RuleCall)
    rule = rule_of(node)
    return node.separator != "" and rule is not None and contents.rules[rule].kind != "text"


def is_schema(contents: ContentGrammar, node: GrammarNode) -> bool:
    return isinstance(node, RuleCall) and node.rule in contents.schemas


def kind_of(contents: ContentGrammar, node: GrammarNode, seen: frozenset[str] = frozenset()) -> str:
    """The Python type of a field; `seen` are the rules with several types that it is a type of."""
    match node:
        case RuleMark():
            return "bool"
        case RuleValue(_, terminal):
            if is_json(terminal):
                return "Any"
            if is_date(terminal):
                return DATE_TYPE
            return camel_case(terminal) if contents.terminals[terminal].values else "str"
        case RuleList(_, item):
            return f"list[{next(kind_of(contents, inner, seen) for _, inner in contents.settings(item))}]"
        case RuleCall(rule):
            return _type_of_rule(contents, rule, seen)
    return "Any"


def _type_of_rule(contents: ContentGrammar, rule: str, seen: frozenset[str]) -> str:
    made = contents.rules[rule]
    if rule in contents.schemas:
        return "runtime.JsonSchema"
    if (made.collapses or made.kind == "choice") and rule in contents.by_hand:
        found = dict.fromkeys(_types_of_choice(contents, made, seen | {rule})) if rule not in seen else {}
        return "Any" if "Any" in found else " | ".join(found)
    if made.kind in ("record", "enumerated") and not made.collapses:
        return class_name(contents, rule)
    if made.kind == "lines":
        return "str"
    if made.kind in ("text", "list", "alias"):
        return kind_of(contents, _first(contents, rule), seen)
    return "Any"


def _types_of_choice(contents: ContentGrammar, rule: GrammarRule, seen: frozenset[str]) -> Iterator[str]:
    """The types of the values that a rule may have: those of its alternatives, or its class and that of its core."""
    if rule.kind == "choice":
        for name in called(rule.node):
            yield from filter(None, _type_of_rule(contents, name, seen).split(" | "))
        return
    yield class_name(contents, rule.name)
    if not (cores := core_fields(contents, rule.name)):
        return  # it is refused
    core = contents.fields(rule.name)[cores[-1]][0]
    item = core.item if isinstance(core, RuleList) else core
    yield from (kind_of(contents, inner, seen) for _, inner in contents.settings(item)[:1])


def tools_name(file: str) -> str:
    """The name of the function for a file of built-in tools."""
    return f"{file.removesuffix(TOOLS_SUFFIX)}_tools"
