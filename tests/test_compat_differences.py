"""The rows of docs/differences.toml through the drop-in, and what only the drop-in does otherwise than the peer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings

from harmony_spec import compat

from .both import MODULES, encoding
from .recovery_strategies import mistakes
from .test_peer import DIFFERENCES


def tokens_of(text: str) -> list[int]:
    return list(encoding(compat).encode(text, allowed_special="all"))


def read(tokens: list[int], module: Any = compat, **options: Any) -> Any:
    """The messages that a module reads, absent fields left out, or what it says instead."""
    try:
        messages = encoding(module).parse_messages_from_completion_tokens(tokens, **options)
    except RuntimeError as error:
        return str(error)
    entries = [message.to_dict() | {"content": message.content[0].text} for message in messages]
    return [{name: value for name, value in entry.items() if value is not None} for entry in entries]


@pytest.mark.parametrize("row", DIFFERENCES["parsed"], ids=lambda row: row["name"])
def test_a_row_about_parsing(row: dict[str, Any]) -> None:
    """In strict mode what the table says; otherwise the same, or what it is repaired to, and never an error."""
    expected = row.get("drop_in", row["here"])
    assert isinstance(expected, list) or expected == row["peer"]
    assert isinstance(row.get("repaired", expected), list)
    tokens = tokens_of(row["text"])
    assert read(tokens) == expected
    assert read(tokens, strict=False) == row.get("repaired", expected)


@pytest.mark.parametrize("row", DIFFERENCES["rendered"], ids=lambda row: row["name"])
def test_a_row_about_rendering(row: dict[str, Any]) -> None:
    conversation = compat.Conversation.from_json(json.dumps({"messages": [row["message"]]}))
    expected = row.get("drop_in", row["here"])
    if expected.startswith("<|start|>"):
        assert encoding(compat).render_conversation(conversation) == tokens_of(expected)
    else:
        with pytest.raises(compat.HarmonyError, match=row["here"]):
            encoding(compat).render_conversation(conversation)


@pytest.mark.parametrize("row", DIFFERENCES["schema"], ids=lambda row: row["name"])
def test_a_row_about_types(row: dict[str, Any]) -> None:
    tool = compat.ToolDescription.new("f", "", json.loads(row["schema"]))
    developer = compat.DeveloperContent.new().with_function_tools([tool])
    tokens = encoding(compat).render(compat.Message.from_role_and_content(compat.Role.DEVELOPER, developer))
    assert f"type f = {row.get('drop_in', row['here'])}\n" in encoding(compat).decode(tokens)


REPAIRED = {
    "hello": [{"role": "assistant", "content": "hello"}],
    "<|channel|>final<|message|>a<|end|><|return|>": [{"role": "assistant", "channel": "final", "content": "a"}],
    "<|channel|>final<|message|>a<|end|>b<|start|>user<|message|>c": [
        {"role": "assistant", "channel": "final", "content": "a"},
        {"role": "user", "content": "c"},
    ],
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final b<|return|>": [
        {"role": "assistant", "channel": "analysis", "content": "a"},
        {"role": "assistant", "channel": "final", "content": "b"},
    ],
    "<|channel|>final<|message|>a<|end|><|start|>assistant": [
        {"role": "assistant", "channel": "final", "content": "a"}
    ],
}


@pytest.mark.parametrize("text", REPAIRED)
def test_without_strict_nothing_is_refused_and_nothing_lost(text: str) -> None:
    """Where the peer raises, or leaves a message out."""
    tokens = tokens_of(text)
    role = compat.Role.ASSISTANT
    assert read(tokens, role=role, strict=False) == REPAIRED[text]
    assert read(tokens, MODULES[0], role=MODULES[0].Role.ASSISTANT, strict=False) != REPAIRED[text]
    assert isinstance(read(tokens, role=role), str)


@pytest.mark.parametrize(
    "follower", ["<|start|>assistant<|channel|>final<|message|>x", "<|start|>user<|message|>x", "<|start|>f to=g"]
)
def test_a_message_without_header_has_no_channel(follower: str) -> None:
    """It is complete at its stop token, and stays as it is whatever follows."""
    for module in MODULES:
        parser = module.StreamableParser(encoding(module), module.Role.ASSISTANT, strict=False)
        for token in tokens_of("hello there<|end|>"):
            parser.process(token)
        (message,) = parser.messages
        assert (message.channel, message.content) == (None, [module.TextContent(text="hello there")])
        for token in tokens_of(follower):
            parser.process(token)
        assert parser.messages == [message]


@pytest.mark.parametrize("letters", [1, 255, 300, 5_000])
def test_headers_may_be_long(letters: int) -> None:
    """In strict mode, a header has no limit."""
    tokens = [*tokens_of("<|start|>assistant to="), *tokens_of("a") * letters, *tokens_of("<|message|>x")]
    assert read(tokens) == read(tokens, MODULES[0])


ANSWERS = [
    "I cannot help you with that, sorry.",
    "你好，我是一个人工智能助手，很高兴认识你。",
    "x" * 200,
    "A\tb\nc d e",
]


@pytest.mark.parametrize("text", ANSWERS)
@pytest.mark.parametrize("behind", ["", "<|end|>", "<|channel|>final<|message|>x"])
def test_an_answer_without_header_is_shown_as_it_comes(text: str, behind: str) -> None:
    """The peer shows nothing of it, and fails at the end of the input, or in the next header."""
    parser = compat.StreamableParser(encoding(compat), compat.Role.ASSISTANT, strict=False)
    deltas = [parser.process(token).last_content_delta or "" for token in tokens_of(text)]
    assert len([delta for delta in deltas if delta]) > 1
    assert parser.current_content == text == "".join(deltas)
    assert (parser.current_role, parser.current_channel, parser.state.value) == ("assistant", None, "Content")
    for token in tokens_of(behind):
        parser.process(token)
    first = parser.process_eos().messages[0]
    assert (first.channel, first.content[0].text) == (None, text)
    theirs = MODULES[0].StreamableParser(encoding(MODULES[0]), MODULES[0].Role.ASSISTANT, strict=False)
    assert all(theirs.process(token).last_content_delta is None for token in tokens_of(text))


@settings(deadline=None)
@given(mistakes)
@example("<|channel|>analysis<|message|>t<|end|>I will search for it now, yes I will.")
@example("<|channel|>I will search for it now<|return|>")
@example("<|channel|>final I will search for it now<|return|>")
@example("I will<|return|>")
def test_the_deltas_are_the_contents(text: str) -> None:
    """No text of a message is missing in the stream: what might be a header, or a gap, comes with the end of it."""
    parser = compat.StreamableParser(encoding(compat), compat.Role.ASSISTANT, strict=False)
    shown = [parser.process(token).last_content_delta or "" for token in tokens_of(text)]
    shown.append(parser.process_eos().last_content_delta or "")
    assert "".join(shown) == "".join(message.content[0].text for message in parser.messages)


def test_a_delta_at_the_end_of_a_message_is_shown_with_its_header() -> None:
    """So that a server that shows one channel only knows what it is."""
    parser = compat.StreamableParser(encoding(compat), compat.Role.ASSISTANT, strict=False)
    for token in tokens_of("<|channel|>final I will search for it now<|return|>"):
        parser.process(token)
    shown = parser.current_role, parser.current_channel, parser.current_recipient, parser.current_content_type
    assert (*shown, parser.last_content_delta) == ("assistant", "final", None, None, "I will search for it now")
    assert parser.process_eos().last_content_delta is parser.current_channel is None


def test_deltas_behind_a_damaged_character_are_not_late() -> None:
    """The peer gives what is complete with the token after it, and loses it where none comes."""
    seen = {}
    for module in MODULES:
        parser = module.StreamableParser(encoding(module), module.Role.ASSISTANT)
        for token in tokens_of("<|channel|>final<|message|>"):
            parser.process(token)
        seen[module] = [parser.process(token).last_content_delta for token in (160, 200, 64)]
    theirs, ours = (seen[module] for module in MODULES)
    assert ours == [None, "\ufffd\x0c", "a"]
    assert theirs == [None, "\ufffd", "\x0ca"]


def test_the_tokens_of_the_content_are_those_that_came() -> None:
    """The peer encodes each delta anew, so that its state holds tokens that no model wrote."""
    tokens = [*tokens_of("<|channel|>final<|message|>"), 9552, 237, 111]
    held = []
    for module in MODULES:
        parser = module.StreamableParser(encoding(module), module.Role.ASSISTANT)
        for token in tokens:
            parser.process(token)
        held.append(parser.state_data["content_tokens"])
    assert held == [[220, 52622, 111], [9552, 237, 111]]
