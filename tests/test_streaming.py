"""The streaming parser: law 5, what can be read at any time, and strict mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony_spec import (
    SPECIAL_TOKENS,
    ContentDelta,
    Diagnostic,
    Message,
    MessageEnded,
    MessageStarted,
    ParseError,
    StreamParser,
    codec,
    parse,
    recover,
)
from harmony_spec.recovery.recovered import Event
from harmony_spec.source.forms import HEADER_LIMITS

from .recovery_strategies import (
    VOCABULARY,
    any_tokens,
    completions,
    offers,
    openings,
    plausible,
    tokens_of,
    written,
)

assert codec.FORMAT.recovery
FIRST_WORDS = codec.FORMAT.recovery.first_words
STARTS: list[codec.Start] = ["transcript", "prompt", "completion"]
starts = st.sampled_from(STARTS)
sizes = st.lists(st.integers(0, 7) | st.integers(8, 40), min_size=1, max_size=6).filter(any)
valid = plausible.map(written) | plausible.map(lambda found: written(found, "prompt"))
valid |= completions().map(lambda found: written(found, "completion"))


def chunks(tokens: list[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Parts of the tokens, of the lengths in turn; some are empty."""
    at = number = 0
    while at < len(tokens):
        length = lengths[number % len(lengths)]
        yield tokens[at : at + length]
        at, number = at + length, number + 1


def read(parser: StreamParser, parts: Iterable[int | list[int]]) -> list[Event]:
    """All events of an input, adjacent deltas joined."""
    events: list[Event] = []
    for part in parts:
        events += parser.feed(part)
    events += parser.close()
    joined: list[Event] = []
    for event in events:
        if isinstance(event, ContentDelta) and joined and isinstance(joined[-1], ContentDelta):
            joined[-1] = ContentDelta(joined[-1].text + event.text)
        else:
            joined.append(event)
    return joined


