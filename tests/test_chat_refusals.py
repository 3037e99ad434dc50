"""Chat Completions that are invalid, or that the format cannot hold: refused, or replaced and reported, each place."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import ConversionError, Message, render
from harmony_spec.adapters import ChatStream, chat_side, from_chat, to_chat
from harmony_spec.errors import CodecError
from harmony_spec.tools.purposes import Purposes
from harmony_spec.tools.requirements import Policy

from .chat_strategies import Chat, chats, randoms
from .conftest import examples
from .test_chat import CALLS, PLAIN, RESULTS, TOOL, adapted, lines, request_call, sent
from .test_dialects import codec_of

IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": None}, "invalid-chat", "/messages"),
    ({"messages": "x"}, "invalid-chat", "/messages"),
    ({"messages": [5]}, "invalid-chat", "/messages/0"),
    ({"messages": [{"role": "robot"}]}, "invalid-chat", "/messages/0/role"),
    ({"messages": [{"role": []}]}, "invalid-chat", "/messages/0/role"),
    ({"messages": [{"role": "user", "content": None}]}, "invalid-chat", "/messages/0/content"),
    ({"messages": [{"role": "user", "content": 5}]}, "invalid-chat", "/messages/0/content"),
    ({"messages": [{"role": "user", "content": "\ud800"}]}, "invalid-chat", "/messages/0/content"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "invalid-chat", "/messages/0/content/0"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "invalid-chat", "/messages/0/content/0/text"),
    ({"messages": [{"role": "user", "content": [IMAGE]}]}, "unsupported-value", "/messages/0/content/0"),
    ({"messages": [{"role": "user", "content": "x", "name": "a b"}]}, "unsupported-value", "/messages/0/name"),
    ({"messages": [{"role": "user", "content": "x", "name": "<|end|>"}]}, "unsupported-value", "/messages/0/name"),
    ({"messages": [], "reasoning_effort": "none"}, "unsupported-value", "/reasoning_effort"),
    ({"messages": [], "reasoning_effort": "huge"}, "invalid-chat", "/reasoning_effort"),
    ({"messages": [], "reasoning_effort": []}, "invalid-chat", "/reasoning_effort"),
    ({"messages": [{"role": "assistant", "tool_calls": 5}]}, "invalid-chat", "/messages/0/tool_calls"),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": 5}]}]},
        "invalid-chat",
        "/messages/0/tool_calls/0/function",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"type": "x"}]}]},
        "invalid-chat",
        "/messages/0/tool_calls/0/type",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [request_call("1", "a b")]}]},
        "invalid-chat",
        "/messages/0/tool_calls/0/function/name",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]},
        "invalid-chat",
        "/messages/0/tool_calls/0/function/arguments",
    ),
    ({"messages": [{"role": "tool", "tool_call_id": "1"}]}, "unrequested-tool-result", "/messages/0/tool_call_id"),
    ({"messages": [{"role": "tool"}]}, "unrequested-tool-result", "/messages/0/tool_call_id"),
    (
        {"messages": [{"role": "assistant", "tool_calls": CALLS}, RESULTS[0], RESULTS[0]]},
        "unrequested-tool-result",
        "/messages/2/tool_call_id",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": CALLS}, {"role": "function", "name": "g", "content": ""}]},
        "unrequested-tool-result",
        "/messages/1/name",
    ),
    ({"messages": [], "tools": 5}, "invalid-chat", "/tools"),
    ({"messages": [], "tools": [TOOL, TOOL]}, "invalid-tool", "/tools/1/function/name"),
    (
        {"messages": [], "tools": [{"type": "custom", "custom": {"name": "a b"}}]},
        "invalid-tool",
        "/tools/0/custom/name",
    ),
    ({"messages": [], "tools": [{"type": "custom", "name": "a b"}]}, "invalid-tool", "/tools/0/name"),
    ({"messages": [], "tool_choice": "required"}, "invalid-chat", "/tool_choice"),
    ({"messages": [], "tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "invalid-chat", "/tool_choice/tools"),
    (
        {"messages": [], "tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": []}},
        "invalid-chat",
        "/tool_choice/tools",
    ),
    (
        {"messages": [], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x", "tools": []}}},
        "invalid-chat",
        "/tool_choice/allowed_tools/mode",
    ),
    (
        {"messages": [], "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": "x"}}},
        "invalid-chat",
        "/response_format/json_schema/schema",
    ),
    (
        {"messages": [], "response_format": {"type": "json_object", "schema": 5}},
        "invalid-chat",
        "/response_format/schema",
    ),
    (
        {"messages": [], "tools": [{"type": "function", "function": {"name": "a b"}}]},
        "invalid-tool",
        "/tools/0/function/name",
    ),
    ({"messages": [], "tools": [{"type": "web_search"}]}, "invalid-tool", "/tools/0/type"),
    (
        {"messages": [], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "invalid-chat",
        "/tool_choice",
    ),
    ({"messages": [], "tool_choice": "maybe"}, "invalid-chat", "/tool_choice"),
    ({"messages": [], "response_format": {"type": "xml"}}, "invalid-chat", "/response_format/type"),
    (
        {"messages": [], "response_format": {"type": "json_schema", "json_schema": {"name": "a\nb", "schema": {}}}},
        "inexpressible-message",
        "/response_format/json_schema",
    ),
    ({"messages": [], "side": {"digest": ""}}, "wrong-side", "/side"),
    ({"messages": [], "side": 5}, "wrong-side", "/side"),
    (
        {
            "messages": [
                {
                    "role": "system",
                    "content": "x\n\n# Tools\n\n## functions\n\nnamespace functions {\n\n} // namespace functions",
                }
            ]
        },
        "inexpressible-message",
        "/messages/0/content",
    ),
]


@pytest.mark.parametrize(
    ("key", "value"),
    [("channel", "analysis"), ("recipient", "functions.f"), ("content_type", "json"), ("constrain", True)],
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_fields_of_the_format_are_not_lost(key: str, value: object, role: str) -> None:
    """Without its channel, a thought would be an answer."""
    chat: list[dict[str, Any]] = [{"role": "user", "content": "Hi."}, {"role": role, "content": "Hm.", key: value}]
    policies: tuple[Policy, ...] = ("refuse", "replace")
    for policy in policies:
        with pytest.raises(ConversionError) as caught:
            from_chat(chat, unsupported=policy)
        assert (caught.value.code.name, caught.value.pointer) == ("invalid-chat", f"/messages/1/{key}")
        assert "from_json" in caught.value.hint
    assert from_chat([{**chat[1], key: None}]).findings == []


@pytest.mark.parametrize(("request_", "code", "pointer"), REFUSED)
def test_what_is_refused_has_a_code_and_a_place(request_: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        from_chat(**request_)
    assert (caught.value.code.name, caught.value.pointer) == (code, pointer)


def test_a_policy_replaces_what_the_format_cannot_hold() -> None:
    """Each with a finding, and all of it comes back with the record."""
    parts = [{"type": "text", "text": "See "}, IMAGE, {"type": "text", "text": "!"}]
    chat = [{"role": "user", "content": parts, "name": "a b"}]
    found = from_chat(chat, unsupported="replace", reasoning_effort="none")
    assert lines(found.messages) == ["user >: See [image_url]!"]
    assert [d.pointer for d in found.findings] == ["/reasoning_effort", "/messages/0/content/1", "/messages/0/name"]
    assert to_chat(found.messages, found.side) == chat
    with pytest.raises(ValueError, match="unknown policy 'drop'"):
        from_chat([], unsupported="drop")


def test_a_result_that_is_an_object_is_refused_or_becomes_json() -> None:
    """The official template takes any value."""
    called = {"role": "assistant", "content": None, "tool_calls": [request_call("1", "f")]}
    chat = [called, {"role": "tool", "tool_call_id": "1", "content": {"a": [1, None]}}]
    with pytest.raises(ConversionError, match="unsupported-value at /messages/1/content"):
        from_chat(chat)
    found = from_chat(chat, unsupported="replace")
    assert found.messages[-1].content == '{"a":[1,null]}'
    assert [finding.pointer for finding in found.findings] == ["/messages/1/content"]
    assert to_chat(found.messages, found.side) == chat


def test_unknown_keys_are_reported_and_come_back() -> None:
    chat = [{"role": "user", "content": "Hi.", "cache": {"a": 1}, "audio": None}]
    found = from_chat(chat)
    assert [(d.code.name, d.pointer, d.index) for d in found.findings] == [
        ("unsupported-value", "/messages/0/cache", 0)
    ]
    assert to_chat(found.messages, found.side) == chat


def test_unknown_keys_in_parts_and_calls_are_reported() -> None:
    """They stay in the side record, as those of messages do; names of results that contradict their ids, too."""
    function = {"name": "f", "arguments": "{}", "parsed": {"a": 1}}
    chat: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": function, "extra_content": {"a": 2}}],
        },
        {"role": "tool", "tool_call_id": "1", "name": "g", "content": "r"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}", "extra": 1}},
    ]
    found = from_chat(chat)
    assert [(each.code.name, each.pointer) for each in found.findings] == [
        ("unsupported-value", "/messages/0/content/0/cache_control"),
        ("unsupported-value", "/messages/1/tool_calls/0/extra_content"),
        ("unsupported-value", "/messages/1/tool_calls/0/function/parsed"),
        ("unsupported-value", "/messages/2/name"),
        ("unsupported-value", "/messages/3/function_call/extra"),
    ]
    assert to_chat(found.messages, found.side) == chat


@pytest.mark.parametrize("policy", ["refuse", "replace"])
@pytest.mark.parametrize(
    ("arguments", "evidence"),
    [
        ('{"a": ', "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": NaN}', "NaN"),
        ("[1]", "not an object"),
        ("", "not JSON"),
    ],
)
def test_arguments_that_are_not_json_are_kept_and_reported(arguments: str, evidence: str, policy: Policy) -> None:
    """A model wrote them, and reads them again: a request of its client must not fail."""
    called = {"role": "assistant", "content": None, "tool_calls": [request_call("1", "f", arguments)]}
    chat = [called, {"role": "tool", "tool_call_id": "1", "content": "No."}]
    found = from_chat(chat, unsupported=policy)
    assert [m.content for m in found.messages[1:]] == [arguments, "No."]
    [finding] = found.findings
    assert (finding.code.name, finding.pointer) == (
        "invalid-json",
        "/messages/0/tool_calls/0/function/arguments",
    )
    assert evidence in finding.evidence
    assert to_chat(found.messages, found.side) == chat
    without = [{"type": "function", "function": {"name": "f"}}]
    assert len(from_chat(chat, tools=without).findings) == bool(arguments)  # a call without arguments has no text


def test_results_of_calls_with_one_id_are_in_the_order_of_these_calls() -> None:
    """Clients without ids write an empty one. A later message with such calls is answered first."""
    both = {"role": "assistant", "content": None, "tool_calls": [request_call("", "f"), request_call("", "g")]}
    results = [{"role": "tool", "tool_call_id": "", "content": text} for text in "abcd"]
    for chat, expected in (([both, *results[:2]], "f:a g:b"), ([both, both, *results], "f:c g:d f:a g:b")):
        found = from_chat(chat)
        answers = [f"{(m.name or '')[-1]}:{m.content}" for m in found.messages if m.role == "tool"]
        assert " ".join(answers) == expected
        assert to_chat(found.messages, found.side) == chat


def test_the_grammar_of_a_custom_tool_is_reported() -> None:
    """The prompt does not have it."""
    custom = {"name": "run", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}}
    for tool in ({"type": "custom", "custom": custom}, {"type": "custom", **custom}):
        (finding,) = from_chat([], tools=[TOOL, tool]).findings
        assert (finding.code.name, finding.pointer) == ("unsupported-value", "/tools/1")
    assert from_chat([], tools=[{"type": "custom", "name": "run", "format": {"type": "text"}}]).findings == []


def test_an_object_that_is_asked_for_may_have_a_schema() -> None:
    """Some servers read one beside `json_object`."""
    schema = {"type": "object", "properties": {"a": {}}}
    found = from_chat([], response_format={"type": "json_object", "schema": schema})
    assert found.messages[1].content.response_formats[0].schema == schema


def test_what_a_format_has_no_place_for_is_refused_or_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, empty in (("forms", ""), ("settings", None)):
        monkeypatch.setattr(Purposes.of(None), name, empty)
    for key, value in (("response_format", {"type": "json_object"}), ("reasoning_effort", "low")):
        with pytest.raises(ConversionError, match=f"unsupported-value at /{key}"):
            from_chat([], **{key: value})
        found = from_chat([], unsupported="replace", **{key: value})
        assert (found.messages, [finding.pointer for finding in found.findings]) == ([], [f"/{key}"])


def test_a_record_of_other_messages_is_refused() -> None:
    chat = [{"role": "user", "content": "Hi."}]
    found = from_chat(chat)
    with pytest.raises(ConversionError, match="wrong-side"):
        to_chat([Message("user", "Hi."), *found.messages], found.side)
    with pytest.raises(ConversionError, match="wrong-side"):
        from_chat([{"role": "assistant", "content": "Hi."}], side=chat_side(found.messages))
    found.messages[1].content = "Hello."
    assert to_chat(found.messages, found.side)[0]["content"] == "Hello."


keys = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "custom",
        "tool_call_id",
        "refusal",
        "reasoning",
        "x",
    ]
)
words = st.sampled_from(
    [
        "user",
        "assistant",
        "tool",
        "system",
        "text",
        "function",
        "custom",
        "f",
        "<|start|>",
        "\ud800",
        "image_url",
        "none",
        "json_schema",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": words},
        optional=dict.fromkeys(("content", "name", "tool_calls", "tool_call_id", "reasoning", "refusal"), values),
    ),
    max_size=4,
)


@given(
    values | messages,
    values,
    values,
    values,
    values | st.dictionaries(st.sampled_from(["digest", "chat", "messages"]), values),
)
def test_any_value_is_converted_or_refused(chat: Any, tools: Any, choice: Any, answer: Any, side: Any) -> None:
    """One exception, and what is made can be written."""
    for given_ in (
        {},
        {"tools": tools, "tool_choice": choice},
        {"response_format": answer},
        {"side": side},
        {"reasoning_effort": answer},
    ):
        for policy in ("refuse", "replace"):
            try:
                found = from_chat(chat, **given_, unsupported=policy)
            except ConversionError as error:
                assert error.pointer or error.code.name == "invalid-chat"
            else:
                render(found.messages, "prompt")
                assert to_chat(found.messages, found.side) == chat or chat != chat
    try:
        to_chat([Message("user", "x")], side)
    except ConversionError as error:
        assert error.pointer == "/side"


REQUESTS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}], "name": "n"}]},
    {
        "messages": [
            {
                "role": "assistant",
                "content": "x",
                "refusal": "r",
                "reasoning": "t",
                "phase": "commentary",
                "tool_calls": CALLS,
            },
            {"role": "tool", "tool_call_id": "1", "content": "x"},
        ]
    },
    {
        "messages": [
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "x"},
        ]
    },
    {"messages": [], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    {
        "messages": [],
        "tools": [{"type": "custom", "custom": {"name": "c", "description": "d"}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "custom"}]}},
    },
    {
        "messages": [],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": {}}},
        "reasoning_effort": "low",
    },
]
"""Requests with all keys that are read."""


def nested(depth: int, key: Any) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {key: value} if isinstance(key, str) else [value]
    return value


ODD = [None, True, -1, 1.5, float("nan"), 10**5000, "", "\ud800", "<|start|>", [], {}, [None], {"": 1}, [{"type": {}}]]
ODD += [nested(50, "a"), nested(100_000, "a"), nested(100_000, 0)]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, inner in items for found in places(inner, (*path, step)))]


def put(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = put(value[path[0]], path[1:], other)
    return copied


@pytest.mark.parametrize("policy", ["refuse", "replace"])
@pytest.mark.parametrize("request_", REQUESTS)
def test_any_value_at_any_place_is_read_or_refused_there(request_: dict[str, Any], policy: Policy) -> None:
    for path in places(request_)[1:]:
        for index, odd in enumerate(ODD):
            try:
                found = from_chat(**put(request_, path, odd), unsupported=policy)
            except ConversionError as error:
                assert error.pointer.split("/")[1] in request_, (path, index)
                str(error).encode()
            else:
                assert to_chat(found.messages, found.side) == put(request_, path, odd)["messages"] or odd != odd
            if path[0] in ("tools", "tool_choice"):
                try:
                    ChatStream(**{path[0]: put(request_, path, odd)[path[0]]})
                except ConversionError as error:
                    assert error.pointer.startswith("/tools"), (path, index)


def changed(rng: Random, value: Any) -> Any:
    """A JSON value with one part of it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return value | {key: changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], changed(rng, value[at]), *value[at + 1 :]]
    return rng.choice([None, [], {}, 5, -1, "x", "role", [[]], True, {"id": []}, ["tool_calls"]])


@examples(300)
@given(chats, randoms)
def test_a_changed_record_restores_or_is_refused(chat: Chat, rng: Any) -> None:
    """In both directions."""
    found = adapted(chat)
    for convert in (
        lambda: to_chat(found.messages, changed(rng, sent(found.side))),
        lambda: from_chat(to_chat(found.messages), side=changed(rng, sent(chat_side(found.messages)))),
    ):
        try:
            convert()
        except ConversionError as error:
            assert error.code.name in ("wrong-side", "unrequested-tool-result")


def test_deep_values_are_refused() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    endless: dict[str, Any] = {}
    endless["a"] = endless
    for chat in (
        [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": deep}}]}],
        [{"role": "user", "content": "x", "y": deep}],
        [{"role": "user", "content": "x", "y": endless}],
    ):
        with pytest.raises(ConversionError):
            from_chat(chat)


@pytest.mark.parametrize("name", PLAIN)
def test_a_dialect_without_functions_is_refused(name: str) -> None:
    with pytest.raises(CodecError, match="has no FUNCTION_NAMESPACE"):
        from_chat([], codec=codec_of(name))
