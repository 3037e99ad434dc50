"""Token ids read by the codec, with the failures of `openai_harmony` where a caller wants them.

What the grammar describes is read as the strict parser does, and the rest is repaired as the recovering parser does. In
strict mode, a header is held back until it is clear that `openai_harmony` does not refuse it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harmony_spec import codec, runtime
from harmony_spec.errors import ParseError, Span
from harmony_spec.format.tables import Format, Tokenizer
from harmony_spec.recovery.draft import Draft
from harmony_spec.recovery.header_reading import HeaderReading
from harmony_spec.recovery.headers import Headers
from harmony_spec.recovery.known_names import KnownNames
from harmony_spec.recovery.machine import BETWEEN, CONTENT, HEADER
from harmony_spec.source.lenient import Lenient

from .conversion import RECOVERY
from .decoding import SPELLINGS, bytes_of, token_id
from .models import Role
from .peer_errors import NOT_DECODED, UNFINISHED_HEADER, HarmonyError, unexpected_token
from .strictness import fields_of, refusal

_START = codec.SPECIAL_TOKENS[RECOVERY.begins]
_OPENS = frozenset(codec.SPECIAL_TOKENS[spelling] for spelling in RECOVERY.opens)
_STOPS = frozenset(codec.SPECIAL_TOKENS[spelling] for spelling in RECOVERY.closes)
_HEADERS = frozenset({_START, *(codec.SPECIAL_TOKENS[spelling] for spelling in RECOVERY.leads[RECOVERY.slots.channel])})
_STOP = next(codec.SPECIAL_TOKENS[spelling] for spelling, name in RECOVERY.closes.items() if name is None)


def is_bare(recipient: object, constrained: object, content_type: object) -> bool:
    """Whether `openai_harmony` takes a content type for the recipient, and nothing shows that it is wrong."""
    return bool(content_type) and not (recipient or constrained or content_type in RECOVERY.content_types)


UNLIMITED = sys.maxsize
"""Tokens of a header in strict mode, where `openai_harmony` has no limit; it is held back whole, and read once."""


class PeerHeaders(Headers):
    """Reads headers as `openai_harmony` does: those that no rule describes, and those of one bare word that is no known
    content type.

    Args:
        guesses: also where that makes a recipient of a bare word, or a tool of an unknown one.
    """

    def __init__(self, format: Format, form: Lenient, names: KnownNames, guesses: bool) -> None:
        self.guesses = guesses
        super().__init__(format, form, names, strict=True)

    def forget(self) -> None:
        """Judge all headers anew, and remember them apart from those that others read."""
        super().forget()
        key = (PeerHeaders, self.guesses, self.names.key)
        self.known: dict[Any, HeaderReading] = self.form.caches.setdefault(key, {})

    def described(self, mixed: str, given: dict[str, Any]) -> HeaderReading | None:
        """What a header says that a rule describes, or that `openai_harmony` reads."""
        found, slots = super().described(mixed, given), RECOVERY.slots
        if found is not None:
            said = (found.values[name] for name in (slots.recipient, slots.constrain, slots.content_type))
            if not (self.guesses and is_bare(*said)):
                return found
        begun = mixed.removeprefix(self.format.markers[RECOVERY.begins])
        spelled = "".join(self.format.by_marker.get(char, char) for char in begun)
        read = fields_of(spelled, given.get(slots.role) if begun == mixed else None, self.guesses)
        if read is None or (found is not None and found.values[slots.role] != read[slots.role]):
            return found
        return HeaderReading({**self.format.defaults, **given, **read})


class Parser(runtime.StreamParser[codec.Message]):
    """The codec's streaming parser for what the open header of a role continues, or for whole messages.

    It is strict in that it reads what the grammar describes as it is, whatever the names are; but it refuses nothing.
    """

    def __init__(self, role: Role | None, strict: bool, tokenizer: Tokenizer) -> None:
        start = "transcript" if role is None else "completion"
        slots = RECOVERY.slots
        given = {} if role is None else {slots.role: role.value, slots.name: None}
        self.begun = (role, strict, tokenizer)
        super().__init__(codec.FORMAT, start, given, None, True, tokenizer)

    def _refuse(self, span: Span) -> None:
        """Let it pass."""

    @property
    def open_content(self) -> str:
        """The content of the open message so far; empty where none is open."""
        draft = self._machine.draft
        return self.content if draft is not None and draft.started else ""

    @property
    def is_whole(self) -> bool:
        """Whether the content so far ends with a whole character."""
        return not self._partial

    def reset(self) -> None:
        """Begin anew: what was fed is forgotten."""
        super().reset()
        machine = self._machine
        machine.headers = machine.output.headers = PeerHeaders(codec.FORMAT, self._form, machine.names, self.begun[1])
        machine.shows_prose_early = not self.begun[1]
        if self.begun[1]:
            machine.limit = UNLIMITED

    def message_begins(self, draft: Draft) -> None:
        """A message has begun; without a channel it stays, as `openai_harmony` has it, whatever follows."""
        if draft.reading.lacks_channel:
            draft.reading = replace(draft.reading, lacks_channel=False)
        super().message_begins(draft)

    @property
    def last_message(self) -> codec.Message:
        """The message that was complete last."""
        message: codec.Message = self._machine.output.messages[-1]
        return message

    def settled(self) -> list[codec.Message]:
        """The messages that are complete; of one that waits for the next to show its channel, as if none came."""
        if self._machine.output.pending is None:
            return self.messages
        again = Parser(*self.begun)
        again.feed(self._tokens)
        again.close()
        return again.messages


class Reading:
    """Reads token ids one at a time, or all at once.

    Args:
        role: of the open header that they continue; None where they begin with a whole message.
        strict: raise where `openai_harmony` does.
        tokenizer: of the encoding.

    A special token in a content is text that spells it, as in `openai_harmony`, unless it ends the message. If not
    strict, one that begins another header ends the message as well.

    Attributes:
        role: the same, until the header is complete.
        parser: what reads; another one after a failure, and after the end of an input.
        header: the token ids of the open header.
    """

    def __init__(self, role: Role | None, strict: bool, tokenizer: Tokenizer) -> None:
        self.role, self._strict, self._tokenizer = role, strict, tokenizer
        self._finished: list[codec.Message] = []
        self.header: list[int] = []
        self.parser = Parser(role, strict, tokenizer)
        self._held: list[int] | None = [] if strict and role is not None else None
        self._continues = role is not None
        self._structure = _STOPS if strict else _STOPS | _HEADERS

    @property
    def state(self) -> str:
        """Where the input is: between messages, in a header, or in a content."""
        return self.parser.state if self._held is None else HEADER

    def feed(self, token: int) -> None:
        """Read a token id; raises `HarmonyError` in strict mode."""
        before = self.state
        if self._held is not None:
            self._hold(self._held, token)
        elif self._strict and before == BETWEEN:
            if token != _START:
                raise unexpected_token(token, _START)
            self._held, self._continues = [token], False
        elif before == CONTENT and token in SPELLINGS and token not in self._structure:
            self.parser.feed(self._tokenizer.encode(SPELLINGS[token]))
        else:
            self.parser.feed(token)
        if self.state != HEADER or (before != HEADER and token == _START):
            self.header = []
        else:
            self.header.append(token)
        if self.state == CONTENT:
            self.role = None

    def end(self) -> None:
        """No more tokens come for now; raises `HarmonyError` in strict mode inside of a header."""
        if self._held is not None:
            raise HarmonyError(UNFINISHED_HEADER)
        self.parser.close()
        self._restart()

    @property
    def messages(self) -> list[codec.Message]:
        """The messages that are complete."""
        return self._finished + self.parser.settled()

    def whole(self, tokens: Sequence[int]) -> list[codec.Message]:
        """The messages of a whole input; raises `HarmonyError` in strict mode."""
        known = [token_id(token) for token in tokens]
        first, at = min(codec.FORMAT.spellings), 0
        for place in [*(place for place, token in enumerate(known) if token >= first), len(known)]:
            if self.state == CONTENT and at < place:
                self.parser.feed(known[at:place])
                at = place
            for token in known[at : place + 1]:
                self.feed(token)
            at = place + 1
        self.end()
        return self.messages

    def _hold(self, held: list[int], token: int) -> None:
        """One more token of a header; the one that opens the content lets it go, or shows that it is refused."""
        held.append(token)
        if token not in _OPENS:
            return
        self._held = None
        if refused := self._refusal(held):
            self._restart()
            raise refused
        self.parser.feed(held)

    def _refusal(self, held: list[int]) -> HarmonyError | None:
        """Why a header is refused: for what `openai_harmony` says of it, unless the grammar describes it."""
        role = self.role if self._continues else None
        try:
            header = bytes_of(held[not self._continues : -1], self._tokenizer).decode()
        except (HarmonyError, UnicodeDecodeError):
            return HarmonyError(NOT_DECODED)
        refused = refusal(header, None if role is None else role.value)
        return None if refused is None or _is_described([*held, _STOP], role) else refused

    def _restart(self) -> None:
        """Begin anew, with a whole message."""
        self._finished += self.parser.settled()
        self.header = []
        self.parser = Parser(None, self._strict, self._tokenizer)


def _is_described(message: list[int], role: Role | None) -> bool:
    """Whether the grammar describes a message."""
    try:
        codec.parse(message, "transcript" if role is None else "completion", role=(role or Role.ASSISTANT).value)
    except ParseError:
        return False
    return True
