"""The keywords of JSON Schema that engines can enforce, and the kinds of JSON values that they are about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from decimal import Decimal
from sys import float_info
from typing import Any, Literal

from ..tool_types.type_grammar import KINDS_BY_TYPE, NUMBERS, UNREAD_KEYWORD, VALUE_KINDS, kind_of

SchemaTarget = Literal["lark", "structural-tag", "grammar"]
"""How an engine reads schemas: llguidance, xgrammar, or as rules that this package writes (EBNF and GBNF)."""

BOUNDS = frozenset(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"])
LENGTHS = frozenset(["minItems", "maxItems", "minLength", "maxLength"])
COMBINING = frozenset(["anyOf", "oneOf", "allOf", "$ref"])
MEMBERS = frozenset(["properties", "patternProperties", "additionalProperties", "required"])

STRING, ARRAY, OBJECT = frozenset(["string"]), frozenset(["array"]), frozenset(["object"])

LIMITS = {
    **dict.fromkeys(BOUNDS, NUMBERS),
    **dict.fromkeys(("pattern", "format", "minLength", "maxLength"), STRING),
    **dict.fromkeys(("minItems", "maxItems"), ARRAY),
}
"""Keywords that are read alone, and the kinds of values that they restrict."""

JOINED = {
    **dict.fromkeys(COMBINING | {"type", "enum", "const", "not"}, VALUE_KINDS),
    **dict.fromkeys(("items", "prefixItems", "additionalItems"), ARRAY),
    **dict.fromkeys(MEMBERS, OBJECT),
}
"""Those that are read together, and for all parts of a schema at once."""

UNENFORCED_KEYWORDS = {
    **dict.fromkeys(("uniqueItems", "contains", "minContains", "maxContains", "unevaluatedItems"), ARRAY),
    **dict.fromkeys(("propertyNames", "minProperties", "maxProperties", "dependentRequired"), OBJECT),
    **dict.fromkeys(("dependentSchemas", "dependencies", "unevaluatedProperties"), OBJECT),
    **dict.fromkeys(("if", "then", "else", "$dynamicRef", "$recursiveRef", UNREAD_KEYWORD), VALUE_KINDS),
}
"""Those that llguidance refuses, and that xgrammar ignores or reads in part."""

ABOUT = LIMITS | JOINED | UNENFORCED_KEYWORDS
"""All keywords that restrict values. Others, such as descriptions, are left out of exports."""

SHORT_KEYWORDS = ABOUT.keys() - JOINED.keys() | {"type", "required"}
"""Keywords of short parts, which are repeated rather than defined."""

ENFORCED: dict[SchemaTarget, Set[str]] = {
    "lark": {*LIMITS, "patternProperties"},
    "structural-tag": LIMITS.keys() - {"multipleOf", "minLength", "maxLength"},
    "grammar": LENGTHS,
}
"""The limits, and patterns of names, that a target can enforce."""

MAX_VALUE_NESTING = 40
"""Levels of a listed value. Deeper ones are reported as not enforced: recursive functions write and read them."""

MAX_SAFE_INTEGER = 2**53
"""The integers up to it are floats, too. Beyond it, llguidance refuses bounds, and no model writes all the digits."""

ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))

KEYWORD_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("properties", "patternProperties"), dict),
    **dict.fromkeys(("required", "prefixItems", "allOf", "anyOf", "oneOf", "enum"), list),
    "type": (str, list),
}
"""The types of keywords."""


def is_malformed(keyword: str, value: Any) -> bool:
    """Whether JSON Schema does not define what a value of a keyword in `KEYWORD_TYPES` means."""
    if not isinstance(value, KEYWORD_TYPES[keyword]):
        return True
    names: Any = [value] if isinstance(value, str) else value
    if keyword == "type":
        return not names or any(str(name) not in KINDS_BY_TYPE for name in names)
    return keyword == "required" and not all(isinstance(name, str) for name in names)


def kinds_of(types: Any) -> frozenset[str]:
    """The kinds of values that a `type` allows; all for one that is malformed."""
    if isinstance(types, str):
        return KINDS_BY_TYPE.get(types, VALUE_KINDS)
    return VALUE_KINDS if is_malformed("type", types) else frozenset().union(*map(KINDS_BY_TYPE.__getitem__, types))


def type_of(kinds: Set[str]) -> dict[str, Any]:
    """The keyword `type`, if these are not all kinds."""
    names = sorted(kinds - NUMBERS | ({"number"} if "fraction" in kinds else kinds & NUMBERS))
    return {} if kinds == VALUE_KINDS else {"type": names[0] if len(names) == 1 else names}


def is_deep(value: Any, left: int = MAX_VALUE_NESTING) -> bool:
    """Whether a value has more levels than engines read."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(is_deep(part, left - 1) for part in parts)


def spellings_of(number: float) -> list[str]:
    """The spelling of a float and, if it has no fraction, that of the equal integer."""
    is_whole = number % 1 == 0 and abs(number) <= MAX_SAFE_INTEGER
    return [json.dumps(number), *[str(int(number))] * is_whole]


def numbers_in(value: Any) -> Iterator[float]:
    """The numbers that a value consists of."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(part)
    elif kind_of(value) in NUMBERS:
        yield value


def is_rounded(value: Any) -> bool:
    """Whether a value has a number of more digits than floats hold, which engines with JSON may read as another one."""
    return any(len(Decimal(repr(number)).as_tuple().digits) > float_info.dig for number in numbers_in(value))


def is_respelled(value: Any) -> bool:
    """Whether a value has a number that engines with JSON admit in another spelling only: 2 for 2.0, 0.01 for 1e-2."""
    return any(isinstance(n, float) and (n % 1 == 0 or "e" in repr(n)) for n in numbers_in(value))


def to_json_text(value: Any) -> str:
    """JSON text in ASCII. Raises `ValueError` for a number that JSON does not have, `TypeError` for other values."""
    return ENCODER.encode(value)


def is_encodable(value: Any) -> bool:
    """Whether a value has no halves of surrogate pairs, which neither UTF-8 nor engines have."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
