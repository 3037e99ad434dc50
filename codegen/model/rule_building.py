"""How definitions become trees of nodes, as far as framing and contents agree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from ..read.lark_files import Definition, Group, Item, Name, Regex, String
from ..read.problems import Place, Problem
from .rule_nodes import Node, Sequence
from .terminals import FixedText, Terminals, is_terminal


class RuleBuilder(ABC):
    """Builds the nodes of rules. What has no meaning is added to `problems`, and is an empty text then."""

    def __init__(self, definitions: Mapping[str, Definition], terminals: Terminals, problems: list[Problem]) -> None:
        self.definitions, self.terminals, self.problems = definitions, terminals, problems

    def refuse(self, place: Place, reason: str, remedy: str) -> Node:
        self.problems.append(Problem(place, reason, remedy))
        return FixedText("")

    def sequence(self, items: tuple[Item, ...]) -> Node:
        nodes = self.nodes(items)
        return nodes[0] if len(nodes) == 1 else Sequence(nodes)

    def nodes(self, items: tuple[Item, ...]) -> tuple[Node, ...]:
        return tuple(map(self.node, items))

    def node(self, item: Item) -> Node:
        match item:
            case String(text, place):
                return self.terminals.text(text, place)
            case Regex():
                return self.pattern(item)
            case Group():
                return self.group(item)
            case Name(name, place):
                if fixed := self.terminals.fixed(name):
                    return fixed
                if name in self.terminals.patterns:
                    return self.value(name, place)
                if name not in self.definitions:
                    return self.refuse(place, f"`{name}` is not defined", "Define it, or correct the spelling.")
                return FixedText("") if is_terminal(name) else self.call(name, place)  # the terminal is a problem

    @abstractmethod
    def pattern(self, item: Regex) -> Node: ...

    @abstractmethod
    def group(self, item: Group) -> Node: ...

    @abstractmethod
    def value(self, terminal: str, place: Place) -> Node: ...

    @abstractmethod
    def call(self, rule: str, place: Place) -> Node: ...
