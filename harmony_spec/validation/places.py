"""Where the tokens of an input stand in its text, special tokens spelled out, and the other way around."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from ..as_read import tokens_of
from ..errors import Span
from ..lenient import Lenient, LenientText
from ..vocabulary import tokenizer_for

CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes with which no character begins in UTF-8."""


class Places:
    """The places of the tokens of an input, found in one pass. Those of a text are the ones it would be encoded to."""

    def __init__(self, form: Lenient) -> None:
        self.of_text = isinstance(form, LenientText)
        if isinstance(form, LenientText):
            tokenizer = tokenizer_for(form.format.encoding, None)
            tokens = tokens_of(form.format, form.units, tokenizer.encode)
            spell = spelling(form.format.spellings, tokenizer.decode_bytes)
        else:
            tokens, spell = form.tokens, spelling(form.format.spellings, form.decode_bytes)
        self._begins = list(accumulate((characters(spell(token)) for token in tokens), initial=0))

    def text(self, span: Span) -> Span:
        """A span in code points of the text."""
        return span if self.of_text else Span(self._begins[span.start], self._begins[span.end])

    def tokens(self, span: Span) -> Span:
        """A span in token indices: all tokens that have a part in it."""
        if not self.of_text:
            return span
        first, last = (bisect_right(self._begins, at) - 1 for at in span)
        return Span(first, last if self._begins[last] == span.end else last + 1)


def spelling(special: dict[int, str], decode: Callable[[list[int]], bytes]) -> Callable[[int], bytes]:
    """What gives the bytes that a token is written as."""

    def spell(token: int) -> bytes:
        if token in special:
            return special[token].encode()
        try:
            return decode([token])
        except (KeyError, OverflowError):  # no token of the vocabulary
            return f"<{token}>".encode()

    return spell


def characters(data: bytes) -> int:
    """How many characters begin in bytes of UTF-8."""
    return len(data.translate(None, CONTINUATION))
