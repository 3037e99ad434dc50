"""JSON Schemas drawn at random from few names and values, and a comparison of an engine with `jsonschema` on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import permutations, product
from random import Random
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SHORT: list[Any] = [None, True, 0, 1, 2, 3, 5, -1, 0.5, 1.5, "", "a", "ab", "abc", "x1", "2020-01-01", [], [1], ["a"]]
ARRAYS: list[Any] = [[1, "a"], [1, 2], [None], [[]], [1, 2, 3]]
OBJECTS: list[Any] = [{}, {"a": 1}, {"b": 1}, {"a": "x"}, {"a": 1, "b": 2}, {"a": "x", "b": 1}, {"a": None}, {"x": 1}]
NESTED: list[Any] = [
    {"x": None},
    {"a": 1, "x": 1},
    {"a": {"a": 1}},
    {"a": {}},
    {"a": {"a": {}}},
    {"a": {"b": 1}},
    {"b": [1]},
]
VALUES = SHORT + ARRAYS + OBJECTS + NESTED

TYPES = ["object", "array", "string", "integer", "number", "null", ["string", "null"], ["integer", "object"]]
SIMPLE: list[Any] = [{"type": "integer"}, {"type": "string"}, {"type": "null"}, {"type": "object"}, True, {"const": 1}]

REFERRING: list[Any] = [
    {"allOf": [{"$ref": "#"}]},
    {"allOf": [{"$ref": "#/$defs/p"}, {"minProperties": 1}]},
    {"anyOf": [{"$ref": "#/$defs/q"}, {"type": "null"}]},
    {"anyOf": [{"$ref": "#"}], "minItems": 1},
]
"""Parts that are described as one with what they refer to."""

LIMITS: dict[str, list[Any]] = {
    "minimum": [0, 1, 2, 1.5],
    "maximum": [0, 1, 3, 1.8],
    "exclusiveMinimum": [0, 1, 2],
    "exclusiveMaximum": [1, 2, 4],
    "multipleOf": [2, 0.5, 3, 5],
    "minLength": [0, 1, 2],
    "maxLength": [0, 1, 2],
    "pattern": ["^a", "b$", "^a*$", "^ab?$", "x"],
    "format": ["date"],
    "minItems": [0, 1, 2],
    "maxItems": [0, 1, 2],
    "uniqueItems": [True],
    "minProperties": [1],
    "maxProperties": [0, 1],
}


def schema(chosen: Random) -> Any:
    """A schema with two definitions that parts of it may refer to."""
    depth = chosen.randint(0, 2)
    found = _part(chosen, depth)
    definitions = {name: _part(chosen, min(depth, 1)) for name in "pq"}
    return {**found, "$defs": definitions} if isinstance(found, dict) else found


def _part(chosen: Random, depth: int) -> Any:
    if chosen.random() < 0.06:
        return chosen.choice([True, False, {}])

    def inner() -> Any:
        return _part(chosen, depth - 1) if depth else chosen.choice(REFERRING if chosen.random() < 0.1 else SIMPLE)

    keywords: list[tuple[float, str, Callable[[], Any]]] = [
        (0.5, "type", lambda: chosen.choice(TYPES)),
        (0.12, "enum", lambda: chosen.sample(VALUES, chosen.randint(1, 4))),
        (0.05, "const", lambda: chosen.choice(VALUES)),
        (0.3, "properties", lambda: {name: inner() for name in chosen.sample("abx", chosen.randint(0, 2))}),
        (0.2, "required", lambda: chosen.sample("abx", chosen.randint(0, 2))),
        (0.15, "additionalProperties", lambda: chosen.choice([False, True, chosen.choice(SIMPLE)])),
        (0.06, "patternProperties", lambda: {chosen.choice(["^x", "a", "^[ab]$"]): inner()}),
        (0.15, "items", lambda: chosen.choice([False, inner()])),
        (0.08, "prefixItems", lambda: [inner() for _ in range(chosen.randint(1, 2))]),
        *((0.13, name, lambda: [inner(), inner()][: chosen.randint(1, 2)]) for name in ("anyOf", "oneOf", "allOf")),
        (0.12, "$ref", lambda: chosen.choice(["#/$defs/p", "#/$defs/q", "#"])),
        (0.03, "not", lambda: chosen.choice([{}, inner()])),
        *((0.07, name, lambda values=values: chosen.choice(values)) for name, values in LIMITS.items()),
    ]
    return {name: make() for share, name, make in keywords if chosen.random() < share}


def compare(schema: Any, is_reported: bool, admits: Callable[[str], bool]) -> None:
    """Require that an engine admits the values of a schema; and no others, unless it is reported that it may."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker(["date"]))
    try:
        valid = [validator.is_valid(value) for value in VALUES]
    except BaseException as error:  # a circle of references: `jsonschema` ends in an error, or its extension panics
        assert "Recursion" in repr(error) or "panic" in repr(error).lower(), error
        return
    for value, is_valid in zip(VALUES, valid, strict=True):
        if is_valid or not is_reported:
            assert any(map(admits, _texts(value))) == is_valid, (schema, value)


def _texts(value: Any) -> Iterator[str]:
    """A value with its properties in each order, since engines fix one; and with and without spaces."""
    for ordered in _orders(value):
        yield from (json.dumps(ordered), json.dumps(ordered, separators=(",", ":")))


def _orders(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for names in permutations(value):
                for parts in product(*(list(_orders(value[name])) for name in names)):
                    yield dict(zip(names, parts, strict=True))
        case list():
            yield from map(list, product(*(list(_orders(item)) for item in value)))
        case _:
            yield value
