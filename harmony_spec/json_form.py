"""The JSON form of conversations: one walk over the classes of a codec makes what reads, writes and describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date
from functools import cached_property, partial
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Protocol, Union, get_args, get_origin, get_type_hints

from .codes import INVALID_CONVERSATION
from .errors import ConversationError, RenderError, VocabularyError, near_misses
from .format.contents import Contents, Record, deep_copy
from .format.tables import Format
from .rendering.likeness import is_rendered_alike
from .source.forms import MAX_CODE_POINT
from .source.message_tokens import MessageTokens
from .tool_types.schema_references import escaped

MAX_QUOTED_CHARS = 60
"""How much of a wrong value an error quotes, in code points: it may contain a whole conversation."""

MESSAGES_KEY, OPENING_KEY, DIAGNOSTICS_KEY = "messages", "opening", "diagnostics"
"""The keys of a conversation: its messages, the fields of the open header at the end of a prompt, and what recovery
reported, which nothing reads."""

VARIANTS_KEY, TOKENS_KEY = "variants", "tokens"
"""The keys of a message for how it was read. They are written for messages that were read from token ids, and only if
the style that keeps spellings would write other ids without them."""

AS_PARSED = "as_parsed"
"""The key of a content for the text from which it was read, if another text would be written for it."""

TYPE_KEY, TEXT_TYPE = "type", "text"
"""The key for the kind of a part of a content, and the kind and key of texts."""

MESSAGE = "message"
"""The name of messages in the JSON form."""

JSON_TYPES: dict[type, str] = {str: "string", bool: "boolean", dict: "object", list: "array", NoneType: "null"}

CHAT = "This is a message of chat completions."
TOOLS_HINT = "Read the definitions with tools_from_json, and add the namespaces to a message that declares tools."
CALLS_HINT = f"{CHAT} Write a message for each call, with the tool as its recipient."
RESULT_HINT = f"{CHAT} Write the tool as the name of the author."
THOUGHT_HINT = f"{CHAT} Write thoughts as a message of their own, before this one."
REQUEST_HINT = "This belongs to a request. Leave it out: a conversation has its messages only."
CHAT_HINTS = {
    **dict.fromkeys(("tools", "function", "strict", "parameters"), TOOLS_HINT),
    **dict.fromkeys(("tool_calls", "function_call"), CALLS_HINT),
    "tool_call_id": RESULT_HINT,
    **dict.fromkeys(("reasoning_content", "reasoning", "thinking"), THOUGHT_HINT),
    **dict.fromkeys(("tool_choice", "model", "response_format", "reasoning_effort", "stream"), REQUEST_HINT),
}
"""What to write in place of the keys of chat completions, and of tools by their `type`."""


CHAT_KEYS = ("tool_calls", "function_call", "tool_call_id", "reasoning_content", "reasoning", "thinking")
"""Keys of messages that only chat completions have."""


def is_chat(row: object) -> bool:
    """Whether a row, or a list of messages, has keys that only chat completions have, or `prompt` and `completion`."""
    values = row if isinstance(row, dict) else {MESSAGES_KEY: row}
    found = [values.get(key) for key in (MESSAGES_KEY, "conversations", "tools")]
    messages, shared, tools = (
        [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else [] for listed in found
    )
    has_key = any(message.get(key) is not None for message in (*messages, *shared) for key in CHAT_KEYS)
    has_key |= any("from" in each for each in shared) or any(tool.get(TYPE_KEY) == "function" for tool in tools)
    return has_key or values.keys() >= {"prompt", "completion"}


class Shape(Protocol):
    """The values of one type, in JSON and in Python. `read` raises `Mismatch` for any other value."""

    def write(self, value: Any) -> Any: ...
    def read(self, value: Any) -> Any: ...
    def schema(self) -> dict[str, Any]: ...
    def expected(self) -> Sequence[str]: ...


class Mismatch(Exception):
    """A value that has not the shape of its place. The steps to it are collected from the inside out."""

    def __init__(self, reason: str, expected: Iterable[object] = (), hint: str = "") -> None:
        self.reason, self.expected, self.hint = reason, tuple(map(str, expected)), hint
        self.steps: list[object] = []

    def error(self) -> ConversationError:
        steps = self.steps[::-1]
        index = next((step for step in steps[1:2] if isinstance(step, int)), None)
        pointer = "".join(f"/{escaped(str(step))}" for step in steps)
        place: dict[str, Any] = {"pointer": pointer, "index": index}
        return ConversationError(INVALID_CONVERSATION, self.reason, expected=self.expected, hint=self.hint, **place)


def _quoted(value: object) -> str:
    quoted = repr(value) if isinstance(value, str) else json.dumps(value, default=repr, skipkeys=True)
    return quoted if len(quoted) <= MAX_QUOTED_CHARS else f"{quoted[:MAX_QUOTED_CHARS]}\u2026"


def _wrong(value: object, shape: Shape, hint: str = "") -> Mismatch:
    return Mismatch(f"wrong value {_quoted(value)}", shape.expected(), hint)


def _unknown(what: str, name: object, known: Iterable[str], step: object = None, hint: str = "") -> Mismatch:
    """A value or field that is not one of the known ones; `step` leads to it from the value that is read."""
    listed = list(known)
    near = near_misses(str(name), listed)
    mismatch = Mismatch(f"unknown {what} {_quoted(name)}{f'; did you mean {near[0]!r}?' if near else ''}", listed, hint)
    mismatch.steps += [] if step is None else [step]
    return mismatch


def _chat_hint(name: str, value: object) -> str:
    """What to write in place of a key of chat completions, by its name, its value, or a key inside of it."""
    inside = value[0] if isinstance(value, list) and value else value
    keys = (name, *(inside if isinstance(inside, dict) else [str(inside)]))
    return next((CHAT_HINTS[key] for key in keys if key in CHAT_HINTS), "")


def _at(step: object, shape: Shape, value: Any) -> Any:
    """Read the value at a key or an index."""
    try:
        return shape.read(value)
    except Mismatch as mismatch:
        mismatch.steps.append(step)
        raise


class PlainShape(NamedTuple):
    """A value that is the same in JSON and in Python, of some types; of any type if there are none.

    Attributes:
        pattern: what a text matches.
        absent: a text that means no value.
    """

    types: tuple[type, ...]
    pattern: str | None = None
    absent: str | None = None

    def write(self, value: Any) -> Any:
        return deep_copy(value)

    def read(self, value: Any) -> Any:
        if self.types and not isinstance(value, self.types):
            raise _wrong(value, self)
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise _wrong(value, self)
        return None if value == self.absent else deep_copy(value)

    def schema(self) -> dict[str, Any]:
        names = [JSON_TYPES[kind] for kind in self.types]
        described: dict[str, Any] = {"type": names[0] if len(names) == 1 else names} if names else {}
        described |= {"pattern": f"^(?:{self.pattern})$(?!\\n)"} if self.pattern is not None else {}
        return described | ({"default": self.absent} if self.absent is not None else {})

    def expected(self) -> Sequence[str]:
        return [f"a text that matches {self.pattern}"] if self.pattern else [JSON_TYPES[kind] for kind in self.types]


class ListedShape:
    """One of some values. If it has other spellings, these are written, and both are read."""

    def __init__(self, values: tuple[str | None, ...], spellings: Sequence[str]) -> None:
        folded = {str(value).casefold(): value for value in values}
        self.values: dict[str | None, str | None] = {spelling: folded[spelling.casefold()] for spelling in spellings}
        self.values |= {value: value for value in values}
        self.written = {value: spelling for spelling, value in reversed(self.values.items())}

    def write(self, value: Any) -> Any:
        return self.written.get(value, value)

    def read(self, value: Any) -> Any:
        if isinstance(value, str | None) and value in self.values:
            return self.values[value]
        raise _unknown("value", value, self.expected(), hint=RESULT_HINT if value == "function" else "")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.values)}

    def expected(self) -> Sequence[str]:
        return [str(value) for value in dict.fromkeys(self.values.values()) if value is not None]


class ItemsShape(NamedTuple):
    """A list; of records, it may be an object: a field of them is its key. In a record, null is an empty list."""

    item: Shape
    key: str | None = None
    is_part: bool = True

    def write(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        items = [self.item.write(item) for item in value]
        keys = [item[self.key] for item in items] if self.key else []
        return dict(zip(keys, items, strict=True)) if keys and keys == sorted(set(keys)) else items

    def read(self, value: Any) -> Any:
        if self.key and isinstance(value, dict):
            return [_at(key, self.item, value[key]) for key in sorted(value, key=str)]
        if not isinstance(value, list) and not (value is None and self.is_part):
            raise _wrong(value, self)
        return [_at(index, self.item, item) for index, item in enumerate(value or ())]

    def schema(self) -> dict[str, Any]:
        item = self.item.schema()
        return {"type": list(self.expected()), "items": item} | ({"additionalProperties": item} if self.key else {})

    def expected(self) -> Sequence[str]:
        return ["array", *["object"] * (self.key is not None), *["null"] * self.is_part]


class JoinedShape(NamedTuple):
    """Several fields of a message as one text, each with the text that a set flag has. The value is the message."""

    marks: Mapping[str, str | None]

    def write(self, value: Any) -> Any:
        held = ((getattr(value, name), mark) for name, mark in self.marks.items())
        return "".join(str(text) if mark is None else mark for text, mark in held if text) or None

    def read(self, value: Any) -> Any:
        if not isinstance(value, str | None):
            raise _wrong(value, self)
        found, text = dict[str, str | bool | None](), value or ""
        for name, mark in self.marks.items():
            found[name] = text or None if mark is None else text.startswith(mark)
            text = text.removeprefix(mark).lstrip() if mark and found[name] else text
        return found

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"]}

    def expected(self) -> Sequence[str]:
        return ["string", "null"]


class KeptTextShape(NamedTuple):
    """The text from which a content was read, if it is not the one that is written for it. The value is the content."""

    contents: Contents

    def write(self, value: Any) -> Any:
        try:
            text = self.contents.write(value, {})
            return text if text != self.contents.write(value, {}, ()) else None
        except RenderError:
            return None

    def read(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise _wrong(value, self)
        return {AS_PARSED: value}

    def made(self, made: type[Record], **values: Any) -> Record:
        """Make a content, from its text if it is still that of this content."""
        text = values.pop(AS_PARSED, None)
        found = made(**values)
        read = None if text is None else self.contents.structure(made, text)
        return read if read is not None and read == found else found

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def expected(self) -> Sequence[str]:
        return ["string"]


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


@dataclass(eq=False)
class ObjectShape:
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
        written: dict[str, Any] = {} if self.tag is None else {TYPE_KEY: self.tag}
        for name, each in self.properties.items():
            held = value if each.field is None else getattr(value, each.field)
            if held not in each.omitted:
                item = each.empty if held is None else each.shape.write(held)
                if item is not None or each.field is not None:
                    written[name] = item
        return written

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, self)
        given: dict[str, Any] = {}
        for name, item in value.items():
            if (each := self.properties.get(name)) is not None:
                read = _at(name, each.shape, item)
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

    def expected(self) -> Sequence[str]:
        return ["object"]


class NullableShape(NamedTuple):
    """An object, or null."""

    inner: ObjectShape

    def write(self, value: Any) -> Any:
        return value if value is None else self.inner.write(value)

    def read(self, value: Any) -> Any:
        return value if value is None else self.inner.read(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.inner.schema(), {"type": "null"}]}

    def expected(self) -> Sequence[str]:
        return ["object", "null"]


class PartShape(NamedTuple):
    """A part of a content: a text, or a structured content. Its kind is a property."""

    kinds: Mapping[str, ObjectShape]
    structured: Mapping[type, ObjectShape]

    def write(self, value: Any) -> Any:
        kind = self.structured.get(type(value))
        return {TYPE_KEY: TEXT_TYPE, TEXT_TYPE: value} if kind is None else kind.write(value)

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, self)
        if TYPE_KEY not in value:
            raise Mismatch(f"the field {TYPE_KEY!r} is missing", self.kinds, "Add it.")
        kind = value[TYPE_KEY]
        if not isinstance(kind, str) or kind not in self.kinds:
            raise _unknown("value", kind, self.kinds, TYPE_KEY)
        return self.kinds[kind].read(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.schema() for kind in self.kinds.values()]}

    def expected(self) -> Sequence[str]:
        return ["object"]


class ContentShape(NamedTuple):
    """A text, or a list of parts: texts are joined, and one structured content is one part."""

    part: PartShape

    def write(self, value: Any) -> Any:
        return [self.part.write(value)]

    def read(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            hint = "Write it as the only item of a list." if isinstance(value, dict) else ""
            raise _wrong(value, self, "Write an empty string if there is no text." if value is None else hint)
        parts = [_at(index, self.part, part) for index, part in enumerate(value)]
        try:
            return parts[0] if len(parts) == 1 else "".join(p if isinstance(p, str) else p.text() for p in parts)
        except RenderError as error:
            raise Mismatch(error.message, hint="Write it as the only part, or as a text.") from None

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "array"], "items": self.part.schema()}

    def expected(self) -> Sequence[str]:
        return ["string", "array"]


class DateShape(NamedTuple):
    """A date, as its text, which its class converts; or any other text."""

    text: PlainShape

    def write(self, value: Any) -> Any:
        return date.isoformat(value) if isinstance(value, date) else value

    def read(self, value: Any) -> Any:
        return self.text.read(value)

    def schema(self) -> dict[str, Any]:
        return self.text.schema()

    def expected(self) -> Sequence[str]:
        return self.text.expected()


class IdsShape:
    """Token ids."""

    def write(self, value: Any) -> Any:
        return [*value]

    def read(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise _wrong(value, self)
        for index, item in enumerate(value):
            if type(item) is not int or not 0 <= item <= MAX_CODE_POINT:
                mismatch = Mismatch(f"wrong value {_quoted(item)}", [f"a token id from 0 to {MAX_CODE_POINT}"])
                mismatch.steps.append(index)
                raise mismatch
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": MAX_CODE_POINT}}

    def expected(self) -> Sequence[str]:
        return ["array"]


class VariantsShape(NamedTuple):
    """The names of alternatives of the grammar; null if they are the usual ones."""

    names: ItemsShape = ItemsShape(PlainShape((str,)))

    def write(self, value: Any) -> Any:
        return [*value]

    def read(self, value: Any) -> Any:
        return None if value is None else tuple(self.names.read(value))

    def schema(self) -> dict[str, Any]:
        return self.names.schema()

    def expected(self) -> Sequence[str]:
        return self.names.expected()


@dataclass(eq=False)
class JsonForm:
    """The JSON form of a format. The tables have what its classes do not say, by `NAME.FIELD` in the JSON form.

    Attributes:
        always: fields that are written even without a value: as null in messages, elsewhere as an empty text or list.
        absent: texts that mean no value.
        joined: properties of messages that hold several fields, with the texts of flags.
        keyed: lists that may be objects, with the field that is the key.
        spelled: the spellings that are written for the values of a field; those of the grammar are read, too.
        patterns: the patterns of texts.
    """

    format: Format
    always: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    keyed: Mapping[str, str] = field(default_factory=dict)
    spelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)

    def to_json(self, messages: Sequence[Any]) -> dict[str, Any]:
        """Convert messages. Each content is a list of one part, without flags that the conversation decides alike."""
        self.format.require_messages(messages)
        structured = [index for index, message in enumerate(messages) if isinstance(message.content, Record)]
        for index in structured:
            self.format.require_content(messages[index].content, index)
        written = [self.message.write(self._with_needed(message)) for message in messages]
        decided = self.format.contents.decide(messages) if structured else {}
        for index in structured:
            written[index][self.format.content] = _without(written[index][self.format.content], decided)
        return {MESSAGES_KEY: written}

    def from_json(self, value: object) -> list[Any]:
        """Read the messages of a conversation; raises `ConversationError`."""
        if isinstance(value, list):
            reason, hint = "a conversation is an object, not a list", 'Write {"messages": [...]} around the list.'
            raise Mismatch(reason, hint=hint).error()
        found: list[Any] = _read_whole(self.conversation, value)[MESSAGES_KEY]
        return found

    def message_to_json(self, message: Any) -> dict[str, Any]:
        """Convert one message."""
        written: dict[str, Any] = self.to_json([message])[MESSAGES_KEY][0]
        return written

    def message_from_json(self, value: object) -> Any:
        """Read one message; raises `ConversationError`."""
        return _read_whole(self.message, value)

    def _with_needed(self, message: Any) -> Any:
        """The message with those variants and token ids without which it would be rendered to other ids."""
        if message.tokens is None:
            return replace(message, variants=None)
        plain = replace(message, tokens=None, repair=None)
        again = self.message.read(self.message.write(plain)) if isinstance(message.content, Record) else plain
        needed = replace(
            message, variants=None if message.variants == self._usual_variants(message) else message.variants
        )
        try:
            is_usual = is_rendered_alike(
                self.format, replace(message, repair=None), replace(again, variants=message.variants)
            )
        except (RenderError, VocabularyError):  # not in a transcript of its own, or without its tokenizer
            is_usual = False
        return replace(needed, tokens=None) if is_usual else needed

    def _usual_variants(self, message: Any) -> tuple[str, ...]:
        """The alternatives that the default style writes in a message."""
        chosen = (*self.format.always, *self.format.styles[self.format.default_style])
        return tuple(rule.alternative for rule in chosen if rule.applies(message))

    def _made(self, **values: Any) -> Any:
        message = self.format.message(**values)
        if message.variants is None:
            message.variants = self._usual_variants(message)
        return message

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of conversations."""
        named = {
            made.name: made
            for made in (self.message, self._tokens, *self._part.kinds.values(), *self._records.values())
        }
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Conversation",
            **self.conversation.definition(),
            "$defs": {name: made.definition() for name, made in named.items()},
        }

    @cached_property
    def conversation(self) -> ObjectShape:
        properties = {
            MESSAGES_KEY: Property(ItemsShape(self.message, is_part=False), MESSAGES_KEY, is_required=True),
            OPENING_KEY: Property(self.opening, OPENING_KEY),
            DIAGNOSTICS_KEY: Property(PlainShape(()), DIAGNOSTICS_KEY),
        }
        return ObjectShape("conversation", dict, properties)

    @cached_property
    def message(self) -> ObjectShape:
        made = self.format.message
        hints, defaults = self._hints, {part.name: part.default for part in fields(made)}
        owners = {name: owner for owner, marks in self.joined.items() for name in marks}
        found = ObjectShape(MESSAGE, self._made)
        for name in self.format.fields:
            path, is_required = f"{MESSAGE}.{name}", defaults[name] is MISSING
            if owner := owners.get(name):
                found.properties[owner] = Property(JoinedShape(self.joined[owner]), None)
            elif name == self.format.content:
                found.properties[name] = Property(ContentShape(self._part), name, is_required=True)
            else:
                omitted = () if is_required or path in self.always else (None, False)
                absent = bool if hints[name] is bool else NoneType
                found.properties[name] = Property(self._shape(hints[name], path), name, is_required, absent, omitted)
        found.properties[VARIANTS_KEY] = Property(VariantsShape(), VARIANTS_KEY, omitted=(None,))
        found.properties[TOKENS_KEY] = Property(NullableShape(self._tokens), TOKENS_KEY, omitted=(None,))
        return found

    @cached_property
    def _tokens(self) -> ObjectShape:
        names = ("header", "content", "stop")
        parts = {name: Property(IdsShape(), name, is_required=True) for name in names}
        parts["opening"] = Property(IdsShape(), "opening", absent=tuple, omitted=((),))
        return ObjectShape("message_tokens", MessageTokens.of, parts)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.format.message)

    @cached_property
    def opening(self) -> ObjectShape:
        """The open header of a prompt. Any field may be missing."""
        names = next((frame.fields for frame in self.format.frames.values() if not frame.has_content), ())
        shapes = {name: self._shape(self._hints[name] | None, f"{MESSAGE}.{name}") for name in names}
        return ObjectShape(OPENING_KEY, _present, {name: Property(shape, name) for name, shape in shapes.items()})

    @cached_property
    def _part(self) -> PartShape:
        properties = {TEXT_TYPE: Property(PlainShape((str,)), TEXT_TYPE, is_required=True)}
        text = ObjectShape(TEXT_TYPE, _text, properties, TEXT_TYPE)
        kinds = [self._record(made) for made in self.format.contents.roles.values()]
        kept = KeptTextShape(self.format.contents)
        for kind, made in zip(kinds, self.format.contents.roles.values(), strict=True):
            kind.tag, kind.made = kind.name, partial(kept.made, made)
            kind.properties[AS_PARSED] = Property(kept, None)
        structured = dict(zip(self.format.contents.roles.values(), kinds, strict=True))
        return PartShape({kind.name: kind for kind in (text, *kinds)}, structured)

    @cached_property
    def _records(self) -> dict[type[Any], ObjectShape]:
        return {}

    def _record(self, made: type[Any]) -> ObjectShape:
        if made in self._records:
            return self._records[made]
        found = self._records[made] = ObjectShape(self.format.contents.names[made], made)
        hints = get_type_hints(made)
        for part in fields(made):
            path, is_list = f"{found.name}.{part.name}", part.default_factory is list
            is_required = part.default is MISSING and part.default_factory is MISSING
            absent: Callable[[], Any] = list if is_list else bool if part.default is False else NoneType
            is_kept = is_required or path in self.always or not (is_list or part.default in (None, False))
            omitted = () if is_kept else (None, absent())
            empty = "" if path in self.always else None
            shape = self._shape(hints[part.name], path)
            found.properties[part.name] = Property(shape, part.name, is_required, absent, omitted, empty)
        return found

    def _shape(self, hint: Any, path: str) -> Shape:
        """The shape of a field by its type."""
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        nothing = (NoneType,) if NoneType in options else ()
        first, *others = (option for option in options if option is not NoneType)
        if get_origin(first) is Literal:
            return ListedShape((*get_args(first), *[None] * len(nothing)), self.spelled.get(path, ()))
        if get_origin(first) is list:
            return ItemsShape(self._shape(get_args(first)[0], path), self.keyed.get(path))
        if isinstance(first, type) and issubclass(first, Record):
            return NullableShape(self._record(first)) if nothing else self._record(first)
        if date in options:
            return DateShape(PlainShape((str, *nothing)))
        types = () if first is Any else tuple(get_origin(option) or option for option in (first, *others))
        return PlainShape((*types, *nothing) if types else (), self.patterns.get(path), self.absent.get(path))


def opening_from_json(format: Format, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the open header at the end of a prompt, in a conversation that `from_json` has read."""
    found: dict[str, Any] = JsonForm(format).opening.read(value.get(OPENING_KEY, {}))
    return found


def _read_whole(shape: Shape, value: object) -> Any:
    """Read a value of a shape. Raises `ConversationError`."""
    try:
        if isinstance(value, str):
            raise _wrong(value, shape, "Parse the JSON text first, with json.loads.")
        return shape.read(value)
    except Mismatch as mismatch:
        raise mismatch.error() from None
    except RecursionError:
        raise ConversationError(INVALID_CONVERSATION, "the value is nested too deeply") from None


def _text(text: str) -> str:
    return text


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _without(value: Any, decided: Mapping[str, bool]) -> Any:
    """A content without the flags that have the value which the conversation decides."""
    if isinstance(value, list):
        return [_without(item, decided) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _without(item, decided) if isinstance(item, dict) else item for key, item in value.items()}
    return {key: item for key, item in found.items() if key not in decided or item != decided[key]}
