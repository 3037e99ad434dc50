"""What a header was read as: its fields, and the mistakes in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .header_text import Word


class HeaderFinding(NamedTuple):
    """A mistake in a header: the diagnostic's name, the place in the mixed text, and the fields that it concerns."""

    name: str
    start: int
    end: int
    taken_for: str
    evidence: str
    fields: tuple[str, ...]


@dataclass
class HeaderReading:
    """What a header says.

    Attributes:
        values: the fields.
        variants: the named alternatives, where a rule describes the header.
        findings: the mistakes in it.
        text_start: where text begins that belongs to no field, in the mixed text; None where there is none.
        is_punctuation: what belongs to no field holds no letter, and stands where a channel belongs.
        lacks_channel: nothing says which channel it is, though something should.
        has_strays: special tokens stand in it that no rule has a place for.
        is_clean: there is nothing to say of it.
        mixed: the header in the mixed alphabet.
        sides: the fields in their order, those before the content and those behind it.
    """

    values: dict[str, Any]
    variants: tuple[str, ...] = ()
    findings: list[HeaderFinding] = field(default_factory=list)
    text_start: int | None = None
    is_punctuation: bool = False
    lacks_channel: bool = False
    has_strays: bool = False
    is_clean: bool = False
    mixed: str = ""
    sides: tuple[tuple[Any, ...], tuple[Any, ...]] = ((), ())


class FieldCandidate(NamedTuple):
    """A value that was seen for a field: what it is, where, and in which segment."""

    value: str
    word: Word
    segment_index: int
