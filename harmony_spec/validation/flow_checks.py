"""What may follow what: instructions, turns, calls and their results, stop tokens, channels."""

from __future__ import annotations

from collections import deque
from difflib import get_close_matches
from itertools import chain, islice

from .context import Conversation
from .offer import SHOWN


def check_flow(talk: Conversation) -> None:
    """Say where messages stand in places that no conversation has."""
    _instructions(talk)
    _turns(talk)
    _results(talk)
    _stops(talk)
    _channels(talk)


def _instructions(talk: Conversation) -> None:
    """Instructions stand before all turns, in the order of their authority, each once.

    Source: guide, "Roles".
    """
    order, last = talk.recovery.instructs, -1
    for index in talk.kept:
        role = talk.roles[index]
        if role not in order:
            last = len(order)
            continue
        if order.index(role) <= last:
            before = "another one stands before it" if order.index(role) == last else "it stands behind other messages"
            talk.find("misplaced-instructions", index, talk.header_span(index), before)
        last = max(last, order.index(role))


def _turns(talk: Conversation) -> None:
    """A turn has one answer, and once another turn begins, its thoughts are not shown again.

    Source: guide, "Channels" and "Handling reasoning output in subsequent sampling".
    """
    answer: int | None = None
    thoughts: list[int] = []
    for index in talk.kept:
        if talk.roles[index] == talk.recovery.asks:
            if answer is not None:
                for thought in thoughts:
                    evidence = f"message {answer} completed the turn, and message {index} begins another one"
                    talk.find("kept-analysis", thought, talk.header_span(thought), evidence)
                answer, thoughts = None, []
        elif talk.is_answer(index):
            if answer is not None:
                talk.find("repeated-final", index, talk.header_span(index), f"message {answer} completed the turn")
            answer = index
        elif talk.channels[index] == talk.recovery.thoughts:
            thoughts.append(index)


def _results(talk: Conversation) -> None:
    """A call is answered by the tool that was called, to the model, on the channel of the call.

    Source: guide, "Receiving tool calls".
    """
    calls: dict[str, deque[int]] = {}
    for index in talk.kept:
        if talk.roles[index] == talk.recovery.tool:
            _result(talk, index, calls)
        elif talk.is_call(index):
            calls.setdefault(str(talk.recipients[index]), deque()).append(index)
        else:
            _unanswered(talk, calls, f"message {index} follows")
    opening = talk.recovered.opening
    if opening is not None and opening[talk.recovery.slots.role] != talk.recovery.tool:
        _unanswered(talk, calls, "another one is to go on")


def _result(talk: Conversation, index: int, calls: dict[str, deque[int]]) -> None:
    """A tool's result, beside the calls that wait for one."""
    span, name = talk.header_span(index), str(talk.names[index])
    if name not in calls:
        role = get_close_matches(name, talk.recovery.roles, n=1)
        evidence = "another tool was called" if calls else "no call waits for a result"
        talk.find("unrequested-tool-result", index, span, evidence, expected=(*role, *islice(calls, SHOWN)))
        return
    call = calls[name].popleft()
    if not calls[name]:
        del calls[name]
    if talk.recipients[index] != talk.author:
        evidence = f"it is the result of message {call}"
        talk.find("misaddressed-tool-result", index, span, evidence, expected=(talk.author,))
    if talk.channels[index] != talk.channels[call]:
        evidence = f"the call, message {call}, has another channel"
        talk.find("tool-result-channel", index, span, evidence, expected=(talk.channels[call] or "no channel",))


def _unanswered(talk: Conversation, calls: dict[str, deque[int]], evidence: str) -> None:
    """Calls that no result can follow any more."""
    for call in sorted(chain.from_iterable(calls.values())):
        expected = (f"a result of {talk.recipients[call]}",)
        talk.find("unanswered-call", call, talk.header_span(call), evidence, expected=expected)
    calls.clear()


def _stops(talk: Conversation) -> None:
    """A call ends with the stop token of calls; that of answers ends the last thing that the model wrote.

    Source: guide, "Special tokens".
    """
    recovery = talk.recovery
    for index in talk.kept:
        if not talk.is_complete(index):
            continue
        if talk.is_call(index):
            if recovery.ends_calls and not talk.ends(index, recovery.ends_calls):
                change = talk.stop_change(index, recovery.ends_calls)
                evidence = f"the message calls {talk.recipients[index]}"
                talk.find("wrong-call-terminator", index, talk.stop_span(index), evidence, change=change)
        elif recovery.ends_answers and talk.ends(index, recovery.ends_answers):
            last = index == talk.kept[-1] and talk.recovered.opening is None
            if not last or not talk.by_author(index):
                evidence = "only the model ends like this" if last else "other messages follow"
                change = talk.stop_change(index, None)
                talk.find("return-in-history", index, talk.stop_span(index), evidence, change=change)


def _channels(talk: Conversation) -> None:
    """Messages stand on channels that the system message declares, where it says so on any.

    Source: guide, "System Message".
    """
    offer, expected = talk.offer, tuple(islice(talk.offer.channels, SHOWN))
    for index in talk.kept:
        channel, span = talk.channels[index], talk.header_span(index)
        if channel is None and offer.required and talk.by_author(index):
            evidence = "the system message requires one"
            talk.find("missing-required-channel", index, span, evidence, expected=expected)
        elif channel is not None and offer.channels and channel not in offer.channels:
            evidence = f"{channel} is not declared"
            talk.find("undeclared-channel", index, span, evidence, expected=expected)
