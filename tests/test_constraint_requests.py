"""What the settings of a request let a model write: tool choices, custom tools, formats of answers."""

from __future__ import annotations

from typing import Any

import pytest

from harmony_spec import ChannelConfig, ConversionError, Message, RenderError, SystemContent, parse
from harmony_spec.constraints import constrain

from .test_constraints import FORMAT, TOOLS

SHELL = {"type": "custom", "custom": {"name": "shell", "description": "Runs a command."}}
SQL = {"type": "custom", "name": "sql"}
NOW = {"type": "function", "function": {"name": "now"}}

COMPLETIONS = {
    "shell": '<|channel|>commentary to=functions.shell<|message|>{"input": "ls"}<|call|>',
    "sql": '<|channel|>commentary to=functions.sql <|constrain|>json<|message|>{"input": "SELECT 1"}<|call|>',
    "now": "<|channel|>commentary to=functions.now<|message|>{}<|call|>",
    "python": "<|channel|>analysis to=python code<|message|>print(1)<|call|>",
    "text": "<|channel|>final<|message|>Yes.<|return|>",
    "count": '<|channel|>final <|constrain|>json<|message|>{"n": 1}<|return|>',
    "object": "<|channel|>final json<|message|>{}<|return|>",
}


def schema_of(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "count", "schema": schema}}


CALLS, ANSWERS = {"shell", "sql", "now", "python"}, {"text", "count", "object"}


def writable(**settings: Any) -> set[str]:
    made = constrain(**{"tools": [*TOOLS, SHELL, SQL], "builtins": ["python"], **settings})
    return {name for name, text in COMPLETIONS.items() if made.admits(text)}


def allowed(*tools: Any, mode: Any = "auto") -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [*tools]}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, CALLS | ANSWERS),
        ("auto", CALLS | ANSWERS),
        ("required", CALLS),
        ("none", ANSWERS),
        (NOW, {"now"}),
        ({"type": "function", "name": "python"}, {"python"}),
        ({"type": "custom", "custom": {"name": "shell"}}, {"shell"}),
        ({"type": "custom", "name": "sql"}, {"sql"}),
        (allowed(NOW, SHELL), {"now", "shell"} | ANSWERS),
        (allowed(NOW, SHELL, mode="required"), {"now", "shell"}),
        ({"type": "allowed_tools", "mode": "required", "tools": [SQL]}, {"sql"}),
        (allowed(), ANSWERS),
    ],
)
def test_choices(choice: Any, expected: set[str]) -> None:
    assert writable(tool_choice=choice) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, ANSWERS),
        ({"type": "text"}, ANSWERS),
        ({"type": "json_object"}, {"count", "object"}),
        (FORMAT, {"count"}),
        ({"type": "json_schema", "json_schema": {"name": "any"}}, {"count", "object"}),
        (schema_of(None), {"count", "object"}),
        ({"type": "json_schema", "json_schema": {"name": "nothing", "schema": {"allOf": [False]}}}, set()),
    ],
)
def test_formats_of_answers(form: Any, expected: set[str]) -> None:
    assert writable(response_format=form) == CALLS | expected
    if expected:
        assert writable(response_format=form, tool_choice="none") == expected
    assert writable(response_format=form, tool_choice="required") == CALLS


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"tool_choice": {"type": "function"}}, "/tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "/tool_choice"),
        ({"tool_choice": []}, "/tool_choice"),
        ({"tool_choice": allowed(NOW, mode="never")}, "/tool_choice/allowed_tools/mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "never", "tools": [NOW]}}, "/tool_choice/mode"),
        ({"tool_choice": {"type": "allowed_tools"}}, "/tool_choice/tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": "now"}}},
            "/tool_choice/allowed_tools/tools",
        ),
        ({"tool_choice": "Auto"}, "/tool_choice"),
        ({"tool_choice": {"type": "function", "function": "now"}}, "/tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "functions.now"}}}, "/tool_choice"),
        ({"tool_choice": allowed(mode="required")}, "/tool_choice/allowed_tools/tools"),
        ({"response_format": {"type": "xml"}}, "/response_format/type"),
        ({"response_format": {"type": "json_schema"}}, "/response_format/json_schema"),
        ({"response_format": schema_of([])}, "/response_format/json_schema/schema"),
        ({"response_format": schema_of("{}")}, "/response_format/json_schema/schema"),
        ({"stops": [200002, 5]}, "/stops/1"),
        ({"stops": ["<|return|>"]}, "/stops/0"),
        ({"stops": [True]}, "/stops/0"),
        ({"after": "<|start|>assistant<|channel|>final"}, "/after"),
        ({"builtins": {"name": "db", "parameters": "{}"}}, "/schemas/db"),
        (
            {"response_format": FORMAT | {"json_schema": {"name": "x", "schema": False}}, "tool_choice": "none"},
            "/tool_choice",
        ),
    ],
)
def test_invalid_settings_are_refused(settings: Any, pointer: str) -> None:
    with pytest.raises(ConversionError) as caught:
        writable(**settings)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("tools", [{"tools": TOOLS}, TOOLS[0], b"now", "functions.now", 5])
