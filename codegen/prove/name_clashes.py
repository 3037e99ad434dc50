"""Each alternative, field and type has a name of its own that the codec does not use for something else."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from ..model.format_model import CONTENT_FIELD, JSON_KEYS, Format
from ..model.grammar_rules import camel_case
from ..read.grammar_folder import CONTENTS_FILE
from ..read.grammar_nodes import RuleCall, walk
from ..read.problems import Place, Problem


def alternative_names(format: Format) -> Iterator[Problem]:
    owners = dict.fromkeys(format.frames, "a start rule")
    for start in format.starts:
        for name, _ in start.paths:
            if name in owners:
                reason = f"the alternative name `{name}` is already used in {owners[name]}"
                yield Problem(start.rule.place, reason, "Messages remember the names: choose another.")
            owners |= {name: f"`{start.name}`"} if name else {}
    for rule in format.rules.values():
        for branch in rule.ways:
            for field, value in branch.sets:
                listed = (format.terminals[name].values or () for name in format.terminals_of(field))
                if any(value in values for values in listed):
                    reason = f"`{value}` is a listed value of `{field}`, and the name of an alternative that sets it"
                    yield Problem(
                        branch.place, reason, "Remove one of the two: a message does not remember which it was."
                    )
            if not branch.name or branch.sets:
                continue
            if owners.get(branch.name, f"`{rule.name}`") != f"`{rule.name}`":
                reason = f"the alternative name `{branch.name}` is already used in {owners[branch.name]}"
                remedy = "Messages remember the names: choose another, or write what both rules share as one rule."
                yield Problem(branch.place, reason, remedy)
            owners[branch.name] = f"`{rule.name}`"
    for rule in (*format.rules.values(), *format.contents.rules.values()):
        for index, way in enumerate(rule.ways):
            if way.name and way.name in rule.values[:index]:
                reason = f"two alternatives of `{rule.name}` are named `{way.name}`"
                yield Problem(way.place, reason, "Give each a name of its own.")
    for name, content_rule in format.content_variants().items():
        if name in owners:
            place = format.contents.rules[content_rule].place
            reason = f"the alternative name `{name}` is already used in {owners[name]}"
            yield Problem(place, reason, "A style chooses one of them: choose another name.")


def roles_inside(format: Format) -> Iterator[Problem]:
    """A rule of contents with the name of a role is the grammar of whole contents."""
    contents = format.contents
    for role in contents.roles:
        users = [rule.name for rule in contents.rules.values() if RuleCall(role) in walk(rule.node)]
        if users:
            reason = f"`{role}` is a role, so its rule describes whole contents, and it is a part of `{users[0]}`"
            yield Problem(contents.rules[role].place, reason, f"Rename the rule in {CONTENTS_FILE}, or the role.")


def type_names(format: Format, taken: frozenset[str]) -> Iterator[Problem]:
    """The types of listed values, and the classes of contents, have names of their own that are not among `taken`."""
    contents, owners = format.contents, dict[str, str]()
    rules = [rule for rule in contents.rules.values() if rule.kind in ("record", "enumerated")]
    terminals = (terminal for terminal in contents.terminals.values() if terminal.values)
    fields = (field for field in format.fields.values() if field.values)
    named = [(each.name, each.type_name, _field_place(format, each.name)) for each in fields]
    named += [(rule.name, contents.class_name(rule.name), rule.place) for rule in rules]
    named += [(terminal.name, camel_case(terminal.name), terminal.place) for terminal in terminals]
    for owner, name, place in named:
        if name in taken or name in owners or keyword.iskeyword(name):
            other = f", as `{owners[name]}` is" if name in owners else ""
            yield Problem(place, f"`{owner}` would be the type `{name}`{other}", "Choose another name.")
        owners[name] = owner


def field_names(format: Format, taken: frozenset[str]) -> Iterator[Problem]:
    """Fields of messages have names that are not among `taken`."""
    for field in format.fields.values():
        if (field.name in taken.union(JSON_KEYS) and field.name != CONTENT_FIELD) or keyword.iskeyword(field.name):
            why = "it is a Python keyword" if keyword.iskeyword(field.name) else "the codec uses it for something else"
            reason = f"`{field.name}` cannot be the name of a field: {why}"
            yield Problem(_field_place(format, field.name), reason, "Choose another name.")


def _field_place(format: Format, field: str) -> Place:
    if field in format.rules:
        return format.rules[field].place
    return next((format.terminals[t].place for t in format.terminals_of(field)), format.rules[format.message].place)
