"""Headers with one mistake, in every dialect with recovery: all fields without a mistake are read."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import product
from random import Random
from types import ModuleType

import pytest

from harmony_spec import ParseError, RenderError
from harmony_spec.recovery.header_automaton import automaton_of

from .test_dialect_laws import RECOVERING, known_names
from .test_dialects import codec_of


@pytest.mark.parametrize("name", RECOVERING)
def test_a_message_is_known_without_the_token_that_begins_it(name: str) -> None:
    """All fields stay, unless a text with white space inside introduces the recipient of an author with a name. Only a
    missing channel may be inferred."""
    module = codec_of(name)
    recovery, lead = module.FORMAT.recovery, automaton_of(module.FORMAT).lead
    slots, model = recovery.slots, recovery.author[recovery.slots.role]
    tool = recovery.full_name(recovery.definitions.functions or "web", "search")
    fields = {
        slots.role: recovery.roles,
        slots.name: (None, "alice"),
        slots.recipient: (None, model, tool),
        slots.channel: (None, *recovery.channels[:1]),
    }
    fields.pop("", None)
    tried = 0
    for values in product(*fields.values()):
        known = {field: value for field, value in zip(fields, values, strict=True) if value}
        recipient, named = known.get(slots.recipient), slots.name in known
        may_call = recipient != tool or (known[slots.role] == model and not named)
        called_back = known[slots.role] != recovery.tool or recipient == model
        if not (may_call and called_back) or (recipient and named and len(lead.split()) > 1):
            continue
        with suppress(RenderError):
            text = module.render_text([module.Message(content="Hi.", **known)])
            rest, ends = text.removeprefix(recovery.begins), module.FORMAT.special_ends
            other = "im_start".join(ends) if all(ends) and rest.startswith(recovery.roles) else ""
            for before in ("", "\n", other):  # ..., and after the token of another format
                (found,) = module.recover(before + rest, tools=[tool]).messages
                kept = {field: getattr(found, field) for field in fields if field in known or field != slots.channel}
                assert {field: value for field, value in kept.items() if value} == known
            tried += 1
    assert tried >= len(recovery.roles) - 1


@pytest.mark.parametrize("name", RECOVERING)
def test_a_header_is_known_without_the_token_that_opens_its_content(name: str) -> None:
    """Its role stays, and a listed value that a text introduces, before a text that touches them."""
    module = codec_of(name)
    format, slots, automaton = module.FORMAT, module.FORMAT.recovery.slots, automaton_of(module.FORMAT)
    introduced = {field for label, field in automaton.introduces.items() if label not in automaton.markers}
    known = {slots.role: format.recovery.roles}
    known |= {field: values for field, values in format.listed_values.items() if field in introduced - {*slots}}
    openers = [spelling for spelling, sets in automaton.opener_sets.items() if not sets]
    tried = 0
    for role, (field, values) in product(format.recovery.roles, known.items()):
        for value in filter(None, values):
            with suppress(RenderError, TypeError):
                given = {slots.role: role, field: value, "content": "We need to look."}
                text = module.render_text([module.Message(**given)])
                for opener in openers:
                    text = text.replace(opener, "")
                (found,) = module.recover(text).messages
                assert {each: getattr(found, each) for each in given} == given
                tried += 1
    assert tried or not openers


@pytest.mark.parametrize("name", RECOVERING)
def test_what_introduces_a_name_is_read_in_capital_letters(name: str) -> None:
    module = codec_of(name)
    recovery, automaton, names = module.FORMAT.recovery, automaton_of(module.FORMAT), known_names(module)
    slots, tool = recovery.slots, names[recovery.slots.name][0]
    for lead, field in automaton.introduces.items():
        role = recovery.tool if field == slots.name else recovery.author[slots.role]
        if field not in (slots.name, slots.recipient) or not re.fullmatch(r"\w+\W?", lead):
            continue
        text = module.render_text([module.Message(**{slots.role: role, field: tool}, content="Hi.")])
        found = module.recover(text.replace(lead, lead.upper()), tools=[tool])
        assert [getattr(found.messages[0], each) for each in (slots.role, field)] == [role, tool]


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("cohere", "muse_glimmer")])
def test_white_space_before_the_token_of_a_flag_loses_nothing(name: str) -> None:
    module = codec_of(name)
    recovery, names = module.FORMAT.recovery, known_names(module)
    slots, tool = recovery.slots, names[recovery.slots.name][0]
    values = {slots.role: recovery.author[slots.role], slots.recipient: tool, slots.channel: recovery.channels[0]}
    values |= {slots.constrain: True, slots.content_type: recovery.content_types[0]}
    text = module.render_text([module.Message(**values, content="{}")])
    for token in recovery.leads[slots.constrain]:
        (found,) = module.recover(text.replace(token, f"  {token}"), tools=[tool]).messages
        assert {field: getattr(found, field) for field in values} == values


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("cohere", "muse_glimmer", "role_tokens")])
@pytest.mark.parametrize("around", ['"{}"', "`{}`", "({})", "[{}]", "<{}>", "{},", "->{}", "{};final", "{}<end>"])
def test_a_tool_that_addresses_the_model_calls_nothing(name: str, around: str) -> None:
    """Whatever signs are around the role, and whatever comes after them."""
    module = codec_of(name)
    recovery, lead = module.FORMAT.recovery, automaton_of(module.FORMAT).lead
    slots, tool, model = (
        recovery.slots,
        known_names(module)[recovery.slots.name][0],
        recovery.author[recovery.slots.role],
    )
    values = {slots.role: recovery.tool, slots.name: tool, slots.recipient: model}
    text = module.render_text([module.Message(**values, content="7")])
    (found,) = module.recover(text.replace(f"{lead}{model}", lead + around.format(model)), tools=[tool]).messages
    assert {field: getattr(found, field) for field in values} == values


@pytest.mark.parametrize("name", RECOVERING)
def test_a_channel_touches_the_author_and_a_text(name: str) -> None:
    """Without the tokens around it, as in `assistantfinalYes`; a word that only begins like it stays a text."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    author = recovery.author[slots.role]
    for channel in filter(None, recovery.channels):
        text = module.render_text([module.Message(role=author, channel=channel, content="We look.")])
        before, spelled, rest = text.partition(author)  # elsewhere, a token spells it
        stop = rest.rpartition("We look.")[2]
        for content in ("We look.", "42", '{"a": 1}') if spelled else ():
            (found,) = module.recover(f"{before}{author}{channel}{content}{stop}").messages
            assert (found.role, found.channel, found.content) == (author, channel, content)
            found = module.recover(f"{text}{author}{channel}{content}{stop}").messages[-1]
            assert (found.role, found.channel, found.content) == (author, channel, content)
            (found,) = module.recover(f"{before}{author}{channel}ly {content}{stop}").messages
            assert found.content.endswith(f"{channel}ly {content}")
        for lead in recovery.leads.get(slots.channel, ()) if spelled else ():  # ... as it does here
            (found,) = module.recover(f"{lead}{author}{channel}We look.{stop}").messages
            assert found.content.endswith("We look.")


