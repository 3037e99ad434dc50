"""The drop-in writes types of tools as `openai_harmony` does, if that loses no part of the schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony_spec import codec, compat
from harmony_spec.compat.peer_types import peer_type

from .both import MODULES, encoding
from .conftest import examples

# Texts that mean something in some place of a type, or break one.
LINES = ["", "a", "null", "default: 3", "a default: 3", '- "a"', "Examples:", "@minimum 3", "//", " x ", "é", "t\tu"]
TEXTS = [*LINES, 'say "x"', "b\\n", "two\nlines", "a\rb", "a\u2028b", "\ue000"]
NAMES = ["a", "b", "a-b", "c d", "", "$ref", "@id", " | x", ",", "1", "null", "\ue000"]
BROKEN_NAMES = ["a?", "a: string", "}", "// x", "a//b", '"a"', "x\ny"]
KINDS = ["string", "number", "integer", "boolean", "null", "object", "array"]
texts = st.sampled_from(TEXTS)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1e16, 1e-5, 1e-7, 0.1, 1.0, -0.0, 2**40]) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
beside: dict[str, st.SearchStrategy[Any]] = {
    "description": texts,
    "title": texts,
    "default": values,
    "examples": st.lists(texts | values, max_size=2),
    "nullable": st.booleans(),
    "minimum": st.just(0),
    "$schema": st.just("https://json-schema.org/draft/2020-12/schema"),
}


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> Any:
    """A schema of the parts that `openai_harmony` knows, and of some that it does not."""
    ways = ["scalar", "any", "list", "enum", "enum", "scalar", "boolean"]
    ways += ["object", "object", "object", "array", "oneOf", "oneOf"] * (depth > 0)
    way = draw(st.sampled_from(ways))
    inner = schemas(depth - 1)
    if way == "boolean":
        return draw(st.sampled_from([True, True, False]))
    schema: dict[str, Any] = {}
    if way == "object":
        names = st.sampled_from(NAMES * 3 + BROKEN_NAMES)
        schema = {"type": "object", "properties": draw(st.dictionaries(names, inner, max_size=3))}
        if draw(st.booleans()):
            schema["required"] = draw(st.lists(st.sampled_from([*schema["properties"], "z"]), max_size=2, unique=True))
        if draw(st.integers(0, 7)) == 0:
            schema["additionalProperties"] = draw(st.sampled_from([True, {}, False, {"type": "string"}]))
    elif way == "array":
        schema = {"type": "array"} | ({"items": draw(inner)} if draw(st.integers(0, 5)) else {})
    elif way == "oneOf":
        schema = {"oneOf": draw(st.lists(inner, max_size=3))}
    elif way == "list":
        schema = {"type": draw(st.lists(st.sampled_from(KINDS), max_size=3))}
    elif way == "enum":
        schema = {"type": "string", "enum": draw(st.lists(texts | st.none() | st.integers(0, 3), max_size=3))}
    elif way == "scalar":
        schema = {"type": draw(st.sampled_from(KINDS[:5]))}
    for keyword in draw(st.lists(st.sampled_from(sorted(beside)), unique=True, max_size=2)):
        schema[keyword] = draw(beside[keyword])
    order = draw(st.permutations(sorted(schema)))
    return {keyword: schema[keyword] for keyword in order}


parameters = schemas().filter(lambda schema: isinstance(schema, dict))


def written(module: Any, schema: dict[str, Any], instructions: str | None = None) -> str:
    """The developer message of a module with one function."""
    tool = module.ToolDescription.new("f", "", schema)
    developer = module.DeveloperContent(instructions=instructions).with_function_tools([tool])
    message = module.Message.from_role_and_content(module.Role.DEVELOPER, developer)
    return str(encoding(module).decode(encoding(module).render(message)))


def type_of(text: str) -> str:
    start, end = "type f = (_: ", ") => any;\n\n} // namespace functions<|end|>"
    return text[text.index(start) + len(start) : text.rindex(end)]


@examples(800)
@given(parameters)
def test_a_type_is_that_of_the_peer_or_of_the_codec(schema: dict[str, Any]) -> None:
    theirs, ours = written(MODULES[0], schema), written(compat, schema)
    text = peer_type(schema)
    if text is None:
        assert codec.Tool("f", None, schema).text() in ours
    else:
        assert ours == theirs
        assert type_of(ours) == text


def places(schema: Any) -> list[dict[str, Any]]:
    """A schema and all schemas in it, without booleans."""
    if not isinstance(schema, dict):
        return []
    inner = [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("oneOf", [])]
    return [schema, *(place for each in inner for place in places(each))]


def copied(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: copied(value) for key, value in schema.items()}
    return [copied(value) for value in schema] if isinstance(schema, list) else schema


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two schemas, of which one has another keyword, or one less, in one place."""
    schema = draw(parameters)
    other = copied(schema)
    place = draw(st.sampled_from(places(other)))
    keyword = draw(st.sampled_from([*place, *beside]))
    if keyword in place and draw(st.booleans()):
        del place[keyword]
    elif keyword in beside:
        place[keyword] = draw(beside[keyword])
    elif keyword == "properties":
        place["properties"] = {
            draw(st.sampled_from(NAMES + BROKEN_NAMES)): each for each in place["properties"].values()
        }
    else:
        place["type"] = draw(st.sampled_from(KINDS))
    return schema, other


