"""The names of the rules and terminals of contents by which the library writes JSON Schemas as types."""

from __future__ import annotations

from .format_model import Format

PARAMETERS = "parameters"
"""The rule of all types of a tool."""

FITTING_TERMINALS = {
    "about": "ABOUT",
    "default": "DEFAULT",
    "identifier": "IDENTIFIER",
    "named": "NAMED",
    "remark": "REMARK",
    "summary": "SUMMARY",
}
"""Fields of these rules with their terminals. The library only sets them to texts that fit: writers check nothing."""

SCHEMA_TERMINALS = sorted(
    (
        *FITTING_TERMINALS.values(),
        *("BARE_DEFAULT", "BARE_KEY", "INLINE_DEFAULT", "INLINE_REMARK", "KEYWORD", "OTHER_KEYWORD", "TEXT"),
        "TYPE_TEXT",
    )
)
"""All terminals that the library needs for types."""

SCHEMA_VALUES = {
    "basic": ("string", "number", "boolean", "null", "any", "never", "integer", "object", "array"),
    "dimension": ("array",),
}
"""The rules whose named alternatives the library uses."""

SCHEMA_FIELDS = {
    PARAMETERS: ("type", "definitions", "type_text"),
    "definition": ("named", "type"),
    "one_of": ("variants",),
    "variant": ("alternative", "remark", "default", "dimensions"),
    "union": ("intersections",),
    "intersection": ("arrays",),
    "array": ("element", "dimensions"),
    "annotated": ("primary", "title", "about", "examples", "annotations"),
    "group": ("type", "title", "about", "examples", "annotations"),
    "annotation": ("json", "keyword", "other_keyword"),
    "object_type": ("members", "index", "run_ons"),
    "member": (
        *("title", "summary", "examples", "annotations", "identifier", "json_string", "bare_key"),
        *("optional", "value", "inline_remark", "inline_default", "dimensions", "inlines", "bare_default"),
        *("default", "comma", "one_of"),
    ),
    "run_on": (
        *("value", "identifier", "json_string", "bare_key", "optional"),
        *("inline_remark", "inline_default", "dimensions", "inlines"),
    ),
    "inline": ("union", "inline_remark", "inline_default", "dimensions"),
    "tuple_type": ("places", "rest"),
    "any_array": (),
    "literal_type": ("json_scalar",),
    "reference": ("named",),
    "basic_type": ("basic",),
}
"""The rules that the library needs for types, with the fields of their classes in order."""


def schema_rule(format: Format, name: str) -> str:
    """The rule in a format for one of these rules: conversation.toml names that of the parameters."""
    tool = format.definitions.get("tool")
    return tool.fields[PARAMETERS] if name == PARAMETERS and tool else name
