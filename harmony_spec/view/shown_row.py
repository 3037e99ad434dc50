"""What is shown of a row: its messages piece by piece, with findings and tokens at their places."""

from __future__ import annotations

from bisect import bisect_right
from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from ..diagnostics import Diagnostic
from ..errors import Code, HarmonyError, VocabularyError
from ..format.tables import Format
from ..parsing.strict_parsing import Parsed
from ..recovery.recovered import Recovered
from ..runtime import Training
from ..source.forms import Form, TokenForm
from ..source.token_places import tokens_of
from ..validation.report import Report
from ..vocabulary import tokenizer_for

HEADER_PIECE, CONTENT_PIECE, STOP_PIECE = PIECES = ("header", "content", "stop")
"""The pieces of a message: before its content, its content, and after it."""

SPAN_PARTS = ("start", *PIECES)
"""The parts of a message in `Training.spans`, where `start` is what an open header has of its header."""

MESSAGE_SECTION, OPEN_HEADER_SECTION, GAP_SECTION, UNREAD_SECTION = (
    "message",
    "open header",
    "between messages",
    "as written",
)
"""The kinds of sections. A gap is input that belongs to no message; the last is a whole row that cannot be read."""


LINE_BREAKS = ("\n", "\r\n")

MAX_EXCERPT_CHARS = 120
"""Characters of the last content that a collapsed row shows."""


@dataclass(frozen=True)
class ShownFinding:
    """A finding at its place.

    Attributes:
        message: the problem in one sentence.
        piece: the index of the piece of its section that it is in.
        start, end: the place there, in code points.
    """

    code: Code
    message: str
    expected: tuple[str, ...]
    piece: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class ShownPiece:
    """A part of the input.

    Attributes:
        name: which part of its section it is. Where training learns only some of a part, several pieces have one name.
        text: the text, special tokens spelled out.
        tokens: each token id, with the length of its text in code points; a token may complete no character.
        is_trained: whether training learns it.
    """

    name: str
    text: str
    tokens: tuple[tuple[int, int], ...] = ()
    is_trained: bool = False


@dataclass(frozen=True)
class Section:
    """A message, the open header of a prompt, a gap, or a row that cannot be read.

    Attributes:
        kind: which of these it is.
        turn: the kind of message in its turn, such as "answer"; "" if it has none.
        fields: the fields of the header that are set, as they were read.
        repaired: the names of those that recovery repaired.
        pieces: the input, in order; only a content if the section is neither a message nor an open header.
        findings: the findings, in order.
    """

    kind: str
    turn: str = ""
    fields: dict[str, str | bool] = field(default_factory=dict)
    repaired: tuple[str, ...] = ()
    pieces: tuple[ShownPiece, ...] = ()
    findings: tuple[ShownFinding, ...] = ()

    @property
    def content(self) -> str:
        """The text of its content."""
        return "".join(piece.text for piece in self.pieces if piece.name == CONTENT_PIECE)


@dataclass(frozen=True)
class ShownRow:
    """A row.

    Attributes:
        place: the file, and the number of the row if it has several.
        id: the value of the row's id column, or None.
        sections: its messages and gaps, in order.
        findings: findings without a place: the error of a row that cannot be read, what a converted row lacks.
        hint: what to do if the row was probably read with the wrong options; "" otherwise.
    """

    place: str
    id: str | int | None = None
    sections: tuple[Section, ...] = ()
    findings: tuple[ShownFinding, ...] = ()
    hint: str = ""

    @property
    def is_unread(self) -> bool:
        """Whether it could not be read."""
        return bool(self.findings) and all(section.kind == UNREAD_SECTION for section in self.sections)

    @property
    def all_findings(self) -> list[ShownFinding]:
        return [*self.findings, *(finding for section in self.sections for finding in section.findings)]

    @property
    def severities(self) -> Counter[str]:
        """How many findings have each severity."""
        return Counter(finding.code.severity for finding in self.all_findings)

    @property
    def messages(self) -> list[Section]:
        return [section for section in self.sections if section.kind == MESSAGE_SECTION]

    @property
    def excerpt(self) -> str:
        """The beginning of the last content."""
        return " ".join(self.messages[-1].content[:MAX_EXCERPT_CHARS].split()) if self.messages else ""


