"""Checks of values by JSON Schemas, with a cached validator for each schema. Nothing is ever fetched."""

from __future__ import annotations

import marshal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..format.cache_limits import SizedCache
from .breaches import Breach, InvalidSchema
from .budget import FIRST_STEPS, Budget, UnfinishedCheck
from .plain_schemas import allows, is_plain

if TYPE_CHECKING:
    from .schema_checker import Checker

SCHEMA_CACHE_BYTES = 64 << 20
"""The memory of cached schemas: more than the tools of any corpus need."""

MEMORY_PER_KEY_BYTE, MEMORY_PER_SCHEMA = 16, 1 << 10
"""The measured memory of a cached schema and its checker: for each byte of its key, and in addition."""


@dataclass
class CheckedSchema:
    """A schema after its check: its checker or its error, and the steps that the check needed.

    A plain schema has no checker until one is needed.
    """

    checked: Checker | InvalidSchema | None
    steps: int = 0
    is_plain: bool = False


def find_breaches(schema: Any, value: Any, budget: Budget, is_exclusive: bool = True) -> list[Breach]:
    """Find the first places where a value breaks a schema.

    Args:
        is_exclusive: whether `oneOf` allows only one of its schemas to match.

    Raises:
        InvalidSchema: the schema itself is invalid.
        UnfinishedCheck: the budget is spent.
    """
    found = _check_schema(schema, budget, is_exclusive)
    if isinstance(found.checked, InvalidSchema):
        raise found.checked
    if found.is_plain and allows(schema, value):
        return []
    from .schema_checker import breaches_of, checker_of_plain

    try:
        found.checked = found.checked or checker_of_plain(schema, is_exclusive)
        return breaches_of(found.checked, value, budget)
    except RecursionError:
        raise UnfinishedCheck("the schema, or the value, is nested too deeply") from None


def find_schema_error(schema: Any, budget: Budget, is_exclusive: bool = True) -> InvalidSchema | None:
    """Return why a schema is invalid; None if it is valid. Raises `UnfinishedCheck` if the budget is spent."""
    found = _check_schema(schema, budget, is_exclusive)
    # Also for a cached schema: findings must not depend on the rows before.
    budget.spend(found.steps // STEPS_PER_DECLARED_STEP)
    return found.checked if isinstance(found.checked, InvalidSchema) else None


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
        return CheckedSchema(InvalidSchema("", f"it cannot be read: {error}"))
    budget.spend(len(key) // BYTES_PER_STEP)
    if (found := _schemas.get((key, is_exclusive))) is not None:
        return found
    if is_plain(schema):
        found = CheckedSchema(None, is_plain=True)
    else:
        from .schema_checker import checker_of

        own = Budget(FIRST_STEPS + STEPS_PER_BYTE * len(key))
        before = own.steps
        checked = checker_of(marshal.loads(key), own, is_exclusive)
        found = CheckedSchema(checked, before - own.steps)
    _schemas.put((key, is_exclusive), found, MEMORY_PER_SCHEMA + MEMORY_PER_KEY_BYTE * len(key))
    return found
