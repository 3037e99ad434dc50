"""The terminals of a grammar: special tokens, fixed texts, and patterns of text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from ..read import regular_expressions as pattern
from ..read.data_files import looks_special
from ..read.grammar_folder import VOCABULARY_FILE
from ..read.grammar_nodes import AnyOf, Concat, GrammarNode, Repeat, Special, Text, concatenated, walk
from ..read.lark_files import LarkAlternative, LarkDefinition, LarkGroup, LarkItem, LarkName, LarkRegex, LarkString
from ..read.problems import Place, Problem, TooLarge, definition_remedy

MAX_TERMINAL_PARTS = 50_000
"""Terminals that each use the next one twice double in size. Harmony's have 14 parts in all."""


@dataclass(frozen=True)
class Terminal:
    """A pattern of ordinary text. If it is a list of strings, they are its `values`."""

    name: str
    pattern: GrammarNode
    values: tuple[str, ...] | None
    place: Place
    source: str

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(pattern.expression(self.pattern))

    def fits(self, text: str) -> bool:
        return self.matcher.fullmatch(text) is not None


def is_terminal(name: str) -> bool:
    """Whether a name is that of a terminal; as in Lark, those are upper case."""
    return name.lstrip("_").isupper()


def longest_first(texts: Collection[str]) -> list[str]:
    """Texts to choose from, so that none is read where a longer one is, as in Lark; if that is so, in their order."""
    if any(later.startswith(text) for text, later in combinations(texts, 2)):
        return sorted(texts, key=len, reverse=True)
    return list(texts)


class Terminals:
    """Builds all terminals, by name. Unusable ones are left out; what has no meaning is an empty text in them.

    Attributes:
        specials: the special tokens, by spelling.
        fixed: the terminals that are one special token or fixed text.
        patterns: the patterns of text.
    """

    def __init__(
        self,
        definitions: Mapping[str, LarkDefinition],
        special: Mapping[str, int],
        problems: list[Problem],
    ) -> None:
        self.definitions, self.special, self.problems = definitions, special, problems
        self.specials: dict[str, Special] = {}
        self.fixed: dict[str, Special | Text] = {}
        self.patterns: dict[str, Terminal] = {}
        self.parts = 0
        for definition in definitions.values():
            if is_terminal(definition.name):
                self.add(definition)

    def refuse(self, place: Place, reason: str, remedy: str) -> GrammarNode:
        self.problems.append(Problem(place, reason, remedy))
        return Text("")

    def add(self, definition: LarkDefinition) -> None:
        refused, place, name = len(self.problems), definition.alternatives[0].place, definition.name
        node, values = self.union(definition.alternatives), None
        if len(self.problems) > refused or node == Concat(()):  # the latter is refused as empty
            return
        if isinstance(node, Text):
            self.fixed[name] = self.text(node.text, place, name)
            return
        if isinstance(node, AnyOf) and all(isinstance(o, Text) for o in node.options):
            values = tuple(dict.fromkeys(pattern.strings(node)))
            for text in values:
                if text in self.special or looks_special(text, self.special):
                    remedy = "Make it a rule with one named alternative per token."
                    self.refuse(place, f"`{name}` lists `{text}`, a special token, among texts", remedy)
            node = AnyOf(tuple(map(Text, longest_first(values))))
        texts = [part.text for part in walk(node) if isinstance(part, Text)]
        texts = [text for text in texts if values is None or text not in self.special]
        if inside := next((special for special in self.special for text in texts if special in text), None):
            reason = f"the pattern of `{name}` contains the special token `{inside}`, which no text does"
            self.refuse(place, reason, "Give the token a terminal of its own, and use both in a rule.")
            return
        self.patterns[name] = Terminal(name, node, values, place, definition.source)

    def text(self, text: str, place: Place, terminal: str = "") -> Special | Text:
        """The node for a string in a rule, or for a terminal that is one."""
        if text in self.special:
            return self.specials.setdefault(text, Special(terminal or text, text))
        if inside := next((s for s in self.special if s in text), None):
            self.refuse(
                place, f"the special token `{inside}` is inside a longer text", "Split it into parts of its own."
            )
        elif looks_special(text, self.special):
            remedy = f"Add it to [special] in {VOCABULARY_FILE}, or correct the spelling."
            self.refuse(
                place, f"`{text}` looks like a special token, and the vocabulary has none of that spelling", remedy
            )
        return Text(text)

    def union(self, alternatives: tuple[LarkAlternative, ...]) -> GrammarNode:
        options = [concatenated(map(self.part, alternative.items)) for alternative in alternatives]
        if len(options) > 1 and not all(isinstance(option, Text) for option in options):
            options.sort(key=pattern.widths, reverse=True)  # as in Lark
        return options[0] if len(options) == 1 else AnyOf(tuple(options))

    def part(self, item: LarkItem) -> GrammarNode:
        self.parts += 1
        if self.parts > MAX_TERMINAL_PARTS:
            raise TooLarge
        match item:
            case LarkString(text):
                return Text(text)
            case LarkRegex(source, flags, place):
                return self.regex(source, flags, place)
            case LarkName(name, place):
                definition = self.definitions.get(name)
                if definition is None or not is_terminal(name):
                    remedy = definition_remedy(name, [*filter(is_terminal, self.definitions)])
                    return self.refuse(place, f"`{name}` is not a terminal of this grammar", remedy)
                return self.union(definition.alternatives)
            case LarkGroup(alternatives, operator, place):
                inner = self.union(alternatives)
                if operator not in ("", *pattern.REPETITIONS):
                    return self.refuse(place, f"the repetition `{operator}` is not supported", "Write it out.")
                return Repeat(inner, *pattern.REPETITIONS[operator]) if operator else inner

    def regex(self, source: str, flags: str, place: Place) -> GrammarNode:
        try:
            return pattern.parse(source, flags)
        except pattern.PatternError as error:
            lines = source[: error.offset].split("\n")
            column = place.column + 1 + error.offset if len(lines) == 1 else len(lines[-1]) + 1
            where = Place(place.file, place.line + len(lines) - 1, column)
            return self.refuse(where, error.reason, error.remedy)
