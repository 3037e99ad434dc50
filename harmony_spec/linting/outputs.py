"""Output formats of findings: each has a head, a piece for each finding, and a tail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from rich.text import Text

from ..recovery.output import abridge
from .findings import Checked, Finding
from .sarif import Sarif
from .terminal_text import layout, printable, printable_name


def describe(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    diagnostic = finding.diagnostic
    fix = diagnostic.fix and {
        "span": list(diagnostic.fix.span),
        "replacement": diagnostic.fix.replacement,
        "applicability": diagnostic.fix.applicability,
        "codes": list(diagnostic.fix.codes),
    }
    return {
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "code": finding.code.code,
        "name": finding.code.name,
        "severity": finding.code.severity,
        "message": finding.message,
        "unit": diagnostic.unit or None,
        "span": list(diagnostic.span) if diagnostic.unit else None,
        "text_span": finding.text_span and list(finding.text_span),
        "token_span": finding.token_span and list(finding.token_span),
        "index": diagnostic.index,
        "raw": diagnostic.raw,
        "taken_for": diagnostic.taken_for or None,
        "evidence": diagnostic.evidence,
        "expected": list(diagnostic.expected),
        "pointer": (finding.pointer + diagnostic.pointer) or None,
        "fix": fix,
    }


def place(checked: Checked, finding: Finding) -> str:
    """Where a finding is, in the form that terminals and editors recognize."""
    where = ":".join([printable_name(checked.name), *([str(checked.row)] if checked.row is not None else [])])
    if finding.column is not None:
        where += f":{finding.column}" if checked.row is not None else f":{finding.line}:{finding.column}"
    if checked.id is not None:
        where += f" (id {printable(abridge(str(checked.id)))})"
    if finding.column is not None:
        return where
    if finding.pointer:
        return f"{where} at {finding.pointer}"
    diagnostic = finding.diagnostic
    return f"{where}: {diagnostic.unit} {diagnostic.span.start}" if diagnostic.unit else where


class Output(Protocol):
    """An output format."""

    def head(self) -> str:
        """The text before all findings."""

    def finding(self, checked: Checked, finding: Finding) -> Text | str:
        """A finding; a `Text` has colours."""

    def tail(self, complete: bool) -> str:
        """The text after all findings; `complete` is whether all inputs were checked."""


@dataclass(frozen=True)
class Each:
    """A format with no text around the findings."""

    write: Callable[[Checked, Finding], Text | str]

    def head(self) -> str:
        """Nothing."""
        return ""

    def finding(self, checked: Checked, finding: Finding) -> Text | str:
        """A finding."""
        return self.write(checked, finding)

    def tail(self, complete: bool) -> str:
        """Nothing, whether or not the run is `complete`."""
        return ""


FIXABLE = "[*]"
"""Marks findings that `--fix` removes, with the other options as they are."""


def human(checked: Checked, finding: Finding) -> Text:
    """A finding with its line, a caret, what was expected, and a hint."""
    number = str(finding.line) if checked.row is None and finding.line is not None else ""
    quoted = (finding.around, finding.caret, number) if finding.around else None
    notes = (("expected", ", or ".join(finding.diagnostic.expected)), ("help", finding.hint or _fixes(finding)))
    code, mark = finding.code, f"{FIXABLE} " if finding.is_fixable else ""
    return layout(place(checked, finding), code.severity, code, mark + finding.message, quoted, notes)


def _fixes(finding: Finding) -> str:
    """The hint that describes a fix and the options that apply it."""
    if (fix := finding.diagnostic.fix) is None or (fix.applicability == "safe" and not finding.is_fixable):
        return ""
    option = "--fix"
    if not finding.is_fixable:
        option += " --unsafe-fixes" if fix.applicability == "unsafe" else f" --fixable {','.join(fix.codes)}"
    if not fix.replacement:
        return f"{option} removes this."
    shown = repr(fix.replacement) if isinstance(fix.replacement, str) else f"the tokens {list(fix.replacement)}"
    return f"{option} writes {abridge(shown)}."


def concise(checked: Checked, finding: Finding) -> str:
    """A finding on one line."""
    code, mark = finding.code, f"{FIXABLE} " if finding.is_fixable else ""
    return f"{place(checked, finding)}: {code.severity} {code.code} {code.name}: {mark}{finding.message}\n"


def json_line(checked: Checked, finding: Finding) -> str:
    """A finding as a JSON value on a line."""
    return json.dumps({"file": checked.name, "row": checked.row, "id": checked.id} | describe(finding)) + "\n"


COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
"""Commands by severity. Source: GitHub's workflow commands."""


def github(checked: Checked, finding: Finding) -> str:
    """A finding as an annotation of a GitHub workflow."""
    code = finding.code
    places = {
        "file": printable_name(checked.name),
        "line": finding.line,
        "endLine": finding.end_line,
        "col": finding.column,
        "endColumn": finding.end_column if finding.end_line == finding.line else None,
        "title": f"{code.code} {code.name}",
    }
    fields = ",".join(f"{key}={_escaped(str(value), True)}" for key, value in places.items() if value is not None)
    message = f"{place(checked, finding)}: {finding.message}"
    return f"::{COMMANDS[code.severity]} {fields}::{_escaped(message, False)}\n"


def _escaped(text: str, is_property: bool) -> str:
    """A text with the escapes of workflow commands."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


OUTPUTS: dict[str, Callable[[ModuleType], Output]] = {
    "human": lambda _: Each(human),
    "concise": lambda _: Each(concise),
    "json": lambda _: Each(json_line),
    "sarif": Sarif,
    "github": lambda _: Each(github),
}
"""The formats by name, for findings of a codec."""

WITH_SPANS = ("json",)
"""Formats that locate findings both in tokens and in text."""

FOR_READERS = ("human", "concise")
"""Formats for people: the summary follows the findings."""

WITH_STATISTICS = (*FOR_READERS, "json")
"""Formats of statistics."""
