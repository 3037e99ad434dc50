"""Chat Completions to messages and back: what is kept, what is refused, and in which order messages come."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harmony_spec import (
    SPECIAL_TOKENS,
    ConversionError,
    DeveloperContent,
    Message,
    SystemContent,
    browser_tools,
    drop_analysis,
    parse,
    render,
    render_text,
    validate,
)
from harmony_spec.adapters import Adapted, ChatStream, chat_side, from_chat, to_chat
from harmony_spec.errors import CodecError
from harmony_spec.tools.purposes import Purposes
from harmony_spec.tools.requirements import Policy

from . import dialect
from .chat_strategies import NAMES, Chat, chats, randoms, tool_lists
from .chat_template import TODAY, render_chat, right_tools
from .conversation_strategies import transcript
from .strategies import conversations, retokenized
from .test_dialects import codec_of


def adapted(chat: Any, codec: Any = None, **values: Any) -> Adapted:
    """What a request becomes. Instructions that spell the structure of a content are refused, which is tested below."""
    try:
        return from_chat(chat, codec=codec, **values)
    except ConversionError as error:
        assert error.code.name == "inexpressible-message"
        return from_chat([], codec=codec)


def sent(value: Any) -> Any:
    """A JSON value as another process reads it."""
    return json.loads(json.dumps(value))


@given(chats, tool_lists, st.booleans())
def test_a_request_comes_back_with_its_side(chat: Chat, tools: Any, interleave: bool) -> None:
    """Equal, also if the record was stored as JSON; the request is not changed."""
    before = sent(chat)
    found = adapted(chat, tools=tools, interleave=interleave)
    if found.side["chat"]:
        assert to_chat(found.messages, sent(found.side)) == before == chat
    assert {finding.code.name for finding in found.findings} <= {"invalid-json"}


@given(chats, tool_lists, st.booleans())
def test_all_that_is_made_can_be_written(chat: Chat, tools: Any, interleave: bool) -> None:
    """And is read back; no text becomes structure."""
    messages = adapted(chat, tools=tools, interleave=interleave).messages
    tokens = render(messages, "prompt")
    assert parse(tokens, "prompt").messages == messages
    starts = tokens.count(SPECIAL_TOKENS["<|start|>"])
    assert starts == len(messages) + 1
    special = sum(token in SPECIAL_TOKENS.values() for token in tokens)
    assert special <= 5 * starts


def characters(texts: list[str]) -> list[str]:
    """All characters apart from those between joined texts."""
    return sorted("".join(texts).replace("\n", ""))


def normal(messages: list[Message]) -> list[Message]:
    """The messages that are left of a conversation without its record: what `from_chat` makes of `to_chat`."""
    return from_chat(to_chat(messages)).messages


@given(chats, tool_lists)
def test_the_normal_form_is_stable(chat: Chat, tools: Any) -> None:
    """Without the record, a second round trip changes nothing more, and no text is lost in the first one."""
    found = adapted(chat, tools=tools)
    once = to_chat(found.messages)
    again = to_chat(from_chat(once).messages)
    assert again == to_chat(from_chat(again).messages)
    texts = [m.text for m in found.messages if m.role not in ("system", "developer")]
    left = [m.text for m in normal(found.messages) if m.role not in ("system", "developer")]
    assert characters(texts) == characters(left)


@given(conversations())
@example([Message("assistant", text, channel="analysis") for text in "ab"])
def test_any_messages_come_back_with_their_side(conversation: list[Message]) -> None:
    """Whatever their order, channels, names and types are; and so do their chat messages, with the side of those."""
    chat, side = to_chat(conversation), chat_side(conversation)
    found = from_chat(sent(chat), side=sent(side))
    assert found.messages == conversation
    assert to_chat(found.messages, sent(found.side)) == chat


@given(randoms.map(lambda rng: transcript(rng).messages), st.data())
def test_a_transcript_comes_back_with_its_spelling(conversation: list[Message], data: st.DataObject) -> None:
    """Token for token, with settings, tools and built-in calls; also with the tokens that a model chose."""
    tokens = render(conversation, style="as_parsed")
    sampled = data.draw(retokenized(tokens))
    for messages, expected in ((conversation, tokens), (parse(sampled).messages, sampled)):
        restored = from_chat(sent(to_chat(messages)), side=sent(chat_side(messages))).messages
        assert restored == conversation
        assert render(restored, style="as_parsed") == expected


@given(chats, chats)
def test_messages_are_added_after_the_ones_of_a_side(chat: Chat, later: Chat) -> None:
    """In both directions: the first ones are restored, the others converted; ids stay those of the first."""
    first = adapted(chat)
    try:
        added = from_chat(later).messages[1:]
    except ConversionError:
        return
    if not first.side["chat"]:
        return
    both = to_chat([*first.messages, *added], first.side)
    assert both[: len(chat)] == chat
    side = chat_side(first.messages)
    assert (
        from_chat(to_chat(first.messages) + to_chat(added), side=side).messages[: len(first.messages)] == first.messages
    )


# The rules of the conversion, one by one.

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def request_call(identifier: str, name: str = "f", text: str = "{}") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": text}}


def lines(messages: list[Message]) -> list[str]:
    """Author, channel, recipient and text of each message, without settings and tools."""
    shown = []
    for m in messages:
        if not isinstance(m.content, SystemContent):
            text = m.content.instructions if isinstance(m.content, DeveloperContent) else m.content
            shown.append(f"{m.name if m.role == 'tool' else m.role} {m.channel or ''}>{m.recipient or ''}: {text}")
    return shown


CALLS = [request_call("1", text='{"n": 1}'), request_call("2", text='{"n": 2}')]
RESULTS = [
    {"role": "tool", "tool_call_id": "2", "content": "two"},
    {"role": "tool", "tool_call_id": "1", "content": "one"},
]


def test_thoughts_come_before_the_preamble_and_the_calls() -> None:
    """VC writes the preamble before the thoughts."""
    chat = [{"role": "assistant", "content": "Let me look.", "reasoning": "Hm.", "tool_calls": CALLS[:1]}]
    assert lines(from_chat(chat).messages) == [
        "assistant analysis>: Hm.",
        "assistant commentary>: Let me look.",
        'assistant commentary>functions.f: {"n": 1}',
    ]


def test_results_come_in_the_order_of_their_calls() -> None:
    """Only the order tells two calls of one tool apart."""
    chat = [{"role": "assistant", "content": None, "tool_calls": CALLS}, *RESULTS]
    assert [line[-3:] for line in lines(from_chat(chat).messages)] == [" 1}", " 2}", "one", "two"]
    found = from_chat(chat, interleave=True)
    assert [line[-3:] for line in lines(found.messages)] == [" 1}", "one", " 2}", "two"]
    assert to_chat(found.messages, found.side) == chat


def test_a_call_is_written_as_models_write_it() -> None:
    """Arguments are not read: a dump of them would be another text."""
    chat = [{"role": "assistant", "content": None, "tool_calls": [request_call("1", text='{ "a":1.0}')]}]
    (call,) = from_chat(chat).messages[1:]
    assert (call.content, call.content_type, call.constrain) == ('{ "a":1.0}', "json", True)
    assert from_chat(chat, constrain=False).messages[1].constrain is False


def test_a_text_before_a_call_is_a_preamble() -> None:
    """Also one in a message of its own, until the next message of a user or tool."""
    told: dict[str, Any] = {"role": "assistant", "content": "Wait."}
    called = {"role": "assistant", "content": None, "tool_calls": CALLS[:1]}
    user = {"role": "user", "content": "Hi."}
    channels = [
        m.channel for m in from_chat([told, called, RESULTS[1], told, user, told]).messages if m.content == "Wait."
    ]
    assert channels == ["commentary", "final", "final"]
    assert from_chat([{**told, "phase": "commentary"}]).messages[1].channel == "commentary"
    assert from_chat([{**told, "phase": "final_answer"}, called]).messages[1].channel == "final"


def test_the_first_instructions_declare_the_tools() -> None:
    """Later ones are developer messages in their place; the system role never becomes the settings."""
    first, later = {"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}
    found = from_chat([first, {"role": "user", "content": "Hi."}, later], tools=[TOOL], reasoning_effort="high")
    system, developer, _, again = found.messages
    assert (system.role, system.content.reasoning_effort, system.content.conversation_start_date) == (
        "system",
        "high",
        None,
    )
    assert (developer.content.instructions, developer.content.tools) == ("Be brief.", found.tools)
    assert again.content == DeveloperContent("Be kind.")
    assert lines(found.messages)[-1] == "developer >: Be kind."


def test_tools_are_left_out_if_none_may_be_called() -> None:
    assert from_chat([], tools=[TOOL], tool_choice="none").messages[1:] == []
    named = {"type": "function", "function": {"name": "f"}}
    assert from_chat([], tools=[TOOL], tool_choice=named) == from_chat([], tools=[TOOL], tool_choice="auto")


def test_a_response_format_is_declared() -> None:
    """VC never shows the schema to the model."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    answer = {"type": "json_schema", "json_schema": {"name": "number", "schema": schema, "description": "One."}}
    (form,) = from_chat([], response_format=answer).messages[1].content.response_formats
    assert (form.name, form.schema, form.description) == ("number", schema, "One.")
    (form,) = from_chat([], response_format={"type": "json_object"}).messages[1].content.response_formats
    assert form.schema == {"type": "object"}
    assert from_chat([], response_format={"type": "text"}).messages[1:] == []