def deltas(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


def seen(parser: StreamParser) -> tuple[Any, ...]:
    """All that a parser has read; `messages` and what is said of them, which does not take part in comparisons."""
    found = parser.recovered
    repairs = [(message.variants, message.repair) for message in found.messages]
    return found, repairs, parser.messages


def text_of(message: Message) -> str:
    return message.text


# Law 5.


PROSE = [
    "I will search for it now, please.",
    " to = functions.search",
    "Okay.",
    "\u597d\u7684\uff0c\u6211\u6765" * 3,
    "assistant",
]
prose = st.lists(st.sampled_from([*PROSE, *SPECIAL_TOKENS][: len(PROSE) + 9]), max_size=8).map("".join).map(tokens_of)
"""Sentences where headers belong, beside special tokens."""

long_headers = st.builds(
    lambda begin, word, count, after: tokens_of(begin) + tokens_of(word) * count + after,
    st.sampled_from(["<|start|>assistant to=", "<|start|>user", "<|channel|>", ""]),
    st.sampled_from(["\u65e5", " y"]),
    st.integers(HEADER_LIMITS["token"] - 8, HEADER_LIMITS["token"] + 4),
    prose,
)
"""Headers that end about where they are too long."""


@given(any_tokens | valid | prose | long_headers, starts, openings, offers, sizes)
@example(
    tokens_of("<|start|>assistant to=") + tokens_of("\u65e5") * 253 + tokens_of("<|message|>"),
    "transcript",
    {},
    None,
    [1],
)
@example(tokens_of("<|start|>Well, I will do it.<|constrain|>json<|message|>x"), "completion", {}, None, [1])
@example([*tokens_of("<|channel|>final<|message|>"), 160, SPECIAL_TOKENS["<|end|>"]], "completion", {}, None, [1])
def test_chunks_change_nothing(
    tokens: list[int],
    start: codec.Start,
    opening: dict[str, Any],
    tools: list[str] | None,
    lengths: list[int],
) -> None:
    """Law 5: by itself, in any chunks and at once, each token has the same effect; `recover` reads the same, too."""
    whole = recover(tokens, start, tools=tools, **opening)
    repairs = [(message.variants, message.repair) for message in whole.messages]
    told = []
    for parts in (tokens, [tokens], chunks(tokens, lengths)):
        parser = StreamParser(start, tools=tools, **opening)
        told.append(read(parser, parts))
        assert seen(parser) == (whole, repairs, whole.messages)
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("size", [1, 2, 9])
def test_known_headers_in_completions(size: int) -> None:
    """A header that another input had is read no differently where a prompt already began the message."""
    tokens = tokens_of("<|start|>user<|message|>Hello<|end|>")
    read(StreamParser("transcript"), [tokens * 2])
    parser = StreamParser("completion")
    told = read(parser, chunks(tokens, [size]))
    assert [event.code.name for event in told if isinstance(event, Diagnostic)] == ["repeated-start"]
    assert parser.recovered == recover(tokens, "completion")


@given(any_tokens | valid | prose, starts, offers, sizes)
@example(tokens_of("<|start|>Well, I will do it.<|constrain|>json<|message|>x"), "completion", None, [1])
def test_events_tell_all(tokens: list[int], start: codec.Start, tools: list[str] | None, lengths: list[int]) -> None:
    """Messages begin and end in turn, deltas join to their contents, and diagnostics come as they are settled."""
    parser = StreamParser(start, tools=tools)
    events = read(parser, chunks(tokens, lengths))
    ended = [event for event in events if isinstance(event, MessageEnded)]
    assert [event.message for event in ended] == parser.messages
    assert [event.span for event in ended] == parser.recovered.spans[: len(ended)]
    assert [event for event in events if isinstance(event, Diagnostic)] == parser.recovered.diagnostics
    opened: MessageStarted | None = None
    content = ""
    for event in events:
        if isinstance(event, MessageStarted):
            assert opened is None
            assert event.message.content == content == ""
            opened = event
        elif isinstance(event, ContentDelta):
            assert opened is not None
            assert event.text
            content += event.text
        elif isinstance(event, MessageEnded):
            assert opened is not None
            assert (opened.number, content) == (event.number, text_of(event.message))
            assert (opened.message.role, opened.message.recipient) == (event.message.role, event.message.recipient)
            opened, content = None, ""
    assert opened is None
    assert [event.number for event in ended] == list(range(len(ended)))


@given(any_tokens | valid, starts, offers, sizes)
def test_the_open_message_can_be_read_at_any_time(
    tokens: list[int], start: codec.Start, tools: list[str] | None, lengths: list[int]
) -> None:
    """After each call `content` equals the joined deltas, `last_delta` the last ones, and every field has a value."""
    parser = StreamParser(start, tools=tools)
    content = ""
    for part in chunks(tokens, lengths):
        events = parser.feed(part[0] if len(part) == 1 else part)
        for event in events:
            if isinstance(event, MessageStarted):
                content = ""
            elif isinstance(event, ContentDelta):
                content += event.text
        assert parser.content == content
        assert parser.last_delta == deltas(events)
        assert parser.state in {"between", "header", "content"}
        assert (parser.header != "") <= (parser.state == "header")
        assert parser.role in {None, "system", "developer", "user", "assistant", "tool"}
        for value in (parser.name, parser.recipient, parser.channel, parser.content_type):
            assert value is None or value
        assert parser.constrain in {True, False}
        assert parser.recovered.messages == parser.messages
    parser.close()
    assert parser.state == "between"
    assert parser.header == ""


@given(any_tokens | valid, any_tokens | valid, starts, offers, st.booleans())
def test_a_reset_parser_is_new(
    first: list[int], second: list[int], start: codec.Start, tools: list[str] | None, closed: bool
) -> None:
    """Nothing of what was fed before a reset is left."""
    used, new = StreamParser(start, tools=tools), StreamParser(start, tools=tools)
    used.feed(first)
    if closed:
        used.close()
    used.reset()
    assert (used.content, used.state, used.header, used.last_delta) == (new.content, new.state, new.header, "")
    assert used.recovered == new.recovered
    assert read(used, second) == read(new, second)
    assert seen(used) == seen(new)


@given(any_tokens, starts, sizes)
def test_what_is_fed_is_not_kept(tokens: list[int], start: codec.Start, lengths: list[int]) -> None:
    """A list that is fed is neither changed nor referred to; tuples and ranges are read, too."""
    parser, other = StreamParser(start), StreamParser(start)
    for part in chunks(tokens, lengths):
        given = list(part)
        parser.feed(given)
        assert given == part
        given.clear()
        other.feed(tuple(part))
    parser.close()
    other.close()
    assert seen(parser) == seen(other)


# Strict mode.


def refusal(parser: StreamParser, parts: Iterable[int | list[int]]) -> tuple[int, dict[str, Any]]:
    """The number of the part at which a strict parser raises, or of the last one, and what it says."""
    number = 0
    try:
        for part in parts:
            number += 1
            parser.feed(part)
        parser.close()
    except ParseError as error:
        return number, vars(error)
    raise AssertionError("all is taken")


@given(any_tokens | valid, starts, openings, sizes)
def test_strict_mode_is_the_strict_parser(
    tokens: list[int], start: codec.Start, opening: dict[str, Any], lengths: list[int]
) -> None:
    """It raises where `parse` raises, what that says of the tokens up to there, and gives the same otherwise."""
    try:
        strict = parse(tokens, start, **opening)
    except ParseError:
        taken, error = refusal(StreamParser(start, strict=True, **opening), tokens)
        with pytest.raises(ParseError) as said:
            parse(tokens[:taken], start, **opening)
        assert error == vars(said.value)
        for parts in ([tokens], chunks(tokens, lengths)):
            assert refusal(StreamParser(start, strict=True, **opening), parts)[1] == error
    else:
        for parts in (tokens, [tokens], chunks(tokens, lengths)):
            parser = StreamParser(start, strict=True, **opening)
            events = read(parser, parts)
            assert parser.messages == strict.messages
            assert [message.variants for message in parser.messages] == [m.variants for m in strict.messages]
            assert (parser.recovered.bounds, parser.recovered.opening) == (strict.bounds, strict.opening)
            assert not [event for event in events if isinstance(event, Diagnostic)]


def test_what_was_refused_once_is_refused_alike() -> None:
    """A header that was read before takes a shorter way, but not one that is wrong."""
    before = tokens_of("<|start|>user<|message|>Hi")
    wrong = tokens_of("<|end|><|start|>assistant<|channel|>final<|channel|>final<|message|>more")
    said = []
    for parts in ([wrong], wrong, [wrong]):
        parser = StreamParser("transcript", strict=True)
        parser.feed(before)
        said.append(refusal(parser, parts)[1])
    assert said[0] == said[1] == said[2]


@given(any_tokens, starts, sizes)
def test_strict_mode_raises_in_time(tokens: list[int], start: codec.Start, lengths: list[int]) -> None:
    """No token is taken that no input of the grammar has there, except inside a header that is still open.

    What is taken is read as recovery reads it where that finds nothing to say.
    """
    parser = StreamParser(start, strict=True)
    for at, token in enumerate(tokens, 1):
        try:
            parser.feed(token)
        except ParseError as error:
            assert error.span is not None
            assert error.span.start < at or (error.span.start == at and error.expected)
            break
    else:
        done = parser.messages
        assert parser.recovered.diagnostics == []
        recovered = recover(tokens, start)
        assert recovered.diagnostics or recovered.messages[: len(done)] == done


def test_a_character_is_not_completed_behind_a_stray_token() -> None:
    """Half of it ends a header that is too long, a token that means nothing follows, and then its other half."""
    half, other, unknown = [156, 99], [123], 999_999
    filler = [367] * (HEADER_LIMITS["token"] - len(half) - 1)
    parser: StreamParser[Any] = StreamParser("transcript")
    events = [event for token in [*filler, *half, unknown, *other, 200007] for event in parser.feed(token)]
    events += parser.close()
    (message,) = parser.messages
    assert "".join(event.text for event in events if isinstance(event, ContentDelta)) == message.content


@given(any_tokens, starts)
def test_an_error_stays(tokens: list[int], start: codec.Start) -> None:
    """Once strict mode has raised, every call raises the same error, until a reset."""
    parser = StreamParser(start, strict=True)
    with pytest.raises(ParseError) as first:
        read(parser, [[*tokens, *tokens_of("<|end|><|end|>")]])
    for more in (200007, [], 13225, [1, 2], None):
        with pytest.raises(ParseError) as later:
            parser.close() if more is None else parser.feed(more)
        assert later.value is first.value
    assert parser.recovered.diagnostics == []
    parser.reset()
    assert parser.feed([]) == []


@pytest.mark.parametrize("start", STARTS)
def test_nothing_follows_the_end(start: codec.Start) -> None:
    """Behind `close`, feeding and closing are errors of the caller, until a reset."""
    parser = StreamParser(start)
    parser.feed(tokens_of("<|start|>user<|message|>Hi."))
    parser.close()
    for more in (200007, [], 13225, [1, 2], None):
        with pytest.raises(ValueError, match="reset"):
            parser.close() if more is None else parser.feed(more)
    parser.reset()
    parser.feed(13225)


# Characters of several tokens.


def content_parser() -> StreamParser:
    parser = StreamParser()
    parser.feed(tokens_of("<|channel|>final<|message|>"))
    return parser


@given(st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1, max_size=6))
def test_a_character_waits_for_its_last_byte(text: str) -> None:
    """Deltas hold complete characters only, never U+FFFD for what is still to come."""
    single = {VOCABULARY.decode_bytes([token]): token for token in range(256)}
    parser = content_parser()
    shown = ""
    for number, byte in enumerate(text.encode()):
        shown += deltas(parser.feed(single[bytes([byte])]))
        assert shown == parser.content == text.encode()[: number + 1].decode(errors="ignore")
    assert shown == text
    parser.close()
    assert parser.messages[0].content == text
    assert parser.recovered.diagnostics == []


