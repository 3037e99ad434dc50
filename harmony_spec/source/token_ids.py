"""Lists of token ids from callers: anything that can be made an integer, such as the scalars of Arrow."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

IDS = "I"
"""The type code of arrays of token ids: four bytes each, as in UTF-32."""


def ids_of(tokens: Iterable[Any]) -> list[int]:
    """Token ids of any type, such as the scalars of Arrow, as integers. Raises `TypeError` for other values."""
    found = [*tokens]
    try:
        return [*map(index, found)]
    except TypeError:
        raise not_ids(found) from None


def require_ids(tokens: list[int]) -> None:
    """Raise `TypeError` for a list with something else than token ids."""
    try:
        array(IDS, tokens)
    except OverflowError:  # an integer that is not a token id; what comes after it was not read
        ids_of(tokens)
    except TypeError:
        raise not_ids(tokens) from None


def not_ids(tokens: Sequence[object]) -> TypeError:
    """Return the error for a list with something else than token ids, or with ids that do not compare as integers."""
    wrong = (pair for has_index in (True, False) for pair in enumerate(tokens) if not _is_id(pair[1], has_index))
    at, first = next(wrong)
    return TypeError(f"expected token ids, got {type(first).__name__} at index {at}")


def _is_id(value: Any, has_index: bool) -> bool:
    """Whether a value is an integer; for `has_index`, whether it can be made one. A null of Arrow cannot."""
    if not has_index or isinstance(value, int):
        return isinstance(value, int)
    try:
        index(value)
    except TypeError:
        return False
    return True
