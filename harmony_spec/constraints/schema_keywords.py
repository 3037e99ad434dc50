"""The keywords of JSON Schema that engines can enforce, and the patterns that they read as Python does."""

from __future__ import annotations

import re
from decimal import Decimal
from math import prod
from typing import Any, Literal

from ..tool_types.type_grammar import UNREAD_KEYWORD
from .schema_values import NUMBERS, VALUE_KINDS

SchemaTarget = Literal["lark", "structural-tag", "grammar"]
"""How an engine reads schemas: llguidance, xgrammar, or as rules that this package writes (EBNF and GBNF)."""

WRITTEN = frozenset(
    [
        *("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "required", "additionalProperties"),
        *("items", "prefixItems", "additionalItems", "minItems", "maxItems", "minLength", "maxLength"),
    ]
)
"""The keywords that `json_rules.py` writes as rules, after this module has joined the parts of schemas."""

BOUNDS = frozenset(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"])

READ = WRITTEN | BOUNDS | {"patternProperties", "pattern", "format"}
"""Those that llguidance reads too. It refuses a schema with any other assertion; `maxProperties` depends on others."""

ENFORCED: dict[SchemaTarget, frozenset[str]] = {
    "lark": READ,
    "structural-tag": READ - {"multipleOf", "minLength", "maxLength", "patternProperties"},
    "grammar": WRITTEN,
}

ABOUT: dict[str, frozenset[str]] = {
    **dict.fromkeys(BOUNDS, NUMBERS),
    **dict.fromkeys(("pattern", "format", "minLength", "maxLength"), frozenset(["string"])),
    **dict.fromkeys(("items", "prefixItems", "additionalItems", "minItems", "maxItems"), frozenset(["array"])),
    **dict.fromkeys(("uniqueItems", "contains", "minContains", "maxContains"), frozenset(["array"])),
    "unevaluatedItems": frozenset(["array"]),
    **dict.fromkeys(("properties", "patternProperties", "additionalProperties", "required"), frozenset(["object"])),
    **dict.fromkeys(("propertyNames", "minProperties", "maxProperties", "dependentRequired"), frozenset(["object"])),
    **dict.fromkeys(("dependentSchemas", "dependencies", "unevaluatedProperties"), frozenset(["object"])),
    **dict.fromkeys(("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"), VALUE_KINDS),
    **dict.fromkeys(("not", "if", "then", "else", "$dynamicRef", "$recursiveRef", UNREAD_KEYWORD), VALUE_KINDS),
}
"""All keywords that restrict values, and the kinds of values that they restrict. Others, such as descriptions, are left
out of exports."""

JOINED = frozenset(
    [
        *("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "patternProperties"),
        *("additionalProperties", "required", "items", "prefixItems", "additionalItems", "not"),
    ]
)
"""Keywords that are read for all parts at once. The others are limits, each read alone."""

COMBINING = frozenset(["anyOf", "oneOf", "allOf", "$ref"])

MEMBERS = frozenset(["properties", "patternProperties", "additionalProperties", "required"])

SHORT_KEYWORDS = frozenset(ABOUT) - JOINED | {"type", "required"}
"""Keywords of short parts, which are repeated rather than defined."""

SHARED_FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])
"""The values of `format` that llguidance and xgrammar both know."""

LENGTH_KEYWORDS = frozenset(["minItems", "maxItems", "minLength", "maxLength"])

MAX_EXPORTED_LENGTH = 10_000
"""The longest repetition that is exported: engines unroll some. Longer limits are reported as not enforced."""

MAX_EXPORTED_BOUND = 2**53
"""Beyond it, floating-point numbers are not exact, and llguidance refuses bounds."""

MAX_EXPORTED_MULTIPLE = 10_000
"""The largest `multipleOf`, without its decimal point: llguidance makes a state of each remainder."""

MAX_EXPORTED_PATTERN_CHARS = 1_000
"""Longer patterns are reported as not enforced: patterns of strangers may expand to automata of any size."""

MAX_EXPORTED_REPEAT = 200
"""Patterns that repeat a part more often are reported as not enforced, for the same reason."""

MAX_EXPORTED_NESTING = 60
"""Steps to a part of a schema, and references to a definition. Deeper parts are reported as not enforced: recursive
functions write and read them, in engines too."""

MAX_EXPORTED_OPTIONS = 200
"""Combinations of alternatives (`anyOf`) that apply at once. Further ones are reported as not enforced."""

MAX_EXPORTED_PARTS = 20_000
"""Parts of a schema, counted as often as they are described: joining parts may multiply them. Further ones are reported
as not enforced."""

MAX_COMPARED_OPTIONS = 20
"""Alternatives (`oneOf`) of which each pair is joined, to see that no value matches both."""

MAX_COMPARED_PARTS = 200
"""Parts that are described to compare one pair of alternatives."""

_UNSUPPORTED = re.compile(
    r"\(\?(?!:)"  # lookaround, flags, names
    r"|\\(?![dDsSwWnrtfv]|x[0-9A-Fa-f]{2}|u(?![dD][89A-Fa-f])[0-9A-Fa-f]{4}|[^A-Za-z0-9<>\s])"  # \b, back references
    r"|[*+?}][*+]|&&|--|~~|\[[^\]]*\[|\[\^?\]"  # possessive, operators in classes, nested classes
    r"|\[\^[^\]]*\\[DSW]"  # a class that may have no characters
)
_CLASSES = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
_PREFIX = re.compile(r"\^([\w-]+)(?![\w*+?{|-])")


def is_exact_bound(keyword: str, value: float) -> bool:
    """Whether engines read a bound, or a `multipleOf`, exactly.

    Of multiples with more decimals than one, llguidance 1.9.1 reads those of 0.01, but not 0.5 as a multiple of 0.25.
    """
    if keyword != "multipleOf":
        return abs(value) < MAX_EXPORTED_BOUND
    if (value * 10) % 1 and Decimal(repr(value)).normalize().as_tuple().digits != (1,):
        return False
    while value % 1:
        value *= 10  # as llguidance does: of some numbers, this makes long ones
    return 0 < value <= MAX_EXPORTED_MULTIPLE


def limit_of(keyword: str, value: Any, target: SchemaTarget) -> Any:
    """The value of a keyword that can be enforced; None for another one."""
    match keyword, value:
        case "pattern", str():
            is_whole = value.startswith("^") and value.endswith("$") and not value.endswith("\\$")
            is_read = is_whole or target != "structural-tag"  # xgrammar matches whole strings
            return value if is_read and is_simple_pattern(value) else None
        case "format", str():
            return value if value in SHARED_FORMATS else None
        case _, bool():
            return None
        case _, int() | float() if keyword in LENGTH_KEYWORDS:
            return int(value) if value == int(value) and 0 <= value <= MAX_EXPORTED_LENGTH else None
        case _, int() | float() if keyword in BOUNDS:
            return value
    return None


def are_apart(pattern: str, other: str) -> bool:
    """Whether no name matches two patterns, as far as the texts tell with which they begin."""
    found, second = _PREFIX.match(pattern), _PREFIX.match(other)
    if not found or not second:
        return False
    return not found[1].startswith(second[1]) and not second[1].startswith(found[1])


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
