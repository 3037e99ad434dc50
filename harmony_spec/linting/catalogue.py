"""The rules: what the catalogue of the grammar says of each kind of mistake."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from .. import codec
from ..errors import Code

SHOWN = ("bad", "good")
"""The keys of examples."""


@dataclass(frozen=True)
class Rule:
    """A kind of mistake, and what the catalogue shows of it.

    Attributes:
        code: the kind of mistake.
        bad: an example that has it; None where there is none to show.
        good: the same without it.
        details: all else that the catalogue says, by its keys: how the examples are read, and what raises it.
    """

    code: Code
    bad: Any = None
    good: Any = None
    details: dict[str, Any] = field(default_factory=dict)


@cache
def rules() -> dict[str, Rule]:
    """All rules by code, in order."""
    catalogue = tomllib.loads(files("harmony_spec.grammar").joinpath("diagnostics.toml").read_text(encoding="utf-8"))
    found = []
    for code in codes():
        entry = catalogue[code.name]
        details = {key: value for key, value in entry.items() if key not in SHOWN and not hasattr(code, key)}
        bad, good = map(entry.get, SHOWN)
        found.append(Rule(code, bad, good, details))
    return {rule.code.code: rule for rule in found}


@cache
def codes() -> tuple[Code, ...]:
    """All kinds of mistakes, in order."""
    recovery = codec.FORMAT.recovery
    assert recovery is not None
    return tuple(sorted(recovery.codes.values(), key=lambda code: code.code))


def close_to(text: str) -> str:
    """The code or name that a text is likely meant for; empty if none is like it."""
    known = [name for code in codes() for name in (code.code, code.name)]
    cased = text.upper() if text[:1].upper() == known[0][0] and text[1:].isdigit() else text.lower()
    return next(iter(get_close_matches(cased, known, n=1)), "")
