"""The content of a row: a text, token ids, or a conversation, alone or in a column of an object."""

from __future__ import annotations

import codecs
import json
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from textwrap import shorten
from types import ModuleType
from typing import Any, NoReturn

from msgspec import MsgspecError, ValidationError, convert
from msgspec.json import Decoder

from ..codes import UNREADABLE_ROW
from ..errors import ConversationError, HarmonyError, RowError, Span, quoted
from ..format.tables import Format, require
from ..json_form import AUTHOR_KEYS, MESSAGES_KEY, TOKENS_KEY, VARIANTS_KEY, is_chat
from ..source.lines import LineIndex
from ..source.saved_text import Source
from ..source.token_ids import IDS
from .json_edits import JsonPath, edit_json
from .opening import InputError, open_input

COLUMNS = ("tokens", "token_ids", "input_ids", "ids", "text", "transcript", "messages", "conversation", "conversations")
"""Columns that hold inputs, if none is chosen: the first of these that a row has."""

ROW_COLUMNS = frozenset((*COLUMNS, "prompt", "completion"))
"""Columns of rows. Messages may have token ids, but no other one."""

AS_READ = (VARIANTS_KEY, TOKENS_KEY)
"""Keys of a message that record how it was read; they are dropped from a message that is fixed."""

MAX_LISTED_CHARS = 200
"""Code points of the names of columns that an error lists."""


@dataclass(slots=True)  # frozen, it would take four times as long to make
class RowContent:
    """The content of a row.

    Attributes:
        source: the input to validate: text, or token ids, of Arrow columns as a buffer.
        codec: reads it.
        path: the place of the source in the value of the row, or of the messages that it was rendered from.
        messages: the messages that the source was rendered from; None if it was not rendered.
        value: the JSON value of the row; None for a text.
        quoted: the text that the messages were read from and its place in the value, if the row has their JSON as a
            text; `path` is then a place in that JSON.
    """

    source: Source
    codec: ModuleType = field(repr=False, compare=False)
    path: JsonPath = ()
    messages: list[Any] | None = None
    value: Any = None
    quoted: tuple[str, JsonPath] | None = None

    @property
    def is_harmony(self) -> bool:
        """Whether the source has a special token, or is empty. Any other source may not be Harmony."""
        format = self.codec.FORMAT
        if isinstance(self.source, str):
            return not self.source.strip() or format.special_matcher.search(self.source) is not None
        return not self.source or not set(format.encoding.special.values()).isdisjoint(self.source)

    def edits(self, fixed: Source, start: str) -> dict[JsonPath, Any] | None:
        """The changes of the row's value that write a fixed source to it; None if there are none.

        Args:
            fixed: the fixed source.
            start: the start rule of the source.
        """
        if self.messages is None:
            return {self.path: fixed}
        try:
            messages = self.codec.parse(fixed, start).messages
        except HarmonyError:
            return None
        content = self.codec.FORMAT.content
        if [getattr(m, content) for m in self.messages] != [getattr(m, content) for m in messages]:
            return None
        before, after = (self.codec.to_json(each)["messages"] for each in (self.messages, messages))
        found: dict[JsonPath, Any] = {}
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            keys = [key for key in {**old, **new} if key not in (content, *AS_READ) and old.get(key) != new.get(key)]
            keys += [key for key in AS_READ if keys and key in old]  # how the old header was read
            found |= {(*self.path, index, key): None if key in AS_READ else new.get(key) for key in keys}
        if self.quoted is None or not found:
            return found
        text, path = self.quoted
        return {path: edit_json(text, found)}

    def written(self, data: bytes, edits: Mapping[JsonPath, Any]) -> bytes:
        """The bytes of the row with new values; all else stays."""
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        text = data.removeprefix(mark).decode()
        return mark + (edits[()] if self.value is None else edit_json(text, edits)).encode()


