"""Whether values are what a JSON Schema asks for, with validators that are made once for each schema."""

from __future__ import annotations

import json
import marshal
import re
from functools import lru_cache
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
from .keywords import errors, last, linear
from .patterns import Unbounded, compiled

KEPT = 4096
"""How many schemas are remembered: more than the tools of the conversations of any corpus are."""

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


def breaches(schema: Any, value: Any) -> list[Breach]:
    """Where a value breaks a schema; raises `WrongSchema` for a schema that is none. Nothing is ever fetched."""
    found = _known(schema)
    if isinstance(found, WrongSchema):
        raise found
    return _breaches(found, value)


def _breaches(validator: Validator, value: Any) -> list[Breach]:
    try:
        return [_breach(error) for error in errors(validator, value)]
    except Unbounded as error:
        raise WrongSchema("", str(error)) from None
    except Unresolvable as error:
        raise WrongSchema("", f"{error.ref!r} refers to nothing in the schema") from None
    except (re.error, regex.error) as error:
        raise WrongSchema("", f"a pattern in it is no regular expression: {error}") from None
    except RecursionError:
        raise WrongSchema("", "it refers to itself without end") from None
    except ArithmeticError as error:  # an integer that no float can hold, in what asks for a multiple of one
        raise WrongSchema("", f"it asks for what cannot be computed: {error}") from None


def wrong_schema(schema: Any) -> WrongSchema | None:
    """Why a schema is none; None for one that is."""
    found = _known(schema)
    return found if isinstance(found, WrongSchema) else None


def _known(schema: Any) -> Validator | WrongSchema:
    """What is known of a schema. Equal ones have equal bytes; version 2 of the form has no references to what it is."""
    try:
        return _validator(marshal.dumps(schema, 2))
    except ValueError as error:
        return WrongSchema("", f"it cannot be read: {error}")


@lru_cache(KEPT)
def _validator(key: bytes) -> Validator | WrongSchema:
    schema = marshal.loads(key)
    try:
        made = validator_for(schema if _names_dialect(schema) else {}, default=Draft202012Validator)
        if error := best_match(made(made.META_SCHEMA, format_checker=PATTERNS).iter_errors(schema)):
            why = f"{_short(error.message)}: {error.cause}" if error.cause else _short(error.message)
            return WrongSchema(_pointer(error.absolute_path), why)
        specification = specification_with(made.META_SCHEMA["$schema"], default=DRAFT202012)
        resource = specification.create_resource(schema)
        _require_targets(resource, REGISTRY.resolver_with_root(resource))
        validator = linear(made)(last(schema), registry=REGISTRY)
        _breaches(validator, {})  # an endless loop shows with any value
    except Unresolvable as error:
        return WrongSchema("", f"{error.ref!r} refers to nothing in the schema")
    except RecursionError:
        return WrongSchema("", "it is nested too deeply")
    except (
        AttributeError,
        TypeError,
        ValueError,
    ) as error:  # a reference to what is no schema, an address that is none
        return WrongSchema("", f"it cannot be read: {error}")
    except WrongSchema as error:
        return error
    return validator


def _names_dialect(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("$schema"), str)


PATTERNS = FormatChecker(())
"""Finds patterns that are no regular expressions."""


@PATTERNS.checks("regex", raises=(regex.error, Unbounded))
def _is_regex(pattern: object) -> bool:
    """Whether a pattern can be matched. Python's syntax has that of ECMA-262 but for a few escapes."""
    if isinstance(pattern, str):
        compiled(pattern)
    return True


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
    expected = f"{worst.validator}: {_short(json.dumps(worst.validator_value, ensure_ascii=False))}"
    return Breach(_pointer(worst.absolute_path), _short(worst.message), expected)


def _pointer(path: Any) -> str:
    return "".join(f"/{escaped(str(step))}" for step in path)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
