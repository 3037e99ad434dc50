"""A header that no rule describes, repaired slot by slot: role, channel, recipient, content type.

What stands behind the special token or the text that introduces a field is evidence for that field; what stands where
no field is introduced is taken for what it names. docs/recovery.md explains the policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .header_text import HeaderText, Segment, Word
from .known_names import KnownNames
from .parsing import read_groups
from .tables import Format, Recovery


class Finding(NamedTuple):
    """A mistake in a header: the diagnostic's name, the place in the mixed text, and the fields that it concerns."""

    name: str
    start: int
    end: int
    taken_for: str
    evidence: str
    fields: tuple[str, ...]


@dataclass
class Reading:
    """What a header says.

    Attributes:
        values: the fields.
        variants: the named alternatives, where a rule describes the header.
        findings: the mistakes in it.
        rest: where text begins that belongs to no field, in the mixed text; None where there is none.
        headless: nothing says which channel it is, though something should.
        strays: special tokens stand in it that no rule has a place for.
        mixed: the header in the mixed alphabet.
    """

    values: dict[str, Any]
    variants: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    rest: int | None = None
    headless: bool = False
    strays: bool = False
    mixed: str = ""


class Seen(NamedTuple):
    """A value that was seen for a field: what it is, where, and in which segment."""

    value: str
    word: Word
    segment: int


