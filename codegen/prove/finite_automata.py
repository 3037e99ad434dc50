"""Finite automata over characters and special tokens: enough to ask whether a grammar reads some input in two ways.

Letters are code points. The letters of special tokens come after the last code point. A set of letters is a tuple of
ranges.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from ..read import regular_expressions as pattern
from ..read.grammar_nodes import AnyOf, Chars, Concat, GrammarNode, Repeat, Text
from ..read.problems import TooLarge
from ..read.regular_expressions import LAST_CODE_POINT, Ranges

MAX_AUTOMATON_STATES = 20_000
"""A repetition such as `(a{1000}){1000}` would need a million. Harmony's largest automaton has about 1,200."""

DONE = 0
"""The state in which nothing is left to read."""


class Rest(NamedTuple):
    """What is left to read: a node from some place in it, then another state. The label is of the letters of the node.

    Attributes:
        at: the letters or parts of the node that were read; for an automaton, its state.
    """

    node: AutomatonNode
    after: int
    label: object
    at: int = 0
    beside: int = 0


class Move(NamedTuple):
    letters: Ranges
    target: int
    label: object


class Automaton:
    """An automaton whose states are what is left to read. Each way to read a text is a path of its own."""

    def __init__(self) -> None:
        self.states: list[Rest | None] = [None]
        self.numbers: dict[tuple[int, int, object, int, int], int] = {}
        self.rows: dict[int, tuple[list[Move], int]] = {DONE: ([], 1)}

    def state(self, node: AutomatonNode, after: int, label: object, at: int = 0, beside: int = 0) -> int:
        key = (id(node), after, label, at, beside)  # comparing large nodes would take long
        if key not in self.numbers:
            if len(self.states) >= MAX_AUTOMATON_STATES:
                raise TooLarge
            self.numbers[key] = len(self.states)
            self.states.append(Rest(node, after, label, at, beside))
        return self.numbers[key]

    def row(self, state: int) -> tuple[list[Move], int]:
        """The moves from a state, one for each way to them, and the number of ways to the end without a letter."""
        if state not in self.rows:
            found = [*self.ways(state, frozenset())]
            moves = [move for move in found if move is not None]
            self.rows[state] = moves, len(found) - len(moves)
        return self.rows[state]

    def ways(self, state: int, passed: frozenset[int]) -> Iterator[Move | None]:
        """Each next letter of what is left to read, None for each way to its end; `passed` are states before it."""
        rest = self.states[state]
        if rest is None:
            yield None
        elif state in passed:  # a repetition whose item may be empty
            yield from self.ways(rest.after, passed)
        else:
            yield from self.ways_of(rest, passed | {state})

    def ways_of(self, rest: Rest, passed: frozenset[int]) -> Iterator[Move | None]:
        node, after, label, at, beside = rest
        match node:
            case Text(text) if at < len(text):
                target = self.state(node, after, label, at + 1) if at + 1 < len(text) else after
                yield Move(((ord(text[at]), ord(text[at])),), target, label)
            case Chars():
                yield Move(pattern.ranges(node), after, label)
            case Concat(items) if at < len(items):
                then = self.state(node, after, label, at + 1) if at + 1 < len(items) else after
                yield from self.ways(self.state(items[at], then, label), passed)
            case AnyOf(options):
                for option in options:
                    yield from self.ways(self.state(option, after, label), passed)
            case Repeat(item, low, high):
                if high is None or at < high:
                    again = self.state(node, after, label, at + 1 if high is not None else min(at + 1, low))
                    yield from self.ways(self.state(item, again, label), passed)
                if at >= low:
                    yield from self.ways(after, passed)
            case DeterministicAutomaton(steps, final):
                for letters, target in steps[at]:
                    yield Move(letters, self.state(node, after, label, target), label)
                if at in final:
                    yield from self.ways(after, passed)
            case Without(machine):
                for move in self.ways(at, passed):
                    if move is not None:
                        for part, other in machine.moves(beside, move.letters):
                            yield Move(part, self.state(node, after, label, move.target, other), move.label)
                    elif beside not in machine.final:
                        yield from self.ways(after, passed)
            case _:
                yield from self.ways(after, passed)

    def determinize(self, starts: Iterable[int]) -> DeterministicAutomaton:
        """The deterministic automaton for all that can be read from some states."""
        numbers: dict[frozenset[int], int] = {}
        todo: list[frozenset[int]] = []
        rows: list[list[tuple[Ranges, int]]] = []

        @cache  # most ranges of a class have the same targets
        def number_of(targets: tuple[int, ...]) -> int:
            subset = frozenset(targets)
            if subset not in numbers:
                if len(todo) >= MAX_AUTOMATON_STATES:
                    raise TooLarge
                numbers[subset] = len(todo)
                todo.append(subset)
            return numbers[subset]

        number_of(tuple(starts))
        while len(rows) < len(todo):
            found = (move[:2] for state in sorted(todo[len(rows)]) for move in self.row(state)[0])
            edges = [*dict.fromkeys(found)]
            if len({letters for letters, _ in edges}) == 1:
                rows.append([(edges[0][0], number_of(tuple(target for _, target in edges)))])
                continue
            changes: dict[int, list[tuple[int, int]]] = {}
            for letters, target in edges:
                for low, high in letters:
                    changes.setdefault(low, []).append((target, 1))
                    changes.setdefault(high + 1, []).append((target, -1))
            moves: dict[int, list[tuple[int, int]]] = {}
            active: dict[int, int] = {}
            for low, after in pairwise(sorted(changes)):
                for target, step in changes[low]:
                    active[target] = active.get(target, 0) + step
                    if not active[target]:
                        del active[target]
                if not active:
                    continue
                ranges = moves.setdefault(number_of(tuple(active)), [])
                if ranges and ranges[-1][1] + 1 == low:
                    low, _ = ranges.pop()
                ranges.append((low, after - 1))
            rows.append([(tuple(ranges), target) for target, ranges in moves.items()])
        final = (number for subset, number in numbers.items() if any(self.row(state)[1] for state in subset))
        return DeterministicAutomaton(tuple(map(tuple, rows)), frozenset(final))


