"""A frame as an automaton: each state with the tokens and texts that may come next.

It shows which special tokens enclose the content. Codecs find messages by those tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..read.grammar_nodes import (
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleMark,
    RuleValue,
    Special,
    Text,
)
from ..read.problems import TooLarge
from ..read.reachable import reachable
from .format_model import CONTENT_FIELD, Format

MAX_FRAME_STATES = 2_000
"""A rule of twelve rules, each made of the next one twice, has more. Harmony's largest frame has 29."""

FrameEdge = Special | Text | RuleValue


@dataclass
class Graph:
    """For each state the edges that leave it, each with the state that it leads to. State 0 is the start.

    Each edge leads to a state of its own. `sets` are the fields that reaching a state sets: flags, and fields
    whose value is the name of an alternative; `names` are the alternatives that no field shows.
    """

    steps: list[list[tuple[FrameEdge, int]]] = field(default_factory=lambda: [[]])
    final: frozenset[int] = frozenset()
    sets: dict[int, tuple[tuple[str, str | bool], ...]] = field(default_factory=dict)
    names: dict[int, frozenset[str]] = field(default_factory=dict)

    def edges(self) -> list[tuple[int, FrameEdge, int]]:
        return [(source, edge, target) for source, row in enumerate(self.steps) for edge, target in row]

    def reached(self, states: Iterable[int], backwards: bool = False, by_text: bool = False) -> set[int]:
        """All states that edges connect to these; `by_text` follows only edges of text, but not the content."""
        rows: list[list[int]] = [[] for _ in self.steps]
        for source, edge, target in self.edges():
            if not by_text or not (isinstance(edge, Special) or is_content(edge)):
                here, there = (target, source) if backwards else (source, target)
                rows[here].append(there)
        return set(reachable(states, rows.__getitem__))


def graph(format: Format, rule: str) -> Graph:
    """The states of a frame. The content is one edge, whether or not it may be empty."""
    made = Graph()

    def connect(node: GrammarNode, sources: frozenset[int]) -> frozenset[int]:
        match node:
            case Text(""):
                return sources
            case Special() | Text() | RuleValue():
                if len(made.steps) > MAX_FRAME_STATES:
                    raise TooLarge
                made.steps.append([])
                target = len(made.steps) - 1
                for source in sorted(sources):
                    made.steps[source].append((node, target))
                return frozenset({target})
            case Repeat(item, 0, 1):
                return sources | connect(item, sources)
            case RuleMark(name, item):
                return marked(connect(item, sources), ((name, True),), sources)
            case Concat(items):
                for item in items:
                    sources = connect(item, sources)
                return sources
            case RuleChoice(owner, branches):
                ends = [marked(connect(branch.node, sources), branch.sets, sources) for branch in branches]
                for index, (branch, states) in enumerate(zip(branches, ends, strict=True)):
                    is_remembered = branch.name and not branch.sets and format.is_spelling(owner, index)
                    for state in states - sources if is_remembered else ():
                        made.names[state] = made.names.get(state, frozenset()) | {branch.name or ""}
                return frozenset().union(*ends)
            case RuleCall(rule) if rule == CONTENT_FIELD:
                return connect(format.content_value, sources)
            case RuleCall():
                return connect(format.resolve(node), sources)
        raise AssertionError(f"a message holds no {node}")

    def marked(
        ends: frozenset[int], sets: tuple[tuple[str, str | bool], ...], sources: frozenset[int]
    ) -> frozenset[int]:
        for state in ends - sources:
            if sets:
                made.sets[state] = made.sets.get(state, ()) + sets
        return ends

    made.final = connect(format.rules[rule].node, frozenset({0}))
    return made


@dataclass(frozen=True)
class Framing:
    """Which special tokens enclose the content of a frame; see `harmony_spec.format.frames.Frame`."""

    inside: frozenset[str]
    opens: frozenset[str]
    continues: frozenset[str]
    closes: frozenset[str]
    trails: frozenset[str]
    stops: frozenset[str]
    closed: bool
    touched: bool
    ends_with_text: bool
    headless: bool


def framing(made: Graph) -> Framing:
    edges = made.edges()
    holes = [(source, target) for source, edge, target in edges if is_content(edge)]
    before = made.reached({source for source, _ in holes}, backwards=True, by_text=True)
    after = made.reached({target for _, target in holes}, by_text=True)
    after_content = made.reached({target for _, target in holes})
    specials = [(source, edge.spelling, target) for source, edge, target in edges if isinstance(edge, Special)]
    leading = made.reached({source for source, _, target in specials if target in before}, backwards=True)
    opens = frozenset(s for _, s, target in specials if target in before)
    sides = before | leading
    opened = {target for _, s, target in specials if s in opens and target in sides} | before & {0}
    after_opens = made.reached(opened, by_text=True)
    closes = frozenset(s for source, s, _ in specials if source in after)
    goes_on = frozenset(s for source, s, target in specials if source in after_content and made.steps[target])
    texts = [
        (source, target) for source, edge, target in edges if not isinstance(edge, Special) and not is_content(edge)
    ]
    return Framing(
        inside=frozenset(s for _, s, target in specials if not holes or target in leading),
        opens=opens,
        continues=frozenset(s for source, s, target in specials if source in after_opens and target in sides),
        closes=closes,
        trails=frozenset(s for source, s, _ in specials if source in after_content and source not in after),
        stops=frozenset(s for source, s, _ in specials if source in after_content) - goes_on,
        closed=not after & made.final,
        touched=any(source in after or target in before for source, target in texts),
        ends_with_text=any(source in after_content and source not in after for source, _ in texts),
        headless=bool(opens) and 0 in before,
    )


def is_content(edge: FrameEdge) -> bool:
    return isinstance(edge, RuleValue) and edge.field == CONTENT_FIELD
