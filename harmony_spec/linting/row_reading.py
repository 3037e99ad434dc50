"""Reads files as batches of rows; their format depends on their suffix, or else on their first lines."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePath
from typing import BinaryIO

from .atomic import Origin
from .batches import Batch, Kind, Options
from .input_files import STDIN, InputError
from .opening import COMPRESSED, Bounded, open_input
from .parquet import ColumnBatch, read_parquet
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


class Progress:
    """How much of the files was read.

    Attributes:
        bytes: bytes on the disk that were read so far.
        total: bytes of all files; None if unknown.
        files: the names of the files that are read.
        skipped: pipes, devices and sockets in folders and patterns; they are not read.
    """

    def __init__(self) -> None:
        self.files: list[str] = []
        self.skipped: list[str] = []
        self.before = self.bytes = 0
        self.total: int | None = None

    def at(self, position: int) -> None:
        """Set the position in the current file."""
        self.bytes = self.before + position

    def file(self, size: int) -> None:
        """Add a file of this size that is read completely."""
        self.before += size
        self.bytes = self.before


def kind_of(name: str) -> Kind | None:
    """The format of a file by its suffix; None if that is unknown."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def read(
    name: str, is_named: bool, kind: Kind | None, options: Options, progress: Progress
) -> Iterator[Batch | ColumnBatch]:
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
    with open_input(name) as (file, stream):
        origin = None if name == STDIN else Origin.of(name, file.fileno())
        bounded = Bounded(name, stream, options.max_row_bytes, None if stream is file else options.max_file_bytes)
        kind, head = _detect_kind(name, kind, file, bounded)
        if kind == "parquet":
            if options.fix and origin is None:
                raise InputError(f"{name}: Parquet from standard input cannot be fixed; pass a file")
            yield from read_parquet(name, origin, file, bounded, options, BATCH_BYTES, progress.at)
            return
        has_position = file.seekable()
        for rows in _batches(kind, head, bounded):
            for number, row in rows:
                if options.fix and origin is None and isinstance(row, TooLong):
                    place = name if number is None else f"{name}:{number}"
                    raise InputError(
                        f"{place}: {row.message}, so it cannot be copied; pass a file instead of standard input"
                    )
            yield Batch(name, origin, kind, is_named, options, rows)
            if has_position:
                progress.at(file.tell())


def _batches(kind: Kind, head: list[bytes], bounded: Bounded) -> Iterator[list[tuple[int | None, bytes | TooLong]]]:
    """The rows of a file whose first lines were read, or the file as one input."""
    if kind == "jsonl":
        yield from _rows(chain(head, bounded.lines()), bounded.max_row_bytes)
    else:
        yield [(None, _whole(head, bounded))]


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


def _rows(lines: Iterator[bytes], limit: int) -> Iterator[list[tuple[int | None, bytes | TooLong]]]:
    """Batches of lines with their numbers. Blank lines belong to the next row, or else to the last one.

    Args:
        lines: the lines; those longer than the limit in several pieces.
        limit: the size limit of a row in bytes.
    """
    batch: list[tuple[int | None, bytes | TooLong]] = []
    blank: list[bytes] = []
    size = blank_size = number = 0
    for line in lines:
        number += 1
        is_blank = line.isspace()
        if len(line) + blank_size > limit:
            length, piece = blank_size + len(line), line
            while not piece.endswith(b"\n") and (piece := next(lines, b"")):
                length += len(piece)
            row: bytes | TooLong = TooLong(limit, length)
        elif is_blank:
            blank.append(line)
            blank_size += len(line)
            continue
        else:
            row = b"".join((*blank, line)) if blank else line
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((number, row))
        size += len(row) if isinstance(row, bytes) else 0
        blank, blank_size = [], 0
    if batch:
        last, row = batch.pop()
        if isinstance(row, TooLong):
            yield [*batch, (last, TooLong(limit, (row.size or 0) + blank_size))]
        else:
            yield [*batch, (last, b"".join((row, *blank)))]
    else:  # a file without rows
        yield [(max(number, 1), b"".join(blank))]
