"""Rules of framing in both directions: a regular expression that reads, and a function that writes.

Both work on texts in which special tokens are surrogates.
"""

from __future__ import annotations

from itertools import groupby

from ..model.format_model import CONTENT_FIELD, Format
from ..model.rule_nodes import (
    Branch,
    GrammarNode,
    RuleCall,
    RuleChoice,
    RuleList,
    RuleMark,
    RuleOption,
    RuleSequence,
    RuleValue,
    called,
    parts,
    walk,
)
from ..model.terminals import FixedText, Special, is_terminal
from ..read import regular_expressions as pattern
from .source_text import PythonCode, Writer, call, literal, mapping, raw

FIRST_MARKER = 0xD800


def markers(format: Format) -> dict[str, str]:
    """The surrogate for each special token of the grammar, by spelling."""
    return {special.spelling: chr(FIRST_MARKER + index) for index, special in enumerate(format.specials)}


def constant(name: str) -> str:
    """The name of the constant for a rule or terminal."""
    return f"_TERMINAL_{name}" if is_terminal(name) else f"_RULE_{name}"


def emit_patterns(format: Format, writer: Writer) -> None:
    for terminal in format.terminals.values():
        writer.assign(constant(terminal.name), raw(pattern.expression(terminal.pattern)), above=terminal.source)
    for name in ordered(format):
        writer.comment(format.rules[name].source)
        terms: list[str] = []
        for is_constant, group in groupby(_rule_pieces(format, name), lambda piece: isinstance(piece, PythonCode)):
            pieces = list(group)
            terms += pieces if is_constant else [raw("".join(pieces))]
        writer.chain(terms, "+", f"{constant(name)} = ")
        writer.space()


