"""Validation beside the time that the peer takes to parse the same tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import clock, in_turn
from benchmarks.rows import Row, Target, faster
from benchmarks.transcripts import agentic
from harmony_spec import DeveloperContent, Message, Namespace, Tool, render, render_text, validate

if TYPE_CHECKING:
    import openai_harmony

TAKES = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1},
        "limit": {"type": "integer", "minimum": 0, "maximum": 100},
        "verbose": {"type": "boolean"},
    },
    "required": ["query", "limit"],
}
"""What the tools of the transcript take."""


def declared(messages: list[Message]) -> list[Message]:
    """The transcript with the tools that it calls in its developer message."""
    names = sorted({str(message.recipient) for message in messages if message.channel and message.role == "assistant"})
    tools = [Tool(name.split(".")[1], parameters=TAKES) for name in names if "." in name]
    content = DeveloperContent(messages[1].text.split("\n\n", 1)[1], [Namespace("functions", tools=tools)])
    return [messages[0], replace(messages[1], content=content), *messages[2:]]


def declaration(number: int) -> str:
    """A developer message that offers one more tool, and a call of another one."""
    offered = render_text(
        [Message("developer", DeveloperContent("", [Namespace("functions", tools=[Tool(f"f{number}")])]))]
    )
    return f"{offered}<|start|>assistant<|channel|>commentary to=functions.g json<|message|>{{}}<|call|>"


def hostile(size: int) -> dict[str, tuple[str, list[Namespace]]]:
    """Calls that keep a careless check busy, each with arguments of about `size` characters, and what is offered."""

    def offered(takes: dict[str, object]) -> list[Namespace]:
        return [Namespace("functions", tools=[Tool("f", None, takes)])]

    head = "<|start|>assistant<|channel|>commentary to=functions.f json<|message|>"
    alternatives = {"anyOf": [{"items": {"type": "string"}}, {"type": "null"}]}
    unique = {"properties": {"a": {"uniqueItems": True}}}
    return {
        "array": (f"{head}{json.dumps({'a': [{'i': i} for i in range(size // 12)]})}<|call|>", offered(unique)),
        "alternatives": (f"{head}{json.dumps([1] * (size // 3))}<|call|>", offered(alternatives)),
        "brackets": (f"{head}{'[' * size}<|call|>", []),
        "invisible": (f"{head}{json.dumps('<|' + chr(0x200B) * 98, ensure_ascii=False) * (size // 100)}<|call|>", []),
        "stop tokens": ("<|end|>\n" * (size // 8), []),
        "declarations": ("".join(declaration(number) for number in range(size // 200)), []),
        "patterns": (f"{head}{json.dumps('a' * size)}<|call|>", offered({"pattern": "^(a|aa)+b"})),
    }


def scaling(runs: int) -> Iterator[Row]:
    """Time per character of long inputs beside that of short ones: the worst of the hostile ones."""
    few, many = 50_000, 500_000
    short, large = hostile(few), hostile(many)
    found = []
    for name, (text, tools) in large.items():
        small, offered = short[name]
        jobs = (partial(validate, small, tools=offered), partial(validate, text, tools=tools))
        seconds, longer = in_turn(runs, *map(clock, jobs))
        ours, theirs = longer / len(text) * 1e9, seconds / len(small) * 1e9
        found.append(Row(f"validate {name}, {many:,}", f"itself at {few:,}", "ns/character", ours, theirs, Target(2)))
    yield max(found, key=lambda row: row.ratio or 0)


def validating(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[Row]:
    """Every check, and all but that of the tokenization."""
    tokens = render(declared(agentic()))
    found = {said.code.name for said in validate(tokens).diagnostics}
    assert found == {"kept-analysis"}, found
    jobs = (
        partial(validate, tokens),
        partial(validate, tokens, tokenization=False),
        partial(encoding.parse_messages_from_completion_tokens, tokens),
    )
    every, fewer, theirs = in_turn(runs, *map(clock, jobs))
    yield faster("validate / peer parses, agentic", every, theirs, 5)
    yield faster("validate without tokenization / peer parses, agentic", fewer, theirs, 10)
    yield from scaling(runs)
