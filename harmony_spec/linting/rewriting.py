"""Files with their fixes: replaced as a whole once all their rows are there, or shown as differences."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from ..inputs import STDIN, InputError
from ..report import named
from .atomic import AtomicFile
from .findings import Checked
from .opening import finish, like
from .parquet import ParquetRows


class Rows(Protocol):
    """What the rows of a file are written to."""

    def write(self, checked: Checked) -> None:
        """Write the next row."""

    def close(self) -> None:
        """Write what is left."""


class ByteRows:
    """Rows of bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def write(self, checked: Checked) -> None:
        """Write the next row."""
        self.stream.write(checked.after)

    def close(self) -> None:
        """Everything is written."""


class Rewriter:
    """Writes the rows of files with their fixes. Compressed files stay compressed.

    Args:
        output: a file for the fixed rows of one file, or a folder for fixed files; None to replace each file.
        backup: what is added to the name of a replaced file to keep it; "" if it is not kept.

    Its methods raise `OSError` if a file cannot be written, or changed while it was checked, and `InputError` if there
    are several files for one output.
    """

    def __init__(self, output: Path | None = None, backup: str = "") -> None:
        self.output, self.backup = output, backup
        self.outputs: dict[Path, str] = {}
        self.name: str | None = None
        self.atomic: AtomicFile | None = None
        self.stream: BinaryIO | None = None
        self.rows: Rows | None = None
        self.is_changed = False

    def add(self, checked: Checked) -> bytes:
        """Write a row; returns what belongs on standard output."""
        if checked.skipped:
            return b""
        if checked.name == STDIN and self.output is None:
            return checked.after or b""
        if checked.name != self.name:
            self.finish()
            self.name = checked.name
            self._open(checked)
        if self.rows is not None:
            self.rows.write(checked)
        self.is_changed |= checked.after != checked.before
        return b""

    def _open(self, checked: Checked) -> None:
        """Begin a file; whether it is needed is known after its last row."""
        origin, path = checked.origin, Path(checked.name)
        if self.output is None:
            assert origin is not None
            self.atomic = AtomicFile(path, origin, self.backup)
        else:
            self.atomic = AtomicFile(self._target(path))
        file = cast(BinaryIO, self.atomic.file)
        self.stream = file if origin is None else like(path, file)
        if isinstance(checked.before, bytes):
            self.rows = ByteRows(self.stream)
        else:
            assert origin is not None
            self.rows = ParquetRows(checked.name, origin, checked.column, self.stream)

    def _target(self, path: Path) -> Path:
        assert self.output is not None
        target = self.output / (path.name if path.name != STDIN else "stdin") if self.output.is_dir() else self.output
        if (other := self.outputs.get(target)) is not None:
            hint = "pass a folder for the fixed rows of several files, each with another name"
            raise InputError(f"{target}: holds the fixed rows of {other}, and cannot hold those of {path}; {hint}")
        self.outputs[target] = str(path)
        return target

    def finish(self) -> None:
        """Give the file its name whose last row was written; in place only if it has changed."""
        if self.atomic is not None and self.stream is not None and self.rows is not None:
            if self.is_changed or self.output is not None:
                self.rows.close()
                finish(self.stream)
                self.atomic.commit()
            else:
                self.atomic.abort()
        self._forget()

    def broken(self, name: str) -> None:
        """Leave a file as it was whose rows did not all come."""
        if name == self.name:
            self.abort()

    def abort(self) -> None:
        """Leave the file as it was that is being written."""
        if self.atomic is not None:
            self.atomic.abort()
        self._forget()

    def _forget(self) -> None:
        self.name, self.atomic, self.stream, self.rows, self.is_changed = None, None, None, None, False


def difference(checked: Checked) -> Iterator[str]:
    """The lines of a unified difference for a row."""
    if checked.before is None or checked.after is None or checked.before == checked.after:
        return
    before, after = (_shown(part).splitlines() for part in (checked.before, checked.after))
    name = named(checked.name if checked.row is None else f"{checked.name}:{checked.row}")
    yield from difflib.unified_diff(before, after, name, name, lineterm="")


def _shown(part: Any) -> str:
    """A row, or the value of a Parquet row, as text."""
    return part.decode(errors="replace") if isinstance(part, bytes) else json.dumps(part, default=str)
