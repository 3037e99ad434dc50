"""Rows of Arrow columns. Token ids go to the parser as buffers, without an object for each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codes import UNREADABLE_ROW
from ..errors import RowError
from ..json_form import is_chat
from ..source.token_ids import IDS
from .batches import Options, Row
from .opening import InputError
from .rows import COLUMNS, CONVERT_CHAT, MissingColumn, choose_column, listed_columns, present, too_long

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class ColumnRows:
    """Rows of a column.

    Attributes:
        first: the number of the first row, from 1.
        ids: the values of the id column, if there is one.
        limit: the size limit of a row in bytes.
        table: all columns, if they are kept.
    """

    first: int
    values: pyarrow.Array[Any] = field(repr=False)
    ids: pyarrow.Array[Any] | None
    limit: int
    table: pyarrow.RecordBatch | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Row]:
        has_long = self.values.nbytes > self.limit
        ids = None if self.ids is None else [None if isinstance(id, RowError) else id for id in _values(self.ids)]
        limit = self.limit if has_long else None
        for at, value in enumerate(_token_ids(self.values) or _values(self.values, limit)):
            if has_long and _size(self.values[at : at + 1]) > self.limit:
                value = too_long(self.limit)
            yield Row(self.first + at, value, id=ids and ids[at])

    def whole(self, number: int) -> dict[str, Any]:
        """All columns of a row, by its number. A value that Python cannot represent is the text that Arrow prints."""
        assert self.table is not None
        row = self.table.slice(number - self.first, 1)
        read = ((name, column, *_values(column)) for name, column in zip(row.schema.names, row.columns, strict=True))
        return {
            name: str(column)[1:-1].strip() if isinstance(value, RowError) else value for name, column, value in read
        }

    def can_hold(self, value: Any) -> bool:
        """Whether the column can hold a value.

        A list of fixed size cannot become shorter. Keys for which a struct has no field would be dropped without an
        error, so the value is read back.
        """
        import pyarrow

        try:
            (held,) = pyarrow.array([value], type=self.values.type).to_pylist()
        except (pyarrow.ArrowException, OverflowError, TypeError, ValueError):
            return False
        return repr(present(held)) == repr(present(value))  # as texts, since NaN is not equal to itself


def _token_ids(values: pyarrow.Array[Any]) -> Iterator[array[int] | None] | None:
    """The token ids of each row, as buffers; None if the column has other values, or ids that are missing or negative.

    A row that is null is None.
    """
    import pyarrow
    from pyarrow import types

    kind = values.type
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not len(values) or not is_list or not types.is_integer(kind.value_type):
        return None
    items = values.flatten()
    if items.null_count:
        return None
    try:
        ids = items.cast(pyarrow.uint32())
    except pyarrow.ArrowInvalid:
        return None
    data = memoryview(ids.buffers()[1] or b"").cast("B")[4 * ids.offset :]

    def rows() -> Iterator[array[int] | None]:
        start = 0
        for length in values.value_lengths().to_pylist():
            end = start + 4 * (length or 0)
            row = array(IDS)
            row.frombytes(data[start:end])
            yield None if length is None else row
            start = end

    return rows()


def _size(value: pyarrow.Array[Any]) -> int:
    """The bytes of an array of one value. A dictionary, and the buffers of views, hold those of other rows, too."""
    from pyarrow import large_binary, large_string, types

    kind = value.type
    if types.is_struct(kind):
        return sum(map(_size, value.flatten()))
    if _is_list(kind):
        return _size(value.flatten()) + 8 * len(value)
    if types.is_dictionary(kind):
        return _size(value.dictionary_decode())
    if types.is_string_view(kind):
        value = value.cast(large_string())
    elif types.is_binary_view(kind):
        value = value.cast(large_binary())
    return int(value.nbytes)


def _values(values: pyarrow.Array[Any], limit: int | None = None) -> Iterator[Any]:
    """The values of each row, or the error that Python has no such value, such as a time in nanoseconds.

    A value of more bytes than the limit is None: it would be copied.
    """
    for at, scalar in enumerate(values):
        try:
            is_long = limit is not None and _size(values[at : at + 1]) > limit
            yield None if is_long else scalar.as_py()
        except (ValueError, ArithmeticError) as error:  # OverflowError is arithmetic
            yield RowError(UNREADABLE_ROW, f"the value cannot be read: {error}")


class Selection(NamedTuple):
    """The columns of a table that are read.

    Attributes:
        column: the one that holds the inputs; None if several together are a row, an object.
        columns: that one, or those several.
        ids: the column that identifies rows, if there is one.
        others: all other columns, if rows are kept.
    """

    column: str | None
    columns: list[str]
    ids: list[str]
    others: list[str] | None = None

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.columns, *self.ids, *(self.others or ())]

    def rows(self, batch: pyarrow.RecordBatch, first: int, limit: int) -> ColumnRows:
        """The rows of a batch with these columns; `first` is the number of the first row, `limit` is in bytes."""
        at = batch.schema.get_all_field_indices
        if self.column is not None:
            values = batch.column(at(self.column)[0])
        else:
            values = batch.select([index for name in self.columns for index in at(name)]).to_struct_array()
        ids = batch.column(self.ids[0]) if self.ids else None
        return ColumnRows(first, values, ids, limit, None if self.others is None else batch)


def select_columns(name: str, schema: pyarrow.Schema, options: Options) -> Selection:
    """The columns to read from a table; `name` is for messages. Raises `InputError` if no column can be validated."""
    selection = _selection(name, schema, options)
    if options.keeps_rows:
        selection = selection._replace(others=[each for each in schema.names if each not in selection.names])
    names = selection.names if options.keeps_rows else selection.columns
    if repeated := next((each for each in names if schema.names.count(each) > 1), None):
        raise InputError(f"{name}: several columns have the name {repeated!r}; rename all but one of them")
    return selection


def _selection(name: str, schema: pyarrow.Schema, options: Options) -> Selection:
    """The columns to read for checks."""
    names = schema.names
    beside = [each for each in options.beside if each in names]
    if options.columns:
        if columns := [each for each in options.columns if each in names]:
            return Selection(None, [*columns, *beside], [])
        raise InputError(f"{name}: no column {', '.join(options.columns)}; columns: {listed_columns(names)}")
    try:
        column = _column(name, schema, options)
    except InputError:
        if not beside or options.column is not None or not is_chat(dict.fromkeys(names)):
            raise
        return Selection(None, beside, [options.id_column] * (names.count(options.id_column) == 1))
    is_unique = names.count(options.id_column) == names.count(column) == 1
    ids = [options.id_column] if is_unique and options.id_column != column else []
    if options.beside and column in COLUMNS:
        return Selection(None, [column, *(each for each in beside if each not in COLUMNS)], ids)
    return Selection(column, [column], ids)


def _column(name: str, schema: pyarrow.Schema, options: Options) -> str:
    """The column that holds the inputs."""
    types = {field.name: field.type for field in schema}

    def fits(each: str) -> bool:
        return each != options.id_column and _holds_source(types[each])

    try:
        return choose_column(types, options.column, fits)
    except RowError as error:
        advice = f". {error.hint} Columns: {listed_columns(schema.names)}." if error.hint else ""
        advice += f" If these are Chat Completions, {CONVERT_CHAT}." if is_chat(types) and error.hint else ""
        raise InputError(f"{name}: {error.message}{advice}", lacks_column=isinstance(error, MissingColumn)) from None


def _is_list(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    views = (types.is_list_view, types.is_large_list_view)
    return any(test(kind) for test in (types.is_list, types.is_large_list, types.is_fixed_size_list, *views))


def _holds_source(kind: pyarrow.DataType) -> bool:
    """Whether a column of this type may hold texts, token ids or messages."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _holds_source(kind.value_type)
    if _is_list(kind):
        return bool(types.is_integer(kind.value_type) or types.is_struct(kind.value_type))
    return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_string_view, types.is_struct))
