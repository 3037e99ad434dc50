"""Law 7 for names that begin or end with a known name and are other names, in every dialect with recovery."""

from __future__ import annotations

from itertools import product
from types import ModuleType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmony_spec import RenderError
from harmony_spec.recovery.header_automaton import automaton_of

from .conftest import examples
from .test_dialect_laws import RECOVERING, assert_tiles, tokens_of
from .test_dialects import codec_of, tokenizer_of
from .test_stripped import tools_of
from .test_uncertain_calls import CALLING, stop_of

NAMING = [name for name in RECOVERING if codec_of(name).FORMAT.recovery.slots.name]
JOINTS = ("_", "-", ".", "/", "")
SIGNS = [" ", "\n", '"', "'", ":", '":"', "{", "}", ">", "<", "|", "=", ",", ".", "(", "1", "\u200b", "Hi", "é"]
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


@pytest.mark.parametrize("name", RECOVERING)
@examples(40)
@given(data=st.data())
def test_tools_with_the_names_of_the_format_break_no_law(name: str, data: st.DataObject) -> None:
    """Laws 3 to 5: an offered tool may be named like a channel, a content type, a role or a field."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    recovery = module.FORMAT.recovery
    names = [
        *filter(None, (*recovery.roles, *recovery.channels, *recovery.content_types)),
        *module.FORMAT.header_fields,
    ]
    tools = [*names, *(recovery.full_name(recovery.definitions.functions or "web", each) for each in names)]
    leads = [label for label in automaton_of(module.FORMAT).introduces if len(label) > 1]
    units = [*module.FORMAT.markers, *names, *leads, *SIGNS, *SIGNS]
    drawn = data.draw(st.lists(st.sampled_from(units), max_size=14)) or ["|", names[-1], ':"', names[0], ">"]
    source, start = "".join(drawn), data.draw(st.sampled_from([*module.FORMAT.starts]))
    offered = data.draw(st.lists(st.sampled_from(tools), max_size=3, unique=True))
    found = module.recover(source, start, tools=offered, tokenizer=tokenizer)
    assert_tiles(sorted([*found.spans, *found.gaps]), source)
    ids = tokens_of(module, source)
    parser = module.StreamParser(start, tools=offered, tokenizer=tokenizer)
    for token in ids:
        parser.feed(token)
    parser.close()
    of_ids = module.recover(ids, start, tools=offered, tokenizer=tokenizer).messages
    assert parser.messages == of_ids
    assert of_ids == found.messages or source.endswith("\n")  # a text may end in a line break that is not its own


@pytest.mark.parametrize("name", RECOVERING)
def test_a_known_value_after_the_name_of_a_field_raises_nothing(name: str) -> None:
    """`|channel:"final>`, where `final` is also an offered tool."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    values = [*filter(None, (*recovery.roles, *recovery.channels, *recovery.content_types))]
    for field, value in product(module.FORMAT.header_fields, values):
        for tools in ([value], [recovery.full_name("functions", value)]):
            found = module.recover(f'|{field}:"{value}>', "transcript", tools=tools, tokenizer=tokenizer_of(module))
            assert found.messages or found.gaps


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
    """Law 8: the first of a list is addressed, and a role is not a tool, in one word and in two."""
    module = codec_of(name)
    recovery, (_, tool) = module.FORMAT.recovery, tools_of(module)
    values = recovery.author | {recovery.slots.recipient: tool}
    values |= {recovery.slots.channel: recovery.channels[0]} if recovery.slots.channel else {}
    text = module.render_text([module.Message(**values, content="{}")])
    for role in dict.fromkeys((*recovery.recipients, *recovery.roles)):
        for sign in (",", ":", ";", "|", "+", ", ", " "):
            (message,) = module.recover(text.replace(tool, f"{role}{sign}{tool}", 1), tools=[tool]).messages
            assert getattr(message, recovery.slots.recipient) in (None, role), (role, sign)


@pytest.mark.parametrize("name", RECOVERING)
def test_misspelt_tokens_are_read_alike_in_texts_and_ids(name: str) -> None:
    """The last id may complete a misspelt token that the text before it does not have."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    header = "<{0}channel{0}>an:alysis<{0}message{0}>Hm.<{1}end{0}>"
    text = f"{header}<{{0}}start{{0}}>assistant<{{0}}channel{{0}}>final<{{0}}message{{0}}>Hel"
    for inner, end, tools in product(("||", "|_", "_|", "|"), ("||", "", "|functions."), (None, ["functions.channel"])):
        source = text.format(inner, end)
        found = [
            module.recover(each, "completion", tools=tools, tokenizer=tokenizer).messages
            for each in (source, tokens_of(module, source))
        ]
        assert found[0] == found[1], source
