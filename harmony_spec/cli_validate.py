"""The command `harmony-spec validate`: a linter for files of any size."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console
from rich.text import Text

from . import codec
from .code import SEVERITIES
from .console import ERR, FINDINGS, OUT, UNUSABLE, count, example, refuse
from .inputs import STDIN, InputError
from .linting import Checked, Settings, SettingsError, lint
from .linting.batches import Kind
from .linting.outputs import FOR_READERS, OUTPUTS, WITH_SPANS, Output
from .linting.progress import shown
from .linting.reading import Progress
from .linting.results import SUFFIXES, Results, results
from .linting.rewriting import Rewriter, difference
from .linting.totals import Totals

INTERRUPTED = 130
"""The status after an interruption, as shells give it."""


@dataclass
class Run:
    """Where what is found goes.

    Attributes:
        output: the form in which it is printed.
        console: where it is printed.
        results: the file that it is written to, if any.
        rewriter: writes what was mended, where that is asked for.
        diff: whether what would be mended is printed.
        totals: counts it.
    """

    output: Output
    console: Console
    results: Results | None
    rewriter: Rewriter | None
    diff: bool
    totals: Totals = field(default_factory=Totals)

    def take(self, item: Checked | InputError) -> None:
        """Print, write and count what was found in a row, or that a file cannot be read."""
        if isinstance(item, InputError):
            self.totals.unreadable += 1
            ERR.print(str(item), style="red")
            if self.rewriter is not None:
                self.rewriter.broken(item.name)
            return
        self.totals.add(item)
        for finding in item.findings:
            self.print(self.output.finding(item, finding))
        if self.results is not None:
            self.results.add(item)
        if self.diff:
            self.print("".join(f"{line}\n" for line in difference(item)))
        if self.rewriter is not None:
            sys.stdout.buffer.write(self.rewriter.add(item))

    def print(self, said: Text | str) -> None:
        """Print a piece of output, in colours where they are seen."""
        if isinstance(said, Text) and self.console.color_system is not None and not self.console.no_color:
            self.console.print(said, end="")
            return
        text = said if isinstance(said, str) else said.plain
        file = sys.stderr if self.console.stderr else sys.stdout
        encoding = file.encoding or "utf-8"
        file.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def close(self, complete: bool) -> None:
        """Keep what was written if the run came to its end; else leave everything as it was."""
        if self.rewriter is not None:
            self.rewriter.finish() if complete else self.rewriter.abort()
        if self.results is not None:
            self.results.commit() if complete else self.results.abort()

    def summary(self) -> str:
        """The numbers of the run, in words."""
        totals = self.totals
        said = f"{count(totals.inputs, 'input')}, {totals.clean} valid, {count(totals.messages, 'message')}"
        said += f", {count(totals.findings, 'finding')}" if totals.findings else ""
        said += f", {totals.mended} {'to fix' if self.diff else 'fixed'}" if totals.mended else ""
        return said + (f", {totals.unreadable} not readable" if totals.unreadable else "")


def _selectors(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """The selectors of an option that may be given several times, with commas in them."""
    said = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    return said if values or option.name != "select" else None


def _results_file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix not in SUFFIXES:
        raise click.BadParameter(f"the name must end with {' or '.join(SUFFIXES)}")
    return path


_FILE = click.Path(path_type=Path, dir_okay=False)
_CODES = "Codes, their beginnings, names, or ALL; separated by commas."


@click.command(epilog=example("harmony-spec validate -"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--start", type=click.Choice(get_args(codec.Start)), help="What the inputs are.  [default: transcript]")
@click.option("--input-format", "kind", type=click.Choice(get_args(Kind)), help="What the files hold, where not found.")
@click.option("--column", metavar="NAME", help="The column that holds the inputs, where rows have several.")
@click.option("--tools", type=_FILE, help="Definitions of the tools that were offered, besides those declared.")
@click.option("--select", multiple=True, callback=_selectors, metavar="CODES", help=f"What is wanted. {_CODES}")
@click.option("--ignore", multiple=True, callback=_selectors, metavar="CODES", help="What is not wanted.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="How bad a mistake is at least.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="What is left out of folders.")
@click.option("--output-format", "form", type=click.Choice(list(OUTPUTS)), default="human", show_default=True)
@click.option("-o", "--output", type=_FILE, callback=_results_file, help="Results by row: a .jsonl or .parquet file.")
@click.option("--stats", is_flag=True, help="Print counts by code, the share of clean rows, tokens by channel.")
@click.option("--fix", is_flag=True, help="Mend what can be mended for sure; standard input goes to standard output.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, and change nothing.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes; by default one for each core.")
@click.option("--config", type=_FILE, help="Settings for all files, instead of the nearest pyproject.toml of each.")
@click.option("--isolated", is_flag=True, help="Leave settings files alone.")
def validate(
    files: tuple[str, ...],
    kind: Kind | None,
    config: Path | None,
    isolated: bool,
    jobs: int | None,
    form: str,
    output: Path | None,
    stats: bool,
    fix: bool,
    diff: bool,
    **said: Any,
) -> None:
    """Say what is wrong with transcripts, prompts or completions.

    A FILE holds a text, a JSON array of token ids, a conversation in its JSON form, rows of these as JSON Lines or
    Parquet, or is a folder or a pattern; `-` is standard input. Files may be compressed (gzip, zstd).

    Exits with 0 if all is valid, 1 if anything was found, 2 if a file could not be read, 130 if interrupted.
    """
    if diff and form not in FOR_READERS:
        raise click.UsageError(f"--diff prints differences: --output-format must be {' or '.join(FOR_READERS)}")
    aside = fix and not diff and STDIN in files
    try:
        progress = Progress()
        checked = lint(
            files,
            Settings(**said),
            config=config,
            isolated=isolated,
            jobs=jobs,
            kind=kind,
            tokens=stats,
            fix=fix or diff,
            spans=form in WITH_SPANS or output is not None,
            progress=progress,
        )
        rewriter = Rewriter() if fix and not diff else None
        run = Run(OUTPUTS[form](), ERR if aside else OUT, results(output) if output else None, rewriter, diff)
        complete = _follow(run, checked, progress)
    except (InputError, SettingsError) as error:
        refuse(str(error))
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except OSError as error:
        refuse(f"{error.filename or 'the output'}: {error.strerror or error}")
    except BrokenProcessPool:
        refuse("a process ended before it was done; there may be too little memory: try fewer --jobs")
    _conclude(run, run.console if form in FOR_READERS else ERR, complete, stats, output)


def _follow(run: Run, checked: Iterable[Checked | InputError], progress: Progress) -> bool:
    """Take all that is found; whether the run came to its end."""
    complete = failed = False
    try:
        with _interruptible(), shown(progress, run.totals, run.console, ERR) as tick:
            run.print(run.output.head())
            for item in checked:
                run.take(item)
                tick()
        complete = True
    except KeyboardInterrupt:
        complete = False
    except BaseException:
        failed = True
        raise
    finally:
        if not failed:
            run.print(run.output.tail(complete))
        run.close(complete)
    return complete


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take a request to end as an interruption, so that the run ends in the same way."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _conclude(run: Run, console: Console, complete: bool, stats: bool, output: Path | None) -> None:
    """Print the summary and exit."""
    totals = run.totals
    if stats:
        for table in totals.tables():
            console.print(table)
    unwritten = f"; {output} was not written" if output else ""
    said = run.summary() if complete else f"interrupted: {run.summary()}{unwritten}"
    bad = totals.findings or totals.unreadable or not complete or (run.diff and totals.mended)
    console.print(said, style="red" if bad else "green")
    sys.exit(INTERRUPTED if not complete else UNUSABLE if totals.unreadable else FINDINGS if bad else 0)
