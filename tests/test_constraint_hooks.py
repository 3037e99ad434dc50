"""The hooks against the interfaces of the engines: the calls that transformers and xgrammar make."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from harmony_spec import codec, decode, parse, render
from harmony_spec.codec import FORMAT
from harmony_spec.constraints import constrain
from harmony_spec.constraints.transformers_hook import ConstrainedLogits
from harmony_spec.constraints.xgrammar_hook import register, structural_tag_builder
from harmony_spec.errors import CodecError

from .constraining import END, sample
from .test_constraints import OFFERED, TOOLS, WEATHER

START = codec.SPECIAL_TOKENS["<|start|>"]


class Mask(list[bool]):
    """What the processor uses of tensors of bytes and booleans."""

    def __eq__(self, value: object) -> Any:
        return Mask(each == value for each in self)

    def __getitem__(self, at: Any) -> Any:
        return Mask(list(self)[at])

    def to(self, _: object) -> Mask:
        return self


class Scores:
    """What it uses of tensors of scores: views of parts, and masks."""

    device = "cpu"

    def __init__(self, values: list[float], part: slice = slice(None)) -> None:
        self.values, self.part = values, range(*part.indices(len(values)))

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, part: slice) -> Scores:
        return Scores(self.values, part)

    def __setitem__(self, part: slice, value: float) -> None:
        self[part].masked_fill_(Mask([True] * len(self)), value)

    def masked_fill_(self, mask: Mask, value: float) -> None:
        for at, is_masked in zip(self.part, mask, strict=False):
            self.values[at] = value if is_masked else self.values[at]


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(uint8=None, frombuffer=lambda data, dtype: Mask(data))
    monkeypatch.setitem(sys.modules, "torch", found)


def masked(processor: ConstrainedLogits, rows: list[list[int]]) -> list[list[float]]:
    scores = [Scores([0.0] * FORMAT.encoding.size) for _ in rows]
    assert processor(SimpleNamespace(tolist=lambda: rows), scores) is scores
    return [row.values for row in scores]


@pytest.mark.usefixtures("torch")
def test_the_logits_processor_admits_completions_only() -> None:
    """Two sequences of a batch, one of which ends before the other; and in beam search, which swaps rows."""
    constraint = constrain(tools=TOOLS, tool_choice="required")
    prompt = [7, 8]
    written = [tokens for seed in range(30) if (tokens := sample(constraint.lark(), seed, 60))][:2]
    assert len(written) == 2
    assert len(written[0]) != len(written[1])
    processor = ConstrainedLogits(constraint, len(prompt), END)
    rows = [[*prompt], [*prompt]]
    for at in range(max(map(len, written)) + 1):
        for row, tokens, found in zip(rows, written, masked(processor, rows), strict=True):
            token = tokens[at] if at < len(tokens) else END
            assert found[token] == 0.0
            if at >= len(tokens):
                assert found.count(0.0) == 1
            assert (found[START] == 0.0) == (token == START)
            row.append(token)
        rows, written = rows[::-1], written[::-1]
    assert [row[2 : 2 + len(tokens)] for row, tokens in zip(rows, written, strict=True)] == written


@pytest.mark.usefixtures("torch")
def test_sequences_that_nothing_continues_end() -> None:
    """Beams that no token fitted, and a processor that is used again, for another batch."""
    processor = ConstrainedLogits(constrain(tools=TOOLS), 1, END)
    (first,) = masked(processor, [[7]])
    wrong, longer, again = masked(processor, [[7, START], [7, *codec.encode(" to=functions.now")], [7]])
    assert wrong.count(0.0) == masked(processor, [[7, START, 5]])[0].count(0.0) == 1
    assert wrong[END] == 0.0
    assert first == again
    assert longer[codec.SPECIAL_TOKENS["<|channel|>"]] == 0.0


class Registry(ModuleType):
    """What the hook uses of xgrammar: its registry, and the class of structural tags."""

    def __init__(self) -> None:
        super().__init__("xgrammar")
        self.builders: dict[str, Callable[..., Any]] = {}
        self.StructuralTag = SimpleNamespace(model_validate=lambda value: value)

    def register_model_structural_tag(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return lambda build: self.builders.setdefault(name, build)


def test_the_structural_tag_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    monkeypatch.setitem(sys.modules, "xgrammar", registry)
    register()
    functions = [SimpleNamespace(function=SimpleNamespace(name="get_weather", parameters=WEATHER, strict=None))]
    browser = SimpleNamespace(type="web_search", name="browser.search", parameters={"type": "object"})
    found = registry.builders["harmony"](functions, [], "forced", "enabled", any_order=False)
    assert found == constrain(tools=TOOLS[:1], tool_choice="required").structural_tag()
    both = registry.builders["harmony"](tools=functions, builtin_tools=[browser], tool_choice="auto")
    assert "to=browser.search" in str(both)


def test_vllm_calls_the_builder_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its registry passes functions, built-in tools, the choice, whether to reason, and a suffix of tokens."""
    monkeypatch.setitem(sys.modules, "xgrammar", Registry())
    function = SimpleNamespace(function=SimpleNamespace(name="get_weather", parameters=WEATHER, strict=None))
    stops = [199999, 200002, 200012]
    found = structural_tag_builder(stops=stops)([function], [], "auto", True, "")
    assert found == constrain(tools=TOOLS[:1], stops=stops).structural_tag()


def test_a_missing_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("xgrammar", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CodecError, match=r"pip install '.\[xgrammar\]'"):
        register()
    with pytest.raises(CodecError, match="pip install torch"):
        ConstrainedLogits(OFFERED, 1, END)


# The template of transformers, read as its parser reads it: the next opening, then everything up to a closing.


def read_with(template: dict[str, Any], text: str) -> list[tuple[str, dict[str, str], str]]:
    fields = {name: re.compile(unique(field["open_pattern"])) for name, field in template["fields"].items()}
    found, at = [], 0
    while opened := [(m.start(), name, m) for name, regex in fields.items() if (m := regex.search(text, at))]:
        _, name, match = min(opened, key=lambda each: each[0])
        closes = [text.find(close, match.end()) for close in template["fields"][name]["close"]]
        at = min((place for place in closes if place >= 0), default=len(text))
        groups = {key[:4]: value for key, value in match.groupdict().items() if value}
        found.append((name, groups, text[match.end() : at]))
    return found


def unique(pattern: str) -> str:
    """`re` has no names that occur twice."""
    parts = pattern.split("(?P<name>")
    return parts[0] + "".join(f"(?P<name{index}>{part}" for index, part in enumerate(parts[1:]))


@pytest.mark.parametrize("seed", range(8))
def test_the_response_template_reads_completions(seed: int) -> None:
    template = OFFERED.response_template()
    assert re.fullmatch(template["start_anchor_pattern"], decode(render([], "prompt")))
    if not (tokens := sample(OFFERED.lark(), random.Random(seed).randrange(999))):
        return
    read = read_with(template, decode(tokens))
    parts = {"analysis": "thinking", "commentary": "content", "final": "content"}
    expected = []
    for message in parse(tokens, "completion").messages:
        name = message.recipient
        part = "tool_calls" if name else parts[str(message.channel)]
        expected.append((part, {"name": name.removeprefix("functions.")} if name else {}, message.text))
    assert read == expected
