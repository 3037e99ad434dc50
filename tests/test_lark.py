"""Law 6: Lark, interpreting `grammar/harmony.lark`, accepts what the strict parser accepts, with the same fields."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark, Token, Tree, UnexpectedInput

from codegen import GRAMMAR
from harmony_spec import Message, ParseError, codec, parse, render_text
from harmony_spec.source.saved_text import without_line_break

from .conftest import examples
from .strategies import conversations, text_contents

STARTS = list(codec.FORMAT.starts)


@cache
def lark() -> Lark:
    text = (GRAMMAR / "harmony.lark").read_text(encoding="utf-8")
    return Lark(text, parser="earley", lexer="dynamic", start=STARTS, keep_all_tokens=True)


def fields_of(tree: Tree[Token]) -> dict[str, Any]:
    """The fields that a tree of Lark says, by the conventions of docs/grammar.md."""
    fields: dict[str, Any] = {}
    for node in tree.iter_subtrees_topdown():
        tokens = {child.type: str(child) for child in node.children if isinstance(child, Token)}
        values = [text for kind, text in tokens.items() if kind in ("WORD", "TYPE", "TEXT")]
        if "ROLE" in tokens:
            fields["role"] = tokens["ROLE"]
        elif node.data == "tool":
            fields["role"] = "tool"
        elif node.data == "constrain":
            fields["constrain"] = True
        elif node.data in codec.FORMAT.fields:
            fields[node.data] = values[0] if values else ""
    return fields


def by_lark(text: str, start: str) -> list[dict[str, Any]] | None:
    """The fields of each message, or None where Lark refuses the text."""
    try:
        tree = lark().parse(text, start=start)
    except UnexpectedInput:
        return None
    frames = [node for node in tree.children if isinstance(node, Tree) and node.data != "opening"]
    return [fields_of(frame) for frame in frames]


def by_codec(text: str, start: str) -> list[dict[str, Any]] | None:
    try:
        messages = parse(text, start).messages
    except ParseError:
        return None
    return [shown(message) for message in messages]


def shown(message: Message) -> dict[str, Any]:
    return {name: value for name in codec.FORMAT.fields if (value := getattr(message, name)) not in (None, False)}


def agree(text: str, start: str) -> bool:
    """Whether both refuse, or both accept with equal fields; the first of a completion has its role from outside.

    The codec also accepts one line break at the end that an editor added.
    """
    expected, actual = by_lark(text, start), by_codec(text, start)
    bare = without_line_break(text)
    if expected is None and isinstance(bare, str) and bare != text and not bare.endswith("\n"):
        expected = by_lark(bare, start)
    if expected is None or actual is None:
        return expected is None and actual is None
    if start == "completion":
        expected[0] = {"role": "assistant"} | expected[0]
    return expected == actual


@examples(120)
@given(conversations(text_contents), st.sampled_from(["openai", "model"]), st.data())
def test_rendered_text_is_read_alike(conversation: list[Message], style: codec.Style, data: st.DataObject) -> None:
    """What the renderer writes, and the same with a part deleted, doubled, or moved."""
    text = render_text(conversation[:2], style=style)
    assert agree(text, "transcript")
    cuts = sorted(
        {0, len(text), *(m.start() for m in codec.FORMAT.special_matcher.finditer(text)), *range(0, len(text), 7)}
    )
    a, b = (data.draw(st.sampled_from(cuts)) for _ in range(2))
    low, high = min(a, b), max(a, b)
    changed = data.draw(
        st.sampled_from([text[:low] + text[high:], text[:high] + text[low:], text[low:high] + text[:low]])
    )
    for start in STARTS:
        assert agree(changed, start), (changed, start)


@pytest.mark.parametrize("start", STARTS)
@given(data=st.data())
@examples(120)
def test_text_of_the_grammar_is_read_alike(start: str, data: st.DataObject) -> None:
    """Strings that Hypothesis draws from the Lark grammar; law 2 for them, since nothing here has rendered them."""
    text = data.draw(from_lark(lark(), start=start))
    assume(len(text) < 2000 and not any("\ud800" <= c <= "\udfff" for c in text))
    assert agree(text, start)
    parsed = parse(text, start)
    opening: Any = parsed.opening or {}
    assert render_text(parsed.messages, start, style="as_parsed", **opening) == text


pieces = st.sampled_from(
    [
        "<|start|>",
        "<|channel|>",
        "<|message|>",
        "<|end|>",
        "<|call|>",
        "<|return|>",
        "<|constrain|>",
        "<|reserved_200013|>",
        "user",
        "assistant",
        ":",
        " to=",
        " ",
        "json",
        "f.g",
        "final",
        "<",
        "é",
        "\n",
        "<|other|>",
    ]
)


@pytest.mark.parametrize("start", STARTS)
@examples(300)
@given(pieces=st.lists(pieces, max_size=9))
def test_any_text_is_read_alike(start: str, pieces: list[str]) -> None:
    """Strings of parts of the format in any order."""
    assert agree("".join(pieces), start)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("<|start|>user:alice<|message|>x<|end|>", "transcript"),
        ("<|start|>assistant<|channel|>final <|constrain|>json<|message|>{}<|return|>", "transcript"),
        ("<|start|>assistant<|channel|>commentary to=f<|constrain|>json<|message|>{}<|call|>", "transcript"),
        ("<|start|>system:x to=y code<|message|><|end|><|start|>assistant", "prompt"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b", "completion"),
        (" to=python<|channel|>analysis code<|message|>1+1", "completion"),
    ],
)
def test_headers_of_the_guide_are_read_alike(text: str, start: str) -> None:
    assert agree(text, start)
    assert by_lark(text, start) is not None


def test_the_lookahead_of_the_text_lists_the_special_tokens() -> None:
    """What Lark keeps out of text is what the vocabulary says is special."""
    text = next(terminal for terminal in lark().terminals if terminal.name == "TEXT").pattern.to_regexp()
    import re

    matcher = re.compile(text)
    assert not [spelling for spelling in codec.SPECIAL_TOKENS if matcher.fullmatch(spelling)]
    for ordinary in ("<|im_start|>", "<|reserved_200002|>", "<|reserved_201088|>", "<|reserved_199999|>", "<|End|>"):
        assert matcher.fullmatch(ordinary)