def learned_mask(training: Training, report: Report[Any]) -> list[bool]:
    """Return which units of the input of a report training on its messages learns."""
    form, recovered = report.reading
    found = [False] * len(form.units)
    opened: list[int] = []
    for start, end, message, part in training.spans:
        head, content, tail, after = recovered.bounds[message]
        opened = training.tokens[start:end] if part == SPAN_PARTS[0] else opened if part == HEADER_PIECE else []
        at = head + _count_opened(form, head, content, opened)
        if any(training.mask[start:end]):
            places = (head, at), (at, content), (content, tail), (tail, after)
            first, last = places[SPAN_PARTS.index(part)]
            found[first:last] = [True] * (last - first)
    return found


def _count_opened(form: Form, start: int, end: int, opened: list[int]) -> int:
    """The units of a header that an open header has; 0 if the header does not begin with it."""
    if isinstance(form, TokenForm):
        return len(opened) if form.ids(start, end)[: len(opened)] == opened else 0
    text = TokenForm(form.format, opened, tokenizer_for(form.format.encoding)).spelled(0, len(opened)) if opened else ""
    return len(text) if form.spelled(start, end).startswith(text) else 0


def shown_report(
    report: Report[Any],
    place: str = "",
    id: str | int | None = None,
    *,
    admits: Callable[[Diagnostic], bool] = lambda _: True,
    has_tokens: bool = False,
    learned: Sequence[bool] = (),
    hint: str = "",
    lost: Iterable[Diagnostic] = (),
) -> ShownRow:
    """Return a row with the findings of its report.

    Args:
        report: the result of `validate`.
        place: the file and row.
        id: of the row.
        admits: whether a diagnostic is shown.
        has_tokens: whether pieces have their tokens. A text is encoded for this, if it can be.
        learned: which units of the input training learns; empty for none.
        hint: see `ShownRow`.
        lost: findings without a place: what the input lacks of the row that it was converted from.
    """
    form, recovered = report.reading
    found = [each for each in report.diagnostics if admits(each)]
    sections = _Sections(form, recovered, found, has_tokens, learned).all()
    return ShownRow(place, id, sections, tuple(map(_finding, filter(admits, lost))), hint)


def unreadable_row(error: HarmonyError, text: str, place: str, id: str | int | None = None) -> ShownRow:
    """Return a row that cannot be read: its text, and the error."""
    message = f"at {error.pointer}: {error.message}" if error.pointer else error.message
    if error.hint:
        message += f"{'' if message.endswith(('.', '?')) else '.'} {error.hint.removesuffix('.')}"
    sections = (Section(UNREAD_SECTION, pieces=(ShownPiece(CONTENT_PIECE, text),)),) if text else ()
    return ShownRow(place, id, sections, (ShownFinding(error.code, message, error.expected),))


def shown_messages(format: Format | None, parsed: Parsed[Any]) -> ShownRow:
    """Return the messages of a parser's result, which does not hold the input: fields, contents, diagnostics.

    The format is that of the messages; None if there are none.
    """
    found: dict[int, list[ShownFinding]] = {}
    for each in parsed.diagnostics if isinstance(parsed, Recovered) else ():
        found.setdefault(min(each.index or 0, len(parsed.messages) - 1), []).append(_finding(each))
    sections: list[Section] = []
    for index, message in enumerate(parsed.messages):
        assert format is not None
        piece = ShownPiece(CONTENT_PIECE, str(getattr(message, format.content)))
        sections.append(_message_section(format, message, (piece,), tuple(found.pop(index, ()))))
    if parsed.opening is not None:
        sections.append(Section(OPEN_HEADER_SECTION, fields=_set(parsed.opening)))
    return ShownRow("", sections=tuple(sections), findings=tuple(f for each in found.values() for f in each))


def _message_section(
    format: Format, message: Any, pieces: tuple[ShownPiece, ...], findings: tuple[ShownFinding, ...]
) -> Section:
    fields = _set({name: getattr(message, name) for name in format.header_fields})
    repaired = message.repair.fields if message.repair else ()
    return Section(MESSAGE_SECTION, format.kind_of(message), fields, repaired, pieces, findings)


def _set(fields: dict[str, Any]) -> dict[str, str | bool]:
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def _finding(each: Diagnostic, piece: int = 0, start: int = 0, end: int = 0) -> ShownFinding:
    inside = f"at {each.pointer}" if each.pointer else ""
    message = ": ".join(filter(None, (inside, each.reading, each.evidence)))
    return ShownFinding(each.code, message, each.expected, piece, start, end)


