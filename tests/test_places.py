"""Places of tokens in the text of an input, and of text in its tokens: both are the same places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import codec, parse, render, validate
from harmony_spec.errors import Span
from harmony_spec.source.forms import TextForm, TokenForm
from harmony_spec.source.token_places import Places
from harmony_spec.vocabulary import load

VOCABULARY = load(codec.FORMAT.encoding)
TEXTS = st.lists(st.sampled_from(["<|start|>", "<|end|>", "user", "é", "名前", "🏳️‍🌈", "\n", "a b"])).map("".join)


@given(TEXTS, st.data())
def test_places_of_tokens_are_those_of_their_text(text: str, data: st.DataObject) -> None:
    """A span of tokens, taken to the text and back, holds these tokens; the text there is what they spell."""
    by_text = Places(TextForm(codec.FORMAT, text), lambda: VOCABULARY)
    whole = by_text.tokens(Span(0, len(text)))
    form = TokenForm(codec.FORMAT, encoded(text), VOCABULARY)
    assert whole == (0, len(form.tokens))
    start = data.draw(st.integers(0, len(form.tokens)))
    end = data.draw(st.integers(start, len(form.tokens)))
    there = Places(form, lambda: VOCABULARY).text(Span(start, end))
    spelled = form.spelled(start, end)
    if "\ufffd" not in spelled:
        assert text[there.start : there.end] == spelled
        if there.end > there.start:
            assert by_text.tokens(there) == (start, end)


@given(st.lists(st.sampled_from([*range(94, 256), *codec.SPECIAL_TOKENS.values(), 999_999]), max_size=9))
def test_bytes_that_are_not_utf8_have_places(tokens: list[int]) -> None:
    """A place is a position in the text that the tokens spell, where bytes without a character are U+FFFD."""
    places = Places(TokenForm(codec.FORMAT, tokens, VOCABULARY), lambda: VOCABULARY)
    for end in range(len(tokens) + 1):
        spelled = TokenForm(codec.FORMAT, tokens[:end], VOCABULARY).spelled(0, end)
        assert places.text(Span(0, end)).end == len(spelled)


def encoded(text: str) -> list[int]:
    """The tokens of a text with special tokens spelled out."""
    found = codec.FORMAT.special_matcher.findall(text)
    pieces = codec.FORMAT.special_matcher.split(text)
    tokens = VOCABULARY.encode(pieces[0])
    for special, piece in zip(found, pieces[1:], strict=True):
        tokens += [codec.SPECIAL_TOKENS[special], *VOCABULARY.encode(piece)]
    return tokens


def test_a_diagnostic_has_both_places() -> None:
    """The same mistake in a text and in its tokens."""
    text = "<|start|>user<|message|>Grüße.<|end|><|end|>"
    tokens = [*render(parse(text.removesuffix("<|end|>")).messages), codec.SPECIAL_TOKENS["<|end|>"]]
    by_text, by_tokens = validate(text), validate(tokens)
    (one,), (other,) = by_text.diagnostics, by_tokens.diagnostics
    assert one.code is other.code
    assert by_text.text_span(one) == by_tokens.text_span(other) == (len(text) - 7, len(text))
    assert by_text.token_span(one) == by_tokens.token_span(other) == (len(tokens) - 1, len(tokens))


def test_tokens_that_do_not_exist_have_places() -> None:
    report = validate([200006, 1428, 200008, 12194, 999999, 200007])
    assert [report.text_span(found) for found in report.diagnostics] == [Span(26, 34)]
