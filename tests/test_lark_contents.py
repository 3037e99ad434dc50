"""Law 6 for contents: Lark, interpreting the same file, reads what is written, and nothing that is not read here."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark import Lark, LarkError, Tree

from codegen import GRAMMAR
from harmony_spec import DeveloperContent, Namespace, SystemContent, Tool, browser_tools, codec, python_tools
from harmony_spec.format.content_reading import NO_MATCH

CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "A.", "default": "x"}}}
UNION = {"oneOf": [{"type": "string", "description": "Some."}, {"type": ["null", "number"], "default": 3}]}
SCHEMAS = [
    None,
    CITY,
    {"type": "object", "properties": {"a-b": UNION, "c": {"type": "array", "items": {"enum": ["x", 1]}}}},
    {"type": "object", "additionalProperties": {"type": "array", "prefixItems": [CITY]}, "minProperties": 1},
    {"$ref": "#/$defs/N", "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}}},
    {"allOf": [CITY, {"type": "object", "title": "T", "properties": {}}], "description": "Both."},
]
CONTENTS: list[tuple[str, Any]] = [
    ("system", SystemContent()),
    ("system", SystemContent(None, None, "2026-01-01", "low", [browser_tools(), python_tools()])),
    ("developer", DeveloperContent("Be brief.\n\n# Tools\n\nUse them.")),
    ("developer", DeveloperContent("Be brief.", [Namespace("my n", "All.", [Tool("my f", "Does.")])])),
    *(("developer", DeveloperContent(None, [Namespace("n", "All.", [Tool("f", "Does.", s)])])) for s in SCHEMAS),
]


@cache
def lark() -> Lark:
    text = (GRAMMAR / "contents.lark").read_text(encoding="utf-8")
    return Lark(text, parser="earley", lexer="dynamic", start=["system", "developer"])


def read(role: str, text: str) -> Any:
    """What the generated reader makes of a whole text; None where it does not read all of it."""
    found, reader = codec.FORMAT.contents.read(codec.FORMAT.contents.roles[role], text)
    return None if found is NO_MATCH or reader.at != len(text) else found


def texts_of(tree: Tree[Any], rule: str) -> list[str]:
    return [str(part.children[0]) for part in tree.find_data(rule) if part.children]


@pytest.mark.parametrize(("role", "content"), CONTENTS)
def test_lark_reads_what_is_written(role: str, content: Any) -> None:
    """With the same names and instructions."""
    tree = lark().parse(content.text(), start=role)
    found = read(role, content.text())
    names = [name for namespace in found.tools for name in (namespace.name, *(tool.name for tool in namespace.tools))]
    assert {*tree.scan_values(lambda token: getattr(token, "type", "") in ("NAME", "FREE_NAME"))} == {*names}
    if role == "developer" and content.instructions:
        assert texts_of(tree, "instructions") == [found.instructions]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CONTENTS), st.integers(0), st.sampled_from(["", "\n", " ", "x", "// ", "}", "|", '"', "?"]))
@example(CONTENTS[7], CONTENTS[7][1].text().index("perties"), " ")  # `minPro erties 1`: a value that is no JSON
def test_lark_reads_the_same_damaged_texts(case: tuple[str, Any], at: int, put: str) -> None:
    """A character replaced anywhere: what Lark reads is read here, and the other way around."""
    role, text = case[0], case[1].text()
    at %= len(text)
    damaged = text[:at] + put + text[at + 1 :]
    try:
        lark().parse(damaged, start=role)
        accepted = True
    except LarkError:
        accepted = False
    if accepted != (read(role, damaged) is not None):
        # the generated reader compares names, also those of definitions, and reads JSON: no context-free grammar can
        assert accepted
        missing = failed(role, damaged)
        refers = " any;\n\ntype N = " in text
        assert "JSON" in missing or refers or ("namespace" in damaged and "name " in " ".join(missing))


def failed(role: str, text: str) -> list[str]:
    """What the reader would have read where it stopped."""
    return codec.FORMAT.contents.read(codec.FORMAT.contents.roles[role], text)[1].expected
