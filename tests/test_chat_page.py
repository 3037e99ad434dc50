"""docs/chat.md: its blocks run, and the real client talks to its server over a loopback port."""

from __future__ import annotations

import gc
import json
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import openai
import pytest
import uvicorn

from harmony_spec import parse

from .recovery_strategies import tokens_of
from .test_chat_streams import CALL, FINAL, THOUGHT, TOOLS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "chat.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
USER = [{"role": "user", "content": "Hi."}]


class Engine:
    """Writes scripted outputs, one token at a time."""

    def __init__(self) -> None:
        self.outputs: list[str] = []
        self.prompts: list[list[int]] = []
        self.is_slow = self.was_closed = False

    def sample(self, prompt: list[int]) -> Iterator[list[int]]:
        self.prompts.append(prompt)
        try:
            for token in tokens_of(self.outputs.pop(0)):
                time.sleep(0.02 if self.is_slow else 0)
                yield [token]
        except GeneratorExit:
            self.was_closed = True
            raise


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[openai.OpenAI]:
    module: Any = ModuleType("engine")
    module.sample = engine.sample
    sys.modules["engine"] = module
    names: dict[str, Any] = {"__name__": "server"}
    exec(compile(BLOCKS[1], "server.py", "exec", dont_inherit=True), names)
    server = uvicorn.Server(uvicorn.Config(names["app"], port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0) as found:
        yield found
    server.should_exit = True
    thread.join()
    del sys.modules["engine"]


def test_the_other_blocks_run() -> None:
    names: dict[str, Any] = {}
    for block in (BLOCKS[0], *BLOCKS[3:]):
        exec(block, names)
    assert len(BLOCKS) == 4


def test_the_server_has_60_lines() -> None:
    assert len([line for line in BLOCKS[1].splitlines() if line]) <= 60


def test_a_plain_answer(engine: Engine, client: openai.OpenAI) -> None:
    engine.outputs = [THOUGHT + FINAL + "<|return|>"]
    found: Any = client.chat.completions.create(model="m", messages=USER, reasoning_effort="low")
    assert found.choices[0].message.content == "Hi."
    assert found.choices[0].message.reasoning == "Hm."
    assert (found.choices[0].finish_reason, found.model) == ("stop", "m")
    assert found.usage.prompt_tokens == len(engine.prompts[-1])
    assert parse(engine.prompts[-1], "prompt").messages[0].content.reasoning_effort == "low"


def test_a_streamed_answer(engine: Engine, client: openai.OpenAI) -> None:
    engine.outputs = [THOUGHT + FINAL + "<|return|>"] * 2
    options = {"include_usage": True}
    found: list[Any] = list(
        client.chat.completions.create(model="m", messages=USER, stream=True, stream_options=options)
    )
    whole: Any = client.chat.completions.create(model="m", messages=USER)
    deltas = [chunk.choices[0].delta for chunk in found if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "Hi."
    assert "".join(getattr(delta, "reasoning", "") for delta in deltas) == "Hm."
    assert found[-1].usage == whole.usage
    assert found[0].id == whole.id


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_call_and_its_result(engine: Engine, client: openai.OpenAI, is_streamed: bool) -> None:
    """The client's own helper collects the stream; the call goes back with its result."""
    engine.outputs = [THOUGHT + CALL + "<|call|>", FINAL + "<|return|>"]
    values: dict[str, Any] = {"model": "m", "messages": USER, "tools": TOOLS[:1]}
    if is_streamed:
        with client.chat.completions.stream(**values) as stream:
            message = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**values).choices[0].message
    (call,) = message.tool_calls or []
    assert (call.type, call.function.name, call.function.arguments) == ("function", "get_weather", "{}")
    sent = {
        "role": "assistant",
        "content": None,
        "reasoning": message.reasoning,
        "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}, "index": True})],
    }
    values["messages"] = [*USER, sent, {"role": "tool", "tool_call_id": call.id, "content": "3"}]
    assert client.chat.completions.create(**values).choices[0].message.content == "Hi."
    names = [(m.channel, m.recipient, m.name) for m in parse(engine.prompts[-1], "prompt").messages[3:]]
    assert names == [
        ("analysis", None, None),
        ("commentary", "functions.get_weather", None),
        ("commentary", "assistant", "functions.get_weather"),
    ]


def test_malformed_output(engine: Engine, client: openai.OpenAI) -> None:
    """It is repaired; the stream and the whole response agree."""
    text = "<|channel|>analysis<|channel|>comment to=get_weather<|message|>{}<|call|>"
    engine.outputs = [text, text]
    whole = client.chat.completions.create(model="m", messages=USER, tools=TOOLS[:1])
    chunks = list(client.chat.completions.create(model="m", messages=USER, tools=TOOLS[:1], stream=True))
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].id == whole.choices[0].message.tool_calls[0].id
    assert calls[0].function.name == "get_weather"


