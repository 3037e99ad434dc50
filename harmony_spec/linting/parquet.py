"""Reads and writes Parquet files in batches of rows. `pyarrow` is imported with the first file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from ..codes import UNREADABLE_ROW
from ..errors import RowError
from .atomic import Origin
from .batches import Kind, Options
from .input_files import InputError
from .opening import Bounded, open_input
from .rows import COLUMNS, TooLong

if TYPE_CHECKING:
    import pyarrow

    from .findings import Checked

NO_PYARROW = "pyarrow is not installed; run: pip install 'harmony-spec[parquet]' (in a clone: pip install '.[parquet]')"

GROUP_BYTES = 1 << 26
"""The size limit of a written row group; larger row groups of a fixed file are split."""

OTHER_LISTS = re.compile(r"\.list\.(?!element(?:\.|$))")
"""In the path of a column, the names that old writers give to list elements. Source: the Parquet format, "Lists"."""

BUFFER_BYTES = 1 << 20
"""Bytes of a column that are read at a time, so that memory does not depend on the size of row groups."""


@dataclass(frozen=True)
class ColumnBatch:
    """Rows of a column of one file.

    Attributes:
        name: of the file.
        origin: the file on the disk; None for standard input.
        column: the name of the column.
        first: the number of the first row, from 1.
        values: the values of the rows.
        ids: the values of the id column, if there is one.
        options: how they are checked.
        kind: the format of the file.
    """

    name: str
    origin: Origin | None
    column: str
    first: int
    values: pyarrow.Array[Any] = field(repr=False)
    options: Options
    ids: pyarrow.Array[Any] | None = field(default=None, repr=False)
    kind: Kind = "parquet"

    def __iter__(self) -> Iterator[tuple[int | None, Any]]:
        limit = self.options.max_row_bytes
        for at, value in enumerate(self.values):
            yield self.first + at, TooLong(limit) if self.values[at : at + 1].nbytes > limit else _value(value)

    def id_of(self, row: int) -> Any:
        """The value of a row's id column."""
        return None if self.ids is None else self.ids[row - self.first].as_py()

    def can_hold(self, value: Any) -> bool:
        """Whether the column can hold a value: a list of fixed size cannot become shorter."""
        import pyarrow

        try:
            pyarrow.array([value], type=self.values.type)
        except (pyarrow.ArrowException, OverflowError, TypeError, ValueError):
            return False
        return True


def _value(scalar: Any) -> Any:
    """A value, or the error that Python has no such value, such as a time in nanoseconds."""
    try:
        return scalar.as_py()
    except ValueError as error:
        return RowError(UNREADABLE_ROW, f"the value cannot be read: {error}")


