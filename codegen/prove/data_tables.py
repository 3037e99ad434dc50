"""Names and values in the data files exist in the grammar."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.format_model import AS_PARSED, Format
from ..read.data_files import When
from ..read.grammar_folder import CONVERSATION, STYLES, Sources
from ..read.problems import Problem


def data_tables(format: Format, sources: Sources) -> Iterator[Problem]:
    variants = format.variants()
    known = f"Named alternatives: {', '.join(variants) or 'none'}."
    if any(style.name == AS_PARSED for style in format.styles):
        yield Problem(
            sources.place(STYLES, AS_PARSED), f"`{AS_PARSED}` cannot be the name of a style", "It is built in."
        )
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
            yield Problem(
                place, f"`{drop.name}` cannot be the name of a function", "Use letters, digits and underscores."
            )
        for when in (drop.dropped, drop.completes):
            yield from _when(format, when, sources, CONVERSATION, "drop")
    for key, names in format.stops.items():
        for name in names:
            if name not in variants:
                yield Problem(sources.place(CONVERSATION, "stop", key, name), f"`{name}` names no alternative", known)
    yield from _when(format, When(tuple(format.opening.items())), sources, CONVERSATION, "opening")


def _when(format: Format, when: When, sources: Sources, file: str, key: str) -> Iterator[Problem]:
    fields = {field.name: field for field in format.fields}
    for name, value in when.fields:
        place = sources.place(file, key, name)
        if name not in fields:
            yield Problem(place, f"`{name}` is not a field of messages", f"Fields: {', '.join(fields)}.")
        elif file == CONVERSATION and key == "opening" and isinstance(value, bool) != fields[name].flag:
            yield Problem(
                place, f"`{name}` is {'true or false' if fields[name].flag else 'a text'}", "Correct the value."
            )
        elif isinstance(value, str) and (values := fields[name].values) and value not in values:
            yield Problem(place, f"`{name}` cannot be `{value}`", f"Values: {', '.join(values)}.")
