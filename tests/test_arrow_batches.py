"""Batches of Arrow, and values in memory: the findings are those of files, whatever the types of the columns."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tracemalloc
from array import array
from functools import partial
from pathlib import Path
from typing import Any, cast

import pyarrow
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import codec, parse, recover, render
from harmony_spec.cli import main
from harmony_spec.errors import HarmonyError
from harmony_spec.linting import (
    Checked,
    InputError,
    Options,
    Settings,
    SettingsError,
    check_batch,
    check_values,
    findings_schema,
    lint,
    options_of,
)
from harmony_spec.linting.arrow_rows import ColumnRows
from harmony_spec.linting.results import describe, record_batch
from harmony_spec.vocabulary import load

from . import dialect
from .test_other_codecs import example_of

OPTIONS = options_of()
VOCABULARY = load(codec.FORMAT.encoding)
VALID = render(codec.parse("<|start|>user<|message|>hi<|end|>").messages)
ROWS = [VALID, VALID[:-1], [], [*VALID, 200007], [1, 2, 3], [199_999 + 20, 3]]
INTEGERS = ("int32", "int64", "uint32", "uint64")


@pytest.mark.parametrize("value", ["hello", b"", {"tokens": [1]}])
def test_one_value_is_no_list(value: Any) -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        next(check_values(value, OPTIONS))


@pytest.mark.parametrize("values", [[[200006.0], [1.0]], [["a"], ["b"]], [True, False], [None, None]])
def test_a_known_column_of_another_type_is_not_passed_over(values: list[Any], tmp_path: Path) -> None:
    """As in JSON Lines: other texts, such as ids, are not what its name says."""
    path = tmp_path / "rows.parquet"
    table = pyarrow.table({"note": ["", ""], "id": ["user b", "final"], "tokens": values})
    parquet.write_table(table, path)
    assert [len(row.findings) for row in lint([path], isolated=True) if isinstance(row, Checked)] == [1, 1]
    assert check_batch(table.to_batches()[0], OPTIONS).num_rows == 2


@pytest.mark.parametrize("value", [["a"], [[1, 2]], [None], [{"text": "a"}]])
def test_a_list_in_a_column_is_no_list_of_rows(value: list[Any]) -> None:
    """Arrow batches have no lines, which the advice for JSON Lines is about."""
    (row,) = check_batch(pyarrow.RecordBatch.from_pydict({"tokens": [value]}), OPTIONS).to_pylist()
    assert "not an array of token ids: item 0 is " in row["findings"][0]["message"]


def test_an_id_column_is_no_input(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"id": ["a"], "mine": ["<|start|>user<|message|>hi<|end|>"]}), path)
    assert [row.findings for row in lint([path], isolated=True) if isinstance(row, Checked)] == [[]]


def batch_of(values: Any, **columns: Any) -> pyarrow.RecordBatch:
    return pyarrow.RecordBatch.from_pydict({"tokens": values, **columns})


def found(checked: Any) -> list[dict[str, Any]]:
    """The findings as rows of a batch."""
    rows = [
        {"row": each.row, "id": each.id, "messages": each.messages, "findings": list(map(describe, each.findings))}
        for each in checked
        if each.findings
    ]
    return record_batch(rows, findings_schema()).to_pylist()


EXPECTED = found(check_values(ROWS, OPTIONS))


def list_types() -> list[pyarrow.DataType]:
    """Lists of integers that hold the rows."""
    kinds = [getattr(pyarrow, name)() for name in INTEGERS]
    return [make(kind) for kind in kinds for make in (pyarrow.list_, pyarrow.large_list)]


@pytest.mark.parametrize("kind", list_types(), ids=str)
@pytest.mark.parametrize("is_sliced", [False, True], ids=["whole", "sliced"])
def test_columns_of_any_integers(kind: pyarrow.DataType, is_sliced: bool) -> None:
    """A slice begins in the middle of its buffers."""
    rows = pyarrow.array([[7], *ROWS, [8]], kind)[1:-1] if is_sliced else pyarrow.array(ROWS, kind)
    assert check_batch(batch_of(rows), OPTIONS).to_pylist() == EXPECTED
    assert all(isinstance(row.item, array) for row in ColumnRows(1, rows, None, 1 << 20))


@pytest.mark.parametrize("is_sliced", [False, True], ids=["whole", "sliced"])
def test_lists_of_fixed_size(is_sliced: bool) -> None:
    rows = [VALID, [*VALID[:-1], 5], [1, 2, 3, 4, 5]]
    column = pyarrow.array([[9] * 5, *rows], pyarrow.list_(pyarrow.int64(), 5))[1:]
    column = column if is_sliced else pyarrow.array(rows, pyarrow.list_(pyarrow.int32(), 5))
    assert check_batch(batch_of(column), OPTIONS).to_pylist() == found(check_values(rows, OPTIONS))


@given(st.lists(st.none() | st.lists(st.none() | st.integers(-3, 2**33) | st.sampled_from(VALID), max_size=8)))
def test_any_column_has_the_rows_that_python_reads(rows: list[Any]) -> None:
    """Missing rows, missing ids, ids that no vocabulary has."""
    column = pyarrow.array([[1, 2], *rows], pyarrow.list_(pyarrow.int64()))[1:]
    read = [row.item.tolist() if isinstance(row.item, array) else row.item for row in ColumnRows(1, column, None, 9999)]
    assert read == rows
    assert check_batch(batch_of(column), OPTIONS).to_pylist() == found(check_values(rows, OPTIONS))


DRAWN_IDS = st.lists(st.integers(0, 2**32 - 1) | st.integers(199_000, 202_000) | st.sampled_from(VALID), max_size=12)


@given(DRAWN_IDS | st.lists(st.integers(0, 300)).map(lambda ids: [*VALID[:-1], *ids, VALID[-1]]))
def test_a_buffer_is_read_like_a_list(ids: list[int]) -> None:
    """Also of ids that are not code points, and of those that the tokenizer does not return for their text."""
    assert recover(array("I", ids)) == recover(ids)
    whole, listed = codec.validate(array("I", ids)), codec.validate(ids)
    assert (whole.diagnostics, whole.messages) == (listed.diagnostics, listed.messages)
    for each in whole.diagnostics:
        assert (whole.text_span(each), whole.token_span(each)) == (listed.text_span(each), listed.token_span(each))
    assert parse(array("q", VALID)).messages == parse(VALID).messages


def test_a_tokenizer_that_was_passed_gets_lists() -> None:
    class Passed:
        """A tokenizer that takes what its type says."""

        encode = VOCABULARY.encode

        def decode_bytes(self, ids: list[int]) -> bytes:
            assert type(ids) is list
            return VOCABULARY.decode_bytes(ids)

    report = codec.validate(array("I", VALID), tokenizer=Passed())
    assert report.messages == codec.validate(VALID).messages


def test_the_findings_are_those_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    batch = batch_of([*ROWS, None, [1, None]], id=[*"abcdefg", None])
    parquet.write_table(pyarrow.Table.from_batches([batch]), path)
    checked = list(lint(path, isolated=True, spans=True, jobs=1))
    assert all(isinstance(each, Checked) for each in checked)
    assert check_batch(batch, OPTIONS).to_pylist() == found(checked)


def test_texts_and_conversations() -> None:
    texts = ["<|start|>user<|message|>hi<|end|>", "<|end|>", None]
    expected = found(check_values(texts, OPTIONS))
    for kind in (pyarrow.string(), pyarrow.large_string()):
        assert check_batch(pyarrow.RecordBatch.from_pydict({"x": pyarrow.array(texts, kind)}), OPTIONS).to_pylist() == (
            expected
        )
    conversations = [codec.to_json(codec.parse(texts[0] or "").messages), {"messages": [{"role": "user"}]}]
    batch = pyarrow.RecordBatch.from_pydict({"conversation": conversations})
    (wrong,) = check_batch(batch, OPTIONS).to_pylist()
    assert (wrong["row"], wrong["findings"][0]["name"]) == (2, "invalid-conversation")


def test_a_value_that_is_nested_too_deeply_is_a_finding() -> None:
    """`ipc` and engines hand over values that are no JSON text; the other rows are checked."""
    schema: Any = {"type": "string"}
    for _ in range(2_000):
        schema = {"allOf": [schema]}
    part = {"type": "developer_content", "response_formats": [{"name": "x", "schema": schema}]}
    deep = {"messages": [{"role": "developer", "content": [part]}]}
    rows = check_values(["<|end|>", deep, "<|end|>"], OPTIONS)
    assert [each.findings[0].code.name for each in rows] == [
        "repeated-terminator",
        "unreadable-row",
        "repeated-terminator",
    ]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"severity": "bad"}, "severity: expected one of error, warning, info, got 'bad'"),
        ({"select": "H1"}, "select: expected a list of codes, got 'H1'"),
        ({"select": 5}, "select: expected a list of codes, got 5"),
        ({"ignore": [None]}, "ignore: expected a list of codes, got [null]"),
        ({"max_row_bytes": "a"}, "max_row_bytes: expected a number of bytes, got 'a'"),
        ({"codec": "none.py"}, "none.py: no such file"),
        ({"per_file_ignores": {"*": "H1"}}, "per_file_ignores: expected a table"),
    ],
)
def test_a_setting_of_a_wrong_type(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        options_of(Settings(**settings))
    assert str(caught.value).startswith(reason)


def test_a_value_that_is_too_long_is_not_copied() -> None:
    batch = pyarrow.RecordBatch.from_pydict({"text": ["<|end|>", "x" * 5_000_000]})
    tracemalloc.start()
    found = check_batch(batch, options_of(Settings(max_row_bytes=1_000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["row"].to_pylist() == [1, 2]
    assert found["findings"][1].as_py()[0]["evidence"] == "the row has more than 1,000 bytes"
    assert peak < 2_500_000


def test_what_is_no_batch() -> None:
    batch = batch_of(ROWS)
    with pytest.raises(TypeError, match=r"expected a RecordBatch, got Table; a table has to_batches\(\)"):
        check_batch(pyarrow.Table.from_batches([batch]), OPTIONS)
    with pytest.raises(TypeError, match="expected what options_of returns, got Settings"):
        check_batch(batch, cast(Any, Settings()))


def test_a_column_is_chosen() -> None:
    batch = pyarrow.RecordBatch.from_pydict({"a": ["<|end|>"], "b": ["<|start|>user<|message|>hi<|end|>"], "n": [1]})
    with pytest.raises(InputError, match="the batch: several columns can be validated: a, b"):
        check_batch(batch, OPTIONS)
    assert check_batch(batch, options_of(Settings(column="b"))).num_rows == 0
    assert check_batch(batch, options_of(Settings(column="a", id_column="n")))["id"].to_pylist() == ["1"]
    rows = batch.to_pylist()
    assert [each.findings == [] for each in check_values(rows, options_of(Settings(column="b")))] == [True]


def test_texts_as_bytes() -> None:
    """Of columns that are chosen; their rows are texts, not lines of JSON."""
    batch = pyarrow.RecordBatch.from_pydict({"x": [b"<|end|>", b"<|start|>user<|message|>hi<|end|>", b"\xff"]})
    found = check_batch(batch, options_of(Settings(column="x"))).to_pylist()
    assert [(each["row"], each["findings"][0]["name"]) for each in found] == [
        (1, "repeated-terminator"),
        (3, "unreadable-row"),
    ]


def test_nothing_but_findings_comes_back() -> None:
    clean = check_batch(batch_of([VALID] * 1000), OPTIONS)
    assert (clean.num_rows, clean.schema) == (0, findings_schema())
    empty = check_batch(batch_of(pyarrow.array([], pyarrow.list_(pyarrow.int32()))), OPTIONS)
    assert (empty.num_rows, empty.schema) == (0, findings_schema())


def test_a_batch_is_checked_without_the_files_of_its_options(tmp_path: Path) -> None:
    """In a process that never saw the codec: it is in the options, as are the tools."""
    folder = dialect.grammar_of("renamed_token", tmp_path)
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "f"}}]))
    options = options_of(Settings(codec=folder, tools=tools))
    batch = pyarrow.RecordBatch.from_pydict({"text": [example_of(options.codec), codec.EXAMPLE]})
    here = check_batch(batch, options)
    assert here["row"].to_pylist() == [2]
    job = tmp_path / "job"
    job.write_bytes(pickle.dumps(partial(check_batch, batch, options)))
    folder.rename(tmp_path / "moved")
    tools.unlink()
    program = f"import pickle; print(pickle.load(open({str(job)!r}, 'rb'))().to_pylist())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")
    assert said.stdout.strip() == str(here.to_pylist())


def test_values_need_no_pyarrow() -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from harmony_spec.linting import check_values, options_of\n"
        "print([len(each.findings) for each in check_values(['<|end|>', [200006]], options_of())])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "[1, 1]\n"


def test_options_can_be_pickled() -> None:
    again: Options = pickle.loads(pickle.dumps(OPTIONS))
    assert again == OPTIONS


def test_rows_that_cannot_be_converted_are_kept_as_they_are(tmp_path: Path) -> None:
    """Token ids of Parquet files are buffers until they are written."""
    parquet.write_table(pyarrow.Table.from_batches([batch_of([VALID, [200007, 5]])]), path := tmp_path / "a.parquet")
    rejected = tmp_path / "rejected.jsonl"
    command = ["convert", "--from", "tokens", "--to", "text", "--rejected", str(rejected), str(path)]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, result.stdout) == (1, '{"text": "<|start|>user<|message|>hi<|end|>"}\n')
    assert rejected.read_text() == '{"tokens": [200007, 5]}\n'


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_a_row_is_as_long_as_its_value(kind: str) -> None:
    """Not as its dictionary, or as the buffers that views share."""
    texts = pyarrow.array([f"<|start|>user<|message|>{number:09}<|end|>" for number in range(50)])
    column = texts.dictionary_encode() if kind == "dictionary" else texts.cast(getattr(pyarrow, kind)())
    limited = options_of(Settings(max_row_bytes=60))
    assert check_batch(pyarrow.record_batch({"text": column}), limited).num_rows == 0
    assert check_batch(pyarrow.record_batch({"text": column}), options_of(Settings(max_row_bytes=40))).num_rows == 50
    messages = pyarrow.StructArray.from_arrays([column], ["content"])
    listed = pyarrow.ListArray.from_arrays(list(range(51)), messages)
    for nested in (messages, listed):
        rows = list(ColumnRows(1, nested, None, 60))
        assert not any(isinstance(row.item, HarmonyError) for row in rows)
        assert all(isinstance(row.item, HarmonyError) for row in ColumnRows(1, nested, None, 40))


@pytest.mark.parametrize("column", ["x", None])
def test_keys_of_rows_in_memory_may_be_anything(column: str | None) -> None:
    (found,) = check_values([{1: "<|start|>user<|message|>Hi", 2: [1]}], options_of(Settings(column=column)))
    assert [each.code.name for each in found.findings] == ["unreadable-row"]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"names": 3}, TypeError, "names: expected a name or a list of names, got int"),
        ({"settings": {"select": []}}, TypeError, "settings: expected Settings, got dict"),
        ({"jobs": 0}, SettingsError, "jobs: expected a number from 1, got 0"),
    ],
)
def test_wrong_arguments_of_lint_are_named(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        lint(**{"names": "a.jsonl", **arguments})


def test_unknown_formats_and_runners_are_refused() -> None:
    for argument in ("kind", "runner"):
        with pytest.raises(SettingsError, match=f"unknown {argument} 'foo'; expected"):
            list(lint("a.jsonl", **{argument: "foo"}))
