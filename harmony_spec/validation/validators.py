"""The validators of `jsonschema`, for schemas and values that are not surely valid.

They are imported when one is needed, since that takes a fifth of the time of the first row with tools.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

import regex
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from jsonschema_specifications import REGISTRY
from referencing import Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from ..diagnostics import abridge
from ..errors import schema_reason
from ..tool_types.schema_references import pointer_to
from .breaches import Breach, InvalidSchema
from .budget import Budget, UnfinishedCheck, current_budget
from .keywords import NO_REFERENCES, budgeted, prepared
from .patterns import compiled

MAX_REASON_CHARS = 160
"""How much of a keyword, or of the reason why a value breaks it, is quoted, in code points."""


def breaches_of(validator: Validator, value: Any, budget: Budget) -> list[Breach]:
    current_budget.set(budget)
    try:
        return [_breach_of(error) for error in validator.iter_errors(prepared(value))]
    except Unresolvable as error:
        raise InvalidSchema("", f"the reference {error.ref!r} has no target in the schema") from None
    except (re.error, regex.error) as error:
        raise InvalidSchema("", f"a pattern is not a regular expression: {error}") from None
    except (ArithmeticError, TypeError, ValueError) as error:  # an integer that no float can hold, among others
        raise UnfinishedCheck(f"a keyword cannot be computed: {error}") from None


def validator_of_plain(schema: Any, is_exclusive: bool) -> Validator:
    """Make the validator of a plain schema."""
    checks: Any = budgeted(Draft202012Validator, is_exclusive)
    made: Validator = checks(prepared(schema), _resolver=NO_REFERENCES)
    return made


def make_validator(schema: Any, budget: Budget, is_exclusive: bool) -> Validator | InvalidSchema:
    current_budget.set(budget)
    try:
        schema = prepared(schema)
        made = validator_for(schema if _names_dialect(schema) else {}, default=Draft202012Validator)
        checks = budgeted(made, is_exclusive)
        if error := best_match(checks(made.META_SCHEMA, format_checker=PATTERN_CHECKER).iter_errors(schema)):
            error = error.context[0] if error.context else error  # of alternatives, `type` has the names of types first
            why = f"{_shortened(error.message)}: {error.cause}" if error.cause else _shortened(error.message)
            return InvalidSchema(pointer_to(error.absolute_path), why)
        specification = specification_with(made.META_SCHEMA["$schema"], default=DRAFT202012)
        resource = specification.create_resource(schema)
        address = resource.id() or ""
        registry = REGISTRY.with_resource(address, resource).crawl()  # once, not at each reference
        resolver = registry.resolver(address)
        _require_targets(resource, resolver)
        validator: Validator = checks(schema, registry=registry).evolve(_resolver=resolver)
        breaches_of(validator, {}, budget)  # any value shows an endless loop
    except UnfinishedCheck as error:
        return InvalidSchema("", str(error))
    except Unresolvable as error:
        return InvalidSchema("", f"the reference {error.ref!r} has no target in the schema")
    except RecursionError:
        return InvalidSchema("", "it is nested too deeply, or refers to itself without end")
    except (AttributeError, TypeError, ValueError) as error:
        # A reference to a value that is not a schema, an invalid address.
        return InvalidSchema("", f"it cannot be read: {error}")
    except InvalidSchema as error:
        return error
    return validator


def _names_dialect(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("$schema"), str)


PATTERN_CHECKER = FormatChecker(())
"""Checks that patterns are regular expressions."""


@PATTERN_CHECKER.checks("regex", raises=(regex.error, UnfinishedCheck))
def _is_regex(pattern: object) -> bool:
    """Whether a pattern compiles. Python's syntax includes that of ECMA-262, apart from a few escapes."""
    if isinstance(pattern, str):
        current_budget.get().spend(COMPILE_STEPS * len(pattern))
        compiled(pattern)
    return True


COMPILE_STEPS = 10
"""The steps to compile a character of a pattern."""


def _require_targets(resource: Resource[Any], resolver: Any) -> None:
    """Raise `Unresolvable` if a reference in a schema has no target, `InvalidSchema` if its target is not a schema."""
    reference = resource.contents.get("$ref") if isinstance(resource.contents, dict) else None
    if isinstance(reference, str):
        target = resolver.lookup(reference).contents
        if not isinstance(target, (bool, dict)):
            raise InvalidSchema("", f"the target of {reference!r} is not a schema")
    for part in resource.subresources():
        _require_targets(part, resolver.in_subresource(part))


def _breach_of(error: ValidationError) -> Breach:
    worst = best_match([error]) or error
    value = json.JSONEncoder(ensure_ascii=False).iterencode(worst.validator_value)
    expected = f"{worst.validator}: {_shortened(''.join(islice(value, MAX_REASON_CHARS)))}"
    return Breach(pointer_to(worst.absolute_path), _shortened(schema_reason(worst)), expected)


def _shortened(text: str) -> str:
    return abridge(text, MAX_REASON_CHARS)
