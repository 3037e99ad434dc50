"""The rules of a codec, and the selectors that choose some of them: codes, prefixes of codes, names, or `ALL`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from ..codec_loading import default_codec
from ..errors import Code, near_misses
from ..format.tables import require


class CatalogueRule(NamedTuple):
    """A code, and what else its entry in the catalogue has: examples, and how they are read."""

    code: Code
    entry: dict[str, Any]

    @property
    def page(self) -> str | None:
        """The address of its documentation, if it is a rule of this package."""
        return f"{_documentation()}/diagnostics.md#{self.code.code.lower()}-{self.code.name}" if self.entry else None


@cache
def _documentation() -> str:
    """The address of the pages, from the metadata of the package."""
    from importlib.metadata import metadata

    pairs = (line.split(", ", 1) for line in metadata("harmony-spec").get_all("Project-URL") or ())
    return str(dict(pairs).get("Documentation", "docs"))


@cache
def rules(codec: ModuleType) -> dict[str, CatalogueRule]:
    """All rules of a codec by code, in order. Only the codec of this package has examples."""
    import tomllib
    from importlib.resources import files

    catalogue: dict[str, Any] = {}
    if codec.__file__ == default_codec().__file__:  # also with another tokenizer
        text = files("harmony_spec.grammar").joinpath("diagnostics.toml").read_text(encoding="utf-8")
        catalogue = tomllib.loads(text)
    others = {name: {key: entry[key] for key in entry if key not in Code._fields} for name, entry in catalogue.items()}
    return {code.code: CatalogueRule(code, others.get(code.name, {})) for code in codes(codec)}


@cache
def codes(codec: ModuleType) -> tuple[Code, ...]:
    """The codes of a codec, in order. Raises `CodecError` if the codec cannot validate."""
    require(codec, "validate")
    return tuple(sorted(codec.FORMAT.recovery.codes.values(), key=lambda code: code.code))


def unknown_rule(text: str, codec: ModuleType) -> str:
    """The error for a text that is not a rule. It suggests the most similar one, unless a code is only begun."""
    known = [name for code in codes(codec) for name in (code.code, code.name)]
    is_code = text[:1].upper() == known[0][0] and text[1:].isdigit()
    is_begun = is_code and len(text) < len(known[0])
    close = [] if is_begun else near_misses(text.upper() if is_code else text.lower(), known)
    return f"unknown rule {text!r}; " + (f"did you mean {close[0]!r}?" if close else "harmony-spec rules lists them")


ALL = "ALL"


class SelectorError(ValueError):
    """A selector matches no rule."""


def select_codes(
    codec: ModuleType,
    select: Iterable[str] | None,
    ignore: Iterable[str] = (),
    before: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """The selected codes of a codec. The most specific selector wins; on a tie, ignore.

    Args:
        codec: whose codes these are.
        select: selectors that replace the selection before; None to keep that.
        ignore: selectors of codes to remove.
        before: the selection of other settings.

    Raises:
        SelectorError: a selector matches no rule.
    """
    kept = before if select is None else frozenset()
    decisions = {code: (-1, code not in kept) for code in (each.code for each in codes(codec))}
    for is_ignored, selectors in ((False, select or ()), (True, ignore)):
        for selector in selectors:
            for code in _matching(selector, codec):
                decisions[code.code] = max(decisions[code.code], (_specificity(selector, code), is_ignored))
    return frozenset(code for code, (_, is_ignored) in decisions.items() if not is_ignored)


def _matching(selector: str, codec: ModuleType) -> list[Code]:
    prefix = selector.upper() or None
    found = [each for each in codes(codec) if selector in (ALL, each.name) or (prefix and each.code.startswith(prefix))]
    if not found:
        raise SelectorError(unknown_rule(selector, codec))
    return found


def _specificity(selector: str, code: Code) -> int:
    """How specific a selector is: its length, for a name that of a code."""
    return 0 if selector == ALL else min(len(selector), len(code.code))
