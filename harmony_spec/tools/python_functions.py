"""Converts Python functions to tools: annotations, defaults and docstrings become JSON Schema."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import json
import types
import typing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from ..codes import INVALID_TOOL
from ..errors import ToolError
from .openai_tools import new_tool, with_tools

if TYPE_CHECKING:
    from ..codec import Tool

SCALAR_SCHEMAS: dict[Any, dict[str, Any]] = {
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


def tool_from_function(
    function: Callable[..., Any], *, name: str | None = None, codec: ModuleType | None = None
) -> Tool:
    """A tool for a Python function, from its name, docstring and annotations.

    Parameters are described by the docstring (Google, NumPy, reST or Epydoc style) or by a string in `Annotated`.
    A parameter without default is required. Supported annotations: `str`, `int`, `float`, `bool`, `None`, `Any`,
    `Literal`, enumerations, unions, lists, tuples, sets, mappings, typed dictionaries, data classes and classes with
    a method `model_json_schema` (pydantic).

    Args:
        function: any callable with a signature.
        name: of the tool; by default that of the function.
        codec: whose tool is returned; by default the one of this package.

    Raises:
        ToolError: an annotation has no JSON Schema, a parameter is positional-only, or no call can have the name.
    """
    import docstring_parser

    documented = docstring_parser.parse(inspect.getdoc(_inner(function)) or "")
    described = {item.arg_name: item.description for item in documented.params}
    parameters = _parameters_schema(function, described)
    paragraphs = (documented.short_description, documented.long_description)
    description = "\n\n".join(text for text in paragraphs if text)
    named = _name(function) if name is None else name
    entry = {"name": named, "description": description or None, "parameters": parameters}
    try:
        return new_tool(with_tools(codec), entry, "", set())
    except ToolError as error:
        if error.pointer != "/name":
            raise
        raise ToolError(error.code, error.message, pointer="/name", hint="Pass another name.") from None


def _parameters_schema(function: Callable[..., Any], described: Mapping[str, str | None]) -> dict[str, Any] | None:
    """The JSON Schema of the parameters; None if there are none."""
    hints, found = _hints(function), _Found({}, {})
    parameters = [parameter for parameter in _parameters(function) if parameter.kind is not parameter.VAR_KEYWORD]
    properties = {
        parameter.name: _property(parameter, hints.get(parameter.name, parameter.empty), described, found)
        for parameter in parameters
    }
    if not properties:
        return None
    required = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    schema |= {"required": required} if required else {}
    return schema | ({"$defs": found.definitions} if found.definitions else {})


def _property(
    parameter: inspect.Parameter, hint: Any, described: Mapping[str, str | None], found: _Found
) -> dict[str, Any]:
    """The JSON Schema of a parameter, with its description and default."""
    at = f"/parameters/properties/{parameter.name}"
    if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
        star = "*" * (parameter.kind == parameter.VAR_POSITIONAL)
        message = f"{star + parameter.name!r} takes arguments by position, but calls pass them by name"
        raise ToolError(INVALID_TOOL, message, pointer=at)
    description = described.get(parameter.name)
    schema = ({"description": description} if description else {}) | _schema(hint, at, found)
    default = _NO_JSON if parameter.default is parameter.empty else _json(parameter.default)
    return schema if default is _NO_JSON else schema | {"default": default}


def _name(function: Callable[..., Any]) -> str:
    inner = function.func if isinstance(function, functools.partial) else function
    return str(getattr(inner, "__name__", type(inner).__name__))


def _inner(function: Callable[..., Any]) -> Any:
    """The function of a partial, or the `__call__` of an object: it has the docstring and annotations."""
    inner: Any = function.func if isinstance(function, functools.partial) else function
    return inner if inspect.isroutine(inner) or isinstance(inner, type) else type(inner).__call__


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise ToolError(INVALID_TOOL, f"{function!r} has no signature: {error}") from None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(_inner(function), include_extras=True)
    except Exception as error:  # an annotation is code, which may raise anything
        message = f"an annotation of {_name(function)!r} cannot be read: {error}"
        raise ToolError(INVALID_TOOL, message, pointer="/parameters/properties") from None


_NO_JSON = object()


def _json(value: object) -> Any:
    """A value as JSON; a member of an enumeration as its value. `_NO_JSON` if JSON cannot express it."""
    if isinstance(value, enum.Enum):
        value = value.value
    value = list(value) if isinstance(value, tuple) else value
    try:
        found = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return _NO_JSON
    return found if found == value else _NO_JSON


class _Found(typing.NamedTuple):
    """The state while annotations are converted.

    Attributes:
        definitions: the schemas of classes, by name.
        within: the classes that are being converted, and whether they refer to themselves.
    """

    definitions: dict[str, Any]
    within: dict[type, bool]


def _schema(hint: Any, at: str, found: _Found) -> dict[str, Any]:
    """The JSON Schema of an annotation; `at` is its JSON pointer in the tool."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        notes = (each if isinstance(each, str) else getattr(each, "description", None) for each in arguments[1:])
        description = next((text for text in notes if isinstance(text, str)), None)
        return ({"description": description} if description else {}) | _schema(arguments[0], at, found)
    if origin in (typing.Required, typing.NotRequired):
        return _schema(arguments[0], at, found)
    if isinstance(hint, dataclasses.InitVar):
        return _schema(hint.type, at, found)
    if hint is typing.Tuple:  # noqa: UP006  # unlike `tuple[()]`, of any length
        return {"type": "array"}
    if origin is Literal:
        return _listed(list(arguments), at)
    if origin in (Union, types.UnionType):
        options = [_schema(option, at, found) for option in arguments]
        plain = all(set(option) == {"type"} for option in options)
        return {"type": [option["type"] for option in options]} if plain else {"anyOf": options}
    try:
        if hint in SCALAR_SCHEMAS:
            return dict(SCALAR_SCHEMAS[hint])
    except TypeError:
        pass
    base = origin if isinstance(origin, type) else hint if isinstance(hint, type) else object
    if origin is tuple and arguments[-1:] != (...,):
        places = [_schema(item, at, found) for item in arguments]
        fixed = {"prefixItems": places, "items": False} if places else {}
        return {"type": "array", **fixed, "minItems": len(places), "maxItems": len(places)}
    if issubclass(base, tuple) and hasattr(base, "_fields"):
        return _named_tuple(base, at, found)
    if issubclass(base, Counter):
        return {"type": "object", "additionalProperties": {"type": "integer"}}
    if issubclass(base, Mapping) and not typing.is_typeddict(base):
        return {"type": "object", **({"additionalProperties": _schema(arguments[-1], at, found)} if arguments else {})}
    if issubclass(base, (Sequence, AbstractSet)) and not issubclass(base, (str, bytes)):
        unique = {"uniqueItems": True} if issubclass(base, AbstractSet) else {}
        return {"type": "array", **({"items": _schema(arguments[0], at, found)} if arguments else {}), **unique}
    if isinstance(hint, type):
        return _class(hint, at, found)
    raise ToolError(INVALID_TOOL, f"{hint!r} has no JSON Schema", pointer=at)