def read_parquet(
    name: str,
    origin: Origin | None,
    file: BinaryIO,
    bounded: Bounded,
    options: Options,
    batch: int,
    at: Callable[[int], None],
) -> Iterator[ColumnBatch]:
    """Read the rows of a Parquet file.

    Args:
        name: of the file.
        origin: the file on the disk; None for standard input.
        file: the stream on the disk.
        bounded: the decompressed stream.
        options: how its rows are checked.
        batch: bytes of rows in a batch.
        at: called with the number of bytes that were read.

    Raises:
        InputError: the file is not Parquet or broken, no column can be validated, or `pyarrow` is missing.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(f"{name}: {NO_PYARROW}") from None
    try:
        with _open_seekable(file, bounded) as seekable:
            size = seekable.seek(0, 2)
            # Without `pre_buffer`, memory does not depend on the size of row groups.
            source = parquet.ParquetFile(seekable, pre_buffer=False, buffer_size=BUFFER_BYTES)
            column = _column(name, source.schema_arrow, options.column)
            if options.fix and source.schema_arrow.names.count(column) > 1:
                raise InputError(f"{name}: several columns have the name {column!r}; it is unknown which one to fix")
            done, total = 0, source.metadata.num_rows
            rows = _rows(source.metadata, column, batch)
            columns = [column, *_id_column(source.schema_arrow, column, options.id_column)]
            for part in source.iter_batches(rows, columns=columns, use_threads=False):
                ids = part.column(columns[1]) if len(columns) > 1 else None
                values = part.column(0 if ids is None else column)
                yield ColumnBatch(name, origin, column, done + 1, values, options, ids)
                done += part.num_rows
                at(size * done // total)
    except (pyarrow.ArrowException, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{name}: the Parquet file cannot be read: {lines[0]}") from None


class ParquetRows:
    """Writes the fixed rows of a Parquet file with its schema, metadata, compression and other columns.

    The rows before the first fix are read a second time, so a file without fixes costs nothing.

    Args:
        name: of the file.
        origin: the file when it was checked.
        column: of the fixed values.
        stream: the stream to write to.
    """

    def __init__(self, name: str, origin: Origin, column: str, stream: BinaryIO) -> None:
        self.name, self.origin, self.column, self.stream = name, origin, column, stream
        self.fixed: dict[int, Any] = {}
        self.done = 0
        self.parts: Iterator[pyarrow.Table] | None = None
        self.part: pyarrow.Table | None = None
        self.writer: Any = None

    def write(self, checked: Checked) -> None:
        """Write the next row. Its fixed value is in memory until its row group is complete."""
        assert checked.row is not None
        if checked.after is not None:
            self.fixed[checked.row] = checked.after
        if self.fixed or self.parts is not None:
            self._write_until(checked.row)

    def close(self) -> None:
        """Write the remaining rows."""
        self._write_until(None)
        if self.writer is not None:
            self.writer.close()

    def _write_until(self, row: int | None) -> None:
        """Write all parts that end at or before a row; all if it is None."""
        if self.parts is None:
            self.parts = self._read()
            self.part = next(self.parts, None)
        while self.part is not None and (row is None or self.done + self.part.num_rows <= row):
            self.writer.write_table(self._with_fixes(self.part))
            self.done += self.part.num_rows
            self.part = next(self.parts, None)

    def _with_fixes(self, part: pyarrow.Table) -> pyarrow.Table:
        """A part with the fixed values of its rows; all other values stay."""
        import pyarrow

        index = part.schema.get_field_index(self.column)
        field, values = part.schema.field(index), part.column(index)
        pieces, end = [], 0
        for at in range(part.num_rows):
            if (row := self.done + at + 1) in self.fixed:
                fixed = pyarrow.array([self.fixed.pop(row)], type=field.type)
                pieces += [*values.slice(end, at - end).chunks, fixed]
                end = at + 1
        if not end:
            return part
        pieces += values.slice(end).chunks
        return part.set_column(index, field, pyarrow.chunked_array(pieces, type=field.type))

    def _read(self) -> Iterator[pyarrow.Table]:
        """Create the writer, and read the parts of the file, none larger than a row group."""
        import pyarrow
        from pyarrow import parquet

        with (
            open_input(self.name) as (file, stream),
            _open_seekable(file, Bounded(self.name, stream, 0, None)) as seekable,
        ):
            self.origin.require_same(file.fileno())
            source = parquet.ParquetFile(seekable, pre_buffer=False, buffer_size=BUFFER_BYTES)
            schema, metadata = source.schema_arrow, source.metadata
            self.writer = parquet.ParquetWriter(
                self.stream,
                schema,
                compression=_compression(metadata),
                use_compliant_nested_type=not any(map(OTHER_LISTS.search, _compression(metadata))),
            )
            size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
            rows = max(1, GROUP_BYTES * metadata.num_rows // max(size, 1))
            for group in range(metadata.num_row_groups):
                for batch in source.iter_batches(rows, row_groups=[group], use_threads=False):
                    yield pyarrow.Table.from_batches([batch], schema)


def _compression(metadata: Any) -> dict[str, str]:
    """The compression of each column in the first row group."""
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = map(group.column, range(group.num_columns))
    return {each.path_in_schema: each.compression.replace("UNCOMPRESSED", "NONE") for each in columns}


def _open_seekable(file: BinaryIO, bounded: Bounded) -> Any:
    """The file, or a temporary copy if it is compressed or not seekable."""
    if file is bounded.stream and file.seekable():
        return file
    copy = TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(bounded, copy)
    return copy


def _rows(metadata: Any, column: str, batch: int) -> int:
    """The number of rows in a batch, estimated from the size of the column."""
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
    """The column that holds the inputs."""
    if chosen is not None:
        if chosen not in schema.names:
            raise InputError(f"{name}: no column {chosen!r}; columns: {', '.join(schema.names)}")
        return chosen
    fitting = [field.name for field in schema if _holds_source(field.type)]
    if known := next((column for column in COLUMNS if column in fitting), None):
        return known
    if len(fitting) == 1:
        return str(fitting[0])
    reason = f"several columns can be validated: {', '.join(fitting)}" if fitting else "no column can be validated"
    raise InputError(f"{name}: {reason}; choose one with --column; columns: {', '.join(schema.names)}")


def _id_column(schema: pyarrow.Schema, column: str, id_column: str) -> list[str]:
    """The column with the ids of rows, if there is one, and it is not the column with the inputs."""
    from pyarrow import types

    names = schema.names
    if id_column == column or names.count(id_column) != 1 or names.count(column) != 1:
        return []
    kind = schema.field(id_column).type
    kind = kind.value_type if types.is_dictionary(kind) else kind
    is_id = types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind)
    return [id_column] if is_id or getattr(types, "is_string_view", types.is_string)(kind) else []


def _holds_source(kind: pyarrow.DataType) -> bool:
    """Whether a column of this type may hold texts, token ids or messages."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _holds_source(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return bool(types.is_integer(kind.value_type) or types.is_struct(kind.value_type))
    if getattr(types, "is_string_view", types.is_string)(kind):
        return True
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_struct(kind))
