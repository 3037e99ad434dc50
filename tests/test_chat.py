"""Chat Completions to messages and back: what is kept, and in which order messages come."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
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
from harmony_spec.adapters import Adapted, chat_side, from_chat, to_chat

from . import dialect
from .chat_strategies import NAMES, Chat, chats, randoms, tool_lists
from .chat_template import TODAY, render_chat, right_tools
from .conftest import examples
from .conversation_strategies import transcript
from .strategies import conversations, retokenized
from .test_dialects import codec_of, tokenizer_of


def adapted(chat: Any, codec: Any = None, **values: Any) -> Adapted:
    """What a request becomes. Instructions that spell the structure of a content are refused."""
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


@examples(500)
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


PLAIN = ["plain_contents", *dialect.FOLDERS]
"""Dialects whose contents have no structure."""


@pytest.mark.parametrize("name", [name for name in dialect.EDITS if name not in (*PLAIN, "mandatory_type")])
@examples(30)
@given(chat=chats, tools=tool_lists)
def test_each_dialect_holds_a_request(name: str, chat: Chat, tools: Any) -> None:
    """With its own channels, fields and separators; what `mandatory_type` requires, no request has."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    found = adapted(chat, tools=tools, codec=module)
    tokens = module.render(found.messages, "prompt", tokenizer=tokenizer)
    assert module.parse(tokens, "prompt", tokenizer=tokenizer).messages == found.messages
    if found.side["chat"]:
        assert to_chat(found.messages, found.side, codec=module) == chat
    side = chat_side(found.messages, codec=module)
    assert from_chat(to_chat(found.messages, codec=module), side=side, codec=module).messages == found.messages
