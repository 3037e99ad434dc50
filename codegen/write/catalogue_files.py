"""What is made of the catalogue: the page `docs/diagnostics.md`, and the module `harmony_spec/codes.py`.

The module has a constant for each diagnostic that the library reports. Neither is a part of any codec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..model.format_model import CatalogueEntry
from ..model.recovery_tables import DEFAULT_SEVERITY
from ..read.grammar_folder import DIAGNOSTICS_FILE
from .source_text import Block, Writer, call, literal

MAX_EXAMPLE_CHARS = 300
"""Longer examples are cut in the middle. Those with a declaration of tools have up to 340."""

APPLIED_BY = {
    "safe": "--fix",
    "unsafe": "--fix --unsafe-fixes",
    "display": "--fix --fixable CODES",
}
"""The options of `harmony-spec validate` that apply a fix."""

PAGE_HEAD = f"""\
# Diagnostics

<!-- Generated from grammar/{DIAGNOSTICS_FILE} by `python -m codegen`. Do not edit. -->

The mistakes in inputs that are reported as diagnostics or raised as errors. Codes and names are stable.
[recovery.md](recovery.md) describes how malformed inputs are read. A test reads each example: `bad` has exactly this
diagnostic and those that it comes with, `good` has none. Lists of numbers are token ids. Of long examples, the middle
is left out; `harmony-spec explain CODE` prints them whole.
"""


def diagnostics_page(diagnostics: Mapping[str, Any]) -> str:
    """Return the page in Markdown for the entries of diagnostics.toml, in the order of their codes."""
    names = sorted(diagnostics, key=lambda name: (diagnostics[name]["code"], name))
    return "\n".join([PAGE_HEAD, *(line for name in names for line in _entry(name, diagnostics[name]))])


def code_span(text: str) -> str:
    """Return a text without line breaks as a code span."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    ticks = text.startswith("`") or text.endswith("`")
    spaces = text.startswith(" ") and text.endswith(" ") and text.strip(" ")
    pad = " " if ticks or spaces else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _entry(name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {entry['code']} {name}"
    yield ""
    yield entry["why"]
    yield ""
    yield f"- severity: {entry.get('severity', DEFAULT_SEVERITY)}"
    if fix := entry.get("fix"):
        yield f"- fix: {fix}, applied by `validate {APPLIED_BY[fix]}`"
    circumstances = "".join(f", {words}" for words in _circumstances(entry))
    for key, label in (("bad", f"bad{circumstances}"), ("good", "good")):
        if key in entry:
            yield f"- {label}: {code_span(shown(entry[key]))}"
    if others := entry.get("with"):
        yield f"- comes with: {', '.join(others)}"
    yield ""


def shown(example: Any) -> str:
    """An example as text on one line; the middle of a long one is left out."""
    text = example if isinstance(example, str) and example.isprintable() else json.dumps(example)
    if len(text) <= MAX_EXAMPLE_CHARS:
        return text
    half = MAX_EXAMPLE_CHARS // 2
    return f"{text[:half]} … {text[-half:]}"


def _circumstances(entry: Mapping[str, Any]) -> Iterator[str]:
    """How to read the examples, if not as a transcript without further context."""
    if "read" in entry:
        yield f"for `{entry['read']}`"
    if "start" in entry:
        yield f"as a {entry['start']}"
    if "tools" in entry:
        yield f"where {', '.join(map(code_span, entry['tools']))} is offered"
    if entry.get("stripped"):
        yield "read with `stripped=True`"


def library_codes(diagnostics: Mapping[str, CatalogueEntry]) -> str:
    writer = Writer()
    writer.docstring(
        [f"What the library reports. Generated from grammar/{DIAGNOSTICS_FILE} by `python -m codegen`. Do not edit."]
    )
    writer.space()
    writer.line("from .errors import Code")
    writer.space()
    for name, entry in sorted(diagnostics.items(), key=lambda item: item[1].code):
        writer.block(code(name, entry, "Code"), prefix=f"{name.upper().replace('-', '_')} = ")
    return writer.text()


def code(name: str, entry: CatalogueEntry, made: str) -> Block:
    arguments = [literal(entry.code), literal(name), literal(entry.why), literal(entry.severity)]
    return call(made, *arguments, *([f"fix={literal(entry.fix)}"] if entry.fix else []))
