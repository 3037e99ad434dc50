"""Checks files and folders, as `harmony-spec validate` does."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import get_args

from ..errors import any_of
from .batches import FileKind, Options, Runner
from .checking import check
from .files import File, expand
from .findings import Checked
from .jobs import Item, R, Work, cores, run
from .opening import STDIN, InputError
from .row_reading import Progress, read
from .settings import NO_SETTINGS, Resolver, Settings, SettingsError


def lint(
    names: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    settings: Settings = NO_SETTINGS,
    *,
    config: str | os.PathLike[str] | None = None,
    isolated: bool = False,
    jobs: int | None = None,
    kind: FileKind | None = None,
    tokens: bool = False,
    fix: bool = False,
    unsafe_fixes: bool = False,
    fixable: str | Iterable[str] = (),
    stripped: bool = False,
    skip_others: bool = False,
    spans: bool = False,
    fingerprints: bool = False,
    progress: Progress | None = None,
    runner: Runner = "local",
    address: str | None = None,
) -> Generator[Checked | InputError, None, None]:
    """Check the rows of files with `harmony_spec.validate`; findings have their places in the files.

    Rows are read lazily, in the order of the files. A file that cannot be read is returned as an `InputError`.

    Args:
        names: of files, folders and patterns, or one of them; `-` is standard input.
        settings: override those of settings files.
        config: a settings file for all files, instead of the nearest `pyproject.toml` with settings above each.
        isolated: ignore settings files.
        jobs: the number of worker processes for long inputs; by default the number of cores.
        kind: the format of the files; by default detected from their suffix or their first lines.
        tokens: count the tokens of each channel.
        fix: apply safe fixes to rows; `after` is the fixed row. Files are not changed.
        unsafe_fixes: apply unsafe fixes, too.
        fixable: codes, prefixes or names of rules all of whose fixes are applied, or one of them.
        skip_others: skip named files without special tokens, as in folders.
        stripped: read text without special tokens as if they had been stripped.
        spans: locate findings both in tokens and in text.
        fingerprints: set `Finding.fingerprint`, by which baselines recognize findings.
        progress: updated with the bytes that were read, and the special files that were skipped.
        runner: "daft" reads JSON Lines and Parquet with Daft, on this machine or on a cluster, without fixes.
        address: the address of a Ray cluster for Daft.

    Raises:
        SettingsError: a setting is invalid.
        InputError: Daft is not installed, or its cluster cannot be reached.
    """
    base = Options(
        frozenset(),
        tokens=tokens,
        fix=fix,
        unsafe_fixes=unsafe_fixes,
        stripped=stripped,
        spans=spans,
        fingerprints=fingerprints,
    )
    resolver = Resolver(settings, None if config is None else Path(config), isolated, base, fixable)
    if jobs is not None and jobs < 1:
        raise SettingsError(f"jobs: expected a number from 1, got {jobs}")
    each = [names] if isinstance(names, (str, os.PathLike)) else names
    if not isinstance(each, Iterable):
        raise TypeError(f"names: expected a name or a list of names, got {type(names).__name__}")
    progress = progress or Progress()
    listed = [os.fspath(name) for name in each]
    for argument, value, known in (("kind", kind, get_args(FileKind)), ("runner", runner, get_args(Runner))):
        if value not in (None, *known):
            raise SettingsError(f"{argument}: unknown {argument} {value!r}; expected {any_of(known)}")
    if runner == "daft" and fix:
        raise SettingsError("Daft changes no files; do not pass fix")
    how = resolver.excluded, resolver.options, progress, check, runner, address, jobs, kind, skip_others
    return run_files(listed, *how)


def run_files(
    names: Iterable[str],
    excluded: Callable[[Path], bool],
    options: Callable[[str], Options],
    progress: Progress,
    work: Work[R],
    runner: Runner,
    address: str | None,
    jobs: int | None,
    kind: FileKind | None = None,
    skip_others: bool = False,
) -> Generator[R | InputError, None, None]:
    """Find files; return an iterator that reads them and returns what `work` makes of their rows, in order.

    Args:
        excluded: whether a file or folder below a named folder is left out.
        options: returns the options for a file.

    Raises:
        InputError: Daft is not installed, or its cluster cannot be reached.
    """
    find_urls = None
    if runner == "daft":
        from . import daft_runs

        daft_runs.start(address)
        find_urls = daft_runs.find_urls
    found = list(expand(names, excluded, progress.skipped.append, find_urls))
    progress.files = [each.name for each in found if isinstance(each, File)]
    if runner == "daft":
        return daft_runs.run_on_daft(found, options, progress, work, kind)
    sizes = sum(each.size for each in found if isinstance(each, File))
    progress.total = None if STDIN in progress.files else sizes
    return run(_items(found, skip_others, options, kind, progress), jobs or cores(), work)


def _items(
    files: Iterable[File | InputError],
    skip_others: bool,
    options: Callable[[str], Options],
    kind: FileKind | None,
    progress: Progress,
) -> Iterator[Item]:
    for file in files:
        if isinstance(file, InputError):
            yield file
            continue
        name, before = file.name, progress.bytes
        try:
            yield from read(name, file.is_named and not skip_others, kind, options(name), progress)
        except InputError as error:
            error.name = name
            yield error
        if name != STDIN:
            progress.bytes = before + file.size
