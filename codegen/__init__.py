"""Grammar to codec: read, model, prove, write. Each phase is a folder; `generate` runs them in this order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .build import build
from .model.format_model import Format
from .prove.whole_format import check
from .read.grammar_folder import CONVERSATION_FILE, Sources, load
from .read.problems import GrammarError, Place, Problem, TooLarge
from .write.codec_module import emit
from .write.diagrams import diagrams
from .write.taken_names import taken_names

__all__ = ["GRAMMAR", "GrammarError", "Place", "Problem", "draw", "generate"]

GRAMMAR = Path(__file__).resolve().parent.parent / "grammar"
"""The folder of this package's own grammar."""


def generate(folder: Path, findings_of_example: Callable[[str], Sequence[str]] = lambda text: ()) -> str:
    """Return the source text of the codec for a grammar folder; raises `GrammarError` with every problem.

    Args:
        folder: of the grammar.
        findings_of_example: what the codec with this text reports of its example. Only the library can run a codec.
    """
    sources, format = _checked(folder)
    text = emit(format)
    if format.example and (found := findings_of_example(text)):
        reason = f"the example has {len(found)} finding{'s' * (len(found) > 1)}: {'; '.join(found)}"
        place = sources.place(CONVERSATION_FILE, "example")
        raise GrammarError([Problem(place, reason, "Write one that is valid, or correct [[turn]].")])
    return text


def draw(folder: Path) -> dict[str, str]:
    """Return pictures of a grammar folder by file name; raises `GrammarError`. Needs `railroad-diagrams`."""
    return diagrams(*_checked(folder))


def _checked(folder: Path) -> tuple[Sources, Format]:
    try:
        sources = load(folder)
        format = build(sources)
        check(format, sources, taken_names(format))
    except (TooLarge, RecursionError):
        reason = "the grammar is too large, or nested too deeply"
        problem = Problem(Place(folder.resolve().name), reason, "Make its rules and patterns smaller.")
        raise GrammarError([problem]) from None
    return sources, format
