"""The command `harmony-spec render`: a conversation in its JSON form, as text or token ids."""

from __future__ import annotations

import json
import sys

import click

from ..errors import ConversationError, HarmonyError
from ..format.tables import require
from ..json_form import opening_from_json
from ..linting.rows import json_of, read_text
from .console import (
    ANY_FILE,
    FINDINGS,
    UNUSABLE,
    Command,
    codec_of,
    codec_option,
    piped,
    refuse_input,
    starts_of,
    styles_of,
    uses_codec,
)


@click.command(cls=Command, example=piped("harmony-spec parse -", "harmony-spec render -"))
@click.argument("file", type=ANY_FILE)
@codec_option("--start", starts_of, "Type of text to write.")
@uses_codec
@codec_option("--style", styles_of, "Style of headers.")
@click.option("--tokens", is_flag=True, help="Print a JSON array of token ids instead of text.")
def render(file: str, start: str, style: str, tokens: bool) -> None:
    """Write a conversation in its JSON form as text or token ids."""
    codec = codec_of(None)
    require(codec, "from_json")
    try:
        value = json_of(file, read_text(file))
        messages = codec.from_json(value)
        opening = opening_from_json(codec.FORMAT, value)
        if tokens:
            click.echo(json.dumps(codec.render(messages, start, style=style, **opening)))
        else:
            text = codec.render_text(messages, start, style=style, **opening)
            click.echo(text, nl=sys.stdout.isatty())
    except HarmonyError as error:
        refuse_input(error, file, status=UNUSABLE if isinstance(error, ConversationError) else FINDINGS)
