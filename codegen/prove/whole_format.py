"""Whether a format can become a correct codec: every reason why not, in one run."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from lark import Lark
from lark.exceptions import LarkError

from ..model.format_model import (
    AS_PARSED,
    CONTENT,
    Call,
    Choice,
    Format,
    Mark,
    Node,
    Option,
    Sequence,
    Step,
    Value,
    walk,
)
from ..model.frame_graph import content_value, framing, graph
from ..model.terminals import Special
from ..read import regular_expressions as pattern
from ..read.data_files import WRITTEN_AS, When, looks_special
from ..read.grammar_folder import CONVERSATION, SCHEMA, STYLES, VOCABULARY, Sources
from ..read.problems import GrammarError, Place, Problem
from .ambiguity import ambiguities, is_ambiguous
from .content_checks import check_contents
from .recovery_checks import check_recovery


def check(format: Format, sources: Sources, taken: frozenset[str]) -> None:
    """Raise `GrammarError` with all problems of a format; `taken` are the names that its codec gives to something."""
    problems = [*_alternative_names(format), *_field_names(format, taken), *_contents(format)]
    if not problems:
        problems += [
            *_framing(format),
            *_joints(format),
            *_patterns(format),
            *_tables(format, sources),
            *_spellings(format, sources),
            *_texts(format),
            *check_contents(format, sources, taken | {f.type_name for f in format.fields if f.values}),
        ]
        problems += ambiguities(format)
    if not problems:
        problems += check_recovery(format, sources)
    if problems or (problems := list(_legal(format, sources))):
        raise GrammarError(problems)


def _legal(format: Format, sources: Sources) -> Iterator[Problem]:
    """The file is Lark's: people run it through Lark itself, and a test holds the codec against that."""
    try:
        Lark(
            sources.texts[format.lark], parser="earley", lexer="dynamic", start=[start.name for start in format.starts]
        )
    except LarkError as error:
        reason = str(error).splitlines()[0]
        named = next(
            (rule for rule in format.rules.values() if f"{rule.name} " in reason), format.rules[format.message]
        )
        yield Problem(named.place, f"Lark refuses the grammar: {reason}", "Write it so that Lark loads it as it is.")


def _alternative_names(format: Format) -> Iterator[Problem]:
    owners = dict.fromkeys(format.frames, "the start rules")
    for start in format.starts:
        for name, _ in start.paths:
            if name in owners:
                reason = f"the alternative name `{name}` is taken, by one of `{owners[name]}`"
                yield Problem(start.rule.place, reason, "Messages remember the names: choose another.")
            owners |= {name: start.name} if name else {}
    for rule in format.rules.values():
        if not isinstance(rule.node, Choice):
            continue
        values = [branch.sets for branch in rule.node.branches if branch.sets]
        for branch in rule.node.branches:
            if branch.sets and values.count(branch.sets) > 1:
                reason = f"two alternatives of `{rule.name}` are named `{branch.name}`"
                yield Problem(branch.place, reason, "The name is a value: each needs its own.")
            if not branch.name or branch.sets:
                continue
            if branch.name in owners:
                reason = f"the alternative name `{branch.name}` is taken, by one of `{owners[branch.name]}`"
                yield Problem(branch.place, reason, "Alternatives need names of their own: messages remember them.")
            owners[branch.name] = rule.name


def _field_names(format: Format, taken: frozenset[str]) -> Iterator[Problem]:
    """Fields, and the types of those with values, have names that are free; `taken` are those that are not."""
    types: dict[str, str] = {}
    for field in format.fields:
        place = _field_place(format, field.name)
        if (field.name in taken and field.name != CONTENT) or keyword.iskeyword(field.name):
            reason = f"`{field.name}` cannot be the name of a field: the codec gives it to something else"
            yield Problem(place, reason, "Choose another name.")
        if field.values:
            name = field.type_name
            if not name.isidentifier() or name in taken or keyword.iskeyword(name) or name in types:
                other = f", as `{types[name]}` would" if name in types else ""
                reason = f"the values of `{field.name}` would be the type `{name}`{other}"
                yield Problem(place, reason, "Choose another name for the field.")
            types[name] = field.name


