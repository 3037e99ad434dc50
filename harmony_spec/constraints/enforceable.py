"""The part of a JSON Schema that an engine can enforce, and the keywords that it cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from functools import lru_cache
from math import prod
from typing import Any, Literal, NamedTuple

from ..tool_types.schema_references import escaped

Target = Literal["lark", "structural-tag", "grammar"]
"""How an engine reads schemas: llguidance, xgrammar, or as rules that this package writes (EBNF and GBNF)."""

WRITTEN = frozenset(
    [
        *("type", "enum", "const", "anyOf", "oneOf", "$ref", "properties", "required", "additionalProperties"),
        *("items", "prefixItems", "minItems", "maxItems", "minLength", "maxLength"),
    ]
)
"""The keywords that `json_rules.py` writes as rules."""

BOUNDS = frozenset(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"])

READ = WRITTEN | BOUNDS | {"allOf", "patternProperties", "pattern", "format"}
"""Those that llguidance reads too. It refuses a schema with any other assertion; `maxProperties` depends on others."""

ENFORCED: dict[Target, frozenset[str]] = {
    "lark": READ,
    "structural-tag": READ - {"allOf", "multipleOf", "minLength", "maxLength", "patternProperties"},
    "grammar": WRITTEN,
}

ASSERTIONS = READ | {
    *("not", "if", "then", "else", "uniqueItems", "contains", "minContains", "maxContains", "propertyNames"),
    *("minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies", "additionalItems"),
    *("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"),
}
"""All keywords that restrict values. Others, such as descriptions, are left out of exports."""

FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])
"""The values of `format` that llguidance and xgrammar both know."""

LENGTHS = frozenset(["minItems", "maxItems", "minLength", "maxLength"])
RANGES = [("minItems", "maxItems"), ("minLength", "maxLength"), ("minimum", "maximum")]
KINDS = frozenset(["null", "boolean", "object", "array", "fraction", "integer", "string"])
"""Kinds of values, of which types consist."""

COMBINING = frozenset(["enum", "$ref", "anyOf", "allOf", "format", "pattern"])
"""The keywords that restrict what others may be beside them."""

TYPES = {kind: (kind,) for kind in KINDS - {"fraction"}} | {"number": ("integer", "fraction")}

MAX_EXPORTED_LENGTH = 10_000
"""The longest repetition that is exported: engines unroll some. Longer limits are reported as not enforced."""

MAX_EXPORTED_BOUND = 2**53
"""Beyond it, floating-point numbers are not exact, and llguidance refuses bounds."""

MAX_EXPORTED_PATTERN_CHARS = 1_000
"""Longer patterns are reported as not enforced: patterns of strangers may expand to automata of any size."""

MAX_EXPORTED_REPEAT = 200
"""Patterns that repeat a part more often are reported as not enforced, for the same reason."""

EXPORTED_SCHEMAS_CACHE_SIZE = 1_000
"""Cleaned schemas that are remembered."""

MAX_EXPORTED_NESTING = 60
"""Steps to a part of a schema. Deeper parts are reported as not enforced: recursive functions write them."""

_UNSUPPORTED = re.compile(
    r"\(\?(?!:)"  # lookaround, flags, names
    r"|\\(?![dDsSwWnrtfv]|x[0-9A-Fa-f]{2}|u(?![dD][89A-Fa-f])[0-9A-Fa-f]{4}|[^A-Za-z0-9<>\s])"  # \b, back references
    r"|[*+?}][*+]|&&|--|~~|\[[^\]]*\[|\[\^?\]"  # possessive, operators in classes, nested classes
)
_CLASSES = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)


Replacement = dict[str, Any] | Literal[False] | None


class Enforced(NamedTuple):
    """A schema for an engine.

    Attributes:
        text: the part that can be enforced, as JSON text; None if no value matches.
        unenforced: the JSON pointers of the keywords that cannot be enforced.
    """

    text: str | None
    unenforced: tuple[str, ...]


def to_json_text(value: Any) -> str:
    """JSON text in ASCII. Raises `ValueError` for a number that JSON does not have, `TypeError` for other values."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


@lru_cache(EXPORTED_SCHEMAS_CACHE_SIZE)
def enforceable(schema: str, target: Target) -> Enforced:
    """Return the part of a schema, as JSON text, that a target can enforce: it allows at least the same values."""
    cleaner = _Cleaner(json.loads(schema), ENFORCED[target])
    found = cleaner.clean_root()
    return Enforced(None if found is False else to_json_text(found), tuple(dict.fromkeys(cleaner.unenforced)))


