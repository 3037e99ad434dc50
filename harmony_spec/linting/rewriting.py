"""Writes fixed files, or shows what would change. A file is written once all its rows are checked, or not at all."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from msgspec import structs

from .atomic import AtomicFile
from .findings import Checked
from .fix_diffs import diff_of_fixes
from .opening import STDIN, InputError, Opened, compressed, in_temporary_folder
from .parquet import copy_parquet
from .row_reading import Progress, pieces

MAX_HELD_BYTES = 1 << 24
"""Bytes of checked rows that are in memory until their file is written; more are on the disk."""


class OutputError(Exception):
    """A file cannot be written; the message names the file and the reason."""


class Rewriter:
    """Writes the fixed rows of files. Compressed files stay compressed.

    A file that cannot be written, or that changed while it was checked, is left as it was.

    Args:
        progress: of the run; it knows where the files are.
        targets: the output file of each file, by name; a file without one is replaced if fixes change it. Fixed
            standard input without one goes to standard output.
        backup: a suffix to keep replaced files under; "" if they are not kept.
        is_diff: whether the changes are printed instead.
    """

    def __init__(self, progress: Progress, targets: dict[str, Path], backup: str, is_diff: bool) -> None:
        self.progress, self.targets, self.backup, self.is_diff = progress, targets, backup, is_diff

    def written(self, items: Iterable[Checked | InputError]) -> Iterator[Checked | InputError | OutputError]:
        """Write files, and return their rows, which count as fixed only if their file was written.

        So the rows of a file are returned once that is known: those before its first fix at once, the others at its
        end.
        """
        for name, group in groupby(items, lambda item: item.name):
            with SpooledTemporaryFile(MAX_HELD_BYTES) as held:
                yield from self._written(name, group, held)

    def _written(
        self, name: str, items: Iterable[Checked | InputError], held: IO[bytes]
    ) -> Iterator[Checked | InputError | OutputError]:
        failures: list[InputError | OutputError] = []
        is_fixed = False
        for item in items:
            is_fixed = is_fixed or (isinstance(item, Checked) and item.unfixed is not None)
            if isinstance(item, InputError):
                failures.append(item)
            elif is_fixed:
                item = item if item.unfixed else structs.replace(item, before=None, after=None)
                with in_temporary_folder():
                    pickle.dump(item, held, pickle.HIGHEST_PROTOCOL)
            else:
                yield item
        original = self.progress.originals.pop(name, None)
        is_wanted = is_fixed or (not self.is_diff and (name in self.targets or name == STDIN))
        if original is not None and is_wanted and not failures:
            try:
                self._write(original, (row for row in _rows(held) if row.unfixed))
            except InputError as error:
                failures.append(OutputError(str(error)))
            except OSError as error:
                if error.filename is None and self._goes_to_output(name):
                    raise  # no fault of this file
                failures.append(OutputError(f"{error.filename or name}: {error.strerror or error}"))
        yield from failures
        yield from (row.unfixed or row if failures else row for row in _rows(held))

    def _goes_to_output(self, name: str) -> bool:
        """Whether fixed rows, or changes, go to standard output."""
        return self.is_diff or (name == STDIN and name not in self.targets)

    def _write(self, original: Opened, fixed: Iterator[Checked]) -> None:
        """Write a file with its fixed rows, or print what changes."""
        name, out = original.name, sys.stdout.buffer
        target = self.targets.get(name)
        if self.is_diff:
            out.writelines(diff_of_fixes(original, fixed))
        elif self._goes_to_output(name):
            _copy(original, fixed, out)
        else:
            replaced = (Path(name), original, self.backup) if target is None else (target,)
            magic = b"" if name == STDIN else original.magic
            with AtomicFile(*replaced) as atomic, compressed(magic, cast(BinaryIO, atomic.file), "wb") as stream:
                _copy(original, fixed, stream)


def _rows(held: IO[bytes]) -> Iterator[Checked]:
    """The held rows, in order."""
    held.seek(0)
    with suppress(EOFError):
        while True:
            yield pickle.load(held)


def _copy(original: Opened, fixed: Iterable[Checked], out: BinaryIO) -> None:
    """Copy a file with its fixed rows."""
    if original.column is not None:
        with original.reopen() as stream:
            copy_parquet(stream, original.column, ((row.row, row.after) for row in fixed), out)
    else:
        out.writelines(after for _, after in pieces(original, fixed))


def find_targets(output: str, names: Iterable[str], claimed: set[str]) -> dict[str, Path]:
    """The output file for the fixed rows of each file.

    Args:
        output: a file, if there is one input file, or a folder.
        names: of the input files.
        claimed: see `claim`.

    Raises:
        InputError: the rows cannot be written there.
    """
    found: dict[str, Path] = {}
    names, is_folder = list(names), os.path.isdir(output)
    if not output or output == STDIN or output.startswith(("/dev/", "/proc/")):
        raise InputError(f"{output!r} is not a file; pass a file name")
    if not is_folder and (len(names) > 1 or output.endswith(os.sep)):
        raise InputError(f"{output}: not a folder; the fixed rows of several files need an existing folder")
    for name in names:
        found[name] = Path(output, "stdin" if name == STDIN else Path(name).name) if is_folder else Path(output)
        claim("--fixed-output", found[name], claimed)
    return found


def files_read(names: Iterable[str], *others: Path | None) -> set[str]:
    """The resolved paths of the files that a run reads: inputs by name, and other files or whole folders."""
    found = {os.path.realpath(name) for name in names if name != STDIN}
    for path in filter(None, others):
        found |= set(map(os.path.realpath, path.iterdir() if path.is_dir() else [path]))
    return found


def claim(option: str, path: Path, claimed: set[str]) -> None:
    """Add a file that the run reads or writes to the resolved paths of others; raise `InputError` if it is one."""
    real = os.path.realpath(path)
    if real in claimed:
        raise InputError(f"{option} {path}: the run also reads or writes this file; pass another one")
    claimed.add(real)
