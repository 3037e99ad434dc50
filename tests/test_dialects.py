"""Formats that differ from this one in the grammar alone: each generates, imports and keeps the laws."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from codegen import generate
from harmony_spec import ConversationError, ParseError, RenderError, Span, codec
from harmony_spec.vocabulary import load

from . import dialect
from .conftest import examples
from .strategies import messages_of, retokenized

TOOL = {"type": "object", "properties": {"city": {"type": "string", "description": "A city.", "default": "Oslo"}}}


@cache
def codec_of(name: str) -> ModuleType:
    return dialect.codec_of(name, Path(mkdtemp()))


def tokenizer_of(module: ModuleType) -> Any:
    if min(module.SPECIAL_TOKENS.values()) < 10:
        return dialect.Shifted(codec.FORMAT.encoding)
    return dialect.Pairs() if module.FORMAT.encoding.base is None else None


@pytest.mark.parametrize("name", dialect.NAMES)
@given(data=st.data())
def test_a_dialect_keeps_the_laws(name: str, data: st.DataObject) -> None:
    """Laws 1, 2 and 3: what a dialect can express survives tokens and text in every style; nothing is lost."""
    module = codec_of(name)
    tokenizer = tokenizer_of(module)
    conversation = data.draw(st.lists(messages_of(module), max_size=3))
    style = data.draw(st.sampled_from(get_args(module.Style)))
    try:
        tokens = module.render(conversation, style=style, tokenizer=tokenizer)
    except RenderError as error:
        assert error.code.code == "H201"
        reject()
    parsed = module.parse(tokens, tokenizer=tokenizer)
    assert parsed.messages == conversation
    assert [s.start for s in parsed.spans] == [0, *(s.end for s in parsed.spans)][: len(conversation)]
    assert module.render(parsed.messages, style="as_parsed", tokenizer=tokenizer) == tokens
    tokens = data.draw(retokenized(tokens, module.FORMAT, tokenizer))
    parsed = module.parse(tokens, tokenizer=tokenizer)
    assert parsed.messages == conversation
    assert module.render(parsed.messages, style="as_parsed", tokenizer=tokenizer) == tokens
    # Text cannot express contents that spell a special token.
    conversation = [each for each in conversation if not module.FORMAT.special_matcher.search(str(each.content))]
    try:
        text = module.render_text(conversation, style=style)
    except RenderError as error:
        assert error.code.code == "H202" or "spells the special token" in error.message
        reject()
    assert module.parse(text).messages == conversation


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(80)
@given(data=st.data())
def test_a_dialect_continues_open_headers(name: str, data: st.DataObject) -> None:
    """Laws 1 and 2 for prompts, which end with an open header, and for completions, which continue one."""
    module = codec_of(name)
    tokenizer = tokenizer_of(module)
    conversation = data.draw(st.lists(messages_of(module), min_size=1, max_size=3))
    last = module.FORMAT.starts["prompt"][0].steps[-1][0]
    opening = {} if last.has_content else {field: getattr(conversation[0], field) for field in last.fields}
    for start in ("prompt", "completion"):
        try:
            tokens = module.render(conversation, start, tokenizer=tokenizer, **opening)
        except RenderError as error:
            assert error.code.code == "H201"
            continue
        tokens = data.draw(retokenized(tokens, module.FORMAT, tokenizer))
        parsed = module.parse(tokens, start, tokenizer=tokenizer, **opening)
        assert parsed.messages == conversation
        assert parsed.opening == (opening if start == "prompt" and not last.has_content else None)
        again = module.render(parsed.messages, start, style="as_parsed", tokenizer=tokenizer, **opening)
        assert again == tokens


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(60)
@given(data=st.data())
def test_the_next_prompt_of_a_dialect_begins_with_this_one(name: str, data: st.DataObject) -> None:
    """The prefix law: then comes what was sampled, in any tokenization."""
    module = codec_of(name)
    tokenizer = tokenizer_of(module)
    before, sampled = (data.draw(st.lists(messages_of(module), min_size=1, max_size=2)) for _ in range(2))
    last = module.FORMAT.starts["prompt"][0].steps[-1][0]
    opening = {} if last.has_content else {field: getattr(sampled[0], field) for field in last.fields}
    try:
        prompt = module.render(before, "prompt", style="as_parsed", tokenizer=tokenizer, **opening)
        tokens = module.render(sampled, "completion", style="as_parsed", tokenizer=tokenizer, **opening)
    except RenderError:
        reject()
    tokens = data.draw(retokenized(tokens, module.FORMAT, tokenizer))
    found = module.parse(tokens, "completion", tokenizer=tokenizer, **opening).messages
    longer = module.render([*before, *found], "prompt", style="as_parsed", tokenizer=tokenizer, **opening)
    assert longer[: len(prompt + tokens)] == prompt + tokens


def places_in(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The paths to all values in a JSON value."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places_in(item, *path, key)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with something else in one place, with one key more, or one item less."""
    value = {"": copy.deepcopy(value)}
    *path, last = draw(st.sampled_from(list(places_in(value))[1:]))
    holder = value
    for key in path:
        holder = holder[key]
    if isinstance(held := holder[last], dict) and draw(st.booleans()):
        held[draw(st.sampled_from(["type", "name", "tools", "x"]))] = draw(JUNK)
    elif path and draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = draw(JUNK)
    return value[""]


