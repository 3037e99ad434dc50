"""Prompts that the official template and the peer render are read as structure and written back token for token."""

from __future__ import annotations

import json
import tomllib
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from jsonschema import Draft202012Validator

from harmony_spec import (
    DeveloperContent,
    Message,
    Namespace,
    Tool,
    from_json,
    parse,
    render,
    render_text,
    to_json,
    tools_from_json,
    tools_from_text,
    validate,
)
from harmony_spec.adapters import from_chat
from harmony_spec.errors import ToolError
from harmony_spec.tool_types.type_grammar import UNREAD_KEYWORD

from . import peer
from .chat_template import Schema, arguments_of, chats, function, render_chat, tool_lists
from .conftest import examples
from .house import ROOT

DIFFERENCES = tomllib.loads((ROOT / "docs" / "differences.toml").read_text(encoding="utf-8"))["template"]
HEAD = "# Tools\n\n## functions\n\nnamespace functions {\n\n"
CALL = "<|start|>assistant<|channel|>commentary to=functions.{} <|constrain|>json<|message|>{}<|call|>"
ENUM = {"type": "string", "enum": ["x", "y"]}
NUMBER, STRING, NULL = {"type": "number"}, {"type": "string"}, {"type": "null"}
X = {"type": "string", "enum": ["x"]}
BOOLEAN, OPTIONAL = {"type": "boolean"}, {"type": ["string", "null"]}
S = STRING | {"description": "s"}
K = {"type": "object", "properties": {"k": STRING}}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def names(text: str) -> list[str]:
    return [found.code.name for found in validate(text).diagnostics]


def developer(members: str, between: str = "") -> str:
    """A developer message with a tool of these properties and one without any."""
    return (
        f"<|start|>developer<|message|>{HEAD}// D\n{between}type f = (_: {{\n{members}}}) => any;\n\n"
        "// E\ntype g = () => any;\n\n} // namespace functions<|end|>"
    )


def check(tokens: list[int], tools: list[Schema]) -> list[Any]:
    """Whether a prompt is structure, with these tools, and is written back; return the schemas that were read."""
    messages = parse(tokens).messages
    assert render(messages, style="as_parsed") == tokens
    assert [m.role for m in messages if m.role in ("system", "developer") and isinstance(m.content, str)] == []
    content = next(m.content for m in messages if m.role == "developer")
    assert isinstance(content, DeveloperContent)
    [namespace] = content.tools
    assert [tool.name for tool in namespace.tools] == [tool["function"]["name"] for tool in tools]
    for tool, given_tool in zip(namespace.tools, tools, strict=True):
        properties = (given_tool["function"]["parameters"] or {}).get("properties", {})
        if isinstance(tool.parameters, dict) and UNREAD_KEYWORD not in tool.parameters:
            assert list(tool.parameters.get("properties", {})) == list(properties)
            assert set(tool.parameters.get("required", [])) == {
                name for name in properties if name in given_tool["function"]["parameters"].get("required", [])
            }
    # In another style the same tools are written as we write them.
    again = next(m.content for m in parse(render(messages)).messages if m.role == "developer")
    assert isinstance(again, DeveloperContent)
    assert unread(again) == unread(content)
    text = peer.text_of(tokens)
    assert "undeclared-tool" in names(text + CALL.format("nowhere", "{}"))
    for tool, pick in product(tools, (0, -1)):
        schema = tool["function"]["parameters"] or {"type": "object"}
        arguments = arguments_of(schema, pick)
        if Draft202012Validator(schema).is_valid(arguments):
            call = CALL.format(tool["function"]["name"], json.dumps(arguments, ensure_ascii=False))
            found = validate(text + call).diagnostics
            assert [each.code.name for each in found if each.span.start > len(text)] == []
    return [tool.parameters for tool in namespace.tools]


def unread(content: DeveloperContent) -> list[str]:
    """The names of the tools whose types are not read."""
    found = [tool for namespace in content.tools for tool in namespace.tools]
    return [tool.name for tool in found if isinstance(tool.parameters, dict) and UNREAD_KEYWORD in tool.parameters]


