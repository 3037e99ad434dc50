"""JSON as models write it: what it holds, or the place and the kind of the mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

LITERALS = ("true", "false", "null")

NUMBER = re.compile(r"-|(?<=[0-9])(?:\.|[eE][+-]?)")
"""What more of a number follows."""

NAMES = re.compile(r'("(?:[^"\\]++|\\.)*+")(\s*:)?|[{}\[\]]')
"""Strings, those with a colon being names, and what objects and arrays begin and end with."""

ESCAPE = 6
"""The length of the longest escape: `\\u` and four digits."""


class Mistake(NamedTuple):
    """What is wrong with a text that should be JSON: the name of the diagnostic, where, and why."""

    name: str
    start: int
    end: int
    reason: str


class JsonText(NamedTuple):
    """What a text holds that should be JSON.

    Attributes:
        is_json: whether it begins with a JSON value.
        value: that value.
        mistakes: what is wrong.
    """

    is_json: bool
    value: Any
    mistakes: list[Mistake]


def read_json(text: str) -> JsonText:
    """Read a text that should be one JSON value (RFC 8259)."""
    repeated = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeated.append(made)
        return made

    decoder = json.JSONDecoder(object_pairs_hook=members, parse_constant=_refuse)
    start = len(text) - len(text.lstrip(" \t\n\r"))
    try:
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return JsonText(False, None, [_mistake(text, error)])
    except RecursionError:
        return JsonText(False, None, [Mistake("invalid-json", 0, len(text), "it is nested too deeply")])
    except ValueError as error:
        return JsonText(False, None, [Mistake("invalid-json", 0, len(text), str(error))])
    found = list(_repeated(text, start, end)) if repeated else []
    rest = text[end:].strip(" \t\n\r")
    if rest:
        found.append(Mistake("text-after-json", text.index(rest, end), len(text), "the value ends before it"))
    return JsonText(True, value, found)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _repeated(text: str, start: int, end: int) -> Iterator[Mistake]:
    """The names that stood before in the same object, in a text that is JSON."""
    objects: list[set[str]] = []
    for match in NAMES.finditer(text, start, end):
        if match[0] in "{[":
            objects.append(set())
        elif match[0] in "}]":
            objects.pop()
        elif match[2]:
            name = json.loads(match[1])
            if name in objects[-1]:
                yield Mistake("duplicate-key", *match.span(1), f"{match[1]} stands twice in one object")
            objects[-1].add(name)


def _mistake(text: str, error: json.JSONDecodeError) -> Mistake:
    rest = text[error.pos :].strip()
    cut = (
        not rest
        or error.msg.startswith("Unterminated")
        or (error.msg.startswith("Invalid \\u") and len(rest) < ESCAPE)
        or any(literal.startswith(rest) for literal in LITERALS)
        or NUMBER.fullmatch(text, error.pos, len(text.rstrip()))
    )
    if cut and text.strip():
        return Mistake("truncated-json", len(text), len(text), f"it ends too early: {_lower(error.msg)}")
    return Mistake("invalid-json", min(error.pos, len(text)), len(text), _lower(error.msg))


def _lower(message: str) -> str:
    """A message of `json`, which goes on with the place."""
    return re.sub(r"( starting)? at$", "", message[:1].lower() + message[1:])
