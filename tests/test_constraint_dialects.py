"""Constraints of dialects come from their grammars: every target is written, and what is drawn parses."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from llguidance import LLMatcher

from harmony_spec import RenderError
from harmony_spec.constraints import Constraint, constrain
from harmony_spec.constraints.scoring import _draw, _merged

from . import dialect
from .strategies import described
from .test_dialects import codec_of, tokenizer_of

TURNLESS = [name for name in dialect.FOLDERS if not codec_of(name).FORMAT.turn]


@cache
def constraint_of(name: str) -> Constraint:
    return constrain(codec=codec_of(name))


@pytest.mark.parametrize("name", dialect.NAMES)
def test_every_target_is_written(name: str) -> None:
    made = constraint_of(name)
    for grammar in (made.lark(), made.lark(portable=True)):
        assert not LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(grammar))
    assert made.xgrammar_ebnf().startswith("root ::= ")
    assert made.gbnf().startswith("root ::= ")
    assert made.structural_tag()["type"] == "structural_tag"


@pytest.mark.parametrize("name", dialect.NAMES)
def test_draws_parse(name: str) -> None:
    """What the algebra can write is what the strict parser reads, and the algebra admits it."""
    module, made = codec_of(name), constraint_of(name)
    special = module.SPECIAL_TOKENS
    tokenizer: Any = tokenizer_of(module)
    for seed in range(40):
        units = list(_merged(_draw(made.root, random.Random(seed))))
        tokens = []
        for unit in units:
            plain = tokenizer.encode(unit) if tokenizer else module.encode(unit, allowed_special=[*special])
            tokens += [special[unit]] if unit in special else plain
        found = module.parse(tokens, "completion", tokenizer=tokenizer)
        assert found.messages
        assert made.admits("".join(units))


@pytest.mark.parametrize("name", TURNLESS)
@settings(max_examples=40)
@given(data=st.data())
def test_formats_without_turns_admit_every_completion(name: str, data: st.DataObject) -> None:
    module = codec_of(name)
    messages = data.draw(st.lists(described(module), min_size=1, max_size=2))
    last = module.FORMAT.starts["prompt"][0].steps[-1][0]
    opening = {} if last.has_content else {field: getattr(messages[0], field) for field in last.fields}
    try:
        text = module.render_text(messages, "completion", style="as_parsed", **opening)
    except RenderError:
        reject()
    assert constraint_of(name).admits(text)


def test_a_renamed_part_needs_no_code() -> None:
    """Another channel and another token in the grammar are others in the constraint."""
    assert "<|reserved_200011|>" in constraint_of("renamed_token").lark()
    both = constrain(codec=codec_of("model_order"), tools=["functions.f"])
    styled = constrain(codec=codec_of("model_order"), tools=["functions.f"], profile="canonical")
    assert ['"commentary to=functions.f"' in made.lark() for made in (both, styled)] == [True, False]
