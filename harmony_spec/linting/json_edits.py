"""Changes of values inside of a JSON text. All else stays as it is, byte by byte: spaces, numbers, escapes, order."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

SPACE = re.compile(r"[ \t\n\r]*")
"""White space. Source: RFC 8259, section 2."""


def edited(text: str, edits: Mapping[Path, Any]) -> str:
    """A JSON text with other values at some paths; a last key that is missing is added to its object.

    Args:
        text: JSON. Of keys that stand several times, the last one counts, as it does for `json`.
        edits: by paths, none of which leads into another one.
    """
    places = [(*_place(text, path), path, value) for path, value in edits.items()]
    parts: list[str] = []
    end = 0
    for start, stop, path, value in sorted(places, key=lambda place: place[:2]):
        written = _dumped(value)
        if start == stop:  # after the `{` of an object without the key
            is_empty = text[_after_space(text, start)] == "}"
            written = f"{_dumped(path[-1])}: {written}{'' if is_empty else ', '}"
        parts += text[end:start], written
        end = stop
    return "".join((*parts, text[end:]))


def with_values(value: Any, edits: Mapping[Path, Any]) -> Any:
    """A copy of a Python value of JSON with other values at some paths."""
    copied = copy.deepcopy(value)
    for path, new in edits.items():
        if not path:
            return new
        inside = copied
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = new
    return copied


def _place(text: str, path: Path) -> tuple[int, int]:
    """Where the value at a path begins and ends; where its key can be added, if only that is missing."""
    start = _after_space(text, 0)
    stop = json.JSONDecoder().raw_decode(text, start)[1]
    for depth, step in enumerate(path, 1):
        found = [(first, last) for key, first, last in _members(text, start) if key == step]
        if not found:
            assert depth == len(path)
            assert text[start] == "{"
            return start + 1, start + 1
        start, stop = found[-1]
    return start, stop


def _members(text: str, at: int) -> Iterator[tuple[str | int, int, int]]:
    """The keys or indices of an object or array, and where their values begin and end."""
    decode, is_object, index = json.JSONDecoder().raw_decode, text[at] == "{", 0
    at = _after_space(text, at + 1)
    while text[at] not in "]}":
        key: str | int = index
        if is_object:
            key, at = decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        end = decode(text, at)[1]
        yield key, at, end
        at, index = _after_space(text, end), index + 1
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()


def _dumped(value: Any) -> str:
    """A JSON value; half of a surrogate pair can only be written as an escape."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or text.encode(errors="replace").decode() == text else json.dumps(value)
