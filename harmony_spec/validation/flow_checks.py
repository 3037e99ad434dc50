"""Checks of the order of messages, by the kinds of `[[turn]]`: instructions, turns, calls and results, stop tokens."""

from __future__ import annotations

from collections import deque
from itertools import chain, islice

from .. import codes
from ..errors import near_misses
from ..format.message_kinds import NO_KIND
from .context import IN_STOP, Context
from .declarations import MAX_SUGGESTED_NAMES


def check_flow(context: Context) -> None:
    _check_order(context)
    _check_turns(context)
    _check_results(context)
    _check_stops(context)
    _check_channels(context)
    _check_chat(context)


def _check_order(context: Context) -> None:
    """A message is of a kind that may come after all kinds before it. Instructions come once, before all turns.

    Source: guide, "Roles".
    """
    kinds = context.format.kinds
    allowed, last = set(kinds), ""
    for index in context.checked:
        kind = context.kinds[index]
        if kind and kind not in allowed:
            before = "there is an earlier one" if kind == last else "it comes after other messages"
            context.report(codes.MISPLACED_INSTRUCTIONS, index, before)
        elif kind:
            allowed &= context.format.later[kind]
            last = kind


def _check_turns(context: Context) -> None:
    """A turn has one final answer. When another turn begins, the analysis of a completed turn is dropped.

    Source: guide, "Channels" and "Handling reasoning output in subsequent sampling".
    """
    answer: int | None = None
    thoughts: list[int] = []
    begins = context.format.kinds.get("answer", NO_KIND).then
    for index in context.checked:
        if context.kinds[index] in begins:
            if answer is not None:
                for thought in thoughts:
                    evidence = f"message {answer} completed the turn, and message {index} begins another one"
                    context.report(codes.KEPT_ANALYSIS, thought, evidence)
                answer, thoughts = None, []
        elif context.kinds[index] == "answer":
            if answer is not None:
                context.report(codes.REPEATED_FINAL, index, f"message {answer} completed the turn")
            answer = index
        elif context.channels[index] == context.recovery.thoughts:
            thoughts.append(index)


def _check_results(context: Context) -> None:
    """The result of a call is a message of the called tool, to the model, on the channel of the call.

    Source: guide, "Receiving tool calls".
    """
    if not (context.recovery.slots.recipient and context.recovery.slots.name):
        return  # the grammar does not show who is called, or who answers
    calls: dict[str, deque[int]] = {}
    meanwhile = set(context.format.kinds.get("call", NO_KIND).then) - {"call"}
    for index in context.checked:
        if context.kinds[index] == "result":
            _check_result(context, index, calls)
        elif context.is_call(index):
            calls.setdefault(str(context.recipients[index]), deque()).append(index)
        elif context.kinds[index] not in meanwhile:
            _report_unanswered(context, calls, f"message {index} follows")
    opening = context.recovered.opening
    if opening is not None and opening[context.recovery.slots.role] != context.recovery.tool:
        _report_unanswered(context, calls, "the prompt continues with another message")


def _check_result(context: Context, index: int, calls: dict[str, deque[int]]) -> None:
    """Match a result with the calls that wait for one; `calls` are their indices by tool."""
    name = str(context.names[index])
    has = dict(context.format.kinds["result"].has)
    if name not in calls:
        expected = (*near_misses(name, context.recovery.roles), *islice(calls, MAX_SUGGESTED_NAMES))
        evidence = "another tool was called" if calls else "no call waits for a result"
        context.report(codes.UNREQUESTED_TOOL_RESULT, index, evidence, expected=expected)
        return
    call = calls[name].popleft()
    if not calls[name]:
        del calls[name]
    caller = has.get(context.recovery.slots.recipient)
    if isinstance(caller, str) and context.recipients[index] != caller:
        evidence = f"it is the result of message {call}"
        context.report(codes.MISADDRESSED_TOOL_RESULT, index, evidence, expected=(caller,))
    kind, of_call = context.format.kinds["result"], context.channels[call]
    channel = kind.value(context.recovery.slots.channel, of_call)
    if context.channels[index] != channel:
        is_named = channel != of_call
        evidence = "results have another channel" if is_named else f"the call (message {call}) is on another channel"
        context.report(codes.TOOL_RESULT_CHANNEL, index, evidence, expected=(channel or "no channel",))


def _report_unanswered(context: Context, calls: dict[str, deque[int]], evidence: str) -> None:
    """Report and forget the calls that wait for a result."""
    for call in sorted(chain.from_iterable(calls.values())):
        expected = (f"a result of {context.recipients[call]}",)
        context.report(codes.UNANSWERED_CALL, call, evidence, expected=expected)
    calls.clear()


def _check_stops(context: Context) -> None:
    """A call ends with its stop token. One that only ends a completion ends only the last message, by the model.

    Source: guide, "Special tokens".
    """
    last_only = {kind.last for kind in context.format.turn if kind.last != kind.ends} - {None}
    for index in context.checked:
        if not context.is_complete(index):
            continue
        kind, stop = context.format.kinds.get(context.kinds[index], NO_KIND), context.stop_name(index)
        is_last = index == context.checked[-1] and context.recovered.opening is None
        if context.is_call(index):
            wrong, code = bool(kind.ends) and stop != kind.ends, codes.WRONG_CALL_TERMINATOR
            evidence = f"the message calls {context.recipients[index]}"
        else:
            wrong = stop in last_only and not (is_last and context.is_by_model(index))
            code = codes.RETURN_IN_HISTORY
            evidence = "only messages of the model end like this" if is_last else "other messages follow"
        if wrong:
            change = context.replace_stop(index, kind.ends)
            context.report(code, index, evidence, IN_STOP, change=change)


def _check_channels(context: Context) -> None:
    """Messages use the declared channels, and have one if the system message requires it.

    Source: guide, "System Message".
    """
    if not context.recovery.slots.channel:
        return  # a message has no channel, whatever the system message requires
    declarations, expected = context.declarations, tuple(islice(context.declarations.channels, MAX_SUGGESTED_NAMES))
    for index in context.checked:
        channel = context.channels[index]
        if channel is None and declarations.requires_channel and context.is_by_model(index):
            evidence = "the system message requires a channel"
            context.report(codes.MISSING_REQUIRED_CHANNEL, index, evidence, expected=expected)
        elif channel is not None and declarations.channels and channel not in declarations.channels:
            context.report(codes.UNDECLARED_CHANNEL, index, f"{channel} is not declared", expected=expected)


def _check_chat(context: Context) -> None:
    """Several messages of the model of which none has a channel are probably those of Chat Completions."""
    answers = [index for index in context.checked if context.is_by_model(index)]
    has_field = any(context.channels[index] or context.recipients[index] for index in answers)
    if (
        len(answers) > 1
        and not has_field
        and context.recovery.slots.channel
        and not context.declarations.requires_channel
    ):
        evidence = "no message of the model has a channel; convert Chat Completions: harmony-spec convert --from chat"
        context.report(codes.MAYBE_CHAT, answers[0], evidence)
