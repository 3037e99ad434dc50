"""Options that several commands have: colors, quiet runs, exit statuses, help in groups, completion; ids of rows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pyarrow
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from harmony_spec.codegen import GRAMMAR
from pyarrow import parquet

from harmony_spec import codec
from harmony_spec.cli import main
from harmony_spec.cli.validate_command import GROUPS
from harmony_spec.linting.catalogue import ALL, codes

from . import dialect

GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = GOOD + "<|end|>"
CODES = [code.code for code in codes(codec)]
NAMES = [code.name for code in codes(codec)]


def run(*arguments: object, given: str | None = None, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(main, [*map(str, arguments)], input=given)


def write_rows(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def test_each_option_of_validate_is_under_one_heading() -> None:
    command = main.commands["validate"]
    context = click.Context(command, help_option_names=["-h", "--help"])
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    flags = [next(flag for flag in option.opts if flag.startswith("--")) for option in options]
    assert GROUPS.keys() <= set(flags)
    shown = run("validate", "--help").stdout
    assert sorted(re.findall(r"^  (?:-\w, )?(--[\w-]+)", shown, re.MULTILINE)) == sorted(flags)
    assert re.findall(r"^(\w+):$", shown, re.MULTILINE) == list(dict.fromkeys(GROUPS.values()))


@pytest.mark.parametrize("name", main.commands)
def test_each_option_has_a_help_text_that_ends_in_a_full_stop(name: str) -> None:
    """The default may follow it."""
    for param in main.commands[name].params:
        if isinstance(param, click.Option):
            assert (param.help or "").split("  [default: ")[0].endswith("."), param.opts


def test_quiet_prints_findings_only(tmp_path: Path) -> None:
    plain, quiet = (run("validate", *flags, "-", given=BAD) for flags in ((), ("-q",)))
    assert quiet.exit_code == 1
    assert quiet.stdout == "".join(plain.stdout.splitlines(keepends=True)[:-1])
    assert run("validate", "--quiet", "-", given=GOOD).output == ""
    assert "H115" in run("validate", "-q", "--statistics", "-", given=BAD).stdout
    result = run("validate", "-q", tmp_path / "none")
    assert (result.exit_code, result.stdout, "No such file" in result.stderr) == (2, "", True)


def test_other_commands_are_quiet(tmp_path: Path) -> None:
    folder, module = tmp_path / "grammar", tmp_path / "codec.py"
    assert run("grammar", "-q", folder).output == ""
    assert run("generate", "-q", folder, "-o", module).output == ""
    assert module.is_file()
    assert run("grammar", "-q", folder).stderr == f"{folder}: the folder is not empty; pass a new one\n"


def test_exit_zero_keeps_errors(tmp_path: Path) -> None:
    assert run("validate", "--exit-zero", "-", given=BAD).exit_code == 0
    assert run("validate", "-e", "--diff", "-", given=BAD).exit_code == 0
    assert run("validate", "-e", tmp_path / "none").exit_code == 2
    assert run("validate", "-e", "--select", "H999", "-", given=BAD).exit_code == 2


@pytest.mark.parametrize(
    "command", [["validate", "-"], ["explain", "H115"], ["rules"], ["generate", "/dev/null/none"], ["parse", "-"]]
)
def test_color_is_an_option_of_every_command(command: list[str]) -> None:
    """It overrules the environment, and the last run's choice is forgotten."""
    plain = run(*command, given=BAD)
    assert "\x1b[" not in plain.output
    for env in ({"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}):
        always = run(command[0], "--color", "always", *command[1:], given=BAD, env=env)
        assert "\x1b[" in always.output
        never = run(*command, "--color", "never", given=BAD, env=env)
        assert never.output == plain.output == re.sub(r"\x1b\[[\d;]*m", "", always.output)
    assert run(*command, given=BAD).output == plain.output
    assert "\x1b[" in run(*command, given=BAD, env={"FORCE_COLOR": "1"}).output
    assert "\x1b[3" not in run(*command, given=BAD, env={"NO_COLOR": "1", "FORCE_COLOR": "1"}).output


def completed(*arguments: object) -> list[str]:
    """What a shell offers for the last argument."""
    *before, incomplete = map(str, arguments)
    complete = ShellComplete(main, {}, "harmony-spec", "_HARMONY_SPEC_COMPLETE")
    return [item.value for item in complete.get_completions(before, incomplete)]


@pytest.mark.parametrize("option", ["--select", "--ignore", "--fixable"])
def test_selectors_are_completed(option: str) -> None:
    assert completed("validate", option, "") == [*CODES, *NAMES]
    assert completed("validate", option, "h11") == [code for code in CODES if code.startswith("H11")]
    assert completed("validate", option, "H115,repeated-t") == ["H115,repeated-terminator"]
    assert completed("validate", option, "A") == [name for name in NAMES if name.startswith("a")] + [ALL]


def test_codes_of_explain_and_files_are_completed() -> None:
    assert completed("explain", "H115", "missing-t") == ["missing-terminator"]
    (item,) = ShellComplete(main, {}, "harmony-spec", "X").get_completions(["validate"], "exa")
    assert (item.type, item.value) == ("file", "exa")


def test_completion_knows_the_codec(tmp_path: Path) -> None:
    """Its codes; if it cannot be loaded, there is nothing to offer."""
    name = next(iter(dialect.NAMES))
    module = dialect.codec_of(name, tmp_path)
    assert completed("explain", "--codec", module.__file__, "") == [
        *(code.code for code in codes(module)),
        *(code.name for code in codes(module)),
    ]
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0")
    assert completed("explain", "--codec", broken, "") == []
    assert completed("validate", "--start", "") == ["transcript", "prompt", "completion"]


ROWS = (
    {"id": "a", "text": BAD},
    {"id": 7, "text": GOOD},
    {"id": "c\x1b", "messages": [{"role": "user"}]},
    {"id": None, "text": BAD},
    {"id": 8, "text": 1},
)


def test_rows_are_named_by_their_ids(tmp_path: Path) -> None:
    """In all forms of output, also if the row cannot be read."""
    rows, results = write_rows(tmp_path / "rows.jsonl", *ROWS), tmp_path / "results.jsonl"
    human = run("validate", "--isolated", "-o", results, rows).stdout
    assert [line.split(": ")[0].removeprefix(f"{rows}:") for line in human.splitlines() if line.startswith("/")] == [
        "1 (id a)",
        "3 (id c\u241b) at /messages/0",
        "4",
        "5 (id 8)",
    ]
    lines = run("validate", "--isolated", "--output-format", "json", rows).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "c\x1b", None, 8]
    assert [json.loads(line)["id"] for line in results.read_text().splitlines()] == ["a", 7, "c\x1b", None, 8]
    (sarif,) = json.loads(run("validate", "--isolated", "--output-format", "sarif", rows).stdout)["runs"]
    assert [each.get("properties") for each in sarif["results"]] == [{"id": "a"}, {"id": "c\x1b"}, None, {"id": 8}]
    fixed = run("validate", "--isolated", "--output-format", "json", "--fix", "-o", results, rows).stdout
    assert [json.loads(line)["id"] for line in fixed.splitlines()] == ["c\x1b", 8]
    assert [json.loads(line)["id"] for line in results.read_text().splitlines()] == ["a", 7, "c\x1b", None, 8]


@pytest.mark.parametrize("source", ["--id-column", "id-column"])
def test_the_id_column_can_be_chosen(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", {"id": 1, "key": "k", "text": BAD})
    table = pyarrow.table({"text": [GOOD, BAD], "key": ["j", "k"], "id": [1, 2]})
    parquet.write_table(table, tmp_path / "rows.parquet")
    options = [source, "key"] if source.startswith("-") else []
    if not options:
        (tmp_path / "pyproject.toml").write_text('[tool.harmony-spec]\nid-column = "key"\n')
    for name, row in (("rows.jsonl", 1), ("rows.parquet", 2)):
        assert run("validate", *options, name).stdout.startswith(f"{name}:{row} (id k): ")
        assert run("validate", "--isolated", name).stdout.startswith(f"{name}:{row} (id {row}): ")
        run("validate", *options, "-o", "results.parquet", name)
        assert parquet.read_table("results.parquet").to_pylist()[-1]["id"] == "k"


@pytest.mark.parametrize("option", ["--column", "--id-column"])
def test_the_name_of_a_column_is_not_empty(option: str) -> None:
    refused = run("validate", option, "", "-", given=GOOD)
    reason = f"Invalid value for '{option}': the name is empty; pass the name of a column, or leave the option out\n"
    assert (refused.exit_code, refused.stderr.endswith(reason)) == (2, True)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_wrong_column_is_reported_once(jobs: int, tmp_path: Path) -> None:
    """The others are counted, and are in the results."""
    first = write_rows(
        tmp_path / "a.jsonl", {"text": GOOD}, {"id": "b", "x": 1, "y": 1}, *[{"z": GOOD, "filler": "x" * 900}] * 3_000
    )
    second = write_rows(tmp_path / "b.jsonl", {"x": 1})
    third = tmp_path / "c.parquet"
    parquet.write_table(pyarrow.table({"z": [GOOD]}), third)
    results = tmp_path / "out" / "results.jsonl"
    results.parent.mkdir()
    arguments = ("--isolated", "-j", jobs, "--column", "text", "--output-format", "concise", "-o", results)
    result = run("validate", *arguments, first, second)
    assert (result.exit_code, result.stderr) == (1, "")
    message = "error H303 unreadable-row: no column 'text'; columns: "
    assert result.stdout.splitlines() == [
        f"{first}:2 (id b): {message}id, x, y",
        "3003 inputs, 1 valid, 1 message, 3002 findings",
    ]
    assert sum(not json.loads(line)["valid"] for line in results.read_text().splitlines()) == 3_002
    fourth = tmp_path / "d.parquet"
    fourth.write_bytes(third.read_bytes())
    result = run("validate", *arguments[:-2], third, fourth, second)
    assert (result.exit_code, result.stderr) == (2, f"{third}: no column 'text'; columns: z\n")
    assert result.stdout == "1 input, 0 valid, 0 messages, 1 finding, 2 files not read\n"
    sarif = json.loads(run("validate", *arguments[:-4], "--output-format", "sarif", first).stdout)
    assert len(sarif["runs"][0]["results"]) == 1


def test_a_wrong_id_column_is_reported_once(tmp_path: Path) -> None:
    rows = [write_rows(tmp_path / f"{name}.jsonl", {"id": 1, "text": GOOD}) for name in "ab"]
    parquet.write_table(pyarrow.table({"text": [GOOD], "id": [1]}), tmp_path / "c.parquet")
    files = [*rows, tmp_path / "c.parquet"]
    found = run("validate", "--isolated", "--id-column", "key", *files)
    expected = "--id-column: no input has a string or an integer in a column 'key'\n"
    assert (found.exit_code, found.stderr) == (0, expected)
    write_rows(tmp_path / "b.jsonl", {"key": "k", "text": GOOD})
    for options in (("--id-column", "key"), ("--id-column", "id"), ()):
        assert run("validate", "--isolated", *options, *files).stderr == ""
    assert run("validate", "--isolated", "-q", "--id-column", "none", *files).stderr == ""


def test_no_phrase_in_the_list_of_commands_is_cut_off() -> None:
    shown = run("--help").stdout.split("Commands:\n")[1].splitlines()
    assert len(shown) == len(main.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in shown)


@pytest.mark.parametrize(
    "arguments",
    [
        ["diagrams", "GRAMMAR", "-o", "-"],
        ["grammar", "-"],
        ["convert", "--from", "text", "--to", "tokens", "--rejected", "-", "-"],
        ["validate", "--write-baseline", "-", "-"],
        ["validate", "-o", "-", "-"],
        ["validate", "--fix", "--fixed-output", "-", "-"],
    ],
    ids=" ".join,
)
def test_no_file_is_called_like_standard_output(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = run(*(str(GRAMMAR) if each == "GRAMMAR" else each for each in arguments), given=GOOD)
    assert (refused.exit_code, list(tmp_path.iterdir())) == (2, [])


def test_a_codec_is_generated_to_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("generate", GRAMMAR, "-o", "-").stdout == Path(codec.__file__).read_text(encoding="utf-8")
    assert (run("generate", GRAMMAR, "-o", "-", "--check").exit_code, list(tmp_path.iterdir())) == (2, [])
