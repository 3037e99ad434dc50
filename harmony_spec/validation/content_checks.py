"""What is said in contents: declarations, calls and their arguments, and answers that should have a form."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from .budget import Unfinished
from .context import Conversation
from .json_text import JsonText, read_json
from .offer import SHOWN, UNKNOWN
from .schemas import WrongSchema, breaches, wrong_schema

ENVELOPE = frozenset({"name", "arguments", "parameters", "recipient_name", "type", "id", "function"})
"""The keys of the objects in which other formats put a call."""

INNER = ("arguments", "parameters", "function")
"""Those of them that hold what belongs into the message."""

MAX_ANSWER_FORMS = 8
"""With how many declared forms an answer is compared. Each answer is compared with each form: without a limit, the time
would grow with the square of a conversation. Conversations declare one form, rarely a few."""


def check_contents(talk: Conversation) -> None:
    """Say which contents are not what the conversation declares. Learns what it declares on the way."""
    for index in talk.kept:
        try:
            _content(talk, index)
        except Unfinished as error:
            if not talk.is_out_of_steps:
                talk.find("unfinished-check", index, talk.content_span(index), str(error))
            talk.is_out_of_steps = talk.budget.steps < 0


def _content(talk: Conversation, index: int) -> None:
    """Say what is wrong with a content; raises `Unfinished` where that takes more than the row may."""
    role = talk.roles[index]
    if role in talk.format.contents.roles:
        _declaration(talk, index, role)
    elif talk.is_call(index):
        _call(talk, index)
    elif talk.is_answer(index) and talk.offer.answers and talk.is_complete(index):
        _answer(talk, index)


def _declaration(talk: Conversation, index: int, role: str) -> None:
    """What a message declares; what it means to declare, and nothing reads; schemas that are none."""
    content = talk.content(index)
    if isinstance(content, str):
        for heading in talk.recovery.headings.get(role, ()):
            at = f"\n{content}".find(f"\n{heading}")
            if at >= 0:
                span = talk.span_in_content(index, at, at + len(heading))
                talk.find("unread-content", index, span, "the content as a whole is not what the grammar describes")
                talk.offer.is_read = False
        return
    schemas = talk.offer.learn(role, content)
    if schemas:
        talk.budget.grant(len(talk.text(index)))
    for name, schema in schemas.items():
        if wrong := wrong_schema(schema, talk.budget):
            evidence = f"that of {name} is no JSON Schema: {wrong.reason}"
            talk.find("invalid-schema", index, talk.content_span(index), evidence, pointer=wrong.pointer)


def _call(talk: Conversation, index: int) -> None:
    """A call is of an offered tool, on the channel of such calls, with arguments that it takes."""
    offer, name = talk.offer, str(talk.recipients[index])
    takes = offer.tools.get(name, UNKNOWN)
    if name in offer.tools:
        _channel(talk, index, name)
    elif offer.is_known and offer.is_read:
        kind = "undeclared-tool" if offer.has_namespace(name) else "undeclared-namespace"
        talk.find(kind, index, talk.header_span(index), f"{name} is not offered", expected=offer.beside(name))
    typed = getattr(talk.messages[index], talk.recovery.slots.content_type, None) == talk.recovery.json
    if not typed and takes is UNKNOWN:
        return
    text = talk.text(index)
    if takes is None and not text.strip():
        return
    read = _json(talk, index, text)
    if not read.is_json or not talk.is_complete(index):
        return
    talk.budget.grant(len(text))
    if not _envelope(talk, index, name, takes, read.value):
        _arguments(talk, index, name, takes, read.value)


def _channel(talk: Conversation, index: int, name: str) -> None:
    expected = talk.offer.places.get(name)
    if expected and talk.channels[index] not in (expected, None):
        what = "is built in" if expected == talk.recovery.thoughts else "is a tool of the developer"
        talk.find("call-outside-channel", index, talk.header_span(index), f"{name} {what}", expected=(expected,))


def _json(talk: Conversation, index: int, text: str) -> JsonText:
    """What a content that should be JSON holds; an unfinished message may have none."""
    read = read_json(text)
    for name, start, end, reason in read.mistakes:
        if talk.is_complete(index) or text.strip():
            span = talk.span_in_content(index, start, end) if end > start else talk.stop_span(index)
            talk.find(name, index, span, reason)
    return read


def _envelope(talk: Conversation, index: int, name: str, takes: Any, value: Any) -> bool:
    """Whether the arguments are a whole call, in a form that other formats have."""
    if not isinstance(value, dict) or not set(value) <= ENVELOPE:
        return False
    inner = next((value[key] for key in INNER if isinstance(value.get(key), (dict, str))), None)
    if inner is None or not (
        _names(talk, value, name) if takes is UNKNOWN else takes is None or _broken(talk, takes, value)
    ):
        return False
    evidence = f"only what {name} takes belongs here"
    talk.find("call-envelope", index, talk.content_span(index), evidence, expected=(json.dumps(inner)[:LONGEST],))
    return True


def _names(talk: Conversation, value: dict[str, Any], tool: str) -> bool:
    """Whether an object with the keys of a call is one of a tool, by its full name or the last part of it."""
    function = value.get("function")
    inner = function.get("name") if isinstance(function, dict) else None
    names = (tool, tool.split(talk.recovery.separator)[-1])
    return any(named in names for named in (value.get("name"), value.get("recipient_name"), inner))


LONGEST = 100
"""How much of the arguments inside of a call is shown, in code points."""


def _broken(talk: Conversation, schema: Any, value: Any) -> bool:
    try:
        return bool(breaches(schema, value, talk.budget))
    except WrongSchema:
        return False


def _arguments(talk: Conversation, index: int, name: str, takes: Any, value: Any) -> None:
    """Arguments are an object, and what the tool takes."""
    span = talk.content_span(index)
    if takes is None and value != {}:
        talk.find("invalid-arguments", index, span, f"{name} takes nothing", expected=("{}",))
    elif takes is not None:
        _against(talk, index, "invalid-arguments", takes, value)


def _against(talk: Conversation, index: int, diagnostic: str, schema: Any, value: Any) -> None:
    span = talk.content_span(index)
    try:
        for pointer, reason, expected in breaches(schema, value, talk.budget):
            talk.find(diagnostic, index, span, reason, expected=(expected,), pointer=pointer)
    except WrongSchema:
        return  # said where it is declared


def _answer(talk: Conversation, index: int) -> None:
    """A final answer has one of the forms that the developer declares."""
    answers, text = talk.offer.answers, talk.text(index)
    read = _json(talk, index, text)
    talk.budget.grant(len(text))
    if read.is_json and len(answers) > MAX_ANSWER_FORMS:
        raise Unfinished(
            f"{len(answers)} forms are declared, and an answer is compared with {MAX_ANSWER_FORMS} at most"
        )
    if not read.is_json or any(not _broken(talk, schema, read.value) for schema in answers.values()):
        return
    if len(answers) == 1:
        _against(talk, index, "invalid-answer", next(iter(answers.values())), read.value)
    else:
        evidence = "it has none of the declared forms"
        talk.find("invalid-answer", index, talk.content_span(index), evidence, expected=tuple(islice(answers, SHOWN)))
