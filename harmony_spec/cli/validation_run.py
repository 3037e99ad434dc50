"""A run over files of any size: where findings go, and how it ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from ..linting import Checked, SettingsError
from ..linting.differences import Differences
from ..linting.input_files import InputError
from ..linting.outputs import FIXABLE, Output
from ..linting.progress import shown
from ..linting.results import Results
from ..linting.rewriting import OutputError, Rewriter
from ..linting.row_reading import Progress
from ..linting.terminal_text import named
from ..linting.totals import Totals
from .console import ERR, FINDINGS, UNUSABLE, count, refuse

INTERRUPTED = 130
"""The status after an interruption, as shells give it."""

A_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass
class Run:
    """Where what is found goes.

    Attributes:
        output: the form in which it is printed.
        console: where it is printed.
        results: the file that it is written to, if any.
        rewriter: writes what was fixed, if fixes are applied.
        diff: shows on standard output what would be fixed, if fixes are only shown.
        totals: counts it.
    """

    output: Output
    console: Console
    results: Results | None = None
    rewriter: Rewriter | None = None
    diff: Differences | None = None
    totals: Totals = field(default_factory=Totals)

    def take(self, item: Checked | InputError | OutputError) -> None:
        """Print, write and count what was found in a row, or that a file cannot be read or written."""
        if not isinstance(item, Checked):
            self.totals.unwritten += isinstance(item, OutputError)
            self.totals.unreadable += isinstance(item, InputError)
            ERR.print(named(str(item)), style="red")
            return
        self.totals.add(item)
        for finding in item.findings:
            self.print(self.output.finding(item, finding))
        if self.results is not None:
            self.results.add(item)
        if self.diff is not None:
            sys.stdout.buffer.writelines(self.diff.add(item))

    def print(self, said: Text | str) -> None:
        """Print a piece of output where findings go."""
        write(said, self.console)

    def close(self, complete: bool) -> None:
        """Keep the results if the run came to its end; else, or where that fails, leave everything as it was."""
        try:
            if self.diff is not None:
                sys.stdout.buffer.writelines(self.diff.finish())
            if complete and self.results is not None:
                self.results.commit()
        finally:
            if self.rewriter is not None:
                self.rewriter.abort()
            if self.results is not None:
                self.results.abort()

    def summary(self) -> str:
        """The numbers of the run, in words."""
        totals = self.totals
        said = f"{count(totals.inputs, 'input')}, {totals.clean} valid, {count(totals.messages, 'message')}"
        said += f", {count(totals.findings, 'finding')}{self._fixable()}" if totals.findings else ""
        said += f", {totals.fixed} {'to fix' if self.diff is not None else 'fixed'}" if totals.fixed else ""
        said += f", {count(totals.skipped, 'file')} without special tokens skipped" if totals.skipped else ""
        said += f", {count(totals.unwritten, 'file')} not written" if totals.unwritten else ""
        return said + (f", {totals.unreadable} not readable" if totals.unreadable else "")

    def _fixable(self) -> str:
        """How many findings have a fix, by the option that applies it, and how many fixes brought to light."""
        totals = self.totals
        options = (
            (f"{FIXABLE} %d fixable with --fix", totals.fixable),
            ("%d with --unsafe-fixes", totals.unsafe),
            ("%d with --fixable CODES", totals.display),
            ("%d new after fixes", totals.new),
        )
        said = ", ".join(text % number for text, number in options if number)
        return f" ({said})" if said else ""


def write(said: Text | str, console: Console) -> None:
    """Print a piece of output, in colours where they are seen."""
    if isinstance(said, Text) and console.color_system is not None and not console.no_color:
        console.print(said, end="")
        return
    file = sys.stderr if console.stderr else sys.stdout
    file.write(said if isinstance(said, str) else said.plain)


@contextmanager
def refusing() -> Iterator[None]:
    """Say in one line what ends a run, and exit."""
    try:
        yield
    except (InputError, SettingsError) as error:
        refuse(str(error))
    except BrokenProcessPool:
        refuse("a process ended before it was done; there may be too little memory: try fewer --jobs")


def follow(run: Run, checked: Iterable[Checked | InputError], progress: Progress) -> bool:
    """Take all that is found; whether the run came to its end."""
    complete = failed = False
    try:
        with _interruptible(), shown(progress, run.totals, run.console, ERR) as tick:
            run.print(run.output.head())
            watched = _each(checked, tick)
            for item in watched if run.rewriter is None else run.rewriter.written(watched):
                run.take(item)
        complete = True
        if progress.skipped:
            first, more = progress.skipped[0], len(progress.skipped) - 1
            others = f" and {count(more, 'other')}" if more else ""
            ERR.print(named(f"{first}{others}: skipped, since it is not a regular file"), style="yellow")
    except KeyboardInterrupt:
        complete = False
    except BaseException:
        failed = True
        raise
    finally:
        if not failed:
            run.print(run.output.tail(complete and not run.totals.failed))
        run.close(complete)
    return complete


def _each(checked: Iterable[Checked | InputError], tick: Callable[[], None]) -> Iterator[Checked | InputError]:
    for item in checked:
        yield item
        tick()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take a request to end as an interruption, so that the run ends in the same way."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def conclude(run: Run, console: Console, complete: bool, stats: bool = False, output: Path | None = None) -> None:
    """Print the summary and exit.

    Args:
        run: what was found.
        console: where the summary is printed.
        complete: whether the run came to its end.
        stats: whether statistics are printed.
        output: the file of results that is there, or is not, by that.
    """
    totals = run.totals
    if stats:
        for table in totals.tables():
            console.print(table)
    unwritten = f"; {output} was not written" if output else ""
    said = run.summary() if complete else f"interrupted: {run.summary()}{unwritten}"
    bad = totals.findings or totals.failed or not complete or (run.diff is not None and totals.fixed)
    console.print(said, style="red" if bad else "green")
    sys.exit(INTERRUPTED if not complete else UNUSABLE if totals.failed else FINDINGS if bad else 0)
