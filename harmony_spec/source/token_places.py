"""Positions of tokens in the text of an input, special tokens spelled out, and the reverse."""

from __future__ import annotations

import re
from bisect import bisect_right
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence

from ..errors import Span
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from .forms import CHARACTER, Form, TextForm, TokenForm


class Places:
    """The positions of the tokens of an input, found in one pass.

    Args:
        form: the input.
        load: returns the tokenizer whose tokens a text has.
    """

    def __init__(self, form: Form, load: Callable[[], Tokenizer]) -> None:
        self.of_text = isinstance(form, TextForm)
        if isinstance(form, TextForm):
            tokenizer = load()
            form = TokenForm(form.format, tokens_of(form.format, form.units, tokenizer.encode), tokenizer)
        assert isinstance(form, TokenForm)
        decoder = getincrementaldecoder("utf-8")("replace")
        self._begins, complete = [0], 0  # code points that begin before each token; those that end before it
        for index, token in enumerate(form.tokens):
            if form.is_ordinary(token):
                complete += len(decoder.decode(form.decode_bytes([token])))
                self._begins.append(complete + len(CHARACTER.findall(decoder.getstate()[0])))
            else:
                decoder.reset()
                complete = self._begins[-1] + len(form.spelling(index))
                self._begins.append(complete)

    def text(self, span: Span) -> Span:
        """Return a span in code points of the text."""
        return span if self.of_text else Span(self._begins[span.start], self._begins[span.end])

    def tokens(self, span: Span) -> Span:
        """Return a span in token indices: all tokens that overlap it."""
        if not self.of_text:
            return span
        first, last = map(self.token_at, span)
        return Span(first, last if self._begins[last] == span.end else last + 1)

    def token_at(self, at: int) -> int:
        """Return the index of the token in which a code point of the text begins."""
        return bisect_right(self._begins, at) - 1


def tokens_of(format: Format, source: str | Sequence[int], encode: Callable[[str], list[int]]) -> list[int]:
    """Return the token ids of a part of an input; spelled-out special tokens become special tokens."""
    if not isinstance(source, str):
        return list(source)
    return tokens_of_parts(parts_of(format, source), format.encoding.special, encode)


def parts_of(format: Format, text: str) -> list[str]:
    """Divide a text into special tokens and the texts between them."""
    return [*filter(None, re.split(f"({format.special_text})", text))]


def tokens_of_mixed(format: Format, mixed: str, encode: Callable[[str], list[int]]) -> list[int]:
    """Return the token ids of a text in the mixed alphabet, such as a part of a frame."""
    return tokens_of_parts(re.split("([\ud800-\udfff])", mixed), format.marker_ids, encode)


def tokens_of_parts(parts: list[str], special: Mapping[str, int], encode: Callable[[str], list[int]]) -> list[int]:
    tokens: list[int] = []
    for part in filter(None, parts):
        tokens += [special[part]] if part in special else encode(part)
    return tokens
