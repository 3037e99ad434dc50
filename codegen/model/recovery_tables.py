"""The tables of recovery: the purpose of fields, roles, channels and stop tokens, and the catalogue of diagnostics."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..read import regular_expressions as pattern
from ..read.grammar_folder import DIAGNOSTICS_FILE, RECOVERY_FILE, Sources
from ..read.grammar_nodes import Chars, GrammarNode, RuleValue, Special, Text, walk
from .format_model import CatalogueEntry, Format, Recovery
from .frame_graph import framing, graph, is_content

SLOT_NAMES = ("role", "name", "channel", "recipient", "content_type", "constrain")
DECLARED = ("tools", "builtin", "channels", "required", "answers")

CHANNELED = ("answer", "thoughts", "call")
"""The kinds of messages whose channel recovery sets in messages without one."""

DEFAULT_SEVERITY = "error"


@cache
def library_diagnostics() -> dict[str, CatalogueEntry]:
    """The diagnostics that the library reports itself: those in the catalogue of this package."""
    return _diagnostics(_library(DIAGNOSTICS_FILE))


@cache
def _library(file: str) -> dict[str, Any]:
    """A file of this package's grammar: what the library reports, and costs that a grammar may change."""
    return tomllib.loads((Path(__file__).resolve().parents[2] / "grammar" / file).read_text(encoding="utf-8"))


def library_table(key: str) -> dict[str, Any]:
    """A table of this package's recovery.toml."""
    return dict(_library(RECOVERY_FILE)[key])


def _field_costs(
    slots: Mapping[str, str], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Mapping[str, int], Mapping[str, str]]]:
    """The rows of the fields with a purpose, and of those that the grammar has a row for."""
    library: Mapping[str, Mapping[str, Any]] = library_table("costs")
    rows = {slots.get(key, ""): dict(row) for key, row in library.items() if key != "header"}
    for key, row in own.items():
        if key != "header":
            name = slots.get(key, key)
            rows[name] = rows.get(name, {}) | dict(row)
    rows.pop("", None)
    return {name: ({k: v for k, v in row.items() if k != "codes"}, row.get("codes", {})) for name, row in rows.items()}


def _diagnostics(entries: Mapping[str, Mapping[str, str]]) -> dict[str, CatalogueEntry]:
    return {
        name: CatalogueEntry(entry["code"], entry["why"], entry.get("severity", DEFAULT_SEVERITY), entry.get("fix"))
        for name, entry in entries.items()
    }


def build_recovery(sources: Sources) -> Recovery | None:
    """Read recovery.toml and diagnostics.toml; None for a format without recovery.toml."""
    if RECOVERY_FILE not in sources.data:
        return None
    slots, known = sources.table(RECOVERY_FILE, "slots"), sources.table(RECOVERY_FILE, "content_types")
    declared, before = sources.table(RECOVERY_FILE, "declared"), sources.data[RECOVERY_FILE].get("before", [])
    return Recovery(
        slots={key: slots.get(key, "") for key in SLOT_NAMES},
        separator=sources.table(RECOVERY_FILE, "tools")["separator"],
        content_types=tuple(known.get("known", ())),
        json=known.get("json", ""),
        declared={key: tuple(declared.get(key, ())) for key in DECLARED},
        costs=library_table("costs")["header"] | sources.table(RECOVERY_FILE, "costs").get("header", {}),
        fields=_field_costs(slots, sources.table(RECOVERY_FILE, "costs")),
        edits={
            name: (row["code"], row["evidence"])
            for name, row in (library_table("edits") | sources.table(RECOVERY_FILE, "edits")).items()
        },
        before=[*before, *(pair for pair in _library(RECOVERY_FILE)["before"] if pair not in before)],
        codes=library_diagnostics() | _diagnostics(sources.table(DIAGNOSTICS_FILE)),
    )


def value_of(format: Format, kind: str, slot: str) -> str:
    """The value that a field has in all messages of a kind; "" for none."""
    assert format.recovery is not None
    fields = dict(field for each in format.turn if each.name == kind for field in (*each.when, *each.has))
    found = fields.get(format.recovery.slots[slot])  # no slot, no field
    return found if isinstance(found, str) else ""


def default_channels(format: Format) -> dict[str, list[str]]:
    """The channels that contents declare by default, by the path of the field that lists them."""
    assert format.recovery is not None
    found = {}
    for path in format.recovery.declared["channels"]:
        value: object = format.contents.defaults
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, list):
            found[path] = value
    return found


