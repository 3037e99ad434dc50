"""Near misses of the texts and tokens by which a format introduces its fields, in every dialect with recovery."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType

import pytest

from codegen import generate
from harmony_spec import ParseError
from harmony_spec.recovery.header_automaton import HeaderAutomaton, automaton_of, without_signs
from harmony_spec.recovery.header_names import HeaderNames
from harmony_spec.recovery.known_names import KnownNames

from .dialect import edited, module_of
from .header_edits import GRAMMARS
from .test_dialect_laws import RECOVERING, tokens_of
from .test_dialects import codec_of as dialect_codec
from .test_dialects import tokenizer_of
from .test_recovered_grammars import misspelt
from .test_uncertain_calls import header_of, stop_of, tool_of


@cache
def codec_of(name: str) -> ModuleType:
    if name in RECOVERING:
        return dialect_codec(name)
    folder = Path(mkdtemp())
    return module_of(name.replace(" ", "_"), generate(edited(folder / "grammar", GRAMMARS[name])), folder)


def texts_of(automaton: HeaderAutomaton) -> dict[str, list[str]]:
    """The texts with a word in them that introduce each field."""
    found: dict[str, list[str]] = {}
    for edge in (edge for row in automaton.edges for edge in row):
        if edge.kind == "text" and any(map(str.isalpha, edge.label)) and edge.label in automaton.introduces:
            found.setdefault(automaton.introduces[edge.label], []).append(edge.label)
    return found


def near(lead: str) -> list[str]:
    """A text with another sign, in other letter case, or with two letters swapped or one of them doubled."""
    word = without_signs(lead)
    typos = [word[1] + word[0] + word[2:], word[0] + word] if len(word) > 1 else []
    words = [word, word.capitalize(), word.upper()]
    return [f"{each}{sign}" for each in words for sign in ("=", ":", " = ", ": ")] + [f"{each}=" for each in typos]


NAMES = [*RECOVERING, "flag in text", "recipient in two spellings", "field in two spellings"]


@pytest.mark.parametrize("name", NAMES)
def test_each_text_before_a_listed_value_has_near_misses(name: str) -> None:
    """Of a field that no slot names."""
    module = codec_of(name)
    recovery, automaton = module.FORMAT.recovery, automaton_of(module.FORMAT)
    lists = HeaderNames(module.FORMAT, KnownNames(module.FORMAT, None)).lists
    for field, texts in texts_of(automaton).items():
        values = lists.get(field, ()) if field not in recovery.slots else ()
        for text in [each for lead in texts for each in near(lead)]:
            for value in values:
                source = f"{recovery.begins}{recovery.author[recovery.slots.role]} {text}{value}{recovery.opens[0]}x"
                (message,) = module.recover(source + stop_of(module, None)).messages
                assert getattr(message, field) == value, source


@pytest.mark.parametrize("name", NAMES)
def test_each_text_before_a_recipient_has_near_misses(name: str) -> None:
    """Also the second one of a rule."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots, tool = recovery.slots, tool_of(recovery)
    for lead in texts_of(automaton_of(module.FORMAT)).get(slots.recipient, ()):
        for text in near(lead):
            calls = {slots.channel: recovery.calls} if slots.channel else {}
            header = header_of(module, **recovery.author, **calls)
            source = f"{header} {text}{tool}{recovery.opens[0]}{{}}"
            (message,) = module.recover(source + stop_of(module, recovery.ends_calls), tools=[tool]).messages
            assert getattr(message, slots.recipient) == tool, source


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_token_of_a_role_is_that_role(name: str) -> None:
    """Also where it opens the content; otherwise the words of others would be those of the model."""
    module = codec_of(name)
    slots = module.FORMAT.recovery.slots
    for edge in (edge for row in automaton_of(module.FORMAT).edges for edge in row if edge.kind == "token"):
        role = dict(edge.sets).get(slots.role)
        text = str(module.render_text([module.Message(**{slots.role: role}, content="One.")])) if role else ""
        for written in {*misspelt(edge.spelling)} - {edge.spelling} if role else ():
            source = text.replace(edge.spelling, written)
            with suppress(ParseError):
                module.parse(source)
                continue  # the name of a tool
            found = module.recover(source)
            assert [(getattr(message, slots.role), message.content) for message in found.messages] == [(role, "One.")]
            assert any(slots.role in message.repair.fields for message in found.messages), source
            parser = module.StreamParser("transcript", tokenizer=tokenizer_of(module))
            for token in tokens_of(module, source):
                parser.feed(token)
            parser.close()
            assert list(parser.messages) == found.messages


