"""Daft itself, on its native runner: `.ci/daft` runs this file; `tests/test_file_parts.py` has the rest without it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import codec, render
from harmony_spec.linting import Settings, daft_runs, lint

TOKENS = render(codec.parse("<|start|>user<|message|>hi<|end|>").messages)
BROKEN = [[*TOKENS, 200007], TOKENS[:-1], "nothing", {"none": 1}]
COMMAND = str(Path(sys.executable).parent / "harmony-spec")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of several parts; a module of a codec and tools that workers get by content."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = [{"id": n, "tokens": TOKENS if n % 7 else BROKEN[n // 7 % 4], "filler": "x" * 900} for n in range(30_000)]
    (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert (folder / "b.jsonl").stat().st_size > daft_runs.PART_BYTES
    columns = {"id": list(range(3_000)), "tokens": [TOKENS if n % 5 else TOKENS[:-1] for n in range(3_000)]}
    for name in ("a", "c"):
        parquet.write_table(pyarrow.table(columns), folder / f"{name}.parquet", row_group_size=100)
    return folder


@settings(max_examples=5, deadline=None)
@given(st.lists(st.sampled_from([TOKENS, *BROKEN]), max_size=30), st.integers(20, 400))
def test_findings_are_those_of_a_local_run(folder: Path, values: list[object], size: int) -> None:
    """On any rows in parts of any size."""
    path = folder / "drawn.jsonl.txt"
    path.write_text("\n".join(map(json.dumps, values)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daft_runs, "PART_BYTES", size)
        found = list(lint([path], kind="jsonl", isolated=True, runner="daft"))
    assert found == list(lint([path], kind="jsonl", isolated=True))


def outputs(folder: Path, command: list[str], runner: list[str], *inputs: str) -> list[bytes]:
    """Everything that a command writes."""
    written = folder.with_name("results.parquet")  # not among the inputs
    found = subprocess.run(
        [COMMAND, *command, *runner, "-o", str(written), *inputs], cwd=folder, capture_output=True, check=False
    )
    assert found.returncode == 1, found.stderr
    return [found.stdout, found.stderr, written.read_bytes()]


@pytest.mark.parametrize("command", ["validate --isolated", "convert --from tokens --to conversation"])
def test_commands_write_what_a_local_run_writes(folder: Path, command: str) -> None:
    """Sorted by file and row, byte for byte; also of a pattern, which Daft does not sort."""
    arguments, inputs = command.split(), ("*.parquet", "b.jsonl")
    assert outputs(folder, arguments, ["--runner", "daft"], *inputs) == outputs(folder, arguments, [], *inputs)


def test_urls_are_read_by_daft(folder: Path) -> None:
    """As in object stores: patterns are sorted, and names are those of Daft."""
    (names,) = {tuple(each.name for each in lint([f"file://{folder}/*.parquet"], runner="daft"))}
    assert names == tuple(f"file://{folder}/{name}.parquet" for name in "ac" for _ in range(3_000))
    by_path = list(lint([folder / "a.parquet"], isolated=True))
    by_url = list(lint([f"file://{folder}/a.parquet"], isolated=True, runner="daft"))
    assert [each.findings for each in by_url] == [each.findings for each in by_path]


def test_a_codec_and_tools_reach_workers_by_content(folder: Path, tmp_path: Path) -> None:
    """They may be deleted before the workers read anything."""
    module, tools = tmp_path / "my_codec.py", tmp_path / "tools.json"
    module.write_text(Path(str(codec.__file__)).read_text())
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "weather"}}]))
    call = "<|start|>assistant<|channel|>commentary to=functions.rain <|constrain|>json<|message|>{}<|call|>"
    (folder / "calls.jsonl").write_text(json.dumps(call) + "\n")
    checked = lint([folder / "calls.jsonl"], Settings(codec=module, tools=tools), isolated=True, runner="daft")
    module.unlink()
    tools.unlink()
    (row,) = checked
    assert [finding.code.name for finding in row.findings] == ["undeclared-tool"]


def test_each_file_is_read_once(folder: Path) -> None:
    names = [folder / "a.parquet", f"file://{folder}/a.parquet", f"file://{folder}/*.parquet"]
    assert len(list(lint(names, runner="daft"))) == 6_000
    odd = folder / "odd"  # Daft quotes nothing in URLs
    odd.mkdir()
    for name in ("p#1", "p#2", "p%201", "p 1"):
        (odd / f"{name}.jsonl").write_text(json.dumps(TOKENS) + "\n")
    assert len(list(lint([f"file://{odd}/*.jsonl"], runner="daft"))) == 4


@pytest.fixture
def many_rows(tmp_path: Path) -> Path:
    """Rows that one worker checks for several seconds."""
    path = tmp_path / "rows.jsonl"
    path.write_text((json.dumps({"tokens": TOKENS}) + "\n") * 400_000)
    return path


def started(path: Path) -> tuple[subprocess.Popen[str], list[str]]:
    """A run on a file, and the workers that it has started, once they check rows.

    Daft 0.7 waits for ever for a worker that ends before it has connected (`UdfHandle.__init__` accepts without a time
    limit). Starting takes half a second of processor time, which a busy machine gives in ten.
    """
    command = [COMMAND, "validate", "--isolated", "--runner", "daft", str(path)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(300):
        time.sleep(0.2)
        if (times := workers(run.pid)) and min(times.values()) > 0:
            return run, list(times)
    raise AssertionError("no worker checks rows")


def workers(command: int) -> dict[str, int]:
    """The workers that a command has started, with their processor time in seconds."""
    found = ["pgrep", "-P", str(command), "-f", "udf_worker"]
    numbers = subprocess.run(found, capture_output=True, text=True, check=False).stdout.split()
    listed = ["ps", "-o", "pid=,cputimes=", "-p", ",".join(numbers) or "0"]
    rows = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.splitlines()
    return {number: int(seconds) for number, seconds in map(str.split, rows)}


def test_a_worker_that_is_killed_is_one_line(many_rows: Path) -> None:
    """With the status of files that cannot be read: 1 would mean findings."""
    run, begun = started(many_rows)
    for worker in begun:
        with suppress(ProcessLookupError):
            os.kill(int(worker), signal.SIGKILL)
    error = run.communicate(timeout=60)[1]
    assert run.returncode == 2
    assert error.startswith("Daft: ")
    assert error.splitlines()[0].endswith("; run it again")


def test_workers_end_with_their_command(many_rows: Path) -> None:
    run, begun = started(many_rows)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)
    time.sleep(3)
    left = subprocess.run(["pgrep", "-f", "udf_worker"], capture_output=True, check=False).stdout.decode().split()
    assert begun
    assert not set(begun) & set(left)
