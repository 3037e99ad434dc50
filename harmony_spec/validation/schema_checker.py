"""Checks with `jsonschema`, for schemas and values that are not surely valid. All work spends steps of a budget.

It is imported when it is needed, since that takes a fifth of the time of the first row with tools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import UndefinedTypeCheck, ValidationError, best_match
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
from .budget import Budget, UnfinishedCheck
from .keywords import MAX_REPORTED_ERRORS, PARTS_PER_STEP, REPLACED_KEYWORDS, Check, prepared

MAX_REASON_CHARS = 160
"""How much of a keyword, or of the reason why a value breaks it, is quoted, in code points."""

REFERENCE_STEPS = 15
"""The steps to resolve a reference."""

SCHEMA_STEPS = 6
"""The steps to begin with another subschema."""

PAIRS_PER_STEP = 64
"""The pairs of indices that are compared in a step: `unevaluatedItems` searches a list of them for each item."""

MAX_OPEN_REFERENCES = 150
"""References inside of references for one value, or one schema, which has three for each level of alternatives. Each
needs up to five calls, and Python allows 1,000."""


class Checker:
    """A schema, or a part of one. It has the methods of a validator that the keywords of `jsonschema` call.

    Args:
        dialect: the validator of `jsonschema` for the version of JSON Schema.
        is_exclusive: whether `oneOf` allows only one of its schemas to match.
        is_meta: whether it is a meta-schema, which shows where patterns are.
    """

    def __init__(
        self, dialect: Any, schema: Any, resolver: Any, budget: Budget, is_exclusive: bool, is_meta: bool = False
    ) -> None:
        self.dialect, self.schema, self._resolver, self.budget = dialect, schema, resolver, budget
        self.is_exclusive, self.is_meta = is_exclusive, is_meta

    def is_type(self, instance: Any, name: str) -> bool:
        try:
            return bool(self.dialect.TYPE_CHECKER.is_type(instance, name))
        except UndefinedTypeCheck:  # draft 3 allows any name
            raise InvalidSchema("", f"unknown type {name!r}") from None

    def evolve(self, schema: Any, _resolver: Any = None, budget: Budget | None = None) -> Checker:
        """Return the checker of a part of the schema, which may name a dialect of its own."""
        dialect, resolver = validator_for(schema, default=self.dialect), _resolver or self._resolver
        return Checker(dialect, schema, resolver, budget or self.budget, self.is_exclusive, self.is_meta)

    def descend(
        self, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
    ) -> Iterator[ValidationError]:
        """Return the first errors of a value by a part of the schema; `resolver` is that of a reference to the part."""
        self.budget.spend(SCHEMA_STEPS if resolver is None else REFERENCE_STEPS)
        reference = None if resolver is None else (id(self.schema), id(instance))
        if resolver is None and isinstance(schema, dict) and not schema.keys().isdisjoint(("$id", "id")):
            resolver = self._resolver.in_subresource(_resource_of(self.dialect, schema))
        return islice(self.evolve(schema, resolver)._errors(instance, path, reference), MAX_REPORTED_ERRORS)

    def iter_errors(self, instance: Any) -> Iterator[ValidationError]:
        self.budget.spend(SCHEMA_STEPS)
        return islice(self._errors(instance), MAX_REPORTED_ERRORS)

    def is_valid(self, instance: Any) -> bool:
        return next(self.iter_errors(instance), None) is None

    def _validate_reference(self, ref: str, instance: Any) -> Iterator[ValidationError]:
        found = self._resolver.lookup(ref)
        return self.descend(instance, found.contents, resolver=found.resolver)

    def _errors(self, instance: Any, path: Any = None, reference: Any = None) -> Iterator[ValidationError]:
        """Find the errors of a value.

        A reference is not followed if that leads back to it with the same value, or too deep. If Python's stack ends
        inside of the Rust code of `referencing`, that panics: `PanicException: __eq__ failed!` is not an
        `Exception`. It came once in 330 depths of the stack for `{"if": {"$ref": "#"}}`.
        """
        schema, dialect, opened = self.schema, self.dialect, self.budget.open_references
        about: dict[str, Any] = {"instance": instance, "schema": schema}
        if schema is False:
            place = () if path is None else (path,)
            refused = about | {"validator": None, "validator_value": False, "path": place}
            yield ValidationError(f"False schema does not allow {instance!r}", **refused)
        if isinstance(schema, bool):
            return
        if reference is not None:
            if reference in opened or len(opened) >= MAX_OPEN_REFERENCES:
                raise RecursionError
            opened.add(reference)
        try:
            for name, value in dialect._APPLICABLE_VALIDATORS(schema):
                if (check := keywords_of(dialect).get(name)) is None:
                    continue
                parts = sum(len(each) for each in (value, instance) if isinstance(each, list | dict))
                pairs = parts**2 if name == "unevaluatedItems" else 0
                self.budget.spend(1 + parts // PARTS_PER_STEP + pairs // PAIRS_PER_STEP)
                error: Any
                for error in check(self, value, instance, schema) or ():
                    error._set(type_checker=dialect.TYPE_CHECKER, validator=name, validator_value=value, **about)
                    if path is not None:
                        error.path.appendleft(path)
                    yield error
        finally:
            opened.discard(reference)


@cache
def keywords_of(dialect: type[Validator]) -> dict[str, Check]:
    own: dict[str, Any] = dict(dialect.VALIDATORS)
    return own | {name: check for name, check in REPLACED_KEYWORDS.items() if name in own}


def breaches_of(checker: Checker, value: Any, budget: Budget) -> list[Breach]:
    try:
        errors = checker.evolve(checker.schema, budget=budget).iter_errors(prepared(value))
        return [_breach_of(error) for error in errors]
    except Unresolvable as error:
        raise InvalidSchema("", f"the reference {error.ref!r} has no target in the schema") from None
    except (re.error, regex.error) as error:
        raise InvalidSchema("", f"a pattern is not a regular expression: {error}") from None
    except (ArithmeticError, TypeError, ValueError) as error:  # an integer that no float can hold, among others
        raise UnfinishedCheck(f"a keyword cannot be computed: {error}") from None


def checker_of_plain(schema: Any, is_exclusive: bool) -> Checker:
    """Return the checker of a plain schema, which is valid and has no references."""
    return Checker(Draft202012Validator, prepared(schema), REGISTRY.resolver(), Budget(), is_exclusive)


def checker_of(schema: Any, budget: Budget, is_exclusive: bool) -> Checker | InvalidSchema:
    """Check a schema."""
    try:
        schema = prepared(schema)
        names_dialect = isinstance(schema, dict) and isinstance(schema.get("$schema"), str)
        dialect: Any = validator_for(schema if names_dialect else {}, default=Draft202012Validator)
        address = _resource_of(dialect, dialect.META_SCHEMA).id() or ""
        meta = Checker(dialect, dialect.META_SCHEMA, REGISTRY.resolver(address), budget, is_exclusive, is_meta=True)
        if error := best_match(meta.iter_errors(schema)):
            error = error.context[0] if error.context else error  # of alternatives, `type` has the names of types first
            why = f"{_shortened(error.message)}: {error.cause}" if error.cause else _shortened(error.message)
            return InvalidSchema(pointer_to(error.absolute_path), why)
        resource = _resource_of(dialect, schema)
        registry = REGISTRY.with_resource(resource.id() or "", resource).crawl()  # once, not at each reference
        resolver = registry.resolver(resource.id() or "")
        _require_targets(resource, resolver)
        checker = Checker(dialect, schema, resolver, budget, is_exclusive)
        breaches_of(checker, {}, budget)  # any value shows an endless loop
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
    return checker


def _resource_of(dialect: Any, schema: Any) -> Resource[Any]:
    return specification_with(dialect.META_SCHEMA["$schema"], default=DRAFT202012).create_resource(schema)


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
    keyword = f"{worst.validator}: " if worst.validator else ""  # the schema `false` has none
    expected = f"{keyword}{_shortened(''.join(islice(value, MAX_REASON_CHARS)))}"
    return Breach(pointer_to(worst.absolute_path), _shortened(schema_reason(worst)), expected)


def _shortened(text: str) -> str:
    return abridge(text, MAX_REASON_CHARS)
