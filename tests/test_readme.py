"""Every block of the README runs. `.ci/run` runs those that set up a machine, and reads them from the README."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(<!-- setup: \w+ -->\n)?```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [code for setup, language, code in BLOCKS if language == "python"]
SHELL = [code for setup, language, code in BLOCKS if language == "bash" and not setup]
OUTPUT = dict(re.findall(r"```bash\n((?:(?!```).)*)```\n\n```text\n(.*?)```", README, re.DOTALL))
SETUP = {re.findall(r"setup: (\w+)", setup)[0]: code for setup, _, code in BLOCKS if setup}


def test_all_blocks_are_known() -> None:
    assert {language for _, language, _ in BLOCKS} == {"text", "bash", "python"}
    assert (len(PYTHON), len(SHELL), len(OUTPUT), len(SETUP)) == (3, 3, 1, 3)


def test_the_table_has_all_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == sorted(project["optional-dependencies"])


def test_packages_are_installed_from_a_clone() -> None:
    """Before a release, a package of this name cannot be installed."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "harmony_spec").rglob("*.py")]
    assert [file.name for file in files if re.search(r"install [^\n]{0,9}harmony-spec", file.read_text("utf-8"))] == []


def test_the_readme_is_short() -> None:
    assert README.count("\n") <= 180


@pytest.mark.parametrize("code", PYTHON)
def test_python_blocks_run(code: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("code", SHELL)
def test_shell_blocks_run(code: str, tmp_path: Path) -> None:
    """In a folder with the examples, with the commands of this environment first."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    found = subprocess.run(
        ["bash", "-ec", code], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert OUTPUT.get(code, found.stdout) == found.stdout


def test_the_gate_runs_the_setup_blocks() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert list(SETUP) == re.findall(r"^readme (\w+)", gate, re.MULTILINE)
