"""Mutants of completions are refused where the strict parser refuses them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise, product

import pytest

from harmony_spec import (
    Message,
    ParseError,
    StreamParser,
    codec,
    decode,
    parse,
)
from harmony_spec.constraints import constrain
from harmony_spec.constraints.completions import Completion
from harmony_spec.constraints.lark_texts import LarkText
from harmony_spec.constraints.offers import Offer

from .constraining import consumed, ids
from .test_constraints import OFFERED, VALID

# Mutants of the framing.

CHANNELS = ["analysis", "commentary", "final", "finally", ""]
ROLES = ["user", "assistant", "tool", "system", "functions.now", "assistant:x", ""]
RECIPIENTS = [" to=functions.later", " to=user", " to=python", " to=", " to=a b", ""]


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Every special token left out, doubled, swapped with the next one, replaced and preceded by each other one; other
    channels, roles and recipients. Each with the kind of change."""
    units = re.findall(r"<\|[a-z]+\|>|[^<]+|<", text)
    markers = [*codec.FORMAT.markers, "<|endoftext|>"]
    places = [index for index, unit in enumerate(units) if unit in markers]
    changes: list[tuple[str, int, int, list[str]]] = [("left out", at, 1, []) for at in places]
    changes += [("doubled", at, 1, [units[at]] * 2) for at in places]
    changes += [("swapped", at, n - at + 1, [units[n], *units[at + 1 : n], units[at]]) for at, n in pairwise(places)]
    changes += [("replaced", at, 1, [new]) for at in places for new in markers]
    changes += [("inserted", at, 0, [new]) for at in places for new in markers]
    for at, unit in enumerate(units):
        before, (_, space, rest) = units[at - 1] if at else "", unit.partition(" ")
        if before == "<|channel|>":
            changes += [("channel", at, 1, [new + space + rest]) for new in CHANNELS]
        if before == "<|start|>":
            changes += [("role", at, 1, [new + space + rest]) for new in ROLES]
        if " to=" in unit:
            changes += [("recipient", at, 1, [re.sub(r" to=\S+", new, unit)]) for new in RECIPIENTS]
    for kind, at, count, new in changes:
        yield kind, "".join([*units[:at], *new, *units[at + count :]])


def death(tokens: list[int]) -> int | None:
    """The token that the strict parser names; None if it accepts all. Of a text in a header, it names the beginning."""
    parser = StreamParser(strict=True)
    try:
        parser.feed(tokens)
        parser.close()
    except ParseError as error:
        assert error.span
        return error.span.start
    return None


CALLED = ["to=f", " to=f", "commentary", "f<|channel|>commentary", " to=f<|channel|>commentary"]
HEADERS = ["", "final", "l", "al", "json", "<|channel|>final", "assistant<|channel|>final", *CALLED]
TEXTS = ["", "<|message|>", "<|message|>{}", "{}", "]}", '"}']
ENDS = ["<|return|>", "<|call|>", "<|end|><|start|>assistant<|channel|>final<|message|>x<|return|>"]
RESTS = [*map("".join, product(HEADERS, TEXTS, ENDS)), "", "<|start|>assistant<|channel|>final<|message|><|return|>"]
"""What may end a completion, wherever it is cut."""


@cache
def continues(tokens: tuple[int, ...]) -> bool:
    """Whether a strict completion in the order of `[[turn]]` begins with tokens, as far as `RESTS` can tell."""
    for rest in RESTS:
        text = decode(tokens) + rest
        try:
            messages = parse(ids(text), "completion").messages
        except ParseError:
            continue
        *others, last = text.split("<|start|>")
        kinds = "".join(map(turn_of, messages)) + last[last.rfind("<|") :]
        if re.fullmatch(r"t*p?(c<.call.>|a<.return.>)", kinds) and all(part.endswith("<|end|>") for part in others):
            return True
    return False


def turn_of(message: Message) -> str:
    """Thoughts, a preamble, a call or an answer; "-" for what is none of them."""
    if (message.role, message.name) != ("assistant", None):
        return "-"
    if message.recipient:
        is_called = message.channel in ("analysis", "commentary") and message.content_type in (None, "json", "code")
        return "c" if is_called and (message.content_type != "json" or is_json(message.text)) else "-"
    if message.channel == "final" and (message.content_type is None or is_json(message.text)):
        return "a" if message.content_type in (None, "json") else "-"
    return {"analysis": "t", "commentary": "p"}.get(str(message.channel), "-") if message.content_type is None else "-"


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", VALID)
def test_mutants_die_where_the_strict_parser_dies(text: str) -> None:
    """Exactly there without turns; earlier only where no completion in the order of `[[turn]]` is left; never later.

    A doubled token always dies there.
    """
    framing = Completion(replace(codec.FORMAT, turn=(), caches={}), Offer(), "accepting", frozenset()).build()
    grammars = [LarkText(codec.SPECIAL_TOKENS).print(framing), constrain().lark(), OFFERED.lark()]
    for kind, mutant in mutants(text):
        tokens = ids(mutant)
        died = death(tokens)
        alone, free, bound = (consumed(grammar, tokens) for grammar in grammars)
        assert bound <= free <= alone, mutant
        if died is None:
            assert alone == len(tokens), mutant
        else:
            assert alone == died or not {*tokens[died:alone]} & {*codec.SPECIAL_TOKENS.values()}, mutant
            assert died <= alone, mutant
        if kind == "doubled":
            assert free == died, mutant
        assert continues(tuple(tokens[:free])), mutant
        if free < (len(tokens) if died is None else died):
            assert not continues(tuple(tokens[: free + 1])), mutant
