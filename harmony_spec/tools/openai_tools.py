"""Converts tool definitions: OpenAI's function tools, namespaces as JSON, and the text of namespaces."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import fields
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..codec_loading import default_codec, require
from ..codes import INVALID_TOOL
from ..errors import RenderError, ToolError
from ..format.content_reading import MAX_TYPE_NESTING
from ..format.contents import Record
from ..recovery.machine import Machine
from ..tool_types.schema_references import escaped

if TYPE_CHECKING:
    from ..codec import Namespace, Tool

FUNCTION = "function"
"""The type of a tool, and the key of its definition, in OpenAI's chat completions and responses."""

TOOLS = "tools"
"""The field of contents that holds namespaces."""

FORMS = ("namespace", "chat", "responses")
"""The forms of tool definitions in JSON."""

MAX_QUOTED_CHARS = 60
"""Code points of a wrong value that an error quotes."""


def tools_from_json(value: object, *, codec: ModuleType | None = None) -> list[Namespace]:
    """Read tool definitions.

    Args:
        value: a definition or a list of them, or an object whose `tools` is one. Each is a function tool of chat
            completions (`{"type": "function", "function": {...}}`), one of responses (`{"type": "function", "name":
            ...}`), the inner part of either, or a namespace (`{"name": ..., "tools": [...]}`). Functions without
            namespace go to the format's namespace for functions. Keys other than name, description and parameters
            cannot be expressed in the format and are left out.
        codec: whose namespaces are returned; by default the one of this package.

    Raises:
        ToolError: a definition is invalid; the error has its JSON pointer and the rule that it breaks.
    """
    codec = _with_tools(codec)
    found: dict[str, Namespace] = {}
    loose, taken = codec.Namespace(codec.FUNCTION_NAMESPACE), set[str]()
    for at, entry in _entries(value, ""):
        if isinstance(entry, dict) and "tools" in entry:
            namespace = _namespace(codec, entry, at)
            _require_new(namespace.name, found, at)
            found[namespace.name] = namespace
            continue
        tool = _tool(codec, *_definition(entry, at))
        _require_new(tool.name, taken, at)
        taken.add(tool.name)
        loose.tools.append(tool)
        if loose.name not in found:
            found[loose.name] = loose
        _require_new(loose.name, {loose.name} if found[loose.name] is not loose else (), at)
    return [found[name] for name in sorted(found)]


def _with_tools(codec: ModuleType | None) -> ModuleType:
    """The codec, or that of this package. Raises `CodecError` if its format has no tools."""
    chosen = codec or default_codec()
    require(chosen, "FUNCTION_NAMESPACE")
    return chosen


def _entries(value: object, at: str) -> Iterator[tuple[str, Any]]:
    """The definitions in a value, each with its JSON pointer."""
    if isinstance(value, dict) and "tools" in value and "name" not in value:
        value, at = value["tools"], f"{at}/tools"
        if isinstance(value, dict):
            yield from ((f"{at}/{escaped(name)}", entry) for name, entry in value.items())
            return
    if isinstance(value, list):
        yield from ((f"{at}/{index}", entry) for index, entry in enumerate(value))
    else:
        yield at, value


def _definition(entry: Any, at: str) -> tuple[dict[str, Any], str]:
    """The definition of a function, in any of the forms, and its JSON pointer."""
    if not isinstance(entry, dict) or "tools" in entry or entry.get("type", FUNCTION) != FUNCTION:
        typed = isinstance(entry, dict) and "type" in entry
        raise ToolError(
            INVALID_TOOL,
            f"{_quoted(entry)} is not a function{'' if 'tools' in at else ' or namespace'}",
            pointer=f"{at}/type" if typed else at,
            rule="type",
            hint="Pass function tools of chat completions or responses, or namespaces with name and tools.",
        )
    if FUNCTION in entry:
        entry, at = entry[FUNCTION], f"{at}/{FUNCTION}"
        if not isinstance(entry, dict):
            raise ToolError(INVALID_TOOL, f"{_quoted(entry)} is not an object", pointer=at, rule="type")
    return {key: entry[key] for key in ("name", "description", "parameters") if key in entry}, at


def _quoted(value: Any) -> str:
    return json.dumps(value)[:MAX_QUOTED_CHARS]


def _tool(codec: ModuleType, definition: dict[str, Any], at: str) -> Tool:
    _require_valid(codec, definition, codec.Tool, at)
    tool: Tool = codec.Tool(definition["name"], definition.get("description"), definition.get("parameters"))
    _require_text(tool, at)
    return tool


def _require_text(item: Tool | Namespace, at: str) -> None:
    """Raise `ToolError` if the format cannot express a tool or namespace."""
    try:
        item.text().encode()
    except ToolError as error:
        raise ToolError(error.code, error.message, pointer=f"{at}/parameters{error.pointer}", rule=error.rule) from None
    except RenderError as error:
        raise ToolError(INVALID_TOOL, error.message, pointer=at, rule=error.code.name) from None
    except UnicodeEncodeError:
        message = "a text has half of a surrogate pair, which cannot be encoded"
        raise ToolError(INVALID_TOOL, message, pointer=at, rule="text") from None


def _namespace(codec: ModuleType, entry: dict[str, Any], at: str) -> Namespace:
    tools = entry["tools"]
    if not isinstance(tools, list):
        raise ToolError(INVALID_TOOL, f"{_quoted(tools)} is not a list", pointer=f"{at}/tools", rule="type")
    head: dict[str, Any] = {key: entry[key] for key in ("name", "description") if key in entry}
    _require_valid(codec, head, codec.Namespace, at)
    namespace: Namespace = codec.Namespace(head["name"], head.get("description"))
    taken: set[str] = set()
    for index, entry in enumerate(tools):
        tool = _tool(codec, *_definition(entry, f"{at}/tools/{index}"))
        _require_new(tool.name, taken, f"{at}/tools/{index}")
        taken.add(tool.name)
        namespace.tools.append(tool)
    _require_text(namespace, at)
    return namespace


