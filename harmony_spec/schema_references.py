"""References within a JSON Schema: what they refer to, and which of them are worth a name. Nothing is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .layout import Inexpressible

DATA = frozenset({"default", "const", "enum", "examples", "example"})
"""Keywords that hold values, which are no schemas whatever they look like."""

REMARKS = frozenset({"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment"})
"""Keywords that say nothing about which values are accepted (JSON Schema 2020-12, Validation, 9)."""

NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords that hold schemas by names, which may be those of keywords."""

DEFINITION = re.compile(r"#/(?:\$defs|definitions)/[^/]+")
"""A pointer to a definition, which is nowhere a type by itself."""


class References:
    """The local references of one schema."""

    def __init__(self, root: Any) -> None:
        self.root, self.alias = root, _alias(root)
        self._uses: Mapping[str, int] | None = None

    def of(self, schema: Mapping[str, Any]) -> str | None:
        """The canonical pointer of a schema that refers to another part; None for one that does not."""
        pointer = schema.get("$ref")
        return self.canonical(pointer) if isinstance(pointer, str) and is_local(pointer) else None

    def canonical(self, pointer: str) -> str:
        """A pointer, or, for one to a root that is only another name, what that refers to."""
        return self.alias if pointer == "#" and self.alias else pointer

    def target(self, pointer: str, at: str) -> Any:
        """The part of the schema that a JSON pointer (RFC 6901) names."""
        value: Any = self.root
        for step in pointer[1:].split("/")[1:]:
            key = re.sub("%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), step)
            key = key.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                raise Inexpressible("$ref", f"{pointer!r} refers to nothing in the schema", f"{at}/$ref")
        return value

    def is_named(self, pointer: str) -> bool:
        """Whether a part gets a name: it is used twice, as what refers to itself is, or stands elsewhere too."""
        return DEFINITION.fullmatch(pointer) is None or self.counts()[pointer] > 1

    def counts(self) -> Mapping[str, int]:
        """How often each part is referred to, from what is reached."""
        if self._uses is None:
            uses: dict[str, int] = {}
            todo = [self.root]
            while todo:
                for pointer in map(self.canonical, references_in(todo.pop())):
                    uses[pointer] = uses.get(pointer, 0) + 1
                    if uses[pointer] == 1 and pointer != "#":
                        todo.append(self.target(pointer, ""))
            self._uses = uses
        return self._uses


def _alias(root: Any) -> str | None:
    """What a schema refers to that says nothing else."""
    while isinstance(root, dict):
        said = {key: value for key, value in root.items() if key not in ("$schema", "$defs", "definitions")}
        pointer, every = said.get("$ref"), said.get("allOf")
        if len(said) != 1:
            return None
        if isinstance(pointer, str) and is_local(pointer) and pointer != "#":
            return pointer
        root = every[0] if isinstance(every, list) and len(every) == 1 else None
    return None


def references_in(schema: Any) -> Iterator[str]:
    """The local references in a schema, but not those in its definitions, nor what only looks like one in data."""
    todo = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            pointer = value.get("$ref")
            if isinstance(pointer, str) and is_local(pointer):
                yield pointer
            for key, item in value.items():
                if key in NAMED and isinstance(item, dict):
                    todo += item.values()
                elif key not in DATA and key not in ("$defs", "definitions"):
                    todo.append(item)


def is_local(pointer: str) -> bool:
    return pointer == "#" or pointer.startswith("#/")


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
