"""Contents with a structure: records that know their text, and texts that are read into records.

A text is given as structure only if writing the structure gives back exactly that text. So nothing is lost, whatever
the grammar accepts beyond what is written.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields
from typing import Any, ClassVar, TypeVar

from ..codes import INEXPRESSIBLE_MESSAGE, INVALID_TOOL
from ..errors import RenderError, Span, ToolError
from .content_reading import NOTHING, Read, Reader
from .content_writing import LONGEST, Inexpressible, Layout, Write

CACHE = 256
"""How many contents are remembered, read and written: a server has few system and developer messages at a time."""

KEPT = 1_000_000
"""Longer contents, in code points, are read and written anew each time, so that the caches stay small."""

AROUND = 30
"""How much text an error shows on each side of the position."""

R = TypeVar("R", bound="Record")


class Record:
    """A content with a structure, or a part of one. It equals whatever has the same text, also the text itself."""

    __slots__ = ()
    contents: ClassVar[Contents]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def text(self) -> str:
        """The text of this part as messages hold it; raises `RenderError` for what the format cannot express."""
        return self.contents.write(self, {})

    def __eq__(self, other: object) -> bool:
        """Whether a text or a record says the same. What is left to the conversation may be either way."""
        if not isinstance(other, (str, type(self))):
            return NotImplemented
        try:
            texts = self._texts()
            return other in texts if isinstance(other, str) else not texts.isdisjoint(other._texts())
        except RenderError:
            return isinstance(other, Record) and snapshot(self) == snapshot(other)

    def _texts(self) -> set[str]:
        """The texts that this can be written as."""
        decided = self.contents.decided
        return {self.contents.write(self, dict.fromkeys(decided, value)) for value in (False, True)}


@dataclass(frozen=True)
class Implied:
    """A flag that the conversation decides: whether the content of a role lists something of a name that has parts.

    Attributes:
        flag: the field.
        role: of the messages that decide.
        field: the list in their contents.
        name: of the item in that list.
    """

    flag: str
    role: str
    field: str
    name: str

    def holds(self, content: object) -> bool:
        items = getattr(content, self.field, None) or ()
        return any(item.name == self.name and any(_parts(item)) for item in items)


def _parts(item: Any) -> list[Any]:
    return [value for part in fields(item) if isinstance(value := getattr(item, part.name), list)]


class Contents:
    """The contents of a format: a class for each role, and the functions that read and write each class.

    Args:
        field: of messages, which holds the role.
        roles: the classes of contents, by role.
        readers: for each class, what reads a text.
        writers: for each class, what writes one.
        implied: the flags that a conversation decides.
        names: of the classes, in the JSON form.
    """

    def __init__(
        self,
        field: str,
        roles: Mapping[str, type[Record]],
        readers: Mapping[type[Record], Read],
        writers: Mapping[type[Record], Write],
        implied: Sequence[Implied],
        names: Mapping[type[Record], str],
    ) -> None:
        self.field, self.roles, self.readers, self.writers, self.implied = field, roles, readers, writers, implied
        self.names, self.by_name = names, {name: made for made, name in names.items()}
        self.decided = tuple(item.flag for item in implied)
        self.texts: dict[Any, str] = {}
        self.structures: dict[tuple[type, str], Any] = {}
        for made in writers:
            made.contents = self

    def class_for(self, values: Mapping[str, Any]) -> type[Record] | None:
        """The class of the contents of messages with these fields."""
        return self.roles.get(values.get(self.field, ""))

    def structure(self, made: type[R], text: str) -> R | None:
        """What a text says as a record of a class; None where it is not what such a record writes."""
        key = made, text
        found: object = self.structures.get(key, NOTHING)
        if found is NOTHING:
            found = self._structure(made, text)
            if len(text) <= KEPT:
                remember_content(self.structures, key, found)
        found = copied(found)
        return found if isinstance(found, made) else None

    def _structure(self, made: type[R], text: str) -> R | None:
        reader = Reader(text)
        found = self.readers[made](reader)
        if found is NOTHING or reader.at != len(text):
            return None
        values = (getattr(found, part.name) for part in fields(found))
        if any(isinstance(value, str) and value == text for value in values):
            return None  # all of it is one free text, so that it says no more as a structure
        try:
            return found if self.write(found, {}) == text else None
        except RenderError:
            return None

    def write(self, record: Record, decided: Mapping[str, bool]) -> str:
        """The text of a record.

        Args:
            record: what to write.
            decided: the flags that the conversation decides, for those that the record leaves open.
        """
        try:
            key = marshal.dumps((snapshot(record), tuple(decided.items())))
        except ValueError:
            return self._write(record, decided)
        text = self.texts.get(key)
        if text is None:
            text = self._write(record, decided)
            if len(text) <= KEPT:
                remember_content(self.texts, key, text)
        return text

    def _write(self, record: Record, decided: Mapping[str, bool]) -> str:
        try:
            return self.writers[type(record)](Layout(decided), record)
        except (AttributeError, TypeError) as error:
            message = f"{self.names[type(record)]} holds a value of another type than it declares: {error}"
            raise RenderError(INEXPRESSIBLE_MESSAGE, message) from None
        except Inexpressible as error:
            said = f"{self._blamed(record)}{error.rule} cannot be written: {error.reason}"
            if error.place is None:
                raise RenderError(INEXPRESSIBLE_MESSAGE, said) from None
            raise ToolError(INVALID_TOOL, said, pointer=error.place, rule=error.rule) from None

    def _blamed(self, record: Record) -> str:
        """The name of the innermost part of a record that cannot be written by itself, with those around it."""
        for value in (getattr(record, part.name) for part in fields(record)):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Record):
                    try:
                        self.writers[type(item)](Layout({}), item)
                    except Inexpressible:
                        name = getattr(item, "name", "")
                        return f"{self.names[type(item)]}{f' {name}' if name else ''}: {self._blamed(item)}"
        return ""

    def unread(self, made: type[Record], text: str) -> ToolError:
        """Why a text is not what a record of a class is written as: how far it is, and what could follow there."""
        reader = Reader(text)
        found = self.readers[made](reader)
        if found is not NOTHING and reader.at == len(text):
            try:
                written = self.write(found, {})
            except RenderError as error:
                message, named = f"what the text says cannot be written: {error.message}", error.message.split("'")[1:2]
                at = max(text.find(named[0].rsplit("/", 1)[-1]), 0) if named else 0
                return ToolError(INVALID_TOOL, message, span=Span(at, len(text)))
            at = next((i for i, (a, b) in enumerate(zip(text, written, strict=False)) if a != b), len(text))
            expected: tuple[str, ...] = (repr(written[at : at + LONGEST]),)
        else:
            at, expected = reader.furthest, tuple(dict.fromkeys(reader.expected))
        first = max(at - AROUND, 0)
        around = text[first : at + AROUND]
        return ToolError(
            INVALID_TOOL,
            f"the text is not what {self.names[made]} is written as",
            span=Span(at, at + 1),
            expected=expected,
            around=around,
            caret=at - first,
        )

    def text_of(self, message: Any, decided: Mapping[str, bool]) -> str:
        """The text of a content with a structure; raises `RenderError` where it cannot stand in its message."""
        record, role = message.content, getattr(message, self.field)
        if type(record) is not self.roles.get(role):
            other = next((name for name, made in self.roles.items() if made is type(record)), "no")
            said = f"{type(record).__name__} is the content of {other} messages, and this is one of {role}"
            raise RenderError(INEXPRESSIBLE_MESSAGE, said)
        return self.write(record, decided)

    def decide(self, messages: Sequence[Any]) -> dict[str, bool]:
        """The flags that a conversation decides."""
        return {item.flag: self._holds(item, messages) for item in self.implied}

    def _holds(self, item: Implied, messages: Sequence[Any]) -> bool:
        """Whether some message decides that a flag is set."""
        contents = (message.content for message in messages if getattr(message, self.field) == item.role)
        return any(item.holds(self.given(item.role, content)) for content in contents)

    def given(self, role: str, content: object) -> object:
        """A content with its structure, if it has one."""
        return self.structure(self.roles[role], content) if isinstance(content, str) and role in self.roles else content


NO_CONTENTS = Contents("", {}, {}, {}, (), {})
"""Of a format whose contents are all plain text."""


def remember_content(cache: dict[Any, Any], key: Any, value: object) -> None:
    """Keep a value in a cache that starts anew when it is full, as that of the headers does."""
    if len(cache) >= CACHE:
        cache.clear()
    cache[key] = value


PLAIN = frozenset({str, dict, bool, type(None)})
"""What a snapshot takes as it is."""


def snapshot(value: Any) -> Any:
    """A record as plain data, which `marshal` can write: what equal snapshots write is equal."""
    if isinstance(value, Record):
        parts = [getattr(value, name) for name in value.__dataclass_fields__]
        return type(value).__name__, [part if type(part) in PLAIN else snapshot(part) for part in parts]
    if type(value) is list:
        return [snapshot(item) for item in value]
    return value


def copied(value: Any) -> Any:
    """A copy of a record, whose change leaves the one that is remembered alone."""
    if isinstance(value, Record):
        return type(value)(*[copied(getattr(value, name)) for name in value.__dataclass_fields__])
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    if type(value) is list:
        return [copied(item) for item in value]
    return value
