"""How errors look in a terminal: where, what, the line with a caret under it, what was expected, what to do."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from .diagnostics import Diagnostic
from .errors import HarmonyError, ToolError
from .inputs import Input

WINDOW = 72
"""How many characters of a line are shown around the caret: a line of a usual terminal with its margin."""


def finding(item: Input, error: HarmonyError) -> Text:
    """An error in an input."""
    located = isinstance(item.source, str) and error.span is not None
    line, column = position(item.source, error.span.start) if located and error.span else (None, None)
    text = Text()
    text.append(_where(item, error, line, column), style="bold")
    text.append(f": {error.code.code} ", style="bold red").append(error.code.name, style="red").append(
        f": {error.message}\n"
    )
    if isinstance(item.source, str) and line is not None and column is not None:
        _quote(text, item.source.split("\n")[line - 1], column - 1, str(line))
    elif error.around:
        _quote(text, error.around, error.caret, "")
    rule = error.rule if isinstance(error, ToolError) else ""
    for title, said in (("expected", ", or ".join(error.expected)), ("rule", rule), ("help", error.hint)):
        if said:
            text.append(f"  = {title}: ", style="bold").append(f"{said}\n")
    return text


def repair(item: Input, diagnostic: Diagnostic) -> Text:
    """A mistake in an input, and what it was taken for."""
    start = diagnostic.span.start
    line, column = position(item.source, start) if isinstance(item.source, str) else (None, None)
    where = item.name if item.row is None else f"{item.name}:{item.row}"
    text = Text()
    text.append(f"{where}:{line}:{column}" if line else f"{where}: token {start}", style="bold")
    text.append(f": {diagnostic.code.code} ", style="bold yellow").append(diagnostic.code.name, style="yellow")
    shown = f": {_visible(diagnostic.raw)!r}" if diagnostic.raw else ""
    taken = f" is taken for {diagnostic.taken_for}" if diagnostic.taken_for else ""
    return text.append(f"{shown}{taken}: {diagnostic.evidence}\n")


def position(source: str | list[int], at: int) -> tuple[int, int]:
    """The line and column of a code point in a text, both from 1."""
    assert isinstance(source, str)
    return source.count("\n", 0, at) + 1, at - (source.rfind("\n", 0, at) + 1) + 1


def _where(item: Input, error: HarmonyError, line: int | None, column: int | None) -> str:
    where = item.name if item.row is None else f"{item.name}:{item.row}"
    if line is not None:
        return f"{where}:{line}:{column}"
    if isinstance(error, ToolError) and error.pointer:
        return f"{where} at {error.pointer}"
    return f"{where}: token {error.span.start}" if error.span else where


def _quote(text: Text, line: str, at: int, number: str) -> None:
    """The part of a line around a position, and a caret under it."""
    line = _visible(line)
    start = max(0, min(at - WINDOW // 2, len(line) - WINDOW))
    shown = line[start : start + WINDOW]
    before = "\u2026" if start else ""
    after = "\u2026" if start + WINDOW < len(line) else ""
    margin = " " * len(number)
    caret = " " * cell_len(before + line[start:at])
    text.append(f"  {margin} |\n  {number} | ", style="blue").append(before + shown + after + "\n")
    text.append(f"  {margin} | ", style="blue").append(f"{caret}^\n", style="bold red")


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def _shown(char: str) -> str:
    """One visible character for one that a terminal would act on."""
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else " " if char.isspace() else "\ufffd"
