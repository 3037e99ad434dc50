"""What must hold for any input, whatever a model wrote: the laws of the recovering and the streaming parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from harmony_spec import ContentDelta, Diagnostic, Message, MessageEnded, MessageStarted, ParseError, codec
from harmony_spec.errors import Span
from harmony_spec.runtime import Parsed, Recovered
from harmony_spec.source.forms import HEADER_LIMITS, REPLACEMENT

from .inputs import Case, vocabulary

FIELDS = codec.FORMAT.header_fields


class Disagreement(AssertionError):
    """A law does not hold; the first argument names it."""


def require(holds: bool, law: str, *shown: object) -> None:
    if not holds:
        raise Disagreement(law, *shown)


def check(case: Case) -> None:
    """All laws, for one input. Whatever it raises is a bug."""
    recovered = codec.recover(case.source, case.start, **case.given, tools=case.tools, stripped=case.stripped)
    tiles(recovered, len(case.source))
    written_again(recovered)
    as_read(case, recovered)
    validated(case, recovered)
    if any(found.code.name == "stripped-tokens" for found in recovered.diagnostics):
        return
    if isinstance(case.source, str):
        same_as_tokens(case, case.source, recovered)
    else:
        streamed(case, case.source, recovered)
        strict(case, case.source)
    silent(case, recovered)


def tiles(recovered: Recovered[Message], length: int) -> None:
    """Nothing lost: spans and gaps stand side by side, from the first unit to the last."""
    at = 0
    for span in sorted([*recovered.spans, *recovered.gaps]):
        require(span.start == at <= span.end, "spans and gaps tile the input", recovered.spans, recovered.gaps)
        at = span.end
    require(at == length, "spans and gaps tile the input", recovered.spans, recovered.gaps, length)
    for bounds in recovered.bounds:
        require(list(bounds) == sorted(bounds), "bounds are in order", bounds)
    for found in recovered.diagnostics:
        require(0 <= found.span.start <= found.span.end <= length, "diagnostics point into the input", found)


def written_again(recovered: Recovered[Message]) -> None:
    """What was recovered is valid once it is written as the grammar describes it, and says the same."""
    tokens = codec.render(recovered.messages)
    again = codec.parse(tokens).messages
    require(again == recovered.messages, "recovered messages are read back", recovered.messages, again)


def as_read(case: Case, recovered: Recovered[Message]) -> None:
    """A repaired message is written back as it stood; one that continued an open header comes after that."""
    for message, (begin, _, _, end) in zip(recovered.messages, recovered.bounds, strict=False):
        if message.repair is None or not message.repair.original_fields:
            continue
        stood = case.source[begin:end]
        written: str | list[int]
        if isinstance(stood, str):
            stood = re.sub("[\ud800-\udfff]", REPLACEMENT, stood)
            written = codec.render_text([message], style="as_parsed")
        else:
            written = codec.render([message], style="as_parsed")
        if begin == 0 and case.start == "completion":
            written = written[len(written) - len(stood) :]
        require(written == stood, "repaired messages are written back", stood, written)


def same_as_tokens(case: Case, text: str, recovered: Recovered[Message]) -> None:
    """A text and its tokens say the same, unless it is so long that the limits of headers differ."""
    if len(text) >= min(HEADER_LIMITS.values()) or re.search("[\ud800-\udfff]", text):
        return
    tokens: list[int] = []
    for part in re.split(f"({codec.FORMAT.special_text})", text):
        special = codec.SPECIAL_TOKENS.get(part)
        tokens += vocabulary().encode(part) if special is None else [special]
    other = codec.recover(tokens, case.start, **case.given, tools=case.tools)
    require(other.messages == recovered.messages, "tokens say the same", recovered.messages, other.messages)
    require(other.opening == recovered.opening, "tokens open the same", recovered.opening, other.opening)
    said, told = ([(one.code.name, one.index) for one in each.diagnostics] for each in (recovered, other))
    require(said == told, "tokens give the same diagnostics", said, told)


def streamed(case: Case, tokens: list[int], recovered: Recovered[Message]) -> None:
    """A stream in any chunks gives what the whole input gives, and its deltas are the contents."""
    stream = codec.StreamParser(case.start, **case.given, tools=case.tools)
    told = Told()
    for chunk in chunked(tokens, case.chunks):
        told.take(stream.feed(chunk[0] if len(chunk) == 1 else chunk), stream)
    told.take(stream.close(), stream)
    result = stream.recovered
    for name in ("bounds", "gaps", "diagnostics", "opening"):
        whole, piecewise = getattr(recovered, name), getattr(result, name)
        require(whole == piecewise, f"a stream gives the same {name}", whole, piecewise)
    whole, piecewise = ([_all(message) for message in each.messages] for each in (recovered, result))
    require(whole == piecewise, "a stream gives the same messages", whole, piecewise)
    require(told.diagnostics == result.diagnostics, "a stream tells its diagnostics", told.diagnostics)
    ended = [(number, _all(message)) for number, message in told.ended]
    require(ended == list(enumerate(piecewise)), "a stream tells its messages", ended, piecewise)
    for (number, message), content in zip(told.ended, told.contents, strict=True):
        require(message.content == content, "deltas join to the content", number, message.content, content)


class Told:
    """What the events of a stream say."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.ended: list[tuple[int, Message]] = []
        self.contents: list[str] = []
        self.open: int | None = None
        self.content = ""

    def take(self, events: Sequence[Any], stream: codec.StreamParser) -> None:
        """One call's events; behind each call the stream has the content so far."""
        for event in events:
            if isinstance(event, MessageStarted):
                require(self.open is None, "a message ends before the next begins", event)
                self.open, self.content = event.number, ""
            elif isinstance(event, ContentDelta):
                require(self.open is not None, "deltas stand inside of messages", event)
                self.content += event.text
            elif isinstance(event, MessageEnded):
                require(self.open == event.number, "the message that ends is the one that began", event)
                self.ended.append((event.number, event.message))
                self.contents.append(self.content)
                self.open = None
            else:
                self.diagnostics.append(event)
        require(stream.content == self.content, "the stream has the content so far", stream.content, self.content)
        require(stream.state in ("between", "header", "content"), "the state is one of three", stream.state)
        _ = stream.header, stream.role, stream.channel, stream.last_delta


