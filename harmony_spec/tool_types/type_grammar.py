"""The type grammar of a codec, and the intermediate form of a schema: a type with remarks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JsonSchema = dict[str, Any] | bool | None

NUMBERS = frozenset(["integer", "fraction"])

VALUE_KINDS = NUMBERS | {"null", "boolean", "object", "array", "string"}
"""Kinds of values; a type of JSON Schema is one or several of them."""

KINDS_BY_TYPE = {kind: frozenset([kind]) for kind in VALUE_KINDS - {"fraction"}} | {"number": NUMBERS}

JSON_TYPES = frozenset(KINDS_BY_TYPE)
"""The types of JSON Schema (2020-12, Validation, 6.1.1)."""

UNREAD_KEYWORD = "x-unread-type"
"""The only keyword of the schema for a type that cannot be read: its text. Every value is valid."""


@dataclass(eq=False, repr=False)
class TypeGrammar:
    """The classes and terminals of a codec's type grammar, by the names of their rules.

    Attributes:
        terminal: returns the pattern of a terminal, which is compiled when it is first used: few types need all.
    """

    classes: Mapping[str, Any]
    terminal: Callable[[str], re.Pattern[str]]
    basics: dict[str, Any] = field(default_factory=dict)
    """Cache of the basic types, one object each."""

    def fits(self, terminal: str, text: str) -> bool:
        return self.terminal(terminal).fullmatch(text) is not None


class DescribedType:
    """A schema as a type with remarks. `default` has one item if there is a default."""

    title: str | None = None
    about: str | None = None
    examples: Sequence[Any] = ()
    annotations: tuple[tuple[str, Any], ...] = ()
    default: tuple[Any, ...] = ()

    def __init__(self, type: Any) -> None:
        self.type = type

    @property
    def is_undescribed(self) -> bool:
        return not (self.title or self.about or self.examples or self.annotations)


def strings_of(grammar: TypeGrammar, made: Any) -> list[str]:
    """The strings that a type lists."""
    union, literal = grammar.classes["union"], grammar.classes["literal_type"]
    if not isinstance(made, (union, literal)):
        return []
    parts = made.intersections if isinstance(made, union) else (made,)
    return [p.json_scalar for p in parts if isinstance(p, literal) and isinstance(p.json_scalar, str)]


def strings_inside(grammar: TypeGrammar, made: Any) -> list[str]:
    """The strings that a type lists, ignoring comments before it."""
    if isinstance(made, grammar.classes["annotated"]):
        made = made.primary
    return strings_of(grammar, made.type if isinstance(made, grammar.classes["group"]) else made)


def default_of(text: str, listed: list[str]) -> Any:
    """Read a written default: one of the listed strings, JSON, or a text that its writer did not escape or quote."""
    import json

    if text in listed:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        quoted = re.fullmatch('"(.*)"', text, re.DOTALL)
        return quoted[1] if quoted else text


def kind_of(value: Any) -> str:
    """The kind of a JSON value."""
    match value:
        case str():
            return "string"
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if value == value // 1 else "fraction"
    return "array" if isinstance(value, list) else "object"
