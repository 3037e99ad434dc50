"""Runs that cannot go on: each ends with one clear error, and leaves no torn file."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from harmony_spec.codegen import GRAMMAR, generate
from pyarrow import parquet

from harmony_spec import codec, render
from harmony_spec.cli import application
from harmony_spec.linting import Checked, InputError, Settings, lint
from harmony_spec.linting.jobs import ENDED_EARLY, MIN_PARALLEL_CHUNKS
from harmony_spec.linting.row_reading import BATCH_BYTES
from harmony_spec.view.terminal_text import printable_name

from .test_linting_jobs import LARGE, TOKENS, processes_of

COMMAND = str(Path(sys.executable).parent / "harmony-spec")
LINE = json.dumps(LARGE) + "\n"
BAD = [*TOKENS, 200007]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows for other processes."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text(LINE * (8 * MIN_PARALLEL_CHUNKS * BATCH_BYTES // len(LINE)))
    return path


KILLER = """
import multiprocessing, os

def killing(function):
    def call(*given, **options):
        if multiprocessing.parent_process():
            os.kill(os.getpid(), 9)
        return function(*given, **options)
    return call

validate, recover, parse = map(killing, (validate, recover, parse))
"""


SLEEPER = KILLER.replace("os.kill(os.getpid(), 9)", "__import__('time').sleep(20)")


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def commands(rows: Path, out: Path) -> list[list[object]]:
    """What writes a file from rows."""
    return [
        ["validate", "--isolated", "-j", "2", "-o", out, rows],
        ["convert", "-j", "2", "--from", "tokens", "--to", "text", "-o", out, rows],
    ]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_worker_that_is_killed(rows: Path, number: int, suffix: str, tmp_path: Path) -> None:
    """As by a system without memory. This codec kills the worker that calls it."""
    out, module = tmp_path / f"out{suffix}", tmp_path / "killer.py"
    out.write_text("before")
    module.write_text(generate(GRAMMAR) + KILLER, encoding="utf-8")
    result = run(*commands(rows, out)[number], "--codec", module)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"{ENDED_EARLY}\n")
    assert (out.read_text(), {each.name for each in tmp_path.iterdir()}) == ("before", {module.name, out.name})


def limited() -> None:
    """Let this process write only short files. Python then raises `OSError`, as for a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, 1 << 12))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_disk_that_is_full(number: int, suffix: str, tmp_path: Path) -> None:
    out, rows = tmp_path / f"out{suffix}", tmp_path / "rows.jsonl"
    out.write_text("before")
    different = [render(codec.parse(f"<|start|>user<|message|>{n} {n * n}<|end|>").messages) for n in range(3000)]
    rows.write_text("".join(json.dumps({"id": n, "tokens": each}) + "\n" for n, each in enumerate(different)))
    result = run(*commands(rows, out)[number], preexec_fn=limited)
    assert (result.returncode, result.stderr) == (2, f"{out}: it cannot be written: File too large\n")
    assert (out.read_text(), len(list(tmp_path.iterdir()))) == ("before", 2)


def test_a_disk_that_is_full_keeps_the_file_to_be_fixed(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"tokens": BAD, "filler": "x" * 9000}) + "\n")
    before = rows.read_bytes()
    result = run("validate", "--isolated", "--fix", rows, preexec_fn=limited)
    assert (result.returncode, result.stderr) == (2, f"{rows}: it cannot be written: File too large\n")
    assert (rows.read_bytes(), len(list(tmp_path.iterdir()))) == (before, 1)