@given(
    st.sampled_from([[160], [172], [172, 235], [235], [160, 235]]),
    st.sampled_from(["<|end|>", "<|call|>", "<|return|>", "<|start|>", "<|channel|>", "<|endoftext|>"]),
)
def test_damage_stays_in_its_message(part: list[int], special: str) -> None:
    """What is not complete at a special token becomes U+FFFD there, is reported, and the next message is whole."""
    parser = content_parser()
    events = [*parser.feed(tokens_of("a")), *parser.feed(part), *parser.feed(SPECIAL_TOKENS[special])]
    rest = (
        ""
        if special == "<|endoftext|>"
        else {"<|start|>": "assistant<|channel|>", "<|channel|>": ""}.get(special, "<|start|>assistant<|channel|>")
    )
    expected = "a" + VOCABULARY.decode_bytes(part).decode(errors="replace")
    assert deltas(events) == expected
    if special == "<|endoftext|>":
        assert parser.content == expected
        return
    parser.feed(tokens_of(f"{rest}final<|message|>é"))
    parser.close()
    assert [message.content for message in parser.messages] == [expected, "é"]
    assert [found.index for found in parser.recovered.diagnostics if found.code.name == "invalid-text"] == [0]


@pytest.mark.parametrize("tokens", ["x", [1.5], [None], None, ["a"]])
def test_what_is_no_token_id_is_a_type_error(tokens: Any) -> None:
    with pytest.raises(TypeError):
        content_parser().feed(tokens)


