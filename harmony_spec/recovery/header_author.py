"""Who wrote a message: the first word of a header, as a rule describes it, or as what it nearly is."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

from ..parsing.strict_parsing import read_groups
from .header_reading import Seen
from .header_settling import Settling
from .header_text import Segment, Word
from .known_names import BRACKETS, without_signs

SIGN = re.compile("[=:]")
"""One of these tells `to: search`, which introduces a name, from "to search", which is English."""


class Authors(Settling):
    """Reads the author of a header."""

    def read_author(self, segment: Segment, last: bool) -> list[Word]:
        """Read what stands behind the token that begins a message; gives the words behind the author."""
        role, words = self.slots.role, segment.words
        self.reading.values.update(dict.fromkeys((role, self.slots.name)))
        if not words or words[0].text.startswith(self._lead_word()):
            self.reading.values |= self.recovery.author
            evidence = "no author stands behind the start token"
            self.find("missing-role", segment.start, segment.start + 1, self._model(), evidence, role)
            self.empty_channel = True
            return words
        word, others = words[0], words[1:]
        name = self._name_in(word.text)
        if self._author(word, others):
            return others
        if name and self._author(Word(name, word.start, word.start + len(name)), others):
            self._beside(word, len(name))
            return others
        if (left := self._near_author(word, others)) is not None:
            return left
        if name and name != word.text:  # signs that no name holds touch it
            left = self._near_author(Word(name, word.start, word.start + len(name)), others)
            if left is not None:
                self._beside(word, len(name))
                return left
        if name and (self.described or not self._unread(others)):
            self.reading.values |= {role: self.recovery.tool, self.slots.name: name}
            self._beside(word, len(name))
            return others
        begun = next((known for known in self.recovery.roles if word.text.startswith(known)), "")
        if begun and last and not self.opened:
            self.reading.values[role] = begun
            self.reading.rest = word.start + len(begun)
            return []
        self.reading.values |= self.recovery.author
        evidence = "text stands where the author belongs"
        self.find("missing-role", segment.start, segment.start + 1, self._model(), evidence, role)
        return words

    def _answers(self, words: list[Word]) -> bool:
        """Whether words begin the header of a tool: its name, and a role as recipient."""
        lead = self._lead_word()
        found = len(words) > 1 and words[1].text.startswith(lead) and self.names.is_role(words[1].text[len(lead) :])
        return found and not self.names.is_role(words[0].text) and self._name_in(words[0].text) == words[0].text

    def _unread(self, words: list[Word]) -> bool:
        """Whether words are text rather than parts of a header."""
        return not self._answers(words) and not all(map(self._named, words))

    def _named(self, word: Word) -> bool:
        """Whether a word introduces a recipient, or names a role, a channel or a content type."""
        return word.text.startswith(self._lead_word()) or self.names.is_named(word.text)

    def _wordy(self, segment: Segment) -> bool:
        """Whether words are more than parts of a header and one tool: then no name among them is a recipient by itself.

        "I will search for it" does not call a tool `search`, nor does "search user" or "run code": beside words that
        no special token introduces, even names of the format, a name without a namespace is a word of a text. A name
        with one may stand between them where the grammar has it. What begins like arguments is a content, and is not
        read.
        """
        words = segment.words[self._in_place(segment) :]
        if not self.opened:
            words = list(takewhile(lambda word: word.text[0] not in BRACKETS, words))
        tools: set[str] = set()
        places: list[int] = []
        is_plain = introduced = False
        for word in words:
            if word.text.startswith(self._lead_word()) or self._is_lead(word):
                introduced |= bool(SIGN.search(word.text))
                continue
            lead = self.near_lead.alone.match(word.text)
            name = word.text[lead.end() :] if lead else word.text
            name = name if lead and self.names.reads_as_tool(name) else self.names.bare_name(name)
            if self.names.is_named(word.text):
                places.append(2 * (self.names.content_type(word.text) is not None))
            elif name.startswith(self.recovery.of_functions) or self.names.is_offered(name):
                tools.add(self.names.tool(name) or name)
                places.append(1)
                is_plain |= (
                    self.recovery.separator not in name and not introduced and not (lead and SIGN.search(lead[0]))
                )
            elif not self.names.is_nearly_named(without_signs(word.text)):
                return True
            introduced = False
        return len(tools) > 1 or (is_plain and len(words) > 1) or places != sorted(places)

    def _in_place(self, segment: Segment) -> int:
        """How many words say what the special token before them introduces: one, or none."""
        if segment.marker is None or not segment.words:
            return 0
        text, names = segment.words[0].text, self.names
        if segment.marker == self.recovery.begins:
            named = self._named_author(text)
            author = named is not None and named[self.slots.role] != self.recovery.tool
            return int(author or bool(names.role_and_channel(text) or names.nearest_role(text)))
        bare = without_signs(text)
        is_other = names.is_role(bare) or names.content_type(bare) is not None
        if segment.marker in self._leads(self.slots.channel):
            return int(not is_other and names.is_nearly_named(bare))
        return int(names.content_type(text) is not None)

    def _is_lead(self, word: Word) -> bool:
        """Whether a word is nearly what introduces a recipient: its letters, or its signs."""
        return without_signs(word.text).lower() in self.near_lead.words or not word.text.strip("=:")

    def _author(self, word: Word, others: list[Word]) -> bool:
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
        is_bare = not text.startswith(self._lead_word()) and self.names.bare_tool(text)
        tool = self.names.tool(text) if is_bare else None
        if tool and tool != text and not self._answers([word, *others]) and self.number not in self.wordy:
            self.reading.values |= recovery.author
            evidence = "the name of an offered tool, without its namespace, stands where the author belongs"
            self.find("tool-as-role", word.start, word.end, tool, evidence, role, self.slots.recipient)
            self.empty_channel = True
            self.recipients.append(Seen(tool, word, -1))
            return True
        return False

    def _near_author(self, word: Word, others: list[Word]) -> list[Word] | None:
        """Read a word that is nearly an author, or begins with one; gives what is left of the words, or None."""
        role, text = self.slots.role, word.text
        at = text.find(self._lead_word())
        if at > 0 and self.names.is_role(text[:at]):
            self.reading.values |= {role: text[:at], self.slots.name: None}
            evidence = "a recipient touches the author"
            self.find("misplaced-part", word.start, word.end, text[:at], evidence, self.slots.recipient)
            return [Word(text[at:], word.start + at, word.end), *others]
        near = None if self.names.tool(text) or self._answers([word, *others]) else self.names.nearest_role(text)
        if near is None:
            return None
        self.reading.values |= {role: near, self.slots.name: None}
        self.find("misspelt-role", word.start, word.end, near, "it is near that one only", role)
        return others

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
