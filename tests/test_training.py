"""Training: which tokens are trained on, that they follow the prompts of the model, and the marks of the template."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import compress, pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from harmony_spec import (
    Message,
    RenderError,
    SystemContent,
    Training,
    codec,
    count_tokens,
    decode,
    drop_analysis,
    parse,
    render,
    render_text,
    render_training,
)
from harmony_spec.adapters import from_chat

from . import dialect, peer
from .chat_strategies import randoms
from .chat_template import TODAY, function, render_marked
from .conftest import examples
from .conversation_strategies import transcript
from .strategies import conversations, messages_of
from .test_chat import template_chats
from .test_dialects import codec_of, tokenizer_of

USER = Message("user", "Hi.")
CALL = Message("assistant", "{}", channel="commentary", recipient="functions.f", content_type="json")
RESULT = Message("tool", "3", name="functions.f", recipient="assistant", channel="commentary")
PREAMBLE = Message("assistant", "I look.", channel="commentary")


def thought(text: str) -> Message:
    return Message("assistant", text, channel="analysis")


def answer(text: str) -> Message:
    return Message("assistant", text, channel="final")


def shown(training: Training) -> str:
    """The text, with brackets around what is trained on."""
    found, before = "", False
    for token, is_trained in zip([*training.tokens, None], [*training.mask, False], strict=True):
        found += "[" * (is_trained > before) + "]" * (is_trained < before)
        found += "" if token is None else decode([token])
        before = is_trained
    return found


OLD = [USER, thought("old"), answer("A")]
NEW = [USER, thought("x"), PREAMBLE, CALL, RESULT, thought("y"), answer("B")]
HI, RETURNED = (
    "<|start|>user<|message|>Hi.<|end|>",
    "<|start|>functions.f to=assistant<|channel|>commentary<|message|>3<|end|>",
)
FIRST = (
    "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
    "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{}<|call|>"
)
LAST = "<|channel|>analysis<|message|>y<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>"
EARLIER = "<|channel|>final<|message|>A<|end|>"


def test_the_last_turn_is_trained_on() -> None:
    """All that the model samples in it, its thoughts before calls, too; what a prompt supplies is not."""
    model = "<|start|>assistant"
    assert shown(render_training([*OLD, *NEW])) == f"{HI}{model}{EARLIER}{HI}{model}[{FIRST}]{RETURNED}{model}[{LAST}]"
    found = render_training([*OLD, *NEW], "assistant")
    assert shown(found) == f"{HI}{model}[{EARLIER}]{HI}{model}[{FIRST}]{RETURNED}{model}[{LAST}]"
    found = render_training([*OLD, *NEW], lambda message, part: part == "stop" and message.channel == "final")
    assert [decode([token]) for token in compress(found.tokens, found.mask)] == ["<|end|>", "<|return|>"]
    assert render_training([*OLD, *NEW], train="last_turn").mask == render_training([*OLD, *NEW]).mask


def test_spans_have_parts_of_the_messages_that_were_passed() -> None:
    found = render_training([*OLD, *NEW])
    parts = [(span.message, span.part, decode(found.tokens[span.start : span.end])) for span in found.spans]
    assert parts[4:8] == [
        (2, "start", "<|start|>assistant"),
        (2, "header", "<|channel|>final<|message|>"),
        (2, "content", "A"),
        (2, "stop", "<|end|>"),
    ]
    assert ("start", "<|start|>functions.f") in [part[1:] for part in parts]
    assert (6, "header", " to=functions.f<|channel|>commentary json<|message|>") in parts
    empty = render_training([Message("user", "")]).spans
    assert [span.part for span in empty] == ["start", "header", "stop"]


@pytest.mark.parametrize(
    ("messages", "trained"),
    [
        ([], []),
        ([USER], []),
        ([*OLD, USER], []),
        ([answer("A")], [0]),
        ([USER, CALL, RESULT], [1]),
        ([USER, CALL, CALL, RESULT, RESULT, answer("A")], [1, 2, 5]),
        ([USER, thought("x"), CALL, RESULT, USER, answer("A")], [5]),
        ([USER, USER, answer("A")], [2]),
        ([USER, answer("A"), Message("developer", "x"), USER, answer("B")], [4]),
        ([USER, thought("x"), answer("A"), answer("B")], [1, 2, 3]),
    ],
)
def test_a_turn_begins_where_another_author_may_follow_an_answer(messages: list[Message], trained: list[int]) -> None:
    found = render_training(messages)
    assert sorted({span.message for span in found.spans if found.mask[span.end - 1]}) == trained


def test_after_a_call_the_prompt_supplies_the_next_start() -> None:
    """Also of a second call in a row: sampling stopped at the first one."""
    found = render_training([USER, CALL, CALL])
    starts = [found.mask[span.start] for span in found.spans if span.part == "start"]
    assert starts == [False, False, False]
    assert all(found.mask[span.start] for span in found.spans[4:] if span.part != "start")


def check(module: Any, messages: list[Any], training: Training, style: str, tokenizer: Any) -> list[int]:
    """Spans tile the tokens in the order of the messages; the messages of spans, rendered, are the tokens."""
    assert len(training.tokens) == len(training.mask)
    ends = [0, *(span.end for span in training.spans)]
    assert [span.start for span in training.spans] == ends[:-1]
    assert ends[-1] == len(training.tokens)
    assert all(span.start < span.end for span in training.spans)
    order = [(span.message, ["start", "header", "content", "stop"].index(span.part)) for span in training.spans]
    assert order == sorted(set(order))
    kept = sorted({span.message for span in training.spans})
    plain = module.render([messages[index] for index in kept], style=style, tokenizer=tokenizer)
    different = [a != b for a, b in zip(plain, training.tokens, strict=True)]
    assert sum(different) <= 1
    return kept


@examples(200)
@given(randoms.map(transcript), st.sampled_from(["openai", "model"]))
def test_the_transcript_begins_with_each_prompt_of_the_turn(talk: Any, style: Any) -> None:
    """What is trained on is what the model sampled after it: the same ids, up to where it stopped."""
    training = render_training(talk.messages, style=style)
    check(codec, talk.messages, training, style, None)
    prompts = 0
    for before, span in pairwise(training.spans):
        if training.mask[span.start] and not training.mask[before.start]:
            assert before.part == "start"
            prompt = render(drop_analysis(talk.messages[: span.message]), "prompt", style=style)
            assert training.tokens[: span.start] == prompt
            prompts += 1
    assert prompts or not any(training.mask)


def is_content(_: object, part: str) -> bool:
    return part == "content"


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(60)
@given(data=st.data())
def test_dialects_are_trained_on(name: str, data: st.DataObject) -> None:
    """What begins a turn, what the model writes and what a prompt supplies come from the grammar."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    messages = data.draw(st.lists(messages_of(module), max_size=4))
    style = data.draw(st.sampled_from([*module.FORMAT.styles, "as_parsed"]))
    try:
        training = module.render_training(messages, is_content, style=style, tokenizer=tokenizer)
    except RenderError as error:
        assert error.index is None or 0 <= error.index < len(messages)
        reject()
    kept = check(module, messages, training, style, tokenizer)
    assert all(training.mask[span.start] == (span.part == "content") for span in training.spans)
    opening = module.FORMAT.opening
    if not opening:
        return
    for train in ("last_turn", opening[0][1]):
        training = module.render_training(messages, train, style=style, tokenizer=tokenizer)
        by_model = [all(getattr(message, key) == value for key, value in opening) for message in messages]
        for span in training.spans:
            is_trained = training.mask[span.start]
            assert by_model[span.message] or not is_trained
            if by_model[span.message] and span.part == "start" and not is_trained and style != "as_parsed":
                fields = {field: getattr(messages[span.message], field) for field in module.FORMAT.open_frame.fields}
                before = [messages[index] for index in kept if index < span.message]
                prompt = module.render(before, "prompt", style=style, tokenizer=tokenizer, **fields)
                assert prompt[: span.end] == training.tokens[: span.end]
    assert all(training.mask[span.start] for span in training.spans if by_model[span.message] and span.part != "start")


