"""What is found in arguments, schemas and contents, case by case, and what looks like a mistake and is none."""

from __future__ import annotations

import json
import re
import socket
import unicodedata
from math import inf, nan
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harmony_spec import DeveloperContent, Diagnostic, Message, Namespace, ResponseFormat, Tool, render_text, validate
from harmony_spec.validation.breaches import InvalidSchema
from harmony_spec.validation.budget import Budget, UnfinishedCheck
from harmony_spec.validation.json_text import read_json
from harmony_spec.validation.schemas import find_breaches, find_schema_error
from harmony_spec.validation.token_checks import INVISIBLE

from .planted_mistakes import DISGUISES
from .recovery_strategies import tokens_of
from .schema_strategies import near, schemas, values

HEAD = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>"
DECLARES = Message("developer", DeveloperContent("Go.", [Namespace("functions", tools=[Tool("f", None, {})])]))


def said_of(arguments: str, takes: Any = None) -> list[Diagnostic]:
    """What is said of a call with some arguments; where `takes` is None, nothing is known of the tool."""
    tools = None if takes is None else [Namespace("functions", tools=[Tool("f", None, takes)])]
    return validate(HEAD + arguments + "<|call|>", tools=tools).diagnostics


def names(found: list[Diagnostic]) -> list[str]:
    return [diagnostic.code.name for diagnostic in found]


# JSON.

VALUES = [
    {"a": -1.5e-7, "b": [True, False, None, {"": 'é\n"\\/'}], "😀": "\ud83d\ude00 x", "c": {"d": []}},
    [0, 10, 1e30, "\u0000", {}],
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_that_is_cut_anywhere(value: Any, ascii_only: bool) -> None:
    """Wherever it is cut, that is what is said, and only that."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1)
    assert read_json(text).mistakes == []
    for cut in range(1, len(text)):
        found = [name for name in names(said_of(text[:cut])) if name != "invalid-text"]  # of half a character
        assert found == ["truncated-json"], text[:cut]


@pytest.mark.parametrize("number", ["1.", "1e", "1E+", "1.5e-", "-"])
def test_a_number_that_is_cut(number: str) -> None:
    assert names(said_of(f'{{"a": {number}')) == ["truncated-json"]


@given(values, st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_text_behind_json(value: Any, junk: str) -> None:
    """What stands behind an object or array is said to, from its first character to the end."""
    text = json.dumps([value])
    assume(junk.strip(" \t\n\r") and "<|" not in junk)
    [mistake] = read_json(text + junk).mistakes
    assert mistake.code.name == "text-after-json"
    assert (text + junk)[mistake.start : mistake.end] == (text + junk)[len(text) :].lstrip(" \t\n\r")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"a": 1, "a": 2}', [9]),
        ('{"x": {"a": 1, "a": 2}, "a": 3}', [15]),
        ('{"a": {"a": "a"}, "b": ["a", "a", {"a": 1}], "a": "a"}', [45]),
        ('{"a": 1, "\\u0061": 2}', [9]),
        ('{"a": "\\"a\\": {", "a" : 2}', [18]),
        ('[{"a": 1}, {"a": 2}, {"a": 3, "a": 4, "a": 5}]', [30, 38]),
        ('{"": 1, "": 2}', [8]),
    ],
)
def test_names_that_stand_twice(text: str, places: list[int]) -> None:
    """Each is found where it stands again in its object, and nowhere else."""
    found = said_of(text)
    assert names(found) == ["duplicate-key"] * len(places)
    assert [diagnostic.span.start - len(HEAD) for diagnostic in found] == places


def test_a_stray_token_moves_no_finding() -> None:
    """What stands behind a special token in a content is found where it stands, in text and in tokens."""
    source = HEAD + '{"a": <|endoftext|>1} x<|call|>'
    found = validate(source).diagnostics[-1]
    assert source[found.span.start : found.span.end] == "x"
    tokens = tokens_of(source)
    found = validate(tokens).diagnostics[-1]
    assert tokens[found.span.start : found.span.end] == tokens_of(" x")


# Schemas.


def accepts(schema: Any, value: Any) -> bool:
    return Draft202012Validator(schema).is_valid(value)


@given(st.data())
def test_arguments_are_checked_as_the_reference_does(data: st.DataObject) -> None:
    """Arguments are said to be invalid iff `jsonschema` says so, and the pointers lead to what it names."""
    schema = data.draw(schemas())
    value = data.draw(near(schema, schema))
    assume(find_schema_error(schema, Budget()) is None)
    found = said_of(json.dumps(value).replace("<", "\\u003c"), schema)
    if names(found) == ["unfinished-check"]:  # it refers to itself without end; `jsonschema` may panic
        assert "$ref" in json.dumps(schema)
        return
    try:
        expected = accepts(schema, value)
        places = {"".join(f"/{step}" for step in error.absolute_path) for error in every(schema, value)}
    except RecursionError:  # after the first mistakes, which are all that is reported
        return
    assert (found == []) == expected
    assert set(names(found)) <= {"invalid-arguments"}
    assert {each.pointer.replace("~1", "/").replace("~0", "~") for each in found} <= places


def every(schema: Any, value: Any) -> list[Any]:
    """All that is wrong with a value, also in alternatives."""
    todo, found = list(Draft202012Validator(schema).iter_errors(value)), []
    while todo:
        found.append(todo.pop())
        todo += found[-1].context
    return found


@given(values, values)
def test_any_value_may_stand_for_a_schema(schema: Any, value: Any) -> None:
    """It is none, or values are checked against it; nothing else is raised."""
    wrong = find_schema_error(schema, Budget())
    try:
        find_breaches(schema, value, Budget())
    except InvalidSchema as error:
        assert wrong is None or wrong.args == error.args
    except UnfinishedCheck:
        assert wrong is None


@pytest.mark.parametrize(
    ("items", "is_unique"),
    [([1, True], True), ([1, 1.0], False), ([[1], [True]], True), ([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], False)],
)
def test_items_that_are_equal_in_json(items: list[Any], is_unique: bool) -> None:
    assert (said_of(json.dumps(items), {"uniqueItems": True}) == []) == is_unique
    assert accepts({"uniqueItems": True}, items) == is_unique


def test_a_remote_reference_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said where the schema is declared; arguments are not checked against it."""

    def connect(*_: object) -> None:
        raise AssertionError("the network is touched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    remote = {"type": "object", "properties": {"a": {"$ref": "https://example.com/schema.json"}}}
    content = DeveloperContent("Go.", response_formats=[ResponseFormat("form", remote)])
    answer = Message("assistant", '{"a": 1}', channel="final")
    found = validate(render_text([Message("developer", content), answer])).diagnostics
    assert names(found) == ["invalid-schema"]
    assert "https://example.com/schema.json" in found[0].evidence
    assert names(said_of('{"a": 1}', remote)) == ["invalid-schema"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "#"}, "refers to itself"),
        ({"type": "object", "properties": {"a": {"pattern": "("}}}, "'(' is not a 'regex'"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, "no target"),
        ({"type": "objekt"}, "'objekt' is not one of ['array', "),
    ],
)
def test_an_invalid_schema_of_an_offered_tool_is_said_at_its_first_call(schema: Any, reason: str) -> None:
    """No message declares it, where it would be said."""
    tools = [Namespace("functions", tools=[Tool("f", None, schema)])]
    said = validate((HEAD + '{"a": 1}<|call|>') * 2, tools=tools).diagnostics
    (found,) = (each for each in said if each.code.name != "unanswered-call")
    assert found.code.name == "invalid-schema"
    assert reason in found.evidence


