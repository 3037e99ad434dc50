"""The schemas that engines get, and the rules for engines without JSON, which llguidance reads here as Lark."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harmony_spec import codec
from harmony_spec.constraints.enforceable import enforceable
from harmony_spec.constraints.json_rules import JsonRules
from harmony_spec.constraints.lark_texts import LarkText
from harmony_spec.format.algebra import JsonNode, Node

from .constraining import admits

OPEN = {"additionalProperties": True}


@pytest.mark.parametrize(
    ("reader", "schema", "expected", "unenforced"),
    [
        ("lark", {"type": "string", "description": "x"}, {"type": "string"}, []),
        ("lark", {"minimum": 2**70, "maximum": 3}, {"maximum": 3}, ["/minimum"]),
        ("lark", {"minLength": 2.0, "maxLength": 10**9}, {"minLength": 2}, ["/maxLength"]),
        ("lark", {"type": "integer", "const": 3}, {"enum": [3]}, []),
        ("lark", {"type": "integer", "enum": [3, "x"]}, {"enum": [3]}, []),
        ("lark", {"type": "integer", "const": "x"}, None, []),
        ("lark", {"minItems": 2, "maxItems": 1}, None, []),
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
        ("lark", {"pattern": "a(?=b)", "not": {}}, {}, ["/pattern", "/not"]),
        ("lark", {"pattern": "^a$", "format": "date"}, {"pattern": "^a$"}, ["/format"]),
        ("lark", {"x-guidance": {"lenient": True}}, {}, []),
        ("structural-tag", {"pattern": "a"}, {}, ["/pattern"]),
        ("structural-tag", {"required": ["a"]}, {"required": ["a"], "properties": {"a": True}, **OPEN}, []),
        (
            "structural-tag",
            {"properties": {}, "additionalProperties": False},
            {"properties": {}, "additionalProperties": False},
            [],
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
            {"anyOf": [{"type": "object", "required": ["a"], "properties": {"b": {}}}]},
            [],
        ),
    ],
)
def test_what_engines_get(reader: Any, schema: Any, expected: Any, unenforced: list[str]) -> None:
    found = enforceable(json.dumps(schema), reader)
    assert (found.text and json.loads(found.text)) == expected
    assert list(found.unenforced) == unenforced


class RulesAsLark(LarkText):
    """Lark with JSON as rules, as EBNF and GBNF have it."""

    def __init__(self) -> None:
        super().__init__(codec.SPECIAL_TOKENS)
        self.json_rules = JsonRules("<|")

    def json(self, node: JsonNode) -> str:
        return self.expression(self.json_rules.value(str(enforceable(node.schema, "grammar").text)))

    def definition(self, name: str) -> Node:
        return self.json_rules.definitions[name]()


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
