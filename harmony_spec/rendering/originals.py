"""Messages as they were in the input, which are written back until they are changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..diagnostics import Repair
from ..errors import ParseError
from ..format.tables import Format, Tokenizer
from ..source.forms import TokenForm


def original_text(format: Format, message: Any) -> Repair | None:
    """Return the input of a repaired message; None if it was not repaired, or has changed since."""
    repair: Repair | None = message.repair
    if repair is None or not repair.original_fields:
        return None
    current = tuple(getattr(message, name) for name in (*format.header_fields, format.content))
    return repair if current == repair.original_fields else None


def canonical(format: Format, message: Any) -> Any:
    """Return a repaired message as the format writes it, with the stop token that it had."""
    always = (rule.alternative for rule in format.always if rule.applies(message))
    return replace(message, repair=None, variants=(*message.variants, *always))


def spelled_by(format: Format, ids: Sequence[int], tokenizer: Tokenizer) -> str | None:
    """Return the text that token ids spell, in the mixed alphabet; None if they spell none."""
    try:
        return TokenForm(format, ids, tokenizer).mixed(0, len(ids))
    except (ParseError, ArithmeticError, LookupError, TypeError, ValueError):  # ids of another tokenizer
        return None
