"""Conditions on messages, and what depends on them: their kind in a turn, alternatives to write, and drops."""

from __future__ import annotations

from typing import NamedTuple


class Choose(NamedTuple):
    """An alternative to write in messages that meet `when`: fields and their values, or whether they are present."""

    alternative: str
    when: tuple[tuple[str, str | bool], ...]

    def applies(self, message: object) -> bool:
        return meets(message, self.when)


def meets(message: object, when: tuple[tuple[str, str | bool], ...]) -> bool:
    """Whether a message meets a condition, see `Choose`."""
    for name, wanted in when:
        value = getattr(message, name)
        if (bool(value) if isinstance(wanted, bool) else value) != wanted:
            return False
    return True


class Kind(NamedTuple):
    """A kind of message in a turn. A message is of the first kind whose condition `when` it meets.

    Attributes:
        has: more fields that its messages should have.
        ends: the name of the stop token that ends it; None for the canonical one.
        last: the name of the stop token that ends it as the last message of a completion.
        then: the kinds that may follow.
    """

    name: str
    when: tuple[tuple[str, str | bool], ...]
    has: tuple[tuple[str, str | bool], ...]
    ends: str | None
    last: str | None
    then: tuple[str, ...]

    def value(self, field: str | None, default: str | None) -> str | None:
        """The value of a field that its messages have, None for no value; `default` if the kind names none."""
        named = dict((*self.when, *self.has)).get(field or "", True)
        return default if named is True else named or None


NO_KIND = Kind("", (), (), None, None, ())


class Drop(NamedTuple):
    """The messages that prompts leave out: those that meet `dropped` before the last one that meets `completes`."""

    dropped: tuple[tuple[str, str | bool], ...]
    completes: tuple[tuple[str, str | bool], ...]
