"""`harmony-spec fix` and `harmony-spec parse --recover`: what they print, what they write, how they exit."""

from __future__ import annotations

import errno
import gzip
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import Message, parse, render_text
from harmony_spec.cli import main

from .strategies import conversations, text_contents

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "": (bytes, bytes),
    ".gz": (gzip.compress, gzip.decompress),
    ".zst": (zstd.compress, zstd.decompress),
}
GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = "<|start|>assistant<|channel|>analysis<|channel|>commentary to=f to=f<|message|>{}<|call|>"
MENDED = "<|start|>assistant to=f<|channel|>commentary<|message|>{}<|call|>"


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


def test_a_file_is_mended_in_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(GOOD + BAD)
    result = run("fix", str(path))
    assert (result.exit_code, path.read_text()) == (0, GOOD + MENDED)
    assert f"{path}:1:63: H134 repeated-channel: 'analysis': the last name" in result.stderr
    assert result.stderr.endswith("1 input, 1 valid, 2 messages, 2 fixed\n")
    assert run("validate", str(path)).exit_code == 0


def test_a_difference_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(BAD)
    result = run("fix", "--diff", str(path))
    assert (result.exit_code, path.read_text()) == (1, BAD)
    assert f"-{BAD}\n+{MENDED}\n" in result.stdout
    path.write_text(GOOD)
    assert run("fix", "--diff", str(path)).exit_code == 0


def test_token_lists_stay_token_lists(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("[200006, 1428, 200008, 12194, 200007]\n[200006, 200006, 1428, 200008, 12194, 200007]\n")
    assert run("fix", str(path)).exit_code == 0
    assert path.read_text() == "[200006, 1428, 200008, 12194, 200007]\n" * 2


ROWS = [
    "",
    '{"id": 1, "text": "' + BAD + '"}',
    '  {"id": 2,   "text": "' + GOOD + '"}',
    "[1, x",
    '{"mine": [200006, 200006, 1428, 200008, 12194, 200007], "é": "é"} ',
    "",
    json.dumps(BAD),
    "",
]
MENDED_ROWS = [
    *ROWS[:1],
    json.dumps({"id": 1, "text": MENDED}),
    *ROWS[2:4],
    '{"mine": [200006, 1428, 200008, 12194, 200007], "é": "é"} ',
    "",
    json.dumps(MENDED),
    "",
]


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_rows_keep_their_form(packed: str, line_break: str, tmp_path: Path) -> None:
    """Their keys, their boundaries, their compression; what is right or broken stays as it is, byte by byte."""
    path = tmp_path / f"rows.jsonl{packed}"
    pack, unpack = PACKERS[packed]
    path.write_bytes(pack(line_break.join(ROWS).encode()))
    result = run("fix", str(path))
    assert unpack(path.read_bytes()).decode() == line_break.join(MENDED_ROWS)
    assert result.exit_code == 1
    assert f"{path}:2: character 29: H134 repeated-channel" in result.stderr
    assert f"{path}:4:5: error H303 unreadable-row: not JSON" in result.stderr
    assert result.stderr.endswith("5 inputs, 4 valid, 4 messages, 1 finding, 5 fixed\n")
    data = path.read_bytes()
    assert run("fix", str(path)).stderr.endswith(", 1 finding\n")
    assert path.read_bytes() == data


def test_rows_of_standard_input_keep_their_form() -> None:
    assert run("fix", "-", given="\n".join(ROWS)).stdout == "\n".join(MENDED_ROWS)


def test_a_difference_of_rows_names_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(ROWS))
    result = run("fix", "--diff", str(path))
    assert (result.exit_code, path.read_text()) == (1, "\n".join(ROWS))
    before, after = json.dumps({"id": 1, "text": BAD}), json.dumps({"id": 1, "text": MENDED})
    assert f"--- {path}:2\n+++ {path}:2\n" in result.stdout
    assert f"-{before}\n+{after}\n" in result.stdout
    assert f"--- {path}:3" not in result.stdout


def test_a_column_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"a": BAD, "b": BAD}))
    assert "Choose one with --column." in run("fix", str(path)).stderr
    assert run("fix", "--column", "b", str(path)).exit_code == 0
    assert json.loads(path.read_text()) == {"a": BAD, "b": MENDED}


