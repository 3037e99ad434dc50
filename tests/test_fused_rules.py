"""Reading contents by large patterns gives what reading them part by part gives."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import codec
from harmony_spec.errors import RenderError
from harmony_spec.format.content_reading import NO_MATCH
from harmony_spec.format.contents import Contents, Record
from harmony_spec.format.fused_reading import FusedReader, Unfused

from . import dialect
from .chat_template import function, render_chat
from .schema_strategies import developers, mutated, schemas, systems, tools

PIECES = ("// ", "{\n", "}", "[]", " | ", ",", "?", ": ", "// default: ", '"', "    ", "// @minimum 3\n", "type ", "\n")


def plain(value: Any) -> Any:
    """A value with what records keep, which their equality ignores."""
    if isinstance(value, Record):
        fields = [plain(getattr(value, name)) for name in value.__dataclass_fields__]
        return type(value).__name__, fields, getattr(value, "_kept", None)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return repr(value)


def read_both(contents: Contents, role: str, text: str) -> tuple[Any, Any]:
    """What is read part by part, and by patterns; both the first one if patterns do not read the text."""
    made = contents.roles[role]
    found, reader = contents.read(made, text)
    slow = None if found is NO_MATCH else (plain(found), reader.at, reader.variants)
    try:
        fused = FusedReader(text)
        found = contents.fused.reader(contents.rule_of[made])(fused)
    except Unfused:
        return slow, slow
    return slow, None if found is NO_MATCH else (plain(found), fused.at, fused.variants)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """The role and text of a content in our form or the template's, often damaged."""
    role = draw(st.sampled_from(sorted(codec.FORMAT.contents.roles)))
    record: Any = draw(systems(schemas()) if role == "system" else developers(schemas()))
    chosen = draw(st.sampled_from(((), ("unmarked_lines",))))
    try:
        text = codec.FORMAT.contents.write(record, {}, chosen)
    except RenderError:
        text = ""
    if role == "developer" and draw(st.booleans()):
        listed = draw(st.lists(tools(schemas()), min_size=1, max_size=2))
        functions = [function(each.name, each.parameters, each.description or "") for each in listed]
        with suppress(TypeError):  # some defaults
            chat = render_chat([{"role": "system", "content": "Be brief."}], functions)
            text = chat.split("<|message|>")[2].split("<|end|>")[0]
    for _ in range(draw(st.integers(0, 3))):
        at, piece = draw(st.integers(0, len(text))), draw(st.sampled_from(PIECES))
        text = text[:at] + piece + text[at:] if draw(st.booleans()) else draw(mutated(text))
    return role, text


@given(texts())
def test_patterns_read_what_the_parts_read(case: tuple[str, str]) -> None:
    slow, fused = read_both(codec.FORMAT.contents, *case)
    assert fused == slow


@pytest.mark.parametrize("name", dialect.NAMES)
def test_patterns_of_dialects_read_what_the_parts_read(name: str, tmp_path: Path) -> None:
    contents = dialect.codec_of(name, tmp_path).FORMAT.contents
    for role in contents.roles:
        for text in ("", "Be brief.", "# Tools\n\n## a\n\nnamespace a {\n\ntype b = () => any;\n\n} // namespace a"):
            slow, fused = read_both(contents, role, text)
            assert fused == slow


NESTED = "{\n" * 30 + "a: string,\n" + "},\n" * 30


@pytest.mark.parametrize(
    "parameters",
    [
        '{\n// One.\n// Two.\na?: string, // default: "x"\n}',
        '{\na: "x" | "y" | null,\nb: string[][],\nc: string & number,\n}',
        '{\n// Title.\n//\n// About.\n// Examples:\n// - 1\n// - 2\n// @minimum 3\n// @"x" [1]\na: number,\n}',
        "{\na: {\n    b?: {\n        c: (string | number)[],\n        }[],\n    },\n[key: string]: boolean,\n}",
        '{\na:\n | string // Text. default: "x"\n | number\n,\n}',
        "{\na: [string?, number?, ...boolean[]],\n}",
        "{}",
        "{\n// @minimum {\na: number,\n}",
        NESTED,
    ],
)
def test_patterns_read_every_kind_of_type(parameters: str) -> None:
    tool = f"// Does.\n// Much.\ntype f = (_: {parameters}) => any;"
    text = f"# Tools\n\n## functions\n\nnamespace functions {{\n\n{tool}\n\n}} // namespace functions"
    slow, fused = read_both(codec.FORMAT.contents, "developer", text)
    assert slow is not None
    assert fused == slow
