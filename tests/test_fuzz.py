"""The seeds of the fuzzer, some of which are what it found: the laws of recovery and streaming hold for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.checks import check
from fuzz.inputs import case_of
from fuzz.make_seeds import seeds
from fuzz.recover import SEEDS, words
from harmony_spec import codec
from harmony_spec.source.forms import TokenForm
from harmony_spec.vocabulary import load

VOCABULARY = load(codec.FORMAT.encoding)


def test_the_seeds_are_those_that_are_written() -> None:
    assert {path.name: path.read_bytes() for path in SEEDS.iterdir()} == seeds()


@pytest.mark.parametrize("path", sorted(SEEDS.iterdir()), ids=lambda path: path.stem)
def test_laws_hold_for_seeds(path: Path) -> None:
    check(case_of(path.read_bytes()))


@given(st.binary(max_size=60))
def test_any_bytes_are_an_input(data: bytes) -> None:
    case_of(data)


@given(st.lists(st.integers(0, 2000) | st.integers(0, codec.FORMAT.encoding.base_size - 1), max_size=12))
def test_characters_are_found_behind_damaged_ones(tokens: list[int]) -> None:
    """The place of a character splits the bytes of a run where the text is split."""
    form = TokenForm(codec.FORMAT, tokens, VOCABULARY)
    text, _ = form.run(0, len(tokens), 0)
    for offset in range(len(text) if tokens else 0):
        at, skip = form.place(0, text, offset)
        rest = VOCABULARY.decode_bytes(tokens[at:])[skip:]
        assert rest.decode(errors="replace") == text[offset:]


def test_the_dictionary_holds_the_special_tokens() -> None:
    lines = words().splitlines()
    assert lines[0] == '"{}"'.format("".join(rf"\x{byte:02X}" for byte in next(iter(codec.FORMAT.markers)).encode()))
    assert len(lines) >= len(codec.FORMAT.markers)
