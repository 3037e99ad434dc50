"""The lines of a text."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property


class LineIndex:
    """The lines of a text, indexed once, so that each position is found in logarithmic time."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        """The offsets of the lines."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def place(self, at: int) -> tuple[int, int]:
        """Return the line and the column of a code point, both from 1."""
        line = bisect_right(self.starts, at)
        return line, at - self.starts[line - 1] + 1

    def around(self, at: int, most: int) -> tuple[str, int]:
        """Return the line of a code point, up to `most` characters on each side, and its offset in that."""
        line, _ = self.place(at)
        begin = self.starts[line - 1]
        end = self.starts[line] - 1 if line < len(self.starts) else len(self.text)
        first = max(begin, at - most)
        return self.text[first : min(end, at + most)], at - first