def test_several_answers(engine: Engine, client: openai.OpenAI) -> None:
    engine.outputs = [FINAL + "<|return|>", FINAL + "No.<|return|>"]
    found = client.chat.completions.create(model="m", messages=USER, n=2)
    assert [choice.message.content for choice in found.choices] == ["Hi.", "Hi.No."]


def test_an_invalid_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
        )
    assert (caught.value.code, caught.value.param) == ("unsupported-value", "/messages/0/content/0")
    assert "H305" in json.dumps(caught.value.body)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"n": "x"}, "/n"),
        ({"n": 0}, "/n"),
        ({"n": 1_000_000}, "/n"),
        ({"messages": []}, "/messages"),
        ({"messages": None}, "/messages"),
        ({"messages": "Hi."}, "/messages"),
        ({"stream_options": "x"}, "/stream_options"),
        ({"stream": "x"}, "/stream"),
        ({"model": 5}, "/model"),
        ({"tools": {}}, "/tools"),
        ({"messages": [5]}, "/messages/0"),
        ({"messages": [{"role": "assistant", "content": "", "channel": "x"}]}, "/messages/0/channel"),
        ({"reasoning_effort": 5}, "/reasoning_effort"),
    ],
)
def test_other_invalid_requests(client: openai.OpenAI, change: dict[str, Any], pointer: str) -> None:
    """The client sends them as they are; no field of a body makes the server fail."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body={"model": "m", "messages": USER, **change}, cast_to=object)
    assert caught.value.param == pointer
    assert caught.value.code in ("invalid-body", "invalid-chat")


def test_findings_are_logged_whole_or_streamed(
    engine: Engine, client: openai.OpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    text = "<|channel|>finl<|message|>Hi.<|return|>"
    logged = []
    for is_streamed in (False, True):
        engine.outputs = [text]
        caplog.clear()
        asked: Any = [{**USER[0], "cache": 1}]
        found: Any = client.chat.completions.create(model="m", messages=asked, stream=is_streamed)
        if is_streamed:
            list(found)
        logged.append([record.getMessage()[:4] for record in caplog.records if record.getMessage().startswith("H")])
    assert logged == [["H305", "H136"]] * 2


def test_the_server_starts_as_the_page_says(tmp_path: Path) -> None:
    """With the engine of the page, and its request."""
    install, start, request = re.findall(
        r"`(python -m pip install [^`]*)`|^(python -m uvicorn .*|curl .*)$", PAGE, re.M
    )
    assert install[0] == "python -m pip install . fastapi uvicorn"
    (tmp_path / "server.py").write_text(BLOCKS[1])
    (tmp_path / "engine.py").write_text(BLOCKS[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, *shlex.split(start[1])[1:], "--port", port]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr
        assert any("running on" in line for line in server.stderr)
        _, url, _, body = shlex.split(request[1])
        sent = urllib.request.Request(url.replace("8000", port), body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(sent, timeout=30) as response:
            assert json.load(response)["choices"][0]["message"]["content"] == "Hello."
    finally:
        server.terminate()
        server.communicate()


def test_a_client_that_goes_away_stops_the_engine(engine: Engine, client: openai.OpenAI) -> None:
    engine.outputs, engine.is_slow, engine.was_closed = [FINAL + " and so on" * 500 + "<|return|>"], True, False
    with client.chat.completions.create(model="m", messages=USER, stream=True) as stream:
        next(iter(stream))
    end = time.monotonic() + 20
    while not engine.was_closed and time.monotonic() < end:
        time.sleep(0.05)
        gc.collect()
    engine.is_slow = False
    assert engine.was_closed
