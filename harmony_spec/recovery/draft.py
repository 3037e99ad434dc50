"""A message that is being read."""

from __future__ import annotations

from functools import cached_property

from ..source.forms import Form
from .header_automaton import Sets
from .header_reading import HeaderReading
from .header_text import HeaderText


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
        guessed: its special tokens are missing, so that its original is not kept.
        repaired: the repaired fields.
        changed: it has a diagnostic.
    """

    stop = end = 0
    terminator: str | None = None
    text: str | None = None
    repaired: tuple[str, ...] = ()
    started = after_stop = abandoned = changed = forged = shown_early = guessed = False

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

    @classmethod
    def unopened(cls, form: Form, reading: HeaderReading, begin: int, end: int, lacks_start: bool) -> Draft:
        """Make a draft whose content, if any, begins at the text in its header."""
        draft = cls(form, reading, begin, end, end, False, lacks_start)
        if reading.text_start is not None:
            header = draft.header
            number = max(n for n, offset in enumerate(header.offsets) if offset <= (reading.text_start or 0))
            _, text, start, stop = header.pieces[number]
            draft.content, skip = form.place(start, text, reading.text_start - header.offsets[number])
            texts = [piece for piece in header.pieces[number + 1 :] if piece[0] is None]
            draft.runs = [(draft.content, stop, skip), *((first, last, 0) for _, _, first, last in texts)]
        return draft

    @property
    def headerless(self) -> bool:
        """Whether it has no header at all, so that only the next message shows its channel."""
        return self.reading.lacks_channel and not self.opened

    @cached_property
    def header(self) -> HeaderText:
        return HeaderText(self.form, self.form.pieces(self.begin, self.header_end))

    def is_of_another(self, sets: Sets, author: tuple[str, ...]) -> bool:
        """Whether a token that sets some fields names the author of another message: one repeated is that of this."""
        named, values = [(field, value) for field, value in sets if field in author], self.reading.values
        return any(self.runs or self.started or values[field] != value for field, value in named)

    def add(self, start: int, end: int) -> None:
        """Add to the content; a part directly after the last run extends it."""
        if self.runs and self.runs[-1][1] == start:
            start, _, skip = self.runs.pop()
            self.runs.append((start, end, skip))
        else:
            self.runs.append((start, end, 0))
