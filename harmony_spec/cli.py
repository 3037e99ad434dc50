"""The command `harmony-spec`. Exit status: 0 valid, 1 findings, 2 usage or input error."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn, get_args

import click
from rich.console import Console

from . import codec, report, runtime
from .errors import ConversationError, HarmonyError
from .inputs import Input, InputError, read_inputs, read_text
from .tools import FORMS, tools_from_json, tools_from_text, tools_to_json, tools_to_text

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


def example(*commands: str) -> str:
    """The epilog of a command: a pipe that begins with the example of the grammar."""
    pipe = " | ".join((f"printf '%s' '{codec.EXAMPLE}'", *commands))
    return f"\b\nExample:\n  {pipe}"


TOOLS_EXAMPLE = """\b
Example:
  printf '%s' '{"name": "f", "description": "Does it."}' | harmony-spec tools - | harmony-spec tools --as chat -"""


def _refuse(message: str) -> NoReturn:
    ERR.print(message, style="red")
    sys.exit(UNUSABLE)


def _inputs(names: tuple[str, ...], counts: dict[str, int]) -> Iterator[Input]:
    """The inputs of all files; a file that cannot be read is reported and counted."""
    for name in names:
        try:
            for item in read_inputs(name):
                if isinstance(item, InputError):
                    _unreadable(item, counts)
                else:
                    counts["inputs"] += 1
                    yield item
        except InputError as error:
            _unreadable(error, counts)


def _unreadable(error: InputError, counts: dict[str, int]) -> None:
    counts["unreadable"] += 1
    ERR.print(str(error), style="red")


def _parse(item: Input, start: codec.Start) -> runtime.Parsed[codec.Message]:
    """Parse an input. A line break at the end of a text file is the editor's where the grammar has no place for it."""
    try:
        return codec.parse(item.source, start)
    except HarmonyError:
        if not isinstance(item.source, str) or not item.source.endswith("\n"):
            raise
        return codec.parse(item.source.removesuffix("\n").removesuffix("\r"), start)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("harmony-spec"), prog_name="harmony-spec")
def main() -> None:
    """Validate, read and write messages by their grammar, and generate codecs from grammars."""