class _Cleaner:
    """Cleans one schema. Parts that references lead to become definitions of their own.

    Attributes:
        entered: the references followed so far from the value that is described; one of them again would be a circle.
    """

    def __init__(self, root: Any, keywords: frozenset[str]) -> None:
        self.root, self.keywords = root, keywords
        self.unenforced: list[str] = []
        self.names: dict[str, str] = {}
        self.definitions: dict[str, Any] = {}
        self.entered = {"#"}

    def clean_root(self) -> Any:
        found = self.clean(self.root, "")
        if self.definitions and isinstance(found, dict):
            found["$defs"] = self.definitions
        return found

    def report(self, at: str, keyword: str) -> None:
        self.unenforced.append(f"{at}/{escaped(keyword)}")

    def clean(self, schema: Any, at: str) -> Any:
        """The part of a schema that can be enforced; False if no value matches."""
        if not isinstance(schema, dict):
            return schema is not False
        if at.count("/") > MAX_EXPORTED_NESTING:
            self.unenforced.append(at)
            return {}
        asserted = {keyword: value for keyword, value in schema.items() if keyword in ASSERTIONS}
        if len(asserted) == 1 and isinstance(only := asserted.get("type"), str) and only in TYPES:
            return asserted
        found: dict[str, Any] = {}
        for keyword, value in asserted.items():
            made = self._keyword(schema, keyword, value, at) if keyword in self.keywords else None
            if made is False:
                return False
            if made is None:
                self.report(at, keyword)
            else:
                found |= made
        if "patternProperties" in asserted and "patternProperties" not in found and "additionalProperties" in found:
            found.pop("additionalProperties")  # it would forbid what the patterns allow
            self.report(at, "additionalProperties")
        if self.keywords == ENFORCED["structural-tag"] and may_be_object(found):
            found = _with_open_properties(found)
        if not COMBINING.isdisjoint(found):
            found = self._combined(schema, found, at)
        return False if _is_impossible(found) else found

    def _combined(self, schema: dict[str, Any], found: dict[str, Any], at: str) -> Any:
        """A schema without keywords that engines do not apply at once; False if no value has all of its types."""
        if any(map(self.may_refer_back, _references(schema))):
            kept = next(keyword for keyword in ("$ref", "anyOf", "allOf", *found) if keyword in found)
            found = self.only(found, kept, found.keys(), at)
        if "enum" in found:
            found.pop("type", None)  # each value has it
            found = self.only(found, "enum", found.keys(), at)
        found = self.only(found, "format", {"minLength", "maxLength"}, at)
        found = self.only(found, "pattern", {"format", "minLength", "maxLength"}, at)
        if self.keywords == WRITTEN:
            found = self._without_intersections(found, at)
        return found if self.types_of(found) else False

    def types_of(self, schema: Any) -> frozenset[str]:
        """The types of values that a cleaned schema may allow."""
        if not isinstance(schema, dict):
            return frozenset() if schema is False else KINDS
        found, listed = KINDS, schema.get("type", ())
        if listed:
            found = frozenset(
                kind for name in ([listed] if isinstance(listed, str) else listed) for kind in TYPES[name]
            )
        if "enum" in schema:
            found &= {kind for value in schema["enum"] for kind in KINDS if _is_of_kind(value, kind)}
        if "$ref" in schema:
            found &= self.types_of(self.definitions[schema["$ref"].removeprefix("#/$defs/")])
        if "anyOf" in schema:
            found &= frozenset().union(*map(self.types_of, schema["anyOf"]))
        for part in schema.get("allOf", ()):
            found &= self.types_of(part)
        return found

    def _keyword(self, schema: dict[str, Any], keyword: str, value: Any, at: str) -> Replacement:
        """What replaces a keyword; None for one that cannot be enforced, False if no value matches it."""
        here = f"{at}/{escaped(keyword)}"
        match keyword, value:
            case "$ref", str():
                return self._reference(value)
            case "type", str() | list():
                listed = [value] if isinstance(value, str) else value
                return {"type": value} if listed and all(each in TYPES for each in listed) else False
            case "enum", list():
                kept = [each for each in value if _has_type(each, schema.get("type"))]
                return {"enum": kept} if kept else False
            case "const", _:
                return {"enum": [value]} if _has_type(value, schema.get("type")) else False
            case "anyOf" | "oneOf", list():
                made = [self.clean(each, f"{here}/{index}") for index, each in enumerate(value)]
                if keyword == "oneOf" and not _are_disjoint(value):
                    self.report(at, keyword)
                options = [each for each in made if each is not False]
                if "anyOf" in schema and keyword == "oneOf":
                    return None
                return {"anyOf": options} if options else False
            case "allOf", list():
                made = [self.clean(each, f"{here}/{index}") for index, each in enumerate(value)]
                return False if False in made else {"allOf": made}
            case "properties" | "patternProperties", dict():
                if keyword == "patternProperties" and not all(map(is_simple_pattern, value)):
                    return None
                parts = {name: self.clean_inside(each, f"{here}/{escaped(name)}") for name, each in value.items()}
                required = schema.get("required") or ()
                if keyword == "properties" and any(each is False and name in required for name, each in parts.items()):
                    return None if "type" not in schema else False
                return {keyword: parts}
            case "required", list():
                return {keyword: [*dict.fromkeys(name for name in value if isinstance(name, str))]}
            case "additionalProperties", _:
                return {keyword: self.clean_inside(value, here)}
            case "items", list():
                made = [self.clean_inside(each, f"{here}/{index}") for index, each in enumerate(value)]
                return {"prefixItems": made, "items": self.clean_inside(schema.get("additionalItems", True), at)}
            case "items", _:
                return {keyword: self.clean_inside(value, here)}
            case "prefixItems", list():
                return {keyword: [self.clean_inside(each, f"{here}/{index}") for index, each in enumerate(value)]}
            case "pattern", str():
                is_whole = value.startswith("^") and value.endswith("$") and not value.endswith("\\$")
                is_read = is_whole or self.keywords != ENFORCED["structural-tag"]  # xgrammar matches whole strings
                return {keyword: value} if is_read and is_simple_pattern(value) else None
            case "format", str():
                return {keyword: value} if value in FORMATS else None
        if keyword in LENGTHS and isinstance(value, int | float) and not isinstance(value, bool):
            return {keyword: int(value)} if value == int(value) and 0 <= value <= MAX_EXPORTED_LENGTH else None
        if keyword in BOUNDS and isinstance(value, int | float) and not isinstance(value, bool):
            is_exact = abs(value) < MAX_EXPORTED_BOUND and (keyword != "multipleOf" or value > 0)
            return {keyword: value} if is_exact else None
        return None

    def only(self, schema: dict[str, Any], keyword: str, others: Set[str], at: str) -> dict[str, Any]:
        """A schema without others of its keywords if it has this one: engines refuse what no value matches at once."""
        dropped = others & schema.keys() - {keyword} if keyword in schema else set()
        for other in sorted(dropped):
            self.report(at, other)
        return {key: value for key, value in schema.items() if key not in dropped}

    def clean_inside(self, schema: Any, at: str) -> Any:
        """The same for a schema of a part of the value."""
        entered, self.entered = self.entered, set()
        found = self.clean(schema, at)
        self.entered = entered
        return found

    def may_refer_back(self, reference: str) -> bool:
        """Whether a part may be defined by itself and more, which llguidance refuses."""
        try:
            return '"$ref"' in to_json_text(_resolve(self.root, reference[1:]))
        except (LookupError, ValueError):
            return False

    def _without_intersections(self, schema: dict[str, Any], at: str) -> dict[str, Any]:
        """A schema for rules, which cannot express that two parts apply at once: one part, or parts in each other."""
        if "$ref" in schema:
            return self.only(schema, "$ref", schema.keys(), at)
        if "anyOf" not in schema:
            return schema
        rest = {keyword: value for keyword, value in schema.items() if keyword != "anyOf"}
        options = [option if isinstance(option, dict) else {} for option in schema["anyOf"]]
        if any({"enum", "$ref", *(rest.keys() & option.keys())} & option.keys() for option in options) and rest:
            for keyword in sorted(rest):
                self.report(at, keyword)
            return {"anyOf": options}
        return {"anyOf": [{**rest, **option} for option in options]}

    def _reference(self, value: str) -> Replacement:
        """A reference to a definition of its own. Nothing is fetched."""
        seen: set[str] = set()
        target: Any = {"$ref": value}
        while isinstance(target, dict) and isinstance(target.get("$ref"), str) and len(target) == 1:
            value = target["$ref"]
            if value in seen | self.entered or not value.startswith("#"):
                return None
            seen.add(value)
            try:
                target = _resolve(self.root, value[1:])
            except (LookupError, ValueError):
                return None
        if value not in self.names:
            name = self.names[value] = f"d{len(self.names)}"
            self.definitions[name] = {}
            entered, self.entered = self.entered, {*self.entered, value}
            self.definitions[name] = self.clean(target, value[1:])
            self.entered = entered
        if self.definitions[self.names[value]] is False:
            return False
        return {"$ref": f"#/$defs/{self.names[value]}"}


