"""The command `harmony-spec decode`: token ids as text."""

from __future__ import annotations

import sys

import click

from ..errors import HarmonyError
from .console import ANY_FILE, MAX_ROW, Command, codec_of, piped, refuse, uses_codec
from .parse_command import read_input

PIPE = ("harmony-spec parse -", "harmony-spec render --tokens -", "harmony-spec decode -")


@click.command(cls=Command, example=piped(*PIPE))
@click.argument("file", type=ANY_FILE)
@uses_codec
@MAX_ROW
def decode(file: str, max_row_bytes: int | None) -> None:
    """Write token ids as text, special tokens spelled out.

    FILE holds a JSON array of token ids. Unknown ids become `<id>`, and bytes that are not UTF-8 become U+FFFD.
    """
    source, _ = read_input("decode", file, None, max_row_bytes)
    if isinstance(source, str):
        refuse(f"{file}: the file is text; decode expects a JSON array of token ids")
    try:
        text = codec_of(None).decode(source)
    except HarmonyError as error:  # the format has no vocabulary of its own
        refuse(str(error))
    click.echo(text, nl=sys.stdout.isatty())
