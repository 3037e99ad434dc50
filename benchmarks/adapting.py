"""Chat Completions: requests to tokens beside rendering alone, and tokens to chunks beside the peer's bare parser."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import clock, in_turn
from benchmarks.streaming import CHUNK
from benchmarks.targets import Row, faster, no_slower
from benchmarks.transcripts import agentic, long
from harmony_spec import Message, render
from harmony_spec.adapters import ChatStream, from_chat, to_chat

if TYPE_CHECKING:
    import openai_harmony


def with_adapters(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[Row]:
    """All rows about Chat Completions."""
    from openai_harmony import Role, StreamableParser

    chat = to_chat(agentic())
    messages = from_chat(chat).messages
    jobs = (lambda: render(from_chat(chat).messages, "prompt"), lambda: render(messages, "prompt"))
    ours, alone = in_turn(runs, *map(clock, jobs))
    yield no_slower("from_chat and render, agentic", "render", ours, alone, 1.5)

    def chunks(tokens: list[int], size: int) -> None:
        stream = ChatStream()
        for at in range(0, len(tokens), size):
            stream.feed(tokens[at : at + size] if size > 1 else tokens[at])
        stream.close()

    def peer(tokens: list[int]) -> None:
        parser = StreamableParser(encoding, role=Role.ASSISTANT)
        for token in tokens:
            parser.process(token)

    texts = [message.content for message in long() if message.role == "assistant"][:6]
    channels = ("analysis", "commentary") * 3
    output = [Message("assistant", text, channel=channel) for text, channel in zip(texts, channels, strict=True)]
    tokens = render(output, "completion")
    streams = (partial(chunks, tokens, 1), partial(chunks, tokens, CHUNK), partial(peer, tokens))
    one, many, theirs = in_turn(runs, *map(clock, streams))
    yield faster("stream to chunks of Chat Completions, one by one", one, theirs, 1)
    yield faster(f"stream to chunks of Chat Completions, {CHUNK} tokens each", many, theirs, 3)