def _listed(values: list[Any], at: str) -> dict[str, Any]:
    values = [_json(value) for value in values]
    if _NO_JSON in values:
        raise ToolError(INVALID_TOOL, "a listed value cannot be expressed in JSON", pointer=at)
    kinds = {type(value): None for value in values}
    known = SCALAR_SCHEMAS.get(next(iter(kinds)), {}) if len(kinds) == 1 else {}
    return {**known, "enum": values}


def _class(cls: type, at: str, found: _Found) -> dict[str, Any]:
    """The JSON Schema of a class."""
    if callable(describe := getattr(cls, "model_json_schema", None)):
        try:
            schema = dict(describe())
        except Exception as error:  # a class of another library, which may raise anything
            raise ToolError(INVALID_TOOL, f"the class {cls.__name__} has no JSON Schema: {error}", pointer=at) from None
        for name, definition in schema.pop("$defs", {}).items():
            _define(name, definition, at, found)
        return schema
    if issubclass(cls, enum.Enum):
        return _listed([member.value for member in cls], at)
    if cls in found.within:
        found.within[cls] = True
        return {"$ref": f"#/$defs/{cls.__name__}"}
    found.within[cls] = False
    schema = _fields(cls, at, found)
    if found.within.pop(cls):
        _define(cls.__name__, schema, at, found)
        return {"$ref": f"#/$defs/{cls.__name__}"}
    return schema


def _define(name: str, schema: Any, at: str, found: _Found) -> None:
    """Add the definition of a class. Raises `ToolError` if another class has its name."""
    if found.definitions.setdefault(name, schema) != schema:
        raise ToolError(INVALID_TOOL, f"two classes are named {name}", pointer=at, hint="Rename one of them.")


def _named_tuple(cls: Any, at: str, found: _Found) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    places = [_schema(hints.get(name, Any), at, found) for name in cls._fields]
    least = len(places) - len(cls._field_defaults)
    return {"type": "array", "prefixItems": places, "items": False, "minItems": least, "maxItems": len(places)}


def _fields(cls: type, at: str, found: _Found) -> dict[str, Any]:
    """The JSON Schema of a class with fields."""
    if typing.is_typeddict(cls):
        hints = typing.get_type_hints(cls, include_extras=True)
        return _object(hints, [name for name, hint in hints.items() if _is_needed(cls, name, hint)], at, found)
    if dataclasses.is_dataclass(cls):
        hints = typing.get_type_hints(cls, include_extras=True)
        taken = {name: each.default for name, each in inspect.signature(cls).parameters.items() if name in hints}
        required = [name for name, default in taken.items() if default is inspect.Parameter.empty]
        return _object({name: hints[name] for name in taken}, required, at, found)
    raise ToolError(INVALID_TOOL, f"the class {cls.__name__} has no JSON Schema", pointer=at)


def _is_needed(cls: Any, name: str, hint: Any) -> bool:
    """Whether a typed dictionary needs a key. Its own list does not know `Required` in annotations that are texts."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    origin = get_origin(hint)
    return origin is typing.Required or (name in cls.__required_keys__ and origin is not typing.NotRequired)


def _object(hints: Mapping[str, Any], required: list[str], at: str, found: _Found) -> dict[str, Any]:
    properties = {name: _schema(hint, f"{at}/properties/{name}", found) for name, hint in hints.items()}
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})
