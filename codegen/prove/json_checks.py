"""The table for the JSON form names fields that exist, and values that they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from ..model.content_rules import ContentNode, Contents, Joined, Many, Part, Token
from ..model.content_types import rule_of, user_rules
from ..model.format_model import Format
from ..model.json_tables import MESSAGE, JsonTables
from ..read.grammar_folder import CONVERSATION, Sources
from ..read.problems import Problem

FORMER_FILE = "conversation.schema.json"
"""Older grammars described the JSON form in this file."""

KEYS = tuple(field.name for field in fields(JsonTables))


def json_tables(format: Format, sources: Sources) -> Iterator[Problem]:
    table, contents = format.json, format.contents
    known = {rule: list(contents.fields(rule)) for rule in user_rules(contents)}
    known[MESSAGE] = [field.name for field in format.fields]
    if FORMER_FILE in sources.texts:
        place = sources.place(FORMER_FILE)
        yield Problem(place, "nothing reads this file", f"Describe the JSON form in `[json]` of {CONVERSATION}.")
    for key in set(sources.conversation.get("json", {})) - set(KEYS):
        yield Problem(sources.place(CONVERSATION, "json", key), f"nothing reads `{key}`", f"Keys: {', '.join(KEYS)}.")
    for key, path in table.paths():
        rule, _, field = path.partition(".")
        place = sources.place(CONVERSATION, "json", key, path)
        if rule not in known:
            yield Problem(place, f"`{path}` begins with no class", f"Begin with {', '.join(known)}.")
        elif field not in known[rule]:
            yield Problem(place, f"`{rule}` has no field `{field}`", f"Fields: {', '.join(known[rule])}.")
        elif key == "spelled" and (unknown := _unknown_spellings(contents, path, table.spelled[path])):
            yield Problem(place, f"`{unknown[0]}` is not a value of `{path}`", "Only upper and lower case may differ.")
        elif key == "keyed":
            item, name = _item(contents, contents.fields(rule)[field][0]), table.keyed[path]
            if name not in known.get(item, ()):
                yield Problem(place, f"the items of `{path}` have no field `{name}`", "Name a field of its records.")
    for name, parts in table.joined.items():
        for field in (part for part in parts if part not in known[MESSAGE]):
            place = sources.place(CONVERSATION, "json", "joined", name)
            yield Problem(place, f"messages have no field `{field}`", f"Fields: {', '.join(known[MESSAGE])}.")


def _unknown_spellings(contents: Contents, path: str, spellings: tuple[str, ...]) -> list[str]:
    rule, _, field = path.partition(".")
    values = {value.casefold() for value in _values(contents, contents.fields(rule)[field][0])}
    return [spelling for spelling in spellings if spelling.casefold() not in values]


def _values(contents: Contents, node: ContentNode) -> tuple[str, ...]:
    """The values of an enumerated field."""
    if isinstance(node, Token):
        return contents.terminals[node.terminal].values or ()
    if not isinstance(node, Part) or contents.rules[node.rule].kind == "enumerated":
        return contents.rules[node.rule].values if isinstance(node, Part) else ()
    inner = (_values(contents, nodes[0]) for nodes in contents.fields(node.rule).values())
    return next((found for found in inner if found), ())


def _item(contents: Contents, node: ContentNode) -> str:
    """The rule of the items of a list; empty for anything else."""
    if isinstance(node, Part) and contents.rules[node.rule].kind == "list":
        return _item(contents, next(iter(contents.fields(node.rule).values()))[0])
    return rule_of(node) or "" if isinstance(node, (Many, Joined)) else ""
