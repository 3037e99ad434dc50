"""Headers that name a tool without calling it, and names that only look wrong, in every dialect with recovery."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest

from harmony_spec import RenderError
from harmony_spec.format.meaning import Recovery
from harmony_spec.recovery.header_automaton import automaton_of

from .test_dialect_laws import RECOVERING, tokens_of
from .test_dialects import codec_of, tokenizer_of
from .test_streaming import read


def tool_of(recovery: Recovery, name: str = "search") -> str:
    return recovery.full_name(recovery.definitions.functions or "web", name)


def is_callable(name: str) -> bool:
    """Whether calls of a dialect have a text or token that introduces their recipient, and channels a token."""
    format = codec_of(name).FORMAT
    recovery, slots = format.recovery, format.recovery.slots
    introduced = slots.recipient in automaton_of(format).introduces.values()
    return bool(introduced and slots.channel and recovery.leads.get(slots.channel) and recovery.separator)


CALLING = [name for name in RECOVERING if is_callable(name)]


def stop_of(module: ModuleType, kind: str | None) -> str:
    return next(text for text, name in module.FORMAT.recovery.closes.items() if name == kind)


def header_of(module: ModuleType, **fields: Any) -> str:
    """A header up to the token that opens the content."""
    text = str(module.render_text([module.Message(content="x", **fields)]))
    return text[: min(text.index(token) for token in module.FORMAT.recovery.opens if token in text)]


@pytest.mark.parametrize("name", CALLING)
@pytest.mark.parametrize("offers", [True, False])
def test_a_tool_before_the_channel_of_answers_is_not_called(name: str, offers: bool) -> None:
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    tool, lead = tool_of(recovery), recovery.leads[slots.channel][0]
    model = recovery.author[slots.role]
    for begun in (f"{lead}{tool}", tool, f"{recovery.begins}{model} {tool}"):
        source = (
            f"{begun}{lead}{recovery.answers}{recovery.opens[0]}Hi.{stop_of(module, recovery.ends_answers or None)}"
        )
        found = module.recover(source, "completion", tools=[tool] if offers else None)
        assert [getattr(message, slots.recipient) for message in found.messages] == [None]
        assert found.messages[0].content == "Hi."
        assert found.diagnostics


@pytest.mark.parametrize("name", CALLING)
@pytest.mark.parametrize("after", ["", "."])
def test_an_answer_may_be_the_name_of_a_tool(name: str, after: str) -> None:
    """Without the token that opens the content, nothing shows that it is called."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    tool, lead = tool_of(recovery), recovery.leads[slots.channel][0]
    for begun in ("", lead):
        source = f"{begun}{tool}{after}{stop_of(module, recovery.ends_answers or None)}"
        (message,) = module.recover(source, "completion", tools=[tool]).messages
        assert (getattr(message, slots.recipient), message.content) == (None, tool + after)


@pytest.mark.parametrize("name", CALLING)
@pytest.mark.parametrize("sign", ["+", "/", "->", ":", ".", "..", "@", "$", ",", "<", " / ", " & "])
def test_of_several_tools_in_one_place_none_is_called_for_certain(name: str, sign: str) -> None:
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    tools = [tool_of(recovery), tool_of(recovery, "delete_all")]
    begun = header_of(module, **{slots.role: recovery.author[slots.role], slots.recipient: tools[0]})
    source = begun.replace(tools[0], sign.join(tools)) + recovery.opens[0] + "x" + stop_of(module, None)
    (message,) = module.recover(source, tools=tools).messages
    assert getattr(message, slots.recipient) not in tools or message.repair.is_ambiguous


@pytest.mark.parametrize("name", CALLING)
def test_the_end_of_a_word_introduces_no_tool(name: str) -> None:
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    automaton, tool = automaton_of(module.FORMAT), tool_of(recovery)
    if not automaton.lead or not automaton.lead[0].isalpha():
        return  # signs are the end of no word
    lead = recovery.leads[slots.channel][0]
    for word in (f"x.{automaton.lead}{tool}", f"f({automaton.lead}{tool})"):
        source = (
            f"{lead}{recovery.answers} {word}{recovery.opens[0]}Hi.{stop_of(module, recovery.ends_answers or None)}"
        )
        (message,) = module.recover(source, "completion", tools=[tool]).messages
        assert getattr(message, slots.recipient) is None


@pytest.mark.parametrize("name", RECOVERING)
def test_an_author_may_have_any_name_after_the_role(name: str) -> None:
    """Law 7, for names that are not words, or that name something else elsewhere."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    if not slots.name:
        return
    known = (*recovery.roles, *recovery.channels, *recovery.content_types)
    introduces = automaton_of(module.FORMAT).introduces
    lead = next((text for text, field in introduces.items() if field == slots.name), "")
    for role in recovery.roles:
        for each in ("42", "2024-01", "😀", "+4712345678", "#1", "Ö", *known):
            with suppress(RenderError):
                text = module.render_text([module.Message(content="Hi.", **{slots.role: role, slots.name: each})])
                if role == recovery.tool or f"{role}{lead}" not in text:
                    continue
                found = module.recover(text)
                assert (found.messages, found.diagnostics) == (module.parse(text).messages, [])


@pytest.mark.parametrize("name", CALLING)
def test_a_recipient_may_be_a_namespace_and_signs(name: str) -> None:
    """Law 7: signs that introduce a name elsewhere belong to a name that the grammar reads."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    fields = {slots.role: recovery.author[slots.role], slots.channel: recovery.calls or recovery.channels[0]}
    fields.pop("", None)
    for signs in ("=", "=>", "->", "\u2192"):
        given = fields | {slots.recipient: recovery.of_functions + signs}
        with suppress(RenderError):
            text = module.render_text([module.Message(content="{}", **given)])
            assert module.recover(text).messages == module.parse(text).messages


