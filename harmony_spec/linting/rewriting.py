"""Files with what was mended: replaced as a whole once all their rows are there, or shown as differences."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ..inputs import STDIN
from .atomic import AtomicFile
from .findings import Checked
from .opening import finish, like


class Rewriter:
    """Writes the rows of files as they should stand. Compressed files stay compressed; Parquet files are left alone."""

    def __init__(self) -> None:
        self.name = ""
        self.atomic: AtomicFile | None = None
        self.stream: BinaryIO | None = None
        self.changed = False

    def add(self, checked: Checked) -> bytes:
        """Write a row; gives back what belongs on standard output."""
        if checked.name == STDIN:
            return checked.after or b""
        if checked.name != self.name:
            self.finish()
            self.name = checked.name
        if checked.after is not None:
            if self.stream is None:
                self._open(Path(checked.name))
            assert self.stream is not None
            self.stream.write(checked.after)
            self.changed |= checked.after != checked.before
        return b""

    def _open(self, path: Path) -> None:
        self.atomic = AtomicFile(path)
        self.stream = like(path, cast(BinaryIO, self.atomic.file))

    def finish(self) -> None:
        """Replace the file whose last row was written, if it has changed."""
        if self.atomic is not None and self.stream is not None:
            finish(self.stream)
            if self.changed:
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
        self.name, self.atomic, self.stream, self.changed = "", None, None, False


def difference(checked: Checked) -> Iterator[str]:
    """The lines of a unified difference for a row."""
    if checked.before is None or checked.after is None or checked.before == checked.after:
        return
    before, after = (part.decode(errors="replace").splitlines() for part in (checked.before, checked.after))
    name = checked.name if checked.row is None else f"{checked.name}:{checked.row}"
    yield from difflib.unified_diff(before, after, name, name, lineterm="")
