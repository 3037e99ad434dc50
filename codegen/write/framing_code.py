"""The rules of framing in both directions: a regular expression that reads, and a function that writes."""

from __future__ import annotations

from itertools import groupby

from ..model.format_model import CONTENT_FIELD, Format
from ..model.rule_nodes import GrammarRule
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import Branch, GrammarNode, Repeat, RuleChoice, called, parts
from .node_code import constant, is_flag, is_in_place, is_set, node_code, present, writer_name
from .source_text import PythonCode, Writer, call, literal, mapping, raw


def emit_patterns(format: Format, writer: Writer) -> None:
    for terminal in format.terminals.values():
        writer.assign(constant(terminal.name), raw(pattern.expression(terminal.pattern, False)), above=terminal.source)
    for rule in ordered_rules(format):
        writer.comment(rule.source)
        terms: list[str] = []
        for is_constant, group in groupby(_pieces(format, rule), lambda piece: isinstance(piece, PythonCode)):
            pieces = list(group)
            terms += pieces if is_constant else [raw("".join(pieces))]
        writer.chain(terms, "+", f"{constant(rule.name)} = ")
        writer.space()


def ordered_rules(format: Format) -> list[GrammarRule]:
    """The rules, each after the ones that it uses."""
    found: dict[str, GrammarRule] = {}

    def visit(name: str) -> None:
        for used in called(format.rules[name].node):
            visit(used)
        found.setdefault(name, format.rules[name])

    for name in format.rules:
        visit(name)
    return list(found.values())


def _pieces(format: Format, rule: GrammarRule) -> list[str]:
    """The regular expression of a rule in pieces, see `NodeCode`."""
    if rule.name != CONTENT_FIELD:
        return node_code(format, rule.node).pattern
    optional = "?" if format.content_may_be_empty else ""
    if pattern.is_free(format.content_terminal.pattern):
        return [f"(?P<{CONTENT_FIELD}>[^{pattern.SURROGATE_CLASS}]{'*' if optional else '+'})"]
    return [f"(?P<{CONTENT_FIELD}>(?:{pattern.expression(format.content_terminal.pattern, False)}){optional})"]


def emit_writers(format: Format, writer: Writer) -> None:
    for rule in ordered_rules(format):
        if rule.name == CONTENT_FIELD or is_in_place(format, rule.name):
            continue
        parameters = ["m: Message", "chosen: runtime.Chosen"]
        with writer.function(writer_name(rule.name), parameters, "str", above=rule.source):
            if isinstance(rule.node, RuleChoice):
                _choice(format, rule.node, writer)
            else:
                _body(format, rule.node, writer)


def _choice(format: Format, node: RuleChoice, writer: Writer) -> None:
    conditions = [_fits(format, node, branch) for branch in node.branches]
    tests = ["True"] * len(conditions)
    if any(conditions):
        tests = [f"fits_{index}" for index in range(len(conditions))]
        for test, terms in zip(tests, conditions, strict=True):
            writer.chain(terms or ["True"], "and", f"{test} = ")
    fitting = mapping({literal(b.name or ""): test for b, test in zip(node.branches, tests, strict=True)})
    writer.block(call("runtime.pick", literal(node.rule), "chosen", fitting), prefix="branch = ")
    for branch in reversed(node.branches[1:]):
        with writer.body(f"if branch == {literal(branch.name or '')}:"):
            _body(format, branch.node, writer)
    _body(format, node.branches[0].node, writer)


def _fits(format: Format, node: RuleChoice, branch: Branch) -> list[str]:
    """The terms of the condition under which an alternative can write a message."""
    own = format.fields_of(branch.node)
    sets = dict(branch.sets)
    terms = [f"m.{field} == {literal(value)}" for field, value in branch.sets]
    required = format.always_set(branch.node)
    terms += [is_set(format, field, branch.node) for field in own if field in required and field != CONTENT_FIELD]
    for other in format.fields_of(node):
        if other not in own and other not in sets and other != CONTENT_FIELD:
            terms.append(f"not m.{other}" if is_flag(format, other) else f"m.{other} is None")
    return terms


def _body(format: Format, node: GrammarNode, writer: Writer) -> None:
    """Write statements that build the text of a node and return it."""
    terms: list[str] = []
    started = False
    for item in parts(node):
        if not isinstance(item, Repeat):
            terms += node_code(format, item).terms
            continue
        writer.chain(terms or ['""'], "+", "text += " if started else "text = ") if terms or not started else None
        started, terms = True, []
        writer.chain(present(format, item.item), "and", "if ", ":")
        with writer.body():
            writer.chain(node_code(format, item.item).terms, "+", "text += ")
    if started and not terms:
        writer.line("return text")
    else:
        writer.chain((["text"] if started else []) + (terms or ['""'] * (not started)), "+", "return ")
