"""The pages of the site: all are in the menu, and the page about changing the format runs as typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def pages(menu: Any) -> list[str]:
    if isinstance(menu, str):
        return [menu]
    entries = menu.values() if isinstance(menu, dict) else menu
    return [page for entry in entries for page in pages(entry)]


def test_the_menu_has_each_page_once() -> None:
    menu = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(menu) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def run_blocks(page: str, folder: Path) -> list[str]:
    """What each shell block of a page prints; they run in their order."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = []
    for block in re.findall(r"^```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        run = subprocess.run(
            ["bash", "-ec", block],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        printed.append(run.stdout)
    return printed


def test_the_format_is_changed_as_the_page_shows(tmp_path: Path) -> None:
    shown = run_blocks((DOCS / "change-the-format.md").read_text(encoding="utf-8"), tmp_path)[-1]
    assert "H511 undeclared-channel" in shown
    assert "1 finding" in shown


def test_the_page_about_the_generator_shows_what_is_printed(tmp_path: Path) -> None:
    page = (DOCS / "generator.md").read_text(encoding="utf-8")
    assert run_blocks(page, tmp_path) == re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
