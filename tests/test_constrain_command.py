"""`harmony-spec constrain`: each target is printed, and mistakes of other grammars are found."""

from __future__ import annotations

import json
import sys
from ctypes import Structure, c_float, c_int32
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harmony_spec import (
    DeveloperContent,
    Message,
    SystemContent,
    codec,
    python_tools,
    render,
    render_text,
    tools_from_json,
)
from harmony_spec.cli import main
from harmony_spec.cli.constrain_command import TARGETS
from harmony_spec.constraints import Constraint, constrain
from harmony_spec.constraints.constraint import units_of
from harmony_spec.constraints.derivatives import derivative, is_nullable
from harmony_spec.constraints.engine_vocabularies import llama_cpp_model
from harmony_spec.constraints.engines import engine_for, kind_of, own_grammar
from harmony_spec.constraints.scoring import score
from harmony_spec.format.algebra import NOTHING, LiteralNode, Node

from .test_constraints import INVALID, OFFERED, TOOLS, VALID, WEATHER, function


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["constrain", *map(str, arguments)])


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(TOOLS), encoding="utf-8")
    return path


def test_each_target_is_printed(tools: Path) -> None:
    made = constrain(tools=TOOLS, builtins=["python"])
    expected = {
        "lark": made.lark(),
        "portable-lark": made.lark(portable=True),
        "xgrammar-ebnf": made.xgrammar_ebnf(),
        "structural-tag": json.dumps(made.structural_tag()),
        "gbnf": made.gbnf(),
        "response-template": json.dumps(made.response_template(), indent=2),
    }
    for target in TARGETS:
        result = run("--target", target, "--tools", tools, "--builtin", "python")
        assert (result.exit_code, result.stdout) == (0, expected[target].rstrip("\n") + "\n")


def test_a_prompt_is_read(tmp_path: Path) -> None:
    simple = [function("f", {"type": "object", "properties": {}})]
    prompt = [Message("developer", DeveloperContent(tools=tools_from_json(simple))), Message("user", "Hi")]
    (tmp_path / "prompt.txt").write_text(render_text(prompt, "prompt"), encoding="utf-8")
    result = run("--prompt", tmp_path / "prompt.txt", "--tool-choice", '{"type": "function", "name": "f"}')
    assert result.stdout == constrain(tools=simple, tool_choice="required").lark()
    (tmp_path / "ids.json").write_text(json.dumps(render(prompt, "prompt")), encoding="utf-8")
    (tmp_path / "saved.txt").write_text(render_text(prompt, "prompt") + "\r\n", encoding="utf-8", newline="")
    for file in ("ids.json", "prompt.txt", "saved.txt"):
        assert run("--prompt", tmp_path / file, "--tool-choice", "required").stdout == result.stdout


def test_what_is_not_enforced_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": [function("f", {"type": "object", "not": {"required": ["a"]}})]}))
    result = run("--tools", path)
    assert (result.exit_code, result.stderr) == (0, "lark: functions.f: /not is not enforced\n")
    strict = run("--tools", path, "--strict")
    assert strict.exit_code == 2
    assert "lark: functions.f: /not is not enforced" in strict.stderr


def test_a_grammar_is_scored(tools: Path, tmp_path: Path) -> None:
    """Its own has no mistakes; one with another stop token has both kinds, smallest first."""
    own = tmp_path / "own.lark"
    own.write_text(constrain(tools=TOOLS).lark(), encoding="utf-8")
    result = run("--score", own, "--tools", tools)
    assert result.exit_code == 0
    assert [line.split(" of ")[0] for line in result.stdout.splitlines()] == ["0", "0"]
    other = tmp_path / "other.lark"
    other.write_text(own.read_text(encoding="utf-8").replace("<|return|>", "<|end|>"), encoding="utf-8")
    result = run("--score", other, "--tools", tools)
    refused, first, *_ = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "valid completions are refused" in refused
    assert json.loads(first) == "<|channel|>final<|message|><|return|>"
    assert json.dumps("<|channel|>final<|message|><|end|>") in result.stdout


def test_draws_cover_what_a_grammar_may_get_wrong() -> None:
    """A grammar of anything accepts many invalid completions, one of nothing refuses all valid ones."""
    anything = engine_for(codec.FORMAT, "start: (/(.|\\n)+/ | <[199998-201087]>)*", "lark")
    found = score(OFFERED, anything)
    assert (found.refused, len(found.accepted)) == ([], found.invalid)
    assert found.valid > 100
    assert found.invalid > 500
    assert found == score(OFFERED, anything)
    assert not any(map(OFFERED.admits, found.accepted))


