"""From JSON Schema to the type grammar of a codec: what a type says as a type, the rest as comments.

A schema becomes one type and remarks about it. Where the remarks are written depends on where the type stands: above a
property, behind an alternative, before anything else. A reference is replaced by what it refers to where that is used
once and does not refer to itself; else it becomes a definition with a name. Nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

from ..format.content_reading import NESTING
from ..format.content_writing import Inexpressible, Layout, compact, lines_of
from .schema_references import NAMED, REMARKS, SILENT, UNFOLLOWED, References, escaped
from .type_building import Types
from .type_grammar import KINDS, Grammar, JsonSchema, Said, default_of, is_of_kind, strings_of, strings_said

SAID_BY_SCALARS: Set[str] = SILENT | {"type"}
"""Keywords that are no remarks where nothing but the type restricts scalar values."""

IMPLYING = frozenset({"properties", "items", "prefixItems"})
"""Keywords that imply a type where a schema names none."""

NOTHING: list[Any] = []
"""One list for all that is absent: types are made to be written, and never changed."""

COMBINING = frozenset({"$ref", "anyOf", "oneOf", "allOf", "enum", "const", "not", "nullable"})
"""Keywords that restrict values beside `type`, or instead."""

OF_OTHERS = ("patternProperties", "additionalProperties")
"""Keywords about the properties that no other keyword of the same schema lists."""

SCALARS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
"""The alternatives of the grammar's basic types, by type of JSON Schema (2020-12, Validation, 6.1.1)."""


