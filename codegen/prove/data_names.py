"""Names and paths in the data files lead to parts of the grammar.

`grammar_folder.schema.json` describes what each one leads to: `x-names` a kind of name, `x-leads-to` a kind of field at
the end of a path, which begins with a role (`x-of-role`) or a class.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..model.content_grammar import is_json
from ..model.format_model import CONTENT_FIELD, JSON_KEYS, MESSAGE, Format
from ..model.frame_graph import graph
from ..model.recovery_tables import SLOT_NAMES, closes, library_table
from ..read.data_files import DefinedBy, Kind
from ..read.data_shapes import annotated
from ..read.grammar_folder import CONTENTS_FILE, CONVERSATION_FILE, NAMESPACE_FILE, STYLES_FILE, Sources
from ..read.grammar_nodes import GrammarNode, RuleCall, RuleMark, RuleValue, walk
from ..read.problems import Problem, suggestion
from ..read.reachable import reachable
from ..read.value_places import ValuePath

ITEM_TABLES = {"a list of tools": "tool", "a list of namespaces": "namespace", "a list of forms of answers": "answer"}
"""The table of conversation.toml that describes the items of a list."""

OF_CONTENTS = ("a class of contents", "a rule of contents")
"""The kinds of names that only a grammar with contents has."""

COSTS_OF_ANY_FIELD = ("empty", "displaced", "unknown", "ratio", "beginning", "codes")
"""What recovery reads in the row of any field. Other costs are read only for fields that have them in this package."""

ANY_ALTERNATIVE = "a named alternative"
"""The kind of names that messages and contents have."""

PYTHON_TYPES = {"a text": "str", "true or false": "bool", "a list of texts": "list[str]"}


def data_names(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of names in data files, and of the values that depend on them."""
    without_contents, of_any_alternative = list[Problem](), list[Problem]()
    for path, schema, value in annotated(sources.data):
        if "x-condition" in schema:
            yield from _condition(format, value, sources, *path)
        elif problem := _wrong_name(format, sources, path, schema, value):
            is_content = schema.get("x-names", OF_CONTENTS[0]) in OF_CONTENTS and value.split(".")[0] != MESSAGE
            if is_content and not format.contents.rules:
                without_contents.append(problem)
            elif schema.get("x-names") == ANY_ALTERNATIVE and not format.contents.rules:
                of_any_alternative.append(problem)
            else:
                yield problem
    if not without_contents:
        yield from of_any_alternative
    else:
        files = " and ".join(sorted({each.place.file for each in without_contents + of_any_alternative}))
        reason = f"the grammar has no contents, and there are names of their parts in {files}"
        remedy = f"Add {CONTENTS_FILE}, or remove what names its parts."
        yield Problem(without_contents[0].place, reason, remedy)
    is_wrong = any(_condition(format, dict(format.opening), sources, CONVERSATION_FILE, "opening"))
    is_wrong |= not format.fields.keys() >= format.opening.keys()
    if format.opening and format.open_frame and not is_wrong and not _may_open(format, format.open_frame):
        values = ", ".join(f"{name} = {json.dumps(value)}" for name, value in format.opening.items())
        reason = f"no prompt can be written: `{format.open_frame}` never has exactly these values: {values}"
        yield Problem(
            sources.place(CONVERSATION_FILE, "opening"), reason, "Set each field of one open header, and no other."
        )
    yield from _turn(format, sources)
    yield from _definitions(format, sources)
    yield from _json_form(format, sources)
    yield from _joined(format, sources)


