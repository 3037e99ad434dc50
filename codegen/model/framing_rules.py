"""The rules of the framing grammar as trees, and which part of a rule is a field of the message.

- A rule that holds one value and no other rule is a field named like the rule.
- In any other rule, a terminal is a field named like the terminal.
- A rule without values is a flag if it is optional.
- A rule whose alternatives all have names and no values is a field with those names as values.
- If an alternative leaves out an enumerated field that the first one has, its name is the value of that field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..read.lark_files import Alternative, Definition, Group, Item, Name, Regex, names_in
from ..read.problems import Place, Problem
from .format_model import STARTS, Start, Step
from .rule_building import RuleBuilder
from .rule_nodes import Branch, Call, Choice, Mark, Node, Option, Rule, Sequence, Value, walk
from .terminals import FixedText, Special, Terminals, is_terminal

NAME_THE_ALTERNATIVE = "Name it after an arrow: `-> name`. Only the first needs none."


class Rules(RuleBuilder):
    """Builds all rules but the start rules; `built` has them by name. Unusable ones are added to `problems`."""

    def __init__(self, definitions: Mapping[str, Definition], terminals: Terminals, problems: list[Problem]) -> None:
        super().__init__(definitions, terminals, problems)
        self.built: dict[str, Rule] = {}
        for definition in definitions.values():
            if not is_terminal(definition.name) and definition.name not in {*STARTS, *self.built}:
                self.add(definition)
        self.mark_flags()

    def add(self, definition: Definition) -> None:
        self.rule, self.rule_kind = definition, self.kind(definition)
        branches = []
        for index, alternative in enumerate(definition.alternatives):
            if index and alternative.name is None:
                reason = f"alternative {index + 1} of `{definition.name}` has no name"
                self.refuse(alternative.place, reason, NAME_THE_ALTERNATIVE)
            node = self.sequence(alternative.items)
            branches.append(Branch(alternative.name, node, (), alternative.place))
        node = branches[0].node
        enumerated = self.rule_kind == "constant" and all(branch.name for branch in branches)
        if enumerated or len(branches) > 1:
            node = Choice(definition.name, tuple(self.named(definition.name, branches, enumerated)))
        self.built[definition.name] = Rule(definition.name, node, definition.place, definition.doc, definition.source)

    def named(self, rule: str, branches: list[Branch], enumerated: bool) -> Iterator[Branch]:
        first = set(self.enumerated(branches[0].node))
        for branch in branches:
            name = branch.name or ""
            missing = sorted(first - set(self.enumerated(branch.node)))
            if len(missing) > 1:
                reason = f"alternative `{name}` of `{rule}` leaves out {' and '.join(missing)}; its name is one value"
                self.refuse(branch.place, reason, "Mention all of them but one.")
            sets = ((rule, name),) if enumerated else tuple((field, name) for field in missing[:1])
            yield Branch(branch.name, branch.node, sets, branch.place)

    def enumerated(self, node: Node) -> Iterator[str]:
        """The enumerated fields that a node of this rule always sets (builds the rules it calls)."""
        match node:
            case Value(field, terminal) if self.terminals.patterns[terminal].values:
                yield field
            case Sequence(items):
                for item in items:
                    yield from self.enumerated(item)
            case Choice(_, branches):
                each = [{*self.enumerated(b.node), *(field for field, _ in b.sets)} for b in branches]
                yield from set.intersection(*each)
            case Call(rule) if rule in self.definitions and rule not in self.built:
                self.add(self.definitions[rule])
                yield from self.enumerated(node)
            case Call(rule) if rule in self.built:
                yield from self.enumerated(self.built[rule].node)

    def kind(self, definition: Definition) -> str:
        """`field`: every alternative holds one value and no rule. `constant`: no values, no rules. Else `group`."""
        if not all(map(is_terminal, names_in(definition.alternatives))):
            return "group"
        counts = [self.values_in(alternative.items) for alternative in definition.alternatives]
        if all(count == 1 for count in counts):
            return "field"
        return "group" if any(counts) else "constant"

    def values_in(self, items: tuple[Item, ...]) -> int:
        total = 0
        for item in items:
            if isinstance(item, Group):
                total += max(self.values_in(a.items) for a in item.alternatives)
            else:
                total += isinstance(item, Regex) or (isinstance(item, Name) and item.name in self.terminals.patterns)
        return total

    def pattern(self, item: Regex) -> Node:
        name = self.rule.name.upper()
        if self.rule_kind != "field" or name in self.definitions or name in self.terminals.patterns:
            self.refuse(item.place, "a pattern without a name", "Make it a terminal, so that the field has a name.")
        elif (pattern_node := self.terminals.regex(item.source, item.flags, item.place)) is not None:
            self.terminals.add_pattern(name, pattern_node, item.place, self.rule.source)
            return Value(self.rule.name, name)
        return FixedText("")

    def value(self, terminal: str, place: Place) -> Node:
        if terminal.startswith("_"):
            reason = f"no field records what `{terminal}` matches"
            self.refuse(place, reason, "Drop the underscore, or make it a fixed text.")
        return Value(self.rule.name if self.rule_kind == "field" else terminal.lower().lstrip("_"), terminal)

    def call(self, rule: str, place: Place) -> Node:
        return Call(rule)

    def group(self, item: Group) -> Node:
        if item.operator not in ("", "?"):
            reason = f"`{item.operator}` inside a message is not supported, because a field holds one value"
            self.refuse(item.place, reason, "Write one message for each item, or one terminal for the whole list.")
        elif len(item.alternatives) > 1:
            self.refuse(item.place, "alternatives inside brackets have no names", "Make them a rule of their own.")
        items = item.alternatives[0].items
        inner = self.sequence(items)
        if item.operator != "?":
            return inner
        field = self.flag_field(items, inner)
        if field is None:
            return Option(inner)
        if field.startswith("_") or not field:
            self.refuse(item.place, "no field records whether this part is present", "Give it a rule with a name.")
        return Option(Mark(field, inner))

    def flag_field(self, items: tuple[Item, ...], inner: Node) -> str | None:
        """The name of the field for the presence of a part without values; None for a part with values."""
        if isinstance(inner, (Special, FixedText)):
            return items[0].name.lower() if isinstance(items[0], Name) else ""
        if isinstance(inner, Call) and inner.rule in self.definitions:
            definition = self.definitions[inner.rule]
            named = all(alternative.name for alternative in definition.alternatives)
            return inner.rule if self.kind(definition) == "constant" and not named else None
        parts = inner.items if isinstance(inner, Sequence) else ()
        return "" if parts and all(isinstance(part, (Special, FixedText)) for part in parts) else None

    def mark_flags(self) -> None:
        """A part that is a flag in one place is one in all: an alternative that requires it sets the field."""
        flags = {node.field for rule in self.built.values() for node in walk(rule.node) if isinstance(node, Mark)}

        def marked(node: Node) -> Node:
            match node:
                case Call(name) if name in flags:
                    return Mark(name, node)
                case Special(terminal) if terminal.lower() in flags:
                    return Mark(terminal.lower(), node)
                case Option(item):
                    return Option(marked(item))
                case Sequence(items):
                    return Sequence(tuple(map(marked, items)))
                case Choice(rule, branches):
                    return Choice(rule, tuple(replace(b, node=marked(b.node)) for b in branches))
            return node

        for name, rule in self.built.items():
            if name not in flags:
                self.built[name] = replace(rule, node=marked(rule.node))


def build_start(name: str, rules: Rules, lark: str) -> Start | None:
    definition = rules.definitions.get(name)
    if definition is None:
        place = Place(lark, 1, 1)
        rules.refuse(place, f"the start rule `{name}` is missing", f"Start rules: {', '.join(STARTS)}.")
        return None
    paths = []
    for index, alternative in enumerate(definition.alternatives):
        if index and alternative.name is None:
            reason = f"alternative {index + 1} of `{name}` has no name"
            rules.refuse(alternative.place, reason, NAME_THE_ALTERNATIVE)
        paths.append((alternative.name, tuple(_step(item, rules) for item in alternative.items)))
    return Start(name, tuple(paths), Rule(name, FixedText(""), definition.place, definition.doc, definition.source))


def _step(item: Item, rules: Rules) -> Step:
    place, times = item.place, ""
    while isinstance(item, Group) and len(item.alternatives) == 1 and len(item.alternatives[0].items) == 1:
        if times and item.operator:
            break
        times = times or item.operator
        item = item.alternatives[0].items[0]
    if isinstance(item, Name) and item.name in rules.built and times in ("", "?", "*"):
        return Step(item.name, times)
    if isinstance(item, Name) and item.name not in rules.definitions:
        rules.refuse(item.place, f"`{item.name}` is not defined", "Define it, or correct the spelling.")
    else:
        reason = "a start rule is made of rules for messages and open headers, each once or with `?` or `*`"
        rules.refuse(place, reason, _replacement(item, times))
    return Step("", times)


def _replacement(item: Item, times: str) -> str:
    """What to write instead of a part of a start rule that is not supported."""
    names = tuple(dict.fromkeys(names_in((Alternative((item,), None, item.place),))))
    if isinstance(item, Name) and times == "+":
        return f"Write `{item.name} {item.name}*`."
    if len(names) > 1 and not any(map(is_terminal, names)):
        listed = " and ".join(f"`{name}`" for name in names)
        return f"Make {listed} alternatives of the one rule for messages, each with a name, and repeat that rule."
    return "Give this part a rule of its own, and write that once or with `?` or `*`."