JUNK = st.sampled_from([None, True, 5, 0.5, "", "text", "all", "a b", [], ["text"], {}, {"type": "text"}, [{}]])


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(60)
@given(data=st.data())
def test_the_json_form_of_a_dialect_keeps_token_ids(name: str, data: st.DataObject) -> None:
    """Law 2 through JSON: any spelling and tokenization, and `from_json` reads exactly what the schema allows."""
    module = codec_of(name)
    tokenizer = tokenizer_of(module)
    conversation = data.draw(st.lists(messages_of(module), min_size=1, max_size=3))
    for message in conversation:
        if getattr(message, "recipient", None) == "all":  # which means no recipient
            message.recipient = None
    try:
        tokens = module.render(conversation, style="as_parsed", tokenizer=tokenizer)
    except RenderError:
        reject()
    tokens = data.draw(retokenized(tokens, module.FORMAT, tokenizer))
    value = json.loads(json.dumps(module.to_json(module.parse(tokens, tokenizer=tokenizer).messages)))
    validator = Draft202012Validator(module.CONVERSATION_SCHEMA)
    validator.validate(value)
    assert module.render(module.from_json(value), style="as_parsed", tokenizer=tokenizer) == tokens
    for message in value["messages"]:
        message.setdefault("tokens", {"header": [5], "content": [7, 200008], "stop": [], "opening": [0]})
        message.setdefault("variants", ["call"])
    assert module.from_json(value) == conversation
    other = data.draw(changed(value))
    try:
        module.from_json(other)
    except ConversationError as error:
        assert not validator.is_valid(other), (str(error), other)
    else:
        assert validator.is_valid(other), other


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(80)
@given(data=st.data())
def test_a_dialect_has_a_json_form(name: str, data: st.DataObject) -> None:
    """Messages survive it, the schema describes it, and `from_json` reads exactly what the schema allows."""
    module = codec_of(name)
    conversation = data.draw(st.lists(messages_of(module), min_size=1, max_size=3))
    for message in conversation:
        if getattr(message, "recipient", None) == "all":  # which means no recipient
            message.recipient = None
    conversation += structured(module)
    value = json.loads(json.dumps(module.to_json(conversation)))
    validator = Draft202012Validator(module.CONVERSATION_SCHEMA)
    validator.validate(value)
    assert module.from_json(value) == conversation
    other = data.draw(changed(value))
    try:
        assert isinstance(module.from_json(other), list)
    except ConversationError as error:
        assert not validator.is_valid(other), (str(error), other)
    else:
        assert validator.is_valid(other), other


@pytest.mark.parametrize("content", ["x[e~", "[e~", "x]~!b", "]~b", "a\n[e", "~b]"])
def test_a_text_does_not_spell_a_token_together_with_the_next_one(content: str) -> None:
    """Law 10: tokens that end as others begin are read from the left."""
    module = codec_of("minimax_m2")
    message, tokenizer = module.Message("user", content), tokenizer_of(module)
    tokens = module.render([message] * 2, tokenizer=tokenizer)
    assert module.parse(tokens, tokenizer=tokenizer).messages == [message] * 2
    if content in ("x[e~", "[e~", "x]~!b"):
        with pytest.raises(RenderError, match="spells the special token") as caught:
            module.render_text([message] * 2)
        assert caught.value.index == 0
    else:
        assert module.parse(module.render_text([message] * 2)).messages == [message] * 2


