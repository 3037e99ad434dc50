"""Tool definitions in the forms that people have them: OpenAI's function tools, namespaces, text, and back."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from typing import Any

from .. import codec
from ..codec import DeveloperContent, Namespace, SystemContent, Tool
from ..codes import INVALID_TOOL
from ..errors import RenderError, ToolError
from ..format.content_reading import NESTING
from ..recovery.machine import Machine
from ..tool_types.schema_references import escaped

FUNCTION = "function"
"""The type of a tool, and the property that holds its definition, in OpenAI's chat completions and responses."""


FORMS = ("namespace", "chat", "responses")
"""The forms of tool definitions in JSON."""


def tools_from_json(value: object) -> list[Namespace]:
    """The namespaces of tool definitions.

    Args:
        value: a definition or a list of them, or an object whose `tools` is one. Each is a function tool of chat
            completions (`{"type": "function", "function": {...}}`), one of responses (`{"type": "function", "name":
            ...}`), the inner part of either, or a namespace (`{"name": ..., "tools": [...]}`). Functions without
            namespace go to the one that the format has for them. What is said beside name, description and parameters
            has no place in the format and is left out.

    Raises:
        ToolError: something is no definition; says where, as a JSON pointer, and which rule it breaks.
    """
    found: dict[str, Namespace] = {}
    loose, taken = Namespace(codec.FUNCTION_NAMESPACE), set[str]()
    for at, entry in _entries(value, ""):
        if isinstance(entry, dict) and "tools" in entry:
            namespace = _namespace(entry, at)
            _require_new(namespace.name, found, at)
            found[namespace.name] = namespace
            continue
        tool = _tool(*_definition(entry, at))
        _require_new(tool.name, taken, at)
        taken.add(tool.name)
        loose.tools.append(tool)
        if loose.name not in found:
            found[loose.name] = loose
        _require_new(loose.name, {loose.name} if found[loose.name] is not loose else (), at)
    return [found[name] for name in sorted(found)]


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
    """What defines a function, in any of the forms, and its JSON pointer."""
    if not isinstance(entry, dict) or "tools" in entry or entry.get("type", FUNCTION) != FUNCTION:
        typed = isinstance(entry, dict) and "type" in entry
        raise ToolError(
            INVALID_TOOL,
            f"{json.dumps(entry)[:60]} is no function{'' if 'tools' in at else ' and no namespace'}",
            pointer=f"{at}/type" if typed else at,
            rule="type",
            hint="Give function tools of chat completions or responses, or namespaces with name and tools.",
        )
    if FUNCTION in entry:
        entry, at = entry[FUNCTION], f"{at}/{FUNCTION}"
        if not isinstance(entry, dict):
            raise ToolError(INVALID_TOOL, f"{json.dumps(entry)[:60]} is no object", pointer=at, rule="type")
    return {key: entry[key] for key in ("name", "description", "parameters") if key in entry}, at


def _tool(definition: dict[str, Any], at: str) -> Tool:
    _require_valid(definition, Tool, at)
    tool = Tool(definition["name"], definition.get("description"), definition.get("parameters"))
    _require_text(tool, at)
    return tool


def _require_text(item: Tool | Namespace, at: str) -> None:
    """Raise for what the format has no way to write."""
    try:
        item.text().encode()
    except ToolError as error:
        raise ToolError(error.code, error.message, pointer=f"{at}/parameters{error.pointer}", rule=error.rule) from None
    except RenderError as error:
        raise ToolError(INVALID_TOOL, error.message, pointer=at, rule=error.code.name) from None
    except UnicodeEncodeError:
        message = "a text holds half of a character (a lone surrogate)"
        raise ToolError(INVALID_TOOL, message, pointer=at, rule="text") from None


