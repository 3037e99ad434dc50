"""Plain texts as token ids and back, compared with the peer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import SPECIAL_TOKENS, Message, VocabularyError, count_tokens, decode, encode, render, render_text

from . import peer

texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["<|end|>", "<|start|>", "<|", "é"])
).map("".join)


@given(texts)
def test_the_same_ids_as_the_peer(text: str) -> None:
    ids = encode(text, allowed_special="all")
    assert ids == peer.tokens_of(text)
    assert decode(ids) == text
    if "<|end|>" not in text and "<|start|>" not in text:
        assert encode(text) == ids


def test_spelled_special_tokens_are_refused_unless_allowed() -> None:
    assert encode("a<|end|>", allowed_special={"<|end|>"}) == [*encode("a"), SPECIAL_TOKENS["<|end|>"]]
    for allowed in ((), {"<|start|>"}):
        with pytest.raises(VocabularyError) as caught:
            encode("a<|end|>", allowed_special=allowed)
        assert caught.value.span is not None
        assert (caught.value.span.start, caught.value.span.end) == (1, 8)
        assert "'<|end|>'" in caught.value.message
    wrong: Any
    for wrong in (None, "<|end|>"):
        with pytest.raises(TypeError, match="pass a set"):
            encode("a", allowed_special=wrong)
    other: Any = None
    for call in (lambda: encode(other), lambda: encode(b"a"), lambda: decode(wrong)):
        with pytest.raises(TypeError, match="expected "):
            call()


def test_any_id_is_decoded() -> None:
    assert decode([-1, 201_088, SPECIAL_TOKENS["<|end|>"]]) == "<-1><201088><|end|>"
    assert decode([*encode("a"), 160]).endswith("\ufffd")


def test_tokens_are_counted_as_they_are_rendered() -> None:
    messages = [Message("user", "Hi.")]
    assert count_tokens(messages) == len(render(messages)) == len(encode(render_text(messages), allowed_special="all"))
    assert count_tokens(messages, "prompt", role="assistant") == len(render(messages, "prompt", role="assistant"))
