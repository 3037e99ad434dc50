"""What a model may write besides plain text: calls of tools and forms of answers, from a prompt and from arguments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from ..errors import quoted
from ..format.offered_tools import ANY_PARAMETERS, offered, parameters_by_name
from ..format.tables import Format, require
from ..tools.chat_requests import CUSTOM, answer_forms, as_function, call_choice, is_limited, reading_tools
from ..tools.openai_tools import FUNCTION, parameters_from_json
from ..tools.purposes import Purposes
from ..tools.requirements import Reporter, fail, require_text
from ..validation.declarations import Declarations
from .enforceable import enforceable
from .schema_keywords import to_json_text

ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
"""The schema of the arguments of a function if only its name is known, or if its definition is not strict."""

NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "additionalProperties": False}

MAX_SCHEMA_CHARS = 1_000_000
"""A longer schema is refused: engines take seconds for each megabyte."""

MAX_TOOLS = 10_000
"""More tools are refused, for the same reason."""


class OfferedCall(NamedTuple):
    """Calls of one tool.

    Attributes:
        name: its full name; None for tools of any name.
        channels: where it is called.
        schema: the JSON Schema of its arguments, as JSON text; None for a tool that is called with text.
        is_empty: whether the arguments may be missing.
        is_builtin: whether the format declares it itself, so that its content may be of any known type.
    """

    name: str | None
    channels: tuple[str, ...]
    schema: str | None
    is_empty: bool = False
    is_builtin: bool = False


class Offer(NamedTuple):
    """What may be written.

    Attributes:
        calls: the tools that may be called.
        answers: the JSON Schemas of answers by name, as JSON text; empty for any answer.
        may_answer: whether the model may answer.
        channels: those that messages may use; empty for all.
        left_out: the tools and forms of answers that cannot be written, with the reason.
        lax: the tools whose definitions say that their schema does not bind.
        unformatted: the custom tools whose input has a format of its own, which no target enforces.
    """

    calls: tuple[OfferedCall, ...] = ()
    answers: Mapping[str, str] = {}
    may_answer: bool = True
    channels: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = {}
    lax: tuple[str, ...] = ()
    unformatted: tuple[str, ...] = ()


def make_offer(
    codec: ModuleType,
    prompt_messages: Sequence[Any] | None,
    tools: Iterable[Any] | None,
    builtins: Iterable[Any],
    tool_choice: object,
    response_format: Mapping[str, Any] | None,
) -> Offer:
    """Collect what a prompt and a request declare; see `constrain`."""
    format: Format = codec.FORMAT
    recovery = format.meaning
    tools = list(tools) if isinstance(tools, Iterable) and not isinstance(tools, str | bytes | Mapping) else tools
    defined = {n: tool for n, tool in enumerate(tools) if isinstance(tool, Mapping)} if isinstance(tools, list) else {}
    others: Any = [tool for tool in tools if not isinstance(tool, Mapping)] if isinstance(tools, list) else tools
    others = offered(format, others) or []
    is_known = tools is not None or prompt_messages is not None
    declarations = Declarations(recovery, others if is_known else None)
    own = _builtins(codec, builtins)
    declarations.offer(own, recovery.thoughts)
    if defined:
        require(codec, "FUNCTION_NAMESPACE")
        with reading_tools([*defined.values()], [*defined]):
            read = [as_function(each, ("tools", index), set()) for index, each in defined.items()]
            declarations.offer(parameters_from_json(read, codec=codec), recovery.calls)
    left_out: dict[str, str] = {}
    prompt = [*prompt_messages] if isinstance(prompt_messages, Iterator) else prompt_messages or ()
    format.require_messages(prompt)
    for index, message in enumerate(prompt):
        role, content = getattr(message, recovery.slots.role), getattr(message, format.content)
        content = format.contents.as_record(role, content) or content
        if not isinstance(content, str):
            declarations.add(role, content)
        elif declarations.leaves_unread(role, content):
            left_out[f"message {index}"] = UNREAD_DECLARATION
    answers = dict(declarations.answer_forms)
    if response_format is not None:
        made = recovery.definitions.answer
        forms = answer_forms(Purposes.of(codec), response_format, Reporter("refuse"))
        answers = {made.get(form, "name"): made.get(form, "schema") for form in forms}
    lax = _named(declarations, (tool for tool in defined.values() if _function(tool).get("strict") is False))
    if len(declarations.tools) > MAX_TOOLS:
        fail(("tools",), f"more than {MAX_TOOLS} tools")
    calls = _calls(declarations, lax)
    if not (is_known or own):
        calls = [OfferedCall(None, (recovery.calls, recovery.thoughts), None)]
    chosen, may_answer = _chosen(declarations, calls, tool_choice)
    reasons = [_unwritable(format, call) for call in chosen]
    left_out |= {str(call.name): reason for call, reason in zip(chosen, reasons, strict=True) if reason}
    writable = tuple(call for call, reason in zip(chosen, reasons, strict=True) if not reason)
    schemas = {name: schema_text(schema, name) for name, schema in answers.items()}
    kept = {name: text for name, text in schemas.items() if not is_impossible(text)}
    left_out |= dict.fromkeys((name for name in schemas if name not in kept), IMPOSSIBLE)
    may_answer = may_answer and len(kept) >= bool(schemas)
    unformatted = _named(declarations, filter(is_limited, defined.values()))
    return Offer(writable, kept, may_answer, frozenset(declarations.channels), left_out, lax, unformatted)


IMPOSSIBLE = "no JSON value matches its schema"
NO_CHANNEL = "the prompt does not list the channel of its calls"
UNREAD_DECLARATION = "its text does not match the grammar, so nothing in it is declared"


def _unwritable(format: Format, call: OfferedCall) -> str:
    """Why a call cannot be written; "" if it can."""
    recovery = format.meaning
    pattern = format.patterns.get(recovery.slots.recipient, ("", ""))[0]
    if call.name is not None and (call.name == recovery.of_functions or not re.fullmatch(pattern, call.name)):
        return "no header can have its name"
    if call.name in recovery.roles:
        return "its name is a role, and roles are not called"
    if call.schema is not None and is_impossible(call.schema):
        return IMPOSSIBLE
    return "" if call.channels else NO_CHANNEL


def is_impossible(schema: str) -> bool:
    return enforceable(schema, "lark").text is None


def schema_text(schema: Any, name: str) -> str:
    """A schema as JSON text; raises `ConversionError` for other values."""
    if not isinstance(schema, dict | bool):
        fail(("schemas", name), f"expected an object or a boolean, got {quoted(schema)}")
    try:
        text = to_json_text(schema)
    except (TypeError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else f"not a JSON Schema: {error}"
        fail(("schemas", name), why)
    if len(text) > MAX_SCHEMA_CHARS:
        fail(("schemas", name), f"longer than {MAX_SCHEMA_CHARS} characters")
    return text


def _builtins(codec: ModuleType, tools: Iterable[Any]) -> dict[str, Any]:
    """The parameters of built-in tools by full name. A text is the name of a namespace that the codec has."""
    format: Format = codec.FORMAT
    found: dict[str, Any] = {}
    for tool in [tools] if isinstance(tools, str | Mapping) else tools:
        if isinstance(tool, Mapping):
            path = ("builtins", len(found))
            found[require_text(tool.get("name"), (*path, "name"))] = tool.get("parameters", ANY_PARAMETERS)
        elif not isinstance(tool, str):
            found |= parameters_by_name(format.meaning, offered(format, [tool]) or ())
        elif made := getattr(codec, f"{tool}_tools", None):
            found |= parameters_by_name(format.meaning, [made()])
        else:
            known = [name.removesuffix("_tools") for name in codec.__all__ if name.endswith("_tools")]
            fail(("builtins",), f"unknown built-in tool {tool!r}", expected=known)
    return found


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function, or custom tool, in the definition of a tool, which may be flat."""
    found: Mapping[str, Any] = next((tool[key] for key in (FUNCTION, CUSTOM) if isinstance(tool.get(key), dict)), tool)
    return found


