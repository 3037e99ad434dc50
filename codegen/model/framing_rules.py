"""The rules of the framing grammar as trees, and which part of a rule is a field of the message.

- A rule that holds one value and no other rule is a field named like the rule.
- In any other rule, a terminal is a field named like the terminal.
- A rule without values is a flag if it is optional.
- A rule whose alternatives all have names and no values is a field with those names as values.
- If an alternative leaves out an enumerated field that the first one has, its name is the value of that field.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..read.grammar_nodes import (
    Branch,
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
from ..read.lark_files import LarkAlternative, LarkDefinition, LarkGroup, LarkItem, LarkName, names_in
from ..read.problems import Place
from .format_model import STARTS, StartRule, Step
from .grammar_rules import GrammarRule, RuleBuilder
from .terminals import Terminals, is_terminal

NAME_THE_RULES = "Write the whole rule for each, as alternatives with names: `… | … -> name`."
NAME_THE_ALTERNATIVE = "Name it after an arrow: `-> name`. Only the first alternative has no name."


class FramingRules(RuleBuilder):
    """Builds all rules but the start rules; `built` has them by name. Unusable ones are added to `problems`."""

    if_empty = (
        "Let it match at least one character. If the text may be empty (`{}?`), require the part around it in an "
        "alternative with a name, and leave that part out of another alternative."
    )

    def __init__(self, terminals: Terminals) -> None:
        super().__init__(terminals)
        self.flags: set[str] = set()
        for _ in range(2):  # a part that is a flag in one place is one in all, also where a rule requires it
            self.built: dict[str, GrammarRule] = {}
            for definition in self.definitions.values():
                if not is_terminal(definition.name) and definition.name not in {*STARTS, *self.built}:
                    self.add(definition)

    def add(self, definition: LarkDefinition) -> None:
        self.rule, self.rule_kind = definition, self.kind(definition)
        self.require_names(definition)
        branches = [Branch(each.name, self.sequence(each.items), (), each.place) for each in definition.alternatives]
        node = branches[0].node
        enumerated = self.rule_kind == "constant" and all(branch.name for branch in branches)
        if branches[0].name and len(branches) == 1 and not enumerated:
            reason = f"the name `{branches[0].name}` is of no use: `{definition.name}` has no other alternative"
            self.refuse(definition.place, reason, "Remove it.")
        if enumerated or len(branches) > 1:
            node = RuleChoice(definition.name, tuple(self.named(definition.name, branches, enumerated)))
        self.built[definition.name] = GrammarRule(
            definition.name, node, definition.place, definition.doc, definition.source
        )

    def require_names(self, definition: LarkDefinition) -> None:
        for number, alternative in enumerate(definition.alternatives[1:], 2):
            if alternative.name is None:
                reason = f"alternative {number} of `{definition.name}` has no name"
                self.refuse(alternative.place, reason, NAME_THE_ALTERNATIVE)

    def named(self, rule: str, branches: list[Branch], enumerated: bool) -> Iterator[Branch]:
        first = set(self.enumerated(branches[0].node))
        for branch in branches:
            name = branch.name or ""
            missing = sorted(first - set(self.enumerated(branch.node)))
            if len(missing) > 1:
                reason = f"alternative `{name}` of `{rule}` leaves out {' and '.join(missing)}; its name is one value"
                remedy = "Mention all of them but one, or write an alternative first that has only one of them."
                self.refuse(branch.place, reason, remedy)
            sets = ((rule, name),) if enumerated else tuple((field, name) for field in missing[:1])
            yield Branch(branch.name, branch.node, sets, branch.place)

    def enumerated(self, node: GrammarNode) -> Iterator[str]:
        """The enumerated fields that a node of this rule always sets (builds the rules it calls)."""
        match node:
            case RuleValue(field, terminal) if self.terminals.patterns[terminal].values:
                yield field
            case Concat(items):
                for item in items:
                    yield from self.enumerated(item)
            case RuleChoice(_, branches):
                each = [{*self.enumerated(b.node), *(field for field, _ in b.sets)} for b in branches]
                yield from set.intersection(*each)
            case RuleCall(rule) if rule in self.definitions and rule not in self.built:
                self.add(self.definitions[rule])
                yield from self.enumerated(node)
            case RuleCall(rule) if rule in self.built:
                yield from self.enumerated(self.built[rule].node)

    def kind(self, definition: LarkDefinition) -> str:
        """`field`: every alternative holds one value and no rule. `constant`: no values, no rules. Else `group`."""
        if not all(map(is_terminal, names_in(definition.alternatives))):
            return "group"
        counts = [self.values_in(alternative.items) for alternative in definition.alternatives]
        if all(count == 1 for count in counts):
            return "field"
        return "group" if any(counts) else "constant"

    def values_in(self, items: tuple[LarkItem, ...]) -> int:
        total = 0
        for item in items:
            if isinstance(item, LarkGroup):
                total += max(self.values_in(a.items) for a in item.alternatives)
            else:
                total += isinstance(item, LarkName) and item.name in self.terminals.patterns
        return total

    def value(self, terminal: str, place: Place) -> GrammarNode:
        if terminal.startswith("_"):
            reason = f"no field records what `{terminal}` matches"
            self.refuse(place, reason, "Drop the underscore, or make it a fixed text.")
        return RuleValue(self.rule.name if self.rule_kind == "field" else terminal.lower().lstrip("_"), terminal)

    def group(self, item: LarkGroup) -> GrammarNode:
        if item.operator not in ("", "?") and not self.is_used(self.rule.name):
            reason = f"`{self.rule.name}` is not a start rule, and nothing uses it"
            self.refuse(item.place, reason, f"Start rules: {', '.join(STARTS)}.")
        elif item.operator not in ("", "?"):
            reason = f"`{item.operator}` inside a message is not supported, because a field holds one value"
            self.refuse(item.place, reason, "Write one message for each item, or one terminal for the whole list.")
        elif len(item.alternatives) > 1:
            self.refuse(item.place, "alternatives inside brackets have no names", NAME_THE_RULES)
        items = item.alternatives[0].items
        inner = self.sequence(items)
        if item.operator != "?":
            return inner
        field = self.flag_field(items, inner)
        if field is None:
            return Repeat(inner, 0, 1)
        if field.startswith("_") or not field:
            self.refuse(item.place, "no field records whether this part is present", "Give it a rule with a name.")
        self.flags.add(field)
        return Repeat(RuleMark(field, inner), 0, 1)

    def node(self, item: LarkItem) -> GrammarNode:
        made = super().node(item)
        field = made.rule if isinstance(made, RuleCall) else made.terminal.lower() if isinstance(made, Special) else ""
        return RuleMark(field, made) if field in self.flags and self.rule.name not in self.flags else made

    def is_used(self, name: str) -> bool:
        return any(name in names_in(definition.alternatives) for definition in self.definitions.values())

    def flag_field(self, items: tuple[LarkItem, ...], inner: GrammarNode) -> str | None:
        """The name of the field for the presence of a part without values; None for a part with values."""
        if isinstance(inner, (Special, Text)):
            return items[0].name.lower() if isinstance(items[0], LarkName) else ""
        if isinstance(inner, RuleCall) and inner.rule in self.definitions:
            definition = self.definitions[inner.rule]
            named = all(alternative.name for alternative in definition.alternatives)
            return inner.rule if self.kind(definition) == "constant" and not named else None
        parts = inner.items if isinstance(inner, Concat) else ()
        return "" if parts and all(isinstance(part, (Special, Text)) for part in parts) else None


def build_start(name: str, rules: FramingRules) -> StartRule:
    definition = rules.definitions[name]
    rules.require_names(definition)
    paths = tuple((each.name, tuple(_step(item, rules) for item in each.items)) for each in definition.alternatives)
    rule = GrammarRule(name, Text(""), definition.place, definition.doc, definition.source)
    return StartRule(name, paths, rule)


def _step(item: LarkItem, rules: FramingRules) -> Step:
    place, times = item.place, ""
    while isinstance(item, LarkGroup) and len(item.alternatives) == 1 and len(item.alternatives[0].items) == 1:
        if times and item.operator:
            break
        times = times or item.operator
        item = item.alternatives[0].items[0]
    if isinstance(item, LarkName) and item.name in rules.built and times in ("", "?", "*"):
        return Step(item.name, times)
    if isinstance(item, LarkName) and item.name not in rules.definitions:
        rules.refuse_undefined(item.name, item.place)
    else:
        reason = "a start rule is made of rules for messages and open headers, each once or with `?` or `*`"
        rules.refuse(place, reason, _replacement(item, times))
    return Step("", times)


def _replacement(item: LarkItem, times: str) -> str:
    """What to write instead of a part of a start rule that is not supported."""
    names = tuple(dict.fromkeys(names_in((LarkAlternative((item,), None, item.place),))))
    if isinstance(item, LarkName) and times == "+":
        return f"Write `{item.name} {item.name}*`."
    if len(names) > 1 and not any(map(is_terminal, names)):
        listed = " and ".join(f"`{name}`" for name in names)
        return f"Make {listed} alternatives of the one rule for messages, each with a name, and repeat that rule."
    if names and all(map(is_terminal, names)):
        part = f"`{names[0].lower()}? …`"
        return f"Put it into the rule for messages, at the beginning or the end, such as {part}, without recovery.toml."
    return "Give this part a rule of its own, and write that once or with `?` or `*`."
