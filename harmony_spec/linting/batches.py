"""Rows of files as they are read, in pieces that are checked as a whole, by this process or another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import codec
from .rows import Content, source_of, text_of, value_of

Kind = Literal["text", "json", "jsonl", "parquet"]
"""What a file holds: one text, one JSON value, a JSON value on each line, a column of values."""


Mending = Literal["sure", "recovered"]
"""Which mistakes are mended: those with a fix that is sure, or all that recovery reads, by writing messages anew."""


@dataclass(frozen=True)
class Options:
    """How the rows of a file are checked.

    Attributes:
        selected: the codes of the findings that are wanted.
        start: what the inputs are.
        column: the column that holds them; None where it is to be found.
        tools: definitions of tools that were offered, as JSON; None where nothing is known of them.
        tokenization: whether token ids are compared with those that the tokenizer gives for their text.
        tokens: whether tokens are counted.
        fix: which mistakes are mended; None where nothing is.
        stripped: whether text without special tokens is taken as if they had been stripped, where all is mended.
        spans: whether findings are placed in tokens and in text, whichever of them the source is.
    """

    selected: frozenset[str]
    start: codec.Start = "transcript"
    column: str | None = None
    tools: str | None = None
    tokenization: bool = True
    tokens: bool = False
    fix: Mending | None = None
    stripped: bool = False
    spans: bool = False


@dataclass(frozen=True)
class Batch:
    """Rows of one file.

    Attributes:
        name: of the file.
        kind: what it holds.
        options: how its rows are checked.
        rows: their numbers, from 1, or None where the file is one input, and what they hold.
    """

    name: str
    kind: Kind
    options: Options
    rows: list[tuple[int | None, bytes]] = field(repr=False)

    def __iter__(self) -> Iterator[tuple[int | None, Any]]:
        return iter(self.rows)


def content(kind: Kind, item: Any, options: Options) -> Content:
    """What a row holds.

    Raises:
        HarmonyError: it cannot be read.
        InputError: it is a conversation, which is not changed, and all is to be mended.
    """
    if isinstance(item, bytes):
        item = text_of(item)
        if kind == "text":
            return Content(item)
        if kind != "parquet":
            item = value_of(item.strip() if kind == "jsonl" else item)
    start = None if options.fix == "recovered" else options.start
    return source_of(item, start, None if kind == "parquet" else options.column)
