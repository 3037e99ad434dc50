"""Findings and their places in files: plain data that can be passed between processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from msgspec import Struct, field

from ..diagnostics import Diagnostic
from ..errors import Code, ConversationError, HarmonyError, RenderError, Span, ToolError
from ..parsing.strict_parsing import form_of
from ..source.lines import LineIndex
from ..source.saved_text import Source
from ..view.terminal_text import MAX_LINE_CHARS, printable
from .batches import FileKind
from .rows import MissingColumn, RowContent


@dataclass(frozen=True)
class Finding:
    """A diagnostic and its place in a file.

    Attributes:
        diagnostic: the mistake; its span is in units of the source, and its unit is empty if it has no span.
        line: the line in a text, or of a row, from 1; None if the file has no lines.
        column: the column in a text or a row, in code points from 1; None if spans count tokens.
        end_line: the line where the span ends.
        end_column: the column after the span.
        pointer: the message in a conversation, as a JSON pointer (RFC 6901); otherwise empty.
        around: the text around the place, from one line.
        caret: the position of the place in `around`, in code points.
        hint: what to do about it.
        written: the text that its fix writes in a list of tokens, special ones spelled out.
        is_fixable: whether it has a fix that `--fix` applies, with the other options as they are.
        lacks_column: whether the row lacks the column that holds the inputs.
        fingerprint: a hash of the code and the content that has the finding, for baselines; empty if not requested.
        text_span: its span in code points of the text, special tokens spelled out; None if not requested.
        token_span: its span in token indices; for a text, in the tokens that it is encoded to.
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
    written: str = ""
    is_fixable: bool = False
    lacks_column: bool = False
    fingerprint: str = ""
    text_span: Span | None = None
    token_span: Span | None = None

    @property
    def code(self) -> Code:
        """The code of the rule."""
        return self.diagnostic.code

    @property
    def message(self) -> str:
        """The problem in one sentence."""
        diagnostic = self.diagnostic
        inside = f"at {diagnostic.pointer}" if diagnostic.pointer else ""
        return printable(": ".join(part for part in (inside, diagnostic.reading, diagnostic.evidence) if part))


class Checked(Struct, frozen=True):
    """A checked row. As a dataclass, it would take five times as long to make and to pass between processes.

    Attributes:
        name: of the file.
        row: the number of the row, from 1: of a line, or of a Parquet row; None if the file is one input.
        messages: how many messages it has.
        findings: its findings, ordered by place; with fixes, those that are left in the fixed row.
        tokens: the number of tokens by channel, if requested; None is the key of messages without channel.
        unfixed: the original row and its findings, if fixes changed it.
        skipped: whether it is a file without special tokens that was skipped.
        start: the offset of its bytes in the file.
        before: the original row, if fixes are applied: its bytes, or the value of a fixed Parquet row.
        after: the fixed row, in the form of `before`; None if that is None.
        id: the value of the row's id column, if that is a string or an integer.
    """

    name: str
    row: int | None
    messages: int = 0
    findings: list[Finding] = field(default_factory=list)
    tokens: dict[str | None, int] = field(default_factory=dict)
    unfixed: Checked | None = None
    skipped: bool = False
    start: int = 0
    before: Any = None
    after: Any = None
    id: str | int | None = None

    @property
    def repaired(self) -> list[Finding]:
        """The fixed findings, with their places in the original row."""
        return [each for each in self.unfixed.findings if each.is_fixable] if self.unfixed else []


def locate(found: list[Diagnostic], content: RowContent, kind: FileKind, row: int | None) -> list[Finding]:
    """Findings in the content of a row. They have lines and columns only in a text that is the file."""
    if not found:
        return []
    line = row if kind == "jsonl" else None
    if isinstance(content.source, str):
        lines = LineIndex(content.source)
        return [_in_text(diagnostic, lines, line, row, kind == "text") for diagnostic in found]
    form = form_of(content.codec.FORMAT, content.source, None)
    findings = []
    for diagnostic in found:
        around, caret = form.around(diagnostic.span)
        pointer = f"/messages/{diagnostic.index}" if content.messages is not None else ""
        fix = diagnostic.fix
        written = (
            "" if fix is None else form_of(content.codec.FORMAT, fix.replacement, None).spelled(0, len(fix.replacement))
        )
        findings.append(Finding(diagnostic, line, pointer=pointer, around=around, caret=caret, written=written))
    return findings


def _in_text(diagnostic: Diagnostic, lines: LineIndex, line: int | None, row: int | None, has_columns: bool) -> Finding:
    around, caret = lines.around(diagnostic.span.start, 2 * MAX_LINE_CHARS)
    if not has_columns:
        return Finding(diagnostic, line, around=around, caret=caret)
    (first, column), (last, end_column) = map(lines.place, diagnostic.span)
    places = (first, column, last, end_column) if row is None else (line, column, line, end_column)
    return Finding(diagnostic, *places, around=around, caret=caret)


def finding_of_error(error: HarmonyError, source: Source, kind: FileKind, row: int | None) -> Finding:
    """The finding for an input that cannot be read or written.

    Args:
        error: why.
        source: the input: a text, or the bytes of the row as text; token ids.
        kind: the format of the file.
        row: the number of the row; None if the file is one input.
    """
    # The span of another error of rendering is a place in the text of a message.
    is_of_source = isinstance(error, ToolError) or not isinstance(error, RenderError)
    span, unit = (error.span, error.unit) if error.span and is_of_source else (Span(0, 0), "")
    pointer = "" if error.index is None or unit else f"/messages/{error.index}"
    inside = isinstance(error, ConversationError) and error.pointer != pointer
    evidence = f"at {error.pointer}: {error.message}" if inside else error.message
    diagnostic = Diagnostic(error.code, span, unit, error.index or 0, "", "", evidence, error.expected)
    line = row if kind == "jsonl" else None
    if unit and isinstance(source, str):
        finding = _in_text(diagnostic, LineIndex(source), line, row, True)
    else:
        finding = Finding(diagnostic, line, pointer=pointer, around=error.around, caret=error.caret)
    return replace(finding, hint=error.hint, lacks_column=isinstance(error, MissingColumn))
