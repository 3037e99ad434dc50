"""Tools: what is made of functions, of OpenAI's definitions and of text says the same, and what is none says where.

Every error is a `ToolError` with the JSON pointer, or the span, of what is wrong, and the rule that it breaks. What is
marked as a failure to come is a bug that is known.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import typing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, Required, TypedDict, Union

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import DeveloperContent, Namespace, ResponseFormat, SystemContent, Tool, ToolError
from harmony_spec.cli import main
from harmony_spec.tools.openai_tools import FORMS, tools_from_json, tools_from_text, tools_to_json, tools_to_text
from harmony_spec.tools.python_functions import tool_from_function

from .conftest import examples


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


class Place(TypedDict):
    city: str
    zip: int


class Extended(TypedDict):
    city: str
    zip: NotRequired[int]


class Tree(TypedDict):
    children: list[Tree]


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = dataclasses.field(default_factory=list)


class Base(TypedDict):
    needed: int


class Partly(Base, total=False):
    free: str


class Free(TypedDict, total=False):
    noted: Annotated[Required[int], "A note."]
    free: int


class Inherited(Free):
    needed: str


@dataclasses.dataclass
class Initial:
    x: int
    y: dataclasses.InitVar[int]


class Pair(NamedTuple):
    x: int
    y: str = ""


class Outer:
    @dataclasses.dataclass
    class Node:
        value: str
        next: Outer.Node | None = None


@dataclasses.dataclass
class Node:
    value: int
    next: Node | None = None


def annotated(annotation: Any) -> Callable[..., None]:
    def function(x: Any) -> None:
        pass

    function.__annotations__ = {"x": annotation}
    return function


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    made = tool_from_function(function, name="f").parameters
    assert isinstance(made, dict)
    jsonschema.Draft202012Validator.check_schema(made)
    return made


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
INTEGERS, STRINGS = {"type": "array", "items": INTEGER}, {"type": "array", "items": STRING}
PLACE = {"type": "object", "properties": {"city": STRING, "zip": INTEGER}, "required": ["city", "zip"]}
POINT = {"type": "object", "properties": {"x": NUMBER, "y": NUMBER, "tags": STRINGS}, "required": ["x"]}


@pytest.mark.parametrize(
    ("annotation", "schema", "fits", "unfit"),
    [
        (str, STRING, "a", 1), (int, INTEGER, 1, "a"), (float, NUMBER, 1.5, "a"), (bool, {"type": "boolean"}, True, 1),
        (None, {"type": "null"}, None, 1), (dict, {"type": "object"}, {"a": 1}, []), (list, {"type": "array"}, [1], {}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, "a", "c"),
        (Literal["a", 1, None], {"enum": ["a", 1, None]}, None, 2),
        (Literal[True], {"type": "boolean", "enum": [True]}, True, False),
        (Unit, {"type": "string", "enum": ["celsius", "fahrenheit"]}, "celsius", "C"),
        (enum.IntEnum("Level", ["A", "B"]), {"type": "integer", "enum": [1, 2]}, 2, 3),
        (Optional[int], {"type": ["integer", "null"]}, None, "a"),  # noqa: UP045
        (Union[int, str, None], {"type": ["integer", "string", "null"]}, "a", []),  # noqa: UP007
        (list[int] | None, {"anyOf": [INTEGERS, {"type": "null"}]}, [1], ["a"]), (Sequence[int], INTEGERS, [1], [None]),
        (list[list[str]], {"type": "array", "items": STRINGS}, [["a"]], ["a"]), (tuple[int, ...], INTEGERS, [1], ["a"]),
        (set[int], INTEGERS | {"uniqueItems": True}, [1, 2], [1, 1]),
        (frozenset[str], STRINGS | {"uniqueItems": True}, ["a"], ["a", "a"]),
        (dict[str, int], {"type": "object", "additionalProperties": INTEGER}, {"a": 1}, {"a": "b"}),
        (Mapping[str, Any], {"type": "object", "additionalProperties": {}}, {"a": None}, []),
        (Annotated[int, "how many"], {"description": "how many", **INTEGER}, 1, "a"),
        (Annotated[int, object()], INTEGER, 1, "a"), (Place, PLACE, {"city": "x", "zip": 1}, {"city": "x"}),
        (list[Place], {"type": "array", "items": PLACE}, [{"city": "x", "zip": 1}], [{}]),
        (Point, POINT, {"x": 1.0}, {"y": 1.0}), (dict[str, list[Point | None]], None, {"a": [None]}, {"a": [{}]}),
        (tuple[int, str], None, [1, "a"], [1, "a", 2]), pytest.param(tuple[int, str], None, [1, "a"], [1]),
        pytest.param(tuple[()], None, [], [1]),

        pytest.param(Extended, PLACE | {"required": ["city"]}, {"city": "x"}, 1),
        pytest.param(tuple, {"type": "array"}, [1], {}), pytest.param(Mapping, {"type": "object"}, {}, []),
        pytest.param(Partly, None, {"needed": 1}, {"free": "x"}), pytest.param(Free, None, {"noted": 1}, {"free": 1}),
        pytest.param(Inherited, None, {"needed": "x", "noted": 1}, {"needed": "x"}),
        pytest.param(Initial, None, {"x": 1, "y": 2}, {"x": 1}), pytest.param(Pair, None, [1], ["x", "y"]),
        pytest.param(typing.Tuple, {"type": "array"}, [1, "x"], {}),  # noqa: UP006
        pytest.param(Counter[str], None, {"a": 1}, {"a": "x"}),
        pytest.param(Tree, None, {"children": []}, {"children": [1]}),
    ],
)  # fmt: skip
def test_annotations_are_schemas(annotation: Any, schema: Any, fits: Any, unfit: Any) -> None:
    """The schema is one, the arguments of a call are checked by it, and the tool can be written and read."""
    made = parameters(annotated(annotation))
    assert schema is None or made["properties"]["x"] == schema
    validator = jsonschema.Draft202012Validator(made)
    assert validator.is_valid({"x": fits})
    assert not validator.is_valid({"x": unfit})
    assert not validator.is_valid({})
    namespace = Namespace("functions", tools=[tool_from_function(annotated(annotation), name="f")])
    assert tools_to_text(tools_from_text(tools_to_text([namespace]))) == tools_to_text([namespace])


def test_two_classes_of_one_name_are_refused() -> None:
    with pytest.raises(ToolError, match="two classes are named Node"):
        tool_from_function(annotated(tuple[Node, Outer.Node]))


# the last is accepted, and cannot be written
@pytest.mark.parametrize("annotation", [Path, list[Path], bytes, complex, Callable[[int], int], Literal[b"x"]])
def test_what_has_no_schema_says_which_parameter(annotation: Any) -> None:
    with pytest.raises(ToolError) as caught:
        tool_from_function(annotated(annotation))
    assert (caught.value.pointer, caught.value.code.code) == ("/parameters/properties/x", "H302")
    assert "/parameters/properties/x" in str(caught.value)


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (1, 1), ("x", "x"), (None, None), ((1, "a"), [1, "a"]), ({"a": [1]}, {"a": [1]}), (object(), ...),
        ({1: 2}, ...), ({1, 2}, ...), (b"x", ...), pytest.param(Unit.C, "celsius"),
        pytest.param(float("nan"), ...), pytest.param(float("inf"), ...),
    ],
)  # fmt: skip
def test_defaults_are_kept_where_json_has_them(default: object, shown: object) -> None:
    made = parameters(lambda x=default: None)
    assert "required" not in made
    assert made["properties"]["x"].get("default", ...) == shown
    assert Tool("f", None, made).text()


GOOGLE = "Args:\n    a: The a.\n        Its second line.\n    b (str): The b.\n\nReturns:\n    Nothing."
NUMPY = "Parameters\n----------\na : int\n    The a.\n    Its second line.\nb : str, optional\n    The b."
REST = ":param a: The a.\n    Its second line.\n:param b: The b.\n:returns: Nothing."


@pytest.mark.parametrize("style", [GOOGLE, NUMPY, REST])
def test_docstrings_describe(style: str) -> None:
    def function(a: int, b: Annotated[str, "Not this."] = "x", *, c: bool = False, **more: int) -> None:
        pass

    function.__doc__ = f"Do it.\n\nAt length.\n\n{style}\n"
    assert tool_from_function(function).description == "Do it.\n\nAt length."
    properties = parameters(function)["properties"]
    assert list(properties) == ["a", "b", "c"]
    assert properties["a"]["description"].split("\n") == ["The a.", "Its second line."]
    assert properties["c"] == {"type": "boolean", "default": False}
    assert parameters(function)["required"] == ["a"]


class Box:
    def method(self, a: int) -> None:
        """Doc."""

    __call__ = method


async def plain(a: int, b: int = 1) -> None:
    """Doc."""


@pytest.mark.parametrize(
    "function",
    [
        Box().method, staticmethod(plain), plain, functools.lru_cache(plain),
        functools.wraps(plain)(lambda *a, **k: None),
        pytest.param(Box()), pytest.param(functools.partial(plain, b=2)),
    ],
)  # fmt: skip
def test_any_callable_with_a_signature(function: Callable[..., Any]) -> None:
    made = tool_from_function(function, name="f")
    assert (made.name, made.description) == ("f", "Doc.")
    assert isinstance(made.parameters, dict)
    assert made.parameters["properties"]["a"] == INTEGER
    assert made.parameters["required"] == ["a"]


@pytest.mark.parametrize("function", [lambda *x: None, lambda x, /: None])
def test_what_calls_cannot_name_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ToolError, match="x' takes arguments by position") as caught:
        tool_from_function(function, name="f")
    assert caught.value.pointer == "/parameters/properties/x"


@pytest.mark.parametrize("name", [None, "a b", "", "<|end|>"])
def test_a_name_that_no_call_can_have_is_refused(name: str | None) -> None:
    """That of a lambda, too: `tools_from_json` refused what this function returned."""
    with pytest.raises(ToolError) as caught:
        tool_from_function(lambda x: x, name=name)
    assert (caught.value.pointer, caught.value.hint) == ("/name", "Pass another name.")


@pytest.mark.parametrize(
    "annotation", ["Nowhere", pytest.param("int ||"), pytest.param("json.Nowhere"), pytest.param("int[str]")]
)
def test_an_annotation_that_means_nothing_is_a_tool_error(annotation: str) -> None:
    with pytest.raises(ToolError):
        tool_from_function(annotated(annotation))


F: dict[str, Any] = {"name": "f"}
NAME_RULE = "pattern '^[A-Za-z0-9_$.:/@+-]+$(?!\\n)'"
NESTED = json.loads('{"items":' * 200 + "{}" + "}" * 200)


def of(schema: object) -> dict[str, Any]:
    return {"name": "f", "parameters": schema}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (F, ["functions.f"]), ({"type": "function", "function": F}, ["functions.f"]),
        ({"type": "function", "name": "f", "strict": True}, ["functions.f"]),
        ([F, {"function": {"name": "g"}}, {"name": "n", "tools": [F]}], ["functions.f", "functions.g", "n.f"]),
        ({"tools": [F]}, ["functions.f"]), ({"tools": {"n": {"name": "n", "tools": [F]}}}, ["n.f"]),
        ([{"name": "n", "tools": [{"type": "function", "function": F}]}], ["n.f"]),
        ({"name": "n", "tools": [{"name": "g"}, F]}, ["n.g", "n.f"]), ([], []), ({"tools": []}, []),
    ],
)  # fmt: skip
def test_definitions_in_any_form(value: object, names: list[str]) -> None:
    assert [f"{made.name}.{tool.name}" for made in tools_from_json(value) for tool in made.tools] == names


@pytest.mark.parametrize("key", ["parameters", "input_schema", "inputSchema"])
def test_parameters_have_other_names_elsewhere(key: str) -> None:
    """In Messages of Anthropic, and in the Model Context Protocol: arguments must not vanish."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    [namespace] = tools_from_json({"name": "f", key: schema})
    assert namespace.tools == [Tool("f", parameters=schema)]


