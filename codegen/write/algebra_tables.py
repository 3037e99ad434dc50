"""The rules of framing as an algebra, see `harmony_spec/format/algebra.py`: engines are constrained by it."""

from __future__ import annotations

from ..model.format_model import Format
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import AnyOf, Chars, Concat, GrammarNode, Repeat, Text
from .framing_code import ordered_rules
from .node_code import algebra_name, algebra_node, node_code
from .source_text import Block, Writer, data, group, literal, mapping


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
