"""The codec of harmony.lark: message type, strict parser, renderer.

Generated from conversation.schema.json, conversation.toml, harmony.lark, styles.toml, vocabulary.toml by
`harmony-spec generate`. Do not edit; edit the grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harmony_spec import runtime

runtime.require_api(1, 0)

__all__ = [
    "CONVERSATION_SCHEMA",
    "EXAMPLE",
    "SPECIAL_TOKENS",
    "STOP_TOKENS",
    "Message",
    "Role",
    "drop_analysis",
    "from_json",
    "parse",
    "render",
    "render_text",
    "to_json",
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
)

STOP_TOKENS: dict[str, tuple[int, ...]] = {"message": (200002, 200007, 200012), "assistant_actions": (200002, 200012)}
"""The ids of the special tokens that end a message; under other names, those at which sampling stops."""

EXAMPLE = "<|start|>user<|message|>What is 2 + 2?<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>"
"""A transcript to try things on."""

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(slots=True)
class Message:
    """One message.

    Source: guide, "Message format".

    Attributes:
        role: See the grammar.
        content: The text of the message. Anything but special tokens.
        name: The name of the author: of a tool its full name, else a name that tells several authors of one role
            apart.
        recipient: Whom the message is for: a tool's full name in a call, a role in a tool's answer.
        channel: The channel: who is meant to see the message.
        constrain: Whether sampling of the content was constrained to the content type.
        content_type: The type of the content: `json`, `code`.
        variants: The named alternatives of the grammar that the message was read from; not compared.
    """

    role: Role
    content: str
    name: str | None = None
    recipient: str | None = None
    channel: str | None = None
    constrain: bool = False
    content_type: str | None = None
    variants: tuple[str, ...] = field(default=(), compare=False, repr=False)


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
_RULE_name = "(" + _TERMINAL_WORD + ")"

# author: ROLE (":" name)?
#       | name -> tool
_RULE_author = "(?:(" + _TERMINAL_ROLE + ")(?::" + _RULE_name + ")?|" + _RULE_name + "())"

# opening: START author
_RULE_opening = r"\ud800" + _RULE_author

# recipient: " to=" WORD
_RULE_recipient = " to=(" + _TERMINAL_WORD + ")"

# channel: CHANNEL WORD
_RULE_channel = r"\ud801(" + _TERMINAL_WORD + ")"

# constrain: CONSTRAIN
_RULE_constrain = r"\ud802"

# content_type: TYPE
_RULE_content_type = "(" + _TERMINAL_TYPE + ")"

# type: " " constrain? content_type
#      | constrain content_type -> unspaced
_RULE_type = (
    "(?: (?:("
    + _RULE_constrain
    + "))?"
    + _RULE_content_type
    + "|("
    + _RULE_constrain
    + ")"
    + _RULE_content_type
    + "())"
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
    + ")?())"
)

# content: TEXT?
_RULE_content = r"([^\ud800-\udfff]*)"

# terminator: END
#           | CALL -> call
#           | RETURN -> return
_RULE_terminator = r"(?:\ud804|\ud805()|\ud806())"

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


# States: what may come next.

_NEXT_START = runtime.Atom("<|start|>", special="<|start|>")
_NEXT_role = runtime.Atom("role (system, developer, user, assistant)", pattern=_TERMINAL_ROLE)
_NEXT_name = runtime.Atom("name", pattern=_TERMINAL_WORD)
_NEXT_TEXT = runtime.Atom("':'", pattern=":")
_NEXT_TEXT_1 = runtime.Atom("' to='", pattern=" to=")
_NEXT_CHANNEL = runtime.Atom("<|channel|>", special="<|channel|>")
_NEXT_TEXT_2 = runtime.Atom("' '", pattern=" ")
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
    groups=(
        runtime.Group("role"),
        runtime.Group("name"),
        runtime.Group("name"),
        runtime.Group("role", "tool"),
        runtime.Group("recipient"),
        runtime.Group("channel"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group("channel"),
        runtime.Group("recipient"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group(None, "recipient_last"),
        runtime.Group("content"),
        runtime.Group(None, "call"),
        runtime.Group(None, "return"),
    ),
    fields=("role", "name", "recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>", "<|start|>"),
    opens=("<|message|>",),
    continues=(),
    closes=("<|return|>", "<|end|>", "<|call|>"),
    trails=(),
    closed=True,
    bare=True,
    ends_with_text=False,
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
)

# opening: START author
_FRAME_opening = runtime.Frame(
    name="opening",
    pattern=_RULE_opening,
    groups=(runtime.Group("role"), runtime.Group("name"), runtime.Group("name"), runtime.Group("role", "tool")),
    fields=("role", "name"),
    has_content=False,
    inside=("<|start|>",),
    opens=(),
    continues=(),
    closes=(),
    trails=(),
    closed=True,
    bare=False,
    ends_with_text=False,
    steps=(((_NEXT_START, 1),), ((_NEXT_role, 2), (_NEXT_name, 5)), ((_NEXT_TEXT, 3),), ((_NEXT_name, 4),), (), ()),
    final=frozenset({2, 4, 5}),
    write=_write_opening,
)

# continuation: header MESSAGE content terminator
_FRAME_continuation = runtime.Frame(
    name="continuation",
    pattern=_RULE_continuation,
    groups=(
        runtime.Group("recipient"),
        runtime.Group("channel"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group("channel"),
        runtime.Group("recipient"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group(None, "recipient_last"),
        runtime.Group("content"),
        runtime.Group(None, "call"),
        runtime.Group(None, "return"),
    ),
    fields=("recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>"),
    opens=("<|message|>",),
    continues=(),
    closes=("<|return|>", "<|end|>", "<|call|>"),
    trails=(),
    closed=True,
    bare=True,
    ends_with_text=False,
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
)

# unfinished: opening header MESSAGE content
_FRAME_unfinished = runtime.Frame(
    name="unfinished",
    pattern=_RULE_unfinished,
    groups=(
        runtime.Group("role"),
        runtime.Group("name"),
        runtime.Group("name"),
        runtime.Group("role", "tool"),
        runtime.Group("recipient"),
        runtime.Group("channel"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group("channel"),
        runtime.Group("recipient"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group(None, "recipient_last"),
        runtime.Group("content"),
    ),
    fields=("role", "name", "recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>", "<|start|>"),
    opens=("<|message|>",),
    continues=(),
    closes=(),
    trails=(),
    closed=False,
    bare=True,
    ends_with_text=False,
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
)

# remainder: header MESSAGE content
_FRAME_remainder = runtime.Frame(
    name="remainder",
    pattern=_RULE_remainder,
    groups=(
        runtime.Group("recipient"),
        runtime.Group("channel"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group("channel"),
        runtime.Group("recipient"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group("constrain", True),
        runtime.Group("content_type"),
        runtime.Group(None, "unspaced"),
        runtime.Group(None, "recipient_last"),
        runtime.Group("content"),
    ),
    fields=("recipient", "channel", "constrain", "content_type", "content"),
    has_content=True,
    inside=("<|constrain|>", "<|channel|>"),
    opens=("<|message|>",),
    continues=(),
    closes=(),
    trails=(),
    closed=False,
    bare=True,
    ends_with_text=False,
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

FORMAT = runtime.Format(
    encoding=_ENCODING,
    special_text=r"<\|(?:c(?:all\|>|hannel\|>|onstrain\|>)|end(?:oftext\|>|\|>)|message\|>|re(?:served_20(?:0(?:0(?:0[0149]\|>|1[013456789]\|>|[23456789][0123456789]\|>)|[123456789][0123456789][0123456789]\|>)|10(?:[01234567][0123456789]\|>|8[01234567]\|>))|turn\|>)|start(?:oftext\|>|\|>))",
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
    defaults={"role": None, "name": None, "recipient": None, "channel": None, "constrain": False, "content_type": None},
    patterns={
        "name": (_TERMINAL_WORD, "WORD: /[^\\s<]+/"),
        "recipient": (_TERMINAL_WORD, "WORD: /[^\\s<]+/"),
        "channel": (_TERMINAL_WORD, "WORD: /[^\\s<]+/"),
        "content_type": (_TERMINAL_TYPE, "TYPE: /[A-Za-z0-9][A-Za-z0-9_+\\/-]*/"),
    },
    starts=_STARTS,
    styles={"openai": (), "model": (runtime.Choose("recipient_last", (("role", "assistant"),)),)},
    default_style="openai",
    as_parsed="as_parsed",
    always=(runtime.Choose("call", (("role", "assistant"), ("recipient", True))),),
    training=(runtime.Choose("return", (("role", "assistant"), ("channel", "final"))),),
)
"""The tables of this format."""

Start = Literal["transcript", "prompt", "completion"]
Style = Literal["openai", "model", "as_parsed"]


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
        start: what the source is.
        role: of the open header that a completion continues and a prompt ends with.
        name: of the open header that a completion continues and a prompt ends with.
        tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.

    Raises:
        runtime.ParseError: the source is not what the grammar describes.
    """
    given: dict[str, str | bool | None] = {"role": role, "name": name}
    return runtime.parse(FORMAT, source, start, given, tokenizer)


