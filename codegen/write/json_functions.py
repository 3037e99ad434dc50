"""The functions for the JSON form, and the tables that complete what the classes say of it."""

from __future__ import annotations

from ..model.content_rules import fixed_text
from ..model.content_types import definition_name, terminals_of, user_rules
from ..model.format_model import MESSAGE, Format
from ..model.terminals import FixedText
from .content_table import terminal_pattern
from .definition_tables import name_terminal
from .public_functions import emit_json_functions
from .source_text import PythonCode, Writer, arguments, call, data, literal


def emit_json(format: Format, writer: Writer) -> None:
    table = format.json
    found = {
        "always": tuple(_path(format, path) for path in table.get("always", ())),
        "absent": {_path(format, path): text for path, text in table.get("absent", {}).items()},
        "joined": {
            name: {field: fixed_text(format.mark_of(field) or FixedText("")) or None for field in fields}
            for name, fields in table.get("joined", {}).items()
        },
        "keyed": {_path(format, path): key for path, key in table.get("keyed", {}).items()},
        "spelled": {_path(format, path): tuple(texts) for path, texts in table.get("spelled", {}).items()},
        "patterns": _patterns(format),
    }
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


def _path(format: Format, path: str) -> str:
    """A path with the name of a class in the JSON form in place of a rule."""
    rule, _, name = path.partition(".")
    return path if rule == MESSAGE else f"{definition_name(format.contents, rule)}.{name}"


def _patterns(format: Format) -> dict[str, PythonCode]:
    """The pattern of the fields of contents that have the terminal for the names of tools."""
    contents, named, found = format.contents, name_terminal(format), dict[str, PythonCode]()
    for rule in user_rules(contents) if named else ():
        for name, (node, *_) in contents.fields(rule).items():
            if named in (terminals := terminals_of(contents, node)):
                patterns = (terminal_pattern(terminal.name) for terminal in terminals)
                found[f"{definition_name(contents, rule)}.{name}"] = PythonCode(f" + {literal('|')} + ".join(patterns))
    return found
