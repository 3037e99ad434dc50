"""Baselines: recorded findings are not reported again, whatever moves; new ones are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec.cli import main

from .conftest import examples
from .conversation_strategies import transcript
from .planted_mistakes import PLANTED
from .planting import Planted
from .recovery_strategies import tokens_of
from .test_fixes import damaged_text

GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = GOOD + "<|end|>"
FINAL = "<|start|>assistant<|channel|>final"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        main, ["validate", "--isolated", "-j", "1", "--output-format", "json", *map(str, arguments)]
    )


def found(*arguments: object) -> list[dict[str, Any]]:
    result = run(*arguments)
    assert result.exit_code in (0, 1), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def write_rows(path: Path, values: list[Any]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


@contextmanager
def recorded(values: list[Any]) -> Iterator[tuple[Path, Path]]:
    """A file of rows, and its baseline."""
    with tempfile.TemporaryDirectory() as folder:
        rows, baseline = Path(folder) / "rows.jsonl", Path(folder) / "baseline.json"
        write_rows(rows, values)
        result = run("--write-baseline", baseline, rows)
        assert (result.exit_code, result.stdout) == (0, "")
        yield rows, baseline


@st.composite
def damaged(draw: st.DrawFn) -> str | list[int]:
    rng = Random(draw(st.integers(0, 2**32)))
    text = damaged_text(rng, transcript(rng, "transcript").text())
    return tokens_of(text) if draw(st.booleans()) else text


unreadable = st.sampled_from([1, {"x": 1}, {"messages": [{"role": "user"}]}])
row_lists = st.lists(damaged() | unreadable, min_size=1, max_size=6)


@examples(80)
@given(row_lists, st.randoms(use_true_random=False))
def test_recorded_findings_are_not_reported_again(values: list[Any], rng: Any) -> None:
    """Neither as they are nor with the rows in another order; and two runs write the same baseline."""
    with recorded(values) as (rows, baseline):
        total = len(found(rows))
        text = baseline.read_text()
        assert (
            sum(n for codes in json.loads(text)["files"].values() for c in codes.values() for n in c.values()) == total
        )
        result = run("--baseline", baseline, rows)
        assert (result.exit_code, result.stdout) == (0, "")
        assert (f"{total} in the baseline" in result.stderr) == bool(total)
        rng.shuffle(values)
        write_rows(rows, values)
        assert found("--baseline", baseline, rows) == []
        run("--write-baseline", baseline, rows)
        assert baseline.read_text() == text


@examples(80)
@given(
    row_lists, st.sampled_from(sorted(PLANTED)).flatmap(lambda name: st.tuples(st.just(name), PLANTED[name])), st.data()
)
def test_a_new_mistake_is_found(values: list[Any], planted: tuple[str, Planted], data: st.DataObject) -> None:
    """In a row of its own, anywhere; all other findings stay known."""
    name, mistake = planted
    if mistake.start != "transcript" or mistake.given:
        return
    with recorded(values) as (rows, baseline):
        at = data.draw(st.integers(0, len(values)))
        write_rows(rows, [*values[:at], mistake.source, *values[at:]])
        new = found("--baseline", baseline, rows)
        expected = found("--select", name, rows)
        assert {each["row"] for each in new} <= {at + 1}
        if at + 1 in {each["row"] for each in expected} and mistake.source not in values:
            assert name in {each["name"] for each in new}


@examples(80)
@given(row_lists, st.data())
def test_a_mistake_in_a_known_row_is_found(values: list[Any], data: st.DataObject) -> None:
    """Findings of the other messages stay known, in the row and in the file."""
    with recorded(values) as (rows, baseline):
        at = data.draw(st.integers(0, len(values) - 1))
        if not isinstance(values[at], str) or not values[at].endswith("<|end|>"):
            return
        write_rows(rows, [*values[:at], values[at] + "<|start|>user<|message|>x<|end|><|end|>", *values[at + 1 :]])
        new = found("--baseline", baseline, rows)
        assert {each["row"] for each in new} == {at + 1}
        assert "H115" in {each["code"] for each in new}


def test_messages_are_known_by_their_content(tmp_path: Path) -> None:
    """In a text of several messages, whatever is before and after them."""
    path, baseline = tmp_path / "a.txt", tmp_path / "baseline.json"
    bad = "<|start|>assistant<|channel|>analysis<|channel|>final<|message|>x<|end|>"
    path.write_text(GOOD + bad)
    run("--write-baseline", baseline, path)
    path.write_text(GOOD * 3 + bad + GOOD)
    assert found("--baseline", baseline, path) == []
    path.write_text(bad + GOOD + bad)
    assert [each["code"] for each in found("--baseline", baseline, path)] == ["H134"]
    path.write_text(bad.replace("x", "y"))
    assert [each["code"] for each in found("--baseline", baseline, path)] == ["H134"]


def test_files_of_all_kinds_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the baseline, so the working directory does not matter; standard input is `-`."""
    data = tmp_path / "data"
    data.mkdir()
    parquet.write_table(pyarrow.table({"text": [GOOD, BAD, BAD]}), data / "rows.parquet")
    (data / "one.json").write_text(json.dumps(tokens_of(BAD)))
    (data / "one.txt").write_text(BAD)
    baseline = tmp_path / "base" / "line.json"
    baseline.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    run("--write-baseline", "base/line.json", "data")
    assert list(json.loads(baseline.read_text())["files"]) == [
        "../data/one.json",
        "../data/one.txt",
        "../data/rows.parquet",
    ]
    monkeypatch.chdir(data)
    assert found("--baseline", baseline, ".") == []
    assert found("--baseline", baseline, data / "one.txt", "one.json") == []
    result = CliRunner().invoke(main, ["validate", "--write-baseline", "../b.json", "-"], input=BAD)
    assert (result.exit_code, result.stdout) == (0, "1 input, 1 valid, 1 message, 1 in the baseline\n")
    result = CliRunner().invoke(main, ["validate", "--baseline", "../b.json", "-"], input=BAD)
    assert (result.exit_code, result.stdout) == (0, "1 input, 1 valid, 1 message, 1 in the baseline\n")


