"""What a header was read as: its fields, and the mistakes in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .header_text import Word


class Finding(NamedTuple):
    """A mistake in a header: the diagnostic's name, the place in the mixed text, and the fields that it concerns."""

    name: str
    start: int
    end: int
    taken_for: str
    evidence: str
    fields: tuple[str, ...]


@dataclass
class Reading:
    """What a header says.

    Attributes:
        values: the fields.
        variants: the named alternatives, where a rule describes the header.
        findings: the mistakes in it.
        rest: where text begins that belongs to no field, in the mixed text; None where there is none.
        junk: what belongs to no field holds no letter, and stands where a channel belongs.
        headless: nothing says which channel it is, though something should.
        strays: special tokens stand in it that no rule has a place for.
        silent: there is nothing to say of it.
        mixed: the header in the mixed alphabet.
        sides: the fields in their order, those before the content and those behind it.
    """

    values: dict[str, Any]
    variants: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    rest: int | None = None
    junk: bool = False
    headless: bool = False
    strays: bool = False
    silent: bool = False
    mixed: str = ""
    sides: tuple[tuple[Any, ...], tuple[Any, ...]] = ((), ())


class Seen(NamedTuple):
    """A value that was seen for a field: what it is, where, and in which segment."""

    value: str
    word: Word
    segment: int
