"""A cache limited by memory, not by the number of entries: schemas and patterns of strangers have any size."""

from __future__ import annotations

from typing import TypeVar

V = TypeVar("V")


class SizedCache(dict[object, V]):
    """A cache that is cleared once its values together have more than `limit_bytes`. A larger value is not kept."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self.limit_bytes, self.bytes = limit_bytes, 0

    def put(self, key: object, value: V, size_bytes: int) -> None:
        """Keep a value of about this size."""
        if size_bytes > self.limit_bytes:
            return
        if self.bytes + size_bytes > self.limit_bytes:
            self.clear()
            self.bytes = 0
        self[key] = value
        self.bytes += size_bytes
