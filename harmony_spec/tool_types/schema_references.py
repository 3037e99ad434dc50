"""References within a JSON Schema: their targets, and which targets need a name. Nothing is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from ..format.content_writing import Inexpressible

IGNORED_KEYWORDS = frozenset({"$schema", "$defs", "definitions", "nullable"})
"""Keywords that are not remarks: the draft, and definitions, which replace their references."""

DATA_KEYWORDS = frozenset({"default", "const", "enum", "examples", "example"})
"""Keywords whose values are data, even if it looks like a schema."""

UNFOLLOWED_KEYWORDS = IGNORED_KEYWORDS | DATA_KEYWORDS
"""Keywords without references in their values. Definitions matter only at their references."""

REMARK_KEYWORDS = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment"}
)
"""Keywords that do not restrict values (JSON Schema 2020-12, Validation, 9)."""

KEYWORDS_WITH_NAMES = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords that map names to schemas. The names may look like keywords."""

UNEVALUATED_KEYWORDS = frozenset({"unevaluatedProperties", "unevaluatedItems"})
"""Keywords for what no other keyword has evaluated (JSON Schema 2020-12, Core, 11)."""


INDEX = re.compile("0|[1-9][0-9]{0,8}")
"""An item of a list in a JSON pointer."""


class References:
    """The local references of one schema.

    Attributes:
        root: the schema.
        alias: the target of the schema itself, if the schema is nothing but a reference.
    """

    def __init__(self, root: Any) -> None:
        self.root, self.alias = root, _alias(root)

    def pointer_of(self, schema: Mapping[str, Any]) -> str | None:
        """The pointer in a local reference; None for other schemas. A reference to an alias is one to its target."""
        pointer = schema.get("$ref")
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            return None
        pointer = self.anchors.get(pointer, pointer)
        return self.alias if pointer == "#" and self.alias else pointer

    def resolve(self, pointer: str, at: str) -> Any:
        """Return the target of a JSON pointer (RFC 6901). Raises `Inexpressible` if it has none; `at` is its place."""
        try:
            return target_of(self.root, pointer)
        except LookupError:
            raise Inexpressible("$ref", f"{pointer!r} has no target in the schema", f"{at}/$ref") from None

    def is_named(self, pointer: str) -> bool:
        """Whether a target gets a name: it is the root, or it has several references, as every recursive target has."""
        return pointer == "#" or self.uses[pointer] > 1

    @cached_property
    def anchors(self) -> Mapping[str, str]:
        """The JSON pointer of each anchor, by the reference to it (`#name`; JSON Schema 2020-12, Core, 8.2.2)."""
        found: dict[str, str] = {}
        todo: list[tuple[Any, str, bool]] = [(self.root, "#", True)]
        for value, at, is_schema in todo:
            for keyword in ("$anchor", "$dynamicAnchor") if is_schema and isinstance(value, dict) else ():
                if isinstance(name := value.get(keyword), str):
                    found.setdefault(f"#{name}", at)
            parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for step, part in parts:
                if not is_schema or step not in DATA_KEYWORDS:
                    place = escaped(str(step)).replace("%", "%25")
                    has_names = is_schema and step in KEYWORDS_WITH_NAMES | {"$defs", "definitions"}
                    todo.append((part, f"{at}/{place}", not has_names))
        return found

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """The number of reachable references to each target."""
        uses: dict[str, int] = {}
        for schema in self.reachable:
            if pointer := self.pointer_of(schema):
                uses[pointer] = uses.get(pointer, 0) + 1
        return uses

    @cached_property
    def reachable(self) -> Sequence[dict[str, Any]]:
        """The schemas in the root and in the targets of its references, each as often as it occurs in them."""
        found, known, todo = list[dict[str, Any]](), {"#"}, [self.root]
        while todo:
            for schema in schemas_in(todo.pop()):
                found.append(schema)
                pointer = self.pointer_of(schema)
                if pointer is not None and pointer not in known:
                    known.add(pointer)
                    todo.append(self.resolve(pointer, ""))
        return found

    @cached_property
    def tracks_evaluated(self) -> bool:
        """Whether it matters which keyword evaluates a property or an item, and not only which values it accepts."""
        return any(not UNEVALUATED_KEYWORDS.isdisjoint(schema) for schema in self.reachable)


def _alias(root: Any) -> str | None:
    """The target of a schema that is nothing but a reference, through a chain of such schemas."""
    while isinstance(root, dict) and ("$ref" in root or "allOf" in root):
        keywords = {
            key: value
            for key, value in root.items()
            if key not in IGNORED_KEYWORDS or (key == "nullable" and value is True)
        }
        pointer, every = keywords.get("$ref"), keywords.get("allOf")
        if len(keywords) != 1:
            return None
        if isinstance(pointer, str) and is_local(pointer) and pointer != "#":
            return pointer
        root = every[0] if isinstance(every, list) and len(every) == 1 else None
    return None


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and its subschemas, without definitions, and without data that looks like a schema."""
    todo = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            yield value
            for key, item in value.items():
                if key in KEYWORDS_WITH_NAMES and isinstance(item, dict):
                    todo += item.values()
                elif key not in UNFOLLOWED_KEYWORDS:
                    todo.append(item)


def target_of(root: Any, reference: str) -> Any:
    """Return the target of a JSON pointer in a fragment (RFC 6901, 6). Raises `LookupError` if there is none."""
    pointer = unquote(reference)
    if pointer.partition("/")[0] != "#":
        raise LookupError(reference)  # an anchor, or in another file
    found = root
    for key in names_in(pointer):
        if isinstance(found, list) and INDEX.fullmatch(key):
            found = found[int(key)]
        elif isinstance(found, dict):
            found = found[key]
        else:
            raise LookupError(reference)
    return found


def is_local(pointer: str) -> bool:
    return pointer == "#" or pointer.startswith("#/")


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901); a dict of Python may have other keys, which is refused."""
    if not isinstance(name, str):
        raise Inexpressible("parameters", f"the key {name!r} of a schema is not a str")
    return name if name.isidentifier() else name.replace("~", "~0").replace("/", "~1")


def names_in(pointer: str) -> list[str]:
    """The names that the steps of a JSON pointer stand for."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def pointer_to(path: Iterable[object]) -> str:
    """The JSON pointer to the value at the end of a path of names and indexes."""
    return "".join(f"/{escaped(str(step))}" for step in path)
