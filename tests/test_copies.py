"""What is handed from one process to another, or copied, is the same there."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import Namespace, ParseError, StreamParser, Tool, validate
from harmony_spec.adapters import ChatStream
from harmony_spec.constraints import constrain
from harmony_spec.streaming.stream_parser import StreamParser as Parser
from harmony_spec.vocabulary import load

from .dialect import NAMES
from .recovery_strategies import any_text, any_tokens, offers
from .test_chat_streams import outputs, tool_lists
from .test_dialects import codec_of, tokenizer_of

Copy = Callable[[Any], Any]

copies: st.SearchStrategy[Copy] = st.sampled_from(
    [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy]
)


def seen(parser: Parser[Any]) -> tuple[Any, ...]:
    """All that a parser shows."""
    return parser.state, parser.content, parser.last_delta, parser.header, parser.messages, parser.recovered


@given(any_text | any_tokens, copies)
def test_a_report_is_the_same_elsewhere(source: str | list[int], copied: Copy) -> None:
    """Its findings, its messages, and where they stand in text and in tokens."""
    report = validate(source)
    other = copied(report)
    assert other == report
    for one, same in zip(report.diagnostics, other.diagnostics, strict=True):
        assert report.text_span(one) == other.text_span(same)
        assert report.token_span(one) == other.token_span(same)


@given(any_tokens, st.integers(0), offers, st.booleans(), copies)
def test_a_stream_goes_on_elsewhere(
    tokens: list[int], at: int, tools: list[str] | None, strict: bool, copied: Copy
) -> None:
    """A copy, made anywhere in the stream, shows the same, and reads the rest as the parser itself does."""
    parser = StreamParser("transcript", tools=tools, strict=strict)
    at %= len(tokens) + 1
    try:
        for token in tokens[:at]:
            parser.feed(token)
    except ParseError as error:
        with pytest.raises(ParseError) as raised:
            copied(parser).feed([])
        assert raised.value.args == error.args
        return
    other = copied(parser)
    assert type(other) is type(parser)
    assert seen(other) == seen(parser)
    for each in (parser, other):
        try:
            each.feed(tokens[at:])
            each.close()
        except ParseError as error:
            assert strict, error
    assert seen(other) == seen(parser)
    assert seen(copied(other)) == seen(parser)


@given(st.data())
@pytest.mark.parametrize("name", NAMES)
def test_the_parsers_of_dialects_are_copied(name: str, data: st.DataObject) -> None:
    """Also in the middle of an input, which is read by the tables of the dialect."""
    module = codec_of(name)
    if not hasattr(module, "StreamParser"):
        return
    tokenizer = tokenizer_of(module)
    words = (tokenizer or load(module.FORMAT.encoding)).encode("user a to=b")
    ids = [*module.SPECIAL_TOKENS.values(), *words]
    tokens = data.draw(st.lists(st.sampled_from(ids), max_size=12))
    parser = module.StreamParser("transcript", tokenizer=tokenizer)
    parser.feed(tokens)
    other = data.draw(copies)(parser)
    assert seen(other) == seen(parser)
    parser.close()
    other.close()
    assert seen(other) == seen(parser)


@given(outputs, tool_lists, st.integers(0), copies)
def test_a_chat_stream_goes_on_elsewhere(tokens: list[int], tools: Any, at: int, copied: Copy) -> None:
    """A copy, made anywhere in the stream, reads the rest as the stream itself does, and neither changes the other."""
    stream = ChatStream(prompt=[1], tools=tools, choices=2, include_usage=True)
    at %= len(tokens) + 1
    for token in tokens[:at]:
        stream.feed(token)
    other, unused = copied(stream), copied(stream)
    for each in (stream, other):
        rest = [chunk for token in tokens[at:] for chunk in each.feed(token)]
        ends = [*each.close(), *each.close(index=1)]
        shown = rest, ends, each.findings
        if each is stream:
            expected = shown
    assert shown == expected
    assert copied(other).findings == stream.findings
    assert [chunk for token in tokens[at:] for chunk in unused.feed(token)] == rest


@pytest.mark.parametrize("copied", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
def test_a_constraint_writes_the_same_elsewhere(copied: Copy) -> None:
    """Engines build grammars in processes of their own; the codec is a module, which cannot be pickled by itself."""
    parameters = {"type": "object", "properties": {"city": {"type": "string", "minLength": 2}}}
    made = constrain(tools=[Namespace("functions", tools=[Tool("f", parameters=parameters)])])
    other = copied(made)
    assert (other.lark(), other.gbnf(), other.report) == (made.lark(), made.gbnf(), made.report)
    assert other.codec is made.codec
