"""The laws of docs/laws.md that concern parsing and rendering, each as a property."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast, get_args

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st

from harmony_spec import (
    DeveloperContent,
    Message,
    Namespace,
    Parsed,
    ParseError,
    RenderError,
    Span,
    StreamParser,
    Tool,
    codec,
    drop_analysis,
    from_json,
    parse,
    recover,
    render,
    render_text,
    to_json,
)
from harmony_spec.source.message_tokens import are_token_ids

from .recovery_strategies import damaged
from .strategies import ROLES, SPECIAL, contents, conversations, messages, retokenized, text_contents, variants, words

styles = st.sampled_from(list(codec.FORMAT.styles))
openings = st.fixed_dictionaries({"role": st.sampled_from(ROLES), "name": st.none() | words})


def tiles(parsed: Parsed[Any], length: int) -> bool:
    """Spans follow each other without gap from the beginning to the end, and contents lie inside them."""
    ends = [0, *(span.end for span in parsed.spans)]
    joined = all(span.start == end for span, end in zip(parsed.spans, ends, strict=False))
    inside = all(s.start <= c.start <= c.end <= s.end for s, c in zip(parsed.spans, parsed.content_spans, strict=False))
    return joined and inside and ends[-1] == length


@given(conversations(), styles)
@example([Message("assistant", "{}", channel="final", content_type="json", constrain=True)], "openai")
@example([Message("developer", DeveloperContent("a", [Namespace("n", "one\ntwo", [Tool("f")])]))], "template")
@example([Message("developer", DeveloperContent(""))], "template")
def test_a_transcript_survives_tokens(conversation: list[Message], style: codec.Style) -> None:
    """Law 1, and law 3: what was rendered is read back equal, and spans tile the tokens."""
    tokens = render(conversation, style=style)
    parsed = parse(tokens)
    assert parsed.messages == conversation
    for message, read in zip(conversation, parsed.messages, strict=True):  # which also equals its text
        assert isinstance(message.content, str) or type(read.content) is type(message.content)
    assert tiles(parsed, len(tokens))


@given(conversations(text_contents), styles)
def test_a_transcript_survives_text(conversation: list[Message], style: codec.Style) -> None:
    """Law 1, and law 3, for the text form."""
    text = render_text(conversation, style=style)
    parsed = parse(text)
    assert parsed.messages == conversation
    assert tiles(parsed, len(text))


@given(conversations(text_contents), openings, styles)
def test_a_prompt_survives(conversation: list[Message], opening: dict[str, Any], style: codec.Style) -> None:
    """Law 1 for prompts, in both forms; the open header comes back too."""
    tokens = render(conversation, "prompt", style=style, **opening)
    text = render_text(conversation, "prompt", style=style, **opening)
    for source in (tokens, text):
        parsed = parse(source, "prompt")
        assert (parsed.messages, parsed.opening) == (conversation, opening)
        assert tiles(parsed, len(source))


@given(conversations(text_contents, min_size=1), styles)
def test_a_completion_survives(conversation: list[Message], style: codec.Style) -> None:
    """Law 1 for completions, in both forms: the open header comes from outside."""
    if conversation[0].role == "tool":
        conversation[0] = Message("assistant", conversation[0].content)
    opening: dict[str, Any] = {"role": conversation[0].role, "name": conversation[0].name}
    for source in (
        render(conversation, "completion", style=style, **opening),
        render_text(conversation, "completion", style=style, **opening),
    ):
        parsed = parse(source, "completion", **opening)
        assert parsed.messages == conversation
        assert tiles(parsed, len(source))


@st.composite
def spelled(draw: st.DrawFn, start: codec.Start = "transcript", **opening: Any) -> list[int]:
    """Valid token ids, in any accepted spelling and any tokenization."""
    drawn = draw(st.lists(messages(), min_size=int(start == "completion"), max_size=4))
    for index, message in enumerate(drawn):
        message.variants = draw(variants)
        if start == "completion" and index == 0:
            message.role, message.name = opening["role"], opening["name"]
    return draw(retokenized(render(drawn, start, style="as_parsed", **opening)))


@given(spelled())
def test_any_spelling_is_written_back(tokens: list[int]) -> None:
    """Law 2: whichever accepted spelling and tokenization was read, rendering as parsed returns the same tokens."""
    messages = parse(tokens).messages
    assert messages == [plain(message) for message in messages]
    for read in every_way(messages, tokens, "transcript"):
        assert render(read, style="as_parsed") == tokens
        assert render(read) == render([plain(message) for message in read])


def plain(message: Message) -> Message:
    """A message with nothing that remembers how it was read."""
    return Message(**{name: getattr(message, name) for name in codec.FORMAT.fields})


def every_way(messages: list[Message], tokens: list[int], start: codec.Start, **opening: Any) -> list[list[Message]]:
    """The same messages as the strict parser, recovery and a stream read them, as JSON, and as copies."""
    stream = StreamParser(start, **opening)
    for at in range(0, len(tokens), 7):
        stream.feed(tokens[at : at + 7])
    stream.close()
    ways = [messages, recover(tokens, start, **opening).messages, stream.messages]
    as_json = json.loads(json.dumps(to_json(messages)))
    for message in as_json["messages"]:  # which a recipient of all means
        reject_if(message.get("recipient") == "all")
    return [
        *ways,
        from_json(as_json),
        [Message.from_json(message.to_json()) for message in messages] or messages,
        deepcopy(messages),
    ]


def reject_if(condition: bool) -> None:
    if condition:
        reject()


@given(st.data(), openings)
def test_any_spelling_of_prompts_and_completions_is_written_back(data: st.DataObject, opening: dict[str, Any]) -> None:
    """Law 2 for inputs with an open header, which has a spelling of its own, and for those that continue one."""
    for start in ("prompt", "completion"):
        tokens = data.draw(spelled(start, **opening))
        for read in every_way(parse(tokens, start, **opening).messages, tokens, start, **opening):
            assert render(read, start, style="as_parsed", **opening) == tokens


sampled = spelled("completion", role="assistant", name=None) | damaged("completion")
"""What a model writes, in any tokenization, also what is not valid."""


@given(conversations(), st.lists(st.tuples(sampled, st.lists(messages(), max_size=2)), max_size=3), st.data())
def test_a_prompt_begins_with_the_one_before_and_what_was_sampled(
    conversation: list[Message], turns: list[tuple[list[int], list[Message]]], data: st.DataObject
) -> None:
    """The prefix law: no token that a model has read or written changes, however messages were read or kept."""
    for tokens, later in turns:
        prompt = render(conversation, "prompt", style="as_parsed")
        recovered = recover(tokens, "completion")
        starts_again = tokens[:1] == [codec.SPECIAL_TOKENS["<|start|>"]]
        if (
            not recovered.messages
            or recovered.gaps
            or starts_again
            or any(m.repair and m.repair.after_stop for m in recovered.messages)
        ):
            reject()
        ways = [recovered.messages, deepcopy(recovered.messages)]
        if are_token_ids(tokens):  # JSON keeps no others
            ways = every_way(recovered.messages, tokens, "completion")
        conversation = [*conversation, *data.draw(st.sampled_from(ways)), *later]
        longer = render(conversation, "prompt", style="as_parsed")
        assert longer[: len(prompt) + len(tokens)] == prompt + tokens


@pytest.mark.parametrize("role", ["user", "system", "developer", "assistant"])
def test_an_open_header_is_kept_beside_another_role(role: str) -> None:
    """The prefix law where a model writes the role of somebody else after `<|start|>assistant`."""
    conversation = [Message("user", "Hi.")]
    prompt = render(conversation, "prompt")
    for rest in ("<|end|>", "<|message|>x<|end|>"):
        tokens = codec.encode(f"{role}{rest}", allowed_special="all")
        for read in every_way(recover(tokens, "completion").messages, tokens, "completion"):
            assert render([*conversation, *read], style="as_parsed") == prompt + tokens


@given(st.lists(messages(), min_size=2))
def test_leaving_out_analysis_changes_no_other_message(conversation: list[Message]) -> None:
    """The prefix law where analysis is dropped: what stays is written as it was read."""
    parsed = parse(render(conversation))
    kept = drop_analysis(parsed.messages)
    spans = [
        span for span, message in zip(parsed.spans, parsed.messages, strict=True) if any(m is message for m in kept)
    ]
    tokens = render(conversation)
    assert render(kept, style="as_parsed") == [token for span in spans for token in tokens[slice(*span)]]


@given(conversations(min_size=1))
def test_a_missing_stop_token_is_remembered(conversation: list[Message]) -> None:
    """Law 2 for completions whose last message has no stop token."""
    conversation[0] = Message("assistant", conversation[0].content, channel="final")
    cut = render(conversation, "completion")[:-1]
    parsed = parse(cut, "completion")
    assert parsed.messages == conversation
    assert render(parsed.messages, "completion", style="as_parsed") == cut
    assert render(parsed.messages, "completion") == [*cut, render(conversation)[-1]]


@given(contents)
def test_text_is_never_structure(content: str) -> None:
    """Law 8: a content adds no special token, whatever it spells."""
    tokens = render([Message("user", content)])
    special = [token for token in tokens if token in codec.SPECIAL_TOKENS.values()]
    assert special == [token for token in render([Message("user", "")]) if token in codec.SPECIAL_TOKENS.values()]


@given(st.sampled_from(SPECIAL), st.sampled_from(["name", "recipient", "channel", "content_type"]), words)
def test_header_fields_are_never_structure(special: str, field: str, word: str) -> None:
    """Law 8: a field that spells a special token is refused, not written."""
    message = Message("assistant", "x", **{"content_type": "json", field: word + special})
    with pytest.raises(RenderError) as caught:
        render([message])
    assert caught.value.code.code == "H201"
    assert caught.value.index == 0


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ("asistant", "unknown role 'asistant'; did you mean 'assistant'? allowed: "),
        ("x", "unknown role 'x'; allowed: "),
        (None, "role is missing; allowed: "),
    ],
)
@pytest.mark.parametrize("write", [render, render_text])
def test_a_wrong_role_is_refused_with_the_allowed_ones(write: Callable[..., object], role: Any, problem: str) -> None:
    with pytest.raises(RenderError) as caught:
        write([Message("user", "Hi."), Message(role, "Hello.")])
    assert (caught.value.code.code, caught.value.index) == ("H201", 1)
    assert caught.value.message == f"{problem}system, developer, user, assistant, tool"


def test_a_wrong_role_of_an_open_header_is_refused() -> None:
    with pytest.raises(RenderError, match=r"^H201 inexpressible-message: unknown role 'asistant'; did you mean"):
        render([], "prompt", role=cast("Any", "asistant"))


@given(st.sampled_from(["<|channel|>", "<|message|>", "<|start|>", "<|end|>"]))
def test_ordinary_tokens_that_spell_a_special_one_are_text(spelling: str) -> None:
    """Law 8: in a content they are content; in place of structure they are an error."""
    from harmony_spec.vocabulary import load

    ordinary = load(codec.FORMAT.encoding).encode(spelling)
    tokens = render([Message("assistant", "x", channel="final")])
    at = tokens.index(codec.SPECIAL_TOKENS["<|message|>"]) + 1
    assert parse([*tokens[:at], *ordinary, *tokens[at:]]).messages[0].content == spelling + "x"
    faked = [part for token in tokens for part in (ordinary if token == codec.SPECIAL_TOKENS[spelling] else [token])]
    with pytest.raises(ParseError):
        parse(faked)


@given(st.sampled_from(SPECIAL), st.text(max_size=9), st.text(max_size=9))
def test_the_text_form_refuses_content_that_spells_a_special_token(special: str, before: str, after: str) -> None:
    """Law 8: and it says where."""
    content = "".join(c for c in before if c != "<" and c.isprintable()) + special + after
    with pytest.raises(RenderError) as caught:
        render_text([Message("user", "fine"), Message("user", content)])
    assert caught.value.code.code == "H202"
    assert caught.value.index == 1
    assert caught.value.span is not None
    assert content[slice(*caught.value.span)] == special


@given(st.lists(st.integers(-5, 2**33) | st.sampled_from(list(codec.SPECIAL_TOKENS.values())), max_size=12))
def test_strict_parsing_raises_one_type_only_for_tokens(tokens: list[int]) -> None:
    """Law 4, strict: any list of integers gives messages or a `ParseError` with a place in it."""
    for start in codec.FORMAT.starts:
        try:
            parse(tokens, start)
        except ParseError as error:
            assert error.span is not None
            assert 0 <= error.span.start <= error.span.end <= len(tokens)


pieces = st.sampled_from([*SPECIAL[:9], "user", "assistant", " to=", " json", "final", " ", "x", "\ud800", "\n"])


@given(st.lists(pieces, max_size=12).map("".join))
def test_strict_parsing_raises_one_type_only_for_text(text: str) -> None:
    """Law 4, strict: any string gives messages or a `ParseError` with a place in it."""
    for start in codec.FORMAT.starts:
        try:
            parse(text, start)
        except ParseError as error:
            assert error.span is not None
            assert 0 <= error.span.start <= error.span.end <= len(text)


@given(st.lists(pieces, max_size=12).map("".join))
def test_text_and_tokens_agree(text: str) -> None:
    """A text and its tokens are accepted alike, with equal messages, and refused at the same place.

    A line break at the end of a text may be an editor's; among token ids it never is.
    """
    from harmony_spec.vocabulary import load

    if "\ud800" in text or text.endswith("\n"):
        return
    tokens: list[int] = []
    starts = []
    at = 0
    vocabulary = load(codec.FORMAT.encoding)
    for match in [*codec.FORMAT.special_matcher.finditer(text), None]:
        ordinary = vocabulary.encode(text[at : match.start() if match else len(text)])
        for token in ordinary:
            starts.append(at)
            at += len(vocabulary.decode_bytes([token]).decode())
            tokens.append(token)
        if match:
            starts.append(at)
            tokens.append(codec.SPECIAL_TOKENS[match[0]])
            at = match.end()
    outcomes: list[Any] = []
    for source in (text, tokens):
        try:
            outcomes.append(parse(source).messages)
        except ParseError as error:
            assert error.span
            outcomes.append((error.code, error.index, error.expected, error.span.start))
    if isinstance(outcomes[1], tuple):
        code, index, expected, token = outcomes[1]
        assert outcomes[0][:3] == (code, index, expected)
        low = starts[token] if token < len(starts) else len(text)
        assert low <= outcomes[0][3] <= (starts[token + 1] if token + 1 < len(starts) else len(text))
    else:
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("write", [render, render_text])
def test_what_was_rendered_before_changes_nothing(write: Any) -> None:
    """A message that does not continue the open header is refused, also after one like it did."""
    write([Message("user", "x")], "completion", role="user")
    for opening in ({"role": "assistant"}, {"role": "user", "name": "eve"}):
        with pytest.raises(RenderError, match="the open header has"):
            write([Message("user", "x")], "completion", **opening)


@pytest.mark.parametrize("write", [render, render_text])
@pytest.mark.parametrize("content", ["a\ud800", "\udfff", 5, None, b"x"])
def test_a_content_that_is_no_text_is_refused(write: Any, content: Any) -> None:
    with pytest.raises(RenderError, match="content"):
        write([Message("user", "x"), Message("user", content)])


def test_an_error_of_a_tokenizer_is_its_own() -> None:
    class Broken:
        def encode(self, text: str) -> list[int]:
            raise TypeError("mine")

        def decode_bytes(self, tokens: list[int], /) -> bytes:
            return b""

    with pytest.raises(TypeError, match="mine"):
        render([Message("user", "x")], tokenizer=Broken())


@pytest.mark.parametrize(
    "call", [lambda: parse("", "bogus"), lambda: render([], "bogus"), lambda: render([], style="x")]
)
def test_a_name_that_is_none_is_a_value_error(call: Any) -> None:
    with pytest.raises(ValueError, match=r"bogus|x"):
        call()


def test_bytes_are_no_source() -> None:
    with pytest.raises(TypeError, match="decode it to a text"):
        parse(b"<|start|>")


def test_text_of_many_angle_brackets_takes_little_memory() -> None:
    """Peak memory stays within a few bytes a character beyond the text: a pattern must not remember each bracket."""
    import tracemalloc

    text = "<|start|>user<|message|>" + "<p>x</p>" * 50_000 + "<|end|>"
    parse(text)
    tracemalloc.start()
    parse(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(text)


@given(conversations(text_contents), openings, st.sampled_from(["\n", "\r\n"]))
def test_the_line_break_of_an_editor_is_accepted(
    conversation: list[Message], opening: dict[str, Any], line_break: str
) -> None:
    """At the end of what is valid without it: equal messages, nothing to report, and the line break is a gap."""
    for start in get_args(codec.Start)[:2]:
        text = render_text(conversation, start, **opening)
        saved = text + line_break
        assert parse(saved, start, **opening) == parse(text, start, **opening)
        bare, found = recover(text, start, **opening), recover(saved, start, **opening)
        if not bare.diagnostics:
            gaps = [Span(len(text), len(saved))]
            assert (found.messages, found.opening, found.gaps) == (bare.messages, bare.opening, gaps)
            assert found.diagnostics == []
