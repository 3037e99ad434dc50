"""The rows of a batch, checked: what one process does at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from .. import codec
from ..codes import WRONG_START
from ..diagnostics import Diagnostic
from ..errors import HarmonyError, ParseError
from ..fixing import fixed, recover
from ..inputs import InputError, Source, as_saved
from ..tools import tools_from_json
from ..validation.fixes import may_be_completion
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


def _batch(batch: Batch | ColumnBatch) -> Iterator[Checked | InputError]:
    """What is found in each row, up to one whose form cannot be changed as is asked for."""
    for row, item in batch:
        try:
            checked = _row(batch, row, item)
        except InputError as error:
            yield _named(batch.name, row, error)
            return
        if batch.options.fix and isinstance(item, bytes):
            checked = replace(checked, before=item, after=item if checked.after is None else checked.after)
        yield checked


def _named(name: str, row: int | None, error: InputError) -> InputError:
    """What says why a file cannot be used, with its name and the row that shows it."""
    named = InputError(f"{name if row is None else f'{name}:{row}'}: {error}")
    named.name = name
    return named


def _row(batch: Batch | ColumnBatch, row: int | None, item: Any) -> Checked:
    options = batch.options
    try:
        held = content(batch.kind, item, options)
        if options.fix == "recovered":
            return _written_anew(batch, row, item, held)
        report = _report(held, options)
        found = _wanted(report.diagnostics, options)
        if held.rendered or not isinstance(item, bytes):  # nobody could write the fixes
            found = [replace(diagnostic, fix=None) for diagnostic in found]
        elif options.fix and any(diagnostic.fix for diagnostic in found):
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
        return _wanted(_report(Content(source), options).diagnostics, options)

    source, mended, left = mend(held.source, found, find)
    after = held.written(item, source)
    held = replace(held, source=source)
    return replace(_checked(batch, row, held, _report(held, options), left), mended=mended, after=after)


def _written_anew(batch: Batch | ColumnBatch, row: int | None, item: bytes, held: Content) -> Checked:
    """A row whose messages are written as recovery reads them, if any of them is wrong."""
    options = batch.options
    recovered = recover(held.source, options.start, _tools(options.tools), options.stripped)
    found, messages = _wanted(recovered.diagnostics, options), len(recovered.messages)
    if not found:
        return Checked(batch.name, row, messages)
    if recovered.gaps and (hint := _other_start(held.source, options.start)):
        first, *others = located(found, held, batch.kind, row)  # nothing is lost of what is only called by another name
        return Checked(batch.name, row, messages, [replace(first, hint=hint), *others])
    try:
        source = fixed(held.source, options.start, recovered)
    except HarmonyError as error:
        refused = replace(unreadable(error, "", batch.kind, row), hint="It stays as it is.")
        return Checked(batch.name, row, messages, [*located(found, held, batch.kind, row), refused])
    left = _wanted(recover(source, options.start, _tools(options.tools), False).diagnostics, options)
    repaired = located(_gone(found, left), held, batch.kind, row)
    if not repaired:
        return Checked(batch.name, row, messages, located(found, held, batch.kind, row))
    findings = located(left, replace(held, source=source), batch.kind, row)
    after = held.written(item, source)
    return Checked(batch.name, row, messages, findings, mended=len(repaired), repaired=repaired, after=after)


def _gone(found: list[Diagnostic], left: list[Diagnostic]) -> list[Diagnostic]:
    """What was found and is not left, wherever it stands now."""
    remaining = Counter((each.code, each.raw) for each in left)
    gone = []
    for each in found:
        remaining[each.code, each.raw] -= 1
        if remaining[each.code, each.raw] < 0:
            gone.append(each)
    return gone


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
    if findings and (hint := _other_start(held.source, batch.options.start) or _headless(found[0])):
        findings[0] = replace(findings[0], hint=hint)
    tokens = tokens_by_channel(held.source, report.recovered) if batch.options.tokens else {}
    return Checked(batch.name, row, len(report.messages), findings, tokens)


def _placed(finding: Finding, report: Report[codec.Message]) -> Finding:
    text_span, token_span = report.text_span(finding.diagnostic), report.token_span(finding.diagnostic)
    return replace(finding, text_span=text_span, token_span=token_span)


def _report(held: Content, options: Options) -> Report[codec.Message]:
    """What validation says."""
    tools = _tools(options.tools)
    tokenization = options.tokenization and not held.rendered

    def read(source: Source) -> Report[codec.Message]:
        return codec.validate(source, options.start, tools=tools, tokenization=tokenization)

    return as_saved(held.source, read, lambda report: not report.diagnostics)


def _wanted(found: list[Diagnostic], options: Options) -> list[Diagnostic]:
    return [diagnostic for diagnostic in found if diagnostic.code.code in options.selected]


def _other_start(source: Source, start: codec.Start) -> str:
    """What to do about a source that another start rule takes."""
    try:
        as_saved(source, lambda each: codec.parse(each, start))
    except ParseError as error:
        if error.code is WRONG_START:
            return f"{error.message[0].upper()}{error.message[1:]}; see --start."
    return ""


def _headless(first: Diagnostic) -> str:
    """What to do about a source that begins like a completion, and has other mistakes besides."""
    hint = "If this is a completion, say so with --start; else recovery takes it for a message."
    return hint if may_be_completion(first) else ""


@lru_cache(maxsize=16)
def _tools(definitions: str | None) -> list[codec.Namespace] | None:
    return None if definitions is None else tools_from_json(json.loads(definitions))
