"""Rows of data sets: where they have messages of Chat Completions, and in which spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..errors import quoted
from ..json_form import MESSAGES_KEY
from ..tools.chat_requests import EFFORT
from ..tools.openai_tools import TOOLS
from ..tools.requirements import fail, require_list, require_object, require_text
from .reading_chat import ASSISTANT, RESULTS, ROLES, UNREPORTED_VALUES

SHARED = "conversations"
"""The column of ShareGPT's messages, which have `from` and `value`."""

SYSTEM = ROLES[0]
"""The column beside it with the instructions, which some rows have."""

CALLS = "calls"
"""In place of a role: the message is the JSON of calls."""

SHARED_ROLES: Mapping[str, str] = {
    **dict.fromkeys(("human", "user"), ROLES[2]),
    **dict.fromkeys(("gpt", "chatgpt", "model", "assistant"), ASSISTANT),
    **dict.fromkeys(("tool", "observation", "function_response"), RESULTS[0]),
    **dict.fromkeys(("function_call", "tool_call"), CALLS),
    "system": ROLES[0],
}

PROMPT, COMPLETION = "prompt", "completion"
"""The columns of messages before, and of the messages that are trained on."""

WEIGHT = "weight"
"""The key for whether a message is trained on: 0 or 1. Source: OpenAI, the format of files for fine-tuning."""

FUNCTIONS = "functions"
"""The column of tools in older files for fine-tuning."""

CHAT_ROW_COLUMNS = (MESSAGES_KEY, SHARED, SYSTEM, PROMPT, COMPLETION, TOOLS, FUNCTIONS)
"""All columns that are read."""

SETTING_COLUMNS = ("tool_choice", "function_call", "response_format", EFFORT)
"""Columns that change what a request asks for, and are not read. Other columns are about the row."""

EMPTY_JSON = ("null", "[]", "{}")
"""Empty values as text."""


class ChatRow(NamedTuple):
    """What a row has.

    Attributes:
        messages: its messages of Chat Completions.
        tools: its tools.
        prompt: how many of the messages are the prompt of a completion.
        places: for each message a JSON pointer into the row, and one to its text if that has another key than in Chat
            Completions; empty if these are the messages of the row.
        tools_key: the column of the tools.
        unread: the columns with a value that are not read: other columns take their place, or they are settings.
    """

    messages: list[Any]
    tools: list[Any] | None = None
    prompt: int = 0
    places: Sequence[tuple[str, str | None]] = ()
    tools_key: str = TOOLS
    unread: Sequence[str] = ()

    def pointer(self, pointer: str) -> str:
        """A JSON pointer into the row for one into the messages."""
        steps = pointer.split("/")
        if steps[1:2] == [TOOLS]:
            return "/".join(["", self.tools_key, *steps[2:]])
        if not self.places or steps[1:2] != [MESSAGES_KEY] or not steps[2:]:
            return pointer
        place, text = self.places[int(steps[2])]
        return text if text is not None and steps[3:] == ["content"] else "/".join([place, *steps[3:]])


def chat_of_row(row: object) -> ChatRow:
    """The messages and tools of a row. Raises `ConversionError` if it has no messages.

    Messages and tools may be JSON, as text: in files with columns, all rows have one type.
    """
    if isinstance(row, list):
        return ChatRow(row, places=[(f"/{index}", None) for index, _ in enumerate(row)])
    values = require_object(row, ())
    read, key = _messages_of(values), TOOLS
    if (tools := _decoded(values, TOOLS)) is None:
        tools, key = _decoded(values, FUNCTIONS), FUNCTIONS
    unread = [each for each in (*read.unread, *SETTING_COLUMNS) if _has_value(values, each)]
    unread += [FUNCTIONS] if key == TOOLS and _has_value(values, FUNCTIONS) else []
    return read._replace(tools=tools, tools_key=key, unread=unread)


def _has_value(values: Mapping[str, Any], key: str) -> bool:
    return values.get(key) not in (*UNREPORTED_VALUES, *EMPTY_JSON)


