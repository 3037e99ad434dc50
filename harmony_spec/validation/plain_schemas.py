"""Which schemas are surely valid, and which values they surely allow: those of nearly all tools and calls.

`jsonschema` needs hundreds of times as long for a schema, and nine times as long for a value.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from ..tool_types.type_grammar import JSON_TYPES

MAX_PLAIN_DEPTH = 32
"""Levels of values in a plain schema; deeper ones are checked in full, which ends at the recursion limit."""


def key_of(value: Any) -> str:
    """A text that is equal for values that are equal in JSON, where 1 equals 1.0 but not true.

    Hashes of str are random in each process. Those of numbers are not, and a hostile schema could list many numbers
    with one hash.
    """
    if isinstance(value, str):
        return ascii(str.__str__(value))
    if isinstance(value, list):
        return f"[{','.join(map(key_of, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{name!a}:{key_of(value[name])}' for name in sorted(map(str.__str__, value)))}}}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return hex(int(value)) if isfinite(value) and value == int(value) else repr(float(value))
    return repr(value)


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
        return value in JSON_TYPES
    return bool(value) and _are_names(value, depth) and JSON_TYPES.issuperset(value)


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


MAX_COMPARED_VALUES = 64
"""How many values of `enum` are compared with a text; `jsonschema` looks longer lists up."""


def allows(schema: Any, value: Any) -> bool:
    """Whether a plain schema surely allows a value; it may allow another one, too.

    Each part of the value is compared with one schema at most, so that the time is linear.
    """
    if schema.__class__ is bool:
        return bool(schema)
    known = CHECKS_OF_VALUES.get(value.__class__)
    if known is None:
        return False
    kinds, checks = known
    for name, wanted in schema.items():
        if name == "type":
            if wanted not in kinds if wanted.__class__ is str else kinds.isdisjoint(wanted):
                return False
        elif (check := checks.get(name)) is not None:
            if not check(wanted, value, schema):
                return False
        elif name not in SILENT_KEYWORDS:
            return False
    return True


def _allow_properties(wanted: Any, value: Any, schema: Any) -> bool:
    return all(name not in wanted or allows(wanted[name], item) for name, item in value.items())


def _allow_others(wanted: Any, value: Any, schema: Any) -> bool:
    known = schema.get("properties", {})
    return wanted is True or all(name in known or allows(wanted, item) for name, item in value.items())


VALUE_CHECKS: dict[type, dict[str, Callable[[Any, Any, Any], bool]]] = {
    str: {
        "enum": lambda wanted, value, schema: len(wanted) <= MAX_COMPARED_VALUES and value in wanted,
        "const": lambda wanted, value, schema: bool(value == wanted),
        "minLength": lambda wanted, value, schema: len(value) >= wanted,
        "maxLength": lambda wanted, value, schema: len(value) <= wanted,
    },
    float: {
        "minimum": lambda wanted, value, schema: value >= wanted,
        "maximum": lambda wanted, value, schema: value <= wanted,
        "exclusiveMinimum": lambda wanted, value, schema: value > wanted,
        "exclusiveMaximum": lambda wanted, value, schema: value < wanted,
    },
    list: {
        "items": lambda wanted, value, schema: all(allows(wanted, item) for item in value),
        "minItems": lambda wanted, value, schema: len(value) >= wanted,
        "maxItems": lambda wanted, value, schema: len(value) <= wanted,
        "uniqueItems": lambda wanted, value, schema: not wanted,
    },
    dict: {
        "properties": _allow_properties,
        "additionalProperties": _allow_others,
        "required": lambda wanted, value, schema: all(name in value for name in wanted),
        "minProperties": lambda wanted, value, schema: len(value) >= wanted,
        "maxProperties": lambda wanted, value, schema: len(value) <= wanted,
    },
}
"""For each class of values, the keywords that restrict it alone, and whether one allows a value."""

CHECKS_OF_VALUES = {
    str: (frozenset(("string",)), VALUE_CHECKS[str]),
    int: (frozenset(("integer", "number")), VALUE_CHECKS[float]),
    float: (frozenset(("number",)), VALUE_CHECKS[float]),
    bool: (frozenset(("boolean",)), {}),
    type(None): (frozenset(("null",)), {}),
    list: (frozenset(("array",)), VALUE_CHECKS[list]),
    dict: (frozenset(("object",)), VALUE_CHECKS[dict]),
}
"""For each class of values, its types, and what `VALUE_CHECKS` has for it."""

SILENT_KEYWORDS = {
    *(name for checks in VALUE_CHECKS.values() for name in checks if name not in ("enum", "const")),
    *TYPES_OF_KEYWORDS,
    *("default", "examples"),
}
"""Keywords that allow each value which no check is for."""
