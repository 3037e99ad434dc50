"""Law 7 for names that begin or end with a known name and are other names, in every dialect with recovery."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harmony_spec import RenderError, StreamParser, codec, recover

from .conftest import examples
from .recovery_strategies import tokens_of
from .test_dialect_laws import RECOVERING
from .test_dialects import codec_of
from .test_recovery import tiles
from .test_stripped import tools_of
from .test_uncertain_calls import CALLING, stop_of

NAMING = [name for name in RECOVERING if codec_of(name).FORMAT.recovery.slots.name]
JOINTS = ("_", "-", ".", "/", "")
TOOLS = [
    *("final", "json", "user", "functions.final", "functions.json", "functions.channel", "functions.to"),
    *("functions.analysis", "functions.é"),
]
SIGNS = [
    *(
        "<|start|>",
        "<|channel|>",
        "<|constrain|>",
        "<|message|>",
        "<|end|>",
        "<|call|>",
        " ",
        "\n",
        " to=",
        "assistant",
    ),
    *(
        '"',
        "'",
        ":",
        '":"',
        "{",
        "}",
        ">",
        "<",
        "|",
        "=",
        ",",
        ".",
        "(",
        "tool:",
        "channel",
        "role",
        "type",
        "1",
        "\u200b",
    ),
    *("final", "json", "user", "to", "é", "functions."),
]
PARTS = ("lookup", "Runner", "été", "名前を取る", "x7")


@st.composite
def other_names(draw: st.DrawFn, module: ModuleType) -> str:
    """A word with a known name at one of its ends; letters that touch it are not of its alphabet."""
    recovery = module.FORMAT.recovery
    known = (*recovery.roles, *recovery.channels, *recovery.content_types, recovery.tool, "web")
    joint = draw(st.sampled_from(JOINTS))
    part = draw(st.sampled_from(PARTS if joint else PARTS[2:4]))
    name = draw(st.sampled_from([name for name in known if name]))
    return f"{name}{joint}{part}" if draw(st.booleans()) else f"{part}{joint}{name}"


@pytest.mark.parametrize("name", NAMING)
@examples(60)
@given(data=st.data())
def test_a_tool_may_have_any_other_name(name: str, data: st.DataObject) -> None:
    """As the author and as the recipient, whatever tools are offered."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots, model, tool = recovery.slots, recovery.author[recovery.slots.role], data.draw(other_names(module))
    channel = data.draw(st.sampled_from([None, *recovery.channels]))
    kind = data.draw(st.sampled_from([None, *recovery.content_types]))
    answer = {slots.role: recovery.tool, slots.name: tool, slots.recipient: data.draw(st.sampled_from([None, model]))}
    call = {slots.role: model, slots.recipient: tool}
    fields = data.draw(st.sampled_from([answer, call])) | {slots.channel: channel, slots.content_type: kind}
    fields = {field: value for field, value in fields.items() if field and value}
    try:
        text = module.render_text([module.Message(content="{}", **fields)])
    except RenderError:  # not a name in this dialect
        return
    strict = module.parse(text).messages
    assume(f"{recovery.tool} {recovery.tool}" not in text)  # `tool tool-runner`, where each tool has its role before it
    assume(strict[0].role == fields[slots.role])
    tools = data.draw(st.sampled_from([None, [], ["functions.get_weather", "python"], [tool]]))
    assert module.recover(text, tools=tools).messages == strict


@pytest.mark.parametrize("name", NAMING)
def test_a_tool_in_a_namespace_is_nobody_else_whom_messages_address(name: str) -> None:
    """`lookup.user` is not `user`."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots = recovery.slots
    for addressed in (*recovery.recipients, *recovery.roles):
        fields = {slots.role: recovery.author[slots.role], slots.recipient: f"lookup{recovery.separator}{addressed}"}
        try:
            text = module.render_text([module.Message(content="{}", **fields)])
        except RenderError:  # not a name in this dialect
            continue
        for tools in (None, [], ["functions.get_weather", "python"]):
            assert module.recover(text, tools=tools).messages == module.parse(text).messages, text


@pytest.mark.parametrize("name", CALLING)
@examples(60)
@given(data=st.data())
def test_a_tool_that_answers_is_not_left_out_for_a_call(name: str, data: st.DataObject) -> None:
    """Law 8: what the grammar describes as the result of a tool does not call the one that is its author or has the
    place of its channel, whatever its recipient is."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots, tool = recovery.slots, recovery.full_name(recovery.definitions.functions or "web", "search")
    other = data.draw(st.sampled_from(["alice", "web/search", "user_lookup", "tool-runner", "été"]))
    channel = data.draw(st.sampled_from([None, tool, *recovery.channels]))
    recipient = data.draw(st.sampled_from([None, f"{tool}_it(x)", f"{tool}_it?", other]))
    fields = {slots.role: recovery.tool, slots.name: data.draw(st.sampled_from([tool, other]))}
    fields |= {slots.channel: channel, slots.recipient: recipient}
    fields = {field: value for field, value in fields.items() if field and value}
    try:
        text = module.render_text([module.Message(content="{}", **fields)])
    except RenderError:  # not a name in this dialect
        return
    assume([getattr(each, slots.role) for each in module.parse(text).messages] == [recovery.tool])
    (message,) = module.recover(text, tools=data.draw(st.sampled_from([None, [tool]]))).messages
    assert message.role == recovery.tool or getattr(message, slots.recipient) != tool


