"""References within a JSON Schema: what they refer to, and which of them are worth a name. Nothing is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..format.content_writing import Inexpressible

SILENT = frozenset({"$schema", "$defs", "definitions", "nullable"})
"""Keywords that are no remarks: which draft a schema is written in, what references have replaced."""

DATA = frozenset({"default", "const", "enum", "examples", "example"})
"""Keywords that hold values, which are no schemas whatever they look like."""

UNFOLLOWED = SILENT | DATA
"""Keywords in whose values nothing is a reference: values, and definitions, which matter where they are referred to."""

REMARKS = frozenset({"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment"})
"""Keywords that say nothing about which values are accepted (JSON Schema 2020-12, Validation, 9)."""

NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords that hold schemas by names, which may be those of keywords."""

UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
"""Keywords about what no other keyword has looked at (JSON Schema 2020-12, Core, 11)."""


class References:
    """The local references of one schema.

    Attributes:
        root: the schema.
        alias: what it refers to, if it is only another name for that.
    """

    def __init__(self, root: Any) -> None:
        self.root, self.alias = root, _alias(root)

    def of(self, schema: Mapping[str, Any]) -> str | None:
        """The canonical pointer of a schema that refers to another part; None for one that does not."""
        pointer = schema.get("$ref")
        if not isinstance(pointer, str) or not is_local(pointer):
            return None
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
                raise Inexpressible("$ref", f"{pointer!r} has no target in the schema", f"{at}/$ref")
        return value

    def is_named(self, pointer: str) -> bool:
        """Whether a part gets a name: it is used twice, as what refers to itself is, or it is all there is."""
        return pointer == "#" or self.uses[pointer] > 1

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """How often each part is referred to, from what is reached."""
        uses: dict[str, int] = {}
        for schema in self.reached:
            if pointer := self.of(schema):
                uses[pointer] = uses.get(pointer, 0) + 1
        return uses

    @cached_property
    def reached(self) -> Sequence[dict[str, Any]]:
        """The schemas in the whole and in all that is referred to from it, each as often as it stands in those."""
        found, known, todo = list[dict[str, Any]](), {"#"}, [self.root]
        while todo:
            for schema in schemas_in(todo.pop()):
                found.append(schema)
                pointer = self.of(schema)
                if pointer is not None and pointer not in known:
                    known.add(pointer)
                    todo.append(self.target(pointer, ""))
        return found

    @cached_property
    def mind_what_is_evaluated(self) -> bool:
        """Whether it matters which keyword looks at a property or an item, and not only what it says."""
        return any(not UNEVALUATED.isdisjoint(schema) for schema in self.reached)


def _alias(root: Any) -> str | None:
    """What a schema refers to that says nothing else."""
    while isinstance(root, dict) and ("$ref" in root or "allOf" in root):
        said = {key: value for key, value in root.items() if key not in SILENT or (key == "nullable" and value is True)}
        pointer, every = said.get("$ref"), said.get("allOf")
        if len(said) != 1:
            return None
        if isinstance(pointer, str) and is_local(pointer) and pointer != "#":
            return pointer
        root = every[0] if isinstance(every, list) and len(every) == 1 else None
    return None


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and those in it, but not its definitions, nor what only looks like one in data."""
    todo = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            yield value
            for key, item in value.items():
                if key in NAMED and isinstance(item, dict):
                    todo += item.values()
                elif key not in UNFOLLOWED:
                    todo.append(item)


def is_local(pointer: str) -> bool:
    return pointer == "#" or pointer.startswith("#/")


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
