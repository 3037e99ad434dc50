"""What the guide and the documentation of `openai_harmony` show, done with either module: the same text comes out."""

from __future__ import annotations

from typing import Any

import pytest

from .both import MODULES, encoding

SYSTEM = (
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\nCurrent date: 2025-06-28\n\nReasoning: {}\n\n{}"
    "# Valid channels: analysis, commentary, final. Channel must be included for every message.{}<|end|>"
)
CALLS_GO = "\nCalls to these tools must go to the commentary channel: 'functions'."
DEVELOPER = """<|start|>developer<|message|># Instructions

Use a friendly tone.

# Tools

## functions

namespace functions {

// Gets the location of the user.
type get_location = () => any;

// Gets the current weather in the provided location.
type get_current_weather = (_: {
// The city and state, e.g. San Francisco, CA
location: string,
format?: "celsius" | "fahrenheit", // default: celsius
}) => any;

// Gets the current weather in the provided list of locations.
type get_multiple_weathers = (_: {
// List of city and state, e.g. ["San Francisco, CA", "New York, NY"]
locations: string[],
format?: "celsius" | "fahrenheit", // default: celsius
}) => any;

} // namespace functions<|end|>"""
FORMAT = {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"}
PLACE = "The city and state, e.g. San Francisco, CA"
PLACES = 'List of city and state, e.g. ["San Francisco, CA", "New York, NY"]'


@pytest.fixture(params=MODULES, ids=lambda module: module.__name__)
def harmony(request: pytest.FixtureRequest) -> Any:
    return request.param


def settings(harmony: Any, effort: str = "MEDIUM") -> Any:
    content = harmony.SystemContent.new().with_reasoning_effort(harmony.ReasoningEffort[effort])
    return content.with_conversation_start_date("2025-06-28")


def weather_tools(harmony: Any) -> Any:
    place = {"type": "string", "description": PLACE}
    one = {"type": "object", "properties": {"location": place, "format": FORMAT}, "required": ["location"]}
    places = {"type": "array", "items": {"type": "string"}, "description": PLACES}
    many = {"type": "object", "properties": {"locations": places, "format": FORMAT}, "required": ["locations"]}
    described = [
        ("get_location", "Gets the location of the user.", None),
        (
            "get_current_weather",
            "Gets the current weather in the provided location.",
            {**one, "required": ["location"]},
        ),
        ("get_multiple_weathers", "Gets the current weather in the provided list of locations.", many),
    ]
    return [harmony.ToolDescription.new(*each) for each in described]


def said(harmony: Any, role: str, content: Any, channel: str | None = None) -> Any:
    message = harmony.Message.from_role_and_content(harmony.Role(role), content)
    return message if channel is None else message.with_channel(channel)


def rendered(harmony: Any, *messages: Any, opened: bool = True) -> str:
    conversation, enc = harmony.Conversation.from_messages(messages), encoding(harmony)
    if opened:
        return str(enc.decode_utf8(enc.render_conversation_for_completion(conversation, harmony.Role.ASSISTANT)))
    return str(enc.decode_utf8(enc.render_conversation(conversation)))


@pytest.mark.parametrize("effort", ["LOW", "MEDIUM", "HIGH"])
def test_a_question_with_settings(harmony: Any, effort: str) -> None:
    text = rendered(
        harmony, said(harmony, "system", settings(harmony, effort)), said(harmony, "user", "What is 2 + 2?")
    )
    expected = SYSTEM.format(effort.lower(), "", "")
    assert text == f"{expected}<|start|>user<|message|>What is 2 + 2?<|end|><|start|>assistant"


def test_functions_and_a_call_of_one(harmony: Any) -> None:
    """The system message says where calls go; the answer of a tool is from the tool, to the assistant."""
    developer = harmony.DeveloperContent.new().with_instructions("Use a friendly tone.")
    developer = developer.with_function_tools(weather_tools(harmony))
    call = said(harmony, "assistant", '{"location": "Tokyo"}', "commentary")
    call = call.with_recipient("functions.get_current_weather").with_content_type("<|constrain|>json")
    author = harmony.Author.new(harmony.Role.TOOL, "functions.get_current_weather")
    result = harmony.Message.from_author_and_content(author, '{"temperature": 20}').with_channel("commentary")
    text = rendered(
        harmony,
        said(harmony, "system", settings(harmony)),
        said(harmony, "developer", developer),
        said(harmony, "user", "What is the weather in Tokyo?"),
        said(harmony, "assistant", "I need get_current_weather.", "analysis"),
        call,
        result.with_recipient("assistant"),
    )
    assert text == (
        SYSTEM.format("medium", "", CALLS_GO)
        + DEVELOPER
        + "<|start|>user<|message|>What is the weather in Tokyo?<|end|>"
        + "<|start|>assistant<|channel|>analysis<|message|>I need get_current_weather.<|end|>"
        + "<|start|>assistant to=functions.get_current_weather<|channel|>commentary <|constrain|>json<|message|>"
        + '{"location": "Tokyo"}<|call|>'
        + "<|start|>functions.get_current_weather to=assistant<|channel|>commentary<|message|>"
        + '{"temperature": 20}<|end|><|start|>assistant'
    )


def test_built_in_tools(harmony: Any) -> None:
    """Both are in the system message, and calls of them are said nothing about."""
    text = rendered(harmony, said(harmony, "system", settings(harmony).with_browser_tool().with_python_tool()))
    assert "# Tools\n\n## browser\n\n// Tool for browsing.\n" in text
    assert (
        "} // namespace browser\n\n## python\n\nUse this tool to execute Python code in your chain of thought." in text
    )
    assert CALLS_GO not in text


def test_analysis_is_left_out_behind_an_answer(harmony: Any) -> None:
    """Of a turn that is answered, unless the configuration keeps it; not while a call is open."""
    question, thought = said(harmony, "user", "2 + 2?"), said(harmony, "assistant", "Easy.", "analysis")
    answer = said(harmony, "assistant", "4", "final")
    asked = "<|start|>user<|message|>2 + 2?<|end|>"
    thinking = "<|start|>assistant<|channel|>analysis<|message|>Easy.<|end|>"
    answered = "<|start|>assistant<|channel|>final<|message|>4<|end|>"
    assert rendered(harmony, question, thought, answer, opened=False) == asked + answered
    assert rendered(harmony, question, thought, opened=False) == asked + thinking
    conversation = harmony.Conversation.from_messages([question, thought, answer])
    enc, keep = encoding(harmony), harmony.RenderConversationConfig(auto_drop_analysis=False)
    assert enc.decode(enc.render_conversation(conversation, keep)) == asked + thinking + answered
    assert enc.decode(enc.render_conversation_for_training(conversation, keep)).endswith("4<|return|>")


def test_a_completion_is_read(harmony: Any) -> None:
    """Thoughts, a preamble to the user, and a call, of a model that continues an open header."""
    text = (
        "<|channel|>analysis<|message|>Find out.<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>I will look it up.<|end|>"
        "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    )
    enc = encoding(harmony)
    tokens = enc.encode(text, allowed_special="all")
    thought, preamble, call = enc.parse_messages_from_completion_tokens(tokens, harmony.Role.ASSISTANT)
    assert (thought.channel, thought.content[0].text) == ("analysis", "Find out.")
    assert (preamble.channel, preamble.recipient) == ("commentary", None)
    assert (call.channel, call.recipient, call.content_type) == ("commentary", "functions.f", "<|constrain|>json")
    assert tokens[-1] in enc.stop_tokens_for_assistant_actions()
    assert call.author == harmony.Author(role=harmony.Role.ASSISTANT)


def test_a_stream_is_shown_as_it_comes(harmony: Any) -> None:
    enc = encoding(harmony)
    parser = harmony.StreamableParser(enc, role=harmony.Role.ASSISTANT)
    assert (parser.state, parser.current_role) == (harmony.StreamState.HEADER, harmony.Role.ASSISTANT)
    shown: dict[str, str] = {}
    for token in enc.encode("<|channel|>analysis<|message|>Hm.<|end|>", allowed_special="all"):
        parser.process(token)
        if parser.last_content_delta:
            shown[parser.current_channel] = shown.get(parser.current_channel, "") + parser.last_content_delta
    assert shown == {"analysis": "Hm."}
    assert parser.state == harmony.StreamState.EXPECT_START
    for token in enc.encode("<|start|>assistant<|channel|>final<|message|>Hi \U0001f44b", allowed_special="all"):
        parser.process(token)
    assert parser.current_content == "Hi \U0001f44b"
    assert len(parser.messages) == 1
    assert [message.channel for message in parser.process_eos().messages] == ["analysis", "final"]


def test_special_tokens_in_text_are_refused_unless_allowed(harmony: Any) -> None:
    enc = encoding(harmony)
    with pytest.raises(harmony.HarmonyError, match="disallowed special token"):
        enc.encode("<|start|>")
    assert enc.encode("<|start|>", allowed_special={"<|start|>"}) == [200006]
    assert enc.decode(enc.encode("<|start|>", disallowed_special=())) == "<|start|>"
    assert not any(map(enc.is_special_token, enc.encode("<|start|>", disallowed_special=())))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<|start|>assistant a b c<|message|>x", "unexpected tokens remaining in message header"),
        ("x", "while expecting start token"),
        ("<|start|>assistant", "Unexpected EOS while waiting for message header"),
    ],
)
def test_what_leaves_the_format_is_refused(harmony: Any, text: str, message: str) -> None:
    """With the words that callers look for."""
    tokens = encoding(harmony).encode(text, allowed_special="all")
    with pytest.raises(harmony.HarmonyError, match=message):
        encoding(harmony).parse_messages_from_completion_tokens(tokens)


