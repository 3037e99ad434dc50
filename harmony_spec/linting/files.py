"""Expands names of files, folders and patterns, and `-` for standard input, to files."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .opening import STDIN, InputError
from .row_reading import kind_of


@dataclass(frozen=True)
class File:
    """A file to be read.

    Attributes:
        name: of the file; `-` is standard input.
        is_named: whether the file itself was named, not a folder or a pattern.
        path: the absolute path, without links, or a URL; `-` is standard input.
        size: its bytes; 0 if it cannot be read.
    """

    name: str
    is_named: bool
    path: str
    size: int


Found = Iterator[File | InputError]

FILE_URL = "file://"
"""What a path has before it in URLs. Daft quotes nothing in them."""


def expand(
    names: Iterable[str],
    excluded: Callable[[Path], bool],
    skipped: Callable[[str], None],
    find_urls: Callable[[str], Found] | None = None,
) -> Found:
    """The files that names refer to, each once, or errors, in the order of the names.

    Args:
        names: of files, folders and patterns (`*`, `?`, `[…]`, `**` for any folders); `-` is standard input.
        excluded: whether a file or folder below a named folder is left out. Hidden ones always are.
        skipped: called with each pipe or device in a folder or pattern: reading it might never end.
        find_urls: returns the files at a URL, which may be a pattern; None if URLs are not read.
    """
    seen: set[str] = set()
    for name in names:
        for each in find_urls(name) if find_urls and "://" in name else _expand(name, excluded, skipped):
            if isinstance(each, InputError):
                yield each
                continue
            path = each.path
            place = os.path.realpath(path.removeprefix(FILE_URL)) if path.startswith(FILE_URL) else path
            if place not in seen:
                seen.add(place)
                yield each


def _expand(name: str, excluded: Callable[[Path], bool], skipped: Callable[[str], None]) -> Found:
    """The files that a name refers to; some may be one file."""
    if "://" in name and not os.path.exists(name):
        yield InputError(f"{name}: only --runner daft reads URLs", name)
        return
    is_folder = name != STDIN and os.path.isdir(name)
    is_pattern = not is_folder and name != STDIN and not os.path.isfile(name) and glob.has_magic(name)
    unread: list[OSError] = []
    found: Iterable[str] = [name]  # opening it reports what is wrong
    if is_folder:
        found = _walk(name, excluded, unread.append)
    elif is_pattern:
        matched = (path for path in glob.iglob(name, recursive=True) if not os.path.isdir(path))
        found = sorted(os.path.join(os.curdir, path) if path == STDIN else path for path in matched)
    is_empty = True
    for each in found:
        is_empty = False
        if each == STDIN:
            yield File(each, True, each, 0)
            continue
        try:
            path = os.path.realpath(each)
        except ValueError:  # a null byte, or half of a surrogate pair
            yield InputError(f"{each!r}: not the name of a file", each)
            continue
        is_named = not (is_folder or is_pattern)
        if not is_named and os.path.exists(path) and not os.path.isfile(path):
            skipped(each)
            continue
        size = 0
        with suppress(OSError):
            size = os.path.getsize(path)
        yield File(each, is_named, path, size)
    for error in unread:
        yield InputError(f"{error.filename}: {error.strerror or error}")
    if is_empty and not unread:
        reason = "no file matches this pattern"
        if is_folder:
            reason = "the folder has no file with a known suffix that is neither hidden nor excluded"
        yield InputError(f"{name}: {reason}")


def _walk(folder: str, excluded: Callable[[Path], bool], unread: Callable[[OSError], None]) -> Iterator[str]:
    """The files below a folder whose suffixes are known."""

    def is_included(name: str) -> bool:
        return not name.startswith(".") and not excluded(Path(parent, name))

    for parent, folders, names in os.walk(folder, onerror=unread):
        folders[:] = sorted(filter(is_included, folders))
        for name in sorted(names):
            if kind_of(name) and is_included(name):
                yield os.path.join(parent, name)
