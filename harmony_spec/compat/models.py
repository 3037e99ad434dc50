"""The pydantic models of `openai_harmony`: roles, contents, messages and conversations.

Methods that begin with `with_` or `adding_` change the object in place and return it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, Field

from harmony_spec import codec


class Role(str, Enum):
    """The role of an author."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    DEVELOPER = "developer"
    TOOL = "tool"

    @classmethod
    def _missing_(cls, value: object) -> Role:
        raise ValueError(f"Unknown role: {value!r}")


class ReasoningEffort(str, Enum):
    """The effort in the system message."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class Author(BaseModel):
    """A role, and a name: for a tool, its full name."""

    role: Role
    name: str | None = None

    @classmethod
    def new(cls, role: Role, name: str) -> Author:
        """Make an author."""
        return cls(role=role, name=name)


class Content(BaseModel, ABC):
    """A part of the content of a message."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the part in the JSON form, with its kind in `type`."""


class TextContent(Content):
    """Plain text. It never becomes a special token."""

    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the part in the JSON form."""
        return {"type": "text", "text": self.text}


class ToolDescription(BaseModel):
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[Any, Any] | None = None

    @classmethod
    def new(cls, name: str, description: str, parameters: dict[Any, Any] | None = None) -> ToolDescription:
        """Describe a function; None for no parameters."""
        return cls(name=name, description=description, parameters=parameters)


class ToolNamespaceConfig(BaseModel):
    """A namespace of tools."""

    name: str
    description: str | None = None
    tools: list[ToolDescription]

    @staticmethod
    def browser() -> ToolNamespaceConfig:
        """Return the built-in tools that search and read the web."""
        return _namespace(codec.browser_tools())

    @staticmethod
    def python() -> ToolNamespaceConfig:
        """Return the built-in tool that runs Python. It has no functions: its calls are code."""
        return _namespace(codec.python_tools())


def _namespace(known: codec.Namespace) -> ToolNamespaceConfig:
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in known.tools
    ]
    return ToolNamespaceConfig.model_validate({"name": known.name, "description": known.description, "tools": tools})


class ChannelConfig(BaseModel):
    """The declared channels, and whether each message needs one."""

    valid_channels: list[str]
    channel_required: bool

    @classmethod
    def require_channels(cls, channels: list[str]) -> ChannelConfig:
        """Declare channels; each message needs one."""
        return cls(valid_channels=channels, channel_required=True)


class StructuredContent(Content):
    """A content with settings and tools. A setting of None is not rendered."""

    kind: ClassVar[str]

    if TYPE_CHECKING:  # a field of the subclasses, after their others
        tools: dict[str, ToolNamespaceConfig] | None = None

    @classmethod
    def new(cls) -> Self:
        """Return a content with the default settings."""
        return cls()

    def with_tools(self, ns_config: ToolNamespaceConfig) -> Self:
        """Offer tools; they replace those of the same namespace."""
        self.tools = {**(self.tools or {}), ns_config.name: ns_config}
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the settings in the JSON form, without those that are None."""
        return {**self.model_dump(exclude_none=True), "type": self.kind}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read settings from their JSON form. Raises `pydantic.ValidationError` for wrong types."""
        return cls(**raw)


DEFAULTS = codec.SystemContent()


def _default_channels() -> ChannelConfig:
    settings = codec.SystemContent().channel_config
    return ChannelConfig.require_channels(settings.valid_channels if settings else [])


class SystemContent(StructuredContent):
    """The settings of a conversation. A setting of None is not rendered."""

    kind = "system_content"
    model_identity: str | None = DEFAULTS.model_identity
    reasoning_effort: ReasoningEffort | None = ReasoningEffort.MEDIUM
    conversation_start_date: str | None = None
    knowledge_cutoff: str | None = DEFAULTS.knowledge_cutoff
    channel_config: ChannelConfig | None = Field(default_factory=_default_channels)
    tools: dict[str, ToolNamespaceConfig] | None = None

    def with_model_identity(self, model_identity: str) -> SystemContent:
        """Set the first sentence of the system message, which names the model."""
        self.model_identity = model_identity
        return self

    def with_reasoning_effort(self, reasoning_effort: ReasoningEffort) -> SystemContent:
        """Set the effort."""
        self.reasoning_effort = reasoning_effort
        return self

    def with_conversation_start_date(self, conversation_start_date: str) -> SystemContent:
        """Set the current date, such as `2025-06-28`."""
        self.conversation_start_date = conversation_start_date
        return self

    def with_knowledge_cutoff(self, knowledge_cutoff: str) -> SystemContent:
        """Set the end of the training data, such as `2024-06`."""
        self.knowledge_cutoff = knowledge_cutoff
        return self

    def with_channel_config(self, channel_config: ChannelConfig) -> SystemContent:
        """Set the declared channels."""
        self.channel_config = channel_config
        return self

    def with_required_channels(self, channels: list[str]) -> SystemContent:
        """Declare channels; each message needs one."""
        return self.with_channel_config(ChannelConfig.require_channels(channels))

    def with_browser_tool(self) -> SystemContent:
        """Offer the built-in tools for the web."""
        return self.with_tools(ToolNamespaceConfig.browser())

    def with_python_tool(self) -> SystemContent:
        """Offer the built-in tool for Python."""
        return self.with_tools(ToolNamespaceConfig.python())


class DeveloperContent(StructuredContent):
    """Instructions and tools of the developer."""

    kind = "developer_content"
    instructions: str | None = None
    tools: dict[str, ToolNamespaceConfig] | None = None

    def with_instructions(self, instructions: str) -> DeveloperContent:
        """Set the instructions, often called the system prompt."""
        self.instructions = instructions
        return self

    def with_function_tools(self, tools: Sequence[ToolDescription]) -> DeveloperContent:
        """Offer functions, in the namespace of the format for functions."""
        return self.with_tools(ToolNamespaceConfig(name=codec.FUNCTION_NAMESPACE, description=None, tools=list(tools)))


CONTENT_KINDS: dict[str, type[Content]] = {
    "text": TextContent,
    SystemContent.kind: SystemContent,
    DeveloperContent.kind: DeveloperContent,
}


def content_from_dict(raw: dict[str, Any]) -> Content:
    """Read a part of a content from its JSON form. Raises `ValueError` for an unknown `type`."""
    kind = CONTENT_KINDS.get(raw.get("type", ""))
    if kind is None:
        raise ValueError(f"Unknown content variant: {raw}")
    return kind(**raw)


class Message(BaseModel):
    """A message: its author, the parts of its content, and the other fields of its header.

    A constrained content type begins with the spelling of its special token.
    """

    author: Author
    content: list[Content] = Field(default_factory=list)
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None

    @classmethod
    def from_author_and_content(cls, author: Author, content: str | Content) -> Message:
        """Make a message of one part; a str is a text part."""
        return cls(author=author, content=[_as_part(content)])

    @classmethod
    def from_role_and_content(cls, role: Role, content: str | Content) -> Message:
        """Make a message of one part; its author has no name."""
        return cls.from_author_and_content(Author(role=role), content)

    @classmethod
    def from_role_and_contents(cls, role: Role, contents: Sequence[Content]) -> Message:
        """Make a message of several parts; its author has no name."""
        return cls(author=Author(role=role), content=list(contents))

    def adding_content(self, content: str | Content) -> Message:
        """Add a part; a str is a text part."""
        self.content.append(_as_part(content))
        return self

    def with_channel(self, channel: str) -> Message:
        """Set the channel."""
        self.channel = channel
        return self

    def with_recipient(self, recipient: str) -> Message:
        """Set the recipient: the full name of a tool, or a role."""
        self.recipient = recipient
        return self

    def with_content_type(self, content_type: str) -> Message:
        """Set the content type, such as `json`."""
        self.content_type = content_type
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the message in the JSON form, without channel, recipient or content type if it has none."""
        header = {name: getattr(self, name) for name in ("channel", "recipient", "content_type")}
        present = {name: value for name, value in header.items() if value is not None}
        return {**self.author.model_dump(), "content": [part.to_dict() for part in self.content], **present}

    def to_json(self) -> str:
        """The JSON form as text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Message:
        """Read a message from its JSON form. The content may also be a str.

        Raises:
            ValueError: an unknown role, or an unknown `type` of content.
            KeyError: the role or the content is missing.
        """
        author = Author(role=Role(data["role"]), name=data.get("name"))
        parts = data["content"]
        if isinstance(parts, str):
            parts = [{"type": "text", "text": parts}]
        message = cls(author=author, content=[content_from_dict(part) for part in parts])
        message.channel, message.recipient = data.get("channel"), data.get("recipient")
        message.content_type = data.get("content_type")
        return message


def _as_part(content: str | Content) -> Content:
    return TextContent(text=content) if isinstance(content, str) else content


class Conversation(BaseModel):
    """The messages of a conversation, in order."""

    messages: list[Message] = Field(default_factory=list)

    @classmethod
    def from_messages(cls, messages: Sequence[Message]) -> Conversation:
        """Make a conversation."""
        return cls(messages=list(messages))

    def __iter__(self) -> Any:
        """Iterate over the messages."""
        return iter(self.messages)

    def to_dict(self) -> dict[str, Any]:
        """Return the conversation in the JSON form."""
        return {"messages": [message.to_dict() for message in self.messages]}

    def to_json(self) -> str:
        """The JSON form as text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, payload: str) -> Conversation:
        """Read a conversation from its JSON form.

        Raises:
            ValueError: the text is not JSON, or has an unknown role or an unknown `type` of content.
            KeyError: the messages, a role or a content is missing.
        """
        return cls(messages=[Message.from_dict(message) for message in json.loads(payload)["messages"]])


class RenderConversationConfig(BaseModel):
    """Options to render a conversation: whether the analysis of completed turns is dropped."""

    auto_drop_analysis: bool = True


class RenderOptions(BaseModel):
    """Options to render one message, which does not show whether its conversation offers functions."""

    conversation_has_function_tools: bool = False
