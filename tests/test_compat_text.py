"""The drop-in encodes and decodes what `openai_harmony` does, alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony_spec import codec, compat

from .both import MODULES, encoding, kind, outcome
from .conftest import examples
from .strategies import SPECIAL, plain

texts = st.lists(plain | st.sampled_from([*SPECIAL[:12], "<|", "<|refusal|>", "<|endofprompt|>"]), max_size=5).map(
    "".join
)
sets = st.sampled_from(["all", set(), frozenset()]) | st.sets(st.sampled_from([*SPECIAL[:12], "<|refusal|>", "e"]))


@examples(600)
@given(texts, sets, sets)
def test_texts_are_encoded_alike(text: str, allowed: Any, disallowed: Any) -> None:
    """Or refused, for the same spelling."""
    theirs, ours = (
        outcome(
            lambda module=module: encoding(module).encode(text, allowed_special=allowed, disallowed_special=disallowed)
        )
        for module in MODULES
    )
    refused = [isinstance(found, tuple) for found in (theirs, ours)]
    assert refused in ([False, False], [True, True])
    assert ours == theirs or (refused[0] and ours[1].split("\n")[0] == theirs[1].split("\n")[0])


@given(st.text(st.characters(exclude_categories=[]), max_size=10))
@example("a\ud83d\ude00b\ud800")
def test_halves_of_characters_are_replaced_alike(text: str) -> None:
    theirs, ours = (encoding(module).encode(text, disallowed_special=()) for module in MODULES)
    assert ours == theirs


@examples(400)
@given(st.lists(st.integers(0, 201_200) | st.sampled_from([160, 200, 9552, 999_999]), max_size=8), st.data())
def test_tokens_are_decoded_alike(tokens: list[int], data: st.DataObject) -> None:
    """Special tokens, bytes that are no UTF-8, ids that do not exist; the words of a failure begin alike."""
    errors = data.draw(st.sampled_from(["replace", "strict", "ignore"]))
    for call in (
        lambda module: encoding(module).decode_utf8(tokens),
        lambda module: encoding(module).decode(tokens, errors),
    ):
        theirs, ours = (outcome(lambda module=module, call=call: call(module)) for module in MODULES)
        if isinstance(theirs, tuple) and "Could not decode tokens" in theirs[1]:
            assert isinstance(ours, tuple)
            theirs, ours = ((found[0], found[1].split(": ")[:2]) for found in (theirs, ours))
        assert ours == theirs


def test_each_token_is_decoded_alike() -> None:
    """Also the one that the peer reserves past the vocabulary, and those that do not exist."""
    theirs, ours = (
        [outcome(lambda module=module, token=token: encoding(module).decode([token])) for token in range(201_201)]
        for module in MODULES
    )
    assert ours == theirs


def test_long_white_space_is_encoded() -> None:
    """The peer panics, which no `except Exception` catches."""
    blank = " " * 1_300_000
    enc = encoding(compat)
    assert enc.decode(enc.encode(blank)) == blank
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - it is no `Exception`
        encoding(MODULES[0]).encode(blank)
    assert not isinstance(caught.value, Exception)
    assert kind(caught.value) == "PanicException"
    assert enc.encode("<|end|>", allowed_special="all") == [codec.SPECIAL_TOKENS["<|end|>"]]
