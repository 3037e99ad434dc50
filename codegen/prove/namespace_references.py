"""The schema of a namespace refers to nothing but schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_specifications import REGISTRY
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ..model.format_model import Format
from ..read.grammar_folder import NAMESPACE_FILE, Sources
from ..read.problems import Problem


def dangling_references(format: Format, sources: Sources) -> Iterator[Problem]:
    """Each `$ref` of the schema of a namespace leads to a schema. Nothing can be validated before that is known."""
    schema = format.namespace or {}
    for path, reference in _references(schema):
        if not _leads_somewhere(reference, schema):
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
    resolver = REGISTRY.with_resource("", DRAFT202012.create_resource(schema)).resolver()
    try:
        return isinstance(resolver.lookup(reference).contents, (dict, bool))
    except (Unresolvable, TypeError, ValueError):  # the last two for a step into what has no such parts
        return False
