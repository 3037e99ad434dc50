"""Types of tools as `openai_harmony` writes them, for schemas that it writes without loss.

A schema is lost if a keyword is left out, or if the text is also that of another schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Set
from typing import Any

from pydantic_core import to_json

ALONE: Set[str] = frozenset()
WITH_PROPERTY: Set[str] = frozenset({"title", "description", "examples", "default", "nullable"})
WITH_VARIANT: Set[str] = frozenset({"description", "default", "nullable"})
"""The keywords that are written next to a type: none, those of a property, those of an alternative."""

IGNORED: Set[str] = frozenset({"$schema", "$defs", "definitions"})
"""Keywords without an effect in a schema that has no references."""

EMPTY_VALUES = {"title": "", "description": "", "examples": []}
"""Values that add nothing to a schema."""

SCALARS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}
LISTED = {**SCALARS, "null": "null", "object": "object", "array": "array"}
"""The names of types, alone and in a list of types."""

LINE = re.compile("[^\n\r\u2028\u2029]*")
QUOTED = re.compile('[^\n\r\u2028\u2029"\\\\]*')
REMARK = re.compile("(?!default: )(?:(?! default: )[^\n\r\u2028\u2029])*")
ABOUT_ALTERNATIVES = re.compile("(?!default: |- )[^\n\r\u2028\u2029]*")
PROPERTY = re.compile('(?![^\\S\n]*[}"])(?:(?!//)[^\n\r\u2028\u2029?:])*')
"""Texts that can be read back: a comment, a text in quotes, the comment on an alternative, the comment on a property
with alternatives, and the name of a property."""

EXPONENT = re.compile(r'("(?:[^"\\]|\\.)*")|(?<=\d)e\+')
"""The sign of an exponent in JSON, which `openai_harmony` leaves out; the group matches strings."""


class Lost(ValueError):
    """`openai_harmony` loses a part of the schema."""


def peer_type(schema: Any) -> str | None:
    """Return a type as `openai_harmony` writes it; None if that loses a part of the schema."""
    try:
        text = _type(schema, "", ALONE)
    except (ValueError, RecursionError):
        return None
    return None if _ends_in_comment(schema) else text


def _type(schema: Any, indent: str, beside: Set[str]) -> str:
    if schema is True:
        return "any"
    if not isinstance(schema, dict):
        raise Lost
    text, written = _bare_type(schema, indent)
    _require(schema, written | beside)
    if schema.get("nullable") is not True:
        return text
    if "oneOf" in schema or ("null" in text and not isinstance(schema.get("type"), list)):
        raise Lost
    return text if "null" in text else f"{text} | null"


def _require(schema: dict[str, Any], written: Set[str]) -> None:
    """Raise `Lost` if a keyword that restricts or describes the value is not written."""
    for keyword in schema.keys() - written - IGNORED:
        is_empty = keyword in EMPTY_VALUES and schema[keyword] == EMPTY_VALUES[keyword]
        if not is_empty and (keyword != "nullable" or schema[keyword] is True):
            raise Lost


def _bare_type(schema: dict[str, Any], indent: str) -> tuple[str, Set[str]]:
    """Return a type and the keywords that it expresses."""
    kind = schema.get("type")
    if "oneOf" in schema:
        return f"\n{_alternatives(schema['oneOf'], indent)}", {"oneOf"}
    if "type" not in schema:
        return "any", ALONE
    if isinstance(kind, list) and kind and all(isinstance(each, str) and each in LISTED for each in kind):
        return " | ".join(LISTED[each] for each in kind), {"type"}
    if kind == "object":
        others = {"additionalProperties"} if schema.get("additionalProperties") in (True, {}) else ALONE
        return _object(schema, indent), {"type", "properties", "required", "description", *others}
    if kind == "array":
        return _array(schema, indent), {"type", "items"}
    if kind == "string" and "enum" in schema:
        return " | ".join(f'"{_fit(QUOTED, value)}"' for value in _strings(schema["enum"])), {"type", "enum"}
    if not isinstance(kind, str) or kind not in SCALARS:
        raise Lost
    return SCALARS[kind], {"type"}


def _array(schema: dict[str, Any], indent: str) -> str:
    if "items" not in schema:
        return "Array<any>"
    items, written = schema["items"], _type(schema["items"], indent, ALONE)
    if isinstance(items, dict) and ("oneOf" in items or (items.get("type") != "object" and " | " in written)):
        raise Lost  # the brackets would belong to the last alternative
    return f"{written}[]"


def _object(schema: dict[str, Any], indent: str) -> str:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise Lost
    if not all(isinstance(name, str) and name in properties for name in required):
        raise Lost
    needed = set(required)
    members = [_member(name, each, name in needed, indent) for name, each in properties.items()]
    return f"{_comment(LINE, schema, 'description', indent)}{{\n{''.join(members)}{indent}}}"


def _member(name: Any, schema: Any, required: bool, indent: str) -> str:
    key = f"{indent}{_fit(PROPERTY, name)}{'' if required else '?'}:"
    if not isinstance(schema, dict):
        return f"{key} {_type(schema, indent, ALONE)},\n"
    title = f"{_comment(LINE, schema, 'title', indent)}{indent}//\n" if "title" in schema else ""
    examples = _examples(schema.get("examples", []), indent)
    default = f"// {_default(schema, 'enum' in schema)}" if "default" in schema else ""
    if "oneOf" not in schema:
        about = _comment(LINE, schema, "description", indent)
        written = _type(schema, f"{indent}    ", WITH_PROPERTY)
        return f"{title}{about}{examples}{key} {written},{default and ' '}{default}\n"
    _require(schema, {"oneOf", *WITH_PROPERTY - {"nullable"}})
    about = _comment(ABOUT_ALTERNATIVES, schema, "description", indent)
    alternatives = _alternatives(schema["oneOf"], indent, property=schema)
    above = f"{indent}{default}\n" if default else ""
    return f"{title}{examples}{about}{above}{key}\n{alternatives}\n{indent},\n"


def _alternatives(options: Any, indent: str, property: dict[str, Any] | None = None) -> str:
    """Write alternatives, each on its line.

    Args:
        property: the property that has them: a description of the first one is not written after one of the property.
    """
    if not isinstance(options, list) or not options:
        raise Lost
    lines = []
    about = None if property is None else property.get("description")
    if about is not None and isinstance(options[0], dict) and options[0].get("description") == about:
        raise Lost
    for number, option in enumerate(options):
        written = _type(option, f"{indent}   ", WITH_VARIANT)
        remarks = []
        if isinstance(option, dict):
            if "description" in option:
                remark = _fit(REMARK, option["description"])
                if about is None or (number and remark != about):
                    remarks.append(remark)
                elif option.get("type") != "object":
                    raise Lost
            if "default" in option:
                remarks.append(_default(option, property is not None and "enum" in option))
            if remarks and "oneOf" in option:
                raise Lost  # they would belong to its last alternative
        lines.append(f"{indent} | {written}{' // ' * bool(remarks)}{' '.join(remarks)}")
    return "\n".join(lines)


def _ends_in_comment(schema: Any) -> bool:
    """Whether the last line of a type is a comment, so that nothing can follow it."""
    while isinstance(schema, dict) and "oneOf" in schema:
        schema = schema["oneOf"][-1]
        if isinstance(schema, dict) and not schema.keys().isdisjoint({"description", "default"}):
            return True
    return False


def _default(schema: dict[str, Any], bare: bool) -> str:
    """Write a default.

    Args:
        bare: write a str without quotes, as that of an enumeration.
    """
    value = schema["default"]
    if not isinstance(value, str) or (not bare and "enum" in schema):
        written = EXPONENT.sub(lambda match: match[1] or "e", to_json(value).decode())
        if bare and written in schema["enum"]:
            raise Lost
        return f"default: {written}"
    if not bare:
        return f'default: "{_fit(QUOTED, value)}"'
    try:
        json.loads(value)
    except ValueError:
        return f"default: {_fit(LINE, value)}"
    raise Lost


def _examples(values: Any, indent: str) -> str:
    if not isinstance(values, list):
        raise Lost
    lines = [f'{indent}// - "{_fit(QUOTED, value)}"\n' for value in values]
    return f"{indent}// Examples:\n{''.join(lines)}" if lines else ""


def _strings(values: Any) -> list[str]:
    """Return the strings in an enumeration of strings; other scalars are of another type."""
    if not isinstance(values, list) or any(isinstance(value, (list, dict)) for value in values):
        raise Lost
    found = [value for value in values if isinstance(value, str)]
    if not found:
        raise Lost
    return found


def _comment(pattern: re.Pattern[str], schema: dict[str, Any], keyword: str, indent: str) -> str:
    return f"{indent}// {_fit(pattern, schema[keyword])}\n" if keyword in schema else ""


def _fit(pattern: re.Pattern[str], text: Any) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise Lost
    return text
