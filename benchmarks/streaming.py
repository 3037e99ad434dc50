"""The streaming parser beside the peer's, the recovering parser beside the strict one, and how both scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import clock, in_turn
from benchmarks.targets import BenchmarkRow, Target, faster, no_slower
from benchmarks.transcripts import agentic, long
from harmony_spec import StreamParser, parse, recover, render

if TYPE_CHECKING:
    import openai_harmony

CHUNK = 64
"""How many tokens an engine that decodes in steps hands over at a time."""


def one_by_one(tokens: list[int]) -> None:
    parser = StreamParser("transcript")
    feed = parser.feed
    for token in tokens:
        feed(token)
    parser.close()


def in_chunks(tokens: list[int], size: int) -> None:
    parser = StreamParser("transcript")
    for at in range(0, len(tokens), size):
        parser.feed(tokens[at : at + size])
    parser.close()


def reading_content(tokens: list[int]) -> None:
    parser = StreamParser("transcript")
    for token in tokens:
        parser.feed(token)
        len(parser.content)
    parser.close()


def streaming(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[BenchmarkRow]:
    """Each way of feeding beside the peer's, which takes one token at a time."""
    from openai_harmony import StreamableParser

    def peer(tokens: list[int]) -> None:
        parser = StreamableParser(encoding, role=None)
        for token in tokens:
            parser.process(token)

    for name, messages, times in (("agentic", agentic(), 5), ("long", long(), 2.5)):
        tokens = render(messages)
        chunked = (partial(in_chunks, tokens, size) for size in (1, CHUNK))
        jobs = (partial(one_by_one, tokens), *chunked, partial(peer, tokens))
        one, listed, chunks, theirs = in_turn(runs, *map(clock, jobs))
        yield faster(f"stream one by one, {name}", one, theirs, times)
        yield faster(f"stream in lists of one, {name}", listed, theirs, 2)
        yield faster(f"stream in chunks of {CHUNK}, {name}", chunks, theirs, 15)


def recovering(runs: int) -> Iterator[BenchmarkRow]:
    """Valid input, beside the strict parser."""
    for name, messages in (("agentic", agentic()), ("long", long())):
        tokens = render(messages)
        ours, strict = in_turn(runs, clock(partial(recover, tokens)), clock(partial(parse, tokens)))
        yield no_slower(f"recover, {name}", "parse", ours, strict, 1.2)


def scaling(runs: int) -> Iterator[BenchmarkRow]:
    """Time per token of a long content, read each time, beside that of a short one; `hostile` has all others."""
    few, many = 10_000, 100_000
    content = {size: render(long())[:20] + [1000] * size for size in (few, many)}
    yield _per_token("stream, content read each time", content[few], content[many], runs, reading_content)


def _per_token(
    name: str, short: list[int], large: list[int], runs: int, read: Callable[[list[int]], object]
) -> BenchmarkRow:
    seconds, longer = in_turn(runs, clock(lambda: read(short)), clock(lambda: read(large)))
    ours, theirs = longer / len(large) * 1e9, seconds / len(short) * 1e9
    return BenchmarkRow(f"{name}, {len(large):,}", f"itself at {len(short):,}", "ns/token", ours, theirs, Target(2))


def with_streams(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[BenchmarkRow]:
    """All rows about streaming and recovery."""
    yield from streaming(runs, encoding)
    yield from recovering(runs)
    yield from scaling(runs)
