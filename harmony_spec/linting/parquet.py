"""Parquet files, a batch of rows at a time; `pyarrow` is imported when the first one is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from ..inputs import InputError
from .batches import Kind, Options
from .rows import COLUMNS

if TYPE_CHECKING:
    import pyarrow

MISSING = "pyarrow is not installed; run: pip install 'harmony-spec[parquet]'"

PAGES = 1 << 20
"""Bytes that are read of a column at a time, whatever the size of a row group."""


@dataclass(frozen=True)
class ColumnBatch:
    """Rows of a column of one file.

    Attributes:
        name: of the file.
        first: the number of the first row, from 1.
        values: what the rows hold.
        options: how they are checked.
        kind: what the file is.
    """

    name: str
    first: int
    values: pyarrow.Array[Any] = field(repr=False)
    options: Options
    kind: Kind = "parquet"

    def __iter__(self) -> Iterator[tuple[int | None, Any]]:
        for number, value in enumerate(self.values, self.first):
            yield number, _plain(value.as_py())


def _plain(value: Any) -> Any:
    """A value as it is in JSON: what is absent is left out, messages are those of a conversation."""
    if isinstance(value, dict):
        return _present(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {"messages": _present(value)}
    return value


def _present(value: Any) -> Any:
    """A value without the keys that Parquet gives to all objects of a column, whether they have them or not."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return [_present(item) for item in value] if isinstance(value, list) else value


def read_parquet(
    name: str, file: BinaryIO, stream: BinaryIO, options: Options, batch: int, at: Callable[[int], None]
) -> Iterator[ColumnBatch]:
    """The rows of a Parquet file.

    Args:
        name: of the file.
        file: the file as it stands on the disk.
        stream: what it holds.
        options: how its rows are checked.
        batch: how many bytes of rows are checked as a whole.
        at: is told how much of the file was read, in bytes.

    Raises:
        InputError: it is no Parquet file, or broken, no column can be validated, or `pyarrow` is missing.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(f"{name}: {MISSING}") from None
    try:
        with _seekable(file, stream) as seekable:
            size = seekable.seek(0, 2)
            # Without `pre_buffer`, memory does not depend on the size of row groups.
            source = parquet.ParquetFile(seekable, pre_buffer=False, buffer_size=PAGES)
            column = _column(name, source.schema_arrow, options.column)
            done, total = 0, source.metadata.num_rows
            rows = _rows(source.metadata, column, batch)
            for part in source.iter_batches(rows, columns=[column], use_threads=False):
                yield ColumnBatch(name, done + 1, part.column(0), options)
                done += part.num_rows
                at(size * done // total)
    except (pyarrow.ArrowException, OSError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{name}: the Parquet file is not readable: {said[0]}") from None


def _seekable(file: BinaryIO, stream: BinaryIO) -> Any:
    """The file, or where it cannot be read from its end, a copy of what it holds."""
    if file is stream and file.seekable():
        return file
    copy = TemporaryFile()  # noqa: SIM115 - it is closed by whoever asked for it
    shutil.copyfileobj(stream, copy)
    return copy


def _rows(metadata: Any, column: str, batch: int) -> int:
    """How many rows are as large as a batch, by the sizes that the file states for a column."""
    size = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            part = row_group.column(index)
            if part.path_in_schema.split(".")[0] == column:
                size += part.total_uncompressed_size
    fitting: int = batch * metadata.num_rows // max(size, 1)
    return max(1, min(fitting, batch // 8))


def _column(name: str, schema: pyarrow.Schema, chosen: str | None) -> str:
    """The column that is read."""
    if chosen is not None:
        if chosen not in schema.names:
            raise InputError(f"{name}: there is no column {chosen!r}; columns: {', '.join(schema.names)}")
        return chosen
    fitting = [field.name for field in schema if _holds_source(field.type)]
    if known := next((column for column in COLUMNS if column in fitting), None):
        return known
    if len(fitting) == 1:
        return str(fitting[0])
    said = f"several columns could be meant: {', '.join(fitting)}" if fitting else "no column can be validated"
    raise InputError(f"{name}: {said}; choose one with --column; columns: {', '.join(schema.names)}")


def _holds_source(kind: pyarrow.DataType) -> bool:
    """Whether a column of this type may hold texts, token ids or messages."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _holds_source(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return bool(types.is_integer(kind.value_type) or types.is_struct(kind.value_type))
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_struct(kind))
