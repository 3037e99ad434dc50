"""Schemas that are checked fast are valid, and values break them as they do after the full check."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harmony_spec.validation import schemas
from harmony_spec.validation.breaches import InvalidSchema
from harmony_spec.validation.budget import Budget
from harmony_spec.validation.plain_schemas import (
    JSON_TYPES,
    MAX_PLAIN_DEPTH,
    PLAIN_KEYWORDS,
    TYPES_OF_KEYWORDS,
    allows,
    is_plain,
)
from harmony_spec.validation.schemas import find_breaches, find_schema_error

STEPS = 10**9
KEYWORDS = [*PLAIN_KEYWORDS, *TYPES_OF_KEYWORDS]
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, -1, 1.5, float("nan"), float("inf"), "", "a", *JSON_TYPES])
values = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, max_size=2),
)


def with_keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of keywords, some with values that they may not have."""
    parts = inner | st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    some = st.sampled_from(sorted(JSON_TYPES)) | st.lists(st.sampled_from("ab"), max_size=2) | st.integers(-1, 3)
    names = st.sampled_from([*KEYWORDS, "$ref", "pattern", "multipleOf", "$schema"])
    return st.dictionaries(names, parts | some | values, max_size=3)


drawn = st.recursive(st.booleans() | st.just({}), with_keywords, max_leaves=8)


@given(drawn)
@example({"enum": []})
@example({"required": ["a", "a"]})
@example({"type": []})
@example({"anyOf": []})
@example({"default": float("nan")})
def test_a_plain_schema_is_valid(schema: Any) -> None:
    if is_plain(schema):
        Draft202012Validator.check_schema(schema)


@given(drawn, values, st.booleans())
def test_a_plain_schema_is_as_after_its_full_check(schema: Any, value: Any, is_exclusive: bool) -> None:
    assume(is_plain(schema))
    assert find_schema_error(schema, Budget(STEPS), is_exclusive) is None
    found = find_breaches(schema, value, Budget(STEPS), is_exclusive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schemas, "is_plain", lambda schema: False)
        schemas._schemas.clear()
        assert find_schema_error(schema, Budget(STEPS), is_exclusive) is None
        assert find_breaches(schema, value, Budget(STEPS), is_exclusive) == found
    schemas._schemas.clear()


@given(drawn, values)
@example({"type": "integer"}, True)
@example({"type": "number", "minimum": 0}, float("nan"))
@example({"enum": [1, "a"]}, True)
@example({"const": 1}, 1.0)
@example({"items": False}, [None])
@example({"additionalProperties": False, "properties": {"a": {}}}, {"a": 1, "b": 2})
def test_a_value_that_is_surely_allowed_breaks_nothing(schema: Any, value: Any) -> None:
    assume(is_plain(schema) and allows(schema, value))
    assert Draft202012Validator(schema).is_valid(value)


USUAL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "A city.", "minLength": 1},
        "unit": {"type": ["string", "null"], "enum": ["c", "f"], "default": "c"},
        "days": {"type": "integer", "minimum": 1, "maximum": 14.5},
        "near": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "boolean"}}},
    },
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "is_allowed"),
    [
        ({"city": "Oslo", "unit": "c", "days": 3, "near": [{"a": True}]}, True),
        ({"unit": "c"}, False),
        ({"city": ""}, False),
        ({"city": "Oslo", "unit": "k"}, False),
        ({"city": "Oslo", "days": 15}, False),
        ({"city": "Oslo", "near": [{"a": 1}]}, False),
        ({"city": "Oslo", "other": 1}, False),
    ],
)
def test_usual_values_need_no_validator(value: Any, is_allowed: bool) -> None:
    assert is_plain(USUAL)
    assert allows(USUAL, value) == is_allowed
    assert (find_breaches(USUAL, value, Budget(STEPS)) == []) == is_allowed


def test_each_keyword_is_plain_with_a_usual_value() -> None:
    usual = ["string", True, 1, [True], ["a"], {"a": {"type": "string"}}]
    assert [name for name in KEYWORDS if not any(is_plain({name: value}) for value in usual)] == []


@pytest.mark.parametrize("keyword", ["items", "default"])
def test_a_deep_schema_is_checked_in_full(keyword: str) -> None:
    schema: Any = {}
    for _ in range(MAX_PLAIN_DEPTH + 1):
        schema = {keyword: schema}
    assert not is_plain(schema)
    for _ in range(2_000):
        schema = {keyword: schema}
    assert isinstance(find_schema_error(schema, Budget(STEPS)), InvalidSchema)
