"""The schemas that engines get, and the rules for engines without JSON, which llguidance reads here as Lark."""

from __future__ import annotations

import json
import random
import time
from typing import Any, get_args

import pytest
from llguidance import LLMatcher

from harmony_spec import codec
from harmony_spec.constraints import constrain
from harmony_spec.constraints.enforceable import enforceable
from harmony_spec.constraints.grammar_texts import GrammarText
from harmony_spec.constraints.json_rules import JsonRules
from harmony_spec.constraints.lark_texts import LarkText
from harmony_spec.constraints.schema_keywords import SchemaTarget
from harmony_spec.format.algebra import JsonNode

from . import drawn_schemas
from .constraining import admits, matcher

OPEN = {"additionalProperties": True}
NULL = {"type": "null"}
NO_OBJECT = {"type": ["array", "boolean", "null", "number", "string"], "items": True}


def kind(name: str) -> dict[str, Any]:
    """An alternative that a property distinguishes."""
    return {"type": "object", "properties": {"kind": {"enum": [name]}}, "required": ["kind"]}


KIND_A, KIND_B = kind("a"), kind("b")


@pytest.mark.parametrize(
    ("reader", "schema", "expected", "unenforced"),
    [
        ("lark", {"type": "string", "description": "x"}, {"type": "string"}, []),
        ("lark", {"minimum": 2**70, "maximum": 3}, {"maximum": 3}, ["/minimum"]),
        ("lark", {"minLength": 2.0, "maxLength": 10**9}, {"minLength": 2}, ["/maxLength"]),
        ("lark", {"maxLength": 5, "allOf": [{"maxLength": 10**9}, {"maxLength": 7}]}, {"maxLength": 5}, []),
        ("lark", {"maxLength": 10**9, "allOf": [{"maxLength": 7}]}, {"maxLength": 7}, ["/maxLength"]),
        ("lark", {"type": "integer", "const": 3}, {"enum": [3]}, []),
        ("lark", {"type": "integer", "enum": [3, "x"]}, {"enum": [3]}, []),
        ("lark", {"type": "integer", "const": "x"}, None, []),
        ("lark", {"type": "array", "minItems": 2, "maxItems": 1}, None, []),
        ("lark", {"type": ["array", "null"], "minItems": 2, "maxItems": 1}, {"type": "null"}, []),
        ("lark", {"type": "string", "anyOf": [{"type": "integer"}]}, None, []),
        (
            "lark",
            {"oneOf": [{"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            [],
        ),
        (
            "lark",
            {"oneOf": [{"type": "number"}, {"type": "integer"}]},
            {"anyOf": [{"type": "number"}, {"type": "integer"}]},
            ["/oneOf"],
        ),
        ("lark", {"$ref": "http://127.0.0.1:9/x"}, {}, ["/$ref"]),
        ("lark", {"$ref": "#"}, {}, ["/$ref"]),
        (
            "lark",
            {"items": {"$ref": "#"}},
            {"items": {"$ref": "#/$defs/d0"}, "$defs": {"d0": {"items": {"$ref": "#/$defs/d0"}}}},
            [],
        ),
        (
            "lark",
            {"type": "number", "exclusiveMinimum": 1, "maximum": 1.8},
            {"type": "number", "exclusiveMinimum": 1, "maximum": 1.8},
            ["/exclusiveMinimum"],
        ),
        ("lark", {"type": "number", "maximum": 1.25}, {"type": "number", "maximum": 1.3}, ["/maximum"]),
        ("lark", {"type": "integer", "maximum": 1.25}, {"type": "integer", "maximum": 1}, []),
        ("lark", {"type": "number", "multipleOf": 0.25}, {"type": "number"}, ["/multipleOf"]),
        ("lark", {"type": "number", "multipleOf": 0.01}, {"type": "number", "multipleOf": 0.01}, []),
        (  # parts that are described as one with what they refer to, in which they are themselves
            "lark",
            {"properties": {"a": {"allOf": [{"$ref": "#"}]}}},
            {
                "properties": {"a": {"$ref": "#/$defs/d0"}},
                "$defs": {"d0": {"properties": {"a": {"$ref": "#/$defs/d0"}}}},
            },
            [],
        ),
        (
            "lark",
            {"items": {"anyOf": [{"$ref": "#"}], "minItems": 1}},
            {
                "items": {"$ref": "#/$defs/d0"},
                "$defs": {"d0": {"minItems": 1, "items": {"$ref": "#/$defs/d0"}}},
            },
            [],
        ),
        ("lark", {"pattern": "a(?=b)", "not": {"required": ["a"]}}, {}, ["/not", "/pattern"]),
        ("lark", {"not": {"type": ["null", "string"]}}, {"type": ["array", "boolean", "number", "object"]}, []),
        (
            "lark",
            {"type": "integer", "minimum": 1.2, "maximum": 3.8},
            {"type": "integer", "minimum": 2, "maximum": 3},
            [],
        ),
        ("lark", {"enum": [1, 2.0, "2"], "const": 2}, {"enum": [2.0]}, []),
        ("lark", {"enum": [1, 2, 3], "minimum": 2, "not": {"const": 3}}, {"enum": [2]}, []),
        (
            "lark",
            {"allOf": [{"multipleOf": 4, "type": "number"}, {"multipleOf": 0.5}, {"multipleOf": 6}]},
            {"type": "integer", "multipleOf": 12},
            [],
        ),
        (
            "lark",
            {"patternProperties": {"^a": {}, "^b": NULL, "c": NULL}},
            {"patternProperties": {"^a": True, "^b": NULL}},
            ["/patternProperties"],
        ),
        ("lark", {"type": "integer", "enum": [1, 2**53 + 1]}, {"type": "integer"}, ["/enum"]),
        ("structural-tag", {"type": "array", "const": [-(10**20)]}, {"type": "array"}, ["/const"]),
        ("lark", {"type": "number", "enum": [3932648.2601544554, 2]}, {"type": "number"}, ["/enum"]),
        ("lark", {"const": {"a": True, "b": [0.1, 10**14]}}, {"enum": [{"a": True, "b": [0.1, 10**14]}]}, []),
        ("grammar", {"const": [2**53 + 1]}, {"enum": [[2**53 + 1]]}, []),
        ("lark", {"oneOf": [KIND_A, KIND_B]}, {"anyOf": [KIND_A, KIND_B]}, []),
        ("lark", {"pattern": "^a$", "format": "date"}, {"pattern": "^a$"}, ["/format"]),
        ("lark", {"x-guidance": {"lenient": True}}, {}, []),
        ("structural-tag", {"pattern": "a"}, {}, ["/pattern"]),
        ("lark", {"pattern": "^a{e}$"}, {}, ["/pattern"]),
        ("lark", {"pattern": "^a{,2}$"}, {}, ["/pattern"]),
        ("lark", {"pattern": "^[a||b]$"}, {}, ["/pattern"]),
        ("lark", {"pattern": '^[^"]+$'}, {}, ["/pattern"]),
        ("lark", {"pattern": r"^[^\\/:*?<>|]+$"}, {}, ["/pattern"]),
        ("lark", {"pattern": "^[^!-~]$"}, {}, ["/pattern"]),
        ("lark", {"pattern": "^[^/a-z]+$"}, {"pattern": "^[^/a-z]+$"}, []),
        ("lark", {"pattern": r"^\{[{}]{2}$"}, {"pattern": r"^\{[{}]{2}$"}, []),
        (
            "structural-tag",
            {"type": "object", "required": ["a"]},
            {"type": "object", "required": ["a"], "properties": {"a": True}, **OPEN},
            [],
        ),
        (
            "structural-tag",
            {"properties": {}, "additionalProperties": False},
            {"anyOf": [{"type": "object", "additionalProperties": False}, NO_OBJECT]},
            [],
        ),
        (
            "structural-tag",
            {"type": "object", "properties": {"a": False}},
            {"type": "object", **OPEN},
            ["/properties/a"],
        ),
        (
            "structural-tag",
            {"patternProperties": {"^x$": {}}, "additionalProperties": False},
            {},
            ["/patternProperties", "/additionalProperties"],
        ),
        ("grammar", {"type": "integer", "minimum": 3}, {"type": "integer"}, ["/minimum"]),
        (
            "grammar",
            {"type": "object", "required": ["a"], "anyOf": [{"properties": {"b": {}}}]},
            {"type": "object", "required": ["a"], "properties": {"a": True, "b": True}},
            [],
        ),
    ],
)
def test_what_engines_get(reader: Any, schema: Any, expected: Any, unenforced: list[str]) -> None:
    found = enforceable(json.dumps(schema), reader)
    assert (found.text and json.loads(found.text)) == expected
    assert list(found.unenforced) == unenforced


LOOP = {"type": "object", "properties": {"a": {"$ref": "#"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "allOf": [{"type": "integer"}]},
        {"allOf": [{"minimum": 3, "type": "number"}, {"maximum": 2}]},
        {"allOf": [{"enum": [1, 2]}, {"enum": [3]}]},
        {"anyOf": [{"type": "string"}, {"const": 1}], "type": "null"},
        {"oneOf": [False, {"type": "array", "minItems": 2, "items": False}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}}},
        {"$ref": "#/$defs/a", "type": "null", "$defs": {"a": {"anyOf": [{"type": "string"}]}}},
        {"type": "object", "required": ["a"], "allOf": [{"properties": {"b": {}}, "additionalProperties": False}]},
        {"type": "object", "required": ["a"], "patternProperties": {"^a": False}},
        {"type": "object", "properties": {"a": {"anyOf": [False]}}, "required": ["a"]},
        {"type": "integer", "multipleOf": 5, "minimum": 1, "maximum": 4},
        {"type": "number", "multipleOf": 0.1, "minimum": 0.15, "maximum": 0.18},
        {"type": "array", "minItems": 1, "prefixItems": [{"allOf": [{"type": "null"}, {"type": "string"}]}]},
        {"not": {}},
        {"const": "a", "not": {"const": "a"}},
        {**LOOP, "required": ["a"]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
        {
            "anyOf": [{"allOf": [{"$ref": "#/$defs/a"}, {"type": "object"}]}],
            "$defs": {
                "a": {"properties": {"a": {"$ref": "#/$defs/b"}}, "required": ["a"]},
                "b": {"type": "array", "minItems": 1, "items": {"type": "object", "allOf": [{"$ref": "#/$defs/a"}]}},
            },
        },
    ],
)
def test_a_schema_that_no_value_matches_is_found(schema: Any) -> None:
    """Also if only values without end match, which a model could never finish."""
    assert [enforceable(json.dumps(schema), reader).text for reader in get_args(SchemaTarget)] == [None] * 3
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert constrain(tools=[tool]).report.left_out == {"functions.f": "no JSON value matches its schema"}


def test_parts_without_end_are_left_out() -> None:
    """Of a schema that has other values."""
    schema = {**LOOP, "properties": {"a": {**LOOP, "required": ["a"]}, "b": {"anyOf": [{"$ref": "#"}, NULL]}}}
    schema["properties"]["a"]["properties"] = {"a": {"$ref": "#/properties/a"}}
    found = json.loads(str(enforceable(json.dumps(schema), "lark").text))
    assert found["properties"]["a"] is False
    assert "$ref" in str(found["properties"]["b"])


@pytest.mark.parametrize(
    ("listed", "named"),
    [
        ({"$ref": "#"}, {"maxItems": 5}),
        ({"maxItems": 5}, {"$ref": "#"}),
        ({"items": {"$ref": "#"}}, {"items": {"maxItems": 5}}),
        ({}, {"properties": {"b": {"$ref": "#"}}}),
    ],
)
def test_names_that_a_pattern_matches_are_not_joined_with_references(listed: Any, named: Any) -> None:
    """An engine applies a pattern to listed names, too, and refuses a grammar if a reference there leads back to it."""
    schema = {"properties": {"a": listed}, "patternProperties": {"^a": named}}
    made = constrain(tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])
    assert made.report.lines("lark") == ["lark: functions.f: /patternProperties is not enforced"]
    matcher(made.lark())
    apart = enforceable(json.dumps({"patternProperties": {"^a": {"$ref": "#"}}, "properties": {"b": {}}}), "lark")
    assert apart.unenforced == ()


@pytest.mark.parametrize("reader", ["lark", "grammar"])
@pytest.mark.parametrize("seed", range(3))
def test_schemas_are_enforced_or_reported(reader: SchemaTarget, seed: int) -> None:
    """Engines read each schema, and admit the values that match it; others only where a keyword is reported."""
    chosen = random.Random(seed)
    for _ in range(60):
        schema = drawn_schemas.schema(chosen)
        node = JsonNode(json.dumps(schema))
        if (found := enforceable(node.schema, reader)).text is not None:
            printer = RulesAsLark() if reader == "grammar" else LarkText(codec.SPECIAL_TOKENS)
            engine = matcher(printer.print(node))
            drawn_schemas.compare(schema, bool(found.unenforced), lambda text, engine=engine: reads(engine, text))
        else:
            drawn_schemas.compare(schema, False, lambda _: False)


def reads(engine: LLMatcher, text: str) -> bool:
    tokens, fresh = codec.encode(text), engine.deep_copy()
    return bool(fresh.try_consume_tokens(tokens) == len(tokens) and fresh.is_accepting())


def test_schemas_of_strangers_have_limits() -> None:
    """Alternatives that multiply, nested references, and patterns that need exponential time."""
    wide: Any = {"allOf": [{"anyOf": [{"required": [f"a{i}{j}"]} for j in range(9)]} for i in range(9)]}
    deep: Any = {"$defs": {f"d{i}": {"properties": {"a": {"$ref": f"#/$defs/d{i + 1}"}}} for i in range(3000)}}
    deep |= {"$ref": "#/$defs/d0"}
    same: Any = {"$defs": {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}, {"minLength": 1}]} for i in range(3000)}}
    same |= {"allOf": [{"$ref": "#/$defs/d0"}, {"type": "string"}]}
    nested: Any = {}
    for _ in range(40):
        nested = {"properties": {"a": nested}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    slow = {"properties": {"a" * 40 + "b": NULL}, "patternProperties": {"^(a+)+$": NULL}}
    many = {"oneOf": [kind(str(index)) for index in range(500)]}
    open_names = {"type": "object", "properties": {f"p{index}": {} for index in range(1500)}}
    long_names = {"type": "object", "properties": {"a" * index: {} for index in range(1, 300)}}
    long_value: Any = []
    for _ in range(300):
        long_value = [long_value]
    choices: Any = {"type": "string"}
    for index in range(8):
        either = [
            {**kind(f"{index}{end}"), "properties": {"kind": {"const": f"{index}{end}"}, "x": choices}} for end in "ab"
        ]
        choices = {"oneOf": either}
    lists: Any = {"type": "integer"}
    for _ in range(40):
        lists = {"type": "array", "items": {"type": "object", "properties": {"a": lists}}}
    others = (choices, {"enum": [*range(20000)]}, {"enum": [long_value]}, {"type": "array", "prefixItems": [{}] * 2000})
    for schema in (wide, deep, same, nested, slow, many, open_names, long_names, lists, *others):
        started = time.process_time()
        made = constrain(tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])
        for grammar in (made.lark(), made.gbnf(), made.xgrammar_ebnf(), json.dumps(made.structural_tag())):
            assert len(grammar) < 40 * len(json.dumps(schema)) + 100_000
        matcher(made.lark())
        assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("schema", "unenforced"),
    [
        ({"$ref": 5}, ["/$ref"]),
        ({"$ref": "file:///etc/passwd"}, ["/$ref"]),
        ({"properties": {"a": {"enum": ["\ud800"]}}}, [""]),
        ({"multipleOf": 123456789}, ["/multipleOf"]),
        ({"multipleOf": 1.001}, ["/multipleOf"]),
        ({"properties": [1], "required": "a"}, ["/properties", "/required"]),
        ({"items": "x"}, ["/items"]),
        ({"enum": {"a": 1}}, ["/enum"]),
        ({"type": "any"}, ["/type"]),
        ({"type": []}, ["/type"]),
        ({"type": ["string", "float"]}, ["/type"]),
        ({"type": {"string": 1}}, ["/type"]),
        ({"not": {"type": "dict"}}, ["/not"]),
        ({"anyOf": {}}, ["/anyOf"]),
        ({"oneOf": "x"}, ["/oneOf"]),
        ({"required": [1]}, ["/required"]),
        ({"$ref": "#/allOf/-1", "allOf": [True]}, ["/$ref"]),
        ({"$ref": "#/allOf/00", "allOf": [True]}, ["/$ref"]),
        ({"x-unread-type": "(_: {a: strin g}) => any"}, ["/x-unread-type"]),
        ({"propertyNames": {"pattern": "^a"}, "minProperties": 1, "uniqueItems": True}, None),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, None),
        ({"patternProperties": {"(": {}}, "additionalProperties": False}, None),
    ],
)
def test_what_no_engine_reads_is_reported(schema: Any, unenforced: list[str] | None) -> None:
    """None: each keyword."""
    found = enforceable(json.dumps(schema), "lark")
    assert found.text is not None
    assert json.loads(found.text) in (True, {})
    assert [*found.unenforced] == (unenforced or [f"/{keyword}" for keyword in schema])


