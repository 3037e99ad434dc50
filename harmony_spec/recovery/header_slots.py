"""A header that no rule describes, repaired slot by slot: role, channel, recipient, content type.

What stands behind the special token or the text that introduces a field is evidence for that field; what stands where
no field is introduced is taken for what it names. docs/recovery.md explains the policy.
"""

from __future__ import annotations

from typing import Any

from ..parsing import read_groups
from .header_reading import Reading, Seen
from .header_settling import Settling
from .header_text import Segment, Word
from .known_names import SEPARATOR


class Slots(Settling):
    """One reading of a header by its slots."""

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
        return self.settle()

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
        if not segment.words or segment.words[0].text.startswith(self._lead_word()):
            evidence = "no author stands behind the start token"
            author = self.recovery.author[first]
            self.find("missing-role", segment.start, segment.start + 1, author, evidence, first)
            self.empty_channel = True
            self._words(number, segment.words, last)
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
        named = self._named_author(text)
        if named and named[role] != recovery.tool:
            self.reading.values |= named
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
        tool = None if text.startswith(self._lead_word()) else self.names.tool(text)
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
        first, words = segment.words[0], segment.words[1:]
        at = first.text.find(lead)
        if at > 0 and self.names.channel(first.text[:at]):
            evidence = "a recipient touches the name of the channel"
            self.find("misplaced-part", first.start, first.end, first.text[:at], evidence, self.slots.recipient)
            words = [Word(first.text[at:], first.start + at, first.end), *words]
            first = Word(first.text[:at], first.start, first.start + at)
        self.channels.append(Seen(first.text, first, number))
        self._words(number, words, last)

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
            elif word.text.startswith(f"{self.recovery.namespace}{SEPARATOR}") and not self.recipients:
                self._bare_recipient(number, word)
            elif not self._recipient(number, word, segment.words):
                left.append(word)
        self._type_of(left, bool(self.constrains))

    def _words(self, number: int, words: list[Word], last: bool) -> None:
        """Words in no field's place, each taken for what it names; the first that names nothing begins the rest."""
        left: list[Word] = []
        spliced = False
        for word in words:
            if self._recipient(number, word, words):
                continue
            if self.names.is_role(word.text):
                self._spliced(word)
                spliced = True
            elif word.text in self.names.channels and (spliced or not self.channels):
                evidence = "the name of a channel stands without its token"
                self.find("bare-channel", word.start, word.end, word.text, evidence, self.slots.channel)
                self.channels.append(Seen(word.text, word, number))
            elif self.names.content_type(word.text):
                left.append(word)
            elif self.names.reads_as_tool(word.text) and not self.recipients:
                self._bare_recipient(number, word)
            elif last and not self.opened:
                if kind := self.names.content_type_in(word.text):
                    word = Word(word.text[len(kind) :], word.start + len(kind), word.end)
                    self.types.append((kind, False, Word(kind, word.start - len(kind), word.start)))
                self.reading.rest = word.start
                break
            else:
                left.append(word)
        self._type_of(left, False)

    def _bare_recipient(self, number: int, word: Word) -> None:
        evidence = "the name of a tool stands without what introduces a recipient"
        tool = self.names.tool(word.text) or self._name_in(word.text)
        self.find("bare-recipient", word.start, word.end, tool, evidence, self.slots.recipient)
        self.recipients.append(Seen(tool, word, number))

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
