"""Validation beside the time that the peer takes to parse the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.declaring import declaring
from benchmarks.measure import clock, in_turn
from benchmarks.targets import BenchmarkRow, Target, faster
from benchmarks.tools import forget
from benchmarks.transcripts import agentic
from harmony_spec import DeveloperContent, Message, Namespace, Tool, render, validate

if TYPE_CHECKING:
    import openai_harmony

ROWS = 99
"""Rows of 1,000 to 3,000 tokens."""

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


def validating(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[BenchmarkRow]:
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
    yield from _declaring(runs)


def _declaring(runs: int) -> Iterator[BenchmarkRow]:
    """Rows of which half declares tools, different ones or the same three lists, beside rows without tools."""
    lengths = [1000 + 2000 * (seed % 11) // 10 for seed in range(ROWS)]
    different = [render(declaring(seed, length)) for seed, length in enumerate(lengths)]
    plain = [render(declaring(seed, length, 0)) for seed, length in enumerate(lengths)]
    assert not any(validate(row).diagnostics for row in (*different, *plain))

    def check(rows: list[list[int]]) -> None:
        forget()
        for row in rows:
            validate(row)

    rows = different, different[:3] * (ROWS // 3), plain
    times = in_turn(runs, *(clock(partial(check, each)) for each in rows))
    new, repeated, without = (time / sum(map(len, each)) * 1e9 for time, each in zip(times, rows, strict=True))
    for name, ours, share in (("different", new, 0.4), ("repeated", repeated, 0.6)):
        yield BenchmarkRow(
            f"validate, {name} tools", "rows without tools", "ns/token", ours, without, Target(share, True)
        )