def leads(format: Format) -> dict[str, tuple[str, ...]]:
    """For each field of a header the special tokens and texts that come before it; for a flag its own token."""
    made = graph(format, format.message)
    found: dict[str, dict[str, None]] = {name: {} for name in format.fields}
    before = {target: edge for _, edge, target in made.edges()}
    for source, edge, _ in made.edges():
        lead = before.get(source)
        if isinstance(edge, RuleValue) and not is_content(edge) and isinstance(lead, (Special, Text)):
            found[edge.field][lead.text if isinstance(lead, Text) else lead.spelling] = None
    for name in format.fields:
        if isinstance(node := format.mark_of(name), Special):
            found[name] = {node.spelling: None}
    return {name: tuple(texts) for name, texts in found.items() if texts}


def free_texts(format: Format) -> dict[str, str]:
    """The special tokens of a header before any text, each with the field that has it. No name has that length."""
    made = graph(format, format.message)

    def fields_after(state: int) -> set[str | None]:
        """The fields of the texts that may come next; None for one that is not any text."""
        found: set[str | None] = set()
        for edge, target in made.steps[state]:
            if isinstance(edge, Text):
                found |= fields_after(target)
            elif isinstance(edge, RuleValue):
                free = not is_content(edge) and pattern.is_free(format.terminals[edge.terminal].pattern)
                found.add(edge.field if free else None)
        return found

    found: dict[str, set[str | None]] = {}
    for _, edge, target in made.edges():
        if isinstance(edge, Special) and (fields := fields_after(target)):
            found.setdefault(edge.spelling, set()).update(fields)
    return {token: str(*fields) for token, fields in found.items() if len(fields) == 1 and None not in fields}


def first_words(format: Format) -> int:
    """The most words between the token that begins a message and the next special token; 0 if there may be any number.

    White space inside of a text that introduces a field, and of a value, divides words, too.
    """
    made = graph(format, format.message)
    firsts = [target for _, target in made.steps[0]]
    edges = [edge for state in made.reached(firsts, by_text=True) for edge, _ in made.steps[state]]
    fields = [format.terminals[e.terminal] for e in edges if isinstance(e, RuleValue) and not is_content(e)]
    if any(_may_have_space(terminal.pattern) for terminal in fields if not terminal.values):
        return 0

    def spaces_after(state: int) -> int:
        found = [0]
        for edge, target in made.steps[state]:
            if not isinstance(edge, Special):
                texts = (edge.text,) if isinstance(edge, Text) else format.terminals[edge.terminal].values or ("",)
                found.append(spaces_after(target) + max(len(re.findall(r"\s+", text)) for text in texts))
        return max(found)

    return 1 + max(map(spaces_after, firsts), default=0)


def _may_have_space(node: GrammarNode) -> bool:
    """Whether a text of a pattern may have white space that divides words."""
    texts = (part.text for part in walk(node) if isinstance(part, Text))
    classes = (pattern.expression(part) for part in walk(node) if isinstance(part, Chars))
    return any(re.search(r"[\t\n\r ]", text) for text in texts) or any(re.search(each, "\t\n\r ") for each in classes)


def headings(format: Format) -> dict[str, tuple[str, ...]]:
    """For each role the first texts of the parts of its contents that declare something."""
    assert format.recovery is not None
    found: dict[str, dict[str, None]] = {}
    for path in (path for paths in format.recovery.declared.values() for path in paths):
        role, part, *_ = path.split(".")
        first = format.contents.rules[part].ways[0].items[0] if part in format.contents.rules else None
        if isinstance(first, Text):
            found.setdefault(role, {})[first.text] = None
    return {role: tuple(texts) for role, texts in found.items()}


def closes(format: Format) -> dict[str, str | None]:
    """The special tokens that end a message, each with the name of its alternative."""
    enclosing = framing(graph(format, format.message))
    found: dict[str, str | None] = dict.fromkeys(sorted(enclosing.closes, key=format.vocabulary.special.__getitem__))
    for rule in format.rules.values():
        for way in rule.ways:
            node = format.resolve(way.node)
            if isinstance(node, Special) and node.spelling in found and way.name:
                found[node.spelling] = way.name
    return found


def begins(format: Format) -> str | None:
    """The special token that every message begins with."""
    first = {edge.spelling if isinstance(edge, Special) else None for edge, _ in graph(format, format.message).steps[0]}
    return first.pop() if len(first) == 1 else None
