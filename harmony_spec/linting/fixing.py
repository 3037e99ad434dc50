"""Fixes of a source, applied until none is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..diagnostics import Fix
from ..source.saved_text import Source
from ..validation.fixes import apply, is_same_reading
from ..validation.report import Report

MAX_PASSES = 10
"""How often a source is read again to fix what could not be fixed at once: two fixes of one place take two passes.
Fixes that are not done by then undo each other."""

Validated = Report[Any]


def fixed(
    source: Source,
    report: Validated,
    admitted: Callable[[Validated], list[Fix]],
    validated: Callable[[Source], Validated],
) -> tuple[Source, Validated]:
    """A source with all fixes that may be applied, and what is found in it then.

    The source comes back as it was if its fixes never settle, or together change what is read. So fixing the result
    again changes nothing, whatever the source.

    Args:
        source: text, or token ids.
        report: what was found in it.
        admitted: the fixes of a report that may be applied.
        validated: checks a source.
    """
    changed, found = source, report
    for _ in range(MAX_PASSES):
        fixes = admitted(found)
        after = apply(changed, fixes)
        if after == changed:
            return changed, found
        exact = all(fix.applicability == "safe" for fix in fixes)
        before, changed, found = found, after, validated(after)
        if not is_same_reading(before.reading, found.reading, exact):
            break
    return source, report
