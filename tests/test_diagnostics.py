"""The catalogue of diagnostics: each has a reason, its examples do what they say, and no other is given."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from codegen import GRAMMAR, generate
from codegen.build import build
from codegen.read.grammar_folder import load as load_grammar
from harmony_spec import (
    HarmonyError,
    codec,
    codes,
    from_json,
    parse,
    recover,
    render,
    render_text,
    tools_from_json,
    validate,
)
from harmony_spec.adapters import from_chat
from harmony_spec.cli import main
from harmony_spec.errors import APPLICABILITIES, Code
from harmony_spec.linting.rows import source_of, value_of
from harmony_spec.source.forms import HEADER_LIMITS
from harmony_spec.validation.fixes import apply
from harmony_spec.vocabulary import load

from .dialect import edited, module_of
from .recovery_strategies import tokens_of

CATALOGUE: dict[str, dict[str, Any]] = tomllib.loads((GRAMMAR / "diagnostics.toml").read_text(encoding="utf-8"))
SHOWN = {name: entry for name, entry in CATALOGUE.items() if "bad" in entry}
SOURCES = sorted(
    path for path in (GRAMMAR.parent / "harmony_spec").rglob("*.py") if path.name not in ("codec.py", "codes.py")
)
NAME = r"[a-z]+(-[a-z]+)+"

entries = pytest.mark.parametrize("name", CATALOGUE)
examples = pytest.mark.parametrize("name", SHOWN)


def load_vocabulary(ranks: str, folder: Path) -> object:
    """Load a rank file where the one is expected that the catalogue calls good."""
    path = folder / "ranks"
    path.write_text(ranks, encoding="utf-8")
    good = str(CATALOGUE["wrong-vocabulary"]["good"]).encode()
    return load(replace(codec.FORMAT.encoding, sha256=hashlib.sha256(good).hexdigest()), path)


def found(name: str, key: str, folder: Path) -> set[str]:
    """The names of what an example gives: diagnostics, or what is raised."""
    entry = CATALOGUE[name]
    example, start, tools = entry[key], entry.get("start", "transcript"), entry.get("tools")
    readers: dict[str, Callable[[], object]] = {
        "parse": lambda: parse(example, start),
        "render": lambda: render(from_json(example)),
        "render_text": lambda: render_text(from_json(example)),
        "from_json": lambda: from_json(example),
        "validate": lambda: source_of(value_of(example), "transcript", None, codec),
        "from_chat": lambda: from_chat(**example),
        "tools_from_json": lambda: tools_from_json(example),
        "vocabulary.load": lambda: load_vocabulary(example, folder),
        "encode": lambda: load(codec.FORMAT.encoding).encode(json.loads(f'"{example}"')),
    }
    if "read" in entry:
        try:
            readers[entry["read"]]()
        except HarmonyError as error:
            assert type(error).__name__ == entry["raised"]
            return {error.code.name}
        return set()
    if entry.get("stripped"):
        return {diagnostic.code.name for diagnostic in recover(example, start, stripped=True).diagnostics}
    return {diagnostic.code.name for diagnostic in validate(example, start, tools=tools).diagnostics}


def test_the_catalogue_is_there() -> None:
    """No test passes for want of entries."""
    assert len(CATALOGUE) >= 40
    assert len(SHOWN) >= len(CATALOGUE) - 1


@examples
def test_a_bad_example_gives_its_diagnostic(name: str, tmp_path: Path) -> None:
    """And those that come `with` it; no other."""
    assert found(name, "bad", tmp_path) == {name, *CATALOGUE[name].get("with", [])}


@examples
def test_a_good_example_gives_none(name: str, tmp_path: Path) -> None:
    """And the strict parser takes it."""
    assert found(name, "good", tmp_path) == set()
    if "read" not in CATALOGUE[name]:
        parse(CATALOGUE[name]["good"], CATALOGUE[name].get("start", "transcript"))


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.get("fix")])
def test_the_fix_of_a_bad_example_leaves_nothing_wrong(name: str) -> None:
    """It has the applicability that the catalogue states, or a lower one if another code of its place has that."""
    entry = CATALOGUE[name]
    source, start, tools = entry["bad"], entry.get("start", "transcript"), entry.get("tools")
    found = validate(source, start, tools=tools, stripped=entry.get("stripped", False)).diagnostics
    fix = next(each.fix for each in found if each.code.name == name)
    assert fix is not None
    levels = [CATALOGUE[each.code.name]["fix"] for each in found if each.fix]
    assert fix.applicability == max(levels, key=APPLICABILITIES.index)
    fixed = apply(source, [each.fix for each in found if each.fix])
    assert validate(fixed, start, tools=tools).diagnostics == []


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.get("fix")])
def test_explain_prints_the_options_that_apply_a_fix(name: str, tmp_path: Path) -> None:
    """Those of the codes that come with it are needed too: fixes of one place are applied together."""
    entry = CATALOGUE[name]
    shown = CliRunner().invoke(main, ["explain", name, *entry.get("with", [])]).output
    options = " ".join(re.findall(r", applied by validate (.*)\n", shown)).split()
    assert options[0] == "--fix"
    command = ["validate", "--isolated", "--output-format", "json", "--start", entry.get("start", "transcript"), "-"]
    command += ["--stripped"] if "stripped" in entry else []
    if "tools" in entry:
        functions = [{"name": tool.removeprefix("functions.")} for tool in entry["tools"]]
        (tmp_path / "tools.json").write_text(json.dumps([{"type": "function", "function": f} for f in functions]))
        command += ["--tools", str(tmp_path / "tools.json")]
    bad = entry["bad"] if isinstance(entry["bad"], str) else json.dumps(entry["bad"])
    assert f'"{name}"' in CliRunner().invoke(main, command, input=bad).stdout
    fixed = CliRunner().invoke(main, [*command, *options], input=bad).stdout
    assert f'"{name}"' not in CliRunner().invoke(main, command, input=fixed).stdout


@examples
def test_what_has_no_fix_in_the_catalogue_has_none(name: str) -> None:
    entry = CATALOGUE[name]
    if "read" not in entry:
        report = validate(entry["bad"], entry.get("start", "transcript"), tools=entry.get("tools"))
        assert [d.code.name for d in report.diagnostics if d.fix and not d.code.fix] == []


@examples
def test_a_bad_example_is_no_good_one(name: str) -> None:
    assert CATALOGUE[name]["bad"] != CATALOGUE[name]["good"]


@entries
def test_an_entry_is_complete(name: str) -> None:
    """A code of the family, a reason in a sentence, companions that exist."""
    entry = CATALOGUE[name]
    assert re.fullmatch(NAME, name)
    assert re.fullmatch(r"H\d{3}", entry["code"])
    assert re.fullmatch(r"[A-Z].*\.", entry["why"])
    assert set(entry.get("with", [])) <= CATALOGUE.keys() - {name}
    assert ("bad" in entry) == ("good" in entry)


def test_codes_are_unique() -> None:
    codes = Counter(entry["code"] for entry in CATALOGUE.values())
    assert {code for code, times in codes.items() if times > 1} == set()


def test_the_constants_are_the_catalogue() -> None:
    """Each entry has one constant, with the name, the code and all that the entry states."""
    constants = {name: value for name, value in vars(codes).items() if isinstance(value, Code)}
    assert constants == {
        name.upper().replace("-", "_"): Code(
            entry["code"], name, entry["why"], entry.get("severity", "error"), entry.get("fix")
        )
        for name, entry in CATALOGUE.items()
    }


def test_the_codec_has_the_catalogue() -> None:
    """All of it is in the library: the codec has no code of its own, and lists the same objects."""
    recovery = codec.FORMAT.recovery
    assert recovery is not None
    assert recovery.codes == {code.name: code for code in vars(codes).values() if isinstance(code, Code)}
    assert "runtime.Code(" not in Path(codec.__file__).read_text(encoding="utf-8")


NEW = """
[absent-role]
code = "X901"
why = "Nobody wrote it."
severity = "info"
"""


def test_a_dialect_adds_its_own_diagnostics_only(tmp_path: Path) -> None:
    """Its file needs no entry of the library; what it adds is reported and listed, the rest is as in the library."""
    production = {"file": "recovery.toml", "old": 'empty = "missing-role"', "new": 'empty = "absent-role"'}
    folder = edited(tmp_path / "grammar", [production])
    (folder / "diagnostics.toml").write_text(NEW, encoding="utf-8")
    module = module_of("absent_role", generate(folder), tmp_path)
    assert codec.FORMAT.recovery is not None
    own = Code("X901", "absent-role", "Nobody wrote it.", "info")
    assert module.FORMAT.recovery.codes == {**codec.FORMAT.recovery.codes, "absent-role": own}
    assert own in [found.code for found in module.recover("<|start|><|message|>Hi.<|end|>").diagnostics]
    assert Path(module.__file__ or "").read_text(encoding="utf-8").count("runtime.Code(") == 1


def names_and_codes(path: Path) -> set[str]:
    """What a file spells of the catalogue: names and codes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts & {*CATALOGUE, *(entry["code"] for entry in CATALOGUE.values())}


