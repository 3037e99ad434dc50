"""Structured contents: records, and the conversion of texts to records.

A text becomes a record only if the record is written as exactly that text. So nothing is lost, although the grammar
accepts more texts than are written.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from ..codes import INEXPRESSIBLE_MESSAGE, INVALID_TOOL
from ..errors import RenderError, Span, ToolError
from .cache_limits import CONTENT_CACHE_BYTES, MEMORY_PER_BYTE, SizedCache
from .content_reading import NO_MATCH, Reader
from .content_writing import MAX_QUOTED_VALUE_CHARS, Inexpressible, Layout, without_date
from .definitions import Definitions
from .rule_table import Rules

if TYPE_CHECKING:
    from .fused_rules import FusedRules

AROUND_ERROR_CHARS = 30
"""How much text an error quotes on each side of its position, in code points."""

FUSED_AFTER_CHARS = 200_000
"""How much text is read part by part before large patterns are compiled, in code points. Compiling them takes 0.1 s, as
long as reading so much text, and a short run or the first request of a server should not wait for it."""

StyleAlternatives = tuple[str, ...] | None
"""The alternatives that a style chooses; None for the style that writes what was read."""

R = TypeVar("R", bound="Record")


class Part:
    """A part of contents, for example a type. It equals a part of the same class with equal fields.

    The dataclasses of a codec share these methods: with methods of their own, its import takes 5 % longer.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__dataclass_fields__)

    def __repr__(self) -> str:
        return short_repr(self)


def to_date(value: Any) -> Any:
    """Convert the text of a date, as `date` writes it, to the date, also in a list; any other value stays."""
    if isinstance(value, list):
        return list(map(to_date, value))
    if isinstance(value, datetime):
        return value.date()
    try:
        found = date.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return found if found.isoformat() == value else value


def short_repr(value: Any) -> str:
    """The class of a dataclass, and the fields that differ from their defaults."""
    shown = []
    for part in fields(value):
        held, default = getattr(value, part.name), part.default
        if part.default_factory is not MISSING:
            default = part.default_factory()
        if part.repr and (default is MISSING or type(held) is not type(default) or held != default):
            try:
                text = repr(held)
            except RecursionError:  # a schema of a thousand levels; a log must not fail
                text = "..."
            shown.append(f"{part.name}={text}")
    return f"{type(value).__name__}({', '.join(shown)})"


class Record(Part):
    """A structured content, or a part of one. It equals any record with the same text, and the text itself."""

    __slots__ = ("_kept",)
    contents: ClassVar[Contents]
    _kept: tuple[tuple[str, ...], str, bytes]

    @property
    def variants(self) -> tuple[str, ...]:
        """The named alternatives of the grammar that this part was read from; not compared."""
        return self._kept[0] if hasattr(self, "_kept") else ()

    def keep(self, variants: tuple[str, ...], text: str) -> None:
        """Store the text from which this part was read, and the values that it has now."""
        if (values := self._values()) is not None:
            self._kept = variants, text, values

    def kept_text(self, just_read: bool) -> str | None:
        """The text from which this part was read; None if a value has changed since."""
        _, text, values = self._kept
        return text if just_read or values == self._values() else None

    def _values(self) -> bytes | None:
        """All values, to compare; None if they are nested too deep."""
        try:
            return marshal.dumps(snapshot(self)[1], 2)
        except ValueError:
            return None  # later versions than 2 write equal values in several ways

    def text(self) -> str:
        """Return the text of this part, as it was read. Raises `RenderError` if the format cannot express it."""
        return self.contents.write(self, {})

    def __eq__(self, other: object) -> bool:
        """Whether a str or a record of the same class has the same text, as it was read or in one style.

        Flags that are None match either value.
        """
        if not isinstance(other, (str, type(self))):
            return NotImplemented
        try:
            ways: list[StyleAlternatives] = [(), None, *self.contents.styles]
            if isinstance(other, str):
                return any(other in self._texts(chosen) for chosen in ways)
            return any(not self._texts(chosen).isdisjoint(other._texts(chosen)) for chosen in ways)
        except RenderError:
            return isinstance(other, Record) and snapshot(self) == snapshot(other)

    def _texts(self, chosen: StyleAlternatives) -> set[str]:
        """The texts of this record, for each value of the flags that the conversation decides."""
        decided = self.contents.decided
        return {self.contents.write(self, dict.fromkeys(decided, value), chosen) for value in (False, True)}


