"""Inputs on disk: valid ones with the messages they hold, invalid ones with the error they must give.

`data/valid/NAME.START.txt` is an input of a start rule, to the last byte, and `NAME.START.json` the messages that it
holds. `data/invalid/NAME.toml` holds a text or token ids, why they are wrong, and the error; `json` is a text in JSON,
for what TOML cannot hold.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harmony_spec import SPECIAL_TOKENS, ParseError, codec, parse, render, to_json
from harmony_spec.vocabulary import load

DATA = Path(__file__).parent / "data"
VALID = sorted((DATA / "valid").glob("*.txt"))
INVALID = sorted((DATA / "invalid").glob("*.toml"))

valid = pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
invalid = pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)


def tokens_of(text: str) -> list[int]:
    """Special tokens by their spelling, the text between them as ordinary tokens."""
    encode = load(codec.FORMAT.encoding).encode
    tokens: list[int] = []
    at = 0
    for match in codec.FORMAT.special_matcher.finditer(text):
        tokens += [*encode(text[at : match.start()]), SPECIAL_TOKENS[match[0]]]
        at = match.end()
    return tokens + encode(text[at:])


def read(path: Path) -> tuple[str, Any, dict[str, Any]]:
    """The text of a valid input, its start rule, and what it says."""
    text = path.read_bytes().decode()
    return text, path.stem.rpartition(".")[2], json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_corpus_is_there() -> None:
    """No test passes for want of cases, and every input has an expectation and a start rule that exists."""
    assert len(VALID) >= 20
    assert len(INVALID) >= 30
    assert sorted(path.with_suffix(".txt") for path in (DATA / "valid").glob("*.json")) == VALID
    assert {path.stem.rpartition(".")[2] for path in VALID} == set(codec.FORMAT.starts)


HOW_IT_WAS_WRITTEN = ("variants", "tokens")
"""Fields of the JSON form that only `as_parsed` needs; the next test shows that it writes the same tokens."""


@valid
def test_a_valid_input_says_what_is_expected(path: Path) -> None:
    """Text and tokens give the expected messages and open header, and their spans tile the input."""
    text, start, expected = read(path)
    for source in (text, tokens_of(text)):
        parsed = parse(source, start)
        found = to_json(parsed.messages)
        found["messages"] = [
            {key: value for key, value in message.items() if key not in HOW_IT_WAS_WRITTEN}
            for message in found["messages"]
        ]
        found.pop("opening_tokens", None)
        if parsed.opening is not None:
            found["opening"] = {name: value for name, value in parsed.opening.items() if value is not None}
        assert found == expected
        assert [*(span.start for span in parsed.spans), len(source)] == [0, *(span.end for span in parsed.spans)]


@valid
def test_a_valid_input_is_written_back(path: Path) -> None:
    """Rendered as it was parsed, the tokens are the same."""
    text, start, _ = read(path)
    tokens = tokens_of(text)
    parsed = parse(tokens, start)
    opening: dict[str, Any] = parsed.opening or {}
    assert render(parsed.messages, start, style="as_parsed", **opening) == tokens


@invalid
def test_an_invalid_input_gives_its_error(path: Path) -> None:
    """The code, the place, the message and what could have stood there; in one line, for logs."""
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    source = case["text"] if "text" in case else json.loads(case["json"]) if "json" in case else case["tokens"]
    with pytest.raises(ParseError) as caught:
        parse(source, case["start"])
    error = caught.value
    assert error.span is not None
    found = (error.code.code, error.code.name, error.span.start, error.index)
    assert found == (case["code"], case["name"], case["at"], case["index"])
    assert set(case["expected"]) <= set(error.expected)
    assert bool(case["expected"]) == bool(error.expected)  # the reason for wrong-start names a start rule
    assert case["code"] in str(error)
    assert len(str(error).splitlines()) == 1
