"""Formats the changes of fixes as unified diffs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher, unified_diff

from .findings import Checked

CONTEXT_LINES = 3
"""Unchanged lines around a change, as in `diff -u`."""


class Differences:
    """Unified diffs of files, built a row at a time; as bytes, since lines may not be UTF-8.

    A file of lines has one diff, which `patch` can apply. A Parquet file has one for each row, only for reading.
    """

    def __init__(self) -> None:
        self._begin(None)

    def _begin(self, name: str | None) -> None:
        self.name = name
        self.has_header = False
        self.old = self.new = 1  # the numbers of the next lines
        self.hunk: list[bytes] = []
        self.starts = 1, 1
        self.context = self.changes = 0  # unchanged lines at the end of the hunk, changed lines in it

    def add(self, checked: Checked) -> Iterator[bytes]:
        """Add a row; returns the hunks that are complete."""
        if checked.name != self.name:
            yield from self.finish()
            self._begin(checked.name)
        if checked.column:
            yield from _of_value(checked)
        elif checked.too_long is not None:
            yield from self.finish()
            self._skip(checked.row or self.old)
        elif checked.before is not None:
            for mark, line in _marked(_lines(checked.before), _lines(checked.after)):
                yield from self._add(mark, line)

    def finish(self) -> Iterator[bytes]:
        """The last hunk of the file."""
        if self.changes:
            surplus = max(self.context - CONTEXT_LINES, 0)
            yield from self._written(self.hunk[: len(self.hunk) - surplus])
        self.hunk, self.context, self.changes = [], 0, 0

    def _skip(self, line: int) -> None:
        """Continue after a line that is not in memory."""
        self.old, self.new = line + 1, self.new + line + 1 - self.old

    def _add(self, mark: bytes, line: bytes) -> Iterator[bytes]:
        """Add a line to the hunk, which is complete once the next change is far enough away for a hunk of its own."""
        if not self.hunk:
            self.starts = self.old, self.new
        self.hunk.append(mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n")
        self.old += mark != b"+"
        self.new += mark != b"-"
        self.context = self.context + 1 if mark == b" " else 0
        self.changes += mark != b" "
        if not self.changes and self.context > CONTEXT_LINES:
            del self.hunk[0]
            self.context = CONTEXT_LINES
            self.starts = self.starts[0] + 1, self.starts[1] + 1
        elif self.changes and self.context > 2 * CONTEXT_LINES:
            context = self.hunk[-CONTEXT_LINES:]
            yield from self.finish()
            self.hunk, self.context = context, CONTEXT_LINES
            self.starts = self.old - CONTEXT_LINES, self.new - CONTEXT_LINES

    def _written(self, hunk: list[bytes]) -> Iterator[bytes]:
        if not self.has_header:
            self.has_header = True
            name = _quoted(self.name or "")
            yield b"--- %s\n+++ %s\n" % (name, name)
        places = []
        for start, other in zip(self.starts, (b"+", b"-"), strict=True):
            length = sum(not line.startswith(other) for line in hunk)
            places.append(b"%d" % start if length == 1 else b"%d,%d" % (start if length else start - 1, length))
        yield b"@@ -%s +%s @@\n" % tuple(places)
        yield from hunk


def _marked(before: list[bytes], after: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The lines of a row, each with its mark: a space, `-` or `+`."""
    if before == after:
        yield from ((b" ", line) for line in before)
        return
    for kind, start, end, other_start, other_end in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            yield from ((b" ", line) for line in before[start:end])
        else:
            yield from ((b"-", line) for line in before[start:end])
            yield from ((b"+", line) for line in after[other_start:other_end])


def _lines(data: bytes) -> list[bytes]:
    """Lines as `diff` and `patch` count them: only a line feed ends one."""
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", data)


def _of_value(checked: Checked) -> Iterable[bytes]:
    """The diff of a Parquet row: of its value as JSON."""
    if checked.before is None:
        return
    name = _quoted(checked.name).decode(errors="surrogateescape") + f":{checked.row}"
    before, after = ([f"{json.dumps(value, default=str)}\n"] for value in (checked.before, checked.after))
    for line in unified_diff(before, after, name, name):
        yield line.encode(errors="surrogateescape")


def _quoted(name: str) -> bytes:
    """A file name as `patch` and `git` read it: relative if the file is below the working directory.

    Names with characters that end one are quoted as in C; a tab after the name ends one with spaces.
    """
    relative = os.path.relpath(name)
    data = os.fsencode(name if relative.startswith(os.pardir + os.sep) else relative)
    if re.search(rb'^ |[\x00-\x1f\x7f"\\]', data):
        return b'"%s"' % re.sub(rb'[\x00-\x1f\x7f"\\]', lambda found: b"\\%03o" % found[0][0], data)
    return data + b"\t" if b" " in data else data