D = STRING | {"default": "d"}
DEFAULT = D | {"description": "D"}
DEFAULTS = {"type": "array", "items": {"oneOf": [STRING | {"default": "d"}]}, "default": []}
"""The peer writes the default of the alternative before the brackets, and that of the list after them."""


@examples(500)
@given(tool_lists(), chats())
@example(
    [function("f", {"type": "object", "properties": {"a": ENUM | {"enum": ['x"y']}}})],
    [{"role": "user", "content": ""}],
)
def test_what_the_template_renders_is_structure(tools: list[Schema], chat: list[dict[str, Any]]) -> None:
    check(peer.tokens_of(render_chat(chat, tools)), tools)


@examples(500)
@given(tool_lists(), chats())
@example([function("f", {"type": "object", "properties": {"a": DEFAULTS}}), function("g", {"type": "object"})], [])
@example([function("f", {"type": "object", "properties": {"a": array({"oneOf": [STRING, array(STRING)]})}})], [])
@example([function("f", {"type": "object", "properties": {"a": array({"oneOf": [STRING, array(array(NUMBER))]})}})], [])
@example([function("f", {"type": "object", "properties": {"a": array(array({"oneOf": [STRING, NUMBER]}))}})], [])
def test_what_the_peer_renders_is_structure(tools: list[Schema], chat: list[dict[str, Any]]) -> None:
    chat = [m | {"content": json.dumps(m["content"])} if m["role"] == "tool" else m for m in chat]
    found = [message for message in from_chat(chat).messages if isinstance(message.content, str)]
    check(peer.render_tools([tool["function"] for tool in tools], found), tools)


@examples(500)
@given(tool_lists())
@example([function("f", {"type": "object", "properties": {"a": {"type": "array"}}})])
@example([function("f", {"type": "object", "properties": {"a": {"oneOf": [{"oneOf": [STRING]}]}}})])
@example([function("f", {"type": "object", "properties": {}, "required": [], "additionalProperties": False})])
@example([function("f", {"properties": {"a": {"oneOf": [{"type": "object", "properties": {}, "required": []}]}}})])
@example([function("f", {}), function("g", {"properties": {"a": {"anyOf": [DEFAULT, {"type": ["integer", "null"]}]}}})])
@example(
    [function("f", {}), function("g", {"properties": {"a": {"oneOf": [{"anyOf": [DEFAULT], "description": "D"}]}}})]
)
@example(
    [
        function("f", {}),
        function("g", {"properties": {"a": {"oneOf": [{"anyOf": [D]}], "description": "D"}, "b": DEFAULT}}),
    ]
)
def test_what_the_style_writes_is_read_back_equal(tools: list[Schema]) -> None:
    """Also where the template writes two schemas of one meaning alike, such as arrays with and without `items`."""
    message = Message("developer", DeveloperContent(tools=tools_from_json(tools)))
    [again] = parse(render([message], style="template")).messages
    assert again == message
    assert render([again], style="template") == render([message], style="template")


