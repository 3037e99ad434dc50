"""Grammar to codec: read, model, prove, write. Each phase is a folder; `generate` runs them in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .build import build
from .model.format_model import Format
from .prove.whole_format import ExampleReader, check, wrong_examples
from .read.grammar_folder import Sources, load
from .read.problems import GrammarError, Place, Problem, TooLarge
from .write.codec_module import emit
from .write.taken_names import taken_names

__all__ = ["GRAMMAR", "GrammarError", "Place", "Problem", "draw", "generate"]

GRAMMAR = Path(__file__).resolve().parent.parent / "grammar"
"""The folder of this package's own grammar."""


def generate(folder: Path, reader_of: Callable[[str], ExampleReader] | None = None) -> str:
    """Return the source text of the codec for a grammar folder; raises `GrammarError` with every problem.

    Args:
        folder: of the grammar.
        reader_of: what reads the examples of the grammar by the codec with this text; without it, they are not read.
    """
    with _within_limits(folder):
        sources, format = _checked(folder)
        text = emit(format)
    if reader_of is not None and (wrong := list(wrong_examples(format, sources, reader_of(text)))):
        raise GrammarError(wrong)
    return text


def draw(folder: Path) -> dict[str, str]:
    """Return pictures of a grammar folder by file name; raises `GrammarError`. Needs `railroad-diagrams`."""
    from .write.diagrams import diagrams  # only pictures need that package

    with _within_limits(folder):
        return diagrams(*_checked(folder))


def _checked(folder: Path) -> tuple[Sources, Format]:
    sources = load(folder)
    format = build(sources)
    check(format, sources, taken_names(format))
    return sources, format


@contextmanager
def _within_limits(folder: Path) -> Iterator[None]:
    try:
        yield
    except (TooLarge, RecursionError):
        reason = "the grammar is too large, or nested too deeply"
        problem = Problem(Place(folder.resolve().name), reason, "Make its rules and patterns smaller.")
        raise GrammarError([problem]) from None
