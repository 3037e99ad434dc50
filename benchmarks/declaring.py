"""Rows that declare tools and call them, as training rows do, built from seeded random words."""

from __future__ import annotations

import json
import random
from typing import Any

from benchmarks.tools import NAMES, sentence
from benchmarks.transcripts import text
from harmony_spec import DeveloperContent, Message, Namespace, SystemContent, Tool, render

FORMATS = ("date", "date-time", "email", "uri")

SchemaObject = dict[str, Any]


def declaring(seed: int, tokens: int = 2000, share: float = 0.5, tools: list[Tool] | None = None) -> list[Message]:
    """A row without findings: tools, and turns that call them.

    Args:
        tokens: how long it is.
        share: how much of it declares tools; 0 for a row without tools.
        tools: declare these, and no others.
    """
    rng = random.Random(f"{seed} {share}")
    if tools is None:
        tools = []
        while share and len(render(opening(rng, tools))) < tokens * share:
            tools.append(tool(rng, len(tools)))
    messages = opening(rng, tools)
    length = len(render(messages))
    while length < tokens:
        added = turn(rng, tools)
        messages += added
        length += len(render(added))
    return messages


def opening(rng: random.Random, tools: list[Tool]) -> list[Message]:
    settings = SystemContent("You are a helpful assistant.", "2024-06", "2026-11-26", "high")
    content: Any = text(random.Random(rng.random()), 60).replace("\n\n", "\n")
    content = DeveloperContent(content, [Namespace("functions", None, tools)] if tools else [])
    return [Message("system", settings), Message("developer", content)]


def turn(rng: random.Random, tools: list[Tool]) -> list[Message]:
    """A question, a call if there are tools, its result, and the answer."""
    messages = [Message("user", text(rng, 40))]
    if tools:
        called = rng.choice(tools)
        assert called.parameters is not None
        arguments, name = json.dumps(value_of(rng, called.parameters)), f"functions.{called.name}"
        result = json.dumps([{"title": text(rng, 6), "score": round(rng.random(), 3)} for _ in range(4)])
        messages += [
            Message("assistant", arguments, recipient=name, channel="commentary", content_type="json", constrain=True),
            Message("tool", result, name=name, recipient="assistant", channel="commentary"),
        ]
    return [*messages, Message("assistant", text(rng, 80), channel="final")]


def tool(rng: random.Random, index: int) -> Tool:
    verb, noun = rng.choice(("get", "list", "create", "update", "search", "delete")), rng.choice(NAMES)
    return Tool(f"{verb}_{noun}_{index}", sentence(rng, rng.randint(6, 25)), record(rng, 0))


def record(rng: random.Random, depth: int) -> SchemaObject:
    names = {f"{rng.choice(NAMES)}_{rng.choice(('id', 'name', 'at', 'by', 'count'))}" for _ in range(rng.randint(1, 6))}
    properties = {name: parameter(rng, depth) for name in sorted(names)}
    required = [name for name in properties if rng.random() < 0.5]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def parameter(rng: random.Random, depth: int) -> SchemaObject:
    """A described parameter: optional, nested, listed, or limited by keywords that no type expresses."""
    kind = rng.random()
    if kind < 0.4:
        schema: SchemaObject = {"type": "string"}
    elif kind < 0.55:
        schema = {"type": rng.choice(("integer", "number")), "minimum": 0, "maximum": rng.choice((10, 100, 1000))}
    elif kind < 0.65:
        schema = {"type": "boolean", "default": rng.random() < 0.5}
    elif kind < 0.78:
        schema = {"type": "string", "enum": sorted({*rng.sample(NAMES, rng.randint(2, 5))})}
    elif kind < 0.86:
        schema = {"type": "array", "items": {"type": rng.choice(("string", "integer"))}}
    elif kind < 0.92:
        schema = {"type": "string", "format": rng.choice(FORMATS)}
    elif depth < 2:
        schema = record(rng, depth + 1)
        schema = schema if rng.random() < 0.6 else {"type": "array", "items": schema}
    else:
        schema = {"type": ["string", "null"]}
    return {**schema, "description": sentence(rng, rng.randint(3, 14))} if rng.random() < 0.9 else schema


def value_of(rng: random.Random, schema: SchemaObject) -> Any:
    """A value that a schema of `parameter` allows."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema.get("format"):
        return {"date": "2026-11-26", "date-time": "2026-11-26T10:00:00Z", "email": "a@example.com"}.get(
            schema["format"], "https://example.com/"
        )
    match schema["type"]:
        case "object":
            wanted = schema.get("required", [])
            return {name: value_of(rng, each) for name, each in schema["properties"].items() if name in wanted}
        case "array":
            return [value_of(rng, schema["items"])]
        case "integer" | "number":
            return rng.randint(0, 10)
        case "boolean":
            return True
    return text(rng, 4)
