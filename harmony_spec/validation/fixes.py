"""Fixes: changes of an input that recovery reads the same before and after. Each is proven by recovering the result.

A fix that changed the messages would hide a mistake: a dropped word, a call of another tool, an answer after a stop
token. So a fix is offered only if recovery reads the same messages from the changed input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

from .. import codes
from ..diagnostics import Diagnostic, Fix
from ..errors import APPLICABILITIES, Code, RenderError, Span
from ..format.tables import continues
from ..recovery.recovered import BETWEEN, CONTENT, HEADER, Recovered
from ..rendering.originals import canonical
from ..rendering.renderer import render, render_text
from ..source.forms import Form, TextForm
from ..source.saved_text import Source
from .context import IN_HEADER, Change, Context
from .report import Report

MAX_READINGS = 48
"""How often an input is recovered again to prove its fixes. A level takes one reading for all of its fixes, and
`MAX_PARTS` for its parts; fixes that do harm are found by halves. Only hostile inputs need more than that."""

MAX_PARTS = 4
"""The fixes of a level are also proven in this many parts, every fourth one together, since a fix may hide the harm of
its neighbors. The end of a message and the header of the next one have three at most."""

MAX_PASSES = 10
"""Fixes are applied and the result is checked again, since two fixes of one place need two passes. Fixes that do not
end by then undo each other."""

BY_SPAN = attrgetter("span")

InputReading = tuple[Form, Recovered[Any]]
"""An input, and what recovery read from it."""


def apply(source: Source, fixes: Iterable[Fix]) -> Source:
    """Apply fixes to a text or to token ids. A fix that overlaps an earlier one, or has the same span, is left out."""
    parts: list[Any] = []
    end, last = 0, None
    for fix in sorted(fixes, key=BY_SPAN):
        if fix.span.start < end or fix.span == last:
            continue
        last = fix.span
        parts += source[end : fix.span.start], fix.replacement
        end = fix.span.end
    parts.append(source[end:])
    return "".join(parts) if isinstance(source, str) else list(chain.from_iterable(parts))


def apply_fixes(
    source: Source,
    report: Report[Any],
    admitted: Callable[[Report[Any]], list[Fix]],
    validated: Callable[[Source], Report[Any]],
) -> Source:
    """Apply all admitted fixes.

    Returns the original if the fixes do not end, or if together they change what `recover` reads. So fixing the result
    again changes nothing.

    Args:
        source: text, or token ids.
        report: the report on it.
        admitted: returns the fixes of a report that may be applied.
        validated: checks a source.
    """
    changed, found = source, report
    for _ in range(MAX_PASSES):
        fixes = admitted(found)
        after = apply(changed, fixes)
        if after == changed:
            return changed
        exact = all(fix.applicability == "safe" for fix in fixes)
        before, changed, found = found, after, validated(after)
        if not is_same_reading(before.reading, found.reading, exact):
            break
    return source


def is_same_reading(before: InputReading, after: InputReading, exact: bool) -> bool:
    """Whether two inputs have the same messages, marks, open header, and text outside of messages.

    Args:
        exact: contents must also be equal to the character, or to the token id.
    """
    (old_form, old), (new_form, new) = before, after
    if old.messages != new.messages or old.opening != new.opening or _marks(old) != _marks(new):
        return False
    for first, second in zip(old.bounds, new.bounds, strict=True) if exact else ():
        if old_form.slice(first[1], first[2]) != new_form.slice(second[1], second[2]):
            return False
    return "".join(_gap_texts(before)) == "".join(_gap_texts(after))


def _marks(recovered: Recovered[Any]) -> list[tuple[bool, bool]]:
    return [(repair.after_stop, repair.forged) if (repair := m.repair) else (False, False) for m in recovered.messages]


def _gap_texts(reading: InputReading) -> Iterator[str]:
    form, recovered = reading
    for gap in recovered.gaps:
        yield from (text for spelling, text, _, _ in form.pieces(*gap) if spelling is None)


def add_fixes(context: Context, source: Source, read: Callable[[Source], InputReading]) -> list[Diagnostic]:
    """Return the diagnostics of recovery and of the checks, ordered by span, with the fixes that are proven.

    Args:
        read: recovers a changed input.
    """
    # Without a special token, this may not be Harmony at all.
    is_harmony = context.stripped or next(context.form.specials(0), None) is not None
    recovered = sorted(context.recovered.diagnostics, key=BY_SPAN)
    fixes = _propose_fixes(context, recovered) if is_harmony else repeat(None)
    fixed = (replace(each, fix=fix) for each, fix in zip(recovered, fixes, strict=False))
    found = sorted((*fixed, *context.reported), key=BY_SPAN)
    as_source: Any = type(source)
    changing = {fix for each in found if (fix := each.fix) and source[slice(*fix.span)] != as_source(fix.replacement)}
    kept = _prove_fixes((context.form, context.recovered), source, changing if is_harmony else set(), read)
    return [each if each.fix is None or each.fix in kept else replace(each, fix=None) for each in found]


def _prove_fixes(
    before: InputReading, source: Source, fixes: set[Fix], read: Callable[[Source], InputReading]
) -> set[Fix]:
    """Return the fixes that change nothing that is read, alone and together. The safest come first."""
    kept: list[Fix] = []
    left = MAX_READINGS

    def does_harm(applied: list[Fix]) -> bool:
        nonlocal left
        left -= 1
        return not is_same_reading(before, read(apply(source, applied)), level == APPLICABILITIES[0])

    for level in APPLICABILITIES:
        waiting = [sorted((fix for fix in fixes if fix.applicability == level), key=lambda fix: (fix.span, fix.codes))]
        while waiting and left > 0:
            if not (tried := waiting.pop()):
                continue
            parts = [tried[at::MAX_PARTS] for at in range(MAX_PARTS)] if len(tried) > 1 or kept else []
            if not does_harm([*kept, *tried]) and not any(does_harm(part) for part in parts if part):
                kept += tried
            elif half := len(tried) // 2:
                waiting += [tried[half:], tried[:half]]
    return set(kept)


def _propose_fixes(context: Context, found: list[Diagnostic]) -> Iterator[Fix | None]:
    """For each mistake that recovery reports, a fix that is not proven yet. Those of one header have the same fix.

    Those of a stripped text, too: it writes all headers.
    """
    if context.stripped:
        rendered = _render(context, context.recovered.messages, context.start, context.given)
        whole = None if rendered is None else (Span(0, len(context.form.units)), rendered)
        yield from (whole and context.make_fix(whole, [each.code], each.index) for each in found)
        return
    gaps = set(context.recovered.gaps)
    parts = [_part_of(context, each, gaps) for each in found]
    headers: dict[int, list[Code]] = {}
    for each, part in zip(found, parts, strict=True):
        if part == HEADER:
            headers.setdefault(each.index, []).append(each.code)
    for index in {each.index for each in found if may_be_completion(each)}:
        headers.pop(index, None)
    written = {
        index: context.make_fix(change, mistakes, index)
        for index, mistakes in headers.items()
        if (change := _rewrite_header(context, index))
    }
    for each, part in zip(found, parts, strict=True):
        if part == BETWEEN:
            yield context.make_fix((each.span, context.replacement()), [each.code], None)
        elif part == CONTENT:
            missing = each.expected[:1] if each.code == codes.MISSING_TERMINATOR else ()
            yield context.make_fix((each.span, context.replacement(*missing)), [each.code], each.index)
        else:
            yield written.get(each.index) if part == HEADER else None


def _part_of(context: Context, found: Diagnostic, gaps: set[Span]) -> str:
    """The part of the input with a mistake; that of a missing stop token is the content. "" for the open header."""
    if found.span in gaps:
        return BETWEEN
    if found.index >= len(context.messages):
        return ""
    begin, content, stop, _ = context.recovered.bounds[found.index]
    if found.code == codes.MISSING_TERMINATOR or content <= found.span.start < found.span.end <= stop:
        return CONTENT
    return HEADER if begin <= found.span.start and found.span.end <= content else ""


def may_be_completion(found: Diagnostic) -> bool:
    """Whether the mistake shows that the input may be a completion, which has no start token."""
    return found.code == codes.MISSING_START and found.span.start == 0


def _rewrite_header(context: Context, index: int) -> Change | None:
    """Return the change that writes a header canonically; None if the repair does not record the original."""
    format, span, message = context.format, context.span_of(index, IN_HEADER), context.messages[index]
    if not message.repair or not message.repair.original_fields:
        return None
    plain = replace(canonical(format, message), **{format.content: ""})
    continued = span.start == 0 and continues(format, context.start)
    start, given = (context.start, context.given) if continued else ("transcript", {})
    rendered: Any = _render(context, [plain], start, given)
    if rendered is None:
        return None
    opens: Any = map(context.replacement, context.recovery.opens)
    tokens = [(each if isinstance(each, str) else each[0], len(each)) for each in opens]
    ends = [rendered.index(token) + size for token, size in tokens if token in rendered]
    return (span, rendered[: min(ends)]) if ends else None  # a completion may begin with its content, without a header


def _render(
    context: Context, messages: Sequence[Any], start: str, given: dict[str, Any]
) -> str | tuple[int, ...] | None:
    """Write messages as text or token ids, as the input is; return None if the format cannot express one."""
    format, form = context.format, context.form
    try:
        if isinstance(form, TextForm):
            return render_text(format, messages, start, given, format.as_parsed)
        return tuple(render(format, messages, start, given, format.as_parsed, form.tokenizer))
    except RenderError:
        return None
