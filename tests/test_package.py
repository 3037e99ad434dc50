"""The package as a whole: its version, its pages, the names that it shows."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import harmony_spec

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_the_declared_one() -> None:
    assert harmony_spec.__version__ == PROJECT["version"]


def test_the_import_does_not_load_the_metadata() -> None:
    program = "import sys, harmony_spec; print('importlib.metadata' in sys.modules, harmony_spec.__version__)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", PROJECT["version"]]


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
