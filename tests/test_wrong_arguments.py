"""Arguments of a wrong Python type, and JSON of a wrong shape: one error that says what was expected."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import pyarrow
import pytest

from harmony_spec import (
    ChannelConfig,
    ConversationError,
    DeveloperContent,
    HarmonyError,
    Message,
    Namespace,
    ParseError,
    RenderError,
    ResponseFormat,
    StreamParser,
    SystemContent,
    Tool,
    decode,
    drop_analysis,
    encode,
    from_json,
    parse,
    recover,
    render,
    render_text,
    render_training,
    to_json,
    tools_from_json,
    tools_to_json,
    tools_to_text,
    validate,
)
from harmony_spec.adapters import ChatStream, to_chat, to_chat_completion
from harmony_spec.constraints import constrain
from harmony_spec.format.contents import Record
from harmony_spec.linting import Settings, check_values, lint


@pytest.mark.parametrize("read", [parse, recover, validate])
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "expected a text or token ids, got NoneType"),
        ({"a": 1}, "expected a text or token ids, got dict"),
        (3, "expected a text or token ids, got int"),
        (b"x", "the source is bytes; decode it to a text, or pass token ids"),
    ],
)
def test_what_is_no_input(read: Any, source: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        read(source)


READERS: list[Any] = [parse, recover, validate, decode, lambda tokens: StreamParser().feed(tokens)]


@pytest.mark.parametrize("wrong", ["a", None, [1], 1.5, float("nan"), pyarrow.scalar(None, pyarrow.int32())])
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("collect", [list, tuple])
@pytest.mark.parametrize("before", [200006, -1])
def test_what_is_no_token_id(read: Any, wrong: Any, collect: Any, before: int) -> None:
    with pytest.raises(TypeError, match=f"expected token ids, got {type(wrong).__name__} at index 1$"):
        read(collect([before, wrong, 7]))


@pytest.mark.parametrize("read", READERS)
def test_an_arrow_array_is_read_as_a_list(read: Any) -> None:
    tokens = encode("<|start|>user<|message|>Hi.<|end|>", allowed_special="all")
    assert repr(read(pyarrow.array(tokens))) == repr(read(tokens))


class NumberArray(tuple[int, ...]):
    """As arrays of NumPy, it has the method of integers, which raises unless the array is a scalar."""

    def __index__(self) -> int:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")


@pytest.mark.parametrize("collect", [NumberArray, iter, tuple, partial(array, "q")])
def test_a_stream_reads_arrays_of_ids(collect: Any) -> None:
    tokens = encode("<|channel|>final<|message|>Hi there.<|return|>", allowed_special="all")
    for size in (1, 3):
        parser, other = StreamParser(), ChatStream()
        for start in range(0, len(tokens), size):
            parser.feed(collect(tokens[start : start + size]))
            other.feed(collect(tokens[start : start + size]))
        assert parser.messages == other.recovered().messages == parse(tokens, "completion").messages


@pytest.mark.parametrize("wrong", [1.5, "a", None])
@pytest.mark.parametrize("before", [[], encode("<|channel|>final<|message|>Hi", allowed_special="all")])
def test_a_stream_goes_on_after_what_is_no_token_id(wrong: Any, before: list[int]) -> None:
    parser, other = StreamParser(), StreamParser()
    for each in (parser, other):
        each.feed(before)
    with pytest.raises(TypeError):
        parser.feed([13225, wrong])
    for each in (parser, other):
        each.close()
    assert parser.messages == other.messages


@pytest.mark.parametrize("write", [render, drop_analysis, to_json, render_training, to_chat])
@pytest.mark.parametrize("wrong", [Message("user", "Hi."), "text", 5, None, {"messages": []}, iter(())])
def test_what_is_no_list_of_messages(write: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"expected a list of messages, got {type(wrong).__name__}$"):
        write(wrong)


@pytest.mark.parametrize("write", [render, drop_analysis, to_json, render_training, to_chat])
def test_what_is_no_message(write: Any) -> None:
    with pytest.raises(RenderError, match="expected a Message, got int"):
        write([Message("user", "Hi."), 5])


@pytest.mark.parametrize(
    "read", [parse, recover, validate, lambda source, start, **given: StreamParser(start, **given)]
)
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"role": "usr"}, "unknown role 'usr'; did you mean 'user'"),
        *(({"role": role}, f"role: expected a str, got {type(role).__name__}") for role in (None, 5, {}, False)),
        *(({"name": name}, f"name: expected a str, got {type(name).__name__}") for name in (5, {}, [], b"x")),
        ({"name": "a b"}, "name 'a b' cannot be written: character 1"),
        ({"role": "tool", "name": "user"}, "role='tool' would be read back as role='user'"),
    ],
)
def test_an_open_header_that_no_prompt_ends_with(read: Any, given: Any, reason: str) -> None:
    """Readers refuse what the renderer refuses, at once and with its words."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        read("<|channel|>final<|message|>x<|end|>", "completion", **given)
    with pytest.raises(RenderError, match=re.escape(reason)):
        render([], "prompt", **given)


