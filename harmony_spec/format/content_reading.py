"""What generated readers of contents run on: a position in a text, and what may stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

NESTING = 24
"""How deep types may be nested. A level costs about 20 calls on the way in, and Python has room for 1,000; what models
are known to use well stays under 10."""

DEEPEST = 3 * NESTING
"""The same in choices: the grammar of types makes three for each level."""

Fields = dict[str, Any]
Read = Callable[["Reader"], Any]
Group = Callable[["Reader", Fields], bool]


class Nothing:
    """What a reader gives where a rule does not fit: None is a value."""


NOTHING = Nothing()


class Reader:
    """A position in a text. Methods read what stands there and go on behind it, or leave the rest to the caller.

    Attributes:
        text: what is read.
        at: the position, in code points.
        furthest: the furthest position at which something did not fit.
        expected: what could have stood there.
    """

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.furthest, self.expected = 0, list[str]()
        self.depth = 0

    def fail(self, expected: str) -> bool:
        if self.at > self.furthest:
            self.furthest, self.expected = self.at, []
        if self.at == self.furthest:
            self.expected.append(expected)
        return False

    def fixed(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return self.fail(repr(text))

    def layout(self, pattern: re.Pattern[str]) -> bool:
        """Skip layout, if there is any."""
        if match := pattern.match(self.text, self.at):
            self.at = match.end()
        return True

    def flag(self, text: str, f: Fields, name: str) -> bool:
        f[name] = self.text.startswith(text, self.at)
        self.at += len(text) * f[name]
        return True

    def token(self, pattern: re.Pattern[str], f: Fields, name: str) -> bool:
        match = pattern.match(self.text, self.at)
        if match is None:
            return self.fail(name)
        self.at = match.end()
        f[name] = match[0]
        return True

    def maybe_token(self, pattern: re.Pattern[str], f: Fields, name: str) -> bool:
        """Text that may be absent."""
        return self.token(pattern, f, name) or True

    def value(self, pattern: re.Pattern[str], f: Fields, name: str) -> bool:
        """A JSON value."""
        match = pattern.match(self.text, self.at)
        try:
            f[name] = json.loads(match[0], parse_constant=_no_constant) if match else NOTHING
        except (ValueError, RecursionError):
            return self.fail("JSON")
        if match is None:
            return self.fail(name)
        self.at = match.end()
        return True

    def part(self, read: Read, f: Fields, name: str) -> bool:
        """The value of a rule. A field that stands twice says the same in both places."""
        start = self.at
        value = read(self)
        if value is NOTHING:
            return False
        if name in f and f[name] != value:
            self.at = start
            return self.fail(f"{name} {f[name]!r}")
        f[name] = value
        return True

    def maybe(self, read: Read, f: Fields, name: str) -> bool:
        start = self.at
        if not self.part(read, f, name):
            self.at = start
        return True

    def group(self, read: Group, f: Fields) -> bool:
        """A group that may be absent."""
        start = self.at
        found = dict(f)
        if read(self, found):
            f.update(found)
        else:
            self.at = start
        return True

    def many(self, read: Group, f: Fields, name: str, least: int) -> bool:
        """Groups of one value each."""
        values: list[Any] = []
        while True:
            start = self.at
            found: Fields = {}
            if not read(self, found) or self.at == start:
                self.at = start
                break
            values += found.values()
        if values:
            f[name] = values
        return len(values) >= least

    def joined(self, read: Group, separator: str, f: Fields, name: str) -> bool:
        """Groups of one value each, with a text between them."""
        values: list[Any] = []
        end = self.at
        while True:
            found: Fields = {}
            if not read(self, found):
                break
            values += found.values()
            end = self.at
            if not self.fixed(separator):
                break
        self.at = end
        f[name] = values
        return bool(values)

    def either(self, ways: Iterable[Group], f: Fields) -> bool:
        """The first of several ways that fits."""
        start = self.at
        for way in ways:
            found = dict(f)
            if way(self, found):
                f.update(found)
                return True
            self.at = start
        return False

    def choice(self, rules: Iterable[Read]) -> Any:
        """The value of the first rule that fits."""
        start = self.at
        if self.depth > DEEPEST:
            self.fail(f"at most {NESTING} nested types")
            return NOTHING
        self.depth += 1
        for read in rules:
            value = read(self)
            if value is not NOTHING:
                self.depth -= 1
                return value
            self.at = start
        self.depth -= 1
        return NOTHING

    def spelled(self, values: Mapping[str, str]) -> Any:
        """The name of the alternative whose text stands here."""
        for text, name in values.items():
            if self.text.startswith(text, self.at):
                self.at += len(text)
                return name
        self.fail(" or ".join(map(repr, values)))
        return NOTHING

    def lines(self, whole: re.Pattern[str], each: re.Pattern[str]) -> Any:
        """The text of lines that the format sets apart."""
        match = whole.match(self.text, self.at)
        if match is None:
            self.fail("lines of text")
            return NOTHING
        lines = each.findall(self.text, self.at, match.end())
        self.at = match.end()
        return "\n".join(lines) + "\n" * (not lines[-1])

    def collapsed(self, made: Callable[..., Any], f: Fields, core: str) -> Any:
        """What a rule says that is no more than one of its parts: the value of that part."""
        if len(f) == 1:
            value = f[core]
            if not isinstance(value, list):
                return value
            if len(value) == 1:
                return value[0]
        return made(**f)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
