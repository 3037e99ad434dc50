"""The command line: what it prints and how it exits."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from codegen import GRAMMAR
from harmony_spec import codec, render
from harmony_spec.cli import main

GOOD = "<|start|>user<|message|>hi<|end|>"


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


def test_missing_files_and_folders_exit_with_2(tmp_path: Path) -> None:
    assert run("validate", str(tmp_path / "none")).exit_code == 2
    assert run("validate", str(tmp_path)).exit_code == 2
    assert run("parse", str(tmp_path / "none")).exit_code == 2
    assert run("render", str(tmp_path / "none")).exit_code == 2
    assert run("generate", str(tmp_path / "none")).exit_code == 2
    assert run("validate").exit_code == 2
    assert run("validate", "--nonsense").exit_code == 2


def test_the_package_runs() -> None:
    """As a module it is the command, by the same name."""
    found = subprocess.run([sys.executable, "-m", "harmony_spec", "-h"], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("Usage: harmony-spec [OPTIONS] COMMAND")


@pytest.mark.parametrize(("given", "status"), [(GOOD, 0), ("<|start|>user", 1)])
def test_the_command_ends_its_process_in_order(given: str, status: int) -> None:
    """Its memory is not freed, which takes time; what was registered for the end runs, and output is kept."""
    program = "import atexit; atexit.register(print, 'at exit'); from harmony_spec.cli import main; main()"
    command = [sys.executable, "-c", program, "validate", "--isolated", "--input-format", "text", "-"]
    found = subprocess.run(command, input=given, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (status, "")
    assert found.stdout.startswith("1 input, 1 valid" if status == 0 else "-:")
    assert found.stdout.endswith("at exit\n")


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


TOKENS = render(codec.parse(GOOD).messages)


@pytest.mark.parametrize(
    "given",
    [
        GOOD.encode(),
        f"\ufeff{GOOD}\r\n".encode(),
        json.dumps(TOKENS).encode(),
        json.dumps(TOKENS, indent=1).encode() + b"\n\n",
        gzip.compress(json.dumps(TOKENS).encode(), mtime=0),
    ],
)
def test_parse_reads_one_input(given: bytes) -> None:
    """A text or token ids, as validate takes them."""
    result = run("parse", "-", given=given)
    assert (result.exit_code, json.loads(result.stdout)) == (0, codec.to_json(codec.parse(GOOD).messages))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"{TOKENS}\n{TOKENS}\n", "-: rows of JSON Lines; parse reads one input: "),
        ('{"id": 1, "text": "x"}', "-: a JSON object; parse reads one input: "),
        ('{"messages": [{"role": "user"}]}', "-: a JSON object; parse reads one input: "),
        ("PAR1...", "-: Parquet; parse reads one input: write a row to a file"),
        ("[1, x]", "-:1:5: H303 unreadable-row: not JSON: Expecting value"),
        ("[1,\n2.5]", "-: H303 unreadable-row: the row is not an array of token ids: item 1 is 2.5"),
        (b"<|start|>\xff", "-:1:10: H303 unreadable-row: not UTF-8: byte 0xff at offset 9"),
        (b"\x1f\x8b...", "-: "),
    ],
)
def test_parse_refuses_what_is_not_one_input(given: str | bytes, said: str) -> None:
    for options in ([], ["--recover"]):
        result = run("parse", *options, "-", given=given)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(said)


def test_parse_is_told_what_a_file_holds() -> None:
    answer = '{"city": "Tokyo"}'
    result = run("parse", "--recover", "--start", "completion", "--input-format", "text", "-", given=answer)
    assert (result.exit_code, json.loads(result.stdout)["messages"][0]["content"][0]["text"]) == (1, answer)
    assert run("parse", "--input-format", "json", "-", given=GOOD).exit_code == 2


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
    assert result.stderr.startswith("- at /messages/0: H301 invalid-conversation: the field 'content' is missing\n")
    result = run("render", "-", given='{"messages": [{"role": "user", "content": "<|end|>"}]}')
    assert result.exit_code == 1
    assert result.stderr.startswith("- at /messages/0: H202 special-token-in-text: ")


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        ('{"role": "user"}', ""),
        ("[]", "- at /opening: H301 invalid-conversation: wrong value []"),
        ('{"channel": "final"}', "- at /opening/channel: H301 invalid-conversation: unknown field 'channel'"),
        ('{"start": "prompt"}', "- at /opening/start: H301 invalid-conversation: unknown field 'start'"),
        ('{"role": 5}', "- at /opening/role: H301 invalid-conversation: unknown value 5"),
        ('{"role": "nobody"}', "- at /opening/role: H301 invalid-conversation: unknown value 'nobody'"),
    ],
)
def test_render_writes_the_open_header_that_parse_gives(opening: str, said: str) -> None:
    value = f'{{"messages": [{{"role": "user", "content": "hi"}}], "opening": {opening}}}'
    result = run("render", "--start", "prompt", "-", given=value)
    assert result.exit_code == (2 if said else 0)
    assert said in result.stderr
    assert result.stdout == ("" if said else "<|start|>user<|message|>hi<|end|><|start|>user")


@pytest.mark.parametrize("command", ["render", "tools"])
def test_json_that_python_does_not_read(command: str) -> None:
    number = "9" * 5_000
    for value, said in (
        ("[" * 100_000, "nested too deeply"),
        (f"[{number}]", "more digits than Python reads"),
        (f'["{number}",\n -{number}]', "more digits than Python reads"),
    ):
        result = run(command, "-", given=value)
        assert result.exit_code == 2
        assert result.stderr.startswith("-: ")
        assert said in result.stderr


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


def test_a_check_without_a_module_is_refused() -> None:
    """It would compare with nothing."""
    result = run("generate", str(GRAMMAR), "--check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--check compares a module with the grammar; pass the module as --output" in result.stderr


def test_a_grammar_that_cannot_be_written_is_said_in_one_line() -> None:
    result = run("grammar", f"{os.devnull}/x")
    assert (result.exit_code, result.stderr) == (2, f"{os.devnull}/x: Not a directory\n")


def test_a_problem_of_a_whole_folder_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of the one that is worked in; a problem of a file names the file."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for worked_in, said in ((tmp_path, "mine"), (folder, ".")):
        monkeypatch.chdir(worked_in)
        result = run("generate", said)
        assert result.exit_code == 1
        assert "mine:1:1: a grammar folder holds one .lark file beside contents.lark" in result.stderr.splitlines()[0]
        assert "mine/mine" not in result.stderr
        assert f"{Path(said) / 'vocabulary.toml'}:1:1: the file is missing" in result.stderr


SCRIPT = shlex.quote(str(Path(sys.executable).parent / "harmony-spec"))


def shell(command: str, folder: Path) -> tuple[int, str, str]:
    """What a command in a shell gives: its status, its output, its errors; `HS` is this one."""
    command = command.replace("HS", SCRIPT)
    said = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )
    return said.returncode, said.stdout, said.stderr


@pytest.mark.parametrize("command", ["validate -", "validate --fix -", "parse -", "render -", "tools -"])
def test_closed_streams_are_said_in_one_line(command: str, tmp_path: Path) -> None:
    assert shell(f"HS {command} <&-", tmp_path)[2].splitlines()[0] == "-: standard input is closed"
    assert shell(f"HS {command} <&- > out", tmp_path)[0] == 2
    assert shell(f"echo x | HS {command} >&-", tmp_path) == (2, "", "the output: standard output is closed\n")


@pytest.mark.parametrize(("name", "shown"), [("é", "é"), ("$'\\xff'", "\\udcff")])
def test_names_that_cannot_be_shown_are_escaped(name: str, shown: str, tmp_path: Path) -> None:
    for command in (f"grammar {name}", f"generate {GRAMMAR} -o codec{name}"):
        status, out, error = shell(f"PYTHONIOENCODING=ascii HS {command}", tmp_path)
        assert (status, error) == (0, "")
        assert shown in out


@pytest.mark.parametrize(
    "command", ["render -", "render --tokens - | HS decode -", "render - | HS parse - | HS render -"]
)
def test_data_is_utf_8_whatever_the_system_has(command: str, tmp_path: Path) -> None:
    """A pipe of Windows has its code page: a text came out as other characters, with status 0."""
    (tmp_path / "row.json").write_text('{"messages": [{"role": "user", "content": "\\u2603"}]}')
    status, out, error = shell(f"export PYTHONIOENCODING=cp1252; cat row.json | HS {command}", tmp_path)
    assert (status, out.strip(), error) == (0, "<|start|>user<|message|>\u2603<|end|>", "")


@pytest.mark.parametrize("command", ["--help", "--version", "validate --help", "validate nothing", "validate --nope"])
def test_what_cannot_be_printed_is_no_finding(command: str, tmp_path: Path) -> None:
    """Help, versions and errors, too: before, the status was 1, with a traceback or without a word."""
    for stream in (">", "2>"):
        status, out, error = shell(f"HS {command} {stream} /dev/full", tmp_path)
        assert "Traceback" not in out + error
        assert status == 2 or (stream == "2>" and status == 0)


def test_an_output_that_nobody_reads_is_no_finding(tmp_path: Path) -> None:
    """As of `| head -1`: the status of a shell for SIGPIPE, and no message."""
    (tmp_path / "rows.jsonl").write_text(
        json.dumps({"text": GOOD + "<|end|>"}) + "\n" + (json.dumps({"text": GOOD}) + "\n") * 9_000
    )
    for command in ("show rows.jsonl", "convert --from text --to chat rows.jsonl"):
        status, _, error = shell(f"HS {command} | head -c 1; exit ${{PIPESTATUS[0]}}", tmp_path)
        assert (status, "Traceback" in error) == (141, False)


def test_an_interrupted_command_says_so(tmp_path: Path) -> None:
    """Status 1 would mean findings, or that two inputs differ."""
    command = "HS parse - < <(exec sleep 30 2>&-) & sleep 2; while kill -INT $! 2>/dev/null; do sleep 1; done; wait $!"
    assert shell(f"set -m; {command}", tmp_path)[0] == 130


def test_a_run_does_not_write_over_what_it_reads(tmp_path: Path) -> None:
    """Tools, codecs and grammars, too: before, they were replaced by the results, with status 0."""
    (tmp_path / "good.txt").write_text(GOOD + "<|end|>")
    (tmp_path / "tools.jsonl").write_text('[{"name": "f"}]')
    assert shell("HS grammar mine -q", tmp_path)[0] == 0
    for command in (
        "validate --tools tools.jsonl -o tools.jsonl good.txt",
        "show --html --tools tools.jsonl -o tools.jsonl good.txt",
        "show --html --codec mine -o mine/harmony.lark good.txt",
        "convert --from chat --to text tools.jsonl -o tools.jsonl",
        "generate mine -o mine/harmony.lark",
        "generate mine -o mine/more.toml",
        "validate --fix --backup '' good.txt",
    ):
        assert shell(f"HS {command}", tmp_path)[0] == 2
    assert shell("HS generate mine --check -o codec.py", tmp_path)[0] == 1
    assert (tmp_path / "tools.jsonl").read_text() == '[{"name": "f"}]'
    assert shell("HS generate mine -o mine/codec.py", tmp_path)[0] == 0


def test_a_grammar_is_copied_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    status, _, error = shell("ulimit -f 1; HS grammar mine", tmp_path)
    assert (status, error) == (2, "mine: File too large\n")
    assert list((tmp_path / "mine").iterdir()) == []


def test_unreadable_files_of_a_grammar_have_a_place(tmp_path: Path) -> None:
    assert shell("HS grammar mine -q", tmp_path)[0] == 0
    (tmp_path / "mine" / "styles.toml").write_bytes(b"# a\n# \xc3\xa4 \xff")
    (tmp_path / "mine" / "recovery.toml").unlink()
    os.mkfifo(tmp_path / "mine" / "recovery.toml")
    status, _, error = shell("HS generate mine", tmp_path)
    assert status == 1
    assert "mine/styles.toml:2:5: not UTF-8: byte 0xff" in error
    assert "mine/recovery.toml:1:1: not a file" in error


def test_closed_errors_lose_no_output(tmp_path: Path) -> None:
    assert shell(f"printf '%s' '{GOOD}<|end|>' | HS validate --fix - 2>&-", tmp_path) == (0, GOOD, "")


@pytest.mark.parametrize(
    "command", ["parse --recover -", "rules", "rules --json", "explain H101", f"generate {GRAMMAR}", "grammar mine"]
)
def test_an_output_that_is_full_is_said_in_one_line(command: str, tmp_path: Path) -> None:
    status, _, error = shell(f"echo '{GOOD}' | HS {command} > /dev/full", tmp_path)
    assert (status, error) == (2, "the output: No space left on device\n")


def test_standard_input_is_read_once() -> None:
    for command in ("validate", "parse"):
        result = run(command, "--tools", "-", "-", given=GOOD)
        assert (result.exit_code, "Error: standard input (-) can be read only once\n" in result.stderr) == (2, True)
    for options in (["--tools", "-", "--score", "-"], ["--prompt", "-", "--response-format", "-"]):
        result = run("constrain", *options, given="{}")
        assert (result.exit_code, "Error: standard input (-) can be read only once\n" in result.stderr) == (2, True)
    assert run("validate", "--config", "-", "-", given=GOOD).exit_code == 2
    assert run("validate", "-", "-", given=GOOD).exit_code == 0


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A device or a pipe stays what it is."""
    pipe, link = tmp_path / "pipe.txt", tmp_path / "found.jsonl"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    (tmp_path / "good.txt").write_text(GOOD)
    said = "pipe.txt: not a regular file; it cannot be replaced\n"
    assert shell(f"HS generate {GRAMMAR} -o pipe.txt", tmp_path) == (2, "", said)
    assert shell(f"HS generate {GRAMMAR} -o pipe.txt --check", tmp_path) == (2, "", said)
    assert shell("HS validate -o found.jsonl good.txt", tmp_path) == (2, "", said.replace("pipe.txt", "found.jsonl"))
    status, _, error = shell(f"echo '{GOOD}<|end|>' > pipe.txt & HS validate --fix pipe.txt", tmp_path)
    assert (status, error.splitlines()[-1]) == (2, said.strip())
    assert pipe.is_fifo()
    assert {each.name for each in tmp_path.iterdir()} == {"pipe.txt", "found.jsonl", "good.txt"}


def test_generate_writes_through_a_link(tmp_path: Path) -> None:
    module, link = tmp_path / "codec.py", tmp_path / "link.py"
    module.write_text("")
    link.symlink_to(module)
    assert run("generate", str(GRAMMAR), "-o", str(link)).stdout == f"updated {link}\n"
    assert link.is_symlink()
    assert module.read_bytes()


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


def test_what_spells_an_emoji_is_printed_as_it_is(tmp_path: Path) -> None:
    missing = str(tmp_path / "a:x:b[red]")
    for arguments in (
        ["validate", missing],
        ["parse", missing],
        ["show", missing],
        ["validate", "--codec", missing, "-"],
    ):
        assert missing in CliRunner().invoke(main, arguments).stderr
    path = tmp_path / "a:smile:.txt"
    path.write_text("<|start|>user<|message|>:x:<|end|>x")
    for arguments in (["validate"], ["validate", "--statistics"], ["show"], ["validate", "--color", "always"]):
        shown = CliRunner().invoke(main, [*arguments, str(path)]).stdout
        assert "\N{CROSS MARK}" not in shown
        assert "\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}" not in shown
