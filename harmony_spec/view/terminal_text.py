"""Text that a terminal can print, and its colors."""

from __future__ import annotations

from ..errors import Severity

COLORS: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}

MAX_LINE_CHARS = 72
"""Characters of a line that are printed around the caret: they fit in a terminal of 80 columns with a margin."""


def printable(text: str) -> str:
    """A text without control characters."""
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def printable_name(name: str) -> str:
    """A name, or an error with names, on one line. Bytes of names that are not UTF-8 stay surrogate escapes."""
    return "".join(char if char.isprintable() or "\udc80" <= char <= "\udcff" else _shown(char) for char in name)


def _shown(char: str) -> str:
    """A visible character for a control character."""
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else " " if char.isspace() else "\ufffd"
