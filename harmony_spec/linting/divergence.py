"""Where and why two inputs part, by message: the same text in other tokens, other headers, contents, messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import takewhile, zip_longest
from types import ModuleType
from typing import Any, NamedTuple

from ..diagnostics import abridge
from ..errors import Span
from ..format.message_kinds import meets
from ..format.tables import Format, continues, ends_open
from ..parsing.strict_parsing import form_of
from ..source.saved_text import Source, without_line_break
from ..source.token_places import Places
from ..vocabulary import tokenizer_for

MAX_LOOKAHEAD = 32
"""How many messages further an equal one is looked for; the time for each message that has none grows by its square."""

KINDS = {
    "tokenization": "the same text in other tokens",
    "header": "other fields",
    "header-spelling": "the same fields, spelled differently",
    "content": "another content",
    "stop-token": "another end",
    "dropped": "a message that is dropped",
    "absent-message": "a message that the other input lacks",
    "open-header": "another open header",
    "outside": "other text outside of messages",
}
"""The kinds of differences, with their meaning."""


class InputPlace(NamedTuple):
    """A place in one of the inputs.

    Attributes:
        message: the index of the message; None outside of messages.
        unit: the unit of `span`: "token" or "character".
        span: the place.
        text: the text there, special tokens spelled out; the middle of a long text is left out.
    """

    message: int | None
    unit: str
    span: Span
    text: str


class Difference(NamedTuple):
    """A difference of two inputs.

    Attributes:
        kind: one of `KINDS`.
        part: of the message: "header", "content" or "stop"; "" for whole messages.
        a, b: the places in the inputs; None in the one that lacks it.
        detail: the fields, or what drops the message.
    """

    kind: str
    part: str
    a: InputPlace | None
    b: InputPlace | None
    detail: str = ""


class ComparedInput:
    """One of the inputs, as recovery reads it."""

    def __init__(self, codec: ModuleType, source: Source, start: str) -> None:
        self.format: Format = codec.FORMAT
        self.form = form_of(self.format, source, None)
        opens = next((name for name in self.format.starts if ends_open(self.format, name)), start)
        found = codec.recover(source, start if continues(self.format, start) else opens)
        self.messages: list[Any] = found.messages
        self.bounds: list[tuple[int, int, int, int]] = found.bounds
        end = without_line_break(source) if isinstance(source, str) else None
        self.gaps = [gap for gap in found.gaps if not isinstance(end, str) or gap.start < len(end)]
        self.keys = [self.key(message) for message in self.messages]

    def key(self, message: Any) -> tuple[object, ...]:
        """All fields of a message, its content as text."""
        content = getattr(message, self.format.content)
        text = content if isinstance(content, str) else content.text()
        return (*(getattr(message, name) for name in self.format.header_fields), text)

    def parts(self, index: int) -> dict[str, Span]:
        begin, content, stop, end = self.bounds[index]
        return {"header": Span(begin, content), "content": Span(content, stop), "stop": Span(stop, end)}

    @property
    def openings(self) -> list[Span]:
        """The open header at the end, if there is one."""
        return [Span(begin, end) for begin, _, _, end in self.bounds[len(self.messages) :]]

    def place(self, index: int | None, span: Span) -> InputPlace:
        return InputPlace(index, self.form.unit, span, abridge(self.form.spelled(*span)))

    def place_of_text(self, index: int, span: Span, offset: int) -> InputPlace:
        """The place from an offset into the text of a part to the end of the part."""
        if self.form.unit == "token":
            at = self._places.text(Span(span.start, span.start)).start + offset
            return self.place(index, Span(min(self._places.token_at(at), span.end), span.end))
        return self.place(index, Span(span.start + offset, span.end))

    @cached_property
    def _places(self) -> Places:
        return Places(self.form, lambda: tokenizer_for(self.format.encoding))

    def is_dropped(self, index: int) -> str:
        """The name of the function that drops such messages; "" if none does."""
        drops = self.format.drops.items()
        return next((name for name, drop in drops if meets(self.messages[index], drop.dropped)), "")


def differences(codec: ModuleType, first: Source, second: Source, start: str) -> Iterator[Difference]:
    """Yield the differences of two inputs, message by message, then those outside of messages."""
    if type(first) is type(second) and first == second:
        return
    sides = ComparedInput(codec, first, start), ComparedInput(codec, second, start)
    for pair in _pairs(*sides):
        numbers = [number for number in pair if number is not None]
        if len(numbers) == 2:
            yield from _between(sides, (numbers[0], numbers[1]))
            continue
        at = 0 if pair[1] is None else 1
        side, (number,) = sides[at], numbers
        begin, _, _, end = side.bounds[number]
        dropped = side.is_dropped(number)
        place = side.place(number, Span(begin, end))
        places: tuple[InputPlace | None, InputPlace | None] = (place, None) if at == 0 else (None, place)
        yield Difference("dropped" if dropped else "absent-message", "", *places, f"by {dropped}" if dropped else "")
    yield from _outside(sides, "open-header", *(side.openings for side in sides))
    yield from _outside(sides, "outside", *(side.gaps for side in sides))


def _pairs(first: ComparedInput, second: ComparedInput) -> Iterator[tuple[int | None, int | None]]:
    """Yield which messages correspond; None where the other input lacks one."""
    a, b, ends = 0, 0, (len(first.keys), len(second.keys))
    while a < ends[0] and b < ends[1]:
        if first.keys[a] == second.keys[b]:
            yield a, b
            a, b = a + 1, b + 1
            continue
        dropped = bool(first.is_dropped(a)), bool(second.is_dropped(b))
        steps = _steps_to_equal(first.keys[a : a + MAX_LOOKAHEAD], second.keys[b : b + MAX_LOOKAHEAD])
        if steps is None:
            steps = (int(dropped[0] or not dropped[1]), int(dropped[1] or not dropped[0]))
        yield from _in_order(first, second, range(a, a + steps[0]), range(b, b + steps[1]))
        a, b = a + steps[0], b + steps[1]
    yield from _in_order(first, second, range(a, ends[0]), range(b, ends[1]))


def _in_order(
    first: ComparedInput, second: ComparedInput, a: range, b: range
) -> Iterator[tuple[int | None, int | None]]:
    """Pair messages in order. Of more messages in one input, some have no pair: those that are dropped, then others."""
    side, longer = (first, a) if len(a) > len(b) else (second, b)
    unpaired = {*sorted(longer, key=lambda number: not side.is_dropped(number))[: abs(len(a) - len(b))]}
    shorter = iter(b if longer is a else a)
    for number in longer:
        other = None if number in unpaired else next(shorter)
        yield (number, other) if longer is a else (other, number)


def _steps_to_equal(first: Sequence[Any], second: Sequence[Any]) -> tuple[int, int] | None:
    """How many messages to skip in each input up to the nearest equal ones; None if they are far away."""
    for both in range(1, MAX_LOOKAHEAD):
        for skipped in range(both, -1, -1):
            if skipped < len(first) and both - skipped < len(second) and first[skipped] == second[both - skipped]:
                return skipped, both - skipped
    return None


def _between(sides: tuple[ComparedInput, ComparedInput], numbers: tuple[int, int]) -> Iterator[Difference]:
    """Yield the differences of two messages that correspond."""
    parts = [side.parts(number) for side, number in zip(sides, numbers, strict=True)]
    for part in parts[0]:
        spans = [found[part] for found in parts]
        pieces = [side.form.slice(*span) for side, span in zip(sides, spans, strict=True)]
        texts = [side.form.spelled(*span) for side, span in zip(sides, spans, strict=True)]
        fields = _fields(sides, numbers) if part == "header" else ""
        if texts[0] == texts[1]:
            if type(pieces[0]) is not type(pieces[1]) or pieces[0] == pieces[1]:
                continue
            kind, at = "tokenization", _common(*pieces)
            spans = [Span(span.start + at, span.end) for span in spans]
        else:
            kind = {"header": "header-spelling", "content": "content", "stop": "stop-token"}[part]
        found = zip(sides, numbers, spans, strict=True)
        if kind == "content":
            places = [side.place_of_text(number, span, _common(*texts)) for side, number, span in found]
        else:
            places = [side.place(number, span) for side, number, span in found]
        yield Difference("header" if fields else kind, part, places[0], places[1], fields)


def _common(first: Sequence[Any], second: Sequence[Any]) -> int:
    """The length of the common beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _fields(sides: tuple[ComparedInput, ComparedInput], numbers: tuple[int, int]) -> str:
    """The fields of a header that differ, with their values."""
    messages = [side.messages[number] for side, number in zip(sides, numbers, strict=True)]
    names = sides[0].format.header_fields
    pairs = ((name, *(getattr(message, name) for message in messages)) for name in names)
    return ", ".join(f"{name}: {a!r} | {b!r}" for name, a, b in pairs if a != b)


def _outside(
    sides: tuple[ComparedInput, ComparedInput], kind: str, first: list[Span], second: list[Span]
) -> Iterator[Difference]:
    for spans in zip_longest(first, second):
        pairs = list(zip(sides, spans, strict=True))
        pieces = [side.form.slice(*span) if span else None for side, span in pairs]
        texts = [side.form.spelled(*span) if span else None for side, span in pairs]
        places = [side.place(None, span) if span else None for side, span in pairs]
        if texts[0] != texts[1]:
            yield Difference(kind, "", places[0], places[1])
        elif type(pieces[0]) is type(pieces[1]) and pieces[0] != pieces[1]:
            yield Difference("tokenization", "", places[0], places[1], KINDS[kind].removeprefix("another "))
