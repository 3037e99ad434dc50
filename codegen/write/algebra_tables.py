"""The rules of framing as an algebra, see `harmony_spec/format/algebra.py`: engines are constrained by it."""

from __future__ import annotations

from ..model.format_model import Format
from ..model.rule_nodes import Branch, GrammarNode, RuleCall, RuleChoice, RuleMark, RuleOption, RuleSequence, RuleValue
from ..model.terminals import FixedText, Special, is_terminal
from ..read import regular_expressions as pattern
from .framing_code import ordered
from .source_text import Block, Writer, call, data, group, literal, mapping


def algebra_name(name: str) -> str:
    """The name of the variable for a rule or terminal; no name in a grammar begins like this."""
    return f"{'text' if is_terminal(name) else 'rule'}_of_{name}"


def emit_algebra(format: Format, writer: Writer) -> None:
    """Write a function that makes the algebra, since an import takes a tenth longer with it."""
    with writer.function("_algebra", [], "dict[str, runtime.algebra.Node]"):
        for terminal in format.terminals.values():
            writer.assign(algebra_name(terminal.name), _terminal(terminal.pattern), above=terminal.source)
        for name in ordered(format):
            writer.assign(algebra_name(name), _node(format.rules[name].node), above=format.rules[name].source)
        made = mapping({literal(name): algebra_name(name) for name in format.frames})
        writer.block(made, prefix="return ")


def _made(kind: str, *items: str | Block) -> Block:
    return call(f"runtime.algebra.{kind}Node", *items)


def _node(node: GrammarNode) -> str | Block:
    match node:
        case Special(_, spelling):
            return _made("Token", literal(spelling))
        case FixedText(text):
            return _made("Literal", literal(text))
        case RuleValue(field, terminal):
            return _made("Field", literal(field), algebra_name(terminal))
        case RuleMark(field, item):
            return _made("Flag", literal(field), _node(item))
        case RuleOption(item):
            return _made("Optional", _node(item))
        case RuleSequence(items):
            return _made("Sequence", group(map(_node, items)))
        case RuleCall(rule):
            return algebra_name(rule)
        case RuleChoice(_, branches):
            return _made("Choice", group(map(_way, branches)))
    raise AssertionError("a message holds no list")


def _way(branch: Branch) -> Block:
    return call("runtime.algebra.Way", data(branch.name), data(branch.sets), _node(branch.node))


def _terminal(node: pattern.RegexNode) -> Block:
    """A terminal. Lookaheads only exclude special tokens, which no text of the algebra contains."""
    if pattern.is_free(node):
        return _made("Text")
    match node:
        case pattern.Text(text):
            return _made("Literal", literal(text))
        case pattern.Chars():
            return _made("Character", data(pattern.ranges(node)))
        case pattern.Concat(items):
            return _made("Sequence", group(_terminal(item) for item in items))
        case pattern.AnyOf(options):
            return _made("Alternatives", group(_terminal(option) for option in options))
        case pattern.Repeat(item, low, high):
            return _made("Repeat", _terminal(item), str(low), str(high))
    return _made("Sequence", "()")
