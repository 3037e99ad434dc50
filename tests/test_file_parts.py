"""Parts of files, as workers of Daft read them: together they are the file, wherever it is cut."""

from __future__ import annotations

import gzip
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import codec, render
from harmony_spec.cli import main
from harmony_spec.linting import Checked, InputError, Settings, SettingsError, daft_runs, lint, row_reading
from harmony_spec.linting.batches import Batch
from harmony_spec.linting.checking import check
from harmony_spec.linting.lint import run_files
from harmony_spec.linting.opening import open_input
from harmony_spec.linting.row_reading import Progress
from harmony_spec.linting.settings import NO_SETTINGS, options_of

TOKENS = render(codec.parse("<|start|>user<|message|>hi<|end|>").messages)
ROWS = [
    *(json.dumps({"id": 1, "tokens": tokens}).encode() for tokens in (TOKENS, TOKENS[:-1], [*TOKENS, 200007], [])),
    *(b"", b" ", b"\r", b"{", b"[]", b"\xff", b'"text"', b'{"tokens": "\\ud800"}', b"x" * 300, b'{"other": 1}'),
]
lines = st.lists(st.sampled_from(ROWS), min_size=1, max_size=12).map(b"\n".join)
sizes = st.integers(1, 400)


@pytest.fixture(scope="module", autouse=True)
def without_daft() -> Iterator[None]:
    """Its place is taken by a loop; parts are pickled as for workers."""

    def mapped(parts: list[Any], function: Callable[[Any], Any]) -> Iterator[Any]:
        return (pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(part))))) for part in parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daft_runs, "start", lambda address: None)
        patch.setattr(daft_runs, "_mapped", mapped)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


def run(path: Path, size: int, settings: Settings = NO_SETTINGS) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daft_runs, "PART_BYTES", size)
        options = options_of(settings)
        return list(run_files([str(path)], lambda _: False, lambda _: options, Progress(), check, "daft", None, None))


def alone(path: Path, settings: Settings = NO_SETTINGS) -> list[Any]:
    return list(lint([path], settings, isolated=True, spans=True, jobs=1))


def texts(found: list[Any]) -> list[Any]:
    return [str(each) if isinstance(each, InputError) else each for each in found]


@given(lines, sizes)
def test_lines_are_read_once_wherever_they_are_cut(folder: Path, data: bytes, size: int) -> None:
    """With their numbers and findings, also blank, invalid and long ones."""
    path = folder / "rows.jsonl"
    path.write_bytes(data)
    settings = Settings(max_row_bytes=200)
    expected = alone(path, settings)
    if not data.strip() and len(data) > size:
        expected = []  # a local run skips a file without rows
    assert run(path, size, settings) == expected


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 8), st.integers(40, 2_000))
def test_row_groups_are_read_once(folder: Path, valid: list[bool], group: int, size: int) -> None:
    path = folder / "rows.parquet"
    rows = {"id": list(range(len(valid))), "tokens": [TOKENS if each else TOKENS[:-1] for each in valid]}
    schema = pyarrow.schema([("id", pyarrow.int64()), ("tokens", pyarrow.list_(pyarrow.int32()))])
    parquet.write_table(pyarrow.table(rows, schema), path, row_group_size=group)
    assert run(path, size) == alone(path)


@given(lines, sizes, st.integers(1, 100))
def test_blocks_of_any_size_have_the_same_lines(folder: Path, data: bytes, size: int, limit: int) -> None:
    """With their numbers and places; those over the limit are not read."""
    path = folder / "rows.jsonl"
    path.write_bytes(data)
    expected, start = [], 0
    for number, line in enumerate(BytesIO(data), 1):
        if len(line) > limit or not line.isspace():
            expected.append((number, line if len(line) <= limit else None, start))
        start += len(line)
    for unpacked in (path, path.with_suffix(".gz")):
        if unpacked != path:
            unpacked.write_bytes(gzip.compress(data))
        with pytest.MonkeyPatch.context() as patch, open_input(str(unpacked), limit) as opened:
            patch.setattr(row_reading, "BATCH_BYTES", size)
            blocks = [rows for rows, *_ in row_reading.rows_of(opened)]
        found = [
            (row.number, row.item if isinstance(row.item, bytes) else None, row.start)
            for rows in blocks
            for row in rows
        ]
        assert found == expected


