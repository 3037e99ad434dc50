"""The recovering parser: strict parsing of valid messages, and the state machine for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..errors import ParseError, Span
from ..format.cache_limits import HeaderCache
from ..format.frames import Frame, Path
from ..format.offered_tools import offered
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..parsing.strict_parsing import Attempt, ParsedHeader, form_of
from ..source.forms import Form, TextForm
from ..source.saved_text import without_line_break
from .machine import Machine
from .recovered import BETWEEN, Recovered
from .stripped import read_stripped


def recover(
    format: Format,
    source: str | Sequence[int] | Form,
    start: str,
    given: dict[str, Any],
    tools: Iterable[Any] | None,
    stripped: bool,
    tokenizer: Tokenizer | None,
    max_repair_cost: int | None = None,
) -> Recovered[Any]:
    """Read an input along a start rule. Malformed input raises nothing.

    Args:
        format: the tables of the format.
        source: the text with special tokens spelled out, the token ids, or either as a form.
        start: the name of the start rule.
        given: fields that the input continues from an open header (for a completion).
        tools: the offered tools, as names or namespaces; None if they are not known.
        stripped: the special tokens may have been removed.
        tokenizer: decodes ordinary tokens; needed for token ids only.
        max_repair_cost: the most that the repair of a header may cost, in tenths; costlier headers are read as text.
    """
    format.require_start(start)
    known = offered(format, tools)

    def read(form: Form, stripped: bool) -> tuple[Recovered[Any], bool]:
        machine = Machine(format, form, start, given, known, max_repair_cost=max_repair_cost)
        if not (is_guessed := stripped and read_stripped(machine)):
            read_to_end(machine)
        return machine.output.recovered(machine.opening), is_guessed

    form = source if isinstance(source, Form) else form_of(format, source, tokenizer)
    found, is_guessed = read(form, stripped)
    if found.diagnostics and not is_guessed and isinstance(form, TextForm):
        text = without_line_break(form.units)
        if isinstance(text, str) and len(text) < len(form.units):
            saved, _ = read(TextForm(format, text), False)
            if not saved.diagnostics:  # an editor added the line break
                return replace(saved, gaps=[*saved.gaps, Span(len(text), len(form.units))])
    return found


def read_to_end(machine: Machine) -> None:
    """Read an input to its end: valid messages in one match each, everything else one special token at a time."""
    form, valid = machine.form, ValidMessages(machine)
    end = len(form.units)
    while machine.at < end:
        if valid.can_read():
            valid.read_all()
        for spelling, first, last in form.specials(machine.at):
            machine.read_special(spelling, first, last)
            if valid.can_read():
                break
        else:
            break
    machine.close(end)


class ValidMessages(Attempt):
    """Reads valid messages for which recovery has no diagnostic."""

    def __init__(self, machine: Machine) -> None:
        self.frame = machine.format.starts["transcript"][0].steps[0][0]
        super().__init__(machine.format, machine.form, Path(None, ((self.frame, "*"),)), {})
        self.machine, self.messages, self.bounds = machine, machine.output.messages, machine.output.bounds

    def can_read(self) -> bool:
        """Whether no message is open or pending, no stop token came, and the text is undamaged."""
        machine = self.machine
        return (
            machine.form.broken is None
            and machine.state == BETWEEN
            and machine.output.pending is None
            and machine.output.stopped is None
        )

    def read_all(self) -> None:
        """Read as many messages as follow."""
        self.at, before = self.machine.at, len(self.bounds)
        with suppress(ParseError):  # a content that is not UTF-8
            self.read_many(self.frame)
        if len(self.bounds) > before:
            self.machine.at = self.bounds[-1][3]

    def header_cache(self, frame: Frame) -> HeaderCache:
        """The cache of headers for the known names; False for one that recovery has a diagnostic for."""
        machine = self.machine
        return self.form.caches.of("described", machine.continued, machine.headers.max_cost, machine.names.key)

    @property
    def shapes(self) -> HeaderCache:
        """The headers without mistakes, by their shapes, whatever tools are offered; without names of tools, by ids.

        A reading without cost depends on nothing but which words are known names. So what holds for a header also holds
        with another offered tool in it, and for other tools in the conversation.
        """
        names, headers = self.machine.names, self.machine.headers
        key = "shapes", self.machine.continued, headers.max_cost, tuple(names.channels), names.tools is None
        return self.form.caches.of(*key)

    def read_header(self, frame: Frame, at: int, begin: int, stop: int, end: int, content: str) -> ParsedHeader | None:
        """Read a header; None if recovery has a diagnostic for it, or its content may declare tools."""
        form, shapes = self.form, self.shapes
        key = form.units[at:begin] + form.units[stop:end]
        found: ParsedHeader | None = shapes.get((key,))
        if found is None or self._shape(found) != found.head:
            found = super().read_header(frame, at, begin, stop, end, "")
            if found is not None and found.structure is None and not self._is_clean(found, at, begin, stop):
                found = None
            elif found is not None and (found.structure is not None or found.head in shapes):
                form.caches.remember(shapes, (key,), found, len(key))
        if found is not None and found.structure is None:
            return found
        form.caches.remember(self.header_cache(frame), key, False, len(key))
        return None

    def _is_clean(self, header: ParsedHeader, at: int, begin: int, stop: int) -> bool:
        """Whether recovery has no diagnostic for a header and the token that ends the message."""
        machine, recovery, shapes = self.machine, self.machine.recovery, self.shapes
        shape = self._shape(header)
        if shape is None or shape not in shapes:
            *_, (opener, _, header_end, _) = self.form.pieces(at, begin)
            reading = machine.headers.read(at, header_end, opener, lacks_start=False, given=())
            if reading.findings:
                return False
            if shape is not None and reading.is_exact:
                self.form.caches.remember(shapes, shape, header, len(shape))
        kind = recovery.closes[next(self.form.specials(stop))[0]]
        if kind == recovery.ends_calls_only and not header.values.get(recovery.slots.recipient):
            return False
        return not machine.continued or (kind is None and header.values[recovery.slots.role] != recovery.tool)

    def _shape(self, header: ParsedHeader) -> str | None:
        """A header without the names of the offered tools in it; None if another word is one, or may be near to one."""
        recovery, tools, mixed = self.machine.recovery, self.machine.names.tools or (), header.head
        for field, value in header.values.items():
            if not isinstance(value, str) or not value:
                continue
            if field not in (recovery.slots.recipient, recovery.slots.name):
                if value in tools:
                    return None
            elif value in tools and mixed.count(value) == 1:
                prefix = recovery.of_functions * value.startswith(recovery.of_functions)
                mixed = mixed.replace(value, f"{prefix}\0")
            elif value in tools or value not in recovery.roles:
                return None
        return mixed
