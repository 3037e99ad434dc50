"""Writes findings as a SARIF log, one at a time, so the log is never in memory as a whole.

Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import PurePath
from types import ModuleType
from typing import Any
from urllib.parse import quote

from ..errors import Code
from .catalogue import codes
from .findings import Checked, Finding
from .input_files import STDIN

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

LEVELS = {"error": "error", "warning": "warning", "info": "note"}


class Sarif:
    """A log of one run.

    Its rules are those of a codec, and others that files with a codec of their own violate. Codecs may have different
    rules of one code, so results refer to rules by index.
    """

    def __init__(self, codec: ModuleType) -> None:
        self.between = ""
        self.indexes = {code: index for index, code in enumerate(codes(codec))}

    def head(self) -> str:
        """The text before the results."""
        opened = json.dumps({"$schema": SCHEMA, "version": VERSION}).removesuffix("}")
        return f'{opened}, "runs": [{{"columnKind": "unicodeCodePoints", "results": ['

    def finding(self, checked: Checked, finding: Finding) -> str:
        """A result."""
        between, self.between = self.between, ","
        return f"{between}\n{json.dumps(self._result(checked, finding))}"

    def tail(self, complete: bool) -> str:
        """How the run ended, and the tool: its rules are known only now."""
        driver = {
            "name": "harmony-spec",
            "version": version("harmony-spec"),
            "rules": [_rule(code) for code in self.indexes],
        }
        rest = {"tool": {"driver": driver}, "invocations": [{"executionSuccessful": complete}]}
        return f"\n], {json.dumps(rest).removeprefix('{')}]}}\n"

    def _result(self, checked: Checked, finding: Finding) -> dict[str, Any]:
        code = finding.code
        result: dict[str, Any] = {
            "ruleId": code.code,
            "ruleIndex": self.indexes.setdefault(code, len(self.indexes)),
            "level": LEVELS[code.severity],
            "message": {"text": finding.message or code.name},
            "locations": [_location(checked, finding)],
        }
        if checked.id is not None:
            result["properties"] = {"id": checked.id}
        return result | _fix(checked, finding)


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.code,
        "name": code.name,
        "shortDescription": {"text": code.name.replace("-", " ")},
        "fullDescription": {"text": code.why},
        "defaultConfiguration": {"level": LEVELS[code.severity]},
    }


def _location(checked: Checked, finding: Finding) -> dict[str, Any]:
    """The place in the file, if it has lines, and in the row or message."""
    places = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(checked.name)}}
    if region := {key: value for key, value in places.items() if value is not None}:
        physical["region"] = region
    diagnostic = finding.diagnostic
    parts = [] if checked.row is None else [f"row {checked.row}"]
    if diagnostic.unit:
        parts += [f"message {diagnostic.index}", f"{diagnostic.unit} {diagnostic.span.start}"]
    if not parts:
        return {"physicalLocation": physical}
    return {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": ", ".join(parts)}]}


def _fix(checked: Checked, finding: Finding) -> dict[str, Any]:
    """The fix of a text. In other formats, offsets in the source are not offsets in the file."""
    fix = finding.diagnostic.fix
    if fix is None or not isinstance(fix.replacement, str) or checked.row is not None or finding.column is None:
        return {}
    replacement = {
        "deletedRegion": {"charOffset": fix.span.start, "charLength": fix.span.end - fix.span.start},
        "insertedContent": {"text": fix.replacement},
    }
    change = {"artifactLocation": {"uri": _uri(checked.name)}, "replacements": [replacement]}
    return {"fixes": [{"artifactChanges": [change]}]}


def _uri(name: str) -> str:
    if name == STDIN:
        return "stdin"
    path = PurePath(name)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
