"""`harmony-spec validate`: what it takes, what it prints, how it exits."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import codec, render, to_json
from harmony_spec.cli import main

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = "<|start|>user<|message|>hi<|end|><|end|>"
MESSAGES = codec.parse(GOOD).messages
TOKENS = render(MESSAGES)
CONVERSATION = to_json(MESSAGES)
ONE = "1 input, 1 valid, 1 message\n"


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, arguments)], input=given)


def rows(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def test_a_valid_text(tmp_path: Path) -> None:
    path = tmp_path / "good.txt"
    path.write_text(GOOD)
    result = run(path)
    assert (result.exit_code, result.stdout) == (0, ONE)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_line_break_at_the_end_of_a_file_is_the_editors(ending: str) -> None:
    assert run("-", given=GOOD.encode() + ending.encode()).exit_code == 0
    assert run("-", given=GOOD + "\n\n").exit_code == 1


def test_a_finding_shows_line_and_caret() -> None:
    text = "<|start|>user<|message|>first\nsecond 世界<|end|><|start|>assistant<|chanel|><|message|>x<|end|>\n"
    result = run("-", given=text)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "-:2:35: error H151 unread-header-text: '<|chanel|>': left out: not a known name; this reading costs 30, all "
        "others more than 40",
        "    |",
        "  2 | second 世界<|end|><|start|>assistant<|chanel|><|message|>x<|end|>",
        "    |                                     ^",
        "1 input, 0 valid, 2 messages, 1 finding",
    ]


def test_a_finding_in_tokens_shows_the_index_and_the_text_around() -> None:
    result = run("-", given=json.dumps([*TOKENS, 200007]))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "-: token 5: error H115 repeated-terminator: [*] '<|end|>': no message is open",
        "   |",
        "   | user<|message|>hi<|end|><|end|>",
        "   |                         ^",
        "  = help: --fix removes this.",
        "1 input, 0 valid, 1 message, 1 finding ([*] 1 fixable with --fix)",
    ]


def test_a_prompt_is_told_from_a_transcript() -> None:
    prompt = GOOD + "<|start|>assistant"
    result = run("-", given=prompt)
    assert result.exit_code == 1
    assert "= help: This is a prompt, not a transcript. Pass start='prompt' (--start prompt)." in result.stdout
    assert run("--start", "prompt", "-", given=prompt + "\n").exit_code == 0
    assert (
        "= help: This is a prompt, not a transcript. Pass start='prompt' (--start prompt)."
        in run("-", given=f"{prompt}\r\n".encode()).stdout
    )


FORMS: dict[str, str | bytes] = {
    "text.txt": GOOD,
    "tokens.json": json.dumps(TOKENS, indent=2),
    "conversation.json": json.dumps(CONVERSATION, indent=2),
    "column.json": json.dumps({"id": 7, "text": GOOD}),
    "rows.jsonl": rows(TOKENS),
    "texts.ndjson": rows(GOOD),
    "conversations.jsonl": rows(CONVERSATION),
    "objects.jsonl": rows({"id": 7, "mine": TOKENS}),
    "chats.jsonl": rows({"source": "x", "conversation": CONVERSATION["messages"]}),
    "text.txt.gz": gzip.compress(GOOD.encode()),
    "rows.jsonl.zst": zstd.compress(rows(TOKENS).encode()),
    "skipped.jsonl.zst": b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd.compress(rows(TOKENS).encode()),
}


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_of_input_are_read(name: str, tmp_path: Path) -> None:
    """By their names, and, where standard input has none, by what they begin with."""
    content = FORMS[name]
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert (run(path).exit_code, run(path).stdout) == (0, ONE)
    if name != "texts.ndjson":  # a JSON string might as well be a text in quotes
        assert (run("-", given=content).exit_code, run("-", given=content).stdout) == (0, ONE)


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([TOKENS, TOKENS], pyarrow.list_(pyarrow.int32())),
        pyarrow.array([TOKENS, TOKENS], pyarrow.large_list(pyarrow.uint64())),
        pyarrow.array([GOOD, GOOD]),
        pyarrow.array([GOOD, GOOD]).dictionary_encode(),
        pyarrow.array([CONVERSATION, CONVERSATION]),
        pyarrow.array([CONVERSATION["messages"]] * 2),
    ],
    ids=lambda column: str(column.type)[:20],
)
def test_parquet_columns_are_read(column: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"id": [1, 2], "mine": column}), path)
    assert run(path).stdout == "2 inputs, 2 valid, 2 messages\n"
    assert run("-", given=path.read_bytes()).stdout == "2 inputs, 2 valid, 2 messages\n"
    assert run("--column", "mine", path).exit_code == 0
    assert run("--column", "id", path).stdout.count("H303 unreadable-row") == 2
    missing = run("--column", "none", path)
    assert (missing.exit_code, "no column 'none'; columns: id, mine" in missing.stderr) == (2, True)


def test_a_parquet_file_whose_column_is_not_known_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"a": [GOOD], "b": [GOOD]}), path)
    result = run(path)
    assert (result.exit_code, "several columns can be validated: a, b" in result.stderr) == (2, True)
    assert run("--column", "b", path).exit_code == 0
    path.write_bytes(path.read_bytes()[:-9])
    result = run(path)
    assert (result.exit_code, "the Parquet file cannot be read" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "bad:1:1: error H303 unreadable-row: not UTF-8: byte 0xff at offset 0"),
        (b"[1, 2", "bad:1:6: error H303 unreadable-row: not JSON: Expecting ',' delimiter"),
        (b"[1, 2.5]", "bad: error H303 unreadable-row: the row is not an array of token ids: item 1 is 2.5"),
        (
            b"[200007]\n[true]\n",
            "bad:2: error H303 unreadable-row: the row is not an array of token ids: item 0 is true",
        ),
        (b'{"a": [1], "b": [1]}', "bad: error H303 unreadable-row: several columns can be validated: a, b"),
        (b'{"a": 1}', "bad: error H303 unreadable-row: no column has a text, token ids or a conversation"),
        (
            b'{"messages": [{"role": "user"}]}',
            "bad at /messages/0: error H301 invalid-conversation: the field 'content' is missing",
        ),
        (b'{"a": ' + b"[" * 100_000, "bad: error H303 unreadable-row: the JSON is nested too deeply"),
        (
            b'{"text": null}',
            "bad: error H303 unreadable-row: the column 'text' is not a text, token ids or a conversation",
        ),
    ],
)
def test_what_cannot_be_read_is_a_finding(content: bytes, said: str, tmp_path: Path) -> None:
    """Beside the findings of others; the run goes on."""
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.write_bytes(content)
    good.write_text(GOOD)
    result = run(bad, good)
    assert (result.exit_code, " 1 valid, " in result.stdout) == (1, True)
    assert any(line.removeprefix(f"{tmp_path}/").startswith(said) for line in result.stdout.splitlines())


def test_a_text_in_another_encoding_gets_advice(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(GOOD, encoding="utf-16")
    assert "  = help: If it is a text in another encoding, convert it to UTF-8.\n" in run(tmp_path / "a.txt").stdout


def test_json_on_several_lines_is_one_value() -> None:
    """Without a name that says what it holds."""
    conversation = '{"messages": [\n{"role": "user",\n"content": "Hi"}\n]}\n'
    for text in (conversation, json.dumps([{"role": "user", "content": "Hi"}]), "[\n200006,\n2]"):
        assert run("-", given=text).stdout.splitlines()[-1].startswith("1 input, "), text
    assert run("-", given=conversation).exit_code == 0
    assert run("-", given='[{"role": "user", "content": "Hi"}]').exit_code == 0
    assert run("-", given="[1,\n[2]\n").exit_code == 1


def test_no_selector_at_all_is_a_mistake() -> None:
    """Else an empty variable would make all valid."""
    for value in ("", ",", " "):
        result = run("--select", value, "-", given="no")
        assert (result.exit_code, "no rule selected" in result.stderr) == (2, True)


def test_results_do_not_replace_what_is_read(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(GOOD))
    result = run("-o", rows, rows)
    assert (result.exit_code, json.loads(rows.read_text())) == (2, GOOD)
    assert "the run also reads or writes this file; pass another one" in result.stderr


def test_a_column_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    row = tmp_path / "row.json"
    row.write_text('{"prompt": "a", "answer": "b"}')
    result = run("--column", "reply", row)
    assert result.exit_code == 1
    assert "no column 'reply'; columns: prompt, answer\n" in result.stdout


def test_a_broken_row_does_not_end_the_run() -> None:
    result = run("-", given=f'{TOKENS}\n[200006, 1428\n\n[1, "x"]\n{TOKENS}\n')
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("-")] == [
        "-:2:14: error H303 unreadable-row: not JSON: Expecting ',' delimiter",
        "-:4: error H303 unreadable-row: the row is not an array of token ids: item 1 is 'x'",
    ]
    assert result.stdout.endswith("4 inputs, 2 valid, 2 messages, 2 findings\n")


def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    row = json.dumps({"tokens": TOKENS, "filler": "x" * 900}) + "\n"
    path.write_bytes(gzip.compress(row.encode() * 6_000)[:-2000])
    good = tmp_path / "good.txt"
    good.write_text(GOOD)
    result = run("-j", 1, path, good)
    assert (result.exit_code, "the compressed file is broken" in result.stderr) == (2, True)
    assert " 0 valid" not in result.stdout
    assert result.stdout.endswith(", 1 file not read\n")


def test_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("b.txt", "a.jsonl", "deep/er/c.json", ".hidden/d.txt", "deep/notes.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rows([*TOKENS, 200007]) if name.endswith("jsonl") else BAD)
    found = run("--output-format", "concise", tmp_path).stdout.splitlines()
    assert [line.removeprefix(f"{tmp_path}/").split(" ")[0] for line in found[:-1]] == [
        "a.jsonl:1:",
        "b.txt:1:34:",
        "deep/er/c.json:1:1:",
    ]
    assert run(tmp_path / "**" / "*.txt").stdout.endswith("1 finding ([*] 1 fixable with --fix)\n")
    assert run(tmp_path / "b.txt", tmp_path / "b.txt").stdout.endswith("1 finding ([*] 1 fixable with --fix)\n")
    assert run("--exclude", "deep", "--exclude", "*.jsonl", tmp_path).stdout.startswith(f"{tmp_path}/b.txt")
    assert run(tmp_path / "*.none").exit_code == 2
    assert run(tmp_path / ".hidden" / "none").exit_code == 2


@pytest.mark.parametrize("url", ["s3://bucket/rows.jsonl", "https://host/*.parquet"])
def test_a_url_names_the_option_that_reads_it(url: str) -> None:
    result = run(url)
    assert (result.exit_code, result.stderr) == (2, f"{url}: only --runner daft reads URLs\n")


def test_input_format_overrules_the_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text(rows(TOKENS, TOKENS))
    assert run(path).exit_code == 2
    assert run("--input-format", "jsonl", path).stdout == "2 inputs, 2 valid, 2 messages\n"


def test_tools_come_from_a_file(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "get_weather"}}]))
    call = "<|start|>assistant<|channel|>commentary to=get_weather<|message|>{}<|call|>"
    assert "H143 misspelt-recipient" in run("--tools", tools, "-", given=call).stdout
    tools.write_text("{")
    result = run("--tools", tools, "-", given=call)
    assert (result.exit_code, f"{tools}:1:2: not JSON" in result.stderr) == (2, True)


def test_control_characters_are_shown_not_sent() -> None:
    result = run("-", given="\x1b[2J\r" + GOOD)
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "\u241b[2J\u240d" in result.stdout


def test_what_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves no file behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.txt").write_text(GOOD)
    assert run("-o", "none/found.jsonl", "good.txt").exit_code == 2
    assert run("-o", "found.csv", "good.txt").exit_code == 2
    assert run("-o", "found.jsonl", "--select", "H999", "good.txt").exit_code == 2
    (tmp_path / "found.jsonl").mkdir()
    assert run("-o", "found.jsonl", "good.txt").exit_code == 2
    assert run("--diff", "--output-format", "sarif", "good.txt").exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.jsonl", "good.txt"]


def test_folders_that_cannot_be_read_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is beside them is checked."""
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "good.txt").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    scandir, stat = os.scandir, os.stat

    def closed(read: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(path: Any, **options: Any) -> Any:
            if "closed" in Path(os.fspath(path)).parts[: None if read is scandir else -1]:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
            return read(path, **options)

        return refuse

    monkeypatch.setattr(os, "scandir", closed(scandir))
    result = run(".")
    assert (result.exit_code, result.stderr) == (2, "./closed: Permission denied\n")
    assert result.stdout == "1 input, 1 valid, 1 message, 1 file not read\n"
    assert run("closed").stderr == "closed: Permission denied\n"
    monkeypatch.setattr(os, "stat", closed(stat))
    assert run("closed/none.txt").stderr == "closed/none.txt: No such file or directory\n"


def test_what_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the hidden file beside it."""
    (tmp_path / "bad.txt").write_text(BAD)
    monkeypatch.chdir(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), ".bad.txt.x")

    monkeypatch.setattr("harmony_spec.linting.atomic._Raw", refuse)
    said = "it cannot be written: Permission denied\n"
    assert (run("--fix", "bad.txt").exit_code, run("--fix", "bad.txt").stderr) == (2, f"bad.txt: {said}")
    assert run("-o", "found.jsonl", "bad.txt").stderr == f"found.jsonl: {said}"


def test_whoever_reads_may_stop(tmp_path: Path) -> None:
    """Without a traceback."""
    path = tmp_path / "rows.jsonl"
    path.write_text("1\n" * 20_000)
    command = (
        f"{shlex.quote(str(Path(sys.executable).parent / 'harmony-spec'))} validate {shlex.quote(str(path))} | head -1"
    )
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (said.stdout.count("\n"), said.stderr) == (1, "")


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_input_gives_a_traceback(data: bytes) -> None:
    """Whatever the bytes, validating ends with 0, 1 or 2 and a summary."""
    result = run("-", given=data)
    assert result.exit_code in (0, 1, 2), result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert " valid, " in result.stdout
