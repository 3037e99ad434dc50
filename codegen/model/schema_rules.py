"""The rules and terminals of contents by which JSON Schemas are written as types."""

from __future__ import annotations

FITTING_TERMINALS = {
    "about": "TEXT",
    "default": "DEFAULT",
    "identifier": "IDENTIFIER",
    "named": "NAMED",
    "remark": "REMARK",
}
"""The terminals by which types are made of schemas, for the fields that are only set to texts that fit."""

SCHEMA_TERMINALS = sorted((*FITTING_TERMINALS.values(), "KEYWORD"))
"""The terminals by which types are made of schemas."""

SCHEMA_FIELDS = {
    "parameters": ("type", "definitions"),
    "definition": ("named", "type"),
    "one_of": ("variants",),
    "variant": ("alternative", "remark", "default"),
    "union": ("intersections",),
    "intersection": ("arrays",),
    "array": ("element", "dimensions"),
    "annotated": ("primary", "title", "about", "examples", "annotations"),
    "group": ("type", "title", "about", "examples", "annotations"),
    "annotation": ("keyword", "json"),
    "object_type": ("members", "index"),
    "member": (
        *("title", "about", "examples", "annotations"),
        *("identifier", "string", "optional", "value", "default", "one_of"),
    ),
    "tuple_type": ("places", "rest"),
    "any_array": (),
    "literal_type": ("json_scalar",),
    "reference": ("named",),
    "basic_type": ("basic",),
}
"""The rules by which types are made of schemas, with the fields of their classes in order."""
