"""The uniform view of an input, without errors: invalid units are read as U+FFFD, and their places can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..errors import Span
from ..format.tables import Format, Tokenizer
from .forms import MAX_CODE_POINT, Piece, TextForm, TokenForm, ordinary_ids

REPLACEMENT = "\ufffd"

MAX_CHARACTER_BYTES = 4
"""The longest character in UTF-8."""

CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]?|\xe0(?:[\xa0-\xbf][\x80-\xbf]?)?|\xed(?:[\x80-\x9f][\x80-\xbf]?)?"
    rb"|[\xe1-\xef][\x80-\xbf]{0,2}|\xf0(?:[\x90-\xbf][\x80-\xbf]{0,2})?|\xf4(?:[\x80-\x8f][\x80-\xbf]{0,2})?"
    rb"|[\xf1-\xf3][\x80-\xbf]{0,3}|[\x80-\xff]"
)
"""The bytes of one character, or the longest beginning of one, which one U+FFFD replaces.
Source: the Unicode Standard, table 3-7 and "U+FFFD Substitution of Maximal Subparts"."""

SourcePart = str | tuple[int, ...]
"""A part of the input in its own form: text or token ids."""


class LenientText(TextForm):
    """A text in which special tokens are spelled out. Lone surrogates are read as U+FFFD."""

    def __init__(self, format: Format, text: str) -> None:
        super().__init__(format, text)
        self.damaged = self.broken is not None
        if self.damaged:
            self.units = re.sub("[\ud800-\udfff]", REPLACEMENT, text)
            self.broken = None
            self.caches = {}  # a valid U+FFFD in another text has the same cache key

    def __reduce__(self) -> tuple[object, ...]:
        return LenientText, (self.format, self.source)

    def specials(self, start: int) -> Iterator[tuple[str, int, int]]:
        """Yield the special tokens from a position on, with start and end."""
        for match in self.format.special_matcher.finditer(self.units, start):
            yield match[0], match.start(), match.end()

    def header_pieces(self, start: int, end: int) -> Iterator[Piece]:
        """Yield the special tokens of a part of the input, and the text between them."""
        for match in self.format.special_matcher.finditer(self.units, start, end):
            if match.start() > start:
                yield None, self.units[start : match.start()], start, match.start()
            yield match[0], "", match.start(), match.end()
            start = match.end()
        if start < end:
            yield None, self.units[start:end], start, end

    def run(self, start: int, end: int, skip: int) -> tuple[str, Span | None]:
        """Return the text of a run without its first `skip` code points, and the span of the first damage."""
        text = self.units[start + skip : end]
        halves = REPLACEMENT in text and re.search("[\ud800-\udfff]+", self.source[start + skip : end])
        if not halves:
            return text, None
        return text, Span(start + skip + halves.start(), start + skip + halves.end())

    def place(self, start: int, text: str, offset: int) -> tuple[int, int]:
        """Return the position of the character at an offset into a run; the second value is 0."""
        return start + offset, 0

    def slice(self, start: int, end: int) -> SourcePart:
        return self.units[start:end]

    def spelled(self, start: int, end: int) -> str:
        """Return a part of the input as text, special tokens spelled out."""
        return self.units[start:end]


class LenientTokens(TokenForm):
    """Token ids, including unknown ones. Tokens may be added to `tokens` while it is read."""

    def __init__(self, format: Format, tokens: Sequence[int], tokenizer: Tokenizer) -> None:
        super().__init__(format, tokens, tokenizer)
        self.lowest_special = format.lowest_special
        self._last_beginnings: tuple[tuple[int, int], list[int]] = (-1, 0), []
        if (found := format.caches.get("specials")) is None:
            found = format.caches["specials"] = re.compile(f"[^{ordinary_ids(format)}]")
        self._pattern: re.Pattern[str] = found
        if self.broken is not None:
            known = [token if 0 <= token < MAX_CODE_POINT else MAX_CODE_POINT for token in self.tokens]
            self.units = "".join(map(chr, known))
            self.broken = None

    def __reduce__(self) -> tuple[object, ...]:
        return LenientTokens, (self.format, self.tokens, self.tokenizer)

    def specials(self, start: int) -> Iterator[tuple[str, int, int]]:
        """Yield the special and unknown tokens from a position on, with start and end."""
        for match in self._pattern.finditer(self.units, start):
            yield self.spelling(match.start()), match.start(), match.end()

    def special_places(self, tokens: list[int]) -> list[int]:
        """Return the indices of special and unknown tokens in a list."""
        low = self.lowest_special
        found = [index for index, token in enumerate(tokens) if token >= low or token < 0]
        return found if low == self.base_size else [index for index in found if not self.is_ordinary(tokens[index])]

    def run_end(self, tokens: list[int], at: int) -> int:
        """Return the end of the run of text at an index of a list."""
        size, special = self.base_size, self.special_ids
        if not at and max(tokens) < size and min(tokens) >= 0 and special.keys().isdisjoint(tokens):
            return len(tokens)
        for index in range(at, len(tokens)):
            token = tokens[index]
            if token >= size or token < 0 or token in special:
                return index
        return len(tokens)

    def spelling(self, index: int) -> str:
        """Return the spelling of a special token at an index; of an unknown one, `<id>`."""
        token = self.tokens[index]
        return self.special_ids.get(token) or f"<{token}>"

    def header_pieces(self, start: int, end: int) -> Iterator[Piece]:
        """Yield the special tokens of a part of the input, and the text between them."""
        part, at = self.tokens[start:end], 0
        while at < len(part):
            stop = self.run_end(part, at)
            if stop > at:
                yield None, self.run(start + at, start + stop, 0)[0], start + at, start + stop
            if stop < len(part):
                yield self.spelling(start + stop), "", start + stop, start + stop + 1
            at = stop + 1

    def run(self, start: int, end: int, skip: int) -> tuple[str, Span | None]:
        """Return the text of a run without its first `skip` bytes, and the span of the first damage."""
        data = self.decode_bytes(self.tokens[start:end])[skip:]
        try:
            return data.decode(), None
        except UnicodeDecodeError as error:
            first = self.token_at(start, skip + error.start)
            return data.decode(errors="replace"), Span(first, self.token_at(start, skip + error.end - 1) + 1)

    def place(self, start: int, text: str, offset: int) -> tuple[int, int]:
        """Return the token with the character at an offset into a run, and the bytes before it in that token."""
        before = len(text[:offset].encode())
        if REPLACEMENT in text[:offset]:
            before = self._find_beginnings(start, len(text))[offset]
        index = self.token_at(start, before)
        return index, before - len(self.decode_bytes(self.tokens[start:index]))

    def _find_beginnings(self, start: int, characters: int) -> list[int]:
        """Return the byte offsets of the characters in a damaged run, and its length; the last run is cached."""
        if self._last_beginnings[0] != (start, characters):
            part = self.tokens[start : start + MAX_CHARACTER_BYTES * characters]
            data = self.decode_bytes(part[: self.run_end(part, 0)])
            self._last_beginnings = (
                (start, characters),
                [*(match.start() for match in CHARACTER.finditer(data)), len(data)],
            )
        return self._last_beginnings[1]

    def token_at(self, start: int, offset: int) -> int:
        """Return the index of the token with the byte at an offset from the token at `start`, within the run."""
        while start + 1 < len(self.tokens) and self.is_ordinary(self.tokens[start + 1]):
            offset -= len(self.decode_bytes([self.tokens[start]]))
            if offset < 0:
                break
            start += 1
        return start

    def locate(self, start: int, text: str, offset: int) -> Span:
        index = self.place(start, text, offset)[0]
        return Span(index, index + 1)

    def slice(self, start: int, end: int) -> SourcePart:
        return tuple(self.tokens[start:end])

    def spelled(self, start: int, end: int) -> str:
        """Return a part of the input as text, special tokens spelled out."""
        return self.spell(start, end)


Lenient = LenientText | LenientTokens
