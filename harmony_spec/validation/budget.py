"""A budget for the schemas and patterns of one row. It counts steps, not time: findings are the same on every machine.

A step is about a microsecond of work: one keyword of a schema applied to one value, or some characters of a match.
"""

from __future__ import annotations

import time

FIRST_STEPS = 20_000
"""Steps that every row may use: a hundred times what a call of a tool with ten parameters needs."""

STEPS_PER_CHECK = 500
"""Steps that each declaration, call or answer adds: enough to compare empty arguments with a hundred parameters."""

STEPS_PER_CHARACTER = 20
"""Steps that each character of these adds: five times what arrays of objects need whose parts have five keywords."""

SECONDS_PER_MATCH = 0.05
"""Processor time of one match, in seconds; common patterns need a thousandth of it. Steps cannot count what a pattern
does: this is the last resort against patterns that backtrack without end."""

SLOW_SECONDS = 4 * SECONDS_PER_MATCH
"""Processor time that all matches of a row may need beyond the usual time for their lengths. Without it, matches that
stop just before the limit of one match would have no limit together."""

USUAL_SECONDS, USUAL_SECONDS_PER_CHARACTER = 20e-6, 0.2e-6
"""Ten times the time in which a common pattern is searched in a text."""


class UnfinishedCheck(Exception):
    """A check was stopped; the message is the reason."""


class Budget:
    """The work that is left for one row.

    Attributes:
        open_references: the references of schemas that are being followed: the ids of the schema and of the value.
    """

    def __init__(self, steps: int = FIRST_STEPS) -> None:
        self.steps = steps
        self.slow_seconds = SLOW_SECONDS
        self.open_references = set[tuple[int, int]]()

    def grant(self, characters: int) -> None:
        """Add the steps for a declaration, call or answer of this length."""
        if self.steps >= 0:
            self.steps += STEPS_PER_CHECK + STEPS_PER_CHARACTER * characters

    def spend(self, steps: int) -> None:
        """Raise `UnfinishedCheck` if fewer steps are left, now and on every later call."""
        self.steps -= steps
        if self.steps < 0:
            raise UnfinishedCheck("the schemas of this input need more steps than its length allows")

    def spend_time(self, started: float, characters: int) -> None:
        """Record a match that began at `started` (processor time).

        Raises `UnfinishedCheck` if the matches of the row are too slow together.
        """
        usual = USUAL_SECONDS + USUAL_SECONDS_PER_CHARACTER * characters
        self.slow_seconds -= max(time.process_time() - started - usual, 0)
        if self.slow_seconds < 0:
            self.steps = -1
            raise UnfinishedCheck("the patterns of this input need too much time (a limit of time, not of steps)")
