"""The result of `validate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from .. import parsing
from ..diagnostics import Diagnostic
from ..errors import Span
from ..recovery.recovered import Recovered
from ..source.forms import Form
from ..source.token_places import Places
from ..vocabulary import tokenizer_for

M = TypeVar("M")


@dataclass(frozen=True)
class Report(Generic[M]):
    """The result of `validate` for one input.

    Attributes:
        recovered: the messages, as recovery reads them, and their spans.
        diagnostics: all mistakes, ordered by span, in the unit of the input.
    """

    recovered: Recovered[M]
    diagnostics: list[Diagnostic]
    _form: Form = field(repr=False, compare=False)

    def _repr_html_(self) -> str | None:
        return parsing.notebook and parsing.notebook(self)

    @property
    def reading(self) -> tuple[Form, Recovered[M]]:
        """The input, and what recovery read from it."""
        return self._form, self.recovered

    @property
    def messages(self) -> list[M]:
        """All messages, repaired ones included."""
        return self.recovered.messages

    def text_span(self, diagnostic: Diagnostic) -> Span:
        """The span of a diagnostic in code points of the text, special tokens spelled out."""
        return self._places.text(diagnostic.span)

    def token_span(self, diagnostic: Diagnostic) -> Span:
        """The span of a diagnostic in token indices. A text is encoded for this."""
        return self._places.tokens(diagnostic.span)

    @cached_property
    def _places(self) -> Places:
        return Places(self._form, lambda: tokenizer_for(self._form.format.encoding))
