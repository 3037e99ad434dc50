"""How definitions become trees of nodes, as far as framing and contents agree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from ..read import regular_expressions as pattern
from ..read.grammar_nodes import Concat, GrammarNode, RuleCall, Text
from ..read.lark_files import LarkDefinition, LarkGroup, LarkItem, LarkName, LarkRegex, LarkString
from ..read.problems import Place, Problem
from .terminals import Terminals, is_terminal


class RuleBuilder(ABC):
    """Builds the nodes of rules. What has no meaning is added to `problems`, and is an empty text then."""

    def __init__(
        self, definitions: Mapping[str, LarkDefinition], terminals: Terminals, problems: list[Problem]
    ) -> None:
        self.definitions, self.terminals, self.problems = definitions, terminals, problems

    def refuse(self, place: Place, reason: str, remedy: str) -> GrammarNode:
        self.problems.append(Problem(place, reason, remedy))
        return Text("")

    def sequence(self, items: tuple[LarkItem, ...]) -> GrammarNode:
        nodes = self.nodes(items)
        return nodes[0] if len(nodes) == 1 else Concat(nodes)

    def nodes(self, items: tuple[LarkItem, ...]) -> tuple[GrammarNode, ...]:
        return tuple(map(self.node, items))

    def node(self, item: LarkItem) -> GrammarNode:
        match item:
            case LarkString(text, place):
                return self.terminals.text(text, place)
            case LarkRegex(_, _, place):
                return self.refuse(place, "a pattern inside a rule has no name", "Make it a terminal with a name.")
            case LarkGroup():
                return self.group(item)
            case LarkName(name, place):
                if fixed := self.terminals.fixed.get(name):
                    return fixed
                if terminal := self.terminals.patterns.get(name):
                    if not pattern.widths(terminal.pattern)[1]:
                        remedy = "Let it match at least one character, and write `?` where it is used."
                        self.refuse(terminal.place, f"`{name}` may be empty", remedy)
                    return self.value(name, place)
                if name not in self.definitions:
                    return self.refuse(place, f"`{name}` is not defined", "Define it, or correct the spelling.")
                return Text("") if is_terminal(name) else RuleCall(name)  # the terminal is a problem

    @abstractmethod
    def group(self, item: LarkGroup) -> GrammarNode: ...

    @abstractmethod
    def value(self, terminal: str, place: Place) -> GrammarNode: ...
