"""What the settings of a request let a model write: tool choices, custom tools, formats of answers."""

from __future__ import annotations

from typing import Any

import pytest

from harmony_spec import ConversionError
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
CALLS, ANSWERS = {"shell", "sql", "now", "python"}, {"text", "count", "object"}


def writable(**settings: Any) -> set[str]:
    made = constrain(tools=[*TOOLS, SHELL, SQL], builtins=["python"], **settings)
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
        ({"tool_choice": allowed(mode="required")}, "/tool_choice"),
        ({"response_format": {"type": "xml"}}, "/response_format/type"),
        ({"response_format": {"type": "json_schema"}}, "/response_format/json_schema"),
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
