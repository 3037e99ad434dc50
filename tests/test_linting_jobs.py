"""Processes and files of results: the order of the input, whole files or none, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from harmony_spec import codec, render
from harmony_spec.linting import Checked, lint
from harmony_spec.linting.jobs import MIN_PARALLEL_CHUNKS
from harmony_spec.linting.row_reading import BATCH_BYTES

TOKENS = render(codec.parse("<|start|>user<|message|>hi<|end|>").messages)
LARGE = {"tokens": TOKENS, "filler": "x" * 20_000}
COMMAND = [str(Path(sys.executable).parent / "harmony-spec"), "validate"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than one process checks alone; one row in seven is broken, in one of several ways."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    broken = [[*TOKENS, 200007], TOKENS[:-1], "nothing", {"none": 1}]
    numbers = range(12 * MIN_PARALLEL_CHUNKS * BATCH_BYTES // 20_000)
    lines = [json.dumps(LARGE if number % 7 else broken[number // 7 % 4]) for number in numbers]
    path.write_text("\n".join(lines) + "\n{\n")
    assert path.stat().st_size > MIN_PARALLEL_CHUNKS * BATCH_BYTES
    return path


def processes_of(group: int) -> list[int]:
    """The processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (
                    os.getsid(int(entry.name)) == group
                    and "Z" not in (entry / "stat").read_text().rsplit(")", 1)[1][:3]
                ):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_two_processes_find_what_one_finds(rows: Path) -> None:
    """All rows, in the same order."""
    alone, together = (list(lint([rows], isolated=True, tokens=True, jobs=jobs)) for jobs in (1, 2))
    assert alone == together
    numbers = [found.row for found in alone if isinstance(found, Checked)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 0 < sum(bool(found.findings) for found in alone if isinstance(found, Checked)) < len(numbers)


def _count(path: Path) -> int:
    return sum(1 for _ in lint([path], isolated=True, jobs=2))


def test_workers_of_a_pool_check_alone(rows: Path) -> None:
    """They may not start processes."""
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(_count, (rows,)) == len(rows.read_text().splitlines())


def test_the_command_prints_the_same_with_any_number_of_processes(rows: Path) -> None:
    said = [
        subprocess.run(
            [*COMMAND, "--isolated", "--statistics", "-j", jobs, str(rows)], capture_output=True, check=False
        )
        for jobs in ("1", "2")
    ]
    assert said[0].returncode == said[1].returncode == 1
    assert (said[0].stdout, said[0].stderr) == (said[1].stdout, said[1].stderr)


def test_only_a_process_without_threads_is_forked() -> None:
    """Threads of native libraries count, such as that of pyarrow."""
    program = """
import sys
from threading import Event, Thread
from harmony_spec.linting import checking, jobs
print(jobs._context(checking.check).get_start_method())
event = Event()
Thread(target=event.wait, daemon=True).start()
print(jobs._context(checking.check).get_start_method())
event.set()
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.split() == ["fork", "forkserver"]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_the_command_forks_itself(suffix: str, tmp_path: Path) -> None:
    """So workers share what it has loaded; two processes and the command are all."""
    path = tmp_path / f"rows{suffix}"
    count = 12 * MIN_PARALLEL_CHUNKS * BATCH_BYTES // 20_000
    if suffix == ".parquet":
        texts = [f"<|start|>user<|message|>{'x' * 20_000}<|end|>"] * count
        parquet.write_table(pyarrow.table({"text": texts}), path, use_dictionary=False)
    else:
        path.write_text(f"{json.dumps(LARGE)}\n" * count)
    run = subprocess.Popen(
        [*COMMAND, "--isolated", "-j", "2", str(path)], stdout=subprocess.PIPE, start_new_session=True
    )
    most = 0
    while run.poll() is None:
        most = max(most, len(processes_of(run.pid)))
    run.communicate()
    assert (run.returncode, most) == (0, 3)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_results_have_all_rows(suffix: str, rows: Path, tmp_path: Path) -> None:
    path = tmp_path / f"results{suffix}"
    subprocess.run([*COMMAND, "--isolated", "-o", str(path), str(rows)], capture_output=True, check=False)
    if suffix == ".jsonl":
        found = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        found = parquet.read_table(path).to_pylist()
    assert [row["row"] for row in found] == list(range(1, len(found) + 1))
    expected = [each for each in lint([rows], isolated=True, jobs=1) if isinstance(each, Checked)]
    codes = [[finding["code"] for finding in row["findings"]] for row in found]
    assert codes == [[finding.code.code for finding in each.findings] for each in expected]
    assert [row["valid"] for row in found] == [not each for each in codes]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_killed_leaves_no_torn_file(suffix: str, kill: signal.Signals, tmp_path: Path) -> None:
    """What was there before stays; what is interrupted ends with a summary; no process lives on."""
    path = tmp_path / f"results{suffix}"
    path.write_text("before")
    fifo = tmp_path / "rows.jsonl"
    os.mkfifo(fifo)
    run = subprocess.Popen(
        [*COMMAND, "--isolated", "-j", "2", "-o", str(path), str(fifo)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job may ignore it
    )
    line = json.dumps(LARGE) + "\n"
    with fifo.open("w") as feed:
        for _ in range(32 * MIN_PARALLEL_CHUNKS * BATCH_BYTES // len(line)):
            feed.write(line)
        feed.flush()
        deadline = time.monotonic() + 60
        while not any(each.stat().st_size > 0 for each in tmp_path.glob(".harmony-spec.*")) and suffix == ".jsonl":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(run.pid, kill) if kill == signal.SIGINT else run.send_signal(kill)
        out, error = run.communicate(timeout=60)
    assert path.read_text() == "before"
    if kill == signal.SIGKILL:
        assert run.returncode == -kill
    else:
        assert (run.returncode, error) == (130, "")
        assert out.startswith("interrupted: ")
        assert out.endswith(f"; {path} was not written\n")
        assert sorted(each.name for each in tmp_path.iterdir()) == sorted([path.name, fifo.name])
    while left := processes_of(run.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