def test_text_after_the_stop_token_is_not_trained_on() -> None:
    """ChatML: the line break after the stop token, and that after the role, come from the engine."""
    module, tokenizer = codec_of("chatml"), tokenizer_of(codec_of("chatml"))
    messages = [module.Message("user", "Hi."), module.Message("assistant", "\nHello.")]
    training = module.render_training(messages, tokenizer=tokenizer)
    trained = list(compress(training.tokens, training.mask))
    assert module.decode(trained, tokenizer=tokenizer) == "\nHello.<|im_end|>"
    assert module.decode(training.tokens, tokenizer=tokenizer).endswith("<|im_start|>assistant\n\nHello.<|im_end|>\n")


# Errors.


@pytest.mark.parametrize("write", [render, render_text, count_tokens])
@pytest.mark.parametrize("value", [True, False])
def test_the_old_argument_names_the_new_function(write: Any, value: bool) -> None:
    with pytest.raises(TypeError, match=r"no argument 'training'; call render_training\(messages\)"):
        write([USER], training=value)
    with pytest.raises(TypeError, match="unexpected keyword argument 'trainin'"):
        write([USER], trainin=value)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown train 'user'; pass one of 'last_turn', 'assistant', a function"):
        render_training([USER], cast(Any, "user"))
    with pytest.raises(ValueError, match="unknown train 'last_turn'; pass a function"):
        codec_of("llama3").render_training([], "last_turn")  # its grammar has no `[opening]`
    with pytest.raises(TypeError, match="expected a list of messages, got Message"):
        render_training(cast(Any, USER))
    with pytest.raises(RenderError) as raised:
        render_training([*OLD, replace(USER, role=cast(Any, "usr"))])
    assert raised.value.index == 3


