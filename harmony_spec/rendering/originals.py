"""Repaired messages written back as they stood in the input, as long as they say what they said there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..diagnostics import Repair
from ..format.tables import Format
from ..source.lenient import LenientTokens, Source


def as_read(format: Format, message: Any) -> Repair | None:
    """The parts of the input that a message stood in; None for one that was not repaired, or was changed since."""
    repair: Repair | None = message.repair
    if repair is None or not repair.said:
        return None
    said = tuple(getattr(message, name) for name in (*format.header_fields, format.content))
    return repair if said == repair.said else None


def canonical(format: Format, message: Any) -> Any:
    """A repaired message as the format writes it. The stop token that it had stays."""
    always = (rule.alternative for rule in format.always if rule.applies(message))
    return replace(message, repair=None, variants=(*message.variants, *always))


def tokens_of(format: Format, source: Source, encode: Callable[[str], list[int]]) -> list[int]:
    """The token ids of a part of an input; in a text, what spells a special token is one."""
    if not isinstance(source, str):
        return list(source)
    tokens: list[int] = []
    for part in re.split(f"({format.special_text})", source):
        tokens += [format.encoding.special[part]] if part in format.encoding.special else encode(part)
    return tokens


def text_of(format: Format, source: Source) -> str:
    """A part of an input with special tokens spelled out."""
    if isinstance(source, str):
        return source
    from ..vocabulary import tokenizer_for

    form = LenientTokens(format, source, tokenizer_for(format.encoding, None))
    return form.spelled(0, len(source))
