"""Keywords of JSON Schema that take `jsonschema` more than linear time, or of which it keeps every reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

MOST = 5
"""How many places of one value are reported that break a schema; the first ones tell enough."""


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


KEYWORDS: dict[str, Callable[..., Iterator[ValidationError]]] = {
    "anyOf": _any_of,
    "oneOf": _one_of,
    "uniqueItems": _unique_items,
}


@cache
def linear(made: type[Validator]) -> type[Validator]:
    """The validator of a dialect with these keywords."""
    extended: Any = extend  # it has no types
    found: type[Validator] = extended(made, KEYWORDS)
    return found
