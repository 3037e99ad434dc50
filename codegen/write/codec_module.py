"""The codec module from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.content_grammar import tools_name
from ..model.format_model import AS_PARSED, CONTENT_FIELD, Format
from ..model.frame_graph import framing, graph
from ..model.recovery_tables import closes
from ..read.data_files import VocabularyFile, common_ends
from ..read.regular_expressions import any_of, is_free
from .content_table import emit_contents, emit_definitions, emit_tools
from .frame_tables import atom_names, emit_atoms, emit_frame, emit_starts
from .framing_code import constant, emit_algebra, emit_patterns, emit_writers, markers
from .library_source import api_version
from .message_types import emit_message
from .public_functions import PUBLIC_FUNCTIONS, emit_functions, emit_json
from .recovery_code import emit_recovery
from .source_text import Block, PythonCode, Writer, arguments, call, data, literal, mapping, raw


def emit(format: Format) -> str:
    """Return the source text of the codec of a format."""
    writer = Writer()
    _head(format, writer)
    _special_tokens(format.vocabulary, writer)
    _encoding(format.vocabulary, writer)
    _stop_tokens(format, writer)
    if format.example:
        writer.assign("EXAMPLE", literal(format.example), doc="A transcript to try things on.")
    emit_message(format, writer)
    writer.heading("Patterns. Surrogates stand for special tokens, so text never matches one.")
    for spelling, marker in markers(format).items():
        writer.comment(f"\\u{ord(marker):04x} {spelling}")
    writer.space()
    emit_patterns(format, writer)
    writer.heading("Writers: the same rules from the other side.")
    emit_writers(format, writer)
    writer.heading("Algebra: the same rules for engines that constrain a model.")
    emit_algebra(format, writer)
    writer.heading("States: what may come next.")
    names = atom_names(format)
    emit_atoms(format, names, writer)
    for name in format.frames:
        emit_frame(format, name, names, writer)
    emit_starts(format, writer)
    if format.contents.roles:
        emit_definitions(format, writer)
        emit_contents(format, writer)
    emit_recovery(format, writer)
    _format(format, writer)
    emit_functions(format, writer)
    emit_tools(format, writer)
    emit_json(format, writer)
    return writer.text()


def _head(format: Format, writer: Writer) -> None:
    exported = ["Message", "SPECIAL_TOKENS", "STOP_TOKENS", *(function.name for function in PUBLIC_FUNCTIONS)]
    exported += ["EXAMPLE"] if format.example else []
    exported += ["StreamParser", "recover", "validate"] if format.recovery is not None else []
    exported += [field.type_name for field in format.fields.values() if field.values]
    exported += [drop.name for drop in format.drops]
    exported += [tools_name(file) for file in format.tools]
    exported += [format.contents.class_name(rule) for rule in format.contents.user_rules()]
    exported += ["CONVERSATION_SCHEMA", "from_json", "to_json"]
    writer.docstring(
        [
            f"The codec of {format.lark}: message type, strict parser, renderer.",
            "",
            f"Generated from {', '.join(format.files)} by `harmony-spec generate`. Do not edit; edit the grammar.",
        ]
    )
    writer.space()
    emit_imports(writer)
    writer.line(f"runtime.require_api{api_version()}")
    writer.space()
    exported.sort(key=lambda name: (not name.isupper(), not name[0].isupper(), name))  # as ruff sorts them
    writer.assign("__all__", Block("[", tuple(map(literal, exported)), "]"))


def emit_imports(writer: Writer) -> None:
    writer.line("from __future__ import annotations")
    writer.space()
    writer.line("from collections.abc import Callable, Iterable, Sequence")
    writer.line("from dataclasses import dataclass, field")
    writer.line("from functools import cache")
    writer.line("from typing import TYPE_CHECKING, Any, Literal")
    writer.space()
    writer.line("from harmony_spec import runtime")
    writer.space()


def _special_tokens(vocabulary: VocabularyFile, writer: Writer) -> None:
    """Write special tokens with names one by one, and reserved ones as a range."""
    if vocabulary.reserved is None:
        _token_ids("SPECIAL_TOKENS: dict[str, int]", vocabulary.special, writer)
    else:
        template, first, last = vocabulary.reserved
        reserved = {template.replace("{id}", str(number)) for number in range(first, last + 1)}
        _token_ids("_NAMED", {s: n for s, n in vocabulary.special.items() if s not in reserved}, writer)
        writer.space()
        writer.line(f"_RESERVED = sorted({{*range({first}, {last + 1})}} - {{*_NAMED.values()}})")
        before, after = template.split("{id}", 1)
        spelling = f"{literal(before)} + str(number) + {literal(after)}"
        made = f"{{{spelling}: number for number in _RESERVED}}"
        writer.line(f"SPECIAL_TOKENS: dict[str, int] = _NAMED | {made}")
    writer.line('"""Special tokens and their ids."""')
    writer.space()


def _token_ids(name: str, ids: Mapping[str, int], writer: Writer) -> None:
    with writer.body(f"{name} = {{", "}"):
        for spelling, number in ids.items():
            writer.line(f"{literal(spelling)}: {number},")


def _encoding(vocabulary: VocabularyFile, writer: Writer) -> None:
    base = vocabulary.base or {"name": None, "size": vocabulary.size, "sha256": None, "split": ()}
    values = {
        "name": vocabulary.encoding,
        "size": vocabulary.size,
        "base": base["name"],
        "base_size": base["size"],
        "sha256": base["sha256"],
        "split": tuple(base["split"]),
        "special": PythonCode("SPECIAL_TOKENS"),
    } | ({"unassigned": PythonCode("frozenset(_RESERVED)")} if vocabulary.reserved else {})
    writer.assign("_ENCODING", call("runtime.Encoding", *arguments(**values)))


def _stop_tokens(format: Format, writer: Writer) -> None:
    ids, message = format.vocabulary.special, framing(graph(format, format.message))
    last = {kind.name: kind.last for kind in format.turn}
    stops = {"message": message.closes}
    for name, kinds in format.stops.items():
        ends = {last[kind] for kind in kinds}
        stops[name] = frozenset(spelling for spelling, end in closes(format).items() if end in ends)
    entries = {literal(name): data(tuple(sorted(map(ids.__getitem__, each)))) for name, each in stops.items()}
    doc = "The ids of the special tokens that end a message; under other names, those at which sampling stops."
    writer.assign("STOP_TOKENS: dict[str, tuple[int, ...]]", mapping(entries), doc=doc)


def _drops(format: Format) -> dict[str, Block]:
    """By function, the conditions of the messages that are dropped, and of those that complete a turn."""
    whens = {kind.name: kind.when for kind in format.turn}
    return {drop.name: call("runtime.Drop", data(drop.dropped), data(whens[drop.completes])) for drop in format.drops}


def _format(format: Format, writer: Writer) -> None:
    fields = format.fields.values()
    values = {
        "encoding": PythonCode("_ENCODING"),
        "special_text": PythonCode(raw(any_of(sorted(format.vocabulary.special)))),
        "special_ends": common_ends(format.vocabulary.special),
        "markers": markers(format),
        "message": PythonCode("Message"),
        "fields": tuple(format.fields),
        "content_at": [*format.fields].index(CONTENT_FIELD),
        "contents": PythonCode("_CONTENTS" if format.contents.roles else "runtime.NO_CONTENTS"),
        "defaults": {each.name: False if each.flag else None for each in fields if each.name != CONTENT_FIELD},
        "patterns": dict(_field_patterns(format)),
        "starts": PythonCode("_STARTS"),
        "styles": format.styles,
        "default_style": format.default_style,
        "as_parsed": AS_PARSED,
        "always": format.always,
        "training": format.training,
    }
    optional = {"opening": tuple(format.opening.items()), "drops": _drops(format), "turn": format.turn}
    values |= {name: value for name, value in optional.items() if value}
    values |= {"definitions": PythonCode("_DEFINITIONS")} if format.definitions else {}
    values |= {"recovery": PythonCode("_RECOVERY")} if format.recovery is not None else {}
    writer.assign("FORMAT", call("runtime.Format", *arguments(**values)), doc="The tables of this format.")


def _field_patterns(format: Format) -> Iterator[tuple[str, tuple[PythonCode, str]]]:
    """For each field whose text fits one pattern: the pattern, and its source in the grammar."""
    for field in format.fields.values():
        terminals = format.terminals_of(field.name)
        if len(terminals) != 1 or field.values is not None:
            continue
        terminal = format.terminals[terminals[0]]
        if not is_free(terminal.pattern):
            yield field.name, (PythonCode(constant(terminal.name)), " ".join(terminal.source.split()))
