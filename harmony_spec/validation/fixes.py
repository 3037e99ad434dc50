"""Fixes: changes of an input that leave what recovery reads equal. Each is proven by reading the changed input.

A fix that changed the reading would turn one mistake into another that nobody sees: a dropped word, a call of another
tool, an answer after a stop token. So a change is offered only if the changed input reads like the original one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..diagnostics import Diagnostic, Fix
from ..errors import APPLICABILITIES, RenderError, Span
from ..format.tables import continues
from ..recovery.recovered import Recovered
from ..rendering.originals import canonical
from ..rendering.renderer import render, render_text
from ..source.lenient import Lenient, LenientText
from ..source.saved_text import Source
from .context import Change, Conversation

MAX_READINGS = 16
"""How often an input is read again to prove its fixes: bounds the work on hostile inputs. Usually all fixes of a level
hold, and one reading proves them together."""

UNTERMINATED = "missing-terminator"

Reading = tuple[Lenient, Recovered[Any]]
"""An input and what recovery reads from it."""


def apply(source: Source, fixes: Iterable[Fix]) -> Source:
    """A source with its fixes. A fix that overlaps one before it, or stands in the same place, is left out.

    Args:
        source: text, or token ids.
        fixes: of that source.
    """
    texts: list[str] = []
    tokens: list[int] = []
    end = 0
    last: Span | None = None
    for fix in sorted(fixes, key=lambda fix: fix.span):
        if fix.span.start < end or fix.span == last:
            continue
        last = fix.span
        if isinstance(source, str):
            assert isinstance(fix.replacement, str)
            texts += source[end : fix.span.start], fix.replacement
        else:
            assert not isinstance(fix.replacement, str)
            tokens += [*source[end : fix.span.start], *fix.replacement]
        end = fix.span.end
    return "".join((*texts, source[end:])) if isinstance(source, str) else [*tokens, *source[end:]]


def is_same_reading(before: Reading, after: Reading, exact: bool) -> bool:
    """Whether an input reads as it did: messages, their marks, the open header, and the text outside of messages.

    Args:
        before, after: the two inputs, and what recovery reads from them.
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


def _gap_texts(reading: Reading) -> Iterator[str]:
    form, recovered = reading
    for gap in recovered.gaps:
        yield from (text for spelling, text, _, _ in form.header_pieces(*gap) if spelling is None)


def with_fixes(
    talk: Conversation, source: Source, found: list[Diagnostic], read: Callable[[Source], Reading]
) -> list[Diagnostic]:
    """All mistakes in an input with their fixes.

    Args:
        talk: the conversation.
        source: the input.
        found: its mistakes; those of checks come with the fixes that they propose.
        read: reads a changed input.
    """
    if next(talk.form.specials(0), None) is None and not talk.stripped:
        return [replace(each, fix=None) for each in found]  # without a special token it is not known to be Harmony
    proposed = [
        None if fix is None or source[slice(*fix.span)] == _like(source, fix.replacement) else fix
        for fix in (_stripped(talk, found) if talk.stripped else _proposed(talk, found))
    ]
    if not any(proposed):
        return [replace(each, fix=None) for each in found]
    kept = _proven((talk.form, talk.recovered), source, {fix for fix in proposed if fix}, read)
    return [replace(each, fix=fix if fix in kept else None) for each, fix in zip(found, proposed, strict=True)]


def _like(source: Source, replacement: str | tuple[int, ...]) -> Source:
    return list(replacement) if isinstance(source, list) and not isinstance(replacement, str) else str(replacement)


