"""The tables that the recovering parser runs on."""

from __future__ import annotations

from ..model.format_model import Format
from ..model.frame_graph import framing, graph
from ..model.recovery_tables import (
    CHANNELED,
    begins,
    closes,
    default_channels,
    first_words,
    free_texts,
    headings,
    leads,
    library_diagnostics,
    value_of,
)
from ..model.terminals import Terminal
from ..read import regular_expressions as pattern
from .catalogue_files import code
from .content_table import name_terminal, terminal_pattern
from .source_text import PythonCode, Writer, arguments, call, data, literal, mapping, raw


def emit_recovery(format: Format, writer: Writer) -> None:
    if (recovery := format.recovery) is None:
        return
    role, message, library = recovery.slots["role"], graph(format, format.message), library_diagnostics()
    enclosing, first, ids = framing(message), str(begins(format)), format.vocabulary.special
    last, stops = {kind.name: kind.last for kind in format.turn}, closes(format)
    model = (kind.name for kind in format.turn if value_of(format, kind.name, "role") == format.opening.get(role))
    recipients = dict.fromkeys(value_of(format, kind, "recipient") for kind in model)
    named = name_terminal(format)
    table = arguments(
        begins=first,
        inside=tuple(sorted(enclosing.inside - {first}, key=ids.__getitem__)),
        opens=tuple(sorted(enclosing.opens, key=ids.__getitem__)),
        closes=stops,
        leads=leads(format),
        free_texts=free_texts(format),
        first_words=first_words(format),
        slots=call("runtime.Slots", *arguments(**recovery.slots)),
        author={name: str(value) for name, value in format.opening.items()},
        tool=value_of(format, "result", "role"),
        roles=_roles(format, role),
        recipients=tuple(filter(None, recipients)),
        channels=tuple(dict.fromkeys(_channels(format))),
        content_types=recovery.content_types,
        json=recovery.json,
        word=PythonCode(_word(named) if named else literal(r"\S+")),
        definitions=PythonCode("_DEFINITIONS" if format.definitions else "runtime.NO_DEFINITIONS"),
        separator=recovery.separator,
        answers=value_of(format, "answer", "channel"),
        thoughts=value_of(format, "thoughts", "channel"),
        calls=value_of(format, "call", "channel"),
        ends_calls=last.get("call") or "",
        ends_answers=last.get("answer") or "",
        stops=tuple(sorted({ids[token] for token, name in stops.items() if name and name in last.values()})),
        **{f"declared_{key}": paths for key, paths in recovery.declared.items()},
        headings=headings(format),
        sets=mapping({str(state): data(sets) for state, sets in message.sets.items()}),
        costs=recovery.costs,
        fields={name: call("runtime.FieldCosts", *map(data, row)) for name, row in recovery.fields.items()},
        edits=recovery.edits,
        own_codes=tuple(code(name, row, "runtime.Code") for name, row in recovery.codes.items() if name not in library),
    )
    writer.assign("_RECOVERY", call("runtime.Recovery", *table))


def _roles(format: Format, field: str) -> tuple[str, ...]:
    """All roles, that of tools only if it is listed: else the name of a tool implies it."""
    roles = format.fields[field].values or ()
    listed = [value for name in format.terminals_of(field) for value in format.terminals[name].values or ()]
    return tuple(role for role in roles if role != value_of(format, "result", "role") or role in listed)


def _word(named: Terminal) -> str:
    """The pattern of a name in a header: what follows it there is not what follows it in contents."""
    alone = pattern.expression(named.pattern, lookaheads=False)
    return terminal_pattern(named.name) if alone == pattern.expression(named.pattern) else raw(alone)


def _channels(format: Format) -> list[str]:
    """The known channels: those with a purpose, and those that contents declare by default."""
    purposes = [value_of(format, kind, "channel") for kind in CHANNELED]
    return purposes + [name for names in default_channels(format).values() for name in names]
