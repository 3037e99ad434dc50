"""Headers as `openai_harmony` 0.0.8 reads and refuses them, for callers that depend on it.

It parses a header as text: first the channel, then the remaining words, from the last to the first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category

from harmony_spec import codec

from .conversion import RECOVERY, SLOTS
from .models import Role

_CHANNEL, _CONSTRAIN, _RECIPIENT = (
    RECOVERY.leads[slot][0].strip() for slot in (SLOTS.channel, SLOTS.constrain, SLOTS.recipient)
)
_WORD = re.compile(r"[^ \t\n\f\r]+")
_ROLES = frozenset(role.value for role in Role)
HEADER_WORDS_CACHE_SIZE = 4096


class HeaderWords(NamedTuple):
    """The words of a header: the author, the channel, and the other words. None for a missing one."""

    author: str | None
    channel: str | None
    left: tuple[str, ...]


@lru_cache(HEADER_WORDS_CACHE_SIZE)
def split_header(header: str, role: str | None) -> HeaderWords | str:
    """Split a header into words; return the error of `openai_harmony` if it refuses the header.

    Args:
        header: the text between the start token and the message token, special tokens spelled out.
        role: the role of the open header that it continues; None if the header begins with its author.
    """
    before, marked, after = header.partition(_CHANNEL)
    channel = re.split(r"[\s<]", after, maxsplit=1)[0]
    if marked and not channel:
        return "channel marker present but no channel value found in header"
    rest = before + after[len(channel) :]
    words = tuple(_WORD.findall(rest.strip().replace(_CONSTRAIN, f" {_CONSTRAIN}")))
    author = words[0] if words and (role is None or words[0] == role) else None
    left = words[1:] if author else words
    if role is None and author is None:
        return "message header did not contain a role"
    if role is None and author not in _ROLES and not left and not str(author).startswith(_RECIPIENT):
        return f"Unknown role: {author}"  # with more words, it would be the name of a tool
    named = left[-1:] and left[-1].startswith(_RECIPIENT)
    if more := left[:-1] if named else left[:-2]:
        return f'unexpected tokens remaining in message header: Some("{_debugged(" ".join(more))}")'
    return HeaderWords(author, channel or None, left)


def _debugged(text: str) -> str:
    """A text as Rust's `Debug` writes it: quotes, backslashes, marks on other characters, what is not printable."""
    shown = {'"': r"\"", "\\": r"\\", "\0": r"\0"}
    hidden = {char for char in text if not char.isprintable() or category(char) in ("Mn", "Me")}
    return "".join(shown.get(char) or (f"\\u{{{ord(char):x}}}" if char in hidden else char) for char in text)


def read_fields(header: str, role: str | None, guess: bool) -> dict[str, str | bool | None] | None:
    """The fields that `openai_harmony` reads from a header; None if it refuses it, or a name contains a special token.

    Args:
        header, role: see `split_header`.
        guess: also return fields in which a bare word that is not a function is the recipient, or an unknown role is a
            tool.
    """
    words = split_header(header, role)
    if isinstance(words, str):
        return None
    recipient, kind = (*words.left, None, None)[:2]
    bare = recipient is not None and not recipient.startswith((_RECIPIENT, RECOVERY.of_functions))
    author = words.author or role
    is_prose = kind is not None and kind.removeprefix(_CONSTRAIN) not in RECOVERY.content_types
    if not guess and (bare or is_prose or author not in _ROLES):
        return None
    constrained = kind is not None and kind.startswith(_CONSTRAIN)
    recipient, kind = recipient and recipient.removeprefix(_RECIPIENT), kind and kind.removeprefix(_CONSTRAIN)
    if any(spelling in word for word in (words.author, recipient, kind) if word for spelling in codec.SPECIAL_TOKENS):
        return None
    return {
        SLOTS.role: author if author in _ROLES else RECOVERY.tool,
        SLOTS.name: None if role or author in _ROLES - {RECOVERY.tool} else author,
        SLOTS.recipient: recipient,
        SLOTS.channel: words.channel,
        SLOTS.constrain: constrained,
        SLOTS.content_type: kind,
    }