def test_a_name_in_a_schema_is_followed() -> None:
    """`$anchor` names a part of a schema; before, its definition was lost, and the tool was invalid."""
    schema = {"properties": {"a": {"$ref": "#x"}}, "$defs": {"A": {"$anchor": "x", "type": "string"}}}
    [namespace] = tools_from_text(tools_to_text(tools_from_json(of({"type": "object", **schema}))))
    assert namespace.tools[0].parameters["properties"]["a"]["type"] == "string"


@pytest.mark.parametrize(
    ("value", "pointer", "rule"),
    [
        (None, "", ""), (3, "", ""), ([1], "/0", ""), ({}, "", "required ['name']"), ({"tools": 3}, "/tools", ""),
        ({"tools": [None]}, "/tools/0", ""), ({"tools": {"f": []}}, "/tools/f", ""),
        ({"type": "web_search"}, "/type", ""), ({"type": "function"}, "", "required ['name']"),
        ({"type": "function", "function": {}}, "/function", "required ['name']"),
        ({"name": 5}, "/name", "type 'string'"), ([F, {"name": "a b"}], "/1/name", NAME_RULE),
        ({"name": "<|start|>"}, "/name", NAME_RULE), ({"name": "f\n"}, "/name", NAME_RULE),
        ({"name": "f", "description": 5}, "/description", "type ['string', 'null']"),
        (of([]), "/parameters", "type ['object', 'boolean']"),
        (of({"properties": []}), "/parameters/properties", "type 'object'"),
        (of({"properties": {"a/b~c": 1}}), "/parameters/properties/a~1b~0c", "type ['object', 'boolean']"),
        ({"function": of({"required": "a"})}, "/function/parameters/required", "type 'array'"),
        ([of({"properties": {"a": {"$ref": "#/x"}}})], "/0/parameters/properties/a/$ref", "$ref"),
        ([of({"properties": {"a": {"$ref": "#x"}}})], "/0/parameters/properties/a/$ref", "$ref"),
        ([F, F], "/1/name", ""),
        ({"name": "n", "tools": [3]}, "/tools/0", ""), ({"name": "n", "tools": {}}, "/tools", ""),
        ({"name": "n m", "tools": []}, "/name", NAME_RULE),
        ([{"name": "n", "tools": [F]}, {"name": "n", "tools": [F]}], "/1/name", ""),
        ([F, {"name": "functions", "tools": []}], "/1/name", ""), ([of(NESTED)], "/0", ""),
        pytest.param({"type": "function", "function": "f"}, "/function", "type"),
        pytest.param({"type": None, "name": "f"}, "/type", ""),
        pytest.param({"tools": {"a/b": 5}}, "/tools/a~1b", ""),
        pytest.param({"name": "n", "tools": [F, F, {"name": "g"}]}, "/tools/1/name", ""),
        pytest.param({"name": "n", "tools": [F, F]}, "/tools/1/name", ""),
        pytest.param([{"name": "n", "description": "d", "tools": []}, {"name": "n", "tools": [F]}], "/1/name", ""),
        pytest.param({"name": "n", "tools": [{"name": "m", "tools": [F]}]}, "/tools/0", ""),
        pytest.param(of({"default": float("nan")}), "", ""),
        pytest.param({"name": "f", "description": "\ud800"}, "", ""),
        pytest.param({"name": "n", "description": "a\n\n# b", "tools": []}, "", ""),
    ],
)  # fmt: skip
def test_what_is_no_definition_says_where_and_why(value: object, pointer: str, rule: str) -> None:
    with pytest.raises(ToolError) as caught:
        tools_from_json(value)
    error = caught.value
    assert (error.pointer, error.code.code) == (pointer, "H302")
    assert error.rule
    assert (f" at {pointer}:" in str(error)) == bool(pointer)
    assert rule in str(error)


