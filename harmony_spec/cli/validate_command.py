"""The command `harmony-spec validate`: a linter for files of any size."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ..errors import SEVERITIES, any_of
from ..linting import Settings, lint
from ..linting.baseline import Baseline
from ..linting.batches import MAX_FILE_BYTES
from ..linting.opening import STDIN
from ..linting.outputs import FOR_READERS, OUTPUTS, WITH_SPANS, WITH_STATISTICS
from ..linting.results import OUTPUT_SUFFIXES, Results
from ..linting.rewriting import Rewriter, claim, files_read, find_targets
from ..linting.row_reading import Progress
from ..linting.settings import SettingsError, load
from .console import (
    ANY_FILE,
    CODEC_PATH,
    ERR,
    FILE_PATH,
    OUT,
    TOKENIZER_NAME,
    Command,
    codec_choice,
    codec_of,
    complete_selectors,
    output_option,
    piped,
    prepare_runner,
    reads_rows,
    require_file,
    require_name,
    require_one_reader,
    runs_in_processes,
)
from .validation_run import Run, conclude, follow


def _selectors(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """The selectors of an option that may be passed several times, with commas in them."""
    selectors = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    if option.name == "select" and values and not selectors:
        raise click.BadParameter("no rule selected; pass codes, prefixes, names, or ALL")
    return selectors if values or option.name != "select" else None


def _selecting(flag: str, help: str) -> Callable[[Any], Any]:
    """An option that selects rules."""
    return click.option(
        flag, multiple=True, callback=_selectors, shell_complete=complete_selectors, metavar="CODES", help=help
    )


_file = require_name(lambda path: path != Path(), "the name is empty")


def _config(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """The settings file; its codec is used if --codec is not passed."""
    if path is not None and str(path) != STDIN:
        with suppress(SettingsError):  # which lint raises, too
            if (settings := load(path)) is not None:
                for key, value in ((CODEC_PATH, settings.codec_path), (TOKENIZER_NAME, settings.tokenizer)):
                    context.meta[key] = context.meta.get(key) or value
    return path


GROUPS = {
    "--codec": "Inputs",
    "--select": "Rules",
    "--fix": "Fixes",
    "--output-format": "Output",
    "--config": "Run",
    "--color": "Output",
    "--help": "Run",
}
"""The headings of `--help`, by the first of the options under them. Those of all commands come last."""

_results = require_name(
    lambda path: path.suffix in OUTPUT_SUFFIXES, f"the name must end with {' or '.join(OUTPUT_SUFFIXES)}"
)
_backup = require_name(lambda name: name and not {"/", "\\"} & set(name), "pass a suffix for file names, such as .orig")
_CODES = "codes, prefixes of codes, names, or ALL; separated by commas"


@click.command(cls=Command, groups=GROUPS, example=piped("harmony-spec validate -"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=ANY_FILE)
@reads_rows
@click.option("--skip-others", is_flag=True, help="Skip files without special tokens, even if they are named.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out matching files and folders.")
@click.option(
    "--max-file-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Maximum size of a compressed file after decompression.  [default: {MAX_FILE_BYTES}]",
)
@_selecting("--select", f"Report only these rules ({_CODES}).")
@_selecting("--ignore", "Do not report these rules.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Report only findings of at least this severity.")
@click.option(
    "--baseline",
    type=FILE_PATH,
    callback=_file,
    metavar="FILE",
    help="Report only findings that are not in this baseline.",
)
@click.option(
    "--write-baseline",
    type=FILE_PATH,
    callback=require_file,
    metavar="FILE",
    help="Record all findings as a baseline, and exit with 0.",
)
@click.option("--fix", is_flag=True, help="Apply safe fixes in place; write fixed standard input to standard output.")
@click.option("--unsafe-fixes", is_flag=True, help="Also apply fixes that rewrite repaired fields or change tokens.")
@_selecting("--fixable", "Also apply all fixes of these rules.")
@click.option("--diff", is_flag=True, help="Print what --fix would change as a patch; findings go to standard error.")
@click.option("--fixed-output", metavar="PATH", help="Write fixed rows to this file or folder.")
@click.option("--backup", metavar="SUFFIX", callback=_backup, help="Keep copies of replaced files.")
@click.option(
    "--output-format",
    "form",
    type=click.Choice(list(OUTPUTS)),
    default="human",
    show_default=True,
    help="Format of the findings.",
)
@output_option("Write results by row to .jsonl or .parquet.", _results)
@click.option("--statistics", is_flag=True, help="Print counts by code and tokens by channel instead of findings.")
@click.option("-q", "--quiet", is_flag=True, help="Print findings, but no summary.")
@click.option(
    "--config",
    type=FILE_PATH,
    is_eager=True,
    callback=_config,
    help="Settings file for all inputs, instead of the nearest pyproject.toml.",
)
@click.option("--isolated", is_flag=True, help="Ignore settings files.")
@runs_in_processes
@click.option("-e", "--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
def validate(
    files: tuple[str, ...],
    form: str,
    output: Path | None,
    statistics: bool,
    quiet: bool,
    exit_zero: bool,
    fix: bool,
    diff: bool,
    fixed_output: str | None,
    backup: str | None,
    baseline: Path | None,
    write_baseline: Path | None,
    **others: Any,
) -> None:
    """Check transcripts, prompts and completions, and fix them.

    A FILE holds a text, a JSON array of token ids, a conversation in its JSON form, or rows of these as JSON Lines or
    Parquet. It can also be a folder, a pattern, or `-` for standard input. Files may be compressed (gzip, zstd). A text
    without any special token is skipped if it is found in a folder or by a pattern, and an error if it is named.

    Exits with 0 if all is valid, 1 if there are findings, 2 if a file cannot be read or written, 130 if
    interrupted, 141 if nobody reads the output.
    """
    for is_wrong, reason in (
        (diff and form not in FOR_READERS, f"--diff requires --output-format {any_of(FOR_READERS)}"),
        (
            statistics and form not in WITH_STATISTICS,
            f"--statistics requires --output-format {any_of(WITH_STATISTICS)}",
        ),
        (
            (fixed_output is not None or backup) and (diff or not fix),
            "--fixed-output and --backup require --fix and cannot be combined with --diff",
        ),
        (fixed_output is not None and backup, "--fixed-output replaces no file; do not pass --backup"),
        (
            write_baseline and (fix or diff),
            "--write-baseline records findings as they are; do not pass --fix or --diff",
        ),
        (others["runner"] == "daft" and (fix or diff), "--runner daft changes no files; do not pass --fix or --diff"),
        (write_baseline and baseline, "pass only one of --baseline and --write-baseline"),
    ):
        if is_wrong:
            raise click.UsageError(reason)
    config, kind = others.pop("config"), others.pop("kind")
    require_one_reader(others["tools"], config, baseline, *set(files))
    prepare_runner(others["runner"], others["address"], others["jobs"])
    run_options = ("isolated", "runner", "address", "jobs", "unsafe_fixes", "fixable", "skip_others", "stripped")
    how = {name: others.pop(name) for name in run_options}
    progress = Progress()
    aside = diff or (fix and STDIN in files and fixed_output is None)
    recorded = baseline or write_baseline
    known = None if recorded is None else Baseline(recorded, is_new=baseline is None)
    codec, tokenizer = codec_choice()
    checked = lint(
        files,
        Settings(codec=codec, tokenizer=tokenizer, **others),
        config=config,
        kind=kind,
        tokens=statistics,
        fix=fix or diff,
        spans=form in WITH_SPANS or output is not None,
        fingerprints=known is not None,
        progress=progress,
        **how,
    )
    read = files_read(progress.files)
    claimed = files_read(progress.files, others["tools"], config, codec) | {name + (backup or "") for name in read}
    if output is not None:
        claim("-o", output, claimed)
    for option, path in (("--baseline", baseline), ("--write-baseline", write_baseline)):
        if path is not None:
            claimed -= {os.path.realpath(path)} & read  # it may be in a folder that is read
            claim(option, path, claimed)
    places = {} if fixed_output is None else find_targets(fixed_output, progress.files, claimed)
    run = Run(
        OUTPUTS[form](codec_of(None)),
        form,
        ERR if aside else OUT,
        has_statistics=statistics,
        has_summary=not quiet,
        results=Results(output) if output else None,
        rewriter=Rewriter(progress, places, backup or "", diff) if fix or diff else None,
        baseline=known,
        id_column=others["id_column"],
    )
    complete = follow(run, checked, progress)
    unwritten = [path for path in (output, write_baseline) if path is not None and not complete]
    if complete and write_baseline is not None and run.totals.failed:
        unwritten.append(write_baseline)
    conclude(run, complete, exit_zero or write_baseline is not None, unwritten)
