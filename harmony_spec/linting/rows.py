"""What a row of a file holds: a text, token ids, or a conversation, alone or in a column of an object."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, NoReturn

from .. import codec
from ..codes import UNREADABLE_ROW
from ..errors import RowError, Span
from ..inputs import InputError

COLUMNS = ("tokens", "token_ids", "input_ids", "ids", "text", "transcript", "messages", "conversation", "conversations")
"""Names of columns that say what they hold, the first one that is there counts."""

SHOWN = 40
"""How much of a wrong value is shown, in code points."""

NOT_CHANGED = "are not changed: only texts and token ids are, in text, JSON and JSON Lines files"
"""What is said of inputs whose form leaves no place for mistakes."""

LISTED = 200
"""How much of the names of columns is shown, in code points."""


@dataclass(frozen=True)
class Content:
    """What a row holds.

    Attributes:
        source: what is validated: text, or token ids.
        rendered: whether the source was rendered from a conversation in its JSON form.
        column: the key of the object that holds it; None where the row is no object, or is itself the conversation.
        value: the JSON value of the row; None for a text.
    """

    source: str | list[int]
    rendered: bool = False
    column: str | None = None
    value: Any = None

    def written(self, data: bytes, source: str | list[int]) -> bytes:
        """The bytes of the row with another source, in the form that it had; never for what was rendered."""
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        if self.value is None:
            assert isinstance(source, str)
            return mark + source.encode()
        text = data.removeprefix(mark).decode()
        start, end = _value_span(text, self.column)
        return mark + text[:start].encode() + _json(source) + text[end:].encode()


def _value_span(text: str, column: str | None) -> tuple[int, int]:
    """Where a JSON value stands in a text, or the value of a column of it: of several, the last, which counts."""
    read, found = json.JSONDecoder().raw_decode, (0, 0)
    start = _behind_space(text, 0)
    if column is None:
        return start, read(text, start)[1]
    at = _behind_space(text, start + 1)
    while text[at] != "}":
        if text[at] == ",":
            at = _behind_space(text, at + 1)
        name, colon = read(text, at)
        begin = _behind_space(text, _behind_space(text, colon) + 1)
        _, end = read(text, begin)
        if name == column:
            found = begin, end
        at = _behind_space(text, end)
    return found


SPACE = re.compile(r"[ \t\n\r]*")


def _behind_space(text: str, at: int) -> int:
    """Where what JSON takes for white space ends."""
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()


def _json(value: Any) -> bytes:
    """A JSON value; half of a surrogate pair has no other form than its escape."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def text_of(data: bytes) -> str:
    """The text of a file or a row; raises `RowError` for bytes that are not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
        at_character = len(data[:at].decode("utf-8-sig"))
        _refuse(f"not UTF-8: byte 0x{data[at]:02x} at offset {at}", Span(at_character, at_character + 1))


def value_of(text: str) -> Any:
    """The JSON value of a text; raises `RowError` for what is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        _refuse(f"not JSON: {error.msg}", Span(error.pos, error.pos))
    except RecursionError:
        _refuse("the JSON is nested too deeply")
    except ValueError as error:  # a number with more digits than Python reads
        _refuse(f"not JSON: {error}")


def source_of(value: Any, start: codec.Start | None, column: str | None) -> Content:
    """What a JSON value holds.

    Args:
        value: a text, token ids, a conversation, or an object with one of them in a column.
        start: what a conversation is rendered as; None where conversations are refused.
        column: the name of the column; None where it is to be found.

    Raises:
        RowError: it holds none of them.
        ConversationError: it is no conversation, for the reason that is said.
        RenderError: the format cannot express the conversation.
        InputError: it is a conversation, and those are refused; the message says why, and names no file.
    """
    if not isinstance(value, dict):
        if isinstance(value, str):
            return Content(value, value=value)
        if isinstance(value, list) and value and isinstance(value[0], dict) and codec.FORMAT.content in value[0]:
            return Content(_rendered({"messages": value}, start), rendered=True, value=value)
        return Content(_token_ids(value, "the row"), value=value)
    name = _column(value) if column is None else column
    if name not in value:
        there = shorten(", ".join(value), LISTED, placeholder=" …")
        _refuse(f"there is no column {name!r}", hint=f"There is: {there}." if there else "")
    held = value[name]
    if isinstance(held, str):
        return Content(held, column=name, value=value)
    if isinstance(held, dict):
        return Content(_rendered(held, start), rendered=True, column=name, value=value)
    if isinstance(held, list) and held and isinstance(held[0], dict):
        return Content(_rendered({**value, "messages": held}, start), rendered=True, value=value)
    return Content(_token_ids(held, f"the column {name!r}"), column=name, value=value)


def _rendered(value: Mapping[str, Any], start: codec.Start | None) -> list[int]:
    if start is None:
        raise InputError(f"conversations in their JSON form {NOT_CHANGED}")
    return codec.render(codec.from_json(value), start)


def _column(value: Mapping[str, Any]) -> str:
    """The column that holds what can be validated."""
    if known := next((name for name in COLUMNS if name in value), None):
        return known
    names = [name for name, held in value.items() if holds_source(held)]
    if len(names) > 1:
        _refuse(f"several columns could be meant: {', '.join(names)}", hint="Choose one with --column.")
    if not names:
        hint = "Choose one with --column, or say --input-format text if it is no row."
        _refuse("there is no column with a text, token ids or a conversation", hint=hint)
    return names[0]


def holds_source(value: object) -> bool:
    """Whether a value looks like what can be validated: a text with special tokens, token ids, messages."""
    if isinstance(value, str):
        return codec.FORMAT.special_matcher.search(value) is not None
    if isinstance(value, dict):
        return isinstance(value.get("messages"), list)
    return isinstance(value, list) and bool(value) and (type(value[0]) is int or isinstance(value[0], dict))


def _token_ids(value: Any, what: str) -> list[int]:
    if not isinstance(value, list):
        _refuse(f"{what} is no text, token ids or conversation: {json.dumps(value, default=str)[:SHOWN]}")
    if set(map(type, value)) - {int}:
        index, item = next((index, item) for index, item in enumerate(value) if type(item) is not int)
        _refuse(f"{what} is no array of token ids: item {index} is {json.dumps(item, default=str)[:SHOWN]}")
    return value


def _refuse(message: str, span: Span | None = None, hint: str = "") -> NoReturn:
    raise RowError(UNREADABLE_ROW, message, span=span, hint=hint)