def _messages_of(values: dict[str, Any]) -> ChatRow:
    """The messages of a row, without its tools."""
    if (held := _decoded(values, MESSAGES_KEY)) is not None:
        messages = require_list(held, (MESSAGES_KEY,))
        return ChatRow(messages, unread=(SHARED, SYSTEM, PROMPT, COMPLETION))
    if (held := _decoded(values, SHARED)) is not None:
        shared = require_list(held, (SHARED,))
        first = [{"role": SYSTEM, "content": values[SYSTEM]}] if values.get(SYSTEM) else []
        messages = [*first, *(_of_shared(entry, (SHARED, index)) for index, entry in enumerate(shared))]
        places: list[tuple[str, str | None]] = [(f"/{SYSTEM}", f"/{SYSTEM}")] * len(first)
        places += [
            (place, f"{place}/value" if "from" in entry else None)
            for place, entry in ((f"/{SHARED}/{index}", entry) for index, entry in enumerate(shared))
        ]
        return ChatRow(messages, places=places, unread=(PROMPT, COMPLETION))
    if values.get(PROMPT) is not None and values.get(COMPLETION) is not None:
        (prompt, at), (completion, after) = (
            _of_completion(values, key, role) for key, role in ((PROMPT, ROLES[2]), (COMPLETION, ASSISTANT))
        )
        return ChatRow([*prompt, *completion], None, len(prompt), [*at, *after], unread=(SYSTEM,))
    known = f"{MESSAGES_KEY}, {SHARED}, or {PROMPT} and {COMPLETION}"
    return fail((), "the row has no messages", hint=f"Its columns are read by their names: {known}.")


def take_weights(chat: list[Any]) -> tuple[list[Any], frozenset[int]]:
    """The messages without their weights, and the indices of those with the weight 0, which are not trained on."""
    kept, masked = [], set()
    for index, message in enumerate(chat):
        if isinstance(message, dict) and (weight := message.get(WEIGHT)) is not None:
            if isinstance(weight, bool) or weight not in (0, 1):
                fail((MESSAGES_KEY, index, WEIGHT), f"unknown weight {quoted(weight)}", expected=("0", "1"))
            message = {key: value for key, value in message.items() if key != WEIGHT}
            masked |= {index} if weight == 0 else set()
        kept.append(message)
    return kept, frozenset(masked)


def _decoded(values: Mapping[str, Any], key: str) -> Any:
    """A value, or that of its JSON if it is a text."""
    value = values.get(key)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError) as error:
        return fail((key,), f"the text is not JSON: {error}")


def _of_completion(values: Mapping[str, Any], key: str, role: str) -> tuple[list[Any], list[tuple[str, str | None]]]:
    """A prompt or a completion: a text, or messages, which may be JSON. The messages, and their places."""
    value = values[key]
    if isinstance(value, str):
        messages = None
        if value.lstrip().startswith("["):
            with suppress(ValueError, RecursionError):
                messages = json.loads(value)
        if not (isinstance(messages, list) and messages and all(isinstance(m, dict) and "role" in m for m in messages)):
            return [{"role": role, "content": value}], [(f"/{key}", f"/{key}")]
        value = messages
    return require_list(value, (key,)), [(f"/{key}/{index}", None) for index, _ in enumerate(value)]


def _of_shared(entry: object, path: tuple[str, int]) -> dict[str, Any]:
    """A message of ShareGPT; one of Chat Completions is left as it is."""
    values = require_object(entry, path)
    if "from" not in values:
        return values
    author, text = (require_text(values.get(key), (*path, key)) for key in ("from", "value"))
    others = {key: value for key, value in values.items() if key not in ("from", "value")}
    if author not in SHARED_ROLES:
        fail((*path, "from"), f"unknown author {author!r}", expected=SHARED_ROLES)
    if SHARED_ROLES[author] == CALLS:
        try:
            call = json.loads(text)
        except (ValueError, RecursionError) as error:
            fail((*path, "value"), f"the call is not JSON: {error}")
        calls = call if isinstance(call, list) else [call]
        return {**others, "role": ASSISTANT, "content": None, "tool_calls": calls}
    return {**others, "role": SHARED_ROLES[author], "content": text}
