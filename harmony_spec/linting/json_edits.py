"""Changes values in a JSON text. All else stays, byte by byte: spaces, numbers, escapes, order."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

JsonPath = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

SPACE = re.compile(r"[ \t\n\r]*")
"""White space. Source: RFC 8259, section 2."""


def edit_json(text: str, edits: Mapping[JsonPath, Any]) -> str:
    """A JSON text with new values at some paths. If the last key of a path is missing, it is added to its object.

    Args:
        text: JSON. If a key is repeated, the last one is changed, which is the one that `json` reads.
        edits: new values by path. No path may be the prefix of another one.
    """
    parts: list[str] = []
    end = 0
    for start, stop, written in sorted(_changes(text, _after_space(text, 0), edits)):
        parts += text[end:start], written
        end = stop
    return "".join((*parts, text[end:]))


def _changes(text: str, at: int, edits: Mapping[JsonPath, Any]) -> Iterator[tuple[int, int, str]]:
    """The replacements in the value at a position: start, end, new text. Each level reads its values once."""
    if () in edits:
        yield at, json.JSONDecoder().raw_decode(text, at)[1], dumped(edits[()])
        return
    inside: dict[str | int, dict[JsonPath, Any]] = {}
    for (key, *path), value in edits.items():
        inside.setdefault(key, {})[tuple(path)] = value
    members = {key: start for key, start in _members(text, at) if key in inside}
    for key, start in members.items():
        yield from _changes(text, start, inside[key])
    if added := [f"{dumped(key)}: {dumped(inside[key][()])}" for key in inside if key not in members]:
        assert text[at] == "{"
        is_empty = text[_after_space(text, at + 1)] == "}"
        yield at + 1, at + 1, ", ".join(added) + ("" if is_empty else ", ")


def with_values(value: Any, edits: Mapping[JsonPath, Any]) -> Any:
    """A copy of a JSON value in Python with new values at some paths."""
    copied = copy.deepcopy(value)
    for path, new in edits.items():
        if not path:
            return new
        inside = copied
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = new
    return copied


def _members(text: str, at: int) -> Iterator[tuple[str | int, int]]:
    """The keys or indices of an object or array, and where their values begin."""
    decode, is_object, index = json.JSONDecoder().raw_decode, text[at] == "{", 0
    at = _after_space(text, at + 1)
    while text[at] not in "]}":
        key: str | int = index
        if is_object:
            key, at = decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        yield key, at
        at, index = _after_space(text, decode(text, at)[1]), index + 1
        if text[at] == ",":
            at = _after_space(text, at + 1)


def items_of(text: str) -> list[str]:
    """The texts of the items of a JSON array."""
    end_of = json.JSONDecoder().raw_decode
    return [text[start : end_of(text, start)[1]] for _, start in _members(text, _after_space(text, 0))]


def _after_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()


def dumped(value: Any) -> str:
    """A value as JSON; half of a surrogate pair is written as an escape, other objects as their text."""
    text = json.dumps(value, ensure_ascii=False, default=_text_of)
    is_whole = text.isascii() or text.encode(errors="replace").decode() == text
    return text if is_whole else json.dumps(value, default=_text_of)


def _text_of(value: object) -> str:
    """An object that JSON does not have as a text; bytes may be one in UTF-8."""
    with suppress(UnicodeDecodeError):
        return value.decode() if isinstance(value, bytes) else str(value)
    return str(value)
