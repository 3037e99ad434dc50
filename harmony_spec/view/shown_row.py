"""What is shown of a row: its messages piece by piece, with findings and tokens at their places."""

from __future__ import annotations

from bisect import bisect_right
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from ..diagnostics import Diagnostic
from ..errors import Code, HarmonyError
from ..format.tables import Format
from ..parsing.strict_parsing import Parsed
from ..recovery.recovered import Recovered
from ..runtime import Training
from ..source.forms import Form, TokenForm
from ..source.token_places import tokens_of
from ..validation.report import Report
from ..vocabulary import load

HEADER, CONTENT, STOP = PIECES = ("header", "content", "stop")
"""The pieces of a message: before its content, its content, and after it."""

MESSAGE, OPEN_HEADER, GAP = "message", "open header", "between messages"
"""The kinds of sections. A gap is input that belongs to no message."""


@dataclass(frozen=True)
class ShownFinding:
    """A finding at its place.

    Attributes:
        message: the problem in one sentence.
        piece: the piece of its section that it is in.
        start, end: the place there, in code points.
    """

    code: Code
    message: str
    expected: tuple[str, ...]
    piece: str = CONTENT
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Piece:
    """A part of the input.

    Attributes:
        text: the text, special tokens spelled out.
        tokens: each token id, with the length of its text in code points; a token may complete no character.
        is_trained: whether training learns it.
    """

    text: str
    tokens: tuple[tuple[int, int], ...] = ()
    is_trained: bool = False


@dataclass(frozen=True)
class Section:
    """A message, the open header of a prompt, or a gap.

    Attributes:
        kind: which of these it is.
        turn: the kind of message in its turn, such as "answer"; "" if it has none.
        fields: the fields of the header that are set, as they were read.
        repaired: the names of those that recovery repaired.
        pieces: the input by the names of the pieces; of a gap only a content.
        findings: the findings, in order.
    """

    kind: str
    turn: str = ""
    fields: dict[str, str | bool] = field(default_factory=dict)
    repaired: tuple[str, ...] = ()
    pieces: dict[str, Piece] = field(default_factory=dict)
    findings: tuple[ShownFinding, ...] = ()


@dataclass(frozen=True)
class ShownRow:
    """A row.

    Attributes:
        place: the file, and the number of the row if it has several.
        id: the value of the row's id column, or None.
        sections: its messages and gaps, in order; empty if it cannot be read.
        findings: findings without a place: the error of a row that cannot be read.
    """

    place: str
    id: str | int | None = None
    sections: tuple[Section, ...] = ()
    findings: tuple[ShownFinding, ...] = ()

    @property
    def all_findings(self) -> list[ShownFinding]:
        return [*self.findings, *(finding for section in self.sections for finding in section.findings)]


def learned_pieces(training: Training, count: int) -> list[frozenset[str]]:
    """Return for each of `count` messages the names of the pieces with tokens that are trained on."""
    found: list[set[str]] = [set() for _ in range(count)]
    for start, end, message, part in training.spans:
        if any(training.mask[start:end]):
            found[message].add(part if part in PIECES else HEADER)  # what an open header has is a part of the header
    return [frozenset(names) for names in found]


def shown_report(
    report: Report[Any],
    place: str = "",
    id: str | int | None = None,
    *,
    admits: Callable[[Diagnostic], bool] = lambda _: True,
    has_tokens: bool = False,
    learned: Sequence[frozenset[str]] = (),
) -> ShownRow:
    """Return a row with the findings of its report.

    Args:
        report: the result of `validate`.
        place: the file and row.
        id: of the row.
        admits: whether a diagnostic is shown.
        has_tokens: whether pieces have their tokens. A text is encoded for this, if it can be.
        learned: for each message the names of the pieces that training learns.
    """
    form, recovered = report.reading
    found = [each for each in report.diagnostics if admits(each)]
    return ShownRow(place, id, _Sections(form, recovered, found, has_tokens, learned).all())


def unreadable_row(error: HarmonyError, place: str, id: str | int | None = None) -> ShownRow:
    """Return a row that has only the error why it cannot be read."""
    message = ". ".join(filter(None, (error.message, error.hint)))
    return ShownRow(place, id, findings=(ShownFinding(error.code, message, error.expected),))


def shown_messages(format: Format | None, parsed: Parsed[Any]) -> ShownRow:
    """Return the messages of a parser's result, which does not hold the input: fields, contents, diagnostics.

    The format is that of the messages; None if there are none.
    """
    found: dict[int, list[ShownFinding]] = {}
    for each in parsed.diagnostics if isinstance(parsed, Recovered) else ():
        found.setdefault(min(each.index or 0, len(parsed.messages) - 1), []).append(_finding(each))
    sections = [
        Section(
            MESSAGE,
            format.kind_of(message),
            header_fields(format, message),
            _repaired(message),
            {CONTENT: Piece(str(getattr(message, format.content)))},
            tuple(found.pop(index, ())),
        )
        for index, message in enumerate(parsed.messages)
        if format is not None
    ]
    if parsed.opening is not None:
        sections.append(Section(OPEN_HEADER, fields=_set(parsed.opening)))
    return ShownRow("", sections=tuple(sections), findings=tuple(f for each in found.values() for f in each))


