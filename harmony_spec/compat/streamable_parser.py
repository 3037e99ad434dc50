"""`StreamableParser`: one token id at a time, with what is known of the open message after each."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import Any

from harmony_spec import codec
from harmony_spec.recovery.machine import BETWEEN, CONTENT, HEADER

from .conversion import RECOVERY, ROLES, content_type, from_codec
from .decoding import token_id
from .encoding import HarmonyEncoding
from .models import Message, Role
from .peer_errors import HarmonyError
from .peer_reading import Parser, Reading

SLOTS = RECOVERY.slots
_ORDINARY = range(min(codec.FORMAT.spellings))


_KNOWN: dict[int, str] = {}
"""The texts of tokens that are whole characters: what they add to a content that ends with a whole one. Tokens of
which this is known are handed over later, many at once."""

_NOTHING: dict[int, str] = {}
"""Used in its place where it does not apply: outside of contents, and behind a part of a character."""


class StreamState(Enum):
    """Where the input of a parser is."""

    EXPECT_START = "ExpectStart"
    HEADER = "Header"
    CONTENT = "Content"


_STATES = {BETWEEN: StreamState.EXPECT_START, HEADER: StreamState.HEADER, CONTENT: StreamState.CONTENT}


class StreamableParser:
    """Reads token ids one at a time. One thread at a time may use it; it can be copied and pickled.

    Args:
        encoding: of the tokens.
        role: of the open header that they continue; None where they begin with a whole message.
        strict: raise `HarmonyError` where `openai_harmony` does; else repair, and never raise for what a model wrote.
    """

    _inside: bool
    _deltas: dict[int, str]
    _delta: str | None
    _role: Role | None
    _channel: str | None
    _recipient: str | None
    _content_type: str | None

    def __init__(self, encoding: HarmonyEncoding, role: Role | None, *, strict: bool = True) -> None:
        given = None if role is None else Role(role.value)
        self._arguments = (encoding, given, strict)
        self._reading = Reading(given, strict, encoding._inner)
        self._tokens: list[int] = []
        self._fed = 0
        self._ends: list[int] = []
        self._outside()

    def __reduce__(self) -> tuple[Any, ...]:
        return _read_again, (*self._arguments, self._tokens, self._ends)

    def process(self, token: int) -> StreamableParser:
        """Read a token id, and return the parser.

        Raises:
            HarmonyError: in strict mode, the token cannot stand here; the parser then waits for the next message.
        """
        delta = self._deltas.get(token) if token.__class__ is int else None
        self._tokens.append(token if delta else token_id(token))
        if delta:
            self._delta = delta
        elif self._inside and token in _ORDINARY:
            self._more()
        else:
            self._catch_up(len(self._tokens) - 1)
            self._step(self._tokens[-1])
        return self

    def process_eos(self) -> StreamableParser:
        """No more tokens come: the open message is complete. Returns the parser, which may go on with whole messages.

        Raises:
            HarmonyError: in strict mode, a header is open.
        """
        self._catch_up(len(self._tokens))
        self._ends.append(len(self._tokens))
        parser = self._reading.parser
        self._reading.end()
        self._outside()
        self._show_ended(parser)
        return self

    def _catch_up(self, end: int) -> None:
        """Hand over the tokens whose text was known."""
        if self._fed < end:
            self._reading.parser.feed(self._tokens[self._fed : end])
            self._fed = end

    def _more(self) -> None:
        """One more token of a content, of which it is not known what it adds."""
        parser, whole = self._reading.parser, self._deltas is _KNOWN
        self._catch_up(len(self._tokens) - 1)
        self._catch_up(len(self._tokens))
        self._delta = parser.last_delta or None
        self._deltas = _KNOWN if parser.is_whole else _NOTHING
        if whole and parser.is_whole and self._delta:
            _KNOWN[self._tokens[-1]] = self._delta

    def _step(self, token: int) -> None:
        """A token outside of a content, or a special one."""
        before, self._fed = self._inside, len(self._tokens)
        self._outside()
        self._reading.feed(token)
        self._role = self._reading.role
        if self._reading.state == CONTENT:
            self._open(before)
        else:
            self._show_ended(self._reading.parser)

    def _show_ended(self, parser: Parser) -> None:
        """Show the text that the last token completed together with its message: it might have been a header or a gap.

        `openai_harmony` has no such deltas, so strict mode has none either.
        """
        if self._arguments[-1] or not parser.last_delta:
            return
        message = parser.last_message
        self._delta, self._role = parser.last_delta, ROLES[message.role]
        self._channel, self._recipient = message.channel, message.recipient
        self._content_type = content_type(message.constrain, message.content_type)

    def _outside(self) -> None:
        """No content is open."""
        self._inside, self._deltas, self._role = False, _NOTHING, self._reading.role
        self._delta = self._channel = self._recipient = self._content_type = None

    def _open(self, before: bool) -> None:
        """A content is open, and its header known; it may have been so before."""
        parser = self._reading.parser
        if not before:
            self._opened = len(self._tokens)
        self._inside, self._deltas = True, _KNOWN if parser.is_whole else _NOTHING
        self._delta = parser.last_delta or None
        self._role, self._name = ROLES[parser.value(SLOTS.role, None)], parser.value(SLOTS.name, None)
        self._channel, self._recipient = parser.value(SLOTS.channel, None), parser.value(SLOTS.recipient, None)
        constrained, kind = parser.value(SLOTS.constrain, False), parser.value(SLOTS.content_type, None)
        self._content_type = content_type(constrained, kind)

    @property
    def current_content(self) -> str:
        """The content of the open message so far, complete characters only; empty where none is open."""
        self._catch_up(len(self._tokens))
        return self._reading.parser.open_content

    @property
    def current_role(self) -> Role | None:
        """Who writes the open message; before that, the role that was given."""
        return self._role

    @property
    def current_content_type(self) -> str | None:
        """The content type of the open message."""
        return self._content_type

    @property
    def last_content_delta(self) -> str | None:
        """What the last token added to the content; None where that is nothing."""
        return self._delta

    @property
    def messages(self) -> list[Message]:
        """The messages that are complete."""
        return from_codec(self._reading.messages)

    @property
    def tokens(self) -> list[int]:
        """All token ids so far."""
        return list(self._tokens)

    @property
    def state_data(self) -> dict[str, Any]:
        """The state as JSON has it: its name, and the token ids of the open header, or the header and those of the
        content.
        """
        name = self.state.value
        if self._inside:
            author = {"role": self._role.value if self._role else None, "name": self._name}
            header = {
                "author": {key: value for key, value in author.items() if value is not None},
                "recipient": self._recipient,
                "channel": self._channel,
                "content_type": self._content_type,
            }
            return {"state": name, "header": header, "content_tokens": self._tokens[self._opened :]}
        if self.state is StreamState.HEADER:
            return {"state": name, "header_tokens": list(self._reading.header)}
        return {"state": name}

    @property
    def state(self) -> StreamState:
        """Where the input is."""
        return _STATES[self._reading.state]

    @property
    def current_recipient(self) -> str | None:
        """Whom the open message is for."""
        return self._recipient

    @property
    def current_channel(self) -> str | None:
        """The channel of the open message."""
        return self._channel


def _read_again(
    encoding: HarmonyEncoding, role: Role | None, strict: bool, tokens: list[int], ends: list[int]
) -> StreamableParser:
    """A parser that has read these token ids, with what failed in it."""
    parser = StreamableParser(encoding, role, strict=strict)
    for at in range(len(tokens) + 1):
        for _ in range(ends.count(at)):
            with suppress(HarmonyError):
                parser.process_eos()
        for token in tokens[at : at + 1]:
            with suppress(HarmonyError):
                parser.process(token)
    return parser
