"""Messages of a format to Chat Completions."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..json_form import MESSAGES_KEY
from ..tools.chat_requests import SEPARATOR
from ..tools.purposes import Purpose, Purposes
from .chat_types import ChatMessage, Side, SideText
from .identifiers import digest_of, make_id
from .reading_chat import ASSISTANT, INSTRUCTS, RESULTS, ROLES
from .sides import Steps, chat_headers, reading_side, restored_chat, tokens_in, without

if TYPE_CHECKING:
    from ..codec import Message

TextPlace = tuple[Steps, int | None, int | None]
"""The steps to a text in chat messages, and the start and end of the text of one message in it; None for all of it."""

ORDER: dict[Purpose, int] = {"thoughts": 0, "preamble": 1, "answer": 1, "call": 2}
"""The order of the parts of a chat message. A message that comes before the last one begins another chat message."""

REPEATED = ("thoughts", "call")
"""One chat message may have several messages of these purposes: thoughts are joined, calls are listed."""


def to_chat(
    messages: Sequence[Message], side: Side | None = None, *, codec: ModuleType | None = None
) -> list[ChatMessage]:
    """Convert messages to those of Chat Completions.

    Without `side`, adjacent thoughts are joined, ids are made of the messages before, and settings, tools, the channels
    of calls and empty preambles are left out.

    Args:
        messages: the messages.
        side: from `from_chat`; the chat messages that it was made of are restored, then the others are converted.
        codec: whose messages these are; by default the one of this package.

    Raises:
        ConversionError: the side record belongs to other messages.
        RenderError: an item is not a message of this codec.
    """
    return _Writer(Purposes.of(codec), messages, side).chat


def chat_side(messages: Sequence[Message], *, codec: ModuleType | None = None) -> Side:
    """What `to_chat(messages)` leaves out: `from_chat` restores the messages with it, apart from `repair`.

    Args:
        messages: the messages.
        codec: whose messages these are; by default the one of this package.

    Raises:
        RenderError: an item is not a message of this codec.
    """
    purposes = Purposes.of(codec)
    writer = _Writer(purposes, messages, None)
    kept = []
    for message, value, place in zip(
        messages, purposes.codec.to_json(messages)[MESSAGES_KEY], writer.places, strict=True
    ):
        content = value[purposes.format.content]
        header = {name: held for name in purposes.format.header_fields if (held := getattr(message, name))}
        part = content[0] if isinstance(content, list) else {}
        key = next((key for key in ("text", purposes.text) if key in part), None)
        sources: list[SideText] = []
        if place is not None and key is not None and part[key] is not None:
            steps, start, end = place
            path: list[str | int] = ["content", 0, key]
            sources.append({"path": path, "form": "text", "parts": [([*steps], start, end)]})
        spelling = {"header": header, "variants": [*message.variants], "content": content, **tokens_in(value)}
        kept.append(without(spelling, sources))
    return {"digest": digest_of(chat_headers(writer.chat)), "chat": len(writer.chat), "messages": kept}


class _Writer:
    """Writes chat messages one after the other.

    Attributes:
        chat: the chat messages.
        places: for each message the place of its text, if it has one.
    """

    def __init__(self, purposes: Purposes, messages: Sequence[Any], side: Side | None) -> None:
        self.purposes = purposes
        purposes.format.require_values(messages)
        self.chat: list[ChatMessage] = []
        self.places: list[TextPlace | None] = []
        self.waiting: dict[str, deque[str]] = {}
        self.before = sha256()
        self.last: Purpose | None = None
        self.author: str | None = None
        self.thoughts: dict[int, list[str]] = {}
        self.thought_end = 0
        first, ids = 0, dict[int, str]()
        if side is not None:
            with reading_side():
                first, self.chat = restored_chat(purposes, messages, side)
                ids = given_ids(side)
        for index, message in enumerate(messages):
            self.write(message, index >= first, ids.get(index))
        for at, texts in self.thoughts.items():
            self.chat[at]["reasoning"] = SEPARATOR.join(texts)

    def write(self, message: Any, is_new: bool, identifier: str | None) -> None:
        purposes = self.purposes
        purpose, text = purposes.purpose(message), purposes.content(message)
        place: TextPlace | None = None
        if purpose == "preamble" and not text:  # clients write one beside calls
            self.places.append(None)
            return
        if purpose == "call":
            identifier = identifier or make_id("call_", self.before.hexdigest(), purposes.get(message, "recipient"))
            self.waiting.setdefault(purposes.get(message, "recipient"), deque()).append(identifier)
        elif purpose == "result":
            waiting = self.waiting.get(purposes.get(message, "name"))
            identifier = waiting.popleft() if waiting else make_id("call_", self.before.hexdigest())
        if is_new:
            place = self.add(purpose, message, text, identifier)
            self.last = purpose
        self.places.append(place)
        if purpose != "thoughts":
            self.before.update(repr((purposes.headers([message]), text)).encode(errors="surrogatepass"))

    def add(self, purpose: Purpose, message: Any, text: str, identifier: str | None) -> TextPlace | None:
        """Add a message to the chat messages; return the place of its text."""
        name = self.purposes.get(message, "name")
        if purpose in ORDER:
            return self.add_answer(purpose, message, text, identifier, name)
        role = str(self.purposes.get(message, "role"))
        if purpose == "instructions":
            if not text:
                return None
            role = role if role in INSTRUCTS else INSTRUCTS[-1]
        elif purpose == "result":
            self.chat.append({"role": RESULTS[0], "tool_call_id": identifier or "", "content": text})
            return (len(self.chat) - 1, "content"), None, None
        added: ChatMessage = {"role": role if role in ROLES else ROLES[2], "content": text}
        if name is not None:
            added["name"] = name
        self.chat.append(added)
        return (len(self.chat) - 1, "content"), None, None

    def add_answer(
        self, purpose: Purpose, message: Any, text: str, identifier: str | None, name: str | None
    ) -> TextPlace:
        last = self.last
        is_repeated = last == purpose and purpose in REPEATED
        if last not in ORDER or name != self.author or not (ORDER[last] < ORDER[purpose] or is_repeated):
            new: ChatMessage = {"role": ASSISTANT, "content": None}
            if name is not None:
                new["name"] = name
            self.chat.append(new)
        self.author = name
        at, added = len(self.chat) - 1, self.chat[-1]
        if purpose == "thoughts":
            start = self.thought_end + len(SEPARATOR) if at in self.thoughts else 0
            self.thoughts.setdefault(at, []).append(text)
            self.thought_end = start + len(text)
            return (at, "reasoning"), start, self.thought_end
        if purpose != "call":
            added["content"] = text
            return (at, "content"), None, None
        called = self.purposes.tool_name(self.purposes.get(message, "recipient"))
        calls = added.setdefault("tool_calls", [])
        calls.append({"id": identifier or "", "type": "function", "function": {"name": called, "arguments": text}})
        return (at, "tool_calls", len(calls) - 1, "function", "arguments"), None, None


def given_ids(side: Side) -> dict[int, str]:
    """The ids of calls in a side record, by the index of the message."""
    found: dict[int, str] = {}
    for kept in side["chat"] if isinstance(side["chat"], list) else ():
        for source in kept["texts"]:
            if source["path"][0] == "tool_calls":
                identifier = kept["value"]["tool_calls"][source["path"][1]].get("id")
                if identifier is not None:
                    found[source["parts"][0][0]] = identifier
    return found
