"""Where the tokens of an input stand in its text, special tokens spelled out, and the other way around."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from ..errors import Span
from ..format.tables import Format
from ..vocabulary import tokenizer_for
from .lenient import Lenient, LenientText, LenientTokens, Part

CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes with which no character begins in UTF-8."""


class Places:
    """The places of the tokens of an input, found in one pass. Those of a text are the ones it would be encoded to."""

    def __init__(self, form: Lenient) -> None:
        self.of_text = isinstance(form, LenientText)
        if isinstance(form, LenientText):
            tokenizer = tokenizer_for(form.format.encoding, None)
            tokens = tokens_of(form.format, form.units, tokenizer.encode)
            form = LenientTokens(form.format, tokens, tokenizer)
        self._begins = begins(form, form.tokens)

    def text(self, span: Span) -> Span:
        """A span in code points of the text."""
        return span if self.of_text else Span(self._begins[span.start], self._begins[span.end])

    def tokens(self, span: Span) -> Span:
        """A span in token indices: all tokens that have a part in it."""
        return tokens_at(self._begins, span) if self.of_text else span


def begins(form: LenientTokens, tokens: list[int]) -> list[int]:
    """Where in the text of tokens each of them begins, and where the last one ends, in code points."""
    special, decode = form.special_ids, form.decode_bytes
    sizes = (
        characters(decode([token])) if form.is_ordinary(token) else len(special.get(token) or f"<{token}>")
        for token in tokens
    )
    return list(accumulate(sizes, initial=0))


def tokens_at(begins: list[int], span: Span) -> Span:
    """The tokens that have a part in a span of their text."""
    first, last = (bisect_right(begins, at) - 1 for at in span)
    return Span(first, last if begins[last] == span.end else last + 1)


def characters(data: bytes) -> int:
    """How many characters begin in bytes of UTF-8."""
    return len(data.translate(None, CONTINUATION))


def tokens_of(format: Format, source: Part, encode: Callable[[str], list[int]]) -> list[int]:
    """The token ids of a part of an input; in a text, what spells a special token is one."""
    if not isinstance(source, str):
        return list(source)
    tokens: list[int] = []
    for part in re.split(f"({format.special_text})", source):
        tokens += [format.encoding.special[part]] if part in format.encoding.special else encode(part)
    return tokens


def text_of(format: Format, source: Part) -> str:
    """A part of an input with special tokens spelled out."""
    if isinstance(source, str):
        return source
    form = LenientTokens(format, source, tokenizer_for(format.encoding, None))
    return form.spelled(0, len(source))
