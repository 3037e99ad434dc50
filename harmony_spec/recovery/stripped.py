"""Output whose special tokens a detokenizer removed, as in `assistantfinalHello!` (textgen#7374).

Where its headers are is a guess, made only on request (`stripped=True`). A header is a path through the automaton of
headers on which special tokens are free and names are known. One special token may be left over. A text about a header
spells it, too. So the texts around a header must show that it is one: a message ends before it, and after the header of
a call there are only its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from unicodedata import category

from .. import codes
from ..errors import Span
from ..format.contents import Record
from ..format.tables import continues, ends_open
from .draft import Draft
from .header_automaton import State, automaton_of
from .header_names import HeaderNames
from .header_reading import HeaderReading
from .header_text import SPACED_ARGUMENTS, HeaderText, arguments_end
from .headers import Headers
from .output import Output
from .recovered import Recovered

MAX_LEFT_TOKENS = 1
"""An input with more special tokens is read as it is."""

MAX_STRIPPED_CHARS = 256
"""Names in headers without special tokens are shorter. This bounds the time for a text in one word."""

MAX_OPEN_ARGUMENTS, MAX_SHORT_ARGUMENTS = 4, 1024
"""The end of arguments, or of a structure, is looked for in the whole rest of the text, until so many had none, then in
so many characters: else the time for a text of headers and open brackets would be quadratic."""

MAX_STRUCTURE_ENDS = 16
"""So many roles are tried as the end of a structured content, which bounds the time."""

GOES_ON = re.compile(r"\s*[a-z]")
"""After a first header without its author, this shows a sentence: `final answers come last`."""

ANY_SPACE, SPACE_IN_LINE = re.compile(r"\s*"), re.compile(r"[ \t]*")

MAX_SIGNS_CHARS = 64
"""So much of the text before a header is looked at: signs and white space, and what they come after."""

SENTENCE_ENDS = re.compile(r"(?<!\d)[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\xbb)\]}*`]*\s+\Z")
"""White space comes before a header after this, unlike in `1. ` and `$ echo `."""

SPOKEN_OF = re.compile(r"[ \t]+[a-z]")
"""After white space, a header before this is spoken of: `the header assistant to=functions.f is wrong`."""

BEGINS = re.compile(r"(?![a-z\s.,;:!?)\]}'\"`=_-])")
"""What may come after a role without a channel: the beginning of a text."""

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

FENCE = r"(?P<fence>`{3}|~{3})(?=[^\n`~]*\n)"
"""The beginning of a block of code, which has no header."""

CUT_ARGUMENTS = re.compile(r'(?s:[\s{}\[\]:,]|"(?:[^"\\]|\\.)*+(?:"|\Z)|-?\d[\d.eE+-]*|true|false|null)*+')
"""Arguments that do not end, up to where the text is not JSON."""

NAME_GOES_ON = re.compile(r"[a-z_]|[-./:]\w")
"""After the name of an offered tool, this shows another name: with the tool `get`, neither `getting` nor `get.all` is a
call of it."""


AUTHOR_NAME = re.compile(r"\w[\w-]*?(?=(?<=[a-z\d_-])[A-Z]|(?<=[\0-\u02ff])[^\W\0-\u02ff])|\w+(?:-\w+)*")
"""The name of an author ends where a content may begin: before a capital letter that follows a small one
(`user:aliceHi`), before letters of a script other than Latin, and before signs."""

LINE_END = re.compile(r"[ \t]*\r?\n\s*")
"""Between names on lines of their own: `assistant`, and `final` below it."""

TOUCHES, WORD_FOLLOWS = re.compile(r"\w"), re.compile(r"\s*\w")
"""After the name of a content type, in a call and elsewhere: `code is law` and `json parsing failed` are texts."""


class StrippedHeader(NamedTuple):
    """Where a header begins and ends in the text, and the fields that it has."""

    start: int
    end: int
    values: dict[str, Any]


def read_stripped(headers: Headers, start: str, given: Mapping[str, Any]) -> Recovered[Any] | None:
    """Read an input that has headers, and at most one special token; None for any other input."""
    format, form, continued = headers.format, headers.form, continues(headers.format, start)
    output, opening = Output(headers, continued, given, None), None
    open_fields = format.open_frame.fields if ends_open(format, start) and format.open_frame else ()
    pieces = list(form.pieces(0, len(form.units)))
    text = HeaderText(form, (piece for piece in pieces if piece[0] is None))
    left = [(spelling, start, end) for spelling, _, start, end in pieces if spelling is not None]
    token, first, last = left[0] if left else (None, 0, 0)
    is_begun = bool(left[1:]) and token in headers.recovery.closes and left[1][:2] == (headers.recovery.begins, last)
    if is_begun:
        last = left.pop(1)[2]  # with the token that begins the next message
    if len(left) > MAX_LEFT_TOKENS or not text.mixed:
        return None
    place = sum(len(part) for _, part, start, _ in pieces if left and start < first)
    begin, stripped = 0, StrippedText(headers, text.mixed, continued, place, token)
    if is_begun and not stripped.shows_left_author():
        return None
    for header, content, is_closed, follows in stripped.read():
        after = len(form.units) if follows is None else text.span(follows, follows).start
        stop, end = (first, last) if is_closed else (after, after)
        opens = min(text.span(header.end, header.end).start, stop) if header.end < len(text.mixed) else stop
        values = {**format.defaults, **headers.recovery.author, **given, **header.values}
        reading = HeaderReading(values, is_clean=True, sides=format.sides(values))
        draft = Draft(form, reading, begin, opens, opens, True, False)
        draft.text, draft.guessed, named = content, True, {headers.recovery.slots.role, *header.values}
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
        if is_open and output.author(draft) == headers.recovery.author[headers.recovery.slots.role]:
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
    if open_fields and opening is None:
        output.report(codes.MISSING_MESSAGE, Span(begin, begin), f"a {start} ends with an open header")
    return output.recovered(opening) if output.messages or opening else None


class StrippedText:
    """A text, and the headers in it.

    Args:
        continued: it continues an open header, so that roles other than the model's are rare.
        left: where the special token that is left over was; no name goes on there.
        token: that token; None if there is none.
    """

    def __init__(self, headers: Headers, text: str, continued: bool, left: int, token: str | None) -> None:
        self.headers, self.recovery, self.slots = headers, headers.recovery, headers.recovery.slots
        self.left, self.closes = left, token in self.recovery.closes
        self.may_begin = left > 0 and token not in self.recovery.opens
        self.contents = headers.format.contents
        self.begins_again = len(text) - len(text[left:].lstrip())
        self.arguments: dict[int, int | None] = {}
        self.open_arguments, self.open_blocks = 0, set[str]()
        self.shown: dict[tuple[int, int], bool] = {}
        self.text, self.continued, self.automaton = text, continued, automaton_of(headers.format)
        roles = "|".join(map(re.escape, sorted(self.recovery.roles, key=len, reverse=True))) or "(?!)"
        answers = rf"{re.escape(self.automaton.lead)}\s*(?:{roles})" if self.automaton.lead else "(?!)"
        first = "|".join(re.escape(text) for text in self.automaton.first_texts) or "(?!)"
        self.begins = re.compile(rf"(?P<answer>(?<!\s)\s+{answers})|{roles}|{first}|{FENCE}")
        letters = rf"[\w.{re.escape(self.recovery.separator)}-]"
        self.author = re.compile(rf"{letters}{{1,{MAX_STRIPPED_CHARS}}}(?=\s+{answers})")
        self.last_word = re.compile(rf"{letters}*$")
        types = "|".join(map(re.escape, self.recovery.content_types)) or "(?!)"
        # In a call, whose content is arguments, `getAll{` and `getAll json{` are other names, too.
        self.call_goes_on = re.compile(rf"{NAME_GOES_ON.pattern}|\w{{1,64}}(?:\s(?:{types}))?[{{\[]")
        # After a recipient, white space before a name: `to=functions.f commentary json{`.
        self.spaced_name = re.compile(rf"[ \t]+(?=\w{{1,64}}?\s?(?:{types})?\s?[{{\[])")

    @property
    def names(self) -> HeaderNames:
        """The known names, to which the contents that were read add."""
        return self.headers.words

    def read(self) -> Iterator[tuple[StrippedHeader, str, bool, int | None]]:
        """The headers with their contents, whether the left token ends those, and where the next header begins.

        Nothing if no header is certain.
        """
        role, channel = self.slots.role, self.slots.channel
        first = self._begun(0)
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
            content = self.text[header.end : self.left if is_closed else end]
            rest = self.text[self.left :].lstrip() if after is None and is_closed else ""
            yield header, content, is_closed, after.start if after else self.left if rest else None
            if rest:
                values = {channel: self.recovery.answers} if channel else {}
                yield StrippedHeader(self.left, len(self.text) - len(rest), values), rest, False, None
            if after is None:
                return
            # The content may have declared names.
            header = self._begun(after.start) if has_left else self._following(after.start)
            after = self._next(header)

    def shows_left_author(self) -> bool:
        """Whether the text directly after the token that is left over begins with a header, or with no role."""
        header = self._begun(self.begins_again)
        return self.slots.role not in header.values or self._is_shown(header)

    def _next(self, header: StrippedHeader) -> StrippedHeader | None:
        """The header after the content of one. In a completion, the text of an answer is the last one."""
        at = header.end
        left = self._begun(self.begins_again) if self.may_begin and at <= self.left else None
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
        at, inside = end or at, list[StrippedHeader]()
        made = None if self.continued else self.contents.class_for(header.values)
        structure_end = self._structure_end(made, header.end) if made else None
        for match in self.begins.finditer(self.text, at):
            start = match.start()
            if (left and start >= left.start) or len(inside) >= MAX_STRUCTURE_ENDS:
                break
            if match["fence"]:
                at = self._block_end(match["fence"], match.end()) if start >= at else at
            if match["fence"] or start < at:
                continue
            if match["answer"]:
                word = self.last_word.search(self.text[max(at, start - MAX_STRIPPED_CHARS) : start])
                start -= len(self._author(word[0] if word else ""))
            found = self._best(start, self.automaton.start)
            is_next = bool(found.values) and self._is_boundary(at, found) and self._is_shown(found)
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
            if self._reads(made, at, match.start()) and not self._reads(made, at, match.start() + 1):
                return match.start()
        self.open_arguments += 1
        return None

    def _reads(self, made: type[Record], start: int, end: int) -> bool:
        return self.contents.read(made, self.text[start:end])[1].at == end - start

    def _block_end(self, fence: str, at: int) -> int:
        """Where a block of code ends; where it begins if it has no end."""
        line = "" if fence in self.open_blocks else f"\n{fence}"
        end = self.text.find(line, at)
        if not line or end < 0:
            self.open_blocks.add(fence)
            return at
        return end + len(line)

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
        header, is_apart = self._best(at, self.automaton.start), self.text[at - 1 : at].isspace()
        channel = max((name for name in self.names.channels if self.text.startswith(name, at)), key=len, default="")
        if header.values or is_apart or not channel:
            return header
        rest = self._best(at + len(channel), self.automaton.after_author)
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

    def _author(self, word: str) -> str:
        """The end of a word that is the name of a tool: what comes before it is the end of a content."""
        bare = next((word.removesuffix(name) for name in self.names.all if word.endswith(name)), word)
        functions = bare.rfind(self.recovery.of_functions) if self.recovery.definitions.functions else -1
        known = max((len(tool) for tool in self.names.tools.offered or () if bare.endswith(tool)), default=0)
        return word[len(bare) - known if known else max(functions, 0) :]

    def _has_reader(self, header: StrippedHeader) -> bool:
        """Whether a header has a channel; a recipient only in a format without channels.

        In `assistant to=functions.grep` before a sentence, nothing is called (opencode#15164).
        """
        return bool(header.values.get(self.slots.channel or self.slots.recipient))

    def _is_certain(self, header: StrippedHeader) -> bool:
        """Whether a header has a reader, or the name of a tool."""
        is_sentence = header.values.get(self.slots.recipient) and SENTENCE_GOES_ON.match(self.text, header.end)
        is_named = self.slots.name and header.values.get(self.slots.name)
        return bool(self._has_reader(header) or is_named) and not is_sentence

    # One header.

    def _begun(self, at: int) -> StrippedHeader:
        """The header at a place where one begins, perhaps without its author."""
        return max(self._best(at, self.automaton.start), self._best(at, self.automaton.after_author), key=_size)

    def _best(self, at: int, state: State) -> StrippedHeader:
        """The header at a place with the most fields; one without fields if there is none."""
        paths = (path for row in state for path in self._paths(row, at, {}, ""))
        return max((StrippedHeader(at, *path) for path in paths), key=_size, default=StrippedHeader(at, at, {}))

    def _paths(self, state: int, at: int, values: dict[str, Any], lead: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Where headers end, with their fields. Special tokens are free, but no longer show what they set."""
        for edge in self.automaton.edges[state]:
            if edge.kind == "token":
                if any(field == self.slots.role for field, _ in edge.sets):
                    continue  # tokens spell the roles
                if edge.spelling in self.automaton.opener_sets:
                    yield at, values
                else:
                    yield from self._paths(edge.target, at, values, "")
                    if (line := LINE_END.match(self.text, at)) and self._is_line_of_name(at):
                        yield from self._paths(edge.target, line.end(), values, "\n")
                    elif self.slots.recipient in values and (space := self.spaced_name.match(self.text, at)):
                        yield from self._paths(edge.target, space.end(), values, "")
            elif edge.kind == "text":
                label, spaced = edge.label, r"\s*" if edge.spelling[-1].isspace() else ""
                if match := re.compile(rf"\s*{re.escape(label)}{spaced}" if label else r"\s+").match(self.text, at):
                    yield from self._paths(edge.target, match.end(), {**values, **dict(edge.sets)}, label or " ")
            else:
                for name, end in self._spelled(edge.spelling, at, lead, self.slots.recipient in values):
                    if lead != "\n" or self._ends_line(end):
                        found = {**values, edge.spelling: name, **dict(edge.sets)}
                        yield from self._paths(edge.target, end, found, "")
                        again = self._channel_again(end, values) if edge.spelling == self.slots.recipient else end
                        if again > end:
                            yield from self._paths(edge.target, again, found, "")

    def _spelled(self, field: str, at: int, lead: str, called: bool) -> Iterator[tuple[str, int]]:
        """The names of a field at a place, with their ends. In a call, a content may touch its type: `codeprint`."""
        slots, text, pattern = self.slots, self.text, self.automaton.patterns[field]
        if field in self.names.lists:
            for name in self.names.lists[field]:
                end = at + len(name)
                goes_on = (TOUCHES if called else WORD_FOLLOWS).match(text, end, self._limit(at))
                is_type = field != slots.content_type or not goes_on or (called and lead)
                if text.startswith(name, at, self._limit(at)) and is_type:
                    yield name, end
        elif field == slots.recipient:
            yield from self._tools(at, self.names.tools.word, is_call=True)
        elif field == slots.name and lead:
            yield from self._tools(at, AUTHOR_NAME, is_call=False)
        elif field == slots.name:
            answer = self.author.match(text, at)
            if answer and answer[0] == self._author(answer[0]) and not answer[0].startswith(self.recovery.roles):
                yield from self._tools(at, self.author, is_call=False)
        elif lead and (word := pattern.match(text, at, self._limit(at))):
            yield word[0], word.end()

    def _channel_again(self, at: int, values: Mapping[str, Any]) -> int:
        """Where the channel of a header ends that models write again: `commentary to=functions.fcommentary json{`."""
        channel, space = values.get(self.slots.channel), SPACE_IN_LINE.match(self.text, at)
        begin = space.end() if space else at
        return begin + len(channel) if channel and self.text.startswith(channel, begin, self._limit(at)) else at

    def _is_line_of_name(self, end: int) -> bool:
        """Whether the line up to a place is a known name."""
        begin = self.text.rfind("\n", 0, end) + 1
        return end - begin < MAX_STRIPPED_CHARS and self.text[begin:end].strip() in self.names.all

    def _ends_line(self, at: int) -> bool:
        """Whether a line ends at a place, or what introduces a name follows."""
        space = ANY_SPACE.match(self.text, at)
        introduces = space and self.automaton.literal.match(self.text, space.end())
        return bool(introduces) or LINE_END.match(self.text, at) is not None

    def _limit(self, at: int) -> int:
        """Where a name that begins at a place has ended."""
        return min(at + MAX_STRIPPED_CHARS, self.left if at < self.left else len(self.text))

    def _tools(self, at: int, pattern: re.Pattern[str], is_call: bool) -> Iterator[tuple[str, int]]:
        """The tools at a place; a name may go on in known names, as in `functions.squarejson{`."""
        tools, goes_on = self.names.tools, self.call_goes_on if is_call else NAME_GOES_ON
        others = (*self.recovery.recipients, *self.recovery.roles) if is_call else ()
        offered = ((word, tool) for tool in tools.offered or () for word in (tool, tools.last(tool)))
        limit = self._limit(at)
        found = [(tool, at + len(word)) for word, tool in offered if self.text.startswith(word, at, limit)]
        found = [(tool, end) for tool, end in found if not goes_on.match(self.text, end, limit)]
        found += [(name, at + len(name)) for name in others if self.text.startswith(name, at, limit)]
        yield from found
        if not found and (match := pattern.match(self.text, at, limit)):
            word = match[0]
            ends = [m.start() for name in self.names.all for m in re.finditer(f"(?<=[^\\W_]){re.escape(name)}", word)]
            words = [word[:end] for end in (*ends, len(word))]
            ratio = self.names.row(self.slots.recipient).costs["ratio"]
            for name in list(filter(tools.full, words)) or words:
                yield tools.full(name) or (is_call and tools.nearest(name, ratio)) or name, at + len(name)


def _size(header: StrippedHeader) -> tuple[int, int]:
    return len(header.values), header.end
