"""What is found in a row, with its place in the file: plain data, that one process hands to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..diagnostics import Diagnostic
from ..errors import Code, HarmonyError, RowError, Span
from ..recovery.recovering import form_of
from ..source.lines import Lines
from .atomic import Origin
from .batches import Kind
from .rows import Content, MissingColumn, TooLong
from .terminal_text import WINDOW, visible


@dataclass(frozen=True)
class Finding:
    """A diagnostic and its place in a file.

    Attributes:
        diagnostic: what is wrong; its span counts units of the source, and its unit is empty where it has no place.
        line: the line in a text, or of a row, from 1; None where there are no lines.
        column: the column in a text or a row, in code points from 1; None where spans count tokens.
        end_line: the line where the span ends.
        end_column: the column behind the span.
        pointer: the message in a conversation, as a JSON pointer (RFC 6901); else empty.
        around: the text near the place, of one line.
        caret: where in `around` the place is, in code points.
        hint: what to do about it.
        is_fixable: whether `--fix` removes it, by its own fix or by another one.
        is_new: whether it was found only after fixes.
        lacks_column: whether the row lacks the column that holds the inputs.
        fingerprint: a hash of the code and the content that has the finding, for baselines; empty if not requested.
        text_span: where it is in code points of the text, special tokens spelled out; None if not requested.
        token_span: where it is in token indices; of a text, in those that it would be encoded to.
    """

    diagnostic: Diagnostic
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    pointer: str = ""
    around: str = ""
    caret: int = 0
    hint: str = ""
    is_fixable: bool = False
    is_new: bool = False
    lacks_column: bool = False
    fingerprint: str = ""
    text_span: Span | None = None
    token_span: Span | None = None

    @property
    def code(self) -> Code:
        """The kind of mistake."""
        return self.diagnostic.code

    @property
    def message(self) -> str:
        """The problem in one sentence."""
        said = self.diagnostic
        inside = f"at {said.pointer}" if said.pointer else ""
        return visible(": ".join(part for part in (inside, said.reading, said.evidence) if part))


@dataclass(frozen=True)
class Checked:
    """What was found in a row.

    Attributes:
        name: of the file.
        row: the number of the row, from 1: of a line, or of a Parquet row; None if the file is one input.
        messages: how many messages it holds.
        findings: what is wrong, by place; after fixes what is left, by its place in the fixed row.
        tokens: how many tokens the messages of each channel have, where they were asked for; None is for no channel.
        unfixed: what was found in the row as it was, if fixes changed it; None if not.
        skipped: it is a file without any special token, which was found in a folder and left alone.
        origin: the file on the disk, if fixes are applied; None for standard input.
        column: of a Parquet row, where its value stands.
        before: the row as it was, if fixes are applied: its bytes, or the value of a Parquet row that was fixed.
        after: the row with its fixes, in the form of `before`; None where that is.
        too_long: set instead of these if the row is too long to be kept.
        id: the value of the row's id column, if that is a string or an integer.
    """

    name: str
    row: int | None
    messages: int
    findings: list[Finding] = field(default_factory=list)
    tokens: dict[str | None, int] = field(default_factory=dict)
    unfixed: Checked | None = None
    skipped: bool = False
    origin: Origin | None = None
    column: str = ""
    before: Any = field(default=None, repr=False)
    after: Any = field(default=None, repr=False)
    too_long: TooLong | None = None
    id: str | int | None = None

    @property
    def repaired(self) -> list[Finding]:
        """What was fixed, with its place in the row as it was."""
        return [each for each in self.unfixed.findings if each.is_fixable] if self.unfixed else []


def located(found: list[Diagnostic], content: Content, kind: Kind, row: int | None) -> list[Finding]:
    """The places of what was found in the source of a row of a file."""
    if not found:
        return []
    line = row if kind == "jsonl" else None
    if isinstance(content.source, str):
        lines = Lines(content.source)
        return [_in_text(diagnostic, lines, kind == "text", line) for diagnostic in found]
    form = form_of(content.codec.FORMAT, content.source, None)
    findings = []
    for diagnostic in found:
        around, caret = form.around(diagnostic.span)
        pointer = f"/messages/{diagnostic.index}" if content.messages is not None else ""
        findings.append(Finding(diagnostic, line, pointer=pointer, around=around, caret=caret))
    return findings


def _in_text(diagnostic: Diagnostic, lines: Lines, is_file: bool, line: int | None) -> Finding:
    """A finding in a text. What counts lines and columns in a text that a row holds would not find them in the file."""
    around, caret = lines.around(diagnostic.span.start, 2 * WINDOW)
    if not is_file:
        return Finding(diagnostic, line, around=around, caret=caret)
    place, end = lines.place(diagnostic.span.start), lines.place(diagnostic.span.end)
    return Finding(diagnostic, *place, *end, around=around, caret=caret)


def unreadable(error: HarmonyError, text: str, kind: Kind, row: int | None) -> Finding:
    """The finding for a row that cannot be read, or not be rendered."""
    pointer = "" if error.index is None else f"/messages/{error.index}"
    evidence = error.message.removeprefix(f"at {pointer}: ")
    span = error.span if isinstance(error, RowError) else None  # those of others are places in what is rendered
    unit = error.unit if span else ""
    diagnostic = Diagnostic(error.code, span or Span(0, 0), unit, error.index or 0, "", "", evidence, error.expected)
    line = row if kind == "jsonl" else None
    if span is None:
        lacks_column = isinstance(error, MissingColumn)
        return Finding(diagnostic, line, pointer=pointer, hint=error.hint, lacks_column=lacks_column)
    lines = Lines(text)
    place, end = lines.place(span.start), lines.place(span.end)
    around, caret = lines.around(span.start, 2 * WINDOW)
    if row is not None:
        return Finding(diagnostic, line, place[1], line, end[1], around=around, caret=caret, hint=error.hint)
    return Finding(diagnostic, *place, *end, around=around, caret=caret, hint=error.hint)
