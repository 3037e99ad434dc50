"""The command `harmony-spec fix`: inputs whose messages are written as they were read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .cli_files import Run, conclude, follow, refusing, takes_files
from .console import ERR, STRIPPED, example, require_one_reader
from .linting import Settings, lint
from .linting.batches import Kind
from .linting.outputs import Each, human
from .linting.reading import Progress
from .linting.rewriting import Rewriter


@click.command(epilog=example("harmony-spec fix -"))
@takes_files
@STRIPPED
@click.option("--diff", is_flag=True, help="Print what would be changed, and change nothing.")
def fix(
    files: tuple[str, ...],
    kind: Kind | None,
    stripped: bool,
    diff: bool,
    jobs: int | None,
    config: Path | None,
    isolated: bool,
    **said: Any,
) -> None:
    """Write messages that left the grammar as the format writes them.

    A FILE is one that validate takes, with its settings. Files are changed in place, standard input (`-`) is written to
    standard output; rows keep their form, and compressed files stay compressed. Conversations in their JSON form and
    Parquet files are refused. What was changed is told on standard error.

    Exits with 0 if all is valid now, 1 if with --diff there is something to change, or if something is left that cannot
    be repaired, 2 if a file could not be read or is refused, 130 if interrupted.
    """
    require_one_reader(said["tools"], config, *set(files))
    with refusing():
        progress = Progress()
        checked = lint(
            files,
            Settings(**said),
            config=config,
            isolated=isolated,
            jobs=jobs,
            kind=kind,
            fix="recovered",
            stripped=stripped,
            progress=progress,
        )
        run = Run(Each(human), ERR, rewriter=None if diff else Rewriter(), diff=diff)
        complete = follow(run, checked, progress)
    conclude(run, ERR, complete)
