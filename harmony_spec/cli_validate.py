"""The command `harmony-spec validate`: a linter for files of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .cli_files import A_FILE, Run, conclude, follow, refusing, takes_files
from .code import SEVERITIES
from .console import ERR, OUT, example, require_one_reader
from .inputs import STDIN
from .linting import Settings, lint
from .linting.batches import Kind
from .linting.outputs import FOR_READERS, OUTPUTS, WITH_SPANS
from .linting.reading import Progress
from .linting.results import SUFFIXES, results
from .linting.rewriting import Rewriter


def _selectors(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """The selectors of an option that may be given several times, with commas in them."""
    said = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    if option.name == "select" and values and not said:
        raise click.BadParameter("it names no code, so that nothing would be found")
    return said if values or option.name != "select" else None


def _results_file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix not in SUFFIXES:
        raise click.BadParameter(f"the name must end with {' or '.join(SUFFIXES)}")
    return path


_CODES = "Codes, their beginnings, names, or ALL; separated by commas."


@click.command(epilog=example("harmony-spec validate -"))
@takes_files
@click.option("--select", multiple=True, callback=_selectors, metavar="CODES", help=f"What is wanted. {_CODES}")
@click.option("--ignore", multiple=True, callback=_selectors, metavar="CODES", help="What is not wanted.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="How bad a mistake is at least.")
@click.option("--output-format", "form", type=click.Choice(list(OUTPUTS)), default="human", show_default=True)
@click.option("-o", "--output", type=A_FILE, callback=_results_file, help="Results by row: a .jsonl or .parquet file.")
@click.option("--stats", is_flag=True, help="Print counts by code, the share of clean rows, tokens by channel.")
@click.option("--fix", is_flag=True, help="Mend what can be mended for sure; standard input goes to standard output.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, and change nothing.")
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
    if output is not None and any(output.resolve() == Path(name).resolve() for name in files):
        raise click.UsageError(f"{output} is read: the results need another file")
    require_one_reader(said["tools"], config, *set(files))
    aside = fix and not diff and STDIN in files
    with refusing():
        progress = Progress()
        checked = lint(
            files,
            Settings(**said),
            config=config,
            isolated=isolated,
            jobs=jobs,
            kind=kind,
            tokens=stats,
            fix="sure" if fix or diff else None,
            spans=form in WITH_SPANS or output is not None,
            progress=progress,
        )
        rewriter = Rewriter() if fix and not diff else None
        run = Run(OUTPUTS[form](), ERR if aside else OUT, results(output) if output else None, rewriter, diff)
        complete = follow(run, checked, progress)
    conclude(run, run.console if form in FOR_READERS else ERR, complete, stats, output)