def _namespace(entry: dict[str, Any], at: str) -> Namespace:
    tools = entry["tools"]
    if not isinstance(tools, list):
        raise ToolError(INVALID_TOOL, f"{json.dumps(tools)[:60]} is no list", pointer=f"{at}/tools", rule="type")
    head: dict[str, Any] = {key: entry[key] for key in ("name", "description") if key in entry}
    _require_valid(head, Namespace, at)
    namespace = Namespace(head["name"], head.get("description"))
    taken: set[str] = set()
    for index, entry in enumerate(tools):
        tool = _tool(*_definition(entry, f"{at}/tools/{index}"))
        _require_new(tool.name, taken, f"{at}/tools/{index}")
        taken.add(tool.name)
        namespace.tools.append(tool)
    _require_text(namespace, at)
    return namespace


def _require_new(name: str, taken: Container[str], at: str) -> None:
    if name in taken:
        message = f"{name!r} is defined a second time"
        raise ToolError(INVALID_TOOL, message, pointer=f"{at}/name", rule="names are defined once")


def _require_valid(value: dict[str, Any], made: type[Tool] | type[Namespace], at: str) -> None:
    """Raise for what breaks the schema of a namespace, the parameters' own schema among it."""
    import jsonschema

    schema = {"$defs": codec.NAMESPACE_SCHEMA["$defs"], "$ref": f"#/$defs/{codec.FORMAT.contents.names[made]}"}
    try:
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    except RecursionError:
        raise ToolError(INVALID_TOOL, f"nested more than {NESTING} deep", pointer=at, rule="nesting") from None
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


def tools_to_json(namespaces: Iterable[Namespace], form: str = FORMS[0]) -> list[dict[str, Any]]:
    """Tool definitions as JSON values.

    Args:
        namespaces: what to write.
        form: "namespace", "chat" or "responses". The function forms name the tools of other namespaces in full.
    """
    if form not in FORMS:
        raise ValueError(f"no form {form!r}; forms: {', '.join(FORMS)}")
    if form == FORMS[0]:
        return [_shown(namespace) for namespace in namespaces]
    written, recovery = [], Machine.table(codec.FORMAT)
    for namespace in namespaces:
        prefix = "" if namespace.name == codec.FUNCTION_NAMESPACE else recovery.full_name(namespace.name, "")
        for tool in namespace.tools:
            definition = _shown(tool) | {"name": prefix + tool.name}
            nested = {"type": FUNCTION, FUNCTION: definition}
            written.append(nested if form == FORMS[1] else {"type": FUNCTION, **definition})
    return written


def _shown(item: Namespace | Tool) -> dict[str, Any]:
    said = {"name": item.name, "description": item.description}
    if isinstance(item, Namespace):
        return {k: v for k, v in said.items() if v is not None} | {"tools": [_shown(tool) for tool in item.tools]}
    return {k: v for k, v in (said | {"parameters": item.parameters}).items() if v is not None}


def tools_to_text(namespaces: list[Namespace]) -> str:
    """The text of namespaces, as it stands in a message; raises `RenderError` for what it cannot say."""
    return DeveloperContent(tools=namespaces).text()


def tools_from_text(text: str) -> list[Namespace]:
    """The namespaces in a text: one or more of them, with or without the heading over them, or a whole content.

    Raises:
        ToolError: the text is not what namespaces are written as; the span says how far it is.
    """
    for source in dict.fromkeys((text.rstrip("\n"), text, HEADING + text.rstrip("\n"), HEADING + text)):
        for made in (DeveloperContent, SystemContent):
            content = codec.FORMAT.contents.structure(made, source)
            if isinstance(content, (DeveloperContent, SystemContent)) and content.tools:
                return content.tools
    text = text.rstrip("\n")
    contents = codec.FORMAT.contents
    errors = [contents.unread(DeveloperContent, text), contents.unread(Namespace, text)]
    raise max(errors, key=lambda error: error.span.start if error.span else 0)


_EXAMPLE = Namespace("a")
HEADING = tools_to_text([_EXAMPLE]).removesuffix(_EXAMPLE.text())
"""What stands before the first namespace of a content."""
