"""Opens files as streams of bytes, also standard input and compressed files (gzip, zstd)."""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from shutil import copyfileobj
from tempfile import TemporaryFile, gettempdir
from typing import Any, BinaryIO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STDIN = "-"

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""The first bytes of compressed files. Sources: RFC 1952, section 2.3.1; RFC 8878, section 3.1.1."""

ZSTD_SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""The first bytes of a Zstandard file that begins with a frame to skip. Source: RFC 8878, section 3.1.2."""

COMPRESSIONS = {".gz": GZIP, ".zst": ZSTD}
"""The first bytes of compressed files, by their suffix."""

UNREAD_COMPRESSIONS = {b"\xfd7zX": "xz", b"BZh": "bzip2", b"\x04\x22\x4d\x18": "LZ4", b"PK\x03\x04": "zip"}
"""The first bytes of files whose compression is not read."""

UNWRITTEN_COMPRESSIONS = {".xz": "xz", ".bz2": "bzip2", ".lz4": "LZ4", ".zip": "zip"}
"""The suffixes of files whose compression is not written."""

FILE_CHANGED = "the file changed while it was checked; it was not written"

PIPE_BYTES = 1 << 16
"""The most that a pipe holds. Source: pipe(7)."""


class InputError(Exception):
    """A file cannot be read; the message names the file, and the place if there is one.

    Attributes:
        name: of the file, if `lint` returned the error; otherwise empty.
        lacks_column: whether a Parquet file lacks the column that was chosen.
    """

    def __init__(self, message: str, name: str = "", lacks_column: bool = False) -> None:
        super().__init__(message)
        self.name, self.lacks_column = name, lacks_column


@dataclass(eq=False)
class Opened:
    """An open file, with limits for each read, and for all of them together. Later it can be opened again.

    Attributes:
        name: of the file; `-` is standard input.
        file: its stream on the disk.
        stream: the decompressed stream.
        max_row_bytes: the limit of a line, or of a file that is one input.
        max_file_bytes: the limit of a compressed file.
        copy: of standard input or a pipe, which can be read only once.
        magic: the first bytes of the stream on the disk.
        size: the bytes that were read of the decompressed stream.
        column: of the values in a Parquet file that is one column of inputs; None for other files.
        path: the absolute path, without links, once the file is kept.
        identity: device, inode, size in bytes, and time of the last change in nanoseconds, once the file is kept.
        head: lines that are returned again, since they were read only to detect the format.
    """

    name: str
    file: BinaryIO
    stream: BinaryIO
    max_row_bytes: int = 0
    max_file_bytes: int | None = None
    copy: BufferedRandom | None = None
    magic: bytes = b""
    size: int = 0
    column: str | None = None
    path: str = ""
    identity: tuple[int, ...] = ()
    head: list[bytes] = field(default_factory=list)

    def readline(self, size: int) -> bytes:
        """A line, up to this size."""
        return self._counted(self.stream.readline(size))

    def block(self, size: int) -> bytes:
        """The head, if it was not returned yet, and what follows it up to this size.

        Each read waits for a pipe once at most: Python handles interruptions only between reads.
        """
        parts, self.head = self.head, []
        left = size - sum(map(len, parts))
        while left > 0 and (part := cast(io.BufferedReader, self.stream).read1(min(left, PIPE_BYTES))):
            parts.append(self._counted(part))
            left -= len(part)
        return b"".join(parts)

    def read(self, size: int = -1) -> bytes:
        return self._counted(self.stream.read(size))

    def keep(self) -> Opened:
        """Remember which file this is."""
        self.path, self.identity = os.path.realpath(self.name), _identity(os.fstat(self.file.fileno()))
        return self

    @contextmanager
    def reopen(self) -> Iterator[BinaryIO]:
        """The decompressed stream. Raises `OSError` if the file was changed."""
        with open_input(self.name, copy=self.copy) as opened:
            self.require_same(os.fstat(opened.file.fileno()))
            yield opened.stream

    def require_same(self, found: os.stat_result | None = None) -> None:
        """Raise `OSError` if the file was changed, deleted, or replaced by a link; `found` is that of an open file."""
        with suppress(FileNotFoundError):
            found = found or os.lstat(self.path)
        if found is None or _identity(found) != self.identity:
            raise OSError(errno.ESTALE, FILE_CHANGED, self.path)

    def _counted(self, data: bytes) -> bytes:
        self.size += len(data)
        is_compressed = self.stream is not self.file
        if is_compressed and self.max_file_bytes is not None and self.size > self.max_file_bytes:
            limit = f"more than {self.max_file_bytes:,} bytes after decompression"
            raise InputError(f"{self.name}: {limit}; if the file is trusted, raise --max-file-bytes")
        return data


@contextmanager
def open_input(
    name: str,
    max_row_bytes: int = 0,
    max_file_bytes: int | None = None,
    copy: BufferedRandom | None = None,
    opener: Callable[[str], io.BufferedReader] | None = None,
) -> Iterator[Opened]:
    """Open a file, or a copy of what can be read only once; `opener` opens files that are not on this machine.

    Raises `InputError` if the file cannot be read, also later on, if the stream is broken.
    """
    try:
        with _raw(name, copy) if opener is None else opener(name) as raw:
            file, magic = cast(BinaryIO, raw), raw.peek(len(ZSTD))[: len(ZSTD)]
            if unread := next((kind for head, kind in UNREAD_COMPRESSIONS.items() if magic.startswith(head)), None):
                raise InputError(f"{name}: the file is compressed with {unread}; only gzip and zstd are read")
            with compressed(magic, file, "rb") as stream:
                yield Opened(name, file, stream, max_row_bytes, max_file_bytes, copy, magic)
    except (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise InputError(f"{name}: the compressed file is broken: {error}") from None
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from None


def compressed(head: bytes, file: BinaryIO, mode: Any) -> AbstractContextManager[BinaryIO]:
    """A stream that reads or writes a file as it is compressed if it has these first bytes; the file stays open."""
    if head.startswith(GZIP):
        return cast(BinaryIO, gzip.GzipFile("", mode, fileobj=file, mtime=0))
    is_zstd = head.startswith(ZSTD) or ZSTD_SKIPPED.match(head)
    return cast(BinaryIO, zstd.ZstdFile(file, mode)) if is_zstd else nullcontext(file)


@contextmanager
def in_temporary_folder() -> Iterator[None]:
    """Raise an `InputError` that names the folder of temporary files if it is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{gettempdir()}: {error.strerror}; TMPDIR names another folder for copies") from None


def saved(stream: Any) -> BufferedRandom:
    """A copy on the disk of a stream that can be read only once, or not from everywhere."""
    copy = TemporaryFile()  # noqa: SIM115 - needed as long as it is read, and until its fixes are written
    with in_temporary_folder():
        copyfileobj(stream, copy)
    return copy


def _raw(name: str, copy: BufferedRandom | None) -> AbstractContextManager[io.BufferedReader | BufferedRandom]:
    if copy is not None:
        copy.seek(0)
        return nullcontext(copy)
    if name != STDIN:
        return open(name, "rb")
    if sys.stdin is None:
        raise InputError(f"{STDIN}: standard input is closed")
    stdin = sys.stdin.buffer
    return nullcontext(stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(io.BytesIO(stdin.read())))


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
