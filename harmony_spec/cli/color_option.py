"""The option `--color`, apart from the console: the group has it, and starts without the console."""

from __future__ import annotations

from typing import Literal, get_args

import click

ColorChoice = Literal["auto", "always", "never"]


class ChosenColor:
    """The last choice of this process; another object for each run."""

    choice: ColorChoice = "auto"


chosen = ChosenColor()


def _set_color(context: click.Context, _: click.Parameter, choice: ColorChoice | None) -> None:
    """The group resets what an earlier run in this process chose; a command keeps the choice of the group."""
    global chosen
    if choice is not None or context.parent is None:
        chosen = ChosenColor()
        chosen.choice = choice or "auto"


COLOR = click.option(
    "--color",
    type=click.Choice(get_args(ColorChoice)),
    is_eager=True,
    expose_value=False,
    callback=_set_color,
    help="When to print colors.  [default: auto]",
)
