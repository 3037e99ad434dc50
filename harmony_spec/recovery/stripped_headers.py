"""One header without its special tokens: a path through the automaton of headers on which special tokens are free."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .header_automaton import State, automaton_of
from .header_names import HeaderNames
from .header_text import SPACED_ARGUMENTS
from .headers import Headers

MAX_STRIPPED_CHARS = 256
"""Names in headers without special tokens are shorter. This bounds the time for a text in one word."""

ANY_SPACE, SPACE_IN_LINE = re.compile(r"\s*"), re.compile(r"[ \t]*")

NAME_GOES_ON = re.compile(r"[a-z_]|[-./:]\w")
"""After the name of an offered tool, this shows another name: with the tool `get`, neither `getting` nor `get.all` is a
call of it."""

AUTHOR_NAME = re.compile(r"\w[\w-]*?(?=(?<=[a-z\d_-])[A-Z]|(?<=[\0-\u02ff])[^\W\0-\u02ff])|\w+(?:-\w+)*")
"""The name of an author ends where a content may begin: before a capital letter that follows a small one
(`user:aliceHi`), before letters of a script other than Latin, and before signs."""

LINE_END = re.compile(r"[ \t]*\r?\n\s*")
"""Between names on lines of their own: `assistant`, and `final` below it."""

SIGN_OF_TYPE = re.compile(rf"[=:](?={SPACED_ARGUMENTS.pattern})")
"""Between a content type and arguments: `code={"command": "ls"}`."""

TOUCHES, WORD_FOLLOWS = re.compile(r"\w"), re.compile(r"\s*\w")
"""After the name of a content type, in a call and elsewhere: `code is law` and `json parsing failed` are texts."""


class StrippedHeader(NamedTuple):
    """Where a header begins and ends in the text, and the fields that it has."""

    start: int
    end: int
    values: dict[str, Any]


class StrippedHeaders:
    """Reads the header at a place of a text.

    Args:
        left: where the special token that is left over was; no name goes on there.
    """

    def __init__(self, headers: Headers, text: str, left: int) -> None:
        self.headers, self.recovery, self.slots = headers, headers.recovery, headers.recovery.slots
        self.text, self.left, self.automaton = text, left, automaton_of(headers.format)
        roles = "|".join(map(re.escape, sorted(self.recovery.roles, key=len, reverse=True))) or "(?!)"
        answers = rf"{re.escape(self.automaton.lead)}\s*(?:{roles})" if self.automaton.lead else "(?!)"
        first = "|".join(re.escape(text) for text in self.automaton.first_texts) or "(?!)"
        self.begins = rf"(?P<answer>(?<!\s)\s+{answers})|{roles}|{first}"
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

    def begun(self, at: int) -> StrippedHeader:
        """The header at a place where one begins, perhaps without its author."""
        return max(self.best(at), self.best(at, self.automaton.after_author), key=_size)

    def best(self, at: int, state: State | None = None) -> StrippedHeader:
        """The header at a place with the most fields; one without fields if there is none.

        Args:
            state: before the header; by default that of a whole one.
        """
        rows = self.automaton.start if state is None else state
        paths = (path for row in rows for path in self._paths(row, at, {}, ""))
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

    def _spelled(self, field: str, at: int, lead: str, called: bool) -> Iterator[tuple[str | None, int]]:
        """The names of a field at a place, with their ends. In a call, a content may touch its type: `codeprint`."""
        slots, text, pattern = self.slots, self.text, self.automaton.patterns[field]
        if field in self.names.lists:
            for name in self.names.lists[field]:
                end = at + len(name)
                goes_on = (TOUCHES if called else WORD_FOLLOWS).match(text, end, self._limit(at))
                is_type = field != slots.content_type or not goes_on or (called and lead)
                if text.startswith(name, at, self._limit(at)) and is_type:
                    yield name, end + bool(field == slots.content_type and called and SIGN_OF_TYPE.match(text, end))
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

    def _tools(self, at: int, pattern: re.Pattern[str], is_call: bool) -> Iterator[tuple[str | None, int]]:
        """The tools at a place; a name may go on in known names, as in `functions.squarejson{`. A channel is none."""
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
                known = tools.full(name) or (is_call and tools.nearest(name, ratio))
                yield known or (None if is_call and name in self.names.channels else name), at + len(name)

    def tool_before(self, start: int, end: int, called: str | None) -> str:
        """The name of the tool that a text ends with; what comes before it is the end of a content.

        Args:
            called: the tool that answers now, if a call comes before the text.
        """
        word = self.last_word.search(self.text[max(start, end - MAX_STRIPPED_CHARS) : end])
        return self._author(word[0] if word else "", called)

    def _author(self, word: str, called: str | None = None) -> str:
        """The end of a word that is the name of a tool."""
        bare = next((word.removesuffix(name) for name in self.names.all if word.endswith(name)), word)
        functions = bare.rfind(self.recovery.of_functions) if self.recovery.definitions.functions else -1
        tools = (*(self.names.tools.offered or ()), *([called] if called else []))
        known = max((len(tool) for tool in tools if bare.endswith(tool)), default=0)
        return word[len(bare) - known if known else max(functions, 0) :]


def _size(header: StrippedHeader) -> tuple[int, int]:
    return len(header.values), header.end
