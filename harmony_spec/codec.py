"""The codec of harmony.lark: message type, strict parser, renderer.

Generated from browser.tools.json, contents.lark, conversation.toml, diagnostics.toml, harmony.lark,
namespace.schema.json, python.tools.json, recovery.toml, styles.toml, vocabulary.toml by `harmony-spec generate`. Do
not edit; edit the grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from harmony_spec import runtime

runtime.require_api(9, 1)

__all__ = [
    "CONVERSATION_SCHEMA",
    "EXAMPLE",
    "SPECIAL_TOKENS",
    "STOP_TOKENS",
    "ChannelConfig",
    "DeveloperContent",
    "Message",
    "Namespace",
    "ResponseFormat",
    "Role",
    "StreamParser",
    "SystemContent",
    "Tool",
    "browser_tools",
    "count_tokens",
    "decode",
    "drop_analysis",
    "encode",
    "from_json",
    "parse",
    "python_tools",
    "recover",
    "render",
    "render_text",
    "render_training",
    "to_json",
    "validate",
]

_NAMED = {
    "<|startoftext|>": 199998,
    "<|endoftext|>": 199999,
    "<|return|>": 200002,
    "<|constrain|>": 200003,
    "<|channel|>": 200005,
    "<|start|>": 200006,
    "<|end|>": 200007,
    "<|message|>": 200008,
    "<|call|>": 200012,
}

_RESERVED = sorted({*range(200000, 201088)} - {*_NAMED.values()})
SPECIAL_TOKENS: dict[str, int] = _NAMED | {"<|reserved_" + str(number) + "|>": number for number in _RESERVED}
"""Special tokens and their ids."""

_ENCODING = runtime.Encoding(
    name="o200k_harmony",
    size=201088,
    base="o200k_base",
    base_size=199998,
    sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    split=(
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        "\\p{N}{1,3}",
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*",
        "\\s*[\\r\\n]+",
        "\\s+(?!\\S)",
        "\\s+",
    ),
    special=SPECIAL_TOKENS,
    unassigned=frozenset(_RESERVED),
)

STOP_TOKENS: dict[str, tuple[int, ...]] = {"message": (200002, 200007, 200012), "assistant_actions": (200002, 200012)}
"""The ids of the special tokens that end a message; under other names, those at which sampling stops."""

EXAMPLE = "<|start|>user<|message|>What is 2 + 2?<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>"
"""A transcript to try things on."""

Role = Literal["system", "developer", "user", "assistant", "tool"]

Dimension = Literal["array"]

Basic = Literal["string", "number", "boolean", "null", "any", "never", "integer", "object", "array"]

Effort = Literal["low", "medium", "high"]


@dataclass(eq=False, repr=False, slots=True)
class SystemContent(runtime.Record):
    """The settings of a conversation.

    Attributes:
        model_identity: Who the model is.
        knowledge_cutoff: The end of the model's training data, usually a year and a month.
        conversation_start_date: The date of the conversation.
        reasoning_effort: How long the model thinks before it answers.
        tools: The namespaces of the built-in tools.
        channel_config: The channels of the conversation.
    """

    model_identity: str | None = "You are ChatGPT, a large language model trained by OpenAI."
    knowledge_cutoff: str | None = "2024-06"
    conversation_start_date: runtime.date | str | None = None
    reasoning_effort: Effort | None = "medium"
    tools: list[Namespace] = field(default_factory=list)
    channel_config: ChannelConfig | None = field(
        default_factory=lambda: ChannelConfig(
            valid_channels=["analysis", "commentary", "final"],
            channel_required=True,
        ),
    )

    def __post_init__(self) -> None:
        self.conversation_start_date = runtime.to_date(self.conversation_start_date)


@dataclass(eq=False, repr=False, slots=True)
class ChannelConfig(runtime.Record):
    """The channels, and what must go to which channel.

    Attributes:
        valid_channels: The channels that messages may have.
        channel_required: Whether every message must have a channel.
        function_calls: Whether calls of the developer's functions must go to their channel. If it is None, the
            conversation decides: the line is written if there are functions.
    """

    valid_channels: list[str] = field(default_factory=list)
    channel_required: bool = False
    function_calls: bool | None = None


@dataclass(eq=False, repr=False, slots=True)
class DeveloperContent(runtime.Record):
    """Instructions, tools and response formats of the developer.

    Attributes:
        instructions: The instructions for the model, often called the system prompt.
        tools: The namespaces of the functions that the developer offers.
        response_formats: The formats that the developer may request for a final answer.
    """

    instructions: str | None = None
    tools: list[Namespace] = field(default_factory=list)
    response_formats: list[ResponseFormat] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Namespace(runtime.Record):
    """Tools with a common prefix. The description is written as comments before the tools; without tools, as plain
    text.

    Attributes:
        name: The first part of the full names of its tools; if it has no tools, the name of the tool itself.
        description: The purpose of the tools.
        tools: The functions in the namespace; empty if the namespace is one tool itself.
    """

    name: str
    description: str | None = None
    tools: list[Tool] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Tool(runtime.Record):
    """A function that the model may call.

    Attributes:
        name: The name of the function, without its namespace.
        description: What the function does.
        parameters: The arguments of the function, as the JSON Schema of an object; None without arguments.
    """

    name: str
    description: str | None = None
    parameters: runtime.JsonSchema | None = None


@dataclass(eq=False, repr=False, slots=True)
class Parameters(runtime.Part):
    """The arguments of a function: none, or one object. Types that refer to themselves follow it. A type that cannot
    be read stays text.
    """

    type: Any = None
    definitions: list[Definition] = field(default_factory=list)
    type_text: str | None = None


@dataclass(eq=False, repr=False, slots=True)
class Definition(runtime.Part):
    """A type with a name."""

    named: str
    type: Any


@dataclass(eq=False, repr=False, slots=True)
class ResponseFormat(runtime.Record):
    """A format of a final answer.

    Attributes:
        name: The name of the format.
        schema: The JSON Schema of the answer.
        description: The purpose of the format.
    """

    name: str
    schema: dict[str, Any] | bool
    description: str | None = None


@dataclass(eq=False, repr=False, slots=True)
class OneOf(runtime.Part):
    """Alternatives, exactly one of which applies. Each is on its own line, followed by its comment."""

    variants: list[Variant] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Variant(runtime.Part):
    """One alternative on its own line, followed by its comment and its default. The peer writes a `oneOf` in a `oneOf`
    on the lines after an empty alternative.
    """

    alternative: Any = None
    remark: str | None = None
    default: str | None = None
    dimensions: list[Dimension] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Union(runtime.Part):
    """Alternatives on one line. Any of them may apply."""

    intersections: list[Any] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Intersection(runtime.Part):
    """Types that all apply. It binds more tightly than alternatives."""

    arrays: list[Any] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Array(runtime.Part):
    """Arrays of a type, nested once for each dimension. It binds most tightly."""

    element: Any
    dimensions: list[Dimension] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Annotated(runtime.Part):
    """A type with the comments before it."""

    primary: Any
    title: str | None = None
    about: str | None = None
    examples: list[Any] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Group(runtime.Part):
    """A type in brackets, with the comments on the whole type."""

    type: Any
    title: str | None = None
    about: str | None = None
    examples: list[Any] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Annotation(runtime.Part):
    """A keyword that no type expresses, and its value. Keywords that JSON Schema does not have are in quotes, so that
    a description such as `@x {}` is not read as one.
    """

    json: Any
    keyword: str | None = None
    other_keyword: str | None = None


@dataclass(eq=False, repr=False, slots=True)
class ObjectType(runtime.Part):
    """An object and its properties."""

    members: list[Member] = field(default_factory=list)
    index: Any = None
    run_ons: list[RunOn] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Member(runtime.Part):
    """A property. Its comments are above it, its default after it. The template writes a comma after the default, and
    the alternatives of `oneOf` without an indent. The peer writes nothing for a `oneOf` without alternatives.
    """

    title: str | None = None
    summary: str | None = None
    examples: list[Any] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    identifier: str | None = None
    json_string: Any = None
    bare_key: str | None = None
    optional: bool = False
    value: Any = None
    inline_remark: str | None = None
    inline_default: str | None = None
    dimensions: list[Dimension] = field(default_factory=list)
    inlines: list[Inline] = field(default_factory=list)
    bare_default: str | None = None
    default: str | None = None
    comma: bool = False
    one_of: OneOf | None = None


@dataclass(eq=False, repr=False, slots=True)
class RunOn(runtime.Part):
    """A property of an inner object, without comments."""

    value: Any
    identifier: str | None = None
    json_string: Any = None
    bare_key: str | None = None
    optional: bool = False
    inline_remark: str | None = None
    inline_default: str | None = None
    dimensions: list[Dimension] = field(default_factory=list)
    inlines: list[Inline] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Inline(runtime.Part):
    """One of the alternatives of `oneOf` after the first one, followed by its comment and its default."""

    union: Any
    inline_remark: str | None = None
    inline_default: str | None = None
    dimensions: list[Dimension] = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class TupleType(runtime.Part):
    """An array whose first items have separate types."""

    places: list[Any] = field(default_factory=list)
    rest: Any = None


@dataclass(eq=False, repr=False, slots=True)
class AnyArray(runtime.Part):
    """An array of any values."""


@dataclass(eq=False, repr=False, slots=True)
class LiteralType(runtime.Part):
    """A single value as a type."""

    json_scalar: Any


@dataclass(eq=False, repr=False, slots=True)
class Reference(runtime.Part):
    """A type with the name of a definition."""

    named: str


@dataclass(eq=False, repr=False, slots=True)
class BasicType(runtime.Part):
    """A type that has a name in every schema."""

    basic: Basic


@dataclass(repr=False, slots=True)
class Message:
    """One message.

    Source: guide, "Message format".

    Attributes:
        role: The role of the author: the authority of the message, and its kind of content.
        content: The text of the message: anything except special tokens.
        name: The name of the author: the full name of a tool, or a name that distinguishes several authors with one
            role.
        recipient: The recipient of the message: the full name of a tool in a call, a role in the answer of a tool.
        channel: The channel: for whom the message is visible.
        constrain: Whether the sampling of the content was constrained to the content type.
        content_type: The type of the content: `json`, `code`.
        variants: The named alternatives of the grammar that the message was read from; not compared.
        repair: How the recovering parser repaired the message; not compared.
        tokens: The token ids that the message was read from; not compared.
    """

    role: Role
    content: str | DeveloperContent | SystemContent
    name: str | None = None
    recipient: str | None = None
    channel: str | None = None
    constrain: bool = False
    content_type: str | None = None
    variants: tuple[str, ...] = field(default=(), compare=False, repr=False)
    repair: runtime.Repair | None = field(default=None, compare=False, repr=False)
    tokens: runtime.MessageTokens | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The content as text, without parts that other messages decide, such as the line about function calls."""
        return self.content if isinstance(self.content, str) else self.content.text()

    def __repr__(self) -> str:
        return runtime.short_repr(self)

    def to_json(self) -> dict[str, Any]:
        """Convert the message to its JSON form. Raises the same exceptions as the function `to_json`."""
        return _json().message_to_json(self)

    @classmethod
    def from_json(cls, value: object) -> Message:
        """Read a message in its JSON form. Raises `ConversationError`."""
        message: Message = _json().message_from_json(value)
        return message


# Patterns. Surrogates stand for special tokens, so text never matches one.

# \ud800 <|start|>
# \ud801 <|channel|>
# \ud802 <|constrain|>
# \ud803 <|message|>
# \ud804 <|end|>
# \ud805 <|call|>
# \ud806 <|return|>

# ROLE: "system" | "developer" | "user" | "assistant"
_TERMINAL_ROLE = "(?:system|developer|user|assistant)"

# WORD: /[^\s<]+/
_TERMINAL_WORD = r"[^\s<\ud800-\udfff]+"

# TYPE: /[A-Za-z0-9][A-Za-z0-9_+\/-]*/
_TERMINAL_TYPE = r"[A-Za-z0-9][A-Za-z0-9_\+/\-]*"

# TEXT: /(?: (?! <\|(?: startoftext | endoftext | return | constrain | channel | start | end | message | call
#                    | reserved_(?: 20000[0149] | 2000(?: 1[01] | 1[3-9] | [2-9][0-9] ) | 200[1-9][0-9][0-9]
#                                 | 2010(?: [0-7][0-9] | 8[0-7] ) ) )\|> ) (?s:.) )+/x
_TERMINAL_TEXT = r"(?:[^\ud800-\udfff])+"

# name: WORD
_RULE_name = "(?P<name>" + _TERMINAL_WORD + ")"

# author: ROLE (":" name)?
#       | name -> tool
_RULE_author = "(?:(?P<role>" + _TERMINAL_ROLE + ")(?::" + _RULE_name + ")?|" + _RULE_name + "(?P<role_IS_tool>))"

# opening: START author
_RULE_opening = r"\ud800" + _RULE_author

# recipient: " to=" WORD
_RULE_recipient = " to=(?P<recipient>" + _TERMINAL_WORD + ")"

# channel: CHANNEL WORD
_RULE_channel = r"\ud801(?P<channel>" + _TERMINAL_WORD + ")"

# constrain: CONSTRAIN
_RULE_constrain = r"\ud802"

# content_type: TYPE
_RULE_content_type = "(?P<content_type>" + _TERMINAL_TYPE + ")"

