"""The module with the catalogue of the library: a constant for each diagnostic. It is not a part of any codec."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.format_model import CatalogueEntry
from ..read.grammar_folder import DIAGNOSTICS_FILE
from .source_text import Block, Writer, call, literal


def library_codes(diagnostics: Mapping[str, CatalogueEntry]) -> str:
    writer = Writer()
    writer.docstring(
        [f"What the library reports. Generated from grammar/{DIAGNOSTICS_FILE} by `python -m codegen`. Do not edit."]
    )
    writer.space()
    writer.line("from .errors import Code")
    writer.space()
    for name, entry in sorted(diagnostics.items(), key=lambda item: item[1].code):
        writer.block(code(name, entry, "Code"), prefix=f"{constant_of(name)} = ")
    return writer.text()


def constant_of(name: str) -> str:
    """The name of the constant for a diagnostic."""
    return name.upper().replace("-", "_")


def code(name: str, entry: CatalogueEntry, made: str) -> Block:
    arguments = [literal(entry.code), literal(name), literal(entry.why), literal(entry.severity)]
    return call(made, *arguments, *([f"fix={literal(entry.fix)}"] if entry.fix else []))