@dataclass(frozen=True)
class DeterministicAutomaton:
    """A deterministic automaton; state 0 is the beginning, and -1 is that of no string."""

    steps: tuple[tuple[tuple[Ranges, int], ...], ...]
    final: frozenset[int]

    def moves(self, state: int, letters: Ranges) -> Iterator[tuple[Ranges, int]]:
        """The states after some letters, each after those that lead to it."""
        rest = letters
        for theirs, target in self.steps[state] if state >= 0 else ():
            if both := overlap(letters, theirs):
                yield both, target
                rest = difference(rest, theirs)
        if rest:
            yield rest, -1


@dataclass(frozen=True)
class Without:
    """What another state can read, apart from the texts of a machine."""

    machine: DeterministicAutomaton


AutomatonNode = GrammarNode | DeterministicAutomaton | Without


@cache
def machine(node: GrammarNode) -> DeterministicAutomaton:
    """The deterministic automaton of a pattern."""
    made = Automaton()
    return made.determinize([made.state(node, DONE, None)])


@cache
def overlap(one: Ranges, other: Ranges) -> Ranges:
    """The letters in both sets."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low <= high:
            found.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


@cache
def difference(one: Ranges, other: Ranges) -> Ranges:
    """The letters in the first set and not in the second."""
    edges = [0, *(edge for low, high in other for edge in (low, high + 1)), sys.maxsize]
    return overlap(one, tuple((low, after - 1) for low, after in zip(edges[::2], edges[1::2], strict=True)))


def sample(letters: Ranges) -> int:
    """A letter of a set; a readable one if there is one, since errors show it."""
    for wanted in "ab1_ ":
        if any(low <= ord(wanted) <= high for low, high in letters):
            return ord(wanted)
    visible = overlap(letters, ((0x21, 0x7E),))
    return visible[0][0] if visible else letters[0][0]


def token_letter(number: int) -> int:
    """The letter for a special token by its number."""
    return LAST_CODE_POINT + 1 + number


def witness(one: DeterministicAutomaton, other: DeterministicAutomaton) -> str | None:
    """A shortest string of the first machine that is not one of the other; None if there is none."""
    todo: list[tuple[int, int, str]] = [(0, 0, "")]
    seen = {(0, 0)}
    for state, beside, text in todo:
        if state in one.final and beside not in other.final:
            return text
        for letters, target in one.steps[state]:
            for both, their in other.moves(beside, letters):
                if (target, their) not in seen:
                    seen.add((target, their))
                    todo.append((target, their, text + chr(sample(both))))
    return None


def samples(made: DeterministicAutomaton, letter_of: Callable[[Ranges], int] = sample) -> Iterator[str]:
    """A string through each transition of a machine, as short as possible, with one letter of each set."""
    before, into = {0: ""}, dict[int, list[tuple[int, str]]]()
    for state in (todo := [0]):
        for letters, target in made.steps[state]:
            into.setdefault(target, []).append((state, chr(letter_of(letters))))
            if target not in before:
                before[target] = before[state] + chr(letter_of(letters))
                todo.append(target)
    after = dict.fromkeys(sorted(made.final), "")
    for state in (todo := [*after]):
        for source, char in into.get(state, ()):
            if source not in after:
                after[source] = char + after[state]
                todo.append(source)
    for target in (target for target in into if target in after):
        yield from (before[source] + char + after[target] for source, char in into[target])
