"""All checks of a format, run together, so that one run reports every problem."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Lark, UnexpectedInput
from lark.exceptions import LarkError

from ..model.format_model import STARTS, Format
from ..read.grammar_folder import CONVERSATION_FILE, Sources
from ..read.problems import GrammarError, Problem
from .ambiguity import ambiguities, ambiguous_repetitions
from .content_round_trip import check_contents
from .data_names import data_names
from .message_framing import (
    ambiguous_delimiters,
    fields_of_messages,
    optional_continuations,
    touching_texts,
)
from .name_clashes import alternative_names, field_names
from .namespace_references import dangling_references
from .recovery_checks import check_recovery
from .special_spellings import overlapping_spellings, wrong_lookaheads


def check(format: Format, sources: Sources, taken: frozenset[str]) -> None:
    """Raise `GrammarError` with all problems of a format; `taken` are names that its codec uses for something else."""
    problems = [*alternative_names(format), *field_names(format, taken), *fields_of_messages(format)]
    problems += dangling_references(format, sources)
    if not problems:
        problems += [
            *ambiguous_delimiters(format),
            *touching_texts(format),
            *optional_continuations(format),
            *ambiguous_repetitions(format),
            *data_names(format, sources),
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
        reason = str(error).splitlines()[0]
        named = next(
            (rule for rule in format.rules.values() if f"{rule.name} " in reason), format.rules[format.message]
        )
        yield Problem(named.place, f"Lark refuses the grammar: {reason}", "Write it so that Lark loads it as it is.")
        return
    try:
        if format.example:
            lark.parse(format.example, start=STARTS[0])
    except UnexpectedInput as error:
        reason = f"the example is not a {STARTS[0]}: {str(error).splitlines()[0]}"
        yield Problem(sources.place(CONVERSATION_FILE, "example"), reason, "Write one that the grammar describes.")