def test_other_arguments_of_a_wrong_type() -> None:
    for call in (lambda: validate("x", tools=cast(Any, 5)), lambda: constrain(tools=cast(Any, 5))):
        with pytest.raises(TypeError, match="tools: expected a list, got int"):
            call()
    with pytest.raises(TypeError, match="text: expected a str, got int"):
        encode(cast(Any, 5))
    for wrong in (5, [5], None, "text"):
        with pytest.raises(TypeError, match="expected what `recover` returns"):
            to_chat_completion(cast(Any, wrong))


@pytest.mark.parametrize("wrong", [[], {}, ["prompt"], None, 5])
def test_what_is_no_start_or_style(wrong: Any) -> None:
    for use in (partial(parse, "x"), partial(validate, "x"), partial(render, []), StreamParser):
        with pytest.raises(ValueError, match=rf"^unknown start rule {re.escape(repr(wrong))}; start rules: transcript"):
            use(wrong)
    with pytest.raises(ValueError, match=rf"^unknown style {re.escape(repr(wrong))}; styles: openai"):
        render([], style=wrong)


@pytest.mark.parametrize("wrong", [None, 5, "functions"])
def test_what_is_no_namespace(wrong: Any) -> None:
    for write in (tools_to_json, tools_to_text):
        with pytest.raises(TypeError, match=rf"namespaces\[0\]: expected a Namespace, got a {type(wrong).__name__}"):
            write([wrong])


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_is_no_name_of_a_file(name: str) -> None:
    [error] = lint(name)
    assert str(error) == f"{name!r}: not the name of a file"


def test_what_are_no_options() -> None:
    with pytest.raises(TypeError, match="expected what options_of returns, got Settings"):
        next(check_values(["x"], cast(Any, Settings())))


@pytest.mark.parametrize("wrong", ["x", [], {}])
@pytest.mark.parametrize("read", [recover, lambda _, **named: StreamParser(**named)])
def test_what_is_no_cost(read: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"max_repair_cost: expected an int, got {type(wrong).__name__}"):
        read("<|start|>user<|message|>Hi.<|end|>", max_repair_cost=wrong)


@pytest.mark.parametrize("wrong", [5, "x", object()])
def test_what_is_no_tokenizer(wrong: Any) -> None:
    uses: list[Any] = [parse, recover, validate, decode, lambda ids, **named: StreamParser(**named)]
    uses += [lambda ids, **named: encode("x", **named), lambda ids, **named: render([Message("user", "x")], **named)]
    for use in uses:
        with pytest.raises(TypeError, match="tokenizer: expected methods encode and decode_bytes, got "):
            use([200006, 1428, 200008, 87, 200007], tokenizer=wrong)


@pytest.mark.parametrize("wrong", [5, "x", {}, False, object()])
@pytest.mark.parametrize("field", ["variants", "tokens", "repair"])
def test_what_is_no_original(field: str, wrong: Any) -> None:
    message = Message("user", "x")
    setattr(message, field, wrong)
    for write in (partial(render, style="as_parsed"), partial(render_text, style="as_parsed"), to_json):
        with pytest.raises(RenderError, match=rf"\(message 0\): {field}: expected a \w+, got {type(wrong).__name__}"):
            write([message])
    assert render([message]) == render([Message("user", "x")])


def test_an_unknown_role_has_one_traceback() -> None:
    with pytest.raises(RenderError, match="unknown role 'usr'; did you mean 'user'") as raised:
        render([Message(cast(Any, "usr"), "Hi.")])
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            [{"role": "user", "content": "Hi."}],
            'a conversation is an object, not a list. Write {"messages": [...]} around',
        ),
        ({"messages": [{"role": "user", "contents": "Hi."}]}, "unknown field 'contents'; did you mean 'content'?"),
        ({"messages": [{"role": "user", "content": "Hi.", "chanel": "x"}]}, "did you mean 'channel'?"),
        ({"messages": [{"role": "user"}]}, "the field 'content' is missing"),
    ],
)
def test_what_is_no_conversation(value: Any, reason: str) -> None:
    with pytest.raises(ConversationError) as raised:
        from_json(value)
    assert reason in str(raised.value)


HUGE = 10**5000
"""Python refuses to write it in decimals."""


