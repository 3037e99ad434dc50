"""The command `harmony-spec diff`: where and why two token lists or texts part."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from ..format.tables import require
from ..linting.divergence import KINDS, Difference, differences
from ..view.terminal_text import printable
from .console import (
    ANY_FILE,
    FINDINGS,
    MAX_ROW,
    OUT,
    Command,
    codec_of,
    codec_option,
    piped,
    require_one_reader,
    starts_of,
    uses_codec,
)
from .parse_command import SINGLE_KIND, read_input


@click.command(cls=Command, example=piped("tee a.txt", "harmony-spec diff --json - a.txt"))
@click.argument("first", metavar="A", type=ANY_FILE)
@click.argument("second", metavar="B", type=ANY_FILE)
@codec_option("--start", starts_of, "Type of the inputs.")
@uses_codec
@SINGLE_KIND
@MAX_ROW
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def diff(first: str, second: str, start: str, as_json: bool, **how: Any) -> None:
    """Show where and why two inputs differ, message by message.

    A and B hold one input each, as for `parse`: a text, or token ids as a JSON array. Messages may differ in the tokens
    of the same text, in the spelling of the header, in fields, contents and stop tokens. One input may lack a message;
    the reason is shown if it is known.

    Exits with 0 if the inputs are equal, 1 if they differ, 2 if one cannot be read.
    """
    require_one_reader(first, second)
    codec = codec_of(None)
    require(codec, "recover")
    a, b = (read_input("diff", name, **how)[0] for name in (first, second))
    found = [_described(each) for each in differences(codec, a, b, start)]
    if as_json:
        click.echo(json.dumps({"equal": not found, "differences": found}, ensure_ascii=False, indent=2))
    else:
        for each in found:
            OUT.write(f"{_line(each)}\n")
    sys.exit(FINDINGS if found else 0)


def _described(each: Difference) -> dict[str, Any]:
    """A difference as JSON."""
    a, b = (place and place._asdict() for place in (each.a, each.b))
    return {**each._asdict(), "meaning": KINDS[each.kind], "a": a, "b": b}


def _line(each: dict[str, Any]) -> str:
    """A difference on one line: the message and the place in each input, the kind, and the texts."""
    sides = [each["a"], each["b"]]
    numbers = [side and side["message"] for side in sides]
    message = f"message {_pair(numbers)}" if numbers != [None, None] else ""
    place = _pair([side and f"{side['unit']} {side['span'][0]}" for side in sides])
    where = ", ".join(filter(None, (message, each["part"], place)))
    meaning = " ".join(filter(None, (each["meaning"], each["detail"] and f"({each['detail']})")))
    return printable(f"{where}: {meaning}: {_pair([side and repr(side['text']) for side in sides])}")


def _pair(values: list[Any]) -> str:
    """A value of each input; one, if they are equal."""
    shown = ["-" if value is None else str(value) for value in values]
    return shown[0] if shown[0] == shown[1] else " | ".join(shown)
