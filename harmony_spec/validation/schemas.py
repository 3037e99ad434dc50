"""Checks of values by JSON Schemas, with a cached validator for each schema. Nothing is ever fetched."""

from __future__ import annotations

import json
import marshal
import re
from itertools import islice
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

from ..diagnostics import abridge
from ..format.cache_limits import SizedCache
from ..tool_types.schema_references import escaped
from .budget import FIRST_STEPS, Budget, UnfinishedCheck, current_budget
from .keywords import NO_REFERENCES, budgeted, prepared
from .patterns import compiled
from .plain_schemas import allows, is_plain

SCHEMA_CACHE_BYTES = 64 << 20
"""The memory of cached schemas: more than the tools of any corpus need."""

MEMORY_PER_KEY_BYTE, MEMORY_PER_SCHEMA = 16, 16 << 10
"""The measured memory of a cached schema: for each byte of its key, and in addition."""

MEMORY_PER_PLAIN = 256
"""The measured memory of a plain schema without its validator, in addition to its key."""

MAX_REASON_CHARS = 160
"""How much of a keyword, or of the reason why a value breaks it, is quoted, in code points."""


class Breach(NamedTuple):
    """A place where a value breaks a schema: a JSON pointer (RFC 6901), the reason, the keyword and its value."""

    pointer: str
    reason: str
    expected: str


class InvalidSchema(Exception):
    """A schema is invalid: the place in it, as a JSON pointer, and the reason."""

    def __init__(self, pointer: str, reason: str) -> None:
        self.pointer, self.reason = pointer, reason
        super().__init__(pointer, reason)


class CheckedSchema(NamedTuple):
    """A schema after its check: its validator or its error, and the steps that the check needed.

    A plain schema has no validator until one is needed.
    """

    checked: Validator | InvalidSchema | None
    steps: int
    is_plain: bool


def find_breaches(schema: Any, value: Any, budget: Budget, is_exclusive: bool = True) -> list[Breach]:
    """Find the first places where a value breaks a schema.

    Args:
        is_exclusive: whether `oneOf` allows only one of its schemas to match.

    Raises:
        InvalidSchema: the schema itself is invalid.
        UnfinishedCheck: the budget is spent.
    """
    checked, _, is_plain = _check_schema(schema, budget, is_exclusive)
    if isinstance(checked, InvalidSchema):
        raise checked
    if is_plain and allows(schema, value):
        return []
    try:
        return _find_breaches(checked or _validator_of_plain(schema, is_exclusive), value, budget)
    except RecursionError:
        raise UnfinishedCheck("the schema, or the value, is nested too deeply") from None


def _find_breaches(validator: Validator, value: Any, budget: Budget) -> list[Breach]:
    current_budget.set(budget)
    try:
        return [_breach_of(error) for error in validator.iter_errors(prepared(value))]
    except Unresolvable as error:
        raise InvalidSchema("", f"the reference {error.ref!r} has no target in the schema") from None
    except (re.error, regex.error) as error:
        raise InvalidSchema("", f"a pattern is not a regular expression: {error}") from None
    except (ArithmeticError, TypeError, ValueError) as error:  # an integer that no float can hold, among others
        raise UnfinishedCheck(f"a keyword cannot be computed: {error}") from None


def find_schema_error(schema: Any, budget: Budget, is_exclusive: bool = True) -> InvalidSchema | None:
    """Return why a schema is invalid; None if it is valid. Raises `UnfinishedCheck` if the budget is spent."""
    found, steps, _ = _check_schema(schema, budget, is_exclusive)
    # Also for a cached schema: findings must not depend on the rows before.
    budget.spend(steps // STEPS_PER_DECLARED_STEP)
    return found if isinstance(found, InvalidSchema) else None


CHECK_STEPS = 8
"""The steps to begin with a value and a schema."""

BYTES_PER_STEP = 500
"""The bytes of a key that are made and looked up in a step."""

STEPS_PER_BYTE = 50
"""Steps that the check of a schema may use for each byte of its key: five times what common schemas need."""

STEPS_PER_DECLARED_STEP = 4
"""A row is charged one step for so many steps of the check: a schema is checked once for many rows."""

_schemas: SizedCache[CheckedSchema] = SizedCache(SCHEMA_CACHE_BYTES)


def _check_schema(schema: Any, budget: Budget, is_exclusive: bool) -> CheckedSchema:
    """Check a schema, or return the cached result."""
    budget.spend(CHECK_STEPS)
    try:
        key = marshal.dumps(schema, 2)  # version 2 has no references between objects: equal schemas have equal bytes
    except ValueError as error:
        return CheckedSchema(InvalidSchema("", f"it cannot be read: {error}"), 0, False)
    budget.spend(len(key) // BYTES_PER_STEP)
    found = _schemas.get((key, is_exclusive))
    if found is not None:
        return found
    if is_plain(schema):
        found = CheckedSchema(None, 0, True)
        _schemas.put((key, is_exclusive), found, MEMORY_PER_PLAIN + len(key))
    else:
        own = Budget(FIRST_STEPS + STEPS_PER_BYTE * len(key))
        before = own.steps
        checked = _make_validator(marshal.loads(key), own, is_exclusive)
        found = CheckedSchema(checked, before - own.steps, False)
        _schemas.put((key, is_exclusive), found, MEMORY_PER_SCHEMA + MEMORY_PER_KEY_BYTE * len(key))
    return found


def _validator_of_plain(schema: Any, is_exclusive: bool) -> Validator:
    """Make the validator of a plain schema, and keep it."""
    key = marshal.dumps(schema, 2)
    checks: Any = budgeted(Draft202012Validator, is_exclusive)
    made: Validator = checks(prepared(schema), _resolver=NO_REFERENCES)
    _schemas.put((key, is_exclusive), CheckedSchema(made, 0, True), MEMORY_PER_SCHEMA + MEMORY_PER_KEY_BYTE * len(key))
    return made


def _make_validator(schema: Any, budget: Budget, is_exclusive: bool) -> Validator | InvalidSchema:
    current_budget.set(budget)
    try:
        schema = prepared(schema)
        made = validator_for(schema if _names_dialect(schema) else {}, default=Draft202012Validator)
        checks = budgeted(made, is_exclusive)
        if error := best_match(checks(made.META_SCHEMA, format_checker=PATTERN_CHECKER).iter_errors(schema)):
            why = f"{_shortened(error.message)}: {error.cause}" if error.cause else _shortened(error.message)
            return InvalidSchema(_json_pointer(error.absolute_path), why)
        specification = specification_with(made.META_SCHEMA["$schema"], default=DRAFT202012)
        resource = specification.create_resource(schema)
        address = resource.id() or ""
        registry = REGISTRY.with_resource(address, resource).crawl()  # once, not at each reference
        resolver = registry.resolver(address)
        _require_targets(resource, resolver)
        validator: Validator = checks(schema, registry=registry).evolve(_resolver=resolver)
        _find_breaches(validator, {}, budget)  # any value shows an endless loop
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
    return Breach(_json_pointer(worst.absolute_path), _shortened(worst.message), expected)


def _json_pointer(path: Any) -> str:
    return "".join(f"/{escaped(str(step))}" for step in path)


def _shortened(text: str) -> str:
    return abridge(text, MAX_REASON_CHARS)