def test_an_alternative_is_not_lost_in_another_kind_of_message() -> None:
    """Law 2: what only a variant tells is not written as a message that cannot have it."""
    module = codec_of("apertus")
    users = module.parse("<|user_start|>Hi.<|user_end|>").messages
    assert module.render_text(users, style="as_parsed") == "<|user_start|>Hi.<|user_end|>"
    with pytest.raises(RenderError, match=r"alternative 'user' has no place in this kind of message \(answer\)"):
        module.render_text(users, "completion", style="as_parsed")


def test_a_text_of_the_json_form_means_no_listed_value() -> None:
    """As one means no recipient."""
    module = codec_of("listed_values")
    [message] = module.from_json({"messages": [{"role": "user", "content": "x", "recipient": "all", "mood": "none"}]})
    assert message == module.Message("user", "x")
    assert module.to_json([message])["messages"][0].keys().isdisjoint({"mood", "recipient"})


def structured(module: ModuleType) -> list[Any]:
    """Messages with structured contents, if the format has the usual ones."""
    if not hasattr(module, "Namespace"):
        return []
    tools = [module.Namespace("functions", "All.", [module.Tool("f", None, TOOL)]), module.Namespace("a")]
    developer = module.DeveloperContent("Be brief.", tools, [module.ResponseFormat("r", {"type": "object"})])
    contents = {"system": module.SystemContent(), "developer": developer}
    return [module.Message(role, content) for role, content in contents.items()]


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(80)
@given(data=st.data())
def test_a_dialect_accepts_the_line_break_of_an_editor(name: str, data: st.DataObject) -> None:
    """At the end of what is valid without it: equal messages, nothing to report, and the line break is a gap."""
    module = codec_of(name)
    conversation = data.draw(st.lists(messages_of(module), max_size=3))
    line_break = data.draw(st.sampled_from(["\n", "\r\n"]))
    for start in ("transcript", "completion"):
        try:
            text = module.render_text(conversation, start)
        except RenderError:
            continue
        if not text.endswith(tuple(module.SPECIAL_TOKENS)):
            continue  # the line break may be a part of the content or of the open header
        saved = text + line_break
        if (read := module.parse(saved, start).messages) and str(read[-1].content).endswith(line_break):
            continue  # the content goes on: it has no stop token
        assert module.parse(saved, start) == module.parse(text, start)
        if module.FORMAT.recovery is None:
            continue
        bare, found = module.recover(text, start), module.recover(saved, start)
        if not bare.diagnostics:
            gaps = [Span(len(text), len(saved))]
            assert (found.messages, found.opening, found.gaps) == (bare.messages, bare.opening, gaps)
            assert found.diagnostics == []


@pytest.mark.parametrize("name", dialect.NAMES)
def test_a_dialect_is_generated_code_of_the_same_quality(name: str, tmp_path: Path) -> None:
    """The text is formatted and typed like the committed codec, and the same each time."""
    text = dialect.text_of(name)
    assert text == generate(dialect.grammar_of(name, tmp_path / "again"))
    path = tmp_path / "codec.py"
    path.write_text(text, encoding="utf-8")
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--diff", path], capture_output=True, text=True
    )
    assert formatted.returncode == 0, formatted.stdout


def test_generated_dialects_pass_mypy(tmp_path: Path) -> None:
    """All dialects at once, strictly."""
    paths = []
    for name in dialect.NAMES:
        path = tmp_path / f"typed_{name}.py"
        path.write_text(dialect.text_of(name), encoding="utf-8")
        paths.append(path)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *map(str, paths)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_a_header_field_becomes_a_field() -> None:
    module = codec_of("priority_field")
    message = module.Message("user", "now", priority="high")
    assert module.render_text([message]) == "<|start|>user priority=high<|message|>now<|end|>"
    assert module.to_json([message])["messages"][0]["priority"] == "high"
    assert module.from_json(module.to_json([message])) == [message]


def test_errors_list_the_values_that_the_grammar_lists() -> None:
    assert Literal["low", "high"] | None  # Python may return this union for an equal one
    module = codec_of("priority_field")
    with pytest.raises(RenderError) as caught:
        module.render_text([module.Message("user", "now", priority="hihg")])
    assert caught.value.message == "unknown priority 'hihg'; did you mean 'high'? allowed: high, low"
    module = codec_of("deepseek")
    with pytest.raises(RenderError) as caught:
        module.render_text([module.Message("assistant", "Hi.")])
    assert caught.value.message == "unknown role 'assistant'; allowed: user, model"
    module = codec_of("chatml")  # no rule of a message has alternatives
    with pytest.raises(RenderError) as caught:
        module.render_text([module.Message("usr", "Hi.")])
    assert caught.value.message == "unknown role 'usr'; did you mean 'user'? allowed: system, user, assistant, tool"


