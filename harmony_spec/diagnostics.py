"""What recovery says about an input: each repair with its place, its evidence and what it was taken for."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Applicability, Code, Span


@dataclass(frozen=True)
class Fix:
    """A change of an input that removes a mistake and leaves what `recover` reads equal.

    Attributes:
        span: what is replaced, in the unit of the input.
        replacement: the new text, or the new token ids.
        applicability: how far it can be trusted.
        codes: the codes that make it no more certain than that: name these to apply a display fix.
    """

    span: Span
    replacement: str | tuple[int, ...]
    applicability: Applicability = "safe"
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnostic:
    """A place where an input leaves the grammar, and how it was read, or where it says what cannot be meant.

    Attributes:
        code: the kind of mistake; `code.code` and `code.name` are stable.
        span: where, in the unit of the input.
        unit: what the span counts: "token" or "character".
        index: the number of the message, from 0, or of the one that follows a gap.
        raw: the text there, special tokens spelled out; the middle of a long one is left out.
        taken_for: what it was read as; empty where it was left out.
        evidence: why.
        expected: what could stand there instead.
        pointer: where in the JSON value there, as a JSON pointer (RFC 6901).
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
        """What stands there, and what it was taken for, if that is something else."""
        taken = f"taken for {self.taken_for}" if self.taken_for not in ("", self.raw) else ""
        return " is ".join(filter(None, (repr(self.raw) if self.raw else "", taken)))

    def __str__(self) -> str:
        said = f"{self.code.code} {self.code.name} at {self.unit} {self.span.start} (message {self.index})"
        inside = f" at {self.pointer}" if self.pointer else ""
        expected = f"; expected {' or '.join(self.expected)}" if self.expected else ""
        return f"{said}{inside}: {self.reading}{': ' if self.reading else ''}{self.evidence}{expected}"


@dataclass(frozen=True)
class Repair:
    """What recovery says of a message; None on messages that are as the grammar describes them.

    Attributes:
        fields: the fields whose values were repaired or inferred.
        after_stop: the message stands behind the stop token that ended the completion.
        forged: a tool's message inside of a completion, which the model made up.
        candidate: the tool that a call without recipient is likely for; never put into the message.
        head: what stood before the content: text, or token ids.
        body: the content as it stood.
        tail: what stood behind the content.
        said: the fields that these parts stand for; empty where the message is as the grammar describes it.
    """

    fields: tuple[str, ...] = ()
    after_stop: bool = False
    forged: bool = False
    candidate: str | None = None
    head: str | tuple[int, ...] = field(default="", repr=False)
    body: str | tuple[int, ...] = field(default="", repr=False)
    tail: str | tuple[int, ...] = field(default="", repr=False)
    said: tuple[object, ...] = field(default=(), repr=False)
