"""`HarmonyEncoding`: renders, parses, encodes and decodes, by the codec and the shipped vocabulary."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any, Literal

from harmony_spec import codec
from harmony_spec.errors import HarmonyError as SpecError
from harmony_spec.errors import ParseError, VocabularyError
from harmony_spec.source.token_places import tokens_of_parts
from harmony_spec.vocabulary import Vocabulary, load

from .conversion import EVERYONE, RECOVERY, from_codec, offers_functions, text_of, to_codec
from .decoding import PEER_SPECIAL_TOKENS, SPELLINGS, bytes_of_tokens, require_token_id
from .models import Conversation, Message, RenderConversationConfig, RenderOptions, Role
from .peer_errors import HarmonyError, raise_disallowed_special_token
from .peer_reading import PeerParser, is_type_as_recipient

_ASSISTANT = Role.ASSISTANT

_ENDS = {kind: codec.SPECIAL_TOKENS[spelling] for spelling, kind in RECOVERY.closes.items()}
"""The ids of the stop tokens, by the name of the alternative."""

PATTERN_CACHE_SIZE = 64
"""How many sets of special tokens are cached as patterns: callers pass the same few again and again."""


class HarmonyEncodingName(str, Enum):
    """The names of encodings."""

    HARMONY_GPT_OSS = "HarmonyGptOss"

    def __str__(self) -> str:
        return str(self.value)


def load_harmony_encoding(name: str | HarmonyEncodingName) -> HarmonyEncoding:
    """Return an encoding by name. The vocabulary is loaded once; nothing is downloaded.

    Raises:
        ValueError: the name is unknown.
    """
    if str(name) != HarmonyEncodingName.HARMONY_GPT_OSS.value:
        raise ValueError(f"Invalid HarmonyEncodingName: {name}")
    return HarmonyEncoding(load(codec.FORMAT.encoding))


class HarmonyEncoding:
    """Renders messages to token ids, reads them back, and encodes and decodes text. May be used from any thread.

    Args:
        inner: the vocabulary.
    """

    def __init__(self, inner: Vocabulary) -> None:
        self._inner = inner

    def __reduce__(self) -> tuple[Any, ...]:
        return load_harmony_encoding, (self.name,)

    @property
    def name(self) -> str:
        """The name, for `load_harmony_encoding`."""
        return HarmonyEncodingName.HARMONY_GPT_OSS.value

    @functools.cached_property
    def special_tokens_set(self) -> set[str]:
        """The spellings of all special tokens."""
        return set(PEER_SPECIAL_TOKENS)

    # Rendering.

    def render_conversation_for_completion(
        self, conversation: Conversation, next_turn_role: Role, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Return the token ids of a conversation and of the open header that the model continues.

        Args:
            next_turn_role: the role of the open header.
            config: by default, if the last message of the assistant is a final answer, the analysis before the first
                final answer is dropped.

        Raises:
            HarmonyError: the format cannot express a message.
        """
        return _render_all(conversation, config, "prompt", Role(next_turn_role))

    def render_conversation(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Return the token ids of a conversation; see `render_conversation_for_completion`."""
        return _render_all(conversation, config, "transcript")

    def render_conversation_for_training(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Like `render_conversation`, but a last final answer ends with the token that stops the model."""
        tokens, messages = _render_all(conversation, config, "transcript"), conversation.messages
        if messages and messages[-1].author.role == _ASSISTANT and messages[-1].channel == RECOVERY.answers:
            tokens[-1] = _ENDS[RECOVERY.ends_answers]
        return tokens

    def render(self, message: Message, render_options: RenderOptions | None = None) -> list[int]:
        """Return the token ids of one message. Raises `HarmonyError` if the format cannot express it."""
        has_functions = render_options is not None and render_options.conversation_has_function_tools
        return _render([message], has_functions, "transcript")

    # Parsing.

    def parse_messages_from_completion_tokens(
        self, tokens: Sequence[int], role: Role | None = None, *, strict: bool = True
    ) -> list[Message]:
        """Parse the output of a model. The last message may lack its stop token.

        Args:
            role: the role of the open header that the tokens continue; None if they begin with a whole message.
            strict: raise where `openai_harmony` raises. Otherwise repair, and never raise for any tokens.

        Raises:
            HarmonyError: with `strict`, the tokens are not messages.
        """
        return from_codec(self._read(list(tokens), None if role is None else Role(role.value), strict))

    def _read(self, tokens: list[int], role: Role | None, strict: bool) -> list[codec.Message]:
        start: codec.Start = "transcript" if role is None else "completion"
        with suppress(ParseError, ValueError):  # no open header has the role of tools without a name
            found = codec.parse(tokens, start, role=(role or Role.ASSISTANT).value).messages
            typed = [each for each in found if each.content_type] if strict else ()
            if not any(is_type_as_recipient(each.recipient, each.constrain, each.content_type) for each in typed):
                return found
        return PeerParser(role, strict, self._inner).read_all(tokens)

    # Text.

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Encode a text. Lone surrogates are replaced.

        Args:
            allowed_special: spellings that become special tokens, or "all".
            disallowed_special: spellings that raise, or "all" for all special tokens that are not allowed.
                Other spellings become ordinary tokens.

        Raises:
            HarmonyError: the text contains a disallowed spelling.
        """
        allowed = self.special_tokens_set if allowed_special == "all" else set(allowed_special)
        refused = self.special_tokens_set - allowed if disallowed_special == "all" else set(disallowed_special)
        if refused and (found := _matcher_of(frozenset(refused)).search(text)):
            raise_disallowed_special_token(found.group())
        known = PEER_SPECIAL_TOKENS
        if allowed_special != "all":
            known = {spelling: known[spelling] for spelling in allowed & known.keys()}
        parts = _matcher_of(frozenset(known)).split(text) if known else [text]
        try:
            return tokens_of_parts(parts, known, self._inner.encode)
        except VocabularyError:
            whole = [part.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for part in parts]
            return tokens_of_parts(whole, known, self._inner.encode)

    def decode(self, tokens: Sequence[int], errors: str = "replace") -> str:
        """Decode token ids, special tokens spelled out.

        Args:
            errors: how to handle invalid UTF-8, as in `bytes.decode`.

        Raises:
            HarmonyError: a token id does not exist.
            UnicodeDecodeError: the bytes are not UTF-8, with `errors="strict"`.
        """
        return bytes_of_tokens(tokens, self._inner).decode(errors=errors)

    def decode_utf8(self, tokens: Sequence[int]) -> str:
        """Decode token ids, special tokens spelled out. Raises `HarmonyError` for invalid UTF-8."""
        try:
            return bytes_of_tokens(tokens, self._inner).decode()
        except UnicodeDecodeError as error:
            reason = f"Invalid utf-8 sequence: {error.reason} at byte {error.start}"
        except HarmonyError as error:
            reason = f"Invalid token error: {error}"
        raise HarmonyError(f"Could not decode tokens: {reason}")

    def is_special_token(self, token: int) -> bool:
        """Whether a token id is that of a special token."""
        return require_token_id(token) in SPELLINGS

    # Stop tokens.

    def stop_tokens(self) -> list[int]:
        """Return the ids of the special tokens that end a message."""
        return list(codec.STOP_TOKENS["message"])

    def stop_tokens_for_assistant_actions(self) -> list[int]:
        """Return the ids of the special tokens that stop a model: after its answer, or after a call."""
        return list(codec.STOP_TOKENS["assistant_actions"])


def _drop_analysis(messages: Sequence[Message], config: RenderConversationConfig | None) -> Sequence[Message]:
    """Drop analysis as `openai_harmony` does.

    If the last message of the assistant is a final answer, the analysis before the first final answer is dropped.
    """
    last = next((message for message in reversed(messages) if message.author.role == _ASSISTANT), None)
    if (config is not None and not config.auto_drop_analysis) or last is None or last.channel != RECOVERY.answers:
        return messages
    first = next(number for number, message in enumerate(messages) if message.channel == RECOVERY.answers)
    return [*(each for each in messages[:first] if each.channel != RECOVERY.thoughts), *messages[first:]]


def _render_all(
    conversation: Conversation,
    config: RenderConversationConfig | None,
    start: codec.Start,
    role: Role = _ASSISTANT,
) -> list[int]:
    """Render a conversation after dropping analysis. Dropped messages still count for `offers_functions`."""
    return _render(_drop_analysis(conversation.messages, config), offers_functions(conversation.messages), start, role)


def _render(messages: Sequence[Message], has_functions: bool, start: codec.Start, role: Role = _ASSISTANT) -> list[int]:
    """Render messages and an open header. A tool in an open header has the name `tool`: the caller passes no other."""
    name = role.value if role is Role.TOOL else None
    try:
        made = to_codec(messages, has_functions)
        if all(len(message.content) == 1 and message.recipient != EVERYONE for message in messages):
            return codec.render(made, start, role=role.value, name=name)
        tokens = [token for each in zip(messages, made, strict=True) for token in _render_alone(*each, has_functions)]
        return tokens + (codec.render([], start, role=role.value, name=name) if start == "prompt" else [])
    except SpecError as error:
        raise HarmonyError(str(error)) from error


def _render_alone(message: Message, made: codec.Message, has_functions: bool) -> list[int]:
    """Render a message as `openai_harmony` does: each part encoded by itself, a message to `all` ended as a call."""
    around = codec.render([replace(made, content="")], "transcript")
    role = Role(message.author.role)
    texts = [text_of(part, role, has_functions) for part in message.content]
    if role is _ASSISTANT and message.recipient == EVERYONE:
        around[-1] = _ENDS[RECOVERY.ends_calls]
    vocabulary = load(codec.FORMAT.encoding)
    return [*around[:-1], *(token for text in texts for token in vocabulary.encode(text)), around[-1]]


@functools.lru_cache(PATTERN_CACHE_SIZE)
def _matcher_of(spellings: frozenset[str]) -> re.Pattern[str]:
    """A pattern that matches any of these spellings."""
    return re.compile(f"({'|'.join(map(re.escape, sorted(spellings)))})")
