"""The places of the characters of a content in the input. Special tokens inside are not part of a content."""

from __future__ import annotations

import codecs
from array import array

from ..errors import Span
from ..source.forms import Form, TokenForm


class ContentPlaces:
    """The places of the characters of one content, computed once, in time linear in its length.

    Args:
        content: the span of the content in the input.
        length: of the content, in code points. More text in the span comes before the content.

    Attributes:
        firsts, lasts: for each character, the units in which it begins and ends.
    """

    def __init__(self, form: Form, content: Span, length: int) -> None:
        self.content, self.firsts, self.lasts = content, array("q"), array("q")
        for spelling, text, start, end in form.pieces(content.start, content.end):
            if spelling is None and isinstance(form, TokenForm):
                self._add_tokens(form, start, end, len(text))
            elif spelling is None:
                self.firsts.extend(range(start, end))
                self.lasts.extend(range(start, end))
        self.before = len(self.firsts) - length

    def span(self, start: int, end: int) -> Span:
        """The span of the units that hold these characters; an empty span at the end of the content for none."""
        if start >= end or self.before < 0:
            return Span(self.content.end, self.content.end) if start >= end else self.content
        return Span(self.firsts[self.before + start], self.lasts[self.before + end - 1] + 1)

    def _add_tokens(self, form: TokenForm, start: int, end: int, length: int) -> None:
        """Add the characters of a run of tokens. A token may hold a part of a character."""
        decoder, begun, all_before = codecs.getincrementaldecoder("utf-8")("replace"), start, len(self.firsts)
        for index in range(start, end):
            pending = decoder.getstate()[0]
            added = len(decoder.decode(form.decode_bytes([form.tokens[index]])))
            begun = begun if pending else index
            self.firsts.extend([begun][:added] + [index] * (added - 1))
            self.lasts.extend([index] * added)
            begun = index if added else begun
        unfinished = length - (len(self.firsts) - all_before)
        self.firsts.extend([begun] * unfinished)
        self.lasts.extend([end - 1] * unfinished)
