"""The command `harmony-spec validate`: a linter for files of any size."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import click

from ..errors import SEVERITIES
from ..linting import Settings, lint
from ..linting.batches import MAX_FILE_BYTES, Kind
from ..linting.differences import Differences
from ..linting.input_files import STDIN
from ..linting.outputs import FOR_READERS, OUTPUTS, WITH_SPANS
from ..linting.results import SUFFIXES, results
from ..linting.rewriting import Rewriter, targets
from ..linting.row_reading import Progress
from ..linting.settings import SettingsError, load
from .console import (
    CODEC,
    CODEC_PATH,
    ERR,
    MAX_ROW,
    OUT,
    STRIPPED,
    OfCodec,
    codec_of,
    example,
    require_one_reader,
    starts_of,
)
from .validation_run import A_FILE, Run, conclude, follow, refusing


def _selectors(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """The selectors of an option that may be passed several times, with commas in them."""
    said = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    if option.name == "select" and values and not said:
        raise click.BadParameter("it names no code, so that nothing would be found")
    return said if values or option.name != "select" else None


def _results_file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix not in SUFFIXES:
        raise click.BadParameter(f"the name must end with {' or '.join(SUFFIXES)}")
    return path


def _require_own(output: Path, others: Collection[str]) -> None:
    """Refuse to write results to a file that is read, or that fixed rows or backups are written to."""
    if os.path.realpath(output) in others:
        raise click.UsageError(f"{output} is read, or written with --fix: -o needs another file")


def _config(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """The settings file; the codec that it names counts if the command line names none."""
    if path is not None and str(path) != STDIN:
        with suppress(SettingsError):  # which lint raises, too
            if (settings := load(path)) is not None and settings.codec_path is not None:
                context.meta.setdefault(CODEC_PATH, settings.codec_path)
    return path


def _suffix(_: click.Context, __: click.Parameter, suffix: str) -> str:
    if "/" in suffix or "\\" in suffix:
        raise click.BadParameter("pass what is added to the file name, such as .orig")
    return suffix


_CODES = "Codes, their prefixes, names, or ALL; separated by commas."


@click.command(epilog=example("harmony-spec validate -"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@CODEC
@click.option("--start", type=OfCodec("start", starts_of), help="Type of the inputs.  [default: transcript]")
@click.option("--input-format", "kind", type=click.Choice(get_args(Kind)), help="Format of the files.")
@click.option("--column", metavar="NAME", help="Column that holds the inputs.")
@click.option("--tools", type=A_FILE, help="Definitions of offered tools, besides those that the inputs declare.")
@STRIPPED
@click.option("--skip-others", is_flag=True, help="Skip named files without special tokens, as those in folders.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out matching files and folders.")
@MAX_ROW
@click.option(
    "--max-file-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Bytes that a compressed file may become.  [default: {MAX_FILE_BYTES}]",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of processes.  [default: cores]")
@click.option(
    "--config",
    type=A_FILE,
    is_eager=True,
    callback=_config,
    help="Settings file for all inputs, instead of the nearest pyproject.toml.",
)
@click.option("--isolated", is_flag=True, help="Ignore settings files.")
@click.option("--select", multiple=True, callback=_selectors, metavar="CODES", help=f"Report only these. {_CODES}")
@click.option("--ignore", multiple=True, callback=_selectors, metavar="CODES", help="Do not report these.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Report only findings of at least this severity.")
@click.option("--output-format", "form", type=click.Choice(list(OUTPUTS)), default="human", show_default=True)
@click.option("-o", "--output", type=A_FILE, callback=_results_file, help="Write results by row to .jsonl or .parquet.")
@click.option("--stats", is_flag=True, help="Print counts by code, the share of clean rows, tokens by channel.")
@click.option("--fix", is_flag=True, help="Apply safe fixes, in place; write fixed standard input to standard output.")
@click.option("--unsafe-fixes", is_flag=True, help="Include fixes of repaired fields and of tokens.")
@click.option(
    "--fixable", multiple=True, callback=_selectors, metavar="CODES", help="Include all fixes of these codes."
)
@click.option("--diff", is_flag=True, help="Print what --fix would change as a patch; findings go to standard error.")
@click.option("--fixed-output", metavar="PATH", help="Write fixed rows to this file or folder.")
@click.option("--backup", metavar="SUFFIX", default="", callback=_suffix, help="Keep replaced files under this suffix.")
def validate(
    files: tuple[str, ...],
    form: str,
    output: Path | None,
    stats: bool,
    fix: bool,
    diff: bool,
    fixed_output: str | None,
    backup: str,
    **others: Any,
) -> None:
    """Check transcripts, prompts and completions, and fix them.

    A FILE holds a text, a JSON array of token ids, a conversation in its JSON form, or rows of these as JSON Lines or
    Parquet; or it is a folder or a pattern; `-` is standard input. Files may be compressed (gzip, zstd). A file without
    any special token is skipped if it is found in a folder or by a pattern, and refused if it is named.

    Exits with 0 if all is valid, 1 if anything was found, 2 if a file could not be read or written, 130 if interrupted.
    """
    if diff and form not in FOR_READERS:
        raise click.UsageError(f"--diff prints differences: --output-format must be {' or '.join(FOR_READERS)}")
    if (fixed_output is not None or backup) and (diff or not fix):
        raise click.UsageError("--fixed-output and --backup need --fix, and no --diff")
    if fixed_output is not None and backup:
        raise click.UsageError("--backup keeps files that are replaced: --fixed-output replaces none")
    config, kind = others.pop("config"), others.pop("kind")
    require_one_reader(others["tools"], config, *set(files))
    how = {
        name: others.pop(name) for name in ("isolated", "jobs", "unsafe_fixes", "fixable", "skip_others", "stripped")
    }
    progress = Progress()
    aside = diff or (fix and STDIN in files and fixed_output is None)
    with refusing():
        checked = lint(
            files,
            Settings(codec=click.get_current_context().meta.get(CODEC_PATH), **others),
            config=config,
            kind=kind,
            tokens=stats,
            fix=fix or diff,
            spans=form in WITH_SPANS or output is not None,
            progress=progress,
            **how,
        )
        read = {os.path.realpath(name) for name in progress.files if name != STDIN}
        places = {} if fixed_output is None else targets(fixed_output, progress.files, read)
        if output is not None:
            _require_own(output, {*read, *map(os.path.realpath, places.values()), *(name + backup for name in read)})
        rewriter = Rewriter(places, backup) if fix and not diff else None
        file = results(output) if output else None
        run = Run(OUTPUTS[form](codec_of(None)), ERR if aside else OUT, file, rewriter, Differences() if diff else None)
        complete = follow(run, checked, progress)
    conclude(run, run.console if form in FOR_READERS else ERR, complete, stats, output)
