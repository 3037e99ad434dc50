"""The files that names stand for: files, folders with all they hold, patterns, standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..inputs import STDIN, InputError
from .reading import kind_of


def expanded(names: Iterable[str], excluded: Callable[[Path], bool]) -> Iterator[str | InputError]:
    """The names of files, each once, or what says that there are none, in the order of the names, sorted in folders.

    Args:
        names: of files, folders and patterns (`*`, `?`, `[…]`, `**` for any folders); `-` is standard input.
        excluded: says which files and folders below a folder are left out. What is hidden is left out, too.
    """
    seen: set[str] = set()
    for name in _each(names, excluded):
        if not isinstance(name, str):
            yield name
        elif name not in seen:
            seen.add(name)
            yield name


def _each(names: Iterable[str], excluded: Callable[[Path], bool]) -> Iterator[str | InputError]:
    for name in names:
        if name == STDIN or os.path.isfile(name):
            yield name
        elif os.path.isdir(name):
            yield from _below(name, excluded)
        elif glob.has_magic(name):
            found = [path for path in sorted(glob.iglob(name, recursive=True)) if os.path.isfile(path)]
            yield from found
            if not found:
                yield InputError(f"{name}: no file fits this pattern")
        else:
            yield name  # whoever opens it says what is wrong with it


def _below(folder: str, excluded: Callable[[Path], bool]) -> Iterator[str | InputError]:
    """The files below a folder whose names say what they hold."""
    found = False
    unread: list[OSError] = []
    for path in _walk(folder, excluded, unread.append):
        found = True
        yield path
    for error in unread:
        yield InputError(f"{error.filename}: {error.strerror or error}")
    if not found and not unread:
        yield InputError(f"{folder}: there is no file in it whose name says what it holds")


def _walk(folder: str, excluded: Callable[[Path], bool], unread: Callable[[OSError], None]) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, onerror=unread):
        folders[:] = sorted(each for each in folders if _wanted(parent, each, excluded))
        for name in sorted(names):
            if kind_of(name) and _wanted(parent, name, excluded):
                yield os.path.join(parent, name)


def _wanted(parent: str, name: str, excluded: Callable[[Path], bool]) -> bool:
    return not name.startswith(".") and not excluded(Path(parent, name))
