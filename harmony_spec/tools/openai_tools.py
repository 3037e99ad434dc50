"""Converts tool definitions: OpenAI's function tools, namespaces as JSON, and the text of namespaces."""

from __future__ import annotations

import marshal
from collections.abc import Container, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..codes import INVALID_TOOL
from ..errors import RenderError, ToolError, quoted, schema_reason
from ..format.cache_limits import CONTENT_CACHE_BYTES, MEMORY_PER_BYTE, SizedCache
from ..format.content_reading import MAX_TYPE_NESTING
from ..format.contents import Record, deep_copy
from ..format.definitions import Definition, Definitions
from ..format.tables import require
from ..tool_types.schema_references import escaped, pointer_to

if TYPE_CHECKING:
    from ..codec import Namespace, Tool

FUNCTION = "function"
"""The type of a tool, and the key of its definition, in OpenAI's chat completions and responses."""

TOOLS = "tools"
"""The key of a list of definitions in requests."""

MAX_SCHEMA_ERROR_CHARS = 200
"""`jsonschema` quotes whole values in its messages."""

PURPOSES = ("name", "description", "parameters")
"""The keys of a function, and the purposes of the fields of a tool."""

PARAMETERS_KEYS = ("input_schema", "inputSchema")
"""The names of `parameters` in Anthropic's Messages API and in the Model Context Protocol."""

FORMS = ("namespace", "chat", "responses")
"""The forms of tool definitions in JSON."""


def tools_from_json(value: Any, *, codec: ModuleType | None = None) -> list[Namespace]:
    """Read tool definitions.

    Args:
        value: a definition or a list of them, or an object whose `tools` is one. Each is a function tool of chat
            completions (`{"type": "function", "function": {...}}`), one of responses (`{"type": "function", "name":
            ...}`), the inner part of either, or a namespace (`{"name": ..., "tools": [...]}`). Functions without
            namespace go to the format's namespace for functions. `parameters` may be `input_schema` or `inputSchema`,
            as in other APIs. Other keys cannot be expressed in the format and are left out.
        codec: whose namespaces are returned; by default the one of this package.

    Raises:
        ToolError: a definition is invalid; the error has its JSON pointer and the rule that it breaks.
    """
    codec = with_tools(codec)
    cache: SizedCache[list[Namespace]] = codec.FORMAT.caches.setdefault("tools", SizedCache(CONTENT_CACHE_BYTES))
    try:
        key = marshal.dumps(value, 2)  # later versions write equal values in several ways
    except ValueError:  # nested too deep, or not JSON
        return _read_tools(codec, value)
    if (found := cache.get(key)) is None:
        found = _read_tools(codec, value)
        cache.put(key, found, MEMORY_PER_BYTE * len(key))
    copied: list[Namespace] = deep_copy(found)
    return copied


def _read_tools(codec: ModuleType, value: object) -> list[Namespace]:
    found: dict[str, Namespace] = {}
    definitions: Definitions = codec.FORMAT.definitions
    functions, made = definitions.functions, definitions.namespace
    loose, taken = made.make(name=functions), set[str]()
    for at, entry in _entries(codec, value, ""):
        if isinstance(entry, dict) and made.fields["tools"] in entry:
            namespace = _namespace(codec, entry, at)
            _require_new(made.get(namespace, "name"), found, at)
            found[made.get(namespace, "name")] = namespace
            continue
        tool = new_tool(codec, entry, at, taken)
        made.get(loose, "tools").append(tool)
        if functions not in found:
            found[functions] = loose
        _require_new(functions, {functions} if found[functions] is not loose else (), at)
    return [found[name] for name in sorted(found)]


def parameters_from_json(value: object, *, codec: ModuleType) -> dict[str, Any]:
    """Read the JSON Schemas of the parameters of tool definitions, by the full names of the tools; None without any.

    It reads what `tools_from_json` reads, without checking that the format can express it: that takes longer by far.
    Raises `ToolError` for what is not a definition with a name, and for a name that occurs twice.
    """
    definitions: Definitions = codec.FORMAT.definitions
    table, made = codec.FORMAT.meaning, definitions.namespace
    found: dict[str, Any] = {}
    for at, entry in _entries(codec, value, ""):
        namespace, inner = definitions.functions, [(at, entry)]
        if isinstance(entry, dict) and made.fields["tools"] in entry:
            listed, named = entry[made.fields["tools"]], entry.get(made.fields["name"])
            if not isinstance(listed, list) or not isinstance(named, str):
                raise ToolError(INVALID_TOOL, "not a namespace with a name and a list of tools", pointer=at)
            namespace = named
            inner = [(f"{at}/{made.fields['tools']}/{index}", tool) for index, tool in enumerate(listed)]
        for place, tool in inner:
            definition, inside = _definition(codec, tool, place)
            name = definition.get(definitions.tool.fields["name"])
            if not isinstance(name, str):
                raise ToolError(INVALID_TOOL, f"{quoted(name)} is not a name", pointer=f"{inside}/name", rule="type")
            _require_new(full := table.full_name(namespace, name), found, inside)
            found[full] = definition.get(definitions.tool.fields["parameters"])
    return found


