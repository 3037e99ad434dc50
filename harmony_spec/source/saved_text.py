"""Texts that an editor saved with a line break at the end."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from ..errors import HarmonyError

Source: TypeAlias = "str | list[int] | array[int]"  # Python 3.11 has no `array[int]`
"""An input: text with special tokens spelled out, or token ids."""

R = TypeVar("R")


def without_line_break(source: Source) -> Source:
    """Remove the line break at the end of a text: `\\n` or `\\r\\n`."""
    if isinstance(source, str) and source.endswith("\n"):
        return source.removesuffix("\n").removesuffix("\r")
    return source


def retry_without_final_newline(
    source: Source, read: Callable[[Source], R], is_clean: Callable[[R], bool] = lambda _: True
) -> R:
    """Read a source; if it has mistakes, read it without the line break at its end, which an editor may have added.

    Editors add one: if there are two, both are read.

    Args:
        source: text, or token ids.
        read: reads a source. A `HarmonyError` means that it has mistakes; that of the second reading is raised.
        is_clean: whether a result has no mistakes.
    """
    bare = without_line_break(source)
    if bare is source or without_line_break(bare) is not bare:
        return read(source)
    try:
        if is_clean(found := read(source)):
            return found
    except HarmonyError:
        return read(bare)
    return read(bare)
