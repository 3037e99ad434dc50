"""What a streaming parser tells: a message begins, more of its content, it is complete. Diagnostics come between."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..diagnostics import Diagnostic
from ..errors import Span


class MessageStarted(NamedTuple):
    """A message begins; its content is still empty, and its channel None where that shows only later."""

    number: int
    message: Any


class ContentDelta(NamedTuple):
    """More of the content."""

    text: str


class MessageEnded(NamedTuple):
    """A message is complete. `terminator` is the spelling of its stop token; None where the input ended."""

    number: int
    message: Any
    span: Span
    terminator: str | None


Event = MessageStarted | ContentDelta | MessageEnded | Diagnostic
