"""The settings of a request of Chat Completions: tools, formats of answers, and how long to think."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from ..errors import RenderError, ToolError, near_misses, quoted
from ..format.contents import Record
from ..format.offered_tools import parameters_by_name
from ..tool_types.schema_references import names_in
from .openai_tools import FUNCTION, tools_from_json
from .purposes import Purposes
from .requirements import Reporter, fail, require_list, require_object, require_text

SEPARATOR = "\n"
"""Between the texts that one text of a chat message consists of, whole or streamed."""

INPUT = "input"
"""The key of the text that a custom tool is called with, also in its arguments as a function."""


CUSTOM = "custom"
"""The type of tools that are called with a text. The format declares them as functions with one text."""

EFFORT = "reasoning_effort"
"""The key of a request, and the field of the content of system messages."""

NEAREST_EFFORT = {"minimal": 0, "xhigh": -1, "max": -1}
"""Efforts of other models, by the index of the nearest one of the format."""

NO_EFFORT, NO_CALLS, ANY_CALLS, ALLOWED_TOOLS = "none", "none", ("auto", "required"), "allowed_tools"
TEXT_ANSWER, OBJECT_ANSWER, SCHEMA_ANSWER = "text", "json_object", "json_schema"


class ChatTools:
    """The tools of a request.

    Attributes:
        namespaces: the tools as the format declares them; those of custom tools take one text.
        custom: the names of custom tools.
        limited: the indices of those whose text must follow a grammar.
        recipients, builtin: the full names of all tools, and of those in the settings.
        names: the names of all tools as a request calls them.
        without_parameters: the names of the functions that take no arguments.
    """

    def __init__(self, purposes: Purposes, tools: object, others: Sequence[Any] = ()) -> None:
        entries = [] if tools is None else require_list(tools, ("tools",))
        self.custom: set[str] = set()
        self.limited = [index for index, entry in enumerate(entries) if is_limited(entry)]
        read = [as_function(entry, ("tools", index), self.custom) for index, entry in enumerate(entries)]
        with reading_tools(entries):
            self.namespaces = tools_from_json(read, codec=purposes.codec) if read else []
        self.builtin = {*parameters_by_name(purposes.recovery, others)}
        parameters = parameters_by_name(purposes.recovery, self.namespaces)
        self.without_parameters = {purposes.tool_name(name) for name, each in parameters.items() if each is None}
        self.recipients = {*parameters, *self.builtin}
        self.names = {purposes.tool_name(each) for each in self.recipients}


def is_limited(entry: Any) -> bool:
    """Whether a tool is a custom one whose text must follow a grammar."""
    inner = entry.get(CUSTOM, entry) if isinstance(entry, dict) and entry.get("type") == CUSTOM else {}
    form = inner.get("format") if isinstance(inner, dict) else None
    return form is not None and form != {"type": TEXT_ANSWER}


def as_function(entry: Any, path: tuple[str | int, ...], custom: set[str]) -> Any:
    """The definition of a tool; a custom tool, whose name is added to `custom`, as a function with one text."""
    if not isinstance(entry, dict) or entry.get("type") != CUSTOM:
        return entry
    inner = require_object(entry.get(CUSTOM, entry), (*path, CUSTOM))
    name = require_text(inner.get("name"), (*path, CUSTOM, "name"))
    custom.add(name)
    parameters = {"type": "object", "properties": {INPUT: {"type": "string"}}, "required": [INPUT]}
    described = {"description": inner["description"]} if inner.get("description") else {}
    return {"type": FUNCTION, FUNCTION: {"name": name, **described, "parameters": parameters}}


@contextmanager
def reading_tools(entries: Sequence[Any], places: Sequence[int] | None = None) -> Iterator[None]:
    """Raise `ConversionError` for an invalid tool of a request, with its place there.

    Args:
        places: the indexes of the entries in the request, if it has others.
    """
    try:
        yield
    except ToolError as error:
        raised = f"{error.message}; rule: {error.rule}" if error.rule else error.message
        at, *inside = names_in(error.pointer) or [""]
        entry = entries[int(at)] if at.isdecimal() else None
        if isinstance(entry, dict) and entry.get("type") == CUSTOM and inside:  # it was read as a function
            inside[0:1] = [CUSTOM] if CUSTOM in entry else []
        at = str(places[int(at)]) if places and at.isdecimal() else at
        fail(("tools", *filter(None, [at]), *inside), raised, code=error.code, hint=error.hint)


class CallChoice(NamedTuple):
    """What a `tool_choice` allows.

    Attributes:
        names: the names of the tools that may be called, as requests have them; None for all.
        is_required: whether one must be called.
    """

    names: frozenset[str] | None
    is_required: bool


def is_called(choice: object, tools: ChatTools) -> bool:
    """Whether a `tool_choice` lets the model call tools; raises `ConversionError` for an invalid one."""
    found = call_choice(choice, tools.names)
    if found.is_required and not tools.names:
        fail(("tool_choice",), "a call is required, but there are no tools")
    return found.names != frozenset()


def call_choice(choice: object, names: Collection[str]) -> CallChoice:
    """Read a `tool_choice`; raises `ConversionError` for an invalid one, and for a name that is not one of these."""
    path = ("tool_choice",)
    if choice is None or choice in ANY_CALLS:
        return CallChoice(None, choice == ANY_CALLS[1])
    if choice == NO_CALLS:
        return CallChoice(frozenset(), False)
    value = choice if isinstance(choice, dict) else {}
    if not isinstance(choice, dict | str):
        fail(path, f"expected a string or an object, got {quoted(choice)}")
    if value.get("type") == ALLOWED_TOOLS:
        inside = (*path, ALLOWED_TOOLS) if ALLOWED_TOOLS in value else path
        inner = require_object(value.get(ALLOWED_TOOLS, value), inside)
        allowed = [named_tool(tool) for tool in require_list(inner.get("tools"), (*inside, "tools"))]
        is_required = inner.get("mode") == ANY_CALLS[1]
        if inner.get("mode", ANY_CALLS[0]) not in ANY_CALLS:
            fail((*inside, "mode"), f"unknown mode {quoted(inner['mode'])}", expected=ANY_CALLS)
        if is_required and not allowed:
            fail((*inside, "tools"), "a call is required, but no tool is allowed", hint="Name the allowed tools.")
    else:
        allowed, is_required = [named_tool(choice)], True
    for name in allowed:
        if name is None:
            hint = 'To require a tool, pass {"type": "function", "name": NAME}.'
            fail(path, f"unknown tool choice {quoted(choice)}", hint=hint, expected=(NO_CALLS, *ANY_CALLS))
        if name not in names:
            near = near_misses(name, names)
            fail(path, f"no tool is called {name!r}{f'; did you mean {near[0]!r}?' if near else ''}")
    return CallChoice(frozenset(name for name in allowed if name is not None), is_required)


def named_tool(choice: object) -> str | None:
    """The name of the tool that a `tool_choice` requires; None if it names none."""
    if not isinstance(choice, dict) or choice.get("type") not in (FUNCTION, CUSTOM):
        return None
    inner = choice.get(choice["type"], choice)
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def answer_forms(purposes: Purposes, value: object, reporter: Reporter) -> list[Any]:
    """The declared formats of the answer for a `response_format`."""
    path: tuple[str, ...] = ("response_format",)
    if value is None:
        return []
    given = require_object(value, path)
    kind = given.get("type")
    if kind == TEXT_ANSWER:
        return []
    if kind not in (OBJECT_ANSWER, SCHEMA_ANSWER):
        known = (TEXT_ANSWER, OBJECT_ANSWER, SCHEMA_ANSWER)
        fail((*path, "type"), f"unknown response format {quoted(kind)}", expected=known)
    if not purposes.forms:
        reporter.replace(path, "the format cannot declare forms of answers", quoted(given), "")
        return []
    schema = {"type": "object"} if given.get("schema") is None else given["schema"]
    inner: dict[str, Any] = {**given, "name": OBJECT_ANSWER, "schema": schema}
    if kind == SCHEMA_ANSWER:
        path = (*path, SCHEMA_ANSWER)
        inner = require_object(given.get(SCHEMA_ANSWER), path)
    require_text(inner.get("name"), (*path, "name"))
    made = purposes.definitions.answer
    schema = True if inner.get("schema") is None else inner["schema"]
    if not isinstance(schema, bool):
        require_object(schema, (*path, "schema"))
    values = {"name": inner["name"], "schema": schema}
    described = {"description": inner["description"]} if inner.get("description") else {}
    form = made.made(**made.spelled(values), **described)
    require_expressible(form, path)
    return [form]


def require_expressible(content: Record, path: tuple[str | int, ...]) -> None:
    """Raise `ConversionError` if the format cannot express a content: a text of it would be read as structure."""
    try:
        content.text().encode()
    except RenderError as error:
        fail((*path, *names_in(error.pointer)), error.message, code=error.code)
    except UnicodeEncodeError:
        fail(path, "a text has half of a surrogate pair, which cannot be encoded")


def with_effort(purposes: Purposes, settings: Any, effort: object, reporter: Reporter) -> Any:
    """The content of the system message with a `reasoning_effort`, or the nearest one of the format."""
    if effort is None:
        return settings
    known = purposes.listed(type(settings), EFFORT)
    if effort not in known:
        path = (EFFORT,)
        name = require_text(effort, path)
        if not known:
            reporter.replace(path, "the format has no efforts", name, "")
            return settings
        if name in NEAREST_EFFORT:
            nearest = known[NEAREST_EFFORT[name]]
            reporter.report(path, "the nearest effort is used", name, nearest)
            effort = nearest
        elif name == NO_EFFORT:
            reporter.replace(path, "the format cannot turn thoughts off", name, "")
            return settings
        else:
            fail(path, f"unknown effort {quoted(name)}", expected=(*known, *NEAREST_EFFORT, NO_EFFORT))
    return replace(settings, **{EFFORT: effort})