Spans = list[tuple[str, tuple[int, int]]]
"""The names of the pieces of a section, and where they are in the input."""


class _Sections:
    """Divides an input into sections, by positions in its own unit."""

    def __init__(
        self,
        form: Form,
        recovered: Recovered[Any],
        found: list[Diagnostic],
        has_tokens: bool,
        learned: Sequence[bool],
    ) -> None:
        self.form, self.recovered, self.found, self.has_tokens = form, recovered, found, has_tokens
        self.learned = learned

    def all(self) -> tuple[Section, ...]:
        """Sections, in order. A finding is in the section where it begins.

        The line break at the end of a text file is left out if it is valid there.
        """
        whole: list[tuple[int | None, Spans]] = [
            (index, list(zip(PIECES, pairwise(bounds), strict=True)))
            for index, bounds in enumerate(self.recovered.bounds)
        ]
        whole += [(None, [(CONTENT_PIECE, (gap.start, gap.end))]) for gap in self.recovered.gaps]
        whole.sort(key=lambda item: item[1][0][1])
        begins = [spans[0][1][0] for _, spans in whole]
        held: list[list[Diagnostic]] = [[] for _ in whole]
        for each in self.found:
            if held and each.span is not None:
                held[max(bisect_right(begins, each.span.start) - 1, 0)].append(each)
        sections = [self.section(index, spans, found) for (index, spans), found in zip(whole, held, strict=True)]
        has_end = bool(sections) and sections[-1].kind == GAP_SECTION and sections[-1].content in LINE_BREAKS
        if has_end and not sections[-1].findings and not isinstance(self.form, TokenForm):
            del sections[-1]
        return tuple(sections)

    def section(self, index: int | None, spans: Spans, found: list[Diagnostic]) -> Section:
        spans = [
            (name, cut)
            for name, span in spans
            if span[0] < span[1] or name == CONTENT_PIECE
            for cut in self.cuts(*span)
        ]
        sizes = [self.sizes(*span) if self.has_tokens or found else [] for _, span in spans]
        pieces = tuple(
            ShownPiece(
                name, self.form.spelled(*span), tuple(tokens) if self.has_tokens else (), self.is_learned(span[0])
            )
            for (name, span), tokens in zip(spans, sizes, strict=True)
        )
        offsets = [list(accumulate((n for _, n in tokens), initial=0)) for tokens in sizes]
        findings = tuple(self.located(each, spans, offsets) for each in found)
        if index is None:
            return Section(GAP_SECTION, pieces=pieces, findings=findings)
        if index >= len(self.recovered.messages):
            return Section(OPEN_HEADER_SECTION, "", _set(self.recovered.opening or {}), (), pieces, findings)
        return _message_section(self.form.format, self.recovered.messages[index], pieces, findings)

    def is_learned(self, at: int) -> bool:
        return any(self.learned[at : at + 1])

    def cuts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Split a span so that each piece is trained on as a whole or not at all."""
        inside = range(start + 1, min(end, len(self.learned)))
        return pairwise([start, *(at for at in inside if self.learned[at - 1] != self.learned[at]), end])

    def sizes(self, start: int, end: int) -> list[tuple[int, int]]:
        """The token ids of a piece, with the lengths of their texts; none for a text that cannot be encoded."""
        form = self.form
        if isinstance(form, TokenForm):
            return list(zip(form.ids(start, end), _lengths(form, start, end), strict=True))
        if not self.has_tokens or form.broken is not None:
            return []
        try:
            tokenizer = tokenizer_for(form.format.encoding)
        except VocabularyError:  # the vocabulary of this format is not shipped
            return []
        tokens = tokens_of(form.format, form.units[start:end], tokenizer.encode)
        return list(zip(tokens, _lengths(TokenForm(form.format, tokens, tokenizer), 0, len(tokens)), strict=True))

    def located(self, each: Diagnostic, spans: Spans, offsets: list[list[int]]) -> ShownFinding:
        """A finding in the piece where it begins. What reaches into the next piece is left out."""
        assert each.span is not None
        piece = next((at for at, (_, (_, end)) in enumerate(spans) if each.span.start < end), len(spans) - 1)
        _, (start, end) = spans[piece]
        first, last = (min(max(at, start), end) - start for at in each.span)
        if isinstance(self.form, TokenForm):
            first, last = offsets[piece][first], offsets[piece][last]
        return _finding(each, piece, first, last)


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
