"""Positions of tokens in the text of an input, special tokens spelled out, and the reverse."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from ..errors import Span
from ..format.tables import Format
from .lenient import Lenient, LenientText, LenientTokens, SourcePart

CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that do not begin a character."""


class Places:
    """The positions of the tokens of an input, found in one pass. A text has the tokens that it is encoded to."""

    def __init__(self, form: Lenient) -> None:
        self.of_text = isinstance(form, LenientText)
        if isinstance(form, LenientText):
            from ..vocabulary import tokenizer_for

            tokenizer = tokenizer_for(form.format.encoding, None)
            tokens = tokens_of(form.format, form.units, tokenizer.encode)
            form = LenientTokens(form.format, tokens, tokenizer)
        self._begins = begins(form, form.tokens)

    def text(self, span: Span) -> Span:
        """Return a span in code points of the text."""
        return span if self.of_text else Span(self._begins[span.start], self._begins[span.end])

    def tokens(self, span: Span) -> Span:
        """Return a span in token indices: all tokens that overlap it."""
        return tokens_at(self._begins, span) if self.of_text else span


def begins(form: LenientTokens, tokens: list[int]) -> list[int]:
    """Return the offset of each token in the text of all, and the end of the last, in code points."""
    special, decode = form.special_ids, form.decode_bytes
    sizes = (
        characters(decode([token])) if form.is_ordinary(token) else len(special.get(token) or f"<{token}>")
        for token in tokens
    )
    return list(accumulate(sizes, initial=0))


def tokens_at(begins: list[int], span: Span) -> Span:
    """Return the span of the tokens that overlap a span of their text."""
    first, last = (bisect_right(begins, at) - 1 for at in span)
    return Span(first, last if begins[last] == span.end else last + 1)


def characters(data: bytes) -> int:
    """Count the characters that begin in bytes of UTF-8."""
    return len(data.translate(None, CONTINUATION))


def tokens_of(format: Format, source: SourcePart, encode: Callable[[str], list[int]]) -> list[int]:
    """Return the token ids of a part of an input; spelled-out special tokens become special tokens."""
    if not isinstance(source, str):
        return list(source)
    tokens: list[int] = []
    for part in re.split(f"({format.special_text})", source):
        tokens += [format.encoding.special[part]] if part in format.encoding.special else encode(part)
    return tokens


def text_of(format: Format, source: SourcePart) -> str:
    """Return a part of an input with special tokens spelled out."""
    if isinstance(source, str):
        return source
    from ..vocabulary import tokenizer_for

    form = LenientTokens(format, source, tokenizer_for(format.encoding, None))
    return form.spelled(0, len(source))
