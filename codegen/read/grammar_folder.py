"""The files of a grammar folder: `.lark` as definitions with places, `.toml` and `.json` as plain data."""

from __future__ import annotations

import json
import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .lark_files import Definition, definitions_in
from .problems import GrammarError, Place, Problem

VOCABULARY, STYLES, CONVERSATION, RECOVERY, DIAGNOSTICS, NAMESPACE, CONTENTS = (
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
    """The files of a grammar folder: definitions, data, and the text of each by file name."""

    lark: str
    definitions: tuple[Definition, ...]
    contents: tuple[Definition, ...]
    vocabulary: dict[str, Any]
    styles: dict[str, Any]
    conversation: dict[str, Any]
    recovery: dict[str, Any] | None
    diagnostics: dict[str, Any]
    namespace: dict[str, Any] | None
    tools: dict[str, dict[str, Any]]
    texts: dict[str, str] = field(repr=False)

    def place(self, file: str, *keys: str) -> Place:
        """The place of a key in a data file: each key is searched from the place of the one before it."""
        lines = self.texts.get(file, "").splitlines()
        line, column = 0, 0
        for key in keys:
            spelled = re.compile(rf'(?<![\w]){re.escape(key)}(?![\w])|"{re.escape(key)}"')
            for number in range(line, len(lines)):
                if found := spelled.search(lines[number]):
                    line, column = number, found.start()
                    break
        return Place(file, line + 1, column + 1)


def load(folder: Path) -> Sources:
    """Read a grammar folder; raises `GrammarError` with everything that is missing or cannot be read."""
    problems: list[Problem] = []
    larks = sorted(path for path in folder.glob("*.lark") if path.name != CONTENTS)
    if len(larks) != 1:
        found = ", ".join(path.name for path in larks) or "none"
        place = Place(folder.resolve().name, 1, 1)
        reason = f"a grammar folder holds one .lark file beside {CONTENTS}; found {found}"
        problems.append(Problem(place, reason, "Name another folder."))
    if not (folder / VOCABULARY).exists():
        place = Place(VOCABULARY, 1, 1)
        problems.append(Problem(place, "the file is missing", "It names the special tokens and their ids."))
    texts = {}
    paths = {*larks, *folder.glob(CONTENTS), *folder.glob("*.toml"), *folder.glob("*.json")}
    for path in sorted(paths):
        try:
            texts[path.name] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(Place(path.name, 1, 1), f"cannot be read: {error}", "Save it as UTF-8 text."))
    data = {name: _data(name, texts[name], problems) for name in texts if not name.endswith(".lark")}
    definitions: tuple[Definition, ...] = ()
    if len(larks) == 1 and larks[0].name in texts:
        definitions = definitions_in(larks[0].name, texts[larks[0].name], problems)
    contents = definitions_in(CONTENTS, texts[CONTENTS], problems) if CONTENTS in texts else ()
    if problems:
        raise GrammarError(problems)
    return Sources(
        lark=larks[0].name,
        definitions=definitions,
        contents=contents,
        vocabulary=data[VOCABULARY],
        styles=data.get(STYLES, {}),
        conversation=data.get(CONVERSATION, {}),
        recovery=data.get(RECOVERY),
        diagnostics=data.get(DIAGNOSTICS, {}),
        namespace=data.get(NAMESPACE),
        tools={name: value for name, value in data.items() if name.endswith(TOOLS_SUFFIX)},
        texts=texts,
    )


def _data(name: str, text: str, problems: list[Problem]) -> dict[str, Any]:
    try:
        value = (
            tomllib.loads(text)
            if name.endswith(".toml")
            else json.loads(text, parse_constant=_no_constant, parse_float=_number)
        )
        if isinstance(value, dict):
            return value
        problems.append(Problem(Place(name, 1, 1), "not a JSON object", "Wrap it in braces."))
    except json.JSONDecodeError as error:
        problems.append(Problem(Place(name, error.lineno, error.colno), f"not JSON: {error.msg}", "Correct the JSON."))
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+), column (\d+)", str(error))
        place = Place(name, int(where[1]), int(where[2])) if where else Place(name, text.count("\n") + 1, 1)
        problems.append(Problem(place, f"not TOML: {error}", "Correct the TOML; no key may occur twice."))
    except (RecursionError, ValueError) as error:
        problems.append(Problem(Place(name, 1, 1), f"not usable: {error}", "Nest less deeply; use ordinary numbers."))
    return {}


def _number(text: str) -> float:
    if math.isinf(float(text)):
        raise ValueError(f"{text} is too large")
    return float(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