class Implied(NamedTuple):
    """A flag that the conversation decides: it is set if a list in some content has the functions of a developer.

    Attributes:
        flag: the field of the flag.
        role: the role of the messages that decide.
        field: the list of namespaces in their contents.
        definitions: how namespaces define tools.
    """

    flag: str
    role: str
    field: str
    definitions: Definitions

    def holds(self, content: object) -> bool:
        items = getattr(content, self.field, None)
        if not isinstance(items, (list, tuple)):  # of a wrong type, which the writer reports
            return False
        functions, namespace = self.definitions.functions, self.definitions.namespace
        named = [item for item in items if isinstance(item, Record) and namespace.get(item, "name") == functions]
        return any(namespace.get(item, "tools") for item in named)


class Contents:
    """The contents of a format: a class for each role, and the rules that read and write each class.

    Args:
        field: the field of messages for the role.
        rules: the rules.
        implied: the flags that a conversation decides.

    Attributes:
        roles: the classes of contents, by role.
        names: the names of all classes in the JSON form.
        styles: the alternatives that each style chooses for contents, if it chooses any.
    """

    def __init__(self, field: str, rules: Rules, implied: Sequence[Implied]) -> None:
        self.field, self.rules, self.implied = field, rules, implied
        self.read_chars = 0
        self.roles: dict[str, type[Record]] = {role: rules.classes[role] for role in rules.roles}
        own = {name: made for name, made in rules.classes.items() if issubclass(made, Record)}
        self.rule_of = {made: name for name, made in own.items()}
        self.names = {made: f"{name}_content" if name in self.roles else name for name, made in own.items()}
        self.decided = tuple(item.flag for item in implied)
        self.styles: list[StyleAlternatives] = []
        self._before_values: dict[str, tuple[str, ...]] = {}
        self.texts: SizedCache[str] = SizedCache(CONTENT_CACHE_BYTES)
        self.structures: SizedCache[Any] = SizedCache(CONTENT_CACHE_BYTES)
        for made in self.names:
            made.contents = self

    def read(self, made: type[Record], text: str, at: int = 0) -> tuple[Any, Reader]:
        """Read a text as a record, from a place. Returns it, or `NO_MATCH`, and the reader: where the record ends."""
        reader = Reader(text)
        reader.at = at
        return self.rules.reader(self.rule_of[made])(reader), reader

    def find_foreign(self, value: object) -> Record | None:
        """Return a record in a value that is not of a class of this format, such as one of another codec."""
        level: list[Any] = [value]
        seen = set[int]()
        while level:
            inner: list[Any] = []
            for kind in dict.fromkeys(map(type, level)):  # few, so that a value which is none of these costs nothing
                if not issubclass(kind, (Record, list)):
                    continue
                found = {id(item): item for item in level if type(item) is kind and id(item) not in seen}
                items: list[Any] = [*found.values()]
                seen.update(found)
                if issubclass(kind, list):
                    inner += chain.from_iterable(items)
                elif kind in self.names:
                    inner += chain.from_iterable(map(attrgetter(name), items) for name in kind.__dataclass_fields__)
                else:
                    foreign: Record = items[0]
                    return foreign
            level = inner
        return None

    def class_for(self, values: Mapping[str, Any]) -> type[Record] | None:
        """The class of structured contents in messages with these fields; None if there is none."""
        return self.roles.get(values.get(self.field, ""))

    def structure(self, made: type[R], text: str) -> R | None:
        """Read a text as a record; None if the record would be written differently."""
        key = made, text
        found: object = self.structures.get(key, NO_MATCH)
        if found is NO_MATCH:
            found = self._structure(made, text)
            values = len(found._kept[2]) if isinstance(found, Record) and hasattr(found, "_kept") else 0
            self.structures.put(key, freeze(found, just_read=True), MEMORY_PER_BYTE * max(len(text), values))
        else:
            found = thaw(found)
        return found if isinstance(found, made) else None

    @cached_property
    def fused(self) -> FusedRules:
        """The rules as few, large patterns, which take a while to compile."""
        from .fused_rules import FusedRules

        return FusedRules(self.rules)

    def _read_fused(self, made: type[Record], text: str) -> tuple[Any, Reader] | None:
        """Read a text as a record; None if the fused rules cannot read it."""
        from .fused_reading import FusedReader, Unfused

        reader = FusedReader(text)
        try:
            return self.fused.reader(self.rule_of[made])(reader), reader
        except Unfused:
            return None

    def _structure(self, made: type[R], text: str) -> R | None:
        self.read_chars += len(text)
        is_fused = self.read_chars >= FUSED_AFTER_CHARS
        found, reader = (is_fused and self._read_fused(made, text)) or self.read(made, text)
        if found is NO_MATCH or reader.at != len(text):
            return None
        values = (getattr(found, part.name) for part in fields(found))
        if any(isinstance(value, str) and value == text for value in values):
            return None  # the whole text is one field: a record adds nothing
        try:
            return found if self._write(found, Layout({}, just_read=True)) == text else None
        except RenderError:
            return None

    def write(self, record: Record, decided: Mapping[str, bool], chosen: StyleAlternatives = None) -> str:
        """Write a record.

        Args:
            decided: the flags of the conversation, used for those that are None in the record.
            chosen: the alternatives that the style chooses; None to write unchanged parts as they were read.
        """
        try:
            key = marshal.dumps((snapshot(record, as_parsed=chosen is None), tuple(decided.items()), chosen))
        except ValueError:
            return self._write(record, Layout(decided, chosen))
        text = self.texts.get(key)
        if text is None:
            text = self._write(record, Layout(decided, chosen))
            self.texts.put(key, text, len(key) + MEMORY_PER_BYTE * len(text))
        return text

    def _write(self, record: Record, layout: Layout) -> str:
        try:
            return self.rules.writer(self.rule_of[type(record)])(layout, record)
        except (AttributeError, TypeError) as error:
            message = f"{self.names[type(record)]} has a field of the wrong type: {error}"
            raise RenderError(INEXPRESSIBLE_MESSAGE, message) from None
        except RecursionError:
            message = f"{self.names[type(record)]} has a schema that is nested too deeply"
            raise RenderError(INEXPRESSIBLE_MESSAGE, message) from None
        except Inexpressible as error:
            problem = f"{self._name_of_part(record, error)}{error.rule}: {error.reason}"
            if error.place is None:
                raise RenderError(INEXPRESSIBLE_MESSAGE, problem) from None
            raise ToolError(INVALID_TOOL, problem, pointer=error.place, rule=error.rule) from None

    def _name_of_part(self, record: Record, error: Inexpressible) -> str:
        """The path of names to the innermost part of a record that by itself cannot be written for the same reason."""
        for value in (getattr(record, part.name) for part in fields(record)):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Record):
                    try:
                        self.rules.writer(self.rule_of[type(item)])(Layout({}), item)
                    except (AttributeError, TypeError):
                        continue
                    except Inexpressible as found:
                        if (found.rule, found.reason) != (error.rule, error.reason):
                            continue
                        name, inner = _first_text(item), self._name_of_part(item, error)
                        return f"{self.names[type(item)]}{f' {name}' if name else ''}: {inner}"
        return ""

    def is_understood(self, record: Record, text: str) -> bool:
        """Whether each type in a record, which was read from a text, was read, and has what it refers to."""
        try:
            self.write(record, {}, ())
        except RenderError:
            return False
        return not self.find_unread(type(record), text)

    def has_choice(self, role: str, text: str) -> bool:
        """Whether a line of a text begins as one with a value of a list, such as `Reasoning: `."""
        if role not in self._before_values:
            self._before_values[role] = tuple(self.rules.before_values(role))
        return any(f"\n{before}" in f"\n{text}" for before in self._before_values[role])

    def find_unread(self, made: type[Record], text: str) -> list[tuple[int, tuple[str, ...]]]:
        """Find the text that is not read as structure: each first wrong position, and what was expected there."""
        found, reader = self.read(made, text)
        is_whole = found is not NO_MATCH and reader.at == len(text)
        places = reader.unread if is_whole else [(reader.furthest, reader.expected)]
        return [(at, tuple(dict.fromkeys(expected))) for at, expected in places]

    def explain_unread(self, made: type[Record], text: str) -> ToolError:
        """Make the error for a text that cannot be read, or not be written again: where, and what was expected."""
        found, reader = self.read(made, text)
        if found is not NO_MATCH and reader.at == len(text) and not reader.unread:
            try:
                written = self.write(found, {}, ())
            except RenderError as error:
                message, named = f"the text cannot be written again: {error.message}", error.message.split("'")[1:2]
                at = max(text.find(named[0].rsplit("/", 1)[-1]), 0) if named else 0
                return ToolError(INVALID_TOOL, message, span=Span(at, len(text)))
            at = next((i for i, (a, b) in enumerate(zip(text, written, strict=False)) if a != b), len(text))
            expected = tuple(map(repr, filter(None, [written[at : at + MAX_QUOTED_VALUE_CHARS]])))
        else:
            at, expected = self.find_unread(made, text)[0]
        first = max(at - AROUND_ERROR_CHARS, 0)
        around = text[first : at + AROUND_ERROR_CHARS]
        return ToolError(
            INVALID_TOOL,
            f"the text does not match the format of {self.names[made]}",
            span=Span(at, at + 1),
            expected=expected,
            around=around,
            caret=at - first,
        )

    def text_of(self, message: Any, decided: Mapping[str, bool], chosen: StyleAlternatives) -> str:
        """The text of a structured content. Raises `RenderError` if its message has another role."""
        record, role = message.content, getattr(message, self.field)
        if type(record) is not self.roles.get(role):
            other = next((name for name, made in self.roles.items() if made is type(record)), None)
            place = f"is only allowed in {other} messages" if other else "is not the content of a message"
            problem = f"{type(record).__name__} {place}; this message has the role {role!r}"
            raise RenderError(INEXPRESSIBLE_MESSAGE, problem)
        return self.write(record, decided, chosen)

    def decide(self, messages: Sequence[Any]) -> dict[str, bool]:
        """Decide the flags that records leave to the conversation."""
        return {item.flag: self._holds(item, messages) for item in self.implied}

    def _holds(self, item: Implied, messages: Sequence[Any]) -> bool:
        contents = (message.content for message in messages if getattr(message, self.field) == item.role)
        return any(item.holds(self.as_record(item.role, content)) for content in contents)

    def as_record(self, role: str, content: object) -> object:
        """A content as a record, if its text can be read as one."""
        return self.structure(self.roles[role], content) if isinstance(content, str) and role in self.roles else content


