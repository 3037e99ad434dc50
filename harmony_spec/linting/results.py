"""Files of results by row, JSON Lines or Parquet by their suffix. A file exists only once it is complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO, cast

from .arrow_findings import record_batch, result_schema
from .atomic import AtomicFile
from .findings import Checked
from .opening import InputError
from .outputs import RESULT, describe_row
from .parquet import ParquetOutput, require_pyarrow

OUTPUT_SUFFIXES = (".jsonl", ".parquet")

ROWS_PER_BATCH = 10_000
"""Rows that are in memory as Python objects before they are added to a Parquet file."""


class Results:
    """A file of results. Raises `InputError` if it cannot be written."""

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
