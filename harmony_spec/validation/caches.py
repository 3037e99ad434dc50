"""A cache limited by memory, not by the number of entries: schemas and patterns of strangers have any size."""

from __future__ import annotations

from typing import Generic, TypeVar

V = TypeVar("V")


class SizedCache(Generic[V]):
    """Keeps the values that were used last.

    Args:
        limit_bytes: the size of all values together. A larger value is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.bytes = limit_bytes, 0
        self.values: dict[object, tuple[V, int]] = {}

    def get(self, key: object) -> V | None:
        if (kept := self.values.pop(key, None)) is None:
            return None
        self.values[key] = kept  # at the end: the first entry is dropped first
        return kept[0]

    def put(self, key: object, value: V, size_bytes: int) -> None:
        """Keep a value of about this size, and drop the values that were used longest ago to make room."""
        if size_bytes > self.limit_bytes:
            return
        if key in self.values:
            self.bytes -= self.values.pop(key)[1]
        self.values[key] = value, size_bytes
        self.bytes += size_bytes
        while self.bytes > self.limit_bytes:
            self.bytes -= self.values.pop(next(iter(self.values)))[1]
