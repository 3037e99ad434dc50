"""The JSON Schema of conversations, completed with what the grammar knows, and the functions for the JSON form.

`grammar/conversation.schema.json` describes what the grammar does not: each field and each content is added to it.
"""

from __future__ import annotations

import copy
from typing import Any

from ..model.content_rules import METASCHEMA, Contents, Part
from ..model.content_types import (
    definition_name,
    is_schema,
    kind_of,
    listed_values,
    ordered_fields,
    record_in,
    required_fields,
    user_rules,
)
from ..model.format_model import CONTENT, Field, Format, Mark, Node, Sequence, walk, without_sources
from ..model.terminals import FixedText, Special
from ..read.data_files import WRITTEN_AS
from .source_text import Block, Writer, call, data, group, literal, signature

ALWAYS_WRITTEN = "x-always-written"


def emit_conversation(format: Format, writer: Writer) -> None:
    if format.namespace is not None:
        writer.line()
        writer.line()
        namespace = data(dict(format.namespace))
        assert isinstance(namespace, Block)
        writer.block(namespace, prefix="NAMESPACE_SCHEMA: dict[str, Any] = ")
        writer.line('"""The JSON Schema of a tool namespace."""')
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
    writer.line()
    items = group(_property(format, name, schema) for name, schema in properties.items() if name != CONTENT)
    writer.block(items, prefix="_PROPERTIES = ")
    emit_json_functions(format, writer)


def emit_json_functions(format: Format, writer: Writer) -> None:
    """Write `to_json` and `from_json`."""
    if format.schema is None:
        return
    written = ["The JSON form of messages, ready for `json.dumps`."]
    read = ["The messages of a conversation in its JSON form.", "", "Raises:"]
    read.append("    runtime.ConversationError: the value breaks the schema; the error names the place.")
    _json_function("to_json", "messages: Sequence[Message]", "dict[str, Any]", written, writer)
    _json_function("from_json", "value: object", "list[Message]", read, writer)


def _json_function(name: str, parameter: str, result: str, doc: list[str], writer: Writer) -> None:
    signature(name, [parameter], result, writer)
    writer.docstring(doc)
    writer.line(f"return runtime.{name}(FORMAT, CONVERSATION_SCHEMA, _PROPERTIES, {parameter.split(':')[0]})")
    writer.depth -= 1


def completed_schema(format: Format, schema: Any) -> Any:
    """Add a property for each header field and a definition for each content that the schema does not mention."""
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
    text = without_sources(field.doc)
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
        f"always={bool(entry.get(ALWAYS_WRITTEN)) or any(f.name == name and f.required for f in format.fields)}",
    )


def mark_text(format: Format, field: str) -> str | None:
    """The spelling of a flag; None for a field that has text."""
    for rule in format.rules.values():
        for node in walk(rule.node):
            if isinstance(node, Mark) and node.field == field:
                return _spelled(format, node.item)
    return None


def _spelled(format: Format, node: Node) -> str:
    match format.resolve(node):
        case Special(_, spelling):
            return spelling
        case FixedText(text):
            return text
        case Sequence(items):
            return "".join(_spelled(format, item) for item in items)
    return ""


KEYED_BY = "x-keyed-by"
"""The key of a list whose items may also be the values of an object, as `harmony_spec.content_json` reads it."""


def content_definitions(format: Format, written: dict[str, Any]) -> dict[str, Any]:
    """A definition for each class of contents, and `part` for a part of a content."""
    contents = format.contents
    named = copy.deepcopy(dict(format.namespace or {}).get("$defs", {}))
    found = {
        name: entry for name, entry in named.items() if name not in contents.rules or not _is_class(contents, name)
    }
    for rule in user_rules(contents):
        name = definition_name(contents, rule)
        properties = {} if rule not in contents.roles else {"type": {"const": name}}
        for field in dict(ordered_fields(contents, rule)):
            properties[field] = _content_property(contents, rule, field)
        for source in (named.get(name, {}), written.get(name, {})):
            for field, entry in source.get("properties", {}).items():
                if METASCHEMA not in str(entry):
                    properties[field] = _merged(properties.get(field, {}), entry)
        required = [field for field in properties if field in required_fields(contents, rule) or field == "type"]
        described = {key: value for key, value in written.get(name, {}).items() if key != "properties"}
        base = {"type": "object", "required": required, "additionalProperties": False, "properties": properties}
        found[name] = described | base
    roles = [definition_name(contents, role) for role in contents.roles]
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}},
            "then": {"$ref": f"#/$defs/{name}"},
        }
        for name in ["text", *roles]
    ]
    part = {"type": "object", "required": ["type"], "properties": {"type": {"enum": ["text", *roles]}}, "allOf": cases}
    return found | {"part": part}


def _merged(made: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """Merge what the types and the file say about a property; the file wins."""
    if "$ref" in written or "enum" in written or "items" in written:
        made = {key: value for key, value in made.items() if key.startswith("x-")}
    elif KEYED_BY in written and "items" in made:
        made = made | {"type": ["array", "object", "null"], "additionalProperties": made["items"]}
    return made | written


def _is_class(contents: Contents, rule: str) -> bool:
    return contents.rules[rule].kind == "record"


def _content_property(contents: Contents, rule: str, field: str) -> dict[str, Any]:
    node = contents.fields(rule)[field][0]
    kind = kind_of(contents, node)
    required = field in required_fields(contents, rule)
    if is_schema(contents, node):
        return {"type": ["object", "boolean", "null"]}
    if kind == "bool":
        return {"type": ["boolean", "null"] if (rule, field) in contents.implied else "boolean"}
    if kind.startswith("list["):
        if (record := record_in(contents, node)) is None:
            return {"type": "array", "items": {"type": "string"}}
        item = definition_name(contents, record)
        return {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{item}"}, "x-item": item}
    if isinstance(node, Part) and _is_class(contents, node.rule):
        name = definition_name(contents, node.rule)
        reference = {"$ref": f"#/$defs/{name}"}
        return {"if": {"type": "object"}, "then": reference, "else": {"type": "null"}, "x-record": name}
    if kind == "Any":
        return {}
    if values := listed_values(contents, node):
        return {"enum": [*values, *([] if required else [None])], "x-values": list(values)}
    return {"type": "string" if required else ["string", "null"]}
