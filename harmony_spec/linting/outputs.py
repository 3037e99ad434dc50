"""Output formats of findings: each has a head, a piece for each finding, and a tail."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePath
from types import ModuleType
from typing import Any
from urllib.parse import quote

from rich.cells import cell_len
from rich.text import Text

from ..diagnostics import abridge
from ..errors import Applicability, Code, HarmonyError, ToolError, any_of
from ..source.saved_text import Source
from ..view.terminal_text import COLORS, MAX_LINE_CHARS, printable, printable_name
from .catalogue import codes, rules
from .findings import Checked, Finding, finding_of_error
from .opening import STDIN
from .results import describe


def id_note(id: object) -> str:
    """The id of a row, after its place; empty if it is not a string or an integer."""
    return f" (id {printable(abridge(str(id)))})" if type(id) in (str, int) else ""


def place(checked: Checked, finding: Finding) -> str:
    """Where a finding is, in the form that terminals and editors recognize."""
    where = ":".join([printable_name(checked.name), *([str(checked.row)] if checked.row is not None else [])])
    if finding.column is not None:
        where += f":{finding.column}" if checked.row is not None else f":{finding.line}:{finding.column}"
    where += id_note(checked.id)
    if finding.column is not None:
        return where
    if finding.pointer:
        return f"{where} at {printable(finding.pointer)}"
    diagnostic = finding.diagnostic
    return f"{where}: {diagnostic.unit} {diagnostic.span.start}" if diagnostic.unit else where


class RunOutput:
    """An output format. Without text around the findings, unless a class adds it.

    Args:
        write: writes a finding; a `Text` has colors.
    """

    head = ""

    def __init__(self, write: Callable[[Checked, Finding], Text | str]) -> None:
        self.finding = write

    def tail(self, complete: bool) -> str:
        """The text after all findings; `complete` is whether all inputs were checked."""
        return ""


FIXABLE = "[*]"
"""Marks findings that have a fix which `--fix` applies, with the other options as they are."""


def human(checked: Checked, finding: Finding) -> Text:
    """A finding with its line, a caret, what was expected, and a hint."""
    code, mark = finding.code, f"{FIXABLE} " if finding.is_fixable else ""
    return _quoted(checked, finding, code.severity, mark + finding.message, "", finding.hint or _fix_hint(finding))


def format_error(name: str, source: Source, error: HarmonyError) -> Text:
    """An error in a file that is one input, in the same form."""
    finding = finding_of_error(error, source, "text", None)
    finding = replace(finding, pointer=error.pointer or finding.pointer)
    rule = error.rule if isinstance(error, ToolError) else ""
    return _quoted(Checked(name, None), finding, "", error.message, rule, error.hint)


def _quoted(checked: Checked, finding: Finding, word: str, message: str, rule: str, hint: str) -> Text:
    """A finding with its line, a caret, and notes; `word` is printed before the code."""
    code, color = finding.code, COLORS[finding.code.severity]
    text = Text()
    text.append(place(checked, finding), style="bold").append(": ")
    text.append(f"{word} {code.code} ".lstrip(), style=f"bold {color}").append(code.name, style=color)
    text.append(f": {printable(message)}\n")
    if finding.around:
        _quote(text, checked, finding, color)
    for title, note in (("expected", any_of(finding.diagnostic.expected)), ("rule", rule), ("help", hint)):
        if note:
            text.append(f"  = {title}: ", style="bold").append(f"{printable(note)}\n")
    return text


def _quote(text: Text, checked: Checked, finding: Finding, color: str) -> None:
    """The part of a line around a position, and a caret under it."""
    line, at = printable(finding.around), finding.caret
    number = str(finding.line) if checked.row is None and finding.line is not None else ""
    start = max(0, min(at - MAX_LINE_CHARS // 2, len(line) - MAX_LINE_CHARS))
    shown = line[start : start + MAX_LINE_CHARS]
    before = "\u2026" if start else ""
    after = "\u2026" if start + MAX_LINE_CHARS < len(line) else ""
    margin = " " * len(number)
    caret = " " * cell_len(before + line[start:at])
    text.append(f"  {margin} |\n  {number} | ", style="blue").append(before + shown + after + "\n")
    text.append(f"  {margin} | ", style="blue").append(f"{caret}^\n", style=f"bold {color}")


def _fix_hint(finding: Finding) -> str:
    """The hint that describes a fix and the options that apply it."""
    if (fix := finding.diagnostic.fix) is None or (fix.applicability == "safe" and not finding.is_fixable):
        return ""
    option = "--fix" if finding.is_fixable else fix_options(fix.applicability, fix.codes)
    if not fix.replacement:
        return f"{option} removes this."
    return f"{option} writes {abridge(repr(finding.written or fix.replacement))}."


def fix_options(applicability: Applicability, codes: Iterable[str]) -> str:
    """The options of `harmony-spec validate` that apply a fix."""
    return {
        "safe": "--fix",
        "unsafe": "--fix --unsafe-fixes",
        "display": f"--fix --fixable {','.join(codes)}",
    }[applicability]


def concise(checked: Checked, finding: Finding) -> str:
    """A finding on one line."""
    code, mark = finding.code, f"{FIXABLE} " if finding.is_fixable else ""
    return f"{place(checked, finding)}: {code.severity} {code.code} {code.name}: {mark}{finding.message}\n"


def json_line(checked: Checked, finding: Finding) -> str:
    """A finding as a JSON value on a line."""
    return json.dumps({"file": checked.name, "row": checked.row, "id": checked.id} | describe(finding)) + "\n"


GITHUB_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
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
    return f"::{GITHUB_COMMANDS[code.severity]} {fields}::{_escaped(message, False)}\n"


def _escaped(text: str, is_property: bool) -> str:
    """A text with the escapes of workflow commands."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


