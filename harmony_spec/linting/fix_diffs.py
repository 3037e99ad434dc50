"""Formats the changes of fixes as unified diffs; as bytes, since lines may not be UTF-8."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher, unified_diff
from io import BytesIO
from itertools import chain

from .findings import Checked
from .opening import Opened
from .row_reading import pieces

CONTEXT_LINES = 3
"""Unchanged lines around a change, as in `diff -u`."""

Marked = tuple[bytes, bytes]
"""A mark and a line. The mark is a space, `-` or `+`; it is empty for a line that is too long to be shown."""


def diff_of_fixes(original: Opened, fixed: Iterable[Checked]) -> Iterator[bytes]:
    """The diff of a file of lines, which `patch` can apply, or one for each row of a Parquet file, only for reading."""
    name = _quoted(original.name)
    if original.column is None:
        yield b"--- %s\n+++ %s\n" % (name, name)
        yield from _hunks(_marked(original, fixed))
        return
    for row in fixed:
        title = f"{name.decode(errors='surrogateescape')}:{row.row}"
        before, after = ([f"{json.dumps(value, default=str)}\n"] for value in (row.before, row.after))
        for line in unified_diff(before, after, title, title):
            yield line.encode(errors="surrogateescape")


def _hunks(lines: Iterable[Marked]) -> Iterator[bytes]:
    """The hunks of a diff."""
    hunk: list[Marked] = []
    old = new = 1  # the numbers of the next lines
    same, is_changed = 0, False  # unchanged lines at the end of the hunk
    for mark, line in chain(lines, [(b"", b"")]):
        if mark:
            hunk.append((mark, line))
            old += mark != b"+"
            new += mark != b"-"
            same = same + 1 if mark == b" " else 0
            is_changed = is_changed or not same
        if is_changed and (not mark or same > 2 * CONTEXT_LINES):
            surplus = max(same - CONTEXT_LINES, 0)
            places = []
            for end, other in ((old, b"+"), (new, b"-")):
                length = sum(each != other for each, _ in hunk)
                start, length = end - length, length - surplus
                places.append(b"%d" % start if length == 1 else b"%d,%d" % (start if length else start - 1, length))
            yield b"@@ -%s +%s @@\n" % tuple(places)
            for each, text in hunk[: len(hunk) - surplus]:
                yield each + text if text.endswith(b"\n") else each + text + b"\n\\ No newline at end of file\n"
            is_changed = False
        if not mark:
            hunk, old, new, same = [], old + 1, new + 1, 0
        elif not is_changed:
            del hunk[:-CONTEXT_LINES]


def _marked(original: Opened, fixed: Iterable[Checked]) -> Iterator[Marked]:
    """The lines of a file, before and after fixes."""
    is_inside = False  # of a line that is too long
    for before, after in pieces(original, fixed):
        if before is after:
            is_long = is_inside or len(before) > original.max_row_bytes
            if not is_inside:
                yield (b"" if is_long else b" "), before
            is_inside = is_long and not before.endswith(b"\n")
            continue
        old, new = (BytesIO(data).readlines() for data in (before, after))  # only a line feed ends one, as in `diff`
        for kind, start, end, other_start, other_end in SequenceMatcher(None, old, new).get_opcodes():
            yield from ((b" " if kind == "equal" else b"-", line) for line in old[start:end])
            if kind != "equal":
                yield from ((b"+", line) for line in new[other_start:other_end])


def _quoted(name: str) -> bytes:
    """A file name as `patch` and `git` read it: relative if the file is below the working directory.

    Names with characters that end one are quoted as in C; a tab after the name ends one with spaces.
    """
    relative = os.path.relpath(name)
    data = os.fsencode(name if relative.startswith(os.pardir + os.sep) else relative)
    if re.search(rb'^ |[\x00-\x1f\x7f"\\]', data):
        return b'"%s"' % re.sub(rb'[\x00-\x1f\x7f"\\]', lambda found: b"\\%03o" % found[0][0], data)
    return data + b"\t" if b" " in data else data
