"""Keywords of a JSON Schema that are read alone: limits of numbers, lengths, and patterns that engines read exactly."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..tool_types.type_grammar import NUMBERS
from .schema_keywords import BOUNDS, ENFORCED, LIMITS, MAX_SAFE_INTEGER, UNENFORCED_KEYWORDS, SchemaTarget
from .schema_parts import SchemaPart, places_of

READ_ALONE = LIMITS | UNENFORCED_KEYWORDS

SHARED_FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])
"""The values of `format` that llguidance and xgrammar both know."""

MAX_EXPORTED_LENGTH = 10_000
"""The longest repetition that is exported: engines unroll some. Longer limits are reported as not enforced."""

MAX_EXPORTED_MULTIPLE = 10_000
"""The largest `multipleOf`, without its decimal point: llguidance makes a state of each remainder."""

MAX_EXPORTED_PATTERN_CHARS = 1_000
"""Longer patterns are reported as not enforced: patterns of strangers may expand to automata of any size."""

MAX_EXPORTED_REPEAT = 200
"""Patterns that repeat a part more often are reported as not enforced, for the same reason."""

_UNSUPPORTED = re.compile(
    r"\(\?(?!:)"  # lookaround, flags, names
    r"|\\(?![dDsSwWnrtfv]|x[0-9A-Fa-f]{2}|u(?![dD][89A-Fa-f])[0-9A-Fa-f]{4}|[^A-Za-z0-9<>\s])"  # \b, back references
    r"|[*+?}][*+]|&&|--|~~|\|\||\[[^\]]*\[|\[\^?\]"  # possessive, operators in classes, nested classes
    r"|\[\^[^\]]*\\[DSW]"  # a class that may have no characters
)
_CLASSES = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
_BRACE = re.compile(r"\{(?!\d+(?:,\d*)?\})")
"""A brace that repeats nothing: a character for Python, an error for llguidance, which then refuses the grammar."""

_PREFIX = re.compile(r"\^([\w-]+)(?![\w*+?{|-])")


def exact(number: float) -> Fraction:
    """The number that the JSON text has: binary fractions only come near it."""
    return Fraction(repr(number))


def common_multiple(one: float, other: float) -> float:
    first, second = exact(one), exact(other)
    found = Fraction(math.lcm(first.numerator, second.numerator), math.gcd(first.denominator, second.denominator))
    return found.numerator if found.denominator == 1 else float(found)


NARROWER: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), min),
    "multipleOf": common_multiple,
}
"""For each limit of numbers and lengths, what makes one of two."""


def limits_of(
    rows: list[SchemaPart], kinds: frozenset[str], target: SchemaTarget
) -> tuple[dict[str, Any], frozenset[str], dict[str, None]]:
    """Return the limits of values of some kinds, the kinds that they leave, and the places of limits not enforced."""
    found, places = dict[str, Any](), dict[str, None]()
    for row in rows:
        for keyword, value in row.schema.items():
            if not kinds.isdisjoint(READ_ALONE.get(keyword, ())):
                limit = _limit(keyword, value, found.get(keyword), target)
                if limit is None:
                    places |= places_of({keyword}, row)
                else:
                    found[keyword] = limit
    if found.get("minLength", 0) > found.get("maxLength", MAX_EXPORTED_LENGTH):
        kinds -= {"string"}
    else:
        others = {"format", "minLength", "maxLength"} if "pattern" in found else {"minLength", "maxLength"}
        for other in sorted(others & found.keys()) if found.keys() & {"pattern", "format"} else ():
            del found[other]
            places |= places_of({other}, *rows)
    if bounds := {keyword: found[keyword] for keyword in sorted(BOUNDS & found.keys())}:
        kinds -= NUMBERS - possible_numbers(bounds)
        written, inexact = written_bounds(bounds, kinds & NUMBERS)
        found |= written
        places |= places_of(inexact, *rows)
    return found, kinds, places


def _limit(keyword: str, value: Any, other: Any, target: SchemaTarget) -> Any:
    """The value of a keyword that can be enforced, as strict as itself and another value; None if there is none."""
    match keyword, value:
        case _ if keyword not in ENFORCED[target] or isinstance(value, bool):
            return None
        case "pattern", str():
            is_whole = value.startswith("^") and value.endswith("$") and not value.endswith("\\$")
            is_read = is_whole or target != "structural-tag"  # xgrammar matches whole strings
            return value if is_read and other in (None, value) and is_simple_pattern(value) else None
        case "format", str():
            return value if value in SHARED_FORMATS and other in (None, value) else None
        case _, int() | float() if keyword in NARROWER:
            limit = value if other is None else NARROWER[keyword](other, value)
            if keyword not in BOUNDS:
                return int(limit) if limit % 1 == 0 and 0 <= limit <= MAX_EXPORTED_LENGTH else None
            is_exact = is_exact_multiple(limit) if keyword == "multipleOf" else abs(limit) < MAX_SAFE_INTEGER
            return limit if is_exact else None
    return None


def is_exact_multiple(value: float) -> bool:
    """Whether engines read a `multipleOf` exactly.

    Of those with more decimals than one, llguidance 1.9.1 reads 0.01, but not 0.5 as a multiple of 0.25.
    """
    if (value * 10) % 1 and Decimal(repr(value)).normalize().as_tuple().digits != (1,):
        return False
    while value % 1:
        value *= 10  # as llguidance does: of some numbers, this makes long ones
    return 0 < value <= MAX_EXPORTED_MULTIPLE


def written_bounds(limits: Mapping[str, Any], kinds: Set[str]) -> tuple[dict[str, float], set[str]]:
    """Bounds that llguidance 1.9.1 reads, for these kinds of numbers, and the names of those that it enforces in part.

    Those of integers become integers. Of others, it refuses a number whose text begins that of the bound, such as 1.2
    for the maximum 1.25, so that they are widened to one decimal. It admits an excluded integer where no integer is
    within the bounds: 1 in 1 < x <= 1.8.
    """
    found, inexact = dict[str, float](), set[str]()
    for name, value in limits.items():
        is_low, is_open, tenths = NARROWER[name] is max, name.startswith("exclusive"), exact(value) * 10
        if name == "multipleOf":
            continue
        if "fraction" not in kinds:
            found[name] = math.floor(value) if is_low == is_open else math.ceil(value)
        elif tenths.denominator > 1:
            found[name] = (math.floor(tenths) if is_low else math.ceil(tenths)) / 10
            inexact.add(name)
        elif kinds == {"fraction"} and is_open and value % 1 == 0 and is_low == (value >= 0):
            inexact.add(name)
    return found, inexact


def possible_numbers(limits: Mapping[str, Any]) -> frozenset[str]:
    """The kinds of numbers that bounds and `multipleOf` leave."""
    bounds = {name: exact(value) for name, value in limits.items()}
    step = bounds.get("multipleOf")
    lows = [(bounds[name], name != "minimum") for name in ("minimum", "exclusiveMinimum") if name in bounds]
    highs = [(bounds[name], name == "maximum") for name in ("maximum", "exclusiveMaximum") if name in bounds]
    if not (lows and highs):
        return NUMBERS if step is None or step.denominator > 1 else frozenset(["integer"])
    (low, is_low_open), (high, is_high_closed) = max(lows), min(highs)

    def multiples(of: Fraction) -> list[Fraction]:
        """The two smallest ones within the bounds."""
        first = math.ceil(low / of)
        first += is_low_open and first * of == low
        return [of * at for at in (first, first + 1) if of * at < high or (is_high_closed and of * at == high)]

    between = [low] if low == high and is_high_closed and not is_low_open else [Fraction(1, 2)] if low < high else []
    found = (
        [*multiples(Fraction(1)), *between]
        if step is None
        else [*multiples(Fraction(step.numerator)), *multiples(step)]
    )
    return frozenset("integer" if number.denominator == 1 else "fraction" for number in found)


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
    if (
        _BRACE.search(bare)
        or "^" in inner
        or "$" in inner
        or (inner != bare and "|" in re.sub(r"\([^()]*\)", "", inner))
    ):
        return False
    negated = (each for each in _CLASSES.findall(pattern) if each.startswith("[^"))
    if any(re.match(each, escaped) is None for each in negated for escaped in '"\\'):
        return False  # llguidance 1.9.1 admits `"\""` for `[^"]`, as it compares the text with its escapes
    repeats = (int(high or low or 1) for low, high in re.findall(r"\{(\d*),?(\d*)\}", bare))
    return math.prod(repeats) <= MAX_EXPORTED_REPEAT
