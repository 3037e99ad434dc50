"""The codec module from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.content_types import class_name, tools_name, user_rules
from ..model.format_model import AS_PARSED, CONTENT_FIELD, Format
from ..model.frame_graph import framing, graph
from ..model.recovery_tables import closes
from ..model.terminals import Terminal
from ..read.data_files import Choose, VocabularyFile, common_ends
from ..read.regular_expressions import any_of, is_free
from .algebra_tables import emit_algebra
from .content_table import emit_contents, emit_tools
from .definition_tables import emit_definitions
from .frame_tables import atom_names, emit_atoms, emit_frame, emit_starts
from .framing_code import constant, emit_patterns, emit_writers, markers
from .json_functions import emit_json
from .library_source import api_version
from .message_types import emit_message
from .public_functions import PUBLIC_FUNCTIONS, emit_functions
from .recovery_code import emit_recovery
from .source_text import Block, Writer, call, data, group, literal, mapping, raw


def emit(format: Format) -> str:
    """Return the source text of the codec of a format."""
    writer = Writer()
    _head(format, writer)
    _vocabulary(format, writer)
    emit_message(format, writer)
    writer.line()
    writer.line()
    writer.comment("Patterns. Surrogates stand for special tokens, so text never matches one.")
    writer.line()
    for spelling, marker in markers(format).items():
        writer.comment(f"\\u{ord(marker):04x} {spelling}")
    writer.line()
    emit_patterns(format, writer)
    writer.line()
    writer.comment("Writers: the same rules from the other side.")
    emit_writers(format, writer)
    writer.line()
    writer.line()
    writer.comment("Algebra: the same rules for engines that constrain a model.")
    emit_algebra(format, writer)
    writer.comment("States: what may come next.")
    writer.line()
    names = atom_names(format)
    emit_atoms(format, names, writer)
    for name in format.frames:
        emit_frame(format, name, names, writer)
        writer.line()
    emit_starts(format, writer)
    if format.contents.roles:
        emit_definitions(format, writer)
        emit_contents(format, writer)
    emit_recovery(format, writer)
    writer.line()
    _format(format, writer)
    emit_functions(format, writer)
    emit_tools(format, writer)
    emit_json(format, writer)
    return writer.text()


def _head(format: Format, writer: Writer) -> None:
    exported = ["Message", "SPECIAL_TOKENS", "STOP_TOKENS", *(function.name for function in PUBLIC_FUNCTIONS)]
    exported += ["EXAMPLE"] if format.example else []
    exported += ["StreamParser", "recover", "validate"] if format.recovery is not None else []
    exported += [field.type_name for field in format.fields if field.values]
    exported += [drop.name for drop in format.drops]
    exported += [tools_name(file) for file in format.tools]
    exported += [class_name(format.contents, rule) for rule in user_rules(format.contents)]
    exported += ["CONVERSATION_SCHEMA", "from_json", "to_json"]
    writer.docstring(
        [
            f"The codec of {format.lark}: message type, strict parser, renderer.",
            "",
            f"Generated from {', '.join(format.files)} by `harmony-spec generate`. Do not edit; edit the grammar.",
        ]
    )
    writer.line()
    emit_imports(format, writer)
    writer.line()
    writer.line(f"runtime.require_api{api_version()}")
    writer.line()
    writer.block(Block("[", tuple(literal(name) for name in _sorted(exported)), "]"), prefix="__all__ = ")
    writer.line()


def emit_imports(format: Format, writer: Writer) -> None:
    writer.line("from __future__ import annotations")
    writer.line()
    writer.line("from collections.abc import Callable, Iterable, Sequence")
    writer.line("from dataclasses import dataclass, field")
    writer.line("from functools import cache")
    writer.line("from typing import TYPE_CHECKING, Any, Literal")
    writer.line()
    writer.line("from harmony_spec import runtime")


def _sorted(names: list[str]) -> list[str]:
    """Constants, then classes, then the rest, as ruff sorts `__all__`."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def _vocabulary(format: Format, writer: Writer) -> None:
    _special_tokens(format.vocabulary, writer)
    writer.line()
    _encoding(format.vocabulary, writer)
    writer.line()
    _stop_tokens(format, writer)
    if format.example:
        writer.line()
        writer.line(f"EXAMPLE = {literal(format.example)}")
        writer.line('"""A transcript to try things on."""')


def _special_tokens(vocabulary: VocabularyFile, writer: Writer) -> None:
    """Write special tokens with names one by one, and reserved ones as a range."""
    if vocabulary.reserved is None:
        _token_ids("SPECIAL_TOKENS: dict[str, int]", vocabulary.special, writer)
    else:
        template, first, last = vocabulary.reserved
        reserved = {template.replace("{id}", str(number)) for number in range(first, last + 1)}
        _token_ids("_NAMED", {s: n for s, n in vocabulary.special.items() if s not in reserved}, writer)
        writer.line()
        writer.line(f"_RESERVED = sorted({{*range({first}, {last + 1})}} - {{*_NAMED.values()}})")
        before, after = template.split("{id}", 1)
        spelling = f"{literal(before)} + str(number) + {literal(after)}"
        made = f"{{{spelling}: number for number in _RESERVED}}"
        writer.line(f"SPECIAL_TOKENS: dict[str, int] = _NAMED | {made}")
    writer.line('"""Special tokens and their ids."""')


