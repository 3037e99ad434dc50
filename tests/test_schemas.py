"""Laws 1, 2, 7 and 8 for structured contents: schemas as types and back, the peer's texts, texts that stay texts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harmony_spec import Message, RenderError, codec, parse, recover, render, render_text, to_json, validate
from harmony_spec.codec import DeveloperContent, Namespace, SystemContent, Tool

from . import peer
from . import schema_strategies as draws
from .conftest import examples
from .faithful_strategies import faithful_conversations
from .schema_strategies import FUNCTIONS, LINE_BREAK, Schema
from .strategies import awkward

SMALL = draws.schemas(depth=1)


def written(schema: Schema | None) -> DeveloperContent:
    return DeveloperContent(tools=[Namespace(FUNCTIONS, tools=[Tool("f", None, schema)])])


def read(text: str) -> DeveloperContent:
    found = codec.FORMAT.contents.structure(DeveloperContent, text)
    assert found is not None, f"not read back: {text}"
    return found


def read_back(schema: Schema | None) -> Any:
    """The schema that is read from the text of a tool with a schema."""
    return read(written(schema).text()).tools[0].tools[0].parameters


def lines(text: str | None) -> str | None:
    """A text with the line breaks that comments can say: one kind of them, none at the end. No text says nothing."""
    return LINE_BREAK.sub("\n", text or "").removesuffix("\n") or None


def exactly(value: Any) -> str:
    """A value to compare: `true` is not 1, and 1.0 not 1."""
    return json.dumps(value, default=str)


def plain(record: Any) -> Any:
    """A record without what it leaves to the conversation, and with the line breaks that comments can say."""
    if isinstance(record, str) or record is None:
        return record
    fields = asdict(record)
    if fields.get("channel_config"):
        del fields["channel_config"]["function_calls"]
    for item in fields.get("response_formats", []):
        item["description"] = lines(item["description"])
    for namespace in fields.get("tools", []):
        if namespace["tools"]:
            namespace["description"] = lines(namespace["description"])
        for tool in namespace["tools"]:
            tool["description"] = lines(tool["description"])
    return fields


def shape(content: DeveloperContent | SystemContent) -> Any:
    """The same without the schemas of the tools, which are read back in another form."""
    fields = plain(content)
    for namespace in fields["tools"]:
        for tool in namespace["tools"]:
            tool["parameters"] = tool["parameters"] is not None
    return fields


@examples(200)
@given(draws.schemas())
def test_a_written_schema_is_read_back_and_written_the_same(schema: Schema) -> None:
    """The text of a tool is read back as the same tool whatever its schema says, and its schema is written the same."""
    tool = Tool("f", None, schema)
    text = written(schema).text()
    found = read(text).tools
    assert [(n.name, [(t.name, t.description) for t in n.tools]) for n in found] == [(FUNCTIONS, [("f", None)])]
    back = found[0].tools[0].parameters
    assert Tool("f", None, back).text() == tool.text()


@examples(200)
@given(draws.developers(SMALL))
def test_a_written_structure_is_read_back(content: DeveloperContent) -> None:
    """Nothing in names, descriptions, instructions and schemas changes which namespaces and tools are read back."""
    text = content.text()
    found = read(text)
    assert exactly(shape(found)) == exactly(shape(content))
    assert found.text() == text


@examples(200)
@given(st.data())
def test_a_schema_read_back_accepts_the_same_values(data: st.DataObject) -> None:
    """For values near a schema and for any others. Schemas name their types, and `integer` is left out: see Kind."""
    schema = data.draw(draws.schemas(typed=True))
    back = read_back(schema)
    before, after = Draft202012Validator(schema), Draft202012Validator(back)
    for value in data.draw(st.lists(draws.near(schema, schema) | draws.values, min_size=3, max_size=8)):
        try:
            accepted = before.is_valid(value)
        except RecursionError:
            assume(False)
        assert after.is_valid(value) == accepted, f"{exactly(value)}: {exactly(back)}"


def assert_said(schema: Any, back: Any) -> None:
    """Every keyword of properties that no type says is read back at the same place."""
    for name, said in schema["properties"].items():
        found = back["properties"][name]
        for keyword, value in said.items():
            if keyword in ("title", "description"):
                assert lines(found.get(keyword)) == lines(value), (keyword, said, found)
            elif keyword == "properties":
                assert_said(said, found)
            elif keyword not in ("type", "items", "required"):
                assert exactly(found.get(keyword)) == exactly(value), (keyword, said, found)


@st.composite
def said_objects(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    """Objects whose properties say what a type cannot."""
    properties: dict[str, Any] = {}
    for name in draw(st.lists(draws.property_names, unique=True, min_size=1, max_size=3)):
        kind = draw(st.sampled_from(["string", "number", "array", "boolean", *["object"] * (depth > 0)]))
        schema: dict[str, Any] = draw(said_objects(depth - 1)) if kind == "object" else {"type": kind}
        if kind == "string" and draw(st.integers(0, 3)) == 0:
            schema["enum"] = draw(st.lists(draws.texts, unique=True, min_size=1, max_size=3))
        draws.draw_some(draw, schema, draws.SAID | draws.LIMITS.get(kind, {}), 4)
        properties[name] = schema
    return {"type": "object", "properties": properties}


@examples(200)
@given(said_objects(2))
def test_what_a_type_cannot_say_is_read_back(schema: dict[str, Any]) -> None:
    """Titles, descriptions, defaults, examples, limits and unknown keywords of properties keep place and value."""
    assert_said(schema, read_back(schema))


def conversation(*contents: SystemContent | DeveloperContent | str) -> list[Message]:
    roles: dict[type, codec.Role] = {SystemContent: "system", DeveloperContent: "developer", str: "user"}
    return [Message(role=roles[type(content)], content=content) for content in contents]


@examples(200)
@given(draws.systems(SMALL), st.none() | draws.developers(SMALL), awkward)
def test_structured_contents_round_trip(system: SystemContent, developer: DeveloperContent | None, user: str) -> None:
    """Laws 1 and 2 with structured contents: equal by text and by field, from tokens and from text."""
    messages = conversation(*(content for content in (system, developer, user) if content is not None))
    tokens = render(messages)
    found = parse(tokens).messages
    assert render(found, style="as_parsed") == tokens
    assert found == messages
    # What is read first has its schemas and line breaks in the form in which they are read.
    again = parse(render(found)).messages
    for before, once, twice in zip(messages, found, again, strict=True):
        assert type(once.content) is type(before.content)
        assert exactly(plain(twice.content)) == exactly(plain(once.content))
        if not isinstance(before.content, str):
            assert not isinstance(once.content, str)
            assert exactly(shape(once.content)) == exactly(shape(before.content))
    if codec.FORMAT.special_matcher.search("".join(message_text(message) for message in messages)) is None:
        assert parse(render_text(messages)).messages == found


def message_text(message: Message) -> str:
    return message.content if isinstance(message.content, str) else message.content.text()


@examples(200)
@given(st.data(), st.booleans())
def test_a_text_that_is_almost_a_structure_is_not_lost(data: st.DataObject, is_system: bool) -> None:
    """Whatever is changed in the text of a structure, what is read has the changed text, as structure or not."""
    content = data.draw((draws.systems if is_system else draws.developers)(SMALL))
    text = data.draw(draws.mutated(content.text()))
    message = Message("system" if is_system else "developer", text)
    [found] = parse(render([message])).messages
    assert message_text(found) == text
    assert render([found], style="as_parsed") == render([message])
    assert parse(render([found])).messages == [found] or isinstance(found.content, str)
    if not isinstance(found.content, str):
        assert codec.FORMAT.contents.structure(type(found.content), found.content.text()) is not None


@examples(200)
@example("\\x")
@example("\\uu001f")
@example("\t")
@example("\x1f")
@given(draws.hostile)
def test_any_text_may_be_in_the_quotes_of_a_name(text: str) -> None:
    """If JSON does not read it, the quotes belong to the name, or the text is not a structure."""
    prompt = f'# Tools\n\n## functions\n\nnamespace functions {{\n\ntype f = (_: {{\n"{text}": any,\n}}) => any;\n\n'
    message = Message("developer", f"{prompt}}} // namespace functions")
    tokens = render([message])
    [found] = parse(tokens).messages
    assert message_text(found) == message.content
    assert render([found], style="as_parsed") == tokens
    assert recover(tokens).messages == validate(tokens).messages == [found]


def change(value: Any) -> None:
    """Change whatever is in a value."""
    if isinstance(value, dict):
        for item in value.values():
            change(item)
        value["changed"] = 1
    elif isinstance(value, list):
        for item in value:
            change(item)
        value.append("changed")
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            change(getattr(value, name))
            setattr(value, name, "changed")


@examples(200)
@given(draws.systems(SMALL), draws.developers(SMALL))
def test_changing_what_was_read_changes_no_later_reading(system: SystemContent, developer: DeveloperContent) -> None:
    tokens = render(conversation(system, developer))
    first = parse(tokens).messages
    seen = [exactly(asdict(message)) for message in first]
    for message in first:
        change(message.content)
    assert [exactly(asdict(message)) for message in parse(tokens).messages] == seen


# The peer.

PEER_DEFAULTS = ("model_identity", "knowledge_cutoff", "reasoning_effort", "channel_config")
"""Settings that the peer sets to values of its own where its JSON form leaves them out."""


def peer_form(messages: list[Message]) -> dict[str, Any]:
    """The JSON form of messages as the peer reads it: absent settings are null, and namespaces list their tools."""
    form = to_json(messages)
    for message in form["messages"]:
        [content] = message["content"]
        if content["type"] == "system_content":
            content |= {name: content.get(name) for name in PEER_DEFAULTS}
        for namespace in (content.get("tools") or {}).values():
            namespace.setdefault("tools", [])
    return form


@examples(1000)
@given(faithful_conversations())
def test_the_peer_writes_the_same_structured_contents(messages: list[Message]) -> None:
    """Law 7, token for token."""
    assert render(messages) == peer.render_json(peer_form(messages))


# What the properties above found, each as small as it became.

A, ALL, STRING = {"$ref": "#/$defs/A"}, {"$ref": "#"}, {"type": "string"}


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


UNREAD: list[Any] = [
    {"description": "Examples:"},
    {"description": "Examples:\nfoo"},
    {"type": "array", "items": {**A, "properties": {"x": True}}, "$defs": {"A": {"type": "object"}}},
    {**A, "type": "object", "$defs": {"A": {"type": "object"}}},
    {"allOf": [{"type": "string", "default": None}], "default": None},
    {"type": "array", "default": None, "items": {"type": "string", "readOnly": True}},
    {"type": ["array", "string"], "prefixItems": []},
    {"type": "object", "properties": {"definitions": A}, "$defs": {"A": {"properties": {"definitions": A}}}},
    {"properties": {"a": {"default": {"$ref": "#/x"}}, "b": A}, "$defs": {"A": {"type": "string"}}},
    # What refers to the whole stands in a definition with a name.
    {"allOf": [{**A, "nullable": False}], "$defs": {"A": {"anyOf": [STRING, {**A, "default": None}, ALL]}}},
    {"anyOf": [STRING, {**A, "properties": {}}, A], "$defs": {"A": ALL}},
    {**an_object(a=A, b=A), "$defs": {"A": an_object(x=ALL)}},
    {**A, "title": "t", "$defs": {"A": an_object(x=A, y=ALL)}},
    # What refers to a part that is no definition.
    an_object(a=STRING, b={"$ref": "#/properties/a"}),
    {**an_object(a=A, b={"$ref": "#/$defs/A/properties/x"}), "$defs": {"A": an_object(x=STRING)}},
    {**an_object(a=A, b={"$ref": "#/%24defs/A"}), "$defs": {"A": STRING}},
    {"properties": {"a": {"$ref": "#/properties/a/$defs/X", "$defs": {"X": A}}}, "$defs": {"A": STRING}},
    # What is counted as a reference is written as one.
    {
        **STRING,
        "x": {"$defs": {"B": A}},
        "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/C"}}, "C": STRING},
    },
    {**an_object(a=A, b={**STRING, "nullable": A}), "$defs": {"A": STRING}},
    # What stands beside a schema is not read as a part of it.
    {**A, "items": {}, "$defs": {"A": {"type": "array"}}},
    {**A, "items": STRING, "$defs": {"A": {"type": "array", "prefixItems": [STRING]}}},
    {**A, "required": ["a"], "$defs": {"A": an_object()}},
    {**A, "additionalProperties": True, "$defs": {"A": an_object()}},
    {"oneOf": [{"anyOf": [{"title": "t", "description": "d", "default": 1}]}]},
    {"oneOf": [{"anyOf": [{"description": "d"}]}, True]},
    an_object(a={"allOf": [{"oneOf": [True, {"default": 1}]}]}),
    # Listed strings are the same with a comment before them.
    {"oneOf": [{"enum": ["a"], "title": "t", "default": "a"}, {"enum": ["b"], "title": "t", "default": "b"}]},
    {"oneOf": [{"anyOf": [{"enum": ["1"], "title": "t"}], "default": 1}, True]},
    {"oneOf": [{"anyOf": [{"enum": ["1"], "title": "t"}], "default": "1"}, True]},
    # Nothing and anything, spelled in other ways.
    {"type": "array", "prefixItems": [True], "items": {"enum": []}},
    {**an_object(), "additionalProperties": {"enum": []}},
    {**an_object(), "additionalProperties": {"description": ""}},
]


@pytest.mark.parametrize("schema", UNREAD, ids=exactly)
def test_a_schema_that_was_not_read_back(schema: Any) -> None:
    assert Tool("f", None, read_back(schema)).text() == Tool("f", None, schema).text()


CHANGED: list[tuple[Any, Any]] = [
    ({"enum": [1, True]}, True),
    ({"enum": [0, False]}, False),
    ({"type": ["object", "null"], "properties": {"a": True}, "additionalProperties": False}, {"a": 1}),
    ({"type": "object", "properties": {"a": True}, "additionalProperties": False, "anyOf": [True, True]}, {"a": 1}),
    ({"type": "object", "properties": {}, "required": ["a"], "additionalProperties": False}, {"a": 1}),
    ({"type": "object", "required": ["a"], "additionalProperties": {"type": "string"}}, {"a": 1}),
    ({"type": "object", "properties": {"a": {"not": A}}, "$defs": {"A": {"type": "number"}}}, {"a": "x"}),
    ({"type": "object", "patternProperties": {"^x": A}, "$defs": {"A": {"type": "number"}}}, {"x": "y"}),
    ({**an_object(), "required": ["a"], "unevaluatedProperties": False}, {"a": 1}),
    ({"allOf": [{**an_object(), "required": ["a"]}], "unevaluatedProperties": False}, {"a": 1}),
    ({**an_object(), "additionalProperties": True, "unevaluatedProperties": False}, {"a": 1}),
    ({"type": "array", "prefixItems": [True], "items": {}, "unevaluatedItems": False}, [1, 2]),
    ({**an_object(), "required": ["a"], "patternProperties": {"^a": True}, "additionalProperties": False}, {"a": 1}),
    ({**an_object(), "required": ["a"], "patternProperties": {"^a": True}, "additionalProperties": STRING}, {"a": 1}),
    ({"allOf": [an_object(a=True)], "additionalProperties": False}, {"a": 1}),
    ({"allOf": [{**an_object(), "additionalProperties": STRING}], "patternProperties": {"^a": True}}, {"a": 1}),
    ({"allOf": [{"type": "array", "prefixItems": [True]}], "items": STRING}, [1]),
    ({"not": an_object(default=A), "$defs": {"A": STRING}}, {"default": 1}),
    ({"type": "array", "minItems": 1, "items": {"type": "array", "minItems": 2}}, [[]]),
    ({"type": "array", "maxItems": 1, "items": {"type": "string", "maxLength": 1}}, ["aa"]),
]


@pytest.mark.parametrize(("schema", "value"), CHANGED, ids=exactly)
def test_a_schema_that_accepted_other_values(schema: Any, value: Any) -> None:
    back = read_back(schema)
    assert Draft202012Validator(back).is_valid(value) == Draft202012Validator(schema).is_valid(value), exactly(back)


def test_what_stands_beside_a_reference_to_anything() -> None:
    back = read_back({"type": "object", "properties": {"a": {**A, "description": "d"}}, "$defs": {"A": True}})
    assert back["properties"]["a"] == {"description": "d"}


@pytest.mark.parametrize("kind", ["array", "object"])
def test_what_is_said_of_an_array_or_object_alone(kind: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": kind, "description": "d"}}}
    assert read_back(schema)["properties"]["a"]["description"] == "d"


@pytest.mark.parametrize("key", [1, 1.5, None, True])
@pytest.mark.parametrize("place", ["{}", "properties", "patternProperties", "items", "enum", "x"])
def test_a_key_that_is_no_text_is_refused_by_name(key: Any, place: str) -> None:
    """A dict of Python may have other keys than JSON; the tool is named, and no words of Python follow."""
    value = {key: {"type": "string"}}
    schema: Any = value if place == "{}" else {place: [value] if place == "enum" else value}
    content = DeveloperContent(tools=[Namespace("functions", None, [Tool("f", None, schema)])])
    with pytest.raises(RenderError) as caught:
        render_text([Message("developer", content)])
    assert "tool f: " in caught.value.message
    assert "key" in caught.value.message
