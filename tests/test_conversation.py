"""Messages as values: the JSON form, and dropping the analysis of completed turns."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import (
    CONVERSATION_SCHEMA,
    SPECIAL_TOKENS,
    ConversationError,
    Message,
    decode,
    drop_analysis,
    from_json,
    parse,
    render_text,
    render_training,
    to_json,
)

from .strategies import conversations


@given(conversations())
def test_json_survives(conversation: list[Message]) -> None:
    """What is written fits the schema, and comes back equal, also through a file. (A recipient `all` is none.)"""
    for message in conversation:
        message.recipient = None if message.recipient == "all" else message.recipient
    value = json.loads(json.dumps(to_json(conversation)))
    jsonschema.Draft202012Validator(CONVERSATION_SCHEMA).validate(value)
    assert from_json(value) == conversation


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(CONVERSATION_SCHEMA)


def test_what_json_may_leave_out() -> None:
    value: Any = {"messages": [{"role": "user", "content": "hi"}]}
    assert from_json(value) == [Message("user", "hi")]
    value["messages"][0]["content"] = [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]
    assert from_json(value) == [Message("user", "hi")]


@pytest.mark.parametrize("written", ["<|constrain|>json", "<|constrain|> json"])
def test_a_constraint_is_a_field(written: str) -> None:
    (message,) = from_json({"messages": [{"role": "assistant", "content": "{}", "content_type": written}]})
    assert (message.constrain, message.content_type) == (True, "json")


@pytest.mark.parametrize(
    ("value", "pointer", "index"),
    [
        ([], "", None),
        ({}, "", None),
        ({"messages": [], "tools": []}, "/tools", None),
        ({"messages": [], "opening": {"role": "boss"}}, "/opening/role", None),
        ({"messages": [{"role": "boss", "content": "x"}]}, "/messages/0/role", 0),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "user"}]}, "/messages/1", 1),
        ({"messages": [{"role": "user", "content": "x", "chanel": "final"}]}, "/messages/0/chanel", 0),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "/messages/0/content/0/type", 0),
        ({"messages": [{"role": "user", "content": "x", "channel": 5}]}, "/messages/0/channel", 0),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "/messages/0/content/0/text", 0),
    ],
)
def test_wrong_json_says_where(value: object, pointer: str, index: int | None) -> None:
    with pytest.raises(ConversationError) as caught:
        from_json(value)
    assert caught.value.pointer == pointer
    assert caught.value.index == index
    assert caught.value.code.code == "H301"
    assert caught.value.expected or caught.value.hint


@pytest.mark.parametrize(
    ("row", "hint"),
    [
        ({"messages": [], "tools": [{"type": "function"}]}, "tools_from_json"),
        ({"messages": [{"role": "assistant", "content": None}]}, "Write an empty string if there is no text."),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": []}]}, "Write a message for each call"),
        ({"messages": [{"role": "tool", "content": "", "tool_call_id": "1"}]}, "Write the tool as the name"),
    ],
)
def test_a_row_of_chat_completions_is_refused_with_what_to_write(row: object, hint: str) -> None:
    with pytest.raises(ConversationError, match=hint):
        from_json(row)


FORM = {"name": "a", "schema": {"type": "object"}}


def developer(**fields: object) -> dict[str, Any]:
    """A conversation of a developer message."""
    return {"messages": [{"role": "developer", "content": [{"type": "developer_content", **fields}]}]}


def test_only_what_is_read_from_an_object_may_be_one() -> None:
    """A list of records is an object where the schema says what its keys are; elsewhere an object is refused."""
    (message,) = from_json(developer(tools={"functions": {"name": "functions"}}))
    assert message == from_json(developer(tools=[{"name": "functions"}]))[0]
    assert from_json(developer(response_formats=[FORM]))[0].text.startswith("# Response Formats")
    with pytest.raises(ConversationError) as caught:
        from_json(developer(response_formats={"a": FORM}))
    assert caught.value.pointer == "/messages/0/content/0/response_formats"


def test_the_schema_is_plain_json_schema() -> None:
    """No keyword of its own, and every object lists all that it may hold."""
    assert '"x-' not in json.dumps(CONVERSATION_SCHEMA)
    objects = [CONVERSATION_SCHEMA, *CONVERSATION_SCHEMA["$defs"].values()]
    assert all(entry["additionalProperties"] is False for entry in objects)


def turn(*channels: str) -> list[Message]:
    return [Message("user", "?"), *(Message("assistant", c, channel=c) for c in channels)]


CALL = Message("assistant", "{}", channel="commentary", recipient="functions.f")
RESULT = Message("tool", "1", name="functions.f", recipient="assistant", channel="commentary")


@pytest.mark.parametrize(
    ("before", "dropped"),
    [
        (turn("analysis"), []),
        (turn("analysis", "final"), [1]),
        (turn("analysis", "final") + turn("analysis", "final"), [1, 4]),
        (turn("analysis", "final") + turn("analysis"), [1]),
        ([*turn("analysis"), CALL, RESULT], []),
        ([*turn("analysis", "final"), *turn("analysis"), CALL, RESULT], [1]),
        ([*turn("analysis"), CALL, RESULT, *turn("analysis", "final")[1:]], [1, 4]),
        (turn("analysis", "commentary", "final"), [1]),
    ],
)
def test_analysis_of_completed_turns_is_dropped(before: list[Message], dropped: list[int]) -> None:
    """All of it, not only what stands before the first final message; the current turn's stays."""
    assert drop_analysis(before) == [message for index, message in enumerate(before) if index not in dropped]


@given(conversations())
def test_dropping_keeps_order_and_the_current_turn(conversation: list[Message]) -> None:
    """What is left is in order; only analysis before the last final message is gone; dropping again drops nothing."""
    kept = drop_analysis(conversation)
    finals = [i for i, m in enumerate(conversation) if (m.role, m.channel) == ("assistant", "final")]
    last = finals[-1] if finals else -1
    gone = [i for i, m in enumerate(conversation) if i < last and m.channel == "analysis"]
    assert kept == [m for i, m in enumerate(conversation) if i not in gone]
    assert drop_analysis(kept) == kept


@given(st.sampled_from(["openai", "model"]))
def test_a_stored_return_becomes_an_end(style: Any) -> None:
    text = "<|start|>assistant<|channel|>final<|message|>x<|return|>"
    messages = parse(text).messages
    assert render_text(messages, style=style) == text.replace("return", "end")
    assert render_text(messages, style="as_parsed") == text
    assert decode(render_training(messages, style=style).tokens) == text


def test_only_a_last_final_message_is_a_target() -> None:
    final, call = Message("assistant", "x", channel="final"), CALL
    stop = SPECIAL_TOKENS["<|return|>"]
    assert render_training([final, final]).tokens.count(stop) == 1
    assert stop not in render_training([final, call]).tokens
    assert stop not in render_training([Message("user", "x")]).tokens
