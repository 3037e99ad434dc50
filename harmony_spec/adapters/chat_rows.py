"""Rows of data sets: where they have messages of Chat Completions, and in which spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..json_form import MESSAGES_KEY
from ..tools.openai_tools import TOOLS
from .reading_chat import ASSISTANT, RESULTS, ROLES
from .requirements import fail, require_list, require_object, require_text

SHARED = "conversations"
"""The column of ShareGPT's messages, which have `from` and `value`."""

SHARED_ROLES: Mapping[str, str] = {
    **dict.fromkeys(("human", "user"), ROLES[2]),
    **dict.fromkeys(("gpt", "chatgpt", "model", "assistant"), ASSISTANT),
    **dict.fromkeys(("tool", "observation", "function_response"), RESULTS[0]),
    "system": ROLES[0],
}

PROMPT, COMPLETION = "prompt", "completion"
"""The columns of messages before, and of the messages that are trained on."""


def chat_of_row(row: object) -> tuple[list[Any], list[Any] | None]:
    """The messages of a row, and its tools. Raises `ConversionError` if it has no messages."""
    if isinstance(row, list):
        return row, None
    values = require_object(row, ())
    tools = values.get(TOOLS)
    if isinstance(tools, str):  # data sets in columns, whose schemas differ by row
        try:
            tools = json.loads(tools) if tools else None
        except ValueError as error:
            fail((TOOLS,), f"the text is not JSON: {error}")
    if MESSAGES_KEY in values:
        return require_list(values[MESSAGES_KEY], (MESSAGES_KEY,)), tools
    if SHARED in values:
        shared = require_list(values[SHARED], (SHARED,))
        return [_of_shared(entry, (SHARED, index)) for index, entry in enumerate(shared)], tools
    if PROMPT in values and COMPLETION in values:
        parts = [(key, values[key]) for key in (PROMPT, COMPLETION)]
        texts = zip(parts, (ROLES[2], ASSISTANT), strict=True)
        joined = [
            [{"role": role, "content": v}] if isinstance(v, str) else require_list(v, (k,)) for (k, v), role in texts
        ]
        return [*joined[0], *joined[1]], tools
    known = f"{MESSAGES_KEY}, {SHARED}, or {PROMPT} and {COMPLETION}"
    return fail((), "the row has no messages", hint=f"Its columns are read by their names: {known}.")


def _of_shared(entry: object, path: tuple[str, int]) -> dict[str, Any]:
    """A message of ShareGPT; one of Chat Completions is left as it is."""
    values = require_object(entry, path)
    if "from" not in values:
        return values
    author, text = (require_text(values.get(key), (*path, key)) for key in ("from", "value"))
    if author in ("function_call", "tool_call"):
        try:
            call = json.loads(text)
        except ValueError as error:
            fail((*path, "value"), f"the call is not JSON: {error}")
        return {"role": ASSISTANT, "content": None, "tool_calls": call if isinstance(call, list) else [call]}
    if author not in SHARED_ROLES:
        fail((*path, "from"), f"unknown author {author!r}", expected=SHARED_ROLES)
    return {"role": SHARED_ROLES[author], "content": text}
