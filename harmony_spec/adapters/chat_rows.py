"""Rows of data sets: where they have messages of Chat Completions, and in which spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import quoted
from ..json_form import MESSAGES_KEY
from ..tools.openai_tools import TOOLS
from ..tools.requirements import fail, require_list, require_object, require_text
from .reading_chat import ASSISTANT, RESULTS, ROLES

SHARED = "conversations"
"""The column of ShareGPT's messages, which have `from` and `value`."""

SYSTEM = ROLES[0]
"""The column beside it with the instructions, which some rows have."""

SHARED_ROLES: Mapping[str, str] = {
    **dict.fromkeys(("human", "user"), ROLES[2]),
    **dict.fromkeys(("gpt", "chatgpt", "model", "assistant"), ASSISTANT),
    **dict.fromkeys(("tool", "observation", "function_response"), RESULTS[0]),
    "system": ROLES[0],
}

PROMPT, COMPLETION = "prompt", "completion"
"""The columns of messages before, and of the messages that are trained on."""

WEIGHT = "weight"
"""The key for whether a message is trained on: 0 or 1. Source: OpenAI, the format of files for fine-tuning."""

COLUMNS = (MESSAGES_KEY, SHARED, SYSTEM, PROMPT, COMPLETION, TOOLS)
"""All columns that are read."""


class ChatRow(NamedTuple):
    """What a row has.

    Attributes:
        messages: its messages of Chat Completions.
        tools: its tools.
        prompt: how many of the messages are the prompt of a completion.
    """

    messages: list[Any]
    tools: list[Any] | None = None
    prompt: int = 0


def chat_of_row(row: object) -> ChatRow:
    """The messages and tools of a row. Raises `ConversionError` if it has no messages.

    Messages and tools may be JSON, as text: in files with columns, all rows have one type.
    """
    if isinstance(row, list):
        return ChatRow(row)
    values = require_object(row, ())
    tools = _decoded(values, TOOLS)
    if MESSAGES_KEY in values:
        return ChatRow(require_list(_decoded(values, MESSAGES_KEY), (MESSAGES_KEY,)), tools)
    if SHARED in values:
        shared = require_list(_decoded(values, SHARED), (SHARED,))
        first = [{"role": SYSTEM, "content": values[SYSTEM]}] if values.get(SYSTEM) else []
        return ChatRow([*first, *(_of_shared(entry, (SHARED, index)) for index, entry in enumerate(shared))], tools)
    if PROMPT in values and COMPLETION in values:
        prompt, completion = (
            [{"role": role, "content": values[key]}]
            if isinstance(values[key], str)
            else require_list(values[key], (key,))
            for key, role in ((PROMPT, ROLES[2]), (COMPLETION, ASSISTANT))
        )
        return ChatRow([*prompt, *completion], tools, len(prompt))
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


def _of_shared(entry: object, path: tuple[str, int]) -> dict[str, Any]:
    """A message of ShareGPT; one of Chat Completions is left as it is."""
    values = require_object(entry, path)
    if "from" not in values:
        return values
    author, text = (require_text(values.get(key), (*path, key)) for key in ("from", "value"))
    others = {key: value for key, value in values.items() if key not in ("from", "value")}
    if author in ("function_call", "tool_call"):
        try:
            call = json.loads(text)
        except ValueError as error:
            fail((*path, "value"), f"the call is not JSON: {error}")
        calls = call if isinstance(call, list) else [call]
        return {**others, "role": ASSISTANT, "content": None, "tool_calls": calls}
    if author not in SHARED_ROLES:
        fail((*path, "from"), f"unknown author {author!r}", expected=SHARED_ROLES)
    return {**others, "role": SHARED_ROLES[author], "content": text}
