"""Caches of contents, tools and headers: limited by memory, and without a trace in what is returned."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import DeveloperContent, Namespace, Tool, ToolError, codec, encode, recover, tools_from_json
from harmony_spec.format import cache_limits, contents
from harmony_spec.format.cache_limits import MEMORY_PER_BYTE, MEMORY_PER_HEADER, SizedCache
from harmony_spec.format.contents import Record
from harmony_spec.source.forms import TextForm
from harmony_spec.vocabulary import load

CONTENTS = codec.FORMAT.contents
NAMES = ("get_weather", "get_wether", "search", "searches", "final", "user", "a", "assistant")


def test_a_cache_is_cleared_before_it_has_more_than_its_memory() -> None:
    cache: SizedCache[int] = SizedCache(100)
    for key in range(10):
        cache.put(key, key, 40)
        assert cache.bytes == 40 * len(cache) <= 100
    cache.put("large", 0, 101)
    assert "large" not in cache
    cache.clear()
    assert cache.bytes == 0


def test_contents_are_kept_up_to_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A content of strangers counts with its values, which may be many times its text."""
    limit = 100_000
    for name in ("texts", "structures"):
        monkeypatch.setattr(CONTENTS, name, SizedCache(limit))
    for number in range(40):
        parameters = {"type": "object", "properties": {f"a{number}": {"type": "array", "items": {"type": "array"}}}}
        text = DeveloperContent(tools=[Namespace("functions", tools=[Tool("f", "x" * 300, parameters)])]).text()
        found = CONTENTS.structure(DeveloperContent, text)
        assert found is not None
        assert found.text() == text
        assert CONTENTS.structures.bytes >= MEMORY_PER_BYTE * len(text)
        for cache in (CONTENTS.structures, CONTENTS.texts):
            assert 0 < cache.bytes <= limit
            assert len(cache) < 40


def test_patterns_read_contents_once_much_text_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """They return the same as reading part by part; compiling them would delay a short run."""
    monkeypatch.setattr(contents, "FUSED_AFTER_CHARS", 1_000)
    monkeypatch.setattr(CONTENTS, "read_chars", 0)
    monkeypatch.setattr(CONTENTS, "structures", SizedCache(1_000_000))
    lengths, read_fused = list[int](), CONTENTS._read_fused

    def recorded(made: type[Record], text: str) -> Any:
        lengths.append(CONTENTS.read_chars)
        return read_fused(made, text)

    monkeypatch.setattr(CONTENTS, "_read_fused", recorded)
    for number in range(40):
        content = DeveloperContent(f"{number}", [Namespace("functions", tools=[Tool(f"f{number}")])])
        assert CONTENTS.structure(DeveloperContent, content.text()) == content
    assert 1_000 <= lengths[0] < 1_200
    assert len(lengths) > 10


