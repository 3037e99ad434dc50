"""Law 7: `openai-harmony` gives the same on all that it does faithfully; docs/differences.toml lists the rest."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import (
    DeveloperContent,
    HarmonyError,
    Message,
    Namespace,
    Tool,
    codec,
    from_json,
    parse,
    render,
    render_text,
    render_training,
    to_json,
)

from . import peer
from .conftest import examples
from .strategies import conversations, messages, tool_names

DIFFERENCES = tomllib.loads(
    (Path(__file__).resolve().parent.parent / "docs" / "differences.toml").read_text(encoding="utf-8")
)
FIELDS = ("role", "name", "channel", "recipient", "content_type", "content")


def faithful(message: Message) -> bool:
    """Messages that the peer reads back as they were; the rest are rows of the table of differences.

    A name beside a role is lost, a content type without recipient becomes one, a tool needs something else in its
    header, and Rust and Python disagree about four control characters being white space.
    """
    if message.role != "tool" and message.name is not None:
        return False
    if message.recipient is None and (message.content_type is not None or message.role == "tool"):
        return False
    header = "".join(str(getattr(message, name)) for name in FIELDS[:5])
    return not set(header) & set("\x1c\x1d\x1e\x1f") and message.recipient != "all"


def _repaired(message: Message) -> Message:
    """A message without what makes most messages unfaithful; those that are faithful stay as they are."""
    if message.recipient is None:
        message.recipient = "assistant" if message.role == "tool" else None
        message.content_type, message.constrain = None, False
    message.name = message.name if message.role == "tool" else None
    return message


faithful_messages = messages().map(_repaired).filter(faithful)


@examples(2000)
@given(conversations())
def test_the_peer_renders_the_same_tokens(conversation: list[Message]) -> None:
    """In the style named after the peer, for every conversation, whether or not the peer can read it back."""
    for message in conversation:
        message.recipient = None if message.recipient == "all" else message.recipient
    assert render(conversation) == peer.render(conversation)


@examples(500)
@given(conversations(min_size=1), st.sampled_from(["system", "developer", "user", "assistant"]))
def test_the_peer_renders_the_same_prompts(conversation: list[Message], role: codec.Role) -> None:
    conversation = [m for m in conversation if m.recipient != "all"]
    tokens = render(conversation, "prompt", role=role)
    assert tokens == peer.render_for_completion(conversation, role)


@examples(500)
@given(conversations(min_size=1))
def test_the_peer_renders_the_same_training_targets(conversation: list[Message]) -> None:
    conversation = [m for m in conversation if m.recipient != "all"]
    training = render_training(conversation)
    kept = dict.fromkeys(span.message for span in training.spans)
    assert training.tokens == peer.render_for_training([conversation[index] for index in kept])


@examples(2000)
@given(st.lists(faithful_messages, max_size=4), st.sampled_from(["openai", "model"]))
def test_the_peer_reads_the_same_messages(conversation: list[Message], style: codec.Style) -> None:
    """Tokens in either style, with every content that text can be."""
    tokens = render(conversation, style=style)
    assert peer.parse(tokens) == [shown(message) for message in parse(tokens).messages]


@examples(200)
@given(st.lists(faithful_messages, max_size=4))
def test_the_peer_reads_and_writes_the_same_json(conversation: list[Message]) -> None:
    """The JSON form goes to the peer and comes back from it unchanged."""
    written = to_json(conversation)
    back = peer.json_back(written)
    assert back == written
    assert from_json(back) == conversation


@pytest.mark.parametrize("row", DIFFERENCES["parsed"], ids=lambda row: row["name"])
def test_a_deliberate_difference_in_parsing(row: dict[str, Any]) -> None:
    """The peer reads what the table says, and so does this package, which also writes it back."""
    tokens = peer.tokens_of(row["text"])
    try:
        read: Any = peer.parse(tokens)
    except Exception as error:
        assert str(error).startswith(row["peer"])
    else:
        assert read == row["peer"]
    try:
        parsed = parse(tokens).messages
    except HarmonyError as error:
        assert error.code.code == row["here"]
    else:
        assert [shown(message) for message in parsed] == row["here"]
        assert render(parsed, style="as_parsed") == tokens


@pytest.mark.parametrize("row", DIFFERENCES["rendered"], ids=lambda row: row["name"])
def test_a_deliberate_difference_in_rendering(row: dict[str, Any]) -> None:
    assert peer.render_json({"messages": [row["message"]]}) == peer.tokens_of(row["peer"])
    try:
        text = render_text(from_json({"messages": [row["message"]]}))
    except HarmonyError as error:
        assert error.code.code == row["here"]
    else:
        assert text == row["here"]


def test_the_stop_tokens_are_the_peers() -> None:
    message, actions = peer.stop_tokens()
    assert list(codec.STOP_TOKENS["message"]) == message
    assert list(codec.STOP_TOKENS["assistant_actions"]) == actions


@given(tool_names)
def test_the_peer_tokenizes_the_same(text: str) -> None:
    from harmony_spec.vocabulary import load

    assert load(codec.FORMAT.encoding).encode(text) == peer.encode(text)


@pytest.mark.parametrize("row", DIFFERENCES["schema"], ids=lambda row: row["name"])
def test_a_deliberate_difference_in_types(row: dict[str, Any]) -> None:
    """What the table says is what both write; and what is written here is read back as the same type."""
    content = DeveloperContent(tools=[Namespace("n", tools=[Tool("f", None, json.loads(row["schema"]))])])
    written = content.text()
    assert type_in(written) == row["here"]
    assert type_in(peer.content_of(content)) == row["peer"] != row["here"]
    (message,) = parse(render([Message("developer", content)])).messages
    assert isinstance(message.content, DeveloperContent)
    assert message.content.text() == written


def type_in(text: str) -> str:
    """The type in a text with one tool."""
    start, end = "type f = ", "\n\n} // namespace n"
    return text[text.index(start) + len(start) : text.rindex(end)]


def shown(message: Message) -> dict[str, Any]:
    """The fields of a message as the table and the peer name them."""
    entry = to_json([message])["messages"][0]
    entry["content"] = message.content
    return {name: entry[name] for name in FIELDS if entry.get(name) is not None}
