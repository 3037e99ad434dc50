"""What the fields of a header are, after all that was seen for them: one value each, and a mistake for each other."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from ..format.tables import Format, Recovery
from .header_reading import Finding, Reading, Seen
from .header_text import HeaderText, Word
from .known_names import BRACKETS, KnownNames, without_signs


class NearLead(NamedTuple):
    """What nearly introduces a recipient: `to:` and `recipient=` were seen in place of ` to=`.

    Attributes:
        words: the word of the grammar, and the name of the field.
        beside: such a word, a sign, and the name in one word; counts beside any other words.
        alone: also a typing mistake in it, no sign before the namespace of functions, or a sign only. Quotes, brackets
            and bullets introduce nothing: they stand around names in prose.
    """

    words: tuple[str, ...]
    beside: re.Pattern[str]
    alone: re.Pattern[str]


@lru_cache
def near_lead(lead: str, field: str, of_functions: str) -> NearLead:
    """Patterns for what is near the text that introduces a field."""
    word = without_signs(lead).lower()
    places = range(len(word))
    typos = {word[:at] + word[at + 1 :] for at in places} | {word[:at] + word[at] + word[at:] for at in places}
    typos |= {word[:at] + word[at : at + 2][::-1] + word[at + 2 :] for at in places}
    words = tuple(known for known in (word, field.lower()) if known)
    exact, near = ("|".join(sorted(map(re.escape, {*known} - {""})) or ["(?!)"]) for known in (words, typos))
    beside = rf"^\W*(?:{exact})\W*[=:]\W*"
    alone = rf"{beside}|^\W*(?:{near})\W*[=:]\W*|^\W*(?:{exact})(?:\W+|(?={re.escape(of_functions)}))|^[=:]+"
    return NearLead(words, re.compile(beside, re.IGNORECASE), re.compile(alone, re.IGNORECASE))


class Settling:
    """Values that were seen for the fields of a header, in the order of the header.

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
        self.number = self.last = 0
        self.empty_channel = self.odd_type = False
        self.wordy: set[int] = set()
        self.near_lead = near_lead(self._lead_word(), self.slots.recipient or "", recovery.of_functions)

    def settle(self) -> Reading:
        """Decide each field: channel, recipient, content type."""
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

    def _model(self) -> str:
        """The role of the model."""
        return str(self.recovery.author[self.slots.role])

    def _lead_word(self) -> str:
        """The text that introduces a recipient, without the space before it."""
        return next((lead.strip() for lead in self._leads(self.slots.recipient) if lead.strip()), "\0")

    def _spliced(self, word: Word) -> None:
        evidence = "the beginning of another header stands in this one"
        self.find("spliced-header", word.start, word.end, "", evidence)

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
        behind = self.header.mixed[word.end :]
        begins = word.text[0] in BRACKETS and not any(char in self.header.form.format.by_marker for char in behind)
        if not self.opened and self.reading.rest is None and (begins or not behind.strip()):
            self.reading.rest = word.start
        else:
            evidence = "it is no part of a name"
            self.find("unread-header-text", word.start, word.end, "", evidence, self.slots.recipient)

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
        text = self.reading.rest is not None and self.reading.values[self.slots.role] == self._model()
        if self.reading.values[field] is None and (self.loose or self.empty_channel or text):
            self.reading.headless = True

    def _take_channel(self, seen: Seen) -> None:
        name = str(self.names.channel(seen.value))
        self.reading.values[self.slots.channel] = name
        if seen.value == name:
            return
        if seen.value.startswith(name) and not self.opened and seen.segment == self.last:
            self.reading.rest = seen.word.start + len(name)
            return
        if seen.value.startswith(name) and (kind := self.names.content_type(seen.value[len(name) :])):
            self.types.insert(0, (kind, False, Word(kind, seen.word.end - len(kind), seen.word.end)))
        evidence = "it is near that one only"
        self.find("misspelt-channel", seen.word.start, seen.word.end, name, evidence, self.slots.channel)

    def _pass_channel(self, seen: Seen, counts: Seen | None) -> None:
        """A word in the place of a channel that is none, or not the one that counts."""
        start, end, field = seen.word.start, seen.word.end, self.slots.channel
        alone = seen.segment not in self.wordy
        if alone and not self.names.channel(seen.value) and self.names.bare_tool(seen.value):
            evidence = "the name of a tool stands where the channel belongs"
            tool = self.names.tool(seen.value) or self._name_in(seen.value)
            self.find("tool-as-channel", start, end, tool, evidence, self.slots.recipient)
            self.recipients.insert(0, seen._replace(value=tool))
            self.empty_channel = True
        elif self.names.is_role(seen.value):
            self._spliced(seen.word)
            self.empty_channel = True
        elif kind := self.names.content_type(seen.value):
            evidence = "a content type stands where the channel belongs"
            self.find("misplaced-part", start, end, kind, evidence, self.slots.content_type)
            self.types.append((kind, False, seen.word))
            self.empty_channel = True
        elif counts is not None:
            evidence = "the last name of a known channel counts"
            self.find("repeated-channel", start, end, "", evidence, field)
        elif seen is not self.channels[-1]:
            self.find("repeated-channel", start, end, "", "the last one counts", field)
        elif not self.opened and seen.segment == self.last and not re.search(r"\w", seen.value):
            self.reading.rest, self.reading.junk = start, True
        elif not self.opened and seen.segment == self.last and self.reading.rest is not None:
            self.reading.rest, self.reading.headless = start, True
        else:
            name = self._name_in(seen.value)
            if self.names.is_role(name) or self.names.content_type(name) or self.names.bare_tool(name):
                evidence = "it names something else"
                self.find("unread-header-text", start, start + len(name), "", evidence, field)
                self.empty_channel = True
            else:
                self.reading.values[field] = name or None
            self._beside(seen.word, len(name))

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
        tool, evidence = self.names.nearest_tool(counts.value), "of the offered tools, it is near that one only"
        if not tool and (tool := self.names.function_in(counts.value)):
            evidence = "what stands around it is no part of a name"
        if tool and tool != counts.value:
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
