"""What `openai_harmony` reads of a header and what it refuses, for callers that depend on it.

It reads a header as text: the channel first, then what is left word by word, from the end.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from harmony_spec import codec

from .conversion import RECOVERY
from .models import Role
from .peer_errors import NO_CHANNEL, NO_ROLE, HarmonyError, unknown_role, words_left

_CHANNEL, _CONSTRAIN, _RECIPIENT = (
    RECOVERY.leads[slot][0].strip()
    for slot in (RECOVERY.slots.channel, RECOVERY.slots.constrain, RECOVERY.slots.recipient)
)
_WORD = re.compile(r"[^ \t\n\f\r]+")
_ROLES = frozenset(role.value for role in Role)
_KEPT = 4096


class Words(NamedTuple):
    """A header cut into words: who wrote the message, the channel, and what is left. None stands for nothing said."""

    author: str | None
    channel: str | None
    left: tuple[str, ...]


@lru_cache(_KEPT)
def words_of(header: str, role: str | None) -> Words | str:
    """The words of a header, or why they cannot be told apart.

    Args:
        header: the text between the tokens that begin a message and open its content, special tokens spelled out.
        role: of the open header that it continues; None where it says who wrote the message.
    """
    before, marked, after = header.partition(_CHANNEL)
    channel = re.match(r"[^\s<]*", after)
    if marked and channel:
        if not channel[0]:
            return NO_CHANNEL
        before += after[channel.end() :]
    words = tuple(_WORD.findall(before.strip().replace(_CONSTRAIN, f" {_CONSTRAIN}")))
    author = words[0] if words and (role is None or words[0] == role) else None
    return Words(author, channel[0] if marked and channel else None, words[1:] if author else words)


def refusal(header: str, role: str | None) -> HarmonyError | None:
    """Why a header is refused that no rule of the grammar describes; None where it is read. See `words_of`."""
    words = words_of(header, role)
    if isinstance(words, str):
        return HarmonyError(words)
    if role is None and words.author is None:
        return HarmonyError(NO_ROLE)
    if role is None and words.author and not _is_author(words.author, words.left):
        return unknown_role(words.author)
    named = words.left[-1:] and words.left[-1].startswith(_RECIPIENT)
    more = words.left[:-1] if named else words.left[:-2]
    return words_left(" ".join(more)) if more else None


def _is_author(word: str, left: tuple[str, ...]) -> bool:
    """Whether a word says who wrote a message: a role, or a tool if anything else is said of it."""
    return word in _ROLES or bool(left) or word.startswith(_RECIPIENT)


def fields_of(header: str, role: str | None, guess: bool) -> dict[str, str | bool | None] | None:
    """The fields that `openai_harmony` reads of a header; None where it refuses it, or takes a special token for a
    part of a name.

    Args:
        header, role: see `words_of`.
        guess: also where a bare word that is no function becomes the recipient, or one that is no role a tool.
    """
    words = words_of(header, role)
    if isinstance(words, str) or refusal(header, role):
        return None
    recipient, kind = (*words.left, None, None)[:2]
    bare = recipient is not None and not recipient.startswith((_RECIPIENT, RECOVERY.of_functions))
    author, slots = words.author or role, RECOVERY.slots
    is_prose = kind is not None and kind.removeprefix(_CONSTRAIN) not in RECOVERY.content_types
    if not guess and (bare or is_prose or author not in _ROLES):
        return None
    if recipient is not None:
        recipient = recipient.removeprefix(_RECIPIENT)
    constrained = kind is not None and kind.startswith(_CONSTRAIN)
    if constrained and kind is not None:
        kind = kind.removeprefix(_CONSTRAIN)
    if any(spelling in word for word in (words.author, recipient, kind) if word for spelling in codec.SPECIAL_TOKENS):
        return None
    return {
        slots.role: author if author in _ROLES else RECOVERY.tool,
        slots.name: None if role or author in _ROLES - {RECOVERY.tool} else author,
        slots.recipient: recipient,
        slots.channel: words.channel,
        slots.constrain: constrained,
        slots.content_type: kind,
    }
