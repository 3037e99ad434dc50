"""Changes that surely give what was meant: headers as the format writes them, special tokens too many left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..as_read import canonical
from ..diagnostics import Diagnostic, Fix
from ..errors import RenderError
from ..recovery.lenient import LenientText
from ..rendering import render, render_text
from ..tables import continues
from .conversation import Conversation


def with_fixes(talk: Conversation) -> Iterator[Diagnostic]:
    """What recovery said of an input, with a change where all that is wrong with a header, or a gap, has a sure one.

    The change stands in the first of the diagnostics of a header.
    """
    said = talk.recovered.diagnostics
    unsure = {found.index for found in said if not found.code.fixable}
    gaps = set(talk.recovered.gaps)
    done: set[int] = set()
    for found in said:
        fix = None
        if found.span in gaps and found.code.fixable:
            fix = Fix(found.span, "" if isinstance(talk.form, LenientText) else ())
        elif may_be_completion(found):
            unsure.add(found.index)
        elif found.span not in gaps and found.index not in unsure | done and found.index < len(talk.messages):
            done.add(found.index)
            fix = _header(talk, found.index)
        yield replace(found, fix=fix) if fix else found


def may_be_completion(found: Diagnostic) -> bool:
    """Whether what is wrong with an input is also how a completion begins."""
    return found.code.name == "missing-start" and found.span.start == 0


def _header(talk: Conversation, index: int) -> Fix | None:
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
            return Fix(span, _cut(text, talk.recovery.opens))
        tokens = render(format, [plain], start, given, format.as_parsed, training=False, tokenizer=talk.form.tokenizer)
    except RenderError:
        return None
    opens = {format.encoding.special[spelling] for spelling in talk.recovery.opens}
    end = next(place for place, token in enumerate(tokens) if token in opens) + 1
    return Fix(span, tuple(tokens[:end]))


def _cut(text: str, opens: tuple[str, ...]) -> str:
    """A message up to where its content begins."""
    return text[: min(text.index(token) + len(token) for token in opens if token in text)]
