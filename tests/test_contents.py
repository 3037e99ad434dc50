"""Structured contents: what is written is the guide's text, and a text is a structure only if that writes it again."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st

from harmony_spec import RenderError, codec, from_json, parse, render, render_text, to_json, validate
from harmony_spec.codec import ChannelConfig, DeveloperContent, Message, Namespace, ResponseFormat, SystemContent, Tool

from .conftest import examples

LOCATION = {"type": "object", "properties": {"city": {"type": "string", "description": "Where."}}, "required": ["city"]}
FUNCTIONS = Namespace("functions", tools=[Tool("weather", "The weather.\nToday.", LOCATION), Tool("time")])
PYTHON = Namespace("python", "Runs code.\n\nSlowly.")
CHANNELS = ChannelConfig(["final"], True, False)

FUNCTIONS_TEXT = """\
## functions

namespace functions {

// The weather.
// Today.
type weather = (_: {
// Where.
city: string,
}) => any;

type time = () => any;

} // namespace functions"""

PYTHON_TEXT = "## python\n\nRuns code.\n\nSlowly."

SYSTEM_TEXT = f"""\
You are ChatGPT, a large language model trained by OpenAI.
Knowledge cutoff: 2024-06
Current date: 2025-06-28

Reasoning: high

# Tools

{PYTHON_TEXT}

# Valid channels: analysis, commentary, final. Channel must be included for every message.
Calls to these tools must go to the commentary channel: 'functions'."""

DEVELOPER_TEXT = f"""\
# Instructions

Be brief.

# Tools

{FUNCTIONS_TEXT}

{PYTHON_TEXT}

# Response Formats

## answer

// The answer.
{{"type":"object","title":"\u00e9"}}

## word

{{"type":"string"}}"""


def wrong(value: Any) -> Any:
    """A value of a type that is not declared."""
    return value


def system() -> SystemContent:
    return SystemContent(conversation_start_date="2025-06-28", reasoning_effort="high", tools=[PYTHON])


def developer() -> DeveloperContent:
    answer = ResponseFormat("answer", {"type": "object", "title": "\u00e9"}, "The answer.")
    return DeveloperContent("Be brief.", [FUNCTIONS, PYTHON], [answer, ResponseFormat("word", {"type": "string"})])


def read(text: str, role: Any = "developer") -> Any:
    return parse(f"<|start|>{role}<|message|>{text}<|end|>").messages[0].content


def shown(content: Any) -> Any:
    """Equality is that of texts: this tells structures apart."""
    return content if isinstance(content, str) else (type(content), dataclasses.asdict(content))


CALLS = "\nCalls to these tools must go to the commentary channel: 'functions'."


def test_the_texts_of_the_guide() -> None:
    messages = [Message("system", system()), Message("developer", developer())]
    text = f"<|start|>system<|message|>{SYSTEM_TEXT}<|end|><|start|>developer<|message|>{DEVELOPER_TEXT}<|end|>"
    assert render_text(messages) == text
    assert parse(text).messages == parse(render(messages)).messages == messages
    assert shown(read(DEVELOPER_TEXT)) == shown(developer())
    assert system().text() == SYSTEM_TEXT.removesuffix(CALLS)
    assert FUNCTIONS.text() == FUNCTIONS_TEXT
    assert PYTHON.text() == PYTHON_TEXT


SETTINGS: dict[str, list[Any]] = {
    "model_identity": [None, "I am."],
    "knowledge_cutoff": [None, "2024-06"],
    "conversation_start_date": [None, "2025-06-28"],
    "reasoning_effort": [None, "low"],
    "tools": [[], [PYTHON], [FUNCTIONS, PYTHON]],
    "channel_config": [None, ChannelConfig(["final"], False, False), ChannelConfig(["a", "b"], True, True)],
}


@pytest.mark.parametrize("identity", SETTINGS["model_identity"])
@pytest.mark.parametrize("cutoff", SETTINGS["knowledge_cutoff"])
def test_every_combination_of_settings(identity: str | None, cutoff: str | None) -> None:
    """Sections are joined by blank lines, and read back field by field."""
    for others in itertools.product(*list(SETTINGS.values())[2:]):
        settings_survive((identity, cutoff, *others))


