"""The command `harmony-spec`. Exit status: 0 valid, 1 findings, 2 usage or input error, 130 interrupted, 141 unread."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections import UserDict
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from .. import __version__
from ..interruptions import INTERRUPTIONS, interruptible

COMMANDS = {
    "validate": "validate_command:validate",
    "show": "show_command:show",
    "parse": "parse_command:parse",
    "render": "render_command:render",
    "decode": "decode_command:decode",
    "diff": "diff_command:diff",
    "convert": "convert_command:convert",
    "tools": "tools_command:convert_tools",
    "constrain": "constrain_command:constrain_model",
    "explain": "rules_commands:explain",
    "rules": "rules_commands:list_rules",
    "generate": "grammar_commands:generate",
    "grammar": "grammar_commands:grammar",
    "diagrams": "grammar_commands:diagrams",
}
"""The commands by name: their modules in this folder, and their functions."""


INTERRUPTED, UNREAD = 130, 141
"""The exit statuses of a shell for SIGINT and SIGPIPE: the run ended early."""


class _Modules(UserDict[str, Any]):
    """The commands. Each is imported when it is used: one needs little of what another one needs."""

    def __getitem__(self, name: str) -> click.Command:
        module, _, function = super().__getitem__(name).partition(":")
        command: click.Command = getattr(import_module(f".{module}", __package__), function)
        return command


class _Commands(click.Group):
    """All commands. An input or output that fails ends each of them with one line."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **options: Any) -> Any:
        with interruptible():
            try:
                return super().main(args, *others, **options)
            except SystemExit as ended:
                status = ended.code  # not its traceback, whose frames have generators that clean up
            except OSError as error:  # help, or an error in the usage, cannot be printed
                status = _unprinted(error)
            if args is None and isinstance(status, int):
                _end(status)  # while interruptions are handled
        sys.exit(status)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except (KeyboardInterrupt, RuntimeError) as error:
            if not isinstance(error.__cause__ or error, KeyboardInterrupt):
                raise  # Python 3.11 wraps interruptions in the middle of a class
            with suppress(OSError):
                print("interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED)

    def _invoke(self, ctx: click.Context) -> Any:
        if sys.stderr is None:
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - needed until the process ends
        # Without the thread that pyarrow starts for an allocator that it does not use, this process can be forked.
        os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
        from .console import reason_of, refuse

        if sys.stdout is None:
            refuse("the output: standard output is closed")
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # file names may not be UTF-8, and terminals may lack characters
                # What is not for a terminal is data, in UTF-8: on Windows, pipes have the code page of the system.
                encoding = None if stream.isatty() else "utf-8"
                stream.reconfigure(encoding=encoding, errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # as with `| head`: nothing more can be printed
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(UNREAD)
        except Exception as error:
            if (reason := reason_of(error)) is None:
                raise
            refuse(reason)


def _unprinted(error: OSError) -> int:
    """Report that an output cannot be written, if possible; return the exit status."""
    with suppress(OSError):
        print(f"the output: {error.strerror or error}", file=sys.stderr)
    return 2


def _end(status: int) -> None:
    """End this process without freeing its memory, which takes an eighth of a short run; if threads run, return."""
    for each in INTERRUPTIONS:  # incomplete files are deleted, also if who interrupts is impatient
        signal.signal(each, signal.SIG_IGN)
    # After reading from S3, a thread of Daft 0.7.26 crashed Python at its end in 5 of 10 runs.
    if "daft" not in sys.modules and threading.active_count() > 1:
        return
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):  # closed
            if "daft" not in sys.modules:
                return
    os._exit(status)


@click.group(cls=_Commands, commands=_Modules(COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harmony-spec")
def main() -> None:
    """Validate, parse and render messages, and generate codecs from grammars."""
