"""How a format is read beside its grammar: which field of a header is what, and what is said about mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .data_files import DataFiles
from .format import Call, Choice, Format, Literal, Recovery, Rule, Special, Value
from .graph import framing, graph, is_content
from .load import DIAGNOSTICS, RECOVERY, Sources
from .problems import Place, Problem
from .rules import MISTAKE

SLOTS = ("role", "name", "channel", "recipient", "content_type", "constrain")
CHANNELS = ("answers", "thoughts", "calls")
STOPS = ("calls", "answers")
DECLARED = ("tools", "channels")

GIVEN = frozenset(
    [
        "bare-channel",
        "missing-start",
        "repeated-start",
        "missing-message-token",
        "missing-terminator",
        "repeated-terminator",
        "text-between-messages",
        "missing-header",
        "missing-channel",
        "abandoned-header",
        "unfinished-header",
        "header-too-long",
        "stray-special-token",
        "unknown-token",
        "invalid-text",
        "after-stop",
        "missing-message",
        "missing-role",
        "channel-as-role",
        "tool-as-role",
        "repeated-channel",
        "empty-channel",
        "misspelt-channel",
        "tool-as-channel",
        "channel-as-content-type",
        "repeated-recipient",
        "empty-recipient",
        "recipient-is-role",
        "bare-recipient",
        "misspelt-recipient",
        "spaced-content-type",
        "repeated-constrain",
        "repeated-content-type",
        "unknown-content-type",
        "misspelt-content-type",
        "empty-content-type",
        "spliced-header",
        "unread-header-text",
        "misplaced-part",
        "forged-tool-message",
        "call-without-recipient",
        "stripped-tokens",
    ]
)
"""The diagnostics that the library gives; what else the catalogue has needs an error production."""


def build_recovery(sources: Sources, data: DataFiles, mistakes: Mapping[str, Rule]) -> Recovery | None:
    """The tables of recovery.toml and diagnostics.toml; None for a format without."""
    if (table := sources.recovery) is None:
        return None

    def texts(*keys: str) -> tuple[str, ...]:
        return tuple(map(str, data.get(table, RECOVERY, list, *keys, default=[])))

    return Recovery(
        slots={key: data.get(table, RECOVERY, str, "slots", key, default="") for key in SLOTS},
        tool=data.get(table, RECOVERY, str, "roles", "named", default=""),
        channels={key: data.get(table, RECOVERY, str, "channels", key) for key in CHANNELS},
        stops={key: data.get(table, RECOVERY, str, "stops", key, default="") for key in STOPS},
        content_types=texts("content_types", "known"),
        declared={key: texts("declared", key) for key in DECLARED},
        mistakes=mistakes,
        codes={
            name: (
                data.get(sources.diagnostics, DIAGNOSTICS, str, name, "code"),
                data.get(sources.diagnostics, DIAGNOSTICS, str, name, "why"),
            )
            for name in sources.diagnostics
        },
    )


def leads(format: Format) -> dict[str, tuple[str, ...]]:
    """For each field of a header the special token or the text that it stands behind; a flag is its token."""
    made = graph(format, format.message)
    found: dict[str, dict[str, None]] = {field.name: {} for field in format.fields}
    before: dict[int, list[str]] = {}
    for _, edge, target in made.edges():
        if isinstance(edge, Special):
            before.setdefault(target, []).append(edge.spelling)
        elif isinstance(edge, Literal):
            before.setdefault(target, []).append(edge.text)
    for source, edge, _ in made.edges():
        if isinstance(edge, Value) and not is_content(edge):
            found[edge.field] |= dict.fromkeys(before.get(source, ()))
    for field in format.fields:
        if field.flag and isinstance(node := format.resolve(Call(field.name)), Special):
            found[field.name] = {node.spelling: None}
    return {name: tuple(texts) for name, texts in found.items() if texts}


def closes(format: Format) -> dict[str, str | None]:
    """The special tokens that end a message, each with the named alternative that it is."""
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


def check_recovery(format: Format, sources: Sources) -> Iterator[Problem]:
    """What recovery relies on: contents between special tokens, names that exist, one diagnostic for each mistake."""
    if (recovery := format.recovery) is None:
        for name, rule in _mistakes(sources):
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
            yield Problem(place, f"`{name}` is no field of a message", f"Fields: {', '.join(fields)}.")
    variants = format.variants()
    for key, name in recovery.stops.items():
        if name and name not in variants:
            place = sources.place(RECOVERY, "stops", key)
            yield Problem(place, f"`{name}` names no alternative", f"Named alternatives: {', '.join(variants)}.")
    role = fields.get(recovery.slots["role"])
    if role and recovery.tool and recovery.tool not in (role.values or ()):
        place = sources.place(RECOVERY, "roles", "named")
        yield Problem(place, f"`{recovery.tool}` is no value of `{role.name}`", f"Values: {role.values}.")
    yield from _codes(recovery, sources)


def _mistakes(sources: Sources) -> Iterator[tuple[str, Place]]:
    for definition in sources.definitions:
        if definition.name.startswith(MISTAKE):
            yield definition.name, definition.place


def _codes(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    raised = GIVEN | {name.replace("_", "-") for name in recovery.mistakes}
    owners: dict[str, str] = {}
    for name, (code, _) in recovery.codes.items():
        place = sources.place(DIAGNOSTICS, name)
        if name not in raised:
            yield Problem(place, f"nothing gives the diagnostic `{name}`", f"Remove it, or add `{MISTAKE}{name}`.")
        if code in owners:
            reason = f"`{name}` has the code of `{owners[code]}`, {code}"
            yield Problem(place, reason, "A code means one thing for good: choose a new one.")
        owners[code] = name
    for name in sorted(GIVEN - set(recovery.codes)):
        yield Problem(sources.place(DIAGNOSTICS), f"the diagnostic `{name}` is missing", "Add it with code and reason.")
    for name, rule in recovery.mistakes.items():
        if name.replace("_", "-") not in recovery.codes:
            reason = f"`{MISTAKE}{name}` has no diagnostic"
            yield Problem(rule.place, reason, f"Add `{name.replace('_', '-')}` to {DIAGNOSTICS}.")
