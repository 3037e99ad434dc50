"""The state of a reader that reads with large patterns. It does not note what it expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .content_reading import JSON_DECODER, MAX_CHOICE_DEPTH, NO_MATCH, Fields, Read, Reader

Match = Callable[[str, int], re.Match[str] | None]

PassingOn = tuple[int, Match, str, Read]
"""A rule that passes on the value of another one: how many choices it is in, what matches where it reads more than that
value, the name of the other rule, and its reader, which gets the value from `again`."""

NOTHING_KNOWN: tuple[str, int, Any, int] = "", -1, None, -1


class Unfused(Exception):
    """A text must be read without fused patterns: a value in it is not JSON, or a field has two values."""


class FusedReader(Reader):
    """A reader for fused patterns.

    Attributes:
        known: the value that `again` returns: its rule, its start, itself, and its end.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.known = NOTHING_KNOWN
        try:
            text.encode()
        except UnicodeEncodeError:  # surrogates
            raise Unfused from None

    def fail(self, expected: str) -> bool:
        return False

    def inner(self, read: Read, choices: int, more: Match, outer: Callable[[], Iterable[PassingOn]]) -> Any:
        """Read the value of a rule that other rules only pass on, and by those that read more after it.

        Args:
            choices: how many choices the rule is in.
            more: matches where one of the other rules reads more.
            outer: returns the other rules, from inside.
        """
        start, depth = self.at, self.depth
        if depth + choices > MAX_CHOICE_DEPTH + 1:
            return NO_MATCH
        self.depth = depth + choices
        value = read(self)
        if value is not NO_MATCH and more(self.text, self.at):
            for inside, follows, name, whole in outer():
                if follows(self.text, self.at):
                    self.known, self.at, self.depth = (name, start, value, self.at), start, depth + inside
                    value = whole(self)
                    if value is NO_MATCH:
                        break
        self.depth = depth
        return value

    def again(self) -> Any:
        """Return the value of a rule that was just read at the same position."""
        (_, _, value, self.at), self.known = self.known, NOTHING_KNOWN
        return value

    def once(self, f: Fields, name: str, value: Any) -> None:
        if name in f and f[name] != value:
            raise Unfused
        f[name] = value

    def loads(self, text: str) -> Any:
        try:
            value, end = JSON_DECODER.raw_decode(text)
            return value if end == len(text) else JSON_DECODER.decode(text)
        except (ValueError, RecursionError):
            raise Unfused from None
