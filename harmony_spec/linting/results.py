"""Results by row, as JSON and as Arrow batches, and files of them: JSON Lines, or Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..diagnostics import Fix
from ..errors import Span
from .atomic import AtomicFile
from .findings import Checked, Finding
from .opening import InputError
from .parquet import ParquetOutput, require_pyarrow

if TYPE_CHECKING:
    import pyarrow

OUTPUT_SUFFIXES = (".jsonl", ".parquet")

ROWS_PER_BATCH = 10_000
"""Rows that are in memory as Python objects before they are added to a Parquet file."""

FINDING: dict[str, tuple[type, Callable[[Finding], Any]]] = {
    "line": (int, lambda each: each.line),
    "column": (int, lambda each: each.column),
    "end_line": (int, lambda each: each.end_line),
    "end_column": (int, lambda each: each.end_column),
    "code": (str, lambda each: each.code.code),
    "name": (str, lambda each: each.code.name),
    "severity": (str, lambda each: each.code.severity),
    "message": (str, lambda each: each.message),
    "unit": (str, lambda each: each.diagnostic.unit or None),
    "span": (Span, lambda each: each.diagnostic.span if each.diagnostic.unit else None),
    "text_span": (Span, lambda each: each.text_span),
    "token_span": (Span, lambda each: each.token_span),
    "index": (int, lambda each: each.diagnostic.index),
    "raw": (str, lambda each: each.diagnostic.raw),
    "taken_for": (str, lambda each: each.diagnostic.taken_for or None),
    "evidence": (str, lambda each: each.diagnostic.evidence),
    "expected": (tuple, lambda each: each.diagnostic.expected),
    "pointer": (str, lambda each: (each.pointer + each.diagnostic.pointer) or None),
    "fix": (Fix, lambda each: each.diagnostic.fix and asdict(each.diagnostic.fix)),
}
"""The keys of a finding, each with its type and how to read it."""


def describe(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return {name: read(finding) for name, (_, read) in FINDING.items()}


RESULT: dict[str, tuple[type, Callable[[Checked], Any]]] = {
    "file": (str, lambda each: os.fsencode(each.name).decode(errors="replace")),
    "row": (int, lambda each: each.row),
    "id": (str, lambda each: each.id),
    "valid": (bool, lambda each: not each.findings),
    "messages": (int, lambda each: each.messages),
    "findings": (Finding, lambda each: list(map(describe, each.findings))),
    "fixed": (Finding, lambda each: list(map(describe, each.repaired))),
}
"""The keys of a row, in the same form; a `Finding` is a list of them."""


def describe_row(checked: Checked) -> dict[str, Any]:
    """A row with its findings as JSON."""
    return {name: read(checked) for name, (_, read) in RESULT.items()}


COLUMN_TEXTS: dict[str, Callable[[Any], str]] = {"id": str, "fix": json.dumps}
"""The keys whose values have several types, and how each becomes the text that Arrow columns need."""


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


class Results:
    """A file of results, which exists only once it is complete. Raises `InputError` if it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self.output: ParquetOutput | None = None
        is_parquet = path.suffix == ".parquet"
        if is_parquet:
            require_pyarrow(str(path))
        try:
            self.atomic = AtomicFile(path)
            if is_parquet:
                self.output = ParquetOutput(cast(BinaryIO, self.atomic.file), result_schema(*RESULT))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None

    def add(self, checked: Checked) -> None:
        self.rows.append(describe_row(checked))
        if self.output is None or len(self.rows) >= ROWS_PER_BATCH:
            self._write()

    def _write(self) -> None:
        rows, self.rows = self.rows, []
        if self.output is None:
            self.atomic.file.writelines(json.dumps(row).encode() + b"\n" for row in rows)
        else:
            self.output.write(record_batch(rows, self.output.schema))

    def commit(self) -> None:
        """Complete the file."""
        self._write()
        if self.output is not None:
            self.output.close()
        self.atomic.commit()

    def abort(self) -> None:
        """Leave everything as it was."""
        if self.output is not None:
            self.output.abort()
        self.atomic.abort()
