"""What the pages show is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = {"recovery.md": 12, "streaming.md": 2, "drop-in.md": 1}
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in BLOCKS}


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run_and_give_what_they_show(page: str) -> None:
    """In the order in which they stand: what one defines, the next may use."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE)
    assert len(blocks) == BLOCKS[page]
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
