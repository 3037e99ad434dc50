"""Whether messages are written as the same token ids."""

from __future__ import annotations

from typing import Any

from ..format.tables import Format
from ..vocabulary import tokenizer_for
from .renderer import NO_TOKENS, render
from .token_texts import ALL_SPECIAL, decode, encode


def is_rendered_alike(format: Format, message: Any, other: Any) -> bool:
    """Whether two messages, each by itself, are rendered to the same token ids in the style that keeps spellings.

    The open header after the first one counts, if its ids are not the usual ones.
    """
    kept = message.tokens or NO_TOKENS
    tokenizer = tokenizer_for(format.encoding, kept.tokenizer)
    opening = list(kept.opening)
    if opening and encode(format, decode(format, opening, tokenizer), ALL_SPECIAL, tokenizer) != opening:
        return False
    ids, others = (
        render(format, [each], next(iter(format.starts)), {}, format.as_parsed, tokenizer) for each in (message, other)
    )
    return ids == others
