"""The states of an input: between messages, in a header, in a content. One special token at a time, nothing refused.

The recovering parser and the streaming parser, strict or not, are this machine. What is special about a token is what
the grammar says about it: it begins a message, stands inside a header, opens a content, or closes a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .diagnostics import Diagnostic, Repair
from .errors import Span
from .forms import Piece
from .header_repair import Headers
from .header_slots import Finding, Reading
from .header_text import HeaderText
from .known_names import KnownNames
from .lenient import Lenient
from .tables import Format, Recovery, unfinished

BETWEEN, HEADER, CONTENT = "between", "header", "content"

HEADER_LIMITS = {"token": 256, "character": 1024}
"""The longest header, by the unit of the input: several times the longest name of a tool. What is longer is text that
lost its header, and must not be held back any longer."""

RAW = 120
"""How much of what was repaired a diagnostic quotes, in code points."""


class MessageStarted(NamedTuple):
    """A message begins; its content is still empty, and its channel None where that shows only later."""

    number: int
    message: Any


class ContentDelta(NamedTuple):
    """More of the content."""

    text: str


class HeldContent(NamedTuple):
    """A part of a content that was held back as a header, as a run: the streaming parser makes it a delta."""

    start: int
    end: int
    skip: int


class MessageEnded(NamedTuple):
    """A message is complete. `terminator` is the spelling of its stop token; None where the input ended."""

    number: int
    message: Any
    span: Span
    terminator: str | None


@dataclass
class Draft:
    """A message that is being read.

    Attributes:
        runs: of its content: start, end, and how much of the first unit is not part of it.
        abandoned: nothing but a header that was given up.
    """

    reading: Reading
    begin: int
    content: int
    opened: bool
    header: HeaderText
    findings: list[Finding]
    runs: list[tuple[int, int, int]] = field(default_factory=list)
    stop: int = 0
    end: int = 0
    terminator: str | None = None
    started: bool = False
    after_stop: bool = False
    abandoned: bool = False
    repaired: list[str] = field(default_factory=list)
    headerless: bool = False
    changed: bool = False
    forged: bool = False


class Machine:
    """Reads one input.

    Args:
        format: with tables for recovery.
        form: the input.
        start: the name of the start rule.
        given: the fields of the open header that a completion continues.
        tools: what the conversation offers; None where that is not known.
        refuse: called, before anything is reported, where the input leaves the grammar; a strict parser raises there.
    """

    def __init__(
        self,
        format: Format,
        form: Lenient,
        start: str,
        given: dict[str, Any],
        tools: Iterable[Any] | None,
        refuse: Callable[[Span], None] | None = None,
    ) -> None:
        assert format.recovery is not None
        self.format, self.form, self.start, self.refuse = format, form, start, refuse
        self.recovery: Recovery = format.recovery
        self.names = KnownNames(self.recovery, tools)
        self.headers = Headers(format, form, self.names, strict=refuse is not None)
        path = format.starts[start][0]
        self.continued = all(atom.special != self.recovery.begins for atom, _ in path.steps[0][0].steps[0])
        self.ends_open = any(not frame.has_content for frame, _ in path.steps)
        self.given = dict(given)
        self.kinds = dict.fromkeys(self.recovery.inside, self._inside) | dict.fromkeys(self.recovery.opens, self._opens)
        self.kinds |= dict.fromkeys(self.recovery.closes, self._closes) | {self.recovery.begins: self._begins}
        self.limit = HEADER_LIMITS[form.unit]
        self.messages: list[Any] = []
        self.bounds: list[tuple[int, int, int, int]] = []
        self.gaps: list[Span] = []
        self.diagnostics: list[Diagnostic] = []
        self.events: list[Any] = []
        self.opening: dict[str, Any] | None = None
        self.at = self.begin = 0
        self.loose = False
        self.pieces: list[Piece] = []
        self.draft: Draft | None = None
        self.pending: Draft | None = None
        self.stopped = self.told_of_stop = False
        self.state = HEADER if self.continued else BETWEEN

    # What comes.

    def special(self, spelling: str, start: int, end: int) -> None:
        """A special token; what stands between it and the one before is text."""
        self.text(start)
        self.kinds.get(spelling, self._stray)(spelling, start, end)
        self.at = end

    def text(self, end: int) -> None:
        """Text up to a position."""
        while self.at < end:
            start, self.at = self.at, end
            if self.state == CONTENT:
                assert self.draft is not None
                if self.draft.runs and self.draft.runs[-1][1] == start:
                    start, _, skip = self.draft.runs.pop()
                    self.draft.runs.append((start, end, skip))
                else:
                    self.draft.runs.append((start, end, 0))
                return
            if self.state == BETWEEN:
                self._open_header(start, loose=True)
            self.at = min(end, max(self.begin + self.limit, start))
            if self.at > start:
                self.pieces.append((None, self.form.run(start, self.at, 0)[0], start, self.at))
            if self.at < end or self.at - self.begin >= self.limit:
                self._too_long()

    def close(self, end: int) -> None:
        """The end of the input."""
        self.text(end)
        if self.state == CONTENT:
            assert self.draft is not None
            self.begin_message()
            allowed = unfinished(self.format, self.start, first=not self.messages)
            if allowed is None:
                self._find(self.draft, "missing-terminator", Span(end, end), "", "the input ends")
            else:
                self.draft.reading.variants += (allowed,)
            self._finish(end, end, None)
        elif self.state == HEADER:
            self._unopened(None, end, end)
        self._settle(None)
        if (self.ends_open and self.opening is None) or (self.continued and not self.messages and not self.diagnostics):
            what = "an open header" if self.ends_open else "a message"
            self._say("missing-message", Span(end, end), "", f"a {self.start} ends with {what}")
        self.state = BETWEEN
        self.gaps.sort()

    # Special tokens by what they are.

    def _begins(self, spelling: str, start: int, end: int) -> None:
        if self.state == CONTENT:
            assert self.draft is not None
            self.begin_message()
            self._find(self.draft, "missing-terminator", Span(start, start), "", "the next message begins")
            self._finish(start, start, None)
        elif self.state == HEADER:
            self._unopened(spelling, start, start)
        self._open_header(start, loose=False)
        self.pieces.append((spelling, "", start, end))

    def _inside(self, spelling: str, start: int, end: int) -> None:
        if self.state == CONTENT:
            assert self.draft is not None
            if self.draft.runs or self.draft.started:
                self.begin_message()
                self._find(self.draft, "missing-terminator", Span(start, start), "", "another header begins")
                self._finish(start, start, None)
            else:
                self._reopen_header()
        if self.state == BETWEEN:
            self._open_header(start, loose=True)
        elif self.loose and all(piece[0] is None for piece in self.pieces) and self._is_prose():
            self._gap("text-between-messages", self.begin, start)
            self._open_header(start, loose=True)
        self._extend(spelling, start, end)

    def _opens(self, spelling: str, start: int, end: int) -> None:
        if self.state == CONTENT:
            assert self.draft is not None
            self.begin_message()
            self._find(self.draft, "stray-special-token", Span(start, end), "", "the content is open already")
            return
        if self.state == BETWEEN:
            self._open_header(start, loose=True)
        self._open_content(start, end, opened=True)

    def _closes(self, spelling: str, start: int, end: int) -> None:
        if self.state == CONTENT:
            self._finish(start, end, spelling)
        elif self.state == HEADER:
            self._unopened(spelling, start, end)
        else:
            self._too_many(spelling, start, end)

    def _stray(self, spelling: str, start: int, end: int) -> None:
        """A special token without a place in the grammar, or a token that the vocabulary does not have."""
        known = spelling in self.format.encoding.special
        name, evidence = ("stray-special-token", "no rule has a place for it") if known else ("unknown-token", "")
        evidence = evidence or f"it is no token of {self.format.encoding.name}"
        if self.state == CONTENT:
            assert self.draft is not None
            self.begin_message()
            self._find(self.draft, name, Span(start, end), "", evidence)
        elif self.state == HEADER:
            self._extend(spelling, start, end)
        else:
            self._say(name, Span(start, end), "", evidence)
            self.gaps.append(Span(start, end))

    def _too_many(self, spelling: str, start: int, end: int) -> None:
        """A stop token between messages. It counts where it is the one that the message before should have had."""
        self._say("repeated-terminator", Span(start, end), "", "no message is open")
        self.gaps.append(Span(start, end))
        kind = self.recovery.closes[spelling]
        if self.pending is not None and kind == self.recovery.ends_answers:
            self._settle(None)
        last = self.messages[-1] if self.messages else None
        slots = self.recovery.slots
        called = kind == self.recovery.ends_calls and getattr(last, slots.recipient, None)
        answered = kind == self.recovery.ends_answers and getattr(last, slots.channel, None) == self.recovery.answers
        self.stopped |= self.continued and bool(called or answered)

    # Headers.

    def _open_header(self, begin: int, loose: bool) -> None:
        self.state, self.begin, self.loose, self.pieces = HEADER, begin, loose, []

    def _reopen_header(self) -> None:
        """A content that was opened before the header was complete, and is empty."""
        assert self.draft is not None
        self.state, self.begin = HEADER, self.draft.begin
        opened = next(iter(self.recovery.opens))
        self.pieces = [*self.draft.header.pieces, (opened, "", self.draft.content - 1, self.draft.content)]
        self.draft = None

    def _extend(self, spelling: str, start: int, end: int) -> None:
        self.pieces.append((spelling, "", start, end))
        if end - self.begin >= self.limit:
            self.at = end
            self._too_long()

    def _is_prose(self) -> bool:
        """Whether text in front of a header is no part of it."""
        reading, _ = self._read(opened=False)
        return reading.rest is not None

    def _read(self, opened: bool) -> tuple[Reading, HeaderText]:
        header = HeaderText(self.form, self.pieces)
        first = self.pieces[0][0] if self.pieces else None
        given = {} if first == self.recovery.begins else self.given if not self.loose else dict(self.recovery.author)
        return self.headers.read(header, given, opened, self.loose), header

    def _open_content(self, start: int, end: int, opened: bool) -> None:
        reading, header = self._read(opened)
        self._begin_draft(Draft(reading, self.begin, end, opened, header, list(reading.findings)), start)
        self.state = CONTENT

    def _begin_draft(self, draft: Draft, at: int) -> None:
        draft.headerless = draft.reading.headless and not draft.opened
        if self.loose and not draft.headerless:
            place = Span(draft.begin, draft.header.pieces[0][3]) if draft.header.pieces else Span(draft.begin, at)
            evidence = "no special token begins it"
            self._find(draft, "missing-start", place, self._author(draft), evidence)
        self.draft = draft

    def _author(self, draft: Draft) -> str:
        return str(draft.reading.values[self.recovery.slots.role])

    def _too_long(self) -> None:
        """What is longer than any header is text without one, or nothing."""
        reading, header = self._read(opened=False)
        at = self.at
        self._say("header-too-long", Span(self.begin, at), "", f"no header has {self.limit} {self.form.unit}s")
        if reading.rest is None:
            self.gaps.append(Span(self.begin, at))
            self._open_header(at, loose=True)
            return
        self._content_from(reading, header, at)
        self.state = CONTENT
        self.begin_message()

    def _draft_from_header(self, reading: Reading, header: HeaderText, end: int) -> Draft:
        """A message whose content, if any, begins inside of what was taken for a header."""
        if reading.rest is None:
            return Draft(reading, self.begin, end, False, header, list(reading.findings))
        number = max(n for n, offset in enumerate(header.offsets) if offset <= reading.rest)
        _, text, start, stop = header.pieces[number]
        unit, skip = self.form.place(start, text, reading.rest - header.offsets[number])
        draft = Draft(reading, self.begin, unit, False, header, list(reading.findings))
        draft.runs.append((unit, stop, skip))
        draft.runs += [(first, last, 0) for spelling, _, first, last in header.pieces[number + 1 :] if spelling is None]
        return draft

    def _content_from(self, reading: Reading, header: HeaderText, end: int) -> None:
        """Begin a content inside of what was taken for a header."""
        draft = self._draft_from_header(reading, header, end)
        unit = draft.content
        self._begin_draft(draft, end)
        if not draft.headerless:
            self._find(draft, "missing-message-token", Span(unit, unit), "", "text stands where a header belongs")

    def _unopened(self, by: str | None, start: int, end: int) -> None:
        """A header that ends before a content is opened: by a token that begins or closes a message, or the end."""
        if not self.pieces and by is None:
            self.state = BETWEEN
            return
        reading, header = self._read(opened=False)
        readable = reading.rest is not None and re.search(r"\w", header.mixed[reading.rest :])
        between = self.loose and reading.headless and (by == self.recovery.begins or not readable)
        if between and not (by in self.recovery.closes and readable):
            self._gap("text-between-messages", self.begin, start)
            if by in self.recovery.closes:
                self._too_many(str(by), start, end)
            self.state = BETWEEN
        elif readable:
            self._content_from(reading, header, start)
            if by not in self.recovery.closes:
                assert self.draft is not None
                allowed = by is None and unfinished(self.format, self.start, first=not self.messages)
                if not allowed:
                    self._find(self.draft, "missing-terminator", Span(start, start), "", "it ends without one")
            self._finish(start, end, by if by in self.recovery.closes else None)
        elif by is None:
            self._unfinished(reading, header, end)
        else:
            self._abandon(reading, header, by, start, end)
        if self.state == HEADER:
            self.state = BETWEEN

    def _unfinished(self, reading: Reading, header: HeaderText, end: int) -> None:
        """The input ends inside a header."""
        if self.ends_open:
            self._settle(str(reading.values[self.recovery.slots.role]))
            self.opening = self.headers.opening(header, reading)
            self.bounds.append((self.begin, end, end, end))
            if not self.headers.is_opening(header):
                self._say(
                    "unfinished-header", Span(self.begin, end), "an open header", "more than its author stands in it"
                )
            return
        self._gap("unfinished-header", self.begin, end)

    def _abandon(self, reading: Reading, header: HeaderText, by: str, start: int, end: int) -> None:
        """A header without a content: given up where another one follows, else an empty message."""
        closed = by in self.recovery.closes
        if not header.pieces or all(s == self.recovery.begins for s, _, _, _ in header.pieces):
            if end > self.begin:
                name = "abandoned-header" if closed else "repeated-start"
                self._gap(name, self.begin, end)
            elif not closed:
                self._say("repeated-start", Span(start, start), "", "an open header is there already")
            return
        self._settle(None)
        draft = self._draft_from_header(reading, header, start)
        draft.abandoned, draft.stop, draft.end = True, start, end
        draft.terminator = by if closed else None
        self.pending = draft

    # Messages.

    def begin_message(self) -> None:
        """Say that the open message begins; before that, what came before it is settled."""
        draft = self.draft
        assert draft is not None
        if draft.started:
            return
        self._settle(self._author(draft))
        draft.started = True
        draft.after_stop = self.stopped
        if self.stopped and not self.told_of_stop and self.refuse is None:
            self.told_of_stop = True
            evidence = "a stop token ended the completion before it"
            self._say("after-stop", Span(draft.begin, draft.content), "", evidence)
        if self.continued and self._author(draft) == self.recovery.tool and self.refuse is None:
            draft.forged = True
            self._find(draft, "forged-tool-message", Span(draft.begin, draft.content), "", "a model is no tool")
        for finding in draft.findings:
            draft.repaired += finding.fields
            span = draft.header.span(finding.start, finding.end)
            raw = draft.header.shown(finding.start, finding.end)
            self._say(finding.name, span, finding.taken_for, finding.evidence, raw)
            draft.changed = True
        for spelling, _, start, end in draft.header.strays:
            known = spelling in self.format.encoding.special
            evidence = "no rule has a place for it" if known else f"it is no token of {self.format.encoding.name}"
            self._say("stray-special-token" if known else "unknown-token", Span(start, end), "", evidence)
            draft.changed = True
        self.events.append(MessageStarted(len(self.messages), self._message(draft, "", None)))
        self.events += [HeldContent(*run) for run in draft.runs if not draft.opened]

    def _finish(self, stop: int, end: int, terminator: str | None) -> None:
        """The open message is complete, or waits for the next one to show what it was."""
        self.begin_message()
        draft = self.draft
        assert draft is not None
        self.draft, self.state = None, BETWEEN
        draft.stop, draft.end, draft.terminator = stop, end, terminator
        headless = draft.reading.headless and draft.reading.values[self.recovery.slots.channel] is None
        if headless and (not terminator or self.recovery.closes[terminator] != self.recovery.ends_answers):
            self.pending = draft
        else:
            self._complete(draft, None)

    def _settle(self, follower: str | None) -> None:
        """Decide what the message before was, now that it shows who writes the next one, or that none comes."""
        draft, self.pending = self.pending, None
        if draft is None:
            return
        if draft.abandoned and follower is not None:
            self._gap("abandoned-header", draft.begin, draft.end)
            return
        if draft.abandoned:
            self.draft = draft
            self._find(draft, "missing-message-token", Span(draft.stop, draft.stop), "", "the header ends")
            self.pending = None
            self.begin_message()
            self.draft = None
        self._complete(draft, follower)

    def _complete(self, draft: Draft, follower: str | None) -> None:
        slots, values = self.recovery.slots, draft.reading.values
        if draft.reading.headless and values[slots.channel] is None:
            more = follower in (self._author(draft), self.recovery.tool)
            values[slots.channel] = self.recovery.thoughts if more else self.recovery.answers
            draft.repaired.append(slots.channel)
            evidence = "another message follows" if more else "no other message follows"
            name = "missing-header" if draft.headerless else "missing-channel"
            self._find(draft, name, Span(draft.begin, draft.content), values[slots.channel], evidence)
        content = ""
        for start, end, skip in draft.runs:
            text, damage = self.form.run(start, end, skip)
            content += text
            if damage:
                self._find(draft, "invalid-text", damage, "\ufffd", "it is not UTF-8")
        structured = self._structured(draft, content)
        if structured is not content and self.names.learn(values[slots.role], structured):
            self.headers.forget()
        candidate = self._candidate(draft, content)
        message = self._message(draft, content, self._repair(draft, structured, candidate))
        self.messages.append(message)
        self.bounds.append((draft.begin, draft.content, draft.stop, draft.end))
        span = Span(draft.begin, draft.end)
        self.events.append(MessageEnded(len(self.messages) - 1, message, span, draft.terminator))
        stops = draft.terminator and self.format.encoding.special[draft.terminator] in self.recovery.stops
        self.stopped |= bool(self.continued and stops)

    def _structured(self, draft: Draft, content: str) -> Any:
        made = self.format.contents.class_for(draft.reading.values)
        found = self.format.contents.structure(made, content) if made and content else None
        return content if found is None else found

    def _candidate(self, draft: Draft, content: str) -> str | None:
        """The tool that a call without recipient is for, as far as that shows."""
        slots, values = self.recovery.slots, draft.reading.values
        kind = self.recovery.closes.get(draft.terminator or "")
        is_call = kind == self.recovery.ends_calls and draft.terminator is not None
        if not is_call or values[slots.recipient] or self._author(draft) == self.recovery.tool or self.refuse:
            return None
        tool = self.names.called(content)
        self._find(draft, "call-without-recipient", Span(draft.stop, draft.end), "", "only calls end like this")
        return tool

    def _repair(self, draft: Draft, content: Any, candidate: str | None) -> Repair | None:
        if not (draft.changed or draft.after_stop or draft.forged or candidate):
            return None
        raw: dict[str, Any] = {}
        if draft.changed:
            slice, values = self.form.slice, draft.reading.values
            raw = {"head": slice(draft.begin, draft.content), "tail": slice(draft.stop, draft.end)}
            raw |= {"body": slice(draft.content, draft.stop)}
            raw |= {"said": (*(values[name] for name in self.format.header_fields), content)}
        fields = tuple(dict.fromkeys(draft.repaired))
        return Repair(fields, draft.after_stop, draft.forged, candidate, **raw)

    def _message(self, draft: Draft, content: str, repair: Repair | None) -> Any:
        values = {name: draft.reading.values[name] for name in self.format.header_fields}
        kind = self.recovery.closes.get(draft.terminator or "")
        variants = draft.reading.variants + ((kind,) if kind else ())
        structured = self._structured(draft, content)
        return self.format.message(**values, **{self.format.content: structured}, variants=variants, repair=repair)

    # What is said.

    def _gap(self, name: str, start: int, end: int) -> None:
        if end > start:
            self._say(name, Span(start, end), "", "it belongs to no message")
            self.gaps.append(Span(start, end))

    def _find(self, draft: Draft, name: str, span: Span, taken_for: str, evidence: str) -> None:
        draft.changed = True
        self._say(name, span, taken_for, evidence)

    def _say(self, name: str, span: Span, taken_for: str, evidence: str, raw: str | None = None) -> None:
        if self.refuse is not None:
            self.refuse(span)
        raw = self.form.spelled(span.start, min(span.end, span.start + RAW)) if raw is None else raw
        raw = raw if len(raw) <= RAW else raw[: RAW // 2] + "\u2026" + raw[-RAW // 2 :]
        index = len(self.messages)
        found = Diagnostic(self.recovery.codes[name], span, self.form.unit, index, raw, taken_for, evidence)
        self.diagnostics.append(found)
        self.events.append(found)