def _first_text(record: Record) -> str:
    """The required text that a record begins with, which is its name; "" if there is none."""
    first = next(iter(record.__dataclass_fields__.values()), None)
    value = getattr(record, first.name) if first and first.default is MISSING else ""
    return value if isinstance(value, str) else ""


NO_CONTENTS = Contents("", Rules((), {}, {}), ())
"""For formats whose contents are all text."""


PLAIN_TYPES = frozenset({str, dict, bool, type(None)})
"""Types whose values a snapshot does not convert."""


def snapshot(value: Any, as_parsed: bool = False) -> Any:
    """Convert a record to plain data for `marshal`. Records with equal snapshots are written as equal texts."""
    if isinstance(value, Record):
        plain = [
            part if type(part := getattr(value, name)) in PLAIN_TYPES else snapshot(part, as_parsed)
            for name in value.__dataclass_fields__
        ]
        return type(value).__name__, plain, getattr(value, "_kept", ()) if as_parsed else ()
    if type(value) is list:
        return [snapshot(item, as_parsed) for item in value]
    return without_date(value)


class Frozen(NamedTuple):
    """A record or a dict that later changes do not reach.

    Attributes:
        made: its class.
        parts: its frozen values, or all of them for `marshal`.
        kept: the text that a record keeps.
    """

    made: type[Any]
    parts: list[Any] | bytes
    kept: tuple[Any, ...] = ()


