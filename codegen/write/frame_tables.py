"""Tables of frames, that is of messages and open headers: pattern, enclosing tokens and states of each."""

from __future__ import annotations

from itertools import count

from ..model.format_model import Format
from ..model.frame_graph import FrameEdge, framing, graph, is_content
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import RuleCall, Special, Text
from .framing_code import constant, writer_name
from .source_text import Block, PythonCode, Writer, arguments, call, data, group, literal, mapping

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
        case Text():
            return "_NEXT_TEXT"
    return f"_NEXT_{edge.field}"


def emit_atoms(format: Format, names: AtomNames, writer: Writer) -> None:
    for edge, name in names.items():
        writer.block(_atom(format, edge), prefix=f"{name} = ")
    writer.space()


def _atom(format: Format, edge: FrameEdge) -> Block:
    match edge:
        case Special(_, spelling):
            return call("runtime.Atom", literal(spelling), *arguments(special=spelling))
        case Text(text):
            return call("runtime.Atom", literal(repr(text)), *arguments(text=text))
    values: dict[str, object] = {"pattern": PythonCode(constant(edge.terminal))}
    values |= {"values": listed} if (listed := format.terminals[edge.terminal].values) else {}
    values |= {"nullable": format.content_may_be_empty} if is_content(edge) else {}
    return call("runtime.Atom", literal(edge.field), *arguments(**values))


def emit_frame(format: Format, name: str, names: AtomNames, writer: Writer) -> None:
    made = graph(format, name)
    around = framing(made)
    free = pattern.is_free(format.content_terminal.pattern) and format.content_may_be_empty
    node = RuleCall(name)
    has_content = format.has_content(node)

    def spellings(tokens: frozenset[str]) -> tuple[str, ...]:
        return tuple(sorted(tokens, key=format.vocabulary.special.__getitem__))

    enclosing = {key: spellings(each) if isinstance(each, frozenset) else each for key, each in vars(around).items()}
    enclosing.pop("touched")
    block = call(
        "runtime.Frame",
        *arguments(
            name=name,
            pattern=PythonCode(constant(name)),
            fields=tuple(format.fields_of(node)),
            has_content=has_content,
            **enclosing,
            bare=has_content and free and not around.touched,
            steps=tuple(tuple((PythonCode(names[edge]), target) for edge, target in row) for row in made.steps),
            final=PythonCode(f"frozenset({{{', '.join(map(str, sorted(made.final)))}}})"),
            write=PythonCode(writer_name(name)),
            algebra=PythonCode(f"lambda: _algebra()[{literal(name)}]"),
        ),
    )
    writer.assign(frame_name(name), block, above=format.rules[name].source)


def frame_name(name: str) -> str:
    return f"_FRAME_{name}"


def emit_starts(format: Format, writer: Writer) -> None:
    starts: dict[str, str | Block] = {}
    for start in format.starts:
        steps = ((name, tuple((PythonCode(frame_name(s.frame)), s.times) for s in path)) for name, path in start.paths)
        starts[literal(start.name)] = group(call("runtime.Path", *map(data, path)) for path in steps)
    writer.assign("_STARTS", mapping(starts), above="\n".join(start.rule.source for start in format.starts))
