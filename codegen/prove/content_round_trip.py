"""Whether the grammar of contents can become readers and writers that are inverse to each other, and that end."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from lark import Lark
from lark.exceptions import LarkError

from ..model.content_rules import ContentGrammar, is_json
from ..model.content_types import (
    class_name,
    core_fields,
    is_schema,
    kind_of,
    listed_values,
    ordered_fields,
    record_in,
    required_fields,
    terminal_of,
    terminals_of,
    tools_name,
    user_rules,
)
from ..model.format_model import Format
from ..model.rule_nodes import (
    GrammarNode,
    RuleCall,
    RuleList,
    RuleMark,
    RuleOption,
    RuleSequence,
    RuleValue,
    parts,
    walk,
)
from ..model.schema_rules import SCHEMA_FIELDS, SCHEMA_TERMINALS, SCHEMA_VALUES, schema_rule
from ..model.terminals import FixedText, Special, Terminal
from ..read import regular_expressions as pattern
from ..read.data_shapes import MAX_SCHEMA_ERROR_CHARS
from ..read.grammar_folder import CONTENTS_FILE, CONVERSATION_FILE, NAMESPACE_FILE, Sources
from ..read.lark_files import lark_refusal
from ..read.problems import Place, Problem
from ..read.value_places import ValuePath
from .finite_automata import DeterministicAutomaton, first_letters, machine, overlap, sample

OF_RECORDS = frozenset(("text", "contents", "field", "from_json", "to_json", "mro"))
OF_READERS = frozenset(("m", "w", "r", "f", "done"))
OF_TYPES = frozenset(("list", "str", "bool", "dict", "runtime"))  # the type of a field would be the field above it
RESERVED_FIELDS = OF_RECORDS | OF_READERS | OF_TYPES
"""Names that records, or the functions that read and write them, use for something else."""

OF_WRITTEN_RECORDS = frozenset(("keep", "kept_text", "variants"))
"""Those of records that users write."""

RESERVED_BESIDE_KINDS = RESERVED_FIELDS | {"self", "type", "as_parsed"}
"""Those that the JSON form uses, too, where an object has a kind: in contents of messages, and in alternatives."""


def check_contents(format: Format, sources: Sources, taken: frozenset[str]) -> Iterator[Problem]:
    """All problems of contents; `taken` are the names that the codec uses for something else."""
    contents = format.contents
    yield from _defaults(contents, sources)
    if not contents.rules:
        return
    yield from _types(contents, taken)
    yield from _spellings(contents)
    yield from _follows(contents)
    if format.namespace is not None:
        disagreements = list(_namespace(contents, format.namespace, sources))
        yield from disagreements or _built_in(format, format.namespace, sources)
    if contents.schemas:
        yield from _schema_rules(format)
    try:
        Lark(sources.texts[CONTENTS_FILE], parser=None, lexer="basic", start=list(contents.roles))
    except LarkError as error:
        yield lark_refusal(error, CONTENTS_FILE, sources.contents)


def _types(contents: ContentGrammar, taken: frozenset[str]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    tagged, written = {*contents.roles, *_with_a_kind(contents)}, {*user_rules(contents)}
    for rule in contents.rules.values():
        name = class_name(contents, rule.name)
        if rule.collapses and not core_fields(contents, rule.name):
            reason = f"`?{rule.name}` has no rule or list with separators in it that is always there"
            yield Problem(rule.place, reason, "Remove the `?`: its value is a class then.")
        if rule.kind not in ("record", "enumerated"):
            continue
        if name in taken or name in owners or keyword.iskeyword(name):
            other = f", as `{owners[name]}` is" if name in owners else ""
            yield Problem(rule.place, f"`{rule.name}` would be the class `{name}`{other}", "Choose another name.")
        owners[name] = rule.name
        for field in contents.fields(rule.name) if rule.kind == "record" else ():
            reserved = RESERVED_BESIDE_KINDS if rule.name in tagged else RESERVED_FIELDS
            if field in reserved or (field in OF_WRITTEN_RECORDS and rule.name in written) or keyword.iskeyword(field):
                reason = f"`{field}` cannot be the name of a field: the codec uses it for something else"
                place = contents.rules[field].place if field in contents.rules else rule.place
                yield Problem(place, reason, "Choose another name for the rule or terminal.")


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


def _texts(items: tuple[GrammarNode, ...]) -> list[GrammarNode]:
    """What an alternative of lines has in one line, without layout."""
    nodes = [node for item in items for node in walk(item)]
    return [node for node in nodes if isinstance(node, FixedText) or (isinstance(node, RuleValue) and node.field)]


def _follows(contents: ContentGrammar) -> Iterator[Problem]:
    """A terminal reads as far as it can. The text that follows must not continue it.

    If users write the values of a rule, they can write each of `Lead.samples`. The types of tools have forms that no
    schema is written in, such as a default before a comma and another one after it.
    """
    after: dict[str, set[Lead]] = {}
    by_hand = {
        node.terminal
        for rule in contents.by_hand
        for node in walk(contents.rules[rule].node)
        if isinstance(node, RuleValue)
    }
    for rule in contents.rules.values():
        for way in rule.ways:
            _collect(contents, way.items, (CONTENT_END,) if rule.name in contents.roles else (), after)
    for name, leads in after.items():
        terminal = contents.terminals[name]
        for lead in sorted(leads):
            if text := _goes_on(contents, terminal, lead, any if name in by_hand else all):
                reason = f"ambiguous delimiter: `{name}` can continue with {text!r}, which also comes after it"
                remedy = (
                    "Leave it out of the terminal, by its characters or by a lookahead, or write another delimiter."
                )
                yield Problem(terminal.place, reason, remedy)
                break


CONTENT_END = Special("the end", "")
"""The token that follows a content."""


class Sample(NamedTuple):
    """A text that may follow a terminal, as far as it is known, and whether it goes to the end of the content."""

    text: str
    is_whole: bool


class Lead(NamedTuple):
    """What may come after a terminal: a text, and another terminal after that.

    Attributes:
        then: the name of that terminal; that of `CONTENT_END`, or "" if it is not known what comes.
        samples: the text with what may follow it: with all that is optional, and with nothing that is.
    """

    text: str
    then: str
    samples: tuple[Sample, ...] = ()


def _goes_on(
    contents: ContentGrammar, terminal: Terminal, lead: Lead, quantifier: Callable[[Iterable[bool]], bool]
) -> str:
    """The beginning of what follows a terminal if it may read any, or all, of the samples and no lookahead prevents it;
    else ""."""
    aheads = _aheads(terminal.pattern)
    aheads = [ahead for ahead in aheads if ahead not in (inner for other in aheads for inner in _aheads(other))]
    text, then, samples = lead
    is_needed = then in contents.terminals and (aheads or not text)
    letters = first_letters(contents.terminals[then].pattern) if is_needed else ()
    if not (text or letters):
        return ""
    if not aheads:
        first = ((ord(text[0]), ord(text[0])),) if text else letters
        made = machine(terminal.pattern)
        both = (overlap(continuing, first) for state in made.final for continuing, _ in made.steps[state])
        return next((text or chr(sample(found)) for found in both if found), "")
    after = text + (chr(sample(letters)) if letters else "")
    expression = re.compile(pattern.expression(terminal.pattern))

    def reads_on(sample: Sample) -> bool:
        if not any((match := expression.match(before + sample.text)) and match.end() > 1 for before in "a1"):
            return False
        has_more = then != CONTENT_END.terminal
        return sample.is_whole or not any(_may_stop(ahead, sample.text, has_more) for ahead in aheads)

    return after if quantifier(map(reads_on, samples or [Sample(after, False)])) else ""


def _aheads(node: pattern.RegexNode) -> list[pattern.RegexNode]:
    return [found.item for found in pattern.walk(node) if isinstance(found, pattern.Ahead)]


def _may_stop(ahead: pattern.RegexNode, text: str, has_more: bool) -> bool:
    """Whether a lookahead finds its pattern in a text; if the text has more than is known, whether it can."""
    if re.match(pattern.expression(ahead), text):
        return True
    made, state = machine(ahead), 0
    for char in text if has_more else "":
        ((_, state),) = made.moves(state, ((ord(char), ord(char)),))
    return has_more and state >= 0


def _collect(
    contents: ContentGrammar,
    items: tuple[GrammarNode, ...],
    then: tuple[GrammarNode, ...],
    after: dict[str, set[Lead]],
    inside: frozenset[str] = frozenset(),
) -> None:
    """Add to `after`, for each terminal in these parts, the beginnings of the texts that may follow it."""
    for index, node in enumerate(items):
        rest = (*items[index + 1 :], *then)
        match node:
            case RuleValue(field, terminal):
                leads = _leads(contents, rest, frozenset())
                after.setdefault(terminal, set()).update(lead for lead in leads if field or lead.text)
            case RuleOption(item):
                _collect(contents, parts(item), rest, after, inside)
            case RuleList(_, item, _, separator):
                again = RuleOption(RuleSequence((FixedText(separator), *parts(item))))
                _collect(contents, parts(item), (again, *rest), after, inside)
            case RuleCall(rule) if rule not in inside and (
                rule in contents.by_hand or not contents.is_field(rule) or contents.rules[rule].kind in ("text", "list")
            ):
                for way in contents.rules[rule].ways:
                    _collect(contents, way.items, rest, after, inside | {rule})


def _leads(contents: ContentGrammar, items: tuple[GrammarNode, ...], seen: frozenset[str]) -> set[Lead]:
    """What parts can begin with, up to the first text that is not only white space."""
    if not items:
        return {Lead("", "")}
    node, rest = items[0], items[1:]
    match node:
        case Special():
            return {Lead("", CONTENT_END.terminal)}
        case FixedText(text) if text.isspace() or not text:
            leads = _leads(contents, rest, seen)
            return {
                Lead(text + found, then, tuple(sample._replace(text=text + sample.text) for sample in samples))
                for found, then, samples in leads
            }
        case FixedText(text):
            samples = (_sample(contents, items, whole, frozenset()) for whole in (True, False))
            return {Lead(text, "", tuple(sample for sample in samples if sample))}
        case RuleMark(_, item):
            return _leads(contents, (item, *rest), seen)
        case RuleOption(item) | RuleList(_, item, 0):
            return _leads(contents, (*parts(item), *rest), seen) | _leads(contents, rest, seen)
        case RuleList(_, item):
            return _leads(contents, (*parts(item), *rest), seen)
        case RuleValue(""):
            return _leads(contents, rest, seen)
        case RuleValue(_, terminal):
            return {Lead("", terminal)}
        case RuleCall(rule) if rule not in seen:
            ways = contents.rules[rule].ways
            return {lead for way in ways for lead in _leads(contents, (*way.items, *rest), seen | {rule})}
    return {Lead("", "")}


SAMPLES = ("a", "1", '"a"', "{}", "true")
"""Texts of which most terminals read one."""


def _sample(
    contents: ContentGrammar, items: tuple[GrammarNode, ...], with_options: bool, seen: frozenset[str]
) -> Sample | None:
    """What may be written for parts, with the first alternatives that can be; None if that is not known."""
    text = ""
    for node in items:
        found: Sample | None = Sample("", False)
        match node:
            case Special():
                return Sample(text, True)
            case FixedText():
                found = Sample(node.text, False)
            case RuleMark(_, item):
                found = _sample(contents, (item,), with_options, seen)
            case RuleOption(item) | RuleList(_, item, 0):
                found = (with_options and _sample(contents, parts(item), with_options, seen)) or found
            case RuleList(_, item):
                found = _sample(contents, parts(item), with_options, seen)
            case RuleValue(_, name):
                terminal = contents.terminals[name]
                fitting = filter(terminal.fits, (*(terminal.values or ()), *SAMPLES))
                found = next((Sample(value, False) for value in fitting), None)
            case RuleCall(rule):
                known = contents.samples.get((rule, with_options))
                ways = () if known is not None or rule in seen else contents.rules[rule].ways
                samples = (_sample(contents, way.items, with_options, seen | {rule}) for way in ways)
                found = next((sample for sample in samples if sample), None) if known is None else Sample(known, False)
                if found is not None:
                    contents.samples[rule, with_options] = found.text
        if found is None:
            return None
        text += found.text
    return Sample(text, False)


def _defaults(contents: ContentGrammar, sources: Sources) -> Iterator[Problem]:
    for rule, values in contents.defaults.items():
        if rule in contents.rules and contents.rules[rule].kind == "record":
            for path, reason in misfits(contents, rule, values):
                place = sources.place(CONVERSATION_FILE, "defaults", rule, *path)
                yield Problem(place, reason, "Correct it, or remove it.")


def misfits(contents: ContentGrammar, rule: str, values: Mapping[str, Any]) -> Iterator[tuple[ValuePath, str]]:
    """Where values do not fit the fields of a class, and why."""
    for name, value in values.items():
        nodes = contents.fields(rule).get(name)
        if not nodes:
            yield (name,), f"`{rule}` has no field `{name}`"
            continue
        node, inner = nodes[0], record_in(contents, nodes[0])
        kind = kind_of(contents, node)
        records = value if kind.startswith("list[") and isinstance(value, list) else [value]
        if inner and not is_schema(contents, node) and all(isinstance(item, dict) for item in records):
            for index, item in enumerate(records):
                at = (name, index) if records is value else (name,)
                missing = required_fields(contents, inner) - set(item)
                yield from ((at, f"`{inner}` lacks `{field}`") for field in sorted(missing))
                yield from (((*at, *path), reason) for path, reason in misfits(contents, inner, item))
        elif wanted := _unlike(contents, node, kind, value):
            yield (name,), f"`{name}` of `{rule}` must be {wanted}"


def _unlike(contents: ContentGrammar, node: GrammarNode, kind: str, value: Any) -> str:
    """What a field of a kind holds instead of this value; "" if it may hold the value."""
    listed = listed_values(contents, node)
    if kind == "bool":
        return "" if isinstance(value, bool) else "true or false"
    if is_schema(contents, node):
        return "" if isinstance(value, (dict, bool)) else "a JSON Schema"
    if kind == "list[str]":
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if fits else "a list of texts"
    if listed:
        return "" if value in listed else f"{', '.join(listed[:-1])} or {listed[-1]}"
    if kind == "str":
        if not isinstance(value, str):
            return "a text"
        unfit = [terminal.name for terminal in terminals_of(contents, node) if not terminal.fits(value)]
        return f"a text that fits {unfit[0]}" if unfit and len(unfit) == len(terminals_of(contents, node)) else ""
    terminal = terminal_of(contents, node)
    return "" if terminal and is_json(terminal.name) else "left out: no data file can hold its value"


def _schema_rules(format: Format) -> Iterator[Problem]:
    """The library writes schemas as types by rules and terminals of certain names."""
    contents, place = format.contents, Place(CONTENTS_FILE)
    for known, needed in SCHEMA_FIELDS.items():
        rule = schema_rule(format, known)
        if rule not in contents.rules or contents.rules[rule].kind != "record":
            yield Problem(place, f"a rule `{rule}` with parts is missing; the library needs it", "Define it.")
        elif (held := tuple(dict(ordered_fields(contents, rule)))) != needed:
            reason = f"`{rule}` holds {', '.join(held) or 'nothing'}; schemas are written by "
            remedy = "Keep these parts in this order, optional ones last."
            yield Problem(contents.rules[rule].place, reason + (", ".join(needed) or "nothing"), remedy)
    for name, values in SCHEMA_VALUES.items():
        found = contents.rules.get(name)
        for value in values:
            if found is None or found.kind != "enumerated" or value not in found.values:
                at = place if found is None else found.place
                yield Problem(at, f"`{name}` has no alternative `{value}`; the library needs it", "Define it.")
    for terminal in SCHEMA_TERMINALS:
        if terminal not in contents.terminals:
            yield Problem(place, f"the terminal `{terminal}` is missing; the library needs it", "Define it.")


def _namespace(contents: ContentGrammar, schema: Mapping[str, Any], sources: Sources) -> Iterator[Problem]:
    """The schema of a namespace allows the same names as the grammar."""
    definitions = schema.get("$defs", {})
    for rule in user_rules(contents):
        entry = definitions.get(rule)
        if not isinstance(entry, dict):
            continue
        for name, described in entry.get("properties", {}).items():
            place = sources.place(NAMESPACE_FILE, "$defs", rule, "properties", name)
            nodes = contents.fields(rule).get(name)
            if not nodes:
                yield Problem(place, f"the schema has `{name}`, which is not a field of `{rule}`", "Remove it.")
                continue
            terminal = terminal_of(contents, nodes[0])
            target = described.get("$ref", "").rsplit("/", 1)[-1] if isinstance(described, dict) else ""
            written = (definitions.get(target, {}) if target else described).get("pattern")
            if written is not None and terminal is not None:
                at = ("$defs", target) if target else ("$defs", rule, "properties", name)
                yield from _agreement(terminal, written, sources.place(NAMESPACE_FILE, *at, "pattern"))


def _built_in(format: Format, schema: Mapping[str, Any], sources: Sources) -> Iterator[Problem]:
    """Built-in tools fit the schema of a namespace."""
    for file, value in format.tools.items():
        if not tools_name(file).isidentifier():
            reason = f"`{tools_name(file)}` cannot be the name of a function"
            yield Problem(Place(file), reason, "Use letters, digits and underscores in the name of the file.")
        errors = list(Draft202012Validator(schema).iter_errors(value))
        for error in errors:
            reason = f"not a namespace: at {error.json_path}: {error.message[:MAX_SCHEMA_ERROR_CHARS]}"
            yield Problem(sources.place(file, *error.absolute_path), reason, f"{NAMESPACE_FILE} describes a namespace.")
        defined = format.definitions.get("namespace")
        if not errors and defined and defined.rule in format.contents.rules:
            for path, reason in misfits(format.contents, defined.rule, value):
                yield Problem(sources.place(file, *path), reason, f"{CONTENTS_FILE} describes a namespace.")


def _agreement(terminal: Terminal, written: str, place: Place) -> Iterator[Problem]:
    start, end = "^", r"$(?!\n)"
    if not (written.startswith(start) and written.endswith(end)):
        reason = "a name may be more than the pattern says"
        yield Problem(place, reason, f"Write it between `{start}` and `{end}`: a `$` alone allows a line break.")
        return
    try:
        allowed = machine(pattern.parse(written.removeprefix(start).removesuffix(end)))
    except pattern.PatternError as error:
        yield Problem(place, f"the pattern cannot be compared: {error.reason}", error.remedy)
        return
    read = machine(terminal.pattern)
    for one, other, reason in (
        (allowed, read, "the schema allows the name {!r}, which `{}` does not read"),
        (read, allowed, "the schema refuses the name {!r}, which `{}` reads"),
    ):
        if (example := _witness(one, other)) is not None:
            yield Problem(place, reason.format(example, terminal.name), "Write the same pattern in both places.")


def _witness(one: DeterministicAutomaton, other: DeterministicAutomaton) -> str | None:
    """A shortest string of the first machine that is not one of the other; None if there is none."""
    todo: list[tuple[int, int, str]] = [(0, 0, "")]
    seen = {(0, 0)}
    for state, beside, text in todo:
        if state in one.final and beside not in other.final:
            return text
        for letters, target in one.steps[state]:
            for both, their in other.moves(beside, letters):
                if (target, their) not in seen:
                    seen.add((target, their))
                    todo.append((target, their, text + chr(sample(both))))
    return None
