"""The JSON of Chat Completions, as far as the adapters write it. They read more: unknown keys are kept or reported."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class FunctionCall(TypedDict, total=False):
    """The function that a call names; the arguments are JSON text."""

    name: str
    arguments: str


class CustomCall(TypedDict, total=False):
    """The custom tool that a call names; the input is any text."""

    name: str
    input: str


class ToolCall(TypedDict, total=False):
    """A call in a message, or a part of one in a chunk, where `index` is its number in the message."""

    index: int
    id: str
    type: Literal["function", "custom"]
    function: FunctionCall
    custom: CustomCall


class ChatMessage(TypedDict, total=False):
    """A message, or the part of one in a chunk, whose texts are appended. `reasoning` is an extension of servers."""

    role: str
    content: str | list[dict[str, Any]] | None
    name: str
    reasoning: str
    refusal: str | None
    tool_calls: list[ToolCall]
    tool_call_id: str


class TokenDetails(TypedDict):
    """Which of the tokens of a completion are content on the channel of thoughts, and which are not content."""

    reasoning_tokens: int
    header_tokens: int


class Usage(TypedDict):
    """Counts of tokens. Those of a completion include headers and special tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: TokenDetails


class Choice(TypedDict):
    """One of the answers of a response."""

    index: int
    message: ChatMessage
    finish_reason: str


class ChatCompletion(TypedDict):
    """A whole response."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: NotRequired[Usage]


class ChunkChoice(TypedDict):
    """What a chunk adds to one of the answers."""

    index: int
    delta: ChatMessage
    finish_reason: str | None


class ChatChunk(TypedDict):
    """A part of a streamed response. The one with the usage has no choices."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: NotRequired[Usage]


class SideText(TypedDict):
    """A text in a side record: where it belongs, and the texts on the other side that it consists of.

    Attributes:
        path: the steps to the text, in the value that has it.
        form: "text"; "value" for JSON text that was an object; "input" for JSON text of an object with one text.
        parts: for each text of the other side its place, and its start and end there; None for the whole text.
    """

    path: list[str | int]
    form: str
    parts: list[tuple[Any, int | None, int | None]]


class Kept(TypedDict):
    """One value of a side record: a message without the texts that the other side has, and where those are."""

    value: dict[str, Any]
    texts: list[SideText]


class Side(TypedDict):
    """What one form of a conversation has and the other cannot hold: a JSON value to keep beside the messages.

    Attributes:
        digest: of the headers of the messages that this record belongs to.
        chat: the messages of Chat Completions, or how many there are.
        messages: the messages of the format, or how many there are.
    """

    digest: str
    chat: list[Kept] | int
    messages: list[Kept] | int
