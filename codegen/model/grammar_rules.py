"""The rules of a grammar, for framing and contents alike: how they are built, and which part of each is a field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from ..read import regular_expressions as pattern
from ..read.grammar_nodes import (
    Branch,
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleList,
    RuleMark,
    RuleValue,
    Text,
    walk,
)
from ..read.lark_files import LarkGroup, LarkItem, LarkName, LarkRegex, LarkString
from ..read.problems import Place, definition_remedy
from .terminals import Terminals, is_terminal


@dataclass(frozen=True)
class GrammarRule:
    """A rule.

    Attributes:
        kind: of a rule of contents "constant", "enumerated", "text", "lines", "list", "alias", "choice", "record" or
            "inlined".
        collapses: whether its value is that of one part if the others are absent.
    """

    name: str
    node: GrammarNode
    place: Place
    doc: tuple[str, ...]
    source: str
    kind: str = ""
    collapses: bool = False

    @property
    def ways(self) -> tuple[Branch, ...]:
        """The alternatives, also of a rule that has only one."""
        return self.node.branches if isinstance(self.node, RuleChoice) else (Branch(None, self.node, (), self.place),)

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the alternatives."""
        return tuple(way.name or "" for way in self.ways)


class GrammarRules(ABC):
    """Rules. A call of one is a field, or has the fields of its parts."""

    rules: Mapping[str, GrammarRule]

    @abstractmethod
    def is_field(self, rule: str) -> bool: ...

    def nodes(self) -> Iterator[GrammarNode]:
        """All nodes of all rules."""
        return (node for rule in self.rules.values() for node in walk(rule.node))

    def settings(self, node: GrammarNode) -> list[tuple[str, GrammarNode]]:
        """The fields that a node can set, each with the node that sets it, in order of appearance."""
        match node:
            case RuleValue(field) | RuleList(field) if field:
                return [(field, node)]
            case RuleMark(field, item):
                return [(field, node), *self.settings(item)]
            case Repeat(item, 0, 1):
                return self.settings(item)
            case Concat(items):
                return [setting for item in items for setting in self.settings(item)]
            case RuleChoice(_, branches):
                found: list[tuple[str, GrammarNode]] = []
                for branch in branches:
                    found += [(field, node) for field, _ in branch.sets]
                    found += self.settings(branch.node)
                return found
            case RuleCall(rule) if self.is_field(rule):
                return [(rule, node)]
            case RuleCall(rule):
                return self.settings(self.rules[rule].node)
        return []

    def fields_of(self, node: GrammarNode) -> dict[str, None]:
        """The fields that a node can set, in order of appearance."""
        return dict.fromkeys(field for field, _ in self.settings(node))

    def always_set(self, node: GrammarNode) -> set[str]:
        """The fields that every reading of a node sets to a value."""
        match node:
            case RuleValue(field) | RuleMark(field) if field:
                return {field}
            case RuleList(field, _, least) if least:
                return {field}
            case Concat(items):
                return set().union(*map(self.always_set, items))
            case RuleChoice(_, branches):
                each = [self.always_set(b.node) | {field for field, _ in b.sets} for b in branches]
                return set.intersection(*each)
            case RuleCall(rule):
                return {rule} if self.is_field(rule) else self.always_set(self.rules[rule].node)
        return set()

    def is_spelling(self, rule: str, index: int) -> bool:
        """Whether no field shows that an alternative was read, and not an earlier one."""
        *others, own = (way.node for way in self.rules[rule].ways[: index + 1])
        return any(self._may_write(own, other) and self._may_write(other, own) for other in others)

    def _may_write(self, node: GrammarNode, other: GrammarNode) -> bool:
        """Whether some values of another node can be written by this one: it has all that this one needs."""
        held = self.fields_of(other).keys()
        return all(not held.isdisjoint(need) for need in self.needs(node))

    def needs(self, node: GrammarNode) -> list[Set[str]]:
        """Sets of fields. If a node is written, there is one of each set."""
        return [{name} for name in self.always_set(node)]


def camel_case(name: str) -> str:
    """The name of the type for a field, rule or terminal."""
    return "".join(part.title() for part in name.split("_"))


def named_values(rules: Mapping[str, GrammarRule]) -> Iterator[tuple[str, str]]:
    """The names of alternatives that are values of fields, such as roles that tokens spell, each after its field."""
    for rule in rules.values():
        for way in rule.ways:
            yield from way.sets


class RuleBuilder(ABC):
    """Builds the nodes of rules. What has no meaning is refused as in `Terminals`.

    Attributes:
        if_empty: the remedy for a terminal that may be empty, with a place for its name.
    """

    if_empty = "Let it match at least one character, and write `?` where it is used."

    def __init__(self, terminals: Terminals) -> None:
        self.terminals, self.definitions = terminals, terminals.definitions
        self.problems, self.refuse = terminals.problems, terminals.refuse

    def refuse_undefined(self, name: str, place: Place) -> GrammarNode:
        return self.refuse(place, f"`{name}` is not defined", definition_remedy(name, self.definitions))

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
                        self.refuse(terminal.place, f"`{name}` may be empty", self.if_empty.format(name))
                    return self.value(name, place)
                if name not in self.definitions:
                    return self.refuse_undefined(name, place)
                return Text("") if is_terminal(name) else RuleCall(name)  # the terminal is a problem

    @abstractmethod
    def group(self, item: LarkGroup) -> GrammarNode: ...

    @abstractmethod
    def value(self, terminal: str, place: Place) -> GrammarNode: ...
