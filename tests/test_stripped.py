"""Transcripts without their special tokens, in every style of every dialect, and hostile texts."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any, get_args

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from harmony_spec import RenderError, recover
from harmony_spec.format.tables import ends_open

from .conftest import examples
from .recovery_strategies import VOCABULARY, tokens_of
from .test_dialect_laws import RECOVERING
from .test_dialect_laws import tokens_of as dialect_tokens
from .test_dialects import codec_of, tokenizer_of

SPELLED = [name for name in RECOVERING if name not in ("role_tokens", "cohere")]
"""Dialects whose roles are words: of roles made of tokens, nothing is left."""

CONTENTS = ["Hi.", "One, two, three", '{"a": 1}', "Über uns", "1 + 1", "A\n\nB\n"]
"""Texts that spell no break: no role and no channel, and no small letter first."""

ENDED = ["Hi.", '{"a": 1}', "Well?"]
"""Those of them after which any header may begin."""

ARGUMENTS = ['{"a": 1}', "{}", '{"q": "b, c."}']


def tools_of(module: ModuleType) -> list[str]:
    recovery = module.FORMAT.recovery
    return [recovery.full_name(recovery.definitions.functions or "web", "search"), "python"]


@st.composite
def spoken(draw: st.DrawFn, module: ModuleType, role: str | None = None) -> Any:
    """A message of the model, on a channel if there are channels; of a tool; or of another role."""
    recovery, tools = module.FORMAT.recovery, tools_of(module)
    slots, model = recovery.slots, recovery.author[recovery.slots.role]
    values: dict[str, Any] = {slots.role: role or draw(st.sampled_from([*recovery.roles, model, model, recovery.tool]))}
    if values[slots.role] == recovery.tool:
        values |= {slots.name: draw(st.sampled_from(tools)), slots.recipient: model if slots.channel else None}
    elif values[slots.role] == model:
        recipients = recovery.recipients or (None, None, *tools)
        values[slots.recipient] = draw(st.sampled_from([*recipients, *tools]))
        if slots.content_type:
            values[slots.content_type] = draw(st.sampled_from([None, *recovery.content_types]))
    if slots.channel and values[slots.role] in (model, recovery.tool):
        values[slots.channel] = draw(st.sampled_from(recovery.channels))
    values.pop("", None)
    message = module.Message(**values, content="")
    has_arguments = values.get(slots.content_type) or is_call(module, message)
    return replace(message, content=draw(st.sampled_from(ARGUMENTS if has_arguments else CONTENTS)))


def is_call(module: ModuleType, message: Any) -> bool:
    slots = module.FORMAT.recovery.slots
    is_result = getattr(message, slots.role) == module.FORMAT.recovery.tool
    return not is_result and getattr(message, slots.recipient) in tools_of(module)


@st.composite
def conversations(draw: st.DrawFn, module: ModuleType) -> list[Any]:
    """Messages of which a text only ends in a letter or in white space if the header after it allows this."""
    slots = module.FORMAT.recovery.slots
    messages = draw(st.lists(spoken(module), min_size=1, max_size=4))
    for number, message in enumerate(messages):
        after = None if number + 1 == len(messages) else messages[number + 1]
        is_free = after and getattr(after, slots.channel or slots.recipient) and not is_call(module, after)
        if (message.content[-1].isalnum() or message.content[-1].isspace()) and not is_free:
            messages[number] = replace(message, content=draw(st.sampled_from(ENDED)))
    return messages


def bare_text(module: ModuleType, conversation: list[Any], **options: Any) -> str:
    try:
        text = module.render_text(conversation, **options)
    except RenderError:
        reject()
    return str(module.FORMAT.special_matcher.sub("", text))


@pytest.mark.parametrize("name", SPELLED)
@examples(20)
@given(data=st.data())
def test_a_stripped_transcript_is_read(name: str, data: st.DataObject) -> None:
    """What is recovered without the special tokens equals the messages, whatever the style."""
    module = codec_of(name)
    conversation = data.draw(conversations(module))
    bare = bare_text(module, conversation, style=data.draw(st.sampled_from(get_args(module.Style))))
    found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert [str(message.content) for message in found.messages] == [message.content for message in conversation]
    assert found.messages == conversation
    assert {diagnostic.code.name for diagnostic in found.diagnostics} == {"stripped-tokens"}


@pytest.mark.parametrize("name", SPELLED)
@examples(20)
@given(data=st.data())
def test_a_stripped_prompt_keeps_its_open_header(name: str, data: st.DataObject) -> None:
    module = codec_of(name)
    starts = [start for start in module.FORMAT.starts if ends_open(module.FORMAT, start)]
    special, tools = module.FORMAT.special_matcher, tools_of(module)
    conversation = data.draw(conversations(module))
    for start in starts:
        try:
            prompt = module.render_text(conversation, start, style=data.draw(st.sampled_from(get_args(module.Style))))
        except RenderError:
            reject()
        strict = module.parse(prompt, start, tokenizer=tokenizer_of(module))
        found = module.recover(
            special.sub("", prompt), start, tools=tools, stripped=True, tokenizer=tokenizer_of(module)
        )
        assert found.opening == strict.opening
        assert found.messages == conversation


USERS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {"userId": {"type": "string"}, "toolUser": {"description": "The user.\nuser:"}},
    },
    {"type": "object", "properties": {"userId": {"type": "string"}}},
    {"type": "object", "properties": {f"userName{number}": {"type": "string"} for number in range(20)}},
]
"""Schemas with names that begin and end with roles."""


@pytest.mark.parametrize("name", [name for name in SPELLED if hasattr(codec_of(name), "Tool")])
@examples(20)
@given(data=st.data())
def test_a_stripped_structure_ends_where_nothing_can_follow_it(name: str, data: st.DataObject) -> None:
    """After the last tool, which ends in its namespace, any text of a user may come; and no role is inside of tools."""
    module = codec_of(name)
    words = data.draw(st.sampled_from([["get_user", "user", "System"], ["get"]]))
    tools = [module.Tool(word, "Finds the user.\nsystemUser: id", data.draw(st.sampled_from(USERS))) for word in words]
    namespace = module.Namespace(data.draw(st.sampled_from(["functions", "web", "user"])), tools=tools)
    contents = {
        "system": module.SystemContent(tools=data.draw(st.sampled_from([[], [namespace]]))),
        "developer": module.DeveloperContent(data.draw(st.sampled_from([None, "Be brief."])), [namespace]),
    }
    roles = data.draw(st.lists(st.sampled_from([*contents]), min_size=1, max_size=2, unique=True))
    question = data.draw(st.sampled_from(["weather in Oslo?", *CONTENTS]))
    slots = module.FORMAT.recovery.slots
    answer = {slots.channel: module.FORMAT.recovery.answers} if slots.channel else {}
    conversation = [
        *(module.Message(role, contents[role]) for role in roles),
        module.Message("user", question),
        module.Message("assistant", "Hi.", **answer),
    ]
    conversation = module.parse(module.render_text(conversation)).messages
    is_asked = data.draw(st.booleans())  # else the model answers the developer, and no question is inside of the tools
    conversation = [message for message in conversation if is_asked or message.role != "user"]
    bare = bare_text(module, conversation)
    found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert [str(message.content) for message in found.messages] == [str(message.content) for message in conversation]
    assert found.messages == conversation


QUESTIONS = ["weather in Oslo?", "and tomorrow", "= 4?", "A user asks.", "Hi.", "über uns"]


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.kinds])
@examples(20)
@given(data=st.data())
def test_a_question_is_found_between_two_answers(name: str, data: st.DataObject) -> None:
    """Whatever ends the answer and begins the question: no answer follows another one."""
    module = codec_of(name)
    kinds = module.FORMAT.kinds
    messages = {kind: drawn(module, kind, data) for kind in ("answer", *kinds["answer"].then)}
    for kind in kinds["answer"].then:
        if "answer" in kinds[kind].then and not messages[kind].recipient:
            conversation = [messages[kind], messages["answer"]] * data.draw(st.integers(2, 3))
            bare = bare_text(module, conversation)
            found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
            assert [str(message.content) for message in found.messages] == [
                str(message.content) for message in conversation
            ]
            assert found.messages == conversation


ROLE_IN_PROSE = [
    *("The super{} is full.", "Two super{}s, or {}s.", "The super{}, of course.", "It is the super{}.", "A super{}"),
    *("See /home/{}/docs.", 'The "{}" role.', "The ({}) role.", "It is <{}>.", "It is @{}.", "A super-{} did it."),
    *(
        'Send {{"role": "{}", "content": "x"}}.',
        "Set x_{} = 1.",
        "The `super{}` may.",
        "The super{}'s files.",
        "Not super{}\nand so on.",
    ),
    *("See:\n```python\nsuper{}=1\n```\n", "See:\n```\n{}: hi\n```\n", "See:\n````\n```\n{}: hi\n```\n````\n"),
    *("multi\n{} mode", "1. Do:\n   ```\n   x\n{}: hi\n   ```\n"),
]
"""Texts with one place at least where a role is a part of a sentence or of code."""


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.kinds])
@examples(50)
@given(data=st.data())
def test_no_question_between_two_answers_is_a_part_of_a_sentence(name: str, data: st.DataObject) -> None:
    """The text of the model, or of the developer, does not become the question that is missing."""
    module = codec_of(name)
    recovery, kinds = module.FORMAT.recovery, module.FORMAT.kinds
    kind = data.draw(st.sampled_from([kind for kind in kinds if kind in ("answer", "system", "developer")]))
    text = data.draw(st.sampled_from(ROLE_IN_PROSE)).format(*[data.draw(st.sampled_from(recovery.roles))] * 2)
    conversation = [replace(drawn(module, kind, data), content=text), drawn(module, "answer", data)]
    bare = bare_text(module, conversation)
    found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert [str(message.content) for message in found.messages] == [str(message.content) for message in conversation]
    assert found.messages == conversation


def drawn(module: ModuleType, kind: str, data: st.DataObject) -> Any:
    """A message of a kind, whose content may end and begin with any character."""
    fields = {name: value for name, value in module.FORMAT.kinds[kind].when if isinstance(value, str)}
    texts = [*CONTENTS, "It is 4", "- item"] if kind == "answer" else QUESTIONS
    return module.Message(**fields, content=data.draw(st.sampled_from(texts)))


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.recovery.slots.channel])
@given(data=st.data())
def test_a_text_that_an_answer_needs_to_end_may_end_anywhere(name: str, data: st.DataObject) -> None:
    """What a user wrote, in a transcript, and thoughts that a budget ended (vLLM); the answer must begin a sentence."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    model, others = (
        recovery.author[slots.role],
        [role for role in recovery.roles if role != recovery.author[slots.role]],
    )
    thoughts, answer = ({slots.role: model, slots.channel: each} for each in (recovery.thoughts, recovery.answers))
    author = data.draw(st.sampled_from([*({slots.role: role} for role in others), thoughts]))
    text = data.draw(st.sampled_from(["Hi there ", "See x; ", "The products:\t", "1) ", "- a, b  "]))
    reply = data.draw(st.sampled_from(["Done.", "# It\n\nis", "**Yes.**", "Über uns", "はい。"]))
    conversation = [module.Message(**author, content=text), module.Message(**answer, content=reply)]
    bare, start = bare_text(module, conversation), "transcript"
    header = bare_text(module, conversation[1:]).removesuffix(reply)
    assume(len(header.split()) == 1)
    if author == thoughts:
        bare, start = bare.removeprefix(model), "completion"
    found = module.recover(bare, start, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert found.messages == conversation
    for both in (f"{text}{header}A, {header}{reply}", f"{text}{header}a"):  # in doubt, a text
        bare = bare_text(module, [module.Message(**author, content=both)])
        found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
        assert [str(message.content).endswith(both) for message in found.messages] == [True]


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.recovery.slots.channel])
@given(data=st.data())
def test_the_first_message_of_a_completion_may_have_lost_its_tokens_alone(name: str, data: st.DataObject) -> None:
    """Its stop token is left, and the next message has all of its tokens; a colon may come after the channel."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    model = recovery.author[slots.role]
    channels = data.draw(st.tuples(st.sampled_from(recovery.channels), st.sampled_from(recovery.channels)))
    conversation = [
        module.Message(**{slots.role: model, slots.channel: channel}, content=data.draw(st.sampled_from(CONTENTS)))
        for channel in channels
    ]
    content, label = conversation[0].content, data.draw(st.sampled_from(["", ":", ": "]))
    header = bare_text(module, conversation[:1]).removeprefix(model).removesuffix(content)
    stop = next(token for token, kind in recovery.closes.items() if kind is None)
    text = header + label + content + stop + module.render_text(conversation[1:])
    for source in (text, dialect_tokens(module, text)):
        found = module.recover(source, "completion", stripped=True, tokenizer=tokenizer)
        assert [str(message.content) for message in found.messages] == [message.content for message in conversation]
        assert found.messages == conversation
        assert {diagnostic.code.name for diagnostic in found.diagnostics} == {"stripped-tokens"}


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.recovery.slots.channel])
@given(data=st.data())
def test_a_stop_token_in_place_of_the_one_that_opens_the_content_keeps_the_arguments(
    name: str, data: st.DataObject
) -> None:
    """Also if messages before it may have lost their tokens."""
    module, tokenizer, (tool, *_) = codec_of(name), tokenizer_of(codec_of(name)), tools_of(codec_of(name))
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    call = {slots.role: recovery.author[slots.role], slots.channel: recovery.calls or recovery.channels[0]}
    header = bare_text(module, [module.Message(**call, **{slots.recipient: tool}, content="{}")]).removesuffix("{}")
    header = data.draw(st.sampled_from(["", "Hi."])) + header
    stops = list(recovery.closes)
    opener = data.draw(st.sampled_from(["", recovery.opens[0]]))
    text = f'{header}{data.draw(st.sampled_from(stops))}{opener}{{"a": 1}}{stops[0]}'
    for source in (text, dialect_tokens(module, text)):
        found = module.recover(source, "completion", tools=[tool], stripped=True, tokenizer=tokenizer)
        assert found.messages == module.recover(source, "completion", tools=[tool], tokenizer=tokenizer).messages
        assert str(found.messages[-1].content) == '{"a": 1}'
        assert not any(getattr(message, slots.recipient) and not str(message.content) for message in found.messages)


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.recovery.slots.channel])
@given(data=st.data())
def test_a_channel_is_not_called(name: str, data: st.DataObject) -> None:
    """Also where the text that introduces a recipient comes before it: `assistantanalysis to=final code네`."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    model, (_, tool) = recovery.author[slots.role], tools_of(module)
    channel, other = (data.draw(st.sampled_from(recovery.channels)) for _ in range(2))
    call = module.Message(**{slots.role: model, slots.channel: channel, slots.recipient: tool}, content="{}")
    asked = next(role for role in recovery.roles if role != model)
    bare = bare_text(module, [module.Message(**{slots.role: asked}, content="Hi."), call])
    assume(bare.count(tool) == 1)
    tools = data.draw(st.sampled_from([None, [tool]]))
    found = module.recover(bare.replace(tool, other), tools=tools, stripped=True, tokenizer=tokenizer_of(module))
    assert not any(getattr(message, slots.recipient) for message in found.messages)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('tool web.searchÜber uns.system{"a": 1}', [("web.search", None, "Über uns."), (None, None, '{"a": 1}')]),
        (
            'assistant to=web.searchÜber uns.system{"a": 1}',
            [(None, "web.search", "Über uns."), (None, None, '{"a": 1}')],
        ),
    ],
)
def test_text_before_a_brace_ends_the_name_of_a_tool(
    source: str, expected: list[tuple[str | None, str | None, str]]
) -> None:
    """Only in a call, and only with a content type before the brace, the name of an offered tool goes on there."""
    module = codec_of("muse_glimmer")
    found = module.recover(source, tools=["web.search"], stripped=True, tokenizer=tokenizer_of(module))
    assert [(message.name, message.recipient, str(message.content)) for message in found.messages] == expected


