"""The command `harmony-spec tools`: tool definitions as JSON and as the text of a message."""

from __future__ import annotations

import json

import click

from ..errors import HarmonyError
from ..linting.rows import json_of, read_text
from ..tools.openai_tools import FORMS, tools_from_json, tools_from_text, tools_to_json, tools_to_text
from .console import ANY_FILE, CODEC, FINDINGS, Command, codec_of, refuse, refuse_input

TOOLS_EXAMPLE = """\
printf '%s' '{"name": "f", "description": "Does it."}' | harmony-spec tools - | harmony-spec tools --as chat -"""


@click.command("tools", cls=Command, example=TOOLS_EXAMPLE)
@click.argument("file", type=ANY_FILE)
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    help=f"JSON form to convert to.  [default: {FORMS[0]} for a text, the text for JSON]",
)
@CODEC
def convert_tools(file: str, form: str | None) -> None:
    """Convert tool definitions to the text of namespaces, and back.

    If FILE holds JSON, it is read as definitions: function tools of OpenAI's chat completions or responses, or
    namespaces with a name and tools. Any other text is read as the namespaces of a message. `--as` converts both to
    JSON. `-` is standard input.
    """
    codec = codec_of(None)
    try:
        text = read_text(file)
        is_json = text.lstrip()[:1] in ("[", "{")
        found = tools_from_json(json_of(file, text), codec=codec) if is_json else tools_from_text(text, codec=codec)
        if is_json and form is None:
            click.echo(tools_to_text(found, codec=codec))
        else:
            click.echo(json.dumps(tools_to_json(found, form or FORMS[0], codec=codec), ensure_ascii=False, indent=2))
    except RecursionError:
        refuse(f"{file}: nested too deeply")
    except ValueError as error:
        refuse(f"{file}: invalid tool definitions: {error}")
    except HarmonyError as error:
        refuse_input(error, file, text, status=FINDINGS)
