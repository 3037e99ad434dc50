"""Constraints in llguidance: renders are admitted, samples are valid, and other completions are refused."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harmony_spec import (
    ChannelConfig,
    ConversionError,
    DeveloperContent,
    Message,
    ResponseFormat,
    SystemContent,
    browser_tools,
    codec,
    decode,
    parse,
    python_tools,
    render,
    tools_from_json,
    validate,
)
from harmony_spec.adapters import from_chat
from harmony_spec.constraints import Constraint, constrain

from .conftest import examples
from .constraining import admits, consumed, ids, matcher, sample
from .strategies import contents

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city"],
    "additionalProperties": False,
}
ANSWER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def function(name: str, parameters: Any = WEATHER, **keys: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters, **keys}}


TOOLS = [function("get_weather"), {"type": "function", "function": {"name": "now"}}]
NOW = {"type": "function", "name": "now"}
BUILTINS = ["browser", "python"]
FORMAT = {"type": "json_schema", "json_schema": {"name": "count", "schema": ANSWER}}
OFFERED = constrain(tools=TOOLS, builtins=BUILTINS)


# Renders.


@st.composite
def completions(draw: st.DrawFn) -> list[Message]:
    """Thoughts, a preamble or none, and a call or an answer, in any spelling."""
    found = [said("analysis", draw(contents)) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        found.append(said("commentary", draw(contents)))
    typed = draw(st.sampled_from([{}, {"content_type": "json"}, {"content_type": "json", "constrain": True}]))
    last = draw(
        st.sampled_from(
            [
                said("final", draw(contents)),
                said("final", '{"n": 1}', **{"content_type": "json", **typed}),
                said("commentary", '{"city": "Ulm", "days": 3}', recipient="functions.get_weather", **typed),
                said("commentary", draw(st.sampled_from(["", "{}"])), recipient="functions.now", **typed),
                said("analysis", '{"query": "x"}', recipient="browser.search", **typed),
                said("analysis", "print(1)", recipient="python"),
                said("analysis", draw(contents), recipient="python", content_type="code"),
            ]
        )
    )
    spelling = draw(st.sampled_from([(), ("recipient_last",), ("recipient_last", "unspaced"), ("unspaced",)]))
    last.variants = (*spelling, "call" if last.recipient else "return")
    return [*found, last]


def said(channel: str, content: str, **fields: Any) -> Message:
    return Message(role="assistant", channel=channel, content=content, **fields)


@examples(120)
@given(completions(), st.sampled_from(get_args(codec.Style)))
def test_every_render_in_every_style_is_admitted(messages: list[Message], style: codec.Style) -> None:
    tokens = written(messages, style)
    assert admits(OFFERED.lark(), tokens)
    assert admits(OFFERED.lark(portable=True), tokens)
    assert admits(constrain(tools=TOOLS, builtins=BUILTINS, profile="canonical").lark(), tokens) == (
        is_canonical(messages[-1], tokens)
    )


def written(messages: list[Message], style: codec.Style) -> list[int]:
    """A completion, as the model writes it: an answer ends with the stop token that history does not keep."""
    tokens = render(messages, "completion", style=style)
    return tokens if messages[-1].recipient else [*tokens[:-1], codec.SPECIAL_TOKENS["<|return|>"]]


def is_canonical(message: Message, tokens: list[int]) -> bool:
    if message.channel == "final" and message.content_type:
        return False
    alone = written([message], "openai")
    return tokens[-len(alone) :] == alone


VALID = [
    "<|channel|>analysis<|message|>Think.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
    "<|channel|>final<|message|><|return|>",
    '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city":"Ulm"}<|call|>',
    ' to=functions.get_weather<|channel|>commentary json<|message|>{ "city" : "Ulm" }<|call|>',
    "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant to=functions.now<|channel|>commentary"
    "<|message|>{}<|call|>",
    "<|channel|>analysis to=python code<|message|>print(1)<|call|>",
    '<|channel|>final <|constrain|>json<|message|>{"a":[1]}<|return|>',
]
INVALID = [
    "Yes.<|return|>",
    "<|channel|>final<|message|>Yes.<|end|>",
    "<|channel|>final<|message|>Yes.<|call|>",
    "<|channel|>analysis<|message|>Think.<|return|>",
    "<|channel|>analysis<|message|>Think.<|end|><|start|>user<|message|>No.<|end|>",
    "<|channel|>finally<|message|>Yes.<|return|>",
    "<|channel|>final<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>",
    "<|channel|>final to=functions.now<|message|>{}<|call|>",
    "<|channel|>analysis to=functions.now<|message|>{}<|call|>",
    "<|channel|>commentary to=python code<|message|>1<|call|>",
    "<|channel|>commentary to=functions.later<|message|>{}<|call|>",
    "<|channel|>commentary to=functions.now<|message|>{}<|return|>",
    "<|channel|>commentary to=functions.get_weather<|message|>{}<|call|>",
    '<|channel|>commentary to=functions.get_weather<|message|> {"city":"Ulm"}<|call|>',
    '<|channel|>commentary to=functions.get_weather<|message|>{"city":"Ulm","days":10}<|call|>',
    '<|channel|>commentary to=functions.get_weather<|message|>{"city":"Ulm"<|call|>',
    '<|channel|>commentary to=functions.get_weather<|message|>{"city":"<|end|>"}<|call|>',
    "<|channel|>analysis json<|message|>Think.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
    "<|channel|>final code<|message|>Yes.<|return|>",
    "<|channel|>analysis<|message|>A<|constrain|>B<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
    "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>analysis<|message|>A<|end|>"
    "<|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
]


@pytest.mark.parametrize("portable", [False, True])
def test_examples(portable: bool) -> None:
    grammar = OFFERED.lark(portable=portable)
    assert [text for text in VALID if not admits(grammar, text)] == []
    assert [text for text in INVALID if admits(grammar, text)] == []


@pytest.mark.parametrize("portable", [False, True])
def test_tools_whose_channel_is_not_known_are_called_beside_others(portable: bool) -> None:
    """llguidance takes the longest terminal that fits: the header of a function must not hide that of another tool."""
    made = constrain(tools=[*TOOLS, "g", "get", "functions"], builtins=["python"])
    grammar = made.lark(portable=portable)
    for channel, name in product(
        ("commentary", "analysis"), ("g", "get", "functions", "g code", "get <|constrain|>code")
    ):
        assert admits(grammar, f"<|channel|>{channel} to={name}<|message|>{{}}<|call|>"), (channel, name)
    assert admits(grammar, "<|channel|>commentary to=functions.now json<|message|>{}<|call|>")
    assert not admits(grammar, "<|channel|>commentary to=ge<|message|>{}<|call|>")


# Samples.


def report_of(tokens: list[int], constraint: Constraint, tools: Any) -> list[Any]:
    messages = parse(tokens, "completion").messages
    assert messages
    return list(validate(tokens, "completion", tools=tools, tokenization=False).diagnostics)


@pytest.mark.parametrize("seed", range(12))
def test_samples_parse_and_validate(seed: int) -> None:
    """Under the mask, and the canonical ones under the mask of all spellings too."""
    tools = [*tools_from_json(TOOLS), browser_tools(), python_tools()]
    for profile in ("accepting", "canonical"):
        constraint = constrain(tools=TOOLS, builtins=BUILTINS, profile=profile)
        if tokens := sample(constraint.lark(), seed):
            assert report_of(tokens, constraint, tools) == []
            assert admits(OFFERED.lark(), tokens)


@pytest.mark.parametrize("seed", range(6))
def test_choices_of_tools(seed: int) -> None:
    """Required and named ones always call, none never; a format binds the answers."""
    for choice, recipients in (
        ("required", {"functions.get_weather", "functions.now", "python"}),
        ({"type": "function", "function": {"name": "now"}}, {"functions.now"}),
        (NOW, {"functions.now"}),
        ({"type": "function", "name": "python"}, {"python"}),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "now"}]},
            {"functions.now"},
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "now"}]},
            {"functions.now", None},
        ),
        ("none", {None}),
    ):
        made = constrain(tools=TOOLS, builtins=["python"], tool_choice=choice, response_format=FORMAT)
        if tokens := sample(made.lark(), seed):
            last = parse(tokens, "completion").messages[-1]
            assert last.recipient in recipients
            if last.recipient is None:
                Draft202012Validator(ANSWER).validate(json.loads(last.text))
    assert not admits(constrain(tools=TOOLS, tool_choice="required").lark(), VALID[0])
    assert not admits(constrain(tools=TOOLS, tool_choice="none").lark(), VALID[2])


def test_invalid_arguments_are_refused() -> None:
    for keys, pointer in (
        ({"tool_choice": "now"}, "/tool_choice"),
        ({"tool_choice": {"type": "function", "name": "then"}}, "/tool_choice"),
        ({"tool_choice": "required", "tools": []}, "/tool_choice"),
        ({"tools": [function("f", {"a": float("nan")})]}, "/schemas/functions.f"),
        ({"tools": [{"type": "function"}]}, "/tools/0/name"),
        ({"builtins": ["perl"]}, "/builtins"),
        ({"after": "<|channel|>finally"}, "/after"),
        ({"after": ' to=functions.now<|channel|>commentary<|message|>{"'}, "/after"),
    ):
        with pytest.raises(ConversionError) as caught:
            constrain(**{"tools": TOOLS, **keys}).lark()
        assert caught.value.pointer == pointer
    with pytest.raises(ValueError, match="unknown profile 'loose'"):
        constrain(profile="loose")
    with pytest.raises(TypeError, match="pass a list"):
        constrain(tools="functions.f")


# Prompts.


def test_a_prompt_declares_tools_channels_and_formats() -> None:
    settings = SystemContent(tools=[python_tools()])
    simple = {**WEATHER, "properties": {"city": {"type": "string"}, "days": {"type": "number"}}}
    tools = [function("get_weather", simple), TOOLS[1]]
    developer = DeveloperContent(tools=tools_from_json(tools), response_formats=[ResponseFormat("count", ANSWER)])
    prompt = [Message("system", settings), Message("developer", developer), Message("user", "Hi")]
    passed = constrain(tools=tools, builtins=["python"], response_format=FORMAT)
    assert constrain(prompt).lark() == passed.lark()
    texts = [Message(m.role, m.text) for m in prompt]
    assert constrain(texts).lark() == passed.lark()
    chat = from_chat([{"role": "user", "content": "Hi"}], tools=tools, response_format=FORMAT, settings=settings)
    assert constrain(chat.messages).lark() == passed.lark()
    silent = SystemContent(channel_config=ChannelConfig(valid_channels=["analysis", "final"]))
    assert consumed(constrain([Message("system", silent)]).lark(), ids("<|channel|>commentary")) == 1
    assert consumed(constrain([Message("user", "Hi")]).lark(), ids(" to=")) == 0


# Headers that are written already.


@examples(160)
@given(data=st.data())
def test_after_is_the_derivative(data: st.DataObject) -> None:
    """The rest of what is admitted, and nothing else, wherever text is cut; ids mean what their text means."""
    text = data.draw(st.sampled_from([*VALID, *INVALID]))
    limit = text.find("{")
    at = data.draw(
        st.sampled_from([m.start() for m in re.finditer("<[|]|[a-z]|$", text[: limit if limit > 0 else None])])
    )
    if "<|" in text[max(at - 14, 0) : at] and "|>" not in text[text.rfind("<|", 0, at) : at]:
        at = text.rfind("<|", 0, at)  # not inside of a special token
    try:
        rest = constrain(tools=TOOLS, builtins=BUILTINS, after=text[:at]).lark()
    except ConversionError:
        assert text in INVALID
        return
    assert admits(rest, text[at:]) == admits(OFFERED.lark(), text)
    assert constrain(tools=TOOLS, builtins=BUILTINS, after=ids(text[:at])).lark() == rest


# Stop tokens of the engine.


def test_stop_tokens_of_the_engine_are_left_out() -> None:
    for stops, text, inexact in (
        ([199999], VALID[0], 0),
        ([200002], VALID[0].removesuffix("<|return|>"), 0),
        ([200002], VALID[2], 0),
        ([200002, 199999, 200012], VALID[2].removesuffix("<|call|>"), 4),
    ):
        made = constrain(tools=TOOLS, stops=stops)
        assert admits(made.lark(), text), decode(ids(text))
        assert len(made.report.inexact_stops) == inexact
    assert constrain(tools=["functions.f"]).report.lines("gbnf") == [
        "gbnf: an engine that stops at <|return|> may also end a completion with it in place of <|call|>",
        "gbnf: an engine that stops at <|call|> may also end a completion with it in place of <|return|>",
    ]


# Hostile names and schemas.

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    [
        'a"b',
        "a\\b",
        "%json",
        "a%b",
        "a\nb",
        "<|end|>",
        "a<",
        "/x/",
        "a|b",
        "({[",
        "'",
        "\u2028",
        "\x00",
        "é🎉",
        "a#b",
        "{}",
    ]
)


@examples(120)
@given(names)
@example("\x1c")
def test_hostile_names_are_admitted_exactly(name: str) -> None:
    """By name, since OpenAI's definitions allow few names: that name alone, or a report."""
    made = constrain(tools=[f"functions.{name}"])
    header, tail = "<|channel|>commentary to=functions.", "<|message|>{}<|call|>"
    word = ids(header) + codec.encode(name, allowed_special="all")
    if re.fullmatch(codec.FORMAT.patterns["recipient"][0], name):
        assert admits(made.lark(), word + ids(tail))
        assert not admits(made.lark(), word + codec.encode("x") + ids(tail))
        assert not admits(made.lark(), ids(header) + ids(tail))
        assert made.lark() == constrain(tools=[f"functions.{name}"]).lark()
    else:
        assert made.report.left_out == {f"functions.{name}": "no header can have its name"}
        assert consumed(made.lark(), ids(header)) < len(ids(header))