def answered(name: str) -> tuple[ModuleType, str]:
    """A codec, and a completion with an answer: "" if it has none that begins with the token of a channel."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    if not slots.channel or "completion" not in module.FORMAT.starts:
        return module, ""
    answer = module.Message(**recovery.author, **{slots.channel: recovery.answers}, content="Done.")
    text = module.render_text([answer], "completion")
    is_token = text.startswith(tuple(module.FORMAT.markers))
    return module, text if is_token and text.startswith(tuple(recovery.leads.get(slots.channel, ()))) else ""


@pytest.mark.parametrize("name", [name for name in RECOVERING if answered(name)[1]])
def test_one_word_before_the_channel_of_a_completion_is_a_text(name: str) -> None:
    """Where no header goes on: after a space, it is a part of the header (`Hello`, in LM Studio's outputs)."""
    module, text = answered(name)
    for word in ("Hello", "Intro\n", "I "):
        found = module.recover(word + text, "completion").messages
        assert [str(message.content) for message in found] == [word, "Done."]
    for word in (" Hello", module.FORMAT.recovery.answers):
        (message,) = module.recover(word + text, "completion").messages
        assert message.content == "Done."


def own_labels(name: str) -> list[str]:
    """What introduces the fields that only the grammar of a dialect has: texts, and tokens as they are spelled."""
    module = codec_of(name)
    spelled = {mark: spelling for spelling, mark in module.FORMAT.markers.items()}
    introduces = automaton_of(module.FORMAT).introduces
    own = (label for label, field in introduces.items() if field not in module.FORMAT.recovery.slots)
    valued = (label for label in own if module.FORMAT.defaults.get(introduces[label]) is None)
    return sorted(spelled.get(label) or f" {label.lstrip()}" for label in valued)


@pytest.mark.parametrize(("name", "label"), [(name, label) for name in RECOVERING for label in own_labels(name)])
def test_a_tool_after_what_introduces_another_field_is_not_called(name: str, label: str) -> None:
    """Law 8: that introduces no recipient, and the tool is not the whole of its place: `priority=functions.f`."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    tool = recovery.full_name(recovery.definitions.functions or "web", "search")
    texts = [
        module.render_text([module.Message(**recovery.author, **{slots.channel: channel}, content="Hi.")])
        for channel in recovery.channels
    ]
    for text, word, end in product(texts, (tool, tool.rpartition(recovery.separator)[2]), ("", " json")):
        for opener in filter(text.__contains__, recovery.opens):
            broken = text.replace(opener, f"{label}{word}{end}{opener}", 1)
            for tools in (None, [tool], [word]):
                called = [message for message in module.recover(broken, tools=tools).messages if message.recipient]
                assert not called, (broken, tools)


def with_own_fields(name: str) -> list[str]:
    """Headers of a role with a field that only the grammar of a dialect has, and contents, drawn from the automaton."""
    module, rng, found = codec_of(name), Random(name), []
    recovery, names, automaton = module.FORMAT.recovery, known_names(module), automaton_of(module.FORMAT)
    for _ in range(200):
        text, state = "", 0
        while automaton.edges[state]:
            edge = rng.choice(automaton.edges[state])
            state = edge.target
            text += rng.choice(names.get(edge.spelling) or ["high"]) if edge.kind == "field" else edge.spelling
            if edge.spelling in recovery.opens:
                break
        text += f"Hello.{recovery.closes and next(iter(recovery.closes))}"
        with suppress(ParseError):
            (message,) = module.parse(text).messages
            own = [field for field in module.FORMAT.header_fields if field not in recovery.slots]
            is_own = any(getattr(message, field) for field in own)
            is_spoken = message.role.islower() and message.role in text and not (message.name or message.recipient)
            if is_own and is_spoken:
                found.append(text)
    return [text for text in found if not any(label in text for label in automaton.token_leads)]


AFTER_OPENER = ("python_tag", "thoughts")
"""Their own fields come after the token that opens the content."""

OWN = [
    name
    for name in RECOVERING
    if {*codec_of(name).FORMAT.header_fields} - {*codec_of(name).FORMAT.recovery.slots} and name not in AFTER_OPENER
]


@pytest.mark.parametrize("name", OWN)
def test_an_author_is_repaired_beside_a_field_of_the_dialect(name: str) -> None:
    """As in other headers, a capital letter makes no tool of a role."""
    module = codec_of(name)
    texts = with_own_fields(name)
    assert texts
    for text in texts:
        (message,) = module.parse(text).messages
        broken = text.replace(message.role, message.role.capitalize(), 1)
        assert module.recover(broken).messages == [message], broken


@pytest.mark.parametrize("name", [name for name in RECOVERING if name not in ("cohere", "role_tokens")])
def test_all_tokens_of_a_header_may_be_misspelt(name: str) -> None:
    """After a stop token that is right: a header that no token begins, and no token opens the content."""
    module = codec_of(name)
    recovery, slots = module.FORMAT.recovery, module.FORMAT.recovery.slots
    others = [role for role in recovery.roles if role != recovery.author[slots.role]]  # the model has a channel
    authors = [{slots.role: role} for role in others] + [
        recovery.author | {slots.channel: channel} for channel in recovery.channels if slots.channel
    ]
    for values in authors:
        with suppress(RenderError):
            first, text = (module.render_text([module.Message(**values, content=each)]) for each in ("We.", "Hi."))
            header = text.partition("Hi.")[0]
            wrong = module.FORMAT.special_matcher.sub(lambda token: token[0].swapcase(), header)
            if not any(opener in header for opener in recovery.opens):
                continue
            found = module.recover(first + text.replace(header, wrong)).messages
            assert found == module.parse(first + text).messages, wrong
