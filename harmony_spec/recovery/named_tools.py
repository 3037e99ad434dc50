"""The tools that words name: in full, without their namespace, or nearly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property

from ..format.meaning import Recovery

MIN_TYPO_CHARS = 4
"""A shorter word is not read as the beginning of a name, and a shorter name has no typos: too many words are near."""

MAX_COMPARED_TOOLS = 20
"""With more tools, only one wrong letter in a name is recognized: comparing two names takes up to 100 microseconds."""

PUNCTUATION = ",;:."
"""Marks after a name, as in `functions.f, json`, which models write. Quotes and brackets are prose."""

FIRST_OF_LIST = re.compile(r"\w+(?=[:,;|+&])")
"""The first recipient of a list in one word: `user:search` addresses the user."""

APART = re.compile(r"[^\w.:$@+-]")
"""A sign that the names of tools do not have: `functions.f;json`."""

BRACKETS = ("(", "[", "{")
"""What begins the arguments of a call in the name of its tool: `functions.f(x=1)`."""

JOINTS_OF_NAMES = "_-"
"""Signs inside of names: `functions.f_priority` is another name than `functions.f`."""

UP_TO_SIGNS = re.compile(r"(?:.*[^\W_])?", re.DOTALL)
"""A word without the signs at its end."""

SIGNS_OF_LISTS = ",;|&+/<>"
"""Between the tools of a list."""


def is_typo(name: str, word: str) -> bool:
    """Whether one letter is missing, added, replaced or swapped with the next. The first one is right, or swapped."""
    if name[:2] == word[1::-1] and name[2:] == word[2:]:
        return True
    if name[:1] != word[:1] or abs(len(name) - len(word)) > 1:
        return False
    start = next((at for at, (one, other) in enumerate(zip(name, word, strict=False)) if one != other), -1)
    if start < 0:
        return True
    one, other = name[start:], word[start:]
    swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]


def is_alike(name: str, word: str, ratio: int) -> bool:
    """Whether the ratio of `difflib` for two words is at least so many hundredths; cheap bounds first."""
    if 200 * min(len(name), len(word)) < ratio * (len(name) + len(word)):
        return False
    from difflib import SequenceMatcher  # which valid input does not need

    match = SequenceMatcher(None, name, word)
    return match.quick_ratio() * 100 >= ratio and match.ratio() * 100 >= ratio


class NamedTools:
    """The tools of one conversation.

    Attributes:
        offered: the full names of the offered tools; None if nothing is known of them.
        word: matches the name of a tool.
    """

    def __init__(self, recovery: Recovery, offered: Iterable[str] | None) -> None:
        self.recovery, self.functions = recovery, recovery.definitions.functions
        self.offered = None if offered is None else frozenset(offered)
        self.word = re.compile(recovery.word)
        self._parts = re.compile(rf"[\w-]++(?:{re.escape(recovery.separator)}[\w-]++)*+")
        self._signs_between = re.compile(rf"[^\w-]+|[_-](?={re.escape(recovery.of_functions or chr(0))})")

    def last(self, name: str) -> str:
        """A name without its namespace."""
        return name.rsplit(self.recovery.separator, 1)[-1]

    def full(self, word: str) -> str | None:
        """The offered tool that a word names, in full or without its namespace; not with another one."""
        return self.any_full(word) if self.recovery.separator not in word or word in (self.offered or ()) else None

    def any_full(self, word: str) -> str | None:
        """The offered tool that a word names, whatever its namespace is."""
        if not self.offered or word in self.offered:
            return word if self.offered else None
        found = self._by_last.get(self.last(word), [])
        return found[0] if len(found) == 1 else None

    def is_function(self, word: str) -> bool:
        """Whether a word begins with the namespace of functions."""
        return bool(self.functions) and word.startswith(self.recovery.of_functions)

    def is_tool(self, word: str) -> bool:
        """Whether a word names an offered tool, or has the namespace of functions."""
        return self.full(word) is not None or (self.is_function(word) and self.word.fullmatch(word) is not None)

    def is_full(self, word: str) -> bool:
        """Whether a word is the full name of an offered tool, or of a function if none are known."""
        return word in self.offered if self.offered is not None else self.is_function(word)

    def ends(self, part: str) -> bool:
        """Whether the beginning of a word is a tool, perhaps with signs after it: an offered one, or if none are known
        a function before a sign that names do not have. Not before arguments (`f(to=1)`)."""
        found = UP_TO_SIGNS.match(part)
        if found is None or part[-1] in (*JOINTS_OF_NAMES, *BRACKETS):
            return False
        if self.offered is None:
            return self.is_function(found[0]) and APART.search(part, found.end()) is not None
        return self.full(found[0]) is not None

    def bare(self, word: str) -> str:
        """The name in a word without introduction: an offered tool, or if none are known a function; else ""."""
        if self.full(word):
            return word
        name = word.rstrip(PUNCTUATION)
        if not self._parts.fullmatch(name):
            return ""  # signs that prose puts around names
        return name if (self.offered is None and self.is_function(name)) or self.full(name) else ""

    def called(self, content: str) -> str | None:
        """The offered tool that a content probably calls: the one that its JSON names, or the only one."""
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            value = None
        named = value.get("name") if isinstance(value, dict) else None
        if isinstance(named, str) and (self.is_function(named) or self.any_full(named)):
            is_unknown = self.offered is None and self.word.fullmatch(named)
            return self.any_full(named) or (named if is_unknown else None)
        return next(iter(self.offered)) if self.offered and len(self.offered) == 1 else None

    # Names that are not exact.

    @cached_property
    def _by_last(self) -> dict[str, list[str]]:
        """The offered tools by their names without the namespace."""
        found: dict[str, list[str]] = {}
        for tool in self.offered or ():
            found.setdefault(self.last(tool), []).append(tool)
        return found

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        return frozenset(tool.rpartition(self.recovery.separator)[0] for tool in self.offered or ()) - {""}

    @cached_property
    def _index(self) -> dict[str, set[str]]:
        """The offered tools by their names without the namespace, also without one letter, and by the letters of their
        names, with and without it; all in lower case."""
        found: dict[str, set[str]] = {}
        for tool in (*(self.offered or ()), *self.recovery.recipients):
            last = self.last(tool)
            for name in (_letters(tool), _letters(last), last, *_shortened(last)):
                found.setdefault(name.lower(), set()).add(tool)
        return found

    @cached_property
    def _longest(self) -> int:
        """How long the longest of these is: a longer word, and each of its letters, is not looked up."""
        return max(map(len, self._index), default=0)

    def respelled(self, word: str) -> str | None:
        """A function whose namespace has a typo or capital letters, if no tools are known."""
        namespace, _, name = word.partition(self.recovery.separator)
        known = self.offered is not None or namespace == self.functions
        if not known and self.functions and name and is_typo(self.functions, namespace.lower()):
            return self.recovery.full_name(self.functions, name)
        return None

    def spelled_apart(self, text: str) -> str | None:
        """The only offered tool with the letters of some words; if none are known, a function after its namespace."""
        if self.offered is None and self.functions:
            parts = [word for part in text.split() for word in part.split(self.recovery.separator) if word]
            if len(parts) != 2 or parts[0] != self.functions:
                return None
            full = self.recovery.full_name(*parts)
            return full if self.word.fullmatch(full) else None
        found = self._with_letters(text).intersection(self.offered or ())
        return found.pop() if len(found) == 1 else self.full(text)

    def _with_letters(self, text: str) -> set[str]:
        """The tools that have the letters of a text, with their namespace or without it."""
        letters = _letters(text)
        near = self._index.get(letters, set()) if letters else ()
        return {tool for tool in near if letters in (_letters(tool), _letters(self.last(tool)))}

    def is_list(self, word: str) -> bool:
        """Whether a word names several offered tools, with signs between them."""
        parts = {part.strip("-") for part in self._signs_between.split(word)} if self.offered else ()
        return len(parts) > 1 and len({*map(self.any_full, parts)} - {None}) > 1

    def listed(self, text: str) -> list[str]:
        """The tools of a list with signs or white space between them; none for another text."""
        joint = re.escape(self.recovery.separator)
        parts = re.split(rf"\s*(?!{joint})[{SIGNS_OF_LISTS}]\s*|\s+{joint}\s+", text)
        tools = dict.fromkeys(self.full(part) or part for part in parts)
        return [*tools] if len(tools) > 1 and all(map(self.is_tool, tools)) else []

    def nearest(self, word: str, ratio: int) -> str | None:
        """The only offered tool that a word is near to.

        Args:
            ratio: how alike the two are, in hundredths.
        """
        bare = word.rstrip(PUNCTUATION)
        found, last = self._with_letters(word), self.last(bare)
        if not found:
            names = (last, *_shortened(last)) if len(last) <= self._longest + 1 else ()
            near = set().union(*(self._index.get(name.lower(), set()) for name in names))
            near = near if len(last) >= MIN_TYPO_CHARS else near.intersection(self.recovery.recipients)
            found = {tool for tool in near if is_typo(self.last(tool), last)}
        if not found and len(self.offered or ()) <= MAX_COMPARED_TOOLS:
            found = {tool for tool in self.offered or () if is_alike(self.last(tool), last, ratio)}
        namespace = bare.rpartition(self.recovery.separator)[0]
        found = {tool for tool in found if _digits(self.last(tool)) == _digits(last)}  # `v1` is not a misspelt `v2`
        if namespace not in ("", self.functions):  # `lookup.user` is another name than `user`
            found = found.difference(self.recovery.recipients)
        # A function is a tool of no other namespace, but may be one without: `functions.python`.
        spaces = {namespace} & self._namespaces or ({namespace, ""} if namespace == self.functions else set())
        if namespace and spaces:
            found = {tool for tool in found if tool.rpartition(self.recovery.separator)[0] in spaces}
        return next(iter(found)) if len(found) == 1 else None

    def is_sure(self, tool: str, word: str) -> bool:
        """Whether a word that is near to a tool differs from its name in signs or one letter only."""
        (space, _, last), (other_space, _, other) = (
            name.rpartition(self.recovery.separator) for name in (tool, word.rstrip(PUNCTUATION))
        )
        same = _letters(last) == _letters(other) or is_typo(last, other)
        same_space = not other_space or _letters(space) == _letters(other_space) or is_typo(space, other_space)
        return (same and same_space) or _letters(word) in (_letters(tool), _letters(last))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _digits(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def _shortened(name: str) -> set[str]:
    """A name without one of its letters: two names with a typo between them have one such part in common."""
    return {name[:at] + name[at + 1 :] for at in range(len(name))}
