"""Reads files as batches of rows; their format depends on their suffix, or else on their first lines."""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import PurePath

from .batches import WHOLE, Batch, ByteRange, FileKind, Options, Row, RowsRead
from .findings import Checked
from .opening import COMPRESSIONS, FILE_CHANGED, PIPE_BYTES, STDIN, Opened, open_input, saved
from .parquet import read_parquet
from .rows import too_long

SUFFIXES: dict[str, FileKind] = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""Formats by suffix; in a folder, only files with one of these are read."""

PARQUET_MAGIC = b"PAR1"
"""The first bytes of Parquet files. Source: the Parquet file format."""

BATCH_BYTES = 1 << 18
"""Bytes of rows in a batch: 20 ms of work with long rows, so that passing it to a process costs little, and 200 ms with
short ones, so that at the end of a file no process is without work for long."""


@dataclass
class Progress:
    """How much of the files was read.

    Attributes:
        bytes: bytes on the disk that were read so far.
        total: bytes of all files; None if unknown.
        files: the names of the files that are read.
        skipped: pipes, devices and sockets in folders and patterns; they are not read.
        originals: the files that fixes may change, by name.
    """

    bytes: int = 0
    total: int | None = None
    files: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    originals: dict[str, Opened] = field(default_factory=dict)


def pieces(original: Opened, fixed: Iterable[Checked]) -> Iterator[tuple[bytes, bytes]]:
    """The bytes of a file up to a line each, and what fixes make of them: the same object, or a fixed row."""
    with original.reopen() as stream:
        limit, at = original.max_row_bytes + 1, 0
        for row in fixed:
            while at < row.start and (data := stream.readline(min(limit, row.start - at))):
                at += len(data)
                yield data, data
            at += len(data := stream.read(len(row.before)))
            if len(data) < len(row.before):
                raise OSError(errno.ESTALE, FILE_CHANGED, original.path)
            yield data, row.after
        yield from ((data, data) for data in iter(lambda: stream.readline(limit), b""))


def kind_of(name: str) -> FileKind | None:
    """The format of a file by its suffix; None if that is unknown."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def read(name: str, is_named: bool, kind: FileKind | None, options: Options, progress: Progress) -> Iterator[Batch]:
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
    copy = None
    if options.fix and (name == STDIN or not os.path.isfile(name)):
        with open_input(name) as once:
            copy = saved(once.file)
    with open_input(name, options.max_row_bytes, options.max_file_bytes, copy) as opened:
        batches = batches_of(opened, kind or _kind(opened), is_named, options)
        if options.fix:
            progress.originals[name] = opened.keep()
        before, has_position = progress.bytes, opened.file.seekable()
        for batch, position in batches:
            yield batch
            if has_position:
                progress.bytes = before + (opened.file.tell() if position is None else position)


def batches_of(
    opened: Opened, kind: FileKind, is_named: bool, options: Options, part: ByteRange = WHOLE
) -> Iterator[tuple[Batch, int | None]]:
    """The batches of a part of a file, each with how many bytes of the file were read; None if its stream is there."""
    batches: Iterable[RowsRead]
    if kind == "parquet":
        opened.column, batches = read_parquet(opened, options, BATCH_BYTES, part)
        options = replace(options, column=None)  # its values may have columns of their own
    else:
        batches = rows_of(opened, part) if kind == "jsonl" else [([_whole(opened)], opened.size, None)]
    for rows, size, position in batches:
        yield Batch(opened.name, kind, is_named, options, rows, size), position


def read_one(name: str, kind: FileKind | None, max_row_bytes: int) -> tuple[FileKind, Row]:
    """The format of a file, and its row if it is one input; the rows of other files are not read.

    Raises `InputError` if the file cannot be read. See `read` for the arguments.
    """
    with open_input(name, max_row_bytes) as opened:
        kind = kind or _kind(opened)
        return kind, Row(None, b"") if kind in ("jsonl", "parquet") else _whole(opened)


def _whole(opened: Opened) -> Row:
    """The row of a file that is one input."""
    data = opened.block(opened.max_row_bytes + 1)
    return Row(None, data if len(data) <= opened.max_row_bytes else too_long(opened.max_row_bytes))


def _kind(opened: Opened) -> FileKind:
    """The format of a file, by its suffix, or else by its first bytes or lines."""
    if kind := kind_of(opened.name):
        return kind
    if opened.magic == PARQUET_MAGIC:
        return "parquet"
    head: list[bytes] = []
    not_blank = 0
    while line := opened.readline(opened.max_row_bytes + 1):
        head.append(line)
        not_blank += not line.isspace()
        if not_blank == 2 or opened.size > opened.max_row_bytes:
            break
    opened.head = head
    return _sniff(head)


def _sniff(head: list[bytes]) -> FileKind:
    """The format of a file with these first lines."""
    text = b"".join(head).removeprefix(codecs.BOM_UTF8).lstrip()
    if not re.match(rb"\[\s*(?:[-\d\]]|\{\s*\")|\{\s*[\"}]", text):
        return "text"
    first, _, second = text.partition(b"\n")
    goes_on = first.rstrip()[-1:] in b"[{,:" and not is_json(first)
    if second and not goes_on and (second.lstrip()[:1] in (b"[", b"{") or is_json(first)):
        return "jsonl"
    return "json"


def is_json(line: bytes) -> bool:
    """Whether a line, or the content of a file, is JSON."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True)
class LineRows:
    """Lines of a file as one block, which processes split themselves. Blank ones are left out.

    Attributes:
        data: the lines.
        first: the number of the first line, from 1.
        start: the offset of its bytes in the file.
        limit: the size limit of a row in bytes.
        has_long: whether a longer line follows, which was not read into memory.
    """

    data: bytes = field(repr=False)
    first: int
    start: int
    limit: int
    has_long: bool

    def __iter__(self) -> Iterator[Row]:
        number, start = self.first, self.start
        for line in BytesIO(self.data):
            if len(line) > self.limit:
                yield Row(number, too_long(self.limit), start)
            elif not line.isspace():
                yield Row(number, line, start)
            number += 1
            start += len(line)
        if self.has_long:
            yield Row(number, too_long(self.limit), start)


def rows_of(opened: Opened, part: ByteRange = WHOLE) -> Iterator[RowsRead]:
    """Blocks of lines that begin in a part and are not blank; of a file without any, an empty one."""
    start, number, limit = part.start, part.first, opened.max_row_bytes
    if start:  # the line that begins before the part belongs to an earlier one
        opened.stream.seek(start - 1)
        start += _skip_line(opened) - 1
    is_empty = True
    while part.holds(start):
        data = opened.block(BATCH_BYTES if part.end is None else min(BATCH_BYTES, part.end - start))
        last = data.rfind(b"\n") + 1
        if last < len(data):
            data += opened.readline(max(limit + 1 - len(data) + last, 0))
        long = 0
        if len(data) - last > limit:
            long, has_end = len(data) - last, data.endswith(b"\n")
            data = data[:last]
            long += 0 if has_end else _skip_line(opened)
        if not data and not long:
            break
        if long or not data.isspace() or max(map(len, BytesIO(data))) > limit:
            is_empty = False
            yield LineRows(data, number, start, limit, bool(long)), len(data), None
        start += len(data) + long
        number += data.count(b"\n") + bool(long)
    if is_empty and part == WHOLE:
        yield [], 0, None


def _skip_line(opened: Opened) -> int:
    """Read to the end of a line; return its bytes."""
    length = 0
    while line := opened.readline(PIPE_BYTES):
        length += len(line)
        if line.endswith(b"\n"):
            break
    return length
