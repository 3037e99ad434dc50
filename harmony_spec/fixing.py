"""What a repaired input is written as: messages that are right as they stood, the others as the format writes them."""

from __future__ import annotations

from typing import Any

from . import codec
from .as_read import canonical
from .diagnostics import Recovered
from .inputs import Source, as_saved, without_line_break


def recover(
    source: Source, start: codec.Start, tools: list[codec.Namespace] | None, stripped: bool
) -> Recovered[codec.Message]:
    """Read an input of the command line, whatever it holds.

    Args:
        source: text, or token ids.
        start: what the source is.
        tools: what was offered, besides what the source declares; None where nothing is known of them.
        stripped: the special tokens may have been stripped.
    """

    def read(source: Source) -> Recovered[codec.Message]:
        return codec.recover(source, start, tools=tools, stripped=stripped)

    return as_saved(source, read, lambda found: not found.diagnostics)


def fixed(source: Source, start: codec.Start, recovered: Recovered[codec.Message]) -> Source:
    """The input without its mistakes, in its own form. What stands behind the stop of a completion is left out.

    Args:
        source: text, or token ids, with mistakes; a line break at the end of a text stays.
        start: what the source is.
        recovered: what was read from it.

    Raises `RenderError` for what the format cannot express as a text.
    """
    messages = [canonical(codec.FORMAT, m) if m.repair and m.repair.said else m for m in recovered.before_stop]
    opening: Any = recovered.opening or {}
    if isinstance(source, str):
        line_break = source[len(without_line_break(source)) :]
        return codec.render_text(messages, start, style="as_parsed", **opening) + line_break
    return codec.render(messages, start, style="as_parsed", **opening)
