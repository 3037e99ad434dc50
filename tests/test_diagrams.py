"""Pictures of grammars: one for each rule, well-formed, and those in docs/ are up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from codegen import GRAMMAR, draw
from codegen.read.grammar_folder import load
from harmony_spec.cli import main

from . import dialect

PICTURES = Path(__file__).parent.parent / "docs" / "grammar-pictures"


def test_the_pictures_in_the_docs_are_up_to_date() -> None:
    """`harmony-spec diagrams grammar -o docs/grammar-pictures` writes them."""
    drawn = draw(GRAMMAR)
    assert sorted(drawn) == sorted(path.name for path in PICTURES.iterdir())
    assert [name for name, text in drawn.items() if (PICTURES / name).read_text(encoding="utf-8") != text] == []


@pytest.mark.parametrize("name", sorted([*dialect.FOLDERS, "renamed_contents", "priority_field"]))
def test_each_rule_of_a_dialect_has_a_picture(name: str, tmp_path: Path) -> None:
    folder = dialect.grammar_of(name, tmp_path)
    drawn, sources = draw(folder), load(folder)
    rules = [d.name for d in (*sources.definitions, *sources.contents) if not d.name.lstrip("_").isupper()]
    page = drawn.pop("index.md")
    assert re.findall(r"^### (.*)$", page, re.MULTILINE) == rules
    assert sorted(re.findall(r"\]\((.*)\)$", page, re.MULTILINE)) == sorted(drawn)
    assert len(drawn) == len(rules) + 1
    for text in drawn.values():
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_picture_of_messages_has_their_tokens_in_order() -> None:
    picture = ElementTree.fromstring(draw(GRAMMAR)["messages.svg"])
    labels = [str(node.text) for node in picture.iter() if node.tag.endswith("text")]
    before, after = labels[: labels.index("content")], labels[labels.index("content") + 1 :]
    assert before == ["<|start|>", "<|channel|>", "<|constrain|>", "<|message|>"]
    assert after == ["<|call|>", "<|end|>", "<|return|>"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["diagrams", *map(str, arguments)])
        return result.exit_code, result.output

    folder = tmp_path / "a" / "b"
    assert run(GRAMMAR, "-o", folder)[0] == 0
    assert {path.name for path in folder.iterdir()} == set(draw(GRAMMAR))
    assert run(GRAMMAR, "-o", folder)[1].startswith("same ")
    assert run(tmp_path / "missing", "-o", folder)[0] == 2
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", "-o", folder)[0] == 1
    monkeypatch.setitem(sys.modules, "railroad", None)
    monkeypatch.delitem(sys.modules, "harmony_spec.codegen.write.diagrams")  # imported anew, as in another process
    status, output = run(GRAMMAR, "-o", folder)
    assert status == 2
    assert "'.[docs]'" in output
