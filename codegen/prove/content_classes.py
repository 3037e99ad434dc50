"""Whether contents can become classes, and data files fit them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from lark import Lark
from lark.exceptions import LarkError

from ..model.content_grammar import ContentGrammar, is_json, tools_name
from ..model.format_model import Format
from ..model.schema_rules import SCHEMA_FIELDS, SCHEMA_TERMINALS, SCHEMA_VALUES, schema_rule
from ..model.terminals import Terminal
from ..read import regular_expressions as pattern
from ..read.data_shapes import MAX_SCHEMA_ERROR_CHARS, misfits
from ..read.grammar_folder import CONTENTS_FILE, CONVERSATION_FILE, NAMESPACE_FILE, Sources
from ..read.grammar_nodes import Concat, GrammarNode, Repeat, RuleCall, RuleList, RuleValue, Text, walk
from ..read.lark_files import lark_refusal
from ..read.problems import Place, Problem, suggestion
from ..read.value_places import ValuePath
from .content_delimiters import unclear_delimiters
from .finite_automata import machine, witness

OF_RECORDS = frozenset(("text", "contents", "field", "from_json", "to_json", "mro"))
OF_READERS = frozenset(("m", "w", "r", "f", "done"))
OF_TYPES = frozenset(("list", "str", "bool", "dict", "runtime"))  # the type of a field would be the field above it
RESERVED_FIELDS = OF_RECORDS | OF_READERS | OF_TYPES
"""Names that records, or the functions that read and write them, use for something else."""

UNRESTRICTING = frozenset(("type", "title", "description", "default", "examples", "deprecated", "$comment"))
"""The keywords that do not restrict which texts a schema allows."""

OF_WRITTEN_RECORDS = frozenset(("keep", "kept_text", "variants"))
"""Those of records that users write."""

RESERVED_BESIDE_KINDS = RESERVED_FIELDS | {"self", "type", "as_parsed"}
"""Those that the JSON form uses, too, where an object has a kind: in contents of messages, and in alternatives."""


def check_contents(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of contents."""
    contents = format.contents
    if not contents.rules:
        return
    namespace = format.namespace or {}
    if disagreements := list(_namespace(contents, namespace, sources)):
        yield from disagreements
        return  # which rules are types of tools depends on it
    found = [*_built_in(format, namespace, sources), *_types(contents)]
    yield from found or _values(format, sources)
    yield from _spellings(contents)
    yield from _presence(contents)
    wrong_types = list(_schema_rules(format)) if contents.schemas else []
    yield from wrong_types or unclear_delimiters(contents)
    try:
        Lark(sources.texts[CONTENTS_FILE], parser=None, lexer="basic", start=list(contents.roles))
    except LarkError as error:
        yield lark_refusal(error, CONTENTS_FILE, sources.contents)


def _types(contents: ContentGrammar) -> Iterator[Problem]:
    tagged, written = {*contents.roles, *_with_a_kind(contents)}, {*contents.user_rules()}
    for rule in contents.rules.values():
        if rule.collapses and not contents.core_fields(rule.name):
            reason = f"`?{rule.name}` has no rule or list with separators in it that is always there"
            yield Problem(rule.place, reason, "Remove the `?`: its value is a class then.")
        for field in contents.fields(rule.name) if rule.kind == "record" else ():
            reserved = RESERVED_BESIDE_KINDS if rule.name in tagged else RESERVED_FIELDS
            if field in reserved or (field in OF_WRITTEN_RECORDS and rule.name in written) or keyword.iskeyword(field):
                why = "it is a Python keyword" if keyword.iskeyword(field) else "the codec uses it for something else"
                reason = f"`{field}` cannot be the name of a field: {why}"
                place = contents.rules[field].place if field in contents.rules else rule.place
                is_plural = any(isinstance(node, RuleList) for node in contents.fields(rule.name)[field])
                remedy = f"Choose another name for the rule or terminal{', whose plural it is' * is_plural}."
                yield Problem(place, reason, remedy)