def test_what_fixes_leave_is_still_known(tmp_path: Path) -> None:
    """The fix changes the message that has the other finding."""
    rows, baseline = tmp_path / "rows.jsonl", tmp_path / "b.json"
    write_rows(rows, [f"{FINAL}<|message|>a<|end|>{FINAL.replace('<|channel', ' <|channel')}<|message|>b<|end|>"])
    before = {each["code"] for each in found(rows)}
    run("--write-baseline", baseline, rows)
    left = {each["code"] for each in found("--fix", "--fixed-output", tmp_path / "fixed.jsonl", rows)}
    assert left
    assert left < before
    assert found("--baseline", baseline, "--fix", "--fixed-output", tmp_path / "other.jsonl", rows) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory"),
        ("{", "not JSON: "),
        ("[]", "not a baseline; write one with --write-baseline"),
        ("{}", "not a baseline; write one with --write-baseline"),
        ('{"version": 1}', "not a baseline; write one with --write-baseline"),
        ('{"version": true, "files": {}}', "not a baseline; write one with --write-baseline"),
        ('{"version": 1, "files": {"a": {"H1": {"x": 0}}}}', "not a baseline; write one with --write-baseline"),
        ('{"version": 1, "files": {"a": {"H1": ["x"]}}}', "not a baseline; write one with --write-baseline"),
        ('{"version": 2, "files": {}}', "not a baseline; write one with --write-baseline"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    (tmp_path / "a.txt").write_text(BAD)
    if text is not None:
        path.write_text(text)
    result = run("--baseline", path, tmp_path / "a.txt")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"{path}:")
    assert message in result.stderr


def test_only_baselines_are_replaced(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, [BAD])
    for name in ("rows.jsonl", "other.json"):
        (tmp_path / "other.json").write_text('{"version": 3}')
        before = (tmp_path / name).read_text()
        result = run("--write-baseline", tmp_path / name, rows)
        assert (result.exit_code, "not a baseline; pass the name of a new file" in result.stderr) == (2, True)
        assert (tmp_path / name).read_text() == before
    (tmp_path / "other.json").write_text('{"version": 1, "files": {}}')
    assert run("--write-baseline", tmp_path / "other.json", rows).exit_code == 0
    assert found("--baseline", tmp_path / "other.json", rows) == []


@pytest.mark.parametrize(
    "options", [["--fix"], ["--diff"], ["--baseline", "b.json"], ["-o", "new.jsonl", "--write-baseline", "new.jsonl"]]
)
def test_contradicting_options_are_refused(options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(BAD)
    (tmp_path / "b.json").write_text('{"version": 1, "files": {}}')
    form = ["--output-format", "human"]
    result = run(*form, "--write-baseline", "new.json", *options, "a.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--write-baseline" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.json"]


def test_a_finding_after_the_last_message_is_known_by_that_message(tmp_path: Path) -> None:
    """Another text with the same stray token has a new finding."""
    file, baseline = tmp_path / "a.txt", tmp_path / "baseline.json"
    file.write_text(BAD)
    run(file, "--write-baseline", baseline)
    assert found(file, "--baseline", baseline) == []
    file.write_text(BAD.replace("hi", "Something else."))
    assert len(found(file, "--baseline", baseline)) == 1


def test_rows_that_are_too_long_are_counted(tmp_path: Path) -> None:
    """They are not read, so that there is nothing to know them by."""
    file, baseline = tmp_path / "a.jsonl", tmp_path / "baseline.json"
    write_rows(file, [{"text": "x" * 500}])
    run(file, "--max-row-bytes", 100, "--write-baseline", baseline)
    assert found(file, "--max-row-bytes", 100, "--baseline", baseline) == []
    write_rows(file, [{"text": "y" * 900}] * 2)
    assert len(found(file, "--max-row-bytes", 100, "--baseline", baseline)) == 1


def test_a_baseline_is_not_replaced_by_an_incomplete_one(tmp_path: Path) -> None:
    first, second, baseline = (tmp_path / name for name in ("a.txt", "b.txt", "baseline.json"))
    first.write_text(BAD)
    second.write_text(BAD)
    run(first, second, "--write-baseline", baseline)
    before = baseline.read_text()
    second.unlink()
    assert run(first, second, "--write-baseline", baseline).exit_code == 2
    assert baseline.read_text() == before


@pytest.mark.parametrize("option", ["--baseline", "--write-baseline"])
def test_a_baseline_has_a_name(option: str) -> None:
    refused = run(option, "", "-")
    assert (refused.exit_code, "the name is empty" in refused.stderr) == (2, True)
