"""Compare two checkouts of the project by their speed, for a change that should not make anything slower.

`python -m benchmarks.checkouts OLD [--runs N]`, where `OLD` is a folder, such as one that `git worktree add OLD COMMIT`
makes. The exit status is 1 if this checkout needs more than 1.1 times the time of the other one for something.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.measure import ROOT, clock
from benchmarks.streaming import CHUNK, in_chunks, one_by_one
from benchmarks.transcripts import agentic, long
from harmony_spec import parse, recover, render, validate

SLOWER = 1.1
"""The ratio from which something counts as slower."""

Timed = Callable[[str], float]
"""Runs the work with a name for a moment, and says how many seconds of processor time one call took."""


def works() -> dict[str, Callable[[], object]]:
    """What is compared, by name."""
    made: dict[str, Callable[[], object]] = {}
    for name, messages in (("agentic", agentic()), ("long", long())):
        tokens = render(messages)
        made |= {
            f"parse, {name}": partial(parse, tokens),
            f"render, {name}": partial(render, messages),
            f"recover, {name}": partial(recover, tokens),
            f"validate, {name}": partial(validate, tokens),
            f"stream one by one, {name}": partial(one_by_one, tokens),
            f"stream in lists of one, {name}": partial(in_chunks, tokens, 1),
            f"stream in chunks of {CHUNK}, {name}": partial(in_chunks, tokens, CHUNK),
        }
    return made


def serve() -> None:
    """Print the names of the works, then the time of each whose name is read from the standard input."""
    made = works()
    print(*made, sep=";", flush=True)
    clocks: dict[str, Callable[[], float]] = {}
    for line in sys.stdin:
        work = made[line.strip()]
        if line not in clocks:
            clocks[line] = clock(work, time.process_time)
        work()  # since the other process was in the caches of the processor
        print(clocks[line](), flush=True)


@contextmanager
def working(checkout: Path) -> Iterator[tuple[list[str], Timed]]:
    """The names of the works, and what times them with the package of a checkout, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "harmony_spec").symlink_to(checkout.resolve() / "harmony_spec")
        run = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.checkouts", "--serve", "."],
            cwd=folder,  # in which the package is found first
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with run:
            assert run.stdin is not None
            assert run.stdout is not None
            questions, answers = run.stdin, run.stdout

            def timed(name: str) -> float:
                print(name, file=questions, flush=True)
                return float(answers.readline())

            yield answers.readline().strip().split(";"), timed
            questions.close()


def compared(old: Path, runs: int) -> Iterator[tuple[str, float, float, float]]:
    """For each work: its name, its median times in the other checkout and in this one, and the median of the ratios.

    The two take turns, a moment each, on one core: whatever else runs there slows both.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    with ExitStack() as stack:
        (names, before), (_, after) = (stack.enter_context(working(each)) for each in (old, ROOT))
        for name in names:
            pairs = []
            for index in range(-1, runs):
                order = (before, after) if index % 2 else (after, before)
                times = {timed: timed(name) for timed in order}
                pairs.append((times[before], times[after]))
            befores, afters = zip(*pairs[1:], strict=True)  # a first round does not count
            yield name, median(befores), median(afters), median(new / old for old, new in pairs[1:])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("old", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--runs", type=click.IntRange(min=5), default=15, show_default=True, help="Runs to take medians of.")
@click.option("--serve", "serves", is_flag=True, hidden=True)
def main(old: Path, runs: int, serves: bool) -> None:
    """Compare the speed of this checkout with that of another one, OLD; the exit status is 1 if something is slower."""
    if serves:
        serve()
        return
    shown = Table(box=SIMPLE_HEAD, caption="ratio: the median of new / old")
    for title in ("measured", "old, ms", "new, ms", "ratio"):
        shown.add_column(title, justify="left" if title == "measured" else "right", no_wrap=True)
    slower = False
    for name, before, after, ratio in compared(old, runs):
        slower = slower or ratio > SLOWER
        shown.add_row(name, f"{before * 1e3:.2f}", f"{after * 1e3:.2f}", f"{ratio:.2f}")
    Console().print(shown)
    sys.exit(slower)


if __name__ == "__main__":
    main()
