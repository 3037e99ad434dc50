"""Proof that a grammar reads every input in at most one way. So every rendered message is read back unchanged.

The rules of a start rule become one automaton in which a path is a reading. Two different paths that read the same text
are an ambiguity; the error shows the shortest such text. Among the alternatives of a rule, order decides, as it does in
Lark and in the generated patterns: a later alternative never reads what an earlier one can read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..model.format_model import Format, StartRule, Step
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import (
    AnyOf,
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleMark,
    RuleValue,
    Special,
    called,
    walk,
)
from ..read.problems import Problem
from ..read.reachable import reachable
from .finite_automata import DONE, Automaton, Move, Rest, Without, machine, overlap, sample, samples, token_letter

MAX_SAMPLED_STATES = 1_000
"""There is a text for each transition, and the longest is as long. Harmony's largest pattern without lookaheads has 29
states."""


@dataclass(frozen=True)
class Label:
    """The rule that reads a transition, and the field that the letter belongs to, if any."""

    field: str | None
    rule: str


def ambiguities(format: Format) -> Iterator[Problem]:
    """A problem for each place where a start rule reads an input in two ways, and for each alternative never chosen."""
    automaton, places = _FrameAutomaton(format), set()
    for start in format.starts:
        reading = _search(automaton, automaton.state(_path_node(start), DONE, Label(None, start.name)))
        if reading is not None:
            problem = _problem(format, start, reading)
            if problem.place not in places:
                yield problem
            places.add(problem.place)
    for rule in reachable(format.frames, lambda name: called(format.rules[name].node)):
        node = format.rules[rule].node
        for index, branch in enumerate(node.branches if isinstance(node, RuleChoice) else ()):
            if isinstance(node, RuleChoice) and not automaton.ends(automaton.branch(node, index, DONE)):
                reason = f"alternative `{branch.name}` of `{rule}` is never chosen: earlier ones read all of it"
                yield Problem(branch.place, reason, "Put it first, or remove it.")


def _path_node(start: StartRule) -> GrammarNode:
    """The alternatives of a start rule."""
    paths = []
    for _, steps in start.paths:
        calls = ((RuleCall(step.frame), pattern.REPETITIONS.get(step.times)) for step in steps)
        paths.append(Concat(tuple(Repeat(call, *bounds) if bounds else call for call, bounds in calls)))
    return AnyOf(tuple(paths))


def ambiguous_repetitions(format: Format) -> Iterator[Problem]:
    """A repetition that can split one text in two ways takes exponential time to fail."""
    for terminal in (*format.terminals.values(), *format.contents.terminals.values()):
        if any(_is_ambiguous(node) for node in walk(terminal.pattern) if isinstance(node, Repeat)):
            reason = f"a repetition in `{terminal.name}` can read some text in several ways"
            yield Problem(terminal.place, reason, "Leave out one of the nested repetitions, or the empty item.")


def texts_cut_short(format: Format) -> Iterator[Problem]:
    """A pattern reads the alternative that comes first, not the longest one, in Lark, too. Those with a lookahead may
    mean that."""
    for terminal in (*format.terminals.values(), *format.contents.terminals.values()):
        made = machine(terminal.pattern)
        if len(made.steps) > MAX_SAMPLED_STATES or pattern.aheads(terminal.pattern):
            continue
        for text in samples(made):
            if (found := terminal.matcher.match(text)) and found[0] != text:
                reason = f"`{terminal.name}` reads {found[0]!r} where the text is {text!r}"
                yield Problem(
                    terminal.place, reason, "Write the alternative first that reads more, all of them in one pattern."
                )
                break


def _is_ambiguous(node: Repeat) -> bool:
    """Whether a repetition can split one text in two ways."""
    if node.high is not None and node.high < 2:
        return False
    automaton = Automaton()
    return _search(automaton, automaton.state(Repeat(node.item, 0, None), DONE, None)) is not None


class _FrameAutomaton(Automaton):
    """The automaton of all start rules."""

    def __init__(self, format: Format) -> None:
        super().__init__()
        self.format = format
        self.letters = {special.spelling: token_letter(i) for i, special in enumerate(format.specials)}
        self.later: dict[tuple[str, int], Without] = {}

    def ways_of(self, rest: Rest, passed: frozenset[int]) -> Iterator[Move | None]:
        node, after, label, *_ = rest
        assert isinstance(label, Label)
        match node:
            case Special(_, spelling):
                letter = self.letters[spelling]
                yield Move(((letter, letter),), after, label)
            case RuleValue(field, terminal):
                read = machine(self.format.terminals[terminal].pattern)
                yield from self.ways(self.state(read, after, Label(field, label.rule)), passed)
            case RuleMark(_, item):
                yield from self.ways(self.state(item, after, label), passed)
            case RuleCall(name):
                yield from self.ways(self.state(self.format.rules[name].node, after, Label(None, name)), passed)
            case RuleChoice(_, branches):
                for index in range(len(branches)):
                    yield from self.ways(self.branch(node, index, after), passed)
            case _:
                yield from super().ways_of(rest, passed)

    def branch(self, choice: RuleChoice, index: int, after: int) -> int:
        """The state of an alternative, without the texts that an earlier one reads."""
        label = Label(None, choice.rule)
        if not index:
            return self.state(choice.branches[0].node, after, label)
        alone = [self.state(branch.node, DONE, label) for branch in choice.branches[: index + 1]]
        key = choice.rule, index
        if key not in self.later:
            self.later[key] = Without(self.determinize(alone[:-1]))
        return self.state(self.later[key], after, label, alone[-1])

    def ends(self, state: int) -> bool:
        """Whether any text can be read from a state."""
        found = reachable([state], lambda each: [move.target for move in self.row(each)[0]])
        return any(self.row(each)[1] for each in found)


Pair = tuple[int, int, bool]

Reading = list[tuple[int, Any, Any]]
"""Letters that two paths read, each with the label that it has in the one and in the other."""


def _search(automaton: Automaton, begin: int) -> Reading | None:
    """Two different paths from a state to the end that read the same letters, as short as possible."""
    first: Pair = (begin, begin, False)
    back: dict[Pair, tuple[Pair, tuple[int, Any, Any]] | None] = {first: None}
    todo = deque([first])
    while todo:
        one, other, differ = pair = todo.popleft()
        (moves, ends), (their_moves, their_ends) = automaton.row(one), automaton.row(other)
        if ends * (their_ends if differ else ends - 1):
            found: Reading = []
            while (step := back[pair]) is not None:
                pair, read = step
                found.append(read)
            return found[::-1]
        for i, (letters, target, label) in enumerate(moves):
            for j, (theirs, their_target, their_label) in enumerate(their_moves):
                if not differ and j < i:
                    continue
                both = letters if letters is theirs else overlap(letters, theirs)
                if not both:
                    continue
                following: Pair = (target, their_target, differ or i != j)
                if following not in back:
                    back[following] = (pair, (sample(both), label, their_label))
                    todo.append(following)
    return None


def _problem(format: Format, start: StartRule, reading: Reading) -> Problem:
    differing = next(((one.rule, other.rule) for _, one, other in reading if one != other), None)
    place = format.rules[differing[0]].place if differing else start.rule.place
    text = "".join(_letter(format, letter) for letter, _, _ in reading)
    first, second = _shown((read[0], read[1]) for read in reading), _shown((read[0], read[2]) for read in reading)
    ways = ": `{}` or `{}` reads a part of it".format(*differing) if differing else ""
    ways = f": as {first}, or as {second}" if first != second else ways
    reason = (
        f"ambiguous: the {start.name} `{text}` can be read in two ways{ways}; rendered, a message may not read back"
    )
    remedy = "Put a delimiter between the parts that none of them can contain."
    if any(_has_equal_options(steps) for _, steps in start.paths) and first == second:
        remedy = "Write only one of the equal parts with `?`, or repeat it with `*`."
    if not reading:
        remedy = "Let one path only be empty; kinds of messages are named alternatives of the one rule for messages."
    return Problem(place, reason, remedy)


def _has_equal_options(steps: tuple[Step, ...]) -> bool:
    """Whether a path has a part more than once that may be absent."""
    options = [step.frame for step in steps if step.times]
    return len(set(options)) < len(options)


def _letter(format: Format, letter: int) -> str:
    number = letter - token_letter(0)
    return format.specials[number].spelling if number >= 0 else chr(letter)


def _shown(reading: Iterable[tuple[int, Label]]) -> str:
    """The fields of one reading."""
    runs = groupby(reading, lambda read: read[1].field)
    texts = ((field, "".join(chr(letter) for letter, _ in run)) for field, run in runs if field)
    return ", ".join(f"{field}={text!r}" for field, text in texts) or "no fields"