def settings_survive(chosen: tuple[Any, ...]) -> None:
    content = SystemContent(**dict(zip(SETTINGS, chosen, strict=True)))
    identity, cutoff, date, effort, tools, channels = chosen
    said = [identity, cutoff and f"Knowledge cutoff: {cutoff}", date and f"Current date: {date}"]
    sections = ["\n".join(line for line in said if line), effort and f"Reasoning: {effort}"]
    sections += ["\n\n".join(["# Tools", *(tool.text() for tool in tools)]) if tools else "", channels]
    text = "\n\n".join(section if isinstance(section, str) else section.text() for section in sections if section)
    assert content.text() == text
    alone = [item for item in chosen if item]
    if alone != [identity]:  # one free text is no structure
        assert shown(read(text, "system")) == shown(content if text else "")
    value = json.loads(json.dumps(to_json([Message("system", content)])))
    assert to_json(from_json(value)) == value
    assert from_json(value)[0].content == content
    part = value["messages"][0]["content"][0]
    present = {name for name, item in part.items() if item is not None}
    assert present == {"type"} | {name for name, item in zip(SETTINGS, chosen, strict=True) if item}


@pytest.mark.parametrize("instructions", [None, "", "Hi.\n\n# Tools", "# Instructions\n\nHi."])
@pytest.mark.parametrize("tools", [[], [FUNCTIONS], [FUNCTIONS, PYTHON], [Namespace("a", "x"), FUNCTIONS]])
@pytest.mark.parametrize("formats", [[], [ResponseFormat("r", {})]])
def test_every_combination_of_a_developer_content(
    instructions: Any, tools: list[Namespace], formats: list[ResponseFormat]
) -> None:
    content = DeveloperContent(instructions, tools, formats)
    assert shown(read(content.text())) == shown(content if content.text() else "")
    value = json.loads(json.dumps(to_json([Message("developer", content)])))
    assert to_json(from_json(value)) == value
    assert from_json(value)[0].content == content


@pytest.mark.parametrize(
    ("role", "content"),
    [
        # a configuration equals its text, which is taken for one free text
        pytest.param("system", SystemContent(None, None, None, None, [], ChannelConfig(["a"], False, False))),
        pytest.param("system", SystemContent(None, tools=[Namespace("m")], channel_config=CHANNELS)),
        pytest.param("developer", DeveloperContent(tools=[Namespace("m"), Namespace("n")])),
        pytest.param("developer", DeveloperContent(tools=[Namespace("m"), FUNCTIONS])),
        ("developer", DeveloperContent(tools=[PYTHON, FUNCTIONS])),
        ("developer", DeveloperContent(tools=[Namespace("m", "} // namespace m", [Tool("f", "} // namespace m")])])),
        ("developer", DeveloperContent(tools=[Namespace("m", "\n", [Tool("f", "a\n\nb")])])),
    ],
)
def test_no_part_is_read_as_another(role: Any, content: Any) -> None:
    assert shown(read(content.text(), role)) == shown(content)


def fixed_texts(parts: Iterable[Any]) -> Iterator[str]:
    """The texts in the parts of a rule."""
    for part in parts:
        yield from [part] if isinstance(part, str) else fixed_texts(getattr(part, "parts", ()))


WAYS = [way for rule in codec.FORMAT.contents.rules.table.values() for way in rule.ways]
SPELLED = sorted({text for way in WAYS for whole in fixed_texts(way) for text in (whole, whole.strip("\n")) if text})
hostile = st.lists(st.sampled_from([*SPELLED, "x"]), min_size=1, max_size=3).map("".join)
purposes = st.none() | hostile.map(str.rstrip).filter(bool)  # a line break at the end begins no comment
tool_texts = st.builds(Tool, hostile, purposes, st.none())


def namespaces(least: int) -> st.SearchStrategy[list[Namespace]]:
    """At most one, with at least so many tools; without tools, it may be a part of the instructions before it."""
    tools = st.lists(tool_texts, min_size=least, max_size=1)
    return st.lists(st.builds(Namespace, hostile, purposes, tools), max_size=1)


formats = st.lists(st.builds(ResponseFormat, hostile, st.just({}), purposes), max_size=1)
efforts, channels = st.sampled_from([None, "low"]), st.sampled_from([None, CHANNELS])
settings = st.builds(SystemContent, hostile, st.none() | hostile, st.none() | hostile, efforts, namespaces(0), channels)


