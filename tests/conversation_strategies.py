"""Conversations of which there is nothing to say: tools that are declared and called right, calls that are answered.

They are made from the numbers of one generator, which Hypothesis draws: drawing each choice by itself takes longer than
all that is tested with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from harmony_spec import (
    ChannelConfig,
    DeveloperContent,
    Message,
    Namespace,
    ResponseFormat,
    SystemContent,
    Tool,
    browser_tools,
    codec,
    python_tools,
)

from .recovery_strategies import written, written_text

Make = Callable[[Random], Any]

ANALYSIS, COMMENTARY, FINAL = "analysis", "commentary", "final"

# No name is near another, so that no tool is taken for another one, and none is a role or a channel.
NAMES = ["get_weather", "lookup_user", "send", "x1"]
KEYS = ["city", "count", "a-b", "é", "$ref", "not"]
PIECES = [
    *(
        "",
        "Hi.",
        "What is 1 < 2 | 3 > 2?",
        "名前は？",
        "a <| b |> c",
        "```py\nx = 1\n```",
        "| a | b |\n|---|---|",
        "<|",
        "|>",
    ),
    *(
        "<b>x</b>",
        "p <|> q",
        "\u202bשלום\u202c",
        "ａｂ",
        "e\u0301",
        "🏳️‍🌈",
        "\r\n",
        "\x00",
        "a\u00adb",
        "《书》",
        "｜",
        "<",
        "\t",
    ),
    *(
        "<|im_start|>",
        "<|START|>",
        "<start>",
        "< | end | >",
        "to=x",
        "# Tools",
        "assistant",
        '{"a": ',
        "\ufffd",
        "\U000e0062",
    ),
]


def said(rng: Random) -> str:
    """A text that holds no special token, and nothing that looks like one."""
    text = "".join(rng.choices(PIECES, k=rng.choice([0, 1, 1, 2, 4])))
    return text if rng.random() < 0.8 else text + "".join(chr(rng.randrange(0xD800)) for _ in range(rng.randrange(6)))


# Schemas, each with what makes values that it accepts.


@dataclass(frozen=True)
class Typed:
    """A JSON Schema, and what makes values that it accepts."""

    schema: Any
    value: Make


SCALARS = [
    Typed({"type": "string"}, said),
    Typed({"type": "integer"}, lambda rng: rng.choice([0, -1, rng.getrandbits(70)])),
    Typed({"type": "number", "minimum": 0}, lambda rng: rng.choice([0, 1.5, 1e300, rng.random()])),
    Typed({"type": "boolean"}, lambda rng: rng.random() < 0.5),
    Typed({"type": "null"}, lambda rng: None),
    Typed({"type": "string", "enum": ["c", "f", "é"]}, lambda rng: rng.choice("cfé")),
    Typed({"type": ["string", "null"]}, lambda rng: rng.choice([None, said(rng)])),
    Typed({"const": 3}, lambda rng: 3),
    Typed(True, lambda rng: rng.choice([None, 1, "x", [], {}, {"a": {"a": 1}}])),
]


def typed(rng: Random, depth: int) -> Typed:
    way = rng.choice(["scalar", "scalar", "array", "object", "union"]) if depth else "scalar"
    if way == "array":
        item = typed(rng, depth - 1)
        schema = {"type": "array", "items": item.schema, "maxItems": 2}
        return Typed(schema, lambda rng: [item.value(rng) for _ in range(rng.randrange(3))])
    if way == "union":
        both = [typed(rng, depth - 1), typed(rng, depth - 1)]
        return Typed({"anyOf": [one.schema for one in both]}, lambda rng: rng.choice(both).value(rng))
    return objects(rng, depth) if way == "object" else rng.choice(SCALARS)


def objects(rng: Random, depth: int, least: int = 0) -> Typed:
    """An object with some members, of which `least` are required."""
    members = {name: typed(rng, depth - 1) for name in rng.sample(KEYS, rng.randint(least, 3))}
    required = rng.sample(sorted(members), rng.randint(least, len(members)))

    def value(rng: Random) -> dict[str, Any]:
        return {name: one.value(rng) for name, one in members.items() if name in required or rng.random() < 0.5}

    properties = {name: member.schema for name, member in members.items()}
    return Typed(
        {"type": "object", "properties": properties, "required": required, "additionalProperties": False}, value
    )


LAYOUTS: list[dict[str, Any]] = [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}]


def as_json(value: Make) -> Make:
    """What makes the JSON of values, in any of the usual layouts."""

    def made(rng: Random) -> str:
        around = rng.choice(["", "", " ", "\n"])
        return around + json.dumps(value(rng), **rng.choice(LAYOUTS)) + around

    return made


def one_of(*values: Any) -> Make:
    return lambda rng: rng.choice(values)


# What is offered.


@dataclass(frozen=True)
class Offered:
    """A tool: its full name, the channel of its calls, what it takes, and what makes the contents of calls."""

    name: str
    channel: str
    takes: Any
    content: Make
    is_json: bool = True


@dataclass
class Setting:
    """What a conversation begins with."""

    messages: list[Message] = field(default_factory=list)
    tools: list[Offered] = field(default_factory=list)
    answers: list[Typed] = field(default_factory=list)
    has_channels: bool = False
    needs_channel: bool = False


CODE = one_of("print(1 < 2)", "", "{'a': 1}", '{"a": ', "x = '''\n<|x|>\n'''")
PYTHON = Offered("python", ANALYSIS, {}, CODE, False)
BROWSER = [
    Offered("browser.search", ANALYSIS, {"required": ["query"]}, as_json(one_of({"query": "q", "topn": 3}))),
    Offered("browser.open", ANALYSIS, {}, as_json(one_of({}, {"id": 3}, {"id": "https://a.b"}))),
]
UNDECLARED = [Offered("functions.anything", COMMENTARY, {}, one_of("{}", "x", "", "[1]"), False), PYTHON]
nothing = one_of("", " ", "{}", " {} \n")


def functions(rng: Random, namespace: str, least: int) -> tuple[Namespace, list[Offered]]:
    tools, offered = [], []
    for name in rng.sample(NAMES, rng.choice([1, 2])):
        takes = objects(rng, 2, least) if least or rng.random() < 0.7 else None
        schema = takes.schema if takes else None
        tools.append(Tool(name, rng.choice([None, "Does it."]), schema))
        offered.append(Offered(f"{namespace}.{name}", COMMENTARY, schema, as_json(takes.value) if takes else nothing))
    return Namespace(namespace, rng.choice([None, "Some tools."]), tools), offered


def system(rng: Random, setting: Setting) -> Message:
    """A system message; with channels, required or not, or only a text."""
    if rng.random() < 0.2:
        return Message("system", rng.choice(["You are a model.", "", "Be brief. <|x|>"]))
    namespaces = rng.choice([[], [python_tools()], [browser_tools(), python_tools()]])
    setting.tools += [PYTHON] if namespaces else []
    setting.tools += BROWSER if len(namespaces) == 2 else []
    setting.has_channels = rng.random() < 0.8
    setting.needs_channel = setting.has_channels and rng.random() < 0.7
    config = ChannelConfig([ANALYSIS, COMMENTARY, FINAL], setting.needs_channel) if setting.has_channels else None
    date = rng.choice([None, "2025-06-28"])
    return Message("system", SystemContent(conversation_start_date=date, tools=namespaces, channel_config=config))


def developer(rng: Random, setting: Setting, least: int, answers: int) -> Message:
    """A developer message: what it asks for, tools, forms of the answer."""
    content = DeveloperContent(rng.choice(["Be brief.", "Use tools.\n\nAlways."]))
    for namespace in rng.choice([["functions"], ["functions", "mcp"]] + [[]] * (not least)):
        declared, offered = functions(rng, namespace, least)
        content.tools.append(declared)
        setting.tools += offered
    for name in rng.choice([["person"], ["person", "city"]] if answers else [[], [], ["person"], ["person", "city"]]):
        answer = objects(rng, 2, answers)
        setting.answers.append(answer)
        content.response_formats.append(ResponseFormat(name, answer.schema))
    return Message("developer", content)


def beginning(rng: Random, least: int = 0, answers: int = 0) -> Setting:
    """What a conversation begins with; with `least`, each function of the developer needs so many arguments."""
    setting = Setting()
    which = "both" if least or answers else rng.choice(["none", "system", "developer", "both", "both", "both"])
    if which in ("system", "both"):
        setting.messages.append(system(rng, setting))
    if which in ("developer", "both"):
        setting.messages.append(developer(rng, setting, least, answers))
    if all(isinstance(message.content, str) for message in setting.messages):
        setting.tools += UNDECLARED
    return setting


# Turns.


def call(rng: Random, tool: Offered) -> Message:
    """A call as it is written in the order of either style."""
    kind = rng.choice([None, "json"] if tool.is_json and tool.takes is not None else [None, "code"])
    constrain = kind is not None and rng.random() < 0.5
    ends = rng.choice([("call",), ("recipient_last", "call")])
    return Message("assistant", tool.content(rng), None, tool.name, tool.channel, constrain, kind, ends)


def result(call: Message, content: str) -> Message:
    return Message("tool", content, name=call.recipient, recipient="assistant", channel=call.channel)


def answer(rng: Random, setting: Setting) -> Message:
    """A final answer, in one of the declared forms where there are any."""
    if not setting.answers:
        return Message("assistant", said(rng), channel=FINAL)
    kind = rng.choice([None, "json"])
    content = as_json(rng.choice(setting.answers).value)(rng)
    return Message("assistant", content, channel=FINAL, constrain=kind is not None, content_type=kind)


def steps(rng: Random, setting: Setting, current: bool) -> list[Message]:
    """What happens between a question and its answer; what is thought in a turn that is completed is not kept."""
    tools = [tool for tool in setting.tools if current or tool.channel != ANALYSIS]
    found: list[Message] = []
    for way in rng.choices(["think", "tell", "call", "call", "parallel"], k=rng.randrange(5)):
        if way == "think" and current:
            found.append(Message("assistant", said(rng), channel=ANALYSIS))
        elif way == "tell":
            found.append(Message("assistant", said(rng), channel=COMMENTARY))
        elif tools and way in ("call", "parallel"):
            made = [call(rng, rng.choice(tools)) for _ in range(1 + (way == "parallel"))]
            found += [*made, *(result(each, said(rng)) for each in made)]
    return found


def turn(rng: Random, setting: Setting, current: bool) -> list[Message]:
    questions = [Message("user", said(rng), rng.choice([None, None, "alice"])) for _ in range(rng.choice([1, 1, 2]))]
    return [*questions, *steps(rng, setting, current), answer(rng, setting)]


# Conversations.


@dataclass
class Talk:
    """A conversation and how it is written.

    Attributes:
        messages: in the variants that they are written in.
        start: the start rule.
        setting: what it begins with.
        given: what is passed beside the source.
        unfinished: the stop token of the last message is missing.
    """

    messages: list[Message]
    start: codec.Start
    setting: Setting = field(repr=False)
    given: dict[str, Any] = field(default_factory=dict)
    unfinished: bool = False

    def text(self) -> str:
        text = written_text(self.messages, self.start)
        return text[: text.rindex("<|")] if self.unfinished else text

    def tokens(self) -> list[int]:
        tokens = written(self.messages, self.start)
        return tokens[:-1] if self.unfinished else tokens


def waits(messages: list[Message]) -> bool:
    """Whether a call has no result yet."""
    return sum("call" in message.variants for message in messages) != sum(m.role == "tool" for m in messages)


def transcript(rng: Random, start: codec.Start = "transcript", least: int = 0, answers: int = 0) -> Talk:
    """A transcript, or a prompt: settings, completed turns, and one that may be cut behind any message."""
    setting = beginning(rng, least, answers)
    messages = list(setting.messages)
    for _ in range(rng.randrange(3)):
        messages += turn(rng, setting, False)
    kept = len(messages)
    messages += turn(rng, setting, True)
    ends = [end for end in range(kept, len(messages) + 1) if start != "prompt" or not waits(messages[:end])]
    if rng.random() < 0.5:
        messages = messages[: rng.choice(ends)]
    if start == "transcript" and messages and messages[-1].channel == FINAL and rng.random() < 0.5:
        messages[-1] = replace(messages[-1], variants=("return",))
    return Talk(messages, start, setting, {"tools": rng.choice([None, given(rng, setting)])})


def completion(rng: Random) -> Talk:
    """What a model writes: thoughts, what it tells, and a call or an answer, whose stop token may be missing."""
    setting = beginning(rng)
    ways = [rng.choice([ANALYSIS, COMMENTARY]) for _ in range(rng.randrange(3))]
    found = [Message("assistant", said(rng), channel=channel) for channel in ways]
    if setting.tools and rng.random() < 0.5:
        found.append(call(rng, rng.choice(setting.tools)))
    else:
        found.append(Message("assistant", said(rng), channel=FINAL, variants=("return",)))
    unfinished = rng.random() < 0.3
    if unfinished and found[-1].recipient is None:  # arguments that break off are a mistake
        found[-1] = replace(found[-1], content=found[-1].text[: rng.randint(0, len(found[-1].text))])
    return Talk(found, "completion", setting, {"tools": given(rng, setting)}, unfinished)


def given(rng: Random, setting: Setting) -> list[str] | list[Namespace] | None:
    """What is passed as the tools: nothing, the names of those that there are, or all namespaces."""
    namespaces = [tool for message in setting.messages for tool in getattr(message.content, "tools", ())]
    undeclared = setting.tools == UNDECLARED
    return rng.choice([None, [tool.name for tool in setting.tools], None if undeclared else namespaces])


randoms = st.randoms(use_true_random=True)
talks = st.one_of(randoms.map(transcript), randoms.map(lambda rng: transcript(rng, "prompt")), randoms.map(completion))