OVERLAPPING: list[tuple[Schema, Any]] = [
    ({"oneOf": [{"type": "object", "properties": {"kind": {"const": name}}} for name in "ab"]}, {"kind": "a"}),
    ({"oneOf": [{"type": "integer", "maximum": 3}, {"type": "integer", "minimum": 4}]}, 5),
    ({"oneOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 3}]}, "abc"),
    ({"oneOf": [{"$ref": "#/$defs/A"}, STRING], "$defs": {"A": NUMBER}}, "abc"),
    ({"oneOf": [{"type": "array", "items": STRING}, {"type": "array", "items": NUMBER}]}, ["x"]),
    ({"oneOf": [{"type": "array", "items": {"oneOf": [STRING, NUMBER]}}, {"type": "boolean"}]}, ["x", 1]),
    ({"type": "array", "items": {"oneOf": [STRING, {"type": "array", "items": NUMBER}]}}, ["x", [1]]),
    ({"type": "array", "items": {"oneOf": [K, {"type": "array", "items": K}, NULL]}}, [[{"k": "x"}]]),
    (array({"oneOf": [NUMBER, OPTIONAL]}), [1, "x", None]),
    (array({"oneOf": [NUMBER, array(OPTIONAL)]}), [1, ["x"]]),
    (array(array({"oneOf": [NUMBER, ENUM]})), [[1, "x"]]),
    (array({"oneOf": [BOOLEAN, {"oneOf": [STRING, NUMBER]}]}), [True, "x", 1]),
    (array({"oneOf": [{"oneOf": [STRING, NUMBER]}, array(BOOLEAN)]}), ["x", 1, [True]]),
    ({"oneOf": [BOOLEAN, array({"oneOf": [STRING, NUMBER]})]}, ["x", 1]),
    (array(ENUM | {"nullable": True}) | {"nullable": True}, ["x"]),
    (array(array(STRING) | {"nullable": True}), [["x"]]),
]


@pytest.mark.parametrize(("schema", "value"), OVERLAPPING)
def test_alternatives_may_overlap_in_a_type(schema: Schema, value: Any) -> None:
    """Template and peer leave out what tells alternatives of `oneOf` apart, and brackets around them."""
    tool = function("f", {"type": "object", "properties": {"a": schema, "b": STRING}})
    call = CALL.format("f", json.dumps({"a": value}))
    of_peer = peer.text_of(peer.render_tools([tool["function"]], [Message("user", "Hi.")]))
    for prompt in (of_peer, render_chat([{"role": "user", "content": "Hi."}], [tool])):
        assert names(prompt + call) == []
        assert names(prompt + CALL.format("f", '{"b": 1}')) == ["invalid-arguments"]
    whole = {"oneOf": [STRING | {"maxLength": 3}, STRING | {"minLength": 2}]}
    tools = tools_from_json([function("f", {"type": "object", "properties": {"a": whole}})])
    found = validate(CALL.format("f", '{"a": "abc"}'), tools=tools).diagnostics
    assert [each.code.name for each in found] == ["invalid-arguments"]  # of a schema that is passed, one must match


SPELLINGS: list[tuple[str, Schema]] = [
    ("a?: number, // default: 1,", NUMBER | {"default": 1}),
    ('a?: "x" | "y", // default: x,', ENUM | {"default": "x"}),
    ('a?: string[], // default: ["x"],', {"type": "array", "items": STRING, "default": ["x"]}),
    ("a?: object, // default: {},", {"type": "object", "default": {}}),
    ("a?: object | null,", {"type": ["object", "null"]}),
    ("a?: object[],", {"type": "array", "items": {"type": "object"}}),
    (
        "a?: object | object[],",
        {
            "anyOf": [{"type": "array", "items": {"type": ["object", "object"]}}, {"type": "object"}]
        },
    ),
    ("a?: integer | null,", {"type": ["integer", "null"]}),
    ("a?: array | null,", {"type": ["array", "null"]}),
    ("a?: {\n},", {"type": "object", "properties": {}}),
    ("a?: {\n    }[],", {"type": "array", "items": {"type": "object", "properties": {}}}),
    ("a?: {\n    } | null,", {"anyOf": [{"type": "object", "properties": {}}, NULL]}),
    (
        "a?: {\nk: \n                string, l?: \n                number},",
        {"type": "object", "properties": {"k": STRING, "l": NUMBER}, "required": ["k"]},
    ),
    (
        "a?: {\nk?: \n                {\nl?: \n                string}}[],",
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"k": {"type": "object", "properties": {"l": STRING}}},
            },
        },
    ),
    (
        'a?: "x" | "y"[],',
        {"anyOf": [{"type": "array", "items": ENUM}, X]},
    ),
    (
        "a?: string | null[],",
        {
            "anyOf": [{"type": "array", "items": {"type": ["string", "null"]}}, STRING]
        },
    ),
    (
        "a?:\n     | string // s1\ns2\n     | number // default: 1\n    ,",
        {"oneOf": [STRING | {"description": "s1\ns2"}, NUMBER | {"default": 1}]},
    ),
    ("a?:\n,", {}),
    ("// d\na?:\n    ,", {"description": "d"}),
    ("// default: x\na?:\n | string\n | number\n,", {"oneOf": [STRING, NUMBER], "default": "x"}),
    ("// default: 1\na?:\n | string\n | number\n,", {"oneOf": [STRING, NUMBER], "default": 1}),
    ("// default: x\na?: string,", STRING | {"description": "default: x"}),
    ("// default: x\n// y\na?: string,", STRING | {"description": "default: x\ny"}),
    ("// Examples:\na?: string,", STRING | {"description": "Examples:"}),
    ("// @x {}\na?: string,", STRING | {"description": "@x {}"}),
    ("// @param {string} the name\na?: string,", STRING | {"description": "@param {string} the name"}),
    ("// @format the date\na?: string,", STRING | {"description": "@format the date"}),
    ('// @format "date"\na?: string,', STRING | {"format": "date"}),
    ('// @"x" {}\na?: string,', STRING | {"x": {}}),
    ("a?: number, // default: 1e20", NUMBER | {"default": 1e20}),
    ('a?: string, // default: "d"q"', STRING | {"default": 'd"q'}),
    ('a?: string, // default: "d"q\nx, "y"z,\nz"', STRING | {"default": 'd"q\nx, "y"z,\nz'}),
    ("a?: string// s | \nnumber// i,", {"oneOf": [STRING | {"description": "s"}, NUMBER | {"description": "i"}]}),
    (
        'a?: string// s                    // default: "x" | \nnumber                    // default: 2,',
        {"oneOf": [STRING | {"description": "s", "default": "x"}, NUMBER | {"default": 2}]},
    ),
    (
        'a?: \n     | string // s\n     | number // default: 1[][],',
        {"type": "array", "items": {"type": "array", "items": {"oneOf": [S, NUMBER | {"default": 1}]}}},
    ),
    ("a?: \n     | string // s[],", {"type": "array", "items": {"oneOf": [S]}}),
    ("a?:\n | string // s[] or t\n,", {"oneOf": [STRING | {"description": "s[] or t"}]}),
    (
        "a?: string// s | \nnumber// i[],",
        {"anyOf": [{"type": "array", "items": {"oneOf": [S, NUMBER | {"description": "i"}]}}, STRING]},
    ),
    ("a?: string | \nnumber// default: x, y,", {"oneOf": [STRING, NUMBER], "default": "x, y"}),
    (
        "a?: {\nk?: \n                string// s | \nnumber// a, b, l?: \n                number},",
        {
            "type": "object",
            "properties": {
                "k": {"oneOf": [STRING | {"description": "s"}, NUMBER | {"description": "a, b"}]},
                "l": NUMBER,
            },
        },
    ),
    (
        'a?: string                    // default: "d"[], // default: [],',
        {"anyOf": [{"type": "array", "items": {"oneOf": [STRING | {"default": "d"}]}}], "default": []},
    ),
    (
        "a?: string[] | \nnumber[],",
        {
            "anyOf": [
                {"type": "array", "items": {"oneOf": [{"type": "array", "items": STRING}, NUMBER]}},
                {"type": "array", "items": STRING},
            ]
        },
    ),
    (
        "a?: string | \nnumber[] | \nboolean,",
        {
            "oneOf": [
                STRING,
                {"type": "array", "items": NUMBER},
                {"type": "boolean"},
                {
                    "type": "array",
                    "items": {"anyOf": [STRING, {"type": "array", "items": NUMBER}, {"type": "boolean"}, NUMBER]},
                },
            ]
        },
    ),
    ("a?: string | \nnumber[][],", {"anyOf": [STRING, {"type": "array"}]}),
    (
        "a?: boolean | \nstring[] | null,",
        {
            "oneOf": [
                BOOLEAN,
                {"anyOf": [array(STRING), NULL]},
                array({"anyOf": [BOOLEAN, {"anyOf": [array(STRING), NULL]}, STRING]}),
            ]
        },
    ),
    (
        "// D\nE\na?:     // D\nE\n{\n    k?: string,\n    },",
        {"allOf": [K | {"description": "D\nE"}], "description": "D\nE"},
    ),
    (
        "a?:\n | string\n |    // \nText\n\n{\n   k?: string,\n   }\n,",
        {"oneOf": [STRING, K | {"description": "\nText\n"}]},
    ),
    (
        "a?: \n     | string\n     | number // i[], // default: []",
        array({"oneOf": [STRING, NUMBER | {"description": "i"}]}) | {"default": []},
    ),
    (
        "a?: {\nk?: \n                string// s | \nnumber}, // default: {},",
        {"type": "object", "properties": {"k": {"oneOf": [S, NUMBER]}}, "default": {}},
    ),
    (
        'a?: object                    // default: {"k": "}"} | \nboolean,',
        {"oneOf": [{"type": "object", "default": {"k": "}"}}, BOOLEAN]},
    ),
    (
        "a?: string | \nnumber// i[] | \nboolean,",
        {
            "oneOf": [
                STRING,
                NUMBER | {"description": "i"},
                BOOLEAN,
                array({"anyOf": [STRING, NUMBER | {"description": "i"}, BOOLEAN]}),
            ]
        },
    ),
    ("a?: string[] | null[],", {"anyOf": [array({"anyOf": [array(STRING), NULL]}), array(STRING)]}),
    ('a?: "x" | "y"[] | null,', {"anyOf": [array(ENUM), X, NULL]}),
    ("a?: number | \nstring | null[],", {"anyOf": [array({"oneOf": [NUMBER, OPTIONAL]}), NUMBER]}),
    ("a?: \n     | number\n     | string | null[],", array({"oneOf": [NUMBER, OPTIONAL]})),
    (
        "a?: \n     | number\n     | string | null[][],",
        {
            "anyOf": [
                array(array({"oneOf": [NUMBER, OPTIONAL]})),
                array({"oneOf": [NUMBER, {"anyOf": [array(OPTIONAL), STRING]}]}),
            ]
        },
    ),
    ("a?:\n | boolean\n | \n    | string\n    | number\n,", {"oneOf": [BOOLEAN, STRING, NUMBER]}),
    ("a?:\n | \n    | string\n    | number[]\n | boolean\n,", {"anyOf": [STRING, BOOLEAN, {"type": "array"}]}),
    (
        "a?: \n     | \n        | string\n        | number\n     | boolean[],",
        {"anyOf": [STRING, NUMBER, {"type": "array"}]},
    ),
    ("a?:\n | \n,", {}),
    ("a?: {\nk?: \n                string} | \nnumber[] | \nstring,", {}),
    ("a?: string[] | null,", {"anyOf": [{"type": "array", "items": STRING}, NULL]}),
    ("a?: string | \nnumber,", {"oneOf": [STRING, NUMBER]}),
    (
        "a?: string | \nnumber[],",
        {
            "anyOf": [{"type": "array", "items": {"oneOf": [STRING, NUMBER]}}, STRING]
        },
    ),
    ("a?: \n     | string\n     | number[],", {"type": "array", "items": {"oneOf": [STRING, NUMBER]}}),
    ("a?: {\nk?: \n                string} | \nnumber[],", {"items": {"oneOf": [K, NUMBER]}}),
    ("// d1\nd2\na?: string,", STRING | {"description": "d1\nd2"}),
    ("// d1\n\n  - x: y\nNote: a, b.\na?: string,", STRING | {"description": "d1\n\n  - x: y\nNote: a, b."}),
    ("// \nd\n\na?: string,", STRING | {"description": "\nd\n"}),
    ("// d1\u2028d2\na?: string,", STRING | {"description": "d1\u2028d2"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "schema"), SPELLINGS)
