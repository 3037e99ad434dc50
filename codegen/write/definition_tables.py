"""The table of what contents define: tools and forms of answers."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.content_types import class_name, is_list, record_in, terminal_of
from ..model.format_model import Format
from ..model.terminals import Terminal
from .source_text import Writer, arguments, call, data, literal


def emit_definitions(format: Format, writer: Writer) -> None:
    if not format.definitions:
        return
    values: dict[str, object] = {}
    for key, defined in format.definitions.items():
        values[key] = call("runtime.Definition", class_name(format.contents, defined.rule), data(defined.fields))
    made = arguments(functions=format.functions, **values, holders=tuple(_holders(format)))
    writer.assign("_DEFINITIONS", call("runtime.Definitions", *made))
    if format.functions:
        doc = "The namespace of the tools that a developer offers."
        writer.assign("FUNCTION_NAMESPACE", literal(format.functions), doc=doc)


def _holders(format: Format) -> Iterator[tuple[str, str]]:
    """The roles whose contents have namespaces, with their field."""
    contents, namespace = format.contents, format.definitions.get("namespace")
    for role in contents.roles if namespace else ():
        for name, nodes in contents.fields(role).items():
            if is_list(contents, nodes[0]) and namespace and record_in(contents, nodes[0]) == namespace.rule:
                yield role, name


def name_terminal(format: Format) -> Terminal | None:
    """The terminal for the names of tools; None if contents do not define any."""
    tool = format.definitions.get("tool")
    return terminal_of(format.contents, format.contents.fields(tool.rule)[tool.fields["name"]][0]) if tool else None
