"""A uniform view of an input, whether text or token ids: a string to match in, and methods to read parts of it.

Token ids fit into code points, so a token list becomes a string whose characters are the tokens, and one regular
expression finds messages in either form at C speed. Positions are indices into that string: token indices or code
points.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ..codes import INVALID_TEXT, UNKNOWN_TOKEN
from ..errors import ParseError, Span
from ..format.tables import Format, Frame, Tokenizer

Piece = tuple[str | None, str, int, int]
"""A special token (spelling, "") or a run of text (None, text), with start and end."""

QUOTED_CHARS_PER_SIDE = 24
"""Characters that an error quotes on each side of its position: enough to recognize the place."""


HEADER_LIMITS = {"token": 256, "character": 1024}
"""Headers are shorter than this, up to the token that opens the content, by the unit of the input: several times the
longest name of a tool. Anything longer is text without a header, and a stream must not hold it back."""

MAX_CODE_POINT = 0x10FFFF
"""The largest token id, since ids become code points."""


class Form(ABC):
    """An input as a string of units.

    Attributes:
        unit: the unit of positions: "token" or "character".
        units: the string, up to the first unit that cannot be read.
        broken: the position of that unit, or None.
    """

    unit: str
    units: str
    broken: int | None

    def __init__(self, format: Format, owner: object) -> None:
        self.format = format
        self.caches = format.caches_of(owner)
        self.limit = HEADER_LIMITS[self.unit]

    def framing(self, frame: Frame) -> re.Pattern[str]:
        """Return a pattern for a frame, with two groups: the part before the content, and the content."""
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
        head = head + self._any_of(frame.opens) if frame.opens else ""
        return f"({f'(?:{head})??' if frame.headless else head})({ordinary}){tail}"

    def _any_of(self, spellings: tuple[str, ...]) -> str:
        return f"(?:{'|'.join(map(self._special, spellings))})"

    @abstractmethod
    def _ordinary(self) -> str:
        """Return a pattern for the longest run of text."""

    @abstractmethod
    def _special(self, spelling: str) -> str:
        """Return a pattern for a special token."""

    @abstractmethod
    def mixed(self, start: int, end: int) -> str:
        """Return a part of the input in the mixed alphabet: text, with one surrogate for each special token."""

    @abstractmethod
    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        """Return the start of the special token that ends at a position and has one of these spellings."""

    @abstractmethod
    def text(self, start: int, end: int) -> str:
        """Return a part of the input without special tokens as text."""

    @abstractmethod
    def pieces(self, start: int) -> Iterator[Piece]:
        """Yield the special tokens (spelling, "") and runs of text (None, text) from a position on, with start and end.

        Raises `ParseError` at a unit that cannot be read.
        """

    @abstractmethod
    def locate(self, start: int, text: str, offset: int) -> Span:
        """Return the span of the unit with the character at an offset into the run of text at `start`."""

    @abstractmethod
    def around(self, span: Span) -> tuple[str, int]:
        """Return the text around a span, special tokens spelled out, and the offset of the span in it."""


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
        """Return the error for the first lone surrogate."""
        at = len(self.units)
        around, caret = self.around(Span(at, at + 1))
        return ParseError(
            INVALID_TEXT,
            f"U+{ord(self.source[at]):04X} is a lone surrogate",
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
        markers = self.format.markers
        return self.format.special_matcher.sub(lambda m: markers[m[0]], self.units[start:end])

    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        return end - next(len(spelling) for spelling in spellings if self.units.endswith(spelling, 0, end))

    def text(self, start: int, end: int) -> str:
        return self.units[start:end]

    def pieces(self, start: int) -> Iterator[Piece]:
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
        return Span(start + offset, min(start + offset + 1, start + len(text)))

    def around(self, span: Span) -> tuple[str, int]:
        start = max(span.start - QUOTED_CHARS_PER_SIDE, 0)
        shown = (
            self.source[start : min(span.end, span.start + QUOTED_CHARS_PER_SIDE) + QUOTED_CHARS_PER_SIDE]
            .encode(errors="replace")
            .decode()
        )
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
        if isinstance(tokens, Mapping) or not isinstance(tokens, Iterable):
            raise TypeError(f"expected a text or token ids, got {type(tokens).__name__}")
        self.tokens = tokens if isinstance(tokens, list) else list(tokens)
        self.broken = None
        try:
            self.units = _characters(self.tokens)
        except (OverflowError, UnicodeDecodeError):
            self.broken = next(i for i, token in enumerate(self.tokens) if not 0 <= token <= MAX_CODE_POINT)
            self.units = _characters(self.tokens[: self.broken])

    def unknown(self, index: int) -> ParseError:
        """Return the error for a token that is not in the vocabulary."""
        around, caret = self.around(Span(index, index + 1))
        return ParseError(
            UNKNOWN_TOKEN,
            f"{self.tokens[index]} is not a token id of {self.format.encoding.name}",
            span=Span(index, index + 1),
            unit=self.unit,
            around=around,
            caret=caret,
            hint="Remove padding and ignored labels; tokens of another vocabulary mean something else.",
        )

    def _ordinary(self) -> str:
        return f"[{ordinary_ids(self.format)}]*+"

    def _special(self, spelling: str) -> str:
        return _character(self.format.encoding.special[spelling])

    def mixed(self, start: int, end: int) -> str:
        markers = self.format.markers
        pieces = self.pieces(start, end)
        return "".join(text if spelling is None else markers[spelling] for spelling, text, _, _ in pieces)

    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        return end - 1

    def text(self, start: int, end: int) -> str:
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
        """Return the index of the token with the byte at an offset from the token at `start`."""
        while start < len(self.tokens):
            offset -= len(self.decode_bytes([self.tokens[start]]))
            if offset < 0:
                break
            start += 1
        return start

    def pieces(self, start: int, end: int | None = None) -> Iterator[Piece]:
        run = re.compile(f"[{ordinary_ids(self.format)}]+")
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
        index = self.token_at(start, len(text[:offset].encode()))
        return Span(index, index + 1)

    def around(self, span: Span) -> tuple[str, int]:
        before = self.spell(max(span.start - QUOTED_CHARS_PER_SIDE // 2, 0), span.start)[-QUOTED_CHARS_PER_SIDE:]
        end = min(span.end, span.start + QUOTED_CHARS_PER_SIDE) + QUOTED_CHARS_PER_SIDE // 2
        return before + self.spell(span.start, end)[: QUOTED_CHARS_PER_SIDE + 16], len(before)

    def is_ordinary(self, token: int) -> bool:
        """Whether a token id is that of an ordinary token."""
        return 0 <= token < self.base_size and token not in self.special_ids

    def spell(self, start: int, end: int) -> str:
        """Return a part of the input as text, special tokens spelled out, unknown ones as `<id>`."""
        data = b""
        for is_text, run in groupby(self.tokens[start:end], self.is_ordinary):
            if is_text:
                data += self.decode_bytes(list(run))
            else:
                data += "".join(self.special_ids.get(token) or f"<{token}>" for token in run).encode()
        return data.decode(errors="replace")


def _characters(tokens: list[int]) -> str:
    """Return a string whose code points are the token ids."""
    return array("I", tokens).tobytes().decode("utf-32-le", "surrogatepass")


def _character(number: int) -> str:
    return f"\\U{number:08x}"


def ordinary_ids(format: Format) -> str:
    """Return the body of a character class for the ids of ordinary tokens."""
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