@example(SystemContent("# Tools", "2024-06"))
@example(SystemContent("x\n\n# Tools", None))
@example(DeveloperContent(response_formats=[ResponseFormat("x {", {})]))
@examples(300)
@given(settings | st.builds(DeveloperContent, st.none() | hostile, namespaces(1), formats))
def test_a_text_that_another_part_begins_with_is_read_back_or_refused(content: Any) -> None:
    """Also at the end of a field, where only what follows makes it the beginning of another part."""
    role: Any = "system" if isinstance(content, SystemContent) else "developer"
    try:
        text = render_text([Message(role, content)])
    except RenderError:
        reject()
    found = parse(text).messages[0].content
    if isinstance(found, str):  # one free text is no structure
        assert found in (content, getattr(content, "model_identity", None))
        assert validate(text).diagnostics == []
    elif not text.endswith("\n\n<|end|>"):  # an empty line at the end of instructions is not read
        assert shown(found) == shown(content)


DEVELOPERS: list[tuple[list[Message], bool]] = [
    ([], False),
    ([Message("developer", developer())], True),
    ([Message("developer", DEVELOPER_TEXT)], True),
    ([Message("developer", "Hi."), Message("user", "?"), Message("developer", developer())], True),
    ([Message("developer", DEVELOPER_TEXT + "\n")], False),
    ([Message("user", DEVELOPER_TEXT)], False),
    ([Message("developer", DeveloperContent("Hi."))], False),
    ([Message("developer", DeveloperContent(tools=[PYTHON]))], False),
    ([Message("developer", DeveloperContent(tools=[Namespace("functions", "None.")]))], False),
]


@pytest.mark.parametrize(("others", "implied"), DEVELOPERS)
@pytest.mark.parametrize("said", [None, True, False])
@pytest.mark.parametrize("last", [True, False])
def test_where_the_line_about_calls_stands(others: list[Message], implied: bool, said: bool | None, last: bool) -> None:
    """As the conversation has it, unless it is said; and only what it does not imply is written as JSON."""
    message = Message("system", SystemContent(channel_config=ChannelConfig(["a"], False, said)))
    messages = [*others, message] if last else [message, *others]
    stands = implied if said is None else said
    for parsed in (parse(render_text(messages)).messages, parse(render(messages)).messages):
        assert parsed == messages
        found = parsed[-1 if last else 0].content
        assert isinstance(found, SystemContent)
        assert found.text().endswith(CALLS) == stands
        (part,) = to_json(parsed)["messages"][-1 if last else 0]["content"]
        assert part["channel_config"].get("function_calls", implied) == stands
        assert ("function_calls" in part["channel_config"]) == (stands != implied)
    assert render(from_json(to_json(messages))) == render(messages)


USER = Message("user", "hi")


def of_tools(*namespaces: Any) -> Message:
    return Message("developer", DeveloperContent(tools=list(namespaces)))


def settings_with(**values: Any) -> Message:
    return Message("system", SystemContent(**values))


