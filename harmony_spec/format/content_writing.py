"""What generated writers of contents run on: the indent, the names that are taken, and texts that must fit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Write = Callable[["Layout", Any], str]

LINE_BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")
"""What ends a line in TypeScript (ECMAScript, Line Terminators)."""

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

SCALARS: Mapping[type, Callable[[Any], str]] = {
    str: ENCODER.encode,
    int: int.__repr__,
    bool: {value: ENCODER.encode(value) for value in (False, True)}.__getitem__,
}
"""How values of which most schemas are made are written, without what the encoder sets up for others."""

LONGEST = 80
"""How much of a value an error shows."""


class Inexpressible(Exception):
    """A value that a rule cannot write.

    Attributes:
        rule: the rule, or the field.
        reason: why.
        place: in a JSON Schema, the JSON pointer of what is wrong.
    """

    def __init__(
        self, rule: str, reason: str = "no alternative of the rule writes it", place: str | None = None
    ) -> None:
        super().__init__(rule, reason, place)
        self.rule, self.reason, self.place = rule, reason, place


class Layout:
    """What writers share: the indent of the line that is written, and the names that are taken."""

    def __init__(self, decided: Mapping[str, bool]) -> None:
        self.indent = ""
        self.names: set[str] = set()
        self.decided = decided

    def decide(self, value: bool | None, name: str) -> bool:
        """A flag that the conversation decides where the record leaves it open."""
        return self.decided.get(name, False) if value is None else self.flag(value, name)

    def flag(self, value: bool, name: str) -> bool:
        if value is not True and value is not False:
            raise Inexpressible(name, f"{value!r} is neither true nor false")
        return value

    def items(self, values: Any, name: str, least: int, made: type = object) -> Sequence[Any]:
        """The items of a list, each of a class."""
        if not isinstance(values, (list, tuple)) or len(values) < least:
            raise Inexpressible(name, f"{values!r} is no list{' of something' * least}")
        for item in values:
            if not isinstance(item, made):
                raise Inexpressible(name, f"{_shortened(repr(item))} is no {made.__name__}")
        return values

    def listed(self, values: tuple[str, ...], value: Any, name: str) -> str:
        """A text that is one of several."""
        if value not in values:
            raise Inexpressible(name, f"{value!r} is none of {', '.join(values)}")
        return str(value)

    def fit(self, pattern: re.Pattern[str], value: Any, name: str) -> str:
        """A text that fits its terminal; raises `Inexpressible` for another."""
        if not isinstance(value, str):
            raise Inexpressible(name, f"{value!r} is no text")
        if pattern.fullmatch(value) is None:
            raise Inexpressible(name, f"{_shortened(value)} does not fit {_shortened(pattern.pattern)}")
        return value

    def fit_optional(self, pattern: re.Pattern[str], value: Any, name: str) -> str:
        if not value:
            return ""
        if pattern.fullmatch(value) is None:
            return self.fit(pattern, value, name)
        return value if type(value) is str else str(value)

    def value(self, value: Any) -> str:
        """A JSON value on one line, as `serde_json` and `JSON.stringify` write it."""
        text = compact(value)
        if type(value) not in SCALARS and json.loads(text) != value:
            raise Inexpressible("JSON", "a key is no text")
        return text

    def split(self, text: str) -> list[str]:
        """The lines of a text, as TypeScript counts them; a line break at the end begins none."""
        if not isinstance(text, str):
            raise Inexpressible("description", f"{text!r} is no text")
        return lines_of(text)

    def lines(self, text: str, before: str, after: str) -> str:
        """The lines of a text that fits, each between two others."""
        if text.isprintable():
            return before + text + after
        return before + f"{after}{before}".join(lines_of(text)) + after

    def spelled(self, rule: str, texts: Mapping[str, str], value: Any) -> str:
        text = texts.get(value)
        if text is None:
            raise Inexpressible(rule, f"{value!r} is none of {', '.join(texts)}")
        return text


def no_writer(layout: Layout, value: Any) -> str:
    """What writes a value of a class that no alternative of a rule has."""
    raise Inexpressible(type(value).__name__)


def compact(value: Any) -> str:
    try:
        return SCALARS.get(type(value), ENCODER.encode)(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Inexpressible("JSON", f"no JSON value: {error}") from None


def lines_of(text: str) -> list[str]:
    """The lines of a text, as TypeScript counts them; a line break at the end begins none."""
    if text.isprintable():
        return [text]
    lines = LINE_BREAK.split(text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def _shortened(text: str) -> str:
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "\u2026")