# type: " " constrain? content_type
#      | constrain content_type -> unspaced
_RULE_type = (
    "(?: (?:(?P<constrain_IS_>"
    + _RULE_constrain
    + "))?"
    + _RULE_content_type
    + "|(?P<constrain_IS_>"
    + _RULE_constrain
    + ")"
    + _RULE_content_type
    + "(?P<_IS_unspaced>))"
)

# header: recipient? channel? type?
#       | channel recipient type? -> recipient_last
_RULE_header = (
    "(?:(?:"
    + _RULE_recipient
    + ")?(?:"
    + _RULE_channel
    + ")?(?:"
    + _RULE_type
    + ")?|"
    + _RULE_channel
    + _RULE_recipient
    + "(?:"
    + _RULE_type
    + ")?(?P<_IS_recipient_last>))"
)

# content: TEXT?
_RULE_content = r"(?P<content>[^\ud800-\udfff]*)"

# terminator: END
#           | CALL -> call
#           | RETURN -> return
_RULE_terminator = r"(?:\ud804|\ud805(?P<_IS_call>)|\ud806(?P<_IS_return>))"

# message: opening header MESSAGE content terminator
_RULE_message = _RULE_opening + _RULE_header + r"\ud803" + _RULE_content + _RULE_terminator

# unfinished: opening header MESSAGE content
_RULE_unfinished = _RULE_opening + _RULE_header + r"\ud803" + _RULE_content

# continuation: header MESSAGE content terminator
_RULE_continuation = _RULE_header + r"\ud803" + _RULE_content + _RULE_terminator

# remainder: header MESSAGE content
_RULE_remainder = _RULE_header + r"\ud803" + _RULE_content


# Writers: the same rules from the other side.


# name: WORD
def _write_name(m: Message, chosen: runtime.Chosen) -> str:
    return str(m.name)


# author: ROLE (":" name)?
#       | name -> tool
def _write_author(m: Message, chosen: runtime.Chosen) -> str:
    fits_0 = m.role in ("system", "developer", "user", "assistant")
    fits_1 = m.role == "tool" and m.name is not None
    branch = runtime.pick("author", chosen, {"": fits_0, "tool": fits_1})
    if branch == "tool":
        return _write_name(m, chosen)
    text = str(m.role)
    if m.name is not None:
        text += ":" + _write_name(m, chosen)
    return text


# opening: START author
def _write_opening(m: Message, chosen: runtime.Chosen) -> str:
    return "\ud800" + _write_author(m, chosen)


# recipient: " to=" WORD
def _write_recipient(m: Message, chosen: runtime.Chosen) -> str:
    return " to=" + str(m.recipient)


# channel: CHANNEL WORD
def _write_channel(m: Message, chosen: runtime.Chosen) -> str:
    return "\ud801" + str(m.channel)


# content_type: TYPE
def _write_content_type(m: Message, chosen: runtime.Chosen) -> str:
    return str(m.content_type)


# type: " " constrain? content_type
#      | constrain content_type -> unspaced
def _write_type(m: Message, chosen: runtime.Chosen) -> str:
    fits_0 = m.content_type is not None
    fits_1 = m.constrain and m.content_type is not None
    branch = runtime.pick("type", chosen, {"": fits_0, "unspaced": fits_1})
    if branch == "unspaced":
        return "\ud802" + _write_content_type(m, chosen)
    text = " "
    if m.constrain:
        text += "\ud802"
    return text + _write_content_type(m, chosen)


# header: recipient? channel? type?
#       | channel recipient type? -> recipient_last
def _write_header(m: Message, chosen: runtime.Chosen) -> str:
    fits_0 = True
    fits_1 = m.channel is not None and m.recipient is not None
    branch = runtime.pick("header", chosen, {"": fits_0, "recipient_last": fits_1})
    if branch == "recipient_last":
        text = _write_channel(m, chosen) + _write_recipient(m, chosen)
        if m.content_type is not None:
            text += _write_type(m, chosen)
        return text
    text = ""
    if m.recipient is not None:
        text += _write_recipient(m, chosen)
    if m.channel is not None:
        text += _write_channel(m, chosen)
    if m.content_type is not None:
        text += _write_type(m, chosen)
    return text


# terminator: END
#           | CALL -> call
#           | RETURN -> return
def _write_terminator(m: Message, chosen: runtime.Chosen) -> str:
    branch = runtime.pick("terminator", chosen, {"": True, "call": True, "return": True})
    if branch == "return":
        return "\ud806"
    if branch == "call":
        return "\ud805"
    return "\ud804"


# message: opening header MESSAGE content terminator
def _write_message(m: Message, chosen: runtime.Chosen) -> str:
    return _write_opening(m, chosen) + _write_header(m, chosen) + "\ud803" + runtime.HOLE + _write_terminator(m, chosen)


# unfinished: opening header MESSAGE content
def _write_unfinished(m: Message, chosen: runtime.Chosen) -> str:
    return _write_opening(m, chosen) + _write_header(m, chosen) + "\ud803" + runtime.HOLE


# continuation: header MESSAGE content terminator
def _write_continuation(m: Message, chosen: runtime.Chosen) -> str:
    return _write_header(m, chosen) + "\ud803" + runtime.HOLE + _write_terminator(m, chosen)


# remainder: header MESSAGE content
def _write_remainder(m: Message, chosen: runtime.Chosen) -> str:
    return _write_header(m, chosen) + "\ud803" + runtime.HOLE


# Algebra: the same rules for engines that constrain a model.


def _algebra() -> dict[str, runtime.algebra.Node]:
    # ROLE: "system" | "developer" | "user" | "assistant"
    text_of_ROLE = runtime.algebra.AlternativesNode(
        (
            runtime.algebra.LiteralNode("system"),
            runtime.algebra.LiteralNode("developer"),
            runtime.algebra.LiteralNode("user"),
            runtime.algebra.LiteralNode("assistant"),
        ),
    )

    # WORD: /[^\s<]+/
    text_of_WORD = runtime.algebra.RepeatNode(
        runtime.algebra.CharacterNode(
            (
                (0, 8),
                (14, 27),
                (33, 59),
                (61, 132),
                (134, 159),
                (161, 5759),
                (5761, 8191),
                (8203, 8231),
                (8234, 8238),
                (8240, 8286),
                (8288, 12287),
                (12289, 55295),
                (57344, 1114111),
            ),
        ),
        1,
        None,
    )

    # TYPE: /[A-Za-z0-9][A-Za-z0-9_+\/-]*/
    text_of_TYPE = runtime.algebra.SequenceNode(
        (
            runtime.algebra.CharacterNode(((48, 57), (65, 90), (97, 122))),
            runtime.algebra.RepeatNode(
                runtime.algebra.CharacterNode(((43, 43), (45, 45), (47, 57), (65, 90), (95, 95), (97, 122))),
                0,
                None,
            ),
        ),
    )

    # TEXT: /(?: (?! <\|(?: startoftext | endoftext | return | constrain | channel | start | end | message | call
    #                    | reserved_(?: 20000[0149] | 2000(?: 1[01] | 1[3-9] | [2-9][0-9] ) | 200[1-9][0-9][0-9]
    #                                 | 2010(?: [0-7][0-9] | 8[0-7] ) ) )\|> ) (?s:.) )+/x
    text_of_TEXT = runtime.algebra.TextNode()

    # name: WORD
    rule_of_name = runtime.algebra.FieldNode("name", text_of_WORD)

    # author: ROLE (":" name)?
    #       | name -> tool
    rule_of_author = runtime.algebra.ChoiceNode(
        (
            runtime.algebra.Way(
                None,
                (),
                runtime.algebra.SequenceNode(
                    (
                        runtime.algebra.FieldNode("role", text_of_ROLE),
                        runtime.algebra.OptionalNode(
                            runtime.algebra.SequenceNode((runtime.algebra.LiteralNode(":"), rule_of_name)),
                        ),
                    ),
                ),
            ),
            runtime.algebra.Way("tool", (("role", "tool"),), rule_of_name),
        ),
    )

    # opening: START author
    rule_of_opening = runtime.algebra.SequenceNode((runtime.algebra.TokenNode("<|start|>"), rule_of_author))

    # recipient: " to=" WORD
    rule_of_recipient = runtime.algebra.SequenceNode(
        (runtime.algebra.LiteralNode(" to="), runtime.algebra.FieldNode("recipient", text_of_WORD)),
    )

    # channel: CHANNEL WORD
    rule_of_channel = runtime.algebra.SequenceNode(
        (runtime.algebra.TokenNode("<|channel|>"), runtime.algebra.FieldNode("channel", text_of_WORD)),
    )

    # constrain: CONSTRAIN
    rule_of_constrain = runtime.algebra.TokenNode("<|constrain|>")

    # content_type: TYPE
    rule_of_content_type = runtime.algebra.FieldNode("content_type", text_of_TYPE)

    # type: " " constrain? content_type
    #      | constrain content_type -> unspaced
    rule_of_type = runtime.algebra.ChoiceNode(
        (
            runtime.algebra.Way(
                None,
                (),
                runtime.algebra.SequenceNode(
                    (
                        runtime.algebra.LiteralNode(" "),
                        runtime.algebra.OptionalNode(runtime.algebra.FlagNode("constrain", rule_of_constrain)),
                        rule_of_content_type,
                    ),
                ),
            ),
            runtime.algebra.Way(
                "unspaced",
                (),
                runtime.algebra.SequenceNode(
                    (runtime.algebra.FlagNode("constrain", rule_of_constrain), rule_of_content_type),
                ),
            ),
        ),
    )

    # header: recipient? channel? type?
    #       | channel recipient type? -> recipient_last
    rule_of_header = runtime.algebra.ChoiceNode(
        (
            runtime.algebra.Way(
                None,
                (),
                runtime.algebra.SequenceNode(
                    (
                        runtime.algebra.OptionalNode(rule_of_recipient),
                        runtime.algebra.OptionalNode(rule_of_channel),
                        runtime.algebra.OptionalNode(rule_of_type),
                    ),
                ),
            ),
            runtime.algebra.Way(
                "recipient_last",
                (),
                runtime.algebra.SequenceNode(
                    (rule_of_channel, rule_of_recipient, runtime.algebra.OptionalNode(rule_of_type)),
                ),
            ),
        ),
    )

    # content: TEXT?
    rule_of_content = runtime.algebra.OptionalNode(runtime.algebra.FieldNode("content", text_of_TEXT))

    # terminator: END
    #           | CALL -> call
    #           | RETURN -> return
    rule_of_terminator = runtime.algebra.ChoiceNode(
        (
            runtime.algebra.Way(None, (), runtime.algebra.TokenNode("<|end|>")),
            runtime.algebra.Way("call", (), runtime.algebra.TokenNode("<|call|>")),
            runtime.algebra.Way("return", (), runtime.algebra.TokenNode("<|return|>")),
        ),
    )

    # message: opening header MESSAGE content terminator
    rule_of_message = runtime.algebra.SequenceNode(
        (
            rule_of_opening,
            rule_of_header,
            runtime.algebra.TokenNode("<|message|>"),
            rule_of_content,
            rule_of_terminator,
        ),
    )

    # unfinished: opening header MESSAGE content
    rule_of_unfinished = runtime.algebra.SequenceNode(
        (rule_of_opening, rule_of_header, runtime.algebra.TokenNode("<|message|>"), rule_of_content),
    )

    # continuation: header MESSAGE content terminator
    rule_of_continuation = runtime.algebra.SequenceNode(
        (rule_of_header, runtime.algebra.TokenNode("<|message|>"), rule_of_content, rule_of_terminator),
    )

    # remainder: header MESSAGE content
    rule_of_remainder = runtime.algebra.SequenceNode(
        (rule_of_header, runtime.algebra.TokenNode("<|message|>"), rule_of_content),
    )

    return {
        "message": rule_of_message,
        "opening": rule_of_opening,
        "continuation": rule_of_continuation,
        "unfinished": rule_of_unfinished,
        "remainder": rule_of_remainder,
    }


# States: what may come next.

_NEXT_START = runtime.Atom("<|start|>", special="<|start|>")
_NEXT_role = runtime.Atom("role", pattern=_TERMINAL_ROLE, values=("system", "developer", "user", "assistant"))
_NEXT_name = runtime.Atom("name", pattern=_TERMINAL_WORD)
_NEXT_TEXT = runtime.Atom("':'", text=":")
_NEXT_TEXT_1 = runtime.Atom("' to='", text=" to=")
_NEXT_CHANNEL = runtime.Atom("<|channel|>", special="<|channel|>")
_NEXT_TEXT_2 = runtime.Atom("' '", text=" ")
_NEXT_CONSTRAIN = runtime.Atom("<|constrain|>", special="<|constrain|>")
_NEXT_MESSAGE = runtime.Atom("<|message|>", special="<|message|>")
_NEXT_recipient = runtime.Atom("recipient", pattern=_TERMINAL_WORD)
_NEXT_channel = runtime.Atom("channel", pattern=_TERMINAL_WORD)
_NEXT_content_type = runtime.Atom("content_type", pattern=_TERMINAL_TYPE)
_NEXT_content = runtime.Atom("content", pattern=_TERMINAL_TEXT, nullable=True)
_NEXT_END = runtime.Atom("<|end|>", special="<|end|>")
_NEXT_CALL = runtime.Atom("<|call|>", special="<|call|>")
_NEXT_RETURN = runtime.Atom("<|return|>", special="<|return|>")

