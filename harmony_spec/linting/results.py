"""Files of results by row, JSON Lines or Parquet by their suffix. A file exists only once it is complete."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..diagnostics import Fix
from ..errors import Span
from .atomic import AtomicFile
from .findings import Checked
from .opening import InputError
from .outputs import FINDING, describe
from .parquet import NO_PYARROW, ParquetOutput

SUFFIXES = (".jsonl", ".parquet")

ROWS_PER_BATCH = 10_000
"""Rows that are in memory as Python objects before they are added to a Parquet file."""

TEXTS: dict[str, Callable[[Any], str]] = {"id": str, "fix": json.dumps}
"""What is a text in Parquet, since it has several types."""


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
            import pyarrow

            self.output.write(pyarrow.RecordBatch.from_pylist(list(map(_for_parquet, rows)), self.output.schema))

    def commit(self) -> None:
        """Complete the file."""
        self._write()
        if self.output is not None:
            self.output.close()
        self.atomic.commit()

    def abort(self) -> None:
        """Leave everything as it was."""
        if self.output is not None:
            from pyarrow import ArrowException

            with suppress(OSError, ArrowException):
                self.output.close()
        self.atomic.abort()


def _schema() -> Any:
    import pyarrow

    whole, text = pyarrow.int64(), pyarrow.string()
    types = {int: whole, str: text, Fix: text, Span: pyarrow.list_(whole), tuple: pyarrow.list_(text)}
    findings = pyarrow.list_(pyarrow.struct([(name, types[kind]) for name, (kind, _) in FINDING.items()]))
    columns = {"file": text, "row": whole, "id": text, "valid": pyarrow.bool_(), "messages": whole}
    return pyarrow.schema(list((columns | {"findings": findings, "fixed": findings}).items()))


def _for_parquet(value: Any) -> Any:
    """A row as Parquet can hold it, without lone surrogates, which JSON and file names may have."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        is_text = {name: name in TEXTS and item is not None for name, item in value.items()}
        return {name: _for_parquet(TEXTS[name](item) if is_text[name] else item) for name, item in value.items()}
    return list(map(_for_parquet, value)) if isinstance(value, list) else value
