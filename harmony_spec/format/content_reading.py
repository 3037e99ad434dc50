"""The state of a reader of contents."""

from __future__ import annotations

MAX_TYPE_NESTING = 24
"""How deep types may be nested. A level needs about 20 nested calls, and Python allows 1,000. Schemas that models are
known to use well stay below 10."""

MAX_CHOICE_DEPTH = 3 * MAX_TYPE_NESTING
"""The same limit in choices: the grammar of types has three for each level."""


class Nothing:
    """Returned by a reader if the text does not match. None is a value."""


NOTHING = Nothing()


class Reader:
    """A position in a text.

    Attributes:
        at: the position, in code points.
        furthest: the last position at which something did not match.
        expected: the rules and texts that were tried there.
        depth: how many choices are being read.
        variants: the names of the alternatives that were read, which no field shows.
    """

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.furthest, self.expected = 0, list[str]()
        self.depth = 0
        self.variants = list[str]()

    def fail(self, expected: str) -> bool:
        if self.at > self.furthest:
            self.furthest, self.expected = self.at, []
        if self.at == self.furthest:
            self.expected.append(expected)
        return False