class RulesAsLark(LarkText):
    """Lark with JSON as rules, as EBNF and GBNF have it."""

    json = GrammarText.json

    def __init__(self) -> None:
        super().__init__(codec.SPECIAL_TOKENS)
        self.json_rules = JsonRules("<|")


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        (
            {},
            ['{ "a" : [1, -0.5e+3, null, true, "\\u00e9\\n"] }', "{}", '"a<b<"'],
            ["01", "[1,]", '"<|end|>"', '{"a":}', "nul"],
        ),
        ({"type": "integer"}, ["0", "-12"], ["1.5", "-", "01"]),
        ({"type": "string", "minLength": 1, "maxLength": 2}, ['"a"', '"\\u0041b"'], ['""', '"abc"']),
        (  # two halves of a surrogate pair are one character
            {"type": "string", "minLength": 1, "maxLength": 1},
            ['"\\ud83d\\ude00"', '"\\uD7FF"', '"\\ue000"'],
            ['"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83dx"'],
        ),
        ({"type": "array", "minItems": 1, "maxItems": 2}, ["[1]", "[1, 2]"], ["[]", "[1,2,3]"]),
        ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
        (
            {"prefixItems": [{"type": "null"}], "items": False, "type": "array"},
            ["[]", "[null]"],
            ["[1]", "[null,null]"],
        ),
        (
            {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "required": ["b"]},
            ['{"a":null,"b":null}', '{"b":null,"ab":1}', '{"b": null}'],
            ['{"a":null}', '{"b":null,"b":1}', '{"b":1}', '{"b":null,}', '{"b":null,"a":1}'],
        ),
        ({"type": "object", "additionalProperties": False}, ["{}", "{ }"], ['{"a":1}']),
        ({"enum": [2.0, [-0.0], 1e-07]}, ["2", "2.0", "[0]", "[-0.0]", "1e-07"], ["2.5", "20", "[-1]"]),
        ({"enum": [1, "a<|b", {"c": [1]}]}, ["1", '"a\\u003c|b"', '{"c": [1]}', '{"c":[1]}'], ["2", '"a<|b"']),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, ["null", "false"], ["1"]),
        (
            {"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}}},
            ["{}", '{"n":{"n":{}}}'],
            ['{"n":1}'],
        ),
    ],
)
def test_rules_for_json(schema: Any, valid: list[str], invalid: list[str]) -> None:
    grammar = RulesAsLark().print(JsonNode(json.dumps(schema)))
    tokens = {text: codec.encode(text, allowed_special=["<|end|>"]) for text in (*valid, *invalid)}
    assert [text for text in valid if not admits(grammar, tokens[text])] == []
    assert [text for text in invalid if admits(grammar, tokens[text])] == []


@pytest.mark.parametrize("value", [2.0, 1000.0, 0.0, -0.0, 1e20, 1e-07, 1.5, 2, "2.0", [2.0], {"n": 2.0}, [2]])
@pytest.mark.parametrize("keyword", ["const", "enum"])
def test_a_listed_value_is_admitted_as_the_schema_spells_it_or_reported(value: Any, keyword: str) -> None:
    schema = {"type": "object", "properties": {"v": {keyword: value if keyword == "const" else [value]}}}
    made = constrain(tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])
    arguments = json.dumps({"v": value})
    call = f"<|channel|>commentary to=functions.f json<|message|>{arguments}<|call|>"
    assert made.admits(codec.encode(call, allowed_special="all"))
    is_reported = f"lark: functions.f: /properties/v/{keyword} admits numbers only" in str(made.report.lines("lark"))
    assert admits(made.lark(), call) is not is_reported
