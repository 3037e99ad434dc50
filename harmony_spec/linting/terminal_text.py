"""How errors look in a terminal: where, what, the line with a caret under it, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

from ..errors import Code, HarmonyError, RenderError, Severity, ToolError
from .input_files import Input

COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}

WINDOW = 72
"""How many characters of a line are shown around the caret: a line of a usual terminal with its margin."""


def finding(item: Input, error: HarmonyError) -> Text:
    """An error in an input."""
    located = isinstance(item.source, str) and error.span is not None and not _is_of_message(error)
    line, column = item.lines.place(error.span.start) if located and error.span else (None, None)
    quoted = (error.around, error.caret, "") if error.around else None
    if located and error.span:
        quoted = (*item.lines.around(error.span.start, 2 * WINDOW), str(line))
    rule = error.rule if isinstance(error, ToolError) else ""
    notes = (("expected", ", or ".join(error.expected)), ("rule", rule), ("help", error.hint))
    return layout(_where(item, error, line, column), "", error.code, error.message, quoted, notes)


def layout(
    where: str,
    word: str,
    code: Code,
    message: str,
    quoted: tuple[str, int, str] | None,
    notes: Iterable[tuple[str, str]],
) -> Text:
    """Something wrong, as it looks.

    Args:
        where: the place.
        word: stands in front of the code, where there is one.
        code: the kind of mistake; its severity gives the colour.
        message: the problem in one sentence.
        quoted: a line, where in it the place is, in code points, and its number.
        notes: what else there is to say, with titles; empty ones are left out.
    """
    colour = COLOURS[code.severity]
    text = Text()
    text.append(where, style="bold").append(": ").append(f"{word} " if word else "", style=f"bold {colour}")
    text.append(f"{code.code} ", style=f"bold {colour}").append(code.name, style=colour).append(
        f": {visible(message)}\n"
    )
    if quoted is not None:
        _quote(text, *quoted, colour)
    for title, said in notes:
        if said:
            text.append(f"  = {title}: ", style="bold").append(f"{visible(said)}\n")
    return text


def _where(item: Input, error: HarmonyError, line: int | None, column: int | None) -> str:
    name = named(item.name)
    if line is not None:
        return f"{name}:{line}:{column}"
    if isinstance(error, ToolError) and error.pointer:
        return f"{name} at {visible(error.pointer)}"
    if _is_of_message(error):
        return name if error.index is None else f"{name} at /messages/{error.index}"
    return f"{name}: token {error.span.start}" if error.span else name


def _is_of_message(error: HarmonyError) -> bool:
    """Whether an error is one of a message to be written: its span is no place in the input."""
    return isinstance(error, RenderError) and not isinstance(error, ToolError)


def _quote(text: Text, line: str, at: int, number: str, colour: str) -> None:
    """The part of a line around a position, and a caret under it."""
    line = visible(line)
    start = max(0, min(at - WINDOW // 2, len(line) - WINDOW))
    shown = line[start : start + WINDOW]
    before = "\u2026" if start else ""
    after = "\u2026" if start + WINDOW < len(line) else ""
    margin = " " * len(number)
    caret = " " * cell_len(before + line[start:at])
    text.append(f"  {margin} |\n  {number} | ", style="blue").append(before + shown + after + "\n")
    text.append(f"  {margin} | ", style="blue").append(f"{caret}^\n", style=f"bold {colour}")


def visible(text: str) -> str:
    """A text without characters that a terminal would act on."""
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def named(name: str) -> str:
    """A name, or a sentence with names, on one line; bytes of names that are no text stay as Python has them."""
    return "".join(char if char.isprintable() or "\udc80" <= char <= "\udcff" else _shown(char) for char in name)


def _shown(char: str) -> str:
    """One visible character for one that a terminal would act on."""
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else " " if char.isspace() else "\ufffd"
