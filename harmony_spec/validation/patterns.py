"""Regular expressions in JSON Schemas, with limits: those of strangers may need exponential time or memory."""

from __future__ import annotations

import math
import time

import regex

from ..format.cache_limits import SizedCache
from .budget import SECONDS_PER_MATCH, Budget, UnfinishedCheck

MAX_PATTERN_CHARS = 50_000
"""The length of a pattern with its repetitions written out, as `regex` compiles them: a tenth of a second of work."""

BYTES_PER_CHARACTER = 64
"""The measured memory of a compiled pattern for each of these characters."""

PATTERN_CACHE_BYTES = 16 << 20
"""The memory of cached patterns. To compile one needs a hundred times the time of matching a name."""

MATCH_STEPS = 4
"""The steps of a match in an empty text."""

MATCH_CHARS_PER_STEP = 16
"""The characters that a match reads in a step."""

_patterns: SizedCache[regex.Pattern[str]] = SizedCache(PATTERN_CACHE_BYTES)


def compiled(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern, or return it from the cache.

    Raises:
        regex.error: it is not a regular expression.
        UnfinishedCheck: it is too long.
    """
    if (found := _patterns.get(pattern)) is not None:
        return found
    copies = (int(count) for count in regex.findall(r"\{(\d{1,9})", pattern))
    written_out = len(pattern) * math.prod(count or 1 for count in copies)
    if written_out > MAX_PATTERN_CHARS:
        limit = f"more than {MAX_PATTERN_CHARS} characters with its repetitions written out"
        raise UnfinishedCheck(f"{pattern!r} has {limit}")
    found = regex.compile(_in_python(pattern), cache_pattern=False)
    _patterns.put(pattern, found, BYTES_PER_CHARACTER * (written_out + MATCH_CHARS_PER_STEP))
    return found


_PARTS = regex.compile(r"(\\[pP]\{[^}]*\}|\\k<\w+>|\\c[A-Za-z]|\\.|\{(?!\d+(?:,\d*)?\})|\[\^?\]|[][$])", regex.DOTALL)
_OUTSIDE = {"$": r"\Z", r"\d": "[0-9]", r"\D": "[^0-9]", r"\w": "[0-9A-Za-z_]", r"\W": "[^0-9A-Za-z_]"}
_OUTSIDE |= {"{": r"\{", "[]": "(?!)", "[^]": r"[\s\S]"}
_INSIDE = {r"\d": "0-9", r"\w": "0-9A-Za-z_"}


def _in_python(pattern: str) -> str:
    """A pattern of JSON Schema, which is one of ECMA-262, in the syntax of `regex`, as far as common parts differ.

    There, digits and words are ASCII, `$` is only the end of the text, not also the place before a last line break,
    and a brace that repeats nothing is a character.
    """
    parts, is_inside = [], False
    for part in _PARTS.split(pattern):
        if part[:2] == r"\c" and len(part) == 3:
            part = regex.escape(chr(ord(part[2]) % 32))
        elif part[:3] == r"\k<":
            part = f"(?P={part[3:-1]})"
        parts.append((_INSIDE if is_inside else _OUTSIDE).get(part, part))
        is_inside = part not in ("]", "[]", "[^]") if is_inside else part == "["
    return "".join(parts)


def matches(pattern: str, text: str, budget: Budget) -> bool:
    """Whether a pattern matches somewhere in a text.

    Raises what `compiled` raises, and `UnfinishedCheck` if the budget is spent.
    """
    budget.spend(MATCH_STEPS + len(text) // MATCH_CHARS_PER_STEP)
    found = compiled(pattern)
    started = time.process_time()
    try:
        return found.search(text, timeout=SECONDS_PER_MATCH) is not None
    except TimeoutError:
        raise UnfinishedCheck(f"{pattern!r} takes too long to match (a limit of time, not of steps)") from None
    finally:
        budget.spend_time(started, len(text))