def _wrong_name(
    format: Format, sources: Sources, at: ValuePath, schema: Mapping[str, Any], value: str
) -> Problem | None:
    """The problem of a name or a path at some place that leads to nothing, or to something else.

    None if there is none, or if it follows from another one: the name of a table of costs is wrong, the table that
    describes items of a list names no class, or no role leads to the rule.
    """
    if wanted := schema.get("x-names"):
        holder = str(at[-2])
        known = _known(format, wanted, holder)
        if value in known or (wanted == "a cost" and holder not in _known(format, "a table of costs")):
            return None
        remedy = schema.get("description") or suggestion(value, known, "There are")
        if reason := _other_meaning(format, wanted, value):
            remedy = f"{reason} {remedy}"
        return Problem(sources.place(*at), f"`{value}` is not {wanted}", remedy)
    path, table, owners = value.split("."), ITEM_TABLES.get(schema["x-leads-to"]), _owners(format, schema)
    described = format.definitions.get(table) if table else None
    is_described = described is None or described.rule in _known(format, "a class of contents")
    if not (wrong := _wrong(format, path, schema)) or not is_described or path[0] in format.contents.unused:
        return None
    if path[0] not in owners:
        return Problem(sources.place(*at), wrong, suggestion(path[0], owners, "There are"))
    paths = _paths(format, path[0])
    fitting = [each for each in _paths_inside(format, paths) if not _wrong(format, each.split("."), schema)]
    remedy = suggestion(value, fitting or paths, "Paths")
    if value in paths and table and described is None:
        remedy = f"Describe its items in [{table}] of {CONVERSATION_FILE}."
    elif value in paths:
        remedy = "Remove it, or correct the rule." + (f" Paths: {', '.join(fitting)}." if fitting else "")
    return Problem(sources.place(*at), f"`{value}` leads to no such part: {wrong}", remedy)


def _other_meaning(format: Format, wanted: str, value: str) -> str:
    """What a name means that is not of the kind that is wanted; "" if nothing is known of it."""
    if wanted == "a field of messages" and value in format.rules:
        inner = {node.field for node in walk(format.rules[value].node) if isinstance(node, RuleValue) and node.field}
        listed = " and ".join(f"`{name}`" for name in sorted(inner))
        return f"The rule `{value}` contains another rule, so its terminals are fields of their own: {listed}." * bool(
            inner
        )
    rules = {**format.contents.rules, **format.rules} if "alternative" in wanted else {}
    owner = next((rule.name for rule in rules.values() if any(way.name == value for way in rule.ways)), "")
    return f"A field shows the alternative `{value}` of `{owner}`, so no style chooses it." if owner else ""


def _known(format: Format, kind: str, table: str = "") -> Collection[str]:
    """The names of a kind that there are; those of costs in a table of costs."""
    match kind:
        case "a field of messages":
            return format.fields
        case "a style":
            return format.styles
        case "a named alternative of messages":
            return format.variants()
        case "a named stop token":
            return [name for name in closes(format).values() if name]
        case "a kind of message":
            return [kind.name for kind in format.turn]
        case _ if kind == ANY_ALTERNATIVE:
            return format.variants() | format.content_variants()
        case "a class of contents":
            return [rule.name for rule in format.contents.rules.values() if rule.kind == "record"]
        case "a diagnostic":
            return format.recovery.codes if format.recovery else ()
        case "a known content type":
            return format.recovery.content_types if format.recovery else ()
        case "an edit of headers":
            return library_table("edits")
        case "a table of costs":
            return dict.fromkeys(("header", *SLOT_NAMES, *format.fields))
        case "a cost":
            return dict.fromkeys((*library_table("costs").get(table, ()), *COSTS_OF_ANY_FIELD * (table != "header")))
    return format.contents.rules


def _condition(format: Format, value: dict[str, str | bool], sources: Sources, *path: str | int) -> Iterator[Problem]:
    for name, wanted in value.items():
        field, at = format.fields.get(name), (*path, name)
        if field is None or isinstance(wanted, bool):
            continue
        if field.flag:
            yield Problem(sources.place(*at), f"`{name}` must be true or false", "Correct the value.")
        elif field.values is not None:
            if wanted not in field.values:
                remedy = suggestion(wanted, field.values, "Values")
                yield Problem(sources.place(*at), f"`{name}` cannot be `{wanted}`", remedy)
        else:
            for terminal in unfit_terminals(format, name, wanted):
                reason = f"`{wanted}` does not fit {terminal}"
                yield Problem(sources.place(*at), reason, "Choose a value that can be written.")


def unfit_terminals(format: Format, field: str, value: str) -> Iterator[str]:
    """The terminals of a field that cannot have this text."""
    for terminal in format.terminals_of(field):
        if not format.terminals[terminal].fits(value):
            yield terminal


