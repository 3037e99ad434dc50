"""Changes of the grammar alone that recovery follows: what the grammar describes is read alike by all parsers."""

from __future__ import annotations

import re
from functools import cache
from itertools import permutations
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import generate
from codegen.read.problems import GrammarError
from harmony_spec import ParseError
from harmony_spec.recovery.header_automaton import automaton_of
from harmony_spec.recovery.header_names import HeaderNames
from harmony_spec.recovery.known_names import KnownNames

from .conftest import examples
from .dialect import edited, module_of
from .header_edits import GRAMMARS, VALID, lark
from .test_dialect_laws import RECOVERING, require_known_names
from .test_dialects import codec_of as dialect_codec
from .test_introduced_recipients import dialect_tokens


@cache
def codec_of(name: str) -> ModuleType:
    folder = Path(mkdtemp())
    return module_of(name.replace(" ", "_"), generate(edited(folder / "grammar", GRAMMARS[name])), folder)


def streamed(module: ModuleType, source: str) -> list[Any]:
    parser = module.StreamParser("transcript")
    for token in dialect_tokens(module, source):
        parser.feed(token)
    parser.close()
    return list(parser.messages)


@pytest.mark.parametrize("name", GRAMMARS)
def test_what_a_grammar_describes_is_read_by_all(name: str) -> None:
    """Law 7 for fields, flags, lists and introductions that this package's grammar does not have."""
    module, source = codec_of(name), VALID[name]
    messages, found = module.parse(source).messages, module.recover(source)
    assert found.messages == messages
    assert [(diagnostic.code.name, diagnostic.raw) for diagnostic in found.diagnostics] == []
    assert streamed(module, source) == messages


@pytest.mark.parametrize("name", GRAMMARS)
def test_an_edited_grammar_is_streamed_as_it_is_recovered(name: str) -> None:
    """Law 5 where a special token, or a word, is too many."""
    module, source, rng = codec_of(name), VALID[name], Random(name)
    places = [match.start() for match in re.finditer(r"<\||\b", source)]
    for _ in range(60):
        at = rng.choice(places)
        text = source[:at] + rng.choice(["<|constrain|>", "<|channel|>", " a", " 0 "]) + source[at:]
        assert streamed(module, text) == module.recover(dialect_tokens(module, text)).messages, text


@pytest.mark.parametrize("name", GRAMMARS)
def test_known_names_stay_where_an_edited_grammar_has_them(name: str) -> None:
    require_known_names(codec_of(name), Random(name))


@pytest.mark.parametrize("header", ["assistant<|channel|>final", "user:a", "assistant to=a"])
def test_an_error_is_not_in_a_field_that_ends_where_the_next_one_begins(header: str) -> None:
    """The sign could be a part of the word before it."""
    source = f"<|start|>{header}; type=json<|message|>x<|message|>"
    with pytest.raises(ParseError) as caught:
        codec_of("type after a sign").parse(source)
    assert caught.value.span
    assert source[caught.value.span.start :] == "<|message|>"


def test_a_format_without_namespaces_has_no_functions() -> None:
    """Nothing before a dot is a namespace, so that `v1.2` has no recipient in it."""
    module = dialect_codec("plain_contents")
    for word in ("v1.2", ".2"):
        source = f"<|start|>assistant<|channel|>{word}<|message|>x<|end|>"
        assert [message.recipient for message in module.recover(source).messages] == [None]


