"""Every block of the README runs. The two that set up a machine are run by `.ci/run`, from where they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(<!-- setup: \w+ -->\n)?```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [code for setup, language, code in BLOCKS if language == "python"]
SHELL = [code for setup, language, code in BLOCKS if language == "bash" and not setup]
SETUP = [setup for setup, language, _ in BLOCKS if setup]


def test_all_blocks_are_known() -> None:
    assert {language for _, language, _ in BLOCKS} == {"text", "bash", "python"}
    assert (len(PYTHON), len(SHELL), len(SETUP)) == (6, 2, 2)


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


def test_the_gate_runs_the_setup_blocks() -> None:
    """By name, so that they are what is written here."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [re.findall(r"setup: (\w+)", setup)[0] for setup in SETUP] == re.findall(
        r"^readme (\w+)", gate, re.MULTILINE
    )