def _may_open(format: Format, frame: str) -> bool:
    """Whether a path of the open header sets the values of [opening], and no others."""
    made, wanted = graph(format, frame), {(name, value) for name, value in format.opening.items() if value is not False}

    def following(at: tuple[int, frozenset[tuple[str, str | bool]]]) -> Iterator[tuple[int, frozenset[Any]]]:
        state, held = at
        for edge, target in made.steps[state]:
            then = held.union(made.sets.get(target, ()))
            if isinstance(edge, RuleValue):
                value = format.opening.get(edge.field)
                if not isinstance(value, str) or not format.terminals[edge.terminal].fits(value):
                    continue
                then |= {(edge.field, value)}
            if then <= wanted:
                yield target, then

    start: tuple[int, frozenset[tuple[str, str | bool]]] = (0, frozenset())
    return any(state in made.final and held == wanted for state, held in reachable([start], following))


def _turn(format: Format, sources: Sources) -> Iterator[Problem]:
    """Each kind of message has a name of its own, and messages that are of no earlier kind."""
    for index, kind in enumerate(format.turn):
        for earlier in format.turn[:index]:
            if earlier.name == kind.name:
                reason = f"there are two kinds of messages with the name `{kind.name}`"
                yield Problem(sources.place(CONVERSATION_FILE, "turn", index, "kind"), reason, "Choose another name.")
            elif set(earlier.when) <= set(kind.when):
                reason = f"no message is of the kind `{kind.name}`: all of them are of the kind `{earlier.name}`"
                remedy = "Move the kind with more conditions up."
                yield Problem(sources.place(CONVERSATION_FILE, "turn", index, "when"), reason, remedy)
        yield from _contradictions(format, kind, sources, index)


def _contradictions(format: Format, kind: Kind, sources: Sources, index: int) -> Iterator[Problem]:
    """A kind of message does not want another value than it has, or another stop token than is always written."""
    when, stops = dict(kind.when), {*closes(format).values()}
    for name, value in kind.has:
        given = when.get(name, value)
        if given != value if isinstance(given, str) and isinstance(value, str) else bool(given) != bool(value):
            reason = f"`has` contradicts `when`: no message of the kind `{kind.name}` has this `{name}`"
            yield Problem(
                sources.place(CONVERSATION_FILE, "turn", index, "has", name), reason, "Correct one of the two."
            )
    held = dict(kind.has) | when
    written = [
        choose.alternative
        for choose in format.always
        if choose.alternative in stops
        and all(name in held and value in (held[name], bool(held[name])) for name, value in choose.when)
    ]
    if written and kind.ends not in written and kind.ends in stops:
        reason = f"messages of the kind `{kind.name}` end with `{written[0]}`, by [[always]] in {STYLES_FILE}"
        remedy = f'Write `ends = "{written[0]}"`, or remove it from [[always]]: what `ends` names is written.'
        yield Problem(sources.place(CONVERSATION_FILE, "turn", index, "ends"), reason, remedy)


def _wrong(format: Format, path: list[str], schema: Mapping[str, Any]) -> str:
    """Why a path does not lead to what the schema wants; "" if it does."""
    contents, kind = format.contents, schema["x-leads-to"]
    rule, *fields = path
    if kind == "a field" and rule == MESSAGE:
        return "" if fields[0] in _known(format, "a field of messages") else f"`{rule}` has no field `{fields[0]}`"
    if rule not in _owners(format, schema):
        wanted = "a role with contents" if "x-of-role" in schema else "a class that the contents of a role have"
        return f"`{rule}` is not {wanted}"
    for index, field in enumerate(fields):
        if field not in contents.fields(rule):
            return f"`{rule}` has no field `{field}`"
        node = contents.fields(rule)[field][0]
        if index == len(fields) - 1:
            return "" if _is_of_kind(format, node, kind) else f"`{field}` is not {kind}"
        inner = contents.record_in(node)
        if inner is None or contents.is_list(node) or contents.rules[inner].kind != "record":
            return f"`{field}` of `{rule}` has no fields"
        rule = inner
    return f"`{rule}` is not {kind}"


def _owners(format: Format, schema: Mapping[str, Any]) -> Collection[str]:
    """The rules that a path may begin with."""
    if "x-of-role" in schema:
        return format.contents.roles
    return [*format.contents.user_rules(), *[MESSAGE] * (schema["x-leads-to"] == "a field")]


def _paths(format: Format, rule: str) -> list[str]:
    """The paths to fields of a rule."""
    is_message = rule == MESSAGE
    fields = _known(format, "a field of messages") if is_message else format.contents.fields(rule)
    return [f"{rule}.{field}" for field in fields]


