"""The findings of recovery and validation: diagnostics, repairs and fixes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import Applicability, Code, Fault, Span

MAX_QUOTED_CHARS = 120
"""Longer texts are abridged in diagnostics: they are printed one to a line."""


def abridge(raw: str, limit: int = MAX_QUOTED_CHARS) -> str:
    """Remove the middle of a long text."""
    return raw if len(raw) <= limit else f"{raw[: limit // 2]}\u2026{raw[-limit // 2 :]}"


@dataclass(frozen=True)
class Fix:
    """A change of an input that removes a mistake. `recover` returns the same messages before and after.

    Attributes:
        span: the replaced part, in the unit of the input.
        replacement: the new text, or the new token ids.
        applicability: how certain it is.
        codes: the codes with this applicability, if it removes several mistakes. Select them to apply a display fix.
    """

    span: Span
    replacement: str | tuple[int, ...]
    applicability: Applicability = "safe"
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnostic(Fault):
    """A mistake in an input: it does not match the grammar, and was repaired, or it breaks a rule of validation.

    Attributes:
        span: the place, in the unit of the input.
        raw: the text there, special tokens spelled out; the middle of a long text is left out.
        taken_for: the repaired text; empty if recovery dropped it, and for mistakes that are not repaired.
        evidence: the reason for the repair, or for the finding.
        fix: a change that removes the mistake; None if there is none.
    """

    code: Code
    span: Span
    unit: str
    index: int
    raw: str
    taken_for: str
    evidence: str
    expected: tuple[str, ...] = ()
    pointer: str = ""
    fix: Fix | None = None

    @property
    def reading(self) -> str:
        """The text there, and how it was repaired."""
        taken = f"taken for {self.taken_for}" if self.taken_for not in ("", self.raw) else ""
        return " is ".join(filter(None, (repr(self.raw) if self.raw else "", taken)))

    def __str__(self) -> str:
        return self.on_one_line(f"{self.reading}{': ' if self.reading else ''}{self.evidence}")


class Alternative(NamedTuple):
    """The next reading of a header: its fields, and what its edits cost, in tenths."""

    fields: dict[str, str | bool | None]
    cost: int


@dataclass(frozen=True)
class Repair:
    """How recovery repaired a message; None on messages that match the grammar.

    Attributes:
        fields: the fields whose values were repaired or inferred.
        after_stop: the message comes after the stop token that ended the completion.
        forged: a tool's message inside of a completion, which the model made up.
        candidate: the likely tool of a call without recipient; never the recipient of the message.
        cost: what the edits of its header cost, in tenths (`grammar/recovery.toml`).
        alternative: the next reading of its header, if it costs little more.
        is_ambiguous: whether that reading costs about the same.
        head, body, tail: the input before the content, of the content, and after it: text or token ids.
        original_fields: the fields of the message as recovery read it. Empty if the message matches the grammar. If the
            fields have changed since, `head` is no longer rendered.
        continues: whether `head` continues an open header, as in a completion.
        opening: the fields of that header, if the message has other values. Empty if the message matches the grammar.
    """

    fields: tuple[str, ...] = ()
    after_stop: bool = False
    forged: bool = False
    candidate: str | None = None
    cost: int = 0
    alternative: Alternative | None = None
    is_ambiguous: bool = False
    head: str | tuple[int, ...] = field(default="", repr=False)
    body: str | tuple[int, ...] = field(default="", repr=False)
    tail: str | tuple[int, ...] = field(default="", repr=False)
    original_fields: tuple[object, ...] = field(default=(), repr=False)
    continues: bool = field(default=False, repr=False)
    opening: tuple[tuple[str, Any], ...] = field(default=(), repr=False)
