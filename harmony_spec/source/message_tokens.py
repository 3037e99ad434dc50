"""The token ids that a message was read from, so that they can be written back."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from ..format.token_encoding import Tokenizer

new_tuple = tuple.__new__
"""Makes named tuples in half the time of a call of their class."""


class MessageTokens(NamedTuple):
    """The token ids that a message was read from.

    Attributes:
        units: ids: as an array, or all ids of the input, which its messages share: as the code points of a string, or
            of a stream as a list.
        content_start: the index after the last special token before the content. Text of the header may follow.
        content_end: the index of the next special token.
        opening: the ids of the open header after the last message of a prompt.
        text: what the ids between the indices spell with `tokenizer`; None if that was not checked.
        tokenizer: the tokenizer that decoded them.
        begin, end: the indices of the message.
    """

    units: str | array[int] | list[int]
    content_start: int
    content_end: int
    opening: tuple[int, ...] = ()
    text: str | None = None
    tokenizer: Tokenizer | None = None
    begin: int = 0
    end: int | None = None

    @staticmethod
    def of(header: Sequence[int], content: Sequence[int], stop: Sequence[int], opening: Sequence[int]) -> MessageTokens:
        """Return the tokens with these parts."""
        end = len(header) + len(content)
        return MessageTokens(array("I", [*header, *content, *stop]), len(header), end, tuple(opening))

    @property
    def ids(self) -> list[int]:
        """All ids of the message."""
        return _ids_of(self.units[self.begin : self.end])

    @property
    def header(self) -> list[int]:
        """The ids before the content."""
        return _ids_of(self.units[self.begin : self.content_start])

    @property
    def content(self) -> list[int]:
        """The ids of the content."""
        return _ids_of(self.units[self.content_start : self.content_end])

    @property
    def stop(self) -> list[int]:
        """The ids after the content."""
        return _ids_of(self.units[self.content_end : self.end])

    @property
    def around(self) -> Hashable:
        """The ids before and after the content, to compare."""
        before, after = self.units[self.begin : self.content_start], self.units[self.content_end : self.end]
        return (before, after) if isinstance(self.units, str) else (tuple(before), tuple(after))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy without the tokenizer; the content is then decoded when it is rendered."""
        start, end = self.content_start - self.begin, self.content_end - self.begin
        return MessageTokens, (self.units[self.begin : self.end], start, end, self.opening)


class NoMessages(list[Any]):
    """The empty list of messages of a prompt, with the token ids that its open header was read from.

    Messages may be added. The first one then continues that header.
    """

    def __init__(self, opening: Sequence[int]) -> None:
        super().__init__()
        self.tokens = MessageTokens.of((), (), (), opening)

    def __copy__(self) -> NoMessages:
        copied = NoMessages(self.tokens.opening)
        copied += self
        return copied


MAX_TOKEN_ID = 0x10FFFF
"""The largest token id, since ids become code points."""


def are_token_ids(values: Iterable[object]) -> bool:
    """Whether all values can be token ids of a vocabulary."""
    return all(type(value) is int and 0 <= value <= MAX_TOKEN_ID for value in values)


def _ids_of(units: str | array[int] | list[int]) -> list[int]:
    """Return token ids as a list."""
    return list(array("I", units.encode("utf-32-le", "surrogatepass")) if isinstance(units, str) else units)