def test_a_call_that_breaks_off_is_said() -> None:
    """Also where no stop token follows: the tokens were used up."""
    completion = "<|channel|>commentary to=functions.f json<|message|>"
    (found,) = validate(completion + '{"path": "01', "completion").diagnostics
    assert (found.code.name, found.evidence) == ("truncated-json", "it ends too early: unterminated string")
    assert not validate(completion, "completion").diagnostics
    assert not validate(completion + '{"path": "01"}', "completion").diagnostics


def test_an_integer_that_no_float_can_hold() -> None:
    assert said_of("1" + "0" * 400, {"multipleOf": 0.5}) == []
    assert names(said_of("1" + "0" * 400, {"multipleOf": 0.3})) == ["invalid-arguments"]


@given(st.integers(), st.integers(1, 10**6), st.integers(0, 6))
@example(1999, 1, 2)
@example(3, 1, 1)
def test_multiples_are_those_of_the_written_decimals(number: int, divisor: int, places: int) -> None:
    """19.99 is a multiple of 0.01, but not the float 19.99 of the float 0.01."""
    value, step = (float(f"{each}e-{places}") for each in (number % 10**12, divisor))
    said = said_of(repr(value), {"multipleOf": step})
    assert names(said) == (["invalid-arguments"] if number % 10**12 % divisor else [])


@pytest.mark.parametrize(("number", "divisor"), [("1e400", inf), ("1e400", 2), ("3", inf), ("-1e400", 0.5), ("3", nan)])
def test_a_number_that_no_float_can_hold(number: str, divisor: float) -> None:
    """Whether it is a multiple is not computed, and that is said."""
    assert names(said_of(number, {"multipleOf": divisor})) == ["unfinished-check"]


# Calls that are right.


@pytest.mark.parametrize("content", ["", "{}", ' {"x": 1} '])
def test_a_tool_that_takes_anything(content: str) -> None:
    """Of a call that the model has not finished nothing is said, whatever it holds."""
    source = render_text([DECLARES]) + HEAD.removesuffix(" <|constrain|>json<|message|>") + "<|message|>" + content
    assert "invalid-json" not in names(validate(source).diagnostics)


