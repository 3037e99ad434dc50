"""Whether values are what a JSON Schema asks for, with validators that are made once for each schema."""

from __future__ import annotations

import json
import marshal
import re
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from ..schema_references import escaped

KEPT = 4096
"""How many schemas are remembered: more than the tools of the conversations of any corpus are."""

MOST = 5
"""How many places of one value are reported that break a schema; the first ones tell enough."""

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
    found = _validator(_key(schema))
    if isinstance(found, WrongSchema):
        raise found
    try:
        return [_breach(error) for error in islice(found.iter_errors(value), MOST)]
    except Unresolvable as error:
        raise WrongSchema("", f"{error.ref!r} refers to nothing in the schema") from None
    except re.error as error:
        raise WrongSchema("", f"{error.pattern!r} is no regular expression") from None
    except RecursionError:
        raise WrongSchema("", "it refers to itself without end") from None


def wrong_schema(schema: Any) -> WrongSchema | None:
    """Why a schema is none; None for one that is."""
    found = _validator(_key(schema))
    return found if isinstance(found, WrongSchema) else None


def _key(schema: Any) -> bytes:
    """Equal bytes for equal schemas; version 2 of the form knows no references to what came before."""
    return marshal.dumps(schema, 2)


@lru_cache(KEPT)
def _validator(key: bytes) -> Validator | WrongSchema:
    schema = marshal.loads(key)
    made = validator_for(schema, default=Draft202012Validator)
    try:
        made.check_schema(schema)
    except SchemaError as error:
        return WrongSchema(_pointer(error.absolute_path), _short(error.message))
    except RecursionError:
        return WrongSchema("", "it is nested too deeply")
    return made(schema, registry=Registry())


def _breach(error: ValidationError) -> Breach:
    worst = best_match([error]) or error
    expected = f"{worst.validator}: {_short(json.dumps(worst.validator_value, ensure_ascii=False))}"
    return Breach(_pointer(worst.absolute_path), _short(worst.message), expected)


def _pointer(path: Any) -> str:
    return "".join(f"/{escaped(str(step))}" for step in path)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
