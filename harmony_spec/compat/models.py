"""Roles, contents, messages and conversations as `openai_harmony` has them: pydantic models that are changed in place.

Methods that begin with `with_` or `adding_` change the object and return it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import Any

from pydantic import BaseModel, Field

from harmony_spec import codec


class Role(str, Enum):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    DEVELOPER = "developer"
    TOOL = "tool"

    @classmethod
    def _missing_(cls, value: object) -> Role:
        raise ValueError(f"Unknown role: {value!r}")


class ReasoningEffort(str, Enum):
    """How long the model thinks before it answers."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class Author(BaseModel):
    """A role, and the name of who has it: of a tool its full name."""

    role: Role
    name: str | None = None

    @classmethod
    def new(cls, role: Role, name: str) -> Author:
        """An author with a name."""
        return cls(role=role, name=name)


class Content(BaseModel, ABC):
    """A part of what a message says."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The part in the JSON form, with its kind under `type`."""


class TextContent(Content):
    """Plain text. Whatever it spells, none of it becomes a special token."""

    text: str

    def to_dict(self) -> dict[str, Any]:
        """The text in the JSON form."""
        return {"type": "text", "text": self.text}


class ToolDescription(BaseModel):
    """A function that the model may call; `parameters` is the JSON Schema of what it takes."""

    name: str
    description: str
    parameters: dict[Any, Any] | None = None

    @classmethod
    def new(cls, name: str, description: str, parameters: dict[Any, Any] | None = None) -> ToolDescription:
        """A function; without `parameters` it takes nothing."""
        return cls(name=name, description=description, parameters=parameters)


class ToolNamespaceConfig(BaseModel):
    """Tools with a common first name."""

    name: str
    description: str | None = None
    tools: list[ToolDescription]

    @staticmethod
    def browser() -> ToolNamespaceConfig:
        """The built-in tools that search and read the web."""
        return _namespace(codec.browser_tools())

    @staticmethod
    def python() -> ToolNamespaceConfig:
        """The built-in tool that runs Python; it has no functions, and takes code as text."""
        return _namespace(codec.python_tools())


def _namespace(known: codec.Namespace) -> ToolNamespaceConfig:
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in known.tools
    ]
    return ToolNamespaceConfig.model_validate({"name": known.name, "description": known.description, "tools": tools})


class ChannelConfig(BaseModel):
    """The channels that messages may have, and whether each must have one."""

    valid_channels: list[str]
    channel_required: bool

    @classmethod
    def require_channels(cls, channels: list[str]) -> ChannelConfig:
        """These channels; every message must have one."""
        return cls(valid_channels=channels, channel_required=True)


DEFAULTS = codec.SystemContent()


def _default_channels() -> ChannelConfig:
    settings = codec.SystemContent().channel_config
    return ChannelConfig.require_channels(settings.valid_channels if settings else [])


class SystemContent(Content):
    """The settings of a conversation; None leaves one out of the text."""

    model_identity: str | None = DEFAULTS.model_identity
    reasoning_effort: ReasoningEffort | None = ReasoningEffort.MEDIUM
    conversation_start_date: str | None = None
    knowledge_cutoff: str | None = DEFAULTS.knowledge_cutoff
    channel_config: ChannelConfig | None = Field(default_factory=_default_channels)
    tools: dict[str, ToolNamespaceConfig] | None = None

    @classmethod
    def new(cls) -> SystemContent:
        """The default settings."""
        return cls()

    def with_model_identity(self, model_identity: str) -> SystemContent:
        """Say who the model is."""
        self.model_identity = model_identity
        return self

    def with_reasoning_effort(self, reasoning_effort: ReasoningEffort) -> SystemContent:
        """Say how long the model thinks."""
        self.reasoning_effort = reasoning_effort
        return self

    def with_conversation_start_date(self, conversation_start_date: str) -> SystemContent:
        """Say which day it is, such as `2025-06-28`."""
        self.conversation_start_date = conversation_start_date
        return self

    def with_knowledge_cutoff(self, knowledge_cutoff: str) -> SystemContent:
        """Say up to when the model was trained, such as `2024-06`."""
        self.knowledge_cutoff = knowledge_cutoff
        return self

    def with_channel_config(self, channel_config: ChannelConfig) -> SystemContent:
        """Say which channels there are."""
        self.channel_config = channel_config
        return self

    def with_required_channels(self, channels: list[str]) -> SystemContent:
        """Say which channels there are, of which every message must have one."""
        self.channel_config = ChannelConfig.require_channels(channels)
        return self

    def with_tools(self, ns_config: ToolNamespaceConfig) -> SystemContent:
        """Offer tools; they replace those of the same namespace."""
        self.tools = {**(self.tools or {}), ns_config.name: ns_config}
        return self

    def with_browser_tool(self) -> SystemContent:
        """Offer the built-in browser."""
        return self.with_tools(ToolNamespaceConfig.browser())

    def with_python_tool(self) -> SystemContent:
        """Offer the built-in Python."""
        return self.with_tools(ToolNamespaceConfig.python())

    def to_dict(self) -> dict[str, Any]:
        """The settings in the JSON form, without those that are None."""
        return {**self.model_dump(exclude_none=True), "type": "system_content"}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> SystemContent:
        """The settings from their JSON form; raises pydantic's `ValidationError` for values of other types."""
        return cls(**raw)


