"""The token ids that a message was read from, so that they can be written back."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import NamedTuple

from ..format.tables import Tokenizer


class MessageTokens(NamedTuple):
    """The token ids that a message was read from. Each part has one code point for each id: four bytes, or fewer.

    Attributes:
        header: the ids before the content, up to the last special token among them.
        content: the ids from there to the next special token; text of the header beside the content is among them.
        stop: the ids after that.
        opening: the ids of the open header after the last message of a prompt.
        text: what `content` spells with `tokenizer`; None if that was not checked.
        tokenizer: the tokenizer that decoded `content`.
    """

    header: str
    content: str
    stop: str
    opening: str = ""
    text: str | None = None
    tokenizer: Tokenizer | None = None

    @property
    def ids(self) -> list[int]:
        """The token ids of the message."""
        return ids_of(self.header + self.content + self.stop)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy without the tokenizer; `content` is then decoded when it is rendered."""
        return MessageTokens, tuple(self[:4])


def ids_of(units: str) -> list[int]:
    """Return the token ids that the code points of a string are."""
    return array("I", units.encode("utf-32-le", "surrogatepass")).tolist()


def units_of(ids: Iterable[int]) -> str:
    """Return token ids as the code points of a string. Raises an error for a number that is not a code point."""
    return array("I", ids).tobytes().decode("utf-32-le", "surrogatepass")
