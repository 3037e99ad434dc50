"""Checks of contents: declarations, calls and their arguments, and answers with a declared form."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from .. import codes
from ..errors import Code
from ..format.offered_tools import ANY_PARAMETERS
from ..tool_types.type_grammar import UNREAD_KEYWORD
from .breaches import Breach, InvalidSchema
from .budget import UnfinishedCheck
from .context import IN_CONTENT, IN_STOP, Context
from .declarations import MAX_SUGGESTED_NAMES
from .json_text import JsonText, read_json
from .schemas import find_breaches, find_schema_error

ENVELOPE_KEYS = frozenset({"name", "arguments", "parameters", "recipient_name", "type", "id", "function"})
"""The keys of the objects in which other formats wrap a call."""

INNER_KEYS = ("arguments", "parameters", "function")
"""Those of them whose value is the arguments, or contains them."""

MAX_ENVELOPE_CHARS = 100
"""How much of the arguments in such an object is quoted, in code points."""

MAX_EXPECTED = 8
"""How many texts a diagnostic names that could be read in place of unread content."""

MAX_ANSWER_FORMS = 8
"""How many declared forms an answer is compared with. Each answer is compared with each form: without a limit, the time
would grow with the square of a conversation. Conversations declare one form, rarely a few."""


def check_contents(context: Context) -> None:
    """Compare contents with what the conversation declares, in order: declarations are collected on the way."""
    for index in context.checked:
        try:
            _check_content(context, index)
        except UnfinishedCheck as error:
            if not context.reported_out_of_steps:
                context.report(codes.UNFINISHED_CHECK, index, str(error), IN_CONTENT)
            context.reported_out_of_steps = context.budget.steps < 0


def _check_content(context: Context, index: int) -> None:
    """Raises `UnfinishedCheck` if the budget of the row is spent."""
    role = context.roles[index]
    if role in context.format.contents.roles:
        _check_declaration(context, index, role)
    elif context.is_call(index) and context.recovery.slots.recipient:
        _check_call(context, index)
    elif context.kinds[index] == "answer" and context.declarations.answer_forms and context.is_complete(index):
        _check_answer(context, index)


def _check_declaration(context: Context, index: int, role: str) -> None:
    """Collect declarations, and report those that are unreadable and schemas that are invalid."""
    content = context.content(index)
    if isinstance(content, str):
        declares = context.declarations.leaves_unread(role, content)
        if declares or context.format.contents.has_choice(role, content):
            _report_unread(context, index, role, "the content does not match the grammar from here on", declares)
        return
    schemas = context.declarations.add(role, content)
    if any(isinstance(schema, dict) and UNREAD_KEYWORD in schema for schema in schemas.values()):
        _report_unread(context, index, role, "the type of a tool does not match the grammar from here on")
    if schemas:
        context.budget.grant(len(context.text(index)))
    for name, schema in schemas.items():
        is_exclusive = name not in context.declarations.written_as_types
        if error := find_schema_error(schema, context.budget, is_exclusive):
            _report_schema(context, index, name, error)


def _report_schema(context: Context, index: int, name: str, error: InvalidSchema) -> None:
    evidence = f"the schema of {name} is invalid: {error.reason}"
    context.report(codes.INVALID_SCHEMA, index, evidence, IN_CONTENT, pointer=error.pointer)


def _report_unread(context: Context, index: int, role: str, evidence: str, declares: bool = True) -> None:
    """Report the lines of a content that cannot be read; of one that declares nothing, those with a wrong value."""
    contents, text = context.format.contents, context.text(index)
    for at, expected in contents.find_unread(contents.roles[role], text):
        start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        end = len(text) if end < 0 else max(end, start + 1)
        if not declares and not contents.has_choice(role, text[start:end]):
            continue
        span = context.span_in_content(index, start, end)
        context.report(codes.UNREAD_CONTENT, index, evidence, span, expected=expected[:MAX_EXPECTED])


def _check_call(context: Context, index: int) -> None:
    """Compare a call with the offered tools: its name, its channel, its arguments."""
    declarations, name = context.declarations, str(context.recipients[index])
    parameters = declarations.tools.get(name, ANY_PARAMETERS)
    if name in declarations.tools:
        _check_channel(context, index, name)
    elif declarations.name_tools and declarations.are_complete(name):
        code = codes.UNDECLARED_TOOL if declarations.has_namespace(name) else codes.UNDECLARED_NAMESPACE
        expected = declarations.suggest_tools(name)
        context.report(code, index, f"{name} is not offered", expected=expected)
    is_json = getattr(context.messages[index], context.recovery.slots.content_type, None) == context.recovery.json
    if not is_json and parameters is ANY_PARAMETERS:
        return
    if parameters is None and not context.text(index).strip():
        return
    if (read := _read_json(context, index)) is None:
        return
    if parameters is None:
        breaches = [] if read.value == {} else [Breach("", f"{name} has no parameters", "{}")]
    else:
        breaches = _breaches(context, index, parameters, read.value, name)
    wrapped = _wrapped_arguments(read.value)
    if wrapped is not None and (breaches or (parameters is ANY_PARAMETERS and _names_tool(context, read.value, name))):
        evidence, shown = f"the content of a call is only the arguments of {name}", wrapped[:MAX_ENVELOPE_CHARS]
        context.report(codes.CALL_ENVELOPE, index, evidence, IN_CONTENT, expected=(shown,))
    else:
        _report_breaches(context, index, codes.INVALID_ARGUMENTS, breaches)


def _check_channel(context: Context, index: int, name: str) -> None:
    expected = context.declarations.call_channels.get(name)
    if expected and context.channels[index] not in (expected, None):
        kind = "built-in tool" if expected == context.recovery.thoughts else "tool of the developer"
        context.report(codes.CALL_OUTSIDE_CHANNEL, index, f"{name} is a {kind}", expected=(expected,))


def _read_json(context: Context, index: int) -> JsonText | None:
    """Read a content as JSON and report its mistakes. Return it if the message is complete and begins with a value."""
    text, is_complete = context.text(index), context.is_complete(index)
    read = read_json(text)
    for code, start, end, reason in read.mistakes if is_complete or text.strip() else ():
        span = context.span_in_content(index, start, end) if end > start else IN_STOP
        context.report(code, index, reason, span)
    if not read.is_json or not is_complete:
        return None
    context.budget.grant(len(text))
    return read


def _wrapped_arguments(value: Any) -> str | None:
    """The arguments, as JSON, in what may be a whole call of another format."""
    if not isinstance(value, dict) or not set(value) <= ENVELOPE_KEYS:
        return None
    return next((json.dumps(value[key]) for key in INNER_KEYS if isinstance(value.get(key), (dict, str))), None)


def _names_tool(context: Context, value: dict[str, Any], tool: str) -> bool:
    """Whether a wrapped call names a tool, by its full name or the last part of it."""
    function = value.get("function")
    inner = function.get("name") if isinstance(function, dict) else None
    names = (tool, tool.split(context.recovery.separator)[-1])
    return any(named in names for named in (value.get("name"), value.get("recipient_name"), inner))


def _breaches(context: Context, index: int, schema: Any, value: Any, tool: str = "") -> list[Breach]:
    """The first places where a value breaks a schema; none for an invalid one.

    That is reported where a message declares it, and that of a tool which only the caller offers at its first call.

    Args:
        tool: the tool whose arguments the value is; "" for an answer, whose schema is not written as a type.
    """
    try:
        return find_breaches(schema, value, context.budget, tool not in context.declarations.written_as_types)
    except InvalidSchema as error:
        if tool in context.declarations.only_offered:
            context.declarations.only_offered.discard(tool)
            _report_schema(context, index, tool, error)
        return []


def _report_breaches(context: Context, index: int, code: Code, breaches: list[Breach]) -> None:
    for pointer, reason, expected in breaches:
        context.report(code, index, reason, IN_CONTENT, expected=(expected,), pointer=pointer)


def _check_answer(context: Context, index: int) -> None:
    """Compare a final answer with the declared forms; one of them must match."""
    forms = context.declarations.answer_forms
    if (read := _read_json(context, index)) is None:
        return
    if len(forms) > MAX_ANSWER_FORMS:
        raise UnfinishedCheck(
            f"{len(forms)} answer forms are declared; an answer is compared with at most {MAX_ANSWER_FORMS}"
        )
    breaches: list[Breach] = []
    for schema in forms.values():
        if not (breaches := _breaches(context, index, schema, read.value)):
            return
    if len(forms) == 1:
        _report_breaches(context, index, codes.INVALID_ANSWER, breaches)
    else:
        evidence, expected = "the answer matches none of the declared forms", tuple(islice(forms, MAX_SUGGESTED_NAMES))
        context.report(codes.INVALID_ANSWER, index, evidence, IN_CONTENT, expected=expected)
