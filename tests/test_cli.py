"""The command line: what it prints and how it exits."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from codegen import GRAMMAR
from harmony_spec import codec, render
from harmony_spec.cli import main

GOOD = "<|start|>user<|message|>hi<|end|>"


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


def test_a_valid_text(tmp_path: Path) -> None:
    path = tmp_path / "good.txt"
    path.write_text(GOOD)
    result = run("validate", str(path))
    assert (result.exit_code, result.stdout) == (0, "1 input, 1 valid, 1 message\n")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_line_break_at_the_end_of_a_file_is_the_editors(ending: str) -> None:
    assert run("validate", "-", given=GOOD.encode() + ending.encode()).exit_code == 0
    assert run("validate", "-", given=GOOD + "\n\n").exit_code == 1


def test_a_finding_shows_line_caret_expectation() -> None:
    text = "<|start|>user<|message|>first\nsecond 世界<|end|><|start|>assistant<|chanel|><|message|>x<|end|>\n"
    result = run("validate", "-", given=text)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "-:2:35: H102 unexpected-text: the text '<|chanel|>' cannot stand here",
        "    |",
        "  2 | second 世界<|end|><|start|>assistant<|chanel|><|message|>x<|end|>",
        "    |                                     ^",
        "  = expected: ':', or ' to=', or <|channel|>, or ' ', or <|constrain|>, or <|message|>",
        "  = help: Is this a misspelt <|channel|>?",
        "",
        "1 input, 0 valid, 0 messages, 1 finding",
    ]


def test_a_finding_in_tokens_shows_the_index_and_the_text_around() -> None:
    tokens = [200006, 1428, 200006]
    result = run("validate", "-", given=json.dumps(tokens))
    assert result.exit_code == 1
    first, _, quoted, caret, expected, _, summary = result.stdout.splitlines()
    assert first == "-: token 2: H101 unexpected-special-token: <|start|> cannot stand here"
    assert quoted.index("<|start|>", 14) == caret.index("^")
    assert expected.startswith("  = expected: ")
    assert summary == "1 input, 0 valid, 0 messages, 1 finding"


def test_token_lists_are_recognised(tmp_path: Path) -> None:
    tokens = render(codec.parse(GOOD).messages)
    one, rows = tmp_path / "one.json", tmp_path / "rows.jsonl"
    one.write_text(json.dumps(tokens, indent=2))
    rows.write_text(f"{json.dumps(tokens)}\n\n{json.dumps(tokens[:-1])}\n{json.dumps(tokens * 2)}\n")
    result = run("validate", str(one), str(rows))
    assert result.exit_code == 1
    assert f"{rows}:3: token 4: H103" in result.stdout
    assert result.stdout.endswith("4 inputs, 3 valid, 4 messages, 1 finding\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "bad:1: not UTF-8: byte 0xff at offset 0"),
        (b"[1, 2", "bad:1:6: not a JSON array of token ids: Expecting ',' delimiter"),
        (b"[1, 2.5]", "bad:1: not a JSON array of token ids: item 1 is 2.5"),
        (b"[1]\n[true]\n", "bad:2: not a JSON array of token ids: item 0 is true"),
    ],
)
def test_unusable_input_exits_with_2(content: bytes, said: str, tmp_path: Path) -> None:
    """An input that is none is said in one line, beside the findings of the others."""
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.write_bytes(content)
    good.write_text(GOOD)
    result = run("validate", str(bad), str(good))
    assert result.exit_code == 2
    assert "1 valid" in result.stdout
    assert result.stderr.splitlines()[0].endswith(said)


def test_missing_files_and_folders_exit_with_2(tmp_path: Path) -> None:
    assert run("validate", str(tmp_path / "none")).exit_code == 2
    assert run("validate", str(tmp_path)).exit_code == 2
    assert run("parse", str(tmp_path / "none")).exit_code == 2
    assert run("render", str(tmp_path / "none")).exit_code == 2
    assert run("generate", str(tmp_path / "none")).exit_code == 2
    assert run("validate").exit_code == 2
    assert run("validate", "--nonsense").exit_code == 2


def test_a_prompt_is_told_from_a_transcript() -> None:
    result = run("validate", "-", given=GOOD + "<|start|>assistant")
    assert result.exit_code == 1
    assert "H106 wrong-start: this is a prompt, not a transcript" in result.stdout
    assert run("validate", "--start", "prompt", "-", given=GOOD + "<|start|>assistant\n").exit_code == 0


def test_parse_prints_json() -> None:
    result = run("parse", "-", given=GOOD)
    assert json.loads(result.stdout) == codec.to_json(codec.parse(GOOD).messages)
    result = run("parse", "--start", "prompt", "-", given=GOOD + "<|start|>assistant")
    assert json.loads(result.stdout)["opening"] == {"role": "assistant"}
    named = GOOD + "<|start|>user:bob"
    result = run("parse", "--start", "prompt", "-", given=named)
    assert run("render", "--start", "prompt", "-", given=result.stdout).stdout == named
    result = run("parse", "-", given="nothing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "H102" in result.stderr


def test_parse_prints_a_line_for_each_row() -> None:
    tokens = json.dumps(render(codec.parse(GOOD).messages))
    lines = run("parse", "-", given=f"{tokens}\n{tokens}\n").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [codec.to_json(codec.parse(GOOD).messages)] * 2


def test_render_writes_text_and_tokens() -> None:
    call = {"role": "assistant", "content": "{}", "channel": "commentary", "recipient": "functions.f"}
    value = json.dumps({"messages": [call]})
    assert (
        run("render", "-", given=value).stdout
        == "<|start|>assistant to=functions.f<|channel|>commentary<|message|>{}<|call|>"
    )
    model = run("render", "--style", "model", "-", given=value).stdout
    assert model == "<|start|>assistant<|channel|>commentary to=functions.f<|message|>{}<|call|>"
    assert json.loads(run("render", "--tokens", "-", given=value).stdout)[-1] == 200012
    assert run("render", "--start", "prompt", "-", given=value).stdout.endswith("<|call|><|start|>assistant")


def test_render_refuses_with_reasons() -> None:
    result = run("render", "-", given='{"messages": [')
    assert (result.exit_code, result.stderr) == (2, "-:1:15: not JSON: Expecting value\n")
    result = run("render", "-", given='{"messages": [{"role": "user"}]}')
    assert result.exit_code == 2
    assert "H301 invalid-conversation: at /messages/0: 'content' is a required property" in result.stderr
    result = run("render", "-", given='{"messages": [{"role": "user", "content": "<|end|>"}]}')
    assert result.exit_code == 1
    assert "H202 special-token-in-text" in result.stderr


def test_generate_creates_updates_and_checks(tmp_path: Path) -> None:
    folder, module = tmp_path / "grammar", tmp_path / "codec.py"
    assert run("grammar", str(folder)).exit_code == 0
    assert {path.name for path in folder.iterdir()} == {
        p.name for p in GRAMMAR.iterdir() if p.suffix in (".lark", ".toml", ".json")
    }
    assert run("grammar", str(folder)).exit_code == 2
    check = run("generate", str(folder), "-o", str(module), "--check")
    assert check.exit_code == 1
    assert f"harmony-spec generate {folder} -o {module}" in check.stderr
    assert run("generate", str(folder), "-o", str(module)).stdout == f"created {module}\n"
    assert run("generate", str(folder), "-o", str(module)).stdout == f"same {module}\n"
    assert run("generate", str(folder), "-o", str(module), "--check").exit_code == 0
    lark = folder / "harmony.lark"
    lark.write_text(lark.read_text().replace('| "assistant"', '| "assistant" | "critic"'))
    assert run("generate", str(folder), "-o", str(module)).stdout == f"updated {module}\n"
    assert run("generate", str(folder)).stdout == module.read_text()
    lark.write_text(lark.read_text().replace("message: opening", "message: opned"))
    refused = run("generate", str(folder), "-o", str(module))
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[0] == f"{lark}:25:10: `opned` is not defined"
    assert module.read_text().count("critic")


@pytest.mark.parametrize("command", main.commands)
def test_the_example_of_each_help_works(command: str, tmp_path: Path) -> None:
    """Pasted into a shell as it stands."""
    lines = run(command, "--help").stdout.split("Example:\n", 1)[1].strip()
    example = " ".join(line.strip() for line in lines.splitlines())
    scripts = Path(sys.executable).parent
    pasted = subprocess.run(
        ["bash", "-ec", f"PATH={shlex.quote(str(scripts))}:$PATH; set -o pipefail; {example}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert pasted.returncode == 0, pasted.stderr
    assert pasted.stdout


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_input_gives_a_traceback(data: bytes) -> None:
    """Whatever the bytes, validating ends with 0, 1 or 2 and a summary."""
    result = run("validate", "-", given=data)
    assert result.exit_code in (0, 1, 2), result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert " valid, " in result.stdout


def test_a_broken_row_does_not_end_the_run() -> None:
    tokens = json.dumps(render(codec.parse(GOOD).messages))
    result = run("validate", "-", given=f'{tokens}\n[200006, 1428\n[1, "x"]\n{tokens}\n')
    assert result.exit_code == 2
    assert result.stdout == "2 inputs, 2 valid, 2 messages, 2 not readable\n"
    assert result.stderr.splitlines() == [
        "-:2:14: not a JSON array of token ids: Expecting ',' delimiter",
        '-:3: not a JSON array of token ids: item 1 is "x"',
    ]


def test_control_characters_are_shown_not_sent() -> None:
    result = run("validate", "-", given="\x1b[2J\r" + GOOD)
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "\u241b[2J\u240d" in result.stdout