SARIF_VERSION = "2.1.0"
"""Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard."""

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

LEVELS = {"error": "error", "warning": "warning", "info": "note"}


class Sarif(RunOutput):
    """A SARIF log of one run, written one finding at a time, so the log is never in memory as a whole.

    Its rules are those of a codec, and others that files with a codec of their own violate. Codecs may have different
    rules of one code, so results refer to rules by index.
    """

    head = json.dumps({"$schema": SARIF_SCHEMA, "version": SARIF_VERSION}).removesuffix("}") + (
        ', "runs": [{"columnKind": "unicodeCodePoints", "results": ['
    )

    def __init__(self, codec: ModuleType) -> None:
        super().__init__(self._write)
        self.between = ""
        self.indexes = {code: index for index, code in enumerate(codes(codec))}
        self.pages = {rule.code: rule.page for rule in rules(codec).values()}

    def _write(self, checked: Checked, finding: Finding) -> str:
        between, self.between = self.between, ","
        return f"{between}\n{json.dumps(self._result(checked, finding))}"

    def tail(self, complete: bool) -> str:
        """How the run ended, and the tool: its rules are known only now."""
        from importlib.metadata import version  # a twentieth of what the command imports

        driver = {
            "name": "harmony-spec",
            "version": version("harmony-spec"),
            "rules": [_rule(code, self.pages.get(code)) for code in self.indexes],
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


def _rule(code: Code, page: str | None) -> dict[str, Any]:
    return {
        "id": code.code,
        "name": code.name,
        "shortDescription": {"text": code.name.replace("-", " ")},
        "fullDescription": {"text": code.why},
        "defaultConfiguration": {"level": LEVELS[code.severity]},
    } | ({"helpUri": page} if page else {})


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


OUTPUTS: dict[str, Callable[[ModuleType], RunOutput]] = {
    "human": lambda _: RunOutput(human),
    "concise": lambda _: RunOutput(concise),
    "json": lambda _: RunOutput(json_line),
    "sarif": Sarif,
    "github": lambda _: RunOutput(github),
}
"""The formats by name, for findings of a codec."""

WITH_SPANS = ("json",)
"""Formats that locate findings both in tokens and in text."""

FOR_READERS = ("human", "concise")
"""Formats for people: the summary follows the findings."""

WITH_STATISTICS = (*FOR_READERS, "json")
"""Formats of statistics."""
