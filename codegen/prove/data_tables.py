"""Names and values in the data files exist in the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema_specifications import REGISTRY
from referencing.exceptions import Unresolvable

from ..model.format_model import AS_PARSED, Format
from ..model.recovery_tables import closes
from ..read import regular_expressions as pattern
from ..read.data_files import Choose, When
from ..read.grammar_folder import CONVERSATION, NAMESPACE, STYLES, Sources
from ..read.problems import Problem

MAX_SCHEMA_DEPTH = 30
"""The codec repeats the schema as code: 30 levels of four spaces fill a line of 120. Harmony's has 7 levels."""


def data_tables(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of the styles, of turns and of the rules for conversations, as far as the framing knows."""
    names = [style.name for style in format.styles]
    if AS_PARSED in names:
        place = sources.place(STYLES, "style", AS_PARSED)
        yield Problem(place, f"`{AS_PARSED}` cannot be the name of a style", "It is built in.")
    if format.default_style not in names:
        reason = f"the style `{format.default_style}` is not defined"
        yield Problem(sources.place(STYLES, "default"), reason, f"Styles: {', '.join(names)}.")
    for style in format.styles:
        yield from _choices(format, style.choose, sources, "style", style.name, "choose")
    yield from _choices(format, format.always, sources, "always")
    yield from _choices(format, format.training, sources, "training")
    yield from _turn(format, sources)
    for drop in format.drops:
        path = CONVERSATION, "drop", drop.name.removeprefix("drop_")
        yield from _when(format, drop.dropped, sources, *path, "dropped")
        yield from _kinds(format, [drop.completes], sources, *path[1:], "completes")
    for key, kinds in format.stops.items():
        yield from _kinds(format, kinds, sources, "stop", key)
    yield from _when(format, When(tuple(format.opening.items())), sources, CONVERSATION, "opening")
    for name, value in format.opening.items():
        if value is True and not any(field.flag for field in format.fields if field.name == name):
            yield Problem(sources.place(CONVERSATION, "opening", name), f"`{name}` is a text", "Correct the value.")


def _turn(format: Format, sources: Sources) -> Iterator[Problem]:
    """Each kind of message is one that messages can have, and ends and goes on as the format knows."""
    stops = [name for name in closes(format).values() if name] if format.turn else []
    for index, kind in enumerate(format.turn):
        path = "turn", index
        yield from _when(format, kind.when, sources, CONVERSATION, *path, "when")
        yield from _when(format, kind.has, sources, CONVERSATION, *path, "has")
        yield from _kinds(format, kind.then, sources, *path, "then")
        for key, name in (("ends", kind.ends), ("last", kind.last if kind.last != kind.ends else None)):
            if name is not None and name not in stops:
                remedy = f"Named alternatives: {', '.join(stops) or 'none'}."
                yield Problem(sources.place(CONVERSATION, *path, key), f"`{name}` names no stop token", remedy)
        for earlier in format.turn[:index]:
            if earlier.name == kind.name:
                reason = f"there are two kinds of messages with the name `{kind.name}`"
                yield Problem(sources.place(CONVERSATION, *path, "kind"), reason, "Choose another name.")
            elif set(earlier.when.fields) <= set(kind.when.fields):
                reason = f"no message is of the kind `{kind.name}`: all of them are of the kind `{earlier.name}`"
                remedy = "Move the kind with more conditions up."
                yield Problem(sources.place(CONVERSATION, *path, "when"), reason, remedy)


def _kinds(format: Format, names: Iterable[str], sources: Sources, *path: str | int) -> Iterator[Problem]:
    """Each name is that of a kind of message. A path to several names leads to their list."""
    known = [kind.name for kind in format.turn]
    for index, name in enumerate(names):
        if name not in known:
            place = sources.place(CONVERSATION, *path, index)
            yield Problem(place, f"`{name}` is not a kind of message", f"Kinds: {', '.join(known) or 'none'}.")


def _choices(format: Format, choices: tuple[Choose, ...], sources: Sources, *path: str) -> Iterator[Problem]:
    variants = format.variants()
    for index, choose in enumerate(choices):
        if choose.alternative not in variants:
            reason = f"`{'.'.join(path)}` chooses `{choose.alternative}`, which names no alternative"
            remedy = f"Named alternatives: {', '.join(variants) or 'none'}."
            yield Problem(sources.place(STYLES, *path, index, "choose"), reason, remedy)
        yield from _when(format, choose.when, sources, STYLES, *path, index, "when")


def _when(format: Format, when: When, sources: Sources, file: str, *path: str | int) -> Iterator[Problem]:
    fields = {field.name: field for field in format.fields}
    for name, value in when.fields:
        place = sources.place(file, *path, name)
        if name not in fields:
            yield Problem(place, f"`{name}` is not a field of messages", f"Fields: {', '.join(fields)}.")
        elif isinstance(value, str) and fields[name].flag:
            yield Problem(place, f"`{name}` is true or false", "Correct the value.")
        elif isinstance(value, str):
            if (values := fields[name].values) and value not in values:
                yield Problem(place, f"`{name}` cannot be `{value}`", f"Values: {', '.join(values)}.")
            for terminal in misfits(format, name, value) if values is None else ():
                yield Problem(place, f"`{value}` does not fit {terminal}", "Choose a value that can be written.")


def misfits(format: Format, field: str, value: str) -> Iterator[str]:
    """The terminals of a field that cannot have this text."""
    for terminal in format.terminals_of(field):
        if not re.fullmatch(pattern.expression(format.terminals[terminal].pattern), value):
            yield terminal


def dangling_references(format: Format, sources: Sources) -> Iterator[Problem]:
    """Each `$ref` of the schema of a namespace leads to a schema. Nothing can be validated before that is known."""
    if format.namespace is None:
        return
    if _depth(format.namespace) > MAX_SCHEMA_DEPTH:
        reason = f"nested more than {MAX_SCHEMA_DEPTH} deep"
        yield Problem(sources.place(NAMESPACE), reason, "Move parts to `$defs`.")
        return
    for path, reference in _references(format.namespace):
        if not _leads_somewhere(reference, format.namespace):
            reason = f"`{reference}` leads to no schema"
            remedy = "Name a definition in `$defs`, as `#/$defs/NAME`."
            yield Problem(sources.place(NAMESPACE, *path), reason, remedy)


def _references(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key in ("$ref", "$dynamicRef") and isinstance(item, str):
            yield (*path, key), item
        yield from _references(item, (*path, key))


def _leads_somewhere(reference: str, schema: Mapping[str, Any]) -> bool:
    """Whether a reference leads to a part of the same schema, or to a published one that needs no network."""
    if not reference.startswith("#"):
        try:
            REGISTRY.resolver().lookup(reference)
        except Unresolvable:
            return False
        return True
    found: Any = schema
    for step in reference[1:].split("/")[1:]:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return isinstance(found, (dict, bool)) and (reference == "#" or reference.startswith("#/"))


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, children), default=0)