@examples(800)
@given(neighbours())
@example(({"type": "string"}, {"type": "string", "default": ""}))
@example(({"type": "string"}, {"type": "string", "minimum": 0}))
def test_one_text_of_the_peer_is_one_schema(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """If it loses nothing: the codec, which loses nothing, writes both in the same way."""
    first, second = map(peer_type, pair)
    if first is not None and first == second:
        one, other = (codec.Tool("f", None, schema).text() for schema in pair)
        assert one == other


plain_lines = st.sampled_from([line for line in LINES if "default: " not in line])


@st.composite
def faithful(draw: st.DrawFn, depth: int = 3) -> dict[str, Any]:
    """An object with properties of all kinds that `openai_harmony` writes without loss."""
    inner = faithful(depth - 1) if depth else st.just({"type": "object"})
    scalars = st.sampled_from(KINDS[:4]).map(lambda kind: {"type": kind})
    listed = st.lists(st.sampled_from(["a", "//", "null", " | ", "é"]), min_size=1, max_size=3).map(
        lambda given: {"type": "string", "enum": given}
    )
    types = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3).map(lambda kinds: {"type": kinds})
    arrays = (scalars | inner).map(lambda items: {"type": "array", "items": items})
    options = st.lists(scalars | inner | arrays, min_size=1, max_size=3).map(lambda each: {"oneOf": each})
    properties = {
        name: schema | ({"description": draw(plain_lines)} if draw(st.booleans()) else {})
        for name, schema in draw(
            st.dictionaries(st.sampled_from(NAMES), scalars | inner | listed | types | arrays, max_size=3)
        ).items()
    }
    if draw(st.booleans()):
        properties["choice"] = draw(options) | {"title": draw(plain_lines)}
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    return {"type": "object", "properties": properties, "required": required}


@examples(400)
@given(faithful())
def test_a_faithful_schema_is_written_as_the_peer_writes_it(schema: dict[str, Any]) -> None:
    assert written(compat, schema) == written(MODULES[0], schema)


@pytest.mark.parametrize("mark", ["\ue000", '"\ue000"', '(_: "\ue000") => any;', '"\ue000\ue000" "\ue000"'])
def test_a_text_that_is_used_to_write_types_is_text(mark: str) -> None:
    """In instructions, and in the types of other tools."""
    properties: dict[str, Any] = {"a": {"type": "object", "description": mark}}
    schema = {"type": "object", "properties": properties}
    assert written(compat, schema, mark) == written(MODULES[0], schema, mark)
    properties["b"] = {"const": mark}
    assert str(codec.Tool("f", None, schema).text()) in written(compat, schema, mark)


@pytest.mark.parametrize("depth", [24, 55])
def test_types_may_be_nested(depth: int) -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    assert written(compat, schema) == written(MODULES[0], schema)


@pytest.mark.parametrize("depth", [25, 200, 2000])
def test_types_of_the_codec_have_a_limit(depth: int) -> None:
    schema: dict[str, Any] = {"type": "null"}  # lost, so that the codec writes the type
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(compat.HarmonyError):
        written(compat, schema)


@pytest.mark.parametrize("break_", ["\r", "\u2028", "\u2029"])
def test_a_line_break_ends_no_comment(break_: str) -> None:
    """In a description of a tool or of a namespace; `openai_harmony` knows two line breaks only."""
    seen = []
    for module in MODULES:
        tool = module.ToolDescription.new("f", f"a{break_}b")
        developer = module.DeveloperContent.new().with_function_tools([tool])
        message = module.Message.from_role_and_content(module.Role.DEVELOPER, developer)
        seen.append(encoding(module).decode(encoding(module).render(message)))
    assert f"// a{break_}b\n" in seen[0]
    assert "// a\n// b\n" in seen[1]