def _with_a_kind(contents: ContentGrammar) -> Iterator[str]:
    """The rules that a value may be of where it may also be something else."""
    for rule in (contents.rules[name] for name in contents.by_hand):
        if rule.collapses:
            yield rule.name
        if rule.kind == "choice":
            yield from (part.rule for way in rule.ways for part in way.items if isinstance(part, RuleCall))


def _spellings(contents: ContentGrammar) -> Iterator[Problem]:
    """An alternative that no field distinguishes from an earlier one is remembered by its name; one of lines has their
    texts, once."""
    for rule in contents.rules.values():
        for way in rule.ways[1:] if rule.kind == "lines" else ():
            if way is not rule.ways[1] or _texts(way.items) != _texts(rule.ways[0].items):
                reason = f"`{way.name}` is read like the lines of `{rule.name}`, and has other texts around them"
                yield Problem(way.place, reason, "Write the texts of one line, without `?`, and no other alternative.")
        for index, way in enumerate(rule.ways if rule.kind in ("record", "inlined") else ()):
            if not way.name and contents.is_spelling(rule.name, index):
                reason = f"alternative {index + 1} of `{rule.name}` sets the same fields as an earlier one"
                rename = "Begin the name of the rule with a letter, and n" if rule.name.startswith("_") else "N"
                yield Problem(way.place, reason, f"{rename}ame it after an arrow, `-> name`, so that it is remembered.")


def _presence(contents: ContentGrammar) -> Iterator[Problem]:
    """The presence of an optional part shows in a field that is not set without it."""
    for rule in contents.rules.values():
        for way in rule.ways:
            for index, node in enumerate(way.items):
                fields = contents.fields_of(node).keys() if isinstance(node, Repeat) else ()
                others = Concat((*way.items[:index], *way.items[index + 1 :]))
                if fields and contents.always_set(others) >= {*fields}:
                    reason = (
                        f"no field shows whether an optional part of `{rule.name}` is present: `{', '.join(fields)}`"
                    )
                    remedy = "Use another field in it: one that occurs twice has the same value both times."
                    yield Problem(way.place, f"{reason} is always set", remedy)


def _texts(items: tuple[GrammarNode, ...]) -> list[GrammarNode]:
    """What an alternative of lines has in one line, without layout."""
    nodes = [node for item in items for node in walk(item)]
    return [node for node in nodes if isinstance(node, Text) or (isinstance(node, RuleValue) and node.field)]


def _values(format: Format, sources: Sources) -> Iterator[Problem]:
    """Defaults, and built-in tools that are a namespace, fit the fields of their classes."""
    contents, namespace = format.contents, format.definitions.get("namespace")
    classes = {name: _class_shape(contents, name) for name, rule in contents.rules.items() if rule.kind == "record"}
    defaults = {"properties": {name: {**shape, "required": []} for name, shape in classes.items()}}
    files = {CONVERSATION_FILE: {"properties": {"defaults": defaults}}}
    if namespace and namespace.rule in classes:
        files |= dict.fromkeys(format.tools, defaults["properties"][namespace.rule])
    schema, remedy = {"properties": files, "$defs": classes}, f"Correct it: {CONTENTS_FILE} describes its class."
    yield from misfits(schema, sources.data, sources.places, remedy)


def _class_shape(contents: ContentGrammar, rule: str) -> dict[str, Any]:
    """The JSON Schema for the fields of a class."""
    return {
        "type": "object",
        "required": sorted(contents.required_fields(rule)),
        "properties": {name: _value_shape(contents, nodes[0]) for name, nodes in contents.fields(rule).items()},
        "additionalProperties": False,
    }