def _paths_inside(format: Format, paths: list[str]) -> list[str]:
    """Paths to fields, each followed by those to the fields of the class that it leads to, if there is one."""
    contents, found = format.contents, list[str]()
    for path in paths:
        found.append(path)
        rule, field = path.split(".")
        node = contents.fields(rule)[field][0] if rule in contents.rules else None
        if node and not contents.is_list(node) and (inner := contents.record_in(node)):
            found += [f"{path}.{name}" for name in contents.fields(inner)]
    return found


def _is_of_kind(format: Format, node: GrammarNode, kind: str) -> bool:
    contents = format.contents
    if table := ITEM_TABLES.get(kind):
        defined = format.definitions.get(table)
        return contents.is_list(node) and defined is not None and contents.record_in(node) == defined.rule
    match kind:
        case "a field":
            return True
        case "a list of records":
            return contents.is_list(node) and contents.record_in(node) is not None
        case "one of several values":
            return bool(contents.listed_values(node))
        case "a JSON Schema":
            terminal = contents.terminal_of(node)
            return contents.is_schema(node) or (terminal is not None and is_json(terminal.name))
        case "text that may be absent":
            return isinstance(node, RuleMark)
    return contents.kind_of(node) == PYTHON_TYPES[kind]


def _definitions(format: Format, sources: Sources) -> Iterator[Problem]:
    """Each table describes one class, whose required fields it names."""
    for table, defined in format.definitions.items():
        written = sources.table(CONVERSATION_FILE, table)
        rules = {str(written[purpose]).split(".")[0] for purpose in defined.fields}
        if len(rules) > 1:
            reason = f"the paths of `{table}` begin with different rules: {', '.join(sorted(rules))}"
            yield Problem(sources.place(CONVERSATION_FILE, table), reason, "Use paths of one rule.")
        elif table != "answer" and _fields_exist(format, defined):
            for field in sorted(format.contents.required_fields(defined.rule) - set(defined.fields.values())):
                reason = f"`{defined.rule}` needs `{field}`, for which `{table}` has no path"
                place = sources.place(CONVERSATION_FILE, table)
                yield Problem(place, reason, f"Make it optional in {CONTENTS_FILE}.")
    rules = {format.definitions[key].rule for key in ("namespace", "tool") if key in format.definitions}
    for rule in sorted(rules - set(dict(format.namespace or {}).get("$defs", {}))):
        reason = f"the definition `{rule}` is missing, which {CONVERSATION_FILE} names"
        yield Problem(sources.place(NAMESPACE_FILE, "$defs"), reason, "Define it: users' tools are checked by it.")
    for file in format.tools:
        if "namespace" not in format.definitions or format.namespace is None:
            reason = f"nothing reads `{file}` without {NAMESPACE_FILE} and [namespace] in {CONVERSATION_FILE}"
            yield Problem(sources.place(file), reason, "Add them, or remove the file.")


def _fields_exist(format: Format, defined: DefinedBy) -> bool:
    """Whether no path of a table is a problem by itself; a field that it lacks may be the one that is meant."""
    is_class = defined.rule in _known(format, "a class of contents")
    return is_class and format.contents.fields(defined.rule).keys() >= {*defined.fields.values()}


def _json_form(format: Format, sources: Sources) -> Iterator[Problem]:
    """Fields that are always written are read back, texts mean no value where there may be none, keys of lists are
    required texts of their items, and spellings differ from values in upper and lower case only."""
    contents = format.contents
    tables = sources.table(CONVERSATION_FILE, "json")
    for index, path in enumerate(tables.get("always", ())):
        if not _wrong(format, path.split("."), {"x-leads-to": "a field"}) and (fault := _unlike_absent(format, path)):
            place = sources.place(CONVERSATION_FILE, "json", "always", index)
            yield Problem(place, f"`{path}` {fault}", "Remove it from the list.")
    for path, text in tables.get("absent", {}).items():
        is_field = not _wrong(format, path.split("."), {"x-leads-to": "a field"})
        if is_field and (fault := _unlike_optional_text(format, path, text)):
            yield Problem(sources.place(CONVERSATION_FILE, "json", "absent", path), f"`{path}` {fault}", "Remove it.")
    for path, key in tables.get("keyed", {}).items():
        if (node := _led_to(format, path, "a list of records")) and (item := contents.record_in(node)):
            nodes = contents.fields(item).get(key)
            if not nodes or contents.kind_of(nodes[0]) != "str" or key not in contents.required_fields(item):
                reason = f"`{key}` is not a text that each item of `{path}` has"
                place = sources.place(CONVERSATION_FILE, "json", "keyed", path)
                yield Problem(place, reason, "Name a field of its records.")
    for path, spellings in tables.get("spelled", {}).items():
        if node := _led_to(format, path, "one of several values"):
            values = {value.casefold() for value in contents.listed_values(node)}
            for unknown in [each for each in spellings if each.casefold() not in values][:1]:
                place = sources.place(CONVERSATION_FILE, "json", "spelled", path)
                reason = f"`{unknown}` is not a value of `{path}`"
                yield Problem(place, reason, "Use a value of the field; only upper and lower case may differ.")