class DeveloperContent(Content):
    """What the developer asks for and offers."""

    instructions: str | None = None
    tools: dict[str, ToolNamespaceConfig] | None = None

    @classmethod
    def new(cls) -> DeveloperContent:
        """No instructions and no tools."""
        return cls()

    def with_instructions(self, instructions: str) -> DeveloperContent:
        """Say what the developer asks for, often called the system prompt."""
        self.instructions = instructions
        return self

    def with_tools(self, ns_config: ToolNamespaceConfig) -> DeveloperContent:
        """Offer tools; they replace those of the same namespace."""
        self.tools = {**(self.tools or {}), ns_config.name: ns_config}
        return self

    def with_function_tools(self, tools: Sequence[ToolDescription]) -> DeveloperContent:
        """Offer functions, in the namespace that the format has for them."""
        return self.with_tools(ToolNamespaceConfig(name=codec.FUNCTION_NAMESPACE, description=None, tools=list(tools)))

    def to_dict(self) -> dict[str, Any]:
        """The content in the JSON form, without what is None."""
        return {**self.model_dump(exclude_none=True), "type": "developer_content"}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> DeveloperContent:
        """The content from its JSON form; raises pydantic's `ValidationError` for values of other types."""
        return cls(**raw)


KINDS: dict[str, type[Content]] = {
    "text": TextContent,
    "system_content": SystemContent,
    "developer_content": DeveloperContent,
}


def content_from_dict(raw: dict[str, Any]) -> Content:
    """A part of a content from its JSON form; raises `ValueError` for a `type` that does not exist."""
    kind = KINDS.get(raw.get("type", ""))
    if kind is None:
        raise ValueError(f"Unknown content variant: {raw}")
    return kind(**raw)


class Message(BaseModel):
    """One message: who wrote it, its parts, and what its header says. A constrained content type begins with the
    spelling of its special token.
    """

    author: Author
    content: list[Content] = Field(default_factory=list)
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None

    @classmethod
    def from_author_and_content(cls, author: Author, content: str | Content) -> Message:
        """A message of one part; a text is one."""
        return cls(author=author, content=[_part(content)])

    @classmethod
    def from_role_and_content(cls, role: Role, content: str | Content) -> Message:
        """A message of one part, of an author without a name."""
        return cls.from_author_and_content(Author(role=role), content)

    @classmethod
    def from_role_and_contents(cls, role: Role, contents: Sequence[Content]) -> Message:
        """A message of several parts, of an author without a name."""
        return cls(author=Author(role=role), content=list(contents))

    def adding_content(self, content: str | Content) -> Message:
        """Add a part; a text is one."""
        self.content.append(_part(content))
        return self

    def with_channel(self, channel: str) -> Message:
        """Say which channel the message is on."""
        self.channel = channel
        return self

    def with_recipient(self, recipient: str) -> Message:
        """Say whom the message is for: a tool's full name, or a role."""
        self.recipient = recipient
        return self

    def with_content_type(self, content_type: str) -> Message:
        """Say what type the content has, such as `json`."""
        self.content_type = content_type
        return self

    def to_dict(self) -> dict[str, Any]:
        """The message in the JSON form; channel, recipient and content type only where there are any."""
        said = {name: getattr(self, name) for name in ("channel", "recipient", "content_type")}
        present = {name: value for name, value in said.items() if value is not None}
        return {**self.author.model_dump(), "content": [part.to_dict() for part in self.content], **present}

    def to_json(self) -> str:
        """The JSON form as text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Message:
        """A message from its JSON form, in which a content may also be one text.

        Raises:
            ValueError: a role or a kind of content that does not exist.
            KeyError: no role, or no content.
        """
        author = Author(role=Role(data["role"]), name=data.get("name"))
        parts = data["content"]
        if isinstance(parts, str):
            parts = [{"type": "text", "text": parts}]
        message = cls(author=author, content=[content_from_dict(part) for part in parts])
        message.channel, message.recipient = data.get("channel"), data.get("recipient")
        message.content_type = data.get("content_type")
        return message


def _part(content: str | Content) -> Content:
    return TextContent(text=content) if isinstance(content, str) else content


class Conversation(BaseModel):
    """Messages in order."""

    messages: list[Message] = Field(default_factory=list)

    @classmethod
    def from_messages(cls, messages: Sequence[Message]) -> Conversation:
        """A conversation of these messages."""
        return cls(messages=list(messages))

    def __iter__(self) -> Any:
        """An iterator over the messages."""
        return iter(self.messages)

    def to_dict(self) -> dict[str, Any]:
        """The conversation in the JSON form."""
        return {"messages": [message.to_dict() for message in self.messages]}

    def to_json(self) -> str:
        """The JSON form as text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, payload: str) -> Conversation:
        """A conversation from its JSON form as text.

        Raises:
            ValueError: the text is no JSON, or names a role or a kind of content that does not exist.
            KeyError: there are no messages, or one has no role or no content.
        """
        return cls(messages=[Message.from_dict(message) for message in json.loads(payload)["messages"]])


class RenderConversationConfig(BaseModel):
    """How a conversation is written: whether the analysis of completed turns is left out."""

    auto_drop_analysis: bool = True


class RenderOptions(BaseModel):
    """What a single message cannot know: whether its conversation offers functions."""

    conversation_has_function_tools: bool = False