@pytest.mark.parametrize(
    ("name", "source", "fields"),
    [
        (
            "list",
            "<|start|>assistant<|channel|>final json priority=high priority=low<|message|>x<|end|>",
            {"priority": "low"},
        ),
        ("list", "<|start|>assistant<|channel|>final priority=high json<|message|>x<|end|>", {"priority": "high"}),
        ("list", "<|start|>assistant<|channel|>finalpriority=low<|message|>x<|end|>", {"priority": "low"}),
        (
            "list",
            "<|start|>assistant<|channel|>analysis<|channel|>final json priority=low<|message|>x<|end|>",
            {"priority": "low", "channel": "final"},
        ),
        (
            "flag",
            "<|start|>assistant<|channel|>analysis<|channel|>final<|reserved_200013|><|message|>x<|end|>",
            {"urgent": True, "channel": "final"},
        ),
        (
            "flag in text",
            "<|start|>assistant<|channel|>analysis<|channel|>final well silent!<|message|>x<|end|>",
            {"silent": True, "channel": "final"},
        ),
        ("closed channels", "<|start|>assistant<|channel|>finl<|message|>x<|end|>", {"channel": "final"}),
        ("closed channels", "<|start|>assistant<|channel|>verdict<|message|>x<|end|>", {"channel": "final"}),
        (
            "token before a recipient",
            "<|start|>assistant<|channel|>analysis<|channel|>commentary<|reserved_200013|>functions.f<|message|>x<|call|>",
            {"channel": "commentary", "recipient": "functions.f"},
        ),
    ],
)
def test_a_malformed_header_of_another_grammar(name: str, source: str, fields: dict[str, Any]) -> None:
    """Parts of a header that only this grammar has are repaired like the others, and can be written again."""
    module = codec_of(name)
    found = module.recover(source)
    (message,) = found.messages
    assert {field: getattr(message, field) for field in fields} == fields
    assert message.content == "x"
    assert found.diagnostics
    assert module.parse(module.render_text(found.messages)).messages == found.messages


@examples(160)
@given(
    st.sampled_from(["list", "field"]),
    st.sampled_from(["analysis", "commentary", "final"]),
    st.none() | st.just("functions.f"),
    st.none() | st.just("json"),
    st.from_regex("[a-z0-9]{1,9}", fullmatch=True) | st.sampled_from(["hgih", "hihg", "High", "lo", "loww", "highlow"]),
)
def test_a_wrong_value_costs_no_other_field(
    name: str, channel: str, recipient: str | None, content_type: str | None, value: str
) -> None:
    """A field that recovery knows nothing about is repaired or left out; all others stay, channels above all."""
    module = codec_of(name)
    made = module.Message(
        "assistant", "x", channel=channel, recipient=recipient, content_type=content_type, priority="high"
    )
    text = module.render_text([made])
    (message,) = module.recover(text.replace("priority=high", f"priority={value}")).messages
    kept = ("role", "channel", "recipient", "content_type", "content")
    assert [getattr(message, name) for name in kept] == [getattr(made, name) for name in kept]
    if name == "field":  # lower-case letters
        return
    assert message.priority in ("high", "low", None)
    near = {"hgih": "high", "hihg": "high", "High": "high", "high": "high", "low": "low", "loww": "low"}
    assert message.priority == near.get(value, message.priority)


def test_text_after_a_stop_token_is_refused(tmp_path: Path) -> None:
    """Recovery finds the ends of messages by their tokens alone."""
    stop = [lark("terminator: END\n", 'terminator: END "\\n"\n')]
    example = {"file": "conversation.toml", "old": "<|end|>", "new": "<|end|>\\n", "everywhere": "yes"}
    with pytest.raises(GrammarError, match="recovery needs"):
        generate(edited(tmp_path / "grammar", [*stop, example]))


@pytest.mark.parametrize("name", ["field", "list"])
@pytest.mark.parametrize(
    "written",
    ["Priority=high", "PRIORITY=high", "priority = high", "priority: high", "priority : high", "priorty=high"],
)
@pytest.mark.parametrize("before", ["json ", ""])
def test_a_near_miss_of_what_introduces_a_field_of_its_own(name: str, written: str, before: str) -> None:
    """As for the recipient: where only words of a header are around it, and nowhere in a sentence."""
    module = codec_of(name)
    (message,) = module.recover(f"<|channel|>final {before}{written}<|message|>x<|return|>", "completion").messages
    assert (message.channel, message.priority, message.content) == ("final", "high", "x")
    text = f"The {written} of all."
    (message,) = module.recover(f"{text}<|return|>", "completion").messages
    assert (message.channel, message.priority, message.content) == ("final", None, text)


