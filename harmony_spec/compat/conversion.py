"""Messages of the drop-in as messages of the codec, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import get_args

from harmony_spec import codec
from harmony_spec.errors import RenderError
from harmony_spec.recovery.machine import Machine

from .models import (
    Author,
    ChannelConfig,
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
from .peer_errors import NAMELESS_TOOL, HarmonyError, misplaced

RECOVERY = Machine.table(codec.FORMAT)

(CONSTRAINED,) = RECOVERY.leads[RECOVERY.slots.constrain]
"""What a constrained content type begins with: the spelling of its special token."""

EVERYONE: str = codec.CONVERSATION_SCHEMA["$defs"]["message"]["properties"][RECOVERY.slots.recipient]["default"]
"""The recipient that means the same as none."""

STAND_IN = "\ue000"
"""What is written in place of a free text that no reader could tell from the sections around it."""

FREE_SETTINGS = ("model_identity", "knowledge_cutoff", "conversation_start_date")
"""The settings that are free texts, in the order in which they are written, before everything else."""

ROLES = {role.value: role for role in Role}

EFFORTS: dict[ReasoningEffort, codec.Effort] = {
    ReasoningEffort(said.capitalize()): said for said in get_args(codec.Effort)
}


def to_codec(messages: Sequence[Message], functions: bool) -> list[codec.Message]:
    """Messages as the codec writes them.

    Args:
        messages: of one conversation.
        functions: the conversation offers functions, which system messages say how to call.

    Raises:
        HarmonyError: a content is in a message of another role, or a tool has no name.
    """
    return [_to_codec(message, functions) for message in messages]


def _to_codec(message: Message, functions: bool) -> codec.Message:
    author, recipient, content_type = message.author, message.recipient, message.content_type
    role = Role(author.role)
    if author.name is None and role is Role.TOOL:
        raise HarmonyError(NAMELESS_TOOL)
    constrained = content_type is not None and content_type.startswith(CONSTRAINED)
    if constrained and content_type is not None:
        content_type = content_type.removeprefix(CONSTRAINED).lstrip()
    parts = message.content
    first = parts[0] if parts else None
    content = first.text if len(parts) == 1 and type(first) is TextContent else content_of(parts, role, functions)
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


def content_of(
    parts: Sequence[Content], role: Role, functions: bool
) -> str | codec.SystemContent | codec.DeveloperContent:
    """One content of several parts: with a structure if it is the only one, else their texts one after the other."""
    read = [_part(part, role, functions) for part in parts]
    if len(read) == 1:
        return read[0]
    return "".join(part if isinstance(part, str) else part.text() for part in read)


def _part(part: Content, role: Role, functions: bool) -> str | codec.SystemContent | codec.DeveloperContent:
    if isinstance(part, TextContent):
        return part.text
    if isinstance(part, SystemContent):
        if role is not Role.SYSTEM:
            raise misplaced(SystemContent.__name__, Role.SYSTEM.value, role.value)
        return _system(part, functions)
    if isinstance(part, DeveloperContent):
        if role is not Role.DEVELOPER:
            raise misplaced(DeveloperContent.__name__, Role.DEVELOPER.value, role.value)
        return _developer(part)
    return _part(content_from_dict(part.to_dict()), role, functions)


def _system(content: SystemContent, functions: bool) -> str | codec.SystemContent:
    """Settings as the codec writes them, or their text if a reader would take one of them for something else."""
    effort = content.reasoning_effort
    texts = {name: getattr(content, name) for name in FREE_SETTINGS}
    written = {name: text for name, text in texts.items() if text is not None}
    replaced = any(
        not text or not _can_be_written(codec.SystemContent(**{name: text})) for name, text in written.items()
    )
    settings = codec.SystemContent(
        **(texts | dict.fromkeys(written, STAND_IN) if replaced else texts),
        reasoning_effort=None if effort is None else EFFORTS[ReasoningEffort(effort)],
        tools=_namespaces(content.tools),
        channel_config=_channels(content.channel_config, functions),
    )
    if not replaced:
        return settings
    found = iter(written.values())
    return re.sub(STAND_IN, lambda _: next(found), settings.text(), count=len(written))


def _channels(config: ChannelConfig | None, functions: bool) -> codec.ChannelConfig | None:
    if config is None or not config.valid_channels:
        return None
    return codec.ChannelConfig(list(config.valid_channels), config.channel_required, functions)


def _developer(content: DeveloperContent) -> str | codec.DeveloperContent:
    """Instructions and tools as the codec writes them."""
    wanted = codec.DeveloperContent(content.instructions, _namespaces(content.tools))
    if wanted.instructions and not _can_be_written(codec.DeveloperContent(wanted.instructions)):
        return replace(wanted, instructions=STAND_IN).text().replace(STAND_IN, wanted.instructions, 1)
    return wanted


def _can_be_written(record: codec.SystemContent | codec.DeveloperContent) -> bool:
    try:
        record.text()
    except RenderError:
        return False
    return True


def _namespaces(tools: dict[str, ToolNamespaceConfig] | None) -> list[codec.Namespace]:
    """Namespaces in the order of their keys."""
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
    """Messages that the codec read, with their contents as text."""
    return [_from_codec(message) for message in messages]


def _from_codec(message: codec.Message) -> Message:
    author = Author(role=ROLES[message.role], name=message.name)
    found = Message(author=author, content=[TextContent(text=message.text)])
    found.channel, found.recipient = message.channel, message.recipient
    found.content_type = content_type(message.constrain, message.content_type)
    return found


def content_type(constrained: bool, kind: str | None) -> str | None:
    """A content type with what says that it is constrained."""
    return f"{CONSTRAINED if constrained else ''}{kind or ''}" or None
