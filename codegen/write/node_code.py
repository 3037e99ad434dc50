"""The code of each kind of node of framing: what reads it, what writes it, and its algebra, side by side.

Patterns and writers work on texts in which special tokens are surrogates.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.format_model import CONTENT_FIELD, Format
from ..model.terminals import is_terminal
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import (
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleMark,
    RuleValue,
    Special,
    Text,
)
from .source_text import Block, PythonCode, call, data, group, literal

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
            is_text = any(f.name == field and f.required and not f.values for f in format.fields)
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
    if is_flag(format, field):
        return f"m.{field}"
    values, known = _listed(format, field, node), next(f.values for f in format.fields if f.name == field)
    if values and {*values} != {*(known or ())}:
        return f"m.{field} in ({', '.join(map(literal, values))}{',' * (len(values) == 1)})"
    return f"m.{field} is not None"


def is_flag(format: Format, field: str) -> bool:
    return any(f.name == field and f.flag for f in format.fields)


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