BOTH = {"type": "object", "properties": {"a": NUMBER, "b": {**NUMBER, "default": 1}}, "required": ["a"]}
DEFINED = tools_from_json([
    {"name": "f", "description": "Do.\nIt.", "parameters": BOTH},
    {"name": "g", "parameters": {"type": "object", "properties": {"p": POINT}}},
    {"name": "n", "description": "Many.", "tools": [{"name": "h", "parameters": {"type": "object", "properties": {}}}]},
    {"name": "python", "description": "Runs it.\n\nSlowly.", "tools": []},
])  # fmt: skip
TEXT = tools_to_text(DEFINED)


def test_json_survives() -> None:
    assert tools_from_json(json.loads(json.dumps(tools_to_json(DEFINED)))) == DEFINED
    for form in FORMS[1:]:
        value = json.loads(json.dumps(tools_to_json(DEFINED, form)))
        assert tools_from_json(value)[0].tools[:2] == DEFINED[0].tools
        assert tools_to_json(tools_from_json(value), form) == value
        assert [(tool.get("function") or tool)["name"] for tool in value] == ["f", "g", "n.h"]
    with pytest.raises(ValueError, match="unknown form 'xml'"):
        tools_to_json(DEFINED, "xml")


@pytest.mark.parametrize(
    "text",
    [
        TEXT, TEXT + "\n\n", DeveloperContent(tools=DEFINED).text(),
        DeveloperContent("# Hi", tools=DEFINED, response_formats=[ResponseFormat("r", {})]).text(),
        SystemContent(tools=DEFINED).text(),
        pytest.param(TEXT.removeprefix("# Tools\n\n")),
    ],
)  # fmt: skip
def test_text_in_any_frame(text: str) -> None:
    assert tools_to_json(tools_from_text(text)) == tools_to_json(DEFINED)


