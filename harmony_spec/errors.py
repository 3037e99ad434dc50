"""The exceptions of this package. Any other exception is a bug in it, or is caused by an invalid argument, or by a call
in the wrong state, for example after `close`.

Positions are spans in the unit of the input: token indices for token ids, code points for text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "info"]
"""error: the input is certainly wrong; warning: it is probably wrong; info: it may be intended."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""In order, the most severe first."""

Applicability = Literal["safe", "unsafe", "display"]
"""How certain a fix is.

A safe fix changes no field, no character and no content token of the messages that `recover` returns. An unsafe fix
writes a field as recovery repaired it, or replaces tokens. A display fix writes a guess: it is only shown, unless its
code is selected.
"""

APPLICABILITIES: tuple[Applicability, ...] = ("safe", "unsafe", "display")
"""In order, the most certain first."""


class Code(NamedTuple):
    """A kind of mistake.

    Attributes:
        code: a letter and three digits; never reused.
        name: the problem, in kebab case.
        why: why it matters.
        fix: the highest applicability of its fixes; None if it has none.
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


class CodecError(Exception):
    """A file that cannot be used as a codec, or a codec that lacks a function; the message is one line."""


class Fault:
    """A mistake in an input: errors are raised, diagnostics are collected.

    Attributes:
        code: the kind of mistake; `code.code` and `code.name` are stable.
        span: the place in the input, or None.
        unit: the unit of `span`: "token" or "character".
        index: the index of the message, or of the message after a gap; None if there is none.
        pointer: the place in a JSON value, as a JSON pointer (RFC 6901).
        expected: what is valid there.
    """

    code: Code
    span: Span | None
    unit: str
    index: int | None
    pointer: str
    expected: tuple[str, ...]

    def on_one_line(self, problem: str) -> str:
        """The mistake on one line: code, name and place, the problem, and what is valid instead."""
        where = f" at {self.unit} {self.span.start}" if self.span else ""
        where += f" (message {self.index})" if self.index is not None else ""
        where += f" at {self.pointer}" if self.pointer else ""
        expected = f"; expected {any_of(self.expected)}" if self.expected else ""
        return f"{self.code.code} {self.code.name}{where}: {problem}{expected}"


class HarmonyError(Fault, Exception):
    """Base of all errors that input can cause.

    Attributes:
        message: the problem in one sentence.
        around: the text around the position, special tokens spelled out.
        caret: the position in `around`, in code points.
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
        pointer: str = "",
        expected: tuple[str, ...] = (),
        around: str = "",
        caret: int = 0,
        hint: str = "",
    ) -> None:
        self.code, self.message, self.span, self.unit, self.index = code, message, span, unit, index
        self.pointer, self.expected, self.around, self.caret, self.hint = pointer, expected, around, caret, hint
        super().__init__(code, message)

    def __str__(self) -> str:
        near = f"near {self.around!r}" if self.around else ""
        text = "; ".join(filter(None, (self.on_one_line(self.message), near, self._details())))
        stop = "" if text.endswith((".", "?", "!", "\u2026")) else "."
        return f"{text}{stop} {self.hint}" if self.hint else text

    def _details(self) -> str:
        """What else the error has to say before its hint."""
        return ""


class ParseError(HarmonyError):
    """The input does not match the grammar."""


class RenderError(HarmonyError):
    """A message cannot be rendered; `index` is its index."""


class ToolError(RenderError):
    """A tool definition is invalid, or the format cannot express it.

    Attributes:
        rule: the violated rule of a schema or of the grammar.
    """

    def __init__(self, code: Code, message: str, *, rule: str = "", **details: Any) -> None:
        super().__init__(code, message, **details)
        self.rule = rule

    def _details(self) -> str:
        return f"rule: {self.rule}" if self.rule else ""


class ConversationError(HarmonyError):
    """A JSON value is not a conversation."""


class ConversionError(HarmonyError):
    """A JSON value cannot be converted to messages; `pointer` leads to it from the request that has it."""


class RowError(HarmonyError):
    """A file or a row has no text, token ids or conversation."""


class VocabularyError(HarmonyError):
    """A vocabulary is missing or invalid, or cannot encode a text."""


MAX_WRONG_VALUE_CHARS = 60
"""Code points of a wrong value that an error quotes."""


def quoted(value: object) -> str:
    """Return the beginning of a value as JSON, a text as in Python; for what is not JSON, its type."""
    try:
        shown = repr(value) if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        shown = f"a value of the type {type(value).__name__}"
    return shown if len(shown) <= MAX_WRONG_VALUE_CHARS else f"{shown[:MAX_WRONG_VALUE_CHARS]}\u2026"


def schema_reason(error: Any) -> str:
    """The message of an error of `jsonschema`, with a pattern as it is written: Python doubles its backslashes."""
    message, value = str(error.message), error.validator_value
    return message.replace(repr(value), f"'{value}'") if error.validator == "pattern" else message


def any_of(values: Sequence[str]) -> str:
    """Return the words for several possible values."""
    return " or ".join(values) if len(values) < 3 else f"one of {', '.join(values)}"


def near_misses(word: str, known: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known words that a word may be a misspelling of, the most similar first."""
    from difflib import get_close_matches  # which valid input does not need

    return get_close_matches(word, known, n, cutoff)