def test_compressed_files_are_one_part(folder: Path) -> None:
    path = folder / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(ROWS)))
    assert run(path, 10) == alone(path)


def test_errors_of_files_stand_at_their_places(folder: Path) -> None:
    """Each once; other files are still read."""
    good, broken, other = folder / "good.jsonl", folder / "broken.parquet", folder / "other.txt"
    good.write_bytes(ROWS[1] + b"\n")
    broken.write_bytes(b"PAR1" * 100)
    other.write_text("<|start|>user<|message|>hi<|end|>")
    names = [str(each) for each in (broken, good, other, folder / "none.jsonl", good)] + ["-", str(folder / "none*")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daft_runs, "PART_BYTES", 100)
        options = options_of(Settings())
        found = texts(list(run_files(names, lambda _: False, lambda _: options, Progress(), check, "daft", None, None)))
    assert [each if isinstance(each, str) else each.name for each in found] == [
        texts(alone(broken))[0],
        str(good),
        f"{other}: --runner daft reads JSON Lines and Parquet only",
        f"{folder / 'none.jsonl'}: No such file or directory",
        "-: workers cannot read standard input",
        f"{folder / 'none*'}: no file matches this pattern",
    ]


def test_a_broken_row_group_is_named(folder: Path) -> None:
    """Once; the rows of other parts are checked."""
    path = folder / "broken.parquet"
    rows = pyarrow.table({"tokens": [TOKENS * (number % 50 + 1) for number in range(4_000)]})
    parquet.write_table(rows, path, row_group_size=1_000, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    middle = parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(data)
    found = run(path, 100_000)
    (error,) = (each for each in found if isinstance(each, InputError))
    assert str(error).startswith(f"{path}: the Parquet file cannot be read in row group 2, after row 1000: ")
    numbers = [each.row for each in found if isinstance(each, Checked)]
    assert numbers == [*range(1, 1_001), *range(2_001, 4_001)]


def fails(batch: Batch) -> list[Checked]:
    raise RecursionError("too\ndeep")


def test_an_unexpected_error_is_a_result(folder: Path) -> None:
    """One that is raised would end the run of all files."""
    path = folder / "rows.jsonl"
    path.write_bytes(ROWS[0])
    options = options_of(Settings())
    found = list(run_files([str(path)], lambda _: False, lambda _: options, Progress(), fails, "daft", None, None))
    assert texts(found) == [f"{path}: rows after byte 0 cannot be checked: RecursionError: too deep"]


def test_both_commands_take_it(folder: Path) -> None:
    """With the output of a local run."""
    path = folder / "rows.jsonl"
    path.write_bytes(b"\n".join(ROWS))
    for command in (["validate", "--isolated"], ["convert", "--from", "tokens", "--to", "text"]):
        runs = [CliRunner().invoke(main, [*command, *runner, str(path)]) for runner in ([], ["--runner", "daft"])]
        assert runs[0].output == runs[1].output != ""
        assert runs[0].exit_code == runs[1].exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("validate", "--runner", "daft", "--fix"), "--runner daft changes no files"),
        (("validate", "--runner", "daft", "--diff"), "--runner daft changes no files"),
        (("validate", "--runner", "daft", "-j", "2"), "--jobs cannot be combined with --runner daft"),
        (("validate", "--address", "auto"), "--address requires --runner daft"),
        (("convert", "--from", "tokens", "--to", "text", "--address", "auto"), "--address requires --runner daft"),
    ],
)
def test_options_of_the_other_runner_are_refused(arguments: tuple[str, ...], reason: str) -> None:
    result = CliRunner().invoke(main, [*arguments, "rows.jsonl"])
    assert (result.exit_code, reason in result.stderr) == (2, True)


def test_lint_refuses_fixes() -> None:
    with pytest.raises(SettingsError, match="changes no files"):
        lint(["rows.jsonl"], runner="daft", fix=True)


def test_without_daft_the_extra_is_named() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "daft", None)
        patch.setattr(daft_runs, "start", START)
        result = CliRunner().invoke(main, ["validate", "--runner", "daft", "rows.jsonl"])
    assert (result.exit_code, daft_runs.NO_DAFT in result.stderr) == (2, True)


START = daft_runs.start
