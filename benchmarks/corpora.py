"""Measure `harmony-spec validate` on files of rows, beside the same checks in one process without files.

`python -m benchmarks.corpora [--runs N] [--large N]`; the exit status is 1 if a target is missed.
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from select import select
from typing import NamedTuple

import click
import pyarrow
from pyarrow import parquet
from rich.console import Console

from benchmarks.declaring import declaring
from benchmarks.declaring import tool as make_tool
from benchmarks.measure import with_bytecode
from benchmarks.targets import BenchmarkRow, Target
from benchmarks.transcripts import agentic
from harmony_spec import Message, Tool, render, validate

Rows = list[list[int]]

TOKENS_PER_ROW = 1000
"""Tokens in an easy row, at least."""

CONTENT_LENGTHS = 200, 30_000
"""The least and the most tokens in a realistic row; lengths between them are drawn by their logarithm."""

CORPUS_SCHEMA = pyarrow.schema([("tokens", pyarrow.list_(pyarrow.int32()))])

POLL = 0.25
"""Seconds between two looks at the memory of the processes: peaks only grow, and looking takes time of a core."""


class Took(NamedTuple):
    """What a run took.

    Attributes:
        work: seconds of processor time, of all processes.
        seconds: by the clock.
        megabytes: the sum of the peaks of all processes, if they were looked at.
    """

    work: float
    seconds: float
    megabytes: float = 0


def easy(count: int) -> Rows:
    """Transcripts of about 1,200 tokens without tools."""
    rows = []
    for seed in range(count):
        _, developer, *turn = agentic(1, seed)
        kept = [each for each in turn if each.channel not in ("commentary", "analysis")]
        messages: list[Message] = [developer]
        while len(render(messages)) < TOKENS_PER_ROW:
            messages += kept
        rows.append(render(messages))
    return rows


def realistic(count: int, lists: int | None = None) -> Rows:
    """System, developer with tools, calls and results; `lists` is the number of distinct tool lists, None for all."""
    rng = random.Random(7)
    least, most = map(math.log, CONTENT_LENGTHS)
    known = [[make_tool(rng, index) for index in range(rng.randint(1, 40))] for _ in range(lists or 0)]
    rows = []
    for seed in range(count):
        tools: list[Tool] | None = rng.choice(known) if known else None
        rows.append(render(declaring(seed, round(math.exp(rng.uniform(least, most))), 0.4, tools)))
    return rows


def short(count: int) -> Rows:
    """A question and an answer in about 20 tokens."""
    return [
        render([Message("user", f"hi {n}"), Message("assistant", f"hello {n}", channel="final")]) for n in range(count)
    ]


def write(path: Path, rows: Rows, repeated: int) -> None:
    """A file with these rows several times; in Parquet, one row group holds all: the hardest case for memory."""
    if path.suffix == ".parquet":
        table = pyarrow.table(
            [pyarrow.chunked_array([pyarrow.array(rows, CORPUS_SCHEMA.field(0).type)] * repeated)], CORPUS_SCHEMA
        )
        parquet.write_table(table, path, row_group_size=len(table), use_dictionary=False)
        return
    lines = "".join(json.dumps({"tokens": row}) + "\n" for row in rows)
    with path.open("w") as file:
        for _ in range(repeated):
            file.write(lines)


def checks(rows: Rows, repeated: int) -> Took:
    """The checks of rows."""
    validate(rows[0])
    begin, start = time.perf_counter(), time.process_time()
    for _ in range(repeated):
        for row in rows:
            validate(row)
    return Took(time.process_time() - start, time.perf_counter() - begin)


def checks_at_once(rows: Rows, repeated: int, processes: int) -> Took:
    """The checks of rows in each of some new processes; what one of them took."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        took = [each.result() for each in [pool.submit(checks, rows, repeated) for _ in range(processes)]]
    return max(took, key=lambda each: each.seconds)


def validated(path: Path, jobs: int) -> Took:
    """Run the command, and look at the memory of its processes from time to time."""
    command = [str(Path(sys.executable).parent / "harmony-spec"), "validate", "--isolated", "-j", str(jobs), str(path)]
    peaks: dict[int, float] = {}
    start = time.perf_counter()
    run = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=with_bytecode(path.parent / "bytecode"),
    )
    ended = os.pidfd_open(run.pid)
    while not select([ended], [], [], POLL)[0]:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError):  # it has ended
                if os.getsid(int(process.name)) == run.pid:
                    peaks[int(process.name)] = _megabytes(process)
    seconds = time.perf_counter() - start
    _, status, usage = os.wait4(run.pid, 0)  # with the processes that it has waited for
    os.close(ended)
    assert run.stdout is not None
    with run.stdout as output:
        assert os.waitstatus_to_exitcode(status) == 0, f"{path}: {output.read()}"
    run.returncode = 0
    return Took(usage.ru_utime + usage.ru_stime, seconds, sum(peaks.values()))


