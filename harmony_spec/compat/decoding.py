"""The bytes of token ids, special tokens spelled out."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index

from harmony_spec import codec
from harmony_spec.format.token_encoding import Tokenizer

from .peer_errors import HarmonyError

MAX_PEER_TOKEN_ID = 2**32 - 1

_EXTRA_TOKEN = codec.FORMAT.encoding.size
"""The id of a special token that `openai_harmony` reserves after the last one of the vocabulary."""

SPELLINGS = codec.FORMAT.spellings | {_EXTRA_TOKEN: f"<|reserved_{_EXTRA_TOKEN}|>"}
"""The spellings of the special tokens of `openai_harmony`, by id."""

PEER_SPECIAL_TOKENS = {spelling: token for token, spelling in SPELLINGS.items()}
"""The ids of the special tokens of `openai_harmony`, by spelling."""


def require_token_id(token: int) -> int:
    """Return a token id as an int.

    Raises:
        TypeError: it is not an integer.
        OverflowError: it is outside of the range of ids.
    """
    number = index(token)
    if not 0 <= number <= MAX_PEER_TOKEN_ID:
        raise OverflowError(f"{number} is not a token id: token ids are 0 to {MAX_PEER_TOKEN_ID}")
    return number


def bytes_of_tokens(tokens: Iterable[int], tokenizer: Tokenizer) -> bytes:
    """The bytes of token ids. Raises `HarmonyError` for an id without token."""
    found = list(tokens)
    try:
        return tokenizer.decode_bytes(found)
    except KeyError:
        return b"".join(_bytes_of_token(token, tokenizer) for token in found)


def _bytes_of_token(token: int, tokenizer: Tokenizer) -> bytes:
    if spelling := SPELLINGS.get(token):
        return spelling.encode()
    try:
        return tokenizer.decode_bytes([token])
    except KeyError:
        raise HarmonyError(f"Invalid token for decoding: {token}") from None
