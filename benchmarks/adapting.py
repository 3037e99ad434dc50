"""Chat Completions: requests to tokens beside rendering alone, and tokens to chunks beside the peer's bare parser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import clock, in_turn
from benchmarks.streaming import CHUNK
from benchmarks.targets import BenchmarkRow, faster, no_slower
from benchmarks.transcripts import agentic
from harmony_spec import Message, render
from harmony_spec.adapters import ChatStream, from_chat, to_chat

if TYPE_CHECKING:
    import openai_harmony

FEW = 4
"""How many tokens an engine hands over at a time that drafts tokens, or lets some steps pass."""


def with_adapters(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[BenchmarkRow]:
    """All rows about Chat Completions."""
    from openai_harmony import Role, StreamableParser

    chat = to_chat(agentic())
    messages = from_chat(chat).messages
    jobs = (lambda: render(from_chat(chat).messages, "prompt"), lambda: render(messages, "prompt"))
    ours, alone = in_turn(runs, *map(clock, jobs))
    yield no_slower("from_chat and render, agentic", "render", ours, alone, 1.5)

    def chunks(steps: Sequence[int | list[int]]) -> None:
        stream = ChatStream()
        for tokens in steps:
            stream.feed(tokens)
        stream.close()

    def peer(tokens: list[int]) -> None:
        parser = StreamableParser(encoding, role=Role.ASSISTANT)
        for token in tokens:
            parser.process(token)

    texts = [message.text for message in agentic()]
    output = [
        Message("assistant", "\n".join(texts[at::6]), channel=channel)
        for at, channel in enumerate(("analysis", "commentary") * 3)
    ]
    tokens = render(output, "completion")
    several = [[tokens[at : at + size] for at in range(0, len(tokens), size)] for size in (1, FEW, CHUNK)]
    streams = (*(partial(chunks, steps) for steps in (tokens, *several)), partial(peer, tokens))
    one, listed, few, many, theirs = in_turn(runs, *map(clock, streams))
    yield faster("stream to chunks of Chat Completions, one by one", one, theirs, 3)
    yield faster("stream to chunks of Chat Completions, lists of one", listed, theirs, 2)
    yield faster(f"stream to chunks of Chat Completions, {FEW} tokens each", few, theirs, 2)
    yield faster(f"stream to chunks of Chat Completions, {CHUNK} tokens each", many, theirs, 10)