@pytest.mark.parametrize(
    ("name", "text", "place", "message", "expected"),
    [
        ("listed_values", "{user lang=de}", "de", "unknown lang 'de'", "lang (en, fr, ja)"),
        ("listed_values", "{user lang=english}", "english", "unknown lang 'english'", "lang (en, fr, ja)"),
        ("listed_values", "{user json lang=EN-GB}", "EN-GB", "unknown lang 'EN'", "lang (en, fr, ja)"),
        ("listed_values", "{user lang=ja-JP}", "-JP", "unknown region '-JP'", "region (-GB, -US)"),
        ("listed_values", "{user lang=de[mood]sad}", "de", "unknown lang 'de'", "lang (en, fr, ja)"),
        ("listed_values", "{user lang=}", "<|message|>", "unexpected special token <|message|>", "lang (en, fr, ja)"),
        ("listed_values", "{assistant[mood]angry}", "angry", "unknown mood 'angry'", "mood (happy, sad)"),
        (
            "listed_values",
            "{user[channel]final lang=en[mood]sadly}",
            "sadly",
            "unknown mood 'sadly'",
            "mood (happy, sad)",
        ),
        ("priority_field", "{user priority=hihg}", "hihg", "unknown priority 'hihg'", "priority (high, low)"),
        (
            "chatml",
            "<|im_start|>usr\nHi.<|im_end|>\n",
            "usr",
            "unknown role 'usr'",
            "role (system, user, assistant, tool)",
        ),
        (
            "llama3",
            "<|start_header_id|>users<|end_header_id|>\n\nHi.<|eot_id|>",
            "users",
            "unknown role 'users'",
            "role (system, user, assistant, ipython)",
        ),
        ("gemma4", "<|turn>user Hi.<turn|>\n", " Hi.", "unexpected text ' Hi.'", "'\\n'"),
        ("digest", "{user #12}", "12", "unexpected text '12'", "digest"),
    ],
)
def test_errors_name_the_field_of_a_wrong_value(name: str, text: str, place: str, message: str, expected: str) -> None:
    """With the value found and the values allowed there, in text and in tokens."""
    module = codec_of(name)
    tokens = {"{": "<|start|>", "}": "<|message|>x<|end|>", "[mood]": "<|reserved_200013|>", "[channel]": "<|channel|>"}
    for short, long in tokens.items() if "{" in text else ():
        text = text.replace(short, long)
    with pytest.raises(ParseError) as caught:
        module.parse(text)
    assert caught.value.message == message
    assert expected in caught.value.expected
    assert caught.value.span.start == text.index(place, text.index(">"))
    if name in ("listed_values", "priority_field"):
        ids, format = module.SPECIAL_TOKENS, module.FORMAT
        units = re.split(f"({format.special_text})", text)
        ids = [i for u in units for i in ([ids[u]] if u in ids else load(format.encoding).encode(u))]
        with pytest.raises(ParseError) as caught:
            module.parse(ids)
        assert expected in caught.value.expected


def test_errors_name_a_text_that_is_empty_and_a_field_that_is_not_passed() -> None:
    module = codec_of("qwen3")
    with pytest.raises(RenderError, match=r"thought='' cannot be written: in this format, thought is not empty"):
        module.render_text([module.Message("assistant", "Hi.", thought="")])
    with pytest.raises(RenderError, match=r"role: expected a str, got NoneType; pass role="):
        codec_of("llama3").render_text([], "prompt")


def test_errors_suggest_the_value_that_is_nearly_there() -> None:
    with pytest.raises(ParseError) as caught:
        codec_of("priority_field").parse("<|start|>user priority=hihg<|message|>now<|end|>")
    assert caught.value.hint == "Is this a misspelt high?"


def test_a_sixth_role_is_a_role() -> None:
    module = codec_of("sixth_role")
    assert "critic" in get_args(module.Role)
    assert module.parse("<|start|>critic<|message|>x<|end|>").messages == [module.Message("critic", "x")]
    assert module.from_json({"messages": [{"role": "critic", "content": "x"}]}) == [module.Message("critic", "x")]


