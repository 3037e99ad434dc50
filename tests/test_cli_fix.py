"""`harmony-spec fix` and `harmony-spec parse --recover`: what they print, what they write, how they exit."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings

from harmony_spec import Message, parse, render_text
from harmony_spec.cli import main

from .strategies import conversations, text_contents

GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = "<|start|>assistant<|channel|>analysis<|channel|>commentary to=f to=f<|message|>{}<|call|>"
MENDED = "<|start|>assistant to=f<|channel|>commentary<|message|>{}<|call|>"


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


def test_a_file_is_mended_in_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(GOOD + BAD)
    result = run("fix", str(path))
    assert (result.exit_code, path.read_text()) == (0, GOOD + MENDED)
    assert f"{path}:1:63: H134 repeated-channel: 'analysis': the last name" in result.stderr
    assert result.stderr.endswith("2 mistakes\n")
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


def test_a_file_with_an_unreadable_row_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = "[200006, 200006, 1428, 200008, 12194, 200007]\n[1, x]\n"
    path.write_text(rows)
    assert (run("fix", str(path)).exit_code, path.read_text()) == (2, rows)


def test_the_answer_behind_a_stop_goes() -> None:
    text = "<|channel|>final<|message|>Hello.<|return|><|start|>assistant<|channel|>final<|message|>Again.<|end|>"
    result = run("fix", "--start", "completion", "-", given=text)
    assert (result.exit_code, result.stdout) == (0, "<|channel|>final<|message|>Hello.<|return|>")


def test_a_prompt_gets_its_open_header() -> None:
    result = run("fix", "--start", "prompt", "-", given=GOOD)
    assert (result.exit_code, result.stdout) == (0, GOOD + "<|start|>assistant")


def test_what_cannot_be_mended_is_a_finding() -> None:
    result = run("fix", "--start", "completion", "-", given="")
    assert result.exit_code == 1
    assert "H124 missing-message" in result.stderr
    assert result.stderr.endswith(" left\n")


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(conversations(text_contents))
def test_what_fix_writes_is_valid(conversation: list[Message]) -> None:
    """Whatever is mended reads strictly, and is left alone the next time."""
    text = render_text(conversation)
    mended = run("fix", "-", given=text + "<|end|>").stdout
    parse(mended)
    assert run("fix", "-", given=mended).stdout == mended
