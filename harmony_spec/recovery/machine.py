"""The state machine of recovery: between messages, in a header, or in a content.

The recovering parser and the streaming parser, strict or not, run on it. It reads one special token at a time; the
grammar determines whether a token begins a message, belongs to a header, opens a content, or closes a message.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import codes
from ..errors import Span
from ..format.tables import Format, continues, ends_open, unfinished
from ..parsing.strict_parsing import keep_opening
from ..source.forms import REPLACEMENT, Form, TextForm
from .draft import Draft
from .header_automaton import automaton_of
from .header_reading import HeaderReading
from .header_text import HeaderText, prose_patterns
from .headers import Headers
from .known_names import KnownNames
from .output import Output
from .recovered import BETWEEN, CONTENT, HEADER


class Machine:
    """Reads one input. The arguments are those of `recover`, with `tools` as `offered` returns them.

    Args:
        refuse: called at each mistake before it is reported; a strict parser raises there.
    """

    def __init__(
        self,
        format: Format,
        form: Form,
        start: str,
        given: dict[str, Any],
        tools: list[Any] | None,
        refuse: Callable[[Span], None] | None = None,
        max_repair_cost: int | None = None,
    ) -> None:
        self.format, self.form, self.start = format, form, start
        self.recovery, self.automaton = format.meaning, automaton_of(format)
        self.names = KnownNames(format, tools)
        self.headers = Headers(format, form, self.names, refuse is not None, max_repair_cost)
        path = format.starts[start][0]
        self.continued, self.ends_open = continues(format, start), ends_open(format, start)
        self.output = Output(self.headers, self.continued, given, refuse)
        self.given = tuple(given.items())
        self.limit = form.limit
        self.opening: dict[str, Any] | None = None
        self.shows_prose_early = refuse is None and self.recovery.first_words > 0
        self.at = self.text_begin = 0
        self.is_header = self.may_be_prose = False
        self.free_text = ""  # the field whose text is read; that has no limit
        self.early: Draft | None = None  # its content was opened before the header was complete
        self._open_header(0, lacks_start=False)
        self.prose_patterns = prose_patterns(self.recovery.first_words)
        # Texts that prove no prose. A stream asks for each token of a header; decoding them took a tenth of its time.
        self.unfinished_headers = form.caches.of("begun", False), form.caches.of("begun", True)
        self.handlers: Mapping[str, Callable[[Machine, str, int, int], None]] = format.caches.get("handlers", {})
        if not self.handlers:
            self.handlers = format.caches["handlers"] = self._make_handlers()
        self.draft: Draft | None = None
        self.state = HEADER if self.continued else BETWEEN
        if self.continued and not path.steps[0][0].opens:  # the open header ends with the token that opens the content
            reading = HeaderReading({**format.defaults, **given}, is_clean=True)
            reading.sides = format.sides(reading.values)
            self.draft, self.state = Draft(form, reading, 0, 0, 0, True, False), CONTENT

    @property
    def header_limit(self) -> int:
        """The position where the open header is too long; free text in it does not count."""
        return self.begin + self.limit + self.free_units

    # Reading.

    def _make_handlers(self) -> Mapping[str, Callable[[Machine, str, int, int], None]]:
        cls, recovery, begins = type(self), self.recovery, self.automaton.begins_header
        found = {token: cls._on_inside if token in begins else cls._on_part for token in recovery.inside}
        around = dict.fromkeys(recovery.closes, cls._on_close) | {recovery.begins: cls._on_begin}
        return found | dict.fromkeys(recovery.opens, cls._on_open) | around

    def read_known_header(self, reading: HeaderReading, begin: int, end: int) -> None:
        """Read a cached header, from the special token that begins it to the one that opens its content, inclusive."""
        self.begin, self.lacks_start, self.state, self.at, self.free_text = begin, False, CONTENT, end, ""
        self.draft = Draft(self.form, reading, begin, end - 1, end, True, False)

    def read_whole_content(self, text: str, spelling: str, start: int, end: int) -> None:
        """Read the whole text of the open content, undamaged, and the special token that closes it."""
        draft, self.draft, self.state, self.at = self.draft, None, BETWEEN, end
        assert draft is not None
        draft.text = text
        self.output.finish(draft, start, end, spelling)

    def read_special(self, spelling: str, start: int, end: int) -> None:
        """Read a special token, and the text between it and the one before."""
        self.text_begin = self.at
        if self.at < start:
            self.read_text(start)
        self.handlers.get(spelling, Machine._on_stray)(self, spelling, start, end)
        self.at = end

    def read_text(self, end: int) -> None:
        while self.at < end:
            start, self.at = self.at, end
            if self.state == CONTENT:
                assert self.draft is not None
                add = partial(self.output.read_part, self.draft, self.free_text) if self.free_text else self.draft.add
                add(start, end)
                return
            if self.state == BETWEEN:
                self._open_header(start, lacks_start=True)
            if self.free_text:
                self.free_units += end - start
                return
            self.at = min(end, max(self.header_limit, start))
            if self.begin_prose(start, self.at) is not None:
                continue
            if self.at < end or self.at >= self.header_limit:
                self._end_long_header()

    def begin_prose(self, start: int, end: int) -> Draft | None:
        """Begin an answer without a header, up to the end of the first words that prove it; None if it may be a header.

        Without this, a stream would hold such an answer back until it ends. The decision is made once for each header,
        at the first unit that proves it, so that it does not depend on chunks.

        Args:
            start, end: the text after the beginning of the header; there is no special token in it.
        """
        if not (self.may_be_prose and self.shows_prose_early and self.state == HEADER):
            return None
        # After the token that begins a message, one word of any length may be the name of an author.
        is_begun = self.begin == start
        prose, begun = self.prose_patterns[is_begun], self.unfinished_headers[is_begun]
        key = self.form.slice(start, end)
        if key in begun:
            return None
        if not prose.match(self.form.run(start, end, 0)[0]):
            self.form.caches.remember(begun, key, True, end - start)
            return None
        self.may_be_prose = False
        units = range(start + 1, end + 1)
        at = units[bisect_left(units, True, key=lambda unit: prose.match(self.form.run(start, unit, 0)[0]) is not None)]
        found = prose.match(self.form.run(start, at, 0)[0])
        assert found is not None
        if found["words"] and self.headers.words.introduces(found[0]) and not self.headers.words.is_prose(found[0]):
            return None  # "assistant to = f" is three words as well
        # The last token may hold more than the text that proves it, and a text and its tokens must be read alike.
        shown = TextForm(self.format, self.form.spelled(self.begin, start) + found[0])
        headers, given = Headers(self.format, shown, self.names, False), self.given if self.begin == 0 else ()
        read = partial(headers.read, 0, len(shown.units), lacks_start=self.lacks_start, given=given)
        recipient = self.recovery.slots.recipient
        text = read(opener=None)
        if text.values.get(recipient) or not (text.lacks_channel and text.text):
            return None
        if read(opener=self.recovery.opens[0]).values.get(recipient):
            return None
        self.at = at
        draft = self._begin_content_in_header(text, at)
        draft.shown_early = True
        return draft

    def close(self, end: int) -> None:
        """Read the end of the input."""
        self.read_text(end)
        output, draft = self.output, self.draft
        if draft and self.ends_open and draft.content == end and self.headers.opening(draft.begin, end) is not None:
            self.begin, self.draft, self.state = draft.begin, None, BETWEEN
            self._end_unfinished_header(draft.reading, end)
        elif self.state == HEADER:
            self._end_header(None, end, end)
        if self.state == CONTENT:
            self._end_without_token(end)
        output.resolve_pending(None)
        nothing = self.continued and not output.messages and not output.diagnostics
        if nothing or (self.ends_open and self.opening is None):
            what = "an open header" if self.ends_open else "a message"
            output.report(codes.MISSING_MESSAGE, Span(end, end), f"a {self.start} ends with {what}")
        self.state = BETWEEN
        output.gaps.sort()

    # Special tokens by their meaning in the grammar.

    def _on_begin(self, spelling: str, start: int, end: int) -> None:
        if self.draft is not None and self.draft.begin == start:  # only the prompt has it: its header begins again
            self.draft, self.state = None, HEADER
        if self.state == HEADER:
            self._end_header(spelling, start, start)
        if self.state == CONTENT:
            self._end_unterminated(start, "the next message begins")
        self._open_header(start, lacks_start=False)
        self.has_only_text = False

    def _on_part(self, spelling: str, start: int, end: int) -> None:
        """Read a token that begins no other header, since neither an author nor a channel comes next."""
        draft, free, completes = self.draft, self.recovery.free_texts.get(spelling, ""), self.automaton.completes
        if draft is not None and (draft.runs or draft.started or draft.reading.values.get(free)):
            self._on_stray(spelling, start, end)
            self.free_text = free if spelling in self.automaton.continues else ""
        else:
            self._on_inside(spelling, start, end)
            self.early = draft if draft and draft.begin == self.begin and spelling not in completes else self.early

    def _on_inside(self, spelling: str, start: int, end: int) -> None:
        draft = self.draft
        if draft is not None and (draft.runs or draft.started):
            self._end_unterminated(start, "another header begins")
        elif draft is not None:  # the content was opened before the header was complete
            self._reopen_header(draft)
        if self.state == BETWEEN:
            self._open_header(start, lacks_start=True)
        elif self.lacks_start and self.has_only_text and self._is_text(start):
            self.output.report_gap(codes.TEXT_BETWEEN_MESSAGES, self.begin, start)
            self._open_header(start, lacks_start=True)
        elif spelling in self.recovery.leads.get(self.recovery.slots.channel, ()):
            self._end_text(start)
        self._extend(end)
        is_read = self.state == HEADER and self.begin <= start
        self.free_text = self.recovery.free_texts.get(spelling, "") if is_read else ""

    def _is_text(self, end: int) -> bool:
        """Whether the text before a token of a header is not a part of that: read so, it has mistakes other than white
        space, or costs more than a text. The channel of a call may still come."""
        text, automaton, words = self._evidence(end, opener=None), self.automaton, self.headers.words
        if text.text_start is None:
            return False
        if self.recovery.separator in words.tools.bare(text.mixed.strip()):
            return False  # an answer may be only the name of a tool, but none goes on with a channel
        reading, costs = self._evidence(end, self.recovery.opens[0]), self.recovery.costs
        is_call = reading.values.get(self.recovery.slots.recipient) not in (None, *self.recovery.roles)
        begins = automaton.misspelt_start.match(text.mixed) or (is_call and automaton.model_calls.search(text.mixed))
        if begins and not words.is_prose(text.mixed):
            return False
        is_wrong = any(finding.code is not codes.MISPLACED_PART for finding in reading.findings)
        return is_wrong or reading.cost > costs["text"] + costs["no_channel"]

    def _end_text(self, start: int) -> None:
        """End text in place of a header: a message of its own, or after a stop token a gap.

        The text since the last special token is checked first, so that each part of a long header is checked once. A
        header that has a recipient or that a rule describes stays one, and is not checked again.
        """
        first = self.form.spelled(0, start) if self.given and self.text_begin == 0 else ""
        is_word = self.headers.words.is_other_word(first)  # a header that goes on has a space or a token there
        if self.is_header or self.free_text or not (is_word or self.headers.is_prose(self.text_begin, start)):
            return
        reading, openers, given = self._evidence(start, opener=None), self.recovery.opens, dict(self.given)
        self.is_header = (
            not (is_word or self.headers.words.is_prose(reading.text))
            or any(self.headers.described(reading.mixed, given, opener) for opener in openers)
            or self._evidence(start, openers[0]).values.get(self.recovery.slots.recipient) is not None
        )
        if self.is_header:
            return
        if self.lacks_start and self.has_only_text:
            self.output.report_gap(codes.TEXT_BETWEEN_MESSAGES, self.begin, start)
        else:
            self._begin_content_in_header(self._read_header(start, opener=None), start)
            self._end_unterminated(start, "another header begins")
        self._open_header(start, lacks_start=True)

    def _on_open(self, spelling: str, start: int, end: int) -> None:
        draft, sets = self.draft, self.automaton.opener_sets.get(spelling, ())
        if draft is not None and (draft.shown_early or draft.is_of_another(sets, self.automaton.author)):
            self._end_unterminated(start, "another header begins")
        elif self.state == CONTENT and not self._goes_on(spelling, start):
            self._on_stray(spelling, start, end)
            return
        if self.state == BETWEEN:
            if self._takes_up_header(start, end):
                return
            self._open_header(start, lacks_start=True)
        elif self.has_only_text and self.begin < start:
            first = self.form.run(self.begin, start, 0)[0].split(None, 1)[:1]
            may_differ = "joined" if self.headers.is_prose(self.begin, start) else "near"  # `comments please look`
            if not any(self.headers.words.is_named(word, may_differ) for word in first):
                self._end_text(start)
        reading = self._continue_header(self._read_header(start, spelling), start, spelling)
        draft = self.draft = Draft(self.form, reading, self.begin, start, end, True, self.lacks_start)
        self.state, self.early, self.free_text = CONTENT, None, ""
        if self.output.refuse is not None and not reading.is_clean:
            self.output.begin(draft)  # strict streams refuse a header at the token that opens its content

    def _continue_header(self, reading: HeaderReading, end: int, opener: str) -> HeaderReading:
        """Read a header without its author as the rest of a call that it abandons (gpt-oss in training, as a name)."""
        before = self.output.pending
        is_rest = any(finding.code is codes.CHANNEL_AS_ROLE for finding in reading.findings)
        if before is None or before.end != self.begin or before.terminator is not None or not is_rest:
            return reading
        whole = self.headers.read(before.begin, end, opener, before.lacks_start, self.given)
        if whole.values.get(self.recovery.slots.recipient) is None:
            return reading
        self.begin, self.lacks_start, self.output.pending = before.begin, before.lacks_start, None
        return whole

    def _takes_up_header(self, start: int, end: int) -> bool:
        """Whether the content is that of the header before, which a stop token has ended too early."""
        draft = self.output.pending
        if draft is None or not draft.abandoned or draft.end != start or draft.terminator is None:
            return False
        draft.abandoned, draft.content, draft.opened, draft.runs = False, end, True, []
        self.output.pending, self.draft, self.state = None, draft, CONTENT
        code, evidence = self.output.describe_stray(draft.terminator)
        self.output.report(code, Span(draft.stop, draft.end), evidence, draft=draft)
        return True

    def _goes_on(self, spelling: str, start: int) -> bool:
        """Whether another token opens the content, directly after one that may open it; opens the header again."""
        draft = self.draft
        if draft is None or draft.runs or draft.started or start >= self.header_limit:
            return False
        if spelling not in self.automaton.continues:
            return False
        self._reopen_header(draft)
        self.has_only_text = False
        return True

    def _reopen_header(self, draft: Draft) -> None:
        self.state, self.begin, self.lacks_start, self.draft = HEADER, draft.begin, draft.lacks_start, None
        self.free_units, self.free_text = draft.reading.free_units, ""

    def _on_close(self, spelling: str, start: int, end: int) -> None:
        if self.state == HEADER and self._end_header(spelling, start, end):
            return
        if self.state == CONTENT:
            self._finish(start, end, spelling)
        else:
            self.output.add_repeated_terminator(spelling, start, end)

    def _on_stray(self, spelling: str, start: int, end: int) -> None:
        """Read a special token that cannot be here, or a token that is not in the vocabulary."""
        if self.state == HEADER:
            self._extend(end)
            return
        self.free_text = ""
        code, evidence = self.output.describe_stray(spelling)
        if self.draft is not None:
            self.output.begin(self.draft)
            self.output.report(code, Span(start, end), evidence, draft=self.draft)
        else:
            self.output.report_gap(code, start, end, evidence)

    # Headers.

    def _open_header(self, begin: int, lacks_start: bool) -> None:
        self.state, self.lacks_start, self.may_be_prose = HEADER, lacks_start, not lacks_start
        self.begin = self.text_begin = begin
        self.has_only_text, self.is_header, self.free_text, self.free_units, self.early = True, False, "", 0, None

    def _extend(self, end: int) -> None:
        self.has_only_text, self.may_be_prose, self.free_text = False, False, ""
        if end >= self.header_limit:
            self.at = end
            self._end_long_header()

    def _read_header(self, end: int, opener: str | None) -> HeaderReading:
        return self.headers.read(self.begin, end, opener, self.lacks_start, self.given)

    def _evidence(self, end: int, opener: str | None) -> HeaderReading:
        """What the text of the header shows of where it ends."""
        return self.headers.read(self.begin, end, opener, self.lacks_start, self.given, is_limited=False)

    def _end_long_header(self) -> None:
        """End a header at the limit: the content of a message without its opening token, or a gap."""
        at, output = self.at, self.output
        if self._goes_back(at):
            return
        reading = self._read_header(at, opener=None)
        evidence = f"headers are shorter than {self.limit} {self.form.unit}s"
        if reading.text_start is None:
            output.report_gap(codes.HEADER_TOO_LONG, self.begin, at, evidence)
            self._open_header(at, lacks_start=True)
            return
        output.report(codes.HEADER_TOO_LONG, Span(self.begin, at), evidence)
        output.begin(self._begin_content_in_header(reading, at))

    def _begin_content_in_header(self, reading: HeaderReading, end: int) -> Draft:
        """Begin a content at the text in a header that no token ended."""
        draft, before = Draft.unopened(self.form, reading, self.begin, end, self.lacks_start), self.output.pending
        if before is not None and before.abandoned and before.end == draft.begin and draft.headerless:
            self.output.pending = None  # a stop token instead of the one that opens the content
            before.abandoned, before.content, before.runs, draft = False, draft.content, draft.runs, before
        self.draft, self.state = draft, CONTENT
        return draft

    def _goes_back(self, end: int) -> bool:
        """Whether the content began where a token opened it, since no other token did; reads it again up to a place."""
        draft, self.early = self.early, None
        if draft is None:
            return False
        self.draft, self.state, pieces = draft, CONTENT, [*self.form.pieces(draft.content, end)]
        draft.runs = [(start, stop, 0) for spelling, _, start, stop in pieces if spelling is None]
        for spelling, _, start, stop in pieces:
            if spelling is not None:
                self._on_stray(spelling, start, stop)
        return True

    def _end_header(self, by: str | None, start: int, end: int) -> bool:
        """End a header whose content was not opened: at the next start or stop token, or at the end (`by` is None).

        Returns whether that token is read; if not, it ends a content that began in the header, or comes after a gap.
        """
        if self._goes_back(start):
            return False
        closed = by in self.recovery.closes
        # A repair that costs too much is for a whole header, not for the beginning of one.
        reading = self._read_header(start, opener=None) if closed else self._evidence(start, opener=None)
        text = reading.text.strip()
        if by is None and text and reading.mixed == self.format.markers[self.recovery.begins] + text:
            text = "" if any(role.startswith(text) for role in self.recovery.roles) else text  # the input ends there
        has_channel = reading.values.get(self.recovery.slots.channel) is not None
        was_opened = self.automaton.opened.search(reading.mixed) is not None
        between = self.lacks_start and not (has_channel or was_opened) and not (text and (closed or by is None))
        goes_on = bool(text) or (was_opened and not closed)
        self.state, self.free_text = BETWEEN, ""
        if self.begin == start and by is None:
            return True
        if by is None and self.ends_open and self.headers.opening(self.begin, end) is not None:
            self._end_unfinished_header(reading, end)
            return True
        if self.output.refuse is not None:
            self.output.refuse(Span(self.begin, end))
        if between:
            self.output.report_gap(codes.TEXT_BETWEEN_MESSAGES, self.begin, start)
        elif goes_on:
            self._begin_content_in_header(reading, start)
        elif by is None:
            self._end_unfinished_header(reading, end)
        else:
            self._abandon_header(reading, by, start, end)
        return not (between or goes_on)

    def _end_unfinished_header(self, reading: HeaderReading, end: int) -> None:
        """End the input inside a header: the open header of a prompt, or a gap."""
        output = self.output
        if not self.ends_open:
            output.report_gap(codes.UNFINISHED_HEADER, self.begin, end)
            return
        output.resolve_pending(str(reading.values[self.recovery.slots.role]))
        opening = self.headers.opening(self.begin, end)
        fields = self.format.open_frame.fields if self.format.open_frame else ()
        self.opening = {name: reading.values.get(name) for name in fields} if opening is None else opening
        output.bounds.append((self.begin, end, end, end))
        output.messages = keep_opening(output.messages, self.form, self.begin, end)
        if opening is None or reading.has_strays:
            evidence = "the open header has more than its author"
            output.report(codes.UNFINISHED_HEADER, Span(self.begin, end), evidence, "an open header")
        header = HeaderText(self.form, self.form.pieces(self.begin, end))
        if header.damaged is not None:
            place = header.span(header.damaged, header.damaged + 1)
            output.report(codes.INVALID_TEXT, place, "not valid UTF-8", REPLACEMENT)

    def _abandon_header(self, reading: HeaderReading, by: str, start: int, end: int) -> None:
        """End a header without a content: a gap if another message follows, else an empty message."""
        closed = by in self.recovery.closes
        if set(reading.mixed) <= {self.format.markers[self.recovery.begins]}:
            if end > self.begin:
                self.output.report_gap(codes.ABANDONED_HEADER if closed else codes.REPEATED_START, self.begin, end)
            elif not closed:
                self.output.report(codes.REPEATED_START, Span(start, start), "the prompt already began the message")
                self.output.restarted = start
            return
        self.output.resolve_pending(str(reading.values[self.recovery.slots.role]))
        draft = Draft.unopened(self.form, reading, self.begin, start, self.lacks_start)
        draft.abandoned, draft.stop, draft.end = True, start, end
        draft.terminator = by if closed else None
        self.output.pending = draft

    # The end of a message.

    def _end_unterminated(self, at: int, evidence: str) -> None:
        assert self.draft is not None
        self.output.begin(self.draft)
        expected = self.output.terminators(self.draft)
        self.output.report(codes.MISSING_TERMINATOR, Span(at, at), evidence, draft=self.draft, expected=expected)
        self._finish(at, at, None)

    def _end_without_token(self, end: int) -> None:
        """End the last message of the input; in a completion it may lack its stop token."""
        assert self.draft is not None
        self.output.begin(self.draft)
        allowed = unfinished(self.format, self.start, first=not self.output.messages and not self.output.pending)
        if allowed is None:
            self._end_unterminated(end, "the input ends")
        else:
            reading = self.draft.reading
            self.draft.reading = replace(reading, variants=(*reading.variants, allowed))
            self._finish(end, end, None)

    def _finish(self, stop: int, end: int, terminator: str | None) -> None:
        draft, self.draft, self.state, self.free_text = self.draft, None, BETWEEN, ""
        assert draft is not None
        self.output.finish(draft, stop, end, terminator)
