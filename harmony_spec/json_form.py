"""The JSON form of conversations: one walk over the classes of a codec makes what reads, writes and describes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date
from functools import cached_property, partial
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .errors import RenderError, VocabularyError
from .format.contents import Record
from .format.tables import Format
from .json_shapes import (
    AS_PARSED,
    TEXT_TYPE,
    TYPE_KEY,
    ContentShape,
    DateShape,
    IdsShape,
    ItemsShape,
    JoinedShape,
    KeptTextShape,
    ListedShape,
    Mismatch,
    NullableShape,
    ObjectShape,
    OneOfShape,
    PlainShape,
    Property,
    Shape,
    VariantsShape,
    nested_too_deeply,
    read_whole,
)
from .rendering.likeness import is_rendered_alike
from .rendering.originals import original_tokens, repair_of
from .source.message_tokens import MessageTokens, NoMessages

MESSAGES_KEY, OPENING_KEY, DIAGNOSTICS_KEY = "messages", "opening", "diagnostics"
"""The keys of a conversation: its messages, the fields of the open header at the end of a prompt, and what recovery
reported, which nothing reads."""

VARIANTS_KEY, TOKENS_KEY = "variants", "tokens"
"""The keys of a message for how it was read. They are written for messages that were read from token ids, and only if
the style that keeps spellings would write other ids without them."""

ORIGINAL_KEY = "original"
"""The key of a message for the token ids that recovery repaired, with a digest of what it was read as."""

OPENING_TOKENS_KEY = "opening_tokens"
"""The key of a prompt without messages for the token ids of its open header."""

MESSAGE = "message"
"""The name of messages in the JSON form."""

CHAT_KEYS = frozenset(
    [
        "tool_calls",
        "function_call",
        "tool_call_id",
        "reasoning_content",
        "reasoning",
        "thinking",
        "refusal",
        "annotations",
        "audio",
        "weight",
    ]
)
"""Keys of messages that only chat completions have."""

AUTHOR_KEYS = ("role", "from")
"""The keys of messages of chat completions and of ShareGPT for who wrote them."""

CHAT_PARTS = frozenset(("image_url", "input_audio", "file"))
"""The types of parts of contents that only chat completions have."""


def is_chat(row: object, known: Iterable[str] = ()) -> bool:
    """Whether a row, or a list of messages, has keys that only chat completions have, or `prompt` and `completion`.

    Lists may be JSON, as text. `known` are the fields of messages of the format; their names do not count.
    """
    values = row if isinstance(row, dict) else {MESSAGES_KEY: row, "conversations": row}
    messages, shared, tools = (_objects(values.get(key)) for key in (MESSAGES_KEY, "conversations", "tools"))
    keys = CHAT_KEYS.difference(known)
    has_key = any(not keys.isdisjoint(message) for message in (*messages, *shared))
    contents = [message.get("content") for message in messages]
    parts = [part for content in contents if isinstance(content, list) for part in content if isinstance(part, dict)]
    has_key |= any(part.get(TYPE_KEY) in CHAT_PARTS for part in parts if isinstance(part.get(TYPE_KEY), str))
    is_shared = "from" not in known and any(each.keys() >= {"from", "value"} for each in shared)
    has_key |= is_shared or any(tool.get(TYPE_KEY) == "function" for tool in tools)
    return has_key or values.keys() >= {"prompt", "completion"}


def _objects(listed: object) -> list[dict[str, Any]]:
    """The objects of a list, which may be JSON."""
    if isinstance(listed, str) and listed.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            listed = json.loads(listed)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


@dataclass(eq=False, repr=False)
class OriginalShape(NullableShape):
    """The token ids of a message that recovery repaired; null for other messages."""

    format: Format

    def write(self, value: Any) -> Any:
        return super().write(original_tokens(self.format, value))

    def read(self, value: Any) -> Any:
        return {ORIGINAL_KEY: super().read(value)}


@dataclass(eq=False, repr=False)
class JsonForm:
    """The JSON form of a format. The tables have what its classes do not say, by `RULE.FIELD` of the grammar.

    Attributes:
        always: fields that are written even without a value: as null in messages, elsewhere as an empty text or list.
        absent: texts that mean no value.
        joined: properties of messages that hold several fields, with the texts of flags.
        keyed: lists that may be objects, with the field that is the key.
        spelled: the spellings that are written for the values of a field; those of the grammar are read, too.
        patterns: the patterns of texts.
    """

    format: Format
    always: Sequence[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    keyed: Mapping[str, str] = field(default_factory=dict)
    spelled: Mapping[str, Sequence[str]] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    _records: dict[type[Any], ObjectShape] = field(default_factory=dict, init=False)
    _tagged: dict[str, ObjectShape] = field(default_factory=dict, init=False)

    def to_json(self, messages: Sequence[Any]) -> dict[str, Any]:
        """Convert messages. Each content is a list of one part, without flags that the conversation decides alike.

        Raises `RenderError` for a value of a wrong type, and `ConversationError` for a schema that is nested too
        deeply.
        """
        try:
            return self._written(messages)
        except RecursionError:
            raise nested_too_deeply() from None

    def _written(self, messages: Sequence[Any]) -> dict[str, Any]:
        self.format.require_values(messages)
        structured = [index for index, message in enumerate(messages) if isinstance(message.content, Record)]
        for index in structured:
            self.format.require_content(messages[index].content, index)
        written = [self._written_message(message, index) for index, message in enumerate(messages)]
        decided = self.format.contents.decide(messages) if structured else {}
        for index in structured:
            written[index][self.format.content] = _without(written[index][self.format.content], decided)
        opening = list(messages.tokens.opening) if isinstance(messages, NoMessages) and not messages else []
        return {MESSAGES_KEY: written} | ({OPENING_TOKENS_KEY: opening} if opening else {})

    def _written_message(self, message: Any, index: int) -> dict[str, Any]:
        try:
            written: dict[str, Any] = self.message.write(self._with_needed(message))
            return written
        except Mismatch as mismatch:
            raise mismatch.refusal(index) from None

    def from_json(self, value: object) -> list[Any]:
        """Read the messages of a conversation; raises `ConversationError`."""
        if isinstance(value, list):
            reason, hint = "a conversation is an object, not a list", 'Write {"messages": [...]} around the list.'
            raise Mismatch(reason, hint=hint).error()
        read = read_whole(self.conversation, value)
        found: list[Any] = read[MESSAGES_KEY]
        return found if found or not read[OPENING_TOKENS_KEY] else NoMessages(read[OPENING_TOKENS_KEY])

    def message_to_json(self, message: Any) -> dict[str, Any]:
        """Convert one message."""
        written: dict[str, Any] = self.to_json([message])[MESSAGES_KEY][0]
        return written

    def message_from_json(self, value: object) -> Any:
        """Read one message; raises `ConversationError`."""
        return read_whole(self.message, value)

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
        return self.format.chosen_for(message, self.format.styles[self.format.default_style])

    def _made(self, original: SimpleNamespace | None = None, **values: Any) -> Any:
        message = self.format.message(**values)
        if message.variants is None:
            message.variants = self._usual_variants(message)
        if original is not None:
            message.repair = repair_of(self.format, message, original)
        return message

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of conversations."""
        named = {
            made.name: made
            for made in (
                self.message,
                self._tokens,
                self._original,
                *self._part.kinds.values(),
                *self._records.values(),
                *self._tagged.values(),
            )
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
            OPENING_TOKENS_KEY: Property(IdsShape(), OPENING_TOKENS_KEY),
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
                is_required = any(defaults[each] is MISSING for each in self.joined[owner])
                found.properties[owner] = Property(JoinedShape(marks=self.joined[owner]), None, is_required)
            elif name == self.format.content:
                found.properties[name] = Property(ContentShape(self._part), name, is_required=True)
            else:
                omitted = () if is_required or path in self.always else (None, False)
                absent = bool if hints[name] is bool else NoneType
                found.properties[name] = Property(self._shape(hints[name], path), name, is_required, absent, omitted)
        found.properties[VARIANTS_KEY] = Property(VariantsShape(PlainShape((str,))), VARIANTS_KEY, omitted=(None,))
        found.properties[TOKENS_KEY] = Property(NullableShape(self._tokens), TOKENS_KEY, omitted=(None,))
        found.properties[ORIGINAL_KEY] = Property(OriginalShape(self._original, self.format), None)
        return found

    @cached_property
    def _original(self) -> ObjectShape:
        parts = {name: Property(IdsShape(), name, is_required=True) for name in ("head", "body", "tail")}
        parts["continues"] = Property(PlainShape((bool,)), "continues", absent=bool, omitted=(False,))
        parts["digest"] = Property(PlainShape((str,)), "digest", is_required=True)
        opening = replace(self.opening, made=SimpleNamespace)
        parts["opening"] = Property(NullableShape(opening), "opening", absent=NoneType, omitted=(None,))
        return ObjectShape("original_tokens", SimpleNamespace, parts)

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
    def _part(self) -> OneOfShape:
        properties = {TEXT_TYPE: Property(PlainShape((str,)), TEXT_TYPE, is_required=True)}
        text = ObjectShape(TEXT_TYPE, _text, properties, TEXT_TYPE)
        kinds = [self._record(made) for made in self.format.contents.roles.values()]
        kept = KeptTextShape(contents=self.format.contents)
        for kind, made in zip(kinds, self.format.contents.roles.values(), strict=True):
            kind.tag, kind.made = kind.name, partial(kept.made, made)
            kind.properties[AS_PARSED] = Property(kept, None)
        structured = dict(zip(self.format.contents.roles.values(), kinds, strict=True))
        return OneOfShape({kind.name: kind for kind in (text, *kinds)}, structured)

    def _record(self, made: type[Any]) -> ObjectShape:
        if made in self._records:
            return self._records[made]
        found = self._records[made] = ObjectShape(self.format.contents.names[made], made)
        hints = get_type_hints(made)
        for part in fields(made):
            path, is_list = f"{self.format.contents.rule_of[made]}.{part.name}", part.default_factory is list
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
            values = (*get_args(first), *[None] * len(nothing))
            return ListedShape(values, self.spelled.get(path, ()), self.absent.get(path))
        if get_origin(first) is list:
            return ItemsShape(self._shape(get_args(first)[0], path), self.keyed.get(path))
        if records := [
            option for option in (first, *others) if isinstance(option, type) and issubclass(option, Record)
        ]:
            if others:
                return self._one_of(records, [option for option in options if option not in records], path)
            return NullableShape(self._record(first)) if nothing else self._record(first)
        if date in options:
            return DateShape((str, *nothing))
        types = () if first is Any else tuple(get_origin(option) or option for option in (first, *others))
        return PlainShape((*types, *nothing) if types else (), self.patterns.get(path), self.absent.get(path))

    def _one_of(self, records: Sequence[type[Record]], others: Sequence[Any], path: str) -> OneOfShape:
        """The shape of a field that holds one of several classes, or another value."""
        kinds = [self._record(made) for made in records]
        tagged = [replace(kind, name=f"one_{kind.name}", tag=kind.name) for kind in kinds]
        self._tagged |= {kind.name: kind for kind in tagged}
        plain: Shape | None = PlainShape((NoneType,)) if others else None
        if {*others} > {NoneType} or (others and NoneType not in others):
            plain = self._shape(Union[tuple(others)], path)  # noqa: UP007  # types that vary
        by_tag = {str(kind.tag): kind for kind in tagged}
        return OneOfShape(by_tag, dict(zip(records, tagged, strict=True)), plain)


def opening_from_json(format: Format, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the open header at the end of a prompt, in a conversation that `from_json` has read."""
    found: dict[str, Any] = JsonForm(format).opening.read(value.get(OPENING_KEY, {}))
    return found


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
