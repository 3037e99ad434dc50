"""Whether each data file has the shape that `grammar_folder.schema.json` describes, before anything uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema_specifications import REGISTRY
from referencing.jsonschema import DRAFT202012

from .problems import Place, Problem, suggestion
from .value_places import ValuePath, ValuePlaces

FOLDER_SCHEMA: dict[str, Any] = json.loads(
    Path(__file__).with_name("grammar_folder.schema.json").read_text(encoding="utf-8")
)

TYPE_PHRASES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "object": "a table",
    "string": "a text",
}

MAX_SCHEMA_ERROR_CHARS = 200
"""`jsonschema` quotes whole values in its messages."""

SCHEMA_SUFFIX = ".schema.json"

_INTEGERS = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_extend: Any = validators.extend  # it has no types
_ShapeValidator: type[Draft202012Validator] = _extend(Draft202012Validator, type_checker=_INTEGERS)
_DRAFT: dict[str, Any] = dict(Draft202012Validator.META_SCHEMA)
_SHAPE_OF_SCHEMAS = Draft202012Validator(_DRAFT, format_checker=Draft202012Validator.FORMAT_CHECKER)
_SCHEMAS = Draft202012Validator(
    {
        "$id": "urn:schema-of-known-keywords",
        "$dynamicAnchor": "meta",  # the draft uses the outermost schema of this name for all inner schemas
        "$ref": _DRAFT["$id"],
        "patternProperties": {"^x-": True},
        "unevaluatedProperties": False,
    },
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)
_PARTS = [REGISTRY.contents(f"{_DRAFT['$id'].removesuffix('schema')}{part['$ref']}") for part in _DRAFT["allOf"]]
KEYWORDS = tuple(keyword for part in (*_PARTS, _DRAFT) for keyword in part["properties"])


def misshapen_data(data: Mapping[str, Any], places: ValuePlaces) -> Iterator[Problem]:
    """The problems of data files, which `data` has by their names."""
    for file, value in data.items():
        if file.endswith(SCHEMA_SUFFIX):
            is_known = _SHAPE_OF_SCHEMAS.is_valid(value) and _has_known_keywords(value)
            for error in () if is_known else _SCHEMAS.iter_errors(value):  # which takes ten times as long
                path = tuple(error.absolute_path)
                if error.validator == "unevaluatedProperties":  # also of schemas that are wrong in another way
                    for key in sorted(key for key in error.instance.keys() - KEYWORDS if not key.startswith("x-")):
                        place = places.of(file, *path, key)
                        yield Problem(place, f"`{key}` is not a keyword", suggestion(key, KEYWORDS, "Keywords"))
                    continue
                reason = f"not a JSON Schema: {_dotted(path)} {error.message[:MAX_SCHEMA_ERROR_CHARS]}"
                yield Problem(places.of(file, *path), reason, "Correct it; JSON Schema draft 2020-12 defines it.")
    yield from misfits(FOLDER_SCHEMA, data, places, "docs/grammar.md lists the keys of this file.")


def misfits(schema: Mapping[str, Any], data: Mapping[str, Any], places: ValuePlaces, remedy: str) -> Iterator[Problem]:
    """The problems of data files that do not fit a schema of all of them; the remedy is for schemas without one."""
    for error in _ShapeValidator(schema).iter_errors(data):
        yield from _problems(error, places, error.schema.get("description", remedy))


def annotated(
    value: Any, path: ValuePath = (), schema: Mapping[str, Any] = FOLDER_SCHEMA
) -> Iterator[tuple[ValuePath, Mapping[str, Any], Any]]:
    """The values and keys that the schema annotates for `prove`: the path of each, its schema, and itself."""
    if "$ref" in schema:
        schema = {**FOLDER_SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], **schema}
    if (schema.keys() & {"x-names", "x-leads-to"} and isinstance(value, str)) or "x-condition" in schema:
        yield path, schema, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from annotated(key, (*path, key), schema.get("propertyNames", {}))
            other = schema.get("additionalProperties") or {}
            yield from annotated(item, (*path, key), schema.get("properties", {}).get(key, other))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from annotated(item, (*path, index), schema.get("items", {}))


def _problems(error: Any, places: ValuePlaces, remedy: str) -> Iterator[Problem]:
    schema, value, path = error.schema, error.instance, tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        patterns = schema.get("patternProperties", ())
        unread = [key for key in value if key not in known and not any(re.search(each, key) for each in patterns)]
        if len(unread) > 2 and path and not schema.get("x-renamed", {}).keys() & set(unread):  # a heading is missing
            listed = ", ".join(f"`{key}`" for key in unread)
            place = places.of(*path, unread[0])
            yield Problem(
                place, f"nothing reads {listed} here", f"Put them below their heading. Keys: {', '.join(known)}."
            )
            return
        for key in unread:
            yield _unread(key, path, schema, places.of(*path, key))
        return
    if error.validator == "dependentRequired":
        for owner, others in error.validator_value.items():
            for key in others if owner in value else ():
                if key not in value:
                    at = (*path, owner)
                    reason = f"{_dotted(at[1:] or at)} needs `{key}`, which is missing"
                    yield Problem(places.of(*at), reason, "Add it, or remove what needs it.")
        return
    if error.validator == "required":
        for key in error.validator_value:
            if key not in value:
                reason = f"{_dotted((*path, key)[1:])} is missing" if path else "the file is missing"
                advice = schema.get("properties", {}).get(key, {}).get("description", remedy)
                yield Problem(places.of(*(path or (key,))), reason, advice)
        return
    if error.validator == "uniqueItems":
        again = next(index for index, item in enumerate(value) if item in value[:index])
        place = places.of(*path, again)
        yield Problem(place, f"`{value[again]}` is in this list twice", "Remove one of the two.")
        return
    if "propertyNames" in error.absolute_schema_path:
        path = (*path, value)
    if error.validator == "enum":
        wanted = " or ".join(f"`{each}`" for each in error.validator_value)
    else:
        kinds = schema.get("type", ())
        wanted = schema.get("title") or " or ".join(
            TYPE_PHRASES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)
        )
    yield Problem(places.of(*path), f"{_dotted(path[1:])} is not {wanted}", remedy)


def _unread(key: str, path: ValuePath, schema: Mapping[str, Any], place: Place) -> Problem:
    """The problem of a key, or of a file, that nothing reads."""
    if renamed := schema.get("x-renamed", {}).get(key):
        return Problem(place, f"`{key}` is now written as `{renamed}`", "Write it like this.")
    remedy = suggestion(key, schema.get("properties", {}), "Keys" if path else "Files")
    return Problem(place, f"nothing reads `{key}`", remedy)


def _dotted(path: ValuePath) -> str:
    return f"`{'.'.join(map(str, path))}`" if path else "this"


def _has_known_keywords(schema: Any) -> bool:
    keys = schema.keys() - KEYWORDS if isinstance(schema, dict) else ()
    return all(key.startswith("x-") for key in keys) and all(
        map(_has_known_keywords, DRAFT202012.subresources_of(schema))
    )
