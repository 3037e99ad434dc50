"""The command `harmony-spec render`: a conversation in its JSON form, as text or token ids."""

from __future__ import annotations

import json
import sys

import click

from ..codec_loading import default_codec
from ..errors import ConversationError, HarmonyError
from ..format.tables import require
from ..json_form import opening_from_json
from ..linting.opening import InputError
from ..linting.outputs import format_error
from ..linting.rows import json_of, read_text
from .console import (
    CODEC,
    ERR,
    FINDINGS,
    UNUSABLE,
    Command,
    OfCodec,
    codec_of,
    complete_file,
    example,
    refuse,
    starts_of,
)


@click.command(cls=Command, epilog=example("harmony-spec parse -", "harmony-spec render -"))
@click.argument("file", shell_complete=complete_file)
@click.option(
    "--start",
    type=OfCodec("start", starts_of),
    callback=lambda context, _, value: value or starts_of(codec_of(context))[0],
    help=f"Type of text to write.  [default: {starts_of(default_codec())[0]}]",
)
@CODEC
@click.option(
    "--style",
    type=OfCodec("style", lambda codec: [*codec.FORMAT.styles, codec.FORMAT.as_parsed]),
    callback=lambda context, _, value: value or codec_of(context).FORMAT.default_style,
    help=f"Style of headers.  [default: {default_codec().FORMAT.default_style}]",
)
@click.option("--tokens", is_flag=True, help="Print a JSON array of token ids instead of text.")
@click.option("--training", is_flag=True, help="End the last message with the token that training targets have.")
def render(file: str, start: str, style: str, tokens: bool, training: bool) -> None:
    """Write a conversation in its JSON form as text or token ids."""
    codec = codec_of(None)
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
    except HarmonyError as error:
        ERR.write(format_error(file, "", error))
        sys.exit(UNUSABLE if isinstance(error, ConversationError) else FINDINGS)
