"""The response template of `transformers`: how its tokenizers divide a completion into the parts of a chat message."""

from __future__ import annotations

import re
from typing import Any

from ..format.algebra import (
    LiteralNode,
    Node,
    ReferenceNode,
    RuleNode,
    SequenceNode,
    TextNode,
    TokenNode,
    in_order,
    maybe,
)
from ..format.tables import Format
from ..tools.chat_requests import SEPARATOR
from .completions import Completion
from .lark_texts import regular_expression
from .offers import Offer
from .specialising import Specialiser, Wanted

RESPONSE_PARTS = {"thinking": ("thoughts",), "content": ("preamble", "answer"), "tool_calls": ("call",)}
"""The parts of a chat message in `transformers`, and the kinds of messages that become one."""

CONTENT_HOLE = ReferenceNode("hole")
"""Replaces the content of a message."""

NAME_GROUP = "name"
"""The group of a pattern that holds the name of a tool."""


def response_template(format: Format) -> dict[str, Any]:
    """Return the template of a format, ready for `tokenizer.response_template`."""
    made = Completion(format, Offer(), "accepting", frozenset())
    fields = {}
    for part, names in RESPONSE_PARTS.items():
        patterns = [pattern for name in names if name in made.kinds and (pattern := _opening(made, name))]
        if patterns:
            shape = {"repeats": True, "join": SEPARATOR} if part != "tool_calls" else _call()
            fields[part] = {"open_pattern": "|".join(patterns), "close": [*made.closes], **shape}
    return {"start_anchor_pattern": _pattern(made.opened), "fields": fields}


def _call() -> dict[str, Any]:
    function = {"name": f"{{{NAME_GROUP}}}", "arguments": "{content}"}
    shape = {"repeats": True, "content": "json", "content_args": {"allow_non_json": True}}
    return {**shape, "transform": {"type": "function", "function": function}}


def _opening(made: Completion, name: str) -> str:
    """The pattern of what comes before the content of a kind of message."""
    format, kind = made.format, made.kinds[name]
    recovery = format.meaning
    fields: dict[str, Wanted] = {**made.fixed(kind), format.content: Wanted(CONTENT_HOLE)}
    if name == "call":
        word = made.texts[recovery.slots.recipient]
        prefix = maybe(LiteralNode(recovery.of_functions)) if recovery.definitions.functions else in_order([])
        fields[recovery.slots.recipient] = Wanted(in_order([prefix, RuleNode(NAME_GROUP, word)]))
        fields.pop(recovery.slots.channel, None)
    whole = Specialiser(fields, {})(made.frames[0])
    items = whole.items if isinstance(whole, SequenceNode) else (whole,)
    return _pattern(in_order(items[: items.index(CONTENT_HOLE)])) if CONTENT_HOLE in items else ""


def _pattern(node: Node) -> str:
    """A node as a regular expression of Python for text with special tokens spelled out."""
    return str(regular_expression(node, _leaf))


def _leaf(node: Node) -> str | None:
    match node:
        case TokenNode(text) | LiteralNode(text):
            return re.escape(text)
        case TextNode():
            return "(?s:.)+"
        case RuleNode(name, item):
            return f"(?P<{name}>{_pattern(item)})"
    raise AssertionError(f"{node} is not in the header of a message")
