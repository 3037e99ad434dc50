"""Converts types of the type grammar back to JSON Schemas: the inverse of `types_of_schemas`.

The schema accepts the same values as the original one. What types cannot express is read from their comments.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from operator import attrgetter
from typing import Any

from ..format.content_reading import NO_MATCH, Reader
from ..format.content_writing import Inexpressible, Layout
from ..format.rule_table import Rules
from ..format.table_nodes import RecordRule
from .schema_references import References
from .template_types import TemplateTypeWriter
from .type_grammar import (
    UNREAD_KEYWORD,
    JsonSchema,
    TypeGrammar,
    default_of,
    strings_inside,
    strings_of,
)
from .types_of_schemas import TYPE_IMPLYING_KEYWORDS, TypeWriter

ABSORBED_KEYWORDS = {"array": frozenset({"items", "prefixItems"}), "object": frozenset({"required"})}
"""Remarks that would read as a part of the type if they were written beside it, by type."""

DESCRIPTION_RULE = "summary"
"""The rule for descriptions of properties. A style that chooses an alternative of it, as the template writes them,
writes types as the template does, too."""

OF_PLAIN_MEMBERS = frozenset({"summary", "identifier", "json_string", "bare_key", "optional", "value", "default"})
"""The fields of nearly all properties."""

MAX_SHARED_BRACKETS = 4
"""Brackets that may belong to the last alternative or to all. Each way is a schema; with more, any array is valid."""


class Schemas:
    """Converts JSON Schemas to types and back, by the rules of one codec."""

    def __init__(self, rules: Rules) -> None:
        parameters = next(row.made for row in rules.table.values() if isinstance(row, RecordRule) and row.is_schema)
        made = {**rules.classes, "parameters": parameters}
        self.grammar = TypeGrammar(made, cache(rules.pattern))
        described = rules.table.get(DESCRIPTION_RULE)
        self.template_names = frozenset(filter(None, described.names if described else ()))
        self.last = threading.local()
        """Whether the schema that a thread converts has references."""
        self.leaves = made["basic_type"], made["literal_type"], made["reference"]
        others = [name for name in made["member"].__dataclass_fields__ if name not in OF_PLAIN_MEMBERS]
        self.simple = made["basic_type"], made["literal_type"], made["union"], made["array"]
        self.others = attrgetter(*others)
        self.no_others = self.others(made["member"]())
        self.by_class = {
            made["basic_type"]: self.basic,
            made["literal_type"]: self.literal,
            made["reference"]: self.reference,
            made["any_array"]: self.any_array,
            made["object_type"]: self.object,
            made["inline"]: self.inline,
            made["tuple_type"]: self.tuple,
            made["array"]: self.array,
            made["union"]: self.union,
            made["intersection"]: self.intersection,
            made["one_of"]: self.one_of,
            made["annotated"]: self.annotated,
            made["group"]: self.group,
        }

    def type(self, schema: JsonSchema, layout: Layout) -> Any:
        """Convert the parameters of a tool to a type. Raises `Inexpressible` with the JSON pointer of the problem."""
        writer = TypeWriter if self.template_names.isdisjoint(layout.chosen) else TemplateTypeWriter
        return writer(self.grammar, schema, layout).parameters()

    def schema(self, parameters: Any, reader: Reader, start: int) -> Any:
        """Convert the parameters of a tool to a JSON Schema; None for no parameters.

        If they cannot be read, or refer to something that is not defined, the schema only has their text. Text with
        definitions is refused: it has no end by itself.
        """
        if parameters.type_text is not None:
            reader.unread.append((reader.furthest, reader.expected))
            return {UNREAD_KEYWORD: parameters.type_text}
        if parameters.type is None:
            return None
        self.last.refers = False
        schema = self.of(parameters.type)
        if not isinstance(schema, dict):
            return schema
        if parameters.definitions:
            schema = {**schema, "$defs": {item.named: self.of(item.type) for item in parameters.definitions}}
        text = reader.text[start : reader.at]
        if not self.last.refers and "$ref" not in text and "\\u" not in text:  # much faster than a walk
            return schema
        try:
            assert References(schema).reachable is not None
        except Inexpressible as error:
            reader.at = start + max(text.find(error.reason.split("'")[1].rsplit("/", 1)[-1]), 0)
            if parameters.definitions:
                reader.fail(error.rule)
                return NO_MATCH
            reader.unread.append((reader.at, [error.rule]))
            reader.at = start + len(text)
            return {UNREAD_KEYWORD: text}
        return schema

    def of(self, made: Any) -> dict[str, Any] | bool:
        return self.by_class[type(made)](made)

    def basic(self, made: Any) -> dict[str, Any] | bool:
        if made.basic == "never":
            return False
        return {} if made.basic == "any" else {"type": made.basic}

    def literal(self, made: Any) -> dict[str, Any]:
        return self.enumerated([made.json_scalar])

    def enumerated(self, values: list[Any]) -> dict[str, Any]:
        texts = all(isinstance(value, str) for value in values)
        return {"type": "string", "enum": values} if texts else {"enum": values}

    def reference(self, made: Any) -> dict[str, Any]:
        self.last.refers = True
        return {"$ref": f"#/$defs/{made.named}"}

    def any_array(self, made: Any) -> dict[str, Any]:
        return {"type": "array"}

    def object(self, made: Any) -> dict[str, Any]:
        properties, optional = dict[str, Any](), dict[str, bool]()
        for member in made.members or made.run_ons:
            name = member.identifier if member.identifier is not None else self.name(member)
            properties[name] = self.member(member) if made.members else self.value(member)
            optional[name] = member.optional
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required := [name for name, may_be_absent in optional.items() if not may_be_absent]:
            schema["required"] = required
        if made.index is not None:
            schema["additionalProperties"] = spelled_out(self.of(made.index))
        return schema

    def name(self, member: Any) -> str:
        return str(member.bare_key if member.json_string is None else member.json_string)

    def member(self, member: Any) -> dict[str, Any] | bool:
        if isinstance(member.value, self.simple) and self.others(member) == self.no_others:
            return self.plain_member(member)
        schema: dict[str, Any] | bool = {}
        if member.value is not None:
            schema = self.value(member)
        elif member.one_of is not None:
            schema = self.alone(member.one_of)
        default: dict[str, Any] = {}
        if member.default is not None:
            default = self.defaults(member.default, strings_of(self.grammar, member.value))
        if member.bare_default is not None:  # only those of `oneOf` are written like that
            schema = (
                schema if member.inlines or (isinstance(schema, dict) and "oneOf" in schema) else {"oneOf": [schema]}
            )
            default = {"default": member.bare_default}
        return self.remarked(schema, member, default, member.summary)

    def plain_member(self, member: Any) -> dict[str, Any] | bool:
        """The same for most properties, which have a simple type, and no remarks but a description and a default."""
        schema = self.by_class[type(member.value)](member.value)
        if member.summary is None and member.default is None:
            return schema
        if isinstance(schema, bool):
            schema = spelled_out(schema)
        if member.summary is not None:
            schema["description"] = member.summary
        if member.default is not None:
            schema["default"] = default_of(member.default, strings_of(self.grammar, member.value))
        return schema

    def value(self, member: Any) -> dict[str, Any] | bool:
        """The schema of a property. Only alternatives of `oneOf` have comments after them."""
        value = member.value
        is_commented = member.inlines or member.inline_remark is not None or member.inline_default is not None
        if not is_commented and isinstance(value, self.leaves):
            return self.by_class[type(value)](value)
        if isinstance(value, self.grammar.classes["one_of"]):
            if any(variant.alternative is None for variant in value.variants):
                return self.one_of(value)
            last = value.variants[-1]
            return self.array_of_one_of([*map(self.variant, value.variants)], last.alternative, last)
        if not is_commented:
            return self.alone(value)
        inline = self.grammar.classes["inline"]
        first = inline(value, member.inline_remark, member.inline_default, member.dimensions)
        parts = [first, *member.inlines]
        schemas = [self.inline(part) for part in parts]
        if any(self.brackets(part) for part in parts[1:-1]) or self.brackets(parts[-1]) > 1:
            return self.array_of_some(parts, schemas)
        of_all = self.array_of_one_of(schemas, parts[-1].union, parts[-1])
        return of_all if "oneOf" in of_all else self.array_or_others(of_all, [part.union for part in parts[:-1]])

    def brackets(self, part: Any) -> int:
        """How many brackets an alternative of the template has; a union with some inside has more than one."""
        if isinstance(part.union, self.grammar.classes["union"]) and self.has_arrays(part.union.intersections[:-1]):
            return MAX_SHARED_BRACKETS
        return len(part.dimensions) + len(self.dimensions(part.union))

    def dimensions(self, made: Any) -> list[Any]:
        """The brackets at the end of a type. In a union, they belong to all alternatives."""
        last = made.intersections[-1] if isinstance(made, self.grammar.classes["union"]) else made
        return last.dimensions if isinstance(last, self.grammar.classes["array"]) else []

    def with_brackets(self, made: Any, count: int) -> Any:
        """A type that ends in brackets, with fewer of them."""
        if isinstance(made, self.grammar.classes["union"]):
            *others, last = made.intersections
            return type(made)([*others, self.with_brackets(last, count)])
        return type(made)(made.element, made.dimensions[:count]) if count else made.element

    def has_arrays(self, parts: list[Any]) -> bool:
        return any(isinstance(part, self.grammar.classes["array"]) for part in parts)

    def array_of_some(self, parts: list[Any], schemas: list[Any]) -> dict[str, Any]:
        """The schema of alternatives with brackets that belong to any of those before, too.

        The template writes no brackets around alternatives. Of types of several parts, any value is valid.
        """
        if not all(self.is_small(part.union) for part in parts):
            return {}
        flat = [each for part in parts for each in getattr(part.union, "intersections", [part.union])]
        arrays = [each for each in flat if isinstance(each, self.grammar.classes["array"])]
        if sum(len(each.dimensions) for each in (*arrays, *parts)) > 1:
            others = [self.of(each) for each in flat if not isinstance(each, self.grammar.classes["array"])]
            return {"anyOf": [*others, {"type": "array"}]}
        inside = [self.of(each.element) for each in arrays]
        return {"oneOf": [*schemas, {"type": "array", "items": {"anyOf": [*schemas, *inside]}}]}

    def array_or_others(self, of_all: dict[str, Any], others: list[Any]) -> dict[str, Any]:
        """The schema of alternatives with brackets after the last one, which belong to it or to all.

        An array of the last one is an array of all, too. Types of several parts are not repeated: if there is one,
        every value is valid that is not an array, and if one may be an array, any value.
        """
        if all(map(self.is_small, others)):
            return {"anyOf": [of_all, *map(self.of, others)]}
        kinds = self.grammar.classes["object_type"], *self.leaves
        return {"items": of_all["items"]} if all(isinstance(other, kinds) for other in others) else {}

    def is_small(self, made: Any) -> bool:
        """Whether a type has one part, perhaps in brackets, or is a union of such types."""
        if isinstance(made, self.grammar.classes["union"]):
            return all(map(self.is_small, made.intersections))
        return isinstance(made.element if isinstance(made, self.grammar.classes["array"]) else made, self.leaves)

    def inline(self, part: Any) -> dict[str, Any] | bool:
        remarks = {} if part.inline_remark is None else {"description": part.inline_remark}
        return with_remarks(self.alone(part.union), remarks | self.defaults(part.inline_default, []))

    def array_of_one_of(self, schemas: list[Any], last: Any, commented: Any) -> dict[str, Any]:
        """The schema of alternatives: the brackets after the last one, or after its comment, belong to all."""
        dimensions = commented.dimensions or self.dimensions(last)
        others, count = schemas[:-1], len(dimensions)
        if commented.dimensions or not count:
            return self.in_dimensions({"oneOf": schemas}, dimensions)
        if others and count > MAX_SHARED_BRACKETS:
            return {"type": "array"}
        # The peer writes an array whose last alternative is an array in the same way, so both are valid.
        readings = [
            self.in_dimensions({"oneOf": [*others, self.of(self.with_brackets(last, inner))]}, dimensions[inner:])
            for inner in range(count if others else 1)
        ]
        return {"anyOf": readings} if len(readings) > 1 else readings[0]

    def alone(self, made: Any) -> dict[str, Any] | bool:
        """The schema of a type, wrapped if the type has remarks of its own: they are not those of the member."""
        remarked = isinstance(made, (self.grammar.classes["annotated"], self.grammar.classes["group"]))
        return {"allOf": [self.of(made)]} if remarked else self.of(made)

    def defaults(self, text: str | None, listed: list[str]) -> dict[str, Any]:
        """The keyword `default`, if one is written; `listed` are the strings of its type, written without quotes."""
        return {} if text is None else {"default": default_of(text, listed)}

    def remarked(
        self, schema: dict[str, Any] | bool, described: Any, default: Mapping[str, Any], about: str | None
    ) -> dict[str, Any] | bool:
        """Add the remarks of a member, or of the comments before a type, to a schema."""
        remarks: dict[str, Any] = {}
        if described.title is not None:
            remarks["title"] = described.title
        if about is not None:
            remarks["description"] = about
        if described.examples:
            remarks["examples"] = described.examples
        for item in described.annotations:
            remarks[item.keyword or item.other_keyword] = item.json
        remarks.update(default)
        return with_remarks(schema, remarks)

    def annotated(self, made: Any) -> dict[str, Any] | bool:
        return self.remarked(self.of(made.primary), made, {}, made.about)

    def group(self, made: Any) -> dict[str, Any] | bool:
        return self.remarked(self.alone(made.type), made, {}, made.about)

    def array(self, made: Any) -> dict[str, Any]:
        return self.in_dimensions(self.of(made.element), made.dimensions)

    def in_dimensions(self, schema: dict[str, Any] | bool, dimensions: list[Any]) -> dict[str, Any]:
        for _ in dimensions:
            schema = {"type": "array", "items": schema}
        assert isinstance(schema, dict)
        return schema

    def tuple(self, made: Any) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array", "prefixItems": [self.of(place) for place in made.places]}
        rest = False if made.rest is None else spelled_out(self.array(made.rest)["items"])
        return schema if rest == {} else {**schema, "items": rest}

    def union(self, made: Any) -> dict[str, Any]:
        parts = made.intersections
        if shared := self.shared(parts):
            if len(shared) > MAX_SHARED_BRACKETS:
                return {}
            # The peer and the template write no brackets around alternatives. Here, such an array is written first.
            before, last, after = parts[: shared[-1]], parts[shared[-1]], parts[shared[-1] + 1 :]
            of_all = self.in_dimensions(self.union(type(made)([*before, last.element])), last.dimensions)
            found = self.array_or_others(of_all, [type(made)(before) if len(before) > 1 else before[0]])
            return {"anyOf": [*found["anyOf"], *map(self.of, after)]} if "anyOf" in found and after else found
        basic, literal = self.grammar.classes["basic_type"], self.grammar.classes["literal_type"]
        null = [isinstance(part, basic) and part.basic == "null" for part in parts]
        if all(isinstance(part, literal) or is_null for part, is_null in zip(parts, null, strict=True)):
            return self.enumerated([None if n else p.json_scalar for p, n in zip(parts, null, strict=True)])
        if all(isinstance(part, basic) and part.basic not in ("any", "never") for part in parts):
            return {"type": [part.basic for part in parts]}
        return {"anyOf": [self.of(part) for part in parts]}

    def shared(self, parts: list[Any]) -> list[int]:
        """The alternatives whose brackets may belong to those before them, too."""
        array, basic = self.grammar.classes["array"], self.grammar.classes["basic_type"]
        found, follows_arrays = [], True
        for at, part in enumerate(parts):
            if not isinstance(part, array):
                follows_arrays = False
            elif at and (not follows_arrays or (isinstance(part.element, basic) and part.element.basic == "null")):
                found.append(at)
        return found

    def intersection(self, made: Any) -> dict[str, Any]:
        return {"allOf": [self.of(part) for part in made.arrays]}

    def one_of(self, made: Any) -> dict[str, Any]:
        """The schema of alternatives. Brackets after alternatives in alternatives belong to one or to all of those."""
        variants = [variant for variant in made.variants if variant.alternative is not None]
        if len(variants) == len(made.variants) or not self.has_brackets(variants):
            return {"oneOf": [*map(self.variant, variants)]} if variants else {}
        others = [self.variant(variant) for variant in variants if not self.has_brackets([variant])]
        return {"anyOf": [*others, {"type": "array"}]}

    def has_brackets(self, variants: list[Any]) -> bool:
        """Whether an alternative has brackets, or is a union with some."""
        found = [part for each in variants for part in getattr(each.alternative, "intersections", [each.alternative])]
        return self.has_arrays(found) or any(each.dimensions for each in variants)

    def variant(self, variant: Any) -> dict[str, Any] | bool:
        schema = self.of(variant.alternative)
        remarks = {} if variant.remark is None else {"description": variant.remark}
        return with_remarks(
            schema, remarks | self.defaults(variant.default, strings_inside(self.grammar, variant.alternative))
        )


def with_remarks(schema: dict[str, Any] | bool, remarks: dict[str, Any]) -> dict[str, Any] | bool:
    """Add remarks to a schema; if it has the same keywords already, wrap it in `allOf`."""
    if not remarks:
        return schema
    schema = spelled_out(schema)
    kind = schema.get("type")
    absorbed = ABSORBED_KEYWORDS.get(kind, ()) if isinstance(kind, str) else () if schema else TYPE_IMPLYING_KEYWORDS
    if remarks.keys().isdisjoint(schema) and remarks.keys().isdisjoint(absorbed):
        return {**schema, **remarks}
    return {"allOf": [schema], **remarks}


def spelled_out(schema: dict[str, Any] | bool) -> dict[str, Any]:
    """Return a boolean schema as an equal object."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return schema
