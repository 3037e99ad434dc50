"""Constraints of dialects come from their grammars: every target is written, and what is drawn parses."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from llguidance import LLMatcher

from harmony_spec import ParseError, RenderError
from harmony_spec.constraints import Constraint, constrain
from harmony_spec.constraints.completions import Completion
from harmony_spec.constraints.constraint import units_of
from harmony_spec.constraints.derivatives import derivative
from harmony_spec.constraints.engines import engine_for
from harmony_spec.constraints.offers import Offer
from harmony_spec.constraints.scoring import _draw
from harmony_spec.format.algebra import NOTHING
from harmony_spec.source.token_places import parts_of

from . import dialect
from .conftest import examples
from .strategies import described
from .test_dialects import codec_of, tokenizer_of


def is_read_by_llguidance(name: str) -> bool:
    """With tools, and with the vocabulary of this package. Generating all to find out would take each worker long."""
    with TemporaryDirectory() as temporary:
        folder = dialect.grammar_of(name, Path(temporary))
        vocabulary = tomllib.loads((folder / "vocabulary.toml").read_text(encoding="utf-8"))
        return "base" in vocabulary and (folder / "recovery.toml").exists()


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
    for seed in range(40):
        text = "".join(_draw(made.root, random.Random(seed)))
        tokens = [token for unit in parts_of(module.FORMAT, text) for token in tokens_of(module, unit)]
        found = module.parse(tokens, "completion", tokenizer=tokenizer_of(module))
        assert found.messages
        assert made.admits(text)


@pytest.mark.parametrize("tools", [["functions.f", "functions.fg", "g", "gh", "functions"], ["python", "python.x"]])
@pytest.mark.parametrize("name", [name for name in dialect.NAMES if is_read_by_llguidance(name)])
def test_draws_are_admitted_by_llguidance(name: str, tools: list[str]) -> None:
    """It takes the longest terminal that fits, which must not hide another tool, channel or type.

    Portable texts compare tokens, of which one may end a literal and begin a text.
    """
    made = constrain(codec=codec_of(name), tools=tools, builtins=[{"name": "py"}])
    engines = [engine_for(made.format, made.lark(portable=portable), "lark") for portable in (False, True)]
    for seed in range(25):
        text = "".join(_draw(made.root, random.Random(seed)))
        tokens = made.codec.encode(text, allowed_special="all")
        for engine in engines:
            assert engine(tokens) == made.admits(text), text


@pytest.mark.parametrize("name", TURNLESS)
@examples(60)
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


@pytest.mark.parametrize("name", dialect.NAMES)
def test_mutants_of_the_framing_die_where_the_strict_parser_dies(name: str) -> None:
    """Without turns and tools, at the same token; of a text in a header, the parser names the beginning."""
    module, chosen = codec_of(name), random.Random(name)
    special, markers = module.SPECIAL_TOKENS, [*module.FORMAT.markers]
    root = Completion(replace(module.FORMAT, turn=(), caches={}), Offer(), "accepting", frozenset()).build()
    for seed in range(8):
        units = parts_of(module.FORMAT, "".join(_draw(root, random.Random(seed))))
        for at in [index for index, unit in enumerate(units) if unit in special][:6]:
            other = chosen.choice(markers)
            for new in ([], [units[at]] * 2, [other], [other, units[at]]):
                mutant = [tokens_of(module, unit) for unit in (*units[:at], *new, *units[at + 1 :])]
                tokens, read = [token for unit in mutant for token in unit], 0
                rest = root
                for text, unit in zip((*units[:at], *new, *units[at + 1 :]), mutant, strict=True):
                    if (rest := derivative(rest, units_of(module, text))) == NOTHING:
                        break
                    read += len(unit)
                try:
                    module.parse(tokens, "completion", tokenizer=tokenizer_of(module))
                    died = len(tokens)
                except ParseError as error:
                    assert error.span
                    died = error.span.start
                begun = {*tokens[read : died + 1]} if died > read else {*tokens[died:read]}
                assert died == read or begun.isdisjoint(special.values()), (tokens, read, died)


def tokens_of(module: ModuleType, unit: str) -> list[int]:
    special, tokenizer = module.SPECIAL_TOKENS, tokenizer_of(module)
    if unit in special:
        return [special[unit]]
    return list(tokenizer.encode(unit) if tokenizer else module.encode(unit, allowed_special=[*special]))


def test_a_renamed_part_needs_no_code() -> None:
    """Another channel and another token in the grammar are others in the constraint."""
    assert "<|reserved_200011|>" in constraint_of("renamed_token").lark()
    both = constrain(codec=codec_of("model_order"), tools=["functions.f"])
    styled = constrain(codec=codec_of("model_order"), tools=["functions.f"], profile="canonical")
    assert ['"commentary" " " "to=functions.f"' in made.lark() for made in (both, styled)] == [True, False]
