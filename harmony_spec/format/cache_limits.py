"""Limits of caches."""

from __future__ import annotations

from typing import Any, NamedTuple


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

CONTENT_CACHES = CacheLimits(size=256, length=1_000_000)
"""A server uses few system and developer messages at a time."""
