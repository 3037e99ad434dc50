"""Files that are written completely or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from io import BufferedWriter, FileIO
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Self
from weakref import finalize

from .opening import Opened

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


class _Raw(FileIO):
    """A file under a temporary name; errors name the file that it is written for.

    If that exists, nobody else may read this one until it has the same permissions.
    """

    def __init__(self, temporary: Path, path: Path) -> None:
        mode = 0o600 if path.exists() else 0o666
        super().__init__(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode))
        self.path = path

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, f"it cannot be written: {error.strerror}", str(self.path)) from None


class AtomicFile:
    """A file that is written under a hidden name in the same folder, and renamed once it is complete.

    As a context, it is complete at the end of the block.

    Args:
        path: of the file. An existing one is replaced and keeps its permissions; a link stays a link.
        original: the file to be replaced, as it was read; None if any file may be replaced.
        backup: a suffix to keep the replaced file under; "" if it is not kept.

    Raises:
        OSError: the path is not a regular file, such as a device or a pipe, or the file cannot be created.

    Attributes:
        file: the stream to write to.
    """

    def __init__(self, path: Path, original: Opened | None = None, backup: str = "") -> None:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a regular file; it cannot be replaced", str(path))
        self.path = path.resolve() if original is None else Path(original.path)
        self.original, self.backup = original, backup
        temporary = self.path.parent / f".harmony-spec.{token_hex(8)}"
        self._delete = finalize(self, _delete, temporary, os.getpid())  # at any end, also in the middle of this
        try:
            self.file = BufferedWriter(_Raw(temporary, self.path))
        except OSError as error:
            raise OSError(error.errno, f"it cannot be written: {error.strerror}", str(path)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        (self.commit if error is None else self.abort)()

    def commit(self) -> None:
        """Rename the file; if that fails, leave everything as it was, and raise `OSError`."""
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            if self.path.exists():
                os.chmod(self.file.name, self.path.stat().st_mode & 0o777)
            if self.original is not None:
                self.original.require_same()
            if self.backup:
                self._back_up()
            os.replace(self.file.name, self.path)
            self._delete.detach()
        except OSError:
            self.abort()
            raise

    def _back_up(self) -> None:
        """Keep the replaced file under a second name. Raises `OSError` if a file of that name exists."""
        kept = self.path.with_name(self.path.name + self.backup)
        try:
            os.link(self.path, kept)
        except FileExistsError:
            raise OSError(errno.EEXIST, "the backup already exists; nothing was written", str(kept)) from None
        except OSError:  # a file system without hard links
            with open(kept, "xb") as copy, open(self.path, "rb") as original:
                shutil.copyfileobj(original, copy)
            shutil.copystat(self.path, kept)

    def abort(self) -> None:
        """Leave everything as it was. Does nothing after `commit`, or when called again."""
        with suppress(OSError):  # closing flushes the buffer, which may fail, but the file is deleted
            self.file.close()
        self._delete()


def _delete(temporary: Path, owner: int) -> None:
    """Delete a file that is not complete, unless this is a process that its owner has forked."""
    if os.getpid() == owner:
        with suppress(OSError):
            temporary.unlink()
