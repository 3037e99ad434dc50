"""What a repaired input is written as: messages that are right as they stood, the others as the format writes them."""

from __future__ import annotations

from typing import Any

from . import codec
from .as_read import canonical
from .diagnostics import Diagnostic, Recovered
from .inputs import Input, Source, as_saved


def recover(
    item: Input, start: codec.Start, tools: list[codec.Namespace] | None, stripped: bool
) -> Recovered[codec.Message]:
    """Read an input of the command line, whatever it holds."""

    def read(source: Source) -> Recovered[codec.Message]:
        return codec.recover(source, start, tools=tools, stripped=stripped)

    return as_saved(item.source, read, lambda found: not found.diagnostics)


def fixed(item: Input, start: codec.Start, recovered: Recovered[codec.Message]) -> str | list[int]:
    """The input without its mistakes, in its own form. What stands behind the stop of a completion is left out.

    Raises `RenderError` for what the format cannot express as a text.
    """
    messages = [canonical(codec.FORMAT, m) if m.repair and m.repair.said else m for m in recovered.before_stop]
    opening: Any = recovered.opening or {}
    if isinstance(item.source, str):
        return codec.render_text(messages, start, style="as_parsed", **opening)
    return codec.render(messages, start, style="as_parsed", **opening)


def described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON."""
    return {
        "code": diagnostic.code.code,
        "name": diagnostic.code.name,
        "span": [diagnostic.span.start, diagnostic.span.end],
        "unit": diagnostic.unit,
        "message": diagnostic.index,
        "raw": diagnostic.raw,
        "taken_for": diagnostic.taken_for,
        "evidence": diagnostic.evidence,
    }
