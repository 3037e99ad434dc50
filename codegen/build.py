"""Sources to a format: resolve names, decide what is a field, and collect whatever cannot be made sense of.

What decides: a rule that holds one value and no other rule is a field of its own name. In any other rule a terminal
is a field named like it. A rule without values is a flag where it is optional. A rule whose alternatives all have
names and no values is a field with those names as values. An alternative that leaves out an enumerated field which
the first one has sets it to the alternative's name.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import replace

from . import pattern
from .format import (
    CONTENT,
    STARTS,
    Branch,
    Call,
    Choice,
    Field,
    Format,
    Literal,
    Mark,
    Node,
    Option,
    Rule,
    Sequence,
    Special,
    Start,
    Step,
    Terminal,
    Value,
    walk,
)
from .load import Alternative, Definition, Group, Item, Name, Regex, Sources, String
from .problems import GrammarError, Place, Problem
from .tables import Tables, looks_special


def build(sources: Sources) -> Format:
    """Make a format of what was loaded; raises `GrammarError` with all problems that keep it from being one."""
    return _Builder(sources).build()


class _Builder:
    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.problems: list[Problem] = []
        self.tables = Tables(sources, self.problems)
        self.special = self.tables.vocabulary.special
        self.definitions = {d.name: d for d in sources.definitions}
        self.terminals: dict[str, Terminal] = {}
        self.specials: dict[str, Special] = {}
        self.constants: dict[str, Literal] = {}
        self.rules: dict[str, Rule] = {}

    def refuse(self, place: Place, reason: str, remedy: str) -> None:
        self.problems.append(Problem(place, reason, remedy))

    def build(self) -> Format:
        self.unique_definitions()
        self.acyclic()
        for definition in self.sources.definitions:
            if definition.name.lstrip("_").isupper():
                self.terminal(definition)
        for definition in self.sources.definitions:
            if not definition.name.lstrip("_").isupper() and definition.name not in {*STARTS, *self.rules}:
                self.rule(definition)
        self.mark_flags()
        starts = tuple(start for name in STARTS if (start := self.start(name)))
        if self.problems:
            raise GrammarError(self.problems)
        partial = Format(
            lark=self.sources.lark,
            files=tuple(sorted(self.sources.texts)),
            vocabulary=self.tables.vocabulary,
            terminals=self.terminals,
            specials=tuple(self.specials.values()),
            rules=self.rules,
            starts=starts,
            fields=(),
            schema=self.sources.schema,
            **self.tables.rendering(),
        )
        fields = tuple(self.fields(partial))
        return Format(**{**vars(partial), "fields": fields})

    def unique_definitions(self) -> None:
        seen: dict[str, Definition] = {}
        for definition in self.sources.definitions:
            if keyword.iskeyword(definition.name):
                reason = f"the rule name `{definition.name}` is a Python keyword"
                self.refuse(definition.place, reason, "Choose another name.")
            if first := seen.get(definition.name):
                reason = f"`{definition.name}` is defined twice; first at {first.place}"
                self.refuse(definition.place, reason, "Remove one, or make it an alternative of the other.")
            seen[definition.name] = definition

    def acyclic(self) -> None:
        """Framing is a regular language: a rule that contains itself, first or later, has no place in it."""
        uses = {d.name: list(_names(d.alternatives)) for d in self.sources.definitions}
        firsts = {d.name: list(_first_names(d.alternatives)) for d in self.sources.definitions}
        cyclic: set[str] = set()
        for definition in self.sources.definitions:
            if definition.name in cyclic or definition.name not in _reached(definition.name, uses):
                continue
            cyclic |= {n for n in _reached(definition.name, uses) if definition.name in _reached(n, uses)}
            left = definition.name in _reached(definition.name, firsts)
            kind = "left-recursive" if left else "recursive"
            self.refuse(
                definition.place, f"`{definition.name}` is {kind}", "Repeat with `*` in the start rule instead."
            )
        if cyclic:
            raise GrammarError(self.problems)

    # Terminals

    def terminal(self, definition: Definition) -> None:
        name = definition.name
        node = self.union(definition.alternatives, seen=(name,))
        if node is None:
            return
        place = definition.alternatives[0].place
        if isinstance(node, pattern.Text):
            self.constant(name, node.text, place)
            return
        self.add_terminal(name, node, place, definition.source)

    def constant(self, name: str, text: str, place: Place) -> Special | Literal:
        """A terminal or string that is one fixed text: a special token, or a literal."""
        if text in self.special:
            same = next((s for s in self.specials.values() if s.spelling == text), None)
            return self.specials.setdefault(name, same or Special(name, text))
        if name in self.constants:
            return self.constants[name]
        self.refuse_special_in(text, place)
        return self.constants.setdefault(name, Literal(text))

    def refuse_special_in(self, text: str, place: Place) -> None:
        if inside := next((s for s in self.special if s in text), None):
            self.refuse(
                place, f"the special token `{inside}` stands inside a longer text", "Split it into parts of its own."
            )
        elif looks_special(text, self.special):
            remedy = f"Add it to [special] in {self.tables.file}, or correct the spelling."
            self.refuse(
                place, f"`{text}` looks like a special token, and the vocabulary has none of that spelling", remedy
            )

    def add_terminal(self, name: str, node: pattern.Node, place: Place, source: str) -> None:
        values = None
        if isinstance(node, pattern.Union) and all(isinstance(o, pattern.Text) for o in node.options):
            values = tuple(dict.fromkeys(pattern.strings(node)))
            for text in values:
                if text in self.special or looks_special(text, self.special):
                    remedy = "Make it a rule with one named alternative per token."
                    self.refuse(place, f"`{name}` lists `{text}`, a special token, among texts", remedy)
        self.terminals[name] = Terminal(name, node, values, place, source)

    def union(self, alternatives: tuple[Alternative, ...], seen: tuple[str, ...]) -> pattern.Node | None:
        options = []
        for alternative in alternatives:
            parts = [self.part(item, seen) for item in alternative.items]
            if any(part is None for part in parts):
                return None
            flat = [part for part in parts if part is not None]
            options.append(flat[0] if len(flat) == 1 else pattern.Concat(tuple(flat)))
        return options[0] if len(options) == 1 else pattern.Union(tuple(options))

    def part(self, item: Item, seen: tuple[str, ...]) -> pattern.Node | None:
        match item:
            case String(text):
                return pattern.Text(text)
            case Regex(source, flags, place):
                return self.regex(source, flags, place)
            case Name(name, place):
                definition = self.definitions.get(name)
                if definition is None or not name.lstrip("_").isupper():
                    self.refuse(
                        place, f"`{name}` is no terminal of this grammar", "Define it, or correct the spelling."
                    )
                    return None
                return self.union(definition.alternatives, (*seen, name))
            case Group(alternatives, operator, place):
                inner = self.union(alternatives, seen)
                bounds = {"": (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}.get(operator)
                if inner is None or bounds is None:
                    self.refuse(place, f"the repetition `{operator}` is not supported", "Write it out.")
                    return None
                return inner if bounds == (1, 1) else pattern.Repeat(inner, *bounds)

    def regex(self, source: str, flags: str, place: Place) -> pattern.Node | None:
        try:
            return pattern.parse(source, flags)
        except pattern.PatternError as error:
            lines = source[: error.offset].split("\n")
            column = place.column + 1 + error.offset if len(lines) == 1 else len(lines[-1]) + 1
            where = Place(place.file, place.line + len(lines) - 1, column)
            self.refuse(where, error.reason, "docs/grammar.md lists what a pattern may hold.")
            return None

    # Rules

    def rule(self, definition: Definition) -> None:
        kind = self.kind(definition)
        branches = []
        for index, alternative in enumerate(definition.alternatives):
            if index and alternative.name is None:
                reason = f"alternative {index + 1} of `{definition.name}` has no name"
                self.refuse(
                    alternative.place, reason, "Name it behind an arrow: `-> name`. Only the first may lack one."
                )
            node = self.sequence(alternative.items, definition, kind)
            branches.append(Branch(alternative.name, node, (), alternative.place))
        node = branches[0].node
        if len(branches) > 1:
            enumerated = kind == "constant" and all(b.name for b in branches)
            node = Choice(definition.name, tuple(self.named(definition.name, branches, enumerated)))
        self.rules[definition.name] = Rule(definition.name, node, definition.place, definition.doc, definition.source)

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
            case Value(field, terminal) if self.terminals[terminal].values:
                yield field
            case Sequence(items):
                for item in items:
                    yield from self.enumerated(item)
            case Call(rule) if rule in self.definitions and rule not in self.rules:
                self.rule(self.definitions[rule])
                yield from self.enumerated(node)
            case Call(rule) if rule in self.rules:
                yield from self.enumerated(self.rules[rule].node)

    def kind(self, definition: Definition) -> str:
        """`field`: every alternative holds one value and no rule. `constant`: no values, no rules. Else `group`."""
        names = list(_names(definition.alternatives))
        if any(not name.lstrip("_").isupper() for name in names):
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
                total += isinstance(item, Regex) or (isinstance(item, Name) and item.name in self.terminals)
        return total

    def sequence(self, items: tuple[Item, ...], definition: Definition, kind: str) -> Node:
        nodes = tuple(self.node(item, definition, kind) for item in items)
        return nodes[0] if len(nodes) == 1 else Sequence(nodes)

    def node(self, item: Item, definition: Definition, kind: str) -> Node:
        match item:
            case String(text, place):
                name = "".join(c for c in text.upper() if c.isalnum() or c == "_") or "TOKEN"
                return self.constant(name if text in self.special else text, text, place)
            case Regex(source, flags, place):
                return self.anonymous(source, flags, place, definition, kind)
            case Name(name, place):
                return self.name(name, place, definition, kind)
            case Group(alternatives, operator, place):
                return self.group(alternatives, operator, place, definition, kind)

    def anonymous(self, source: str, flags: str, place: Place, definition: Definition, kind: str) -> Node:
        name = definition.name.upper()
        if kind != "field" or name in self.definitions or name in self.terminals:
            self.refuse(place, "a pattern without a name", "Make it a terminal, so that the field has a name.")
        elif (pattern_node := self.regex(source, flags, place)) is not None:
            self.add_terminal(name, pattern_node, place, definition.source)
            return Value(definition.name, name)
        return Literal("")

    def name(self, name: str, place: Place, definition: Definition, kind: str) -> Node:
        if name in self.specials:
            return self.specials[name]
        if name in self.constants:
            return self.constants[name]
        if name in self.terminals:
            if name.startswith("_"):
                self.refuse(
                    place, f"what `{name}` matches is kept in no field", "Drop the underscore, or make it a fixed text."
                )
            return Value(definition.name if kind == "field" else name.lower().lstrip("_"), name)
        if name in self.definitions:
            return Call(name) if not name.isupper() else Literal("")  # a terminal that was refused
        self.refuse(place, f"`{name}` is not defined", "Define it, or correct the spelling.")
        return Literal("")

    def group(
        self, alternatives: tuple[Alternative, ...], operator: str, place: Place, definition: Definition, kind: str
    ) -> Node:
        if len(alternatives) > 1:
            self.refuse(place, "alternatives inside brackets have no names", "Make them a rule of their own.")
        if operator not in ("", "?"):
            self.refuse(place, f"`{operator}` inside a message is not supported", "Lists belong into the start rules.")
        inner = self.sequence(alternatives[0].items, definition, kind)
        if operator != "?":
            return inner
        field = self.flag_field(alternatives[0].items, inner)
        if field is None:
            return Option(inner)
        if field.startswith("_") or not field:
            self.refuse(place, "whether this part is there is kept in no field", "Give it a rule with a name.")
        return Option(Mark(field, inner))

    def flag_field(self, items: tuple[Item, ...], inner: Node) -> str | None:
        """The name of the field that says whether a part without values is there; None for a part with values."""
        if isinstance(inner, (Special, Literal)):
            return items[0].name.lower() if isinstance(items[0], Name) else ""
        if isinstance(inner, Call) and inner.rule in self.definitions:
            definition = self.definitions[inner.rule]
            named = len(definition.alternatives) > 1 and all(a.name for a in definition.alternatives)
            return inner.rule if self.kind(definition) == "constant" and not named else None
        parts = inner.items if isinstance(inner, Sequence) else ()
        return "" if parts and all(isinstance(part, (Special, Literal)) for part in parts) else None

    def mark_flags(self) -> None:
        """What is a flag where it is optional is one everywhere: an alternative that requires it sets the field."""
        flags = {node.field for rule in self.rules.values() for node in walk(rule.node) if isinstance(node, Mark)}

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

        for name, rule in self.rules.items():
            if name not in flags:
                self.rules[name] = replace(rule, node=marked(rule.node))

    # Start rules and fields

    def start(self, name: str) -> Start | None:
        definition = self.definitions.get(name)
        if definition is None:
            place = Place(self.sources.lark, 1, 1)
            self.refuse(place, f"the start rule `{name}` is missing", f"Start rules: {', '.join(STARTS)}.")
            return None
        paths = []
        for index, alternative in enumerate(definition.alternatives):
            if index and alternative.name is None:
                reason = f"alternative {index + 1} of `{name}` has no name"
                self.refuse(
                    alternative.place, reason, "Name it behind an arrow: `-> name`. Only the first may lack one."
                )
            paths.append((alternative.name, tuple(self.step(item) for item in alternative.items)))
        return Start(name, tuple(paths), Rule(name, Literal(""), definition.place, definition.doc, definition.source))

    def step(self, item: Item) -> Step:
        times = ""
        if isinstance(item, Group) and len(item.alternatives) == 1 and len(item.alternatives[0].items) == 1:
            times = item.operator
            item = item.alternatives[0].items[0]
        if isinstance(item, Name) and item.name in self.rules and times in ("", "?", "*"):
            return Step(item.name, times)
        if isinstance(item, Name) and item.name not in self.definitions:
            self.refuse(item.place, f"`{item.name}` is not defined", "Define it, or correct the spelling.")
        else:
            reason = "a start rule is made of rules for messages and open headers, each once or with `?` or `*`"
            self.refuse(item.place, reason, "Give this part a rule of its own.")
        return Step("", times)

    def fields(self, partial: Format) -> Iterator[Field]:
        message = Call(partial.message)
        required = partial.always_set(message)
        order = sorted(partial.fields_of(message), key=lambda f: (f not in required, f == CONTENT))
        docs = self.docs()
        for name in order:
            values, flag = self.values(name)
            yield Field(name, values, flag, name in required, docs.get(name, ()))

    def docs(self) -> Mapping[str, tuple[str, ...]]:
        by_terminal = {name.lower(): self.definitions[name].doc for name in self.terminals if name in self.definitions}
        return by_terminal | {name: rule.doc for name, rule in self.rules.items()}

    def values(self, field: str) -> tuple[tuple[str, ...] | None, bool]:
        """The values of an enumerated field in order of appearance, and whether the field is a flag."""
        nodes = [node for rule in self.rules.values() for node in walk(rule.node)]
        terminals = [self.terminals[n.terminal] for n in nodes if isinstance(n, Value) and n.field == field]
        named = [v for n in nodes if isinstance(n, Choice) for b in n.branches for f, v in b.sets if f == field]
        listed = [value for terminal in terminals for value in terminal.values or ()]
        free = any(terminal.values is None for terminal in terminals)
        flag = any(isinstance(node, Mark) and node.field == field for node in nodes)
        return (None if free else tuple(dict.fromkeys(listed + named)) or None), flag


def _names(alternatives: tuple[Alternative, ...]) -> Iterator[str]:
    for alternative in alternatives:
        for item in alternative.items:
            if isinstance(item, Name):
                yield item.name
            elif isinstance(item, Group):
                yield from _names(item.alternatives)


def _first_names(alternatives: tuple[Alternative, ...]) -> Iterator[str]:
    """The names that can stand first."""
    for alternative in alternatives:
        for item in alternative.items:
            if isinstance(item, Name):
                yield item.name
            elif isinstance(item, Group):
                yield from _first_names(item.alternatives)
                if item.operator in ("?", "*"):
                    continue
            break


def _reached(name: str, uses: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(uses.get(name, ()))
    while todo:
        if (current := todo.pop()) not in found:
            found.add(current)
            todo += uses.get(current, ())
    return found
