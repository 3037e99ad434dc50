"""Which codes are wanted: selectors are codes, their beginnings, names, or `ALL`; the more specific one decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

from ..errors import SEVERITIES, Code, Severity
from .catalogue import close_to, codes

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
