"""What validation says of one input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..diagnostics import Diagnostic, Recovered

M = TypeVar("M")


@dataclass(frozen=True)
class Report(Generic[M]):
    """What validation says of one input.

    Attributes:
        recovered: the messages, as recovery reads them, and where they stand.
        diagnostics: all that is wrong, by place.
    """

    recovered: Recovered[M]
    diagnostics: list[Diagnostic]

    @property
    def messages(self) -> list[M]:
        """The messages, also those that were repaired."""
        return self.recovered.messages
