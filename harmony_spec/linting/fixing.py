"""Applies fixes to a source until none is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..diagnostics import Fix
from ..source.saved_text import Source
from ..validation.fixes import apply, is_same_reading
from ..validation.report import Report

MAX_PASSES = 10
"""Fixes are applied and the result is checked again, since two fixes of one place need two passes. Fixes that do not
end by then undo each other."""

Validated = Report[Any]


def apply_fixes(
    source: Source,
    report: Validated,
    admitted: Callable[[Validated], list[Fix]],
    validated: Callable[[Source], Validated],
) -> tuple[Source, Validated]:
    """Apply all admitted fixes; returns the fixed source and the report on it.

    Returns the original if the fixes do not end, or if together they change what `recover` reads. So fixing the result
    again changes nothing.

    Args:
        source: text, or token ids.
        report: the report on it.
        admitted: returns the fixes of a report that may be applied.
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
