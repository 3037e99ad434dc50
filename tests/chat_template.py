"""The official chat templates of gpt-oss and other models, and chats with tools that it and the peer render.

The templates are files of the package `trl`, which is not imported: its dependencies are not needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

TODAY = "2026-01-31"
Schema = dict[str, Any]


MARKS = "\ue000", "\ue001"
"""Around the text that the template marks; no text of a test has them."""


class _Generation(Extension):
    """The block `generation` of training templates."""

    tags = {"generation"}  # noqa: RUF012 - as the base class declares it

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Any) -> str:
        return f"{MARKS[0]}{caller()}{MARKS[1]}"


@cache
def _template(name: str) -> Any:
    found = find_spec("trl")
    assert found is not None, "install trl without its dependencies (README.md)"
    assert found.origin is not None
    text = (Path(found.origin).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation])
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    environment.globals.update(raise_exception=_refuse, strftime_now=lambda _: TODAY)
    return environment.from_string(text)


def _refuse(reason: str) -> None:
    raise ValueError(reason)


def render_chat(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Schema] = (), template: str = "gptoss", **values: Any
) -> str:
    """The text that a template makes of a chat. Raises `ValueError` or `TypeError` for one that it refuses."""
    return str(_template(template).render(messages=messages, tools=list(tools), **values))


def render_marked(messages: Sequence[Mapping[str, Any]], tools: Sequence[Schema] = ()) -> list[tuple[str, bool]]:
    """The text of a chat to train on: runs, and whether the template marks them as what the assistant writes."""
    text = str(_template("gptoss_training").render(messages=messages, tools=list(tools)))
    unmarked, *marked = text.split(MARKS[0])
    found = [(unmarked, False)]
    for run in marked:
        inside, _, outside = run.partition(MARKS[1])
        found += [(inside, True), (outside, False)]
    return found


def function(name: str, parameters: Any, description: str = "Does it.") -> Schema:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


# Schemas as people write them, and as pydantic and other libraries make them.
words = st.sampled_from(["The place.", "An id, if known: optional,", "a {b} | c", "é 名前", 'say "x"', "// no"])
LINES = ["One line.\nthe other line", "One.\n\nMore, after a blank line.\n  - x: y", "\nText\n"]
described = words | st.sampled_from(LINES)
names = st.sampled_from(["a", "city", "max_results", "a-b", "x.y", "@id", "1st", "two words", "type", "é", "ids[]"])
SCALARS: list[Schema] = [{"type": name} for name in ("string", "integer", "number", "boolean")]
ENUM: Schema = {"type": "string", "enum": ["x", "y z", "a,b"]}
LOOSE: list[Schema] = [
    {"type": "object"},
    {"type": "object", "properties": {}},
    {"type": "object", "additionalProperties": {"type": "string"}},
    {"type": "array"},
    {"type": ["string", "null"]},
    {"type": ["integer", "null"]},
    {"type": ["array", "null"], "items": {"type": "string"}},
    {"type": ["object", "null"]},
    {"type": "string", "nullable": True},
    {"type": "integer", "nullable": True},
    {"type": "object", "nullable": True},
    {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
    {"type": ["string", "array"], "items": {"type": "string"}},
    {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
    {"type": "array", "items": {"type": ["string", "null"]}},
    {"type": "array", "items": {"type": "object"}},
    {"type": "object", "properties": {"kind": {"const": "x"}}, "required": ["kind"]},
    {"type": "string", "enum": ["x", "y"], "nullable": True},
    {"enum": [1, 2]},
    {"const": "x"},
    {},
]
DEFAULTS: Mapping[str, Sequence[Any]] = {
    "string": ["d", "", 'a "b", c', "x\ny", "é"],
    "integer": [1, -1, 0],
    "number": [0.5, 1e20, 1],
    "boolean": [True, False],
    "array": [[], ["x"]],
    "object": [{}, {"k": 1}],
}


@st.composite
def properties(draw: st.DrawFn, depth: int) -> Schema:
    """The schema of a property."""
    ways = ["array", "array", "oneOf", "anyOf", "object"] if depth else ["scalar"]
    way = draw(st.sampled_from(["scalar", "scalar", "scalar", "enum", "loose", *ways]))
    schema = dict(draw(st.sampled_from(SCALARS)))
    if way == "enum":
        schema = {**ENUM, "default": "x"} if draw(st.booleans()) else dict(ENUM)
    elif way == "loose":
        schema = dict(draw(st.sampled_from(LOOSE)))
    elif way == "array":
        schema = {"type": "array", "items": draw(properties(depth - 1))}
        if draw(st.booleans()):
            schema = {"type": "array", "items": schema}
    elif way in ("oneOf", "anyOf"):
        members = draw(st.lists(properties(depth - 1), min_size=1, max_size=3))
        last = [{"type": "array", "items": draw(properties(depth - 1))}] if draw(st.booleans()) else []
        schema = {way: members + last}
    elif way == "object":
        schema = draw(objects(depth - 1))
    if draw(st.booleans()):
        schema["description"] = draw(described if depth else words)
    if draw(st.integers(0, 2)) == 0 and isinstance(schema.get("type"), str) and "enum" not in schema:
        schema["default"] = draw(st.sampled_from(DEFAULTS[schema["type"]]))
    return schema


@st.composite
def objects(draw: st.DrawFn, depth: int) -> Schema:
    found = draw(st.dictionaries(names, properties(depth), max_size=4))
    return {"type": "object", "properties": found, "required": [name for name in found if draw(st.booleans())]}


VALUES: Schema = {"string": "s", "integer": 3, "number": 0.5, "boolean": True, "null": None}


def arguments_of(schema: Schema, pick: int) -> Any:
    """A value for a schema, with all properties: of alternatives and enumerated values the first (0) or last one (-1).

    Nothing is null, which the template leaves out of most types that allow it.
    """
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[pick]
    for keyword in schema.keys() & {"oneOf", "anyOf"}:
        return arguments_of(schema[keyword][pick], pick)
    kind = schema.get("type", "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [arguments_of(schema.get("items", {}), each) for each in {pick, -1}]
    if kind == "object":
        return {name: arguments_of(each, pick) for name, each in schema.get("properties", {}).items()}
    return VALUES[kind]


@st.composite
def tool_lists(draw: st.DrawFn) -> list[Schema]:
    """Functions as requests have them; sometimes one without parameters."""
    listed = draw(st.lists(st.sampled_from(["get_weather", "search", "f", "send-mail"]), unique=True, min_size=1))
    empty = st.sampled_from([None, {}, {"type": "object", "properties": {}}])
    return [function(name, draw(objects(2) | objects(2) | empty), draw(described)) for name in listed]


# Schemas that the template writes right: with all that restricts values, and in one way only.
NULLABLE: list[Schema] = [
    *({"type": [name, "null"]} for name in ("string", "integer", "number", "boolean", "array", "object")),
    {"type": "string", "nullable": True},
    {"type": "array", "items": {"type": "string"}, "nullable": True},
    {"type": "array"},
    {"type": "object"},
    {"type": "object", "properties": {}},
    {},
]
INNER = st.sampled_from([*SCALARS, ENUM, *NULLABLE])
one_line = st.sampled_from(["The place.", "An id, if known: optional,", "a {b} | c", "é 名前", 'say "x"', "@x {}"])
bare = st.sampled_from(["x", "a, b"])
ITEMS: list[Schema] = [
    *SCALARS,
    {"type": "array", "items": {"type": "string"}},
    {"type": "object"},
    {"type": "object", "properties": {"k": {"type": "integer"}}},
]


def with_default(draw: st.DrawFn, schema: Schema) -> Schema:
    if draw(st.booleans()):
        return schema
    values = schema["enum"] if "enum" in schema else DEFAULTS.get(str(schema.get("type")), [None])
    return schema | {"default": draw(st.sampled_from(values))}


@st.composite
def right_alternatives(draw: st.DrawFn) -> Schema:
    """Alternatives with descriptions and defaults, and perhaps an object."""
    listed = [with_default(draw, draw(st.sampled_from([*SCALARS, ENUM]))) for _ in range(draw(st.integers(1, 3)))]
    listed = [each | ({"description": draw(one_line)} if draw(st.booleans()) else {}) for each in listed]
    return {"oneOf": [*listed, draw(right_objects(1))] if draw(st.booleans()) else listed}


@st.composite
def right_objects(draw: st.DrawFn, depth: int) -> Schema:
    """An inner object: the template leaves out descriptions and defaults in it."""
    inner = INNER | st.sampled_from(ITEMS).map(lambda item: {"type": "array", "items": item})
    found = draw(st.dictionaries(names, inner | right_objects(depth - 1) if depth else inner, min_size=1, max_size=3))
    return {"type": "object", "properties": found, "required": [name for name in found if draw(st.booleans())]}


@st.composite
def right_properties(draw: st.DrawFn) -> Schema:
    inner = INNER | st.sampled_from(ITEMS).map(lambda item: {"type": "array", "items": item}) | right_objects(2)
    if draw(st.integers(0, 3)) == 0:
        schema = draw(right_alternatives()) | ({"default": draw(bare)} if draw(st.booleans()) else {})
    else:
        schema = with_default(draw, draw(inner))
    return schema | ({"description": draw(one_line | st.sampled_from(LINES))} if draw(st.booleans()) else {})


@st.composite
def right_tools(draw: st.DrawFn) -> list[Schema]:
    listed = draw(st.lists(st.sampled_from(["get_weather", "search", "send-mail"]), unique=True))
    tools = []
    for name in listed:
        found = draw(st.dictionaries(names, right_properties(), max_size=4))
        required = [each for each in found if draw(st.booleans())]
        parameters = {"type": "object", "properties": found, "required": required}
        tools.append(function(name, parameters, draw(described)))
    return tools


@st.composite
def chats(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns of a user and an assistant that calls functions. The template takes the first message as instructions."""
    found: list[dict[str, Any]] = []
    if draw(st.booleans()):
        found.append({"role": "system", "content": draw(st.sampled_from(["Be brief.", "# Style\n\nBe brief.\n\n- x"]))})
    for _ in range(draw(st.integers(1, 3))):
        found.append({"role": "user", "content": draw(words)})
        for _ in range(draw(st.integers(0, 2))):
            call = {"name": draw(st.sampled_from(["f", "search"])), "arguments": {"q": draw(words)}}
            found.append({"role": "assistant", "thinking": "Hm.", "tool_calls": [{"function": call}]})
            found.append({"role": "tool", "content": draw(st.sampled_from(["ok", {"n": 1}, None]))})
        found.append({"role": "assistant", "content": draw(words)})
    return found
