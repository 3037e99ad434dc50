"""The rows of a batch, checked: what one process does at a time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
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
from .batches import Batch, Options, content
from .findings import Checked, Finding, located, unreadable
from .fixing import fixed
from .input_files import InputError
from .json_edits import Path, with_values
from .parquet import ColumnBatch
from .rows import Content, TooLong, value_of
from .totals import tokens_by_channel

NOT_HARMONY = "not Harmony: it has no special token; if they were stripped, pass --stripped"
"""What is said of a file that was named."""


def check(chunk: Iterable[Batch | ColumnBatch | InputError]) -> list[Checked | InputError]:
    """What is found in each row of some batches, in order. What says that a file cannot be read passes through."""
    found: list[Checked | InputError] = []
    for batch in chunk:
        found.extend([batch] if isinstance(batch, InputError) else _batch(batch))
    return found


def _batch(batch: Batch | ColumnBatch) -> Iterator[Checked | InputError]:
    """What is found in each row, or that the file is not Harmony."""
    for row, item in batch:
        checked = _row(batch, row, item)
        if isinstance(batch, Batch) and checked.skipped and batch.is_named and row is None:
            error = InputError(f"{batch.name}: {NOT_HARMONY}")
            error.name = batch.name
            yield error
            return
        if batch.options.fix:
            checked = replace(checked, origin=batch.origin)
            if isinstance(batch, ColumnBatch):
                checked = replace(checked, column=batch.column)
            elif isinstance(item, TooLong):
                checked = replace(checked, too_long=item)
            else:
                checked = replace(checked, before=item, after=item if checked.after is None else checked.after)
        yield checked


def _row(batch: Batch | ColumnBatch, row: int | None, item: Any) -> Checked:
    options = batch.options
    if batch.kind == "jsonl" and isinstance(item, bytes) and not item.strip():
        return Checked(batch.name, row, 0, skipped=True)  # the blank lines of a file without rows
    try:
        held = content(batch.kind, item, options, options.codec)
        if row is None and not held.is_harmony and not options.stripped:
            return Checked(batch.name, row, 0, skipped=True)
        report = _report(held, options)
        if batch.kind != "text" and isinstance(held.source, str) and held.source.endswith("\n"):
            report = _with_exact_fixes(report, held, options)
        contents = _contents(held, report) if options.fingerprints else []
        id = _id(batch, row, held.value)
        return _fixed(batch, row, item, held, report, _checked(batch, row, held, report, id, contents), contents)
    except HarmonyError as error:
        text = item.decode("utf-8-sig", "replace") if isinstance(item, bytes) else ""
        if row is None and isinstance(item, bytes) and isinstance(error, RowError) and not _may_be_harmony(batch, text):
            return Checked(batch.name, row, 0, skipped=True)
        finding = unreadable(error, text, batch.kind, row)
        if options.fingerprints:
            whole_row = text.strip() if isinstance(item, bytes) else str(item)
            finding = replace(finding, fingerprint=fingerprint(finding.code.code, whole_row))
        findings = [finding] if finding.code.code in options.selected else []
        return Checked(batch.name, row, 0, findings, id=_id(batch, row, _value(batch, text)))


def _id(batch: Batch | ColumnBatch, row: int | None, value: Any) -> str | int | None:
    """The id of a row, whose value is an object; that of a Parquet row is in a column of its own."""
    if isinstance(batch, ColumnBatch):
        found = None if row is None else batch.id_of(row)
    else:
        found = value.get(batch.options.id_column) if isinstance(value, dict) else None
    return found if type(found) in (str, int) else None


def _value(batch: Batch | ColumnBatch, text: str) -> Any:
    """The JSON value of a row that holds no input; None if it is not JSON."""
    try:
        return value_of(text) if batch.kind in ("json", "jsonl") else None
    except RowError:
        return None


def _contents(held: Content, report: Report[Any]) -> list[Source]:
    """The parts of a source by which baselines know findings: each message with what precedes it, then the rest."""
    contents, end = [], 0
    for span in report.recovered.spans[: len(report.messages)]:
        contents.append(held.source[end : span.end])
        end = span.end
    return [*contents, held.source[end:]]


def _may_be_harmony(batch: Batch | ColumnBatch, text: str) -> bool:
    """Whether a file that cannot be read is worth a finding: it was named, or has a special token."""
    format = batch.options.codec.FORMAT
    ids = map(str, format.encoding.special.values())
    has_special = format.special_matcher.search(text) or (
        batch.kind == "json" and not set(re.findall("[0-9]+", text)).isdisjoint(ids)
    )
    return bool(has_special) or (isinstance(batch, Batch) and batch.is_named)


def _fixed(
    batch: Batch | ColumnBatch,
    row: int | None,
    item: Any,
    held: Content,
    report: Report[Any],
    plain: Checked,
    contents: list[Source],
) -> Checked:
    """A row with the fixes that may be applied, or if they are not asked for, with marks on what they would fix.

    Args:
        batch: the batch of the row.
        row: its number.
        item: the row as it is in the batch.
        held: what it holds.
        report: what is wrong with it.
        plain: the same, without fixes.
        contents: what fingerprints are made of. Fixes keep messages, so they are those of the row as it was.
    """
    options = batch.options
    if not report.diagnostics:
        return plain

    def admitted(found: Report[Any]) -> list[Fix]:
        wanted = _wanted(found.diagnostics, options)
        return [each.fix for each in wanted if each.fix and options.admits(each.fix)]

    def validated(source: Source) -> Report[Any]:
        return _exact_report(replace(held, source=source), options)

    # A line break at the end of a text file is the editor's, and stays; that of a JSON string belongs to it.
    source = without_line_break(held.source) if batch.kind == "text" else held.source
    ending = held.source[len(source) :]
    exact = report if without_line_break(held.source) is held.source else validated(source)
    if not admitted(exact):
        return plain
    source, _ = fixed(source, exact, admitted, validated)
    if isinstance(source, str) and isinstance(ending, str):
        source += ending
    edits = None if source == held.source else held.edits(source, options.start)
    written = _edited(batch, item, held, edits) if edits else None
    if written is None:
        return plain
    held = replace(held, source=source)
    after = _report(held, options)  # what the next run finds
    found, left = (_wanted(each.diagnostics, options) for each in (report, after))
    fixes = [replace(each, is_fixable=gone) for each, gone in zip(plain.findings, _unmatched(found, left), strict=True)]
    plain = replace(plain, findings=fixes)
    if not options.fix:
        return plain
    checked = _checked(batch, row, held, after, plain.id, contents)
    new = [replace(each, is_new=new) for each, new in zip(checked.findings, _unmatched(left, found), strict=True)]
    return replace(checked, findings=new, unfixed=plain, before=item, after=written)


def _edited(batch: Batch | ColumnBatch, item: Any, held: Content, edits: dict[Path, Any]) -> Any:
    """A row with other values, in the form that it has; None if its column cannot hold them."""
    if isinstance(batch, Batch):
        return held.written(item, edits)
    value = with_values(item, edits)
    return value if batch.can_hold(value) else None


def _unmatched(some: list[Diagnostic], others: list[Diagnostic]) -> list[bool]:
    """Of each finding, whether the others have none of the same code in the same message.

    Fixes keep the messages, but move findings and change the text they quote. If only some of the findings of a code in
    a message are matched, those with a fix are the unmatched ones.
    """
    matched = Counter((each.code, each.index) for each in others)
    unmatched = [True] * len(some)
    for at, each in sorted(enumerate(some), key=lambda item: item[1].fix is not None):
        matched[each.code, each.index] -= 1
        unmatched[at] = matched[each.code, each.index] < 0
    return unmatched


def _checked(
    batch: Batch | ColumnBatch,
    row: int | None,
    held: Content,
    report: Report[Any],
    id: str | int | None,
    contents: list[Source],
) -> Checked:
    found = _wanted(report.diagnostics, batch.options)
    findings = located(found, held, batch.kind, row)
    if contents:
        findings = [_with_fingerprint(finding, contents) for finding in findings]
    if batch.options.spans:
        findings = [_placed(finding, report) for finding in findings]
    if findings and (hint := _hint(held, found[0], batch.options)):
        findings[0] = replace(findings[0], hint=hint)
    tokens = tokens_by_channel(held.source, report.recovered, held.codec) if batch.options.tokens else {}
    return Checked(batch.name, row, len(report.messages), findings, tokens, id=id)


def _with_fingerprint(finding: Finding, contents: list[Source]) -> Finding:
    content = contents[min(finding.diagnostic.index, len(contents) - 1)]
    return replace(finding, fingerprint=fingerprint(finding.code.code, content))


def _placed(finding: Finding, report: Report[Any]) -> Finding:
    text_span, token_span = report.text_span(finding.diagnostic), report.token_span(finding.diagnostic)
    return replace(finding, text_span=text_span, token_span=token_span)


def _report(held: Content, options: Options) -> Report[Any]:
    """What is wrong with a source, whose last line break may be an editor's."""

    def read(source: Source) -> Report[Any]:
        return _exact_report(replace(held, source=source), options)

    return retry_without_final_newline(held.source, read, lambda report: not report.diagnostics)


