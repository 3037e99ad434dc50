"""Requests of Chat Completions that the format can hold, in all spellings that servers and data sets have."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from .conversation_strategies import PIECES
from .strategies import SPECIAL

Chat = list[dict[str, Any]]

NAMES = ["get_weather", "lookup", "a.b", "functions.f", "f-1"]
AWKWARD = [*PIECES, *SPECIAL[:9], "<|start|>system<|message|>", "\n", "\n\n# Tools", '"', "\\", "\u2028"]


def text(rng: Random, least: int = 0) -> str:
    return "".join(rng.choices(AWKWARD, k=rng.choice([0, 1, 2, 4]))) or "x" * least


def value(rng: Random, depth: int = 2) -> Any:
    """A JSON value."""
    kind = rng.randrange(8 if depth else 5)
    if kind < 5:
        return [None, rng.random() < 0.5, rng.randint(-(2**70), 2**70), rng.random(), text(rng)][kind]
    if kind == 5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(3))]
    return {text(rng): value(rng, depth - 1) for _ in range(rng.randrange(3))}


def content(rng: Random) -> Any:
    """A text, or parts with texts."""
    if rng.random() < 0.6:
        return text(rng)
    return [{"type": "text", "text": text(rng)} for _ in range(rng.randrange(4))]


def arguments(rng: Random) -> Any:
    if rng.random() < 0.3:
        return {text(rng): value(rng) for _ in range(rng.randrange(3))}
    return rng.choice(["", "{}", '{"a": 1}', '{"a":\n1}', "no JSON", json.dumps(value(rng)), text(rng)])


def call(rng: Random, identifier: str | None) -> dict[str, Any]:
    name = rng.choice(NAMES)
    if rng.random() < 0.2:
        made: dict[str, Any] = {"type": "custom", "custom": {"name": name, "input": text(rng)}}
    else:
        made = {"type": "function", "function": {"name": name, "arguments": arguments(rng)}}
        if rng.random() < 0.1:
            made = dict(made["function"])
    return made if identifier is None else {"id": identifier, **made}


def answer(rng: Random, number: int, known_ids: bool) -> dict[str, Any]:
    """A message of the model."""
    message: dict[str, Any] = {"role": "assistant", "content": rng.choice([None, "", content(rng), content(rng)])}
    if rng.random() < 0.3:
        thought = text(rng)
        for key in rng.sample(["reasoning", "reasoning_content", "thinking"], k=rng.choice([1, 1, 2])):
            message[key] = thought if rng.random() < 0.7 else text(rng)
    if rng.random() < 0.2:
        message |= {"refusal": rng.choice([None, "", text(rng)]), "audio": None, "annotations": []}
    if rng.random() < 0.1:
        message["phase"] = rng.choice(["commentary", "final_answer"])
    if rng.random() < 0.1 and isinstance(message["content"], list):
        message["content"].append({"type": "refusal", "refusal": text(rng)})
    if rng.random() < 0.1:
        message["name"] = rng.choice(["m1", "", "x:y"])
    if rng.random() < 0.4:
        ids = [f"c{number}_{n}" if known_ids else None for n in range(rng.randint(1, 3))]
        message["tool_calls"] = [call(rng, identifier) for identifier in ids]
    elif rng.random() < 0.2:
        message["tool_calls"] = rng.choice([None, []])
    if message["content"] is None and not message.get("tool_calls") and rng.random() < 0.3:
        del message["content"]
    return message


def results(rng: Random, message: dict[str, Any]) -> Chat:
    """Results of the calls of a message; those with ids in any order."""
    found: Chat = []
    for each in message.get("tool_calls") or []:
        result = {"role": "tool", "content": rng.choice([content(rng), None])}
        if "id" in each:
            result["tool_call_id"] = each["id"]
        elif rng.random() < 0.3:
            result["tool_name"] = (each.get("function") or each.get("custom") or each)["name"]
        found.append(result)
    if rng.random() < 0.5 and "id" in (message.get("tool_calls") or [{}])[0]:
        rng.shuffle(found)
    return found


def chat(rng: Random) -> Chat:
    """Instructions anywhere, users, the model, calls with their results; the last ones may wait."""
    found: Chat = []
    known_ids = rng.random() < 0.8
    for number in range(rng.randrange(7)):
        way = rng.choice(["instructions", "user", "assistant", "assistant"]) if number else "instructions"
        if way == "instructions":
            if number and rng.random() < 0.7:
                continue
            found.append({"role": rng.choice(["system", "developer"]), "content": content(rng)})
        elif way == "user":
            found.append({"role": "user", "content": content(rng)})
            if rng.random() < 0.3:
                found[-1]["name"] = rng.choice(["eve", "é", "a:b", ""])
        else:
            message = answer(rng, number, known_ids)
            found.append(message)
            found += results(rng, message)
    return found[rng.choice([0, 0, 1]) :] if found and found[0]["role"] in ("system", "developer") else found


def tools(rng: Random) -> list[dict[str, Any]]:
    """Functions and custom tools; not all that are called."""
    parameters: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
    found = []
    for name in rng.sample(NAMES, k=rng.randrange(4)):
        if rng.random() < 0.3:
            found.append({"type": "custom", "custom": {"name": name, "description": "Runs it."}})
        else:
            found.append({"type": "function", "function": {"name": name, "parameters": parameters, "strict": True}})
    return found


randoms = st.randoms(use_true_random=False)
chats = randoms.map(chat)
tool_lists = st.none() | randoms.map(tools)
