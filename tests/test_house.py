"""Imports run downhill: between folders as the table says, between modules without circles. A name occurs once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .house import (
    ROOT,
    between_folders,
    circles,
    defined_twice,
    floors,
    imports,
    names_used_twice,
    report,
    room_of,
)

FLOOR = "harmony_spec/codes harmony_spec/diagnostics harmony_spec/errors"
SOURCE = f"{FLOOR} harmony_spec/format harmony_spec/source harmony_spec/vocabulary"
READING = f"{SOURCE} harmony_spec/parsing harmony_spec/recovery"
CODEC = f"{READING} harmony_spec/runtime harmony_spec/codec harmony_spec/codec_loading harmony_spec/json_form"

ALLOWED = {
    "harmony_spec/errors": "",
    "harmony_spec/interruptions": "",
    "harmony_spec/codes": "harmony_spec/errors",
    "harmony_spec/diagnostics": "harmony_spec/errors",
    "harmony_spec/format": FLOOR,
    "harmony_spec/tool_types": "harmony_spec/format",
    "harmony_spec/vocabulary": f"{FLOOR} harmony_spec/format",
    "harmony_spec/source": f"{FLOOR} harmony_spec/format",
    "harmony_spec/parsing": SOURCE,
    "harmony_spec/rendering": f"{SOURCE} harmony_spec/parsing",
    "harmony_spec/recovery": f"{SOURCE} harmony_spec/parsing",
    "harmony_spec/streaming": READING,
    "harmony_spec/validation": f"{READING} harmony_spec/rendering harmony_spec/tool_types",
    "harmony_spec/json_shapes": f"{SOURCE} harmony_spec/tool_types",
    "harmony_spec/json_form": f"{SOURCE} harmony_spec/rendering harmony_spec/json_shapes",
    "harmony_spec/runtime": f"{READING} harmony_spec/rendering harmony_spec/streaming harmony_spec/validation "
    "harmony_spec/json_form harmony_spec/tool_types",
    "harmony_spec/codec": "harmony_spec/runtime",
    "harmony_spec/codec_loading": "harmony_spec/codec harmony_spec/errors harmony_spec/format codegen",
    "harmony_spec/tools": f"{READING} harmony_spec/codec harmony_spec/tool_types",
    "harmony_spec/adapters": f"{CODEC} harmony_spec/tools harmony_spec/tool_types",
    "harmony_spec/constraints": f"{CODEC} harmony_spec/tools harmony_spec/tool_types harmony_spec/validation",
    "harmony_spec/view": f"{CODEC} harmony_spec/validation",
    "harmony_spec/linting": f"{CODEC} harmony_spec/validation harmony_spec/tools harmony_spec/view "
    "harmony_spec/interruptions",
    "harmony_spec/compat": CODEC,
    "harmony_spec/__init__": f"{CODEC} harmony_spec/validation harmony_spec/tools harmony_spec/view",
    "harmony_spec/cli": f"{CODEC} harmony_spec/__init__ harmony_spec/tools harmony_spec/adapters "
    "harmony_spec/constraints harmony_spec/interruptions harmony_spec/linting harmony_spec/view codegen",
    "harmony_spec/__main__": "harmony_spec/cli",
    "codegen": "codegen/write codegen/prove codegen/model codegen/read",
    "codegen/write": "codegen/model codegen/read",
    "codegen/prove": "codegen/model codegen/read",
    "codegen/model": "codegen/read",
    "codegen/read": "",
}
"""For each folder, and each module in `harmony_spec` itself, what its files may import from: only lines above its own,
with `harmony_spec`, `cli` and `codegen` on top."""

IMPORT_THE_CODEC = {
    "harmony_spec/__init__",  # exports its functions
    "harmony_spec/codec_loading",  # the one loader
    "harmony_spec/adapters",  # for types; what runs is passed in
    "harmony_spec/compat",  # an API for this one format
    "harmony_spec/tools",  # an API on top of it; other codecs are passed in
}

DEFINED_TWICE = {
    "ChannelConfig": "`compat` has the class of the peer",
    "DeveloperContent": "`compat` has the class of the peer",
    "HarmonyError": "`compat` has the class of the peer",
    "Message": "`compat` has the class of the peer",
    "Role": "`compat` has the class of the peer",
    "SystemContent": "`compat` has the class of the peer",
    "Choice": "OpenAI names a part of an answer so",
    "Definition": "a rule of the grammar names the class of the codec so",
    "StreamParser": "the class of the codec inherits from the other",
    "Choose": "what `codegen` reads from a grammar is this in a codec",
    "Drop": "what `codegen` reads from a grammar is this in a codec",
    "Format": "what `codegen` reads from a grammar is this in a codec",
    "Implied": "what `codegen` reads from a grammar is this in a codec",
    "Kind": "what `codegen` reads from a grammar is this in a codec",
    "Recovery": "what `codegen` reads from a grammar is this in a codec",
    "AS_PARSED": "the same, and `codegen` imports nothing from `harmony_spec`",
    "LAST_CODE_POINT": "the same, and `codegen` imports nothing from `harmony_spec`",
    "MAX_SCHEMA_ERROR_CHARS": "the same, and `codegen` imports nothing from `harmony_spec`",
    "MESSAGE": "the same, and `codegen` imports nothing from `harmony_spec`",
    "Ranges": "the same, and `codegen` imports nothing from `harmony_spec`",
}
"""Names of classes, constants and types that two files define, with the reason. All others are defined once."""

MAX_FLOORS = 12
"""The longest way down, so that a reader need not go through more."""

MODULES = imports(ROOT)


def test_the_table_names_all_folders() -> None:
    """Each has its own line, and what a line names exists."""
    rooms = {room_of(file) for file in MODULES}
    assert rooms == set(ALLOWED)
    assert {name for names in ALLOWED.values() for name in names.split()} <= rooms


@pytest.mark.parametrize("folder", ALLOWED)
def test_folders_import_what_the_table_allows(folder: str) -> None:
    allowed = {folder, *ALLOWED[folder].split()}
    found = [(file, other) for file in MODULES if room_of(file) == folder for other in MODULES[file]]
    assert sorted((file, other) for file, other in found if room_of(other) not in allowed) == []


def test_the_table_has_no_circle() -> None:
    assert circles({folder: set(names.split()) for folder, names in ALLOWED.items()}) == []


def test_there_are_few_floors() -> None:
    assert max(floors(between_folders(MODULES)).values()) <= MAX_FLOORS


def test_no_modules_import_each_other() -> None:
    assert circles(MODULES) == []


def test_few_import_the_codec() -> None:
    """Everything else takes one, so that it works with any."""
    users = {room_of(file) for file, imported in MODULES.items() if "harmony_spec/codec.py" in imported}
    assert users == IMPORT_THE_CODEC


def test_a_file_name_occurs_once() -> None:
    assert names_used_twice(ROOT) == []


def test_a_name_has_one_meaning() -> None:
    assert sorted(defined_twice(ROOT)) == sorted(DEFINED_TWICE)


def test_definitions_are_found(tmp_path: Path) -> None:
    """Classes, constants and types at the top of a file, also under a condition; no type variables, private names."""
    first = ["class A: ...", "B, C = D = 1, 2", "E: int = 3", "T = TypeVar('T')", "_P = 1", "lower = 1", "__all__ = []"]
    second = [
        "if B:",
        "    class A: ...",
        "else:",
        "    B = C = 1",
        *first[2:],
        "try:",
        "    D = 1",
        "finally:",
        "    ...",
    ]
    third = ["def f():", "    A = 1", "F = 1"]
    for file, lines in (("codegen/a.py", first), ("benchmarks/b.py", second), ("codegen/c.py", third)):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("\n".join(lines), encoding="utf-8")
    files = ["benchmarks/b.py", "codegen/a.py"]
    assert defined_twice(tmp_path) == {"A": files, "B": files, "C": files, "D": files, "E": files}


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
