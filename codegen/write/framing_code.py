"""Rules as regular expressions in the mixed alphabet: a constant per terminal and rule, and what groups mean."""

from __future__ import annotations

from ..model.format_model import CONTENT, Call, Choice, Format, Mark, Node, Option, Sequence, Value
from ..model.frame_graph import content_value
from ..model.framing_rules import MISTAKE
from ..model.terminals import Literal, Special, is_terminal
from ..read import regular_expressions as pattern
from .source_text import Block, Writer, call, literal, raw

FIRST_MARKER = 0xD800

Piece = tuple[str, str]
"""("text", regular expression) or ("name", constant that holds one)."""


def markers(format: Format) -> dict[str, str]:
    """The surrogate that stands for each special token of the grammar, by spelling."""
    return {special.spelling: chr(FIRST_MARKER + index) for index, special in enumerate(format.specials)}


def constant(name: str) -> str:
    """The name of the constant for a rule or terminal; different for different names."""
    return f"_TERMINAL_{name}" if is_terminal(name) else f"_RULE_{name}"


def emit_patterns(format: Format, writer: Writer) -> None:
    for terminal in format.terminals.values():
        writer.comment(terminal.source)
        writer.line(f"{constant(terminal.name)} = {raw(pattern.expression(terminal.pattern))}")
        writer.line()
    for name in ordered(format):
        writer.comment(format.rules[name].source)
        _emit_rule(name, _rule_pieces(format, name), writer)
    for name, rule in format.recovery.mistakes.items() if format.recovery else ():
        writer.comment(rule.source)
        _emit_rule(MISTAKE + name, _pieces(format, rule.node), writer)


def _emit_rule(name: str, unmerged: list[Piece], writer: Writer) -> None:
    pieces = _merged(unmerged)
    writer.chain([text if kind == "name" else raw(text) for kind, text in pieces], "+", f"{constant(name)} = ")
    writer.line()


def ordered(format: Format) -> list[str]:
    """Rules, each after those it uses."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for used in _calls(format.rules[name].node):
            visit(used)
        found.setdefault(name)

    for name in format.rules:
        visit(name)
    return list(found)


def _calls(node: Node) -> list[str]:
    match node:
        case Call(rule):
            return [rule]
        case Option(item) | Mark(_, item):
            return _calls(item)
        case Sequence(items):
            return [name for item in items for name in _calls(item)]
        case Choice(_, branches):
            return [name for branch in branches for name in _calls(branch.node)]
    return []


def _rule_pieces(format: Format, name: str) -> list[Piece]:
    if name != CONTENT:
        return _pieces(format, format.rules[name].node)
    terminal = format.terminals[content_value(format).terminal]
    optional = "?" if isinstance(format.rules[CONTENT].node, Option) else ""
    if pattern.is_free(terminal.pattern):
        return [("text", f"([^{pattern.SURROGATES}]{'*' if optional else '+'})")]
    return [("text", f"((?:{pattern.expression(terminal.pattern)}){optional})")]


def _pieces(format: Format, node: Node) -> list[Piece]:
    match node:
        case Special(_, spelling):
            return [("text", f"\\u{ord(markers(format)[spelling]):04x}")]
        case Literal(text):
            return [("text", pattern.escape(text))]
        case Value(_, terminal):
            return [("text", "("), ("name", constant(terminal)), ("text", ")")]
        case Mark(_, item):
            return [("text", "("), *_pieces(format, item), ("text", ")")]
        case Option(item):
            return [("text", "(?:"), *_pieces(format, item), ("text", ")?")]
        case Sequence(items):
            return [piece for item in items for piece in _pieces(format, item)]
        case Call(rule):
            return [("name", constant(rule))]
        case Choice(_, branches):
            pieces: list[Piece] = []
            for index, branch in enumerate(branches):
                pieces += [("text", "|" if index else "(?:"), *_pieces(format, branch.node)]
                pieces += [("text", "()")] * (branch.name is not None)
            return [*pieces, ("text", ")")]


def _merged(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for kind, text in pieces:
        if kind == "text" and merged and merged[-1][0] == "text":
            merged[-1] = ("text", merged[-1][1] + text)
        else:
            merged.append((kind, text))
    return merged


def groups(format: Format, node: Node) -> list[str | Block]:
    """What each group of a node's pattern means, in the order of their numbers."""
    match node:
        case Value(field):
            return [call("runtime.Group", literal(field))]
        case Mark(field, item):
            return [call("runtime.Group", literal(field), "True"), *groups(format, item)]
        case Option(item):
            return groups(format, item)
        case Sequence(items):
            return [found for item in items for found in groups(format, item)]
        case Call(rule) if rule == CONTENT:
            return [call("runtime.Group", literal(CONTENT))]
        case Call():
            return groups(format, format.resolve(node))
        case Choice(_, branches):
            found: list[str | Block] = []
            for branch in branches:
                found += groups(format, branch.node)
                if branch.name is not None:
                    found.append(_alternative(branch.name, branch.sets))
            return found
    return []


def _alternative(name: str, sets: tuple[tuple[str, str], ...]) -> Block:
    if sets:
        field, value = sets[0]
        return call("runtime.Group", literal(field), literal(value))
    return call("runtime.Group", "None", literal(name))