def _field_place(format: Format, field: str) -> Place:
    if field in format.rules:
        return format.rules[field].place
    return next((format.terminals[t].place for t in format.terminals_of(field)), format.rules[format.message].place)


def _contents(format: Format) -> Iterator[Problem]:
    if CONTENT not in format.rules:
        place = format.rules[format.message].place
        yield Problem(place, f"there is no rule `{CONTENT}`", "It is the rule for the text of a message.")
        return
    content = format.rules[CONTENT]
    values = format.terminals_of(CONTENT)
    if len(values) != 1 or not isinstance(content.node, (Value, Option)):
        yield Problem(content.place, f"`{CONTENT}` is not one terminal, optional or not", "Write `content: TEXT?`.")
        return
    for name in format.frames:
        rule = format.rules[name]
        counts = _counts(format, rule.node)
        for field, (low, high) in counts.items():
            if high > 1 and field.startswith("->"):
                reason = f"`{name}` can hold `{field[3:]}`, whose alternatives have names, twice"
                yield Problem(rule.place, reason, "A message remembers one alternative of a rule.")
            elif high > 1:
                yield Problem(rule.place, f"`{name}` can hold `{field}` twice", "A field has one place in a message.")
            elif field == CONTENT and low == 0:
                yield Problem(
                    rule.place, f"`{name}` may lack its content", "Make the text optional inside the rule instead."
                )
    known = format.fields_of(Call(format.message))
    if not set(known) - {CONTENT}:
        place = format.rules[format.message].place
        yield Problem(place, f"`{format.message}` has no field but its content", "Something says who wrote it.")
    for name in format.frames:
        for field in format.fields_of(Call(name)):
            if field not in known:
                reason = f"`{name}` has the field `{field}`, which `{format.message}` lacks"
                yield Problem(format.rules[name].place, reason, f"Messages are what `{format.message}` can say.")
        if name == format.open_frame and any(key.startswith("->") for key in _counts(format, format.rules[name].node)):
            reason = f"`{name}` has named alternatives, which nothing remembers of an open header"
            yield Problem(format.rules[name].place, reason, "Write the open header in one way.")
    yield from _presence(format)
    if CONTENT not in known:
        place = format.rules[format.message].place
        yield Problem(place, f"`{format.message}` has no content", "A transcript is made of messages with content.")


def _presence(format: Format) -> Iterator[Problem]:
    """Whether an optional part is there shows in a field that it always sets."""
    for rule in format.rules.values():
        for node in walk(rule.node):
            if isinstance(node, Option) and rule.name != CONTENT and not format.always_set(node.item):
                reason = f"whether an optional part of `{rule.name}` is there shows in no field"
                yield Problem(rule.place, reason, "Require one of the fields in it, or give it a rule of its own.")


def _counts(format: Format, node: Node) -> dict[str, tuple[int, int]]:
    """How often a reading of a node sets each field, at least and at most."""
    match node:
        case Value(field):
            return {field: (1, 1)}
        case Mark(field, item):
            return _both({field: (1, 1)}, _counts(format, item))
        case Option(item):
            return {field: (0, high) for field, (_, high) in _counts(format, item).items()}
        case Sequence(items):
            total: dict[str, tuple[int, int]] = {}
            for item in items:
                total = _both(total, _counts(format, item))
            return total
        case Choice(owner, branches):
            each = [_both({f: (1, 1) for f, _ in b.sets}, _counts(format, b.node)) for b in branches]
            fields = dict.fromkeys(field for counts in each for field in counts)
            none = (0, 0)
            if any(b.name and not b.sets for b in branches):
                each = [_both(counts, {f"-> {owner}": (1, 1)}) for counts in each]
                fields[f"-> {owner}"] = None
            return {
                field: (min(c.get(field, none)[0] for c in each), max(c.get(field, none)[1] for c in each))
                for field in fields
            }
        case Call(rule) if rule == CONTENT:
            return {CONTENT: (1, 1)}
        case Call():
            return _counts(format, format.resolve(node))
    return {}


