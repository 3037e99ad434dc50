"""Caches whose limit is the memory that they take, since what strangers make them hold has any size."""

from __future__ import annotations

from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """The values that were asked for last, by key.

    Args:
        limit_bytes: what all values may take together. A larger one is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.bytes = limit_bytes, 0
        self.values: dict[object, tuple[V, int]] = {}

    def get(self, key: object) -> V | None:
        """The value of a key, which is the last to go from now on; None if it is not kept."""
        if (kept := self.values.pop(key, None)) is None:
            return None
        self.values[key] = kept
        return kept[0]

    def put(self, key: object, value: V, size_bytes: int) -> None:
        """Keep a value of about a size; those that were not asked for longest make place for it."""
        if size_bytes > self.limit_bytes:
            return
        if key in self.values:
            self.bytes -= self.values.pop(key)[1]
        self.values[key] = value, size_bytes
        self.bytes += size_bytes
        while self.bytes > self.limit_bytes:
            self.bytes -= self.values.pop(next(iter(self.values)))[1]
