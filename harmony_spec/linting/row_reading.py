"""Files in batches of rows: what they hold is told by their names, else by their first lines."""

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
from .opening import COMPRESSED, Bounded, opened
from .parquet import ColumnBatch, read_parquet
from .rows import TooLong

SUFFIXES: dict[str, Kind] = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""What the names of files say about them; in a folder, these are read."""

PARQUET = b"PAR1"
"""What Parquet files begin with. Source: the Parquet file format."""

BATCH = 1 << 20
"""Bytes of rows that are checked as a whole: a tenth of a second of work, so that handing it over does not count."""


class Progress:
    """How far reading is.

    Attributes:
        bytes: how many bytes of the files were read so far, as they stand on the disk.
        total: how many there are; None where that is not known.
        files: the names of the files that are read.
        skipped: pipes, devices and sockets in folders and patterns; they are not read.
    """

    def __init__(self) -> None:
        self.files: list[str] = []
        self.skipped: list[str] = []
        self.before = self.bytes = 0
        self.total: int | None = None

    def at(self, position: int) -> None:
        """Note the position in the file that is read."""
        self.bytes = self.before + position

    def file(self, size: int) -> None:
        """Note that a file of this size is done."""
        self.before += size
        self.bytes = self.before


def kind_of(name: str) -> Kind | None:
    """What a file holds by its name; None where that says nothing."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def read(
    name: str, is_named: bool, kind: Kind | None, options: Options, progress: Progress
) -> Iterator[Batch | ColumnBatch]:
    """The rows of a file, as it is read.

    Args:
        name: of the file; `-` is standard input.
        is_named: whether it was named itself, instead of a folder or a pattern.
        kind: what it holds; None where that is to be found out.
        options: how its rows are checked.
        progress: is told how far reading is.

    Raises:
        InputError: it cannot be read, or can no longer be read, or cannot be fixed although that is asked for.
    """
    with opened(name) as (file, stream):
        origin = None if name == STDIN else Origin.of(name, file.fileno())
        bounded = Bounded(name, stream, options.max_row_bytes, None if stream is file else options.max_file_bytes)
        kind, head = _told(name, kind, file, bounded)
        if kind == "parquet":
            if options.fix and origin is None:
                raise InputError(f"{name}: Parquet from standard input cannot be fixed; name a file")
            yield from read_parquet(name, origin, file, bounded, options, BATCH, progress.at)
            return
        has_position = file.seekable()
        for rows in _batches(kind, head, bounded):
            for number, row in rows:
                if options.fix and origin is None and isinstance(row, TooLong):
                    place = name if number is None else f"{name}:{number}"
                    raise InputError(f"{place}: {row.message}, so that it cannot be copied; name a file")
            yield Batch(name, origin, kind, is_named, options, rows)
            if has_position:
                progress.at(file.tell())


def _batches(kind: Kind, head: list[bytes], bounded: Bounded) -> Iterator[list[tuple[int | None, bytes | TooLong]]]:
    """The rows of a file whose first lines were read, or the file if it is one input."""
    if kind == "jsonl":
        yield from _rows(chain(head, bounded.lines()), bounded.max_row_bytes)
    else:
        yield [(None, _whole(head, bounded))]


def read_one(name: str, kind: Kind | None, max_row_bytes: int) -> tuple[Kind, bytes]:
    """What a file holds, and if that is one input, its bytes; of what is in rows, nothing is read.

    Args:
        name: of the file; `-` is standard input.
        kind: what it holds; None where that is to be found out.
        max_row_bytes: how long the input may be.

    Raises:
        InputError: it cannot be read, or is too long.
    """
    with opened(name) as (file, stream):
        bounded = Bounded(name, stream, max_row_bytes, None)
        kind, head = _told(name, kind, file, bounded)
        data = b"" if kind in ("jsonl", "parquet") else _whole(head, bounded)
    if isinstance(data, TooLong):
        raise InputError(f"{name}: {data.message.replace('row', 'input')}; {data.hint}")
    return kind, data


def _whole(head: list[bytes], bounded: Bounded) -> bytes | TooLong:
    """A file that is one input, whose first lines were read; no more of it than it may have."""
    data = b"".join((*head, bounded.rest(sum(map(len, head)))))
    return data if len(data) <= bounded.max_row_bytes else TooLong(bounded.max_row_bytes)


def _told(name: str, kind: Kind | None, file: BinaryIO, bounded: Bounded) -> tuple[Kind, list[bytes]]:
    """What a file holds, and the lines that were read to find that out."""
    if kind := kind or kind_of(name):
        return kind, []
    if _is_parquet(file):
        return "parquet", []
    head = _head(bounded)
    return _sniffed(head), head


def _is_parquet(file: BinaryIO) -> bool:
    peek = getattr(file, "peek", None)
    return peek is not None and peek(len(PARQUET)).startswith(PARQUET)


def _head(bounded: Bounded) -> list[bytes]:
    """The lines up to the second one that is not blank, or that is too long."""
    head: list[bytes] = []
    said = 0
    for line in bounded.lines():
        head.append(line)
        said += not line.isspace()
        if said == 2 or bounded.bytes > bounded.max_row_bytes:
            break
    return head


def _sniffed(head: list[bytes]) -> Kind:
    """What a file holds whose first lines these are."""
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
    """Lines with their numbers, in batches. Blank lines belong to the row after them, or else to the last row.

    Args:
        lines: the lines; those that are longer than the limit in several pieces.
        limit: how many bytes a row may have.
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
        if size >= BATCH:
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