def values_of(keyword: str, *values: Any) -> list[dict[str, Any]]:
    return [{keyword: value} for value in values]


keywords = st.sampled_from(
    [
        *(
            {"type": each}
            for each in ("string", "integer", "number", "object", "array", "null", ["string", "null"], "foo", [])
        ),
        *(
            {"$ref": each}
            for each in ("#", "#/$defs/a", "#/nope", "http://127.0.0.1:9/x", "#a", "#/properties/a", "a.json")
        ),
        {"$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"$defs": {"a": {"type": "string"}}},
        {"$id": "http://127.0.0.1:9/y", "$schema": "http://127.0.0.1:9/z"},
        *(
            {"pattern": each}
            for each in ("^a+$", "(?=a)b", "a\\b", "[", "(a)\\1", "\\d{2}", "(a{200}){200}", "x|^y$", "\\p{L}")
        ),
        *values_of("format", "date", "foo", "uuid", 3),
        *values_of("minLength", 2, 2.0, -1, 10**9, "x", True),
        *values_of("maximum", 3, -1.5, 2**70, None),
        {"minimum": 4},
        {"exclusiveMinimum": True},
        {"multipleOf": 0},
        {"multipleOf": 0.5},
        {"not": {}},
        {"if": {}, "then": False},
        {"uniqueItems": True},
        {"contains": {"type": "string"}},
        {"x-guidance": {"lenient": True, "coerce_one_of": True}},
        {"enum": []},
        {"enum": [1, "a", None, {"b": [1]}, '"}<|end|>%']},
        {"const": "a\nb"},
        {"required": ["a"]},
        {"required": "a"},
        {"additionalProperties": False},
        {"minItems": 1, "items": False},
        {"items": [{"type": "string"}]},
        {"prefixItems": [{}, {"type": "null"}]},
        {"minItems": 2, "maxItems": 1},
        {"maxProperties": 1},
        {"patternProperties": {"^x": {"type": "null"}}},
        {"description": '%llguidance {} start: "x" <|end|> /a/'},
    ]
)


NAMED = "properties"


def merged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for row in rows for key, value in row.items()}