def _unlike_absent(format: Format, path: str) -> str:
    """Why a field without a value is not written, and read back, as null in a message, elsewhere as an empty value."""
    contents, (rule, _, field) = format.contents, path.partition(".")
    if rule == MESSAGE:
        if owner := _joined_in(format, field):
            return f"is a part of the property `{owner}`"
        return "is always written" if field == CONTENT_FIELD or format.fields[field].required else ""
    node = contents.fields(rule)[field][0]
    is_lines = isinstance(node, RuleCall) and contents.rules[node.rule].kind == "lines"
    is_flag = isinstance(node, RuleMark) and (rule, field) not in contents.implied
    if is_lines or is_flag or contents.is_list(node):
        return ""
    if field in contents.required_fields(rule):
        return "is always written"
    return "is not absent if it is read from an empty text"


def _unlike_optional_text(format: Format, path: str, text: str) -> str:
    """Why a text cannot mean that a field has no value."""
    rule, _, name = path.partition(".")
    if rule != MESSAGE:
        node = format.contents.fields(rule)[name][0]
        is_optional = format.contents.kind_of(node) == "str" and name not in format.contents.required_fields(rule)
        return "" if is_optional else "is not a text that may be absent"
    field = format.fields[name]
    if field.required or field.flag or name == CONTENT_FIELD:
        return "is not a text that may be absent"
    if owner := _joined_in(format, name):
        return f"is a part of the property `{owner}`"
    return f"may have the value `{text}`" if text in (field.values or ()) else ""


def _joined_in(format: Format, field: str) -> str:
    """The property that holds several fields, among them this one; "" for none."""
    return next((name for name, held in format.json.get("joined", {}).items() if field in held), "")


def _joined(format: Format, sources: Sources) -> Iterator[Problem]:
    """Joined fields can be separated again, and have a property of their own."""
    joined, owners = sources.table(CONVERSATION_FILE, "json", "joined"), dict[str, str]()
    own = {*format.fields, *JSON_KEYS}.difference(*joined.values())
    for name, names in joined.items():
        at = (CONVERSATION_FILE, "json", "joined", name)
        held = [format.fields[each] for each in names if each in format.fields]
        texts = [each.name for each in held if not each.flag]
        if name in own:
            reason = f"messages already have the property `{name}`"
            yield Problem(sources.place(*at), reason, "Choose another name.")
        if len(texts) > 1:
            reason = f"`{name}` joins `{texts[0]}` and `{texts[1]}`, which cannot be separated again"
            yield Problem(sources.place(*at), reason, "Join flags and one text.")
        elif texts and texts[0] != names[-1]:
            reason = f"`{name}` joins a flag after the text `{texts[0]}`"
            yield Problem(sources.place(*at), reason, "Name the text last.")
        for each in held:
            if each.name == CONTENT_FIELD:
                reason = f"`{name}` joins `{each.name}`, which may be no text"
                yield Problem(sources.place(*at), reason, "Remove it from the list.")
            if (other := owners.setdefault(each.name, name)) != name:
                reason = f"`{other}` and `{name}` both hold `{each.name}`"
                yield Problem(sources.place(*at), reason, "Name it in one of the two.")


def _led_to(format: Format, path: str, kind: str) -> GrammarNode | None:
    rule, _, field = path.partition(".")
    return None if _wrong(format, [rule, field], {"x-leads-to": kind}) else format.contents.fields(rule)[field][0]