@given(conversations(min_size=1))
def test_what_was_sampled_comes_back_token_for_token(conversation: list[Message]) -> None:
    """In the style as_parsed, also of a model that writes the recipient last."""
    tokens = render(conversation, style="model")
    assert render_training(parse(tokens).messages[-1:], style="as_parsed").tokens == render(
        conversation[-1:], style="model"
    )


# The official template. docs/training.md has a table of the differences; each row has a test here.


def tokens_and_marks(chat: Any, tools: Any) -> tuple[list[int], list[bool]]:
    runs = [(peer.tokens_of(text), is_marked) for text, is_marked in render_marked(chat, tools)]
    marks = [is_marked for tokens, is_marked in runs for _ in tokens]
    return [token for tokens, _ in runs for token in tokens], marks


def ours(chat: Any, tools: Any, train: Any = "assistant") -> tuple[list[Message], Training]:
    found = from_chat(chat, tools=tools, settings=SystemContent(conversation_start_date=TODAY), constrain=False)
    return found.messages, render_training(found.messages, train)


PAGE = (Path(__file__).resolve().parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
TOOLS = [function("f", {"type": "object", "properties": {"n": {"type": "number"}}})]


@examples(500)
@given(randoms)
def test_marks_are_those_of_the_template(rng: Random) -> None:
    """But for the first two rows: thoughts before calls of an answered turn, and starts."""
    chat, theirs = template_chats(rng)
    messages, training = ours(chat, TOOLS)
    last = max((index for index, message in enumerate(messages) if message.channel == "final"), default=-1)
    tokens, marks = [], []
    for span in training.spans:
        message = messages[span.message]
        if message.channel == "analysis" and span.message < last and span.message + 1 != len(messages) - 1:
            continue  # row 1
        tokens += training.tokens[span.start : span.end]
        of_model = message.role == "assistant"
        marks += [of_model if span.part == "start" else m for m in training.mask[span.start : span.end]]  # row 2
    assert (tokens, marks) == tokens_and_marks(theirs, TOOLS)


ASKED = {"role": "user", "content": "Hi."}
CALLED = {"function": {"name": "f", "arguments": {"n": 1}}}
ANSWERED = {"role": "tool", "content": {"a": 1}}


def requested(text: str = "", thinking: str = "") -> dict[str, Any]:
    parts = {"content": text, "thinking": thinking}
    return {"role": "assistant", "tool_calls": [CALLED]} | {key: value for key, value in parts.items() if value}


def marked(chat: Any) -> str:
    return "".join(f"[{text}]" if is_marked else text for text, is_marked in render_marked(chat) if text)


def trained(chat: Any, train: Any = "last_turn") -> str:
    """What we train on, in brackets; the result of a call is the same text."""
    chat = [{**message, "content": '{"a": 1}'} if message["role"] == "tool" else message for message in chat]
    return shown(ours(chat, None, train)[1])


def test_row_1_thoughts_before_the_last_answer() -> None:
    last = {"role": "assistant", "content": "A", "thinking": "z"}
    for first in (requested(thinking="x"), {"role": "assistant", "content": "B", "thinking": "x"}):
        between = [ANSWERED] if "tool_calls" in first else []
        for chat in ([ASKED, first, *between, last], [ASKED, first, *between, ASKED, last]):
            assert "analysis<|message|>x<|end|>" not in marked(chat)
            has_answer = not between and chat[2] == ASKED
            assert ("analysis<|message|>x<|end|>" not in trained(chat)) == has_answer
            assert "analysis<|message|>z<|end|>" in marked(chat)
            assert "analysis<|message|>z<|end|>" in trained(chat)


def test_row_2_starts() -> None:
    chat = [ASKED, requested(thinking="x")]
    assert "<|end|>[<|start|>assistant<|channel|>analysis" in marked(chat)
    assert "<|end|><|start|>assistant[<|channel|>analysis" in trained(chat)
    assert "x<|end|><|start|>assistant to=functions.f" in trained(chat).replace("][", "")


def test_row_3_text_beside_a_call() -> None:
    chat = [ASKED, requested("I look.")]
    assert "<|channel|>analysis<|message|>I look.<|end|>" in marked(chat)
    assert "<|channel|>commentary<|message|>I look.<|end|>" in trained(chat)


def test_row_4_earlier_turns() -> None:
    said = {"role": "assistant", "content": "A"}
    chat = [ASKED, said, ASKED, said]
    assert marked(chat).count("[") == 2
    assert trained(chat).count("[") == 1
    assert trained(chat, "assistant").count("[") == 2


def test_the_table_has_the_rows_that_are_tested() -> None:
    tested = [name.split("_")[2] for name in globals() if name.startswith("test_row_")]
    assert re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE) == tested