flat = st.lists(keywords, max_size=3).map(merged)
schemas = st.recursive(
    flat | st.booleans() | flat,
    lambda inner: st.builds(
        lambda base, key, parts: {
            **base,
            key: dict(zip(["a", 'b"%'], parts, strict=False)) if key == "properties" else parts,
        },
        flat,
        st.sampled_from([NAMED, "anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=6,
)


@examples(300)
@given(schemas)
def test_hostile_schemas_make_a_grammar_or_a_report(schema: Any) -> None:
    """Nothing is fetched, and what no keyword is reported for is enforced."""
    made = constrain(tools=[function("f", schema)])
    if "functions.f" in made.report.left_out:
        return
    grammar = made.lark()
    assert grammar == constrain(tools=[function("f", schema)]).lark()
    matcher(grammar)
    text = "<|channel|>commentary to=functions.f<|message|>{}<|call|>"
    if not made.report.lines("lark") and admits(grammar, text):
        assert made.admits(text)


def test_what_a_target_cannot_enforce_is_said_of_its_argument() -> None:
    """Stop tokens that an engine adds are not a fault of the tools."""
    stops = [codec.FORMAT.encoding.special[spelling] for spelling in ("<|return|>", "<|call|>")]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for options, write in (({"stops": stops}, "lark"), ({}, "gbnf")):
        constraint = constrain((), tools=[tool], on_unenforced="error", **options)
        with pytest.raises(ConversionError) as caught:
            getattr(constraint, write)()
        assert caught.value.pointer == "/stops"
