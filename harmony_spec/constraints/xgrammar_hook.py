"""The registry of structural tags in xgrammar, from which engines take the grammar of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from .constraint import constrain
from .engine_vocabularies import imported

MODEL = "harmony"
"""The name under which engines ask for the tag of this format."""

AUTO = "auto"


def register(name: str = MODEL, *, codec: ModuleType | None = None, stops: Iterable[int] = ()) -> None:
    """Replace the structural tag of a model for everybody in this process.

    Args:
        name: the name in the registry.
        codec: whose completions these are; by default those of the codec of this package.
        stops: the ids of the special tokens at which the engine stops; see `constrain`.

    Raises:
        CodecError: xgrammar is not installed.
    """
    imported("xgrammar").register_model_structural_tag(name)(structural_tag_builder(codec=codec, stops=stops))


def structural_tag_builder(*, codec: ModuleType | None = None, stops: Iterable[int] = ()) -> Callable[..., Any]:
    """Return what registries of structural tags hold: a function of tools, built-in tools, and a choice of tools.

    Engines that have a registry of their own, such as vLLM, call it with the same arguments as xgrammar.
    """
    xgrammar, owned = imported("xgrammar"), tuple(stops)

    def build(tools: Any = None, builtin_tools: Any = None, tool_choice: str = AUTO, *_: object, **__: object) -> Any:
        made = constrain(
            tools=[_definition(tool.function) for tool in tools or ()],
            builtins=[_definition(tool) for tool in builtin_tools or ()],
            tool_choice=tool_choice if tool_choice == AUTO else "required",
            stops=owned,
            codec=codec,
        )
        return xgrammar.StructuralTag.model_validate(made.structural_tag())

    return build


def _definition(tool: Any) -> dict[str, Any]:
    """A function, or a built-in tool, as a definition; xgrammar has narrowed the tools to those that may be called."""
    found = {"name": tool.name or tool.type, "parameters": tool.parameters}
    return found | ({"strict": False} if getattr(tool, "strict", None) is False else {})