@pytest.mark.parametrize("namespace", [*DEFINED, pytest.param(Namespace("n"))])
def test_one_namespace_needs_no_heading(namespace: Namespace) -> None:
    text = tools_to_text([namespace])
    assert tools_to_json(tools_from_text(text)) == tools_to_json([namespace])
    assert tools_from_text(text.removeprefix("# Tools\n\n")) == [namespace]


@given(st.integers(0, TEXT.count("\n")), st.integers(0, 5), st.data())
def test_a_damaged_line_is_an_error_or_says_something_else(number: int, damage: int, data: st.DataObject) -> None:
    """Never an exception of another kind; what is read writes the text again; the span is in the text."""
    lines = TEXT.split("\n")
    line, at = lines[number], data.draw(st.integers(0, len(lines[number])))
    put = data.draw(st.sampled_from(["}", "|", '"', "// ", "\r", "[]", "{", "x", "<|end|>", "\u2028", "type "]))
    changed = [[], [line, line], [" " + line], [line + " "], [line[:at]], [line[:at] + put + line[at:]]]
    text = "\n".join([*lines[:number], *changed[damage], *lines[number + 1 :]])
    try:
        assert tools_to_text(tools_from_text(text)) == text.rstrip("\n")
    except ToolError as error:
        assert error.pointer or (error.span and 0 <= error.span.start < error.span.end <= len(text) + 1)


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("} // namespace n", "} // namespace m", len("} // namespace ")),
        ("namespace n {", "namespace m {", len("namespace ")), ("a: number,", "a: number;", len("a: number")),
        (") => any;", ") => any", 0), ("b?: number, // default: 1", "b?: number,  // default: 1", len("b?: number,")),
        pytest.param("a: number,", "a: numbr,", len("a: ")),
    ],
)  # fmt: skip
def test_the_span_is_where_the_damage_is(old: str, new: str, at: int) -> None:
    text = TEXT.replace(old, new, 1)
    with pytest.raises(ToolError) as caught:
        tools_from_text(text)
    assert caught.value.span is not None
    assert caught.value.span.start == text.index(new) + at


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["tools", *arguments], input=given)


