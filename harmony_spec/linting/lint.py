"""Files and folders, checked: the function behind `harmony-spec validate`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .batches import Kind, Options
from .files import File, expanded
from .findings import Checked
from .input_files import STDIN, InputError
from .jobs import Item, cores, run
from .row_reading import Progress, read
from .settings import Resolver, Settings

NOTHING = Settings()


def lint(
    names: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    settings: Settings = NOTHING,
    *,
    config: str | os.PathLike[str] | None = None,
    isolated: bool = False,
    jobs: int | None = None,
    kind: Kind | None = None,
    tokens: bool = False,
    fix: bool = False,
    unsafe_fixes: bool = False,
    fixable: Iterable[str] = (),
    stripped: bool = False,
    skip_others: bool = False,
    spans: bool = False,
    fingerprints: bool = False,
    progress: Progress | None = None,
) -> Iterator[Checked | InputError]:
    """Say what is wrong with the rows of files: what `harmony_spec.validate` says of each, with its place.

    Rows are read as they are asked for, and come in the order of the files.

    Args:
        names: of files, folders and patterns, or one of them; `-` is standard input.
        settings: those that hold for all files, over those of settings files.
        config: a settings file for all files, instead of the nearest `pyproject.toml` above each with settings.
        isolated: leave settings files alone.
        jobs: how many processes work, if the input is long; by default as many as can run at once.
        kind: what files hold; by default as their names or their first lines say.
        tokens: count the tokens of each channel.
        fix: apply safe fixes to rows; `after` holds the fixed rows. Files are left as they are.
        unsafe_fixes: apply unsafe fixes, too.
        fixable: codes, prefixes or names whose fixes are applied in any case.
        skip_others: skip named files without special tokens, as those found in folders are.
        stripped: read text without special tokens as if they had been stripped.
        spans: locate findings both in tokens and in text.
        fingerprints: set `Finding.fingerprint`, by which a baseline knows findings again.
        progress: updated with how much of the files was read, and with the special files that were skipped.

    A file that cannot be read comes as the error that says so. Raises `SettingsError` for settings that mean nothing.
    """
    what = Options(
        frozenset(),
        tokens=tokens,
        fix=fix,
        unsafe_fixes=unsafe_fixes,
        stripped=stripped,
        spans=spans,
        fingerprints=fingerprints,
    )
    resolver = Resolver(settings, None if config is None else Path(config), isolated, what, fixable)
    each = [names] if isinstance(names, (str, os.PathLike)) else names
    progress = progress or Progress()
    found = list(expanded([os.fspath(name) for name in each], resolver.excluded, progress.skipped.append))
    progress.files = [item.name for item in found if isinstance(item, File)]
    progress.total = None if STDIN in progress.files else sum(map(_size, progress.files))
    return run(_items(found, skip_others, resolver, kind, progress), jobs or cores())


def _size(name: str) -> int:
    """The bytes of a file; none for one that is not there."""
    try:
        return os.path.getsize(name)
    except OSError:
        return 0


def _items(
    files: Iterable[File | InputError], skip_others: bool, resolver: Resolver, kind: Kind | None, progress: Progress
) -> Iterator[Item]:
    for file in files:
        if isinstance(file, InputError):
            yield file
            continue
        name = file.name
        try:
            yield from read(name, file.is_named and not skip_others, kind, resolver.options(name), progress)
        except InputError as error:
            error.name = name
            yield error
        if name != STDIN:
            progress.file(_size(name))
