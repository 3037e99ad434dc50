"""What `openai_harmony` refuses in a header, for callers that depend on it.

It reads a header as text: the channel first, then what is left word by word, from the end.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .conversion import RECOVERY
from .errors import NO_CHANNEL, NO_ROLE, HarmonyError, unknown_role, words_left
from .models import Role

_CHANNEL, _CONSTRAIN, _RECIPIENT = (
    RECOVERY.leads[slot][0].strip()
    for slot in (RECOVERY.slots.channel, RECOVERY.slots.constrain, RECOVERY.slots.recipient)
)
_WORD = re.compile(r"[^ \t\n\f\r]+")
_KEPT = 4096


def refusal(header: str, role: Role | None) -> HarmonyError | None:
    """Why a header is refused that no rule of the grammar describes; None where it is read.

    Args:
        header: the text between the tokens that begin a message and open its content, special tokens spelled out.
        role: of the open header that it continues; None where it says who wrote the message.
    """
    found = _refusal(header, None if role is None else role.value)
    return None if found is None else HarmonyError(*found.args)


@lru_cache(_KEPT)
def _refusal(header: str, role: str | None) -> HarmonyError | None:
    before, marked, after = header.partition(_CHANNEL)
    if marked:
        channel = re.match(r"[^\s<]*", after)
        assert channel is not None
        if not channel[0]:
            return HarmonyError(NO_CHANNEL)
        before += after[channel.end() :]
    words = _WORD.findall(before.strip().replace(_CONSTRAIN, f" {_CONSTRAIN}"))
    if role is None:
        if not words:
            return HarmonyError(NO_ROLE)
        if not _is_author(words):
            return unknown_role(words[0])
        words = words[1:]
    elif words[:1] == [role]:
        words = words[1:]
    more = words[:-1] if words[-1:] and words[-1].startswith(_RECIPIENT) else words[:-2]
    return words_left(" ".join(more)) if more else None


def _is_author(words: list[str]) -> bool:
    """Whether the first word says who wrote a message: a role, or a tool if anything else is said of it."""
    known = {role.value for role in Role}
    return words[0] in known or len(words) > 1 or words[0].startswith(_RECIPIENT)
