"""The command `harmony-spec fix`: repaired inputs, and what was changed."""

from __future__ import annotations

import difflib
import json
import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from . import codec, report
from .console import ERR, FINDINGS, OUT, START, STRIPPED, TOOLS, UNUSABLE, count, example, inputs, read_tools
from .errors import HarmonyError
from .fixing import fixed, recover
from .inputs import STDIN, Input


@click.command(epilog=example("harmony-spec fix -"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@START
@click.option("--diff", is_flag=True, help="Print what would be changed, and change nothing.")
@TOOLS
@STRIPPED
def fix(files: tuple[str, ...], start: codec.Start, diff: bool, tools: Path | None, stripped: bool) -> None:
    """Write messages that left the grammar as the format writes them.

    Files are changed in place, standard input (`-`) is written to standard output; what was changed is told on standard
    error. Exits with 1 if with --diff there is something to change, or if something cannot be repaired.
    """
    offered = read_tools(tools)
    totals = {"inputs": 0, "unreadable": 0}
    found = left = 0
    for name in files:
        written: list[str] = []
        before, broken = found, totals["unreadable"]
        rows: list[Input] = list(inputs((name,), totals))
        for item in rows:
            recovered = recover(item, start, offered, stripped)
            ERR.print(*(report.repair(item, each) for each in recovered.diagnostics), sep="", end="")
            found += len(recovered.diagnostics)
            try:
                result = fixed(item, start, recovered)
            except HarmonyError as error:
                ERR.print(report.finding(item, error))
                left, result = left + 1, item.source
            again = recover(Input(name, item.row, result), start, offered, False)
            left += len(again.diagnostics)
            written.append(result if isinstance(result, str) else json.dumps(result) + "\n")
        if rows and broken == totals["unreadable"]:  # else rows would be lost
            _write(name, rows, "".join(written), diff, changed=found > before)
    unchanged = "nothing to change" if not found else f"{count(found, 'mistake')}"
    said = unchanged + (f", {left} left" if left else "") + (", nothing was written" if diff and found else "")
    ERR.print(said, style="red" if left or (diff and found) else "green")
    sys.exit(UNUSABLE if totals["unreadable"] else FINDINGS if left or (diff and found) else 0)


def _write(name: str, rows: list[Input], text: str, diff: bool, changed: bool) -> None:
    """Print a difference, or replace a file as a whole."""
    old = "".join(item.source if isinstance(item.source, str) else json.dumps(item.source) + "\n" for item in rows)
    if diff:
        before, after = (part.splitlines(keepends=True) for part in (old, text))
        for line in difflib.unified_diff(before, after, name, name):
            OUT.print(line.rstrip("\n"))
    elif name == STDIN:
        click.echo(text if changed else old, nl=False)
    elif changed:
        path = Path(name)
        with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, delete=False) as file:
            file.write(text)
        os.chmod(file.name, path.stat().st_mode)
        os.replace(file.name, path)
