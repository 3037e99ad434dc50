"""`harmony-spec convert`: rows to train on, and Parquet in and out."""

from __future__ import annotations

import json
import re
from itertools import compress
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from harmony_spec import decode, encode, render, render_training, to_json, validate
from harmony_spec.adapters import from_chat
from harmony_spec.cli import main

from .chat_template import function
from .test_cli_convert import CHAT, rows

TOOL = function("f", {"type": "object", "properties": {"n": {"type": "number"}}})  # Parquet has no empty objects
ROW = {"id": "a", "messages": CHAT, "tools": [TOOL]}
MESSAGES = from_chat(CHAT, tools=[TOOL]).messages
ANSWERED = "<|channel|>final<|message|>Three.<|return|>"
CALLED = (
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant to=functions.f<|channel|>commentary"
    " <|constrain|>json<|message|>{}<|call|>"
)


def run(*arguments: object, given: str = "") -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)], input=given)


def train(row: Any, *arguments: object) -> Result:
    return run("--from", "chat", "--to", "training", *arguments, "-", given=json.dumps(row))


def trained(row: dict[str, Any]) -> str:
    return decode(list(compress(row["input_ids"], row["assistant_masks"])))


def stored(value: Any, name: str = "messages") -> Any:
    """A row with JSON as text."""
    return {**value, name: json.dumps(value[name])}