def header_fields(format: Format, message: object) -> dict[str, str | bool]:
    """The fields of a message that are set, without its content."""
    return _set({name: getattr(message, name) for name in format.fields if name != format.content})


def _set(fields: dict[str, Any]) -> dict[str, str | bool]:
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def _repaired(message: object) -> tuple[str, ...]:
    repair = getattr(message, "repair", None)
    return () if repair is None else tuple(repair.fields)


def _finding(each: Diagnostic, piece: str = CONTENT, start: int = 0, end: int = 0) -> ShownFinding:
    inside = f"at {each.pointer}" if each.pointer else ""
    message = ": ".join(filter(None, (inside, each.reading, each.evidence)))
    return ShownFinding(each.code, message, each.expected, piece, start, end)


Spans = dict[str, tuple[int, int]]
"""Where the pieces of a section are in the input."""


class _Sections:
    """Divides an input into sections, by positions in its own unit."""

    def __init__(
        self,
        form: Form,
        recovered: Recovered[Any],
        found: list[Diagnostic],
        has_tokens: bool,
        learned: Sequence[frozenset[str]],
    ) -> None:
        self.form, self.recovered, self.found, self.has_tokens = form, recovered, found, has_tokens
        self.learned = learned

    def all(self) -> tuple[Section, ...]:
        """Sections, in order. A finding is in the section where it begins."""
        whole: list[tuple[int | None, Spans]] = [
            (index, dict(zip(PIECES, pairwise(bounds), strict=True)))
            for index, bounds in enumerate(self.recovered.bounds)
        ]
        whole += [(None, {CONTENT: (gap.start, gap.end)}) for gap in self.recovered.gaps]
        whole.sort(key=lambda item: min(item[1].values()))
        begins = [min(spans.values())[0] for _, spans in whole]
        held: list[list[Diagnostic]] = [[] for _ in whole]
        for each in self.found:
            if held and each.span is not None:
                held[max(bisect_right(begins, each.span.start) - 1, 0)].append(each)
        return tuple(self.section(index, spans, found) for (index, spans), found in zip(whole, held, strict=True))

    def section(self, index: int | None, spans: Spans, found: list[Diagnostic]) -> Section:
        learned = self.learned[index] if index is not None and index < len(self.learned) else frozenset[str]()
        spans = {name: span for name, span in spans.items() if span[0] < span[1] or name == CONTENT}
        sizes = {name: self.sizes(*span) for name, span in spans.items()} if self.has_tokens or found else {}
        pieces = {
            name: Piece(self.form.spelled(*span), tuple(sizes[name]) if self.has_tokens else (), name in learned)
            for name, span in spans.items()
        }
        offsets = {name: list(accumulate((n for _, n in tokens), initial=0)) for name, tokens in sizes.items()}
        findings = tuple(self.located(each, spans, offsets) for each in found)
        if index is None:
            return Section(GAP, pieces=pieces, findings=findings)
        if index >= len(self.recovered.messages):
            return Section(OPEN_HEADER, "", _set(self.recovered.opening or {}), (), pieces, findings)
        message, format = self.recovered.messages[index], self.form.format
        return Section(
            MESSAGE, format.kind_of(message), header_fields(format, message), _repaired(message), pieces, findings
        )

    def sizes(self, start: int, end: int) -> list[tuple[int, int]]:
        """The token ids of a piece, with the lengths of their texts; none for a text that cannot be encoded."""
        form = self.form
        if isinstance(form, TokenForm):
            return list(zip(form.tokens[start:end], _lengths(form, start, end), strict=True))
        if not self.has_tokens or form.broken is not None:
            return []
        tokenizer = load(form.format.encoding)
        tokens = tokens_of(form.format, form.units[start:end], tokenizer.encode)
        return list(zip(tokens, _lengths(TokenForm(form.format, tokens, tokenizer), 0, len(tokens)), strict=True))

    def located(self, each: Diagnostic, spans: Spans, offsets: dict[str, list[int]]) -> ShownFinding:
        """A finding in the piece where it begins. What reaches into the next piece is left out."""
        assert each.span is not None
        name = next((name for name, (_, end) in spans.items() if each.span.start < end), list(spans)[-1])
        start, end = spans[name]
        first, last = (min(max(at, start), end) - start for at in each.span)
        if isinstance(self.form, TokenForm):
            first, last = offsets[name][first], offsets[name][last]
        return _finding(each, name, first, last)


def _lengths(form: TokenForm, start: int, end: int) -> Iterator[int]:
    """The code points that each token completes, or begins if it is the last of its run."""
    decoder = getincrementaldecoder("utf-8")("replace")
    for at in range(start, end):
        token = form.tokens[at]
        if not form.is_ordinary(token):
            yield len(form.spelling(at))
            continue
        is_last = at + 1 == end or not form.is_ordinary(form.tokens[at + 1])
        yield len(decoder.decode(form.decode_bytes([token]), is_last))
