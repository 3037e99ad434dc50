"""The transcripts that are measured, built from seeded random words."""

from __future__ import annotations

import json
import random

from harmony_spec import Message

CONTENT_WORDS = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "is",
    "that",
    "it",
    "for",
    "on",
    "with",
    "as",
    "this",
    "by",
    "from",
    "are",
    "be",
    "at",
    "or",
    "an",
    "was",
    "we",
    "can",
    "not",
    "have",
    "which",
    "will",
    "one",
    "all",
    "model",
    "token",
    "header",
    "channel",
    "message",
    "system",
    "function",
    "result",
    "error",
    "value",
    "list",
    "index",
    "compute",
    "return",
    "parse",
    "write",
    "read",
    "search",
    "weather",
    "city",
    "temperature",
    "time",
    "answer",
    "question",
    "user",
    "request",
    "response",
    "format",
    "spec",
    "grammar",
    "rule",
    "field",
    "name",
    "type",
    "data",
    "file",
    "line",
    "number",
    "table",
    "state",
    "event",
    "stream",
    "check",
    "test",
    "verify",
    "because",
    "therefore",
    "however",
    "maybe",
    "should",
    "first",
    "then",
    "next",
    "finally",
    "San",
    "Francisco",
    "Tokyo",
    "Berlin",
    "München",
    "Zürich",
    "naïve",
    "café",
    "東京",
    "метро",
    "12",
    "347",
    "0.75",
    "1999",
    "(see",
    "above),",
    "e.g.",
    "however:",
    "yes;",
    "no!",
]


def agentic(turns: int = 20, seed: int = 1) -> list[Message]:
    """Turns of user, analysis, call, tool result and final answer; about 16,000 tokens for 20 turns."""
    rng = random.Random(seed)
    messages = [
        Message("system", text(rng, 120)),
        Message("developer", "# Instructions\n\n" + text(rng, 200)),
    ]
    for _ in range(turns):
        tool = f"functions.{rng.choice(['search', 'get_weather', 'run_query', 'open_file'])}"
        arguments = json.dumps({"query": text(rng, 20), "limit": rng.randrange(100), "verbose": True})
        result = json.dumps([{"title": text(rng, 6), "score": rng.random()} for _ in range(6)])
        messages += [
            Message("user", text(rng, 60)),
            Message("assistant", text(rng, 190), channel="analysis"),
            Message("assistant", arguments, recipient=tool, channel="commentary", content_type="json", constrain=True),
            Message("tool", result, name=tool, recipient="assistant", channel="commentary"),
            Message("assistant", text(rng, 186), channel="final"),
        ]
    return messages


def long(seed: int = 2) -> list[Message]:
    """Few messages with long contents; about 290,000 tokens."""
    rng = random.Random(seed)
    messages = [Message("system", text(rng, 120))]
    for _ in range(10):
        messages += [
            Message("user", text(rng, 10_340)),
            Message("assistant", text(rng, 6_920), channel="analysis"),
            Message("assistant", text(rng, 6_520), channel="final"),
        ]
    return messages


def text(rng: random.Random, words: int) -> str:
    """Words in sentences and paragraphs."""
    parts = []
    for number in range(words):
        parts.append(rng.choice(CONTENT_WORDS))
        if number % 13 == 12:
            parts[-1] += "." if number % 52 else ".\n\n"
    return " ".join(parts)
