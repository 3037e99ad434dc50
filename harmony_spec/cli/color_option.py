"""The option `--color`, apart from the console: the group has it, and starts without the console."""

from __future__ import annotations

import click

COLOR_CHOICE = f"{__name__}.choice"
"""The key of the choice in `Context.meta`."""


def _set_color(context: click.Context, _: click.Parameter, choice: str | None) -> None:
    """Keep the choice of the group, unless the command has one, too."""
    if choice is not None:
        context.meta[COLOR_CHOICE] = choice


COLOR = click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    is_eager=True,
    expose_value=False,
    callback=_set_color,
    help="When to print colors.  [default: auto]",
)