def test_each_spelling_is_read_as_its_writer_meant(text: str, schema: Schema) -> None:
    prompt = developer(f"b: number,\n{text}\nc?: string,\n", "Two\n\nlines.\n")
    tokens = peer.tokens_of(prompt)
    [message] = parse(tokens).messages
    assert isinstance(message.content, DeveloperContent)
    tool, _ = message.content.tools[0].tools
    assert tool.description == "D\nTwo\n\nlines."
    assert tool.parameters == {
        "type": "object",
        "properties": {"b": NUMBER, "a": schema, "c": STRING},
        "required": ["b"],
    }
    assert render([message], style="as_parsed") == tokens
    tool.description = "Changed."
    assert "Changed." in message.content.text()
    assert parse(render([message])).messages[0].content.tools[0].tools[0].parameters["required"] == ["b"]


@pytest.mark.parametrize("name", ["a-b", "a.b", "@a", "1a", "a b", "ids[]", "a:b", "$a", "\u00e9"])
def test_a_property_may_have_any_name(name: str) -> None:
    [message] = parse(peer.tokens_of(developer(f"{name}?: string,\nb: number,\n"))).messages
    assert isinstance(message.content, DeveloperContent)
    parameters = message.content.tools[0].tools[0].parameters
    assert isinstance(parameters, dict)
    assert parameters["properties"] == {name: STRING, "b": NUMBER}


