"""Tables of frames, that is of messages and open headers: pattern, enclosing tokens and states of each."""

from __future__ import annotations

from itertools import count

from ..model.format_model import CONTENT_FIELD, Format
from ..model.frame_graph import FrameEdge, Graph, content_value, framing, graph, is_content
from ..model.rule_nodes import RuleCall, RuleOption
from ..model.terminals import FixedText, Special
from ..read import regular_expressions as pattern
from .framing_code import constant, writer_name
from .source_text import Block, Writer, call, group, literal

AtomNames = dict[FrameEdge, str]
"""The constant for each token or text that may come next."""


def atom_names(format: Format) -> AtomNames:
    """Name each edge of the frames; a number makes a name unique."""
    names: AtomNames = {}
    for frame in format.frames:
        for _, edge, _ in graph(format, frame).edges():
            if edge not in names:
                name = _atom_name(edge)
                numbered = (f"{name}_{number}" if number else name for number in count())
                names[edge] = next(unused for unused in numbered if unused not in names.values())
    return names


def _atom_name(edge: FrameEdge) -> str:
    match edge:
        case Special(terminal):
            return f"_NEXT_{terminal}" if terminal.isidentifier() else "_NEXT_TOKEN"
        case FixedText():
            return "_NEXT_TEXT"
    return f"_NEXT_{edge.field}"


def emit_atoms(format: Format, names: AtomNames, writer: Writer) -> None:
    for edge, name in names.items():
        writer.block(_atom(format, edge), prefix=f"{name} = ")
    writer.line()


def _atom(format: Format, edge: FrameEdge) -> Block:
    match edge:
        case Special(_, spelling):
            return call("runtime.Atom", literal(spelling), f"special={literal(spelling)}")
        case FixedText(text):
            return call("runtime.Atom", literal(repr(text)), f"text={literal(text)}")
    terminal = format.terminals[edge.terminal]
    arguments: list[str | Block] = [literal(edge.field), f"pattern={constant(edge.terminal)}"]
    if terminal.values:
        arguments.append(group(map(literal, terminal.values)).prefixed("values="))
    if is_content(edge):
        arguments.append(f"nullable={nullable_content(format)}")
    return call("runtime.Atom", *arguments)


def nullable_content(format: Format) -> bool:
    return isinstance(format.rules[CONTENT_FIELD].node, RuleOption)


def emit_frame(format: Format, name: str, names: AtomNames, writer: Writer) -> None:
    made = graph(format, name)
    around = framing(made)
    free = pattern.is_free(format.terminals[content_value(format).terminal].pattern) and nullable_content(format)
    node = RuleCall(name)
    has_content = format.has_content(node)

    def spellings(tokens: frozenset[str]) -> Block:
        return group(literal(s) for s in sorted(tokens, key=format.vocabulary.special.__getitem__))

    block = call(
        "runtime.Frame",
        f"name={literal(name)}",
        f"pattern={constant(name)}",
        group(map(literal, format.fields_of(node))).prefixed("fields="),
        f"has_content={has_content}",
        spellings(around.inside).prefixed("inside="),
        spellings(around.opens).prefixed("opens="),
        f"headless={around.headless}",
        spellings(around.continues).prefixed("continues="),
        spellings(around.closes).prefixed("closes="),
        spellings(around.trails).prefixed("trails="),
        f"closed={around.closed}",
        f"bare={has_content and free and not around.touched}",
        f"ends_with_text={around.ends_with_text}",
        _steps(names, made).prefixed("steps="),
        f"final=frozenset({{{', '.join(map(str, sorted(made.final)))}}})",
        f"write={writer_name(name)}",
        f"algebra=lambda: _algebra()[{literal(name)}]",
    )
    writer.comment(format.rules[name].source)
    writer.block(block, prefix=f"{frame_name(name)} = ")


def frame_name(name: str) -> str:
    return f"_FRAME_{name}"


def _steps(names: AtomNames, made: Graph) -> Block:
    return group(group(f"({names[edge]}, {target})" for edge, target in row) for row in made.steps)


def emit_starts(format: Format, writer: Writer) -> None:
    entries: list[str | Block] = []
    for start in format.starts:
        paths = []
        for name, steps in start.paths:
            listed = group(f"({frame_name(step.frame)}, {literal(step.times)})" for step in steps)
            paths.append(call("runtime.Path", "None" if name is None else literal(name), listed))
        entries.append(group(paths).prefixed(f"{literal(start.name)}: "))
    for start in format.starts:
        writer.comment(start.rule.source)
    writer.block(Block("{", tuple(entries), "}"), prefix="_STARTS = ")