def _proven(before: Reading, source: Source, fixes: set[Fix], read: Callable[[Source], Reading]) -> set[Fix]:
    """The fixes that leave what is read equal, alone and together, from the most certain on."""
    kept: list[Fix] = []
    left = MAX_READINGS

    def spoils(applied: list[Fix], tried: list[Fix], exact: bool) -> set[Fix]:
        """Which of some fixes change what is read where they are applied; all of them if that is not clear."""
        nonlocal left
        left -= 1
        after = read(apply(source, applied))
        if is_same_reading(before, after, exact):
            return set()
        return _suspects(before, after, applied, exact).intersection(tried) or set(tried)

    def try_all(tried: list[Fix], exact: bool) -> None:
        while tried and left > 0:
            # A fix may hide that another one does harm, and stands beside it then: each second one is tried alone, too.
            parts = [tried[::2], tried[1::2]] if len(tried) > 1 or kept else []
            bad = spoils([*kept, *tried], tried, exact)
            bad = bad or set().union(*(spoils(part, part, exact) for part in parts if part and left > 0))
            if not bad:
                kept.extend(tried)
                return
            if len(bad) == len(tried):
                break
            tried = [fix for fix in tried if fix not in bad]
        if len(tried) > 1 and left > 0:
            try_all(tried[: len(tried) // 2], exact)
            try_all(tried[len(tried) // 2 :], exact)

    for level in APPLICABILITIES:
        of_level = sorted((fix for fix in fixes if fix.applicability == level), key=lambda fix: (fix.span, fix.codes))
        try_all(of_level, exact=level == APPLICABILITIES[0])
    return set(kept)


def _suspects(before: Reading, after: Reading, fixes: list[Fix], exact: bool) -> set[Fix]:
    """The fixes inside of messages that are not read as before, or not in their place; else those that touch one."""
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


def _proposed(talk: Conversation, found: list[Diagnostic]) -> Iterator[Fix | None]:
    """For each mistake, a fix that may turn out to change what is read."""
    gaps = set(talk.recovered.gaps)
    headers: dict[int, list[Diagnostic]] = {}
    unclear = {each.index for each in found if may_be_completion(each)}
    said = set(map(id, talk.recovered.diagnostics))
    for each in found:
        if id(each) in said and each.span not in gaps and _in_header(talk, each):
            headers.setdefault(each.index, []).append(each)
    written = {
        index: talk.fix(change, [each.code for each in mistakes], index)
        for index, mistakes in headers.items()
        if index not in unclear and all(each.code.fix for each in mistakes) and (change := _header(talk, index))
    }
    for each in found:
        if id(each) not in said:
            yield each.fix
        elif each.span in gaps:
            yield talk.fix((each.span, talk.nothing), [each.code], None)
        elif each.index < len(talk.messages) and _in_body(talk, each):
            yield talk.fix((each.span, _replacement(talk, each)), [each.code], each.index)
        else:
            yield written.get(each.index) if _in_header(talk, each) else None


def _in_header(talk: Conversation, found: Diagnostic) -> bool:
    """Whether a mistake stands in the header of its message."""
    if found.index >= len(talk.messages) or _in_body(talk, found):
        return False
    begin, end = talk.header_span(found.index)
    return begin <= found.span.start and found.span.end <= end


def _in_body(talk: Conversation, found: Diagnostic) -> bool:
    """Whether a mistake stands in the content of its message, or is its missing stop token."""
    content, stop = talk.content_span(found.index)
    return found.code.name == UNTERMINATED or (content <= found.span.start < found.span.end <= stop)


def _replacement(talk: Conversation, found: Diagnostic) -> str | tuple[int, ...]:
    """What replaces a mistake in a content: the stop token that is missing, or nothing."""
    return talk.special(found.expected[0]) if found.code.name == UNTERMINATED else talk.nothing


def may_be_completion(found: Diagnostic) -> bool:
    """Whether what is wrong with an input is also how a completion begins."""
    return found.code.name == "missing-start" and found.span.start == 0


def _header(talk: Conversation, index: int) -> Change | None:
    """The change that writes a header as the format does."""
    format, span, message = talk.format, talk.header_span(index), talk.messages[index]
    if not message.repair or not message.repair.said:
        return None
    plain = replace(canonical(format, message), **{format.content: ""})
    continued = span.start == 0 and continues(format, talk.start)
    start, given = (talk.start, talk.given) if continued else ("transcript", {})
    try:
        if isinstance(talk.form, LenientText):
            text = render_text(format, [plain], start, given, format.as_parsed, training=False)
            return span, _cut(text, talk.recovery.opens)
        tokens = render(format, [plain], start, given, format.as_parsed, training=False, tokenizer=talk.form.tokenizer)
    except RenderError:
        return None
    opens = {format.encoding.special[spelling] for spelling in talk.recovery.opens}
    end = next(place for place, token in enumerate(tokens) if token in opens) + 1
    return span, tuple(tokens[:end])


def _cut(text: str, opens: tuple[str, ...]) -> str:
    """A message up to where its content begins."""
    return text[: min(text.index(token) + len(token) for token in opens if token in text)]


def _stripped(talk: Conversation, found: list[Diagnostic]) -> Iterator[Fix | None]:
    """For each guessed header, the change that writes all of them down."""
    format, span, messages = talk.format, Span(0, len(talk.form.units)), talk.recovered.messages
    change: Change | None = None
    try:
        if isinstance(talk.form, LenientText):
            change = span, render_text(format, messages, talk.start, talk.given, format.as_parsed, training=False)
        else:
            tokenizer = talk.form.tokenizer
            ids = render(
                format, messages, talk.start, talk.given, format.as_parsed, training=False, tokenizer=tokenizer
            )
            change = span, tuple(ids)
    except RenderError:
        pass
    said = set(map(id, talk.recovered.diagnostics))
    for each in found:
        yield talk.fix(change, [each.code], each.index) if change and id(each) in said else None
