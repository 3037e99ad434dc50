"""Where fixed rows are written: nothing is lost, and no file is overwritten that a fix is not for."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import gettempdir

import pyarrow
import pytest
from pyarrow import parquet

from harmony_spec.linting import rewriting
from harmony_spec.linting.atomic import AtomicFile

from .test_linting_fixes import BAD, GOOD, run
from .test_rewriting import CUT, PACKERS


def test_fixed_rows_go_to_another_file_or_folder(tmp_path: Path) -> None:
    path, clean, out, folder = (tmp_path / name for name in ("bad.txt", "good.txt", "out.txt", "fixed"))
    path.write_text(BAD)
    clean.write_text(GOOD)
    folder.mkdir()
    assert run("--fix", "--fixed-output", out, path).exit_code == 0
    assert (path.read_text(), out.read_text()) == (BAD, GOOD)
    assert run("--fix", "--fixed-output", folder, path, clean).exit_code == 0
    assert {each.name: each.read_text() for each in folder.iterdir()} == {"bad.txt": GOOD, "good.txt": GOOD}
    assert run("--fix", "--fixed-output", out, "-", given=BAD).stdout == "1 input, 1 valid, 1 message, 1 fixed\n"
    for arguments in ((out, path, clean), (path, path)):
        result = run("--fix", "--fixed-output", *arguments)
        assert (result.exit_code, path.read_text(), clean.read_text()) == (2, BAD, GOOD)
    for options in (("--fixed-output", out), ("--backup", ".orig"), ("--fix", "--fixed-output", out, "--backup", "x")):
        assert run(*options, path).exit_code == 2


def test_a_backup_is_kept_and_never_replaced(tmp_path: Path) -> None:
    path, kept = tmp_path / "bad.txt", tmp_path / "bad.txt.orig"
    path.write_text(BAD)
    assert run("--fix", "--backup", ".orig", path).exit_code == 0
    assert (path.read_text(), kept.read_text()) == (GOOD, BAD)
    assert run("--fix", "--backup", ".orig", path).exit_code == 0
    path.write_text(BAD + "\n")
    result = run("--fix", "--backup", ".orig", path)
    assert (result.exit_code, path.read_text(), kept.read_text()) == (2, BAD + "\n", BAD)
    assert "the backup already exists" in result.stderr
    assert {each.name for each in tmp_path.iterdir()} == {"bad.txt", "bad.txt.orig"}


def other_content(path: Path) -> None:
    path.write_text(GOOD + GOOD)


def other_time(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def other_file(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.write_text(BAD)


def a_link(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.symlink_to(path.with_suffix(".old"))


def nothing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("kind", ["txt", "parquet"])
@pytest.mark.parametrize("change", [other_content, other_time, other_file, a_link, nothing])
def test_a_file_that_changed_meanwhile_is_left_alone(
    change: Callable[[Path], None], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"bad.{kind}"
    path.write_text(BAD)
    if kind == "parquet":
        parquet.write_table(pyarrow.table({"text": [BAD]}), path)
    before = AtomicFile.commit

    def commit(atomic: AtomicFile) -> None:
        change(path)
        before(atomic)

    monkeypatch.setattr(AtomicFile, "commit", commit)
    result = run("--fix", path)
    assert (result.exit_code, "changed while it was checked" in result.stderr) == (2, True), result.stderr
    assert "<|end|><|end|>" in path.read_text(errors="replace") if change in (other_time, other_file, a_link) else True
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


@pytest.mark.parametrize("packed", PACKERS)
def test_a_full_disk_leaves_no_file_behind(packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with the results that are written beside it."""
    path, last = tmp_path / f"bad.txt{packed}", tmp_path / "last.txt"
    data = PACKERS[packed][0](BAD.encode())
    for each in (path, last):
        each.write_bytes(data)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")

    monkeypatch.setattr(os, "fsync", full)
    for arguments in ((path, last), (path,), ("-o", tmp_path / "a.jsonl", path, last)):
        result = run("--fix", *arguments)
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "a file: No space left on device")
        assert (path.read_bytes(), set(tmp_path.iterdir())) == (data, {path, last})


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "bad.txt", tmp_path / "link.txt"
    path.write_text(BAD)
    path.chmod(0o640)
    link.symlink_to(path)
    assert run("--fix", link).exit_code == 0
    assert (link.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (True, GOOD, 0o640)
    assert set(tmp_path.iterdir()) == {path, link}


def test_permissions_are_those_of_any_new_file_or_of_the_replaced_one(tmp_path: Path) -> None:
    path, before = tmp_path / "new.txt", os.umask(0o027)
    try:
        for mode in (0o640, 0o664, 0o400):
            with AtomicFile(path) as written:
                written.file.write(b"x")
                assert path.exists() or os.stat(written.file.name).st_mode & 0o777 == 0o640
                assert not path.exists() or os.stat(written.file.name).st_mode & 0o777 == 0o600
            assert path.stat().st_mode & 0o777 == mode
            path.chmod({0o640: 0o664, 0o664: 0o400, 0o400: 0o600}[mode])
    finally:
        os.umask(before)


# Nothing is lost or overwritten.


@pytest.mark.parametrize("given", ["numpy\npandas\n", "\n\n", ""])
def test_standard_input_that_is_left_alone_passes_through(given: str) -> None:
    """With a format, without one, and whatever is skipped."""
    for options in (("--skip-others",), ("--skip-others", "--input-format", "jsonl")):
        if given.strip() and len(options) > 1:
            continue
        assert run("--fix", *options, "-", given=given).stdout == given


@pytest.mark.parametrize("content", ["", "\n\n", "numpy\n", '"numpy"\n'])
def test_an_output_is_there_whatever_is_skipped(content: str, tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    path.write_text(content)
    run("--fix", "--skip-others", "--fixed-output", out, path)
    assert out.read_text() == content


def test_no_output_is_a_file_that_is_read_or_written(tmp_path: Path) -> None:
    folder, other = tmp_path / "in", tmp_path / "other"
    for each in (folder, other):
        each.mkdir()
        (each / "x.jsonl").write_text(json.dumps(BAD))
    path, out = folder / "x.jsonl", tmp_path / "out"
    refused = [
        ("--fixed-output", folder, path),
        ("--fixed-output", path, folder),
        ("--fixed-output", "", path),
        ("--fixed-output", "-", path),
        ("--fixed-output", "/dev/stdout", path),
        ("--fixed-output", f"{out}/", path),
        ("--fixed-output", out, path, other / "x.jsonl"),
        ("--fixed-output", tmp_path, path, other / "x.jsonl"),
        ("-o", path, folder),
        ("-o", tmp_path / "a.jsonl", "--fixed-output", tmp_path / "a.jsonl", path),
        ("-o", folder / "x.jsonl.jsonl", "--backup", ".jsonl", path),
    ]
    for arguments in refused:
        result = run("--fix", *arguments)
        assert (result.exit_code, path.read_text()) == (2, json.dumps(BAD)), arguments
        assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "other"]
        assert [each.name for each in folder.iterdir()] == ["x.jsonl"]


def test_a_file_with_two_names_is_fixed_once(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "l.txt"
    path.write_text(BAD)
    link.symlink_to(path)
    result = run("--fix", tmp_path, path, link)
    assert (result.exit_code, result.stdout) == (0, "1 input, 1 valid, 1 message, 1 fixed\n")


def test_a_file_that_cannot_be_written_does_not_end_the_run(tmp_path: Path) -> None:
    """Valid files need not be writable; their names may be as long as any."""
    (tmp_path / f"{'n' * 250}.txt").write_text(GOOD)
    for name in ("b.txt", "c.txt"):
        (tmp_path / name).write_text(BAD)
    (tmp_path / "b.txt.o").write_text("mine")
    result = run("--fix", "--backup", ".o", tmp_path)
    assert (result.exit_code, "the backup already exists" in result.stderr) == (2, True)
    assert [(tmp_path / name).read_text() for name in ("b.txt", "c.txt", "b.txt.o")] == [BAD, GOOD, "mine"]
    assert result.stdout.endswith(" 1 finding ([*] 1 fixable with --fix), 1 fixed, 1 file not written\n")


@pytest.mark.parametrize("held_bytes", [0, 1 << 24])
def test_fixes_of_a_file_that_is_not_written_are_not_reported(
    held_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its findings stay findings, at the places that they have in the file; held in memory or on the disk."""
    monkeypatch.setattr(rewriting, "MAX_HELD_BYTES", held_bytes)
    path, out = tmp_path / "rows.jsonl", tmp_path / "found.jsonl"
    path.write_text("\n".join(map(json.dumps, (GOOD, BAD, CUT, BAD))))
    without = run("-o", out, path)
    expected = [json.loads(line) for line in out.read_text().splitlines()]
    path.with_suffix(".jsonl.o").write_text("mine")
    result = run("--fix", "--backup", ".o", "-o", out, path)
    assert result.exit_code == 2
    assert [json.loads(line) for line in out.read_text().splitlines()] == expected
    assert result.stdout == without.stdout.replace(
        "with --fixable CODES)\n", "with --fixable CODES), 1 file not written\n"
    )


def test_rows_after_a_failed_write_are_still_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, (BAD, GOOD, BAD))))
    without = run(path).stdout

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(rewriting, "pieces", full)
    result = run("--fix", path)
    assert (result.exit_code, result.stderr) == (2, f"{path}: No space left on device\n")
    assert result.stdout == without.replace("with --fix)\n", "with --fix), 1 file not written\n")


def test_a_full_temporary_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(BAD))

    class Full(io.BytesIO):
        def write(self, *_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(rewriting, "SpooledTemporaryFile", lambda _: Full())
    result = run("--fix", path)
    reason = f"{gettempdir()}: No space left on device; TMPDIR names another folder for copies\n"
    assert (result.exit_code, result.stderr) == (2, reason)
    assert path.read_text() == json.dumps(BAD)


def test_rows_of_a_file_that_breaks_off_are_not_fixed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    lines = [json.dumps({"id": Random(n).randbytes(5_000).hex(), "text": BAD}) for n in range(200)]
    path.write_bytes(gzip.compress("\n".join(lines).encode())[:-20])
    result = run("--fix", "--output-format", "concise", path)
    *found, summary = result.stdout.splitlines()
    assert (result.exit_code, "fixed" in summary, summary.endswith(", 1 file not read")) == (2, False, True)
    assert 0 < len(found) == sum("[*]" in line for line in found)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("groups", [0, 1])
def test_a_file_without_rows_is_skipped_and_copied(suffix: str, groups: int, tmp_path: Path) -> None:
    path, out = tmp_path / f"empty{suffix}", tmp_path / f"out{suffix}"
    if suffix == ".parquet":
        table = pyarrow.table({"tokens": pyarrow.array([], pyarrow.list_(pyarrow.uint32())), "when": [None][:0]})
        with parquet.ParquetWriter(path, table.schema) as writer:
            for _ in range(groups):
                writer.write_table(table)
    else:
        path.write_text("\n" * groups)
    summary = "0 inputs, 0 valid, 0 messages, skipped 1 file without special tokens or rows\n"
    assert run(path).stdout == summary
    assert run("--fix", "--fixed-output", out, path).stdout == summary
    read = parquet.read_table if suffix == ".parquet" else Path.read_bytes
    assert read(out) == read(path)