def _with_exact_fixes(report: Report[Any], held: Content, options: Options) -> Report[Any]:
    """The report without fixes that are none if the line break at the end belongs to the source."""
    exact = {each.fix for each in _exact_report(held, options).diagnostics}
    found = [each if each.fix in exact else replace(each, fix=None) for each in report.diagnostics]
    return replace(report, diagnostics=found)


def _exact_report(held: Content, options: Options) -> Report[Any]:
    """What is wrong with a source as it stands."""
    report: Report[Any] = held.codec.validate(
        held.source,
        options.start,
        tools=_tools(options.tools, held.codec),
        stripped=options.stripped,
        tokenization=options.tokenization and held.messages is None,
    )
    return report


def _wanted(found: list[Diagnostic], options: Options) -> list[Diagnostic]:
    return [diagnostic for diagnostic in found if diagnostic.code.code in options.selected]


def _hint(held: Content, first: Diagnostic, options: Options) -> str:
    """What to do about a source that is probably read with the wrong options."""
    if not held.is_harmony:
        return "" if options.stripped else "It has no special token; if they were stripped, pass --stripped."
    return _other_start(held, options.start) or _headless(first)


def _other_start(held: Content, start: str) -> str:
    """What to do about a source that another start rule takes."""
    try:
        retry_without_final_newline(held.source, lambda each: held.codec.parse(each, start))
    except ParseError as error:
        if error.code is WRONG_START:
            return f"{error.message[0].upper()}{error.message[1:]}; see --start."
    return ""


def _headless(first: Diagnostic) -> str:
    """What to do about a source that begins like a completion, and has other mistakes besides."""
    hint = "If this is a completion, say so with --start; else recovery takes it for a message."
    return hint if may_be_completion(first) else ""


@lru_cache(maxsize=16)
def _tools(definitions: str | None, codec: ModuleType) -> list[Any] | None:
    return None if definitions is None else list(tools_from_json(json.loads(definitions), codec=codec))
