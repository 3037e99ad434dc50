"""Shared by all commands: standard output and error, exit statuses, options, completion."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, get_args

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.text import Text

from ..codec_loading import codec_text, default_codec, load_codec, load_tokenizer
from ..errors import CodecError, HarmonyError
from ..linting.batches import ID_COLUMN, MAX_ROW_BYTES, FileKind, Options, Runner
from ..linting.catalogue import ALL, codes
from ..linting.opening import STDIN, InputError
from ..linting.outputs import format_error
from ..linting.settings import SettingsError
from ..source.saved_text import Source
from ..view.terminal_text import printable_name

FINDINGS, UNUSABLE = 1, 2

CODEC_PATH = f"{__name__}.codec"
"""The key of the codec's path in `Context.meta`."""

TOKENIZER_NAME = f"{__name__}.tokenizer"
"""The key of the tokenizer's name in `Context.meta`."""

COLOR_CHOICE = f"{__name__}.color"
"""The key of the choice of `--color` in `Context.meta`."""

COLOR = click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, choice: context.meta.setdefault(COLOR_CHOICE, choice),
    help="When to print colors.  [default: auto]",
)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the command handle it: `rich` would exit with 1, which means findings."""
        raise BrokenPipeError


class Stream:
    """Standard output or standard error.

    Attributes:
        is_stderr: which of the two it is.
    """

    def __init__(self, is_stderr: bool) -> None:
        self.is_stderr = is_stderr

    @property
    def console(self) -> Console:
        """Prints to it: with colors always, never, or (auto) as NO_COLOR, FORCE_COLOR, or else the terminal decide."""
        meta = click.get_current_context().meta
        choice = meta.get(COLOR_CHOICE)
        key = f"{__name__}.{'stderr' if self.is_stderr else 'stdout'}.{choice}"
        if key not in meta:
            is_forced = choice == "always"
            meta[key] = _Console(
                soft_wrap=True,
                highlight=False,
                markup=False,
                emoji=False,  # a name such as `a:x:b` is printed as it is
                stderr=self.is_stderr,
                color_system="standard" if is_forced else None if choice == "never" else "auto",
                force_terminal=True if is_forced else None,
                no_color=False if is_forced else None,
            )
        console: Console = meta[key]
        return console

    def print(self, item: Any = "", style: str | None = None) -> None:
        self.console.print(item, style=style)

    def write(self, item: Text | str) -> None:
        """Print without a line break. Plain text skips `rich`, which is slow."""
        if isinstance(item, Text) and self.console.color_system is not None and not self.console.no_color:
            self.console.print(item, end="")
            return
        file = sys.stderr if self.is_stderr else sys.stdout
        file.write(item if isinstance(item, str) else item.plain)


OUT, ERR = Stream(is_stderr=False), Stream(is_stderr=True)


QUIET = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")


class Command(click.Command):
    """A command with `--color`.

    Args:
        example: a line for a shell, which `--help` shows at its end.
        groups: the headings that `--help` shows options under, by the long flag of the first one; one list if None.
    """

    def __init__(self, *args: Any, example: str, groups: Mapping[str, str] | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.epilog = f"\b\nExample:\n  {example}"
        self.groups = groups or {}
        COLOR(self)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in their groups."""
        heading, records = "Options", dict[str, list[tuple[str, str]]]()
        for option in self.get_params(ctx):
            heading = next(filter(None, map(self.groups.get, option.opts)), heading)
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)):
                records.setdefault(heading, []).append(record)
        for heading, listed in records.items():
            with formatter.section(heading):
                formatter.write_dl(listed)


def codec_of(context: click.Context | None) -> ModuleType:
    """The codec chosen by `--codec`, with the tokenizer chosen by `--tokenizer`."""
    return load_codec(*codec_choice(context))


def codec_choice(context: click.Context | None = None) -> tuple[Path | None, str | None]:
    """The path of the codec, and the name of the tokenizer."""
    meta = (context or click.get_current_context()).meta
    return meta.get(CODEC_PATH), meta.get(TOKENIZER_NAME)


