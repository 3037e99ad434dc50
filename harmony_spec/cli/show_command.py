"""The command `harmony-spec show`: rows for people, in the terminal or as an HTML page."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ..adapters.chat_rows import CHAT_ROW_COLUMNS
from ..adapters.reading_chat import Adapted
from ..codes import INVALID_ARGUMENTS, INVALID_JSON, KEPT_ANALYSIS, TEXT_AFTER_JSON, TRUNCATED_JSON, UNREADABLE_ROW
from ..diagnostics import Diagnostic
from ..errors import CodecError, ConversionError, HarmonyError, RowError
from ..format.tables import require
from ..linting.atomic import AtomicFile
from ..linting.batches import Batch, FileKind, Options, Row, each_row
from ..linting.checking import RowCheck
from ..linting.files import expand
from ..linting.opening import InputError
from ..linting.rewriting import claim, files_read
from ..linting.row_reading import Progress, read
from ..linting.rows import CONVERT_CHAT, RowContent
from ..linting.settings import Resolver, Settings
from ..view.html_page import PageTooLarge, html_page
from ..view.shown_row import ShownRow, learned_mask, shown_report, unreadable_row
from ..view.statistics import Statistics
from ..view.terminal_text import printable_name
from ..view.terminal_view import row_lines
from .console import (
    ANY_FILE,
    ERR,
    OUT,
    Command,
    codec_choice,
    codec_of,
    output_option,
    piped,
    reads_rows,
    refuse,
    require_one_reader,
)
from .converting import INPUT_IDS, MASKS, ChatMessages, read_chat, without_training

CONVERTED = "Read as Chat Completions; these are the messages that `harmony-spec convert --from chat` writes."
"""The advice for a row that was converted."""

OF_JSON = frozenset((INVALID_JSON, TRUNCATED_JSON, TEXT_AFTER_JSON, INVALID_ARGUMENTS))
"""Findings in arguments. A conversion reports all of them as the first."""

OF_FORMAT_ONLY = frozenset((KEPT_ANALYSIS.code,))
"""Not reported in converted rows: chat rows keep thoughts of all turns, and training drops those of earlier ones."""


def _rows(_: click.Context, __: click.Parameter, value: str | None) -> range | None:
    """The numbers of rows."""
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,14})(?:-([1-9]\d{0,14}))?", value, re.ASCII)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise click.BadParameter(f"{value!r}: pass a number from 1, or a range such as 10-20")
    return range(int(match[1]), int(match[2] or match[1]) + 1)


@click.command(cls=Command, example=piped("harmony-spec show -"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=ANY_FILE)
@reads_rows
@click.option("--row", "rows", callback=_rows, metavar="N[-M]", help="Show only these rows, counted from 1.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most this many rows.")
@click.option("--tokens", is_flag=True, help="Mark the tokens, with their ids.")
@click.option("--training", is_flag=True, help="Mark the text to train on: the row's mask, or else the last turn.")
@click.option("--html", is_flag=True, help="Write one self-contained HTML page.")
@click.option("--statistics", is_flag=True, help="With --html, write statistics of all rows instead of the rows.")
@output_option("File for the page.  [default: standard output]")
def show(
    files: tuple[str, ...],
    kind: FileKind | None,
    rows: range | None,
    limit: int | None,
    tokens: bool,
    training: bool,
    html: bool,
    statistics: bool,
    output: Path | None,
    **others: Any,
) -> None:
    """Show messages, with findings at their places.

    A FILE is read as by `validate`; rows of Chat Completions are shown converted. Rows of JSON Lines are counted by
    their lines. The page has filters, shows tokens and raw text on demand, and fetches nothing. It contains the
    transcripts.

    Exits with 0, or with 2 if a file cannot be read, or has no such row.
    """
    require_one_reader(others["tools"], *set(files))
    if (output is not None or statistics) and not html:
        advice = "--statistics requires --html; validate --statistics prints numbers" if statistics else ""
        raise click.UsageError(advice or "--output requires --html")
    if html and output is None and sys.stdout.isatty():
        raise click.UsageError("--html: pass -o page.html, or redirect standard output")
    stripped = others.pop("stripped")
    codec, tokenizer = codec_choice()
    command = Settings(codec=codec, tokenizer=tokenizer, **others)
    beside = (*CHAT_ROW_COLUMNS, *[MASKS] * training)
    resolver = Resolver(command, None, False, Options(frozenset(), beside=beside, stripped=stripped), ())
    progress = Progress()
    chosen = _chosen(files, progress, resolver, kind, rows, limit)
    found = (_shown_row(*each, tokens or html, training) for each in chosen)
    if html:
        page = _page(found, ", ".join(map(printable_name, files)), statistics)
        if output is None:
            sys.stdout.buffer.write(page)
            return
        claim("-o", output, files_read(progress.files, others["tools"], codec))
        with AtomicFile(output) as file:
            file.file.write(page)
        return
    number = 0
    for number, row in enumerate(found, 1):
        if number > 1:
            OUT.print()
        for line in row_lines(row, OUT.console.width):
            OUT.print(line)
    if not number:
        ERR.print("no rows")


def _page(found: Iterator[ShownRow], names: str, statistics: bool) -> bytes:
    format = codec_of(None).FORMAT
    if statistics:
        slots = format.recovery.slots
        counted = Statistics(tuple(filter(None, (slots.role, slots.channel))))
        for row in found:
            counted.add(row)
        return counted.page(names)
    try:
        return html_page(found, names, [kind.name for kind in format.turn])
    except PageTooLarge as error:
        refuse(f"{error}; pass --limit, or --row with a range")


def _chosen(
    names: tuple[str, ...],
    progress: Progress,
    resolver: Resolver,
    kind: FileKind | None,
    rows: range | None,
    limit: int | None,
) -> Iterator[tuple[Batch, Row]]:
    """The chosen rows. Raises `InputError` if a file cannot be read, or if none of its rows was chosen."""
    left = sys.maxsize if limit is None else limit
    last = 0
    found = False
    for file in expand(list(names), resolver.excluded, lambda _: None):
        if isinstance(file, InputError):
            raise file
        progress.files.append(file.name)
        for batch in read(file.name, True, kind, resolver.options(file.name), progress):
            for row in batch.rows:
                for index, each in enumerate(each_row(batch, row), 1):
                    last = row.number or index
                    if left > 0 and (rows is None or last in rows):
                        found, left = True, left - 1
                        yield each
            if left == 0 or (rows is not None and last >= rows[-1]):
                break
    if not found and rows is not None:
        known = f"the last row is {last}" if last else "there are no rows"
        raise InputError(f"{', '.join(map(printable_name, names))}: no row {rows[0]}; {known}")


def _shown_row(batch: Batch, row: Row, tokens: bool, training: bool) -> ShownRow:
    check, codec = RowCheck(batch, row), batch.options.codec
    place = printable_name(batch.name if row.number is None else f"{batch.name}:{row.number}")
    learned: Sequence[bool] = ()
    chat: ChatMessages | None = None
    try:
        try:
            held = check.read()
        except HarmonyError as error:
            chat = _converted(error, check, training)
            made = chat.adapted.messages
            held = RowContent(codec.render(made, batch.options.start), codec, messages=made)
        report, _ = check.reports(held)
        if training and held.path == (INPUT_IDS,) and MASKS in check.value:
            learned = _mask(check.value[MASKS], len(held.source))
        elif training:
            require(codec, "render_training")
            example = codec.render_training(report.messages)
            if chat is not None:
                without_training(example, {*range(chat.prompt), *chat.masked})
            learned = learned_mask(example, report)
    except HarmonyError as error:
        return unreadable_row(error, _as_written(check.value, row.item), place, check.id)
    selected = batch.options.selected.difference(() if chat is None else OF_FORMAT_ONLY)
    first = next((each for each in report.diagnostics if each.code.code in selected), None)
    hint = CONVERTED if chat is not None else check.hint(held, first) if first else ""
    return shown_report(
        report,
        place,
        check.id,
        admits=lambda each: each.code.code in selected,
        has_tokens=tokens,
        learned=learned,
        hint=hint,
        lost=() if chat is None else _lost(chat.adapted, report.diagnostics),
    )


def _converted(error: HarmonyError, check: RowCheck, training: bool) -> ChatMessages:
    """The messages of a row that cannot be read, if the advice of its error is to convert it. Raises `HarmonyError`."""
    is_chat = CONVERT_CHAT in error.message
    if not is_chat and CONVERT_CHAT not in error.hint:
        raise error
    row, column = check.value, check.options.column
    if isinstance(row, dict) and column is not None and column not in CHAT_ROW_COLUMNS:
        row = row.get(column)
    try:
        return read_chat(row, check.options.codec, "replace", training)
    except (ConversionError, CodecError) as found:  # a codec without functions has no chat
        if is_chat and isinstance(found, ConversionError):
            raise
        raise error from None


def _lost(chat: Adapted, found: list[Diagnostic]) -> list[Diagnostic]:
    """The findings of a conversion, without arguments that are also found at their places."""
    wrong = {origin for each in found if each.code in OF_JSON for origin in chat.origins[each.index : each.index + 1]}
    return [each for each in chat.findings if each.code is not INVALID_JSON or each.index not in wrong]


def _as_written(value: Any, item: Any) -> str:
    """The text of a row: its JSON value on several lines, if it has one."""
    if isinstance(value, dict | list):
        with suppress(RecursionError, ValueError):
            return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return item.decode("utf-8-sig", "replace").strip() if isinstance(item, bytes) else str(item)


def _mask(mask: Any, count: int) -> list[bool]:
    """The mask of a row with `count` token ids. Raises `RowError` if it does not fit."""
    if not isinstance(mask, list) or len(mask) != count or not set(map(type, mask)) <= {int, bool}:
        raise RowError(UNREADABLE_ROW, f"the column {MASKS!r} is not a list of {count} numbers, one for each token id")
    return list(map(bool, mask))
