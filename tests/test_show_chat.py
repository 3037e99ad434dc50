"""`harmony-spec show` of rows of Chat Completions: the messages that `convert` writes, and what these lack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from harmony_spec import decode
from harmony_spec.cli import main

from . import dialect
from .test_show import Elements, blocks_of, run

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "<b>"}'}}
ASKED, ANSWERED = {"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Ho."}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"messages": [ASKED, ANSWERED | {"thinking": "Hm."}]}, ["analysis", "Hm.", "channel final", "Ho."]),
        ({"messages": [ASKED, ANSWERED | {"annotations": [5], "logprobs": 5}]}, ["H305", "/messages/1/logprobs"]),
        ({"messages": [ASKED, ANSWERED | {"time": 5}]}, ["H305", "/messages/1/time", "channel final"]),
        ({"messages": [ASKED, ANSWERED], "tools": [FUNCTION]}, ["type f =", "channel final"]),
        ({"messages": [ASKED, {"role": "assistant", "tool_calls": [CALL]}], "tools": [FUNCTION]}, ["functions.f"]),
        ({"messages": [IMAGE, IMAGE]}, ["H305", "/messages/0/content/0", "[image_url]"]),
        ({"conversations": [{"from": "human", "value": "Hi."}], "system": "Be."}, ["role developer", "Be."]),
        ({"prompt": "Hi.", "completion": "Ho."}, ["role user", "channel final"]),
        ({"prompt": [ASKED], "completion": [ANSWERED], "tools": [FUNCTION]}, ["role user", "type f ="]),
    ],
)
def test_chat_rows_are_shown_converted(tmp_path: Path, row: dict[str, Any], shown: list[str]) -> None:
    """With what the conversion left out, from each kind of file, in the terminal and in the page."""
    paths = [tmp_path / f"row.{suffix}" for suffix in ("jsonl", "parquet", "text.parquet")]
    paths[0].write_text(json.dumps({"id": "r1"} | row) + "\n")
    parquet.write_table(pyarrow.Table.from_pylist([{"id": "r1", "other": 1.5} | row]), paths[1])
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()}
    parquet.write_table(pyarrow.Table.from_pylist([{"id": "r1"} | texts]), paths[2])
    for path in paths:
        found = run(path, "--row", "1")
        assert found.exit_code == 0
        heading, *lines = found.stdout.splitlines()
        assert heading.endswith(":1 (id r1)")
        assert sum("Read as Chat Completions; these are" in line for line in lines) == 1
        assert all(each in found.stdout for each in shown), found.stdout
        assert "as written" not in found.stdout
        (cards,) = blocks_of(run(path, "--html").stdout)
        assert "Read as Chat Completions; these are" in cards
        assert all(each in cards or each.split()[-1] in cards for each in shown)


def test_chat_rows_that_cannot_be_converted_are_shown_as_written(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for row, reason in (
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "at /messages/0/tool_calls/0/name: expected a str"),
        ({"prompt": [ASKED], "completion": [{}]}, "at /completion/0/role: unknown role"),
        ({"messages": [ASKED, {"role": "asistant", "content": "Ho."}]}, "did you mean 'assistant'?"),
        ({"messages": [ASKED, {"role": "assistant", "content": 5}]}, "at /messages/1/content"),
        ({"conversations": [{"from": "x", "value": "<b>"}]}, "at /conversations/0/from: unknown author 'x'"),
    ):
        file.write_text(json.dumps(row) + "\n")
        found = run(file).stdout
        assert reason in found
        assert json.dumps(row, indent=2).splitlines()[1] in found.partition("— as written")[2]
        assert reason in "".join(Elements(blocks_of(run(file, "--html").stdout)[0]).text)


def test_a_finding_of_a_converted_row_is_shown_once(tmp_path: Path) -> None:
    """At its place, if it is in what is shown; both the conversion and the check find it."""
    file = tmp_path / "rows.jsonl"
    bad = CALL | {"function": {"name": "f", "arguments": "{oops"}}
    file.write_text(json.dumps({"messages": [ASKED, {"role": "assistant", "tool_calls": [bad]}]}) + "\n")
    found = run(file).stdout
    assert found.count("invalid-json") == 1
    assert "^^^^ H603" in found
    bad = CALL | {"function": {"name": "f", "arguments": '{"a": 5'}}
    file.write_text(json.dumps({"messages": [ASKED, {"role": "assistant", "tool_calls": [bad]}]}) + "\n")
    found = run(file).stdout
    assert ("truncated-json" in found, "invalid-json" in found) == (True, False)
    bad = CALL | {"function": {"name": "f", "arguments": "[]"}}
    file.write_text(json.dumps({"messages": [ASKED, {"role": "assistant", "tool_calls": [bad]}]}) + "\n")
    assert "the arguments are not an object" in run(file).stdout


def test_a_codec_without_chat_shows_chat_rows_as_written(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"prompt": "Hi.", "completion": "Ho."}) + "\n")
    shown = run("--codec", dialect.grammar_of("cohere", tmp_path), file)
    assert shown.exit_code == 0
    assert '"prompt": "Hi."' in shown.stdout.partition("— as written")[2]


def test_the_chosen_column_of_a_table_is_shown(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    said = [{"role": "user", "content": "Chosen."}]
    row = {"id": "a", "messages": [ASKED], "conversation": said, "mine": [*said, ANSWERED | {"thinking": "Hm."}]}
    parquet.write_table(pyarrow.Table.from_pylist([row | {"tools": json.dumps([FUNCTION])}]), table)
    for name in ("conversation", "mine"):
        shown = run(table, "--column", name).stdout
        assert ("Chosen." in shown, "Hi." in shown) == (True, False)
    lines = tmp_path / "rows.jsonl"
    lines.write_text(json.dumps(row | {"messages": [ANSWERED | {"thinking": "No."}]}) + "\n")
    assert ("Chosen." in (shown := run(lines, "--column", "mine").stdout), "No." in shown) == (True, False)
    assert ("Hi." in (shown := run(table).stdout), "type f =" in shown) == (True, True)


def test_a_json_file_may_be_a_list_of_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([{"id": "a", "prompt": "Hi.", "completion": "Ho."}, {"id": "b", "messages": [5]}] * 2))
    places = re.findall(r"(?m)^\S*/(rows\.json\S* \(id .\))$", run(file, "--row", "2-3").stdout)
    assert places == ["rows.json[1] (id b)", "rows.json[2] (id a)"]
    assert "no row 5; the last row is 4" in run(file, "--row", "5").stderr
    assert len(re.findall('<li class="row">', "".join(blocks_of(run(file, "--html").stdout)))) == 4


def test_settings_choose_what_a_conversion_reports(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"messages": [IMAGE, ANSWERED]}) + "\n")
    assert "H305" in run(file).stdout
    (tmp_path / "pyproject.toml").write_text('[tool.harmony-spec]\nignore = ["H305"]\n')
    assert "H305" not in (found := run(file).stdout)
    assert "[image_url]" in found


def test_converted_rows_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"messages": [IMAGE, ANSWERED]}, {"messages": [ANSWERED | {"tool_calls": [{}]}]}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cells = re.findall(r"<td[^>]*>([^<]*)", run(file, "--statistics", "--html").stdout)
    assert {"user", "assistant", "final"} < set(cells)
    assert {"H305 unsupported-value", "H304 invalid-chat", "50"} < set(cells)


def test_thoughts_of_earlier_turns_are_no_finding(tmp_path: Path) -> None:
    """Chat rows have those of all turns; training drops them."""
    file = tmp_path / "rows.jsonl"
    turn = [ASKED, ANSWERED | {"thinking": "Hm."}]
    file.write_text(json.dumps({"messages": [*turn, *turn]}) + "\n")
    assert " H" not in run(file).stdout.replace(" Hm.", "").replace(" Hi.", "").replace(" Ho.", "")


def test_training_on_chat_rows_is_marked_as_it_is_converted(tmp_path: Path) -> None:
    """Nothing of a prompt, and of messages with the weight 0."""
    file = tmp_path / "rows.jsonl"
    earlier = [ASKED, ANSWERED | {"content": "One."}, ASKED]
    rows: list[dict[str, Any]] = [
        {"messages": [*earlier, ANSWERED | {"thinking": "Hm."}]},
        {"messages": [ASKED, ANSWERED | {"content": "One.", "weight": 0}, ASKED, ANSWERED | {"weight": 1}]},
        {"prompt": earlier, "completion": [ANSWERED]},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    written = tmp_path / "training.jsonl"
    command = ["convert", "--from", "chat", "--to", "training", file, "-o", written]
    assert CliRunner().invoke(main, [*map(str, command)]).exit_code == 0
    for number, line in enumerate(written.read_text().splitlines(), 1):
        row = json.loads(line)
        pairs = zip(row["input_ids"], row["assistant_masks"], strict=True)
        marked = re.findall(r"(?m)^\+ (.*)", run(file, "--row", number, "--training").stdout)
        learned = decode([token for token, is_trained in pairs if is_trained])
        assert "".join(marked) == learned.replace("<|return|>", "<|end|>")


def test_a_field_with_the_name_of_a_chat_key_is_a_field(tmp_path: Path) -> None:
    folder = dialect.grammar_of("priority_field", tmp_path)
    for file in folder.rglob("*"):
        if file.is_file() and "priority" in (text := file.read_text(encoding="utf-8")):
            file.write_text(text.replace("priority", "weight"), encoding="utf-8")
    row = tmp_path / "row.json"
    row.write_text(json.dumps({"messages": [{"role": "user", "weight": "high", "content": "Hi."}]}))
    assert "1 role user, weight high" in run("--codec", folder, row).stdout.splitlines()
