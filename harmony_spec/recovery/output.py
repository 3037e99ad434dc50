"""Messages, gaps and diagnostics as they are read. A message without a channel waits for the next one to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import reduce
from itertools import chain
from typing import Any, Protocol

from .. import codes
from ..diagnostics import Diagnostic, Repair, abridge
from ..errors import Code, Span
from ..source.forms import REPLACEMENT
from ..source.message_tokens import new_tuple
from .draft import Draft
from .headers import Headers
from .recovered import MessageEnded, MessageStarted, Recovered


class Listener(Protocol):
    """Called at the boundaries of contents, so that it can add their text between the events."""

    def message_begins(self, draft: Draft) -> None:
        """`MessageStarted` has been added."""

    def text_ends(self) -> None:
        """`MessageEnded` is about to be added."""


class Output:
    """Collects what is read of one input. If it is `continued`, a model wrote it, up to a stop token."""

    def __init__(
        self, headers: Headers, continued: bool, given: Mapping[str, Any], refuse: Callable[[Span], None] | None
    ) -> None:
        self.format, self.form, self.recovery = headers.format, headers.form, headers.recovery
        self.headers, self.continued, self.given, self.refuse = headers, continued, given, refuse
        self.messages: list[Any] = []
        self.bounds: list[tuple[int, int, int, int]] = []
        self.gaps: list[Span] = []
        self.diagnostics: list[Diagnostic] = []
        self.events: list[Any] = []
        self.pending: Draft | None = None
        self.listener: Listener | None = None
        self.stopped: str | None = None  # the spelling of the token that ended the completion
        self.reported_after_stop = False
        self.restarted: int | None = None  # where a header begins again that the prompt began

    def author(self, draft: Draft) -> str:
        return str(draft.reading.values[self.recovery.slots.role])

    def recovered(self, opening: dict[str, Any] | None) -> Recovered[Any]:
        """The result so far; `opening` are the fields of the open header of a prompt."""
        bounds, gaps, found = list(self.bounds), list(self.gaps), list(self.diagnostics)
        return Recovered(copy(self.messages), opening, self.form.unit, bounds, gaps, found)

    # Messages.

    def begin(self, draft: Draft) -> None:
        """Report that a message begins, after deciding on the pending one before it."""
        if draft.started:
            return
        if self.pending is not None:
            self.resolve_pending(self.author(draft))
        draft.started = True
        draft.changed = draft.changed or draft.begin == self.restarted
        if self.continued and self.refuse is None:
            self._report_impossible(draft)
        if not draft.reading.is_clean:
            self._report_header(draft)
        before, after = draft.reading.sides
        message = self.format.message(*before, "", *after, draft.reading.variants, None)
        self.events.append(new_tuple(MessageStarted, (len(self.messages), message, draft.after_stop)))
        if self.listener is not None:
            self.listener.message_begins(draft)

    def _report_header(self, draft: Draft) -> None:
        """Report the mistakes of a header, and of the special tokens around it."""
        if not draft.headerless:
            self._report_frame(draft)
        for finding in draft.reading.findings:
            draft.repaired += finding.fields
            span = draft.header.span(finding.start, finding.end)
            raw = draft.header.shown(finding.start, finding.end)
            self.report(finding.code, span, finding.evidence, finding.taken_for, draft, raw)
        if draft.reading.has_strays:
            for spelling, _, start, end in draft.header.strays:
                code, evidence = self.describe_stray(spelling or "")
                self.report(code, Span(start, end), evidence, draft=draft)

    def _report_frame(self, draft: Draft) -> None:
        """Report missing special tokens around the header."""
        if draft.lacks_start:
            pieces = draft.header.pieces
            place = Span(draft.begin, pieces[0][3] if pieces else draft.content)
            self.report(codes.MISSING_START, place, "no start token", self.author(draft), draft)
        if not draft.opened:
            instead = "text in place of the token that opens the content"
            place = Span(min(draft.header_end, draft.content), draft.content)
            evidence = instead if draft.runs else "the header ends without it"
            self.report(codes.MISSING_MESSAGE_TOKEN, place, evidence, draft=draft)

    def _report_impossible(self, draft: Draft) -> None:
        """Report messages that no model may write: those after the stop token, and those of tools."""
        draft.after_stop = self.stopped is not None
        span = Span(draft.begin, draft.content)
        if draft.after_stop and not self.reported_after_stop:
            self.reported_after_stop = True
            self.report(codes.AFTER_STOP, span, "a stop token ended the completion before it")
        if self.author(draft) == self.recovery.tool:
            draft.forged = True
            self.report(codes.FORGED_TOOL_MESSAGE, span, "a tool message written by the model", draft=draft)

    def finish(self, draft: Draft, stop: int, end: int, terminator: str | None) -> None:
        """End a message, or keep it pending until the next one shows its channel."""
        self.begin(draft)
        draft.stop, draft.end, draft.terminator = stop, end, terminator
        headless = draft.reading.lacks_channel and self.recovery.slots.channel
        if headless and (not terminator or self.recovery.closes[terminator] != self.recovery.ends_answers):
            self.pending = draft
        else:
            self._complete(draft, None)

    def add_repeated_terminator(self, spelling: str, start: int, end: int) -> None:
        """Add a gap for a stop token between messages. It ends the completion if the last message should have had it.

        After the one of any message, that of a call occurs in about 1.5% of the runs of vLLM#37072, and that of an
        answer in vLLM#50690.
        """
        recovery = self.recovery
        self.report_gap(codes.REPEATED_TERMINATOR, start, end, "no message is open")
        kind = recovery.closes[spelling]
        if kind is None or not self.continued:
            return
        if kind == recovery.ends_answers:
            self.resolve_pending(None)
        last = self.messages[-1] if self.messages else None
        called = kind == recovery.ends_calls and getattr(last, recovery.slots.recipient, None)
        answered = kind == recovery.ends_answers and getattr(last, recovery.slots.channel, None) == recovery.answers
        if called or answered:
            self.stopped = self.stopped or spelling

    def ends_completion(self, terminator: str | None) -> bool:
        """Whether a model stops after a token that ends a message."""
        return self.continued and self.format.encoding.special.get(terminator or "") in self.recovery.stops

    def _stop(self, terminator: str | None) -> None:
        if self.ends_completion(terminator):
            self.stopped = self.stopped or terminator

    def resolve_pending(self, follower: str | None) -> None:
        """Decide on the pending message. `follower` is the role of the next message, None if there is none."""
        draft, self.pending = self.pending, None
        if draft is None:
            return
        was_opened = self.headers.words.automaton.opened.search(draft.reading.mixed)
        if draft.abandoned and follower is not None and not was_opened:
            self.report_gap(codes.ABANDONED_HEADER, draft.begin, draft.end)
            self._stop(draft.terminator)
            return
        if draft.abandoned:
            self.begin(draft)
        self._complete(draft, follower)

    def _complete(self, draft: Draft, follower: str | None) -> None:
        if draft.reading.lacks_channel:
            self._infer_channel(draft, follower)
        content: Any = draft.text
        if content is None:
            content = self.read_text(draft, draft.runs)
            if self.listener is not None:
                self.listener.text_ends()
        begin, end = draft.begin, draft.end
        bounds = begin, draft.content, draft.stop, end
        tokens = None if draft.guessed else self.form.tokens_of_message(bounds, None if draft.changed else content)
        content, learned = self.headers.names.read_content(draft.reading.values, content)
        if learned:
            self.headers.forget()
        terminator = draft.terminator
        kind = self.recovery.closes[terminator] if terminator else None
        candidate = self._find_candidate(draft, content) if kind and kind == self.recovery.ends_calls_only else None
        repair = self._make_repair(draft, content, candidate) if draft.changed or draft.after_stop else None
        before, after = draft.reading.sides
        variants = draft.reading.variants
        if kind:
            places = self.format.variant_places
            both = (*variants, kind)
            variants = tuple(sorted(both, key=lambda name: places.get(name, len(places)))) if variants else both
        message = self.format.message(*before, content, *after, variants, repair, tokens)
        ended = len(self.messages), message, new_tuple(Span, (begin, end)), terminator
        self.events.append(new_tuple(MessageEnded, ended))
        self.messages.append(message)
        self.bounds.append(bounds)
        self._stop(terminator)

    def read_text(self, draft: Draft, runs: Iterable[tuple[int, int, int]]) -> str:
        """The text of the content of a message, in runs as `Draft` has them; damage is reported."""
        texts = []
        for start, end, skip in runs:
            text, damage = self.form.run(start, end, skip)
            texts.append(text)
            if damage:
                self.report(codes.INVALID_TEXT, damage, "not valid UTF-8", REPLACEMENT, draft)
        return "".join(texts)

    def read_part(self, draft: Draft, field: str, start: int, end: int) -> None:
        """Read a free text that belongs before the content: that of its field, unless the message has one."""
        text = reduce(str.removeprefix, self.recovery.leads[field], self.read_text(draft, [(start, end, 0)]))
        if draft.reading.values.get(field):
            evidence = "left out: the message has this part already"
            self.report(codes.UNREAD_HEADER_TEXT, Span(start, end), evidence, draft=draft)
        elif text:
            self._set_field(draft, field, text)

    def _set_field(self, draft: Draft, field: str, value: str) -> None:
        """Set a field that the rest of a message shows."""
        values, other = {**draft.reading.values, field: value}, draft.reading.alternative
        other = None if other is not None and other.fields == values else other
        draft.reading = replace(draft.reading, values=values, sides=self.format.sides(values), alternative=other)
        draft.repaired += (field,)

    def _infer_channel(self, draft: Draft, follower: str | None) -> None:
        """Infer a missing channel: a call has a recipient, thoughts are followed by a message, answers are last."""
        channel, place = self.recovery.slots.channel, Span(draft.begin, draft.content)
        if not channel:
            if draft.headerless:
                self.report(codes.MISSING_HEADER, place, "text without a header", draft=draft)
            return
        more = follower in (self.author(draft), self.recovery.tool)
        inferred = self.recovery.thoughts if more else self.recovery.answers
        evidence = "another message follows" if more else "no other message of the model follows"
        if draft.reading.values.get(self.recovery.slots.recipient):
            inferred, evidence = self.recovery.calls, "it has a recipient"
        elif draft.terminator and self.recovery.closes[draft.terminator] == self.recovery.ends_calls_only:
            inferred, evidence = self.recovery.calls, "only calls end with its stop token"
        self._set_field(draft, channel, inferred)
        code = codes.MISSING_HEADER if draft.headerless else codes.MISSING_CHANNEL
        self.report(code, place, evidence, inferred, draft)

    def _find_candidate(self, draft: Draft, content: Any) -> str | None:
        """Report a call without a recipient; return the tool that it probably calls. It never becomes the recipient."""
        called = draft.reading.values.get(self.recovery.slots.recipient)
        if called or self.author(draft) == self.recovery.tool or self.refuse or not self.recovery.slots.recipient:
            return None
        place = Span(draft.stop, draft.end)
        self.report(codes.CALL_WITHOUT_RECIPIENT, place, "only calls end with this token", draft=draft)
        return self.headers.words.tools.called(content) if isinstance(content, str) else None

    def _make_repair(self, draft: Draft, content: Any, candidate: str | None) -> Repair:
        fields = tuple(dict.fromkeys(draft.repaired))
        cost, other = draft.reading.cost, draft.reading.alternative
        is_ambiguous = other is not None and other.cost - cost <= self.recovery.costs["margin"]
        marks = fields, draft.after_stop, draft.forged, candidate, cost, other, is_ambiguous
        if draft.guessed or not draft.changed:
            return Repair(*marks)
        part = self.form.slice
        written = (*chain(*draft.reading.sides), content)
        head, body = part(draft.begin, draft.content), part(draft.content, draft.stop)
        tail = part(draft.stop, draft.end)
        continues = self.continued and draft.begin == 0 and not draft.lacks_start
        opens = self.format.open_frame if continues else None
        opening = tuple((name, self.given[name]) for name in (opens.fields if opens else ()) if name in self.given)
        is_other = any(draft.reading.values.get(name) != value for name, value in opening)
        return Repair(*marks, head, body, tail, written, continues, opening if is_other else ())

    # Reporting.

    def report_gap(self, code: Code, start: int, end: int, evidence: str = "outside of any message") -> None:
        """Add and report a gap, unless it is empty."""
        if end > start:
            self.report(code, Span(start, end), evidence)
            self.gaps.append(Span(start, end))

    def terminators(self, draft: Draft) -> tuple[str, ...]:
        """The stop tokens that may end a message; the kind of one for messages without a kind of their own is None."""
        values, recovery = draft.reading.values, self.recovery
        by_model = self.author(draft) == recovery.author[recovery.slots.role]
        called = by_model and values.get(recovery.slots.recipient) not in (None, *recovery.recipients)
        answers = by_model and self.continued and values.get(recovery.slots.channel) == recovery.answers
        kinds = {recovery.ends_calls or None} if called else {None, recovery.ends_answers if answers else None}
        return tuple(spelling for spelling, kind in recovery.closes.items() if kind in kinds)

    def report(
        self,
        code: Code,
        span: Span,
        evidence: str,
        taken_for: str = "",
        draft: Draft | None = None,
        raw: str | None = None,
        expected: tuple[str, ...] | None = None,
    ) -> None:
        """Report a mistake.

        Args:
            draft: the message that has it.
            raw: the text to quote; by default that of the span.
            expected: by default what the grammar has in place of this mistake.
        """
        if draft is not None:
            draft.changed = True
        if self.refuse is not None:
            self.refuse(span)
        raw = self.form.excerpt(*span) if raw is None else abridge(raw)
        expected = self.recovery.missing.get(code, ()) if expected is None else expected
        found = Diagnostic(code, span, self.form.unit, len(self.messages), raw, taken_for, evidence, expected)
        self.diagnostics.append(found)
        self.events.append(found)

    def describe_stray(self, spelling: str) -> tuple[Code, str]:
        """Return the code for a token that the grammar does not use, and its evidence."""
        number = self.format.encoding.special.get(spelling)
        if number in self.format.encoding.unassigned and spelling not in self.format.markers:
            return codes.UNASSIGNED_SPECIAL_TOKEN, "the vocabulary reserves it without a meaning"
        if number is not None:
            return codes.STRAY_SPECIAL_TOKEN, "the grammar does not allow it here"
        return codes.UNKNOWN_TOKEN, f"not a token of {self.format.encoding.name}"
