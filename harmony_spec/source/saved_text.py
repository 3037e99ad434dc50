"""A text as editors save it, with a line break at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import HarmonyError

Source = str | list[int]
"""What an input holds: text with special tokens spelled out, or token ids."""

R = TypeVar("R")


def without_line_break(source: Source) -> Source:
    """A source without the line break at the end of a text, as editors put it there: `\\n` or `\\r\\n`."""
    if isinstance(source, str) and source.endswith("\n"):
        return source.removesuffix("\n").removesuffix("\r")
    return source


def retry_without_final_newline(
    source: Source, read: Callable[[Source], R], is_clean: Callable[[R], bool] = lambda _: True
) -> R:
    """Read a source; a line break at the end of a text is the editor's where the grammar has no place for it.

    Args:
        source: text, or token ids.
        read: reads a source; where it raises `HarmonyError`, it is not clean. What it raises last, this raises.
        is_clean: says of what was read whether it is as the grammar describes it.
    """
    bare = without_line_break(source)
    if bare is source:
        return read(source)
    try:
        if is_clean(found := read(source)):
            return found
    except HarmonyError:
        return read(bare)
    return read(bare)
