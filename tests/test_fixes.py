"""Law 11: a fix does no harm. What `recover` reads says so, not the code that makes fixes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import harmony_spec
from harmony_spec import Fix, Recovered, codec
from harmony_spec.source.saved_text import Source
from harmony_spec.validation.fixes import apply, apply_fixes

from . import dialect
from .conftest import IN_GATE, examples
from .conversation_strategies import Talk, completion, talks, transcript
from .recovery_strategies import TOOLS, any_text, any_tokens, mistakes, offers, tokens_of
from .strategies import messages_of

STARTS: list[codec.Start] = ["transcript", "prompt", "completion"]
EXAMPLES = int(os.environ.get("FIX_EXAMPLES", "600"))
"""Of each property about any input; `.ci/fixes` draws more."""

LEVELS = ("safe", "unsafe", "display")

starts = st.sampled_from(STARTS)
sources = any_text | any_tokens | mistakes | mistakes.map(tokens_of) | talks.map(Talk.text) | talks.map(Talk.tokens)


def fixes_of(module: ModuleType, source: Source, start: str, allowed: tuple[str, ...], **how: Any) -> list[Fix]:
    found = module.validate(source, start, **how).diagnostics
    return [each.fix for each in found if each.fix and each.fix.applicability in allowed]


def all_fixed(module: ModuleType, source: Source, start: str, allowed: tuple[str, ...], **how: Any) -> Source:
    """A source with all fixes of some levels, as the command applies them."""

    def admitted(report: Any) -> list[Fix]:
        return [each.fix for each in report.diagnostics if each.fix and each.fix.applicability in allowed]

    def validated(changed: Source) -> Any:
        return module.validate(changed, start, **how)

    return apply_fixes(source, validated(source), admitted, validated)


def marks(recovered: Recovered[Any]) -> list[bool]:
    return [bool(message.repair and message.repair.after_stop) for message in recovered.messages]


def contents(source: Source, recovered: Recovered[Any]) -> list[Source]:
    return [source[content:stop] for _, content, stop, _ in recovered.bounds]


def is_harmless(module: ModuleType, before: Source, after: Source, start: str, **how: Any) -> bool:
    """Whether recovery reads two inputs equally: messages, what stands before a stop, what stands after it."""
    old, new = (module.recover(each, start, **how) for each in (before, after))
    return (old.messages, old.before_stop, marks(old)) == (new.messages, new.before_stop, marks(new))


@examples(EXAMPLES)
@given(sources, starts, offers)
def test_a_safe_fix_leaves_what_is_read_equal(source: Source, start: codec.Start, tools: list[str] | None) -> None:
    """Each alone, and all together: messages, before and after a stop, contents to the character or the token id."""
    before = codec.recover(source, start, tools=tools)
    fixes = fixes_of(codec, source, start, ("safe",), tools=tools)
    for some in [[fix] for fix in fixes] + [fixes]:
        changed = apply(source, some)
        assert is_harmless(codec, source, changed, start, tools=tools)
        assert contents(source, before) == contents(changed, codec.recover(changed, start, tools=tools))
    for fix in fixes:
        for message, (begin, _, _, end) in zip(before.messages, before.bounds, strict=False):
            touched = begin <= fix.span.start and fix.span.end <= end and fix.span != (begin, begin)
            assert not (touched and message.repair and message.repair.fields)


@examples(EXAMPLES)
@given(sources, starts, offers)
@example("I will call functions.search<|message|>Done.<|end|>", "completion", None)
def test_every_fix_leaves_what_is_read_alike(source: Source, start: codec.Start, tools: list[str] | None) -> None:
    """Each alone, of any level: the next one may not be applied."""
    for fix in fixes_of(codec, source, start, LEVELS, tools=tools):
        assert is_harmless(codec, source, apply(source, [fix]), start, tools=tools)


@examples(EXAMPLES)
@given(sources, starts, offers, st.sampled_from([LEVELS[:1], LEVELS[:2], LEVELS]))
def test_fixing_twice_is_fixing_once(
    source: Source, start: codec.Start, tools: list[str] | None, allowed: tuple[str, ...]
) -> None:
    """And what is written reads as it did before: no recipient, no call, no role is added, and no message is lost."""
    once = all_fixed(codec, source, start, allowed, tools=tools)
    assert all_fixed(codec, once, start, allowed, tools=tools) == once
    assert is_harmless(codec, source, once, start, tools=tools)
    if not codec.validate(once, start, tools=tools).diagnostics:
        assert codec.parse(once, start).messages == codec.recover(source, start, tools=tools).messages


@examples(EXAMPLES)
@given(sources, starts)
def test_no_word_is_lost(source: Source, start: codec.Start) -> None:
    """A safe fix removes no word: only special tokens, white space in headers, and an author that the prompt wrote."""
    if isinstance(source, str):
        changed = all_fixed(codec, source, start, LEVELS[:1])
        assert isinstance(changed, str)
        words = re.findall(r"\w+", " ".join(codec.FORMAT.special_matcher.split(source)))
        there = "".join(codec.FORMAT.special_matcher.split(changed))
        given = {"assistant"} if start == "completion" else set()
        assert [word for word in words if word not in there and word not in given] == []


@given(st.text(max_size=60), starts)
def test_what_is_not_harmony_has_no_fix(text: str, start: codec.Start) -> None:
    """Without a special token nothing says that it is Harmony, unless these may have been stripped."""
    if codec.FORMAT.special_matcher.search(text) is None:
        assert fixes_of(codec, text, start, LEVELS) == []
        assert fixes_of(codec, text, start, LEVELS[:2], stripped=True) == []


STRIPPED_PIECES = [
    *("user", "assistant", "analysis", "final", "commentary", " to=functions.f", " json", "{}", "Hi.", " Well. ", "\n"),
    *codec.FORMAT.markers,
]


def test_the_open_header_of_stripped_text_is_fixed() -> None:
    (fix,) = fixes_of(codec, "assistant", "prompt", LEVELS, stripped=True)
    assert fix.replacement == "<|start|>assistant"


@examples(EXAMPLES)
@given(st.lists(st.sampled_from(STRIPPED_PIECES), max_size=8).map("".join), starts)
@example("userHi.assistantfinalHello.<|end|><|end|>", "transcript")
def test_a_fix_of_stripped_text_leaves_what_is_read_alike(text: str, start: codec.Start) -> None:
    """With fewer special tokens, it may be read as stripped for the first time."""
    for fix in fixes_of(codec, text, start, LEVELS, stripped=True):
        assert is_harmless(codec, text, apply(text, [fix]), start, stripped=True)


# The cases that were reported.


CALL = "<|channel|>commentary to=functions.f Hello there my friend<|call|>"
STOPPED = (
    "<|channel|>commentary to=functions.f json<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>done<|return|>"
)
INSTRUCTIONS = "<|start|>developer# Instructions\n\nBe brief.<|end|>"


@pytest.mark.parametrize("source", [CALL, tokens_of(CALL), STOPPED, tokens_of(STOPPED), INSTRUCTIONS])
@pytest.mark.parametrize("start", STARTS)
def test_what_is_unclear_stays_as_it_is(source: Source, start: codec.Start) -> None:
    """A content without the token before it, an answer after the wrong stop token of a call, a word of no field."""
    if source not in (STOPPED, tokens_of(STOPPED)) or start == "completion":
        assert all_fixed(codec, source, start, LEVELS[:2]) == source


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("source", ["to=l|<|end|>>", "<|channel|>comment>e", "<|start|>assistnt<c", "f>"])
def test_nothing_is_left_for_a_second_run(source: str, start: codec.Start) -> None:
    for allowed in (LEVELS[:1], LEVELS[:2], LEVELS):
        once = all_fixed(codec, source, start, allowed)
        assert all_fixed(codec, once, start, allowed) == once
        assert is_harmless(codec, source, once, start)


def test_the_stop_token_of_a_call_is_fixed_where_nothing_follows() -> None:
    first = STOPPED[: STOPPED.index("<|end|>")]
    assert all_fixed(codec, first + "<|end|>", "completion", LEVELS[:1]) == first + "<|call|>"
    assert all_fixed(codec, STOPPED, "completion", LEVELS) == STOPPED


# Planted mistakes that change nothing of what is read.


def _doubled(spelling: str) -> Callable[[Random, str], str]:
    def plant(rng: Random, text: str) -> str:
        places = [match.end() for match in re.finditer(re.escape(spelling), text)]
        at = rng.choice(places)
        return text[:at] + spelling + text[at:]

    return plant


def _replaced(old: str, new: str) -> Callable[[Random, str], str]:
    def plant(rng: Random, text: str) -> str:
        found = rng.choice(list(re.finditer(old, text)))
        return text[: found.start()] + found.expand(new) + text[found.end() :]

    return plant


PLANTS: dict[str, Callable[[Random, str], str]] = {
    "a start token twice": _doubled("<|start|>"),
    "a stop token twice": _doubled("<|end|>"),
    "the constrain token twice": _doubled("<|constrain|>"),
    "no start token": _replaced(r"(<\|(?:end|call)\|>)<\|start\|>", r"\1"),
    "two spaces before a recipient": _replaced(" to=", "  to="),
    "a space before the content": _replaced(r"(<\|channel\|>\w+)<\|message\|>", r"\1 <|message|>"),
    "the stop token of answers inside": _replaced(r"<\|end\|>(?=<\|start\|>)", "<|return|>"),
    "the stop token of others after a call": _replaced(r"<\|call\|>", "<|end|>"),
}


def test_planted_mistakes_are_fixed() -> None:
    """At least nine of ten mistakes that change nothing of what is read have a safe fix, in each kind."""
    for name, plant in PLANTS.items():
        planted = right = 0
        for seed in range(60 if IN_GATE else 150):
            rng = Random(f"{name} {seed}")
            talk = transcript(rng)
            text = talk.text()
            try:
                wrong = plant(rng, text)
            except IndexError:  # there is no place for this mistake
                continue
            for source in (wrong, tokens_of(wrong)):
                if not is_harmless(codec, text if isinstance(source, str) else tokens_of(text), source, "transcript"):
                    continue
                if not codec.validate(source).diagnostics:
                    continue
                planted += 1
                clean = all_fixed(codec, source, "transcript", LEVELS[:1])
                right += not codec.validate(clean).diagnostics
        assert planted > 20, name
        assert right >= 0.9 * planted, (name, right, planted)


def damaged_text(rng: Random, text: str) -> str:
    """A text with one mistake, or cut, or without its special tokens."""
    specials = list(re.finditer(codec.FORMAT.special_text, text))
    if not specials or not re.search(r"\w", text):
        return text
    kind, found = rng.choice(["drop", "double", "cut", "strip", "replace", "letter", "space"]), rng.choice(specials)
    if kind == "cut":
        return text[: rng.randrange(len(text))]
    if kind == "strip":
        return re.sub(codec.FORMAT.special_text, "", text)
    if kind == "letter":
        at = rng.choice([match.start() for match in re.finditer(r"\w", text)])
        return text[:at] + text[at + 1 :]
    new = {"drop": "", "double": found[0] * 2, "space": found[0] + " ", "replace": rng.choice(specials)[0]}[kind]
    return text[: found.start()] + new + text[found.end() :]


def test_damaged_rows_are_never_wrong_in_silence() -> None:
    """A damaged conversation that is valid after its safe fixes is the one that it was."""
    right = 0
    for seed in range(400):
        rng = Random(seed)
        talk = completion(rng) if seed % 2 else transcript(rng)
        text = talk.text()
        damaged = damaged_text(rng, text)
        if not codec.validate(damaged, talk.start, **talk.given).diagnostics:
            continue
        once = all_fixed(codec, damaged, talk.start, LEVELS[:1], **talk.given)
        if not codec.validate(once, talk.start, **talk.given).diagnostics:
            assert codec.recover(once, talk.start, **talk.given).messages == talk.messages
            right += 1
    assert right > 40


# Every dialect that recovers.


@cache
def codec_of(name: str) -> ModuleType:
    return dialect.codec_of(name, Path(mkdtemp()))


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(60)
@given(data=st.data())
def test_fixes_of_a_dialect_do_no_harm(name: str, data: st.DataObject) -> None:
    """Conversations of which special tokens were taken out, doubled or moved."""
    module = codec_of(name)
    if not hasattr(module, "validate"):
        return
    conversation = data.draw(st.lists(messages_of(module), min_size=1, max_size=3))
    try:
        text = module.render_text(conversation)
    except harmony_spec.RenderError:
        return
    parts = re.split(f"({module.FORMAT.special_text})", text)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(parts) - 1))
        parts[at : at + 1] = data.draw(st.sampled_from([[], [parts[at]] * 2, [parts[at], " "]]))
    source = "".join(parts)
    for allowed in (LEVELS[:1], LEVELS):
        once = all_fixed(module, source, "transcript", allowed)
        assert all_fixed(module, once, "transcript", allowed) == once
        assert is_harmless(module, source, once, "transcript")


def test_a_fix_names_the_codes_of_its_level() -> None:
    """Named codes admit a display fix; the fix says which they are."""
    (found, *_) = codec.validate("<|start|>assistant<|channel|>final<|message|>Hi.").diagnostics
    assert found.fix is not None
    assert (found.fix.applicability, found.fix.codes) == ("display", ("H114",))
    tool = "<|start|>assistant<|channel|>commentary<|channel|>bash<|channel|>commentary<|message|>{}<|call|>"
    first = next(each.fix for each in codec.validate(tool, tools=[*TOOLS, "functions.bash"]).diagnostics if each.fix)
    assert (first.applicability, first.codes) == ("display", ("H137",))


def test_a_fix_does_no_harm_without_the_fix_beside_it() -> None:
    """The second one hid that the first one gives the message a stop token that it has not."""
    source = "assistant to=functions.get_weather<|return|><|channel|>analysis<|message|><|call|>"
    for fix in fixes_of(codec, source, "transcript", LEVELS):
        assert is_harmless(codec, source, apply(source, [fix]), "transcript")


def test_no_unsafe_fix_ends_a_call_that_is_a_guess() -> None:
    """Its stop token would be the proof that a call was meant; a misspelt name was introduced."""
    tools, end = ["functions.get_weather"], "<|message|>No.<|end|>"
    guessed, introduced = (
        f"<|channel|>commentary {name}{end}" for name in ("functions.get_weather", "to=functions.get_wether")
    )
    for source, level in ((guessed, "display"), (introduced, "unsafe")):
        found = codec.validate(source, "completion", tools=tools).diagnostics
        fixes = [each.fix for each in found if each.code.name == "wrong-call-terminator"]
        assert [fix.applicability for fix in fixes if fix] == [level]
