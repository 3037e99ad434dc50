"""The bytes of token ids, special tokens spelled out."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index

from harmony_spec import codec
from harmony_spec.format.tables import Tokenizer

from .peer_errors import invalid_token

_LARGEST = 2**32 - 1

_PAST = codec.FORMAT.encoding.size
"""`openai_harmony` reserves one more token than the vocabulary has."""

SPELLINGS = codec.FORMAT.spellings | {_PAST: f"<|reserved_{_PAST}|>"}
"""The special tokens of `openai_harmony`: ids to spellings."""

SPECIAL_TOKENS = {spelling: token for token, spelling in SPELLINGS.items()}
"""The same, spellings to ids."""


def token_id(token: int) -> int:
    """A token id; raises `TypeError` for what is no integer, and `OverflowError` for one that cannot be an id."""
    number = index(token)
    if not 0 <= number <= _LARGEST:
        raise OverflowError(f"{number} is no token id: token ids are 0 to {_LARGEST}")
    return number


def bytes_of(tokens: Iterable[int], tokenizer: Tokenizer) -> bytes:
    """The bytes of token ids; raises `HarmonyError` for one that does not exist."""
    found = list(tokens)
    try:
        return tokenizer.decode_bytes(found)
    except KeyError:
        return b"".join(_bytes_of(token, tokenizer) for token in found)


def _bytes_of(token: int, tokenizer: Tokenizer) -> bytes:
    if spelling := SPELLINGS.get(token):
        return spelling.encode()
    try:
        return tokenizer.decode_bytes([token])
    except KeyError:
        raise invalid_token(token) from None
