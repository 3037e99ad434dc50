"""Special tokens in contents and directly before them, in every dialect with recovery."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import ModuleType
from typing import Any

import pytest

from harmony_spec import RenderError
from harmony_spec.recovery.header_automaton import automaton_of

from .header_edits import GRAMMARS
from .test_dialect_laws import RECOVERING, assert_tiles, tokens_of
from .test_dialects import codec_of as dialect_codec
from .test_dialects import tokenizer_of
from .test_recovered_grammars import codec_of as edited_codec
from .test_streaming import read

NAMES = [*RECOVERING, *GRAMMARS]
TOOL = "functions.f"


def codec_of(name: str) -> ModuleType:
    return edited_codec(name) if name in GRAMMARS else dialect_codec(name)


def recovered(module: ModuleType, text: str, start: str = "transcript", tools: list[Any] | None = None) -> Any:
    """What is read of a text, in any chunks; nothing is lost."""
    tokens, found = tokens_of(module, text), module.recover(text, start, tools=tools)
    assert_tiles(sorted([*found.spans, *found.gaps]), text)
    whole = module.recover(tokens, start, tools=tools, tokenizer=tokenizer_of(module))
    assert whole.messages == found.messages
    for parts in (tokens, [tokens]):
        parser = module.StreamParser(start, tools=tools, tokenizer=tokenizer_of(module))
        read(parser, parts)
        assert parser.recovered == whole
    return found


def codes_of(found: Any) -> list[str]:
    return [diagnostic.code.name for diagnostic in found.diagnostics]


def message_text(module: ModuleType, **fields: Any) -> str:
    """A message of the model, with what the first token that opens contents sets."""
    sets = dict(next(iter(automaton_of(module.FORMAT).opener_sets.values())))
    return str(module.render_text([module.Message(**sets | module.FORMAT.meaning.author | fields)]))


def opened(module: ModuleType, text: str) -> tuple[str, str, str]:
    """The header of a message with its opener, the content, and the stop token."""
    (bounds,) = module.parse(text).bounds
    return text[: bounds[1]], text[bounds[1] : bounds[2]], text[bounds[2] :]


def parts_of(module: ModuleType) -> list[str]:
    """The special tokens of headers that come before no author, no channel and no free text."""
    recovery = module.FORMAT.meaning
    begin = {recovery.slots.role, recovery.slots.name, recovery.slots.channel}
    fields = {
        token: {field for field, leads in recovery.leads.items() if token in leads}
        for token in {*recovery.inside} - {*recovery.opens, *recovery.free_texts}
    }
    return sorted(token for token, names in fields.items() if names and not names & begin)


@pytest.mark.parametrize("name", NAMES)
def test_a_part_of_a_header_in_a_content_is_a_stray_token(name: str) -> None:
    """Only an author or a channel begins another header: no call is read, and no text is lost."""
    module = codec_of(name)
    head, _, stop = opened(module, message_text(module, content="x"))
    for token, after, tools in product(parts_of(module), (TOOL, "user", "now.", "{}", ""), (None, [TOOL])):
        for ends in (stop, "", f"{stop}{head}More.{stop}"):
            found = recovered(module, f"{head}Use {token}{after}{ends}", tools=tools)
            message = found.messages[0]
            assert message.content == f"Use {after}"
            assert len(found.messages) == 1 + ("More." in ends)
            assert all(
                getattr(each, module.FORMAT.meaning.slots.recipient or "name") is None for each in found.messages
            )
            assert {"stray-special-token"} <= {*codes_of(found)} <= {"stray-special-token", *ENDS}


ENDS = ("missing-terminator", "missing-channel", "call-without-recipient")


@pytest.mark.parametrize("name", NAMES)
def test_a_recipient_directly_after_the_opener_needs_another_one(name: str) -> None:
    """`<|message|>`, the token of recipients, a tool: a call if the content is opened then, else a content."""
    module = codec_of(name)
    recovery = module.FORMAT.meaning
    head, _, stop = opened(module, message_text(module, content="x"))
    for token in parts_of(module):
        if token not in recovery.leads.get(recovery.slots.recipient, ()):
            continue
        for end in (stop, "", head + "x" + stop):
            found = recovered(module, f"{head}{token}{TOOL} now.{end}", tools=[TOOL])
            assert (found.messages[0].content, found.messages[0].recipient) == (f"{TOOL} now.", None)
        (call,) = recovered(module, f"{head}{token}{TOOL}{recovery.opens[0]}{{}}{stop}", tools=[TOOL]).messages
        assert (call.content, call.recipient) == ("{}", TOOL)


@pytest.mark.parametrize("name", NAMES)
def test_text_between_messages_is_in_one_gap_only(name: str) -> None:
    """... also if it opens a content, and a part of a header comes directly after that."""
    module = codec_of(name)
    recovery, automaton = module.FORMAT.meaning, automaton_of(module.FORMAT)
    head, _, stop = opened(module, message_text(module, content="x"))
    for token, opener in product(recovery.inside, recovery.opens):
        for lead, start in product((automaton.lead, "", " "), module.FORMAT.starts):
            for before in (f"{head}x", recovery.begins + recovery.author[recovery.slots.role]):
                recovered(module, f"{before}{stop} now then. {lead}{TOOL}{opener}{token}", start)


# Free texts that belong after the token that opens the content.


CALL = {"recipient": TOOL, "channel": "commentary"}
LEAD, END = "<|reserved_200011|>", "<|reserved_200013|>"


@pytest.mark.parametrize("before", ["<|message|>", " ", "{}", " \n<|message|>"])
@pytest.mark.parametrize("thought", ["a", "", "I call to=functions.g, final. " * 90, "<b>\u4f60\u597d"])
@pytest.mark.parametrize("fields", [CALL, {"channel": "final"}, {}])
def test_thoughts_in_a_content_divide_no_message(before: str, thought: str, fields: dict[str, str]) -> None:
    """A token of a part after the opener begins no header; a call keeps all of its arguments."""
    module = codec_of("thoughts")
    head, _, stop = opened(module, message_text(module, content="", **fields))
    for end, after in product((stop, "", stop + head + stop), ("", "{}", " ")):
        found = recovered(module, f"{head}{before}{LEAD}{thought}{END}{after}{end}", tools=[TOOL])
        message = found.messages[0]
        assert message.content == before.replace("<|message|>", "") + after
        assert {name: getattr(message, name) for name in fields} == fields
        assert message.thought == (thought or None)
        assert message.repair
        assert ("thought" in message.repair.fields) == bool(thought)
        assert len(found.messages) == 1 + (end.count(stop) > 1)


@pytest.mark.parametrize("between", [END, f"{END}<|message|>", f"{END} x"])
def test_a_second_thought_is_reported(between: str) -> None:
    module = codec_of("thoughts")
    head, _, stop = opened(module, message_text(module, content="", **CALL))
    found = recovered(module, f"{head}{LEAD}a{between}{LEAD}b{END}{{}}{stop}", tools=[TOOL])
    (message,) = found.messages
    assert (message.thought, message.recipient) == ("a", TOOL)
    assert message.content == between.removeprefix(END).replace("<|message|>", "") + "{}"
    assert [diagnostic.raw for diagnostic in found.diagnostics if diagnostic.code.name == "unread-header-text"] == ["b"]


@pytest.mark.parametrize("fields", [CALL, {"channel": "final"}])
@pytest.mark.parametrize("thought", ["", "I think so", "so " * 2000])
def test_a_message_that_is_cut_in_its_thoughts_is_kept(fields: dict[str, str], thought: str) -> None:
    module = codec_of("thoughts")
    head, _, stop = opened(module, message_text(module, content="", **fields))
    for stopped, more in product(("", *module.FORMAT.meaning.closes), ("", f"<|start|>user<|message|>x{stop}")):
        found = recovered(module, f"{head}{LEAD}{thought}{stopped}{more}")
        message = found.messages[0]
        assert {name: getattr(message, name) for name in fields} == fields
        assert (message.thought, message.content) == (thought or None, "")
        assert len(found.messages) == 1 + bool(more)
        assert not found.gaps


@pytest.mark.parametrize("opener", ["", "<|message|>"])
@pytest.mark.parametrize("stop", ["<|end|>", "<|call|>"])
def test_a_stop_token_that_ends_a_thought_does_not_end_a_call(opener: str, stop: str) -> None:
    """Arguments after it are those of the call, as after one in place of the token that opens a content."""
    module = codec_of("thoughts")
    head, _, _ = opened(module, message_text(module, content="", **CALL))
    (call,) = recovered(module, f"{head}{LEAD}a{stop}{opener}{{}}<|call|>", "transcript", [TOOL]).messages
    assert (call.recipient, call.thought, call.content) == (TOOL, "a", "{}")


@pytest.mark.parametrize("name", NAMES)
def test_a_header_that_begins_in_an_empty_content_calls_nothing_unless_it_is_opened(name: str) -> None:
    module = codec_of(name)
    recovery = module.FORMAT.meaning
    slots = recovery.slots
    if not (slots.channel and slots.recipient):
        return
    head, _, _ = opened(module, message_text(module, content="", **{slots.channel: recovery.thoughts}))
    call = message_text(module, content="{}", **{slots.channel: recovery.calls, slots.recipient: TOOL})
    for start in (recovery.begins, *recovery.leads.get(slots.channel, ())):
        at = call.find(start)
        rest = min((call[at:].partition(token)[0] for token in recovery.opens), key=len)
        found = recovered(module, head + rest, tools=[TOOL])
        assert not any(getattr(message, slots.recipient) for message in found.messages)


@pytest.mark.parametrize("name", NAMES)
def test_a_message_exists_once_its_content_is_opened(name: str) -> None:
    """Of any message, each prefix that holds the opener is that message: nothing before it is lost."""
    module = codec_of(name)
    format, slots = module.FORMAT, module.FORMAT.meaning.slots
    fields = {slots.recipient: TOOL} if slots.recipient else {}
    if slots.channel:
        fields[slots.channel] = format.meaning.calls or format.meaning.channels[0]
    others: dict[str, Any] = dict.fromkeys(format.meaning.free_texts.values(), "so")
    others |= {field: True for field, default in format.defaults.items() if default is False}
    for field, value in [("", None), *others.items()]:
        given = fields | ({field: value} if field else {})
        try:
            text = message_text(module, content="Hi.", **given)
            head = opened(module, text)[0]
        except (RenderError, TypeError):
            continue
        opener = max(head.rfind(token) for token in format.meaning.opens)
        first = min(head.index(token) + len(token) for token in format.meaning.opens if token in head)
        for end in {first, opener, len(head)}:
            if end < first:
                continue
            (message,) = recovered(module, text[:end], tools=[TOOL]).messages
            assert {name: getattr(message, name) for name in fields} == fields


# Tokens that spell roles.


def role_tokens(module: ModuleType) -> dict[str, str]:
    """The special tokens that are a role."""
    role, edges = module.FORMAT.meaning.slots.role, automaton_of(module.FORMAT).edges
    found = {edge.spelling: dict(edge.sets) for row in edges for edge in row if edge.kind == "token"}
    return {token: str(sets[role]) for token, sets in found.items() if role in sets}


@pytest.mark.parametrize("name", ["cohere", "role_tokens"])
def test_a_token_of_a_role_in_a_content_begins_a_message(name: str) -> None:
    """... whether it opens the content or not; what the model wrote is not put into the user's mouth."""
    module = codec_of(name)
    opens, closes = module.FORMAT.meaning.opens, next(iter(module.FORMAT.meaning.closes))
    roles = role_tokens(module)
    assert len(roles) > 2
    for (first, before), (second, after) in product(roles.items(), repeat=2):
        head, other = (token if token in opens else token + opens[0] for token in (first, second))
        text = f"{module.FORMAT.meaning.begins}{head}Hi{other}Hello{closes}"
        found = recovered(module, text)
        assert [(each.role, each.content) for each in found.messages] == [(before, "Hi"), (after, "Hello")]
        assert {*codes_of(found)} <= {"missing-terminator", "missing-start", "missing-channel"}
        if before != after and first in opens:
            found = recovered(module, text.replace("Hi", ""))
            assert [(each.role, each.content) for each in found.messages] == [(before, ""), (after, "Hello")]


