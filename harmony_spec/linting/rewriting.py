"""Writes fixed files: each is replaced once all its rows are written."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol, cast

from .atomic import AtomicFile, Origin
from .findings import Checked
from .input_files import STDIN, InputError
from .opening import compress_like, finish, open_input
from .parquet import ParquetRows

MAX_HELD_BYTES = 1 << 24
"""Bytes of checked rows that are in memory until their file is written; more are on the disk."""

COPY_BYTES = 1 << 16
"""Bytes that are copied at a time."""


class Rows(Protocol):
    """Writes the rows of a file."""

    def write(self, checked: Checked) -> None:
        """Write the next row."""

    def close(self) -> None:
        """Write the remaining rows."""


class ByteRows:
    """Writes rows of bytes. Rows that are not in memory are copied from the checked file, which is opened on demand.

    Args:
        name: of that file.
        origin: the file when it was checked; None for standard input, whose rows are all in memory.
        stream: the stream to write to.
    """

    def __init__(self, name: str, origin: Origin | None, stream: BinaryIO) -> None:
        self.name, self.origin, self.stream = name, origin, stream
        self.position = 0
        self.closing = ExitStack()
        self.original: BinaryIO | None = None

    def write(self, checked: Checked) -> None:
        """Write the next row."""
        if checked.too_long is not None:
            self.copy(checked.too_long.size)
        else:
            self.stream.write(checked.after)
            self.position += len(checked.before)

    def copy(self, size: int | None) -> None:
        """Copy bytes of the original; all the rest if `size` is None."""
        if self.original is None:
            assert self.origin is not None
            raw, self.original = self.closing.enter_context(open_input(self.name))
            self.origin.require_same(raw.fileno())
        self.original.seek(self.position)
        while size != 0 and (data := self.original.read(min(size or COPY_BYTES, COPY_BYTES))):
            self.stream.write(data)
            self.position += len(data)
            size = None if size is None else size - len(data)

    def close(self) -> None:
        """Close the original."""
        self.closing.close()


class OutputError(Exception):
    """A file cannot be written; the message names the file and the reason."""


class Held:
    """Checked rows whose file is not written yet; on the disk if there are many."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(MAX_HELD_BYTES)  # noqa: SIM115 - `release` closes it

    def add(self, checked: Checked) -> None:
        pickle.dump(replace(checked, before=None, after=None), self.file, pickle.HIGHEST_PROTOCOL)

    def release(self) -> Iterator[Checked]:
        """All rows, in order."""
        with self.file:
            self.file.seek(0)
            with suppress(EOFError):
                while True:
                    yield pickle.load(self.file)