# message: opening header MESSAGE content terminator
_FRAME_message = runtime.Frame(
    name="message",
    pattern=_RULE_message,
    fields=("role", "name", "recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>", "<|start|>"),
    opens=("<|message|>",),
    continues=(),
    closes=("<|return|>", "<|end|>", "<|call|>"),
    trails=(),
    stops=("<|return|>", "<|end|>", "<|call|>"),
    closed=True,
    ends_with_text=False,
    headless=False,
    bare=True,
    steps=(
        ((_NEXT_START, 1),),
        ((_NEXT_role, 2), (_NEXT_name, 5)),
        (
            (_NEXT_TEXT, 3),
            (_NEXT_TEXT_1, 6),
            (_NEXT_CHANNEL, 8),
            (_NEXT_TEXT_2, 10),
            (_NEXT_CONSTRAIN, 13),
            (_NEXT_CHANNEL, 15),
            (_NEXT_MESSAGE, 24),
        ),
        ((_NEXT_name, 4),),
        (
            (_NEXT_TEXT_1, 6),
            (_NEXT_CHANNEL, 8),
            (_NEXT_TEXT_2, 10),
            (_NEXT_CONSTRAIN, 13),
            (_NEXT_CHANNEL, 15),
            (_NEXT_MESSAGE, 24),
        ),
        (
            (_NEXT_TEXT_1, 6),
            (_NEXT_CHANNEL, 8),
            (_NEXT_TEXT_2, 10),
            (_NEXT_CONSTRAIN, 13),
            (_NEXT_CHANNEL, 15),
            (_NEXT_MESSAGE, 24),
        ),
        ((_NEXT_recipient, 7),),
        ((_NEXT_CHANNEL, 8), (_NEXT_TEXT_2, 10), (_NEXT_CONSTRAIN, 13), (_NEXT_MESSAGE, 24)),
        ((_NEXT_channel, 9),),
        ((_NEXT_TEXT_2, 10), (_NEXT_CONSTRAIN, 13), (_NEXT_MESSAGE, 24)),
        ((_NEXT_CONSTRAIN, 11), (_NEXT_content_type, 12)),
        ((_NEXT_content_type, 12),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_content_type, 14),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_channel, 16),),
        ((_NEXT_TEXT_1, 17),),
        ((_NEXT_recipient, 18),),
        ((_NEXT_TEXT_2, 19), (_NEXT_CONSTRAIN, 22), (_NEXT_MESSAGE, 24)),
        ((_NEXT_CONSTRAIN, 20), (_NEXT_content_type, 21)),
        ((_NEXT_content_type, 21),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_content_type, 23),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_content, 25),),
        ((_NEXT_END, 26), (_NEXT_CALL, 27), (_NEXT_RETURN, 28)),
        (),
        (),
        (),
    ),
    final=frozenset({26, 27, 28}),
    write=_write_message,
    algebra=lambda: _algebra()["message"],
)

# opening: START author
_FRAME_opening = runtime.Frame(
    name="opening",
    pattern=_RULE_opening,
    fields=("role", "name"),
    has_content=False,
    inside=("<|start|>",),
    opens=(),
    continues=(),
    closes=(),
    trails=(),
    stops=(),
    closed=True,
    ends_with_text=False,
    headless=False,
    bare=False,
    steps=(((_NEXT_START, 1),), ((_NEXT_role, 2), (_NEXT_name, 5)), ((_NEXT_TEXT, 3),), ((_NEXT_name, 4),), (), ()),
    final=frozenset({2, 4, 5}),
    write=_write_opening,
    algebra=lambda: _algebra()["opening"],
)

# continuation: header MESSAGE content terminator
_FRAME_continuation = runtime.Frame(
    name="continuation",
    pattern=_RULE_continuation,
    fields=("recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>"),
    opens=("<|message|>",),
    continues=(),
    closes=("<|return|>", "<|end|>", "<|call|>"),
    trails=(),
    stops=("<|return|>", "<|end|>", "<|call|>"),
    closed=True,
    ends_with_text=False,
    headless=False,
    bare=True,
    steps=(
        (
            (_NEXT_TEXT_1, 1),
            (_NEXT_CHANNEL, 3),
            (_NEXT_TEXT_2, 5),
            (_NEXT_CONSTRAIN, 8),
            (_NEXT_CHANNEL, 10),
            (_NEXT_MESSAGE, 19),
        ),
        ((_NEXT_recipient, 2),),
        ((_NEXT_CHANNEL, 3), (_NEXT_TEXT_2, 5), (_NEXT_CONSTRAIN, 8), (_NEXT_MESSAGE, 19)),
        ((_NEXT_channel, 4),),
        ((_NEXT_TEXT_2, 5), (_NEXT_CONSTRAIN, 8), (_NEXT_MESSAGE, 19)),
        ((_NEXT_CONSTRAIN, 6), (_NEXT_content_type, 7)),
        ((_NEXT_content_type, 7),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_content_type, 9),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_channel, 11),),
        ((_NEXT_TEXT_1, 12),),
        ((_NEXT_recipient, 13),),
        ((_NEXT_TEXT_2, 14), (_NEXT_CONSTRAIN, 17), (_NEXT_MESSAGE, 19)),
        ((_NEXT_CONSTRAIN, 15), (_NEXT_content_type, 16)),
        ((_NEXT_content_type, 16),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_content_type, 18),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_content, 20),),
        ((_NEXT_END, 21), (_NEXT_CALL, 22), (_NEXT_RETURN, 23)),
        (),
        (),
        (),
    ),
    final=frozenset({21, 22, 23}),
    write=_write_continuation,
    algebra=lambda: _algebra()["continuation"],
)

# unfinished: opening header MESSAGE content
_FRAME_unfinished = runtime.Frame(
    name="unfinished",
    pattern=_RULE_unfinished,
    fields=("role", "name", "recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>", "<|start|>"),
    opens=("<|message|>",),
    continues=(),
    closes=(),
    trails=(),
    stops=(),
    closed=False,
    ends_with_text=False,
    headless=False,
    bare=True,
    steps=(
        ((_NEXT_START, 1),),
        ((_NEXT_role, 2), (_NEXT_name, 5)),
        (
            (_NEXT_TEXT, 3),
            (_NEXT_TEXT_1, 6),
            (_NEXT_CHANNEL, 8),
            (_NEXT_TEXT_2, 10),
            (_NEXT_CONSTRAIN, 13),
            (_NEXT_CHANNEL, 15),
            (_NEXT_MESSAGE, 24),
        ),
        ((_NEXT_name, 4),),
        (
            (_NEXT_TEXT_1, 6),
            (_NEXT_CHANNEL, 8),
            (_NEXT_TEXT_2, 10),
            (_NEXT_CONSTRAIN, 13),
            (_NEXT_CHANNEL, 15),
            (_NEXT_MESSAGE, 24),
        ),
        (
            (_NEXT_TEXT_1, 6),
            (_NEXT_CHANNEL, 8),
            (_NEXT_TEXT_2, 10),
            (_NEXT_CONSTRAIN, 13),
            (_NEXT_CHANNEL, 15),
            (_NEXT_MESSAGE, 24),
        ),
        ((_NEXT_recipient, 7),),
        ((_NEXT_CHANNEL, 8), (_NEXT_TEXT_2, 10), (_NEXT_CONSTRAIN, 13), (_NEXT_MESSAGE, 24)),
        ((_NEXT_channel, 9),),
        ((_NEXT_TEXT_2, 10), (_NEXT_CONSTRAIN, 13), (_NEXT_MESSAGE, 24)),
        ((_NEXT_CONSTRAIN, 11), (_NEXT_content_type, 12)),
        ((_NEXT_content_type, 12),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_content_type, 14),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_channel, 16),),
        ((_NEXT_TEXT_1, 17),),
        ((_NEXT_recipient, 18),),
        ((_NEXT_TEXT_2, 19), (_NEXT_CONSTRAIN, 22), (_NEXT_MESSAGE, 24)),
        ((_NEXT_CONSTRAIN, 20), (_NEXT_content_type, 21)),
        ((_NEXT_content_type, 21),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_content_type, 23),),
        ((_NEXT_MESSAGE, 24),),
        ((_NEXT_content, 25),),
        (),
    ),
    final=frozenset({25}),
    write=_write_unfinished,
    algebra=lambda: _algebra()["unfinished"],
)

# remainder: header MESSAGE content
_FRAME_remainder = runtime.Frame(
    name="remainder",
    pattern=_RULE_remainder,
    fields=("recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>"),
    opens=("<|message|>",),
    continues=(),
    closes=(),
    trails=(),
    stops=(),
    closed=False,
    ends_with_text=False,
    headless=False,
    bare=True,
    steps=(
        (
            (_NEXT_TEXT_1, 1),
            (_NEXT_CHANNEL, 3),
            (_NEXT_TEXT_2, 5),
            (_NEXT_CONSTRAIN, 8),
            (_NEXT_CHANNEL, 10),
            (_NEXT_MESSAGE, 19),
        ),
        ((_NEXT_recipient, 2),),
        ((_NEXT_CHANNEL, 3), (_NEXT_TEXT_2, 5), (_NEXT_CONSTRAIN, 8), (_NEXT_MESSAGE, 19)),
        ((_NEXT_channel, 4),),
        ((_NEXT_TEXT_2, 5), (_NEXT_CONSTRAIN, 8), (_NEXT_MESSAGE, 19)),
        ((_NEXT_CONSTRAIN, 6), (_NEXT_content_type, 7)),
        ((_NEXT_content_type, 7),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_content_type, 9),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_channel, 11),),
        ((_NEXT_TEXT_1, 12),),
        ((_NEXT_recipient, 13),),
        ((_NEXT_TEXT_2, 14), (_NEXT_CONSTRAIN, 17), (_NEXT_MESSAGE, 19)),
        ((_NEXT_CONSTRAIN, 15), (_NEXT_content_type, 16)),
        ((_NEXT_content_type, 16),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_content_type, 18),),
        ((_NEXT_MESSAGE, 19),),
        ((_NEXT_content, 20),),
        (),
    ),
    final=frozenset({20}),
    write=_write_remainder,
    algebra=lambda: _algebra()["remainder"],
)

# transcript: message*
# prompt: message* opening
# completion: continuation message* unfinished?
#           | remainder -> unfinished_only
_STARTS = {
    "transcript": (runtime.Path(None, ((_FRAME_message, "*"),)),),
    "prompt": (runtime.Path(None, ((_FRAME_message, "*"), (_FRAME_opening, ""))),),
    "completion": (
        runtime.Path(None, ((_FRAME_continuation, ""), (_FRAME_message, "*"), (_FRAME_unfinished, "?"))),
        runtime.Path("unfinished_only", ((_FRAME_remainder, ""),)),
    ),
}

_DEFINITIONS = runtime.Definitions(
    functions="functions",
    namespace=runtime.Definition(Namespace, {"name": "name", "description": "description", "tools": "tools"}),
    tool=runtime.Definition(Tool, {"name": "name", "description": "description", "parameters": "parameters"}),
    answer=runtime.Definition(ResponseFormat, {"name": "name", "schema": "schema"}),
    holders=(("developer", "tools"), ("system", "tools")),
)

FUNCTION_NAMESPACE = "functions"
"""The namespace of the tools that a developer offers."""


# Contents: their terminals, and their rules as a table.

