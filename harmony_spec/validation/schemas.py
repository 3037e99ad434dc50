"""Checks of values by JSON Schemas, with a cached validator for each schema. Nothing is ever fetched."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any, NamedTuple

from ..format.cache_limits import SizedCache
from .breaches import Breach, InvalidSchema
from .budget import FIRST_STEPS, Budget, UnfinishedCheck
from .plain_schemas import allows, is_plain

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SCHEMA_CACHE_BYTES = 64 << 20
"""The memory of cached schemas: more than the tools of any corpus need."""

MEMORY_PER_KEY_BYTE, MEMORY_PER_SCHEMA = 16, 16 << 10
"""The measured memory of a cached schema: for each byte of its key, and in addition."""

MEMORY_PER_PLAIN = 256
"""The measured memory of a plain schema without its validator, in addition to its key."""


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
    from .validators import breaches_of

    try:
        return breaches_of(checked or _validator_of_plain(schema, is_exclusive), value, budget)
    except RecursionError:
        raise UnfinishedCheck("the schema, or the value, is nested too deeply") from None


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
        from .validators import make_validator

        own = Budget(FIRST_STEPS + STEPS_PER_BYTE * len(key))
        before = own.steps
        checked = make_validator(marshal.loads(key), own, is_exclusive)
        found = CheckedSchema(checked, before - own.steps, False)
        _schemas.put((key, is_exclusive), found, MEMORY_PER_SCHEMA + MEMORY_PER_KEY_BYTE * len(key))
    return found


def _validator_of_plain(schema: Any, is_exclusive: bool) -> Validator:
    """Make the validator of a plain schema, and keep it."""
    from .validators import validator_of_plain

    made = validator_of_plain(schema, is_exclusive)
    key = marshal.dumps(schema, 2)
    _schemas.put((key, is_exclusive), CheckedSchema(made, 0, True), MEMORY_PER_SCHEMA + MEMORY_PER_KEY_BYTE * len(key))
    return made
