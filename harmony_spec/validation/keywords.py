"""The keywords of JSON Schema, each of which takes the steps of its work from the budget of the row.

Those that take `jsonschema` more time than the sizes of a schema and a value say are written anew, as are those that
keep every reason, or whose order is that of a set.
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

from .budget import Unfinished, current
from .patterns import matches

Check = Callable[..., Iterable[ValidationError] | None]

MOST = 5
"""How many places of one value are reported that break a schema; the first ones tell enough."""

SHOWN = 160
"""How much of a value, or of what a schema asks for, is shown, in code points."""

REFERENCE_STEPS = 15
"""Steps that it takes to find what a reference refers to."""

SCHEMA_STEPS = 6
"""Steps that it takes to begin with another part of a schema."""

PARTS_PER_STEP = 16
"""So many names or values that only need be looked up take one step."""


# Values and schemas whose `repr` is short: `jsonschema` puts the whole of them into each reason.


class Listed(list[Any]):
    """An array."""

    @cached_property
    def keys(self) -> frozenset[str]:
        """Those of its values, by which it is found whether another one is among them."""
        return frozenset(map(key_of, self))

    @cached_property
    def shown(self) -> str:
        return shown(self)

    def __repr__(self) -> str:
        return self.shown


class Members(dict[str, Any]):
    """An object."""

    @cached_property
    def shown(self) -> str:
        return shown(self)

    def __repr__(self) -> str:
        return self.shown


class Long(str):
    """A text that is too long to be shown."""

    @cached_property
    def shown(self) -> str:
        return shown(self)

    def __repr__(self) -> str:
        return self.shown


def brief(value: Any) -> Any:
    """A value that is equal, and whose `repr` is short.

    In schemas, keywords about what others leave over stand last in their parts: they do the work of those again.
    """
    if isinstance(value, str):
        return Long(value) if len(value) > SHOWN else value
    if isinstance(value, list):
        return Listed(map(brief, value))
    if isinstance(value, dict):
        made = Members((brief(name), brief(item)) for name, item in value.items())
        for name in REPEATING:
            if name in made:
                made[name] = made.pop(name)
        return made
    return value


def shown(value: Any) -> str:
    """The beginning of the `repr` of a value."""
    parts: list[str] = []
    length = 0
    for part in _parts_shown(value):
        parts.append(part)
        length += len(part)
        if length > SHOWN:
            break
    text = "".join(parts)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\u2026"


def _parts_shown(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield str.__repr__(value[: SHOWN + 1])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield ", " if index else "["
            yield from _parts_shown(item)
        yield "]" if value else "[]"
    elif isinstance(value, dict):
        for index, (name, item) in enumerate(value.items()):
            yield ", " if index else "{"
            yield f"{str.__repr__(name[: SHOWN + 1])}: "
            yield from _parts_shown(item)
        yield "}" if value else "{}"
    else:
        yield repr(value)


def errors(validator: Validator, value: Any) -> list[ValidationError]:
    """The first reasons why a value is not what a schema asks for; raises `Unfinished` where that takes too much."""
    return list(islice(validator.iter_errors(brief(value)), MOST))


# What keywords take.


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0


def _one(value: Any, instance: Any) -> int:
    """A keyword that looks at a number, a text, or the names in a list."""
    return 1 + _length(value) // PARTS_PER_STEP


def _each_schema(value: Any, instance: Any) -> int:
    """A keyword whose schemas all look at the value."""
    return 1 + SCHEMA_STEPS * _length(value)


def _some_schemas(value: Any, instance: Any) -> int:
    """A keyword whose schemas look at some parts of the value."""
    return 1 + SCHEMA_STEPS * min(_length(value), _length(instance)) + _length(value) // PARTS_PER_STEP


def _each_part(value: Any, instance: Any) -> int:
    """A keyword whose schema looks at each part of the value."""
    return 1 + SCHEMA_STEPS * _length(instance)


def _reference(value: Any, instance: Any) -> int:
    """A keyword that refers to another part of the schema."""
    return REFERENCE_STEPS


def _none_but_its_own(value: Any, instance: Any) -> int:
    """A keyword that takes the steps of its work itself."""
    return 1


def _lists(value: Any, instance: Any) -> int:
    """A keyword with a list, or a schema, for some names."""
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
"""The steps of keywords, by the value of the keyword and what it looks at; all others take those of `_one`."""


def _counted(name: str, check: Check) -> Check:
    """A keyword that takes its steps before it does its work."""
    steps = STEPS.get(name, _one)

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        current.get().take(steps(value, instance))
        return check(validator, value, instance, schema)

    return counted


# Keywords.


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
    """One alternative takes the value. None is looked at twice: alternatives in alternatives would double the work."""
    reasons: list[ValidationError] = []
    takers = []
    for index, alternative in enumerate(schemas):
        found = list(islice(validator.descend(instance, alternative, schema_path=index), MOST))
        reasons += found
        if not found:
            takers.append(alternative)
    if not takers:
        yield ValidationError(f"{instance!r} is not valid under any of the given schemas", context=reasons)
    elif len(takers) > 1:
        yield ValidationError(f"{instance!r} is valid under each of {', '.join(map(repr, takers[:MOST]))}")


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


def _additional_properties(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """What the properties take that are not named, nor match a pattern."""
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
    """The reason why some parts of a value may not be there."""
    if first := list(islice(parts, MOST)):
        verb = "was" if len(first) == 1 else "were"
        yield ValidationError(f"{what} are not allowed ({', '.join(map(repr, first))} {verb} unexpected)")


def _items(check: Check) -> Check:
    """What the items take that no other keyword has; `false` shows the first of those that there may not be."""

    def items(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        if taken is not False or not validator.is_type(instance, "array"):
            return check(validator, taken, instance, schema)
        first = schema.get("prefixItems") or schema.get("items")
        return _unexpected("Additional items", iter(instance[_length(first) :]))

    return items


def _additional_items(check: Check) -> Check:
    """The same, of a dialect whose `items` are a list; beside others there are no additional ones."""
    items = _items(check)

    def additional(validator: Any, taken: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        return items(validator, taken, instance, schema) if isinstance(schema.get("items"), list) else ()

    return additional


def _unevaluated(kind: str, validator: Any, taken: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """What the properties, or the items, take that no other keyword looks at."""
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
    """The names of the properties, or the numbers of the items, that a schema looks at which takes the value."""
    if not isinstance(schema, dict):
        return set()
    array = isinstance(instance, list)
    current.get().take(1 + len(instance) // PARTS_PER_STEP)
    if not top and ("unevaluatedItems" if array else "unevaluatedProperties") in schema:
        return set(range(len(instance)) if array else instance)
    found = _evaluated_items(validator, instance, schema) if array else _evaluated_names(instance, schema)
    for inner, part in _in_place(validator, instance, schema):
        if next(inner.descend(instance, part), None) is None:
            found |= _evaluated(inner, instance, part)
    return found


def _evaluated_items(validator: Any, instance: list[Any], schema: dict[str, Any]) -> set[Any]:
    """The numbers of the items that the keywords of a schema look at by themselves."""
    taken = schema.get("items")
    if isinstance(taken, (dict, bool)) or (taken is not None and "additionalItems" in schema):
        return set(range(len(instance)))
    found = set(range(min(max(_length(schema.get("prefixItems")), _length(taken)), len(instance))))
    if "contains" in schema:
        current.get().take(SCHEMA_STEPS * len(instance))
        each = validator.evolve(schema=schema["contains"])
        found |= {index for index, item in enumerate(instance) if each.is_valid(item)}
    return found


def _evaluated_names(instance: dict[str, Any], schema: dict[str, Any]) -> set[Any]:
    """The names of the properties that the keywords of a schema look at by themselves."""
    if "additionalProperties" in schema:
        return set(instance)
    found = set(schema.get("properties", {}).keys() & instance.keys())
    patterns = schema.get("patternProperties", {})
    return found | {name for name in instance for pattern in patterns if matches(pattern, name)}


def _in_place(validator: Any, instance: Any, schema: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The schemas that look at the same value because a schema does, with validators that know what they refer to."""
    budget, resolver = current.get(), validator._resolver  # which the checks of `jsonschema` use, too
    for name in ("$ref", "$dynamicRef", "$recursiveRef"):
        if name in schema:
            budget.take(REFERENCE_STEPS)
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
    budget.take(SCHEMA_STEPS * len(parts))
    for part in parts:
        yield validator, part


