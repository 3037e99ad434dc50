"""Drawn edits of headers: other orders, separators and introductions, and parts of their own. Each is refused with
places, or read alike by all parsers."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import example, given, reject
from hypothesis import strategies as st

from codegen import GrammarError, generate

from .conftest import examples
from .dialect import edited, module_of
from .header_edits import HEADER, START, lark
from .strategies import seeds
from .test_dialect_laws import require_known_names

OPENING, AUTHOR = "opening: START author", 'author: ROLE (":" name)?'
CHANNEL, RECIPIENT, TYPE = "channel: CHANNEL WORD", 'recipient: " to=" WORD', 'type: " " constrain? content_type'
CHOICE = {"file": "styles.toml", "old": 'choose = [{ choose = "recipient_last", when = { role = "assistant" } }]'}
VALUES = ['"high" | "low"', '"very high" | "low"', '"high" | "higher"', "/[a-z]+/", r"/[^\s<]+/"]
LEADS = ["mood=", " mood=", ";mood:", " #", " mood ", r"\nmood: ", "(mood ", "!", "~", "<"]
TOKENS = 'HIGH: "<|reserved_200013|>"\nLOW: "<|reserved_200014|>"\n'


@st.composite
def parts(draw: st.DrawFn) -> str:
    """The rules of an optional part `mood`."""
    lead, end = draw(st.sampled_from(LEADS)), draw(st.sampled_from(["", "", "", ' ")"', ' " "', ' "]]"']))
    named = f'"{lead}" MOOD{end}'
    forms = (named, f"HIGH MOOD{end}", f"MOOD{end}", f'"{lead}"', "HIGH", "HIGH -> high | LOW -> low")
    forms = (*forms, f'"{lead}high" -> high | "{lead}low" -> low')
    form = draw(st.sampled_from(forms))
    definitions = f"MOOD: {draw(st.sampled_from(VALUES))}\n" * ("MOOD" in form)
    definitions += "".join(line for line in TOKENS.splitlines(keepends=True) if line[: line.index(":")] in form)
    return f"mood: {form}\n{definitions}"


@st.composite
def edits(draw: st.DrawFn) -> list[dict[str, str]]:
    """One change of a header or more."""
    order = draw(st.permutations(["recipient?", "channel?", "type?"]))
    found = [dict(CHOICE)]
    found[0]["new"] = ""
    if where := draw(st.sampled_from(["", *[OPENING] * 2, *[AUTHOR] * 2, *[HEADER] * 4])):
        found.append(lark(START, draw(parts()) + START))
    if where == HEADER:
        order.insert(draw(st.integers(0, len(order))), "mood?")
    elif where:
        name = "START" if where == OPENING else "ROLE"
        found.append(lark(where, where.replace(name, draw(st.sampled_from([f"{name} mood?", f"mood? {name}"])))))
    found.append(lark(HEADER, f"header: {' '.join(order)}"))
    colon = draw(st.sampled_from([":", ":", ":", "@", " as ", "#", "::"]))
    found.append(lark('(":" name)?', f'("{colon}" name)?'))
    to = draw(st.sampled_from(['" to="', '" to="', '" to="', '" -> "', '"@"', r'"\nto: "', '" to "', "TO"]))
    found.append(lark(RECIPIENT, f"recipient: {to} WORD"))
    if to == "TO":
        found.append(lark(START, f'TO: "<|reserved_200015|>"\n{START}'))
    if draw(st.booleans()):
        found += [lark(CHANNEL, "channel: CHANNEL LANE"), lark(START, f'LANE: "analysis" | "final"\n{START}')]
    sign = draw(st.sampled_from(['" "', '" "', '"; "', '" | "', '"~"', r'"\n"', '" type="', '"  "']))
    other = draw(st.sampled_from(["", "", '"~~"', '" ;"', '"  "']))
    found.append(lark(TYPE, f"type: {'between' if other else sign} constrain? content_type"))
    if other:
        found.append(lark(START, f"between: {sign} | {other} -> wide\n{START}"))
    word = draw(st.sampled_from([r"/[^\s<]+/", r"/[^\s<;~!#@]+/", "/[a-z_.]+/"]))
    return [*found, lark(r"WORD: /[^\s<]+/", f"WORD: {word}")]


TOUCHING = [
    lark(AUTHOR, 'author: ROLE mood? (" as " name)?'),
    lark(START, f"mood: MOOD\nMOOD: /[a-z]+/\n{START}"),
    lark(HEADER, "header: recipient? channel? type?"),
    CHOICE | {"new": ""},
]
"""`system json`: the type is after a space, and a mood touches the author."""


@examples(60)
@given(edits(), seeds)
@example(TOUCHING, 0)
def test_a_drawn_header_is_refused_or_read_alike(found: list[dict[str, str]], seed: int) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            text = generate(edited(folder / "grammar", found))
        except GrammarError as error:
            assert all(problem.place.line and problem.remedy.endswith(".") for problem in error.problems)
            reject()
        module = module_of("drawn_header", text, folder)
    require_known_names(module, Random(seed))
