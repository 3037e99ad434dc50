"""Whether recovery can rely on its tables: names exist, values fit, each mistake has one diagnostic."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model.format_model import Format, Recovery, walk
from ..model.frame_graph import Framing, framing, graph
from ..model.framing_rules import MISTAKE_PREFIX
from ..model.recovery_tables import (
    CHANNELS,
    DECLARED,
    FIXES,
    ROLES,
    SEVERITIES,
    SLOTS,
    STOPS,
    begins,
    closes,
    library_diagnostics,
)
from ..model.terminals import Special
from ..read import regular_expressions as pattern
from ..read.grammar_folder import DIAGNOSTICS, RECOVERY, Sources
from ..read.problems import Place, Problem

RECOVERY_KEYS = {
    "slots": SLOTS,
    "roles": ROLES,
    "tools": ("separator",),
    "channels": CHANNELS,
    "content_types": ("known", "json"),
    "stops": STOPS,
    "declared": DECLARED,
}
"""The keys of recovery.toml."""

DIAGNOSTIC_KEYS = (
    "code",
    "severity",
    "fix",
    "why",
    "bad",
    "good",
    "start",
    "tools",
    "stripped",
    "with",
    "raised",
    "read",
)
"""The keys of a diagnostic."""


def check_recovery(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of the tables of recovery."""
    if (recovery := format.recovery) is None:
        for name, rule in _unused_mistakes(sources):
            yield Problem(rule, f"`{name}` is read by recovery only", f"Add {RECOVERY}, or remove the rule.")
        return
    enclosing = framing(graph(format, format.message))
    if begins(format) is None or not enclosing.opens or not enclosing.closed or enclosing.touched or enclosing.trails:
        reason = "recovery needs messages that begin with one special token, and contents between two"
        yield Problem(sources.place(RECOVERY), reason, f"Remove {RECOVERY}, or enclose the contents.")
        return
    if None not in closes(format).values():
        reason = "every stop token is a named alternative"
        yield Problem(format.rules[format.message].place, reason, "Give the canonical one no name.")
    fields = {field.name: field for field in format.fields}
    for key, name in recovery.slots.items():
        if name not in fields and (name or key in ("role", "channel")):
            place = sources.place(RECOVERY, "slots", key)
            yield Problem(place, f"`{name}` is not a field of messages", f"Fields: {', '.join(fields)}.")
    variants = format.variants()
    for key, name in recovery.stops.items():
        if name and name not in variants:
            place = sources.place(RECOVERY, "stops", key)
            yield Problem(place, f"`{name}` names no alternative", f"Named alternatives: {', '.join(variants)}.")
    role = fields.get(recovery.slots["role"])
    for key, named in (
        ("named", recovery.tool),
        ("asks", recovery.asks),
        *(("instructs", r) for r in recovery.instructs),
    ):
        if role and named and named not in (role.values or ()):
            place = sources.place(RECOVERY, "roles", key)
            yield Problem(place, f"`{named}` is not a value of `{role.name}`", f"Values: {role.values}.")
    yield from _keys(sources)
    yield from _unwritable_values(format, sources)
    yield from _separator(format, recovery, sources)
    yield from _productions(format, enclosing)
    yield from _codes(recovery, sources)


def _keys(sources: Sources) -> Iterator[Problem]:
    """A key that nothing reads is probably a misspelled one."""
    for table, value in (sources.recovery or {}).items():
        known = RECOVERY_KEYS.get(table)
        unknown = [table] if known is None else sorted(set(value) - set(known))
        for key in unknown:
            listed = ", ".join(known or RECOVERY_KEYS)
            yield Problem(sources.place(RECOVERY, key), f"nothing reads `{key}`", f"Keys: {listed}.")
    known_codes = library_diagnostics().keys() | sources.diagnostics.keys()
    for name, entry in sources.diagnostics.items():
        for key in sorted(set(entry) - set(DIAGNOSTIC_KEYS)):
            yield Problem(
                sources.place(DIAGNOSTICS, name, key), f"nothing reads `{key}`", f"Keys: {', '.join(DIAGNOSTIC_KEYS)}."
            )
        for other in entry.get("with", ()):
            if other not in known_codes:
                reason = f"`{name}` comes with `{other}`, which is not a diagnostic"
                yield Problem(sources.place(DIAGNOSTICS, name, "with"), reason, "Correct the name.")
        if ("bad" in entry) != ("good" in entry):
            reason = f"`{name}` has one example of two"
            yield Problem(sources.place(DIAGNOSTICS, name), reason, "Show what is wrong, and the same as it should be.")


