"""Files that are written as a whole or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


class AtomicFile:
    """A file that takes its name once it is complete; until then it is a hidden one beside it.

    Args:
        path: of the file; one that is there is replaced, and keeps its permissions; a link stays one.

    Raises `OSError` where there is what is no file, such as a device or a pipe, or none can be made.

    Attributes:
        file: what is written to.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "this is no regular file, and cannot be replaced", str(path))
        self.path = path.resolve()
        try:
            self.file = NamedTemporaryFile("wb", dir=self.path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
        except OSError as error:
            raise OSError(error.errno, f"it cannot be written: {error.strerror}", str(path)) from None

    def commit(self) -> None:
        """Give the file its name; where that fails, leave everything as it was, and raise `OSError`."""
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.chmod(self.file.name, self.path.stat().st_mode & 0o777 if self.path.exists() else 0o666 & ~_umask())
            os.replace(self.file.name, self.path)
        except OSError:
            self.abort()
            raise

    def abort(self) -> None:
        """Leave everything as it was; a second time, or once the file has its name, nothing is left to do."""
        with suppress(OSError):  # what is still to be written need not be
            self.file.close()
        Path(self.file.name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