def test_rows_before_a_damaged_page_are_checked(tmp_path: Path) -> None:
    """Batches that are read are joined. Those before the damaged one are not lost."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(
        pyarrow.table({"tokens": [TOKENS] * 2000}), path, use_dictionary=False, write_page_checksum=True,
        data_page_size=1000, write_batch_size=10, compression="none",
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    *checked, error = lint(path, isolated=True, jobs=1)
    assert [each.row for each in checked] == list(range(1, len(checked) + 1))
    assert 900 <= len(checked) < 1100
    assert str(error).startswith(f"{path}: the Parquet file cannot be read in row group 1, after row {len(checked)}: ")


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_row_group_that_cannot_be_read(compression: str, tmp_path: Path) -> None:
    """Rows before it are checked. Other files are, too. With checksums, no changed byte is read as a token."""
    path, out = tmp_path / "rows.parquet", tmp_path / "out.jsonl"
    table = pyarrow.table({"tokens": [BAD if n % 100 == 0 else TOKENS for n in range(1000)]})
    parquet.write_table(
        table, path, row_group_size=250, compression=compression, use_dictionary=False, write_page_checksum=True
    )
    group = parquet.ParquetFile(path).metadata.row_group(2).column(0)
    data = bytearray(path.read_bytes())
    for at in range(group.data_page_offset + 60, group.data_page_offset + 90):
        data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    (tmp_path / "z.txt").write_text("<|start|>user<|message|>hi<|end|>")
    found = list(lint([path, tmp_path / "z.txt"], isolated=True, jobs=1))
    (error,) = (each for each in found if isinstance(each, InputError))
    assert str(error).startswith(f"{path}: the Parquet file cannot be read in row group 3, after row 500: ")
    checked = [each for each in found if isinstance(each, Checked)]
    assert [each.row for each in checked] == [*range(1, 501), None]
    out.write_text("before")
    result = run("validate", "--isolated", "-q", "-o", out, path)
    assert (result.returncode, result.stderr) == (2, f"{printable_name(str(error))}\n")
    assert [json.loads(line)["row"] for line in out.read_text().splitlines()] == [*range(1, 501)]
    fixed = run("validate", "--isolated", "--fix", "-q", path)
    assert (fixed.returncode, fixed.stderr, path.read_bytes()) == (
        2,
        result.stderr,
        bytes(data),
    )


def test_a_damaged_column_beside_the_fixed_one_is_not_made_whole(tmp_path: Path) -> None:
    """Its checksum shows the damage; a copy with a new checksum would hide it."""
    path, fine = tmp_path / "rows.parquet", tmp_path / "fine.parquet"
    table = pyarrow.table({"tokens": [BAD] * 100, "score": [float(number) for number in range(100)]})
    options: dict[str, Any] = {"use_dictionary": False, "compression": "none", "write_page_checksum": True}
    parquet.write_table(table, path, **options)
    parquet.write_table(table, fine, **options)
    score = parquet.ParquetFile(path).metadata.row_group(0).column(1)
    data = bytearray(path.read_bytes())
    data[score.data_page_offset + score.total_compressed_size - 1] ^= 0xFF
    path.write_bytes(data)
    result = run("validate", "--isolated", "--fix", "-q", path)
    assert (result.returncode, path.read_bytes()) == (2, bytes(data))
    assert "checksum" in result.stderr
    assert run("validate", "--isolated", "--fix", "-q", fine).returncode == 0
    score = parquet.ParquetFile(fine).metadata.row_group(0).column(1)
    data = bytearray(fine.read_bytes())
    data[(score.dictionary_page_offset or score.data_page_offset) + score.total_compressed_size - 1] ^= 0xFF
    fine.write_bytes(data)
    with pytest.raises(OSError, match="checksum"):
        parquet.ParquetFile(fine, page_checksum_verification=True).read()


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_an_interruption_while_processes_start(delay: float, rows: Path) -> None:
    """It goes to all processes of a terminal."""
    process = subprocess.Popen(
        [COMMAND, "validate", "--isolated", "-j", "2", str(rows)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while len(processes_of(process.pid)) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert error == ""
    is_over = out.startswith(f"{len(rows.read_text().splitlines())} inputs, ")  # and Python may be about to exit
    assert (process.returncode, out[:13]) == (130, "interrupted: ") or (
        is_over and process.returncode in (0, -signal.SIGINT)
    )


@pytest.mark.parametrize("number", [0, 1])
def test_an_interruption_does_not_wait_for_chunks(number: int, rows: Path, tmp_path: Path) -> None:
    """Those of rows with many findings take minutes. Nothing is left of the run."""
    out, module = tmp_path / "out.jsonl", tmp_path / "sleeper.py"
    module.write_text(generate(GRAMMAR) + SLEEPER, encoding="utf-8")
    command = [COMMAND, *map(str, commands(rows, out)[number]), "--codec", str(module)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while len(processes_of(process.pid)) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None
    time.sleep(1)
    sent = time.monotonic()
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=60)[1]
    assert time.monotonic() - sent < 10
    assert (process.returncode, "Traceback" in error, processes_of(process.pid)) == (130, False, [])
    assert list(tmp_path.iterdir()) == [module]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_impatient_interruptions(first: signal.Signals, jobs: str, rows: Path, tmp_path: Path) -> None:
    """Several, at any time of a run, also while it ends: no file and no traceback is left."""
    for number in range(4):
        process = subprocess.Popen(
            [COMMAND, "validate", "--isolated", "-j", jobs, "-o", str(tmp_path / "out.jsonl"), str(rows)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".harmony-spec.*")):
            assert time.monotonic() < deadline
            assert process.poll() is None
        time.sleep(number / 10)
        for each in (first, signal.SIGINT, signal.SIGINT):
            process.send_signal(each)
            time.sleep(0.005)
        error = process.communicate(timeout=60)[1]
        assert ("Traceback" in error, list(tmp_path.glob(".*"))) == (False, [])


def test_interruptions_are_handled_until_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one, after the run and before they are ignored, printed a traceback."""
    before, handlers = signal.getsignal(signal.SIGTERM), []
    monkeypatch.setattr(application, "_end", lambda status: handlers.append((status, signal.getsignal(signal.SIGTERM))))
    monkeypatch.setattr(sys, "argv", ["harmony-spec", "rules"])
    with pytest.raises(SystemExit):
        application.main()
    ((status, handler),) = handlers
    assert (status, handler == before, signal.getsignal(signal.SIGTERM)) == (0, False, before)


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.999])
def test_blocks_of_rows_before_damage_are_checked(cut: float, tmp_path: Path) -> None:
    """Those of a compressed file that ends too early, and those before `--max-file-bytes`, whole rows only."""
    lines = [json.dumps({"text": f"<|start|>user<|message|>Hi {number}.<|end|>"}) for number in range(16_000)]
    packed = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: int(len(packed) * cut)])
    *found, error = lint(tmp_path / "cut.jsonl.gz", isolated=True)
    assert isinstance(error, InputError)
    assert [each.findings for each in found if isinstance(each, Checked)] == [[]] * len(found)
    assert len(found) > 16_000 * cut - BATCH_BYTES // 50
    (tmp_path / "cut.txt.gz").write_bytes(packed[: int(len(packed) * cut)])
    assert len(list(lint(tmp_path / "cut.txt.gz", isolated=True))) == 1
    (tmp_path / "whole.jsonl.gz").write_bytes(packed)
    *found, error = lint(tmp_path / "whole.jsonl.gz", isolated=True, settings=Settings(max_file_bytes=600_000))
    assert isinstance(error, InputError)
    assert 4_000 < len(found) < 12_000


