"""The state of a writer of contents, and the texts that do not depend on the grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

LINE_BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")
"""The ends of lines in TypeScript (ECMAScript, Line Terminators)."""

JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

SCALAR_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: JSON_ENCODER.encode,
    int: int.__repr__,
    bool: {value: JSON_ENCODER.encode(value) for value in (False, True)}.__getitem__,
}
"""Writers for the values in most schemas. They skip what the encoder sets up for other values."""

MAX_QUOTED_VALUE_CHARS = 80
"""How much of a value an error quotes, in code points."""


class Inexpressible(Exception):
    """A rule cannot write a value.

    Attributes:
        rule: the rule, or the field.
        place: for a JSON Schema, the JSON pointer of the problem.
    """

    def __init__(
        self, rule: str, reason: str = "no alternative of the rule can write it", place: str | None = None
    ) -> None:
        super().__init__(rule, reason, place)
        self.rule, self.reason, self.place = rule, reason, place


class Layout:
    """The state of a writer.

    Attributes:
        decided: the flags of the conversation.
        as_parsed: whether to write the variants from which records were read.
        variants: those of the record that is being written.
        indent: what begins a line.
        names: the names already used.
    """

    def __init__(self, decided: Mapping[str, bool], as_parsed: bool = True) -> None:
        self.decided, self.as_parsed = decided, as_parsed
        self.variants: tuple[str, ...] = ()
        self.indent = ""
        self.names: set[str] = set()


def compact(value: Any) -> str:
    try:
        return SCALAR_WRITERS.get(type(value), JSON_ENCODER.encode)(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Inexpressible("JSON", f"not a JSON value: {error}") from None


def lines_of(text: str) -> list[str]:
    """Split a text into lines as TypeScript does. A line break at the end begins no new line."""
    if text.isprintable():
        return [text]
    lines = LINE_BREAK.split(text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def shortened(text: str) -> str:
    return text if len(text) <= MAX_QUOTED_VALUE_CHARS else text[:MAX_QUOTED_VALUE_CHARS] + "\u2026"
