"""All checks of a format, run together, so that one run reports every problem."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Lark, UnexpectedInput
from lark.exceptions import LarkError

from ..model.format_model import STARTS, Format
from ..read.grammar_folder import CONVERSATION_FILE, Sources
from ..read.lark_files import lark_refusal
from ..read.problems import GrammarError, Problem
from .ambiguity import ambiguities, ambiguous_repetitions
from .content_round_trip import check_contents
from .data_names import data_names
from .definition_checks import unused_definitions
from .message_framing import (
    ambiguous_delimiters,
    fields_of_messages,
    optional_headers,
    touching_texts,
)
from .name_clashes import alternative_names, field_names, roles_inside
from .namespace_references import dangling_references, missing_schema
from .recovery_checks import check_recovery
from .special_spellings import overlapping_spellings, wrong_lookaheads


def check(format: Format, sources: Sources, taken: frozenset[str]) -> None:
    """Raise `GrammarError` with all problems of a format; `taken` are names that its codec uses for something else."""
    problems = [*alternative_names(format), *field_names(format, taken), *fields_of_messages(format)]
    problems += [*roles_inside(format), *missing_schema(format, sources), *dangling_references(format, sources)]
    if not problems:
        roles = dict.fromkeys(value for field in format.fields for value in field.values or ())
        problems += [
            *ambiguous_delimiters(format),
            *touching_texts(format),
            *optional_headers(format),
            *ambiguous_repetitions(format),
            *data_names(format, sources),
            *unused_definitions(sources.definitions, STARTS, "Start rules"),
            *unused_definitions(sources.contents, roles, "Roles"),
            *overlapping_spellings(format, sources),
            *wrong_lookaheads(format),
            *check_contents(format, sources, taken | {f.type_name for f in format.fields if f.values}),
        ]
        problems += ambiguities(format)
    if not problems:
        problems += check_recovery(format, sources)
    if problems or (problems := list(_legal(format, sources))):
        raise GrammarError(problems)


def _legal(format: Format, sources: Sources) -> Iterator[Problem]:
    """Lark itself loads the file, and reads the example. The tests compare the codec with it."""
    text, starts = sources.texts[format.lark], [start.name for start in format.starts]
    try:
        lark = Lark(text, parser="earley", lexer="dynamic", start=starts)
    except LarkError as error:
        yield lark_refusal(error, format.lark, sources.definitions)
        return
    try:
        if format.example:
            _read_example(lark, text, format.example)
    except UnexpectedInput as error:
        reason = f"the example is not a {STARTS[0]}: {' '.join(str(error).split())}"
        yield Problem(sources.place(CONVERSATION_FILE, "example"), reason, "Write one that the grammar describes.")


def _read_example(lark: Lark, text: str, example: str) -> None:
    """Read the example, or raise `UnexpectedInput`."""
    try:
        lark.parse(example, start=STARTS[0])
    except UnexpectedInput:  # contents without a lookahead end at the last special token, unless Lark tries all ends
        Lark(text, parser="earley", lexer="dynamic_complete", start=STARTS[0]).parse(example)
