"""The `gpt-oss` package's tools and Responses server, with `openai_harmony` and with the drop-in in its place.

Not part of the tests: `gpt-oss` needs Python 3.12. Install `gpt-oss`, `httpx` and this package with its extra `compat`
there, then run `python -m tests.programs.gpt_oss`. It prints what was run and whether both gave the same, and exits
with 1 where they did not. Nothing of `gpt-oss` is changed but what would leave the machine: the web, and Docker.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.comparison import FOLDER_VARIABLE, published

MODULES = ("openai_harmony", "harmony_spec.compat")
RANKS = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
CALL = "<|start|>assistant<|channel|>analysis to={} code<|message|>{}<|call|>"
QUESTION = "What is the tallest mountain?"

PAGES = {
    "https://a.example": "<html><title>Peaks</title><p>Everest is 8849 m high.</p><a href='https://b.example'>K2</a></html>",
    "https://b.example": "<html><title>K2</title><p>K2 is 8611 m high. Caf\u00e9 at the foot.</p></html>",
}

BROWSING = [
    "<|channel|>analysis<|message|>I will search.<|end|>"
    + CALL.format("browser.search", json.dumps({"query": "mountain", "topn": 2})),
    CALL.format("browser.open", json.dumps({"id": 0, "cursor": 0})).removeprefix("<|start|>assistant"),
    CALL.format("browser.find", json.dumps({"pattern": "8849"})).removeprefix("<|start|>assistant"),
    "<|channel|>final<|message|>Everest \U0001f3d4\ufe0f, 8849 m \u30101\u2020L0\u3011.<|return|>",
]
COMPUTING = [
    CALL.format("python", "print(6 * 7, 'caf\u00e9')").removeprefix("<|start|>assistant"),
    "<|channel|>final<|message|>It is 42.<|return|>",
]
CALLING = [
    "<|channel|>analysis<|message|>A call.<|end|><|start|>assistant<|channel|>commentary to=functions.height "
    '<|constrain|>json<|message|>{"name": "Everest"}<|call|>'
]
ANSWERING = [
    "<|channel|>analysis<|message|>Now I know.<|end|><|start|>assistant<|channel|>final<|message|>8849 m.<|return|>"
]
BROKEN = ["<|channel|>final a b c<|message|>lost<|end|><|start|>assistant<|channel|>final<|message|>kept<|return|>"]

HEIGHT = {
    "type": "function",
    "name": "height",
    "description": "The height of a mountain.",
    "parameters": {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "Of the mountain."}, "unit": {"type": "string"}},
        "required": ["name"],
    },
}
USES = {
    "plain": (None, {"input": QUESTION}),
    "streamed": (None, {"input": QUESTION, "stream": True}),
    "browser": (BROWSING, {"input": QUESTION, "tools": [{"type": "browser_search"}]}),
    "browser, streamed": (BROWSING, {"input": QUESTION, "tools": [{"type": "browser_search"}], "stream": True}),
    "python": (COMPUTING, {"input": QUESTION, "tools": [{"type": "code_interpreter"}], "instructions": "Compute."}),
    "python, streamed": (COMPUTING, {"input": QUESTION, "tools": [{"type": "code_interpreter"}], "stream": True}),
    "function": (CALLING, {"input": QUESTION, "tools": [HEIGHT], "reasoning": {"effort": "high"}, "store": True}),
    "function answered": (ANSWERING, {"tools": [HEIGHT], "answers": "function", "stream": True}),
    "malformed header": (BROKEN, {"input": QUESTION, "stream": True}),
}


class Model:
    """Plays scripts in place of a model, and remembers the prompts. A new script begins with each request or answer."""

    def __init__(self, encoding: Any) -> None:
        self.encoding = encoding
        self.prompts: list[list[int]] = []
        self.scripts: list[str] = []
        self.tokens: Iterator[int] = iter(())

    def __call__(self, tokens: list[int], temperature: float = 0.0, new_request: bool = False) -> int:
        if new_request:
            self.prompts.append(list(tokens))
            self.tokens = iter(self.encoding.encode(self.scripts.pop(0), allowed_special="all"))
        return next(self.tokens)


def pages_backend() -> Any:
    """A backend of the browser that knows a few pages."""
    import chz
    from gpt_oss.tools.simple_browser import backend
    from gpt_oss.tools.simple_browser.page_contents import process_html

    @chz.chz(typecheck=True)
    class Pages(backend.Backend):
        async def search(self, query: str, topn: int, session: Any) -> Any:
            items = "".join(f"<li><a href='{url}'>{url}</a></li>" for url in PAGES)
            return process_html(f"<html><body><ul>{items}</ul></body></html>", "", query, display_urls=True)

        async def fetch(self, url: str, session: Any) -> Any:
            return process_html(PAGES[url], url, None, display_urls=True)

    return Pages


def offline() -> None:
    """Put pages that are here in place of the web, and a process in place of a container."""
    from gpt_oss.responses_api import api_server
    from gpt_oss.tools.python_docker import docker_tool

    def run(script: str) -> str:
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout

    api_server.ExaBackend = pages_backend()
    docker_tool.call_python_script = run


def used_tools(harmony: Any) -> list[Any]:
    """What the browser answers to calls, also to those that it cannot serve, and to a call of Python."""
    from gpt_oss.tools.python_docker.docker_tool import PythonTool
    from gpt_oss.tools.simple_browser import SimpleBrowserTool

    browser, answers = SimpleBrowserTool(backend=pages_backend()(source="web")), []
    calls = [
        ("browser.search", {"query": "mountain"}),
        ("browser.open", {"id": 1}),
        ("browser.open", {"id": 99}),
        ("browser.find", {"pattern": "8611"}),
        ("browser.dance", {}),
    ]

    async def answer(tool: Any, recipient: str, text: str) -> None:
        call = harmony.Message.from_role_and_content(harmony.Role.ASSISTANT, text)
        call = call.with_recipient(recipient).with_channel("analysis")
        answers.extend([message.to_dict() async for message in tool.process(call)])

    for recipient, arguments in calls:
        asyncio.run(answer(browser, recipient, json.dumps(arguments)))
    asyncio.run(answer(browser, "browser.search", "no JSON"))
    asyncio.run(answer(PythonTool(), "python", "print('here')"))
    content = harmony.SystemContent.new().with_tools(browser.tool_config).with_tools(PythonTool().tool_config)
    encoding = harmony.load_harmony_encoding(harmony.HarmonyEncodingName.HARMONY_GPT_OSS)
    prompt = encoding.render(harmony.Message.from_role_and_content(harmony.Role.SYSTEM, content))
    return [*answers, encoding.decode_utf8(prompt)]


def served(harmony: Any) -> dict[str, Any]:
    """What the Responses server answers, and which tokens it asks the model to continue."""
    from fastapi.testclient import TestClient
    from gpt_oss.responses_api.api_server import create_api_server
    from gpt_oss.responses_api.inference import stub

    encoding = harmony.load_harmony_encoding(harmony.HarmonyEncodingName.HARMONY_GPT_OSS)
    model, ids, found = Model(encoding), {}, {}
    scripted = TestClient(create_api_server(model, encoding))
    stubbed = TestClient(create_api_server(stub.setup_model(""), encoding))
    for name, (scripts, request) in USES.items():
        model.scripts, model.prompts = list(scripts or ()), []
        if before := request.get("answers"):
            call = next(item for item in ids[before]["output"] if item["type"] == "function_call")
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "8849"}
            request = {**request, "previous_response_id": ids[before]["id"], "input": [output]}
        client = scripted if scripts else stubbed
        try:
            response = client.post("/v1/responses", json={"model": "gpt-oss", **request})
        except harmony.HarmonyError as error:  # the server reads in strict mode, and does not catch
            found[name] = {"answer": str(error), "prompts": model.prompts}
            continue
        assert response.status_code == 200, response.text
        if not request.get("stream"):
            ids[name] = response.json()
        found[name] = {"answer": response.text, "prompts": model.prompts}
    return found


def alike(text: str) -> str:
    """A text in which what differs from run to run is numbered in the order in which it comes."""
    seen: dict[str, str] = {}
    text = re.sub(r"(?<=created_at)\W+\d+", "", text)
    return re.sub(r"[0-9a-f]{32}", lambda match: seen.setdefault(match[0], f"id{len(seen)}"), text)


def run(name: str) -> None:
    """Use everything with one module, under the name by which `gpt-oss` imports it."""
    harmony = sys.modules[MODULES[0]] = importlib.import_module(name)
    offline()
    sys.stdout, out = sys.stderr, sys.stdout
    print(json.dumps({"tools": used_tools(harmony), "server": served(harmony)}), file=out)


def compare(folder: Path) -> int:
    """Run with both modules, and say what came out."""
    published(folder / "o200k_base.tiktoken")
    ranks = folder / hashlib.sha1(RANKS.encode()).hexdigest()  # by this name tiktoken, which the browser uses, finds it
    ranks.write_bytes((folder / "o200k_base.tiktoken").read_bytes())
    environment = {**os.environ, FOLDER_VARIABLE: str(folder), "TIKTOKEN_CACHE_DIR": str(folder)}
    outcomes = []
    for name in MODULES:
        command = [sys.executable, "-m", __spec__.name, name]
        found = subprocess.run(command, env=environment, capture_output=True, check=False)
        if found.returncode:
            sys.exit(f"{name} failed:\n{found.stderr.decode()}")
        outcomes.append(json.loads(found.stdout))
    theirs, ours = outcomes
    rows = {"tools": (theirs["tools"], ours["tools"])}
    rows |= {f"server, {name}": (theirs["server"][name], ours["server"][name]) for name in theirs["server"]}
    same = {name: alike(json.dumps(there)) == alike(json.dumps(here)) for name, (there, here) in rows.items()}
    for name, equal in same.items():
        prompts = sum(map(len, rows[name][1]["prompts"])) if name != "tools" else 0
        size = len(json.dumps(rows[name][1]))
        print(f"{name}: {size} characters, {prompts} tokens asked to continue: {'the same' if equal else 'DIFFERENT'}")
    return 0 if all(same.values()) else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as made:
            sys.exit(compare(Path(made)))
