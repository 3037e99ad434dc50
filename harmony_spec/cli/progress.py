"""The progress bar of a long run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TypeVar, cast

from ..linting.row_reading import Progress as Read
from .console import ERR, Stream

T = TypeVar("T")

DELAY_SECONDS = 0.5
"""The bar is not shown for shorter runs."""

UPDATE_SECONDS = 0.1
"""The time between two updates of the bar."""


def show_progress(
    read: Read, describe: Callable[[], str], out: Stream, is_wanted: bool, items: Iterator[T]
) -> Generator[T, None, None]:
    """Yield the items of a run, and show its progress on standard error. If this is closed, the run ends.

    Args:
        read: how much was read.
        describe: returns the numbers so far.
        out: where results are printed, above the bar if this is a terminal.
        is_wanted: whether it is shown if standard error is a terminal.
        items: the results of the run, a generator.
    """
    with closing(cast(Generator[T, None, None], items)):
        if not (is_wanted and sys.stderr.isatty()):
            yield from items
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=ERR.console, transient=True, redirect_stdout=out.console.is_terminal)
        task, due = bar.add_task("", total=read.total), time.monotonic() + DELAY_SECONDS
        try:
            for item in items:
                yield item
                if (now := time.monotonic()) >= due:
                    due = now + UPDATE_SECONDS
                    bar.start()
                    bar.update(task, description=describe(), completed=read.bytes, total=read.total)
        finally:
            if bar.live.is_started:
                bar.stop()
