"""Grammar to codec: read, model, prove, write. Each phase is a folder; `generate` runs them in this order."""

from __future__ import annotations

from pathlib import Path

from .build import build
from .prove.whole_format import check
from .read.grammar_folder import load
from .read.problems import GrammarError, Place, Problem, TooLarge
from .write.codec_module import emit
from .write.taken_names import taken_names

__all__ = ["GRAMMAR", "GrammarError", "Place", "Problem", "generate"]

GRAMMAR = Path(__file__).resolve().parent.parent / "grammar"
"""The folder of this package's own grammar."""


def generate(folder: Path) -> str:
    """Return the source text of the codec for a grammar folder; raises `GrammarError` with every problem."""
    try:
        sources = load(folder)
        format = build(sources)
        check(format, sources, taken_names(format))
    except (TooLarge, RecursionError):
        reason = "the grammar is too large, or nested too deeply"
        raise GrammarError(
            [Problem(Place(folder.resolve().name, 1, 1), reason, "Make its rules and patterns smaller.")]
        ) from None
    return emit(format)
