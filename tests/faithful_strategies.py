"""Strategies for tools and conversations that the peer writes faithfully.

Each comment says what is left out, and what the peer makes of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from harmony_spec import Message
from harmony_spec.codec import ChannelConfig, DeveloperContent, Namespace, SystemContent, Tool

from .schema_strategies import FUNCTIONS, Drawn, Schema, texts, writable
from .strategies import awkward

MODEL_IDENTITY = "You are ChatGPT, a large language model trained by OpenAI."

# One line, not empty: later lines of a parameter's description are no comments, and an empty one is an empty comment.
# No line breaks but "\n" are known to the peer. A description that reads as a remark of ours is written otherwise.
LINES = ["The place", "a // b", 'a "b" c', "<|end|>", "} // namespace functions", "é 名前 🏳️‍🌈", "*/", "x: y, z?"]
letters = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
lines = st.sampled_from([*LINES, " a ", "\\n"]) | letters.filter(
    lambda text: not text.startswith(("@", "Examples:", "default:"))
)
paragraphs = st.lists(lines | st.just(""), min_size=1, max_size=3).map("\n".join)
# Quotes, backslashes and control characters are not escaped in enumerated strings, defaults and examples; "null" in an
# enumerated string hides `nullable`.
safe = st.text(st.characters(categories=["L", "N"], include_characters=" -/.:,{}|"), max_size=8).filter(
    lambda text: "null" not in text
)
# Rust writes other floats in another way (1e16 for 1e+16), and integers beyond 64 bits as floats.
numbers = st.integers(-(2**63), 2**64 - 1) | st.sampled_from([0.5, -1.25, 1.0, 0.0])
defaults = st.recursive(
    st.none() | st.booleans() | numbers | safe,
    lambda v: st.lists(v, max_size=2) | st.dictionaries(texts, v, max_size=2),
)
identifiers = st.from_regex(r"[A-Za-z_$][A-Za-z0-9_$]{0,6}", fullmatch=True) | st.sampled_from(["é", "名前", "type"])


@cache  # to build and check a strategy takes as long as to draw from it
@st.composite
def faithful_types(draw: st.DrawFn, depth: int, inside: str = "property") -> Schema:
    """The types of values.

    Left out: the type `null` by itself, enumerated values that are not strings, `const`, `anyOf`, `allOf`, `$ref`,
    untyped enumerations and `false`, all `any` there; keywords that a type cannot express, not written there; names
    that are no identifiers, not quoted there; required names that are no properties, not written there.
    """
    ways = ["string", "number", "integer", "boolean", "any", "array"] + ["object", "array of"] * (depth > 0)
    if inside != "items":  # No parentheses there around `string | null` and `"x" | "y"` in arrays.
        ways += ["enum", "types"]
    way = draw(st.sampled_from(ways))
    if way == "enum":
        return {"type": "string", "enum": draw(st.lists(safe, unique=True, min_size=1, max_size=3))}
    if way == "types":  # Objects and arrays are `object` and `array` there; `number | number` is written once here.
        kinds = st.lists(st.sampled_from(["string", "number", "boolean", "null"]), unique=True, min_size=1)
        return {"type": [k if k != "number" else draw(st.sampled_from(["number", "integer"])) for k in draw(kinds)]}
    if way == "any":
        return True if draw(st.booleans()) else {}
    if way == "array of":
        return {"type": "array", "items": draw(faithful_types(depth - 1, "items"))}
    if way == "object":
        made: Schema = draw(faithful_objects(depth - 1, inside))
        return made
    return {"type": way}


@cache
@st.composite
def faithful_objects(draw: st.DrawFn, depth: int, inside: str) -> Schema:
    """Objects with properties; those without are `{`, a line break, `}` there, and their other properties are lost."""
    members = st.dictionaries(identifiers, faithful_members(depth), min_size=1, max_size=4)
    schema: dict[str, Any] = {"type": "object", "properties": draw(members)}
    if draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from(sorted(schema["properties"])), unique=True))
    # The description of a property's or alternative's object is written twice there.
    if inside in ("items", "root") and draw(st.booleans()):
        schema["description"] = draw(lines)
    if draw(st.integers(0, 4)) == 0:
        schema["additionalProperties"] = True
    return schema


def commented(draw: st.DrawFn, schema: dict[str, Any], keywords: dict[str, Drawn]) -> None:
    for keyword, drawn in keywords.items():
        if draw(st.integers(0, 3)) == 0:
            schema[keyword] = draw(drawn)


@cache
@st.composite
def faithful_members(draw: st.DrawFn, depth: int) -> Schema:
    """Properties with comments and defaults. Examples that are no strings are not written there."""
    examples = st.lists(safe, min_size=1, max_size=2)
    if depth > 0 and draw(st.integers(0, 4)) == 0:
        made: dict[str, Any] = {"oneOf": draw(st.lists(faithful_variants(depth - 1), min_size=1, max_size=3))}
        commented(draw, made, {"title": lines, "default": defaults})
        # Examples stand before the description there. What is said of the property and of the first alternative, or
        # of both the same, is said once there.
        commented(draw, made, {"examples": examples})
        if not any("description" in variant for variant in [made, *made["oneOf"]] if variant is not True) and (
            "examples" not in made
        ):
            commented(draw, made, {"description": lines})
        return made
    schema: Schema = draw(faithful_types(depth))
    if not isinstance(schema, dict):
        return schema
    commented(draw, schema, {"title": lines, "examples": examples, "default": defaults})
    if schema.get("type") != "object":
        commented(draw, schema, {"description": lines})
    # In text that holds "null" already, `nullable` says nothing there: of objects, type lists.
    if isinstance(schema.get("type"), str) and schema["type"] != "object" and "items" not in schema:
        commented(draw, schema, {"nullable": st.just(True)})
    if "enum" in schema and "default" in schema:  # Of listed strings, bare; an empty one leaves a space behind there.
        schema["default"] = next(filter(None, schema["enum"]), None)
    return schema


@cache
@st.composite
def faithful_variants(draw: st.DrawFn, depth: int) -> Schema:
    """Alternatives with a description or a default behind them; titles and examples of them are not written there."""
    schema: Schema = draw(faithful_types(depth, "variant"))
    if isinstance(schema, dict) and schema.get("type") != "object":
        commented(draw, schema, {"description": lines.filter(lambda text: "default: " not in text)})
        if "enum" not in schema:  # Of a listed string, with quotes in one place and without in another there.
            commented(draw, schema, {"default": defaults})
    return schema


@cache
def faithful_parameters() -> Drawn:
    """What a function takes; `true` is no schema there, and what it says of the last alternative hides what follows."""
    objects = faithful_objects(3, "root")
    last = faithful_types(1, "variant")
    one_of = st.builds(lambda some, one: {"oneOf": [*some, one]}, st.lists(faithful_variants(2), max_size=2), last)
    return st.none() | objects | objects | one_of | faithful_types(0).filter(lambda schema: schema is not True)


@cache
def faithful_tools() -> st.SearchStrategy[Tool]:
    # The peer requires a description, writes no line for an empty one, and knows no line break but "\n".
    described = paragraphs.filter(bool)
    return st.builds(Tool, st.sampled_from(["f", "get_weather", "g"]), described, faithful_parameters())


@st.composite
def faithful_namespaces(draw: st.DrawFn, names: list[str]) -> list[Namespace]:
    """Namespaces in the order of their names, which the peer sorts."""
    found = []
    for name in sorted(draw(st.lists(st.sampled_from(names), unique=True, max_size=2))):
        tools = draw(st.lists(faithful_tools(), max_size=3, unique_by=lambda tool: tool.name))
        # Without tools a description is plain lines. The peer drops the line break at its end; here a paragraph that
        # opens a section ends it, and a line break at the end is kept.
        described = paragraphs.filter(bool) if tools else st.sampled_from(["Runs code.", "a\n\nb\n// c", "- x"])
        found.append(Namespace(name, draw(st.none() | described), tools))
    return found


@st.composite
def faithful_conversations(draw: st.DrawFn) -> list[Message]:
    """Conversations that the peer writes faithfully."""
    found: list[Message] = []
    if draw(st.integers(0, 3)):
        # Settings of several lines, or that begin as others do, are left out: they cannot be told apart.
        settings_ = st.sampled_from([MODEL_IDENTITY, "You are x.", "a\n\nb"])
        # The peer writes no channels where there are none; here that is no configuration.
        channels = st.lists(st.sampled_from(["analysis", "commentary", "final"]), min_size=1, max_size=3)
        content = SystemContent(
            draw(st.none() | settings_),
            draw(st.none() | st.just("2024-06")),
            draw(st.none() | st.just("2025-06-28")),
            draw(st.none() | st.sampled_from(["low", "medium", "high"])),
            draw(faithful_namespaces(["browser", "python"])) if draw(st.booleans()) else [],
            draw(st.none() | st.builds(ChannelConfig, channels, st.booleans())),
        )
        if writable(content):  # Settings that say nothing are an empty text there.
            found.append(Message("system", content))
    for _ in range(draw(st.integers(0, 2))):
        instructions = st.none() | paragraphs | awkward  # The sections that these spell are none.
        developer = DeveloperContent(draw(instructions), draw(faithful_namespaces([FUNCTIONS, "mcp.x"])))
        if writable(developer):  # Nothing at all is an empty text there.
            found.append(Message("developer", developer))
    return [*found, *(Message("user", text) for text in draw(st.lists(awkward, max_size=1)))]
