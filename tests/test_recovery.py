"""What the recovering parser promises for any input (laws 3 and 4), and how it agrees with the strict one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harmony_spec import (
    SPECIAL_TOKENS,
    Message,
    ParseError,
    Recovered,
    StreamParser,
    codec,
    parse,
    recover,
    render,
    render_text,
    validate,
)
from harmony_spec.recovery.header_names import HeaderNames
from harmony_spec.recovery.known_names import KnownNames
from harmony_spec.recovery.named_tools import NamedTools

from .recovery_strategies import (
    any_text,
    any_tokens,
    completions,
    mistakes,
    mutated,
    offers,
    openings,
    plausible,
    tokens_of,
    written,
    written_text,
)
from .strategies import conversations, text_contents

STARTS: list[codec.Start] = ["transcript", "prompt", "completion"]
starts = st.sampled_from(STARTS)
assert codec.FORMAT.recovery is not None
RECOVERY = codec.FORMAT.recovery


def tiles(found: Recovered[Message], length: int) -> bool:
    """Whether spans and gaps follow each other from the beginning to the end, and contents lie inside their spans."""
    spans = sorted([*found.spans, *found.gaps])
    ends = [0, *(span.end for span in spans)]
    joined = all(span.start == end for span, end in zip(spans, ends, strict=False))
    inside = all(begin <= content <= stop <= end for begin, content, stop, end in found.bounds)
    filled = all(span.start < span.end for span in found.gaps)
    return joined and inside and filled and ends[-1] == length and found.spans == sorted(found.spans)


def codes(found: Recovered[Message]) -> list[str]:
    return [diagnostic.code.name for diagnostic in found.diagnostics]


# Anything at all.


@given(any_tokens, starts, offers, st.booleans())
@example([SPECIAL_TOKENS["<|start|>"]] * 2, "prompt", None, False)
def test_any_tokens_are_read(tokens: list[int], start: codec.Start, tools: list[str] | None, stripped: bool) -> None:
    """Laws 3 and 4: no list of integers raises, and spans and gaps tile it."""
    found = recover(tokens, start, tools=tools, stripped=stripped)
    assert found.unit == "token"
    assert tiles(found, len(tokens))


@given(any_text, starts, offers, st.booleans())
def test_any_text_is_read(text: str, start: codec.Start, tools: list[str] | None, stripped: bool) -> None:
    """Laws 3 and 4 for texts, also those that hold half characters."""
    found = recover(text, start, tools=tools, stripped=stripped)
    assert found.unit == "character"
    assert tiles(found, len(text))


@given(any_text | any_tokens, starts, openings, offers)
def test_what_is_said_points_into_the_input(
    source: str | list[int], start: codec.Start, opening: dict[str, Any], tools: list[str] | None
) -> None:
    """A diagnostic has a place in the input, in its unit, a message that exists or follows, and a reason."""
    found = recover(source, start, **opening, tools=tools)
    assert (found.opening is not None) <= (start == "prompt")
    for diagnostic in found.diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(source)
        assert 0 <= diagnostic.index <= len(found.messages)
        assert diagnostic.unit == found.unit
        assert diagnostic.evidence
        assert len(diagnostic.raw) <= 121
        assert len(str(diagnostic).splitlines()) == 1


# Against the strict parser.


def assert_agrees(source: str | list[int], start: codec.Start, tools: list[str] | None, **opening: Any) -> None:
    """The strict and the recovering parser read the same, and there is nothing to say of it."""
    strict, found = parse(source, start, **opening), recover(source, start, tools=tools, **opening)
    assert codes(found) == []
    assert found.messages == strict.messages
    assert [m.variants for m in found.messages] == [m.variants for m in strict.messages]
    assert (found.bounds, found.opening, found.gaps) == (strict.bounds, strict.opening, [])
    assert [message.repair for message in found.messages] == [None] * len(found.messages)


@given(plausible, offers)
def test_a_plausible_transcript_is_read_as_it_stands(conversation: list[Message], tools: list[str] | None) -> None:
    """The strict and the recovering parser agree on it, in both forms."""
    assert_agrees(written(conversation), "transcript", tools)
    assert_agrees(written_text(conversation), "transcript", tools)


@given(plausible, openings, offers)
def test_a_plausible_prompt_is_read_as_it_stands(
    conversation: list[Message], opening: dict[str, Any], tools: list[str] | None
) -> None:
    """The strict and the recovering parser agree on it, in both forms."""
    assert_agrees(written(conversation, "prompt", **opening), "prompt", tools)
    assert_agrees(written_text(conversation, "prompt", **opening), "prompt", tools)


@given(completions(), offers, st.booleans())
def test_a_plausible_completion_is_read_as_it_stands(
    conversation: list[Message], tools: list[str] | None, cut: bool
) -> None:
    """The strict and the recovering parser agree on it, in both forms, with the last stop token or without."""
    tokens, text = written(conversation, "completion"), written_text(conversation, "completion")
    if cut:
        tokens, text = tokens[:-1], text[: text.rindex("<|")]
    assert_agrees(tokens, "completion", tools)
    assert_agrees(text, "completion", tools)


@given(mistakes | any_tokens, starts, offers)
@example("\n", "transcript", None)
def test_nothing_is_repaired_in_silence(source: str | list[int], start: codec.Start, tools: list[str] | None) -> None:
    """What the strict parser refuses gets a diagnostic; what it takes is read as it stands, or it is said."""
    found = recover(source, start, tools=tools)
    try:
        strict = parse(source, start)
    except ParseError:
        assert found.diagnostics
        return
    assert_told_of_what_differs(found, strict.messages)
    added = [gap for gap in found.gaps if source[gap.start :] in ("\n", "\r\n")]  # by an editor
    assert (found.bounds, found.opening, found.gaps) == (strict.bounds, strict.opening, added)


def assert_told_of_what_differs(found: Recovered[Message], strict: list[Message]) -> None:
    """A message that the strict parser reads in another way is marked, and a diagnostic speaks of it."""
    assert len(found.messages) == len(strict)
    for index, (recovered, read) in enumerate(zip(found.messages, strict, strict=True)):
        if recovered != read:
            assert recovered.repair
            assert index in {diagnostic.index for diagnostic in found.diagnostics}


@given(conversations(text_contents), starts, offers)
def test_what_is_valid_keeps_its_bounds(
    conversation: list[Message], start: codec.Start, tools: list[str] | None
) -> None:
    """Whatever names a valid input has: bounds are as they stand, and fields, where no diagnostic says otherwise."""
    if start == "completion":
        conversation = [Message("assistant", "x", channel="final"), *conversation]
    source = render(conversation, start)
    strict, found = parse(source, start), recover(source, start, tools=tools)
    assert (found.bounds, found.opening, found.gaps) == (strict.bounds, strict.opening, [])
    assert_told_of_what_differs(found, strict.messages)


# What was read, written again.


@given(mistakes | any_tokens, offers)
def test_a_repaired_message_is_written_back(source: str | list[int], tools: list[str] | None) -> None:
    """Law 2 for mistakes: rendered as it was parsed, a message gives the part of the input that it stood in."""
    found = recover(source, tools=tools)
    for message, (begin, _, _, end) in zip(found.messages, found.bounds, strict=True):
        write: Any = render_text if isinstance(source, str) else render
        assert write([message], style="as_parsed") == source[begin:end]


@given(mutated("completion"), offers)
@example("user<|message|>x<|end|>", None)
@example("<|start|>assistant<|channel|>final<|message|>Hi.<|end|>", None)
def test_a_repaired_completion_is_written_back(source: str, tools: list[str] | None) -> None:
    """Law 2 for mistakes: also messages of others, and an open header that is repeated."""
    found = recover(source, "completion", tools=tools)
    assume(found.messages and not found.gaps)
    assert render_text(found.messages, "completion", style="as_parsed") == source


@given(any_text | any_tokens, starts, offers)
@example("<|start|>assistant to=functions.get_weatherA\x08<|call|>", "transcript", ["functions.get_weather"])
def test_what_was_recovered_can_be_sent_again(
    source: str | list[int], start: codec.Start, tools: list[str] | None
) -> None:
    """Written in the canonical way, messages are strictly valid, and read by either parser they are the same again."""
    messages = recover(source, start, tools=tools).messages
    written = (value for message in messages for value in (message.channel, message.recipient) if value)
    names = HeaderNames(codec.FORMAT, KnownNames(codec.FORMAT, tools))
    readings = (name for value in written for name in names.readings(value))
    assume(not any(name.field in ("channel", "recipient") and name.how == "near" for name in readings))
    tokens = render(messages)
    assert parse(tokens).messages == messages
    again = recover(tokens, tools=tools)
    assert again.messages == messages


@given(mistakes, starts, offers)
def test_text_and_tokens_are_read_alike(text: str, start: codec.Start, tools: list[str] | None) -> None:
    """A text and its tokens give equal messages, repairs and diagnostics; so do bounds, counted in their units."""
    text = text.rstrip("\r\n")  # the last line break of a text may be from an editor, that of token ids is not
    by_text, by_tokens = recover(text, start, tools=tools), recover(tokens_of(text), start, tools=tools)
    assert by_text.messages == by_tokens.messages
    assert by_text.opening == by_tokens.opening
    assert codes(by_text) == codes(by_tokens)
    for one, other in zip(by_text.messages, by_tokens.messages, strict=True):
        assert one.variants == other.variants
        assert said(one) == said(other)
    told = [[(each.index, each.taken_for, each.evidence) for each in r.diagnostics] for r in (by_text, by_tokens)]
    assert told[0] == told[1]


def said(message: Message) -> tuple[Any, ...] | None:
    """What is said of a message beside where it stood."""
    repair = message.repair
    return (repair.fields, repair.after_stop, repair.forged, repair.candidate) if repair else None


# Completions.


@given(completions(), plausible)
def test_what_stands_behind_the_stop_is_marked(first: list[Message], later: list[Message]) -> None:
    """Behind the first stop token of a completion all messages are marked, and `before_stop` leaves them out."""
    source = written(first, "completion") + written(later)
    found = recover(source, "completion")
    stops = {SPECIAL_TOKENS["<|return|>"], SPECIAL_TOKENS["<|call|>"]}
    after, expected = False, []
    for _, _, stop, _ in found.bounds:
        expected.append(after)
        after = after or source[stop] in stops
    assert [bool(m.repair and m.repair.after_stop) for m in found.messages] == expected
    assert found.before_stop == found.messages[: expected.count(False)]
    assert codes(found).count("after-stop") == any(expected)


@given(plausible)
def test_a_transcript_has_no_end(conversation: list[Message]) -> None:
    """Stop tokens end nothing in a transcript: no message is marked."""
    found = recover(written(conversation))
    assert found.before_stop == found.messages


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("empty", ["", []])
def test_nothing_is_read_from_nothing(start: codec.Start, empty: Any) -> None:
    found = recover(empty, start)
    assert (found.messages, found.gaps) == ([], [])
    assert codes(found) == ([] if start == "transcript" else ["missing-message"])


@pytest.mark.parametrize(
    ("source", "start", "expected"),
    [
        ("<|start|>user<|message|>Hi", "transcript", ("<|end|>",)),
        ("<|start|>assistant to=functions.f<|channel|>commentary<|message|>{}", "transcript", ("<|call|>",)),
        ("<|start|>python to=assistant<|message|>1", "transcript", ("<|end|>",)),
        ("<|start|>assistant<|channel|>final<|message|>Hi", "transcript", ("<|end|>",)),
        ("<|channel|>final<|message|>Hi<|start|>user<|message|>x<|end|>", "completion", ("<|return|>", "<|end|>")),
        ("<|channel|>analysis<|message|>Hm<|start|>assistant<|channel|>final<|message|>x", "completion", ("<|end|>",)),
    ],
)
def test_the_stop_token_that_is_missing(source: str, start: codec.Start, expected: tuple[str, ...]) -> None:
    """What is expected is what ends such a message, not all that ends one."""
    found = recover(source, start).diagnostics[0]
    assert (found.code.name, found.expected) == ("missing-terminator", expected)


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ("functions.f", "tools: 'functions.f' is a str; pass a list"),
        ([{"type": "function"}], "tools[0] is a dict; tools_from_json makes namespaces from definitions of tools"),
        (["functions.f", 7], "tools[1]: expected a name or a namespace, got int"),
    ],
)
def test_what_are_no_tools_is_refused(tools: Any, said: str) -> None:
    """A name alone would be read letter by letter."""
    source = "<|channel|>final<|message|>x"
    for call in (partial(recover, source, "completion"), partial(validate, source, "completion"), StreamParser):
        with pytest.raises(TypeError) as raised:
            call(tools=tools)
        assert str(raised.value) == said


@pytest.mark.parametrize("tokens", ["text", b"text"])
def test_a_stream_takes_token_ids(tokens: Any) -> None:
    with pytest.raises(TypeError, match="expected token ids, got "):
        StreamParser().feed(tokens)


def test_offered_tools_may_be_an_iterator() -> None:
    """A text that ends with a line break is read twice."""
    source = "<|channel|>commentary to=weather<|message|>{}<|call|>\n"
    (message,) = recover(source, "completion", tools=iter(["functions.weather"])).messages
    assert message.recipient == "functions.weather"


@pytest.mark.parametrize("lead", [" to=", "<|channel|>", "<|constrain|>"])
def test_a_field_without_a_value_is_quoted_with_what_introduces_it(lead: str) -> None:
    found = recover(f"<|channel|>commentary{lead}<|message|>x<|end|>", "completion")
    assert lead.strip() in [diagnostic.raw for diagnostic in found.diagnostics]


@pytest.mark.parametrize(
    "source",
    [
        "<|start|>user to=assistant<|message|>hi<|end|>",
        "<|start|>users<|message|>hi<|end|>",
        "<|start|>user:alice<|message|>hi<|end|>",
    ],
)
def test_what_is_valid_and_rare_is_read_as_it_stands(source: str) -> None:
    """Law 7: a role may be a recipient, and the name of a tool may begin with a role."""
    assert_agrees(source, "transcript", None)


def test_what_a_conversation_learns_is_not_known_to_the_next() -> None:
    """Conversations that begin with the same tools share readings of words."""
    tools, call = ["functions.search"], "<|start|>assistant<|channel|>comentary to={}<|message|>x<|call|>"
    more = "<|start|>developer<|message|># Tools\n\n## web\n\nnamespace web {\n\ntype search = () => any;\n\n}"
    recover(f"{call.format('functions.search')}{more} // namespace web<|end|>", tools=tools)
    (message,) = recover(call.format("search"), tools=tools).messages
    assert message.recipient == "functions.search"


UNOPENED = ("<|channel|>final", "<|channel|>commentary to=python code", "<|channel|>commentary to=functions.f json")


@given(
    st.sampled_from(UNOPENED),
    st.sampled_from([*"([\"'`*$~#|—", "**", "->", ":", ";", "...", '("', "<message>"]),
    st.text(st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=12),
    st.sampled_from([None, ["functions.f"], ["python", "functions.f"]]),
)
def test_text_that_touches_a_name_is_a_content(header: str, sign: str, word: str, tools: list[str] | None) -> None:
    """No text is lost in a header that no token ends, whatever stands between its last name and the text."""
    named = {*codec.FORMAT.meaning.content_types, *codec.FORMAT.meaning.channels, *codec.FORMAT.meaning.roles}
    assume(word.lower() not in named)
    [message] = recover(f"{header}{sign}{word}<|end|>", "completion", tools=tools).messages
    assert message.text.endswith(word)


@given(
    st.sampled_from((*UNOPENED[1:], "to=functions.f", "to=functions.f<|channel|>commentary json")),
    st.sampled_from(["", " ", *":,;>=)*", "->", "=>", "::", "...", ": ", "> ", ">\n"]),
    st.sampled_from(['{"a":1}', "{}", '[{"a": 1}]']),
    st.sampled_from([None, ["functions.f"], ["python", "functions.f"]]),
)
def test_a_mark_before_arguments_is_no_part_of_them(
    header: str, mark: str, arguments: str, tools: list[str] | None
) -> None:
    [message] = recover(f"{header}{mark}{arguments}<|call|>", "completion", tools=tools).messages
    assert message.recipient
    assert message.text == arguments


@pytest.mark.parametrize("tools", [None, ["functions.f"]])
@pytest.mark.parametrize("sign", ["", "_", "."])
@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("<|start|>asisstant{}final", ("assistant", "final", None, None)),
        ("<|start|>assistantt{}analysis to=functions.f code", ("assistant", "analysis", "functions.f", "code")),
        ("<|start|>assistant<|channel|>Commentary{}json", ("assistant", "commentary", None, "json")),
        ("<|start|>assistant<|channel|>finaal{}code", ("assistant", "final", None, "code")),
    ],
)
def test_a_misspelt_name_may_touch_another_name(
    header: str, sign: str, tools: list[str] | None, fields: tuple[str | None, ...]
) -> None:
    [message] = recover(f"{header.format(sign)}<|message|>x<|end|>", tools=tools).messages
    assert (message.role, message.channel, message.recipient, message.content_type) == fields


@pytest.mark.parametrize("separator", [".", "/", "_", "-", "__"])
def test_any_separator_divides_names_in_linear_time(separator: str) -> None:
    """Names of tools may have it, too. A pattern that divides them in every way would not end."""
    tool = separator.join(("functions", "a", "b"))
    tools = NamedTools(replace(RECOVERY, separator=separator), [tool])
    assert tools.bare(f"{tool},") == tool
    assert tools.bare(separator.join("a" * 60) + "(") == ""
