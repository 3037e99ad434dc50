"""Open headers: whether one can be written, and those that the messages of a transcript continue."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..errors import RenderError
from ..format.content_writing import Inexpressible
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..source.token_places import tokens_of_mixed
from ..vocabulary import tokenizer_for
from .renderer import Plan


def require_opening(format: Format, given: dict[str, Any]) -> None:
    """Raise `ValueError`, with the words of the renderer, for fields with which no open header can be written."""
    for start, paths in format.starts.items():
        if any(frame is format.open_frame for frame, _ in paths[0].steps):
            try:
                plan = Plan(format, [], start, given, format.default_style, "token")
            except RenderError:  # prompts of this format begin with messages
                continue
            try:
                plan.opening()
            except RenderError as error:
                raise ValueError(error.message) from None


class OpenHeaders:
    """The open headers that the messages of a plan continue."""

    def __init__(self, plan: Plan, tokenizer: Tokenizer | None) -> None:
        self.plan, self.tokenizer = plan, tokenizer_for(plan.format.encoding, tokenizer)
        self.caches = plan.format.caches_of(self.tokenizer)
        self.known = self.caches.of("opened")
        fields = plan.format.open_frame.fields if plan.format.open_frame else ()
        self.fields = attrgetter(*fields) if fields else lambda message: ()

    def of(self, number: int) -> list[int]:
        """The tokens that a prompt for a message ends with; empty if it cannot end so."""
        key = self.plan.frames[number].name, self.fields(self.plan.messages[number])
        tokens = self.known.get(key)
        if tokens is None:
            try:
                mixed = self.plan.opening_of(number)
            except Inexpressible:
                mixed = ""
            tokens = tokens_of_mixed(self.plan.format, mixed, self.tokenizer.encode)
            self.caches.remember(self.known, key, tokens, len(tokens))
        return tokens
