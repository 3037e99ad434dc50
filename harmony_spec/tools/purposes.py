"""The messages of a format by their purpose in a conversation: what Chat Completions spread over keys."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from types import ModuleType
from typing import Any, Literal, get_args, get_type_hints

from ..errors import CodecError
from ..format.contents import Record
from ..format.message_kinds import NO_KIND, Kind
from ..format.tables import Format, require
from .openai_tools import with_tools

Purpose = Literal["instructions", "question", "result", "thoughts", "preamble", "call", "answer"]

MODEL_KINDS: tuple[Purpose, ...] = ("thoughts", "call", "answer")
"""The kinds of messages of the model that the library knows, as `[[turn]]` of conversation.toml names them."""

NEEDED_KINDS: tuple[Purpose, ...] = ("result", *MODEL_KINDS)
NEEDED_SLOTS = ("name", "recipient")


class Purposes:
    """Makes messages of a codec by purpose, and finds the purpose of messages.

    The kinds of messages of the format have the roles and channels.
    """

    @classmethod
    def of(cls, codec: ModuleType | None) -> Purposes:
        """Those of a codec; by default of the one of this package."""
        return _purposes(with_tools(codec))

    def __init__(self, codec: ModuleType) -> None:
        self.codec = codec
        for needed in ("FUNCTION_NAMESPACE", "recover"):
            require(self.codec, needed)
        self.format: Format = self.codec.FORMAT
        recovery = self.recovery = self.format.meaning
        self.slots, self.definitions = recovery.slots, recovery.definitions
        self.model = recovery.author[self.slots.role]
        self.prefix = recovery.of_functions
        kinds, slots = self.format.kinds, self.slots
        lacking = [f"kind of messages `{name}`" for name in NEEDED_KINDS if name not in kinds]
        lacking += [f"`{slot}` in [slots]" for slot in NEEDED_SLOTS if not getattr(slots, slot)]
        if lacking:
            raise CodecError(f"{self.codec.__file__}: this codec cannot hold chats; its grammar has no {lacking[0]}")
        self.header = attrgetter(*filter(None, (slots.role, slots.name, slots.channel, slots.recipient)))
        self.word = re.compile(self.format.patterns[self.slots.recipient][0])
        classes = self.format.contents.roles
        self.developer = next((path.split(".")[0] for path in recovery.declared_tools), "")
        self.first = next((path.split(".")[0] for path in recovery.declared_builtin), "")
        asks = kinds[kinds["answer"].then[0]]
        if self.developer not in classes:
            raise CodecError(f"{self.codec.__file__}: this codec has no instructions that declare functions")
        self.settings, self.instructions = classes.get(self.first), classes[self.developer]
        self.tools = dict(self.definitions.holders)[self.developer]
        self.text = _text_field(self.instructions)
        self.forms = next((path.split(".")[1] for path in recovery.declared_answers), "")
        made: dict[Purpose, Kind] = {purpose: kinds[purpose] for purpose in NEEDED_KINDS}
        made |= {"question": asks, "instructions": self._kind_with_role(self.developer)}
        made["preamble"] = self._kind_with_role(self.model, made["call"])
        self.fields = {purpose: self._fields_of(kind) for purpose, kind in made.items()}
        self.fields["instructions"][slots.role] = self.developer
        if slots.channel and (channel := kinds["result"].value(slots.channel, self.fields["call"][slots.channel])):
            self.fields["result"] |= {slots.channel: channel}
        if slots.content_type:
            self.fields["call"] |= {slots.content_type: recovery.json}
        self.first_fields = self._fields_of(self._kind_with_role(self.first)) | {slots.role: self.first}
        for values in (*self.fields.values(), self.first_fields):
            self._require_fields(values)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy by the format, which is pickled by the name of its codec."""
        return _purposes_of, (self.format,)

    def _kind_with_role(self, role: str, default: Kind = NO_KIND) -> Kind:
        """The first kind of messages with a role, of those that the library does not know, and that call nothing."""
        kinds = ((kind, dict(kind.when)) for kind in self.format.turn if kind.name not in NEEDED_KINDS)
        fitting = (k for k, when in kinds if when.get(self.slots.role) == role and not when.get(self.slots.recipient))
        return next(fitting, default)

    def _fields_of(self, kind: Kind) -> dict[str, Any]:
        """The fields of all messages of a kind, with their values."""
        flags = {name for name, value in self.format.defaults.items() if value is False}
        wanted = (*kind.when, *kind.has)
        return {name: value for name, value in wanted if isinstance(value, str) or (value and name in flags)}

    def _require_fields(self, values: Mapping[str, Any]) -> None:
        """Chats say nothing of fields that only this format requires."""
        for field in fields(self.format.message):
            if field.init and field.default is MISSING and field.name not in (*values, self.format.content):
                raise CodecError(
                    f"{self.codec.__file__}: this codec cannot hold chats: messages need `{field.name}`; "
                    "set it in `has` of each [[turn]]"
                )

    # Making.

    def make(self, purpose: Purpose, content: object, name: str | None = None, recipient: str | None = None) -> Any:
        """A message for a purpose. For a result, the name is the tool's."""
        values = {self.slots.name: name, self.format.content: content}
        if recipient is not None:
            values[self.slots.recipient] = recipient
        return self.format.message(**self.fields[purpose], **values)

    def make_settings(self, content: Record) -> Any:
        """The message before all others."""
        return self.format.message(**self.first_fields, **{self.format.content: content})

    # Reading.

    def purpose(self, message: Any) -> Purpose:
        """The purpose of a message. Messages of the model that are of no other kind are preambles."""
        role = getattr(message, self.slots.role)
        if role != self.model:
            if role == self.recovery.tool:
                return "result"
            return "instructions" if role in (self.first, self.developer) else "question"
        kind = self.format.kind_of(message)
        if kind == "call" and getattr(message, self.slots.recipient) in self.recovery.roles:
            is_thought = self.get(message, "channel") == self.recovery.thoughts
            return "thoughts" if is_thought else "answer"
        return next((known for known in MODEL_KINDS if known == kind), "preamble")

    def get(self, message: Any, slot: str) -> Any:
        """The value of the field for a slot; None if the format has no such field."""
        return getattr(message, getattr(self.slots, slot), None)

    def set(self, message: Any, slot: str, value: object) -> None:
        """Set the field for a slot, if the format has one."""
        if name := getattr(self.slots, slot):
            setattr(message, name, value)

    def content(self, message: Any) -> str:
        """The text of a message; of instructions with a structure, that of the developer."""
        content = getattr(message, self.format.content)
        return content if isinstance(content, str) else getattr(content, self.text, None) or ""

    def tool_name(self, recipient: str) -> str:
        """The name of a tool in Chat Completions: functions without their namespace."""
        return recipient.removeprefix(self.prefix)

    def headers(self, messages: Any) -> list[tuple[Any, ...]]:
        """The fields that tell messages apart, without contents."""
        return [*map(self.header, messages)]

    def listed(self, made: type[Record], field: str) -> tuple[str, ...]:
        """The values that a field of a content may have; empty if there is no such field."""
        hint = get_type_hints(made).get(field)
        found = [value for option in get_args(hint) for value in get_args(option)] or list(get_args(hint))
        return tuple(value for value in found if isinstance(value, str))


_purposes = cache(Purposes)


def _purposes_of(format: Format) -> Purposes:
    return _purposes(sys.modules[format.message.__module__])


def _text_field(made: type[Record]) -> str:
    """The field of a content for its text."""
    hints = get_type_hints(made)
    return next((each.name for each in fields(made) if str in get_args(hints[each.name])), "")
