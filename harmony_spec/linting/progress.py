"""A bar that says how far a long run is; on a terminal only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from .row_reading import Progress as Read
from .totals import Totals

PATIENCE = 0.5
"""Seconds before a bar is shown: a short run needs none."""

INTERVAL = 0.1
"""Seconds between two looks at how far the run is."""


@contextmanager
def shown(read: Read, totals: Totals, out: Console, error: Console) -> Iterator[Callable[[], None]]:
    """Show how far reading is, and what was found.

    Args:
        read: how far reading is.
        totals: what was found.
        out: where the findings go: what is printed there stands above the bar, if it is a terminal.
        error: where the bar is shown, if it is a terminal.

    The function that it gives is to be called now and then.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=error, transient=True, redirect_stdout=out.is_terminal)
    task = bar.add_task("", total=read.total)
    due = time.monotonic() + PATIENCE
    started = False

    def tick() -> None:
        nonlocal due, started
        if not error.is_terminal or (now := time.monotonic()) < due:
            return
        due = now + INTERVAL
        if not started:
            started = True
            bar.start()
        said = f"{totals.inputs:,} checked, {totals.findings:,} findings"
        bar.update(task, description=said, completed=read.bytes, total=read.total)

    try:
        yield tick
    finally:
        if started:
            bar.stop()
