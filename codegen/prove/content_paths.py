"""The paths of data files into the grammar of contents: each leads to a part of the right kind."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.content_rules import Contents
from ..model.content_types import is_list, is_schema, kind_of, record_in, required_fields, terminal_of, user_rules
from ..model.format_model import Format
from ..model.rule_nodes import Mark, Node
from ..read.grammar_folder import CONTENTS, CONVERSATION, NAMESPACE, RECOVERY, Sources
from ..read.problems import Problem
from ..read.value_places import Path

KINDS = {
    "namespace": {"name": "a text", "description": "a text", "tools": "a list of tools"},
    "tool": {"name": "a text", "description": "a text", "parameters": "a JSON Schema"},
    "answer": {"name": "a text", "schema": "a JSON Schema"},
}
"""What each path of conversation.toml leads to."""

DECLARED_KINDS = {
    "tools": "a list of namespaces",
    "builtin": "a list of namespaces",
    "channels": "a list of texts",
    "required": "true or false",
    "answers": "a list of forms of answers",
}
"""What each path of recovery.toml leads to."""

LISTED = {"a list of tools": "tool", "a list of namespaces": "namespace", "a list of forms of answers": "answer"}
"""The table of conversation.toml that describes the items of a list."""


def content_paths(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of the paths in conversation.toml and recovery.toml."""
    yield from _definitions(format, sources)
    for index, item in enumerate(format.implied):
        for key, (rule, field), kind in (
            ("flag", item.flag, "text that may be absent"),
            ("list", item.list, "a list of namespaces"),
        ):
            wrong = _wrong(format, (rule, field), kind)
            wrong = wrong or (f"`{rule}` is not a role" if key == "list" and rule not in format.contents.roles else "")
            if wrong:
                yield _problem(sources, CONVERSATION, ("implied", index, key), f"{rule}.{field}", wrong)
    for key, paths in format.recovery.declared.items() if format.recovery else ():
        for index, path in enumerate(paths):
            role, *parts = path.split(".")
            wrong = f"`{role}` is not a role with contents"
            if role in format.contents.roles:
                wrong = _wrong(format, (role, *parts), DECLARED_KINDS[key])
            if wrong:
                yield _problem(sources, RECOVERY, ("declared", key, index), path, wrong)


def _definitions(format: Format, sources: Sources) -> Iterator[Problem]:
    contents = format.contents
    for table, defined in format.definitions.items():
        written = sources.table(CONVERSATION, table)
        rules = {str(written[purpose]).split(".")[0] for purpose in defined.fields}
        if len(rules) > 1:
            reason = f"the paths of `{table}` begin with different rules: {', '.join(sorted(rules))}"
            yield Problem(sources.place(CONVERSATION, table), reason, "One class has all of these fields.")
            continue
        if defined.rule not in user_rules(contents):
            reason = f"`{defined.rule}` is not a class that the contents of a role have"
            yield Problem(sources.place(CONVERSATION, table), reason, f"Name a rule of {CONTENTS} with several parts.")
            continue
        for purpose, field in defined.fields.items():
            if wrong := _wrong(format, (defined.rule, field), KINDS[table][purpose]):
                yield _problem(sources, CONVERSATION, (table, purpose), f"{defined.rule}.{field}", wrong)
        needed = set() if table == "answer" else required_fields(contents, defined.rule)
        for field in sorted(needed - set(defined.fields.values())):
            reason = f"`{defined.rule}` needs `{field}`, for which `{table}` has no path"
            yield Problem(sources.place(CONVERSATION, table), reason, f"Make it optional in {CONTENTS}.")
    rules = {format.definitions[key].rule for key in ("namespace", "tool") if key in format.definitions}
    for rule in sorted(rules - set(dict(format.namespace or {}).get("$defs", {}))):
        reason = f"there is no definition `{rule}`, which {CONVERSATION} names"
        yield Problem(sources.place(NAMESPACE, "$defs"), reason, "Define it: users' tools are checked by it.")
    for file in format.tools:
        if "namespace" not in format.definitions or format.namespace is None:
            reason = f"nothing reads `{file}` without {NAMESPACE} and [namespace] in {CONVERSATION}"
            yield Problem(sources.place(file), reason, "Add them, or remove the file.")


def _problem(sources: Sources, file: str, at: Path, path: str, wrong: str) -> Problem:
    return Problem(sources.place(file, *at), f"`{path}` leads to no such part: {wrong}", "Correct the path.")


def _wrong(format: Format, path: tuple[str, ...], kind: str) -> str:
    """Why a path does not lead to a part of a kind; "" if it does."""
    contents = format.contents
    rule, *fields = path
    for index, field in enumerate(fields):
        if rule not in contents.rules or contents.rules[rule].kind != "record":
            return f"`{rule}` is not a class"
        if field not in contents.fields(rule):
            return f"`{rule}` has no field `{field}`"
        node = contents.fields(rule)[field][0]
        if index == len(fields) - 1:
            return "" if _is_of_kind(format, node, kind) else f"`{field}` is not {kind}"
        inner = record_in(contents, node)
        if inner is None or is_list(contents, node):
            return f"`{field}` of `{rule}` has no fields"
        rule = inner
    return f"`{rule}` is not {kind}"


def _is_of_kind(format: Format, node: Node, kind: str) -> bool:
    contents = format.contents
    if table := LISTED.get(kind):
        defined = format.definitions.get(table)
        return is_list(contents, node) and defined is not None and record_in(contents, node) == defined.rule
    if kind == "a JSON Schema":
        return is_schema(contents, node) or _is_json(contents, node)
    if kind == "text that may be absent":
        return isinstance(node, Mark)
    return kind_of(contents, node) == {"a text": "str", "true or false": "bool", "a list of texts": "list[str]"}[kind]


def _is_json(contents: Contents, node: Node) -> bool:
    terminal = terminal_of(contents, node)
    return terminal is not None and contents.is_json(terminal.name)
