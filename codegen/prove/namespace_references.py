"""The schema of a namespace refers to nothing but schemas, and is not too deep to write as code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_specifications import REGISTRY
from referencing.exceptions import Unresolvable

from ..model.format_model import Format
from ..read.grammar_folder import NAMESPACE_FILE, Sources
from ..read.problems import Problem

MAX_SCHEMA_DEPTH = 30
"""The codec repeats the schema as code: 30 levels of four spaces fill a line of 120. Harmony's has 7 levels."""


def dangling_references(format: Format, sources: Sources) -> Iterator[Problem]:
    """Each `$ref` of the schema of a namespace leads to a schema. Nothing can be validated before that is known."""
    if format.namespace is None:
        return
    if _depth(format.namespace) > MAX_SCHEMA_DEPTH:
        reason = f"nested more than {MAX_SCHEMA_DEPTH} deep"
        yield Problem(sources.place(NAMESPACE_FILE), reason, "Move parts to `$defs`.")
        return
    for path, reference in _references(format.namespace):
        if not _leads_somewhere(reference, format.namespace):
            reason = f"`{reference}` leads to no schema"
            remedy = "Name a definition in `$defs`, as `#/$defs/NAME`."
            yield Problem(sources.place(NAMESPACE_FILE, *path), reason, remedy)


def _references(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key in ("$ref", "$dynamicRef") and isinstance(item, str):
            yield (*path, key), item
        yield from _references(item, (*path, key))


def _leads_somewhere(reference: str, schema: Mapping[str, Any]) -> bool:
    """Whether a reference leads to a part of the same schema, or to a published one that needs no network."""
    if not reference.startswith("#"):
        try:
            REGISTRY.resolver().lookup(reference)
        except Unresolvable:
            return False
        return True
    found: Any = schema
    for step in reference[1:].split("/")[1:]:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return isinstance(found, (dict, bool)) and (reference == "#" or reference.startswith("#/"))


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, children), default=0)
