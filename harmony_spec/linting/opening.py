"""Opens files as streams of bytes, also standard input and compressed files (gzip, zstd)."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BufferedRandom
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from .input_files import STDIN, InputError, standard_input

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""The first bytes of compressed files. Sources: RFC 1952, section 2.3.1; RFC 8878, section 3.1.1."""

COMPRESSED = (".gz", ".zst")


@contextmanager
def open_input(name: str, copy: BufferedRandom | None = None) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file, or a copy of standard input; returns its stream on the disk, and the decompressed stream.

    Raises `InputError` if the file cannot be read, also later on, if the stream is broken.
    """
    try:
        with _raw(name, copy) as raw:
            head = raw.peek(len(ZSTD))
            file = cast(BinaryIO, raw)
            if head.startswith(GZIP):
                with gzip.GzipFile(fileobj=file) as stream:
                    yield file, cast(BinaryIO, stream)
            elif head.startswith(ZSTD):
                with zstd.ZstdFile(file) as stream:
                    yield file, cast(BinaryIO, stream)
            else:
                yield file, file
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from None
    except (EOFError, zlib.error, zstd.ZstdError) as error:
        raise InputError(f"{name}: the compressed file is broken: {error}") from None


class Bounded:
    """A stream with limits for each read, and for all of them together.

    Args:
        name: of the file.
        stream: the decompressed stream.
        max_row_bytes: the limit of a line, or of a file that is one input.
        max_file_bytes: the limit of the file; None if it is not compressed.
    """

    def __init__(self, name: str, stream: BinaryIO, max_row_bytes: int, max_file_bytes: int | None) -> None:
        self.name, self.stream = name, stream
        self.max_row_bytes, self.max_file_bytes = max_row_bytes, max_file_bytes
        self.bytes = 0

    def line(self) -> bytes:
        """The next line, or its beginning up to one byte over the limit; empty at the end."""
        return self._counted(self.stream.readline(self.max_row_bytes + 1))

    def lines(self) -> Iterator[bytes]:
        """All lines; those over the limit in several pieces."""
        return iter(self.line, b"")

    def rest(self, read: int) -> bytes:
        """The rest, up to one byte over the limit; `read` bytes were read before."""
        return self._counted(self.stream.read(max(self.max_row_bytes + 1 - read, 0)))

    def read(self, size: int = -1) -> bytes:
        return self._counted(self.stream.read(size))

    def _counted(self, data: bytes) -> bytes:
        self.bytes += len(data)
        if self.max_file_bytes is not None and self.bytes > self.max_file_bytes:
            limit = f"more than {self.max_file_bytes:,} bytes after decompression"
            raise InputError(f"{self.name}: {limit}; if the file is trusted, raise --max-file-bytes")
        return data


def compress_like(path: Path, file: BinaryIO) -> AbstractContextManager[BinaryIO]:
    """A stream that compresses into a file as another file is compressed; the file stays open."""
    with path.open("rb") as other:
        head = other.read(len(ZSTD))
    if head.startswith(GZIP):
        return cast(BinaryIO, gzip.GzipFile("", "wb", fileobj=file, mtime=0))
    return cast(BinaryIO, zstd.ZstdFile(file, "wb")) if head.startswith(ZSTD) else nullcontext(file)


def saved_input() -> BufferedRandom:
    """A copy of standard input on the disk, which can be read more than once."""
    copy = TemporaryFile()  # noqa: SIM115 - needed until its fixes are written
    copyfileobj(standard_input(), copy)
    return copy


@contextmanager
def _raw(name: str, copy: BufferedRandom | None) -> Iterator[io.BufferedReader | BufferedRandom]:
    if copy is not None:
        copy.seek(0)
        yield copy
    elif name != STDIN:
        with open(name, "rb") as file:
            yield file
    else:
        stdin = standard_input()
        yield stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(io.BytesIO(stdin.read()))
