"""Files of results by row, JSON Lines or Parquet by their suffix. A file exists only once it is complete."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from .arrow_findings import findings_schema, record_batch
from .atomic import AtomicFile
from .findings import Checked
from .opening import InputError
from .outputs import describe
from .parquet import NO_PYARROW, ParquetOutput

if TYPE_CHECKING:
    import pyarrow

OUTPUT_SUFFIXES = (".jsonl", ".parquet")

ROWS_PER_BATCH = 10_000
"""Rows that are in memory as Python objects before they are added to a Parquet file."""


class Results:
    """A file of results. Raises `InputError` if it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self.output: ParquetOutput | None = None
        try:
            if path.suffix == ".parquet":
                import pyarrow  # noqa: F401 - before the file is created
            self.atomic = AtomicFile(path)
            if path.suffix == ".parquet":
                self.output = ParquetOutput(cast(BinaryIO, self.atomic.file), _schema())
        except ImportError:
            raise InputError(f"{path}: {NO_PYARROW}") from None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None

    def add(self, checked: Checked) -> None:
        self.rows.append(
            {
                "file": os.fsencode(checked.name).decode(errors="replace"),
                "row": checked.row,
                "id": checked.id,
                "valid": not checked.findings,
                "messages": checked.messages,
                "findings": list(map(describe, checked.findings)),
                "fixed": list(map(describe, checked.repaired)),
            }
        )
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


def _schema() -> pyarrow.Schema:
    import pyarrow

    schema = findings_schema()
    for at, added in ((0, ("file", pyarrow.string())), (3, ("valid", pyarrow.bool_()))):
        schema = schema.insert(at, pyarrow.field(*added))
    return schema.append(pyarrow.field("fixed", schema.field("findings").type))
