"""What validation promises: nothing is said of what is valid, mistakes are found where they are, for any input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import Message, ParseError, Report, codec, parse, recover, validate

from .conftest import examples
from .conversation_strategies import Talk, talks
from .planted_mistakes import PLANTED
from .recovery_strategies import any_text, any_tokens, mistakes, offers, openings, tokens_of
from .test_diagnostics import CATALOGUE

STARTS: list[codec.Start] = ["transcript", "prompt", "completion"]
starts = st.sampled_from(STARTS)
TOKENS_ONLY = {"non-canonical-tokens", "spelled-special-token"}


def names(found: Report[Message]) -> set[str]:
    return {diagnostic.code.name for diagnostic in found.diagnostics}


# Valid conversations, and those with one mistake.


@given(talks)
def test_nothing_is_said_of_a_valid_conversation(talk: Talk) -> None:
    """A conversation that is as it should be gets no finding, whatever it is, as text and as tokens."""
    for source in (talk.text(), talk.tokens()):
        found = validate(source, talk.start, **talk.given)
        assert found.diagnostics == []
        assert found.messages == talk.messages


@pytest.mark.parametrize("name", PLANTED)
@examples(24)
@given(data=st.data())
def test_a_planted_mistake_is_found(name: str, data: st.DataObject) -> None:
    """The mistake is found where it is, and nothing else is."""
    planted = data.draw(PLANTED[name])
    found = validate(planted.source, planted.start, **planted.given)
    assert names(found) == {name}
    place = planted.place
    assert any(each.span.start <= place.start <= place.end <= each.span.end for each in found.diagnostics)


def test_each_check_has_a_planted_mistake() -> None:
    """Each diagnostic that only validation gives, and that of tokens that mean nothing."""
    checks = {name for name, entry in CATALOGUE.items() if "raised" not in entry and entry["code"][1] in "2567"}
    assert len(checks) > 25
    assert PLANTED.keys() == checks | {"unassigned-special-token"}


# Anything at all.


@given(any_text | any_tokens, starts, openings, offers, st.booleans())
def test_anything_is_validated(
    source: str | list[int], start: codec.Start, opening: dict[str, Any], tools: list[str] | None, tokenization: bool
) -> None:
    """Law 4: nothing raises. All that recovery says is said too, in order, and has a place, a message and a reason."""
    found = validate(source, start, **opening, tools=tools, tokenization=tokenization)
    recovered = recover(source, start, **opening, tools=tools)
    assert found.messages == recovered.messages
    said = [replace(each, fix=None) for each in found.diagnostics]
    assert [each for each in recovered.diagnostics if each not in said] == []
    assert [each.span for each in found.diagnostics] == sorted(each.span for each in found.diagnostics)
    for diagnostic in found.diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(source)
        assert 0 <= diagnostic.index <= len(found.messages)
        assert diagnostic.evidence
        assert len(diagnostic.raw) <= 121
        assert len(str(diagnostic).splitlines()) == 1


@given(mistakes | any_tokens, starts, offers)
def test_what_is_refused_is_found(source: str | list[int], start: codec.Start, tools: list[str] | None) -> None:
    """What the strict parser refuses is found; of what nothing is said, it takes and reads the same."""
    found = validate(source, start, tools=tools)
    try:
        strict = parse(source, start)
    except ParseError:
        assert found.diagnostics
        return
    assert found.diagnostics or found.messages == strict.messages


@given(mistakes | talks.map(Talk.text), starts, offers)
def test_a_text_and_its_tokens_say_the_same(text: str, start: codec.Start, tools: list[str] | None) -> None:
    """But for what only tokens can show."""
    by_text, by_tokens = validate(text, start, tools=tools), validate(tokens_of(text), start, tools=tools)
    said = [each.code.name for each in by_tokens.diagnostics if each.code.name not in TOKENS_ONLY]
    assert sorted(each.code.name for each in by_text.diagnostics) == sorted(said)
    assert by_text.messages == by_tokens.messages


DECLARED = """# Instructions

Answer briefly.

# Tools

## functions

namespace functions {

// Does it.
type f = (_: {
// A name.
a: string,
}) => any;

} // namespace functions"""


def test_a_declaration_that_is_cut_anywhere_is_validated() -> None:
    """What cannot be read may be at the end of the content, where no line is left to show."""
    for cut in range(len(DECLARED)):
        for end in ("", "\n"):
            content = DECLARED[:cut] + end
            found = validate(f"<|start|>developer<|message|>{content}<|end|>")
            assert [message.text for message in found.messages] == [content]
