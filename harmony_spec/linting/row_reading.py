"""Reads files as batches of rows; their format depends on their suffix, or else on their first lines."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from itertools import chain
from pathlib import PurePath
from typing import BinaryIO

from .atomic import Origin
from .batches import Batch, Kind, Options, Row, RowsRead
from .findings import Checked
from .input_files import STDIN, InputError
from .opening import COMPRESSED, Bounded, open_input, saved_input
from .parquet import read_parquet
from .rows import TooLong

SUFFIXES: dict[str, Kind] = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""Formats by suffix; in a folder, only files with one of these are read."""

PARQUET_MAGIC = b"PAR1"
"""The first bytes of Parquet files. Source: the Parquet file format."""

BATCH_BYTES = 1 << 20
"""Bytes of rows in a batch: a tenth of a second of work, so that passing it to a process costs little."""


@dataclass
class Original:
    """A file as it was checked, to be read again.

    Attributes:
        name: of the file; `-` is standard input.
        origin: the file on the disk.
        max_row_bytes: the size limit of a row.
        column: of the values in a Parquet file; empty for other files.
        copy: of standard input, which can be read only once.
    """

    name: str
    origin: Origin
    max_row_bytes: int
    column: str = ""
    copy: BufferedRandom | None = None


class Progress:
    """How much of the files was read.

    Attributes:
        bytes: bytes on the disk that were read so far.
        total: bytes of all files; None if unknown.
        files: the names of the files that are read.
        skipped: pipes, devices and sockets in folders and patterns; they are not read.
        originals: the files that fixes may change, by name.
    """

    def __init__(self) -> None:
        self.files: list[str] = []
        self.skipped: list[str] = []
        self.originals: dict[str, Original] = {}
        self.before = self.bytes = 0
        self.total: int | None = None

    def at(self, position: int) -> None:
        """Set the position in the current file."""
        self.bytes = self.before + position

    def file(self, size: int) -> None:
        """Add a file of this size that is read completely."""
        self.before += size
        self.bytes = self.before


@contextmanager
def reopen(original: Original) -> Iterator[BinaryIO]:
    """The decompressed stream of a file that was checked. Raises `OSError` if the file was changed."""
    with open_input(original.name, original.copy) as (file, stream):
        original.origin.require(os.fstat(file.fileno()))
        yield stream


def pieces(original: Original, fixed: Iterable[Checked]) -> Iterator[tuple[bytes, bytes]]:
    """The bytes of a file up to a line each, and what fixes make of them: the same object, or a fixed row."""
    with reopen(original) as stream:
        limit, at = original.max_row_bytes + 1, 0
        for row in fixed:
            while at < row.start and (data := stream.readline(min(limit, row.start - at))):
                at += len(data)
                yield data, data
            at += len(data := stream.read(len(row.before)))
            yield data, row.after
        yield from ((data, data) for data in iter(lambda: stream.readline(limit), b""))


