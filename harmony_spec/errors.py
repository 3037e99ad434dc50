"""The exception family. Whatever else leaves this package is a bug in it, or an argument of a wrong Python type.

An error says what is wrong, where, what could stand there instead, and what to do. Positions are spans in the unit of
the input: token indices for token ids, code points for text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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


class Span(NamedTuple):
    """A part of the input, from `start` to before `end`, in token indices or in code points."""

    start: int
    end: int


class HarmonyError(Exception):
    """Base of all errors that input can cause.

    Attributes:
        code: what kind of error this is; `code.code` and `code.name` are stable.
        message: the problem in one sentence.
        span: where, or None where there is no position in an input.
        unit: what `span` counts: "token" or "character".
        index: the number of the message, from 0, or None.
        expected: what could have stood there.
        around: the text around the position, special tokens spelled out.
        caret: where in `around` the position is, in code points.
        hint: what to do about it.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        span: Span | None = None,
        unit: str = "character",
        index: int | None = None,
        expected: tuple[str, ...] = (),
        around: str = "",
        caret: int = 0,
        hint: str = "",
    ) -> None:
        self.code, self.message, self.span, self.unit, self.index = code, message, span, unit, index
        self.expected, self.around, self.caret, self.hint = expected, around, caret, hint
        super().__init__(code, message)

    def __str__(self) -> str:
        where = f" at {self.unit} {self.span.start}" if self.span else ""
        where += f" (message {self.index})" if self.index is not None else ""
        parts = [f"{self.code.code} {self.code.name}{where}: {self.message}"]
        if self.expected:
            parts.append(f"expected {' or '.join(self.expected)}")
        if self.around:
            parts.append(f"near {self.around!r}")
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts)


class ParseError(HarmonyError):
    """The input is not what the grammar describes."""


class RenderError(HarmonyError):
    """A message cannot be written; `index` says which."""


class ToolError(RenderError):
    """A tool definition is wrong, or says what the format cannot express.

    Attributes:
        pointer: where in the definition, or in its parameters, as a JSON pointer (RFC 6901).
        rule: the rule that it breaks, of a schema or of the grammar.
    """

    def __init__(self, code: Code, message: str, *, pointer: str = "", rule: str = "", **details: Any) -> None:
        super().__init__(code, message, **details)
        self.pointer, self.rule = pointer, rule

    def __str__(self) -> str:
        where = f" at {self.pointer}" if self.pointer else ""
        said = super().__str__().replace(self.code.name, self.code.name + where, 1)
        return f"{said}; rule: {self.rule}" if self.rule else said


class ConversationError(HarmonyError):
    """A JSON value is not a conversation."""


class RowError(HarmonyError):
    """A file, or a row of one, holds no text, token ids or conversation."""


class VocabularyError(HarmonyError):
    """A vocabulary is missing or wrong, or cannot encode a text."""