def test_signs_alone_do_not_introduce_a_field() -> None:
    """A bracket has no word, so only the name of its field is one."""
    near = automaton_of(codec_of("recipient in brackets").FORMAT).near_leads
    assert {each.words for each in near if each.field == "recipient"} == {("recipient",)}


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("role_tokens", "cohere")])
@pytest.mark.parametrize(
    "form",
    ["{}={}", "{}:{}", "{}: {}", "{} = {}", '{{"{}":"{}"}}', '{{"{}": "{}"}}', "{{'{}': '{}'}}"],
)
def test_the_name_of_a_field_introduces_it(name: str, form: str) -> None:
    """In every dialect whose roles are words, for each known value of each field; nowhere in a sentence."""
    module = dialect_codec(name)
    format = module.FORMAT
    recovery = format.recovery
    begins, opens, slots = recovery.begins, recovery.opens[0], recovery.slots
    ends = next(spelling for spelling, kind in recovery.closes.items() if kind is None)
    model = recovery.author[slots.role]
    for field, values in HeaderNames(format, KnownNames(format, None)).lists.items():
        for value in values:
            written = form.format(field, value)
            author = written if field == slots.role else f"{model} {written}"
            (message,) = module.recover(f"{begins}{author}{opens}x{ends}").messages
            assert getattr(message, field) == value
            assert not message.repair or message.repair.fields == (field,)
            for end in (f"{opens}x{ends}", ends):
                found = module.recover(f"{begins}{model} I wrote the {written} down{end}")
                assert written.split()[0] not in {
                    each.raw.split(None, 1)[0] for each in found.diagnostics if each.taken_for
                }


def misspelt(token: str) -> list[str]:
    """A token without a sign or a letter, with a letter doubled or swapped, or with white space or capital letters."""
    at = len(token) // 2
    letters = token[at + 1 :], token[at] + token[at:], token[at + 1] + token[at] + token[at + 2 :]
    typos = [token[:at] + rest for rest in letters if token[at : at + 2].isalpha()]
    return [token[1:], token[:-1], token.upper(), f"{token[:-1]} {token[-1]}", *typos]


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("role_tokens", "cohere")])
def test_a_misspelt_token_introduces_a_known_name(name: str) -> None:
    """A recipient needs the token itself."""
    module = dialect_codec(name)
    format = module.FORMAT
    recovery = format.recovery
    begins, opens, slots = recovery.begins, recovery.opens[0], recovery.slots
    ends = next(spelling for spelling, kind in recovery.closes.items() if kind is None)
    lists = HeaderNames(format, KnownNames(format, None)).lists
    for field in lists.keys() - {slots.role, slots.recipient}:
        for token in set(recovery.leads.get(field, ())) & format.markers.keys():
            for text in (*misspelt(token), token.replace("|", ""), f"{token[:-1]} "):
                for value in lists[field] if text != token else ():
                    source = f"{begins}{recovery.author[slots.role]} {text}{value}"
                    found = module.recover(f"{source}{opens}x{ends}")
                    assert [getattr(message, field) for message in found.messages] == [value]
                    assert found.diagnostics


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("role_tokens", "cohere")])
def test_a_misspelt_token_begins_a_message_or_opens_a_content(name: str) -> None:
    """It belongs to no content, and hides no author."""
    codec = dialect_codec(name)
    recovery = codec.FORMAT.recovery
    opener = next(token for token, sets in automaton_of(codec.FORMAT).opener_sets.items() if not sets)
    stop = next(token for token, kind in recovery.closes.items() if kind is None)
    pairs = [(text, opener) for text in misspelt(recovery.begins)] + [(recovery.begins, t) for t in misspelt(opener)]
    for role in {*recovery.roles} - {recovery.tool, *recovery.author.values()}:
        for begins, opens in pairs:
            found = codec.recover(f"{begins}{role}{opens}One.{stop}", "transcript")
            read = [(getattr(m, recovery.slots.role), getattr(m, codec.FORMAT.content)) for m in found.messages]
            assert read == [(role, "One.")]
            assert found.diagnostics