@pytest.mark.parametrize(
    ("line", "expected"),
    [('a: "x"y",', "','"), ("a: citizen,", "$ref"), ("a: string;", "','"), ("a: string | | null,", "json_scalar")],
)
def test_a_type_that_cannot_be_read_is_reported_at_its_line(line: str, expected: str) -> None:
    """Its function is known, its arguments are not checked, and the other functions are read."""
    prompt = developer(f"b: number,\n{line}\nc: string,\n")
    tokens = peer.tokens_of(prompt)
    [message] = parse(tokens).messages
    assert isinstance(message.content, DeveloperContent)
    assert unread(message.content) == ["f"]
    assert render([message]) == render([message], style="as_parsed") == tokens
    assert message.content.tools[0].tools[1].parameters is None
    [found] = validate(prompt).diagnostics
    assert (found.code.name, found.raw) == ("unread-content", line)
    assert expected in " ".join(found.expected)
    assert names(prompt + CALL.format("f", "[]")) == ["unread-content"]
    assert names(prompt + CALL.format("g", '{"a": 1}')) == ["unread-content", "invalid-arguments"]
    assert names(prompt + CALL.format("h", "{}")) == ["unread-content", "undeclared-tool"]
    with pytest.raises(ToolError) as caught:
        tools_from_text(message.content.text())
    assert caught.value.span is not None
    assert message.content.text()[: caught.value.span.start].count("\n") == prompt[: found.span.start].count("\n")


