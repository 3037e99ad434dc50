"""The names known in a conversation, and the known name that an unknown word is near."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Set
from copy import copy
from functools import cached_property
from typing import Any

from ..errors import near_misses
from ..format.cache_limits import CONTENT_CACHE_BYTES, MEMORY_PER_NAME, SizedCache
from ..format.offered_tools import declared, parameters_by_name
from ..format.tables import Format

ROLE_SIMILARITY = 0.9
"""The least ratio between a word and a role: higher, since any other word there is the name of a tool."""

_NAME = re.compile(r"[\w-]+")
PUNCTUATION = ",;:."
"""Marks after a name, as in `functions.f, json`, which models write. Quotes and brackets are prose."""

_SIGNS = re.compile(r"^[\W_]+|[\W_]+$")
LETTER = re.compile(r"[^\W\d_]")

MAX_COMPARED_TOOLS = 20
"""With more tools, only one wrong letter in a name is recognized: comparing two names takes up to 100 microseconds."""


class KnownNames:
    """The channels, content types, roles and tools of one conversation.

    Args:
        tools: the offered tools, as `offered` returns them.

    Attributes:
        tools: the full names of the offered tools; None if nothing is known of them.
        key: equal for conversations that know the same names, learned in the same order.
    """

    def __init__(self, format: Format, tools: list[Any] | None) -> None:
        self.recovery = recovery = format.meaning
        self.channels = dict.fromkeys(recovery.channels)
        self._by_last: dict[str, list[str]] | None = None
        given = None if tools is None else (*parameters_by_name(recovery, tools),)
        cache: SizedCache[tuple[frozenset[str] | None, bytes]] = format.caches.setdefault(
            "offered", SizedCache(CONTENT_CACHE_BYTES)
        )
        if (known := cache.get(given)) is None:
            writable = None if given is None else frozenset(self._writable(given))
            known = writable, _make_key(b"", self.channels, writable)
            cache.put(given, known, sum(MEMORY_PER_NAME + len(name) for name in given or ()))
        self.tools: set[str] | None = None if known[0] is None else {*known[0]}
        self.key = known[1]

    @cached_property
    def leads(self) -> tuple[str, ...]:
        """The texts that introduce fields."""
        recovery = self.recovery
        found = (lead.strip() for leads in recovery.leads.values() for lead in leads)
        return tuple(lead for lead in found if len(lead) > 1 and lead not in (*recovery.inside, recovery.begins))

    def _writable(self, tools: Iterable[str]) -> set[str]:
        """Return the names that can be written in a header."""
        writable = re.compile(self.recovery.word)
        return {tool for tool in tools if writable.fullmatch(tool)}

    def snapshot(self) -> KnownNames:
        """The names that are known now."""
        found = copy(self)
        found.channels, found._by_last = {**self.channels}, None
        found.tools = None if self.tools is None else {*self.tools}
        return found

    def learn(self, role: str, content: object) -> bool:
        """Add the tools and channels that the content of a message declares; return whether any is new."""
        paths = self.recovery.declared_tools + self.recovery.declared_builtin
        named = [parameters_by_name(self.recovery, found) for path in paths if (found := declared(path, role, content))]
        tools = self._writable(name for tools in named for name in tools) - (self.tools or set())
        listed = (declared(path, role, content) or () for path in self.recovery.declared_channels)
        channels = [name for names in listed for name in names if name not in self.channels]
        first = bool(named) and self.tools is None
        if first:
            self.tools = set()
        if not (first or tools or channels):
            return False
        if self.tools is not None:
            self.tools |= tools
        if self._by_last is not None:
            self._index_tools(tools)
        self.channels |= dict.fromkeys(channels)
        self.key = _make_key(self.key, channels, tools if named else None)
        return True

    def tool(self, word: str) -> str | None:
        """Return the full name of the offered tool that a word names, with or without its namespace."""
        if not self.tools or word in self.tools:
            return word if self.tools else None
        if self._by_last is None:
            self._by_last = {}
            self._index_tools(self.tools)
        found = self._by_last.get(self.last(word), [])
        return found[0] if len(found) == 1 else None

    def _index_tools(self, tools: set[str]) -> None:
        assert self._by_last is not None
        for tool in tools:
            self._by_last.setdefault(self.last(tool), []).append(tool)

    def last(self, name: str) -> str:
        return name.rsplit(self.recovery.separator, 1)[-1]

    def reads_as_tool(self, word: str) -> bool:
        """Whether a word is an offered tool, or begins with the namespace of functions."""
        return self._is_function(word) or self.tool(word) is not None

    def _is_function(self, word: str) -> bool:
        return bool(self.recovery.definitions.functions) and word.startswith(self.recovery.of_functions)

    def bare_tool(self, word: str) -> str:
        """Return the tool of a word without introduction: an offered one, or if none are known a function; else ""."""
        if self.is_offered(word):
            return word
        name = word.rstrip(PUNCTUATION)
        if not _NAME.fullmatch(name.replace(self.recovery.separator, "")):
            return ""  # signs that prose puts around names
        function = self.tools is None and self._is_function(name)
        return name if function or self.is_offered(name) else ""

    def is_offered(self, word: str) -> bool:
        """Whether a word is the name of an offered tool, in full or without its namespace; not with another one."""
        return self.tool(word) is not None and (word in (self.tools or ()) or self.recovery.separator not in word)

    def is_prose(self, text: str) -> bool:
        """Whether a text has two words that are not names of the format, or one in a script without capitals.

        A single word may be the remainder of a damaged name. Scripts without capitals, such as Chinese, are often
        written without spaces, and no format has names in them.
        """
        plain = (word for word in text.split() if LETTER.search(word) and not word.startswith(self.leads))
        words = [word for word in plain if not self.is_named(word)]
        return len(words) > 1 or any(char.isalpha() and char.lower() == char.upper() for word in words for char in word)

    def is_named(self, word: str) -> bool:
        """Whether a word is a role, a channel, both in one, or a content type, in any case: `JSON` is seen."""
        roles = ("", *(role for role in self.recovery.roles if word.startswith(role)))
        joined = any(word.removeprefix(role) in self.channels for role in roles)
        return joined or word in self.recovery.roles or word.lower() in self.recovery.content_types

    def is_nearly_named(self, word: str) -> bool:
        """Whether a word is such a name, or differs from one in a letter or two.

        "finally" is not near "final" here, although it is read as that channel in the channel's place.
        """
        return self.is_named(word) or bool(
            near_misses(word, [*self.channels, *self.recovery.roles], 1, ROLE_SIMILARITY)
        )

    def called(self, content: str) -> str | None:
        """Return the offered tool that a content probably calls: the one that its JSON names, or the only one."""
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            value = None
        named = value.get("name") if isinstance(value, dict) else None
        if isinstance(named, str) and self.reads_as_tool(named):
            return self.tool(named) or named
        return next(iter(self.tools)) if self.tools and len(self.tools) == 1 else None


def _make_key(before: bytes, channels: Iterable[str], tools: Set[str] | None) -> bytes:
    """Return a hash of the known names in the order in which they were learned."""
    from hashlib import sha256  # loads OpenSSL, which parsing text does not need

    names = list(channels), None if tools is None else sorted(tools)
    return sha256(before + repr(names).encode()).digest()


def without_signs(word: str) -> str:
    """Remove the signs around a word."""
    return _SIGNS.sub("", word)
