"""Whether values are what a JSON Schema asks for, with validators that are made once for each schema."""

from __future__ import annotations

import json
import marshal
import re
from typing import Any, NamedTuple

import regex
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from jsonschema_specifications import REGISTRY
from referencing import Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from ..tool_types.schema_references import escaped
from .budget import FIRST_STEPS, Budget, Unfinished, current
from .caches import Remembered
from .keywords import bounded, brief, errors
from .patterns import compiled

SCHEMA_CACHE_BYTES = 64 << 20
"""The memory of the schemas that are remembered: more than those of the tools of any corpus take."""

MEMORY_PER_BYTE, MEMORY_PER_SCHEMA = 16, 16 << 10
"""The memory of a schema that is ready, for each byte of its key and beside that, as measured."""

LONGEST = 160
"""How much of what a schema asks for, or of what breaks it, is shown, in code points."""


class Breach(NamedTuple):
    """A place where a value breaks a schema: a JSON pointer (RFC 6901), what is wrong, what is asked for."""

    pointer: str
    reason: str
    expected: str


class WrongSchema(Exception):
    """A schema that is none: where in it, as a JSON pointer, and why."""

    def __init__(self, pointer: str, reason: str) -> None:
        self.pointer, self.reason = pointer, reason
        super().__init__(pointer, reason)


class Known(NamedTuple):
    """What is known of a schema: what checks values, or why it is none, and the steps that it took to find that out."""

    checked: Validator | WrongSchema
    steps: int


def breaches(schema: Any, value: Any, budget: Budget) -> list[Breach]:
    """Where a value breaks a schema. Nothing is ever fetched.

    Raises:
        WrongSchema: the schema is none.
        Unfinished: to check the value takes more than the budget has.
    """
    found = _known(schema, budget).checked
    if isinstance(found, WrongSchema):
        raise found
    try:
        return _breaches(found, value, budget)
    except RecursionError:
        raise Unfinished("the schema, or the value, is nested too deeply") from None


def _breaches(validator: Validator, value: Any, budget: Budget) -> list[Breach]:
    current.set(budget)
    try:
        return [_breach(error) for error in errors(validator, value)]
    except Unresolvable as error:
        raise WrongSchema("", f"{error.ref!r} refers to nothing in the schema") from None
    except (re.error, regex.error) as error:
        raise WrongSchema("", f"a pattern in it is no regular expression: {error}") from None
    except (ArithmeticError, ValueError) as error:  # an integer that no float can hold, among others
        raise Unfinished(f"the schema asks for what cannot be computed: {error}") from None


def wrong_schema(schema: Any, budget: Budget) -> WrongSchema | None:
    """Why a schema is none; None for one that is. Raises `Unfinished` if that takes more than the budget has."""
    found, steps = _known(schema, budget)
    budget.take(
        steps // STEPS_PER_DECLARED_STEP
    )  # also if it is remembered: what is found must not depend on the rows before
    return found if isinstance(found, WrongSchema) else None


CHECK_STEPS = 8
"""Steps that it takes to begin with a value and a schema."""

BYTES_PER_STEP = 500
"""So many bytes of a key are made, and looked up, in the time of a step."""

STEPS_PER_BYTE = 50
"""Steps that the check of a schema may take for each byte of its key: five times as many as common ones do."""

STEPS_PER_DECLARED_STEP = 4
"""So many of these count as one of the row that declares a schema, since it is checked once in many rows."""

_schemas: Remembered[Known] = Remembered(SCHEMA_CACHE_BYTES)


def _known(schema: Any, budget: Budget) -> Known:
    """What is known of a schema. Equal ones have equal bytes; version 2 of the form has no references to what it is."""
    budget.take(CHECK_STEPS)
    try:
        key = marshal.dumps(schema, 2)
    except ValueError as error:
        return Known(WrongSchema("", f"it cannot be read: {error}"), 0)
    budget.take(len(key) // BYTES_PER_STEP)
    if (found := _schemas.get(key)) is None:
        own = Budget(FIRST_STEPS + STEPS_PER_BYTE * len(key))
        before = own.steps
        checked = _checked(marshal.loads(key), own)
        found = Known(checked, before - own.steps)
        _schemas.put(key, found, MEMORY_PER_SCHEMA + MEMORY_PER_BYTE * len(key))
    return found


def _checked(schema: Any, budget: Budget) -> Validator | WrongSchema:
    current.set(budget)
    try:
        schema = brief(schema)
        made = validator_for(schema if _names_dialect(schema) else {}, default=Draft202012Validator)
        checks = bounded(made)
        if error := best_match(checks(made.META_SCHEMA, format_checker=PATTERNS).iter_errors(schema)):
            why = f"{_short(error.message)}: {error.cause}" if error.cause else _short(error.message)
            return WrongSchema(_pointer(error.absolute_path), why)
        specification = specification_with(made.META_SCHEMA["$schema"], default=DRAFT202012)
        resource = specification.create_resource(schema)
        address = resource.id() or ""
        registry = REGISTRY.with_resource(address, resource).crawl()  # once, not for each reference
        resolver = registry.resolver(address)
        _require_targets(resource, resolver)
        validator: Validator = checks(schema, registry=registry).evolve(_resolver=resolver)
        _breaches(validator, {}, budget)  # an endless loop shows with any value
    except Unfinished as error:
        return WrongSchema("", str(error))
    except Unresolvable as error:
        return WrongSchema("", f"{error.ref!r} refers to nothing in the schema")
    except RecursionError:
        return WrongSchema("", "it is nested too deeply, or refers to itself without end")
    except (AttributeError, TypeError, ValueError) as error:
        # a reference to what is no schema, an address that is none
        return WrongSchema("", f"it cannot be read: {error}")
    except WrongSchema as error:
        return error
    return validator


def _names_dialect(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("$schema"), str)


PATTERNS = FormatChecker(())
"""Finds patterns that are no regular expressions."""


@PATTERNS.checks("regex", raises=(regex.error, Unfinished))
def _is_regex(pattern: object) -> bool:
    """Whether a pattern can be matched. Python's syntax has that of ECMA-262 but for a few escapes."""
    if isinstance(pattern, str):
        current.get().take(COMPILE_STEPS * len(pattern))
        compiled(pattern)
    return True


COMPILE_STEPS = 10
"""Steps in which a character of a pattern is compiled."""


def _require_targets(resource: Resource[Any], resolver: Any) -> None:
    """Raise `Unresolvable` where a reference in a schema, or in a part of it, refers to nothing."""
    reference = resource.contents.get("$ref") if isinstance(resource.contents, dict) else None
    if isinstance(reference, str):
        target = resolver.lookup(reference).contents
        if not isinstance(target, (bool, dict)):
            raise WrongSchema("", f"{reference!r} refers to no schema")
    for part in resource.subresources():
        _require_targets(part, resolver.in_subresource(part))


def _breach(error: ValidationError) -> Breach:
    worst = best_match([error]) or error
    expected = f"{worst.validator}: {_short(_json(worst.validator_value))}"
    return Breach(_pointer(worst.absolute_path), _short(worst.message), expected)


def _json(value: Any) -> str:
    """The beginning of a value as JSON."""
    parts: list[str] = []
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        parts.append(part)
        if len(parts) > LONGEST:
            break
    return "".join(parts)


def _pointer(path: Any) -> str:
    return "".join(f"/{escaped(str(step))}" for step in path)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
