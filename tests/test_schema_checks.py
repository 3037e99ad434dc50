"""How much work it is to compare values with schemas: as much as their sizes say, whatever the schemas ask for.

Work is counted in steps; `benchmarks/hostile.py` measures the time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft3Validator, Draft7Validator, Draft201909Validator, Draft202012Validator

from harmony_spec import Namespace, Tool, validate
from harmony_spec.validation import budget as budgets
from harmony_spec.validation import keywords, schema_checker
from harmony_spec.validation.breaches import Breach, InvalidSchema
from harmony_spec.validation.budget import Budget, UnfinishedCheck
from harmony_spec.validation.schemas import find_breaches as breaches_within
from harmony_spec.validation.schemas import find_schema_error

DEEP = 60


def budget_for(value: object) -> Budget:
    """What a row has that holds nothing but a call with this value."""
    budget = Budget()
    budget.grant(len(json.dumps(value)))
    return budget


def breaches(schema: Any, value: object) -> list[Breach]:
    return breaches_within(schema, value, budget_for(value))


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"^\p{L}+$", "\u03b1", "1"),
        (r"(?<year>\d{4})", "in 1999", "99"),
        (r"\P{Script=Greek}", "x", "\u03b1"),
        (r"^a$", "a", "a\n"),
        (r"^\d$", "1", "\u0661"),
        (r"^[\]\d]$", "]", "\u0661"),
        (r"^[$]\$$", "$$", "$$\n"),
        (r"^\w$", "a", "\u03b1"),
        (r"^\D\W$", "\u0661\u03b1", "1a"),
        (r"^b[^]$", "b\n", "b"),
        (r"^(?<n>b)\k<n>$", "bb", "b"),
        (r"^\cJ$", "\n", "J"),
        (r"^b{e}$", "b{e}", "b"),
        (r"^b{,2}$", "b{,2}", "b"),
    ],
)
def test_patterns_are_those_of_json_schema(pattern: str, right: str, wrong: str) -> None:
    """JSON Schema has the regular expressions of ECMA-262, some of which `re` does not read."""
    assert breaches({"pattern": pattern}, right) == []
    assert [found.pointer for found in breaches({"pattern": pattern}, wrong)] == [""]
    named: dict[str, Any] = {"properties": {"a": True}, "patternProperties": {pattern: {"type": "integer"}}}
    assert [found.pointer for found in breaches(named, {right: "", wrong: ""})] == [f"/{right}"]
    assert breaches(named | {"additionalProperties": False}, {right: 1, "a": 2}) == []
    assert len(breaches(named | {"additionalProperties": False}, {right: 1, wrong: 1})) == 1
    assert [found.pointer for found in breaches(named | {"additionalProperties": named}, {wrong: {right: ""}})] == [
        f"/{wrong}/{right}"
    ]


@pytest.mark.parametrize("step", ["a", "a~/b", "0"])
def test_the_schema_false_has_the_place_of_its_value(step: str) -> None:
    """`false` is a part of a schema like others, not a keyword."""
    named: dict[str, Any] = {"properties": {step: False}}
    place = "/" + step.replace("~", "~0").replace("/", "~1")
    refused = Breach(place, "False schema does not allow 1", "false")
    assert breaches(named, {step: 1}) == [refused]
    assert breaches({"patternProperties": {"": False}}, {step: 1}) == [refused]
    assert [each.pointer for each in breaches({"items": named}, [{step: 1}])] == ["/0" + place]
    assert [each.pointer for each in breaches(named | {"allOf": [False]}, {step: 1})] == [place, ""]


def test_a_reason_has_the_pattern_as_it_is_written() -> None:
    [found] = breaches({"pattern": r"^\d+$"}, "x")
    assert found.reason == r"'x' does not match '^\d+$'"


def doubled(keyword: str, deep: int = DEEP) -> dict[str, Any]:
    """A schema whose parts refer to each other twice, so that each doubles the work of the one before."""
    parts: dict[str, Any] = {"a0": {"type": "object"}}
    for number in range(deep):
        other = {"$ref": f"#/$defs/a{number}"}
        parts[f"a{number + 1}"] = {"dependentSchemas": {"b": other, "c": other}} if keyword else {"allOf": [other] * 2}
    top = {"$ref": f"#/$defs/a{deep}", "$defs": parts}
    return {keyword: False, **top} if keyword else top


NESTED: dict[str, Any] = {"properties": {"a": {"$ref": "#"}}, "allOf": [{"properties": {"a": {"$ref": "#"}}}] * 2}


def nested(deep: int) -> dict[str, Any]:
    return {"a": nested(deep - 1)} if deep else {}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubled(""), {}),
        (doubled("unevaluatedProperties"), {"b": 1, "c": 2}),
        (NESTED, nested(DEEP)),
        ({"pattern": r"^(a|aa)+$"}, "a" * DEEP + "b"),
        ({"patternProperties": {r"^(a|a)*$": True}}, {"a" * DEEP + "b": 1}),
        ({"patternProperties": {r"^(a|a)*$": True}, "additionalProperties": False}, {"a" * DEEP + "b": 1}),
        ({"propertyNames": {"pattern": r"^(a|a)*$"}}, {"a" * DEEP + "b": 1}),
        ({"pattern": "((a{1000}){1000}){1000}"}, "a"),
        ({"pattern": "a{100000000}"}, "a"),
        ({"pattern": "(?:abc|def){99999}"}, "a"),
        ({"patternProperties": {r"^(a|a)*$": True}, "unevaluatedProperties": False}, {"a" * DEEP + "b": 1}),
    ],
    ids=range(11),
)
def test_what_takes_too_much_is_refused(schema: dict[str, Any], value: object) -> None:
    """It would take longer than anyone waits, or more memory than there is."""
    with pytest.raises((InvalidSchema, UnfinishedCheck), match=r"steps|too long|more than"):
        breaches(schema, value)


def test_what_takes_no_more_than_its_size_is_checked() -> None:
    """However large it is, and however often its parts refer to each other."""
    parts = {f"a{number}": {"properties": {"a": {"type": "integer"}}} for number in range(20)}
    union = {"items": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in parts]}, "$defs": parts}
    assert find_schema_error(union, Budget()) is None
    assert [found.pointer for found in breaches(union, [{"a": 1}] * 2000 + [{"a": ""}])] == ["/2000"]
    tree = {"properties": {"a": {"$ref": "#"}}, "additionalProperties": False}
    assert breaches(tree, nested(100)) == []
    assert (
        breaches({"pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}, "0" * 8 + "-0000" * 3 + "-" + "0" * 12)
        == []
    )


def chained(keyword: str, deep: int) -> Any:
    """Alternatives in alternatives."""
    schema: Any = {"type": "string"}
    for _ in range(deep):
        schema = {keyword: [schema, {"type": "null"}]}
    return schema


PRIME = 2**61 - 1
"""Multiples of it have one hash."""


def hostile(size: int) -> Iterator[tuple[Any, Any]]:
    """Schemas and values of about a size whose work may grow faster than it."""
    many = list(range(size))
    names = [f"n{number}" for number in many]
    for keyword in ("oneOf", "anyOf", "allOf"):
        yield chained(keyword, min(size // 10, 60)), {}
        yield {"items": {keyword: [{"minimum": number - size} for number in many]}}, many
        yield {"items": {keyword: [True] * size}}, many
    yield {"items": {"pattern": "[ab]*c"}}, ["ab" * size] * 30
    yield {"items": {"enum": names}}, names
    yield {"items": {"enum": [[name] for name in names]}}, [[name] for name in names]
    yield {"items": {"const": many}}, [many] * 30
    yield {"items": {"required": names}}, [{}] * size
    yield {"items": {"properties": dict.fromkeys(names, True)}}, [dict.fromkeys(names, 1)] * 30
    yield {"items": {"dependentRequired": {"a": names}}}, [{"a": 1}] * size
    yield {"items": {"not": {"uniqueItems": True}}}, [[PRIME * number for number in many]] * 30
    yield {"uniqueItems": True}, [PRIME * number for number in many]
    yield {"uniqueItems": True}, [{"a": PRIME * number} for number in many]
    yield {"contains": {"const": -1}, "items": {"contains": {"const": -1}}}, [many] * 30
    yield {"propertyNames": {"enum": names}}, dict.fromkeys(names, 1)
    yield {"allOf": [{"propertyNames": True}] * size}, dict.fromkeys(names, 1)
    yield {"allOf": [{"additionalProperties": False}] * size}, dict.fromkeys(names, 1)
    yield {"anyOf": [{"additionalProperties": False}] * size}, dict.fromkeys(names, 1)
    yield {"anyOf": [{"type": "null"}] * size}, many
    yield {"patternProperties": dict.fromkeys(names, True), "unevaluatedProperties": False}, dict.fromkeys(names, 1)
    yield {"allOf": [{"unevaluatedItems": {"minimum": -1}}] * size}, many
    yield {"$defs": {name: {"$anchor": name} for name in names}, "items": {"anyOf": [{"$ref": "#n0"}]}}, many
    yield {"required": [{"a": number} for number in many]}, {}
    yield {"enum": [[PRIME * number] for number in many]}, [0]


@pytest.mark.parametrize("number", range(len(list(hostile(1)))))
def test_work_grows_no_faster_than_what_asks_for_it(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No schema and value do more work, in calls of functions, than the limits of steps say."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    schema, value = list(hostile(600))[number]
    size = len(json.dumps([schema, value]))
    monkeypatch.setattr(budgets, "SLOW_SECONDS", 60)
    sys.setprofile(count)
    try:
        breaches(schema, value)
    except (InvalidSchema, UnfinishedCheck):
        pass
    finally:
        sys.setprofile(None)
    assert calls < CALLS_PER_STEP * (budgets.FIRST_STEPS + budgets.STEPS_PER_CHARACTER * size)


CALLS_PER_STEP = 8
"""Functions of Python that are called in a step, at most."""


def test_the_budget_is_that_of_the_row() -> None:
    """Many small values together take no more than the row may, and a row says the same whatever came before it."""
    schema, value = {"items": {"allOf": [{"minimum": -1}] * 10}}, list(range(100))
    budget = budget_for(value)
    before = budget.steps
    assert breaches_within(schema, value, budget) == []
    steps = before - budget.steps
    while budget.steps >= steps:
        assert breaches_within(schema, value, budget) == []
    with pytest.raises(UnfinishedCheck, match="steps"):
        breaches_within(schema, value, budget)
    with pytest.raises(UnfinishedCheck, match="steps"):
        breaches_within({}, 1, budget)


def test_a_schema_takes_the_same_steps_when_it_is_remembered() -> None:
    """What a row says must not depend on those before it."""
    schema = {"properties": {"only_here": {"type": "integer"}}}
    first, again = Budget(), Budget()
    assert find_schema_error(schema, first) is None
    assert find_schema_error(schema, again) is None
    assert first.steps == again.steps < Budget().steps


def test_a_part_that_names_its_dialect_has_the_same_budget() -> None:
    """`jsonschema` takes another class of validators for it."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    part = {"$schema": dialect, "pattern": r"^(a|aa)+$"}
    with pytest.raises(UnfinishedCheck, match="too long"):
        breaches({"items": part}, ["a" * DEEP + "b"])


