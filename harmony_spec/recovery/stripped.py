"""Output whose special tokens a detokenizer removed, as in `assistantfinalHello!` (textgen#7374).

Where its headers are is a guess, made only on request (`stripped=True`)."""

from __future__ import annotations

import re
from typing import Any

from .. import codes
from ..diagnostics import Diagnostic, Repair
from ..errors import Span
from ..format.tables import Format, Recovery
from ..source.forms import Form
from .known_names import BRACKETS, KnownNames
from .recovered import Recovered


def with_headers(format: Format, form: Form, given: dict[str, Any], tools: list[Any] | None) -> Recovered[Any] | None:
    """Read an input that begins like a header and has no special tokens; None for any other input."""
    assert format.recovery is not None
    if next(form.specials(0), None) is not None:
        return None
    text = form.run(0, len(form.units), 0)[0]
    names = KnownNames(format.recovery, tools)
    first, later = _headers(format.recovery, names)
    start = first.match(text)
    if start is None:
        return None
    found = [start, *later.finditer(text, start.end())]
    ends = [*(match.start() for match in found[1:]), len(text)]
    recovered: Recovered[Any] = Recovered([], None, form.unit, [])
    for index, (match, end) in enumerate(zip(found, ends, strict=True)):
        begin, content, stop = (_unit(form, text, at) for at in (match.start() if index else 0, match.end(), end))
        values, fields = _values(format, names, given, match)
        repair = Repair(fields)
        made = {format.content: text[match.end() : end], "repair": repair}
        recovered.messages.append(format.message(**values, **made))
        recovered.bounds.append((begin, content, stop, stop))
        taken = " ".join(str(values[name]) for name in fields)
        code, evidence = codes.STRIPPED_TOKENS, "a header without its special tokens"
        span = Span(begin, content)
        recovered.diagnostics.append(Diagnostic(code, span, form.unit, index, match[0], taken, evidence))
    return recovered


def _unit(form: Form, text: str, at: int) -> int:
    return len(form.units) if at >= len(text) else form.place(0, text, at)[0]


def _headers(recovery: Recovery, names: KnownNames) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile patterns for the first header, whose author may be in the prompt, and for those after it."""
    role, channel, kind = (
        "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
        for known in (recovery.roles, names.channels, recovery.content_types)
    )
    lead = "|".join(re.escape(lead) for lead in recovery.leads.get(recovery.slots.recipient, ()) if lead.strip())
    # A recipient ends before a content type or the content; in the other order, before the channel.
    behind = rf"(?:{lead})(?P<recipient>[^\s{BRACKETS}]+?)(?=[\s{BRACKETS}]|$|(?:{kind or '(?!)'})(?:\W|$))"
    before = rf"(?:{lead})(?P<before>[^\s{BRACKETS}]+?)(?={channel})"
    first, last = (f"(?:{part})?" if lead else "" for part in (before, behind))
    rest = rf"{first}(?P<channel>{channel}){last}(?:\s*(?P<type>{kind})(?=\W|$))?(?:\s+(?=[{BRACKETS}]))?"
    by_author = re.escape(recovery.author[recovery.slots.role])
    return (
        re.compile(rf"\s*(?:(?P<role>{role})\s*)?{rest}(?![a-z]|\s+[a-z])"),
        re.compile(rf"(?P<role>{by_author}){rest}"),
    )


def _values(
    format: Format, names: KnownNames, given: dict[str, Any], match: re.Match[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    assert format.recovery is not None
    slots, read = format.recovery.slots, match.groupdict()
    values: dict[str, Any] = {**format.defaults, **format.recovery.author, **given, slots.channel: read["channel"]}
    fields = [slots.role, slots.channel]
    if read["role"]:
        values |= {slots.role: read["role"], slots.name: None}
    recipient = read.get("before") or read.get("recipient")
    for name, value in ((slots.recipient, recipient), (slots.content_type, read["type"])):
        if value and name:
            values[name] = (names.tool(value) or value) if name == slots.recipient else value
            fields.append(name)
    return {name: values[name] for name in format.header_fields}, tuple(fields)
