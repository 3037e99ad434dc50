"""Keywords of JSON Schema that take `jsonschema` more than linear time, or of which it keeps every reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from .patterns import Unbounded, matches

Check = Callable[..., Iterator[ValidationError]]

MOST = 5
"""How many places of one value are reported that break a schema; the first ones tell enough."""

MOST_STEPS = 20
"""How many references are followed for each part of a value: parts that refer to others twice double with each."""

FIRST_STEPS = 1000
"""How many more are followed, so that the parts of few values need not be counted."""


class Steps:
    """The references that may be followed while a value is checked."""

    def __init__(self, value: Any) -> None:
        self.value, self.left, self.counted = value, FIRST_STEPS, False

    def take(self) -> None:
        """One more; raises `Unbounded` where there were too many."""
        self.left -= 1
        if self.left < 0 and not self.counted:
            self.counted = True
            self.left += MOST_STEPS * _parts(self.value)
        if self.left < 0:
            raise Unbounded(f"its parts refer to each other more than {MOST_STEPS} times for each part of a value")


_steps: ContextVar[Steps] = ContextVar("steps")


def errors(validator: Validator, value: Any) -> list[ValidationError]:
    """The first reasons why a value is not what a schema asks for; raises `Unbounded` where that takes too much."""
    _steps.set(Steps(value))
    return list(islice(validator.iter_errors(value), MOST))


def _parts(value: Any) -> int:
    """How many values are in a value."""
    count, todo = 0, [value]
    while todo:
        item = todo.pop()
        if isinstance(item, (list, dict)):
            count += len(item)
            todo += item.values() if isinstance(item, dict) else item
    return count


def _counted(check: Check) -> Check:
    """A keyword that refers to other parts of a schema, or checks values a second time."""

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _steps.get().take()
        yield from check(validator, value, instance, schema)

    return counted


def last(schema: Any) -> Any:
    """A schema whose keywords about what others leave over stand last, in all its parts: they do those' work again."""
    if isinstance(schema, list):
        return [last(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    names = sorted(schema, key=lambda name: str(name) in REPEATING)
    return {name: last(schema[name]) for name in names}


def _any_of(validator: Any, schemas: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Some alternative takes the value; of each that does not, the first reasons are kept."""
    reasons: list[ValidationError] = []
    for index, alternative in enumerate(schemas):
        found = list(islice(validator.descend(instance, alternative, schema_path=index), MOST))
        if not found:
            return
        reasons += found
    yield ValidationError(f"{instance!r} is not valid under any of the given schemas", context=reasons)


def _one_of(validator: Any, schemas: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """One alternative takes the value."""
    takers = [each for each in schemas if validator.evolve(schema=each).is_valid(instance)]
    if not takers:
        yield from _any_of(validator, schemas, instance, schema)
    elif len(takers) > 1:
        yield ValidationError(f"{instance!r} is valid under each of {', '.join(map(repr, takers))}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """A text in which a pattern is found."""
    if validator.is_type(instance, "string") and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """What the properties take whose names match."""
    for pattern, each in patterns.items() if validator.is_type(instance, "object") else ():
        for name, value in instance.items():
            if matches(pattern, name):
                yield from validator.descend(value, each, path=name, schema_path=pattern)


def _additional_properties(check: Check) -> Check:
    """What the properties take that are not named, nor match a pattern."""

    def additional(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        patterns = schema.get("patternProperties")
        if patterns and validator.is_type(instance, "object"):
            matched = [name for name in instance if any(matches(pattern, name) for pattern in patterns)]
            schema = {"properties": {**schema.get("properties", {}), **dict.fromkeys(matched, True)}}
        yield from check(validator, taken, instance, schema)

    return additional


def _unique_items(validator: Any, unique: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """No item equals another one."""
    if unique and validator.is_type(instance, "array") and len(set(map(_key, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _key(value: Any) -> Hashable:
    """Equal for values that are equal in JSON, where 1 is 1.0 and not true."""
    if isinstance(value, list):
        return list, tuple(map(_key, value))
    if isinstance(value, dict):
        return dict, frozenset((name, _key(item)) for name, item in value.items())
    return isinstance(value, bool), value


KEYWORDS: dict[str, Check] = {
    "anyOf": _any_of,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}

REPEATING = ("unevaluatedItems", "unevaluatedProperties")

COUNTED = ("$ref", "$dynamicRef", "$recursiveRef", *REPEATING)
"""Without them, the work is a product of the sizes of the schema and the value."""


@cache
def linear(made: type[Validator]) -> type[Validator]:
    """The validator of a dialect with these keywords."""
    extended: Any = extend  # it has no types
    known: dict[str, Check] = dict(made.VALIDATORS)
    counted = {name: _counted(known[name]) for name in COUNTED if name in known}
    additional = {name: _additional_properties(known[name]) for name in ("additionalProperties",) if name in known}
    found: type[Validator] = extended(made, KEYWORDS | counted | additional)
    return found