def render(
    messages: Sequence[Message],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    style: Style = "openai",
    training: bool = False,
    tokenizer: runtime.Tokenizer | None = None,
) -> list[int]:
    """Write messages as token ids.

    Args:
        messages: what to write.
        start: what to write it as.
        role: of the open header that a completion continues and a prompt ends with.
        name: of the open header that a completion continues and a prompt ends with.
        style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.
        training: whether the last message is a target for training.
        tokenizer: encodes text; by default the vocabulary that comes with the package.

    Raises:
        runtime.RenderError: the format cannot express a message.
    """
    given: dict[str, str | bool | None] = {"role": role, "name": name}
    return runtime.render(FORMAT, messages, start, given, style, training, tokenizer)


def render_text(
    messages: Sequence[Message],
    start: Start = "transcript",
    *,
    role: Role = "assistant",
    name: str | None = None,
    style: Style = "openai",
    training: bool = False,
) -> str:
    """Write messages as text, special tokens spelled out.

    Args:
        messages: what to write.
        start: what to write it as.
        role: of the open header that a completion continues and a prompt ends with.
        name: of the open header that a completion continues and a prompt ends with.
        style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.
        training: whether the last message is a target for training.

    Raises:
        runtime.RenderError: also, a content spells a special token, which as text would become one.
    """
    given: dict[str, str | bool | None] = {"role": role, "name": name}
    return runtime.render_text(FORMAT, messages, start, given, style, training)


