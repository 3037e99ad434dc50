"""The rules of framing: what reads each kind of node, what writes it, and its algebra, side by side.

Patterns and writers work on texts in which special tokens are surrogates.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from ..model.format_model import CONTENT_FIELD, Format
from ..model.grammar_rules import GrammarRule
from ..model.terminals import is_terminal
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import (
    AnyOf,
    Branch,
    Chars,
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleMark,
    RuleValue,
    Special,
    Text,
    called,
    parts,
)
from .source_text import Block, PythonCode, Writer, call, data, group, literal, mapping, raw

FIRST_MARKER = 0xD800


def markers(format: Format) -> dict[str, str]:
    """The surrogate for each special token of the grammar, by spelling."""
    return {special.spelling: chr(FIRST_MARKER + index) for index, special in enumerate(format.specials)}


def constant(name: str) -> str:
    """The name of the constant for a rule or terminal."""
    return f"_TERMINAL_{name}" if is_terminal(name) else f"_RULE_{name}"


def writer_name(rule: str) -> str:
    return f"_write_{rule}"


def algebra_name(name: str) -> str:
    """The name of the variable for a rule or terminal; no name in a grammar begins like this."""
    return f"{'text' if is_terminal(name) else 'rule'}_of_{name}"


def algebra_node(kind: str, *items: str | Block) -> Block:
    return call(f"runtime.algebra.{kind}Node", *items)


class NodeCode(NamedTuple):
    """The code of a node.

    Attributes:
        pattern: the regular expression that reads it, in pieces; those of code are constants for others.
        terms: expressions whose texts joined are written. A choice has none: it is a rule of its own.
        algebra: see `harmony_spec/format/algebra.py`; engines are constrained by it.
    """

    pattern: list[str]
    terms: list[str]
    algebra: str | Block


def node_code(format: Format, node: GrammarNode) -> NodeCode:
    match node:
        case Special(_, spelling):
            marker = markers(format)[spelling]
            return NodeCode([f"\\u{ord(marker):04x}"], [literal(marker)], algebra_node("Token", literal(spelling)))
        case Text(text):
            written = [literal(text)] if text else []
            return NodeCode([pattern.escape(text)], written, algebra_node("Literal", literal(text)))
        case RuleValue(field, terminal):
            is_text = format.fields[field].required and not format.fields[field].values
            return NodeCode(
                [f"(?P<{field}>", PythonCode(constant(terminal)), ")"],
                [f"m.{field}" if is_text else f"str(m.{field})"],
                algebra_node("Field", literal(field), algebra_name(terminal)),
            )
        case RuleMark(field, item):
            read, written, algebra = node_code(format, item)
            return NodeCode([_named(field), *read, ")"], written, algebra_node("Flag", literal(field), algebra))
        case Repeat(item, 0, 1):
            read, written, algebra = node_code(format, item)
            term = f'({" + ".join(written)} if {" and ".join(present(format, item))} else "")'
            return NodeCode(["(?:", *read, ")?"], [term], algebra_node("Optional", algebra))
        case Concat(items):
            codes = [node_code(format, item) for item in items]
            read = [piece for code in codes for piece in code.pattern]
            written = [term for code in codes for term in code.terms]
            return NodeCode(read, written, algebra_node("Sequence", group(code.algebra for code in codes)))
        case RuleCall(rule):
            written = ["runtime.HOLE"] if rule == CONTENT_FIELD else [f"{writer_name(rule)}(m, chosen)"]
            if is_in_place(format, rule):
                written = node_code(format, format.rules[rule].node).terms
            return NodeCode([PythonCode(constant(rule))], written, algebra_name(rule))
        case RuleChoice(_, branches):
            pieces, ways = list[str](), list[Block]()
            for branch in branches:
                read, _, algebra = node_code(format, branch.node)
                named = [f"{_named(*(branch.sets or (('', branch.name),))[0])})"] if branch.name else []
                pieces += ["|" if ways else "(?:", *read, *named]
                ways.append(call("runtime.algebra.Way", data(branch.name), data(branch.sets), algebra))
            return NodeCode([*pieces, ")"], [], algebra_node("Choice", group(ways)))
    raise AssertionError(f"a message holds no {node}")


def is_in_place(format: Format, rule: str) -> bool:
    """Whether a rule is a constant, which needs no function to write it."""
    return isinstance(format.rules[rule].node, (Special, Text)) and rule not in format.frames


def _named(field: str, value: str = "") -> str:
    """The name of a group of a pattern: `Frame` in `harmony_spec/format/frames.py` reads it."""
    return f"(?P<{field}_IS_{value}>"


def present(format: Format, node: GrammarNode) -> list[str]:
    """The condition for an optional part: all fields that it requires are set. `prove` sees to it that there is one."""
    required = format.always_set(node)
    return [is_set(format, field, node) for field in format.fields_of(node) if field in required]


def is_set(format: Format, field: str, node: GrammarNode) -> str:
    """The condition that a field has a value that this node can write. A value that no node can write is an error."""
    if format.fields[field].flag:
        return f"m.{field}"
    values = _listed(format, field, node)
    if values and {*values} != {*(format.fields[field].values or ())}:
        return f"m.{field} in ({', '.join(map(literal, values))}{',' * (len(values) == 1)})"
    return f"m.{field} is not None"


def _listed(format: Format, field: str, node: GrammarNode) -> list[str]:
    """The values that a node lists for an enumerated field."""
    found = dict[str, None]()
    for part in (part for name, part in format.settings(node) if name == field):
        match part:
            case RuleValue(_, terminal):
                found |= dict.fromkeys(format.terminals[terminal].values or ())
            case RuleChoice(_, branches):
                found |= dict.fromkeys(value for branch in branches for name, value in branch.sets if name == field)
    return list(found)


def emit_patterns(format: Format, writer: Writer) -> None:
    for terminal in format.terminals.values():
        writer.assign(constant(terminal.name), raw(pattern.expression(terminal.pattern, False)), above=terminal.source)
    for rule in ordered_rules(format):
        writer.comment(rule.source)
        terms: list[str] = []
        for is_constant, run in groupby(_pieces(format, rule), lambda piece: isinstance(piece, PythonCode)):
            pieces = list(run)
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
            terms.append(f"not m.{other}" if format.fields[other].flag else f"m.{other} is None")
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


def emit_algebra(format: Format, writer: Writer) -> None:
    """Write a function that makes the algebra, since an import takes a tenth longer with it."""
    with writer.function("_algebra", [], "dict[str, runtime.algebra.Node]"):
        for terminal in format.terminals.values():
            writer.assign(algebra_name(terminal.name), _terminal(terminal.pattern), above=terminal.source)
        for rule in ordered_rules(format):
            writer.assign(algebra_name(rule.name), node_code(format, rule.node).algebra, above=rule.source)
        made = mapping({literal(name): algebra_name(name) for name in format.frames})
        writer.block(made, prefix="return ")


def _terminal(node: GrammarNode) -> Block:
    """A terminal. Lookaheads only exclude special tokens, which no text of the algebra contains."""
    if pattern.is_free(node):
        return algebra_node("Text")
    match node:
        case Text(text):
            return algebra_node("Literal", literal(text))
        case Chars():
            return algebra_node("Character", data(pattern.ranges(node)))
        case Concat(items):
            return algebra_node("Sequence", group(_terminal(item) for item in items))
        case AnyOf(options):
            return algebra_node("Alternatives", group(_terminal(option) for option in options))
        case Repeat(item, low, high):
            return algebra_node("Repeat", _terminal(item), str(low), str(high))
    return algebra_node("Sequence", "()")