def constants_in(path: Path) -> set[str]:
    """The constants of the catalogue that a file uses."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "codes"}
    return used | {node.id for node in nodes if isinstance(node, ast.Name) and node.id in vars(codes)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_file_spells_a_diagnostic(path: Path) -> None:
    assert names_and_codes(path) == set()


def test_every_entry_is_reported() -> None:
    """By the library, through its constant, or by an edit of a header."""
    used = set().union(*map(constants_in, SOURCES))
    recovery = build(load_grammar(GRAMMAR)).recovery
    assert recovery is not None
    rows = [code for _, row in recovery.fields.values() for code in row.values()]
    edits = {name.upper().replace("-", "_") for name in (*rows, *(code for code, _ in recovery.edits.values()))}
    assert {name for name, value in vars(codes).items() if isinstance(value, Code)} <= used | edits


OPENED = "<|channel|>final "


@pytest.mark.parametrize(
    ("source", "unit"), [(OPENED + "word " * 300, "character"), ([*tokens_of(OPENED), *[2195] * 400], "token")]
)
def test_a_header_that_is_too_long(source: Any, unit: str) -> None:
    """It is read as text that lost its `<|message|>` once it is longer than any.

    The entry has no example for its length.
    """
    result = recover(source, "completion")
    names = [diagnostic.code.name for diagnostic in result.diagnostics]
    assert "header-too-long" in names
    too_long = result.diagnostics[names.index("header-too-long")]
    assert too_long.unit == unit
    assert too_long.span == (0, HEADER_LIMITS[unit])
    assert len(result.messages) == 1
    assert result.messages[0].channel == "final"
    assert len(result.messages[0].text) > HEADER_LIMITS[unit]


@pytest.mark.parametrize("read", [str, tokens_of])
def test_a_long_header_is_still_one(read: Any) -> None:
    """Up to the limit it is read as a header, and nothing is said of it."""
    start = "<|start|>assistant<|channel|>commentary to=functions."
    result = recover(read(start + "f" * (HEADER_LIMITS["character"] - len(start) - 1) + "<|message|>x<|call|>"))
    assert result.diagnostics == []
    assert result.messages[0].content == "x"