@pytest.mark.parametrize("name", RECOVERING)
@pytest.mark.parametrize("sign", [",", "/", "->", "|"])
def test_a_list_of_names_is_read_alike_with_and_without_white_space(name: str, sign: str) -> None:
    """Also whether the repair is ambiguous, and what else was read."""
    format = dialect_codec(name).FORMAT
    recovery = format.recovery
    ends = next(spelling for spelling, kind in recovery.closes.items() if kind is None)
    begin = recovery.begins + recovery.author[recovery.slots.role]
    for one, other in permutations(recovery.channels, 2):
        lead = recovery.leads[recovery.slots.channel][0]
        read = [
            dialect_codec(name).recover(f"{begin}{lead}{one}{apart}{other}{recovery.opens[0]}x{ends}").messages
            for apart in (sign, f"{sign} ", f" {sign} ")
        ]
        assert read[1] == read[2] == read[0]
        assert [[message.repair.is_ambiguous for message in messages] for messages in read] == [[True]] * 3


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("role_tokens", "cohere")])
@pytest.mark.parametrize("form", ["{}: {}, ", "{}={} ", "{}: {}\n", "{}={}; ", '"{}": "{}", '])
def test_a_header_of_names_and_values_has_all_of_them(name: str, form: str) -> None:
    """In the order of the fields, as an object of JSON or without its brackets."""
    module = dialect_codec(name)
    format = module.FORMAT
    recovery = format.recovery
    ends = next(spelling for spelling, kind in recovery.closes.items() if kind is None)
    lists = HeaderNames(format, KnownNames(format, None)).lists
    values = {field: lists[field][0] for field in format.header_fields if field in recovery.slots and lists.get(field)}
    values[recovery.slots.role] = recovery.author[recovery.slots.role]
    header = "".join(form.format(field, value) for field, value in values.items()).rstrip(" ,;\n")
    header = f"{{{header}}}" if form.startswith('"') else header
    (message,) = module.recover(f"{recovery.begins}{header}{recovery.opens[0]}x{ends}").messages
    assert {field: getattr(message, field) for field in values} == values


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("role_tokens", "cohere")])
@pytest.mark.parametrize("sign", ["({})", "={}", "[{}]", ":{}", " {}"])
def test_the_name_of_an_author_can_be_written_again(name: str, sign: str) -> None:
    """An author has a name only where the grammar has one."""
    module = dialect_codec(name)
    recovery = module.FORMAT.recovery
    ends = next(spelling for spelling, kind in recovery.closes.items() if kind is None)
    for role in {*recovery.roles} - {*recovery.author.values()}:
        source = f"{recovery.begins}{role}{sign.format('alice')}{recovery.opens[0]}x{ends}"
        messages = module.recover(source).messages
        again = module.recover(module.render_text(messages)).messages
        assert [(each.role, each.name, each.content) for each in again] == [
            (each.role, each.name, each.content) for each in messages
        ]


@pytest.mark.parametrize("written", ["search to=assistant", "tool:search", "tool search to=assistant", "toolsearch"])
def test_a_tool_that_answers_calls_nothing(written: str) -> None:
    """Also where its name needs a word before it, and another sign or nothing is there."""
    module = dialect_codec("muse_glimmer")
    (message,) = module.recover(f"<|start|>{written}<|message|>x<|eom|>", tools=["search", "open"]).messages
    assert (message.role, message.name) == ("tool", "search")


def test_a_flag_that_is_not_set_makes_no_other_reading() -> None:
    """With a flag before the author: a role clears it, and leaving the words out does not."""
    (message,) = dialect_codec("more_spellings").recover("<|start|>userassistant 0<|message|><|end|>").messages
    assert message.repair.alternative is None


@pytest.mark.parametrize("tools", [None, ["web.search"]])
@pytest.mark.parametrize("recipient", ["self", "user"])
def test_a_recipient_that_is_no_tool_ends_where_a_text_begins(recipient: str, tools: list[str] | None) -> None:
    """Without the token that opens the content, which was read as the end of a tool's name."""
    module = dialect_codec("muse_glimmer")
    (message,) = module.recover(f"<|start|>assistant to={recipient}Hi there.<|eom|>", tools=tools).messages
    assert (message.recipient, message.content) == (recipient, "Hi there.")
