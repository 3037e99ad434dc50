"""The result of the recovering and the streaming parser, and the events of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from ..diagnostics import Diagnostic
from ..errors import Span
from ..parsing.strict_parsing import Parsed

M = TypeVar("M")

BETWEEN, HEADER, CONTENT = "between", "header", "content"
"""The places in an input: between messages, in a header, in a content."""


@dataclass(frozen=True)
class Recovered(Parsed[M], Generic[M]):
    """The result of the recovering parser.

    Attributes:
        gaps: the parts of the input outside of messages; with the spans of the messages they tile the input.
        diagnostics: the mistakes, in the order in which they were found.
    """

    gaps: list[Span] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def before_stop(self) -> list[M]:
        """The messages up to the stop token that ended the completion; in a transcript, all."""
        return [m for m in self.messages if not (repair := getattr(m, "repair", None)) or not repair.after_stop]


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
"""Diagnostics come between the events of messages."""