_CONTENT_TERMINALS = {
    # EFFORT: "low" | "medium" | "high"
    "EFFORT": "(?:low|medium|high)",
    # LINE: /[^\n]+/
    "LINE": r"[^\n\ud800-\udfff]+",
    # DATE: /[^\n]+/
    "DATE": r"[^\n\ud800-\udfff]+",
    # IDENTITY: /(?!Knowledge cutoff: |Current date: |Reasoning: |# Tools(?![^\n])|# Valid channels: )(?:(?!\nKnowledge cutoff: |\nCurrent date: |\n\nReasoning: |\n\n# Tools(?![^\n])|\n\n# Valid channels: )(?s:.))+/
    "IDENTITY": r"(?!(?:Knowledge cutoff: |Current date: |Reasoning: |# Tools(?![^\n\ud800-\udfff])|# Valid channels: ))(?:(?!(?:\nKnowledge cutoff: |\nCurrent date: |\n\nReasoning: |\n\n# Tools(?![^\n\ud800-\udfff])|\n\n# Valid channels: ))[^\ud800-\udfff])+",
    # CHANNEL_NAME: /[^\s<,.]+/
    "CHANNEL_NAME": r"[^\s<,\.\ud800-\udfff]+",
    # INSTRUCTIONS: /(?:(?!\n\n(?:\n\n)?(?!(?s:.))|\n\n# Tools(?:\n\n## [^\s]+\n(?:\n(?!\n|(?:\/\/ [^\n]*\n)*namespace )(?:(?!\n\n#)(?s:.))+)?)*\n\n## (?:[^\s]+\n\n(?:\/\/ [^\n]*\n)*namespace |[^\n]+\n\n(?:\/\/ [^\n]*\n(?:(?!\/\/ |## |namespace )[^\n]*\n)*)?(?:\/\/ [^\n]*\n)*namespace [^\n]+ \{\n\n)|\n\n# Response Formats\n\n## )(?s:.))+(?:|\n\n(?:\n\n)?)|\n\n(?![^\n])|\n\n\n\n/
    "INSTRUCTIONS": r"(?:(?:(?!(?:\n\n(?:\n\n)?(?![^\ud800-\udfff])|\n\n# Tools(?:\n\n## [^\s\ud800-\udfff]+\n(?:\n(?!(?:\n|(?:// [^\n\ud800-\udfff]*\n)*namespace ))(?:(?!\n\n#)[^\ud800-\udfff])+)?)*\n\n## (?:[^\s\ud800-\udfff]+\n\n(?:// [^\n\ud800-\udfff]*\n)*namespace |[^\n\ud800-\udfff]+\n\n(?:// [^\n\ud800-\udfff]*\n(?:(?!(?:// |## |namespace ))[^\n\ud800-\udfff]*\n)*)?(?:// [^\n\ud800-\udfff]*\n)*namespace [^\n\ud800-\udfff]+ \{\n\n)|\n\n# Response Formats\n\n## ))[^\ud800-\udfff])+(?:|\n\n(?:\n\n)?)|\n\n(?![^\n\ud800-\udfff])|\n\n\n\n)",
    # DESCRIPTION: /(?!\n|(?:\/\/ [^\n]*\n)*namespace )(?:(?!\n\n#)(?s:.))+/
    "DESCRIPTION": r"(?!(?:\n|(?:// [^\n\ud800-\udfff]*\n)*namespace ))(?:(?!\n\n#)[^\ud800-\udfff])+",
    # NAME: /[A-Za-z0-9_$.:\/@+-]+(?![^ \n]| (?!= |\{\n))/
    "NAME": r"[A-Za-z0-9_\$\.:/@\+\-]+(?!(?:[^\ \n\ud800-\udfff]| (?!(?:= |\{\n))))",
    # FREE_NAME: /(?!(?: = | \{(?![^\n])|\n))[^\n](?:(?! = | \{(?![^\n]))[^\n])*/
    "FREE_NAME": r"(?!(?: = | \{(?![^\n\ud800-\udfff])|\n))[^\n\ud800-\udfff](?:(?!(?: = | \{(?![^\n\ud800-\udfff])))[^\n\ud800-\udfff])*",
    # COMMENT: (LINE | UNMARKED_COMMENT) UNMARKED_COMMENT*
    "COMMENT": '(?:[^\\n\\ud800-\\udfff]+|(?!\\n(?:// |type [^\\n\\ud800-\\udfff]+ = |[^\\n\\ud800-\\udfff]*\\) => any;\\n|namespace [^\\n\\ud800-\\udfff]+ \\{|## [^\\s\\ud800-\\udfff]+\\n\\n(?:// |namespace )|["\\{\\[0-9tfn\\-][^\\n\\ud800-\\udfff]*(?:\\n\\n## [^\\n\\ud800-\\udfff]*\\n\\n|(?![^\\ud800-\\udfff]))))\\n[^\\n\\ud800-\\udfff]*)(?:(?!\\n(?:// |type [^\\n\\ud800-\\udfff]+ = |[^\\n\\ud800-\\udfff]*\\) => any;\\n|namespace [^\\n\\ud800-\\udfff]+ \\{|## [^\\s\\ud800-\\udfff]+\\n\\n(?:// |namespace )|["\\{\\[0-9tfn\\-][^\\n\\ud800-\\udfff]*(?:\\n\\n## [^\\n\\ud800-\\udfff]*\\n\\n|(?![^\\ud800-\\udfff]))))\\n[^\\n\\ud800-\\udfff]*)*',
    # UNMARKED_COMMENT: /(?!\n(?:\/\/ |type [^\n]+ = |[^\n]*\) => any;\n|namespace [^\n]+ \{|## [^\s]+\n\n(?:\/\/ |namespace )|["{\[0-9tfn-][^\n]*(?:\n\n## [^\n]*\n\n|(?!(?s:.)))))\n[^\n]*/
    "UNMARKED_COMMENT": '(?!\\n(?:// |type [^\\n\\ud800-\\udfff]+ = |[^\\n\\ud800-\\udfff]*\\) => any;\\n|namespace [^\\n\\ud800-\\udfff]+ \\{|## [^\\s\\ud800-\\udfff]+\\n\\n(?:// |namespace )|["\\{\\[0-9tfn\\-][^\\n\\ud800-\\udfff]*(?:\\n\\n## [^\\n\\ud800-\\udfff]*\\n\\n|(?![^\\ud800-\\udfff]))))\\n[^\\n\\ud800-\\udfff]*',
    # TEXT: /(?!Examples:(?![^\n]|\n(?! *\/\/ - ))|default: (?![^\n]*\n(?![^\n]*:\n))|@(?:allOf|anyOf|oneOf|not|if|then|else|enum|const|type|format|pattern|title|description|default|examples?|deprecated|readOnly|writeOnly|nullable|discriminator|xml|externalDocs|multipleOf|(?:exclusive)?(?:Maximum|Minimum|maximum|minimum)|(?:max|min)(?:Length|Items|Contains|Properties)|uniqueItems|contains|items|additionalItems|prefixItems|unevaluated(?:Items|Properties)|required|dependent(?:Required|Schemas)|dependencies|properties|patternProperties|additionalProperties|propertyNames|content(?:Encoding|MediaType|Schema)|definitions|id|[$][^\s"]+|x-[^\s"]+|"[^\s"]+") (?:"[^\n]*"|\[[^\n]*\]|\{(?:"[^\n]*)?\}|-?[0-9][0-9.eE+-]*|true|false|null)(?![^\n]))[^\n]+/
    "TEXT": '(?!(?:Examples:(?!(?:[^\\n\\ud800-\\udfff]|\\n(?! *// \\- )))|default: (?![^\\n\\ud800-\\udfff]*\\n(?![^\\n\\ud800-\\udfff]*:\\n))|@(?:allOf|anyOf|oneOf|not|if|then|else|enum|const|type|format|pattern|title|description|default|examples?|deprecated|readOnly|writeOnly|nullable|discriminator|xml|externalDocs|multipleOf|(?:exclusive)?(?:Maximum|Minimum|maximum|minimum)|(?:max|min)(?:Length|Items|Contains|Properties)|uniqueItems|contains|items|additionalItems|prefixItems|unevaluated(?:Items|Properties)|required|dependent(?:Required|Schemas)|dependencies|properties|patternProperties|additionalProperties|propertyNames|content(?:Encoding|MediaType|Schema)|definitions|id|[\\$][^\\s"\\ud800-\\udfff]+|x\\-[^\\s"\\ud800-\\udfff]+|"[^\\s"\\ud800-\\udfff]+") (?:"[^\\n\\ud800-\\udfff]*"|\\[[^\\n\\ud800-\\udfff]*\\]|\\{(?:"[^\\n\\ud800-\\udfff]*)?\\}|\\-?[0-9][0-9\\.eE\\+\\-]*|true|false|null)(?![^\\n\\ud800-\\udfff])))[^\\n\\ud800-\\udfff]+',
    # ABOUT: TEXT UNMARKED_BEFORE_BRACE? | UNMARKED_BEFORE_BRACE
    "ABOUT": '(?:(?!(?:Examples:(?!(?:[^\\n\\ud800-\\udfff]|\\n(?! *// \\- )))|default: (?![^\\n\\ud800-\\udfff]*\\n(?![^\\n\\ud800-\\udfff]*:\\n))|@(?:allOf|anyOf|oneOf|not|if|then|else|enum|const|type|format|pattern|title|description|default|examples?|deprecated|readOnly|writeOnly|nullable|discriminator|xml|externalDocs|multipleOf|(?:exclusive)?(?:Maximum|Minimum|maximum|minimum)|(?:max|min)(?:Length|Items|Contains|Properties)|uniqueItems|contains|items|additionalItems|prefixItems|unevaluated(?:Items|Properties)|required|dependent(?:Required|Schemas)|dependencies|properties|patternProperties|additionalProperties|propertyNames|content(?:Encoding|MediaType|Schema)|definitions|id|[\\$][^\\s"\\ud800-\\udfff]+|x\\-[^\\s"\\ud800-\\udfff]+|"[^\\s"\\ud800-\\udfff]+") (?:"[^\\n\\ud800-\\udfff]*"|\\[[^\\n\\ud800-\\udfff]*\\]|\\{(?:"[^\\n\\ud800-\\udfff]*)?\\}|\\-?[0-9][0-9\\.eE\\+\\-]*|true|false|null)(?![^\\n\\ud800-\\udfff])))[^\\n\\ud800-\\udfff]+(?:(?:\\n(?! *[\\|\\{\\}/])(?![^\\n\\ud800-\\udfff]*(?://|[,;\\{\\(\\|\\&]\\n))[^\\n\\ud800-\\udfff]*)+(?!(?!\\n\\{)))?|(?:\\n(?! *[\\|\\{\\}/])(?![^\\n\\ud800-\\udfff]*(?://|[,;\\{\\(\\|\\&]\\n))[^\\n\\ud800-\\udfff]*)+(?!(?!\\n\\{)))',
    # UNMARKED_BEFORE_BRACE: /(?:\n(?! *[|{}\/])(?![^\n]*(?:\/\/|[,;{(|&]\n))[^\n]*)+(?!(?!\n\{))/
    "UNMARKED_BEFORE_BRACE": r"(?:\n(?! *[\|\{\}/])(?![^\n\ud800-\udfff]*(?://|[,;\{\(\|\&]\n))[^\n\ud800-\udfff]*)+(?!(?!\n\{))",
    # SUMMARY: (TEXT | UNMARKED_LINE) UNMARKED_LINE*
    "SUMMARY": '(?:(?!(?:Examples:(?!(?:[^\\n\\ud800-\\udfff]|\\n(?! *// \\- )))|default: (?![^\\n\\ud800-\\udfff]*\\n(?![^\\n\\ud800-\\udfff]*:\\n))|@(?:allOf|anyOf|oneOf|not|if|then|else|enum|const|type|format|pattern|title|description|default|examples?|deprecated|readOnly|writeOnly|nullable|discriminator|xml|externalDocs|multipleOf|(?:exclusive)?(?:Maximum|Minimum|maximum|minimum)|(?:max|min)(?:Length|Items|Contains|Properties)|uniqueItems|contains|items|additionalItems|prefixItems|unevaluated(?:Items|Properties)|required|dependent(?:Required|Schemas)|dependencies|properties|patternProperties|additionalProperties|propertyNames|content(?:Encoding|MediaType|Schema)|definitions|id|[\\$][^\\s"\\ud800-\\udfff]+|x\\-[^\\s"\\ud800-\\udfff]+|"[^\\s"\\ud800-\\udfff]+") (?:"[^\\n\\ud800-\\udfff]*"|\\[[^\\n\\ud800-\\udfff]*\\]|\\{(?:"[^\\n\\ud800-\\udfff]*)?\\}|\\-?[0-9][0-9\\.eE\\+\\-]*|true|false|null)(?![^\\n\\ud800-\\udfff])))[^\\n\\ud800-\\udfff]+|(?!(?:\\n *(?! )(?://|\\}|[\\w\\$]+\\??: (?:[\\w\\[\\]]+|"[^"\\n\\ud800-\\udfff]*"(?: \\| "[^"\\n\\ud800-\\udfff]*")*),(?:\\n| // )|[^\\n\\ud800-\\udfff]*\\( {4,}// |(?:(?:[^\\n:\\ud800-\\udfff]|:(?! )))*: [^\\n\\ud800-\\udfff]* {4,4}// )|\\n[^\\n\\ud800-\\udfff]*:\\n *[\\|,]))(?!(?!(?!\\n[^\\n\\ud800-\\udfff]*: ))\\n[^\\n\\ud800-\\udfff]*(?:(?:[,\\{\\(]| \\| |: )\\n|, // default: |: +// |[^\\s:\\ud800-\\udfff]// ))\\n[^\\n\\ud800-\\udfff]*)(?:(?!(?:\\n *(?! )(?://|\\}|[\\w\\$]+\\??: (?:[\\w\\[\\]]+|"[^"\\n\\ud800-\\udfff]*"(?: \\| "[^"\\n\\ud800-\\udfff]*")*),(?:\\n| // )|[^\\n\\ud800-\\udfff]*\\( {4,}// |(?:(?:[^\\n:\\ud800-\\udfff]|:(?! )))*: [^\\n\\ud800-\\udfff]* {4,4}// )|\\n[^\\n\\ud800-\\udfff]*:\\n *[\\|,]))(?!(?!(?!\\n[^\\n\\ud800-\\udfff]*: ))\\n[^\\n\\ud800-\\udfff]*(?:(?:[,\\{\\(]| \\| |: )\\n|, // default: |: +// |[^\\s:\\ud800-\\udfff]// ))\\n[^\\n\\ud800-\\udfff]*)*',
    # UNMARKED_LINE: /(?!\n *(?! )(?:\/\/|\}|[\w$]+\??: (?:[\w\[\]]+|"[^"\n]*"(?: \| "[^"\n]*")*),(?:\n| \/\/ )|[^\n]*\( {4,}\/\/ |(?:[^\n:]|:(?! ))*: [^\n]* {4}\/\/ )|\n[^\n]*:\n *[|,])(?!(?!(?!\n[^\n]*: ))\n[^\n]*(?:(?:[,{(]| \| |: )\n|, \/\/ default: |: +\/\/ |[^\s:]\/\/ ))\n[^\n]*/
    "UNMARKED_LINE": '(?!(?:\\n *(?! )(?://|\\}|[\\w\\$]+\\??: (?:[\\w\\[\\]]+|"[^"\\n\\ud800-\\udfff]*"(?: \\| "[^"\\n\\ud800-\\udfff]*")*),(?:\\n| // )|[^\\n\\ud800-\\udfff]*\\( {4,}// |(?:(?:[^\\n:\\ud800-\\udfff]|:(?! )))*: [^\\n\\ud800-\\udfff]* {4,4}// )|\\n[^\\n\\ud800-\\udfff]*:\\n *[\\|,]))(?!(?!(?!\\n[^\\n\\ud800-\\udfff]*: ))\\n[^\\n\\ud800-\\udfff]*(?:(?:[,\\{\\(]| \\| |: )\\n|, // default: |: +// |[^\\s:\\ud800-\\udfff]// ))\\n[^\\n\\ud800-\\udfff]*',
    # REMARK: /(?!default: )(?:(?! default: |(?:\[\]){1,64}(?:(?:\n *)?,\n|, \/\/ default: |(?!(?s:.))))[^\n]|\n(?! *(?:\||,\n)))+/
    "REMARK": r"(?!default: )(?:(?:(?!(?: default: |(?:\[\]){1,64}(?:(?:\n *)?,\n|, // default: |(?![^\ud800-\udfff]))))[^\n\ud800-\udfff]|\n(?! *(?:\||,\n))))+",
    # DEFAULT: /"(?:[^\n"]|"(?!(?:\[\])*,?(?:(?![^\n])| \/\/ default: )))*(?:\n(?:[^\n"]|"(?!(?:\[\])*,?(?:(?![^\n])| \/\/ default: )))*)+"|(?!,\n)[^\n](?:(?!(?:\[\]){1,64}(?:(?:\n *)?,\n|, \/\/ default: ))[^\n,])*(?:(?!,\n),(?:(?!(?:\[\]){1,64}(?:(?:\n *)?,\n|, \/\/ default: ))[^\n,])*)*/
    "DEFAULT": '(?:"(?:(?:[^\\n"\\ud800-\\udfff]|"(?!(?:\\[\\])*,?(?:(?![^\\n\\ud800-\\udfff])| // default: ))))*(?:\\n(?:(?:[^\\n"\\ud800-\\udfff]|"(?!(?:\\[\\])*,?(?:(?![^\\n\\ud800-\\udfff])| // default: ))))*)+"|(?!,\\n)[^\\n\\ud800-\\udfff](?:(?!(?:\\[\\]){1,64}(?:(?:\\n *)?,\\n|, // default: ))[^\\n,\\ud800-\\udfff])*(?:(?!,\\n),(?:(?!(?:\\[\\]){1,64}(?:(?:\\n *)?,\\n|, // default: ))[^\\n,\\ud800-\\udfff])*)*)',
    # INLINE_REMARK: /(?!default: )(?:(?! \| \n|(?:\[\]){1,64}(?: \| \n|,\n|, \/\/ default: |, [^\n,:]+: \n|\}|\/\/ default: )| {20}\/\/ default: |\/\/ default: |,\n|, [^\n,:]+: \n|\}(?:,\n|, \/\/ default: |\}|\[| \| \n|, [^\n,:]+: \n))(?s:.))+/
    "INLINE_REMARK": r"(?!default: )(?:(?!(?: \| \n|(?:\[\]){1,64}(?: \| \n|,\n|, // default: |, [^\n,:\ud800-\udfff]+: \n|\}|// default: )| {20,20}// default: |// default: |,\n|, [^\n,:\ud800-\udfff]+: \n|\}(?:,\n|, // default: |\}|\[| \| \n|, [^\n,:\ud800-\udfff]+: \n)))[^\ud800-\udfff])+",
    # INLINE_DEFAULT: /\{(?:[^\n{}"]|"(?:[^"\\\n]|\\[^\n])*")*\}|[^\n](?:(?! \| \n|(?:\[\]){1,64}(?: \| \n|,\n|, \/\/ default: |, [^\n,:]+: \n|\}|\/\/ default: )|\/\/ default: |,\n|, [^\n,:]+: \n|\}(?:,\n|, \/\/ default: |\}|\[| \| \n|, [^\n,:]+: \n))[^\n])*/
    "INLINE_DEFAULT": '(?:\\{(?:(?:[^\\n\\{\\}"\\ud800-\\udfff]|"(?:(?:[^"\\\\\\n\\ud800-\\udfff]|\\\\[^\\n\\ud800-\\udfff]))*"))*\\}|[^\\n\\ud800-\\udfff](?:(?!(?: \\| \\n|(?:\\[\\]){1,64}(?: \\| \\n|,\\n|, // default: |, [^\\n,:\\ud800-\\udfff]+: \\n|\\}|// default: )|// default: |,\\n|, [^\\n,:\\ud800-\\udfff]+: \\n|\\}(?:,\\n|, // default: |\\}|\\[| \\| \\n|, [^\\n,:\\ud800-\\udfff]+: \\n)))[^\\n\\ud800-\\udfff])*)',
    # BARE_DEFAULT: /(?:(?!,\n)[^\n])+/
    "BARE_DEFAULT": r"(?:(?!,\n)[^\n\ud800-\udfff])+",
    # KEYWORD: /(?:allOf|anyOf|oneOf|not|if|then|else|enum|const|type|format|pattern|title|description|default|examples?|deprecated|readOnly|writeOnly|nullable|discriminator|xml|externalDocs|multipleOf|(?:exclusive)?(?:Maximum|Minimum|maximum|minimum)|(?:max|min)(?:Length|Items|Contains|Properties)|uniqueItems|contains|items|additionalItems|prefixItems|unevaluated(?:Items|Properties)|required|dependent(?:Required|Schemas)|dependencies|properties|patternProperties|additionalProperties|propertyNames|content(?:Encoding|MediaType|Schema)|definitions|id|[$][^\s"]+|x-[^\s"]+)(?![^\s])/
    "KEYWORD": '(?:allOf|anyOf|oneOf|not|if|then|else|enum|const|type|format|pattern|title|description|default|examples?|deprecated|readOnly|writeOnly|nullable|discriminator|xml|externalDocs|multipleOf|(?:exclusive)?(?:Maximum|Minimum|maximum|minimum)|(?:max|min)(?:Length|Items|Contains|Properties)|uniqueItems|contains|items|additionalItems|prefixItems|unevaluated(?:Items|Properties)|required|dependent(?:Required|Schemas)|dependencies|properties|patternProperties|additionalProperties|propertyNames|content(?:Encoding|MediaType|Schema)|definitions|id|[\\$][^\\s"\\ud800-\\udfff]+|x\\-[^\\s"\\ud800-\\udfff]+)(?![^\\s\\ud800-\\udfff])',
    # OTHER_KEYWORD: /[^\s"]+/
    "OTHER_KEYWORD": '[^\\s"\\ud800-\\udfff]+',
    # IDENTIFIER: /(?:[^\W\d]|\$)[\w$]*(?!\??:[^ \n]|\?[^:]|[^?:])/
    "IDENTIFIER": r"(?:[^\W\d\ud800-\udfff]|\$)[\w\$]*(?!(?:\??:[^\ \n\ud800-\udfff]|\?[^:\ud800-\udfff]|[^\?:\ud800-\udfff]))",
    # NAMED: /(?!(?:string|number|boolean|null|any|never|true|false|integer|object|array)(?![\w$]))[A-Za-z_$][A-Za-z0-9_$]*/
    "NAMED": r"(?!(?:string|number|boolean|null|any|never|true|false|integer|object|array)(?![\w\$]))[A-Za-z_\$][A-Za-z0-9_\$]*",
    # BARE_KEY: /(?![ }\[])(?:(?!\??(?::[ \n]|(?![^\n]))|\/\/)[^\n])+/
    "BARE_KEY": r"(?![\ \}\[])(?:(?!(?:\??(?::[\ \n]|(?![^\n\ud800-\udfff]))|//))[^\n\ud800-\udfff])+",
    # TYPE_TEXT: /\((?:[^)]|\)(?! => any;))*\) => any;/
    "TYPE_TEXT": r"\((?:(?:[^\)\ud800-\udfff]|\)(?! => any;)))*\) => any;",
    # JSON_STRING: /"(?:[^"\\\n]|\\[^\n])*"/
    "JSON_STRING": '"(?:(?:[^"\\\\\\n\\ud800-\\udfff]|\\\\[^\\n\\ud800-\\udfff]))*"',
    # JSON_SCALAR: /"(?:[^"\\\n]|\\[^\n])*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false/
    "JSON_SCALAR": '(?:"(?:(?:[^"\\\\\\n\\ud800-\\udfff]|\\\\[^\\n\\ud800-\\udfff]))*"|\\-?[0-9]+(?:\\.[0-9]+)?(?:[eE][\\+\\-]?[0-9]+)?|true|false)',
    # JSON: /[^\n]+/
    "JSON": r"[^\n\ud800-\udfff]+",
    # JSON_SCHEMA: /\{[^\n]*\}|true|false/
    "JSON_SCHEMA": r"(?:\{[^\n\ud800-\udfff]*\}|true|false)",
    # _INDENT: / +/
    "_INDENT": " +",
    # _MARGIN: /(?: (?![^ ]))+/
    "_MARGIN": r"(?: (?![^\ \ud800-\udfff]))+",
}