def test_a_fourth_terminator_is_a_stop_token() -> None:
    module = codec_of("fourth_terminator")
    assert 200013 in module.STOP_TOKENS["message"]
    assert module.render_text([module.Message("assistant", "x", channel="halted")]).endswith("<|reserved_200013|>")


def test_the_canonical_order_follows_the_grammar() -> None:
    module = codec_of("model_order")
    message = module.Message("assistant", "x", channel="commentary", recipient="f")
    assert module.render_text([message]).startswith("<|start|>assistant to=f<|channel|>commentary<")
    assert module.render_text([message], style="model").startswith("<|start|>assistant<|channel|>commentary to=f<")
    message.variants = ("call",)
    assert module.render_text([message], style="as_parsed").startswith("<|start|>assistant<|channel|>commentary to=f<")


def test_a_mandatory_type_is_required_in_its_order_only() -> None:
    module = codec_of("mandatory_type")
    bare = module.Message("assistant", "x", channel="commentary", recipient="f")
    typed = module.Message("assistant", "x", channel="commentary", recipient="f", content_type="json")
    assert " to=f<|channel|>" in module.render_text([bare], style="model")
    assert "commentary to=f json" in module.render_text([typed], style="model")


def test_llama3_is_read_and_written() -> None:
    module = codec_of("llama3")
    text = "<|start_header_id|>user<|end_header_id|>\n\nHi\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    parsed = module.parse(text, "prompt")
    assert parsed.messages == [module.Message("user", "Hi\n")]
    assert parsed.opening == {"role": "assistant"}
    assert module.render_text(parsed.messages, "prompt", role="assistant") == text


@pytest.mark.parametrize(
    ("name", "text", "roles"),
    [
        (
            "kimi_k2",
            "<|im_user|>user<|im_middle|>Hi.<|im_end|>"
            "<|tool_calls_section_begin|><|tool_call_begin|>f:0<|tool_call_argument_begin|>{}<|tool_call_end|>",
            ["user", "tool_call"],
        ),
        (
            "deepseek_v31",
            "<|begin_of_sentence|>Be brief.<|User|>Hi.<|Assistant|><think>Hm.</think>Hello.<|end_of_sentence|>"
            "<|tool_call_begin|>f<|tool_sep|>{}<|tool_call_end|><|tool_output_begin|>4<|tool_output_end|>",
            ["system", "user", "assistant", "tool_call", "tool"],
        ),
        ("glm45", "<|user|>\nHi.<|assistant|>\n<tool_call>f\n{}</tool_call>", ["user", "assistant", "tool_call"]),
        (
            "mistral",
            "[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hi.[/INST]Hello.</s>",
            ["system", "user", "assistant"],
        ),
    ],
)
def test_tokens_and_alternatives_name_roles(name: str, text: str, roles: list[str]) -> None:
    """A role that one alternative spells by a token has, in another one, the name of that as its value."""
    module = codec_of(name)
    messages = module.parse(text).messages
    assert [message.role for message in messages] == roles
    assert set(roles) <= set(get_args(module.Role))
    assert module.render_text(messages) == text


@pytest.mark.parametrize(
    ("name", "header", "thought"),
    [
        ("qwen3", "<|im_start|>assistant\n", "<think>Hm.</think>\n\n"),
        ("gemma4", "<|turn>model\n", "<|channel>thought\nHm.<channel|>"),
        ("glm45", "<|assistant|>\n", "<think>Hm.</think>\n"),
        ("deepseek_v31", "<|Assistant|>", "<think>Hm.</think>"),
        ("mistral", "", "[THINK]Hm.[/THINK]"),
    ],
)
@pytest.mark.parametrize("content", ["", "Hi.", "\nHi.\n"])
def test_thoughts_come_before_the_content(name: str, header: str, thought: str, content: str) -> None:
    """Or not; also in a completion, which may begin with them, or with the content."""
    module = codec_of(name)
    ends = {"qwen3": "<|im_end|>\n", "gemma4": "<turn|>\n", "mistral": "</s>"}.get(name, "")
    opening = module.parse(header, "prompt").opening or {"role": "assistant"}
    for part, expected in ((thought, "Hm."), ("", None)):
        rest = part + content + ends
        for start, text in (("transcript", header + rest), ("completion", rest)):
            (message,) = module.parse(text, start, **({} if start == "transcript" or not header else opening)).messages
            assert (message.role, message.thought, message.content) == (opening["role"], expected, content)