class Slots:
    """One reading of a header by its slots.

    Args:
        described: a rule describes the header, so that only its words can be wrong.
        opened: the token that opens the content stands behind the header; without it, text that belongs to no field
            is the content.
        loose: the token that begins a message is missing.
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
        loose: bool,
    ) -> None:
        self.format, self.recovery, self.header, self.names = format, recovery, header, names
        self.slots, self.described, self.opened, self.loose = recovery.slots, described, opened, loose
        self.reading = Reading({**format.defaults, **given})
        self.channels: list[Seen] = []
        self.in_type: list[Seen] = []
        self.recipients: list[Seen] = []
        self.types: list[tuple[str, bool, Word]] = []
        self.constrains = 0
        self.last = 0
        self.empty_channel = self.odd_type = False

    def read(self) -> Reading:
        """Fill the slots from the segments in turn, then settle each."""
        segments = [s for s in self.header.segments() if s.marker is not None or s.words]
        in_type = False
        self.last = len(segments) - 1
        for number, segment in enumerate(segments):
            last = number == self.last
            if segment.marker is None:
                self._unmarked(number, segment, last)
            elif segment.marker == self.recovery.begins:
                self._role(number, segment, last)
            elif segment.marker in self._leads(self.slots.constrain, self.slots.content_type) or in_type:
                in_type = not segment.words
                self._type(number, segment, last)
            elif segment.marker in self._leads(self.slots.channel):
                self._channel(number, segment, last)
            else:
                self.find("stray-special-token", segment.start, segment.start + 1, "", "it has no place in a header")
                self._words(number, segment.words, last)
        self._settle_channel()
        self._settle_recipient()
        self._settle_type()
        return self.reading

    def find(
        self, name: str, start: int, end: int, taken_for: str, evidence: str, *fields: str, value: Any = None
    ) -> None:
        """Note a mistake, and the value that a field gets for it."""
        self.reading.findings.append(Finding(name, start, end, taken_for, evidence, fields))
        if value is not None:
            self.reading.values[fields[0]] = value

    def _leads(self, *fields: str) -> tuple[str, ...]:
        return tuple(lead for name in fields for lead in self.recovery.leads.get(name, ()))

    def _unmarked(self, number: int, segment: Segment, last: bool) -> None:
        """Words before any special token: a header that lost its beginning, or, if not all fit, text."""
        if not self.opened and last and self._unread(segment.words):
            self.reading.rest = segment.words[0].start
            self.reading.headless = True
            return
        words = segment.words
        if words and self._author(words[0]):
            words = words[1:]
        self._words(number, words, last)

    def _unread(self, words: list[Word]) -> bool:
        """Whether words are text rather than parts of a header."""
        lead = self._lead_word()
        return not all(
            word.text.startswith(lead)
            or self.names.is_role(word.text)
            or word.text in self.names.channels
            or self.names.role_and_channel(word.text)
            or self.names.content_type(word.text)
            for word in words
        )

    def _lead_word(self) -> str:
        """The text that introduces a recipient, without the space before it."""
        return next((lead.strip() for lead in self._leads(self.slots.recipient) if lead.strip()), "\0")

    def _role(self, number: int, segment: Segment, last: bool) -> None:
        first = self.slots.role
        self.reading.values.update(dict.fromkeys((first, self.slots.name)))
        if number:
            evidence = "the last one counts"
            self.find("repeated-start", segment.start, segment.start + 1, "", evidence)
        for word in segment.words[:1]:
            length = len(self._name_in(word.text))
            cut = Word(word.text[:length], word.start, word.start + length)
            if (whole := self._author(word)) or (length and self._author(cut)):
                self._beside(word, len(word.text) if whole else length)
                self._words(number, segment.words[1:], last)
                return
        self.reading.values |= self.recovery.author
        if not segment.words:
            evidence = "no author stands behind the start token"
            author = self.recovery.author[first]
            self.find("missing-role", segment.start, segment.end, author, evidence, first)
            return
        word = segment.words[0]
        name = self._name_in(word.text)
        if not name or (self._unread(segment.words[1:]) and not self.described):
            evidence = "text stands where the author belongs"
            self.find("missing-role", segment.start, segment.start + 1, self.recovery.author[first], evidence, first)
            self._words(number, segment.words, last)
            return
        self.reading.values |= {first: self.recovery.tool, self.slots.name: name}
        self._beside(word, len(name))
        self._words(number, segment.words[1:], last)

    def _author(self, word: Word) -> bool:
        """Whether a word says who wrote the message; sets the role, and the channel that is joined to it."""
        text, role, recovery = word.text, self.slots.role, self.recovery
        if self.names.is_role(text):
            self.reading.values |= {role: text, self.slots.name: None}
            return True
        if text in self.names.channels:
            self.reading.values |= recovery.author
            evidence = "the name of a channel stands where the author belongs"
            self.find("channel-as-role", word.start, word.end, text, evidence, role, self.slots.channel)
            self.channels.append(Seen(text, word, -1))
            return True
        if joined := self.names.role_and_channel(text):
            self.reading.values |= {role: joined[0], self.slots.name: None}
            taken = " ".join(joined)
            evidence = "it joins the names of a role and a channel"
            self.find("channel-as-role", word.start, word.end, taken, evidence, role, self.slots.channel)
            self.channels.append(Seen(joined[1], word, -1))
            return True
        named = self._named_author(text)
        if named and named[role] != recovery.tool:
            self.reading.values |= named
            return True
        tool = self.names.tool(text)
        if tool and tool != text:
            self.reading.values |= recovery.author
            evidence = "the name of an offered tool, without its namespace, stands where the author belongs"
            self.find("tool-as-role", word.start, word.end, tool, evidence, role, self.slots.recipient)
            self.recipients.append(Seen(tool, word, -1))
            return True
        return False

    def _named_author(self, text: str) -> dict[str, Any] | None:
        """The fields of an author as the grammar writes one."""
        for paths in self.format.starts.values():
            for frame, _ in paths[0].steps:
                if not frame.has_content:
                    match = frame.matcher.fullmatch(self.header.markers[self.recovery.begins] + text)
                    values: dict[str, Any] = dict.fromkeys(frame.fields)
                    if match:
                        read_groups(frame.groups, match.groups(), values)
                        return values
        return None

    def _channel(self, number: int, segment: Segment, last: bool) -> None:
        lead = self._lead_word()
        if not segment.words or segment.words[0].text.startswith(lead):
            self.empty_channel = True
            evidence = "no name stands behind the channel token"
            self.find("empty-channel", segment.start, segment.start + 1, "", evidence, self.slots.channel)
            self._words(number, segment.words, last)
            return
        self.channels.append(Seen(segment.words[0].text, segment.words[0], number))
        self._words(number, segment.words[1:], last)

    def _type(self, number: int, segment: Segment, last: bool) -> None:
        """Words behind the token that introduces a content type."""
        self.constrains += segment.marker in self._leads(self.slots.constrain)
        left = []
        if segment.words and segment.words[0].start > segment.start + 1:
            evidence = "a space stands before it"
            word = segment.words[0]
            self.find("spaced-content-type", word.start, word.end, word.text, evidence, self.slots.content_type)
        for word in segment.words:
            if word.text in self.names.channels:
                self.in_type.append(Seen(word.text, word, number))
            elif self.names.is_role(word.text):
                self._spliced(word)
            elif not self._recipient(number, word, segment.words):
                left.append(word)
        self._type_of(left, bool(self.constrains))

    def _words(self, number: int, words: list[Word], last: bool) -> None:
        """Words in no field's place, each taken for what it names; the first that names nothing begins the rest."""
        left: list[Word] = []
        for word in words:
            if self._recipient(number, word, words):
                continue
            if self.names.is_role(word.text):
                self._spliced(word)
            elif self.names.content_type(word.text):
                left.append(word)
            elif self.names.reads_as_tool(word.text) and not self.recipients:
                evidence = "the name of a tool stands without what introduces a recipient"
                tool = self.names.tool(word.text) or word.text
                self.find("bare-recipient", word.start, word.end, tool, evidence, self.slots.recipient)
                self.recipients.append(Seen(tool, word, number))
            elif last and not self.opened:
                self.reading.rest = word.start
                break
            else:
                left.append(word)
        self._type_of(left, False)

    def _spliced(self, word: Word) -> None:
        evidence = "the beginning of another header stands in this one"
        self.find("spliced-header", word.start, word.end, "", evidence)

    def _recipient(self, number: int, word: Word, words: list[Word]) -> bool:
        """Whether a word introduces a recipient; a name behind a space belongs to it."""
        lead = self._lead_word()
        if not word.text.startswith(lead):
            return bool(self.recipients) and self.recipients[-1].word is word
        text, start, owner = word.text[len(lead) :], word.start + len(lead), word
        following = next((other for other in words if other.start > word.start), None)
        if not text and following and (self.names.is_role(following.text) or self.names.reads_as_tool(following.text)):
            text, start, owner = following.text, following.start, following
        name = self._name_in(text)
        if not name:
            evidence = "no name stands behind it"
            self.find("empty-recipient", word.start, word.end, "", evidence, self.slots.recipient)
        self._beside(Word(text, start, owner.end), len(name))
        if name:
            self.recipients.append(Seen(name, owner, number))
        return True

    def _name_in(self, text: str) -> str:
        """The name that a text begins with: an offered tool as it is, else characters that names are made of."""
        if self.described or (self.names.tools and text in self.names.tools):
            return text
        match = re.match(self.recovery.word, text)
        return match[0] if match else ""

    def _beside(self, word: Word, length: int) -> None:
        """What a word holds behind a name: the content, where nothing else opens it."""
        if length == len(word.text):
            return
        word = Word(word.text[length:], word.start + length, word.end)
        if not self.opened and self.reading.rest is None and word.end >= len(self.header.mixed.rstrip()):
            self.reading.rest = word.start
        else:
            evidence = "it is no part of a name"
            self.find("unread-header-text", word.start, word.end, "", evidence, self.slots.recipient)

    def _type_of(self, left: list[Word], constrained: bool) -> None:
        known = [word for word in left if self.names.content_type(word.text)]
        if len(left) == 1 and known:
            self.types.append((str(self.names.content_type(left[0].text)), constrained, left[0]))
            return
        for word in left:
            evidence = "nothing says what it is" if len(left) == 1 else "several words stand there"
            name = "unknown-content-type" if constrained or word in known else "unread-header-text"
            self.odd_type |= constrained
            self.find(name, word.start, word.end, "", evidence, *[self.slots.content_type] * constrained)

    def _settle_channel(self) -> None:
        """The last name that is a channel counts; one in another field's place only where nothing else fits."""
        field = self.slots.channel
        known = [seen for seen in self.channels if self.names.channel(seen.value)]
        counts = known[-1] if known else None
        for seen in self.channels:
            if seen is counts:
                self._take_channel(seen)
            else:
                self._pass_channel(seen, counts)
        weak = self.in_type[-1] if self.in_type else None
        called = weak and any(seen.segment == weak.segment for seen in self.recipients)
        answers = self.reading.values[field] == self.recovery.answers
        for seen in self.in_type:
            if seen is weak and called and (answers or not self.channels):
                evidence = "a recipient stands behind it, and answers have none"
                self.find(
                    "spliced-header", seen.word.start, seen.word.end, seen.value, evidence, field, value=seen.value
                )
            elif seen is weak and not self.channels:
                evidence = "no channel stands elsewhere"
                name = "channel-as-content-type"
                self.find(name, seen.word.start, seen.word.end, seen.value, evidence, field, value=seen.value)
            else:
                evidence = "it is no content type"
                type_field = self.slots.content_type
                self.find("channel-as-content-type", seen.word.start, seen.word.end, "", evidence, type_field)
        if self.reading.values[field] is None and (self.loose or self.empty_channel):
            self.reading.headless = True

    def _take_channel(self, seen: Seen) -> None:
        name = str(self.names.channel(seen.value))
        self.reading.values[self.slots.channel] = name
        if seen.value == name:
            return
        if seen.value.startswith(name) and not self.opened and seen.segment == self.last:
            self.reading.rest = seen.word.start + len(name)
            return
        evidence = "it is near that one only"
        self.find("misspelt-channel", seen.word.start, seen.word.end, name, evidence, self.slots.channel)

    def _pass_channel(self, seen: Seen, counts: Seen | None) -> None:
        """A word in the place of a channel that is none, or not the one that counts."""
        start, end, field = seen.word.start, seen.word.end, self.slots.channel
        if not self.names.channel(seen.value) and self.names.reads_as_tool(seen.value):
            evidence = "the name of a tool stands where the channel belongs"
            tool = self.names.tool(seen.value) or seen.value
            self.find("tool-as-channel", start, end, tool, evidence, self.slots.recipient)
            self.recipients.insert(0, seen._replace(value=tool))
        elif counts is not None:
            evidence = "the last name of a known channel counts"
            self.find("repeated-channel", start, end, "", evidence, field)
        elif seen is not self.channels[-1]:
            self.find("repeated-channel", start, end, "", "the last one counts", field)
        elif not self.opened and seen.segment == self.last and not re.search(r"\w", seen.value):
            self.reading.rest = start
        elif not self.opened and seen.segment == self.last and self.reading.rest is not None:
            self.reading.rest, self.reading.headless = start, True
        else:
            self.reading.values[field] = self._name_in(seen.value) or None
            self._beside(seen.word, len(self._name_in(seen.value)))

    def _settle_recipient(self) -> None:
        """The last name that is an offered tool counts, else the last; a role is whom nobody calls."""
        field, values = self.slots.recipient, self.reading.values
        seen = self.recipients
        if not self.described and values[self.slots.role] != self.recovery.tool:
            for one in (one for one in seen if self.names.is_role(one.value)):
                evidence = "a role is no tool"
                self.find("recipient-is-role", one.word.start, one.word.end, "", evidence, field)
            seen = [one for one in seen if not self.names.is_role(one.value)]
        if not seen:
            return
        counts = next((one for one in reversed(seen) if self.names.tool(one.value)), seen[-1])
        for one in seen:
            if one is not counts:
                self.find("repeated-recipient", one.word.start, one.word.end, "", "the last one counts", field)
        values[field] = counts.value
        tool = self.names.nearest_tool(counts.value)
        if tool and tool != counts.value:
            evidence = "of the offered tools, it is near that one only"
            self.find("misspelt-recipient", counts.word.start, counts.word.end, tool, evidence, field, value=tool)

    def _settle_type(self) -> None:
        values, slots = self.reading.values, self.slots
        for _, _, word in self.types[:-1]:
            evidence = "the last one counts"
            self.find("repeated-content-type", word.start, word.end, "", evidence, slots.content_type)
        if self.types:
            name, constrained, word = self.types[-1]
            values[slots.content_type] = name
            if slots.constrain:
                values[slots.constrain] = constrained
            if word.text != name:
                evidence = "it is written in other letters"
                self.find("misspelt-content-type", word.start, word.end, name, evidence, slots.content_type)
        places = [at for at, char in enumerate(self.header.mixed) if self._is_constrain(char)]
        for at in places[:-1]:
            self.find("repeated-constrain", at, at + 1, "", "the content type behind the last one counts")
        if places and not self.types and not self.in_type and not self.odd_type:
            at = places[-1]
            self.find("empty-content-type", at, at + 1, "", "no content type stands behind it", slots.content_type)

    def _is_constrain(self, char: str) -> bool:
        return self.header.form.format.by_marker.get(char) in self._leads(self.slots.constrain)