def test_the_command_goes_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(tools_to_json(DEFINED)))
    written = run(str(path))
    assert (written.exit_code, written.stdout) == (0, TEXT + "\n")
    for form in FORMS:
        read = run("--as", form, "-", given=written.stdout)
        assert (read.exit_code, json.loads(read.stdout)) == (0, tools_to_json(DEFINED, form))
        for other in FORMS:
            again = run("--as", other, "-", given=read.stdout)
            assert (again.exit_code, json.loads(again.stdout)) == (
                0,
                tools_to_json(tools_from_json(json.loads(read.stdout)), other),
            )
    assert run("--as", "xml", str(path)).exit_code == 2
    assert run(str(tmp_path)).exit_code == run(str(tmp_path / "none")).exit_code == 2


def test_the_command_says_where_a_definition_is_wrong() -> None:
    result = run("-", given=json.dumps([F, of({"properties": {"a b": {"type": "strin"}}})]))
    assert result.exit_code == 1
    first, rule, *_ = result.stderr.splitlines()
    assert first.startswith("- at /1/parameters/properties/a b/type: H302 invalid-tool: 'strin' is not one of")
    assert rule.startswith("  = rule: enum ['array', ")


DEEP = json.dumps([of({"properties": {"a": {"default": "*"}}})]).replace('"*"', "[" * 900 + "]" * 900)
CYCLE = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}


@pytest.mark.parametrize(
    ("junk", "status"),
    [
        ("", 1), (b"\xff\x00", 2), ("[1,2]", 1), ('{"tools": 3}', 1), ("[" * 100_000, 2), ("[" * 900 + "]" * 900, 1),
        ('{"name": "f"', 2), ('{"name": "f"}{}', 2), ("null", 1), ("{}", 1), ("[]", 0), (json.dumps(F), 0), (DEEP, 0),
        (json.dumps(of(NESTED)), 1), (json.dumps(of({"$ref": "#"})), 0), (json.dumps(of(CYCLE)), 0),
        (json.dumps(of({"default": float("nan")})), 1),
        (json.dumps(of({"$ref": "https://a.invalid/b"})), 0),
        ('{"name": "f", "description": "\\ud800"}', 1), ("\ufeff" + json.dumps(F), 0),
        pytest.param(json.dumps(of({"default": "\ud800"})), 1),
        pytest.param(json.dumps(of({"description": "\ud800"})), 1),
        pytest.param('{"name": "f", "parameters": {"default": ' + "9" * 5000 + "}}", 2),
    ],
)  # fmt: skip
def test_no_junk_is_a_traceback(junk: str | bytes, status: int) -> None:
    result = run("-", given=junk)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == status
    assert bool(result.stderr) == (status > 0)


@examples(100)
@given(st.text(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["function", "f", "object"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "type", "tools", "function", "parameters", "description", "properties", "$ref"]),
        inner, max_size=4), max_leaves=12).map(json.dumps))  # fmt: skip
def test_nothing_is_a_traceback(text: str) -> None:
    result = run("-", given=text.encode(errors="surrogatepass"))
    assert result.exit_code in (0, 1, 2), result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