class TypeWriter(Types):
    """The types of one schema and of what it refers to.

    Methods raise `Inexpressible` with the JSON pointer of what is wrong.
    """

    def __init__(self, grammar: Grammar, root: JsonSchema, layout: Layout) -> None:
        super().__init__(grammar)
        self.root, self.layout = root, layout
        self.names: dict[str, str] = {}
        self.waiting: list[str] = []
        self.references = References(root)

    def parameters(self) -> Any:
        """What a function takes, with the definitions that it needs; it is one of them where anything refers to it."""
        made = self.made["parameters"]
        if self.root is None:
            return made()
        said, definitions = self.inline(self.root, "", 0), self.definitions()
        if "#" in self.names:
            self.layout.names.difference_update(self.names.values())
            self.names = {}
            said, definitions = self.reference("#", ""), self.definitions()
        return made(said, definitions)

    def definitions(self) -> list[Any]:
        """What has a name, and what that needs."""
        definitions = []
        while self.waiting:
            pointer = self.waiting.pop(0)
            target = self.references.target(pointer, "")
            definitions.append(self.made["definition"](self.names[pointer], self.inline(target, pointer[1:], 0)))
        return definitions

    def inline(self, schema: Any, at: str, depth: int) -> Any:
        """A type with all that is said of it before it."""
        return self.commented(self.said(schema, at, depth))

    def part(self, schema: Any, at: str, depth: int) -> Any:
        """The same for a schema that may be all there is: what follows it is not known yet."""
        said = self.said(schema, at, depth)
        return said.type if said.silent and not said.default else self.commented(said)

    def closed(self, made: Any) -> Any:
        """Alternatives that something follows on the line of the last one: nothing is said behind that."""
        if not isinstance(made, self.made["one_of"]):
            return made
        last = made.variants[-1]
        if last.remark is None and last.default is None:
            return made
        said = Said(last.alternative)
        if last.remark is not None:
            self.remark(said, "description", last.remark, "")
        if last.default is not None:
            said.default = tuple(default_of(last.default, strings_said(self.grammar, last.alternative)))
        return self.made["one_of"]([*made.variants[:-1], self.made["variant"](self.commented(said))])

    def commented(self, said: Said) -> Any:
        said.type = self.closed(said.type)
        if said.default:
            said.annotations += (("default", said.default[0]),)
        if said.silent:
            return said.type
        kind = type(said.type)
        grouped = kind in (self.made["one_of"], self.made["union"], self.made["intersection"], self.made["array"])
        grouped = grouped or kind in (self.made["annotated"], self.made["group"])
        if grouped:
            return self.made["group"](type=self.fenced(said.type), **self.comments(said))
        return self.made["annotated"](primary=said.type, **self.comments(said))

    def comments(self, said: Said) -> dict[str, Any]:
        comments = {"title": said.title, "about": said.about, "examples": list(said.examples)}
        return {**comments, "annotations": self.annotations(said)}

    def annotations(self, said: Said) -> list[Any]:
        annotation = self.made["annotation"]
        return [annotation(keyword, value) for keyword, value in said.annotations]

    def said(self, schema: Any, at: str, depth: int) -> Said:
        """A schema as a type and remarks."""
        if depth > NESTING:
            raise Inexpressible("parameters", f"nested more than {NESTING} deep", at)
        if not isinstance(schema, dict):
            return Said(self.of_all_or_nothing(schema, at))
        named = schema.get("type")
        kind = named if isinstance(named, str) and named in KINDS and COMBINING.isdisjoint(schema) else None
        if kind in SCALARS:
            said, used = Said(self.basic(SCALARS[kind])), SAID_BY_SCALARS
        elif "$ref" in schema and (inlined := self.dereferenced(schema, at)) is not None:
            return self.said(inlined, at, depth + 1)
        else:
            used = rest = set(SILENT)
            made = self.kind(kind, schema, at, depth, rest) if kind else self.combined(schema, at, depth, rest)
            said = Said(made)
        for keyword, value in schema.items():
            if keyword not in used:
                self.remark(said, keyword, value, at)
        return said

    def of_all_or_nothing(self, schema: Any, at: str) -> Any:
        if not isinstance(schema, bool):
            raise Inexpressible("parameters", f"{schema!r} is no schema: an object, true or false", at)
        return self.basic("any" if schema else "never")

    def combined(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """The type of a schema that restricts values in several ways, or in none."""
        parts = self.conjuncts(schema, at, depth, used)
        made = parts[0] if parts else self.basic("any")
        if len(parts) > 1:
            made = self.made["intersection"]([self.bracketed(self.closed(part)) for part in parts])
        elif isinstance(made, self.made["object_type"]) and self.takes_in(made, schema.keys() - used):
            made = self.apart(made)
        if schema.get("nullable") is True:
            made = self.union([self.closed(made), self.basic("null")])
        return made

    def takes_in(self, made: Any, keywords: Set[str]) -> bool:
        """Whether keywords before an object would be read as its own, though they stand beside its schema."""
        kept = {"properties", "required"} if made.index is None else {"properties", "required", "additionalProperties"}
        return not keywords.isdisjoint(OF_OTHERS) and keywords.isdisjoint(kept)

    def remark(self, said: Said, keyword: str, value: Any, at: str) -> None:
        """Take in a keyword that the type does not say."""
        if keyword == "description" and isinstance(value, str) and self.plain(value):
            said.about = value or None
        elif keyword == "default":
            said.default = (value,)
        elif keyword == "title" and isinstance(value, str):
            said.title = value or None
        elif keyword == "examples" and isinstance(value, list):
            said.examples = value
        elif self.grammar.fits("KEYWORD", keyword):
            said.annotations += ((keyword, self.renamed(keyword, value, at)),)
        else:
            raise Inexpressible(repr(keyword), "a keyword is one word", at)

    def renamed(self, keyword: str, value: Any, at: str) -> Any:
        """The value of a keyword that stays JSON, its local references by the names of their definitions."""
        if keyword in UNFOLLOWED:
            return value
        if isinstance(value, list):
            return [self.renamed("", item, at) for item in value]
        if not isinstance(value, dict):
            return value
        if keyword in NAMED:
            return {name: self.renamed("", item, at) for name, item in value.items()}
        found = {key: self.renamed(key, item, at) for key, item in value.items()}
        if pointer := self.references.of(value):
            found["$ref"] = f"#/$defs/{self.reference(pointer, at).named}"
        return found

    def plain(self, text: str) -> bool:
        """Whether the lines of a text fit comments, or are empty."""
        fits = self.terminals["TEXT"].fullmatch
        if text and text.isprintable():
            return fits(text) is not None
        return None not in [fits(line) for line in lines_of(text) if line]

    def conjuncts(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> list[Any]:
        """The types that all apply, one for each way in which a schema restricts values."""
        parts = []
        if pointer := self.references.of(schema):
            used.add("$ref")
            target = self.references.target(pointer, at)
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
        """The types that all apply where any of several schemas does, or one, or all."""
        if not options:
            return [] if keyword == "allOf" else [self.basic("never")]
        if keyword == "oneOf":
            return [self.made["one_of"]([self.variant(option, f"{at}/{i}", depth) for i, option in enumerate(options)])]
        types = [self.part(option, f"{at}/{i}", depth) for i, option in enumerate(options)]
        return types if keyword == "allOf" or len(types) == 1 else [self.union([self.closed(each) for each in types])]

    def base(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """The type by the keywords `enum`, `const` and `type`; None where there is none of them."""
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
        """Values that stand for themselves, those of several types if there are any, each once."""
        literals = {repr(value): self.literal(value) for value in values if not kinds or is_of_kind(value, kinds)}
        return self.alternatives([*literals.values()]) if literals else self.basic("never")

    def kinds(self, schema: dict[str, Any]) -> list[str]:
        """The types of JSON Schema that a schema names, or implies."""
        named = schema["type"] if "type" in schema else self.implied_kind(schema)
        kinds: list[Any] = named if isinstance(named, list) else [named]
        return kinds if all(isinstance(kind, str) and kind in KINDS for kind in kinds) else []

    def implied_kind(self, schema: dict[str, Any]) -> str | None:
        """The type of a schema that names none, by the keywords that only make sense for one."""
        if not schema.keys().isdisjoint(COMBINING):
            return None
        if isinstance(schema.get("properties"), dict):
            return "object"
        return "array" if "items" in schema or "prefixItems" in schema else None

    def kind(self, kind: str, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        used.add("type")
        if kind == "object":
            return self.object(schema, at, depth, used)
        return self.array(schema, at, depth, used) if kind == "array" else self.basic(SCALARS[kind])

    def object(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        used.add("properties")
        members, index = self.members(schema, at, depth, used), None
        if schema.get("additionalProperties", False) is not False:
            index = self.others(schema, at, depth, used)
        made = self.made["object_type"](members, index)
        if "required" in used and isinstance(schema.get("type"), str) and schema.keys().isdisjoint(COMBINING):
            return made
        beside = {k: schema[k] for k in OF_OTHERS if k in schema and k not in used}
        used.update(beside)
        annotations = [self.made["annotation"](key, self.renamed(key, value, at)) for key, value in beside.items()]
        return self.made["annotated"](annotations=annotations, primary=made) if annotations else made

    def members(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> list[Any]:
        """The properties, and what else is required if that can be one of them; if not, `required` stays a remark."""
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict):
            raise Inexpressible("properties", "not an object of schemas", f"{at}/properties")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise Inexpressible("required", "not a list of names", f"{at}/required")
        needed = dict.fromkeys(required)
        members = [
            self.member(name, value, name in needed, f"{at}/properties/{escaped(name)}", depth + 1)
            for name, value in properties.items()
        ]
        unlisted = [name for name in needed if name not in properties]
        if not unlisted or self.others_are_alike(schema):
            used.add("required")
            others, place = schema.get("additionalProperties", True), f"{at}/additionalProperties"
            members += [self.member(name, others, True, place, depth + 1) for name in unlisted]
        return members

    def others(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        """The type of the properties that are not listed; None if they may be anything."""
        made = self.inline(schema["additionalProperties"], f"{at}/additionalProperties", depth + 1)
        if made is not self.basic("any"):
            used.add("additionalProperties")
            return made
        if "required" in used and not self.references.mind_what_is_evaluated:
            used.add("additionalProperties")
        return None

    def others_are_alike(self, schema: dict[str, Any]) -> bool:
        """Whether listing a property as one of the others changes nothing of what is said of it."""
        apart = "patternProperties" in schema and schema.get("additionalProperties", True) not in (True, {})
        return not apart and not self.references.mind_what_is_evaluated

    def member(self, name: str, schema: Any, required: bool, at: str, depth: int) -> Any:
        if not isinstance(name, str):
            raise Inexpressible("properties", f"{name!r} is no name", at)
        said = self.said(schema, at, depth)
        plain = self.terminals["IDENTIFIER"].fullmatch(name) is not None
        alternatives = isinstance(said.type, self.made["one_of"])
        default = self.default(said, strings_of(self.grammar, said.type)) if said.default else None
        return self.made["member"](
            said.title,
            said.about,
            said.examples or NOTHING,
            self.annotations(said) if said.annotations else NOTHING,
            name if plain else None,
            None if plain else compact(name),
            not required,
            None if alternatives else said.type,
            default,
            said.type if alternatives else None,
        )

    def default(self, said: Said, listed: list[str]) -> str | None:
        """The text of a default; what would be read back as another value becomes an annotation."""
        value = said.default[0]
        text = value if isinstance(value, str) and listed else compact(value)
        if (text in listed) == (isinstance(value, str) and bool(listed)) and self.grammar.fits("DEFAULT", text):
            return str(text)
        said.annotations += (("default", value),)
        return None

    def variant(self, schema: Any, at: str, depth: int) -> Any:
        """One alternative on its line, with what fits behind it."""
        said = self.said(schema, at, depth)
        if self.stands_elsewhere(said):
            said.type = self.apart(said.type)
        remark = None
        if said.about and said.title is None and not said.examples and self.grammar.fits("REMARK", said.about):
            remark, said.about = said.about, None
        listed = (strings_said if said.silent else strings_of)(self.grammar, said.type)
        default = self.default(said, listed) if said.default else None
        said.default = ()
        return self.made["variant"](self.commented(said), remark, default)

    def stands_elsewhere(self, said: Said) -> bool:
        """Whether what a part of an alternative says would stand behind it, were it said of the alternative itself."""
        made = said.type
        if not said.silent or not isinstance(made, (self.made["annotated"], self.made["group"])):
            return False
        if not said.default and any(item.keyword == "default" for item in made.annotations):
            return True
        return bool(made.about) and not made.title and not made.examples and self.grammar.fits("REMARK", made.about)

    def array(self, schema: dict[str, Any], at: str, depth: int, used: set[str]) -> Any:
        first, items = schema.get("prefixItems"), schema.get("items")
        used.add("items")
        if isinstance(first, list) and first:
            used.add("prefixItems")
            if items in (True, {}) and self.references.mind_what_is_evaluated:
                used.remove("items")
            places = [
                self.bracketed(self.inline(item, f"{at}/prefixItems/{i}", depth + 1)) for i, item in enumerate(first)
            ]
            rest = None if items is False else self.inline(True if items is None else items, f"{at}/items", depth + 1)
            return self.made["tuple_type"](places, None if rest is None else self.list_of(rest))
        return self.made["any_array"]() if items is None else self.list_of(self.inline(items, f"{at}/items", depth + 1))

    def dereferenced(self, schema: dict[str, Any], at: str) -> dict[str, Any] | bool | None:
        """What a reference refers to, with the remarks beside it; None for what has a name, or stays."""
        pointer = self.references.of(schema)
        if pointer is None or not set(schema) - {"$ref"} <= REMARKS | SILENT:
            return None
        target = self.references.target(pointer, at)
        if self.references.is_named(pointer):
            return None
        if isinstance(target, bool):
            target = {} if target else {"not": {}}
        return {**target, **{k: v for k, v in schema.items() if k != "$ref"}} if isinstance(target, dict) else target

    def reference(self, pointer: str, at: str) -> Any:
        """A type by its name, to be defined."""
        if pointer not in self.names:
            self.references.target(pointer, at)
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
