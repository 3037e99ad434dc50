"""The package as a whole: its version, its pages, the names that it shows."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import harmony_spec

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_that_of_the_metadata() -> None:
    assert harmony_spec.__version__ == version("harmony-spec")


def test_the_import_does_not_load_the_metadata() -> None:
    program = "import sys, harmony_spec; print('importlib.metadata' in sys.modules, harmony_spec.__version__)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", harmony_spec.__version__]


def test_other_unknown_attributes_are_errors() -> None:
    with pytest.raises(AttributeError, match="module 'harmony_spec' has no attribute 'version'"):
        _ = harmony_spec.version


def test_the_project_names_its_pages() -> None:
    assert list(PROJECT["urls"]) == ["Documentation", "Source", "Changelog", "Issues"]
    assert all(url.startswith(PROJECT["urls"]["Source"]) for url in PROJECT["urls"].values())


def test_completion_shows_the_public_names() -> None:
    """Not the modules that an import has loaded."""
    shown = {name for name in dir(harmony_spec) if not name.startswith("__")}
    assert shown == {*harmony_spec.__all__, "adapters", "codec", "compat", "constraints", "linting", "vocabulary"}


def test_each_public_name_is_found_in_a_fresh_process() -> None:
    """Names are imported when they are asked for, each by itself; submodules, too."""
    names = [*harmony_spec.__all__, *harmony_spec.PUBLIC_MODULES]
    program = "import sys, harmony_spec; getattr(harmony_spec, sys.argv[1]); print('harmony_spec.codec' in sys.modules)"
    for name in names[:: len(names) // 6]:
        subprocess.run([sys.executable, "-c", program, name], check=True, capture_output=True)
    assert all(getattr(harmony_spec, name) is not None for name in names)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        harmony_spec.nothing  # noqa: B018


def test_the_version_of_the_command_needs_no_codec() -> None:
    program = (
        "import sys; from harmony_spec.cli import main; main(['--version'], standalone_mode=False);"
        "print({'harmony_spec.codec', 'harmony_spec.cli.console', 'rich', 'tiktoken'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == f"harmony-spec, version {harmony_spec.__version__}\nset()\n"