@main.command(epilog=example("harmony-spec validate -"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@START
def validate(files: tuple[str, ...], start: codec.Start) -> None:
    """Check texts and token lists against the grammar.

    A FILE holds a text with special tokens spelled out, a JSON array of token ids, or such an array on each line; `-`
    is standard input. Exits with 1 if anything was found, with 2 if a file could not be read.
    """
    counts = {"inputs": 0, "messages": 0, "findings": 0, "unreadable": 0}
    for item in _inputs(files, counts):
        try:
            counts["messages"] += len(_parse(item, start).messages)
        except HarmonyError as error:
            counts["findings"] += 1
            OUT.print(report.finding(item, error))
    OUT.print(_summary(**counts), style="red" if counts["findings"] or counts["unreadable"] else "green")
    sys.exit(UNUSABLE if counts["unreadable"] else FINDINGS if counts["findings"] else 0)


def _summary(inputs: int, messages: int, findings: int, unreadable: int) -> str:
    said = f"{_count(inputs, 'input')}, {inputs - findings} valid, {_count(messages, 'message')}"
    said += f", {_count(findings, 'finding')}" if findings else ""
    return said + (f", {unreadable} not readable" if unreadable else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@main.command(epilog=example("harmony-spec parse -"))
@click.argument("file")
@START
def parse(file: str, start: codec.Start) -> None:
    """Read a text or token list and print its messages as JSON.

    For a FILE with an array on each line, one JSON value a line.
    """
    counts = {"inputs": 0, "unreadable": 0}
    failed = 0
    for item in _inputs((file,), counts):
        try:
            parsed = _parse(item, start)
        except HarmonyError as error:
            failed += 1
            ERR.print(report.finding(item, error))
            continue
        value = codec.to_json(parsed.messages)
        if parsed.opening is not None:
            value["opening"] = {name: field for name, field in parsed.opening.items() if field is not None}
        click.echo(json.dumps(value, ensure_ascii=False, indent=2 if item.row is None else None))
    sys.exit(UNUSABLE if counts["unreadable"] else FINDINGS if failed else 0)


@main.command(epilog=example("harmony-spec parse -", "harmony-spec render -"))
@click.argument("file")
@START
@click.option(
    "--style", type=click.Choice(get_args(codec.Style)[:-1]), default=codec.FORMAT.default_style, show_default=True
)
@click.option("--tokens", is_flag=True, help="Print a JSON array of token ids instead of text.")
@click.option("--training", is_flag=True, help="End the last message as a target for training.")
def render(file: str, start: codec.Start, style: codec.Style, tokens: bool, training: bool) -> None:
    """Write a conversation in its JSON form as text or token ids."""
    item = Input(file, None, "")
    try:
        value = json.loads(read_text(file))
        messages = codec.from_json(value)
        opening = value.get("opening", {})
        if tokens:
            click.echo(json.dumps(codec.render(messages, start, style=style, training=training, **opening)))
        else:
            text = codec.render_text(messages, start, style=style, training=training, **opening)
            click.echo(text, nl=sys.stdout.isatty())
    except json.JSONDecodeError as error:
        _refuse(f"{file}:{error.lineno}:{error.colno}: not JSON: {error.msg}")
    except RecursionError:
        _refuse(f"{file}: the JSON is nested too deeply")
    except InputError as error:
        _refuse(str(error))
    except ConversationError as error:
        ERR.print(report.finding(item, error))
        sys.exit(UNUSABLE)
    except HarmonyError as error:
        ERR.print(report.finding(item, error))
        sys.exit(FINDINGS)


@main.command("tools", epilog=TOOLS_EXAMPLE)
@click.argument("file")
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    show_default=True,
    help="The form of JSON that a text is turned into.",
)
def convert_tools(file: str, form: str) -> None:
    """Turn tool definitions into the text of their namespaces, and back.

    A FILE that holds JSON is taken as definitions: function tools as in OpenAI's chat completions or responses, or
    namespaces with a name and tools. Any other text is taken as the namespaces of a message; `-` is standard input.
    """
    try:
        text = read_text(file)
        if text.lstrip()[:1] in ("[", "{"):
            click.echo(tools_to_text(tools_from_json(json.loads(text))))
        else:
            click.echo(json.dumps(tools_to_json(tools_from_text(text), form), ensure_ascii=False, indent=2))
    except json.JSONDecodeError as error:
        _refuse(f"{file}:{error.lineno}:{error.colno}: not JSON: {error.msg}")
    except RecursionError:
        _refuse(f"{file}: the JSON is nested too deeply")
    except InputError as error:
        _refuse(str(error))
    except ValueError as error:
        _refuse(f"{file}: not usable: {error}")
    except HarmonyError as error:
        ERR.print(report.finding(Input(file, None, text), error))
        sys.exit(FINDINGS)


@main.command(
    epilog="\b\nExample:\n  harmony-spec grammar my-grammar && harmony-spec generate my-grammar -o my_codec.py"
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The module; without, standard output."
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the module is not what the grammar generates.")
def generate(folder: Path, output: Path | None, check: bool) -> None:
    """Generate a codec from the grammar in FOLDER."""
    from .codegen import GrammarError
    from .codegen import generate as generated
    from .codegen.update import compare, update

    if not folder.is_dir():
        _refuse(f"{folder}: no such folder")
    try:
        text = generated(folder)
    except GrammarError as error:
        for problem in error.problems:
            ERR.print(f"{folder / str(problem)}")
        ERR.print(f"{_count(len(error.problems), 'problem')}; nothing was generated", style="red")
        sys.exit(FINDINGS)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        status = compare(output, text) if check else update(output, text)
    except OSError as error:
        _refuse(f"{output}: {error.strerror or error}")
    if check and status != "same":
        ERR.print(
            f"{output} is not what {folder} generates; run: harmony-spec generate {folder} -o {output}", style="red"
        )
        sys.exit(FINDINGS)
    OUT.print(f"{status} {output}")


@main.command(epilog="\b\nExample:\n  harmony-spec grammar another-grammar && ls another-grammar")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def grammar(folder: Path) -> None:
    """Copy the grammar of this package to FOLDER, to change it there."""
    from .codegen import GRAMMAR

    if folder.exists() and any(folder.iterdir()):
        _refuse(f"{folder}: there are files in it; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(GRAMMAR.iterdir()):
        if path.suffix in (".lark", ".toml", ".json"):
            shutil.copyfile(path, folder / path.name)
            OUT.print(f"created {folder / path.name}")
