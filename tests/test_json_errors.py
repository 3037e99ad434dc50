"""JSON that is not a conversation: one error, in one line, with the place, what was expected, and what to write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from harmony_spec import ConversationError, Message, from_json, parse, recover, render, to_json

from .recovery_strategies import damaged
from .strategies import conversations

TOOL = {"name": "f", "description": "d", "parameters": {}}
MAX_CHARS = 450
"""An error quotes a wrong value in part: it may be a whole conversation."""


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi."}, fields]}


def said(content: Any) -> dict[str, Any]:
    return message(role="user", content=content)


def part(**fields: Any) -> dict[str, Any]:
    return message(role="developer", content=[fields])


def namespaces(value: Any) -> dict[str, Any]:
    return part(type="developer_content", tools=value)


def namespace(**fields: Any) -> dict[str, Any]:
    return namespaces([fields])


def tool(**fields: Any) -> dict[str, Any]:
    return namespace(name="functions", tools=[fields])


def system(**fields: Any) -> dict[str, Any]:
    return message(role="system", content=[{"type": "system_content", **fields}])


def channels(**fields: Any) -> dict[str, Any]:
    return system(channel_config=fields)


CONTENT = "/messages/1/content"
PART, NAMESPACE = f"{CONTENT}/0", f"{CONTENT}/0/tools/0"
TOOL_AT = f"{NAMESPACE}/tools/0"
CONFIG = f"{PART}/channel_config"

WRONG_TYPES = {
    "null": (None, "", "object"),
    "a number": (3, "", "object"),
    "a flag": (True, "", "object"),
    "a JSON text": ("{}", "", "json.loads"),
    "a list of messages": ([{"role": "user", "content": "Hi."}], "", '{"messages": [...]}'),
    "an empty list": ([], "", '{"messages": [...]}'),
    "a tuple": (({"role": "user"},), "", "object"),
    "no list of messages": ({"messages": None}, "/messages", "array"),
    "a text as messages": ({"messages": "Hi."}, "/messages", "array"),
    "one message": ({"messages": {"role": "user"}}, "/messages", "array"),
    "a set of messages": ({"messages": {1, 2}}, "/messages", "array"),
    "null as message": ({"messages": [None]}, "/messages/0", "object"),
    "a text as message": ({"messages": ["Hi."]}, "/messages/0", "object"),
    "a list as message": ({"messages": [[]]}, "/messages/0", "object"),
    "a channel that is a number": (message(role="assistant", content="", channel=1), "/messages/1/channel", "string"),
    "a channel in a list": (message(role="assistant", content="", channel=["f"]), "/messages/1/channel", "string"),
    "a name that is a number": (message(role="tool", name=1, content=""), "/messages/1/name", "string"),
    "a recipient that is an object": (
        message(role="user", recipient={}, content=""),
        "/messages/1/recipient",
        "string",
    ),
    "a flag as type": (message(role="user", content_type=True, content=""), "/messages/1/content_type", "string"),
    "null as content": (said(None), CONTENT, "string"),
    "a number as content": (said(5), CONTENT, "string"),
    "no number as content": (said(float("nan")), CONTENT, "string"),
    "a part as content": (said({"type": "text", "text": "Hi."}), CONTENT, "array"),
    "a text as part": (said(["Hi."]), PART, "object"),
    "null as part": (said([None]), PART, "object"),
    "a number as text": (part(type="text", text=1), f"{PART}/text", "string"),
    "null as text": (part(type="text", text=None), f"{PART}/text", "string"),
    "a wrong second part": (
        said([{"type": "text", "text": "a"}, {"type": "text", "text": 2}]),
        f"{CONTENT}/1/text",
        "string",
    ),
    "instructions that are a number": (
        part(type="developer_content", instructions=1),
        f"{PART}/instructions",
        "string",
    ),
    "a text as namespaces": (namespaces("functions"), f"{PART}/tools", "array"),
    "a number as namespaces": (namespaces(1), f"{PART}/tools", "array"),
    "names as namespaces": (namespaces(["functions"]), NAMESPACE, "object"),
    "null as namespace": (namespaces({"functions": None}), f"{PART}/tools/functions", "object"),
    "a namespace whose name is a number": (namespace(name=1), f"{NAMESPACE}/name", ""),
    "tools in an object": (namespace(name="functions", tools={}), f"{NAMESPACE}/tools", "array"),
    "null as tool": (namespace(name="functions", tools=[None]), TOOL_AT, "object"),
    "a tool whose name is a number": (tool(name=1), f"{TOOL_AT}/name", ""),
    "a description in a list": (tool(name="f", description=["d"]), f"{TOOL_AT}/description", "string"),
    "parameters as JSON text": (tool(name="f", parameters="{}"), f"{TOOL_AT}/parameters", "object"),
    "parameters in a list": (tool(name="f", parameters=[]), f"{TOOL_AT}/parameters", "object"),
    "a date that is a number": (
        system(conversation_start_date=20250101),
        f"{PART}/conversation_start_date",
        "string",
    ),
    "an identity in a list": (system(model_identity=["x"]), f"{PART}/model_identity", "string"),
    "a channel as channels": (system(channel_config="final"), CONFIG, ""),
    "a number as channel": (
        channels(valid_channels=[1], channel_required=True),
        f"{CONFIG}/valid_channels/0",
        "string",
    ),
    "a text as flag": (
        channels(valid_channels=["final"], channel_required="yes"),
        f"{CONFIG}/channel_required",
        "boolean",
    ),
}

WRONG_VALUES = {
    "null as role": (message(role=None, content=""), "/messages/1/role", "assistant"),
    "a number as role": (message(role=1, content=""), "/messages/1/role", "assistant"),
    "a list as role": (message(role=["user"], content=""), "/messages/1/role", "assistant"),
    "an object as role": (message(role={}, content=""), "/messages/1/role", "assistant"),
    "an unknown role": (message(role="function", content=""), "/messages/1/role", "assistant"),
    "a role in another case": (message(role="User", content=""), "/messages/1/role", "user"),
    "a role with a line break": (message(role="us\ner", content=""), "/messages/1/role", "user"),
    "null as kind of a part": (part(type=None, text=""), f"{PART}/type", "developer_content"),
    "a number as kind of a part": (part(type=1, text=""), f"{PART}/type", "developer_content"),
    "a misspelt kind of a part": (part(type="texts", text=""), f"{PART}/type", "developer_content"),
    "an image": (part(type="image_url", image_url={}), f"{PART}/type", "developer_content"),
    "an unknown effort": (system(reasoning_effort="huge"), f"{PART}/reasoning_effort", "medium"),
    "a number as effort": (system(reasoning_effort=2), f"{PART}/reasoning_effort", "medium"),
    "a namespace of two lines": (namespace(name="a\nb"), f"{NAMESPACE}/name", "A-Za-z0-9"),
    "a tool of two lines": (tool(name="a\nb"), f"{TOOL_AT}/name", "A-Za-z0-9"),
    "a tool without letters": (tool(name=""), f"{TOOL_AT}/name", "A-Za-z0-9"),
}

MISSING = {
    "no messages": ({}, "", "messages"),
    "a role of chat completions": (message(role="function", content=""), "/messages/1/role", "name of the author"),
    "a content outside a list": (message(role="user", content={"type": "text"}), "/messages/1/content", "only item"),
    "no fields": ({"messages": [{}]}, "/messages/0", "role"),
    "no role": (message(content=""), "/messages/1", "role"),
    "no content": (message(role="user"), "/messages/1", "content"),
    "no kind of a part": (part(text=""), PART, "type"),
    "no text": (part(type="text"), PART, "text"),
    "no name of a namespace": (namespace(tools=[]), NAMESPACE, "name"),
    "no name of a tool": (tool(description="d"), TOOL_AT, "name"),
}

UNKNOWN = {
    "a misspelt content": (message(role="user", contents=""), "/messages/1", "contents", "'content'"),
    "a misspelt channel": (message(role="user", content="", chanel="x"), "/messages/1", "chanel", "'channel'"),
    "text of a message": (message(role="user", text=""), "/messages/1", "text", "content"),
    "a number as key": (message(role="user", content="", **{"5": 1}), "/messages/1", "5", "content"),
    "calls": (message(role="assistant", content="", tool_calls=[]), "/messages/1", "tool_calls", "recipient"),
    "a call": (message(role="assistant", content="", function_call={}), "/messages/1", "function_call", "recipient"),
    "the id of a call": (message(role="tool", content="", tool_call_id="c"), "/messages/1", "tool_call_id", "name"),
    "reasoning": (message(role="assistant", content="", reasoning="x"), "/messages/1", "reasoning", "channel"),
    "reasoning of a server": (
        message(role="assistant", content="", reasoning_content="x"),
        "/messages/1",
        "reasoning_content",
        "message of their own",
    ),
    "a list of functions": ({"messages": [], "functions": [TOOL]}, "", "functions", "tools_from_json"),
    "a choice of tools": ({"messages": [], "tool_choice": "auto"}, "", "tool_choice", "request"),
    "annotations": (part(type="text", text="", annotations=[]), PART, "annotations", "text"),
    "misspelt instructions": (
        part(type="developer_content", instruction=""),
        PART,
        "instruction",
        "'instructions'",
    ),
    "a model": (system(model="x"), PART, "model", "model_identity"),
    "a chat definition": (namespaces([{"type": "function", "function": TOOL}]), NAMESPACE, "type", "tools_from_json"),
    "a flat chat definition": (
        namespaces([{"type": "function", "name": "f", "parameters": {}}]),
        NAMESPACE,
        "type",
        "tools_from_json",
    ),
    "a tool as namespace": (namespace(name="f", parameters={}), NAMESPACE, "parameters", "tools_from_json"),
    "misspelt tools": (namespace(name="functions", tool=[]), NAMESPACE, "tool", "'tools'"),
    "misspelt parameters": (tool(name="f", parameter={}), TOOL_AT, "parameter", "'parameters'"),
    "strict": (tool(name="f", strict=True), TOOL_AT, "strict", "tools_from_json"),
}


def error_of(value: Any) -> ConversationError:
    """The error of a value: in one line, from this package alone, with the number of the message."""
    with pytest.raises(ConversationError) as raised:
        from_json(value)
    error = raised.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    text = str(error)
    assert (len(text.splitlines()), len(text) <= MAX_CHARS) == (1, True)
    return error


def requires(value: Any, place: str, *words: str) -> None:
    error = error_of(value)
    text = str(error)
    if place:
        assert f"at {place}:" in text
    else:
        assert "at /" not in text
    assert error.index == (int(place.split("/")[2]) if place.count("/") > 1 else None)
    assert all(word in text for word in words), text


WRONG = WRONG_TYPES | WRONG_VALUES | MISSING


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_or_a_missing_field_has_its_place(name: str) -> None:
    value, place, expected = WRONG[name]
    requires(value, place, expected)


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_field_is_named_with_what_to_write(name: str) -> None:
    """The place is that of the field, or of the object that has it."""
    value, place, field, expected = UNKNOWN[name]
    text = str(error_of(value))
    assert f"at {place}:" in text or f"at {place}/{field}:" in text
    assert (f"unknown field '{field}'" in text, expected in text.split(f"unknown field '{field}'", 1)[-1]) == (
        True,
        True,
    )


TOP = {
    "tools": ({"messages": [], "tools": [TOOL]}, "tools", "tools_from_json"),
    "a model": ({"messages": [], "model": "gpt-oss"}, "model", "messages"),
    "misspelt messages": ({"mesages": []}, "mesages", "'messages'"),
    "a misspelt field of the open header": ({"messages": [], "opening": {"nam": "x"}}, "nam", "name"),
}


@pytest.mark.parametrize("name", TOP)
def test_a_conversation_has_no_other_fields(name: str) -> None:
    """Tools of chat completions would be lost: the error names the function that reads them."""
    value, field, expected = TOP[name]
    text = str(error_of(value))
    assert f"unknown field '{field}'" in text
    assert expected in text.split(f"unknown field '{field}'", 1)[-1]


def test_an_open_header_is_an_object() -> None:
    requires({"messages": [], "opening": []}, "/opening", "object")


def test_a_long_value_does_not_hide_what_was_expected() -> None:
    requires(said({"x": "y" * 5000}), CONTENT, "array")


FREE = ("parameters", "schema", "diagnostics")
"""The keys of any JSON."""


def objects(value: Any, pointer: str = "") -> list[tuple[str, dict[str, Any]]]:
    """All objects in a conversation that have a fixed shape, each with its place."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [found for step, item in items if step not in FREE for found in objects(item, f"{pointer}/{step}")]
    return [(pointer, value), *inner] if isinstance(value, dict) else inner


@given(conversations(), damaged("transcript"))
def test_unknown_keys_are_refused_at_every_depth(conversation: list[Message], tokens: list[int]) -> None:
    """Also in the fields for how a message was read."""
    for messages in (conversation, parse(render(conversation)).messages, recover(tokens).messages):
        value = json.loads(json.dumps(to_json(messages))) | {"opening": {"role": "assistant"}}
        from_json(value)
        for pointer, each in objects(value):
            each["unknown"] = None
            with pytest.raises(ConversationError) as caught:
                from_json(value)
            assert caught.value.pointer == f"{pointer}/unknown"
            del each["unknown"]
