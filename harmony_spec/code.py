"""What a diagnostic or an error is an instance of: a kind of mistake with a name that stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
"""How bad a mistake is: the input cannot be meant like this; it is read, and probably not meant; it may be meant."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""From the worst on."""


Applicability = Literal["safe", "unsafe", "display"]
"""How far a fix can be trusted.

A safe fix changes no field, no character and no content token of what `recover` reads. An unsafe fix writes down a
field that recovery repaired, or replaces tokens. A display fix writes down a guess: it is shown, and applied only if
its code is named.
"""

APPLICABILITIES: tuple[Applicability, ...] = ("safe", "unsafe", "display")
"""From the most to the least certain."""


@dataclass(frozen=True)
class Code:
    """A kind of mistake.

    Attributes:
        code: a letter and three digits; never used for anything else.
        name: states the problem.
        why: why it matters.
        severity: how bad it is.
        fix: how far its fix can be trusted at best; None without a fix.
    """

    code: str
    name: str
    why: str
    severity: Severity = "error"
    fix: Applicability | None = None