def test_efforts_of_other_models_are_the_nearest_ones() -> None:
    for effort, nearest in {"minimal": "low", "xhigh": "high", "max": "high"}.items():
        found = from_chat([], reasoning_effort=effort)
        assert found.messages[0].content.reasoning_effort == nearest
        assert [(d.pointer, d.raw, d.taken_for) for d in found.findings] == [("/reasoning_effort", effort, nearest)]


def test_names_of_users_are_kept() -> None:
    """VC drops them."""
    chat = [{"role": "user", "content": "Hi.", "name": "ada"}]
    assert from_chat(chat).messages[1] == Message("user", "Hi.", name="ada")
    assert to_chat(from_chat(chat).messages) == chat


def test_a_custom_tool_is_a_function_with_one_text() -> None:
    """VC writes a call without a name."""
    tool = {"type": "custom", "custom": {"name": "run", "description": "Runs it."}}
    called = {"id": "1", "type": "custom", "custom": {"name": "run", "input": 'print("x")\n'}}
    found = from_chat([{"role": "assistant", "content": None, "tool_calls": [called]}], tools=[tool])
    assert found.messages[2].recipient == "functions.run"
    assert json.loads(found.messages[2].text) == {"input": 'print("x")\n'}
    assert found.tools[0].tools[0].parameters["required"] == ["input"]