@pytest.mark.parametrize("name", RECOVERING)
@pytest.mark.parametrize("times", [1, 2])
def test_a_completion_may_repeat_what_the_prompt_began(name: str, times: int) -> None:
    """The message is one, and nothing but its beginning is reported."""
    module = codec_of(name)
    text, begins = message_text(module, content="Hello."), module.FORMAT.meaning.begins
    text = begins * (times - 1) + text
    for cut in (text, text.removesuffix(next(iter(module.FORMAT.meaning.closes)))):
        found = recovered(module, cut, "completion")
        assert [(message.role, message.content) for message in found.messages] == [
            (module.FORMAT.meaning.author[module.FORMAT.meaning.slots.role], "Hello.")
        ]
        assert {*codes_of(found)} <= {"repeated-start", "missing-terminator", "missing-channel"}


# Parts directly before a content, after a header with mistakes.


def mistaken(module: ModuleType, text: str) -> list[str]:
    """A message with mistakes in its header, before the token that opens its content."""
    begins, automaton = module.FORMAT.meaning.begins, automaton_of(module.FORMAT)
    author, lead = module.FORMAT.meaning.author.values(), automaton.lead.strip("=")
    found = [begins + text, text.removeprefix(begins), "\n" + text, *(text.replace(each, "", 1) for each in author)]
    found += [text.replace(f"{lead}=", f"{lead}:")] if lead else []
    return found + [text.replace(channel, channel * 2) for channel in module.FORMAT.meaning.channels]


