"""Types in the spelling of the official chat template, where that spelling has the meaning of the schema.

Everything else is written as in other styles: rows `template` in docs/differences.toml.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from .schema_references import IGNORED_KEYWORDS
from .type_grammar import DescribedType, default_of, strings_inside
from .types_of_schemas import EMPTY_LIST, OTHER_PROPERTIES_KEYWORDS, TypeWriter

EMPTY_PARAMETERS = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
"""The parameters of a function without arguments, as requests have them. Some lack the last two keywords."""


class TemplateTypeWriter(TypeWriter):
    """Converts one schema to the types that the template writes."""

    def parameters(self) -> Any:
        root = self.root
        plain = {k: v for k, v in root.items() if k not in IGNORED_KEYWORDS} if isinstance(root, dict) else {}
        is_empty = {"type", "properties"} <= plain.keys() and EMPTY_PARAMETERS | plain == EMPTY_PARAMETERS
        return self.made["parameters"]() if is_empty else super().parameters()

    def kind(self, kind: str, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """A listed type is written by its name in JSON Schema, and so is an object without properties.

        In `anyOf`, which the template does not write, a type would not be read back as a listed one.
        """
        listed = isinstance(schema.get("type"), list) and at.split("/")[-2:-1] != ["anyOf"]
        keywords = schema.keys()
        if kind == "object" and at and not schema.get("properties"):
            if keywords.isdisjoint(OTHER_PROPERTIES_KEYWORDS) and not schema.get("required"):
                used.update(("type", "properties", "required"))
                return self.basic(kind)
        elif listed and (kind == "integer" or (kind == "array" and keywords.isdisjoint(("items", "prefixItems")))):
            used.add("type")
            return self.basic(kind)
        return super().kind(kind, schema, at, depth, used)

    def array(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        if schema.keys().isdisjoint(("items", "prefixItems")):
            return self.list_of(self.basic("any"))
        return super().array(schema, at, depth, used)

    def object(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """The properties of an inner object are written on one line, if they have no comments and no defaults."""
        made = super().object(schema, at, depth, used)
        if not at or not isinstance(made, self.made["object_type"]) or made.index is not None:
            return made
        members = [self.run_on(member) for member in made.members]
        return made if None in members or not members else self.made["object_type"](EMPTY_LIST, None, members)

    def run_on(self, member: Any) -> Any:
        """A property on the line of other properties; None if it cannot be written there."""
        comments = (member.title, member.summary, member.examples, member.annotations)
        others = (member.default, member.bare_default, member.json_string)
        if any(comments) or others != (None, None, None) or not self.is_inline(member.value):
            return None
        parts = (member.identifier, None, member.bare_key, member.optional, member.inline_remark, member.inline_default)
        return self.made["run_on"](member.value, *parts, EMPTY_LIST, member.inlines)

    def member(self, name: str, schema: Any, required: bool, at: str, depth: int) -> Any:
        member = super().member(name, schema, required, at, depth)
        member = replace(member, comma=member.value is not None and member.default is not None)
        if member.json_string is not None and self.grammar.fits("BARE_KEY", name):
            member = replace(member, json_string=None, bare_key=name)
        # Brackets after an alternative would belong to those before it, too.
        variants = [] if member.one_of is None else member.one_of.variants
        parts = [
            part
            for each in variants[1:] or variants
            for part in getattr(each.alternative, "intersections", [each.alternative])
        ]
        if not variants or any(isinstance(part, self.made["array"]) for part in parts):
            return member
        first, *others = (self.inline_of(variant) for variant in variants)
        default = schema.get("default")
        if first is None or None in others or (member.default is not None and not isinstance(default, str)):
            return member
        if default is not None and not self.grammar.fits("BARE_DEFAULT", default):
            return member
        return replace(
            member,
            one_of=None,
            value=first.union,
            inline_remark=first.inline_remark,
            inline_default=first.inline_default,
            inlines=others,
            bare_default=default,
            default=None,
        )

    def inline_of(self, variant: Any) -> Any:
        """An alternative of `oneOf` on the line of others; None if it cannot be written there."""
        made, default = variant.alternative, variant.default
        if not self.is_inline(made) or isinstance(made, self.made["one_of"]):
            return None
        if default is not None:
            default = spaced(default_of(default, strings_inside(self.grammar, made)))
        for terminal, text in (("INLINE_REMARK", variant.remark), ("INLINE_DEFAULT", default)):
            if text is not None and not self.grammar.fits(terminal, text):
                return None
        return self.made["inline"](made, variant.remark, default)

    def is_inline(self, made: Any) -> bool:
        """Whether nothing but the type is written for a type."""
        return made is not None and not isinstance(made, (self.made["annotated"], self.made["group"]))

    def default(self, described: DescribedType, listed: list[str]) -> str | None:
        text = super().default(described, listed)
        value = described.default[0]
        return text if text is None or (isinstance(value, str) and listed) else spaced(value)


def spaced(value: Any) -> str:
    """JSON with spaces after separators, as the template writes it."""
    return json.dumps(value, ensure_ascii=False)