@pytest.mark.parametrize("channel", ["analysis", "commentary"])
@pytest.mark.parametrize("tool", ["python", "browser.search", "mcp.f"])
def test_calls_of_tools_of_which_only_the_name_is_known(channel: str, tool: str) -> None:
    """Nothing says who offers them, and so on which channel they are called."""
    source = f"<|channel|>{channel} to={tool}<|message|>x<|call|>"
    assert validate(source, "completion", tools=[tool]).diagnostics == []


def test_an_unread_offer_makes_no_call_wrong() -> None:
    """Where tools are offered in words that nothing reads, it is not known which ones."""
    system = "# Valid channels: analysis, commentary, final. Channel must be included for every message."
    source = f"<|start|>system<|message|>{system}<|end|><|start|>developer<|message|># Tools\n\nf: it.<|end|>"
    assert names(validate(source + HEAD + "{}<|call|>").diagnostics) == ["unread-content"]


# What looks like a special token, and what does not.

INNOCENT = [
    *(
        "if a <| b |> c: x |> f <| y",
        "p <|> q <$> r",
        "| a | b |\n|---|:-:|",
        "<div class='a'>|</div>",
        "<a|b>",
        "|x⟩⟨y|",
    ),
    *("«|»", "《|end|》", "【|start|】", "〈|x|〉", "<|im_end|>é", "<|END|>é", "< |end| >é", "＜ ｜end｜ ＞"),
    *(
        "<｜end▁of▁sentence｜>",
        "‹é|end|",
        "ｅｎｄ",
        "Конец <|конец|>",
        "<|τέλος|>",
        "終わり＜｜終｜＞",
        "<|结束|>",
        "𝔢𝔫𝔡",
    ),
    *("\u200b\u200b", "<|\u200b|>", "\u202bشكرا\u202c <|نهاية|>", "👩\u200d👩\u200d👧", "🏴\U000e0067\U000e007f"),
    *("Ω<|Ω|>Ω", "‖end‖", "∥start∥", "<\u200bb>é|"),
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_special_token(text: str) -> None:
    source = f"<|start|>user<|message|>{text}<|end|>"
    assert validate(source).diagnostics == []
    assert validate(tokens_of(source)).diagnostics == []


@pytest.mark.parametrize("text", DISGUISES)
@pytest.mark.parametrize("before", ["", "<|", "é", "<|x", "<", "<|end|"])
def test_what_looks_like_a_special_token(text: str, before: str) -> None:
    """Whatever stands before it, it is found, and nothing more than it."""
    source = f"<|start|>user<|message|>{before}{text}<|end|>"
    found = validate(source).diagnostics
    assert names(found) == ["disguised-special-token"]
    assert source[found[0].span.start : found[0].span.end] == text


def test_all_that_is_invisible_is_known() -> None:
    """What Unicode calls a format character shows nothing, but for those that stand around numbers and in scripts."""
    visible = [0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD]
    formats = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"}
    shown = {char for char in formats if ord(char) in visible or 0xFFF9 <= ord(char) <= 0xFFFB}
    shown |= {char for char in formats if 0x13430 <= ord(char) <= 0x1343F}
    assert not [char for char in formats - shown if not re.fullmatch(f"[{INVISIBLE}]", char)]


# Calls inside of calls.


@pytest.mark.parametrize(
    ("arguments", "is_call"),
    [
        ('{"name": "f", "arguments": {}}', True),
        ('{"name": "functions.f", "parameters": {"a": 1}}', True),
        ('{"recipient_name": "functions.f", "parameters": {}}', True),
        ('{"type": "function", "function": {"name": "f", "arguments": "{}"}}', True),
        ('{"name": "Sunday", "parameters": {"a": 1}}', False),
        ('{"function": "sin", "arguments": [1]}', False),
        ('{"arguments": {"a": 1}}', False),
    ],
)
def test_a_tool_of_which_nothing_is_known_may_take_what_looks_like_a_call(arguments: str, is_call: bool) -> None:
    """Where no schema tells arguments from a call, only the name of the tool does."""
    assert names(said_of(arguments)) == ["call-envelope"] * is_call


def test_an_answer_is_compared_with_a_few_forms() -> None:
    """With more than the limit, it is not known whether it has one of them."""
    for forms, expected in ((8, "invalid-answer"), (9, "unfinished-check")):
        developer = DeveloperContent("Be brief.", [], [ResponseFormat(f"f{n}", {"type": "null"}) for n in range(forms)])
        talk = [Message("developer", developer), Message("user", "Hi."), Message("assistant", "7", channel="final")]
        assert [each.code.name for each in validate(render_text(talk)).diagnostics] == [expected]
