"""Drawn grammars of contents: each is refused with its problems, or its codec reads and writes what it describes."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen import GrammarError, generate
from harmony_spec.errors import RenderError

from . import dialect

TERMINALS = {
    "NAME": ("/[a-z]+/", ["a", "bc", "low"]),
    "LINE": (r"/[^\n]+/", ["x y", "- z", "{}", "2026-01-01", "a: b"]),
    "TEXT_PART": (r"/(?:(?!\n\n)(?s:.))+/", ["x\ny", "z", "a, b"]),
    "JSON": (r"/\{[^\n]*\}/", ['{"a":1}', "{}"]),
    "DATE": ("/[0-9-]+/", ["2026-01-01", "1-1"]),
    "LEVEL": ('"low" | "high"', ["low", "high"]),
}
RULE_THEN_PART = re.compile(r"part\w+(?:\)?[?*+])? +[(\w]")
LITERALS = ["- ", "- - ", ": ", "\n", "\n\n", "# ", "## ", "<t>", "</t>", ", ", "("]


class DrawnGrammar:
    """Rules as they are drawn. What is drawn returns its source, and a function that draws a text for it.

    Attributes:
        rules: the sources of the rules, by name.
    """

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw, self.rules, self.used = draw, dict[str, str](), set[str]()

    def rule(self, name: str, depth: int) -> Callable[[], str]:
        ways = [self.sequence(depth) for _ in range(self.draw(st.sampled_from([1, 1, 1, 2])))]
        mark = self.draw(st.sampled_from(["", "", "", "?"]))
        names = [" -> w1" * self.draw(st.booleans()) if at else "" for at in range(len(ways))]
        sources = (f"{source}{name}" for (source, _), name in zip(ways, names, strict=True))
        self.rules[name] = f"{mark}{name}: {' | '.join(sources)}"
        return lambda: self.draw(st.sampled_from([text for _, text in ways]))()

    def sequence(self, depth: int) -> tuple[str, Callable[[], str]]:
        items = [self.item(depth) for _ in range(self.draw(st.integers(1, 3)))]
        return " ".join(source for source, _ in items), lambda: "".join(text() for _, text in items)

    def item(self, depth: int) -> tuple[str, Callable[[], str]]:
        kinds = ["terminal", "literal", *["rule", "choice", "option", "list", "separated", "flag"] * (depth > 0)]
        kind = self.draw(st.sampled_from(kinds))
        if kind == "literal":
            literal = self.draw(st.sampled_from(LITERALS))
            return json.dumps(literal), lambda: literal
        if kind == "terminal":
            name = self.draw(st.sampled_from([*TERMINALS]))
            self.used.add(name)
            return name, lambda: self.draw(st.sampled_from(TERMINALS[name][1]))
        if kind == "rule":
            prefix = self.draw(st.sampled_from(["part", "part", "_inner"]))
            name = f"{prefix}{len(self.rules)}"
            self.rules[name] = ""  # takes the name
            return name, self.rule(name, depth - 1)
        if kind == "choice":
            name = f"part{len(self.rules)}"
            self.rules[name] = ""
            texts = {(way := f"{name}{letter}"): self.rule(way, depth - 1) for letter in "ab"}
            self.rules[name] = f"{name}: {' | '.join(texts)}"
            return name, lambda: self.draw(st.sampled_from([*texts.values()]))()
        if kind == "flag":
            name, literal = f"flag{len(self.rules)}", self.draw(st.sampled_from(LITERALS))
            self.rules[name] = f"{name}: {json.dumps(literal)}"
            return f"{name}?", lambda: literal * self.draw(st.booleans())
        source, text = self.item(depth - 1)
        if kind == "option":
            return f"({source})?", lambda: text() if self.draw(st.booleans()) else ""
        end = self.draw(st.sampled_from(["\n", ", "]))
        if kind == "separated":
            source = f"({source})?" if self.draw(st.sampled_from([False] * 5 + [True])) else source
            return f"{source} ({json.dumps(end)} {source})*", lambda: end.join(text() for _ in range(self.count()))
        many = self.draw(st.sampled_from("*+"))
        return f"({source} {json.dumps(end)}){many}", lambda: "".join(text() + end for _ in range(self.count()))

    def count(self) -> int:
        return int(self.draw(st.integers(1, 3)))


@st.composite
def grammars(draw: Any) -> tuple[str, list[str]]:
    """The source of `contents.lark`, and texts that it may describe."""
    drawn = DrawnGrammar(draw)
    drawn.rules["system"] = ""
    text = drawn.rule("system", draw(st.integers(0, 2)))
    terminals = (f"{name}: {TERMINALS[name][0]}" for name in TERMINALS if name in drawn.used)
    source = "".join(f"{line}\n" for line in (*drawn.rules.values(), *terminals))
    return source, [text() for _ in range(3)]


def fields_of(content: Any) -> dict[str, Any]:
    return {name: getattr(content, name) for name in content.__dataclass_fields__}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(grammars(), st.sampled_from(["", "x", "\n", " "]), st.randoms(use_true_random=False))
def test_drawn_contents_are_refused_or_keep_the_laws(grammar: tuple[str, list[str]], more: str, random: Random) -> None:
    """What is written from values, also from those of several contents, is read back field by field."""
    source, texts = grammar
    read: list[Any] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "grammar"
        shutil.copytree(dialect.HERE / "chatml", folder)
        (folder / "contents.lark").write_text(source, encoding="utf-8")
        try:
            text_of_module = generate(folder)
        except GrammarError as error:
            assert all(problem.remedy.endswith(".") for problem in error.problems)
            return
        module = dialect.module_of("drawn_contents", text_of_module, Path(temporary))
        for text in (*texts, *(text + more for text in texts)):
            input_text = f"<|im_start|>system\n{text}<|im_end|>\n"
            messages = module.parse(input_text).messages
            assert module.render_text(messages, style="as_parsed") == input_text
            assert module.parse(module.render_text(messages)).messages == messages
            assert module.from_json(json.loads(json.dumps(module.to_json(messages)))) == messages
            if not isinstance(content := messages[0].content, str):
                assert content == type(content)(**fields_of(content))
                read.append(content)
        # What follows a rule with fields of its own is not compared with its last terminal; see docs/grammar.md.
        apart = read if not RULE_THEN_PART.search(source) else []
        for one, other in product(filter(fields_of, apart), apart):
            mixed = fields_of(one) | {name: value for name, value in fields_of(other).items() if random.random() < 0.5}
            try:
                text = module.render_text([module.Message("system", type(one)(**mixed))])
            except RenderError:
                continue
            again = module.parse(text).messages[0].content
            # A content without anything, or with nothing but one text, is that text.
            assert again in ("", *mixed.values()) if isinstance(again, str) else fields_of(again) == mixed