def drop_analysis(messages: Sequence[Message]) -> list[Message]:
    """The messages without those of completed turns that are not shown again; those of the current turn stay.

    A message that meets `completes` ends a turn; those before the last such one that meet `dropped` go.
    """
    dropped = (("channel", "analysis"),)
    completes = (("role", "assistant"), ("channel", "final"))
    return runtime.drop_completed(messages, dropped, completes)


CONVERSATION_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Conversation",
    "description": "The JSON form of a conversation, as openai_harmony.Conversation.to_json() writes it. The generator adds the fields of the message header, which the grammar knows.",
    "type": "object",
    "required": ["messages"],
    "properties": {"messages": {"type": "array", "items": {"$ref": "#/$defs/message"}}},
    "$defs": {
        "message": {
            "type": "object",
            "required": ["role", "content"],
            "additionalProperties": False,
            "properties": {
                "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
                "name": {
                    "description": "Written even when absent, as null.",
                    "type": ["string", "null"],
                    "x-always-written": True,
                },
                "content": {
                    "description": "Text, or parts whose texts are joined.",
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/text"}}],
                },
                "recipient": {
                    "description": "The value `all` means the same as no recipient.",
                    "type": ["string", "null"],
                    "default": "all",
                },
                "content_type": {
                    "description": "The spelling of the constrain token in front says that the content type is a constraint.",
                    "type": ["string", "null"],
                    "x-written-as": ["constrain", "content_type"],
                },
                "channel": {"description": "The channel: who is meant to see the message.", "type": ["string", "null"]},
            },
        },
        "text": {
            "type": "object",
            "required": ["type", "text"],
            "additionalProperties": False,
            "properties": {
                "type": {
                    "description": "Structured contents of system and developer messages are given as their text.",
                    "const": "text",
                },
                "text": {"type": "string"},
            },
        },
    },
}
"""The JSON Schema of the JSON form of a conversation."""

_PROPERTIES = (
    runtime.Property("role", (("role", None),), absent=None, always=True),
    runtime.Property("name", (("name", None),), absent=None, always=True),
    runtime.Property("recipient", (("recipient", None),), absent="all", always=False),
    runtime.Property(
        "content_type",
        (("constrain", "<|constrain|>"), ("content_type", None)),
        absent=None,
        always=False,
    ),
    runtime.Property("channel", (("channel", None),), absent=None, always=False),
)


def to_json(messages: Sequence[Message]) -> dict[str, Any]:
    """The JSON form of messages, ready for `json.dumps`."""
    return runtime.to_json(FORMAT, CONVERSATION_SCHEMA, _PROPERTIES, messages)


def from_json(value: object) -> list[Message]:
    """The messages of a conversation in its JSON form.

    Raises:
        runtime.ConversationError: the value breaks the schema; says where and how.
    """
    return runtime.from_json(FORMAT, CONVERSATION_SCHEMA, _PROPERTIES, value)