def text_of(data: bytes) -> str:
    """The text of a file or a row. Raises `RowError` if it is not UTF-8."""
    try:  # `utf-8-sig` is written in Python
        return data.decode("utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        at_character = len(data[:at].decode("utf-8-sig"))
        reason = f"not UTF-8: byte 0x{data[at]:02x} at offset {at}"
        _raise(
            reason, Span(at_character, at_character + 1), "If it is a text in another encoding, convert it to UTF-8."
        )


def too_long(limit_bytes: int) -> RowError:
    message = f"the row has more than {limit_bytes:,} bytes"
    return RowError(UNREADABLE_ROW, message, hint="If it is a single row, raise --max-row-bytes.")


class MissingColumn(RowError):
    """A row lacks the column that was chosen with `--column`."""


_decode = Decoder().decode


def value_of(source: str | bytes, is_line: bool = False) -> Any:
    """The JSON value of a text, or of its bytes.

    Args:
        source: the text, or its bytes in UTF-8.
        is_line: white space at the end does not belong to the value.

    Raises:
        RowError: the text is not JSON.
    """
    try:  # in half the time of `json`, which reads what this one refuses: NaN, lone surrogates, 1e400
        return _decode(source)
    except (MsgspecError, UnicodeError, RecursionError):
        text = source if isinstance(source, str) else text_of(source)
    text = text.rstrip() if is_line else text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        _raise(f"not JSON: {error.msg}", Span(error.pos, error.pos))
    except RecursionError:
        _raise("the JSON is nested too deeply")
    except ValueError:
        _raise("an integer has more digits than Python reads")


@contextmanager
def _in_file(name: str, text: str) -> Iterator[None]:
    """Raise an `InputError` with the place in a text for a `RowError`."""
    try:
        yield
    except RowError as error:
        place = ":".join(map(str, LineIndex(text).place(error.span.start))) if error.span else ""
        raise InputError(":".join(filter(None, (name, place))) + f": {error.message}") from None


MAX_TEXT_BYTES = 256 << 20
"""The longest file that is read as a whole: settings, definitions of tools, a conversation. A device has no end."""


def read_text(name: str) -> str:
    """The text of a file, or of standard input for `-`. Raises `InputError` if it cannot be read."""
    with open_input(name) as opened:
        data = opened.file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise InputError(f"{name}: longer than {MAX_TEXT_BYTES:,} bytes")
    with _in_file(name, data.decode("utf-8-sig", "replace")):
        return text_of(data)


def json_of(name: str, text: str) -> Any:
    """The JSON value of the text of a file. Raises `InputError` with the place of a syntax error."""
    with _in_file(name, text):
        return value_of(text)


def present(value: Any) -> Any:
    """A value without null keys: Parquet adds all keys of a column to each of its objects."""
    if isinstance(value, dict):
        return {key: present(item) for key, item in value.items() if item is not None}
    return [present(item) for item in value] if isinstance(value, list) else value


def source_of(value: Any, start: str, column: str | None, codec: ModuleType, is_in_column: bool = False) -> RowContent:
    """The content of a JSON value.

    Args:
        value: a text, token ids, a conversation, or an object with one of them in a column.
        start: the start rule that a conversation is rendered with.
        column: the name of the column; None to find it.
        codec: reads and renders it.
        is_in_column: whether the value is that of a column, not a row that may be a list of others by mistake.

    Raises:
        RowError: the value has no content.
        ConversationError: the value is not a valid conversation.
        RenderError: the format cannot express the conversation.
    """
    path: JsonPath = ()
    held, name = value, None
    if isinstance(value, dict):
        name = _column_of(value, column, codec)
        held, path = value[name], (name,)
        if type(held) is list and held and type(held[0]) is int:  # most rows of a corpus
            return RowContent(_token_ids(held, name), codec, path, value=value)
    if isinstance(held, str):
        conversation = _conversation_in(held, codec)
        if conversation is None:
            is_list = held.lstrip().startswith("[") and not _is_written(held, codec)
            if column is None and is_list and is_chat(value, codec.FORMAT.fields):
                _raise_chat()
            return RowContent(held, codec, path, value=value)
        row = value if isinstance(value, dict) else conversation
        is_whole = isinstance(conversation, dict)
        messages = conversation if is_whole else {MESSAGES_KEY: conversation}
        found = _rendered(messages, start, (MESSAGES_KEY,) if is_whole else (), row, codec)
        return replace(found, value=value, quoted=(held, path))
    if isinstance(held, array) and held.typecode == IDS:
        return RowContent(held, codec, path, value=value)
    if isinstance(held, dict):
        return _rendered(held, start, (*path, "messages"), value, codec)
    if not path and not is_in_column and (listed := listed_rows(held, codec)):
        if any(is_chat(each, codec.FORMAT.fields) for each in listed):
            _raise_chat()
        _raise("this is a list of rows", hint="Write each row to a line of its own: jq -c '.[]' rows.json > rows.jsonl")
    is_list = isinstance(held, list) and bool(held) and isinstance(held[0], dict)
    if is_list and (path or not held[0].keys().isdisjoint(codec.FORMAT.fields)):
        return _rendered({"messages": held}, start, path, value, codec)
    if is_list and is_chat(held, codec.FORMAT.fields):
        _raise_chat()
    return RowContent(_token_ids(held, name), codec, path, value=value)


def _column_of(row: dict[str, Any], column: str | None, codec: ModuleType) -> str:
    """The column of a row that holds the input. Raises `RowError` if there is none; see `source_of`."""
    try:
        return choose_column(row, column, lambda each: _holds_source(row[each], codec))
    except RowError:
        is_written = any(_is_written(each, codec) for each in row.values())
        if column is None and not is_written and is_chat(row, codec.FORMAT.fields):
            _raise_chat()
        raise


def listed_rows(value: object, codec: ModuleType) -> list[Any] | None:
    """The rows that a JSON value is a list of; None for other values, also for token ids and for messages.

    Rows have a column that messages lack, and no author; some may be wrong, so one of these is enough.
    """
    if not isinstance(value, list):
        return None
    format = codec.FORMAT
    authors = {*AUTHOR_KEYS, *([format.recovery.slots.role] if format.recovery else format.fields)}
    found = (isinstance(each, dict) and authors.isdisjoint(each) and not ROW_COLUMNS.isdisjoint(each) for each in value)
    return value if not value or any(found) else None


def _conversation_in(text: str, codec: ModuleType) -> Any:
    """The conversation, or its messages, whose JSON a text is, as `convert` writes to Parquet; None for other texts."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        value = value_of(text)
    except RowError:
        return None
    messages: Any = value.get(MESSAGES_KEY) if isinstance(value, dict) else value
    is_list = isinstance(messages, list) and bool(messages) and isinstance(messages[0], dict)
    return value if is_list and not messages[0].keys().isdisjoint(codec.FORMAT.fields) else None


def _rendered(conversation: Mapping[str, Any], start: str, path: JsonPath, value: Any, codec: ModuleType) -> RowContent:
    require(codec, "from_json")
    is_named = _names_a_channel(conversation, codec.FORMAT)
    if not is_named and is_chat(value, codec.FORMAT.fields):
        _raise_chat()
    try:
        messages = codec.from_json(conversation)
    except ConversationError as error:
        if not is_named:
            error.hint = f"{error.hint} If these are Chat Completions, {CONVERT_CHAT}.".lstrip()
        raise
    return RowContent(codec.render(messages, start), codec, path, messages, value)


def _names_a_channel(conversation: Mapping[str, Any], format: Format) -> bool:
    """Whether a message has a channel, or the format has none."""
    channel, messages = format.recovery and format.recovery.slots.channel, conversation.get(MESSAGES_KEY)
    if not channel or not isinstance(messages, list):
        return True
    return any(isinstance(message, dict) and message.get(channel) for message in messages)


CONVERT_CHAT = "convert them with: harmony-spec convert --from chat --to conversation"


def _raise_chat() -> NoReturn:
    raise RowError(UNREADABLE_ROW, f"these are Chat Completions; {CONVERT_CHAT}") from None


CHOOSE_COLUMN = "Choose one with --column, in Python with Settings(column=...)"


def choose_column(names: Collection[str], chosen: str | None, fits: Callable[[str], bool]) -> str:
    """The column that holds the inputs: the chosen one, one with a known name, or the only one that fits.

    Args:
        names: of the columns.
        chosen: the name that `--column` names; None to find it.
        fits: whether a column with another name looks like one of inputs.

    Raises:
        RowError: there is no such column.
    """
    if chosen is not None:
        if chosen not in names:
            raise MissingColumn(UNREADABLE_ROW, f"no column {chosen!r}; columns: {listed_columns(names)}")
        return chosen
    if known := next(filter(names.__contains__, COLUMNS), None):
        return known
    fitting = list(filter(fits, names))
    if len(fitting) > 1:
        _raise(f"several columns can be validated: {', '.join(map(str, fitting))}", hint=CHOOSE_COLUMN + ".")
    if not fitting:
        hint = f"{CHOOSE_COLUMN}, or pass --input-format text if this is not a row."
        _raise("no column has a text, token ids or a conversation", hint=hint)
    return fitting[0]


def listed_columns(names: Collection[str]) -> str:
    """The names of columns, as errors list them."""
    return shorten(", ".join(map(str, names)), MAX_LISTED_CHARS, placeholder=" …") or "none"


def _holds_source(value: object, codec: ModuleType) -> bool:
    """Whether a value looks like an input: a text with special tokens, token ids, messages."""
    if isinstance(value, dict):
        return isinstance(value.get("messages"), list)
    is_messages = isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    return is_messages or _is_written(value, codec)


def _is_written(value: object, codec: ModuleType) -> bool:
    """Whether a value looks like a text with special tokens, or token ids."""
    if isinstance(value, str):
        return codec.FORMAT.special_matcher.search(value) is not None
    return isinstance(value, list) and bool(value) and type(value[0]) is int


INTEGERS = list[int]
"""Made once: that takes a third of the time in which the ids of a short row are looked at."""


def _token_ids(value: Any, column: str | None) -> list[int]:
    if not isinstance(value, list):
        _raise(f"{_named(column)} is not a text, token ids or a conversation: {quoted(value)}")
    try:  # in a third of the time of a look at each type; the copy is not used
        convert(value, INTEGERS)
    except (ValidationError, UnicodeEncodeError):  # the second one for half of a surrogate pair
        index, item = next((index, item) for index, item in enumerate(value) if type(item) is not int)
        _raise(f"{_named(column)} is not an array of token ids: item {index} is {quoted(item)}")
    return value


def _named(column: str | None) -> str:
    return "the row" if column is None else f"the column {column!r}"


def _raise(message: str, span: Span | None = None, hint: str = "") -> NoReturn:
    raise RowError(UNREADABLE_ROW, message, span=span, hint=hint)
