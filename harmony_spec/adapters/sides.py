"""Side records: one side's values without the texts that the other side has, and how to put the texts back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..codes import WRONG_SIDE
from ..errors import ConversionError, HarmonyError
from ..json_form import MESSAGES_KEY, TOKENS_KEY
from ..tools.chat_requests import INPUT, SEPARATOR
from ..tools.purposes import Purposes
from .chat_types import ChatMessage, Kept, Side, SideText
from .identifiers import digest_of

Steps = tuple[str | int, ...]

NESTED = dict, list, tuple


@contextmanager
def reading_side() -> Iterator[None]:
    """Raise `ConversionError` for a record that is not what `from_chat` or `chat_side` returned for these messages."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, HarmonyError):
        hint = "Convert without it; ids, parts and spellings are then new ones."
        problem = "the record was made of other messages"
        raise ConversionError(WRONG_SIDE, problem, pointer="/side", hint=hint) from None


def to_text(form: str, value: Any) -> str:
    """The text of a message for a value of a chat message; raises `ValueError`."""
    if form == "text":
        return str(value)
    value = {INPUT: value} if form == INPUT else value
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_text(form: str, text: str) -> Any:
    """The value that `to_text` made a text of; the text itself if it was changed to another kind."""
    if form == "text":
        return text
    try:
        value = json.loads(text)
        return value[INPUT] if form == INPUT else value
    except (ValueError, LookupError, TypeError, RecursionError):
        return text


def without(value: dict[str, Any], sources: list[SideText]) -> Kept:
    """Keep a value without its texts."""
    kept = copied(value)
    for source in sources:
        path = source["path"]
        value_at(kept, path[:-1])[path[-1]] = None
    return {"value": kept, "texts": sources}


def restore(kept: Kept, part: Callable[[Any], str], separator: str) -> dict[str, Any]:
    """The value with its texts; `part` returns the text at a place of the other side."""
    value: dict[str, Any] = copied(kept["value"])
    for source in kept["texts"]:
        texts = [part(place)[start:end] for place, start, end in source["parts"]]
        *steps, last = source["path"]
        value_at(value, steps)[last] = from_text(source["form"], separator.join(texts))
    return value


def copied(value: Any) -> Any:
    """A copy of a JSON value, also of one in other classes of dicts and lists."""
    if isinstance(value, dict):
        return {key: item if isinstance(item, str) else copied(item) for key, item in value.items()}
    return [*map(copied, value)] if isinstance(value, NESTED) else value


def value_at(value: Any, path: Sequence[str | int]) -> Any:
    """The value that some steps lead to."""
    for step in path:
        value = value[step]
    return value


def restored_chat(purposes: Purposes, messages: Sequence[Any], side: Side) -> tuple[int, list[Any]]:
    """The number of messages that belong to a record of `from_chat`, and their chat messages."""
    count, kept = _require_digest(side, "messages", "chat", messages, purposes.headers)
    texts = [purposes.content(message) for message in messages[:count]]
    return count, [restore(each, lambda at: texts[at], SEPARATOR) for each in kept]


def restored_messages(purposes: Purposes, chat: Sequence[Any], side: Side) -> tuple[int, list[tuple[Any, Any]]]:
    """The number of chat messages that belong to a record of `chat_side`; their messages, with the places of texts."""
    count, kept = _require_digest(side, "chat", "messages", chat, chat_headers)
    values = [restore(each, lambda at: str(value_at(chat, at)), "") for each in kept]
    role, content = purposes.slots.role, purposes.format.content
    read = [{role: value["header"][role], content: value["content"], **tokens_in(value)} for value in values]
    found = purposes.codec.from_json({MESSAGES_KEY: read})
    for message, value in zip(found, values, strict=True):
        message.variants = tuple(map(str, value["variants"]))
        for name in purposes.format.header_fields:
            field = value["header"].get(name, getattr(message, name))
            if not isinstance(field, str | bool | None):
                raise TypeError(name)
            setattr(message, name, field)
    places = [each["texts"][0]["parts"][0][0] if each["texts"] else None for each in kept]
    return count, list(zip(found, places, strict=True))


def tokens_in(value: dict[str, Any]) -> dict[str, Any]:
    """The token ids in the JSON form of a message, by their key, if there are any."""
    return {TOKENS_KEY: value[TOKENS_KEY]} if TOKENS_KEY in value else {}


def _require_digest(
    side: Any, counted: str, listed: str, values: Sequence[Any], headers: Callable[[Sequence[Any]], object]
) -> tuple[int, list[Kept]]:
    """The number of values that a record was made with, and what it keeps, if these are the values."""
    count, kept = side[counted], side[listed]
    if not 0 <= count <= len(values) or side["digest"] != digest_of(headers(values[:count])):
        raise ValueError(count)
    return count, list(kept)


def chat_headers(chat: Sequence[ChatMessage]) -> list[object]:
    """The role, names and ids of each chat message: two chats with the same ones differ at most in their texts."""
    found: list[object] = []
    for message in chat:
        calls = [(call.get("id"), call.get("type")) for call in message.get("tool_calls") or ()]
        found.append((message["role"], message.get("name"), message.get("tool_call_id"), calls))
    return found
