"""What is wrong with a value or with a schema."""

from __future__ import annotations

from typing import NamedTuple


class Breach(NamedTuple):
    """A place where a value breaks a schema: a JSON pointer (RFC 6901), the reason, the keyword and its value."""

    pointer: str
    reason: str
    expected: str


class InvalidSchema(Exception):
    """A schema is invalid: the place in it, as a JSON pointer, and the reason."""

    def __init__(self, pointer: str, reason: str) -> None:
        self.pointer, self.reason = pointer, reason
        super().__init__(pointer, reason)
