"""A logits processor for `generate` of transformers, by llguidance."""

from __future__ import annotations

from typing import Any

from ..errors import CodecError
from .constraint import Constraint
from .engine_vocabularies import imported, llguidance_tokenizer


class ConstrainedLogits:
    """Masks the tokens that a constraint does not admit, in a batch of one or more sequences, also in beam search.

    After the end of a completion, only the token that ends sequences is admitted.

    Args:
        constraint: what may be written.
        prompt_length: the number of tokens of the prompts, with their padding. They end with the open header.
        end: the id of the token that ends sequences.

    Raises:
        CodecError: llguidance or torch is missing, or llguidance refuses the grammar.
    """

    def __init__(self, constraint: Constraint, prompt_length: int, end: int) -> None:
        made, tokenizer = imported("llguidance").LLMatcher, llguidance_tokenizer(constraint.format.encoding)
        grammar = made.grammar_from_lark(constraint.lark())
        if error := made.validate_grammar(grammar, tokenizer):
            raise CodecError(f"llguidance refuses the grammar: {error}")
        self._torch, self._first = imported("torch"), made(tokenizer, grammar)
        self._prompt_length, self._end = prompt_length, end
        self._matchers: dict[tuple[int, ...], Any] = {}

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores of the next tokens, with minus infinity for those that are not admitted."""
        rows = [tuple(tokens[self._prompt_length :]) for tokens in input_ids.tolist()]
        self._matchers = {written: self._matcher_after(written) for written in rows}
        for row, written in enumerate(rows):
            self._mask(self._matchers[written], scores[row])
        return scores

    def _matcher_after(self, written: tuple[int, ...]) -> Any:
        """What may follow; None after the end, and for a beam that could not be continued, as its score shows.

        Beams change their rows, and share tokens: the last token is read after those before it, whose row that was.
        """
        before, new = (written[:-1], written[-1:]) if written[:-1] in self._matchers else ((), written)
        known = self._matchers[before] if before else self._first
        if known is None:
            return None
        matcher = known.deep_copy()
        is_open = matcher.try_consume_tokens([*new]) == len(new) and not matcher.is_stopped()
        return matcher if is_open else None

    def _mask(self, matcher: Any, scores: Any) -> None:
        admitted = bytes(self._end) + b"\1" if matcher is None else matcher.compute_logit_bias()  # a byte for a token
        refused = self._torch.frombuffer(bytearray(admitted), dtype=self._torch.uint8) == 0
        scores[: len(refused)].masked_fill_(refused[: len(scores)].to(scores.device), float("-inf"))
        scores[len(refused) :] = float("-inf")
