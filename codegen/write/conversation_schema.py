"""The JSON form of a conversation: its schema, completed with the fields that the grammar knows."""

from __future__ import annotations

import copy
from typing import Any

from ..model.format_model import CONTENT, Field, Format, Mark, Node, Sequence, described, walk
from ..model.terminals import Literal, Special
from ..read.data_files import WRITTEN_AS
from .content_schema import content_definitions
from .source_text import Block, Writer, call, data, group, literal, signature

ALWAYS = "x-always-written"


def emit_conversation(format: Format, writer: Writer) -> None:
    if format.schema is None:
        return
    schema = completed_schema(format, format.schema)
    properties = schema["$defs"]["message"]["properties"]
    writer.line()
    writer.line()
    code = data(schema)
    assert isinstance(code, Block)
    writer.block(code, prefix="CONVERSATION_SCHEMA: dict[str, Any] = ")
    writer.line('"""The JSON Schema of the JSON form of a conversation."""')
    if format.namespace is not None:
        writer.line()
        namespace = data(dict(format.namespace))
        assert isinstance(namespace, Block)
        writer.block(namespace, prefix="NAMESPACE_SCHEMA: dict[str, Any] = ")
        writer.line('"""The JSON Schema of a tool namespace."""')
    writer.line()
    items = group(_property(format, name, schema) for name, schema in properties.items() if name != CONTENT)
    writer.block(items, prefix="_PROPERTIES = ")
    emit_json_functions(format, writer)


def emit_json_functions(format: Format, writer: Writer) -> None:
    """What users call for the JSON form, both ways."""
    if format.schema is None:
        return
    written = ["The JSON form of messages, ready for `json.dumps`."]
    read = ["The messages of a conversation in its JSON form.", "", "Raises:"]
    read.append("    runtime.ConversationError: the value breaks the schema; says where and how.")
    _json_function("to_json", "messages: Sequence[Message]", "dict[str, Any]", written, writer)
    _json_function("from_json", "value: object", "list[Message]", read, writer)


def _json_function(name: str, parameter: str, result: str, doc: list[str], writer: Writer) -> None:
    signature(name, [parameter], result, writer)
    writer.docstring(doc)
    writer.line(f"return runtime.{name}(FORMAT, CONVERSATION_SCHEMA, _PROPERTIES, {parameter.split(':')[0]})")
    writer.depth -= 1


def completed_schema(format: Format, schema: Any) -> Any:
    """The schema with a property for each header field, and a definition for each content, that it does not mention."""
    schema = copy.deepcopy(dict(schema))
    if format.contents.roles:
        schema["$defs"] |= content_definitions(format, schema["$defs"])
    message = schema["$defs"]["message"]
    present = message.setdefault("properties", {})
    covered = {field for entry in present.values() for field in entry.get(WRITTEN_AS, ())} | set(present)
    missing = {f.name: _schema_of(f) for f in format.fields if f.name not in covered}
    required = {
        name: entry for name, entry in missing.items() if any(f.name == name and f.required for f in format.fields)
    }
    message["properties"] = required | present | missing
    return schema


def _schema_of(field: Field) -> dict[str, Any]:
    text = described(field.doc)
    base: dict[str, Any] = {"description": text} if text else {}
    if field.flag:
        return base | {"type": "boolean"}
    if field.values:
        return base | {"enum": [*field.values, *([] if field.required else [None])]}
    return base | {"type": "string" if field.required else ["string", "null"]}


def _property(format: Format, name: str, entry: dict[str, Any]) -> Block:
    parts = entry.get(WRITTEN_AS, [name])
    absent = entry.get("default")
    return call(
        "runtime.Property",
        literal(name),
        group(f"({literal(part)}, {literal(mark) if (mark := mark_text(format, part)) else None})" for part in parts),
        f"absent={literal(absent) if isinstance(absent, str) else None}",
        f"always={bool(entry.get(ALWAYS)) or any(f.name == name and f.required for f in format.fields)}",
    )


def mark_text(format: Format, field: str) -> str | None:
    """How the presence of a flag is spelled; None for a field that has text."""
    for rule in format.rules.values():
        for node in walk(rule.node):
            if isinstance(node, Mark) and node.field == field:
                return _spelled(format, node.item)
    return None


def _spelled(format: Format, node: Node) -> str:
    match format.resolve(node):
        case Special(_, spelling):
            return spelling
        case Literal(text):
            return text
        case Sequence(items):
            return "".join(_spelled(format, item) for item in items)
    return ""
