"""Regular expressions of JSON Schema, matched with a limit: those of a stranger may take exponential time or memory."""

from __future__ import annotations

import math
import time

import regex

from .budget import SECONDS_PER_MATCH, Unfinished, current
from .caches import Remembered

MOST_CHARACTERS = 50_000
"""How long a pattern may be with all that it repeats written out, as it is compiled: a tenth of a second of work."""

BYTES_PER_CHARACTER = 64
"""The memory of a compiled pattern for each of these characters, as measured."""

PATTERN_CACHE_BYTES = 16 << 20
"""The memory of the patterns that are remembered: compiling one takes a hundred times as long as matching a name."""

MATCH_STEPS = 4
"""Steps of a match in an empty text."""

CHARACTERS_PER_STEP = 16
"""So many characters are looked at in the time of a step."""

_patterns: Remembered[regex.Pattern[str]] = Remembered(PATTERN_CACHE_BYTES)


def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern, ready to match; raises `regex.error` for what is none, `Unfinished` for one that is too long."""
    if (found := _patterns.get(pattern)) is not None:
        return found
    copies = (int(count) for count in regex.findall(r"\{(\d{1,9})", pattern))
    written_out = len(pattern) * math.prod(count or 1 for count in copies)
    if written_out > MOST_CHARACTERS:
        raise Unfinished(f"{_start(pattern)} has more than {MOST_CHARACTERS} characters, with what it repeats")
    found = regex.compile(pattern, cache_pattern=False)
    _patterns.put(pattern, found, BYTES_PER_CHARACTER * (written_out + CHARACTERS_PER_STEP))
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; raises as `compiled` does, and `Unfinished` where that takes too much."""
    budget = current.get()
    budget.take(MATCH_STEPS + len(text) // CHARACTERS_PER_STEP)
    found = compiled(pattern)
    started = time.process_time()
    try:
        return found.search(text, timeout=SECONDS_PER_MATCH) is not None
    except TimeoutError:
        raise Unfinished(f"{_start(pattern)} takes too long to be looked for (a limit of time, not of steps)") from None
    finally:
        budget.clock(started, len(text))


def _start(pattern: str) -> str:
    return repr(pattern[:MOST_SHOWN]) + "…" * (len(pattern) > MOST_SHOWN)


MOST_SHOWN = 80
"""How much of a pattern is shown, in code points."""
