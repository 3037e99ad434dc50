"""The vocabulary of a format: the ids of its special tokens, and what encodes and decodes ordinary ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class Tokenizer(Protocol):
    """The two methods of a vocabulary that parsing and rendering need. `tiktoken.Encoding` objects have the second."""

    def encode(self, text: str) -> list[int]:
        """Encode a text to ordinary tokens, even if it spells special ones."""

    @property
    def decode_bytes(self) -> Callable[[list[int]], bytes]:
        """A function (or method) that returns the bytes of ordinary tokens."""


@dataclass(repr=False)
class Encoding:
    """The vocabulary of a format. Equal ones share what engines make of them: in llguidance, two seconds and 120 MB.

    Attributes:
        base: the name of the vocabulary of ordinary tokens; None if the caller passes a tokenizer.
        sha256: the hash of its rank file.
        special: the ids of the special tokens, by spelling.
        unassigned: the ids of special tokens that are only reserved.
        tokenizer: used if none is passed, instead of the shipped vocabulary.
    """

    name: str
    size: int
    base: str | None
    base_size: int
    sha256: str | None
    split: tuple[str, ...]
    special: Mapping[str, int]
    unassigned: frozenset[int] = frozenset()
    tokenizer: Tokenizer | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.size, self.sha256))