def test_tools_of_other_namespaces_keep_their_names() -> None:
    namespace = {"name": "files", "tools": [{"name": "read", "parameters": {"type": "object"}}]}
    chat = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [request_call("1", name) for name in ("files.read", "x.y", "browser.open")],
        }
    ]
    settings = SystemContent(tools=[browser_tools()])
    found = from_chat(chat, tools=[namespace], settings=settings)
    assert [m.recipient for m in found.messages if m.recipient] == ["files.read", "functions.x.y", "browser.open"]
    assert to_chat(found.messages)[0]["tool_calls"][1]["function"]["name"] == "x.y"


def test_a_refusal_is_an_answer() -> None:
    """VC loses it."""
    chat = [
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": None, "refusal": "No!"},
    ]
    found = from_chat(chat)
    assert lines(found.messages) == ["assistant final>: No.", "assistant final>: No!"]
    assert to_chat(found.messages, found.side) == chat


def test_analysis_is_not_dropped_and_dropping_it_changes_no_id() -> None:
    chat = [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": None, "reasoning": "Hm.", "tool_calls": [request_call("1")]},
        {"role": "tool", "tool_call_id": "1", "content": "3"},
        {"role": "assistant", "content": "It is 3.", "reasoning": "So."},
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": None, "tool_calls": [request_call("1")]},
    ]
    messages = from_chat(chat).messages
    dropped = drop_analysis(messages)
    assert len(messages) - len(dropped) == 2
    ids = [[c["id"] for m in to_chat(found) for c in m.get("tool_calls", ())] for found in (messages, dropped)]
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2
    assert ids[0] == [[c["id"] for m in to_chat(messages) for c in m.get("tool_calls", ())]][0]


def test_an_id_is_that_of_the_nearest_open_call() -> None:
    """The same id may come again in a later turn."""
    called: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [request_call("1", "f")]}
    again = {**called, "tool_calls": [request_call("1", "g")]}
    result = {"role": "tool", "tool_call_id": "1", "content": "3"}
    found = from_chat([called, result, again, result])
    assert [m.name for m in found.messages if m.role == "tool"] == ["functions.f", "functions.g"]


WORDS = ["Hi.", "What?", "a\n\nb", "名前は？", "x < y | z", "<b>", "# Tools", '{"a": 1}']


def template_chats(rng: Random) -> tuple[Chat, Chat]:
    """A chat that the official template renders right, in its form and in that of the API: arguments and results."""

    def said() -> str:
        return "".join(rng.choices(WORDS, k=rng.randint(1, 3)))

    ours: Chat = [{"role": "system", "content": said()}] if rng.random() < 0.7 else []
    theirs: Chat = list(ours)
    for turn in range(rng.randint(1, 3)):
        ours.append({"role": "user", "content": said()})
        theirs.append(ours[-1])
        for number in range(rng.randrange(3)):
            arguments, result = {"city": said(), "n": rng.random()}, rng.choice([said(), {"a": [1, None]}])
            thought = {"thinking": said()} if rng.random() < 0.7 else {}
            text, key = json.dumps(arguments, ensure_ascii=False), f"{turn}-{number}"
            call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
            theirs += [{"role": "assistant", **thought, "tool_calls": [call]}, {"role": "tool", "content": result}]
            ours.append({"role": "assistant", **thought, "tool_calls": [request_call(key, "f", text)]})
            ours.append({"role": "tool", "tool_call_id": key, "content": json.dumps(result, ensure_ascii=False)})
        if rng.random() < 0.2:
            break
        ours.append({"role": "assistant", "content": said()} | ({"thinking": said()} if rng.random() < 0.5 else {}))
        theirs.append(ours[-1])
    return ours, theirs


