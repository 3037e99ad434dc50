"""Input files that are read as a whole."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from ..source.lines import Lines
from ..source.saved_text import Source

STDIN = "-"


class InputError(Exception):
    """A file cannot be read; the message names the file, and the place if there is one.

    Attributes:
        name: of the file, if `lint` returned the error; otherwise empty.
    """

    name = ""


@dataclass(frozen=True)
class Input:
    """A file that is one input.

    Attributes:
        name: of the file.
        source: text, or token ids.
    """

    name: str
    source: Source

    @cached_property
    def lines(self) -> Lines:
        """The lines of a text."""
        return Lines(self.source if isinstance(self.source, str) else "")


def standard_input() -> BinaryIO:
    """Standard input. Raises `InputError` if it is closed."""
    if sys.stdin is None:
        raise InputError(f"{STDIN}: standard input is closed")
    return sys.stdin.buffer


def read_text(name: str) -> str:
    """The text of a file, or of standard input for `-`. Raises `InputError` if it cannot be read."""
    try:
        with nullcontext(standard_input()) if name == STDIN else open(name, "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise InputError(f"{name}:{line}: not UTF-8: byte 0x{byte:02x} at offset {error.start}") from None


def json_of(name: str, text: str) -> Any:
    """The JSON value of the text of a file. Raises `InputError` with the place of a syntax error."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise InputError(f"{name}: the JSON is nested too deeply") from None
    except ValueError as error:  # a number with more digits than Python reads
        raise InputError(f"{name}: not JSON: {error}") from None
