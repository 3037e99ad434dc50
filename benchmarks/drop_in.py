"""The drop-in beside `openai-harmony`: the same calls with the same pydantic objects, one module's name changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import openai_harmony

from benchmarks import comparison
from benchmarks.measure import clock, fresh, in_turn
from benchmarks.targets import PEER, BenchmarkRow, Target, faster, no_slower
from benchmarks.transcripts import agentic, long
from harmony_spec import compat, render

LOAD_ENCODING = "import time\nfrom {0} import load_harmony_encoding\nstart = time.perf_counter()\n"
LOAD_ENCODING += "load_harmony_encoding('HarmonyGptOss')\nprint(time.perf_counter() - start)\n"


class Library:
    """One of the two modules, with its encoding and a conversation of its own messages."""

    def __init__(self, module: Any, encoding: Any, payload: str) -> None:
        self.module, self.encoding = module, encoding
        self.conversation = module.Conversation.from_json(payload)
        self.keep_all = module.RenderConversationConfig(auto_drop_analysis=False)

    def parse(self, tokens: list[int]) -> Any:
        return self.encoding.parse_messages_from_completion_tokens(tokens)

    def render(self) -> Any:
        return self.encoding.render_conversation(self.conversation, self.keep_all)

    def stream(self, tokens: list[int]) -> None:
        """As an engine does: after each token, what it adds and to whom that is shown."""
        parser = self.module.StreamableParser(self.encoding, None)
        for token in tokens:
            parser.process(token)
            _ = parser.last_content_delta, parser.current_channel, parser.current_recipient, parser.current_role


def with_drop_in(runs: int, encoding: openai_harmony.HarmonyEncoding, bytecode: Path) -> Iterator[BenchmarkRow]:
    """All rows about the drop-in."""
    own = compat.load_harmony_encoding(compat.HarmonyEncodingName.HARMONY_GPT_OSS)
    for name, messages, targets in (("agentic", agentic(), (8, 4, 3)), ("long", long(), (8, 3, 1.8))):
        payload, tokens = comparison.conversation(messages).to_json(), render(messages)
        ours, theirs = Library(compat, own, payload), Library(openai_harmony, encoding, payload)
        assert ours.render() == theirs.render() == tokens, f"{name}: other tokens are rendered"
        read = [[message.to_json() for message in side.parse(tokens)] for side in (ours, theirs)]
        assert read[0] == read[1], f"{name}: other messages are read"
        jobs = {
            "parse": [partial(side.parse, tokens) for side in (ours, theirs)],
            "render": [side.render for side in (ours, theirs)],
            "stream, four properties read each time": [partial(side.stream, tokens) for side in (ours, theirs)],
        }
        for (job, calls), times in zip(jobs.items(), targets, strict=True):
            yield faster(f"drop-in: {job}, {name}", *in_turn(runs, *map(clock, calls)), times)
    yield from loading(runs, bytecode)


def loading(runs: int, bytecode: Path) -> Iterator[BenchmarkRow]:
    """An encoding for the first time, in a fresh interpreter, and again."""
    first, theirs = in_turn(
        runs, *(fresh(LOAD_ENCODING.format(name), bytecode) for name in (compat.__name__, PEER_MODULE))
    )
    yield no_slower("drop-in: load_harmony_encoding", PEER, first, theirs, 1.5)
    (again,) = in_turn(runs, clock(partial(compat.load_harmony_encoding, "HarmonyGptOss")))
    yield BenchmarkRow(
        "drop-in: load_harmony_encoding again", "itself, first", "ms", again * 1e3, first * 1e3, Target(0.001)
    )


PEER_MODULE = openai_harmony.__name__
