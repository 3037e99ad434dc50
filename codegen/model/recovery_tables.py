"""The tables of recovery: the purpose of fields, roles, channels and stop tokens, and the catalogue of diagnostics."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..read.data_files import DataFiles
from ..read.grammar_folder import DIAGNOSTICS, RECOVERY, Sources
from .content_rules import Fixed
from .format_model import Call, Choice, Diagnostic, Format, Recovery, Rule, Value
from .frame_graph import framing, graph, is_content
from .terminals import FixedText, Special

SLOTS = ("role", "name", "channel", "recipient", "content_type", "constrain")
CHANNELS = ("answers", "thoughts", "calls")
STOPS = ("calls", "answers")
DECLARED = ("tools", "builtin", "channels", "required", "answers")
ROLES = ("named", "asks", "instructs")

SEVERITIES = ("error", "warning", "info")
FIXES = ("safe", "unsafe", "display")
"""How safe a fix is; see `harmony_spec.errors.Applicability`."""


@cache
def library_diagnostics() -> dict[str, Diagnostic]:
    """The diagnostics that the library reports itself: those in the catalogue of this package."""
    path = Path(__file__).resolve().parents[2] / "grammar" / DIAGNOSTICS
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Diagnostic(entry["code"], entry["why"], entry.get("severity", SEVERITIES[0]), entry.get("fix"))
        for name, entry in entries.items()
    }


def build_recovery(sources: Sources, data: DataFiles, mistakes: Mapping[str, Rule]) -> Recovery | None:
    """Read recovery.toml and diagnostics.toml; None for a format without recovery.toml."""
    if (table := sources.recovery) is None:
        return None

    def texts(*keys: str) -> tuple[str, ...]:
        return tuple(map(str, data.get(table, RECOVERY, list, *keys, default=[])))

    return Recovery(
        slots={key: data.get(table, RECOVERY, str, "slots", key, default="") for key in SLOTS},
        tool=data.get(table, RECOVERY, str, "roles", "named", default=""),
        asks=data.get(table, RECOVERY, str, "roles", "asks", default=""),
        instructs=texts("roles", "instructs"),
        separator=data.get(table, RECOVERY, str, "tools", "separator"),
        channels={key: data.get(table, RECOVERY, str, "channels", key) for key in CHANNELS},
        stops={key: data.get(table, RECOVERY, str, "stops", key, default="") for key in STOPS},
        content_types=texts("content_types", "known"),
        json=data.get(table, RECOVERY, str, "content_types", "json", default=""),
        declared={key: texts("declared", key) for key in DECLARED},
        mistakes=mistakes,
        codes=library_diagnostics()
        | {
            name: Diagnostic(
                **{key: data.get(sources.diagnostics, DIAGNOSTICS, str, name, key) for key in ("code", "why")},
                severity=data.get(sources.diagnostics, DIAGNOSTICS, str, name, "severity", default=SEVERITIES[0]),
                fix=data.get(sources.diagnostics, DIAGNOSTICS, str, name, "fix", default="") or None,
            )
            for name in sources.diagnostics
        },
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
