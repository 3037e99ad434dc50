"""The examples of a grammar are read by its codec as the grammar says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..model.format_model import STARTS, Format
from ..model.recovery_tables import library_diagnostics
from ..read.grammar_folder import CONVERSATION_FILE, DIAGNOSTICS_FILE, Sources
from ..read.problems import Problem

Findings = Sequence[tuple[str, str]]
"""The name of each diagnostic, and the diagnostic as text."""

ExampleReader = Callable[[Any, Mapping[str, Any]], Findings]
"""What a codec finds in an example that is read with these options. Only the library can run a codec."""


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