def _unique_items(validator: Any, unique: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """No item equals another one."""
    if unique and validator.is_type(instance, "array"):
        keys = [_key(item) for item in instance]
        if len(set(keys)) < len(keys):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _enum(validator: Any, listed: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """One of some values."""
    known = listed.keys if isinstance(listed, Listed) else frozenset(map(key_of, listed))
    if _key(instance) not in known:
        yield ValidationError(f"{instance!r} is not one of {listed!r}")


def _const(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """One value."""
    if not _is_equal(wanted, instance):
        yield ValidationError(f"{wanted!r} was expected")


def _is_equal(one: Any, other: Any) -> bool:
    """Whether values are equal, most of which are not, and differ in what is seen at once."""
    if isinstance(one, (list, dict, str)) or isinstance(other, (list, dict, str)):
        same = any(isinstance(one, kind) and isinstance(other, kind) for kind in (list, dict, str))
        return same and len(one) == len(other) and _key(one) == _key(other)
    return _key(one) == _key(other)


def _key(value: Any) -> str:
    """The key of a value, for the steps that it takes to make it."""
    key = key_of(value)
    current.get().take(1 + len(key) // CHARACTERS_PER_STEP)
    return key


CHARACTERS_PER_STEP = 16
"""So many characters of a key are written in the time of a step."""


def key_of(value: Any) -> str:
    """A text that is equal for values that are equal in JSON, where 1 is 1.0 and not true.

    The hashes of texts are not known to whoever writes them; those of numbers are, and many numbers may share one.
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
    """A multiple of a number. Integers that no float can hold are computed exactly, larger floats not at all."""

    def multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not validator.is_type(instance, "number"):
            return
        if inf in (abs(instance), divisor):
            raise Unfinished(f"whether {instance} is a multiple of {divisor} cannot be computed")
        try:
            yield from check(validator, divisor, instance, schema) or ()
        except OverflowError:
            if (Fraction(instance) / Fraction(divisor)).denominator != 1:
                yield ValidationError(f"{instance!r} is not a multiple of {divisor}")

    return multiple_of


REPEATING = ("unevaluatedItems", "unevaluatedProperties")

KEYWORDS: dict[str, Check] = {
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

CHANGED: dict[str, Callable[[Check], Check]] = {
    "additionalItems": _additional_items,
    "items": _items,
    "multipleOf": _multiple_of,
}
"""Keywords that do what `jsonschema` does, but for some values."""


@cache
def bounded(made: type[Validator]) -> type[Validator]:
    """The validator of a dialect with these keywords, also in parts of a schema that name a dialect of their own."""
    extended: Any = extend  # it has no types
    checks: dict[str, Check] = dict(made.VALIDATORS)
    checks |= {name: check for name, check in KEYWORDS.items() if name in checks}
    checks |= {name: change(checks[name]) for name, change in CHANGED.items() if name in checks}
    found: Any = extended(made, {name: _counted(name, check) for name, check in checks.items()})

    def evolve(validator: Any, **changes: Any) -> Any:
        schema = changes.get("schema", validator.schema)
        fields = {
            "schema": schema,
            "format_checker": validator.format_checker,
            "registry": validator._registry,
            "_resolver": validator._resolver,
        }
        return bounded(validator_for(schema, default=made))(**(fields | changes))

    found.evolve = evolve
    return found  # type: ignore[no-any-return]
