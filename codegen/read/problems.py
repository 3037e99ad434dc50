"""What is wrong with a grammar: where, why, and how to correct it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Place:
    """A position in a file of the grammar folder; line and column count from 1. That of a file is its first one."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Problem:
    """One reason why a grammar cannot become a codec."""

    place: Place
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}\n    {self.remedy}"


class GrammarError(Exception):
    """The generator refuses a grammar. `problems` are all that one run found, in the order of their places."""

    def __init__(self, problems: list[Problem]) -> None:
        found = {replace(each, reason=visible(each.reason), remedy=visible(each.remedy)) for each in problems}
        self.problems = tuple(_without_repetitions(sorted(found)))
        super().__init__("\n".join(map(str, self.problems)))


def visible(text: str) -> str:
    """A text with escapes in place of control characters, such as line breaks, and of surrogates."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _without_repetitions(problems: list[Problem]) -> Iterator[Problem]:
    """What is wrong with one name at several places, such as an old one, is one problem. A reason that names nothing is
    about its place."""
    others: dict[tuple[str, str], list[str]] = {}
    for each in problems:
        others.setdefault((each.reason, each.remedy), []).append(str(each.place))
    for each in problems:
        places = others[each.reason, each.remedy]
        if "`" not in each.reason or len(places) == 1:
            yield each
        elif places[0] == str(each.place):
            yield replace(each, reason=f"{each.reason}; also at {', '.join(places[1:])}")


def suggestion(name: str, known: Collection[str], title: str) -> str:
    """The remedy for an unknown name."""
    return f"{_question(name, known)}{title}: {', '.join(known) or 'none'}."


def definition_remedy(name: str, defined: Collection[str]) -> str:
    """The remedy for a rule or terminal that is not defined."""
    return f"{_question(name, defined)}Define it, or correct the spelling."


def _question(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean `{near[0]}`? " if near else ""


class TooLarge(Exception):
    """A pattern or rule needs more states than the limits allow."""
