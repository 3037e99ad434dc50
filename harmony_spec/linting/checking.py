"""Checks the rows of batches, in any process."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import structs

from ..codes import UNREADABLE_ROW, WRONG_START
from ..diagnostics import Diagnostic, Fix
from ..errors import HarmonyError, ParseError, RowError
from ..source.saved_text import Source, retry_without_final_newline, without_line_break
from ..tools.openai_tools import tools_from_json
from ..validation.fixes import apply_fixes, may_be_completion
from ..validation.report import Report
from .arrow_rows import ColumnRows, select_columns
from .baseline import fingerprint
from .batches import Batch, Options, Row, read_content, row_value
from .findings import Checked, Finding, finding_of_error, locate
from .json_edits import JsonPath, with_values
from .opening import InputError
from .parquet import require_pyarrow
from .results import describe_row, findings_schema, record_batch
from .rows import RowContent
from .totals import tokens_by_channel

if TYPE_CHECKING:
    import pyarrow

TOOL_FILES_CACHE_SIZE = 16
"""Different files of tools that the settings of a run name."""

NOT_HARMONY = "not Harmony: no special tokens; if they were stripped, pass --stripped"
"""The error for a named file without special tokens."""

ROWS_READ_AT_ONCE = 32
"""Rows that are read before the first of them is checked. In turn, reading and checking drive each other out of the
caches of the processor, which takes 3 of the 69 µs of a short row."""


def check(batch: Batch) -> Iterator[Checked | InputError]:
    """The findings of each row, or the error that the file is not Harmony. A file without rows is skipped."""
    if not batch.rows:
        yield Checked(batch.name, 1, skipped=True)
    rows = iter(batch.rows)
    while some := [RowCheck(batch, row) for row in islice(rows, ROWS_READ_AT_ONCE)]:
        for each in some:
            checked = each.run()
            if checked.skipped and batch.is_named and checked.row is None:
                yield InputError(f"{batch.name}: {NOT_HARMONY}", batch.name)
                return
            yield checked


def check_values(values: Iterable[object], options: Options) -> Iterator[Checked]:
    """Check values as the rows of a file are checked, without files, processes and `pyarrow`.

    Args:
        values: texts, token ids, conversations, or objects with one of these in a column. Token ids may be
            an `array("I")`, which the parser reads as it is.
        options: how they are checked; fixes are not applied.

    Raises:
        TypeError: `values` is itself a text or an object.
    """
    if isinstance(values, (str, bytes, dict)):
        raise TypeError(f"expected a list of values, got {type(values).__name__}; put it in a list")
    _require_options(options)
    for number, value in enumerate(values, 1):
        id = value.get(options.id_column) if isinstance(value, dict) else None
        yield RowCheck(Batch("", "parquet", False, options, ()), Row(number, value, id=id)).run()


def check_batch(batch: pyarrow.RecordBatch, options: Options) -> pyarrow.RecordBatch:
    """Check the rows of a batch as those of a Parquet file, and return the rows that have findings.

    The result depends on the arguments alone: nothing is read or written. Both can be passed to other machines.

    Args:
        batch: a column of texts, token ids or conversations, and others; columns are found as in Parquet files.
        options: how its rows are checked, see `options_of`; fixes are not applied.

    Returns:
        Columns as in `findings_schema`: the number of the row in the batch, from 1, its id, the number of its messages,
        and its findings.

    Raises:
        InputError: no column can be validated, or `pyarrow` is missing.
    """
    require_pyarrow()
    import pyarrow

    if not isinstance(batch, pyarrow.RecordBatch):
        advice = "; a table has to_batches()" if isinstance(batch, pyarrow.Table) else ""
        raise TypeError(f"expected a RecordBatch, got {type(batch).__name__}{advice}")
    _require_options(options)
    selection = select_columns("the batch", batch.schema, options)
    rows = selection.rows(batch, 1, options.max_row_bytes)
    whole = Batch("the batch", "parquet", False, replace(options, column=None), rows)
    found = (describe_row(each) for each in check(whole) if isinstance(each, Checked) and each.findings)
    return record_batch(list(found), findings_schema())


def _require_options(options: Options) -> None:
    """Raise `TypeError` for anything else, such as settings."""
    if not isinstance(options, Options):
        raise TypeError(f"expected what options_of returns, got {type(options).__name__}")


class RowCheck:
    """The check of a row, which is read at once.

    Attributes:
        value: the text or the JSON value of the row; None if it cannot be read.
        parts: the parts of the source by which baselines know findings; fixes keep them.
    """

    def __init__(self, batch: Batch, row: Row) -> None:
        self.batch, self.row, self.options, self.kind = batch, row, batch.options, batch.kind
        self.value: Any = None
        self.parts: list[Source] = []
        self._content: RowContent | None = None
        with suppress(HarmonyError):  # which refers to this call, and so to the row; `read` raises a new one
            self._content = self.read()

    def run(self) -> Checked:
        """The findings; with fixes, those that are left."""
        item, number, options = self.row.item, self.row.number, self.options
        try:
            held = self.read()
            if number is None and not held.is_harmony and not options.stripped:
                return self._checked(skipped=True)
            report, exact = self.reports(held)
            if not report.diagnostics:
                return self._locate(held, report) if options.tokens else self._checked(messages=len(report.messages))
            if isinstance(held.source, array):  # fixes, fingerprints and differences are made of lists
                ids = held.source.tolist()
                held = replace(held, source=ids)
                self.row = self.row._replace(item=ids if isinstance(item, array) else item)
            self.parts = _parts(held, report) if options.fingerprints else []
            return self._fix(held, report, exact)
        except HarmonyError as error:
            text = item.decode("utf-8-sig", "replace") if isinstance(item, bytes) else ""
            if number is None and text and isinstance(error, RowError) and not self._may_be_harmony(text):
                return self._checked(skipped=True)
            finding = finding_of_error(error, text, self.kind, number)
            if options.fingerprints:
                whole_row = text.strip() if isinstance(item, bytes) else str(item)
                finding = replace(finding, fingerprint=fingerprint(finding.code.code, whole_row))
            return self._checked(findings=[finding] if finding.code.code in options.selected else [])

    def read(self) -> RowContent:
        """The content of the row. Raises `HarmonyError` if it has none."""
        if self._content is not None:
            return self._content
        try:
            self.value = row_value(self.kind, self.row.item)
            return read_content(self.kind, self.value, self.options)
        except RecursionError:
            raise RowError(UNREADABLE_ROW, "the row is nested too deeply") from None

    @property
    def id(self) -> str | int | None:
        """The value of the id column, if that is a string or an integer."""
        row, value = self.row, self.value
        # The value of a Parquet row is that of its column; its id is in another one.
        id = value.get(self.options.id_column) if isinstance(value, dict) and self.kind != "parquet" else row.id
        return id if type(id) in (str, int) else None

    def _checked(self, **found: Any) -> Checked:
        row = self.row
        kept = row.item if self.options.fix and isinstance(row.item, bytes) else None
        id = None if "skipped" in found else self.id
        return Checked(self.batch.name, row.number, start=row.start, before=kept, after=kept, id=id, **found)

    def _may_be_harmony(self, text: str) -> bool:
        """Whether a file that cannot be read is reported: it was named, or has a special token."""
        format = self.options.codec.FORMAT
        ids = map(str, format.encoding.special.values())
        has_id = self.kind == "json" and not set(re.findall("[0-9]+", text)).isdisjoint(ids)
        return has_id or self.batch.is_named or format.special_matcher.search(text) is not None

    def reports(self, held: RowContent) -> tuple[Report[Any], Report[Any]]:
        """The report on a row, and the report on what fixes may change of it.

        The first is on the source without its last line break, which editors add, unless it is valid with it. It has
        only the fixes of the second.
        """
        report = self._validated(held, held.source)
        if not report.diagnostics:
            return report, report
        known = {len(held.source): report}

        def read(source: Source) -> Report[Any]:  # parts of one source, known by their lengths
            if len(source) not in known:
                known[len(source)] = self._validated(held, source)
            return known[len(source)]

        report = retry_without_final_newline(held.source, read, lambda report: not report.diagnostics)
        exact = read(self._fixable(held)) if report.diagnostics else report
        if exact is not report:
            offered = {each.fix for each in exact.diagnostics}
            report = _with_fixes(report, lambda fix, _: fix if fix in offered else None)
        return report, exact

    def _fixable(self, held: RowContent) -> Source:
        """What fixes may change: the line break at the end of a text file comes from the editor and stays."""
        return without_line_break(held.source) if self.kind == "text" else held.source

    def _validated(self, held: RowContent, source: Source) -> Report[Any]:
        """The report on a source; for a conversation, with unsafe fixes of headers: its JSON form has only fields."""
        codec, is_rendered, options = held.codec, held.messages is not None, self.options
        report: Report[Any] = codec.validate(
            source,
            options.start,
            tools=tools_of(options.tools, codec),
            stripped=options.stripped,
            tokenization=options.tokenization and not is_rendered,
        )
        if not is_rendered:
            return report
        ends = [content for _, content, *_ in report.recovered.bounds]

        def in_fields(fix: Fix, index: int) -> Fix | None:
            changed = replace(fix, applicability="unsafe") if fix.applicability == "safe" else fix
            return changed if any(fix.span.start < end for end in ends[index:][:1]) else None

        return _with_fixes(report, in_fields)

    def _selected(self, report: Report[Any]) -> list[Diagnostic]:
        return [each for each in report.diagnostics if each.code.code in self.options.selected]

    def _admitted(self, report: Report[Any]) -> list[Fix]:
        return [each.fix for each in self._selected(report) if each.fix and self.options.admits(each.fix)]

    def _locate(self, held: RowContent, report: Report[Any]) -> Checked:
        """The row with its findings, those marked that have an applicable fix."""
        options = self.options
        findings: list[Finding] = []
        for finding in locate(self._selected(report), held, self.kind, self.row.number):
            diagnostic = finding.diagnostic
            if self.parts:
                part = self.parts[min(diagnostic.index, len(self.parts) - 1)]
                finding = replace(finding, fingerprint=fingerprint(finding.code.code, part))
            if options.spans:
                text_span, token_span = report.text_span(diagnostic), report.token_span(diagnostic)
                finding = replace(finding, text_span=text_span, token_span=token_span)
            if not findings and (hint := self.hint(held, diagnostic)):
                finding = replace(finding, hint=hint)
            is_fixable = diagnostic.fix is not None and options.admits(diagnostic.fix)
            findings.append(replace(finding, is_fixable=is_fixable))
        tokens = tokens_by_channel(held.source, report.recovered, held.codec) if options.tokens else {}
        return self._checked(messages=len(report.messages), findings=findings, tokens=tokens)

    def hint(self, held: RowContent, first: Diagnostic) -> str:
        """Advice if the source was probably read with the wrong options; `first` is its first finding."""
        options = self.options
        if not held.is_harmony:
            return "" if options.stripped else "The text has no special tokens; if they were stripped, pass --stripped."
        try:
            retry_without_final_newline(held.source, lambda each: held.codec.parse(each, options.start))
        except ParseError as error:
            if error.code is WRONG_START:
                return f"{error.message[0].upper()}{error.message[1:]}. {error.hint}"
        if not may_be_completion(first):
            return ""
        return "If this is a completion, pass --start completion; otherwise it is read as a message."

    def _fix(self, held: RowContent, report: Report[Any], exact: Report[Any]) -> Checked:
        """The row, with `--fix` after all applicable fixes."""
        plain, options = self._locate(held, report), self.options
        if not (options.fix and self._admitted(exact)):
            return plain
        unfixed = structs.replace(plain, findings=[replace(each, is_fixable=False) for each in plain.findings])
        before = self._fixable(held)
        source = apply_fixes(before, exact, self._admitted, lambda source: self._validated(held, source))
        if isinstance(source, str) and isinstance(held.source, str):
            source += held.source[len(before) :]
        edits = None if source == held.source else held.edits(source, options.start)
        written = self._edit(held, edits) if edits else None
        if written is None:
            return unfixed
        was_harmony = held.is_harmony
        if held.messages is None:
            held = replace(held, source=source)
        else:  # fields are written, not tokens: a fixed recipient changes the stop token, too
            held = read_content(self.kind, row_value(self.kind, written), options)
        if was_harmony and not held.is_harmony and not options.stripped:
            return unfixed  # the next run would take it for something else
        after, _ = self.reports(held)  # what the next run finds
        return structs.replace(self._locate(held, after), unfixed=plain, before=self.row.item, after=written)

    def _edit(self, held: RowContent, edits: dict[JsonPath, Any]) -> Any:
        """The row with new values, in the same form; None if its column cannot hold them."""
        item, rows = self.row.item, self.batch.rows
        if self.kind != "parquet":
            return held.written(item, edits)
        value = with_values(item, edits)
        return value if not isinstance(rows, ColumnRows) or rows.can_hold(value) else None


def _parts(held: RowContent, report: Report[Any]) -> list[Source]:
    """Each message with what precedes it, and for what follows the last message, that message and the rest."""
    parts, start, end = [], 0, 0
    for span in report.recovered.spans[: len(report.messages)]:
        parts.append(held.source[end : span.end])
        start, end = end, span.end
    return [*parts, held.source[start:]]


def _with_fixes(report: Report[Any], changed: Callable[[Fix, int], Fix | None]) -> Report[Any]:
    """The report with other fixes; `changed` has a fix and the index of its message."""
    found = [
        each if each.fix is None else replace(each, fix=changed(each.fix, each.index)) for each in report.diagnostics
    ]
    return replace(report, diagnostics=found)


@lru_cache(TOOL_FILES_CACHE_SIZE)
def tools_of(definitions: str | None, codec: ModuleType) -> list[Any] | None:
    """The tools that a text of JSON defines; None if there is none."""
    return None if definitions is None else list(tools_from_json(json.loads(definitions), codec=codec))
