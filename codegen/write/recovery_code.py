"""The tables that the recovering parser runs on."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.format_model import Format, Recovery
from ..model.frame_graph import FrameEdge, framing, graph
from ..model.recovery_tables import (
    CHANNELED,
    begins,
    closes,
    first_words,
    free_texts,
    header_edges,
    headings,
    leads,
    library_diagnostics,
    value_of,
)
from ..model.terminals import FixedText, Special, Terminal
from ..read import regular_expressions as pattern
from .content_table import terminal_pattern
from .definition_tables import name_terminal
from .library_codes import code
from .source_text import Block, Writer, call, group, literal, mapping, raw

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
    writer.line()
    writer.block(block, prefix="_RECOVERY = ")


def _tokens(format: Format) -> Arguments:
    """The special tokens that frame messages."""
    enclosing, ids = framing(graph(format, format.message)), format.vocabulary.special
    yield f"begins={literal(str(begins(format)))}"
    for key, tokens in (("inside", enclosing.inside - {str(begins(format))}), ("opens", enclosing.opens)):
        yield group(literal(spelling) for spelling in sorted(tokens, key=ids.__getitem__)).prefixed(f"{key}=")
    yield _table({s: name and literal(name) for s, name in closes(format).items()}).prefixed("closes=")


def _headers(format: Format, recovery: Recovery) -> Arguments:
    """The purpose of fields, the texts that introduce them, and their values in an opened header."""
    yield mapping({literal(f): group(map(literal, texts)) for f, texts in leads(format).items()}).prefixed("leads=")
    yield _table({token: literal(field) for token, field in free_texts(format).items()}).prefixed("free_texts=")
    yield f"first_words={first_words(format)}"
    yield call("runtime.Slots", *(f"{key}={literal(name)}" for key, name in recovery.slots.items())).prefixed("slots=")
    yield _table({name: literal(str(value)) for name, value in format.opening.items()}).prefixed("author=")


def _authors(format: Format, recovery: Recovery) -> Arguments:
    """The roles by their purpose."""
    roles = next((f.values or () for f in format.fields if f.name == recovery.slots["role"]), ())
    tool = value_of(format, "result", "role")
    yield f"tool={literal(tool)}"
    yield group(literal(role) for role in roles if role != tool).prefixed("roles=")
    model = format.opening.get(recovery.slots["role"])
    kinds = (kind.name for kind in format.turn if value_of(format, kind.name, "role") == model)
    recipients = dict.fromkeys(value_of(format, kind, "recipient") for kind in kinds)
    yield group(literal(recipient) for recipient in recipients if recipient).prefixed("recipients=")


def _words(format: Format, recovery: Recovery) -> Arguments:
    """The known channels and content types, and the shape of names."""
    named = name_terminal(format)
    yield group(map(literal, dict.fromkeys(_channels(format)))).prefixed("channels=")
    yield group(map(literal, recovery.content_types)).prefixed("content_types=")
    yield f"json={literal(recovery.json)}"
    yield "word=" + (_word(named) if named else literal(r"\S+"))
    yield f"definitions={'_DEFINITIONS' if format.definitions else 'runtime.NO_DEFINITIONS'}"
    yield f"separator={literal(recovery.separator)}"


def _word(named: Terminal) -> str:
    """The pattern of a name in a header: what follows it there is not what follows it in contents."""
    alone = pattern.without_lookaheads(named.pattern)
    return terminal_pattern(named.name) if alone == named.pattern else raw(pattern.expression(alone))


def _purposes(format: Format) -> Arguments:
    """The channels and the stop tokens by their purpose."""
    ids, last = format.vocabulary.special, {kind.name: kind.last for kind in format.turn}
    for key, kind in zip(("answers", "thoughts", "calls"), CHANNELED, strict=True):
        yield f"{key}={literal(value_of(format, kind, 'channel'))}"
    yield from (f"ends_{kind}s={literal(last.get(kind) or '')}" for kind in ("call", "answer"))
    stops = sorted({ids[s] for s, name in closes(format).items() if name and name in last.values()})
    yield group(map(str, stops)).prefixed("stops=")


def _declared(format: Format, recovery: Recovery) -> Arguments:
    """The parts of contents that declare something, and the texts that they begin with."""
    for key, paths in recovery.declared.items():
        yield group(map(literal, paths)).prefixed(f"declared_{key}=")
    found = {literal(role): group(map(literal, texts)) for role, texts in headings(format).items()}
    yield mapping(found).prefixed("headings=")


def _costs(format: Format, recovery: Recovery) -> Arguments:
    """The automaton of headers, and what each edit of a header costs."""
    yield group(group(_edge(*edge) for edge in row) for row in header_edges(format)).prefixed("header=")
    yield mapping({literal(name): str(cost) for name, cost in recovery.costs.items()}).prefixed("costs=")
    rows = {
        literal(name): call(
            "runtime.FieldCosts",
            mapping({literal(key): str(cost) for key, cost in costs.items()}),
            mapping({literal(edit): literal(reported) for edit, reported in codes.items()}),
        )
        for name, (costs, codes) in recovery.fields.items()
    }
    yield mapping(rows).prefixed("fields=")
    edits = {
        name: f"({literal(reported)}, {literal(evidence)})" for name, (reported, evidence) in recovery.edits.items()
    }
    yield mapping({literal(name): row for name, row in edits.items()}).prefixed("edits=")
    library = library_diagnostics()
    own = (code(name, entry, "runtime.Code") for name, entry in recovery.codes.items() if name not in library)
    yield group(own).prefixed("own_codes=")


def _edge(edge: FrameEdge, target: int, sets: tuple[tuple[str, str | bool], ...]) -> Block:
    match edge:
        case Special(_, spelling):
            kind, label = "token", spelling
        case FixedText(text):
            kind, label = "text", text
        case _:
            kind, label = "field", edge.field
    changed = [group(f"({literal(name)}, {value if value is True else literal(str(value))})" for name, value in sets)]
    return call("runtime.HeaderEdge", literal(kind), literal(label), str(target), *(changed if sets else []))


def _table(entries: dict[str, str | None] | dict[str, str]) -> Block:
    return mapping({literal(key): "None" if value is None else value for key, value in entries.items()})


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