def _both(one: Mapping[str, tuple[int, int]], other: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    none = (0, 0)
    return {
        field: (
            one.get(field, none)[0] + other.get(field, none)[0],
            one.get(field, none)[1] + other.get(field, none)[1],
        )
        for field in {**one, **other}
    }


def _framing(format: Format) -> Iterator[Problem]:
    """Messages are found by their special tokens: they must show where the content begins and ends."""
    begins: set[str] = set()
    for name in format.frames:
        begins |= {edge.spelling for edge, _ in graph(format, name).steps[0] if isinstance(edge, Special)}
    for name in format.frames:
        place = format.rules[name].place
        around = framing(graph(format, name))
        for spelling in sorted(around.continues & (around.closes | begins)):
            reason = f"ambiguous delimiter: in `{name}`, `{spelling}` may stand before the content and behind it"
            yield Problem(place, reason, "Use another special token in one of the places.")
        if around.opens and around.opens_at_start:
            reason = f"in `{name}` a special token may stand before the content, or none"
            yield Problem(place, reason, "Open the content the same way everywhere, or write two rules.")
        for spelling in sorted(around.trails & begins):
            reason = f"ambiguous delimiter: `{spelling}` ends `{name}` and also begins a message"
            yield Problem(place, reason, "Use another special token for one of them.")


def _joints(format: Format) -> Iterator[Problem]:
    """Between two messages stands a special token, on one side or the other."""
    for start in format.starts:
        for _, steps in start.paths:
            for one, other in _neighbours(steps):
                made = graph(format, one)
                around = framing(made)
                texts = any(not isinstance(edge, Special) for edge, _ in graph(format, other).steps[0])
                open_end = not around.closed or around.ends_with_text
                if texts and open_end:
                    reason = f"text at the end of `{one}` meets text at the beginning of `{other}`"
                    yield Problem(format.rules[other].place, reason, "Begin or end messages with a special token.")


def _neighbours(steps: tuple[Step, ...]) -> Iterator[tuple[str, str]]:
    for index, step in enumerate(steps):
        if step.times == "*":
            yield step.frame, step.frame
        for other in steps[index + 1 :]:
            yield step.frame, other.frame
            if other.times == "":
                break


def _tables(format: Format, sources: Sources) -> Iterator[Problem]:
    """Names in the data files are names of the grammar."""
    variants = format.variants()
    known = f"Named alternatives: {', '.join(variants) or 'none'}."
    if any(style.name == AS_PARSED for style in format.styles):
        yield Problem(sources.place(STYLES, AS_PARSED), f"`{AS_PARSED}` is no name for a style", "It is built in.")
    chosen = {f"style {style.name}": style.choose for style in format.styles}
    for key, choices in (chosen | {"always": format.always, "training": format.training}).items():
        for choose in choices:
            if choose.alternative not in variants:
                place = sources.place(STYLES, key.split()[-1], choose.alternative)
                yield Problem(place, f"`{key}` chooses `{choose.alternative}`, which names no alternative", known)
            yield from _when(format, choose.when, sources, STYLES, key.split()[-1])
    for drop in format.drops:
        if not drop.name.isidentifier():
            place = sources.place(CONVERSATION, "drop")
            yield Problem(place, f"`{drop.name}` is no name of a function", "Use letters, digits and underscores.")
        for when in (drop.dropped, drop.completes):
            yield from _when(format, when, sources, CONVERSATION, "drop")
    for key, names in format.stops.items():
        for name in names:
            if name not in variants:
                yield Problem(sources.place(CONVERSATION, "stop", key, name), f"`{name}` names no alternative", known)
    yield from _when(format, When(tuple(format.opening.items())), sources, CONVERSATION, "opening")
    if format.schema is not None and (reason := schema_problem(format.schema)):
        yield Problem(sources.place(SCHEMA), reason, "docs/grammar.md says what the schema holds.")
    elif format.schema is not None:
        for name in unknown_properties(format, format.schema):
            place = sources.place(SCHEMA, "properties", name)
            yield Problem(
                place, f"the schema has `{name}`, which is no field of a message", "Remove it, or name its fields."
            )


def _when(format: Format, when: When, sources: Sources, file: str, key: str) -> Iterator[Problem]:
    fields = {field.name: field for field in format.fields}
    for name, value in when.fields:
        place = sources.place(file, key, name)
        if name not in fields:
            yield Problem(place, f"`{name}` is no field of a message", f"Fields: {', '.join(fields)}.")
        elif file == CONVERSATION and key == "opening" and isinstance(value, bool) != fields[name].flag:
            yield Problem(
                place, f"`{name}` is {'true or false' if fields[name].flag else 'a text'}", "Correct the value."
            )
        elif isinstance(value, str) and (values := fields[name].values) and value not in values:
            yield Problem(place, f"`{name}` cannot be `{value}`", f"Values: {', '.join(values)}.")


def _spellings(format: Format, sources: Sources) -> Iterator[Problem]:
    """In text, where one special token ends and the next begins must not be a matter of taste."""
    special = format.vocabulary.special
    starts = {spelling[:n]: spelling for spelling in special for n in range(1, len(spelling) + 1)}
    for spelling in special:
        for n in range(1, len(spelling)):
            if other := starts.get(spelling[n:]):
                reason = f"the spellings of `{spelling}` and `{other}` can overlap in a text"
                remedy = "Choose spellings of which none begins inside another."
                yield Problem(sources.place(VOCABULARY, "special", spelling), reason, remedy)
                break


def _patterns(format: Format) -> Iterator[Problem]:
    """A repetition whose rounds can be cut in two ways takes exponential time to fail."""
    for terminal in (*format.terminals.values(), *format.contents.terminals.values()):
        if any(is_ambiguous(node) for node in pattern.repetitions(terminal.pattern)):
            reason = f"a repetition in `{terminal.name}` can read some text in several ways"
            yield Problem(terminal.place, reason, "Leave out one of the nested repetitions, or the empty item.")


def _texts(format: Format) -> Iterator[Problem]:
    """Lookaheads keep special tokens out of text, for readers that do not know the vocabulary, and nothing else."""
    special = set(format.vocabulary.special)
    for terminal in format.terminals.values():
        for strings in pattern.exclusions(terminal.pattern):
            if unknown := sorted(text for text in strings - special if not looks_special(text, special)):
                reason = f"the lookahead of `{terminal.name}` keeps `{unknown[0]}` out, which is no special token"
                yield Problem(terminal.place, reason, f"List special tokens of {VOCABULARY} only.")
    free = format.terminals[content_value(format).terminal]
    if isinstance(free.pattern, pattern.Text):
        yield Problem(free.place, "the content is a fixed text", "Use a pattern that takes any text.")


DEEPEST = 30
"""How deep a schema may be nested: the generated module repeats it as code."""


def schema_problem(schema: Any) -> str | None:
    """Why a schema cannot be that of a conversation."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"not a JSON Schema: {error.message}"
    if _depth(schema) > DEEPEST:
        return f"nested more than {DEEPEST} deep"
    message = schema.get("$defs", {}).get("message")
    properties = message.get("properties") if isinstance(message, dict) else None
    if not isinstance(properties, dict) or CONTENT not in properties:
        return f"`$defs` has no `message` whose `properties` hold `{CONTENT}`"
    for name, entry in properties.items():
        parts = entry.get(WRITTEN_AS, []) if isinstance(entry, dict) else None
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            return f"the property `{name}` is no object, or its `{WRITTEN_AS}` is no list of names"
    return None


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, children), default=0)


def unknown_properties(format: Format, schema: Any) -> list[str]:
    """Names in `x-written-as` that are no fields."""
    names = {field.name for field in format.fields}
    entries = schema.get("$defs", {}).get("message", {}).get("properties", {})
    used = [(name, entry.get(WRITTEN_AS, [name])) for name, entry in entries.items()]
    return [name for name, parts in used for part in parts if part not in names]
