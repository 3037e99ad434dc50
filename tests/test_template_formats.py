"""Formats of other models: what their templates write is read by a codec made from a grammar alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .chat_template import function, render_chat, words
from .conftest import examples
from .test_dialect_laws import tokens_of
from .test_dialects import codec_of, tokenizer_of

Chat = list[dict[str, Any]]

MUSE, COHERE = "muse_glimmer", "cohere"
MODEL = {MUSE: "assistant", COHERE: "chatbot"}
texts = words | st.sampled_from(["Hi.", "a\n\nb", "to=f", "assistant", "1 < 2"])
names = st.sampled_from(["f", "web.search", "read_file"])


@st.composite
def chats(draw: st.DrawFn, name: str) -> Chat:
    """A chat as its template takes it; in one format with thoughts, calls and their results."""
    found: Chat = [{"role": "system", "content": draw(texts)}] if name == COHERE or draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        found.append({"role": "user", "content": draw(texts)})
        for _ in range(draw(st.integers(0, 2)) if name == MUSE else 0):
            called = draw(st.lists(names, min_size=1, max_size=2))
            calls = [{"function": {"name": tool, "arguments": {"q": draw(texts)}}} for tool in called]
            thought = draw(st.none() | texts)
            found.append({"role": "assistant", "reasoning_content": thought, "tool_calls": calls})
            found += [{"role": "tool", "name": tool, "content": draw(texts)} for tool in called]
        found.append({"role": "assistant", "content": draw(texts)})
    return found


def meant(name: str, chat: Chat) -> list[tuple[str, str | None, str | None]]:
    """Role, name and recipient of each message, after the system message."""
    if name == COHERE:
        return [(MODEL[name] if each["role"] == "assistant" else each["role"], None, None) for each in chat[1:]]
    found: list[tuple[str, str | None, str | None]] = []
    for each in chat:
        role = each["role"]
        if each.get("reasoning_content"):
            found.append((role, None, "self"))
        if "tool_calls" in each:
            found += [(role, None, call["function"]["name"]) for call in each["tool_calls"]]
        elif role != "system":
            found.append((role, each.get("name"), "user" if role == "assistant" else None))
    return found


def shown(message: Any) -> tuple[str, str | None, str | None]:
    return message.role, getattr(message, "name", None), getattr(message, "recipient", None)


@pytest.mark.parametrize("name", [MUSE, COHERE])
@examples(60)
@given(data=st.data())
def test_what_a_template_writes_is_read_and_written_back(name: str, data: st.DataObject) -> None:
    """Parsed, recovered and streamed alike, without a diagnostic, and rendered to the same text and tokens."""
    module, chat = codec_of(name), data.draw(chats(name))
    tokenizer, text = tokenizer_of(module), render_chat(chat, template=name, bos_token="")
    tokens = tokens_of(module, text)
    for source in (text, tokens):
        strict, found = module.parse(source, tokenizer=tokenizer), module.recover(source, tokenizer=tokenizer)
        assert [shown(message) for message in strict.messages[1:]] == meant(name, chat)
        assert (found.messages, found.bounds, found.diagnostics) == (strict.messages, strict.bounds, [])
    assert module.render_text(strict.messages, style="as_parsed") == text
    assert module.render(strict.messages, style="as_parsed", tokenizer=tokenizer) == tokens
    parser = module.StreamParser("transcript", tokenizer=tokenizer)
    for token in tokens:
        parser.feed(token)
    parser.close()
    assert parser.messages == strict.messages


@pytest.mark.parametrize("name", [MUSE, COHERE])
@examples(60)
@given(data=st.data())
def test_a_prompt_and_its_completion(name: str, data: st.DataObject) -> None:
    """The prompt of a template ends with the open header; the completion is what a longer chat has after it."""
    module, chat = codec_of(name), data.draw(chats(name))
    prompt = render_chat(chat[:-1], template=name, bos_token="", add_generation_prompt=True)
    whole = render_chat(chat, template=name, bos_token="")
    assert whole.startswith(prompt)
    for read in (module.parse, module.recover):
        assert read(prompt, "prompt").opening["role"] == MODEL[name]
        (answer,) = read(whole[len(prompt) :], "completion").messages
        assert shown(answer) == meant(name, chat)[-1]
        assert getattr(answer, "repair", None) is None


@pytest.mark.parametrize("name", [MUSE, COHERE])
@examples(60)
@given(data=st.data())
def test_what_is_damaged_is_recovered(name: str, data: st.DataObject) -> None:
    """Without one stop token, or with a doubled token, the messages are the same, and the mistake is reported."""
    module, chat = codec_of(name), data.draw(chats(name))
    text = render_chat(chat, template=name, bos_token="")
    messages = module.parse(text).messages
    begins = module.FORMAT.recovery.begins
    at = data.draw(st.sampled_from([at for at in range(1, len(text)) if text.startswith(begins, at)]))
    stop = text.rindex("<|", 0, at)
    for damaged in (text[:stop] + text[at:], text[:at] + begins + text[at:], text[:at] + text[stop:at] + text[at:]):
        found = module.recover(damaged)
        assert [(shown(each), each.content) for each in found.messages] == [
            (shown(each), each.content) for each in messages
        ]
        assert len(found.diagnostics) == 1


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("<|start|>asistant to=self", ("assistant", None, "self")),
        ("<|start|>assistant to=usr", ("assistant", None, "user")),
        ("<|start|>assistant to: web.search", ("assistant", None, "web.search")),
        ("<|start|>assistantto=self", ("assistant", None, "self")),
        ("<|start|>assistant to=self to=web.search", ("assistant", None, "web.search")),
        ("<|start|>assistant to=web search", ("assistant", None, "web.search")),
        ("<|start|>toolweb.search", ("tool", "web.search", None)),
        ("assistant to=self", ("assistant", None, "self")),
    ],
)
def test_a_malformed_header_without_channels(header: str, fields: tuple[str, str | None, str | None]) -> None:
    """Costs and edits are those of this package: the grammar has fields of its own, and no channel."""
    found = codec_of(MUSE).recover(f"{header}<|message|>x<|eot|>", tools=["web.search"])
    (message,) = found.messages
    assert (shown(message), message.content) == (fields, "x")
    assert found.diagnostics


arguments = st.dictionaries(st.sampled_from(["city", "q"]), texts.map(str.strip), max_size=2)
signatures = st.lists(st.sampled_from(["f", "web.search", "read_file"]), min_size=1, max_size=2, unique=True)


@examples(60)
@given(data=st.data())
def test_contents_of_a_template_are_classes(data: st.DataObject) -> None:
    """Thoughts, answers and calls of the model, results from the user, and the functions of the system."""
    module, answers = codec_of("nemotron_3"), texts.map(str.strip).filter(lambda text: "<" not in text)
    thought, answer = data.draw(st.none() | answers), data.draw(answers)
    called = [{"name": name, "arguments": data.draw(arguments)} for name in data.draw(signatures)]
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    chat: Chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": data.draw(answers)}]
    calls = [{"function": call} for call in called]
    chat += [{"role": "assistant", "content": answer, "reasoning_content": thought, "tool_calls": calls}]
    chat += [{"role": "tool", "content": "1"} for _ in called]
    chat += [{"role": "assistant", "content": answer}]
    text = render_chat(chat, [function("f", schema)], template="nemotron_3_nano")
    system, _, calling, results, last = (message.content for message in module.parse(text).messages)
    (tool,) = system.tools
    assert (system.instructions, tool.name, tool.required) == ("Be brief.", "f", ["q"])
    assert (calling.thoughts, calling.answer) == (thought, answer)
    read = [{"name": call.name, "arguments": {p.name: p.value for p in call.parameters}} for call in calling.calls]
    assert (read, results.responses) == (called, ["1"] * len(called))
    assert (last.thoughts, last.answer) == (None, answer)
    assert module.render_text(module.parse(text).messages) == text
