"""Special tokens in text: there is one way to find them, and lookaheads exclude nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ..model.format_model import Format
from ..read import regular_expressions as pattern
from ..read.grammar_folder import RECOVERY_FILE, VOCABULARY_FILE, Sources
from ..read.problems import Problem


def overlapping_spellings(format: Format, sources: Sources) -> Iterator[Problem]:
    """No special token begins another one, so that a text is split in one way from its beginning.

    For recovery, which reads parts of texts, none begins inside another one. Other codecs write no text that would be
    split in another way.
    """
    special = format.vocabulary.special
    starts = {spelling[:n]: spelling for spelling in special for n in range(1, len(spelling) + 1)}
    longer = {one: other for one, other in pairwise(sorted(special)) if other.startswith(one)}
    for spelling in special:
        for n in range(len(spelling) if format.recovery else 1):
            if other := starts.get(spelling[n:]) if n else longer.get(spelling):
                pair = f"the spellings of `{spelling}` and `{other}` can overlap in a text"
                itself = f"the spelling of `{spelling}` can overlap with itself in a text: it begins as it ends"
                reason = itself if other == spelling else pair
                remedy = "Choose spellings that do not begin inside each other."
                if n:
                    remedy = f"{remedy[:-1]}, or remove {RECOVERY_FILE}."
                yield Problem(sources.place(VOCABULARY_FILE, "special", spelling), reason, remedy)
                break


def wrong_lookaheads(format: Format) -> Iterator[Problem]:
    """Lookaheads exclude all special tokens, for Lark, which does not know the vocabulary. Codecs leave them out."""
    special = set(format.vocabulary.special)
    for terminal in format.terminals.values():
        for ahead in pattern.aheads(terminal.pattern):
            try:
                strings = set(pattern.strings(ahead))
            except ValueError as error:
                reason = f"the lookahead of `{terminal.name}` may only list special tokens ({error})"
                remedy = "List all special tokens, or exclude characters by a class, as in `[^:]*`."
                yield Problem(terminal.place, reason, remedy)
                continue
            missing = special - strings if special & strings else set()
            first = sorted(missing, key=format.vocabulary.special.__getitem__)[:1]
            wrong = [f"does not exclude `{spelling}`, a special token" for spelling in first]
            wrong += [f"excludes `{text}`, which is not a special token" for text in sorted(strings - special)[:1]]
            if wrong:
                reason = f"the lookahead of `{terminal.name}` {', and '.join(wrong)}"
                remedy = f"List all special tokens of {VOCABULARY_FILE}, or none: Lark reads the others as text."
                yield Problem(terminal.place, reason, remedy)
