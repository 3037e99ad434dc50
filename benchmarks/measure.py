"""Clocks and scales. What is compared is run in turn, so that a noisy machine slows all of it alike."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from sys import getsizeof

from harmony_spec import codec, parse
from harmony_spec.vocabulary import Vocabulary, load

ROOT = Path(__file__).resolve().parent.parent

Clock = Callable[[], float]
"""Runs something once and says how many seconds it took."""


SAMPLE = 0.05
"""Seconds that a sample takes at least: short work is done several times over, so that what is measured is the work and
not the state in which whatever ran before it left the processor's caches."""


def clock(work: Callable[[], object], timer: Callable[[], float] = time.perf_counter) -> Clock:
    """A clock for a call, done as often as a sample needs; freeing the results counts."""

    def timed(times: int) -> float:
        start = timer()
        for _ in range(times):
            work()
        return (timer() - start) / times

    times = max(1, math.ceil(SAMPLE / timed(1)))
    return lambda: timed(times)


def in_turn(runs: int, *clocks: Clock) -> list[float]:
    """The median time of each clock, over rounds in which each runs once; a first round does not count."""
    rounds = [[run() for run in clocks] for _ in range(runs + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def with_bytecode(folder: Path) -> dict[str, str]:
    """An environment that keeps compiled modules, of whichever package, in a folder, as after an installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def fresh(program: str, bytecode: Path) -> Clock:
    """A clock for a program in an interpreter of its own, which prints the seconds that it measured itself.

    Args:
        bytecode: see `with_bytecode`.
    """
    environment = with_bytecode(bytecode)

    def run() -> float:
        command = [sys.executable, "-c", program]
        return float(subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE).stdout)

    return run


class Scale:
    """The shipped vocabulary as a tokenizer that weighs memory each time it is asked for a text.

    The most memory that is in use at any moment, less the returned texts that exist at that moment, is what parsing
    needs for itself. To subtract the size of all texts from the peak of the whole would give too little, since the peak
    may come before the texts. So the peak is taken between each two calls of `decode_bytes`, and from it the sizes of
    those texts are subtracted that were there all the time in between: not of the one that the first of the two calls
    makes, which therefore counts in full, with the bytes it is decoded from. The input list is older than the tracing,
    so it never counts; what Rust code allocates is not seen.
    """

    def __init__(self, vocabulary: Vocabulary, sizes: list[int]) -> None:
        self.encode, self.vocabulary = vocabulary.encode, vocabulary
        self.returned = iter([0, 0, *accumulate(sizes)])
        self.weighing = False
        self.beyond = 0

    def decode_bytes(self, tokens: list[int], /) -> bytes:
        """The bytes of a content: headers are read from the cache, so nothing else is decoded."""
        if self.weighing:
            self.weigh()
        return self.vocabulary.decode_bytes(tokens)

    def weigh(self) -> None:
        _, peak = tracemalloc.get_traced_memory()
        self.beyond = max(self.beyond, peak - next(self.returned))
        tracemalloc.reset_peak()


def bytes_beyond_texts(tokens: list[int]) -> int:
    """The peak memory of a parse, in bytes, beyond its input and the texts it returns."""
    sizes = [getsizeof(message.content) for message in parse(tokens).messages]
    scale = Scale(load(codec.FORMAT.encoding), sizes)
    parse(tokens, tokenizer=scale)  # which caches the headers
    scale.weighing = True
    tracemalloc.start()
    try:
        parse(tokens, tokenizer=scale)
        scale.weigh()
    finally:
        tracemalloc.stop()
    return scale.beyond