def test_patterns_that_are_slow_together_end() -> None:
    """The time of the matches of a row is the last resort, and what is said says so."""
    budget = budget_for("a" * 100)
    budget.slow_seconds = -1
    with pytest.raises(UnfinishedCheck, match="time, not of steps"):
        breaches_within({"pattern": "a"}, "a", budget)


PARTS = st.sampled_from(
    [
        {"properties": {"a": True}},
        {"patternProperties": {"^b": {"type": "integer"}}},
        {"additionalProperties": {"type": "integer"}},
        {"prefixItems": [True, {"type": "integer"}]},
        {"items": {"type": "integer"}},
        {"contains": {"type": "integer"}},
        {"if": {"required": ["a"]}, "then": {"properties": {"b": True}}, "else": {"properties": {"c": True}}},
        {"dependentSchemas": {"a": {"properties": {"c": True}}}},
        {"unevaluatedProperties": {"type": "string"}},
        {"unevaluatedItems": {"type": "string"}},
        {"$ref": "#/$defs/part"},
        {"type": "object"},
    ]
)
COMBINED = st.recursive(
    PARTS,
    lambda parts: st.dictionaries(
        st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(parts, min_size=1, max_size=2), max_size=2
    ),
)
VALUES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, "x"])) | st.lists(st.sampled_from([1, "x"]))


