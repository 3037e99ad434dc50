"""The table for the JSON form names fields that exist, and values that they have."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.content_rules import Contents
from ..model.content_types import is_list, kind_of, listed_values, record_in, user_rules
from ..model.format_model import Format
from ..model.json_tables import MESSAGE
from ..read.grammar_folder import CONVERSATION, Sources
from ..read.problems import Problem


def json_tables(format: Format, sources: Sources) -> Iterator[Problem]:
    table, contents = format.json, format.contents
    known = {rule: list(contents.fields(rule)) for rule in user_rules(contents)}
    known[MESSAGE] = [field.name for field in format.fields]
    for key, path in table.paths():
        rule, _, field = path.partition(".")
        written = sources.table(CONVERSATION, "json")[key]
        place = sources.place(CONVERSATION, "json", key, written.index(path) if isinstance(written, list) else path)
        if rule not in known:
            yield Problem(place, f"`{path}` begins with no class", f"Begin with {', '.join(known)}.")
        elif field not in known[rule]:
            yield Problem(place, f"`{rule}` has no field `{field}`", f"Fields: {', '.join(known[rule])}.")
        elif key == "spelled" and (unknown := _unknown_spellings(contents, path, table.spelled[path])):
            yield Problem(place, f"`{unknown[0]}` is not a value of `{path}`", "Only upper and lower case may differ.")
        elif key == "keyed":
            node, name = contents.fields(rule)[field][0], table.keyed[path]
            items = contents.fields(item) if is_list(contents, node) and (item := record_in(contents, node)) else {}
            if name not in items or kind_of(contents, items[name][0]) != "str":
                reason = f"`{name}` is not a text that each item of `{path}` has"
                yield Problem(place, reason, "Name a field of its records.")
    for name, parts in table.joined.items():
        for index, field in enumerate(parts):
            if field in known[MESSAGE]:
                continue
            place = sources.place(CONVERSATION, "json", "joined", name, index)
            yield Problem(place, f"messages have no field `{field}`", f"Fields: {', '.join(known[MESSAGE])}.")


def _unknown_spellings(contents: Contents, path: str, spellings: tuple[str, ...]) -> list[str]:
    rule, _, field = path.partition(".")
    values = {value.casefold() for value in listed_values(contents, contents.fields(rule)[field][0])}
    return [spelling for spelling in spellings if spelling.casefold() not in values]
