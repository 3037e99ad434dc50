"""The data files as typed records: the vocabulary, the render styles, what is true of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any
from unicodedata import category

from .grammar_folder import CONVERSATION_FILE, STYLES_FILE, VOCABULARY_FILE, Sources
from .problems import Problem

MAX_RESERVED_TOKENS = 20_000
"""A wrong `last` could ask for a million. Harmony reserves about 1,100, and each is checked on its own."""


@dataclass(frozen=True)
class VocabularyFile:
    encoding: str
    size: int
    special: Mapping[str, int]
    reserved: tuple[str, int, int] | None
    base: Mapping[str, Any] | None


When = tuple[tuple[str, str | bool], ...]
"""A condition on the fields of a message: for each a value, or true for present and false for absent."""


@dataclass(frozen=True)
class Choose:
    """Write this named alternative in messages that meet the condition."""

    alternative: str
    when: When


@dataclass(frozen=True)
class Kind:
    """A kind of message; see `harmony_spec.format.message_kinds.Kind`."""

    name: str
    when: When
    has: When
    ends: str | None
    last: str | None
    then: tuple[str, ...]


@dataclass(frozen=True)
class Drop:
    """A function that drops messages of completed turns, those before the last message of a kind."""

    name: str
    dropped: When
    completes: str


@dataclass(frozen=True)
class Implied:
    """A flag of a content rule; if a message leaves it open, the contents of other messages decide it.

    Attributes:
        flag: the rule and its field.
        list: the role and the field of its contents whose items decide.
    """

    flag: tuple[str, str]
    list: tuple[str, str]


@dataclass(frozen=True)
class DefinedBy:
    """The rule of the class that defines something, and its fields by their purpose."""

    rule: str
    fields: Mapping[str, str]


def read_vocabulary(sources: Sources, problems: list[Problem]) -> VocabularyFile:
    """The special tokens and the encoding; an id that is wrong or occurs twice is added to `problems`."""
    data = sources.table(VOCABULARY_FILE)
    ids = [*data["special"].values(), data.get("reserved", {}).get("last", 0), data.get("base", {}).get("size", 1) - 1]
    if sum(number >= data["size"] for number in data["special"].values()) > 1:
        reason = f"`size` is {data['size']}, and the greatest id is {max(ids)}"
        problems.append(Problem(sources.place(VOCABULARY_FILE, "size"), reason, "Ids are less than `size`."))
        data = {**data, "size": max(ids) + 1}
    size, special = data["size"], _named(data, sources, problems)
    reserved = _reserved(data, special, sources, problems) if "reserved" in data else None
    ordered = dict(sorted(special.items(), key=lambda item: item[1]))
    if base := data.get("base"):
        problems += _unlike_base(base, size, sources)
        for spelling in (each for each in data["special"] if 0 <= special[each] < base["size"]):
            place = sources.place(VOCABULARY_FILE, "special", spelling)
            reason = f"`{spelling}` has the id of an ordinary token of `{base['name']}`, whose text would become it"
            problems.append(Problem(place, reason, f"Choose an id of {base['size']} or more, or remove [base]."))
        if reserved and reserved[1] < base["size"]:
            place = sources.place(VOCABULARY_FILE, "reserved", "first")
            reason = f"the first reserved token has the id of an ordinary token of `{base['name']}`"
            problems.append(Problem(place, reason, f"Choose an id of {base['size']} or more, or remove [base]."))
    return VocabularyFile(data["encoding"], size, ordered, reserved, base)


def _unlike_base(base: Mapping[str, Any], size: int, sources: Sources) -> Iterator[Problem]:
    """Its ids are in the vocabulary, it is that of its name if the package ships one, and its patterns work."""
    import tiktoken  # heavy, and only few grammars have a base

    if base["size"] > size:
        place = sources.place(VOCABULARY_FILE, "base", "size")
        yield Problem(place, "not a size within the vocabulary", f"At most {size}.")
    library = find_spec("harmony_spec")
    assert library is not None
    assert library.origin is not None
    shipped = Path(library.origin).parent / "vocabularies" / f"{base['name']}.bin"
    if shipped.is_file():
        packed, (_, published) = shipped.read_bytes(), shipped.with_suffix(".sha256").read_text().split()
        is_sized = base["size"] + sum(packed[: base["size"]]) == len(packed)  # the lengths of the tokens, and these
        for key in ["size"] * (not is_sized) + ["sha256"] * (base["sha256"] != published):
            place = sources.place(VOCABULARY_FILE, "base", key)
            yield Problem(place, f"`{key}` is not that of `{base['name']}`", "Correct it, or choose another name.")
    bytes_alone = {bytes([byte]): byte for byte in range(256)}
    for index, pattern in enumerate(base["split"]):
        try:
            tiktoken.Encoding("", pat_str=pattern, mergeable_ranks=bytes_alone, special_tokens={})
        except ValueError as error:
            place = sources.place(VOCABULARY_FILE, "base", "split", index)
            yield Problem(place, f"not a pattern of tiktoken: {error}", "Correct the pattern.")
            return
    joined = tiktoken.Encoding("", pat_str="|".join(base["split"]), mergeable_ranks=bytes_alone, special_tokens={})
    for char in _one_of_each_kind():
        for text in (char, f"a{char}", f"{char}a", f" {char} ", f"\n{char}\n", f"1{char}."):
            if bytes(joined.encode_ordinary(text)) != text.encode():
                reason = f"no pattern matches a part of {text!r}, which would be lost"
                place = sources.place(VOCABULARY_FILE, "base", "split")
                yield Problem(place, reason, "Correct the patterns, or add one for any other text.")
                return


@cache
def _one_of_each_kind() -> list[str]:
    """The characters of ASCII, and one of each category of Unicode that text may have."""
    chars = {category(char): char for char in (*map(chr, range(0x80, 0x3000)), "\ue000")}
    return [*map(chr, range(0x80)), *chars.values()]


def _named(data: Mapping[str, Any], sources: Sources, problems: list[Problem]) -> dict[str, int]:
    """The special tokens with names. One with an invalid id gets a negative one, for later checks."""
    special: dict[str, int] = {}
    owner: dict[int, str] = {}
    at = (VOCABULARY_FILE, "special")
    for spelling, number in data["special"].items():
        if not 0 <= number < data["size"]:
            reason = f"`{spelling}` has no id from 0 to {data['size'] - 1}"
            problems.append(Problem(sources.place(*at, spelling), reason, "Correct it, or `size`."))
            number = -1 - len(special)
        elif number in owner:
            reason = f"`{owner[number]}` and `{spelling}` have one id, {number}"
            remedy = "Give each special token an id of its own."
            problems.append(Problem(sources.place(*at, spelling), reason, remedy))
        owner.setdefault(number, spelling)
        special[spelling] = number
    return special


def _reserved(
    data: Mapping[str, Any], special: dict[str, int], sources: Sources, problems: list[Problem]
) -> tuple[str, int, int] | None:
    """How reserved special tokens are spelled, and their first and last id; those without a name become special."""
    template, first, last = (data["reserved"][key] for key in ("spelling", "first", "last"))
    faults = {
        f"the first reserved token has the id {first}, and the last one {last}": first > last,
        f"the last reserved token has the id {last}, and `size` is {data['size']}": last >= data["size"],
        f"there are {last - first + 1} reserved tokens, more than {MAX_RESERVED_TOKENS}": last - first
        >= MAX_RESERVED_TOKENS,
    }
    if reason := next((reason for reason, is_fault in faults.items() if is_fault), ""):
        remedy = "Ids run from `first` to `last`, and are less than `size`."
        problems.append(Problem(sources.place(VOCABULARY_FILE, "reserved"), reason, remedy))
        return None
    for number in sorted({*range(first, last + 1)} - {*special.values()}):
        spelling = template.replace("{id}", str(number))
        if spelling in special:
            reason = f"`{spelling}` has the id {special[spelling]}, and is reserved for {number}"
            problems.append(
                Problem(sources.place(VOCABULARY_FILE, "special", spelling), reason, "Choose another spelling.")
            )
        else:
            special[spelling] = number
    return template, first, last


def read_rendering(sources: Sources) -> dict[str, Any]:
    """The fields of a `Format` that come from the styles and the conversation file."""
    styles, conversation = sources.table(STYLES_FILE), sources.table(CONVERSATION_FILE)
    tables = styles.get("style", {"default": {}})
    opening = conversation.get("opening", {})
    turn = tuple(_kinds(conversation.get("turn", ()), opening))
    last_only = (kind for kind in turn if kind.last != kind.ends)
    return {
        "styles": {name: _choices(table.get("choose", [])) for name, table in tables.items()},
        "default_style": styles.get("default", next(iter(tables))),
        "always": _choices(styles.get("always", [])),
        "training": tuple(Choose(kind.last, kind.when) for kind in last_only if kind.last is not None),
        "opening": opening,
        "turn": turn,
        "drops": tuple(
            Drop(f"drop_{name}", tuple(each["dropped"].items()), each["completes"])
            for name, each in conversation.get("drop", {}).items()
        ),
        "stops": {name: tuple(names) for name, names in conversation.get("stop", {}).items()},
        "example": conversation.get("example", ""),
    }


def read_layout(sources: Sources) -> dict[str, Any]:
    """How contents are indented, the defaults of their fields, and what they define."""
    conversation = sources.table(CONVERSATION_FILE)
    namespace = dict(conversation.get("namespace", {}))
    functions = namespace.pop("functions", "")
    tables = {"namespace": namespace} | {key: conversation.get(key) for key in ("tool", "answer")}
    implied = tuple(Implied(_parts(entry["flag"]), _parts(entry["list"])) for entry in conversation.get("implied", ()))
    return {
        "indents": sources.table(STYLES_FILE, "indent"),
        "defaults": sources.table(CONVERSATION_FILE, "defaults"),
        "implied": implied,
        "functions": functions,
        "definitions": {key: _defined_by(table) for key, table in tables.items() if table},
    }


def _parts(path: str) -> tuple[str, str]:
    rule, _, field = path.partition(".")
    return rule, field


def _defined_by(paths: Mapping[str, str]) -> DefinedBy:
    """The rule that the first path begins with, and the fields of all; `prove` sees to it that the rule is the same."""
    fields = {purpose: _parts(path)[1] for purpose, path in paths.items()}
    return DefinedBy(_parts(next(iter(paths.values())))[0], fields)


def _choices(entries: Iterable[Any]) -> tuple[Choose, ...]:
    """Alternatives to write: each a name, or a table of `choose` and `when`."""
    tables: list[dict[str, Any]]
    tables = [{"choose": entry, "when": {}} if isinstance(entry, str) else entry for entry in entries]
    return tuple(Choose(table["choose"], tuple(table["when"].items())) for table in tables)


def _kinds(tables: Iterable[Mapping[str, Any]], opening: Mapping[str, Any]) -> Iterator[Kind]:
    """The kinds of messages. Only a kind of the model that others may follow ends a completion, also without `last`."""
    tables = list(tables)
    by_model = {table["kind"] for table in tables if opening and opening.items() <= table["when"].items()}
    for table in tables:
        ends, then = table.get("ends"), tuple(table["then"])
        is_last = table["kind"] in by_model and not by_model >= set(then)
        when, has = tuple(table["when"].items()), tuple(table.get("has", {}).items())
        yield Kind(table["kind"], when, has, ends, table.get("last", ends if is_last else None), then)


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
    equal = takewhile(lambda chars: len({*chars}) == 1, zip(*texts, strict=False))
    return "".join(chars[0] for chars in equal)