def own_parts(module: ModuleType) -> list[tuple[str, str | bool, str]]:
    """The flags and the listed values of fields without a slot, with the text of each in a header."""
    automaton, slots = automaton_of(module.FORMAT), module.FORMAT.recovery.slots
    lists = HeaderNames(module.FORMAT, KnownNames(module.FORMAT, None)).lists
    flags: list[tuple[str, str | bool, str]] = [
        (field, value, edge.label)
        for row in automaton.edges
        for edge in row
        for field, value in (edge.sets if edge.kind == "text" else ())
        if value is True and field not in slots and not automaton.may_name({edge.target})
    ]
    texts = texts_of(automaton)
    named = [(field, lead) for field in lists.keys() - {*slots} for lead in (*texts.get(field, ()), f"{field}:")]
    return flags + [(field, value, lead + value) for field, lead in named for value in lists[field]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sign", ["", ",", ";", "|", "?", "."])
@pytest.mark.parametrize("offers", [True, False])
def test_what_introduces_a_field_ends_the_name_of_a_tool(name: str, sign: str, offers: bool) -> None:
    """Of an offered tool, or of a function before a sign that names do not have, if no tools are known."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots, tool = recovery.slots, tool_of(recovery)
    if not (recovery.leads.get(slots.recipient) and recovery.separator):
        return
    calls = {slots.channel: recovery.calls} if slots.channel else {}
    header = header_of(module, **recovery.author, **calls) + recovery.leads[slots.recipient][0]
    for field, value, text in own_parts(module):
        source = f"{header}{tool}{sign}{text}{recovery.opens[0]}{{}}{stop_of(module, recovery.ends_calls)}"
        (message,) = module.recover(source, tools=[tool] if offers else None).messages
        if offers or (recovery.definitions.functions and sign not in ("", ".")):
            assert (getattr(message, slots.recipient), getattr(message, field)) == (tool, value), source
        other = f"{tool}_{text}"  # another name
        source = f"{header}{other}{recovery.opens[0]}{{}}{stop_of(module, recovery.ends_calls)}"
        (message,) = module.recover(source, tools=[tool] if offers else None).messages
        assert getattr(message, slots.recipient) != tool, source


@pytest.mark.parametrize("name", NAMES)
def test_a_field_after_a_sign_may_be_anywhere_after_the_author(name: str) -> None:
    """Of a field without a slot, before a name that it may have; all other fields stay."""
    module = codec_of(name)
    automaton, recovery = automaton_of(module.FORMAT), module.FORMAT.recovery
    slots, model = recovery.slots, recovery.author[recovery.slots.role]
    for sign, field in automaton.introduces.items():
        if field in slots or sign in automaton.markers or any(map(str.isalpha, sign)):
            continue
        for value in filter(automaton.patterns[field].fullmatch, ("high", "low", "abcd", "7f3a9c")):
            fields = {slots.channel: recovery.calls, slots.recipient: tool_of(recovery), field: value}
            fields[slots.content_type] = recovery.json
            header, part = header_of(module, **recovery.author, **fields), f" {sign}{value}"
            before, after = header.split(part)
            rest = before + after
            ends = [match.start() for match in re.finditer(r"\s|<\||\Z", rest) if match.start() > rest.index(model)]
            for at in ends:
                source = f"{rest[:at]}{part}{rest[at:]}{recovery.opens[0]}{{}}{stop_of(module, recovery.ends_calls)}"
                (message,) = module.recover(source, tools=[tool_of(recovery)]).messages
                assert {each: getattr(message, each) for each in fields} == fields, source
                assert message.content == "{}"


@pytest.mark.parametrize("name", NAMES)
def test_a_text_that_is_a_flag_has_near_misses(name: str) -> None:
    """Among the words of a header, but not in a content, nor as an author."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    slots, stop = recovery.slots, stop_of(module, None)
    for field, value, text in own_parts(module):
        word = without_signs(text)
        for near_word in (
            (word.capitalize(), word.upper(), word[:2] + word[3] + word[2] + word[4:]) if value is True else ()
        ):
            written = text.replace(word, near_word)
            header = header_of(module, **recovery.author, **{slots.channel: recovery.answers})
            for source in (f"{header} {written}", f"{header} {written} {recovery.json}"):
                found = module.recover(f"{source}{recovery.opens[0]}x{stop}")
                assert [(getattr(each, field), each.content) for each in found.messages] == [(True, "x")], source
                assert any(diagnostic.raw.strip() == written for diagnostic in found.diagnostics)
            for source in (f"{header} {written} it is{stop}", f"{recovery.begins}{written}{recovery.opens[0]}x{stop}"):
                assert not any(getattr(message, field) for message in module.recover(source).messages), source
