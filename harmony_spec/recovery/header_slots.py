"""A header that no rule describes, repaired slot by slot: role, channel, recipient, content type.

What stands behind the special token or the text that introduces a field is evidence for that field; what stands where
no field is introduced is taken for what it names. docs/recovery.md explains the policy.
"""

from __future__ import annotations

from .header_author import Authors
from .header_reading import Reading, Seen
from .header_text import Segment, Word
from .known_names import LETTER


class Slots(Authors):
    """One reading of a header by its slots."""

    def read(self) -> Reading:
        """Fill the slots from the segments in turn, then settle each."""
        segments = [s for s in self.header.segments() if s.marker is not None or s.words]
        in_type = False
        self.last = len(segments) - 1
        self.wordy = {number for number, segment in enumerate(segments) if self._wordy(segment)}
        for number, segment in enumerate(segments):
            self.number = number
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
            self.reading.rest = segment.start
            self.reading.headless = True
            return
        words = segment.words
        if self._answers(words):
            self.reading.values |= {self.slots.role: self.recovery.tool, self.slots.name: words[0].text}
            words = words[1:]
        elif words and self._author(words[0], words[1:]):
            words = words[1:]
        self._words(number, words, last)

    def _role(self, number: int, segment: Segment, last: bool) -> None:
        if number:
            evidence = "the last one counts"
            self.find("repeated-start", segment.start, segment.start + 1, "", evidence)
        words = self.read_author(segment, last)
        if self.reading.rest is None:
            self._words(number, words, last)

    def _channel(self, number: int, segment: Segment, last: bool) -> None:
        lead = self._lead_word()
        if not segment.words or segment.words[0].text.startswith(lead):
            self.empty_channel = True
            evidence = "no name stands behind the channel token"
            self.find("empty-channel", segment.start, segment.start + 1, "", evidence, self.slots.channel)
            self._words(number, segment.words, last)
            return
        first, words = segment.words[0], segment.words[1:]
        found = (first.text.find(mark) for mark in (lead, self.recovery.of_functions))
        at = next((at for at in found if at > 0 and self.names.channel(first.text[:at])), 0)
        if at:
            evidence = "a recipient touches the name of the channel"
            self.find("misplaced-part", first.start, first.end, first.text[:at], evidence, self.slots.recipient)
            words = [Word(first.text[at:], first.start + at, first.end), *words]
            first = Word(first.text[:at], first.start, first.start + at)
        if words and self.names.is_role(first.text) and words[0].text in self.names.channels:
            self._spliced(first)
            first, words = words[0], words[1:]
        self.channels.append(Seen(first.text, first, number))
        self._words(number, words, last)

    def _type(self, number: int, segment: Segment, last: bool) -> None:
        """Words behind the token that introduces a content type."""
        self.constrains += segment.marker in self._leads(self.slots.constrain)
        left: list[Word] = []
        if segment.words and segment.words[0].start > segment.start + 1:
            evidence = "a space stands before it"
            word = segment.words[0]
            self.find("spaced-content-type", word.start, word.end, word.text, evidence, self.slots.content_type)
        wordy = number in self.wordy
        for word in segment.words:
            if word.text in self.names.channels:
                self.in_type.append(Seen(word.text, word, number))
            elif self.names.is_role(word.text):
                self._spliced(word)
            elif self._recipient(number, word, segment.words):
                pass
            elif (
                not self.recipients
                and self.recovery.namespace in word.text
                and (tool := self._tool_in(word, left, wordy, False))
            ):
                self._bare_recipient(number, word, tool, left)
            elif last and not self.opened and self._content_behind_type(word, left):
                break
            else:
                left.append(word)
            if self.reading.rest is not None:
                break
        self._type_of(left, bool(self.constrains))

    def _content_behind_type(self, word: Word, left: list[Word]) -> bool:
        """Whether the content begins in a word, where no token opens it: behind a type, or with no letter."""
        kind = self.names.content_type_in(word.text)
        if kind == word.text:
            return False
        if kind:
            left.append(Word(kind, word.start, word.start + len(kind)))
        elif word.text[0].isalnum() and not any(self.names.content_type(other.text) for other in left):
            return False
        self.reading.rest = word.start + len(kind)
        return True

    def _words(self, number: int, words: list[Word], last: bool) -> None:
        """Words in no field's place, each taken for what it names; the first that names nothing begins the rest."""
        left: list[Word] = []
        spliced = False
        text = last and not self.opened
        begin = self._prose(words) if text else len(words)
        wordy = number in self.wordy
        for word in words[:begin]:
            if self._recipient(number, word, words):
                self._type_of(left, False)
                left.clear()
            elif self.names.is_role(word.text):
                self._spliced(word)
                spliced = True
            elif word.text in self.names.channels and (spliced or not self.channels):
                evidence = "the name of a channel stands without its token"
                self.find("bare-channel", word.start, word.end, word.text, evidence, self.slots.channel)
                self.channels.append(Seen(word.text, word, number))
            elif self.names.content_type(word.text):
                left.append(word)
            elif not self.recipients and (tool := self._tool_in(word, left, wordy, text)):
                self._bare_recipient(number, word, tool, left)
                self._type_of(left, False)
                left.clear()
            elif text:
                if kind := self.names.content_type_in(word.text):
                    word = Word(word.text[len(kind) :], word.start + len(kind), word.end)
                    self.types.append((kind, False, Word(kind, word.start - len(kind), word.start)))
                self.reading.rest = word.start
            elif not self._again(number, word):
                left.append(word)
            if self.reading.rest is not None:
                break
        if self.reading.rest is None and begin < len(words):
            self.reading.rest = words[begin].start
        self._type_of(left, False)

    def _prose(self, words: list[Word]) -> int:
        """The number of the word that begins a text, the names of roles and types that belong to it included."""
        named = (self._named(word) for word in words)
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

    def _again(self, number: int, word: Word) -> bool:
        """Whether a word behind the place of its field names what stands there already, or could."""
        joined = self.names.role_and_channel(word.text)
        if joined:
            self._spliced(word)
        if channel := joined[1] if joined else word.text if word.text in self.names.channels else None:
            self.in_type.append(Seen(channel, word, number))
            return True
        if any(word.text == seen.value for seen in self.recipients):
            evidence = "it stands there already"
            self.find("repeated-recipient", word.start, word.end, "", evidence, self.slots.recipient)
            return True
        return False

    def _tool_in(self, word: Word, left: list[Word], wordy: bool, text: bool) -> str:
        """The name in a word that counts as a recipient: one that is introduced, or a tool that stands alone.

        Args:
            left: the words before it that no field took.
            wordy: words stand beside it that are no parts of a header.
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

    def _bare_recipient(self, number: int, word: Word, text: str, left: list[Word]) -> None:
        """Take the name in a word for the recipient, and words before it for what should have introduced it."""
        start = word.start
        while left and self._is_lead(left[-1]):
            start = left.pop().start
        evidence = "the name of a tool stands without what introduces a recipient"
        tool = self.names.tool(text) or self.names.function_in(text) or self._name_in(text)
        self.find("bare-recipient", start, word.end, tool, evidence, self.slots.recipient)
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
        known = [word for word in left if self.names.nearest_content_type(word.text)]
        if known == left:
            self.types += ((str(self.names.nearest_content_type(word.text)), constrained, word) for word in left)
            return
        for word in left:
            evidence = "nothing says what it is" if len(left) == 1 else "several words stand there"
            name = "unknown-content-type" if constrained or word in known else "unread-header-text"
            self.odd_type |= constrained
            self.find(name, word.start, word.end, "", evidence, *[self.slots.content_type] * constrained)
