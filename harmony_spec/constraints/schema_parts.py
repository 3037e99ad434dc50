"""Parts of a JSON Schema, with their places."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import suppress
from typing import Any, NamedTuple

from ..tool_types.schema_references import escaped, target_of
from ..tool_types.type_grammar import NUMBERS, VALUE_KINDS
from .schema_keywords import ABOUT, KEYWORD_TYPES, is_malformed, kinds_of, type_of

PartKey = frozenset[str]
"""The places of parts that apply to the same value."""


DEFINITIONS = "#/$defs/"


class SchemaPart(NamedTuple):
    """A part of a schema.

    Attributes:
        at: its place, as a JSON pointer.
        entered: the places of the parts that led here from the same value. A reference to one of them is a circle.
    """

    schema: Any
    at: str
    entered: PartKey

    def inside(self, keyword: str, *step: str | int) -> SchemaPart:
        """A part for a part of the value."""
        schema, at = self._step(keyword, *step)
        return SchemaPart(schema, at, frozenset([at]))

    def beside(self, keyword: str, *step: str | int) -> SchemaPart:
        """A part for the same value."""
        schema, at = self._step(keyword, *step)
        return SchemaPart(schema, at, self.entered | {at})

    def _step(self, keyword: str, *step: str | int) -> tuple[Any, str]:
        schema, at = self.schema[keyword], f"{self.at}/{keyword}"
        for each in step:
            schema, at = schema[each], f"{at}/{escaped(str(each))}"
        return schema, at

    @property
    def keywords(self) -> Set[str]:
        """Those that restrict values."""
        return self.schema.keys() & ABOUT.keys() if isinstance(self.schema, dict) else set()

    @property
    def malformed(self) -> set[str]:
        """The keywords whose value has no meaning in JSON Schema."""
        return {each for each in KEYWORD_TYPES.keys() & self.keywords if is_malformed(each, self.schema[each])}

    @property
    def kinds(self) -> frozenset[str]:
        return kinds_of(self.schema.get("type")) if isinstance(self.schema, dict) else VALUE_KINDS

    @property
    def lists(self) -> list[list[Any]]:
        """The lists of values that a part has: a value must be in each."""
        found = [self.list("enum")] if isinstance(self.schema.get("enum"), list) else []
        return [*found, [self.schema["const"]]] if "const" in self.schema else found

    @property
    def references(self) -> Iterator[str]:
        """The references that a value itself must match, not its parts."""
        if isinstance(self.schema, dict):
            if isinstance(reference := self.schema.get("$ref"), str):
                yield reference
            for keyword in ("anyOf", "oneOf", "allOf"):
                for part in self.besides(keyword):
                    yield from part.references

    def besides(self, keyword: str) -> list[SchemaPart]:
        """The parts for the same value that a keyword lists."""
        return [self.beside(keyword, index) for index in range(len(self.list(keyword)))]

    def dict(self, keyword: str) -> dict[str, Any]:
        return found if isinstance(found := self.schema.get(keyword), dict) else {}

    def list(self, keyword: str) -> list[Any]:
        return found if isinstance(found := self.schema.get(keyword), list) else []


def places_of(keywords: Set[str], *parts: SchemaPart) -> dict[str, None]:
    """The places of those of some keywords that parts have, as keys."""
    found = ((part.at, keyword) for part in parts for keyword in sorted(keywords & part.schema.keys()))
    return {f"{at}/{escaped(keyword)}": None for at, keyword in found}


def resolve(root: Any, reference: Any) -> Any:
    """The schema to which a reference leads; None if there is none. Nothing is fetched."""
    with suppress(LookupError):
        found = target_of(root, reference) if isinstance(reference, str) else None
        return found if isinstance(found, dict | bool) else None
    return None


def is_finite(schema: Any, finite: Set[str]) -> bool:
    """Whether a value without end is not the only one; the same is known of some definitions."""
    if not isinstance(schema, dict) or "enum" in schema:
        return schema is not False
    if "$ref" in schema:
        return schema["$ref"].removeprefix(DEFINITIONS) in finite
    if "anyOf" in schema:
        return any(is_finite(option, finite) for option in schema["anyOf"])
    members = [schema["properties"][name] for name in schema.get("required", ())]
    first, least = schema.get("prefixItems", []), schema.get("minItems", 0)
    items = [*first[:least], *([schema["items"]] if "items" in schema and least > len(first) else [])]
    return any(
        all(is_finite(part, finite) for part in {"object": members, "array": items}.get(kind, ()))
        for kind in kinds_of(schema.get("type"))
    )


def open_parts(kinds: Set[str]) -> dict[str, Any]:
    return {key: True for key, kind in (("additionalProperties", "object"), ("items", "array")) if kind in kinds}


def split_by_type(keywords: dict[str, Any], kinds: frozenset[str]) -> dict[str, Any]:
    """A schema with alternatives for types, and all parts listed: xgrammar infers types from keywords, and takes
    what is not listed for forbidden."""
    options = []
    for group in (frozenset(["object"]), frozenset(["array"]), frozenset(["string"]), NUMBERS):
        about = {key: value for key, value in keywords.items() if ABOUT[key] == group}
        if about and (restricted := kinds & group):
            options.append(type_of(restricted) | open_parts(restricted) | about)
            kinds -= group
    options += [type_of(kinds) | open_parts(kinds)] if kinds and kinds != VALUE_KINDS else [{}] if kinds else []
    return options[0] if len(options) == 1 else {"anyOf": options}