def test_the_algebra_admits_what_its_grammar_admits() -> None:
    assert [text for text in VALID if not OFFERED.admits(text)] == []
    assert [text for text in INVALID if OFFERED.admits(text)] == []


def test_an_engines_own_grammar_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the calls that the engines have, of what is offered; both return structural tags."""
    narrowed = ["functions"], ["builtins"], "required"
    tag = SimpleNamespace(model_dump_json=lambda: '{"type": "structural_tag"}')
    calls: list[Any] = []

    def build(*arguments: Any, **keys: Any) -> Any:
        calls.append((*arguments, keys))
        return tag

    xgrammar = SimpleNamespace(get_model_structural_tag=build, normalize_tool_choice=lambda *_: narrowed)
    monkeypatch.setitem(sys.modules, "xgrammar", xgrammar)
    for module in ("vllm", "vllm.parser"):
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
    parser = SimpleNamespace(get_harmony_structural_tag=build)
    monkeypatch.setitem(sys.modules, "vllm.parser.harmony", parser)
    prompt = [Message("system", SystemContent(tools=[python_tools()])), Message("user", "Hi")]
    function = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
    python = {"type": "python", "name": "python"}
    for name, made in (
        ("xgrammar", constrain(prompt, tools=TOOLS[:1])),
        ("xgrammar", constrain(tools=TOOLS, tool_choice={"type": "function", "name": "get_weather"})),
        ("xgrammar", constrain()),
        ("vllm", OFFERED),
    ):
        assert own_grammar(name, made, "harmony") == '{"type": "structural_tag"}'
    assert calls == [
        ("harmony", {"tools": [function, python], "tool_choice": "auto"}),
        ("harmony", {"tools": [function], "tool_choice": "required"}),
        ("harmony", {"tools": [], "tool_choice": "auto"}),
        (*narrowed, True, {}),
    ]


class LlamaCpp(ModuleType):
    """What scoring uses of llama.cpp. Its grammar is what a constraint without stop tokens admits."""

    def __init__(self, constraint: Constraint) -> None:
        super().__init__("llama_cpp.llama_cpp")
        self.root, self.stops = constraint.root_for(codec.FORMAT.recovery.stops), codec.FORMAT.recovery.stops
        for name in ("log_set", "backend_init", "sampler_free"):
            setattr(self, f"llama_{name}", lambda *_: None)
        self.llama_log_callback = lambda function: function
        self.llama_model_default_params = SimpleNamespace
        self.llama_model_load_from_file = lambda path, settings: Path(path.decode()).read_text() and settings.vocab_only
        self.llama_model_get_vocab = self.llama_token_data_array = lambda first, *_: first
        self.llama_sampler_init_grammar = lambda _, text, start: self.sampler(self.root) if start in text else None
        self.llama_sampler_clone = lambda found: self.sampler(found.rest)
        self.llama_vocab_is_eog = lambda _, token: token in self.stops
        self.llama_token_data = Candidate

    def sampler(self, rest: Node) -> SimpleNamespace:
        return SimpleNamespace(rest=rest)

    def after(self, sampler: SimpleNamespace, token: int) -> Node:
        if token in self.stops:
            return LiteralNode("ended") if is_nullable(sampler.rest) else NOTHING
        return derivative(sampler.rest, units_of(codec, [token]))

    def llama_sampler_apply(self, sampler: SimpleNamespace, candidates: Any) -> None:
        (candidate,) = candidates._obj
        candidate.logit = float("-inf") if self.after(sampler, candidate.token) == NOTHING else candidate.logit

    def llama_sampler_accept(self, sampler: SimpleNamespace, token: int) -> None:
        sampler.rest = self.after(sampler, token)


class Candidate(Structure):
    _fields_ = (("token", c_int32), ("logit", c_float), ("p", c_float))


class Writer:
    """What scoring uses of `gguf`."""

    def __init__(self, path: str, _: str) -> None:
        self.path = path

    def __getattr__(self, name: str) -> Any:
        return lambda *_: Path(self.path).write_text("GGUF") if name == "close" else None


def test_gbnf_is_scored_in_llama_cpp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """llama.cpp ends completions with any of its stop tokens; `--stop` is for completions without them."""
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([function("now", closed)]), encoding="utf-8")
    made = constrain(builtins=["python"], tool_choice="required")
    monkeypatch.setitem(sys.modules, "llama_cpp", ModuleType("llama_cpp"))
    monkeypatch.setitem(sys.modules, "llama_cpp.llama_cpp", LlamaCpp(made))
    kinds = SimpleNamespace(NORMAL=1, CONTROL=3)
    monkeypatch.setitem(sys.modules, "gguf", SimpleNamespace(GGUFWriter=Writer, TokenType=kinds))
    llama_cpp_model.cache_clear()
    (tmp_path / "own.gbnf").write_text(made.gbnf(), encoding="utf-8")
    offered = ("--builtin", "python", "--tool-choice", "required", "--score", tmp_path / "own.gbnf")
    result = run(*offered)
    refused, accepted, first, *_ = result.stdout.splitlines()
    assert (result.exit_code, refused.split(" of ")[0]) == (1, "0")
    assert "0 of" not in accepted
    assert json.loads(first).endswith("<|return|>")
    both = run(*offered, "--stop", codec.SPECIAL_TOKENS["<|call|>"], "--stop", codec.SPECIAL_TOKENS["<|return|>"])
    assert (both.exit_code, [line.split(" of ")[0] for line in both.stdout.splitlines()]) == (0, ["0", "0"])
    (tmp_path / "bad.gbnf").write_text("start ::=", encoding="utf-8")
    assert "llama.cpp refuses the grammar" in run("--score", tmp_path / "bad.gbnf").stderr
    llama_cpp_model.cache_clear()


def test_kinds_of_grammars_are_told_apart() -> None:
    """By the name of the file, or for standard input by the text."""
    made = constrain(tools=TOOLS)
    for name, text, kind in (
        ("-", made.lark(), "lark"),
        ("-", json.dumps(made.structural_tag()), "structural-tag"),
        ("-", made.xgrammar_ebnf(), "xgrammar-ebnf"),
        ("-", made.gbnf(), "gbnf"),
        ("x.gbnf", 'root ::= "<|channel|>"', "gbnf"),
        ("x.ebnf", 'root ::= "<|channel|>"', "xgrammar-ebnf"),
    ):
        assert kind_of(name, text) == kind


def test_standard_input_is_scored(tools: Path) -> None:
    arguments = ["constrain", "--score", "-", "--tools", str(tools)]
    result = CliRunner().invoke(main, arguments, input=constrain(tools=TOOLS).lark())
    assert (result.exit_code, result.stdout.count("0 of ")) == (0, 2)


def test_errors_are_one_line(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.lark").write_text("start: <", encoding="utf-8")
    (tmp_path / "x.gbnf").write_text('root ::= "a"', encoding="utf-8")
    (tmp_path / "tag.json").write_text("{}", encoding="utf-8")
    (tmp_path / "text.json").write_text('"functions.f"', encoding="utf-8")
    (tmp_path / "ids.json").write_text("[1, 2]", encoding="utf-8")
    (tmp_path / "name.json").write_text('[{"type": "function", "name": "a b"}]', encoding="utf-8")
    (tmp_path / "chat.json").write_text('[{"role": "user", "content": "Hi"}]', encoding="utf-8")
    for arguments, error in (
        (("--tools", tmp_path / "missing.json"), "missing.json"),
        (("--tools", tools, "--tool-choice", "now"), "unknown tool choice 'now'"),
        (("--tools", tmp_path / "text.json"), "text.json: invalid tool definitions: H302 invalid-tool: 'functions.f'"),
        (("--tools", tools, "--tool-choice", "["), "unknown tool choice '['"),
        (("--tools", tmp_path / "ids.json"), "ids.json: invalid tool definitions: H302 invalid-tool at /0: 1 is"),
        (("--tools", tmp_path / "name.json"), "name.json: invalid tool definitions: H302 invalid-tool at /0/name"),
        (("--prompt", tmp_path / "chat.json"), "this is a transcript, not a prompt"),
        (("--stop", "5"), "5 is not the id of a special token"),
        (("--after", "<|start|>assistant"), "unexpected '<|start|>' at character 0"),
        (("--builtin", "perl"), "unknown built-in tool 'perl'"),
        (("--score", "sglang"), "no engine with a grammar of its own; engines: xgrammar, vllm"),
        (("--score", "vllm"), "vllm is not installed; run: python -m pip install vllm"),
        (("--score", "xgrammar"), "pip install '.[xgrammar]'"),
        (("--score", tmp_path / "tag.json"), "pip install '.[xgrammar]'"),
        (("--score", tmp_path / "x.gbnf"), "in a clone of harmony-spec, run: python -m pip install '.[llamacpp]'"),
        (("--score", tmp_path / "wrong.lark"), "llguidance refuses the grammar"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert error in result.stderr
