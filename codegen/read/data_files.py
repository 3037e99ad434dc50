"""The data files as typed records: the vocabulary, the render styles, what is true of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .grammar_folder import CONVERSATION, STYLES, VOCABULARY, Sources
from .problems import Problem

MAX_TOKEN_IDS = 0x110000
"""Each token id is a code point in the texts that codecs match, and Unicode has no more."""

MAX_RESERVED_TOKENS = 20_000
"""A wrong `last` could ask for a million. Harmony reserves about 1,100, and each is checked on its own."""

KIND_NAMES = {dict: "a table", int: "an integer", list: "a list", str: "a string"}


@dataclass(frozen=True)
class Vocabulary:
    encoding: str
    size: int
    special: Mapping[str, int]
    reserved: tuple[str, int, int] | None
    base: Mapping[str, Any] | None


@dataclass(frozen=True)
class When:
    """A condition on the fields of a message: for each a value, or true for present and false for absent."""

    fields: tuple[tuple[str, str | bool], ...]


@dataclass(frozen=True)
class Choose:
    """Write this named alternative in messages that meet the condition."""

    alternative: str
    when: When


@dataclass(frozen=True)
class Style:
    name: str
    choose: tuple[Choose, ...]


@dataclass(frozen=True)
class Drop:
    """A function that drops messages of completed turns."""

    name: str
    dropped: When
    completes: When


@dataclass(frozen=True)
class Implied:
    """A flag of a content rule; if a message leaves it open, the contents of other messages decide it."""

    rule: str
    flag: str
    role: str
    list: str
    name: str


class DataFiles:
    """The data files by their keys; a missing key or a value of a wrong type is added to `problems`."""

    def __init__(self, sources: Sources, problems: list[Problem]) -> None:
        self.sources, self.problems = sources, problems
        self.vocabulary = self._vocabulary(sources.vocabulary)

    def refuse(self, file: str, keys: tuple[str, ...], reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.sources.place(file, *keys), reason, remedy))

    def get(self, data: dict[str, Any], file: str, kind: type, *keys: str, default: Any = None) -> Any:
        """Return the value at a path of keys. A wrong type is a problem, and so is a missing value without default."""
        value: Any = data
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None and default is not None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            wrong = "missing" if value is None else f"not {KIND_NAMES[kind]}"
            self.refuse(file, keys, f"`{'.'.join(keys)}` is {wrong}", "docs/grammar.md lists the keys of this file.")
            return kind()
        return value

    def _vocabulary(self, data: dict[str, Any]) -> Vocabulary:
        size = self.get(data, VOCABULARY, int, "size")
        if not 0 < size <= MAX_TOKEN_IDS:
            self.refuse(VOCABULARY, ("size",), f"a vocabulary has 1 to {MAX_TOKEN_IDS} ids", "Correct the size.")
        special = self._named(data, size)
        reserved = self._reserved(data, size) if "reserved" in data else None
        if reserved:
            self._add_reserved(reserved, special)
        base = self._base(data, size)
        if not special:
            self.refuse(VOCABULARY, ("special",), "there are no special tokens", "Name them with their ids.")
        ordered = dict(sorted(special.items(), key=lambda item: item[1]))
        encoding = self.get(data, VOCABULARY, str, "encoding")
        return Vocabulary(encoding, size, ordered, reserved, base)

    def _named(self, data: dict[str, Any], size: int) -> dict[str, int]:
        """The special tokens with names. One with an invalid id gets a negative one, for later checks."""
        special: dict[str, int] = {}
        owner: dict[int, str] = {}
        for spelling, number in self.get(data, VOCABULARY, dict, "special").items():
            keys = ("special", spelling)
            if not spelling or type(number) is not int or not 0 <= number < size:
                self.refuse(VOCABULARY, keys, f"`{spelling}` has no id from 0 to {size - 1}", "Correct it, or `size`.")
                number = -1 - len(special)
            elif number in owner:
                reason = f"`{owner[number]}` and `{spelling}` have one id, {number}"
                self.refuse(VOCABULARY, keys, reason, "Give each special token an id of its own.")
            owner.setdefault(number, spelling)
            special[spelling] = number
        return special

    def _reserved(self, data: dict[str, Any], size: int) -> tuple[str, int, int] | None:
        """How reserved special tokens are spelled, and their first and last id."""
        template = self.get(data, VOCABULARY, str, "reserved", "spelling")
        first, last = (self.get(data, VOCABULARY, int, "reserved", key) for key in ("first", "last"))
        if 0 <= first <= last < min(size, first + MAX_RESERVED_TOKENS) and template.count("{id}") == 1:
            return template, first, last
        remedy = f"`first` and `last` are at most {MAX_RESERVED_TOKENS} ids, `spelling` holds {{id}} once."
        self.refuse(VOCABULARY, ("reserved",), "not a range of ids of this vocabulary", remedy)
        return None

    def _add_reserved(self, reserved: tuple[str, int, int], special: dict[str, int]) -> None:
        """Add a reserved special token for each id in the range that no other one has."""
        template, first, last = reserved
        for number in sorted({*range(first, last + 1)} - {*special.values()}):
            spelling = template.replace("{id}", str(number))
            if spelling in special:
                reason = f"`{spelling}` has the id {special[spelling]}, and is reserved for {number}"
                self.refuse(VOCABULARY, ("special", spelling), reason, "Choose another spelling.")
            else:
                special[spelling] = number

    def _base(self, data: dict[str, Any], size: int) -> dict[str, Any] | None:
        """The encoding of ordinary tokens: name, size, hash and patterns that split texts."""
        if not self.get(data, VOCABULARY, dict, "base", default={}):
            return None
        kinds = {"name": str, "size": int, "sha256": str, "split": list}
        base = {key: self.get(data, VOCABULARY, kind, "base", key) for key, kind in kinds.items()}
        if not 0 < base["size"] <= size:
            self.refuse(VOCABULARY, ("base", "size"), "not a size within the vocabulary", f"At most {size}.")
        if not all(isinstance(part, str) for part in base["split"]):
            self.refuse(VOCABULARY, ("base", "split"), "not a list of strings", "List regular expressions.")
        return base

    def rendering(self) -> dict[str, Any]:
        """The fields of a `Format` that come from the styles and the conversation file."""
        styles, conversation = self.sources.styles, self.sources.conversation
        tables = self.get(styles, STYLES, dict, "style", default={"default": {"choose": []}})
        named = tuple(
            Style(name, self.choices(self.get(styles, STYLES, list, "style", name, "choose", default=[])))
            for name in tables
        )
        default = self.get(styles, STYLES, str, "default", default=next(iter(tables), "default"))
        if default not in tables:
            self.refuse(STYLES, ("default",), f"the style `{default}` is not defined", f"Styles: {', '.join(tables)}.")
        drops = tuple(
            Drop(
                f"drop_{name}",
                self.when(conversation, CONVERSATION, "drop", name, "dropped"),
                self.when(conversation, CONVERSATION, "drop", name, "completes"),
            )
            for name in self.get(conversation, CONVERSATION, dict, "drop", default={})
        )
        stops = {
            name: tuple(map(str, self.get(conversation, CONVERSATION, list, "stop", name)))
            for name in self.get(conversation, CONVERSATION, dict, "stop", default={})
        }
        return {
            "styles": named,
            "default_style": default,
            "always": self.choices(self.get(styles, STYLES, list, "always", default=[])),
            "training": self.choices(self.get(styles, STYLES, list, "training", default=[])),
            "opening": dict(self.when({"opening": {}} | conversation, CONVERSATION, "opening").fields),
            "drops": drops,
            "stops": stops,
            "example": self.get(conversation, CONVERSATION, str, "example", default=" ").strip(),
        }

    def contents(self) -> dict[str, Any]:
        """How contents are indented, and the defaults of their fields."""
        styles, conversation = self.sources.styles, self.sources.conversation
        indents = self.get(styles, STYLES, dict, "indent", default={})
        defaults = self.get(conversation, CONVERSATION, dict, "defaults", default={})
        keys = ("rule", "flag", "role", "list", "name")
        implied = tuple(
            Implied(*(self.get(entry, CONVERSATION, str, key) for key in keys))
            for entry in self.get(conversation, CONVERSATION, list, "implied", default=[])
        )
        return {"indents": indents, "defaults": defaults, "implied": implied}

    def choices(self, entries: list[Any]) -> tuple[Choose, ...]:
        """Alternatives to write: each a name, or a table of `choose` and `when`."""
        tables = [{"choose": entry, "when": {}} if isinstance(entry, str) else entry for entry in entries]
        return tuple(
            Choose(self.get(table, STYLES, str, "choose"), self.when(table, STYLES, "when")) for table in tables
        )

    def when(self, data: dict[str, Any], file: str, *keys: str) -> When:
        table = self.get(data, file, dict, *keys)
        for field, value in table.items():
            if not isinstance(value, (str, bool)):
                self.refuse(
                    file, (*keys, field), f"`{field}` is neither a string nor a boolean", "Use a value, true or false."
                )
        return When(tuple(table.items()))


def looks_special(text: str, special: Iterable[str]) -> bool:
    """Whether a text begins and ends as all special tokens do."""
    prefix, suffix = common_ends(special)
    shaped = text.startswith(prefix) and text.endswith(suffix) and len(text) > len(prefix + suffix)
    return bool(prefix and suffix) and shaped


def common_ends(special: Iterable[str]) -> tuple[str, str]:
    """Return the longest text that all special tokens begin with, and the longest that they end with."""
    spellings = list(special)
    return _common_start(spellings), _common_start([spelling[::-1] for spelling in spellings])[::-1]


def _common_start(texts: list[str]) -> str:
    if not texts:
        return ""
    low, high = min(texts), max(texts)
    return low[: next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))]