def _named(declarations: Declarations, tools: Iterable[Any]) -> tuple[str, ...]:
    """The full names of functions and custom tools."""
    names = {declarations.recovery.of_functions + str(_function(tool).get("name")) for tool in tools}
    return tuple(sorted(names & declarations.tools.keys()))


def _calls(declarations: Declarations, lax: Collection[str]) -> list[OfferedCall]:
    recovery, found = declarations.recovery, []
    for name, parameters in sorted(declarations.tools.items()):
        channel = declarations.call_channels.get(name)
        channels = (channel,) if channel else (recovery.calls, recovery.thoughts)
        listed = tuple(each for each in channels if not declarations.channels or each in declarations.channels)
        schema, is_function = parameters, name.startswith(recovery.of_functions)
        if name in lax or (parameters is ANY_PARAMETERS and is_function):
            schema = ANY_OBJECT
        elif parameters is ANY_PARAMETERS:
            schema = None
        elif parameters is None:
            schema = NO_ARGUMENTS
        is_builtin = not is_function and channel != recovery.calls
        text = None if schema is None else schema_text(schema, name)
        found.append(OfferedCall(name, listed, text, parameters is None, is_builtin))
    return found


def _chosen(
    declarations: Declarations, calls: list[OfferedCall], tool_choice: object
) -> tuple[list[OfferedCall], bool]:
    """The calls that a `tool_choice` allows, and whether it allows an answer."""
    prefix = declarations.recovery.of_functions
    names = {call.name.removeprefix(prefix) for call in calls if call.name is not None}
    choice = call_choice(tool_choice, names)
    allowed = [c for c in calls if choice.names is None or (c.name or "").removeprefix(prefix) in choice.names]
    if choice.is_required and not allowed:
        fail(("tool_choice",), f"{tool_choice!r} requires a call, but no tools are declared")
    return allowed, not choice.is_required
