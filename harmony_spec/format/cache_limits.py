"""Caches with limits for their memory: what strangers send has any size, and any number of names."""

from __future__ import annotations

from typing import Any, TypeVar
from weakref import WeakValueDictionary

V = TypeVar("V")

MAX_CACHED_UNITS = 256
"""Longer headers are not kept. The names of any conversation are shorter, and hostile input cannot fill the caches."""

HEADER_CACHE_BYTES = 64 << 20
"""The memory of all caches of headers of one tokenizer: 32,000 headers, or those of 800 lists of 40 tools."""

MEMORY_PER_HEADER = 2 << 10
"""The measured memory of a header, of an empty cache with its key, and of a tool that malformed headers may name."""


class HeaderCache(dict[Any, Any]):
    """A cache of headers. Its class allows weak references."""


class SizedCache(dict[Any, V]):
    """A cache limited by memory, not by the number of entries: contents and schemas of strangers have any size.

    It is cleared once its values together have more than `limit_bytes`. A larger value is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self.limit_bytes, self.bytes = limit_bytes, 0

    def put(self, key: object, value: V, size_bytes: int) -> None:
        """Keep a value of about this size."""
        if size_bytes <= self.limit_bytes:
            self.make_room(size_bytes)
            self[key] = value

    def make_room(self, size_bytes: int) -> None:
        """Count something of about this size."""
        if self.bytes + size_bytes > self.limit_bytes:
            self.clear()
        self.bytes += size_bytes

    def clear(self) -> None:
        super().clear()
        self.bytes = 0


class HeaderCaches(SizedCache[Any]):
    """All caches of one owner, such as a tokenizer: those of each list of tools, and others.

    Once the caches of headers have more than `HEADER_CACHE_BYTES` together, all start anew, also those that a reader
    still uses.
    """

    def __init__(self) -> None:
        super().__init__(HEADER_CACHE_BYTES)
        self._used = WeakValueDictionary[int, HeaderCache]()

    def of(self, *key: object) -> HeaderCache:
        """The cache with a key."""
        found: HeaderCache | None = self.get(key)
        if found is None:
            self.make_room(MEMORY_PER_HEADER)
            found = self[key] = HeaderCache()
            self._used[id(found)] = found
        return found

    def remember(self, cache: HeaderCache, key: object, value: object, length: int) -> None:
        """Keep a header of so many tokens or characters in a cache, unless it is long."""
        if length <= MAX_CACHED_UNITS:
            self.make_room(MEMORY_PER_HEADER)
            cache[key] = value

    def clear(self) -> None:
        for reference in self._used.valuerefs():  # `values` fails if another thread adds a cache meanwhile
            if (cache := reference()) is not None:
                cache.clear()
        super().clear()


CONTENT_CACHE_BYTES = 32 << 20
"""The memory of each cache of contents: the tool lists of a corpus, 600 of 1,000 tokens each."""

MEMORY_PER_BYTE = 8
"""The measured memory of a structured content, for each byte of its values. Its text and its token ids need less."""

MEMORY_PER_NAME = 128
"""The measured memory of a short name in a set."""