_CONTENT_RULES: dict[str, runtime.Rule] = {
    # system: _settings ("\n\n" _from_reasoning)? | _from_reasoning
    #       | "\n" _from_cutoff ("\n\n" _from_reasoning)? -> empty_identity
    #       | _settings "\n\n" (reasoning_effort "\n\n")? "# Tools" ("\n\n" channel_config)? -> empty_tools
    "system": runtime.RecordRule(
        (
            (runtime.Use("_settings"), runtime.Option(("\n\n", runtime.Use("_from_reasoning")))),
            (runtime.Use("_from_reasoning"),),
            ("\n", runtime.Use("_from_cutoff"), runtime.Option(("\n\n", runtime.Use("_from_reasoning")))),
            (
                runtime.Use("_settings"),
                "\n\n",
                runtime.Option((runtime.Value("reasoning_effort"), "\n\n")),
                "# Tools",
                runtime.Option(("\n\n", runtime.Value("channel_config"))),
            ),
        ),
        SystemContent,
        names=("", "", "empty_identity", "empty_tools"),
        absent={"model_identity": None, "knowledge_cutoff": None, "reasoning_effort": None, "channel_config": None},
    ),
    # _settings: model_identity ("\n" _from_cutoff)? | _from_cutoff
    "_settings": runtime.Rule(
        (
            (runtime.Value("model_identity"), runtime.Option(("\n", runtime.Use("_from_cutoff")))),
            (runtime.Use("_from_cutoff"),),
        ),
    ),
    # _from_cutoff: knowledge_cutoff ("\n" conversation_start_date)? | conversation_start_date
    "_from_cutoff": runtime.Rule(
        (
            (runtime.Value("knowledge_cutoff"), runtime.Option(("\n", runtime.Value("conversation_start_date")))),
            (runtime.Value("conversation_start_date"),),
        ),
    ),
    # _from_reasoning: reasoning_effort ("\n\n" _from_tools)? | _from_tools
    "_from_reasoning": runtime.Rule(
        (
            (runtime.Value("reasoning_effort"), runtime.Option(("\n\n", runtime.Use("_from_tools")))),
            (runtime.Use("_from_tools"),),
        ),
    ),
    # _from_tools: tools ("\n\n" channel_config)? | channel_config
    "_from_tools": runtime.Rule(
        (
            (runtime.Value("tools"), runtime.Option(("\n\n", runtime.Value("channel_config")))),
            (runtime.Value("channel_config"),),
        ),
    ),
    # model_identity: IDENTITY
    "model_identity": runtime.Single(((runtime.Token("identity", "IDENTITY"),),), ""),
    # knowledge_cutoff: "Knowledge cutoff: " LINE?
    "knowledge_cutoff": runtime.Single((("Knowledge cutoff: ", runtime.Token("line", "LINE", optional=True)),), ""),
    # conversation_start_date: "Current date: " DATE?
    "conversation_start_date": runtime.Single(
        (("Current date: ", runtime.Token("date", "DATE", optional=True, is_date=True)),),
        "",
    ),
    # reasoning_effort: "Reasoning: " EFFORT
    "reasoning_effort": runtime.Single(
        (("Reasoning: ", runtime.Token("effort", "EFFORT", values=("low", "medium", "high"))),),
        "",
    ),
    # channel_config: "# Valid channels: " valid_channels "." channel_required? function_calls?
    "channel_config": runtime.RecordRule(
        (
            (
                "# Valid channels: ",
                runtime.Value("valid_channels"),
                ".",
                runtime.Flag("channel_required", " Channel must be included for every message."),
                runtime.Flag(
                    "function_calls",
                    "\nCalls to these tools must go to the commentary channel: 'functions'.",
                    decided=True,
                ),
            ),
        ),
        ChannelConfig,
    ),
    # valid_channels: CHANNEL_NAME (", " CHANNEL_NAME)*
    "valid_channels": runtime.Single(
        ((runtime.Many("channel_names", (runtime.Token("channel_name", "CHANNEL_NAME"),), separator=", "),),),
        [],
    ),
    # developer: "# Instructions\n\n" instructions ("\n\n" _sections)? | _sections
    #          | "# Instructions\n\n" INSTRUCTIONS "\n\n" -> closed
    #          | -> nothing
    #          | "# Tools" ("\n\n" response_formats)? -> empty_tools
    "developer": runtime.RecordRule(
        (
            ("# Instructions\n\n", runtime.Value("instructions"), runtime.Option(("\n\n", runtime.Use("_sections")))),
            (runtime.Use("_sections"),),
            ("# Instructions\n\n", runtime.Token("instructions", "INSTRUCTIONS"), "\n\n"),
            (),
            ("# Tools", runtime.Option(("\n\n", runtime.Value("response_formats")))),
        ),
        DeveloperContent,
        names=("", "", "closed", "", "empty_tools"),
    ),
    # _sections: tools ("\n\n" response_formats)? | response_formats
    "_sections": runtime.Rule(
        (
            (runtime.Value("tools"), runtime.Option(("\n\n", runtime.Value("response_formats")))),
            (runtime.Value("response_formats"),),
        ),
    ),
    # instructions: INSTRUCTIONS?
    "instructions": runtime.Single(((runtime.Token("instructions", "INSTRUCTIONS", optional=True),),), ""),
    # tools: "# Tools" ("\n\n" namespace)+
    "tools": runtime.Single((("# Tools", runtime.Many("namespaces", ("\n\n", runtime.Value("namespace")))),), []),
    # namespace: "## " name "\n\n" description? "namespace " name " {\n\n" (tool "\n\n")+ "} // namespace " name
    #          | "## " NAME "\n" ("\n" DESCRIPTION)? -> without_tools
    "namespace": runtime.RecordRule(
        (
            (
                "## ",
                runtime.Value("name"),
                "\n\n",
                runtime.Option((runtime.Value("description"),)),
                "namespace ",
                runtime.Value("name"),
                " {\n\n",
                runtime.Many("tools", (runtime.Value("tool"), "\n\n")),
                "} // namespace ",
                runtime.Value("name"),
            ),
            (
                "## ",
                runtime.Token("name", "NAME"),
                "\n",
                runtime.Option(("\n", runtime.Token("description", "DESCRIPTION"))),
            ),
        ),
        Namespace,
    ),
    # name: NAME
    #     | FREE_NAME -> free_name
    "name": runtime.Single(
        ((runtime.Token("name", "NAME"),), (runtime.Token("name", "FREE_NAME"),)),
        "",
        names=("", "free_name"),
    ),
    # description: ("// " COMMENT? "\n")+
    #            | "// " COMMENT "\n" -> unmarked_lines
    "description": runtime.Lines(
        (
            (runtime.Many("comments", ("// ", runtime.Token("comment", "COMMENT", optional=True), "\n")),),
            ("// ", runtime.Token("comment", "COMMENT"), "\n"),
        ),
        names=("", "unmarked_lines"),
    ),
    # tool: description? "type " name " = " parameters
    "tool": runtime.RecordRule(
        (
            (
                runtime.Option((runtime.Value("description"),)),
                "type ",
                runtime.Value("name"),
                " = ",
                runtime.Value("parameters"),
            ),
        ),
        Tool,
    ),
    # parameters: "(" ("_: " type)? ") => any;" ("\n\n" definition)*
    #           | TYPE_TEXT -> unread
    "parameters": runtime.RecordRule(
        (
            (
                "(",
                runtime.Option(("_: ", runtime.Value("type"))),
                ") => any;",
                runtime.Many("definitions", ("\n\n", runtime.Value("definition")), 0),
            ),
            (runtime.Token("type_text", "TYPE_TEXT"),),
        ),
        Parameters,
        is_schema=True,
    ),
    # definition: "type " NAMED " = " type ";"
    "definition": runtime.RecordRule(
        (("type ", runtime.Token("named", "NAMED", checked=False), " = ", runtime.Value("type"), ";"),),
        Definition,
    ),
    # response_formats: "# Response Formats" ("\n\n" response_format)+
    "response_formats": runtime.Single(
        (("# Response Formats", runtime.Many("response_formats", ("\n\n", runtime.Value("response_format")))),),
        [],
    ),
    # response_format: "## " name "\n\n" description? schema
    "response_format": runtime.RecordRule(
        (
            (
                "## ",
                runtime.Value("name"),
                "\n\n",
                runtime.Option((runtime.Value("description"),)),
                runtime.Value("schema"),
            ),
        ),
        ResponseFormat,
    ),
    # schema: JSON_SCHEMA
    "schema": runtime.Single(((runtime.Json("json_schema", "JSON_SCHEMA"),),), ""),
    # type: one_of | union
    "type": runtime.Choice(((runtime.Value("one_of"),), (runtime.Value("union"),))),
    # one_of: variant+
    "one_of": runtime.RecordRule(((runtime.Many("variants", (runtime.Value("variant"),)),),), OneOf),
    # variant: "\n" _MARGIN? " | " alternative (" //" (" " REMARK)? (" default: " DEFAULT)?)? dimension*
    #        | "\n" _MARGIN? " | " -> nested
    "variant": runtime.RecordRule(
        (
            (
                "\n",
                runtime.Token("", "_MARGIN", optional=True),
                " | ",
                runtime.Value("alternative"),
                runtime.Option(
                    (
                        " //",
                        runtime.Option((" ", runtime.Token("remark", "REMARK", checked=False))),
                        runtime.Option((" default: ", runtime.Token("default", "DEFAULT", checked=False))),
                    ),
                ),
                runtime.Many("dimensions", (runtime.Value("dimension"),), 0),
            ),
            ("\n", runtime.Token("", "_MARGIN", optional=True), " | "),
        ),
        Variant,
    ),
    # alternative: union
    "alternative": runtime.Single(((runtime.Value("union"),),), indent="   "),
    # ?union: intersection (" | " intersection)*
    "union": runtime.RecordRule(
        ((runtime.Many("intersections", (runtime.Value("intersection"),), separator=" | "),),),
        Union,
        core="intersections",
    ),
    # ?intersection: array (" & " array)*
    "intersection": runtime.RecordRule(
        ((runtime.Many("arrays", (runtime.Value("array"),), separator=" & "),),),
        Intersection,
        core="arrays",
    ),
    # ?array: element dimension*
    "array": runtime.RecordRule(
        ((runtime.Value("element"), runtime.Many("dimensions", (runtime.Value("dimension"),), 0)),),
        Array,
        core="element",
    ),
    # dimension: "[]" -> array
    "dimension": runtime.Enumerated({"array": "[]"}),
    # element: annotated | group
    "element": runtime.Choice(((runtime.Value("annotated"),), (runtime.Value("group"),))),
    # ?annotated: _comments primary
    "annotated": runtime.RecordRule(((runtime.Use("_comments"), runtime.Value("primary")),), Annotated, core="primary"),
    # ?group: "(" _comments type ")"
    "group": runtime.RecordRule((("(", runtime.Use("_comments"), runtime.Value("type"), ")"),), Group, core="type"),
    # _comments: title? about? examples? annotation*
    "_comments": runtime.Rule(
        (
            (
                runtime.Option((runtime.Value("title"),)),
                runtime.Option((runtime.Value("about"),)),
                runtime.Option((runtime.Value("examples"),)),
                runtime.Many("annotations", (runtime.Value("annotation"),), 0),
            ),
        ),
    ),
    # title: (_INDENT? "// " LINE? "\n")+ _INDENT? "//\n"
    "title": runtime.Lines(
        (
            (
                runtime.Many(
                    "lines",
                    (
                        runtime.Token("", "_INDENT", optional=True),
                        "// ",
                        runtime.Token("line", "LINE", optional=True),
                        "\n",
                    ),
                ),
                runtime.Token("", "_INDENT", optional=True),
                "//\n",
            ),
        ),
    ),
    # about: (_INDENT? "// " ABOUT? "\n")+
    "about": runtime.Lines(
        (
            (
                runtime.Many(
                    "abouts",
                    (
                        runtime.Token("", "_INDENT", optional=True),
                        "// ",
                        runtime.Token("about", "ABOUT", optional=True, checked=False),
                        "\n",
                    ),
                ),
            ),
        ),
    ),
    # summary: (_INDENT? "// " SUMMARY? "\n")+
    #        | "// " SUMMARY "\n" -> unmarked_lines
    "summary": runtime.Lines(
        (
            (
                runtime.Many(
                    "summaries",
                    (
                        runtime.Token("", "_INDENT", optional=True),
                        "// ",
                        runtime.Token("summary", "SUMMARY", optional=True, checked=False),
                        "\n",
                    ),
                ),
            ),
            ("// ", runtime.Token("summary", "SUMMARY"), "\n"),
        ),
        names=("", "unmarked_lines"),
    ),
    # examples: _INDENT? "// Examples:\n" example+
    "examples": runtime.Single(
        (
            (
                runtime.Token("", "_INDENT", optional=True),
                "// Examples:\n",
                runtime.Many("examples", (runtime.Value("example"),)),
            ),
        ),
        [],
    ),
    # example: _INDENT? "// - " JSON "\n"
    "example": runtime.Single(
        ((runtime.Token("", "_INDENT", optional=True), "// - ", runtime.Json("json", "JSON"), "\n"),),
        "",
    ),
    # annotation: _INDENT? "// @" _keyword " " JSON "\n"
    "annotation": runtime.RecordRule(
        (
            (
                runtime.Token("", "_INDENT", optional=True),
                "// @",
                runtime.Use("_keyword"),
                " ",
                runtime.Json("json", "JSON"),
                "\n",
            ),
        ),
        Annotation,
    ),
    # _keyword: KEYWORD | "\"" OTHER_KEYWORD "\""
    "_keyword": runtime.Rule(
        ((runtime.Token("keyword", "KEYWORD"),), ('"', runtime.Token("other_keyword", "OTHER_KEYWORD"), '"')),
    ),
    # primary: object_type | tuple_type | any_array | literal_type | reference | basic_type
    "primary": runtime.Choice(
        (
            (runtime.Value("object_type"),),
            (runtime.Value("tuple_type"),),
            (runtime.Value("any_array"),),
            (runtime.Value("literal_type"),),
            (runtime.Value("reference"),),
            (runtime.Value("basic_type"),),
        ),
    ),
    # object_type: "{\n" member+ index? _INDENT? "}" | "{\n" index _INDENT? "}" | "{}"
    #            | "{\n" run_on (", " run_on)* "}"
    #            | "{\n" _INDENT? "}" -> empty_object
    "object_type": runtime.RecordRule(
        (
            (
                "{\n",
                runtime.Many("members", (runtime.Value("member"),)),
                runtime.Option((runtime.Value("index"),)),
                runtime.Token("", "_INDENT", optional=True),
                "}",
            ),
            ("{\n", runtime.Value("index"), runtime.Token("", "_INDENT", optional=True), "}"),
            ("{}",),
            ("{\n", runtime.Many("run_ons", (runtime.Value("run_on"),), separator=", "), "}"),
            ("{\n", runtime.Token("", "_INDENT", optional=True), "}"),
        ),
        ObjectType,
        names=("", "", "", "", "empty_object"),
    ),
    # member: _remarks _INDENT? _key optional? ": " value _after _default? "," (" // default: " DEFAULT comma?)? "\n"
    #       | _remarks (_INDENT? "// default: " DEFAULT "\n")? _INDENT? _key optional? ":" one_of "\n" _INDENT? ",\n"
    #       | _remarks (_INDENT? "// default: " DEFAULT "\n")? _INDENT? _key optional? ":\n" _INDENT? ",\n" -> empty_one_of
    "member": runtime.RecordRule(
        (
            (
                runtime.Use("_remarks"),
                runtime.Token("", "_INDENT", optional=True),
                runtime.Use("_key"),
                runtime.Flag("optional", "?"),
                ": ",
                runtime.Value("value"),
                runtime.Use("_after"),
                runtime.Option((runtime.Use("_default"),)),
                ",",
                runtime.Option(
                    (" // default: ", runtime.Token("default", "DEFAULT", checked=False), runtime.Flag("comma", ",")),
                ),
                "\n",
            ),
            (
                runtime.Use("_remarks"),
                runtime.Option(
                    (
                        runtime.Token("", "_INDENT", optional=True),
                        "// default: ",
                        runtime.Token("default", "DEFAULT", checked=False),
                        "\n",
                    ),
                ),
                runtime.Token("", "_INDENT", optional=True),
                runtime.Use("_key"),
                runtime.Flag("optional", "?"),
                ":",
                runtime.Value("one_of"),
                "\n",
                runtime.Token("", "_INDENT", optional=True),
                ",\n",
            ),
            (
                runtime.Use("_remarks"),
                runtime.Option(
                    (
                        runtime.Token("", "_INDENT", optional=True),
                        "// default: ",
                        runtime.Token("default", "DEFAULT", checked=False),
                        "\n",
                    ),
                ),
                runtime.Token("", "_INDENT", optional=True),
                runtime.Use("_key"),
                runtime.Flag("optional", "?"),
                ":\n",
                runtime.Token("", "_INDENT", optional=True),
                ",\n",
            ),
        ),
        Member,
    ),
    # _after: ("// " INLINE_REMARK)? ("                    " "// default: " INLINE_DEFAULT)? dimension* (" | \n" inline)*
    "_after": runtime.Rule(
        (
            (
                runtime.Option(("// ", runtime.Token("inline_remark", "INLINE_REMARK"))),
                runtime.Option(
                    ("                    ", "// default: ", runtime.Token("inline_default", "INLINE_DEFAULT")),
                ),
                runtime.Many("dimensions", (runtime.Value("dimension"),), 0),
                runtime.Many("inlines", (" | \n", runtime.Value("inline")), 0),
            ),
        ),
    ),
    # _default: "// default: " BARE_DEFAULT
    "_default": runtime.Rule((("// default: ", runtime.Token("bare_default", "BARE_DEFAULT")),)),
    # _remarks: title? summary? examples? annotation*
    "_remarks": runtime.Rule(
        (
            (
                runtime.Option((runtime.Value("title"),)),
                runtime.Option((runtime.Value("summary"),)),
                runtime.Option((runtime.Value("examples"),)),
                runtime.Many("annotations", (runtime.Value("annotation"),), 0),
            ),
        ),
    ),
    # _key: IDENTIFIER | JSON_STRING | BARE_KEY
    "_key": runtime.Rule(
        (
            (runtime.Token("identifier", "IDENTIFIER", checked=False),),
            (runtime.Json("json_string", "JSON_STRING"),),
            (runtime.Token("bare_key", "BARE_KEY"),),
        ),
    ),
    # value: type
    "value": runtime.Single(((runtime.Value("type"),),), indent="    "),
    # run_on: _key optional? ": \n                " value _after
    "run_on": runtime.RecordRule(
        (
            (
                runtime.Use("_key"),
                runtime.Flag("optional", "?"),
                ": \n                ",
                runtime.Value("value"),
                runtime.Use("_after"),
            ),
        ),
        RunOn,
    ),
    # inline: union ("// " INLINE_REMARK)? ("                    " "// default: " INLINE_DEFAULT)? dimension*
    "inline": runtime.RecordRule(
        (
            (
                runtime.Value("union"),
                runtime.Option(("// ", runtime.Token("inline_remark", "INLINE_REMARK"))),
                runtime.Option(
                    ("                    ", "// default: ", runtime.Token("inline_default", "INLINE_DEFAULT")),
                ),
                runtime.Many("dimensions", (runtime.Value("dimension"),), 0),
            ),
        ),
        Inline,
    ),
    # index: _INDENT? "[key: string]: " value ",\n"
    "index": runtime.Single(
        ((runtime.Token("", "_INDENT", optional=True), "[key: string]: ", runtime.Value("value"), ",\n"),),
    ),
    # tuple_type: "[" place (", " place)* (", ..." rest)? "]"
    "tuple_type": runtime.RecordRule(
        (
            (
                "[",
                runtime.Many("places", (runtime.Value("place"),), separator=", "),
                runtime.Option((", ...", runtime.Value("rest"))),
                "]",
            ),
        ),
        TupleType,
    ),
    # place: array "?"
    "place": runtime.Single(((runtime.Value("array"), "?"),)),
    # rest: array
    "rest": runtime.Single(((runtime.Value("array"),),)),
    # any_array: "Array<any>"
    "any_array": runtime.RecordRule((("Array<any>",),), AnyArray),
    # literal_type: JSON_SCALAR
    "literal_type": runtime.RecordRule(((runtime.Json("json_scalar", "JSON_SCALAR"),),), LiteralType),
    # reference: NAMED
    "reference": runtime.RecordRule(((runtime.Token("named", "NAMED", checked=False),),), Reference),
    # basic_type: basic
    "basic_type": runtime.RecordRule(((runtime.Value("basic"),),), BasicType),
    # basic: "string" -> string
    #      | "number" -> number
    #      | "boolean" -> boolean
    #      | "null" -> null
    #      | "any" -> any
    #      | "never" -> never
    #      | "integer" -> integer
    #      | "object" -> object
    #      | "array" -> array
    "basic": runtime.Enumerated(
        {
            "string": "string",
            "number": "number",
            "boolean": "boolean",
            "null": "null",
            "any": "any",
            "never": "never",
            "integer": "integer",
            "object": "object",
            "array": "array",
        },
    ),
}

