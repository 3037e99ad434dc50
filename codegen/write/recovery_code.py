"""The tables that the recovering parser runs on."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.format_model import Format, Recovery
from ..model.frame_graph import framing, graph
from ..model.framing_rules import MISTAKE_PREFIX
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
from .content_table import terminal_pattern
from .definition_tables import name_terminal
from .framing_code import constant
from .library_codes import code, constant_of
from .source_text import Block, Writer, call, group, literal, mapping

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
        group(_mistakes(format)).prefixed("mistakes="),
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


def _words(format: Format, recovery: Recovery) -> Arguments:
    """The known channels and content types, and the shape of names."""
    named = name_terminal(format)
    yield group(map(literal, dict.fromkeys(_channels(format)))).prefixed("channels=")
    yield group(map(literal, recovery.content_types)).prefixed("content_types=")
    yield f"json={literal(recovery.json)}"
    yield "word=" + (terminal_pattern(named.name) if named else literal(r"\S+"))
    yield f"definitions={'_DEFINITIONS' if format.definitions else 'runtime.NO_DEFINITIONS'}"
    yield f"separator={literal(recovery.separator)}"


def _purposes(format: Format) -> Arguments:
    """The channels and the stop tokens by their purpose."""
    ids, last = format.vocabulary.special, {kind.name: kind.last for kind in format.turn}
    for key, kind in zip(("answers", "thoughts", "calls"), CHANNELED, strict=True):
        yield f"{key}={literal(value_of(format, kind, 'channel'))}"
    yield from (f"ends_{kind}s={literal(last[kind] or '')}" for kind in ("call", "answer"))
    stops = sorted({ids[s] for s, name in closes(format).items() if name and name in last.values()})
    yield group(map(str, stops)).prefixed("stops=")


def _declared(format: Format, recovery: Recovery) -> Arguments:
    """The parts of contents that declare something, and the texts that they begin with."""
    for key, paths in recovery.declared.items():
        yield group(map(literal, paths)).prefixed(f"declared_{key}=")
    found = {literal(role): group(map(literal, texts)) for role, texts in headings(format).items()}
    yield mapping(found).prefixed("headings=")


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


def _clause(doc: tuple[str, ...]) -> str:
    """The first line of a comment as a part of a sentence."""
    return f"{doc[0][:1].lower()}{doc[0][1:].removesuffix('.')}" if doc else ""


def _mistakes(format: Format) -> list[Block]:
    assert format.recovery is not None
    codes, library = format.recovery.codes, library_diagnostics()
    names = {rule: rule.replace("_", "-") for rule in format.recovery.mistakes}
    return [
        call(
            "runtime.Mistake",
            constant(MISTAKE_PREFIX + name),
            f"runtime.codes.{constant_of(n)}" if (n := names[name]) in library else code(n, codes[n], "runtime.Code"),
            literal(_clause(rule.doc)),
        )
        for name, rule in format.recovery.mistakes.items()
    ]
