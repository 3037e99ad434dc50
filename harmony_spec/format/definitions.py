"""How contents define tools and forms of answers: the classes that do, and the purposes of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False, repr=False)
class Definition:
    """A class of contents that defines something.

    Attributes:
        made: the class.
        fields: the name of the field for each purpose (`name`, `description`, …).
    """

    made: type[Any]
    fields: Mapping[str, str]

    def get(self, item: object, purpose: str) -> Any:
        """The value of the field for a purpose; None if there is none."""
        return getattr(item, self.fields.get(purpose, ""), None)

    def make(self, **values: Any) -> Any:
        """A definition with these values, by purpose."""
        return self.made(**self.spelled(values))

    def spelled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by purpose as values by field."""
        return {self.fields[purpose]: value for purpose, value in values.items()}


NO_DEFINITION = Definition(type(None), {})


@dataclass(frozen=True, eq=False, repr=False)
class Definitions:
    """The definitions of a format.

    Attributes:
        functions: the name of the namespace of the tools that a developer offers.
        namespace: a group of tools: `name`, `description`, `tools`. Without tools, it is a tool itself.
        tool: `name`, `description`, and `parameters`, a JSON Schema.
        answer: a form of answers: `name`, and `schema`, a JSON Schema.
        holders: the roles whose contents have namespaces, with their field.
    """

    functions: str = ""
    namespace: Definition = NO_DEFINITION
    tool: Definition = NO_DEFINITION
    answer: Definition = NO_DEFINITION
    holders: tuple[tuple[str, str], ...] = ()


NO_DEFINITIONS = Definitions()