def test_the_json_form_keeps_the_text_of_the_template() -> None:
    """As long as nothing has changed."""
    tools = [function("f", {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}})]
    text = render_chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": ""}], tools)
    messages = parse(text).messages
    value = to_json(messages)
    assert render_text(from_json(value), style="as_parsed") == render_text(messages, style="as_parsed") == text
    assert render(from_json(to_json(parse(peer.tokens_of(text)).messages)), style="as_parsed") == peer.tokens_of(text)
    part = value["messages"][1]["content"][0]
    part["instructions"] = "Think."
    assert "Think." in render_text(from_json(value), style="as_parsed")
    del part["as_parsed"]
    assert "as_parsed" not in str(to_json(from_json(value)))


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row["name"])
def test_a_deliberate_difference_from_the_template(row: dict[str, Any]) -> None:
    """What the table says is what both write; and what is written here is read back with the same meaning."""
    schema = json.loads(row["schema"])
    assert type_in(render_chat([{"role": "user", "content": "Hi."}], [function("f", schema)])) == row["template"]
    message = Message("developer", DeveloperContent(tools=[Namespace("functions", None, [Tool("f", None, schema)])]))
    assert type_in(text := render_text([message], style="template")) == row["here"] != row["template"]
    assert parse(text).messages == [message]


def type_in(text: str) -> str:
    """The type in a text with one function."""
    start, end = "type f = ", "\n\n} // namespace functions"
    return text[text.index(start) + len(start) : text.rindex(end)]


def test_a_type_that_was_not_read_can_be_passed_on() -> None:
    """As JSON, and as a schema that accepts all arguments; other text is a comment."""
    [message] = parse(peer.tokens_of(developer('a: "x"y",\n'))).messages
    assert isinstance(message.content, DeveloperContent)
    schema = message.content.tools[0].tools[0].parameters
    assert schema == {UNREAD_KEYWORD: '(_: {\na: "x"y",\n}) => any;'}
    [namespace] = tools_from_json([function("f", schema, "D")])
    assert namespace.tools[0] == message.content.tools[0].tools[0]
    for text in ("any", "() => any;\n\ntype g = () => any;"):
        [other] = tools_from_json([function("f", {UNREAD_KEYWORD: text}, "D")])
        content = DeveloperContent(tools=[other])
        assert parse(render([Message("developer", content)])).messages[0].content == content
        assert f"// @{UNREAD_KEYWORD} " in content.text()
