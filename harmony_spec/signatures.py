"""Python functions as tools: what the annotations, the defaults and the docstring say, as JSON Schema."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from .codec import Tool
from .errors import INVALID_TOOL, ToolError

SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    Any: {},
    inspect.Parameter.empty: {},
    object: {},
    dict: {"type": "object"},
    list: {"type": "array"},
}


def tool_from_function(function: Callable[..., Any], *, name: str | None = None) -> Tool:
    """A tool for a Python function: its name, its docstring, and its parameters by their annotations.

    Parameters are described by the docstring (Google, NumPy, reST or Epydoc style) or by a string in `Annotated`.
    A parameter without default is required. Supported annotations: `str`, `int`, `float`, `bool`, `None`, `Any`,
    `Literal`, enumerations, unions, lists, tuples, sets, mappings, typed dictionaries, data classes and whatever has a
    method `model_json_schema` (pydantic).

    Args:
        function: any callable with a signature.
        name: of the tool; by default that of the function.

    Raises:
        ToolError: an annotation has no JSON Schema, or a parameter can only be given by position.
    """
    import docstring_parser

    documented = docstring_parser.parse(inspect.getdoc(function) or "")
    described = {item.arg_name: item.description for item in documented.params}
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ToolError(INVALID_TOOL, f"an annotation of {function!r} is unknown: {error}") from None
    properties: dict[str, Any] = {}
    required = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            message = f"{parameter.name!r} can only be given by position, and calls name their arguments"
            raise ToolError(INVALID_TOOL, message, pointer=f"/parameters/properties/{parameter.name}")
        schema = _schema(hints.get(parameter.name, parameter.empty), f"/parameters/properties/{parameter.name}")
        if described.get(parameter.name):
            schema = {"description": described[parameter.name], **schema}
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif _is_json(parameter.default):
            schema["default"] = json.loads(json.dumps(parameter.default))
        properties[parameter.name] = schema
    parameters: dict[str, Any] | None = {"type": "object", "properties": properties} if properties else None
    if parameters and required:
        parameters["required"] = required
    said = (documented.short_description, documented.long_description)
    description = "\n\n".join(text for text in said if text)
    return Tool(name or function.__name__, description or None, parameters)


def _is_json(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or type(value) in (str, int, float, bool)


def _schema(hint: Any, at: str) -> dict[str, Any]:
    """The JSON Schema of an annotation; `at` is the JSON pointer of where it goes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        said = next((text for text in arguments[1:] if isinstance(text, str)), None)
        return ({"description": said} if said else {}) | _schema(arguments[0], at)
    if origin in (typing.Required, typing.NotRequired):
        return _schema(arguments[0], at)
    if origin is Literal:
        return _listed(list(arguments))
    if origin in (Union, types.UnionType):
        options = [_schema(option, at) for option in arguments]
        plain = all(set(option) == {"type"} for option in options)
        return {"type": [option["type"] for option in options]} if plain else {"anyOf": options}
    try:
        if hint in SCALARS:
            return dict(SCALARS[hint])
    except TypeError:
        pass
    if origin is tuple and arguments[-1:] != (...,):
        return {"type": "array", "prefixItems": [_schema(item, at) for item in arguments], "items": False}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], at)}
    if isinstance(origin, type) and issubclass(origin, (Sequence, AbstractSet)):
        unique = {"uniqueItems": True} if issubclass(origin, AbstractSet) else {}
        return {"type": "array", "items": _schema(arguments[0], at)} | unique
    if isinstance(hint, type):
        return _class(hint, at)
    raise ToolError(INVALID_TOOL, f"{hint!r} has no JSON Schema", pointer=at)


def _listed(values: list[Any]) -> dict[str, Any]:
    kinds = {type(value): None for value in values}
    known = SCALARS.get(next(iter(kinds)), {}) if len(kinds) == 1 else {}
    return {**known, "enum": values}


def _class(made: type, at: str) -> dict[str, Any]:
    """The JSON Schema of a class."""
    if callable(describe := getattr(made, "model_json_schema", None)):
        return dict(describe())
    if issubclass(made, enum.Enum):
        return _listed([member.value for member in made])
    if typing.is_typeddict(made):
        hints = typing.get_type_hints(made, include_extras=True)
        required_keys: frozenset[str] = getattr(made, "__required_keys__", frozenset())
        return _object(hints, [name for name in hints if name in required_keys], at)
    if dataclasses.is_dataclass(made):
        fields = dataclasses.fields(made)
        missing = dataclasses.MISSING
        required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
        hints = typing.get_type_hints(made, include_extras=True)
        return _object({f.name: hints[f.name] for f in fields}, required, at)
    raise ToolError(INVALID_TOOL, f"the class {made.__name__} has no JSON Schema", pointer=at)


def _object(hints: Mapping[str, Any], required: list[str], at: str) -> dict[str, Any]:
    properties = {name: _schema(hint, f"{at}/properties/{name}") for name, hint in hints.items()}
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})
