"""The events of a streaming parser. Diagnostics come between them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..diagnostics import Diagnostic
from ..errors import Span


class MessageStarted(NamedTuple):
    """A message begins. Its content is empty, and its channel None if only the next message shows it.

    `after_stop`: it comes after the stop token that ended the completion; an engine should have stopped.
    """

    number: int
    message: Any
    after_stop: bool = False


class ContentDelta(NamedTuple):
    """More of the content."""

    text: str


class MessageEnded(NamedTuple):
    """A message is complete. `terminator` is the spelling of its stop token; None if it has none."""

    number: int
    message: Any
    span: Span
    terminator: str | None


Event = MessageStarted | ContentDelta | MessageEnded | Diagnostic
