"""Texts that speak of headers, in outputs without their special tokens: quoted, marked up, in a word or a sentence."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from .conftest import examples
from .test_dialects import codec_of, tokenizer_of
from .test_stripped import SPELLED, bare_text, is_call, spoken, tools_of

AROUND = [
    *(
        "It is “{}”.",
        "It is “ {} ”.",
        "It is ‘{}’.",
        "It is «{}».",
        "Es ist „{}“.",
        "それは「{}」。",
        "It’s ”{}”.",
        "Say 「{}」.",
    ),
    *("Use '{}'.", 'Use "{}".', "Use `{}`.", "Use ``{}``.", "Use *{}*.", "Use **{}**.", "Use _{}_.", "Use ~~{}~~."),
    *("We see ({}).", "We see [{}].", "We see <code>{}</code>.", "We see <!-- {} -->.", "We see {{{}}}."),
    *('We read {{"x":"{}"}}.', 'We read {{\\"x\\":\\"{}\\"}}.', "We read x={}.", "We read \\{}."),
    *("Run:\n```\n{}\n```\n", "Run:\n```text\nHi.\n{}\n```\nWell.", "Run:\n~~~\n{}\n~~~\n", "Run ```{}``` now."),
    *("Run:\n````\n```\nHi.\n{}\n```\n````\nWell.", "1. Run:\n   ```\n   Hi.\n   {}\n   ```\nWell."),
    *(
        "List:\n- {}\n- more.",
        "List:\n- {}\n",
        "List:\n> {}\n",
        "List:\n1. {}\n",
        "List:\n# {}\n",
        "List:\n| {} | b |\n",
    ),
    *("List:\n    {}\n", "List:\n$ echo {}\n", "List:\n* **{}**\n", "List:\n# see {}\n", "List:\n\t{}\nwas read."),
]
"""Texts that quote a header, or mark it up."""

CALLED_IN = [
    "Never write {}.",
    "The log: {}.",
    "Well. {}.",
    "Well.\n{}.",
    "Well.{}.",
    "The log:\n{}.",
    "We wrote {} now.",
]
"""Where a sentence has the header of a call."""

GOING_ON = [
    *(
        ". It deletes.",
        " It deletes.",
        ", please.",
        "\nWas read.",
        "\n\nwas read.",
        " -> here.",
        " (see?)",
        " # see.",
        " 3 times.",
    ),
    *(
        " is bad.",
        " = bad.",
        ": bad.",
        "; bad.",
        "!",
        "?",
        " – bad.",
        " 你好。",
        " ← here.",
        '" is it.',
        " | b |\n",
        " <b> is.",
    ),
]
"""How it goes on."""

NAMED_IN = [
    *(
        "See {}izer for it.",
        "See {}, and more.",
        "See http://x.y/{}/z.",
        "See <{}>x.",
        "See @{}.",
        "We use {} as a key.",
    ),
    *("Set x = {}(3).", "Set snake_{} here.", "Set kebab-{} here.", "See A&{}.", "(It is {})", "Well. {} is a key."),
]
"""Where a sentence has another header."""

IN_WORDS = [
    *("Run file{}Check().", "See eco{}X.", "See web{}Foo.", "See @{}Name.", "See _{}Id.", "See ${}Id.", "See -{}Id."),
    *(
        "See C:\\{}Data.",
        "Tag #{}Story.",
        "See /{}/A.",
        "See <{}Name>.",
        "See 3{}Name.",
        "See my {}Name.",
        "See ({}Name).",
    ),
    *("See file{}:Check.", "See @{}:Name."),
]
"""Words with a role in them."""


@st.composite
def prose(draw: st.DrawFn, module: ModuleType) -> str:
    """A text with a header in it: quoted, marked up, or in a sentence."""
    recovery = module.FORMAT.recovery
    model = recovery.author[recovery.slots.role]
    message = draw(spoken(module, model))
    called = is_call(module, message)
    header = bare_text(module, [message])
    if not called or draw(st.booleans()):
        header = header.removesuffix(message.content)
    if not called:
        assume(recovery.slots.channel)  # else, the header is the name of the role
        return draw(st.sampled_from([*AROUND, *NAMED_IN])).format(header)
    if draw(st.booleans()):
        return draw(st.sampled_from(AROUND)).format(header)
    return draw(st.sampled_from(CALLED_IN)).format(header).removesuffix(".") + draw(st.sampled_from(GOING_ON))


@pytest.mark.parametrize("name", SPELLED)
@examples(50)
@given(data=st.data())
def test_a_text_about_a_header_is_text(name: str, data: st.DataObject) -> None:
    """In the thoughts of a model, and in the message of a user: no header and no call begins there."""
    module = codec_of(name)
    recovery, text = module.FORMAT.recovery, data.draw(prose(module))
    slots, model = recovery.slots, recovery.author[recovery.slots.role]
    answer, authors = {slots.role: model}, [{slots.role: role} for role in recovery.roles if role != model]
    if slots.channel:
        answer[slots.channel] = recovery.answers
        authors.append({slots.role: model, slots.channel: recovery.thoughts})
    author = data.draw(st.sampled_from(authors))
    conversation = [module.Message(**author, content=text), module.Message(**answer, content="Yes.")]
    bare = bare_text(module, conversation)
    found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert [str(message.content) for message in found.messages] == [text, "Yes."]
    assert found.messages == conversation


@pytest.mark.parametrize("name", [name for name in SPELLED if codec_of(name).FORMAT.recovery.slots.channel])
@given(data=st.data())
def test_an_answer_ends_a_completion(name: str, data: st.DataObject) -> None:
    """No header begins in its text, whatever is around that."""
    module = codec_of(name)
    recovery, header = module.FORMAT.recovery, bare_text(module, [data.draw(spoken(module))])
    model = recovery.author[recovery.slots.role]
    text = data.draw(st.sampled_from([*AROUND, *CALLED_IN, *NAMED_IN, "Well.{}"])).format(header)
    answer = {recovery.slots.role: model, recovery.slots.channel: recovery.answers}
    bare = bare_text(module, [module.Message(**answer, content=text)]).removeprefix(model)
    found = module.recover(bare, "completion", tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert [str(message.content) for message in found.messages] == [text]


@pytest.mark.parametrize("name", SPELLED)
@given(data=st.data())
def test_a_role_in_a_word_is_text(name: str, data: st.DataObject) -> None:
    """A text gets no other authority by a word in it."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots, model = recovery.slots, recovery.author[recovery.slots.role]
    text = data.draw(st.sampled_from(IN_WORDS)).format(data.draw(st.sampled_from(recovery.roles)))
    role = data.draw(st.sampled_from([role for role in recovery.roles if role != model]))
    answer = {slots.role: model} | ({slots.channel: recovery.answers} if slots.channel else {})
    asked = [module.Message(**{slots.role: each}, content="Is it?") for each in recovery.roles if each != model]
    conversation = [module.Message(**{slots.role: role}, content=text), module.Message(**answer, content="Yes.")]
    kinds, (before, last) = module.FORMAT.kinds, map(module.FORMAT.kind_of, conversation)
    if before and last not in kinds[before].then:  # else, the role in the word would be that of the missing question
        between = ((each, module.FORMAT.kind_of(each)) for each in asked)
        conversation[1:1] = [each for each, kind in between if kind and last in kinds[kind].then][:1]
    bare = bare_text(module, conversation)
    found = module.recover(bare, tools=tools_of(module), stripped=True, tokenizer=tokenizer_of(module))
    assert found.messages == conversation
