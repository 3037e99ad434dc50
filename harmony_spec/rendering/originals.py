"""Repaired messages, written back as they were in the input until they are changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..diagnostics import Repair
from ..format.tables import Format


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
