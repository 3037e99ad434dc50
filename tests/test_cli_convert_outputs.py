"""`harmony-spec convert`: the files that it writes, in one process or several, also when it is interrupted."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import parquet

from harmony_spec import to_json
from harmony_spec.linting import parquet as parquet_files
from harmony_spec.linting.jobs import MIN_PARALLEL_CHUNKS
from harmony_spec.linting.row_reading import BATCH_BYTES

from .test_cli_convert import CHAT, rows
from .test_cli_training import MESSAGES, ROW, run

COMMAND = [str(Path(sys.executable).parent / "harmony-spec"), "convert"]


def test_any_id_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    given = '{"id": "\\ud800", "messages": []}\n{"id": null, "messages": []}\n{"id": [1], "messages": []}'
    assert [row.get("id") for row in rows(run("--from", "chat", "--to", "text", "-", given=given).stdout)] == [
        "\ud800",
        None,
        [1],
    ]
    assert run("--from", "chat", "--to", "text", "-", "-o", out, given=given).exit_code == 0
    assert parquet.read_table(out)["id"].to_pylist() == ["\\ud800", None, "[1]"]


def test_ids_after_rows_without_any_are_kept(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.jsonl", "b.jsonl", "out.parquet")]
    files[0].write_text(json.dumps(CHAT))
    files[1].write_text(json.dumps(ROW))
    for order, ids in ((files[:2], [None, "a"]), (files[1::-1], ["a", None])):
        assert run("--from", "chat", "--to", "tokens", *order, "-o", files[2]).output == ""
        assert parquet.read_table(files[2])["id"].to_pylist() == ids


def test_ids_after_a_row_group_without_any_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The columns of a file are chosen with its first row group."""
    monkeypatch.setattr(parquet_files, "ROW_GROUP_BYTES", 1)
    files = [tmp_path / name for name in ("a.jsonl", "b.jsonl", "out.parquet")]
    files[0].write_text(json.dumps(CHAT))
    files[1].write_text(json.dumps(ROW))
    assert run("--from", "chat", "--to", "tokens", *files[:2], "-o", files[2]).output == ""
    assert parquet.read_table(files[2])["id"].to_pylist() == [None, "a"]


def test_rejected_rows_are_json_lines(tmp_path: Path) -> None:
    """Before, they were written into files with the names of Parquet files, which nothing read."""
    command = ["--from", "chat", "--to", "text", "-", "--rejected"]
    found = run(*command, tmp_path / "rejected.parquet", given="{}")
    assert (found.exit_code, "choose a name that ends in .jsonl" in found.stderr) == (2, True)
    assert run(*command, tmp_path / "rejected.jsonl.gz", given="{}").exit_code == 1
    assert json.loads(gzip.decompress((tmp_path / "rejected.jsonl.gz").read_bytes())) == {}


