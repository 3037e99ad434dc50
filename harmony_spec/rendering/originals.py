"""Repaired messages written back as they stood in the input, as long as they say what they said there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..diagnostics import Repair
from ..format.tables import Format


def original_text(format: Format, message: Any) -> Repair | None:
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
