"""The context of the checks: the messages of one input, their places, and the diagnostics reported so far."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ..codes import STRIPPED_TOKENS
from ..diagnostics import Diagnostic, Fix
from ..errors import APPLICABILITIES, Code, Span
from ..format.tables import Format, continues
from ..recovery.recovered import Recovered
from ..source.forms import CHARACTER, Form, TextForm, TokenForm
from .budget import Budget
from .declarations import Declarations

Change = tuple[Span, str | tuple[int, ...]]
"""A span of an input, and what replaces it: text, or token ids."""


IN_HEADER, IN_CONTENT, IN_STOP = range(3)
"""The parts of a message, each between two of its bounds."""


class Context:
    """One input, as recovery read it.

    Attributes:
        roles, names, recipients, channels: the fields of the messages, by index.
        kinds: the kinds of the messages, by index; "" for none.
        checked: the indices of the messages to check: not those after the stop of a completion, nor forged ones.
        declarations: filled by the checks of contents.
        model_role: the role of the messages that the model writes.
        stripped: whether the headers were guessed from a text without special tokens.
        reported: the diagnostics of the checks.
        budget: the work that is left for schemas and patterns.
        reported_out_of_steps: whether a diagnostic reports that the budget is spent.
    """

    def __init__(
        self,
        format: Format,
        form: Form,
        recovered: Recovered[Any],
        start: str,
        given: dict[str, Any],
        declarations: Declarations,
    ) -> None:
        self.format, self.form, self.recovered, self.declarations = format, form, recovered, declarations
        self.start, self.given = start, given
        self.recovery = format.meaning
        self.messages: Sequence[Any] = recovered.messages
        slots = self.recovery.slots
        self.roles: list[str] = [getattr(m, slots.role) for m in self.messages]
        self.names: list[str | None] = [getattr(m, slots.name, None) for m in self.messages]
        self.recipients: list[str | None] = [getattr(m, slots.recipient, None) for m in self.messages]
        self.channels: list[str | None] = [getattr(m, slots.channel, None) for m in self.messages]
        self.kinds = list(map(format.kind_of, self.messages))
        repairs = [message.repair for message in self.messages]
        self.checked = [i for i, repair in enumerate(repairs) if not (repair and (repair.after_stop or repair.forged))]
        self.model_role = self.recovery.author.get(slots.role, "")
        self.stripped = any(each.code == STRIPPED_TOKENS for each in recovered.diagnostics[:1])
        self.reported: list[Diagnostic] = []
        self.budget = Budget()
        self.reported_out_of_steps = False
        self._places: tuple[int, int, array[int], array[int]] | None = None

    # Kinds of messages.

    def content(self, index: int) -> Any:
        """The content of a message: a record or a str."""
        return getattr(self.messages[index], self.format.content)

    def text(self, index: int) -> str:
        content = self.content(index)
        if isinstance(content, str):
            return content
        tokens = self.messages[index].tokens
        return str(content.text()) if tokens is None or tokens.text is None else str(tokens.text)

    def is_by_model(self, index: int) -> bool:
        return self.roles[index] == self.model_role

    def is_call(self, index: int) -> bool:
        """Whether a message calls a tool."""
        return self.kinds[index] == "call" and self.recipients[index] not in self.recovery.roles

    def stop_name(self, index: int) -> str:
        """The name of the stop token of a message; "" for the one without a name, and for none."""
        variants = self.messages[index].variants
        return next((name for name in self.recovery.closes.values() if name in variants), "") or "" if variants else ""

    def is_complete(self, index: int) -> bool:
        """Whether a message has a stop token."""
        span = self.span_of(index, IN_STOP)
        return span.end > span.start

    # Places.

    def span_of(self, index: int, part: int) -> Span:
        """The span of a part of a message: `IN_HEADER`, `IN_CONTENT` or `IN_STOP`."""
        bounds = self.recovered.bounds[index]
        return Span(bounds[part], bounds[part + 1])

    def span_in_content(self, index: int, start: int, end: int) -> Span:
        """The span in the input of the code points `start` to `end` of a content; an empty one at its end for none."""
        content = self.span_of(index, IN_CONTENT)
        if start >= end:
            return Span(content.end, content.end)
        if self._places is None or self._places[0] != index:
            firsts, lasts = places_of_characters(self.form, content)
            self._places = index, len(firsts) - len(self.text(index)), firsts, lasts
        _, before, firsts, lasts = self._places  # more text in the span comes before the content
        return Span(firsts[before + start], lasts[before + end - 1] + 1) if before >= 0 else content

    # Diagnostics and fixes.

    def report(
        self,
        code: Code,
        index: int,
        evidence: str,
        span: Span | int = IN_HEADER,
        *,
        expected: tuple[str, ...] = (),
        pointer: str = "",
        change: Change | None = None,
    ) -> None:
        """Add a diagnostic for a part of a message, or for a span; `change` would remove the mistake."""
        span = self.span_of(index, span) if isinstance(span, int) else span
        raw = self.form.excerpt(*span)
        fix = self.make_fix(change, [code], index) if change and not self.stripped else None
        self.reported.append(Diagnostic(code, span, self.form.unit, index, raw, "", evidence, expected, pointer, fix))

    def make_fix(self, change: Change, codes: Sequence[Code], index: int | None) -> Fix | None:
        """Make a fix of a change; return None if one of the mistakes has no fix.

        Args:
            codes: the codes of all mistakes that the change removes.
            index: the message that it changes; None for a gap, and one more than the last for the open header.
        """
        if any(code.fix is None for code in codes):
            return None
        repair = None if index is None or index == len(self.messages) else self.messages[index].repair
        least = APPLICABILITIES.index("unsafe" if repair and repair.fields else "safe")
        if repair and self.recovery.slots.recipient in repair.fields:  # what ends a call makes it one
            codes = [*codes, *self.header_codes.get(index, ())]
        levels = [max(least, APPLICABILITIES.index(code.fix)) for code in codes if code.fix]
        selected = [code.code for code, level in zip(codes, levels, strict=True) if level == max(levels)]
        return Fix(*change, APPLICABILITIES[max(levels)], tuple(dict.fromkeys(selected)))

    @cached_property
    def header_codes(self) -> dict[int | None, list[Code]]:
        """The codes of the mistakes with a fix that recovery repaired, by the index of their message."""
        found: dict[int | None, list[Code]] = {}
        for each in (each for each in self.recovered.diagnostics if each.code.fix):
            found.setdefault(each.index, []).append(each.code)
        return found

    def replacement(self, *special: str) -> str | tuple[int, ...]:
        """Special tokens as they are in the input: their spellings, or their ids. None of them: to delete."""
        if isinstance(self.form, TextForm):
            return "".join(special)
        return tuple(map(self.format.encoding.special.__getitem__, special))

    def replace_stop(self, index: int, alternative: str | None) -> Change | None:
        """Return the change that ends a message with another stop token, by name.

        Return None if a completion goes on after the wrong token: the rest would then follow a stop token, and engines
        drop that.
        """
        span = self.span_of(index, IN_STOP)
        if continues(self.format, self.start) and span.end < len(self.form.units):
            return None
        return span, self.replacement(next(s for s, name in self.recovery.closes.items() if name == alternative))


def places_of_characters(form: Form, content: Span) -> tuple[array[int], array[int]]:
    """For each character of a content, the units in which it begins and ends. Special tokens have no characters."""
    firsts, lasts = array("q"), array("q")
    for spelling, _, start, end in form.pieces(*content):
        if spelling is None and isinstance(form, TokenForm):
            owners = array("q", (at for at in range(start, end) for _ in form.decode_bytes([form.tokens[at]])))
            for character in CHARACTER.finditer(form.decode_bytes(form.tokens[start:end])):
                firsts.append(owners[character.start()])
                lasts.append(owners[character.end() - 1])
        elif spelling is None:
            firsts.extend(range(start, end))
            lasts.extend(range(start, end))
    return firsts, lasts
