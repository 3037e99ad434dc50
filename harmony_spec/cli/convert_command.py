"""The command `harmony-spec convert`: rows in one form to rows in another."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import click
from click.core import ParameterSource

from ..adapters.chat_rows import SETTING_COLUMNS
from ..codes import UNSUPPORTED_VALUE
from ..errors import CodecError
from ..linting.atomic import AtomicFile
from ..linting.batches import ID_COLUMN, Runner
from ..linting.lint import run_files
from ..linting.opening import COMPRESSIONS, UNWRITTEN_COMPRESSIONS, InputError, compressed
from ..linting.parquet import ParquetOutput, require_pyarrow
from ..linting.results import OUTPUT_SUFFIXES
from ..linting.rewriting import claim, files_read
from ..linting.row_reading import SUFFIXES, Progress, kind_of
from ..view.terminal_text import COLORS, printable_name
from .application import INTERRUPTED
from .console import (
    ANY_FILE,
    ERR,
    FILE_PATH,
    FINDINGS,
    MAX_ROW,
    OUT,
    QUIET,
    UNUSABLE,
    Command,
    OfCodec,
    codec_choice,
    codec_of,
    codec_option,
    count,
    output_option,
    prepare_runner,
    require_file,
    require_one_reader,
    row_options,
    runs_in_processes,
    styles_of,
    trainable_of,
    uses_codec,
)
from .converting import (
    CHAT,
    CHAT_COLUMNS,
    SOURCE_FORMATS,
    TRAINING,
    Conversion,
    ConversionNumbers,
    convert_batch,
)
from .progress import show_progress

FOR_TRAINING = {"train", "max_length", "allows_errors", "labels", "completion_mask"}
"""The parameters of rows to train on."""

LENGTH_PERCENTILES = (1, 10, 50, 90, 99, 100)
"""The percentiles of the lengths of rows that are printed."""

CONVERT_EXAMPLE = """\
printf '%s' '[{"role": "user", "content": "Hi."}]' | harmony-spec convert --from chat --to text -"""


def _progress(numbers: ConversionNumbers) -> str:
    return f"{numbers.converted:,} converted, {numbers.rejected:,} rejected"


def _summary(numbers: ConversionNumbers) -> str:
    """The numbers of rows to train on, and their lengths by percentile, in one line."""
    lengths = sorted(numbers.lengths)
    shown = ", ".join(f"{each}% {lengths[(len(lengths) * each - 1) // 100]:,}" for each in LENGTH_PERCENTILES)
    text = f"{count(numbers.converted, 'row')}, {sum(lengths):,} tokens, {numbers.trained:,} trained on"
    text += f", {count(numbers.truncated, 'row')} truncated" if numbers.truncated else ""
    text += f", {count(numbers.rejected, 'row')} rejected" if numbers.rejected else ""
    return f"{text}; lengths by percentile: {shown}"


def _passed(names: set[str]) -> list[str]:
    """The flags of those of these options that were passed."""
    context = click.get_current_context()
    passed = {name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    return [param.opts[0] for param in context.command.params if param.name in passed]


def _train(context: click.Context, _: click.Parameter, value: str | None) -> str:
    """The messages that are trained on; refuses a codec that does not define which ones a model writes."""
    codec = codec_of(context)
    if not (names := codec.FORMAT.trainable) and context.params.get("target") == TRAINING:
        raise CodecError(f"{codec.__file__}: this codec has no `[opening]` in conversation.toml, which training needs")
    return value or "".join(names[:1])


def _written(path: Path, stack: ExitStack) -> BinaryIO:
    """A file that is complete once the stack ends without an error, compressed as its suffix says."""
    file = stack.enter_context(AtomicFile(path)).file
    magic = COMPRESSIONS.get(path.suffix.lower(), b"")
    return stack.enter_context(compressed(magic, cast(BinaryIO, file), "wb"))


def _require_suffix(option: str, path: Path, *suffixes: str) -> None:
    """Raise a usage error for a name that promises something else than the rows that are written."""
    if compression := UNWRITTEN_COMPRESSIONS.get(path.suffix.lower()):
        known = " or ".join(COMPRESSIONS)
        raise click.UsageError(f"{path}: {compression} is not written; choose a name that ends in {known}")
    bare = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    if bare.suffix and kind_of(bare.name) not in map(SUFFIXES.get, suffixes):
        known = " or ".join(suffixes)
        raise click.UsageError(f"{option}: {path} would hold JSON Lines; choose a name that ends in {known}")


@click.command(cls=Command, example=CONVERT_EXAMPLE)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=ANY_FILE)
@click.option("--from", "source", type=click.Choice(SOURCE_FORMATS), required=True, help="Form of the rows.")
@click.option(
    "--to", "target", type=click.Choice((*SOURCE_FORMATS, TRAINING)), required=True, help="Form to convert to."
)
@output_option("File to write; Parquet if its name ends in .parquet.  [default: standard output]")
@click.option("--rejected", type=FILE_PATH, callback=require_file, help="File for the rows that cannot be converted.")
@click.option(
    "--replace-unsupported", "replaces", is_flag=True, help="Replace images and other values that the format lacks."
)
@uses_codec
@codec_option("--style", styles_of, "Style of headers in text and tokens.")
@click.option(
    "--train",
    type=OfCodec("train", trainable_of),
    callback=_train,
    help="Train on the last turn, or on all messages of the model.  [default: last_turn]",
)
@click.option("--max-length", type=click.IntRange(min=1), metavar="N", help="Truncate training rows to N tokens.")
@click.option(
    "--allow-errors", "allows_errors", is_flag=True, help="Train on rows with errors instead of rejecting them."
)
@click.option("--labels", is_flag=True, help="Add a column of token ids, with -100 for those that are not trained on.")
@click.option("--completion-mask", is_flag=True, help="Add a column that marks all tokens after the prompt.")
@runs_in_processes
@MAX_ROW
@QUIET
def convert(
    files: tuple[str, ...],
    source: str,
    target: str,
    output: Path | None,
    rejected: Path | None,
    jobs: int | None,
    runner: Runner,
    address: str | None,
    max_row_bytes: int | None,
    quiet: bool,
    **others: Any,
) -> None:
    """Convert rows of data sets to another form.

    Reads text, JSON, JSON Lines and Parquet, and writes JSON Lines or Parquet. Rows in the form `chat` have `messages`
    and `tools` of Chat Completions, `conversations` of ShareGPT, or `prompt` and `completion`. That form loses settings
    and channels. `training` is token ids (`input_ids`) with a mask (`assistant_masks`); rows in which
    `validate` finds errors are rejected. The exit status is 1 if rows
    cannot be converted, and 2 if a file cannot be read.
    """
    require_one_reader(*set(files))
    prepare_runner(runner, address, jobs)
    if target != TRAINING and (wrong := _passed(FOR_TRAINING)):
        raise click.UsageError(f"{', '.join(wrong)} require{'s' * (len(wrong) == 1)} --to {TRAINING}")
    is_parquet = output is not None and kind_of(output.name) == "parquet"
    outputs = {option: path for option, path in (("-o", output), ("--rejected", rejected)) if path is not None}
    for option, path in outputs.items():
        _require_suffix(option, path, *OUTPUT_SUFFIXES[: 2 if path is output else 1])
    conversion = Conversion(source, target, is_parquet=is_parquet, **others)
    columns: dict[str, Any] = {"columns": CHAT_COLUMNS, "beside": SETTING_COLUMNS} if source == CHAT else {}
    options = row_options(max_row_bytes, keeps_rows=rejected is not None, **columns)
    progress, numbers, status = Progress(), ConversionNumbers(), 0
    try:
        with ExitStack() as stack:
            how = lambda _: False, lambda _: options, progress, partial(convert_batch, conversion)
            converted = run_files(files, *how, runner, address, jobs)
            if is_parquet:
                require_pyarrow(str(output))
            claimed = files_read(progress.files, codec_choice()[0])
            for option, path in outputs.items():
                claim(option, path, claimed)
            kept = _written(rejected, stack) if rejected else None
            stream = _written(output, stack) if output else sys.stdout.buffer
            rows = ParquetOutput(stream, conversion.schema(), optional=ID_COLUMN) if is_parquet else None
            if rows:
                stack.callback(rows.abort)
            is_bar_wanted = not quiet and not (output is None and sys.stdout.isatty())
            shown = show_progress(progress, partial(_progress, numbers), OUT, is_bar_wanted, converted)
            for found in stack.enter_context(closing(shown)):
                if isinstance(found, InputError):
                    ERR.print(printable_name(str(found)), style="red")
                    status = UNUSABLE
                    continue
                for severity, line in found.reports:
                    if severity == "error" or not quiet:
                        ERR.print(line, style=COLORS[severity])
                (rows or stream).write(found.rows)
                if kept:
                    kept.write(found.rejected)
                numbers.add(found.numbers)
            if rows:
                rows.close()
    except KeyboardInterrupt:
        unwritten = "".join(f"; {path} was not written" for path in outputs.values())
        ERR.print(printable_name(f"interrupted{unwritten}"), style="red")
        sys.exit(INTERRUPTED)
    for name in progress.skipped:
        ERR.print(printable_name(f"{name}: skipped, since it is not a regular file"), style="yellow")
    for (name, column), rows_with in {} if quiet else numbers.unread.items():
        what = f"{UNSUPPORTED_VALUE.code} {UNSUPPORTED_VALUE.name} at /{column}: the column is not read"
        left_out = f"{name}: warning: {what}; it is left out of {count(rows_with, 'row')}"
        ERR.print(printable_name(left_out), style=COLORS["warning"])
    if numbers.lengths and not quiet:
        ERR.print(_summary(numbers))
    sys.exit(status or (FINDINGS if numbers.rejected else 0))
