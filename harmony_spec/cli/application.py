"""The command `harmony-spec`. Exit status: 0 valid, 1 findings, 2 usage or input error."""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from ..codec_loading import CodecError, default_codec, require
from ..errors import ConversationError, HarmonyError
from ..json_form import opening_from_json
from ..linting import terminal_text as report
from ..linting.input_files import Input, InputError, json_of, read_text
from ..tools.openai_tools import FORMS, tools_from_json, tools_from_text, tools_to_json, tools_to_text
from .console import (
    CODEC,
    COLOR,
    ERR,
    FINDINGS,
    OUT,
    QUIET,
    START,
    UNUSABLE,
    Command,
    OfCodec,
    codec_of,
    complete_file,
    count,
    example,
    refuse,
    unwritable,
)
from .parse_command import parse
from .rules_commands import explain, list_rules
from .validate_command import validate

TOOLS_EXAMPLE = """\b
Example:
  printf '%s' '{"name": "f", "description": "Does it."}' | harmony-spec tools - | harmony-spec tools --as chat -"""


class _Commands(click.Group):
    """All commands. An input or output that fails ends each of them with one line."""

    command_class = Command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if sys.stderr is None:
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - needed until the process ends
        if sys.stdout is None:
            refuse("the output: standard output is closed")
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # file names may not be UTF-8, and terminals may lack characters
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # as of `| head`; click exits without a message
        except CodecError as error:
            refuse(str(error))
        except OSError as error:
            unwritable(error)
        except MemoryError:
            refuse("out of memory; try a smaller input, fewer --jobs, or --max-row-bytes")
        except UnicodeError as error:
            refuse(f"a text cannot be decoded or encoded: {error}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("harmony-spec"), prog_name="harmony-spec")
@COLOR
def main() -> None:
    """Validate, read and write messages by their grammar, and generate codecs from grammars."""


for command in (validate, parse, explain, list_rules):
    main.add_command(command)


@main.command(epilog=example("harmony-spec parse -", "harmony-spec render -"))
@click.argument("file", shell_complete=complete_file)
@START
@CODEC
@click.option(
    "--style",
    type=OfCodec("style", lambda codec: list(codec.FORMAT.styles)),
    callback=lambda context, _, value: value or codec_of(context).FORMAT.default_style,
    help=f"Style of headers.  [default: {default_codec().FORMAT.default_style}]",
)
@click.option("--tokens", is_flag=True, help="Print a JSON array of token ids instead of text.")
@click.option("--training", is_flag=True, help="End the last message as a target for training.")
def render(file: str, start: str, style: str, tokens: bool, training: bool) -> None:
    """Write a conversation in its JSON form as text or token ids."""
    item, codec = Input(file, ""), codec_of(None)
    require(codec, "from_json")
    try:
        value = json_of(file, read_text(file))
        messages = codec.from_json(value)
        opening = opening_from_json(codec.FORMAT, value)
        if tokens:
            click.echo(json.dumps(codec.render(messages, start, style=style, training=training, **opening)))
        else:
            text = codec.render_text(messages, start, style=style, training=training, **opening)
            click.echo(text, nl=sys.stdout.isatty())
    except InputError as error:
        refuse(str(error))
    except ConversationError as error:
        ERR.print(report.format_error(item, error))
        sys.exit(UNUSABLE)
    except HarmonyError as error:
        ERR.print(report.format_error(item, error))
        sys.exit(FINDINGS)


@main.command("tools", epilog=TOOLS_EXAMPLE)
@click.argument("file", shell_complete=complete_file)
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    show_default=True,
    help="JSON form to convert a text to.",
)
@CODEC
def convert_tools(file: str, form: str) -> None:
    """Convert tool definitions to the text of namespaces, and back.

    If FILE holds JSON, it is read as definitions: function tools of OpenAI's chat completions or responses, or
    namespaces with a name and tools. Any other text is read as the namespaces of a message. `-` is standard input.
    """
    codec = codec_of(None)
    try:
        text = read_text(file)
        if text.lstrip()[:1] in ("[", "{"):
            click.echo(tools_to_text(tools_from_json(json_of(file, text), codec=codec), codec=codec))
        else:
            found = tools_to_json(tools_from_text(text, codec=codec), form, codec=codec)
            click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    except InputError as error:
        refuse(str(error))
    except RecursionError:
        refuse(f"{file}: nested too deeply")
    except ValueError as error:
        refuse(f"{file}: invalid tool definitions: {error}")
    except HarmonyError as error:
        ERR.print(report.format_error(Input(file, text), error))
        sys.exit(FINDINGS)


@main.command(
    epilog="\b\nExample:\n  harmony-spec grammar my-grammar && harmony-spec generate my-grammar -o my_codec.py"
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Module to write, instead of standard output.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the module is not up to date.")
@QUIET
def generate(folder: Path, output: Path | None, check: bool, quiet: bool) -> None:
    """Generate a codec from the grammar in FOLDER."""
    from ..codegen import GrammarError
    from ..codegen import generate as generated
    from ..codegen.update import compare, update

    if check and output is None:
        raise click.UsageError("--check compares a module with the grammar; pass the module as --output")
    if not folder.is_dir():
        refuse(f"{folder}: no such folder")
    if output is not None and output.exists() and not output.is_file():
        refuse(f"{output}: not a regular file; it cannot be replaced")
    try:
        text = generated(folder)
    except GrammarError as error:
        for problem in error.problems:
            at = problem.place
            parent = folder.parent if at.file == folder.resolve().name else folder
            place = f"{report.printable_name(str(parent / at.file))}:{at.line}:{at.column}"
            ERR.print(f"{place}: {problem.reason}\n    {problem.remedy}")
        ERR.print(f"{count(len(error.problems), 'problem')}; nothing was generated", style="red")
        sys.exit(FINDINGS)
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


@main.command(epilog="\b\nExample:\n  harmony-spec grammar another-grammar && ls another-grammar")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@QUIET
def grammar(folder: Path, quiet: bool) -> None:
    """Copy the grammar of this package to a new FOLDER."""
    from ..codegen import GRAMMAR

    if folder.exists() and any(folder.iterdir()):
        refuse(f"{folder}: the folder is not empty; pass a new one")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(GRAMMAR.iterdir()):
        if path.suffix in (".lark", ".toml", ".json"):
            shutil.copyfile(path, folder / path.name)
            if not quiet:
                OUT.print(f"created {folder / path.name}")
