"""The tables of recovery, and the functions that read what no grammar describes."""

from __future__ import annotations

from .emit_patterns import constant, groups
from .emit_readers import terminal_name
from .format import Diagnostic, Format
from .graph import framing, graph
from .recovery import begins, closes, headings, leads
from .rules import MISTAKE
from .writer import Block, Writer, call, group, literal, mapping

WORD = "NAME"
"""The terminal of contents that names tools."""


def emit_recovery(format: Format, writer: Writer) -> None:
    """The table by which inputs are read beside the grammar."""
    recovery = format.recovery
    if recovery is None:
        return
    enclosing = framing(graph(format, format.message))
    ids = format.vocabulary.special

    def spellings(tokens: frozenset[str]) -> Block:
        return group(literal(s) for s in sorted(tokens, key=ids.__getitem__))

    roles = next((f.values or () for f in format.fields if f.name == recovery.slots["role"]), ())
    stops = sorted({ids[s] for s, name in closes(format).items() if name in recovery.stops.values()})
    word = (
        f"{terminal_name(WORD)}.pattern"
        if format.contents.roles and WORD in format.contents.terminals
        else literal(r"\S+")
    )
    namespace = next((item.name for item in format.implied), "")
    inside = enclosing.inside - {str(begins(format))}
    block = call(
        "runtime.Recovery",
        f"begins={literal(str(begins(format)))}",
        spellings(inside).prefixed("inside="),
        spellings(enclosing.opens).prefixed("opens="),
        _table({s: name and literal(name) for s, name in closes(format).items()}).prefixed("closes="),
        mapping({literal(f): group(map(literal, texts)) for f, texts in leads(format).items()}).prefixed("leads="),
        call("runtime.Slots", *(f"{key}={literal(name)}" for key, name in recovery.slots.items())).prefixed("slots="),
        _table({name: literal(str(value)) for name, value in format.opening.items()}).prefixed("author="),
        f"tool={literal(recovery.tool)}",
        f"asks={literal(recovery.asks)}",
        group(map(literal, recovery.instructs)).prefixed("instructs="),
        group(literal(role) for role in roles if role != recovery.tool).prefixed("roles="),
        group(map(literal, dict.fromkeys(_channels(format)))).prefixed("channels="),
        group(map(literal, recovery.content_types)).prefixed("content_types="),
        f"json={literal(recovery.json)}",
        f"word={word}",
        f"namespace={literal(namespace)}",
        f"separator={literal(recovery.separator)}",
        *(f"{key}={literal(value)}" for key, value in recovery.channels.items()),
        *(f"ends_{key}={literal(value)}" for key, value in recovery.stops.items()),
        group(map(str, stops)).prefixed("stops="),
        *(group(map(literal, paths)).prefixed(f"declared_{key}=") for key, paths in recovery.declared.items()),
        mapping({literal(r): group(map(literal, texts)) for r, texts in headings(format).items()}).prefixed(
            "headings="
        ),
        group(_mistakes(format)).prefixed("mistakes="),
        _table({name: emit_code(name, code) for name, code in recovery.codes.items()}).prefixed("codes="),
    )
    writer.line()
    writer.block(block, prefix="_RECOVERY = ")


def _table(entries: dict[str, str | None] | dict[str, str] | dict[str, Block]) -> Block:
    return mapping({literal(key): "None" if value is None else value for key, value in entries.items()})


def emit_code(name: str, code: Diagnostic) -> Block:
    """The call that makes the code of a diagnostic."""
    said = [literal(code.code), literal(name), literal(code.why), literal(code.severity)]
    return call("runtime.Code", *said, *(["fixable=True"] if code.fixable else []))


def _channels(format: Format) -> list[str]:
    """The channels that are known: those by purpose, and those that contents declare where nothing is said."""
    assert format.recovery is not None
    found = list(format.recovery.channels.values())
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
    return [
        call(
            "runtime.Mistake",
            literal(name.replace("_", "-")),
            constant(MISTAKE + name),
            group(groups(format, rule.node)),
            literal(_clause(rule.doc)),
        )
        for name, rule in format.recovery.mistakes.items()
    ]
