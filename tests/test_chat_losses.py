"""What servers of Chat Completions lose of gpt-oss conversations, by name, and that it is kept here.

Each name says who loses it: vLLM 0.33.0, SGLang 0.5.23, OpenAI's reference server 0.0.9, or the official template.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harmony_spec import ConversionError, Message, decode, encode, parse, recover, render, render_text
from harmony_spec.adapters import ChatStream, chat_side, fold_chunks, from_chat, to_chat, to_chat_completion

USER: dict[str, Any] = {"role": "user", "content": "Hi."}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "number"}}}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}
PYTHON = "<|channel|>analysis to=python code<|message|>1 + 1<|call|>"


def called(*ids: str, arguments: str = '{"n":1}', **more: Any) -> dict[str, Any]:
    calls = [{"id": each, "type": "function", "function": {"name": "f", "arguments": arguments}} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(identifier: str, content: Any = "3") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": content}


def made(*chat: dict[str, Any], **request: Any) -> list[Message]:
    """The messages of a request, without the settings."""
    return from_chat([*chat], **request).messages[1:]


def lines(messages: list[Message]) -> list[str]:
    return [f"{m.role} {m.channel or '-'} {m.recipient or '-'}: {m.content}" for m in messages]


def refused(*chat: dict[str, Any], **request: Any) -> str:
    with pytest.raises(ConversionError) as caught:
        made(*chat, **request)
    return caught.value.pointer


def answered(text: str, **settings: Any) -> dict[str, Any]:
    """The choice of a response, which is the same whole and streamed."""
    settings = {"tools": [TOOL], **settings}
    tokens = encode(text, allowed_special="all")
    whole = to_chat_completion(recover(tokens, "completion", tools=["functions.f", "python"]), **settings).body
    stream = ChatStream(**settings, include_usage=True)
    chunks = [chunk for token in tokens for chunk in stream.feed(token)] + stream.close()
    assert fold_chunks(chunks)["choices"] == whole["choices"]
    return {**whole["choices"][0]["message"], "finish_reason": whole["choices"][0]["finish_reason"], "all": whole}


def left_out(text: str) -> list[str]:
    """The findings about an answer without any content or call."""
    assert answered(text)["content"] is None
    assert names(answered(text)) == []
    found = recover(encode(text, allowed_special="all"), "completion", tools=["functions.f"])
    return [finding.code.name for finding in to_chat_completion(found, tools=[TOOL]).findings]


def names(message: dict[str, Any]) -> list[str]:
    return [call["function"]["name"] for call in message.get("tool_calls", [])]


def image() -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}


TWO = ({"type": "text", "text": "a"}, {"type": "text", "text": "b"})
THOUGHTS = "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>analysis<|message|>b<|end|>"
FINAL = "<|start|>assistant<|channel|>final<|message|>c<|return|>"

INTO: dict[str, Callable[[], bool]] = {
    "reference: a message for each part of a user": lambda: (
        lines(made({"role": "user", "content": [*TWO]})) == ["user - -: ab"]
    ),
    "vLLM, SGLang: an image becomes an empty text": lambda: refused(image()) == "/messages/0/content/0",
    "all: the name of a user": lambda: made({**USER, "name": "eve"})[0].name == "eve",
    "reference: a later developer is refused": lambda: (
        [m.role for m in made(USER, {"role": "developer", "content": "x"})] == ["user", "developer"]
    ),
    "SGLang: a later system message has an own prefix": lambda: (
        render_text(made(USER, {"role": "system", "content": "x"})[1:])
        == "<|start|>developer<|message|># Instructions\n\nx<|end|>"
    ),
    "vLLM: today's date": lambda: "Current date" not in render_text(from_chat([USER]).messages),
    "SGLang: effort none is left out": lambda: refused(USER, reasoning_effort="none") == "/reasoning_effort",
    "vLLM: effort minimal is refused": lambda: (
        "Reasoning: low" in render_text(from_chat([USER], reasoning_effort="minimal").messages)
    ),
    "vLLM: text beside calls stands before the thoughts": lambda: (
        lines(made(USER, called("1", content="p", reasoning="t")))[1:]
        == [
            "assistant analysis -: t",
            "assistant commentary -: p",
            'assistant commentary functions.f: {"n":1}',
        ]
    ),
    "SGLang: text before a call has no channel": lambda: (
        made(USER, {"role": "assistant", "content": "p"}, called("1"))[1].channel == "commentary"
    ),
    "vLLM: reasoning_content": lambda: (
        made({"role": "assistant", "content": "c", "reasoning_content": "t"})[0].channel == "analysis"
    ),
    "reference: thoughts only while a call is pending": lambda: (
        made({"role": "assistant", "content": "c", "reasoning": "t"})[0].content == "t"
    ),
    "vLLM, SGLang: a refusal": lambda: (
        lines(made({"role": "assistant", "content": None, "refusal": "No."})) == ["assistant final -: No."]
    ),
    "template: arguments are dumped again": lambda: (
        made(called("1", arguments='{ "n": 1.0}'))[0].content == '{ "n": 1.0}'
    ),
    "vLLM: a result gets the name of the id in the whole history": lambda: (
        refused(USER, result("1"), called("1")) == "/messages/1/tool_call_id"
    ),
    "vLLM: an id that is answered twice": lambda: (
        refused(called("1"), result("1"), result("1")) == "/messages/2/tool_call_id"
    ),
    "all: two results of one tool in another order": lambda: (
        [m.content for m in made(called("1", "2"), result("2", "b"), result("1", "a")) if m.role == "tool"]
        == ["a", "b"]
    ),
    "reference: parts of a result": lambda: made(called("1"), result("1", [*TWO]))[-1].content == "ab",
    "vLLM: a namespace": lambda: (
        made(
            {**called("1"), "tool_calls": [{"id": "1", "function": {"name": "ns.f", "arguments": "{}"}}]},
            tools=[{"name": "ns", "tools": [{"name": "f"}]}],
        )[1].recipient
        == "ns.f"
    ),
    "vLLM: the name of a custom tool": lambda: (
        "type c = " in render_text(made(USER, tools=[{"type": "custom", "custom": {"name": "c"}}]))
    ),
    "vLLM: the model is not shown the schema of the answer": lambda: (
        "# Response Formats"
        in render_text(
            made(
                USER, response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "array"}}}
            )
        )
    ),
    "vLLM: tools stay in the prompt with tool_choice none": lambda: (
        "type f" not in render_text(made(USER, tools=[TOOL], tool_choice="none"))
    ),
    "SGLang: allowed_tools becomes auto": lambda: (
        refused(
            USER,
            tools=[TOOL],
            tool_choice={"type": "allowed_tools", "allowed_tools": {"tools": [{"type": "function", "name": "g"}]}},
        )
        == "/tool_choice"
    ),
    "all: thoughts are dropped while converting": lambda: (
        [
            m.content
            for m in made(USER, {"role": "assistant", "content": "c", "reasoning": "t"}, USER)
            if m.channel == "analysis"
        ]
        == ["t"]
    ),
}
"""By who loses it: what a request has."""

OUT: dict[str, Callable[[], bool]] = {
    "vLLM: thoughts are joined whole, and not in a stream": lambda: answered(THOUGHTS + FINAL)["reasoning"] == "a\nb",
    "reference: a preamble": lambda: answered("<|channel|>commentary<|message|>p<|end|>" + FINAL)["content"] == "p\nc",
    "SGLang: a call outside of commentary is an error": lambda: (
        names(answered("<|channel|>analysis to=functions.f <|constrain|>json<|message|>{}<|call|>")) == ["f"]
    ),
    "reference: any recipient is a call": lambda: (
        names(answered("<|channel|>commentary to=g.h<|message|>{}<|call|>")) == []
    ),
    "vLLM: a call of python is a thought": lambda: answered(PYTHON).get("reasoning") is None,
    "vLLM: a call of the browser is dropped without a word": lambda: (
        left_out('<|channel|>analysis to=browser.search code<|message|>{"query": "x"}<|call|>') == ["undeclared-tool"]
    ),
    "vLLM, SGLang: a message without a channel": lambda: answered("<|message|>c<|return|>")["content"] == "c",
    "vLLM: a type that is not JSON is not reported": lambda: (
        "invalid-json"
        in [
            found.code.name
            for found in to_chat_completion(
                recover("<|channel|>commentary to=functions.f code<|message|>x<|call|>", "completion")
            ).findings
        ]
    ),
    "SGLang: a message of a tool in the output": lambda: (
        answered(
            "<|channel|>final<|message|>c<|end|>"
            "<|start|>functions.f to=assistant<|channel|>commentary<|message|>3<|end|>"
        )["content"]
        == "c"
    ),
    "vLLM: an unknown channel is dropped": lambda: (
        answered("<|channel|>finale<|message|>c<|return|>")["content"] == "c"
    ),
    "reference: a cut-off answer is complete": lambda: (
        answered("<|channel|>final<|message|>c")["finish_reason"] == "length"
    ),
    "vLLM: a cut-off answer is shown raw": lambda: answered("<|channel|>analysis<|message|>a")["content"] is None,
    "reference: the reason of a named call": lambda: (
        answered(
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
            tool_choice={"type": "function", "function": {"name": "f"}},
        )["finish_reason"]
        == "stop"
    ),
    "vLLM: calls count as reasoning": lambda: (
        answered(
            "<|channel|>analysis<|message|>a<|end|>"
            "<|start|>assistant<|channel|>commentary to=functions.f<|message|>{}<|call|>"
        )["all"]["usage"]["completion_tokens_details"]["reasoning_tokens"]
        == 1
    ),
    "vLLM: an empty message has no event": lambda: answered("<|channel|>final<|message|><|return|>")["content"] == "",
    "all: ids are random": lambda: (
        answered("<|channel|>commentary to=functions.f<|message|>{}<|call|>")["tool_calls"]
        == answered("<|channel|>commentary to=functions.f<|message|>{}<|call|>")["tool_calls"]
    ),
    "reference: arguments of a call are sent in one piece": lambda: len(pieces('{"n": 1, "m": 2}')) > 3,
}
"""By who loses it: what a response has."""

BACK: dict[str, str] = {
    "several thoughts": THOUGHTS + FINAL,
    "a preamble and an answer": "<|channel|>commentary<|message|>p<|end|>" + FINAL,
    "the channel of a call": "<|channel|>analysis to=functions.f <|constrain|>json<|message|>{}<|call|>",
    "the type of a call": "<|channel|>commentary to=functions.f code<|message|>{}<|call|>",
    "the order of a header": " to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>",
    "the call of a built-in tool": PYTHON,
}
"""What Chat Completions cannot hold; a side record does."""


def pieces(arguments: str) -> list[str]:
    stream = ChatStream()
    text = f"<|channel|>commentary to=functions.f <|constrain|>json<|message|>{arguments}<|call|>"
    chunks = [chunk for token in encode(text, allowed_special="all") for chunk in stream.feed(token)]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return [call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", [])]


@pytest.mark.parametrize("name", INTO)
def test_a_request_loses_nothing(name: str) -> None:
    assert INTO[name]()


@pytest.mark.parametrize("name", OUT)
def test_a_response_loses_nothing(name: str) -> None:
    assert OUT[name]()


@pytest.mark.parametrize("name", BACK)
def test_a_side_record_holds_what_chats_cannot(name: str) -> None:
    tokens = encode(BACK[name], allowed_special="all")
    messages = parse(tokens, "completion").messages
    again = from_chat(to_chat(messages), side=chat_side(messages)).messages
    assert again == messages
    assert decode(render(again, "completion", style="as_parsed")) == BACK[name]
