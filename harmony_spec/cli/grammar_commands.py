"""The commands `harmony-spec grammar` and `harmony-spec generate`: a grammar to edit, and its codec."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from ..codec_loading import generated, place_in
from ..view.terminal_text import printable_name
from .console import ERR, FINDINGS, FOLDER_PATH, OUT, QUIET, Command, count, output_option, refuse, require_folder

Made = TypeVar("Made")

GRAMMAR_SUFFIXES = (".lark", ".toml", ".json")
"""The suffixes of the files that the generator reads."""


def _made(folder: Path, make: Callable[[Path], Made]) -> Made:
    """What the generator makes of a grammar folder; exits with all its problems."""
    from ..codegen import GrammarError

    if not folder.is_dir():
        refuse(f"{folder}: no such folder")
    try:
        return make(folder)
    except GrammarError as error:
        for problem in error.problems:
            place = printable_name(place_in(folder, problem.place))
            ERR.print(f"{place}: {problem.reason}\n    {problem.remedy}")
        ERR.print(f"{count(len(error.problems), 'problem')}; nothing was generated", style="red")
        sys.exit(FINDINGS)


@click.command(
    cls=Command,
    example="harmony-spec grammar my-grammar && harmony-spec generate my-grammar -o my_codec.py",
)
@click.argument("folder", type=FOLDER_PATH)
@output_option("Module to write.  [default: standard output]")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the module is not up to date.")
@QUIET
def generate(folder: Path, output: Path | None, check: bool, quiet: bool) -> None:
    """Generate a codec from the grammar in FOLDER."""
    from ..codegen.update import compare, update

    if check and output is None:
        raise click.UsageError("--check compares a module with the grammar; pass the module as --output")
    if output is not None and output.exists() and not output.is_file():
        refuse(f"{output}: not a regular file; it cannot be replaced")
    if (
        output is not None
        and output.resolve().parent == folder.resolve()
        and output.resolve().suffix in GRAMMAR_SUFFIXES
    ):
        refuse(f"{output}: a file of the grammar; pass a name that ends in .py")
    text = _made(folder, generated)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        status = compare(output, text) if check else update(output.resolve(), text)
    except OSError as error:
        refuse(f"{output}: {error.strerror or error}")
    if check and status != "same":
        ERR.print(
            f"{output} is not up to date with {folder}; run: harmony-spec generate {folder} -o {output}", style="red"
        )
        sys.exit(FINDINGS)
    if not quiet:
        OUT.print(f"{status} {output}")


@click.command(cls=Command, example="harmony-spec grammar another-grammar && ls another-grammar")
@click.argument("folder", type=FOLDER_PATH, callback=require_folder)
@QUIET
def grammar(folder: Path, quiet: bool) -> None:
    """Copy the grammar of this package to a new FOLDER."""
    from ..codegen import GRAMMAR
    from ..codegen.update import update

    if folder.exists() and any(folder.iterdir()):
        refuse(f"{folder}: the folder is not empty; pass a new one")
    folder.mkdir(parents=True, exist_ok=True)
    copies = {folder / path.name: path for path in sorted(GRAMMAR.iterdir()) if path.suffix in GRAMMAR_SUFFIXES}
    try:
        for made, path in copies.items():
            update(made, path.read_text(encoding="utf-8"))
    except OSError as error:
        for made in copies:
            made.unlink(missing_ok=True)
        refuse(f"{folder}: {error.strerror or error}")
    if not quiet:
        for made in copies:
            OUT.print(f"created {made}")


@click.command(
    cls=Command,
    example="harmony-spec grammar my-grammar && harmony-spec diagrams my-grammar -o pictures",
)
@click.argument("folder", type=FOLDER_PATH)
@output_option("Folder to write; created if it is missing.", require_folder, type=FOLDER_PATH, required=True)
@QUIET
def diagrams(folder: Path, output: Path, quiet: bool) -> None:
    """Draw the rules of the grammar in FOLDER as SVG.

    The output has a picture of each rule, one of the special tokens of messages, and a page with all of them, index.md.
    Needs the extra `docs`.
    """
    from ..codegen import draw
    from ..codegen.update import update

    try:
        pictures = _made(folder, draw)
    except ModuleNotFoundError as error:
        if error.name != "railroad":
            raise
        refuse("diagrams need railroad-diagrams; in a clone of harmony-spec, run: python -m pip install '.[docs]'")
    output.mkdir(parents=True, exist_ok=True)
    for name, text in pictures.items():
        status = update(output / name, text)
        if not quiet:
            OUT.print(f"{status} {output / name}")
