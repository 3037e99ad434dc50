"""Builds types from types: adds the brackets that they need, and writes each alternative once."""

from __future__ import annotations

from typing import Any

from ..format.content_writing import compact
from .type_grammar import TypeGrammar

DIMENSION = "array"
"""The alternative of the grammar's rule for one dimension of an array."""


class TypeBuilder:
    """Makes the types of a type grammar."""

    def __init__(self, grammar: TypeGrammar) -> None:
        self.grammar, self.made = grammar, grammar.classes

    def union(self, options: list[Any]) -> Any:
        """A union of types. Nested unions are flattened; each basic type and each value occurs once."""
        made, basic, literal = self.made["union"], self.made["basic_type"], self.made["literal_type"]
        flat: dict[str | int, Any] = {}
        for option in options:
            for part in option.intersections if isinstance(option, made) else [option]:
                if isinstance(part, literal):
                    flat.setdefault(compact(part.json_scalar), part)
                else:
                    flat.setdefault(part.basic if isinstance(part, basic) else len(flat), part)
        return self.alternatives([*flat.values()])

    def alternatives(self, parts: list[Any]) -> Any:
        """A union of types, arrays first: the brackets of one may belong to what precedes it, those of nulls always."""
        if len(parts) == 1:
            return parts[0]
        array, null = self.made["array"], self.basic("null")
        if array not in map(type, parts):
            return self.made["union"](parts)
        return self.made["union"](
            sorted(parts, key=lambda part: part.element is not null if isinstance(part, array) else 2)
        )

    def basic(self, name: str) -> Any:
        found = self.grammar.basics.get(name)
        if found is None:
            found = self.grammar.basics[name] = self.made["basic_type"](name)
        return found

    def literal(self, value: Any) -> Any:
        return self.basic("null") if value is None else self.made["literal_type"](value)

    def list_of(self, item: Any) -> Any:
        array, item = self.made["array"], self.bracket(item)
        if isinstance(item, array):
            return array(item.element, [*item.dimensions, DIMENSION])
        return array(item, [DIMENSION])

    def separate(self, made: Any) -> Any:
        """Wrap a type in `any & T`, so that comments before it are not read as its own."""
        return self.made["intersection"]([self.basic("any"), self.bracket(made)])

    def bracket(self, made: Any) -> Any:
        """Prepare a type for use in brackets: comments at its beginning would read as those of the brackets."""
        is_combined = isinstance(made, (self.made["union"], self.made["intersection"]))
        return self.bracket_comments(made) if is_combined else made

    def bracket_comments(self, made: Any) -> Any:
        """Put the first part of a type in brackets if it has comments, so that other comments can precede them."""
        if isinstance(made, self.made["annotated"]):
            comments = {name: getattr(made, name) for name in ("title", "about", "examples", "annotations")}
            return self.made["group"](type=made.primary, **comments)
        if isinstance(made, self.made["array"]):
            return type(made)(self.bracket_comments(made.element), made.dimensions)
        if isinstance(made, self.made["union"]):
            return type(made)([self.bracket_comments(made.intersections[0]), *made.intersections[1:]])
        if isinstance(made, self.made["intersection"]):
            return type(made)([self.bracket_comments(made.arrays[0]), *made.arrays[1:]])
        return made
