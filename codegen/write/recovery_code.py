"""The tables that the recovering parser runs on."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.format_model import Format, Recovery
from ..model.frame_graph import framing, graph
from ..model.recovery_tables import (
    CHANNELED,
    begins,
    closes,
    first_words,
    free_texts,
    headings,
    leads,
    library_diagnostics,
    value_of,
)
from ..model.terminals import Terminal
from ..read import regular_expressions as pattern
from .content_table import terminal_pattern
from .definition_tables import name_terminal
from .library_codes import code
from .source_text import Block, PythonCode, Writer, arguments, call, data, literal, mapping, raw

Arguments = Iterator[str | Block]


def emit_recovery(format: Format, writer: Writer) -> None:
    if (recovery := format.recovery) is None:
        return
    block = call(
        "runtime.Recovery",
        *_tokens(format),
        *_headers(format, recovery),
        *_authors(format, recovery),
        *_words(format, recovery),
        *_purposes(format),
        *_declared(format, recovery),
        *_costs(format, recovery),
    )
    writer.assign("_RECOVERY", block)


def _tokens(format: Format) -> Arguments:
    """The special tokens that frame messages."""
    enclosing, first, ids = framing(graph(format, format.message)), str(begins(format)), format.vocabulary.special
    inside, opens = (sorted(each, key=ids.__getitem__) for each in (enclosing.inside - {first}, enclosing.opens))
    return arguments(begins=first, inside=tuple(inside), opens=tuple(opens), closes=closes(format))


def _headers(format: Format, recovery: Recovery) -> Arguments:
    """The purpose of fields, the texts that introduce them, and their values in an opened header."""
    return arguments(
        leads=leads(format),
        free_texts=free_texts(format),
        first_words=first_words(format),
        slots=call("runtime.Slots", *arguments(**recovery.slots)),
        author={name: str(value) for name, value in format.opening.items()},
    )


def _authors(format: Format, recovery: Recovery) -> Arguments:
    """The roles by their purpose."""
    roles = next((f.values or () for f in format.fields if f.name == recovery.slots["role"]), ())
    tool = value_of(format, "result", "role")
    listed = [
        value for name in format.terminals_of(recovery.slots["role"]) for value in format.terminals[name].values or ()
    ]
    model = format.opening.get(recovery.slots["role"])
    kinds = (kind.name for kind in format.turn if value_of(format, kind.name, "role") == model)
    recipients = dict.fromkeys(value_of(format, kind, "recipient") for kind in kinds)
    return arguments(
        tool=tool,
        roles=tuple(role for role in roles if role != tool or role in listed),  # a name may imply that of tools
        recipients=tuple(filter(None, recipients)),
    )


def _words(format: Format, recovery: Recovery) -> Arguments:
    """The known channels and content types, and the shape of names."""
    named = name_terminal(format)
    return arguments(
        channels=tuple(dict.fromkeys(_channels(format))),
        content_types=recovery.content_types,
        json=recovery.json,
        word=PythonCode(_word(named) if named else literal(r"\S+")),
        definitions=PythonCode("_DEFINITIONS" if format.definitions else "runtime.NO_DEFINITIONS"),
        separator=recovery.separator,
    )


def _word(named: Terminal) -> str:
    """The pattern of a name in a header: what follows it there is not what follows it in contents."""
    alone = pattern.expression(named.pattern, lookaheads=False)
    return terminal_pattern(named.name) if alone == pattern.expression(named.pattern) else raw(alone)


def _purposes(format: Format) -> Arguments:
    """The channels and the stop tokens by their purpose."""
    ids, last = format.vocabulary.special, {kind.name: kind.last for kind in format.turn}
    kinds = zip(("answers", "thoughts", "calls"), CHANNELED, strict=True)
    channels = {key: value_of(format, kind, "channel") for key, kind in kinds}
    ends = {f"ends_{kind}s": last.get(kind) or "" for kind in ("call", "answer")}
    stops = sorted({ids[s] for s, name in closes(format).items() if name and name in last.values()})
    return arguments(**channels, **ends, stops=tuple(stops))


def _declared(format: Format, recovery: Recovery) -> Arguments:
    """The parts of contents that declare something, and the texts that they begin with."""
    declared = {f"declared_{key}": paths for key, paths in recovery.declared.items()}
    return arguments(**declared, headings=headings(format))


def _costs(format: Format, recovery: Recovery) -> Arguments:
    """The fields that states of the automaton of headers set, and what each edit of a header costs."""
    library = library_diagnostics()
    return arguments(
        sets=mapping({str(state): data(sets) for state, sets in graph(format, format.message).sets.items()}),
        costs=recovery.costs,
        fields={name: call("runtime.FieldCosts", *map(data, row)) for name, row in recovery.fields.items()},
        edits=recovery.edits,
        own_codes=tuple(
            code(name, entry, "runtime.Code") for name, entry in recovery.codes.items() if name not in library
        ),
    )


def _channels(format: Format) -> list[str]:
    """The known channels: those with a purpose, and those that contents declare by default."""
    assert format.recovery is not None
    found = [value_of(format, kind, "channel") for kind in CHANNELED]
    for path in format.recovery.declared["channels"]:
        value: object = format.contents.defaults
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        found += value if isinstance(value, list) else []
    return found
