"""What a conversation offers: tools and what they take, channels, forms of the answer. Collected as it is declared."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import Any

from ..format.tables import Recovery
from ..recovery.known_names import declared


class Offer:
    """What is offered.

    Attributes:
        tools: what each takes, by full names: a JSON Schema, None for nothing, `UNKNOWN` where that is not said.
        places: the channel on which each is called, where it is known who offers it.
        namespaces: the first parts of the names.
        is_known: whether anything says which tools there are.
        is_read: whether all that says so is read.
        channels: those that there are; empty where that is not said.
        required: whether each message of the model needs a channel.
        answers: the forms of a final answer, by name.
    """

    def __init__(self, recovery: Recovery, tools: Iterable[Any] | None) -> None:
        self.recovery = recovery
        self.tools: dict[str, Any] = {}
        self.places: dict[str, str] = {}
        self.namespaces: set[str] = set()
        self.channels: dict[str, None] = {}
        self.answers: dict[str, Any] = {}
        self.required = False
        self.is_known, self.is_read = tools is not None, True
        self._ordered: list[str] | None = None
        given = self._add(tools or ())
        self.places |= {name: recovery.calls for name in given if name.startswith(recovery.of_functions)}

    def learn(self, role: str, content: object) -> dict[str, Any]:
        """Take in what the content of a message declares; the JSON Schemas in it, by what they are for."""
        recovery, schemas = self.recovery, dict[str, Any]()
        self.is_known = True
        for path in recovery.declared_tools:
            offered = self._add(declared(path, role, content) or ())
            self.places |= dict.fromkeys(offered, recovery.calls)
            schemas |= offered
        for path in recovery.declared_builtin:
            builtin = self._add(declared(path, role, content) or ())
            self.places |= dict.fromkeys(builtin, recovery.thoughts)
            schemas |= builtin
        for path in recovery.declared_channels:
            self.channels |= dict.fromkeys(declared(path, role, content) or ())
        for path in recovery.declared_required:
            self.required |= bool(declared(path, role, content))
        for path in recovery.declared_answers:
            answers = {form.name: form.schema for form in declared(path, role, content) or ()}
            self.answers |= answers
            schemas |= answers
        return {name: schema for name, schema in schemas.items() if schema is not None}

    def has_namespace(self, name: str) -> bool:
        """Whether a tool is offered in the namespace of a name."""
        return name.split(self.recovery.separator)[0] in self.namespaces

    def beside(self, name: str) -> tuple[str, ...]:
        """Some of the tools that are offered: those in the namespace of a name, where it is one."""
        if self._ordered is None:
            self._ordered = sorted(self.tools)
        first = name.split(self.recovery.separator)[0] if self.has_namespace(name) else ""
        at = bisect_left(self._ordered, first)
        return tuple(tool for tool in self._ordered[at : at + SHOWN] if tool.startswith(first))

    def _add(self, tools: Iterable[Any]) -> dict[str, Any]:
        """Take in tools: names, or namespaces with their tools or without; what they take, by full names."""
        found: dict[str, Any] = {}
        for tool in tools:
            parts = getattr(tool, "tools", None)
            if isinstance(tool, str):
                found[tool] = UNKNOWN
            elif parts:
                found |= {self.recovery.full_name(tool.name, part.name): part.parameters for part in parts}
            else:
                found[tool.name] = UNKNOWN
        if self._ordered is not None:
            for name in found.keys() - self.tools.keys():
                insort(self._ordered, name)
        self.tools |= found
        self.namespaces |= {name.split(self.recovery.separator)[0] for name in found}
        return found


SHOWN = 8
"""How many of the tools that are offered are named where another one is called."""

UNKNOWN: Mapping[str, Any] = {}
"""What a tool takes of which nothing is said: anything."""
