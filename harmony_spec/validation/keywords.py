"""The keywords of JSON Schema. Each spends steps of the row's budget.

Some keywords of `jsonschema` are replaced: those whose time is not linear in schema and value, those that keep every
reason, and those that report in the order of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache, cached_property, partial
from itertools import islice
from math import inf, isfinite
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing.jsonschema import lookup_recursive_ref

from .budget import UnfinishedCheck, current_budget
from .patterns import matches

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
"""The names or values that are looked up in a step."""


# Values and schemas with a short `repr`: `jsonschema` writes all of it into each reason.


class ShortReprList(list[Any]):
    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of its values, see `key_of`, for `enum`."""
        return frozenset(map(key_of, self))

    @cached_property
    def shown(self) -> str:
        return short_repr(self)

    def __repr__(self) -> str:
        return self.shown


class ShortReprDict(dict[str, Any]):
    @cached_property
    def shown(self) -> str:
        return short_repr(self)

    def __repr__(self) -> str:
        return self.shown


class ShortReprStr(str):
    @cached_property
    def shown(self) -> str:
        return short_repr(self)

    def __repr__(self) -> str:
        return self.shown


def with_short_repr(value: Any) -> Any:
    """Return an equal value with a short `repr`.

    In schemas, `LAST_KEYWORDS` come last: they repeat the work of the others, which should fail first.
    """
    if isinstance(value, str):
        return ShortReprStr(value) if len(value) > MAX_VALUE_CHARS else value
    if isinstance(value, list):
        return ShortReprList(map(with_short_repr, value))
    if isinstance(value, dict):
        made = ShortReprDict((with_short_repr(name), with_short_repr(item)) for name, item in value.items())
        for name in LAST_KEYWORDS:
            if name in made:
                made[name] = made.pop(name)
        return made
    return value


def short_repr(value: Any) -> str:
    """The first `MAX_VALUE_CHARS` of the `repr`, computed without the rest."""
    parts: list[str] = []
    length = 0
    for part in _repr_parts(value):
        parts.append(part)
        length += len(part)
        if length > MAX_VALUE_CHARS:
            break
    text = "".join(parts)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}\u2026"


def _repr_parts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield str.__repr__(value[: MAX_VALUE_CHARS + 1])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield ", " if index else "["
            yield from _repr_parts(item)
        yield "]" if value else "[]"
    elif isinstance(value, dict):
        for index, (name, item) in enumerate(value.items()):
            yield ", " if index else "{"
            yield f"{str.__repr__(name[: MAX_VALUE_CHARS + 1])}: "
            yield from _repr_parts(item)
        yield "}" if value else "{}"
    else:
        yield repr(value)


def first_errors(validator: Validator, value: Any) -> list[ValidationError]:
    """The first reasons why a value breaks a schema. Raises `UnfinishedCheck` if the budget is spent."""
    return list(islice(validator.iter_errors(with_short_repr(value)), MAX_REPORTED_ERRORS))


# The steps of keywords, by the value of the keyword and the checked value.


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0


def _one(value: Any, instance: Any) -> int:
    """The keyword looks at a number, a text, or the names in a list."""
    return 1 + _length(value) // PARTS_PER_STEP


def _each_schema(value: Any, instance: Any) -> int:
    """All subschemas look at the value."""
    return 1 + SCHEMA_STEPS * _length(value)


def _some_schemas(value: Any, instance: Any) -> int:
    """Each subschema looks at one part of the value."""
    return 1 + SCHEMA_STEPS * min(_length(value), _length(instance)) + _length(value) // PARTS_PER_STEP


def _each_part(value: Any, instance: Any) -> int:
    """One subschema looks at each part of the value."""
    return 1 + SCHEMA_STEPS * _length(instance)


def _reference(value: Any, instance: Any) -> int:
    return REFERENCE_STEPS


def _none_but_its_own(value: Any, instance: Any) -> int:
    """The keyword itself spends the steps of its work."""
    return 1


def _lists(value: Any, instance: Any) -> int:
    """The keyword has a list, or a subschema, for some names."""
    listed = sum(map(_length, value.values())) if isinstance(value, dict) else 0
    return _some_schemas(value, instance) + listed // PARTS_PER_STEP


STEPS: dict[str, Callable[[Any, Any], int]] = {
    **dict.fromkeys(("$ref", "$dynamicRef", "$recursiveRef"), _reference),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "extends", "disallow"), _each_schema),
    **dict.fromkeys(("properties", "prefixItems", "patternProperties", "dependentSchemas"), _some_schemas),
    **dict.fromkeys(("items", "additionalItems", "contains", "propertyNames"), _each_part),
    **dict.fromkeys(("additionalProperties", "unevaluatedItems", "unevaluatedProperties"), _each_part),
    **dict.fromkeys(("enum", "const", "uniqueItems"), _none_but_its_own),
    **dict.fromkeys(("dependentRequired", "dependencies"), _lists),
}
"""All other keywords need the steps of `_one`."""