WORDS = ["I", "can", "not.", "caf\u00e9", "why?", "x" * 30, "\u6211\u4e0d", "\ufffd", "(a)", "2+2"]


@given(
    st.lists(st.sampled_from(WORDS), min_size=5, max_size=20).map(" ".join),
    st.sampled_from(["", "<|end|>", "<|return|>", "<|start|>user<|message|>x<|end|>", "<|channel|>final<|message|>x"]),
    sizes,
)
@example("\u4f60\u597d\uff0c\u6211\u662f\u4e00\u4e2a\u4eba\u5de5\u667a\u80fd\u52a9\u624b\u3002", "", [1])
@example("x" * 200, "", [1])
def test_an_answer_without_header_is_shown_as_it_comes(text: str, behind: str, lengths: list[int]) -> None:
    """Soon after its first words, then token by token; and whatever follows, it is the message that was begun."""
    tokens, parser = VOCABULARY.encode(text), StreamParser()
    shown = [parser.feed(token) for token in tokens]
    begun = next(number for number, events in enumerate(shown) if events)
    assert VOCABULARY.decode_bytes(tokens[:begun]).count(b" ") <= FIRST_WORDS
    assert isinstance(shown[begun][0], MessageStarted)
    assert all(type(event) is ContentDelta for events in shown[begun + 1 :] for event in events)
    assert parser.content == text
    assert deltas(event for events in shown for event in events) == text
    more = tokens_of(behind)
    for chunk in chunks(more, lengths):
        parser.feed(chunk)
    parser.close()
    assert parser.messages[0].content == text
    assert parser.messages[0].recipient is None
    assert parser.recovered == recover([*tokens, *more], "completion")


@pytest.mark.parametrize("name", ["\u597d" * 30, "x" * 200, "functions." + "\u597d" * 12])
@pytest.mark.parametrize("content", ["", "Hi."])
def test_a_long_name_of_an_author_is_not_an_answer(name: str, content: str) -> None:
    """Law 7: after the token that begins a message, one word is a name, however long."""
    tokens = tokens_of(f"<|start|>{name}<|message|>{content}<|end|>")
    messages = parse(tokens).messages
    assert recover(tokens).messages == messages
    for parts in (tokens, [tokens]):
        parser = StreamParser("transcript")
        read(parser, parts)
        assert parser.messages == messages
