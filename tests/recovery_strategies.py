"""Strategies for what models write: conversations as they are meant, transcripts with mistakes, and anything at all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harmony_spec import SPECIAL_TOKENS, Message, codec, render, render_text
from harmony_spec.vocabulary import load

from .strategies import ROLES, SPECIAL, plain, text_contents

VOCABULARY = load(codec.FORMAT.encoding)

# No name is near another, and no last part stands twice: an offered tool is never taken for another one.
TOOLS = ["functions.get_weather", "functions.lookup_user", "browser.search", "python"]
CHANNELS = ["analysis", "commentary", "final"]
TYPES = ["json", "code"]

offers = st.sampled_from([None, TOOLS])


def tokens_of(text: str) -> list[int]:
    """The token ids of a text; what spells a special token is one."""
    tokens: list[int] = []
    at = 0
    for match in codec.FORMAT.special_matcher.finditer(text):
        tokens += [*VOCABULARY.encode(text[at : match.start()]), SPECIAL_TOKENS[match[0]]]
        at = match.end()
    return tokens + VOCABULARY.encode(text[at:])


# Conversations as they are meant.


@st.composite
def spoken(draw: st.DrawFn, content: st.SearchStrategy[str] = text_contents) -> Message:
    """A message of an author with a role: no call."""
    role = draw(st.sampled_from([*ROLES, "assistant", "assistant"]))
    channel = draw(st.none() | st.sampled_from(CHANNELS)) if role == "assistant" else None
    kind = draw(st.none() | st.sampled_from(TYPES)) if role == "assistant" else None
    name = draw(st.sampled_from([None, None, "alice", "bob-2"])) if role == "user" else None
    constrain = kind is not None and draw(st.booleans())
    ends = ("return",) if role == "assistant" and draw(st.booleans()) else ()
    return Message(role, draw(content), name, None, channel, constrain, kind, ends)


@st.composite
def calls(draw: st.DrawFn, content: st.SearchStrategy[str] = text_contents) -> Message:
    """A call of a tool, in the order of either style."""
    kind = draw(st.none() | st.sampled_from(TYPES))
    channel = draw(st.none() | st.sampled_from(["analysis", "commentary"]))
    constrain = kind is not None and draw(st.booleans())
    variants = ("call",) if channel is None or draw(st.booleans()) else ("recipient_last", "call")
    return Message("assistant", draw(content), None, draw(st.sampled_from(TOOLS)), channel, constrain, kind, variants)


@st.composite
def answers(draw: st.DrawFn, content: st.SearchStrategy[str] = text_contents) -> Message:
    """What a tool says."""
    recipient = draw(st.none() | st.just("assistant"))
    channel = draw(st.none() | st.sampled_from(CHANNELS))
    return Message("tool", draw(content), draw(st.sampled_from(TOOLS)), recipient, channel)


plausible = st.lists(spoken() | calls() | answers(), max_size=5)

openings = st.fixed_dictionaries({"role": st.sampled_from(ROLES), "name": st.none() | st.just("alice")})


@st.composite
def completions(draw: st.DrawFn) -> list[Message]:
    """What a model writes, in channels, up to the stop token that ends it; that may be missing."""
    thoughts = draw(st.lists(spoken(), max_size=3))
    found = [*thoughts, draw(spoken() | calls())]
    for message in found:
        message.role, message.name = "assistant", None
        message.variants = tuple(name for name in message.variants if name != "return" or message is found[-1])
    if draw(st.booleans()):
        ending = draw(st.sampled_from([(), ("return",)] if found[-1].recipient is None else [("call",), ("return",)]))
        kept = [name for name in found[-1].variants if name == "recipient_last"]
        found[-1].variants = (*kept, *ending)
    return found


def written(conversation: list[Message], start: codec.Start = "transcript", **opening: Any) -> list[int]:
    """The tokens of a conversation, in the variants that its messages have."""
    return render(conversation, start, style="as_parsed", **opening)


def written_text(conversation: list[Message], start: codec.Start = "transcript", **opening: Any) -> str:
    return render_text(conversation, start, style="as_parsed", **opening)


# Transcripts with mistakes.

HEADER_WORDS = [
    *("user", "assistant", "final", "analysis", "commentary", "comment", "json", "JSON", " code", " to=", " to=python"),
    *(" to=functions.get_weather", " to=get_weather", "functions.lookup_user", "search", " ", "  ", "\n", ":", "?!"),
    *("Hello there, this is text.", '{"name": "python"}', "assistantfinal", "<", "to", "é", "tool", "\u200b"),
]
STRUCTURE = SPECIAL[:9]

pieces = st.one_of(
    st.sampled_from(STRUCTURE),
    st.sampled_from(HEADER_WORDS),
    st.sampled_from([*SPECIAL[9:11], SPECIAL[-1], "x"]),
)


@st.composite
def mutated(draw: st.DrawFn, start: codec.Start = "transcript") -> str:
    """A conversation with a few tokens, or words, deleted, doubled, swapped, replaced or added, and perhaps cut."""
    if start == "completion":
        text = written_text(draw(completions()), "completion")
    elif start == "prompt":
        text = written_text(draw(plausible), "prompt")
    else:
        text = written_text(draw(plausible))
    parts = codec.FORMAT.special_matcher.split(text)
    specials = codec.FORMAT.special_matcher.findall(text)
    units = [unit for pair in zip(parts, [*specials, ""], strict=True) for unit in pair if unit]
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["delete", "double", "swap", "replace", "insert", "cut", "join"]))
        at = draw(st.integers(0, max(len(units) - 1, 0)))
        if kind == "insert" or not units:
            units.insert(at, draw(pieces))
        elif kind == "delete":
            del units[at]
        elif kind == "double":
            units.insert(at, units[at])
        elif kind == "swap":
            other = draw(st.integers(0, len(units) - 1))
            units[at], units[other] = units[other], units[at]
        elif kind == "replace":
            units[at] = draw(pieces)
        elif kind == "join":
            units[at] += draw(pieces)
        else:
            units[at:] = [units[at][: draw(st.integers(0, len(units[at])))]]
    return "".join(units)


headers = st.lists(pieces, max_size=14).map("".join)
"""Special tokens and words of headers in any order."""

mistakes = mutated() | mutated("completion") | mutated("prompt") | headers


# Anything at all.

# The second group are parts of characters of several tokens, bytes that are no UTF-8 by themselves.
token_ids = st.one_of(
    st.sampled_from(tokens_of("assistant user to=functions.get_weather json commentary Hello 🏳️‍🌈 名前")),
    st.sampled_from([160, 161, 162, 172, 235, 246, 122, 188]),
    st.sampled_from([*SPECIAL_TOKENS.values()][:9]),
    st.sampled_from([200013, 201087, 200000, 999999, -1, -(2**40), 2**40, 0xD800, 0x10FFFF, 0x110000]),
    st.integers(0, 199_997),
)
arbitrary_tokens = st.lists(token_ids, max_size=24)


@st.composite
def damaged(draw: st.DrawFn, start: codec.Start = "transcript") -> list[int]:
    """The tokens of a text with mistakes, with tokens put in, taken out and doubled anywhere."""
    tokens = tokens_of(draw(mutated(start)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(tokens)))
        tokens[at : at + draw(st.integers(0, 2))] = draw(st.lists(token_ids, max_size=2))
    return tokens


any_tokens = arbitrary_tokens | damaged() | damaged("completion") | damaged("prompt")
halves = st.sampled_from(["\ud800", "\udfff", "\udc80"])
any_text = mistakes | st.text(max_size=30) | st.lists(pieces | halves | plain, max_size=14).map("".join)
