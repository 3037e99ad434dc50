"""Converts conversations to their JSON form and back, by the tables of a codec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from .codes import INVALID_CONVERSATION
from .errors import ConversationError
from .format.content_json import TYPE_KEY, record_from_json, record_to_json
from .format.contents import Record
from .format.tables import Format
from .tool_types.schema_references import escaped

MAX_PROBLEM_CHARS = 200
"""How much of a message of `jsonschema` an error quotes, in code points: it may contain a whole conversation."""

OPENING_KEY = "opening"
"""The key for the open header at the end of a prompt."""


class Property(NamedTuple):
    """A property of a message in the JSON form.

    Attributes:
        name: the name of the property.
        parts: the fields whose texts it joins; a flag has the text that is written if it is set.
        absent: a value that means no value.
        always: written even without a value, as null.
    """

    name: str
    parts: tuple[tuple[str, str | None], ...]
    absent: str | None
    always: bool

    def write(self, message: object) -> str | bool | None:
        """The value for a message, or None."""
        texts = []
        for field, mark in self.parts:
            value: str | bool | None = getattr(message, field)
            if len(self.parts) == 1:
                return value
            if value:
                texts.append(str(value) if mark is None else mark)
        return "".join(texts) or None

    def read(self, value: str | bool | None) -> Iterator[tuple[str, str | bool | None]]:
        """Yield the fields in a value, with their values."""
        if len(self.parts) == 1:
            yield self.parts[0][0], None if value == self.absent else value
            return
        text = "" if value is None or value == self.absent else str(value)
        for field, mark in self.parts:
            if mark is None:
                yield field, text or None
            elif text.startswith(mark):
                yield field, True
                text = text.removeprefix(mark).lstrip()


def to_json(
    format: Format, schema: dict[str, Any], properties: tuple[Property, ...], messages: Sequence[Any]
) -> dict[str, Any]:
    """Convert messages to the JSON form. Each content is a list of one part."""
    format.require_messages(messages)
    order = list(schema["$defs"]["message"]["properties"])
    content = format.content
    structured = [index for index, message in enumerate(messages) if isinstance(message.content, Record)]
    for index in structured:
        format.require_content(messages[index].content, index)
    decided = format.contents.decide(messages) if structured else {}
    written = []
    for message in messages:
        entry: dict[str, Any] = {content: [_part(format, schema, message.content, decided)]}
        for item in properties:
            value = item.write(message)
            if item.always or value not in (None, False):
                entry[item.name] = value
        written.append({name: entry[name] for name in order if name in entry})
    return {"messages": written}


def from_json(format: Format, schema: dict[str, Any], properties: tuple[Property, ...], value: object) -> list[Any]:
    """Read the messages of a conversation. Raises `ConversationError` with the JSON pointer of the first problem."""
    _validate(schema, value)
    assert isinstance(value, dict)
    messages = []
    content = format.content
    for entry in value["messages"]:
        parts = entry[content]
        fields: dict[str, Any] = {content: _content(format, schema, parts)}
        for item in properties:
            if item.name in entry:
                fields.update(item.read(entry[item.name]))
        messages.append(format.message(**fields))
    return messages


def opening_from_json(format: Format, value: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of the open header of a prompt.

    Raises `ConversationError` with the JSON pointer of the first problem.
    """
    opening = value.get(OPENING_KEY, {})
    if not isinstance(opening, dict):
        raise _opening_error("", f"expected an object, got {json.dumps(opening)[:MAX_PROBLEM_CHARS]}")
    fields = next((frame.fields for frame in format.frames.values() if not frame.has_content), ())
    for name, item in opening.items():
        if name not in fields:
            raise _opening_error("", f"open headers have no field {name!r}; fields: {', '.join(fields)}")
        if not isinstance(item, str | None):
            raise _opening_error(f"/{name}", f"expected a string, got {json.dumps(item)[:MAX_PROBLEM_CHARS]}")
    return opening


def _opening_error(step: str, message: str) -> ConversationError:
    return ConversationError(INVALID_CONVERSATION, f"at /{OPENING_KEY}{step}: {message}")


def _part(format: Format, schema: dict[str, Any], content: object, decided: Mapping[str, bool]) -> dict[str, Any]:
    """Convert a content to a part, without flags that have the value which the conversation decides."""
    contents = format.contents
    if not isinstance(content, Record):
        return {TYPE_KEY: "text", "text": content}
    return {TYPE_KEY: contents.names[type(content)]} | _without(record_to_json(contents, schema, content), decided)


def _without(value: dict[str, Any], decided: Mapping[str, bool]) -> dict[str, Any]:
    found = {key: _without(item, decided) if isinstance(item, dict) else item for key, item in value.items()}
    return {key: item for key, item in found.items() if key not in decided or item != decided[key]}


def _content(format: Format, schema: dict[str, Any], parts: str | list[dict[str, Any]]) -> str | Record:
    """Read a content from its parts: a single part as it is, several as their joined texts."""
    if isinstance(parts, str):
        return parts
    read = [part["text"] if part[TYPE_KEY] == "text" else _record(format, schema, part) for part in parts]
    return read[0] if len(read) == 1 else "".join(item if isinstance(item, str) else item.text() for item in read)


def _record(format: Format, schema: dict[str, Any], part: dict[str, Any]) -> Record:
    value = {key: item for key, item in part.items() if key != TYPE_KEY}
    return record_from_json(format.contents, schema, part[TYPE_KEY], value)


def _validate(schema: dict[str, Any], value: object) -> None:
    import jsonschema
    from jsonschema.exceptions import best_match

    try:
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    except RecursionError:
        raise ConversationError(INVALID_CONVERSATION, "the value is nested too deeply") from None
    if not errors:
        return
    if isinstance(value, list):
        message = "a conversation is an object, not a list"
        raise ConversationError(INVALID_CONVERSATION, message, hint='Write {"messages": [...]} around the list.')
    first = min(errors, key=lambda error: [str(step).zfill(9) for step in error.absolute_path])
    error = best_match([first]) or first
    path = list(error.absolute_path)
    pointer = "".join(f"/{escaped(str(step))}" for step in path)
    index = path[1] if len(path) > 1 and isinstance(path[1], int) else None
    where = f"at {pointer}" if pointer else "at the top"
    message = _unknown_field(error.instance, error.schema) or error.message
    message = message if len(message) <= MAX_PROBLEM_CHARS else message[:MAX_PROBLEM_CHARS] + "\u2026"
    hint = "Parse the JSON text first, with json.loads." if isinstance(value, str) else ""
    raise ConversationError(INVALID_CONVERSATION, f"{where}: {message}", index=index, hint=hint)


def _unknown_field(value: object, schema: Any) -> str:
    """The message for an object with a field that its schema does not allow; empty for other values.

    A misspelt required field is unknown and missing. The message names what is there.
    """
    known = list(schema.get("properties", ())) if isinstance(schema, dict) else []
    if not isinstance(value, dict) or not known or schema.get("additionalProperties") is not False:
        return ""
    name = next((name for name in value if name not in known), None)
    if name is None:
        return ""
    near = get_close_matches(str(name), known, n=1)
    suggestion = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown field {name!r}; {suggestion}allowed: {', '.join(known)}"
