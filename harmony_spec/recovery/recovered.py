"""The result of the recovering and the streaming parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..diagnostics import Diagnostic
from ..errors import Span
from ..parsing.strict_parsing import Parsed

M = TypeVar("M")


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
