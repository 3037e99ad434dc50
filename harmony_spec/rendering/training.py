"""Rendering for training: a whole transcript, which tokens are trained on, and the part of the message of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from itertools import takewhile
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from ..errors import RenderError, any_of
from ..format.message_kinds import NO_KIND, Drop, Kind, meets
from ..format.tables import LAST_TURN, Format
from ..format.token_encoding import Tokenizer
from ..source.message_tokens import new_tuple
from .open_headers import OpenHeaders
from .renderer import Plan, render_tokens

M = TypeVar("M")

TrainingPart = Literal["start", "header", "content", "stop"]

PARTS: tuple[TrainingPart, ...] = get_args(TrainingPart)


class TrainingSpan(NamedTuple):
    """A run of tokens of one message.

    Attributes:
        start, end: the run, as indices of tokens.
        message: the index of the message in the conversation.
        part: `start` is what an open header has, `header` the rest up to the content, `stop` what follows the content.
    """

    start: int
    end: int
    message: int
    part: TrainingPart


class Training(NamedTuple):
    """A transcript to train on.

    Attributes:
        tokens: the token ids of the whole transcript, without the analysis of earlier turns.
        mask: for each token, whether it is trained on.
        spans: the parts of the messages; together they are all tokens. A dropped message has none.
    """

    tokens: list[int]
    mask: list[bool]
    spans: list[TrainingSpan]


def drop_completed(format: Format, messages: Sequence[M], drop: Drop) -> list[M]:
    """Return the messages without those that `drop` leaves out."""
    format.require_messages(messages)
    kept = _kept(messages, (drop,))
    if len(kept) == len(messages):
        return copy(messages) if isinstance(messages, list) else list(messages)
    return [messages[index] for index in kept]


def _kept(messages: Sequence[Any], drops: Sequence[Drop]) -> list[int]:
    """The indices of the messages that are not dropped."""
    found = [index for index, _ in enumerate(messages)]
    for dropped, completes in drops:
        last = next((index for index in reversed(found) if meets(messages[index], completes)), -1)
        found = [index for index in found if index > last or not meets(messages[index], dropped)]
    return found


def render_training(
    format: Format,
    messages: Sequence[Any],
    train: str | Callable[[Any, TrainingPart], bool],
    style: str,
    tokenizer: Tokenizer | None,
) -> Training:
    """Return a transcript to train on. Raises `RenderError` if the format cannot express it."""
    format.require_messages(messages)
    names = format.trainable
    if not callable(train) and train not in names:
        raise ValueError(f"unknown train {train!r}; pass {any_of([*map(repr, names), 'a function'])}")
    turn = _last_turn(format, messages)
    first = turn if train == LAST_TURN else 0
    kept = [*_kept(messages[:turn], [*format.drops.values()]), *range(turn, len(messages))]
    plan = Plan(format, [messages[index] for index in kept], "transcript", {}, style, "token", training=True)
    open_headers = OpenHeaders(plan, tokenizer)
    tokens: list[int] = []
    written: list[list[int]] = []
    spans: list[TrainingSpan] = []
    sampled: list[tuple[int, int]] = []
    continues = False
    try:
        render_tokens(plan, tokenizer, written.append)
    except RenderError as error:
        error.index = None if error.index is None else kept[error.index]
        raise
    parts = iter(written)
    for number, (index, head, content, tail) in enumerate(zip(kept, parts, parts, parts, strict=True)):
        at, inside, opened = len(tokens), len(head), open_headers.of(number)
        start = len(opened)
        if head[:start] != opened:
            start = _count_shared(opened, head if start <= inside else head + content)
        header, text, start = at + max(start, inside), at + inside + len(content), at + start
        tokens += head
        tokens += content
        tokens += tail
        if index >= first and _is_sampled(format, messages[index]):
            sampled.append((at if continues else start, len(tokens) - _count_unsampled(format, tail)))
            continues = bool(format.turn) and _kind(format, messages[index]).last is None
        else:
            continues = False
        for part, end in zip(PARTS, (start, header, text, len(tokens)), strict=True):
            if end > at:
                spans.append(new_tuple(TrainingSpan, (at, end, index, part)))
                at = end
    if callable(train):
        sampled = [(span.start, span.end) for span in spans if train(messages[span.message], span.part)]
    mask = [False] * len(tokens)
    for begin, end in sampled:
        mask[begin:end] = [True] * (end - begin)
    return Training(tokens, mask, spans)


def _count_shared(opened: list[int], tokens: list[int]) -> int:
    """Count the first tokens that an open header has, too; text that follows it may change its last ones."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(opened, tokens, strict=False)))


def _count_unsampled(format: Format, tail: list[int]) -> int:
    """Count the tokens of text after the last stop token, at which sampling ends."""
    if tail and tail[-1] in format.spellings:
        return 0
    return sum(1 for _ in takewhile(lambda token: token not in format.spellings, reversed(tail)))


def _is_sampled(format: Format, message: object) -> bool:
    """Whether the model writes a message: it continues the open header."""
    return bool(format.opening) and meets(message, format.opening)


def _kind(format: Format, message: object) -> Kind:
    return format.kinds.get(format.kind_of(message), NO_KIND)


def _last_turn(format: Format, messages: Sequence[Any]) -> int:
    """The index at which the last turn begins: at a message that may follow an answer, and not an unfinished turn."""
    answer = format.kinds.get("answer", NO_KIND)
    waiting: list[tuple[int, str]] = []
    for index in range(len(messages) - 1, -1, -1):
        if _is_sampled(format, messages[index]):
            last = _kind(format, messages[index])
            begins = (at for at, name in waiting if last is answer or name not in last.then)
            if (turn := next(begins, None)) is not None:
                return turn
            waiting = []
        elif answer is NO_KIND or (name := format.kind_of(messages[index])) in answer.then:
            waiting.append((index, "" if answer is NO_KIND else name))
    return waiting[0][0] if waiting else 0