class Rewriter:
    """Writes the fixed rows of files. Compressed files stay compressed.

    A file that cannot be written, or that changed while it was checked, is left as it was.

    Args:
        targets: the output file of each file, by name; a file without one is replaced if fixes change it.
        backup: a suffix to keep replaced files under; "" if they are not kept.
    """

    def __init__(self, targets: dict[str, Path], backup: str) -> None:
        self.targets, self.backup = targets, backup
        self._forget()

    def _forget(self) -> None:
        self.name: str | None = None
        self.origin: Origin | None = None
        self.unchanged = 0
        self.atomic: AtomicFile | None = None
        self.stream: BinaryIO | None = None
        self.rows: Rows | None = None
        self.held: Held | None = None
        self.is_broken = False

    def written(self, items: Iterable[Checked | InputError]) -> Iterator[Checked | InputError | OutputError]:
        """Write files, and return their rows, which count as fixed only if their file was written.

        So the rows of a file are returned once that is known: those before its first fix at once, the others at its
        end. Fixed standard input goes to standard output if it has no target.
        """
        for item in items:
            if item.name != self.name:
                yield from self._finish()
            if isinstance(item, InputError):
                yield from self._unfixed()
                self.abort()
                yield item
            elif item.name == STDIN and STDIN not in self.targets:
                sys.stdout.buffer.write(item.after or b"")
                yield item
            else:
                self.name, self.origin = item.name, item.origin
                yield from self._add(item)
        yield from self._finish()

    def _add(self, checked: Checked) -> Iterator[Checked | OutputError]:
        """Write the next row."""
        if not self.is_broken:
            try:
                self._write(checked)
            except (OSError, InputError) as error:
                yield from self._fail(error)
        if self.is_broken:
            yield checked.unfixed or checked
        elif self.held is None and checked.unfixed is None:
            yield checked
        else:
            self.held = self.held or Held()
            self.held.add(checked)

    def _write(self, checked: Checked) -> None:
        """Write a row. A file to be replaced is opened at its first fix, and the rows before that are copied."""
        if self.rows is None:
            if checked.name not in self.targets and checked.after == checked.before:
                self.unchanged += len(checked.after or b"") if checked.too_long is None else checked.too_long.size or 0
                return
            self._open(checked)
        assert self.rows is not None
        self.rows.write(checked)

    def _open(self, checked: Checked) -> None:
        target, origin = self.targets.get(checked.name), checked.origin
        path = Path(checked.name)
        self.atomic = AtomicFile(path, origin, self.backup) if target is None else AtomicFile(target)
        file = cast(BinaryIO, self.atomic.file)
        self.stream = file if origin is None else compress_like(path, file)
        if checked.column:
            assert origin is not None
            self.rows = ParquetRows(checked.name, origin, checked.column, self.stream)
            return
        rows = ByteRows(checked.name, origin, self.stream)
        if self.unchanged:
            rows.copy(self.unchanged)
        self.rows = rows

    def _finish(self) -> Iterator[Checked | OutputError]:
        """Complete the file after its last row."""
        try:
            if self.rows is not None and self.stream is not None and self.atomic is not None:
                self.rows.close()
                finish(self.stream)
                self.atomic.commit()
        except (OSError, InputError) as error:
            yield from self._fail(error)
        if self.held is not None:
            yield from self.held.release()
        self._forget()

    def _fail(self, error: OSError | InputError) -> Iterator[Checked | OutputError]:
        """Leave the file as it was, and report why."""
        if self.atomic is not None:
            self.atomic.abort()
        self.rows, self.is_broken = None, True
        in_file = f"{error.filename or self.name}: {error.strerror or error}" if isinstance(error, OSError) else ""
        yield OutputError(in_file or str(error))
        yield from self._unfixed()

    def _unfixed(self) -> Iterator[Checked]:
        """The held rows of a file that is left as it was, without fixes."""
        held, self.held = self.held, None
        if held is not None:
            yield from (checked.unfixed or checked for checked in held.release())

    def abort(self) -> None:
        """Leave the current file as it was."""
        if self.atomic is not None:
            self.atomic.abort()
        self._forget()


def find_targets(output: str, names: Iterable[str], read: Iterable[str]) -> dict[str, Path]:
    """The output file for the fixed rows of each file.

    Args:
        output: a file, if there is one input file, or a folder.
        names: of the input files.
        read: the resolved paths of all files that are read.

    Raises:
        InputError: the rows cannot be written there.
    """
    found: dict[str, Path] = {}
    owners: dict[str, str] = {}
    read, names = set(read), list(names)
    if not output or output == STDIN or output.startswith(("/dev/", "/proc/")):
        raise InputError(f"{output!r} is not a file; pass a file name")
    if not os.path.isdir(output) and (len(names) > 1 or output.endswith(os.sep)):
        raise InputError(f"{output}: not a folder; the fixed rows of several files need an existing folder")
    for name in names:
        target = Path(output, "stdin" if name == STDIN else Path(name).name) if os.path.isdir(output) else Path(output)
        real = os.path.realpath(target)
        if real in read:
            raise InputError(f"{target}: the run reads this file, so fixed rows cannot be written to it")
        if (other := owners.get(real)) is not None:
            raise InputError(f"{target}: the fixed rows of both {other} and {name} would be written to it")
        owners[real] = name
        found[name] = target
    return found
