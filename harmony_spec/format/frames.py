"""Frames, that is messages and open headers: how each is read and written, and what may come next in it.

Input is matched in a mixed alphabet: ordinary characters, and one surrogate for each special token (its marker). So
text never matches a token. Decoded text contains no surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .algebra import Node

HOLE = "\udfff"
"""Replaces the content of a message while its header is parsed or rendered."""

Chosen = tuple[str, ...]
"""Names of the alternatives to write instead of the first ones."""


@dataclass(eq=False, repr=False)
class Atom:
    """A symbol that may come next: a special token (its spelling), a text, or the pattern of a field.

    Attributes:
        label: the spelling, the quoted text, or the name of the field.
        values: those that the grammar lists for the field, if it does.
        nullable: the text of the field may be empty.
    """

    label: str
    special: str | None = None
    text: str | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def shown(self) -> str:
        """The symbol in errors."""
        return f"{self.label} ({', '.join(self.values)})" if self.values else self.label

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.text) if self.pattern is None and self.text else self.pattern or "")


NAMED_GROUP = re.compile(r"\(\?P<(\w+)>")


@dataclass(eq=False, repr=False, kw_only=True)
class Frame:
    """A message, or the open header of one.

    Attributes:
        pattern: the frame as a regular expression in the mixed alphabet. A group sets the field that it is named after,
            to its text. `field_IS_value` sets that value, `field_IS_` sets True, and `_IS_name` is a named alternative.
            Names may be repeated, so groups are numbered for `re`.
        fields: the fields that this frame can set.
        inside: special tokens that may come before the one that opens the content.
        opens: special tokens directly before the content; empty without content.
        headless: the frame may also begin with the content.
        continues: special tokens that may follow one of those, or the beginning, before the content.
        closes: special tokens that may follow the content.
        trails: special tokens that may follow those.
        stops: special tokens after the content that nothing follows.
        bare: the content is between special tokens; other frames have text next to it.
        ends_with_text: ordinary text may follow a special token after the content.
        steps: for each state, what may come next and the state after it; the first state is the beginning.
        final: the states in which the frame is complete.
        write: writes a message in the mixed alphabet, with a hole for its content.
        algebra: makes the rule of the frame, for constraints.
    """

    name: str
    pattern: str
    fields: tuple[str, ...]
    has_content: bool
    inside: tuple[str, ...]
    opens: tuple[str, ...]
    headless: bool
    continues: tuple[str, ...]
    closes: tuple[str, ...]
    trails: tuple[str, ...]
    closed: bool
    bare: bool
    ends_with_text: bool
    steps: tuple[tuple[tuple[Atom, int], ...], ...]
    final: frozenset[int]
    write: Callable[[Any, Chosen], str]
    algebra: Callable[[], Node]
    stops: tuple[str, ...] = ()

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(NAMED_GROUP.sub("(", self.pattern))

    @cached_property
    def groups(self) -> tuple[tuple[str, str, str], ...]:
        """The names of the groups: field, "_IS_" or "", value."""
        return tuple(name.partition("_IS_") for name in NAMED_GROUP.findall(self.pattern))

    @cached_property
    def variants(self) -> frozenset[str]:
        """The named alternatives that messages of this frame may record."""
        return frozenset(value for name, fixed, value in self.groups if fixed and not name)

    @cached_property
    def rule(self) -> Node:
        """The rule of the frame, made once."""
        return self.algebra()

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The names of the alternatives of the whole frame; those of its parts may be absent with the part."""
        names = (way.name for way in getattr(self.rule, "ways", ()) if not way.sets)
        return frozenset(filter(None, names))

    def read(self, mixed: str, values: dict[str, Any]) -> tuple[str, ...] | None:
        """Add the fields of a text to `values`; return its named alternatives. None if the pattern does not match."""
        match = self.matcher.fullmatch(mixed)
        if match is None:
            return None
        variants = []
        for (name, fixed, value), text in zip(self.groups, match.groups(), strict=True):
            if text is not None and name:
                values[name] = (value or True) if fixed else text
            elif text is not None:
                variants.append(value)
        return tuple(variants)


class Path(NamedTuple):
    """One alternative of a start rule: its name, and frames with how often they come: "" (once), "?" or "*"."""

    name: str | None
    steps: tuple[tuple[Frame, str], ...]
