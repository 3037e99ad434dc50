"""What a grammar wrongly refuses and accepts, among completions that a constraint admits and changes of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from itertools import chain, filterfalse, islice, zip_longest
from typing import Any, NamedTuple

from ..format.algebra import (
    AlternativesNode,
    CharacterNode,
    JsonNode,
    LiteralNode,
    Node,
    OptionalNode,
    RepeatNode,
    RuleNode,
    SequenceNode,
    TextNode,
    TokenNode,
)
from ..source.token_places import parts_of
from .constraint import Constraint
from .engines import Admits
from .schema_parts import resolve

DRAWN_TEXTS = ("Hi.", "", "a < b", '{"a": 1}', "line\nline", "to=x", "\u00e9")
"""Contents of drawn messages."""

VALUES: dict[str, Any] = {"null": None, "boolean": True, "integer": 1, "number": 0.5, "string": "x", "array": []}
"""The first values that are tried for a type."""

Units = tuple[str, ...]
"""A completion: special tokens, and the texts between them."""

MAX_DRAWS = 200
"""Completions that are drawn: enough for all spellings of a dozen tools."""

MAX_MUTANTS = 1_200
"""Changed completions that are tried."""

MAX_VALUE_DEPTH = 12
"""Schemas that need deeper values are not drawn."""


class Score(NamedTuple):
    """The mistakes of a grammar, smallest first.

    Attributes:
        valid, invalid: how many completions were tried.
        refused, accepted: valid ones that it refuses, and invalid ones that it accepts.
    """

    valid: int
    invalid: int
    refused: list[str]
    accepted: list[str]


def score(constraint: Constraint, engine: Admits, seed: int = 0) -> Score:
    """Compare a grammar with a constraint; the same seed draws the same completions."""
    chosen = random.Random(seed)
    drawn = dict.fromkeys("".join(_draw(constraint.root, chosen)) for _ in range(MAX_DRAWS))
    valid = _by_size(constraint, filter(constraint.admits, filter(None, drawn)))
    invalid = _by_size(constraint, _mutants(constraint, valid))

    def is_admitted(text: str) -> bool:
        return engine(constraint.codec.encode(text, allowed_special=constraint.format.encoding.special))

    return Score(len(valid), len(invalid), [*filterfalse(is_admitted, valid)], [*filter(is_admitted, invalid)])


def _by_size(constraint: Constraint, texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=lambda text: (len(text), parts_of(constraint.format, text)))


def _draw(node: Node, chosen: random.Random) -> Iterator[str]:
    """The texts and special tokens of a completion that the algebra has."""
    match node:
        case TokenNode(text) | LiteralNode(text):
            yield text
        case CharacterNode(ranges):
            low, high = chosen.choice(ranges)
            yield chr(chosen.randint(low, min(high, low + 25)))
        case TextNode():
            yield chosen.choice(DRAWN_TEXTS) or "x"
        case JsonNode(schema):
            yield _value_text(schema, chosen)
        case RuleNode(_, item):
            yield from _draw(item, chosen)
        case SequenceNode(items):
            for item in items:
                yield from _draw(item, chosen)
        case AlternativesNode(items):
            yield from _draw(chosen.choice(items), chosen)
        case OptionalNode(item):
            if chosen.random() < 0.5:
                yield from _draw(item, chosen)
        case RepeatNode(item, least, most):
            for _ in range(chosen.randint(least, min(least + 1, least + 1 if most is None else most))):
                yield from _draw(item, chosen)


def _value_text(schema: str, chosen: random.Random) -> str:
    root = json.loads(schema)
    return json.dumps(_value(root, root, chosen, 0), separators=chosen.choice([(",", ":"), (", ", ": ")]))


def _value(schema: Any, root: Any, chosen: random.Random, depth: int) -> Any:
    """A value of a schema, as far as simple keywords tell; it may not match, and is not used then."""
    if not isinstance(schema, dict) or depth > MAX_VALUE_DEPTH:
        return {}
    if "$ref" in schema:
        return _value(resolve(root, schema["$ref"]), root, chosen, depth + 1)
    for keyword in ("enum", "anyOf", "oneOf"):
        if isinstance(options := schema.get(keyword), list) and options:
            option = chosen.choice(options)
            return option if keyword == "enum" else _value(option, root, chosen, depth + 1)
    if "const" in schema:
        return schema["const"]
    listed = schema.get("type", "object")
    name = chosen.choice(listed) if isinstance(listed, list) else listed
    if name == "object":
        properties, required = schema.get("properties", {}), schema.get("required", ())
        kept = [key for key in properties if key in required or chosen.random() < 0.3]
        return {key: _value(properties[key], root, chosen, depth + 1) for key in kept}
    if name == "array":
        return [_value(schema.get("items"), root, chosen, depth + 1) for _ in range(schema.get("minItems", 0))]
    if name in ("integer", "number") and "minimum" in schema:
        return schema["minimum"]
    return "x" * schema.get("minLength", 1) if name == "string" else VALUES.get(name)


def _mutants(constraint: Constraint, valid: list[str]) -> Iterator[str]:
    """Completions with one change that the constraint refuses."""
    seen, divided = set(valid), [tuple(parts_of(constraint.format, text)) for text in valid]
    pairs = zip_longest(_token_mutants(constraint, divided), _word_mutants(constraint, divided), fillvalue=())
    for made in islice(map("".join, chain.from_iterable(pairs)), MAX_MUTANTS):
        if made not in seen and not constraint.admits(made):
            seen.add(made)
            yield made


def _token_mutants(constraint: Constraint, valid: list[Units]) -> Iterator[Units]:
    """Every special token left out, doubled, and replaced by each other one, in the smallest completions first."""
    markers = list(constraint.format.markers)
    for units in valid:
        for at, unit in enumerate(units):
            if unit in markers:
                for new in ((), (unit, unit), *((other,) for other in markers if other != unit)):
                    yield (*units[:at], *new, *units[at + 1 :])


def _word_mutants(constraint: Constraint, valid: list[Units]) -> Iterator[Units]:
    """A word replaced, or put in, left out or doubled with the text or token that it is in."""
    parts = {part for units in valid for unit in units for part in unit.split()}
    words, chosen = sorted(parts | set(constraint.format.markers)), random.Random(0)
    for units in (units for units in valid for _ in range(1 + MAX_MUTANTS // max(len(valid), 1)) if units):
        at, word = chosen.randrange(len(units)), chosen.choice(words)
        inner = units[at].split(" ")
        inner[chosen.randrange(len(inner))] = word
        new = chosen.choice([(), (units[at], units[at]), (word, units[at]), (word,), (" ".join(inner),)])
        yield (*units[:at], *new, *units[at + 1 :])