def _references(schema: Any) -> Iterator[str]:
    """The references that a value itself must match, not its parts."""
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference
        for keyword in ("anyOf", "oneOf", "allOf"):
            for option in schema[keyword] if isinstance(schema.get(keyword), list) else ():
                yield from _references(option)


def may_be_object(schema: dict[str, Any]) -> bool:
    """Whether keywords about objects apply, and other ones do not decide alone."""
    return "object" in schema.get("type", ["object"]) and not {"properties", "required"}.isdisjoint(schema)


def _with_open_properties(schema: dict[str, Any]) -> dict[str, Any]:
    """List required properties and allow others explicitly: xgrammar applies no defaults of JSON Schema."""
    others = schema.get("additionalProperties", True)
    missing = {name: others for name in schema.get("required", ()) if name not in schema.get("properties", {})}
    return {**schema, "properties": {**schema.get("properties", {}), **missing}, "additionalProperties": others}


def _resolve(root: Any, pointer: str) -> Any:
    found = root
    for step in _steps(pointer):
        found = found[int(step)] if isinstance(found, list) else found[step]
    if not isinstance(found, dict | bool):
        raise LookupError(pointer)
    return found


def _steps(pointer: str) -> Iterator[str]:
    from urllib.parse import unquote

    first, *steps = unquote(pointer).split("/")
    if first:
        raise LookupError(pointer)  # an anchor
    yield from (step.replace("~1", "/").replace("~0", "~") for step in steps)


