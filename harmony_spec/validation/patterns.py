"""Regular expressions of JSON Schema, matched with a limit: those of a stranger may take exponential time or memory."""

from __future__ import annotations

import math
from functools import lru_cache

import regex

KEPT = 1024
"""How many patterns are remembered: compiling one takes a hundred times as long as matching a name."""

PATIENCE = 0.05
"""How long one match may take, in seconds of processor time; common patterns need a thousandth of it."""

MOST_COPIES = 100_000
"""How often the parts of a pattern may be repeated at least, all counts multiplied: so often they are copied."""


class Unbounded(Exception):
    """A schema asks for more work than a value is worth."""


@lru_cache(KEPT)
def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern, ready to match; raises `regex.error` for what is none, `Unbounded` for one that repeats too much."""
    copies = (int(count) for count in regex.findall(r"\{(\d{1,9})", pattern))
    if math.prod(count or 1 for count in copies) > MOST_COPIES:
        raise Unbounded(f"{pattern!r} repeats its parts more than {MOST_COPIES} times")
    return regex.compile(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; raises as `compiled` does, and `Unbounded` where that takes too long."""
    try:
        return compiled(pattern).search(text, timeout=PATIENCE) is not None
    except TimeoutError:
        raise Unbounded(f"{pattern!r} takes too long to be looked for") from None