def _value_shape(contents: ContentGrammar, node: GrammarNode) -> dict[str, Any]:
    """The JSON Schema for the value of a field."""
    kind, terminals = contents.kind_of(node), contents.terminals_of(node)
    if kind == "bool":
        return {"type": "boolean"}
    if contents.is_schema(node):
        return {"title": "a JSON Schema", "type": ["object", "boolean"]}
    if kind.startswith("list[") and (item := contents.item_of(node)):
        return {"type": "array", "items": _value_shape(contents, item)}
    if record := contents.record_in(node):
        shape = {"$ref": f"#/$defs/{record}"}
        core = contents.core_part(record)
        return {"if": {"type": "object"}, "then": shape, "else": _value_shape(contents, core)} if core else shape
    if kind != "Any" and (listed := contents.listed_values(node)):
        return {"enum": listed}
    if kind == "str" and not terminals:  # the lines of a text
        return {"type": "string"}
    if kind == "str":
        patterns = "|".join(pattern.expression(terminal.pattern) for terminal in terminals)
        title = f"a text that fits {terminals[0].name}"
        return {"title": title, "type": "string", "pattern": rf"^(?:{patterns})$(?!\n)"}
    is_any = terminals and is_json(terminals[0].name)
    return {} if is_any else {"title": "allowed here: no data file can hold its value", "not": {}}


def _schema_rules(format: Format) -> Iterator[Problem]:
    """The library writes schemas as types by rules and terminals of certain names."""
    contents, place = format.contents, Place(CONTENTS_FILE)
    for known, needed in SCHEMA_FIELDS.items():
        rule = schema_rule(format, known)
        if rule in contents.unused:  # which is reported
            continue
        if rule not in contents.rules or contents.rules[rule].kind != "record":
            yield Problem(place, f"a rule `{rule}` with parts is missing; the library needs it", "Define it.")
        elif (held := tuple(dict(contents.ordered_fields(rule)))) != needed:
            reason = f"`{rule}` holds {', '.join(held) or 'nothing'}; schemas are written by "
            remedy = "Keep these parts in this order, optional ones last."
            yield Problem(contents.rules[rule].place, reason + (", ".join(needed) or "nothing"), remedy)
    for name, values in SCHEMA_VALUES.items():
        found = contents.rules.get(name)
        named = found.values if found is not None and found.kind == "enumerated" else ()
        missing = [f"`{value}`" for value in values if value not in named and name not in contents.unused]
        if missing:
            reason = f"`{name}` has no text named {', '.join(missing)}; the library needs it"
            yield Problem(place if found is None else found.place, reason, 'Define it, as in `"true" -> true`.')
    for terminal in SCHEMA_TERMINALS:
        if terminal not in contents.terminals:
            yield Problem(place, f"the terminal `{terminal}` is missing; the library needs it", "Define it.")


def _namespace(contents: ContentGrammar, schema: Mapping[str, Any], sources: Sources) -> Iterator[Problem]:
    """The schema of a namespace allows the same names as the grammar."""
    definitions = schema.get("$defs", {})
    for rule in contents.user_rules():
        entry = definitions.get(rule)
        if not isinstance(entry, dict):
            continue
        properties = entry.get("properties", {})
        missing = contents.required_fields(rule) - set(entry.get("required", ()))
        for name in sorted(missing) if properties.keys() <= contents.fields(rule).keys() else ():
            place = sources.place(NAMESPACE_FILE, "$defs", rule, "required")
            yield Problem(place, f"the schema does not require `{name}`, as `{rule}` does", "Add it to `required`.")
        for name, described in properties.items():
            at: tuple[str, ...] = (NAMESPACE_FILE, "$defs", rule, "properties", name)
            nodes = contents.fields(rule).get(name)
            if not nodes:
                remedy = suggestion(name, contents.fields(rule), "Fields")
                yield Problem(sources.place(*at), f"the schema has `{name}`, which is not a field of `{rule}`", remedy)
                continue
            core = contents.rules[name].node if name in contents.rules else nodes[0]
            allows_nothing = Draft202012Validator({"$defs": definitions, "allOf": [described]}).is_valid("")
            if contents.terminals_of(nodes[0]) and isinstance(core, Repeat) and not allows_nothing:
                reason = f"`{name}` may be empty, and the schema refuses an empty text"
                yield Problem(contents.rules[name].place, reason, f"Remove the `?` from `{name}`.")
                continue
            terminal = contents.terminal_of(nodes[0])
            if terminal is not None and not is_json(terminal.name):
                yield from _same_texts(terminal, name, described, ("$defs", rule, "properties", name), sources)


