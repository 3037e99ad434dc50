"""Structured contents in the JSON form of conversations."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from harmony_spec import ConversationError, RenderError, from_json, parse, render, to_json, validate
from harmony_spec.codec import ChannelConfig, DeveloperContent, Message, Namespace, ResponseFormat, SystemContent

from .test_contents import shown


def from_part(role: str, part: dict[str, Any]) -> Any:
    return from_json({"messages": [{"role": role, "content": [part]}]})[0].content


F = {"name": "f"}


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ({}, {}), ({"reasoning_effort": "Low"}, {"reasoning_effort": "low"}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}), ({"reasoning_effort": None}, {}),
        ({"tools": {"b": {"name": "b"}, "a": {"name": "a"}}}, {"tools": [Namespace("a"), Namespace("b")]}),
        ({"tools": [{"name": "b"}, {"name": "a"}]}, {"tools": [Namespace("b"), Namespace("a")]}),
        ({"channel_config": {"valid_channels": ["a"]}}, {"channel_config": ChannelConfig(["a"])}),
    ],
)  # fmt: skip
def test_what_json_leaves_out_is_absent(part: dict[str, Any], changed: dict[str, Any]) -> None:
    expected = dataclasses.replace(SystemContent(None, None, None, None, [], None), **changed)
    assert shown(from_part("system", {"type": "system_content", **part})) == shown(expected)


def test_response_formats_that_json_leaves_out_are_none() -> None:
    """Those of `tools` are an empty list; these are None, which breaks loops over them."""
    assert from_part("developer", {"type": "developer_content"}).response_formats == []


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        ({"type": "system_content", "reasoning_effort": "max"}, "/reasoning_effort"),
        ({"type": "system_content", "model_identity": 5}, "/model_identity"),
        ({"type": "system_content", "c": 5}, "/c"),
        ({"type": "system_content", "tools": [F, {"name": "a\nb"}]}, "/tools/1/name"),
        ({"type": "system_content", "tools": {"n": {"tools": [F]}}}, "/tools/n"),
        ({"type": "system_content", "channel_config": {"channels": []}}, "/channel_config/channels"),
        ({"type": "developer_content", "response_formats": [{"name": "r"}]}, "/response_formats/0"),
        ({"type": "other_content"}, "/type"), ({"model_identity": "x"}, ""),
        (
            {"type": "developer_content", "response_formats": [{"name": "r", "schema": None}]},
            "/response_formats/0/schema",
        ),
    ],
)  # fmt: skip
def test_wrong_json_says_where(part: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ConversationError) as caught:
        from_part("system", part)
    assert caught.value.pointer == f"/messages/0/content/0{pointer}"
    assert caught.value.index == 0


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "text", "text": "x", "z": 1}, "unknown field 'z'"),
        ({"type": "text", "text": "x", 5: 1}, "unknown field 5"),
        ({"type": "text", "texts": "x", "text": ""}, "unknown field 'texts'; did you mean 'text'?"),
    ],
)
def test_an_unknown_field_of_json_is_refused_with_the_allowed_ones(part: dict[Any, Any], message: str) -> None:
    with pytest.raises(ConversationError) as caught:
        from_part("system", part)
    assert caught.value.message == message
    assert caught.value.expected == ("type", "text")


def test_json_as_text_is_refused_with_a_hint() -> None:
    with pytest.raises(ConversationError) as caught:
        from_json('{"messages": []}')
    assert caught.value.hint == "Parse the JSON text first, with json.loads."


@pytest.mark.parametrize("schema", [None, 5, 1.5, "x", [], [{}], True, False, {}, {"type": 5}])
def test_a_structure_that_is_read_has_a_json_form(schema: Any) -> None:
    """A JSON Schema is an object or a boolean. With any other value in its place, the content stays text."""
    text = f"# Response Formats\n\n## n\n\n{json.dumps(schema, separators=(',', ':'))}"
    messages = parse(f"<|start|>developer<|message|>{text}<|end|>").messages
    assert from_json(to_json(messages)) == messages
    written = Message("developer", DeveloperContent(response_formats=[ResponseFormat("n", schema)]))
    if isinstance(schema, bool | dict):
        assert messages[0].content.response_formats[0].schema == schema
        assert parse(render([written])).messages == messages
        return
    assert messages[0].content == text
    assert "unread-content" in {each.code.name for each in validate(render(messages)).diagnostics}
    with pytest.raises(RenderError, match="response_format n: schema: "):
        render([written])
