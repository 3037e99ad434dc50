"""Tools that are measured, built from seeded random words, and the figures about them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.measure import clock, in_turn
from benchmarks.targets import PEER, BenchmarkRow, Target, faster, no_slower
from benchmarks.transcripts import CONTENT_WORDS
from harmony_spec import DeveloperContent, Message, Namespace, Tool, codec, parse, render, to_json
from harmony_spec.source.token_places import tokens_of
from harmony_spec.validation import schemas
from harmony_spec.vocabulary import load

if TYPE_CHECKING:
    import openai_harmony

NAMES = [word for word in CONTENT_WORDS if word.isascii() and word.isalpha()]


def tools(count: int, seed: int = 3) -> list[Tool]:
    """Functions with a few described properties each; about 375 characters of text a function."""
    rng = random.Random(seed)
    return [Tool(f"{rng.choice(NAMES)}_{index}", sentence(rng, 12), parameters(rng)) for index in range(count)]


def parameters(rng: random.Random) -> dict[str, Any]:
    properties = {f"{rng.choice(NAMES)}_{rng.randrange(100)}": property_of(rng, 0) for _ in range(rng.randint(1, 5))}
    return {"type": "object", "properties": properties, "required": sorted(properties)[:2]}


def property_of(rng: random.Random, depth: int) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string"},
        {"type": "integer", "default": rng.randrange(100)},
        {"type": "boolean", "default": False},
        {"type": "string", "enum": rng.sample(NAMES, 3)},
        {"type": "array", "items": {"type": "string"}},
    ]
    if depth == 0 and rng.random() < 0.1:
        inner = {f"{rng.choice(NAMES)}_{number}": property_of(rng, 1) for number in range(3)}
        return {"type": "object", "properties": inner}  # the peer writes the description of a nested object twice
    return {**rng.choice(kinds), "description": sentence(rng, 7)}


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(NAMES) for _ in range(words)) + "."


def developer(count: int) -> list[Message]:
    return [Message("developer", DeveloperContent("Be brief.", [Namespace("functions", None, tools(count))]))]


def forget() -> None:
    """Make the next rendering and reading the first ones."""
    codec.FORMAT.contents.texts.clear()
    codec.FORMAT.contents.structures.clear()
    codec.FORMAT.owned.clear()
    schemas._schemas.clear()


def with_tools(runs: int, encoding: openai_harmony.HarmonyEncoding) -> Iterator[BenchmarkRow]:
    """A developer message with 200 tools: written for the first time, again, and read back."""
    from openai_harmony import Conversation

    messages = developer(200)
    theirs = Conversation.from_json(json.dumps(to_json(messages)))
    tokens = render(messages)
    assert tokens == encoding.render_conversation(theirs), "the peer renders other tokens"

    def first() -> None:
        forget()
        render(messages)

    def read() -> None:
        forget()
        parse(tokens)

    rendered_first, peer_first = in_turn(runs, clock(first), clock(lambda: encoding.render_conversation(theirs)))
    render(messages)
    again, peer_again = in_turn(
        runs, clock(lambda: render(messages)), clock(lambda: encoding.render_conversation(theirs))
    )
    yield no_slower("render 200 tools, first", PEER, rendered_first, peer_first, 1)
    yield faster("render 200 tools, again", again, peer_again, 4)
    read_first, peer_render = in_turn(runs, clock(read), clock(lambda: encoding.render_conversation(theirs)))
    parse(tokens)
    (read_again,) = in_turn(runs, clock(lambda: parse(tokens)))
    yield no_slower("read 200 tools / peer renders them", PEER, read_first, peer_render, 1.2)
    yield no_slower("read 200 tools again", "itself, first", read_again, read_first, 0.25)
    yield _of_the_template(runs, read)
    yield from _linear(runs)


def _of_the_template(runs: int, read_own: Callable[[], None]) -> BenchmarkRow:
    """The same tools in the official template's spelling, which a chat with them has."""
    from tests.chat_template import function, render_chat

    listed = [function(tool.name, tool.parameters, tool.description or "") for tool in tools(200)]
    text = render_chat([{"role": "system", "content": "Be brief."}], listed)
    tokens = tokens_of(codec.FORMAT, text, load(codec.FORMAT.encoding).encode)
    content = parse(tokens).messages[1].content
    assert isinstance(content, DeveloperContent)
    assert all(tool.parameters and "properties" in tool.parameters for tool in content.tools[0].tools)

    def read() -> None:
        forget()
        parse(tokens)

    measured, own = in_turn(runs, clock(read), clock(read_own))
    return no_slower("read 200 tools of the template", "our own form", measured, own, 1.3)


def _linear(runs: int) -> Iterator[BenchmarkRow]:
    few, many = (render(developer(count)) for count in (100, 1000))

    def read(tokens: list[int]) -> None:
        forget()
        parse(tokens)

    short, long = in_turn(runs, clock(lambda: read(few)), clock(lambda: read(many)))
    ours, theirs = long / len(many) * 1e9, short / len(few) * 1e9
    yield BenchmarkRow("read tools, 1000", "itself at 100", "ns/token", ours, theirs, Target(1.5))
