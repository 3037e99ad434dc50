"""The keywords of JSON Schema that replace those of `jsonschema`, and the values that they check.

Replaced are those with patterns, which may need exponential time, those whose time is not linear in schema and value,
and those that report in the order of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cached_property
from itertools import filterfalse, islice
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing.jsonschema import lookup_recursive_ref

from .budget import UnfinishedCheck
from .patterns import compiled, matches
from .plain_schemas import key_of

Check = Callable[..., Iterable[ValidationError] | None]

MAX_REPORTED_ERRORS = 5
"""How many places of one value are reported that break a schema."""

MAX_VALUE_CHARS = 160
"""How much of a value, or of a keyword's value, an error quotes, in code points."""

PARTS_PER_STEP = 16
"""The names or values that are looked up in a step, and the characters of a key that are written in one."""

COMPILE_STEPS = 10
"""The steps to compile a character of a pattern."""

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

LAST_KEYWORDS = ("unevaluatedItems", "unevaluatedProperties")
"""They repeat the work of the others, which should fail first."""


class Prepared:
    """A value, or a part of a schema, with a short `repr` (`jsonschema` writes all of it into each reason)."""

    @cached_property
    def shown(self: Any) -> str:
        most = MAX_VALUE_CHARS + 1  # parts, too, since each has a character
        text = repr(dict(islice(self.items(), most)) if isinstance(self, dict) else self[:most])
        return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}\u2026"

    @cached_property
    def key(self) -> str:
        return key_of(self)

    def __repr__(self) -> str:
        return self.shown


class PreparedList(Prepared, list[Any]):
    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of its values, for `enum`."""
        return frozenset(map(key_of, self))


class PreparedDict(Prepared, dict[str, Any]):
    pass


class PreparedStr(Prepared, str):
    pass


def prepared(value: Any) -> Any:
    """Return an equal value of these classes, with `LAST_KEYWORDS` at the end; short texts stay as they are."""
    if isinstance(value, str):
        return PreparedStr(value) if len(value) > MAX_VALUE_CHARS else value
    if isinstance(value, list):
        return PreparedList(map(prepared, value))
    if isinstance(value, dict):
        made = PreparedDict()
        for name, item in value.items():
            made[name if len(name) <= MAX_VALUE_CHARS else PreparedStr(name)] = prepared(item)
        made.update((name, made.pop(name)) for name in LAST_KEYWORDS if name in made)
        return made
    return value


def _key(checker: Any, value: Any) -> str:
    """The key of a value; spends the steps to make it."""
    key = value.key if isinstance(value, Prepared) else key_of(value)
    checker.budget.spend(1 + len(key) // PARTS_PER_STEP)
    return key


# Keywords. Each yields the reasons why the value breaks it; `checker` is that of its schema.


def _enum(checker: Any, listed: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if _key(checker, instance) not in (listed.keys if isinstance(listed, PreparedList) else map(key_of, listed)):
        yield ValidationError(f"{instance!r} is not one of {listed!r}")


def _const(checker: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if (wanted.key if isinstance(wanted, Prepared) else key_of(wanted)) != _key(checker, instance):
        yield ValidationError(f"{wanted!r} was expected")


def _unique_items(checker: Any, unique: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if (
        unique
        and checker.is_type(instance, "array")
        and len({_key(checker, item) for item in instance}) < len(instance)
    ):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _pattern(checker: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if checker.is_type(instance, "string") and not matches(pattern, instance, checker.budget):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(checker: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    for pattern, each in patterns.items() if checker.is_type(instance, "object") else ():
        for name, value in instance.items():
            if matches(pattern, name, checker.budget):
                yield from checker.descend(value, each, path=name, schema_path=pattern)


def _additional_properties(checker: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if checker.is_type(instance, "object"):
        yield from _check_others("Additional", checker, taken, instance, _is_named(checker, schema))


def _unevaluated_properties(checker: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if checker.is_type(instance, "object"):
        known = _evaluated(checker, instance, schema, top=True)
        yield from _check_others("Unevaluated", checker, taken, instance, known.__contains__)


def _check_others(
    kind: str, checker: Any, taken: Any, instance: dict[str, Any], is_known: Callable[[str], bool]
) -> Iterator[ValidationError]:
    """Check the properties that are not known; if none are allowed, one error lists the first ones."""
    others = filterfalse(is_known, instance)
    if taken is not False:
        for name in others:
            yield from checker.descend(instance[name], taken, path=name)
    elif first := list(islice(others, MAX_REPORTED_ERRORS)):
        verb = "was" if len(first) == 1 else "were"
        yield ValidationError(f"{kind} properties are not allowed ({', '.join(map(repr, first))} {verb} unexpected)")


def _is_named(checker: Any, schema: dict[str, Any]) -> Callable[[str], bool]:
    """Whether `properties` or `patternProperties` names a property."""
    is_listed: Callable[[str], bool] = schema.get("properties", {}).__contains__
    if not (patterns := schema.get("patternProperties")):
        return is_listed
    return lambda name: is_listed(name) or any(matches(pattern, name, checker.budget) for pattern in patterns)


def _evaluated(checker: Any, instance: dict[str, Any], schema: Any, top: bool = False) -> set[str]:
    """The properties that a schema evaluates. As in `jsonschema`, only alternatives and parts of `allOf` must match."""
    if not isinstance(schema, dict):
        return set()
    checker.budget.spend(1 + len(instance) // PARTS_PER_STEP)
    if "additionalProperties" in schema or ("unevaluatedProperties" in schema and not top):
        return set(instance)
    found = set(filter(_is_named(checker, schema), instance))
    return found.union(*(_evaluated(inner, instance, part) for inner, part in _in_place(checker, instance, schema)))


def _in_place(checker: Any, instance: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The subschemas that apply to the same value, each with a validator that resolves its references."""
    resolver = checker._resolver  # private, but keywords of `jsonschema` use it
    for name in REFERENCES:
        if name in schema:
            found = lookup_recursive_ref(resolver) if name == "$recursiveRef" else resolver.lookup(schema[name])
            yield checker.evolve(schema=found.contents, _resolver=found.resolver), found.contents
    parts = [part for name in ("allOf", "anyOf", "oneOf") for part in schema.get(name, ())]
    parts = [part for part in parts if next(iter(checker.descend(instance, part)), None) is None]
    parts += (part for name, part in schema.get("dependentSchemas", {}).items() if name in instance)
    if "if" in schema:
        holds = checker.evolve(schema=schema["if"]).is_valid(instance)
        parts += (schema[name] for name in (("if", "then") if holds else ("else",)) if name in schema)
    for part in parts:
        yield checker, part