def ordered(format: Format) -> list[str]:
    """The rules, each after the ones that it uses."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for used in called(format.rules[name].node):
            visit(used)
        found.setdefault(name)

    for name in format.rules:
        visit(name)
    return list(found)


def _rule_pieces(format: Format, name: str) -> list[str]:
    """The regular expression of a rule in pieces; those of code are constants for others."""
    if name != CONTENT_FIELD:
        return _pieces(format, format.rules[name].node)
    optional = "?" if format.content_may_be_empty else ""
    if pattern.is_free(format.content_terminal.pattern):
        return [f"(?P<{CONTENT_FIELD}>[^{pattern.SURROGATE_CLASS}]{'*' if optional else '+'})"]
    return [f"(?P<{CONTENT_FIELD}>(?:{pattern.expression(format.content_terminal.pattern)}){optional})"]


def _pieces(format: Format, node: GrammarNode) -> list[str]:
    match node:
        case Special(_, spelling):
            return [f"\\u{ord(markers(format)[spelling]):04x}"]
        case FixedText(text):
            return [pattern.escape(text)]
        case RuleValue(field, terminal):
            return [f"(?P<{field}>", PythonCode(constant(terminal)), ")"]
        case RuleMark(field, item):
            return [_named(field), *_pieces(format, item), ")"]
        case RuleOption(item):
            return ["(?:", *_pieces(format, item), ")?"]
        case RuleSequence(items):
            return [piece for item in items for piece in _pieces(format, item)]
        case RuleCall(rule):
            return [PythonCode(constant(rule))]
        case RuleChoice(_, branches):
            pieces: list[str] = []
            for index, branch in enumerate(branches):
                pieces += ["|" if index else "(?:", *_pieces(format, branch.node)]
                if branch.name is not None:
                    field, value = branch.sets[0] if branch.sets else ("", branch.name)
                    pieces.append(f"{_named(field, value)})")
            return [*pieces, ")"]
        case RuleList():
            raise AssertionError("a message holds no list")


def _named(field: str, value: str = "") -> str:
    """The name of a group of a pattern: `Frame` in `harmony_spec/format/frames.py` reads it."""
    return f"(?P<{field}_IS_{value}>"


def writer_name(rule: str) -> str:
    return f"_write_{rule}"


def emit_writers(format: Format, writer: Writer) -> None:
    for name in ordered(format):
        if name == CONTENT_FIELD or not _needed(format, name):
            continue
        node, parameters = format.rules[name].node, ["m: Message", "chosen: runtime.Chosen"]
        with writer.function(writer_name(name), parameters, "str", above=format.rules[name].source):
            if isinstance(node, RuleChoice):
                _choice(format, name, node, writer)
            else:
                _body(format, node, writer)


def _needed(format: Format, name: str) -> bool:
    """Constants need no function: they are written in place."""
    node = format.rules[name].node
    return name in format.frames or not isinstance(node, (Special, FixedText))


def _choice(format: Format, name: str, node: RuleChoice, writer: Writer) -> None:
    conditions = [_fits(format, node, branch) for branch in node.branches]
    tests = ["True"] * len(conditions)
    if any(conditions):
        tests = [f"fits_{index}" for index in range(len(conditions))]
        for test, terms in zip(tests, conditions, strict=True):
            writer.chain(terms or ["True"], "and", f"{test} = ")
    fitting = mapping({literal(b.name or ""): test for b, test in zip(node.branches, tests, strict=True)})
    writer.block(call("runtime.pick", literal(name), "chosen", fitting), prefix="branch = ")
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
    terms += [_is_set(format, field, branch.node) for field in own if field in required and field != CONTENT_FIELD]
    for other in format.fields_of(node):
        if other not in own and other not in sets and other != CONTENT_FIELD:
            terms.append(f"not m.{other}" if _flag(format, other) else f"m.{other} is None")
    return terms


def _flag(format: Format, field: str) -> bool:
    return any(f.name == field and f.flag for f in format.fields)


def _is_set(format: Format, field: str, node: GrammarNode) -> str:
    """The condition that a field has a value that this node can write."""
    if _flag(format, field):
        return f"m.{field}"
    values = _listed(format, field, node)
    if values:
        return f"m.{field} in ({', '.join(map(literal, values))}{',' * (len(values) == 1)})"
    return f"m.{field} is not None"


def _listed(format: Format, field: str, node: GrammarNode) -> list[str]:
    """The values that a node lists for an enumerated field."""
    found: list[str] = []
    for part in walk(node):
        match part:
            case RuleValue(name, terminal) if name == field:
                found += format.terminals[terminal].values or ()
            case RuleChoice(_, branches):
                found += [value for branch in branches for name, value in branch.sets if name == field]
            case RuleCall():
                found += _listed(format, field, format.resolve(part))
    return found


def _body(format: Format, node: GrammarNode, writer: Writer) -> None:
    """Write statements that build the text of a node and return it."""
    terms: list[str] = []
    started = False
    for item in parts(node):
        if not isinstance(item, RuleOption):
            terms += _terms(format, item)
            continue
        writer.chain(terms or ['""'], "+", "text += " if started else "text = ") if terms or not started else None
        started, terms = True, []
        writer.chain(_present(format, item.item), "and", "if ", ":")
        with writer.body():
            writer.chain(_terms(format, item.item), "+", "text += ")
    if started and not terms:
        writer.line("return text")
    else:
        writer.chain((["text"] if started else []) + (terms or ['""'] * (not started)), "+", "return ")


def _present(format: Format, node: GrammarNode) -> list[str]:
    """The condition for an optional part: all fields that it requires are set. `prove` sees to it that there is one."""
    required = format.always_set(node)
    return [_is_set(format, field, node) for field in format.fields_of(node) if field in required]


def _terms(format: Format, node: GrammarNode) -> list[str]:
    """Expressions whose texts joined are the text of a node."""
    match node:
        case Special(_, spelling):
            return [literal(markers(format)[spelling])]
        case FixedText(text):
            return [literal(text)] if text else []
        case RuleValue(field):
            return [
                f"m.{field}"
                if any(f.name == field and f.required and not f.values for f in format.fields)
                else f"str(m.{field})"
            ]
        case RuleMark(_, item):
            return _terms(format, item)
        case RuleOption(item):
            inner = " + ".join(_terms(format, item))
            return [f'({inner} if {" and ".join(_present(format, item))} else "")']
        case RuleSequence(items):
            return [term for item in items for term in _terms(format, item)]
        case RuleCall(rule) if rule == CONTENT_FIELD:
            return ["runtime.HOLE"]
        case RuleCall(rule):
            inner_node = format.rules[rule].node
            if isinstance(inner_node, (Special, FixedText)) and rule not in format.frames:
                return _terms(format, inner_node)
            return [f"{writer_name(rule)}(m, chosen)"]
        case RuleChoice() | RuleList():
            raise AssertionError("a choice is a rule of its own, and a message holds no list")