@given(st.lists(COMBINED, max_size=3), st.sampled_from([False, {"type": "integer"}]), VALUES)
def test_what_no_keyword_looks_at_is_what_the_reference_says(parts: list[Any], left: Any, value: Any) -> None:
    """`unevaluatedProperties` and `unevaluatedItems` take the same as in `jsonschema`."""
    top: dict[str, Any] = {"unevaluatedProperties": left, "unevaluatedItems": left, "$defs": {"part": PART}}
    for part in parts:
        top |= part
    assert (breaches(top, value) == []) == Draft202012Validator(top).is_valid(value)


PART = {"properties": {"c": True}, "prefixItems": [True]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"prefixItems": [{"$ref": "#", "unevaluatedItems": False}]}, [[[[1, 2]]]]),
        ({"properties": {"a": {"$ref": "#", "unevaluatedProperties": False}}}, {"a": {"a": {"b": 1}}}),
    ],
)
def test_a_reference_that_does_not_match_adds_no_errors(schema: Any, value: Any) -> None:
    """What it names is known all the same, as in `jsonschema`: one mistake inside has one place."""
    (error,) = Draft202012Validator(schema).iter_errors(value)
    assert [found.pointer for found in breaches(schema, value)] == ["".join(f"/{step}" for step in error.absolute_path)]


