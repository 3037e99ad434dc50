"""What users type and see of messages: dates, one message as JSON, the `repr`, and the token ids that were read."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmony_spec import (
    ChannelConfig,
    ConversationError,
    DeveloperContent,
    Message,
    Namespace,
    RenderError,
    StreamParser,
    SystemContent,
    Tool,
    decode,
    encode,
    from_json,
    parse,
    recover,
    render,
    to_json,
)
from harmony_spec.source.message_tokens import are_token_ids

from .dialect import Bytes
from .recovery_strategies import damaged
from .strategies import messages

DAY = date(2026, 1, 2)
LINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: "\n" not in text)


@pytest.mark.parametrize("given_date", [DAY, "2026-01-02", datetime(2026, 1, 2, 3, 4)])
def test_a_date_is_a_date(given_date: Any) -> None:
    """Whether it is passed as one, read from a text, or from JSON; it is written as ISO 8601 writes it."""
    message = Message("system", SystemContent(conversation_start_date=given_date))
    assert "\nCurrent date: 2026-01-02\n" in message.text
    value = json.loads(json.dumps(to_json([message])))
    assert value["messages"][0]["content"][0]["conversation_start_date"] == "2026-01-02"
    for found in (message, *parse(render([message])).messages, *from_json(value)):
        assert isinstance(found.content, SystemContent)
        assert found.content.conversation_start_date == DAY
        assert type(found.content.conversation_start_date) is date
        assert found == message


ODD_VALUES = (
    None,
    "x",
    "low",
    5,
    1.5,
    ["low"],
    [None],
    ["x"],
    [5],
    {"a": 1},
    object(),
    b"x",
    Tool("f"),
    Namespace("n"),
)


@pytest.mark.parametrize("made", [SystemContent, DeveloperContent, Namespace, Tool, ChannelConfig])
def test_json_holds_every_value_or_refuses_it(made: type[Any]) -> None:
    """A value of a wrong type in a content, however deep, is named with its place; before, some were `TypeError`."""
    required = {"name": "a", "parameters": {}, "valid_channels": ["final"]}
    for part in fields(made):
        for value in ODD_VALUES:
            values = {name: given for name, given in required.items() if name in {each.name for each in fields(made)}}
            content: Any = made(**{**values, part.name: value})
            content = Namespace("a", tools=[content]) if made is Tool else content
            content = SystemContent(channel_config=content) if made is ChannelConfig else content
            content = DeveloperContent(tools=[content]) if isinstance(content, Namespace) else content
            message = Message("system" if isinstance(content, SystemContent) else "developer", content)
            try:
                written = to_json([message])
            except RenderError as error:
                assert error.index == 0
                assert f"{part.name}: " in error.message or f"{part.name}.0: " in error.message
            else:
                assert from_json(json.loads(json.dumps(written))) == [message]


@pytest.mark.parametrize("value", [value for value in ODD_VALUES if type(value).__hash__ is not None])
def test_json_holds_the_variants_of_a_message_or_refuses_them(value: Any) -> None:
    """Before, a wrong one was written as JSON that `from_json` refuses."""
    (message,) = parse(render([Message("user", "Hi.")])).messages
    message.variants = (value,)
    try:
        written = to_json([message])
    except RenderError as error:
        assert "variants.0: " in error.message
    else:
        assert from_json(json.loads(json.dumps(written)))[0].variants == message.variants


@given(
    LINES | st.dates().map(str) | st.sampled_from(["20260102", "2026-W01-1", "2026-01", "0000-01-01", "January 2026"])
)
def test_other_texts_in_place_of_a_date_stay(text: str) -> None:
    """Nothing is lost, whether the text is a date or not."""
    message = Message("system", SystemContent(conversation_start_date=text))
    tokens = render([message])
    assert f"\nCurrent date: {text}\n" in message.text
    (found,) = parse(tokens).messages
    assert isinstance(found.content, SystemContent)
    assert str(found.content.conversation_start_date) == text
    assert render([found], style="as_parsed") == render([found]) == tokens
    assert from_json(to_json([found])) == [message]


def test_a_date_may_be_changed() -> None:
    content = SystemContent(conversation_start_date="2026-01-02")
    (message,) = parse(render([Message("system", content)])).messages
    assert isinstance(message.content, SystemContent)
    message.content.conversation_start_date = date(2027, 1, 1)
    assert "2027-01-01" in decode(render([message], style="as_parsed"))
    assert message.content != content
    with pytest.raises(RenderError, match="conversation_start_date: expected a str, got 5"):
        render([Message("system", SystemContent(conversation_start_date=5))])  # type-checked code passes no int


@given(messages())
def test_one_message_has_a_json_form(message: Message) -> None:
    """It is the item of a conversation."""
    value = json.loads(json.dumps(message.to_json()))
    assert value == to_json([message])["messages"][0]
    assert Message.from_json(value) == from_json({"messages": [value]})[0]


def test_errors_in_the_json_of_a_message_have_their_place() -> None:
    with pytest.raises(ConversationError) as caught:
        Message.from_json({"role": "usr", "content": "Hi."})
    assert (caught.value.pointer, caught.value.message) == ("/role", "unknown value 'usr'; did you mean 'user'?")
    for wrong in ([], "{}", None, 5):
        with pytest.raises(ConversationError):
            Message.from_json(wrong)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Message("user", "Hi."), "Message(role='user', content='Hi.')"),
        (
            Message("assistant", "{}", channel="final", constrain=True, content_type="json", variants=("return",)),
            "Message(role='assistant', content='{}', channel='final', constrain=True, content_type='json')",
        ),
        (SystemContent(), "SystemContent()"),
        (
            SystemContent(None, conversation_start_date=DAY),
            f"SystemContent(model_identity=None, conversation_start_date={DAY!r})",
        ),
        (
            DeveloperContent("x", [Namespace("functions", tools=[Tool("f")])]),
            "DeveloperContent(instructions='x', tools=[Namespace(name='functions', tools=[Tool(name='f')])])",
        ),
        (ChannelConfig(["a"]), "ChannelConfig(valid_channels=['a'])"),
        (SystemContent(tools=None), "SystemContent(tools=None)"),  # type-checked code passes no None
    ],
)
def test_the_repr_has_what_is_set(value: object, shown: str) -> None:
    assert repr(value) == shown


@given(messages())
def test_the_repr_makes_the_message_again(message: Message) -> None:
    assert eval(repr(message)) == message


# Token ids.

SAMPLED = [*encode("<|channel|>fi", allowed_special="all"), *encode("nal<|message|>He", allowed_special="all")]
SAMPLED += [*encode("llo"), *encode(".<|return|>", allowed_special="all")]


def test_the_parts_of_the_ids_are_known() -> None:
    for (message,) in (parse(SAMPLED, "completion").messages, recover(SAMPLED, "completion").messages):
        assert message.tokens
        assert message.tokens.ids == SAMPLED
        parts = message.tokens.header, message.tokens.content, message.tokens.stop
        assert parts == (SAMPLED[:4], SAMPLED[4:-1], SAMPLED[-1:])
        assert message == Message("assistant", "Hello.", channel="final")
    assert parse("<|start|>user<|message|>Hi.<|end|>").messages[0].tokens is None


def test_the_messages_of_a_stream_share_its_ids() -> None:
    """A copy has only its own; reading on changes none."""
    stream = encode("<|start|>user<|message|>Hi.<|end|>", allowed_special="all")
    parser = StreamParser("transcript")
    parser.feed(stream + stream)
    first, second = (message.tokens for message in parser.messages)
    parser.feed(stream)
    parser.reset()
    assert first is not None
    assert second is not None
    assert first.units is second.units
    for tokens in (first, second, pickle.loads(pickle.dumps(second))):
        assert tokens.ids == [*tokens.header, *tokens.content, *tokens.stop] == stream
        assert (len(tokens.header), len(tokens.stop)) == (3, 1)
    assert len(pickle.loads(pickle.dumps(second)).units) == len(stream)
    assert first.around == second.around


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, "header content stop"),
        ({"content": "Hello!"}, "header stop"),
        ({"channel": "analysis"}, "content stop"),
        ({"variants": ()}, "header content"),
        ({"tokens": None}, ""),
    ],
)
def test_ids_are_written_as_long_as_they_spell_their_part(change: dict[str, Any], kept: str) -> None:
    """A changed part is written anew, the others are not."""
    (message,) = parse(SAMPLED, "completion").messages
    changed = replace(message, **change)
    anew = render([replace(changed, tokens=None)], "completion", style="as_parsed")
    ((_, content, stop, _),) = parse(anew, "completion").bounds
    parts = {"header": SAMPLED[:4], "content": SAMPLED[4:-1], "stop": SAMPLED[-1:]}
    usual = {"header": anew[:content], "content": anew[content:stop], "stop": anew[stop:]}
    expected = [token for name in parts for token in (parts if name in kept else usual)[name]]
    for each in (changed, pickle.loads(pickle.dumps(changed))):
        assert render([each], "completion", style="as_parsed") == expected


@pytest.mark.parametrize(
    "tokens",
    [
        {"header": [200006, 1428, 200008], "content": [200007], "stop": [200007]},
        {"header": [], "content": [27, 91, 419, 91, 200012], "stop": []},
        {"header": [1, 1114111], "content": [55296, 1114111, 199999], "stop": [200002]},
        {"header": [200007], "content": [160], "stop": [], "opening": [200006]},
    ],
)
def test_ids_of_strangers_do_no_harm(tokens: dict[str, list[int]]) -> None:
    """No content becomes a special token, and nothing is written that is not spelled by the message."""
    value = {"role": "user", "content": "<|end|>", "tokens": tokens}
    message = Message.from_json(value)
    assert render([message], style="as_parsed") == render([Message("user", "<|end|>")])
    assert render([message], "prompt", style="as_parsed") == render([Message("user", "<|end|>")], "prompt")
    assert "tokens" not in message.to_json()


def test_another_tokenizer_writes_its_own_ids() -> None:
    (message,) = parse(SAMPLED, "completion").messages
    tokens = render([message], "completion", style="as_parsed", tokenizer=Bytes())
    assert tokens == render([replace(message, tokens=None)], "completion", style="as_parsed", tokenizer=Bytes())
    assert parse(tokens, "completion", tokenizer=Bytes()).messages == [message]


def test_messages_in_the_usual_tokens_have_no_ids_in_json() -> None:
    call = Message("assistant", "{}", channel="commentary", recipient="functions.f")
    for message in (Message("user", "Hi."), call):
        (found,) = parse(render([message])).messages
        assert found.tokens
        assert found.to_json() == message.to_json()
        assert render([Message.from_json(found.to_json())], style="as_parsed") == render([message])
    assert set(parse(SAMPLED, "completion").messages[0].to_json()) >= {"tokens", "variants"}


@given(damaged("transcript"))
def test_a_repaired_message_is_written_back_from_its_json(tokens: list[int]) -> None:
    """As the same token ids, which `original` holds; other numbers are in no JSON."""
    assume(are_token_ids(tokens))
    found = recover(tokens).messages
    stored = from_json(json.loads(json.dumps(to_json(found))))
    assert render(stored, style="as_parsed") == render(found, style="as_parsed")
