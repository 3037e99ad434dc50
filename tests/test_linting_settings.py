"""Settings and selections: which file decides, which codes are wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import codec
from harmony_spec.cli import main
from harmony_spec.errors import SEVERITIES, Severity
from harmony_spec.linting import Checked, SettingsError, lint
from harmony_spec.linting.batches import Options
from harmony_spec.linting.catalogue import codes, select_codes
from harmony_spec.linting.settings import SETTING_KEYS, Resolver, Settings

BAD = "<|start|>user<|message|>hi<|end|><|end|><|start|>assistant<|channel|>analysis<|channel|>final<|message|>x<|end|>"
CODES = [code.code for code in codes(codec)]
BEGINNINGS = sorted({code[:length] for code in CODES for length in (1, 2, 3)})
selectors = st.lists(st.sampled_from([*CODES, *BEGINNINGS]), max_size=4)


def run(*arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", "--output-format", "json", *map(str, arguments)], input=given)


def found(*arguments: object, given: str | None = None) -> list[str]:
    result = run(*arguments, given=given)
    assert result.exit_code in (0, 1), result.output
    return sorted({json.loads(line)["code"] for line in result.stdout.splitlines()})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bad file, and one below with another."""
    monkeypatch.chdir(tmp_path)
    for name in ("bad.txt", "below/bad.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(BAD)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(f"[tool.harmony-spec]\n{text}\n")
    return path


@given(selectors, selectors)
def test_the_more_specific_selector_decides(select: list[str], ignore: list[str]) -> None:
    """Of each code, the longest that fits it; of two as long, the one that ignores."""
    wanted = select_codes(codec, select, ignore)
    for code in CODES:
        chosen = max((len(each) for each in select if code.startswith(each)), default=0)
        ignored = max((len(each) for each in ignore if code.startswith(each)), default=0)
        assert (code in wanted) == (chosen > ignored)


@given(selectors, selectors, selectors)
def test_a_later_layer_overrules(first: list[str], select: list[str], ignore: list[str]) -> None:
    below = select_codes(codec, first)
    assert select_codes(codec, select, ignore, below) == select_codes(codec, select, ignore)
    assert select_codes(codec, None, ignore, below) == below - select_codes(codec, ignore)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_severities_are_least_ones(severity: Severity) -> None:
    enough = SEVERITIES[: SEVERITIES.index(severity) + 1]
    resolver = Resolver(Settings(severity=severity), None, True, Options(frozenset()), ())
    assert resolver.options("a").selected == {code.code for code in codes(codec) if code.severity in enough}


def test_names_and_beginnings_on_the_command_line(project: Path) -> None:
    everything = found("bad.txt")
    assert everything == ["H115", "H134"]
    assert found("--select", "H13", "bad.txt") == ["H134"]
    assert found("--ignore", "repeated-terminator", "bad.txt") == ["H134"]

    assert found("--select", "ALL", "--ignore", "H1", "--select", "H115", "bad.txt") == ["H115"]
    result = run("--select", "H115, H999", "bad.txt")
    assert (result.exit_code, "unknown rule 'H999'" in result.stderr) == (2, True)


def test_the_nearest_file_with_a_table_decides(project: Path) -> None:
    write(project, 'ignore = ["H115"]')
    (project / "below" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert found("below/bad.txt") == ["H134"]
    write(project / "below", 'select = ["H115"]')
    assert found("below/bad.txt") == ["H115"]
    assert found("bad.txt") == ["H134"]
    assert found("--isolated", "below/bad.txt") == ["H115", "H134"]
    assert found("--config", "pyproject.toml", "below/bad.txt") == ["H134"]
    assert found("--select", "ALL", "below/bad.txt") == ["H115", "H134"]
    assert found("-", given=BAD) == ["H134"]


def test_per_file_ignores_and_exclude(project: Path) -> None:
    write(project, 'exclude = ["below"]\n[tool.harmony-spec.per-file-ignores]\n"below/*" = ["H1"]\n"b*.txt" = ["H134"]')
    assert found("bad.txt") == ["H115"]
    assert found("below/bad.txt") == []
    assert run(".").stderr.startswith("1 input,")


@pytest.mark.parametrize("pattern", ["below/", "./below", "./below/"])
def test_a_folder_is_excluded_as_people_spell_it(project: Path, pattern: str) -> None:
    write(project, f'exclude = ["{pattern}"]')
    assert run(".").stderr.startswith("1 input,")
    assert run("--isolated", "--exclude", pattern, ".").stderr.startswith("1 input,")


def test_settings_are_those_of_the_folders_above_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of those that its name goes through."""
    write(project / "below", 'select = ["H115"]')
    assert found("below/../bad.txt") == ["H115", "H134"]
    assert run("--exclude", "below", "below/..").stderr.startswith("1 input,")
    monkeypatch.chdir(project / "below")
    assert found("../bad.txt") == ["H115", "H134"]
    assert found("--exclude", "below", "..") == ["H115", "H134"]


def test_start_column_tools_and_tokenization(project: Path) -> None:
    (project / "tools.json").write_text('[{"name": "functions", "tools": [{"name": "f"}]}]')
    (project / "rows.jsonl").write_text('{"text": "x", "mine": "<|channel|>final to=functions.g<|message|>x<|end|>"}\n')
    write(project, 'start = "completion"\ncolumn = "mine"\ntools = "../tools.json"\ntokenization = false')
    (project / "pyproject.toml").rename(project / "below" / "pyproject.toml")
    (project / "rows.jsonl").rename(project / "below" / "rows.jsonl")
    assert "H601" in found("below/rows.jsonl")
    (project / "tools.json").write_text('[{"name": "functions", "tools": [{"name": "g"}]}]')
    assert "H601" not in found("below/rows.jsonl")
    (project / "tools.json").unlink()
    result = run("below/rows.jsonl")
    assert (result.exit_code, "tools.json: No such file" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selct = []", "tool.harmony-spec.selct: unknown setting; did you mean 'select'?"),
        ("zzz = []", "tool.harmony-spec.zzz: unknown setting; settings: " + ", ".join(SETTING_KEYS)),
        ("select = 'H1'", "tool.harmony-spec.select: expected a list of codes"),
        ("select = ['H999']", "tool.harmony-spec.select: unknown rule 'H999'"),
        ("ignore = ['H999']", "tool.harmony-spec.ignore: unknown rule 'H999'"),
        ("ignore = [1]", "tool.harmony-spec.ignore: expected a list of codes"),
        ("severity = 'bad'", "tool.harmony-spec.severity: expected one of error, warning, info"),
        ("start = 'end'", "tool.harmony-spec.start: unknown start 'end'; starts: transcript, prompt, completion"),
        ("tokenization = 'no'", "tool.harmony-spec.tokenization: expected true or false"),
        ("per-file-ignores = ['x']", "expected a table that maps patterns of files to lists of codes"),
        ("per-file-ignores = {'bad.txt' = ['nothing']}", "tool.harmony-spec.per-file-ignores: unknown rule 'nothing'"),
        ("max-row-bytes = 1.0", "tool.harmony-spec.max-row-bytes: expected a number of bytes"),
        ("column = 1", "tool.harmony-spec.column: expected the name of a column"),
        ("id-column = ''", "tool.harmony-spec.id-column: expected the name of a column"),
        ("select = [", "not TOML: "),
        (f"serial = {'7' * 4400}", "a number in the TOML is too large"),
        ("scale = 1e99999999999999999999", "a number in the TOML is too large"),
    ],
)
def test_a_setting_that_means_nothing_is_said(text: str, said: str, project: Path) -> None:
    path = write(project, text)
    result = run("bad.txt")
    assert result.exit_code == 2
    assert result.stderr.startswith(str(path))
    assert said in result.stderr


def test_one_rule_may_be_fixable_without_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("<|start|>user<|message|>Hi.")
    [alone], [listed] = (list(lint(path, fix=True, fixable=fixable)) for fixable in ("H114", ["H114"]))
    assert isinstance(alone, Checked)
    assert (alone, alone.after) == (listed, b"<|start|>user<|message|>Hi.<|end|>")


@pytest.mark.parametrize("name", ["harmony_spec", "harmonyspec", "Harmony-Spec", "harmony-specs"])
def test_a_misspelt_table_is_not_ignored(name: str, project: Path) -> None:
    path = project / "pyproject.toml"
    path.write_text(f"[tool.{name}]\nselect = []\n")
    result = run("bad.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == f"{path}: tool.{name}: unknown table; did you mean 'tool.harmony-spec'?"


@pytest.mark.parametrize("text", ["[tool.harmony]", "tool = 1", "[tool]", "[other]"])
def test_tables_of_other_programs_are_ignored(text: str, project: Path) -> None:
    (project / "pyproject.toml").write_text(text)
    assert found("bad.txt") == ["H115", "H134"]


def test_a_wrong_setting_of_a_caller_is_not_one_of_the_file(project: Path) -> None:
    write(project, "start = 'transcript'")
    for settings, said in (
        (Settings(start="end"), "start: unknown start"),
        (Settings(select=["x"]), "select: unknown"),
    ):
        with pytest.raises(SettingsError, match=f"^{said}"):
            list(lint("bad.txt", settings=settings))


def test_a_settings_file_has_to_have_settings(project: Path) -> None:
    (project / "empty.toml").write_text("")
    result = run("--config", "empty.toml", "bad.txt")
    assert (result.exit_code, "the file has no table tool.harmony-spec" in result.stderr) == (2, True)
    assert run("--config", "none.toml", "bad.txt").exit_code == 2


def test_isolated_and_a_settings_file_contradict_each_other(project: Path) -> None:
    """Whether the file is there or not."""
    write(project, 'ignore = ["H115"]')
    for config in ("pyproject.toml", "none.toml"):
        result = run("--isolated", "--config", config, "bad.txt")
        assert (result.exit_code, "pass only one of --config and --isolated" in result.stderr) == (2, True)