def _same_texts(
    terminal: Terminal, name: str, schema: Mapping[str, Any], path: ValuePath, sources: Sources
) -> Iterator[Problem]:
    """The schema of a field allows the texts that the terminal reads."""
    keywords = dict(_keywords(schema, path, sources.table(NAMESPACE_FILE, "$defs")))
    for at, value in keywords.items():
        reason = f"`{at[-1]}` restricts `{name}` in a way that cannot be compared with `{terminal.name}`"
        faults: Iterable[tuple[str, str]] = [(reason, "Write it as a `pattern`, or as an `enum`.")]
        if at[-1] in ("pattern", "enum"):
            faults = _agreement(terminal, value)
        yield from (Problem(sources.place(NAMESPACE_FILE, *at), *fault) for fault in faults)
    if not (keywords or pattern.is_free(terminal.pattern)):
        reason = f"the schema allows any text as `{name}`, and `{terminal.name}` reads only some"
        yield Problem(sources.place(NAMESPACE_FILE, *path), reason, "Add a `pattern` for the same texts.")


def _keywords(
    schema: Mapping[str, Any], path: ValuePath, definitions: Mapping[str, Any]
) -> Iterator[tuple[ValuePath, Any]]:
    """What restricts the texts of a schema, also in the definitions that it refers to."""
    for key, value in schema.items():
        target = str(value).removeprefix("#/$defs/")
        if key == "$ref" and target in definitions:
            others = {name: each for name, each in definitions.items() if name != target}
            yield from _keywords(definitions[target], ("$defs", target), others)
        elif key not in UNRESTRICTING:
            yield (*path, key), value


def _built_in(format: Format, schema: Mapping[str, Any], sources: Sources) -> Iterator[Problem]:
    """Built-in tools fit the schema of a namespace."""
    drops = {drop.name for drop in format.drops}
    for file, value in format.tools.items():
        if not re.fullmatch(r"[A-Za-z]\w*", name := tools_name(file), re.ASCII) or name in drops:
            reason = f"`{name}` cannot be the name of a function" + " twice" * (name in drops)
            yield Problem(Place(file), reason, "Name the file after the namespace, in letters, digits and underscores.")
        for error in Draft202012Validator(schema).iter_errors(value):
            reason = f"not a namespace: at {error.json_path}: {error.message[:MAX_SCHEMA_ERROR_CHARS]}"
            yield Problem(sources.place(file, *error.absolute_path), reason, f"{NAMESPACE_FILE} describes a namespace.")


def _agreement(terminal: Terminal, written: str | list[Any]) -> Iterator[tuple[str, str]]:
    """Why a pattern, or a list of values, does not allow the texts that a terminal reads, each with a remedy."""
    start, end = "^", r"$(?!\n)"
    if isinstance(written, list):
        written = f"{start}{pattern.any_of([text for text in written if isinstance(text, str)])}{end}"
    if not (written.startswith(start) and written.endswith(end)):
        reason = "the pattern does not describe the whole name"
        yield reason, f"Write it between `{start}` and `{end}`: a `$` alone allows a line break."
        return
    try:
        found = pattern.parse(written.removeprefix(start).removesuffix(end))
    except pattern.PatternError as error:
        yield f"the pattern cannot be compared: {error.reason}", error.remedy
        return
    if pattern.aheads(found):
        remedy = "Exclude characters by a class, as in `[^:]*`."
        yield "the pattern cannot be compared: it has a lookahead", remedy
        return
    allowed, read = machine(found), machine(terminal.pattern)
    for one, other, reason in (
        (allowed, read, "the schema allows the name {!r}, which `{}` does not read"),
        (read, allowed, "the schema refuses the name {!r}, which `{}` reads"),
    ):
        if (example := witness(one, other)) is not None:
            yield reason.format(example, terminal.name), "Write the same pattern in both places."