def format_named(name: Any, schema: Any = None, description: Any = None) -> Message:
    return Message("developer", DeveloperContent(response_formats=[ResponseFormat(name, schema, description)]))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Message("user", SystemContent()), ["SystemContent", "system", "user"]),
        (Message("system", developer()), ["DeveloperContent", "developer", "system"]),
        (Message("developer", PYTHON), ["Namespace", "developer"]),
        (settings_with(model_identity=5), ["identity", "5"]),
        (settings_with(model_identity="a\nCurrent date: b"), ["identity", r"'a\nCurrent date: b'"]),
        (settings_with(reasoning_effort="max"), ["effort", "'max'"]),
        (settings_with(reasoning_effort="High"), ["effort", "'High'"]),
        (settings_with(channel_config=ChannelConfig(["a b"])), ["channel_config", "'a b'"]),
        (settings_with(channel_config=ChannelConfig(["a", 5])), ["channel_config", "5"]),
        (of_tools(Namespace("a b")), ["namespace", "name", "'a b'"]),
        (of_tools(Namespace("n", tools=[Tool("a\nb")])), ["namespace n", "name", r"'a\nb'"]),
        (of_tools(Namespace("n", tools=[Tool("a = b")])), ["namespace n", "name", "'a = b'"]),
        (of_tools(Namespace("n", tools=[Tool("f", "\ud800")])), ["namespace n: tool f", r"'\ud800'"]),
        (of_tools(Namespace("n", tools=[Tool("f", None, 5)])), ["namespace n: tool f", "5"]),
        (of_tools(Namespace("n", "a\n\n# b")), ["namespace n", "description", r"'a\n\n# b'"]),
        (format_named("a\nb"), ["response_format", "name", r"'a\nb'"]),
        (format_named("r", float("nan")), ["response_format r", "JSON"]),
        (format_named("r", {}, 5), ["response_format r", "description", "5"]),
        (Message("developer", DeveloperContent("\n\n# Response Formats\n\n## r")), ["instructions"]),
        pytest.param(settings_with(knowledge_cutoff="a\nb"), ["knowledge_cutoff", r"'a\nb'"]),
        pytest.param(settings_with(conversation_start_date=5), ["conversation_start_date", "5"]),
        pytest.param(settings_with(channel_config={}), ["channel_config", "ChannelConfig"]),
        pytest.param(settings_with(tools=5), ["tools", "5"]),
        pytest.param(settings_with(tools=[5]), ["tools", "5"]),
        pytest.param(of_tools(Tool("f")), ["tools", "Tool"]),
        pytest.param(of_tools(Namespace("n", tools=wrong([5]))), ["namespace n", "5"]),
        pytest.param(Message("developer", DeveloperContent(response_formats=wrong([5]))), ["5"]),
        pytest.param(settings_with(channel_config=ChannelConfig(wrong("final"))), ["final"]),
        pytest.param(settings_with(channel_config=ChannelConfig(["a"], False, wrong("no"))), ["no"]),
        pytest.param(format_named("r", {1: 2}), ["response_format r: JSON: a key of an object is not a str"]),
        (
            Message("developer", DeveloperContent(tools=wrong("functions.weather"))),
            ["tools: expected a list, got 'functions.weather'"],
        ),
        (Message("developer", DeveloperContent(tools=wrong([5]))), ["tools: expected a Namespace, got 5"]),
        (
            Message("developer", DeveloperContent(tools=wrong([{"type": "function", "function": {"name": "f"}}]))),
            ["tools: expected a Namespace, got {'type'", "tools_from_json makes namespaces"],
        ),
    ],
)
def test_what_cannot_be_written_names_message_field_and_value(message: Message, said: list[str]) -> None:
    for write in (render, render_text):
        with pytest.raises(RenderError) as caught:
            write([USER, message])
        assert caught.value.index == 1
        assert [word for word in said if word not in caught.value.message] == []


def test_of_two_wrong_values_the_first_one_is_named() -> None:
    channels = ChannelConfig(valid_channels=["a b"])
    with pytest.raises(RenderError) as caught:
        render([Message("system", SystemContent(knowledge_cutoff="a\nb", channel_config=channels))])
    assert caught.value.message.startswith("knowledge_cutoff: ")


def test_comparing_what_cannot_be_written_is_no_error() -> None:
    """It raises the error of writing, also from `in` and from comparing messages."""
    assert SystemContent(knowledge_cutoff="") != "x"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Be brief.", "Be brief.\n\n# Response Formats\n\n## r\n"),
        ("} // namespace functions\n\n", "} // namespace functions\n\n\n"),
        ("} // namespace functions\n", "\n"), ("} // namespace functions", "} // namespace function"),
        ("## functions", "## function"), ("namespace functions {", "namespace function {"),
        ('"type":"object"', '"type": "object"'), ("() => any", "()=>any"),
        ("# Instructions", "# Instruction"), ("# Instructions\n\n", "# Instructions\n"),
        ('"string"', '"string"\n'), ('"string"', "'string'"), ('"title":"\u00e9"', '"title":"\\u00e9"'),
    ],
)  # fmt: skip
def test_what_no_structure_writes_stays_text(old: str, new: str) -> None:
    text = DEVELOPER_TEXT.replace(old, new, 1)
    assert text != DEVELOPER_TEXT
    content = read(text)
    assert type(content) is str
    assert content == text
    tokens = render([Message("developer", text)])
    assert parse(tokens).messages == [Message("developer", text)]
    assert render(parse(tokens).messages) == tokens


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\ncity: string", "\n city: string"), ("\ncity: string,", "\ncity: string, "),
        ("\n// Where.", "\n //  Where."), ("city: string", "city: citizen"), ("// Today.", "Today."),
    ],
)  # fmt: skip
def test_a_function_is_known_however_it_is_spelled(old: str, new: str) -> None:
    """Its text is kept as long as it is not changed."""
    text = DEVELOPER_TEXT.replace(old, new, 1)
    content = read(text)
    assert [tool.name for tool in content.tools[0].tools] == ["weather", "time"]
    tokens = render([Message("developer", text)])
    assert render(parse(tokens).messages, style="as_parsed") == tokens
    content.tools[0].tools[0].name = "changed"
    assert "type changed = " in content.text()


