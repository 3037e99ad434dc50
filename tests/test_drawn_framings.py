"""Drawn formats: each is refused with its problems, or its codec keeps the laws. What is drawn is a whole framing."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import GrammarError as LarkGrammarError

from codegen import GrammarError, generate
from harmony_spec import ParseError, RenderError

from . import dialect
from .conftest import IN_GATE
from .strategies import messages_of, retokenized
from .test_dialect_laws import LARK_OPTIONS, assert_tiles, require_equal_readings, texts, tokens_of

LITERALS = ["\n", " ", ": ", ";", " x=", "(", "\n\n"]
# No pattern reads a special token: Lark does not know which texts are.
PATTERNS = ["/[a-z_]{1,12}/", r"/[^\s<]+/", "/[0-9]+/", "/[a-z]+( [a-z]+)*/", '"low" | "high"', '"a" | "ab"', "TEXT"]
FIELDS = ["mood", "lang", "note", "name", "kind_of", "topic"]
PROMPTS = ["message* opening", "message* opening", "message? opening", "message message* opening"]
COMPLETIONS = [
    "answer message*",
    "answer message*",
    "answer",
    "answer message* unfinished? | remainder -> unfinished_only",
]
TWO_WAYS = re.compile(r"ambiguous: the (\w+) `(.*)` can be read in two ways")


class DrawnFraming:
    """A framing as it is drawn. What is drawn returns its source.

    Attributes:
        rules, terminals: their sources, by name.
        tokens: the special tokens.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.rules, self.terminals, self.tokens = dict[str, str](), dict[str, str](), list[str]()

    def one_of(self, *options: Any) -> Any:
        return self.random.choice(options)

    def token(self) -> str:
        self.tokens.append(self.one_of("<|{}|>", "</{}>").format(len(self.tokens)))
        self.terminals[f"TOKEN{len(self.tokens)}"] = json.dumps(self.tokens[-1])
        return f"TOKEN{len(self.tokens)}"

    def mark(self) -> str:
        return self.token() if self.random.random() < 0.6 else json.dumps(self.one_of(*LITERALS))

    def marks(self, *counts: int) -> list[str]:
        return [self.mark() for _ in range(self.one_of(*counts))]

    def value(self, name: str) -> str:
        self.terminals[name.upper()] = self.one_of(*PATTERNS)
        return name.upper()

    def field(self, name: str) -> str:
        """A flag, a choice between tokens, a text with or without what introduces and ends it, or a spelled part."""
        kind = self.one_of("flag", "tokens", "text", "text", "text", "inline", "two spellings")
        if kind == "flag":
            self.rules[name] = self.mark()
            return f"{name}?"
        if kind == "tokens":
            self.rules[name] = f"{self.token()} -> {name}_left | {self.token()} -> {name}_right"
            return name + self.one_of("", "?")
        source = " ".join([*self.marks(0, 1, 1, 2), self.value(name), *self.marks(0, 0, 1)])
        if kind == "inline":
            return f"({source})" + self.one_of("", "?")
        self.rules[name] = source
        if kind == "two spellings":
            self.rules[name] += f" | {self.mark()} {name.upper()} -> other_{name}"
        return name + self.one_of("", "?", "?")

    def draw(self) -> DrawnFraming:
        begin = [self.token()] if self.random.random() < 0.7 else self.marks(0, 1)
        if self.one_of(True, False):
            self.rules["role"], self.terminals["ROLE"] = "ROLE", self.one_of('"user" | "model"', '"a" | "ab" | "b"')
        else:
            self.rules["role"] = f"{self.token()} -> user | {self.token()} -> model"
        names = self.random.sample(FIELDS, self.one_of(0, 1, 1, 2, 3, 4))
        uses = [self.field(name) for name in names]
        if len(uses) > 1 and not any(use.startswith("(") for use in uses) and self.one_of(True, False):
            self.rules["header"] = f"{' '.join(uses)} | {names[-1]} {names[0]} {' '.join(uses[1:-1])} -> swapped"
            uses = ["header"]
        before = uses.pop() if uses and self.one_of(True, False, False) else ""
        head = [*begin, "role", *uses, *self.marks(0, 1, 1, 2)]
        end = self.marks(0, 1, 1, 2)
        if end and self.one_of(True, False):
            self.rules["terminator"], end = f"{end[0]} | {self.token()} -> stopped", ["terminator", *end[1:]]
        after = self.one_of([], [], ["calls?"])
        if after:
            self.rules["calls"], self.terminals["CALLS"] = f"{self.token()} CALLS {self.token()}", "TEXT"
        self.rules["content"] = self.one_of("TEXT?", "TEXT?", "TEXT")
        first = head.index("role") + 1
        split = self.one_of(first, self.random.randint(first, len(head)))
        self.rules["opening"] = " ".join(head[:split])
        rest = [part for part in (*head[split:], before, "content", *after) if part]
        other = f" | {self.token()} content {self.token()} -> system" if self.one_of(True, False, False) else ""
        self.rules["message"] = " ".join(["opening", *rest, *end]) + other
        starts = {"transcript": "message*", "prompt": self.one_of(*PROMPTS), "completion": self.one_of(*COMPLETIONS)}
        self.rules["answer"] = " ".join([*rest, *end])
        if "unfinished" in starts["completion"]:
            self.rules["unfinished"], self.rules["remainder"] = " ".join(["opening", *rest]), " ".join(rest)
        self.rules = starts | self.rules
        return self

    def lark(self) -> str:
        special = "|".join(re.escape(token).replace("/", r"\/") for token in self.tokens) or "\0"
        free = rf"/(?:(?!{special})(?s:.))+/"
        terminals = {name: free if source == "TEXT" else source for name, source in self.terminals.items()}
        lines = [f"{name}: {source}\n" for name, source in (*self.rules.items(), *terminals.items())]
        return "".join([*lines, f"TEXT: {free}\n"])

    def write(self, folder: Path) -> None:
        (folder / "drawn.lark").write_text(self.lark(), encoding="utf-8")
        ids = "".join(f"{json.dumps(token)} = {256 + index}\n" for index, token in enumerate(self.tokens))
        text = f'encoding = "drawn"\nsize = 300\n\n[special]\n{ids}'
        (folder / "vocabulary.toml").write_text(text, encoding="utf-8")


