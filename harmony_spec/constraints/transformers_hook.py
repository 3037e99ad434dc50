"""A logits processor for `generate` of transformers, by llguidance."""

from __future__ import annotations

import re
from typing import Any

from ..errors import CodecError
from .constraint import Constraint
from .engines import imported, llguidance_tokenizer

REFUSED = re.compile(rb"\0+")
"""Neighbours that are not admitted: most tokens, in few runs."""


class ConstrainedLogits:
    """Masks the tokens that a constraint does not admit, in a batch of one or more sequences.

    After the end of a completion, only the token that ends sequences is admitted.

    Args:
        constraint: what may be written.
        prompt_length: the number of tokens of the prompt, which ends with the open header.
        end: the id of the token that ends sequences.

    Raises:
        CodecError: llguidance is missing, or refuses the grammar.
    """

    def __init__(self, constraint: Constraint, prompt_length: int, end: int) -> None:
        self._made = imported("llguidance")
        self._tokenizer = llguidance_tokenizer(constraint.format.encoding)
        self._grammar = self._made.LLMatcher.grammar_from_lark(constraint.lark())
        self._read, self._end, self._matchers = prompt_length, end, list[Any]()
        if error := self._made.LLMatcher.validate_grammar(self._grammar, self._tokenizer):
            raise CodecError(f"llguidance refuses the grammar: {error}")

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores of the next tokens, with minus infinity for those that are not admitted."""
        if not self._matchers:
            self._matchers = [self._made.LLMatcher(self._tokenizer, self._grammar) for _ in range(len(input_ids))]
        for row, matcher in enumerate(self._matchers):
            for token in input_ids[row][self._read :]:
                if not matcher.is_stopped():
                    matcher.consume_token(int(token))
            self._mask(matcher, scores[row])
        self._read = len(input_ids[0])
        return scores

    def _mask(self, matcher: Any, scores: Any) -> None:
        ends = matcher.is_stopped()
        admitted = bytes(self._end) + b"\1" if ends else matcher.compute_logit_bias()  # a byte for each token
        for refused in REFUSED.finditer(admitted):
            scores[slice(*refused.span())] = float("-inf")
        scores[len(admitted) :] = float("-inf")