@settings(max_examples=500)
@given(randoms.map(template_chats), right_tools(), st.sampled_from(["low", "medium", "high"]))
def test_a_prompt_is_that_of_the_official_template(both: tuple[Chat, Chat], tools: Any, effort: str) -> None:
    """Of what the template does right; docs/chat.md has the differences, which are tested above."""
    dated = SystemContent(conversation_start_date=TODAY)
    found = from_chat(both[0], tools=tools, reasoning_effort=effort, settings=dated, constrain=False)
    text = render_chat(both[1], tools, reasoning_effort=effort, add_generation_prompt=True)
    messages = drop_analysis(found.messages)
    assert render_text(messages, "prompt", style="template") == text
    read = parse(text, "prompt").messages
    assert render_text(read, "prompt", style="template") == render_text(read, "prompt", style="as_parsed") == text


def test_instructions_without_tools_end_without_line_breaks() -> None:
    text = render_text(from_chat([{"role": "system", "content": "Be brief."}]).messages)
    assert text.endswith("<|start|>developer<|message|># Instructions\n\nBe brief.<|end|>")


@given(chats, st.just([{"type": "function", "function": {"name": name}} for name in NAMES]))
def test_validation_finds_nothing_in_the_structure(chat: Chat, tools: Any) -> None:
    """All that it reports is in the request: texts, arguments that are no JSON, answers and instructions in a row."""
    found = validate(render(adapted(chat, tools=tools).messages)).diagnostics
    of_texts = {"spelled-special-token", "disguised-special-token", "invalid-json", "truncated-json", "text-after-json"}
    of_texts |= {"duplicate-key", "call-envelope", "invalid-arguments"}
    of_order = {"repeated-final", "misplaced-instructions", "kept-analysis"}
    assert {each.code.name for each in found} <= of_texts | of_order


def test_results_with_and_without_ids_answer_different_calls() -> None:
    """A result without an id takes the oldest call that waits; its id is then answered."""
    called = {"role": "assistant", "content": None, "tool_calls": [request_call("1", "f")]}
    result = {"role": "tool", "content": "3"}
    from_chat([called, result])
    with pytest.raises(ConversionError):
        from_chat([called, result, {**result, "tool_call_id": "1"}])
    with pytest.raises(ConversionError):
        from_chat([called, {**result, "tool_call_id": "1"}, result])
    with pytest.raises(ConversionError):
        from_chat([called, {**result, "tool_name": "g"}])


# What is refused.

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
    ({"messages": [], "tool_choice": "required"}, "invalid-chat", "/tool_choice"),
    ({"messages": [], "tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "invalid-chat", "/tool_choice/tools"),
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


@settings(max_examples=300)
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


def test_calls_of_built_in_tools_and_their_results_have_the_channel_of_thoughts() -> None:
    chat = [
        {"role": "assistant", "content": None, "tool_calls": [request_call("1", "browser.open")]},
        {"role": "tool", "tool_call_id": "1", "content": "3"},
    ]
    found = from_chat(chat, settings=SystemContent(tools=[browser_tools()]))
    assert [m.channel for m in found.messages] == [None, "analysis", "analysis"]
    side = chat_side(found.messages[:2])
    again = from_chat(to_chat(found.messages), side=side)
    assert again.messages == found.messages


def test_deep_values_are_refused() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    for chat in (
        [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": deep}}]}],
        [{"role": "user", "content": "x", "y": deep}],
    ):
        with pytest.raises(ConversionError):
            from_chat(chat)


PLAIN = ["plain_contents", *dialect.FOLDERS]
"""Dialects whose contents have no structure."""


@pytest.mark.parametrize("name", [name for name in dialect.EDITS if name not in (*PLAIN, "mandatory_type")])
@settings(max_examples=15)
@given(chat=chats, tools=tool_lists)
def test_each_dialect_holds_a_request(name: str, chat: Chat, tools: Any) -> None:
    """With its own channels, fields and separators; what `mandatory_type` requires, no request has."""
    module = codec_of(name)
    found = adapted(chat, tools=tools, codec=module)
    assert module.parse(module.render(found.messages, "prompt"), "prompt").messages == found.messages
    if found.side["chat"]:
        assert to_chat(found.messages, found.side, codec=module) == chat
    side = chat_side(found.messages, codec=module)
    assert from_chat(to_chat(found.messages, codec=module), side=side, codec=module).messages == found.messages


@pytest.mark.parametrize("name", PLAIN)
def test_a_dialect_without_functions_is_refused(name: str) -> None:
    with pytest.raises(CodecError, match="has no FUNCTION_NAMESPACE"):
        from_chat([], codec=codec_of(name))
