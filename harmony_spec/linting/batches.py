"""Batches of rows, the unit of work of a process, and the options that they are checked with."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal, NamedTuple

from ..codec_loading import CodecText, load_codec_text
from ..diagnostics import Fix
from ..errors import RowError
from .json_edits import items_of
from .rows import RowContent, listed_rows, present, source_of, text_of, value_of

FileKind = Literal["text", "json", "jsonl", "parquet"]
"""The format of a file: one text, one JSON value, a JSON value on each line, a column of values."""

Runner = Literal["local", "daft"]
"""What runs checks: processes of this machine, or Daft."""

ID_COLUMN = "id"
"""The column that identifies rows, unless another one is chosen."""

MAX_ROW_BYTES = 16 << 20
"""About four million tokens, thirty times the context of a model. A row is in memory as a whole, in several copies, so
this also limits what a file without line breaks costs."""

MAX_FILE_BYTES = 10 << 30
"""The size of a compressed file after decompression: one compressed megabyte may expand to a thousand."""


@dataclass(frozen=True)
class Options:
    """How the rows of a file are checked: by its `Settings`, and the arguments of `lint` of the same names.

    Attributes:
        selected: the codes of the rules that are reported.
        column: None to find it.
        columns: in Parquet files, the columns that together are a row, an object; empty if `column` is the row.
        beside: in Parquet files, columns that are read with those of the inputs, as an object.
        keeps_rows: whether rows can be written as they were read: all columns of Parquet files are read.
        tools: definitions of the offered tools, as JSON; None if they are unknown.
        fixable: codes of rules all of whose fixes are applied.
        codec_text: the text of the codec; None for the one of this package.
    """

    selected: frozenset[str]
    start: str = "transcript"
    column: str | None = None
    columns: tuple[str, ...] = ()
    id_column: str = ID_COLUMN
    beside: tuple[str, ...] = ()
    keeps_rows: bool = False
    tools: str | None = None
    tokenization: bool = True
    tokens: bool = False
    fix: bool = False
    unsafe_fixes: bool = False
    fixable: frozenset[str] = frozenset()
    stripped: bool = False
    spans: bool = False
    fingerprints: bool = False
    max_row_bytes: int = MAX_ROW_BYTES
    max_file_bytes: int = MAX_FILE_BYTES
    codec_text: CodecText | None = None

    @property
    def codec(self) -> ModuleType:
        """The codec, in any process."""
        return load_codec_text(self.codec_text)

    def admits(self, fix: Fix) -> bool:
        """Whether a fix may be applied."""
        is_certain = fix.applicability == "safe" or (fix.applicability == "unsafe" and self.unsafe_fixes)
        return is_certain or self.fixable.issuperset(fix.codes)


class Row(NamedTuple):
    """A row as it was read.

    Attributes:
        number: of the line, or of the Parquet row, from 1; None if the file is one input.
        item: its bytes, the value of a Parquet row, or the error that it cannot be read.
        start: the offset of its bytes in the file.
        id: the value of its id column; None except in Parquet files.
    """

    number: int | None
    item: Any
    start: int = 0
    id: Any = None


@dataclass(frozen=True)
class ByteRange:
    """A part of a file: the rows that begin in a range of its bytes.

    Attributes:
        start: the first byte of the range.
        end: the byte after the range; None for the end of the file.
        first: the number of the first row, from 1; Parquet files have the numbers themselves.
    """

    start: int = 0
    end: int | None = None
    first: int = 1

    def holds(self, offset: int) -> bool:
        """Whether a byte is in the range."""
        return self.start <= offset and (self.end is None or offset < self.end)


WHOLE = ByteRange()

RowsRead = tuple[Iterable[Row], int, int | None]
"""Rows of a file, their bytes, and how many bytes of the file were read; None if its stream is there."""


@dataclass(frozen=True)
class Batch:
    """Rows of one file.

    Attributes:
        is_named: whether the file itself was named, not a folder or a pattern.
        rows: an empty list for a file without rows.
        size: the bytes of the rows.
    """

    name: str
    kind: FileKind
    is_named: bool
    options: Options
    rows: Iterable[Row] = field(repr=False)
    size: int = 0


def row_value(kind: FileKind, item: Any) -> Any:
    """The text or the JSON value of a row. Raises `RowError` if it cannot be read."""
    if isinstance(item, RowError):
        raise item
    if isinstance(item, bytes):
        return text_of(item) if kind in ("text", "parquet") else value_of(item, is_line=kind == "jsonl")
    return item if isinstance(item, (str, array)) else present(item)


def each_row(batch: Batch, row: Row) -> Iterator[tuple[Batch, Row]]:
    """A row and its batch; if it is a JSON file that is a list of rows, each of these, with its index in the name."""
    items = None
    if batch.kind == "json":
        with suppress(RowError, RecursionError):
            if listed_rows(row_value(batch.kind, row.item), batch.options.codec) is not None:
                items = items_of(text_of(row.item))
    if items is None:
        yield batch, row
    for index, item in enumerate(items or ()):
        yield replace(batch, name=f"{batch.name}[{index}]"), Row(None, item.encode())


def read_content(kind: FileKind, value: Any, options: Options) -> RowContent:
    """The content of a row with this value. Raises `HarmonyError` if it has none."""
    if kind == "text":
        return RowContent(value, options.codec)
    return source_of(value, options.start, options.column, options.codec, kind == "parquet")
