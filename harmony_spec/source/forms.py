"""An input, whether text or token ids, damaged or not: a string to match in, and methods to read parts of it.

Token ids fit into code points, so a token list becomes a string whose characters are the tokens, and one regular
expression finds messages in either form at C speed. Positions are indices into that string: token indices or code
points. Damage is a lone surrogate in a text, a token that is not in the vocabulary, or bytes that are not UTF-8.
Strict parsing raises the first one; recovery reads U+FFFD, or `<id>`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..codes import INVALID_TEXT, UNKNOWN_TOKEN
from ..diagnostics import MAX_QUOTED_CHARS, abridge
from ..errors import Code, ParseError, Span
from ..format.cache_limits import HeaderCaches
from ..format.frames import Frame
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from .message_tokens import MAX_TOKEN_ID, MessageTokens, new_tuple
from .token_ids import IDS, ids_of, not_ids

SourcePiece = tuple[str | None, str, int, int]
"""A special token (spelling, "") or a run of text (None, text), with start and end."""

Bounds = tuple[int, int, int, int]
"""The start of a message, the start and end of its content, and its end."""

SourcePart = str | tuple[int, ...]
"""A part of the input in its own form: text or token ids."""

QUOTED_CHARS_PER_SIDE = 24
"""Characters that an error quotes on each side of its position: enough to recognize the place."""

MAX_QUOTED_CHARS_AFTER = 40
"""Characters that it quotes from its position on, if its span is long."""

HEADER_LIMITS = {"token": 256, "character": 1024}
"""Headers are shorter than this, up to the token that opens the content, by the unit of the input: several times the
longest name of a tool. Anything longer is text without a header, and a stream must not hold it back."""

MAX_CHARACTER_BYTES = 4
"""The longest character in UTF-8."""

REPLACEMENT = "\ufffd"

CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]?|\xe0(?:[\xa0-\xbf][\x80-\xbf]?)?|\xed(?:[\x80-\x9f][\x80-\xbf]?)?"
    rb"|[\xe1-\xef][\x80-\xbf]{0,2}|\xf0(?:[\x90-\xbf][\x80-\xbf]{0,2})?|\xf4(?:[\x80-\x8f][\x80-\xbf]{0,2})?"
    rb"|[\xf1-\xf3][\x80-\xbf]{0,3}|[\x80-\xff]"
)
"""The bytes of one character, or the longest beginning of one, which one U+FFFD replaces.
Source: the Unicode Standard, table 3-7 and "U+FFFD Substitution of Maximal Subparts"."""


class Form(ABC):
    """An input as a string of units.

    Attributes:
        unit: the unit of positions: "token" or "character".
        units: the string.
        broken: the position of the first lone surrogate of a text, where strict parsing ends; else None.
        caches: caches of headers.
        limit: headers are shorter than this.
        quoted_units: how many units errors quote on each side of a span at most.
        tokenizer: that of token ids; None for a text.
    """

    unit: str
    quoted_units: int
    units: str
    broken: int | None = None
    tokenizer: Tokenizer | None = None

    def __init__(self, format: Format, owner: object) -> None:
        self.format = format
        self.caches = format.caches_of(owner)
        self.limit = HEADER_LIMITS[self.unit]

    @property
    def sound_end(self) -> int:
        """The end of the units that strict parsing reads."""
        return len(self.units) if self.broken is None else self.broken

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
            close, stops = self._any_of(frame.closes), frame.stops
            if goes_on := tuple(each for each in frame.closes if each not in stops):
                more = ordinary if frame.ends_with_text else ""
                trails = self._any_of(tuple(each for each in frame.trails if each not in stops))
                longer = f"{self._any_of(goes_on)}{more}(?:{trails}{more})*{self._any_of(stops)}?"
                close = f"(?:{longer}|{close})"
            tail += close if frame.closed else f"(?:{close})?"
        head = head + self._any_of(frame.opens) if frame.opens else ""
        return f"({f'(?:{head})??' if frame.headless else head})({self._content()}){tail}"

    def _any_of(self, spellings: tuple[str, ...]) -> str:
        return f"(?:{'|'.join(map(self._special, spellings)) or '(?!)'})"

    @abstractmethod
    def _ordinary(self) -> str:
        """Return a pattern for the longest run of text."""

    def _content(self) -> str:
        """Return one for a content, which may be long."""
        return self._ordinary()

    @abstractmethod
    def _special(self, spelling: str) -> str:
        """Return a pattern for a special token."""

    @abstractmethod
    def specials(self, start: int, end: int | None = None) -> Iterator[tuple[str, int, int]]:
        """Yield the special tokens, and the unknown ones as `<id>`, with start and end."""

    def pieces(self, start: int, end: int, strict: bool = False) -> Iterator[SourcePiece]:
        """Yield the special tokens of a part of the input, and the text between them.

        With `strict`, raises `ParseError` at the first damage.
        """
        for spelling, first, last in self.specials(start, end):
            if first > start:
                yield None, self.text(start, first) if strict else self.run(start, first, 0)[0], start, first
            if strict and spelling not in self.format.encoding.special:
                raise self.damage(first)
            yield spelling, "", first, last
            start = last
        if start < end:
            yield None, self.text(start, end) if strict else self.run(start, end, 0)[0], start, end

    def mixed(self, start: int, end: int) -> str:
        """Return an undamaged part of the input in the mixed alphabet; raises `ParseError` for a damaged one."""
        parts = []
        for spelling, text, first, _ in self.pieces(start, end, strict=True):
            if spelling is not None and spelling not in self.format.markers:
                raise self.damage(first)
            parts.append(text if spelling is None else self.format.markers[spelling])
        return "".join(parts)

    def free_units(self, start: int, end: int) -> int:
        """Return the units of a header that are free text, which has no limit."""
        leads = self.format.recovery.free_texts if self.format.recovery else ()
        count, before = 0, None
        for spelling, _, first, last in self.pieces(start, end) if leads else ():
            count += (last - first) * (spelling is None and before in leads)
            before = spelling
        return count

    @abstractmethod
    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        """Return the start of the special token that ends at a position and has one of these spellings."""

    @abstractmethod
    def text(self, start: int, end: int) -> str:
        """Return a part without special tokens as text; raises `ParseError` for bytes that are not UTF-8."""

    @abstractmethod
    def run(self, start: int, end: int, skip: int) -> tuple[str, Span | None]:
        """Return the text of a run without its first `skip` code points or bytes, and the span of the first damage."""

    @abstractmethod
    def place(self, start: int, text: str, offset: int) -> tuple[int, int]:
        """Return the unit with the character at an offset into a run, and the bytes before it in that unit."""

    def locate(self, start: int, text: str, offset: int) -> Span:
        """Return the span of the unit with the character at an offset into the run of text at `start`."""
        at = self.place(start, text, offset)[0]
        return Span(at, at + 1)

    @abstractmethod
    def slice(self, start: int, end: int) -> SourcePart:
        """Return a part of the input in its own form."""

    def tokens_of_message(self, bounds: Bounds, text: str | None) -> MessageTokens | None:
        """Return the token ids of a message, whose content has a text if that is certain; None for a text."""
        return None

    def spelled(self, start: int, end: int) -> str:
        """Return a part of the input as text, special tokens spelled out, unknown ones as `<id>`."""
        return "".join(spelling or text for spelling, text, _, _ in self.pieces(start, end))

    def excerpt(self, start: int, end: int) -> str:
        """Return the same without the middle of a long part, at a cost that does not depend on its length."""
        most = MAX_CHARACTER_BYTES * MAX_QUOTED_CHARS // 2  # at least half of what is quoted, if tokens are bytes
        if end - start <= 2 * most:
            return abridge(self.spelled(start, end))
        return abridge(self.spelled(start, start + most) + self.spelled(end - most, end))

    def around(self, span: Span) -> tuple[str, int]:
        """Return the text around a span, special tokens spelled out, and the offset of the span in it."""
        most, units = QUOTED_CHARS_PER_SIDE, self.quoted_units
        before = self.spelled(max(span.start - units, 0), span.start)[-most:]
        after = self.spelled(span.start, min(span.end, span.start + most) + units)
        return before + after[:MAX_QUOTED_CHARS_AFTER], len(before)

    def error(
        self,
        code: Code,
        message: str,
        span: Span,
        hint: str,
        index: int | None = None,
        expected: tuple[str, ...] = (),
    ) -> ParseError:
        """Return an error at a place of the input."""
        around, caret = self.around(span)
        return ParseError(
            code,
            message,
            span=span,
            unit=self.unit,
            index=index,
            expected=expected,
            around=around,
            caret=caret,
            hint=hint,
        )

    @abstractmethod
    def damage(self, at: int) -> ParseError:
        """Return the error for a unit that cannot be read."""


class TextForm(Form):
    """A text in which special tokens are spelled out. Lone surrogates are read as U+FFFD."""

    unit = "character"
    quoted_units = QUOTED_CHARS_PER_SIDE

    def __init__(self, format: Format, text: str) -> None:
        super().__init__(format, TextForm)
        self.source = self.units = text
        try:
            text.encode()
        except UnicodeEncodeError as error:
            self.broken = error.start
            self.units = re.sub("[\ud800-\udfff]", REPLACEMENT, text)
            self.caches = HeaderCaches()  # a valid U+FFFD in another text has the same cache key

    def __reduce__(self) -> tuple[object, ...]:
        return TextForm, (self.format, self.source)

    def damage(self, at: int) -> ParseError:
        message = f"U+{ord(self.source[at]):04X} is a lone surrogate"
        return self.error(INVALID_TEXT, message, Span(at, at + 1), "Decode the input as UTF-8.")

    def _ordinary(self) -> str:
        firsts = "".join(sorted({re.escape(spelling[0]) for spelling in self.format.encoding.special}))
        return f"[^{firsts}]*+(?:(?!{self.format.special_text})[{firsts}][^{firsts}]*+)*+"

    def _special(self, spelling: str) -> str:
        return re.escape(spelling)

    def specials(self, start: int, end: int | None = None) -> Iterator[tuple[str, int, int]]:
        for match in self.format.special_matcher.finditer(self.units, start, len(self.units) if end is None else end):
            yield match[0], match.start(), match.end()

    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        return end - next(len(spelling) for spelling in spellings if self.units.endswith(spelling, 0, end))

    def text(self, start: int, end: int) -> str:
        return self.units[start:end]

    slice = spelled = text

    def run(self, start: int, end: int, skip: int) -> tuple[str, Span | None]:
        text = self.units[start + skip : end]
        halves = REPLACEMENT in text and re.search("[\ud800-\udfff]+", self.source[start + skip : end])
        if not halves:
            return text, None
        return text, Span(start + skip + halves.start(), start + skip + halves.end())

    def place(self, start: int, text: str, offset: int) -> tuple[int, int]:
        return start + offset, 0


class TokenForm(Form):
    """Token ids, including unknown ones: a list, or a buffer, which becomes the string without an object for each id.

    Tokens may be added to a list while it is read.
    """

    unit = "token"
    quoted_units = QUOTED_CHARS_PER_SIDE // 2
    tokenizer: Tokenizer
    tokens: list[int] | array[int]
    decode_bytes: Callable[..., bytes]

    def __init__(self, format: Format, tokens: Sequence[int], tokenizer: Tokenizer) -> None:
        super().__init__(format, tokenizer)
        self.tokenizer, self.decode_bytes = tokenizer, tokenizer.decode_bytes
        self.special_ids, self.base_size = format.spellings, format.encoding.base_size
        self.lowest_special = format.lowest_special
        self._last_beginnings: tuple[tuple[int, int], list[int]] = (-1, 0), []
        if isinstance(tokens, (bytes, bytearray)):
            raise TypeError("the source is bytes; decode it to a text, or pass token ids")
        if isinstance(tokens, Mapping) or not isinstance(tokens, Iterable):
            raise TypeError(f"expected a text or token ids, got {type(tokens).__name__}")
        if isinstance(tokens, array) and not (tokens.typecode == IDS and getattr(tokenizer, "takes_buffers", False)):
            tokens = tokens.tolist()
        self.tokens = tokens if isinstance(tokens, list | array) else ids_of(tokens)
        try:
            if isinstance(self.tokens, list):
                buffer = array(IDS)
                buffer.fromlist(self.tokens)  # in two thirds of the time of `array(IDS, self.tokens)`
            else:
                buffer = self.tokens
            self.units = buffer.tobytes().decode("utf-32-le", "surrogatepass")
        except TypeError:
            raise not_ids(self.tokens) from None
        except (OverflowError, UnicodeDecodeError):
            known = (token if 0 <= token < MAX_TOKEN_ID else MAX_TOKEN_ID for token in ids_of(self.tokens))
            self.units = "".join(map(chr, known))

    def __reduce__(self) -> tuple[object, ...]:
        return TokenForm, (self.format, self.tokens, self.tokenizer)

    def ids(self, start: int, end: int) -> list[int]:
        """Return some of the token ids as a list."""
        part = self.tokens[start:end]
        return part if isinstance(part, list) else part.tolist()

    def has_ids(self, ids: list[int], start: int, end: int) -> bool:
        """Whether a part of the source has these token ids."""
        part = self.tokens[start:end]
        return part == (ids if isinstance(part, list) else array(IDS, ids))

    def damage(self, at: int) -> ParseError:
        message = f"{number_text(self.tokens[at])} is not a token id of {self.format.encoding.name}"
        hint = "Remove padding and ignored labels; tokens of another vocabulary mean something else."
        return self.error(UNKNOWN_TOKEN, message, Span(at, at + 1), hint)

    def _ordinary(self) -> str:
        return f"[^{self._other_ids}]*+"

    def _content(self) -> str:
        # Without a negation, the class takes half of the time for each token, but one millisecond to compile.
        if self.lowest_special < self.base_size:
            return self._ordinary()
        return f"[{_character(0)}-{_character(self.base_size - 1)}]*+"

    def _special(self, spelling: str) -> str:
        return _character(self.format.encoding.special[spelling])

    @property
    def _other_ids(self) -> str:
        """The body of a character class for all ids but those of ordinary tokens.

        Python 3.11 takes 2 ms to compile a class with the first 65,536 code points in it, but not for its complement.
        """
        low = (_character(number) for number in sorted(self.special_ids) if number < self.base_size)
        return f"{''.join(low)}{_character(self.base_size)}-{_character(MAX_TOKEN_ID)}"

    def specials(self, start: int, end: int | None = None) -> Iterator[tuple[str, int, int]]:
        places: Iterable[int]
        if end is None:
            if (pattern := self.format.caches.get("specials")) is None:
                pattern = self.format.caches["specials"] = re.compile(f"[{self._other_ids}]")
            places = (match.start() for match in pattern.finditer(self.units, start))
        else:
            places = [start + place for place in self.special_places(self.ids(start, end))]
        for place in places:
            yield self.spelling(place), place, place + 1

    def special_places(self, tokens: list[int]) -> list[int]:
        """Return the indices of special and unknown tokens in a list."""
        low = self.lowest_special
        try:
            if not tokens or (max(tokens) < low and min(tokens) >= 0):  # most lists, in a third of the time
                return []
            found = [index for index, token in enumerate(tokens) if token >= low or token < 0]
        except TypeError:
            raise not_ids(tokens) from None
        return found if low == self.base_size else [index for index in found if not self.is_ordinary(tokens[index])]

    def spelling(self, index: int) -> str:
        """Return the spelling of a special token at an index; of an unknown one, `<id>`."""
        token = self.tokens[index]
        return self.special_ids.get(token) or f"<{number_text(token)}>"

    def is_ordinary(self, token: int) -> bool:
        """Whether a token id is that of an ordinary token."""
        return 0 <= token < self.base_size and token not in self.special_ids

    def before(self, end: int, spellings: tuple[str, ...]) -> int:
        return end - 1

    def text(self, start: int, end: int) -> str:
        data = self.decode_bytes(self.tokens[start:end])
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            message = f"the bytes {error.object[error.start : error.end]!r} are not UTF-8"
            hint = "A character may be split over tokens, but not over messages or headers."
            raise self.error(INVALID_TEXT, message, self._tokens_at(start, error.start, error.end), hint) from None

    def run(self, start: int, end: int, skip: int) -> tuple[str, Span | None]:
        data = self.decode_bytes(self.tokens[start:end])[skip:]
        try:
            return data.decode(), None
        except UnicodeDecodeError as error:
            return data.decode(errors="replace"), self._tokens_at(start, skip + error.start, skip + error.end)

    def place(self, start: int, text: str, offset: int) -> tuple[int, int]:
        before = len(text[:offset].encode())
        if REPLACEMENT in text[:offset]:
            before = self._find_beginnings(start, len(text))[offset]
        index = self._token_at(start, before)
        return index, before - len(self.decode_bytes(self.ids(start, index)))

    def _find_beginnings(self, start: int, characters: int) -> list[int]:
        """Return the byte offsets of the characters in a damaged run, and its length; the last run is cached."""
        if self._last_beginnings[0] != (start, characters):
            part = self.ids(start, start + MAX_CHARACTER_BYTES * characters)
            data = self.decode_bytes(part[: next(iter(self.special_places(part)), None)])
            found = [*(match.start() for match in CHARACTER.finditer(data)), len(data)]
            self._last_beginnings = (start, characters), found
        return self._last_beginnings[1]

    def _tokens_at(self, start: int, first: int, end: int) -> Span:
        """Return the span of the tokens that hold some bytes of the run at `start`."""
        return Span(self._token_at(start, first), self._token_at(start, end - 1) + 1)

    def _token_at(self, start: int, offset: int) -> int:
        """Return the index of the token with the byte at an offset from the token at `start`, within the run."""
        while start + 1 < len(self.tokens) and self.is_ordinary(self.tokens[start + 1]):
            offset -= len(self.decode_bytes([self.tokens[start]]))
            if offset < 0:
                break
            start += 1
        return start

    def slice(self, start: int, end: int) -> SourcePart:
        return tuple(self.tokens[start:end])

    def tokens_of_message(self, bounds: Bounds, text: str | None) -> MessageTokens | None:
        begin, content, stop, end = bounds
        if text is not None and not self.units:  # a stream
            return new_tuple(MessageTokens, (self.tokens, content, stop, (), text, self.tokenizer, begin, end))
        units: str | array[int] = self.units[begin:end]
        if text is None:
            try:
                units = array(IDS, self.tokens[begin:end])
            except OverflowError:
                return None
        tokenizer = None if text is None else self.tokenizer
        return new_tuple(MessageTokens, (units, content - begin, stop - begin, (), text, tokenizer, 0, None))


def _character(number: int) -> str:
    return f"\\U{number:08x}"


def number_text(number: int) -> str:
    """The digits of a number; of one that Python refuses to write in decimals, those to the base of 16."""
    try:
        return str(number)
    except ValueError:
        return hex(number)
