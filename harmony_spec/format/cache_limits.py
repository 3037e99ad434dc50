"""Caches with limits."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

V = TypeVar("V")


class CacheLimits(NamedTuple):
    """How many entries a cache has, and how long the text of an entry is at most."""

    size: int
    length: int

    def remember(self, cache: dict[Any, Any], key: Any, value: object, length: int) -> None:
        """Add an entry whose text is not too long. A full cache is cleared, so that current entries fit."""
        if length <= self.length:
            if len(cache) >= self.size:
                cache.clear()
            cache[key] = value


HEADER_CACHES = CacheLimits(size=4096, length=256)
"""More than the combinations of tools, channels and roles in any conversation. Hostile input cannot make them large."""


class SizedCache(dict[Any, V]):
    """A cache limited by memory, not by the number of entries: contents and schemas of strangers have any size.

    It is cleared once its values together have more than `limit_bytes`. A larger value is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self.limit_bytes, self.bytes = limit_bytes, 0

    def put(self, key: object, value: V, size_bytes: int) -> None:
        """Keep a value of about this size."""
        if size_bytes > self.limit_bytes:
            return
        if self.bytes + size_bytes > self.limit_bytes:
            self.clear()
        self[key] = value
        self.bytes += size_bytes

    def clear(self) -> None:
        super().clear()
        self.bytes = 0


CONTENT_CACHE_BYTES = 32 << 20
"""The memory of each cache of contents: the tool lists of a corpus, 600 of 1,000 tokens each."""

MEMORY_PER_BYTE = 8
"""The measured memory of a structured content, for each byte of its values. Its text and its token ids need less."""

MEMORY_PER_NAME = 128
"""The measured memory of a short name in a set."""
