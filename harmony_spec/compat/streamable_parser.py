"""`StreamableParser`: reads one token id at a time, and shows the open message after each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any

from harmony_spec import codec
from harmony_spec.recovery.recovered import BETWEEN, CONTENT, HEADER, ContentDelta

from .conversion import ROLES_BY_NAME, SLOTS, content_type, from_codec
from .decoding import require_token_id
from .encoding import HarmonyEncoding
from .models import Message, Role
from .peer_errors import HarmonyError
from .peer_reading import PeerParser

_ORDINARY = range(min(codec.FORMAT.spellings))

_NO_DELTAS: dict[int, tuple[ContentDelta]] = {}
"""Used outside of contents, and after a part of a character."""


class StreamState(Enum):
    """The state of a parser after a token."""

    EXPECT_START = "ExpectStart"
    HEADER = "Header"
    CONTENT = "Content"


_STATES = {BETWEEN: StreamState.EXPECT_START, HEADER: StreamState.HEADER, CONTENT: StreamState.CONTENT}


class StreamableParser:
    """Reads token ids one at a time. One thread at a time may use it; it can be copied and pickled.

    Args:
        role: the role of the open header that the tokens continue; None if they begin with a whole message.
        strict: raise `HarmonyError` where `openai_harmony` raises. Otherwise repair, and never raise for any tokens.
    """

    _inside: bool
    _deltas: dict[int, tuple[ContentDelta]]
    _delta: str | None
    _role: Role | None
    _channel: str | None
    _recipient: str | None
    _content_type: str | None

    def __init__(self, encoding: HarmonyEncoding, role: Role | None, *, strict: bool = True) -> None:
        given = None if role is None else Role(role.value)
        self._arguments = (encoding, given, strict)
        self._parser = PeerParser(given, strict, encoding._inner)
        self._tokens: list[int] = []
        self._fed = 0
        self._ends: list[int] = []
        self._leave_content()

    def __reduce__(self) -> tuple[Any, ...]:
        return _replay, (*self._arguments, self._tokens, self._ends)

    def process(self, token: int) -> StreamableParser:
        """Read a token id, and return the parser.

        Raises:
            HarmonyError: in strict mode, the token is invalid here. The parser then expects the next message.
        """
        delta = self._deltas.get(token) if token.__class__ is int else None
        self._tokens.append(token if delta else require_token_id(token))
        if delta:
            self._delta = delta[0].text
            return self
        self._catch_up(len(self._tokens) - 1)
        if self._inside and token in _ORDINARY:
            self._catch_up(len(self._tokens))
            self._show_delta()
        else:
            self._step(self._tokens[-1])
        return self

    def process_eos(self) -> StreamableParser:
        """Complete the open message, and return the parser. More whole messages may follow.

        Raises:
            HarmonyError: in strict mode, a header is open.
        """
        self._catch_up(len(self._tokens))
        self._ends.append(len(self._tokens))
        self._parser.end()
        self._leave_content()
        self._show_ended()
        return self

    def _catch_up(self, end: int) -> None:
        """Feed the tokens whose deltas were known."""
        if self._fed < end:
            self._parser.feed(self._tokens[self._fed : end])
            self._fed = end

    def _show_delta(self) -> None:
        """Show what the last token added to a content.

        If the next one is known, it is not parsed at once: its delta is known, and many are fed together later.
        """
        self._delta = self._parser.last_delta or None
        self._deltas = self._parser.repeatable if self._parser.is_plain else _NO_DELTAS

    def _step(self, token: int) -> None:
        """Feed a token outside of a content, or a special token."""
        was_inside, self._fed = self._inside, len(self._tokens)
        self._leave_content()
        self._parser.read(token)
        self._role, self._inside = self._parser.role, self._parser.state == CONTENT
        if not self._inside:
            self._show_ended()
            return
        if not was_inside:
            self._opened = len(self._tokens)
        self._show_delta()
        self._show_header(self._parser.value)

    def _show_ended(self) -> None:
        """Show the text of a message that only its end completed: before, it might have been a header or a gap.

        `openai_harmony` has no such deltas, so strict mode has none either.
        """
        if not self._arguments[-1] and (delta := self._parser.last_delta):
            self._delta = delta
            self._show_header(partial(getattr, self._parser.messages[-1]))

    def _leave_content(self) -> None:
        """Set the visible state for no open content."""
        self._inside, self._deltas, self._role = False, _NO_DELTAS, self._parser.role
        self._delta = self._channel = self._recipient = self._content_type = None

    def _show_header(self, value: Callable[[str, Any], Any]) -> None:
        self._role, self._name = ROLES_BY_NAME[value(SLOTS.role, None)], value(SLOTS.name, None)
        self._channel, self._recipient = value(SLOTS.channel, None), value(SLOTS.recipient, None)
        self._content_type = content_type(value(SLOTS.constrain, False), value(SLOTS.content_type, None))

    @property
    def current_content(self) -> str:
        """The content of the open message so far, complete characters only; empty if there is none."""
        self._catch_up(len(self._tokens))
        return self._parser.open_content

    @property
    def current_role(self) -> Role | None:
        """The role of the open message; before its header is complete, the role passed to the constructor."""
        return self._role

    @property
    def current_content_type(self) -> str | None:
        """The content type of the open message."""
        return self._content_type

    @property
    def last_content_delta(self) -> str | None:
        """The text that the last token added to the content; None for no text."""
        return self._delta

    @property
    def messages(self) -> list[Message]:
        """The complete messages."""
        return from_codec(self._parser.messages)

    @property
    def tokens(self) -> list[int]:
        """All token ids so far."""
        return list(self._tokens)

    @property
    def state_data(self) -> dict[str, Any]:
        """The state as JSON data: its name, and the token ids of the open header, or the header and the token ids of
        the content.
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
            return {"state": name, "header_tokens": list(self._parser.open_header)}
        return {"state": name}

    @property
    def state(self) -> StreamState:
        """The state after the last token."""
        return _STATES[self._parser.state]

    @property
    def current_recipient(self) -> str | None:
        """The recipient of the open message."""
        return self._recipient

    @property
    def current_channel(self) -> str | None:
        """The channel of the open message."""
        return self._channel


def _replay(
    encoding: HarmonyEncoding, role: Role | None, strict: bool, tokens: list[int], ends: list[int]
) -> StreamableParser:
    """Make a parser and feed the same token ids again. The errors that were raised then are ignored now."""
    parser = StreamableParser(encoding, role, strict=strict)
    for at in range(len(tokens) + 1):
        for _ in range(ends.count(at)):
            with suppress(HarmonyError):
                parser.process_eos()
        for token in tokens[at : at + 1]:
            with suppress(HarmonyError):
                parser.process(token)
    return parser
