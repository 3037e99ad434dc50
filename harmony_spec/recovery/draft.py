"""A message that is being read: the text of its header, what was read from it, and the parts of its content."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from ..diagnostics import Alternative
from ..errors import Code, Span
from ..source.forms import REPLACEMENT, Form, SourcePiece


class HeaderText:
    """A header in the mixed alphabet, without the special tokens that the grammar does not use.

    Args:
        form: the input.
        pieces: from the beginning of the message up to the token that opens its content.
    """

    def __init__(self, form: Form, pieces: Iterable[SourcePiece]) -> None:
        self.form, self.markers = form, form.format.markers
        self.strays: list[SourcePiece] = []
        self.pieces: list[SourcePiece] = []
        for piece in pieces:
            (self.pieces if piece[0] is None or piece[0] in self.markers else self.strays).append(piece)
        parts = [text if spelling is None else self.markers[spelling] for spelling, text, _, _ in self.pieces]
        self.offsets = [*accumulate(map(len, parts), initial=0)][:-1]
        self.mixed = "".join(parts)

    @property
    def damaged(self) -> int | None:
        """The offset into the mixed text of the first invalid byte or surrogate; None if there is none."""
        for offset, (spelling, text, start, end) in zip(self.offsets, self.pieces, strict=True):
            if spelling is None and REPLACEMENT in text and self.form.run(start, end, 0)[1]:
                return offset + text.index(REPLACEMENT)
        return None

    def span(self, start: int, end: int) -> Span:
        """Return the span in the input of a part of the mixed text."""
        if not self.pieces:
            return Span(0, 0)
        return Span(self._unit(start, 0), self._unit(max(end - 1, start), 1))

    def _unit(self, at: int, side: int) -> int:
        number = max(bisect_right(self.offsets, at) - 1, 0)
        spelling, text, start, end = self.pieces[number]
        if spelling is not None or at >= self.offsets[number] + len(text):
            return (start, end)[side] if at == self.offsets[number] else end
        return self.form.locate(start, text, at - self.offsets[number])[side]

    def shown(self, start: int, end: int) -> str:
        """Return a part of the mixed text with special tokens spelled out."""
        by_marker = self.form.format.by_marker
        return "".join(by_marker.get(char, char) for char in self.mixed[start:end])


class HeaderFinding(NamedTuple):
    """A mistake in a header, with offsets into the mixed text, and the repaired fields."""

    code: Code
    start: int
    end: int
    taken_for: str
    evidence: str
    fields: tuple[str, ...]


@dataclass(eq=False, repr=False)
class HeaderReading:
    """The fields of a header.

    Attributes:
        values: the fields by name.
        variants: the named alternatives, if a rule describes the header.
        findings: its mistakes.
        text_start: the offset into the mixed text where text in no field begins; None if there is none.
        is_punctuation: that text is in the place of the channel and has no letter, as in a message whose channel is two
            question marks and which ends there (llama.cpp#27720).
        lacks_channel: the channel is missing and must be inferred.
        has_strays: it contains special tokens that no rule uses.
        is_clean: no diagnostic is due for it.
        is_exact: a rule describes it, and all its names are known as they are.
        mixed: the header in the mixed alphabet.
        free_units: the units of its free text, which has no limit.
        sides: the values in the order of the message type, before and after the content.
        cost: what its edits cost, in tenths.
        alternative: the fields and the cost of the next reading, if it costs little more.
    """

    values: dict[str, Any]
    variants: tuple[str, ...] = ()
    findings: list[HeaderFinding] = field(default_factory=list)
    text_start: int | None = None
    is_punctuation: bool = False
    lacks_channel: bool = False
    has_strays: bool = False
    is_clean: bool = False
    is_exact: bool = False
    mixed: str = ""
    free_units: int = 0
    sides: tuple[tuple[Any, ...], tuple[Any, ...]] = ((), ())
    cost: int = 0
    alternative: Alternative | None = None

    @property
    def text(self) -> str:
        """The text in it that may be a content; "" for punctuation only."""
        return "" if self.text_start is None or self.is_punctuation else self.mixed[self.text_start :]


class Draft:
    """A message between its first token and `Output`'s decision on it. Positions are in units of the input.

    Attributes:
        reading: its header, replaced when the rest of the message shows more.
        begin, content, stop, end: where the message, its content and its stop token begin, and where it ends.
        header_end: the end of its header, before the token that opens the content.
        opened: a special token opened the content.
        lacks_start: no special token began the message.
        runs: the parts of the content: start, end, and how much of the first unit is not part of it, in bytes for
            tokens and in code points for text.
        terminator: the spelling of its stop token.
        shown_early: it is text without a header, reported as a message before its end was known.
        abandoned: it is a header without a content.
        text: the content, if it is known to be undamaged.
        repaired: the repaired fields.
        changed: it has a diagnostic.
    """

    stop = end = 0
    terminator: str | None = None
    text: str | None = None
    repaired: tuple[str, ...] = ()
    started = after_stop = abandoned = changed = forged = shown_early = False

    def __init__(
        self,
        form: Form,
        reading: HeaderReading,
        begin: int,
        header_end: int,
        content: int,
        opened: bool,
        lacks_start: bool,
    ) -> None:
        self.form, self.reading, self.opened, self.lacks_start = form, reading, opened, lacks_start
        self.begin, self.header_end, self.content = begin, header_end, content
        self.runs: list[tuple[int, int, int]] = []

    @property
    def headerless(self) -> bool:
        """Whether it has no header at all, so that only the next message shows its channel."""
        return self.reading.lacks_channel and not self.opened

    @cached_property
    def header(self) -> HeaderText:
        return HeaderText(self.form, self.form.pieces(self.begin, self.header_end))

    def add(self, start: int, end: int) -> None:
        """Add to the content; a part directly after the last run extends it."""
        if self.runs and self.runs[-1][1] == start:
            start, _, skip = self.runs.pop()
            self.runs.append((start, end, skip))
        else:
            self.runs.append((start, end, 0))
