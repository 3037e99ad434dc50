"""The part of the schema of a conversation that describes contents: what their types say, and what the files add."""

from __future__ import annotations

import copy
from typing import Any

from ..model.content_rules import METASCHEMA, Contents, Joined, Many, Node, Part, Token
from ..model.content_types import definition_name, is_schema, kind_of, ordered_fields, required_fields, user_rules
from ..model.format_model import Format

KEYED_BY = "x-keyed-by"
"""The key of a list whose items may also be the values of an object, as `harmony_spec.content_json` reads it."""


def content_definitions(format: Format, written: dict[str, Any]) -> dict[str, Any]:
    """A definition for each class of contents, and one for what a content may be made of."""
    contents = format.contents
    named = copy.deepcopy(dict(format.namespace or {}).get("$defs", {}))
    found = {
        name: entry for name, entry in named.items() if name not in contents.rules or not _is_class(contents, name)
    }
    for rule in user_rules(contents):
        name = definition_name(contents, rule)
        properties = {} if rule not in contents.roles else {"type": {"const": name}}
        for field in dict(ordered_fields(contents, rule)):
            properties[field] = _property(contents, rule, field)
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
    """What the types say, and what a file says about the same property; where both say it, the file."""
    if "$ref" in written or "enum" in written or "items" in written:
        made = {key: value for key, value in made.items() if key.startswith("x-")}
    elif KEYED_BY in written and "items" in made:
        made = made | {"type": ["array", "object", "null"], "additionalProperties": made["items"]}
    return made | written


def _is_class(contents: Contents, rule: str) -> bool:
    return contents.rules[rule].kind == "record"


def _property(contents: Contents, rule: str, field: str) -> dict[str, Any]:
    node = contents.fields(rule)[field][0]
    kind = kind_of(contents, node)
    required = field in required_fields(contents, rule)
    if is_schema(contents, node):
        return {"type": ["object", "boolean", "null"]}
    if kind == "bool":
        return {"type": ["boolean", "null"] if (rule, field) in contents.implied else "boolean"}
    if kind.startswith("list["):
        item = _item(contents, node)
        if item is None:
            return {"type": "array", "items": {"type": "string"}}
        return {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{item}"}, "x-item": item}
    if isinstance(node, Part) and _is_class(contents, node.rule):
        name = definition_name(contents, node.rule)
        reference = {"$ref": f"#/$defs/{name}"}
        return {"if": {"type": "object"}, "then": reference, "else": {"type": "null"}, "x-record": name}
    if kind == "Any":
        return {}
    if values := _values(contents, node):
        return {"enum": [*values, *([] if required else [None])], "x-values": list(values)}
    return {"type": "string" if required else ["string", "null"]}


def _values(contents: Contents, node: Node) -> tuple[str, ...]:
    """The values of an enumerated field."""
    if isinstance(node, Token):
        return contents.terminals[node.terminal].values or ()
    if isinstance(node, Part) and contents.rules[node.rule].kind == "enumerated":
        return contents.rules[node.rule].values
    if isinstance(node, Part):
        return next(
            (found for nodes in contents.fields(node.rule).values() if (found := _values(contents, nodes[0]))), ()
        )
    return ()


def _item(contents: Contents, node: Node) -> str | None:
    """The definition of the items of a list of records."""
    match node:
        case Part(_, rule):
            return _item(contents, next(iter(contents.fields(rule).values()))[0])
        case Joined(_, Part(_, rule)):
            return definition_name(contents, rule)
        case Many(_, items):
            part = next((item for item in items if isinstance(item, Part)), None)
            return definition_name(contents, part.rule) if part else None
    return None
