"""Reads token ids with the codec, and in strict mode raises where `openai_harmony` raises.

Valid input is read as by the strict parser, other input is repaired as by recovery. In strict mode, the tokens of a
header wait until it is complete, since only then it is clear whether `openai_harmony` refuses it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harmony_spec import codec, runtime
from harmony_spec.errors import ParseError, Span
from harmony_spec.format.tables import Format
from harmony_spec.format.token_encoding import Tokenizer
from harmony_spec.recovery.draft import Draft
from harmony_spec.recovery.header_reading import HeaderReading
from harmony_spec.recovery.headers import Headers
from harmony_spec.recovery.known_names import KnownNames
from harmony_spec.recovery.recovered import BETWEEN, CONTENT, HEADER
from harmony_spec.source.forms import Form

from .conversion import RECOVERY, SLOTS
from .decoding import SPELLINGS, bytes_of_tokens, require_token_id
from .models import Role
from .peer_errors import HarmonyError
from .strictness import read_fields, split_header

_START = codec.SPECIAL_TOKENS[RECOVERY.begins]
_OPENS = frozenset(codec.SPECIAL_TOKENS[spelling] for spelling in RECOVERY.opens)
_STOPS = frozenset(codec.SPECIAL_TOKENS[spelling] for spelling in RECOVERY.closes)
_HEADERS = frozenset({_START, *(codec.SPECIAL_TOKENS[spelling] for spelling in RECOVERY.leads[SLOTS.channel])})
_STOP = next(codec.SPECIAL_TOKENS[spelling] for spelling, name in RECOVERY.closes.items() if name is None)


def is_type_as_recipient(recipient: object, constrained: object, content_type: object) -> bool:
    """Whether `openai_harmony` reads this content type as the recipient, since it is the only, unknown word."""
    return bool(content_type) and not (recipient or constrained or content_type in RECOVERY.content_types)


UNLIMITED = sys.maxsize
"""The limit for the tokens of a header in strict mode: `openai_harmony` has none, and a header is read once."""


class PeerHeaders(Headers):
    """Reads invalid headers, and headers of one unknown word, as `openai_harmony` does.

    Args:
        guesses: also read a bare word as the recipient, or an unknown role as a tool, as it does.
    """

    def __init__(self, format: Format, form: Form, names: KnownNames, guesses: bool) -> None:
        self.guesses = guesses
        super().__init__(format, form, names, strict=True)

    def forget(self) -> None:
        """Use a cache of their own: other readers read the same headers differently."""
        super().forget()
        self.known = self.form.caches.of(PeerHeaders, self.guesses, self.names.key)

    def described(self, mixed: str, given: dict[str, Any], opener: str) -> HeaderReading | None:
        """Read a header that the grammar describes, or that `openai_harmony` reads."""
        found = super().described(mixed, given, opener)
        if found is not None:
            fields = (found.values[name] for name in (SLOTS.recipient, SLOTS.constrain, SLOTS.content_type))
            if not (self.guesses and is_type_as_recipient(*fields)):
                return found
        begun = mixed.removeprefix(self.format.markers[RECOVERY.begins])
        spelled = "".join(self.format.by_marker.get(char, char) for char in begun)
        read = read_fields(spelled, given.get(SLOTS.role) if begun == mixed else None, self.guesses)
        if read is None or (found is not None and found.values[SLOTS.role] != read[SLOTS.role]):
            return found
        return HeaderReading({**self.format.defaults, **given, **read})


class PeerParser(runtime.StreamParser[codec.Message]):
    """The streaming parser of the codec, which reads token ids one at a time, or all at once, as `openai_harmony` does.

    As in strict mode, it changes no name in a valid header. A special token inside of a content becomes its spelling,
    unless it ends the message. If not strict, a token that begins another header ends the message, too.

    Args:
        role: the role of the open header that they continue; None if they begin with a whole message.
        strict: raise where `openai_harmony` raises.

    Attributes:
        role: the same as the argument until the header is complete, then None.
        open_header: the token ids of the open header.
    """

    def __init__(self, role: Role | None, strict: bool, tokenizer: Tokenizer) -> None:
        start = "transcript" if role is None else "completion"
        given = {} if role is None else {SLOTS.role: role.value, SLOTS.name: None}
        self.role, self._raises = role, strict
        self._finished: list[codec.Message] = []
        self.open_header: list[int] = []
        self._held: list[int] | None = [] if strict and role is not None else None
        self._structure = _STOPS if strict else _STOPS | _HEADERS
        super().__init__(codec.FORMAT, start, given, None, True, tokenizer)

    def _refuse(self, span: Span) -> None:
        """Do not raise: `read` raises the errors of `openai_harmony`."""

    @property
    def open_content(self) -> str:
        """The content of the open message so far; empty if there is none."""
        draft = self._machine.draft
        return self.content if draft is not None and draft.started else ""

    def reset(self) -> None:
        """Forget the input since the last end, and set up the readers of `openai_harmony` again."""
        super().reset()
        machine = self._machine
        machine.headers = machine.output.headers = PeerHeaders(codec.FORMAT, self._form, machine.names, self._raises)
        machine.shows_prose_early = not self._raises
        if self._raises:
            machine.limit = UNLIMITED

    def message_begins(self, draft: Draft) -> None:
        """Keep a message without channel as it is: recovery would infer a channel from the next message."""
        if draft.reading.lacks_channel:
            draft.reading = replace(draft.reading, lacks_channel=False)
        super().message_begins(draft)

    @property
    def messages(self) -> list[codec.Message]:
        """The complete messages. A pending one, whose channel the next message shows, is read as the last message."""
        if self._machine.output.pending is None:
            return self._finished + super().messages
        role = Role(self._given[SLOTS.role]) if self._given else None
        again = PeerParser(role, self._raises, self._tokenizer)
        again.feed(self._tokens)
        again.close()
        return self._finished + again.messages

    @property
    def state(self) -> str:
        """The state: `BETWEEN` messages, in a `HEADER`, or in a `CONTENT`."""
        return super().state if self._held is None else HEADER

    def read(self, token: int) -> None:
        """Read a token id. Raises `HarmonyError` in strict mode."""
        before = self.state
        if self._held is not None:
            self._hold(self._held, token)
        elif self._raises and before == BETWEEN:
            if token != _START:
                raise HarmonyError(f"Unexpected token {token} while expecting start token {_START}")
            self._held = [token]
        elif before == CONTENT and token in SPELLINGS and token not in self._structure:
            self.feed(self._tokenizer.encode(SPELLINGS[token]))
        else:
            self.feed(token)
        if self.state != HEADER or (before != HEADER and token == _START):
            self.open_header = []
        else:
            self.open_header.append(token)
        if self.state == CONTENT:
            self.role = None

    def end(self) -> None:
        """End the input, or a part of it. Raises `HarmonyError` in strict mode inside of a header."""
        if self._held is not None:
            raise HarmonyError("Unexpected EOS while waiting for message header to complete")
        self.close()
        self._restart()

    def read_all(self, tokens: Sequence[int]) -> list[codec.Message]:
        """Read a whole input and return its messages. Raises `HarmonyError` in strict mode."""
        known = [require_token_id(token) for token in tokens]
        first, at = min(codec.FORMAT.spellings), 0
        for place in [*(place for place, token in enumerate(known) if token >= first), len(known)]:
            if self.state == CONTENT and at < place:
                self.feed(known[at:place])
                at = place
            for token in known[at : place + 1]:
                self.read(token)
            at = place + 1
        self.end()
        return self.messages

    def _hold(self, held: list[int], token: int) -> None:
        """Collect a token of a header. The token that opens the content completes it: feed it, or refuse it."""
        held.append(token)
        if token not in _OPENS:
            return
        self._held = None
        if refused := self._refusal(held):
            self._restart()
            raise refused
        self.feed(held)

    def _refusal(self, held: list[int]) -> HarmonyError | None:
        """Return the error of `openai_harmony` for a header; None if it reads it, or the grammar describes it."""
        continues = bool(self._given) and not self._tokens
        role = self.role if continues else None
        try:
            header = bytes_of_tokens(held[not continues : -1], self._tokenizer).decode()
        except (HarmonyError, UnicodeDecodeError):
            return HarmonyError("could not decode header")
        refused = split_header(header, None if role is None else role.value)
        return HarmonyError(refused) if isinstance(refused, str) and not _is_described([*held, _STOP], role) else None

    def _restart(self) -> None:
        """Continue with whole messages, after an error or the end of an input. The last delta stays."""
        self._finished, self._start, self._given = self.messages, "transcript", {}
        self.open_header, last = [], self._last
        self.reset()
        self._last = last


def _is_described(message: list[int], role: Role | None) -> bool:
    try:
        codec.parse(message, "transcript" if role is None else "completion", role=(role or Role.ASSISTANT).value)
    except ParseError:
        return False
    return True
