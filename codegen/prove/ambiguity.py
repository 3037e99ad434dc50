"""Proof that a grammar reads every input in at most one way. So every rendered message is read back unchanged.

The rules of a start rule become one automaton in which a path is a reading. Two different paths that read the same text
are an ambiguity; the error shows the shortest such text. Among the alternatives of a rule, order decides, as it does in
Lark and in the generated patterns: a later alternative never reads what an earlier one can read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..model.format_model import Format, StartRule
from ..model.rule_nodes import (
    GrammarNode,
    RuleCall,
    RuleChoice,
    RuleList,
    RuleMark,
    RuleOption,
    RuleSequence,
    RuleValue,
)
from ..model.terminals import FixedText, Special
from ..read import regular_expressions as pattern
from ..read.problems import Place, Problem
from ..read.reachable import reachable
from ..read.regular_expressions import Ranges, Repeat
from .finite_automata import Automaton, machine, overlap, sample, samples, token_letter

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
    places = set()
    for start in format.starts:
        reader = _AutomatonBuilder(format)
        begin = reader.automaton.state()
        end = reader.start(start, begin)
        yield from reader.problems
        if found := _search(reader.automaton, begin, end):
            problem = _problem(format, start, *found)
            if problem.place not in places:
                yield problem
            places.add(problem.place)


def ambiguous_repetitions(format: Format) -> Iterator[Problem]:
    """A repetition that can split one text in two ways takes exponential time to fail."""
    for terminal in (*format.terminals.values(), *format.contents.terminals.values()):
        if any(_is_ambiguous(node) for node in pattern.walk(terminal.pattern) if isinstance(node, Repeat)):
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
                yield Problem(terminal.place, reason, "Write the alternative first that reads more.")
                break


def _is_ambiguous(node: Repeat) -> bool:
    """Whether a repetition can split one text in two ways."""
    if node.high is not None and node.high < 2:
        return False
    automaton = Automaton()
    begin = automaton.state()
    end = automaton.pattern(begin, Repeat(node.item, 0, None))
    return _search(automaton, begin, end) is not None


class _AutomatonBuilder:
    """Builds the automaton of a start rule."""

    def __init__(self, format: Format) -> None:
        self.format, self.automaton = format, Automaton()
        self.letters = {special.spelling: token_letter(i) for i, special in enumerate(format.specials)}
        self.problems: list[Problem] = []

    def start(self, start: StartRule, begin: int) -> int:
        end = self.automaton.state()
        for _, steps in start.paths:
            at = self.automaton.branch(begin)
            for step in steps:
                call = RuleCall(step.frame)
                repeated: dict[str, GrammarNode] = {"": call, "?": RuleOption(call), "*": RuleList("", call, 0)}
                at = self.node(repeated[step.times], at, step.frame)
            self.automaton.empty[at].append(end)
        return end

    def node(self, node: GrammarNode, at: int, rule: str) -> int:
        automaton = self.automaton
        match node:
            case Special(_, spelling):
                letter = self.letters[spelling]
                return automaton.read(at, ((letter, letter),), Label(None, rule))
            case FixedText(text):
                return automaton.text(at, text, Label(None, rule))
            case RuleValue(field, terminal):
                return automaton.insert(at, machine(self.format.terminals[terminal].pattern), Label(field, rule))
            case RuleMark(_, item):
                return self.node(item, at, rule)
            case RuleOption(item):
                end = automaton.state()
                automaton.empty[at].append(end)
                automaton.empty[self.node(item, automaton.branch(at), rule)].append(end)
                return end
            case RuleSequence(items):
                for item in items:
                    at = self.node(item, at, rule)
                return at
            case RuleCall(name):
                return self.node(self.format.rules[name].node, at, name)
            case RuleChoice():
                return self.choice(node, at)
            case RuleList(_, item):  # in a start rule
                end = automaton.state()
                loop = automaton.branch(at)
                automaton.empty[loop].append(end)
                automaton.empty[self.node(item, automaton.branch(loop), rule)].append(loop)
                return end

    def choice(self, choice: RuleChoice, at: int) -> int:
        """Add alternatives, each without the texts that an earlier one reads."""
        automaton = self.automaton
        end = automaton.state()
        apart = automaton.state()
        earlier: list[int] = []
        for branch in choice.branches:
            start = automaton.state()
            last = self.node(branch.node, start, choice.rule)
            if earlier:
                before = automaton.determinize(apart, earlier)
                rest = automaton.without(start, last, before, automaton.branch(at))
                if not _reaches(automaton, at, rest):
                    reason = (
                        f"alternative `{branch.name}` of `{choice.rule}` is never chosen: earlier ones read all of it"
                    )
                    self.problems.append(Problem(branch.place, reason, "Put it first, or remove it."))
                automaton.empty[rest].append(end)
            else:
                copy = self.node(branch.node, automaton.branch(at), choice.rule)
                automaton.empty[copy].append(end)
            automaton.empty[apart].append(start)
            earlier.append(last)
        return end


def _reaches(automaton: Automaton, start: int, end: int) -> bool:
    return end in reachable([start], lambda s: [*automaton.empty[s], *(target for _, target, _ in automaton.steps[s])])


Move = tuple[Ranges, int, object]
Pair = tuple[int, int, bool]
Reading = list[tuple[int, object]]


def _search(automaton: Automaton, begin: int, end: int) -> tuple[Reading, Reading] | None:
    """Two different paths from `begin` to `end` that read the same letters, as short as possible."""
    moves, ends = _moves(automaton, begin, end)
    first: Pair = (begin, begin, False)
    back: dict[Pair, tuple[Pair, int, object, object] | None] = {first: None}
    todo = deque([first])
    while todo:
        one, other, differ = pair = todo.popleft()
        count = ends[one] * ends[other] if differ else ends[one] * (ends[one] - 1)
        if count:
            return _readings(back, pair)
        for i, (letters, target, label) in enumerate(moves[one]):
            for j, (theirs, their_target, their_label) in enumerate(moves[other]):
                if not differ and j < i:
                    continue
                both = letters if letters is theirs else overlap(letters, theirs)
                if not both:
                    continue
                following: Pair = (target, their_target, differ or i != j)
                if following not in back:
                    back[following] = (pair, sample(both), label, their_label)
                    todo.append(following)
    return None


def _moves(automaton: Automaton, begin: int, end: int) -> tuple[dict[int, list[Move]], dict[int, int]]:
    """For each state its transitions, also those after empty moves, once per way; and its number of ways to the end."""
    moves: dict[int, list[Move]] = {}
    ends: dict[int, int] = {}
    todo = [begin]
    while todo:
        state = todo.pop()
        if state in moves:
            continue
        moves[state], ends[state] = [], 0
        ways = [(state, frozenset({state}))]
        while ways:
            at, passed = ways.pop()
            moves[state] += automaton.steps[at]
            ends[state] += at == end
            ways += [(target, passed | {target}) for target in automaton.empty[at] if target not in passed]
        todo += [target for _, target, _ in moves[state]]
    return moves, ends


def _readings(back: dict[Pair, tuple[Pair, int, object, object] | None], pair: Pair) -> tuple[Reading, Reading]:
    one: Reading = []
    other: Reading = []
    while (step := back[pair]) is not None:
        pair, letter, label, their_label = step
        one.append((letter, label))
        other.append((letter, their_label))
    return one[::-1], other[::-1]


def _problem(format: Format, start: StartRule, one: Reading, other: Reading) -> Problem:
    place = next((_place(format, a) for (_, a), (_, b) in zip(one, other, strict=True) if a != b), start.rule.place)
    text = "".join(_letter(format, letter) for letter, _ in one)
    first, second = _shown(one), _shown(other)
    ways = f": as {first}, or as {second}" if first != second else ""
    reason = (
        f"ambiguous: the {start.name} `{text}` can be read in two ways{ways}; rendered, a message may not read back"
    )
    remedy = "Put a delimiter between the parts that none of them can contain."
    if not one:
        remedy = "Let one path only be empty; kinds of messages are named alternatives of the one rule for messages."
    return Problem(place, reason, remedy)


def _place(format: Format, label: object) -> Place:
    assert isinstance(label, Label)
    return format.rules[label.rule].place


def _letter(format: Format, letter: int) -> str:
    number = letter - token_letter(0)
    return format.specials[number].spelling if number >= 0 else chr(letter)


def _shown(reading: Reading) -> str:
    """The fields of a reading."""
    parts: list[tuple[str | None, str]] = []
    for letter, label in reading:
        field = label.field if isinstance(label, Label) else None
        if parts and parts[-1][0] == field and field:
            parts[-1] = (field, parts[-1][1] + chr(letter))
        else:
            parts.append((field, chr(letter) if field else ""))
    return ", ".join(f"{field}={text!r}" for field, text in parts if field) or "no fields"
