"""What the command line does with files that nobody meant to be read: bombs, pipes, names that are no names."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from backports import zstd
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import codec
from harmony_spec.cli import main
from harmony_spec.errors import RowError
from harmony_spec.linting import parquet as parquet_files
from harmony_spec.linting.batches import Options, Row
from harmony_spec.linting.opening import Opened
from harmony_spec.linting.outputs import OUTPUTS
from harmony_spec.linting.row_reading import BATCH_BYTES, Progress, read

GOOD = codec.EXAMPLE
LONG = GOOD.replace("<|message|>", "<|message|>" + "word " * 100, 1)


def run(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, arguments)], input=given)


# Sizes.


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 20), st.booleans())
def test_a_row_is_read_if_it_is_short_enough(sizes: list[int], limit: int, ends: bool) -> None:
    """Each line is a row, or an error with its number, and no more of it is held than the limit says."""
    data = b"\n".join(b"x" * size for size in sizes) + b"\n" * ends
    found = rows_of(data, limit)
    lines = data.splitlines(keepends=True)
    expected = {number: line for number, line in enumerate(lines, 1) if not line.isspace() or len(line) > limit}
    assert [row.number for row in found] == list(expected)
    for row in found:
        line = expected[row.number or 0]
        assert row.item == line if len(line) <= limit else isinstance(row.item, RowError)
        assert data[row.start :].startswith(line)


def rows_of(data: bytes, limit: int) -> list[Row]:
    from harmony_spec.linting.row_reading import rows_of as read_rows

    opened = Opened("file", io.BytesIO(data), io.BytesIO(data), limit)
    return [row for rows, _, _ in read_rows(opened) for row in rows]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst"])
def test_a_long_row_is_a_finding_and_the_others_are_checked(name: str, tmp_path: Path) -> None:
    rows = "".join(f"{json.dumps(text)}\n" for text in (GOOD, LONG, GOOD)).encode()
    pack = gzip.compress if name.endswith("gz") else zstd.compress if name.endswith("zst") else bytes
    (tmp_path / name).write_bytes(pack(rows))
    result = run("--max-row-bytes", len(GOOD) + 50, "--output-format", "concise", tmp_path / name)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{tmp_path / name}:2: error H303 unreadable-row: the row has more than {len(GOOD) + 50} bytes",
        "3 inputs, 2 valid, 4 messages, 1 finding",
    ]


@pytest.mark.parametrize("name", ["one.txt", "one.json", "one"])
def test_a_file_that_is_one_input_is_a_row(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LONG if name != "one.json" else json.dumps(LONG))
    assert "the row has more than 200 bytes" in run("--max-row-bytes", 200, tmp_path / name).stdout
    assert run("--max-row-bytes", 2000, tmp_path / name).exit_code == 0
    parsed = CliRunner().invoke(main, ["parse", "--max-row-bytes", "200", str(tmp_path / name)])
    assert (parsed.exit_code, "has more than 200 bytes" in parsed.stderr) == (2, True)


def test_a_long_row_of_parquet_is_a_finding(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": [GOOD, LONG]}), tmp_path / "rows.parquet")
    result = run("--max-row-bytes", len(GOOD) + 50, tmp_path / "rows.parquet")
    assert (result.exit_code, "rows.parquet:2: error H303" in result.stdout) == (1, True)


def test_a_column_counts_from_the_line_of_its_row(tmp_path: Path) -> None:
    """Not from blank lines before it."""
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(GOOD)}\n\n\n[1, x\n")
    assert f"{tmp_path / 'rows.jsonl'}:4:5: error H303" in run(tmp_path / "rows.jsonl").stdout


PACKERS = {"": (bytes, bytes), ".gz": (gzip.compress, gzip.decompress), ".zst": (zstd.compress, zstd.decompress)}


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("order", ["LB", "BL", "LGBL", "GLLBLGB", "L", " BL ", "B  L", " L B"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_long_row_is_copied_and_the_others_are_fixed(packed: str, order: str, end: str, tmp_path: Path) -> None:
    """Its bytes stay as they are, however the file is compressed and wherever it is written."""
    path, out = tmp_path / f"rows.jsonl{packed}", tmp_path / f"out.jsonl{packed}"
    pack, unpack = PACKERS[packed]
    lines = {"L": json.dumps(LONG), "G": json.dumps(GOOD), "B": json.dumps(f"<|end|>{GOOD}"), " ": ""}
    path.write_bytes(pack(("\n".join(lines[each] for each in order) + end).encode()))
    expected = ("\n".join(lines[each.replace("B", "G")] for each in order) + end).encode()
    how = ("--fix", "--max-row-bytes", len(GOOD) + 50)
    for arguments, written in ((("--fixed-output", out), out), ((), path)):
        result = run(*how, *arguments, path)
        assert (result.exit_code, unpack(written.read_bytes())) == (1, expected)
        assert result.stdout.count("H303") == order.count("L")
        assert f", {order.count('B')} fixed\n" in result.stdout or "B" not in order


@pytest.mark.parametrize("name", ["one.txt", "one.json", "one.txt.gz"])
def test_a_file_that_is_too_long_is_copied(name: str, tmp_path: Path) -> None:
    path, out = tmp_path / name, tmp_path / "out"
    pack, unpack = PACKERS.get(path.suffix, (bytes, bytes))
    path.write_bytes(pack(f"<|end|>{LONG}".encode() * 1000))
    result = run("--fix", "--max-row-bytes", 200, "--fixed-output", out, path)
    assert (result.exit_code, unpack(out.read_bytes())) == (1, unpack(path.read_bytes()))


def test_a_long_row_of_parquet_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"text": [LONG, f"<|end|>{GOOD}", LONG]}), path)
    result = run("--fix", "--max-row-bytes", len(GOOD) + 50, path)
    assert (result.exit_code, result.stdout.count("H303")) == (1, 2)
    assert parquet.read_table(path).column("text").to_pylist() == [LONG, GOOD, LONG]


@pytest.mark.parametrize("order", ["LB", "BL", "GLLBLGB", "L", " BL "])
def test_a_long_row_of_standard_input_is_copied(order: str) -> None:
    lines = {"L": json.dumps(LONG), "G": json.dumps(GOOD), "B": json.dumps(f"<|end|>{GOOD}"), " ": ""}
    given, expected = ("\n".join(lines[each] for each in each_order) for each_order in (order, order.replace("B", "G")))
    result = run("--fix", "--max-row-bytes", len(GOOD) + 50, "--input-format", "jsonl", "-", given=given.encode())
    assert (result.exit_code, result.stdout, result.stderr.count("H303")) == (1, expected, order.count("L"))


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("byte", [b"x", b"\n", b" "])
def test_a_bomb_takes_no_memory(pack: Any, byte: bytes, tmp_path: Path) -> None:
    """Whatever it holds, one line or nothing but blank ones: a few blocks."""
    size = 16 * BATCH_BYTES
    path = tmp_path / "bomb.jsonl"
    path.write_bytes(pack(byte * size))
    options = Options(frozenset(), max_row_bytes=1 << 16)
    tracemalloc.start()
    for batch in read(str(path), True, None, options, Progress()):
        assert all(isinstance(row.item, RowError) for row in batch.rows if row.item)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * BATCH_BYTES


@pytest.mark.parametrize(("names", "listed"), [([], "none"), ([f"column{n}" for n in range(5000)], " …")])
def test_errors_list_some_columns(names: list[str], listed: str, tmp_path: Path) -> None:
    """A table may have thousands of them."""
    path = tmp_path / "wide.parquet"
    parquet.write_table(pyarrow.table({name: [1] for name in names}), path)
    error = run(path).stderr
    assert (f"{listed}." in error, len(error) < 1000) == (True, True)


@pytest.mark.parametrize("value", ["x" * 50_000, [7] * 50_000])
def test_equal_values_in_parquet_take_little_memory(value: Any, tmp_path: Path) -> None:
    """The file has them once; rows that are padded to one length are like that."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"tokens": [value] * 500}), path)
    assert path.stat().st_size < 1 << 14
    sizes = [batch.size for batch in read(str(path), True, None, Options(frozenset()), Progress())]
    assert sum(sizes) >= 500 * 50_000
    assert max(sizes) <= 64 * 50_010


