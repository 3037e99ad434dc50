"""Formats errors for terminals: place, message, the line with a caret, what was expected, a hint."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

from ..errors import Code, Severity

COLORS: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}

MAX_LINE_CHARS = 72
"""Characters of a line that are printed around the caret: they fit in a terminal of 80 columns with a margin."""


def layout(
    where: str,
    word: str,
    code: Code,
    message: str,
    quoted: tuple[str, int, str] | None,
    notes: Iterable[tuple[str, str]],
) -> Text:
    """Format an error.

    Args:
        where: the place.
        word: printed before the code, unless empty.
        code: the code; its severity determines the color.
        message: the problem in one sentence.
        quoted: a line, the position of the place in it, in code points, and the number of the line.
        notes: further notes with titles; empty ones are left out.
    """
    color = COLORS[code.severity]
    text = Text()
    text.append(where, style="bold").append(": ").append(f"{word} " if word else "", style=f"bold {color}")
    text.append(f"{code.code} ", style=f"bold {color}").append(code.name, style=color).append(
        f": {printable(message)}\n"
    )
    if quoted is not None:
        _quote(text, *quoted, color)
    for title, note in notes:
        if note:
            text.append(f"  = {title}: ", style="bold").append(f"{printable(note)}\n")
    return text


def _quote(text: Text, line: str, at: int, number: str, color: str) -> None:
    """The part of a line around a position, and a caret under it."""
    line = printable(line)
    start = max(0, min(at - MAX_LINE_CHARS // 2, len(line) - MAX_LINE_CHARS))
    shown = line[start : start + MAX_LINE_CHARS]
    before = "\u2026" if start else ""
    after = "\u2026" if start + MAX_LINE_CHARS < len(line) else ""
    margin = " " * len(number)
    caret = " " * cell_len(before + line[start:at])
    text.append(f"  {margin} |\n  {number} | ", style="blue").append(before + shown + after + "\n")
    text.append(f"  {margin} | ", style="blue").append(f"{caret}^\n", style=f"bold {color}")


def printable(text: str) -> str:
    """A text without control characters."""
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def printable_name(name: str) -> str:
    """A name, or an error with names, on one line. Bytes of names that are not UTF-8 stay surrogate escapes."""
    return "".join(char if char.isprintable() or "\udc80" <= char <= "\udcff" else _shown(char) for char in name)


def _shown(char: str) -> str:
    """A visible character for a control character."""
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else " " if char.isspace() else "\ufffd"
