"""The command `harmony-spec diff`: where and why two token lists or texts part."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import click

from ..errors import HarmonyError
from ..format.tables import require
from ..linting.batches import FileKind, Options, read_content, row_value
from ..linting.divergence import KINDS, Difference, differences
from ..linting.row_reading import Progress, read
from ..source.saved_text import Source
from ..view.terminal_text import printable, printable_name
from .console import (
    ANY_FILE,
    COLUMN,
    FINDINGS,
    KIND,
    MAX_ROW,
    OUT,
    Command,
    codec_of,
    codec_option,
    piped,
    refuse_input,
    require_one_reader,
    row_options,
    starts_of,
    uses_codec,
)

MISSING_ROW = "missing-row"
"""The kind of difference of files with different numbers of rows."""


@click.command(cls=Command, example=piped("tee a.txt", "harmony-spec diff --json - a.txt"))
@click.argument("first", metavar="A", type=ANY_FILE)
@click.argument("second", metavar="B", type=ANY_FILE)
@codec_option("--start", starts_of, "Type of the inputs.")
@uses_codec
@KIND
@COLUMN
@MAX_ROW
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def diff(first: str, second: str, start: str, kind: FileKind | None, as_json: bool, **how: Any) -> None:
    """Show where and why two inputs differ, message by message.

    A and B are files that `validate` reads: texts, token ids, conversations. Rows are compared in their order. Messages
    may differ in the tokens of the same text, in the spelling of the header, in fields, contents and stop tokens. One
    input may lack a message; the reason is shown if it is known.

    Exits with 0 if the inputs are equal, 1 if they differ, 2 if one cannot be read.
    """
    require_one_reader(first, second)
    codec = codec_of(None)
    require(codec, "recover")
    options = row_options(start=start, **how)
    found: list[dict[str, Any]] = []
    has_rows = False
    rows = zip_longest(*(_sources(name, kind, options) for name in (first, second)))
    for number, (a, b) in enumerate(rows, 1):
        has_rows = has_rows or number > 1
        if a is None or b is None:
            found.append({"row": number, "kind": MISSING_ROW, "meaning": f"only in {second if a is None else first}"})
        else:
            found += [{"row": number, **_described(each)} for each in differences(codec, a, b, start)]
    if as_json:
        click.echo(json.dumps({"equal": not found, "differences": found}, ensure_ascii=False, indent=2))
    else:
        for each in found:
            OUT.write(f"{_line(each, has_rows)}\n")
    sys.exit(FINDINGS if found else 0)


def _sources(name: str, kind: FileKind | None, options: Options) -> Iterator[Source]:
    """The inputs in a file. Exits if one cannot be read."""
    place: tuple[FileKind, int | None] = ("text", None)
    try:
        for batch in read(name, True, kind, options, Progress()):
            for row in batch.rows:
                place = (batch.kind, row.number) if row.number else place
                yield read_content(batch.kind, row_value(batch.kind, row.item), batch.options).source
    except HarmonyError as error:
        refuse_input(error, name, "", *place)


def _described(each: Difference) -> dict[str, Any]:
    """A difference as JSON."""
    a, b = (place and place._asdict() for place in (each.a, each.b))
    return {**each._asdict(), "meaning": KINDS[each.kind], "a": a, "b": b}


def _line(each: dict[str, Any], has_rows: bool) -> str:
    """A difference on one line: the message and the place in each input, the kind, and the texts."""
    row = f"row {each['row']}: " if has_rows else ""
    if each["kind"] == MISSING_ROW:
        return printable_name(f"{row}{each['meaning']}")
    sides = [each["a"], each["b"]]
    numbers = [side and side["message"] for side in sides]
    message = f"message {_pair(numbers)}" if numbers != [None, None] else ""
    place = _pair([side and f"{side['unit']} {side['span'][0]}" for side in sides])
    where = ", ".join(filter(None, (message, each["part"], place)))
    meaning = " ".join(filter(None, (each["meaning"], each["detail"] and f"({each['detail']})")))
    return printable(f"{row}{where}: {meaning}: {_pair([side and repr(side['text']) for side in sides])}")


def _pair(values: list[Any]) -> str:
    """A value of each input; one, if they are equal."""
    shown = ["-" if value is None else str(value) for value in values]
    return shown[0] if shown[0] == shown[1] else " | ".join(shown)