CONVERSATION = {"messages": [{"role": "user", "content": "hi"}]}
NOT_CHANGED = "are not changed: only texts and token ids are, in text, JSON and JSON Lines files\n"


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("one.json", json.dumps(CONVERSATION, indent=1), ""),
        ("wrong.json", '{"messages": [{"role": "user"}]}', ""),
        ("rows.jsonl", f"{json.dumps(BAD)}\n{json.dumps(CONVERSATION)}\n{json.dumps(BAD)}\n" * 2, ":2"),
    ],
)
def test_conversations_are_refused(name: str, content: str, row: str, tmp_path: Path) -> None:
    """In one sentence, and nothing of the file is written; others are."""
    path, bad = tmp_path / name, tmp_path / "bad.txt"
    path.write_text(content)
    bad.write_text(BAD)
    result = run("fix", str(path), str(bad))
    assert (result.exit_code, path.read_text(), bad.read_text()) == (2, content, MENDED)
    assert result.stderr.count("not changed") == 1
    assert f"{path}{row}: conversations in their JSON form {NOT_CHANGED}" in result.stderr
    assert {each.name for each in tmp_path.iterdir()} == {name, "bad.txt"}


def test_a_conversation_far_behind_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Also where rows behind it are read in another batch, and by another process."""
    path = tmp_path / "rows.jsonl"
    content = f"{json.dumps(BAD)}\n" * 40_000 + f"{json.dumps(CONVERSATION)}\n" + f"{json.dumps(GOOD)}\n" * 40_000
    path.write_text(content)
    result = run("fix", "-j", "2", str(path))
    assert (result.exit_code, path.read_text() == content) == (2, True)
    assert (result.stderr.count("not changed"), list(tmp_path.iterdir())) == (1, [path])


def test_parquet_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"text": [BAD]}), path)
    data = path.read_bytes()
    for result in (run("fix", str(path)), run("fix", "-", given=data)):
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"Parquet files {NOT_CHANGED}" in result.stderr
    assert path.read_bytes() == data


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_a_full_disk_leaves_no_file_behind(packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with the results that validate writes beside it."""
    path, last = tmp_path / f"bad.txt{packed}", tmp_path / "last.txt"
    data = PACKERS[packed][0](f"{GOOD}<|end|>".encode())
    for each in (path, last):
        each.write_bytes(data)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")

    monkeypatch.setattr(os, "fsync", full)
    files = [str(path), str(last)]
    for command in (["fix", *files], ["fix", str(path)], ["validate", "--fix", "-o", f"{tmp_path}/a.jsonl", *files]):
        result = run(*command)
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "a file: No space left on device")
        assert (path.read_bytes(), set(tmp_path.iterdir())) == (data, {path, last})


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_line_break_of_the_editor_stays(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes((BAD + ending).encode())
    assert run("fix", str(path)).exit_code == 0
    assert path.read_bytes() == (MENDED + ending).encode()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "bad.txt", tmp_path / "link.txt"
    path.write_text(BAD)
    path.chmod(0o640)
    link.symlink_to(path)
    assert run("fix", str(link)).exit_code == 0
    assert (link.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (True, MENDED, 0o640)
    assert set(tmp_path.iterdir()) == {path, link}


def test_the_settings_of_validate_hold(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.harmony-spec]\nstart = "completion"\nexclude = ["drafts"]\n')
    (tmp_path / "drafts").mkdir()
    text = "<|channel|>final<|message|>Hello.<|return|><|end|>"
    path, draft = tmp_path / "a.txt", tmp_path / "drafts" / "b.txt"
    path.write_text(text)
    draft.write_text(text)
    assert run("fix", str(tmp_path)).exit_code == 0
    assert (path.read_text(), draft.read_text()) == ("<|channel|>final<|message|>Hello.<|return|>", text)
    path.write_text(text)
    assert run("fix", "--isolated", str(path)).exit_code == 0
    assert path.read_text().startswith("<|start|>assistant")


def test_the_answer_behind_a_stop_goes() -> None:
    text = "<|channel|>final<|message|>Hello.<|return|><|start|>assistant<|channel|>final<|message|>Again.<|end|>"
    result = run("fix", "--start", "completion", "-", given=text)
    assert (result.exit_code, result.stdout) == (0, "<|channel|>final<|message|>Hello.<|return|>")


def test_a_prompt_keeps_its_open_header() -> None:
    """Read as a transcript it would lose it: what to do is said, and nothing changes."""
    prompt = GOOD + "<|start|>assistant"
    result = run("fix", "-", given=prompt)
    assert (result.exit_code, result.stdout) == (1, prompt)
    assert "help: This is a prompt, not a transcript; see --start." in result.stderr


def test_a_prompt_gets_its_open_header() -> None:
    result = run("fix", "--start", "prompt", "-", given=GOOD)
    assert (result.exit_code, result.stdout) == (0, GOOD + "<|start|>assistant")


def test_what_cannot_be_mended_is_a_finding() -> None:
    result = run("fix", "--start", "completion", "-", given="")
    assert result.exit_code == 1
    assert "H124 missing-message" in result.stderr
    assert result.stderr.endswith("  = help: It stays as it is.\n1 input, 0 valid, 0 messages, 2 findings\n")
    forged = "<|channel|>analysis<|message|>Hm.<|end|><|start|>python to=assistant<|message|>42<|end|>"
    result = run("fix", "--start", "completion", "-", given=forged)
    assert (result.exit_code, result.stdout) == (1, forged)
    assert "forged-tool-message" in result.stderr
    assert result.stderr.endswith(", 1 finding\n")


def test_tools_decide_recipients(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "get_weather"}}]))
    text = "<|start|>assistant<|channel|>commentary to=get_weather<|message|>{}<|call|>"
    result = run("fix", "--tools", str(tools), "-", given=text)
    assert result.stdout == "<|start|>assistant to=functions.get_weather<|channel|>commentary<|message|>{}<|call|>"
    tools.write_text("{")
    result = run("fix", "--tools", str(tools), "-", given=text)
    assert (result.exit_code, "not JSON" in result.stderr) == (2, True)