def with_tools(codec: ModuleType | None) -> ModuleType:
    """The codec, or that of this package. Raises `CodecError` if its format has no tools."""
    from .. import codec as own

    require(chosen := codec or own, "FUNCTION_NAMESPACE")
    return chosen


def _entries(codec: ModuleType, value: object, at: str) -> Iterator[tuple[str, Any]]:
    """The definitions in a value, each with its JSON pointer."""
    name = codec.FORMAT.definitions.namespace.fields["name"]
    if isinstance(value, dict) and TOOLS in value and name not in value:
        value, at = value[TOOLS], f"{at}/{TOOLS}"
        if isinstance(value, dict):
            yield from ((f"{at}/{escaped(name)}", entry) for name, entry in value.items())
            return
    if isinstance(value, list):
        yield from ((f"{at}/{index}", entry) for index, entry in enumerate(value))
    else:
        yield at, value


def _definition(codec: ModuleType, entry: Any, at: str) -> tuple[dict[str, Any], str]:
    """The definition of a function, in any of the forms, by the fields of a tool, and its JSON pointer."""
    definitions: Definitions = codec.FORMAT.definitions
    fields, tools = definitions.tool.fields, definitions.namespace.fields["tools"]
    if not isinstance(entry, dict) or tools in entry or entry.get("type", FUNCTION) != FUNCTION:
        typed = isinstance(entry, dict) and "type" in entry
        raise ToolError(
            INVALID_TOOL,
            f"{quoted(entry)} is not a function{'' if tools in at else ' or namespace'}",
            pointer=f"{at}/type" if typed else at,
            rule="type",
            hint="Pass function tools of chat completions or responses, or namespaces with "
            f"{definitions.namespace.fields['name']} and {tools}.",
        )
    if FUNCTION in entry:
        entry, at = entry[FUNCTION], f"{at}/{FUNCTION}"
        if not isinstance(entry, dict):
            raise ToolError(INVALID_TOOL, f"{quoted(entry)} is not an object", pointer=at, rule="type")
    keys = {key: fields[purpose] for purpose in PURPOSES for key in (purpose, fields[purpose])}
    found = {field: entry[key] for key, field in keys.items() if key in entry}
    parameters = next((entry[key] for key in PARAMETERS_KEYS if entry.get(key) is not None), None)
    if parameters is not None and found.get(fields["parameters"]) is None:
        found[fields["parameters"]] = parameters
    return found, at


