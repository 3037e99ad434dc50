"""Reads headers: by a rule of the grammar, or else as the cheapest reading, see `HeaderSearch`."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

from .. import codes
from ..format.cache_limits import MEMORY_PER_HEADER
from ..format.tables import Format
from ..source.forms import REPLACEMENT, Form
from .header_automaton import automaton_of
from .header_names import HeaderNames
from .header_reading import HeaderFinding, HeaderReading
from .header_search import HeaderSearch
from .header_text import HeaderText
from .known_names import KnownNames


class Headers:
    """Reads the headers of one input, through a cache.

    Args:
        strict: accept headers that a rule describes as they are, without checking names.
        max_cost: the most that the repair of a header may cost; None for the limit of the format.
    """

    def __init__(
        self, format: Format, form: Form, names: KnownNames, strict: bool, max_cost: int | None = None
    ) -> None:
        self.max_cost = max_cost
        self.format, self.form, self.names, self.strict = format, form, names, strict
        self.recovery = format.meaning
        self.forget()

    def forget(self) -> None:
        """Start with an empty cache, because the known names have changed."""
        caches, costs = self.form.caches, (self.max_cost, None)
        self.known, self.unlimited = (caches.of("headers", self.strict, cost, self.names.key) for cost in costs)
        self.prose = caches.of("prose", self.names.key)

    def read(
        self,
        begin: int,
        end: int,
        opener: str | None,
        lacks_start: bool,
        given: tuple[tuple[str, Any], ...],
        is_limited: bool = True,
    ) -> HeaderReading:
        """Read a part of the input as a header. The result is shared: do not change it.

        Args:
            opener: the token that follows and opens the content; None if there is none.
            lacks_start: the token that begins a message is missing.
            given: the fields of the open header that it continues; used at the start of the input only.
            is_limited: `max_cost` applies; not where this decides where a header ends, since its beginning may cost
                more than the whole.
        """
        cache, max_cost = (self.known, self.max_cost) if is_limited else (self.unlimited, None)
        key = (self.form.slice(begin, end), opener, lacks_start, given if begin == 0 else ())
        found = cache.get(key)
        if found is None:
            header = HeaderText(self.form, self.form.pieces(begin, end))
            begun = bool(header.pieces) and header.pieces[0][0] == self.recovery.begins
            continued = {} if begun else self.recovery.author if lacks_start else dict(given)
            found = self._read(header, dict(continued), opener, lacks_start, max_cost)
            found.mixed, found.has_strays = header.mixed, bool(header.strays)
            found.free_units = self.form.free_units(begin, end)
            found.is_clean = opener is not None and not (lacks_start or found.has_strays or found.findings)
            found.sides = self.format.sides(found.values)
            self.form.caches.remember(cache, key, found, end - begin)
        return found

    def is_prose(self, begin: int, end: int) -> bool:
        """Whether a part of the input without special tokens is prose, see `HeaderNames.is_prose`.

        Cached: a stream asks this of each header, and would take 7 % longer token by token.
        """
        key = self.form.slice(begin, end)
        found = self.prose.get(key)
        if found is None:
            found = self.words.is_prose(self.form.run(begin, end, 0)[0])
            self.form.caches.remember(self.prose, key, found, end - begin)
        return found

    def _read(
        self, header: HeaderText, given: dict[str, Any], opener: str | None, lacks_start: bool, max_cost: int | None
    ) -> HeaderReading:
        damaged, opened = header.damaged, opener is not None
        described = self.described(header.mixed, given, opener) if opener and damaged is None else None
        automaton = self.words.automaton
        begun = None
        if lacks_start and opener and damaged is None:
            rest = automaton.misspelt_start.sub("", header.mixed).lstrip()
            begun = self.described(automaton.begins + rest, {}, opener)
        # Any word may be the name of a tool, but no other header has a role.
        has_role = begun is not None and begun.values[self.recovery.slots.role] in self.recovery.roles
        if described and (self.strict or not automaton.is_of_words(described.values)):
            return described
        is_right, limit = bool(described or has_role), None if described else max_cost
        search = HeaderSearch(self.words, header.mixed, given, opened, lacks_start, is_right, limit)
        reading = search.read() or described or search.unread()
        if reading is described:
            return described
        for match in self.format.free_text_matcher.finditer(header.mixed):
            field = self.recovery.free_texts[self.format.by_marker[match[1]]]
            is_content = reading.text_start is not None and match.start(2) >= reading.text_start
            if not (is_content or reading.values.get(field)):
                reading.values[field] = reduce(str.removeprefix, self.recovery.leads[field], match[2]) or None
        for mark in filter(automaton.after_opener.get, header.mixed + self.format.markers.get(opener or "", "")):
            reading.values.update(automaton.after_opener[mark])
        if not opener:  # as the format requires it, so that the message can be written
            reading.values |= {name: value for name, value in automaton.usual if reading.values.get(name) is None}
        if opener:
            reading.values.update(automaton.opener_sets.get(opener, ()))
            reading.lacks_channel &= reading.values.get(self.recovery.slots.channel) is None
        if described:  # flags next to the token that opens the content
            reading.values |= {name: described.values[name] for name in reading.values.keys() - automaton.reads}
        if described and reading.values == described.values:
            return replace(described, lacks_channel=reading.lacks_channel, is_exact=not reading.cost)
        assumed = given if lacks_start else {}
        too_dear = max_cost is not None and reading.cost > max_cost
        if described and (too_dear or self._loses(described.values, assumed, reading, header.mixed)):
            return described
        damage = []
        if damaged is not None and (reading.text_start is None or damaged < reading.text_start):
            evidence = "not valid UTF-8"
            damage = [HeaderFinding(codes.INVALID_TEXT, damaged, damaged + 1, REPLACEMENT, evidence, ())]
        is_whole = begun is not None or (lacks_start and not header.mixed)  # but for the token before it
        if opened and not (reading.findings or damage or is_whole):
            required = (name for name in self.format.header_fields if name in self.format.required)
            missing = [name for name in required if reading.values.get(name) is None]
            differs = "order or white space" if reading.cost else "white space"
            other = f"the {differs} of its parts is not that of the grammar"
            evidence = f"{missing[0]} is missing" if missing else other
            taken = " ".join(str(value) for value in reading.values.values() if value and value is not True)
            reading.findings.append(HeaderFinding(codes.MISPLACED_PART, 0, len(header.mixed), taken, evidence, ()))
        findings = (each._replace(evidence=f"{each.evidence}; {reading.why}") for each in reading.findings)
        reading.findings = [*findings, *damage]
        return reading

    def _loses(self, values: dict[str, Any], assumed: dict[str, Any], reading: HeaderReading, mixed: str) -> bool:
        """Whether a reading drops what cannot be a mistake in a header that a rule describes.

        That is a value that the grammar lists; a flag apart from its field; a field that `[slots]` does not name, or a
        value that moves to one; the recipient of a header with such a field; and the author of one with other texts or
        tokens before names than usual: the costs of words do not tell names from mistakes there. What is `assumed` of a
        header without its beginning does not count.
        """
        automaton, slots = self.words.automaton, self.recovery.slots
        changed = {field for field, value in values.items() if reading.values.get(field) != value}
        listed = {field for field, value in values.items() if field in self.format.listed_values and value} - {*assumed}
        role = automaton.patterns.get(slots.role)
        if slots.role in listed and values.get(slots.name) and role and not role.fullmatch(values[slots.role]):
            listed.remove(slots.role)  # the name of an author implies it
        marked = {flag for field in changed for flag in automaton.marks.get(field, ())}
        flags = {field for field in changed if values[field] is True} - marked
        others = {field for field, value in values.items() if value and field not in slots}
        has_lead = any(label in mixed for label in automaton.token_leads)
        lost = slots.recipient in changed and not reading.values[slots.recipient]
        authored = bool(changed & {slots.role, slots.name})
        moved = {values[field] for field in changed} - {None, False}
        own = any(values[field] or reading.values.get(field) in moved for field in changed.difference(slots))
        return bool(changed & listed or flags or own or (lost and (others or has_lead)) or (authored and has_lead))

    @property
    def words(self) -> HeaderNames:
        """What the known names mean in headers, shared by conversations that know the same ones."""
        key = "header names", self.names.key
        found: HeaderNames | None = self.form.caches.get(key)
        if found is None:
            found = HeaderNames(self.format, self.names)
            self.form.caches.make_room(MEMORY_PER_HEADER * (1 + len(self.names.tools or ())))
            self.form.caches[key] = found
        return found

    def described(self, mixed: str, given: dict[str, Any], opener: str) -> HeaderReading | None:
        """Read a header that a rule describes before the token that opens the content; None for any other."""
        automaton = automaton_of(self.format)
        for frame in automaton.frames:
            values = {**self.format.defaults, **given}
            variants = frame.read(mixed + automaton.content_and_stop[opener], values)
            if variants is not None:
                del values[self.format.content]
                return HeaderReading(values, variants)
        return None

    def opening(self, begin: int, end: int) -> dict[str, Any] | None:
        """The fields of the open header that a prompt ends with; None if a part of the input is another one."""
        if self.format.open_frame is None:
            return None
        values = {name: self.format.defaults[name] for name in self.format.open_frame.fields}
        mixed = HeaderText(self.form, self.form.pieces(begin, end)).mixed
        return None if self.format.open_frame.read(mixed, values) is None else values
