"""What the pages show is what happens."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

import harmony_spec
from harmony_spec import codec
from harmony_spec.cli import main

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = {
    "api.md": 3,
    "constrain.md": 4,
    "cost.md": 1,
    "corpora.md": 2,
    "drop-in.md": 1,
    "exact-tokens.md": 3,
    "index.md": 1,
    "recovery.md": 15,
    "streaming.md": 3,
    "training.md": 3,
}
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in BLOCKS}


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run_and_give_what_they_show(page: str) -> None:
    """In their order: a block may use names that earlier ones define."""
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


def test_recipes_are_the_files_that_run() -> None:
    """They need other packages: `.ci/recipes` runs the files."""
    shown = re.findall(r"^```py\n(.*?)^```", PAGES["corpora.md"] + PAGES["cost.md"], re.DOTALL | re.MULTILINE)
    files = sorted((ROOT / "examples" / "recipes").glob("*.py"))
    assert sorted(shown) == sorted(path.read_text(encoding="utf-8") for path in files)
    assert all(code.count("\n") < 15 for code in shown if "check_batch" in code)


def test_every_special_token_in_the_pages_is_code() -> None:
    """Outside of code, Markdown takes them for HTML."""
    for page in PAGES.values():
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page, flags=re.DOTALL | re.MULTILINE)
        assert "<|" not in prose


API = re.split(r"^## ", PAGES["api.md"], flags=re.MULTILINE)
MODULES = {section.split("`")[1]: section for section in API if section.startswith("`harmony_spec")}


def listed(section: str) -> list[tuple[str, str, str]]:
    """Name, mark and purpose in the rows of the tables of a section."""
    return re.findall(r"^\| `(\w+)`( \\\*)? \| (.+) \|$", section, re.MULTILINE)


@pytest.mark.parametrize(
    "module",
    [
        *("harmony_spec", "harmony_spec.adapters", "harmony_spec.compat", "harmony_spec.constraints"),
        *("harmony_spec.linting", "harmony_spec.vocabulary"),
    ],
)
def test_the_api_page_lists_each_public_name_once(module: str) -> None:
    rows = listed(MODULES[module])
    assert sorted(name for name, _, _ in rows) == sorted(importlib.import_module(module).__all__)
    assert all(purpose.endswith(".") for _, _, purpose in rows)


def test_the_api_page_marks_what_generated_codecs_define() -> None:
    marked = {name for name, mark, _ in listed(MODULES["harmony_spec"]) if mark}
    assert marked == set(codec.__all__) - {"EXAMPLE"}


def test_the_api_page_lists_all_commands() -> None:
    """And those without `--codec`."""
    section = next(each for each in API if each.startswith("The same on the command line"))
    rows = re.findall(r"^\| (`harmony-spec .*?) \|", section, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`harmony-spec (\w+)", row)) == sorted(main.commands)
    without = {name for name, command in main.commands.items() if "codec" not in {p.name for p in command.params}}
    (sentence,) = re.findall(r"All commands take it, except\s(.*?)\.", section, re.DOTALL)
    assert set(SPANS.findall(sentence)) == without


LIMITS = re.findall(
    r"^\| (`[A-Z_`, ]+`) \| (`[^|]+`) \|", (ROOT / "docs" / "laws.md").read_text(encoding="utf-8"), re.M
)


def constants(path: Path) -> set[str]:
    """The names that a file, or the files of a folder, define."""
    files = path.glob("*.py") if path.is_dir() else [path]
    nodes = [node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body]
    targets = [t for n in nodes if isinstance(n, ast.Assign) for t in n.targets]
    targets += [n.target for n in nodes if isinstance(n, ast.AnnAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize(("names", "places"), LIMITS, ids=[names for names, _ in LIMITS])
def test_limits_are_where_the_page_says(names: str, places: str) -> None:
    """Each name is defined, and each file exists and defines one of them. Files are in the folder of the first one."""
    first, *others = re.findall(r"`([^`]+)`", places)
    paths = [ROOT / first, *((ROOT / first).parent / name for name in others)]
    found = [constants(path) for path in paths]
    wanted = set(re.findall(r"`([^`]+)`", names))
    assert wanted <= set().union(*found)
    assert all(wanted & defined for defined in found)


def test_the_page_has_limits() -> None:
    rows = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8").partition("## Named limits")[2].count("\n| `")
    assert len(LIMITS) == rows > 10


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SPANS = re.compile(r"`([^`\n]+)`")


def is_path(span: str) -> bool:
    return re.fullmatch(r"[\w./-]+(/|/run|/fixes|\.\w{2,4})", span) is not None


def definitions(path: Path) -> set[str]:
    """Classes, functions, methods and constants of a Python file; rules and terminals of a grammar file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".lark":
        return set(re.findall(r"^\??(\w+):", text, re.MULTILINE))
    if path.suffix != ".py":
        return set()
    nodes = ast.walk(ast.parse(text))
    return constants(path) | {n.name for n in nodes if isinstance(n, ast.ClassDef | ast.FunctionDef)}


def test_files_that_contributors_read_about_exist() -> None:
    paths = [span for span in SPANS.findall(CONTRIBUTING) if is_path(span)]
    assert len(paths) > 60
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_folders_with_code_are_all_listed() -> None:
    folders = {path.parent for top in ("codegen", "harmony_spec") for path in (ROOT / top).rglob("*.py")}
    listed_folders = {
        ROOT / span for row in re.findall(r"^\| (`.*?) \|", CONTRIBUTING, re.M) for span in SPANS.findall(row)
    }
    assert folders <= listed_folders


PARAGRAPHS = CONTRIBUTING.partition("## Follow a token")[2].split("\n\n")


@pytest.mark.parametrize("paragraph", [p for p in PARAGRAPHS if p.startswith("**")], ids=lambda p: p.split("**")[1])
def test_names_that_contributors_read_about_are_defined(paragraph: str) -> None:
    """Each name is defined in a file that its paragraph names, or is public."""
    spans = SPANS.findall(paragraph)
    known = set(harmony_spec.__all__).union(*(definitions(ROOT / s) for s in spans if is_path(s) and s[-1] != "/"))
    assert [span for span in spans if span.isidentifier() and span not in known] == []


def test_jobs_are_short_and_name_a_test() -> None:
    jobs = [p for p in CONTRIBUTING.partition("## Common jobs")[2].split("\n\n") if p.startswith("**")]
    assert len(jobs) == 21
    assert all(len(job.strip().splitlines()) <= 5 and "\nTest: `tests/" in job for job in jobs)


def test_contributors_read_what_is_generated() -> None:
    """Each file that `python -m codegen` writes is named beside the command."""
    beside, _, _ = CONTRIBUTING.partition("## Commands")
    program = (ROOT / "codegen" / "__main__.py").read_text(encoding="utf-8")
    written = re.findall(r'root / "(\w+)" / "([\w.]+)"', program)
    assert len(written) == 3
    assert all(f"`{folder}/{name}`" in beside for folder, name in written)
