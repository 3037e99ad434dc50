"""What the commands share: where they print, how they exit, and the options that several have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn, get_args

import click
from rich.console import Console

from .. import codec
from ..errors import HarmonyError
from ..linting.batches import MAX_ROW_BYTES
from ..linting.input_files import STDIN, InputError, json_of, read_text
from ..linting.terminal_text import named
from ..tools.openai_tools import tools_from_json

OUT = Console(soft_wrap=True, highlight=False, markup=False)
ERR = Console(soft_wrap=True, highlight=False, markup=False, stderr=True)

FINDINGS, UNUSABLE = 1, 2

START = click.option(
    "--start",
    type=click.Choice(get_args(codec.Start)),
    default=get_args(codec.Start)[0],
    show_default=True,
    help="What the input is.",
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


def read_tools(path: Path | None) -> list[codec.Namespace] | None:
    """The tools of a file of definitions; exits where it holds none."""
    if path is None:
        return None
    try:
        return tools_from_json(json_of(str(path), read_text(str(path))))
    except InputError as error:
        refuse(str(error))
    except (HarmonyError, RecursionError, ValueError) as error:
        refuse(f"{path}: no tool definitions: {error}")


def example(*commands: str) -> str:
    """The epilog of a command: a pipe that begins with the example of the grammar."""
    pipe = " | ".join((f"printf '%s' '{codec.EXAMPLE}'", *commands))
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
