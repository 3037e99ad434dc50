"""Names and values in the data files exist in the grammar; the schema of conversations can be completed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from ..model.format_model import AS_PARSED, CONTENT, Format
from ..read.data_files import WRITTEN_AS, When
from ..read.grammar_folder import CONVERSATION, SCHEMA, STYLES, Sources
from ..read.problems import Problem

MAX_SCHEMA_DEPTH = 30
"""The codec repeats the schema as code: 30 levels of four spaces fill a line of 120. Harmony's has 7 levels."""


def data_tables(format: Format, sources: Sources) -> Iterator[Problem]:
    variants = format.variants()
    known = f"Named alternatives: {', '.join(variants) or 'none'}."
    if any(style.name == AS_PARSED for style in format.styles):
        yield Problem(
            sources.place(STYLES, AS_PARSED), f"`{AS_PARSED}` cannot be the name of a style", "It is built in."
        )
    chosen = {f"style {style.name}": style.choose for style in format.styles}
    for key, choices in (chosen | {"always": format.always, "training": format.training}).items():
        for choose in choices:
            if choose.alternative not in variants:
                place = sources.place(STYLES, key.split()[-1], choose.alternative)
                yield Problem(place, f"`{key}` chooses `{choose.alternative}`, which names no alternative", known)
            yield from _when(format, choose.when, sources, STYLES, key.split()[-1])
    for drop in format.drops:
        if not drop.name.isidentifier():
            place = sources.place(CONVERSATION, "drop")
            yield Problem(
                place, f"`{drop.name}` cannot be the name of a function", "Use letters, digits and underscores."
            )
        for when in (drop.dropped, drop.completes):
            yield from _when(format, when, sources, CONVERSATION, "drop")
    for key, names in format.stops.items():
        for name in names:
            if name not in variants:
                yield Problem(sources.place(CONVERSATION, "stop", key, name), f"`{name}` names no alternative", known)
    yield from _when(format, When(tuple(format.opening.items())), sources, CONVERSATION, "opening")
    if format.schema is not None and (reason := _schema_problem(format.schema)):
        yield Problem(sources.place(SCHEMA), reason, "docs/grammar.md describes the schema.")
    elif format.schema is not None:
        for name in _unknown_properties(format, format.schema):
            place = sources.place(SCHEMA, "properties", name)
            yield Problem(
                place, f"the schema has `{name}`, which is not a field of messages", "Remove it, or name its fields."
            )


def _when(format: Format, when: When, sources: Sources, file: str, key: str) -> Iterator[Problem]:
    fields = {field.name: field for field in format.fields}
    for name, value in when.fields:
        place = sources.place(file, key, name)
        if name not in fields:
            yield Problem(place, f"`{name}` is not a field of messages", f"Fields: {', '.join(fields)}.")
        elif file == CONVERSATION and key == "opening" and isinstance(value, bool) != fields[name].flag:
            yield Problem(
                place, f"`{name}` is {'true or false' if fields[name].flag else 'a text'}", "Correct the value."
            )
        elif isinstance(value, str) and (values := fields[name].values) and value not in values:
            yield Problem(place, f"`{name}` cannot be `{value}`", f"Values: {', '.join(values)}.")


def _schema_problem(schema: Any) -> str | None:
    """The reason why a schema cannot be that of a conversation, or None."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"not a JSON Schema: {error.message}"
    if _depth(schema) > MAX_SCHEMA_DEPTH:
        return f"nested more than {MAX_SCHEMA_DEPTH} deep"
    message = schema.get("$defs", {}).get("message")
    properties = message.get("properties") if isinstance(message, dict) else None
    if not isinstance(properties, dict) or CONTENT not in properties:
        return f"`$defs` has no `message` whose `properties` hold `{CONTENT}`"
    for name, entry in properties.items():
        parts = entry.get(WRITTEN_AS, []) if isinstance(entry, dict) else None
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            return f"the property `{name}` is not an object, or its `{WRITTEN_AS}` is not a list of names"
    return None


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, children), default=0)


def _unknown_properties(format: Format, schema: Any) -> list[str]:
    """Names in `x-written-as` that are not fields."""
    names = {field.name for field in format.fields}
    entries = schema.get("$defs", {}).get("message", {}).get("properties", {})
    used = [(name, entry.get(WRITTEN_AS, [name])) for name, entry in entries.items()]
    return [name for name, parts in used for part in parts if part not in names]
