"""Converts JSON Schemas to the type grammar of a codec. Keywords that types cannot express become comments.

A schema becomes a type with remarks. Remarks of a property are written above it, those of an alternative after it, all
others before the type. A reference is replaced by its target if that has one reference and is not recursive; otherwise
the target becomes a definition with a name. Nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

from ..format.content_reading import MAX_TYPE_NESTING
from ..format.content_writing import Inexpressible, Layout, compact, lines_of
from .schema_references import (
    IGNORED_KEYWORDS,
    KEYWORDS_WITH_NAMES,
    REMARK_KEYWORDS,
    UNFOLLOWED_KEYWORDS,
    References,
    escaped,
)
from .type_building import TypeBuilder
from .type_grammar import (
    JSON_TYPES,
    KINDS_BY_TYPE,
    UNREAD_KEYWORD,
    DescribedType,
    JsonSchema,
    TypeGrammar,
    default_of,
    kind_of,
    strings_inside,
    strings_of,
)

SCALAR_KEYWORDS: Set[str] = IGNORED_KEYWORDS | {"type"}
"""Keywords that are not remarks in a schema of scalars which only has a type."""

TYPE_IMPLYING_KEYWORDS = frozenset({"properties", "items", "prefixItems"})
"""Keywords that imply the type of a schema without `type`."""

EMPTY_LIST: list[Any] = []
"""One list for all absent values: types are written, and never changed."""

COMBINING_KEYWORDS = frozenset({"$ref", "anyOf", "oneOf", "allOf", "enum", "const", "not", "nullable"})
"""Keywords that restrict values in addition to `type`, or instead of it."""

OTHER_PROPERTIES_KEYWORDS = ("patternProperties", "additionalProperties")
"""Keywords for properties that are not listed."""

BASIC_TYPES: dict[str | None, str] = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
}
"""The scalar types of JSON Schema (2020-12, Validation, 6.1.1), with the basic types of the grammar for them."""


class TypeWriter(TypeBuilder):
    """Converts one schema and the targets of its references.

    The methods take a schema, its JSON pointer and its depth, and return a type. They raise `Inexpressible` with the
    JSON pointer of the problem. `used` collects the keywords that the type expresses; all others become remarks.
    """

    def __init__(self, grammar: TypeGrammar, root: JsonSchema, layout: Layout) -> None:
        super().__init__(grammar)
        self.root, self.layout = root, layout
        self.names: dict[str, str] = {}
        self.waiting: list[str] = []
        self.references = References(root)
        self.is_text, self.is_identifier = (grammar.terminal(name).fullmatch for name in ("TEXT", "IDENTIFIER"))

    def parameters(self) -> Any:
        """Convert the whole schema, with its definitions. If a reference targets the root, the root is one of them."""
        made = self.made["parameters"]
        if self.root is None:
            return made()
        if isinstance(self.root, dict) and self.root.keys() == {UNREAD_KEYWORD}:
            text = self.root[UNREAD_KEYWORD]
            if isinstance(text, str) and self.grammar.fits("TYPE_TEXT", text):
                return made(type_text=text)
        written, definitions = self.inline(self.root, "", 0), self.definitions()
        if "#" in self.names:
            self.layout.names.difference_update(self.names.values())
            self.names = {}
            written, definitions = self.reference("#", ""), self.definitions()
        return made(written, definitions)

    def definitions(self) -> list[Any]:
        """Convert the named targets, including those that they need themselves."""
        definitions = []
        while self.waiting:
            pointer = self.waiting.pop(0)
            target = self.references.resolve(pointer, "")
            definitions.append(self.made["definition"](self.names[pointer], self.inline(target, pointer[1:], 0)))
        return definitions

    def inline(self, schema: Any, at: str, depth: int) -> Any:
        """Convert a schema to a type with its remarks before it."""
        return self.comment(self.describe(schema, at, depth))

    def part(self, schema: Any, at: str, depth: int) -> Any:
        """Like `inline`, but without closing the type: it may turn out to be the only part."""
        described = self.describe(schema, at, depth)
        return described.type if described.is_undescribed and not described.default else self.comment(described)

    def close(self, made: Any) -> Any:
        """Move the remarks after the last alternative before it, since something follows on its line."""
        if not isinstance(made, self.made["one_of"]):
            return made
        last = made.variants[-1]
        if last.remark is None and last.default is None:
            return made
        described = DescribedType(last.alternative)
        if last.remark is not None:
            self.add_remark(described, "description", last.remark, "")
        if last.default is not None:
            described.default = (default_of(last.default, strings_inside(self.grammar, last.alternative)),)
        return self.made["one_of"]([*made.variants[:-1], self.made["variant"](self.comment(described))])

    def comment(self, described: DescribedType) -> Any:
        described.type = self.close(described.type)
        if described.default:
            described.annotations += (("default", described.default[0]),)
        if described.is_undescribed:
            return described.type
        kind = type(described.type)
        grouped = kind in (self.made["one_of"], self.made["union"], self.made["intersection"], self.made["array"])
        grouped = grouped or kind in (self.made["annotated"], self.made["group"])
        if grouped:
            return self.made["group"](type=self.bracket_comments(described.type), **self.comments(described))
        return self.made["annotated"](primary=described.type, **self.comments(described))

    def comments(self, described: DescribedType) -> dict[str, Any]:
        comments = {"title": described.title, "about": described.about, "examples": list(described.examples)}
        return {**comments, "annotations": self.annotations(described)}

    def annotations(self, described: DescribedType) -> list[Any]:
        return [self.annotation(keyword, value) for keyword, value in described.annotations]

    def annotation(self, keyword: str, value: Any) -> Any:
        if self.grammar.fits("KEYWORD", keyword):
            return self.made["annotation"](value, keyword)
        return self.made["annotation"](value, None, keyword)

    def describe(self, schema: Any, at: str, depth: int) -> DescribedType:
        """Convert a schema to a type and its remarks."""
        if depth > MAX_TYPE_NESTING:
            raise Inexpressible("parameters", f"nested more than {MAX_TYPE_NESTING} deep", at)
        if not isinstance(schema, dict):
            return DescribedType(self.boolean_schema(schema, at))
        named = schema.get("type")
        kind = (
            named if isinstance(named, str) and named in JSON_TYPES and COMBINING_KEYWORDS.isdisjoint(schema) else None
        )
        if scalar := BASIC_TYPES.get(kind):
            described, used = DescribedType(self.basic(scalar)), SCALAR_KEYWORDS
        elif "$ref" in schema and (inlined := self.dereference(schema, at)) is not None:
            return self.describe(inlined, at, depth + 1)
        else:
            used = rest = set(IGNORED_KEYWORDS)
            made = self.kind(kind, schema, at, depth, rest) if kind else self.combined(schema, at, depth, rest)
            described = DescribedType(made)
        for keyword, value in schema.items():
            if keyword not in used:
                self.add_remark(described, keyword, value, at)
        return described

    def boolean_schema(self, schema: Any, at: str) -> Any:
        if not isinstance(schema, bool):
            raise Inexpressible("parameters", f"{schema!r} is not a schema (an object, true or false)", at)
        return self.basic("any" if schema else "never")

    def combined(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """Convert a schema that restricts values in several ways, or not at all."""
        parts = self.conjuncts(schema, at, depth, used)
        made = parts[0] if parts else self.basic("any")
        if len(parts) > 1:
            made = self.made["intersection"]([self.bracket(self.close(part)) for part in parts])
        elif isinstance(made, self.made["object_type"]) and self.absorbs(made, schema.keys() - used):
            made = self.separate(made)
        if schema.get("nullable") is True:
            made = self.union([self.close(made), self.basic("null")])
        return made

    def absorbs(self, made: Any, keywords: Set[str]) -> bool:
        """Whether remarks before an object type would read back as keywords of the object itself."""
        kept = {"properties", "required"} if made.index is None else {"properties", "required", "additionalProperties"}
        return not keywords.isdisjoint(OTHER_PROPERTIES_KEYWORDS) and keywords.isdisjoint(kept)

    def add_remark(self, described: DescribedType, keyword: str, value: Any, at: str) -> None:
        """Add a keyword that the type does not express."""
        if keyword == "description" and isinstance(value, str) and self.fits_comments(value):
            described.about = value or None
        elif keyword == "default":
            described.default = (value,)
        elif keyword == "title" and isinstance(value, str):
            described.title = value or None
        elif keyword == "examples" and isinstance(value, list):
            described.examples = value
        elif isinstance(keyword, str) and any(
            self.grammar.fits(each, keyword) for each in ("KEYWORD", "OTHER_KEYWORD")
        ):
            described.annotations += ((keyword, self.rename_references(keyword, value, at)),)
        else:
            raise Inexpressible(repr(keyword), "a keyword is one word", at)

    def rename_references(self, keyword: str, value: Any, at: str) -> Any:
        """Convert the local references in a keyword that is written as JSON to the names of definitions."""
        if keyword in UNFOLLOWED_KEYWORDS:
            return value
        if isinstance(value, list):
            return [self.rename_references("", item, at) for item in value]
        if not isinstance(value, dict):
            return value
        if keyword in KEYWORDS_WITH_NAMES:
            return {name: self.rename_references("", item, at) for name, item in value.items()}
        found = {key: self.rename_references(key, item, at) for key, item in value.items()}
        if pointer := self.references.pointer_of(value):
            found["$ref"] = f"#/$defs/{self.reference(pointer, at).named}"
        return found

    def fits_comments(self, text: str) -> bool:
        """Whether each line of a text can be written as a comment, or is empty."""
        if text and text.isprintable():
            return self.is_text(text) is not None
        return None not in [self.is_text(line) for line in lines_of(text) if line]

    def conjuncts(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> list[Any]:
        """One type for each way in which a schema restricts values; all of them apply."""
        parts = []
        if pointer := self.references.pointer_of(schema):
            used.add("$ref")
            target = self.references.resolve(pointer, at)
            named = self.references.is_named(pointer)
            parts.append(self.reference(pointer, at) if named else self.part(target, at, depth + 1))
        if (base := self.base(schema, at, depth, used)) is not None:
            parts.append(base)
        for keyword in ("anyOf", "oneOf", "allOf"):
            options = schema.get(keyword)
            if isinstance(options, list):
                used.add(keyword)
                parts += self.options(keyword, options, f"{at}/{keyword}", depth + 1)
        return parts

    def options(self, keyword: str, options: list[Any], at: str, depth: int) -> list[Any]:
        """Convert the schemas of `anyOf`, `oneOf` or `allOf` to types that all apply."""
        if not options:
            return [] if keyword == "allOf" else [self.basic("never")]
        if keyword == "oneOf":
            return [self.made["one_of"]([self.variant(option, f"{at}/{i}", depth) for i, option in enumerate(options)])]
        types = [self.part(option, f"{at}/{i}", depth) for i, option in enumerate(options)]
        return types if keyword == "allOf" or len(types) == 1 else [self.union([self.close(each) for each in types])]

    def base(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """Convert `enum`, `const`, `not` and `type`; None if the schema has none of them."""
        kinds = self.kinds(schema)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list) and not any(isinstance(value, (dict, list)) for value in values):
            used.update(("const" if "const" in schema else "enum", *(["type"] if kinds else [])))
            return self.enumerated(values, kinds)
        if schema.get("not") in ({}, True) and isinstance(schema.get("not"), (dict, bool)):
            used.add("not")
            return self.basic("never")
        return self.union([self.kind(kind, schema, at, depth, used) for kind in kinds]) if kinds else None

    def enumerated(self, values: list[Any], kinds: list[str]) -> Any:
        """A union of the listed values that have one of the types, each once."""
        allowed = {each for kind in kinds for each in KINDS_BY_TYPE[kind]}
        literals = {compact(value): self.literal(value) for value in values if not kinds or kind_of(value) in allowed}
        return self.alternatives([*literals.values()]) if literals else self.basic("never")

    def kinds(self, schema: dict[str, Any]) -> list[str]:
        """The types in `type`, or the type that other keywords imply; empty if one is unknown."""
        named = schema["type"] if "type" in schema else self.implied_kind(schema)
        kinds: list[Any] = named if isinstance(named, list) else [named]
        return kinds if all(isinstance(kind, str) and kind in JSON_TYPES for kind in kinds) else []

    def implied_kind(self, schema: dict[str, Any]) -> str | None:
        """The type of a schema without `type`, from the keywords that imply one."""
        if not schema.keys().isdisjoint(COMBINING_KEYWORDS):
            return None
        if isinstance(schema.get("properties"), dict):
            return "object"
        return "array" if "items" in schema or "prefixItems" in schema else None

    def kind(self, kind: str, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        used.add("type")
        if kind == "object":
            return self.object(schema, at, depth, used)
        return self.array(schema, at, depth, used) if kind == "array" else self.basic(BASIC_TYPES[kind])

    def object(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        used.add("properties")
        members, index = self.members(schema, at, depth, used), None
        if schema.get("additionalProperties", False) is not False:
            index = self.others(schema, at, depth, used)
        made = self.made["object_type"](members, index, EMPTY_LIST)
        if "required" in used and isinstance(schema.get("type"), str) and schema.keys().isdisjoint(COMBINING_KEYWORDS):
            return made
        beside = {k: schema[k] for k in OTHER_PROPERTIES_KEYWORDS if k in schema and k not in used}
        used.update(beside)
        annotations = [self.annotation(key, self.rename_references(key, value, at)) for key, value in beside.items()]
        return self.made["annotated"](annotations=annotations, primary=made) if annotations else made

    def members(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> list[Any]:
        """Convert the properties, and other required names if those can be listed. If not, `required` is a remark."""
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict):
            raise Inexpressible("properties", "not an object of schemas", f"{at}/properties")
        if not isinstance(required, list) or not {*map(type, required)} <= {str}:
            raise Inexpressible("required", "not a list of names", f"{at}/required")
        needed = dict.fromkeys(required)
        members = [
            self.member(name, value, name in needed, f"{at}/properties/{escaped(name)}", depth + 1)
            for name, value in properties.items()
        ]
        unlisted = [] if needed.keys() <= properties.keys() else [name for name in needed if name not in properties]
        if not unlisted or self.may_list_others(schema):
            used.add("required")
            others, place = schema.get("additionalProperties", True), f"{at}/additionalProperties"
            members += [self.member(name, others, True, place, depth + 1) for name in unlisted]
        return members

    def others(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """The type of properties that are not listed; None if they can have any value."""
        made = self.inline(schema["additionalProperties"], f"{at}/additionalProperties", depth + 1)
        if made is not self.basic("any"):
            used.add("additionalProperties")
            return made
        if "required" in used and not self.references.tracks_evaluated:
            used.add("additionalProperties")
        return None

    def may_list_others(self, schema: dict[str, Any]) -> bool:
        """Whether a required name that is not listed can become a member without a change of meaning."""
        apart = "patternProperties" in schema and schema.get("additionalProperties", True) not in (True, {})
        return not apart and not self.references.tracks_evaluated

    def member(self, name: str, schema: Any, required: bool, at: str, depth: int) -> Any:
        if not isinstance(name, str):
            raise Inexpressible("properties", f"{name!r} is not a str", at)
        described = self.describe(schema, at, depth)
        plain = self.is_identifier(name) is not None
        alternatives = isinstance(described.type, self.made["one_of"])
        default = self.default(described, strings_of(self.grammar, described.type)) if described.default else None
        return self.made["member"](
            described.title,
            described.about,
            described.examples or EMPTY_LIST,
            self.annotations(described) if described.annotations else EMPTY_LIST,
            name if plain else None,
            None if plain else name,
            None,
            not required,
            None if alternatives else described.type,
            None,
            None,
            EMPTY_LIST,
            EMPTY_LIST,
            None,
            default,
            False,
            described.type if alternatives else None,
        )

    def default(self, described: DescribedType, listed: list[str]) -> str | None:
        """The text of a default; None, and an annotation, if that text would read back as another value."""
        value = described.default[0]
        text = value if isinstance(value, str) and listed else compact(value)
        if (text in listed) == (isinstance(value, str) and bool(listed)) and self.grammar.fits("DEFAULT", text):
            return str(text)
        described.annotations += (("default", value),)
        return None

    def variant(self, schema: Any, at: str, depth: int) -> Any:
        """Convert an alternative of `oneOf`, which has its remark and default at the end of its line."""
        described = self.describe(schema, at, depth)
        remark = None
        if described.about and described.title is None and not described.examples and self.is_remark(described.about):
            remark, described.about = described.about, None
        if self.moves_when_read(described, remark):
            described.type = self.separate(described.type)
        listed = (strings_inside if described.is_undescribed else strings_of)(self.grammar, described.type)
        default = self.default(described, listed) if described.default else None
        described.default = ()
        return self.made["variant"](self.comment(described), remark, default)

    def is_remark(self, text: str) -> bool:
        """Whether a description can be written after an alternative, on its line."""
        return "\n" not in text and self.grammar.fits("REMARK", text)

    def moves_when_read(self, described: DescribedType, remark: str | None) -> bool:
        """Whether the comments of a part of an alternative would read back as those of the alternative."""
        made = described.type
        if not described.is_undescribed or not isinstance(made, (self.made["annotated"], self.made["group"])):
            return False
        if not described.default and any(item.keyword == "default" for item in made.annotations):
            return True
        about = remark is None and bool(made.about)
        return about and not made.title and not made.examples and self.is_remark(made.about)

    def array(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        first, items = schema.get("prefixItems"), schema.get("items")
        used.add("items")
        if isinstance(first, list) and first:
            used.add("prefixItems")
            if items in (True, {}) and self.references.tracks_evaluated:
                used.remove("items")
            places = [
                self.bracket(self.inline(item, f"{at}/prefixItems/{i}", depth + 1)) for i, item in enumerate(first)
            ]
            rest = None if items is False else self.inline(True if items is None else items, f"{at}/items", depth + 1)
            return self.made["tuple_type"](places, None if rest is None else self.list_of(rest))
        return self.made["any_array"]() if items is None else self.list_of(self.inline(items, f"{at}/items", depth + 1))

    def dereference(self, schema: dict[str, Any], at: str) -> dict[str, Any] | bool | None:
        """The target of a reference, merged with the remarks beside it; None if it has a name, or more than remarks."""
        pointer = self.references.pointer_of(schema)
        if pointer is None or not set(schema) - {"$ref"} <= REMARK_KEYWORDS | IGNORED_KEYWORDS:
            return None
        target = self.references.resolve(pointer, at)
        if self.references.is_named(pointer):
            return None
        if isinstance(target, bool):
            target = {} if target else {"not": {}}
        return {**target, **{k: v for k, v in schema.items() if k != "$ref"}} if isinstance(target, dict) else target

    def reference(self, pointer: str, at: str) -> Any:
        """A reference to a named target, which `definitions` converts later."""
        if pointer not in self.names:
            self.references.resolve(pointer, at)
            wanted = (
                re.sub(r"\W", "_", pointer[1:].rsplit("/", 1)[-1], flags=re.ASCII).lstrip("0123456789") or "Arguments"
            )
            name, number = wanted, 1
            while name in self.layout.names or not self.grammar.fits("NAMED", name):
                number += 1
                name = f"{wanted}_{number}"
            self.layout.names.add(name)
            self.names[pointer] = name
            self.waiting.append(pointer)
        return self.made["reference"](self.names[pointer])