def _unwritable_values(format: Format, sources: Sources) -> Iterator[Problem]:
    """The grammar can write each value that recovery sets, and contents have each part that it looks for."""
    recovery = format.recovery
    assert recovery is not None
    for slot, values in (("channel", recovery.channels.values()), ("content_type", recovery.content_types)):
        for terminal in format.terminals_of(recovery.slots[slot]):
            matcher = re.compile(pattern.expression(format.terminals[terminal].pattern))
            for value in values:
                if not matcher.fullmatch(value):
                    place = sources.place(RECOVERY, value)
                    yield Problem(place, f"`{value}` does not fit {terminal}", "Choose a value that can be written.")
    for key, paths in recovery.declared.items() if format.contents.roles else ():
        for path in paths:
            role, *parts = path.split(".")
            if role not in format.contents.roles or not parts or not set(parts) <= set(format.contents.rules):
                place = sources.place(RECOVERY, "declared", key)
                yield Problem(place, f"`{path}` leads to no part of a content", "Begin with a role, then name rules.")


def _separator(format: Format, recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """A recipient can be the full name of a tool: namespace, separator, name."""
    place = sources.place(RECOVERY, "tools", "separator")
    if not recovery.separator:
        yield Problem(
            place, "there is no separator between a namespace and its tools", "Give a text that headers can hold."
        )
    for terminal in format.terminals_of(recovery.slots["recipient"]):
        if not re.fullmatch(pattern.expression(format.terminals[terminal].pattern), f"a{recovery.separator}a"):
            reason = f"names with `{recovery.separator}` in them do not fit {terminal}"
            yield Problem(place, reason, "Choose a text that headers can hold.")


def _productions(format: Format, enclosing: Framing) -> Iterator[Problem]:
    """An error production ends before the content."""
    assert format.recovery is not None
    for name, rule in format.recovery.mistakes.items():
        specials = {node.spelling for node in walk(rule.node) if isinstance(node, Special)}
        if format.has_content(rule.node) or specials & enclosing.opens:
            reason = f"`{MISTAKE_PREFIX}{name}` goes on into the content"
            yield Problem(rule.place, reason, "Describe the message up to before the token that opens its content.")


def _unused_mistakes(sources: Sources) -> Iterator[tuple[str, Place]]:
    for definition in sources.definitions:
        if definition.name.startswith(MISTAKE_PREFIX):
            yield definition.name, definition.place


def _codes(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    mistakes = {name.replace("_", "-"): rule for name, rule in recovery.mistakes.items()}
    library, owners = library_diagnostics(), dict[str, str]()
    for name, entry in recovery.codes.items():
        place = sources.place(DIAGNOSTICS, name)
        if entry != library.get(name, entry):
            reason = f"the library reports `{name}`, so a grammar cannot change its code, severity, fix or reason"
            yield Problem(place, reason, "Remove the entry, or copy that of the library.")
            continue
        if name not in library and name not in mistakes:
            yield Problem(
                place, f"nothing reports the diagnostic `{name}`", f"Remove it, or add `{MISTAKE_PREFIX}{name}`."
            )
        if entry.code in owners:
            reason = f"`{name}` has the code of `{owners[entry.code]}`, {entry.code}"
            yield Problem(place, reason, "A code means one thing for good: choose a new one.")
        owners[entry.code] = name
        if entry.severity not in SEVERITIES:
            place = sources.place(DIAGNOSTICS, name, "severity")
            yield Problem(place, f"`{entry.severity}` is not a severity", f"Severities: {', '.join(SEVERITIES)}.")
        if entry.fix not in (None, *FIXES):
            place = sources.place(DIAGNOSTICS, name, "fix")
            yield Problem(place, f"unknown fix `{entry.fix}`", f"Write one of {', '.join(FIXES)}, or remove the key.")
    for name, rule in mistakes.items():
        if name not in recovery.codes:
            reason = f"`{rule.name}` has no diagnostic"
            yield Problem(rule.place, reason, f"Add `{name}` to {DIAGNOSTICS}.")
