"""What a conversation offers: tools and what they take, channels, forms of the answer. Collected as it is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..known_names import SEPARATOR, declared
from ..tables import Recovery


class Offer:
    """What is offered.

    Attributes:
        tools: what each takes, by full names: a JSON Schema, None for nothing, `UNKNOWN` where that is not said.
        builtin: the names of those that are built in.
        namespaces: the first parts of the names.
        is_known: whether anything says which tools there are.
        channels: those that there are; empty where that is not said.
        required: whether each message of the model needs a channel.
        answers: the forms of a final answer, by name.
    """

    def __init__(self, recovery: Recovery, tools: Iterable[Any] | None) -> None:
        self.recovery = recovery
        self.tools: dict[str, Any] = {}
        self.builtin: set[str] = set()
        self.namespaces: set[str] = set()
        self.channels: set[str] = set()
        self.answers: dict[str, Any] = {}
        self.required = False
        self.is_known = tools is not None
        self._add(tools or ())

    def learn(self, role: str, content: object) -> None:
        """Take in what the content of a message declares."""
        recovery = self.recovery
        self.is_known = True
        for path in recovery.declared_tools:
            self._add(declared(path, role, content) or ())
        for path in recovery.declared_builtin:
            self.builtin |= self._add(declared(path, role, content) or ())
        for path in recovery.declared_channels:
            self.channels |= set(declared(path, role, content) or ())
        for path in recovery.declared_required:
            self.required |= bool(declared(path, role, content))
        for path in recovery.declared_answers:
            self.answers |= {form.name: form.schema for form in declared(path, role, content) or ()}

    def _add(self, tools: Iterable[Any]) -> set[str]:
        """Take in tools: names, or namespaces with their tools or without; the names that they are called by."""
        found: dict[str, Any] = {}
        for tool in tools:
            parts = getattr(tool, "tools", None)
            if isinstance(tool, str):
                found[tool] = UNKNOWN
            elif parts:
                found |= {f"{tool.name}{SEPARATOR}{part.name}": part.parameters for part in parts}
            else:
                found[tool.name] = UNKNOWN
        self.tools |= found
        self.namespaces |= {name.split(SEPARATOR)[0] for name in found}
        return set(found)


UNKNOWN: Mapping[str, Any] = {}
"""What a tool takes of which nothing is said: anything."""
