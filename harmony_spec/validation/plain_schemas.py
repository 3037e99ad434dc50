"""Which schemas are surely valid: those of nearly all tools, in a hundredth of the time of their full check."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

MAX_PLAIN_DEPTH = 32
"""Levels of values in a plain schema; deeper ones are checked in full, which ends at the recursion limit."""

TYPE_NAMES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))


def is_plain(schema: Any, depth: int = MAX_PLAIN_DEPTH) -> bool:
    """Whether a schema has common keywords only, without references and patterns, each with a valid value.

    Such a schema is valid in draft 2020-12. Nothing is known of any other schema.
    """
    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    for name, value in schema.items():
        if (kind := TYPES_OF_KEYWORDS.get(name)) is not None:
            if type(value) is not kind:
                return False
        elif depth == 0 or (check := PLAIN_KEYWORDS.get(name)) is None or not check(value, depth - 1):
            return False
    return True


def _is_number(value: Any, depth: int) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def _is_length(value: Any, depth: int) -> bool:
    return type(value) is int and value >= 0


def _is_value(value: Any, depth: int) -> bool:
    """Whether a value is JSON of a limited depth."""
    if isinstance(value, (list, dict)):
        items = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_value(item, depth - 1) for item in items)
    return value is None or isinstance(value, (str, bool)) or _is_number(value, depth)


def _are_values(value: Any, depth: int) -> bool:
    return isinstance(value, list) and _is_value(value, depth)


def _are_names(value: Any, depth: int) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len({*value}) == len(value)


def _are_types(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return value in TYPE_NAMES
    return bool(value) and _are_names(value, depth) and TYPE_NAMES.issuperset(value)


def _are_schemas(value: Any, depth: int) -> bool:
    return isinstance(value, list) and bool(value) and all(is_plain(each, depth) for each in value)


def _are_properties(value: Any, depth: int) -> bool:
    if not isinstance(value, dict):
        return False
    return all(isinstance(name, str) and is_plain(each, depth) for name, each in value.items())


TYPES_OF_KEYWORDS: dict[str, type] = {
    **dict.fromkeys(("title", "description", "format", "$comment"), str),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly", "uniqueItems", "nullable"), bool),
}
"""For each keyword that may have any value of one type, that type."""

PLAIN_KEYWORDS: dict[str, Callable[[Any, int], bool]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_length),
    **dict.fromkeys(("const", "default"), _is_value),
    **dict.fromkeys(("enum", "examples"), _are_values),
    **dict.fromkeys(("items", "additionalProperties", "not"), is_plain),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), _are_schemas),
    "type": _are_types,
    "required": _are_names,
    "properties": _are_properties,
}
"""For each other keyword, whether it may have a value. Source: the meta-schemas of JSON Schema, draft 2020-12."""
