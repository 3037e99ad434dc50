"""Rows of JSON are read as Python's `json` reads them, by a faster reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony_spec.errors import RowError
from harmony_spec.linting import check_values, options_of
from harmony_spec.linting.rows import text_of, value_of

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
texts = st.builds(json.dumps, values, ensure_ascii=st.booleans(), indent=st.none() | st.just(1))
pieces = st.sampled_from('{}[],:"\\ \n\t\ufeff\x00\u2028eE+-.0123456789truefalsn') | st.sampled_from(
    ["\\u", "\\ud83d", "\\ude00", "NaN", "Infinity", "1e400", "0" * 40, '"a":1,"a":2', "1" * 5_000]
)


@st.composite
def altered(draw: st.DrawFn) -> str:
    """A text in which some piece was written over another."""
    text = draw(texts)
    start, length = draw(st.integers(0, len(text))), draw(st.integers(0, 3))
    return text[:start] + draw(pieces) + text[start + length :]


def read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@given(texts | altered() | st.lists(pieces).map("".join))
@example('{"a": 1, "a": NaN}')
@example("1.7976931348623159e308")
@example('["\\ud83d", "\\ud83d\\ude00", "\\ude00"]')
@example("[" * 5_000 + "]" * 5_000)
def test_values_are_those_of_json(text: str) -> None:
    """Types and order too, which `repr` shows; what is not JSON is an error."""
    try:
        found = value_of(text)
    except RowError:
        assert read(text) is None, text
    else:
        assert repr(found) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["NaN", '"\\ud800"', "1e400", "[Infinity]"])
def test_what_the_faster_reader_refuses_is_read(text: str) -> None:
    assert repr(value_of(text)) == repr(json.loads(text))


def test_half_of_a_surrogate_pair_in_a_list_is_a_finding_of_its_row() -> None:
    rows = ["<|end|>", ["\ud800"], {"text": ["\ud800"]}, "<|end|>"]
    found = [each.findings[0].code.name for each in check_values(rows, options_of())]
    assert found == ["repeated-terminator", "unreadable-row", "unreadable-row", "repeated-terminator"]


@given(altered().map(lambda text: text.encode(errors="surrogatepass")) | st.binary(), st.booleans())
@example(b"\xef\xbb\xbf[1]", True)
@example(b'["\xff"]', False)
@example(b'{"a": 1}\xc2\xa0\r\n', True)
def test_bytes_are_read_as_their_text(data: bytes, is_line: bool) -> None:
    def outcome(read: Callable[[], Any]) -> str:
        try:
            return repr(read())
        except RowError as error:
            return f"{error.message} {error.span}"

    def of_text() -> Any:
        text = text_of(data)
        return value_of(text.rstrip() if is_line else text)

    assert outcome(lambda: value_of(data, is_line)) == outcome(of_text)
