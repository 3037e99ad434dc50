"""One input as the checks see it: its messages by what their fields mean, where they stand, what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..diagnostics import Diagnostic, Fix, Repair
from ..errors import APPLICABILITIES, Code, Span
from ..format.tables import Format, Recovery, continues
from ..recovery.output import MAX_QUOTED_CHARS, abridge
from ..recovery.recovered import Recovered
from ..source.lenient import Lenient, LenientText
from .budget import Budget
from .content_places import ContentPlaces
from .offer import Offer

Change = tuple[Span, str | tuple[int, ...]]
"""A span of an input, and what replaces it: text, or token ids."""


class Conversation:
    """What was read of one input.

    Attributes:
        roles, names, recipients, channels: the fields of the messages.
        kept: the numbers of the messages that count: all but those behind the stop of a completion and forged ones.
        offer: what the conversation offers; the checks of contents fill it.
        alternatives: the names of those of the stop tokens that have one.
        stripped: whether the headers were guessed from a text without special tokens.
        found: what is wrong.
        budget: what is left of the work that schemas and patterns may ask for.
        is_out_of_steps: whether it is said that nothing is.
    """

    def __init__(
        self,
        format: Format,
        form: Lenient,
        recovered: Recovered[Any],
        start: str,
        given: dict[str, Any],
        offer: Offer,
    ) -> None:
        assert format.recovery is not None
        self.format, self.form, self.recovered, self.offer = format, form, recovered, offer
        self.start, self.given = start, given
        self.recovery: Recovery = format.recovery
        self.messages: Sequence[Any] = recovered.messages
        slots = self.recovery.slots
        self.roles: list[str] = [getattr(m, slots.role) for m in self.messages]
        self.names: list[str | None] = [getattr(m, slots.name, None) for m in self.messages]
        self.recipients: list[str | None] = [getattr(m, slots.recipient, None) for m in self.messages]
        self.channels: list[str | None] = [getattr(m, slots.channel) for m in self.messages]
        self.kept = [index for index, message in enumerate(self.messages) if _counts(message.repair)]
        self.author = self.recovery.author.get(slots.role, "")
        self.alternatives = {name for name in self.recovery.closes.values() if name}
        self.stripped = any(each.code.name == "stripped-tokens" for each in recovered.diagnostics[:1])
        self.found: list[Diagnostic] = []
        self.budget = Budget()
        self.is_out_of_steps = False
        self._places: tuple[int, ContentPlaces] | None = None

    # What messages are.

    def content(self, index: int) -> Any:
        """The content of a message, as structure where it is one."""
        return getattr(self.messages[index], self.format.content)

    def text(self, index: int) -> str:
        """The content of a message as it stands."""
        content = self.content(index)
        return content if isinstance(content, str) else str(content.text())

    def by_author(self, index: int) -> bool:
        """Whether the model wrote a message."""
        return self.roles[index] == self.author

    def is_call(self, index: int) -> bool:
        """Whether a message calls a tool."""
        recipient = self.recipients[index]
        return self.by_author(index) and recipient is not None and recipient not in self.recovery.roles

    def is_answer(self, index: int) -> bool:
        """Whether a message is what the model has to say to the user."""
        return self.by_author(index) and self.channels[index] == self.recovery.answers and not self.recipients[index]

    def ends(self, index: int, alternative: str) -> bool:
        """Whether a message has the stop token that is a named alternative; "" is the one without a name."""
        has = self.alternatives.intersection(self.messages[index].variants)
        return alternative in has if alternative else not has and self.is_complete(index)

    def is_complete(self, index: int) -> bool:
        """Whether a message has a stop token."""
        span = self.stop_span(index)
        return span.end > span.start

    # Where they stand.

    def header_span(self, index: int) -> Span:
        begin, content, _, _ = self.recovered.bounds[index]
        return Span(begin, content)

    def content_span(self, index: int) -> Span:
        _, content, stop, _ = self.recovered.bounds[index]
        return Span(content, stop)

    def stop_span(self, index: int) -> Span:
        _, _, stop, end = self.recovered.bounds[index]
        return Span(stop, end)

    def span_in_content(self, index: int, start: int, end: int) -> Span:
        """The span of a part of a content, which is given in code points of its text."""
        if self._places is None or self._places[0] != index:
            self._places = index, ContentPlaces(self.form, self.content_span(index), len(self.text(index)))
        return self._places[1].span(start, end)

    # What is said of them.

    def find(
        self,
        name: str,
        index: int,
        span: Span,
        evidence: str,
        *,
        expected: tuple[str, ...] = (),
        pointer: str = "",
        change: Change | None = None,
    ) -> None:
        """Report a mistake in a message; `change` is what would remove it."""
        raw = abridge(self.form.spelled(span.start, min(span.end, span.start + MAX_QUOTED_CHARS + 1)))
        code = self.recovery.codes[name]
        fix = self.fix(change, [code], index) if change else None
        self.found.append(Diagnostic(code, span, self.form.unit, index, raw, "", evidence, expected, pointer, fix))

    def fix(self, change: Change, codes: Sequence[Code], index: int | None) -> Fix | None:
        """A change as the fix of mistakes; None if one of them has no fix.

        Args:
            change: the span and its replacement.
            codes: of all mistakes that it removes.
            index: of the message that it changes; None for a gap.
        """
        if any(code.fix is None for code in codes):
            return None
        repair = None if index is None else self.messages[index].repair
        least = APPLICABILITIES.index("unsafe" if repair and repair.fields else "safe")
        levels = [max(least, APPLICABILITIES.index(code.fix)) for code in codes if code.fix]
        names = [code.code for code, level in zip(codes, levels, strict=True) if level == max(levels)]
        return Fix(*change, APPLICABILITIES[max(levels)], tuple(dict.fromkeys(names)))

    @property
    def nothing(self) -> str | tuple[int, ...]:
        """No text, or no tokens, in the form of the input."""
        return "" if isinstance(self.form, LenientText) else ()

    def special(self, spelling: str) -> str | tuple[int, ...]:
        """A special token in the form of the input."""
        return spelling if isinstance(self.form, LenientText) else (self.format.encoding.special[spelling],)

    def stop_change(self, index: int, alternative: str | None) -> Change | None:
        """The change that ends a message with another stop token.

        None if something follows in a completion: what follows the wrong token would stand after a stop, and engines
        drop that.
        """
        span = self.stop_span(index)
        if continues(self.format, self.start) and span.end < len(self.form.units):
            return None
        return span, self.special(next(s for s, name in self.recovery.closes.items() if name == alternative))


def _counts(repair: Repair | None) -> bool:
    """Whether a message is part of what is checked."""
    return repair is None or not (repair.after_stop or repair.forged)
