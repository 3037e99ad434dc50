"""The page about validation and the hook for pre-commit are what the command does."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from harmony_spec.linting.rows import COLUMNS
from harmony_spec.linting.settings import SETTING_KEYS, load

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return "".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def test_the_commands_run(tmp_path: Path) -> None:
    """As they stand."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "x.jsonl.zst").write_text("[1]")
    (tmp_path / "transcript.txt").write_text("<|end|>")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    codes = [
        subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, check=False).returncode
        for line in block("bash").splitlines()
    ]
    assert codes == [0, 1, 0, 0, 1, 0, 0, 0]
    assert (tmp_path / "found.parquet").is_file()


def test_the_python_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "examples" / "bad.txt").write_text("<|end|>")
    command = [sys.executable, "-c", block("python")]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "examples/bad.txt None H115" in said.stdout


def test_the_examples_are_valid() -> None:
    """With the settings of the project, which leave out what is no input."""
    command = Path(sys.executable).parent / "harmony-spec"
    assert subprocess.run([command, "validate", "examples"], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_the_settings_are_all_there_are(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    (tmp_path / "my-grammar").mkdir()
    shown, settings = block("toml"), set()
    of_modules = shown.replace("\ngrammar", "\n# grammar").replace("\n# codec", "\ncodec").replace("\n# tok", "\ntok")
    for text in (shown, of_modules):
        path.write_text(text)
        assert load(path) is not None
        settings |= set(tomllib.loads(text)["tool"]["harmony-spec"])
    assert settings == set(SETTING_KEYS)


def test_the_columns_are_listed_in_their_order() -> None:
    assert ", ".join(f"`{name}`" for name in COLUMNS) in " ".join(PAGE.split())


def test_the_hook_runs(tmp_path: Path) -> None:
    """With the files behind its entry, as pre-commit runs it."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] in PAGE
    files = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "examples").glob("*.txt"))]
    assert all(re.search(hook["files"], name) for name in [*files, "x.jsonl.gz"])
    scripts = Path(sys.executable).parent
    command = [str(scripts / shlex.split(hook["entry"])[0]), *shlex.split(hook["entry"])[1:]]
    assert subprocess.run([*command, *files], cwd=ROOT, capture_output=True, check=False).returncode == 0
    bad = tmp_path / "bad.txt"
    bad.write_text("<|end|>")
    said = subprocess.run([*command, *files, str(bad)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout.splitlines()[0].startswith(f"{bad}:1:1: ")) == (1, True)
