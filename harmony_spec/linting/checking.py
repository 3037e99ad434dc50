"""Checks the rows of batches, in any process."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from types import ModuleType
from typing import Any

from ..codes import WRONG_START
from ..diagnostics import Diagnostic, Fix
from ..errors import HarmonyError, ParseError, RowError
from ..source.saved_text import Source, retry_without_final_newline, without_line_break
from ..tools.openai_tools import tools_from_json
from ..validation.fixes import may_be_completion
from ..validation.report import Report
from .baseline import fingerprint
from .batches import Batch, Options, Row, read_content, row_value
from .findings import Checked, Finding, finding_of_error, locate
from .fixing import apply_fixes
from .json_edits import Path, with_values
from .opening import InputError
from .parquet import ColumnRows
from .rows import Content
from .totals import tokens_by_channel

NOT_HARMONY = "not Harmony: no special tokens; if they were stripped, pass --stripped"
"""The error for a named file without special tokens."""


def check(chunk: Iterable[Batch | InputError]) -> list[Checked | InputError]:
    """The findings of each row of some batches, in order. Errors of files pass through."""
    found: list[Checked | InputError] = []
    for batch in chunk:
        found.extend([batch] if isinstance(batch, InputError) else _check_batch(batch))
    return found


def _check_batch(batch: Batch) -> Iterator[Checked | InputError]:
    """The findings of each row, or the error that the file is not Harmony."""
    for row in batch.rows:
        checked = _check_row(batch, row)
        if checked.skipped and batch.is_named and row.number is None:
            error = InputError(f"{batch.name}: {NOT_HARMONY}")
            error.name = batch.name
            yield error
            return
        if batch.options.fix and isinstance(row.item, bytes):
            after = row.item if checked.after is None else checked.after
            checked = replace(checked, start=row.start, before=row.item, after=after)
        yield checked


def _check_row(batch: Batch, row: Row) -> Checked:
    options, item = batch.options, row.item
    if batch.kind == "jsonl" and isinstance(item, bytes) and not item.strip():
        return Checked(batch.name, row.number, 0, skipped=True)  # a file without rows
    value: Any = None
    try:
        value = row_value(batch.kind, item)
        held = read_content(batch.kind, value, options)
        if row.number is None and not held.is_harmony and not options.stripped:
            return Checked(batch.name, None, 0, skipped=True)
        report, exact = _reports(batch, held)
        contents = _contents(held, report) if options.fingerprints else []
        plain = _check_source(batch, row, held, report, contents)
        return _fix_row(batch, row, held, (report, exact), plain, contents)
    except HarmonyError as error:
        text = item.decode("utf-8-sig", "replace") if isinstance(item, bytes) else ""
        if row.number is None and text and isinstance(error, RowError) and not _may_be_harmony(batch, text):
            return Checked(batch.name, None, 0, skipped=True)
        finding = finding_of_error(error, text, batch.kind, row.number, isinstance(error, RowError))
        if options.fingerprints:
            whole_row = text.strip() if isinstance(item, bytes) else f"{item} {getattr(item, 'size', '')}"
            finding = replace(finding, fingerprint=fingerprint(finding.code.code, whole_row))
        findings = [finding] if finding.code.code in options.selected else []
        return Checked(batch.name, row.number, 0, findings, id=_id(batch, row, value))


def _id(batch: Batch, row: Row, value: Any) -> str | int | None:
    """The id of a row, whose value is an object; that of a Parquet row is in a column of its own."""
    found = value.get(batch.options.id_column) if isinstance(value, dict) and batch.kind != "parquet" else row.id
    return found if type(found) in (str, int) else None


def _contents(held: Content, report: Report[Any]) -> list[Source]:
    """The parts of a source by which baselines know findings.

    These are each message with what precedes it, and for what follows the last message, that message and the rest.
    """
    contents, start, end = [], 0, 0
    for span in report.recovered.spans[: len(report.messages)]:
        contents.append(held.source[end : span.end])
        start, end = end, span.end
    return [*contents, held.source[start:]]


def _may_be_harmony(batch: Batch, text: str) -> bool:
    """Whether a file that cannot be read is reported: it was named, or has a special token."""
    format = batch.options.codec.FORMAT
    ids = map(str, format.encoding.special.values())
    has_special = format.special_matcher.search(text) or (
        batch.kind == "json" and not set(re.findall("[0-9]+", text)).isdisjoint(ids)
    )
    return bool(has_special) or batch.is_named


def _fix_row(
    batch: Batch,
    row: Row,
    held: Content,
    reports: tuple[Report[Any], Report[Any]],
    plain: Checked,
    contents: list[Source],
) -> Checked:
    """A row with all applicable fixes; without `--fix`, the row with the findings marked that they would remove.

    Args:
        batch: the batch of the row.
        row: the row.
        held: its content.
        reports: the reports on it.
        plain: its findings, without fixes.
        contents: the parts that fingerprints are made of: those of the original row, since fixes keep its messages.
    """
    options, (report, exact) = batch.options, reports

    def admitted(found: Report[Any]) -> list[Fix]:
        selected = _selected(found.diagnostics, options)
        return [each.fix for each in selected if each.fix and options.admits(each.fix)]

    if not admitted(exact):
        return plain
    before = _fixable(batch, held)
    source, _ = apply_fixes(before, exact, admitted, lambda source: _validated(held, source, options))
    if isinstance(source, str) and isinstance(held.source, str):
        source += held.source[len(before) :]
    edits = None if source == held.source else held.edits(source, options.start)
    written = _edit_row(batch, row.item, held, edits) if edits else None
    if written is None:
        return plain
    was_harmony = held.is_harmony
    if held.messages is None:
        held = replace(held, source=source)
    else:  # fields are written, not tokens: a fixed recipient changes the stop token, too
        held = read_content(batch.kind, row_value(batch.kind, written), options)
    if was_harmony and not held.is_harmony and not options.stripped:
        return plain  # the next run would take it for something else
    after, _ = _reports(batch, held)  # what the next run finds
    found, left = (_selected(each.diagnostics, options) for each in (report, after))
    fixes = [replace(each, is_fixable=gone) for each, gone in zip(plain.findings, _unmatched(found, left), strict=True)]
    plain = replace(plain, findings=fixes)
    if not options.fix:
        return plain
    checked = _check_source(batch, row, held, after, contents)
    new = [replace(each, is_new=new) for each, new in zip(checked.findings, _unmatched(left, found), strict=True)]
    return replace(checked, id=plain.id, findings=new, unfixed=plain, before=row.item, after=written)


def _edit_row(batch: Batch, item: Any, held: Content, edits: dict[Path, Any]) -> Any:
    """A row with new values, in the same form; None if its column cannot hold them."""
    if not isinstance(batch.rows, ColumnRows):
        return held.written(item, edits)
    value = with_values(item, edits)
    return value if batch.rows.can_hold(value) else None


def _unmatched(some: list[Diagnostic], others: list[Diagnostic]) -> list[bool]:
    """For each finding, whether it is missing among the others: they have none of the same code and message.

    Fixes keep messages, but move findings and change the quoted text. If only some of the findings of a code in a
    message are matched, those with a fix are the unmatched ones.
    """
    matched = Counter((each.code, each.index) for each in others)
    unmatched = [True] * len(some)
    for at, each in sorted(enumerate(some), key=lambda item: item[1].fix is not None):
        matched[each.code, each.index] -= 1
        unmatched[at] = matched[each.code, each.index] < 0
    return unmatched


def _check_source(batch: Batch, row: Row, held: Content, report: Report[Any], contents: list[Source]) -> Checked:
    options = batch.options
    found = _selected(report.diagnostics, options)
    findings: list[Finding] = []
    for finding in locate(found, held, batch.kind, row.number):
        diagnostic = finding.diagnostic
        if contents:
            content = contents[min(diagnostic.index, len(contents) - 1)]
            finding = replace(finding, fingerprint=fingerprint(finding.code.code, content))
        if options.spans:
            text_span, token_span = report.text_span(diagnostic), report.token_span(diagnostic)
            finding = replace(finding, text_span=text_span, token_span=token_span)
        if not findings and (hint := _hint(held, diagnostic, options)):
            finding = replace(finding, hint=hint)
        findings.append(finding)
    tokens = tokens_by_channel(held.source, report.recovered, held.codec) if options.tokens else {}
    id = _id(batch, row, held.value)
    return Checked(batch.name, row.number, len(report.messages), findings, tokens, id=id)


def _fixable(batch: Batch, held: Content) -> Source:
    """What fixes may change: the line break at the end of a text file comes from the editor and stays."""
    return without_line_break(held.source) if batch.kind == "text" else held.source


def _reports(batch: Batch, held: Content) -> tuple[Report[Any], Report[Any]]:
    """The report on a row, and the report on what fixes may change of it.

    The first is on the source without its last line break, which editors add, unless it is valid with it. It has only
    the fixes of the second.
    """
    known: dict[int, Report[Any]] = {}

    def read(source: Source) -> Report[Any]:  # parts of one source, known by their lengths
        if len(source) not in known:
            known[len(source)] = _validated(held, source, batch.options)
        return known[len(source)]

    report = retry_without_final_newline(held.source, read, lambda report: not report.diagnostics)
    exact = read(_fixable(batch, held)) if report.diagnostics else report
    if exact is not report:
        offered = {each.fix for each in exact.diagnostics}
        report = _with_fixes(report, lambda fix, _: fix in offered)
    return report, exact


def _validated(held: Content, source: Source, options: Options) -> Report[Any]:
    """The report on a source; for a conversation, with fixes of headers only: its JSON form has no stop tokens."""
    codec, is_rendered = held.codec, held.messages is not None
    report: Report[Any] = codec.validate(
        source,
        options.start,
        tools=offered_tools(options.tools, codec),
        stripped=options.stripped,
        tokenization=options.tokenization and not is_rendered,
    )
    if not is_rendered:
        return report
    ends = [content for _, content, *_ in report.recovered.bounds]
    return _with_fixes(report, lambda fix, index: any(fix.span.start < end for end in ends[index:][:1]))


def _with_fixes(report: Report[Any], keeps: Callable[[Fix, int], bool]) -> Report[Any]:
    """The report with some of its fixes; `keeps` has the fix and the index of its message."""
    found = [
        each if each.fix is None or keeps(each.fix, each.index) else replace(each, fix=None)
        for each in report.diagnostics
    ]
    return replace(report, diagnostics=found)


def _selected(found: list[Diagnostic], options: Options) -> list[Diagnostic]:
    return [diagnostic for diagnostic in found if diagnostic.code.code in options.selected]


def _hint(held: Content, first: Diagnostic, options: Options) -> str:
    """Advice if the source was probably read with the wrong options."""
    if not held.is_harmony:
        return "" if options.stripped else "The text has no special tokens; if they were stripped, pass --stripped."
    return _other_start(held, options.start) or _headless(first)


def _other_start(held: Content, start: str) -> str:
    """Advice if another start rule accepts the source."""
    try:
        retry_without_final_newline(held.source, lambda each: held.codec.parse(each, start))
    except ParseError as error:
        if error.code is WRONG_START:
            return f"{error.message[0].upper()}{error.message[1:]}. {error.hint}"
    return ""


def _headless(first: Diagnostic) -> str:
    """Advice if the source begins like a completion, but has other mistakes, too."""
    hint = "If this is a completion, pass --start completion; otherwise it is read as a message."
    return hint if may_be_completion(first) else ""


@lru_cache(maxsize=16)
def offered_tools(definitions: str | None, codec: ModuleType) -> list[Any] | None:
    return None if definitions is None else list(tools_from_json(json.loads(definitions), codec=codec))
