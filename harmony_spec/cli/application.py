"""The command `harmony-spec`. Exit status: 0 valid, 1 findings, 2 usage or input error."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Any

import click

from ..errors import CodecError
from ..linting import InputError, SettingsError
from .console import COLOR, Command, refuse
from .constrain_command import constrain_model
from .convert_command import convert
from .decode_command import decode
from .diff_command import diff
from .grammar_commands import diagrams, generate, grammar
from .parse_command import parse
from .render_command import render
from .rules_commands import explain, list_rules
from .show_command import show
from .tools_command import convert_tools
from .validate_command import validate


class _Commands(click.Group):
    """All commands. An input or output that fails ends each of them with one line."""

    command_class = Command

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stderr is None:
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - needed until the process ends
        if sys.stdout is None:
            refuse("the output: standard output is closed")
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # file names may not be UTF-8, and terminals may lack characters
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # as of `| head`; click exits without a message
        except (CodecError, InputError, SettingsError) as error:
            refuse(str(error))
        except OSError as error:
            refuse(f"{error.filename or 'the output'}: {error.strerror or error}")
        except MemoryError:
            refuse("out of memory; try a smaller input, fewer --jobs, or --max-row-bytes")
        except UnicodeError as error:
            refuse(f"a text cannot be decoded or encoded: {error}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("harmony-spec"), prog_name="harmony-spec")
@COLOR
def main() -> None:
    """Validate, read and write messages by their grammar, and generate codecs from grammars."""


READING = (validate, show, parse, render, decode, diff, convert, convert_tools, constrain_model)
for command in (*READING, explain, list_rules, generate, grammar, diagrams):
    main.add_command(command)