def _has_type(value: Any, types: Any) -> bool:
    if types is None:
        return True
    listed = [types] if isinstance(types, str) else types
    return any(_is_of_kind(value, kind) for name in listed for kind in TYPES.get(str(name), ()))


def _is_of_kind(value: Any, kind: str) -> bool:
    match value:
        case None:
            return kind == "null"
        case bool():
            return kind == "boolean"
        case int() | float():
            return kind == ("integer" if value == value // 1 else "fraction")
        case str():
            return kind == "string"
    return kind == ("array" if isinstance(value, list) else "object")


def _are_disjoint(options: list[Any]) -> bool:
    """Whether no value matches two of some schemas, as far as their types tell."""
    kinds: list[str] = []
    for option in options:
        types = option.get("type") if isinstance(option, dict) else None
        listed = [types] if isinstance(types, str) else types if isinstance(types, list) else [*TYPES]
        kinds += {kind for name in listed for kind in TYPES.get(str(name), ())}
    return len(kinds) == len(set(kinds))


def _is_impossible(schema: Any) -> bool:
    """Whether limits contradict each other, or a required property is forbidden."""
    if schema is False:
        return True
    if schema.get("type") == "object" and schema.get("additionalProperties") is False:
        allowed = schema.get("properties", {})
        if "patternProperties" not in schema and any(name not in allowed for name in schema.get("required", ())):
            return True
    return any(low in schema and high in schema and schema[low] > schema[high] for low, high in RANGES)


def is_simple_pattern(pattern: str) -> bool:
    """Whether engines read a pattern as Python does: without lookaround, back references and anchors in the middle."""
    if len(pattern) > MAX_EXPORTED_PATTERN_CHARS or _UNSUPPORTED.search(pattern):
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    bare = _CLASSES.sub("c", pattern)
    inner = bare.removeprefix("^").removesuffix("$")
    if "^" in inner or "$" in inner or (inner != bare and "|" in re.sub(r"\([^()]*\)", "", inner)):
        return False
    return prod(int(high or low or 1) for low, high in re.findall(r"\{(\d*),?(\d*)\}", bare)) <= MAX_EXPORTED_REPEAT
