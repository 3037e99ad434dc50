"""The module of error codes. It is not a part of the codec, since errors exist without a codec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..model.format_model import Format
from ..read.grammar_folder import DIAGNOSTICS
from .recovery_code import emit_code
from .source_text import Writer

RUNTIME_PREFIX = "runtime."


def error_codes(format: Format, diagnostics: Mapping[str, Any]) -> str:
    """Return a module with a constant for each diagnostic that diagnostics.toml marks as raised."""
    assert format.recovery is not None
    writer = Writer()
    writer.docstring([f"Codes of errors. Generated from grammar/{DIAGNOSTICS} by `python -m codegen`. Do not edit."])
    writer.line()
    writer.line("from .errors import Code")
    writer.line()
    for name, entry in sorted(format.recovery.codes.items(), key=lambda item: item[1].code):
        if diagnostics[name].get("raised"):
            block = emit_code(name, entry)
            constant = name.upper().replace("-", "_")
            writer.block(replace(block, open=block.open.removeprefix(RUNTIME_PREFIX)), prefix=f"{constant} = ")
    return writer.text()