def strict(case: Case, tokens: list[int]) -> None:
    """A strict stream raises one exception type, exactly where the strict parser does, and else gives the same."""
    expected: Parsed[Message] | None = None
    with suppress(ParseError):
        expected = codec.parse(tokens, case.start, **case.given)
    stream = codec.StreamParser(case.start, **case.given, tools=case.tools, strict=True)
    try:
        for chunk in chunked(tokens, case.chunks):
            stream.feed(chunk)
        stream.close()
    except ParseError as error:
        require(expected is None, "a strict stream takes what the parser takes", error)
        return
    require(expected is not None, "a strict stream refuses what the parser refuses")
    assert expected is not None
    require(stream.messages == expected.messages, "a strict stream gives the same messages", expected.messages)
    require(stream.recovered.bounds == expected.bounds, "a strict stream gives the same bounds", expected.bounds)


def validated(case: Case, recovered: Recovered[Message]) -> None:
    """Validation says what recovery says, and more."""
    if case.stripped:
        return
    report = codec.validate(case.source, case.start, **case.given, tools=case.tools)
    said = [(found.code, found.span) for found in report.diagnostics]
    missing = [found for found in recovered.diagnostics if (found.code, found.span) not in said]
    require(not missing, "validation says what recovery says", missing)


def silent(case: Case, recovered: Recovered[Message]) -> None:
    """Where nothing is said, the strict parser reads the same."""
    if recovered.diagnostics:
        return
    expected = codec.parse(case.source, case.start, **case.given)
    require(expected.messages == recovered.messages, "silent recovery is parsing: messages", expected.messages)
    require(expected.bounds == recovered.bounds, "silent recovery is parsing: bounds", expected.bounds)
    require(expected.opening == recovered.opening, "silent recovery is parsing: open header", expected.opening)
    require(recovered.gaps == list[Span](), "silent recovery leaves no gaps", recovered.gaps)


def chunked(tokens: list[int], sizes: tuple[int, ...]) -> list[list[int]]:
    """The tokens in pieces of these sizes, again and again."""
    pieces, at, number = [], 0, 0
    while at < len(tokens):
        size = sizes[number % len(sizes)]
        pieces.append(tokens[at : at + size])
        at, number = at + size, number + 1
    return pieces


def _all(message: Message) -> tuple[object, ...]:
    """A message with what is not compared."""
    fields = [getattr(message, name) for name in FIELDS]
    return (*fields, message.content, message.variants, message.repair)