_CONTENTS = runtime.Contents(
    "role",
    runtime.Rules(("developer", "system"), _CONTENT_TERMINALS, _CONTENT_RULES, lambda rules: runtime.Schemas(rules)),
    (runtime.Implied("function_calls", "developer", "tools", _DEFINITIONS),),
)

_RECOVERY = runtime.Recovery(
    begins="<|start|>",
    inside=("<|constrain|>", "<|channel|>"),
    opens=("<|message|>",),
    closes={"<|return|>": "return", "<|end|>": None, "<|call|>": "call"},
    leads={
        "role": ("<|start|>",),
        "name": ("<|start|>", ":"),
        "recipient": (" to=",),
        "channel": ("<|channel|>",),
        "constrain": ("<|constrain|>",),
        "content_type": (" ", "<|constrain|>"),
    },
    free_texts={},
    first_words=3,
    slots=runtime.Slots(
        role="role",
        name="name",
        channel="channel",
        recipient="recipient",
        content_type="content_type",
        constrain="constrain",
    ),
    author={"role": "assistant"},
    tool="tool",
    roles=("system", "developer", "user", "assistant"),
    recipients=(),
    channels=("final", "analysis", "commentary"),
    content_types=("json", "code"),
    json="json",
    word=r"[A-Za-z0-9_\$\.:/@\+\-]+",
    definitions=_DEFINITIONS,
    separator=".",
    answers="final",
    thoughts="analysis",
    calls="commentary",
    ends_calls="call",
    ends_answers="return",
    stops=(200002, 200012),
    declared_tools=("developer.tools",),
    declared_builtin=("system.tools",),
    declared_channels=("system.channel_config.valid_channels",),
    declared_required=("system.channel_config.channel_required",),
    declared_answers=("developer.response_formats",),
    headings={"developer": ("# Tools", "# Response Formats"), "system": ("# Tools", "# Valid channels: ")},
    sets={
        5: (("role", "tool"),),
        11: (("constrain", True),),
        13: (("constrain", True),),
        20: (("constrain", True),),
        22: (("constrain", True),),
    },
    costs={
        "text": 25,
        "no_content": 20,
        "text_for_name": 12,
        "one_word": 15,
        "text_at_name": 20,
        "text_after_name": 25,
        "text_with_lead": 15,
        "text_at_lead": 40,
        "no_channel": 12,
        "order": 5,
        "again": 20,
        "drop_field": 21,
        "drop_name": 23,
        "drop_special": 22,
        "special_in_a_row": 10,
        "words": 20,
        "more_words": 5,
        "name_in_words": 10,
        "most_words": 45,
        "unread_text": 6,
        "space": 4,
        "glued": 3,
        "partial": 3,
        "decorated": 4,
        "joined": 5,
        "near": 10,
        "ratio": 75,
        "width": 8,
        "most": 110,
        "runner_up": 10,
        "margin": 5,
    },
    fields={
        "role": runtime.FieldCosts(
            {"empty": 10, "displaced": 15, "lead": 20, "ratio": 90},
            {
                "near": "misspelt-role",
                "led": "misspelt-role",
                "empty": "missing-role",
                "displaced": "missing-role",
                "dropped": "spliced-header",
                "again": "repeated-start",
            },
        ),
        "name": runtime.FieldCosts({"unknown": 30, "odd": 20, "namespaced": 5, "partial": 25, "lead": 10}, {}),
        "channel": runtime.FieldCosts(
            {
                "empty": 10,
                "displaced": 15,
                "unknown": 15,
                "lead": 14,
                "lead_at_author": 10,
                "lead_again": 25,
                "ratio": 75,
                "beginning": 1,
            },
            {
                "near": "misspelt-channel",
                "led": "misspelt-channel",
                "glued": "misspelt-channel",
                "empty": "empty-channel",
                "bare": "bare-channel",
                "dropped": "channel-as-content-type",
                "extra": "repeated-channel",
                "as_type": "channel-as-content-type",
                "as_role": "channel-as-role",
                "again": "empty-channel",
                "repeated": "repeated-channel",
            },
        ),
        "recipient": runtime.FieldCosts(
            {
                "empty": 15,
                "unknown": 10,
                "odd": 10,
                "lead": 15,
                "lead_at_author": 10,
                "role": 20,
                "answers": 15,
                "of_tool": 15,
                "ratio": 80,
            },
            {
                "near": "misspelt-recipient",
                "glued": "misspelt-recipient",
                "empty": "empty-recipient",
                "bare": "bare-recipient",
                "led": "bare-recipient",
                "as_role": "tool-as-role",
                "as_channel": "tool-as-channel",
                "repeated": "repeated-recipient",
            },
        ),
        "content_type": runtime.FieldCosts(
            {"empty": 15, "lead": 5, "ratio": 90},
            {
                "near": "misspelt-content-type",
                "led": "misspelt-content-type",
                "glued": "misspelt-content-type",
                "empty": "empty-content-type",
                "repeated": "repeated-content-type",
                "extra": "repeated-content-type",
                "spaced": "spaced-content-type",
                "unread": "unknown-content-type",
            },
        ),
        "constrain": runtime.FieldCosts({}, {"again": "repeated-constrain"}),
    },
    edits={
        "near": ("misplaced-part", "the only known name near it"),
        "glued": ("misplaced-part", "no space between two parts"),
        "empty": ("misplaced-part", "no name comes after what introduces it"),
        "displaced": ("unread-header-text", "other words come in its place"),
        "bare": ("misplaced-part", "a known name, but nothing introduces it"),
        "led": ("misplaced-part", "nearly the text that introduces it, or the name of its field, is before it"),
        "order": ("misplaced-part", "the grammar has it elsewhere"),
        "dropped": ("unread-header-text", "left out: no field takes this name"),
        "extra": ("unread-header-text", "left out: another one is kept"),
        "repeated": ("misplaced-part", "left out: another one is kept"),
        "again": ("stray-special-token", "left out: a special token too many"),
        "spaced": ("misplaced-part", "white space before the name"),
        "unread": ("unread-header-text", "left out: not a known name"),
        "spliced": ("spliced-header", "the beginning of another header inside of this one"),
        "as_role": ("misplaced-part", "a known name in place of the author"),
        "as_channel": ("misplaced-part", "a known name in place of the channel"),
        "as_type": ("misplaced-part", "a known name in place of the content type"),
        "is_role": ("recipient-is-role", "a role is not a tool"),
        "answered": ("unread-header-text", "left out: an answer begins after it"),
    },
    own_codes=(),
)

