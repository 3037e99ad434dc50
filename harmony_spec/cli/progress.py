"""The progress bar of a long run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..linting.row_reading import Progress as Read
from .console import ERR, Stream

DELAY_SECONDS = 0.5
"""The bar is not shown for shorter runs."""

UPDATE_SECONDS = 0.1
"""The time between two updates of the bar."""


@contextmanager
def show_progress(
    read: Read, describe: Callable[[], str], out: Stream, is_wanted: bool
) -> Iterator[Callable[[], None]]:
    """Show the progress of a run on standard error while the returned function is called again and again.

    Args:
        read: how much was read.
        describe: returns the numbers so far.
        out: where results are printed, above the bar if this is a terminal.
        is_wanted: whether it is shown if standard error is a terminal.
    """
    if not (is_wanted and sys.stderr.isatty()):
        yield lambda: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=ERR.console, transient=True, redirect_stdout=out.console.is_terminal)
    task = bar.add_task("", total=read.total)
    due = time.monotonic() + DELAY_SECONDS
    started = False

    def tick() -> None:
        nonlocal due, started
        if (now := time.monotonic()) < due:
            return
        due = now + UPDATE_SECONDS
        if not started:
            started = True
            bar.start()
        bar.update(task, description=describe(), completed=read.bytes, total=read.total)

    try:
        yield tick
    finally:
        if started:
            bar.stop()
