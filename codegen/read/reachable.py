"""What is reached from a start, step by step: rules that rules use, states of automata."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def reachable(start: Iterable[T], following: Callable[[T], Iterable[T]]) -> dict[T, None]:
    """The start and all that follows it, each before what follows it alone."""
    found: dict[T, None] = {}
    todo = [*start][::-1]
    while todo:
        if (current := todo.pop()) not in found:
            found[current] = None
            todo += [*following(current)][::-1]
    return found