def freeze(value: Any, just_read: bool = False) -> Any:
    """Freeze a record and all values in it. One that was just read shares what it kept, which is faster."""
    if isinstance(value, Record):
        kept, values = getattr(value, "_kept", ()), [getattr(value, name) for name in value.__dataclass_fields__]
        if just_read and kept and PLAIN_TYPES.issuperset(map(type, values)):
            return Frozen(type(value), kept[2], kept)
        return Frozen(type(value), [freeze(each, just_read) for each in values], kept)
    if type(value) is dict:
        try:
            return Frozen(dict, marshal.dumps(value))  # faster than each value
        except ValueError:  # nested too deep, or not JSON
            return Frozen(dict, [freeze([*item]) for item in value.items()])
    return [freeze(each, just_read) for each in value] if type(value) is list else value


def thaw(frozen: Any) -> Any:
    """Return a new value that is equal to the frozen one."""
    if type(frozen) is list:
        return [thaw(each) for each in frozen]
    if type(frozen) is not Frozen:
        return frozen
    made, parts, kept = frozen
    values = marshal.loads(parts) if isinstance(parts, bytes) else [thaw(each) for each in parts]
    if made is dict:
        return dict(values)
    record = made(*values)
    if kept:
        record._kept = kept
    return record


def deep_copy(value: Any) -> Any:
    """Copy a record and all values in it."""
    return thaw(freeze(value))
