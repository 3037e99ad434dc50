"""A message that is being read, before it is known to be complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..source.lenient import Lenient
from .header_reading import HeaderReading
from .header_text import HeaderText


class Draft:
    """A message that is being read.

    Attributes:
        reading: what its header says; may be changed.
        begin, content, stop, end: where the message, its content and what follows that begin, and where it ends.
        header_end: where its header ends: before the token that opens the content.
        opened: a special token opened the content.
        lacks_start: no special token began the message.
        runs: of the content: start, end, and how much of the first unit is not part of it.
        terminator: the spelling of its stop token.
        shown_early: it is text without a header, which began before all of it was known.
        abandoned: it is nothing but a header that was given up.
        values, variants: what the header says, and what follows shows.
        sides: the values in the order of the fields, those before the content and those behind it.
        text: the content, where it is known to be undamaged.
        repaired: the fields that were repaired.
        changed: there is something to say of it.
    """

    stop = end = 0
    terminator: str | None = None
    text: str | None = None
    repaired: tuple[str, ...] = ()
    started = after_stop = abandoned = changed = forged = shown_early = False
    _header: HeaderText | None = None

    def __init__(
        self,
        form: Lenient,
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
        self.values: Mapping[str, Any] = reading.values
        self.variants, self.sides = reading.variants, reading.sides

    @property
    def headerless(self) -> bool:
        """Whether nothing but what follows shows what its header would have said."""
        return self.reading.lacks_channel and not self.opened

    @property
    def header(self) -> HeaderText:
        """The header as it stands."""
        if self._header is None:
            self._header = HeaderText(self.form, list(self.form.header_pieces(self.begin, self.header_end)))
        return self._header

    def add(self, start: int, end: int) -> None:
        """More of the content; what touches the run before belongs to it."""
        if self.runs and self.runs[-1][1] == start:
            start, _, skip = self.runs.pop()
            self.runs.append((start, end, skip))
        else:
            self.runs.append((start, end, 0))
