"""The codes of what the library raises, as a module: exceptions are there before any codec is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..build import build
from ..read.grammar_folder import DIAGNOSTICS, load
from .recovery_code import emit_code
from .source_text import Writer

PREFIX = "runtime."


def error_codes(folder: Path) -> str:
    """The source text of a module with a constant for each diagnostic of a grammar folder that is raised."""
    sources = load(folder)
    recovery = build(sources).recovery
    assert recovery is not None
    writer = Writer()
    writer.docstring([f"Codes of errors. Generated from grammar/{DIAGNOSTICS} by `python -m codegen`. Do not edit."])
    writer.line()
    writer.line("from .errors import Code")
    writer.line()
    for name, entry in sorted(recovery.codes.items(), key=lambda item: item[1].code):
        if sources.diagnostics[name].get("raised"):
            block = emit_code(name, entry)
            constant = name.upper().replace("-", "_")
            writer.block(replace(block, open=block.open.removeprefix(PREFIX)), prefix=f"{constant} = ")
    return writer.text()
