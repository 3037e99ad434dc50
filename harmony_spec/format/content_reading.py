"""The state of a reader of contents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

MAX_TYPE_NESTING = 24
"""How deep types may be nested. A level needs about 20 nested calls, and Python allows 1,000. Schemas that models are
known to use well stay below 10."""

MAX_CHOICE_DEPTH = 3 * MAX_TYPE_NESTING
"""The same limit in choices: the grammar of types has three for each level."""


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


JSON_DECODER = json.JSONDecoder(parse_constant=refuse_constant)

Fields = dict[str, Any]
Read = Callable[["Reader"], Any]
ReadPart = Callable[["Reader", Fields], bool]


NO_MATCH: Any = object()
"""Returned by a reader if the text does not match. None is a value."""


class Reader:
    """A position in a text.

    Methods with a dict `f` store the values of fields in it and return whether the text matches. The others return a
    value, or `NO_MATCH`. On a match they move the position after it; otherwise the caller resets it.

    Attributes:
        at: the position, in code points.
        furthest: the last position at which something did not match.
        expected: the rules and texts that were tried there.
        depth: how many choices are being read.
        variants: the names of the alternatives that were read, which no field shows.
        unread: for each type that stays text, the first position that cannot be read, and what was expected there.
    """

    nothing = NO_MATCH

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.furthest, self.expected = 0, list[str]()
        self.depth = 0
        self.variants = list[str]()
        self.unread = list[tuple[int, list[str]]]()

    def fail(self, expected: str) -> bool:
        if self.at == self.furthest:
            self.expected.append(expected)
        elif self.at > self.furthest:
            self.furthest, self.expected = self.at, [expected]
        return False

    def fixed(self, text: str, expected: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return self.fail(expected)

    def ends(self) -> bool:
        """Whether the whole text was read, as by an alternative for the content of a message."""
        return self.at == len(self.text)

    def layout(self, pattern: re.Pattern[str]) -> bool:
        """Skip optional layout."""
        if match := pattern.match(self.text, self.at):
            self.at = match.end()
        return True

    def flag(self, text: str, f: Fields, name: str) -> bool:
        f[name] = self.text.startswith(text, self.at)
        self.at += len(text) * f[name]
        return True

    def token(self, pattern: re.Pattern[str], f: Fields, name: str, expected: str = "") -> bool:
        match = pattern.match(self.text, self.at)
        if match is None:
            return self.fail(expected or name)
        self.at = match.end()
        f[name] = match[0]
        if expected and self.text[self.at : self.at + 1].strip("\n"):
            self.fail(expected)  # `highest` begins with a value, but is none
        return True

    def value(self, pattern: re.Pattern[str], f: Fields, name: str) -> bool:
        """Read a JSON value."""
        match = pattern.match(self.text, self.at)
        try:
            f[name] = JSON_DECODER.decode(match[0]) if match else NO_MATCH
        except (ValueError, RecursionError):
            return self.fail("JSON")
        if match is None:
            return self.fail(name)
        self.at = match.end()
        return True

    def part(self, read: Read, f: Fields, name: str) -> bool:
        """Read the value of a rule. A field that occurs twice must have the same value both times."""
        start = self.at
        value = read(self)
        if value is NO_MATCH:
            return False
        if name in f and f[name] != value:
            self.at = start
            return self.fail(f"{name} {f[name]!r}")
        f[name] = value
        return True

    def either(self, ways: Iterable[ReadPart], f: Fields, names: Sequence[str] = ()) -> bool:
        """Read the first alternative that matches."""
        start, variants = self.at, len(self.variants)
        for index, way in enumerate(ways):
            found = dict(f)
            if way(self, found):
                f.update(found)
                if names and names[index]:
                    self.variants.append(names[index])
                return True
            self.at = start
            del self.variants[variants:]
        return False

    def many(self, read: Read, f: Fields, name: str, least: int, separator: str) -> bool:
        """Read values, with a text between two of them."""
        values: list[Any] = []
        start = end = self.at
        while True:
            variants = len(self.variants)
            value = read(self)
            if value is NO_MATCH or self.at == start:
                del self.variants[variants:]
                break
            values.append(value)
            end = self.at
            if separator:
                if not self.text.startswith(separator, end):
                    self.fail(repr(separator))
                    break
                self.at += len(separator)
            start = self.at
        self.at = end
        if values:
            f[name] = values
        return len(values) >= least

    def choice(self, rules: Iterable[Read]) -> Any:
        """Return the value of the first rule that matches."""
        start, variants = self.at, len(self.variants)
        if self.depth > MAX_CHOICE_DEPTH:
            self.fail(f"at most {MAX_TYPE_NESTING} nested types")
            return NO_MATCH
        self.depth += 1
        for read in rules:
            value = read(self)
            if value is not NO_MATCH:
                break
            self.at = start
            del self.variants[variants:]
        self.depth -= 1
        return value

    def spelled(self, values: Mapping[str, str]) -> Any:
        """Return the name of the alternative whose text comes next."""
        for text, name in values.items():
            if self.text.startswith(text, self.at):
                self.at += len(text)
                return name
        self.fail(" or ".join(map(repr, values)))
        return NO_MATCH

    def lines(self, whole: re.Pattern[str], each: re.Pattern[str], whole_name: str) -> Any:
        """Return the text of lines without the marks that the format writes around each line."""
        match = whole.match(self.text, self.at)
        if match is None:
            self.fail("lines of text")
            return NO_MATCH
        start, self.at = self.at, match.end()
        return self.joined(match[1], each, start, match.start(2), match.end(2), whole_name)

    def joined(self, first: str, each: re.Pattern[str], start: int, other: int, end: int, whole_name: str) -> str:
        """The text of lines: the first one by itself, or all that begin at `start`, if there are others.

        If a line has a line break in it, it comes from the alternative `whole_name`, which is recorded.
        """
        lines = [first or ""] if other == end else each.findall(self.text, start, end)
        text = "\n".join(lines)
        if whole_name and text.count("\n") >= len(lines):
            self.variants.append(whole_name)
        return text + "\n" * (not lines[-1])

    def converted(self, read: Read, convert: Callable[[Any, Reader, int], Any]) -> Any:
        """Read a record and convert it; `convert` gets the reader and the position of the record, too."""
        start = self.at
        record = read(self)
        return record if record is NO_MATCH else convert(record, self, start)

    def remembered(self, read: Read, always: bool) -> Any:
        """Read a record, which keeps its text if that has alternatives which no field shows, or `always`."""
        start, outer, self.variants = self.at, self.variants, []
        record = read(self)
        if hasattr(record, "keep") and (always or self.variants):  # not the value of a part, which a rule may be, too
            record.keep(tuple(dict.fromkeys(self.variants)), self.text[start : self.at])
        self.variants = outer
        return record

    def collapsed(self, f: Fields, made: Callable[..., Any], core: str) -> Any:
        """Make a record, or return its only part: `core` is the field that can be alone."""
        if len(f) == 1:
            value = f[core]
            if not isinstance(value, list):
                return value
            if len(value) == 1:
                return value[0]
        return made(**f)
