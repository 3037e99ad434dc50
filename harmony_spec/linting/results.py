"""Files of results by row. A file exists only once it is complete."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .atomic import AtomicFile
from .findings import Checked
from .input_files import InputError
from .outputs import describe
from .parquet import NO_PYARROW

if TYPE_CHECKING:
    import pyarrow

SUFFIXES = (".jsonl", ".parquet")

ROWS_PER_GROUP = 10_000
"""Rows in a row group of a Parquet file."""


class Results(Protocol):
    """A file of results."""

    def add(self, checked: Checked) -> None:
        """Write a row."""

    def commit(self) -> None:
        """Complete the file."""

    def abort(self) -> None:
        """Leave everything as it was."""


def open_results(path: Path) -> Results:
    """A file of results, JSON Lines or Parquet by its suffix. Raises `InputError` if it cannot be written."""
    try:
        return ParquetResults(path) if path.suffix == ".parquet" else JsonResults(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _row(checked: Checked) -> dict[str, Any]:
    return {
        "file": os.fsencode(checked.name).decode(errors="replace"),
        "row": checked.row,
        "id": checked.id,
        "valid": not checked.findings,
        "messages": checked.messages,
        "findings": [describe(finding) for finding in checked.findings],
        "fixed": [describe(finding) for finding in checked.repaired],
    }


class JsonResults:
    """JSON Lines."""

    def __init__(self, path: Path) -> None:
        self.atomic = AtomicFile(path)

    def add(self, checked: Checked) -> None:
        """Write a row."""
        self.atomic.file.write(json.dumps(_row(checked)).encode() + b"\n")

    def commit(self) -> None:
        """Complete the file."""
        self.atomic.commit()

    def abort(self) -> None:
        """Leave everything as it was."""
        self.atomic.abort()


class ParquetResults:
    """Parquet."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise InputError(f"{path}: {NO_PYARROW}") from None
        self.arrow, self.schema = pyarrow, _schema()
        self.atomic = AtomicFile(path)
        self.writer = parquet.ParquetWriter(self.atomic.file, self.schema)
        self.rows: list[dict[str, Any]] = []

    def add(self, checked: Checked) -> None:
        """Add a row; full row groups are written."""
        row = _row(checked)
        row["id"] = None if checked.id is None else str(checked.id)
        for key in ("findings", "fixed"):
            row[key] = [each | {"fix": each["fix"] and json.dumps(each["fix"])} for each in row[key]]
        self.rows.append(row)
        if len(self.rows) >= ROWS_PER_GROUP:
            self._write()

    def _write(self) -> None:
        try:
            table = self.arrow.Table.from_pylist(self.rows, self.schema)
        except UnicodeEncodeError:
            table = self.arrow.Table.from_pylist(_encodable(self.rows), self.schema)
        self.writer.write_table(table)
        self.rows = []

    def commit(self) -> None:
        """Complete the file."""
        self._write()
        self.writer.close()
        self.atomic.commit()

    def abort(self) -> None:
        """Leave everything as it was."""
        with suppress(OSError, self.arrow.ArrowException):
            self.writer.close()
        self.atomic.abort()


def _encodable(value: Any) -> Any:
    """A value with lone surrogates escaped: JSON and file names may have them, Parquet may not."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list) else value


def _schema() -> pyarrow.Schema:
    """The columns of a Parquet file of results. Fixes are JSON, since they replace texts or token ids."""
    import pyarrow as arrow

    whole, text = arrow.int64(), arrow.string()
    finding = {
        "line": whole,
        "column": whole,
        "end_line": whole,
        "end_column": whole,
        "code": text,
        "name": text,
        "severity": text,
        "message": text,
        "unit": text,
        "span": arrow.list_(whole),
        "text_span": arrow.list_(whole),
        "token_span": arrow.list_(whole),
        "index": whole,
        "raw": text,
        "taken_for": text,
        "evidence": text,
        "expected": arrow.list_(text),
        "pointer": text,
        "fix": text,
    }
    columns = {
        "file": text,
        "row": whole,
        "id": text,
        "valid": arrow.bool_(),
        "messages": whole,
        "findings": arrow.list_(arrow.struct(list(finding.items()))),
        "fixed": arrow.list_(arrow.struct(list(finding.items()))),
    }
    return arrow.schema(list(columns.items()))