def _set_codec(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is not None:
        context.meta[CODEC_PATH] = path
        load_codec(path)


def _set_tokenizer(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name is not None:
        context.meta[TOKENIZER_NAME] = name
        load_tokenizer(name)


class OfCodec(click.Choice[str]):
    """A choice among values that depend on the codec, such as its start rules."""

    def __init__(self, name: str, values: Callable[[ModuleType], Sequence[str]]) -> None:
        super().__init__(values(default_codec()))
        self.name, self.values = name, values

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value; reports a usage error for any other."""
        return click.Choice(self.values(codec_of(ctx))).convert(value, param, ctx)


def complete_rule(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes and names of rules that begin with what was typed."""
    try:
        found = codes(codec_of(context))
    except CodecError:
        return []
    items = [CompletionItem(code.code, help=code.name) for code in found]
    items += [CompletionItem(code.name, help=code.code) for code in found]
    return [item for item in items if item.value.lower().startswith(incomplete.lower())]


def complete_selectors(context: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for the last of several selectors with commas between them."""
    before, comma, last = incomplete.rpartition(",")
    items = complete_rule(context, option, last)
    if last and ALL.startswith(last.upper()):
        items.append(CompletionItem(ALL, help="all rules"))
    return [CompletionItem(before + comma + item.value, help=item.help) for item in items]


def starts_of(codec: ModuleType) -> Sequence[str]:
    """The start rules of a codec, the default first."""
    return get_args(codec.Start)


def styles_of(codec: ModuleType) -> Sequence[str]:
    """The styles of headers of a codec, the default first."""
    return [*({codec.FORMAT.default_style: None} | codec.FORMAT.styles), codec.FORMAT.as_parsed]


def trainable_of(codec: ModuleType) -> Sequence[str]:
    """What can be trained on, the default first; empty if a codec does not tell what a model writes."""
    names: Sequence[str] = codec.FORMAT.trainable
    return names


CODEC = click.option(
    "--codec",
    type=click.Path(path_type=Path, exists=True),
    is_eager=True,
    expose_value=False,
    callback=_set_codec,
    help="Codec to use: a generated module or a grammar folder.  [default: Harmony]",
)


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A decorator that adds the options that several commands share, in this order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


uses_codec = with_options(
    CODEC,
    click.option(
        "--tokenizer",
        metavar="MODULE:NAME",
        is_eager=True,
        expose_value=False,
        callback=_set_tokenizer,
        help="Tokenizer to use: a Python object with encode and decode_bytes.  [default: that of the codec]",
    ),
)


def codec_option(flag: str, values: Callable[[ModuleType], Sequence[str]], help: str) -> Callable[[Any], Any]:
    """An option whose values depend on the codec; the first one is the default."""
    return click.option(
        flag,
        type=OfCodec(flag.removeprefix("--"), values),
        callback=lambda context, _, value: value or values(codec_of(context))[0],
        help=f"{help}  [default: {values(default_codec())[0]}]",
    )


ANY_FILE = click.Path(readable=False)
"""A name that shells complete. Commands refuse files that cannot be read, each with its own words."""

FILE_PATH = click.Path(path_type=Path, dir_okay=False)
FOLDER_PATH = click.Path(path_type=Path, file_okay=False)

TOOLS_OPTION = click.option(
    "--tools",
    type=FILE_PATH,
    help="JSON file of tools that are available in addition to those that the input declares.",
)
MAX_ROW = click.option(
    "--max-row-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Maximum size of a row, or of a file that is one input.  [default: {MAX_ROW_BYTES}]",
)
STRIPPED = click.option(
    "--stripped", is_flag=True, help="Read text without special tokens as if they had been stripped."
)


runs_in_processes = with_options(
    click.option(
        "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of processes.  [default: cores]"
    ),
    click.option(
        "--runner",
        type=click.Choice(get_args(Runner)),
        default="local",
        show_default=True,
        help="Processes of this machine, or Daft, which also runs on clusters and reads object stores.",
    ),
    click.option("--address", metavar="ADDRESS", help="Address of a Ray cluster, for --runner daft."),
)


def prepare_runner(runner: Runner, address: str | None, jobs: int | None) -> None:
    """Raise a usage error if an option belongs to the other runner; silence the log of Daft."""
    if runner == "local" and address is not None:
        raise click.UsageError("--address requires --runner daft")
    if runner == "daft" and jobs is not None:
        raise click.UsageError("--jobs cannot be combined with --runner daft, which uses all workers")
    if runner == "daft":
        # The errors of a run have the reason. The log of a missing key of S3 has a page of each request.
        logging.getLogger().addHandler(logging.NullHandler())


def require_name(fits: Callable[[Any], bool], reason: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that refuses the names that do not fit."""

    def checked(_: click.Context, __: click.Parameter, name: Any) -> Any:
        if name is not None and not fits(name):
            raise click.BadParameter(reason)
        return name

    return checked


def standard_output(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """A callback that reads `-` as standard output, which is written if no file is named."""
    return None if path == Path(STDIN) else path


_IS_STDOUT = "this cannot be standard output; pass a name"
require_folder = require_name(lambda path: path != Path(STDIN), _IS_STDOUT)
require_file = require_name(lambda path: path not in (Path(), Path(STDIN)), f"the name is empty, or {_IS_STDOUT}")
"""Callbacks for what is written under a name."""


def output_option(
    help: str, callback: Callable[..., Any] = standard_output, type: click.Path = FILE_PATH, **attributes: Any
) -> Callable[[Any], Any]:
    """A file to write, or a folder; by default, standard output may be named."""
    return click.option("-o", "--output", type=type, callback=callback, help=help, **attributes)


_check_column = require_name(bool, "the name is empty; pass the name of a column, or leave the option out")

reads_rows = with_options(
    uses_codec,
    click.option("--start", type=OfCodec("start", starts_of), help="Type of the inputs.  [default: transcript]"),
    click.option("--input-format", "kind", type=click.Choice(get_args(FileKind)), help="Format of the files."),
    click.option("--column", metavar="NAME", callback=_check_column, help="Column that holds the inputs."),
    click.option(
        "--id-column",
        metavar="NAME",
        callback=_check_column,
        help=f"Column that identifies rows in reports.  [default: {ID_COLUMN}]",
    ),
    TOOLS_OPTION,
    STRIPPED,
    MAX_ROW,
)
"""The options of commands that read files of rows."""


def piped(*commands: str) -> str:
    """A pipe that begins with the example of the grammar."""
    return " | ".join((f"printf '%s' '{default_codec().EXAMPLE}'", *commands))


def row_options(max_row_bytes: int | None = None, **others: Any) -> Options:
    """How rows are read with the chosen codec, without settings and rules."""
    text = codec_text(*codec_choice())
    return Options(frozenset(), codec_text=text, max_row_bytes=max_row_bytes or MAX_ROW_BYTES, **others)


def refuse_input(error: HarmonyError, name: str, source: Source = "", status: int = UNUSABLE) -> NoReturn:
    """Print an error with its place in an input, and exit."""
    ERR.write(format_error(name, source, error))
    sys.exit(status)


def refuse(message: str) -> NoReturn:
    """Print an error, if that is possible, and exit."""
    with suppress(OSError):
        ERR.print(printable_name(message), style="red")
        sys.stderr.flush()
    sys.exit(UNUSABLE)


def reason_of(error: Exception) -> str | None:
    """Why an input or output failed, in one line; None for any other error."""
    match error:
        case CodecError() | InputError() | SettingsError():
            return str(error)
        case OSError():
            return f"{error.filename or 'the output'}: {error.strerror or error}"
        case MemoryError():
            return "out of memory; try a smaller input, fewer --jobs, or --max-row-bytes"
        case UnicodeError():
            return f"a text cannot be decoded or encoded: {error}"
    return None


def require_one_reader(*names: object) -> None:
    """Raise a usage error if several names are standard input, which can be read only once."""
    if sum(str(name) == STDIN for name in names) > 1:
        raise click.UsageError(f"standard input ({STDIN}) can be read only once")


def count(number: int, what: str) -> str:
    """A number with its noun, in singular or plural."""
    return f"{number} {what}{'' if number == 1 else 's'}"
