"""Converts messages of the drop-in to messages of the codec, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, get_args

from harmony_spec import codec
from harmony_spec.errors import RenderError

from .models import (
    Author,
    Content,
    DeveloperContent,
    Message,
    ReasoningEffort,
    Role,
    SystemContent,
    TextContent,
    ToolNamespaceConfig,
    content_from_dict,
)
from .peer_errors import HarmonyError
from .peer_types import peer_type

RECOVERY = codec.FORMAT.meaning
SLOTS = RECOVERY.slots

(CONSTRAIN_SPELLING,) = RECOVERY.leads[SLOTS.constrain]
"""The spelling of the special token that begins a constrained content type."""

EVERYONE: str = codec.CONVERSATION_SCHEMA["$defs"]["message"]["properties"][SLOTS.recipient]["default"]
"""The recipient that means the same as none."""

PLACEHOLDER = "\ue000"
"""Written in place of free texts and types, see `_write`."""

FREE_TEXT_SETTINGS = ("model_identity", "knowledge_cutoff", "conversation_start_date")
"""The settings that are free texts, see `_write`."""

ROLES_BY_NAME = {role.value: role for role in Role}

EFFORTS: dict[ReasoningEffort, codec.Effort] = {
    ReasoningEffort(effort.capitalize()): effort for effort in get_args(codec.Effort)
}


def to_codec(messages: Sequence[Message], has_functions: bool) -> list[codec.Message]:
    """Convert messages of one conversation to messages of the codec.

    Args:
        has_functions: the conversation offers functions; system messages then name the channel for calls.

    Raises:
        HarmonyError: a content is in a message of the wrong role, or a tool message has no name.
    """
    made = []
    for index, message in enumerate(messages):
        try:
            made.append(_to_codec(message, has_functions))
        except RenderError as error:
            error.index = index
            raise
    return made


def _to_codec(message: Message, has_functions: bool) -> codec.Message:
    author, recipient, content_type = message.author, message.recipient, message.content_type
    role = Role(author.role)
    if author.name is None and role is Role.TOOL:
        raise HarmonyError("Tools should have a name!")
    constrained = isinstance(content_type, str) and content_type.startswith(CONSTRAIN_SPELLING)
    if constrained and content_type is not None:
        content_type = content_type.removeprefix(CONSTRAIN_SPELLING).lstrip()
    parts = message.content
    first = parts[0] if parts else None
    if len(parts) == 1 and type(first) is TextContent:
        content = first.text
    else:
        content = "".join(text_of(part, role, has_functions) for part in parts)
    return codec.Message(
        role.value,
        content,
        author.name,
        None if recipient == EVERYONE else recipient,
        message.channel,
        constrained,
        content_type,
    )


def offers_functions(messages: Iterable[Message]) -> bool:
    """Whether a developer message offers functions."""
    contents = (part for message in messages for part in message.content if isinstance(part, DeveloperContent))
    offered = ((content.tools or {}).get(codec.FUNCTION_NAMESPACE) for content in contents)
    return any(namespace is not None and namespace.tools for namespace in offered)


# Contents.


def text_of(part: Content, role: Role, has_functions: bool) -> str:
    """The text of a part of a content, as `openai_harmony` writes it."""
    if isinstance(part, TextContent):
        return part.text
    for kind, wanted in ((SystemContent, Role.SYSTEM), (DeveloperContent, Role.DEVELOPER)):
        if isinstance(part, kind) and role is not wanted:
            found = f"{wanted.value} messages, found in {role.value.capitalize()}"
            raise HarmonyError(f"{kind.__name__} may only appear in {found}")
    if isinstance(part, SystemContent):
        return _write(_convert_system(part, has_functions), FREE_TEXT_SETTINGS, part.tools)
    if isinstance(part, DeveloperContent):
        return _write(codec.DeveloperContent(part.instructions), ("instructions",), part.tools)
    return text_of(content_from_dict(part.to_dict()), role, has_functions)


def _convert_system(content: SystemContent, has_functions: bool) -> codec.SystemContent:
    effort, config, channels = content.reasoning_effort, content.channel_config, None
    if config is not None and config.valid_channels:
        channels = codec.ChannelConfig(list(config.valid_channels), config.channel_required, has_functions)
    return codec.SystemContent(
        **{name: getattr(content, name) for name in FREE_TEXT_SETTINGS},
        reasoning_effort=None if effort is None else EFFORTS[ReasoningEffort(effort)],
        channel_config=channels,
    )


def _write(
    record: codec.SystemContent | codec.DeveloperContent,
    free: tuple[str, ...],
    tools: dict[str, ToolNamespaceConfig] | None,
) -> str:
    """Write a record with tools.

    The codec refuses a free text that it would read back as something else, and spells types in its own way. So it
    writes a mark in place of each free text, and of each type that `openai_harmony` writes without loss.

    Args:
        free: the fields that are free texts, in the order in which they are written, before all other fields.
    """
    written = [name for name in free if isinstance(getattr(record, name), str)]
    texts: list[str] = [getattr(record, name) for name in written]
    namespaces = _convert_namespaces(tools)
    found = [(tool, peer_type(tool.parameters)) for namespace in namespaces for tool in namespace.tools]
    texts += [text for _, text in found if text is not None]
    mark, parts = "", list[str]()
    while len(parts) != len(texts) + 1:  # a text of the caller may contain a mark
        mark += PLACEHOLDER
        for tool, text in found:
            tool.parameters = tool.parameters if text is None else {"const": mark}
        marks: dict[str, Any] = dict.fromkeys(written, mark)
        parts = re.split(f'"?{mark}"?', replace(record, tools=namespaces, **marks).text())
    return "".join(part + text for part, text in zip(parts, [*texts, ""], strict=True))


def _convert_namespaces(tools: dict[str, ToolNamespaceConfig] | None) -> list[codec.Namespace]:
    """Convert namespaces, in the order of their keys: so `openai_harmony` writes them."""
    found = [tools[key] for key in sorted(tools)] if tools else []
    return [
        codec.Namespace(
            namespace.name,
            namespace.description,
            [codec.Tool(tool.name, tool.description, tool.parameters) for tool in namespace.tools],
        )
        for namespace in found
    ]


# From the codec.


def from_codec(messages: Iterable[codec.Message]) -> list[Message]:
    """Convert messages of the codec; contents become text."""
    return [_from_codec(message) for message in messages]


def _from_codec(message: codec.Message) -> Message:
    author = Author(role=ROLES_BY_NAME[message.role], name=message.name)
    found = Message(author=author, content=[TextContent(text=message.text)])
    found.channel, found.recipient = message.channel, message.recipient
    found.content_type = content_type(message.constrain, message.content_type)
    return found


def content_type(constrained: bool, kind: str | None) -> str | None:
    """The content type, after the spelling of the constrain token if it is constrained."""
    return f"{CONSTRAIN_SPELLING if constrained else ''}{kind or ''}" or None