FORMAT = runtime.Format(
    encoding=_ENCODING,
    special_text=r"<\|(?:c(?:all\|>|hannel\|>|onstrain\|>)|end(?:oftext\|>|\|>)|message\|>|re(?:served_20(?:0(?:0(?:0[0149]\|>|1[013456789]\|>|[23456789][0123456789]\|>)|[123456789][0123456789][0123456789]\|>)|10(?:[01234567][0123456789]\|>|8[01234567]\|>))|turn\|>)|start(?:oftext\|>|\|>))",
    special_ends=("<|", "|>"),
    markers={
        "<|start|>": "\ud800",
        "<|channel|>": "\ud801",
        "<|constrain|>": "\ud802",
        "<|message|>": "\ud803",
        "<|end|>": "\ud804",
        "<|call|>": "\ud805",
        "<|return|>": "\ud806",
    },
    message=Message,
    fields=("role", "content", "name", "recipient", "channel", "constrain", "content_type"),
    content_at=1,
    contents=_CONTENTS,
    defaults={"role": None, "name": None, "recipient": None, "channel": None, "constrain": False, "content_type": None},
    patterns={
        "name": (_TERMINAL_WORD, "WORD: /[^\\s<]+/"),
        "recipient": (_TERMINAL_WORD, "WORD: /[^\\s<]+/"),
        "channel": (_TERMINAL_WORD, "WORD: /[^\\s<]+/"),
        "content_type": (_TERMINAL_TYPE, "TYPE: /[A-Za-z0-9][A-Za-z0-9_+\\/-]*/"),
    },
    starts=_STARTS,
    styles={
        "openai": (),
        "model": (runtime.Choose("recipient_last", (("role", "assistant"),)),),
        "template": (runtime.Choose("closed", ()), runtime.Choose("unmarked_lines", (("role", "developer"),))),
    },
    default_style="openai",
    as_parsed="as_parsed",
    always=(runtime.Choose("call", (("role", "assistant"), ("recipient", True))),),
    training=(runtime.Choose("return", (("role", "assistant"), ("channel", "final"))),),
    opening=(("role", "assistant"),),
    drops={"drop_analysis": runtime.Drop((("channel", "analysis"),), (("role", "assistant"), ("channel", "final")))},
    turn=(
        runtime.Kind("system", (("role", "system"),), (), None, None, ("developer", "user")),
        runtime.Kind("developer", (("role", "developer"),), (), None, None, ("user",)),
        runtime.Kind("user", (("role", "user"),), (), None, None, ("user", "thoughts", "preamble", "call", "answer")),
        runtime.Kind(
            "result",
            (("role", "tool"),),
            (("recipient", "assistant"),),
            None,
            None,
            ("result", "thoughts", "preamble", "call", "answer"),
        ),
        runtime.Kind(
            "call",
            (("role", "assistant"), ("recipient", True)),
            (("channel", "commentary"),),
            "call",
            "call",
            ("call", "result"),
        ),
        runtime.Kind(
            "thoughts",
            (("role", "assistant"), ("channel", "analysis")),
            (),
            None,
            None,
            ("thoughts", "preamble", "call", "answer"),
        ),
        runtime.Kind("answer", (("role", "assistant"), ("channel", "final")), (), None, "return", ("user",)),
        runtime.Kind(
            "preamble",
            (("role", "assistant"),),
            (("channel", "commentary"),),
            None,
            None,
            ("call", "answer"),
        ),
    ),
    definitions=_DEFINITIONS,
    recovery=_RECOVERY,
)
"""The tables of this format."""

Start = Literal["transcript", "prompt", "completion"]
Style = Literal["openai", "model", "template", "as_parsed"]