HEADERLESS = [
    ("Sorry, not today.<|end|>", [(None, None, "Sorry, not today.")]),
    ("Best to ask the weather tool<|end|>", [(None, None, "Best to ask the weather tool")]),
    ("<|channel|>analysis Sorry, not today.<|end|>", [("analysis", None, "Sorry, not today.")]),
]
FOLLOWERS = [
    ("<|start|>assistant<|channel|>final<|message|>It rains.<|return|>", ("final", None, "It rains.")),
    (
        "<|start|>assistant to=functions.weather<|channel|>commentary json<|message|>{}<|call|>",
        ("commentary", "functions.weather", "{}"),
    ),
]


@pytest.mark.parametrize("begin", HEADERLESS)
@pytest.mark.parametrize("follower", FOLLOWERS)
def test_a_message_token_is_missing(harmony: Any, begin: Any, follower: Any) -> None:
    """Refused in strict mode; otherwise the text is a message, on the channel that it says, if any."""
    (text, expected), (more, following) = begin, follower
    enc = encoding(harmony)
    tokens = enc.encode(text + more, allowed_special="all")
    parser = harmony.StreamableParser(enc, role=harmony.Role.ASSISTANT, strict=False)
    for token in tokens:
        parser.process(token)
    read = enc.parse_messages_from_completion_tokens(tokens, harmony.Role.ASSISTANT, strict=False)
    for messages in (parser.messages, read):
        found = [(message.channel, message.recipient, message.content[0].text) for message in messages]
        assert found == [*expected, following]
    with pytest.raises(harmony.HarmonyError):
        enc.parse_messages_from_completion_tokens(tokens, harmony.Role.ASSISTANT)


def test_analysis_between_answers_is_kept(harmony: Any) -> None:
    """By default, only the analysis before the first answer is left out."""
    turns = [("2 + 2?", "Two pairs.", "4"), ("3 + 3?", "Two triples.", "6")]
    messages = [
        said(harmony, role, text, channel)
        for turn in turns
        for role, text, channel in zip(
            ("user", "assistant", "assistant"), turn, (None, "analysis", "final"), strict=True
        )
    ]
    text = rendered(harmony, *messages, opened=False)
    assert "Two pairs." not in text
    assert "<|start|>assistant<|channel|>analysis<|message|>Two triples.<|end|>" in text


def test_reserved_tokens_are_spelled(harmony: Any) -> None:
    """Also the one past the vocabulary; those behind it do not exist."""
    enc = encoding(harmony)
    assert enc.decode_utf8([200013, 201088]) == "<|reserved_200013|><|reserved_201088|>"
    assert enc.is_special_token(201088)
    with pytest.raises(harmony.HarmonyError, match="Invalid token for decoding: 201089"):
        enc.decode_utf8([201089])


def test_an_unknown_role_is_refused(harmony: Any) -> None:
    with pytest.raises(ValueError, match="Unknown role: 'nobody'"):
        harmony.Role("nobody")
