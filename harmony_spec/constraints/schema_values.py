"""Kinds of JSON values, and which of them the limits of a JSON Schema leave."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Set
from fractions import Fraction
from typing import Any

NUMBERS = frozenset(["integer", "fraction"])

VALUE_KINDS = NUMBERS | {"null", "boolean", "object", "array", "string"}
"""Kinds of values, of which types consist."""

KINDS_BY_TYPE = {kind: frozenset([kind]) for kind in VALUE_KINDS - {"fraction"}} | {"number": NUMBERS}

MAX_VALUE_NESTING = 40
"""Levels of a listed value. Deeper ones are reported as not enforced: recursive functions write and read them."""

MAX_SAFE_INTEGER = 2**53
"""The integers up to it are floats, too; a larger float has an integer of many digits, which no model writes."""

ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))

MINIMA = frozenset(["minimum", "exclusiveMinimum", "minLength", "minItems"])
MAXIMA = frozenset(["maximum", "exclusiveMaximum", "maxLength", "maxItems"])


KEYWORD_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("properties", "patternProperties"), dict),
    **dict.fromkeys(("required", "prefixItems", "allOf", "enum"), list),
    "type": (str, list),
}
"""The types of keywords."""


def is_malformed(keyword: str, value: Any) -> bool:
    """Whether JSON Schema does not define what a value of a keyword in `KEYWORD_TYPES` means."""
    if not isinstance(value, KEYWORD_TYPES[keyword]):
        return True
    listed: Any = [value] if isinstance(value, str) else value
    match keyword:
        case "type":
            return not listed or any(str(name) not in KINDS_BY_TYPE for name in listed)
        case "required":
            return not all(isinstance(name, str) for name in listed)
    return False


def kinds_of(types: Any) -> frozenset[str]:
    """The kinds of values that a `type` allows; all for one that is malformed."""
    if isinstance(types, str):
        return KINDS_BY_TYPE.get(types, VALUE_KINDS)
    return VALUE_KINDS if is_malformed("type", types) else frozenset().union(*map(KINDS_BY_TYPE.__getitem__, types))


def type_of(kinds: Set[str]) -> dict[str, Any]:
    """The keyword `type`, if these are not all kinds."""
    names = sorted(kinds - NUMBERS | ({"number"} if "fraction" in kinds else kinds & NUMBERS))
    return {} if kinds == VALUE_KINDS else {"type": names[0] if len(names) == 1 else names}


def kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if value == value // 1 else "fraction"
        case str():
            return "string"
    return "array" if isinstance(value, list) else "object"


def is_deep(value: Any, left: int = MAX_VALUE_NESTING) -> bool:
    """Whether a value has more levels than engines read."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(is_deep(part, left - 1) for part in parts)


def spellings_of(number: float) -> list[str]:
    """The spelling of a float and, if it has no fraction, that of the equal integer."""
    is_whole = number % 1 == 0 and abs(number) <= MAX_SAFE_INTEGER
    return [json.dumps(number), *[str(int(number))] * is_whole]


def is_respelled(value: Any) -> bool:
    """Whether a value has a number that engines with JSON admit in another spelling only: 2 for 2.0, 0.01 for 1e-2."""
    if isinstance(value, dict | list):
        return any(map(is_respelled, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and (value % 1 == 0 or "e" in repr(value))


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


def both(keyword: str, one: Any, other: Any) -> Any:
    """The value of a limit that is as strict as two together; None if there is none."""
    if keyword in MINIMA:
        return max(one, other)
    if keyword in MAXIMA:
        return min(one, other)
    if keyword == "multipleOf":
        first, second = exact(one), exact(other)
        found = Fraction(math.lcm(first.numerator, second.numerator), math.gcd(first.denominator, second.denominator))
        return found.numerator if found.denominator == 1 else float(found)
    return one if one == other else None


def exact(number: float) -> Fraction:
    """The number that the JSON text has: binary fractions only come near it."""
    return Fraction(repr(number))


def whole_bounds(limits: Mapping[str, Any]) -> dict[str, int]:
    """Bounds with fractions, as integers that allow the same integers."""
    found = {name: limits[name] for name in ("minimum", "exclusiveMaximum") if name in limits}
    floors = {name: limits[name] for name in ("maximum", "exclusiveMinimum") if name in limits}
    return {name: math.ceil(value) for name, value in found.items()} | {
        name: math.floor(value) for name, value in floors.items()
    }


def widened_bounds(limits: Mapping[str, Any]) -> dict[str, float]:
    """Bounds of more decimals than one, as wider ones: llguidance 1.9.1 refuses a number whose text begins that of a
    bound, such as 1.2 for the maximum 1.25."""
    tenths = {name: exact(value) * 10 for name, value in limits.items() if name in MINIMA | MAXIMA}
    return {
        name: (math.floor(value) if name in MINIMA else math.ceil(value)) / 10
        for name, value in tenths.items()
        if value.denominator > 1
    }


def admitted_bounds(limits: Mapping[str, Any]) -> set[str]:
    """The excluded bounds that llguidance 1.9.1 admits where no integer is within the bounds: 1 in 1 < x <= 1.8."""
    low, high = limits.get("exclusiveMinimum", -1), limits.get("exclusiveMaximum", 1)
    is_admitted = {"exclusiveMinimum": low >= 0 and low % 1 == 0, "exclusiveMaximum": high < 0 and high % 1 == 0}
    return {name for name, admitted in is_admitted.items() if admitted}


def possible_numbers(limits: Mapping[str, Any]) -> frozenset[str]:
    """The kinds of numbers that bounds and `multipleOf` leave."""
    bounds = {name: exact(value) for name, value in limits.items()}
    step = bounds.get("multipleOf")
    lows = [(bounds[name], name != "minimum") for name in ("minimum", "exclusiveMinimum") if name in bounds]
    highs = [(bounds[name], name == "maximum") for name in ("maximum", "exclusiveMaximum") if name in bounds]
    found = {"integer"} if step is not None and step.denominator == 1 else {*NUMBERS}
    if not (lows and highs):
        return frozenset(found)
    (low, is_low_open), (high, is_high_closed) = max(lows), min(highs)

    def multiples(of: Fraction) -> list[Fraction]:
        """The two smallest ones within the bounds."""
        first = math.ceil(low / of)
        first += is_low_open and first * of == low
        return [of * at for at in (first, first + 1) if of * at < high or (is_high_closed and of * at == high)]

    if not multiples(Fraction(1 if step is None else step.numerator)):
        found.discard("integer")
    between = [low] if low == high and is_high_closed and not is_low_open else [Fraction(1, 2)] if low < high else []
    if all(each.denominator == 1 for each in (between if step is None else multiples(step))):
        found.discard("fraction")
    return frozenset(found)
