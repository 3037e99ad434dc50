"""Strategies for messages, one per kind of message. What they leave out is said where it is left out."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby, pairwise
from random import Random
from string import punctuation
from types import ModuleType
from typing import Any, get_args

from hypothesis import strategies as st

from harmony_spec import Message, codec
from harmony_spec.format.frames import Frame
from harmony_spec.format.tables import Format
from harmony_spec.source.forms import TokenForm
from harmony_spec.vocabulary import load

SPECIAL = list(codec.SPECIAL_TOKENS)
ROLES = [role for role in get_args(codec.Role) if role != "tool"]

# Lone surrogates are no text: they cannot be encoded, and are refused (tested by themselves).
characters = st.characters(exclude_categories=["Cs"])
plain = st.text(characters, max_size=40)
awkward = st.lists(
    st.one_of(
        plain,
        st.sampled_from(SPECIAL),
        st.sampled_from(
            ["<|", "|>", "<", "<|start", "assistant", " to=", "\n", "\r\n", " ", "<|im_start|>", "e\u0301", "🏳️‍🌈"]
        ),
    ),
    max_size=6,
).map("".join)
contents = plain | awkward

# In the text form a special token in a content would be one, which is an error (tested by itself).
text_contents = contents.filter(lambda text: not codec.FORMAT.special_matcher.search(text))

words = st.one_of(
    st.sampled_from(
        ["functions.get_weather", "python", "browser.search", "alice", "a-b", "é", "名前", "all", "x:y", "to=z"]
    ),
    st.from_regex(re.compile(r"[^\s<\ud800-\udfff]{1,12}"), fullmatch=True),
)
# A tool's name that reads as a role, alone or with a name behind a colon, cannot be written (tested by itself).
tool_names = words.filter(lambda word: word.split(":")[0] not in ROLES)
channels = st.sampled_from(["analysis", "commentary", "final"]) | words
types = st.sampled_from(["json", "code", "text/plain"]) | st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_+/-]{0,9}", fullmatch=True
)
# Built once: for each message that is drawn, it takes as long as to draw from them.
roles = st.sampled_from([*ROLES, "assistant", "assistant", "tool"])
maybe_words, maybe_channels, maybe_types = st.none() | words, st.none() | channels, st.none() | types


@st.composite
def messages(draw: st.DrawFn, content: st.SearchStrategy[str] = contents) -> Message:
    """Any message that the format can express."""
    role = draw(roles)
    content_type = draw(maybe_types)
    return Message(
        role=role,
        content=draw(content),
        name=draw(tool_names) if role == "tool" else draw(maybe_words),
        recipient=draw(maybe_words),
        channel=draw(maybe_channels),
        constrain=content_type is not None and draw(st.booleans()),
        content_type=content_type,
    )


def conversations(content: st.SearchStrategy[str] = contents, min_size: int = 0) -> st.SearchStrategy[list[Message]]:
    return st.lists(messages(content), min_size=min_size, max_size=5)


seeds = st.integers(0, 2**32 - 1)


@st.composite
def retokenized(draw: st.DrawFn, tokens: list[int], format: Format = codec.FORMAT, tokenizer: Any = None) -> list[int]:
    """The same text in other tokens: each run of ordinary ones is encoded in pieces, as no tokenizer would."""
    chosen, rng = tokenizer or load(format.encoding), Random(draw(seeds))  # to draw each cut takes longer than the rest
    form, found = TokenForm(format, tokens, chosen), list[int]()
    for is_ordinary, group in groupby(tokens, form.is_ordinary):
        run = list(group)
        if is_ordinary:
            text = chosen.decode_bytes(run).decode()
            cuts = [at for at in range(1, len(text)) if rng.random() < 0.3]
            pieces = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
            other = [token for piece in pieces for token in chosen.encode(piece)]
            run = other if chosen.decode_bytes(other).decode() == text else run
        found += run
    return found


variants = st.lists(st.sampled_from(["recipient_last", "unspaced", "call", "return"]), unique=True).map(tuple)


@cache
def messages_of(module: ModuleType) -> st.SearchStrategy[Any]:
    """Messages that the grammar describes, or any combination of field values; some of those cannot be written."""
    fields = {}
    for name in module.FORMAT.fields:
        annotation = module.Message.__annotations__[name]
        fields[name] = _field(module, name, annotation)
    return described(module) | described(module) | st.builds(module.Message, **fields)


@cache
def short_match(pattern: str) -> st.SearchStrategy[str]:
    """Short texts that match. To build it takes longer than to draw from it."""
    return st.from_regex(re.compile(pattern), fullmatch=True).filter(lambda text: len(text) < 40)


@cache
def _steps(frame: Frame, state: int) -> st.SearchStrategy[Any]:
    """The steps from a state, and None if it may be the last one."""
    return st.sampled_from([*frame.steps[state], *[None] * (state in frame.final)])


@st.composite
def described(draw: st.DrawFn, module: ModuleType) -> Any:
    """A message as a path through the states of its frame, in the variants of that path."""
    format = module.FORMAT
    frame, _ = format.starts["transcript"][0].steps[0]
    state, mixed = 0, ""
    while step := draw(_steps(frame, state)):
        atom, state = step
        if atom.special:
            mixed += format.markers[atom.special]
        elif atom.text is not None:
            mixed += atom.text
        elif atom.nullable and atom.matcher.fullmatch(f"\0\n{punctuation}"):
            mixed += draw(contents)
        else:
            mixed += draw(short_match(atom.matcher.pattern))
    values = dict(format.defaults)
    variants = frame.read(mixed, values)
    return module.Message(**values, variants=variants)


def _field(module: ModuleType, name: str, annotation: str) -> st.SearchStrategy[Any]:
    values: st.SearchStrategy[Any]
    kind = annotation.removesuffix(" | None")
    if kind == "bool":
        return st.booleans()
    if kind.startswith("str | "):  # a content with a structure equals its text, which is drawn
        kind = "str"
    if kind != "str":
        values = st.sampled_from(get_args(getattr(module, kind)))
    elif name in module.FORMAT.patterns:
        values = st.from_regex(re.compile(module.FORMAT.patterns[name][0]), fullmatch=True).filter(
            lambda s: len(s) < 40
        )
    else:
        values = contents
    return st.none() | values if annotation.endswith("| None") else values
