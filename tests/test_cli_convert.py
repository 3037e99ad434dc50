"""The command `harmony-spec convert`: each form to each, rows that cannot be converted, and what validation says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from harmony_spec import parse, render_training, validate
from harmony_spec.adapters import from_chat
from harmony_spec.cli import main

CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CHAT: list[dict[str, Any]] = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": None, "thinking": "Hm.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "1", "content": "3"},
    {"role": "assistant", "content": "Three."},
]
ROW = {"id": "a", "messages": CHAT, "tools": [TOOL]}
MESSAGES = from_chat(CHAT, tools=[TOOL]).messages
FORMS = ["chat", "conversation", "text", "tokens"]


def run(*arguments: object, given: str = "") -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)], input=given)


def rows(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("form", FORMS[1:])
def test_each_form_becomes_chat_and_back(form: str) -> None:
    """The id stays; texts, calls and tools are those of the row."""
    first = run("--from", "chat", "--to", form, "-", given=json.dumps(ROW))
    assert (first.exit_code, rows(first.stdout)[0]["id"]) == (0, "a")
    (back,) = rows(run("--from", form, "--to", "chat", "-", given=first.stdout).stdout)
    found = from_chat(back["messages"], tools=back["tools"]).messages
    assert found == MESSAGES


def test_training_rows_end_as_targets() -> None:
    (row,) = rows(run("--from", "chat", "--to", "training", "-", given=json.dumps(ROW)).stdout)
    training = render_training(MESSAGES)
    assert (row["input_ids"], row["assistant_masks"]) == (training.tokens, training.mask)
    assert parse(row["input_ids"]).messages == MESSAGES
    assert "return" in parse(row["input_ids"]).messages[-1].variants


@pytest.mark.parametrize(
    "row",
    [
        CHAT[:1] + CHAT[3:],
        {"messages": [CHAT[0], CHAT[3]]},
        {"conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Three."}]},
        {"conversations": [CHAT[0], CHAT[3]]},
        {"prompt": "Hi.", "completion": "Three."},
        {"prompt": [CHAT[0]], "completion": [CHAT[3]]},
        {"messages": json.dumps([CHAT[0], CHAT[3]]), "tools": "[]", "prompt": None},
        {"conversations": json.dumps([CHAT[0], CHAT[3]]), "messages": None, "tools": ""},
        {"prompt": json.dumps([CHAT[0]]), "completion": json.dumps([CHAT[3]]), "messages": None},
        {"prompt": "Hi.", "completion": [CHAT[3]], "tools": None},
    ],
)
def test_the_forms_of_data_sets_are_read(row: Any) -> None:
    (found,) = rows(run("--from", "chat", "--to", "text", "-", given=json.dumps(row)).stdout)
    assert [(m.role, m.channel, m.content) for m in parse(found["text"]).messages[1:]] == [
        ("user", None, "Hi."),
        ("assistant", "final", "Three."),
    ]


def test_a_prompt_may_look_like_json() -> None:
    for text in ("[1, 2]", '[{"a": 1}]', "[]", "[Hi."):
        row = {"prompt": text, "completion": "Three."}
        (found,) = rows(run("--from", "chat", "--to", "chat", "-", given=json.dumps(row)).stdout)
        assert found["messages"][0]["content"] == text


def test_chat_messages_and_tools_stay_as_they_are() -> None:
    """With the ids of calls, and what the format cannot hold, such as `strict`."""
    function = {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {}}}
    call = {"id": "call_7", "type": "function", "function": {"name": "f", "arguments": "{ }"}}
    answered = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_7", "content": "x"}]
    row = {"messages": [CHAT[0], *answered], "tools": [{"type": "function", "function": function}]}
    assert rows(run("--from", "chat", "--to", "chat", "-", given=json.dumps(row)).stdout) == [row]
    older = {"messages": row["messages"], "functions": [function | {"strict": False}]}
    (found,) = rows(run("--from", "chat", "--to", "chat", "-", given=json.dumps(older)).stdout)
    assert found["messages"] == row["messages"]
    assert found["tools"][0]["function"]["name"] == "f"


@pytest.mark.parametrize(
    ("row", "pointer"),
    [
        ([CHAT[0], {"role": "x"}], "/1/role"),
        ({"messages": [{"role": "user", "content": 5}]}, "/messages/0/content"),
        ({"system": 5, "conversations": [{"from": "human", "value": "Hi."}]}, "/system"),
        ({"system": "x", "conversations": [{"from": "human", "value": "\ud800"}]}, "/conversations/0/value"),
        ({"system": "x", "conversations": [{"from": "human", "value": "x", "name": "a b"}]}, "/conversations/0/name"),
        ({"conversations": [CHAT[0], {"role": "assistant", "content": 5}]}, "/conversations/1/content"),
        ({"prompt": "\ud800", "completion": "x"}, "/prompt"),
        ({"prompt": "x", "completion": [{"role": "assistant", "tool_calls": 5}]}, "/completion/0/tool_calls"),
        ({"prompt": [CHAT[0]], "completion": "\ud800"}, "/completion"),
        ({"messages": [], "tools": 5}, "/tools"),
        ({"messages": [], "functions": [{"name": "f", "parameters": 5}]}, "/functions/0/parameters"),
        ({"messages": None, "prompt": "x"}, ""),
        ({"conversations": [{"from": "gpt", "value": "x", "weight": 2}]}, "/conversations/0/weight"),
        ({"conversations": [{"from": "function_call", "value": "[" * 100_000}]}, "/conversations/0/value"),
        ({"messages": "[" * 100_000}, "/messages"),
        ({"messages": [], "tools": "[" * 100_000}, "/tools"),
    ],
)
def test_a_pointer_is_into_the_row(row: Any, pointer: str) -> None:
    found = run("--from", "chat", "--to", "training", "-", given=json.dumps(row))
    assert found.exit_code == 1
    assert re.search(rf"rejected: H\d+ [a-z-]+{f' at {pointer}' if pointer else ''}: ", found.stderr)


def test_instructions_beside_shared_rows_are_read() -> None:
    row = {"system": "Be brief.", "conversations": [{"from": "human", "value": "Hi."}]}
    (found,) = rows(run("--from", "chat", "--to", "chat", "-", given=json.dumps(row)).stdout)
    assert [message["content"] for message in found["messages"]] == ["Be brief.", "Hi."]


def test_calls_of_shared_rows_are_read() -> None:
    """With the tools of the row, or the functions of older ones."""
    shared = [
        {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
        {"from": "observation", "value": "3"},
    ]
    texts = []
    for key, tools in (("tools", json.dumps([TOOL])), ("functions", [TOOL["function"]])):
        row = {"conversations": shared, "tools": None, key: tools}
        texts += [
            found["text"] for found in rows(run("--from", "chat", "--to", "text", "-", given=json.dumps(row)).stdout)
        ]
    assert texts[0] == texts[1]
    call, result = parse(texts[0]).messages[2:]
    assert (call.recipient, call.content, result.name) == ("functions.f", '{"a":1}', "functions.f")


def test_rows_that_cannot_be_converted_are_kept_apart(tmp_path: Path) -> None:
    """In their order, each with its place and its pointer; the others are written."""
    bad = [
        '{"messages": [{"role": "user", "content": 5}]}',
        "[1]",
        "no JSON",
        '{"x": 1}',
        '{"conversations": [{"from": "x", "value": ""}]}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join([json.dumps(ROW), *bad]))
    out, rejected = tmp_path / "out.jsonl", tmp_path / "rejected.jsonl"
    found = run(
        "--from", "chat", "--to", "tokens", str(tmp_path / "in.jsonl"), "-o", str(out), "--rejected", str(rejected)
    )
    assert found.exit_code == 1
    assert len(rows(out.read_text())) == 1
    assert rejected.read_text().splitlines() == bad
    said = found.stderr.splitlines()
    assert [line.split(" ")[0] for line in said] == [f"{tmp_path}/in.jsonl:{number}:" for number in range(2, 7)]
    assert "H304 invalid-chat at /messages/0/content" in said[0]


def test_a_value_that_is_replaced_is_reported() -> None:
    row = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}
    assert run("--from", "chat", "--to", "text", "-", given=json.dumps(row)).exit_code == 1
    found = run("--from", "chat", "--to", "text", "--replace-unsupported", "-", given=json.dumps(row))
    assert (found.exit_code, "[image_url]" in found.stdout) == (0, True)
    assert "H305 unsupported-value at /messages/0/content/0" in found.stderr


def test_values_that_stay_in_chat_are_not_reported() -> None:
    """Also for messages in other columns. Arguments that are not JSON are wrong there, too."""
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {}}], "mood": "good"}
    wrong = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}
    talk = [image, {"role": "assistant", "tool_calls": [wrong]}]
    custom = {"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", "grammar": {}}}}
    for row in ({"messages": talk, "tools": [custom]}, {"prompt": talk[:1], "completion": talk[1:]}):
        found = run("--from", "chat", "--to", "chat", "--replace-unsupported", "-", given=json.dumps(row))
        assert rows(found.stdout)[0]["messages"] == talk
        (line,) = found.stderr.splitlines()
        assert "warning: H603 invalid-json at /" in line


@pytest.mark.parametrize("columns", [("messages", "role", "content"), ("conversations", "from", "value")])
def test_messages_of_the_format_are_not_read_as_chat(columns: tuple[str, str, str]) -> None:
    rows_key, role, content = columns
    thought = {role: "assistant", content: "Hm.", "channel": "analysis"}
    for target in ("training", "text"):
        found = run("--from", "chat", "--to", target, "-", given=json.dumps({rows_key: [thought]}))
        assert (found.exit_code, found.stdout) == (1, "")
        assert f"/{rows_key}/0/channel: messages of Chat Completions have no channel. Pass --from conversation." in (
            found.stderr
        )


def test_rejected_rows_and_warnings_differ() -> None:
    """Each names the id of its row; `-q` prints errors only."""
    bad = {"id": "b\nc", "messages": [{"role": "nobody", "content": ""}]}
    kept = {"id": 7, "messages": [{"role": "user", "content": "Hi.", "mood": "good"}]}
    given = "\n".join(map(json.dumps, (bad, kept)))
    for quiet in ([], ["-q"]):
        found = run("--from", "chat", "--to", "text", *quiet, "-", given=given)
        first, *others = found.stderr.splitlines()
        assert first.startswith("-:1 (id b␊c): error: row rejected: H304 invalid-chat at /messages/0/role: ")
        assert len(others) == (not quiet)
        assert all(line.startswith("-:2 (id 7): warning: H305 unsupported-value at /m") for line in others)
        assert [row["id"] for row in rows(found.stdout)] == [7]


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("--from", "chat", "--to", "text", "-", "-o", "-", given=json.dumps(ROW))
    assert (found.exit_code, len(rows(found.stdout)), list(tmp_path.iterdir())) == (0, 1, [])


@pytest.mark.parametrize("name", ["id", "messages", "tool_choice"])
def test_columns_of_one_name_are_reported_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pyarrow.Table.from_pylist([{"id": 1, "messages": CHAT[:1], "tool_choice": "none"}] * 2)
    parquet.write_table(table.append_column(name, table[name]), path)
    found = run("--from", "chat", "--to", "text", path)
    expected = f"{path}: several columns have the name {name!r}; rename all but one of them\n"
    assert (found.exit_code, found.stdout, found.stderr) == (2, "", expected)


@pytest.mark.parametrize("option", ["-o", "--rejected"])
@pytest.mark.parametrize("suffix", [".xz", ".bz2", ".lz4", ".ZIP"])
def test_other_compressions_are_not_written(option: str, suffix: str, tmp_path: Path) -> None:
    found = run("--from", "chat", "--to", "text", "-", option, tmp_path / f"rows.jsonl{suffix}", given=json.dumps(ROW))
    assert (found.exit_code, found.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert " is not written; choose a name that ends in .gz or .zst" in " ".join(found.stderr.split())


def test_hints_name_options() -> None:
    row = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}
    found = run("--from", "chat", "--to", "text", "-", given=json.dumps(row))
    assert "Pass --replace-unsupported to replace" in found.stderr
    assert "unsupported=" not in found.stderr


def test_a_wrong_form_and_a_missing_file_are_reported(tmp_path: Path) -> None:
    found = run("--from", "text", "--to", "chat", "-", given="[200006, 1428, 200008, 12194, 200007]\n[]")
    assert (found.exit_code, "Pass --from tokens" in found.stderr) == (1, True)
    found = run("--from", "text", "--to", "chat", str(tmp_path / "none.txt"))
    assert (found.exit_code, "none.txt" in found.stderr) == (2, True)


def test_validation_says_in_one_line_what_to_do_with_chat_rows(tmp_path: Path) -> None:
    (line,) = findings_of(tmp_path, ROW)
    assert "these are Chat Completions; convert them with: harmony-spec convert --from chat --to conversation" in line


@pytest.mark.parametrize("row", [[{"from": "human", "value": "Hi."}], {"conversations": [{"from": "x", "value": ""}]}])
def test_rows_of_others_are_chat(tmp_path: Path, row: Any) -> None:
    """Also as the value of a column of Parquet, which is a row without its name."""
    (line,) = findings_of(tmp_path, row)
    assert "these are Chat Completions" in line


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_file_without_rows_is_empty(tmp_path: Path, text: str) -> None:
    path, output = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    path.write_text(text)
    found = run("--from", "chat", "--to", "text", str(path), "-o", str(output))
    assert (found.exit_code, found.stderr, output.read_bytes()) == (0, "", b"")
    for source in FORMS:
        found = run("--from", source, "--to", "text", "-", given=text)
        assert (found.exit_code, found.output) == (0, "")


def findings_of(folder: Path, row: object) -> list[str]:
    """The findings of `validate` on a row, one line each."""
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row))
    found = CliRunner().invoke(main, ["validate", "--isolated", "--output-format", "concise", str(path)])
    return [line for line in found.output.splitlines() if line.startswith(str(path))]


HELLO = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
OFFERED = [{"type": "function", "function": {"name": "f"}}]


def test_a_row_that_offers_functions_to_messages_without_channels_is_chat(tmp_path: Path) -> None:
    (line,) = findings_of(tmp_path, {"messages": HELLO, "tools": OFFERED})
    assert "these are Chat Completions" in line
    answer = {**HELLO[1], "channel": "final"}
    assert findings_of(tmp_path, {"messages": [HELLO[0], answer], "tools": OFFERED}) == []


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [HELLO[0], {**HELLO[1], "refusal": None}]},
        {"messages": [HELLO[0], {**HELLO[1], "content": [{"type": "image_url"}, {"type": ["x"]}]}]},
        {"messages": json.dumps(HELLO), "tools": json.dumps(OFFERED)},
        {"conversations": json.dumps([{"from": "human", "value": "Hi."}])},
        [HELLO[0], {**HELLO[1], "weight": 0}],
    ],
)
def test_chat_rows_are_known_by_their_keys(tmp_path: Path, row: object) -> None:
    (line,) = findings_of(tmp_path, row)
    assert "these are Chat Completions; convert them with" in line


@pytest.mark.parametrize(
    "row",
    [
        {"messages": json.dumps(HELLO), "tools": "[1"},
        {"conversations": "[" * 100_000},
        {"conversations": '[{"from": "<|start|>user<|message|>Hi.<|end|>"}]'},
        {"messages": [HELLO[0], {**HELLO[1], "channel": "final", "weight": 1}]},
    ],
)
def test_other_rows_are_no_chat(tmp_path: Path, row: object) -> None:
    assert not any("Chat Completions" in line for line in findings_of(tmp_path, row))


@pytest.mark.parametrize("content", [None, [{"type": "image"}], 5])
def test_an_error_of_messages_without_channels_names_the_conversion(tmp_path: Path, content: object) -> None:
    answer = {"role": "assistant", "content": content}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"messages": [HELLO[0], answer]}))
    found = CliRunner().invoke(main, ["validate", "--isolated", str(path)])
    assert "If these are Chat Completions, convert them with: harmony-spec convert" in found.output
    path.write_text(json.dumps({"messages": [HELLO[0], {**answer, "channel": "final"}]}))
    assert "Chat Completions" not in CliRunner().invoke(main, ["validate", "--isolated", str(path)]).output


def test_rows_that_may_be_chat_are_read_with_a_finding() -> None:
    text = "<|start|>user<|message|>Hi.<|end|><|start|>assistant<|message|>Hello.<|end|>"
    assert validate(text).diagnostics == []
    (found,) = validate(text * 2).diagnostics
    assert (found.code.name, found.index) == ("maybe-chat", 1)


def test_ids_are_json(tmp_path: Path) -> None:
    """Bytes as text, other values as JSON; rejected rows keep theirs, also those of Parquet."""
    texts = ["<|start|>user<|message|>Hi.<|end|>"] * 2 + ["<|start|>user<|message|>Hi."]
    parquet.write_table(pyarrow.table({"text": texts, "id": [b"a", b"\xff", b"c"]}), tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"text": texts, "id": [1.5, float("nan"), 2.5]}), tmp_path / "b.parquet")
    found = run("--from", "text", "--to", "text", str(tmp_path / "a.parquet"), "--rejected", str(tmp_path / "r.jsonl"))
    assert [each.get("id") for each in rows(found.stdout)] == ["a", None]
    assert rows((tmp_path / "r.jsonl").read_text()) == [{"id": "c", "text": texts[2]}]
    found = run("--from", "text", "--to", "text", str(tmp_path / "b.parquet"))
    assert [each.get("id") for each in rows(found.stdout)] == [1.5, None]
    lines = "".join(json.dumps({"id": id, "text": texts[0]}) + "\n" for id in (True, {"k": 1}, 7, "x", [float("nan")]))
    (tmp_path / "c.jsonl").write_text(lines)
    assert (
        run("--from", "text", "--to", "text", str(tmp_path / "c.jsonl"), "-o", str(tmp_path / "c.parquet")).exit_code
        == 0
    )
    assert parquet.read_table(tmp_path / "c.parquet")["id"].to_pylist() == ["true", '{"k": 1}', "7", "x", None]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.json", b'{"messages": "a\n\n  b"'),
        ("broken.txt", b"\xff<|start|>"),
        ("rows.jsonl", b'{"a":\t1}'),
        ("row.json", b'{"messages":\n 1}'),
    ],
)
def test_a_rejected_row_can_be_had_again(name: str, content: bytes, tmp_path: Path) -> None:
    """A file that is not JSON is one string; one that is may lose its line breaks."""
    path, rejected = tmp_path / name, tmp_path / "rejected.jsonl"
    path.write_bytes(content)
    source = "text" if name.endswith(".txt") else "chat"
    assert run("--from", source, "--to", "tokens", "--rejected", rejected, path).exit_code == 1
    (line,) = rejected.read_bytes().splitlines()
    kept = json.loads(line)
    if isinstance(kept, str):
        assert kept.encode(errors="surrogateescape") == content
    else:
        assert kept == json.loads(content)


def test_rejected_rows_of_parquet_keep_all_columns(tmp_path: Path) -> None:
    """A value that Python has not is the text that Arrow prints; a number that JSON has not is null."""
    path, rejected = tmp_path / "rows.parquet", tmp_path / "rejected.jsonl"
    talk = {"messages": [{"role": "nobody", "content": "x"}], "score": [0.5, float("nan")], "data": b"x", "id": 1}
    when = pyarrow.array([1], pyarrow.timestamp("ns"))
    for source, row in (("chat", talk), ("text", {"text": "no", "lang": "de"})):
        parquet.write_table(pyarrow.Table.from_pylist([row]).append_column("when", when), path)
        assert run("--from", source, "--to", "tokens", "--rejected", rejected, path).exit_code == 1
        expected = {**row, "when": "1970-01-01 00:00:00.000000001"}
        expected |= {"data": "x", "score": [0.5, None]} if "data" in row else {}
        assert rows(rejected.read_text()) == [expected]


def test_rejected_rows_of_a_list_keep_their_spelling(tmp_path: Path) -> None:
    """Numbers, repeated keys, spaces; a byte order mark is no part of a row."""
    bad = ['{"s":1.10, "s": 1e400, "n": 12345678901234567890.0,"messages":[5]}', '{"messages": [6],  "a": "\\u00e9"}']
    good = json.dumps(ROW)
    paths, rejected = [tmp_path / name for name in ("a.json", "b.jsonl", "c.json", "d.txt")], tmp_path / "rejected"
    texts = [f"[{bad[0]} ,\n{good},{bad[1]}]\n", f"{bad[0]}\n{good}", bad[1], "no JSON"]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8-sig")
    found = run("--from", "chat", "--to", "tokens", "--rejected", rejected, *paths)
    assert (found.exit_code, len(rows(found.stdout))) == (1, 2)
    assert rejected.read_text(encoding="utf-8").splitlines() == [*bad, *bad, '"no JSON"']


def test_the_first_row_of_a_list_may_be_wrong(tmp_path: Path) -> None:
    """A number, or a value that is nested too deeply for its text to be kept."""
    path, rejected = tmp_path / "rows.json", tmp_path / "rejected.jsonl"
    path.write_text(json.dumps([0, ROW, ROW]))
    found = run("--from", "chat", "--to", "text", path, "--rejected", rejected)
    assert (found.exit_code, len(rows(found.stdout)), rejected.read_text()) == (1, 2, "0\n")
    for depth in range(960, 1000):
        path.write_text(f'[{{"messages": 5, "id": {"[" * depth}{"]" * depth}}}]')
        assert run("--from", "chat", "--to", "text", path, "--rejected", rejected).exit_code == 1


def test_an_empty_text_is_no_column(tmp_path: Path) -> None:
    given = json.dumps({"messages": "", "conversations": "null", "prompt": "Hi", "completion": "Hello."})
    assert run("--from", "chat", "--to", "text", "-", given=given).exit_code == 0


def test_a_rejected_row_has_each_column_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table([["x"], [3], [4]], names=["text", "a", "a"]), path)
    found = run("--from", "text", "--to", "text", path, "--rejected", tmp_path / "rejected.jsonl")
    assert (found.exit_code, found.stderr.splitlines()[0]) == (
        2,
        f"{path}: several columns have the name 'a'; rename all but one of them",
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_file_may_be_a_list_of_rows(form: str, tmp_path: Path) -> None:
    """Of any form. Wrong rows are rejected alone; `validate` advises what it reads."""
    (row,) = rows(run("--from", "chat", "--to", form, "-", given=json.dumps(ROW)).stdout)
    bad = [{"x": 1}, 5, {"role": "user"}]
    path, rejected = tmp_path / "rows.json", tmp_path / "rejected.jsonl"
    path.write_text(json.dumps([row, *bad, {**row, "name": "x"}]))
    found = run("--from", form, "--to", "conversation", path, "--rejected", rejected)
    assert (found.exit_code, len(rows(found.stdout)), rows(rejected.read_text())) == (1, 2, bad)
    places = [line.split(": error: row rejected: ")[0] for line in found.stderr.splitlines()]
    assert places == [f"{path}[{index}]" for index in (1, 2, 3)]
    checked = CliRunner().invoke(main, ["validate", "--isolated", str(path)]).output
    assert ("these are Chat Completions" if form == "chat" else "jq -c '.[]' rows.json > rows.jsonl") in checked


def test_a_list_of_messages_or_of_nothing_is_no_list_of_rows(tmp_path: Path) -> None:
    """Also of messages with the tools, or the token ids, that columns are called by."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"role": "system", "content": "Be brief.", "tools": [TOOL]}, *CHAT]))
    assert len(rows(run("--from", "chat", "--to", "text", path).stdout)) == 1
    text = run("--from", "chat", "--to", "tokens", "-", given=json.dumps(ROW)).stdout
    (row,) = rows(run("--from", "tokens", "--to", "conversation", "-", given=text).stdout)
    path.write_text(json.dumps([{"tokens": None, **each} for each in row["messages"]]))
    assert len(rows(run("--from", "conversation", "--to", "text", path).stdout)) == 1
    path.write_text("[]")
    found = run("--from", "chat", "--to", "chat", path)
    assert (found.exit_code, found.stdout) == (0, "")


def test_a_row_that_is_too_long_is_not_kept_in_silence(tmp_path: Path) -> None:
    path, rejected = tmp_path / "rows.jsonl", tmp_path / "rejected.jsonl"
    path.write_text(json.dumps({"text": "x" * 300}))
    options = ["--max-row-bytes", "200", "--rejected", rejected]
    result = run("--from", "text", "--to", "tokens", *options, path)
    assert (result.exit_code, rejected.read_bytes()) == (1, b"")
    assert "row rejected, and not read: " in result.stderr