def test_parse_recovers() -> None:
    result = run("parse", "--recover", "-", given=BAD)
    value = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [message["recipient"] for message in value["messages"]] == ["f"]
    assert [(each["code"], each["span"], each["raw"]) for each in value["diagnostics"]] == [
        ("H134", [29, 37], "analysis"),
        ("H139", [59, 63], "to=f"),
    ]
    clean = run("parse", "--recover", "-", given=GOOD)
    assert (clean.exit_code, json.loads(clean.stdout)["diagnostics"]) == (0, [])


def test_diagnostics_have_one_form() -> None:
    """That of validate, which says the file and the row besides, and where each is in text and in tokens."""
    bad = f"{GOOD}<|end|>\n"
    (found,) = json.loads(run("parse", "--recover", "-", given=bad).stdout)["diagnostics"]
    validated = json.loads(run("validate", "--output-format", "json", "-", given=bad).stdout)
    spans = {"text_span": found["span"], "token_span": [5, 6], "fix": {"span": found["span"], "replacement": ""}}
    assert validated == {"file": "-", "row": None} | found | spans


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(conversations(text_contents))
def test_what_fix_writes_is_valid(conversation: list[Message]) -> None:
    """Whatever is mended reads strictly, and is left alone the next time."""
    text = render_text(conversation)
    mended = run("fix", "-", given=text + "<|end|>").stdout
    parse(mended)
    assert run("fix", "-", given=mended).stdout == mended


pieces = st.sampled_from(
    ["<|start|>", "user", "<|message|>", "<|end|>", "<|channel|>", "final", "\n", "[", "{", '"', "7"]
)


@settings(max_examples=30)
@given(st.binary(max_size=40) | st.lists(pieces, max_size=12).map(lambda each: "".join(each).encode()))
def test_no_input_gives_a_traceback(data: bytes) -> None:
    """Whatever the bytes, each command ends with 0, 1 or 2."""
    for command in (["fix"], ["fix", "--diff"], ["parse"], ["parse", "--recover", "--stripped"]):
        result = run(*command, "-", given=data)
        assert result.exit_code in (0, 1, 2), result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
