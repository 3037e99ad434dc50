"""Files as streams of bytes: standard input, gzip and zstd are read like any other."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..inputs import STDIN, InputError, standard_input

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""What compressed files begin with. Sources: RFC 1952, section 2.3.1; RFC 8878, section 3.1.1."""

COMPRESSED = (".gz", ".zst")


@contextmanager
def opened(name: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A file as it stands on the disk, and as a stream of what it holds.

    Raises `InputError` where it cannot be read, also later on, where the stream is broken.
    """
    try:
        with _raw(name) as raw:
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


def like(path: Path, file: BinaryIO) -> BinaryIO:
    """A stream into a file that is compressed as another one is."""
    with path.open("rb") as other:
        head = other.read(len(ZSTD))
    if head.startswith(GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="wb", mtime=0))
    return cast(BinaryIO, zstd.ZstdFile(file, "wb")) if head.startswith(ZSTD) else file


def finish(stream: BinaryIO) -> None:
    """Write what a compressing stream still holds; the file stays open."""
    if isinstance(stream, gzip.GzipFile | zstd.ZstdFile):
        stream.close()


@contextmanager
def _raw(name: str) -> Iterator[io.BufferedReader]:
    if name != STDIN:
        with open(name, "rb") as file:
            yield file
        return
    given = standard_input()
    if isinstance(given, io.BufferedReader):
        yield given
    else:
        yield io.BufferedReader(io.BytesIO(given.read()))
