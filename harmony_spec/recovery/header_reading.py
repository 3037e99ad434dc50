"""The reading of a header: the fields that were read, the mistakes, and the edits that a path through it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..diagnostics import Alternative
from ..errors import Code
from .header_automaton import Sets


class HeaderFinding(NamedTuple):
    """A mistake in a header, with offsets into the mixed text, and the repaired fields."""

    code: Code
    start: int
    end: int
    taken_for: str
    evidence: str
    fields: tuple[str, ...]


@dataclass(eq=False, repr=False)
class HeaderReading:
    """The fields of a header.

    Attributes:
        values: the fields by name.
        variants: the named alternatives, if a rule describes the header.
        findings: its mistakes.
        text_start: the offset into the mixed text where text in no field begins; None if there is none.
        is_punctuation: that text is in the place of the channel and has no letter, as in a message whose channel is two
            question marks and which ends there (llama.cpp#27720).
        lacks_channel: the channel is missing and must be inferred.
        has_strays: it contains special tokens that no rule uses.
        is_clean: no diagnostic is due for it.
        is_exact: a rule describes it, and all its names are known as they are.
        mixed: the header in the mixed alphabet.
        free_units: the units of its free text, which has no limit.
        sides: the values in the order of the message type, before and after the content.
        cost: what its edits cost, in tenths.
        why: why it is the cheaper one.
        alternative: the fields and the cost of the next reading, if it costs little more.
    """

    values: dict[str, Any]
    variants: tuple[str, ...] = ()
    findings: list[HeaderFinding] = field(default_factory=list)
    text_start: int | None = None
    is_punctuation: bool = False
    lacks_channel: bool = False
    has_strays: bool = False
    is_clean: bool = False
    is_exact: bool = False
    mixed: str = ""
    free_units: int = 0
    sides: tuple[tuple[Any, ...], tuple[Any, ...]] = ((), ())
    cost: int = 0
    why: str = ""
    alternative: Alternative | None = None

    @property
    def text(self) -> str:
        """The text in it that may be a content; "" for punctuation only."""
        return "" if self.text_start is None or self.is_punctuation else self.mixed[self.text_start :]


class Edit(NamedTuple):
    """One step of a path.

    Attributes:
        kind: the row of `edits` in `recovery.toml`; "" if there is nothing to report.
        field: the field whose row may name the diagnostic.
        sets: the fields that it sets.
        fields: the repaired fields.
        lost: the channel is not where it should be, so that it must be inferred.
        rest: the content begins there.
    """

    kind: str
    field: str
    start: int
    end: int
    sets: Sets = ()
    fields: tuple[str, ...] = ()
    lost: bool = False
    rest: bool = False


Edits = tuple[Edit, ...]
