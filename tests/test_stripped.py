"""Transcripts without their special tokens, in every style of every dialect, and hostile texts."""

from __future__ import annotations

from types import ModuleType
from typing import Any, get_args

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from harmony_spec import RenderError, recover
from harmony_spec.format.tables import ends_open

from .conftest import examples
from .recovery_strategies import VOCABULARY, tokens_of
from .test_dialect_laws import RECOVERING
from .test_dialects import codec_of, tokenizer_of

SPELLED = [name for name in RECOVERING if name not in ("role_tokens", "cohere")]
"""Dialects whose roles are words: of roles made of tokens, nothing is left."""

CONTENTS = ["Hi.", "One, two, three", '{"a": 1}', "Über uns", "1 + 1", "A\n\nB\n"]
"""Texts that spell no break: no role and no channel, and no small letter first."""


@st.composite
def spoken(draw: st.DrawFn, module: ModuleType, tools: list[str]) -> Any:
    """A message of the model, on a channel if there are channels; of a tool; or of another role."""
    recovery = module.FORMAT.recovery
    slots, model = recovery.slots, recovery.author[recovery.slots.role]
    values: dict[str, Any] = {slots.role: draw(st.sampled_from([*recovery.roles, model, model, recovery.tool]))}
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
    content = '{"a": 1}' if values.get(slots.content_type) else draw(st.sampled_from(CONTENTS))
    return module.Message(**values, content=content)


@pytest.mark.parametrize("name", SPELLED)
@examples(20)
@given(data=st.data())
def test_a_stripped_transcript_is_read(name: str, data: st.DataObject) -> None:
    """What is recovered without the special tokens equals the messages, whatever the style."""
    module = codec_of(name)
    recovery, format = module.FORMAT.recovery, module.FORMAT
    tools = [recovery.full_name(recovery.definitions.functions or "web", "search"), "python"]
    conversation = data.draw(st.lists(spoken(module, tools), min_size=1, max_size=4))
    try:
        text = module.render_text(conversation, style=data.draw(st.sampled_from(get_args(module.Style))))
    except RenderError:
        reject()
    bare = format.special_matcher.sub("", text)
    found = module.recover(bare, tools=tools, stripped=True, tokenizer=tokenizer_of(module))
    assert [str(message.content) for message in found.messages] == [message.content for message in conversation]
    assert found.messages == conversation
    assert {diagnostic.code.name for diagnostic in found.diagnostics} == {"stripped-tokens"}


@pytest.mark.parametrize("name", SPELLED)
@examples(20)
@given(data=st.data())
def test_a_stripped_prompt_keeps_its_open_header(name: str, data: st.DataObject) -> None:
    module = codec_of(name)
    starts = [start for start in module.FORMAT.starts if ends_open(module.FORMAT, start)]
    recovery, special = module.FORMAT.recovery, module.FORMAT.special_matcher
    tools = [recovery.full_name(recovery.definitions.functions or "web", "search"), "python"]
    conversation = data.draw(st.lists(spoken(module, tools), min_size=1, max_size=4))
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


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('tool web.searchÜber unssystem{"a": 1}', [("web.search", None, "Über uns"), (None, None, '{"a": 1}')]),
        (
            'assistant to=web.searchÜber unssystem{"a": 1}',
            [(None, "web.search", "Über uns"), (None, None, '{"a": 1}')],
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
        'commentary to=functions.f json{"q": [assistant',
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
