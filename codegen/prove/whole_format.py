"""All checks of a format, run together, so that one run reports every problem; those of its examples by its codec."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lark import Lark, UnexpectedCharacters, UnexpectedInput
from lark.exceptions import LarkError

from ..model.format_model import STARTS, Format
from ..model.recovery_tables import library_diagnostics
from ..read.grammar_folder import CONVERSATION_FILE, DIAGNOSTICS_FILE, Sources
from ..read.lark_files import lark_refusal
from ..read.problems import GrammarError, Problem
from .ambiguity import ambiguities, ambiguous_repetitions, texts_cut_short
from .content_classes import check_contents
from .data_names import data_names
from .definition_checks import unused_definitions
from .message_framing import (
    ambiguous_delimiters,
    fields_of_messages,
    optional_headers,
    touching_texts,
    unlike_messages,
)
from .name_clashes import alternative_names, field_names, roles_inside, type_names
from .namespace_references import dangling_references
from .recovery_checks import check_recovery
from .special_spellings import overlapping_spellings, wrong_lookaheads

LEXERS = ("dynamic", "dynamic_complete")
"""The lexers of Lark that read the example, the fast one first. With the other, a content may end at any place, as one
without a lookahead must, or one before a text."""

MAX_SHOWN_CHARS = 40
"""How much of the example is quoted."""


def check(format: Format, sources: Sources, taken: frozenset[str]) -> None:
    """Raise `GrammarError` with all problems of a format; `taken` are names that its codec uses for something else."""
    problems = [*alternative_names(format), *field_names(format, taken), *fields_of_messages(format)]
    problems += [*roles_inside(format), *dangling_references(format, sources)]
    problems += [*overlapping_spellings(format, sources), *wrong_lookaheads(format)]
    if not problems:
        roles = (format.role in format.fields and format.fields[format.role].values) or ()
        touching = list(touching_texts(format))
        problems += [
            *(touching or [*ambiguous_delimiters(format), *ambiguities(format)]),
            *optional_headers(format),
            *(list(ambiguous_repetitions(format)) or texts_cut_short(format)),
            *data_names(format, sources),
            *unused_definitions(sources.definitions, STARTS, "start rule"),
            *unused_definitions(sources.contents, roles, "role"),
            *type_names(format, taken),
            *check_contents(format, sources),
        ]
    if not problems:
        problems += check_recovery(format, sources)
    if not problems:
        problems += [*unlike_messages(format), *_legal(format, sources)]
    if problems:
        raise GrammarError(problems)


def _legal(format: Format, sources: Sources) -> Iterator[Problem]:
    """Lark itself loads the file, and reads the example. The tests compare the codec with it."""
    text, starts, reason = sources.texts[format.lark], [start.name for start in format.starts], ""
    for lexer in LEXERS:
        try:
            lark = Lark(text, parser="earley", lexer=lexer, start=starts)
            if format.example:
                lark.parse(format.example, start=STARTS[0])
            return
        except UnexpectedInput as error:
            reason = f"the example is not a {STARTS[0]}: {_unexpected(lark, error, format.example, sources)}"
        except LarkError as error:
            yield lark_refusal(error, format.lark, sources.definitions)
            return
    yield Problem(sources.place(CONVERSATION_FILE, "example"), reason, "Write one that the grammar describes.")


def _unexpected(lark: Lark, error: UnexpectedInput, example: str, sources: Sources) -> str:
    """Where Lark stops, and what it expects there: names of the file, and strings in place of `BANG` and the like."""
    is_inside = isinstance(error, UnexpectedCharacters)
    expected = (error.allowed if isinstance(error, UnexpectedCharacters) else getattr(error, "expected", ())) or ()
    defined = {definition.name for definition in sources.definitions}
    terminals = [lark.get_terminal(str(name)) for name in expected]
    names = sorted({each.name if each.name in defined else each.pattern.raw or each.name for each in terminals})
    rest = example[error.pos_in_stream or 0 :][:MAX_SHOWN_CHARS] if is_inside else ""
    return f"expected {' or '.join(names) or 'its end'} {f'before {rest!r}' if rest else 'at its end'}"


Findings = Sequence[tuple[str, str]]
"""The name of each diagnostic, and the diagnostic as text."""

ExampleReader = Callable[[Any, Mapping[str, Any]], Findings]
"""Returns the findings of a codec in an example read with these options. Only the library can run a codec."""


def wrong_examples(format: Format, sources: Sources, read: ExampleReader) -> Iterator[Problem]:
    """Nothing is found in the example of conversations and in good ones; a bad one has its diagnostic, and its `with`.

    The diagnostics of the library have examples in Harmony, which other grammars may copy.
    """
    if format.example and (found := read(format.example, {})):
        place = sources.place(CONVERSATION_FILE, "example")
        reason = f"the example has {_shown(found)}"
        yield Problem(place, reason, "Write one that is valid, or correct [[turn]].")
    for name, entry in sources.table(DIAGNOSTICS_FILE).items():
        if name in library_diagnostics() or "read" in entry:
            continue
        options = {"start": entry.get("start", STARTS[0]), "tools": entry.get("tools")}
        options["stripped"] = entry.get("stripped", False)
        for key, expected in (("bad", {name, *entry.get("with", ())}), ("good", set[str]())):
            found = read(entry[key], options) if key in entry else ()
            if key in entry and {other for other, _ in found} != expected:
                reason = f"the {key} example of `{name}` has {_shown(found)}"
                remedy = f"Write one with {' and '.join(f'`{each}`' for each in sorted(expected)) or 'none'}."
                yield Problem(sources.place(DIAGNOSTICS_FILE, name, key), reason, remedy)


def _shown(found: Findings) -> str:
    texts = "; ".join(text for _, text in found)
    return f"{len(found)} finding{'s' * (len(found) > 1)}: {texts}" if found else "no findings"
