"""What a diagnostic or an error is an instance of: a kind of mistake with a name that stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
"""How bad a mistake is: the input cannot be meant like this; it is read, and probably not meant; it may be meant."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""From the worst on."""


@dataclass(frozen=True)
class Code:
    """A kind of mistake.

    Attributes:
        code: a letter and three digits; never used for anything else.
        name: states the problem.
        why: why it matters.
        severity: how bad it is.
        fixable: whether what `harmony-spec validate --fix` writes in its place is surely what was meant.
    """

    code: str
    name: str
    why: str
    severity: Severity = "error"
    fixable: bool = False