def _require_new(name: str, taken: Container[str], at: str) -> None:
    if name in taken:
        message = f"{name!r} is defined twice"
        raise ToolError(INVALID_TOOL, message, pointer=f"{at}/name", rule="names are defined once")


def _require_valid(codec: ModuleType, value: dict[str, Any], cls: type[Record], at: str) -> None:
    """Raise `ToolError` if a value breaks the schema of namespaces, or its parameters are not a valid schema."""
    import jsonschema

    schema = {"$defs": codec.NAMESPACE_SCHEMA["$defs"], "$ref": f"#/$defs/{codec.FORMAT.contents.names[cls]}"}
    try:
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    except RecursionError:
        raise ToolError(INVALID_TOOL, f"nested more than {MAX_TYPE_NESTING} deep", pointer=at, rule="nesting") from None
    if errors:
        error = min(_innermost(errors), key=lambda error: -len(error.absolute_path))
        path = "".join(f"/{escaped(str(step))}" for step in error.absolute_path)
        rule = f"{error.validator} {error.validator_value!r}"[:100]
        raise ToolError(INVALID_TOOL, error.message[:200], pointer=at + path, rule=rule)


def _innermost(errors: Iterable[Any]) -> Iterator[Any]:
    for error in errors:
        if error.context:
            yield from _innermost(error.context)
        else:
            yield error


def tools_to_json(
    namespaces: Iterable[Namespace], form: str = FORMS[0], *, codec: ModuleType | None = None
) -> list[dict[str, Any]]:
    """Tool definitions as JSON values.

    Args:
        namespaces: the namespaces to convert.
        form: "namespace", "chat" or "responses". The function forms name the tools of other namespaces in full.
        codec: whose namespaces these are; by default the one of this package.
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}; forms: {', '.join(FORMS)}")
    codec, written = _with_tools(codec), []
    for namespace in _own(codec, namespaces):
        if form == FORMS[0]:
            written.append(_shown(namespace) | {"tools": [_shown(tool) for tool in namespace.tools]})
            continue
        is_function = namespace.name == codec.FUNCTION_NAMESPACE
        prefix = "" if is_function else Machine.table(codec.FORMAT).full_name(namespace.name, "")
        for tool in namespace.tools:
            definition = _shown(tool) | {"name": prefix + tool.name}
            nested = {"type": FUNCTION, FUNCTION: definition}
            written.append(nested if form == FORMS[1] else {"type": FUNCTION, **definition})
    return written


def _own(codec: ModuleType, namespaces: Iterable[Namespace]) -> list[Namespace]:
    """Namespaces as a list; raises `TypeError` for anything else, and for those of another codec."""
    found = list(namespaces)
    for index, namespace in enumerate(found):
        foreign: object = codec.FORMAT.contents.find_foreign(namespace)
        if foreign is None and not isinstance(namespace, codec.Namespace):
            foreign = namespace
        if foreign is None:
            continue
        made, advice = type(foreign), "pass its module as codec="
        if isinstance(namespace, dict):
            advice = "tools_from_json reads JSON definitions"
        expected = "Namespace" if foreign is namespace else made.__name__
        wanted = f"expected a {expected} of {codec.__name__}"
        raise TypeError(f"namespaces[{index}]: {wanted}, got a {made.__module__}.{made.__name__}; {advice}")
    return found


def _shown(item: Namespace | Tool) -> dict[str, Any]:
    shown = ("name", "description", "parameters")
    return {name: value for name in shown if (value := getattr(item, name, None)) is not None}


def tools_to_text(namespaces: Iterable[Namespace], *, codec: ModuleType | None = None) -> str:
    """The text of namespaces in a message.

    Args:
        namespaces: the namespaces to convert.
        codec: whose namespaces these are; by default the one of this package.

    Raises:
        RenderError: the format cannot express one of them.
    """
    codec = _with_tools(codec)
    return str(_holders(codec)[0](tools=_own(codec, namespaces)).text())


def tools_from_text(text: str, *, codec: ModuleType | None = None) -> list[Namespace]:
    """Read namespaces from a text: one or more of them, with or without a heading, or a whole content.

    Args:
        text: the text.
        codec: whose namespaces are returned; by default the one of this package.

    Raises:
        ToolError: the text cannot be parsed as namespaces; the span starts at the first mistake.
    """
    codec = _with_tools(codec)
    contents, holders, heading = codec.FORMAT.contents, _holders(codec), _heading(codec)
    for source in dict.fromkeys((text.rstrip("\n"), text, heading + text.rstrip("\n"), heading + text)):
        for cls in holders:
            content = contents.structure(cls, source)
            tools: list[Namespace] = getattr(content, TOOLS, [])
            if tools:
                return tools
    text = text.rstrip("\n")
    errors = [contents.explain_unread(holders[0], text), contents.explain_unread(codec.Namespace, text)]
    raise max(errors, key=lambda error: error.span.start if error.span else 0)


def _holders(codec: ModuleType) -> list[Any]:
    """The classes of contents with namespaces. The first one's text has nothing but the namespaces."""
    classes = [each for each in codec.FORMAT.contents.roles.values() if TOOLS in {part.name for part in fields(each)}]
    return sorted(classes, key=lambda each: len(each().text()))


def _heading(codec: ModuleType) -> str:
    """The text before the first namespace of a content."""
    example = codec.Namespace("a")
    return tools_to_text([example], codec=codec).removesuffix(example.text())
