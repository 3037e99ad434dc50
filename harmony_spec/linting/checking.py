"""The rows of a batch, checked: what one process does at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from .. import codec
from ..codes import WRONG_START
from ..diagnostics import Diagnostic
from ..errors import HarmonyError, ParseError
from ..inputs import InputError, Source, as_saved
from ..tools import tools_from_json
from ..validation.report import Report
from .batches import Batch, Options, content
from .counting import tokens_by_channel
from .findings import Checked, Finding, located, unreadable
from .fixes import mend
from .parquet import ColumnBatch
from .rows import Content


def check(chunk: Iterable[Batch | ColumnBatch | InputError]) -> list[Checked | InputError]:
    """What is found in each row of some batches, in order. What says that a file cannot be read passes through."""
    found: list[Checked | InputError] = []
    for batch in chunk:
        found.extend([batch] if isinstance(batch, InputError) else _batch(batch))
    return found


def _batch(batch: Batch | ColumnBatch) -> Iterator[Checked]:
    for row, item in batch:
        checked = _row(batch, row, item)
        if batch.options.fix and isinstance(item, bytes):
            checked = replace(checked, before=item, after=item if checked.after is None else checked.after)
        yield checked


def _row(batch: Batch | ColumnBatch, row: int | None, item: Any) -> Checked:
    options = batch.options
    try:
        held = content(batch.kind, item, options)
        report = _report(held, options)
        found = _wanted(report, options)
        if options.fix and not held.rendered and any(diagnostic.fix for diagnostic in found):
            return _mended(batch, row, item, held, found)
        return _checked(batch, row, held, report, found)
    except HarmonyError as error:
        text = item.decode("utf-8-sig", "replace") if isinstance(item, bytes) else ""
        findings = [unreadable(error, text, batch.kind, row)] if error.code.code in options.selected else []
        return Checked(batch.name, row, 0, findings)


def _mended(
    batch: Batch | ColumnBatch, row: int | None, item: bytes, held: Content, found: list[Diagnostic]
) -> Checked:
    options = batch.options

    def find(source: Source) -> list[Diagnostic]:
        return _wanted(_report(Content(source), options), options)

    source, mended, left = mend(held.source, found, find)
    after = held.written(item, source)
    held = replace(held, source=source)
    return replace(_checked(batch, row, held, _report(held, options), left), mended=mended, after=after)


def _checked(
    batch: Batch | ColumnBatch,
    row: int | None,
    held: Content,
    report: Report[codec.Message],
    found: list[Diagnostic],
) -> Checked:
    findings = located(found, held, batch.kind, row)
    if batch.options.spans:
        findings = [_placed(finding, report) for finding in findings]
    if findings and (hint := _other_start(held.source, batch.options.start)):
        findings[0] = replace(findings[0], hint=hint)
    tokens = tokens_by_channel(held.source, report.recovered) if batch.options.tokens else {}
    return Checked(batch.name, row, len(report.messages), findings, tokens)


def _placed(finding: Finding, report: Report[codec.Message]) -> Finding:
    text_span, token_span = report.text_span(finding.diagnostic), report.token_span(finding.diagnostic)
    return replace(finding, text_span=text_span, token_span=token_span)


def _report(held: Content, options: Options) -> Report[codec.Message]:
    """What validation says."""
    tools = None if options.tools is None else _tools(options.tools)
    tokenization = options.tokenization and not held.rendered

    def read(source: Source) -> Report[codec.Message]:
        return codec.validate(source, options.start, tools=tools, tokenization=tokenization)

    return as_saved(held.source, read, lambda report: not report.diagnostics)


def _wanted(report: Report[codec.Message], options: Options) -> list[Diagnostic]:
    return [diagnostic for diagnostic in report.diagnostics if diagnostic.code.code in options.selected]


def _other_start(source: Source, start: codec.Start) -> str:
    """What to do about a source that another start rule takes."""
    try:
        as_saved(source, lambda each: codec.parse(each, start))
    except ParseError as error:
        if error.code is WRONG_START:
            return f"{error.message[0].upper()}{error.message[1:]}; see --start."
    return ""


@lru_cache(maxsize=16)
def _tools(definitions: str) -> list[codec.Namespace]:
    return tools_from_json(json.loads(definitions))
