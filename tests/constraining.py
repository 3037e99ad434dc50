"""llguidance under the vocabulary of a codec: whether it admits tokens, and completions that it samples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

from llguidance import LLMatcher

from harmony_spec import codec
from harmony_spec.constraints.engine_vocabularies import llguidance_tokenizer, spare_token

END = spare_token(codec.FORMAT.encoding)
"""What llguidance takes for the end of text; no grammar has it."""


@lru_cache(50)
def _matcher(grammar: str) -> LLMatcher:
    found = LLMatcher(llguidance_tokenizer(codec.FORMAT.encoding), LLMatcher.grammar_from_lark(grammar))
    assert not found.is_error(), found.get_error()
    return found


def matcher(grammar: str) -> LLMatcher:
    return _matcher(grammar).deep_copy()


def ids(text: str) -> list[int]:
    return codec.encode(text, allowed_special="all")


def consumed(grammar: str, tokens: Sequence[int]) -> int:
    """How many tokens the grammar admits."""
    return matcher(grammar).try_consume_tokens(list(tokens))


def admits(grammar: str, source: str | Sequence[int]) -> bool:
    """Whether a whole completion is admitted, up to its end."""
    tokens = ids(source) if isinstance(source, str) else list(source)
    found = matcher(grammar)
    return found.try_consume_tokens(tokens) == len(tokens) and found.is_accepting()


def sample(grammar: str, seed: int, most: int = 400) -> list[int] | None:
    """A completion of random tokens that are allowed, sooner or later the ones that end something; None if too long."""
    chosen, found = random.Random(seed), matcher(grammar)
    tokens: list[int] = []
    closing = [*map(ord, '"}]'), *codec.SPECIAL_TOKENS.values()]
    closing += [token for token in map(first, ('"}', "}", '"', "]", '":', '":"', "json", "0", "1")) if token]
    while len(tokens) < most:
        if found.is_stopped():
            return tokens
        forced = found.compute_ff_tokens()
        if forced:
            token = forced[0]
        else:
            mask = found.compute_bitmask()
            allowed = [i for i in closing if mask[i >> 3] >> (i & 7) & 1 and i != END]
            if not allowed or chosen.random() < 0.4:
                allowed = [i for i in sampled(chosen) if mask[i >> 3] >> (i & 7) & 1] or allowed or listed(mask)
            if not allowed:
                return tokens
            token = chosen.choice(allowed)
        assert found.consume_token(token), found.get_error()
        tokens.append(token)
    return None


def first(text: str) -> int:
    return ids(text)[0]


def sampled(chosen: random.Random) -> list[int]:
    return [chosen.randrange(codec.FORMAT.encoding.base_size) for _ in range(200)]


def listed(mask: bytes) -> list[int]:
    return [i for i in range(len(mask) * 8) if i != END and mask[i >> 3] >> (i & 7) & 1]