def _megabytes(process: Path) -> float:
    """The peak memory of a process. Source: proc_pid_status(5)."""
    (line,) = (line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def throughput(name: str, rows: Rows, repeated: int, folder: Path, runs: int) -> Iterator[BenchmarkRow]:
    """The work of the command beside that of the checks, and the time of two processes beside one; runs alternate.

    The work of two processes is compared with that of the same checks in two plain processes, since two cores that
    work at once share memory and caches: plain checks take up to 8 % more work there. Each ratio is the median of those
    of the rounds: on a machine that others use, a round is slower as a whole.
    """
    tokens = sum(map(len, rows)) * repeated
    paths = [folder / f"rows{suffix}" for suffix in (".parquet", ".jsonl")]
    starts = {}
    for path in paths:
        write(path, rows[:1], 1)
        validated(path, 1)  # which compiles the modules
        starts[path] = statistics.median(validated(path, 1).work for _ in range(runs))
        write(path, rows, repeated)
    alone: list[Took] = []
    at_once: list[Took] = []
    took: dict[tuple[Path, int], list[Took]] = {(path, jobs): [] for path in paths for jobs in (1, 2)}
    for _ in range(runs):
        alone.append(checks_at_once(rows, repeated, 1))
        at_once.append(checks_at_once(rows, repeated, 2))
        for (path, jobs), found in took.items():
            found.append(validated(path, jobs))
    size = f"{len(rows) * repeated:,} rows, {tokens / 1e6:.1f} M tokens"
    plain = statistics.median(each.work for each in alone)
    yield BenchmarkRow(f"{name} ({size}): checks alone", "", "M tokens/s", tokens / plain / 1e6, None, Target(0, True))
    halves = _median_pair((each.seconds / 2 for each in at_once), (each.seconds for each in alone))
    yield BenchmarkRow(
        f"{name}: checks alone, half in each of 2 processes", "one process", "s", *halves, Target(math.inf)
    )
    for path in paths:
        for jobs in (1, 2):
            found = took[path, jobs]
            plain_runs = alone if jobs == 1 else at_once
            work, plain = _median_pair((each.work for each in found), (each.work for each in plain_runs))
            one, of_one = _median_pair((each.work for each in found), (each.work for each in alone))
            figures = f"{tokens / work / 1e6:.2f} M tokens/s and core, start {starts[path]:.2f} s, "
            figures += f"{statistics.median(each.megabytes for each in found):.0f} MB"
            figures += f", {one / of_one:.2f} times the work of checks in one process" if jobs > 1 else ""
            what = f"{name}, {path.suffix}, jobs {jobs} ({figures}): work"
            yield BenchmarkRow(what, "checks in as many processes", "s", work, plain, Target(1.25))
        two, one = ((each.seconds for each in took[path, jobs]) for jobs in (2, 1))
        what = f"{name}, {path.suffix}: time of 2 jobs"
        yield BenchmarkRow(what, "1 job", "s", *_median_pair(two, one), Target(0.56))
        path.unlink()


def _median_pair(ours: Iterable[float], theirs: Iterable[float]) -> tuple[float, float]:
    """The figures of the round with the median ratio."""
    pairs = sorted(zip(ours, theirs, strict=True), key=lambda pair: pair[0] / pair[1])
    return pairs[len(pairs) // 2]


def growth(folder: Path, large: int) -> Iterator[BenchmarkRow]:
    """The peak memory of one process on ever larger files of short rows, beside that on the smallest one.

    The smallest file is checked without other processes, so one process is compared with one.
    """
    rows = short(1000)
    for suffix in (".parquet", ".jsonl"):
        smallest = 0.0
        for count in (large // 100, large // 10, large):
            write(path := folder / f"short{suffix}", rows, count // len(rows))
            took = validated(path, 1)
            path.unlink()
            smallest = smallest or took.megabytes
            what = f"{count:,} short rows, {suffix} ({count / took.work:,.0f} rows/s and core): peak memory"
            yield BenchmarkRow(what, "the smallest file", "MB", took.megabytes, smallest, Target(1.2))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs to take medians of.")
@click.option(
    "--large", type=click.IntRange(min=100_000), default=2_000_000, show_default=True, help="Most short rows."
)
def main(runs: int, large: int) -> None:
    """Measure the validation of files of rows; the exit status is 1 if a target is missed."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{os.cpu_count()} cores, medians of {runs} runs")
    reached = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for measured in (
            throughput("easy", easy(500), 80, folder, runs),
            throughput("few tool lists", realistic(400, 20), 4, folder, runs),
            throughput("many tool lists", realistic(2000), 1, folder, runs),
            throughput("short", short(1000), 400, folder, runs),
            growth(folder, large),
        ):
            for each in measured:
                beside = f", {each.against} {each.theirs:.1f}, ratio {each.ratio:.2f}" if each.ratio else ""
                console.print(f"{each.measured}: {each.ours:.2f} {each.unit}{beside}, target {each.target}")
                reached = reached and each.reached
    sys.exit(not reached)


if __name__ == "__main__":
    main()