def require_problems(error: GrammarError, lark_with: Callable[[str], Lark]) -> None:
    """Each problem has a place and a remedy. Of an input that can be read in two ways, Lark finds two."""
    for problem in error.problems:
        assert problem.place.file in ("drawn.lark", "vocabulary.toml"), problem
        assert problem.remedy.endswith("."), problem
        if found := TWO_WAYS.match(problem.reason):
            text = found[2].replace("\\n", "\n")
            try:
                tree = lark_with("dynamic_complete").parse(text, start=found[1])
            except LarkGrammarError:  # two alternatives are equal without their optional parts
                continue
            assert any(node.data == "_ambig" for node in tree.iter_subtrees()), problem


def require_laws(module: ModuleType, data: st.DataObject) -> None:
    """Laws 1, 2 and 3, of transcripts, prompts and completions."""
    tokenizer, messages = dialect.Pairs(), data.draw(st.lists(messages_of(module), min_size=1, max_size=3))
    frame = module.FORMAT.starts["prompt"][0].steps[-1][0]
    opening = {name: getattr(messages[0], name) for name in frame.fields}
    for start in module.FORMAT.starts:
        fields = opening if start != "transcript" else {}
        some = messages[:1] if len(module.FORMAT.starts[start][0].steps) == 1 + (start == "prompt") else messages
        try:
            tokens = module.render(some, start, tokenizer=tokenizer, **fields)
        except RenderError:
            continue
        for source in (tokens, data.draw(retokenized(tokens, module.FORMAT, tokenizer))):
            parsed = module.parse(source, start, tokenizer=tokenizer, **fields)
            assert parsed.messages == some
            assert_tiles(parsed.spans, source)
            assert module.render(parsed.messages, start, style="as_parsed", tokenizer=tokenizer, **fields) == source


@settings(max_examples=80 if IN_GATE else 300, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.data())
def test_drawn_framings_are_refused_or_keep_the_laws(random: Random, data: st.DataObject) -> None:
    drawn = DrawnFraming(random).draw()
    starts = ["transcript", "prompt", "completion"]

    @cache
    def lark_with(lexer: str, ambiguity: str = "explicit") -> Lark:
        return Lark(drawn.lark(), lexer=lexer, start=starts, ambiguity=ambiguity, **LARK_OPTIONS)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "grammar")
        folder.mkdir()
        drawn.write(folder)
        try:
            source = generate(folder)
        except GrammarError as error:
            require_problems(error, lark_with)
            return
        module = dialect.module_of("drawn", source, Path(temporary))
    require_laws(module, data)
    for _ in range(3):
        start = data.draw(st.sampled_from(starts))
        text = data.draw(texts(module, start))
        require_equal_readings(module, lambda lexer: lark_with(lexer, "resolve"), text, start)
        try:
            module.parse(tokens_of(module, text), start, tokenizer=dialect.Pairs())
        except ParseError as error:
            assert error.span is not None
