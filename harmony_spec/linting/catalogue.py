"""The rules of a codec, and the selectors that choose some of them: codes, prefixes of codes, names, or `ALL`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any

from ..codec_loading import default_codec, require
from ..errors import SEVERITIES, Code, Severity

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


ALL = "ALL"


class SelectorError(ValueError):
    """A selector that fits no code."""


@dataclass(frozen=True)
class Layer:
    """What one source of settings says.

    Attributes:
        select: what is wanted, instead of what the layers below say; None where it leaves that to them.
        ignore: what is not wanted.
    """

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()


def selected(layers: Iterable[Layer], least: Severity, codec: ModuleType) -> frozenset[str]:
    """The codes that are wanted.

    Args:
        layers: the default first, the command line last.
        least: how bad a mistake is at least.
        codec: whose codes these are.

    Raises `SelectorError`.
    """
    wanted: frozenset[str] = frozenset()
    for layer in layers:
        said = _decided(layer, codec)
        kept = wanted if layer.select is None else frozenset()
        wanted = (kept | said[True]) - said[False]
    enough = SEVERITIES[: SEVERITIES.index(least) + 1]
    return frozenset(code.code for code in codes(codec) if code.code in wanted and code.severity in enough)


def matching(selectors: Iterable[str], codec: ModuleType) -> frozenset[str]:
    """The codes that selectors fit; raises `SelectorError` for one that fits none."""
    return frozenset(code.code for selector in selectors for code in _fitting(selector, codec))


def _decided(layer: Layer, codec: ModuleType) -> dict[bool, frozenset[str]]:
    """The codes that a layer selects, and those that it ignores: of each, what the most specific selector says."""
    said: dict[str, tuple[int, bool]] = {}
    for selects, selectors in ((True, layer.select or ()), (False, layer.ignore)):
        for selector in selectors:
            for code in _fitting(selector, codec):
                decision = (_specificity(selector, code), not selects)
                said[code.code] = max(said.get(code.code, decision), decision)
    return {
        selects: frozenset(code for code, (_, ignores) in said.items() if ignores != selects)
        for selects in (True, False)
    }


def _fitting(selector: str, codec: ModuleType) -> list[Code]:
    found = [code for code in codes(codec) if selector == ALL or selector == code.name or _begins(code.code, selector)]
    if not found:
        close = close_to(selector, codec)
        raise SelectorError(f"unknown rule {selector!r}" + (f"; did you mean {close!r}?" if close else ""))
    return found


def _begins(code: str, selector: str) -> bool:
    return bool(selector) and code.startswith(selector.upper())


def _specificity(selector: str, code: Code) -> int:
    """How much a selector says: a name as much as a whole code."""
    return 0 if selector == ALL else min(len(selector), len(code.code))