def test_an_older_dialect_has_its_own_keywords() -> None:
    """In 2019-09, `items` is a list, and `additionalItems` what comes behind it."""
    dialect = {"$schema": Draft201909Validator.META_SCHEMA["$schema"]}
    for schema in (
        {"items": [True], "additionalItems": False},
        {"items": {}, "additionalItems": False},
        {"items": [True], "unevaluatedItems": False},
        {"items": [True], "additionalItems": True, "unevaluatedItems": False},
        {"contains": {"const": 1}, "unevaluatedItems": False},
    ):
        for value in ([], [1], [1, 2]):
            assert (breaches(dialect | schema, value) == []) == Draft201909Validator(schema).is_valid(value)


@pytest.mark.parametrize("part", [{"type": "date"}, {"properties": {"a": {"type": ["date", "null"]}}}])
def test_an_unknown_type_of_an_older_dialect_is_an_invalid_schema(part: Any) -> None:
    """The meta-schema of draft 3 allows any name."""
    schema = {"$schema": Draft3Validator.META_SCHEMA["$schema"], **part}
    with pytest.raises(InvalidSchema, match="unknown type 'date'"):
        breaches(schema, {"a": 1})
    assert validate(CALL, "completion", tools=[Namespace("functions", tools=[Tool("f", None, schema)])]).diagnostics


CALL = '<|channel|>commentary to=functions.f json<|message|>{"a": 1}<|call|>'


@pytest.mark.parametrize(
    ("made", "schema"),
    [
        (Draft202012Validator, {"required": ["a", "c", "d"]}),
        (Draft202012Validator, {"dependentRequired": {"a": ["c", "b", "d"], "c": ["a"]}}),
        (Draft7Validator, {"dependencies": {"a": ["c", "b", "d"], "b": {"maxProperties": 1}, "c": False}}),
        (Draft3Validator, {"dependencies": {"a": "c", "b": ["a", "d"], "c": "d"}}),
    ],
)
@pytest.mark.parametrize("value", [{}, {"a": 1}, {"a": 1, "b": 2}, {"b": 1, "c": 1}, ["a"], "a", 1])
def test_names_that_are_missing_are_those_of_the_reference(made: Any, schema: Any, value: Any) -> None:
    """In the same words, and the same order."""
    dialect = {"$schema": made.META_SCHEMA["$schema"]}
    expected = [error.message for error in made(schema).iter_errors(value)]
    assert [found.reason for found in breaches(dialect | schema, value)] == expected


def test_properties_are_read_until_enough_are_unexpected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile schema asks the same of a large object many times."""
    read: list[str] = []
    monkeypatch.setattr(keywords, "matches", lambda pattern, name, budget: read.append(name))
    schema = {"patternProperties": {"x": True}, "properties": {"n0": {}}, "additionalProperties": False}
    assert len(breaches(schema, {f"n{number}": 1 for number in range(100)})) == 1
    assert len(read) == 100 + keywords.MAX_REPORTED_ERRORS


LOOPS: list[Any] = [
    {"$ref": "#"},
    {"if": {"$ref": "#"}},
    {"not": {"$ref": "#"}},
    {"$dynamicAnchor": "n", "anyOf": [{"$dynamicRef": "#n"}, {"type": "string"}]},
    {"$schema": "https://json-schema.org/draft/2019-09/schema", "allOf": [{"$recursiveRef": "#"}]},
    {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
]


def below(calls: int, schema: Any) -> InvalidSchema | None:
    return below(calls - 1, schema) if calls else find_schema_error(schema, Budget())


@pytest.mark.parametrize("schema", LOOPS)
def test_an_endless_reference_is_an_invalid_schema_at_any_depth_of_the_stack(schema: Any) -> None:
    """Rust code panics if Python's stack ends in it."""
    for calls in range(400):
        error = below(calls, {**schema, "title": str(calls)})
        assert error is not None
        assert "refers to itself without end" in error.reason


@pytest.mark.parametrize("reference", ["#", "#/$defs/part"])
def test_references_may_be_nested_as_deep_as_values(reference: str) -> None:
    """Up to a limit, beyond which the check is not finished."""
    part = {"type": "object", "properties": {"a": {"$ref": reference}}}
    value: dict[str, Any] = {}
    for depth in range(1, 2 * schema_checker.MAX_OPEN_REFERENCES):
        value, schema = {"a": value}, {**part, "$defs": {"part": part}}
        if depth <= schema_checker.MAX_OPEN_REFERENCES:
            assert breaches_within(schema, value, Budget(10**6)) == []
        else:
            with pytest.raises(UnfinishedCheck):
                breaches_within(schema, value, Budget(10**6))