def _multiple_of(checker: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Computed in decimals, as JSON writes numbers: as floats, 19.99 would not be a multiple of 0.01."""
    if not checker.is_type(instance, "number"):
        return
    try:
        quotient = _exact(instance) / _exact(divisor)
    except ValueError:
        raise UnfinishedCheck(f"whether {instance} is a multiple of {divisor} cannot be computed") from None
    if quotient.denominator != 1:
        yield ValidationError(f"{instance!r} is not a multiple of {divisor}")


def _exact(number: Any) -> Fraction:
    """A number as it is spelled. Raises `ValueError` for one that is not finite."""
    return Fraction(number if isinstance(number, int) else repr(number))


def _one_of(checker: Any, parts: Any, instance: Any, schema: Any) -> Any:
    keyword = "oneOf" if checker.is_exclusive else "anyOf"
    return Draft202012Validator.VALIDATORS[keyword](checker, parts, instance, schema)


def _format(checker: Any, name: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Whether a pattern in a schema compiles."""
    try:
        if checker.is_meta and name == "regex" and isinstance(instance, str):
            checker.budget.spend(COMPILE_STEPS * len(instance))
            compiled(instance)
    except (regex.error, UnfinishedCheck) as error:
        yield ValidationError(f"{instance!r} is not a {name!r}", cause=error)


REPLACED_KEYWORDS: dict[str, Check] = {
    "additionalProperties": _additional_properties,
    "const": _const,
    "enum": _enum,
    "format": _format,
    "multipleOf": _multiple_of,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "unevaluatedProperties": _unevaluated_properties,
    "uniqueItems": _unique_items,
}
