"""A row in the terminal: fields, contents, and findings under the lines that they are in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import accumulate

from rich.cells import cell_len
from rich.text import Text

from ..errors import any_of
from .shown_row import (
    CONTENT_PIECE,
    GAP_SECTION,
    HEADER_PIECE,
    MESSAGE_SECTION,
    OPEN_HEADER_SECTION,
    UNREAD_SECTION,
    Section,
    ShownFinding,
    ShownPiece,
    ShownRow,
)
from .terminal_text import COLORS, printable, printable_name

INDENT = "  "

LEARNED, NOT_LEARNED = "+ ", INDENT
"""Line prefixes of pieces that are trained on, and of all others."""


def row_lines(row: ShownRow, width: int) -> Iterator[Text]:
    """Yield the lines of a row.

    Args:
        row: the row. Headers and stop tokens are shown if they have findings, tokens, or a mask.
        width: of the terminal, in cells. A finding further to the right has no caret.
    """
    heading = Text(printable_name(row.place), style="bold")
    if row.id is not None:
        heading.append(f" (id {printable(str(row.id))})")
    yield heading
    for finding in row.findings:
        yield _finding(finding, INDENT)
    if row.hint:
        yield Text(f"{INDENT}= help: {printable(row.hint)}")
    if not row.sections and not row.findings:
        yield Text(f"{INDENT}no messages", style="dim")
    number = 0
    has_mask = any(piece.is_trained for section in row.sections for piece in section.pieces)
    for section in row.sections:
        yield Text()
        number += section.kind == MESSAGE_SECTION
        yield _heading(section, number)
        is_whole = has_mask or section.kind in (OPEN_HEADER_SECTION, GAP_SECTION)
        for index, piece in enumerate(section.pieces):
            found = [each for each in section.findings if each.piece == index]
            is_repaired = piece.name == HEADER_PIECE and bool(section.repaired)
            if piece.name == CONTENT_PIECE or is_whole or is_repaired or found or piece.tokens:
                yield from _piece(piece, found, width)


def _heading(section: Section, number: int) -> Text:
    """The kind of a section, and its fields."""
    if section.kind in (GAP_SECTION, UNREAD_SECTION):
        return Text(
            "— outside of any message" if section.kind == GAP_SECTION else f"— {UNREAD_SECTION}", style="yellow"
        )
    text = Text(f"{number} " if section.kind == MESSAGE_SECTION else f"{section.kind}: ", style="bold")
    for at, (name, value) in enumerate(section.fields.items()):
        text.append(", " if at else "")
        text.append("" if value is True else f"{name} ", style="dim")
        text.append(printable(name if value is True else str(value)), style="bold cyan")
        if name in section.repaired:
            text.append(" (repaired)", style="red")
    return text


def _piece(piece: ShownPiece, found: list[ShownFinding], width: int) -> Iterator[Text]:
    """The lines of a piece, and under each the findings that begin in it. A token id follows the text of its token."""
    begin = LEARNED if piece.is_trained else NOT_LEARNED
    bounds = list(accumulate((length for _, length in piece.tokens), initial=0))
    left = deque(sorted(found, key=lambda each: each.start))
    at = 0
    for line in piece.text.split("\n"):
        end = at + len(line)
        shown = Text(begin, style="" if piece.name == CONTENT_PIECE else "dim")
        columns = [(at, len(begin))]
        start = at
        for index in range(bisect_left(bounds, at), min(bisect_right(bounds, end), len(piece.tokens))):
            stop = min(bounds[index + 1], end)
            shown.append(printable(piece.text[start:stop]))
            shown.append(f"⟨{piece.tokens[index][0]}⟩", style="dim blue")
            start = max(start, stop)
            columns.append((start, len(shown)))
        shown.append(printable(piece.text[start:end]))
        yield shown
        while left and (left[0].start <= end or end == len(piece.text)):
            each = left.popleft()
            near, column = columns[bisect_right(columns, each.start, key=lambda item: item[0]) - 1]
            column = cell_len(shown.plain[: min(column + each.start - near, width)])
            caret = "^" * min(max(min(each.end, end) - each.start, 1), max(width - column, 1))
            yield _finding(each, " " * column + caret + " " if column < width else begin)
        at = end + 1


def _finding(finding: ShownFinding, before: str) -> Text:
    code, color = finding.code, COLORS[finding.code.severity]
    text = Text(before, style=color)
    text.append(f"{code.code} {code.name}", style=f"bold {color}").append(f": {printable(finding.message)}")
    if finding.expected:
        text.append(f"; expected {printable(any_of(finding.expected))}")
    return text