def test_tools_are_a_list(tools: Any) -> None:
    """The keys of a dict are not names of tools."""
    with pytest.raises(TypeError, match=r"pass a list|expected a list"):
        constrain(tools=tools)


@pytest.mark.parametrize("before", [[], ["functions.a"], ["functions.a", {"name": "b"}, "web.c"]])
def test_a_wrong_tool_is_named_by_its_place_in_the_list(before: list[Any]) -> None:
    """Names of tools before it count."""
    with pytest.raises(ConversionError) as caught:
        constrain(tools=[*before, {"type": "function", "function": {"name": 5}}])
    assert caught.value.pointer == f"/tools/{len(before)}/function/name"


def test_errors_name_the_cause() -> None:
    never = {"type": "function", "function": {"name": "never", "parameters": False}}
    for settings, words in (
        ({"after": "<|channel|>final<|message|>x<|end|>"}, "unexpected '<|end|>' at character 28"),
        ({"tool_choice": "now"}, 'pass {"type": "function", "name": NAME}'),
        (
            {"tools": [never], "tool_choice": "required"},
            "functions.never is left out: no JSON value matches its schema",
        ),
    ):
        with pytest.raises(ConversionError) as caught:
            constrain(**{"tools": TOOLS, **settings}).lark()
        assert words in str(caught.value)


def test_formats_of_custom_tools_are_reported() -> None:
    """A custom tool may have a grammar for its text, which stands in a string of JSON here."""
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}}
    named = {"type": "custom", "custom": {"name": "sql", "format": grammar}}
    made = constrain(tools=[SHELL, named, {**SQL, "name": "text", "format": {"type": "text"}}])
    assert made.report.lines("lark") == ["lark: functions.sql: /format is not enforced"]
    assert made.admits(COMPLETIONS["sql"])


# Prompts.

CLOSED = "} // namespace functions"
TYPES = "# Tools\n\n## functions\n\nnamespace functions {\n\ntype now = (_: {\ncity: %s,\n}) => any;\n\n" + CLOSED


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        ("Be nice.", [], set()),
        (TYPES % "string", [], {"now"}),
        (TYPES % "strin g", ["lark: functions.now: /x-unread-type is not enforced"], {"now"}),
        (
            TYPES.removesuffix(CLOSED),
            ["message 0 is left out: its text does not match the grammar, so nothing in it is declared"],
            set(),
        ),
    ],
)
def test_prompts_that_cannot_be_read_are_reported(text: str, lines: list[str], expected: set[str]) -> None:
    """A tool with an unreadable type is called with any arguments."""
    made = constrain([Message("developer", text), Message("user", "Hi")])
    assert made.report.lines("lark") == lines
    call = '<|channel|>commentary to=functions.now<|message|>{"city": "Ulm"}<|call|>'
    assert {name for name in ("now",) if made.admits(call)} == expected
    assert made.admits(COMPLETIONS["text"])


def test_tools_without_a_valid_channel_are_reported() -> None:
    prompt = [Message("system", SystemContent(channel_config=ChannelConfig(valid_channels=["analysis", "final"])))]
    made = constrain(prompt, tools=TOOLS[:1], builtins=["python"])
    assert made.report.left_out == {
        "functions.get_weather": "the prompt does not list the channel of its calls",
    }
    assert constrain(iter(prompt), tools=TOOLS[:1], builtins=["python"]).lark() == made.lark()
    assert made.admits(COMPLETIONS["python"])


def test_an_answer_has_the_name_of_a_tool_that_is_left_out() -> None:
    never = {"type": "function", "function": {"name": "f", "parameters": False}}
    form = {"type": "json_schema", "json_schema": {"name": "functions.f", "schema": {"type": "object"}}}
    made = constrain(tools=[never], response_format=form)
    assert made.admits(COMPLETIONS["object"])
    assert [*made.report.left_out] == ["functions.f"]


TRANSCRIPT = "<|start|>user<|message|>Hi<|end|>"


@pytest.mark.parametrize("prompt", [TRANSCRIPT, {"messages": []}, Message("user", "Hi"), parse(TRANSCRIPT)])
def test_prompts_are_lists_of_messages(prompt: Any) -> None:
    with pytest.raises(TypeError, match="expected a list of messages"):
        constrain(prompt)
    with pytest.raises(RenderError, match="expected a Message, got dict"):
        constrain([{"role": "user", "content": "Hi"}])
