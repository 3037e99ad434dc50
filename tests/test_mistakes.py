"""Error productions: what one says of a header is what repair finds slot by slot; no mistake is read two ways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import Recovered, codec, parse, recover
from harmony_spec.errors import ParseError
from harmony_spec.format.tables import Mistake, Recovery
from harmony_spec.recovery.header_repair import HeaderRepair
from harmony_spec.recovery.header_text import HeaderText
from harmony_spec.recovery.known_names import KnownNames
from harmony_spec.source.forms import TextForm

from .recovery_strategies import CHANNELS, TOOLS, TYPES, offers, tokens_of

assert codec.FORMAT.recovery is not None
RECOVERY: Recovery = codec.FORMAT.recovery

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
# The alternatives of each production, with the parts named above. What stands directly behind the start token, behind
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
    """A header that a production describes."""
    text = ""
    for part in draw(st.sampled_from(SHAPES[name])).split():
        if not part.endswith("?") or draw(st.booleans()):
            text += draw(st.sampled_from(PARTS[part.removesuffix("?")]))
    return text


def by_production(mistake: Mistake, header: HeaderText, given: dict[str, Any]) -> dict[str, Any]:
    """What a production says of a header; where it says no author, a model means itself."""
    values = {**codec.FORMAT.defaults, **given}
    assert mistake.read(header.mixed, values) is not None
    return values if values["role"] else {**values, **RECOVERY.author}


def test_every_production_is_tested() -> None:
    assert [mistake.code.name for mistake in RECOVERY.mistakes] == list(SHAPES)


@pytest.mark.parametrize("mistake", RECOVERY.mistakes, ids=lambda mistake: mistake.code.name)
@given(data=st.data(), tools=offers)
def test_a_known_mistake_is_read_as_its_slots_show(mistake: Mistake, data: st.DataObject, tools: Any) -> None:
    """An `invalid_` production and the slots give the same fields."""
    text = data.draw(headers(mistake.code.name))
    form = TextForm(codec.FORMAT, text)
    header = HeaderText(form, list(form.pieces(0, len(text))))
    given_values = {} if text.startswith("<|start|>") else dict(RECOVERY.author)
    names = KnownNames(RECOVERY, tools)
    slots = HeaderRepair(
        codec.FORMAT, RECOVERY, header, names, given_values, described=False, opened=True, lacks_start=False
    )
    assert slots.read().values == by_production(mistake, header, given_values)


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
    for form in (source, tokens_of(source)):
        found = recover(form, start, tools=tools)
        assert codes(found) == ([name, "missing-channel"] if header == "<|start|>" else [name])
        assert len(found.messages) == 1
        assert found.messages[0].content == "x"


def codes(found: Recovered[Any]) -> list[str]:
    return [diagnostic.code.name for diagnostic in found.diagnostics]
