"""Names of rules and terminals have no meaning of their own: a new one is refused, or changes nothing but names."""

from __future__ import annotations

import ast
import re
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import GRAMMAR, GrammarError, generate
from codegen.model.content_rules import plural
from codegen.model.format_model import CONTENT_FIELD, STARTS

from . import dialect

FOLDERS = [GRAMMAR, *(dialect.HERE / name for name in dialect.FOLDERS)]
DEFINITION = re.compile(r"^\??(\w+):", re.MULTILINE)
NOT_NAMES = re.compile(r'("(?:[^"\\\n]|\\.)*"|//[^\n]*|/(?:[^/\\]|\\.)+/|-> *\w+)')
MEANING = ("JSON", "DATE")
"""How the names of terminals with a meaning begin; docs/grammar.md describes it."""


def definitions_of(path: Path) -> list[str]:
    """The names of rules and terminals, in lower case: a rule and a terminal of one name are one field."""
    names = (name.lower() for name in DEFINITION.findall(path.read_text(encoding="utf-8")))
    return sorted({*names} - {*STARTS, CONTENT_FIELD})


ALL = [(path, name) for folder in FOLDERS for path in sorted(folder.glob("*.lark")) for name in definitions_of(path)]


@cache
def generated(folder: Path) -> str:
    return generate(folder)


def class_name(name: str) -> str:
    return "".join(part.title() for part in name.lower().split("_"))


def words(text: str) -> Counter[str]:
    """The words of the code, without comments and docstrings, in any order: some lists are sorted by name."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return Counter(re.findall(r"\w+|[^\w\s]", ast.unparse(tree)))


@settings(max_examples=40)
@given(st.sampled_from(ALL))
def test_another_name_is_refused_or_changes_only_names(case: tuple[Path, str]) -> None:
    path, name = case
    prefix = next((each for each in ("_", *MEANING) if name.upper().startswith(each)), "")
    new = f"{prefix}_ZQX" if prefix != "_" and prefix else f"{prefix}ZQX"
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "grammar"
        shutil.copytree(path.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
        parts = NOT_NAMES.split(path.read_text(encoding="utf-8"))
        for old, replacement in ((name, new.lower()), (name.upper(), new)):
            parts[::2] = [re.sub(rf"(?<!\w){old}(?!\w)", replacement, part) for part in parts[::2]]
        (folder / path.name).write_text("".join(parts), encoding="utf-8")
        try:
            text = generate(folder)
        except GrammarError:
            return  # a data file, or the library, needs the old name
    for spelled in (lambda word: plural(word.lower()), str.lower, str.upper, class_name):
        text = text.replace(spelled(new), spelled(name))
    assert words(text) == words(generated(path.parent))