def test_a_token_id_of_any_size_is_an_unknown_token() -> None:
    with pytest.raises(ParseError, match="is not a token id"):
        parse([HUGE])
    [found] = validate([HUGE]).diagnostics
    assert found.code.name == "unknown-token"
    stream = StreamParser("transcript")
    stream.feed(HUGE)
    stream.close()
    assert recover([-HUGE, HUGE]).messages == stream.messages == []


@pytest.mark.parametrize("schema", [{"const": HUGE}, {"enum": [HUGE]}, {"type": "string", "default": HUGE}])
def test_an_integer_of_any_size_in_a_schema_is_one_error(schema: dict[str, Any]) -> None:
    content = DeveloperContent(tools=[Namespace("functions", tools=[Tool("f", parameters=schema)])])
    with pytest.raises(HarmonyError, match="not a JSON value"):
        render([Message("developer", content)])


def test_an_integer_of_any_size_as_a_setting_is_one_error() -> None:
    effort: Any = HUGE
    with pytest.raises(RenderError, match="reasoning_effort"):
        render([Message("system", SystemContent(reasoning_effort=effort))])


DEEP_USES: list[Any] = [
    repr,
    render,
    render_text,
    render_training,
    to_json,
    drop_analysis,
    to_chat,
    lambda messages: messages[0].to_json(),
    lambda messages: tools_to_json(messages[0].content.tools),
    lambda messages: tools_to_text(messages[0].content.tools),
    lambda messages: tools_from_json({"name": "f", "parameters": messages[0].content.tools[0].tools[0].parameters}),
    lambda messages: constrain(tools=messages[0].content.tools),
    lambda messages: validate(PROMPTED_CALL, "completion", tools=messages[0].content.tools),
]
PROMPTED_CALL = '<|channel|>commentary to=functions.f json<|message|>{"a": [1]}<|call|>'


@pytest.mark.parametrize("depth", [100, 400, 1_000, 10_000])
@pytest.mark.parametrize("use", DEEP_USES)
@pytest.mark.parametrize("keyword", ["items", "not", "additionalProperties"])
def test_a_schema_of_any_depth_is_used_or_refused(use: Any, depth: int, keyword: str) -> None:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {keyword: schema}
    tool = Tool("f", None, {"type": "object", "properties": {"a": schema}})
    try:
        use([Message("developer", DeveloperContent(tools=[Namespace("functions", tools=[tool])]))])
    except HarmonyError as error:
        assert "nested" in str(error)


@pytest.mark.parametrize("write", [render, render_text, to_json, to_chat])
@pytest.mark.parametrize("wrong", [5, [], 1.5, {"a": 1}, b"x", None])
@pytest.mark.parametrize("field", ["role", "content", "name", "recipient", "channel", "content_type"])
def test_a_field_of_a_wrong_type(write: Any, wrong: Any, field: str) -> None:
    """It is refused by all functions alike, and never written as something else."""
    message: Any = Message("assistant", "Hi.", channel="final")
    setattr(message, field, wrong)
    if wrong is None and field not in ("role", "content"):
        write([message])
        return
    reason = f"{field}: expected a str, got {type(wrong).__name__}|role is missing"
    with pytest.raises(RenderError, match=rf"\(message 0\): ({reason})"):
        write([message])


RECORDS = [
    SystemContent(channel_config=ChannelConfig(["final"])),
    DeveloperContent("Be brief.", [Namespace("functions", "All.", [Tool("f", "Does it.")])], [ResponseFormat("r", {})]),
]


def fields_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """The records in a value, each with its fields."""
    for item in value if isinstance(value, list) else [value]:
        for field in fields(item) if isinstance(item, Record) else ():
            yield item, field
            yield from fields_in(getattr(item, field.name))


@pytest.mark.parametrize("write", [render, render_text, to_json])
@pytest.mark.parametrize("wrong", [False, True, 0, 5, 0.0, (), [], [5], {}, {"a": 1}, "", b"", object()])
def test_a_part_of_a_content_of_a_wrong_type(write: Any, wrong: Any) -> None:
    """Whatever is not of the type of the field is refused, also if it is falsy."""
    for content in RECORDS:
        role: Any = "system" if isinstance(content, SystemContent) else "developer"
        for record, field in fields_in(content):
            kind = get_type_hints(type(record))[field.name]
            kinds = get_args(kind) if isinstance(kind, UnionType) else [kind]
            allowed = tuple(made for each in kinds if isinstance(made := get_origin(each) or each, type))
            before = getattr(record, field.name)
            setattr(record, field.name, wrong)
            try:
                write([Message(role, content)])
            except RenderError as error:
                assert "has a field of the wrong type" not in error.message  # Python's own words follow
            else:
                assert isinstance(wrong, allowed) or wrong == ()
            setattr(record, field.name, before)
