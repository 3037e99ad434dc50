"""The state of a writer of contents, and the texts that do not depend on the grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from ..errors import quoted

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

READ_TOOLS = "tools_from_json makes namespaces from definitions of tools"


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
        chosen: the alternatives that the style chooses.
        as_parsed: whether to write unchanged records as they were read.
        just_read: whether no record has changed.
        indent: what begins a line.
        names: the names already used.
    """

    def __init__(
        self, decided: Mapping[str, bool], chosen: tuple[str, ...] | None = None, just_read: bool = False
    ) -> None:
        self.decided, self.chosen, self.as_parsed, self.just_read = decided, chosen or (), chosen is None, just_read
        self.indent = ""
        self.names: set[str] = set()

    def indented(self, indent: str) -> str:
        """Indent the lines that follow. Returns the indent before, for `leave`."""
        before, self.indent = self.indent, self.indent + indent
        return before

    def leave(self, before: str, text: str) -> str:
        self.indent = before
        return text

    def kept(self, record: Any) -> str | None:
        """The text from which an unchanged record was read."""
        return record.kept_text(self.just_read) if self.as_parsed and hasattr(record, "_kept") else None

    def refuse(self, rule: str) -> str:
        raise Inexpressible(rule)

    def decide(self, value: bool | None, name: str) -> bool:
        """Return a flag; if it is None, the conversation decides it."""
        return self.decided.get(name, False) if value is None else self.flag(value, name)

    def flag(self, value: bool, name: str) -> bool:
        if value is not True and value is not False:
            raise Inexpressible(name, f"expected a bool, got {shown(value)}")
        return value

    def absent(self, value: Any, kind: type, name: str) -> str:
        """Return nothing for a falsy value that is None or empty; any other one has a wrong type."""
        if value is None or isinstance(value, kind) or (kind is list and value == ()):
            return ""
        raise Inexpressible(name, f"expected a {kind.__name__}, got {shown(value)}")

    def part(self, value: Any, name: str, made: type) -> Any:
        """Return a part after checking its class."""
        if not isinstance(value, made):
            is_tool = isinstance(value, dict) and value.get("type") == "function"  # in OpenAI's forms
            advice = f"; {READ_TOOLS}" if is_tool else ""
            raise Inexpressible(name, f"expected a {made.__name__}, got {shown(value)}{advice}")
        return value

    def items(self, values: Any, name: str, least: int, made: type = object) -> Sequence[Any]:
        """Return a list after checking its length and the class of its items."""
        if not isinstance(values, (list, tuple)) or len(values) < least:
            kind = "non-empty list" if isinstance(values, (list, tuple)) else "list"
            raise Inexpressible(name, f"expected a {kind}, got {shown(values)}")
        for item in values:
            self.part(item, name, made)
        return values

    def fit(self, pattern: re.Pattern[str], value: Any, name: str) -> str:
        """Return a text that must match its terminal."""
        if not isinstance(value, str):
            raise Inexpressible(name, f"expected a str, got {shown(value)}")
        if pattern.fullmatch(value) is None:
            raise Inexpressible(name, f"{shortened(value)!r} does not match '{shortened(pattern.pattern)}'")
        return value

    def fits(self, pattern: re.Pattern[str], value: Any) -> bool:
        """Whether a text matches its terminal."""
        return isinstance(value, str) and pattern.fullmatch(value) is not None

    def value(self, value: Any) -> str:
        """Write a JSON value on one line, as `serde_json` and `JSON.stringify` do."""
        text = compact(value)
        if type(value) not in SCALAR_WRITERS and json.loads(text) != value:
            raise Inexpressible("JSON", "a key of an object is not a str")
        return text

    def split(self, text: str) -> list[str]:
        """Split a text into lines, see `lines_of`."""
        if not isinstance(text, str):
            raise Inexpressible("description", f"expected a str, got {shown(text)}")
        return lines_of(text)

    def lines(self, lines: list[str], before: str, after: str) -> str:
        """Write lines, each between two texts."""
        return before + (lines[0] if len(lines) == 1 else f"{after}{before}".join(lines)) + after

    def spelled(self, name: str, texts: Mapping[str, str], value: Any) -> str:
        text = texts.get(value) if isinstance(value, str) else None
        if text is None:
            raise Inexpressible(name, f"unknown value {shown(value)}; allowed: {', '.join(texts)}")
        return text


def without_date(value: Any) -> Any:
    """Return the text of a date; any other value stays."""
    return date.isoformat(value) if isinstance(value, date) else value


def no_writer(layout: Layout, value: Any) -> str:
    """The writer for values whose class is in no alternative of a rule: it raises `Inexpressible`."""
    raise Inexpressible(type(value).__name__)


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


def shown(value: Any) -> str:
    """The beginning of the `repr` of a value; for an integer of more than 4,300 digits, which has none, its type."""
    try:
        return shortened(repr(value))
    except ValueError:
        return quoted(value)


def shortened(text: str) -> str:
    return text if len(text) <= MAX_QUOTED_VALUE_CHARS else text[:MAX_QUOTED_VALUE_CHARS] + "\u2026"
