"""The places of the characters of a content in the input. Special tokens inside are not part of a content."""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Iterable

from ..errors import Span
from ..source.forms import Form, Piece, TokenForm


class ContentPlaces:
    """The places of the characters of one content, computed once, in time linear in its length.

    Args:
        content: the span of the content in the input.
        length: of the content, in code points. More text in the span comes before the content.

    Attributes:
        begun: for each unit, the characters that begin before it.
        done: for each unit, the characters that are complete before it; for text, `begun` itself.
        units: the units, in the same order.
    """

    def __init__(self, form: Form, content: Span, length: int) -> None:
        self.content = content
        self.begun: list[int] = []
        self.done: list[int] = []
        self.units: list[int] = []
        pieces = form.pieces(content.start, content.end)
        total = self._tokens(form, pieces) if isinstance(form, TokenForm) else self._texts(pieces)
        self.before = total - length

    def span(self, start: int, end: int) -> Span:
        """The span of the units that hold these characters; an empty span at the end of the content for none."""
        if start >= end or self.before < 0:
            return Span(self.content.end, self.content.end) if start >= end else self.content
        first, last = self.before + start, self.before + end - 1
        index, until = bisect_right(self.begun, first) - 1, bisect_right(self.done, last) - 1
        if self.done is self.begun:  # a piece of text, in which each character is a unit
            return Span(self.units[index] + first - self.begun[index], self.units[until] + last - self.begun[until] + 1)
        return Span(self.units[index], self.units[until] + 1)

    def _texts(self, pieces: Iterable[Piece]) -> int:
        """Collect the pieces of text; return how many characters they have."""
        self.done, total = self.begun, 0
        for spelling, text, start, _ in pieces:
            if spelling is None:
                self.begun.append(total)
                self.units.append(start)
                total += len(text)
        return total

    def _tokens(self, form: TokenForm, pieces: Iterable[Piece]) -> int:
        """Collect the tokens; return how many characters they have. A token may hold a part of a character."""
        total = 0
        for spelling, text, start, end in pieces:
            if spelling is not None:
                continue
            decoder, done = codecs.getincrementaldecoder("utf-8")("replace"), total
            for index in range(start, end):
                self.done.append(done)
                self.begun.append(done + bool(decoder.getstate()[0]))
                self.units.append(index)
                done += len(decoder.decode(form.decode_bytes([form.tokens[index]])))
            total += len(text)
        return total
