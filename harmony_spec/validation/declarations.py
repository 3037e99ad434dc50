"""What a conversation declares: tools and their parameters, channels, forms of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from ..format.meaning import Recovery
from ..format.offered_tools import declared, parameters_by_name

MAX_SUGGESTED_NAMES = 8
"""How many declared names a diagnostic suggests: tools, channels, or forms of the answer."""


class Declarations:
    """The declarations read so far.

    Attributes:
        tools: the parameters by full name: a JSON Schema, None for no parameters, or `ANY_PARAMETERS`.
        written_as_types: the tools whose parameters were read from types, in which alternatives may overlap: renderers
            leave out constants, limits and references, which told them apart in the JSON Schema.
        only_offered: the tools that the caller offers and no message declares, until their schema is reported.
        call_channels: the channel for calls of a tool, for tools whose origin is known.
        namespaces: the first names of tools, by the first part of a name.
        name_tools: whether the caller or a message lists the tools; otherwise no name is undeclared.
        unread: the roles of declaring messages that were not readable.
        channels: the channels, in order; empty if none are declared.
        requires_channel: whether each message of the model needs a channel.
        answer_forms: the JSON Schemas of final answers, by name.
    """

    def __init__(self, recovery: Recovery, tools: Iterable[Any] | None) -> None:
        self.recovery = recovery
        self.tools: dict[str, Any] = {}
        self.written_as_types: set[str] = set()
        self.call_channels: dict[str, str] = {}
        self.namespaces: dict[str, list[str]] = {}
        self.channels: dict[str, None] = {}
        self.answer_forms: dict[str, Any] = {}
        self.requires_channel = False
        self.name_tools, self.unread = tools is not None, set[str]()
        self.only_offered = set[str]()
        given = parameters_by_name(recovery, tools or ())
        functions = {name: given.pop(name) for name in [*given] if name.startswith(recovery.of_functions)}
        self.offer(functions, recovery.calls)
        self.offer(given)

    def add(self, role: str, content: object) -> dict[str, Any]:
        """Add the declarations in the content of a message; return the JSON Schemas in it, by tool or form."""
        recovery, schemas = self.recovery, dict[str, Any]()
        self.name_tools |= bool(recovery.declared_tools)
        tools = [(recovery.calls, path) for path in recovery.declared_tools]
        for channel, path in (*tools, *((recovery.thoughts, path) for path in recovery.declared_builtin)):
            offered = parameters_by_name(recovery, declared(path, role, content) or ())
            self.offer(offered, channel)
            self.written_as_types |= offered.keys()
            self.only_offered -= offered.keys()
            schemas |= offered
        for path in recovery.declared_channels:
            self.channels |= dict.fromkeys(declared(path, role, content) or ())
        for path in recovery.declared_required:
            self.requires_channel |= bool(declared(path, role, content))
        for path in recovery.declared_answers:
            answer, formats = recovery.definitions.answer, declared(path, role, content) or ()
            forms = {answer.get(form, "name"): answer.get(form, "schema") for form in formats}
            self.answer_forms |= forms
            schemas |= forms
        return {name: schema for name, schema in schemas.items() if schema is not None}

    def leaves_unread(self, role: str, content: str) -> bool:
        """Whether a text that is not readable has the heading of a declaration; remember its role."""
        found = any(f"\n{heading}" in f"\n{content}" for heading in self.recovery.headings.get(role, ()))
        self.unread |= {role} if found else set()
        return found

    def are_complete(self, name: str) -> bool:
        """Whether every message was readable that could declare a tool of this name: only some declare functions."""
        functions = {path.split(".")[0] for path in self.recovery.declared_tools}
        return not (self.unread & functions if name.startswith(self.recovery.of_functions) else self.unread)

    def offer(self, parameters: Mapping[str, Any], channel: str | None = None) -> None:
        """Add tools that are called on a channel, if that is known: their parameters by full name."""
        for name in parameters:
            first = self.namespaces.setdefault(name.split(self.recovery.separator)[0], [])
            if name not in self.tools and len(first) < MAX_SUGGESTED_NAMES:
                first.append(name)
        self.tools |= parameters
        self.only_offered |= parameters.keys()
        if channel is not None:
            self.call_channels |= dict.fromkeys(parameters, channel)

    def has_namespace(self, name: str) -> bool:
        """Whether a tool is offered in the namespace of a name."""
        return name.split(self.recovery.separator)[0] in self.namespaces

    def suggest_tools(self, name: str) -> tuple[str, ...]:
        """The first offered tools: those in the namespace of a name if it is offered, else any."""
        inside = self.namespaces.get(name.split(self.recovery.separator)[0])
        return tuple(inside or islice(self.tools, MAX_SUGGESTED_NAMES))