def test_equal_values_in_fixed_parquet_take_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row group that is large in memory is split."""
    monkeypatch.setattr(parquet_files, "ROW_GROUP_BYTES", 1 << 21)
    path, texts = tmp_path / "rows.parquet", [LONG] * 10_000
    parquet.write_table(pyarrow.table({"text": [*texts, LONG + "<|end|>"]}), path)
    assert run("--fix", path).exit_code == 0
    assert parquet.ParquetFile(path).metadata.num_row_groups > len(LONG) * 10_000 >> 22
    assert parquet.read_table(path)["text"].to_pylist() == [*texts, LONG]


def test_a_compressed_file_has_a_size(tmp_path: Path) -> None:
    """What is not compressed has that of the disk, and is read whatever it is."""
    rows = f"{json.dumps(GOOD)}\n".encode() * 10
    (tmp_path / "rows.jsonl").write_bytes(rows)
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(rows))
    result = run("--max-file-bytes", 500, tmp_path / "rows.jsonl.gz")
    assert (result.exit_code, "more than 500 bytes after decompression" in result.stderr) == (2, True)
    assert run("--max-file-bytes", 500, tmp_path / "rows.jsonl").exit_code == 0
    assert run("--max-file-bytes", len(rows), tmp_path / "rows.jsonl.gz").exit_code == 0


def test_limits_are_settings(tmp_path: Path) -> None:
    settings = tmp_path / "pyproject.toml"
    settings.write_text("[tool.harmony-spec]\nmax-row-bytes = 10\nmax-file-bytes = 1000\n")
    (tmp_path / "one.txt").write_text(GOOD)
    assert "the row has more than 10 bytes" in run(tmp_path / "one.txt").stdout
    assert run("--max-row-bytes", 1000, tmp_path / "one.txt").exit_code == 0
    settings.write_text("[tool.harmony-spec]\nmax-row-bytes = 0\n")
    assert "max-row-bytes: expected a number of bytes" in run(tmp_path / "one.txt").stderr


# What is no file.


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("pattern", ["", "*.txt"])
def test_what_is_no_file_is_skipped_and_said_once(pattern: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    (tmp_path / "link.txt").symlink_to("/dev/zero")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(tmp_path / "c.txt"))
    (tmp_path / "good.txt").write_text(GOOD)
    result = run(tmp_path / pattern if pattern else tmp_path)
    server.close()
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 input, 1 valid, 2 messages")
    assert result.stderr == f"{tmp_path / 'a.txt'} and 3 others: skipped, since it is not a regular file\n"


# What names and texts hold.

ODD = "a\nx.txt:1: error H101 missing-start: forged\r\x1b[2J\u202e\u2028.txt"


@pytest.mark.parametrize("form", OUTPUTS)
def test_a_name_forges_no_finding(form: str, tmp_path: Path) -> None:
    """Each finding is one, whatever the name of its file, and no terminal acts on it."""
    (tmp_path / ODD).write_text("<|start|>no")
    (tmp_path / "plain.txt").write_text("<|start|>no")
    odd, plain = (run("--output-format", form, tmp_path / name) for name in (ODD, "plain.txt"))
    assert len(odd.output.split("\n")) == len(plain.output.split("\n"))
    shown = odd.output.replace("\n", "")
    assert shown.isprintable() or form in ("json", "sarif")
    assert "\x1b" not in shown
    assert not any(line.startswith("x.txt") for line in odd.output.splitlines())


@pytest.mark.parametrize("arguments", [["--diff"], ["--statistics"], ["--config"], ["--tools"]])
def test_a_name_forges_nothing_else(arguments: list[str], tmp_path: Path) -> None:
    """Neither in differences nor in what is said of a file that cannot be read."""
    (tmp_path / ODD).write_text("<|end|>" + GOOD)
    files = [tmp_path / ODD, tmp_path / f"{ODD}.none"]
    result = run(*arguments, *files)
    assert not any(line.startswith("x.txt") for line in result.output.splitlines())
    assert "\x1b" not in result.output


def test_half_a_character_in_a_key_is_stored(tmp_path: Path) -> None:
    """A JSON pointer may name it; Parquet can hold it as its escape only."""
    import pyarrow.parquet

    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    (tmp_path / "tools.json").write_text(json.dumps([{"name": "f", "parameters": schema}]))
    call = '<|start|>assistant<|channel|>commentary to=functions.f json<|message|>{"\\ud800": "x"}<|call|>'
    (tmp_path / "row.txt").write_text(call)
    for name in ("out.parquet", "out.jsonl"):
        result = run("--tools", tmp_path / "tools.json", "-o", tmp_path / name, tmp_path / "row.txt")
        assert (result.exit_code, result.exception.__class__) == (1, SystemExit), result.output
    row = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()[0]
    assert [each["pointer"] for each in row["findings"] if each["pointer"]] == ["/\\ud800"]


@pytest.mark.parametrize("error", [MemoryError(), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "half a character")])
def test_what_nothing_can_be_done_about_ends_in_a_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(codec, "validate", fail)
    (tmp_path / "one.txt").write_text(GOOD)
    result = run(tmp_path / "one.txt")
    assert (result.exit_code, result.exception.__class__, len(result.stderr.splitlines())) == (2, SystemExit, 1)


def test_a_format_is_detected_within_the_limit_of_a_row(tmp_path: Path) -> None:
    """A file without a known suffix may begin with any number of blank lines."""
    path = tmp_path / "rows"
    for blank, kind in ((10, "jsonl"), (1_000, "text")):
        path.write_bytes(b"\n" * blank + b"[200006]\n[200006]\n")
        (batch,) = read(str(path), True, None, Options(frozenset(), max_row_bytes=100), Progress())
        assert batch.kind == kind
