"""The names known in a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from ..format.cache_limits import CONTENT_CACHE_BYTES, MEMORY_PER_NAME, SizedCache
from ..format.offered_tools import declared, parameters_by_name
from ..format.tables import Format


class KnownNames:
    """The channels, content types, roles and tools of one conversation.

    Args:
        tools: the offered tools, as `offered` returns them.

    Attributes:
        tools: the full names of the offered tools, some of which no header may hold; None if nothing is known of them.
        key: equal for conversations that know the same names, learned in the same order.
    """

    def __init__(self, format: Format, tools: list[Any] | None) -> None:
        self.recovery, self.contents = format.meaning, format.contents
        recovery = self.recovery
        self.channels = dict.fromkeys(recovery.channels)
        given = None if tools is None else (*parameters_by_name(recovery, tools),)
        cache: SizedCache[tuple[frozenset[str] | None, bytes]] = format.caches.setdefault(
            "offered", SizedCache(CONTENT_CACHE_BYTES)
        )
        if (known := cache.get(given)) is None:
            names = None if given is None else frozenset(given)
            known = names, _make_key(b"", self.channels, names)
            cache.put(given, known, sum(MEMORY_PER_NAME + len(name) for name in given or ()))
        self.tools: set[str] | None = None if known[0] is None else {*known[0]}
        self.key = known[1]

    def read_content(self, values: Mapping[str, Any], text: str) -> tuple[Any, bool]:
        """A content as a record, if it is one, else its text; and whether it declares a name that was not known."""
        made = self.contents.class_for(values) if text else None
        structured = self.contents.structure(made, text) if made else None
        if structured is None:
            return text, False
        return structured, self.learn(values[self.recovery.slots.role], structured)

    def learn(self, role: str, content: object) -> bool:
        """Add the tools and channels that the content of a message declares; return whether any is new."""
        paths = self.recovery.declared_tools + self.recovery.declared_builtin
        named = [parameters_by_name(self.recovery, found) for path in paths if (found := declared(path, role, content))]
        tools = {name for tools in named for name in tools} - (self.tools or set())
        listed = (declared(path, role, content) or () for path in self.recovery.declared_channels)
        channels = [name for names in listed for name in names if name not in self.channels]
        first = bool(named) and self.tools is None
        if first:
            self.tools = set()
        if not (first or tools or channels):
            return False
        if self.tools is not None:
            self.tools |= tools
        self.channels |= dict.fromkeys(channels)
        self.key = _make_key(self.key, channels, tools if named else None)
        return True


def _make_key(before: bytes, channels: Iterable[str], tools: Set[str] | None) -> bytes:
    """Return a hash of the known names in the order in which they were learned."""
    from hashlib import sha256  # loads OpenSSL, which parsing text does not need

    names = list(channels), None if tools is None else sorted(tools)
    return sha256(before + repr(names).encode()).digest()
