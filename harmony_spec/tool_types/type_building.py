"""Types put together from types: brackets where they need them, each alternative once."""

from __future__ import annotations

from typing import Any

from .type_grammar import Grammar

DIMENSION = "array"
"""The alternative of the grammar's rule for one more dimension of an array."""


class Types:
    """The types that a grammar has."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar, self.made, self.terminals = grammar, grammar.classes, grammar.terminals

    def union(self, options: list[Any]) -> Any:
        """Alternatives, those of a union in it among them, each basic type and value once."""
        made, basic, literal = self.made["union"], self.made["basic_type"], self.made["literal_type"]
        flat: dict[str | int, Any] = {}
        for option in options:
            for part in option.intersections if isinstance(option, made) else [option]:
                if isinstance(part, literal):
                    flat.setdefault(repr(part.json_scalar), part)
                else:
                    flat.setdefault(part.basic if isinstance(part, basic) else len(flat), part)
        return self.alternatives([*flat.values()])

    def alternatives(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else self.made["union"](parts)

    def basic(self, name: str) -> Any:
        found = self.grammar.basics.get(name)
        if found is None:
            found = self.grammar.basics[name] = self.made["basic_type"](name)
        return found

    def literal(self, value: Any) -> Any:
        return self.basic("null") if value is None else self.made["literal_type"](value)

    def list_of(self, item: Any) -> Any:
        array, item = self.made["array"], self.bracketed(item)
        if isinstance(item, array):
            return array(item.element, [*item.dimensions, DIMENSION])
        return array(item, [DIMENSION])

    def apart(self, made: Any) -> Any:
        """A type that is no more than a part of another, so that what is said of one is not read as said of both."""
        return self.made["intersection"]([self.basic("any"), self.bracketed(made)])

    def bracketed(self, made: Any) -> Any:
        """A type where it stands in brackets, if it needs them: comments at its beginning would be taken for theirs."""
        return self.fenced(made) if isinstance(made, (self.made["union"], self.made["intersection"])) else made

    def fenced(self, made: Any) -> Any:
        """A type whose first part has its comments in brackets, so that others may stand before them."""
        if isinstance(made, self.made["annotated"]):
            comments = {name: getattr(made, name) for name in ("title", "about", "examples", "annotations")}
            return self.made["group"](type=made.primary, **comments)
        if isinstance(made, self.made["array"]):
            return type(made)(self.fenced(made.element), made.dimensions)
        if isinstance(made, self.made["union"]):
            return type(made)([self.fenced(made.intersections[0]), *made.intersections[1:]])
        if isinstance(made, self.made["intersection"]):
            return type(made)([self.fenced(made.arrays[0]), *made.arrays[1:]])
        return made