def parse(
    source: str | Sequence[int],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    tokenizer: runtime.Tokenizer | None = None,
) -> runtime.Parsed[Message]:
    """Read messages strictly: whatever the grammar does not describe is an error.

    Args:
        source: text with special tokens spelled out, or token ids.
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        runtime.ParseError: the source is not what the grammar describes.
        ValueError: `start` is unknown.
        ValueError: no open header has this `role` or `name`.
    """
    return runtime.parse(FORMAT, source, start, runtime.opened(FORMAT, {"role": role, "name": name}), tokenizer)


@runtime.refuses_training
def render(
    messages: Sequence[Message],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    style: Style = "openai",
    tokenizer: runtime.Tokenizer | None = None,
) -> list[int]:
    """Write messages as token ids.

    Args:
        messages: the messages to write.
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        runtime.RenderError: the format cannot express a message.
        ValueError: `start` or `style` is unknown.
    """
    return runtime.render(FORMAT, messages, start, {"role": role, "name": name}, style, tokenizer)


@runtime.refuses_training
def render_text(
    messages: Sequence[Message],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    style: Style = "openai",
) -> str:
    """Write messages as text, special tokens spelled out.

    Args:
        messages: the messages to write.
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.

    Raises:
        runtime.RenderError: as for `render`, or a content spells a special token, which as text would become one.
        ValueError: `start` or `style` is unknown.
    """
    return runtime.render_text(FORMAT, messages, start, {"role": role, "name": name}, style)


@runtime.refuses_training
def count_tokens(
    messages: Sequence[Message],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    style: Style = "openai",
    tokenizer: runtime.Tokenizer | None = None,
) -> int:
    """Count the token ids that `render` returns.

    Args:
        messages: the messages to write.
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        runtime.RenderError: as for `render`.
        ValueError: `start` or `style` is unknown.
    """
    return runtime.count_tokens(FORMAT, messages, start, {"role": role, "name": name}, style, tokenizer)


def render_training(
    messages: Sequence[Message],
    train: Literal["last_turn", "assistant"] | Callable[[Message, runtime.TrainingPart], bool] = "last_turn",
    *,
    style: Style = "openai",
    tokenizer: runtime.Tokenizer | None = None,
) -> runtime.Training:
    """Write a transcript to train on as token ids, without the analysis of earlier turns, with a mask.

    Args:
        messages: the messages to write.
        train: what to train on: what the model samples in the last turn, or in all turns (its role), or where a
            function of a message and a part returns true.
        style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        runtime.RenderError: as for `render`.
        ValueError: `train` or `style` is unknown.
    """
    return runtime.render_training(FORMAT, messages, train, style, tokenizer)


def encode(
    text: str,
    *,
    allowed_special: Literal["all"] | Iterable[str] = (),
    tokenizer: runtime.Tokenizer | None = None,
) -> list[int]:
    """Encode a plain text. Contents of messages are encoded by `render`, whatever they spell.

    Args:
        text: plain text, which may spell special tokens.
        allowed_special: spelled special tokens that become special tokens; any other is an error.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        VocabularyError: the text spells a special token that is not allowed, or has a lone surrogate.
    """
    return runtime.encode(FORMAT, text, allowed_special, tokenizer)


def decode(tokens: Sequence[int], *, tokenizer: runtime.Tokenizer | None = None) -> str:
    """Decode token ids, special tokens spelled out; unknown ids become `<id>`, invalid UTF-8 U+FFFD.

    Args:
        tokens: token ids, ordinary or special.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.
    """
    return runtime.decode(FORMAT, tokens, tokenizer)


def recover(
    source: str | Sequence[int],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    tools: Iterable[str | Namespace] | None = None,
    stripped: bool = False,
    tokenizer: runtime.Tokenizer | None = None,
    max_repair_cost: int | None = None,
) -> runtime.Recovered[Message]:
    """Read messages, also malformed ones; never raises for what the source holds.

    Args:
        source: text with special tokens spelled out, or token ids.
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        tools: offered tools, in addition to those that the messages declare: names or namespaces.
        stripped: the special tokens may have been stripped; where headers were is then a guess.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.
        max_repair_cost: a header whose repair costs more is read as text; in tenths, as `Repair.cost`.

    Raises:
        ValueError: `start` is unknown.
        ValueError: no open header has this `role` or `name`.
    """
    return runtime.recover(
        FORMAT,
        source,
        start,
        runtime.opened(FORMAT, {"role": role, "name": name}),
        tools,
        stripped,
        tokenizer,
        runtime.require_cost(max_repair_cost),
    )


def validate(
    source: str | Sequence[int],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    tools: Iterable[str | Namespace] | None = None,
    stripped: bool = False,
    tokenization: bool = True,
    tokenizer: runtime.Tokenizer | None = None,
) -> runtime.Report[Message]:
    """Check a source: report violations of the grammar and mistakes in the conversation; never raises for them.

    Args:
        source: text with special tokens spelled out, or token ids.
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        tools: offered tools, in addition to those that the messages declare: names or namespaces.
        stripped: the special tokens may have been stripped; where headers were is then a guess.
        tokenization: whether to compare token ids with the tokenizer's own ids for the same text.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        ValueError: `start` is unknown.
        ValueError: no open header has this `role` or `name`.
    """
    return runtime.validate(
        FORMAT,
        source,
        start,
        runtime.opened(FORMAT, {"role": role, "name": name}),
        tools,
        stripped,
        tokenization,
        tokenizer,
    )


class StreamParser(runtime.StreamParser[Message]):
    """Reads token ids as they arrive, one or many at a time.

    Args:
        start: the type of the input: a start rule of the grammar.
        role: the value in the open header; a completion continues this header, and a prompt ends with it.
        name: the value in the open header; a completion continues this header, and a prompt ends with it.
        tools: offered tools, in addition to those that the messages declare: names or namespaces.
        strict: raise `runtime.ParseError` where the tokens leave the grammar, instead of repairing them.
        tokenizer: encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.
        max_repair_cost: a header whose repair costs more is read as text; in tenths, as `Repair.cost`.

    Raises:
        ValueError: `start` is unknown.
        ValueError: no open header has this `role` or `name`.
    """

    def __init__(
        self,
        start: Start = "completion",
        *,
        role: Role = "assistant",
        name: str | None = None,
        tools: Iterable[str | Namespace] | None = None,
        strict: bool = False,
        tokenizer: runtime.Tokenizer | None = None,
        max_repair_cost: int | None = None,
    ) -> None:
        super().__init__(
            FORMAT,
            start,
            runtime.opened(FORMAT, {"role": role, "name": name}),
            tools,
            strict,
            tokenizer,
            runtime.require_cost(max_repair_cost),
        )

    @property
    def role(self) -> Role | None:
        """The role of the author: the authority of the message, and its kind of content.

        The value in the open message; None if absent or not read yet.
        """
        value: Role | None = self.value("role", None)
        return value

    @property
    def name(self) -> str | None:
        """The name of the author: the full name of a tool, or a name that distinguishes several authors with one role.

        The value in the open message; None if absent or not read yet.
        """
        value: str | None = self.value("name", None)
        return value

    @property
    def recipient(self) -> str | None:
        """The recipient of the message: the full name of a tool in a call, a role in the answer of a tool.

        The value in the open message; None if absent or not read yet.
        """
        value: str | None = self.value("recipient", None)
        return value

    @property
    def channel(self) -> str | None:
        """The channel: for whom the message is visible.

        The value in the open message; None if absent or not read yet.
        """
        value: str | None = self.value("channel", None)
        return value

    @property
    def constrain(self) -> bool:
        """Whether the sampling of the content was constrained to the content type.

        The value in the open message; False if absent or not read yet.
        """
        value: bool = self.value("constrain", False)
        return value

    @property
    def content_type(self) -> str | None:
        """The type of the content: `json`, `code`.

        The value in the open message; None if absent or not read yet.
        """
        value: str | None = self.value("content_type", None)
        return value


def drop_analysis(messages: Sequence[Message]) -> list[Message]:
    """Drop messages of completed turns that are not shown again; messages of the current turn stay.

    `FORMAT.drops` has two conditions: which messages complete a turn, and which earlier ones are dropped.

    Raises:
        runtime.RenderError: an item is not a message of this codec.
    """
    return runtime.drop_completed(FORMAT, messages, FORMAT.drops["drop_analysis"])


def browser_tools() -> Namespace:
    """The built-in namespace `browser`."""
    return Namespace(
        name="browser",
        description="Tool for browsing.\nThe `cursor` appears in brackets before each browsing display: `[{cursor}]`.\nCite information from the tool using the following format:\n`\u3010{cursor}\u2020L{line_start}(-L{line_end})?\u3011`, for example: `\u30106\u2020L9-L11\u3011` or `\u30108\u2020L3\u3011`.\nDo not quote more than 10 words directly from the tool output.\nsources=web (default: web)",
        tools=[
            Tool(
                name="search",
                description="Searches for information related to `query` and displays `topn` results.",
                parameters={
                    "type": "object",
                    "properties": {
                        "query": {"type": "string"},
                        "topn": {"type": "number", "default": 10},
                        "source": {"type": "string"},
                    },
                    "required": ["query"],
                },
            ),
            Tool(
                name="open",
                description="Opens the link `id` from the page indicated by `cursor` starting at line number `loc`, showing `num_lines` lines.\nValid link ids are displayed with the formatting: `\u3010{id}\u2020.*\u3011`.\nIf `cursor` is not provided, the most recent page is implied.\nIf `id` is a string, it is treated as a fully qualified URL associated with `source`.\nIf `loc` is not provided, the viewport will be positioned at the beginning of the document or centered on the most relevant passage, if available.\nUse this function without `id` to scroll to a new location of an opened page.",
                parameters={
                    "type": "object",
                    "properties": {
                        "id": {"type": ["number", "string"], "default": -1},
                        "cursor": {"type": "number", "default": -1},
                        "loc": {"type": "number", "default": -1},
                        "num_lines": {"type": "number", "default": -1},
                        "view_source": {"type": "boolean", "default": False},
                        "source": {"type": "string"},
                    },
                },
            ),
            Tool(
                name="find",
                description="Finds exact matches of `pattern` in the current page, or the page given by `cursor`.",
                parameters={
                    "type": "object",
                    "properties": {"pattern": {"type": "string"}, "cursor": {"type": "number", "default": -1}},
                    "required": ["pattern"],
                },
            ),
        ],
    )


def python_tools() -> Namespace:
    """The built-in namespace `python`."""
    return Namespace(
        name="python",
        description="Use this tool to execute Python code in your chain of thought. The code will not be shown to the user. This tool should be used for internal reasoning, but not for code that is intended to be visible to the user (e.g. when creating plots, tables, or files).\n\nWhen you send a message containing Python code to python, it will be executed in a stateful Jupyter notebook environment. python will respond with the output of the execution or time out after 120.0 seconds. The drive at '/mnt/data' can be used to save and persist user files. Internet access for this session is UNKNOWN. Depends on the cluster.",
        tools=[],
    )


@cache
def _json() -> runtime.JsonForm:
    """Make the JSON form when it is needed: an import takes a tenth longer with it."""
    return runtime.JsonForm(
        FORMAT,
        always=["message.name", "channel_config.channel_required", "namespace.tools", "tool.description"],
        absent={"message.recipient": "all"},
        joined={"content_type": {"constrain": "<|constrain|>", "content_type": None}},
        keyed={"system.tools": "name", "developer.tools": "name"},
        spelled={"system.reasoning_effort": ["Low", "Medium", "High"]},
        patterns={
            "namespace.name": _CONTENT_TERMINALS["NAME"] + "|" + _CONTENT_TERMINALS["FREE_NAME"],
            "tool.name": _CONTENT_TERMINALS["NAME"] + "|" + _CONTENT_TERMINALS["FREE_NAME"],
            "response_format.name": _CONTENT_TERMINALS["NAME"] + "|" + _CONTENT_TERMINALS["FREE_NAME"],
        },
    )


CONVERSATION_SCHEMA: dict[str, Any]
"""The JSON Schema of the JSON form of a conversation."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "CONVERSATION_SCHEMA":
            return globals().setdefault(name, _json().schema())
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


NAMESPACE_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Namespace",
    "description": "A tool namespace: tools with a common prefix. The fields are those of the class of the same name.",
    "$ref": "#/$defs/namespace",
    "$defs": {
        "name": {
            "description": "Characters that a header can contain after ` to=`. The grammar allows the same names.",
            "type": "string",
            "pattern": "^[A-Za-z0-9_$.:/@+-]+$(?!\\n)",
        },
        "namespace": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"$ref": "#/$defs/name"},
                "description": {"type": ["string", "null"]},
                "tools": {"type": "array", "items": {"$ref": "#/$defs/tool"}},
            },
        },
        "tool": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"$ref": "#/$defs/name"},
                "description": {"type": ["string", "null"]},
                "parameters": {
                    "description": "The arguments of the tool, as a JSON Schema; null for a tool without arguments.",
                    "anyOf": [{"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"type": "null"}],
                },
            },
        },
    },
}
"""The JSON Schema of a tool namespace."""


def to_json(messages: Sequence[Message]) -> dict[str, Any]:
    """Convert messages to their JSON form, ready for `json.dumps`.

    Raises:
        runtime.RenderError: an item is not a message of this codec, or has a value of a wrong type.
        runtime.ConversationError: a schema is nested too deeply.
    """
    return _json().to_json(messages)


def from_json(value: object) -> list[Message]:
    """Read the messages of a conversation in its JSON form.

    Raises:
        runtime.ConversationError: the value is not a conversation; the error has its place as a JSON pointer, what
            is expected there, and what to write.
    """
    return _json().from_json(value)
