"""The catalogue of diagnostics: each has a reason, its examples do what they say, and no other is given."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from codegen import GRAMMAR
from codegen.build import build
from codegen.load import load
from codegen.recovery import GIVEN
from harmony_spec import codec, codes, parse, recover
from harmony_spec.code import Code
from harmony_spec.forms import HEADER_LIMITS

from .recovery_strategies import tokens_of

CATALOGUE: dict[str, dict[str, Any]] = tomllib.loads((GRAMMAR / "diagnostics.toml").read_text(encoding="utf-8"))
SHOWN = {name: entry for name, entry in CATALOGUE.items() if "bad" in entry}
SOURCES = sorted(path for path in (GRAMMAR.parent / "harmony_spec").glob("*.py") if path.name != "codec.py")
NAME = r"[a-z]+(-[a-z]+)+"
RAISED = [value for value in vars(codes).values() if isinstance(value, Code)]

entries = pytest.mark.parametrize("name", CATALOGUE)
examples = pytest.mark.parametrize("name", SHOWN)


def found(name: str, key: str) -> set[str]:
    """The names of the diagnostics that an example gives."""
    entry = CATALOGUE[name]
    options = {"tools": entry.get("tools"), "stripped": entry.get("stripped", False)}
    result = recover(entry[key], entry.get("start", "transcript"), **options)
    return {diagnostic.code.name for diagnostic in result.diagnostics}


def test_the_catalogue_is_there() -> None:
    """No test passes for want of entries."""
    assert len(CATALOGUE) >= 40
    assert len(SHOWN) >= len(CATALOGUE) - 1


@examples
def test_a_bad_example_gives_its_diagnostic(name: str) -> None:
    """And those that come `with` it; no other."""
    assert found(name, "bad") == {name, *CATALOGUE[name].get("with", [])}


@examples
def test_a_good_example_gives_none(name: str) -> None:
    """And the strict parser takes it."""
    assert found(name, "good") == set()
    parse(CATALOGUE[name]["good"], CATALOGUE[name].get("start", "transcript"))


@examples
def test_a_bad_example_is_no_good_one(name: str) -> None:
    assert CATALOGUE[name]["bad"] != CATALOGUE[name]["good"]


@entries
def test_an_entry_is_complete(name: str) -> None:
    """A code of the family, a reason in a sentence, companions that exist, and no key that nothing reads."""
    entry = CATALOGUE[name]
    assert re.fullmatch(NAME, name)
    assert re.fullmatch(r"H\d{3}", entry["code"])
    assert re.fullmatch(r"[A-Z].*\.", entry["why"])
    assert set(entry.get("with", [])) <= CATALOGUE.keys() - {name}
    assert set(entry) <= {"code", "why", "bad", "good", "with", "start", "tools", "stripped"}
    assert ("bad" in entry) == ("good" in entry)


def test_codes_are_unique() -> None:
    """In the catalogue; and an error of the strict parser that has the code of an entry has its name."""
    codes = Counter(entry["code"] for entry in CATALOGUE.values())
    assert {code for code, times in codes.items() if times > 1} == set()
    names = {entry["code"]: name for name, entry in CATALOGUE.items()}
    assert len({code.code for code in STRICT}) == len(STRICT) > 0
    assert [code for code in STRICT if names.get(code.code, code.name) != code.name] == []
    assert [code for code in STRICT if code.name in CATALOGUE and CATALOGUE[code.name]["code"] != code.code] == []


def test_the_codec_has_the_catalogue() -> None:
    recovery = codec.FORMAT.recovery
    assert recovery is not None
    assert {name: code.code for name, code in recovery.codes.items()} == {n: e["code"] for n, e in CATALOGUE.items()}
    assert {name: code.name for name, code in recovery.codes.items()} == {name: name for name in CATALOGUE}


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts in a part of a program that could be the name of a diagnostic."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(NAME, node.value):
            yield node.value


def passed(tree: ast.AST) -> Iterator[str]:
    """Those that are passed to what notes a mistake."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"say", "find", "gap", "Finding"}:
                for argument in node.args:
                    yield from literals(argument)


def test_the_library_gives_what_it_says() -> None:
    """The names in the code are exactly those that the generator takes for given; none is misspelt."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    assert {name for tree in trees for name in literals(tree)} & CATALOGUE.keys() == GIVEN
    noted = {name for tree in trees for name in passed(tree)}
    assert len(noted) > 20
    assert noted <= GIVEN


def test_every_entry_is_given() -> None:
    """By the library, or by an error production of its name; and every production has an entry."""
    recovery = build(load(GRAMMAR)).recovery
    assert recovery is not None
    mistakes = {name.removeprefix("invalid_").replace("_", "-") for name in recovery.mistakes}
    assert mistakes
    assert set(CATALOGUE) == GIVEN | mistakes


@pytest.mark.parametrize(("source", "unit"), [("word " * 300, "character"), ([2195] * 400, "token")])
def test_a_header_that_is_too_long(source: Any, unit: str) -> None:
    """It is read as text that lost its header once it is longer than any; the entry has no example for its length."""
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
