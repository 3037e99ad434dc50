"""How a mistake is planted in a valid conversation: where it is is known, and no other mistake comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from harmony_spec import (
    Message,
    Span,
    codec,
    parse,
)

from .conversation_strategies import (
    ANALYSIS,
    COMMENTARY,
    FINAL,
    Offered,
    Talk,
    call,
    randoms,
    result,
    said,
    transcript,
    waits,
)
from .recovery_strategies import VOCABULARY


@dataclass(frozen=True)
class Planted:
    """A source with one mistake: where it is, in the unit of the source, and how the source is read."""

    source: str | list[int]
    place: Span
    start: codec.Start = "transcript"
    given: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wrong:
    """A conversation with one mistake.

    Attributes:
        talk: the conversation.
        index: of the message with the mistake.
        part: that is wrong: the header, the content, the stop token, or so many code points of the content.
    """

    talk: Talk
    index: int
    part: str | tuple[int, int]


PLANTED: dict[str, st.SearchStrategy[Planted]] = {}
"""A strategy for each mistake, by the name of its diagnostic."""

STARTS: list[codec.Start] = ["transcript", "prompt"]
FORMS: tuple[str, ...] = ("text", "tokens")


def plants(name: str, forms: tuple[str, ...] = FORMS) -> Callable[[Callable[[Random], Wrong]], None]:
    def register(plant: Callable[[Random], Wrong]) -> None:
        def planted(rng: Random) -> Planted:
            wrong, form = plant(rng), rng.choice(forms)
            source = wrong.talk.text() if form == "text" else wrong.talk.tokens()
            return Planted(source, place_of(wrong, source), wrong.talk.start, wrong.talk.given)

        PLANTED[name] = randoms.map(planted)

    return register


def place_of(wrong: Wrong, source: str | list[int]) -> Span:
    begin, content, stop, end = parse(source, wrong.talk.start).bounds[wrong.index]
    parts = {"header": Span(begin, content), "content": Span(content, stop), "stop": Span(stop, end)}
    if isinstance(wrong.part, str):
        return parts[wrong.part]
    first, last = wrong.part
    if isinstance(source, list):
        text = VOCABULARY.decode_bytes(source[content:stop]).decode()
        beginnings = [0]
        for token in source[content:stop]:
            beginnings.append(beginnings[-1] + len(VOCABULARY.decode_bytes([token])))
        low, high = len(text[:first].encode()), len(text[:last].encode())
        inside = [i for i in range(stop - content) if beginnings[i] < high and beginnings[i + 1] > low]
        return Span(content + inside[0], content + inside[-1] + 1)
    return Span(content + first, content + last)


# Where in a conversation a mistake may stand without being another one too.


def indices(talk: Talk, meets: Callable[[Message], bool]) -> list[int]:
    return [index for index, message in enumerate(talk.messages) if meets(message)]


def free(talk: Talk) -> list[int]:
    """Where a message may be added that is none of a model: behind a question, where no call waits for its result."""
    places = range(1, len(talk.messages) + 1)
    asked = [i for i in places if any(message.role == "user" for message in talk.messages[:i])]
    return [i for i in asked if not waits(talk.messages[:i]) and "return" not in talk.messages[i - 1].variants]


def put(talk: Talk, index: int, *messages: Message) -> Talk:
    return replace(talk, messages=[*talk.messages[:index], *messages, *talk.messages[index:]])


def change(talk: Talk, index: int, **fields: Any) -> Talk:
    return replace(
        talk, messages=[*talk.messages[:index], replace(talk.messages[index], **fields), *talk.messages[index + 1 :]]
    )


def drawn(rng: Random, is_meant: Callable[[Talk], Any] = bool, least: int = 0, answers: int = 0) -> Talk:
    """A transcript or prompt with a question."""
    while True:
        talk = transcript(rng, rng.choice(STARTS), least, answers)
        if any(message.role == "user" for message in talk.messages) and is_meant(talk):
            return talk


def is_final(message: Message) -> bool:
    return message.channel == FINAL


def without(message: Message, *ends: str) -> tuple[str, ...]:
    return (*(name for name in message.variants if name not in ("call", "return")), *ends)


def called(rng: Random, builtin: bool = False, least: int = 1) -> tuple[Talk, int, Offered]:
    """A conversation with a call of a tool and its result behind its last question, where that is, and the tool."""
    channel = ANALYSIS if builtin else COMMENTARY
    talk = drawn(rng, lambda talk: any(tool.channel == channel for tool in talk.setting.tools), least, 1 - least)
    tool = rng.choice([tool for tool in talk.setting.tools if tool.channel == channel])
    at = indices(talk, lambda message: message.role == "user")[-1] + 1
    made = call(rng, tool)
    return put(talk, at, made, result(made, said(rng))), at, tool
