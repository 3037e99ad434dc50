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

from codegen import GRAMMAR
from codegen.build import build
from codegen.prove.recovery_checks import LIBRARY_DIAGNOSTICS
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
from harmony_spec.errors import APPLICABILITIES, Code
from harmony_spec.linting.rows import source_of, value_of
from harmony_spec.source.forms import HEADER_LIMITS
from harmony_spec.validation.fixes import apply
from harmony_spec.vocabulary import load

from .recovery_strategies import tokens_of

CATALOGUE: dict[str, dict[str, Any]] = tomllib.loads((GRAMMAR / "diagnostics.toml").read_text(encoding="utf-8"))
SHOWN = {name: entry for name, entry in CATALOGUE.items() if "bad" in entry}
SOURCES = sorted(
    path for path in (GRAMMAR.parent / "harmony_spec").rglob("*.py") if path.name not in ("codec.py", "codes.py")
)
NAME = r"[a-z]+(-[a-z]+)+"
RAISED = [value for value in vars(codes).values() if isinstance(value, Code)]

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
        "source_of": lambda: source_of(value_of(example), "transcript", None, codec),
        "tools_from_json": lambda: tools_from_json(example),
        "load_vocabulary": lambda: load_vocabulary(example, folder),
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


def test_errors_have_the_codes_of_the_catalogue() -> None:
    """Those of what is raised, and no others."""
    assert {code.name: code.code for code in RAISED} == {
        name: entry["code"] for name, entry in CATALOGUE.items() if "raised" in entry
    }


def test_the_codec_has_the_catalogue() -> None:
    recovery = codec.FORMAT.recovery
    assert recovery is not None
    assert {name: code.code for name, code in recovery.codes.items()} == {n: e["code"] for n, e in CATALOGUE.items()}
    assert {name: code.name for name, code in recovery.codes.items()} == {name: name for name in CATALOGUE}


NOTING = {
    *("say", "report", "report_in", "report_gap", "_report_breaches"),
    *("Finding", "HeaderFinding", "Mistake", "JsonMistake"),
}
"""What is called to note a mistake, with its name or with what holds it."""

Values = dict[str, list[ast.expr]]


def literals(tree: ast.AST) -> set[str]:
    """The texts in a part of a program that could be the name of a diagnostic."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(NAME, text)}


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def functions_of(trees: list[ast.Module]) -> list[ast.FunctionDef]:
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def assigned(function: ast.FunctionDef) -> Values:
    """What the names in a function stand for."""
    found: Values = {}
    for node in ast.walk(function):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(node.value)
    return found


def meant(expression: ast.expr, values: Values, returned: Values) -> set[str]:
    """The texts that an expression may be, also through a variable or a function that gives it."""
    found = literals(expression)
    for node in ast.walk(expression):
        if isinstance(node, ast.Name):
            for value in values.get(node.id, ()):
                found |= meant(value, {}, returned)
        elif isinstance(node, ast.Call):
            for value in returned.get(called(node), ()):
                found |= literals(value)
    return found


def noted(trees: list[ast.Module]) -> set[str]:
    """What is passed to what notes a mistake, or is looked up among the codes."""
    functions, found = functions_of(trees), set[str]()
    returned: Values = {}
    for function in functions:
        values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
        returned.setdefault(function.name, []).extend(values)
    for function in functions:
        values = assigned(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and called(node) in NOTING:
                found |= set().union(*(meant(argument, values, returned) for argument in node.args))
            if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".codes"):
                found |= literals(node.slice)
    return found


def test_the_library_gives_what_it_says() -> None:
    """The names of what it notes are exactly those that the generator takes for given; no other name is in the code."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    assert noted(trees) == LIBRARY_DIAGNOSTICS
    assert set().union(*map(literals, trees)) & CATALOGUE.keys() == LIBRARY_DIAGNOSTICS


def test_a_name_that_is_only_mentioned_is_not_given() -> None:
    """In a table of names, say; what is passed on through a variable or a function is."""
    program = """
def stray(self):
    return "passed-on", "evidence"
def f(self, much):
    first = "one-way" if much else "another-way"
    name, evidence = self.stray()
    self.say(first, name)
    return {"only-mentioned": self.codes["looked-up"]}
"""
    assert noted([ast.parse(program)]) == {"one-way", "another-way", "passed-on", "looked-up"}


def test_every_entry_is_given() -> None:
    """By the library, by an error production of its name, or as an error; and every production has an entry."""
    recovery = build(load_grammar(GRAMMAR)).recovery
    assert recovery is not None
    mistakes = {name.removeprefix("invalid_").replace("_", "-") for name in recovery.mistakes}
    assert mistakes
    assert set(CATALOGUE) - {code.name for code in RAISED} <= LIBRARY_DIAGNOSTICS | mistakes <= set(CATALOGUE)


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
