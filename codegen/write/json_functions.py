"""The functions for the JSON form, and the tables that complete what the classes say of it."""

from __future__ import annotations

from ..model.content_rules import fixed_text
from ..model.content_types import terminals_of, user_rules
from ..model.format_model import Format
from ..read.grammar_nodes import Text
from .content_table import terminal_pattern
from .definition_tables import name_terminal
from .public_functions import emit_json_functions
from .source_text import PythonCode, Writer, arguments, call, data, literal


def emit_json(format: Format, writer: Writer) -> None:
    joined = {
        name: {field: fixed_text(format.mark_of(field) or Text("")) or None for field in fields}
        for name, fields in format.json.get("joined", {}).items()
    }
    found = {**format.json, "joined": joined, "patterns": _patterns(format)}
    used = arguments(**{key: value for key, value in found.items() if value})
    with writer.function("_json", [], "runtime.JsonForm", decorator="cache"):
        writer.line('"""Make the JSON form when it is needed: an import takes a tenth longer with it."""')
        writer.block(call("runtime.JsonForm", "FORMAT", *used), prefix="return ")
    writer.line("CONVERSATION_SCHEMA: dict[str, Any]")
    writer.line('"""The JSON Schema of the JSON form of a conversation."""')
    writer.space()
    with writer.body("if not TYPE_CHECKING:"), writer.function("__getattr__", ["name: str"], "Any"):
        writer.line('if name == "CONVERSATION_SCHEMA":')
        writer.line("    return globals().setdefault(name, _json().schema())")
        writer.line('raise AttributeError(f"module {__name__!r} has no attribute {name!r}")')
    if format.namespace is not None:
        writer.space(2)
        doc = "The JSON Schema of a tool namespace."
        writer.assign("NAMESPACE_SCHEMA: dict[str, Any]", data(format.namespace), doc=doc)
    emit_json_functions(format, writer)


def _patterns(format: Format) -> dict[str, PythonCode]:
    """The pattern of the fields of contents that have the terminal for the names of tools."""
    contents, named, found = format.contents, name_terminal(format), dict[str, PythonCode]()
    for rule in user_rules(contents) if named else ():
        for name, (node, *_) in contents.fields(rule).items():
            if named in (terminals := terminals_of(contents, node)):
                patterns = (terminal_pattern(terminal.name) for terminal in terminals)
                found[f"{rule}.{name}"] = PythonCode(f" + {literal('|')} + ".join(patterns))
    return found
