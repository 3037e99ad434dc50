"""Validation beside the time that the peer takes to parse the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import clock, in_turn
from benchmarks.targets import Row, faster
from benchmarks.transcripts import agentic
from harmony_spec import DeveloperContent, Message, Namespace, Tool, render, validate

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
