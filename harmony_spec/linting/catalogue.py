"""The rules: what the catalogue of the grammar says of each kind of mistake."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any

from ..codec_loading import default_codec, require
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
def rules(codec: ModuleType) -> dict[str, Rule]:
    """All rules of a codec by code, in order; examples are those of this package's grammar, for its own codec only."""
    catalogue: dict[str, Any] = {}
    if codec is default_codec():
        text = files("harmony_spec.grammar").joinpath("diagnostics.toml").read_text(encoding="utf-8")
        catalogue = tomllib.loads(text)
    found = []
    for code in codes(codec):
        entry = catalogue.get(code.name, {})
        details = {key: value for key, value in entry.items() if key not in SHOWN and not hasattr(code, key)}
        bad, good = map(entry.get, SHOWN)
        found.append(Rule(code, bad, good, details))
    return {rule.code.code: rule for rule in found}


@cache
def codes(codec: ModuleType) -> tuple[Code, ...]:
    """All kinds of mistakes that a codec knows, in order. Raises `CodecError` for one that cannot validate."""
    require(codec, "validate")
    return tuple(sorted(codec.FORMAT.recovery.codes.values(), key=lambda code: code.code))


def close_to(text: str, codec: ModuleType) -> str:
    """The code or name that a text is likely meant for; empty if none is like it."""
    known = [name for code in codes(codec) for name in (code.code, code.name)]
    cased = text.upper() if text[:1].upper() == known[0][0] and text[1:].isdigit() else text.lower()
    return next(iter(get_close_matches(cased, known, n=1)), "")
