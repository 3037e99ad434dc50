"""The rules of a codec, and the selectors that choose some of them: codes, prefixes of codes, names, or `ALL`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any

from ..codec_loading import default_codec
from ..errors import SEVERITIES, Code, Severity, near_misses
from ..format.tables import require

EXAMPLE_KEYS = ("bad", "good")


@dataclass(frozen=True)
class Rule:
    """An entry of the catalogue.

    Attributes:
        code: its code, name and severity.
        bad: an example with this mistake; None if there is none.
        good: the same without it.
        details: the other keys of the entry, such as how the examples are read.
    """

    code: Code
    bad: Any = None
    good: Any = None
    details: dict[str, Any] = field(default_factory=dict)


@cache
def rules(codec: ModuleType) -> dict[str, Rule]:
    """All rules of a codec by code, in order. Only the codec of this package has examples."""
    catalogue: dict[str, Any] = {}
    if codec is default_codec():
        text = files("harmony_spec.grammar").joinpath("diagnostics.toml").read_text(encoding="utf-8")
        catalogue = tomllib.loads(text)
    found = []
    for code in codes(codec):
        entry = catalogue.get(code.name, {})
        details = {key: value for key, value in entry.items() if key not in EXAMPLE_KEYS and not hasattr(code, key)}
        bad, good = map(entry.get, EXAMPLE_KEYS)
        found.append(Rule(code, bad, good, details))
    return {rule.code.code: rule for rule in found}


@cache
def codes(codec: ModuleType) -> tuple[Code, ...]:
    """The codes of a codec, in order. Raises `CodecError` if the codec cannot validate."""
    require(codec, "validate")
    return tuple(sorted(codec.FORMAT.recovery.codes.values(), key=lambda code: code.code))


def close_to(text: str, codec: ModuleType) -> str:
    """The code or name that is most similar to a text; empty if none is similar."""
    known = [name for code in codes(codec) for name in (code.code, code.name)]
    cased = text.upper() if text[:1].upper() == known[0][0] and text[1:].isdigit() else text.lower()
    return next(iter(near_misses(cased, known)), "")


ALL = "ALL"


class SelectorError(ValueError):
    """A selector matches no rule."""


@dataclass(frozen=True)
class Layer:
    """The selectors of one source of settings.

    Attributes:
        select: replaces the selection of the layers before it; None to keep that.
        ignore: removed from the selection.
    """

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()


def select_codes(layers: Iterable[Layer], least: Severity, codec: ModuleType) -> frozenset[str]:
    """The selected codes.

    Args:
        layers: the default first, the command line last.
        least: the lowest severity that is selected.
        codec: whose codes these are.

    Raises:
        SelectorError: a selector matches no rule.
    """
    chosen: frozenset[str] = frozenset()
    for layer in layers:
        selects, ignores = _decided(layer, codec)
        before = chosen if layer.select is None else frozenset()
        chosen = (before | selects) - ignores
    severities = SEVERITIES[: SEVERITIES.index(least) + 1]
    return frozenset(code.code for code in codes(codec) if code.code in chosen and code.severity in severities)


def match_codes(selectors: Iterable[str], codec: ModuleType) -> frozenset[str]:
    """The codes that selectors match. Raises `SelectorError` if a selector matches none."""
    return frozenset(code.code for selector in selectors for code in _matching(selector, codec))


def _decided(layer: Layer, codec: ModuleType) -> tuple[frozenset[str], frozenset[str]]:
    """The codes that a layer selects, and those that it ignores. The most specific selector wins; on a tie, ignore."""
    decisions: dict[str, tuple[int, bool]] = {}
    for selects, selectors in ((True, layer.select or ()), (False, layer.ignore)):
        for selector in selectors:
            for code in _matching(selector, codec):
                decision = (_specificity(selector, code), not selects)
                decisions[code.code] = max(decisions.get(code.code, decision), decision)
    ignored = frozenset(code for code, (_, ignores) in decisions.items() if ignores)
    return frozenset(decisions) - ignored, ignored


def _matching(selector: str, codec: ModuleType) -> list[Code]:
    found = [
        code for code in codes(codec) if selector == ALL or selector == code.name or _is_prefix(code.code, selector)
    ]
    if not found:
        close = close_to(selector, codec)
        raise SelectorError(f"unknown rule {selector!r}" + (f"; did you mean {close!r}?" if close else ""))
    return found


def _is_prefix(code: str, selector: str) -> bool:
    return bool(selector) and code.startswith(selector.upper())


def _specificity(selector: str, code: Code) -> int:
    """How specific a selector is: its length, for a name that of a code."""
    return 0 if selector == ALL else min(len(selector), len(code.code))
