"""The command `harmony-spec parse`: the messages of one input, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from .. import runtime
from ..errors import HarmonyError
from ..format.tables import require
from ..json_form import OPENING_KEY
from ..linting.batches import FileKind, Row, read_content, row_value
from ..linting.checking import tools_of
from ..linting.findings import locate
from ..linting.results import describe
from ..linting.row_reading import read_one
from ..linting.rows import RowContent
from ..linting.settings import definitions
from ..source.saved_text import Source, retry_without_final_newline
from .console import (
    ANY_FILE,
    FINDINGS,
    MAX_ROW,
    STRIPPED,
    TOOLS_OPTION,
    Command,
    codec_of,
    codec_option,
    piped,
    refuse,
    refuse_input,
    require_one_reader,
    row_options,
    starts_of,
    uses_codec,
)

SINGLE_KIND = click.option("--input-format", "kind", type=click.Choice(("text", "json")), help="Format of each file.")

_HINT = "{command} reads one input"
KIND_HINTS: dict[FileKind, str] = {
    "json": f"a JSON object; {_HINT}: use validate for columns, render for messages",
    "jsonl": f"rows of JSON Lines; {_HINT}: write a row to a file of its own, or use validate for all rows",
    "parquet": f"Parquet; {_HINT}: write a row to a file of its own, or use validate for all rows",
}
"""Errors for files that are not one input."""


@click.command(cls=Command, example=piped("harmony-spec parse -"))
@click.argument("file", type=ANY_FILE)
@codec_option("--start", starts_of, "Type of the input.")
@uses_codec
@SINGLE_KIND
@click.option("--recover", "repair", is_flag=True, help="Accept malformed input, and print all repairs.")
@TOOLS_OPTION
@STRIPPED
@MAX_ROW
def parse(file: str, start: str, repair: bool, tools: Path | None, stripped: bool, **how: Any) -> None:
    """Read a text or token list and print its messages as JSON.

    FILE holds one input: a text, or token ids as a JSON array; in a file with the suffix .json, also a JSON string. It
    may be compressed (gzip, zstd). With --recover, the exit status is 1 if there are diagnostics.
    """
    require_one_reader(tools, file)
    if not repair and (stripped or tools is not None):
        raise click.UsageError(f"{'--stripped' if stripped else '--tools'} requires --recover")
    codec = codec_of(None)
    for name in ("to_json", *["recover"] * repair):
        require(codec, name)
    offered = tools_of(tools and definitions(tools, codec), codec)
    source, kind_read = read_input("parse", file, **how)
    found: list[dict[str, Any]] = []
    parsed: runtime.Parsed[Any]
    if repair:
        parsed = recovered = retry_without_final_newline(
            source,
            lambda each: codec.recover(each, start, tools=offered, stripped=stripped),
            lambda each: not each.diagnostics,
        )
        places = locate(recovered.diagnostics, RowContent(source, codec), kind_read, None)
        found = [describe(finding) for finding in places]
    else:
        try:
            parsed = codec.parse(source, start)
        except HarmonyError as error:
            refuse_input(error, file, source, status=FINDINGS)
    value = codec.to_json(parsed.messages)
    if repair:
        value["diagnostics"] = found
    if parsed.opening is not None:
        value[OPENING_KEY] = {name: field for name, field in parsed.opening.items() if field is not None}
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
    sys.exit(FINDINGS if found else 0)


def read_input(
    command: str, name: str, kind: FileKind | None = None, max_row_bytes: int | None = None
) -> tuple[Source, FileKind]:
    """The only input of a file, and the format of the file. Exits if there is no input, or more than one."""
    row, options = Row(None, b""), row_options(max_row_bytes)
    try:
        kind, row = read_one(name, kind, options.max_row_bytes)
        if kind in ("jsonl", "parquet") or isinstance(value := row_value(kind, row.item), dict):
            refuse(f"{name}: {KIND_HINTS[kind].format(command=command)}")
        return read_content(kind, value, options).source, kind
    except HarmonyError as error:
        data = row.item if isinstance(row.item, bytes) else b""
        refuse_input(error, name, data.decode("utf-8-sig", "replace"))
