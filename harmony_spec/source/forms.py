"""The two forms of an input, token ids and text, made alike: a string to match in, and a way to read parts of it.

Token ids fit into code points, so a token list becomes a string whose characters are the tokens, and one regular
expression finds messages in either form at C speed. Positions are indices into that string: token indices or code
points.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby

from ..codes import INVALID_TEXT, UNKNOWN_TOKEN
from ..errors import ParseError, Span
from ..format.tables import Format, Frame, Tokenizer

Piece = tuple[str | None, str, int, int]
"""A special token (spelling, "") or a run of text (None, text), with start and end."""

AROUND = 24
"""How much of the input an error quotes on each side of its position: enough to recognise it."""


HEADER_LIMITS = {"token": 256, "character": 1024}
"""The longest header, up to the token that opens the content, by the unit of the input: several times the longest name
of a tool. What is longer is text that lost its header, and a stream must not hold it back any longer."""

LAST_CHARACTER = 0x10FFFF
"""No token id is larger than this: it would be no code point."""


class Form(ABC):
    """An input as a string of units.

    Attributes:
        unit: what positions count: "token" or "character".
        units: the string; it ends before the first unit that cannot be read.
        broken: where that unit is, or None.
    """

    unit: str
    units: str
    broken: int | None

    def __init__(self, format: Format, owner: object) -> None:
        self.format = format
        self.caches = format.caches_of(owner)
        self.limit = HEADER_LIMITS[self.unit]

    def framing(self, frame: Frame) -> re.Pattern[str]:
        """A pattern with two groups, before the content and the content; what follows them ends the frame."""
        key = (self.unit, frame.name)
        found: re.Pattern[str] | None = self.format.caches.get(key)
        if found is None:
            found = self.format.caches[key] = re.compile(self._framing(frame))
        return found

    def _framing(self, frame: Frame) -> str:
        ordinary = self._ordinary()
        head = f"{ordinary}(?:{self._any_of(frame.inside)}{ordinary})*?" if frame.inside else ordinary
        if not frame.has_content:
            return f"({head.removesuffix('?')})()"
        tail = f"(?!{self._any_of(frame.continues)})" if frame.continues else ""
        if frame.closes:
            more = ordinary if frame.ends_with_text else ""
            trails = f"(?:{self._any_of(frame.trails)}{more})*" if frame.trails else ""
            close = f"{self._any_of(frame.closes)}{more}{trails}"
            tail += close if frame.closed else f"(?:{close})?"
        return f"({head + self._any_of(frame.opens) if frame.opens else ''})({ordinary}){tail}"

    def _any_of(self, spellings: tuple[str, ...]) -> str:
        return f"(?:{'|'.join(map(self._special, spellings))})"

    @abstractmethod
    def _ordinary(self) -> str:
        """A pattern for a run of units of text, as long as possible."""

    @abstractmethod
    def _special(self, spelling: str) -> str:
        """A pattern for a special token."""

    @abstractmethod
    def mixed(self, start: int, end: int) -> str:
        """A part of the input in the mixed alphabet."""

    @abstractmethod
    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        """Where the special token begins that ends at a position, and is one of these."""

    @abstractmethod
    def text(self, start: int, end: int) -> str:
        """A part of the input that holds no special token."""

    @abstractmethod
    def pieces(self, start: int) -> Iterator[Piece]:
        """From a position on, special tokens (spelling, "") and runs of text (None, text), each with start and end.

        Raises `ParseError` at a unit that cannot be read.
        """

    @abstractmethod
    def locate(self, start: int, text: str, offset: int) -> Span:
        """The span of the unit that holds the character at an offset into a run of text that begins at `start`."""

    @abstractmethod
    def around(self, span: Span) -> tuple[str, int]:
        """The text near a span, special tokens spelled out, and where in it the span begins."""


class TextForm(Form):
    """A text in which special tokens are spelled out."""

    unit = "character"

    def __init__(self, format: Format, text: str) -> None:
        super().__init__(format, TextForm)
        self.source, self.units, self.broken = text, text, None
        try:
            text.encode()
        except UnicodeEncodeError as error:
            self.broken = error.start
            self.units = text[: error.start]

    def unreadable(self) -> ParseError:
        """The error for half of a character, which ends what can be read."""
        at = len(self.units)
        around, caret = self.around(Span(at, at + 1))
        return ParseError(
            INVALID_TEXT,
            f"U+{ord(self.source[at]):04X} is half of a character (a lone surrogate)",
            span=Span(at, at + 1),
            around=around,
            caret=caret,
            hint="Decode the input as UTF-8.",
        )

    def _ordinary(self) -> str:
        firsts = "".join(sorted({re.escape(spelling[0]) for spelling in self.format.encoding.special}))
        return f"[^{firsts}]*+(?:(?!{self.format.special_text})[{firsts}][^{firsts}]*+)*+"

    def _special(self, spelling: str) -> str:
        return re.escape(spelling)

    def mixed(self, start: int, end: int) -> str:
        """A part of the input in the mixed alphabet."""
        markers = self.format.markers
        return self.format.special_matcher.sub(lambda m: markers[m[0]], self.units[start:end])

    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        """Where the special token begins that ends at a position, and is one of these."""
        return end - next(len(spelling) for spelling in spellings if self.units.endswith(spelling, 0, end))

    def text(self, start: int, end: int) -> str:
        """A part of the input that holds no special token."""
        return self.units[start:end]

    def pieces(self, start: int) -> Iterator[Piece]:
        """From a position on, special tokens (spelling, "") and runs of text (None, text), each with start and end."""
        for match in self.format.special_matcher.finditer(self.units, start):
            if match.start() > start:
                yield None, self.units[start : match.start()], start, match.start()
            yield match[0], "", match.start(), match.end()
            start = match.end()
        if start < len(self.units):
            yield None, self.units[start:], start, len(self.units)
        if self.broken is not None:
            raise self.unreadable()

    def locate(self, start: int, text: str, offset: int) -> Span:
        """The span of the character at an offset into a run of text that begins at `start`."""
        return Span(start + offset, min(start + offset + 1, start + len(text)))

    def around(self, span: Span) -> tuple[str, int]:
        """The text near a span, and where in it the span begins."""
        start = max(span.start - AROUND, 0)
        shown = self.source[start : min(span.end, span.start + AROUND) + AROUND].encode(errors="replace").decode()
        return shown, span.start - start


class TokenForm(Form):
    """A list of token ids."""

    unit = "token"

    def __init__(self, format: Format, tokens: Sequence[int], tokenizer: Tokenizer) -> None:
        super().__init__(format, tokenizer)
        self.tokenizer, self.decode_bytes = tokenizer, tokenizer.decode_bytes
        self.special_ids, self.base_size = format.spellings, format.encoding.base_size
        if isinstance(tokens, (bytes, bytearray)):
            raise TypeError("the source is bytes; decode it to a text, or pass token ids")
        self.tokens = tokens if isinstance(tokens, list) else list(tokens)
        self.broken = None
        try:
            self.units = _characters(self.tokens)
        except (OverflowError, UnicodeDecodeError):
            self.broken = next(i for i, token in enumerate(self.tokens) if not 0 <= token <= LAST_CHARACTER)
            self.units = _characters(self.tokens[: self.broken])

    def unknown(self, index: int) -> ParseError:
        """The error for a token that the vocabulary does not have."""
        around, caret = self.around(Span(index, index + 1))
        return ParseError(
            UNKNOWN_TOKEN,
            f"{self.tokens[index]} is no token id of {self.format.encoding.name}",
            span=Span(index, index + 1),
            unit=self.unit,
            around=around,
            caret=caret,
            hint="Remove padding and ignored labels; tokens of another vocabulary mean something else.",
        )

    def _ordinary(self) -> str:
        return f"[{_ordinary_ids(self.format)}]*"

    def _special(self, spelling: str) -> str:
        return _character(self.format.encoding.special[spelling])

    def mixed(self, start: int, end: int) -> str:
        """A part of the input in the mixed alphabet."""
        markers = self.format.markers
        pieces = self.pieces(start, end)
        return "".join(text if spelling is None else markers[spelling] for spelling, text, _, _ in pieces)

    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        """Where the special token begins that ends at a position, and is one of these."""
        return end - 1

    def text(self, start: int, end: int) -> str:
        """A part of the input that holds no special token."""
        data = self.decode_bytes(self.tokens[start:end])
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            index = self.token_at(start, error.start)
            around, caret = self.around(Span(index, index + 1))
            raise ParseError(
                INVALID_TEXT,
                f"the bytes {error.object[error.start : error.end]!r} are not UTF-8",
                span=Span(index, self.token_at(start, error.end - 1) + 1),
                unit=self.unit,
                around=around,
                caret=caret,
                hint="A character may be split over tokens, but not over messages or headers.",
            ) from None

    def token_at(self, start: int, offset: int) -> int:
        """The index of the token that holds the byte at an offset from the token at `start`."""
        while start < len(self.tokens):
            offset -= len(self.decode_bytes([self.tokens[start]]))
            if offset < 0:
                break
            start += 1
        return start

    def pieces(self, start: int, end: int | None = None) -> Iterator[Piece]:
        """From a position on, special tokens (spelling, "") and runs of text (None, text), each with start and end."""
        run = re.compile(f"[{_ordinary_ids(self.format)}]+")
        whole = end is None
        end = len(self.units) if end is None else end
        while start < end:
            if match := run.match(self.units, start, end):
                yield None, self.text(start, match.end()), start, match.end()
                start = match.end()
            elif (spelling := self.format.spellings.get(self.tokens[start])) is not None:
                yield spelling, "", start, start + 1
                start += 1
            else:
                raise self.unknown(start)
        if whole and self.broken is not None:
            raise self.unknown(self.broken)

    def locate(self, start: int, text: str, offset: int) -> Span:
        """The span of the token that holds the character at an offset into a run of text that begins at `start`."""
        index = self.token_at(start, len(text[:offset].encode()))
        return Span(index, index + 1)

    def around(self, span: Span) -> tuple[str, int]:
        """The text near a span, and where in it the span begins."""
        before = self.spell(max(span.start - AROUND // 2, 0), span.start)[-AROUND:]
        end = min(span.end, span.start + AROUND) + AROUND // 2
        return before + self.spell(span.start, end)[: AROUND + 16], len(before)

    def is_ordinary(self, token: int) -> bool:
        """Whether a token id is that of text."""
        return 0 <= token < self.base_size and token not in self.special_ids

    def spell(self, start: int, end: int) -> str:
        """A part of the input as text, special tokens spelled out; those that do not exist as numbers."""
        data = b""
        for is_text, run in groupby(self.tokens[start:end], self.is_ordinary):
            if is_text:
                data += self.decode_bytes(list(run))
            else:
                data += "".join(self.special_ids.get(token) or f"<{token}>" for token in run).encode()
        return data.decode(errors="replace")


def _characters(tokens: list[int]) -> str:
    """A string whose code points are token ids."""
    return array("I", tokens).tobytes().decode("utf-32-le", "surrogatepass")


def _character(number: int) -> str:
    return f"\\U{number:08x}"


def _ordinary_ids(format: Format) -> str:
    """The body of a character class for the ids of ordinary tokens."""
    found: str | None = format.caches.get("ordinary")
    if found is None:
        found = format.caches["ordinary"] = _class_of_ordinary_ids(format)
    return found


def _class_of_ordinary_ids(format: Format) -> str:
    parts, first = [], 0
    for number in sorted({*format.encoding.special.values(), format.encoding.base_size}):
        if number > format.encoding.base_size:
            break
        if number > first:
            parts.append(f"{_character(first)}-{_character(number - 1)}")
        first = number + 1
    return "".join(parts)