def test_the_page_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks in Python are run by test_docs.py."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
    (given,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (unclean,) = re.findall(r"^```jsonl\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text(given)
    Path("rollouts.jsonl").write_text(unclean)
    commands = [each for block in blocks for each in re.findall(r"^\$ harmony-spec (.*)\n((?:[^$].*\n)*)", block, re.M)]
    assert len(commands) == 4
    for command, shown in commands:
        assert CliRunner().invoke(main, command.split()).output == shown
    columns = dict(re.findall(r"^\| `(\w+)`(?: \(`(--[a-z-]+)`\))? \|", page, re.MULTILINE))
    given = json.dumps(ROW)
    found = train(ROW, *filter(None, columns.values()))
    assert set(rows(found.stdout)[0]) == set(columns) - {"conversations"}


SHARED = [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Three."}]
THOUGHTFUL = [CHAT[0], {"role": "assistant", "content": "Three.", "thinking": "Hm."}]
REASONED = [CHAT[0], {"role": "assistant", "content": "Three.", "reasoning_content": "Hm."}]
THOUGHT = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
SHAPES = [
    (ROW, CALLED + ANSWERED),
    (stored(stored(ROW), "tools"), CALLED + ANSWERED),
    ({"messages": THOUGHTFUL}, THOUGHT + ANSWERED),
    ({"messages": REASONED, "tools": None}, THOUGHT + ANSWERED),
    ({"conversations": SHARED}, ANSWERED),
    ({"prompt": "Hi.", "completion": "Three."}, ANSWERED),
    ({"prompt": CHAT[:1], "completion": THOUGHTFUL[1:]}, THOUGHT + ANSWERED),
    ({"prompt": CHAT[:3], "completion": CHAT[3:], "tools": [TOOL]}, ANSWERED),
    ({"prompt": CHAT[:2], "completion": CHAT[2:], "tools": [TOOL]}, ANSWERED),
]


@pytest.mark.parametrize(("row", "expected"), SHAPES)
def test_all_shapes_of_rows_are_trained_on(row: Any, expected: str, tmp_path: Path) -> None:
    """As a line of JSON, in a list in a JSON file, and as Parquet; of a completion, all that the model samples."""
    (found,) = rows(train(row).stdout)
    assert trained(found) == expected
    files = [tmp_path / name for name in ("rows.json", "rows.parquet", "out.parquet")]
    files[0].write_text(json.dumps([row, row]))
    parquet.write_table(pyarrow.Table.from_pylist([row, row]), files[1])
    for file in files[:2]:
        assert run("--from", "chat", "--to", "training", file, "-o", files[2], "-q").output == ""
        read = parquet.read_table(files[2]).to_pylist()
        assert read == [found, found]


def test_columns_to_train_on() -> None:
    (row,) = rows(train({"prompt": CHAT[:3], "completion": CHAT[3:]}, "--labels", "--completion-mask").stdout)
    assert list(row) == ["input_ids", "assistant_masks", "labels", "completion_mask"]
    count = len(render(from_chat(CHAT[:3]).messages, "prompt"))
    assert row["input_ids"][:count] == render(from_chat(CHAT[:3]).messages, "prompt")
    assert row["assistant_masks"] == row["completion_mask"] == [int(at >= count) for at in range(len(row["input_ids"]))]
    assert row["labels"] == [-100] * count + row["input_ids"][count:]
    (row,) = rows(train({"messages": CHAT}, "--completion-mask").stdout)
    first = row["assistant_masks"].index(1)
    assert row["completion_mask"] == [0] * first + [1] * (len(row["input_ids"]) - first)
    assert 0 in row["assistant_masks"][first:]  # the result of the call


def test_all_turns_and_another_style() -> None:
    row = {"messages": [*CHAT, *CHAT[:1], CHAT[3]], "tools": [TOOL]}
    assert trained(rows(train(row).stdout)[0]) == ANSWERED
    (found,) = rows(train(row, "--train", "assistant", "--style", "model").stdout)
    training = render_training(from_chat(row["messages"], tools=[TOOL]).messages, "assistant", style="model")
    assert (found["input_ids"], found["assistant_masks"]) == (training.tokens, training.mask)


@pytest.mark.parametrize("form", ["conversation", "text", "tokens"])
def test_other_forms_become_rows_to_train_on(form: str, tmp_path: Path) -> None:
    source = run("--from", "chat", "--to", form, "-", given=json.dumps(ROW)).stdout
    (row,) = rows(run("--from", form, "--to", "training", "-", given=source).stdout)
    assert (row["id"], row["input_ids"]) == ("a", render_training(MESSAGES).tokens)


@pytest.mark.parametrize("form", ["chat", "conversation", "text", "tokens"])
def test_each_form_is_written_and_read_as_parquet(form: str, tmp_path: Path) -> None:
    """Ids are text there, and values with a structure are JSON as text."""
    path, back = tmp_path / "rows.parquet", tmp_path / "back.jsonl"
    given = "\n".join(json.dumps({**ROW, "id": number}) for number in range(3))
    assert run("--from", "chat", "--to", form, "-o", path, "-", given=given).exit_code == 0
    assert run("--from", form, "--to", "conversation", path, "-o", back).exit_code == 0
    assert rows(back.read_text()) == [{"id": str(number), **to_json(MESSAGES)} for number in range(3)]


def test_columns_of_objects_are_read(tmp_path: Path) -> None:
    """Conversations in their JSON form, too. Keys that a row lacks are null in Parquet."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([to_json(from_chat(CHAT[:1]).messages[1:])]), path)
    found = run("--from", "conversation", "--to", "text", path)
    assert rows(found.stdout) == [{"text": "<|start|>user<|message|>Hi.<|end|>"}]


def test_rows_of_parquet_that_cannot_be_converted_are_kept_apart(tmp_path: Path) -> None:
    path, out, rejected = (tmp_path / name for name in ("rows.parquet", "out.parquet", "rejected.jsonl"))
    bad = {"messages": [{"role": "nobody", "content": "x"}], "id": "b"}
    parquet.write_table(pyarrow.Table.from_pylist([ROW | {"tools": None}, bad]), path)
    found = run("--from", "chat", "--to", "training", path, "-o", out, "--rejected", rejected)
    assert (found.exit_code, parquet.read_table(out)["id"].to_pylist()) == (1, ["a"])
    (row,) = rows(rejected.read_text())
    assert (row["id"], row["messages"][0]["role"]) == ("b", "nobody")
    assert found.stderr.startswith(f"{path}:2 (id b): error: row rejected: H304 invalid-chat at /messages/0/role")
    assert "1 row, " in found.stderr.splitlines()[-1]


def test_rows_without_anything_to_train_on_are_rejected() -> None:
    found = train({"messages": [*CHAT, CHAT[0]]})
    assert (found.exit_code, found.stdout) == (1, "")
    assert "the row has nothing to train on. The last turn has no message of the model" in found.stderr
    assert train({"messages": [*CHAT, CHAT[0]]}, "--train", "assistant").exit_code == 0
    assert train({"prompt": CHAT, "completion": []}).exit_code == 1


USER = "<|start|>user<|message|>Hi.<|end|>"
CALLS = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>%s<|call|>"
INVALID = [
    USER + "<|start|>assistant<|channel|>finl<|message|>Hello.<|return|>",
    USER + CALLS % '{"a": 1',
    USER.replace("user", "usr") + "<|start|>assistant" + ANSWERED,
]


@pytest.mark.parametrize("text", INVALID)
@pytest.mark.parametrize("form", ["text", "tokens"])
def test_rows_with_errors_are_rejected(form: str, text: str, tmp_path: Path) -> None:
    """They parse, but `validate` finds errors. It names the same ones."""
    held = encode(text, allowed_special="all") if form == "tokens" else text
    good = USER + "<|start|>assistant" + ANSWERED
    line = json.dumps({"id": 5, form: held})
    path, rejected = tmp_path / "rows.jsonl", tmp_path / "rejected.jsonl"
    path.write_text(line + "\n" + json.dumps({form: encode(good, allowed_special="all") if form == "tokens" else good}))
    found = run("--from", form, "--to", "training", path, "--rejected", rejected)
    assert (found.exit_code, len(rows(found.stdout)), rejected.read_text()) == (1, 1, line + "\n")
    errors = [each.code for each in validate(held).diagnostics if each.code.severity == "error"]
    assert errors
    said = found.stderr.splitlines()
    assert len(said) == len(errors) + 1
    assert all(
        each.startswith(f"{path}:1 (id 5): error: row rejected: {code.code} {code.name} ")
        for each, code in zip(said, errors, strict=False)
    )
    assert "1 row rejected" in said[-1]
    found = run("--from", form, "--to", "training", "--allow-errors", path)
    assert (found.exit_code, len(rows(found.stdout))) == (0, 2)


def wrong_call(arguments: str, name: str = "f", **more: Any) -> list[Any]:
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": None, "tool_calls": [call], **more}]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"messages": wrong_call('{"n": ')}, "invalid-json"),
        ({"messages": wrong_call("{'n': 1}")}, "invalid-json"),
        ({"messages": wrong_call("[1]")}, "invalid-json"),
        ({"messages": wrong_call('{"n": "x"}'), "tools": [TOOL]}, "invalid-arguments"),
        ({"messages": wrong_call("{}", "g"), "tools": [TOOL]}, "undeclared-tool"),
        ({"prompt": wrong_call("")[:1], "completion": wrong_call("{")[1:]}, "invalid-json"),
    ],
)
def test_chat_rows_with_wrong_calls_are_not_trained_on(row: dict[str, Any], error: str) -> None:
    """Unless these messages are not trained on, or errors are allowed."""
    found = train(row)
    assert (found.exit_code, found.stdout) == (1, "")
    assert re.search(rf"error: row rejected: H6\d\d {error} at /(messages/1|completion/0)[:/]", found.stderr)
    assert train(row, "--allow-errors").exit_code == 0
    if "messages" in row:
        later = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Three."}]
        masked = [*wrong_call("{", weight=0), *later] if error == "invalid-json" else [*row["messages"], *later]
        masked[1] |= {"weight": 0}
        [kept] = rows(train({**row, "messages": masked}).stdout)
        assert trained(kept) == ANSWERED
    other = run("--from", "chat", "--to", "tokens", "-", given=json.dumps(row))
    assert other.exit_code == 0
    assert ("warning: H603 invalid-json at /" in other.stderr) == (error == "invalid-json")


def test_a_text_file_may_end_with_a_line_break(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(USER + "<|start|>assistant" + ANSWERED + "\n")
    assert trained(rows(run("--from", "text", "--to", "training", path).stdout)[0]) == ANSWERED


WEIGHED: list[Any] = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Bad.", "weight": 0},
    {"role": "user", "content": "No."},
    {"role": "assistant", "content": "Good.", "thinking": "Hm.", "weight": 1},
]


@pytest.mark.parametrize("shared", [False, True])
def test_messages_of_the_weight_0_are_not_trained_on(shared: bool) -> None:
    """The messages stay in the transcript, with all that they become. Neither mask nor column marks them."""
    named = {"user": "human", "assistant": "gpt"}
    entries = [
        {"from": named[m["role"]], "value": m["content"], **({"weight": m["weight"]} if "weight" in m else {})}
        for m in WEIGHED
    ]
    row = {"conversations": entries} if shared else {"messages": WEIGHED}
    thought = "" if shared else "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
    answer = "<|channel|>final<|message|>Good.<|return|>"
    columns = ("--labels", "--completion-mask")
    for choice in ("last_turn", "assistant"):
        result = train(row, "--train", choice, *columns)
        (found,) = rows(result.stdout)
        assert (trained(found), result.exit_code) == (thought + answer, 0)
        assert "weight" not in result.stderr
        assert "Bad." in decode(found["input_ids"])
        marked = [token for token in found["labels"] if token != -100]
        assert decode(marked) == thought + answer
        assert "Bad." not in decode(list(compress(found["input_ids"], found["completion_mask"])))
    last = {"messages": [*WEIGHED[:2], *WEIGHED[2:3], {**WEIGHED[3], "weight": 0}]}
    assert "the row has nothing to train on. All messages that would be trained on have the weight 0" in (
        train(last).stderr
    )
    assert train(last, "--train", "assistant").exit_code == 1
    first = {"messages": [{**WEIGHED[1], "weight": 1}, *WEIGHED[2:3], {**WEIGHED[3], "weight": 0}]}
    (found,) = rows(train(first, "--train", "assistant", *columns).stdout)
    assert trained(found) == "<|channel|>final<|message|>Bad.<|end|>"
    assert "Good." not in decode(list(compress(found["input_ids"], found["completion_mask"])))


def test_calls_of_the_weight_0_and_other_weights() -> None:
    row = {"messages": [CHAT[0], {**CHAT[1], "weight": 0}, *CHAT[2:]], "tools": [TOOL]}
    assert trained(rows(train(row).stdout)[0]) == ANSWERED
    row = {"prompt": CHAT[:1], "completion": [{**CHAT[1], "weight": 0}, *CHAT[2:]], "tools": [TOOL]}
    assert trained(rows(train(row).stdout)[0]) == ANSWERED
    empty = [CHAT[0], {"role": "assistant", "content": [], "weight": 0}]
    assert train({"messages": empty}).exit_code == 1
    for weight in (0.5, "0", True, -1, [0]):
        found = train({"messages": [CHAT[0], {**CHAT[3], "weight": weight}]})
        assert (found.exit_code, found.stdout) == (1, "")
        assert "/messages/1/weight: unknown weight" in found.stderr


def test_what_is_left_out_is_reported() -> None:
    """Nothing is claimed of a side record, which `convert` does not write."""
    found = run("--from", "chat", "--to", "text", "-", given=json.dumps({"messages": WEIGHED[:2]}))
    assert "at /messages/1/weight: the format has no place for this key; it is left out of the messages" in found.stderr
    assert "side record" not in found.stderr
    shared = {"conversations": [{"from": "gpt", "value": "Hi.", "extra": "x"}]}
    assert "/conversations/0/extra" in train(shared).stderr


def test_columns_that_are_left_out_are_reported_once(tmp_path: Path) -> None:
    """Values that would change the conversation. Empty ones, and columns about the row, are not reported."""
    lines, table = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    settings = {"tool_choice": "none", "response_format": {"type": "text"}, "reasoning_effort": "high"}
    row = {"messages": CHAT[:1], "system": "Be brief.", "prompt": "x", "completion": "y", "score": 1, **settings}
    old = {"conversations": SHARED, "system": "Be brief.", "functions": [{"name": "f"}], "tools": [], "id": 1}
    pair = {"prompt": "x", "completion": "y", "system": "Be brief.", "tool_choice": "", "functions": "[]"}
    lines.write_text("\n".join(map(json.dumps, (row, row, old, pair))))
    parquet.write_table(pyarrow.Table.from_pylist([row]), table)
    found = run("--from", "chat", "--to", "chat", lines, table)
    start = "warning: H305 unsupported-value at "
    columns = re.findall(rf"(\S+): {start}/(\w+): the column is not read; it is left out of (\d+)", found.stderr)
    keys = {"system": "3", "prompt": "2", "completion": "2", **dict.fromkeys(settings, "2"), "functions": "1"}
    of_table = {(str(table), key, "1") for key in keys.keys() - {"functions"}}
    assert set(columns) == {(str(lines), key, number) for key, number in keys.items()} | of_table
    assert (len(columns), found.exit_code) == (len(set(columns)), 0)
    assert run("--from", "chat", "--to", "chat", "-q", lines).stderr == ""


def test_truncation_inside_of_what_is_trained_on_is_reported() -> None:
    """What is left has something to train on; else the row is rejected. Other rows are truncated silently."""
    (whole,) = rows(train({"messages": CHAT}, "--labels", "--completion-mask").stdout)
    length, first = len(whole["input_ids"]), whole["assistant_masks"].index(1)
    for limit in range(1, length + 2):
        found = train({"messages": CHAT}, "--labels", "--completion-mask", "--max-length", limit)
        if limit <= first:
            assert found.exit_code == 1
            assert f"the first {limit} of {length} tokens have nothing to train on" in found.stderr
            continue
        (row,) = rows(found.stdout)
        assert row == {key: column[:limit] for key, column in whole.items()}
        lost = sum(whole["assistant_masks"][limit:])
        said = f"-: warning: truncated from {length} to {limit} tokens; {lost} that are trained on, from message "
        assert found.stderr.startswith(said) == (lost > 0)
        assert ("1 row truncated" in found.stderr) == (limit < length)
    last = train({"messages": CHAT}, "--max-length", length - 1)
    assert f"1 that are trained on, from message {len(CHAT) - 1} on, are dropped" in last.stderr
    ended = train({"messages": CHAT[:3]}, "--max-length", length - 12)
    assert "that are trained on" not in ended.stderr
    assert "1 row truncated" in ended.stderr


def test_lengths_are_printed_by_percentile() -> None:
    given = "\n".join(json.dumps({"prompt": "Hi.", "completion": "a " * number}) for number in range(1, 101))
    found = run("--from", "chat", "--to", "training", "-", given=given)
    lengths = [len(row["input_ids"]) for row in rows(found.stdout)]
    assert lengths == sorted(lengths)
    shown = ", ".join(f"{each}% {lengths[each - 1]}" for each in (1, 10, 50, 90, 99, 100))
    assert found.stderr.startswith(f"100 rows, {sum(lengths):,} tokens, ")
    assert found.stderr.endswith(f"lengths by percentile: {shown}\n")
    assert run("-q", "--from", "chat", "--to", "training", "-", given=given).stderr == ""


def test_unusable_arguments_and_files_are_reported(tmp_path: Path) -> None:
    path, other = tmp_path / "rows.jsonl", tmp_path / "other.parquet"
    path.write_text(json.dumps(ROW))
    parquet.write_table(pyarrow.Table.from_pylist([{"x": 1}]), other)
    before = path.read_text()
    for arguments, reason in [
        (("--to", "training", path, "-o", path), "-o"),
        (("--to", "text", path, "--rejected", path), "--rejected"),
        (("--to", "text", path, "-o", tmp_path / "a", "--rejected", tmp_path / "a"), "--rejected"),
        (("--to", "text", path, "--max-length", 5, "--labels"), "--max-length, --labels require --to training"),
        (("--to", "training", path, "--train", "user"), "'user' is not one of 'last_turn', 'assistant'"),
        (
            ("--to", "text", other),
            "no column messages, conversations, system, prompt, completion, tools, functions, id; ",
        ),
    ]:
        found = run("--from", "chat", *arguments)
        assert (found.exit_code, reason in found.output) == (2, True), found.output
    assert path.read_text() == before
    other.write_bytes(b"PAR1nothing")
    assert "the Parquet file cannot be read" in run("--from", "chat", "--to", "text", other).stderr
