"""The names that a word of a header may stand for, and what each costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ..format.tables import FieldCosts, Format
from .header_automaton import automaton_of
from .known_names import MAX_COMPARED_TOOLS, PUNCTUATION, KnownNames

MIN_TYPO_CHARS = 4
"""A shorter word is not read as the beginning of a name, and a shorter name has no typos: too many words are near."""

MIN_ROLE_TYPO_CHARS = 6
"""`users` is a word, and one letter from a role."""

MAX_CACHED_WORDS, MAX_CACHED_WORD_CHARS = 2_000, 64
"""The readings of so many words of a conversation are kept: about 1 MB."""

NO_COSTS = FieldCosts({}, {})


class Name(NamedTuple):
    """What a word, or its beginning, may be for a field.

    Attributes:
        how: "" (as it is written), "glued" (the word goes on), "near", "unknown" or "role" (in place of a tool).
    """

    field: str
    value: str
    length: int
    cost: int
    how: str = ""

    @property
    def kind(self) -> str:
        """The edit for it in its place."""
        return self.how if self.how in ("near", "glued") else ""


def is_typo(name: str, word: str) -> bool:
    """Whether one letter is missing, added, replaced or swapped with the next; the first letter is right."""
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


class HeaderNames:
    """The names of one conversation, by field, and the readings of words by them."""

    def __init__(self, format: Format, known: KnownNames) -> None:
        self.format, self.known, self.automaton = format, known, automaton_of(format)
        self.recovery = recovery = known.recovery
        self.slots, self.costs, self.lead = recovery.slots, recovery.costs, self.automaton.lead
        slots = self.slots
        lists = {slots.role: recovery.roles, slots.channel: known.channels, slots.content_type: recovery.content_types}
        lists |= {
            field: tuple(str(value) for value in values if value)
            for field, values in format.listed_values.items()
            if field not in lists
        }
        self.lists = {
            field: tuple(name for name in names if pattern.fullmatch(name))
            for field, names in lists.items()
            if (pattern := self.automaton.patterns.get(field))
        }
        purposes = (slots.role, slots.channel, slots.content_type)
        self.all = frozenset(name for field in purposes for name in self.lists.get(field, ()))
        self.word = re.compile(recovery.word)
        self.offered = None if known.tools is None else frozenset(known.tools)
        self._readings: dict[str, tuple[Name, ...]] = {}

    def row(self, field: str) -> FieldCosts:
        """The costs and diagnostics of a field."""
        return self.recovery.fields.get(field, NO_COSTS)

    def tool(self, word: str) -> str | None:
        """The offered tool that a word names, in full or without its namespace."""
        return self.known.tool(word) if self.offered and self.known.is_offered(word) else None

    def is_tool(self, word: str) -> bool:
        """Whether a word names an offered tool, or has the namespace of functions."""
        return self.tool(word) is not None or (
            bool(self.recovery.definitions.functions)
            and word.startswith(self.recovery.of_functions)
            and self.word.fullmatch(word) is not None
        )

    def is_known(self, word: str) -> bool:
        return word in self.all or self.is_tool(word)

    def readings(self, word: str) -> tuple[Name, ...]:
        """What a word, or its beginning, may be, for all fields."""
        if (found := self._readings.get(word)) is None:
            found = tuple(name for field in self.automaton.patterns for name in self._read(field, word))
            if len(word) <= MAX_CACHED_WORD_CHARS:
                if len(self._readings) >= MAX_CACHED_WORDS:
                    self._readings.clear()
                self._readings[word] = found
        return found

    def _read(self, field: str, word: str) -> Iterator[Name]:
        if field in self.lists:
            yield from self._listed(field, word)
        elif field == self.slots.recipient:
            yield from self._tool(word)
        elif field == self.slots.name:
            yield from self._author(word)
        elif match := self.automaton.patterns[field].match(word):
            cost = self.costs["glued"] * (match.end() < len(word))
            yield Name(field, match[0], match.end(), cost)

    # Fields whose names are known.

    def _listed(self, field: str, word: str) -> Iterator[Name]:
        known, row = self.lists[field], self.row(field).costs
        if word in known:
            yield Name(field, word, len(word), 0)
            return
        lead = word.find(self.lead) if self.lead else -1
        if lead > 0:  # `commentary:to=functions.f`
            names = self._listed(field, word[:lead])
            yield from (name._replace(cost=name.cost + self.costs["glued"], how=name.how or "glued") for name in names)
            return
        yield from (Name(field, n, len(n), self.costs["glued"], "glued") for n in known if word.startswith(n))
        near, cost = self._near(field, word) if lead else ("", 0)
        if near:
            yield Name(field, near, len(word), cost, "near")
        elif "unknown" in row and not self.is_known(word):
            pattern = self.automaton.patterns[field]
            match = self.word.match(word) if self.recovery.definitions.functions else None
            match = match if match and pattern.fullmatch(match[0]) else pattern.match(word)
            if match:
                cost = row["unknown"] + self.costs["glued"] * (match.end() < len(word))
                yield Name(field, match[0], match.end(), cost, "unknown")

    def _near(self, field: str, word: str) -> tuple[str, int]:
        """The only known name that a word is near to, and the cost; "" if there is none."""
        known, row = self.lists[field], self.row(field).costs
        bare = re.sub(r"^[\W_]+|[\W_]+$", "", word).lower()
        if not bare:
            return "", 0
        parts = {bare} if field == self.slots.role else {bare, *re.split(r"\W+", bare)}
        found, cost = [n for n in known if n in parts or bare == n * (len(bare) // len(n))], self.costs["decorated"]
        if not found:
            cost = self.costs["joined"]
            before = {*known, *self.recovery.roles}
            found = [n for n in known if bare.endswith(n) and bare[: -len(n)] in before]
        if not found and row.get("beginning"):
            cost = self.costs["near"]
            found = [n for n in known if bare.startswith(n) or (len(bare) >= MIN_TYPO_CHARS and n.startswith(bare))]
            if found and any(bare.endswith(n) for n in known if n not in found):
                return "", 0  # `analysis_final`
        if not found and (ratio := row.get("ratio", self.costs["ratio"])):
            cost = self.costs["near"]
            least = MIN_ROLE_TYPO_CHARS if field == self.slots.role else MIN_TYPO_CHARS
            found = [n for n in known if is_alike(n, bare, ratio) or (len(bare) >= least and is_typo(n, bare))]
        return (found[0], cost) if len(found) == 1 else ("", 0)

    # Tools.

    def _tool(self, word: str) -> Iterator[Name]:
        """A recipient: any name, and of the offered tools also what is near."""
        field, row = self.slots.recipient, self.row(self.slots.recipient).costs
        yield from self._cut(field, word)
        if word in self.recovery.recipients:
            yield Name(field, word, len(word), 0)
            return
        if word in self.recovery.roles:
            yield Name(field, word, len(word), 0, "role")
            return
        if tool := self.tool(word):
            yield Name(field, tool, len(word), self.costs["partial"] * (tool != word), "near" * (tool != word))
            return
        if word in self.all:
            return
        if (role := re.sub(r"\W+$", "", word).lower()) in self.recovery.roles:
            yield Name(field, role, len(word), self.costs["decorated"], "role")
            return
        if is_typo(self.recovery.author[self.slots.role], word):
            yield Name(field, self.recovery.author[self.slots.role], len(word), self.costs["near"], "role")
        unknown = row["unknown"] * (self.offered is not None)
        match = self.word.search(word)
        bare = re.sub(r"\W+$", "", match[0]) if match else word
        around = word.replace(bare, "", 1)
        tool = self._nearest_tool(word) or self._respelled(bare)
        ends = self.offered is None and self.word.fullmatch(bare) and word.rstrip(PUNCTUATION) == bare
        if not tool and around and not re.search(r"\w", around) and (ends or self.is_tool(bare)):
            tool = self.tool(bare) or bare
        if tool:
            yield Name(field, tool, len(word), self.costs["decorated" if around else "near"], "near")
        elif self.automaton.patterns[field].fullmatch(word):
            bare_namespace = word in (self.recovery.definitions.functions, self.recovery.of_functions)
            odd = row["odd"] * (match is None or match[0] != word or bare_namespace)
            yield Name(field, word, len(word), unknown + odd)
        if match and match.start() == 0 and match[0] != word:
            tool = self.tool(match[0])
            yield Name(field, tool or match[0], match.end(), self.costs["glued"] + (0 if tool else unknown), "glued")

    def _respelled(self, word: str) -> str | None:
        """A function whose namespace has a typo, if no tools are known."""
        namespace, _, name = word.partition(self.recovery.separator)
        functions = self.recovery.definitions.functions
        if self.offered is None and functions and name and namespace != functions and is_typo(functions, namespace):
            return self.recovery.full_name(functions, name)
        return None

    def _author(self, word: str) -> Iterator[Name]:
        """A tool that answers."""
        field, row = self.slots.name, self.row(self.slots.name).costs
        match = self.word.match(word) or self.automaton.patterns[field].match(word)
        if not match or word in self.all:
            return
        yield from self._cut(field, word)
        tool = self.tool(match[0])
        namespaced = self.recovery.definitions.functions and match[0].startswith(self.recovery.of_functions)
        cost = 0 if tool == match[0] else row["partial" if tool else "namespaced" if namespaced else "unknown"]
        glued = match.end() < len(word)
        if glued and self.automaton.patterns[field].fullmatch(word):
            yield Name(field, word, len(word), cost + row["odd"])
        yield Name(field, match[0], match.end(), cost + self.costs["glued"] * glued, "glued" * glued)

    def _cut(self, field: str, word: str) -> Iterator[Name]:
        """A tool that touches another name, or what introduces one."""
        ends = {len(word) - len(name) for name in self.all if word.endswith(name)}
        ends |= {word.find(self.lead) if self.lead else 0}
        for at in sorted(end for end in ends if end > 0):
            part, rest = word[:at], word[at:]
            tool, introduced = self.tool(part), self.lead != "" and rest.startswith(self.lead)
            answers = introduced and field == self.slots.name and rest[len(self.lead) :] in self.recovery.roles
            if tool or (introduced and self.is_tool(part)) or (answers and part not in self.all):
                yield Name(field, tool or part, at, self.costs["glued"], "glued")
            elif field == self.slots.recipient and part in self.recovery.roles and rest in self.all:
                yield Name(field, part, at, self.costs["glued"], "role")

    @cached_property
    def _index(self) -> dict[str, set[str]]:
        """The offered tools by the letters of their names, with and without the namespace, and without one letter; all
        in lower case."""
        found: dict[str, set[str]] = {}
        for tool in (*(self.offered or ()), *self.recovery.recipients):
            last = self.known.last(tool)
            for name in (_letters(tool), _letters(last), *_shortened(last)):
                found.setdefault(name.lower(), set()).add(tool)
        return found

    def spelled_apart(self, text: str) -> str | None:
        """The only offered tool with the letters of some words; if none are known, a function after its namespace."""
        functions, separator = self.recovery.definitions.functions, self.recovery.separator
        if self.offered is None and functions:
            parts = [word for part in text.split() for word in part.split(separator) if word]
            if len(parts) != 2 or parts[0] != functions or parts[1] in self.all:
                return None
            full = self.recovery.full_name(functions, parts[1])
            return full if self.word.fullmatch(full) else None
        letters, offered = _letters(text), self.offered or ()
        near = (tool for tool in self._index.get(letters, ()) if tool in offered)
        found = [tool for tool in near if letters in (_letters(tool), _letters(self.known.last(tool)))]
        return found[0] if len(found) == 1 else None

    def _nearest_tool(self, word: str) -> str | None:
        """The only offered tool that a word is near to; none for a list of several."""
        if sum(self.tool(part) is not None for part in word.split(",")) > 1:
            return None
        found, last = self._index.get(_letters(word), set()), self.known.last(word.rstrip(PUNCTUATION))
        if not found and len(last) >= MIN_TYPO_CHARS:
            near = set().union(*(self._index.get(name.lower(), set()) for name in (last, *_shortened(last))))
            found = {tool for tool in near if is_typo(self.known.last(tool), last)}
        if not found and len(self.offered or ()) <= MAX_COMPARED_TOOLS:
            ratio = self.row(self.slots.recipient).costs["ratio"]
            found = {tool for tool in self.offered or () if is_alike(self.known.last(tool), last, ratio)}
        return next(iter(found)) if len(found) == 1 else None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _shortened(name: str) -> set[str]:
    """A name without one of its letters: two names with a typo between them have one such part in common."""
    return {name[:at] + name[at + 1 :] for at in range(len(name))}
