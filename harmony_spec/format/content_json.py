"""Converts contents to JSON and back, by the schema of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from .contents import Contents, Record, deep_copy

TYPE_KEY = "type"
"""The property with the kind of a part of a content."""

ALWAYS_WRITTEN_KEY = "x-always-written"
"""A keyword of the schema: an absent text is written as an empty one."""

KEYED_BY_KEY = "x-keyed-by"
"""A keyword of the schema: a list of records may be an object, sorted by its keys, which are this field of theirs."""


def record_to_json(contents: Contents, schema: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """Convert a record to a JSON object, without fields that have no value."""
    properties = schema["$defs"][contents.names[type(record)]]["properties"]
    written = {}
    for part in fields(record):
        value = getattr(record, part.name)
        always = properties.get(part.name, {}).get(ALWAYS_WRITTEN_KEY)
        if value is None and always:
            value = ""
        if value is None and part.default in (None, MISSING) and part.default_factory is MISSING:
            continue
        if value == [] and not _is_required(part) and not always:
            continue
        written[part.name] = _to_json(contents, schema, value, properties.get(part.name, {}))
    return written


def _is_required(part: Field[Any]) -> bool:
    return part.default is MISSING and part.default_factory is MISSING


def _to_json(contents: Contents, schema: Mapping[str, Any], value: Any, described: Mapping[str, Any]) -> Any:
    if isinstance(value, Record):
        return record_to_json(contents, schema, value)
    if isinstance(value, list) and value and all(isinstance(item, Record) for item in value):
        items = [record_to_json(contents, schema, item) for item in value]
        keys = [item[described[KEYED_BY_KEY]] for item in items] if KEYED_BY_KEY in described else [""]
        return dict(zip(keys, items, strict=True)) if keys == sorted(set(keys)) and KEYED_BY_KEY in described else items
    return next((same for same in described.get("enum", ()) if _is_same_spelling(same, value)), deep_copy(value))


def record_from_json(contents: Contents, schema: Mapping[str, Any], name: str, value: Mapping[str, Any]) -> Record:
    """Make a record of the definition `name` from a value that matches the schema."""
    made = contents.by_name[name]
    properties = schema["$defs"][name]["properties"]
    given: dict[str, Any] = {}
    for part in fields(made):
        found = value.get(part.name)
        described = properties.get(part.name, {})
        if found is not None:
            given[part.name] = _from_json(contents, schema, found, described)
        elif not _is_required(part):
            given[part.name] = [] if part.default_factory is list else False if part.default is False else None
    return made(**given)


def _from_json(contents: Contents, schema: Mapping[str, Any], value: Any, described: Mapping[str, Any]) -> Any:
    if KEYED_BY_KEY in described and isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    item = described.get("x-item")
    if item and isinstance(value, list):
        return [record_from_json(contents, schema, item, entry) for entry in value]
    if (name := described.get("x-record")) and isinstance(value, dict):
        return record_from_json(contents, schema, name, value)
    spelled = described.get("x-values", ())
    return next((same for same in spelled if _is_same_spelling(same, value)), deep_copy(value))


def _is_same_spelling(one: Any, other: Any) -> bool:
    """Whether two spellings of an enumerated value are equal, ignoring case."""
    return isinstance(one, str) and isinstance(other, str) and one.casefold() == other.casefold()
