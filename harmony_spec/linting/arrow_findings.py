"""Checks Arrow batches, in any process or engine; the findings are a batch, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..diagnostics import Fix
from ..errors import Span
from .arrow_rows import select_columns
from .batches import Batch, Options
from .checking import RowCheck
from .findings import Finding
from .outputs import FINDING, RESULT, describe_row
from .parquet import require_pyarrow

if TYPE_CHECKING:
    import pyarrow

BATCH = "the batch"
"""What error messages name in place of a file."""

COLUMN_TEXTS: dict[str, Callable[[Any], str]] = {"id": str, "fix": json.dumps}
"""What is a text in Arrow, since it has several types."""


def check_batch(batch: pyarrow.RecordBatch, options: Options) -> pyarrow.RecordBatch:
    """Check the rows of a batch as those of a Parquet file, and return the rows that have findings.

    The result depends on the arguments alone: nothing is read or written. Both can be passed to other machines.

    Args:
        batch: a column of texts, token ids or conversations, and others; columns are found as in Parquet files.
        options: how its rows are checked, see `options_of`; fixes are not applied.

    Returns:
        Columns as in `findings_schema`: the number of the row in the batch, from 1, its id, the number of its messages,
        and its findings.

    Raises:
        InputError: no column can be validated, or `pyarrow` is missing.
    """
    require_pyarrow()
    import pyarrow

    if not isinstance(batch, pyarrow.RecordBatch):
        advice = "; a table has to_batches()" if isinstance(batch, pyarrow.Table) else ""
        raise TypeError(f"expected a RecordBatch, got {type(batch).__name__}{advice}")
    if not isinstance(options, Options):
        raise TypeError(f"expected what options_of returns, got {type(options).__name__}")
    selection = select_columns(BATCH, batch.schema, options)
    rows = selection.rows(batch, 1, options.max_row_bytes)
    whole = Batch(BATCH, "parquet", False, replace(options, column=None), rows)
    checked = (RowCheck(whole, row).run() for row in rows)
    return record_batch([describe_row(each) for each in checked if each.findings], findings_schema())


def findings_schema() -> pyarrow.Schema:
    """The columns of the batches that `check_batch` returns."""
    return result_schema("row", "id", "messages", "findings")


def result_schema(*names: str) -> pyarrow.Schema:
    """Some columns of `RESULT`."""
    import pyarrow

    whole, text = pyarrow.int64(), pyarrow.string()
    types = {int: whole, bool: pyarrow.bool_(), str: text, Fix: text, Span: pyarrow.list_(whole)}
    types[tuple] = pyarrow.list_(text)
    types[Finding] = pyarrow.list_(pyarrow.struct([(name, types[kind]) for name, (kind, _) in FINDING.items()]))
    return pyarrow.schema([(name, types[RESULT[name][0]]) for name in names])


def record_batch(rows: list[dict[str, Any]], schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    """Rows as a batch."""
    import pyarrow

    return pyarrow.RecordBatch.from_pylist(list(map(_for_arrow, rows)), schema)


def _for_arrow(value: Any) -> Any:
    """A value as Arrow can hold it, without lone surrogates, which JSON and file names may have."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        is_text = {name: name in COLUMN_TEXTS and item is not None for name, item in value.items()}
        return {name: _for_arrow(COLUMN_TEXTS[name](item) if is_text[name] else item) for name, item in value.items()}
    return list(map(_for_arrow, value)) if isinstance(value, list) else value
