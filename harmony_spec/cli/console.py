"""What the commands share: where they print, how they exit, and the options that several have."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, get_args

import click
from rich.console import Console

from ..codec_loading import default_codec, load_codec
from ..errors import HarmonyError
from ..linting.batches import MAX_ROW_BYTES
from ..linting.input_files import STDIN, InputError, json_of, read_text
from ..linting.terminal_text import named
from ..tools.openai_tools import tools_from_json

OUT = Console(soft_wrap=True, highlight=False, markup=False)
ERR = Console(soft_wrap=True, highlight=False, markup=False, stderr=True)

FINDINGS, UNUSABLE = 1, 2

CODEC_PATH = f"{__name__}.codec"
"""Where a command keeps the path of its codec."""


def codec_of(context: click.Context | None) -> ModuleType:
    """The codec that a command works with."""
    return load_codec((context or click.get_current_context()).meta.get(CODEC_PATH))


def _set_codec(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is not None:
        context.meta[CODEC_PATH] = path
        load_codec(path)


class OfCodec(click.Choice[str]):
    """The values of a type of the codec that a command works with, such as its start rules."""

    def __init__(self, name: str, values: Callable[[ModuleType], Sequence[str]]) -> None:
        super().__init__(values(default_codec()))
        self.name, self.values = name, values

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it is one of them."""
        return click.Choice(self.values(codec_of(ctx))).convert(value, param, ctx)


def starts_of(codec: ModuleType) -> Sequence[str]:
    """The start rules of a codec, the default first."""
    return get_args(codec.Start)


CODEC = click.option(
    "--codec",
    type=click.Path(path_type=Path, exists=True),
    is_eager=True,
    expose_value=False,
    callback=_set_codec,
    help="Generated module, or grammar folder, of the format.  [default: Harmony]",
)

START = click.option(
    "--start",
    type=OfCodec("start", starts_of),
    callback=lambda context, _, value: value or starts_of(codec_of(context))[0],
    help=f"What the input is.  [default: {starts_of(default_codec())[0]}]",
)


TOOLS = click.option(
    "--tools",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file with the tools that were offered, besides those that the input declares.",
)
MAX_ROW = click.option(
    "--max-row-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Bytes that a row, or a file that is one input, may have.  [default: {MAX_ROW_BYTES}]",
)
STRIPPED = click.option(
    "--stripped", is_flag=True, help="Take text without special tokens as if they had been stripped."
)


def read_tools(path: Path | None, codec: ModuleType) -> list[Any] | None:
    """The tools of a file of definitions; exits where it holds none."""
    if path is None:
        return None
    try:
        return list(tools_from_json(json_of(str(path), read_text(str(path))), codec=codec))
    except InputError as error:
        refuse(str(error))
    except (HarmonyError, RecursionError, ValueError) as error:
        refuse(f"{path}: no tool definitions: {error}")


def example(*commands: str) -> str:
    """The epilog of a command: a pipe that begins with the example of the grammar."""
    pipe = " | ".join((f"printf '%s' '{default_codec().EXAMPLE}'", *commands))
    return f"\b\nExample:\n  {pipe}"


def refuse(message: str) -> NoReturn:
    """Say why nothing can be done, and exit."""
    ERR.print(named(message), style="red")
    sys.exit(UNUSABLE)


def unwritable(error: OSError) -> NoReturn:
    """Say what could not be read or written, and exit."""
    refuse(f"{error.filename or 'the output'}: {error.strerror or error}")


def require_one_reader(*names: object) -> None:
    """Refuse names of which several are standard input, which can be read once."""
    if sum(str(name) == STDIN for name in names) > 1:
        raise click.UsageError(f"standard input ({STDIN}) can be read once")


def count(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"