def definitions(name: str, description: Any = "Does it.") -> list[dict[str, Any]]:
    properties = {"a": {"type": "string", "default": True}}
    parameters = {"type": "object", "properties": properties}
    return [{"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}]


def test_tools_that_are_read_again_are_new_and_equal() -> None:
    first = tools_from_json(definitions("f"))
    assert first[0].tools[0].parameters is not None
    first[0].tools[0].parameters["properties"]["a"]["type"] = "number"
    first[0].tools.append(Tool("g"))
    again = tools_from_json(definitions("f"))
    assert again == [
        Namespace("functions", tools=[Tool("f", "Does it.", definitions("f")[0]["function"]["parameters"])])
    ]


def test_definitions_that_are_equal_in_python_but_not_in_json_are_told_apart() -> None:
    for default in (True, 1, 1.0):
        value = definitions("f")
        value[0]["function"]["parameters"]["properties"]["a"]["default"] = default
        (namespace,) = tools_from_json(value)
        assert namespace.tools[0].parameters is not None
        found = namespace.tools[0].parameters["properties"]["a"]["default"]
        assert (type(found), found) == (type(default), default)


def test_invalid_definitions_are_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ToolError, match="is not of type"):
            tools_from_json(definitions("f", description=1))


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(NAMES), max_size=3, unique=True) | st.none(),
            st.sampled_from(NAMES),
            st.sampled_from(
                (
                    "<|start|>assistant<|channel|>commentary to=functions.{0}<|message|>{{}}<|call|>",
                    "<|start|>assistant to=functions.{0}<|channel|>commentary<|message|>{{}}<|call|>",
                    "<|start|>assistant to=functions.{0}<|message|>{{}}<|call|>",
                    "<|start|>functions.{0} to=assistant<|channel|>commentary<|message|>1<|end|>",
                    "<|start|>{0}<|channel|>final<|message|>1<|end|>",
                    "<|start|>assistant<|channel|>{0}<|message|>1<|end|>",
                    "<|start|>assistant<|channel|>final to={0}<|message|>1<|end|>",
                    "<|start|>user<|message|>{0}<|end|>",
                )
            ),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_headers_read_the_same_after_those_of_other_tools(rows: list[tuple[list[str] | None, str, str]]) -> None:
    """What is known of a header is shared between tool lists only where it does not depend on them."""

    def read(tools: list[str] | None, name: str, header: str) -> tuple[Any, ...]:
        offered = None if tools is None else [f"functions.{tool}" for tool in tools]
        found = recover(header.format(name), tools=offered)
        return [str(each) for each in found.messages], [str(each.repair) for each in found.messages], found.diagnostics

    warm = [read(*row) for row in rows]
    for row, expected in zip(rows, warm, strict=True):
        codec.FORMAT.caches.clear()
        for caches in codec.FORMAT.owned.values():
            caches.clear()
        assert read(*row) == expected


@pytest.fixture
def few_headers(monkeypatch: pytest.MonkeyPatch) -> int:
    """Caches of headers that hold only so many."""
    monkeypatch.setattr(cache_limits, "HEADER_CACHE_BYTES", 50 * MEMORY_PER_HEADER)
    monkeypatch.setattr(codec.FORMAT, "owned", WeakKeyDictionary())
    return 50


def count_headers(owner: object = TextForm) -> int:
    """How many headers and caches are kept for texts, or with a tokenizer, also by readers that have not ended."""
    caches = codec.FORMAT.caches_of(owner)
    return len(caches) + sum(map(len, caches._used.values()))


@pytest.mark.parametrize("other", ["tools", "headers"])
def test_headers_are_kept_up_to_a_limit_of_memory(few_headers: int, other: str) -> None:
    """Those of many lists of tools, and those of one long input that a reader holds."""
    call = "<|start|>assistant<|channel|>commentary to=functions.{}x <|constrain|>jsn<|message|>{{}}<|call|>"
    most, found = 0, list[Any]()
    for number in range(30):
        if other == "tools":
            found.append(recover(call.format(f"tool{number}"), tools=[f"functions.tool{number}"]))
            assert found[-1].messages[0].recipient == f"functions.tool{number}"
        else:
            found.append(recover("".join(call.format(f"t{number}_{at}") for at in range(10))))
            assert [each.recipient for each in found[-1].messages] == [f"functions.t{number}_{at}x" for at in range(10)]
        most = max(most, count_headers())
    assert 20 < most <= few_headers


def test_a_stream_that_has_not_ended_keeps_as_few_headers(few_headers: int) -> None:
    """The cache that a parser holds starts anew, too: a stream may have any number of headers."""
    tokenizer, counted = load(codec.FORMAT.encoding), list[int]()
    parser = codec.StreamParser("transcript")
    for number in range(3 * few_headers):
        parser.feed(encode(f"<|start|>user:name{number}<|message|>Hi.<|end|>", allowed_special="all"))
        counted.append(count_headers(tokenizer))
    assert 20 < max(counted) <= few_headers


def test_threads_share_caches_that_start_anew(few_headers: int) -> None:
    """A cache is added while another thread clears all of them."""
    caches = cache_limits.HeaderCaches()

    def fill(number: int) -> int:
        held = [caches.of(number, each) for each in range(200)]
        for each, cache in enumerate(held):
            caches.remember(cache, each, each, 1)
        return len(held)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(fill, range(500))) == [200] * 500
    finally:
        sys.setswitchinterval(interval)
