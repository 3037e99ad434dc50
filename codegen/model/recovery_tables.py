"""The tables of recovery: the purpose of fields, roles, channels and stop tokens, and the catalogue of diagnostics."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..read.grammar_folder import DIAGNOSTICS, RECOVERY, Sources
from .content_rules import Fixed
from .format_model import Call, Choice, Diagnostic, Format, Recovery, Value
from .frame_graph import Edge, framing, graph, is_content
from .terminals import FixedText, Special

SLOTS = ("role", "name", "channel", "recipient", "content_type", "constrain")
STOPS = ("calls", "answers")
DECLARED = ("tools", "builtin", "channels", "required", "answers")

DEFAULT_SEVERITY = "error"


@cache
def library_diagnostics() -> dict[str, Diagnostic]:
    """The diagnostics that the library reports itself: those in the catalogue of this package."""
    path = Path(__file__).resolve().parents[2] / "grammar" / DIAGNOSTICS
    return _diagnostics(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def _library_table(name: str) -> dict[str, dict[str, Any]]:
    """A table of this package's recovery.toml, which a grammar may change."""
    path = Path(__file__).resolve().parents[2] / "grammar" / RECOVERY
    found: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))[name]
    return found


def _field_costs(
    slots: Mapping[str, str], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Mapping[str, int], Mapping[str, str]]]:
    """The rows of the fields with a purpose, and of those that the grammar has a row for."""
    rows = {slots.get(key, ""): dict(row) for key, row in _library_table("costs").items() if key != "header"}
    for key, row in own.items():
        if key != "header":
            name = slots.get(key, key)
            rows[name] = rows.get(name, {}) | dict(row)
    rows.pop("", None)
    return {name: ({k: v for k, v in row.items() if k != "codes"}, row.get("codes", {})) for name, row in rows.items()}


def header_edges(format: Format) -> list[list[tuple[Edge, int, tuple[tuple[str, str | bool], ...]]]]:
    """The automaton of a message up to the token that opens its content, that token included."""
    made = graph(format, format.message)
    opens = framing(made).opens
    reached, todo = {0}, [0]
    while todo:
        for edge, target in made.steps[todo.pop()]:
            if target not in reached:
                reached.add(target)
                todo += [] if isinstance(edge, Special) and edge.spelling in opens else [target]
    numbers = {state: number for number, state in enumerate(sorted(reached))}
    rows: list[list[tuple[Edge, int, tuple[tuple[str, str | bool], ...]]]] = [[] for _ in numbers]
    for state, number in numbers.items():
        for edge, target in made.steps[state]:
            if target in numbers:
                rows[number].append((edge, numbers[target], made.sets.get(target, ())))
    return rows


def _diagnostics(entries: Mapping[str, Mapping[str, str]]) -> dict[str, Diagnostic]:
    return {
        name: Diagnostic(entry["code"], entry["why"], entry.get("severity", DEFAULT_SEVERITY), entry.get("fix"))
        for name, entry in entries.items()
    }


def build_recovery(sources: Sources) -> Recovery | None:
    """Read recovery.toml and diagnostics.toml; None for a format without recovery.toml."""
    if RECOVERY not in sources.data:
        return None
    roles, known = sources.table(RECOVERY, "roles"), sources.table(RECOVERY, "content_types")
    slots, stops = sources.table(RECOVERY, "slots"), sources.table(RECOVERY, "stops")
    declared = sources.table(RECOVERY, "declared")
    return Recovery(
        slots={key: slots.get(key, "") for key in SLOTS},
        tool=roles.get("named", ""),
        asks=roles.get("asks", ""),
        instructs=tuple(roles.get("instructs", ())),
        separator=sources.table(RECOVERY, "tools")["separator"],
        channels=sources.table(RECOVERY, "channels"),
        stops={key: stops.get(key, "") for key in STOPS},
        content_types=tuple(known.get("known", ())),
        json=known.get("json", ""),
        declared={key: tuple(declared.get(key, ())) for key in DECLARED},
        costs=_library_table("costs")["header"] | sources.table(RECOVERY, "costs").get("header", {}),
        fields=_field_costs(slots, sources.table(RECOVERY, "costs")),
        edits={
            name: (row["code"], row["evidence"])
            for name, row in (_library_table("edits") | sources.table(RECOVERY, "edits")).items()
        },
        codes=library_diagnostics() | _diagnostics(sources.table(DIAGNOSTICS)),
    )


def leads(format: Format) -> dict[str, tuple[str, ...]]:
    """For each field of a header the special tokens and texts that come before it; for a flag its own token."""
    made = graph(format, format.message)
    found: dict[str, dict[str, None]] = {field.name: {} for field in format.fields}
    before: dict[int, list[str]] = {}
    for _, edge, target in made.edges():
        if isinstance(edge, Special):
            before.setdefault(target, []).append(edge.spelling)
        elif isinstance(edge, FixedText):
            before.setdefault(target, []).append(edge.text)
    for source, edge, _ in made.edges():
        if isinstance(edge, Value) and not is_content(edge):
            found[edge.field] |= dict.fromkeys(before.get(source, ()))
    for field in format.fields:
        if field.flag and isinstance(node := format.resolve(Call(field.name)), Special):
            found[field.name] = {node.spelling: None}
    return {name: tuple(texts) for name, texts in found.items() if texts}


def headings(format: Format) -> dict[str, tuple[str, ...]]:
    """For each role the first texts of the parts of its contents that declare something."""
    assert format.recovery is not None
    found: dict[str, dict[str, None]] = {}
    for path in (path for paths in format.recovery.declared.values() for path in paths):
        role, part, *_ = path.split(".")
        first = format.contents.rules[part].ways[0].items[0] if part in format.contents.rules else None
        if isinstance(first, Fixed):
            found.setdefault(role, {})[first.text] = None
    return {role: tuple(texts) for role, texts in found.items()}


def closes(format: Format) -> dict[str, str | None]:
    """The special tokens that end a message, each with the name of its alternative."""
    enclosing = framing(graph(format, format.message))
    found: dict[str, str | None] = dict.fromkeys(sorted(enclosing.closes, key=format.vocabulary.special.__getitem__))
    for rule in format.rules.values():
        for branch in rule.node.branches if isinstance(rule.node, Choice) else ():
            node = format.resolve(branch.node)
            if isinstance(node, Special) and node.spelling in found and branch.name:
                found[node.spelling] = branch.name
    return found


def begins(format: Format) -> str | None:
    """The special token that every message begins with."""
    first = [edge for edge, _ in graph(format, format.message).steps[0]]
    return first[0].spelling if len(first) == 1 and isinstance(first[0], Special) else None
