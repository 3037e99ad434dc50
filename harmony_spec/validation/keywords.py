"""The keywords of JSON Schema. Each spends steps of the row's budget.

Some keywords of `jsonschema` are replaced: those with patterns, which may need exponential time, those whose time is
not linear in schema and value, and those that report in the order of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache, cached_property
from itertools import filterfalse, islice
from math import inf
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.jsonschema import lookup_recursive_ref

from .budget import UnfinishedCheck, current_budget
from .patterns import matches
from .plain_schemas import key_of

Check = Callable[..., Iterable[ValidationError] | None]

MAX_REPORTED_ERRORS = 5
"""How many places of one value are reported that break a schema."""

MAX_VALUE_CHARS = 160
"""How much of a value, or of a keyword's value, an error quotes, in code points."""

REFERENCE_STEPS = 15
"""The steps to resolve a reference."""

SCHEMA_STEPS = 6
"""The steps to begin with another subschema."""

PARTS_PER_STEP = 16
"""The names or values that are looked up in a step, and the characters of a key that are written in one."""

PAIRS_PER_STEP = 64
"""The pairs of indices that are compared in a step."""

NO_REFERENCES = Registry[Any]().resolver()
"""The resolver of schemas without references. To make one for each subschema takes a ninth of the time of a check."""

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

MAX_OPEN_REFERENCES = 150
"""References inside of references for one value, or one schema, which has three for each level of alternatives. Each
needs up to six calls, and Python allows 1,000."""

LAST_KEYWORDS = ("unevaluatedItems", "unevaluatedProperties")
"""They repeat the work of the others, which should fail first."""


class Prepared:
    """A value, or a part of a schema, with a short `repr` (`jsonschema` writes all of it into each reason)."""

    @cached_property
    def shown(self) -> str:
        return short_repr(self)

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


CONTAINERS = frozenset((PreparedList, PreparedDict, list, dict))


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


def short_repr(value: Any) -> str:
    """The first `MAX_VALUE_CHARS` of the `repr`, computed without the rest."""
    text = ""
    for part in _repr_parts(value):
        text += part
        if len(text) > MAX_VALUE_CHARS:
            return f"{text[:MAX_VALUE_CHARS]}\u2026"
    return text


def _repr_parts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield str.__repr__(value[: MAX_VALUE_CHARS + 1])
    elif isinstance(value, (list, dict)):
        opening, closing = "[]" if isinstance(value, list) else "{}"
        yield opening
        for index, item in enumerate(value):
            yield ", " if index else ""
            yield from _repr_parts(item)
            if isinstance(value, dict):
                yield ": "
                yield from _repr_parts(value[item])
        yield closing
    else:
        yield repr(value)