def new_tool(codec: ModuleType, entry: Any, at: str, taken: set[str]) -> Tool:
    """The tool of a definition; its name is added to `taken`, where it must not be."""
    defined: Definition = codec.FORMAT.definitions.tool
    definition, inside = _definition(codec, entry, at)
    _require_valid(codec, definition, defined.made, inside)
    tool: Tool = defined.made(**definition)
    _require_text(tool, inside)
    _require_new(defined.get(tool, "name"), taken, inside)
    taken.add(defined.get(tool, "name"))
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
    made: Definition = codec.FORMAT.definitions.namespace
    key = made.fields["tools"]
    tools = entry[key]
    if not isinstance(tools, list):
        raise ToolError(INVALID_TOOL, f"{quoted(tools)} is not a list", pointer=f"{at}/{key}", rule="type")
    head = {field: entry[field] for field in made.fields.values() if field in entry and field != key}
    _require_valid(codec, head, made.made, at)
    taken: set[str] = set()
    found = [new_tool(codec, entry, f"{at}/{key}/{index}", taken) for index, entry in enumerate(tools)]
    namespace: Namespace = made.made(**head, **{key: found})
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
        path = pointer_to(error.absolute_path)
        wanted = f"'{error.validator_value}'" if error.validator == "pattern" else repr(error.validator_value)
        rule, message = f"{error.validator} {wanted}", schema_reason(error)
        rule, message = rule[: MAX_SCHEMA_ERROR_CHARS // 2], message[:MAX_SCHEMA_ERROR_CHARS]
        raise ToolError(INVALID_TOOL, message, pointer=at + path, rule=rule)


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
    codec, written = with_tools(codec), []
    definitions: Definitions = codec.FORMAT.definitions
    made, tool = definitions.namespace, definitions.tool
    for namespace in _own(codec, namespaces):
        if form == FORMS[0]:
            shown = [tool.spelled(_values(tool, item)) for item in made.get(namespace, "tools")]
            written.append(made.spelled(_values(made, namespace) | {"tools": shown}))
            continue
        name = made.get(namespace, "name")
        prefix = "" if name == definitions.functions else codec.FORMAT.meaning.full_name(name, "")
        for item in made.get(namespace, "tools"):
            definition = _values(tool, item)
            definition["name"] = prefix + definition["name"]
            nested = {"type": FUNCTION, FUNCTION: definition}
            written.append(nested if form == FORMS[1] else {"type": FUNCTION, **definition})
    return written


def _own(codec: ModuleType, namespaces: Iterable[Namespace]) -> list[Namespace]:
    """Namespaces as a list; raises `TypeError` for anything else, and for those of another codec."""
    if isinstance(namespaces, str) or not isinstance(namespaces, Iterable):
        raise TypeError(f"namespaces: expected a list, got {type(namespaces).__name__}")
    found, expected = list(namespaces), codec.FORMAT.definitions.namespace.made
    for index, namespace in enumerate(found):
        foreign: object = codec.FORMAT.contents.find_foreign(namespace)
        if foreign is None and isinstance(namespace, expected):
            continue
        foreign = namespace if foreign is None else foreign
        made = type(foreign)
        wanted, found_class = (expected if foreign is namespace else made).__name__, made.__name__
        advice = "; tools_from_json reads JSON definitions" if isinstance(namespace, dict) else ""
        if isinstance(foreign, Record):
            wanted, found_class = f"{wanted} of {codec.__name__}", f"{made.__module__}.{found_class}"
            advice = "; pass its module as codec="
        raise TypeError(f"namespaces[{index}]: expected a {wanted}, got a {found_class}{advice}")
    return found


def _values(definition: Definition, item: Namespace | Tool) -> dict[str, Any]:
    """The name, description and parameters of an item, those that it has."""
    return {purpose: value for purpose in PURPOSES if (value := definition.get(item, purpose)) is not None}


def tools_to_text(namespaces: Iterable[Namespace], *, codec: ModuleType | None = None) -> str:
    """The text of namespaces in a message.

    Args:
        namespaces: the namespaces to convert.
        codec: whose namespaces these are; by default the one of this package.

    Raises:
        RenderError: the format cannot express one of them.
    """
    codec = with_tools(codec)
    cls, field = _holders(codec)[0]
    return str(cls(**{field: _own(codec, namespaces)}).text())


def tools_from_text(text: str, *, codec: ModuleType | None = None) -> list[Namespace]:
    """Read namespaces from a text: one or more of them, with or without a heading, or a whole content.

    Args:
        text: the text.
        codec: whose namespaces are returned; by default the one of this package.

    Raises:
        ToolError: the text cannot be parsed as namespaces, or a type in it; the span starts at the first mistake.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected a str, got {type(text).__name__}")
    codec = with_tools(codec)
    contents, holders, heading = codec.FORMAT.contents, _holders(codec), _heading(codec)
    for source in dict.fromkeys((text.rstrip("\n"), text, heading + text.rstrip("\n"), heading + text)):
        for cls, field in holders:
            content = contents.structure(cls, source)
            tools: list[Namespace] = getattr(content, field, [])
            if content and tools and contents.is_understood(content, source):
                return tools
    text = text.rstrip("\n")
    classes = holders[0][0], codec.FORMAT.definitions.namespace.made
    errors = [contents.explain_unread(cls, text) for cls in classes]
    raise max(errors, key=lambda error: error.span.start if error.span else 0)


def _holders(codec: ModuleType) -> list[tuple[Any, str]]:
    """The classes of contents with namespaces, each with their field. The first one can hold nothing else."""
    contents, definitions = codec.FORMAT.contents, codec.FORMAT.definitions
    found = [(contents.roles[role], field) for role, field in definitions.holders if role in contents.roles]
    return sorted(found, key=lambda each: len(each[0]().text()))


def _heading(codec: ModuleType) -> str:
    """The text before the first namespace of a content."""
    example = codec.FORMAT.definitions.namespace.make(name="a")
    return tools_to_text([example], codec=codec).removesuffix(example.text())
