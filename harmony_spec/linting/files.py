"""Expands names of files, folders and patterns, and `-` for standard input, to files."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
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
    """

    name: str
    is_named: bool


def expand(
    names: Iterable[str], excluded: Callable[[Path], bool], skipped: Callable[[str], None]
) -> Iterator[File | InputError]:
    """The files that names refer to, each once, or errors, in the order of the names.

    Args:
        names: of files, folders and patterns (`*`, `?`, `[…]`, `**` for any folders); `-` is standard input.
        excluded: whether a file or folder below a named folder is left out. Hidden ones always are.
        skipped: called with each pipe or device below a folder: reading it might never end.
    """
    seen: set[str] = set()
    for file in _each(names, excluded, skipped):
        if not isinstance(file, File):
            yield file
        elif (real := file.name if file.name == STDIN else os.path.realpath(file.name)) not in seen:
            seen.add(real)
            yield file


def _each(
    names: Iterable[str], excluded: Callable[[Path], bool], skipped: Callable[[str], None]
) -> Iterator[File | InputError]:
    for name in names:
        if name == STDIN or os.path.isfile(name):
            yield File(name, is_named=True)
        elif os.path.isdir(name):
            yield from _below(name, excluded, skipped)
        elif glob.has_magic(name):
            matching = [path for path in sorted(glob.iglob(name, recursive=True)) if not os.path.isdir(path)]
            yield from (File(path, is_named=False) for path in matching if not _is_special(path, skipped))
            if not matching:
                yield InputError(f"{name}: no file matches this pattern")
        else:
            yield File(name, is_named=True)  # opening it reports what is wrong


def _below(
    folder: str, excluded: Callable[[Path], bool], skipped: Callable[[str], None]
) -> Iterator[File | InputError]:
    """The files below a folder whose suffixes are known."""
    found = False
    unread: list[OSError] = []
    for path in _walk(folder, excluded, unread.append):
        found = True
        if not _is_special(path, skipped):
            yield File(path, is_named=False)
    for error in unread:
        yield InputError(f"{error.filename}: {error.strerror or error}")
    if not found and not unread:
        yield InputError(f"{folder}: the folder has no file with a known suffix")


def _walk(folder: str, excluded: Callable[[Path], bool], unread: Callable[[OSError], None]) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, onerror=unread):
        folders[:] = sorted(each for each in folders if _is_included(parent, each, excluded))
        for name in sorted(names):
            if kind_of(name) and _is_included(parent, name, excluded):
                yield os.path.join(parent, name)


def _is_included(parent: str, name: str, excluded: Callable[[Path], bool]) -> bool:
    return not name.startswith(".") and not excluded(Path(parent, name))


def _is_special(path: str, skipped: Callable[[str], None]) -> bool:
    """Whether a path is not a regular file; opening reports a path that does not exist."""
    if os.path.isfile(path) or not os.path.exists(path):
        return False
    skipped(path)
    return True
