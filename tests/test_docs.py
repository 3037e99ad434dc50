"""What the pages about recovery and streaming show is what happens, and the catalogue's examples are what they say."""

from __future__ import annotations

import doctest
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harmony_spec import recover

ROOT = Path(__file__).resolve().parent.parent
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("recovery.md", "streaming.md")}
CATALOGUE = tomllib.loads((ROOT / "grammar" / "diagnostics.toml").read_text(encoding="utf-8"))
EXAMPLES = [name for name, entry in CATALOGUE.items() if "bad" in entry]


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run_and_give_what_they_show(page: str) -> None:
    """In the order in which they stand: what one defines, the next may use."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE)
    assert len(blocks) == {"recovery.md": 12, "streaming.md": 2}[page]
    names: dict[str, Any] = {}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for number, code in enumerate(blocks):
        if not code.startswith(">>> "):
            exec(code, names)
            continue
        shown = parser.get_doctest(code, names, f"{page}, block {number}", page, 0)
        found: list[str] = []
        runner.run(shown, out=found.append, clear_globs=False)
        names |= shown.globs
        assert not found, "".join(found)


def test_every_special_token_in_the_pages_is_code() -> None:
    """Outside of code, Markdown takes them for HTML."""
    for page in PAGES.values():
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page, flags=re.DOTALL | re.MULTILINE)
        assert "<|" not in prose


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_the_catalogue(name: str) -> None:
    """The bad one gives this diagnostic and those it comes with, the good one none."""
    entry = CATALOGUE[name]
    options = {"start": entry.get("start", "transcript"), "tools": entry.get("tools")}
    bad = recover(entry["bad"], **options, stripped=entry.get("stripped", False))
    assert {said.code.name for said in bad.diagnostics} == {name, *entry.get("with", [])}
    assert {said.code.code for said in bad.diagnostics if said.code.name == name} == {entry["code"]}
    assert recover(entry["good"], **options).diagnostics == []
