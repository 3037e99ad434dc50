"""The files of a grammar folder: `.lark` as definitions with places, `.toml` and `.json` as plain data."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .data_shapes import misshapen_data
from .lark_files import LarkDefinition, definitions_in
from .problems import GrammarError, Place, Problem
from .value_places import ValuePath, ValuePlaces

VOCABULARY_FILE, STYLES_FILE, CONVERSATION_FILE, RECOVERY_FILE, DIAGNOSTICS_FILE, NAMESPACE_FILE, CONTENTS_FILE = (
    "vocabulary.toml",
    "styles.toml",
    "conversation.toml",
    "recovery.toml",
    "diagnostics.toml",
    "namespace.schema.json",
    "contents.lark",
)

TOOLS_SUFFIX = ".tools.json"
"""The ending of files that hold a namespace of built-in tools."""


@dataclass(frozen=True)
class Sources:
    """The files of a grammar folder: definitions, data, the text of each, and the places of the values in data."""

    lark: str
    definitions: tuple[LarkDefinition, ...]
    contents: tuple[LarkDefinition, ...]
    data: Mapping[str, Any]
    texts: Mapping[str, str] = field(repr=False)
    places: ValuePlaces = field(repr=False)

    def table(self, file: str, *keys: str) -> dict[str, Any]:
        """The data of a file, or a table in it; empty if there is none."""
        found = self.data.get(file, {})
        for key in keys:
            found = found.get(key, {})
        return dict(found)

    def place(self, *path: str | int) -> Place:
        """The place of a data file, of a key or item in it, or of the innermost one around it that there is."""
        return self.places.of(*path)


def load(folder: Path) -> Sources:
    """Read a grammar folder; raises `GrammarError` with everything that is missing, cannot be read, or is misshapen."""
    problems: list[Problem] = []
    larks = sorted(path for path in folder.glob("*.lark") if path.name != CONTENTS_FILE)
    if len(larks) != 1:
        found = ", ".join(path.name for path in larks) or "none"
        place = Place(folder.resolve().name)
        reason = f"a grammar folder holds one .lark file beside {CONTENTS_FILE}; found {found}"
        problems.append(Problem(place, reason, "Keep one of them." if larks else "Name another folder."))
    texts = {}
    paths = {*larks, *folder.glob(CONTENTS_FILE), *folder.glob("*.toml"), *folder.glob("*.json")}
    for path in sorted(paths):
        if (text := _text(path, problems)) is not None:
            texts[path.name] = text
    data = {name: value for name in texts if (value := _data(name, texts[name], problems)) is not None}
    places = ValuePlaces(texts)
    infinite = [*_infinite(data, places)]
    problems += infinite
    if not infinite and all(name in data or name.endswith(".lark") for name in texts):
        problems += misshapen_data(data, places)
    definitions: tuple[LarkDefinition, ...] = ()
    if len(larks) == 1 and larks[0].name in texts:
        definitions = definitions_in(larks[0].name, texts[larks[0].name], problems)
    contents = definitions_in(CONTENTS_FILE, texts[CONTENTS_FILE], problems) if CONTENTS_FILE in texts else ()
    if problems:
        raise GrammarError(problems)
    return Sources(larks[0].name, definitions, contents, data, texts, places)


def _text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a file; None, with a problem, if it cannot be read."""
    try:
        if path.exists() and not path.is_file():
            problems.append(Problem(Place(path.name), "not a file", "Replace it with a file, or rename it."))
            return None
        content = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        problems.append(Problem(Place(path.name), reason, "Change its permissions, or replace it."))
        return None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]  # without a byte order mark
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        place = Place(path.name, before.count(b"\n") + 1, column)
        problems.append(Problem(place, f"not UTF-8: byte 0x{error.object[error.start]:02x}", "Save it as UTF-8 text."))
    return None


def _data(name: str, text: str, problems: list[Problem]) -> Any:
    """The value of a data file; None for a file that has another ending, or a problem."""
    try:
        if name.endswith(".toml"):
            return tomllib.loads(text)
        if name.endswith(".json"):
            value = json.loads(text, object_pairs_hook=_object)
            if isinstance(value, dict):
                return value
            problems.append(Problem(Place(name), "not a JSON object", "Write a JSON object."))
    except json.JSONDecodeError as error:
        problems.append(Problem(Place(name, error.lineno, error.colno), f"not JSON: {error.msg}", "Correct the JSON."))
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+), column (\d+)", str(error))
        place = Place(name, int(where[1]), int(where[2])) if where else Place(name, text.count("\n") + 1, 1)
        problems.append(Problem(place, f"not TOML: {error}", "Correct the TOML; no key may occur twice."))
    except RecursionError:
        problems.append(Problem(Place(name), "nested too deeply", "Nest less deeply."))
    except _UnusableValue as error:
        problems.append(Problem(Place(name), *error.args))
    except ValueError as error:  # an integer of more than 4,300 digits
        problems.append(Problem(Place(name), f"not usable: {error}", "Write a shorter number."))
    return None


def _infinite(data: Mapping[str, Any], places: ValuePlaces) -> Iterator[Problem]:
    """The numbers in data files that no schema or module can hold."""
    values: list[tuple[ValuePath, Any]] = [((), data)]
    for path, value in values:
        if isinstance(value, float) and not math.isfinite(value):
            yield Problem(places.of(*path), f"{value} is not a number, or too large", "Write a finite number.")
        items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        values += [((*path, key), item) for key, item in items]


class _UnusableValue(ValueError):
    """What is wrong with a value, and how to fix it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _UnusableValue(f"the key {twice!r} occurs twice", "Remove one of the two.")
    return found
