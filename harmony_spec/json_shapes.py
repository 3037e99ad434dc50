"""The shapes of values in the JSON form: each reads, writes and describes the values of one type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, NamedTuple, Protocol

from .codes import INEXPRESSIBLE_MESSAGE, INVALID_CONVERSATION
from .errors import ConversationError, RenderError, near_misses, quoted
from .format.content_writing import without_date
from .format.contents import Contents, Record, deep_copy
from .source.message_tokens import MAX_TOKEN_ID, are_token_ids
from .tool_types.schema_references import pointer_to

AS_PARSED = "as_parsed"
"""The key of a content for the text from which it was read, if another text would be written for it."""

TYPE_KEY, TEXT_TYPE = "type", "text"
"""The key for the kind of a part of a content, and the kind and key of texts."""

JSON_TYPE_NAMES: dict[type, str] = {str: "string", bool: "boolean", dict: "object", list: "array", NoneType: "null"}

OF_CHAT = "This is a message of chat completions."
TOOLS_HINT = "Read the definitions with tools_from_json, and add the namespaces to a message that declares tools."
CALLS_HINT = f"{OF_CHAT} Write a message for each call, with the tool as its recipient."
RESULT_HINT = f"{OF_CHAT} Write the tool as the name of the author."
THOUGHT_HINT = f"{OF_CHAT} Write thoughts as a message of their own, before this one."
REQUEST_HINT = "This belongs to a request. Leave it out: a conversation has its messages only."
CHAT_HINTS = {
    **dict.fromkeys(("tools", "function", "strict", "parameters"), TOOLS_HINT),
    **dict.fromkeys(("tool_calls", "function_call"), CALLS_HINT),
    "tool_call_id": RESULT_HINT,
    **dict.fromkeys(("reasoning_content", "reasoning", "thinking"), THOUGHT_HINT),
    **dict.fromkeys(("tool_choice", "model", "response_format", "reasoning_effort", "stream"), REQUEST_HINT),
}
"""What to write in place of the keys of chat completions, and of tools by their `type`."""


class Shape(Protocol):
    """The values of one type, in JSON and in Python. `read` and `write` raise `Mismatch` for any other value."""

    def write(self, value: Any) -> Any: ...
    def read(self, value: Any) -> Any: ...
    def schema(self) -> dict[str, Any]: ...

    def expected(self) -> Sequence[str]:
        """What errors name: the types in the schema; one without a type is defined elsewhere, for an object."""
        schema = self.schema()
        named = (option.get("type", "object") for option in schema.get("anyOf", [schema]))
        return [kind for name in named for kind in ([name] if isinstance(name, str) else name)]


class Mismatch(Exception):
    """A value that has not the shape of its place. The steps to it are collected from the inside out."""

    def __init__(self, reason: str, expected: Iterable[object] = (), hint: str = "") -> None:
        self.reason, self.expected, self.hint = reason, tuple(map(str, expected)), hint
        self.steps: list[object] = []

    def refusal(self, index: int) -> RenderError:
        """The error for a message that cannot be written."""
        reason = f"{'.'.join(map(str, reversed(self.steps)))}: {self.reason}"
        return RenderError(INEXPRESSIBLE_MESSAGE, reason, expected=self.expected, index=index)

    def error(self) -> ConversationError:
        steps = self.steps[::-1]
        index = next((step for step in steps[1:2] if isinstance(step, int)), None)
        place: dict[str, Any] = {"pointer": pointer_to(steps), "index": index}
        return ConversationError(INVALID_CONVERSATION, self.reason, expected=self.expected, hint=self.hint, **place)


def _wrong(value: object, shape: Shape, hint: str = "") -> Mismatch:
    return Mismatch(f"wrong value {quoted(value)}", shape.expected(), hint)


def _unknown(what: str, name: object, known: Iterable[str], step: object = None, hint: str = "") -> Mismatch:
    """A value or field that is not one of the known ones; `step` leads to it from the value that is read."""
    listed = list(known)
    near = near_misses(str(name), listed)
    mismatch = Mismatch(f"unknown {what} {quoted(name)}{f'; did you mean {near[0]!r}?' if near else ''}", listed, hint)
    mismatch.steps += [] if step is None else [step]
    return mismatch


def _chat_hint(name: str, value: object) -> str:
    """What to write in place of a key of chat completions, by its name, its value, or a key inside of it."""
    inside = value[0] if isinstance(value, list) and value else value
    keys = (name, *(inside if isinstance(inside, dict) else [str(inside)]))
    return next((CHAT_HINTS[key] for key in keys if key in CHAT_HINTS), "")


def _at(step: object, convert: Callable[[Any], Any], value: Any) -> Any:
    """Read or write the value at a key or an index."""
    try:
        return convert(value)
    except Mismatch as mismatch:
        mismatch.steps.append(step)
        raise


@dataclass(eq=False, repr=False)
class PlainShape(Shape):
    """A value that is the same in JSON and in Python, of some types; of any type if there are none.

    Attributes:
        pattern: what a text matches.
        absent: a text that means no value.
    """

    types: tuple[type, ...] = ()
    pattern: str | None = None
    absent: str | None = None

    def write(self, value: Any) -> Any:
        if self.types and not isinstance(value, self.types):
            raise _wrong(value, self)
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise _wrong(value, self)
        return deep_copy(value)

    def read(self, value: Any) -> Any:
        written = PlainShape.write(self, value)  # what a subclass converts is converted when it is written only
        return None if value == self.absent else written

    def schema(self) -> dict[str, Any]:
        names = [JSON_TYPE_NAMES[kind] for kind in self.types]
        described: dict[str, Any] = {"type": names[0] if len(names) == 1 else names} if names else {}
        described |= {"pattern": f"^(?:{self.pattern})$(?!\\n)"} if self.pattern is not None else {}
        return described | ({"default": self.absent} if self.absent is not None else {})

    def expected(self) -> Sequence[str]:
        return (
            [f"a text that matches {self.pattern}"] if self.pattern else [JSON_TYPE_NAMES[kind] for kind in self.types]
        )


class ListedShape(Shape):
    """One of some values. If it has other spellings, these are written, and both are read; `absent` means no value."""

    def __init__(self, values: tuple[str | None, ...], spellings: Sequence[str], absent: str | None = None) -> None:
        folded = {str(value).casefold(): value for value in values}
        self.values: dict[str | None, str | None] = {spelling: folded[spelling.casefold()] for spelling in spellings}
        self.values |= {value: value for value in values} | ({absent: None} if None in values else {})
        self.written = {value: spelling for spelling, value in reversed(self.values.items())}

    def write(self, value: Any) -> Any:
        return self.written[self.read(value)]

    def read(self, value: Any) -> Any:
        if isinstance(value, str | None) and value in self.values:
            return self.values[value]
        raise _unknown("value", value, self.expected(), hint=RESULT_HINT if value == "function" else "")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.values)}

    def expected(self) -> Sequence[str]:
        return [str(value) for value in dict.fromkeys(self.values.values()) if value is not None]


@dataclass(eq=False, repr=False)
class ItemsShape(Shape):
    """A list; of records, it may be an object: a field of them is its key. In a record, null is an empty list."""

    item: Shape
    key: str | None = None
    is_part: bool = True

    def write(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch(f"wrong value {quoted(value)} of the type {type(value).__name__}", ["list"])
        items = [_at(index, self.item.write, item) for index, item in enumerate(value)]
        keys = [item[self.key] for item in items] if self.key else []
        return dict(zip(keys, items, strict=True)) if keys and keys == sorted(set(keys)) else items

    def read(self, value: Any) -> Any:
        if self.key and isinstance(value, dict):
            return [_at(key, self.item.read, value[key]) for key in sorted(value, key=str)]
        if not isinstance(value, list) and not (value is None and self.is_part):
            raise _wrong(value, self)
        return [_at(index, self.item.read, item) for index, item in enumerate(value or ())]

    def schema(self) -> dict[str, Any]:
        item, types = self.item.schema(), ["array", *["object"] * (self.key is not None), *["null"] * self.is_part]
        return {"type": types, "items": item} | ({"additionalProperties": item} if self.key else {})


@dataclass(eq=False, repr=False)
class JoinedShape(PlainShape):
    """Several fields of a message as one text, each with the text that a set flag has. The value is the message."""

    types: tuple[type, ...] = (str, NoneType)
    marks: Mapping[str, str | None] = field(kw_only=True)

    def write(self, value: Any) -> Any:
        held = ((getattr(value, name), mark) for name, mark in self.marks.items())
        return "".join(str(text) if mark is None else mark for text, mark in held if text) or None

    def read(self, value: Any) -> Any:
        found, text = dict[str, str | bool | None](), super().read(value) or ""
        for name, mark in self.marks.items():
            found[name] = text or None if mark is None else text.startswith(mark)
            text = text.removeprefix(mark).lstrip() if mark and found[name] else text
        return found


@dataclass(eq=False, repr=False)
class KeptTextShape(PlainShape):
    """The text from which a content was read, if it is not the one that is written for it. The value is the content."""

    types: tuple[type, ...] = (str,)
    contents: Contents = field(kw_only=True)

    def write(self, value: Any) -> Any:
        try:
            text = self.contents.write(value, {})
            return text if text != self.contents.write(value, {}, ()) else None
        except RenderError:
            return None

    def read(self, value: Any) -> Any:
        return {AS_PARSED: super().read(value)}

    def made(self, made: type[Record], **values: Any) -> Record:
        """Make a content, from its text if it is still that of this content."""
        text = values.pop(AS_PARSED, None)
        found = made(**values)
        read = None if text is None else self.contents.structure(made, text)
        return read if read is not None and read == found else found


class Property(NamedTuple):
    """A property of an object.

    Attributes:
        field: the field of the class that it holds; None if it holds several, see `JoinedShape`.
        absent: makes the value of the field if the property is missing.
        omitted: the values that are written as a missing property.
        empty: what is written for None.
    """

    shape: Shape
    field: str | None
    is_required: bool = False
    absent: Callable[[], Any] = NoneType
    omitted: tuple[Any, ...] = ()
    empty: str | None = None


@dataclass(eq=False, repr=False)
class ObjectShape(Shape):
    """An object with a property for each field of a class.

    Attributes:
        made: the class, or a function of its fields.
        tag: the kind, in a part of a content.
    """

    name: str
    made: Callable[..., Any]
    properties: dict[str, Property] = field(default_factory=dict)
    tag: str | None = None

    def write(self, value: Any) -> Any:
        if isinstance(self.made, type) and not isinstance(value, self.made):
            raise Mismatch(f"wrong value {quoted(value)}", [self.made.__name__])
        written: dict[str, Any] = {} if self.tag is None else {TYPE_KEY: self.tag}
        for name, each in self.properties.items():
            held = value if each.field is None else getattr(value, each.field)
            if held not in each.omitted:
                is_empty = held is None and not each.is_required and each.absent is NoneType
                item = each.empty if is_empty else _at(name, each.shape.write, held)
                if item is not None or each.field is not None:
                    written[name] = item
        return written

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, self)
        given: dict[str, Any] = {}
        for name, item in value.items():
            if (each := self.properties.get(name)) is not None:
                read = _at(name, each.shape.read, item)
                given |= read if each.field is None else {each.field: read}
            elif name != TYPE_KEY or self.tag is None:
                known = [*[TYPE_KEY] * (self.tag is not None), *self.properties]
                raise _unknown("field", name, known, name, _chat_hint(name, item))
        for name, each in self.properties.items():
            if name not in value:
                if each.is_required:
                    raise Mismatch(f"the field {name!r} is missing", each.shape.expected(), "Add it.")
                if each.field is not None:
                    given[each.field] = each.absent()
        return self.made(**given)

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}

    def definition(self) -> dict[str, Any]:
        tag = {} if self.tag is None else {TYPE_KEY: {"const": self.tag}}
        return {
            "type": "object",
            "required": [*tag, *(name for name, each in self.properties.items() if each.is_required)],
            "additionalProperties": False,
            "properties": tag | {name: each.shape.schema() for name, each in self.properties.items()},
        }


@dataclass(eq=False, repr=False)
class NullableShape(Shape):
    """An object, or null."""

    inner: ObjectShape

    def write(self, value: Any) -> Any:
        return value if value is None else self.inner.write(value)

    def read(self, value: Any) -> Any:
        return value if value is None else self.inner.read(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.inner.schema(), {"type": "null"}]}


@dataclass(eq=False, repr=False)
class OneOfShape(Shape):
    """One of several objects, whose kind is a property, or another value.

    Attributes:
        kinds: the objects by kind.
        structured: the objects by their class.
        plain: the shape of other values, if there are some.
    """

    kinds: Mapping[str, ObjectShape]
    structured: Mapping[type, ObjectShape]
    plain: Shape | None = None

    def write(self, value: Any) -> Any:
        kind = self.structured.get(type(value), self.plain)
        if kind is None:
            raise _wrong(value, self)
        return kind.write(value)

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            if self.plain is None:
                raise _wrong(value, self)
            return self.plain.read(value)
        if TYPE_KEY not in value:
            raise Mismatch(f"the field {TYPE_KEY!r} is missing", self.kinds, "Add it.")
        kind = value[TYPE_KEY]
        if not isinstance(kind, str) or kind not in self.kinds:
            raise _unknown("value", kind, self.kinds, TYPE_KEY)
        return self.kinds[kind].read(value)

    def schema(self) -> dict[str, Any]:
        plain = [] if self.plain is None else [self.plain.schema()]
        return {"anyOf": [*(kind.schema() for kind in self.kinds.values()), *plain]}

    def expected(self) -> Sequence[str]:
        return ["object", *(() if self.plain is None else self.plain.expected())]


@dataclass(eq=False, repr=False)
class ContentShape(Shape):
    """A text, or a list of parts: texts are joined, and one structured content is one part."""

    part: OneOfShape

    def write(self, value: Any) -> Any:
        is_text = type(value) not in self.part.structured
        return [{TYPE_KEY: TEXT_TYPE, TEXT_TYPE: value} if is_text else self.part.write(value)]

    def read(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            hint = "Write it as the only item of a list." if isinstance(value, dict) else ""
            raise _wrong(value, self, "Write an empty string if there is no text." if value is None else hint)
        parts = [_at(index, self.part.read, part) for index, part in enumerate(value)]
        try:
            return parts[0] if len(parts) == 1 else "".join(p if isinstance(p, str) else p.text() for p in parts)
        except RenderError as error:
            raise Mismatch(error.message, hint="Write it as the only part, or as a text.") from None

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "array"], "items": self.part.schema()}


class DateShape(PlainShape):
    """A date, as its text, which its class converts; or any other text."""

    def write(self, value: Any) -> Any:
        return super().write(without_date(value))


class IdsShape(Shape):
    """Token ids."""

    def write(self, value: Any) -> Any:
        return [*value]

    def read(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise _wrong(value, self)
        for index, item in enumerate(value):
            if not are_token_ids((item,)):
                mismatch = Mismatch(f"wrong value {quoted(item)}", [f"a token id from 0 to {MAX_TOKEN_ID}"])
                mismatch.steps.append(index)
                raise mismatch
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": MAX_TOKEN_ID}}


class VariantsShape(ItemsShape):
    """The names of alternatives of the grammar; null if they are the usual ones."""

    def write(self, value: Any) -> Any:
        return super().write([*value])

    def read(self, value: Any) -> Any:
        return None if value is None else tuple(super().read(value))


def read_whole(shape: Shape, value: object) -> Any:
    """Read a value of a shape. Raises `ConversationError`."""
    try:
        if isinstance(value, str):
            raise _wrong(value, shape, "Parse the JSON text first, with json.loads.")
        return shape.read(value)
    except Mismatch as mismatch:
        raise mismatch.error() from None
    except RecursionError:
        raise nested_too_deeply() from None
    except ValueError:  # Python writes no integer of thousands of digits
        raise ConversationError(INVALID_CONVERSATION, "an integer has too many digits") from None


def nested_too_deeply() -> ConversationError:
    return ConversationError(INVALID_CONVERSATION, "the value is nested too deeply")
