"""Measure `harmony-spec validate` on Parquet files of rows of about 1,000 tokens.

`python -m benchmarks.corpora [--rows N] [--large N] [--runs N]`; the exit status is 1 if a target is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
import pyarrow
from pyarrow import parquet
from rich.console import Console

from benchmarks.targets import Row, Target
from benchmarks.transcripts import agentic
from harmony_spec import Message, render

DISTINCT = 500
"""Different rows in a file: what is remembered of one says little of the next."""

TOKENS = 1000

POLL = 0.02
"""Seconds between two looks at the memory of the processes."""


@dataclass(frozen=True)
class Took:
    """What a run took.

    Attributes:
        seconds: by the clock.
        work: seconds of processor time, of all processes.
        megabytes: the sum of the peaks of all processes.
    """

    seconds: float
    work: float
    megabytes: float


def row(seed: int) -> list[int]:
    """A transcript of about 1,000 tokens, without findings."""
    _, developer, *turn = agentic(1, seed)
    kept = [each for each in turn if each.channel != "commentary"]
    messages: list[Message] = [developer]
    while len(render(messages)) < TOKENS:
        messages += [each for each in kept if each.channel != "analysis"]
    return render(messages)


def write(path: Path, rows: int, distinct: list[list[int]]) -> None:
    """A Parquet file with one row group for all rows: the hardest case for memory."""
    schema = pyarrow.schema([("tokens", pyarrow.list_(pyarrow.int32()))])
    chunks = [pyarrow.array(distinct, schema.field(0).type)] * (rows // DISTINCT)
    table = pyarrow.table([pyarrow.chunked_array(chunks)], schema)
    parquet.write_table(table, path, row_group_size=rows, use_dictionary=False)


def validated(path: Path, jobs: int) -> Took:
    """Run the command, and look at its processes from time to time."""
    command = [str(Path(sys.executable).parent / "harmony-spec"), "validate", "--isolated", "-j", str(jobs), str(path)]
    peaks: dict[int, float] = {}
    work: dict[int, float] = {}
    start = time.perf_counter()
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    while run.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError):  # it has ended
                if os.getsid(int(process.name)) == run.pid:
                    work[int(process.name)] = _work(process)
                    peaks[int(process.name)] = _megabytes(process)
        time.sleep(POLL)
    seconds = time.perf_counter() - start
    said, _ = run.communicate()
    assert run.returncode == 0, f"{path}: {said}"
    return Took(seconds, sum(work.values()), sum(peaks.values()))


def _megabytes(process: Path) -> float:
    """The peak memory of a process. Source: proc_pid_status(5)."""
    (line,) = (line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _work(process: Path) -> float:
    """The processor time of a process, in seconds. Source: proc_pid_stat(5)."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(path: Path, rows: int, tokens: float, runs: int) -> Iterator[Row]:
    """Tokens in a second of work, and how much faster two processes are, by the clock."""
    took: dict[int, list[Took]] = {1: [], 2: []}
    for _ in range(runs):
        for jobs, found in took.items():
            found.append(validated(path, jobs))
    work = {jobs: statistics.median(each.work for each in found) for jobs, found in took.items()}
    one, two = (statistics.median(each.seconds for each in found) for found in took.values())
    for jobs, seconds in work.items():
        yield _speed(rows, jobs, tokens, seconds)
    yield Row(f"{rows:,} rows, jobs 2", "jobs 1", "s", two, one, Target(1.7, True))


def _speed(rows: int, jobs: int, tokens: float, work: float) -> Row:
    speed = rows * tokens / work / 1e6
    return Row(f"{rows:,} rows, jobs {jobs}", "", "M tokens/s per core", speed, None, Target(0.5, True))


def growth(small: Path, large: Path, rows: int, larger: int, tokens: float) -> Iterator[Row]:
    """Tokens in a second of work on a large file, and the peak memory of all processes beside that on a small one."""
    few, many = validated(small, 2), validated(large, 2)
    yield _speed(larger, 2, tokens, many.work)
    memory = f"peak memory, {larger:,} rows"
    yield Row(memory, f"{rows:,} rows", "MB", many.megabytes, few.megabytes, Target(1.2))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", type=click.IntRange(min=DISTINCT), default=20_000, show_default=True, help="Rows of a file.")
@click.option("--large", type=click.IntRange(min=DISTINCT), default=200_000, show_default=True, help="Of a larger one.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs to take medians of.")
def main(rows: int, large: int, runs: int) -> None:
    """Measure the validation of Parquet files; the exit status is 1 if a target is missed."""
    distinct = [row(seed) for seed in range(DISTINCT)]
    tokens = sum(map(len, distinct)) / DISTINCT
    console = Console(highlight=False)
    console.print(f"{os.cpu_count()} cores, {tokens:.0f} tokens a row, medians of {runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        small, larger = Path(folder, "small.parquet"), Path(folder, "large.parquet")
        write(small, rows, distinct)
        write(larger, large, distinct)
        found = [*throughput(small, rows, tokens, runs), *growth(small, larger, rows, large, tokens)]
    for each in found:
        beside = f", {each.against} {each.theirs:.1f}, ratio {each.ratio:.2f}" if each.theirs and each.ratio else ""
        console.print(f"{each.measured}: {each.ours:.2f} {each.unit}{beside}, target {each.target}")
    sys.exit(not all(each.reached for each in found))


if __name__ == "__main__":
    main()