def _key(value: Any) -> str:
    """The key of a value; spends the steps to make it."""
    key = value.key if isinstance(value, Prepared) else key_of(value)
    current_budget.get().spend(1 + len(key) // PARTS_PER_STEP)
    return key


# Keywords. Each yields the reasons why the value breaks it.


def _enum(validator: Any, listed: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if _key(instance) not in (listed.keys if isinstance(listed, PreparedList) else map(key_of, listed)):
        yield ValidationError(f"{instance!r} is not one of {listed!r}")


def _const(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if (wanted.key if isinstance(wanted, Prepared) else key_of(wanted)) != _key(instance):
        yield ValidationError(f"{wanted!r} was expected")


def _unique_items(validator: Any, unique: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if unique and validator.is_type(instance, "array") and len(set(map(_key, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    for pattern, each in patterns.items() if validator.is_type(instance, "object") else ():
        for name, value in instance.items():
            if matches(pattern, name):
                yield from validator.descend(value, each, path=name, schema_path=pattern)


def _additional_properties(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        yield from _check_others("Additional", validator, taken, instance, _is_named(schema))


def _unevaluated_properties(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        known = _evaluated(validator, instance, schema, top=True)
        yield from _check_others("Unevaluated", validator, taken, instance, known.__contains__)


def _check_others(
    kind: str, validator: Any, taken: Any, instance: dict[str, Any], is_known: Callable[[str], bool]
) -> Iterator[ValidationError]:
    """Check the properties that are not known; if none are allowed, one error lists the first ones."""
    others = filterfalse(is_known, instance)
    if taken is not False:
        for name in others:
            yield from validator.descend(instance[name], taken, path=name)
    elif first := list(islice(others, MAX_REPORTED_ERRORS)):
        verb = "was" if len(first) == 1 else "were"
        yield ValidationError(f"{kind} properties are not allowed ({', '.join(map(repr, first))} {verb} unexpected)")


def _is_named(schema: dict[str, Any]) -> Callable[[str], bool]:
    """Whether `properties` or `patternProperties` names a property."""
    is_listed: Callable[[str], bool] = schema.get("properties", {}).__contains__
    if not (patterns := schema.get("patternProperties")):
        return is_listed
    return lambda name: is_listed(name) or any(matches(pattern, name) for pattern in patterns)


def _evaluated(validator: Any, instance: dict[str, Any], schema: Any, top: bool = False) -> set[str]:
    """The properties that a schema evaluates. As in `jsonschema`, only alternatives and parts of `allOf` must match."""
    if not isinstance(schema, dict):
        return set()
    current_budget.get().spend(1 + len(instance) // PARTS_PER_STEP)
    if "additionalProperties" in schema or ("unevaluatedProperties" in schema and not top):
        return set(instance)
    found = set(filter(_is_named(schema), instance))
    return found.union(*(_evaluated(inner, instance, part) for inner, part in _in_place(validator, instance, schema)))


def _in_place(validator: Any, instance: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The subschemas that apply to the same value, each with a validator that resolves its references."""
    resolver = validator._resolver  # private, but keywords of `jsonschema` use it
    for name in REFERENCES:
        if name in schema:
            found = lookup_recursive_ref(resolver) if name == "$recursiveRef" else resolver.lookup(schema[name])
            yield validator.evolve(schema=found.contents, _resolver=found.resolver), found.contents
    parts = [part for name in ("allOf", "anyOf", "oneOf") for part in schema.get(name, ())]
    parts = [part for part in parts if next(iter(validator.descend(instance, part)), None) is None]
    parts += (part for name, part in schema.get("dependentSchemas", {}).items() if name in instance)
    if "if" in schema:
        holds = validator.evolve(schema=schema["if"]).is_valid(instance)
        parts += (schema[name] for name in (("if", "then") if holds else ("else",)) if name in schema)
    for part in parts:
        yield validator, part


def _unevaluated_items(check: Check) -> Check:
    """`unevaluatedItems`. For each item, `jsonschema` searches a list of indices."""

    def unevaluated(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        current_budget.get().spend(len(instance) ** 2 // PAIRS_PER_STEP if isinstance(instance, list) else 0)
        return check(validator, taken, instance, schema)

    return unevaluated


def _multiple_of(check: Check) -> Check:
    """`multipleOf`. Integers beyond the range of floats are computed exactly; infinite floats stop the check."""

    def multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "number") and inf in (abs(instance), divisor):
            raise UnfinishedCheck(f"whether {instance} is a multiple of {divisor} cannot be computed")
        try:
            yield from check(validator, divisor, instance, schema) or ()
        except OverflowError:
            if (Fraction(instance) / Fraction(divisor)).denominator != 1:
                yield ValidationError(f"{instance!r} is not a multiple of {divisor}")

    return multiple_of


def _followed(check: Check) -> Check:
    """A reference. It is not followed if that leads back to it with the same value, or too deep.

    If Python's stack ends inside of the Rust code of `referencing`, that panics: `PanicException: __eq__ failed!` is no
    `Exception`. It came once in 330 depths of the stack for `{"if": {"$ref": "#"}}`.
    """

    def followed(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        open_references, place = current_budget.get().open_references, (id(schema), id(instance))
        if place in open_references or len(open_references) >= MAX_OPEN_REFERENCES:
            raise RecursionError
        open_references.add(place)
        try:
            yield from check(validator, reference, instance, schema) or ()
        finally:
            open_references.discard(place)

    return followed


REPLACED_KEYWORDS: dict[str, Check] = {
    "additionalProperties": _additional_properties,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "unevaluatedProperties": _unevaluated_properties,
    "uniqueItems": _unique_items,
}

ADAPTED_KEYWORDS = {
    "multipleOf": _multiple_of,
    "unevaluatedItems": _unevaluated_items,
    **dict.fromkeys(REFERENCES, _followed),
}
"""Keywords that call those of `jsonschema`."""


def _charged(check: Check) -> Check:
    """Wrap a keyword so that it spends its steps before it begins."""

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        parts = len(value) if value.__class__ in CONTAINERS else 0
        parts += len(instance) if instance.__class__ in CONTAINERS else 0
        current_budget.get().spend(1 + parts // PARTS_PER_STEP)
        return check(validator, value, instance, schema)

    return counted


@cache
def budgeted(made: type[Validator], is_exclusive: bool) -> type[Validator]:
    """The validator class of a dialect with these keywords, also for subschemas with a `$schema` of their own.

    Of each subschema, only the first errors are collected. If it is not exclusive, `oneOf` has the meaning of `anyOf`.
    """
    untyped_extend: Any = extend
    checks: dict[str, Check] = made.VALIDATORS | {n: c for n, c in REPLACED_KEYWORDS.items() if n in made.VALIDATORS}
    checks |= {name: change(checks[name]) for name, change in ADAPTED_KEYWORDS.items() if name in checks}
    if not is_exclusive and "oneOf" in checks:
        checks["oneOf"] = checks["anyOf"]
    extended: Any = untyped_extend(made, {name: _charged(check) for name, check in checks.items()})
    plain_descend, plain_errors = extended.descend, extended.iter_errors

    def evolve(validator: Any, **changes: Any) -> Any:
        schema = changes.get("schema", validator.schema)
        fields = {
            "schema": schema,
            "format_checker": validator.format_checker,
            "registry": validator._registry,
            "_resolver": validator._resolver,
        }
        return budgeted(validator_for(schema, default=made), is_exclusive)(**(fields | changes))

    def descend(
        validator: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
    ) -> Iterable[ValidationError]:
        current_budget.get().spend(SCHEMA_STEPS if resolver is None else REFERENCE_STEPS)
        if validator._resolver is NO_REFERENCES:  # private, but part of `evolve` in `jsonschema`
            resolver = NO_REFERENCES
        return islice(plain_descend(validator, instance, schema, path, schema_path, resolver), MAX_REPORTED_ERRORS)

    def iter_errors(*arguments: Any) -> Iterable[ValidationError]:
        current_budget.get().spend(SCHEMA_STEPS)
        return islice(plain_errors(*arguments), MAX_REPORTED_ERRORS)

    extended.evolve, extended.descend, extended.iter_errors = evolve, descend, iter_errors
    validator_class: type[Validator] = extended
    return validator_class
