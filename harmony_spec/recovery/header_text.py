"""The text of a header, divided at special tokens, and what a text that is none has in it: arguments, or prose."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate

from ..errors import Span
from ..source.forms import REPLACEMENT, Form, SourcePiece

ARGUMENTS = re.compile(r'\{\s*["}]|\[\s*["{\[]')
"""The beginning of arguments as JSON, unlike "[note]" or "{x}" in a text."""

SPACED_ARGUMENTS = re.compile(rf"\s*(?:{ARGUMENTS.pattern})")

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
"""Strings of JSON, and the brackets around them."""

AROUND_SENTENCES = re.compile(r"</?\w+>|^[^\w<]+|[^\w<>.!?\u2026]+$")
"""Tags, and other signs around a sentence of one word: `<think>Hm.</think>`."""

ENDS_OF_SENTENCES = (".", "!", "?", "\u2026")

GOES_ON_AS_PROSE = re.compile(r"[,;:]?\s*[a-z]+\s+[a-z]")
"""After a recipient without a channel, this is not a content: `to=functions.f is how one calls it.`"""

PROSE_CHARS = 80
"""Characters without a field that make an answer without its header, if words are longer than in headers: the name of
a tool has 64 at most, after a namespace."""

PROSE_NON_ASCII_CHARS = 12
"""Characters in a row outside of ASCII that make one: many scripts do not divide words."""


@lru_cache
def prose_patterns(word_count: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile what makes a text an answer without its header: after the token that begins a message, and elsewhere.

    Args:
        word_count: complete words without a field, after the author: as many as a header can have there, for example
            its author, recipient and content type.
    """
    begun, words = (
        rf"(?P<words>[\t\n\r ]*(?:[^\t\n\r ]+[\t\n\r ]+){{{count}}})" for count in (word_count + 1, word_count)
    )
    prose = rf"{words}|.{{{PROSE_CHARS}}}|.*?[^\x00-\x7f]{{{PROSE_NON_ASCII_CHARS}}}"
    return re.compile(begun), re.compile(prose, re.DOTALL)


def is_arguments(text: str) -> bool:
    """Whether a text begins with arguments, perhaps wrong ones, and is not a sentence: `python {"a": 1} is a dict.`"""
    if not ARGUMENTS.match(text):
        return False
    end = arguments_end(text, 0, len(text))
    return end is None or not text[end:].strip()  # the first part of them, or all


def arguments_end(text: str, start: int, limit: int) -> int | None:
    """Where the arguments that begin at a place end; None if they do not end before `limit`."""
    depth = 0
    for match in _BRACKETS.finditer(text, start, limit):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth <= 0 and match[0] in "]}":
            return match.end()
    return None


def is_sentence(word: str) -> bool:
    """Whether a word is a sentence, or in a script without capitals, such as Chinese, often written without spaces.

    A sentence has a capital letter and an end, perhaps in brackets, quotes or tags: `Sure.` (gpt-oss, before a call).
    No format has names in such scripts.
    """
    bare = AROUND_SENTENCES.sub("", word)
    is_whole = bare[:1].isupper() and bare.endswith(ENDS_OF_SENTENCES)
    return is_whole or any(char.isalpha() and char.lower() == char.upper() for char in word)


class HeaderText:
    """A header in the mixed alphabet, without the special tokens that the grammar does not use.

    Args:
        form: the input.
        pieces: from the beginning of the message up to the token that opens its content.
    """

    def __init__(self, form: Form, pieces: Iterable[SourcePiece]) -> None:
        self.form, self.markers = form, form.format.markers
        self.strays: list[SourcePiece] = []
        self.pieces: list[SourcePiece] = []
        for piece in pieces:
            (self.pieces if piece[0] is None or piece[0] in self.markers else self.strays).append(piece)
        parts = [text if spelling is None else self.markers[spelling] for spelling, text, _, _ in self.pieces]
        self.offsets = [*accumulate(map(len, parts), initial=0)][:-1]
        self.mixed = "".join(parts)

    @property
    def damaged(self) -> int | None:
        """The offset into the mixed text of the first invalid byte or surrogate; None if there is none."""
        for offset, (spelling, text, start, end) in zip(self.offsets, self.pieces, strict=True):
            if spelling is None and REPLACEMENT in text and self.form.run(start, end, 0)[1]:
                return offset + text.index(REPLACEMENT)
        return None

    def span(self, start: int, end: int) -> Span:
        """Return the span in the input of a part of the mixed text."""
        if not self.pieces:
            return Span(0, 0)
        return Span(self._unit(start, 0), self._unit(max(end - 1, start), 1))

    def _unit(self, at: int, side: int) -> int:
        number = bisect_right(self.offsets, at) - 1
        spelling, text, start, end = self.pieces[number]
        if spelling is not None:
            return (start, end)[side]
        return self.form.locate(start, text, at - self.offsets[number])[side]

    def shown(self, start: int, end: int) -> str:
        """Return a part of the mixed text with special tokens spelled out."""
        by_marker = self.form.format.by_marker
        return "".join(by_marker.get(char, char) for char in self.mixed[start:end])
