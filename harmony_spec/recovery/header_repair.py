"""A header that no rule describes, repaired field by field: role, channel, recipient, content type.

A word after the special token or the text that introduces a field is evidence for that field; a word in a place that
no field introduces is read as what it names. docs/recovery.md explains the policy.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from .. import codes
from ..errors import Code
from ..format.tables import Format, Recovery
from .header_reading import FieldCandidate, HeaderFinding, HeaderReading
from .header_text import HeaderText, Segment, Word
from .known_names import BRACKETS, LETTER, KnownNames, without_signs

ARGUMENTS = re.compile(r'\{\s*["}]|\[\s*["{\[]')
"""The beginning of arguments as JSON, unlike "[note]" or "{x}" in a text."""

SIGN = re.compile("[=:]")
LEAD_WITH_SIGN = re.compile(r"\w[=:]+$")
"""Distinguishes `to: search`, which introduces a name, from "to search", which is English."""


class NearLead(NamedTuple):
    """Near misses of the text that introduces a recipient, such as `to:` or `recipient=` instead of ` to=`.

    Attributes:
        words: the word of the grammar, and the name of the field.
        beside: matches one of `words` with a sign, directly before the name; accepted even among other words.
        alone: also matches a typo of the word, the word directly before the namespace of functions, or a sign only.
            Accepted only if nothing but header words surrounds it. Quotes, brackets and bullets introduce nothing:
            prose puts them around names.
    """

    words: tuple[str, ...]
    beside: re.Pattern[str]
    alone: re.Pattern[str]


@lru_cache
def near_lead(lead: str, field: str, of_functions: str) -> NearLead:
    """Compile the near misses of `lead`. A typo is one letter missing or doubled, or two letters swapped."""
    word = without_signs(lead).lower()
    places = range(len(word))
    typos = {word[:at] + word[at + 1 :] for at in places} | {word[:at] + word[at] + word[at:] for at in places}
    typos |= {word[:at] + word[at : at + 2][::-1] + word[at + 2 :] for at in places}
    words = tuple(known for known in (word, field.lower()) if known)
    exact, near = ("|".join(sorted(map(re.escape, {*known} - {""})) or ["(?!)"]) for known in (words, typos))
    beside = rf"^\W*(?:{exact})\W*[=:]\W*"
    alone = rf"{beside}|^\W*(?:{near})\W*[=:]\W*|^\W*(?:{exact})(?:\W+|(?={re.escape(of_functions)}))|^[=:]+"
    return NearLead(words, re.compile(beside, re.IGNORECASE), re.compile(alone, re.IGNORECASE))


class HeaderRepair:
    """Reads one header: collects candidates for each field, in the order of the header, then decides the fields.

    Args:
        described: a rule describes the header, so that only its words can be wrong.
        opened: the token that opens the content follows the header; without it, text in no field is the content.
        lacks_start: the token that begins a message is missing.
    """

    def __init__(
        self,
        format: Format,
        recovery: Recovery,
        header: HeaderText,
        names: KnownNames,
        given: dict[str, Any],
        described: bool,
        opened: bool,
        lacks_start: bool,
    ) -> None:
        self.format, self.recovery, self.header, self.names = format, recovery, header, names
        self.slots, self.described, self.opened, self.lacks_start = recovery.slots, described, opened, lacks_start
        self.reading = HeaderReading({**format.defaults, **given})
        self.channels: list[FieldCandidate] = []
        self.channels_in_type: list[FieldCandidate] = []
        self.recipients: list[FieldCandidate] = []
        self.types: list[tuple[str, bool, Word]] = []
        self.constrain_count = 0
        self.segment_index = self.last_index = 0
        self.lacks_channel_name = self.has_unknown_type = False
        self.wordy_segments: set[int] = set()
        self.near_lead = near_lead(self._lead_word(), self.slots.recipient or "", recovery.of_functions)

    def read(self) -> HeaderReading:
        """Collect candidates from each segment, then decide the fields. Call it once."""
        segments = [s for s in self.header.segments() if s.marker is not None or s.words]
        expects_type = False
        self.last_index = len(segments) - 1
        self.wordy_segments = {number for number, segment in enumerate(segments) if self._is_wordy(segment)}
        for number, segment in enumerate(segments):
            self.segment_index = number
            last = number == self.last_index
            if segment.marker is None:
                self._collect_unmarked(number, segment, last)
            elif segment.marker == self.recovery.begins:
                self._collect_role(number, segment, last)
            elif segment.marker in self._leads(self.slots.constrain, self.slots.content_type) or expects_type:
                expects_type = not segment.words
                self._collect_type(number, segment, last)
            elif segment.marker in self._leads(self.slots.channel):
                self._collect_channel(number, segment, last)
            else:
                self.report(
                    codes.STRAY_SPECIAL_TOKEN, segment.start, segment.start + 1, "", "headers do not have this token"
                )
                self._collect_words(number, segment.words, last)
        return self._decide()

    def _decide(self) -> HeaderReading:
        # In this order: a name in the channel's place may turn out to be a recipient or a content type.
        self._decide_channel()
        self._decide_recipient()
        self._decide_type()
        return self.reading

    # Collecting candidates: the words of each segment.

    def _collect_unmarked(self, number: int, segment: Segment, last: bool) -> None:
        """Read words before any special token: a header that lost its start, or text if a word fits no field."""
        if not self.opened and last and self._is_text(segment.words):
            self.reading.text_start = segment.start
            self.reading.lacks_channel = True
            return
        words = segment.words
        if self._is_tool_answer(words):
            self.reading.values |= {self.slots.role: self.recovery.tool, self.slots.name: words[0].text}
            words = words[1:]
        elif words and self._set_author(words[0], words[1:]):
            words = words[1:]
        self._collect_words(number, words, last)

    def _collect_role(self, number: int, segment: Segment, last: bool) -> None:
        if number:
            evidence = "the last one is kept"
            self.report(codes.REPEATED_START, segment.start, segment.start + 1, "", evidence)
        words = self._read_author(segment, last)
        if self.reading.text_start is None:
            self._collect_words(number, words, last)

    def _collect_channel(self, number: int, segment: Segment, last: bool) -> None:
        lead = self._lead_word()
        if not segment.words or segment.words[0].text.startswith(lead):
            self.lacks_channel_name = True
            evidence = "no name after the channel token"
            self.report(codes.EMPTY_CHANNEL, segment.start, segment.start + 1, "", evidence, self.slots.channel)
            self._collect_words(number, segment.words, last)
            return
        first, words = segment.words[0], segment.words[1:]
        found = (first.text.find(mark) for mark in (lead, self.recovery.of_functions))
        at = next((at for at in found if at > 0 and self.names.channel(first.text[:at])), 0)
        if at:
            evidence = "no space between channel and recipient"
            self.report(codes.MISPLACED_PART, first.start, first.end, first.text[:at], evidence, self.slots.recipient)
            words = [Word(first.text[at:], first.start + at, first.end), *words]
            first = Word(first.text[:at], first.start, first.start + at)
        if words and self.names.is_role(first.text) and words[0].text in self.names.channels:
            self._report_spliced(first)
            first, words = words[0], words[1:]
        self.channels.append(FieldCandidate(first.text, first, number))
        self._collect_words(number, words, last)

    def _collect_type(self, number: int, segment: Segment, last: bool) -> None:
        """Read the words after the token that introduces a content type.

        Spliced headers put roles, channels and recipients here: `final <|constrain|>commentary to=functions.done`, in
        about 92% of the later turns of one agent, and `to=python <|constrain|>analysis code` in vLLM's tests.
        """
        self.constrain_count += segment.marker in self._leads(self.slots.constrain)
        left: list[Word] = []
        if segment.words and segment.words[0].start > segment.start + 1:
            evidence = "a space before the content type"
            word = segment.words[0]
            self.report(codes.SPACED_CONTENT_TYPE, word.start, word.end, word.text, evidence, self.slots.content_type)
        wordy = number in self.wordy_segments
        for word in segment.words:
            if word.text in self.names.channels:
                self.channels_in_type.append(FieldCandidate(word.text, word, number))
            elif self.names.is_role(word.text):
                self._report_spliced(word)
            elif self._read_recipient(number, word, segment.words):
                pass
            elif (
                not self.recipients
                and self.recovery.definitions.functions in word.text
                and (tool := self._find_tool(word, left, wordy, False))
            ):
                self._add_bare_recipient(number, word, tool, left)
            elif last and not self.opened and self._begins_content(word, left):
                break
            else:
                left.append(word)
            if self.reading.text_start is not None:
                break
        self._add_types(left, bool(self.constrain_count))

    def _begins_content(self, word: Word, left: list[Word]) -> bool:
        """Whether the content begins in this word although no token opens it: after a content type, or at a sign.

        `to=functions.get_weather json{"city":"Paris"}` (Rapid-MLX#480) has both.
        """
        kind = self.names.content_type_in(word.text)
        if kind == word.text:
            return False
        if kind:
            left.append(Word(kind, word.start, word.start + len(kind)))
        elif word.text[0].isalnum() and not any(self.names.content_type(other.text) for other in left):
            return False
        self.reading.text_start = word.start + len(kind)
        return True

    def _collect_words(self, number: int, words: list[Word], last: bool) -> None:
        """Read words that no token introduces as what they name. If no token opens the content, it begins at the first
        word that names nothing: `commentary 2? The request "turn on the light" ambiguous` (llama.cpp#27720; about 4% of
        the turns of gpt-oss-20b at temperature 1).
        """
        left: list[Word] = []
        spliced = False
        text = last and not self.opened
        begin = self._find_prose(words) if text else len(words)
        wordy = number in self.wordy_segments
        for word in words[:begin]:
            if self._read_recipient(number, word, words):
                self._add_types(left, False)
                left.clear()
            elif self.names.is_role(word.text):
                self._report_spliced(word)
                spliced = True
            elif word.text in self.names.channels and (spliced or not self.channels):
                evidence = "no channel token before the name of a channel"
                self.report(codes.BARE_CHANNEL, word.start, word.end, word.text, evidence, self.slots.channel)
                self.channels.append(FieldCandidate(word.text, word, number))
            elif self.names.content_type(word.text):
                left.append(word)
            elif not self.recipients and (tool := self._find_tool(word, left, wordy, text)):
                self._add_bare_recipient(number, word, tool, left)
                self._add_types(left, False)
                left.clear()
            elif text:
                if kind := self.names.content_type_in(word.text):
                    word = Word(word.text[len(kind) :], word.start + len(kind), word.end)
                    self.types.append((kind, False, Word(kind, word.start - len(kind), word.start)))
                self.reading.text_start = word.start
            elif not self._is_repeated(number, word):
                left.append(word)
            if self.reading.text_start is not None:
                break
        if self.reading.text_start is None and begin < len(words):
            self.reading.text_start = words[begin].start
        self._add_types(left, False)

    def _find_prose(self, words: list[Word]) -> int:
        """Return the index of the first word of a text, or the number of words if there is none.

        Roles and content types directly before it belong to the text, as in "user asks".
        """
        named = (self._is_header_word(word) for word in words)
        end = next((number for number, known in enumerate(named) if not known), len(words))
        if end == len(words) or not words[end].text[0].isalpha() or self.names.content_type_in(words[end].text):
            return len(words)
        called = any(word.text.startswith(self._lead_word()) for word in words[:end])
        begin = end
        while begin and (
            self.names.is_role(words[begin - 1].text) or (not called and self.names.content_type(words[begin - 1].text))
        ):
            begin -= 1
        return begin if begin < end else len(words)

    def _is_repeated(self, number: int, word: Word) -> bool:
        """Whether a word names a channel or a recipient again; adds the channel as a candidate."""
        joined = self.names.role_and_channel(word.text)
        if joined:
            self._report_spliced(word)
        if channel := joined[1] if joined else word.text if word.text in self.names.channels else None:
            self.channels_in_type.append(FieldCandidate(channel, word, number))
            return True
        if any(word.text == seen.value for seen in self.recipients):
            evidence = "the header has this recipient already"
            self.report(codes.REPEATED_RECIPIENT, word.start, word.end, "", evidence, self.slots.recipient)
            return True
        return False

    def _find_tool(self, word: Word, left: list[Word], wordy: bool, text: bool) -> str:
        """Return the recipient that a word names without ` to=`, or "": one after a near miss of it, or a tool alone.

        Args:
            left: the words before it that belong to no field.
            wordy: the segment has words that are not parts of a header, see `_is_wordy`.
            text: a content begins in the same words, so that signs before a name belong to it.
        """
        lead = (self.near_lead.beside if wordy else self.near_lead.alone).match(word.text)
        if (wordy and not lead) or (text and lead):
            return ""
        name = word.text[lead.end() :] if lead else word.text
        before = [lead[0]] if lead else [other.text for other in left[-1:] if self._is_lead(other)]
        introduced = any(map(LETTER.search, before))
        if introduced and self.names.reads_as_tool(name):
            return name
        return self.names.bare_tool(name)

    def _add_bare_recipient(self, number: int, word: Word, text: str, left: list[Word]) -> None:
        """Add the name in a word as a recipient; near misses of ` to=` in the words before it belong to it."""
        start = word.start
        while left and self._is_lead(left[-1]):
            start = left.pop().start
        evidence = "the name of a tool, but nothing that introduces a recipient"
        tool = self.names.tool(text) or self.names.function_in(text) or self._leading_name(text)
        self.report(codes.BARE_RECIPIENT, start, word.end, tool, evidence, self.slots.recipient)
        self.recipients.append(FieldCandidate(tool, word, number))

    def _read_recipient(self, number: int, word: Word, words: list[Word]) -> bool:
        """Whether a word introduces a recipient; adds that. A name after a space belongs to it."""
        lead = self._lead_word()
        if not word.text.startswith(lead):
            return bool(self.recipients) and self.recipients[-1].word is word
        text, start, owner = word.text[len(lead) :], word.start + len(lead), word
        following = next((other for other in words if other.start > word.start), None)
        if not text and following and (self.names.is_role(following.text) or self.names.reads_as_tool(following.text)):
            text, start, owner = following.text, following.start, following
        name = self._leading_name(text)
        if not name:
            evidence = "no name after it"
            self.report(codes.EMPTY_RECIPIENT, word.start, word.end, "", evidence, self.slots.recipient)
        self._read_after_name(Word(text, start, owner.end), len(name))
        if name:
            self.recipients.append(FieldCandidate(name, owner, number))
        return True

    def _add_types(self, left: list[Word], constrained: bool) -> None:
        known = [word for word in left if self.names.nearest_content_type(word.text)]
        if known == left:
            self.types += ((str(self.names.nearest_content_type(word.text)), constrained, word) for word in left)
            return
        for word in left:
            evidence = "it is not a known name" if len(left) == 1 else "several words that are not all known names"
            code = codes.UNKNOWN_CONTENT_TYPE if constrained or word in known else codes.UNREAD_HEADER_TEXT
            self.has_unknown_type |= constrained
            self.report(code, word.start, word.end, "", evidence, *[self.slots.content_type] * constrained)

    # Collecting candidates: the author.

    def _read_author(self, segment: Segment, last: bool) -> list[Word]:
        """Read the words after the start token; return those after the author.

        Engines test for a missing author (SGLang#38548), and report a channel there (`<|start|>final`,
        openai/harmony#114; also `<|start|>assistantfinal`) or a tool (`<|start|>bash`, tiles#145).
        """
        role, words = self.slots.role, segment.words
        self.reading.values.update(dict.fromkeys((role, self.slots.name)))
        if not words or words[0].text.startswith(self._lead_word()):
            self.reading.values |= self.recovery.author
            evidence = "no author after the start token"
            self.report(codes.MISSING_ROLE, segment.start, segment.start + 1, self._model_role(), evidence, role)
            self.lacks_channel_name = True
            return words
        word, others = words[0], words[1:]
        name = self._leading_name(word.text)
        if self._set_author(word, others):
            return others
        if name and self._set_author(Word(name, word.start, word.start + len(name)), others):
            self._read_after_name(word, len(name))
            return others
        if (left := self._read_near_author(word, others)) is not None:
            return left
        if name and name != word.text:  # a sign follows, as in "assistant:"
            left = self._read_near_author(Word(name, word.start, word.start + len(name)), others)
            if left is not None:
                self._read_after_name(word, len(name))
                return left
        if name and (self.described or not self._is_text(others)):
            self.reading.values |= {role: self.recovery.tool, self.slots.name: name}
            self._read_after_name(word, len(name))
            return others
        begun = next((known for known in self.recovery.roles if word.text.startswith(known)), "")
        if begun and last and not self.opened:
            self.reading.values[role] = begun
            self.reading.text_start = word.start + len(begun)
            return []
        self.reading.values |= self.recovery.author
        evidence = "text in place of the author"
        self.report(codes.MISSING_ROLE, segment.start, segment.start + 1, self._model_role(), evidence, role)
        return words

    def _is_tool_answer(self, words: list[Word]) -> bool:
        """Whether words begin the header of a tool's answer: a name, then a role as recipient."""
        lead = self._lead_word()
        found = len(words) > 1 and words[1].text.startswith(lead) and self.names.is_role(words[1].text[len(lead) :])
        return found and not self.names.is_role(words[0].text) and self._leading_name(words[0].text) == words[0].text

    def _is_text(self, words: list[Word]) -> bool:
        """Whether words are text rather than parts of a header."""
        return not self._is_tool_answer(words) and not all(map(self._is_header_word, words))

    def _is_header_word(self, word: Word) -> bool:
        """Whether a word introduces a recipient, or names a role, a channel or a content type."""
        return word.text.startswith(self._lead_word()) or self.names.is_named(word.text)

    def _is_wordy(self, segment: Segment) -> bool:
        """Whether a segment has more words than parts of a header and one tool, so that no name alone is a recipient.

        "I will search for it" does not call a tool `search`, nor does "search user" or "run code": if other words
        surround a name without a namespace, even names of the format, it is a word of a text. A name with a namespace
        is accepted between them in the order of the grammar. JSON after a name is its arguments.
        """
        words = segment.words[self._count_placed_words(segment) :]
        tools: set[str] = set()
        places: list[int] = []
        is_plain = False
        lead_words = ""
        for number, word in enumerate(words):
            if tools and not self.opened and ARGUMENTS.match(self.header.mixed, word.start):
                words = words[:number]
                break
            if word.text.startswith(self._lead_word()):
                continue
            if self._is_lead(word):
                lead_words += word.text
                continue
            introduced = LEAD_WITH_SIGN.search(lead_words) is not None
            lead = self.near_lead.alone.match(word.text)
            name = word.text[lead.end() :] if lead else word.text
            name = name if lead and self.names.reads_as_tool(name) else self.names.bare_name(name)
            if self.names.is_named(word.text):
                if lead_words:
                    return True  # "to" introduces nothing
                places.append(2 * (self.names.content_type(word.text) is not None))
            elif name.startswith(self.recovery.of_functions) or self.names.is_offered(name):
                tools.add(self.names.tool(name) or name)
                places.append(1)
                is_plain |= (
                    self.recovery.separator not in name and not introduced and not (lead and SIGN.search(lead[0]))
                )
            elif not self.names.is_nearly_named(self.names.bare_name(word.text)):
                return True
            lead_words = ""
        return len(tools) > 1 or (is_plain and len(words) > 1) or places != sorted(places) or bool(lead_words)

    def _count_placed_words(self, segment: Segment) -> int:
        """Return 1 if the first word is a value of the field that the special token introduces, else 0."""
        if segment.marker is None or not segment.words:
            return 0
        text, names = segment.words[0].text, self.names
        if segment.marker == self.recovery.begins:
            named = self._match_author(text)
            if named is not None and named[self.slots.role] != self.recovery.tool:
                return int(named.get(self.slots.name or "") is None)  # a name may be a word of a text
            return int(bool(names.role_and_channel(text) or names.nearest_role(text)))
        bare = without_signs(text)
        is_other = names.is_role(bare) or names.content_type(bare) is not None
        if segment.marker in self._leads(self.slots.channel):
            return int(not is_other and names.is_nearly_named(bare))
        return int(names.content_type(text) is not None)

    def _is_lead(self, word: Word) -> bool:
        """Whether a word, without a name, is a near miss of ` to=`: its letters (`to`, `recipient:`) or its signs."""
        return word.text.rstrip("=:").lower() in ("", *self.near_lead.words)

    def _set_author(self, word: Word, others: list[Word]) -> bool:
        """Whether a word is an author, or a channel or tool in its place; sets the role, and adds the others."""
        text, role, recovery = word.text, self.slots.role, self.recovery
        if self.names.is_role(text):
            self.reading.values |= {role: text, self.slots.name: None}
            return True
        named = self._match_author(text)
        if named and named[role] != recovery.tool:
            self.reading.values |= named
            return True
        if text in self.names.channels:
            self.reading.values |= recovery.author
            evidence = "the name of a channel in place of the author"
            self.report(codes.CHANNEL_AS_ROLE, word.start, word.end, text, evidence, role, self.slots.channel)
            self.channels.append(FieldCandidate(text, word, -1))
            return True
        if joined := self.names.role_and_channel(text):
            self.reading.values |= {role: joined[0], self.slots.name: None}
            taken = " ".join(joined)
            evidence = "no channel token between role and channel"
            self.report(codes.CHANNEL_AS_ROLE, word.start, word.end, taken, evidence, role, self.slots.channel)
            self.channels.append(FieldCandidate(joined[1], word, -1))
            return True
        is_bare = not text.startswith(self._lead_word()) and self.names.bare_tool(text)
        tool = self.names.tool(text) if is_bare else None
        if (
            tool
            and tool != text
            and not self._is_tool_answer([word, *others])
            and self.segment_index not in self.wordy_segments
        ):
            self.reading.values |= recovery.author
            evidence = "the name of an offered tool, without its namespace, in place of the author"
            self.report(codes.TOOL_AS_ROLE, word.start, word.end, tool, evidence, role, self.slots.recipient)
            self.lacks_channel_name = True
            self.recipients.append(FieldCandidate(tool, word, -1))
            return True
        return False

    def _read_near_author(self, word: Word, others: list[Word]) -> list[Word] | None:
        """Read a misspelt role, or a role joined to ` to=`; return the words after it, or None if it is neither."""
        role, text = self.slots.role, word.text
        at = text.find(self._lead_word())
        if at > 0 and self.names.is_role(text[:at]):
            self.reading.values |= {role: text[:at], self.slots.name: None}
            evidence = "no space between author and recipient"
            self.report(codes.MISPLACED_PART, word.start, word.end, text[:at], evidence, self.slots.recipient)
            return [Word(text[at:], word.start + at, word.end), *others]
        near = None if self.names.tool(text) or self._is_tool_answer([word, *others]) else self.names.nearest_role(text)
        if near is None:
            return None
        self.reading.values |= {role: near, self.slots.name: None}
        self.report(codes.MISSPELT_ROLE, word.start, word.end, near, "the only known name near it", role)
        return others

    def _match_author(self, text: str) -> dict[str, Any] | None:
        """Match a word with the open header of the grammar; return its fields, or None."""
        for paths in self.format.starts.values():
            for frame, _ in paths[0].steps:
                if not frame.has_content:
                    values: dict[str, Any] = dict.fromkeys(frame.fields)
                    if frame.read(self.header.markers[self.recovery.begins] + text, values) is not None:
                        return values
        return None

    # Deciding the fields.

    def _decide_channel(self) -> None:
        """Keep the last known channel.

        `analysis<|channel|>commentary` failed 122 times in 500 runs of SWE-bench (openai/harmony#114): the model
        changes its mind, and the second channel is the one that it acts on. A channel in the content type's place is
        kept only if there is no other, or after `final` if a recipient follows: `final <|constrain|>commentary
        to=functions.read` is a call, since answers have no recipient.
        """
        field = self.slots.channel
        known = [seen for seen in self.channels if self.names.channel(seen.value)]
        kept = known[-1] if known else None
        for seen in self.channels:
            if seen is kept:
                self._set_channel(seen)
            else:
                self._reject_channel(seen, kept)
        weak = self.channels_in_type[-1] if self.channels_in_type else None
        called = weak and any(seen.segment_index == weak.segment_index for seen in self.recipients)
        answers = self.reading.values[field] == self.recovery.answers
        for seen in self.channels_in_type:
            if seen is weak and called and (answers or not self.channels):
                evidence = "a recipient follows, and answers have none"
                self.report(
                    codes.SPLICED_HEADER, seen.word.start, seen.word.end, seen.value, evidence, field, value=seen.value
                )
            elif seen is weak and not self.channels:
                evidence = "the header has no other channel"
                code = codes.CHANNEL_AS_CONTENT_TYPE
                self.report(code, seen.word.start, seen.word.end, seen.value, evidence, field, value=seen.value)
            else:
                evidence = "it is not a content type"
                type_field = self.slots.content_type
                self.report(codes.CHANNEL_AS_CONTENT_TYPE, seen.word.start, seen.word.end, "", evidence, type_field)
        text = self.reading.text_start is not None and self.reading.values[self.slots.role] == self._model_role()
        if self.reading.values[field] is None and (self.lacks_start or self.lacks_channel_name or text):
            self.reading.lacks_channel = True

    def _set_channel(self, seen: FieldCandidate) -> None:
        name = str(self.names.channel(seen.value))
        self.reading.values[self.slots.channel] = name
        if seen.value == name:
            return
        if seen.value.startswith(name) and not self.opened and seen.segment_index == self.last_index:
            self.reading.text_start = seen.word.start + len(name)
            return
        if seen.value.startswith(name) and (kind := self.names.content_type(seen.value[len(name) :])):
            self.types.insert(0, (kind, False, Word(kind, seen.word.end - len(kind), seen.word.end)))
        evidence = "the only known name near it"
        self.report(codes.MISSPELT_CHANNEL, seen.word.start, seen.word.end, name, evidence, self.slots.channel)

    def _reject_channel(self, seen: FieldCandidate, kept: FieldCandidate | None) -> None:
        """Read a word after the channel token that is not the channel: a tool, role, content type, repetition or text.

        A tool there is seen as `<|channel|>bash<|channel|>commentary`, 25 times in 500 runs (openai/harmony#114).
        """
        start, end, field = seen.word.start, seen.word.end, self.slots.channel
        alone = seen.segment_index not in self.wordy_segments
        if alone and not self.names.channel(seen.value) and self.names.bare_tool(seen.value):
            evidence = "the name of a tool in place of the channel"
            tool = self.names.tool(seen.value) or self._leading_name(seen.value)
            self.report(codes.TOOL_AS_CHANNEL, start, end, tool, evidence, self.slots.recipient)
            self.recipients.insert(0, seen._replace(value=tool))
            self.lacks_channel_name = True
        elif self.names.is_role(seen.value):
            self._report_spliced(seen.word)
            self.lacks_channel_name = True
        elif kind := self.names.content_type(seen.value):
            evidence = "a content type in place of the channel"
            self.report(codes.MISPLACED_PART, start, end, kind, evidence, self.slots.content_type)
            self.types.append((kind, False, seen.word))
            self.lacks_channel_name = True
        elif kept is not None:
            evidence = "the last known channel is kept"
            self.report(codes.REPEATED_CHANNEL, start, end, "", evidence, field)
        elif seen is not self.channels[-1]:
            self.report(codes.REPEATED_CHANNEL, start, end, "", "the last one is kept", field)
        elif not self.opened and seen.segment_index == self.last_index and not re.search(r"\w", seen.value):
            self.reading.text_start, self.reading.is_punctuation = start, True
        elif not self.opened and seen.segment_index == self.last_index and self.reading.text_start is not None:
            self.reading.text_start, self.reading.lacks_channel = start, True
        else:
            name = self._leading_name(seen.value)
            if self.names.is_role(name) or self.names.content_type(name) or self.names.bare_tool(name):
                evidence = "it is a role, a content type or a tool"
                self.report(codes.UNREAD_HEADER_TEXT, start, start + len(name), "", evidence, field)
                self.lacks_channel_name = True
            else:
                self.reading.values[field] = name or None
            self._read_after_name(seen.word, len(name))

    def _decide_recipient(self) -> None:
        """Keep the last known tool, else the last name; ignore roles.

        Names are repeated (`to=functions.bash to=functions.bash`, openai/harmony#114) or lose their namespace
        (`to=get_weather`, vLLM#42454). `commentary to=assistant<|channel|>analysis` (a test of llama.cpp#21286) calls
        nothing.
        """
        field, values = self.slots.recipient, self.reading.values
        seen = self.recipients
        if not self.described and values[self.slots.role] != self.recovery.tool:
            for one in (one for one in seen if self.names.is_role(one.value)):
                evidence = "a role is not a tool"
                self.report(codes.RECIPIENT_IS_ROLE, one.word.start, one.word.end, "", evidence, field)
            seen = [one for one in seen if not self.names.is_role(one.value)]
        if not seen:
            return
        kept = next((one for one in reversed(seen) if self.names.tool(one.value)), seen[-1])
        for one in seen:
            if one is not kept:
                self.report(codes.REPEATED_RECIPIENT, one.word.start, one.word.end, "", "the last one is kept", field)
        values[field] = kept.value
        tool, evidence = self.names.nearest_tool(kept.value), "the only offered tool near it"
        if not tool and (tool := self.names.function_in(kept.value)):
            evidence = "the signs around it are not part of a name"
        if tool and tool != kept.value:
            self.report(codes.MISSPELT_RECIPIENT, kept.word.start, kept.word.end, tool, evidence, field, value=tool)

    def _decide_type(self) -> None:
        values, slots = self.reading.values, self.slots
        for _, _, word in self.types[:-1]:
            evidence = "the last one is kept"
            self.report(codes.REPEATED_CONTENT_TYPE, word.start, word.end, "", evidence, slots.content_type)
        if self.types:
            name, constrained, word = self.types[-1]
            values[slots.content_type] = name
            if slots.constrain:
                values[slots.constrain] = constrained
            if word.text != name:
                evidence = "it is spelled differently"
                self.report(codes.MISSPELT_CONTENT_TYPE, word.start, word.end, name, evidence, slots.content_type)
        places = [at for at, char in enumerate(self.header.mixed) if self._is_constrain(char)]
        for at in places[:-1]:
            self.report(codes.REPEATED_CONSTRAIN, at, at + 1, "", "the content type after the last one is kept")
        if places and not self.types and not self.channels_in_type and not self.has_unknown_type:
            at = places[-1]
            self.report(codes.EMPTY_CONTENT_TYPE, at, at + 1, "", "no content type after it", slots.content_type)

    def _is_constrain(self, char: str) -> bool:
        return self.header.form.format.by_marker.get(char) in self._leads(self.slots.constrain)

    # Used for both.

    def report(
        self, code: Code, start: int, end: int, taken_for: str, evidence: str, *fields: str, value: Any = None
    ) -> None:
        """Add a finding; set the first of `fields` to `value`, unless that is None."""
        self.reading.findings.append(HeaderFinding(code, start, end, taken_for, evidence, fields))
        if value is not None:
            self.reading.values[fields[0]] = value

    def _leads(self, *fields: str) -> tuple[str, ...]:
        return tuple(lead for name in fields for lead in self.recovery.leads.get(name, ()))

    def _model_role(self) -> str:
        return str(self.recovery.author[self.slots.role])

    def _lead_word(self) -> str:
        """Return the text that introduces a recipient, without the space before it; a null character if none does."""
        return next((lead.strip() for lead in self._leads(self.slots.recipient) if lead.strip()), "\0")

    def _report_spliced(self, word: Word) -> None:
        evidence = "the beginning of another header inside of this one"
        self.report(codes.SPLICED_HEADER, word.start, word.end, "", evidence)

    def _leading_name(self, text: str) -> str:
        """Return the name that a text begins with; an offered tool is a name as a whole."""
        if self.described or (self.names.tools and text in self.names.tools):
            return text
        match = re.match(self.recovery.word, text)
        return match[0] if match else ""

    def _read_after_name(self, word: Word, length: int) -> None:
        """Read the rest of a word after a name: the content if nothing else opens it, else unread text.

        `to=functions.noop>{}</assistant` was seen as one word.
        """
        if length == len(word.text):
            return
        word = Word(word.text[length:], word.start + length, word.end)
        after = self.header.mixed[word.end :]
        begins = word.text[0] in BRACKETS and not any(char in self.header.form.format.by_marker for char in after)
        if not self.opened and self.reading.text_start is None and (begins or not after.strip()):
            self.reading.text_start = word.start
        else:
            evidence = "it is not part of a name"
            self.report(codes.UNREAD_HEADER_TEXT, word.start, word.end, "", evidence, self.slots.recipient)
