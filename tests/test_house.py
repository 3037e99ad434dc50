"""Imports run downhill: between folders as the table says, between modules without circles. A file name occurs once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .house import ROOT, circles, floors, folder_of, imports, names_used_twice, report

ALLOWED = {
    "codegen": "codegen/write codegen/prove codegen/model codegen/read",
    "codegen/write": "codegen/model codegen/read",
    "codegen/prove": "codegen/model codegen/read",
    "codegen/model": "codegen/read",
    "codegen/read": "",
}
"""For each folder the others that its files may import from. What is not in the table is not checked."""

MODULES = imports(ROOT)


def test_the_table_names_folders() -> None:
    """A folder of a package of the table has its own line, and all that a line names exists."""
    folders = {folder_of(file) for file in MODULES}
    assert {folder for folder in folders if folder.split("/")[0] in ALLOWED} == set(ALLOWED)
    assert {name for names in ALLOWED.values() for name in names.split()} <= folders


@pytest.mark.parametrize("folder", ALLOWED)
def test_folders_import_what_the_table_allows(folder: str) -> None:
    allowed = {folder, *ALLOWED[folder].split()}
    found = [(file, other) for file in MODULES if folder_of(file) == folder for other in MODULES[file]]
    assert sorted((file, other) for file, other in found if folder_of(other) not in allowed) == []


def test_the_table_has_no_circle() -> None:
    assert circles({folder: set(names.split()) for folder, names in ALLOWED.items()}) == []


def test_no_modules_import_each_other() -> None:
    assert [circle for circle in circles(MODULES) if any(folder_of(file) in ALLOWED for file in circle)] == []


def test_a_file_name_occurs_once() -> None:
    assert [same for same in names_used_twice(ROOT) if any(folder_of(file) in ALLOWED for file in same)] == []


def test_every_import_is_found(tmp_path: Path) -> None:
    """At the top, in functions, for types alone; absolute and relative; of modules, packages and names in them."""
    sources = {
        "codegen/__init__.py": "from .low import leaf\n",
        "codegen/low/__init__.py": "",
        "codegen/low/leaf.py": "import ast\n",
        "codegen/low/other.py": "def f():\n    from . import leaf\n    from .. import name\n",
        "codegen/user.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import codegen.low.leaf\n",
        "harmony_spec/__init__.py": "",
        "harmony_spec/cli.py": "def f():\n    from .codegen.low.leaf import name\n    from . import name\n",
        "tests/leaf.py": "",
    }
    for file, text in sources.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    found = imports(tmp_path)
    assert found == {
        "codegen/__init__.py": {"codegen/low/leaf.py"},
        "codegen/low/__init__.py": set(),
        "codegen/low/leaf.py": set(),
        "codegen/low/other.py": {"codegen/low/leaf.py", "codegen/__init__.py"},
        "codegen/user.py": {"codegen/low/leaf.py"},
        "harmony_spec/__init__.py": set(),
        "harmony_spec/cli.py": {"codegen/low/leaf.py", "harmony_spec/__init__.py"},
    }
    assert names_used_twice(tmp_path) == [["codegen/low/leaf.py", "tests/leaf.py"]]
    assert "circles of folders: 1\n  codegen, codegen/low" in "\n".join(report(tmp_path))


def test_circles_and_floors() -> None:
    """A chain of three, of which the middle is a circle of two."""
    edges = {"top": {"one"}, "one": {"two"}, "two": {"one", "low"}, "low": set(), "alone": {"alone"}}
    assert circles(edges) == [["alone"], ["one", "two"]]
    assert floors(edges) == {"low": 0, "one": 1, "two": 1, "top": 2, "alone": 0}