def _token_ids(name: str, ids: Mapping[str, int], writer: Writer) -> None:
    writer.line(f"{name} = {{")
    for spelling, number in ids.items():
        writer.line(f"    {literal(spelling)}: {number},")
    writer.line("}")


def _encoding(vocabulary: VocabularyFile, writer: Writer) -> None:
    base = vocabulary.base or {"name": None, "size": vocabulary.size, "sha256": None, "split": ()}
    block = call(
        "runtime.Encoding",
        f"name={literal(vocabulary.encoding)}",
        f"size={vocabulary.size}",
        f"base={literal(base['name']) if base['name'] else None}",
        f"base_size={base['size']}",
        f"sha256={literal(base['sha256']) if base['sha256'] else None}",
        group(map(literal, base["split"])).prefixed("split="),
        "special=SPECIAL_TOKENS",
        *(["unassigned=frozenset(_RESERVED)"] if vocabulary.reserved else []),
    )
    writer.block(block, prefix="_ENCODING = ")


def _stop_tokens(format: Format, writer: Writer) -> None:
    ids, message = format.vocabulary.special, framing(graph(format, format.message))
    last = {kind.name: kind.last for kind in format.turn}
    stops = {"message": message.closes}
    for name, kinds in format.stops.items():
        ends = {last[kind] for kind in kinds}
        stops[name] = frozenset(spelling for spelling, end in closes(format).items() if end in ends)
    entries = {
        literal(name): group(str(i) for i in sorted(ids[s] for s in spellings)) for name, spellings in stops.items()
    }
    writer.block(mapping(entries), prefix="STOP_TOKENS: dict[str, tuple[int, ...]] = ")
    doc = "The ids of the special tokens that end a message; under other names, those at which sampling stops."
    writer.line(f'"""{doc}"""')


def _choices(choices: tuple[Choose, ...]) -> Block:
    return group(call("runtime.Choose", literal(choose.alternative), data(choose.when.fields)) for choose in choices)


def _turn(format: Format) -> Block:
    """The kinds of messages."""
    return group(
        call(
            "runtime.Kind",
            literal(kind.name),
            data(kind.when.fields),
            data(kind.has.fields),
            data(kind.ends),
            data(kind.last),
            data(kind.then),
        )
        for kind in format.turn
    )


def _drops(format: Format) -> Block:
    """By function, the conditions of the messages that are dropped, and of those that complete a turn."""
    whens = {kind.name: kind.when for kind in format.turn}
    drops = {
        literal(drop.name): call("runtime.Drop", data(drop.dropped.fields), data(whens[drop.completes].fields))
        for drop in format.drops
    }
    return mapping(drops)


def _format(format: Format, writer: Writer) -> None:
    names = [field.name for field in format.fields]
    defaults = {literal(f.name): "False" if f.flag else "None" for f in format.fields if f.name != CONTENT_FIELD}
    block = call(
        "runtime.Format",
        "encoding=_ENCODING",
        f"special_text={raw(any_of(sorted(format.vocabulary.special)))}",
        group(map(literal, common_ends(format.vocabulary.special))).prefixed("special_ends="),
        mapping({literal(s): literal(m) for s, m in markers(format).items()}).prefixed("markers="),
        "message=Message",
        group(map(literal, names)).prefixed("fields="),
        f"content_at={names.index(CONTENT_FIELD)}",
        f"contents={'_CONTENTS' if format.contents.roles else 'runtime.NO_CONTENTS'}",
        mapping(defaults).prefixed("defaults="),
        mapping(dict(_field_patterns(format))).prefixed("patterns="),
        "starts=_STARTS",
        mapping({literal(s.name): _choices(s.choose) for s in format.styles}).prefixed("styles="),
        f"default_style={literal(format.default_style)}",
        f"as_parsed={literal(AS_PARSED)}",
        _choices(format.always).prefixed("always="),
        _choices(format.training).prefixed("training="),
        *[group(data(item) for item in format.opening.items()).prefixed("opening=")] * bool(format.opening),
        *[_drops(format).prefixed("drops=")] * bool(format.drops),
        *[_turn(format).prefixed("turn=")] * bool(format.turn),
        *["definitions=_DEFINITIONS"] * bool(format.definitions),
        *["recovery=_RECOVERY"] * (format.recovery is not None),
    )
    writer.block(block, prefix="FORMAT = ")
    writer.line('"""The tables of this format."""')


def _field_patterns(format: Format) -> list[tuple[str, Block]]:
    """For each field whose text fits one pattern: the pattern, and its source in the grammar."""
    found = []
    for field in format.fields:
        terminals = format.terminals_of(field.name)
        if len(terminals) != 1 or field.values is not None:
            continue
        terminal = format.terminals[terminals[0]]
        if not is_free(terminal.pattern):
            found.append((literal(field.name), group([constant(terminal.name), literal(_one_line(terminal))])))
    return found


def _one_line(terminal: Terminal) -> str:
    return " ".join(terminal.source.split())