@pytest.mark.parametrize("name", NAMING)
def test_a_text_that_begins_like_a_role_is_a_text(name: str) -> None:
    """If it goes on in small letters, after the token that begins a message."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    for role in recovery.roles:
        for text in (f"{role}ish as it is", f"{role.capitalize()}ish as it is"):
            found = module.recover(f"{recovery.begins}{text}{stop_of(module, None)}")
            assert [message.content for message in found.messages] == [text]


@examples(600)
@given(
    st.lists(st.sampled_from(SIGNS), max_size=14).map("".join),
    st.sampled_from(["completion", "transcript", "prompt"]),
    st.lists(st.sampled_from(TOOLS), min_size=1, max_size=3, unique=True),
)
@example('|channel:"final>', "completion", ["final"])
def test_tools_with_the_names_of_the_format_break_no_law(source: str, start: codec.Start, tools: list[str]) -> None:
    """Laws 3 to 5: an offered tool may be named like a channel, a content type, a role or a field."""
    found = recover(source, start, tools=tools)
    assert tiles(found, len(source))
    parser = StreamParser(start, tools=tools)
    for token in tokens_of(source):
        parser.feed(token)
    parser.close()
    assert parser.messages == recover(tokens_of(source), start, tools=tools).messages


@pytest.mark.parametrize("name", [name for name in CALLING if codec_of(name).FORMAT.recovery.slots.channel])
def test_a_name_of_the_format_that_nothing_introduces_is_no_tool(name: str) -> None:
    """Law 8: also if an offered tool has this name; a channel or a role is written twice, or in a wrong place."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    for word in (*recovery.channels, *(() if name == "role_tokens" else recovery.roles)):  # tokens spell those
        tools = [word, recovery.full_name(recovery.definitions.functions or "web", word)]
        for channel in recovery.channels:
            text = module.render_text([module.Message(**recovery.author, **{slots.channel: channel}, content="Hm.")])
            for opener in filter(text.__contains__, recovery.opens):
                for tool in tools:
                    found = module.recover(text.replace(opener, f" {word}{opener}", 1), tools=[tool])
                    assert not any(message.recipient for message in found.messages), (text, word, tool)


@pytest.mark.parametrize("name", CALLING)
def test_a_list_that_begins_with_a_role_calls_nothing(name: str) -> None:
    """Law 8: the first of a list counts, and a role is not a tool, in one word and in two."""
    module = codec_of(name)
    recovery, (_, tool) = module.FORMAT.recovery, tools_of(module)
    values = recovery.author | {recovery.slots.recipient: tool}
    values |= {recovery.slots.channel: recovery.channels[0]} if recovery.slots.channel else {}
    text = module.render_text([module.Message(**values, content="{}")])
    for role in dict.fromkeys((*recovery.recipients, *recovery.roles)):
        for sign in (",", ":", ";", "|", "+", ", ", " "):
            (message,) = module.recover(text.replace(tool, f"{role}{sign}{tool}", 1), tools=[tool]).messages
            assert getattr(message, recovery.slots.recipient) in (None, role), (role, sign)


@pytest.mark.parametrize(
    "text",
    [
        "<||channel|f|>analysis<||message||>Hm.<||end||><||start||>assistant<||channel||>final<||message||>Hel<||r|>",
        '<|_channel_|>an:alysis<|_message_|>Hm.<||>{"city":"Oslo"}<_|><|_start_|>assistant<|_channel_|>final<|_message_|>Hi.',
    ],
)
def test_misspelt_tokens_are_read_alike_in_texts_and_ids(text: str) -> None:
    """The last id may complete a misspelt token that the text before it does not have."""
    for tools in (None, ["functions.channel"]):
        found = recover(text, "completion", tools=tools)
        assert found.messages == recover(tokens_of(text), "completion", tools=tools).messages
