"""The progress bar of a long run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ..linting.row_reading import Progress as Read
from .console import ERR, Stream

T = TypeVar("T")

DELAY_SECONDS = 0.5
"""The bar is not shown for shorter runs."""

UPDATE_SECONDS = 0.1
"""The time between two updates of the bar."""


@contextmanager
def show_progress(
    read: Read, describe: Callable[[], str], out: Stream, is_wanted: bool, items: Iterable[T]
) -> Iterator[Iterator[T]]:
    """Show the progress of a run on standard error while its items are taken from the returned iterator.

    Args:
        read: how much was read.
        describe: returns the numbers so far.
        out: where results are printed, above the bar if this is a terminal.
        is_wanted: whether it is shown if standard error is a terminal.
        items: the results of the run.
    """
    if not (is_wanted and sys.stderr.isatty()):
        yield iter(items)
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=ERR.console, transient=True, redirect_stdout=out.console.is_terminal)
    task = bar.add_task("", total=read.total)

    def watched() -> Iterator[T]:
        due = time.monotonic() + DELAY_SECONDS
        for item in items:
            yield item
            if (now := time.monotonic()) >= due:
                due = now + UPDATE_SECONDS
                bar.start()
                bar.update(task, description=describe(), completed=read.bytes, total=read.total)

    try:
        yield watched()
    finally:
        if bar.live.is_started:
            bar.stop()
