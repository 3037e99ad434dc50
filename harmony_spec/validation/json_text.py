"""JSON as models write it: the value, or the kind and the place of the mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import codes
from ..errors import Code
from ..format.content_reading import refuse_constant

JSON_LITERALS = ("true", "false", "null")

NUMBER_PREFIX = re.compile(r"-|(?<=[0-9])(?:\.|[eE][+-]?)")
"""The end of a number that goes on: cut off here, it is not a mistake of its own."""

STRINGS_AND_BRACKETS = re.compile(r'("(?:[^"\\]++|\\.)*+")(\s*:)?|[{}\[\]]')
"""Strings (with a colon: names) and brackets. Enough to find repeated names in valid JSON."""

ESCAPE_CHARS = 6
"""The longest escape, in characters: `\\u` and four digits."""


class JsonMistake(NamedTuple):
    """A mistake in a text that should be JSON: its code, its place in code points, the reason."""

    code: Code
    start: int
    end: int
    reason: str


class JsonText(NamedTuple):
    """A text that should be JSON.

    Attributes:
        is_json: whether it begins with a JSON value.
        value: that value, or None.
    """

    is_json: bool
    value: Any
    mistakes: list[JsonMistake]


def read_json(text: str) -> JsonText:
    """Read a text that should be one JSON value (RFC 8259)."""
    repeated = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeated.append(made)
        return made

    decoder = json.JSONDecoder(object_pairs_hook=members, parse_constant=refuse_constant)
    start = len(text) - len(text.lstrip(" \t\n\r"))
    try:
        value, end = decoder.raw_decode(text, start)
    except (RecursionError, ValueError) as error:
        return JsonText(False, None, [_mistake_of(text, error)])
    found = list(_duplicate_keys(text, start, end)) if repeated else []
    rest = text[end:].strip(" \t\n\r")
    if rest:
        found.append(JsonMistake(codes.TEXT_AFTER_JSON, text.index(rest, end), len(text), "the value ends before it"))
    return JsonText(True, value, found)


def _duplicate_keys(text: str, start: int, end: int) -> Iterator[JsonMistake]:
    """Find names that an object has twice, in valid JSON."""
    objects: list[set[str]] = []
    for match in STRINGS_AND_BRACKETS.finditer(text, start, end):
        if match[0] in "{[":
            objects.append(set())
        elif match[0] in "}]":
            objects.pop()
        elif match[2]:
            name = json.loads(match[1])
            if name in objects[-1]:
                yield JsonMistake(codes.DUPLICATE_KEY, *match.span(1), f"{match[1]} appears twice in one object")
            objects[-1].add(name)


def _mistake_of(text: str, error: Exception) -> JsonMistake:
    if not isinstance(error, json.JSONDecodeError):
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return JsonMistake(codes.INVALID_JSON, 0, len(text), reason)
    rest = text[error.pos :].strip()
    cut = (
        not rest
        or error.msg.startswith("Unterminated")
        or (error.msg.startswith("Invalid \\u") and len(rest) < ESCAPE_CHARS)
        or any(literal.startswith(rest) for literal in JSON_LITERALS)
        or NUMBER_PREFIX.fullmatch(text, error.pos, len(text.rstrip()))
    )
    if cut and text.strip():
        return JsonMistake(
            codes.TRUNCATED_JSON, len(text), len(text), f"it ends too early: {_python_reason(error.msg)}"
        )
    return JsonMistake(codes.INVALID_JSON, min(error.pos, len(text)), len(text), _python_reason(error.msg))


def _python_reason(message: str) -> str:
    """A message of the `json` module without its place, to use within a sentence."""
    return re.sub(r"( starting)? at$", "", message[:1].lower() + message[1:])
