"""The peer, `openai-harmony`, as the tests ask it: plain values in and out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.comparison import conversation, encoding
from benchmarks.comparison import message as peer_message
from harmony_spec import DeveloperContent, Message, to_json


@cache
def _encoding() -> Any:
    return encoding(Path(mkdtemp()))


def _keep_all() -> Any:
    from openai_harmony import RenderConversationConfig

    return RenderConversationConfig(auto_drop_analysis=False)


def render(messages: Sequence[Message]) -> list[int]:
    return list(_encoding().render_conversation(conversation(messages), _keep_all()))


def render_for_completion(messages: Sequence[Message], role: str) -> list[int]:
    from openai_harmony import Role

    return list(_encoding().render_conversation_for_completion(conversation(messages), Role(role), _keep_all()))


def render_for_training(messages: Sequence[Message]) -> list[int]:
    return list(_encoding().render_conversation_for_training(conversation(messages), _keep_all()))


def parse(tokens: Sequence[int]) -> list[dict[str, Any]]:
    """The messages that the peer reads, contents as text, absent fields left out."""
    found = _encoding().parse_messages_from_completion_tokens(tokens)
    return [_shown(message.to_dict()) for message in found]


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    shown = {**entry, "role": str(entry["role"].value), "content": "".join(part["text"] for part in entry["content"])}
    return {name: value for name, value in shown.items() if value is not None}


def json_back(value: dict[str, Any]) -> Any:
    """A conversation in its JSON form, read and written by the peer."""
    from openai_harmony import Conversation

    return json.loads(Conversation.from_json(json.dumps(value)).to_json())


def render_json(value: dict[str, Any]) -> list[int]:
    from openai_harmony import Conversation

    return list(_encoding().render_conversation(Conversation.from_json(json.dumps(value)), _keep_all()))


def content_of(content: DeveloperContent) -> str:
    """The text that the peer writes for a content with tools."""
    tokens = render_json(to_json([Message("developer", content)]))
    text: str = _encoding().decode(tokens)
    return text[text.index("#") : text.rindex("<|end|>")]


def render_tools(functions: Sequence[dict[str, Any]], others: Sequence[Message] = ()) -> list[int]:
    """A system message, a developer message with functions (name, description, parameters), and other messages."""
    from openai_harmony import Conversation, DeveloperContent, Message, Role, SystemContent, ToolDescription

    tools = [ToolDescription.new(each["name"], each["description"], each["parameters"]) for each in functions]
    content = DeveloperContent.new().with_function_tools(tools)
    first = [
        Message.from_role_and_content(Role.SYSTEM, SystemContent.new()),
        Message.from_role_and_content(Role.DEVELOPER, content),
    ]
    made = Conversation.from_messages([*first, *map(peer_message, others)])
    return list(_encoding().render_conversation(made, _keep_all()))


def text_of(tokens: Sequence[int]) -> str:
    return str(_encoding().decode(tokens))


def tokens_of(text: str) -> list[int]:
    """Tokens of a text in which special tokens are spelled out."""
    return list(_encoding().encode(text, allowed_special="all"))


def encode(text: str) -> list[int]:
    return list(_encoding().encode(text, disallowed_special=()))


def stop_tokens() -> tuple[list[int], list[int]]:
    return sorted(_encoding().stop_tokens()), sorted(_encoding().stop_tokens_for_assistant_actions())