@pytest.mark.parametrize("name", ["python_tag", "flag at the opener", "two tokens that open contents"])
@pytest.mark.parametrize("fields", [CALL, {"channel": "final"}])
def test_what_comes_with_the_opener_is_kept_in_a_header_with_mistakes(name: str, fields: dict[str, str]) -> None:
    module = codec_of(name)
    format, automaton, tried = module.FORMAT, automaton_of(module.FORMAT), 0
    sets = {pair for pairs in format.meaning.sets.values() for pair in pairs if pair[0] not in automaton.reads}
    for field, value in sets:
        text = message_text(module, content="Hi.", **fields, **{field: value})
        for damaged in {*mistaken(module, text)} - {text}:
            (message,) = recovered(module, damaged, tools=[TOOL]).messages
            assert (getattr(message, field), message.content) == (value, "Hi.")
            tried += 1
    assert tried > 4


@pytest.mark.parametrize("text", ["a", "I think so. " * 90])
@pytest.mark.parametrize("arguments", ["{}", '{"a": 1}'])
def test_a_text_is_in_one_field_only(text: str, arguments: str) -> None:
    """The first token of thoughts in place of the one that ends them, and twice."""
    module = codec_of("thoughts")
    head, _, stop = opened(module, message_text(module, content="", **CALL))
    for thought in (f"{LEAD}{text}{LEAD}", f"{LEAD}{LEAD}{text}{END}", f"{LEAD}{text}{END}{END}"):
        found = recovered(module, f"{head}{thought}{arguments}{stop}", tools=[TOOL])
        (message,) = found.messages
        assert (message.thought, message.content, message.recipient) == (text, arguments, TOOL)
        assert found.diagnostics
        assert not [diagnostic for diagnostic in found.diagnostics if diagnostic.raw == text]


@pytest.mark.parametrize("name", NAMES)
def test_a_message_without_its_opener_can_be_written(name: str) -> None:
    """What the token sets has the value of the first one in the grammar."""
    module = codec_of(name)
    opens = module.FORMAT.meaning.opens
    head, content, stop = opened(module, message_text(module, content="Hi there."))
    for token in opens:
        head = head.replace(token, "")
    for text, start in product((f"{head} {content}{stop}", content, content + stop), module.FORMAT.starts):
        found = recovered(module, text, start)
        for message in found.messages:
            assert module.parse(module.render_text([replace(message, repair=None, variants=())])).messages