def test_a_baseline_that_is_not_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<|start|>user<|message|>Hi")
    found = run("validate", "a.txt", "none.txt", "--write-baseline", "b.json", cwd=tmp_path)
    assert (found.returncode, found.stdout.endswith("; b.json was not written\n")) == (2, True)
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize("magic", [b"\xfd7zXZ\0", b"BZh11AY", b"PK\x03\x04", b"\x04\x22\x4d\x18"])
def test_other_compressions_are_named(magic: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.xz").write_bytes(magic)
    found = run("validate", "a.jsonl.xz", cwd=tmp_path)
    assert (found.returncode, "; only gzip and zstd are read\n" in found.stderr) == (2, True)


def test_an_odd_parquet_file_does_not_end_the_run(tmp_path: Path) -> None:
    """A column whose name is not UTF-8, dates that Python does not have, a column without a name."""
    text = "<|start|>user<|message|>Hi.<|end|>"
    parquet.write_table(pyarrow.table({"text": [text]}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes().replace(b"\x18\x04text", b"\x18\x04\xffext")
    (tmp_path / "a.parquet").write_bytes(data)
    dates = pyarrow.array([2**31 - 1, 1], type=pyarrow.int32()).view(pyarrow.date32())
    parquet.write_table(pyarrow.table({"text": [text] * 2, "id": dates}), tmp_path / "b.parquet")
    parquet.write_table(pyarrow.table({"": [text, text + "<|end|>"]}), tmp_path / "c.parquet")
    found = run("validate", "a.parquet", "b.parquet", "c.parquet", "--diff", cwd=tmp_path)
    assert found.returncode == 2
    assert "a.parquet: the Parquet file cannot be read: 'utf-8' codec" in found.stderr
    assert f'\n-"{text}<|end|>"\n+"{text}"\n' in found.stdout
    assert run("validate", "c.parquet", "--fix", cwd=tmp_path).returncode == 0
    assert parquet.read_table(tmp_path / "c.parquet")[""].to_pylist() == [text, text]
