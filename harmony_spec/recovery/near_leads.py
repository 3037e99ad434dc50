"""Near misses of the text that introduces a recipient, such as `to:` or `recipient=` instead of ` to=`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .known_names import without_signs


class NearLead(NamedTuple):
    """Patterns for one lead.

    Attributes:
        words: the word of the grammar, and the name of the field.
        beside: matches one of `words` with a sign, directly before the name; accepted even among other words.
        spaced: also matches a typo of the word, the word or a sign with white space around it, or the word directly
            before the namespace of functions. Accepted only if nothing but header words surrounds it. Quotes, brackets
            and bullets introduce nothing: prose puts them around names.
    """

    words: tuple[str, ...]
    beside: re.Pattern[str]
    spaced: re.Pattern[str]


SIGNS = "=:\uff1d\uff1a"
"""Between the lead and the name. The last two are those of Chinese and Japanese keyboards."""


@lru_cache
def near_lead(lead: str, field: str, of_functions: str) -> NearLead:
    """Compile the near misses of `lead`. A typo is one letter missing or doubled, or two letters swapped."""
    word = without_signs(lead).lower()
    places = range(len(word))
    typos = {word[:at] + word[at + 1 :] for at in places} | {word[:at] + word[at] + word[at:] for at in places}
    typos |= {word[:at] + word[at : at + 2][::-1] + word[at + 2 :] for at in places}
    words = tuple(known for known in (word, field.lower()) if known)
    exact, near = ("|".join(sorted(map(re.escape, {*known} - {""})) or ["(?!)"]) for known in (words, typos))
    sign, namespace = f"[{SIGNS}]", re.escape(of_functions or "\0")
    beside = rf"(?:{exact}){sign}"
    spaced = rf"(?:{exact})\s*{sign}\s*|(?:{near}){sign}|(?:{exact})(?:\s+|(?={namespace}))|{sign}\s*"
    return NearLead(words, re.compile(beside, re.IGNORECASE), re.compile(spaced, re.IGNORECASE))
