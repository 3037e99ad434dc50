"""Finite automata over characters and special tokens: enough to ask whether a grammar reads some input in two ways.

Letters are code points. The letters of special tokens come after the last code point. A set of letters is a tuple of
ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from ..read import regular_expressions as pattern
from ..read.problems import TooLarge
from ..read.reachable import reachable
from ..read.regular_expressions import LAST_CODE_POINT, Ranges, RegexNode

MAX_AUTOMATON_STATES = 20_000
"""A repetition such as `(a{1000}){1000}` would need a million. Harmony's largest automaton has about 1,200."""


@dataclass
class Automaton:
    """States with transitions (letters, target, label), and with moves that read nothing."""

    steps: list[list[tuple[Ranges, int, object]]] = field(default_factory=list)
    empty: list[list[int]] = field(default_factory=list)

    def state(self) -> int:
        if len(self.steps) >= MAX_AUTOMATON_STATES:
            raise TooLarge
        self.steps.append([])
        self.empty.append([])
        return len(self.steps) - 1

    def read(self, start: int, letters: Ranges, label: object) -> int:
        target = self.state()
        self.steps[start].append((letters, target, label))
        return target

    def text(self, start: int, text: str, label: object) -> int:
        for char in text:
            start = self.read(start, ((ord(char), ord(char)),), label)
        return start

    def pattern(self, start: int, node: RegexNode) -> int:
        """Add a pattern as it is written: it may read a string in several ways. Returns the end state."""
        match node:
            case pattern.Text(text):
                return self.text(start, text, None)
            case pattern.Chars():
                return self.read(start, pattern.ranges(node), None)
            case pattern.Concat(items):
                for item in items:
                    start = self.pattern(start, item)
                return start
            case pattern.AnyOf(options):
                end = self.state()
                for option in options:
                    self.empty[self.pattern(self.branch(start), option)].append(end)
                return end
            case pattern.Repeat(item, low, high):
                return self.repeat(start, item, low, high)
        return start

    def branch(self, start: int) -> int:
        state = self.state()
        self.empty[start].append(state)
        return state

    def repeat(self, start: int, item: RegexNode, low: int, high: int | None) -> int:
        for _ in range(low):
            start = self.pattern(start, item)
        end = self.state()
        self.empty[start].append(end)
        if high is None:
            loop = self.branch(start)
            last = self.pattern(loop, item)
            self.empty[last] += [loop, end]
            return end
        for _ in range(high - low):
            start = self.pattern(start, item)
            self.empty[start].append(end)
        return end

    def insert(self, start: int, machine: DeterministicAutomaton, label: object) -> int:
        """Add a deterministic automaton, which reads each string in one way. Returns the end state."""
        states = [self.state() for _ in machine.steps]
        end = self.state()
        self.empty[start].append(states[0])
        for source, row in enumerate(machine.steps):
            self.steps[states[source]] += [(letters, states[target], label) for letters, target in row]
            if source in machine.final:
                self.empty[states[source]].append(end)
        return end

    def without(self, start: int, end: int, machine: DeterministicAutomaton, source: int) -> int:
        """Add a copy of the part between two states, without the strings of a machine. Returns the end state."""
        made: dict[tuple[int, int], int] = {}
        final = self.state()
        todo: list[tuple[int, int]] = []

        def place(state: int, other: int) -> int:
            if (state, other) not in made:
                made[state, other] = self.state()
                todo.append((state, other))
            return made[state, other]

        self.empty[source].append(place(start, 0))
        while todo:
            state, other = todo.pop()
            here = made[state, other]
            if state == end:
                if other not in machine.final:
                    self.empty[here].append(final)
                continue
            for target in self.empty[state]:
                self.empty[here].append(place(target, other))
            for letters, target, label in self.steps[state]:
                for part, their_target in machine.moves(other, letters):
                    self.steps[here].append((part, place(target, their_target), label))
        return final

    def determinize(self, start: int, ends: Iterable[int]) -> DeterministicAutomaton:
        """The deterministic automaton for the part between a state and some ends."""
        final = set(ends)
        closures: dict[int, frozenset[int]] = {}

        def closure(states: Iterable[int]) -> frozenset[int]:
            for state in states:
                if state not in closures:
                    closures[state] = frozenset(reachable([state], self.empty.__getitem__))
            return frozenset().union(*map(closures.__getitem__, states))

        first = closure([start])
        numbers = {first: 0}
        rows: list[list[tuple[Ranges, int]]] = []
        todo = [first]

        @cache  # most ranges of a class have the same targets
        def number_of(targets: tuple[int, ...]) -> int:
            subset = closure(targets)
            if subset not in numbers:
                if len(todo) >= MAX_AUTOMATON_STATES:
                    raise TooLarge
                numbers[subset] = len(todo)
                todo.append(subset)
            return numbers[subset]

        while len(rows) < len(todo):
            edges = [(letters, target) for s in todo[len(rows)] for letters, target, _ in self.steps[s]]
            if len({letters for letters, _ in edges}) == 1:
                rows.append([(edges[0][0], number_of(tuple(target for _, target in edges)))])
                continue
            changes: dict[int, list[tuple[int, int]]] = {}
            for letters, target in edges:
                for low, high in letters:
                    changes.setdefault(low, []).append((target, 1))
                    changes.setdefault(high + 1, []).append((target, -1))
            moves: dict[int, list[int]] = {}
            active: dict[int, int] = {}
            for low, after in pairwise(sorted(changes)):
                for target, step in changes[low]:
                    active[target] = active.get(target, 0) + step
                    if not active[target]:
                        del active[target]
                if active:
                    moves.setdefault(number_of(tuple(active)), []).extend((low, after - 1))
            rows.append([(_joined(bounds), target) for target, bounds in moves.items()])
        return DeterministicAutomaton(tuple(map(tuple, rows)), frozenset(numbers[s] for s in numbers if s & final))


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


def _joined(bounds: list[int]) -> Ranges:
    """Ranges from a flat list of first and last letters, neighbours joined."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(zip(bounds[::2], bounds[1::2], strict=True)):
        if joined and joined[-1][1] + 1 == low:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return tuple(joined)


@cache
def machine(node: RegexNode) -> DeterministicAutomaton:
    """The deterministic automaton of a pattern."""
    made = Automaton()
    start = made.state()
    return made.determinize(start, [made.pattern(start, node)])


@cache
def first_letters(node: RegexNode) -> Ranges:
    """The letters with which a string of a pattern can begin."""
    return tuple(sorted(bounds for letters, _ in machine(node).steps[0] for bounds in letters))


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
    found = []
    for low, high in one:
        for first, last in other:
            if last < low or first > high:
                continue
            if first > low:
                found.append((low, first - 1))
            low = last + 1
        if low <= high:
            found.append((low, high))
    return tuple(found)


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


def samples(made: DeterministicAutomaton) -> Iterator[str]:
    """A string through each transition of a machine, as short as possible."""
    before, into = {0: ""}, dict[int, list[tuple[int, str]]]()
    for state in (todo := [0]):
        for letters, target in made.steps[state]:
            into.setdefault(target, []).append((state, chr(sample(letters))))
            if target not in before:
                before[target] = before[state] + chr(sample(letters))
                todo.append(target)
    after = dict.fromkeys(sorted(made.final), "")
    for state in (todo := [*after]):
        for source, char in into.get(state, ()):
            if source not in after:
                after[source] = char + after[state]
                todo.append(source)
    for target in (target for target in into if target in after):
        yield from (before[source] + char + after[target] for source, char in into[target])
