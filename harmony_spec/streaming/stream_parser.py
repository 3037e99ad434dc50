"""The streaming parser: token ids in chunks of any size to events, with the open message available at any time.

An ordinary token in a content costs one look-up and one append. At special tokens, the state machine of recovery
decides, as for whole inputs.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import copy
from operator import index
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from ..errors import ParseError, Span
from ..format.offered_tools import offered
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..parsing.strict_parsing import parse
from ..recovery.recovered import BETWEEN, CONTENT, HEADER, ContentDelta, Event, Recovered
from ..source.forms import REPLACEMENT, TokenForm
from ..source.message_tokens import new_tuple
from ..source.token_ids import ids_of, not_ids, require_ids

if TYPE_CHECKING:
    from ..recovery.draft import Draft

M = TypeVar("M")

_decoder = codecs.getincrementaldecoder("utf-8")


class StreamParser(Generic[M]):
    """Reads token ids in chunks. Generated codecs add a property for each field of a header.

    For callers that know the text of a token, there is a way without events:

    Attributes:
        is_plain: whether the next ordinary token only adds its text to the open content.
        repeatable: the tokens that `repeat` may read then, with their events.
        repeat: reads one of them.
    """

    def __init__(
        self,
        format: Format,
        start: str,
        given: dict[str, Any],
        tools: Iterable[Any] | None,
        strict: bool,
        tokenizer: Tokenizer | None,
        max_repair_cost: int | None = None,
    ) -> None:
        from ..vocabulary import Vocabulary, tokenizer_for

        format.require_start(start)
        self._format, self._start, self._given, self._strict = format, start, given, strict
        self._max_repair_cost = max_repair_cost
        self._tools = offered(format, tools)
        self._tokenizer = tokenizer_for(format.encoding, tokenizer)
        self._decode = self._tokenizer.decode_bytes
        all_text = format.lowest_special == format.encoding.base_size
        known = self._tokenizer if all_text and isinstance(self._tokenizer, Vocabulary) else None
        self._only_text, self._decode_token = known is not None, known and known.decode_token
        ids, recovery = format.encoding.special, format.meaning
        self._begins = ids[recovery.begins]
        self._opens = {spelling: ids[spelling] for spelling in recovery.opens}
        self._closes = {ids[s]: s for s in recovery.closes}
        self._ends = {self._begins, *self._closes, *(ids[spelling] for spelling in recovery.inside)}
        self.repeatable: dict[Any, tuple[ContentDelta]] = format.caches_of(self._tokenizer).setdefault("deltas", {})
        self.reset()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy by the arguments and the tokens read so far; unpickling reads them again."""
        made = self._format, self._start, self._given, self._tools, self._strict, self._tokenizer, self._max_repair_cost
        return _restore, (type(self), made, list(self._tokens), self._closed, list(self._last))

    def reset(self) -> None:
        """Begin a new input; the old one is dropped."""
        from ..recovery.machine import Machine  # only streams and recovery need it

        self._tokens: list[int] = []
        self._form = TokenForm(self._format, self._tokens, self._tokenizer)
        self.repeat = self._tokens.append
        refuse = self._refuse if self._strict else None
        opening = self._start, self._given
        self._machine = Machine(self._format, self._form, *opening, self._tools, refuse, self._max_repair_cost)
        self._machine.output.listener = self
        self._events: list[Event] = self._machine.output.events
        self._utf8 = _decoder("replace")
        self.is_plain = self._partial = self._closed = False
        self._error: ParseError | None = None
        self._last: Sequence[Event] = ()
        self._content, self._read_to = "", 0
        self._parts: list[str] = []

    # Feeding.

    def feed(self, tokens: int | Sequence[int]) -> Sequence[Event]:
        """Read one token id or several; return their events.

        The content in one call is one delta, without an incomplete character at its end. Raises `ParseError` in strict
        mode, and `ValueError` after `close`.
        """
        if self.is_plain:
            if tokens.__class__ is list and len(tokens) == 1 and tokens[0].__class__ is int:
                tokens = tokens[0]  # a step of an engine: three times as fast
            if tokens.__class__ is int and (
                (delta := self.repeatable.get(tokens)) is not None
                or (tokens not in self._ends and (delta := self._make_repeatable(tokens)) is not None)
            ):
                self.repeat(tokens)
                self._last = delta
                return delta
            if self._only_text and tokens.__class__ is list and (shown := self._read_several(tokens)) is not None:
                self._last = shown
                return shown
        self._require_open()
        if not isinstance(tokens, list):
            if isinstance(tokens, str | bytes | bytearray):
                raise TypeError(f"expected token ids, got {type(tokens).__name__}; parse and recover read text")
            try:
                tokens = [index(cast(int, tokens))]
            except TypeError:  # arrays of NumPy have the method, too, which raises if they are not scalars
                if not isinstance(tokens, Iterable):
                    raise TypeError(f"expected token ids, got {type(tokens).__name__}") from None
                tokens = ids_of(tokens)
        else:
            require_ids(tokens)
        events = self._events = self._machine.output.events = []
        self._last = events
        self._feed(tokens)
        return events

    def _make_repeatable(self, token: int) -> tuple[ContentDelta] | None:
        """Decode a token that comes for the first time, so that `repeat` may read it; None in hard cases."""
        try:
            text = self._decode_token(token).decode() if self._decode_token else ""
        except (KeyError, OverflowError, UnicodeDecodeError):
            return None
        return self.repeatable.setdefault(token, (ContentDelta(text),)) if text else None

    def _read_several(self, tokens: list[int]) -> Sequence[Event] | None:
        """Read several tokens of a content that so far has whole characters; None, with nothing read, in hard cases.

        The shipped vocabulary raises `KeyError` for special tokens, so decoding also finds them.
        """
        try:
            text = self._decode(tokens).decode()
        except KeyError:
            return self._read_content_end(tokens)
        except (OverflowError, TypeError, UnicodeDecodeError):
            return None
        read = self._tokens
        if self._read_to < len(read):
            self._catch_up()
        read += tokens
        self._read_to = len(read)
        if not text:
            return ()
        self._parts.append(text)
        return (new_tuple(ContentDelta, (text,)),)

    def _read_content_end(self, tokens: list[int]) -> Sequence[Event] | None:
        """Read the end of a content, and the tokens after it; None, with nothing read, in hard cases."""
        stop_token = next(filter(self._closes.__contains__, tokens), None)
        if stop_token is None:
            return None
        stop = tokens.index(stop_token)
        try:
            text = self._decode(tokens[:stop]).decode()
        except (KeyError, OverflowError, UnicodeDecodeError):
            return None
        read, machine = self._tokens, self._machine
        if self._read_to < len(read):
            self._catch_up()
        content = "".join((self._content, *self._parts, text))
        if REPLACEMENT in content:
            return None
        events: list[Event] = [new_tuple(ContentDelta, (text,))] if text else []
        self._last = self._events = machine.output.events = events
        self._content = content
        self._parts.clear()
        self.is_plain, at = False, len(read) + stop
        read += tokens[: stop + 1]
        machine.read_whole_content(content, self._closes[stop_token], at, at + 1)
        if rest := tokens[stop + 1 :]:
            self._feed(rest)
        return events

    def _read_known_header(self, tokens: list[int], at: int) -> int:
        """Read a clean header that was read before, and that ends after `at`; it may have begun in an earlier chunk.

        Returns the index after the token that opens its content; `at`, with nothing read, for anything else.
        """
        machine, read = self._machine, self._tokens
        between = machine.state == BETWEEN
        begin = machine.at if between else machine.begin
        # A prompt has begun the first header of a completion: a token that begins one there is repeated.
        first = read[begin] if begin < len(read) else tokens[at] if between else None
        if machine.state != CONTENT and first == self._begins:
            for opener, opens in self._opens.items():
                try:
                    opened = tokens.index(opens, at, at + machine.limit)
                except ValueError:
                    continue
                reading = machine.headers.known.get(((*read[begin:], *tokens[at:opened]), opener, False, ()))
                if reading and reading.is_clean:
                    read += tokens[at : opened + 1]
                    machine.read_known_header(reading, begin, len(read))
                    return opened + 1
        return at

    def _read_content_start(self, tokens: list[int]) -> bool:
        """Read the beginning of a content, whole characters only; return False, with nothing read, in hard cases."""
        try:
            text = self._decode(tokens).decode()
        except (KeyError, OverflowError, TypeError, UnicodeDecodeError):
            return False
        machine, read = self._machine, self._tokens
        assert machine.draft is not None
        read += tokens
        machine.output.begin(machine.draft)
        self._read_to = len(read)
        if text:
            self._parts.append(text)
            self._events.append(new_tuple(ContentDelta, (text,)))
        self.is_plain = True
        return True

    def close(self) -> Sequence[Event]:
        """End the input. Raises `ParseError` in strict mode if it is incomplete, and `ValueError` if it has ended."""
        self._require_open()
        events = self._events = self._machine.output.events = []
        self._last = events
        self._leave_content(ended=True)
        self._closed = True
        self._machine.close(len(self._tokens))
        output = self._machine.output
        output.listener = output.refuse = None  # they refer to this parser, which would wait for the garbage collector
        return events

    def _feed(self, tokens: list[int]) -> None:
        machine, at = self._machine, 0
        if len(tokens) == 1:
            self._read_one(*tokens)
            return
        if tokens and (at := self._read_known_header(tokens, 0)):
            tokens, at = tokens[at:], 0
            if not tokens or (self._only_text and self._read_content_start(tokens)):
                return
        for place in self._form.special_places(tokens):
            if place < at:
                continue
            if at < place:
                self._read_ordinary(tokens[at:place])
                at = place
            if machine.state == BETWEEN and at:
                at = self._read_known_header(tokens, at)
            if at == place:
                self._read_special(tokens[place])
                at += 1
        if at < len(tokens):
            self._read_ordinary(tokens[at:] if at else tokens)

    def _read_one(self, token: int) -> None:
        """Read a token by itself, as engines hand them over."""
        try:
            is_ordinary = self._form.is_ordinary(token)
        except TypeError:
            raise not_ids([token]) from None
        if is_ordinary:
            self._read_ordinary([token])
        else:
            self._read_special(token)

    def _require_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise ValueError("the input has ended; reset() begins a new one")

    def _read_special(self, token: int) -> None:
        self._leave_content(token in self._ends)
        at = len(self._tokens)
        self.repeat(token)
        self._machine.read_special(self._form.spelling(at), at, at + 1)

    def _leave_content(self, ended: bool) -> None:
        """Prepare for a special token or the end of the input. The content has ended, or (`ended` false) may go on."""
        self._catch_up()
        self.is_plain = False
        draft = self._machine.draft
        if draft is None or not draft.started:
            return
        self.text_ends()
        draft.text = self._content if ended and REPLACEMENT not in self.content else None

    def _read_ordinary(self, tokens: list[int]) -> None:
        machine = self._machine
        if machine.state != CONTENT or machine.free_text:
            tokens = self._read_in_header(tokens)
            if not tokens:
                return
        draft = machine.draft
        if draft is not None and not draft.started:
            machine.output.begin(draft)
            self.is_plain, self._read_to = draft.opened, len(self._tokens)
        self._catch_up()
        self._tokens += tokens
        data = self._decode(tokens)
        text = self._decode_complete(data)
        self._add_delta(text)
        self.is_plain = not self._partial
        if len(tokens) == 1 and text and text.encode() == data:
            self.repeatable[tokens[0]] = (ContentDelta(text),)

    def _read_in_header(self, tokens: list[int]) -> list[int]:
        """Read text outside of a content, up to the limit of headers; return the tokens left, which are content."""
        machine, at = self._machine, 0
        if machine.free_text:
            self._tokens += tokens
            return []
        while at < len(tokens) and machine.state != CONTENT:
            limit = machine.at + machine.limit if machine.state == BETWEEN else machine.header_limit
            taken = tokens[at : at + max(limit - len(self._tokens), 1)]
            self._tokens += taken
            at += len(taken)
            if (draft := machine.begin_prose(machine.at, len(self._tokens))) is not None:
                at -= len(self._tokens) - machine.at
                del self._tokens[machine.at :]
                machine.output.begin(draft)
                break
            if len(self._tokens) >= limit:
                machine.read_text(len(self._tokens))
        return tokens[at:]

    def _decode_complete(self, data: bytes) -> str:
        """Return the characters that more bytes complete."""
        if not self._partial:
            try:
                return data.decode()
            except UnicodeDecodeError:
                pass
        text = self._utf8.decode(data)
        self._partial = bool(self._utf8.getstate()[0])
        return text

    def text_ends(self) -> None:
        """Add U+FFFD for an incomplete character, since the content ends, or a part of it."""
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
        """Start a message; its content begins with text that was held back as a header."""
        self._content = ""
        self._parts.clear()
        for start, end, skip in draft.runs:
            self.text_ends()
            self._add_delta(self._decode_complete(self._decode(self._tokens[start:end])[skip:]))
        if draft.runs and draft.runs[-1][1] < len(self._tokens):  # a special token follows
            self.text_ends()

    def _refuse(self, span: Span) -> None:
        """Raise the error of the strict parser for the tokens so far."""
        try:
            parse(self._format, self._tokens, self._start, self._given, self._tokenizer)
        except ParseError as error:
            self._error = error
            raise
        raise AssertionError(f"the strict parser accepts what the streaming parser refuses at token {span.start}")

    # The open message.

    def _catch_up(self) -> None:
        """Decode the tokens of the content that `feed` only appended."""
        if self.is_plain and self._read_to < len(self._tokens):
            self._parts.append(self._decode(self._tokens[self._read_to :]).decode())
            self._read_to = len(self._tokens)

    @property
    def state(self) -> str:
        """The place in the input: "between" messages, in a "header", or in a "content"."""
        machine = self._machine
        if machine.state == BETWEEN and machine.at < len(self._tokens):
            return HEADER
        return machine.state

    @property
    def content(self) -> str:
        """The content of the open message so far, complete characters only; kept until the next message begins."""
        self._catch_up()
        if self._parts:
            content, self._content = self._content, ""
            content += "".join(self._parts)  # in place: nothing else refers to the text
            self._content = content
            self._parts.clear()
        return self._content

    @property
    def is_done(self) -> bool:
        """Whether the token that ends the completion was read: an engine stops sampling."""
        return self._stop_token is not None

    @property
    def finish_reason(self) -> Literal["stop", "tool_calls", "length"] | None:
        """Why a completion ended, as in chat completions; None as long as it goes on.

        "length": the input was closed before a token that ends the completion. An engine that removes this token knows
        the reason itself.
        """
        if (token := self._stop_token) is None:
            return "length" if self._closed else None
        return "tool_calls" if self._closes_calls(token) else "stop"

    @property
    def _stop_token(self) -> str | None:
        """The token that ended the completion.

        Also that of a message without a channel, which is not complete yet, and one that ends no message.
        """
        output = self._machine.output
        if output.stopped is None:
            last = self._closes.get(self._tokens[-1]) if self._tokens else None
            for token in (output.pending.terminator if output.pending else None, last):
                if output.ends_completion(token):
                    return token
        return output.stopped

    def _closes_calls(self, token: str) -> bool:
        recovery = self._format.meaning
        if recovery.closes[token] != recovery.ends_calls or recovery.ends_calls_only:
            return recovery.closes[token] == recovery.ends_calls
        messages = self._machine.output.messages
        called = getattr(messages[-1], recovery.slots.recipient, None) if messages else None
        return called not in (None, *recovery.recipients)

    @property
    def last_delta(self) -> str:
        """The text that the last call added to the content."""
        return "".join(event.text for event in self._last if isinstance(event, ContentDelta))

    @property
    def header(self) -> str:
        """The open header so far, special tokens spelled out; "" if none is open."""
        machine = self._machine
        if self.state != HEADER:
            return ""
        begin = machine.begin if machine.state == HEADER else machine.at
        return self._form.spelled(begin, len(self._tokens))

    def value(self, name: str, default: Any) -> Any:
        """Return a field of the open message; in the first header of a completion, a field that it continues."""
        machine = self._machine
        if machine.draft is not None:
            return machine.draft.reading.values.get(name, default)
        first = machine.continued and machine.state == HEADER and machine.begin == 0 and not machine.lacks_start
        return self._given.get(name, default) if first else default

    @property
    def messages(self) -> list[M]:
        """The complete messages."""
        return copy(self._machine.output.messages)

    @property
    def recovered(self) -> Recovered[M]:
        """The result so far, as `recover` returns it."""
        return self._machine.output.recovered(self._machine.opening)


def _restore(
    made: type[StreamParser[Any]], arguments: tuple[Any, ...], tokens: list[int], closed: bool, last: Sequence[Event]
) -> StreamParser[Any]:
    """Return a parser in the state of a pickled one; chunks do not affect the state, so one call reads all tokens."""
    parser = made.__new__(made)
    StreamParser.__init__(parser, *arguments)
    with suppress(ParseError):  # strict: the parser stores the error, as the pickled one did
        parser.feed(tokens)
        if closed:
            parser.close()
    parser._last = last
    return parser
