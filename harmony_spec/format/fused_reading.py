"""The state of a reader that reads with large patterns. It does not note what it expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .content_reading import JSON_DECODER, MAX_CHOICE_DEPTH, NO_MATCH, Fields, Read, Reader

Match = Callable[[str, int], re.Match[str] | None]
Fill = Callable[["FusedReader", re.Match[str], Fields], None]
Finish = Callable[["FusedReader", Any], Any]
Flanks = tuple[Match, Fill] | None


class Unfused(Exception):
    """A text must be read without fused patterns: a value in it is not JSON, or a field has two values."""


class FusedReader(Reader):
    """A reader for fused patterns."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        try:
            text.encode()
        except UnicodeEncodeError:  # surrogates
            raise Unfused from None

    def fail(self, expected: str) -> bool:
        return False

    def fused(self, match: Match, fill: Fill, f: Fields) -> bool:
        """Read parts by one pattern, and store their values."""
        found = match(self.text, self.at)
        if found is None:
            return False
        self.at = found.end()
        fill(self, found, f)
        return True

    def more(self, found: Any, read: Read, separator: str, made: Callable[[list[Any]], Any]) -> Any:
        """Read the values that follow the first one."""
        if not self.text.startswith(separator, end := self.at):
            return found
        others: Fields = {}
        self.at += len(separator)
        if self.many(read, others, "values", 1, separator):
            return made([found, *others["values"]])
        self.at = end
        return found

    def after(self, value: Any, name: str, made: Callable[..., Any], after: Flanks) -> Any:
        """Read what follows the value of a record that may be the value by itself."""
        f: Fields = {}
        if after is not None and not self.fused(*after, f):
            return NO_MATCH
        return made(**f, **{name: value}) if f else value

    def inner(self, read: Read, choices: int, follows: Match, outer: Sequence[tuple[int, Finish]]) -> Any:
        """Read the value of a rule that other rules only pass on, and then what these read after it.

        Args:
            choices: how many choices the rule is in.
            follows: matches where one of the other rules reads more.
            outer: the other rules, from inside: how many choices each is in, and what it reads after a value.
        """
        depth = self.depth
        if depth + choices > MAX_CHOICE_DEPTH + 1:
            return NO_MATCH
        self.depth = depth + choices
        value = read(self)
        if value is not NO_MATCH and follows(self.text, self.at):
            for inside, finish in outer:
                self.depth = depth + inside
                value = finish(self, value)
                if value is NO_MATCH:
                    break
        self.depth = depth
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
