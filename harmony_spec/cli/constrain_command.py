"""The command `harmony-spec constrain`: what a model may write, as a grammar for an engine; or a grammar's mistakes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from ..constraints.completions import PROFILES
from ..constraints.constraint import Constraint, constrain
from ..constraints.engines import engine_for, kind_of, own_grammar
from ..constraints.scoring import Score, score
from ..errors import HarmonyError
from ..linting.rows import json_of, read_text
from ..linting.settings import definitions
from ..source.saved_text import retry_without_final_newline
from ..tools.openai_tools import TOOLS
from .console import ANY_FILE, CODEC, ERR, FINDINGS, Command, codec_of, refuse, refuse_input, require_one_reader
from .parse_command import read_input

RESPONSE_TEMPLATE = "response-template"

TARGETS: dict[str, Callable[[Constraint], str]] = {
    "lark": Constraint.lark,
    "portable-lark": lambda made: made.lark(portable=True),
    "xgrammar-ebnf": Constraint.xgrammar_ebnf,
    "structural-tag": lambda made: json.dumps(made.structural_tag()),
    "gbnf": Constraint.gbnf,
    RESPONSE_TEMPLATE: lambda made: json.dumps(made.response_template(), indent=2),
}
"""The targets by name, the default first."""

OWN_MODEL = "harmony"
"""The name of the format in the registries of engines."""

MAX_SHOWN_MISTAKES = 5
"""Refused and accepted completions that are printed, the smallest ones."""


@click.command("constrain", cls=Command, example="harmony-spec constrain --target lark --builtin python")
@click.option("--target", type=click.Choice([*TARGETS]), default="lark", show_default=True, help="Grammar to print.")
@click.option("--score", "scored", metavar="FILE", help="Print mistakes of another grammar: FILE, or an engine's own.")
@click.option("--prompt", metavar="FILE", help="Prompt that declares tools, channels and formats of answers.")
@click.option("--tools", metavar="FILE", type=ANY_FILE, help="JSON file with tool definitions.")
@click.option("--builtin", "builtins", metavar="NAME", multiple=True, help="Built-in tool, such as python.")
@click.option("--tool-choice", metavar="CHOICE", help="auto, none, required, or JSON as in a request.")
@click.option("--response-format", metavar="FILE", help="JSON file with the response format of a request.")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default=PROFILES[0],
    show_default=True,
    help="Admit all accepted spellings, or only the rendered one.",
)
@click.option("--stop", "stops", metavar="ID", type=int, multiple=True, help="Token id at which the engine stops.")
@click.option("--after", metavar="TEXT", default="", help="Text already written after the open header.")
@click.option("--strict", is_flag=True, help="Fail if the target cannot enforce everything.")
@CODEC
def constrain_model(
    target: str,
    scored: str | None,
    prompt: str | None,
    tools: str | None,
    tool_choice: str | None,
    response_format: str | None,
    stops: tuple[int, ...],
    strict: bool,
    **how: Any,
) -> None:
    """Print a grammar of what a model may write.

    Engines use it to mask tokens. What the target cannot enforce is reported on standard error. `--score FILE` compares
    another grammar with this one: Lark, EBNF of xgrammar, GBNF of llama.cpp, a structural tag, or, if FILE is the name
    of an engine, its own grammar. The exit status is then 1 if it refuses valid completions or accepts invalid ones.
    `-` is standard input.
    """
    codec = codec_of(None)
    require_one_reader(scored, prompt, tools, response_format)
    defined = None if tools is None else json.loads(definitions(Path(tools), codec))
    try:
        listed = defined.get(TOOLS, [defined]) if isinstance(defined, dict) else defined
        choice = _choice(tool_choice)
        made = constrain(
            _messages(codec, prompt),
            tools=listed,
            tool_choice=choice,
            response_format=_json(response_format),
            stops=stops,
            on_unenforced="error" if strict else "report",
            codec=codec,
            **how,
        )
        if scored is None:
            _print(made, target)
            return
        is_file = scored == "-" or Path(scored).exists()
        text = read_text(scored) if is_file else own_grammar(scored, made, OWN_MODEL)
        found = score(made, engine_for(made.format, text, kind_of(scored, text), stops))
    except (HarmonyError, TypeError, ValueError) as error:
        place = getattr(error, "pointer", "") or f"/{error}"  # a `TypeError` begins with the name of the argument
        refuse(f"{response_format}: {error}" if place.startswith("/response_format") else str(error))
    _print_score(found)
    sys.exit(FINDINGS if found.refused or found.accepted else 0)


def _messages(codec: ModuleType, file: str | None) -> list[Any] | None:
    """The messages of a prompt: text, perhaps with a line break at its end, or token ids."""
    if file is None:
        return None
    source, _ = read_input("constrain", file)
    try:
        messages: list[Any] = retry_without_final_newline(source, lambda each: codec.parse(each, "prompt").messages)
    except HarmonyError as error:
        refuse_input(error, file, source)
    return messages


def _choice(text: str | None) -> Any:
    """The `tool_choice` of a request: a word, or an object as JSON."""
    if text is None or not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--tool-choice") from None


def _json(file: str | None) -> Any:
    return None if file is None else json_of(file, read_text(file))


def _print(made: Constraint, target: str) -> None:
    click.echo(TARGETS[target](made).rstrip("\n"))
    if target != RESPONSE_TEMPLATE:
        for line in made.report.lines(target):
            ERR.print(line)


def _print_score(found: Score) -> None:
    for words, completions, total in (
        ("valid completions are refused", found.refused, found.valid),
        ("invalid completions are accepted", found.accepted, found.invalid),
    ):
        click.echo(f"{len(completions)} of {total} {words}")
        for completion in completions[:MAX_SHOWN_MISTAKES]:
            click.echo(f"  {json.dumps(completion, ensure_ascii=False)}")
