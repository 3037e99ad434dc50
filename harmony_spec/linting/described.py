"""Findings as plain data, for whoever reads them by program."""

from __future__ import annotations

from typing import Any

from .findings import Checked, Finding
from .terminal_text import named


def described(finding: Finding) -> dict[str, Any]:
    """A finding as JSON: where it is in a file or a row, what it is, and what fixes it."""
    said = finding.diagnostic
    fix = said.fix and {
        "span": list(said.fix.span),
        "replacement": said.fix.replacement,
        "applicability": said.fix.applicability,
        "codes": list(said.fix.codes),
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
        "unit": said.unit or None,
        "span": list(said.span) if said.unit else None,
        "text_span": finding.text_span and list(finding.text_span),
        "token_span": finding.token_span and list(finding.token_span),
        "index": said.index,
        "raw": said.raw,
        "taken_for": said.taken_for or None,
        "evidence": said.evidence,
        "expected": list(said.expected),
        "pointer": (finding.pointer + said.pointer) or None,
        "fix": fix,
    }


def place(checked: Checked, finding: Finding) -> str:
    """Where a finding is, in a few words that terminals and editors know."""
    name = named(checked.name)
    where = name if checked.row is None else f"{name}:{checked.row}"
    if finding.column is not None:
        return f"{where}:{finding.column}" if checked.row is not None else f"{where}:{finding.line}:{finding.column}"
    if finding.pointer:
        return f"{where} at {finding.pointer}"
    said = finding.diagnostic
    return f"{where}: {said.unit} {said.span.start}" if said.unit else where
