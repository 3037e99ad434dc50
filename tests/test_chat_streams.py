"""Responses of Chat Completions: the fold of a stream is the whole response, and both are what clients read."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from harmony_spec import ConversionError, HarmonyError, Message, Recovered, recover, render, tools_from_json
from harmony_spec.adapters import ChatChunk, ChatStream, fold_chunks, from_chat, to_chat, to_chat_completion

from .recovery_strategies import any_tokens, completions, tokens_of, written
from .test_malformed import CASES
from .test_streaming import chunks, sizes

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "lookup_user")
] + [{"type": "custom", "custom": {"name": "run"}}]

CUSTOM = [
    '<|channel|>commentary to=functions.run<|message|>{"input": "a\\nb"}<|call|>',
    '<|channel|>commentary to=functions.run<|message|>{"input": 5}<|call|>',
    "<|channel|>commentary to=functions.run<|message|>print()<|call|>",
    "<|channel|>commentary to=functions.run<|message|>",
]
MALFORMED = [tokens_of(case["source"]) for _, case in CASES if case.get("start") == "completion"]
tool_lists = st.sampled_from([None, [], TOOLS])
outputs = (
    any_tokens
    | completions().map(lambda found: written(found, "completion"))
    | st.sampled_from(MALFORMED)
    | st.sampled_from(CUSTOM).map(tokens_of)
)
reasons = st.sampled_from([None, None, "stop", "length", "abort"])


def streamed(
    stream: ChatStream, tokens: list[int], lengths: list[int], reason: str | None = None, index: int = 0
) -> list[ChatChunk]:
    """The chunks for tokens in parts; a part of one token is fed as its id, which has a way of its own."""
    parts = (part[0] if len(part) == 1 else part for part in chunks(tokens, lengths))
    found = [chunk for part in parts for chunk in stream.feed(part, index)]
    return found + stream.close(reason, index)


def recovered(tokens: list[int], tools: Any = None) -> Recovered[Message]:
    return recover(tokens, "completion", tools=None if tools is None else from_chat([], tools=tools).tools)


def joined(found: list[ChatChunk]) -> list[Any]:
    """The deltas of a stream of one answer, adjacent texts of one key joined."""
    deltas: list[Any] = []
    for chunk in found:
        for choice in chunk["choices"]:
            delta, last = choice["delta"], deltas[-1] if deltas else {}
            ((key, value),) = delta.items() or ((None, None),)
            if key in ("content", "reasoning") and last.keys() == {key}:
                last[key] += value
            elif key == "tool_calls" and "id" not in value[0] and last.keys() == {key}:
                for kind in ("function", "custom"):
                    for name, text in value[0].get(kind, {}).items():
                        last[key][0][kind][name] += text
            else:
                deltas.append(
                    {
                        key: [{k: dict(v) if isinstance(v, dict) else v for k, v in value[0].items()}]
                        if key == "tool_calls"
                        else value
                    }
                )
    return deltas


@given(outputs, tool_lists, sizes, reasons)
@example(
    tokens_of("<|channel|>analysis<|message|><|end|><|start|>assistant<|channel|>analysis<|message|>x<|end|>"),
    None,
    [1],
    None,
)
@example([200006, 200008, 200007, 200006, 173781], None, [1], None)
def test_the_fold_of_a_stream_is_the_whole(
    tokens: list[int], tools: Any, lengths: list[int], reason: str | None
) -> None:
    """To the byte, with its findings, however it is cut and whatever it is."""
    stream = ChatStream(tools=tools, prompt=[1, 2], model="m", created=3, include_usage=True)
    found = streamed(stream, tokens, lengths, reason)
    whole = to_chat_completion(
        recovered(tokens, tools), tools=tools, prompt=[1, 2], model="m", created=3, finish_reason=reason
    )
    assert fold_chunks(found) == whole.body
    assert stream.findings == whole.findings
    assert stream.recovered() == recovered(tokens, tools)


@given(outputs, tool_lists, sizes)
def test_chunks_do_not_depend_on_the_cuts(tokens: list[int], tools: Any, lengths: list[int]) -> None:
    """Apart from where texts are cut: the role is first, each call begins once, and one chunk has the reason."""
    found = [streamed(ChatStream(tools=tools), tokens, cut) for cut in (lengths, [1], [len(tokens) + 1])]
    assert joined(found[0]) == joined(found[1]) == joined(found[2])
    deltas = [choice["delta"] for chunk in found[0] for choice in chunk["choices"]]
    assert [delta for delta in deltas if "role" in delta] == deltas[:1] == [{"role": "assistant"}]
    assert [choice["finish_reason"] for chunk in found[0] for choice in chunk["choices"]].count(None) == len(
        found[0]
    ) - 1
    begun = [call for delta in deltas for call in delta.get("tool_calls", ()) if "id" in call]
    assert [call["index"] for call in begun] == list(range(len(begun)))
    assert len({call["id"] for call in begun}) == len(begun)


@given(outputs, tool_lists)
def test_only_what_the_model_wrote_is_sent(tokens: list[int], tools: Any) -> None:
    """No tool is called that is not offered, or that is only a candidate; texts are those of the messages."""
    read = recovered(tokens, tools)
    message = to_chat_completion(read, tools=tools).message
    ours = [m for m in read.before_stop if m.role == "assistant"]
    calls = [m for m in ours if m.recipient not in (None, "system", "developer", "user", "assistant")]
    offered = None if tools is None else {f"functions.{(t.get('function') or t['custom'])['name']}" for t in tools}
    sent = [(call.get("function") or call["custom"])["name"] for call in message.get("tool_calls", ())]
    expected = [m.recipient for m in calls if offered is None or m.recipient in offered]
    assert sent == [name.removeprefix("functions.") for name in expected]
    texts = [m for m in ours if m not in calls]
    assert (message["content"] or "") == "\n".join(m.text for m in texts if m.channel != "analysis")
    assert message.get("reasoning", "") == "\n".join(m.text for m in texts if m.channel == "analysis")


@given(outputs, tool_lists, sizes)
def test_clients_read_what_is_sent(tokens: list[int], tools: Any, lengths: list[int]) -> None:
    """The models of `openai` hold each chunk and the whole response, and dump them unchanged."""
    stream = ChatStream(tools=tools, prompt=[1], model="m", include_usage=True)
    for chunk in streamed(stream, tokens, lengths):
        calls = [call for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", ())]
        custom = any("custom" in call for call in calls)  # the models of chunks know functions only
        read = ChatCompletionChunk.construct(**chunk) if custom else ChatCompletionChunk.model_validate(chunk)
        assert read.model_dump(exclude_unset=True, mode="json", warnings=not custom) == chunk
    body = to_chat_completion(recovered(tokens, tools), tools=tools, model="m").body
    assert ChatCompletion.model_validate(body).model_dump(exclude_unset=True, mode="json") == body


def test_a_returned_chunk_stays_as_it_is() -> None:
    """Also if it is that of a token that comes again: around characters of several tokens, in texts of both kinds."""
    text = "a é a é 😀 a 😀 𒀀 a" * 3
    tokens = tokens_of(
        f"<|channel|>analysis<|message|>{text}<|end|><|start|>assistant<|channel|>final<|message|>{text}"
    )
    stream, found, copies = ChatStream(), [], []
    for token in tokens:
        found += stream.feed(token)
        copies += deepcopy(found[len(copies) :])
    assert found == copies
    message = fold_chunks([*found, *stream.close()])["choices"][0]["message"]
    assert message == {"role": "assistant", "content": text, "reasoning": text}


def test_tokens_that_come_again_are_read_by_the_message_that_has_them() -> None:
    """After a call that is sent, the same tokens in one that is left out, and in one of a custom tool."""
    calls = [f" to=functions.{name}<|channel|>commentary<|message|>" for name in ("get_weather", "other", "run")]
    tokens = tokens_of("<|start|>assistant".join(f'{call}{{"input": "a a a"}}<|call|>' for call in calls))
    found = streamed(ChatStream(tools=TOOLS), tokens, [1])
    assert fold_chunks(found)["choices"] == to_chat_completion(recovered(tokens, TOOLS), tools=TOOLS).body["choices"]


@given(st.lists(outputs, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_several_answers_may_arrive_in_any_order(answers: list[list[int]], rng: Any) -> None:
    """Their chunks fold to one response; no two have the same ids."""
    stream = ChatStream(prompt="p", choices=len(answers), include_usage=True)
    todo = [(index, part) for index, tokens in enumerate(answers) for part in [*tokens, None]]
    found: list[ChatChunk] = []
    waiting = {index: [part for i, part in todo if i == index] for index in range(len(answers))}
    while waiting:
        index = rng.choice(sorted(waiting))
        part = waiting[index].pop(0)
        found += stream.close(index=index) if part is None else stream.feed(part, index)
        if not waiting[index]:
            del waiting[index]
    whole = to_chat_completion([recovered(tokens) for tokens in answers], prompt="p")
    assert fold_chunks(found) == whole.body
    ids = [call["id"] for choice in whole.body["choices"] for call in choice["message"].get("tool_calls", ())]
    assert len({*ids}) == len(ids)


@given(outputs, tool_lists)
def test_a_response_can_be_sent_back(tokens: list[int], tools: Any) -> None:
    """As a message of the next request, in which it comes back with its side record."""
    message = to_chat_completion(recovered(tokens, tools), tools=tools).message
    try:
        found = from_chat([{"role": "user", "content": "Hi."}, message], tools=tools)
    except ConversionError as error:
        assert error.pointer.endswith("/name")  # recovery reads words as names that no header can hold
        return
    assert to_chat(found.messages, found.side)[1] == message


# Reasons, usage, ids.

FINAL = "<|channel|>final<|message|>Hi."
THOUGHT = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
CALL = "<|channel|>commentary to=functions.get_weather<|message|>{}"
NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        (FINAL + "<|return|>", {}, "stop"),
        (FINAL + "<|end|>", {}, "stop"),
        (FINAL, {}, "length"),
        (FINAL, {"finish_reason": "stop"}, "stop"),
        (FINAL + "<|return|>", {"finish_reason": "length"}, "length"),
        (FINAL + "<|return|>", {"finish_reason": "content_filter"}, "content_filter"),
        (CALL + "<|call|>", {}, "tool_calls"),
        (CALL, {}, "length"),
        (CALL, {"finish_reason": "stop"}, "tool_calls"),
        (CALL + "<|call|>", {"tool_choice": NAMED}, "stop"),
        (CALL + "<|call|>", {"tools": []}, "stop"),
        (THOUGHT + "<|channel|>fin", {}, "length"),
        (THOUGHT + CALL + "<|call|>", {}, "tool_calls"),
        (THOUGHT + FINAL + "<|return|><|start|>assistant<|chan", {}, "stop"),
        ("", {}, "length"),
        ("<|return|>", {}, "stop"),
        (THOUGHT + "<|return|>", {}, "stop"),
        (THOUGHT.removesuffix("<|start|>assistant") + "<|return|>", {}, "stop"),
        ("<|endoftext|>", {}, "length"),
    ],
)
def test_the_reason_is_that_of_the_stop_token_or_the_engine(text: str, settings: dict[str, Any], reason: str) -> None:
    """REF says "completed" for what was cut off."""
    assert to_chat_completion(recover(text, "completion"), **settings).finish_reason == reason


def test_the_usage_counts_thoughts_without_calls() -> None:
    """VC counts calls as reasoning."""
    tokens = tokens_of(THOUGHT + "<|channel|>analysis to=functions.get_weather<|message|>{}<|call|>")
    usage = to_chat_completion(recovered(tokens), prompt=[1, 2, 3]).usage
    assert usage == {
        "prompt_tokens": 3,
        "completion_tokens": len(tokens),
        "total_tokens": len(tokens) + 3,
        "completion_tokens_details": {
            "reasoning_tokens": len(tokens_of("Hm.")),
            "header_tokens": len(tokens) - len(tokens_of("Hm.")) - len(tokens_of("{}")),
        },
    }
    asked = [Message("user", "Hi."), Message("assistant", "Hm.", channel="analysis")]
    whole = to_chat_completion(recovered(tokens), prompt=asked).usage
    assert whole == to_chat_completion(recovered(tokens), prompt=render(asked, "prompt")).usage
    assert to_chat_completion(recover(FINAL, "completion")).usage is None


def test_ids_depend_on_the_prompt_the_place_and_the_recipient() -> None:
    """Not on the arguments, which a stream does not know yet."""

    def identifier(text: str, **settings: Any) -> str:
        return to_chat_completion(recover(text, "completion"), **settings).message["tool_calls"][0]["id"]

    first = identifier(CALL + "<|call|>", prompt=[1])
    assert first == identifier(CALL.replace("{}", '{"a": 1}') + "<|call|>", prompt=[1])
    others = [
        identifier(CALL + "<|call|>", prompt=[2]),
        identifier(CALL + "<|call|>", prompt=[1], salt="resp_1"),
        identifier(THOUGHT + CALL + "<|call|>", prompt=[1]),
        identifier(CALL.replace("get_weather", "f") + "<|call|>", prompt=[1]),
    ]
    assert len({first, *others}) == 5
    thought, question = Message("assistant", "Hm.", channel="analysis"), Message("user", "Hi.")
    assert identifier(CALL, prompt=[question, thought]) == identifier(CALL, prompt=[question])


# What servers do wrong.


@pytest.mark.parametrize(
    ("kind", "found"), [("", []), (" json", []), (" <|constrain|>json", []), (" code", ["invalid-json"])]
)
def test_a_call_of_a_function_is_json(kind: str, found: list[str]) -> None:
    """Servers pass on the text and say nothing."""
    tokens = tokens_of(CALL.replace("<|message|>", f"{kind}<|message|>") + "<|call|>")
    response = to_chat_completion(recovered(tokens), tools=TOOLS)
    assert response.message["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": "{}"}
    assert [each.code.name for each in response.findings] == found
    stream = ChatStream(tools=TOOLS)
    streamed(stream, tokens, [1])
    assert stream.findings == response.findings


def test_thoughts_are_joined_alike_in_both_modes() -> None:
    """VC joins them by a line break, and by nothing in a stream."""
    tokens = tokens_of(THOUGHT + THOUGHT + FINAL + "<|return|>")
    assert to_chat_completion(recovered(tokens)).message["reasoning"] == "Hm.\nHm."
    assert fold_chunks(streamed(ChatStream(), tokens, [1]))["choices"][0]["message"]["reasoning"] == "Hm.\nHm."


def test_a_preamble_is_content() -> None:
    """REF drops it."""
    told = "<|channel|>commentary<|message|>Wait.<|end|><|start|>assistant" + CALL + "<|call|>"
    message = to_chat_completion(recover(told, "completion")).message
    assert (message["content"], len(message["tool_calls"])) == ("Wait.", 1)


def test_a_call_on_any_channel_is_a_call() -> None:
    """SR refuses one outside of commentary; nearly half of the calls of one model are on analysis."""
    text = "<|channel|>analysis to=functions.get_weather<|message|>{}<|call|>"
    found = to_chat_completion(recover(text, "completion"), tools=TOOLS)
    assert found.message["tool_calls"][0]["function"]["name"] == "get_weather"
    assert [d.code.name for d in found.findings] == ["call-outside-channel"]


def test_a_call_of_a_tool_that_is_not_offered_is_reported() -> None:
    """REF and VC hand any name to the client."""
    found = to_chat_completion(
        recover("<|channel|>commentary to=python<|message|>1<|call|>", "completion"), tools=TOOLS
    )
    assert found.message == {"role": "assistant", "content": None}
    assert [(d.code.name, d.raw) for d in found.findings] == [("undeclared-tool", "1")]


def test_a_candidate_is_not_a_call() -> None:
    text = '<|channel|>commentary <|constrain|>json<|message|>{"city": "Oslo"}<|call|>'
    namespaces = tools_from_json(TOOLS[:1])
    read = recover(text, "completion", tools=namespaces)
    assert read.messages[0].repair
    assert read.messages[0].repair.candidate == "functions.get_weather"
    found = to_chat_completion(read, tools=TOOLS[:1])
    assert "tool_calls" not in found.message
    assert (found.finish_reason, [d.code.name for d in found.findings]) == ("stop", ["call-without-recipient"])


def test_malformed_output_is_repaired_and_reported() -> None:
    """VC answers with the raw text."""
    text = "<|channel|>analysis<|channel|>comment to=get_weather<|message|>{}<|call|>"
    found = to_chat_completion(recover(text, "completion", tools=tools_from_json(TOOLS[:1])), tools=TOOLS[:1])
    assert found.message["tool_calls"][0]["function"]["name"] == "get_weather"
    assert [d.code.name for d in found.findings][:1] == ["repeated-channel"]


def test_what_follows_the_stop_token_is_not_sent() -> None:
    found = to_chat_completion(recover(FINAL + "<|return|><|start|>assistant" + FINAL + "<|end|>", "completion"))
    assert (found.message["content"], found.finish_reason) == ("Hi.", "stop")
    assert [d.code.name for d in found.findings] == ["after-stop"]


def test_the_name_of_a_call_is_sent_once_when_its_header_ends() -> None:
    stream = ChatStream(tools=TOOLS)
    names = [stream.feed(token) for token in tokens_of(CALL)]
    calls = [call for found in names for chunk in found for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert all("name" not in call["function"] for call in calls[1:])


@pytest.mark.parametrize(
    ("text", "value", "names"),
    [(CUSTOM[0], "a\nb", []), (CUSTOM[1], '{"input": 5}', ["invalid-json"]), (CUSTOM[2], "print()", ["invalid-json"])],
)
def test_a_custom_tool_is_called_with_its_text(text: str, value: str, names: list[str]) -> None:
    found = to_chat_completion(recover(text, "completion"), tools=TOOLS)
    assert found.message["tool_calls"][0]["custom"] == {"name": "run", "input": value}
    assert [d.code.name for d in found.findings] == names


def test_a_stream_may_be_dropped_at_any_time() -> None:
    """What was read is still there; closing it with the reason of the engine ends it."""
    stream = ChatStream(tools=TOOLS)
    found = stream.feed(tokens_of(THOUGHT + FINAL))
    assert [m.content for m in stream.recovered().messages] == ["Hm."]
    assert fold_chunks(found + stream.close("abort"))["choices"][0]["finish_reason"] == "abort"
    assert [m.content for m in stream.recovered().messages] == ["Hm.", "Hi."]


def test_answers_that_do_not_exist_are_refused() -> None:
    for choices in (0, -1):
        with pytest.raises(ValueError, match="at least one answer"):
            ChatStream(choices=choices)
    with pytest.raises(ValueError, match="at least one answer"):
        to_chat_completion([])
    stream = ChatStream()
    for token in tokens_of(FINAL):
        stream.feed(token)
    with pytest.raises(TypeError, match="choices: expected an int, got NoneType"):
        ChatStream(choices=None)
    for index in (-1, 1):
        with pytest.raises(IndexError, match=f"no answer {index}; this response has 1"):
            stream.feed(1, index)
        with pytest.raises(IndexError, match=f"no answer {index}; this response has 1"):
            stream.close(index=index)


def test_an_answer_that_has_ended_is_refused() -> None:
    stream = ChatStream(choices=2)
    stream.close(index=1)
    for again in (lambda: stream.feed(1, 1), lambda: stream.close(index=1)):
        with pytest.raises(ValueError, match="answer 1 has ended"):
            again()


@pytest.mark.parametrize("prompt", [None, 5, [{"role": "user", "content": "Hi."}], [1, "a"]])
def test_a_prompt_of_another_kind_is_refused(prompt: Any) -> None:
    """Such as the messages of a request."""
    with pytest.raises((TypeError, HarmonyError), match="expected a"):
        ChatStream(prompt=prompt)


def test_invalid_tools_are_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        ChatStream(tools=[{"type": "web_search"}])
    assert caught.value.pointer == "/tools/0/type"