def _charged(name: str, check: Check) -> Check:
    """Wrap a keyword so that it spends its steps before it begins."""
    steps = STEPS.get(name, _one)

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        current_budget.get().spend(steps(value, instance))
        return check(validator, value, instance, schema)

    return counted


# Keywords. Each yields the reasons why the value breaks it.


def _any_of(validator: Any, schemas: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """One alternative must match. Of each other one, only the first reasons are kept."""
    reasons: list[ValidationError] = []
    for index, alternative in enumerate(schemas):
        found = list(islice(validator.descend(instance, alternative, schema_path=index), MAX_REPORTED_ERRORS))
        if not found:
            return
        reasons += found
    yield ValidationError(f"{instance!r} is not valid under any of the given schemas", context=reasons)


def _one_of(validator: Any, schemas: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Exactly one alternative must match. None is checked twice: with nested alternatives, that doubles the work."""
    reasons: list[ValidationError] = []
    matching = []
    for index, alternative in enumerate(schemas):
        found = list(islice(validator.descend(instance, alternative, schema_path=index), MAX_REPORTED_ERRORS))
        reasons += found
        if not found:
            matching.append(alternative)
    if not matching:
        yield ValidationError(f"{instance!r} is not valid under any of the given schemas", context=reasons)
    elif len(matching) > 1:
        yield ValidationError(
            f"{instance!r} is valid under each of {', '.join(map(repr, matching[:MAX_REPORTED_ERRORS]))}"
        )


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    for pattern, each in patterns.items() if validator.is_type(instance, "object") else ():
        for name, value in instance.items():
            if matches(pattern, name):
                yield from validator.descend(value, each, path=name, schema_path=pattern)


def _additional_properties(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    unnamed = (name for name in instance if name not in named)
    others = (name for name in unnamed if not any(matches(pattern, name) for pattern in patterns))
    if taken is False:
        yield from _unexpected("Additional properties", others)
        return
    for name in others:
        yield from validator.descend(instance[name], taken, path=name)


def _unexpected(what: str, parts: Iterator[Any]) -> Iterator[ValidationError]:
    """One error for all parts that are not allowed; it lists the first ones."""
    if first := list(islice(parts, MAX_REPORTED_ERRORS)):
        verb = "was" if len(first) == 1 else "were"
        yield ValidationError(f"{what} are not allowed ({', '.join(map(repr, first))} {verb} unexpected)")


def _items(check: Check) -> Check:
    """`items`; with `false`, the error lists only the first items that are not allowed."""

    def items(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        if taken is not False or not validator.is_type(instance, "array"):
            return check(validator, taken, instance, schema)
        first = schema.get("prefixItems") or schema.get("items")
        return _unexpected("Additional items", iter(instance[_length(first) :]))

    return items


def _additional_items(check: Check) -> Check:
    """`additionalItems`, which only applies if `items` is a list."""
    items = _items(check)

    def additional(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        return items(validator, taken, instance, schema) if isinstance(schema.get("items"), list) else ()

    return additional


def _unevaluated(kind: str, validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`unevaluatedProperties` and `unevaluatedItems`."""
    if not validator.is_type(instance, kind):
        return
    known = _evaluated(validator, instance, schema, top=True)
    if kind == "array":
        left = [(index, item, item) for index, item in enumerate(instance) if index not in known]
    else:
        left = [(name, value, name) for name, value in instance.items() if name not in known]
    if taken is False:
        yield from _unexpected(f"Unevaluated parts of the {kind}", (named for _, _, named in left))
        return
    for key, value, _ in left:
        yield from validator.descend(value, taken, path=key)


def _evaluated(validator: Any, instance: Any, schema: Any, top: bool = False) -> set[Any]:
    """The names of the properties, or the indices of the items, that a matching schema evaluates."""
    if not isinstance(schema, dict):
        return set()
    array = isinstance(instance, list)
    current_budget.get().spend(1 + len(instance) // PARTS_PER_STEP)
    if not top and ("unevaluatedItems" if array else "unevaluatedProperties") in schema:
        return set(range(len(instance)) if array else instance)
    found = _evaluated_items(validator, instance, schema) if array else _evaluated_names(instance, schema)
    for inner, part in _in_place(validator, instance, schema):
        if next(inner.descend(instance, part), None) is None:
            found |= _evaluated(inner, instance, part)
    return found


def _evaluated_items(validator: Any, instance: list[Any], schema: dict[str, Any]) -> set[Any]:
    """The indices of the items that the keywords of a schema evaluate, without its subschemas for the same value."""
    taken = schema.get("items")
    if isinstance(taken, (dict, bool)) or (taken is not None and "additionalItems" in schema):
        return set(range(len(instance)))
    found = set(range(min(max(_length(schema.get("prefixItems")), _length(taken)), len(instance))))
    if "contains" in schema:
        current_budget.get().spend(SCHEMA_STEPS * len(instance))
        each = validator.evolve(schema=schema["contains"])
        found |= {index for index, item in enumerate(instance) if each.is_valid(item)}
    return found


def _evaluated_names(instance: dict[str, Any], schema: dict[str, Any]) -> set[Any]:
    """The names of the properties that the keywords of a schema evaluate, without its subschemas for the same value."""
    if "additionalProperties" in schema:
        return set(instance)
    found = set(schema.get("properties", {}).keys() & instance.keys())
    patterns = schema.get("patternProperties", {})
    return found | {name for name in instance for pattern in patterns if matches(pattern, name)}


def _in_place(validator: Any, instance: Any, schema: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The subschemas that apply to the same value, each with a validator that resolves its references."""
    budget, resolver = (
        current_budget.get(),
        validator._resolver,
    )  # private, but keywords of `jsonschema` use it
    for name in ("$ref", "$dynamicRef", "$recursiveRef"):
        if name in schema:
            budget.spend(REFERENCE_STEPS)
            found = lookup_recursive_ref(resolver) if name == "$recursiveRef" else resolver.lookup(schema[name])
            yield validator.evolve(schema=found.contents, _resolver=found.resolver), found.contents
    parts: list[Any] = []
    for name in ("allOf", "anyOf", "oneOf"):
        parts += schema.get(name, ())
    dependent = schema.get("dependentSchemas", {})
    parts += (part for name, part in dependent.items() if isinstance(instance, dict) and name in instance)
    if "if" in schema:
        holds = validator.evolve(schema=schema["if"]).is_valid(instance)
        parts += (schema[name] for name in (("if", "then") if holds else ("else",)) if name in schema)
    budget.spend(SCHEMA_STEPS * len(parts))
    for part in parts:
        yield validator, part


def _unique_items(validator: Any, unique: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if unique and validator.is_type(instance, "array"):
        keys = [_key(item) for item in instance]
        if len(set(keys)) < len(keys):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _enum(validator: Any, listed: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    known = listed.keys if isinstance(listed, ShortReprList) else frozenset(map(key_of, listed))
    if _key(instance) not in known:
        yield ValidationError(f"{instance!r} is not one of {listed!r}")


def _const(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not _is_equal(wanted, instance):
        yield ValidationError(f"{wanted!r} was expected")


def _is_equal(one: Any, other: Any) -> bool:
    """Whether values are equal. Most are not: types and lengths are compared first, since keys cost steps."""
    if isinstance(one, (list, dict, str)) or isinstance(other, (list, dict, str)):
        same = any(isinstance(one, kind) and isinstance(other, kind) for kind in (list, dict, str))
        return same and len(one) == len(other) and _key(one) == _key(other)
    return _key(one) == _key(other)


def _key(value: Any) -> str:
    """The key of a value; spends the steps to make it."""
    key = key_of(value)
    current_budget.get().spend(1 + len(key) // KEY_CHARS_PER_STEP)
    return key


KEY_CHARS_PER_STEP = 16
"""The characters of a key that are written in a step."""


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


def _multiple_of(check: Check) -> Check:
    """`multipleOf`. Integers beyond the range of floats are computed exactly; infinite floats stop the check."""

    def multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not validator.is_type(instance, "number"):
            return
        if inf in (abs(instance), divisor):
            raise UnfinishedCheck(f"whether {instance} is a multiple of {divisor} cannot be computed")
        try:
            yield from check(validator, divisor, instance, schema) or ()
        except OverflowError:
            if (Fraction(instance) / Fraction(divisor)).denominator != 1:
                yield ValidationError(f"{instance!r} is not a multiple of {divisor}")

    return multiple_of


LAST_KEYWORDS = ("unevaluatedItems", "unevaluatedProperties")

REWRITTEN_KEYWORDS: dict[str, Check] = {
    "additionalProperties": _additional_properties,
    "anyOf": _any_of,
    "const": _const,
    "enum": _enum,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
    "unevaluatedItems": partial(_unevaluated, "array"),
    "unevaluatedProperties": partial(_unevaluated, "object"),
}

ADAPTED_KEYWORDS: dict[str, Callable[[Check], Check]] = {
    "additionalItems": _additional_items,
    "items": _items,
    "multipleOf": _multiple_of,
}
"""Keywords that call those of `jsonschema`, apart from some values."""


@cache
def budgeted(made: type[Validator]) -> type[Validator]:
    """The validator class of a dialect with these keywords, also for subschemas with a `$schema` of their own."""
    untyped_extend: Any = extend
    checks: dict[str, Check] = dict(made.VALIDATORS)
    checks |= {name: check for name, check in REWRITTEN_KEYWORDS.items() if name in checks}
    checks |= {name: change(checks[name]) for name, change in ADAPTED_KEYWORDS.items() if name in checks}
    extended: Any = untyped_extend(made, {name: _charged(name, check) for name, check in checks.items()})

    def evolve(validator: Any, **changes: Any) -> Any:
        schema = changes.get("schema", validator.schema)
        fields = {
            "schema": schema,
            "format_checker": validator.format_checker,
            "registry": validator._registry,
            "_resolver": validator._resolver,
        }
        return budgeted(validator_for(schema, default=made))(**(fields | changes))

    extended.evolve = evolve
    validator_class: type[Validator] = extended
    return validator_class