@pytest.mark.parametrize("before", ["assistantfinal", "analysisWe. ", "One ", "assistantfinalHi.<|end|>"])
@pytest.mark.parametrize("after", [" it", "assistantfinalHi."])
def test_invalid_text_is_reported(before: str, after: str) -> None:
    (byte,) = (token for token in range(256) if VOCABULARY.decode_bytes([token]) == b"\x80")
    for source in (f"{before}\udc80{after}", [*tokens_of(before), byte, *tokens_of(after)]):
        found = recover(source, stripped=True)
        codes = {diagnostic.code.name for diagnostic in found.diagnostics}
        assert codes & {"invalid-text", "text-between-messages"}


def test_arguments_hold_no_header_after_others_that_have_no_end() -> None:
    cut, page = (
        'commentary to=functions.f json{"q": [1assistant',
        '{"page": "See: assistantcommentary to=functions.g json{}"}',
    )
    text = cut * 10 + f"commentary to=functions.f json{page}assistantfinalDone."
    found = recover(text, "completion", tools=["functions.f", "functions.g"], stripped=True)
    assert [message.recipient for message in found.messages] == ["functions.f"] * 11 + [None]


def test_damage_is_reported_for_each_message() -> None:
    """As in an input that has its special tokens."""
    text = "analysisA \ud800 b.assistantfinalC \udfff d."
    found = recover(text, "completion", stripped=True)
    damage = [diagnostic for diagnostic in found.diagnostics if diagnostic.code.name == "invalid-text"]
    assert [text[each.span.start : each.span.end] for each in damage] == ["\ud800", "\udfff"]
    assert [each.index for each in damage] == [0, 1]
