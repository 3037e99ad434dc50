"""How many tokens the messages of each channel have."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..recovery.recovered import Recovered
from ..vocabulary import load


def tokens_by_channel(source: str | list[int], recovered: Recovered[Any], codec: ModuleType) -> dict[str | None, int]:
    """The tokens of the messages of a source by channel, headers included; None is for no channel."""
    found: dict[str | None, int] = {}
    recovery = codec.FORMAT.recovery
    field = recovery.slots.channel
    for message, span in zip(recovered.messages, recovered.spans, strict=False):  # a prompt has one span more
        part = source[span.start : span.end]
        channel = getattr(message, field) if field else None
        found[channel] = found.get(channel, 0) + (_tokens(part, codec) if isinstance(part, str) else len(part))
    return found


def _tokens(text: str, codec: ModuleType) -> int:
    """How many tokens a text has in which special tokens are spelled out."""
    vocabulary = load(codec.FORMAT.encoding)
    count = at = 0
    for match in codec.FORMAT.special_matcher.finditer(text):
        count += 1 + len(vocabulary.encode(text[at : match.start()]))
        at = match.end()
    return count + len(vocabulary.encode(text[at:]))
