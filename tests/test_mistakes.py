"""Frequent mistakes in headers have one diagnostic each, whatever the other parts of the header are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import Recovered, codec, parse, recover
from harmony_spec.errors import ParseError

from .recovery_strategies import CHANNELS, TOOLS, TYPES, offers, tokens_of

PARTS = {
    "opening": ["<|start|>assistant", "<|start|>user", "<|start|>user:alice", "<|start|>python"],
    "recipient": [f" to={tool}" for tool in TOOLS],
    "lead": [" to="],
    "channel": [f"<|channel|>{channel}" for channel in CHANNELS],
    "type": [f"{before}{name}" for before in (" ", " <|constrain|>", "<|constrain|>") for name in TYPES],
    "spaced": [f"{before}<|constrain|> {name}" for before in ("", " ") for name in TYPES],
    "doubled": [f"{before}<|constrain|><|constrain|>{name}" for before in ("", " ") for name in TYPES],
    "start": ["<|start|>"],
}
# The headers with each mistake, of the parts named above. What stands directly after the start token, after
# a space, is left out: it stands where the author does.
SHAPES = {
    "missing-role": [
        "start",
        "start channel type?",
        "start channel recipient type?",
    ],
    "repeated-channel": [
        "opening? recipient? channel channel type?",
        "opening? channel channel recipient type?",
        "opening? channel recipient channel type?",
    ],
    "repeated-recipient": ["opening? channel recipient recipient type?"],
    "empty-recipient": ["opening? lead channel? type?"],
    "spaced-content-type": ["opening? recipient? channel? spaced", "opening? channel recipient spaced"],
    "repeated-constrain": ["opening? recipient? channel? doubled", "opening? channel recipient doubled"],
}


@st.composite
def headers(draw: st.DrawFn, name: str) -> str:
    """A header with one mistake."""
    text = ""
    for part in draw(st.sampled_from(SHAPES[name])).split():
        if not part.endswith("?") or draw(st.booleans()):
            text += draw(st.sampled_from(PARTS[part.removesuffix("?")]))
    return text


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data(), tools=offers)
def test_a_known_mistake_has_its_name(name: str, data: st.DataObject, tools: Any) -> None:
    """It gives the one diagnostic that it is named for, in both forms; the strict parser refuses it.

    Where nothing stands in the header, the channel is missing too.
    """
    header = data.draw(headers(name))
    begun = header.startswith("<|start|>")
    source = f"{header}<|message|>x<|end|>"
    start: codec.Start = "transcript" if begun else "completion"
    with pytest.raises(ParseError):
        parse(source, start)
    also = ["missing-channel"] * (header == "<|start|>")
    also += ["unread-header-text"] * is_answered(header)
    for form in (source, tokens_of(source)):
        found = recover(form, start, tools=tools)
        assert codes(found) == [name, *also]
        assert len(found.messages) == 1
        assert found.messages[0].content == "x"


def is_answered(header: str) -> bool:
    """Whether an answer begins at a second channel, so that the recipient before it is left out."""
    match = re.search(r"<\|channel\|>(\w+)(?: to=\S+?)?<\|channel\|>final", header)
    return match is not None and match[1] != "final" and " to=" in header[: match.end()]


def codes(found: Recovered[Any]) -> list[str]:
    return [diagnostic.code.name for diagnostic in found.diagnostics]
