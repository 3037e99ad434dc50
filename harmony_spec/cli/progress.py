"""The progress bar of a long run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from ..linting.row_reading import Progress as Read

DELAY_SECONDS = 0.5
"""The bar is not shown for shorter runs."""

UPDATE_SECONDS = 0.1
"""The time between two updates of the bar."""


@contextmanager
def show_progress(
    read: Read, describe: Callable[[], str], out: Console, error: Console, is_wanted: bool
) -> Iterator[Callable[[], None]]:
    """Show the progress of a run while the returned function is called again and again.

    Args:
        read: how much was read.
        describe: returns the numbers so far.
        out: where results are printed, above the bar if this is a terminal.
        error: where the bar is shown.
        is_wanted: whether it is shown at all.
    """
    if not is_wanted:
        yield lambda: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=error, transient=True, redirect_stdout=out.is_terminal)
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
