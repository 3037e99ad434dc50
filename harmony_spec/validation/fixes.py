"""Fixes: changes of an input that recovery reads the same before and after. Each is proven by recovering the result.

A fix that changed the messages would hide a mistake: a dropped word, a call of another tool, an answer after a stop
token. So a fix is offered only if recovery reads the same messages from the changed input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from .. import codes
from ..diagnostics import Diagnostic, Fix
from ..errors import APPLICABILITIES, RenderError, Span
from ..format.tables import continues
from ..recovery.recovered import Recovered
from ..rendering.originals import canonical
from ..rendering.renderer import render, render_text
from ..source.forms import Form, TextForm
from ..source.saved_text import Source
from .context import Change, Context
from .report import Report

MAX_READINGS = 24
"""How often an input is recovered again to prove its fixes. A level takes one reading for all of its fixes, and
`MAX_PARTS` for its parts. Only hostile inputs need more than that."""

MAX_PARTS = 4
"""The fixes of a level are also proven in this many parts, every fourth one together, since a fix may hide the harm of
its neighbors. The end of a message and the header of the next one have three at most."""

MAX_PASSES = 10
"""Fixes are applied and the result is checked again, since two fixes of one place need two passes. Fixes that do not
end by then undo each other."""

InputReading = tuple[Form, Recovered[Any]]
"""An input, and what recovery read from it."""


def apply(source: Source, fixes: Iterable[Fix]) -> Source:
    """Apply fixes to a text or to token ids. A fix that overlaps an earlier one, or has the same span, is left out."""
    parts: list[Any] = []
    end, last = 0, None
    for fix in sorted(fixes, key=lambda fix: fix.span):
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
    if exact and any(
        old_form.slice(first[1], first[2]) != new_form.slice(second[1], second[2])
        for first, second in zip(old.bounds, new.bounds, strict=True)
    ):
        return False
    return "".join(_gap_texts(before)) == "".join(_gap_texts(after))


def _marks(recovered: Recovered[Any]) -> list[tuple[bool, bool]]:
    return [(repair.after_stop, repair.forged) if (repair := m.repair) else (False, False) for m in recovered.messages]


def _gap_texts(reading: InputReading) -> Iterator[str]:
    form, recovered = reading
    for gap in recovered.gaps:
        yield from (text for spelling, text, _, _ in form.pieces(*gap) if spelling is None)


def add_fixes(
    context: Context, source: Source, found: list[Diagnostic], read: Callable[[Source], InputReading]
) -> list[Diagnostic]:
    """Return the diagnostics with the fixes that are proven.

    Args:
        found: the diagnostics of the input; those of checks have the fixes that they propose.
        read: recovers a changed input.
    """
    if next(context.form.specials(0), None) is None and not context.stripped:
        return [replace(each, fix=None) for each in found]  # without a special token, this may not be Harmony at all
    as_source: Any = type(source)
    proposed = [
        None if fix is None or source[slice(*fix.span)] == as_source(fix.replacement) else fix
        for fix in (_propose_stripped_fixes(context, found) if context.stripped else _propose_fixes(context, found))
    ]
    if not any(proposed):
        return [replace(each, fix=None) for each in found]
    kept = _prove_fixes((context.form, context.recovered), source, {fix for fix in proposed if fix}, read)
    return [replace(each, fix=fix if fix in kept else None) for each, fix in zip(found, proposed, strict=True)]


def _prove_fixes(
    before: InputReading, source: Source, fixes: set[Fix], read: Callable[[Source], InputReading]
) -> set[Fix]:
    """Return the fixes that change nothing that is read, alone and together. The safest come first."""
    kept: list[Fix] = []
    left = MAX_READINGS

    def spoils(applied: list[Fix], tried: list[Fix], exact: bool) -> set[Fix]:
        """Which of the tried fixes change what is read; all of them if that is unclear."""
        nonlocal left
        left -= 1
        after = read(apply(source, applied))
        if is_same_reading(before, after, exact):
            return set()
        return _find_suspects(before, after, applied, exact).intersection(tried) or set(tried)

    for level in APPLICABILITIES:
        exact = level == APPLICABILITIES[0]
        of_level = sorted((fix for fix in fixes if fix.applicability == level), key=lambda fix: (fix.span, fix.codes))
        waiting = [of_level]
        while waiting:
            tried = waiting.pop()
            while tried and left > 0:
                parts = [tried[at::MAX_PARTS] for at in range(MAX_PARTS)] if len(tried) > 1 or kept else []
                bad = spoils([*kept, *tried], tried, exact)
                bad = bad or set().union(*(spoils(part, part, exact) for part in parts if part and left > 0))
                if not bad:
                    kept += tried
                    break
                if len(bad) == len(tried):
                    half = len(tried) // 2
                    waiting += [tried[half:], tried[:half]] if half else []
                    break
                tried = [fix for fix in tried if fix not in bad]
    return set(kept)


def _find_suspects(before: InputReading, after: InputReading, fixes: list[Fix], exact: bool) -> set[Fix]:
    """The fixes inside of messages that changed or moved; if there are none, those that touch such a message."""
    (old_form, old), (new_form, new) = before, after
    there = {begin: index for index, (begin, _, _, _) in enumerate(new.bounds[: len(new.messages)])}
    ordered = sorted(fixes, key=lambda fix: fix.span)
    marks, new_marks = _marks(old), _marks(new)
    inside: set[Fix] = set()
    touching: set[Fix] = set()
    shift = passed = first = 0
    for index, (begin, content, stop, end) in enumerate(old.bounds[: len(old.messages)]):
        while passed < len(ordered) and ordered[passed].span.end <= begin and ordered[passed].span != (begin, begin):
            fix = ordered[passed]
            shift += len(fix.replacement) - (fix.span.end - fix.span.start)
            passed += 1
        now = there.get(begin + shift)
        if now is not None and old.messages[index] == new.messages[now] and marks[index] == new_marks[now]:
            _, first_unit, after_content, _ = new.bounds[now]
            if not exact or old_form.slice(content, stop) == new_form.slice(first_unit, after_content):
                continue
        while first < len(ordered) and ordered[first].span.end < begin:
            first += 1
        at = first
        while at < len(ordered) and ordered[at].span.start <= end:
            start, stop = ordered[at].span
            touching.add(ordered[at])
            if start == stop or (start < end and stop > begin):
                inside.add(ordered[at])
            at += 1
    return inside or touching


def _propose_fixes(context: Context, found: list[Diagnostic]) -> Iterator[Fix | None]:
    """For each mistake, a fix that is not proven yet."""
    gaps = set(context.recovered.gaps)
    headers: dict[int, list[Diagnostic]] = {}
    unclear = {each.index for each in found if may_be_completion(each)}
    from_recovery = set(map(id, context.recovered.diagnostics))
    for each in found:
        if id(each) in from_recovery and each.span not in gaps and _in_header(context, each):
            headers.setdefault(each.index, []).append(each)
    written = {
        index: context.make_fix(change, [each.code for each in mistakes], index)
        for index, mistakes in headers.items()
        if index not in unclear
        and all(each.code.fix for each in mistakes)
        and (change := _rewrite_header(context, index))
    }
    for each in found:
        if id(each) not in from_recovery:
            yield each.fix
        elif each.span in gaps:
            yield context.make_fix((each.span, context.empty), [each.code], None)
        elif each.index < len(context.messages) and _in_body(context, each):
            yield context.make_fix((each.span, _replacement(context, each)), [each.code], each.index)
        else:
            yield written.get(each.index) if _in_header(context, each) else None


def _in_header(context: Context, found: Diagnostic) -> bool:
    """Whether a mistake is in the header of its message."""
    if found.index >= len(context.messages) or _in_body(context, found):
        return False
    begin, end = context.header_span(found.index)
    return begin <= found.span.start and found.span.end <= end


def _in_body(context: Context, found: Diagnostic) -> bool:
    """Whether a mistake is in the content of its message, or is its missing stop token."""
    content, stop = context.content_span(found.index)
    return found.code == codes.MISSING_TERMINATOR or (content <= found.span.start < found.span.end <= stop)


def _replacement(context: Context, found: Diagnostic) -> str | tuple[int, ...]:
    """The missing stop token, or an empty replacement for anything else in a content."""
    return context.special_token(found.expected[0]) if found.code == codes.MISSING_TERMINATOR else context.empty


def may_be_completion(found: Diagnostic) -> bool:
    """Whether the mistake shows that the input may be a completion, which has no start token."""
    return found.code == codes.MISSING_START and found.span.start == 0


def _rewrite_header(context: Context, index: int) -> Change | None:
    """Return the change that writes a header canonically; None if the repair does not record the original."""
    format, span, message = context.format, context.header_span(index), context.messages[index]
    if not message.repair or not message.repair.original_fields:
        return None
    plain = replace(canonical(format, message), **{format.content: ""})
    continued = span.start == 0 and continues(format, context.start)
    start, given = (context.start, context.given) if continued else ("transcript", {})
    rendered: Any = _render(context, [plain], start, given)
    if rendered is None:
        return None
    tokens = [
        (opens if isinstance(opens, str) else opens[0], len(opens))
        for opens in map(context.special_token, context.recovery.opens)
    ]
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


def _propose_stripped_fixes(context: Context, found: list[Diagnostic]) -> Iterator[Fix | None]:
    """For each guessed header, one and the same change, which writes all headers of the stripped text."""
    rendered = _render(context, context.recovered.messages, context.start, context.given)
    from_recovery = set(map(id, context.recovered.diagnostics))
    for each in found:
        is_fixed = rendered is not None and id(each) in from_recovery
        change = Span(0, len(context.form.units)), rendered or context.empty
        yield context.make_fix(change, [each.code], each.index) if is_fixed else None
