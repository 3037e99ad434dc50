"""Reads and writes Parquet files in batches of rows. `pyarrow` is imported with the first file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from io import BufferedRandom, BufferedReader
from typing import TYPE_CHECKING, Any, BinaryIO

from .arrow_rows import select_columns
from .batches import WHOLE, ByteRange, Options, RowsRead
from .opening import InputError, Opened, saved

if TYPE_CHECKING:
    import pyarrow

END: tuple[None, None] = None, None
"""No row."""

NO_PYARROW = "pyarrow is not installed; in a clone of harmony-spec, run: python -m pip install '.[parquet]'"

ROW_GROUP_BYTES = 1 << 26
"""The size limit of a written row group; larger row groups of a fixed file are split."""

OTHER_LISTS = re.compile(r"\.list\.(?!element(?:\.|$))")
"""In the path of a column, the names that old writers give to list elements. Source: the Parquet format, "Lists"."""

BUFFER_BYTES = 1 << 20
"""Bytes of a column that are read at a time, so that memory does not depend on the size of row groups."""

MAX_BATCH_ROWS = 64
"""Rows that are read at a time. A dictionary has equal texts once, so the size of the file does not show theirs:
with 20,000 rows of 50 kB at a time, 3 kB in the file, a process took 2.6 GB."""

MAX_JOINED_BATCHES = 64
"""Batches of as many rows that become one, however short the rows are."""


def require_pyarrow(name: str = "") -> None:
    """Raise an `InputError` if `pyarrow` is missing; `name` is the file that needs it."""
    if find_spec("pyarrow") is None:
        raise InputError(": ".join(filter(None, (name, NO_PYARROW))))


def read_parquet(
    opened: Opened, options: Options, batch: int, within: ByteRange = WHOLE
) -> tuple[str | None, Iterator[RowsRead]]:
    """Read a Parquet file: the name of its column, and its rows.

    Args:
        opened: the file.
        options: how its rows are checked.
        batch: bytes of rows in a batch.
        within: the part of the file that is read: the row groups that begin there.

    Raises:
        InputError: the file is not Parquet or broken, no column can be validated, or `pyarrow` is missing.
    """
    name = opened.name
    with _broken(name):
        seekable = _seekable(opened.stream, opened)
        size = seekable.seek(0, 2)
        source = _source(seekable)
        selection = select_columns(name, source.schema_arrow, options)

    def rows() -> Iterator[RowsRead]:
        metadata, total = source.metadata, source.metadata.num_rows
        groups = _groups(metadata, within)
        done = sum(metadata.row_group(group).num_rows for group in range(min(groups, default=0)))
        number = _rows(metadata, selection.names, batch)
        group = 0
        with _broken(name, lambda: f" in row group {group + 1}, after row {done}"):
            for group in groups:
                parts = source.iter_batches(number, [group], selection.names, use_threads=False)
                for part in _joined(parts, batch // 2):
                    rows = selection.rows(part, done + 1, options.max_row_bytes)
                    done += part.num_rows
                    yield rows, part.nbytes, size * done // total
        if not total and not within.start:
            yield [], 0, size

    return selection.column, rows()


class ParquetOutput:
    """A Parquet file that is written in batches. It is complete after `close`.

    Args:
        out: the stream to write to.
        schema: the columns.
        optional: a column that the file lacks if no row has a value in it and all fit one row group.
        options: of the writer of `pyarrow`.
    """

    def __init__(self, out: BinaryIO, schema: pyarrow.Schema, optional: str = "", **options: Any) -> None:
        self.out, self.schema, self.optional = out, schema, optional
        self.options: dict[str, Any] = {"compression": "zstd"} | options
        self.writer: Any = None
        self.held: list[pyarrow.RecordBatch] = []
        self.bytes = 0

    def write(self, batch: pyarrow.RecordBatch) -> None:
        """Add rows; they are written in groups of `ROW_GROUP_BYTES`."""
        self.held.append(batch)
        self.bytes += batch.nbytes
        if self.bytes >= ROW_GROUP_BYTES:
            self.end_group()

    def end_group(self, is_last: bool = False) -> None:
        """Write the rows that are held, if any; the first group opens the file."""
        from pyarrow import Table, parquet

        if not self.held and not (is_last and self.writer is None):
            return
        rows = Table.from_batches(self.held, self.schema)
        if self.writer is None:
            if is_last and self.optional and rows.column(self.optional).null_count == len(rows):
                rows = rows.drop_columns([self.optional])
            self.writer = parquet.ParquetWriter(self.out, rows.schema, **self.options)
        self.writer.write_table(rows)
        self.held, self.bytes = [], 0

    def close(self) -> None:
        """Complete the file. Does nothing when called again."""
        if self.writer is None or self.writer.is_open:
            self.end_group(is_last=True)
            self.writer.close()

    def abort(self) -> None:
        """Close the file, complete or not."""
        from pyarrow import ArrowException

        with suppress(OSError, ArrowException):
            self.close()


@contextmanager
def _broken(name: str, place: Callable[[], str] = str) -> Iterator[None]:
    """Raise an `InputError` for a file that `pyarrow` cannot read, or not from a place on."""
    require_pyarrow(name)
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:  # names of columns are texts
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{name}: the Parquet file cannot be read{place()}: {lines[0]}") from None


def copy_parquet(stream: BinaryIO, column: str, fixed: Iterable[tuple[int | None, Any]], out: BinaryIO) -> None:
    """Copy a Parquet file with new values of a column. Its schema, metadata, compression and other columns stay.

    Args:
        stream: the file.
        column: of the new values.
        fixed: the numbers of rows, from 1, in order, and their new values.
        out: the stream to write to.
    """
    from pyarrow import Table

    source = _source(_seekable(stream))
    schema, metadata, compression = source.schema_arrow, source.metadata, _compression(source.metadata)
    is_compliant = not any(map(OTHER_LISTS.search, compression))
    number = _rows(metadata, schema.names, ROW_GROUP_BYTES)
    fixed, done = iter(fixed), 0
    row, value = next(fixed, END)
    options: dict[str, Any] = {
        "compression": compression,
        "use_compliant_nested_type": is_compliant,
        "write_page_checksum": True,
    }
    with closing(ParquetOutput(out, schema, **options)) as output:
        for group in range(metadata.num_row_groups):
            for part in source.iter_batches(number, [group], use_threads=False):
                new: dict[int, Any] = {}
                while row is not None and row <= done + part.num_rows:
                    new[row - done - 1] = value
                    row, value = next(fixed, END)
                for batch in _with_values(Table.from_batches([part], schema), column, new).to_batches():
                    output.write(batch)
                done += part.num_rows
            output.end_group()


def _with_values(part: pyarrow.Table, column: str, new: dict[int, Any]) -> pyarrow.Table:
    """A table with new values at some places of a column; all other values stay."""
    import pyarrow

    index = part.schema.get_field_index(column)
    field, values = part.schema.field(index), part.column(index)
    chunks, end = [], 0
    for at, value in new.items():
        chunks += [*values.slice(end, at - end).chunks, pyarrow.array([value], type=field.type)]
        end = at + 1
    chunks += values.slice(end).chunks
    return part.set_column(index, field, pyarrow.chunked_array(chunks, type=field.type)) if new else part


def _compression(metadata: Any) -> dict[str, str]:
    """The compression of each column in the first row group."""
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = map(group.column, range(group.num_columns))
    return {each.path_in_schema: each.compression.replace("UNCOMPRESSED", "NONE") for each in columns}


def _source(seekable: Any) -> Any:
    """An open Parquet file. Damaged pages raise if they have a checksum."""
    from pyarrow import parquet

    # Without `pre_buffer`, memory does not depend on the size of row groups.
    return parquet.ParquetFile(seekable, pre_buffer=False, buffer_size=BUFFER_BYTES, page_checksum_verification=True)


def _seekable(stream: BinaryIO, opened: Opened | None = None) -> Any:
    """A stream, or a temporary copy if it is decompressed or not seekable; `opened` limits its size."""
    if isinstance(stream, BufferedReader | BufferedRandom) and stream.seekable():
        return stream
    return saved(opened or stream)


def _groups(metadata: Any, within: ByteRange) -> list[int]:
    """The row groups that begin in a part of a file. They are in the order of the file."""
    starts = (metadata.row_group(group).column(0) for group in range(metadata.num_row_groups))
    offsets = [each.dictionary_page_offset or each.data_page_offset for each in starts]
    return [at for at, offset in enumerate(offsets) if within.holds(offset)]


def _joined(parts: Iterable[pyarrow.RecordBatch], size: int) -> Iterator[pyarrow.RecordBatch]:
    """Batches of at least a size in bytes, made of smaller ones.

    With each batch of 64 short rows checked alone, a row took 5 % longer: after their checks, the code of `pyarrow` is
    in none of the caches of the processor.
    """
    from pyarrow import ArrowException

    held: list[pyarrow.RecordBatch] = []
    bytes_held = 0
    try:
        for part in parts:
            if part.nbytes >= size:  # to join it would copy it
                yield from (*_whole_batch(held), part)
                held, bytes_held = [], 0
                continue
            held.append(part)
            bytes_held += part.nbytes
            if bytes_held >= size or len(held) == MAX_JOINED_BATCHES:
                yield from _whole_batch(held)
                held, bytes_held = [], 0
    except (ArrowException, OSError):  # the next part is damaged
        yield from _whole_batch(held)
        raise
    yield from _whole_batch(held)


def _whole_batch(parts: list[pyarrow.RecordBatch]) -> list[pyarrow.RecordBatch]:
    """One batch with the rows of some, or these themselves, if Arrow cannot join a type."""
    from pyarrow import ArrowException, Table

    try:
        return Table.from_batches(parts).combine_chunks().to_batches() if parts else []
    except ArrowException:
        return parts


def _rows(metadata: Any, columns: Collection[str], batch: int) -> int:
    """The number of rows in a batch, estimated from the size of the columns."""
    size = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            part = row_group.column(index)
            if part.path_in_schema.split(".")[0] in columns:
                size += max(part.total_uncompressed_size, 4 * part.num_values)  # runs of equal token ids are short
    fitting: int = batch * metadata.num_rows // max(size, 1)
    return max(1, min(fitting, MAX_BATCH_ROWS))
