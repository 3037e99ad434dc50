"""Streaming: token ids as they come, one or many at a time; events, and the open message, at any time.

In a content, an ordinary token costs one look-up and one append. What the tokens mean is decided by the machine that
also reads whole inputs, and only at special tokens.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import index
from typing import Any, Generic, TypeVar

from ..errors import ParseError, Span
from ..format.tables import Format, Tokenizer
from ..parsing.strict_parsing import parse
from ..recovery.draft import Draft
from ..recovery.events import ContentDelta, Event
from ..recovery.header_reading import HeaderReading
from ..recovery.known_names import offered
from ..recovery.machine import BETWEEN, CONTENT, HEADER, Machine
from ..recovery.recovered import Recovered
from ..source.lenient import REPLACEMENT, LenientTokens

M = TypeVar("M")

MIN_BUFFERED_PARTS = 4
"""After so many parts of a content it is decoded before anything looks for its end: it is likely to go on."""

_decoder = codecs.getincrementaldecoder("utf-8")


class StreamParser(Generic[M]):
    """Reads token ids as they come. Generated codecs add a property for each field of a header."""

    def __init__(
        self,
        format: Format,
        start: str,
        given: dict[str, Any],
        tools: Iterable[Any] | None,
        strict: bool,
        tokenizer: Tokenizer | None,
    ) -> None:
        from ..vocabulary import Vocabulary, tokenizer_for

        format.require_start(start)
        self._format, self._start, self._given, self._strict = format, start, given, strict
        self._tools = offered(tools)
        self._tokenizer = tokenizer_for(format.encoding, tokenizer)
        self._decode = self._tokenizer.decode_bytes
        self._low = format.lowest_special
        all_text = self._low == format.encoding.base_size
        self._only_text = all_text and isinstance(self._tokenizer, Vocabulary)
        ids, recovery = format.encoding.special, Machine.table(format)
        self._begins = ids[recovery.begins]
        self._opens = [ids[spelling] for spelling in recovery.opens]
        self._closes = {ids[s]: s for s in recovery.closes}
        self._ends = {self._begins, *self._closes, *(ids[spelling] for spelling in recovery.inside)}
        self._deltas: dict[Any, tuple[ContentDelta]] = format.caches_of(self._tokenizer).setdefault("deltas", {})
        self.reset()

    def __reduce__(self) -> tuple[object, ...]:
        """What brings the parser back, in another process or as a copy: what it was made with, and what it was fed."""
        made = self._format, self._start, self._given, self._tools, self._strict, self._tokenizer
        return _restore, (type(self), made, list(self._tokens), self._closed, list(self._last))

    def reset(self) -> None:
        """Begin anew: what was fed is forgotten."""
        self._form = LenientTokens(self._format, [], self._tokenizer)
        self._tokens = self._form.tokens
        self._append = self._tokens.append
        refuse = self._refuse if self._strict else None
        self._machine = Machine(self._format, self._form, self._start, self._given, self._tools, refuse)
        self._machine.output.listener = self
        self._events: list[Event] = self._machine.output.events
        self._utf8 = _decoder("replace")
        self._plain = self._partial = self._closed = False
        self._error: ParseError | None = None
        self._last: Sequence[Event] = ()
        self._content, self._read_to = "", 0
        self._parts: list[str] = []

    # Feeding.

    def feed(self, tokens: int | Sequence[int]) -> Sequence[Event]:
        """Read one token id, or several, and give what they show.

        All of a content that one call brings is one delta, up to a character that is not complete yet. Raises
        `ParseError` in strict mode, and `ValueError` behind the end of the input.
        """
        if self._plain and tokens.__class__ is int and (delta := self._deltas.get(tokens)) is not None:
            self._append(tokens)
            self._last = delta
            return delta
        if self._plain and self._only_text and tokens.__class__ is list:
            shown = self._read_several(tokens)
            if shown is not None:
                return shown
        self._require_open()
        if isinstance(tokens, str | bytes):
            raise TypeError(f"expected token ids, got a {type(tokens).__name__}; parse and recover read text")
        if not isinstance(tokens, list):
            tokens = [index(tokens)] if hasattr(tokens, "__index__") else list(tokens)
        events = self._events = self._machine.output.events = []
        self._last = events
        self._feed(tokens)
        return events

    def _read_several(self, tokens: list[int]) -> Sequence[Event] | None:
        """Read several tokens behind whole characters of a content; None, and nothing read, where that is not simple.

        The vocabulary of the package decodes ordinary tokens only, so that one look at each of them is enough.
        """
        if len(self._parts) < MIN_BUFFERED_PARTS:
            low = self._low
            for token in tokens:
                if token >= low:
                    return self._read_content_end(tokens, tokens.index(token))
        try:
            text = self._decode(tokens).decode()
        except KeyError:
            places = self._form.special_places(tokens)
            return self._read_content_end(tokens, places[0]) if places else None
        except (OverflowError, TypeError, UnicodeDecodeError):
            return None
        self._last = shown = self._add_chunk(text, tokens)
        return shown

    def _add_chunk(self, text: str, tokens: list[int]) -> tuple[ContentDelta, ...]:
        """More of a content."""
        if self._read_to < len(self._tokens):
            self._catch_up()
        self._tokens += tokens
        self._read_to = len(self._tokens)
        if not text:
            return ()
        self._parts.append(text)
        return (ContentDelta(text),)

    def _read_content_end(self, tokens: list[int], stop: int) -> Sequence[Event] | None:
        """Read the end of a content, and what stands behind it."""
        try:
            text = self._decode(tokens[:stop]).decode()
        except (OverflowError, UnicodeDecodeError):
            return None
        if tokens[stop] not in self._closes:
            return None
        if self._read_to < len(self._tokens):
            self._catch_up()
        content = "".join((self._content, *self._parts, text))
        if REPLACEMENT in content:
            return None
        events: list[Event] = [ContentDelta(text)] if text else []
        self._last = self._events = self._machine.output.events = events
        self._content = content
        self._parts.clear()
        self._plain, at = False, len(self._tokens) + stop
        self._tokens += tokens[: stop + 1]
        self._machine.read_whole_content(content, self._closes[tokens[stop]], at, at + 1)
        rest = tokens[stop + 1 :]
        if rest and not self._read_known_start(rest):
            self._feed(rest)
        return events

    def _read_known_start(self, tokens: list[int]) -> bool:
        """Read a header and the begin of its content; false, and nothing read, where that is not all."""
        place, reading = self._find_known_header(tokens, 0)
        rest = tokens[place + 1 :]
        if reading is None or not rest:
            return False
        try:
            text = self._decode(rest).decode()
        except (KeyError, OverflowError, TypeError, UnicodeDecodeError):
            return False
        machine, base = self._machine, len(self._tokens)
        self._tokens += tokens
        machine.output.begin(machine.read_known_header(reading, base, base + place))
        if text:
            self._parts.append(text)
            self._events.append(ContentDelta(text))
        self._plain, self._read_to = True, len(self._tokens)
        return True

    def _find_known_header(self, tokens: list[int], begin: int) -> tuple[int, HeaderReading | None]:
        """A header that is the same as one before and without mistakes, and where the content opens behind it."""
        machine = self._machine
        if tokens[begin] != self._begins:
            return 0, None
        for opens in self._opens:
            try:
                place = tokens.index(opens, begin, begin + machine.limit)
            except ValueError:
                continue
            reading = machine.headers.known.get((tuple(tokens[begin:place]), True, False, ()))
            return place, reading if reading and reading.is_clean else None
        return 0, None

    def close(self) -> Sequence[Event]:
        """The input is complete. Raises `ParseError` in strict mode where it must not end."""
        self._require_open()
        events = self._events = self._machine.output.events = []
        self._last = events
        self._leave_content(ended=True)
        self._closed = True
        self._machine.close(len(self._tokens))
        output = self._machine.output
        output.listener = output.refuse = None  # what refers to each other waits for the garbage collector
        return events

    def _feed(self, tokens: list[int]) -> None:
        machine, at, base = self._machine, 0, len(self._tokens)
        places = self._form.special_places(tokens)
        for place in places:
            if place < at:
                continue
            if at < place:
                self._read_ordinary(tokens[at:place])
            at = place + 1
            opened, reading = 0, None
            if machine.at == base + place and machine.state == BETWEEN:
                opened, reading = self._find_known_header(tokens, place)
            if reading is None:
                self._read_special(tokens[place])
            else:
                self._tokens += tokens[place : opened + 1]
                machine.read_known_header(reading, base + place, base + opened)
                at = opened + 1
        if at < len(tokens):
            self._read_ordinary(tokens[at:] if at else tokens)

    def _require_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise ValueError("the input has ended; reset() begins a new one")

    def _read_special(self, token: int) -> None:
        self._leave_content(token in self._ends)
        at = len(self._tokens)
        self._append(token)
        self._machine.read_special(self._form.spelling(at), at, at + 1)

    def _leave_content(self, ended: bool) -> None:
        """A special token, or the end, stands behind what came so far; the content has ended, or may go on."""
        self._catch_up()
        self._plain = False
        draft = self._machine.draft
        if draft is None or not draft.started:
            return
        self._flush_partial()
        draft.text = self._content if ended and REPLACEMENT not in self.content else None

    def _read_ordinary(self, tokens: list[int]) -> None:
        machine = self._machine
        if machine.state != CONTENT:
            tokens = self._read_in_header(tokens)
            if not tokens:
                return
        draft = machine.draft
        if draft is not None and not draft.started:
            machine.output.begin(draft)
            self._plain, self._read_to = draft.opened, len(self._tokens)
        self._catch_up()
        self._tokens += tokens
        data = self._decode(tokens)
        text = self._decode_complete(data)
        self._add_delta(text)
        self._plain = not self._partial
        if len(tokens) == 1 and text and text.encode() == data:
            self._deltas[tokens[0]] = (ContentDelta(text),)

    def _read_in_header(self, tokens: list[int]) -> list[int]:
        """Read text outside of a content, up to the length of a header; what is left over is content."""
        machine, at = self._machine, 0
        while at < len(tokens) and machine.state != CONTENT:
            begin = machine.at if machine.state == BETWEEN else machine.begin
            taken = tokens[at : at + max(begin + machine.limit - len(self._tokens), 1)]
            self._tokens += taken
            at += len(taken)
            if (certain := machine.find_prose_end(machine.at, len(self._tokens))) is not None:
                at -= len(self._tokens) - certain
                del self._tokens[certain:]
                machine.begin_text(certain)
                break
            if len(self._tokens) - begin >= machine.limit:
                machine.read_text(len(self._tokens))
        return tokens[at:]

    def _decode_complete(self, data: bytes) -> str:
        """The characters that are complete with more bytes."""
        if not self._partial:
            try:
                return data.decode()
            except UnicodeDecodeError:
                pass
        text = self._utf8.decode(data)
        self._partial = bool(self._utf8.getstate()[0])
        return text

    def _flush_partial(self) -> None:
        """What is not complete of a character at the end of a run is damaged."""
        if self._partial:
            self._add_delta(self._utf8.decode(b"", True))
            self._utf8.reset()
            self._partial = False

    def _add_delta(self, text: str) -> None:
        self._read_to = len(self._tokens)
        if not text:
            return
        self._parts.append(text)
        events = self._events
        if events and isinstance(events[-1], ContentDelta):
            events[-1] = ContentDelta(events[-1].text + text)
        else:
            events.append(ContentDelta(text))

    def message_begins(self, draft: Draft) -> None:
        """A message has begun; what was held back of its content as a header comes now."""
        self._content = ""
        self._parts.clear()
        runs = () if draft.opened else draft.runs
        for start, end, skip in runs:
            self._flush_partial()
            self._add_delta(self._decode_complete(self._decode(self._tokens[start:end])[skip:]))
        if runs and runs[-1][1] < len(self._tokens):  # a special token stands behind it
            self._flush_partial()

    def message_ends(self) -> None:
        """A message is about to be complete."""
        self._flush_partial()

    def _refuse(self, span: Span) -> None:
        """Raise for the first place where the tokens leave the grammar, as the strict parser does."""
        try:
            parse(self._format, self._tokens, self._start, self._given, self._tokenizer)
        except ParseError as error:
            self._error = error
            raise
        raise AssertionError(f"the strict parser takes what the streaming parser refuses at token {span.start}")

    # What is open.

    def _catch_up(self) -> None:
        """Take in the tokens of the content that took the short way."""
        if self._plain and self._read_to < len(self._tokens):
            self._parts.append(self._decode(self._tokens[self._read_to :]).decode())
            self._read_to = len(self._tokens)

    @property
    def state(self) -> str:
        """Where the input is: "between" messages, in a "header", or in a "content"."""
        machine = self._machine
        if machine.state == BETWEEN and machine.at < len(self._tokens):
            return HEADER
        return machine.state

    @property
    def content(self) -> str:
        """The content of the open message so far, complete characters only; behind its end, until the next begins."""
        self._catch_up()
        if self._parts:
            content, self._content = self._content, ""
            content += "".join(self._parts)  # in place: nothing else refers to the text
            self._content = content
            self._parts.clear()
        return self._content

    @property
    def last_delta(self) -> str:
        """What the last call added to the content."""
        return "".join(event.text for event in self._last if isinstance(event, ContentDelta))

    @property
    def header(self) -> str:
        """The header so far, special tokens spelled out; empty where none is open."""
        machine = self._machine
        if self.state != HEADER:
            return ""
        begin = machine.begin if machine.state == HEADER else machine.at
        return self._form.spelled(begin, len(self._tokens))

    def value(self, name: str, default: Any) -> Any:
        """A field of the open message; of a header that is not complete, what a completion continues."""
        machine = self._machine
        if machine.draft is not None:
            return machine.draft.reading.values.get(name, default)
        first = machine.continued and machine.state == HEADER and machine.begin == 0 and not machine.lacks_start
        return self._given.get(name, default) if first else default

    @property
    def messages(self) -> list[M]:
        """The messages that are complete."""
        return list(self._machine.output.messages)

    @property
    def recovered(self) -> Recovered[M]:
        """All that was read so far, as the recovering parser gives it."""
        output, opening = self._machine.output, self._machine.opening
        bounds, gaps, found = list(output.bounds), list(output.gaps), list(output.diagnostics)
        return Recovered(list(output.messages), opening, self._form.unit, bounds, gaps, found)


def _restore(
    made: type[StreamParser[Any]], arguments: tuple[Any, ...], tokens: list[int], closed: bool, last: Sequence[Event]
) -> StreamParser[Any]:
    """A parser that is where another one was: it reads the same tokens, whose chunks change nothing."""
    parser = made.__new__(made)
    StreamParser.__init__(parser, *arguments)
    with suppress(ParseError):  # which it remembers, as the other one did
        parser.feed(tokens)
        if closed:
            parser.close()
    parser._last = last
    return parser
