"""How much work the schemas and patterns of one row may ask for, in steps, so that every machine finds the same.

A step is about a microsecond of work: one keyword of a schema at one place of a value, or some characters of a match.
"""

from __future__ import annotations

import time
from contextvars import ContextVar

FIRST_STEPS = 20_000
"""What every row may take: a hundred times as much as a call of a tool with ten parameters does."""

STEPS_PER_CHECK = 500
"""What each declaration, call or answer adds: schemas of a hundred parameters are compared with empty arguments."""

STEPS_PER_CHARACTER = 20
"""What each character of these adds: five times as much as arrays of objects whose parts have five keywords each."""

SECONDS_PER_MATCH = 0.05
"""How long one match may take, in seconds of processor time; common patterns need a thousandth of it. What a pattern
does cannot be counted in steps: this is the last resort against those that try every way through a text."""

SLOW_SECONDS = 4 * SECONDS_PER_MATCH
"""How long the matches of one row may take beyond what is usual for their lengths: those that stop just before the
limit of one match are no better than those that reach it."""

USUAL_SECONDS, USUAL_SECONDS_PER_CHARACTER = 20e-6, 0.2e-6
"""How long a common pattern is looked for in a text, ten times over."""


class Unfinished(Exception):
    """A check that was given up; the message says why."""


class Budget:
    """What is left of the work that a row may ask for."""

    def __init__(self, steps: int = FIRST_STEPS) -> None:
        self.steps = steps
        self.slow_seconds = SLOW_SECONDS

    def grant(self, characters: int) -> None:
        """Add what a declaration, a call or an answer of a length may take."""
        if self.steps >= 0:
            self.steps += STEPS_PER_CHECK + STEPS_PER_CHARACTER * characters

    def take(self, steps: int) -> None:
        """Do so much work; raises `Unfinished` if there is not that much left, from then on each time."""
        self.steps -= steps
        if self.steps < 0:
            raise Unfinished("the schemas of this input take more steps than its length allows")

    def clock(self, started: float, characters: int) -> None:
        """Note that a match is done; raises `Unfinished` if the matches of the row are slow all together."""
        usual = USUAL_SECONDS + USUAL_SECONDS_PER_CHARACTER * characters
        self.slow_seconds -= max(time.process_time() - started - usual, 0)
        if self.slow_seconds < 0:
            self.steps = -1
            raise Unfinished("the patterns of this input take too much time (a limit of time, not of steps)")


current: ContextVar[Budget] = ContextVar("current")
"""The budget of the row that is checked."""