def kind_of(name: str) -> Kind | None:
    """The format of a file by its suffix; None if that is unknown."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def read(name: str, is_named: bool, kind: Kind | None, options: Options, progress: Progress) -> Iterator[Batch]:
    """Read the rows of a file.

    Args:
        name: of the file; `-` is standard input.
        is_named: whether the file itself was named, not a folder or a pattern.
        kind: its format; None to detect it.
        options: how its rows are checked.
        progress: updated while reading.

    Raises:
        InputError: the file cannot be read, or cannot be fixed and `options.fix` is set.
    """
    copy = saved_input() if options.fix and name == STDIN else None
    with open_input(name, copy) as (file, stream):
        bounded = Bounded(name, stream, options.max_row_bytes, None if stream is file else options.max_file_bytes)
        kind, head = _detect_kind(name, kind, file, bounded)
        column, batches = "", _batches(kind, head, bounded)
        if kind == "parquet":
            column, batches = read_parquet(name, bounded, options, BATCH_BYTES)
        if options.fix:
            origin = Origin.of(name, file.fileno())
            progress.originals[name] = Original(name, origin, options.max_row_bytes, column, copy)
        has_position = file.seekable()
        for rows, size, position in batches:
            yield Batch(name, kind, is_named, options, rows, size)
            if has_position:
                progress.at(file.tell() if position is None else position)


def _batches(kind: Kind, head: list[bytes], bounded: Bounded) -> Iterator[RowsRead]:
    """The rows of a file whose first lines were read, or the file as one input."""
    if kind == "jsonl":
        yield from _rows(chain(head, bounded.lines()), bounded.max_row_bytes)
    else:
        item = _whole(head, bounded)
        yield [Row(None, item)], 0 if isinstance(item, TooLong) else len(item), None


def read_one(name: str, kind: Kind | None, max_row_bytes: int) -> tuple[Kind, bytes]:
    """The format of a file, and its bytes if it is one input; the rows of other files are not read.

    Args:
        name: of the file; `-` is standard input.
        kind: its format; None to detect it.
        max_row_bytes: the size limit of the input.

    Raises:
        InputError: the file cannot be read, or is too long.
    """
    with open_input(name) as (file, stream):
        bounded = Bounded(name, stream, max_row_bytes, None)
        kind, head = _detect_kind(name, kind, file, bounded)
        data = b"" if kind in ("jsonl", "parquet") else _whole(head, bounded)
    if isinstance(data, TooLong):
        raise InputError(f"{name}: {data.message.replace('row', 'input')}; {data.hint}")
    return kind, data


def _whole(head: list[bytes], bounded: Bounded) -> bytes | TooLong:
    """A file that is one input, whose first lines were read; no more bytes than the limit are read."""
    data = b"".join((*head, bounded.rest(sum(map(len, head)))))
    return data if len(data) <= bounded.max_row_bytes else TooLong(bounded.max_row_bytes)


def _detect_kind(name: str, kind: Kind | None, file: BinaryIO, bounded: Bounded) -> tuple[Kind, list[bytes]]:
    """The format of a file, and the lines that were read to detect it."""
    if kind := kind or kind_of(name):
        return kind, []
    if _is_parquet(file):
        return "parquet", []
    head = _head(bounded)
    return _sniff(head), head


def _is_parquet(file: BinaryIO) -> bool:
    peek = getattr(file, "peek", None)
    return peek is not None and peek(len(PARQUET_MAGIC)).startswith(PARQUET_MAGIC)


def _head(bounded: Bounded) -> list[bytes]:
    """The lines up to the second one that is not blank, or up to one that is too long."""
    head: list[bytes] = []
    not_blank = 0
    for line in bounded.lines():
        head.append(line)
        not_blank += not line.isspace()
        if not_blank == 2 or bounded.bytes > bounded.max_row_bytes:
            break
    return head


def _sniff(head: list[bytes]) -> Kind:
    """The format of a file with these first lines."""
    text = b"".join(head).removeprefix(codecs.BOM_UTF8).lstrip()
    if not re.match(rb"\[\s*(?:[-\d\]]|\{\s*\")|\{\s*[\"}]", text):
        return "text"
    first, _, second = text.partition(b"\n")
    goes_on = first.rstrip()[-1:] in b"[{,:" and not _is_json(first)
    if second and not goes_on and (second.lstrip()[:1] in (b"[", b"{") or _is_json(first)):
        return "jsonl"
    return "json"


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _rows(lines: Iterator[bytes], limit: int) -> Iterator[RowsRead]:
    """Batches of lines that are not blank; of a file without any, an empty row.

    Args:
        lines: the lines; those longer than the limit in several pieces.
        limit: the size limit of a row in bytes.
    """
    batch: list[Row] = []
    size = start = 0
    for number, line in enumerate(lines, 1):
        item: bytes | TooLong = line
        length = len(line)
        if length > limit:
            while not line.endswith(b"\n") and (line := next(lines, b"")):
                length += len(line)
            item = TooLong(limit, length)
        start += length
        if isinstance(item, bytes) and item.isspace():
            continue
        if size >= BATCH_BYTES:
            yield batch, size, None
            batch, size = [], 0
        batch.append(Row(number, item, start - length))
        size += length if isinstance(item, bytes) else 0
    yield batch or [Row(1, b"")], size, None
