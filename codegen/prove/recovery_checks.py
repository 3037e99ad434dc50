"""Whether recovery can rely on its tables: names exist, values fit, each mistake has one diagnostic."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model.format_model import Format, Recovery
from ..model.frame_graph import framing, graph
from ..model.recovery_tables import begins, closes, library_diagnostics
from ..read import regular_expressions as pattern
from ..read.grammar_folder import DIAGNOSTICS, RECOVERY, Sources
from ..read.problems import Problem
from ..read.value_places import Path as ValuePath


def check_recovery(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of the tables of recovery."""
    if (recovery := format.recovery) is None:
        if DIAGNOSTICS in sources.data:
            yield Problem(
                sources.place(DIAGNOSTICS), f"nothing reads `{DIAGNOSTICS}`", f"Add {RECOVERY}, or remove it."
            )
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
    roles: list[tuple[ValuePath, str]] = [(("named",), recovery.tool), (("asks",), recovery.asks)]
    roles += [(("instructs", index), name) for index, name in enumerate(recovery.instructs)]
    for path, named in roles:
        if role and named and named not in (role.values or ()):
            place = sources.place(RECOVERY, "roles", *path)
            reason = f"`{named}` is not a value of `{role.name}`"
            yield Problem(place, reason, f"Values: {', '.join(role.values or ()) or 'any text'}.")
    yield from _slots(recovery, sources)
    yield from _companions(sources)
    yield from _unwritable_values(format, sources)
    yield from _separator(format, recovery, sources)
    yield from _codes(recovery, sources)


def _slots(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """Each field has one meaning."""
    owners: dict[str, str] = {}
    for key, name in recovery.slots.items():
        if name and name in owners:
            reason = f"`{name}` is the field of `{owners[name]}` and of `{key}`"
            yield Problem(sources.place(RECOVERY, "slots", key), reason, "Name another field, or remove the key.")
        owners.setdefault(name, key)


def _companions(sources: Sources) -> Iterator[Problem]:
    """What a diagnostic comes with is a diagnostic."""
    diagnostics = sources.table(DIAGNOSTICS)
    known = library_diagnostics().keys() | diagnostics.keys()
    for name, entry in diagnostics.items():
        for index, other in enumerate(entry.get("with", ())):
            if other not in known:
                reason = f"`{name}` comes with `{other}`, which is not a diagnostic"
                yield Problem(sources.place(DIAGNOSTICS, name, "with", index), reason, "Correct the name.")


def _unwritable_values(format: Format, sources: Sources) -> Iterator[Problem]:
    """The grammar can write each value that recovery sets."""
    recovery = format.recovery
    assert recovery is not None
    channels: list[tuple[ValuePath, str]] = [(("channels", key), name) for key, name in recovery.channels.items()]
    types: list[tuple[ValuePath, str]] = [
        (("content_types", "known", index), name) for index, name in enumerate(recovery.content_types)
    ]
    types += [(("content_types", "json"), recovery.json)] if recovery.json else []
    for slot, values in (("channel", channels), ("content_type", types)):
        for terminal in format.terminals_of(recovery.slots[slot]):
            matcher = re.compile(pattern.expression(format.terminals[terminal].pattern))
            for at, value in values:
                if not matcher.fullmatch(value):
                    reason = f"`{value}` does not fit {terminal}"
                    yield Problem(sources.place(RECOVERY, *at), reason, "Choose a value that can be written.")


def _separator(format: Format, recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """A recipient can be the full name of a tool: namespace, separator, name."""
    place = sources.place(RECOVERY, "tools", "separator")
    for terminal in format.terminals_of(recovery.slots["recipient"]):
        if not re.fullmatch(pattern.expression(format.terminals[terminal].pattern), f"a{recovery.separator}a"):
            reason = f"names with `{recovery.separator}` in them do not fit {terminal}"
            yield Problem(place, reason, "Choose a text that headers can hold.")


def _codes(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """Each diagnostic is reported, each edit has one, and a code has one meaning."""
    rows: list[tuple[ValuePath, str]] = [(("edits", edit, "code"), name) for edit, (name, _) in recovery.edits.items()]
    rows += [
        (("costs", field, "codes", edit), name)
        for field, (_, row) in recovery.fields.items()
        for edit, name in row.items()
    ]
    reported = {name for _, name in rows}
    library, owners = library_diagnostics(), dict[str, str]()
    for name, entry in recovery.codes.items():
        place = sources.place(DIAGNOSTICS, name)
        if entry != library.get(name, entry):
            reason = f"the library reports `{name}`, so a grammar cannot change its code, severity, fix or reason"
            yield Problem(place, reason, "Remove the entry, or copy that of the library.")
            continue
        if name not in library and name not in reported:
            yield Problem(place, f"nothing reports the diagnostic `{name}`", f"Remove it, or name it in {RECOVERY}.")
        if entry.code in owners:
            reason = f"`{name}` has the code of `{owners[entry.code]}`, {entry.code}"
            yield Problem(place, reason, "A code means one thing for good: choose a new one.")
        owners[entry.code] = name
    for path, name in rows:
        if name not in recovery.codes:
            yield Problem(sources.place(RECOVERY, *path), f"`{name}` is not a diagnostic", f"Add it to {DIAGNOSTICS}.")
