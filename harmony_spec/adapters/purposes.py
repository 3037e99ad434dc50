"""The messages of a format by their purpose in a conversation: what Chat Completions spread over keys."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from types import ModuleType
from typing import Any, Literal, get_args, get_type_hints

from ..codec_loading import CodecError, default_codec, require
from ..format.contents import Record
from ..format.tables import Format
from ..recovery.machine import Machine

Purpose = Literal["instructions", "question", "result", "thoughts", "preamble", "call", "answer"]


class Purposes:
    """Makes messages of a codec by purpose, and tells the purpose of messages.

    The tables of the format have the channels and roles; `[[turn]]` of conversation.toml is the place for these kinds.
    """

    @classmethod
    def of(cls, codec: ModuleType | None) -> Purposes:
        """Those of a codec; by default of the one of this package."""
        return _purposes(codec or default_codec())

    def __init__(self, codec: ModuleType) -> None:
        self.codec = codec
        require(self.codec, "FUNCTION_NAMESPACE")
        self.format: Format = self.codec.FORMAT
        recovery = self.recovery = Machine.table(self.format)
        self.slots, self.definitions = recovery.slots, recovery.definitions
        self.model = recovery.author[self.slots.role]
        self.prefix = recovery.of_functions
        self.word = (
            re.compile(self.format.patterns[self.slots.recipient][0]) if self.slots.recipient else re.compile("")
        )
        if not all((recovery.thoughts, recovery.calls, recovery.answers, *self.slots)):
            raise CodecError(f"{self.codec.__file__}: this codec has no channels for thoughts, calls and answers")
        classes = self.format.contents.roles
        declares = [role for role, _ in self.definitions.holders if role in recovery.instructs[1:]]
        if not declares or declares[-1] not in classes:
            raise CodecError(f"{self.codec.__file__}: this codec has no instructions that declare functions")
        self.first, self.developer = recovery.instructs[0], declares[-1]
        self.settings, self.instructions = classes.get(self.first), classes[self.developer]
        self.tools = dict(self.definitions.holders)[self.developer]
        self.text = _text_field(self.instructions)
        self.forms = next((path.split(".")[1] for path in recovery.declared_answers), "")

    # Making.

    def make(self, purpose: Purpose, content: object, name: str | None = None, recipient: str | None = None) -> Any:
        """A message for a purpose. For a result, the name is the tool's."""
        slots, recovery = self.slots, self.recovery
        values: dict[str, Any] = {slots.role: self.model, slots.name: name}
        if purpose == "instructions":
            values[slots.role] = self.developer
        elif purpose == "question":
            values[slots.role] = recovery.asks
        elif purpose == "result":
            values |= {slots.role: recovery.tool, slots.recipient: self.model, slots.channel: recovery.calls}
        elif purpose == "call":
            values |= {slots.recipient: recipient, slots.channel: recovery.calls, slots.content_type: recovery.json}
        else:
            channels = {"thoughts": recovery.thoughts, "preamble": recovery.calls, "answer": recovery.answers}
            values[slots.channel] = channels[purpose]
        return self.format.message(**{self.format.content: content}, **values)

    def make_settings(self, content: Record) -> Any:
        """The message before all others."""
        return self.format.message(**{self.slots.role: self.first, self.format.content: content})

    # Reading.

    def purpose(self, message: Any) -> Purpose:
        """The purpose of a message. A message of the model that is nothing else is an answer."""
        slots, recovery = self.slots, self.recovery
        role, channel = getattr(message, slots.role), getattr(message, slots.channel)
        if role != self.model:
            if role == recovery.tool:
                return "result"
            return "instructions" if role in recovery.instructs else "question"
        recipient = getattr(message, slots.recipient)
        if recipient and recipient not in recovery.roles:
            return "call"
        if channel == recovery.thoughts:
            return "thoughts"
        return "preamble" if channel == recovery.calls else "answer"

    def get(self, message: Any, slot: str) -> Any:
        return getattr(message, getattr(self.slots, slot))

    def content(self, message: Any) -> str:
        """The text of a message; of instructions with a structure, that of the developer."""
        content = getattr(message, self.format.content)
        return content if isinstance(content, str) else getattr(content, self.text, None) or ""

    def tool_name(self, recipient: str) -> str:
        """The name of a tool in Chat Completions: functions without their namespace."""
        return recipient.removeprefix(self.prefix)

    def headers(self, messages: Any) -> list[tuple[Any, ...]]:
        """The fields that tell messages apart, without contents."""
        names = self.slots.role, self.slots.name, self.slots.channel, self.slots.recipient
        return [tuple(getattr(message, name) for name in names) for message in messages]

    def listed(self, made: type[Record], field: str) -> tuple[str, ...]:
        """The values that a field of a content may have; empty if there is no such field."""
        hint = get_type_hints(made).get(field)
        found = [value for option in get_args(hint) for value in get_args(option)] or list(get_args(hint))
        return tuple(value for value in found if isinstance(value, str))


_purposes = cache(Purposes)


def _text_field(made: type[Record]) -> str:
    """The field of a content for its text."""
    hints = get_type_hints(made)
    return next((each.name for each in fields(made) if str in get_args(hints[each.name])), "")
