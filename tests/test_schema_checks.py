"""How long values are compared with a schema: as long as their sizes say, whatever the schema asks for."""

from __future__ import annotations

from typing import Any

import pytest

from harmony_spec.validation.keywords import MOST_STEPS
from harmony_spec.validation.schemas import WrongSchema, breaches, wrong_schema

DEEP = 60


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [(r"^\p{L}+$", "\u03b1", "1"), (r"(?<year>\d{4})", "in 1999", "99"), (r"\P{Script=Greek}", "x", "\u03b1")],
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
    ],
    ids=range(9),
)
def test_what_takes_too_much_is_refused(schema: dict[str, Any], value: object) -> None:
    """It would take longer than anyone waits, or more memory than there is."""
    with pytest.raises(WrongSchema, match=r"times|too long"):
        breaches(schema, value)


def test_what_takes_no_more_than_its_size_is_checked() -> None:
    """However large it is, and however often its parts refer to each other."""
    parts = {f"a{number}": {"properties": {"a": {"type": "integer"}}} for number in range(MOST_STEPS)}
    union = {"items": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in parts]}, "$defs": parts}
    assert wrong_schema(union) is None
    assert [found.pointer for found in breaches(union, [{"a": 1}] * 2000 + [{"a": ""}])] == ["/2000"]
    tree = {"properties": {"a": {"$ref": "#"}}, "additionalProperties": False}
    assert breaches(tree, nested(100)) == []
    assert (
        breaches({"pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}, "0" * 8 + "-0000" * 3 + "-" + "0" * 12)
        == []
    )
