"""The tools that a caller offers, or that contents declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .content_writing import READ_TOOLS
from .meaning import Recovery
from .tables import Format

ANY_PARAMETERS: Mapping[str, Any] = {}
"""The schema of a tool that is offered by name only: every value matches it. Compared by identity."""


def offered(format: Format, tools: Iterable[Any] | None) -> list[Any] | None:
    """Return `tools` as a list. Raises `TypeError` for anything but names and namespaces of this format."""
    if tools is None:
        return None
    if isinstance(tools, str | bytes):
        raise TypeError(f"tools: {tools!r} is a {type(tools).__name__}; pass a list")
    if isinstance(tools, Mapping) or not isinstance(tools, Iterable):
        raise TypeError(f"tools: expected a list, got {type(tools).__name__}")
    found = list(tools)
    for index, tool in enumerate(() if {*map(type, found)} <= {str} else found):
        if isinstance(tool, Mapping):
            raise TypeError(f"tools[{index}] is a dict; {READ_TOOLS}")
        if (foreign := format.contents.find_foreign(tool)) is not None:
            raise TypeError(f"tools[{index}]: {format.of_another_codec(foreign)}")
        if not isinstance(tool, str) and not isinstance(format.definitions.namespace.get(tool, "name"), str):
            raise TypeError(f"tools[{index}]: expected a name or a namespace, got {type(tool).__name__}")
    return found


def parameters_by_name(recovery: Recovery, tools: Iterable[Any]) -> dict[str, Any]:
    """Return the parameters of tools by their full names: names as they are, and the tools of each namespace.

    A namespace without tools, such as `python`, is a tool itself. Where nothing is known of the parameters, they are
    `ANY_PARAMETERS`.
    """
    namespace, defined = recovery.definitions.namespace, recovery.definitions.tool
    found: dict[str, Any] = {}
    for tool in tools:
        if isinstance(tool, str):
            found[tool] = ANY_PARAMETERS
            continue
        name, parts = namespace.get(tool, "name"), namespace.get(tool, "tools")
        for part in parts or ():
            found[recovery.full_name(name, defined.get(part, "name"))] = defined.get(part, "parameters")
        if not parts:
            found[name] = ANY_PARAMETERS
    return found


def declared(path: str, role: str, content: object) -> Any:
    """Return the value at a path, such as `developer.tools`, in the content of a message; None for another role."""
    first, *rest = path.split(".")
    if first != role:
        return None
    for name in rest:
        content = getattr(content, name, None)
    return content
