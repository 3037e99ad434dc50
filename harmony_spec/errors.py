"""The exception family. Whatever else leaves this package is a bug in it, or an argument of a wrong Python type.

An error says what is wrong, where, what could stand there instead, and what to do. Positions are spans in the unit of
the input: token indices for token ids, code points for text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class Span(NamedTuple):
    """A part of the input, from `start` to before `end`, in token indices or in code points."""

    start: int
    end: int


@dataclass(frozen=True)
class Code:
    """A kind of error: a stable code, a name that states the problem, and why it matters."""

    code: str
    name: str
    why: str


UNEXPECTED_TOKEN = Code("H101", "unexpected-special-token", "A special token stands where the grammar has none.")
UNEXPECTED_TEXT = Code("H102", "unexpected-text", "Text stands where the grammar has none, or other text.")
UNEXPECTED_END = Code("H103", "unexpected-end", "The input ends inside a message.")
INVALID_TEXT = Code(
    "H104", "invalid-text", "The bytes of the tokens are not UTF-8, or a string holds half a character."
)
UNKNOWN_TOKEN = Code("H105", "unknown-token", "A token id that the vocabulary does not have means nothing.")
WRONG_START = Code("H106", "wrong-start", "Transcripts, prompts and completions begin and end in different places.")
HEADER_TOO_LONG = Code("H121", "header-too-long", "What is longer than any header is text that lost its header.")
INEXPRESSIBLE = Code(
    "H201", "inexpressible-message", "The format has no way to write this message so that it reads back."
)
SPECIAL_IN_TEXT = Code(
    "H202", "special-token-in-text", "As text, content that spells a special token would become one."
)
INVALID_JSON = Code("H301", "invalid-conversation", "The JSON is not the JSON form of a conversation.")
INVALID_TOOL = Code("H302", "invalid-tool", "A tool that is not defined as the format can say it cannot be offered.")
VOCABULARY_FILE = Code("H401", "wrong-vocabulary", "Token ids mean something in one vocabulary only.")
NOT_ENCODABLE = Code("H402", "text-not-encodable", "The tokenizer cannot encode this text.")


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


class VocabularyError(HarmonyError):
    """A vocabulary is missing or wrong, or cannot encode a text."""
