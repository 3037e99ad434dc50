"""Changes of a source that mend what was found in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..diagnostics import Diagnostic
from ..errors import Span
from ..inputs import Source

PASSES = 10
"""How often a source is read again to mend what could not be mended at once: two fixes of one place take two passes;
many passes mean that fixes undo each other."""


def apply(source: Source, diagnostics: Iterable[Diagnostic]) -> tuple[Source, int]:
    """A source with the fixes of its diagnostics, and how many those are.

    Args:
        source: text, or token ids.
        diagnostics: what was found in that source. A fix that overlaps one before it is left out.
    """
    fixes = [diagnostic.fix for diagnostic in diagnostics if diagnostic.fix is not None]
    texts: list[str] = []
    tokens: list[int] = []
    end = applied = 0
    last: Span | None = None
    for fix in sorted(fixes, key=lambda fix: fix.span):
        if fix.span.start < end or fix.span == last:
            continue
        last = fix.span
        if isinstance(source, str):
            assert isinstance(fix.replacement, str)
            texts += source[end : fix.span.start], fix.replacement
        else:
            assert not isinstance(fix.replacement, str)
            tokens += [*source[end : fix.span.start], *fix.replacement]
        end = fix.span.end
        applied += 1
    if isinstance(source, str):
        return "".join((*texts, source[end:])), applied
    return [*tokens, *source[end:]], applied


def mend(
    source: Source, found: list[Diagnostic], find: Callable[[Source], list[Diagnostic]]
) -> tuple[Source, int, list[Diagnostic]]:
    """A source with all that can be mended, how many fixes that took, and what is left.

    Args:
        source: text, or token ids.
        found: what was found in it.
        find: says what is found in a source.
    """
    total = 0
    for _ in range(PASSES):
        mended, applied = apply(source, found)
        if not applied:
            break
        source, found, total = mended, find(mended), total + applied
    return source, total, found
