"""Sources to a format: resolve names, decide what is a field, and collect whatever cannot be made sense of.

What decides: a rule that holds one value and no other rule is a field of its own name. In any other rule a terminal
is a field named like it. A rule without values is a flag where it is optional. A rule whose alternatives all have
names and no values is a field with those names as values. An alternative that leaves out an enumerated field which
the first one has sets it to the alternative's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from .model.content_rules import build_contents
from .model.format_model import CONTENT, STARTS, Call, Choice, Field, Format, Mark, Rule, Start, Step, Value, walk
from .model.frame_graph import graph
from .model.framing_rules import MISTAKE, NAME_IT, Rules, is_mistake
from .model.recovery_tables import build_recovery
from .model.terminals import Literal, Terminals
from .prove.content_recursion import endless
from .prove.definition_checks import misnamed, recursive
from .read.data_files import DataFiles
from .read.grammar_folder import Group, Item, Name, Sources
from .read.problems import GrammarError, Place, Problem


def build(sources: Sources) -> Format:
    """Make a format of what was loaded; raises `GrammarError` with all problems that keep it from being one."""
    problems: list[Problem] = []
    data = DataFiles(sources, problems)
    problems += misnamed(sources.definitions)
    if found := list(recursive(sources.definitions)):
        raise GrammarError(problems + found)
    definitions = {definition.name: definition for definition in sources.definitions}
    terminals = Terminals(definitions, data.vocabulary.special, problems)
    rules = Rules(definitions, terminals, problems)
    starts = tuple(start for name in STARTS if (start := _start(name, rules, sources.lark)))
    rendering = data.rendering()
    roles = {value for terminal in terminals.patterns.values() for value in terminal.values or ()}
    said = data.contents()
    problems += misnamed(sources.contents)
    contents = build_contents(sources.contents, tuple(sorted(roles)), sources.namespace, said, problems)
    problems += endless(contents.rules)
    mistakes = {name.removeprefix(MISTAKE): rule for name, rule in rules.built.items() if is_mistake(name)}
    recovery = build_recovery(sources, data, mistakes)
    if problems:
        raise GrammarError(problems)
    partial = Format(
        lark=sources.lark,
        files=tuple(sorted(sources.texts)),
        vocabulary=data.vocabulary,
        terminals=terminals.patterns,
        specials=tuple(terminals.specials.values()),
        rules={name: rule for name, rule in rules.built.items() if not is_mistake(name)},
        starts=starts,
        fields=(),
        schema=sources.schema,
        namespace=sources.namespace,
        contents=contents,
        **rendering,
        implied=said["implied"],
        tools=sources.tools,
        recovery=recovery,
    )
    for name in partial.frames if partial.terminals_of(CONTENT) else ():
        graph(partial, name)  # raises TooLarge before anything walks a rule that doubles at each step
    docs = {name.lower(): definitions[name].doc for name in terminals.patterns if name in definitions}
    docs |= {name: rule.doc for name, rule in rules.built.items()}
    return replace(partial, fields=tuple(_fields(partial, docs)))


def _start(name: str, rules: Rules, lark: str) -> Start | None:
    definition = rules.definitions.get(name)
    if definition is None:
        place = Place(lark, 1, 1)
        rules.refuse(place, f"the start rule `{name}` is missing", f"Start rules: {', '.join(STARTS)}.")
        return None
    paths = []
    for index, alternative in enumerate(definition.alternatives):
        if index and alternative.name is None:
            reason = f"alternative {index + 1} of `{name}` has no name"
            rules.refuse(alternative.place, reason, NAME_IT)
        paths.append((alternative.name, tuple(_step(item, rules) for item in alternative.items)))
    return Start(name, tuple(paths), Rule(name, Literal(""), definition.place, definition.doc, definition.source))


def _step(item: Item, rules: Rules) -> Step:
    times = ""
    if isinstance(item, Group) and len(item.alternatives) == 1 and len(item.alternatives[0].items) == 1:
        times = item.operator
        item = item.alternatives[0].items[0]
    if isinstance(item, Name) and is_mistake(item.name):
        rules.refuse(item.place, f"`{item.name}` is an error production", "Only recovery reads it.")
        return Step("", times)
    if isinstance(item, Name) and item.name in rules.built and times in ("", "?", "*"):
        return Step(item.name, times)
    if isinstance(item, Name) and item.name not in rules.definitions:
        rules.refuse(item.place, f"`{item.name}` is not defined", "Define it, or correct the spelling.")
    else:
        reason = "a start rule is made of rules for messages and open headers, each once or with `?` or `*`"
        rules.refuse(item.place, reason, "Give this part a rule of its own.")
    return Step("", times)


def _fields(partial: Format, docs: Mapping[str, tuple[str, ...]]) -> Iterator[Field]:
    message = Call(partial.message)
    required = partial.always_set(message)
    order = sorted(partial.fields_of(message), key=lambda f: (f not in required, f == CONTENT))
    for name in order:
        values, flag = _values(partial, name)
        yield Field(name, values, flag, name in required, docs.get(name, ()))


def _values(partial: Format, field: str) -> tuple[tuple[str, ...] | None, bool]:
    """The values of an enumerated field in order of appearance, and whether the field is a flag."""
    nodes = [node for rule in partial.rules.values() for node in walk(rule.node)]
    terminals = [partial.terminals[n.terminal] for n in nodes if isinstance(n, Value) and n.field == field]
    named = [v for n in nodes if isinstance(n, Choice) for b in n.branches for f, v in b.sets if f == field]
    listed = [value for terminal in terminals for value in terminal.values or ()]
    free = any(terminal.values is None for terminal in terminals)
    flag = any(isinstance(node, Mark) and node.field == field for node in nodes)
    return (None if free else tuple(dict.fromkeys(listed + named)) or None), flag
