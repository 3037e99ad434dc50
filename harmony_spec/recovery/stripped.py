"""Output whose special tokens a detokenizer removed, as in `assistantfinalHello!` (textgen#7374).

Where its headers are is a guess, made only on request (`stripped=True`). A header is a path through the automaton of
headers on which special tokens are free and names are known. One special token may be left over, or those after the
first messages of a completion. A text about a header spells it, too. So the texts around a header must show that it is
one: a message ends before it, and after the header of a call there are only its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unicodedata import category

from .. import codes
from ..errors import Span
from ..format.contents import Record
from .draft import Draft
from .header_reading import HeaderReading
from .header_text import SPACED_ARGUMENTS, HeaderText, arguments_end
from .headers import Headers
from .recovered import BETWEEN
from .stripped_headers import ANY_SPACE, LINE_END, StrippedHeader, StrippedHeaders

if TYPE_CHECKING:
    from .machine import Machine

MAX_OPEN_ARGUMENTS, MAX_SHORT_ARGUMENTS = 4, 1024
"""The end of arguments, or of a structure, is looked for in the whole rest of the text, until so many had none, then in
so many characters: else the time for a text of headers and open brackets would be quadratic."""

MAX_STRUCTURE_ENDS = 16
"""So many roles are tried as the end of a structured content, which bounds the time."""

GOES_ON = re.compile(r"\s*[a-z]")
"""After a first header without its author, this shows a sentence: `final answers come last`."""

MAX_SIGNS_CHARS = 64
"""So much of the text before a header is looked at: signs and white space, and what they come after."""

SENTENCE_ENDS = re.compile(r"(?<!\d)[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\xbb)\]}*`]*\s+\Z")
"""White space comes before a header after this, unlike in `1. ` and `$ echo `."""

SPOKEN_OF = re.compile(r"[ \t]+[a-z]")
"""After white space, a header before this is spoken of: `the header assistant to=functions.f is wrong`."""

BEGINS = re.compile(r"(?![a-z\s.,;:!?)\]}'\"`=_-])")
"""What may come after a role without a channel: the beginning of a text."""

BEGINS_SENTENCE = re.compile(r"#{1,6} |\*{0,3}(?![a-z])[^\W\d_]")
"""After a header that touches it, this shows an answer or thoughts wherever the text before it ended."""

SENTENCE_GOES_ON = re.compile(r"[.,;!?)]|</")
"""After a header, this shows a sentence about it: no content begins so."""

OPENING_SIGNS, QUOTES = ("Ps", "Pc", "Pd"), ("Pi", "Pf")
"""Categories of Unicode: brackets that open, `_` and hyphens; quotes, which open on one side of a word or the other."""

JOINS = ("/", "\\", "<", "@", "=", "&")
"""Like brackets, these before a header make it a part of a text: of a path, a tag, a name or an assignment."""

MARKUP = ("'", '"', "`", "*", "~", ">", "#", "$", "^", "+")
"""So do these if they open: those that close touch a word, and a header may come directly after them."""

OPENS_MARKUP = re.compile(r"(?:\A|[\s:,=\\(\[{<])(\W)\1*\Z")

BEGINS_CODE = re.compile(r"[\w#%@(\[{]")
"""Where JSON is not the content type, nothing else shows arguments: `codeprint(1)`, but not `code: a word`."""

FENCE = r"(?P<fence>`{3,8}+|~{3,8}+)(?=[^\n`~]*\n)"
"""The beginning of a block of code, which has no header. It ends at a fence that is as long, perhaps indented: few
lengths bound the time."""

WORD_GOES_ON = re.compile(r"(?:['\u2019]?s\b)?[\"'`*_~\u2019\u201d\xbb]*(?:[\s.,;!?)\]}_]|</|\Z)")
"""After a role in small letters, this shows a word: `the superuser is`, `superusers`, `"user"`."""

CUT_ARGUMENTS = re.compile(r'(?s:[\s{}\[\]:,]|"(?:[^"\\]|\\.)*+(?:"|\Z)|-?\d[\d.eE+-]*|true|false|null)*+')
"""Arguments that do not end, up to where the text is not JSON."""

LABELLED = re.compile(r":[ \t]*")
"""After an author or a channel: `analysis: we look` (gpt-oss-120b on Workers AI)."""


def read_stripped(machine: Machine) -> bool:
    """Read an input that has headers, and at most one special token; return whether it was read to its end.

    Of a completion with more tokens, the messages up to its first stop token may have lost theirs alone, since a filter
    removed what looked like reasoning: the tokens of the first header, but none of the others.
    """
    format, form, output, start = machine.format, machine.form, machine.output, machine.start
    recovery, continued, given = machine.recovery, machine.continued, dict(machine.given)
    opening, end_of_part = None, len(form.units)
    open_fields = format.open_frame.fields if machine.ends_open and format.open_frame else ()
    pieces = list(form.pieces(0, len(form.units)))
    left = [(spelling, start, end) for spelling, _, start, end in pieces if spelling is not None]
    token, first, last = left[0] if left else (None, 0, 0)
    is_begun = token in recovery.closes and [each[:2] for each in left[1:]] == [(recovery.begins, last)]
    if is_begun:
        last = left[1][2]  # with the token that begins the next message
    elif left[1:]:
        if not (continued and token in recovery.closes):
            return False
        end_of_part, pieces = last, [piece for piece in pieces if piece[3] <= first]
    text = HeaderText(form, (piece for piece in pieces if piece[0] is None))
    if not text.mixed:
        return False
    place = sum(len(part) for _, part, start, _ in pieces if left and start < first)
    begin, stripped = 0, StrippedText(machine.headers, text.mixed, continued, place, token)
    if is_begun and not stripped.shows_left_author():
        return False
    read = stripped.read()
    if left[1:] and not is_begun:
        found = [*read]
        if found and found[-1][0].end == len(text.mixed):
            return False  # the stop token is there in place of the one that opens the content
        read = iter(found)
    for header, content, is_closed, follows in read:
        after = end_of_part if follows is None else text.span(follows, follows).start
        stop, end = (first, last) if is_closed else (after, after)
        opens = min(text.span(header.end, header.end).start, stop) if header.end < len(text.mixed) else stop
        values = {**format.defaults, **recovery.author, **given, **header.values}
        reading = HeaderReading(values, is_clean=True, sides=format.sides(values))
        draft = Draft(form, reading, begin, opens, opens, True, False)
        draft.text, draft.guessed, named = content, True, {recovery.slots.role, *header.values}
        draft.repaired = tuple(name for name in format.header_fields if name in named)
        is_last = output.messages and first < begin and header.start < header.end == len(text.mixed)
        if continued and is_last:  # the input ends in it
            output.report_gap(codes.UNFINISHED_HEADER, begin, end)
            break
        is_open = follows is None and not is_closed and not content.strip() and named <= {*open_fields}
        taken = " ".join(str(values[name]) for name in draft.repaired if values[name])
        raw = text.mixed[header.start : header.end]
        evidence = "a header without its special tokens" if raw.strip() else "text without a header"
        output.report(codes.STRIPPED_TOKENS, Span(begin, opens), evidence, taken, draft, raw)
        if is_open and output.author(draft) == recovery.author[recovery.slots.role]:
            opening = {name: values[name] for name in open_fields}
            output.bounds.append((begin, end, end, end))
            break
        if begin >= last and output.ends_completion(token):
            output.stopped = token
        output.read_text(draft, [(at, to, 0) for spelling, _, at, to in form.pieces(opens, stop) if spelling is None])
        output.finish(draft, stop, end, None)
        if end < after:
            output.gaps.append(Span(end, after))
            if between := form.spelled(end, after).strip():
                output.report(codes.TEXT_BETWEEN_MESSAGES, Span(end, after), "no header begins it", raw=between)
        begin = after
    if not (output.messages or opening):
        return False
    if open_fields and opening is None:
        output.report(codes.MISSING_MESSAGE, Span(begin, begin), f"a {start} ends with an open header")
    machine.opening, machine.at, machine.state = opening, end_of_part, BETWEEN
    if end_of_part < len(form.units) and output.ends_completion(token):
        output.stopped = token
    return end_of_part == len(form.units)


class StrippedText:
    """A text, and the headers in it.

    Args:
        continued: it continues an open header, so that roles other than the model's are rare.
        left: where the special token that is left over was; no name goes on there.
        token: that token; None if there is none.
    """

    def __init__(self, headers: Headers, text: str, continued: bool, left: int, token: str | None) -> None:
        self.headers, self.recovery, self.slots = (
            StrippedHeaders(headers, text, left),
            headers.recovery,
            headers.recovery.slots,
        )
        self.left, self.closes = left, token in self.recovery.closes
        self.may_begin = left > 0 and token not in self.recovery.opens
        self.format, self.contents = headers.format, headers.format.contents
        self.begins_again = len(text) - len(text[left:].lstrip())
        self.arguments: dict[int, int | None] = {}
        self.open_arguments, self.open_blocks = 0, set[str]()
        self.shown: dict[tuple[int, int], bool] = {}
        self.text, self.continued = text, continued
        self.begins = re.compile(rf"{self.headers.begins}|{FENCE}")

    def read(self) -> Iterator[tuple[StrippedHeader, str, bool, int | None]]:
        """The headers with their contents, whether the left token ends those, and where the next header begins.

        Nothing if no header is certain.
        """
        role, channel = self.slots.role, self.slots.channel
        first = self.headers.begun(0)
        after = self._next(first)
        is_sentence = GOES_ON.match(self.text, first.end) and not (
            {role, self.slots.recipient} & {*first.values} or after
        )
        # A transcript begins with an author: before a header that is certain, a text in small letters may touch it.
        authored = role in first.values and not self.continued and after is not None and self._is_certain(after)
        is_other = self.continued and role in first.values  # `userName is required`
        begins = first.values and not is_other and BEGINS.match(self.text, first.end)
        if is_sentence or not (self._is_certain(first) or begins or authored):
            first = StrippedHeader(0, 0, {})
            after = self._next(first)
            if after is None or not self._is_certain(after):
                return
            if channel:
                first.values[channel] = self.recovery.thoughts
        header = first
        while True:
            end = after.start if after else len(self.text)
            has_left = after is not None and self.may_begin and after.start == self.begins_again
            # A token directly after the header is there in place of the one that opens the content.
            is_closed = self.closes and self.left <= end and (header.end < self.left or has_left)
            label = LABELLED.match(self.text, header.end)
            if label and header.values and self.slots.recipient not in header.values:
                header = header._replace(end=min(label.end(), end))
            content = self.text[header.end : self.left if is_closed else end]
            rest = self.text[self.left :].lstrip() if after is None and is_closed else ""
            yield header, content, is_closed, after.start if after else self.left if rest else None
            if rest:
                values = {channel: self.recovery.answers} if channel else {}
                yield StrippedHeader(self.left, len(self.text) - len(rest), values), rest, False, None
            if after is None:
                return
            # The content may have declared names.
            header = self.headers.begun(after.start) if has_left else self._following(after.start)
            after = self._next(header)

    def shows_left_author(self) -> bool:
        """Whether the text directly after the token that is left over begins with a header, or with no role."""
        header = self.headers.begun(self.begins_again)
        return self.slots.role not in header.values or self._is_shown(header)

    def _next(self, header: StrippedHeader) -> StrippedHeader | None:
        """The header after the content of one: one that the text shows, or before it one that the messages need."""
        after = self._next_shown(header)
        return (after and self._between(header, after)) or self._after_space(header, after) or after

    def _after_space(self, header: StrippedHeader, after: StrippedHeader | None) -> StrippedHeader | None:
        """The only header after white space in what another author wrote, or in thoughts without an answer.

        A thinking budget ends thoughts anywhere: `the products: assistantfinalHere is the answer.` (vLLM).
        """
        role, channel, author = self.slots.role, self.slots.channel, self.recovery.author[self.slots.role]
        is_open = not (after or self._is_call(header) or header.values.get(channel) == self.recovery.answers)
        if not is_open and header.values.get(role, author) == author:
            return None
        places = self._places(header.end, after.start if after else len(self.text))
        found = [self.headers.best(match.start()) for match, _, in_block in places if not in_block]
        found = [
            each
            for each in found
            if each.values.keys() == {role, channel}
            and each.values[role] == author
            and len(self.text[each.start - 1 : each.end].split(None, 1)) == 1
            and self.text[each.start - 1].isspace()
            and BEGINS_SENTENCE.match(self.text, each.end)
        ]
        return found[0] if len(found) == 1 else None

    def _between(self, header: StrippedHeader, after: StrippedHeader) -> StrippedHeader | None:
        """The only header between two whose messages cannot follow each other: `It is 4.userthanksassistantfinalHi.`"""
        kinds, before, last = self.format.kinds, self._kind_of(header), self._kind_of(after)
        if self.continued or not (before and last) or last in kinds[before].then:
            return None
        made, found = self.contents.class_for(header.values), []
        if made and self._is_structure(made, header.end, after.start):
            return None
        for match, at, _ in self._places(header.end, after.start):
            between, sign = self.headers.best(match.start()), self.text[match.start() - 1]
            kind = self._kind_of(between) if between.values else ""
            fits = kind in kinds[before].then and last in kinds[kind].then and not self._is_certain(between)
            is_line = sign == "\n" and LINE_END.match(self.text, between.end)
            goes_on = not is_line and WORD_GOES_ON.match(self.text, between.end, after.start)
            if fits and sign not in " \t" and not goes_on and (sign.isalnum() or self._is_boundary(at, between)):
                found.append(between)
        if made:
            found = [each for each in found[:MAX_STRUCTURE_ENDS] if self._reads(made, header.end, each.start)]
        return found[0] if len(found) == 1 else None

    def _places(self, at: int, end: int) -> Iterator[tuple[re.Match[str], int, bool]]:
        """Where a header may begin outside of blocks of code, the end of the last block, and whether one has no end."""
        is_open = False
        for match in self.begins.finditer(self.text, at, end):
            if match.start() < at:
                continue
            if not match["fence"]:
                yield match, at, is_open
            elif (block_end := self._block_end(match["fence"], match.end())) is None:
                is_open = True
            else:
                at = block_end

    def _kind_of(self, header: StrippedHeader) -> str:
        values = {**self.format.defaults, **self.recovery.author, **header.values}
        return self.format.kind_of(SimpleNamespace(**values))

    def _next_shown(self, header: StrippedHeader) -> StrippedHeader | None:
        """The next header that the text around it shows. In a completion, the text of an answer is the last one."""
        at = header.end
        left = self.headers.begun(self.begins_again) if self.may_begin and at <= self.left else None
        is_sentence = left and self.slots.role not in left.values and GOES_ON.match(self.text, left.end)
        left = left if left and self._is_shown(left) and not is_sentence else None
        if self.continued and header.values.get(self.slots.channel, "") == self.recovery.answers:
            return left
        end = self._arguments_end(at)
        if end is not None and self._is_call(header) and not (left and end >= left.start):
            space = ANY_SPACE.match(self.text, end)
            after = self._following(space.end() if space else end)
            if self._is_shown(after, is_after_arguments=True):
                return after
        inside = list[StrippedHeader]()
        made = None if self.continued else self.contents.class_for(header.values)
        structure_end = self._structure_end(made, header.end) if made else None
        for match, begun, is_open in self._places(end or at, left.start if left else len(self.text)):
            start = match.start()
            if len(inside) >= MAX_STRUCTURE_ENDS and start != structure_end:
                if start > (structure_end or 0):
                    break
                continue
            if match["answer"]:
                called = header.values[self.slots.recipient] if self._is_call(header) else None
                start -= len(self.headers.tool_before(at, start, called))
            found = self.headers.best(start)
            is_next = bool(found.values) and self._is_boundary(begun, found) and self._is_shown(found)
            is_next = is_next and not (is_open and self._is_call(found))
            ends = start == structure_end and bool(found.values) and not self._is_call(found)
            if ends or (is_next and (made is None or self._reads(made, header.end, start))):
                return found
            inside += [found] * is_next  # a role may begin a name in a structure: `userId: string`
        return inside[0] if inside else left

    def _structure_end(self, made: type[Record], at: int) -> int | None:
        """Where a structure ends that nothing can follow, before a role: `} // namespace functionsuserHi`."""
        is_short = self.open_arguments >= MAX_OPEN_ARGUMENTS
        limit, skipped = (at + MAX_SHORT_ARGUMENTS, at) if is_short else (len(self.text), 0)
        text = self.text[at:limit] if is_short else self.text
        wrong = max(at, skipped + self.contents.read(made, text, at - skipped)[1].furthest)
        for match in islice(self.begins.finditer(self.text, wrong, limit), MAX_STRUCTURE_ENDS):
            if self._is_structure(made, at, match.start()):
                return match.start()
        self.open_arguments += 1
        return None

    def _is_structure(self, made: type[Record], start: int, end: int) -> bool:
        """Whether a content is a structure that no text can follow."""
        return self._reads(made, start, end) and not self._reads(made, start, end + 1)

    def _reads(self, made: type[Record], start: int, end: int) -> bool:
        return self.contents.read(made, self.text[start:end])[1].at == end - start

    def _block_end(self, fence: str, at: int) -> int | None:
        """Where a block of code ends; None if it has no end. No call is in one without an end."""
        end = None if fence in self.open_blocks else re.compile(rf"\n[ \t]*{fence}").search(self.text, at)
        if end is None:
            self.open_blocks.add(fence)
        return end and end.end()

    def _arguments_end(self, at: int) -> int | None:
        """Where the arguments that a content begins with end: no header is inside of those."""
        if at not in self.arguments and SPACED_ARGUMENTS.match(self.text, at):
            is_short = self.open_arguments >= MAX_OPEN_ARGUMENTS
            limit = at + MAX_SHORT_ARGUMENTS if is_short else len(self.text)
            self.arguments[at] = arguments_end(self.text, at, limit)
            self.open_arguments += self.arguments[at] is None
        return self.arguments.get(at)

    def _is_call(self, header: StrippedHeader) -> bool:
        others = (None, *self.recovery.recipients, *self.recovery.roles)
        is_result = header.values.get(self.slots.role) == self.recovery.tool
        return not is_result and header.values.get(self.slots.recipient) not in others

    def _is_boundary(self, at: int, header: StrippedHeader) -> bool:
        """Whether the content that begins at a place may end where a header begins."""
        start = max(at, header.start - MAX_SIGNS_CHARS)
        before, after = self.text[start : header.start], self.text[header.end : header.end + 1]
        if not before.strip():
            return start == at
        sign, kind = before[-1], category(before[-1])
        if sign.isspace():
            is_line = sign == "\n" and not self._is_call(header)
            is_spoken_of = SPOKEN_OF.match(self.text, header.end)
            return not is_spoken_of and (is_line or SENTENCE_ENDS.search(before) is not None)
        if sign.isalnum():
            authors = (self.recovery.author[self.slots.role], self.recovery.tool)
            return header.values.get(self.slots.role) in authors and self._has_reader(header)
        if kind in OPENING_SIGNS or sign in JOINS:
            return False
        is_pair = bool(after) and {kind, category(after)} <= {*QUOTES}
        opens = OPENS_MARKUP.search(before) is not None
        return not ((opens and (sign in MARKUP or is_pair)) or (kind == "Pi" and (opens or is_pair)))

    def _following(self, at: int) -> StrippedHeader:
        """The header after the arguments of a call. A channel that touches them may be in place of its author.

        Models go on so after the token that ends a call: `{"a": 1}commentaryanalysisNo results.`
        """
        header, is_apart = self.headers.best(at), self.text[at - 1 : at].isspace()
        channel = max(
            (name for name in self.headers.names.channels if self.text.startswith(name, at)), key=len, default=""
        )
        if header.values or is_apart or not channel:
            return header
        rest = self.headers.best(at + len(channel), self.headers.automaton.after_author)
        is_begun = BEGINS.match(self.text, rest.end)
        return StrippedHeader(at, rest.end, {self.slots.channel: channel, **rest.values}) if is_begun else header

    def _is_shown(self, header: StrippedHeader, is_after_arguments: bool = False) -> bool:
        """Whether the text after a header shows it: a content, and in a call arguments up to the end or a header.

        After arguments, the input may end in a header.
        """
        headers = []
        while (is_shown := self.shown.get((header.start, header.end))) is None:
            headers.append((header.start, header.end))
            is_cut = is_after_arguments and header.end == len(self.text)
            begins = header.values and (is_cut or (not self.continued and BEGINS.match(self.text, header.end)))
            after = self.text[header.end : header.end + 1]
            goes_on = SENTENCE_GOES_ON.match(self.text, header.end) or (after and category(after) == "Pe")
            is_shown = bool((self._is_certain(header) or begins) and not goes_on)
            if not (is_shown and self._is_call(header)) or header.end == self.left:
                break
            if not SPACED_ARGUMENTS.match(self.text, header.end):
                is_code = header.values.get(self.slots.content_type) not in (None, self.recovery.json)
                is_shown = is_code and BEGINS_CODE.match(self.text, header.end) is not None
                break
            end = self._arguments_end(header.end)
            space = (CUT_ARGUMENTS if end is None else ANY_SPACE).match(self.text, end or header.end)
            if not space or space.end() == len(self.text) or space.start() <= self.left <= space.end():
                break
            header, is_after_arguments = self._following(space.end()), True
        self.shown |= dict.fromkeys(headers, is_shown)
        return is_shown

    def _has_reader(self, header: StrippedHeader) -> bool:
        """Whether a header has a channel, or calls an offered tool with arguments; without channels, a recipient.

        In `assistant to=functions.grep` before a sentence, nothing is called (opencode#15164).
        """
        recipient = header.values.get(self.slots.recipient)
        is_offered = recipient in (self.headers.names.tools.offered or ())
        has_arguments = is_offered and SPACED_ARGUMENTS.match(self.text, header.end)
        return bool(header.values.get(self.slots.channel or self.slots.recipient) or has_arguments)

    def _is_certain(self, header: StrippedHeader) -> bool:
        """Whether a header has a reader, or the name of a tool."""
        is_sentence = header.values.get(self.slots.recipient) and SENTENCE_GOES_ON.match(self.text, header.end)
        is_named = self.slots.name and header.values.get(self.slots.name)
        return bool(self._has_reader(header) or is_named) and not is_sentence