@pytest.mark.parametrize("text", ["", "You are a pirate.", "Reasoning: max", "a\n\nb", SYSTEM_TEXT + "\n", "# Tools"])
def test_a_plain_text_stays_text(text: str) -> None:
    assert type(read(text, "system")) is str
    assert type(read(DEVELOPER_TEXT, "user")) is str


@examples(200)
@given(st.text("x\n", max_size=12), st.sampled_from(get_args(codec.Style)))
def test_empty_lines_at_the_end_of_instructions_are_read_back(instructions: str, style: codec.Style) -> None:
    """Law 1 for what is read, and for what is written: any number of them, in each style."""
    for content in (f"# Instructions\n\n{instructions}", DeveloperContent(instructions)):
        messages = parse(render_text([Message("developer", content)])).messages
        assert messages == [Message("developer", content)]
        assert parse(render_text(messages, style=style)).messages == messages


def test_a_content_equals_its_text() -> None:
    text = SYSTEM_TEXT.removesuffix(CALLS)
    assert system() == text == system() != developer()
    assert system() == SYSTEM_TEXT
    assert Message("system", system()) == Message("system", text)
    assert system() != text + " "
    assert copy.deepcopy(system()) == system() != 5
    assert Tool("f") == "type f = () => any;"


def test_what_is_said_differently_differs() -> None:
    """The texts differ, whatever the conversation; only what is left open may equal both."""
    assert ChannelConfig(["a"], False, True) != ChannelConfig(["a"], False, False)


@pytest.mark.parametrize("json_form", [False, pytest.param(True)])
def test_a_change_does_not_reach_the_next_reader(json_form: bool) -> None:
    value = to_json([Message("developer", developer())])
    for _ in range(2):
        content: Any = from_json(value)[0].content if json_form else read(DEVELOPER_TEXT)
        assert content == developer()
        content.instructions = "x"
        content.tools[0].tools[0].parameters["properties"].clear()
        content.tools[0].tools.clear()
        content.tools.clear()
        content.response_formats[0].schema["type"] = "x"


def test_threads_read_and_write_the_same() -> None:
    """Also while the caches start anew."""

    def work(number: int) -> bool:
        made = [Message("system", system()), Message("developer", DeveloperContent(f"{number % 300}", [FUNCTIONS]))]
        return parse(render(made)).messages == parse(render_text(made)).messages == made

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(1200)))


NESTED: dict[str, Any] = {
    "properties": lambda inner: {"type": "object", "properties": {"x": inner}},
    "described": lambda inner: {"type": "object", "description": "It.", "properties": {"x": inner}},
    "other properties": lambda inner: {"type": "object", "additionalProperties": inner},
    "items": lambda inner: {"type": "array", "items": inner},
    "first items": lambda inner: {"type": "array", "prefixItems": [inner]},
    "any": lambda inner: {"anyOf": [{"type": "object", "properties": {"x": inner}}, {"type": "null"}]},
    "one": lambda inner: {"oneOf": [inner, {"type": "null"}]},
    "all": lambda inner: {"allOf": [inner, {"minimum": 1}]},
}


@pytest.mark.parametrize("kind", NESTED)
def test_types_are_read_as_deep_as_they_are_written(kind: str) -> None:
    """Up to the limit; deeper ones stay text, or are refused. Reading never runs out of stack."""
    schema: Any = {"type": "string"}
    structured = []
    for _ in range(30):
        parameters = {"type": "object", "properties": {"x": schema}}
        content = DeveloperContent("", [Namespace("functions", tools=[Tool("f", None, parameters)])])
        try:
            tokens = render([Message("developer", content)])
        except RenderError as error:
            assert "deep" in str(error)
            break
        structured.append(isinstance(parse(tokens).messages[0].content, DeveloperContent))
        schema = NESTED[kind](schema)
    assert structured == sorted(structured, reverse=True)
    assert sum(structured) > 10


COLD = """
import sys, threading
from harmony_spec import DeveloperContent, Message, Namespace, Tool, parse, render_text
sys.setswitchinterval(1e-6)
schema = {"type": "object", "properties": {"q": {"oneOf": [{"type": "integer"}, {"type": "array"}]}}}
messages = [Message("developer", DeveloperContent("x", [Namespace("functions", "d", [Tool("f", "d", schema)])]))]
ready, same = threading.Barrier(16), []

def run():
    ready.wait()
    same.append(parse(render_text(messages)).messages == messages)

threads = [threading.Thread(target=run) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(same == [True] * 16)
"""


def test_several_threads_may_be_the_first_to_use_contents() -> None:
    """Rules are compiled when they are first used, by one thread."""
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