def test_no_rows_make_an_empty_file(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert run("--from", "chat", "--to", "training", "-o", out, "-", given="{").exit_code == 1
    assert parquet.read_table(out).schema.names == ["input_ids", "assistant_masks"]
    assert parquet.read_table(out).num_rows == 0


@pytest.mark.parametrize("text", ["", "\n", " \n\n"])
def test_a_file_without_rows_is_no_error(text: str, tmp_path: Path) -> None:
    """Also beside others, in both forms."""
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.parquet"
    path.write_text(text)
    for target in ("training", "tokens"):
        assert run("--from", "chat", "--to", target, "-o", out, path).output == ""
        assert parquet.read_table(out).num_rows == 0
    (tmp_path / "row.jsonl").write_text(json.dumps(ROW))
    assert run("--from", "chat", "--to", "training", "-o", out, path, tmp_path / "row.jsonl").exit_code == 0
    assert parquet.read_table(out).num_rows == 1


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows for more than one process, some of them bad."""
    path = tmp_path_factory.mktemp("rows") / "many.jsonl"
    filler = {"content": "Three. " * 500, "role": "assistant"}
    lines = [json.dumps({"id": n, "messages": [*CHAT[:3], filler]} if n % 50 else {"x": n}) for n in range(1000)]
    path.write_text("\n".join(lines))
    assert path.stat().st_size > 2 * MIN_PARALLEL_CHUNKS * BATCH_BYTES
    return path


def test_two_processes_write_what_one_writes(many: Path, tmp_path: Path) -> None:
    for suffix in ("jsonl", "parquet"):
        outs = [tmp_path / f"{jobs}.{suffix}" for jobs in "12"]
        bad = [tmp_path / f"{jobs}-{suffix}-bad.jsonl" for jobs in "12"]
        said = []
        for out, rejected in zip(outs, bad, strict=True):
            command = [*COMMAND, "--from", "chat", "--to", "training", "-j", out.name[0], many, "-o", out]
            found = subprocess.run([*command, "--rejected", rejected], capture_output=True, text=True, check=False)
            assert found.returncode == 1
            said.append(found.stderr)
        assert outs[0].read_bytes() == outs[1].read_bytes()
        assert bad[0].read_bytes() == bad[1].read_bytes()
        assert said[0] == said[1]
        assert len(bad[0].read_text().splitlines()) == said[0].count("\n") - 1 == 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_files_as_they_were(number: signal.Signals, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    command = [*COMMAND, "--from", "chat", "--to", "training", "-j", "2", many, "-", "-o", out]
    before = signal.signal(number, signal.SIG_DFL)  # `nohup` has it ignored, which processes inherit
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(number, before)
    while running.poll() is None and not any(path.stat().st_size for path in tmp_path.glob(".harmony-spec.*")):
        time.sleep(0.01)
    os.kill(running.pid, number)
    _, said = running.communicate()
    assert running.returncode == 130
    assert said.splitlines()[-1] == f"interrupted; {out} was not written"
    assert list(tmp_path.iterdir()) == [out]
    assert out.read_text() == "before"


@pytest.mark.parametrize(
    ("option", "name"),
    [("-o", "x.csv"), ("-o", "x.json"), ("-o", "x.txt.gz"), ("--rejected", "x.csv"), ("--rejected", "x.parquet")],
)
def test_a_name_says_what_a_file_holds(option: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n')
    found = run("--from", "chat", "--to", "text", str(tmp_path / "in.jsonl"), option, str(tmp_path / name))
    assert (found.exit_code, [each.name for each in tmp_path.iterdir()]) == (2, ["in.jsonl"])
    assert "would hold JSON Lines; choose a name that ends in .jsonl" in found.stderr


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.jsonl.zst", "out.parquet.zst", "OUT.PARQUET"])
def test_outputs_are_compressed_by_their_suffix(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    assert run("--from", "chat", "--to", "tokens", "-o", out, "-", given=json.dumps(ROW)).exit_code == 0
    assert out.read_bytes()[:2] in (b"\x1f\x8b", b"\x28\xb5", b"PA")
    assert rows(run("--from", "tokens", "--to", "conversation", out).stdout) == [{"id": "a", **to_json(MESSAGES)}]


def test_a_long_run_shows_its_progress(many: Path, tmp_path: Path) -> None:
    """On a terminal, with the numbers so far."""
    command = [*COMMAND, "--from", "chat", "--to", "training", str(many), "-o", str(tmp_path / "out.parquet")]
    main_end, terminal = os.openpty()
    running = subprocess.Popen([*command, "-j", "1"], stderr=terminal, env=os.environ | {"COLUMNS": "120"})
    os.close(terminal)
    said = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while data := os.read(main_end, 1 << 16):
            said += data
    os.close(main_end)
    assert running.wait() == 1
    assert re.search(rb"\d+ converted, \d+ rejected", said)
    assert b"rows, " in said


def test_keys_forge_no_lines() -> None:
    key = "x\n-:9: error: row rejected: \x1b[31m\x9b\u202e\u2028"
    function = {"name": "f", "parameters": {"type": "object", "properties": {key: {"type": "string"}}}}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": json.dumps({key: 1})}}
    lost = {"messages": [{"role": "user", "content": "Hi.", key: 1}, {"role": "assistant", "content": "Hi."}]}
    refused = {"messages": [CHAT[0], {"role": "assistant", "tool_calls": [call]}], "tools": [{"function": function}]}
    result = run("--from", "chat", "--to", "training", "-", given=f"{json.dumps(lost)}\n{json.dumps(refused)}\n")
    lost_line, refused_line, _ = result.stderr.splitlines()
    assert (lost_line[:5], refused_line[:5]) == ("-:1: ", "-:2: ")
    assert f"{lost_line}{refused_line}".isprintable()
