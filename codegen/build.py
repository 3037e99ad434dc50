"""From the files of a grammar to its `Format`, or to every problem that keeps it from being one."""

from __future__ import annotations

from dataclasses import replace

from .model.content_rules import build_contents
from .model.format_model import CONTENT_FIELD, STARTS, Format, build_fields
from .model.frame_graph import graph
from .model.framing_rules import FramingRules, build_start
from .model.grammar_rules import named_values
from .model.recovery_tables import build_recovery
from .model.terminals import Terminals
from .prove.definition_checks import (
    endless_definitions,
    misnamed_definitions,
    misplaced_starts,
    recursive_definitions,
)
from .read.data_files import read_layout, read_rendering, read_vocabulary
from .read.grammar_folder import CONVERSATION_FILE, NAMESPACE_FILE, TOOLS_SUFFIX, Sources
from .read.grammar_nodes import RuleValue, walk
from .read.lark_files import names_in
from .read.problems import GrammarError, Problem


def build(sources: Sources) -> Format:
    """Raises `GrammarError` with every problem that is found before there is a format; `prove` finds the others."""
    problems: list[Problem] = []
    vocabulary = read_vocabulary(sources, problems)
    problems += misnamed_definitions(sources.definitions)
    if found := [*misplaced_starts(sources.definitions, sources.lark)] or [*recursive_definitions(sources.definitions)]:
        raise GrammarError(problems + found)
    definitions = {definition.name: definition for definition in sources.definitions}
    terminals = Terminals(definitions, vocabulary.special, problems)
    rules = FramingRules(terminals)
    starts = tuple(build_start(name, rules) for name in STARTS)
    recovery = build_recovery(sources)
    role, roles = _roles(rules, sources, recovery.slots["role"] if recovery else None)
    layout = read_layout(sources)
    problems += misnamed_definitions(sources.contents)
    contents = build_contents(sources.contents, roles, sources.data.get(NAMESPACE_FILE), layout, problems)
    problems += endless_definitions(sources.contents)
    if problems:
        raise GrammarError(problems)
    partial = Format(
        lark=sources.lark,
        files=tuple(sorted(sources.texts)),
        vocabulary=vocabulary,
        terminals=terminals.patterns,
        specials=tuple(terminals.specials.values()),
        rules=dict(rules.built),
        starts=starts,
        fields={},
        json=sources.table(CONVERSATION_FILE, "json"),
        namespace=sources.data.get(NAMESPACE_FILE),
        role=role,
        contents=contents,
        **read_rendering(sources),
        **{key: layout[key] for key in ("implied", "functions", "definitions")},
        tools={name: value for name, value in sources.data.items() if name.endswith(TOOLS_SUFFIX)},
        recovery=recovery,
    )
    for name in partial.frames if partial.terminals_of(CONTENT_FIELD) else ():
        graph(partial, name)  # raises TooLarge; to walk rules that double at each step takes exponential time
    docs = {name.lower(): definitions[name].doc for name in terminals.patterns if name in definitions}
    docs |= {name: rule.doc for name, rule in rules.built.items()}
    return replace(partial, fields={field.name: field for field in build_fields(partial, docs)})


def _roles(rules: FramingRules, sources: Sources, field: str | None) -> tuple[str, tuple[str, ...]]:
    """The field for the role, and its values. Unless recovery.toml names it, the first with a value with contents."""
    called = {name for rule in sources.contents for name in names_in(rule.alternatives)}
    values: dict[str, set[str]] = {}
    for rule in rules.built.values():
        for part in walk(rule.node):
            if isinstance(part, RuleValue):
                terminal = rules.terminals.patterns.get(part.terminal)  # none for one that is refused
                values.setdefault(part.field, set()).update((terminal and terminal.values) or ())
    for name, value in named_values(rules.built):
        values.setdefault(name, set()).update({value} - called)
    with_contents = {rule.name for rule in sources.contents} - called
    fitting = (name for name, found in values.items() if found & with_contents)
    if field not in values:
        field = next(fitting, next((name for name, found in values.items() if found), ""))
    return field, tuple(sorted(values.get(field, ())))