def recipients_between(module: ModuleType, text: str) -> list[str | None]:
    """The recipients that are read if a text comes after a message, without its start token, before an answer."""
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    channel, opens, stop = recovery.leads[slots.channel][0], recovery.opens[0], stop_of(module, None)
    source = f"{channel}{recovery.channels[0]}{opens}Hm.{stop}{text}{channel}{recovery.answers}{opens}So.{stop}"
    found = (module.recover(source, "completion", tools=tools) for tools in (None, [tool_of(recovery)]))
    return [getattr(message, slots.recipient) for each in found for message in each.messages]


@pytest.mark.parametrize("name", CALLING)
@pytest.mark.parametrize("around", ['"{}"', "`{}`", "({})", "\u201c{}\u201d", "**{}**", "> {}", "- {}", "e.g. `{}`"])
def test_a_quotation_between_messages_calls_nothing(name: str, around: str) -> None:
    """Text after a stop token, up to a channel: a header in quotes stays text without its start token."""
    module = codec_of(name)
    recovery, lead = module.FORMAT.recovery, automaton_of(module.FORMAT).lead
    call = f"{lead}{tool_of(recovery)}"
    for quoted in (call, f"{recovery.author[recovery.slots.role]} {call}") if lead else ():
        assert recipients_between(module, around.format(quoted)) == [None] * 4


@pytest.mark.parametrize("name", CALLING)
def test_the_token_of_another_format_introduces_no_call(name: str) -> None:
    """It begins a message before a role only, and not before prose."""
    module = codec_of(name)
    recovery, lead, ends = module.FORMAT.recovery, automaton_of(module.FORMAT).lead, module.FORMAT.special_ends
    tool = tool_of(recovery)
    texts = [tool, *(f"{role} asked us {lead}{tool} now" for role in recovery.roles if lead)] if all(ends) else []
    for text in texts:
        for token in ("im_start".join(ends), "im_end".join(ends) + "\n"):
            assert recipients_between(module, f"{token}{text}") == [None] * 4


@pytest.mark.parametrize("name", CALLING)
def test_a_limit_of_costs_shows_no_header_as_an_answer(name: str) -> None:
    """The beginning of a header at the end of the input needs no repair."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    tool, model = tool_of(recovery), recovery.author[slots.role]
    fields = {slots.role: model, slots.recipient: tool, slots.channel: recovery.calls or recovery.channels[0]}
    header = header_of(module, **fields)
    for end in range(len(recovery.begins) + len(model), len(header) + 1):
        for limit in (0, 10):
            found = module.recover(header[:end], tools=[tool], max_repair_cost=limit)
            assert found.messages == module.recover(header[:end], tools=[tool]).messages


@pytest.mark.parametrize("name", CALLING)
@pytest.mark.parametrize("last", ["Web Search", "look it up", "a<b", "List<string>", "Météo\u00a0locale", "天气 查询"])
def test_an_offered_tool_whose_name_no_header_can_hold_is_called(name: str, last: str) -> None:
    """The recipient is the tool as it is offered, as in bug 876 of LM Studio; writing the message is refused."""
    module = codec_of(name)
    recovery, slots, tokenizer = module.FORMAT.recovery, module.FORMAT.recovery.slots, tokenizer_of(module)
    tool, other = tool_of(recovery, last), tool_of(recovery, "fetch")
    fields = {slots.role: recovery.author[slots.role], slots.channel: recovery.calls or recovery.channels[0]}
    begun = header_of(module, **fields, **{slots.recipient: other})
    source = f"{begun.replace(other, tool)}{recovery.opens[0]}{{}}{stop_of(module, None)}"
    for written in (source, source.replace(tool, tool.replace(" ", "_")), source.replace(last, last.swapcase())):
        found = module.recover(written, tools=[tool, other])
        assert [getattr(message, slots.recipient) for message in found.messages] == [tool]
        assert [each.code.name for each in found.diagnostics] == ["misspelt-recipient"]
        parser = module.StreamParser(tokenizer=tokenizer, tools=[tool, other])
        read(parser, tokens_of(module, written))
        assert parser.messages == found.messages
        assert module.from_json(module.to_json(found.messages)) == found.messages
        assert module.render_text(found.messages, style="as_parsed") == written
        report = module.validate(written, tools=[tool, other])
        assert not any(each.fix for each in report.diagnostics if each.code.name == "misspelt-recipient")
        with pytest.raises(RenderError, match="cannot be written"):
            module.render_text(found.messages)


@pytest.mark.parametrize("name", CALLING)
def test_a_function_is_no_tool_of_another_namespace(name: str) -> None:
    """Law 8: `functions.search` is not `browser.search`, also if no function is offered."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    if not recovery.definitions.functions:
        return
    fields = {slots.role: recovery.author[slots.role], slots.channel: recovery.calls or recovery.channels[0]}
    for last in ("search", "web_search"):
        written = tool_of(recovery, last)
        text = module.render_text([module.Message(content="{}", **fields, **{slots.recipient: written})])
        for offered in ("search", "find"):
            (message,) = module.recover(text, tools=[recovery.full_name("browser", offered)]).messages
            assert getattr(message, slots.recipient) == written
