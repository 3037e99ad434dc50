"""Strategies for JSON Schemas, values near them, and structured contents; for those that the peer writes faithfully."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from harmony_spec.codec import ChannelConfig, DeveloperContent, Namespace, ResponseFormat, SystemContent, Tool
from harmony_spec.errors import RenderError

Schema = dict[str, Any] | bool
Drawn = st.SearchStrategy[Any]

LINE_BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")
SAFE = re.compile(r"[a-zA-Z]+(/[a-zA-Z0-9]+)?")
SCALARS = ["string", "number", "integer", "boolean", "null"]
FUNCTIONS = "functions"

# Lone surrogates are no text: they cannot be encoded, and are refused (tested by themselves).
characters = st.characters(exclude_categories=["Cs"])
PIECES = ['"', "'", "\\", "\n", "\r\n", "\r", "\u2028", "\u2029", "\t", "\x00", "\x85", " ", "  ", "?", "|", "a", "//"]
PIECES += ["// ", "/*", "*/", "} // namespace functions", "type g = () => any;", "namespace functions {\n\n", "{", "}"]
PIECES += [
    "@minimum 3",
    "@x",
    "Examples:",
    "- 1",
    "default: 3",
    " default: 3",
    "\n\n# Tools\n\n## a\n\n",
    "null",
    ") =>",
]
PIECES += ["<|start|>", "<|end|>", "<|", "é", "名前", "🏳️‍🌈", "# Response Formats", ") => any;", "any", "(_: {"]
hostile = st.lists(st.sampled_from(PIECES) | st.text(characters, max_size=4), max_size=4).map("".join)
texts = st.sampled_from(["", "a", "the place", "two\nlines"]) | hostile
NAMES = ["a", "b", "city", "a-b", "c d", "", "$ref", "$defs", "definitions", "type", "$", "é", "1", "any", "a/b~c", "_"]
property_names = st.sampled_from(NAMES) | hostile
DEFINITIONS = ["A", "Node", "string", "a-b", "a/b~c", "1", "é", "_", "f", "% x", "Arguments", "never"]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**70, 0.0, -0.0, 1.0, 0.5, 1e16, 1e-7, 1e300]),
    st.integers(-9, 9),
    texts,
)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(property_names, v, max_size=3))
small = st.integers(0, 4)

# What is said of a value and changes nothing about which values are accepted. Of an empty list of examples nothing is
# written, as of a description without text.
SAID: dict[str, Drawn] = {
    "title": texts,
    "description": texts,
    "default": values,
    "examples": st.lists(values, min_size=1, max_size=2),
    "deprecated": st.booleans(),
    "format": st.sampled_from(["date", "email"]),
    "x-anything": values,
    "x-é": texts,
}
# What restricts values and has no place in a type, by the types that it is about.
LIMITS: dict[str, dict[str, Drawn]] = {
    "string": {"pattern": st.sampled_from(["^a", '"', "//", "\\d+$"]), "minLength": small, "maxLength": small},
    "number": {"minimum": small, "exclusiveMaximum": small, "multipleOf": st.just(0.5)},
    "array": {"minItems": small, "maxItems": small, "uniqueItems": st.booleans()},
    "object": {"minProperties": small, "maxProperties": small, "additionalProperties": st.just(False)},
}
LIMITS["integer"] = LIMITS["number"]


class Kind:
    """What schemas are drawn: the definitions they refer to, and what they may hold.

    Attributes:
        refs: pointers that may stand where a value is reached through a property or an item.
        typed: every schema names its type, or is an enumeration, a combination or a reference.
    """

    def __init__(self, refs: list[str], typed: bool) -> None:
        self.refs, self.typed = refs, typed

    def kinds(self) -> list[str]:
        # An integer is written as `number`, and read back as that.
        return [k for k in SCALARS if not (self.typed and k == "integer")] + ["object", "object", "array"]


def draw_some(draw: st.DrawFn, into: dict[str, Any], among: dict[str, Drawn], most: int = 2) -> None:
    for keyword in draw(st.lists(st.sampled_from(sorted(among) or [""]), unique=True, max_size=most * bool(among))):
        into.setdefault(keyword, draw(among[keyword]))


@st.composite
def subschemas(draw: st.DrawFn, kind: Kind, depth: int, guarded: bool) -> Schema:
    """A schema without definitions. References stand only where they cannot refer to themselves at once."""
    ways = ["type"] * 4 + ["types", "enum", "const", "bool", "any"]
    ways += ["anyOf", "oneOf", "allOf", "beside"] * (depth > 0) + ["not", "if"] * (depth > 1)
    ways += ["$ref"] * 3 if kind.refs and (guarded or not kind.typed) else []
    way = draw(st.sampled_from(ways))
    inner = subschemas(kind, depth - 1, guarded)
    schema: dict[str, Any] = {}
    if way == "bool":
        return bool(draw(st.booleans()))
    if way in ("type", "beside", "if"):
        schema["type"] = draw(st.sampled_from(kind.kinds()))
    elif way == "types":
        schema["type"] = draw(st.lists(st.sampled_from(kind.kinds()), unique=True, min_size=1, max_size=3))
    elif way == "enum":
        schema["enum"] = draw(st.lists(draw(st.sampled_from([texts, scalars, values])), max_size=4))
        if kind.typed or draw(st.booleans()):
            schema["type"] = draw(st.sampled_from(["string", *kind.kinds()]))
    elif way == "const":
        schema["const"] = draw(values)
    elif way == "$ref":
        schema["$ref"] = draw(st.sampled_from(kind.refs))
    elif way == "not":
        schema["not"] = draw(inner)
    if way in ("anyOf", "oneOf", "allOf", "beside"):
        schema[way if way != "beside" else "anyOf"] = draw(st.lists(inner, min_size=kind.typed, max_size=3))
    if way == "if":
        schema |= {"if": draw(inner), draw(st.sampled_from(["then", "else"])): draw(inner)}
    if kind.typed and not schema:
        return True
    types = schema.get("type") or draw(st.sampled_from([[], ["object"], ["array"]]))
    for each in [types] if isinstance(types, str) else types:
        draw_some(draw, schema, LIMITS.get(each, {}))
        draw(holding(kind, depth - 1, schema, each))
    draw_some(draw, schema, SAID)
    if not kind.typed and draw(st.booleans()):
        schema |= {draw(st.sampled_from(["nullable", "readOnly"])): draw(st.booleans())}
    order = draw(st.permutations(sorted(schema)))
    return {keyword: schema[keyword] for keyword in order}


@st.composite
def holding(draw: st.DrawFn, kind: Kind, depth: int, schema: dict[str, Any], name: str) -> None:
    """Add what the values in an object or array are to a schema."""
    inner = subschemas(kind, depth, True) if depth > 0 else st.sampled_from([True, {"type": "string"}])
    if name == "object":
        schema["properties"] = draw(st.dictionaries(property_names, inner, max_size=3))
        names = st.sampled_from(sorted(schema["properties"])) if schema["properties"] else property_names
        schema["required"] = draw(st.lists(names | property_names, unique=True, max_size=2))
        more = {
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=2),
            "propertyNames": inner,
            "unevaluatedProperties": st.just(False),
            "dependentRequired": st.just({"a": ["b"]}),
        }
        draw_some(draw, schema, more)
    elif name == "array":
        more = {"prefixItems": st.lists(inner, max_size=2), "items": inner, "contains": inner}
        more["unevaluatedItems"] = st.just(False)
        draw_some(draw, schema, more)


def pointer(name: str) -> str:
    return "#/$defs/" + name.replace("~", "~0").replace("/", "~1").replace("%", "%25")


@st.composite
def schemas(draw: st.DrawFn, typed: bool = False, depth: int = 3) -> Schema:
    """A schema with the definitions that it refers to, which may refer to each other, to themselves and to all."""
    names = draw(st.lists(st.sampled_from(DEFINITIONS), unique=True, max_size=2))
    kind = Kind([*map(pointer, names), *(["#"] if draw(st.booleans()) else [])], typed)
    definitions = {name: draw(subschemas(kind, max(depth - 1, 1), False)) for name in names}
    root: Schema = draw(subschemas(kind, depth, False))
    if isinstance(root, bool):
        return root if not draw(st.booleans()) else {}
    if draw(st.integers(0, 3)) == 0:  # A part that is no definition is referred to.
        found = [
            *places(root, "#/properties/a"),
            *(p for name in names for p in places(definitions[name], pointer(name))),
        ]
        root = {"type": "object", "properties": {"a": root, "b": {"$ref": draw(st.sampled_from(found))}}}
    return {**root, "$defs": definitions} if definitions else root


def places(schema: Any, at: str) -> list[str]:
    """Pointers to a schema and to those in it, but not through names that no URI holds as they are."""
    if not isinstance(schema, dict):
        return [at]
    inner: dict[str, Any] = {f"properties/{name}": item for name, item in schema.get("properties", {}).items()}
    inner |= {name: schema[name] for name in ("not", "items", "additionalProperties") if name in schema}
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        inner |= {f"{name}/{i}": item for i, item in enumerate(schema.get(name, []))}
    return [at, *(p for name, item in inner.items() if SAFE.fullmatch(name) for p in places(item, f"{at}/{name}"))]


@st.composite
def near(draw: st.DrawFn, schema: Any, root: Any, depth: int = 4) -> Any:
    """A value that a schema accepts, or almost."""
    if not isinstance(schema, dict) or depth == 0 or draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from([None, True, 0, 1, 0.5, "a", "", [], {}, {"a": 1}, ["a"]]) | values)
    if isinstance(schema.get("$ref"), str):
        return draw(near(resolved(root, schema["$ref"]), root, depth - 1))
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return draw(st.sampled_from(schema["enum"]))
    for keyword in ("anyOf", "oneOf", "allOf"):
        if schema.get(keyword) and draw(st.integers(0, 2)):
            return draw(near(draw(st.sampled_from(schema[keyword])), root, depth - 1))
    kinds = schema.get("type", ["object", "array", "string"])
    kind = kinds if isinstance(kinds, str) else draw(st.sampled_from(kinds or ["null"]))
    if kind == "object":
        given = schema.get("properties", {})
        left_out = draw(st.sampled_from([None, None, *given]))
        made = {name: draw(near(given.get(name, True), root, depth - 1)) for name in [*given] if name != left_out}
        made |= {name: draw(near(True, root, 1)) for name in schema.get("required", []) if name not in made}
        if draw(st.integers(0, 2)) == 0:
            others = schema.get("additionalProperties", True)
            made[draw(st.sampled_from(["ab", "z"]))] = draw(near(others, root, depth - 1))
        return made
    if kind == "array":
        items = [draw(near(item, root, depth - 1)) for item in schema.get("prefixItems", [])]
        items = items[: draw(st.integers(0, 3))]
        return items + draw(st.lists(near(schema.get("items", True), root, depth - 1), max_size=2))
    choices: dict[str, Drawn] = {"string": texts, "boolean": st.booleans(), "null": st.none()}
    return draw(choices.get(kind, st.sampled_from([0, 1, 2, 3, 5, -1, 0.5, 1.0])))


def resolved(root: Any, reference: str) -> Any:
    for step in reference.replace("%25", "%").split("/")[1:]:
        root = root[int(step) if isinstance(root, list) else step.replace("~1", "/").replace("~0", "~")]
    return root


# Names that a header can hold, in texts that are names in every grammar.
names = st.sampled_from(["f", "get_weather", "a-b", "x.y", "any", "type", "Node", "A", "1"])
descriptions = st.none() | texts


def tools(parameters: Drawn) -> st.SearchStrategy[Tool]:
    return st.builds(Tool, names, descriptions, parameters)


def namespaces(parameters: Drawn) -> st.SearchStrategy[list[Namespace]]:
    # A namespace without tools holds plain lines, in which a paragraph that opens a section cannot stand.
    full = st.builds(
        Namespace,
        st.sampled_from([FUNCTIONS, "browser", "mcp.x"]),
        descriptions,
        st.lists(tools(parameters), min_size=1, max_size=2),
    )
    empty = st.builds(Namespace, st.just("python"), st.none() | st.sampled_from(["Runs code.", "a\n\n# b\n", "// x\n"]))
    return st.lists(full | empty.filter(writable), max_size=2)


def writable(record: Any) -> bool:
    """Whether a structure is read back: it says more than a free text, and no heading lacks functions."""
    headings, instructions = getattr(record, "tools", None), getattr(record, "instructions", None)
    if instructions is not None and headings and not any(item.tools for item in headings):
        return False
    if (instructions or "").endswith("\n\n"):  # the template's end of instructions, which is not a part of them
        return False
    try:
        return record.text() not in ("", getattr(record, "model_identity", None))
    except RenderError:
        return False


def developers(parameters: Drawn) -> st.SearchStrategy[DeveloperContent]:
    formats = st.lists(st.builds(ResponseFormat, names, values, descriptions), max_size=2)
    made = st.builds(DeveloperContent, st.none() | texts, namespaces(parameters), formats)
    return made.filter(writable)  # Nothing at all, or instructions that read as another section.


def systems(parameters: Drawn) -> st.SearchStrategy[SystemContent]:
    lines = st.none() | st.sampled_from(["2024-06", "2025-06-28", " ", "x // y"])
    listed = st.lists(st.sampled_from(["analysis", "commentary", "final", "x"]), min_size=1, max_size=3)
    config = st.builds(ChannelConfig, listed, st.booleans(), st.none() | st.booleans())
    identity = st.none() | st.just("You are x.") | texts
    effort = st.none() | st.sampled_from(["low", "medium", "high"])
    made = st.builds(SystemContent, identity, lines, lines, effort, namespaces(parameters), st.none() | config)
    return made.filter(writable)


def mutated(text: str) -> st.SearchStrategy[str]:
    """Texts that differ from one a little: a character or line less, twice, elsewhere, or another one."""

    def lines_or_characters(by_line: bool, first: int, second: int, how: str) -> str:
        parts = text.split("\n") if by_line else list(text)
        i, j = first % len(parts or [""]), second % len(parts or [""])
        if not parts:
            return how
        if how == "swap":
            parts[i], parts[j] = parts[j], parts[i]
        else:
            parts[i] = {"delete": "", "twice": parts[i] * 2}.get(how, how)
        return ("\n" if by_line else "").join(parts)

    hows = st.sampled_from(["delete", "twice", "swap", *PIECES])
    whole = st.integers(0, 5000)
    return st.builds(lines_or_characters, st.booleans(), whole, whole, hows)
