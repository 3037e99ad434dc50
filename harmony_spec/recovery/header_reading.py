"""What a path through a header says: the fields that were read, and the mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..diagnostics import Alternative
from ..errors import Code
from .header_automaton import Sets
from .header_names import HeaderNames


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


def reading_of(names: HeaderNames, text: str, path: Edits, given: dict[str, Any], lacks_start: bool) -> HeaderReading:
    """What a path through a header says.

    Args:
        text: the header in the mixed alphabet.
        path: its edits, in their order.
        given: the fields of an open header that it continues.
        lacks_start: the token that begins a message is missing.
    """
    slots, automaton, recovery = names.slots, names.automaton, names.recovery
    reading = HeaderReading({**names.format.defaults, **given})
    values = reading.values
    last, reported, before_led = dict[str, Edit](), list[Edit](), ""
    for edit, after in zip(path, (*path[1:], Edit("", "", 0, 0)), strict=False):
        for name, value in edit.sets:
            before = last.get(name)
            repeats = before is not None and "repeated" in names.row(name).codes
            if before and repeats and edit.kind != "spliced":
                kind = "answered" if value is None and name == slots.recipient else "repeated"
                reported.append(Edit(kind, name, before.start, before.end, fields=(name,)))
            values[name] = value
            last[name] = edit
            if value is None:
                del last[name]
        # The next name follows directly, although the grammar has a token or a space between the two.
        is_silent = after.sets and after.kind in ("", "glued")
        touches = is_silent and text[edit.end : after.start] in automaton.spaced
        if edit.rest:
            reading.text_start = edit.start
        elif edit.kind == "led":  # with the name after it, however that is written
            reported.append(edit._replace(sets=edit.sets or after.sets))
        elif edit.kind and (edit.kind != "glued" or touches) and not (edit.kind == "near" and before_led == edit.field):
            reported.append(edit)
        before_led = edit.field if edit.kind == "led" else ""
    if not values[slots.role]:
        values.update(recovery.author)
    for edit in reported:
        taken = (values if edit.kind in ("empty", "displaced") else dict(edit.sets)).get(edit.field)
        kind = "dropped" if edit.kind == "extra" and not values[edit.field] else edit.kind
        default, evidence = recovery.edits[kind]
        code = recovery.codes[names.row(edit.field).codes.get(kind, default)]
        reading.findings.append(HeaderFinding(code, edit.start, edit.end, str(taken or ""), evidence, edit.fields))
    lost = lacks_start or reading.text_start is not None or any(edit.lost for edit in path)
    answers = values[slots.role] == recovery.tool and values.get(slots.recipient) is not None
    needed = answers or values[slots.role] == recovery.author[slots.role]
    reading.lacks_channel = lost and needed and values.get(slots.channel) is None
    if reading.text_start is not None:
        awaits = automaton.introduces.get(text[: reading.text_start].rstrip()[-1:]) == slots.channel
        lacks = awaits and values.get(slots.channel) is None
        reading.is_punctuation = lacks and not re.search(r"\w", text[reading.text_start :])
    return reading
