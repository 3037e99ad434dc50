"""A run of `validate` over files of any size: where findings go, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import APPLICABILITIES
from ..linting import Checked
from ..linting.baseline import Baseline
from ..linting.opening import InputError
from ..linting.outputs import FIXABLE, FOR_READERS, RunOutput
from ..linting.results import Results
from ..linting.rewriting import OutputError, Rewriter
from ..linting.row_reading import Progress
from ..linting.totals import Totals
from ..view.terminal_text import printable_name
from .application import INTERRUPTED
from .console import ERR, FINDINGS, UNUSABLE, Stream, count
from .progress import show_progress


@dataclass
class Run:
    """What is printed of findings, and where they go.

    Attributes:
        output: the format of the findings.
        form: its name.
        stream: where findings and statistics go.
        has_statistics: whether statistics are printed instead of findings.
        has_summary: whether progress and the summary are printed.
        results: the file of results by row, if any.
        rewriter: writes fixed rows, or prints what would be fixed, if fixes are applied or shown.
        baseline: the findings that are not reported, or that are recorded.
        totals: the numbers so far.
        id_column: the column of `--id-column`; None if it was not passed.
        has_id: whether a row has an id.
        lacks_column: whether an input or a file without the column of `--column` was printed; others are only counted.
    """

    output: RunOutput
    form: str
    stream: Stream
    has_statistics: bool
    has_summary: bool
    results: Results | None = None
    rewriter: Rewriter | None = None
    baseline: Baseline | None = None
    totals: Totals = field(default_factory=Totals)
    id_column: str | None = None
    has_id: bool = False
    lacks_column: bool = False

    def report(self, item: Checked | InputError | OutputError) -> None:
        """Print, write and count the findings of a row, or the error of a file."""
        if not isinstance(item, Checked):
            self.totals.unwritten += isinstance(item, OutputError)
            self.totals.unreadable += isinstance(item, InputError)
            if not (isinstance(item, InputError) and self._is_repeated(item.lacks_column)):
                ERR.print(printable_name(str(item)), style="red")
            return
        self.has_id = self.has_id or item.id is not None
        if self.baseline is not None:
            all_findings = len(item.findings)
            item = self.baseline.without_known(item)
            self.totals.in_baseline += all_findings - len(item.findings)
        self.totals.add(item)
        for finding in item.findings:
            if not self.has_statistics and not self._is_repeated(finding.lacks_column):
                self.stream.write(self.output.finding(item, finding))
        if self.results is not None:
            self.results.add(item)

    def _is_repeated(self, lacks_column: bool) -> bool:
        """Whether the missing column was printed before; remember that it is printed now."""
        before, self.lacks_column = self.lacks_column, self.lacks_column or lacks_column
        return before and lacks_column

    def print_around(self, text: str) -> None:
        """Print the start or end of the output."""
        if not self.has_statistics:
            self.stream.write(text)

    def commit(self) -> None:
        """Complete the files that the run writes."""
        if self.results is not None:
            self.results.commit()
        if not self.totals.failed and self.baseline is not None and self.baseline.is_new:
            self.baseline.write()

    @property
    def is_diff(self) -> bool:
        """Whether fixes are only shown."""
        return self.rewriter is not None and self.rewriter.is_diff

    def progress(self) -> str:
        """The numbers so far, in a few words."""
        return f"{self.totals.inputs:,} checked, {self.totals.findings:,} findings"

    def summary(self) -> str:
        """The numbers of the run, in one line."""
        totals = self.totals
        text = f"{count(totals.inputs, 'input')}, {totals.clean} valid, {count(totals.messages, 'message')}"
        text += f", {count(totals.findings, 'finding')}{self._fixable()}" if totals.findings else ""
        text += f", {totals.in_baseline} in the baseline" if totals.in_baseline else ""
        text += f", {totals.fixed} {'to fix' if self.is_diff else 'fixed'}" if totals.fixed else ""
        text += f", skipped {count(totals.skipped, 'file')} without special tokens or rows" if totals.skipped else ""
        text += f", {count(totals.unwritten, 'file')} not written" if totals.unwritten else ""
        return text + (f", {count(totals.unreadable, 'file')} not read" if totals.unreadable else "")

    def _fixable(self) -> str:
        """How many findings have a fix, by the option that applies it."""
        texts = (f"{FIXABLE} %d fixable with --fix", "%d with --unsafe-fixes", "%d with --fixable CODES")
        numbers = map(self.totals.fixes.__getitem__, APPLICABILITIES)
        text = ", ".join(text % number for text, number in zip(texts, numbers, strict=True) if number)
        return f" ({text})" if text else ""


def follow(run: Run, checked: Generator[Checked | InputError, None, None], progress: Progress) -> bool:
    """Report all rows, and write files; returns whether the run was complete. Otherwise files stay as they were."""
    complete = False
    try:
        shown = show_progress(progress, run.progress, run.stream, run.has_summary, checked)
        with suppress(KeyboardInterrupt):
            with closing(shown) as watched:  # its processes end with it
                run.print_around(run.output.head)
                for item in watched if run.rewriter is None else run.rewriter.written(watched):
                    run.report(item)
            complete = True
        if complete and run.has_summary:
            _print_notes(run, progress)
        run.print_around(run.output.tail(complete and not run.totals.failed))
        if complete:
            run.commit()
    finally:
        if run.results is not None:
            run.results.abort()
    return complete


def _print_notes(run: Run, progress: Progress) -> None:
    """Print what was not read, and whether the column of ids has none."""
    if progress.skipped:
        first, more = progress.skipped[0], len(progress.skipped) - 1
        others = f" and {count(more, 'other')}" if more else ""
        ERR.print(printable_name(f"{first}{others}: skipped, since it is not a regular file"), style="yellow")
    if run.id_column is not None and run.totals.inputs and not run.has_id:
        reason = f"--id-column: no input has a string or an integer in a column {run.id_column!r}"
        ERR.print(printable_name(reason), style="yellow")


def conclude(run: Run, complete: bool, exit_zero: bool, unwritten: list[Path]) -> None:
    """Print statistics and the summary, and exit.

    Args:
        run: its findings and numbers.
        complete: whether all inputs were checked.
        exit_zero: whether findings leave the exit status at 0.
        unwritten: the files that were not written, since the run was interrupted or a file could not be read.
    """
    totals, is_json = run.totals, run.form not in FOR_READERS
    if run.has_statistics and is_json:
        run.stream.write(json.dumps(totals.as_json()) + "\n")
    elif run.has_statistics:
        for table in totals.tables():
            run.stream.print(table)
    text = run.summary() if complete else f"interrupted: {run.summary()}"
    text += "".join(f"; {path} was not written" for path in unwritten)
    has_findings = totals.findings or (run.is_diff and totals.fixed)
    if run.has_summary:
        is_bad = has_findings or totals.failed or not complete
        (ERR if is_json else run.stream).print(text, style="red" if is_bad else "green")
    status = FINDINGS if has_findings and not exit_zero else 0
    sys.exit(INTERRUPTED if not complete else UNUSABLE if totals.failed else status)
